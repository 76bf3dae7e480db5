// The network on LiteRT.js, in the worker: a square in, evidence and features out.

import { download } from "./download.js";

/** @typedef {import("./model.js").Model} Model */
/** @typedef {import("./model.js").Site} Site */
/** @typedef {import("./answer.js").Output} Output */
/** @typedef {(square: Uint8ClampedArray) => Promise<Output>} Run */
/** @typedef {Uint8Array<ArrayBuffer>} Bytes */

/**
 * A network that can be run.
 *
 * @typedef {object} Network
 * @property {Run} run Takes RGB, row by row.
 * @property {string} accelerator What it runs on, for people.
 * @property {number} threads How many.
 */

// More of them wait for each other, and phones have only so many fast cores.
const MOST_THREADS = 4;
// How far the GPU's numbers may be off, as a share of the largest.
const ALIKE = 0.01;

/**
 * Load LiteRT.js and the network of this site.
 *
 * @param {Site} site
 * @param {Model} model
 * @param {(bytes: number) => void} onBytes Is called with the length of each part that arrives.
 * @param {() => void} onStart Is called when everything has arrived.
 * @returns {Promise<Network>}
 */
export async function loadNetwork(site, model, onBytes, onStart) {
  const { stored } = site;
  const network = download(stored["model.tflite"], onBytes);
  const litert = await loadLibrary(site);
  const { variant, script, wasm } = await loadVariant(site, await variants(litert), onBytes);
  const bytes = await network;
  onStart();
  const scriptUrl = blobUrl(script, "text/javascript");
  // LiteRT.js loads a script whose address ends like this, and by this object finds what is with it.
  Object.assign(globalThis, {
    Module: { locateFile: () => blobUrl(wasm, "application/wasm"), mainScriptUrlOrBlob: scriptUrl },
  });
  await litert.loadLiteRt(`${scriptUrl}#litert.js`);
  const threads =
    variant === "threaded_internal" ? Math.min(navigator.hardwareConcurrency, MOST_THREADS) : 1;
  const compiled = await litert.loadAndCompile(bytes, {
    accelerator: "wasm",
    cpuOptions: { numThreads: threads },
  });
  const run = runner(litert, compiled, model);
  const onGpu = await tryGpu(litert, bytes, model, run);
  if (!onGpu) return { run, accelerator: "WebAssembly", threads };
  compiled.delete();
  return { run: onGpu, accelerator: "WebGPU", threads: 1 };
}

/**
 * How many bytes have to arrive, if none of them is kept from an earlier visit.
 *
 * @param {Site} site
 * @returns {number}
 */
export function bytesToLoad({ stored }) {
  // The variants of LiteRT.js are about equally large.
  const names = ["model.tflite", "litert_wasm_internal.js", "litert_wasm_internal.wasm"];
  return names.reduce((sum, name) => sum + stored[name].size, 0);
}

/**
 * @param {Site} site
 * @returns {Promise<any>} The module `@litertjs/core`.
 */
async function loadLibrary({ stored }) {
  const [core, utils] = await Promise.all(
    ["litert_core.js", "litert_wasm_utils.js"].map((name) => download(stored[name])),
  );
  // Workers have no import maps.
  const source = new TextDecoder()
    .decode(core)
    .replace('"@litertjs/wasm-utils"', JSON.stringify(blobUrl(utils, "text/javascript")));
  return import(blobUrl(new TextEncoder().encode(source), "text/javascript"));
}

/**
 * @param {any} litert
 * @returns {Promise<string[]>} The builds of LiteRT.js that this browser runs, the best first.
 */
async function variants(litert) {
  if (!(await litert.supportsFeature("relaxedSimd"))) return ["compat_internal"];
  const isolated = globalThis.crossOriginIsolated && (await litert.supportsFeature("threads"));
  return isolated ? ["threaded_internal", "internal"] : ["internal"];
}

/**
 * Download a build of LiteRT.js. Without a network it is the one of an earlier visit, which may not
 * be the best: the first visit is often not isolated.
 *
 * @param {Site} site
 * @param {string[]} names The best first.
 * @param {(bytes: number) => void} onBytes
 * @returns {Promise<{variant: string, script: Bytes, wasm: Bytes}>}
 */
async function loadVariant(site, [variant, ...others], onBytes) {
  try {
    const [script, wasm] = await Promise.all(
      ["js", "wasm"].map((kind) => download(site.stored[`litert_wasm_${variant}.${kind}`], onBytes)),
    );
    return { variant, script, wasm };
  } catch (error) {
    if (!others.length) throw error;
    return loadVariant(site, others, onBytes);
  }
}

/**
 * @param {Bytes} bytes
 * @param {string} type
 * @returns {string}
 */
function blobUrl(bytes, type) {
  return URL.createObjectURL(new Blob([bytes], { type }));
}

/**
 * @param {any} litert
 * @param {any} compiled
 * @param {Model} model
 * @returns {Run}
 */
function runner(litert, compiled, { size, names }) {
  const scale = Float32Array.from({ length: 256 }, (_, value) => Math.fround(value / 127.5) - 1);
  return async (square) => {
    const scaled = Float32Array.from(square, (value) => scale[value]);
    const input = new litert.Tensor(scaled, [1, size, size, 3]);
    const outputs = await compiled.run(input);
    input.delete();
    /** @type {Output | undefined} */
    let answer;
    let features = null;
    for (const output of outputs) {
      const shape = Array.from(output.type.layout.dimensions);
      const values = Float32Array.from(await output.data());
      output.delete();
      if (shape.length === 2) features = values;
      else answer = { evidence: values, rows: shape[1], columns: shape[2], features: null };
    }
    if (answer?.evidence.length !== (answer?.rows ?? 0) * (answer?.columns ?? 0) * names.length) {
      throw new Error("the network does not fit its config");
    }
    return { .../** @type {Output} */ (answer), features };
  };
}

/**
 * Compile the network for the GPU, if there is one that answers alike and faster.
 *
 * @param {any} litert
 * @param {Bytes} bytes Of the network.
 * @param {Model} model
 * @param {Run} onCpu
 * @returns {Promise<Run | null>}
 */
async function tryGpu(litert, bytes, model, onCpu) {
  if (!litert.getWebGpuDevice()) return null;
  let compiled;
  try {
    compiled = await litert.loadAndCompile(bytes, {
      accelerator: "webgpu",
      gpuOptions: { precision: "fp32" },
    });
    if (compiled.options.accelerator === "webgpu" && compiled.isFullyAccelerated) {
      const onGpu = runner(litert, compiled, model);
      if (await isBetter(onGpu, onCpu, model)) return onGpu;
    }
  } catch (error) {
    console.info("The GPU cannot run this network:", error);
  }
  compiled?.delete();
  return null;
}

/**
 * @param {Run} onGpu
 * @param {Run} onCpu
 * @param {Model} model
 * @returns {Promise<boolean>}
 */
async function isBetter(onGpu, onCpu, model) {
  const square = Uint8ClampedArray.from(
    { length: model.size * model.size * 3 },
    (_, place) => 128 + 100 * Math.sin(place / 50) * Math.cos(place / 7000),
  );
  // The first answer of a GPU includes its preparation.
  await onGpu(square);
  const [gpu, gpuTime] = await timed(onGpu, square);
  const [cpu, cpuTime] = await timed(onCpu, square);
  const alike =
    areAlike(gpu.evidence, cpu.evidence) &&
    areAlike(gpu.features ?? new Float32Array(), cpu.features ?? new Float32Array());
  return alike && gpuTime < cpuTime;
}

/**
 * @param {Float32Array} found
 * @param {Float32Array} wanted
 * @returns {boolean}
 */
export function areAlike(found, wanted) {
  const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return (
    found.length === wanted.length &&
    // Numbers that are not finite are not alike.
    found.every((value, place) => Math.abs(value - wanted[place]) <= ALIKE * largest)
  );
}

/**
 * @param {Run} run
 * @param {Uint8ClampedArray} square
 * @returns {Promise<[Output, number]>} With milliseconds.
 */
async function timed(run, square) {
  const start = performance.now();
  const output = await run(square);
  return [output, performance.now() - start];
}
