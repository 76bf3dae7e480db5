// The texts in the language of the visitor. Names of breeds stay in English.

import { readJson } from "./model.js";

/** @typedef {Record<string, string>} Words The texts of one language by key. */

/**
 * The language of the page: the one that the browser asks for first, else English.
 *
 * @param {string} wanted Such as `de-CH`.
 * @param {string[]} languages Those that there are.
 * @returns {string} One of them.
 */
export function pickLanguage(wanted, languages) {
  const [first] = wanted.toLowerCase().split("-");
  return languages.find((each) => each.split("-")[0] === first) ?? "en";
}

/**
 * @param {string} language
 * @returns {Promise<Words>}
 */
export function readWords(language) {
  return readJson(`texts/${language}.json`);
}

/**
 * Fill the placeholders of a text.
 *
 * @param {string} text Such as `With {percent}% confidence`.
 * @param {Record<string, string | number>} values
 * @returns {string}
 */
export function fill(text, values) {
  return text.replace(/{(\w+)}/g, (whole, name) => String(values[name] ?? whole));
}

/**
 * Write the fixed texts into the page: `data-text` names the content of an element, `data-label` its
 * name for screen readers.
 *
 * @param {Words} words
 */
export function showFixedTexts(words) {
  for (const element of document.querySelectorAll("[data-text]")) {
    element.textContent = words[/** @type {HTMLElement} */ (element).dataset.text ?? ""];
  }
  for (const element of document.querySelectorAll("[data-label]")) {
    const label = words[/** @type {HTMLElement} */ (element).dataset.label ?? ""];
    element.setAttribute("aria-label", label);
  }
}

/**
 * A share as text, such as `62.1%`, written as in the language.
 *
 * @param {number} share In 0..1.
 * @param {string} language
 * @param {number} [digits] After the point.
 * @returns {string}
 */
export function percent(share, language, digits = 1) {
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return new Intl.NumberFormat(language, { style: "percent", ...options }).format(share);
}
