/** A scene, map or log of one file dropped anywhere on the page is sent, with its progress, and imported. */

import { h } from "../dom.js";
import { watch } from "../store.js";
import { guarded } from "./files.js";

/** @param {App} app @param {HTMLElement} studio */
export function makeDropping(app, studio) {
  const bar = /** @type {HTMLProgressElement} */ (h("progress", { max: "1", testid: "import-progress" })), words = h("span"), box = h("div", { class: "importing", testid: "importing" }, words, bar);
  box.hidden = true;
  let waiting = false;

  /** @param {string} text @param {number|null} share null: how much is left is not known */
  function tell(text, share) {
    box.hidden = false;
    words.textContent = text;
    if (share === null) bar.removeAttribute("value");
    else bar.value = share;
  }
  const done = () => { box.hidden = true; waiting = false; };
  // What was sent is read, or refused: either comes with news.
  watch(app.store, ["scene"], () => waiting && done());
  watch(app.store, ["notices"], () => waiting && app.store.notices.some((n) => n.level === "error") && done());

  /** @param {File} file */
  function send(file) {
    const request = new XMLHttpRequest();
    request.open("POST", `/api/dropped/${encodeURIComponent(file.name)}`);
    request.upload.onprogress = (event) => event.lengthComputable && tell(`Sending ${file.name}`, event.loaded / event.total);
    request.onerror = () => { done(); app.say("error", "The file did not reach the studio: drop it again."); };
    request.onload = () => {
      const told = JSON.parse(request.responseText || "{}");
      if (request.status !== 200) { done(); app.say("error", told.detail ?? "The file was not taken: drop it again."); return; }
      tell(`Reading ${file.name}`, null);
      waiting = true;
      app.socket.send({ type: "import", format: told.format, source: told.source });
    };
    tell(`Sending ${file.name}`, 0);
    request.send(file);
  }

  const holdsFiles = (/** @type {DragEvent} */ event) => [...(event.dataTransfer?.items ?? [])].some((one) => one.kind === "file");
  studio.addEventListener("dragover", (event) => {
    if (!holdsFiles(event) || event.defaultPrevented) return;
    event.preventDefault();
    studio.classList.add("dropping");
  });
  studio.addEventListener("dragleave", (event) => event.relatedTarget === null && studio.classList.remove("dropping"));
  studio.addEventListener("drop", (event) => {
    studio.classList.remove("dropping");
    if (event.defaultPrevented || !holdsFiles(event)) return;
    event.preventDefault();
    const folder = event.dataTransfer?.items[0]?.webkitGetAsEntry?.()?.isDirectory;
    const file = event.dataTransfer?.files[0];
    if (folder) app.say("warn", "A folder cannot be dropped here: import it by its path (Ctrl+I).");
    else if (file) guarded(app, "An import", () => send(file));
  });
  return box;
}
