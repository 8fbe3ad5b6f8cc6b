/** The shelf: every take of the workspace folder, newest first. */

import { fill, h } from "../dom.js";
import { plural } from "../entity.js";
import { mounted, when } from "./mounted.js";

const MARKS = /** @type {Record<string, [string, string]>} */ ({
  current: ["current", "Made from the scene as it is now"],
  variant: ["variant", "Made from the scene as it is now, with another prompt"],
  stale: ["stale", "The scene was edited after this take was made"],
});

/** @param {import("./mounted.js").Held} held */
export function mount(held) {
  mounted(held, (body, value) => {
    const focused = body.contains(document.activeElement) && document.activeElement instanceof HTMLElement ? document.activeElement.dataset.take : null;
    const list = body.querySelector(".shelf"), top = list?.scrollTop ?? 0;
    const count = h("span", { class: "faint", text: `${value.takes.length}` });
    const shelf = h("div", { class: "shelf", role: "listbox", label: "Takes" }, value.takes.map((/** @type {any} */ take) => card(held, take, value)));
    shelf.addEventListener("keydown", (event) => walk(event, shelf));
    fill(body, h("div", { class: "part-head" }, h("h3", { text: "Takes" }), count),
      value.takes.length ? shelf : h("p", { class: "nothing", text: "No takes yet. Generate makes one, here or in the author's view." }));
    shelf.scrollTop = top;
    if (focused) /** @type {HTMLElement|null} */ (body.querySelector(`[data-take="${CSS.escape(focused)}"]`))?.focus();
  });
}

/** @param {import("./mounted.js").Held} held @param {any} take @param {any} value */
function card(held, take, value) {
  const mark = MARKS[take.state], on = take.name === value.selected, other = take.name === value.other;
  const pick = () => held.trigger("pick", { take: take.name });
  const compare = (/** @type {Event} */ event) => {
    event.stopPropagation();
    held.trigger("compare", { take: take.name });
    // Where it is B already nothing else would change.
    /** @type {HTMLElement|null} */ (document.querySelector("#tab-compare-button"))?.click();
  };
  const models = [take.occupancy, take.views].filter(Boolean).join(" + ");
  return h("div", { class: `card${on ? " on" : ""}${other ? " other" : ""}`, role: "option", tabindex: "0", "aria-selected": String(on), testid: "shelf-take", title: take.name, "data-take": take.name, on: {
    click: pick, keydown: (/** @type {KeyboardEvent} */ e) => { if (e.key === "Enter" || e.key === " ") { e.preventDefault(); pick(); } else if (e.key === "b") compare(e); } } },
    h("div", { class: "thumb" }, h("img", { src: take.thumbnail, alt: "", loading: "lazy", draggable: "false" }), (other || (on && value.other)) && h("b", { class: `letter${on ? " a" : ""}`, text: on ? "A" : "B" })),
    h("div", { class: "words" },
      h("div", { class: "line" }, h("b", { class: "scene", text: take.scene || "(no name)" }), mark ? h("span", { class: `mark ${take.state}`, text: mark[0], title: mark[1] }) : null, !take.whole && h("span", { class: "mark unfinished", text: take.making ? "in the making" : "unfinished", title: `${take.frames} of ${plural(take.asked_frames || take.frames, "frame")}, ${take.stage} of ${take.until}` })),
      h("div", { class: "line prompt", text: take.prompt || "no prompt" }),
      h("div", { class: "line facts" }, h("span", { text: models, title: "Occupancy model and view model" }), h("span", { class: "mono", text: `seed ${take.seed}` })),
      h("div", { class: "line facts" }, h("span", { text: take.whole ? `${plural(take.frames, "frame")} · ${take.stage === "video" ? `${take.length_s.toFixed(1)} s` : take.stage}` : `${take.frames} of ${plural(take.asked_frames || take.frames, "frame")}` }), h("span", { class: "faint", text: when(take.modified) }))),
    !on && h("button", { type: "button", class: "mini compare", label: `Compare with ${take.name}`, title: "Compare with the take that is selected (B)", text: "A|B", on: { click: compare } }));
}

/** Arrows walk through the cards. @param {KeyboardEvent} event @param {HTMLElement} shelf */
function walk(event, shelf) {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const cards = /** @type {HTMLElement[]} */ ([...shelf.querySelectorAll(".card")]);
  const at = cards.findIndex((one) => one === document.activeElement);
  cards[Math.max(0, Math.min(cards.length - 1, at + (event.key === "ArrowDown" ? 1 : -1)))]?.focus();
  event.preventDefault();
}
