// Resizing like Pillow's `Image.resize`, equal to the last bit: filters that widen as the photo
// shrinks, weights of 22 bits, rows first, and 8 bits in between.

/**
 * What `resize` reads from: RGBA pixels in rows.
 *
 * @typedef {object} Pixels
 * @property {number} width In pixels.
 * @property {number} height In pixels.
 * @property {(top: number, bottom: number) => Uint8ClampedArray} rows RGBA of the rows from `top`
 *   to `bottom`, that one not included; opaque.
 */

/**
 * A filter: how far it reaches on either side, and its weight at a distance.
 *
 * @typedef {{reach: number, weight: (distance: number) => number}} Filter
 */

/** @type {Filter} */
export const BILINEAR = { reach: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) };

/** @type {Filter} */
export const BICUBIC = {
  reach: 2,
  weight: (signed) => {
    const x = Math.abs(signed);
    if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
  },
};

const BITS = 22;
const HALF = 1 << (BITS - 1);
// Pixels that are read at once, so that a large photo is not in memory a second time.
const STRIP = 1_000_000;

/**
 * Resize a part of a photo.
 *
 * @param {Pixels} source The photo.
 * @param {[number, number, number, number]} box Left, top, right and bottom of the part, inside the
 *   photo. Pixels next to it count where the filter reaches them.
 * @param {number} width Of the result, in pixels.
 * @param {number} height Of the result, in pixels.
 * @param {Filter} [filter] Which filter.
 * @returns {Uint8ClampedArray} RGB, row by row.
 */
export function resize(source, [left, top, right, bottom], width, height, filter = BILINEAR) {
  const across = weights(source.width, left, right, width, filter);
  const down = weights(source.height, top, bottom, height, filter);
  const first = down.starts[0];
  const last = down.starts[height - 1] + down.counts[height - 1];
  const narrow = new Uint8ClampedArray((last - first) * width * 3);
  const step = Math.max(1, Math.floor(STRIP / source.width));
  for (let row = first; row < last; row += step) {
    const end = Math.min(row + step, last);
    squeezeRows(source.rows(row, end), source.width, across, narrow, (row - first) * width * 3);
  }
  return squeezeColumns(narrow, width * 3, down, first);
}

/**
 * For each pixel of the result, which pixels it consists of, and in which shares.
 *
 * @typedef {object} Weights
 * @property {Int32Array} starts The first pixel of each.
 * @property {Int32Array} counts How many pixels.
 * @property {Int32Array} shares `most` shares of each, in units of 2 ** -22.
 * @property {number} most The largest count.
 */

/**
 * @param {number} size Of the photo, in pixels.
 * @param {number} from Where the part begins.
 * @param {number} to Where it ends.
 * @param {number} length Of the result, in pixels.
 * @param {Filter} filter Which filter.
 * @returns {Weights}
 */
function weights(size, from, to, length, filter) {
  const scale = (to - from) / length;
  const widening = Math.max(scale, 1);
  const reach = filter.reach * widening;
  const most = Math.ceil(reach) * 2 + 1;
  const starts = new Int32Array(length);
  const counts = new Int32Array(length);
  const shares = new Int32Array(length * most);
  for (let index = 0; index < length; index++) {
    const center = from + (index + 0.5) * scale;
    const start = Math.max(0, Math.trunc(center - reach + 0.5));
    const count = Math.min(size, Math.trunc(center + reach + 0.5)) - start;
    const exact = Array.from({ length: count }, (_, place) =>
      filter.weight((place + start - center + 0.5) / widening),
    );
    const total = exact.reduce((sum, weight) => sum + weight, 0);
    exact.forEach((weight, place) => {
      const share = (weight / total) * (1 << BITS);
      shares[index * most + place] = Math.trunc(share + (share < 0 ? -0.5 : 0.5));
    });
    starts[index] = start;
    counts[index] = count;
  }
  return { starts, counts, shares, most };
}

/**
 * @param {Uint8ClampedArray} rgba Whole rows.
 * @param {number} width Of these rows, in pixels.
 * @param {Weights} across How they become narrower.
 * @param {Uint8ClampedArray} narrow RGB; the result is written here.
 * @param {number} at Where in it.
 */
function squeezeRows(rgba, width, { starts, counts, shares, most }, narrow, at) {
  for (let row = 0; row < rgba.length; row += width * 4) {
    for (let column = 0; column < starts.length; column++) {
      let red = HALF;
      let green = HALF;
      let blue = HALF;
      let pixel = row + starts[column] * 4;
      const from = column * most;
      for (let place = from; place < from + counts[column]; place++, pixel += 4) {
        const share = shares[place];
        red += share * rgba[pixel];
        green += share * rgba[pixel + 1];
        blue += share * rgba[pixel + 2];
      }
      narrow[at++] = red >> BITS;
      narrow[at++] = green >> BITS;
      narrow[at++] = blue >> BITS;
    }
  }
}

/**
 * @param {Uint8ClampedArray} rows RGB of all rows that are needed.
 * @param {number} length Of a row, in bytes.
 * @param {Weights} down How many rows become one.
 * @param {number} first The number of the first row.
 * @returns {Uint8ClampedArray}
 */
function squeezeColumns(rows, length, { starts, counts, shares, most }, first) {
  const result = new Uint8ClampedArray(starts.length * length);
  const sums = new Int32Array(length);
  for (let row = 0; row < starts.length; row++) {
    sums.fill(HALF);
    for (let place = 0; place < counts[row]; place++) {
      const share = shares[row * most + place];
      const from = (starts[row] - first + place) * length;
      for (let at = 0; at < length; at++) sums[at] += share * rows[from + at];
    }
    for (let at = 0; at < length; at++) result[row * length + at] = sums[at] >> BITS;
  }
  return result;
}
