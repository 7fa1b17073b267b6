// The Interpolate tab: from key sample to key sample, as a film strip and as a film; how far each step goes.

import { el, setText } from '../base/dom.js';
import { save } from './client.js';
import { Film } from './film.js';
import { asked, moved } from './place.js';
import { cutOut } from './sheet.js';
import { Wall } from './wall.js';

const MOST_KEYS = 12;
const WALL_ROWS = 2;
const FILES = { gif: ['GIF', 'image/gif'], mp4: ['MP4', 'video/mp4'], png: ['PNG strip', 'image/png'] };

export class InterpolateTab {
  /** @type {HTMLButtonElement[]} */
  exports;

  static title = 'Interpolate';
  static help = 'Walk from one sample to the next: a generator that has understood changes smoothly.';

  /** `hub`: see explore/view.js. */
  constructor(hub) {
    this.hub = hub;
    this.steps = 16;
    this.mode = 'spherical';
    this.loop = true;
    this.wall = new Wall(hub, { pick: (place) => this.#add(place), rows: WALL_ROWS });
    this.keys = el('div', { class: 'gx-keys', role: 'list', 'aria-label': 'key samples' });
    this.film = new Film(hub, (isPlaying) => setText(this.player, isPlaying ? 'Pause' : 'Play'));
    this.element = el(
      'div',
      { class: 'gx-tab' },
      el('p', { class: 'gx-hint', text: 'Click samples to walk between them; shuffle the wall under Walk.' }),
      this.wall.element,
      this.keys,
      this.#makeTools(),
      this.film.element,
    );
  }

  #makeTools() {
    const button = (text, title, click) =>
      el('button', { type: 'button', class: 'gv-button gv-small', text, title, on: { click } });
    this.player = button('Play', 'Play or pause', () => this.film.toggle());
    const steps = el('input', {
      class: 'gv-field gx-number',
      type: 'number',
      min: 2,
      max: 60,
      value: this.steps,
      title: 'Pictures from one key to the next, 2 to 60',
      on: {
        change: () => {
          this.steps = Math.min(60, Math.max(2, Math.round(Number(steps.value)) || 16));
          steps.value = this.steps;
          this.hub.refreshSoon();
        },
      },
    });
    const loop = el('input', {
      type: 'checkbox',
      class: 'gv-check',
      checked: this.loop,
      on: {
        change: () => {
          this.loop = loop.checked;
          this.hub.refreshSoon();
        },
      },
    });
    this.exports = Object.entries(FILES).map(([format, [text]]) =>
      button(text, `Download the walk as ${text}`, (event) => this.#export(format, event.target)),
    );
    return el(
      'div',
      { class: 'gx-row' },
      this.player,
      this.#modes(),
      el('label', { class: 'gx-label' }, 'steps', steps),
      el('label', { class: 'gx-label', title: 'Go back to the first' }, loop, 'loop'),
      el('span', { class: 'gx-push' }),
      this.exports,
    );
  }

  #modes() {
    const titles = {
      linear: 'Straight: passes near the origin, where few latents were drawn in training',
      spherical: 'On a great circle, at the distance at which Gaussian noise lies',
    };
    const buttons = Object.entries(titles).map(([mode, title]) =>
      el('button', {
        type: 'button',
        text: mode,
        title,
        'aria-pressed': String(mode === this.mode),
        on: {
          click: () => {
            this.mode = mode;
            for (const each of buttons) each.setAttribute('aria-pressed', String(each.textContent === mode));
            this.hub.refreshSoon();
          },
        },
      }),
    );
    return el('div', { class: 'gv-segments', role: 'group', 'aria-label': 'how to go' }, buttons);
  }

  #add(place) {
    const keys = this.hub.lists.key;
    if (keys.length < MOST_KEYS) this.hub.put('key', [...keys, place]);
    else this.hub.notify(`At most ${MOST_KEYS} key samples.`);
  }

  #remove(index) {
    this.hub.put(
      'key',
      this.hub.lists.key.filter((_, k) => k !== index),
    );
  }

  follow() {
    this.wall.follow();
  }

  async rest() {
    await this.wall.rest();
    await this.#showKeys();
    await this.#walk();
  }

  async #showKeys() {
    const { hub } = this;
    const keys = hub.lists.key;
    const shows = JSON.stringify([keys.map(asked), hub.step]);
    if (shows === this.keysShown) return;
    const bitmap = keys.length ? await hub.client.grid(keys, keys.length, 'keys') : null;
    this.keysShown = shows;
    this.keys.replaceChildren(
      ...keys.map((place, k) =>
        el(
          'div',
          { class: 'gx-key', role: 'listitem' },
          el(
            'button',
            { type: 'button', title: 'Select', on: { click: () => hub.go(place) } },
            cutOut(bitmap, k, keys.length),
          ),
          el('button', {
            type: 'button',
            class: 'gx-remove',
            text: '×',
            title: 'Take it out',
            'aria-label': `take key ${k + 1} out`,
            on: { click: () => this.#remove(k) },
          }),
        ),
      ),
    );
    if (keys.length < 2)
      this.keys.append(
        el('button', {
          type: 'button',
          class: 'gv-button gv-small',
          text: 'Four at random',
          title: 'Choose four random seeds',
          on: { click: () => this.#random() },
        }),
      );
    bitmap?.close();
  }

  #random() {
    const seeds = Array.from({ length: 4 }, () => Math.floor(Math.random() * 1e6));
    this.hub.put(
      'key',
      seeds.map((seed) => moved(this.hub.place, { seed })),
    );
  }

  get #request() {
    const { steps, mode, loop } = this;
    return { keys: this.hub.lists.key.map(asked), steps, mode, loop };
  }

  async #walk() {
    const { hub, film } = this;
    const request = this.#request;
    const isReady = request.keys.length > 1;
    for (const button of [this.player, ...this.exports]) button.disabled = !isReady;
    film.element.hidden = !isReady;
    const shows = JSON.stringify([request, hub.step]);
    if (!isReady || shows === this.shows) return;
    const answer = await hub.client.postJson('/walk', { ...request, format: 'json' }, 'walk');
    this.shows = shows;
    await film.load(answer, request.loop);
  }

  async #export(format, button) {
    button.disabled = true;
    try {
      const response = await this.hub.client.post('/walk', { ...this.#request, format });
      save(await response.blob(), `${this.hub.model.id}-walk.${format}`);
    } catch (problem) {
      this.hub.failed(problem);
    }
    button.disabled = false;
  }

  hide() {
    this.film.pause();
  }

  destroy() {
    this.film.destroy();
    this.wall.destroy();
  }
}
