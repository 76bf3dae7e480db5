// What the network returns becomes an answer, as dogbreed/classifier.py makes it.

/** @typedef {import("./model.js").Model} Model */
/** @typedef {import("./model.js").RejectionRule} RejectionRule */
/** @typedef {import("./model.js").SetRule} SetRule */

/**
 * What the network returns for one photo.
 *
 * @typedef {object} Output
 * @property {Float32Array} evidence Evidence map: rows × columns × classes.
 * @property {number} rows
 * @property {number} columns
 * @property {Float32Array | null} features Pooled.
 */

/**
 * The answer to one photo.
 *
 * @typedef {object} Prediction
 * @property {string[]} labels Names for people, best first.
 * @property {number[]} probabilities In 0..1, of each of `labels`.
 * @property {number[]} ids Class number of each of `labels`.
 * @property {Float64Array} all The probability of every class.
 * @property {Output} output
 * @property {number | null} score Of the rejection rule, higher for dogs.
 * @property {number | null} isDog Probability that the photo shows a dog.
 * @property {boolean} looksLikeDog
 * @property {string[]} predictionSet Best first; empty without a promise.
 * @property {number | null} coverage How often the set contains the right breed.
 */

/**
 * Make the answer.
 *
 * @param {Model} model
 * @param {Output} output
 * @param {number} [count] How many labels.
 * @returns {Prediction}
 */
export function predict(model, output, count = 3) {
  const logits = meanEvidence(output, model.names.length);
  const all = softmax(logits, model.temperature);
  const order = ranked(all);
  const ids = order.slice(0, count);
  return {
    labels: ids.map((id) => model.names[id]),
    probabilities: ids.map((id) => all[id]),
    ids,
    all,
    output,
    ...isDog(model.rejection, logits, output.features),
    predictionSet: order.slice(0, setSize(model.sets, all, order)).map((id) => model.names[id]),
    coverage: model.sets?.coverage ?? null,
  };
}

/**
 * Class numbers, the most probable first.
 *
 * @param {Float64Array} probabilities
 * @returns {number[]}
 */
export function ranked(probabilities) {
  return Array.from(probabilities.keys()).sort((a, b) => probabilities[b] - probabilities[a]);
}

/**
 * The logits: the mean of the evidence over the photo.
 *
 * @param {Output} output
 * @param {number} classes
 * @returns {Float64Array}
 */
export function meanEvidence({ evidence, rows, columns }, classes) {
  const logits = new Float64Array(classes);
  evidence.forEach((value, place) => {
    logits[place % classes] += value;
  });
  return logits.map((sum) => sum / (rows * columns));
}

/**
 * @param {Float64Array} logits
 * @param {number} temperature
 * @returns {Float64Array} Probabilities; they sum to 1.
 */
export function softmax(logits, temperature) {
  const scaled = logits.map((logit) => logit / temperature);
  const most = Math.max(...scaled);
  const exponentials = scaled.map((logit) => Math.exp(logit - most));
  const total = exponentials.reduce((sum, value) => sum + value, 0);
  return exponentials.map((value) => value / total);
}

/**
 * @param {RejectionRule | null} rule
 * @param {Float64Array} logits
 * @param {Float32Array | null} features
 * @returns {{score: number | null, isDog: number | null, looksLikeDog: boolean}}
 */
function isDog(rule, logits, features) {
  if (!rule) return { score: null, isDog: null, looksLikeDog: true };
  const score = rule.method === "energy" ? energy(logits) : weighted(rule, features);
  const { scale, offset } = rule;
  const isDog =
    scale === undefined || scale === null || offset === undefined || offset === null
      ? null
      : 1 / (1 + Math.exp(-(scale * score + offset)));
  return { score, isDog, looksLikeDog: score >= rule.threshold };
}

/**
 * @param {RejectionRule} rule
 * @param {Float32Array | null} features
 * @returns {number}
 */
function weighted(rule, features) {
  const inputs = rule.method === "mlp" ? hiddenUnits(rule, features) : Array.from(features ?? []);
  if (!rule.weights || rule.bias === undefined || inputs.length !== rule.weights.length) {
    throw new Error("the rejection rule does not fit the network");
  }
  return rule.weights.reduce((sum, weight, place) => sum + weight * inputs[place], rule.bias);
}

/**
 * @param {RejectionRule} rule
 * @param {Float32Array | null} features
 * @returns {number[]} Rectified.
 */
function hiddenUnits({ hidden_weights, hidden_bias }, features) {
  if (!hidden_weights || !hidden_bias || features?.length !== hidden_weights.length) {
    throw new Error("the rejection rule does not fit the network");
  }
  const sums = [...hidden_bias];
  hidden_weights.forEach((row, channel) => {
    row.forEach((weight, unit) => {
      sums[unit] += weight * features[channel];
    });
  });
  return sums.map((sum) => Math.max(sum, 0));
}

/**
 * @param {Float64Array} logits
 * @returns {number}
 */
function energy(logits) {
  const most = Math.max(...logits);
  return most + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - most), 0));
}

/**
 * @param {SetRule | null} rule
 * @param {Float64Array} probabilities
 * @param {number[]} order
 * @returns {number} How many of the most probable labels are in the set.
 */
function setSize(rule, probabilities, order) {
  if (!rule) return 0;
  let before = 0;
  let size = 0;
  order.forEach((id, rank) => {
    const score = before + rule.penalty * Math.max(rank + 1 - rule.free_ranks, 0);
    if (score <= rule.threshold) size++;
    before += probabilities[id];
  });
  return Math.max(size, 1);
}
