// Many small pictures on one canvas, in crisp cells that can be pointed at and walked through with the arrow
// keys.

import { el } from '../base/dom.js';

const RING = 3; // CSS pixels of the frame around the chosen cell
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** Device pixels for each CSS pixel that canvases are drawn with. */
export function density() {
  return Math.min(2, devicePixelRatio || 1);
}

/** How many cells of `cell` CSS pixels with gaps between them fit into `room`. */
export function fitting(room, cell, gap) {
  return Math.max(1, Math.floor((room + gap) / (cell + gap)));
}

/** Cells of about `wanted` CSS pixels that fill `width`: {columns, cell}, at most `most` columns. */
export function filling(width, wanted, gap, most = Infinity) {
  const columns = Math.min(most, Math.max(1, Math.round((width + gap) / (wanted + gap))));
  return { columns, cell: Math.floor((width + gap) / columns) - gap };
}

export class Sheet {
  /** @type {number} */
  offset;
  /** @type {number} */
  side;

  /**
   * `label`: what it shows. `pick(index)`: a cell was chosen, by pointer or key; without it cells only show.
   * `title(index)`: what to say of a cell under the pointer. `gap`: CSS pixels between cells.
   * @param {string} label
   * @param {{ pick?: (index: number) => void, title?: (index: number) => string, gap?: number }} [options]
   */
  constructor(label, { pick, title, gap = 2 } = {}) {
    this.title = title;
    this.gap = gap;
    this.count = 0;
    this.columns = 1;
    this.cell = 40;
    this.chosen = null;
    this.hover = null;
    this.canvas = el('canvas', {
      class: `gx-sheet${pick ? ' gx-pick' : ''}`,
      role: pick ? 'application' : 'img',
      'aria-label': label,
      tabindex: pick ? 0 : null,
    });
    if (pick) this.#listen(pick);
  }

  #listen(pick) {
    const { canvas } = this;
    canvas.addEventListener('click', (event) => {
      const index = this.at(event);
      if (index !== null) pick(index);
    });
    canvas.addEventListener('pointermove', (event) => this.#point(this.at(event)));
    canvas.addEventListener('pointerleave', () => this.#point(null));
    canvas.addEventListener('keydown', (event) => {
      const step = STEPS[event.key];
      if (!step || !this.count) return;
      event.preventDefault();
      const to = (this.chosen ?? 0) + (this.chosen === null ? 0 : step[0] + step[1] * this.columns);
      if (to >= 0 && to < this.count) pick(to);
    });
  }

  #point(index) {
    if (index === this.hover) return;
    this.hover = index;
    this.canvas.title = index === null ? '' : (this.title?.(index) ?? '');
    this.draw();
  }

  /** The cell under a pointer event, or null. */
  at(event) {
    const box = this.canvas.getBoundingClientRect();
    const pitch = this.cell + this.gap;
    const column = Math.floor((event.clientX - box.left) / pitch);
    const row = Math.floor((event.clientY - box.top) / pitch);
    const index = row * this.columns + column;
    return column >= 0 && column < this.columns && row >= 0 && index < this.count ? index : null;
  }

  /**
   * Shows `count` pictures of `source` (a bitmap or canvas: `sourceColumns` side by side without gaps), from
   * picture `offset` on, in `columns` of `cell` CSS pixels.
   */
  set(source, { count, columns, cell, sourceColumns = columns, offset = 0 }) {
    if (this.source !== source) this.source?.close?.();
    this.source = source;
    this.count = count;
    this.columns = columns;
    this.cell = cell;
    this.sourceColumns = sourceColumns;
    this.offset = offset;
    this.side = source.width / sourceColumns;
    this.#fit();
    this.draw();
  }

  clear() {
    this.source?.close?.();
    this.source = null;
    this.large = null;
    this.count = 0;
    this.canvas.width = 0;
  }

  /** Takes the room that `count` cells need before there are pictures: what stands below must not jump. */
  reserve(count, columns, cell) {
    if (this.source) return;
    this.count = count;
    this.columns = columns;
    this.cell = cell;
    this.#fit();
  }

  #fit() {
    const { canvas, columns, cell, gap, count } = this;
    const ratio = density();
    const rows = Math.ceil(count / columns);
    const [width, height] = [columns, rows].map((n) => n * (cell + gap) - gap);
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }

  /** Marks one cell, or (null) none. */
  choose(index) {
    if (index === this.chosen) return;
    this.chosen = index;
    this.draw();
  }

  draw() {
    const { canvas, cell, gap, columns, sourceColumns } = this;
    if (!this.source) return;
    const context = canvas.getContext('2d');
    const ratio = density();
    const size = Math.round(cell * ratio);
    const { source, side } = this.#enlarged(size);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingEnabled = size % side !== 0;
    context.imageSmoothingQuality = 'high';
    for (let k = 0; k < this.count; k += 1) {
      const [x, y] = this.#corner(k, columns, (cell + gap) * ratio);
      const [fromX, fromY] = this.#corner(this.offset + k, sourceColumns, side);
      context.drawImage(source, fromX, fromY, side, side, Math.round(x), Math.round(y), size, size);
    }
    if (this.hover !== null && this.hover !== this.chosen) this.#frame(context, this.hover, 1.5);
    if (this.chosen !== null && this.chosen < this.count) this.#frame(context, this.chosen, RING);
  }

  // first to a whole multiple without smoothing, then down to size with it: even, crisp pixels at any size
  #enlarged(size) {
    const { source, side } = this;
    const times = Math.ceil(size / side);
    if (times <= 1 || size % side === 0) return { source, side };
    if (this.large?.of !== source || this.large.times !== times) {
      const canvas = el('canvas', { width: source.width * times, height: source.height * times });
      const context = canvas.getContext('2d');
      context.imageSmoothingEnabled = false;
      context.drawImage(source, 0, 0, canvas.width, canvas.height);
      this.large = { of: source, times, canvas };
    }
    return { source: this.large.canvas, side: side * times };
  }

  #corner(index, columns, pitch) {
    return [(index % columns) * pitch, Math.floor(index / columns) * pitch];
  }

  // two tones, so that it is seen on any picture
  #frame(context, index, width) {
    const ratio = density();
    const [x, y] = this.#corner(index, this.columns, (this.cell + this.gap) * ratio);
    const size = Math.round(this.cell * ratio);
    for (const [color, line] of [
      ['#fff', width + 2],
      ['#1f2328', width],
    ]) {
      Object.assign(context, { strokeStyle: color, lineWidth: line * ratio });
      const inset = (line * ratio) / 2;
      context.strokeRect(x + inset, y + inset, size - 2 * inset, size - 2 * inset);
    }
  }
}

/** Bitmaps or images of one size as one canvas, `columns` side by side; bitmaps are closed. */
export function joined(bitmaps, columns) {
  const { width, height } = bitmaps[0];
  const rows = Math.ceil(bitmaps.length / columns);
  const canvas = el('canvas', { width: columns * width, height: rows * height });
  const context = canvas.getContext('2d');
  bitmaps.forEach((bitmap, k) => {
    context.drawImage(bitmap, (k % columns) * width, Math.floor(k / columns) * height);
    bitmap.close?.();
  });
  return canvas;
}

/** One picture of `source` at its own size, as a canvas that the style sheet enlarges without blur. */
export function cutOut(source, index, columns) {
  const side = source.width / columns;
  const canvas = el('canvas', { class: 'gx-thumb', width: side, height: side });
  const [x, y] = [(index % columns) * side, Math.floor(index / columns) * side];
  canvas.getContext('2d').drawImage(source, x, y, side, side, 0, 0, side, side);
  return canvas;
}

/** One picture at its own size, to be shown at any size without blur. */
export class Picture {
  constructor(label) {
    this.canvas = el('canvas', {
      class: 'gx-picture',
      role: 'img',
      'aria-label': label,
      width: 1,
      height: 1,
    });
  }

  /** `picture`: an ImageData, or an image. */
  show(picture) {
    const { canvas } = this;
    if (canvas.width !== picture.width) canvas.width = picture.width;
    if (canvas.height !== picture.height) canvas.height = picture.height;
    const context = canvas.getContext('2d');
    if (picture instanceof ImageData) {
      context.putImageData(picture, 0, 0);
      return;
    }
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.drawImage(picture, 0, 0);
  }
}
