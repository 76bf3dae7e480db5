// The tab for several photos: a table, and the same as CSV, as dogbreed/page/batch.py writes it.

import { byId, make } from "./dom.js";
import { fill, percent } from "./texts.js";

/** @typedef {import("./answer.js").Prediction} Prediction */
/** @typedef {import("./main.js").Page} Page */

/**
 * One photo of the table.
 *
 * @typedef {object} Row
 * @property {string} file Its name.
 * @property {Prediction | null} prediction
 * @property {string} note
 */

const MOST_PHOTOS = 200;
const PLACES = [0, 1, 2];
const CSV_NAME = "answers.csv";
const CSV_HEADER = [
  "file",
  ...PLACES.flatMap((place) => [`breed_${place + 1}`, `probability_${place + 1}`]),
  "is_dog",
  "note",
];

/**
 * The rows as CSV, probabilities with four digits.
 *
 * @param {Row[]} rows
 * @returns {string} With a byte-order mark, by which spreadsheets read names in any script.
 */
export function asCsv(rows) {
  const lines = rows.map(({ file, prediction, note }) => [
    file,
    ...PLACES.flatMap((place) => [
      prediction?.labels[place] ?? "",
      number(prediction?.probabilities[place]),
    ]),
    number(prediction?.isDog),
    note,
  ]);
  return `\ufeff${[CSV_HEADER, ...lines].map((cells) => `${cells.map(quoted).join(",")}\r\n`).join("")}`;
}

/**
 * @param {number | null | undefined} value
 * @returns {string}
 */
function number(value) {
  return value?.toFixed(4) ?? "";
}

/**
 * @param {string} cell
 * @returns {string}
 */
function quoted(cell) {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

/** The tab and its table. */
export class BatchTab {
  #turn = 0;
  /** @type {Row[]} */
  #rows = [];

  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    byId("several-how").textContent = fill(page.words.several_how, { count: MOST_PHOTOS });
    byId("several-files").addEventListener("change", (/** @type {any} */ event) => {
      this.answer([...event.target.files]);
      event.target.value = "";
    });
    const zone = byId("several");
    zone.addEventListener("dragover", (/** @type {DragEvent} */ event) => event.preventDefault());
    zone.addEventListener("drop", (/** @type {DragEvent} */ event) => {
      event.preventDefault();
      this.answer([...(event.dataTransfer?.files ?? [])]);
    });
    byId("several-csv").addEventListener("click", () => this.#download());
  }

  /**
   * Answer photos one by one.
   *
   * @param {File[]} files
   */
  async answer(files) {
    if (!files.length) return;
    const turn = ++this.#turn;
    const { words } = this.page;
    const status = byId("several-status");
    byId("several-csv").disabled = true;
    byId("several-rows").replaceChildren();
    if (files.length > MOST_PHOTOS) {
      status.textContent = fill(words.too_many, { found: files.length, count: MOST_PHOTOS });
      return;
    }
    byId("several-answers").hidden = false;
    /** @type {Row[]} */
    const rows = [];
    for (const file of files) {
      status.textContent = `${words.reading}: ${rows.length + 1} / ${files.length}`;
      const row = await this.#row(file);
      if (turn !== this.#turn) return;
      rows.push(row);
      byId("several-rows").append(this.#tableRow(row));
    }
    status.textContent = `${words.several_answers}: ${rows.length}`;
    this.#rows = rows;
    byId("several-csv").disabled = false;
  }

  /**
   * @param {File} file
   * @returns {Promise<Row>}
   */
  async #row(file) {
    try {
      await this.page.ready;
      const prediction = await this.page.classifier.answer(file);
      const note = prediction.looksLikeDog ? "" : this.page.words.no_dog;
      return { file: file.name, prediction, note };
    } catch (error) {
      return { file: file.name, prediction: null, note: this.page.explain(error) };
    }
  }

  /**
   * @param {Row} row
   * @returns {HTMLElement}
   */
  #tableRow({ file, prediction, note }) {
    const cells = PLACES.map((place) => {
      const label = prediction?.labels[place];
      if (!prediction || !label) return make("td", {});
      const share = percent(prediction.probabilities[place], this.page.language);
      return make("td", {}, `${label} ${share}`);
    });
    return make("tr", {}, make("th", { scope: "row" }, file), ...cells, make("td", {}, note));
  }

  #download() {
    const file = new Blob([asCsv(this.#rows)], { type: "text/csv" });
    const link = make("a", { href: URL.createObjectURL(file), download: CSV_NAME });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.getAttribute("href") ?? ""), 10_000);
  }
}
