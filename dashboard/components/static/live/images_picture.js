// Generated samples from fixed z, beside real data or what is special about the GAN, as grids of crisp cells.

import { el, setText } from '../base/dom.js';
import { lowered } from '../base/format.js';

const GAP = 2; // CSS pixels between cells

/** One grid of small pictures, drawn large without blur. */
class Grid {
  /** `reshaped()` is called when the grid's proportions have changed. */
  constructor(label, reshaped) {
    this.canvas = el('canvas', { class: 'gv-grid', role: 'img', 'aria-label': label });
    this.bitmap = null;
    this.reshaped = reshaped;
    this.large = el('canvas'); // the picture enlarged
  }

  async decode(png) {
    return createImageBitmap(new Blob([png], { type: 'image/png' }));
  }

  set(bitmap, [rows, columns]) {
    const before = this.bitmap && this.bitmap.width / this.bitmap.height;
    this.bitmap?.close();
    this.bitmap = bitmap;
    this.rows = rows;
    this.columns = columns;
    this.#fit();
    this.draw();
    if (bitmap.width / bitmap.height !== before) this.reshaped();
  }

  /** Fits into `width` x `height` CSS pixels. */
  resize(width, height) {
    const ratio = Math.min(2, devicePixelRatio || 1);
    if (this.width === width && this.height === height && this.ratio === ratio) return;
    this.width = width;
    this.height = height;
    this.ratio = ratio;
    this.#fit();
    this.draw();
  }

  #fit() {
    if (!this.width) return;
    const [across, down] = this.bitmap ? [this.bitmap.width, this.bitmap.height] : [1, 1];
    const scale = Math.min(this.width / across, this.height / down);
    const [width, height] = [Math.round(across * scale), Math.round(down * scale)];
    const { canvas, ratio } = this;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
    if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
  }

  // whole multiples without smoothing first, then down to size with smoothing: even, crisp pixels at any size
  draw() {
    if (!this.bitmap || !this.width) return;
    const { bitmap, rows, columns, canvas } = this;
    const context = canvas.getContext('2d');
    const gap = rows * columns === 1 ? 0 : GAP * this.ratio;
    const cell = (canvas.width - gap * (columns - 1)) / columns;
    const cellDown = (canvas.height - gap * (rows - 1)) / rows;
    const [width, height] = [bitmap.width / columns, bitmap.height / rows];
    const times = Math.max(1, Math.ceil(cell / width));
    const { large } = this;
    if (large.width !== bitmap.width * times || large.height !== bitmap.height * times)
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
          row * (cellDown + gap),
          cell,
          cellDown,
        );
      }
    }
  }
}

const MARKS = [
  ['real', 'real'],
  ['fake', 'generated'],
];
const REAL = { name: 'real', title: 'real data', sentence: 'a grid of the data beside the samples' };

export class ImagesPicture {
  /**
   * `meta`: config.meta of the run; `layers.beside` names what stands beside the samples: 'real', one of the
   * GAN's exhibits, or ''. `reshaped()` is called when more or less room is taken than before.
   */
  constructor(meta, layers, _dark, reshaped = () => {}) {
    this.layers = layers;
    this.exhibits = [];
    this.generated = new Grid('generated samples from fixed z', reshaped);
    this.actual = new Grid('real data', reshaped);
    this.exhibit = new Grid('what is special about this GAN', reshaped);
    this.left = figure('fake', 'generated (fixed z)', this.generated);
    this.right = figure('real', 'real', this.actual);
    this.special = figure('fake', '', this.exhibit);
    this.element = el('div', { class: 'gv-images' }, this.left, this.right, this.special);
    this.order = 0;
    this.shown = 0;
    this.configure(meta);
  }

  configure(meta) {
    const title = meta.data?.title;
    if (title) this.generated.canvas.setAttribute('aria-label', `generated samples, ${title}, from fixed z`);
  }

  /** What can stand beside the samples: [{name, title, sentence}]. */
  get offered() {
    return [REAL, ...this.exhibits];
  }

  async setReal({ header, arrays }) {
    this.actual.set(await this.actual.decode(arrays.samples), header.grid ?? [8, 8]);
  }

  /** CSS pixels that each grid may take. */
  resize(width, height) {
    this.#choose();
    for (const grid of [this.generated, this.actual, this.exhibit]) grid.resize(width, height);
  }

  /** CSS pixels across that the grids on show fill, with `gap` between them; null before all are there. */
  taken(gap) {
    const places = [this.left, this.right, this.special];
    const grids = [this.generated, this.actual, this.exhibit].filter((_, k) => !places[k].hidden);
    if (!grids.every(({ bitmap, width }) => bitmap && width)) return null;
    return grids.reduce((sum, { canvas }) => sum + parseFloat(canvas.style.width), gap * (grids.length - 1));
  }

  #choose() {
    const chosen = this.exhibits.find(({ name }) => name === this.layers.beside);
    this.right.hidden = (this.layers.beside ?? REAL.name) !== REAL.name;
    this.special.hidden = !chosen;
    if (!chosen) return;
    setText(this.special.querySelector('figcaption span:last-child'), lowered(chosen.title));
    mark(this.special, chosen.marks ?? 'generated');
    this.special.title = chosen.sentence;
    this.exhibit.canvas.setAttribute('aria-label', chosen.sentence);
  }

  redraw() {
    this.#choose();
    this.#showExhibit();
    for (const grid of [this.generated, this.actual, this.exhibit]) grid.draw();
  }

  /** Resolves once the frame is on the canvas, or at once if a newer one overtook it. */
  async show({ header, arrays }) {
    const order = (this.order += 1);
    this.exhibits = header.exhibits ?? []; // before anything is awaited: whoever calls offers them next
    const bitmap = await this.generated.decode(arrays.samples);
    if (order < this.shown) return bitmap.close();
    this.shown = order;
    this.generated.set(bitmap, header.grid ?? [8, 8]);
    if (header.title) {
      setText(this.left.querySelector('figcaption span:last-child'), header.title);
      mark(this.left, ''); // inputs and targets stand among what is generated
      this.generated.canvas.setAttribute('aria-label', `held-out pictures: ${header.title}`);
    }
    this.arrays = arrays;
    this.#choose();
    return this.#showExhibit();
  }

  async #showExhibit() {
    const chosen = this.exhibits.find(({ name }) => name === this.layers.beside);
    const png = chosen && this.arrays?.[`exhibit_${chosen.name}`];
    if (!png) return;
    const bitmap = await this.exhibit.decode(png);
    if (png === this.arrays[`exhibit_${this.layers.beside}`]) this.exhibit.set(bitmap, chosen.grid);
    else bitmap.close(); // a newer frame, or another choice, has overtaken it
  }

  paint() {
    return false;
  }
}

/** Gives a figure the marks of what is in it: of "generated", "real" or "both"; '' is neither. */
function mark(figure, kinds) {
  for (const [key, kind] of MARKS)
    figure.querySelector(`.gv-key-${key}`).hidden = kinds !== kind && kinds !== 'both';
}

function figure(key, title, grid) {
  const marks = MARKS.map(([name]) => el('span', { class: `gv-key gv-key-${name}`, hidden: name !== key }));
  return el(
    'figure',
    { class: 'gv-figure' },
    el('figcaption', {}, marks, el('span', { text: title })),
    grid.canvas,
  );
}
