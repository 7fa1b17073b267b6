// The live WebSocket: connects, comes back with `since` after a break, and acknowledges a frame only once
// it is painted.

/** @import { Message } from '../base/records.js' */

import { address } from '../base/request.js';
import { unwrap } from '../base/frames.js';

const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 5000;
const PATIENCE_MS = 10_000; // a handshake that hangs would be waited for by the browser for minutes
const UNKNOWN_RUN = 4404;

export class LiveSocket {
  /**
   * `runs`: ids in order. `handlers`: `message(object)`, `frame(index, buffer, offset, painted)` where
   * `painted()` is to be called once the frame is on the screen or was passed over, `connected(bool)`,
   * `unknown()`. `since()` gives what was seen of each run: {since: [last row], event: [last event]}, -1
   * for none.
   * @param {string[]} runs
   * @param {{ message: (said: Message) => void, frame: (index: number, buffer: ArrayBuffer, offset: number, painted: () => void) => void, connected: (is: boolean) => void, unknown: () => void }} handlers
   * @param {() => Record<'since' | 'event', number[]>} since
   */
  constructor(runs, handlers, since) {
    this.runs = runs;
    this.handlers = handlers;
    this.since = since;
    this.delay = FIRST_DELAY_MS;
    this.closed = false;
    this.wake = () => !document.hidden && this.#retry();
    addEventListener('online', this.wake);
    document.addEventListener('visibilitychange', this.wake);
    this.#open();
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
    clearTimeout(this.patience);
    removeEventListener('online', this.wake);
    document.removeEventListener('visibilitychange', this.wake);
    this.socket?.close();
  }

  /** Tells the server something, if there is a connection. @param {object} what */
  send(what) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(what));
  }

  #url() {
    const url = address('/api/live');
    url.protocol = url.protocol.replace('http', 'ws');
    for (const run of this.runs) url.searchParams.append('run', run);
    for (const [name, rows] of Object.entries(this.since())) {
      if (rows.some((row) => row >= 0)) for (const row of rows) url.searchParams.append(name, String(row));
    }
    return url;
  }

  #open() {
    const socket = new WebSocket(this.#url());
    socket.binaryType = 'arraybuffer';
    this.socket = socket;
    clearTimeout(this.patience);
    this.patience = setTimeout(
      () => socket.readyState === WebSocket.CONNECTING && socket.close(),
      PATIENCE_MS,
    );
    socket.onopen = () => {
      clearTimeout(this.patience);
      this.delay = FIRST_DELAY_MS;
      this.handlers.connected(true);
    };
    socket.onmessage = ({ data }) =>
      typeof data === 'string' ? this.handlers.message(JSON.parse(data)) : this.#frame(socket, data);
    socket.onclose = ({ code }) => {
      if (this.closed || socket !== this.socket) return;
      this.handlers.connected(false);
      this.closed = code === UNKNOWN_RUN;
      if (this.closed) this.handlers.unknown();
      else this.#later();
    };
  }

  /**
   * @param {WebSocket} socket
   * @param {ArrayBuffer} data
   */
  #frame(socket, data) {
    const { index, seq, offset } = unwrap(data);
    const painted = () =>
      socket.readyState === WebSocket.OPEN && socket.send(JSON.stringify({ type: 'ack', seq }));
    this.handlers.frame(index, data, offset, painted);
  }

  #later() {
    const wait = this.delay * (0.75 + Math.random() / 2); // a class must not come back in one instant
    this.delay = Math.min(LONGEST_DELAY_MS, this.delay * 1.7);
    this.timer = setTimeout(() => this.#open(), wait);
  }

  #retry() {
    if (this.closed || !this.socket || this.socket.readyState !== WebSocket.CLOSED) return;
    clearTimeout(this.timer);
    this.delay = FIRST_DELAY_MS;
    this.#open();
  }
}
