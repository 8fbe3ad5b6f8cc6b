/** The three panes, their headings, and the bars that size them. */

import { h } from "../dom.js";
import { icon } from "../icons.js";

const REMEMBERED = "anyscene.layout";
/** @type {Record<string, number|boolean>} */
let sizes = {};
try {
  sizes = JSON.parse(localStorage.getItem(REMEMBERED) ?? "{}");
} catch {
  localStorage.removeItem(REMEMBERED);
}

/** A heading that folds what is under it. @param {string} title @param {HTMLElement} body @param {{head?: HTMLElement, class?: string}} [extra] */
export function pane(title, body, extra = {}) {
  const key = `folded.${title}`;
  const fold = h("button", { type: "button", class: "fold", title: `Fold or unfold ${title}`, "aria-expanded": "true", on: { click: () => set(!box.classList.contains("folded")) } }, icon("chevron", 12), h("h2", { text: title }));
  const box = h("section", { class: `pane ${extra.class ?? ""}`, label: title }, h("div", { class: "pane-head" }, fold, extra.head), body);
  const set = (/** @type {boolean} */ folded) => {
    box.classList.toggle("folded", folded);
    fold.setAttribute("aria-expanded", String(!folded));
    sizes[key] = folded;
    localStorage.setItem(REMEMBERED, JSON.stringify(sizes));
  };
  if (sizes[key]) set(true);
  return box;
}

/**
 * A bar that drags a CSS length on `target`.
 * @param {HTMLElement} target @param {string} property @param {"x"|"y"} axis @param {{sign: 1|-1, min: number, max: number, label: string, start: () => number}} spec
 */
export function splitter(target, property, axis, spec) {
  const known = sizes[property];
  if (typeof known === "number") target.style.setProperty(property, `${known}px`);
  const bar = h("div", { class: `splitter ${axis}`, role: "separator", "aria-orientation": axis === "x" ? "vertical" : "horizontal", label: spec.label, title: "Drag to resize, double-click to reset" });
  bar.addEventListener("pointerdown", (event) => {
    bar.setPointerCapture(event.pointerId);
    document.body.classList.add("resizing");
    const from = axis === "x" ? event.clientX : event.clientY, size = spec.start();
    const move = (/** @type {PointerEvent} */ e) => {
      const next = Math.round(Math.min(spec.max, Math.max(spec.min, size + spec.sign * ((axis === "x" ? e.clientX : e.clientY) - from))));
      target.style.setProperty(property, `${next}px`);
      sizes[property] = next;
    };
    bar.addEventListener("pointermove", move);
    bar.addEventListener("lostpointercapture", () => {
      bar.removeEventListener("pointermove", move);
      document.body.classList.remove("resizing");
      localStorage.setItem(REMEMBERED, JSON.stringify(sizes));
    }, { once: true });
  });
  bar.addEventListener("dblclick", () => {
    target.style.removeProperty(property);
    delete sizes[property];
    localStorage.setItem(REMEMBERED, JSON.stringify(sizes));
  });
  return bar;
}
