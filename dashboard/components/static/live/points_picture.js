// The layered picture of a two-dimensional run: D's heat map, real and generated points, manifold,
// gradients, optimal D, and what is special about its GAN.

import { el, setText } from '../base/dom.js';
import { contour, HeatMap, valueAt } from '../base/heatmap.js';
import { fixed } from '../base/format.js';
import { Motion } from '../base/motion.js';
import { Raster, Sprite } from '../base/raster.js';
import { PAPER, reducedMotion } from '../base/theme.js';

const MOST_PIXELS = 900; // a side: beyond it the eye gains nothing and a phone gets warm
const LONGEST_ARROW = 0.09; // of the picture's width; longer ones are cut: one wild gradient hides nothing
const MISSED_BELOW = 0.004; // a mode with less than this share of the samples is ringed as missed
const NEAR = 3; // standard deviations of a mode, as in engine/metrics/coverage.py

/** Of each of `modes`, whether hardly any of the good `points` [x, y, ...] belong to it. */
export function missedModes(points, modes, sd) {
  const hits = new Array(modes.length).fill(0);
  let good = 0;
  for (let i = 0; i < points.length; i += 2) {
    let best = -1;
    let least = (NEAR * sd) ** 2;
    modes.forEach(([x, y], k) => {
      const square = (points[i] - x) ** 2 + (points[i + 1] - y) ** 2;
      if (square < least) [best, least] = [k, square];
    });
    if (best < 0) continue;
    hits[best] += 1;
    good += 1;
  }
  return hits.map((count) => count <= MISSED_BELOW * good);
}

/** How many of `points` [x, y, ...] lie outside of `extent`, or nowhere. */
export function beyondFrame(points, extent) {
  const [x0, x1, y0, y1] = extent;
  let count = 0;
  for (let i = 0; i < points.length; i += 2) {
    const [x, y] = [points[i], points[i + 1]];
    if (!(x >= x0 && x <= x1 && y >= y0 && y <= y1)) count += 1;
  }
  return count;
}

function disc(context, radius) {
  context.arc(0, 0, radius, 0, 2 * Math.PI);
}

function diamond(context, radius) {
  context.moveTo(0, -radius);
  context.lineTo(radius, 0);
  context.lineTo(0, radius);
  context.lineTo(-radius, 0);
  context.closePath();
}

export class PointsPicture {
  /** @type {HeatMap} */
  map;
  /** @type {number} */
  paper;
  /** @type {Raster} */
  base;
  /** @type {Raster} */
  shown;
  /** @type {Sprite[]} */
  coloured;
  /** @type {number[]} */
  extent;
  /** @type {number} */
  sd;
  /** @type {[number, number][]} */
  modes;
  /** @type {{ header: import('../base/records.js').FrameHeader, heat?: Uint8Array, optimal?: Uint8Array, category?: Uint8Array, rows?: number } | null} */
  frame;

  /**
   * `meta`: config.meta of the run. `layers`: {real, fake, d, optimal, manifold, arrows, category,
   * reconstructed}: booleans, shared and read live.
   */
  constructor(meta, layers, dark) {
    this.layers = layers;
    this.motion = new Motion();
    this.frame = null;
    this.real = null;
    this.side = 0;
    this.canvas = el('canvas', { class: 'gv-canvas', tabindex: 0, role: 'img' });
    this.readout = el('div', { class: 'gv-readout', hidden: true });
    this.outside = el('div', {
      class: 'gv-chip gv-outside gv-number',
      hidden: true,
      title: 'Generated points beyond the frame lie at its edge, faint, in their direction.',
    });
    this.element = el('div', { class: 'gv-paper' }, this.canvas, this.readout, this.outside);
    this.probe = null; // [u, v] in 0..1 from the lower left
    this.#listen();
    this.configure(meta, dark);
  }

  /**
   * @param {Partial<import('../base/records.js').Meta>} meta
   * @param {boolean} dark
   */
  configure(meta, dark) {
    const dim = dark ? 0.9 : 1;
    this.map = new HeatMap(48, dim);
    this.paper = Math.round(252 * dim) * 0x010101 + 0xff000000;
    this.extent = meta.data?.extent ?? [-2, 2, -2, 2];
    this.modes = meta.data?.modes ?? [];
    this.sd = meta.data?.sd ?? 0.05;
    this.isProbability = Boolean(meta.objective?.range);
    this.canvas.setAttribute(
      'aria-label',
      `Real and generated points of ${meta.data?.title ?? 'the run'} on the plane`,
    );
    if (this.side) this.#size(this.side, this.ratio);
  }

  setReal({ arrays }) {
    this.real = arrays.real;
    this.redraw();
  }

  /** CSS pixels that the square may take. */
  resize(width, height) {
    const size = Math.min(width, height);
    const ratio = Math.min(2, devicePixelRatio || 1, MOST_PIXELS / size);
    const side = Math.round(size * ratio);
    if (this.side !== side) this.#size(side, ratio);
  }

  #size(side, ratio) {
    this.side = side;
    this.ratio = ratio;
    this.canvas.width = this.canvas.height = side;
    this.context = this.canvas.getContext('2d', { alpha: false });
    this.map.resize(side);
    this.base = new Raster(side); // all that does not move between frames
    this.shown = new Raster(side);
    const rim = ratio;
    this.dot = new Sprite(Math.max(2.4 * ratio, side / 170), {
      fill: PAPER.real,
      alpha: 0.8,
      rim: rim / 2,
      outline: disc,
    });
    const shaped = (fill) => new Sprite(Math.max(3.6 * ratio, side / 105), { fill, rim, outline: diamond });
    this.diamond = shaped(PAPER.fake);
    this.coloured = PAPER.categories.map(shaped);
    this.edge = new Sprite(Math.max(3 * ratio, side / 120), {
      fill: PAPER.fake,
      alpha: 0.45,
      rim: 0,
      outline: diamond,
    });
    this.end = new Sprite(2 * ratio, { fill: `rgb(${PAPER.reconstructed})`, rim: 0, outline: disc });
    this.redraw();
  }

  redraw() {
    this.stale = true;
    this.dirty = true;
  }

  /** Whether the last frame has what the layer `name`, of some GANs only, shows. */
  has(name) {
    return Boolean(this.frame?.[name] ?? this.motion.get(name));
  }

  /** Takes a frame; the dots set off towards it. `jump` puts them there at once. */
  show({ header, arrays, shapes }, time, jump = false) {
    const { heat, optimal, category, ...points } = arrays;
    this.frame = { header, heat, optimal, category, rows: shapes.manifold?.[0] };
    if (points.fake) this.#look(points.fake);
    this.motion.aim(points, time, jump || reducedMotion());
    this.redraw();
  }

  /** Paints what moves; false when there is nothing left to do. */
  paint(time) {
    const moving = this.motion.at(time);
    if (!this.side || (!moving && !this.dirty)) return false;
    this.dirty = false;
    if (this.stale) this.#drawBase();
    this.#drawShown();
    this.context.putImageData(this.shown.image, 0, 0);
    if (this.probe) this.#updateReadout();
    return moving;
  }

  // of the very points on show: what is ringed, or lies beyond the frame, is so at the moment that is seen
  #look(fake) {
    this.missed = missedModes(fake, this.modes, this.sd);
    const beyond = beyondFrame(fake, this.extent);
    this.outside.hidden = !beyond;
    if (beyond) setText(this.outside, `${beyond} of ${fake.length / 2} outside the frame`);
  }

  #x(value) {
    return ((value - this.extent[0]) / (this.extent[1] - this.extent[0])) * this.side;
  }

  #y(value) {
    return (1 - (value - this.extent[2]) / (this.extent[3] - this.extent[2])) * this.side;
  }

  #drawBase() {
    const { base, layers, frame } = this;
    this.stale = false;
    const grid = layers.d ? frame?.heat : layers.optimal ? frame?.optimal : null;
    if (grid) this.map.draw(grid, base.words);
    else base.words.fill(this.paper);
    if (layers.d && layers.optimal && frame?.optimal) this.#drawContours(frame.optimal);
    if (!layers.real) return;
    if (this.real) this.#stamp(base, this.real, this.dot);
    const radius = Math.max(11 * this.ratio, ((3 * this.sd) / (this.extent[1] - this.extent[0])) * this.side);
    this.modes.forEach(([x, y], k) => {
      if (this.missed?.[k]) base.ring(this.#x(x), this.#y(y), radius, 2 * this.ratio, PAPER.ink);
    });
  }

  // D* over D: its middle line bold, its quarters fine
  #drawContours(grid) {
    const { base, side } = this;
    for (const [level, width] of [
      [64, 1.1],
      [191, 1.1],
      [127.5, 2.4],
    ]) {
      contour(grid, level, (u0, v0, u1, v1) => {
        base.line(u0 * side, (1 - v0) * side, u1 * side, (1 - v1) * side, width * this.ratio, PAPER.ink, 0.9);
      });
    }
  }

  #drawShown() {
    const { shown, layers, motion } = this;
    shown.copy(this.base);
    const fake = motion.get('fake');
    if (layers.manifold) this.#drawManifold(motion.get('manifold'));
    if (layers.reconstructed) this.#drawReconstructed(motion.get('reconstructed'));
    if (!fake) return;
    if (layers.arrows) this.#drawArrows(fake, motion.get('arrows')); // beneath: crowded points stay visible
    const category = layers.category && this.frame?.category;
    if (!layers.fake) return;
    this.#stampEdge(fake);
    this.#stamp(
      shown,
      fake,
      category ? (i) => this.coloured[category[i] % this.coloured.length] : this.diamond,
    );
  }

  // from each real point to where it comes back
  #drawReconstructed(points) {
    if (!points || !this.real) return;
    for (let i = 0; i < points.length; i += 2) {
      const [x, y] = [this.#x(points[i]), this.#y(points[i + 1])];
      const [fromX, fromY] = [this.#x(this.real[i]), this.#y(this.real[i + 1])];
      this.shown.line(fromX, fromY, x, y, 1.6 * this.ratio, PAPER.reconstructed);
      this.shown.stamp(this.end, x, y);
    }
  }

  #drawManifold(points) {
    if (!points || !this.frame?.rows) return;
    const { rows } = this.frame;
    const columns = points.length / 2 / rows;
    const xy = Float32Array.from(points, (value, i) => (i % 2 ? this.#y(value) : this.#x(value)));
    const join = (a, b) =>
      this.shown.line(
        xy[2 * a],
        xy[2 * a + 1],
        xy[2 * b],
        xy[2 * b + 1],
        1.2 * this.ratio,
        PAPER.manifold,
        0.6,
      );
    const isSheet = this.frame.header.sheet ?? true;
    for (let i = 0; i < rows; i += 1) {
      for (let j = 0; j < columns; j += 1) {
        if (j + 1 < columns) join(i * columns + j, i * columns + j + 1);
        if (isSheet && i + 1 < rows) join(i * columns + j, (i + 1) * columns + j);
      }
    }
  }

  #drawArrows(from, arrows) {
    if (!arrows) return;
    const [longest, width] = [LONGEST_ARROW * this.side, 1.4 * this.ratio];
    for (let i = 0; i < arrows.length; i += 2) {
      const [x, y] = [this.#x(from[i]), this.#y(from[i + 1])];
      const [dx, dy] = [this.#x(from[i] + arrows[i]) - x, this.#y(from[i + 1] + arrows[i + 1]) - y];
      const length = Math.hypot(dx, dy);
      if (!(length > 0.7 * this.ratio)) continue;
      const cut = Math.min(1, longest / length);
      const [tipX, tipY] = [x + dx * cut, y + dy * cut];
      const head = Math.min(6 * this.ratio, 2 * this.ratio + length * cut * 0.3) / length;
      this.shown.line(x, y, tipX, tipY, width, PAPER.ink);
      for (const side of [-0.55, 0.55]) {
        this.shown.line(
          tipX - (dx * 0.9 + side * dy) * head,
          tipY - (dy * 0.9 - side * dx) * head,
          tipX,
          tipY,
          width,
          PAPER.ink,
        );
      }
    }
  }

  // what lies beyond the frame, at the nearest place in it
  #stampEdge(points) {
    const [x0, x1, y0, y1] = this.extent;
    const within = (value) => Math.min(this.side - 4 * this.ratio, Math.max(4 * this.ratio, value));
    for (let i = 0; i < points.length; i += 2) {
      const [x, y] = [points[i], points[i + 1]];
      if ((x >= x0 && x <= x1 && y >= y0 && y <= y1) || Number.isNaN(x + y)) continue;
      this.shown.stamp(this.edge, within(this.#x(x)), within(this.#y(y)));
    }
  }

  // `sprite`: one for all, or a function of the point's number
  #stamp(raster, points, sprite) {
    const of = sprite instanceof Sprite ? () => sprite : sprite;
    for (let i = 0; i < points.length; i += 2)
      raster.stamp(of(i / 2), this.#x(points[i]), this.#y(points[i + 1]));
  }

  #listen() {
    const move = (event) => {
      const box = this.canvas.getBoundingClientRect();
      this.#setProbe([(event.clientX - box.left) / box.width, 1 - (event.clientY - box.top) / box.height]);
    };
    const { canvas } = this;
    canvas.addEventListener('pointermove', move);
    canvas.addEventListener('pointerdown', move);
    canvas.addEventListener('pointerleave', () => this.#setProbe(null));
    canvas.addEventListener('blur', () => this.#setProbe(null));
    canvas.addEventListener('keydown', (event) => {
      const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      if (!step) return;
      event.preventDefault();
      const [u, v] = this.probe ?? [0.5, 0.5];
      this.#setProbe([u + step[0] / 48, v + step[1] / 48]);
    });
  }

  #setProbe(probe) {
    this.probe = probe?.map((part) => Math.min(1, Math.max(0, part))) ?? null;
    this.readout.hidden = !probe;
    if (probe) this.#updateReadout();
  }

  #updateReadout() {
    const [u, v] = this.probe;
    const [x0, x1, y0, y1] = this.extent;
    const parts = [`x ${fixed(x0 + u * (x1 - x0))}  y ${fixed(y0 + v * (y1 - y0))}`];
    const score = this.isProbability ? 'D' : 'critic (0…1)';
    if (this.frame?.heat) parts.push(`${score} ${fixed(valueAt(this.frame.heat, u, v) / 255)}`);
    if (this.frame?.optimal && this.layers.optimal)
      parts.push(`D* ${fixed(valueAt(this.frame.optimal, u, v) / 255)}`);
    setText(this.readout, parts.join('   '));
    this.readout.style.left = `${u * 100}%`;
    this.readout.style.top = `${(1 - v) * 100}%`;
    const beside = u < 0.3 ? 'right' : u > 0.7 ? 'left' : 'middle';
    this.readout.dataset.side = `${v > 0.85 ? 'below' : 'above'} ${beside}`;
  }
}
