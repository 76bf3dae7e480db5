// The evidence for a label as a layer over the photo, as dogbreed/heatmap.py draws it.

import { BICUBIC, resize } from "./resize.js";
import { frameBox } from "./square.js";

/** @typedef {import("./answer.js").Prediction} Prediction */

// From no evidence to the strongest: transparent, amber, red.
const COLORS = [
  [255, 214, 90, 0],
  [255, 150, 30, 0.35 * 255],
  [220, 20, 30, 0.6 * 255],
];

/**
 * How much stronger the evidence for a label is than for the average label.
 *
 * @param {Prediction} prediction
 * @param {string} label One of its labels.
 * @returns {Float32Array} Rows × columns, top left first.
 */
export function relativeEvidence({ output, labels, ids, all }, label) {
  const id = ids[labels.indexOf(label)];
  const classes = all.length;
  return Float32Array.from({ length: output.rows * output.columns }, (_, cell) => {
    const values = output.evidence.subarray(cell * classes, (cell + 1) * classes);
    return values[id] - values.reduce((sum, value) => sum + value, 0) / classes;
  });
}

/**
 * Draw the evidence for a label.
 *
 * @param {HTMLCanvasElement} canvas As large as the photo is shown; its pixels are replaced.
 * @param {Prediction} prediction
 * @param {string} label One of its labels.
 * @param {string} method How the photo became a square: `squash`, `letterbox` or `crop`.
 */
export function drawEvidence(canvas, prediction, label, method) {
  const { rows, columns } = prediction.output;
  const evidence = relativeEvidence(prediction, label);
  const strongest = Math.max(...evidence, 1e-6);
  const levels = new Uint8ClampedArray(rows * columns * 4);
  evidence.forEach((value, cell) => {
    levels.fill((255 * Math.max(value, 0)) / strongest, cell * 4, cell * 4 + 4);
  });
  const source = { width: columns, height: rows, rows: rowsOf(levels, columns) };
  const [left, top, right, bottom] = frameBox(canvas.width, canvas.height, method);
  const [width, height] = [right - left, bottom - top];
  const mask = resize(source, [0, 0, columns, rows], width, height, BICUBIC);
  const layer = new ImageData(width, height);
  for (let pixel = 0; pixel < width * height; pixel++) {
    layer.data.set(color(mask[pixel * 3] / 255), pixel * 4);
  }
  const context = canvas.getContext("2d");
  context?.clearRect(0, 0, canvas.width, canvas.height);
  context?.putImageData(layer, left, top);
}

/**
 * @param {Uint8ClampedArray} rgba
 * @param {number} width
 * @returns {(top: number, bottom: number) => Uint8ClampedArray}
 */
function rowsOf(rgba, width) {
  return (top, bottom) => rgba.subarray(top * width * 4, bottom * width * 4);
}

/**
 * @param {number} level In 0..1.
 * @returns {number[]} RGBA.
 */
function color(level) {
  const [from, to] = level < 0.5 ? [0, 1] : [1, 2];
  const share = level * 2 - from;
  return COLORS[from].map((value, band) => value + share * (COLORS[to][band] - value));
}
