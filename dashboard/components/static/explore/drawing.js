// The drawing socket: pictures that follow the finger, as pixels, without the weight of a request each.

import { unpack } from '../base/frames.js';
import { address, RequestError } from '../base/request.js';

const AGAIN_MS = 2000; // between attempts to open it
const PATIENCE_MS = 10_000; // with a connection that may have died unheard
const HEAD = 8; // bytes before a frame: the model's step, the number of the place

export class Drawing {
  /** @type {WebSocket} */
  socket;
  /** @type {Map<number, { resolve: (drawn: object | null) => void, reject: (problem: Error) => void, timer: number }>} */
  waiting;

  /** `path`: of the socket under the server's address. */
  constructor(path) {
    this.path = path;
    this.sequence = 0;
    this.tried = -Infinity;
    this.#open();
  }

  close() {
    this.closed = true;
    this.socket.close();
  }

  /**
   * The sample at `place`: {z, step} and `point` or `picture`, an ImageData. Null if there is no socket, or
   * none any more: ask over HTTP, which also says why. Throws a RequestError for what is refused.
   */
  draw(place) {
    if (this.socket.readyState !== WebSocket.OPEN) {
      this.#open();
      return null;
    }
    const { socket, waiting } = this;
    const seq = (this.sequence += 1);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => socket.close(), PATIENCE_MS);
      waiting.set(seq, { resolve, reject, timer });
      socket.send(JSON.stringify({ seq, place }));
    });
  }

  #open() {
    const isOpening = this.socket?.readyState === WebSocket.CONNECTING;
    if (this.closed || isOpening || performance.now() - this.tried < AGAIN_MS) return;
    this.tried = performance.now();
    const url = address(this.path);
    url.protocol = url.protocol.replace('http', 'ws');
    const socket = new WebSocket(url);
    const waiting = new Map(); // number of a place -> who waits for it
    const take = (seq) => {
      const asker = waiting.get(seq);
      waiting.delete(seq);
      clearTimeout(asker?.timer);
      return asker;
    };
    socket.binaryType = 'arraybuffer';
    socket.onmessage = ({ data }) => {
      if (typeof data === 'string') {
        const { seq, status, ...said } = JSON.parse(data);
        take(seq)?.reject(new RequestError(said, status));
      } else {
        const { seq, drawn } = read(data);
        take(seq)?.resolve(drawn);
      }
    };
    socket.onclose = () => {
      for (const seq of [...waiting.keys()]) take(seq).resolve(null);
    };
    this.socket = socket;
    this.waiting = waiting;
  }
}

function read(buffer) {
  const view = new DataView(buffer);
  const { header, arrays, shapes } = unpack(buffer, HEAD);
  const picture = arrays.pixels && imageData(arrays.pixels, shapes.pixels);
  const drawn = { z: header.z, point: header.point, picture, step: view.getUint32(0, true) };
  return { seq: view.getUint32(4, true), drawn };
}

/**
 * Bytes (height, width) or (height, width, 3) as a canvas takes them.
 * @param {Uint8Array} pixels
 * @param {number[]} shape
 */
export function imageData(pixels, [height, width, channels = 1]) {
  const image = new ImageData(width, height);
  const { data } = image;
  const [green, blue] = channels === 3 ? [1, 2] : [0, 0];
  for (let from = 0, to = 0; to < data.length; from += channels, to += 4) {
    data[to] = pixels[from];
    data[to + 1] = pixels[from + green];
    data[to + 2] = pixels[from + blue];
    data[to + 3] = 255;
  }
  return image;
}
