// A painted density: 48 x 48 weights of 0..255, row 0 at the top, with brush, stamps and a way back.

export const SIDE = 48;
const KEPT = 40; // steps that can be undone

/**
 * Soft shapes around 0, 0 with a radius of 1: each gives the weight (0..1) at (x, y). `width`: softness of
 * the edge.
 */
const edge = (distance, width) => Math.min(1, Math.max(0, 0.5 - distance / width));
export const STAMPS = {
  blob: (x, y) => Math.exp(-4 * (x * x + y * y)),
  ring: (x, y, width) => edge(Math.abs(Math.hypot(x, y) - 0.8) - 0.13, width),
  square: (x, y, width) => edge(Math.abs(Math.max(Math.abs(x), Math.abs(y)) - 0.75) - 0.12, width),
  cross: (x, y, width) =>
    edge(Math.max(Math.min(Math.abs(x), Math.abs(y)) - 0.14, Math.hypot(x, y) - 0.95), width),
  moon: (x, y, width) => edge(Math.max(Math.hypot(x, y) - 0.9, 0.75 - Math.hypot(x - 0.42, y)), width),
  heart: (x, y, width) => edge(heart(0.6 * Math.abs(x), 0.56 - 0.6 * y) / 0.6, width),
};

// signed distance to a heart that stands on 0, 0 and is about 1.1 high; x >= 0, y upwards
function heart(x, y) {
  if (x + y > 1) return Math.hypot(x - 0.25, y - 0.75) - Math.SQRT2 / 4;
  const along = Math.max(x + y, 0) / 2;
  return Math.min(Math.hypot(x, y - 1), Math.hypot(x - along, y - along)) * Math.sign(x - y);
}

export class Drawing {
  constructor() {
    this.weights = new Float32Array(SIDE * SIDE);
    this.past = [];
  }

  get isEmpty() {
    return !this.weights.some((weight) => weight > 0.5);
  }

  /** To be called before each stroke. */
  keep() {
    this.past.push(this.weights.slice());
    if (this.past.length > KEPT) this.past.shift();
  }

  undo() {
    if (!this.past.length) return false;
    this.weights = this.past.pop();
    return true;
  }

  clear() {
    this.keep();
    this.weights.fill(0);
  }

  /** Paints (or wipes) a soft disc of `radius` cells around (x, y), in cells. */
  dab(x, y, radius, erase) {
    this.#over(x, y, radius + 1, (at, dx, dy) => {
      const strength = Math.min(1, Math.max(0, radius + 0.5 - Math.hypot(dx, dy)));
      this.weights[at] = erase
        ? this.weights[at] * (1 - strength)
        : Math.max(this.weights[at], 255 * strength);
    });
  }

  /** A stroke from (x0, y0) to (x1, y1): dabs without gaps. */
  stroke(x0, y0, x1, y1, radius, erase) {
    const steps = Math.max(1, Math.ceil(Math.hypot(x1 - x0, y1 - y0) / Math.max(0.4, radius / 3)));
    for (let k = 0; k <= steps; k += 1)
      this.dab(x0 + ((x1 - x0) * k) / steps, y0 + ((y1 - y0) * k) / steps, radius, erase);
  }

  /** Sets a shape of STAMPS with `radius` cells at (x, y). */
  stamp(name, x, y, radius) {
    const shape = STAMPS[name];
    this.#over(x, y, radius * 1.5, (at, dx, dy) => {
      const strength = shape(dx / radius, dy / radius, 1.4 / radius);
      this.weights[at] = Math.max(this.weights[at], 255 * strength);
    });
  }

  #over(x, y, reach, change) {
    for (let row = Math.max(0, Math.floor(y - reach)); row < Math.min(SIDE, Math.ceil(y + reach)); row += 1) {
      for (
        let column = Math.max(0, Math.floor(x - reach));
        column < Math.min(SIDE, Math.ceil(x + reach));
        column += 1
      ) {
        change(row * SIDE + column, column + 0.5 - x, row + 0.5 - y);
      }
    }
  }

  /** Base64 of the 48 * 48 bytes, "" for an empty drawing. */
  encode() {
    if (this.isEmpty) return '';
    return btoa(String.fromCharCode(...Uint8Array.from(this.weights, Math.round)));
  }

  /** Takes what `encode` gave; anything else leaves the drawing as it is. */
  decode(text) {
    try {
      const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
      if (bytes.length === SIDE * SIDE) this.weights = Float32Array.from(bytes);
    } catch {
      // not base64: nothing to take
    }
  }

  /** `n` points drawn from the density, as [x, y, ...] in cells. `random`: () => 0..1. */
  sample(n, random) {
    const sums = new Float64Array(SIDE * SIDE);
    let sum = 0;
    this.weights.forEach((weight, i) => {
      sums[i] = sum += weight;
    });
    const points = new Float32Array(sum > 0 ? 2 * n : 0);
    for (let k = 0; k < points.length; k += 2) {
      const target = random() * sum;
      let [low, high] = [0, sums.length - 1];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (sums[middle] > target) high = middle;
        else low = middle + 1;
      }
      points[k] = (low % SIDE) + random();
      points[k + 1] = Math.floor(low / SIDE) + random();
    }
    return points;
  }
}

/** A small generator of numbers in 0..1 (mulberry32): the same preview for the same drawing. */
export function seeded(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 4294967296;
  };
}
