/** The 15 channels, each on a canvas of its own, so that an eraser shows what it will do and a stroke redraws one channel only. */

import { holds } from "../entity.js";
import { boundsOf, overlaps } from "../geometry.js";
import { drawPaint } from "./paint.js";

/** Bottom to top: surfaces, then marks on them. Channels not named here (the agents') come last. */
const ORDER = ["drivable_area", "walkway", "ped_crossing", "lane_divider", "road_divider"];
/** How much of the ground shows through. */
const OPACITY = /** @type {Record<string, number>} */ ({ drivable_area: 0.92, walkway: 0.74, ped_crossing: 0.95, lane_divider: 0.95, road_divider: 0.95 });
const ZEBRA_M = 1.1;
const WALKWAY_HATCH_M = 1.6;

/** @typedef {{canvas: HTMLCanvasElement, ctx: CanvasRenderingContext2D, key: string, strokes: number}} Layer */
/** @type {Map<string, Layer>} */
const layers = new Map();
/** @type {WeakMap<Entity, {path: Path2D, bounds: [number, number, number, number], axis: number}>} */
const shapes = new WeakMap();

/** @param {AreaEntity|LineEntity} entity */
function shapeOf(entity) {
  const known = shapes.get(entity);
  if (known) return known;
  const path = new Path2D();
  const rings = entity.kind === "area" ? [entity.exterior_m, ...entity.holes_m] : [entity.points_m];
  for (const ring of rings) {
    ring.forEach(([x, y], i) => (i ? path.lineTo(x, y) : path.moveTo(x, y)));
    if (entity.kind === "area") path.closePath();
  }
  let longest = 0, axis = 0;
  for (let i = 1; i < rings[0].length; i++) {
    const dx = rings[0][i][0] - rings[0][i - 1][0], dy = rings[0][i][1] - rings[0][i - 1][1];
    if (Math.hypot(dx, dy) > longest) [longest, axis] = [Math.hypot(dx, dy), Math.atan2(dy, dx)];
  }
  const shape = { path, bounds: boundsOf(rings[0]), axis };
  shapes.set(entity, shape);
  return shape;
}

/** Stripes across `axis` inside a clip. @param {CanvasRenderingContext2D} ctx @param {[number, number, number, number]} box @param {number} axis @param {number} period @param {number} thick */
function stripes(ctx, box, axis, period, thick) {
  const cx = (box[0] + box[2]) / 2, cy = (box[1] + box[3]) / 2;
  const reach = Math.hypot(box[2] - box[0], box[3] - box[1]) / 2;
  ctx.save();
  ctx.translate(cx, cy);
  ctx.rotate(axis);
  for (let u = -Math.ceil(reach / period) * period; u <= reach; u += period) ctx.fillRect(u, -reach, thick, 2 * reach);
  ctx.restore();
}

/** @param {CanvasRenderingContext2D} ctx @param {AreaEntity|LineEntity} entity @param {string} colour @param {number} scale */
function drawShape(ctx, entity, colour, scale) {
  const { path, bounds, axis } = shapeOf(entity);
  if (entity.kind === "line") {
    ctx.strokeStyle = colour;
    ctx.lineWidth = Math.max(entity.width_m, 1.2 / scale);
    ctx.lineCap = "butt";
    ctx.lineJoin = "round";
    ctx.stroke(path);
    return;
  }
  ctx.fillStyle = colour;
  if (entity.channel === "ped_crossing") {
    ctx.save();
    ctx.clip(path, "evenodd");
    ctx.globalAlpha = 0.28;
    ctx.fill(path, "evenodd");
    ctx.globalAlpha = 1;
    stripes(ctx, bounds, axis, ZEBRA_M, ZEBRA_M * 0.5);
    ctx.restore();
  } else {
    ctx.fill(path, "evenodd");
    if (entity.channel === "walkway" && scale > 3) {
      ctx.save();
      ctx.clip(path, "evenodd");
      ctx.fillStyle = "rgba(255,255,255,0.09)";
      stripes(ctx, bounds, Math.PI / 4, WALKWAY_HATCH_M, 0.18);
      ctx.restore();
    }
  }
  if (entity.channel === "drivable_area") return;
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1 / scale;
  ctx.stroke(path);
}

/** Add to a layer what a stroke covers, from its point `from` on. @param {CanvasRenderingContext2D} ctx @param {Stroke} stroke @param {string} colour @param {number} [from] */
export function drawStroke(ctx, stroke, colour, from = 0) {
  const points = stroke.points.slice(Math.max(0, from - 1));
  ctx.globalCompositeOperation = stroke.erases ? "destination-out" : "source-over";
  ctx.fillStyle = ctx.strokeStyle = stroke.erases ? "#000" : colour;
  ctx.lineWidth = 2 * stroke.radius_m;
  ctx.lineCap = ctx.lineJoin = "round";
  ctx.beginPath();
  if (points.length === 1) {
    ctx.arc(points[0][0], points[0][1], stroke.radius_m, 0, 7);
    ctx.fill();
  } else {
    points.forEach(([x, y], i) => (i ? ctx.lineTo(x, y) : ctx.moveTo(x, y)));
    ctx.stroke();
  }
  ctx.globalCompositeOperation = "source-over";
}

/** Bumped whenever an entity or a preview changed: layers compare it. */
let generation = 0;
export function mapChanged() {
  generation++;
}

/**
 * Draw all channels onto the main canvas.
 * @param {CanvasRenderingContext2D} target @param {import("../app.js").App} app @param {number} ratio
 */
export function drawChannels(target, app, ratio) {
  const { store, view } = app;
  const seen = view.bounds();
  /** @type {Map<string, Array<AreaEntity|LineEntity|PaintEntity>>} */
  const byChannel = new Map();
  for (const entity of store.entities()) {
    if (entity.kind !== "area" && entity.kind !== "line" && entity.kind !== "paint") continue;
    const list = byChannel.get(entity.channel);
    if (list) list.push(entity);
    else byChannel.set(entity.channel, [entity]);
  }
  for (const stroke of store.strokes) if (!byChannel.has(stroke.channel)) byChannel.set(stroke.channel, []);
  const names = [...ORDER, ...[...byChannel.keys()].filter((name) => !ORDER.includes(name))];
  for (const name of names) {
    const members = byChannel.get(name);
    if (!members || store.hidden.has(name)) continue;
    const layer = layerOf(name, view, ratio);
    const spans = members.some((m) => m.kind === "paint" && m.span) ? store.frame : -1;
    const key = [view.version, generation, spans, layer.canvas.width, layer.canvas.height].join();
    const strokes = store.strokes.filter((s) => s.channel === name && holds(s, store.frame));
    const points = strokes.reduce((n, s) => n + s.points.length, 0);
    const rgb = store.rgb(name), colour = `rgb(${rgb})`;
    if (layer.key !== key || points < layer.strokes) {
      layer.ctx.setTransform(1, 0, 0, 1, 0, 0);
      layer.ctx.clearRect(0, 0, layer.canvas.width, layer.canvas.height);
      view.worldTransform(layer.ctx, ratio);
      for (const m of members) if (m.kind !== "paint" && overlaps(shapeOf(m).bounds, seen, 1)) drawShape(layer.ctx, m, colour, view.scale);
      for (const m of members) if (m.kind === "paint" && holds(m, store.frame)) drawPaint(layer.ctx, m, rgb, seen);
      for (const s of strokes) drawStroke(layer.ctx, s, colour);
    } else if (points > layer.strokes) {
      view.worldTransform(layer.ctx, ratio);
      const last = strokes[strokes.length - 1];
      drawStroke(layer.ctx, last, colour, last.points.length - (points - layer.strokes));
    }
    Object.assign(layer, { key, strokes: points });
    target.globalAlpha = OPACITY[name] ?? 0.62;
    target.drawImage(layer.canvas, 0, 0);
    target.globalAlpha = 1;
  }
}

/** @param {string} name @param {import("../view.js").View} view @param {number} ratio @returns {Layer} */
function layerOf(name, view, ratio) {
  let layer = layers.get(name);
  if (!layer) {
    const canvas = document.createElement("canvas");
    layer = { canvas, ctx: /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")), key: "", strokes: 0 };
    layers.set(name, layer);
  }
  const w = Math.round(view.width * ratio), h = Math.round(view.height * ratio);
  if (layer.canvas.width !== w || layer.canvas.height !== h) Object.assign(layer.canvas, { width: w, height: h });
  return layer;
}
