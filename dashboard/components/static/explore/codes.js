// The codes panel: what can be moved at the selected place, each with pictures of where it leads.

import { el } from '../base/dom.js';
import { axesOf, TRUNCATION } from './axes.js';
import { AxisChoice } from './choice.js';
import { asked } from './place.js';
import { joined } from './sheet.js';
import { AxisSlider } from './slider.js';

const FIRST = 5; // directions shown at once in a model without codes; the others unfold
const COLUMNS = 16; // of the sheet that all strips are cut from
const PADDING = 12; // CSS pixels of the panel, and of its scroll bar
const MOST = 256; // pictures in one request

export class CodesPanel {
  /** `hub`: {model, client, place, z, native, mayChange, isPoints, go, rename(name, title)}. */
  constructor(hub) {
    this.hub = hub;
    this.axes = axesOf(hub.model);
    const codes = this.axes.filter((axis) => axis.isCode);
    const directions = this.axes.filter((axis) => !axis.isCode);
    const first = codes.length ? 0 : FIRST;
    this.controls = this.axes.map((axis) => this.#control(axis));
    const of = (list) => this.controls.filter(({ axis }) => list.includes(axis)).map((c) => c.element);
    this.more = directions.length > first && this.#fold(codes.length ? 'Directions' : 'More directions');
    this.more?.append?.(...of(directions.slice(first)));
    this.truncation = new AxisSlider(TRUNCATION, hub, { rename: null, hasStrip: false });
    this.element = el(
      'section',
      { class: 'gx-codes', 'aria-label': 'codes' },
      ...of([...codes, ...directions.slice(0, first)]),
      this.truncation.element,
      this.more,
    );
    this.shown = new Map(); // axis key -> what its strip shows
    this.sizes = new ResizeObserver(() => this.#resized());
    this.sizes.observe(this.element);
  }

  destroy() {
    this.sizes.disconnect();
  }

  #control(axis) {
    const { hub } = this;
    if (axis.count) return new AxisChoice(axis, hub);
    const rename = !axis.isCode && hub.mayChange ? (title) => hub.rename(axis.key, title) : null;
    return new AxisSlider(axis, hub, { rename, hasStrip: !hub.isPoints });
  }

  #fold(title) {
    return el(
      'details',
      { class: 'gx-fold', on: { toggle: () => this.hub.refreshSoon() } },
      el('summary', { text: title, title: 'Ways in which the generator changes most (GANSpace)' }),
    );
  }

  #resized() {
    const width = this.element.clientWidth;
    if (!width || width - PADDING === this.width) return;
    this.width = width - PADDING;
    for (const control of this.controls) control.layout(this.width);
    this.shown.clear();
    this.hub.refreshSoon();
  }

  /** Shows where the place is. */
  follow() {
    for (const control of [...this.controls, this.truncation]) control.follow();
    const { z } = this.hub.place;
    this.truncation.range.disabled = Boolean(z); // a z is taken as it is
  }

  /** Draws the strips that no longer show what they should, all in one request. */
  async rest() {
    const { hub } = this;
    if (hub.isPoints || !this.width) return;
    const stale = [];
    const places = [];
    for (const control of this.controls) {
      if (!control.element.offsetParent) continue; // folded away
      const { axis } = control;
      const shows = JSON.stringify([asked(axis.at(hub.place, 0, hub.z)), hub.step]);
      if (this.shown.get(axis.key) === shows) continue;
      const along = control.layout(this.width).map((value) => axis.at(hub.place, value, hub.z));
      if (!along.length || places.length + along.length > MOST) continue;
      stale.push({ control, shows, offset: places.length });
      places.push(...along);
    }
    if (!places.length) return;
    const sheet = joined([await hub.client.grid(places, COLUMNS, 'strips')], 1);
    for (const { control, shows, offset } of stale) {
      control.show(sheet, COLUMNS, offset);
      this.shown.set(control.axis.key, shows);
    }
  }
}
