/** New, open, restore, import. */

import { button, fill, h, selectField, textField } from "../dom.js";
import { icon } from "../icons.js";
import { openDialog } from "./dialog.js";

/** Run `next` now, or after the user said what to do with unsaved work. @param {App} app @param {string} what @param {() => void} next */
function guarded(app, what, next) {
  if (!app.store.scene?.dirty) return next();
  const close = openDialog({
    title: "Unsaved changes", testid: "unsaved", body: [h("p", { text: `${what} leaves “${app.store.scene.name}” with changes that are not saved to a file. Its draft is kept for recovery either way.` })],
    actions: [
      button({ text: "Cancel", label: "Stay here", press: () => close() }),
      button({ text: "Don't save", label: "Go on without saving", testid: "dont-save", press: () => { close(); next(); } }),
      button({ text: "Save", label: "Save, then go on", class: "primary", press: () => { app.save(); close(); next(); } }),
    ],
  });
}

/** @param {App} app */
export function askNew(app) {
  guarded(app, "A new scene", () => app.socket.send({ type: "new" }));
}

/** @param {App} app @param {(close: () => void) => import("../dom.js").Child[]} rows */
function listing(app, rows) {
  const body = h("div", { class: "files" }, h("p", { class: "empty", text: "Looking…" }));
  /** @type {() => void} */ let close = () => {};
  const draw = () => {
    if (app.store.files) fill(body, ...rows(() => close()));
  };
  app.store.on("files", draw);
  app.socket.send({ type: "list_files" });
  return { body, bind: (/** @type {() => void} */ c) => { close = c; draw(); } };
}

/** @param {string} title @param {FileEntry[]} entries @param {string} iconName @param {string} none @param {(entry: FileEntry) => void} press */
function group(title, entries, iconName, none, press) {
  return h("div", { class: "file-group" }, h("h4", { text: title }), entries.length === 0 && h("p", { class: "empty", text: none }),
    entries.map((entry) => h("button", { type: "button", class: "file", title: entry.path, testid: "file", on: { click: () => press(entry) } }, icon(iconName, 15), h("span", { class: "name", text: entry.name }), h("span", { class: "detail", text: when(entry) }))));
}

/** @param {FileEntry} entry */
function when(entry) {
  if (entry.format) return entry.format;
  if (!entry.modified) return "";
  const date = new Date(typeof entry.modified === "number" ? entry.modified * 1000 : entry.modified);
  return Number.isNaN(date.valueOf()) ? String(entry.modified) : date.toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
}

/** @param {App} app */
export function showOpen(app) {
  const { body, bind } = listing(app, (close) => {
    const files = /** @type {FileLists} */ (app.store.files);
    const open = (/** @type {FileEntry} */ e) => guarded(app, "Opening another scene", () => { app.socket.send({ type: "open", path: e.path }); close(); });
    return [
      files.recovery.length > 0 && group("Recover unsaved work", files.recovery, "reuse", "", (e) => guarded(app, "Restoring a draft", () => { app.socket.send({ type: "restore", which: e.path }); close(); })),
      group("Projects", files.projects, "open", "No projects in the workspace folder yet: save this scene with Ctrl+S.", open),
      files.templates.length > 0 && group("Examples", files.templates, "layers", "", (e) => guarded(app, "An example scene", () => { app.socket.send({ type: "new", template: e.name }); close(); })),
      files.takes.length > 0 && group("Show a take", files.takes, "cube", "", (e) => { app.socket.send({ type: "show_take", path: e.path }); close(); }),
    ];
  });
  bind(openDialog({ title: "Open a scene", testid: "open-dialog", body: [body] }));
}

/** @param {App} app */
export function showImport(app) {
  let format = "av2", source = "";
  const go = (/** @type {string} */ f, /** @type {string} */ s, /** @type {() => void} */ close) => {
    if (!s.trim()) return app.say("warn", "Give the folder or file to import, as a path on the machine that runs the studio.");
    guarded(app, "An import", () => {
      app.socket.send({ type: "import", format: f, source: s.trim() });
      close();
    });
  };
  const { body, bind } = listing(app, (close) => {
    const { logs, formats } = /** @type {FileLists} */ (app.store.files);
    const chosen = formats.find((f) => f.name === format) ?? formats[0];
    return [
      logs.length > 0 && group("Logs found on this machine", logs, "import", "", (e) => go(e.format ?? format, e.source ?? e.path, close)),
      h("div", { class: "import-form" },
        selectField({ label: "", name: "Format", value: format, testid: "import-format", options: formats.map((f) => [f.name, f.title]), change: (v) => { format = v; app.store.emit("files"); } }),
        textField({ label: "Path", value: source, testid: "import-source", placeholder: chosen?.source ?? "path on this machine", change: (v) => (source = v) })),
      h("p", { class: "empty", text: "Everything is read on the machine that runs the studio; nothing is copied or sent anywhere. What could not be read is listed in the notes of the scene." }),
    ];
  });
  const close = openDialog({ title: "Import a log or a map", testid: "import-dialog", body: [body], actions: [button({ text: "Import", label: "Import this path", class: "primary", testid: "import-go", press: () => go(format, source, close) })] });
  bind(close);
}
