// The live view as a Streamlit component: it and its socket survive as long as the runs and the role stay the
// same.

import { component } from './base/mounting.js';
import { LiveView } from './live/view.js';

export const STYLES = ['game.css'];

/**
 * `data`: {"runs": [id, ...], "role": "presenter" | "viewer", "height": pixels or null, "charts": those of the
 * catalogue, "lesson": what a lesson wants to be seen (see theory.js), or null}.
 */
export default component({
  styles: STYLES,
  shows: (data) => [data.runs, data.role, data.height ?? null, Object.keys(data.charts), data.lesson ?? null],
  make: (element, data, open) =>
    new LiveView(element, {
      ids: [...new Set(data.runs)],
      role: data.role,
      height: data.height ?? null,
      charts: data.charts,
      lesson: data.lesson ?? null,
      open,
    }),
  value: (ids) => ({ runs: ids }),
  move: (address, ids) => {
    address.searchParams.delete('run');
    for (const id of ids) address.searchParams.append('run', id);
  },
});
