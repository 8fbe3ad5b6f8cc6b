/** What the page asks of an entity: where it is, what it is called, how it looks when moved or turned. */

import { EGO_BOX, boundsOf, corners, inside, ringArea, toPolyline, turned } from "./geometry.js";
import { RATE_HZ, existsAt, poseAt, wrap } from "./tracks.js";

const QUARTER = Math.PI / 2;

/** Channel that an entity draws in; null for ego, cameras and occupancy edits. @param {Entity} entity @returns {string|null} */
export function channelOf(entity) {
  if (entity.kind === "agent") return entity.class_name;
  return "channel" in entity ? entity.channel : null;
}

/** @param {string} name */
export const spoken = (name) => name.replaceAll("_", " ");

/** '1 frame', '3 frames'. @param {number} count @param {string} noun */
export const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** Name of walkways and dividers that their command makes anew every time (editor/edits/roads.py). */
export const MADE = "auto";

/** Whether a name says nothing to a person: logs name their agents by UUIDs and hashes. @param {string} name */
const isCode = (name) => /[0-9a-f]{8}-[0-9a-f]{4}|[0-9a-f]{16}/i.test(name);

/** An agent without a name of its own is called by the number of its id, as in the sentences of the checks. @param {AgentEntity} agent */
const numbered = (agent) => `${spoken(agent.class_name)} ${new RegExp(`^${agent.class_name}-(\\d+)$`).exec(agent.id)?.[1] ?? agent.instance_id}`;

/** Of what a stamp made, which is named by its numbers: with its own number, as the others of the same numbers are named alike. @param {AreaEntity|LineEntity} shape */
const stamped = (shape) => {
  const number = /\d+$/.exec(shape.id)?.[0] ?? shape.id;
  if (!shape.name || shape.name === MADE) return `${spoken(shape.channel)} ${number}`;
  return shape.name.replace(/^road,(?= \d+ lanes?$)/, `road ${number},`).replace(/^crossing of area-(?=\d+$)/, "crossing of road ");
};

/** @param {Entity} entity */
export function labelOf(entity) {
  switch (entity.kind) {
    case "agent": return entity.name && !isCode(entity.name) ? spoken(entity.name) : `${numbered(entity)}${entity.closure ? `, closed lane ${entity.closure.number}` : ""}`;
    case "ego": return "ego";
    case "camera": return entity.camera.name;
    case "paint": return `${entity.erases ? "erased" : "paint"} · ${spoken(entity.channel)}${entity.span ? ` · f${entity.span[0]}–${entity.span[1]}` : ""}`;
    case "occupancy_edit": return `${spoken(entity.edit ?? entity.edit_kind ?? "occupancy edit")} ${entity.class_name ? spoken(entity.class_name) : entity.instance_id || ""}`;
    default: return stamped(entity);
  }
}

/** A sentence of the studio's, with things called as the lists call them. @param {import("./store.js").Store} store @param {string} sentence */
export const readable = (store, sentence) => sentence.replace(/[\w-]+/g, (word) => {
  const entity = store.entity(word);
  return entity ? labelOf(entity) : word;
});

/** Heading of a camera pose (z forward) in its parent frame. @param {Pose} pose */
export function cameraHeading([, , , yaw, pitch, roll]) {
  const cy = Math.cos(yaw), sy = Math.sin(yaw), sp = Math.sin(pitch), cr = Math.cos(roll), sr = Math.sin(roll);
  return Math.atan2(sy * sp * cr - cy * sr, cy * sp * cr + sy * sr);
}

/** Down from the horizon, radians. @param {Pose} pose */
export function cameraTilt([, , , , pitch, roll]) {
  return -Math.asin(Math.max(-1, Math.min(1, Math.cos(pitch) * Math.cos(roll))));
}

/** An upright camera pose. @param {number} x @param {number} y @param {number} z @param {number} heading @param {number} tilt @returns {Pose} */
export function cameraPose(x, y, z, heading, tilt = 0) {
  return [x, y, z, wrap(heading - QUARTER), 0, -QUARTER - tilt];
}

/** Horizontal field of view, radians (a fisheye's is approximate). @param {CameraModel} camera */
export function fovOf(camera) {
  return camera.fisheye ? Math.min(Math.PI * 0.99, camera.width / camera.fx) : 2 * Math.atan(camera.width / 2 / camera.fx);
}

/** Ego at a frame. @param {import("./store.js").Store} store @param {number} [frame] @returns {Pose} */
export function egoPose(store, frame = store.frame) {
  const ego = /** @type {EgoEntity|undefined} */ (store.entity("ego"));
  return poseAt(ego?.keyframes ?? [], frame / RATE_HZ);
}

/** A point of the world in the ego's frame. @param {Pose} ego @param {Point} at @returns {Point} */
export function fromEgo(ego, at) {
  return turned([at[0] - ego[0], at[1] - ego[1]], -ego[3], [0, 0]);
}

/** x, y, heading in the world of a tracked thing or camera at the playhead. @param {import("./store.js").Store} store @param {Entity} entity @returns {[number, number, number]|null} */
export function placeOf(store, entity) {
  const time_s = store.frame / RATE_HZ;
  if (entity.kind === "agent" || entity.kind === "ego") {
    const pose = poseAt(entity.keyframes, time_s);
    return [pose[0], pose[1], pose[3]];
  }
  if (entity.kind !== "camera") return null;
  if (entity.mount !== "ego") {
    const pose = entity.keyframes.length ? poseAt(entity.keyframes, time_s) : entity.camera.ego_SE3_camera;
    return [pose[0], pose[1], cameraHeading(pose)];
  }
  const ego = egoPose(store), pose = entity.camera.ego_SE3_camera;
  const [x, y] = turned([ego[0] + pose[0], ego[1] + pose[1]], ego[3], [ego[0], ego[1]]);
  return [x, y, ego[3] + cameraHeading(pose)];
}

/** Footprint at the playhead, world metres. @param {import("./store.js").Store} store @param {Tracked} entity */
export function footprint(store, entity) {
  const [x, y, , yaw] = poseAt(entity.keyframes, store.frame / RATE_HZ);
  if (entity.kind === "ego") return corners(x, y, yaw, EGO_BOX.front, EGO_BOX.rear, EGO_BOX.width);
  return corners(x, y, yaw, entity.size_m[0] / 2, entity.size_m[0] / 2, entity.size_m[1]);
}

/** The point it turns about. @param {import("./store.js").Store} store @param {Entity} entity @returns {Point|null} */
export function pivotOf(store, entity) {
  const place = placeOf(store, entity);
  if (place) return [place[0], place[1]];
  const box = entityBounds(store, entity);
  return box && [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
}

/** The agent that an edit of voxels goes with; null for none. @param {import("./store.js").Store} store @param {OccupancyEditEntity} edit @returns {AgentEntity|null} */
export function leaderOf(store, edit) {
  const agent = store.entities().find((one) => one.kind === "agent" && one.instance_id === edit.follows);
  return agent?.kind === "agent" ? agent : null;
}

/** Whether what may be of some frames only is of this one. @param {{span?: [number, number]|null}} one @param {number} frame */
export const holds = (one, frame) => !one.span || (frame >= one.span[0] && frame <= one.span[1]);

/** The box of an edit of voxels from above, where its agent is now if it goes with one; null for an edit that has no box. @param {import("./store.js").Store} store @param {OccupancyEditEntity} edit @returns {Point[]|null} */
export function ringOfEdit(store, edit) {
  const [length, width] = edit.box_size_m, [x, y, , yaw] = edit.box_pose;
  if (!length || !width) return null;
  if (!edit.follows) return corners(x, y, yaw, length / 2, length / 2, width);
  const agent = leaderOf(store, edit);
  if (!agent) return null;
  const [ax, ay, , turn] = poseAt(agent.keyframes, store.frame / RATE_HZ), [dx, dy] = turned([x, y], turn, [0, 0]);
  return corners(ax + dx, ay + dy, turn + yaw, length / 2, length / 2, width);
}

/** @param {import("./store.js").Store} store @param {Entity} entity @returns {[number, number, number, number]|null} */
export function entityBounds(store, entity) {
  if (entity.kind === "area") return boundsOf(entity.exterior_m);
  if (entity.kind === "line") return boundsOf(entity.points_m);
  if (entity.kind === "agent" || entity.kind === "ego") return boundsOf(footprint(store, entity));
  if (entity.kind === "occupancy_edit") {
    const ring = ringOfEdit(store, entity);
    return ring && boundsOf(ring);
  }
  const place = placeOf(store, entity);
  if (place) return [place[0] - 1, place[1] - 1, place[0] + 1, place[1] + 1];
  if (entity.kind !== "paint") return null;
  const corners_m = Object.keys(entity.tiles).flatMap((key) => {
    const [i, j] = key.split(",").map(Number);
    return /** @type {Point[]} */ ([[i * 12.8, j * 12.8], [(i + 1) * 12.8, (j + 1) * 12.8]]);
  });
  return corners_m.length ? boundsOf(corners_m) : null;
}

/** @param {TrackKey[]} keyframes @param {(p: Point) => Point} map @param {number} angle @returns {TrackKey[]} */
function mapTrack(keyframes, map, angle) {
  return keyframes.map(([t, x, y, z, yaw, pitch, roll]) => [t, ...map([x, y]), z, wrap(yaw + angle), pitch, roll]);
}

/** The entity under a rigid motion of the plane: turned about `pivot`, then shifted. @param {import("./store.js").Store} store @param {Entity} entity @param {number} angle @param {Point} pivot @param {number} dx @param {number} dy @returns {Entity} */
export function displaced(store, entity, angle, pivot, dx, dy) {
  /** @param {Point} p @returns {Point} */
  const map = (p) => {
    const q = turned(p, angle, pivot);
    return [q[0] + dx, q[1] + dy];
  };
  switch (entity.kind) {
    case "area": return { ...entity, exterior_m: entity.exterior_m.map(map), holes_m: entity.holes_m.map((hole) => hole.map(map)) };
    case "line": return { ...entity, points_m: entity.points_m.map(map) };
    case "agent":
    case "ego": return { ...entity, keyframes: mapTrack(entity.keyframes, map, angle) };
    case "camera": {
      if (entity.mount !== "ego") return { ...entity, keyframes: mapTrack(entity.keyframes, map, angle) };
      const ego = egoPose(store), pose = entity.camera.ego_SE3_camera;
      const at = placeOf(store, entity) ?? [0, 0, 0];
      const [wx, wy] = map([at[0], at[1]]);
      const [x, y] = fromEgo(ego, [wx, wy]);
      return { ...entity, camera: { ...entity.camera, ego_SE3_camera: [x, y, pose[2], wrap(pose[3] + angle), pose[4], pose[5]] } };
    }
    default: return entity;
  }
}

/** Nearest thing under a world point, smallest first; hidden and locked channels are passed over. @param {import("./store.js").Store} store @param {Point} p @param {number} px_m metres per pixel @returns {string|null} */
export function pick(store, p, px_m) {
  const free = store.entities().filter((e) => {
    const channel = channelOf(e);
    return !channel || !(store.hidden.has(channel) || store.locked.has(channel));
  });
  const ego = /** @type {EgoEntity|undefined} */ (store.entity("ego"));
  const onEgo = ego && !store.selection.has("ego") && inside(p, footprint(store, ego));
  if (store.show.cameras) {
    for (const e of free) {
      const at = e.kind === "camera" && placeOf(store, e);
      // Cameras sit on the ego: a click on it means the ego, until that is what is selected.
      if (at && Math.hypot(at[0] - p[0], at[1] - p[1]) < 8 * px_m && !(onEgo && e.kind === "camera" && e.mount === "ego" && !store.selection.has(e.id))) return e.id;
    }
  }
  const time_s = store.frame / RATE_HZ;
  const agents = free.filter((e) => e.kind === "agent");
  const near = 3 * px_m;
  const boxes = agents.filter((a) => {
    if (!existsAt(a, time_s)) return false;
    const [x, y, , yaw] = poseAt(a.keyframes, time_s);
    return inside(p, corners(x, y, yaw, a.size_m[0] / 2 + near, a.size_m[0] / 2 + near, a.size_m[1] + 2 * near));
  });
  if (boxes.length) return boxes.reduce((a, b) => (a.size_m[0] * a.size_m[1] <= b.size_m[0] * b.size_m[1] ? a : b)).id;
  if (ego && inside(p, footprint(store, ego))) return "ego";
  /** @param {Tracked} e */
  const onTrack = (e) => e.keyframes.length > 1 && toPolyline(p, e.keyframes.map((k) => /** @type {Point} */ ([k[1], k[2]]))) < 5 * px_m;
  const track = store.show.tracks ? agents.find(onTrack) ?? (ego && onTrack(ego) ? ego : null) : null;
  if (track) return track.id;
  const lines = free.filter((e) => e.kind === "line");
  const line = lines.find((e) => toPolyline(p, e.points_m) < Math.max(e.width_m / 2, 5 * px_m));
  if (line) return line.id;
  const areas = free.filter((e) => e.kind === "area").filter((e) => inside(p, e.exterior_m) && !e.holes_m.some((hole) => inside(p, hole)));
  if (areas.length) return areas.reduce((a, b) => (ringArea(a.exterior_m) <= ringArea(b.exterior_m) ? a : b)).id;
  return null;
}
