/** Every camera of a take side by side, or two takes under one slider: all videos stand at the same frame. */

import { button, fill, h } from "../dom.js";
import { mounted } from "./mounted.js";

const RATE_HZ = 12;
/** Seconds into a frame at which a seek surely shows that frame. */
const INSIDE_S = 0.5 / RATE_HZ;

/** @typedef {{name: string, frames: number, start_s: number, scene: string, views: string, seed: number, prompt: string, cameras: {name: string, width: number, height: number, video: boolean}[]}} Shown */

/** @param {import("./mounted.js").Held} held */
export function mount(held) {
  /** What the user chose, kept from take to take. */
  const kept = { frame: 0, large: "", slide: 0.5, playing: false };
  let stop = () => {};
  mounted(held, (body, value) => {
    stop();
    stop = build(body, value, kept);
  });
}

/** @param {HTMLElement} body @param {{a: Shown|null, b: Shown|null, why: string}} value @param {{frame: number, large: string, slide: number, playing: boolean}} kept @returns {() => void} */
function build(body, value, kept) {
  const { a, b } = value;
  const names = a?.cameras.filter((c) => c.video && (!b || b.cameras.some((other) => other.video && other.name === c.name))) ?? [];
  if (!a || !names.length) {
    fill(body, h("p", { class: "nothing", testid: "player-empty", text: value.why }));
    return () => {};
  }
  const first = Math.max(a.start_s, b?.start_s ?? a.start_s);
  const frames = Math.max(1, Math.round(Math.min(a.start_s + a.frames / RATE_HZ, b ? b.start_s + b.frames / RATE_HZ : Infinity) * RATE_HZ - first * RATE_HZ));
  /** @type {HTMLVideoElement[]} */ const videos = [];
  const video = (/** @type {Shown} */ take, /** @type {string} */ camera, /** @type {string} */ side) => {
    const one = /** @type {HTMLVideoElement} */ (h("video", { src: `/api/takes/${encodeURIComponent(take.name)}/video/${encodeURIComponent(camera)}.mp4`, muted: true, playsinline: true, preload: "auto", class: side, label: `${camera} of ${take.name}` }));
    one.muted = true;
    one.dataset.from = String(first - take.start_s);
    videos.push(one);
    return one;
  };
  if (!names.some((c) => c.name === kept.large)) kept.large = "";
  const grid = h("div", { class: "video-grid", testid: "video-grid" });
  const tiles = names.map((camera) => {
    const tile = h("figure", { class: "video-tile", tabindex: "0", testid: `video-${camera.name}`, "data-camera": camera.name, style: `aspect-ratio:${camera.width} / ${camera.height}` }, video(a, camera.name, "a"), b && video(b, camera.name, "b"), b && h("i", { class: "seam" }),
      h("figcaption", { text: camera.name.replace(/^(CAM|ring)_/, "").replaceAll("_", " ") }), b && h("span", { class: "side left", text: `A · ${label(a, b)}` }), b && h("span", { class: "side right", text: `B · ${label(b, a)}` }));
    tile.addEventListener("dblclick", () => enlarge(kept.large ? "" : camera.name));
    tile.addEventListener("keydown", (event) => event.key === "Enter" && enlarge(kept.large ? "" : camera.name));
    if (b) slides(tile, kept, grid);
    return tile;
  });
  fill(grid, tiles);
  const label_ = h("span", { class: "mono", testid: "player-frame" });
  const scrub = /** @type {HTMLInputElement} */ (h("input", { type: "range", class: "scrub", min: "0", max: String(frames - 1), step: "1", value: "0", label: "Frame", testid: "player-scrub" }));
  const play = button({ icon: "play", label: "Play or pause", key: "Space", class: "ghost", testid: "player-play", press: () => toggle() });
  const bar = h("div", { class: "player-bar" }, play, scrub, label_, button({ icon: "fit", label: "All cameras", key: "Esc", class: "ghost", testid: "player-all", press: () => enlarge("") }));
  fill(body, grid, bar);

  let raf = 0, began = 0, from = 0, alive = true;
  const seek = (/** @type {number} */ frame) => {
    kept.frame = Math.max(0, Math.min(frames - 1, frame));
    for (const one of videos) {
      const wanted = Number(one.dataset.from) + kept.frame / RATE_HZ + INSIDE_S;
      if (Math.abs(one.currentTime - wanted) > 0.2 / RATE_HZ) one.currentTime = wanted;
    }
    scrub.value = String(kept.frame);
    scrub.style.setProperty("--at", `${(100 * kept.frame) / Math.max(1, frames - 1)}%`);
    label_.textContent = `frame ${Math.round(first * RATE_HZ) + kept.frame} · ${kept.frame + 1}/${frames}`;
    grid.dataset.frame = String(kept.frame);
  };
  const toggle = (on = !kept.playing) => {
    kept.playing = on;
    play.classList.toggle("on", on);
    cancelAnimationFrame(raf);
    if (!on) return;
    [began, from] = [performance.now(), kept.frame >= frames - 1 ? 0 : kept.frame];
    // Frames are shown by seeking, so that no video runs ahead of another.
    const tick = () => {
      if (!alive || !kept.playing) return;
      const next = (from + Math.floor(((performance.now() - began) / 1000) * RATE_HZ)) % frames;
      if (next !== kept.frame && videos.every((one) => !one.seeking)) seek(next);
      raf = requestAnimationFrame(tick);
    };
    tick();
  };
  const arrange = () => {
    for (const tile of tiles) tile.hidden = Boolean(kept.large) && tile.dataset.camera !== kept.large;
    fit(grid, tiles.filter((one) => !one.hidden));
  };
  const enlarge = (/** @type {string} */ camera) => {
    kept.large = camera;
    arrange();
  };
  const sized = new ResizeObserver(() => arrange());
  sized.observe(body);
  scrub.addEventListener("input", () => (toggle(false), seek(Number(scrub.value))));
  for (const one of videos) one.addEventListener("loadeddata", () => seek(kept.frame), { once: true });
  body.onkeydown = (event) => {
    const step = /** @type {Record<string, number>} */ ({ ArrowLeft: -1, ArrowRight: 1 })[event.key];
    if (event.key === " ") toggle();
    else if (step) (toggle(false), seek(kept.frame + step * (event.shiftKey ? RATE_HZ : 1)));
    else if (event.key === "Escape") enlarge("");
    else return;
    event.preventDefault();
  };
  arrange();
  grid.style.setProperty("--slide", String(kept.slide));
  seek(Math.min(kept.frame, frames - 1));
  if (kept.playing) toggle(true);
  return () => {
    alive = false;
    sized.disconnect();
    cancelAnimationFrame(raf);
  };
}

const GAP_PX = 6;
/** So much wider must tiles get for six cameras not to stand as three over three, as they look round the car. */
const WORTH = 1.15;

/** All tiles are seen at once, in their order, in as many columns as make them widest. @param {HTMLElement} grid @param {HTMLElement[]} tiles */
function fit(grid, tiles) {
  const [w, height] = [grid.clientWidth, grid.clientHeight];
  if (!w || !height || !tiles.length) return;
  const ratio = Math.max(...tiles.map((one) => Number(one.style.aspectRatio.split("/")[1]) / Number(one.style.aspectRatio.split("/")[0])));
  const width = (/** @type {number} */ columns) => {
    const rows = Math.ceil(tiles.length / columns);
    return Math.min((w - GAP_PX * (columns - 1)) / columns, (height - GAP_PX * (rows - 1)) / rows / ratio);
  };
  const usual = tiles.length % 3 === 0 ? 3 : Math.min(tiles.length, 2);
  const best = tiles.map((_, at) => at + 1).reduce((most, one) => (width(one) > width(most) ? one : most));
  const columns = width(best) > WORTH * width(usual) ? best : usual;
  grid.style.setProperty("--tile", `${Math.floor(width(columns))}px`);
  grid.style.setProperty("--columns", String(columns));
}

/** What tells one take from the other. @param {Shown} one @param {Shown} other */
function label(one, other) {
  if (one.scene !== other.scene) return one.scene || one.name;
  if (one.views !== other.views) return one.views;
  if (one.prompt !== other.prompt) return one.prompt || "no prompt";
  if (one.seed !== other.seed) return `seed ${one.seed}`;
  // Alike in all of that: their names from the part on in which they differ, which a tile would cut off at their end.
  let alike = 0;
  while (alike < one.name.length && one.name[alike] === other.name[alike]) alike++;
  return one.name.slice(one.name.lastIndexOf("-", alike - 1) + 1);
}

/** Drag anywhere on a tile: A left of the seam, B right of it, in every tile alike. @param {HTMLElement} tile @param {{slide: number}} kept @param {HTMLElement} grid */
function slides(tile, kept, grid) {
  const to = (/** @type {PointerEvent} */ event) => {
    const box = tile.getBoundingClientRect();
    kept.slide = Math.max(0, Math.min(1, (event.clientX - box.left) / box.width));
    grid.style.setProperty("--slide", String(kept.slide));
  };
  tile.addEventListener("pointerdown", (event) => {
    tile.setPointerCapture(event.pointerId);
    to(event);
    tile.addEventListener("pointermove", to);
    tile.addEventListener("lostpointercapture", () => tile.removeEventListener("pointermove", to), { once: true });
  });
}
