// Painting on a picture as small as the model's: with a colour, or wiping what may become anything.

import { el } from '../base/dom.js';

const KEPT = 40; // steps that can be undone
const SHOWN = 280; // CSS pixels of the canvas
const GREY = { white: '#ffffff', grey: '#808080', black: '#000000' };

export class Paint {
  /** @type {HTMLElement[]} */
  tools;

  /**
   * `side`: pixels. `colour`: whether the model knows colours. `canFree`: whether parts can be wiped free.
   * `changed()`: after each stroke.
   */
  constructor({ side, colour, canFree = false, background = '#000000', changed = () => {} }) {
    this.side = side;
    this.changed = changed;
    this.background = background;
    this.past = [];
    this.tool = 'paint';
    this.ink = '#ffffff';
    const size = { width: side, height: side };
    const scale = Math.max(1, Math.round(SHOWN / side));
    this.canvas = el('canvas', {
      class: 'gx-paint',
      ...size,
      style: `width: ${side * scale}px`,
      role: 'img',
      'aria-label': 'picture to paint on',
      tabindex: 0,
    });
    this.context = this.canvas.getContext('2d', { willReadFrequently: true });
    this.free = el('canvas', size); // opaque where anything may come
    this.fresh = el('canvas', size); // opaque where something was painted
    this.#clear();
    this.#listen();
    this.element = el('div', { class: 'gx-painting' }, this.canvas, this.#makeTools(colour, canFree));
  }

  #makeTools(colour, canFree) {
    this.tools = [];
    const tool = (label, title, choose) => {
      const button = el('button', {
        type: 'button',
        class: 'gv-button gv-small',
        text: label,
        title,
        'aria-pressed': 'false',
        on: {
          click: () => {
            choose();
            for (const each of this.tools) each.setAttribute('aria-pressed', String(each === button));
          },
        },
      });
      this.tools.push(button);
      return button;
    };
    const inks = Object.entries(GREY).map(([name, ink]) =>
      tool(name, `Paint in ${name}`, () => Object.assign(this, { tool: 'paint', ink })),
    );
    const free =
      canFree && tool('leave free', 'What is left free may become anything', () => (this.tool = 'free'));
    const picker =
      colour &&
      el('input', {
        type: 'color',
        value: '#d55e00',
        class: 'gx-colour',
        title: 'Another colour',
        'aria-label': 'colour',
        on: {
          input: () => {
            this.tool = 'paint';
            this.ink = picker.value;
            for (const each of this.tools) each.setAttribute('aria-pressed', 'false');
          },
        },
      });
    const widest = Math.max(4, Math.round(this.side / 4));
    this.width = el('input', {
      type: 'range',
      class: 'gv-range',
      min: 1,
      max: widest,
      step: 0.5,
      value: Math.max(1.5, this.side / 14),
      'aria-label': 'width of the brush',
    });
    const act = (text, work) =>
      el('button', { type: 'button', class: 'gv-button gv-small', text, on: { click: work } });
    this.tools[0].setAttribute('aria-pressed', 'true');
    return el(
      'div',
      { class: 'gx-paint-tools' },
      el('div', { class: 'gx-row' }, inks, picker, free),
      el('label', { class: 'gx-label' }, 'brush', this.width),
      el(
        'div',
        { class: 'gx-row' },
        act('Undo', () => this.#undo()),
        act('Clear', () => {
          this.#keep();
          this.#clear();
          this.changed();
        }),
      ),
    );
  }

  /** Begins with a picture. */
  load(bitmap) {
    this.base = el('canvas', { width: this.side, height: this.side });
    this.base.getContext('2d').drawImage(bitmap, 0, 0, this.side, this.side);
    this.past = [];
    this.#clear();
  }

  /** Whether anything was painted or wiped. */
  get isTouched() {
    return this.past.length > 0;
  }

  #clear() {
    this.context.fillStyle = this.background;
    this.context.fillRect(0, 0, this.side, this.side);
    if (this.base) this.context.drawImage(this.base, 0, 0);
    for (const layer of [this.free, this.fresh]) layer.getContext('2d').clearRect(0, 0, this.side, this.side);
  }

  #keep() {
    const layers = [this.canvas, this.free, this.fresh].map((layer) =>
      layer.getContext('2d').getImageData(0, 0, this.side, this.side),
    );
    this.past.push(layers);
    if (this.past.length > KEPT) this.past.shift();
  }

  #undo() {
    const layers = this.past.pop();
    if (!layers) return;
    [this.canvas, this.free, this.fresh].forEach((layer, k) =>
      layer.getContext('2d').putImageData(layers[k], 0, 0),
    );
    this.changed();
  }

  #listen() {
    const { canvas } = this;
    const at = (event) => {
      const box = canvas.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top].map((x) => (x / box.width) * this.side);
    };
    canvas.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      canvas.setPointerCapture(event.pointerId);
      this.#keep();
      this.last = at(event);
      this.#stroke(this.last);
    });
    canvas.addEventListener('pointermove', (event) => {
      if (!this.last) return;
      const parts = event.getCoalescedEvents?.() ?? [];
      for (const part of parts.length ? parts : [event]) this.#stroke(at(part));
    });
    for (const end of ['pointerup', 'pointercancel'])
      canvas.addEventListener(end, () => {
        if (this.last) this.changed();
        this.last = null;
      });
    canvas.addEventListener('keydown', (event) => {
      if (!(event.ctrlKey || event.metaKey) || event.key !== 'z') return;
      event.preventDefault();
      this.#undo();
    });
  }

  #stroke(to) {
    const from = this.last;
    this.last = to;
    if (this.tool === 'free') {
      this.#line(this.free, from, to, '#ffffff');
      this.#line(this.fresh, from, to, '#ffffff', 'destination-out');
      this.#hatch();
      return;
    }
    this.#line(this.canvas, from, to, this.ink);
    this.#line(this.fresh, from, to, '#ffffff');
    this.#line(this.free, from, to, '#ffffff', 'destination-out');
  }

  #line(layer, from, to, color, how = 'source-over') {
    const context = layer.getContext('2d');
    Object.assign(context, {
      strokeStyle: color,
      lineWidth: Number(this.width.value),
      lineCap: 'round',
      globalCompositeOperation: how,
    });
    context.beginPath();
    context.moveTo(...from);
    context.lineTo(to[0] + 0.01, to[1]);
    context.stroke();
    context.globalCompositeOperation = 'source-over';
  }

  // what was wiped free is shown as a chequered pattern
  #hatch() {
    const { side } = this;
    const wiped = this.free.getContext('2d').getImageData(0, 0, side, side).data;
    const shown = this.context.getImageData(0, 0, side, side);
    for (let k = 0; k < side * side; k += 1) {
      if (wiped[4 * k + 3] < 128) continue;
      const light = ((k % side) + Math.floor(k / side)) % 2 ? 150 : 105;
      shown.data.set([light, light, light, 255], 4 * k);
    }
    this.context.putImageData(shown, 0, 0);
  }

  /** The picture as PNG. */
  blob() {
    return new Promise((resolve) => {
      this.canvas.toBlob(resolve, 'image/png');
    });
  }

  /**
   * Where the picture must be met, white on black, as PNG: all that was not wiped free, or, with
   * `onlyPainted`, what was painted alone.
   */
  mask(onlyPainted) {
    const { side } = this;
    const [wiped, painted] = [this.free, this.fresh].map(
      (layer) => layer.getContext('2d').getImageData(0, 0, side, side).data,
    );
    const mask = el('canvas', { width: side, height: side });
    const context = mask.getContext('2d');
    const image = context.createImageData(side, side);
    for (let k = 0; k < side * side; k += 1) {
      const counts = onlyPainted ? painted[4 * k + 3] >= 128 : wiped[4 * k + 3] < 128;
      image.data.set(counts ? [255, 255, 255, 255] : [0, 0, 0, 255], 4 * k);
    }
    context.putImageData(image, 0, 0);
    return new Promise((resolve) => {
      mask.toBlob(resolve, 'image/png');
    });
  }
}
