/** The 3D view: the viser page of this workspace, in a frame, and what can be said to it. */

import { button, h } from "../dom.js";
import { watch } from "../store.js";
import { badge, voxelsShown } from "./badge.js";

// viser has no switch for its control panel and its pop-ups; its elements carry no names but Mantine's classes.
const HIDDEN = ".mantine-Paper-root:has(.mantine-ScrollArea-root), [class*=mantine-Notifications-root] { display: none !important; } body { background: #0b0d11; }";
/** How often it is looked whether viser has begun to draw. */
const LOOK_MS = 120;
/** For its background to be decoded. */
const DECODES_MS = 400;
/** Keys that mean the page's commands also while the 3D view has the focus; all others steer its eye. @param {KeyboardEvent} event */
const ours = (event) => event.ctrlKey || event.metaKey || event.key === "Escape" || /^F\d+$/.test(event.key) || (event.shiftKey && /^[A-Z]$|^Home$|^Page/.test(event.key)) || event.key === "?";

/** @param {App} app */
export function makeViewer(app) {
  const { store } = app;
  const frame = /** @type {HTMLIFrameElement} */ (h("iframe", { class: "viewer", testid: "viewer-3d", title: "3D view of the scene", label: "3D view of the scene", allow: "fullscreen" }));
  const empty = h("div", { class: "pane-empty", testid: "viewer-empty", text: "The 3D view starts with the scene." });
  const box = h("div", { class: "viewer-box" }, frame, empty);
  let shown = "", lost = false, looking = 0;
  const load = () => {
    if (!store.scene?.viser_url) return;
    // An empty frame is white, and so is viser until the studio's first message: it is covered until its theme has come, and a moment more.
    empty.hidden = false;
    frame.src = store.scene.viser_url;
    window.clearInterval(looking);
    looking = window.setInterval(() => {
      const page = frame.contentDocument;
      if (!page?.querySelector("canvas") || page.documentElement.dataset.mantineColorScheme !== "dark") return;
      window.clearInterval(looking);
      window.setTimeout(() => (empty.hidden = true), DECODES_MS);
    }, LOOK_MS);
  };
  // A frame that holds the focus is none of the page's focused elements: that it was reached by key is seen only if we say so.
  let tabbed = false;
  window.addEventListener("keydown", (event) => (tabbed = event.key === "Tab"), true);
  window.addEventListener("pointerdown", () => (tabbed = false), true);
  const reached = (/** @type {boolean} */ on) => box.classList.toggle("reached", on);
  frame.addEventListener("load", () => {
    const page = frame.contentDocument;
    frame.contentWindow?.addEventListener("focus", () => reached(tabbed));
    for (const kind of ["blur", "pointerdown"]) frame.contentWindow?.addEventListener(kind, () => reached(false), true);
    page?.head?.append(Object.assign(page.createElement("style"), { textContent: HIDDEN }));
    frame.contentWindow?.addEventListener("keydown", (event) => {
      if (!ours(event)) return;
      const { key, code, ctrlKey, metaKey, altKey, shiftKey } = event;
      if (!window.dispatchEvent(new KeyboardEvent("keydown", { key, code, ctrlKey, metaKey, altKey, shiftKey, bubbles: true, cancelable: true }))) event.preventDefault();
    }, true);
  });
  watch(store, ["scene", "link"], () => {
    const url = store.scene?.viser_url ?? "";
    // viser's page asks for a view that a studio which was started again has not made yet, and does not ask again.
    const back = lost && store.link.state === "open" && store.scene !== null;
    if (store.link.state === "lost") [lost, told] = [true, ""];
    if (url === shown && !back) return;
    if (back) lost = false;
    shown = url;
    load();
  });

  /** What the studio was told last. */ let told = "";
  app.view3d = (home = false) => {
    const { follow3d, frusta3d, clip3d_m } = store.options, wish = { type: "view3d", follow: follow3d, frusta: frusta3d, clip_m: clip3d_m }, text = JSON.stringify(wish);
    if (store.link.state !== "open" || !store.scene || (text === told && !home)) return;
    if (app.socket.send(home ? { ...wish, home } : wish)) told = text;
  };
  app.enlarge3d = () => {
    const large = document.querySelector(".studio")?.classList.toggle("large-3d") ?? false;
    grow.classList.toggle("on", large);
    grow.setAttribute("aria-pressed", String(large));
  };
  window.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !document.querySelector(".studio.large-3d") || document.querySelector(".veil")) return;
    app.enlarge3d();
    event.stopImmediatePropagation();
  }, true);

  const toggle = (/** @type {"follow3d"|"frusta3d"} */ key) => { store.options[key] = !store.options[key]; store.emit("options"); };
  const follow = button({ icon: "follow", label: "Follow the ego; off: the eye stays in the world", key: "Shift+F", class: "ghost tiny", testid: "follow-3d", press: () => toggle("follow3d") });
  const frusta = button({ icon: "camera", label: "Show every camera", key: "Shift+K", class: "ghost tiny", testid: "frusta-3d", press: () => toggle("frusta3d") });
  const grow = button({ icon: "grow", label: "The 3D view over the whole page", key: "Shift+D", class: "ghost tiny", testid: "enlarge-3d", press: () => app.enlarge3d() });
  const height = /** @type {HTMLInputElement} */ (h("input", { type: "range", class: "clip", testid: "clip-3d", label: "Height at which voxels are cut, metres", on: { input: () => {
    const top = Number(height.max), value = Number(height.value);
    store.options.clip3d_m = value >= top - 1e-6 ? null : value;
    store.emit("options");
  } } }));
  watch(store, ["options", "scene", "link"], () => {
    const grid = store.scene && typeof store.scene.grid !== "string" ? store.scene.grid : null, { follow3d, frusta3d, clip3d_m } = store.options;
    if (grid) {
      const top = grid.origin_m[2] + grid.shape[2] * grid.voxel_m;
      Object.assign(height, { min: String(grid.origin_m[2] + grid.voxel_m), max: String(top), step: String(grid.voxel_m) });
      height.value = String(clip3d_m ?? top);
      height.title = clip3d_m === null ? "Nothing is cut off above: drag to look under roofs and crowns  (Shift+PageDown)" : `Voxels above ${clip3d_m.toFixed(1)} m are left out`;
    }
    for (const [one, on] of /** @type {Array<[HTMLElement, boolean]>} */ ([[follow, follow3d], [frusta, frusta3d]])) {
      one.classList.toggle("on", on);
      one.setAttribute("aria-pressed", String(on));
    }
    app.view3d();
  });
  const tools = h("span", { class: "head-tools" }, badge(app, "viewer-badge", () => voxelsShown(app)), height,
    button({ icon: "home", label: "Home view", key: "Shift+Home", class: "ghost tiny", testid: "home-3d", press: () => app.view3d(true) }), follow, frusta,
    button({ icon: "reuse", label: "Reload the 3D view", class: "ghost tiny", press: load }), grow);
  return { head: tools, body: box };
}
