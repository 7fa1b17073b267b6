// D's opinion as a picture: green where it thinks "real", white at one half, purple where it thinks
// "generated".

// [value, red, green, blue]: the dots' colours, softened so that dots stay visible on them
const STOPS = [
  [0, 180, 141, 193],
  [64, 217, 198, 226],
  [128, 252, 252, 251],
  [192, 186, 225, 190],
  [255, 122, 190, 136],
];

/** The 256 colours as little-endian RGBA words; `dim` (0..1) darkens them all. */
function lookup(dim) {
  const table = new Uint32Array(256);
  for (let value = 0; value < 256; value += 1) {
    const at = Math.max(
      1,
      STOPS.findIndex(([stop]) => stop >= value),
    );
    const [low, ...from] = STOPS[at - 1];
    const [high, ...to] = STOPS[at];
    const share = (value - low) / (high - low);
    const [red, green, blue] = from.map((channel, c) =>
      Math.round(dim * (channel + (to[c] - channel) * share)),
    );
    table[value] = (255 << 24) | (blue << 16) | (green << 8) | red;
  }
  return table;
}

/**
 * For each of `pixels` output positions: the first of four neighbouring cells and their Catmull-Rom
 * weights.
 */
function taps(pixels, cells) {
  return Array.from({ length: pixels }, (_, i) => {
    const at = ((i + 0.5) / pixels) * cells - 0.5;
    const first = Math.floor(at);
    const t = at - first;
    const [t2, t3] = [t * t, t * t * t];
    const weights = [
      (-t3 + 2 * t2 - t) / 2,
      (3 * t3 - 5 * t2 + 2) / 2,
      (-3 * t3 + 4 * t2 + t) / 2,
      (t3 - t2) / 2,
    ];
    const index = [-1, 0, 1, 2].map((k) => Math.min(cells - 1, Math.max(0, first + k)));
    return { index, weights };
  });
}

/** Enlarges a square grid of bytes (row 0 at the bottom) smoothly and colours it. */
export class HeatMap {
  constructor(cells = 48, dim = 1) {
    this.cells = cells;
    this.table = lookup(dim);
    this.taps = taps(0, cells);
    this.wide = new Float32Array(0);
  }

  /** Side of the picture in device pixels. */
  resize(pixels) {
    this.pixels = pixels;
    this.taps = taps(pixels, this.cells);
    this.wide = new Float32Array(pixels * this.cells); // (cells, pixels)
  }

  /** Writes the picture of `grid` into `words` (pixels x pixels, RGBA words). */
  draw(grid, words) {
    this.#widen(grid);
    const { pixels, wide, table } = this;
    for (let y = 0; y < pixels; y += 1) {
      const {
        index,
        weights: [w0, w1, w2, w3],
      } = this.taps[pixels - 1 - y];
      const [r0, r1, r2, r3] = [index[0] * pixels, index[1] * pixels, index[2] * pixels, index[3] * pixels];
      const to = y * pixels;
      for (let x = 0; x < pixels; x += 1) {
        const value = w0 * wide[r0 + x] + w1 * wide[r1 + x] + w2 * wide[r2 + x] + w3 * wide[r3 + x] + 0.5;
        words[to + x] = table[value <= 0 ? 0 : value >= 255 ? 255 : value | 0];
      }
    }
  }

  #widen(grid) {
    const { cells, pixels, wide } = this;
    for (let x = 0; x < pixels; x += 1) {
      const {
        index: [i0, i1, i2, i3],
        weights: [w0, w1, w2, w3],
      } = this.taps[x];
      for (let row = 0; row < cells; row += 1) {
        const at = row * cells;
        wide[row * pixels + x] =
          w0 * grid[at + i0] + w1 * grid[at + i1] + w2 * grid[at + i2] + w3 * grid[at + i3];
      }
    }
  }
}

/** The value of a grid at (u, v) in 0..1 from the lower left, interpolated; 0..255. */
export function valueAt(grid, u, v, size = 48) {
  const x = Math.min(size - 1, Math.max(0, u * size - 0.5));
  const y = Math.min(size - 1, Math.max(0, v * size - 0.5));
  const [i, j] = [Math.min(size - 2, Math.floor(x)), Math.min(size - 2, Math.floor(y))];
  const [a, b] = [x - i, y - j];
  const at = (di, dj) => grid[(j + dj) * size + i + di];
  return (1 - b) * ((1 - a) * at(0, 0) + a * at(1, 0)) + b * ((1 - a) * at(0, 1) + a * at(1, 1));
}

const CORNERS = [
  [0, 0],
  [1, 0],
  [1, 1],
  [0, 1],
];

/**
 * Where a grid passes `level`, by marching squares: calls `segment(u0, v0, u1, v1)` with ends in 0..1 from
 * the lower left. A cell where two lines cross is split without care: at this size nobody sees it.
 */
export function contour(grid, level, segment, size = 48) {
  for (let j = 0; j < size - 1; j += 1) {
    for (let i = 0; i < size - 1; i += 1) {
      const values = CORNERS.map(([di, dj]) => grid[(j + dj) * size + i + di] - level);
      if (values.every((value) => value > 0) || values.every((value) => value <= 0)) continue;
      const ends = [];
      for (let side = 0; side < 4; side += 1) {
        const next = (side + 1) % 4;
        if (values[side] > 0 === values[next] > 0) continue;
        const share = values[side] / (values[side] - values[next]);
        const [[x0, y0], [x1, y1]] = [CORNERS[side], CORNERS[next]];
        ends.push((i + 0.5 + x0 + (x1 - x0) * share) / size, (j + 0.5 + y0 + (y1 - y0) * share) / size);
      }
      for (let k = 0; k + 3 < ends.length; k += 4) segment(ends[k], ends[k + 1], ends[k + 2], ends[k + 3]);
    }
  }
}
