// The Codes tab: two codes at once, one across and one down. Click a cell to go there.

import { el } from '../base/dom.js';
import { axesOf, valuesAlong } from './axes.js';
import { asked } from './place.js';
import { filling, fitting, Sheet } from './sheet.js';
import { fixed } from '../base/format.js';

const WANTED = 56; // CSS pixels of a cell
const LARGEST = 96;
const GAP = 2;
const MOST = 16; // cells in a row or column: 256 in one request
const NONE = 'none';

export class CodesTab {
  /** @type {object[]} */
  places;
  /** @type {[number[], (number | null)[]]} */
  values; // of the columns, of the rows

  static title = 'Codes';
  static help = 'A grid over two codes: what each does, and what they do together.';

  /** `hub`: see explore/view.js. */
  constructor(hub) {
    this.hub = hub;
    this.axes = axesOf(hub.model);
    const numbers = this.axes.filter((axis) => !axis.count);
    const choices = this.axes.filter((axis) => axis.count);
    const [across, second] = numbers.length ? numbers : choices;
    this.across = this.#select('across', across?.key);
    this.down = this.#select('down', (numbers.length ? (choices[0] ?? second) : null)?.key ?? NONE);
    this.sheet = new Sheet('grid over two codes; click a cell to go there', {
      gap: GAP,
      pick: (index) => hub.go(this.places[index]),
      title: (index) => this.#title(index),
    });
    this.body = el('div', { class: 'gx-wall' }, this.sheet.canvas);
    this.element = el(
      'div',
      { class: 'gx-tab gx-walk' },
      el(
        'div',
        { class: 'gx-row' },
        el('label', { class: 'gx-label' }, 'across', this.across),
        el('label', { class: 'gx-label' }, 'down', this.down),
        el('span', { class: 'gv-muted gx-hint', text: 'Click a cell to go there.' }),
      ),
      this.body,
    );
    this.sizes = new ResizeObserver(() => hub.refreshSoon());
    this.sizes.observe(this.body);
  }

  #select(label, chosen) {
    const options = this.axes.map(({ key, title }) => el('option', { value: key, text: title }));
    if (label === 'down') options.push(el('option', { value: NONE, text: 'none' }));
    const select = el(
      'select',
      { class: 'gv-select', 'aria-label': label, on: { change: () => this.hub.refreshSoon() } },
      options,
    );
    if (chosen) select.value = chosen;
    return select;
  }

  #axis(select) {
    return this.axes.find(({ key }) => key === select.value) ?? null;
  }

  #title(index) {
    const said = (axis, value) => (axis.count ? axis.labels[value] : fixed(value));
    const [across, down] = [this.#axis(this.across), this.#axis(this.down)];
    const words = [`${across.title} ${said(across, this.values[0][index % this.values[0].length])}`];
    if (down)
      words.push(`${down.title} ${said(down, this.values[1][Math.floor(index / this.values[0].length)])}`);
    return words.join(', ');
  }

  // as many cells as there is room for, and all values of a choice; cells are as large as both allow
  #grid(across, down, width, height) {
    const tall = Math.max(height, 5 * WANTED);
    const most = filling(width, WANTED, GAP, MOST);
    const columns = valuesAlong(across, across.count ? MOST : most.columns);
    const most_rows = down?.count ? MOST : Math.max(2, Math.min(MOST, fitting(tall, most.cell, GAP)));
    const rows = down ? valuesAlong(down, most_rows) : [null];
    const room = [
      [width, columns],
      [tall, rows],
    ].map(([length, { length: n }]) => (length + GAP) / n - GAP);
    return { cell: Math.min(LARGEST, Math.floor(Math.min(...room))), columns, rows };
  }

  async rest() {
    const { hub } = this;
    const { clientWidth: width, clientHeight: height } = this.body;
    const across = this.#axis(this.across);
    const down = this.across.value === this.down.value ? null : this.#axis(this.down);
    if (!width || !across || hub.isPoints) return;
    const { cell, columns, rows } = this.#grid(across, down, width, height);
    const base = across.at(hub.place, 0, hub.z);
    const origin = down ? down.at(base, 0, hub.z) : base;
    const shows = JSON.stringify([asked(origin), across.key, down?.key, columns, rows, hub.step]);
    if (shows !== this.shows) {
      const places = rows.flatMap((y) => {
        const start = down ? down.at(hub.place, y, hub.z) : hub.place;
        return columns.map((x) => across.at(start, x, hub.z));
      });
      const bitmap = await hub.client.grid(places, columns.length, 'traverse');
      this.shows = shows;
      this.places = places;
      this.values = [columns, rows];
      this.sheet.set(bitmap, { count: places.length, columns: columns.length, cell });
    }
    this.follow();
  }

  /** Marks the cell nearest to the selected place. */
  follow() {
    if (!this.values) return;
    const { hub } = this;
    const [x, y] = [this.#axis(this.across), this.#axis(this.down)].map((axis, k) => {
      if (!axis) return 0;
      const far = this.values[k].map((value) => Math.abs(value - axis.value(hub.place, hub.z)));
      return far.indexOf(Math.min(...far));
    });
    this.sheet.choose(y * this.values[0].length + x);
  }

  destroy() {
    this.sizes.disconnect();
  }
}
