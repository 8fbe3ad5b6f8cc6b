/** The tools, one click or one key each. */

import { h } from "../dom.js";
import { icon } from "../icons.js";
import { watch } from "../store.js";
import { RAIL, TOOLS } from "../tools/registry.js";

/** @param {App} app */
export function makeRail(app) {
  /** @type {Map<string, HTMLElement>} */ const buttons = new Map();
  const rail = h("nav", { class: "rail", label: "Tools", role: "toolbar", "aria-orientation": "vertical" }, RAIL.map((group) => h("div", { class: "rail-group" }, group.map((name) => {
    const tool = TOOLS[name];
    const element = h("button", { type: "button", class: "tool", testid: `tool-${name}`, label: `${tool.label} (${tool.key})`, title: `${tool.label}  (${tool.key})\n${tool.hint}`, on: { click: () => app.use(name) } }, icon(tool.icon, 18), h("kbd", { text: tool.key }));
    buttons.set(name, element);
    return element;
  }))));
  watch(app.store, ["tool"], () => {
    for (const [name, element] of buttons) {
      element.classList.toggle("on", name === app.store.tool);
      element.setAttribute("aria-pressed", String(name === app.store.tool));
    }
  });
  return rail;
}
