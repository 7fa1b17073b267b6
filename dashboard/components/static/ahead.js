// Loads the live view while the home page is read, so that Start has nothing left to wait for.

import { loadStyles } from './base/theme.js';

const QUIET_MS = 300;

export default function ahead() {
  const timer = setTimeout(async () => {
    await Promise.all([import('./live.js'), loadStyles()]);
    performance.mark('live view loaded');
  }, QUIET_MS);
  return () => clearTimeout(timer);
}
