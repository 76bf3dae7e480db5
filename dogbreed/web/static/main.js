// The page: reads its texts and its model, connects the tabs, and loads the network.

import { showAbout, showRuntime } from "./about.js";
import { BatchTab } from "./batch.js";
import { Classifier } from "./classifier.js";
import { byId } from "./dom.js";
import { forgetOthers } from "./download.js";
import { ShownError } from "./errors.js";
import { LiveTab } from "./live.js";
import { readJson, readModel } from "./model.js";
import { bytesToLoad } from "./network.js";
import { PhotoTab } from "./photo.js";
import { connectTabs } from "./tabs.js";
import { fill, pickLanguage, readWords, showFixedTexts } from "./texts.js";

/**
 * What every tab needs.
 *
 * @typedef {object} Page
 * @property {import("./model.js").Site} site
 * @property {import("./model.js").Model} model
 * @property {import("./texts.js").Words} words
 * @property {string} language
 * @property {Classifier} classifier
 * @property {Promise<void>} ready Until the network is loaded; fails with a `ShownError`.
 * @property {(error: unknown) => string} explain What a visitor reads about an error.
 */

/** Start the page. */
async function main() {
  const site = await readJson("site.json");
  const language = pickLanguage(navigator.language, site.languages);
  const [words, model] = await Promise.all([readWords(language), readModel(site)]);
  document.documentElement.lang = language;
  document.title = words.heading;
  showFixedTexts(words);
  const classifier = new Classifier(model);
  const ready = load(site, words, classifier);
  /** @type {Page} */
  const page = {
    site,
    model,
    words,
    language,
    classifier,
    ready: ready.then(() => {}),
    explain: (error) => explain(error, words),
  };
  showAbout(page);
  const photo = new PhotoTab(page);
  const live = new LiveTab(page);
  new BatchTab(page);
  connectTabs((tab) => {
    if (tab !== "photo") photo.leave();
    if (tab !== "live") live.leave();
  });
  document.body.classList.add("started");
  // It has been said why it cannot be loaded; tabs that wait for it say it too.
  page.ready.catch(() => {});
  const runtime = await ready.catch(() => null);
  if (!runtime) return;
  showRuntime(page, runtime);
  document.body.classList.add("ready");
  await keepForOffline(site, words);
}

/**
 * Load the network and show how far it is.
 *
 * @param {import("./model.js").Site} site
 * @param {import("./texts.js").Words} words
 * @param {Classifier} classifier
 * @returns {Promise<{accelerator: string, threads: number}>}
 * @throws {ShownError} It cannot be loaded.
 */
async function load(site, words, classifier) {
  const bar = byId("progress");
  const status = byId("status");
  const total = bytesToLoad(site);
  let loaded = 0;
  const show = () => {
    bar.value = Math.min(1, loaded / total);
    const [done, all] = [loaded, total].map((bytes) => Math.round(bytes / 1e6));
    status.textContent = fill(words.loading, { done: Math.min(done, all), total: all });
  };
  show();
  try {
    const runtime = await classifier.load(site, ({ bytes, starting }) => {
      loaded += bytes ?? 0;
      show();
      if (starting) {
        bar.removeAttribute("value");
        status.textContent = words.starting;
      }
    });
    status.textContent = "";
    return runtime;
  } catch (error) {
    console.error(error);
    status.textContent = words.load_failed;
    throw new ShownError("load_failed");
  } finally {
    bar.hidden = true;
  }
}

/**
 * @param {unknown} error
 * @param {import("./texts.js").Words} words
 * @returns {string}
 */
function explain(error, words) {
  if (error instanceof ShownError) return fill(words[error.key], error.values);
  console.error(error);
  return words.failed;
}

/**
 * Keep the page in the browser, so that it opens without a network.
 *
 * @param {import("./model.js").Site} site
 * @param {import("./texts.js").Words} words
 */
async function keepForOffline(site, words) {
  if (!navigator.serviceWorker) return;
  try {
    await navigator.serviceWorker.register("service-worker.js");
    await navigator.serviceWorker.ready;
    await forgetOthers(Object.values(site.stored));
    byId("status").textContent = words.offline;
  } catch (error) {
    // Private windows of some browsers have no service workers; the page works all the same.
    console.info("The page cannot be kept for offline use:", error);
  }
}

main().catch((error) => {
  console.error(error);
  byId("progress").hidden = true;
  byId("status").textContent = "This page cannot be loaded; check your connection and reload it.";
});
