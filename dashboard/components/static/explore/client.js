// One model over /api: requests with this tab's name on them, pictures decoded off the main thread.

import { Drawing } from './drawing.js';
import { asked } from './place.js';
import { Local } from '../local/local.js';
import { call } from '../base/request.js';

const VIEWER = [...crypto.getRandomValues(new Uint32Array(3))].map((n) => n.toString(36)).join('');
const JSON_TYPE = { 'content-type': 'application/json' };

export class Client {
  /** `id`: a model or run. `heard(step)`: told the model's step with each answer. */
  constructor(id, heard) {
    this.id = id;
    this.heard = heard;
    this.sequence = 0;
    this.drawing = new Drawing(this.path('/draw'));
    this.local = new Local((rest, body) => this.#bytes(rest, body));
  }

  close() {
    this.drawing.close();
    this.local.close();
  }

  path(rest = '') {
    return `/api/models/${encodeURIComponent(this.id)}${rest}`;
  }

  async #call(rest, options) {
    const response = await call(this.path(rest), options);
    const step = Number(response.headers.get('x-step') ?? NaN);
    if (Number.isFinite(step)) this.heard(step);
    return response;
  }

  /** POST `body`; `control` names what asks, so that the server drops what is out of date. */
  post(rest, body, control) {
    const headers = { ...JSON_TYPE, 'x-viewer': VIEWER };
    if (control) Object.assign(headers, { 'x-control': control, 'x-sequence': String((this.sequence += 1)) });
    const priority = control === 'large' ? 'high' : 'auto';
    return this.#call(rest, { method: 'POST', headers, body: JSON.stringify(body), priority });
  }

  async postJson(rest, body, control) {
    return (await this.post(rest, body, control)).json();
  }

  /** POST a file and plain fields. */
  async postForm(rest, fields) {
    const body = new FormData();
    for (const [name, value] of Object.entries(fields)) if (value !== null) body.append(name, value);
    return (await this.#call(rest, { method: 'POST', headers: { 'x-viewer': VIEWER }, body })).json();
  }

  async get(rest = '') {
    return (await this.#call(rest, { headers: { 'x-viewer': VIEWER } })).json();
  }

  async #bytes(rest, body) {
    const response = body ? await this.post(rest, body) : await this.#call(rest, {});
    return response.arrayBuffer();
  }

  async text(rest) {
    return (await this.#call(rest, {})).text();
  }

  patch(rest, body) {
    return this.#call(rest, { method: 'PATCH', headers: JSON_TYPE, body: JSON.stringify(body) });
  }

  delete(rest) {
    return this.#call(rest, { method: 'DELETE' });
  }

  /** The sample at `place`, the quickest way: {z, step} and `point` or `picture`, to be put on a canvas. */
  async draw(place) {
    const here = await this.local.draw(place);
    if (here) return { ...here, isHere: true };
    const started = performance.now();
    const drawn = await this.drawing.draw(asked(place));
    if (drawn) {
      this.local.heardServer(performance.now() - started);
      this.heard(drawn.step);
      return drawn;
    }
    const answer = await this.postJson('/render', { places: [asked(place)], format: 'json' }, 'large');
    const { step, z, points, images } = answer;
    if (points) return { step, z: z[0], point: points[0] };
    return { step, z: z[0], picture: await imageOf(images[0]) };
  }

  /** The samples at `places` as one bitmap, `columns` side by side without gaps. */
  async grid(places, columns, control) {
    const here = await this.local.grid(places, columns);
    if (here) return here;
    return createImageBitmap(await this.png(places, columns, control));
  }

  /** The same as a PNG's blob. */
  async png(places, columns, control) {
    const body = { places: places.map(asked), columns, format: 'png' };
    return (await this.post('/render', body, control)).blob();
  }
}

/** A base64 PNG, decoded. An image, for a bitmap would take four times as long to make. */
export async function imageOf(text) {
  const image = new Image();
  image.src = `data:image/png;base64,${text}`;
  await image.decode();
  return image;
}

/** Base64 PNGs, decoded, in order. */
export function imagesOf(texts) {
  return Promise.all(texts.map(imageOf));
}

/** Base64 of a blob's bytes. */
export async function base64Of(blob) {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let text = '';
  for (let at = 0; at < bytes.length; at += 8192)
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}

/** Offer `blob` as a download called `name`. */
export function save(blob, name) {
  const link = Object.assign(document.createElement('a'), {
    href: URL.createObjectURL(blob),
    download: name,
  });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
