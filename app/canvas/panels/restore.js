/** The card over everything when an earlier run left unsaved work: what it is, when, and what would be lost. */

import { button, fill, h } from "../dom.js";
import { watch } from "../store.js";
import { discardButton, draftButton, when } from "./files.js";

/** @param {App} app */
export function makeRestore(app) {
  const { store } = app;
  const card = h("div", { class: "restore-card", role: "dialog", "aria-modal": "true", label: "Unsaved work", testid: "restore-card" });
  const veil = h("div", { class: "veil opaque", hidden: true }, card);
  /** Of the draft in front. */ let chosen = "";
  const decline = () => app.post({ type: "decline" });
  const restore = (/** @type {RecoveryEntry} */ entry) => app.post({ type: "restore", which: entry.path });

  function draw() {
    const drafts = store.recovery ?? [], entry = drafts.find((one) => one.path === chosen) ?? drafts[0];
    if (!entry) return close();
    const others = drafts.filter((one) => one !== entry);
    const go = button({ text: "Restore", icon: "reuse", label: "Go on where it stopped, with its undo history", class: "primary", testid: "restore", press: () => restore(entry) });
    fill(card,
      h("h2", { text: entry.crashed ? "The studio stopped before this was saved" : "This was closed before it was saved" }),
      h("div", { class: "restore-main" },
        entry.picture ? h("img", { src: entry.picture, alt: `Layout of ${entry.name}`, draggable: "false" }) : null,
        h("div", { class: "restore-words" }, h("h3", { testid: "restore-name", text: entry.name }), h("p", { class: "detail", testid: "restore-time", text: `Last change ${when(entry)}` }), h("p", { testid: "restore-lost", text: entry.lost }),
          h("p", { class: "detail", text: entry.takes ? "Undo goes on where it was, and the take that was shown comes back." : "Undo goes on where it was." }),
          h("div", { class: "group" }, go, button({ text: "Not now", label: "Start without it; the draft stays under Open", testid: "decline", press: decline }), discardButton(app, entry, () => dropped(entry))))),
      others.length > 0 && h("div", { class: "restore-others" }, h("h4", { text: "Also unsaved" }), others.map((one) => draftButton(one, () => { chosen = one.path; draw(); }))));
    veil.hidden = false;
    go.focus();
  }
  /** @param {RecoveryEntry} entry */
  function dropped(entry) {
    store.recovery = (store.recovery ?? []).filter((one) => one !== entry);
    if (store.recovery.length) return draw();
    store.recovery = null;
    decline();
    close();
  }
  function close() {
    veil.remove();
    veil.hidden = true;
  }
  veil.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Escape") decline();
  });
  watch(store, ["recovery"], () => {
    if (!store.recovery?.length) return close();
    // In the page only while it is open: the keyboard is off as long as a veil is there.
    document.querySelector(".studio")?.append(veil);
    draw();
  });
}
