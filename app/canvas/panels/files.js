/** New, open, restore, import. */

import { button, fill, h, numberField, selectField, textField } from "../dom.js";
import { icon } from "../icons.js";
import { openDialog } from "./dialog.js";

/** Run `next` now, or after the user said what to do with unsaved work. @param {App} app @param {string} what @param {() => void} next */
export function guarded(app, what, next) {
  const { scene, tabs } = app.store;
  if (!scene || (!scene.dirty && tabs < 2)) return next();
  const shared = tabs > 1 && h("p", { testid: "shared", text: `This scene is open in ${tabs} tabs: ${what.charAt(0).toLowerCase()}${what.slice(1)} takes its place in all of them.` });
  const unsaved = scene.dirty && h("p", { text: `“${scene.name}” has changes that are not saved to a file. Its draft is kept, with its undo history, under Open.` });
  const apart = () => location.assign(`${location.pathname}?workspace=scene-${Date.now().toString(36)}&new`);
  const close = openDialog({
    title: scene.dirty ? "Unsaved changes" : "Open in another tab too", testid: "unsaved", body: [shared, unsaved],
    actions: [
      button({ text: "Cancel", label: "Stay here", testid: "stay", press: () => close() }),
      ...(tabs > 1 && what === "A new scene" ? [button({ text: "In a workspace of its own", label: "A new scene in this tab alone; the other tabs keep this one", testid: "apart", press: apart })] : []),
      ...(scene.dirty
        ? [button({ text: "Don't save", label: "Go on without saving", testid: "dont-save", press: () => { close(); next(); } }), button({ text: "Save", label: "Save, then go on", class: "primary", press: () => { app.save(); close(); next(); } })]
        : [button({ text: `Replace it in ${tabs} tabs`, label: "Go on here and in every other tab", class: "primary", testid: "replace-all", press: () => { close(); next(); } })]),
    ],
  });
}

/** @param {App} app */
export function askNew(app) {
  guarded(app, "A new scene", () => app.post({ type: "new" }));
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

/** Scenes to begin from, as they look from above. @param {FileEntry[]} entries @param {(entry: FileEntry) => void} press */
function examples(entries, press) {
  return h("div", { class: "file-group" }, h("h4", { text: "Examples" }), h("div", { class: "examples" }, entries.map((entry) => h("button", { type: "button", class: "example", title: entry.path, testid: "file", on: { click: () => press(entry) } },
    h("img", { src: entry.picture ?? "", alt: "", draggable: "false" }), h("b", { text: entry.title ?? entry.name }), h("span", { class: "detail", text: entry.about ?? "" })))));
}

/** @param {FileEntry|RecoveryEntry} entry */
export function when(entry) {
  if (!entry.modified) return "";
  const date = new Date(typeof entry.modified === "number" ? entry.modified * 1000 : entry.modified);
  return Number.isNaN(date.valueOf()) ? String(entry.modified) : date.toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
}

/** A draft, told by what is in it. @param {RecoveryEntry} entry @param {() => void} press */
export function draftButton(entry, press) {
  return h("button", { type: "button", class: "draft", testid: "draft", title: entry.path, on: { click: press } },
    entry.picture ? h("img", { src: entry.picture, alt: "", draggable: "false" }) : icon("reuse", 15),
    h("span", { class: "words" }, h("span", { class: "line" }, h("b", { text: entry.name }), h("span", { class: "detail", text: when(entry) })), h("span", { class: "lost", text: entry.lost })));
}

/** Deletes a draft; pressed twice, because nothing brings it back. @param {App} app @param {RecoveryEntry} entry @param {() => void} [done] */
export function discardButton(app, entry, done) {
  const press = () => {
    if (!control.classList.contains("danger")) {
      control.classList.add("danger");
      control.classList.remove("ghost");
      fill(control, h("span", { text: "Delete for good?" }));
      return;
    }
    app.post({ type: "discard_draft", which: entry.path });
    done?.();
  };
  const control = button({ text: "Discard", label: `Delete this draft of ${entry.name}; nothing brings it back`, class: "ghost", testid: "discard-draft", press });
  return control;
}

/** @param {App} app */
export function showOpen(app) {
  const { body, bind } = listing(app, (close) => {
    const files = /** @type {FileLists} */ (app.store.files);
    const open = (/** @type {FileEntry} */ e) => guarded(app, "Opening another scene", () => { app.post({ type: "open", path: e.path }); close(); });
    return [
      files.recovery.length > 0 && h("div", { class: "file-group" }, h("h4", { text: "Unsaved work" }), files.recovery.map((entry) => h("div", { class: "draft-row", testid: "draft-row" },
        draftButton(entry, () => guarded(app, "Restoring a draft", () => { app.post({ type: "restore", which: entry.path }); close(); })), discardButton(app, entry)))),
      group("Projects", files.projects, "open", "No projects in the workspace folder yet: save this scene with Ctrl+S.", open),
      files.templates.length > 0 && examples(files.templates, (e) => guarded(app, "An example scene", () => { app.post({ type: "new", template: e.name }); close(); })),
      files.takes.length > 0 && group("Show a take", files.takes, "cube", "", (e) => { app.post({ type: "show_take", path: e.path }); close(); }),
    ];
  });
  bind(openDialog({ title: "Open a scene", testid: "open-dialog", body: [body] }));
}

/** @param {App} app */
export function showImport(app) {
  const asked = { format: "av2", source: "", start_s: /** @type {number|null} */ (null), duration_s: /** @type {number|null} */ (null), map: "", scene: "" };
  const go = (/** @type {string} */ format, /** @type {string} */ source, /** @type {() => void} */ close) => {
    if (!source.trim()) return app.say("warn", "Give the folder or file to import, as a path on the machine that runs the studio.");
    guarded(app, "An import", () => {
      app.post({ type: "import", ...asked, format, source: source.trim() });
      close();
    });
  };
  const { body, bind } = listing(app, (close) => {
    const { formats } = /** @type {FileLists} */ (app.store.files);
    const chosen = formats.find((f) => f.name === asked.format) ?? formats[0], recorded = asked.format !== "anyscene";
    return [
      h("div", { class: "import-form" },
        selectField({ label: "", name: "Format", value: asked.format, testid: "import-format", options: formats.map((f) => [f.name, f.title]), change: (v) => { asked.format = v; app.store.emit("files"); } }),
        textField({ label: "Path", value: asked.source, testid: "import-source", placeholder: chosen?.source ?? "path on this machine", change: (v) => (asked.source = v), enter: () => go(asked.format, asked.source, close) })),
      recorded && h("div", { class: "import-form more" },
        numberField({ label: "from", name: "Begins at", unit: "s", value: asked.start_s, placeholder: "start", min: 0, digits: 2, testid: "import-start", change: (v) => (asked.start_s = v) }),
        numberField({ label: "for", name: "Lasts", unit: "s", value: asked.duration_s, placeholder: "all of it", min: 0.1, digits: 2, testid: "import-duration", change: (v) => (asked.duration_s = v) }),
        textField({ label: "Map", value: asked.map, testid: "import-map", placeholder: "beside the log", change: (v) => (asked.map = v) }),
        chosen?.scenes && textField({ label: "Scene", value: asked.scene, testid: "import-scene", placeholder: "asked for where there are several", change: (v) => (asked.scene = v) })),
      h("p", { class: "empty", text: recorded ? "A path is read on the machine that runs the studio; nothing is copied. Files and folders that you choose or drop on the page are sent to it, as far as they are needed. What could not be read is listed in the notes of the scene." : "A copy is opened; the file itself stays as it is. Save keeps the copy in the workspace folder." }),
    ];
  });
  const chosen = (/** @type {"files"|"folder"} */ kind) => { close(); app.importFrom(kind, { start_s: asked.start_s, duration_s: asked.duration_s }); };
  const own = [
    button({ text: "Choose files…", label: "Choose files of this computer; or drop them on the page", testid: "import-files", press: () => chosen("files") }),
    button({ text: "Choose a folder…", label: "Choose a folder of this computer, a data set or a log; or drop it on the page. Only what is needed is sent to the studio", testid: "import-folder", press: () => chosen("folder") }),
  ];
  const close = openDialog({ title: "Import a log, a map or a scene", testid: "import-dialog", body: [body], actions: [...own, button({ text: "Import", label: "Import this path", class: "primary", testid: "import-go", press: () => go(asked.format, asked.source, close) })] });
  bind(close);
}
