// Dots and lines written straight into pixels. For the thousands of small shapes of a frame this takes a
// tenth of the time that the canvas needs for drawImage or paths, and it asks nothing of a graphics card.

import { el } from './dom.js';

const PHASES = 4; // positions within a pixel that a dot is drawn for: slow dots glide instead of jumping

/**
 * A small shape, drawn once for each position within a pixel; `outline(context, radius)` makes its path
 * around 0, 0.
 */
export class Sprite {
  /** `radius` in device pixels, `alpha` 0..1; a white rim of `rim` pixels keeps shapes apart. */
  constructor(radius, { fill, alpha = 1, rim = 1, outline }) {
    this.reach = Math.ceil(radius + rim + 1);
    this.phases = [];
    const side = 2 * this.reach + 1;
    const context = el('canvas', { width: side, height: side }).getContext('2d', {
      willReadFrequently: true,
    });
    for (let phase = 0; phase < PHASES * PHASES; phase += 1) {
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.clearRect(0, 0, side, side);
      const [dx, dy] = [phase % PHASES, Math.floor(phase / PHASES)].map((k) => (k + 0.5) / PHASES);
      context.setTransform(1, 0, 0, 1, this.reach + dx, this.reach + dy);
      context.globalAlpha = alpha;
      context.beginPath();
      outline(context, radius);
      Object.assign(context, { fillStyle: fill, strokeStyle: 'rgba(255,255,255,0.9)', lineWidth: rim });
      context.fill();
      if (rim) context.stroke();
      this.phases.push(opaquePixels(context.getImageData(0, 0, side, side).data, side));
    }
  }
}

// only the pixels that show: [x, y, red, green, blue, alpha] each
function opaquePixels(data, side) {
  const pixels = [];
  for (let i = 0; i < side * side; i += 1) {
    if (data[4 * i + 3] > 3)
      pixels.push(
        i % side,
        Math.floor(i / side),
        data[4 * i],
        data[4 * i + 1],
        data[4 * i + 2],
        data[4 * i + 3],
      );
  }
  return Int16Array.from(pixels);
}

/** A square of opaque pixels. */
export class Raster {
  constructor(side) {
    this.side = side;
    this.image = new ImageData(side, side);
    this.bytes = this.image.data;
    this.words = new Uint32Array(this.bytes.buffer);
  }

  copy(other) {
    this.words.set(other.words);
  }

  /** Draws `sprite` around (x, y), in pixels. */
  stamp(sprite, x, y) {
    const { side, bytes } = this;
    const [left, top] = [Math.floor(x), Math.floor(y)];
    if (!(left > -50 && top > -50 && left < side + 50 && top < side + 50)) return;
    const pixels = sprite.phases[Math.floor((x - left) * PHASES) + PHASES * Math.floor((y - top) * PHASES)];
    const [x0, y0] = [left - sprite.reach, top - sprite.reach];
    for (let i = 0; i < pixels.length; i += 6) {
      const px = x0 + pixels[i];
      const py = y0 + pixels[i + 1];
      if (px < 0 || py < 0 || px >= side || py >= side) continue;
      const at = 4 * (py * side + px);
      const alpha = pixels[i + 5] / 255;
      bytes[at] += (pixels[i + 2] - bytes[at]) * alpha;
      bytes[at + 1] += (pixels[i + 3] - bytes[at + 1]) * alpha;
      bytes[at + 2] += (pixels[i + 4] - bytes[at + 2]) * alpha;
    }
  }

  /** A straight line of `width` pixels with soft edges. `color`: [red, green, blue], `alpha` 0..1. */
  line(x0, y0, x1, y1, width, color, alpha = 1) {
    const { side } = this;
    const length = Math.hypot(x1 - x0, y1 - y0);
    if (!(length > 0.01) || !(length < 4 * side)) return;
    const flat = Math.abs(x1 - x0) >= Math.abs(y1 - y0);
    const [from, to] = flat ? [x0, x1] : [y0, y1];
    const [across, end] = flat ? [y0, y1] : [x0, x1];
    const slope = (end - across) / (to - from);
    const lean = Math.abs(to - from) / length; // the line's width over that of its cut along the other axis
    const reach = (width / 2 + 0.5) / lean;
    const [low, high] = [Math.min(from, to), Math.max(from, to)];
    for (let a = Math.max(0, Math.floor(low)); a < Math.min(side, Math.ceil(high)); a += 1) {
      const middle = across + (Math.min(high, Math.max(low, a + 0.5)) - from) * slope;
      const inside = Math.min(1, a + 1 - low, high - a); // the ends cover only part of their pixel
      for (
        let b = Math.max(0, Math.floor(middle - reach));
        b < Math.min(side, Math.ceil(middle + reach));
        b += 1
      ) {
        const cover = Math.min(1, width / 2 + 0.5 - Math.abs(b + 0.5 - middle) * lean);
        if (cover > 0) this.#blend(flat ? b * side + a : a * side + b, color, cover * inside * alpha);
      }
    }
  }

  #blend(pixel, [red, green, blue], alpha) {
    const { bytes } = this;
    const at = 4 * pixel;
    bytes[at] += (red - bytes[at]) * alpha;
    bytes[at + 1] += (green - bytes[at + 1]) * alpha;
    bytes[at + 2] += (blue - bytes[at + 2]) * alpha;
  }

  /** A dashed circle. */
  ring(x, y, radius, width, color) {
    const dashes = Math.max(8, Math.round(radius / 2.2));
    for (let k = 0; k < dashes; k += 1) {
      const [a, b] = [(2 * Math.PI * k) / dashes, (2 * Math.PI * (k + 0.55)) / dashes];
      this.line(
        x + radius * Math.cos(a),
        y + radius * Math.sin(a),
        x + radius * Math.cos(b),
        y + radius * Math.sin(b),
        width,
        color,
      );
    }
  }
}
