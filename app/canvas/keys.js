/** The keyboard. Off while the user types; the tool in hand is asked first, then the table of commands. */

import { keysOf, nameOf, remapped } from "./bindings.js";
import { commandsOf } from "./commands.js";
import { typing } from "./dom.js";

const TAP_MS = 350;
/** Commands that work while something is typed: their press writes nothing. */
const WHILE_TYPING = ["save", "generate", "palette", "open", "import", "export", "find_object", "results", "keys"];

/** @param {App} app */
export function bindKeys(app) {
  let spaceDown = 0;
  window.addEventListener("keydown", (event) => {
    if (document.querySelector(".veil")) return;
    const name = nameOf(event);
    if (name === null) return;
    const isTyping = typing(event.target);
    const command = meant(app, name);
    if (app.resultsShown && command?.id !== "results") return;
    if (isTyping && !(command && WHILE_TYPING.includes(command.id) && /Ctrl|^F\d/.test(name))) return;
    if (!isTyping && name === "Space") {
      if (!event.repeat) [spaceDown, app.spaceHeld, app.spaceUsed] = [event.timeStamp, true, false];
      return event.preventDefault();
    }
    if (!isTyping && !name.includes("Ctrl") && app.tool.key_down?.(event, app)) return event.preventDefault();
    if (!command) return;
    event.preventDefault();
    if (event.repeat && !command.repeats && command.group !== "Time") return;
    if (isTyping && document.activeElement instanceof HTMLElement) document.activeElement.blur();
    perform(app, command);
  });
  window.addEventListener("keyup", (event) => {
    if (event.code !== "Space" || !app.spaceHeld) return;
    app.spaceHeld = false;
    // Held, it pans; tapped, it is a key like the others.
    const command = meant(app, "Space");
    if (command && !app.spaceUsed && event.timeStamp - spaceDown < TAP_MS && app.store.scene) perform(app, command);
  });
  window.addEventListener("blur", () => (app.spaceHeld = false));
}

/** The command that a key means now. @param {App} app @param {string} name */
function meant(app, name) {
  const holding = app.store.tool === "select" && app.store.selection.size > 0, changed = remapped();
  return commandsOf(app).find((c) => keysOf(c, changed).includes(name) && (!c.when || (c.when === "holding") === holding));
}

/** Run a command, or say why it cannot be run. @param {App} app @param {PageCommand} command */
export function perform(app, command) {
  const why = command.why?.(app);
  if (why) app.say("info", whyNot(command, why));
  else command.run(app);
}

/** A sentence that names the command; one that does already stays, so that the studio's own refusal of the same is the same notice. @param {PageCommand} command @param {string} why */
export function whyNot(command, why) {
  return why.toLowerCase().includes(command.title.toLowerCase()) ? why : `${command.title}: ${why.charAt(0).toLowerCase()}${why.slice(1)}`;
}
