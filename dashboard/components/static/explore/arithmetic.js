// The Arithmetic tab: mean(A) - mean(B) + mean(C), three samples a term, as in the DCGAN paper.

import { el, setText } from '../base/dom.js';
import { imagesOf } from './client.js';
import { asked, moved, withCode, withDirection } from './place.js';
import { cutOut, joined, Picture, Sheet } from './sheet.js';
import { Wall } from './wall.js';

const SLOTS = 3;
const TERMS = { a: ['A', ''], b: ['B', '−'], c: ['C', '+'] };
const APART = { code: 1, direction: 2 }; // much of either, in the example that it begins with
const NEIGHBOURS = 8;
const SPREAD = 0.3; // standard deviations of z around the result
const WALL_ROWS = 3;
const CELL = 48; // CSS pixels of a neighbour

export class ArithmeticTab {
  static title = 'Arithmetic';
  static help = 'Adding and subtracting what samples have in common: A - B + C on averages of z.';

  /** `hub`: see explore/view.js. */
  constructor(hub) {
    this.hub = hub;
    this.wall = new Wall(hub, { pick: (place) => this.#fill(place), rows: WALL_ROWS });
    this.terms = Object.fromEntries(Object.keys(TERMS).map((name) => [name, this.#makeTerm(name)]));
    this.result = new Picture('the result');
    this.around = new Sheet('samples around the result', { pick: (index) => hub.go(this.places[index]) });
    this.hint = el('p', { class: 'gx-hint', 'aria-live': 'polite' });
    this.open = el(
      'button',
      { type: 'button', class: 'gx-result', title: 'Select the result', on: { click: () => this.#select() } },
      this.result.canvas,
      el('span', { text: 'result' }),
    );
    this.outcome = el(
      'div',
      { class: 'gx-outcome', hidden: true },
      el('span', { class: 'gx-sign', text: '=' }),
      this.open,
      el('figure', { class: 'gx-figure' }, this.around.canvas, el('figcaption', { text: 'around it' })),
    );
    this.element = el(
      'div',
      { class: 'gx-tab' },
      this.hint,
      this.wall.element,
      el(
        'div',
        { class: 'gx-sum' },
        Object.values(this.terms).map(({ element }) => element),
      ),
      this.outcome,
    );
    this.active = { name: 'a', slot: 0 };
    this.#activate('a', 0);
    if (Object.keys(TERMS).every((name) => !hub.lists[name].length)) this.#begin();
  }

  /** An example to begin with: samples with much of a code or direction, less the same with little, plus others. */
  #begin() {
    const { hub } = this;
    const code = hub.model.codes.find(({ kind, size }) => kind !== 'categorical' && size === 1);
    const [direction] = hub.model.directions;
    const much = (seed, sign) => {
      if (code) return withCode({ seed }, code.name, [sign * APART.code]);
      return direction ? withDirection({ seed }, direction.name, sign * APART.direction) : { seed };
    };
    const seeds = Array.from({ length: SLOTS }, (_, k) => k);
    const terms = { a: [0, 1], b: [0, -1], c: [SLOTS, -1] };
    for (const [name, [first, sign]] of Object.entries(terms))
      hub.put(
        name,
        seeds.map((seed) => much(seed + first, sign)),
      );
  }

  #makeTerm(name) {
    const [letter, sign] = TERMS[name];
    const slots = Array.from({ length: SLOTS }, (_, k) =>
      el('button', {
        type: 'button',
        class: 'gx-slot',
        'aria-label': `${letter}, sample ${k + 1}`,
        on: { click: () => this.#activate(name, k) },
      }),
    );
    const mean = new Picture(`mean of ${letter}`);
    const clear = el('button', {
      type: 'button',
      class: 'gx-free',
      text: 'clear',
      'aria-label': `clear ${letter}`,
      on: { click: () => this.#clear(name) },
    });
    const element = el(
      'div',
      { class: 'gx-term' },
      el('span', { class: 'gx-sign', text: sign }),
      el(
        'div',
        {},
        el('div', { class: 'gx-axis-head' }, el('strong', { text: letter }), clear),
        el('div', { class: 'gx-slots' }, slots),
        el(
          'figure',
          { class: 'gx-figure gx-mean' },
          mean.canvas,
          el('figcaption', { text: `mean of ${letter}` }),
        ),
      ),
    );
    return { element, slots, mean };
  }

  // the slot that the next click on the wall fills
  #activate(name, slot) {
    this.active = { name, slot };
    for (const [each, { slots }] of Object.entries(this.terms))
      slots.forEach((button, k) => button.classList.toggle('gx-active', each === name && k === slot));
    const [letter] = TERMS[name];
    setText(this.hint, `Click a sample for ${letter}, place ${slot + 1} of ${SLOTS}.`);
  }

  #fill(place) {
    const { name, slot } = this.active;
    const places = [...this.hub.lists[name]];
    places[Math.min(slot, places.length)] = place;
    this.hub.put(name, places);
    this.#next();
  }

  #next() {
    const open = Object.keys(TERMS).find((name) => this.hub.lists[name].length < SLOTS);
    const { name } = this.active;
    const here = this.hub.lists[name].length < SLOTS ? name : open;
    if (here) this.#activate(here, this.hub.lists[here].length);
    else this.#activate(name, (this.active.slot + 1) % SLOTS);
  }

  #clear(name) {
    this.hub.put(name, []);
    this.#activate(name, 0);
  }

  #select() {
    if (this.outcomePlace) this.hub.go(moved({ truncation: this.hub.place.truncation }, this.outcomePlace));
  }

  follow() {
    this.wall.follow();
  }

  async rest() {
    await this.wall.rest();
    const { hub } = this;
    const { a, b, c } = hub.lists;
    const shows = JSON.stringify([a, b, c, hub.step]);
    if (shows === this.shows) return;
    await this.#showSlots();
    if (a.length) await this.#add();
    this.outcome.hidden = !a.length;
    this.shows = shows;
  }

  async #showSlots() {
    const { hub, terms } = this;
    const filled = Object.keys(TERMS).flatMap((name) =>
      hub.lists[name].map((place, k) => ({ name, place, k })),
    );
    for (const { slots, mean } of Object.values(terms)) {
      for (const slot of slots) slot.replaceChildren();
      mean.canvas.parentElement.style.visibility = 'hidden';
    }
    if (!filled.length) return;
    const bitmap = await hub.client.grid(
      filled.map(({ place }) => place),
      filled.length,
      'slots',
    );
    filled.forEach(({ name, k }, at) => {
      terms[name].slots[k]?.replaceChildren(cutOut(bitmap, at, filled.length));
    });
  }

  async #add() {
    const { hub } = this;
    const terms = Object.fromEntries(
      Object.keys(TERMS).map((name) => [name, hub.lists[name].slice(0, SLOTS).map(asked)]),
    );
    const request = { ...terms, neighbours: NEIGHBOURS, spread: SPREAD };
    const answer = await hub.client.postJson('/arithmetic', request, 'arithmetic');
    const [result] = await imagesOf([answer.image]);
    this.result.show(result);
    this.outcomePlace = answer.result;
    for (const [name, image] of Object.entries(answer.terms)) {
      const { mean } = this.terms[name];
      const [bitmap] = await imagesOf([image]);
      mean.show(bitmap);
      mean.canvas.parentElement.style.visibility = 'visible';
    }
    const around = await imagesOf(answer.around.map(({ image }) => image));
    around.splice(NEIGHBOURS / 2, 0, result); // in the middle of its neighbours
    this.places = answer.around.map(({ place }) => place);
    this.places.splice(NEIGHBOURS / 2, 0, answer.result);
    this.around.set(joined(around, 3), { count: around.length, columns: 3, cell: CELL });
    this.around.choose(NEIGHBOURS / 2);
  }

  destroy() {
    this.wall.destroy();
  }
}
