/** Name, files, history, what is saved, and whether the studio answers. */

import { button, fill, h, isChord } from "../dom.js";
import { readable } from "../entity.js";
import { icon } from "../icons.js";
import { makeTabs } from "../results/tab.js";
import { watch } from "../store.js";
import { askNew, showImport, showOpen } from "./files.js";
import { showHelp } from "./help.js";
import { makeMenus } from "./menus.js";
import { showPalette } from "./palette.js";

/** @param {number} at */
function ago(at) {
  const s = Math.round((Date.now() - at) / 1000);
  return s < 4 ? "just now" : s < 60 ? `${s} s ago` : s < 3600 ? `${Math.floor(s / 60)} min ago` : `${Math.floor(s / 3600)} h ago`;
}

/** @param {App} app */
export function makeTopbar(app) {
  const { store } = app;
  const name = /** @type {HTMLInputElement} */ (h("input", { class: "scene-name", testid: "scene-name", label: "Scene name", spellcheck: "false", title: "Scene name: click to rename" }));
  const commit = () => {
    if (store.scene && name.value.trim() && name.value !== store.scene.name) void app.command("set_scene", { name: name.value.trim() });
  };
  name.addEventListener("blur", commit);
  name.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && store.scene) name.value = store.scene.name;
    if (event.key === "Enter" || event.key === "Escape") name.blur();
    if (!isChord(event)) event.stopPropagation();
  });
  const dot = h("span", { class: "dot", label: "Unsaved changes", title: "Unsaved changes" });
  const saved = h("span", { class: "saved", testid: "autosaved" });
  const undo = button({ icon: "undo", label: "Undo", testid: "undo", class: "ghost", press: () => void app.command("undo", {}) });
  const redo = button({ icon: "redo", label: "Redo", testid: "redo", class: "ghost", press: () => void app.command("redo", {}) });
  const undoText = h("span", { class: "step", testid: "undo-label" });
  const tabs = h("span", { class: "tabs", testid: "tabs", title: "This scene is open in so many tabs: all of them edit it, and all see every edit", hidden: true });
  const link = h("span", { class: "link", testid: "connection", role: "status" });
  const bar = h("header", { class: "topbar" },
    h("div", { class: "brand" }, icon("logo", 20), h("b", { text: "AnyScene" })),
    makeTabs(app),
    makeMenus(app),
    h("div", { class: "rule" }),
    h("div", { class: "group" },
      button({ icon: "fresh", label: "New scene", testid: "new", class: "ghost", press: () => askNew(app) }),
      button({ icon: "open", label: "Open a scene", key: "Ctrl+O", testid: "open", class: "ghost", press: () => showOpen(app) }),
      button({ icon: "import", label: "Import a log, a map or a scene", testid: "import", class: "ghost", press: () => showImport(app) }),
      button({ icon: "save", label: "Save the project", key: "Ctrl+S", testid: "save", class: "ghost", press: () => app.save() })),
    h("div", { class: "rule" }),
    h("div", { class: "group" }, undo, redo, undoText),
    h("div", { class: "title" }, name, dot),
    h("div", { class: "right" }, saved, tabs, link, button({ icon: "search", label: "All commands", key: "Ctrl+K", testid: "palette-open", class: "ghost", press: () => showPalette(app) }), button({ icon: "help", label: "Keys and mouse", key: "?", testid: "help", class: "ghost", press: () => showHelp(app) })));

  const refresh = () => {
    const s = store.scene;
    if (document.activeElement !== name) name.value = s?.name ?? "";
    name.size = Math.max(8, Math.min(34, name.value.length + 1));
    name.disabled = !s;
    dot.classList.toggle("on", Boolean(s?.dirty));
    saved.textContent = store.autosaved ? `${store.autosaved.text} ${ago(store.autosaved.at)}` : s?.dirty ? "Unsaved changes" : s?.saved_path ? "Saved" : "";
    saved.title = s?.saved_path ?? "Not saved to a file yet: Ctrl+S. A draft is kept all the same.";
    undo.disabled = !s?.can_undo;
    redo.disabled = !s?.can_redo;
    const depth = s?.undo_at_depth ? `Undo ends: ${s.undo_limit} steps` : "";
    undo.title = s?.can_undo ? `Undo: ${s.can_undo}  (Ctrl+Z), ${s.undo_steps} ${s.undo_steps === 1 ? "step" : "steps"} back, the last ${s.undo_limit} are kept` : s?.undo_at_depth ? `Undo ends here: the last ${s.undo_limit} steps are kept and all of them are taken back` : "Nothing to undo";
    redo.title = s?.can_redo ? `Redo: ${s.can_redo}  (Ctrl+Shift+Z or Ctrl+Y)` : "Nothing to redo";
    undoText.textContent = s?.can_undo ? readable(store, s.can_undo) : depth;
    undoText.title = undo.title;
    tabs.hidden = store.tabs < 2;
    tabs.textContent = `${store.tabs} tabs`;
    const state = store.link.state;
    link.className = `link ${state}`;
    fill(link, h("i"), h("span", { text: state === "open" ? "Connected" : state === "connecting" ? "Connecting…" : "Reconnecting…" }));
    link.title = state === "open" ? `Last edit confirmed in ${store.link.roundtrip_ms.toFixed(0)} ms` : "The studio does not answer. Your scene is safe on its side; edits wait until it is back.";
  };
  watch(store, ["scene", "history", "entities", "link", "tabs"], refresh);
  setInterval(refresh, 5000);
  return bar;
}
