/** Placing agents, and giving them (or the ego) somewhere to go. */

import { EGO_BOX } from "../geometry.js";
import { spoken } from "../entity.js";
import { drawBox } from "../render/agents.js";
import { drawHint, lone } from "../render/handles.js";
import { snapped } from "../snap.js";
import { poseAt, wrap } from "../tracks.js";

const SNAP_RAD = Math.PI / 12;
const HEADING_FROM_PX = 8;
/** Metres per second that the first waypoint suggests. */
export const USUAL_SPEED = /** @type {Record<string, number>} */ ({ pedestrian: 1.4, bicycle: 4, ego: 8, car: 8, bus: 7, truck: 7, trailer: 7, motorcycle: 9, construction_vehicle: 3 });

/** @type {{at: Point, px: Point, yaw: number, turned: boolean}|null} */
let placing = null;
let lastYaw = 0;

/** @param {App} app @param {Point} p */
const snapOf = (app, p) => snapped(app.store, p, app.store.options.agentClass, app.store.scene?.sizes?.[app.store.options.agentClass]?.[1] ?? 1.9);

/** @type {Tool} */
export const agentTool = {
  name: "agent", label: "Agent", key: "A", icon: "agent",
  hint: "Click places an agent · drag sets its heading (Shift: 15°) · Ctrl-click snaps to kerb or lane · then W gives it a path",
  cursor: () => "crosshair",
  down(at, app) {
    if (app.store.locked.has(app.store.options.agentClass)) return app.say("warn", `${spoken(app.store.options.agentClass)} is locked: unlock it in the channel list to place one.`);
    const snap = at.ctrl ? snapOf(app, at.world) : null;
    if (at.ctrl && !snap) app.say("info", "No street is near enough to snap to: it was placed freely.");
    placing = { at: snap?.at ?? at.world, px: at.px, yaw: snap?.yaw ?? lastYaw, turned: Boolean(snap) };
  },
  drag(at) {
    if (!placing || Math.hypot(at.px[0] - placing.px[0], at.px[1] - placing.px[1]) < HEADING_FROM_PX) return;
    const yaw = Math.atan2(at.world[1] - placing.at[1], at.world[0] - placing.at[0]);
    placing.yaw = at.shift ? Math.round(yaw / SNAP_RAD) * SNAP_RAD : yaw;
    placing.turned = true;
  },
  up(_at, app) {
    if (!placing) return;
    const { at, yaw } = placing;
    placing = null;
    lastYaw = yaw;
    const before = new Set(app.store.scene?.entities.keys());
    void app.command("add_agent", { class_name: app.store.options.agentClass, x: at[0], y: at[1], yaw: wrap(yaw), time_s: app.time_s }, () => {
      const fresh = app.store.entities().find((e) => e.kind === "agent" && !before.has(e.id));
      if (fresh) app.select([fresh.id]);
    });
  },
  cancel(app) {
    const dropped = placing !== null;
    placing = null;
    app.redraw();
    return dropped;
  },
  draw(ctx, app) {
    const { store, view } = app;
    const snap = !placing && app.pointer?.ctrl ? snapOf(app, app.pointer.world) : null;
    const at = placing?.at ?? snap?.at ?? app.pointer?.world;
    if (!at) return;
    const [length, width] = store.scene?.sizes?.[store.options.agentClass] ?? [4.6, 1.9];
    const rgb = store.rgb(store.options.agentClass), yaw = placing?.yaw ?? snap?.yaw ?? lastYaw;
    ctx.globalAlpha = placing ? 1 : 0.6;
    drawBox(ctx, view, at[0], at[1], yaw, length / 2, length / 2, width, { fill: `rgba(${rgb},0.45)`, line: placing ? "#fff" : `rgb(${rgb})`, lineWidth: 1.6 });
    ctx.globalAlpha = 1;
    if (!placing && app.pointer) drawHint(ctx, app.pointer.px, snap ? `snaps to the ${snap.to}` : app.pointer.ctrl ? "no street here" : "Ctrl: snap");
    if (placing?.turned && app.pointer) drawHint(ctx, app.pointer.px, `${((yaw * 180) / Math.PI).toFixed(0)}°`);
  },
};

/** The track that waypoints go to: the selected one. @param {App} app @returns {Tracked|null} */
function track(app) {
  const entity = lone(app.store);
  return entity && (entity.kind === "agent" || entity.kind === "ego") ? entity : null;
}

/** Speed set for a class, m/s. @param {App} app @param {Tracked} entity */
export function paceOf(app, entity) {
  const name = entity.kind === "ego" ? "ego" : entity.class_name;
  return app.store.options.speeds[name] ?? USUAL_SPEED[name] ?? 5;
}

/** When a waypoint there would be reached. @param {App} app @param {Tracked} entity @param {Point} to */
function arrival(app, entity, to) {
  const last = entity.keyframes[entity.keyframes.length - 1];
  if (app.store.options.pacing === "time") return last[0] + app.store.options.step_s;
  return last[0] + Math.max(1 / 12, Math.hypot(to[0] - last[1], to[1] - last[2]) / Math.max(0.1, paceOf(app, entity)));
}

/** @type {Tool} */
export const waypointTool = {
  name: "waypoint", label: "Waypoints of the selected track", key: "W", icon: "waypoint",
  hint: "Click appends a waypoint · Backspace removes the last · Enter ends · V drags the diamonds",
  cursor: (app) => (track(app) ? "crosshair" : "not-allowed"),
  down(at, app) {
    const entity = track(app);
    if (!entity) return app.say("warn", "Select one agent or the ego first (V): waypoints are added to what is selected.");
    const time_s = arrival(app, entity, at.world);
    void app.command("add_waypoint", { id: entity.id, time_s, x: at.world[0], y: at.world[1] });
  },
  double(_at, app) {
    app.use("select");
  },
  key_down(event, app) {
    const entity = track(app);
    if (event.key === "Enter") app.use("select");
    else if (event.key === "Backspace" && entity && entity.keyframes.length > 1) void app.command("delete_waypoint", { id: entity.id, index: entity.keyframes.length - 1 });
    else return false;
    return true;
  },
  cancel: () => false,
  draw(ctx, app) {
    const entity = track(app);
    if (!entity || !app.pointer) return;
    const last = entity.keyframes[entity.keyframes.length - 1], to = app.pointer.world;
    const from = app.view.toPx(last[1], last[2]);
    ctx.beginPath();
    ctx.moveTo(...from);
    ctx.lineTo(...app.pointer.px);
    ctx.setLineDash([4, 4]);
    ctx.strokeStyle = "rgba(255,255,255,0.7)";
    ctx.lineWidth = 1.5;
    ctx.stroke();
    ctx.setLineDash([]);
    const [x, y] = poseAt(entity.keyframes, last[0]);
    const yaw = Math.atan2(to[1] - y, to[0] - x);
    const size = entity.kind === "agent" ? entity.size_m : [EGO_BOX.front + EGO_BOX.rear, EGO_BOX.width];
    ctx.globalAlpha = 0.6;
    drawBox(ctx, app.view, to[0], to[1], yaw, size[0] / 2, size[0] / 2, size[1], { fill: "rgba(255,255,255,0.12)", line: "#fff", lineWidth: 1.2 });
    ctx.globalAlpha = 1;
    const time_s = arrival(app, entity, to), distance = Math.hypot(to[0] - last[1], to[1] - last[2]);
    drawHint(ctx, app.pointer.px, `${time_s.toFixed(2)} s · ${distance.toFixed(1)} m · ${(distance / Math.max(1e-3, time_s - last[0])).toFixed(1)} m/s${time_s > (app.store.scene?.duration_s ?? Infinity) ? " · after the scene ends" : ""}`);
  },
};
