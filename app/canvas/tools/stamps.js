/** Stamps of streets: a road, a crossing over it, a lane that is closed. */

import { drawHint } from "../render/handles.js";
import { roadNear } from "../snap.js";

const DRAG_FROM_PX = 8;
const SNAP_PX = 16;
const STRAIGHT = Math.PI / 12;

/** @param {App} app @param {Point} p */
const onRoad = (app, p) => roadNear(app.store, p, SNAP_PX / app.view.scale);

/** The end of a stretch: with Shift along a multiple of 15°, else on a road that is near. @param {App} app @param {CanvasPointer} at @param {Point} from @returns {Point} */
function end(app, at, from) {
  if (!at.shift) return onRoad(app, at.world) ?? at.world;
  const dx = at.world[0] - from[0], dy = at.world[1] - from[1], angle = Math.round(Math.atan2(dy, dx) / STRAIGHT) * STRAIGHT, far = Math.hypot(dx, dy);
  return [from[0] + far * Math.cos(angle), from[1] + far * Math.sin(angle)];
}

/** @param {CanvasRenderingContext2D} ctx @param {App} app @param {Point[]} path @param {number} width_m @param {string} colour */
function drawBand(ctx, app, path, width_m, colour) {
  ctx.beginPath();
  path.map((p) => app.view.toPx(...p)).forEach(([x, y], i) => (i ? ctx.lineTo(x, y) : ctx.moveTo(x, y)));
  ctx.lineJoin = "miter";
  ctx.lineCap = "butt";
  ctx.lineWidth = width_m * app.view.scale;
  ctx.strokeStyle = colour;
  ctx.stroke();
  ctx.lineWidth = 1.5;
  ctx.setLineDash([6, 5]);
  ctx.strokeStyle = "#fff";
  ctx.stroke();
  ctx.setLineDash([]);
}

/** @param {Point[]} path */
const lengthOf = (path) => path.slice(1).reduce((sum, p, i) => sum + Math.hypot(p[0] - path[i][0], p[1] - path[i][1]), 0);

/** @type {Point[]} */ let road = [];
let pressed = /** @type {Point|null} */ (null);

/** @type {Tool} */
export const roadTool = {
  name: "road", label: "Road", key: "S", icon: "road",
  hint: "Drag from one end to the other, or click a bend after another and Enter · Shift: straight",
  cursor: () => "crosshair",
  down(at, app) {
    const place = road.length ? end(app, at, road[road.length - 1]) : onRoad(app, at.world) ?? at.world;
    road.push(place);
    pressed = at.px;
  },
  up(at, app) {
    const from = pressed;
    pressed = null;
    if (!from || road.length !== 1 || Math.hypot(at.px[0] - from[0], at.px[1] - from[1]) < DRAG_FROM_PX) return;
    road.push(end(app, at, road[0]));
    finishRoad(app);
  },
  double: (_at, app) => finishRoad(app),
  key_down(event, app) {
    if (event.key === "Enter") finishRoad(app);
    else if (event.key === "Backspace" && road.length) road.pop();
    else return false;
    app.redraw();
    return true;
  },
  cancel(app) {
    const dropped = road.length > 0;
    road = [];
    app.redraw();
    return dropped;
  },
  draw(ctx, app) {
    if (!app.pointer) return;
    const { lanes, lane_width_m } = app.store.options, snap = onRoad(app, app.pointer.world);
    if (!road.length) return drawHint(ctx, app.pointer.px, snap ? "road: begins on a road" : "road: drag from one end to the other");
    const path = [...road, end(app, app.pointer, road[road.length - 1])];
    drawBand(ctx, app, path, lanes * lane_width_m, `rgba(${app.store.rgb("drivable_area")},0.6)`);
    drawHint(ctx, app.pointer.px, `${lengthOf(path).toFixed(1)} m · ${lanes} × ${lane_width_m} m${snap && !app.pointer.shift ? " · ends on a road" : ""}`);
  },
};

/** @param {App} app */
function finishRoad(app) {
  const points = road;
  road = [];
  app.redraw();
  const { lanes, lane_width_m } = app.store.options;
  if (points.length > 1) void app.command("add_road", { points, lanes, lane_width_m });
}

/** @type {Tool} */
export const crosswalkTool = {
  name: "crosswalk", label: "Crosswalk", key: "Z", icon: "crosswalk",
  hint: "Click a stamped road: the crossing lies across it from kerb to kerb",
  cursor: () => "crosshair",
  down: (at, app) => void app.command("add_crosswalk", { x: at.world[0], y: at.world[1], width_m: app.store.options.crossing_m }),
  draw(ctx, app) {
    if (app.pointer) drawHint(ctx, app.pointer.px, "crosswalk");
  },
};

/** @type {Point[]} */ let closed = [];

/** @type {Tool} */
export const closureTool = {
  name: "closure", label: "Close a lane", key: "T", icon: "cone",
  hint: "Drag down the middle of a lane, the way it is driven: cones taper across it and close it",
  cursor: () => "crosshair",
  down(at) {
    closed = [at.world];
  },
  up(at, app) {
    const [from] = closed;
    closed = [];
    app.redraw();
    if (!from || Math.hypot(at.world[0] - from[0], at.world[1] - from[1]) * app.view.scale < DRAG_FROM_PX) return;
    const { side, spacing_m, taper_m, lane_width_m } = app.store.options;
    void app.command("close_lane", { points: [from, end(app, { ...at, shift: at.shift }, from)], side, spacing_m, taper_m, lane_width_m });
  },
  cancel(app) {
    const dropped = closed.length > 0;
    closed = [];
    app.redraw();
    return dropped;
  },
  draw(ctx, app) {
    if (!app.pointer) return;
    if (!closed.length) return drawHint(ctx, app.pointer.px, `close the ${app.store.options.side} lane: drag along it`);
    const path = [closed[0], app.pointer.world];
    drawBand(ctx, app, path, app.store.options.lane_width_m, "rgba(255,138,61,0.35)");
    drawHint(ctx, app.pointer.px, `${lengthOf(path).toFixed(1)} m`);
  },
};
