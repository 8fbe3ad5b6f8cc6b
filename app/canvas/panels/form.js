/** The arguments of a command, typed: one field for each, as the table describes them. */

import { button, fill, h } from "../dom.js";
import { openDialog } from "./dialog.js";
import { spoken } from "../entity.js";
import { DEG } from "../geometry.js";

/** A typed argument as JSON; undefined where nothing was typed. Throws a sentence. @param {ArgSpec} arg @param {string} text @returns {any} */
export function readArgument(arg, text) {
  const typed = text.trim();
  if (typed === "") return undefined;
  const numbers = () => typed.split(/[\s,;]+/).map((word) => number(arg, word));
  switch (arg.kind) {
    case "number": return number(arg, typed);
    case "whole": {
      const value = number(arg, typed);
      if (!Number.isInteger(value)) throw new Error(`'${spoken(arg.name)}' is a whole number, not ${typed}.`);
      return value;
    }
    case "flag": {
      if (!["yes", "no", "true", "false"].includes(typed)) throw new Error(`'${spoken(arg.name)}' is yes or no, not ${typed}.`);
      return typed === "yes" || typed === "true";
    }
    case "ids": return typed.split(/[\s,]+/);
    case "numbers": return numbers();
    case "span": {
      const [first, last = first] = typed.split(/\s*[-–]\s*|\s+/).map((word) => number(arg, word));
      return [first, last];
    }
    case "points": return points(arg, typed);
    case "rings": return typed.split(/\s*;\s*/).map((ring) => points(arg, ring));
    default: return typed;
  }
}

/** @param {ArgSpec} arg @param {string} word */
function number(arg, word) {
  const value = Number(word.replace(",", "."));
  if (Number.isNaN(value)) throw new Error(`'${spoken(arg.name)}' is a number, not ${word}.`);
  return arg.unit === "rad" ? value / DEG : value;
}

/** @param {ArgSpec} arg @param {string} typed */
function points(arg, typed) {
  return typed.split(/\s+/).map((pair) => {
    const [x, y] = pair.split(",").map((word) => number(arg, word));
    if (y === undefined) throw new Error(`'${spoken(arg.name)}' are places as x,y x,y: ${pair} is none.`);
    return [x, y];
  });
}

/** How an argument is written; angles in degrees, as everywhere in the page. @param {any} value @param {ArgSpec} arg @returns {string} */
export function written(value, arg) {
  if (value === undefined || value === null) return "";
  if (typeof value === "number" && arg.unit === "rad") return String(+(value * DEG).toFixed(4));
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (!Array.isArray(value)) return typeof value === "number" ? String(+value.toFixed(4)) : String(value);
  return Array.isArray(value[0]) ? value.map((p) => p.join(",")).join(" ") : value.join(" ");
}

const FORMS = /** @type {Record<string, string>} */ ({ ids: "ids, one after the other", points: "x,y x,y …", rings: "x,y x,y x,y; …", span: "all frames, or 0-11", numbers: "numbers", text: "", number: "", whole: "" });

/** @param {App} app @param {CommandSpec} spec @param {Record<string, any>} given */
export function showForm(app, spec, given) {
  const said = h("p", { class: "sentence", role: "alert", testid: "form-refusal", hidden: true });
  /** @type {Map<string, HTMLInputElement|HTMLSelectElement>} */ const fields = new Map();
  const rows = spec.args.map((arg) => {
    const start = written(given[arg.name] ?? (arg.required ? undefined : arg.default), arg), name = `arg-${arg.name}`;
    const options = arg.kind === "flag" ? ["yes", "no"] : arg.choices;
    const field = /** @type {HTMLInputElement|HTMLSelectElement} */ (options.length
      ? h("select", { testid: name, label: spoken(arg.name) }, !(arg.required && start) && h("option", { value: "", text: arg.required ? "choose…" : "as it is" }), options.map((one) => h("option", { value: one, text: spoken(one) })))
      : h("input", { type: "text", testid: name, label: spoken(arg.name), placeholder: arg.about || FORMS[arg.kind] || (arg.required ? "" : "as it is"), spellcheck: "false", autocomplete: "off" }));
    field.value = start;
    fields.set(arg.name, field);
    return h("label", { class: "form-row" }, h("span", { text: spoken(arg.name).replace(/ (m|s|deg)$/, "") }), h("span", { class: "field" }, field, arg.unit && h("span", { class: "unit", text: arg.unit === "rad" ? "°" : arg.unit })), h("span", { class: "faint", text: arg.required ? "" : "may be left out" }));
  });
  const refuse = (/** @type {string} */ sentence) => {
    said.textContent = sentence;
    said.hidden = false;
  };
  const go = async () => {
    /** @type {Record<string, any>} */ const args = {};
    try {
      for (const arg of spec.args) {
        const field = /** @type {HTMLInputElement} */ (fields.get(arg.name)), value = readArgument(arg, field.value);
        if (value === undefined && arg.required) {
          field.focus();
          return refuse(`'${spoken(arg.name)}' is missing.`);
        }
        if (value !== undefined) args[arg.name] = value;
      }
    } catch (fault) {
      return refuse(/** @type {Error} */ (fault).message);
    }
    const ack = await app.ask(spec.name, args);
    if (ack.ok) close();
    else refuse(ack.error ?? "The studio refused it without a reason.");
  };
  const body = h("form", { class: "form", on: { submit: (/** @type {Event} */ e) => { e.preventDefault(); void go(); } } }, rows, said, h("button", { type: "submit", hidden: true }));
  const close = openDialog({ title: spec.title, testid: "command-form", body: [body], actions: [button({ text: "Cancel", label: "Cancel", press: () => close() }), button({ text: "Run", label: `Run: ${spec.title}`, key: "Enter", class: "primary", testid: "form-run", press: () => void go() })] });
  const first = spec.args.find((arg) => given[arg.name] === undefined && arg.required) ?? spec.args.find((arg) => given[arg.name] === undefined) ?? spec.args[0];
  if (first) fields.get(first.name)?.focus();
}
