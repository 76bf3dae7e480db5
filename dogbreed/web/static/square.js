// How a photo becomes the square that the network sees, as dogbreed/images/square.py does it.

import { resize } from "./resize.js";

/** @typedef {import("./resize.js").Pixels} Pixels */
/** @typedef {[number, number, number, number]} Box Left, top, right and bottom. */

const SHOWN_BY_CROP = 0.875;
const GRAY = 128;

/**
 * Turn a photo into a square.
 *
 * @param {Pixels} photo Upright.
 * @param {number} size Side of the square in pixels.
 * @param {string} method `squash`, `letterbox` or `crop`.
 * @returns {Uint8ClampedArray} RGB, row by row.
 */
export function toSquare(photo, size, method) {
  if (method === "letterbox") return letterbox(photo, size);
  return resize(photo, frameBox(photo.width, photo.height, method), size, size);
}

/**
 * Find the part of a photo that the square shows.
 *
 * @param {number} width Of the photo, in pixels.
 * @param {number} height Of the photo, in pixels.
 * @param {string} method See `toSquare`.
 * @returns {Box} In pixels of the photo; outside it where the square has bars.
 */
export function frameBox(width, height, method) {
  if (method === "squash") return [0, 0, width, height];
  const side =
    method === "letterbox" ? Math.max(width, height) : SHOWN_BY_CROP * Math.min(width, height);
  const left = (width - side) / 2;
  const top = (height - side) / 2;
  const [x, y, right, bottom] = [left, top, left + side, top + side].map(roundToEven);
  return [x, y, Math.max(right, x + 1), Math.max(bottom, y + 1)];
}

/**
 * @param {Pixels} photo Upright.
 * @param {number} size Side of the square in pixels.
 * @returns {Uint8ClampedArray}
 */
function letterbox(photo, size) {
  const scale = size / Math.max(photo.width, photo.height);
  const width = Math.max(1, roundToEven(photo.width * scale));
  const height = Math.max(1, roundToEven(photo.height * scale));
  const inner = resize(photo, [0, 0, photo.width, photo.height], width, height);
  const square = new Uint8ClampedArray(size * size * 3).fill(GRAY);
  const left = Math.floor((size - width) / 2);
  const top = Math.floor((size - height) / 2);
  for (let row = 0; row < height; row++) {
    const line = inner.subarray(row * width * 3, (row + 1) * width * 3);
    square.set(line, ((top + row) * size + left) * 3);
  }
  return square;
}

/**
 * Round like Python: a half goes to the even neighbor.
 *
 * @param {number} value
 * @returns {number}
 */
function roundToEven(value) {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}
