// Photos: what a visitor chooses becomes upright, opaque pixels, or an error.

import { ShownError } from "./errors.js";

/** @typedef {import("./resize.js").Pixels} Pixels */

const MOST_BYTES = 20_000_000;
const LEAST_SIDE = 8;
const HEIF = ["heic", "heix", "hevc", "hevx", "heim", "heis", "mif1", "msf1"];

/**
 * Open a photo: turned as EXIF says, transparency on white, colors as they are in the file.
 *
 * @param {Blob | ImageBitmap} source A file, or a frame of a camera.
 * @returns {Promise<Pixels & {close: () => void}>} Close it when it is not needed any more.
 * @throws {ShownError} It is not an image that the browser can read, is larger than 20 MB, or has a
 *   side of fewer than 8 pixels.
 */
export async function openPhoto(source) {
  const bitmap = source instanceof Blob ? await decode(source) : source;
  const { width, height } = bitmap;
  if (Math.min(width, height) < LEAST_SIDE) {
    bitmap.close();
    throw new ShownError("too_small", { width, height, least: LEAST_SIDE });
  }
  /** @type {OffscreenCanvas | undefined} */
  let canvas;
  return {
    width,
    height,
    rows: (top, bottom) => {
      const count = bottom - top;
      if (!canvas || canvas.height < count) canvas = new OffscreenCanvas(width, count);
      const context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
      if (!context) throw new ShownError("not_image");
      context.fillStyle = "white";
      context.fillRect(0, 0, width, count);
      context.drawImage(bitmap, 0, top, width, count, 0, 0, width, count);
      return context.getImageData(0, 0, width, count).data;
    },
    close: () => bitmap.close(),
  };
}

/**
 * @param {Blob} file
 * @returns {Promise<ImageBitmap>}
 */
async function decode(file) {
  if (file.size > MOST_BYTES) throw new ShownError("too_large");
  try {
    // Python ignores color profiles too, so the network has learned from colors as they are.
    return await createImageBitmap(file, {
      imageOrientation: "from-image",
      colorSpaceConversion: "none",
    });
  } catch {
    throw new ShownError((await isHeif(file)) ? "heic" : "not_image");
  }
}

/**
 * @param {Blob} file
 * @returns {Promise<boolean>}
 */
async function isHeif(file) {
  const start = await file.slice(4, 12).text();
  return start.startsWith("ftyp") && HEIF.includes(start.slice(4));
}
