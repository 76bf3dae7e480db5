// Small helpers for elements of the page.

/**
 * The element with an id.
 *
 * @param {string} id
 * @returns {any}
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`there is no #${id}`);
  return element;
}

/**
 * Make an element.
 *
 * @param {string} name Of the tag.
 * @param {Record<string, string>} attributes
 * @param {(Node | string)[]} content
 * @returns {HTMLElement}
 */
export function make(name, attributes, ...content) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...content);
  return element;
}

/**
 * The labels with their probabilities as bars.
 *
 * @param {HTMLElement} list
 * @param {string[]} labels Best first.
 * @param {number[]} probabilities
 * @param {(probability: number) => string} write
 * @param {((label: string) => void) | null} onChoose Is called with the label that is clicked; null
 *   if there is nothing to choose.
 */
export function showLabels(list, labels, probabilities, write, onChoose) {
  const rows = labels.map((label, place) => {
    const bar = make("span", { class: "bar" });
    bar.style.setProperty("--share", String(probabilities[place]));
    const content = [
      make("span", { class: "name" }, label),
      make("span", { class: "value" }, write(probabilities[place])),
      bar,
    ];
    if (!onChoose) return make("li", {}, make("div", { class: "label" }, ...content));
    const attributes = { class: "label", type: "button", "aria-pressed": "false" };
    const button = make("button", attributes, ...content);
    button.addEventListener("click", () => onChoose(label));
    return make("li", {}, button);
  });
  list.replaceChildren(...rows);
}
