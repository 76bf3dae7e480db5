// The page's side of the worker: a photo in, a promise of the answer out.

import { ShownError } from "./errors.js";

/** @typedef {import("./model.js").Model} Model */
/** @typedef {import("./model.js").Site} Site */
/** @typedef {import("./answer.js").Prediction} Prediction */

/** Answers photos; photos that come before the network is loaded wait for it. */
export class Classifier {
  /** @type {Map<number, {resolve: Function, reject: Function, onProgress: Function}>} */
  #waiting = new Map();
  #last = 0;
  #worker = new Worker(new URL("worker.js", import.meta.url));

  /** @param {Model} model */
  constructor(model) {
    this.model = model;
    this.#worker.onmessage = ({ data }) => this.#receive(data);
    this.#worker.onerror = (event) => {
      this.#waiting.forEach(({ reject }) => reject(new Error(event.message)));
      this.#waiting.clear();
    };
  }

  /**
   * Load the network.
   *
   * @param {Site} site
   * @param {(progress: {bytes?: number, starting?: boolean}) => void} onProgress
   * @returns {Promise<{accelerator: string, threads: number}>}
   */
  load(site, onProgress) {
    return this.#ask({ task: "load", site, model: this.model }, [], onProgress);
  }

  /**
   * Answer a photo.
   *
   * @param {Blob | ImageBitmap} photo A file, or a frame of a camera, which is gone afterwards.
   * @returns {Promise<Prediction>}
   * @throws {ShownError} It cannot be used.
   */
  answer(photo) {
    const moved = photo instanceof Blob ? [] : [photo];
    return this.#ask({ task: "answer", photo, count: 3 }, moved);
  }

  /**
   * @param {object} message
   * @param {Transferable[]} moved
   * @param {Function} [onProgress]
   * @returns {Promise<any>}
   */
  #ask(message, moved, onProgress = () => {}) {
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, onProgress });
      this.#worker.postMessage({ id, ...message }, moved);
    });
  }

  /** @param {any} message */
  #receive({ id, progress, result, error }) {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    if (progress) {
      waiting.onProgress(progress);
      return;
    }
    this.#waiting.delete(id);
    if (!error) waiting.resolve(result);
    else waiting.reject(error.key ? new ShownError(error.key, error.values) : new Error(error.message));
  }
}
