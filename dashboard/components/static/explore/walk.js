// The Walk tab: a wall of seeds, or the endless plane between them.

import { el } from '../base/dom.js';
import { moved } from './place.js';
import { isWhole, Plane } from './plane.js';
import { PointsMap } from './points.js';
import { Wall } from './wall.js';

const SEEDS = 1_000_000; // that shuffling chooses from: short enough to be read out
const VIEWS = {
  wall: ['Wall', 'One sample for each seed'],
  plane: ['Plane', 'An endless plane of latents: drag to walk from seed to seed'],
};
const WHOLE = ['Plane', 'The plane of its two latents, all that it can draw: drag to walk'];

export class WalkTab {
  static title = 'Walk';
  static help = 'Look around: many samples at once, and the way between them.';

  /** `hub`: see explore/view.js. */
  constructor(hub) {
    this.hub = hub;
    this.views = hub.isPoints
      ? { wall: new PointsMap(hub, 'samples over real data; click one to select it') }
      : { wall: new Wall(hub, { pick: (place) => hub.go(place) }), plane: new Plane(hub) };
    this.seed = el('input', {
      class: 'gv-field gx-number',
      type: 'number',
      min: 0,
      max: Number.MAX_SAFE_INTEGER,
      'aria-label': 'go to a seed',
      title: 'The seed from which the wall counts; type one to go there',
      on: { change: () => this.#toSeed() },
    });
    this.element = el(
      'div',
      { class: 'gx-tab gx-walk' },
      el(
        'div',
        { class: 'gx-row' },
        this.#choices(),
        el('button', {
          type: 'button',
          class: 'gv-button gv-small',
          text: 'Shuffle',
          title: 'Other seeds',
          on: { click: () => this.#shuffle() },
        }),
        el('label', { class: 'gx-label' }, 'seed', this.seed),
      ),
      Object.values(this.views).map((view) => view.element ?? el('div', { class: 'gx-wall' }, view.canvas)),
    );
    this.#show();
  }

  #choices() {
    if (this.hub.isPoints) return null;
    const views = isWhole(this.hub.model) ? { ...VIEWS, plane: WHOLE } : VIEWS;
    this.buttons = Object.entries(views).map(([value, [text, title]]) =>
      el('button', { type: 'button', value, text, title, on: { click: () => this.#choose(value) } }),
    );
    return el('div', { class: 'gv-segments', role: 'group', 'aria-label': 'view' }, this.buttons);
  }

  get #view() {
    return this.views[this.hub.view] ?? this.views.wall;
  }

  #choose(view) {
    this.hub.set({ view });
    this.#show();
    this.#view.enter?.();
  }

  #show() {
    for (const view of Object.values(this.views))
      (view.element ?? view.canvas.parentElement).hidden = view !== this.#view;
    for (const button of this.buttons ?? [])
      button.setAttribute('aria-pressed', String(button.value === this.hub.view));
  }

  #shuffle() {
    const seed = Math.floor(Math.random() * SEEDS);
    if (this.#view.shuffle) {
      this.#view.shuffle(seed);
      return;
    }
    this.hub.set({ first: seed });
    this.hub.go(moved(this.hub.place, { seed }));
  }

  #toSeed() {
    const seed = Number(this.seed.value);
    if (!Number.isSafeInteger(seed) || seed < 0) {
      this.follow();
      return;
    }
    this.hub.set({ first: seed, view: 'wall' });
    this.#show();
    this.hub.go(moved(this.hub.place, { seed }));
  }

  follow() {
    this.seed.value = this.hub.first;
    this.#view.follow?.();
  }

  rest() {
    return this.#view.rest();
  }

  destroy() {
    for (const view of Object.values(this.views)) view.destroy?.();
  }
}
