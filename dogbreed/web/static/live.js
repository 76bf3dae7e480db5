// The tab for the camera: breeds that follow what it sees, smoothed as dogbreed/page/live.py does.

import { ranked } from "./answer.js";
import { closeCamera, isOpen, openCamera } from "./camera.js";
import { byId, showLabels } from "./dom.js";
import { percent } from "./texts.js";

/** @typedef {import("./answer.js").Prediction} Prediction */
/** @typedef {import("./main.js").Page} Page */

/**
 * The state between two frames.
 *
 * @typedef {object} Smoothed
 * @property {number} time When the last frame was answered, in seconds.
 * @property {Float64Array} probabilities Of every class.
 * @property {number} noDog Share of the frames that did not look like a dog; recent ones weigh most.
 */

// A breed that comes into view takes the lead after about this many seconds.
const TIME_CONSTANT = 0.5;
// After a pause of this many seconds the camera shows something else.
const PAUSE = 2;
// A forgotten camera stops by itself, after so many seconds.
const TIME_LIMIT = 300;

/**
 * Exponential smoothing over time, the same at 2 and at 20 frames per second.
 *
 * @param {Smoothed | null} previous The state after the last frame, if there was one.
 * @param {Float64Array} probabilities The answer to the new frame.
 * @param {boolean} looksLikeDog The same.
 * @param {number} now Seconds of any steady clock.
 * @returns {Smoothed}
 */
export function smooth(previous, probabilities, looksLikeDog, now) {
  const passed = previous ? now - previous.time : -1;
  const without = looksLikeDog ? 0 : 1;
  if (!previous || passed < 0 || passed > PAUSE) {
    return { time: now, probabilities, noDog: without };
  }
  const weight = 1 - Math.exp(-passed / TIME_CONSTANT);
  return {
    time: now,
    probabilities: previous.probabilities.map(
      (value, id) => value + weight * (probabilities[id] - value),
    ),
    noDog: previous.noDog + weight * (without - previous.noDog),
  };
}

/** The tab and its camera. */
export class LiveTab {
  #video = byId("camera");
  #button = byId("camera-button");
  #run = 0;

  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    this.#button.addEventListener("click", () => (isOpen(this.#video) ? this.leave() : this.#start()));
    document.addEventListener("visibilitychange", () => document.hidden && this.leave());
    this.#showButton();
  }

  /** Switch the camera off. */
  leave() {
    this.#run++;
    closeCamera(this.#video);
    this.#showButton();
  }

  async #start() {
    const run = ++this.#run;
    byId("camera-error").textContent = "";
    try {
      await openCamera(this.#video);
      if (run !== this.#run) {
        closeCamera(this.#video);
        return;
      }
      this.#showButton();
      await this.page.ready;
      await this.#follow(run);
    } catch (error) {
      if (run !== this.#run) return;
      this.leave();
      byId("camera-error").textContent = this.page.explain(error);
    }
  }

  /** @param {number} run Which start of the camera this belongs to. */
  async #follow(run) {
    const start = performance.now();
    /** @type {Smoothed | null} */
    let smoothed = null;
    while (run === this.#run) {
      const now = performance.now();
      if (now - start > TIME_LIMIT * 1000) this.leave();
      const frame = await createImageBitmap(this.#video);
      const prediction = await this.page.classifier.answer(frame);
      if (run !== this.#run) return;
      smoothed = smooth(smoothed, prediction.all, prediction.looksLikeDog, now / 1000);
      this.#show(smoothed);
      await new Promise((resolve) => requestAnimationFrame(resolve));
    }
  }

  /** @param {Smoothed} smoothed */
  #show({ probabilities, noDog }) {
    const { model, words, language } = this.page;
    const ids = ranked(probabilities).slice(0, 3);
    showLabels(
      byId("live-labels"),
      ids.map((id) => model.names[id]),
      ids.map((id) => probabilities[id]),
      (share) => percent(share, language, 0),
      null,
    );
    byId("live").classList.toggle("no-dog", noDog > 0.5);
    byId("live-note").textContent = noDog > 0.5 ? words.no_dog : "";
  }

  #showButton() {
    const { stop_camera, start_camera } = this.page.words;
    const open = isOpen(this.#video);
    this.#button.textContent = open ? stop_camera : start_camera;
    byId("live").classList.toggle("running", open);
  }
}
