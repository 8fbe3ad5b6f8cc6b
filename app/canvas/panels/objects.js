/** What the scene is made of, as a list. Long lists draw only the rows in sight. */

import { channelOf, labelOf } from "../entity.js";
import { fill, h, isChord } from "../dom.js";
import { icon } from "../icons.js";
import { watch } from "../store.js";
import { existsAt, RATE_HZ } from "../tracks.js";

const ROW_PX = 24;
const ORDER = ["ego", "agent", "camera", "occupancy_edit", "area", "line", "paint"];
const ICONS = /** @type {Record<string, string>} */ ({ ego: "agent", agent: "agent", camera: "camera", area: "area", line: "line", paint: "brush", occupancy_edit: "occupancy" });

const AGENT_ICONS = /** @type {Record<string, string>} */ ({ pedestrian: "person", bicycle: "bike", motorcycle: "bike", bus: "truck", truck: "truck", trailer: "truck", construction_vehicle: "truck", traffic_cone: "cone", barrier: "cone" });

/** @param {Entity} e */
export const iconOf = (e) => (e.kind === "agent" && AGENT_ICONS[e.class_name]) || ICONS[e.kind];

/** @param {Entity} e */
function detail(e) {
  if (e.kind === "agent") return e.keyframes.length > 1 ? `${e.keyframes.length} keys` : "still";
  if (e.kind === "ego") return `${e.keyframes.length} key${e.keyframes.length > 1 ? "s" : ""}`;
  if (e.kind === "camera") return e.enabled ? e.mount : "off";
  if (e.kind === "area") return `${e.exterior_m.length} pts`;
  if (e.kind === "line") return `${e.width_m.toFixed(2)} m`;
  if (e.kind === "paint") return `${Object.keys(e.tiles).length} tiles`;
  return e.span ? `f${e.span[0]}–${e.span[1]}` : "all frames";
}

/** @param {App} app */
export function makeObjects(app) {
  const { store } = app;
  const search = /** @type {HTMLInputElement} */ (h("input", { type: "search", class: "search", placeholder: "Filter objects", label: "Filter objects", testid: "object-filter", spellcheck: "false" }));
  const inner = h("div", { class: "rows", role: "listbox", label: "Objects", "aria-multiselectable": "true" });
  const list = h("div", { class: "objects", tabindex: "0", label: "Objects: arrows choose, Enter goes to the numbers", testid: "objects" }, inner);
  /** @type {Entity[]} */ let rows = [];
  let anchor = -1;

  const gather = () => {
    const wanted = search.value.trim().toLowerCase();
    const ego = store.scene?.ego;
    rows = [...(ego ? [ego] : []), ...(store.scene?.entities.values() ?? [])].filter((e) => !wanted || `${labelOf(e)} ${e.kind} ${channelOf(e) ?? ""}`.toLowerCase().includes(wanted));
    rows.sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind));
  };
  /** @param {number} index @param {MouseEvent} event */
  const press = (index, event) => {
    const id = rows[index].id;
    if (event.shiftKey && anchor >= 0) app.select(rows.slice(Math.min(anchor, index), Math.max(anchor, index) + 1).map((e) => e.id));
    else if (event.ctrlKey || event.metaKey) {
      const next = new Set(store.selection);
      if (!next.delete(id)) next.add(id);
      app.select(next);
    } else app.select([id]);
    if (!event.shiftKey) anchor = index;
  };
  const draw = () => {
    const first = Math.max(0, Math.floor(list.scrollTop / ROW_PX) - 4), last = Math.min(rows.length, first + Math.ceil(list.clientHeight / ROW_PX) + 8);
    inner.style.height = `${Math.max(rows.length * ROW_PX, 1)}px`;
    const time_s = store.frame / RATE_HZ;
    fill(inner, rows.slice(first, last).map((e, k) => {
      const channel = channelOf(e), chosen = store.selection.has(e.id);
      const gone = e.kind === "agent" && !existsAt(e, time_s);
      const colour = e.kind === "ego" ? "#35d0e6" : e.kind === "camera" ? "#a88bfa" : channel ? `color-mix(in srgb, rgb(${store.rgb(channel)}), white 18%)` : "#9aa4b2";
      return h("div", { class: `row${chosen ? " on" : ""}${gone || (e.kind === "camera" && !e.enabled) ? " gone" : ""}`, role: "option", "aria-selected": String(chosen), testid: `object-${e.id}`, style: `top:${(first + k) * ROW_PX}px`, title: `${labelOf(e)} · ${e.id}${gone ? " · not in the scene at this frame" : ""}\nDouble-click shows it on the canvas`, on: { click: (/** @type {MouseEvent} */ ev) => press(first + k, ev), dblclick: () => app.fit([e.id]) } },
        h("span", { class: "kind", style: `color:${colour}` }, icon(iconOf(e), 14)), h("span", { class: "name", text: labelOf(e) }), h("span", { class: "detail", text: detail(e) }));
    }), rows.length <= (search.value ? 0 : 1) && h("p", { class: "empty", text: search.value ? "Nothing matches this filter." : "Only the ego so far. Place an agent (A), draw a road (S) or import a log." }));
  };
  // What was looked for before gives way to what is typed now.
  search.addEventListener("focus", () => search.select());
  search.addEventListener("input", () => {
    gather();
    draw();
  });
  search.addEventListener("keydown", (event) => {
    if (isChord(event)) return;
    event.stopPropagation();
    if (event.key === "ArrowDown" || event.key === "Enter") {
      event.preventDefault();
      walk(0);
    } else if (event.key === "Escape") search.value = "";
    else return;
    gather();
    draw();
  });
  /** The row that the keyboard is on. */
  let at = 0;
  const walk = (/** @type {number} */ to) => {
    if (!rows.length) return;
    at = Math.max(0, Math.min(rows.length - 1, to));
    anchor = at;
    app.select([rows[at].id]);
    const top = at * ROW_PX;
    if (top < list.scrollTop) list.scrollTop = top;
    else if (top + ROW_PX > list.scrollTop + list.clientHeight) list.scrollTop = top + ROW_PX - list.clientHeight;
    draw();
    list.focus({ preventScroll: true });
  };
  list.addEventListener("focus", () => {
    const chosen = rows.findIndex((e) => store.selection.has(e.id));
    if (chosen >= 0) at = chosen;
  });
  list.addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 }[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (by && event.shiftKey) {
      const from = anchor;
      at = Math.max(0, Math.min(rows.length - 1, at + by));
      app.select(rows.slice(Math.min(from, at), Math.max(from, at) + 1).map((e) => e.id));
    } else if (by) walk(at + by);
    else if (event.key === "Home") walk(0);
    else if (event.key === "End") walk(rows.length - 1);
    else if (event.key === "Enter") {
      if (!store.selection.has(rows[at]?.id)) walk(at);
      app.fit(store.selection);
      /** @type {HTMLElement|null} */ (document.querySelector(".inspector input:not(:disabled)"))?.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  list.addEventListener("scroll", draw);
  watch(store, ["scene", "entities"], () => {
    gather();
    draw();
  });
  watch(store, ["frame", "preview"], draw);
  const reveal = () => {
    const top = rows.findIndex((e) => store.selection.has(e.id)) * ROW_PX;
    if (top >= 0 && (top < list.scrollTop || top + ROW_PX > list.scrollTop + list.clientHeight)) list.scrollTop = top - Math.floor(list.clientHeight / 2 / ROW_PX) * ROW_PX;
  };
  watch(store, ["selection"], () => {
    draw();
    if (!list.matches(":hover")) reveal();
  });
  new ResizeObserver(() => {
    draw();
    reveal();
  }).observe(list);
  const count = h("span", { class: "faint" });
  watch(store, ["entities", "scene"], () => (count.textContent = String((store.scene?.entities.size ?? -1) + 1)));
  return { head: count, body: h("div", { class: "objects-panel" }, search, list) };
}
