/** Handing a take over: formats, where they went, and what each of them could not hold. */

import { button, fill, h } from "../dom.js";
import { plural } from "../entity.js";
import { openDialog } from "./dialog.js";

/** What a loader of training data is usually given. */
const TRAINING_PACK = ["nuscenes", "occ3d", "mp4"];

/** Of the take shown, or of one that the Results name. @param {App} app @param {Pick<TakeInfo, "name"|"path"|"frames"|"stage"|"stale">|null} [take] */
export function showExport(app, take = app.store.take) {
  const { store } = app;
  if (!take || document.querySelector("[data-testid=export-dialog]")) return take ? undefined : app.say("info", "There is no take yet: Generate makes one.");
  const offered = store.scene?.exports ?? [], pack = TRAINING_PACK.filter((name) => offered.some((one) => one.name === name));
  /** @type {Map<string, HTMLInputElement>} */ const boxes = new Map();
  const rows = offered.map(({ name, title }) => {
    const box = /** @type {HTMLInputElement} */ (h("input", { type: "checkbox", testid: `export-${name}`, on: { change: () => ready() } }));
    boxes.set(name, box);
    return h("label", { class: "check" }, box, h("b", { text: name }), h("span", { class: "faint", text: title }));
  });
  const verify = /** @type {HTMLInputElement} */ (h("input", { type: "checkbox", testid: "export-verify", checked: true }));
  const result = h("div", { class: "export-result", role: "status", testid: "export-result" });
  const go = button({ icon: "export", text: "Export", label: "Export", class: "primary", testid: "export-go", press: () => {
    store.exported = null;
    fill(result, h("p", { class: "faint", text: "Writing…" }));
    go.disabled = true;
    app.post({ type: "export", take: take.path, formats: [...boxes].filter(([, box]) => box.checked).map(([name]) => name), verify: verify.checked });
  } });
  const packed = button({ text: "Training pack", label: `Training pack: ${pack.join(", ")}`, class: "toggle", testid: "export-pack", press: () => choose(pack) });
  const ready = () => {
    const ticked = [...boxes].filter(([, box]) => box.checked).map(([name]) => name), all = ticked.length === pack.length && pack.every((name) => ticked.includes(name));
    go.disabled = !ticked.length;
    packed.classList.toggle("on", all);
    packed.setAttribute("aria-pressed", String(all));
  };
  const choose = (/** @type {string[]} */ names) => {
    for (const [name, box] of boxes) box.checked = names.includes(name);
    ready();
  };
  const close = openDialog({
    title: "Export the take", testid: "export-dialog", body: [
      h("p", { class: "faint", text: `${take.name}: ${plural(take.frames, "frame")}, ${take.stage}${take.stale ? "; the scene changed since it was made" : ""}` }),
      h("div", { class: "export-packs" }, packed, button({ text: "Nothing", label: "Choose nothing", class: "ghost", press: () => choose([]) })),
      h("div", { class: "export-formats" }, rows), h("label", { class: "check", title: "Opens what was written again, and compares it with the take" }, verify, "Verify what was written"), result],
    actions: [button({ text: "Close", label: "Close", press: () => close() }), go],
  });
  ready();
  store.on("exported", () => {
    const done = store.exported;
    if (!done || !result.isConnected) return;
    if (done.writing === null) ready();
    fill(result, h("p", {}, done.writing === null ? "Written to " : `Writing: ${done.writing}… into `, h("b", { class: "path", text: done.folder })), done.rows.map((row) => h("div", { class: "export-row", testid: `exported-${row.format}` },
      h("b", { text: row.format }), row.error ? h("span", { class: "sentence", text: row.error }) : h("span", { text: plural(row.files, "file") }),
      !row.error && done.writing === null && h("a", { class: "download", href: row.url, download: "", text: "Download", testid: `download-${row.format}`, title: "As one file, for a browser on another machine" }),
      row.dropped.length > 0 && h("ul", { class: "notes" }, row.dropped.map((text) => h("li", { text }))))), done.verified && h("p", { testid: "export-verified", text: done.verified }));
  });
}
