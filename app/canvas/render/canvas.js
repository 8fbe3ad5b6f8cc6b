/** The bird's-eye canvas: one animation frame draws it when something changed, pointers go to the tool in hand. */

import { h } from "../dom.js";
import { drawAgents, drawEgo, drawTracks, drawUnderlay, drawWindow } from "./agents.js";
import { drawCameras } from "./cameras.js";
import { drawChannels, mapChanged } from "./channels.js";
import { drawEdits } from "./edits.js";
import { drawGrid, drawRulers } from "./grid.js";
import { drawHandles } from "./handles.js";
import { drawRegion } from "./region.js";

const WHEEL_ZOOM = 0.0016;
const DOUBLE_MS = 320;

/** @param {import("../app.js").App} app @param {(world: Point|null) => void} cursorMoved */
export function makeCanvas(app, cursorMoved) {
  const { store, view } = app;
  const canvas = /** @type {HTMLCanvasElement} */ (h("canvas", { class: "bev", testid: "bev-canvas", tabindex: "0", role: "application", label: "Bird's-eye view of the scene, in metres" }));
  const ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
  const underlay = new Image();
  let dirty = true, ratio = 1;
  /** The part that changed since it was drawn, in pixels of the page; null: all of it, or nothing while it is not dirty. @type {Box|null} */ let part = null;
  /** @type {"tool"|"pan"|null} */ let gesture = null;
  /** @type {Point} */ let last = [0, 0];
  let lastDown = { at: 0, px: /** @type {Point} */ ([0, 0]) };

  app.redraw = () => {
    part = null;
    if (!dirty) requestAnimationFrame(draw);
    dirty = true;
  };

  /** As `redraw`, where nothing outside the box has changed. @param {Box} box */
  function redrawPart(box) {
    if (!dirty) part = box;
    else if (part) part = [Math.min(part[0], box[0]), Math.min(part[1], box[1]), Math.max(part[2], box[2]), Math.max(part[3], box[3])];
    if (!dirty) requestAnimationFrame(draw);
    dirty = true;
  }

  function draw() {
    const box = part;
    dirty = false;
    part = null;
    if (!box) return drawAll();
    ctx.save();
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    const [x0, y0, x1, y1] = [Math.floor(box[0] * ratio), Math.floor(box[1] * ratio), Math.ceil(box[2] * ratio), Math.ceil(box[3] * ratio)];
    ctx.beginPath();
    ctx.rect(x0, y0, x1 - x0, y1 - y0);
    ctx.clip();
    drawAll();
    ctx.restore();
  }

  function drawAll() {
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.fillStyle = "#0d1014";
    ctx.fillRect(0, 0, view.width, view.height);
    if (store.show.occupancy) drawUnderlay(ctx, app, underlay);
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    if (store.show.occupancy && store.bev) ctx.globalAlpha = 0.5;
    drawChannels(ctx, app, ratio);
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (store.show.grid) drawGrid(ctx, view);
    if (store.show.window) drawWindow(ctx, app);
    drawTracks(ctx, app, ratio);
    if (store.show.cameras) drawCameras(ctx, app);
    drawAgents(ctx, app);
    drawEgo(ctx, app);
    drawEdits(ctx, app);
    drawHandles(ctx, app);
    drawRegion(ctx, app);
    app.tool.draw?.(ctx, app);
    drawRulers(ctx, view);
  }

  /** @param {PointerEvent|MouseEvent} event @returns {CanvasPointer} */
  function pointer(event) {
    const box = canvas.getBoundingClientRect();
    const place = (/** @type {MouseEvent} */ e) => /** @type {Point} */ ([e.clientX - box.left, e.clientY - box.top]);
    const px = place(event);
    const finer = event instanceof PointerEvent && event.getCoalescedEvents ? event.getCoalescedEvents() : [];
    return {
      px, world: view.toWorld(...px), shift: event.shiftKey, ctrl: event.ctrlKey || event.metaKey, alt: event.altKey,
      coalesced: (finer.length ? finer : [event]).map((e) => view.toWorld(...place(e))),
    };
  }

  canvas.addEventListener("pointerdown", (event) => {
    canvas.focus({ preventScroll: true });
    canvas.classList.add("by-mouse");
    const at = pointer(event);
    last = at.px;
    if (event.button === 1 || (event.button === 0 && (app.spaceHeld || store.tool === "pan"))) {
      gesture = "pan";
      app.spaceUsed = true;
    } else if (event.button === 0 && store.scene) {
      gesture = "tool";
      const quick = event.timeStamp - lastDown.at < DOUBLE_MS && Math.hypot(at.px[0] - lastDown.px[0], at.px[1] - lastDown.px[1]) < 5;
      lastDown = quick ? { at: 0, px: [0, 0] } : { at: event.timeStamp, px: at.px };
      if (quick && app.tool.double) app.tool.double(at, app);
      else app.tool.down?.(at, app);
    } else if (event.button === 2) app.tool.cancel?.(app);
    if (gesture) canvas.setPointerCapture(event.pointerId);
    event.preventDefault();
    app.redraw();
  });
  canvas.addEventListener("blur", () => canvas.classList.remove("by-mouse"));
  canvas.addEventListener("pointermove", (event) => {
    const at = pointer(event), before = app.pointer;
    app.pointer = at;
    if (gesture === "pan") view.panBy(at.px[0] - last[0], at.px[1] - last[1]);
    else if (gesture === "tool") app.tool.drag?.(at, app);
    else app.tool.move?.(at, app);
    last = at.px;
    canvas.style.cursor = gesture === "pan" ? "grabbing" : app.spaceHeld ? "grab" : (app.tool.cursor?.(app) ?? "default");
    cursorMoved(at.world);
    const box = before && gesture !== "pan" ? app.tool.touched?.(before, at, app) : undefined;
    if (box) redrawPart(box);
    else app.redraw();
  });
  // Capture brings the release here even when it happens off the canvas; a lost capture ends the gesture as well.
  const release = (/** @type {PointerEvent} */ event) => {
    if (gesture === "tool") app.tool.up?.(pointer(event), app);
    gesture = null;
    app.redraw();
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("lostpointercapture", release);
  canvas.addEventListener("pointerleave", () => {
    app.pointer = null;
    if (store.hover) {
      store.hover = null;
      store.emit("hover");
    }
    cursorMoved(null);
    app.redraw();
  });
  canvas.addEventListener("pointerenter", () => {
    if (document.activeElement instanceof HTMLIFrameElement) canvas.focus({ preventScroll: true });
  });
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const amount = event.deltaY * (event.deltaMode === 1 ? 30 : 1);
    if (event.ctrlKey && (store.tool === "brush" || store.tool === "eraser")) app.resizeBrush(amount < 0 ? 1.15 : 1 / 1.15);
    else view.zoomAt(Math.exp(-amount * WHEEL_ZOOM), event.offsetX, event.offsetY);
    if (app.pointer) cursorMoved(view.toWorld(event.offsetX, event.offsetY));
    app.redraw();
  }, { passive: false });

  new ResizeObserver(() => {
    const box = canvas.getBoundingClientRect();
    if (!box.width || !box.height) return;
    ratio = window.devicePixelRatio || 1;
    Object.assign(view, { width: box.width, height: box.height, version: view.version + 1 });
    Object.assign(canvas, { width: Math.round(box.width * ratio), height: Math.round(box.height * ratio) });
    part = null;
    draw();
  }).observe(canvas);

  const map = () => {
    mapChanged();
    app.redraw();
  };
  for (const topic of /** @type {const} */ (["entities", "preview", "scene"])) store.on(topic, map);
  for (const topic of /** @type {const} */ (["selection", "frame", "tool", "options", "channels", "show", "hover", "region", "variant"])) store.on(topic, app.redraw);
  underlay.onload = app.redraw;
  const under = () => {
    if (store.bev && store.show.occupancy && underlay.getAttribute("src") !== store.bev.url) underlay.src = store.bev.url;
    app.redraw();
  };
  store.on("bev", under);
  store.on("show", under);
  dirty = false;
  return canvas;
}
