// A generator in this browser: ONNX on one thread of WebAssembly. The same in a page of ours, where a worker
// holds it, and in a page that was taken home.

/** @typedef {{ run: (latents: Float32Array, count: number) => Promise<Float32Array> }} Generator */

/**
 * Makes a generator of an ONNX file.
 * @param {any} ort the module onnxruntime-web
 * @param {ArrayBuffer} wasm its WebAssembly
 * @param {Uint8Array} onnx
 * @returns {Promise<Generator>}
 */
export async function open(ort, wasm, onnx) {
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmBinary = wasm;
  const session = await ort.InferenceSession.create(onnx, { executionProviders: ['wasm'] });
  return {
    async run(latents, count) {
      const z = new ort.Tensor('float32', latents, [count, latents.length / count]);
      const { sample } = await session.run({ z });
      return sample.data;
    },
  };
}
