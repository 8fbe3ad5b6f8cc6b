/** The 3D view: the viser page of this workspace, in a frame. */

import { button, h } from "../dom.js";
import { watch } from "../store.js";
import { badge, voxelsShown } from "./badge.js";

// viser has no switch for its control panel and its pop-ups; its elements carry no names but Mantine's classes.
const HIDDEN = ".mantine-Paper-root:has(.mantine-ScrollArea-root), [class*=mantine-Notifications-root] { display: none !important; } body { background: #0b0d11; }";

/** @param {HTMLIFrameElement} frame */
function tidy(frame) {
  const page = frame.contentDocument;
  page?.head?.append(Object.assign(page.createElement("style"), { textContent: HIDDEN }));
}

/** @param {App} app */
export function makeViewer(app) {
  const frame = /** @type {HTMLIFrameElement} */ (h("iframe", { class: "viewer", testid: "viewer-3d", title: "3D view of the scene", label: "3D view of the scene", allow: "fullscreen" }));
  const empty = h("div", { class: "pane-empty", text: "The 3D view starts with the scene." });
  const box = h("div", { class: "viewer-box" }, frame, empty);
  frame.addEventListener("load", () => tidy(frame));
  let shown = "", lost = false;
  const reload = () => {
    if (app.store.scene?.viser_url) frame.src = app.store.scene.viser_url;
  };
  watch(app.store, ["scene", "link"], () => {
    const url = app.store.scene?.viser_url ?? "";
    empty.hidden = url !== "";
    // viser's page asks for a view that a studio which was started again has not made yet, and does not ask again.
    const back = lost && app.store.link.state === "open" && app.store.scene !== null;
    if (app.store.link.state === "lost") lost = true;
    if (url === shown && !back) return;
    if (back) lost = false;
    shown = url;
    if (url) frame.src = url;
  });
  const tools = h("span", { class: "head-tools" }, badge(app, "viewer-badge", () => voxelsShown(app)),
    button({ icon: "reuse", label: "Reload the 3D view", class: "ghost tiny", press: reload }),
    button({ icon: "grow", label: "Open the 3D view in its own tab", class: "ghost tiny", press: () => window.open(app.store.scene?.viser_url || "about:blank", "_blank", "noopener") }));
  return { head: tools, body: box };
}
