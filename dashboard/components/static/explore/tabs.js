// The tabs of the Explore view: each is made when it is first opened, and kept.

import { el } from '../base/dom.js';

export class Tabs {
  /** `hub`: see explore/view.js. `kinds`: {name: class with `title` and `help`}. `open(name)`: asked for. */
  constructor(hub, kinds, open) {
    this.hub = hub;
    this.kinds = kinds;
    this.made = {};
    this.name = null;
    this.names = Object.keys(kinds);
    this.buttons = this.names.map((name) =>
      el('button', {
        type: 'button',
        role: 'tab',
        text: kinds[name].title,
        title: kinds[name].help,
        data: { tab: name },
        on: { click: () => open(name), keydown: (event) => this.#key(event, name, open) },
      }),
    );
    this.body = el('div', { class: 'gx-body', role: 'tabpanel' });
    this.element = el(
      'section',
      { class: 'gx-main' },
      el('div', { class: 'gx-tabs', role: 'tablist' }, this.buttons),
      this.body,
    );
  }

  destroy() {
    for (const tab of Object.values(this.made)) tab.destroy?.();
  }

  #key(event, name, open) {
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!way) return;
    event.preventDefault();
    const { names } = this;
    open(names[(names.indexOf(name) + way + names.length) % names.length]);
    this.buttons[names.indexOf(this.name)].focus();
  }

  /** The open tab. */
  get current() {
    return this.made[this.name];
  }

  open(name) {
    this.current?.hide?.();
    this.name = name;
    for (const button of this.buttons) {
      const isOpen = button.dataset.tab === name;
      button.setAttribute('aria-selected', String(isOpen));
      button.tabIndex = isOpen ? 0 : -1;
    }
    this.made[name] ??= this.#make(name);
    for (const [each, tab] of Object.entries(this.made)) tab.element.hidden = each !== name;
  }

  #make(name) {
    const tab = new this.kinds[name](this.hub);
    this.body.append(tab.element);
    return tab;
  }
}
