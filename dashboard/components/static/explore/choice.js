// Buttons for a code with a few values: a class, or a category that the GAN has found. Each shows what it
// would make of the selected sample.

import { el } from '../base/dom.js';
import { valuesAlong } from './axes.js';
import { cutOut, fitting } from './sheet.js';

const MOST_BUTTONS = 24; // more are a list
const NARROWEST = 46; // CSS pixels of a button
const GAP = 4;

export class AxisChoice {
  /** @type {HTMLElement[]} */
  buttons = []; // a list that opens has none

  /** `axis`: see explore/axes.js. `hub`: {place, z, go(place)}. */
  constructor(axis, hub) {
    this.axis = axis;
    this.hub = hub;
    this.values = valuesAlong(axis, MOST_BUTTONS);
    this.isList = axis.count > MOST_BUTTONS;
    this.free = el('button', {
      type: 'button',
      class: 'gx-free',
      text: 'reset',
      title: 'Back to the value drawn from the seed',
      on: { click: () => hub.go(axis.released(hub.place)) },
    });
    this.body = this.isList ? this.#makeList() : this.#makeButtons();
    this.element = el(
      'div',
      { class: 'gx-axis' },
      el(
        'div',
        { class: 'gx-axis-head' },
        el('span', { class: 'gx-title', text: axis.title, title: axis.help }),
        this.free,
      ),
      this.body,
    );
  }

  #makeButtons() {
    const { hub } = this;
    this.buttons = this.values.map((value) =>
      el(
        'button',
        {
          type: 'button',
          class: 'gx-choice',
          'aria-pressed': 'false',
          title: `${this.axis.title} ${this.axis.labels[value]}`,
          on: { click: () => this.#choose(value) },
        },
        !hub.isPoints && el('canvas', { class: 'gx-thumb', width: hub.native, height: hub.native }),
        el('span', { text: this.axis.labels[value] }),
      ),
    );
    return el('div', { class: 'gx-choices', role: 'group', 'aria-label': this.axis.title }, this.buttons);
  }

  #makeList() {
    const options = this.axis.labels.map((label, value) => el('option', { value, text: label }));
    return el(
      'select',
      {
        class: 'gv-select',
        'aria-label': this.axis.title,
        on: { change: (event) => this.#choose(Number(event.target.value)) },
      },
      options,
    );
  }

  // pressing the chosen one again lets go of it
  #choose(value) {
    const { axis, hub } = this;
    const isChosen = axis.isSet(hub.place) && axis.value(hub.place, hub.z) === value;
    hub.go(isChosen && !this.isList ? axis.released(hub.place) : axis.at(hub.place, value));
  }

  follow() {
    const { axis, hub } = this;
    const value = axis.value(hub.place, hub.z);
    const isSet = axis.isSet(hub.place);
    if (this.says === `${value} ${isSet}`) return; // each attribute that is set costs a look at all styles
    this.says = `${value} ${isSet}`;
    this.free.style.visibility = isSet ? 'visible' : 'hidden';
    if (this.isList) {
      this.body.value = value;
      return;
    }
    this.buttons.forEach((button, k) => {
      button.setAttribute('aria-pressed', String(isSet && k === value));
      button.classList.toggle('gx-drawn', !isSet && k === value);
    });
  }

  /** Spreads the buttons evenly over this width. Returns the values that they stand for. */
  layout(width) {
    if (this.isList) return [];
    const most = fitting(width, NARROWEST, GAP);
    const rows = Math.ceil(this.values.length / most);
    this.body.style.gridTemplateColumns = `repeat(${Math.ceil(this.values.length / rows)}, minmax(0, 1fr))`;
    return this.values;
  }

  show(source, sourceColumns, offset) {
    this.buttons.forEach((button, k) => {
      button.querySelector('canvas')?.replaceWith(cutOut(source, offset + k, sourceColumns));
    });
  }
}
