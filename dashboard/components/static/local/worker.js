// The thread on which a generator draws: the page stays free for the finger.

import * as ort from '../vendor/ort.wasm.bundle.min.mjs';
import { toSheet } from './latents.js';
import { open } from './runtime.js';

const AT_ONCE = 8; // samples in one run: a finger waits for no more than these

/** @type {import('./runtime.js').Generator} */
let generator;
let shape;
const single = []; // one sample each, for the finger: they come before what is left of the sheets
const sheets = [];
let isDrawing = false;

/** Messages: {onnx, shape} first, answered by {ready}; then {id, latents, count, columns} by {id, data, ...}. */
self.onmessage = async ({ data: asked }) => {
  if (asked.onnx) {
    await begin(asked);
    return;
  }
  if (asked.count === 1) single.push(asked);
  else sheets.push({ ...asked, done: 0, samples: new Float32Array(asked.count * size()) });
  if (!isDrawing) go();
};

const size = () => shape.reduce((a, b) => a * b);

async function begin(asked) {
  try {
    const response = await fetch(new URL('../vendor/ort-wasm-simd-threaded.wasm', import.meta.url));
    if (!response.ok) throw new Error(`the runtime: ${response.status}`);
    ({ shape } = asked);
    generator = await open(ort, await response.arrayBuffer(), asked.onnx);
    await generator.run(new Float32Array(asked.dim), 1); // the first run takes longest
    postMessage({ ready: true });
  } catch (problem) {
    postMessage({ failed: String(problem) });
  }
}

async function go() {
  isDrawing = true;
  while (single.length || sheets.length) {
    const asked = single[0] ?? sheets[0];
    try {
      if (single.length) await drawOne(single.shift());
      else await drawSome(asked);
    } catch (problem) {
      postMessage({ id: asked.id, failed: String(problem) });
      sheets.length = 0;
    }
    await nextMessage();
  }
  isDrawing = false;
}

// hears what the finger asks for meanwhile; a timer would wait four milliseconds
const turn = new MessageChannel();

function nextMessage() {
  return new Promise((resolve) => {
    turn.port1.onmessage = resolve;
    turn.port2.postMessage(null);
  });
}

async function drawOne({ id, latents }) {
  const started = performance.now();
  const sheet = toSheet(await generator.run(latents, 1), shape, 1);
  postMessage({ id, ms: performance.now() - started, ...sheet }, { transfer: [sheet.data.buffer] });
}

async function drawSome(asked) {
  const { id, latents, count, columns, samples, done } = asked;
  const dim = latents.length / count;
  const some = Math.min(AT_ONCE, count - done);
  samples.set(await generator.run(latents.slice(done * dim, (done + some) * dim), some), done * size());
  asked.done += some;
  if (asked.done < count) return;
  sheets.shift();
  const sheet = toSheet(samples, shape, columns);
  postMessage({ id, ...sheet }, { transfer: [sheet.data.buffer] });
}
