// Loads the live view while the home page is read, so that Start has nothing left to wait for.

import { loadStyles } from './base/theme.js';

const QUIET_MS = 300;

export default function ahead() {
  const timer = setTimeout(async () => {
    const { STYLES } = await import('./live.js');
    await loadStyles(...STYLES);
    performance.mark('live view loaded');
  }, QUIET_MS);
  return () => clearTimeout(timer);
}
