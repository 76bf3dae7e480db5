// The tabs, by mouse and by keyboard.

import { byId } from "./dom.js";

/**
 * Connect the tabs.
 *
 * @param {(tab: string) => void} onOpen Is called with the id of the panel that is opened.
 */
export function connectTabs(onOpen) {
  /** @type {HTMLElement[]} */
  const tabs = [...document.querySelectorAll("[role=tab]")].map((tab) => /** @type {any} */ (tab));

  /** @param {HTMLElement} chosen */
  const open = (chosen) => {
    for (const tab of tabs) {
      tab.setAttribute("aria-selected", String(tab === chosen));
      tab.tabIndex = tab === chosen ? 0 : -1;
      byId(tab.getAttribute("aria-controls") ?? "").hidden = tab !== chosen;
    }
    onOpen(chosen.getAttribute("aria-controls") ?? "");
  };

  tabs.forEach((tab, place) => {
    tab.addEventListener("click", () => open(tab));
    tab.addEventListener("keydown", (event) => {
      /** @type {Record<string, number>} */
      const steps = { ArrowLeft: place - 1, ArrowRight: place + 1, Home: 0, End: -1 };
      if (!(event.key in steps)) return;
      event.preventDefault();
      const next = tabs.at(steps[event.key] % tabs.length) ?? tab;
      open(next);
      next.focus();
    });
  });
}
