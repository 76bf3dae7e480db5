// A prediction in words, as dogbreed/wording.py says it.

import { fill } from "./texts.js";

/** @typedef {import("./answer.js").Prediction} Prediction */
/** @typedef {import("./texts.js").Words} Words */

const MOST_NAMED = 4;
const VERY_LIKELY = 0.9;
const PROBABLE = 0.6;

/**
 * Say what the model thinks.
 *
 * @param {Prediction} prediction
 * @param {Words} words
 * @param {boolean} articles Whether to put "a" or "an" before a breed, as in English.
 * @returns {string} One sentence, such as "Very likely a Yorkshire terrier."
 */
export function sentence(prediction, words, articles) {
  if (!prediction.looksLikeDog) return words.no_dog;
  const { labels, predictionSet } = prediction;
  const breeds = predictionSet.length ? predictionSet : labels.slice(0, 1);
  if (breeds.length === 2) {
    const [first, second] = articles ? pair(breeds[0], breeds[1]) : breeds;
    return fill(words.between, { first, second });
  }
  if (breeds.length > 2 && breeds.length <= MOST_NAMED) {
    return fill(words.one_of, { breeds: breeds.join(", ") });
  }
  const breed = articles ? withArticle(labels[0]) : labels[0];
  const [probability] = prediction.probabilities;
  if (breeds.length > MOST_NAMED || probability < PROBABLE) return fill(words.unsure, { breed });
  return fill(probability >= VERY_LIKELY ? words.very_likely : words.probable, { breed });
}

/**
 * What the prediction set promises, if it is small enough to be named.
 *
 * @param {Prediction} prediction
 * @param {Words} words
 * @returns {string | null}
 */
export function confidence({ looksLikeDog, coverage, predictionSet }, words) {
  if (!looksLikeDog || coverage === null || predictionSet.length > MOST_NAMED) return null;
  const breeds = predictionSet.join(", ");
  return fill(words.confidence, { percent: Math.round(100 * coverage), breeds });
}

/**
 * Which breeds the best one was confused with on test photos; null if it hardly ever was.
 *
 * @param {Prediction} prediction
 * @param {Record<string, string[]>} confused By name.
 * @param {Words} words
 * @returns {string | null}
 */
export function oftenConfused({ labels, looksLikeDog }, confused, words) {
  const others = confused[labels[0]];
  if (!others || !looksLikeDog) return null;
  return fill(words.often_confused, { breeds: others.join(", ") });
}

/**
 * The address of an article about a breed, in a language of the page where there is one.
 *
 * @param {string} name
 * @param {string | null} article Wikidata's id; without one the name is searched for.
 * @param {string} language
 * @returns {string}
 */
export function readMoreLink(name, article, language) {
  const [wiki] = language.split("-");
  if (article) {
    const sites = [...new Set([`${wiki}wiki`, "enwiki"])];
    return `https://www.wikidata.org/wiki/Special:GoToLinkedPage/${sites}/${article}`;
  }
  const search = new URLSearchParams({ search: name });
  return `https://${wiki}.wikipedia.org/w/index.php?${search}`;
}

/**
 * Put "a" or "an" before a name, by how it is pronounced.
 *
 * @param {string} name
 * @returns {string}
 */
export function withArticle(name) {
  return `${/^(?!eu|uni|ut)[aeiou]/i.test(name) ? "an" : "a"} ${name}`;
}

/**
 * Two names with articles; the last words that they share are given once.
 *
 * @param {string} first
 * @param {string} second
 * @returns {[string, string]}
 */
function pair(first, second) {
  const [ours, theirs] = [first.split(" "), second.split(" ")];
  const most = Math.min(ours.length, theirs.length) - 1;
  let shared = 0;
  while (shared < most && ours.at(-shared - 1) === theirs.at(-shared - 1)) shared++;
  return [withArticle(ours.slice(0, ours.length - shared).join(" ")), withArticle(second)];
}
