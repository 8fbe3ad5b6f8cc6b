/** What each camera sees at the playhead: semantic classes, depth, the generated picture, or classes over what a log's own camera took. */

import { button, fill, h, isChord, segmented } from "../dom.js";
import { badge, isCurrent, picturesShown, voxelsShown } from "./badge.js";
import { makeLightbox, takesDrops } from "./lightbox.js";
import { watch } from "../store.js";

/** @typedef {"semantic"|"depth"|"picture"|"recorded"} Kind */
/** @type {Array<[Kind, string, string]>} */
const KINDS = [["semantic", "Semantic", "Classes of the geometry"], ["depth", "Depth", "Distance of the geometry"], ["picture", "Picture", "The generated video's frame"]];
/** @type {[Kind, string, string]} */
const RECORDED = ["recorded", "Recorded", "What the log's own camera took, under the classes of the geometry"];

/** Across a picture of 16:9: as large as there is. */
const LARGE_PX = 384;
/** Widths differ by that much at least, so that a pane that is dragged does not have all drawn at each step. */
const SIZE_STEP_PX = 64;
/** Pixels drawn for one that is shown, along each side: voxels have hard edges. */
const FINER = 2;

/** @param {App} app */
export function makeStrip(app) {
  const { store } = app;
  const list = h("div", { class: "strip", testid: "strip" });
  const head = h("span", { class: "head-tools" }), kinds = h("span");
  /** A camera's own choice, where it differs from all. @type {Map<string, Kind>} */ const own = new Map();
  /** @type {Map<string, HTMLImageElement>} */ const images = new Map();
  const lightbox = makeLightbox(app, { tellSize, tile: (name) => tile(name, true), names: () => cameras().map((c) => (c.kind === "camera" ? c.camera.name : "")) });

  const cameras = () => store.entities().filter((e) => e.kind === "camera" && e.enabled);
  /** Until a kind was chosen, the picture where there is one. */ let chosen = false;
  /** @param {string} name @returns {Kind} */
  const best = (name) => (store.strip?.cameras.find((c) => c.name === name)?.picture ? "picture" : "semantic");
  /** @param {string} name */
  const kindOf = (name) => own.get(name) ?? (chosen ? store.options.stripKind : best(name));
  /** Whether any of the tiles shows its picture. */
  const showsPictures = () => (store.strip?.cameras ?? []).some((c) => c.picture && kindOf(c.name) === "picture");
  fill(head, badge(app, "strip-badge", () => (showsPictures() ? picturesShown(app) : null) ?? voxelsShown(app)), kinds);
  /** @param {string} name */
  const urlOf = (name) => store.strip?.cameras.find((c) => c.name === name)?.[kindOf(name)] ?? null;

  /** The same element as before keeps its old picture until the new one is decoded: no flicker while scrubbing. @param {string} key @param {string|null} url @param {string} alt */
  function image(key, url, alt) {
    let img = images.get(key);
    if (!img) images.set(key, (img = /** @type {HTMLImageElement} */ (h("img", { draggable: "false" }))));
    img.alt = alt;
    if (url && img.getAttribute("src") !== url) img.src = url;
    img.hidden = !url;
    return img;
  }

  /** Those of a camera: the fourth where its log has a picture of this moment. @param {StripCamera|undefined} seen */
  const kindsOf = (seen) => (seen?.recorded ? [...KINDS, RECORDED] : KINDS);

  /** @param {string} name @param {boolean} [big] */
  function tile(name, big = false) {
    const kind = kindOf(name), url = urlOf(name), seen = store.strip?.cameras.find((c) => c.name === name);
    const stale = kind === "picture" ? seen?.picture_stale : store.strip?.stale;
    const entity = cameras().find((c) => c.kind === "camera" && c.camera.name === name);
    const ratio = big && entity?.kind === "camera" ? `${entity.camera.width} / ${entity.camera.height}` : "16 / 9";
    const selected = entity && store.selection.has(entity.id);
    const anchored = app.anchors.has(name);
    const figure = h("figure", { class: `shot${selected ? " on" : ""}`, testid: big ? undefined : `strip-${name}`, tabindex: big ? undefined : "0", label: big ? undefined : `${name}: Enter shows it large`, style: `--ratio:${ratio};aspect-ratio:${ratio}`, title: "Click selects the camera, double-click or Enter shows it large; a picture dropped here is what its video begins from", on: { click: () => entity && app.select([entity.id]), dblclick: () => big && lightbox.show(""), mousedown: (/** @type {MouseEvent} */ e) => large(e), keydown: (/** @type {KeyboardEvent} */ e) => { if (e.key === "Enter" && !isChord(e) && !big && e.target === figure) lightbox.show(name); } } },
      image(big ? "large" : name, url, `${name}, ${kind}`),
      kind === "recorded" && Boolean(url) && h("img", { class: "over", src: seen?.semantic ?? "", alt: "", draggable: "false", testid: big ? undefined : `over-${name}` }),
      Boolean(url && stale) && h("span", { class: "before", testid: "before", title: kind === "picture" ? `Picture of take ${seen?.take}, made before your edit` : "Geometry of before your edit", text: "Before edit" }),
      !url && h("div", { class: "shot-empty", text: kind === "picture" || kind === "recorded" ? "no picture at this frame" : "…" }),
      h("figcaption", {}, h("span", { text: name.replace(/^(CAM|ring)_/, "").replaceAll("_", " ") }),
        h("span", { class: own.has(name) || big ? "kinds set" : "kinds" }, kindsOf(seen).map(([k, text, why]) => h("button", { type: "button", class: k === kind ? "on" : "", label: `${name}: ${text}`, title: why, text: text[0], on: { click: (/** @type {Event} */ e) => { e.stopPropagation(); own.set(name, k); refresh(); } } })))),
      anchored && h("span", { class: "anchored", title: "Its video begins from a picture of yours", text: "anchor", testid: `anchor-${name}` }));
    /** A second press, wherever the tile of the first one is by now: it is drawn anew when it is selected, and nothing is double-clicked then. @param {MouseEvent} e */
    const large = (e) => {
      if (big || e.detail !== 2 || e.button !== 0 || (e.target instanceof Element && e.target.closest("button"))) return;
      e.preventDefault();
      lightbox.show(name);
    };
    takesDrops(app, figure, name, refresh);
    return figure;
  }

  /** Of the pictures of a 16:9 camera, as the studio was told; 0: not yet. */ let told_px = 0, columns = 3;
  /** The studio draws the pictures in the size that they are shown in, at most. */
  function tellSize() {
    const shown = (list.clientWidth / columns) * window.devicePixelRatio;
    const px = lightbox.box.hidden ? Math.min(LARGE_PX, SIZE_STEP_PX * Math.ceil((FINER * shown) / SIZE_STEP_PX)) : LARGE_PX;
    if (shown && store.scene && px !== told_px && app.socket.send({ type: "strip_width", px })) told_px = px;
  }

  function refresh() {
    const names = cameras().map((c) => (c.kind === "camera" ? c.camera.name : ""));
    const waiting = store.strip !== null && !isCurrent(app);
    list.classList.toggle("waiting", waiting);
    columns = names.length <= 1 ? 1 : names.length <= 4 ? 2 : names.length <= 6 || list.clientWidth < 500 ? 3 : 4;
    list.style.setProperty("--columns", String(columns));
    tellSize();
    const held = list.contains(document.activeElement) ? document.activeElement?.getAttribute("aria-label") : null;
    fill(kinds, segmented({ label: "What the cameras show", value: chosen || !names.length ? store.options.stripKind : best(names[0]), testid: "strip-kind", options: (store.strip?.cameras ?? []).some((c) => c.recorded) ? [...KINDS, RECORDED] : KINDS, change: (v) => { own.clear(); chosen = true; store.options.stripKind = v; store.emit("options"); } }));
    fill(list, names.length ? names.map((n) => tile(n)) : h("div", { class: "pane-empty" }, h("p", { text: "No cameras yet. Place one (C), or take a whole rig:" }), h("div", { class: "group" }, (store.scene?.rigs ?? []).slice(0, 4).map((rig) => button({ text: rig, label: `Use the rig ${rig}`, press: () => void app.command("use_rig", { name: rig }) })))));
    if (held) /** @type {HTMLElement[]} */ ([...list.querySelectorAll("button, figure")]).find((one) => one.getAttribute("aria-label") === held)?.focus({ preventScroll: true });
    lightbox.draw();
  }
  // Their pictures are fetched and decoded while the 3D view, which shares the page's thread, draws: the page's next picture may be late.
  store.on("strip", () => cameras().forEach((c) => c.kind === "camera" && images.has(c.camera.name) && image(c.camera.name, urlOf(c.camera.name), `${c.camera.name}, ${kindOf(c.camera.name)}`)));
  new ResizeObserver(tellSize).observe(list);
  store.on("link", () => { if (store.link.state !== "open") told_px = 0; });
  watch(store, ["strip", "frame", "selection", "entities", "options", "scene", "history", "preview"], refresh);
  return { head, body: h("div", { class: "strip-box" }, list), lightbox: lightbox.box };
}
