/** What can be grabbed on the selection: a knob that turns it, and the keyframes of its track. */

import { EGO_BOX } from "../geometry.js";
import { placeOf, spoken } from "../entity.js";
import { RATE_HZ } from "../tracks.js";
import { tracePx } from "./agents.js";

const KNOB_GAP_PX = 24;
const GRAB_PX = 8;
const HANDLES_APART_PX = 13;
/** A shape with more corners is changed by its own tools. */
const MOST_CORNERS = 200;
const EDGE_FROM_PX = 34;

/** The one selected entity, or null. @param {import("../store.js").Store} store @returns {Entity|null} */
export function lone(store) {
  if (store.selection.size !== 1) return null;
  return store.entity([...store.selection][0]) ?? null;
}

/** Where the turning knob is, in pixels, and the point it turns about. @param {import("../app.js").App} app @returns {{knob: Point, pivot: Point}|null} */
export function knobOf(app) {
  const { store, view } = app;
  const entity = lone(store);
  const place = entity && placeOf(store, entity);
  if (!entity || !place) return null;
  const [x, y, heading] = place;
  const front = (entity.kind === "agent" ? entity.size_m[0] / 2 : entity.kind === "ego" ? EGO_BOX.front : 1) * view.scale + KNOB_GAP_PX;
  const [px, py] = view.toPx(x, y);
  return { knob: [px + front * Math.cos(heading), py - front * Math.sin(heading)], pivot: [x, y] };
}

/** Index of the keyframe under a pixel, or -1. The one at the playhead lies under its box, which is dragged as a whole. @param {import("../app.js").App} app @param {Point} px */
export function keyframeUnder(app, [px, py]) {
  const entity = lone(app.store);
  if (!entity || (entity.kind !== "agent" && entity.kind !== "ego") || entity.keyframes.length < 2) return -1;
  const shown = new Set(shownKeyframes(app, entity));
  return entity.keyframes.findIndex((k, i) => {
    const [kx, ky] = app.view.toPx(k[1], k[2]);
    return shown.has(i) && Math.abs(k[0] * RATE_HZ - app.store.frame) >= 0.5 && Math.hypot(kx - px, ky - py) < GRAB_PX;
  });
}

/** Keyframes that have a handle: a recorded track has more than can be told apart. @param {import("../app.js").App} app @param {Tracked} entity @returns {number[]} */
function shownKeyframes(app, entity) {
  /** @type {number[]} */ const shown = [];
  let last = [-Infinity, 0];
  entity.keyframes.forEach((k, i) => {
    const px = app.view.toPx(k[1], k[2]);
    if (Math.hypot(px[0] - last[0], px[1] - last[1]) < HANDLES_APART_PX && Math.abs(k[0] * RATE_HZ - app.store.frame) >= 0.5) return;
    shown.push(i);
    last = px;
  });
  return shown;
}

/** Rings of corners of a shape, the outer one first; a line has one, which is open. @param {Entity|null} entity @returns {{rings: Point[][], closed: boolean}|null} */
export function ringsOf(entity) {
  if (entity?.kind === "area") return { rings: [entity.exterior_m, ...entity.holes_m], closed: true };
  return entity?.kind === "line" ? { rings: [entity.points_m], closed: false } : null;
}

/** The shape with other rings. @param {Entity} entity @param {Point[][]} rings @returns {Entity} */
export function withRings(entity, rings) {
  if (entity.kind === "area") return { ...entity, exterior_m: rings[0], holes_m: rings.slice(1) };
  return entity.kind === "line" ? { ...entity, points_m: rings[0] } : entity;
}

/** The corner under a pixel, or the middle of an edge, where a new one would come. @param {import("../app.js").App} app @param {Point} px @returns {{ring: number, index: number, fresh: boolean}|null} */
export function cornerUnder(app, [px, py]) {
  const shape = ringsOf(lone(app.store));
  if (!shape || shape.rings.reduce((sum, ring) => sum + ring.length, 0) > MOST_CORNERS) return null;
  /** @type {{ring: number, index: number, fresh: boolean}|null} */ let middle = null;
  for (const [ring, points] of shape.rings.entries()) {
    const at = points.map((p) => app.view.toPx(...p));
    for (const [index, [x, y]] of at.entries()) {
      if (Math.hypot(x - px, y - py) < GRAB_PX) return { ring, index, fresh: false };
      const next = at[index + 1] ?? (shape.closed ? at[0] : null);
      if (next && Math.hypot(next[0] - x, next[1] - y) > EDGE_FROM_PX && Math.hypot((x + next[0]) / 2 - px, (y + next[1]) / 2 - py) < GRAB_PX) middle = { ring, index: index + 1, fresh: true };
    }
  }
  return middle;
}

/** @param {Point} a @param {Point} b */
export const grabs = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]) < GRAB_PX + 2;

/** @param {CanvasRenderingContext2D} ctx @param {import("../app.js").App} app */
export function drawHandles(ctx, app) {
  const { store, view } = app;
  for (const id of store.selection) {
    const entity = store.entity(id);
    if (entity?.kind !== "area" && entity?.kind !== "line") continue;
    const shape = /** @type {{rings: Point[][], closed: boolean}} */ (ringsOf(entity)), few = store.selection.size === 1 && shape.rings.reduce((sum, ring) => sum + ring.length, 0) <= MOST_CORNERS;
    for (const ring of shape.rings) {
      const points = ring.map(([x, y]) => view.toPx(x, y));
      ctx.lineWidth = 1.6;
      ctx.strokeStyle = "#fff";
      tracePx(ctx, points);
      if (shape.closed) ctx.stroke();
      else {
        ctx.beginPath();
        points.forEach(([x, y], i) => (i ? ctx.lineTo(x, y) : ctx.moveTo(x, y)));
        ctx.stroke();
      }
      if (!few || store.tool !== "select") continue;
      for (const [i, [x, y]] of points.entries()) {
        ctx.fillStyle = "#fff";
        ctx.fillRect(x - 3.5, y - 3.5, 7, 7);
        ctx.strokeStyle = "#12161c";
        ctx.lineWidth = 1;
        ctx.strokeRect(x - 3.5, y - 3.5, 7, 7);
        const next = points[i + 1] ?? (shape.closed ? points[0] : null);
        if (!next || Math.hypot(next[0] - x, next[1] - y) <= EDGE_FROM_PX) continue;
        ctx.beginPath();
        ctx.arc((x + next[0]) / 2, (y + next[1]) / 2, 3, 0, 7);
        ctx.fillStyle = "rgba(255,255,255,0.55)";
        ctx.fill();
        ctx.stroke();
      }
    }
  }
  const entity = lone(store);
  if (!entity) return;
  const knob = knobOf(app);
  if (knob && store.tool === "select") {
    const [px, py] = view.toPx(...knob.pivot);
    ctx.beginPath();
    ctx.moveTo(px, py);
    ctx.lineTo(...knob.knob);
    ctx.strokeStyle = "rgba(255,255,255,0.55)";
    ctx.lineWidth = 1;
    ctx.stroke();
    ctx.beginPath();
    ctx.arc(knob.knob[0], knob.knob[1], 5, 0, 7);
    ctx.fillStyle = "#12161c";
    ctx.fill();
    ctx.strokeStyle = "#fff";
    ctx.lineWidth = 1.8;
    ctx.stroke();
  }
  if ((entity.kind === "agent" || entity.kind === "ego") && entity.keyframes.length > 1) drawKeyframes(ctx, app, entity);
}

/** @param {CanvasRenderingContext2D} ctx @param {import("../app.js").App} app @param {Tracked} entity */
function drawKeyframes(ctx, app, entity) {
  const { view, store } = app;
  let lastLabel = [-99, -99];
  ctx.font = "11px ui-monospace, 'DejaVu Sans Mono', monospace";
  for (const keyframe of shownKeyframes(app, entity).map((i) => entity.keyframes[i])) {
    const [px, py] = view.toPx(keyframe[1], keyframe[2]);
    const now = Math.abs(keyframe[0] * RATE_HZ - store.frame) < 0.5, half = now ? 3 : 4.5;
    ctx.save();
    ctx.translate(px, py);
    ctx.rotate(Math.PI / 4);
    ctx.fillStyle = now ? "#ffffff" : "#ffb020";
    ctx.strokeStyle = "#12161c";
    ctx.lineWidth = 1.2;
    ctx.fillRect(-half, -half, 2 * half, 2 * half);
    ctx.strokeRect(-half, -half, 2 * half, 2 * half);
    ctx.restore();
    if (Math.hypot(px - lastLabel[0], py - lastLabel[1]) < 42) continue;
    lastLabel = [px, py];
    ctx.textAlign = "left";
    ctx.textBaseline = "middle";
    ctx.lineWidth = 3;
    ctx.strokeStyle = "rgba(11,13,17,0.85)";
    const text = `${keyframe[0].toFixed(2)} s`;
    ctx.strokeText(text, px + 9, py - 9);
    ctx.fillStyle = "#ffcf73";
    ctx.fillText(text, px + 9, py - 9);
  }
}

/** A small label beside the cursor. @param {CanvasRenderingContext2D} ctx @param {Point} px @param {string} text */
export function drawHint(ctx, [px, py], text) {
  ctx.font = "11px system-ui, 'DejaVu Sans', sans-serif";
  const width = ctx.measureText(text).width + 12;
  ctx.fillStyle = "rgba(16,19,25,0.92)";
  ctx.strokeStyle = "rgba(255,255,255,0.16)";
  ctx.lineWidth = 1;
  ctx.beginPath();
  ctx.roundRect(px + 14, py + 14, width, 20, 4);
  ctx.fill();
  ctx.stroke();
  ctx.fillStyle = "#e6ebf3";
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  ctx.fillText(spoken(text), px + 20, py + 24.5);
}
