// One slider of the codes panel, with the strip of pictures that it goes through.

import { el, setText } from '../base/dom.js';
import { valuesAlong } from './axes.js';
import { filling, Sheet } from './sheet.js';
import { fixed } from '../base/format.js';

const KEY_STEP = 0.1; // an arrow key moves as far as a few pixels of the pointer
const FINE = 0.01; // with shift
const GAP = 1;
const WANTED = 34; // CSS pixels of a picture in the strip
const MOST = 11; // pictures
const THUMB = 18; // CSS pixels of the slider's handle

export class AxisSlider {
  /** @type {number[]} */
  values;

  /**
   * `axis`: see explore/axes.js. `hub`: {place, z, go(place, pace), refreshSoon, native}. `rename(title)`:
   * given if the title may be changed. `hasStrip`: whether to show what it goes through.
   */
  constructor(axis, hub, { rename, hasStrip = true }) {
    this.axis = axis;
    this.hub = hub;
    this.title = rename ? this.#nameField(rename) : el('span', { class: 'gx-title', text: axis.title });
    if (!rename) this.title.tabIndex = 0;
    this.title.title = rename ? `${axis.help} Click to name it.` : axis.help;
    this.output = el('output', { class: 'gv-number' });
    this.free = el('button', {
      type: 'button',
      class: 'gx-free',
      text: 'reset',
      title: axis.isCode ? 'Back to the value drawn from the seed' : 'Back to where it was',
      on: { click: () => hub.go(axis.released(hub.place)) },
    });
    this.range = el('input', {
      type: 'range',
      class: 'gv-range',
      min: axis.min,
      max: axis.max,
      step: axis.step,
      'aria-label': axis.title,
      data: { axis: axis.key },
      on: {
        input: () => this.#moved(Number(this.range.value), 'held'),
        change: () => hub.refreshSoon(), // let go
        keydown: (event) => this.#key(event),
      },
    });
    this.strip = hasStrip ? this.#makeStrip() : null;
    this.element = el(
      'div',
      { class: 'gx-axis' },
      el('div', { class: 'gx-axis-head' }, this.title, this.free, this.output),
      this.range,
      this.strip?.canvas,
    );
  }

  #nameField(rename) {
    const { axis } = this;
    return el('input', {
      class: 'gx-title gx-rename',
      value: axis.title,
      maxlength: 40,
      spellcheck: 'false',
      'aria-label': `name of direction ${axis.key}`,
      on: { change: (event) => rename(event.target.value.trim()) },
    });
  }

  #makeStrip() {
    return new Sheet(`what ${this.axis.title} changes`, {
      gap: GAP,
      pick: (index) => this.hub.go(this.axis.at(this.hub.place, this.values[index], this.hub.z)),
      title: (index) => fixed(this.values[index]),
    });
  }

  #moved(value, pace) {
    const { axis, hub } = this;
    hub.go(axis.at(hub.place, value, hub.z), pace);
  }

  #key(event) {
    const way = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
    if (!way) return;
    event.preventDefault();
    const value = Number(this.range.value) + way * (event.shiftKey ? FINE : KEY_STEP);
    const { min, max } = this.axis;
    this.#moved(Number(Math.min(max, Math.max(min, value)).toFixed(4)), 'quick');
  }

  /** Shows where the place is on this axis. */
  follow() {
    const { axis, hub, range } = this;
    const value = axis.value(hub.place, hub.z);
    const says = `${value} ${axis.isSet(hub.place)}`;
    if (says === this.says && Number(range.value) === value) return;
    this.says = says;
    const reach = Math.max(axis.max, Math.abs(value)); // an address may lie farther out
    if (Number(range.max) !== reach)
      Object.assign(range, { max: reach, min: axis.min < 0 ? -reach : axis.min });
    if (Number(range.value) !== value) range.value = value;
    setText(this.output, fixed(value));
    this.free.style.visibility = axis.isSet(hub.place) ? 'visible' : 'hidden';
    if (this.strip && this.values) this.strip.choose(this.#nearest(value));
  }

  #nearest(value) {
    const far = this.values.map((each) => Math.abs(each - value));
    return far.indexOf(Math.min(...far));
  }

  // --- the strip

  /** Divides the strip for this width. Returns the values of its pictures. */
  layout(width) {
    if (!this.strip) return [];
    const { columns, cell } = filling(width, WANTED, GAP, MOST);
    this.cell = cell;
    this.values = valuesAlong(this.axis, columns);
    const used = columns * (cell + GAP) - GAP;
    // the handle's middle stands over the middle of the picture that it means
    this.range.style.width = `${used - cell + THUMB}px`;
    this.range.style.marginLeft = `${(cell - THUMB) / 2}px`;
    this.strip.reserve(columns, columns, cell);
    return this.values;
  }

  /** Shows pictures `offset` and following of `source`, `sourceColumns` side by side. */
  show(source, sourceColumns, offset) {
    const { cell, values } = this;
    this.strip?.set(source, { count: values.length, columns: values.length, cell, sourceColumns, offset });
    this.strip?.choose(this.#nearest(this.axis.value(this.hub.place, this.hub.z)));
  }
}
