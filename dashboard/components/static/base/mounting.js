// A view as a Streamlit component. Streamlit calls a component again on the same element whenever its data or
// theme change; the view survives that as long as it shows the same.

import { installHelp } from './help.js';
import { loadStyles } from './theme.js';

const mounted = new WeakMap(); // parentElement -> {view, shows, calls, trigger}
const PATIENCE_MS = 4000;

/**
 * A component's default export. `styles`: more style sheets. `shows(data)`: what makes it another view.
 * `make(element, data, open)`: the view. `open(what)` has the page show something else: `value(what)` is what
 * it is told, and should it not listen, the address is loaded anew as `move(address, what)` changes it.
 * @param {{ styles?: string[], shows: Function, make: Function, value: Function, move: Function }} parts
 */
export function component({ styles = [], shows, make, value, move }) {
  installHelp();
  return async ({ parentElement, data, setTriggerValue }) => {
    const state = mounted.get(parentElement) ?? { calls: 0 };
    mounted.set(parentElement, state);
    state.calls += 1;
    const call = state.calls;
    state.trigger = setTriggerValue;
    await loadStyles(...styles);
    if (state.calls === call) show(state, JSON.stringify(shows(data)), () => make(parentElement, data, open));
    return () => leave(parentElement, state, call);

    function open(what) {
      const before = state.shows;
      state.trigger?.('open', value(what));
      setTimeout(() => {
        if (state.shows !== before) return;
        const address = new URL(location.href);
        move(address, what);
        location.assign(address);
      }, PATIENCE_MS);
    }
  };
}

function show(state, shows, make) {
  if (state.shows === shows) {
    state.view.setTheme();
    return;
  }
  state.view?.destroy();
  state.shows = shows;
  state.view = make();
}

// Streamlit also undoes a call that a newer one has overtaken: only the newest call may end the view
function leave(parentElement, state, call) {
  const end = () => {
    if (state.calls !== call) return;
    state.view?.destroy();
    mounted.delete(parentElement);
  };
  if (parentElement.isConnected) setTimeout(end, 100);
  else end();
}
