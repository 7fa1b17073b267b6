// "Draw your own": paint where the data are dense. The state value "drawing" is base64 of 48 x 48 bytes,
// row 0 at the top.

import { Drawing, seeded, SIDE, STAMPS } from './base/drawing.js';
import { el } from './base/dom.js';
import { applyTheme, loadStyles, PAPER, readTheme } from './base/theme.js';

const mounted = new WeakMap(); // parentElement -> DrawView
const PIXELS = 480; // of the canvas, a whole multiple of SIDE
const POINTS = 500; // of the preview
const REPORT_MS = 250; // after the last stroke: each report reruns the page
const STAMP_NAMES = {
  blob: 'blob',
  ring: 'ring',
  square: 'square',
  cross: 'cross',
  moon: 'moon',
  heart: 'heart',
};

/** `data`: {"value": base64 or null, "size": pixels}. */
export default async function draw({ parentElement, data, setStateValue }) {
  await loadStyles();
  const known = mounted.get(parentElement);
  const view = known ?? new DrawView(parentElement, data);
  mounted.set(parentElement, view);
  view.report = (drawing) => setStateValue('drawing', drawing);
  applyTheme(view.root, readTheme(parentElement));
  return () => {
    if (parentElement.isConnected) return;
    view.destroy();
    mounted.delete(parentElement);
  };
}

class DrawView {
  /** @type {HTMLElement[]} */
  toolButtons;
  /** @type {(drawing: string) => void} */
  report;

  constructor(host, { value, size }) {
    this.drawing = new Drawing();
    if (value) this.drawing.decode(value);
    this.tool = 'brush';
    this.canvas = el('canvas', {
      class: 'gv-drawing',
      width: PIXELS,
      height: PIXELS,
      tabindex: 0,
      role: 'img',
      'aria-label': 'canvas to paint a distribution on',
      style: `max-width: ${size}px`,
    });
    this.context = this.canvas.getContext('2d');
    this.small = el('canvas', { width: SIDE, height: SIDE });
    this.#makeTools();
    this.root = el('div', { class: 'gv-root gv-draw' }, this.canvas, this.panel);
    host.append(this.root);
    this.#listen();
    this.paint();
  }

  destroy() {
    clearTimeout(this.timer);
    this.root.remove();
  }

  #makeTools() {
    const tool = (name, label, title) =>
      el('button', {
        type: 'button',
        class: 'gv-button gv-small',
        text: label,
        title,
        'aria-pressed': String(name === this.tool),
        data: { tool: name },
        on: { click: () => this.#choose(name) },
      });
    this.toolButtons = [
      tool('brush', 'Brush', 'Paint: dense where you painted'),
      tool('eraser', 'Eraser', 'Wipe'),
      ...Object.entries(STAMP_NAMES).map(([name, label]) =>
        tool(name, label, `Click on the canvas to set a ${label}`),
      ),
    ];
    this.size = el('input', {
      type: 'range',
      class: 'gv-range',
      min: 1,
      max: 10,
      step: 0.5,
      value: 2.5,
      'aria-label': 'size of the brush',
    });
    this.undo = el('button', {
      type: 'button',
      class: 'gv-button gv-small',
      text: 'Undo',
      on: { click: () => this.#undo() },
    });
    this.clear = el('button', {
      type: 'button',
      class: 'gv-button gv-small',
      text: 'Clear',
      on: { click: () => this.#clear() },
    });
    this.dots = el('input', { type: 'checkbox', class: 'gv-check', on: { change: () => this.paint() } });
    this.hint = el('p', { class: 'gv-muted', role: 'status' });
    const [brush, eraser, ...stamps] = this.toolButtons;
    this.panel = el(
      'div',
      { class: 'gv-draw-tools' },
      el(
        'div',
        { class: 'gv-draw-row', role: 'group', 'aria-label': 'tools' },
        brush,
        eraser,
        this.undo,
        this.clear,
      ),
      el('label', { class: 'gv-draw-size' }, 'size', this.size),
      el(
        'div',
        { class: 'gv-draw-row', role: 'group', 'aria-label': 'stamps' },
        el('span', { class: 'gv-muted', text: 'stamps' }),
        stamps,
      ),
      el('label', { class: 'gv-draw-size' }, this.dots, 'show as points'),
      this.hint,
    );
  }

  #choose(name) {
    this.tool = name;
    for (const button of this.toolButtons)
      button.setAttribute('aria-pressed', String(button.dataset.tool === name));
  }

  // of the brush or the stamp, in cells
  get #radius() {
    const size = Number(this.size.value);
    return this.tool in STAMPS ? 4 + 1.8 * size : size;
  }

  #at(event) {
    const box = this.canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * SIDE];
  }

  #listen() {
    this.canvas.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      this.canvas.setPointerCapture(event.pointerId);
      this.drawing.keep();
      this.last = this.#at(event);
      if (this.tool in STAMPS) this.drawing.stamp(this.tool, ...this.last, this.#radius);
      else this.#stroke(this.last);
      this.paint();
    });
    this.canvas.addEventListener('pointerleave', () => {
      this.pointer = null;
      this.paint();
    });
    this.canvas.addEventListener('pointermove', (event) => {
      this.pointer = this.#at(event);
      if (!this.last || this.tool in STAMPS) {
        this.paint();
        return;
      }
      for (const each of event.getCoalescedEvents?.() ?? [event]) this.#stroke(this.#at(each));
      this.paint();
    });
    for (const end of ['pointerup', 'pointercancel']) {
      this.canvas.addEventListener(end, () => {
        if (this.last) this.#changed();
        this.last = null;
      });
    }
    this.root.addEventListener('keydown', (event) => {
      if (!(event.ctrlKey || event.metaKey) || event.key !== 'z') return;
      event.preventDefault();
      this.#undo();
    });
  }

  #stroke(to) {
    this.drawing.stroke(...this.last, ...to, this.#radius, this.tool === 'eraser');
    this.last = to;
  }

  #undo() {
    if (this.drawing.undo()) this.#changed();
  }

  #clear() {
    this.drawing.clear();
    this.#changed();
  }

  #changed() {
    this.paint();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.report(this.drawing.encode()), REPORT_MS);
  }

  paint() {
    const { drawing, context } = this;
    this.undo.disabled = !drawing.past.length;
    this.clear.disabled = drawing.isEmpty;
    this.hint.textContent = drawing.isEmpty ? 'Paint where the data should be dense.' : '';
    context.fillStyle = '#fcfcfb';
    context.fillRect(0, 0, PIXELS, PIXELS);
    context.fillStyle = PAPER.real;
    const cell = PIXELS / SIDE;
    if (this.dots.checked) {
      const points = drawing.sample(POINTS, seeded(1));
      for (let i = 0; i < points.length; i += 2) {
        context.beginPath();
        context.arc(points[i] * cell, points[i + 1] * cell, 3, 0, 2 * Math.PI);
        context.fill();
      }
    } else this.#paintCells();
    if (this.pointer) this.#paintPointer(this.pointer, cell);
  }

  // how large the brush is
  #paintPointer(at, cell) {
    const [x, y] = at;
    Object.assign(this.context, { strokeStyle: '#24292f', lineWidth: 1.5 });
    this.context.beginPath();
    this.context.arc(x * cell, y * cell, this.#radius * cell, 0, 2 * Math.PI);
    this.context.stroke();
  }

  // 48 cells enlarged smoothly: what is painted looks like what is learned
  #paintCells() {
    const small = this.small.getContext('2d');
    const image = small.createImageData(SIDE, SIDE);
    const [red, green, blue] = [1, 3, 5].map((at) => parseInt(PAPER.real.slice(at, at + 2), 16));
    this.drawing.weights.forEach((weight, i) => image.data.set([red, green, blue, weight * 0.85], 4 * i));
    small.putImageData(image, 0, 0);
    this.context.imageSmoothingQuality = 'high';
    this.context.drawImage(this.small, 0, 0, PIXELS, PIXELS);
  }
}
