// What can go wrong between the page and the server, said in place; the page goes on.

import { el } from '../base/dom.js';
import { RequestError } from '../base/request.js';
import { askForCode } from '../login.js';

const RETRY_MS = 1500;
const BUSY_MS = 700; // after the server said that this is too much at once
const NOTICE_MS = 6000;

export class Troubles {
  /** `hub`: {open(id), reopen(), redraw(), layout()}: what to do when the server is back, or less busy. */
  constructor(hub) {
    this.hub = hub;
    this.notice = el('div', { class: 'gv-notice', role: 'alert', hidden: true });
    this.banner = el('div', { class: 'gx-banner', role: 'alert', hidden: true });
  }

  destroy() {
    this.closed = true;
    for (const timer of [this.retrying, this.hiding]) clearTimeout(timer);
  }

  /** Says what went wrong where it can be seen. What is no refusal of the server is thrown on. */
  failed(problem) {
    if (!(problem instanceof RequestError)) throw problem;
    const isOld = problem.status === 409 && problem.message === 'superseded';
    if (this.closed || isOld) return;
    if (problem.status === 0) this.#lost();
    else if (problem.status === 404 && ['model', 'id', 'run'].includes(problem.field ?? ''))
      this.#gone(problem);
    else if (problem.status === 403) askForCode();
    else if (problem.status === 429) this.#again(() => this.hub.redraw(), BUSY_MS);
    else this.notify(problem.text, 'error');
  }

  #lost() {
    this.#say('The server does not answer. Trying again …');
    this.#again(() => this.hub.reopen(), RETRY_MS);
  }

  #again(work, ms) {
    clearTimeout(this.retrying);
    this.retrying = setTimeout(work, ms);
  }

  #gone({ message, remedy }) {
    const choose = el('button', {
      type: 'button',
      class: 'gv-button gv-small',
      text: 'Choose another',
      on: { click: () => this.hub.open(null) },
    });
    const said = `${message.charAt(0).toUpperCase()}${message.slice(1)}`;
    this.#say([said, remedy].filter(Boolean).join(' '), choose);
    this.hub.gone();
  }

  #say(text, ...more) {
    if (this.banner.firstChild?.textContent !== text)
      this.banner.replaceChildren(el('span', { text }), ...more);
    this.banner.hidden = false;
    this.hub.layout();
  }

  /** The server answers: whatever was said about it no longer holds. */
  over() {
    if (this.banner.hidden) return;
    this.banner.hidden = true;
    this.hub.layout();
  }

  notify(text, kind = 'note') {
    clearTimeout(this.hiding);
    this.notice.dataset.kind = kind;
    const hide = () => {
      this.notice.hidden = true;
    };
    const close = { type: 'button', class: 'gv-button gv-small', text: 'Close', on: { click: hide } };
    this.notice.replaceChildren(el('span', { text }), el('button', close));
    this.notice.hidden = false;
    if (kind !== 'error') this.hiding = setTimeout(hide, NOTICE_MS);
  }
}
