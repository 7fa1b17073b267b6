// Reads the packed frames that the training process writes: 4-byte length, JSON header, arrays at multiples
// of 8.

/** @import { FrameHeader } from './records.js' */
/** @typedef {{ header: FrameHeader, arrays: Record<string, any>, shapes: Record<string, number[]> }} Frame */

const VIEWS = { float32: Float32Array, uint8: Uint8Array, int16: Int16Array };

/**
 * The header and the arrays of a frame that starts at `offset` of an ArrayBuffer. Arrays are views on the
 * buffer (no copy); a `png` comes as Uint8Array of the file. Throws RangeError if cut short.
 * @param {ArrayBuffer} buffer
 * @returns {Frame}
 */
export function unpack(buffer, offset = 0) {
  const length = new DataView(buffer).getUint32(offset, true);
  /** @type {FrameHeader} */
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, offset + 4, length)));
  const arrays = {};
  const shapes = {};
  for (const entry of header.arrays) {
    const start = offset + 4 + length + entry.offset;
    const View = VIEWS[entry.dtype] ?? Uint8Array;
    const aligned = start % View.BYTES_PER_ELEMENT === 0;
    arrays[entry.name] = aligned
      ? new View(buffer, start, entry.bytes / View.BYTES_PER_ELEMENT)
      : new View(buffer.slice(start, start + entry.bytes));
    shapes[entry.name] = entry.shape;
  }
  return { header, arrays, shapes };
}

/**
 * A frame as it comes over the socket: 8 bytes (run index, sequence number), then the frame.
 * @param {ArrayBuffer} buffer
 */
export function unwrap(buffer) {
  const view = new DataView(buffer);
  return { index: view.getUint32(0, true), seq: view.getUint32(4, true), offset: 8 };
}
