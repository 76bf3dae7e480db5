// What the page has to know about a model bundle.

/**
 * A rule that finds photos without a dog; see dogbreed/rejection.py.
 *
 * @typedef {object} RejectionRule
 * @property {"energy" | "logistic" | "mlp"} method Which score.
 * @property {number} threshold Score below which a photo is said not to show a dog.
 * @property {number} [scale] The probability of a dog is the logistic function of
 *   scale × score + offset.
 * @property {number} [offset] See `scale`.
 * @property {number[]} [weights] One for each pooled feature, for `mlp` for each hidden unit.
 * @property {number} [bias] See `weights`.
 * @property {number[][]} [hidden_weights] Pooled features × hidden units.
 * @property {number[]} [hidden_bias] One for each hidden unit.
 */

/**
 * How far a prediction set reaches; see dogbreed/prediction_set.py.
 *
 * @typedef {object} SetRule
 * @property {number} coverage In 0..1.
 * @property {number} threshold
 * @property {number} penalty
 * @property {number} free_ranks
 */

/**
 * A metric in a config.json.
 *
 * @typedef {{name: string, value: number, dataset: string, split: string, count: number}} Metric
 */

/**
 * A model, without its network.
 *
 * @typedef {object} Model
 * @property {string[]} names The name for people of each class number.
 * @property {number} size Side of the network's square in pixels.
 * @property {string} resize `squash`, `letterbox` or `crop`.
 * @property {number} temperature Logits are divided by it.
 * @property {SetRule | null} sets
 * @property {RejectionRule | null} rejection
 * @property {Metric[]} metrics
 * @property {string} architecture
 * @property {string} dataset What it was trained on.
 * @property {boolean} settledAlike Whether photos like the training photos settled its promises.
 */

/**
 * A file that is downloaded once and kept.
 *
 * @typedef {{url: string, sha256: string, size: number}} StoredFile
 */

/**
 * What `dogbreed export-web` wrote.
 *
 * @typedef {object} Site
 * @property {string} version Changes with every file.
 * @property {string} origin Where the model came from.
 * @property {string[]} languages
 * @property {string[]} examples Paths of pictures.
 * @property {string[]} shell Every file but the stored ones.
 * @property {boolean} rejection Whether there is a rejection.json.
 * @property {string} subject What the photos show, such as `dog`.
 * @property {(string | null)[]} articles Wikidata's id of each class, where it is known.
 * @property {Record<string, string[]>} confused By the name of a class those it was confused with.
 * @property {Record<string, StoredFile>} stored The network and LiteRT.js.
 */

/**
 * Read a JSON file of this site.
 *
 * @param {string} path
 * @returns {Promise<any>}
 */
export async function readJson(path) {
  const response = await fetch(new URL(path, import.meta.url));
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}

/**
 * Read the model of this site.
 *
 * @param {Site} site
 * @returns {Promise<Model>}
 */
export async function readModel(site) {
  const [config, arrays] = await Promise.all([
    readJson("model/config.json"),
    site.rejection ? readJson("model/rejection.json") : {},
  ]);
  return asModel(config, arrays);
}

/**
 * @param {any} config The content of a config.json.
 * @param {object} arrays The content of a rejection.json.
 * @returns {Model}
 */
export function asModel(config, arrays) {
  const { is_dog: rule, prediction_set: sets } = config.thresholds;
  const count = Object.keys(config.id2label).length;
  const { settled, options } = config.training;
  return {
    names: Array.from({ length: count }, (_, number) => config.names[config.id2label[number]]),
    size: config.image_size,
    resize: config.preprocessing.resize,
    temperature: config.temperature,
    sets: sets ?? null,
    rejection: rule ? { ...rule, ...arrays } : null,
    metrics: config.metrics,
    architecture: config.architecture,
    dataset: config.training.dataset ?? "?",
    settledAlike: Boolean((rule || sets) && settled && !options?.independent),
  };
}
