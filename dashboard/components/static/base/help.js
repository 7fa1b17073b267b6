// Help for those without a mouse: what an element's `title` says is also shown when the keyboard comes to it, and when
// a finger taps on it (on a control, when it rests there).

import { el } from './dom.js';

const SHOWN_MS = 6000;
const CONTROLS = 'button, a, input, select, textarea, summary, canvas, [role=slider]';

/** @type {HTMLElement | null} */
let tip = null;
let hiding = 0;

/** Begins to listen, once for the whole page. */
export function installHelp() {
  if (document.documentElement.dataset.help) return;
  document.documentElement.dataset.help = 'on';
  document.addEventListener('focusin', ({ target }) => {
    if (!(target instanceof Element) || !target.matches(':focus-visible')) return;
    // not within the closing of a popup, which gives the focus back
    setTimeout(() => target === document.activeElement && show(target));
  });
  document.addEventListener('focusout', hide);
  document.addEventListener('pointerup', ({ target, pointerType }) => {
    if (pointerType === 'mouse' || !(target instanceof Element)) return;
    if (target.closest(CONTROLS)) hide();
    else show(target);
  });
  document.addEventListener('contextmenu', ({ target, button }) => {
    if (target instanceof Element && button !== 2) show(target);
  });
  document.addEventListener('keydown', ({ key }) => key === 'Escape' && hide());
  document.addEventListener('scroll', hide, { capture: true, passive: true });
}

function show(target) {
  hide();
  const about = target.closest('.gv-root [title]');
  const root = about?.closest('.gv-root');
  const text = about?.getAttribute('title');
  if (!root || !text) return;
  const shown = el('div', { class: 'gv-help', role: 'tooltip', id: 'gv-help', popover: 'manual', text });
  tip = shown;
  root.append(shown);
  shown.showPopover();
  const at = about.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = shown;
  const below = at.bottom + 6 + height < innerHeight;
  shown.style.left = `${Math.max(8, Math.min(at.left, innerWidth - width - 8))}px`;
  shown.style.top = `${below ? at.bottom + 6 : Math.max(8, at.top - height - 6)}px`;
  about.setAttribute('aria-describedby', 'gv-help');
  hiding = setTimeout(hide, SHOWN_MS);
}

function hide() {
  clearTimeout(hiding);
  if (!tip) return;
  document.querySelector('[aria-describedby=gv-help]')?.removeAttribute('aria-describedby');
  tip.remove();
  tip = null;
}
