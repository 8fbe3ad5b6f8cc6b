/** Every command by name: type a few letters, Enter runs it. `name=value` behind the words fills in arguments. */

import { keysOf, shownKey } from "../bindings.js";
import { commandsOf } from "../commands.js";
import { fill, h } from "../dom.js";
import { perform } from "../keys.js";
import { openDialog } from "./dialog.js";
import { readArgument } from "./form.js";

const MOST_ROWS = 200;

/** Words to search for, and arguments typed behind them. @param {string} text */
export function parse(text) {
  /** @type {Record<string, string>} */ const typed = {};
  const words = text.replace(/(\w+)=("[^"]*"|\S+)/g, (_, name, value) => {
    typed[name] = value.replaceAll('"', "");
    return "";
  });
  return { words: words.toLowerCase().split(/\s+/).filter(Boolean), typed };
}

/** How well a command fits the words; Infinity: not. @param {PageCommand} command @param {string[]} words */
export function rank(command, words) {
  const title = command.title.toLowerCase(), all = `${title} ${command.group.toLowerCase()} ${command.id.replaceAll("_", " ")} ${command.id}`;
  if (!words.every((word) => all.includes(word))) return Infinity;
  const at = title.indexOf(words.join(" "));
  return (at < 0 ? 50 : at) + title.length / 100;
}

/** @param {App} app */
export function showPalette(app) {
  if (document.querySelector("[data-testid=palette]")) return;
  const commands = commandsOf(app);
  const input = /** @type {HTMLInputElement} */ (h("input", { type: "text", class: "palette-input", testid: "palette-input", label: "Search commands", placeholder: "A command…   arguments as name=value", role: "combobox", "aria-controls": "palette-list", "aria-expanded": "true", spellcheck: "false", autocomplete: "off", autofocus: true }));
  const list = h("div", { class: "palette-list", id: "palette-list", role: "listbox", label: "Commands" });
  /** @type {PageCommand[]} */ let shown = [];
  let at = 0;

  /** @param {PageCommand} command */
  const run = (command) => {
    /** @type {Record<string, any>} */ const args = {};
    try {
      for (const [name, text] of Object.entries(parse(input.value).typed)) {
        const arg = command.spec?.args.find((one) => one.name === name);
        if (!arg) return app.say("warn", `'${command.title}' has no argument '${name}'${command.spec?.args.length ? `: it takes ${command.spec.args.map((one) => one.name).join(", ")}` : ""}.`);
        args[name] = readArgument(arg, text);
      }
    } catch (fault) {
      return app.say("warn", /** @type {Error} */ (fault).message);
    }
    close();
    if (Object.keys(args).length) command.run(app, args);
    else perform(app, command);
  };
  const draw = () => {
    const { words } = parse(input.value);
    shown = commands.map((command) => ({ command, at: rank(command, words) })).filter((one) => one.at < Infinity).sort((a, b) => (words.length ? a.at - b.at : 0)).map((one) => one.command).slice(0, MOST_ROWS);
    at = Math.max(0, Math.min(at, shown.length - 1));
    fill(list, shown.map((command, i) => {
      const why = command.why?.(app) ?? null;
      return h("div", { class: `palette-row${i === at ? " on" : ""}${why ? " off" : ""}`, role: "option", id: `palette-${i}`, "aria-selected": String(i === at), "aria-disabled": String(Boolean(why)), testid: `command-${command.id}`, on: { click: () => run(command), pointermove: () => at !== i && move(i) } },
        h("span", { class: "group-name", text: command.group }), h("span", { class: "name", text: command.title }), why ? h("span", { class: "why", text: why }) : h("span", { class: "keys-of" }, keysOf(command).map((key) => h("kbd", { text: shownKey(key) }))));
    }), shown.length === 0 && h("p", { class: "empty", text: "No command has these words." }));
    input.setAttribute("aria-activedescendant", `palette-${at}`);
    list.children[at]?.scrollIntoView({ block: "nearest" });
  };
  const move = (/** @type {number} */ to) => {
    list.children[at]?.classList.remove("on");
    list.children[at]?.setAttribute("aria-selected", "false");
    at = Math.max(0, Math.min(shown.length - 1, to));
    list.children[at]?.classList.add("on");
    list.children[at]?.setAttribute("aria-selected", "true");
    list.children[at]?.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", `palette-${at}`);
  };
  input.addEventListener("input", () => {
    at = 0;
    draw();
  });
  input.addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
    if (by) move(at + by);
    else if (event.key === "Enter" && shown[at]) run(shown[at]);
    else return;
    event.preventDefault();
  });
  const close = openDialog({ title: "All commands", testid: "palette", class: "palette", body: [input, list] });
  draw();
  input.focus();
}
