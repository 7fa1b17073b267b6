// For models of points: where the samples fall, over real data, with the selected one marked.

import { el } from '../base/dom.js';
import { imageOf } from './client.js';
import { asked, moved, overlay } from './place.js';

const SAMPLES = 256; // seeds shown
const SIDE = 512; // pixels of the server's picture
const NEAR = 0.05; // of the side: how far from a point a click still means it

export class PointsMap {
  /** `hub`: {client, model, place, first, step, go(place)}. */
  constructor(hub, label) {
    this.hub = hub;
    this.canvas = el('canvas', {
      class: 'gx-map',
      width: SIDE,
      height: SIDE,
      role: 'img',
      'aria-label': label,
      on: { click: (event) => this.#pick(event) },
    });
    this.point = null;
  }

  /** Marks a point [x, y] of the data. */
  mark(point) {
    this.point = point;
    this.#draw();
  }

  /** Marks where the selected sample falls. */
  follow() {
    if (this.hub.point) this.mark(this.hub.point);
  }

  async rest() {
    const { hub } = this;
    const shows = JSON.stringify([overlay(hub.place), hub.first, hub.step]);
    if (shows === this.shows) return;
    const places = Array.from({ length: SAMPLES }, (_, k) =>
      asked(moved(hub.place, { seed: hub.first + k })),
    );
    const answer = await hub.client.postJson('/render', { places, format: 'json' }, 'map');
    this.background = await imageOf(answer.images[0]);
    this.points = answer.points;
    this.shows = shows;
    this.#draw();
  }

  #pixel([x, y]) {
    const [x0, x1, y0, y1] = this.hub.model.extent;
    return [((x - x0) / (x1 - x0)) * SIDE, SIDE - ((y - y0) / (y1 - y0)) * SIDE];
  }

  #draw() {
    const context = this.canvas.getContext('2d');
    if (this.background) context.drawImage(this.background, 0, 0, SIDE, SIDE);
    if (!this.point) return;
    const [x, y] = this.#pixel(this.point);
    for (const [color, width] of [
      ['#fff', 9],
      ['#1f2328', 5],
    ]) {
      Object.assign(context, { strokeStyle: color, lineWidth: width });
      context.beginPath();
      context.arc(x, y, 14, 0, 2 * Math.PI);
      context.stroke();
    }
  }

  #pick(event) {
    if (!this.points) return;
    const box = this.canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top].map((at) => (at / box.width) * SIDE);
    const far = this.points.map((point) => {
      const [px, py] = this.#pixel(point);
      return Math.hypot(px - x, py - y);
    });
    const nearest = far.indexOf(Math.min(...far));
    if (far[nearest] > NEAR * SIDE) return;
    this.hub.go(moved(this.hub.place, { seed: this.hub.first + nearest }));
  }
}
