/** Agents, the ego and their tracks. */

import { EGO_BOX, boundsOf, corners, overlaps } from "../geometry.js";
import { labelOf } from "../entity.js";
import { RATE_HZ, existsAt, poseAt } from "../tracks.js";

export const EGO_COLOUR = "#35d0e6";
const LABEL_FROM_PX = 34;
/** With more selected than this, names would cover the scene. */
const NAMED_AT_ONCE = 12;

/** @type {WeakMap<Tracked, {path: Path2D, bounds: [number, number, number, number]}>} */
const paths = new WeakMap();

/** @param {Tracked} entity */
function pathOf(entity) {
  const known = paths.get(entity);
  if (known) return known;
  const points = entity.keyframes.map((k) => /** @type {Point} */ ([k[1], k[2]]));
  const path = new Path2D();
  points.forEach(([x, y], i) => (i ? path.lineTo(x, y) : path.moveTo(x, y)));
  const made = { path, bounds: boundsOf(points) };
  paths.set(entity, made);
  return made;
}

/** @param {CanvasRenderingContext2D} ctx @param {import("../app.js").App} app @param {number} ratio */
export function drawTracks(ctx, app, ratio) {
  const { store, view } = app;
  const seen = view.bounds(), px_m = 1 / view.scale;
  ctx.save();
  view.worldTransform(ctx, ratio);
  for (const entity of [...store.entities(), store.entity("ego")]) {
    if (!entity || (entity.kind !== "agent" && entity.kind !== "ego") || entity.keyframes.length < 2) continue;
    const chosen = store.selection.has(entity.id), ego = entity.kind === "ego";
    if (!ego && store.hidden.has(entity.class_name)) continue;
    if (!store.show.tracks && !chosen) continue;
    const { path, bounds } = pathOf(entity);
    if (!overlaps(bounds, seen, 2)) continue;
    ctx.strokeStyle = ego ? EGO_COLOUR : `rgb(${store.rgb(entity.class_name)})`;
    ctx.globalAlpha = chosen ? 0.95 : ego ? 0.75 : 0.5;
    ctx.lineWidth = (chosen ? 2 : 1.5) * px_m;
    ctx.setLineDash(chosen || ego ? [] : [5 * px_m, 5 * px_m]);
    ctx.stroke(path);
  }
  ctx.restore();
  const only = store.selection.size === 1 ? store.entity([...store.selection][0]) : undefined;
  if (only && (only.kind === "agent" || only.kind === "ego") && only.keyframes.length > 1) {
    ctx.strokeStyle = only.kind === "ego" ? EGO_COLOUR : `rgb(${store.rgb(only.class_name)})`;
    drawSeconds(ctx, view, only);
  }
}

/** A tick for each whole second, so that speed can be seen. @param {CanvasRenderingContext2D} ctx @param {import("../view.js").View} view @param {Tracked} entity */
function drawSeconds(ctx, view, entity) {
  const first = entity.keyframes[0][0], last = entity.keyframes[entity.keyframes.length - 1][0];
  ctx.beginPath();
  for (let t = Math.ceil(first); t <= last; t += 1) {
    const here = poseAt(entity.keyframes, t), next = poseAt(entity.keyframes, t + 0.05), before = poseAt(entity.keyframes, t - 0.05);
    const [px, py] = view.toPx(here[0], here[1]);
    const dx = next[0] - before[0], dy = -(next[1] - before[1]), n = Math.hypot(dx, dy) || 1;
    ctx.moveTo(px - (dy / n) * 4, py + (dx / n) * 4);
    ctx.lineTo(px + (dy / n) * 4, py - (dx / n) * 4);
  }
  ctx.lineWidth = 1.5;
  ctx.stroke();
}

/** @param {CanvasRenderingContext2D} ctx @param {Point[]} ring */
export function tracePx(ctx, ring) {
  ctx.beginPath();
  ring.forEach(([x, y], i) => (i ? ctx.lineTo(x, y) : ctx.moveTo(x, y)));
  ctx.closePath();
}

/** Box with a windscreen line and a nose that tell the front. @param {CanvasRenderingContext2D} ctx @param {import("../view.js").View} view @param {number} x @param {number} y @param {number} yaw @param {number} front @param {number} rear @param {number} width @param {{fill: string, line: string, lineWidth: number}} style */
export function drawBox(ctx, view, x, y, yaw, front, rear, width, style) {
  const ring = corners(x, y, yaw, front, rear, width).map(([u, v]) => view.toPx(u, v));
  tracePx(ctx, ring);
  ctx.fillStyle = style.fill;
  ctx.fill();
  ctx.strokeStyle = style.line;
  ctx.lineWidth = style.lineWidth;
  ctx.lineJoin = "round";
  ctx.stroke();
  if ((front + rear) * view.scale < 10) return;
  const shoulder = front - Math.min(0.32 * (front + rear), 1.5);
  const c = Math.cos(yaw), s = Math.sin(yaw);
  const at = (/** @type {number} */ u, /** @type {number} */ v) => view.toPx(x + c * u - s * v, y + s * u + c * v);
  const left = at(shoulder, width / 2), nose = at(front, 0), right = at(shoulder, -width / 2);
  ctx.beginPath();
  ctx.moveTo(...left);
  ctx.lineTo(...nose);
  ctx.lineTo(...right);
  ctx.globalAlpha *= 0.9;
  ctx.stroke();
  ctx.globalAlpha = 1;
}

/** @param {CanvasRenderingContext2D} ctx @param {import("../app.js").App} app */
export function drawAgents(ctx, app) {
  const { store, view } = app;
  const time_s = store.frame / RATE_HZ, seen = view.bounds(), few = store.selection.size <= NAMED_AT_ONCE;
  /** @type {Array<{px: Point, text: string, below: number, chosen: boolean}>} */ const tags = [];
  for (const agent of store.entities()) {
    if (agent.kind !== "agent" || store.hidden.has(agent.class_name)) continue;
    const chosen = store.selection.has(agent.id), there = existsAt(agent, time_s);
    if (!there && !chosen) continue;
    const [x, y, , yaw] = poseAt(agent.keyframes, time_s);
    if (x < seen[0] - 20 || x > seen[2] + 20 || y < seen[1] - 20 || y > seen[3] + 20) continue;
    const [length, width] = agent.size_m, rgb = store.rgb(agent.class_name);
    ctx.globalAlpha = there ? 1 : 0.4;
    if (!there) ctx.setLineDash([3, 3]);
    drawBox(ctx, view, x, y, yaw, length / 2, length / 2, width, {
      fill: `rgba(${rgb},${chosen ? 0.62 : 0.4})`, line: chosen ? "#ffffff" : `rgb(${rgb})`, lineWidth: chosen ? 2 : store.hover === agent.id ? 2.2 : 1.4,
    });
    ctx.setLineDash([]);
    ctx.globalAlpha = 1;
    const below = width * view.scale * 0.5 + Math.abs(Math.sin(yaw)) * length * view.scale * 0.35 + 11;
    if (store.show.labels && ((chosen && few) || length * view.scale > LABEL_FROM_PX)) tags.push({ px: view.toPx(x, y), text: tagOf(agent, chosen && store.selection.size > 1), below, chosen });
  }
  // A label that would lie over another is left out; the selected come first.
  /** @type {Array<[number, number, number, number]>} */ const taken = [];
  for (const tag of tags.filter((one) => one.text).sort((p, q) => Number(q.chosen) - Number(p.chosen))) {
    const half = tag.text.length * 3.2, y = tag.px[1] + tag.below;
    const box = /** @type {[number, number, number, number]} */ ([tag.px[0] - half, y - 7, tag.px[0] + half, y + 7]);
    if (taken.some((other) => overlaps(box, other))) continue;
    taken.push(box);
    drawTag(ctx, tag.px, tag.text, tag.below, tag.chosen);
  }
}

/** What stands below an agent: of the cones of a closed lane that are selected together one alone, half way along, tells of the lane. @param {AgentEntity} agent @param {boolean} together */
function tagOf(agent, together) {
  const lane = together ? agent.closure : undefined;
  if (!lane || agent.name) return labelOf(agent);
  const middle = lane.spacing_m * Math.round(lane.length_m / lane.spacing_m / 2);
  return Math.abs(lane.station_m - middle) < 1e-6 ? `closed lane ${lane.number}` : "";
}

/** @param {CanvasRenderingContext2D} ctx @param {Point} px @param {string} text @param {number} below @param {boolean} chosen */
export function drawTag(ctx, [px, py], text, below, chosen) {
  ctx.font = "11px system-ui, 'DejaVu Sans', sans-serif";
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.lineWidth = 3;
  ctx.lineJoin = "round";
  ctx.strokeStyle = "rgba(11,13,17,0.8)";
  ctx.strokeText(text, px, py + below);
  ctx.fillStyle = chosen ? "#fff" : "rgba(222,229,240,0.85)";
  ctx.fillText(text, px, py + below);
}

/** @param {CanvasRenderingContext2D} ctx @param {import("../app.js").App} app */
export function drawEgo(ctx, app) {
  const { store, view } = app;
  const ego = /** @type {EgoEntity|undefined} */ (store.entity("ego"));
  if (!ego) return;
  const [x, y, , yaw] = poseAt(ego.keyframes, store.frame / RATE_HZ);
  const chosen = store.selection.has("ego");
  drawBox(ctx, view, x, y, yaw, EGO_BOX.front, EGO_BOX.rear, EGO_BOX.width, { fill: "rgba(53,208,230,0.42)", line: chosen ? "#fff" : EGO_COLOUR, lineWidth: 2 });
  const [px, py] = view.toPx(x, y);
  ctx.beginPath();
  ctx.arc(px, py, 2.5, 0, 7);
  ctx.fillStyle = "#fff";
  ctx.fill();
  if (store.show.labels) drawTag(ctx, view.toPx(x + 1.4 * Math.cos(yaw), y + 1.4 * Math.sin(yaw)), "ego", view.scale * 1.0 + Math.abs(Math.sin(yaw)) * 2 * view.scale + 9, chosen);
}

/** Outline of what a take holds: the grid around the ego. @param {CanvasRenderingContext2D} ctx @param {import("../app.js").App} app */
export function drawWindow(ctx, app) {
  const { store, view } = app;
  const ego = /** @type {EgoEntity|undefined} */ (store.entity("ego"));
  if (!ego || !store.scene) return;
  const grid = store.scene.grid;
  const half = typeof grid === "string" ? (grid === "nucraft" ? 51.2 : 40) : (grid.shape[0] * grid.voxel_m) / 2;
  const [x, y, , yaw] = poseAt(ego.keyframes, store.frame / RATE_HZ);
  const ring = corners(x, y, yaw, half, half, 2 * half).map(([u, v]) => view.toPx(u, v));
  ctx.save();
  ctx.beginPath();
  ctx.rect(0, 0, view.width, view.height);
  ring.forEach(([px, py], i) => (i ? ctx.lineTo(px, py) : ctx.moveTo(px, py)));
  ctx.closePath();
  ctx.fillStyle = "rgba(6,8,11,0.45)";
  ctx.fill("evenodd");
  tracePx(ctx, ring);
  ctx.strokeStyle = "rgba(53,208,230,0.6)";
  ctx.lineWidth = 1.2;
  ctx.setLineDash([8, 5]);
  ctx.stroke();
  ctx.restore();
  // Along the uppermost edge, from its left end.
  const edges = ring.map((p, i) => [p, ring[(i + 1) % 4]].sort((u, v) => u[0] - v[0]));
  const [from, to] = edges.reduce((p, q) => (q[0][1] + q[1][1] < p[0][1] + p[1][1] ? q : p));
  ctx.save();
  ctx.translate(from[0], from[1]);
  ctx.rotate(Math.atan2(to[1] - from[1], to[0] - from[0]));
  ctx.font = "11px system-ui, 'DejaVu Sans', sans-serif";
  ctx.textAlign = "left";
  ctx.textBaseline = "bottom";
  ctx.fillStyle = "rgba(53,208,230,0.85)";
  const { bev, show, frame, scene } = app.store;
  const late = bev && (bev.stale || bev.frame !== frame || bev.edits !== scene?.edits);
  const below = show.occupancy && bev ? ` · voxels of frame ${bev.frame}${late ? ", drawing or before edit" : ""}` : "";
  ctx.fillText(`generated window ${(2 * half).toFixed(0)} × ${(2 * half).toFixed(0)} m${below}`, 4, -3);
  ctx.restore();
}

/** The generated occupancy seen from above, under everything. @param {CanvasRenderingContext2D} ctx @param {import("../app.js").App} app @param {HTMLImageElement} picture */
export function drawUnderlay(ctx, app, picture) {
  const { store, view } = app;
  if (!store.bev || !picture.complete || !picture.naturalWidth) return;
  // Where the ego was when it was drawn: that is where its voxels are in the world.
  const [x, y, yaw] = store.bev.ego, side = store.bev.size_m[0] * view.scale;
  const [px, py] = view.toPx(x, y);
  ctx.save();
  ctx.translate(px, py);
  // The picture has the ego looking up; on the canvas heading 0 looks right.
  ctx.rotate(Math.PI / 2 - yaw);
  ctx.imageSmoothingEnabled = false;
  ctx.globalAlpha = 0.85;
  ctx.drawImage(picture, -side / 2, -side / 2, side, side);
  ctx.restore();
}
