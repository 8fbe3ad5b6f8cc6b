/** The sheet of keys, made of the table of commands. A key is pressed here to give a command another one. */

import { conflict, keysOf, nameOf, remap, remapped, shownKey } from "../bindings.js";
import { MENUS, commandsOf } from "../commands.js";
import { button, fill, h } from "../dom.js";
import { openDialog } from "./dialog.js";

/** What a mouse does, and keys that belong to the tool in hand. @type {Array<[string, Array<[string, string]>]>} */
const GESTURES = [
  ["On the canvas", [["Wheel", "Zoom at the cursor"], ["Middle-drag, Space-drag", "Pan"], ["Shift-drag", "Box select"], ["Alt-drag", "Move only the keyframe at this frame"], ["Ctrl-click", "Place an agent at the kerb or in the lane"], ["Double-click", "Show an object"], ["Ctrl+wheel", "Brush size"], ["Shift-click eye", "Solo a channel"]]],
  ["While a shape is drawn", [["Enter", "Finish it"], ["Backspace", "Remove the last point"], ["Esc", "Drop it"]]],
  ["On an area or a line", [["Drag a corner", "Move it"], ["Drag a dot between", "Add a corner"], ["Alt-click a corner", "Remove it"]]],
  ["With a region", [["Drag", "Mark a box or a loop"], ["Enter", "Draw it anew, with another seed"], ["[  ]", "Previous, next variant"], ["Shift+Enter", "Keep the variant in a new take"]]],
];

/** @param {App} app */
export function showHelp(app) {
  if (document.querySelector("[data-testid=help-sheet]")) return;
  const commands = commandsOf(app), sheet = h("div", { class: "sheet" }), said = h("p", { class: "sheet-said", role: "status", testid: "key-refusal" });
  const about = "Click a key to give its command another one; this browser remembers it.";
  let waiting = "";
  const draw = () => {
    const changed = remapped();
    fill(sheet, MENUS.map((group) => [group, commands.filter((c) => c.group === group && (keysOf(c, changed).length || group === "Tools"))]).filter(([, rows]) => rows.length).map(([group, rows]) => h("section", {}, h("h4", { text: /** @type {string} */ (group) }), h("dl", {}, /** @type {PageCommand[]} */ (rows).flatMap((command) => [
      h("dt", {}, h("button", { type: "button", class: `key${waiting === command.id ? " waiting" : ""}${changed[command.id] ? " changed" : ""}`, testid: `key-${command.id}`, label: `Key of ${command.title}: ${keysOf(command, changed).join(", ")}`, title: about, on: { click: () => ask(command) } }, waiting === command.id ? "press a key" : keysOf(command, changed).map((key) => h("kbd", { text: shownKey(key) })))),
      h("dd", {}, command.title.replace(/^(Tool|Channel): /, ""), changed[command.id] && h("button", { type: "button", class: "own-key", testid: `own-key-${command.id}`, label: `${command.title}: its own key again`, text: "own key", on: { click: () => give(command, null) } })),
    ])))), GESTURES.map(([group, rows]) => h("section", {}, h("h4", { text: group }), h("dl", {}, rows.flatMap(([key, text]) => [h("dt", {}, h("kbd", { text: key })), h("dd", { text })])))));
  };
  const ask = (/** @type {PageCommand} */ command) => {
    waiting = command.id;
    said.textContent = `${command.title}: press its new key, or Esc.`;
    draw();
    /** @type {HTMLElement|null} */ (sheet.querySelector(".waiting"))?.focus();
  };
  const give = (/** @type {PageCommand} */ command, /** @type {string|null} */ key) => {
    const taken = remap(commands, command, key);
    said.textContent = taken ? `${shownKey(key ?? command.keys.find((one) => conflict(commands, command, one)) ?? "")} is taken: it is '${taken.title}'. Give that one another key first.` : key === null ? `${command.title} has its own key again.` : `${command.title} is on ${shownKey(key)} now.`;
    draw();
  };
  const reset = () => {
    localStorage.removeItem("anyscene.keys");
    said.textContent = "Every command has its own key again.";
    draw();
  };
  said.textContent = about;
  openDialog({ title: "Keys and mouse", testid: "help-sheet", wide: true, body: [said, sheet], actions: [button({ text: "All keys as they were", label: "Give every command its own key again", testid: "reset-keys", press: reset })] });
  document.querySelector("[data-testid=help-sheet]")?.addEventListener("keydown", (event) => {
    const command = commands.find((one) => one.id === waiting);
    if (!(event instanceof KeyboardEvent) || !command) return;
    event.preventDefault();
    event.stopPropagation();
    const key = nameOf(event);
    if (key === null) return;
    waiting = "";
    if (key === "Escape") {
      said.textContent = about;
      draw();
    } else give(command, key);
    /** @type {HTMLElement|null} */ (sheet.querySelector(`[data-testid="key-${command.id}"]`))?.focus();
  });
  draw();
}
