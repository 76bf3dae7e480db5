// What can go wrong on purpose; each has a text in every language.

/** An error whose text the visitor reads. */
export class ShownError extends Error {
  /**
   * @param {string} key Of its text.
   * @param {Record<string, string | number>} [values] For the placeholders in it.
   */
  constructor(key, values = {}) {
    super(key);
    this.key = key;
    this.values = values;
  }
}
