// Places as latents, as engine/explore/places.py has it: what is laid over a base is worked out here, so that
// a slider needs nobody's answer.

/**
 * @typedef {{ name: string, kind: string, start: number, size: number }} Code
 * @typedef {{ latent_dim: number, noise_dim: number, codes: Code[], directions: Float32Array }} Layout
 */

/** `place` without what is laid over it, as a word: the same word, the same base. */
export function baseOf({ seed, z, plane, plane_seed }) {
  if (z) return null; // a latent is its own base
  return plane ? `plane ${plane} ${plane_seed ?? 0}` : `seed ${seed ?? 0}`;
}

/** `place` without what is laid over it, as the server takes it. */
export function bareOf({ seed, plane, plane_seed }) {
  return plane ? { plane, plane_seed: plane_seed ?? 0 } : { seed: seed ?? 0 };
}

/**
 * Writes the latent at `place` to `out`; `base` is the latent that its seed or plane stands for.
 * @param {any} place
 * @param {ArrayLike<number>} base
 * @param {Layout} layout
 * @param {Float32Array} out
 */
export function lay(place, base, layout, out) {
  const { latent_dim, noise_dim, codes, directions } = layout;
  out.set(base);
  const truncation = place.z ? 1 : (place.truncation ?? 1);
  if (truncation !== 1) for (let k = 0; k < noise_dim; k += 1) out[k] *= truncation;
  for (const [name, value] of Object.entries(place.codes ?? {})) {
    const code = codes.find((each) => each.name === name);
    if (!code) throw new RangeError(`no code ${name}`);
    if (code.kind === 'categorical') {
      out.fill(0, code.start, code.start + code.size);
      out[code.start + value] = 1;
    } else {
      const values = Array.isArray(value) ? value : new Array(code.size).fill(value);
      out.set(values, code.start);
    }
  }
  for (const [name, step] of Object.entries(place.directions ?? {})) {
    const from = (Number(name.slice(1)) - 1) * latent_dim;
    for (let k = 0; k < latent_dim; k += 1) out[k] += directions[from + k] * step;
  }
}

/**
 * Samples in [-1, 1], (n, C, H, W), as grey levels, `columns` side by side: RGBA of the whole sheet. Rounded
 * as engine/data/pixels.py does.
 * @param {Float32Array} samples
 * @param {number[]} shape (C, H, W)
 */
export function toSheet(samples, [channels, height, width], columns) {
  const count = samples.length / (channels * height * width);
  const across = Math.min(columns, count) * width;
  const rows = Math.ceil(count / columns);
  const data = new Uint8ClampedArray(across * rows * height * 4);
  const plane = height * width;
  const [green, blue] = channels === 3 ? [plane, 2 * plane] : [0, 0];
  for (let k = 0; k < count; k += 1) {
    const left = (k % columns) * width;
    const top = Math.floor(k / columns) * height;
    for (let y = 0; y < height; y += 1) {
      let from = k * channels * plane + y * width;
      let to = ((top + y) * across + left) * 4;
      for (let x = 0; x < width; x += 1, from += 1, to += 4) {
        data[to] = level(samples[from]);
        data[to + 1] = level(samples[from + green]);
        data[to + 2] = level(samples[from + blue]);
        data[to + 3] = 255;
      }
    }
  }
  return { data, width: across, height: rows * height };
}

function level(x) {
  return (Math.max(-1, Math.min(1, x)) + 1) * 127.5; // the array rounds half to even, as torch does
}
