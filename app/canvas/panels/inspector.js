/** The selection in numbers. A field sends one command when it is left or Enter is pressed. */

import { cameraHeading, cameraPose, cameraTilt, fovOf, labelOf, leaderOf, plural, spoken } from "../entity.js";
import { button, colourField, fill, h, isChord, numberField, politely, selectField, textField } from "../dom.js";
import { icon } from "../icons.js";
import { DEG, ringArea } from "../geometry.js";
import { ribbonOf, stationOf } from "../snap.js";
import { iconOf } from "./objects.js";
import { timeToCollision } from "../closeness.js";
import { watch } from "../store.js";
import { paceOf } from "../tools/agent.js";
import { showForm } from "./form.js";
import { keyframeAt, poseAt, segmentSpeed, speedAt, wrap } from "../tracks.js";

const KEYS_SHOWN = 24;

/** @param {string} title @param {...import("../dom.js").Child} children */
const section = (title, ...children) => h("div", { class: "props" }, h("h4", { text: title }), h("div", { class: "grid2" }, ...children));

/** Over both columns. @param {import("../dom.js").Child} child */
const whole = (child) => h("div", { class: "whole" }, child);

/** Put the pose at the playhead: the keyframe there, the only one, or a new one. @param {App} app @param {Tracked} entity @param {number} x @param {number} y @param {number} yaw */
function setPose(app, entity, x, y, yaw) {
  const index = entity.keyframes.length === 1 ? 0 : keyframeAt(entity.keyframes, app.time_s);
  if (index >= 0) void app.command("move_waypoint", { id: entity.id, index, x, y, yaw });
  else void app.command("add_waypoint", { id: entity.id, time_s: app.time_s, x, y, yaw });
}

/** @param {App} app @param {Tracked} entity */
function poseFields(app, entity) {
  const [x, y, , yaw] = poseAt(entity.keyframes, app.time_s);
  return section(`Pose at frame ${app.store.frame}`,
    numberField({ label: "x", unit: "m", value: x, step: 0.1, testid: "pose-x", change: (v) => setPose(app, entity, v ?? x, y, yaw) }),
    numberField({ label: "y", unit: "m", value: y, step: 0.1, testid: "pose-y", change: (v) => setPose(app, entity, x, v ?? y, yaw) }),
    numberField({ label: "yaw", name: "Heading", unit: "°", value: wrap(yaw) * DEG, step: 1, digits: 1, testid: "pose-yaw", change: (v) => setPose(app, entity, x, y, (v ?? 0) / DEG) }),
    numberField({ label: "v", name: "Speed at this frame, along the track", unit: "m/s", value: speedAt(entity.keyframes, app.time_s), digits: 2, disabled: true, change: () => {} }));
}

/** @param {App} app @param {Tracked} entity */
function shiftFields(app, entity) {
  const shift = (/** @type {number|null} */ forward_m, /** @type {number|null} */ left_m) => (forward_m || left_m) && void app.command("shift_track", { id: entity.id, forward_m: forward_m ?? 0, left_m: left_m ?? 0 });
  return section("Shift the whole track",
    numberField({ label: "ahead", name: "Shift ahead, in its own frame", unit: "m", value: null, placeholder: "+0", step: 0.5, testid: "shift-forward", change: (v) => shift(v, 0) }),
    numberField({ label: "left", name: "Shift to its left", unit: "m", value: null, placeholder: "+0", step: 0.5, testid: "shift-left", change: (v) => shift(0, v) }));
}

/** How it moves: its speed, how it meets the ego, the lane it follows, and others behind it. @param {App} app @param {Tracked} entity */
function motionFields(app, entity) {
  const { store } = app, keys = entity.keyframes, ways = keys.length > 1;
  const far = keys.slice(1).reduce((sum, k, i) => sum + Math.hypot(k[1] - keys[i][1], k[2] - keys[i][2]), 0), lasts = ways ? keys[keys.length - 1][0] - keys[0][0] : 0;
  const spec = (/** @type {string} */ name) => store.scene?.commands.find((one) => one.name === name);
  const ask = (/** @type {string} */ name) => { const one = spec(name); if (one) showForm(app, one, { id: entity.id }); };
  const pace = paceOf(app, entity), distance_m = Math.max(4, +(pace * (store.scene?.duration_s ?? 4)).toFixed(1));
  const fields = [
    numberField({ label: "v", name: "Speed of the whole track", unit: "m/s", value: ways && lasts > 0 ? far / lasts : null, placeholder: "–", digits: 2, step: 0.5, min: 0.05, max: 100, disabled: !ways, testid: "track-speed", change: (v) => v && void app.command("set_speed", { id: entity.id, speed_m_s: v }) }),
    button({ icon: "road", text: "Follow lane", label: `Follow the lane for ${distance_m} m at ${pace} m/s, the way it looks`, testid: "follow-lane", press: () => void app.command("follow_lane", { id: entity.id, distance_m, speed_m_s: pace }) }),
  ];
  if (entity.kind === "ego") return section("Motion", ...fields);
  const ego = /** @type {EgoEntity|undefined} */ (store.entity("ego")), least = ego ? Math.min(...timeToCollision(ego.keyframes, entity, store.frames)) : Infinity;
  return section("Motion", ...fields,
    numberField({ label: "meet", name: "Gap with which the ego comes after it where their ways cross", unit: "s", value: null, placeholder: "gap", digits: 2, step: 0.25, min: -60, max: 60, disabled: !ways, testid: "meet-gap", change: (v) => v !== null && void app.command("meet", { id: entity.id, gap_s: v }) }),
    numberField({ label: "TTC", name: "Least time to collision with the ego", unit: "s", value: Number.isFinite(least) ? least : null, placeholder: "–", digits: 2, step: 0.25, min: 0.1, max: 60, testid: "min-ttc", change: (v) => v && void app.command("reach_ttc", { id: entity.id, min_ttc_s: v, brake_m_s2: store.options.brake_m_s2 }) }),
    numberField({ label: "brake ≤", name: "It brakes no harder than this, also where a time to collision is set", unit: "m/s²", value: store.options.brake_m_s2, digits: 1, step: 0.5, min: 0.1, max: 20, disabled: !ways, testid: "brake-limit", change: (v) => { if (!v) return; store.options.brake_m_s2 = v; void app.command("brake_within", { id: entity.id, limit_m_s2: v }); } }),
    button({ icon: "copy", text: "Array…", label: ways ? "Array of it along its way" : "Array of it in a row behind it", testid: "array-along", press: () => ask("array_along") }),
    button({ icon: "plus", text: "By a step…", label: "Array of it by a step and a delay", testid: "array", press: () => ask("array") }));
}

/** What a shape is; its corners are dragged on the canvas. @param {App} app @param {AreaEntity|LineEntity} e */
function shapeFields(app, e) {
  const verb = e.kind === "area" ? "set_area" : "set_line", send = (/** @type {object} */ args) => void app.command(verb, { id: e.id, ...args });
  const channels = (app.store.scene?.commands.find((one) => one.name === verb)?.args.find((arg) => arg.name === "channel")?.choices ?? []).map((n) => /** @type {[string, string]} */ ([n, spoken(n)]));
  return [
    section(e.kind === "area" ? "Area" : "Line",
      whole(selectField({ label: "", name: "Channel", value: e.channel, testid: "shape-channel", options: channels, change: (v) => send({ channel: v }) })),
      whole(textField({ label: "", name: "Name", value: labelOf(e) === e.name ? e.name : "", placeholder: labelOf(e), testid: "shape-name", change: (v) => send({ name: v }) })),
      e.kind === "line" && numberField({ label: "width", name: "Width of the line", unit: "m", value: e.width_m, digits: 2, step: 0.05, min: 0.01, max: 100, testid: "line-width", change: (v) => v && send({ width_m: v }) })),
    ...stampFields(app, e),
    h("p", { class: "empty", text: "Drag a corner to move it, a dot between corners to add one; Alt-click removes a corner." }),
    e.kind === "area" && e.channel !== "drivable_area" && h("div", { class: "props" }, button({ icon: "area", text: "Clip to the road", label: "Cut off what sticks out of the drivable area", class: "wide", testid: "clip-to-road", press: () => void app.command("clip_to_road", { ids: [e.id] }) })),
  ];
}

/** The numbers of a road or a crossing that was stamped, read from its shape. @param {App} app @param {AreaEntity|LineEntity} e @returns {import("../dom.js").Child[]} */
function stampFields(app, e) {
  if (e.kind !== "area") return [];
  const ribbon = ribbonOf(e), of = /^crossing of (.+)$/.exec(e.name), road = of && app.store.entity(of[1]), across = road && ribbonOf(road);
  if (ribbon) {
    const lanes = Number(/^road, (\d+) lanes?$/.exec(e.name)?.[1] ?? Math.max(1, Math.min(12, Math.round(ribbon.width_m / 3.5))));
    const send = (/** @type {object} */ args) => void app.command("set_road", { id: e.id, ...args });
    return [section("Road",
      numberField({ label: "lanes", name: "Lanes in all", value: lanes, digits: 0, step: 1, min: 1, max: 12, testid: "road-lanes", change: (v) => v && send({ lanes: v }) }),
      numberField({ label: "lane", name: "Width of a lane", unit: "m", value: ribbon.width_m / lanes, step: 0.1, min: 1, max: 10, testid: "road-lane-width", change: (v) => v && send({ lane_width_m: v }) }))];
  }
  if (!across || e.exterior_m.length !== 4) return [];
  const [a, b, c] = e.exterior_m, middle = /** @type {Point} */ ([(a[0] + c[0]) / 2, (a[1] + c[1]) / 2]);
  const send = (/** @type {object} */ args) => void app.command("set_crosswalk", { id: e.id, ...args });
  return [section("Crossing",
    numberField({ label: "width", name: "Width along the road", unit: "m", value: Math.hypot(b[0] - a[0], b[1] - a[1]), step: 0.5, min: 0.5, max: 20, testid: "crossing-width", change: (v) => v && send({ width_m: v }) }),
    numberField({ label: "at", name: "Place along the road, from its first end", unit: "m", value: stationOf(across.centre, middle), step: 0.5, min: 0, testid: "crossing-at", change: (v) => v !== null && send({ at_m: v }) }))];
}

/** Of the cones of one closed lane; nothing for anything else. @param {App} app @param {Entity[]} chosen @returns {import("../dom.js").Child[]} */
function closureFields(app, chosen) {
  const [first] = chosen, lane = first.kind === "agent" ? first.closure : undefined;
  if (!lane || !chosen.every((one) => one.kind === "agent" && one.closure?.number === lane.number)) return [];
  const send = (/** @type {object} */ args) => void app.command("set_closure", { id: first.id, ...args });
  return [section(`Closed lane ${lane.number}, ${lane.length_m.toFixed(1)} m`,
    whole(selectField({ label: "", name: "Side of the lane's outer edge", value: lane.side, testid: "closed-side", options: [["right", "right lane"], ["left", "left lane"]], change: (v) => send({ side: v }) })),
    numberField({ label: "every", name: "Cones stand so far apart", unit: "m", value: lane.spacing_m, step: 0.5, min: 0.5, max: 50, testid: "closed-spacing", change: (v) => v && send({ spacing_m: v }) }),
    numberField({ label: "taper", name: "Length on which they go across the lane", unit: "m", value: lane.taper_m, step: 1, min: 0, max: 200, testid: "closed-taper", change: (v) => v !== null && send({ taper_m: v }) }),
    numberField({ label: "lane", name: "Width of the lane", unit: "m", value: lane.lane_width_m, step: 0.1, min: 1, max: 10, testid: "closed-lane", change: (v) => v && send({ lane_width_m: v }) }))];
}

/** @param {App} app @param {Tracked} entity */
function keyTable(app, entity) {
  const keys = entity.keyframes;
  const here = keyframeAt(keys, app.time_s);
  const now = keys.findIndex((k) => k[0] >= app.time_s), first = Math.max(0, Math.min((now < 0 ? keys.length : now) - KEYS_SHOWN / 2, keys.length - KEYS_SHOWN));
  return h("div", { class: "props" },
    h("h4", {}, "Keyframes", h("span", { class: "faint", text: ` ${keys.length}` }),
      button({ icon: "key", label: "Add a keyframe at this frame", key: "K", class: "ghost tiny", press: () => addKey(app, entity) }),
      button({ icon: "waypoint", label: "Click waypoints on the canvas", key: "W", class: "ghost tiny", press: () => app.use("waypoint") })),
    h("table", { class: "keys" }, h("thead", {}, h("tr", {}, ["t, s", "x", "y", "yaw°", "m/s", ""].map((t) => h("th", { text: t })))),
      h("tbody", {}, keys.slice(first, first + KEYS_SHOWN).map((k, row) => ({ k, i: first + row })).map(({ k, i }) => h("tr", { class: i === here ? "on" : "", title: "Click to go there", on: { click: () => app.seek(k[0] * 12) } },
        h("td", { text: k[0].toFixed(2) }), h("td", { text: k[1].toFixed(1) }), h("td", { text: k[2].toFixed(1) }), h("td", { text: (wrap(k[4]) * DEG).toFixed(0) }), h("td", {}, i + 1 < keys.length ? speedCell(app, entity, i, segmentSpeed(k, keys[i + 1])) : "–"),
        h("td", {}, keys.length > 1 && button({ icon: "close", label: `Delete keyframe ${i + 1}`, class: "ghost tiny", press: (e) => { e.stopPropagation(); void app.command("delete_waypoint", { id: entity.id, index: i }); } })))))),
    keys.length > KEYS_SHOWN && h("p", { class: "empty", text: `The ${KEYS_SHOWN} keyframes around this frame; all are in the timeline.` }));
}

/** The speed to the next keyframe, typed. @param {App} app @param {Tracked} entity @param {number} index @param {number} speed */
function speedCell(app, entity, index, speed) {
  const input = /** @type {HTMLInputElement} */ (h("input", { type: "text", class: "speed-cell", inputmode: "decimal", value: speed.toFixed(1), testid: `speed-${index}`, label: `Speed after keyframe ${index + 1}, m/s`, title: "Speed from here to the next keyframe: those behind come earlier or later", spellcheck: "false" }));
  const before = input.value;
  input.addEventListener("click", (event) => event.stopPropagation());
  input.addEventListener("focus", () => input.select());
  input.addEventListener("keydown", (event) => {
    if (!isChord(event)) event.stopPropagation();
    if (event.key === "Escape") input.value = before;
    if (event.key === "Enter" || event.key === "Escape") input.blur();
  });
  input.addEventListener("blur", () => {
    if (input.value === before) return;
    const value = Number(input.value.replace(",", "."));
    if (value >= 0.05 && value <= 100) void app.command("set_speed", { id: entity.id, speed_m_s: value, index });
    else app.say("warn", `A speed is 0.05 to 100 m/s, so ${input.value || "nothing"} was not set.`);
    input.value = before;
  });
  return input;
}

/** @param {App} app @param {Tracked} entity */
export function addKey(app, entity) {
  const [x, y, , yaw] = poseAt(entity.keyframes, app.time_s);
  if (keyframeAt(entity.keyframes, app.time_s) >= 0) return app.say("info", `${labelOf(entity)} already has a keyframe at this frame.`);
  void app.command("add_waypoint", { id: entity.id, time_s: app.time_s, x, y, yaw });
}

/** Colour and model: chosen, or drawn from the take's seed. @param {App} app @param {AgentEntity} a */
function lookFields(app, a) {
  const send = (/** @type {object} */ args) => void app.command("set_look", { id: a.id, ...args });
  const { models = {}, coloured = [] } = app.store.scene ?? {}, kinds = models[a.class_name] ?? [];
  const bound = coloured.includes(a.class_name) ? undefined : `The colours of a ${spoken(a.class_name)} belong to its model: choose another model`;
  return section("Look",
    colourField({ name: "Colour", value: a.colour ?? null, placeholder: bound ? "as its model" : "from seed", disabled: bound, testid: "agent-colour", change: (v) => send({ colour: v }) }),
    selectField({ label: "", name: "Model", value: a.model ?? "", testid: "agent-model", title: "How it is built in the drawn views", options: [["", "from seed"], ...kinds.map((n) => /** @type {[string, string]} */ ([n, spoken(n)]))], change: (v) => send({ model: v || null }) }));
}

/** @param {App} app @param {AgentEntity} a */
function agentFields(app, a) {
  const send = (/** @type {object} */ args) => void app.command("set_agent", { id: a.id, ...args });
  const size = (/** @type {number} */ i, /** @type {number|null} */ v) => v && send({ size: a.size_m.map((s, k) => (k === i ? v : s)) });
  return [
    section("Agent",
      whole(selectField({ label: "", name: "Class", value: a.class_name, testid: "agent-class-of", options: Object.keys(app.store.scene?.sizes ?? {}).map((n) => [n, spoken(n)]), change: (v) => send({ class_name: v }) })),
      whole(textField({ label: "", name: "Name", value: a.name, placeholder: labelOf(a), testid: "agent-name", change: (v) => send({ name: v }) }))),
    ...closureFields(app, [a]),
    poseFields(app, a),
    h("div", { class: "props" }, h("h4", { text: "Size" }), h("div", { class: "grid3" },
      numberField({ label: "L", name: "Length", unit: "m", value: a.size_m[0], min: 0.1, testid: "size-length", change: (v) => size(0, v) }),
      numberField({ label: "W", name: "Width", unit: "m", value: a.size_m[1], min: 0.1, testid: "size-width", change: (v) => size(1, v) }),
      numberField({ label: "H", name: "Height", unit: "m", value: a.size_m[2], min: 0.1, testid: "size-height", change: (v) => size(2, v) }))),
    lookFields(app, a),
    section("In the scene",
      numberField({ label: "from", name: "Appears at", unit: "s", value: a.appears_s, placeholder: "start", min: 0, step: 0.1, testid: "appears", change: (v) => send({ appears_s: v }) }),
      numberField({ label: "to", name: "Disappears after", unit: "s", value: a.disappears_s, placeholder: "end", min: 0, step: 0.1, testid: "disappears", change: (v) => send({ disappears_s: v }) })),
    shiftFields(app, a),
    motionFields(app, a),
    keyTable(app, a),
    h("div", { class: "props" }, button({ icon: "occupancy", text: "Fill its box in the result", label: "Put voxels of its class into its box in every generated frame, wherever it goes", class: "wide", testid: "fill-agent", press: () => void app.command("fill_agent", { id: a.id }) }),
      button({ icon: "occupancy", text: "Remove from the result", label: "Remove this agent's voxels from every generated frame; the layout keeps it", class: "wide", testid: "remove-instance", press: () => void app.command("add_occupancy_edit", { kind: "remove_instance", instance_id: a.instance_id }) })),
  ];
}

/** @param {App} app @param {CameraEntity} c */
function cameraFields(app, c) {
  const send = (/** @type {object} */ args) => void app.command("set_camera", { id: c.id, ...args });
  const pose = c.mount === "ego" || !c.keyframes.length ? c.camera.ego_SE3_camera : poseAt(c.keyframes, app.time_s);
  const [x, y, z] = pose, heading = cameraHeading(pose), tilt = cameraTilt(pose);
  /** @param {{x?: number|null, y?: number|null, z?: number|null, heading?: number, tilt?: number}} to */
  const place = (to) => send({ pose: to.heading === undefined && to.tilt === undefined ? [to.x ?? x, to.y ?? y, to.z ?? z, ...pose.slice(3)] : to.tilt === undefined ? [x, y, z, wrap(pose[3] + (to.heading ?? 0) - heading), pose[4], pose[5]] : cameraPose(x, y, z, heading, to.tilt) });
  const enabled = /** @type {HTMLInputElement} */ (h("input", { type: "checkbox", testid: "camera-enabled", on: { change: () => send({ enabled: enabled.checked }) } }));
  enabled.checked = c.enabled;
  return [
    section("Camera",
      textField({ label: "", name: "Name", value: c.camera.name, change: (v) => send({ name: v }) }),
      selectField({ label: "", name: "Mount", value: c.mount, options: /** @type {Array<[string, string]>} */ ([["ego", "on the ego"], ["world", "in the world"], ...(c.mount === "path" ? [["path", "on a path"]] : [])]), change: (v) => send({ mount: v }) })),
    section(c.mount === "ego" ? "Pose on the ego" : "Pose in the world",
      numberField({ label: "x", unit: "m", value: x, step: 0.1, change: (v) => place({ x: v }) }),
      numberField({ label: "y", unit: "m", value: y, step: 0.1, change: (v) => place({ y: v }) }),
      numberField({ label: "z", unit: "m", value: z, step: 0.1, change: (v) => place({ z: v }) }),
      numberField({ label: "yaw", name: "Heading", unit: "°", value: heading * DEG, digits: 1, step: 1, change: (v) => place({ heading: (v ?? 0) / DEG }) }),
      numberField({ label: "tilt", name: "Tilt below the horizon", unit: "°", value: tilt * DEG, digits: 1, step: 1, min: -89, max: 89, change: (v) => place({ tilt: (v ?? 0) / DEG }) }),
      numberField({ label: "fov", name: "Horizontal field of view", unit: "°", value: fovOf(c.camera) * DEG, digits: 1, step: 1, min: 5, max: 175, disabled: Boolean(c.camera.fisheye), change: (v) => v && send({ fov_deg: v }) })),
    section("Picture",
      numberField({ label: "w", name: "Width", unit: "px", value: c.camera.width, digits: 0, step: 16, min: 16, max: 4096, change: (v) => v && send({ width: v }) }),
      numberField({ label: "h", name: "Height", unit: "px", value: c.camera.height, digits: 0, step: 16, min: 16, max: 4096, change: (v) => v && send({ height: v }) }),
      h("label", { class: "check" }, enabled, "Rendered and generated")),
  ];
}

/** @param {App} app @param {Entity} e @returns {import("../dom.js").Child[]} */
function body(app, e) {
  switch (e.kind) {
    case "agent": return agentFields(app, e);
    case "ego": return [poseFields(app, e), shiftFields(app, e), motionFields(app, e), keyTable(app, e)];
    case "camera": return cameraFields(app, e);
    case "area": return [...shapeFields(app, e), facts([["Points", String(e.exterior_m.length)], ["Holes", String(e.holes_m.length)], ["Area", `${(ringArea(e.exterior_m) - e.holes_m.reduce((sum, ring) => sum + ringArea(ring), 0)).toFixed(1)} m²`], ["Source", e.source]])];
    case "line": return [...shapeFields(app, e), facts([["Points", String(e.points_m.length)], ["Length", `${e.points_m.slice(1).reduce((sum, p, i) => sum + Math.hypot(p[0] - e.points_m[i][0], p[1] - e.points_m[i][1]), 0).toFixed(1)} m`], ["Source", e.source]])];
    case "paint": return [facts([["Channel", spoken(e.channel)], ["Does", e.erases ? "erases" : "adds"], ["Frames", e.span ? `${e.span[0]} to ${e.span[1]}` : "whole scene"], ["Tiles", `${Object.keys(e.tiles).length} of 12.8 m`]])];
    default: return [facts([["Edit", labelOf(e)], ["Frames", e.span ? `${e.span[0]} to ${e.span[1]}` : "every frame"], ...boxFacts(app, e)])];
  }
}

/** Of an edit of voxels that has a box. @param {App} app @param {OccupancyEditEntity} e @returns {Array<[string, string]>} */
function boxFacts(app, e) {
  const [length, width, height] = e.box_size_m, z = e.box_pose[2];
  if (!length) return [];
  const leader = leaderOf(app.store, e);
  return [["Size", `${length.toFixed(1)} × ${width.toFixed(1)} m`], [e.follows ? "Over its ground" : "Height", `${(z - height / 2).toFixed(1)} to ${(z + height / 2).toFixed(1)} m`], ...(leader ? /** @type {Array<[string, string]>} */ ([["Goes with", labelOf(leader)]]) : [])];
}

/** @param {Array<[string, string]>} rows */
const facts = (rows) => h("dl", { class: "facts" }, rows.flatMap(([k, v]) => [h("dt", { text: k }), h("dd", { text: v })]));

/** @param {App} app */
function sceneFields(app) {
  const s = app.store.scene;
  if (!s) return [];
  return [
    section("Scene",
      numberField({ label: "length", name: "Duration", unit: "s", value: s.duration_s, digits: 2, step: 0.5, min: 0.1, max: 100, testid: "duration", change: (v) => v && void app.command("set_scene", { duration_s: v }) }),
      h("span", { class: "faint still", text: `= ${plural(s.frames, "frame")}` })),
    h("div", { class: "props" }, button({ icon: "flip", text: "Mirror traffic", label: "Swap left-hand and right-hand traffic: map, paint, agents, ego path, headings and ground are mirrored; cameras on the ego keep their places", class: "wide", testid: "mirror", press: () => void app.command("mirror", {}) }),
      button({ icon: "occupancy", text: "Remove all vehicles", label: "Take every vehicle's voxels out of all generated frames, with the ground closed under them; the layout keeps its agents", class: "wide", testid: "remove-vehicles", press: () => void app.command("remove_vehicles", {}) })),
    h("p", { class: "empty", text: "Select something to see its numbers. Click an agent, a line or an area on the canvas, or a row above." }),
    s.notes.length > 0 && h("div", { class: "props" }, h("h4", { text: "Notes of the import" }), h("ul", { class: "notes" }, s.notes.map((n) => h("li", { text: n })))),
  ];
}

/** @param {App} app */
export function makeInspector(app) {
  const { store } = app;
  const panel = h("div", { class: "inspector", testid: "inspector" });
  watch(store, ["selection", "entities", "preview", "frame", "scene"], politely(panel, () => {
    const chosen = [...store.selection].map((id) => store.entity(id)).filter((e) => e !== undefined);
    const top = panel.scrollTop, held = panel.contains(document.activeElement) ? /** @type {HTMLElement} */ (document.activeElement).dataset.testid : undefined;
    panel.classList.toggle("idle", chosen.length === 0);
    if (chosen.length === 0) fill(panel, ...sceneFields(app));
    else if (chosen.length === 1) fill(panel, h("div", { class: "who" }, icon(iconOf(chosen[0]), 15), h("b", { text: labelOf(chosen[0]) }), h("span", { class: "faint", text: chosen[0].id === labelOf(chosen[0]) ? "" : chosen[0].id })), ...body(app, chosen[0]));
    else fill(panel, h("div", { class: "who" }, h("b", { text: `${chosen.length} objects` })), ...closureFields(app, chosen), h("p", { class: "empty", text: "Drag, nudge with the arrows, turn with Q/E, duplicate or delete them together." }));
    panel.scrollTop = top;
    // Whoever goes through the fields by keyboard stays where they were.
    if (held) /** @type {HTMLElement|null} */ (panel.querySelector(`[data-testid="${held}"]`))?.focus({ preventScroll: true });
  }));
  return panel;
}
