/** The two tabs of the page: the author's, which is ours, and the results', which is Gradio's with our parts in it. */

import { h } from "../dom.js";
import { goRound } from "../panels/dialog.js";
import { showExport } from "../panels/export.js";
import { watch } from "../store.js";

/** The least time between two looks at the takes and the queue, while the tab is open. */
const REFRESH_MS = 700;
const KEY = "F2";

/** @param {App} app */
export function makeTabs(app) {
  const tab = (/** @type {boolean} */ results, /** @type {string} */ text) => h("button", { type: "button", role: "tab", text, testid: results ? "tab-results" : "tab-author", title: `${text}  (${KEY})`, on: { click: () => app.showResults(results) } });
  const author = tab(false, "Author"), results = tab(true, "Results");
  let last = 0, owed = 0;
  const refresh = () => {
    if (!app.resultsShown || owed) return;
    owed = window.setTimeout(() => {
      [owed, last] = [0, performance.now()];
      if (app.resultsShown) document.querySelector("#results-refresh")?.dispatchEvent(new MouseEvent("click", { bubbles: true }));
    }, Math.max(0, last + REFRESH_MS - performance.now()));
  };
  const draw = () => {
    document.body.classList.toggle("results-open", app.resultsShown);
    for (const [one, on] of /** @type {Array<[HTMLElement, boolean]>} */ ([[author, !app.resultsShown], [results, app.resultsShown]])) {
      one.setAttribute("aria-selected", String(on));
      one.classList.toggle("on", on);
    }
  };
  app.showResults = (on) => {
    if (on === app.resultsShown) return;
    app.resultsShown = on;
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
    draw();
    refresh();
  };
  window.addEventListener("keydown", (event) => {
    const card = /** @type {HTMLElement|null} */ (document.querySelector("#matrix-card"));
    if (!app.resultsShown || !card?.checkVisibility()) return;
    if (event.key === "Escape") document.querySelector("#matrix-close")?.dispatchEvent(new MouseEvent("click", { bubbles: true }));
    else goRound(card, event);
  });
  document.addEventListener("anyscene:author", () => app.showResults(false));
  document.addEventListener("anyscene:export", (event) => event instanceof CustomEvent && showExport(app, event.detail));
  watch(app.store, ["queue", "take", "scene", "history", "exported"], refresh);
  draw();
  return h("div", { class: "page-tabs", role: "tablist", label: "Author or results" }, author, results);
}
