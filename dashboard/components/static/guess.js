// A curve that one expects, drawn by pointer or arrow keys. The state value "curve" is its points, [[x, y], ...], or null
// while nothing has been drawn.

import { el } from './base/dom.js';
import { short, thousands } from './base/format.js';
import { applyTheme, loadStyles, readTheme } from './base/theme.js';

const mounted = new WeakMap(); // parentElement -> Guess
const COLUMNS = 25;
const WIDTH = 500;
const HEIGHT = 240;
const EDGE = { left: 62, right: 14, top: 12, bottom: 40 };
const REPORT_MS = 250; // after the last movement: each report reruns the page
const NUDGE = 0.04; // of the axis, for a key

/** `data`: {"x": axis, "y": axis, "value": points or null, "fixed": whether it may no longer change}. */
export default async function guess({ parentElement, data, setStateValue }) {
  await loadStyles();
  const known = mounted.get(parentElement);
  const view = known ?? new Guess(parentElement, data);
  mounted.set(parentElement, view);
  view.fixed = data.fixed;
  view.report = (curve) => setStateValue('curve', curve);
  view.paint(readTheme(parentElement));
  return () => {
    if (parentElement.isConnected) return;
    view.root.remove();
    mounted.delete(parentElement);
  };
}

class Guess {
  /** @type {(curve: number[][]) => void} */
  report;
  fixed = false;
  column = 0;
  touched = false;

  constructor(host, { x, y, value }) {
    this.x = x;
    this.y = y;
    this.heights = Array(COLUMNS).fill(0.5); // 0 at the axis' low end, 1 at the high one
    if (value?.length === COLUMNS) {
      this.heights = value.map(([, at]) => this.#share(at));
      this.touched = true;
    }
    this.canvas = el('canvas', {
      class: 'gv-guess',
      width: WIDTH * 2,
      height: HEIGHT * 2,
      tabindex: 0,
      role: 'application',
    });
    this.root = el('div', { class: 'gv-root gv-guessing' }, this.canvas);
    host.append(this.root);
    this.canvas.addEventListener('pointerdown', (event) => this.#begin(event));
    this.canvas.addEventListener('pointermove', (event) => this.#draw(event));
    this.canvas.addEventListener('keydown', (event) => this.#key(event));
    for (const kind of ['focus', 'blur']) this.canvas.addEventListener(kind, () => this.paint());
  }

  #share(value) {
    const { low, high, log } = this.y;
    const [a, b, at] = log ? [low, high, Math.max(value, low)].map(Math.log) : [low, high, value];
    return Math.min(1, Math.max(0, (at - a) / (b - a)));
  }

  #value(share) {
    const { low, high, log } = this.y;
    return log ? low * (high / low) ** share : low + (high - low) * share;
  }

  #step(column) {
    return this.x.low + ((this.x.high - this.x.low) * column) / (COLUMNS - 1);
  }

  #place(event) {
    const box = this.canvas.getBoundingClientRect();
    const px = ((event.clientX - box.left) / box.width) * WIDTH;
    const py = ((event.clientY - box.top) / box.height) * HEIGHT;
    const across = (px - EDGE.left) / (WIDTH - EDGE.left - EDGE.right);
    const up = 1 - (py - EDGE.top) / (HEIGHT - EDGE.top - EDGE.bottom);
    const inside = (share) => Math.min(1, Math.max(0, share));
    return { column: Math.round(inside(across) * (COLUMNS - 1)), height: inside(up) };
  }

  #begin(event) {
    if (this.fixed) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.last = null;
    this.#set(this.#place(event));
  }

  #draw(event) {
    if (this.fixed || !this.canvas.hasPointerCapture(event.pointerId)) return;
    this.#set(this.#place(event));
  }

  // between two places the line is straight; before the first stroke's first place it is level
  #set(place) {
    const from = this.last ?? place;
    if (!this.touched) this.heights.fill(place.height);
    this.drawnTo = Math.max(this.drawnTo ?? 0, place.column);
    this.heights.fill(place.height, this.drawnTo); // level from there on
    const steps = Math.max(1, Math.abs(place.column - from.column));
    for (let k = 0; k <= steps; k += 1) {
      const share = k / steps;
      this.heights[Math.round(from.column + (place.column - from.column) * share)] =
        from.height + (place.height - from.height) * share;
    }
    this.last = place;
    this.column = place.column;
    this.#changed();
  }

  #key(event) {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, NUDGE], ArrowDown: [0, -NUDGE] };
    const move = moves[event.key];
    if (!move || this.fixed) return;
    event.preventDefault();
    const before = this.heights[this.column];
    this.column = Math.min(COLUMNS - 1, Math.max(0, this.column + move[0]));
    if (move[0]) {
      if (event.shiftKey) this.heights[this.column] = before; // carry the height along
    } else this.heights[this.column] = Math.min(1, Math.max(0, before + move[1]));
    this.#changed();
  }

  #changed() {
    this.touched = true;
    this.paint();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.report(this.points), REPORT_MS);
  }

  get points() {
    return this.heights.map((share, column) => [this.#step(column), this.#value(share)]);
  }

  paint(theme = this.theme) {
    this.theme = theme;
    applyTheme(this.root, theme);
    const context = this.canvas.getContext('2d');
    context.setTransform(2, 0, 0, 2, 0, 0);
    context.clearRect(0, 0, WIDTH, HEIGHT);
    const right = WIDTH - EDGE.right;
    const bottom = HEIGHT - EDGE.bottom;
    Object.assign(context, {
      font: `14px ${theme.font}`,
      fillStyle: theme.muted,
      strokeStyle: theme.grid,
      lineWidth: 1,
      textBaseline: 'middle',
      textAlign: 'right',
    });
    for (let k = 0; k <= 4; k += 1) {
      const y = bottom - ((bottom - EDGE.top) * k) / 4;
      line(context, [
        [EDGE.left, y],
        [right, y],
      ]);
      context.fillText(short(this.#value(k / 4)), EDGE.left - 8, y);
    }
    context.textAlign = 'left';
    context.fillText(thousands(this.x.low), EDGE.left, bottom + 14);
    context.textAlign = 'right';
    context.fillText(thousands(this.x.high), right, bottom + 14);
    context.textAlign = 'center';
    context.fillText(this.x.label, (EDGE.left + right) / 2, bottom + 14);
    context.fillText(this.y.label, (EDGE.left + right) / 2, HEIGHT - 9);
    const at = (share, column) => [
      EDGE.left + ((right - EDGE.left) * column) / (COLUMNS - 1),
      bottom - (bottom - EDGE.top) * share,
    ];
    context.strokeStyle = context.fillStyle = theme.text;
    if (!this.touched)
      context.fillText('draw the curve that you expect', (EDGE.left + right) / 2, HEIGHT / 2 - 24);
    Object.assign(context, { lineWidth: 3, lineJoin: 'round' });
    context.setLineDash(this.touched ? [] : [3, 7]);
    line(context, this.heights.map(at));
    context.setLineDash([]);
    if (document.activeElement === this.canvas) {
      const [px, py] = at(this.heights[this.column], this.column);
      context.beginPath();
      context.arc(px, py, 6, 0, 2 * Math.PI);
      context.fill();
    }
    const [first, last] = [this.points[0][1], this.points.at(-1)[1]].map(short);
    const here = `at ${thousands(Math.round(this.#step(this.column)))}: ${short(this.#value(this.heights[this.column]))}`;
    this.canvas.setAttribute(
      'aria-label',
      `your curve of ${this.y.label || 'values'}, from ${first} to ${last}; ${here}. Arrow keys move along it and change it.`,
    );
  }
}

function line(context, points) {
  context.beginPath();
  for (const [x, y] of points) context.lineTo(x, y);
  context.stroke();
}
