/** One-sentence notices, at the bottom of the canvas. */

import { button, fill, h } from "../dom.js";
import { dismiss } from "../protocol.js";
import { watch } from "../store.js";

/** @param {App} app */
export function makeToasts(app) {
  const box = h("div", { class: "toasts", "aria-live": "polite" });
  watch(app.store, ["notices"], () => fill(box, app.store.notices.map((n) => h("div", { class: `toast ${n.level}`, testid: "notice", role: n.level === "error" ? "alert" : "status" }, h("span", { text: n.text }), button({ icon: "close", label: "Dismiss", class: "ghost tiny", press: () => dismiss(app.store, n.id) })))));
  return box;
}
