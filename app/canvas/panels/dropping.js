/** A scene, map or log dropped anywhere on the page, or chosen of this computer, is sent with its progress and imported. */

import { button, h } from "../dom.js";
import { chosenFolder, droppedFolder } from "../folder.js";
import { watch } from "../store.js";
import { choose } from "./choose.js";
import { guarded } from "./files.js";

/** @typedef {import("../folder.js").Folder} Folder */
/** @typedef {{choose?: "source"|"scene", options?: Array<[string, string]>, send?: string[], id?: string, optional?: boolean, import?: object, refused?: string}} NextStep */

const STOPPED = "";

/** @param {App} app @param {HTMLElement} studio */
export function makeDropping(app, studio) {
  const bar = /** @type {HTMLProgressElement} */ (h("progress", { max: "1", testid: "import-progress" })), words = h("span"), detail = h("span", { class: "detail" });
  const stop = button({ text: "Cancel", label: "Send no more of it", class: "ghost", testid: "import-cancel", press: () => { stopped = true; request?.abort(); done(); } });
  const box = h("div", { class: "importing", testid: "importing" }, words, bar, h("div", { class: "row" }, detail, stop));
  /** @type {XMLHttpRequest|null} */ let request = null;
  let waiting = false, stopped = false, busy = false;
  box.hidden = true;

  /** @param {string} text @param {number|null} share null: how much is left is not known @param {string} [more] */
  function tell(text, share, more = "") {
    box.hidden = false;
    words.textContent = text;
    detail.textContent = more;
    stop.hidden = waiting;
    if (share === null) bar.removeAttribute("value");
    else bar.value = share;
  }
  const done = () => { box.hidden = true; waiting = busy = false; };
  // What was sent is read, or refused: either comes with news.
  watch(app.store, ["scene"], () => waiting && done());
  watch(app.store, ["notices"], () => waiting && app.store.notices.some((n) => n.level === "error") && done());
  watch(app.store, ["scenes"], () => {
    const { scenes } = app.store;
    if (!scenes) return;
    app.store.scenes = null;
    done();
    choose("scene", "scene", scenes.options).then((scene) => scene !== null && app.post({ ...scenes.asked, scene }));
  });

  /** The studio's answer. Throws an Error with its sentence. @param {string} method @param {string} address @param {Blob|string|null} body @param {(bytes: number) => void} [sent] @returns {Promise<any>} */
  function ask(method, address, body, sent) {
    return new Promise((settle, fail) => {
      if (stopped) return fail(new Error(STOPPED));
      const asking = request = new XMLHttpRequest();
      asking.open(method, address);
      if (typeof body === "string") asking.setRequestHeader("Content-Type", "application/json");
      if (sent) asking.upload.onprogress = (event) => sent(event.loaded);
      asking.onabort = () => fail(new Error(STOPPED));
      asking.onerror = () => fail(new Error("The files did not reach the studio: drop them again."));
      asking.onload = () => {
        /** @type {any} */ let told = {};
        try { told = JSON.parse(asking.responseText); } catch { /* a proxy's own page */ }
        if (asking.status === 200) settle(told);
        else fail(new Error(typeof told.detail === "string" ? told.detail : "The files were not taken: drop them again."));
      };
      asking.send(body);
    });
  }

  /** @param {Folder} folder @param {Map<string, File>} files @param {NextStep} next */
  async function sendFiles(folder, files, { send = [], id, optional }) {
    /** @type {Array<[string, File]>} */ const chosen = [];
    for (const path of send) {
      if (stopped) throw new Error(STOPPED);
      const file = files.get(path) ?? await folder.find(path);
      if (file) chosen.push([path, file]);
      else if (!optional) throw new Error(`“${path}” is not in “${folder.name}” any more: drop it again.`);
    }
    const total = Math.max(1, chosen.reduce((sum, [, file]) => sum + file.size, 0));
    let before = 0;
    for (const [number, [path, file]] of chosen.entries()) {
      const say = (/** @type {number} */ bytes) => tell(`Sending ${folder.name}`, Math.min(1, (before + bytes) / total), `${optional ? "pictures" : "files"}: ${number + 1} of ${chosen.length}, ${(total / 1e6).toFixed(total < 1e7 ? 1 : 0)} MB`);
      say(0);
      await ask("PUT", `/api/dropped/${id}/${path.split("/").map(encodeURIComponent).join("/")}`, file, say);
      before += file.size;
    }
  }

  /** @param {Folder} folder @param {object} [part] start_s and duration_s */
  async function importFolder(folder, part = {}) {
    if (busy) return app.say("warn", "Something is being sent already: wait for it, or cancel it.");
    [busy, stopped] = [true, false];
    try {
      tell(`Looking into ${folder.name}`, null);
      const files = await folder.list(await ask("GET", "/api/dropped", null));
      /** @type {{name: string, files: Array<[string, number]>, source?: string, scene?: string, has_pictures?: boolean}} */
      const offer = { name: folder.name, files: [...files].map(([path, file]) => [path, file.size]) };
      for (;;) {
        /** @type {NextStep} */ const next = await ask("POST", "/api/dropped", JSON.stringify(offer));
        if (next.refused) throw new Error(next.refused);
        if (next.choose) {
          box.hidden = true;
          const answer = await choose(next.choose, folder.name, next.options ?? []);
          if (answer === null) return done();
          offer[next.choose] = answer;
          tell(`Reading ${folder.name}`, null);
        } else if (next.send) {
          await sendFiles(folder, files, next);
          if (next.optional) offer.has_pictures = true;
          tell(`Reading ${folder.name}`, null);
        } else {
          waiting = true;
          tell(`Reading ${folder.name}`, null);
          app.post({ type: "import", ...next.import, ...part });
          return;
        }
      }
    } catch (fault) {
      done();
      const sentence = fault instanceof Error ? fault.message : String(fault);
      if (sentence !== STOPPED) app.say("error", sentence);
    }
  }

  app.importFrom = (kind, part) => {
    const input = /** @type {HTMLInputElement} */ (h("input", { type: "file", multiple: true, webkitdirectory: kind === "folder", testid: "chosen-files" }));
    input.hidden = true;
    input.addEventListener("change", () => {
      const folder = input.files?.length ? chosenFolder(input.files) : null;
      input.remove();
      if (folder) guarded(app, "An import", () => void importFolder(folder, part));
      else app.say("warn", "There is no file in that folder.");
    });
    input.addEventListener("cancel", () => input.remove());
    studio.append(input);
    input.click();
  };

  const holdsFiles = (/** @type {DragEvent} */ event) => [...(event.dataTransfer?.items ?? [])].some((one) => one.kind === "file");
  studio.addEventListener("dragover", (event) => {
    if (!holdsFiles(event) || event.defaultPrevented) return;
    event.preventDefault();
    studio.classList.add("dropping");
  });
  studio.addEventListener("dragleave", (event) => event.relatedTarget === null && studio.classList.remove("dropping"));
  studio.addEventListener("drop", (event) => {
    studio.classList.remove("dropping");
    if (event.defaultPrevented || !holdsFiles(event) || !event.dataTransfer) return;
    event.preventDefault();
    const folder = droppedFolder(event.dataTransfer);
    if (folder) guarded(app, "An import", () => void importFolder(folder));
  });
  return box;
}
