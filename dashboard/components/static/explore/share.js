// Taking text along: to the clipboard where the browser allows it, in a field to copy from where not.

import { el, popup } from '../base/dom.js';

/** Copies `text`; where that is not allowed, shows it under `anchor`. Returns whether it was copied. */
export async function copyText(text, anchor, label) {
  const copied = await navigator.clipboard?.writeText(text).then(
    () => true,
    () => false,
  );
  if (copied) return true;
  const field = el('textarea', { class: 'gv-field', readonly: true, rows: 3, cols: 48, 'aria-label': label });
  field.value = text;
  popup(anchor, el('div', {}, el('p', { text: `Copy this ${label}:` }), field), { label });
  field.select();
  return false;
}
