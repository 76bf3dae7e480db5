// The tab about the model: its origin, accuracy and limits, and what happens to photos.

import { byId, make } from "./dom.js";
import { fill, percent } from "./texts.js";

/** @typedef {import("./main.js").Page} Page */
/** @typedef {import("./model.js").Metric} Metric */
/** @typedef {import("./texts.js").Words} Words */

const SHOWN = [
  "top_1",
  "top_3",
  "ece",
  "set_coverage",
  "set_size",
  "dogs_refused",
  "negatives_refused",
];

/**
 * Fill the tab.
 *
 * @param {Page} page
 */
export function showAbout({ words, language, model, site }) {
  const origin = {
    classes: model.names.length,
    architecture: model.architecture,
    dataset: model.dataset,
    origin: site.origin,
  };
  byId("about-model").replaceChildren(...withCode(fill(words.about_model_text, origin)));
  const shown = model.metrics.filter(
    ({ name, split }) => SHOWN.includes(name) && split !== "validation",
  );
  byId("metrics").hidden = shown.length === 0;
  byId("no-metrics").hidden = shown.length > 0;
  byId("settled-alike").hidden = !model.settledAlike;
  const share = Math.round(100 * (model.sets?.coverage ?? 0));
  byId("metric-rows").replaceChildren(
    ...shown.map((metric) => metricRow(metric, share, words, language)),
  );
}

/**
 * Say what the network runs on.
 *
 * @param {Page} page
 * @param {{accelerator: string, threads: number}} runtime
 */
export function showRuntime({ words }, runtime) {
  byId("about-runtime").textContent = fill(words.runtime, runtime);
}

/**
 * @param {Metric} metric
 * @param {number} share Of photos whose prediction set contains the right breed, in percent.
 * @param {Words} words
 * @param {string} language
 * @returns {HTMLElement}
 */
function metricRow({ name, value, dataset, split, count }, share, words, language) {
  const digits = { minimumFractionDigits: 2, maximumFractionDigits: 2 };
  const written =
    name === "set_size"
      ? new Intl.NumberFormat(language, digits).format(value)
      : percent(value, language);
  return make(
    "tr",
    {},
    make("th", { scope: "row" }, fill(words[name], { percent: share })),
    make("td", {}, written),
    make("td", {}, make("code", {}, `${dataset}/${split}`)),
    make("td", {}, String(count)),
  );
}

/**
 * @param {string} text With code between backticks.
 * @returns {(Node | string)[]}
 */
function withCode(text) {
  return text.split("`").map((part, place) => (place % 2 ? make("code", {}, part) : part));
}
