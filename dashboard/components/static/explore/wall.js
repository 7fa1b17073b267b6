// A wall of samples, one for each of a row of seeds, all with the same codes: click one to select it.

import { el } from '../base/dom.js';
import { moved, overlay } from './place.js';
import { filling, fitting, Sheet } from './sheet.js';

const WANTED = 60; // CSS pixels of a cell, or more for larger pictures, up to
const WIDEST = 96;
const GAP = 2;
const MOST = 240; // samples

export class Wall {
  /** @type {number} */
  columns;
  /** @type {number} */
  cell;

  /**
   * `hub`: {client, place, first, step, native}. `pick(place)`: a sample was clicked. `rows`: at most as
   * many.
   */
  constructor(hub, { pick, rows = Infinity }) {
    this.hub = hub;
    this.pick = pick;
    this.rows = rows;
    this.sheet = new Sheet('wall of samples; the arrow keys go from one to the next', {
      gap: GAP,
      pick: (index) => this.#pick(index),
      title: (index) => `seed ${this.first + index}`,
    });
    this.element = el('div', { class: 'gx-wall' }, this.sheet.canvas);
    this.first = 0;
    this.count = 0;
    this.sizes = new ResizeObserver(() => this.#resized());
    this.sizes.observe(this.element);
  }

  destroy() {
    this.sizes.disconnect();
  }

  #resized() {
    const before = [this.columns, this.count].join();
    const { clientWidth: width, clientHeight: height } = this.element;
    if (!width) return;
    Object.assign(this, filling(width, Math.max(WANTED, Math.min(this.hub.native, WIDEST)), GAP));
    const rows = Math.min(this.rows, fitting(Math.max(height, this.cell), this.cell, GAP));
    this.count = Math.min(MOST, this.columns * rows);
    if (before === [this.columns, this.count].join()) return;
    this.sheet.reserve(this.count, this.columns, this.cell);
    this.hub.refreshSoon();
  }

  #pick(index) {
    this.pick(moved(this.hub.place, { seed: this.first + index }));
  }

  /** Marks the selected sample if it is on the wall. */
  follow() {
    const { seed } = this.hub.place;
    const index = seed === undefined ? -1 : seed - this.first;
    this.sheet.choose(index >= 0 && index < this.count ? index : null);
  }

  async rest() {
    const { hub, columns, count, cell } = this;
    if (!count) return;
    const shows = JSON.stringify([overlay(hub.place), hub.first, count, columns, hub.step]);
    if (shows === this.shows) return;
    const { first } = hub;
    const places = Array.from({ length: count }, (_, k) => moved(hub.place, { seed: first + k }));
    const bitmap = await hub.client.grid(places, columns, 'wall');
    this.shows = shows;
    this.first = first;
    this.sheet.set(bitmap, { count, columns, cell });
    this.follow();
  }
}
