// The Explore page as a Streamlit component. Streamlit calls the function below again on the same element
// whenever its data or theme change; the view survives that as long as the model and the role stay the same.

import { readAddress } from './explore/place.js';
import { ExploreView } from './explore/view.js';
import { loadStyles } from './base/theme.js';

const mounted = new WeakMap(); // parentElement -> {view, shows, calls}
const PATIENCE_MS = 4000;

/** `data`: {"model": id, "role": "presenter" | "viewer"}. Returns what undoes it. */
export default async function explore({ parentElement, data, setTriggerValue }) {
  const state = mounted.get(parentElement) ?? { calls: 0 };
  mounted.set(parentElement, state);
  state.calls += 1;
  const call = state.calls;
  state.trigger = setTriggerValue;
  await loadStyles('explore.css');
  if (state.calls === call) show(parentElement, state, data);
  return () => leave(parentElement, state, call);
}

function show(parentElement, state, { model, role }) {
  const shows = JSON.stringify([model, role]);
  if (state.shows === shows) {
    state.view.setTheme();
    return;
  }
  state.view?.destroy();
  state.shows = shows;
  const address = readAddress(location.search);
  state.view = new ExploreView(parentElement, {
    id: model,
    role,
    start: address.model === model ? address : readAddress(''), // the address of another model says nothing
    open: (id) => open(state, id),
  });
}

// the page puts the id into its address and calls us with it; should it not, the address is loaded anew
function open(state, id) {
  const before = state.shows;
  state.trigger?.('open', { model: id });
  setTimeout(() => {
    if (state.shows !== before) return;
    const address = new URL(location.href);
    address.search = id ? `${new URLSearchParams({ model: id })}` : '';
    location.assign(address);
  }, PATIENCE_MS);
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
