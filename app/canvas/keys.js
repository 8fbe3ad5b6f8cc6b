/** The keyboard. Off while the user types; the tool in hand is asked first. */

import { typing } from "./dom.js";
import { pickChannel } from "./panels/channels.js";
import { showOpen } from "./panels/files.js";
import { showHelp } from "./panels/help.js";
import { addKey } from "./panels/inspector.js";
import { duplicate } from "./panels/options.js";
import { lone } from "./render/handles.js";
import { TOOLS } from "./tools/registry.js";
import { RATE_HZ } from "./tracks.js";

const TAP_MS = 350;
const NUDGE_M = 0.1;
const TURN_RAD = (5 * Math.PI) / 180;
const ARROWS = /** @type {Record<string, Point>} */ ({ ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] });

/** @param {App} app */
export function bindKeys(app) {
  let spaceDown = 0;
  window.addEventListener("keydown", (event) => {
    const ctrl = event.ctrlKey || event.metaKey;
    if (typing(event.target) && !(ctrl && ["s", "Enter"].includes(event.key))) return;
    if (document.querySelector(".veil")) return;
    if (event.code === "Space" && !ctrl) {
      if (!event.repeat) [spaceDown, app.spaceHeld, app.spaceUsed] = [event.timeStamp, true, false];
      event.preventDefault();
      return;
    }
    const used = ctrl ? chord(event, app) : (app.tool.key_down?.(event, app) ?? false) || plain(event, app);
    if (used) event.preventDefault();
  });
  window.addEventListener("keyup", (event) => {
    if (event.code !== "Space" || !app.spaceHeld) return;
    app.spaceHeld = false;
    if (!app.spaceUsed && event.timeStamp - spaceDown < TAP_MS && app.store.scene) app.togglePlay();
  });
  window.addEventListener("blur", () => (app.spaceHeld = false));
}

/** @param {KeyboardEvent} event @param {App} app @returns {boolean} */
function chord(event, app) {
  const key = event.key.toLowerCase();
  if (key === "z") void app.command(event.shiftKey ? "redo" : "undo", {});
  else if (key === "y") void app.command("redo", {});
  else if (key === "s") {
    if (document.activeElement instanceof HTMLElement && typing(document.activeElement)) document.activeElement.blur();
    app.save();
  } else if (key === "o") showOpen(app);
  else if (key === "enter") event.shiftKey ? app.generateOn() : app.generate();
  else if (key === "d") duplicate(app);
  else if (key === "c") app.clipboard = [...app.store.selection].filter((id) => id !== "ego");
  else if (key === "v") paste(app);
  else if (key === "a") app.select(app.store.entities().filter((e) => e.kind === "agent" && !app.store.locked.has(e.class_name) && !app.store.hidden.has(e.class_name)).map((e) => e.id));
  else if (event.altKey && key === "arrowleft") app.toKeyframe(-1);
  else if (event.altKey && key === "arrowright") app.toKeyframe(1);
  else return false;
  return true;
}

/** @param {App} app */
function paste(app) {
  const ids = app.clipboard.filter((id) => app.store.entity(id));
  if (!ids.length) return app.say("info", "Nothing to paste: select objects and press Ctrl+C first.");
  const [x, y] = app.pivot(ids), to = app.pointer?.world ?? [x + 3, y - 3];
  const before = new Set(app.store.scene?.entities.keys());
  void app.command("duplicate", { ids, dx: to[0] - x, dy: to[1] - y }, () => app.select(app.store.entities().filter((e) => !before.has(e.id)).map((e) => e.id)));
}

/** @param {KeyboardEvent} event @param {App} app @returns {boolean} */
function plain(event, app) {
  const { store } = app;
  const key = event.key.toLowerCase();
  const holding = store.tool === "select" && store.selection.size > 0;
  const channel = store.scene?.channels.find((c) => c.key && c.key === event.key);
  const tool = Object.values(TOOLS).find((t) => t.key.toLowerCase() === key);
  const arrow = ARROWS[event.key];
  if (event.key === "?" || event.key === "F1") showHelp(app);
  else if (event.key === "Escape") app.tool.cancel?.(app);
  else if (arrow && holding) app.nudge(arrow[0] * NUDGE_M * (event.shiftKey ? 10 : 1), arrow[1] * NUDGE_M * (event.shiftKey ? 10 : 1), 0);
  else if (arrow && arrow[0]) app.seek(store.frame + arrow[0] * (event.shiftKey ? RATE_HZ : 1));
  else if (event.key === "Home") app.seek(0);
  else if (event.key === "End") app.seek(store.frames - 1);
  else if ((key === "q" || key === "e") && holding) app.nudge(0, 0, (key === "q" ? 1 : -1) * TURN_RAD * (event.shiftKey ? 9 : 1));
  else if (key === "q") pickChannel(app, store.lastChannel);
  else if (key === "g" && holding) app.nudge(0, 0, Math.PI);
  else if (key === "x" && event.shiftKey) app.cancelJob();
  else if (key === "k") {
    const entity = lone(store);
    if (entity && (entity.kind === "agent" || entity.kind === "ego")) addKey(app, entity);
    else app.say("info", "Select one agent or the ego to set a keyframe at this frame.");
  } else if (key === "delete" || key === "backspace") remove(app);
  else if (event.key === "[") app.resizeBrush(1 / 1.2);
  else if (event.key === "]") app.resizeBrush(1.2);
  else if (event.key === ".") app.fit(store.selection.size ? store.selection : undefined);
  else if (event.shiftKey && event.code === "Digit1") app.fit();
  else if (channel) pickChannel(app, channel.name);
  else if (tool && !event.shiftKey && !event.altKey) app.use(tool.name);
  else return false;
  return true;
}

/** @param {App} app */
function remove(app) {
  const ids = [...app.store.selection].filter((id) => id !== "ego");
  if (app.store.selection.has("ego") && !ids.length) app.say("info", "The ego stays: every scene is seen from it.");
  if (ids.length) void app.command("delete", { ids });
}
