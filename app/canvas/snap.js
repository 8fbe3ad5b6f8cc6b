/** Where a street's lanes and kerbs are near a place, read from areas and lines: what placing with Ctrl held snaps to. */

import { egoPose } from "./entity.js";
import { inside } from "./geometry.js";

const REACH_M = 9;
const KERB_REACH_M = 1.4;
const KERB_GAP_M = 0.3;
/** How far behind the kerb somebody on foot stands. */
const ON_THE_PAVEMENT_M = 0.6;

/** @typedef {{a: Point, b: Point, kind: "kerb"|"road_divider"|"lane_divider"}} Edge */
/** @typedef {{at: Point, yaw: number, to: string}} Snapped */

/** @param {import("./store.js").Store} store @returns {Edge[]} */
function edges(store) {
  /** @type {Edge[]} */ const found = [];
  const roads = store.entities().filter((e) => e.kind === "area" && e.channel === "drivable_area");
  for (const e of store.entities()) {
    if (e.kind === "line" && (e.channel === "road_divider" || e.channel === "lane_divider")) for (let i = 1; i < e.points_m.length; i++) found.push({ a: e.points_m[i - 1], b: e.points_m[i], kind: e.channel });
    if (e.kind !== "area" || e.channel !== "drivable_area") continue;
    const ring = e.exterior_m;
    for (let i = 0; i < ring.length; i++) {
      const a = ring[i], b = ring[(i + 1) % ring.length], middle = /** @type {Point} */ ([(a[0] + b[0]) / 2, (a[1] + b[1]) / 2]);
      // Where two areas overlap, the street goes on: that is no kerb.
      if (!roads.some((o) => o !== e && o.kind === "area" && inside(middle, o.exterior_m))) found.push({ a, b, kind: "kerb" });
    }
  }
  return found;
}

/** Foot of the perpendicular on a segment, and the distance. @param {Point} p @param {Edge} edge */
function foot(p, { a, b }) {
  const dx = b[0] - a[0], dy = b[1] - a[1], t = Math.max(0, Math.min(1, ((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / (dx * dx + dy * dy || 1)));
  const at = /** @type {Point} */ ([a[0] + t * dx, a[1] + t * dy]);
  return { at, far: Math.hypot(p[0] - at[0], p[1] - at[1]), along: Math.atan2(dy, dx) };
}

/** Metres to the left of a place at which edges that run along lie. @param {Edge[]} all @param {Point} p @param {number} yaw */
function across(all, p, yaw) {
  const c = Math.cos(yaw), s = Math.sin(yaw);
  /** @type {Array<{left: number, kind: string}>} */ const marks = [];
  for (const edge of all) {
    const u = (q = p) => [(q[0] - p[0]) * c + (q[1] - p[1]) * s, -(q[0] - p[0]) * s + (q[1] - p[1]) * c];
    const [a, b] = [u(edge.a), u(edge.b)];
    if (a[0] * b[0] > 0 || Math.abs(b[0] - a[0]) < 1e-6) continue;
    const left = a[1] + ((0 - a[0]) / (b[0] - a[0])) * (b[1] - a[1]);
    if (Math.abs(left) < 2 * REACH_M && Math.abs(b[1] - a[1]) < Math.abs(b[0] - a[0])) marks.push({ left, kind: edge.kind });
  }
  return marks.sort((m, n) => m.left - n.left);
}

/** Whether the scene drives on the right, as the ego does; where nothing tells, it does. @param {import("./store.js").Store} store @param {Edge[]} all */
function keepsRight(store, all) {
  const [x, y, , yaw] = egoPose(store, 0);
  const divider = across(all, [x, y], yaw).filter((m) => m.kind === "road_divider").sort((m, n) => Math.abs(m.left) - Math.abs(n.left))[0];
  return !divider || divider.left > 0;
}

/** The place at the kerb or in the middle of the lane beside `p`; null where no street is near. @param {import("./store.js").Store} store @param {Point} p @param {string} className @param {number} width_m @returns {Snapped|null} */
export function snapped(store, p, className, width_m) {
  const all = edges(store), near = all.map((edge) => ({ edge, ...foot(p, edge) })).filter((f) => f.far < REACH_M).sort((f, g) => f.far - g.far);
  if (!near.length) return null;
  const kerb = near.find((f) => f.edge.kind === "kerb"), right = keepsRight(store, all);
  let yaw = near[0].along;
  // The way the lane is driven: the divider of the directions on its left, where traffic keeps to the right.
  const divider = across(all, p, yaw).filter((m) => m.kind === "road_divider").sort((m, n) => Math.abs(m.left) - Math.abs(n.left))[0];
  if (divider && divider.left > 0 !== right) yaw += Math.PI;
  const walks = className === "pedestrian";
  if (kerb && (walks || kerb.far < KERB_REACH_M)) {
    const ring = store.entities().filter((e) => e.kind === "area" && e.channel === "drivable_area" && inside(p, e.exterior_m)).length > 0;
    const out = ring ? -1 : 1, gap = kerb.far || 1e-6, offset = walks ? ON_THE_PAVEMENT_M : -(width_m / 2 + KERB_GAP_M);
    const n = [((p[0] - kerb.at[0]) / gap) * out, ((p[1] - kerb.at[1]) / gap) * out];
    const facing = walks ? Math.atan2(-n[1], -n[0]) : yaw;
    return { at: [kerb.at[0] + n[0] * offset, kerb.at[1] + n[1] * offset], yaw: facing, to: walks ? "pavement" : "kerb" };
  }
  const marks = across(all, p, yaw), left = marks.find((m) => m.left > 0), rights = marks.filter((m) => m.left <= 0), beside = rights[rights.length - 1];
  if (!left || !beside) return { at: p, yaw, to: "direction" };
  const middle = (left.left + beside.left) / 2;
  return { at: [p[0] - middle * Math.sin(yaw), p[1] + middle * Math.cos(yaw)], yaw, to: "lane" };
}

/** A road's centre line and width, where an area is one: the same reading as editor.edits.roads.ribbon_of. @param {Entity} area @returns {{centre: Point[], width_m: number}|null} */
export function ribbonOf(area) {
  if (area.kind !== "area" || area.channel !== "drivable_area" || area.holes_m.length || area.exterior_m.length % 2 || area.exterior_m.length < 4) return null;
  const half = area.exterior_m.length / 2, left = area.exterior_m.slice(0, half), right = area.exterior_m.slice(half).reverse();
  const centre = left.map((p, i) => /** @type {Point} */ ([(p[0] + right[i][0]) / 2, (p[1] + right[i][1]) / 2]));
  // Across either stretch that meets at a corner: where a road bends, its corners themselves lie farther apart.
  const widths = centre.slice(1).flatMap((b, i) => {
    const a = centre[i], length = Math.hypot(b[0] - a[0], b[1] - a[1]) || 1e-9;
    return [i, i + 1].map((k) => Math.abs(((left[k][1] - right[k][1]) * (b[0] - a[0]) - (left[k][0] - right[k][0]) * (b[1] - a[1])) / length));
  });
  const width_m = widths.reduce((a, b) => a + b) / widths.length;
  const length = centre.slice(1).reduce((sum, p, i) => sum + Math.hypot(p[0] - centre[i][0], p[1] - centre[i][1]), 0);
  return Math.max(...widths) - Math.min(...widths) > 0.1 * width_m || width_m > length ? null : { centre, width_m };
}

/** The nearest place on the centre line of a road, its end where that is near. @param {import("./store.js").Store} store @param {Point} p @param {number} reach_m @returns {Point|null} */
export function roadNear(store, p, reach_m) {
  /** @type {{at: Point, far: number}|null} */ let best = null;
  for (const entity of store.entities()) {
    const ribbon = ribbonOf(entity);
    if (!ribbon) continue;
    const ends = [ribbon.centre[0], ribbon.centre[ribbon.centre.length - 1]];
    for (const at of ends) {
      const far = Math.hypot(at[0] - p[0], at[1] - p[1]);
      if (far < reach_m) return at;
    }
    for (let i = 1; i < ribbon.centre.length; i++) {
      const f = foot(p, { a: ribbon.centre[i - 1], b: ribbon.centre[i], kind: "kerb" });
      if (f.far < reach_m && (!best || f.far < best.far)) best = f;
    }
  }
  return best?.at ?? null;
}

/** How far along a line the place nearest to a point is, metres. @param {Point[]} line @param {Point} p */
export function stationOf(line, p) {
  let best = { far: Infinity, at: 0 }, gone = 0;
  for (let i = 1; i < line.length; i++) {
    const [a, b] = [line[i - 1], line[i]], length = Math.hypot(b[0] - a[0], b[1] - a[1]) || 1e-9;
    const t = Math.max(0, Math.min(1, ((p[0] - a[0]) * (b[0] - a[0]) + (p[1] - a[1]) * (b[1] - a[1])) / length ** 2));
    const far = Math.hypot(a[0] + t * (b[0] - a[0]) - p[0], a[1] + t * (b[1] - a[1]) - p[1]);
    if (far < best.far) best = { far, at: gone + t * length };
    gone += length;
  }
  return best.at;
}
