// A line over the view: what was done, for a while, or what went wrong, until it is closed.

import { el } from '../base/dom.js';

const SHOWN_MS = 6000;

export class Notice {
  constructor() {
    this.element = el('div', { class: 'gv-notice', role: 'alert', hidden: true });
  }

  /** @param {string} text @param {'note' | 'error'} kind */
  show(text, kind = 'note') {
    clearTimeout(this.timer);
    const hide = () => {
      this.element.hidden = true;
    };
    this.element.dataset.kind = kind;
    this.element.replaceChildren(
      el('span', { text }),
      el('button', { type: 'button', class: 'gv-button gv-small', text: 'Close', on: { click: hide } }),
    );
    this.element.hidden = false;
    if (kind !== 'error') this.timer = setTimeout(hide, SHOWN_MS);
  }
}
