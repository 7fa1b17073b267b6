// A plane of latents. Of a model with two numbers to a latent it is that plane itself, the second number upwards;
// of others an endless one: each lattice point has a seed, between them samples are blended smoothly. Drag to walk;
// what lies under the ring is the selected sample.

import { el } from '../base/dom.js';
import { fixed } from '../base/format.js';
import { Latest } from './latest.js';
import { moved, overlay } from './place.js';
import { density } from './sheet.js';
import { reducedMotion } from '../base/theme.js';

const WANTED = 60; // CSS pixels of a tile, or more for larger pictures, up to
const WIDEST = 96;
const PARTS = 4; // tiles from one seed to the next
const AT_ONCE = 48; // tiles in one request
const KEPT = 2000; // tiles
const STILL = 4; // pixels that a click may move
const GLIDE_MS = 220;
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Plane {
  /** @type {number} */
  cell;
  gliding = 0; // the browser's number of the next call, 0: none

  /** `hub`: {client, model, place, z, step, native, go(place, pace), failed(problem), theme}. */
  constructor(hub) {
    this.hub = hub;
    this.isWhole = isWhole(hub.model); // all latents lie in it
    this.center = [0, 0];
    this.seed = 0;
    this.tiles = new Map();
    this.shows = '';
    this.latest = new Latest(
      () => this.#load(),
      (problem) => hub.failed(problem),
    );
    this.canvas = el('canvas', {
      class: 'gx-plane',
      tabindex: 0,
      role: 'application',
      'aria-label': 'plane of samples; drag or use the arrow keys to walk',
      on: { keydown: (event) => this.#key(event) },
    });
    this.element = el('div', { class: 'gx-wall' }, this.canvas);
    this.#listen();
    this.sizes = new ResizeObserver(() => this.#resized());
    this.sizes.observe(this.element);
  }

  destroy() {
    this.sizes.disconnect();
    cancelAnimationFrame(this.gliding);
    this.#forget();
  }

  #forget() {
    for (const tile of this.tiles.values()) tile.close();
    this.tiles.clear();
  }

  #resized() {
    const { clientWidth: width, clientHeight: height } = this.element;
    if (!width || !height) return;
    this.cell = cellOf(this.hub.native);
    this.width = width;
    this.height = height;
    const ratio = density();
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.draw();
    this.hub.refreshSoon();
  }

  /** Where the selected place is on the plane, if it is. */
  follow() {
    const { plane, plane_seed } = this.hub.place;
    if (this.drag || this.gliding) return;
    if (this.isWhole) {
      const z = this.hub.place.z ?? this.hub.z;
      if (z) this.center = [z[0], -z[1]];
      this.draw();
      return;
    }
    if (!plane) return;
    if (this.seed !== (plane_seed ?? 0)) this.#forget();
    this.center = plane;
    this.seed = plane_seed ?? 0;
    this.draw();
  }

  /** Selects what lies under the ring. */
  enter() {
    if (this.isWhole) this.follow();
    else if (!this.hub.place.plane) this.#go(this.center, 'done');
  }

  /** Another plane; where there is but one, another place in it. */
  shuffle(seed) {
    if (this.isWhole) {
      this.hub.go(moved(this.hub.place, { seed }));
      return;
    }
    this.#forget();
    this.seed = seed;
    this.#go([0, 0], 'done');
    this.draw();
  }

  #go(center, pace = 'quick') {
    this.center = center.map((at) => Number(at.toFixed(4)));
    this.hub.go(this.#place(this.center, this.seed), pace);
    this.draw();
    this.latest.ask();
  }

  // the place at a point of the plane
  #place(point, seed) {
    const [x, y] = point;
    return moved(this.hub.place, this.isWhole ? { z: [x, 0 - y] } : { plane: [x, y], plane_seed: seed });
  }

  rest() {
    const shows = JSON.stringify([overlay(this.hub.place), this.seed, this.hub.step]);
    if (shows !== this.shows) this.#forget();
    this.shows = shows;
    this.latest.ask();
  }

  // --- tiles: [i, j] counted in parts

  #visible() {
    const [across, down] = [this.width, this.height].map((length) => length / 2 / this.cell + 0.5);
    const [x, y] = this.center.map((at) => at * PARTS);
    const found = [];
    for (let j = Math.ceil(y - down); j <= y + down; j += 1)
      for (let i = Math.ceil(x - across); i <= x + across; i += 1) found.push([i, j]);
    return found.sort((a, b) => Math.hypot(a[0] - x, a[1] - y) - Math.hypot(b[0] - x, b[1] - y));
  }

  async #load() {
    const { hub, shows, seed } = this;
    if (!this.width) return;
    const missing = this.#visible().filter((tile) => !this.tiles.has(tile.join()));
    const wanted = missing.slice(0, AT_ONCE);
    if (!wanted.length) return;
    const places = wanted.map((tile) =>
      this.#place(
        tile.map((at) => at / PARTS),
        seed,
      ),
    );
    const grid = await hub.client.grid(places, wanted.length, 'plane');
    if (shows === this.shows && seed === this.seed) {
      const side = grid.width / wanted.length;
      const cut = wanted.map((_, k) => createImageBitmap(grid, k * side, 0, side, grid.height));
      (await Promise.all(cut)).forEach((bitmap, k) => this.tiles.set(wanted[k].join(), bitmap));
      this.#thin();
    }
    grid.close();
    this.draw();
    if (missing.length > wanted.length) this.latest.ask();
  }

  #thin() {
    for (const [key, tile] of this.tiles) {
      if (this.tiles.size <= KEPT) return;
      tile.close();
      this.tiles.delete(key);
    }
  }

  draw() {
    if (!this.width) return;
    const context = this.canvas.getContext('2d');
    const ratio = density();
    const size = Math.round(this.cell * ratio);
    const [x, y] = this.center.map((at) => at * PARTS);
    const [middleX, middleY] = [this.canvas.width / 2, this.canvas.height / 2];
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    context.imageSmoothingEnabled = this.hub.native > size;
    for (const [i, j] of this.#visible()) {
      const tile = this.tiles.get(`${i},${j}`);
      const [left, top] = [middleX + (i - x - 0.5) * size, middleY + (j - y - 0.5) * size].map(Math.round);
      if (tile) context.drawImage(tile, left, top, size, size);
      const isPinned = this.isWhole ? !i && !j : i % PARTS === 0 && j % PARTS === 0;
      if (isPinned) this.#pin(context, left + size / 2, top + size / 2, ratio);
    }
    if (this.isWhole) this.#say(context, ratio);
    for (const { color, width } of [
      { color: '#fff', width: 5 },
      { color: '#1f2328', width: 3 },
    ]) {
      Object.assign(context, { strokeStyle: color, lineWidth: width * ratio });
      context.strokeRect(middleX - size / 2, middleY - size / 2, size, size);
    }
  }

  // where the ring is
  #say(context, ratio) {
    const text = `z = ${fixed(this.center[0])}, ${fixed(0 - this.center[1])}`;
    context.font = `600 ${14 * ratio}px ${this.hub.theme.font}`;
    context.textBaseline = 'middle';
    const [left, top] = [8 * ratio, this.canvas.height - 30 * ratio];
    context.fillStyle = 'rgb(255 255 255 / 0.85)';
    context.fillRect(left, top, context.measureText(text).width + 12 * ratio, 22 * ratio);
    context.fillStyle = '#24292f';
    context.fillText(text, left + 6 * ratio, top + 11 * ratio);
  }

  // a lattice point, where a seed lies; or where both numbers are 0
  #pin(context, x, y, ratio) {
    context.beginPath();
    context.arc(x, y, 3 * ratio, 0, 2 * Math.PI);
    Object.assign(context, { fillStyle: '#fff', strokeStyle: '#1f2328', lineWidth: 1.5 * ratio });
    context.fill();
    context.stroke();
  }

  // --- pointer and keys

  #listen() {
    const { canvas } = this;
    canvas.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      this.#stop();
      this.drag = { at: [event.clientX, event.clientY], from: this.center, moved: 0 };
    });
    canvas.addEventListener('pointermove', (event) => {
      if (!this.drag) return;
      const by = [event.clientX - this.drag.at[0], event.clientY - this.drag.at[1]];
      this.drag.moved = Math.max(this.drag.moved, Math.hypot(...by));
      if (this.drag.moved <= STILL) return;
      this.#go(
        this.drag.from.map((at, k) => at - by[k] / this.cell / PARTS),
        'held',
      );
    });
    canvas.addEventListener('pointerup', (event) => {
      const { drag } = this;
      this.drag = null;
      if (drag && drag.moved <= STILL) this.#glide(this.#under(event));
      else this.hub.refreshSoon();
    });
    canvas.addEventListener('pointercancel', () => {
      this.drag = null;
      this.hub.refreshSoon();
    });
  }

  // the tile's own point under a pointer
  #under(event) {
    const box = this.canvas.getBoundingClientRect();
    const by = [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2];
    return this.center.map((at, k) => Math.round((at + by[k] / this.cell / PARTS) * PARTS) / PARTS);
  }

  #key(event) {
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    const fine = event.shiftKey ? 0.1 : 1;
    this.#stop();
    this.#go(this.center.map((at, k) => at + (step[k] * fine) / PARTS));
  }

  #stop() {
    cancelAnimationFrame(this.gliding);
    this.gliding = 0;
  }

  #glide(to) {
    if (reducedMotion()) {
      this.#go(to, 'done');
      return;
    }
    const from = this.center;
    const start = performance.now();
    const move = (time) => {
      const share = Math.min(1, Math.max(0, (time - start) / GLIDE_MS));
      const eased = share * (2 - share);
      this.gliding = share < 1 ? requestAnimationFrame(move) : 0;
      this.#go(
        from.map((at, k) => at + (to[k] - at) * eased),
        share < 1 ? 'held' : 'done',
      );
    };
    this.gliding = requestAnimationFrame(move);
  }
}

/** Whether a model's latents are two numbers that mean nothing by themselves: then one plane has them all. */
export function isWhole({ latent_dim: size, codes }) {
  return size === 2 && !codes.length;
}

// a whole multiple of the picture's pixels, near what is wanted
function cellOf(native) {
  const ratio = density();
  const wanted = Math.max(WANTED, Math.min(native, WIDEST)) * ratio;
  return native > wanted ? wanted / ratio : (Math.round(wanted / native) * native) / ratio;
}
