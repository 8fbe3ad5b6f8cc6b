/** One of several scenes, logs or maps. */

import { fill, h } from "../dom.js";
import { icon } from "../icons.js";
import { openDialog } from "./dialog.js";

const FILTER_FROM = 10;

/** The one that the user picks, null where the dialog is closed. @param {"source"|"scene"} what @param {string} where @param {Array<[string, string]>} options value and description @returns {Promise<string|null>} */
export function choose(what, where, options) {
  return new Promise((settle) => {
    const rows = h("div", { class: "file-group" });
    const filter = /** @type {HTMLInputElement} */ (h("input", { type: "text", class: "txt", label: "Filter", placeholder: `filter ${options.length} by name`, testid: "choose-filter", autofocus: true, spellcheck: "false", on: { input: () => show() } }));
    const pick = (/** @type {string|null} */ value) => { settle(value); close(); };
    const show = () => {
      const words = filter.value.trim().toLowerCase().split(/\s+/);
      const kept = options.filter((option) => words.every((word) => option.join(" ").toLowerCase().includes(word)));
      fill(rows, kept.length === 0 && h("p", { class: "empty", text: "None has that in its name or description." }), kept.slice(0, 200).map(([value, about]) =>
        h("button", { type: "button", class: "file", title: about || value, testid: "choose-option", on: { click: () => pick(value) } }, icon("import", 15), h("span", { class: "name", text: value || where }), h("span", { class: "detail", text: about }))),
        kept.length > 200 && h("p", { class: "empty", text: `and ${kept.length - 200} more: filter them.` }));
    };
    const body = h("div", { class: "files choose" }, options.length >= FILTER_FROM && h("label", { class: "field" }, filter), rows);
    show();
    const close = openDialog({ title: what === "scene" ? `Which of the ${options.length} scenes?` : `Which of the ${options.length} in ${where}?`, testid: "choose-dialog", body: [body], closed: () => settle(null) });
  });
}
