// Generated samples from fixed z beside real data, as grids of crisp cells.

import { el } from './dom.js';

const GAP = 2; // CSS pixels between cells

/** One grid of small pictures, drawn large without blur. */
class Grid {
  constructor(label) {
    this.canvas = el('canvas', { class: 'gv-grid', role: 'img', 'aria-label': label });
    this.bitmap = null;
  }

  async decode(png) {
    return createImageBitmap(new Blob([png], { type: 'image/png' }));
  }

  set(bitmap, [rows, columns]) {
    this.bitmap?.close();
    Object.assign(this, { bitmap, rows, columns });
    this.draw();
  }

  resize(size) {
    const ratio = Math.min(2, devicePixelRatio || 1);
    this.canvas.style.width = this.canvas.style.height = `${size}px`;
    if (this.canvas.width === Math.round(size * ratio)) return;
    this.canvas.width = this.canvas.height = Math.round(size * ratio);
    this.ratio = ratio;
    this.draw();
  }

  // whole multiples without smoothing first, then down to size with smoothing: even, crisp pixels at any size
  draw() {
    if (!this.bitmap || !this.canvas.width) return;
    const { bitmap, rows, columns, canvas } = this;
    const context = canvas.getContext('2d');
    const gap = GAP * this.ratio;
    const cell = (canvas.width - gap * (columns - 1)) / columns;
    const [width, height] = [bitmap.width / columns, bitmap.height / rows];
    const times = Math.max(1, Math.ceil(cell / width));
    this.large ??= el('canvas');
    const large = this.large;
    if (large.width !== bitmap.width * times)
      Object.assign(large, { width: bitmap.width * times, height: bitmap.height * times });
    const enlarge = large.getContext('2d');
    enlarge.imageSmoothingEnabled = false;
    enlarge.drawImage(bitmap, 0, 0, large.width, large.height);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingQuality = 'high';
    for (let row = 0; row < rows; row += 1) {
      for (let column = 0; column < columns; column += 1) {
        context.drawImage(
          large,
          column * width * times,
          row * height * times,
          width * times,
          height * times,
          column * (cell + gap),
          row * (cell + gap),
          cell,
          cell,
        );
      }
    }
  }
}

export class ImagesPicture {
  /** `meta`: config.meta of the run; `layers.beside` says whether real data stand beside the samples. */
  constructor(meta, layers) {
    this.layers = layers;
    this.generated = new Grid('generated samples from fixed z');
    this.actual = new Grid('real data');
    this.left = el(
      'figure',
      { class: 'gv-figure' },
      el('figcaption', {}, el('span', { class: 'gv-key gv-key-fake' }), 'generated (fixed z)'),
      this.generated.canvas,
    );
    this.right = el(
      'figure',
      { class: 'gv-figure' },
      el('figcaption', {}, el('span', { class: 'gv-key gv-key-real' }), 'real'),
      this.actual.canvas,
    );
    this.element = el('div', { class: 'gv-images' }, this.left, this.right);
    this.order = 0;
    this.configure(meta);
  }

  configure(meta) {
    const title = meta.data?.title;
    if (title) this.generated.canvas.setAttribute('aria-label', `generated samples, ${title}, from fixed z`);
  }

  async setReal({ header, arrays }) {
    this.actual.set(await this.actual.decode(arrays.samples), header.grid ?? [8, 8]);
  }

  /** Side in CSS pixels of each grid. */
  resize(size) {
    this.right.hidden = !this.layers.beside;
    this.generated.resize(size);
    this.actual.resize(size);
  }

  redraw() {
    this.generated.draw();
    this.actual.draw();
  }

  /** Resolves once the frame is on the canvas, or at once if a newer one overtook it. */
  async show({ header, arrays }) {
    const order = (this.order += 1);
    const bitmap = await this.generated.decode(arrays.samples);
    if (order < this.shown) return bitmap.close();
    this.shown = order;
    return this.generated.set(bitmap, header.grid ?? [8, 8]);
  }

  paint() {
    return false;
  }

  setHistogram() {}
}
