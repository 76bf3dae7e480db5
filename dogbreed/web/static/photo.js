// The tab for one photo: the answer, and the evidence as a layer over the photo.

import { closeCamera, openCamera } from "./camera.js";
import { byId, make, showLabels } from "./dom.js";
import { drawEvidence } from "./heatmap.js";
import { fill, percent } from "./texts.js";
import { confidence, oftenConfused, readMoreLink, sentence } from "./wording.js";

/** @typedef {import("./answer.js").Prediction} Prediction */
/** @typedef {import("./main.js").Page} Page */

// Enough for a large screen.
const SHOWN_SIDE = 900;

/** The tab and what it shows. */
export class PhotoTab {
  #turn = 0;
  #shown = byId("shown");
  #layer = byId("evidence");
  #video = byId("snapshot-video");
  #address = "";

  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    byId("photo-file").addEventListener("change", () => this.#takeChosen());
    this.#acceptDropsAndPastes();
    this.#connectSnapshot();
    byId("strength").addEventListener("input", (/** @type {any} */ event) => {
      this.#layer.style.opacity = event.target.value;
    });
    this.#layer.style.opacity = byId("strength").value;
    byId("example-list").replaceChildren(
      ...page.site.examples.map((path, place) => this.#example(path, place + 1)),
    );
    byId("examples").hidden = page.site.examples.length === 0;
    // Chosen while the page was still being read.
    this.#takeChosen();
  }

  #takeChosen() {
    const chosen = byId("photo-file");
    const [file] = chosen.files;
    if (file) this.answer(file);
    // So that the same file can be chosen again.
    chosen.value = "";
  }

  /** Called when another tab is opened. */
  leave() {
    this.#endSnapshot();
  }

  /**
   * Answer a photo and show the answer, unless another photo is chosen meanwhile.
   *
   * @param {Blob} file
   */
  async answer(file) {
    const turn = ++this.#turn;
    this.#endSnapshot();
    this.#reset(this.page.words.looking);
    byId("photo").setAttribute("aria-busy", "true");
    try {
      await this.page.ready;
      const prediction = await this.page.classifier.answer(file);
      if (turn === this.#turn) await this.#show(file, prediction);
    } catch (error) {
      if (turn === this.#turn) this.#refuse(error);
    } finally {
      if (turn === this.#turn) byId("photo").removeAttribute("aria-busy");
    }
  }

  /** @param {string} text What is said instead of an answer. */
  #reset(text) {
    byId("sentence").textContent = text;
    byId("photo").classList.remove("answered", "no-dog");
    byId("labels").replaceChildren();
    byId("more").replaceChildren();
    byId("photo-error").textContent = "";
    this.#layer.getContext("2d").clearRect(0, 0, this.#layer.width, this.#layer.height);
  }

  /** @param {unknown} error */
  #refuse(error) {
    this.#reset(this.page.words.unreadable);
    byId("photo-error").textContent = this.page.explain(error);
    byId("photo").classList.remove("has-photo");
  }

  /**
   * @param {Blob} file
   * @param {Prediction} prediction
   */
  async #show(file, prediction) {
    const { words, language, site } = this.page;
    const articles = language === "en" && site.subject === "dog";
    await this.#showPhoto(file);
    byId("sentence").textContent = sentence(prediction, words, articles);
    byId("photo").classList.add("answered");
    byId("photo").classList.toggle("no-dog", !prediction.looksLikeDog);
    showLabels(
      byId("labels"),
      prediction.labels,
      prediction.probabilities,
      (share) => percent(share, language),
      (label) => this.#choose(prediction, label),
    );
    const [best] = prediction.labels;
    const href = readMoreLink(best, site.articles[prediction.ids[0]], language);
    const link = { href, target: "_blank", rel: "noopener noreferrer" };
    const lines = [confidence(prediction, words), oftenConfused(prediction, site.confused, words)];
    byId("more").replaceChildren(
      ...lines.flatMap((line) => (line ? [make("p", {}, line)] : [])),
      make("p", {}, make("a", link, fill(words.read_more, { breed: best }))),
    );
    this.#choose(prediction, best);
  }

  /** @param {Blob} file */
  async #showPhoto(file) {
    URL.revokeObjectURL(this.#address);
    this.#address = URL.createObjectURL(file);
    this.#shown.src = this.#address;
    await this.#shown.decode();
    const { naturalWidth: width, naturalHeight: height } = this.#shown;
    const scale = Math.min(1, SHOWN_SIDE / Math.max(width, height));
    this.#layer.width = Math.max(1, Math.round(width * scale));
    this.#layer.height = Math.max(1, Math.round(height * scale));
    this.#shown.alt = this.page.words.photo_alt;
    byId("photo").classList.add("has-photo");
  }

  /**
   * @param {Prediction} prediction
   * @param {string} label Whose evidence to show.
   */
  #choose(prediction, label) {
    const { words, model } = this.page;
    drawEvidence(this.#layer, prediction, label, model.resize);
    this.#layer.setAttribute("aria-label", fill(words.evidence_alt, { breed: label }));
    byId("evidence-for").textContent = fill(words.evidence_for, { breed: label });
    for (const button of byId("labels").querySelectorAll("button")) {
      const chosen = button.querySelector(".name").textContent === label;
      button.setAttribute("aria-pressed", String(chosen));
    }
  }

  #acceptDropsAndPastes() {
    const zone = byId("photo");
    zone.addEventListener("dragover", (/** @type {DragEvent} */ event) => {
      event.preventDefault();
      zone.classList.add("dragged");
    });
    zone.addEventListener("dragleave", () => zone.classList.remove("dragged"));
    zone.addEventListener("drop", (/** @type {DragEvent} */ event) => {
      event.preventDefault();
      zone.classList.remove("dragged");
      const [file] = event.dataTransfer?.files ?? [];
      if (file) this.answer(file);
    });
    document.addEventListener("paste", (event) => {
      const [file] = event.clipboardData?.files ?? [];
      if (!file || zone.hidden) return;
      event.preventDefault();
      this.answer(file);
    });
  }

  #connectSnapshot() {
    byId("use-camera").addEventListener("click", async () => {
      byId("photo-error").textContent = "";
      try {
        await openCamera(this.#video);
        byId("snapshot").hidden = false;
        byId("take").focus();
      } catch (error) {
        byId("photo-error").textContent = this.page.explain(error);
      }
    });
    byId("cancel").addEventListener("click", () => this.#endSnapshot());
    byId("take").addEventListener("click", async () => {
      const canvas = document.createElement("canvas");
      canvas.width = this.#video.videoWidth;
      canvas.height = this.#video.videoHeight;
      canvas.getContext("2d")?.drawImage(this.#video, 0, 0);
      canvas.toBlob((blob) => blob && this.answer(blob), "image/png");
    });
  }

  #endSnapshot() {
    closeCamera(this.#video);
    byId("snapshot").hidden = true;
  }

  /**
   * @param {string} path
   * @param {number} number
   * @returns {HTMLElement}
   */
  #example(path, number) {
    const label = `${this.page.words.examples} ${number}`;
    const picture = make("img", { src: path, alt: "", loading: "lazy" });
    const button = make("button", { type: "button", "aria-label": label }, picture);
    button.addEventListener("click", async () => {
      this.answer(await (await fetch(path)).blob());
    });
    return make("li", {}, button);
  }
}
