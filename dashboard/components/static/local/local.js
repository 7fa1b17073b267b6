// Drawing in this browser instead of on the server: a class of thirty phones then costs the laptop nothing.
//
// Nothing is loaded before somebody moves a slider. Whatever goes wrong - no room, no WebAssembly, a model
// that only the server should draw, a phone that is too slow - the server draws, as it does until all is here.

import { unpack } from '../base/frames.js';
import { asked } from '../explore/place.js';
import { bareOf, baseOf, lay } from './latents.js';

const MOST_BASES = 4096; // latents that are kept
const SLOW_MS = 40; // a sample that takes longer here, and than the server takes, is drawn there
const LOOKED_AT = 12; // samples, before a browser is called slow

export class Local {
  /** @type {Worker | null} */
  worker = null;
  /** Why the server draws, or null. @type {string | null} */
  refused = null;
  isReady = false;

  /** `fetchBinary(rest, body)`: an ArrayBuffer from under the model's address, by GET or POST. */
  constructor(fetchBinary, changed = () => {}) {
    this.fetchBinary = fetchBinary;
    this.changed = changed;
    this.bases = new Map();
    this.waiting = new Map();
    this.sequence = 0;
    this.times = [];
    this.serverTimes = [];
  }

  close() {
    this.closed = true;
    this.#stop();
  }

  /** Begins to load what is needed, once. */
  start() {
    if (this.started || this.closed) return;
    this.started = true;
    if (typeof Worker === 'undefined' || typeof WebAssembly === 'undefined') {
      this.#give('this browser runs no WebAssembly');
      return;
    }
    this.#open().catch((problem) => this.#give(problem.text ?? String(problem)));
  }

  /** The weights have changed: what is here draws something else now. */
  forget() {
    this.#stop();
    this.bases.clear();
    this.started = false;
    this.changed();
  }

  async #open() {
    const { header, arrays } = unpack(await this.fetchBinary('/browser'));
    if (this.closed) return;
    this.layout = /** @type {any} */ ({ ...header, directions: arrays.directions });
    const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
    this.worker = worker;
    worker.onerror = () => this.#give('its worker did not start');
    worker.onmessage = ({ data }) => this.#heard(data);
    const { shape, latent_dim: dim } = this.layout;
    worker.postMessage({ onnx: arrays.onnx.slice(), shape, dim });
  }

  #heard({ id, ready, failed, ...sheet }) {
    if (ready) {
      this.isReady = true;
      this.changed();
      return;
    }
    if (failed) this.#give(failed);
    this.waiting.get(id)?.(failed ? null : sheet);
    this.waiting.delete(id);
  }

  #give(reason) {
    this.refused = reason;
    this.#stop();
    this.changed();
  }

  #stop() {
    this.worker?.terminate();
    this.worker = null;
    this.isReady = false;
    for (const resolve of this.waiting.values()) resolve(null);
    this.waiting.clear();
  }

  /**
   * The sample at `place`: {z, picture: ImageData}, or null if the server should draw it, as when the latent
   * of a new seed is not here yet: it is asked for then.
   */
  async draw(place) {
    if (!this.isReady) return null;
    const base = place.z ?? this.bases.get(baseOf(place));
    if (!base) {
      if (!place.plane) this.#learn([place]).catch(() => {}); // for the next one; each point has its own
      return null;
    }
    const z = new Float32Array(this.layout.latent_dim);
    lay(place, base, this.layout, z);
    const sheet = await this.#run(z.slice(), 1, 1);
    if (!sheet) return null;
    this.#timed(sheet.ms);
    return {
      z: [...z],
      step: this.layout.step,
      picture: new ImageData(sheet.data, sheet.width, sheet.height),
    };
  }

  /** The samples at `places`, `columns` side by side, as a canvas; or null. */
  async grid(places, columns) {
    if (!this.isReady) return null;
    await this.#learn(places.filter((place) => !place.z && !this.bases.has(baseOf(place))));
    if (!this.isReady) return null;
    const { latent_dim: dim } = this.layout;
    const latents = new Float32Array(places.length * dim);
    places.forEach((place, k) => {
      lay(
        place,
        place.z ?? this.bases.get(baseOf(place)),
        this.layout,
        latents.subarray(k * dim, (k + 1) * dim),
      );
    });
    const sheet = await this.#run(latents, places.length, columns);
    if (!sheet) return null;
    const canvas = document.createElement('canvas');
    Object.assign(canvas, { width: sheet.width, height: sheet.height });
    /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d')).putImageData(
      new ImageData(sheet.data, sheet.width, sheet.height),
      0,
      0,
    );
    return canvas;
  }

  #run(latents, count, columns) {
    const id = (this.sequence += 1);
    return new Promise((resolve) => {
      this.waiting.set(id, resolve);
      this.worker?.postMessage({ id, latents, count, columns }, [latents.buffer]);
    });
  }

  /** Has the latents of seeds and of the plane told, which are drawn where torch is. */
  async #learn(places) {
    const missing = new Map(places.map((place) => [baseOf(place), asked(bareOf(place))]));
    if (!missing.size) return;
    const { arrays } = unpack(await this.fetchBinary('/latents', { places: [...missing.values()] }));
    const { latent_dim: dim } = this.layout;
    let k = 0;
    for (const word of missing.keys()) {
      this.bases.set(word, arrays.latents.slice(k * dim, (k + 1) * dim));
      k += 1;
    }
    for (const word of this.bases.keys()) {
      if (this.bases.size <= MOST_BASES) break;
      this.bases.delete(word);
    }
  }

  /** A sample took the server so many milliseconds, from asking to showing. */
  heardServer(ms) {
    this.serverTimes = [...this.serverTimes, ms].slice(-LOOKED_AT);
  }

  #timed(ms) {
    this.times = [...this.times, ms].slice(-LOOKED_AT);
    if (this.times.length < LOOKED_AT) return;
    const took = median(this.times);
    if (took > SLOW_MS && took > median(this.serverTimes))
      this.#give(`a picture takes ${Math.round(took)} ms here`);
  }
}

function median(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}
