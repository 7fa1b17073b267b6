// The live view as a Streamlit component. Streamlit calls the function below again on the same element
// whenever its data or theme change; the view and its socket survive that as long as the runs and the role
// stay the same.

import { loadStyles } from './base/theme.js';
import { LiveView } from './live/view.js';

const mounted = new WeakMap(); // parentElement -> {view, shows, calls}
const PATIENCE_MS = 4000;

/**
 * `data`: {"runs": [id, ...], "role": "presenter" | "viewer", "height": pixels or null, "charts": those of the
 * catalogue}. Returns what undoes it.
 */
export default async function live({ parentElement, data, setTriggerValue }) {
  const state = mounted.get(parentElement) ?? { calls: 0 };
  mounted.set(parentElement, state);
  state.calls += 1;
  const call = state.calls;
  state.trigger = setTriggerValue;
  await loadStyles();
  if (state.calls === call) show(parentElement, state, data);
  return () => leave(parentElement, state, call);
}

function show(parentElement, state, data) {
  const shows = JSON.stringify([data.runs, data.role, data.height ?? null, Object.keys(data.charts)]);
  if (state.shows === shows) {
    state.view.setTheme();
    return;
  }
  state.view?.destroy();
  state.shows = shows;
  state.view = new LiveView(parentElement, {
    ids: [...new Set(data.runs)],
    role: data.role,
    height: data.height ?? null,
    charts: data.charts,
    open: (ids) => open(state, ids),
  });
}

// the page puts the ids into its address and calls us with them; should it not, the address is loaded anew
function open(state, ids) {
  const before = state.shows;
  state.trigger?.('open', { runs: ids });
  setTimeout(() => {
    if (state.shows !== before) return;
    const address = new URL(location.href);
    address.searchParams.delete('run');
    for (const id of ids) address.searchParams.append('run', id);
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
