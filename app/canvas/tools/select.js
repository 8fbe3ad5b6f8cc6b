/** Select, move, turn, marquee, and the keyframes of a track. */

import { channelOf, entityBounds, footprint, pick } from "../entity.js";
import { inside, overlaps, toPolyline } from "../geometry.js";
import { cornerUnder, drawHint, grabs, keyframeUnder, knobOf, lone, ringsOf, withRings } from "../render/handles.js";
import { keyframeAt, poseAt, wrap } from "../tracks.js";

const STARTS_AT_PX = 3;
const MANY_KEYS = 40;
const SNAP_RAD = Math.PI / 12;

/**
 * @typedef {{mode: "move", hit: string, ids: string[], from: Point, px: Point, began: boolean, dx: number, dy: number}
 *   | {mode: "turn", ids: string[], pivot: Point, from: number, angle: number}
 *   | {mode: "corner", id: string, ring: number, index: number, rings: Point[][], moved: boolean}
 *   | {mode: "key", id: string, index: number, moved: boolean, to: Point}
 *   | {mode: "marquee", from: Point, to: Point, keep: Set<string>}} Gesture
 */
/** @type {Gesture|null} */
let gesture = null;

/** @param {Point} pivot @param {Point} p */
const bearing = (pivot, p) => Math.atan2(p[1] - pivot[1], p[0] - pivot[0]);

/** @param {App} app @returns {string[]} */
function movable(app) {
  return [...app.store.selection].filter((id) => {
    const entity = app.store.entity(id);
    const channel = entity && channelOf(entity);
    return entity && entity.kind !== "paint" && entity.kind !== "occupancy_edit" && !(channel && app.store.locked.has(channel));
  });
}

/** Whether the press is on a thing itself, not on a surface or on the path of something. @param {App} app @param {Entity} entity @param {Point} p */
function hasBody(app, entity, p) {
  if (entity.kind === "camera") return true;
  if (entity.kind !== "agent" && entity.kind !== "ego") return false;
  const ring = footprint(app.store, entity);
  return inside(p, ring) || toPolyline(p, [...ring, ring[0]]) < 4 / app.view.scale;
}

/** @type {Tool} */
export const selectTool = {
  name: "select", label: "Select, move, rotate", key: "V", icon: "select",
  hint: "Drag moves, its knob turns · Alt-drag: one keyframe · Shift-drag: box · ? lists all keys",
  cursor(app) {
    const at = app.pointer;
    if (!at) return "default";
    const knob = knobOf(app);
    if (knob && grabs(knob.knob, at.px)) return "grab";
    if (keyframeUnder(app, at.px) >= 0) return "move";
    const corner = cornerUnder(app, at.px);
    if (corner) return corner.fresh ? "copy" : "move";
    return app.store.hover ? (app.store.selection.has(app.store.hover) ? "move" : "pointer") : "default";
  },
  move(at, app) {
    const hover = pick(app.store, at.world, 1 / app.view.scale);
    if (hover === app.store.hover) return;
    app.store.hover = hover;
    app.store.emit("hover");
  },
  down(at, app) {
    app.flushNudge();
    const knob = knobOf(app);
    if (knob && grabs(knob.knob, at.px)) {
      gesture = { mode: "turn", ids: movable(app), pivot: knob.pivot, from: bearing(knob.pivot, at.world), angle: 0 };
      return;
    }
    const corner = cornerUnder(app, at.px), index = keyframeUnder(app, at.px);
    const entity = lone(app.store);
    if (corner && entity && movable(app).length) {
      const shape = /** @type {{rings: Point[][], closed: boolean}} */ (ringsOf(entity)), rings = shape.rings.map((ring) => [...ring]);
      if (at.alt) {
        if (corner.fresh) return;
        rings[corner.ring].splice(corner.index, 1);
        if (rings[corner.ring].length < (shape.closed ? 3 : 2)) return app.say("info", shape.closed ? "An area keeps three corners: delete it as a whole instead." : "A line keeps two points: delete it as a whole instead.");
        return sendRings(app, entity, rings);
      }
      if (corner.fresh) rings[corner.ring].splice(corner.index, 0, at.world);
      gesture = { mode: "corner", id: entity.id, ring: corner.ring, index: corner.index, rings, moved: corner.fresh };
      return;
    }
    const hit = pick(app.store, at.world, 1 / app.view.scale);
    const target = hit ? app.store.entity(hit) : undefined;
    // A recorded track has a keyframe nearly everywhere: somebody who stands on it is meant before it is.
    const recorded = entity && (entity.kind === "agent" || entity.kind === "ego") && entity.keyframes.length > MANY_KEYS && target && target.id !== entity.id && hasBody(app, target, at.world);
    if (index >= 0 && entity && !recorded) {
      gesture = { mode: "key", id: entity.id, index, moved: false, to: at.world };
      return;
    }
    if (at.alt && target && (target.kind === "agent" || target.kind === "ego")) {
      app.select([target.id]);
      gesture = { mode: "key", id: target.id, index: keyframeAt(target.keyframes, app.time_s), moved: false, to: at.world };
      return;
    }
    if (hit && at.shift) {
      const next = new Set(app.store.selection);
      if (!next.delete(hit)) next.add(hit);
      app.select(next);
    } else if (hit && target && !app.store.selection.has(hit) && !hasBody(app, target, at.world)) {
      // A street or a track is under nearly every press: it moves only once it has been selected.
      gesture = { mode: "marquee", from: at.world, to: at.world, keep: new Set() };
      return;
    } else if (hit) {
      if (!app.store.selection.has(hit)) app.select([hit]);
      gesture = { mode: "move", hit, ids: movable(app), from: at.world, px: at.px, began: false, dx: 0, dy: 0 };
      return;
    }
    if (!hit || at.shift) gesture = { mode: "marquee", from: at.world, to: at.world, keep: at.shift ? new Set(app.store.selection) : new Set() };
  },
  drag(at, app) {
    if (!gesture) return;
    if (gesture.mode === "move") {
      if (!gesture.began && Math.hypot(at.px[0] - gesture.px[0], at.px[1] - gesture.px[1]) < STARTS_AT_PX) return;
      gesture.began = true;
      gesture.dx = at.world[0] - gesture.from[0];
      gesture.dy = at.world[1] - gesture.from[1];
      app.showDisplaced(gesture.ids, 0, gesture.dx, gesture.dy);
    } else if (gesture.mode === "turn") {
      const angle = wrap(bearing(gesture.pivot, at.world) - gesture.from);
      gesture.angle = at.shift ? Math.round(angle / SNAP_RAD) * SNAP_RAD : angle;
      app.showDisplaced(gesture.ids, gesture.angle, 0, 0, gesture.pivot);
    } else if (gesture.mode === "corner") {
      gesture.rings[gesture.ring][gesture.index] = at.world;
      gesture.moved = true;
      app.dropPreview([gesture.id]);
      const shape = app.store.entity(gesture.id);
      if (shape) app.showPreview([withRings(shape, gesture.rings)]);
    } else if (gesture.mode === "key") {
      const { id, index } = gesture;
      app.dropPreview([id]);
      const entity = app.store.entity(id);
      if (!entity || (entity.kind !== "agent" && entity.kind !== "ego")) return;
      /** @type {TrackKey[]} */ let keyframes = entity.keyframes.map((k, i) => (i === index ? [k[0], at.world[0], at.world[1], k[3], k[4], k[5], k[6]] : k));
      if (index < 0) {
        const [, , ...rest] = poseAt(entity.keyframes, app.time_s);
        keyframes = [...keyframes, /** @type {TrackKey} */ ([app.time_s, at.world[0], at.world[1], ...rest])].sort((a, b) => a[0] - b[0]);
      }
      app.showPreview([{ ...entity, keyframes }]);
      Object.assign(gesture, { moved: true, to: at.world });
    } else gesture.to = at.world;
  },
  up(at, app) {
    const done = gesture;
    gesture = null;
    if (!done) return;
    if (done.mode === "move" && done.began) app.commitDisplacement(done.ids, 0, done.dx, done.dy);
    else if (done.mode === "move" && !at.shift) app.select([done.hit]);
    else if (done.mode === "turn") app.commitDisplacement(done.ids, done.angle, 0, 0, done.pivot);
    else if (done.mode === "corner") {
      const shape = app.store.entity(done.id);
      if (shape && done.moved) sendRings(app, shape, done.rings);
    } else if (done.mode === "key" && done.moved && done.index < 0) void app.command("add_waypoint", { id: done.id, time_s: app.time_s, x: done.to[0], y: done.to[1] }, () => app.dropPreview([done.id]));
    else if (done.mode === "key" && done.moved) void app.command("move_waypoint", { id: done.id, index: done.index, x: done.to[0], y: done.to[1] }, () => app.dropPreview([done.id]));
    else if (done.mode === "key" && done.index >= 0) {
      const entity = app.store.entity(done.id);
      if (entity && (entity.kind === "agent" || entity.kind === "ego")) app.seek(entity.keyframes[done.index][0] * 12);
    } else if (done.mode === "marquee") {
      const box = /** @type {[number, number, number, number]} */ ([Math.min(done.from[0], done.to[0]), Math.min(done.from[1], done.to[1]), Math.max(done.from[0], done.to[0]), Math.max(done.from[1], done.to[1])]);
      if ((box[2] - box[0]) * app.view.scale < STARTS_AT_PX && (box[3] - box[1]) * app.view.scale < STARTS_AT_PX) {
        const hit = pick(app.store, at.world, 1 / app.view.scale);
        if (!at.shift) app.select(hit ? [hit] : []);
        return;
      }
      app.select([...done.keep, ...within(app, box)]);
    }
  },
  double(at, app) {
    const hit = pick(app.store, at.world, 1 / app.view.scale);
    if (hit) app.fit([hit]);
  },
  cancel(app) {
    if (gesture && gesture.mode !== "marquee") app.dropPreview(gesture.mode === "key" || gesture.mode === "corner" ? [gesture.id] : gesture.ids);
    const dropped = gesture !== null;
    gesture = null;
    app.redraw();
    return dropped;
  },
  draw(ctx, app) {
    if (gesture?.mode === "marquee") {
      const [x0, y0] = app.view.toPx(...gesture.from), [x1, y1] = app.view.toPx(...gesture.to);
      ctx.fillStyle = "rgba(79,140,255,0.12)";
      ctx.strokeStyle = "#6ea2ff";
      ctx.lineWidth = 1;
      ctx.fillRect(x0, y0, x1 - x0, y1 - y0);
      ctx.strokeRect(x0 + 0.5, y0 + 0.5, x1 - x0, y1 - y0);
    }
    if (!app.pointer || !gesture) return;
    if (gesture.mode === "move" && gesture.began) drawHint(ctx, app.pointer.px, `${gesture.dx.toFixed(2)}, ${gesture.dy.toFixed(2)} m`);
    if (gesture.mode === "turn") drawHint(ctx, app.pointer.px, `${((gesture.angle * 180) / Math.PI).toFixed(1)}°`);
  },
};

/** @param {App} app @param {Entity} shape @param {Point[][]} rings */
function sendRings(app, shape, rings) {
  app.showPreview([withRings(shape, rings)]);
  const drop = () => app.dropPreview([shape.id]);
  if (shape.kind === "line") void app.command("set_line", { id: shape.id, points: rings[0] }, drop);
  else void app.command("set_area", rings.length > 1 ? { id: shape.id, exterior: rings[0], holes: rings.slice(1) } : { id: shape.id, exterior: rings[0] }, drop);
}

/** Ids of what lies in a box; surfaces only where they lie in it whole, so that a marquee over a street takes the cars. @param {App} app @param {[number, number, number, number]} box */
function within(app, box) {
  const { store } = app;
  return [...store.entities(), store.entity("ego")].filter((entity) => {
    if (!entity || entity.kind === "paint" || entity.kind === "occupancy_edit") return false;
    const channel = channelOf(entity);
    if (channel && (store.hidden.has(channel) || store.locked.has(channel))) return false;
    if (entity.kind === "camera" && !store.show.cameras) return false;
    const b = entityBounds(store, entity);
    if (!b) return false;
    if (entity.kind === "area" || entity.kind === "line") return b[0] >= box[0] && b[1] >= box[1] && b[2] <= box[2] && b[3] <= box[3];
    return overlaps(b, box);
  }).map((entity) => /** @type {Entity} */ (entity).id);
}
