/** What looks wrong in the scene, as a list that leads to each of it. Nothing here blocks anything. */

import { fill, h } from "../dom.js";
import { readable } from "../entity.js";
import { icon } from "../icons.js";
import { watch } from "../store.js";
import { RATE_HZ } from "../tracks.js";

const OPEN_AT_ONCE = 3;

/** Problems of one kind under one head: sentences that differ in ids and numbers only. @param {Problem[]} problems @returns {Map<string, Problem[]>} */
export function byKind(problems) {
  /** @type {Map<string, Problem[]>} */ const kinds = new Map();
  for (const problem of problems) {
    const key = problem.ids.reduce((text, id) => text.replaceAll(id, "…"), problem.sentence).replace(/[\d.]+/g, "#");
    kinds.set(key, [...(kinds.get(key) ?? []), problem]);
  }
  return kinds;
}

/** @param {App} app */
export function makeChecks(app) {
  const { store } = app;
  const head = h("button", { type: "button", class: "checks-head", testid: "checks", "aria-expanded": "false", title: "What looks wrong in the scene; nothing of it keeps you from generating", on: { click: () => set(box.hidden) } });
  const list = h("div", { class: "checks-list" });
  const box = h("div", { class: "checks", role: "region", label: "What looks wrong", testid: "checks-panel", hidden: true }, list);
  /** @type {Set<string>} */ const unfolded = new Set();
  const set = (/** @type {boolean} */ open) => {
    box.hidden = !open;
    head.setAttribute("aria-expanded", String(open));
    if (open) /** @type {HTMLElement|null} */ (list.querySelector("button"))?.focus();
  };
  app.showChecks = () => set(true);
  const locate = (/** @type {Problem} */ problem) => {
    if (problem.time_s !== null) app.seek(problem.time_s * RATE_HZ);
    const ids = problem.ids.filter((id) => store.entity(id));
    app.use("select");
    app.select(ids);
    if (ids.length) app.fit(ids);
  };
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    set(false);
    head.focus();
  });
  document.addEventListener("pointerdown", (event) => {
    if (!box.hidden && event.target instanceof Element && !box.contains(event.target) && !head.contains(event.target) && !event.target.closest(".bev")) set(false);
  });
  watch(store, ["problems", "scene", "entities"], () => {
    const count = store.problems.length;
    head.className = `checks-head${count ? " some" : ""}`;
    head.hidden = !store.scene;
    fill(head, icon(count ? "warn" : "keep", 13), h("span", { text: count ? `${count} to look at` : "Nothing looks wrong" }));
    fill(list, count === 0 && h("p", { class: "empty", text: "Nothing looks wrong." }), [...byKind(store.problems)].flatMap(([kind, all]) => {
      const shown = unfolded.has(kind) ? all : all.slice(0, OPEN_AT_ONCE);
      return [...shown.map((problem) => h("button", { type: "button", class: "check-row", testid: "problem", title: "Click to go there", on: { click: () => locate(problem) } }, icon("warn", 13), h("span", { text: readable(store, problem.sentence) }))),
        shown.length < all.length && h("button", { type: "button", class: "check-more", text: `${all.length - shown.length} more like this`, on: { click: () => { unfolded.add(kind); store.emit("problems"); } } })];
    }));
  });
  return { head, box };
}
