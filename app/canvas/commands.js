/**
 * The one table of commands. What changes the document comes from the studio (editor/table.py); what only the page knows stands here.
 * Menus, palette, toolbar, keys and the sheet of keys are all made of it.
 */

import { spoken } from "./entity.js";
import { pickChannel } from "./panels/channels.js";
import { askNew, showImport, showOpen } from "./panels/files.js";
import { addKey } from "./panels/inspector.js";
import { showExport } from "./panels/export.js";
import { showHelp } from "./panels/help.js";
import { showPalette } from "./panels/palette.js";
import { showForm } from "./panels/form.js";
import { lone } from "./render/handles.js";
import { TOOLS } from "./tools/registry.js";
import { RATE_HZ } from "./tracks.js";

/** Menus, in their order. */
export const MENUS = ["Scene", "Edit", "Map", "Paint", "Agents", "Cameras", "Result", "Time", "View", "Tools", "Channels"];
/** Menus whose commands have their places beside the canvas already. */
export const ELSEWHERE = ["Tools", "Channels"];

const NUDGE_M = 0.1;
const TURN_RAD = (5 * Math.PI) / 180;

/** @param {App} app */
const nothingHeld = (app) => (app.store.selection.size ? null : "Nothing is selected.");
/** @param {string} where */
const focusOn = (where) => /** @type {HTMLElement|null} */ (document.querySelector(where))?.focus();
/** @param {App} app */
const others = (app) => [...app.store.selection].filter((id) => id !== "ego");

/** @param {App} app @param {number} dx @param {number} dy */
const step = (app, dx, dy) => app.nudge(dx * NUDGE_M, dy * NUDGE_M, 0);

/** @type {Array<[string, Point]>} */
const ARROWS = [["Left", [-1, 0]], ["Right", [1, 0]], ["Up", [0, 1]], ["Down", [0, -1]]];

/** @type {PageCommand[]} */
const PAGE = [
  { id: "new", title: "New scene", group: "Scene", keys: [], icon: "fresh", run: askNew },
  { id: "open", title: "Open a scene", group: "Scene", keys: ["Ctrl+O"], icon: "open", run: showOpen },
  { id: "import", title: "Import a log, a map or a scene", group: "Scene", keys: ["Ctrl+I"], icon: "import", run: showImport },
  { id: "save", title: "Save", group: "Scene", keys: ["Ctrl+S"], icon: "save", run: (app) => app.save() },
  { id: "export", title: "Export the take", group: "Scene", keys: ["Ctrl+E"], run: (app) => showExport(app), why: (app) => (app.store.take ? null : "There is no take yet: Generate makes one.") },
  { id: "checks", title: "What looks wrong", group: "Scene", keys: ["Shift+C"], icon: "warn", run: (app) => app.showChecks() },
  { id: "generate", title: "Generate a take", group: "Result", keys: ["Ctrl+Enter"], icon: "play", run: (app) => app.generate() },
  { id: "generate_on", title: "Generate on from this frame", group: "Result", keys: ["Ctrl+Shift+Enter"], run: (app) => app.generateOn() },
  { id: "see_anew", title: "Make the pictures again", group: "Result", keys: [], run: (app) => app.seeAnew(), why: (app) => (app.store.take ? null : "There is no take yet: Generate makes one.") },
  { id: "see_missing", title: "Make the pictures of cameras that have none", group: "Result", keys: [], run: (app) => app.seeMissing(), why: (app) => (app.store.unfilmed().length ? null : "No finished take is shown that lacks pictures of a camera.") },
  { id: "carry_on", title: "Continue the unfinished take", group: "Result", keys: [], run: (app) => app.carryOn(), why: (app) => (app.store.take?.broken_off ? null : "The take shown is not unfinished.") },
  { id: "regenerate", title: "Draw the region anew", group: "Result", keys: [], run: (app) => app.regenerate(), why: (app) => (app.store.region ? null : "No region is marked: the Region tool marks one.") },
  { id: "keep_variant", title: "Keep the variant in a new take", group: "Result", keys: [], run: (app) => app.keepVariant(false), why: (app) => (app.store.variant?.shown ? null : "No variant is shown.") },
  { id: "drop_region", title: "Put the region away", group: "Result", keys: [], run: (app) => app.dropRegion(), why: (app) => (app.store.region ? null : "No region is marked.") },
  { id: "results", title: "Results, or back to the author's view", group: "Result", keys: ["F2"], run: (app) => app.showResults(!app.resultsShown) },
  { id: "matrix", title: "Weather matrix: one scene in several weathers, lights and seeds", group: "Result", keys: [], run: (app) => { app.showResults(true); document.querySelector("#matrix-open")?.dispatchEvent(new MouseEvent("click", { bubbles: true })); } },
  { id: "cancel_job", title: "Cancel the job", group: "Result", keys: ["Shift+X"], run: (app) => app.cancelJob(), why: (app) => (app.store.job && ["queued", "loading", "running"].includes(app.store.job.state) ? null : "No job is running.") },
  { id: "copy", title: "Copy", group: "Edit", keys: ["Ctrl+C"], run: (app) => void (app.clipboard = others(app)), why: (app) => (others(app).length ? null : "Nothing that can be copied is selected.") },
  { id: "paste", title: "Paste at the cursor", group: "Edit", keys: ["Ctrl+V"], run: (app) => paste(app, false), why: (app) => (app.clipboard.some((id) => app.store.entity(id)) ? null : "Nothing was copied.") },
  { id: "paste_in_place", title: "Paste in place", group: "Edit", keys: ["Ctrl+Shift+V"], run: (app) => paste(app, true), why: (app) => (app.clipboard.some((id) => app.store.entity(id)) ? null : "Nothing was copied.") },
  { id: "duplicate_in_place", title: "Duplicate in place", group: "Edit", keys: ["Ctrl+Shift+D"], run: (app) => copyBy(app, others(app), 0, 0), why: (app) => (others(app).length ? null : "Nothing that can be copied is selected.") },
  { id: "select_agents", title: "Select all agents", group: "Edit", keys: ["Ctrl+A"], run: (app) => app.select(app.store.entities().filter((e) => e.kind === "agent" && !app.store.locked.has(e.class_name) && !app.store.hidden.has(e.class_name)).map((e) => e.id)) },
  { id: "select_ego", title: "Select the ego", group: "Edit", keys: ["Shift+V"], run: (app) => app.select(["ego"]) },
  { id: "find_object", title: "Find an object", group: "Edit", keys: ["Ctrl+F"], icon: "search", run: () => focusOn("[data-testid=object-filter]") },
  { id: "to_inspector", title: "Go to the numbers of the selection", group: "Edit", keys: ["I"], run: () => focusOn(".inspector input, .inspector button, .inspector select") },
  { id: "to_canvas", title: "Go to the canvas", group: "View", keys: ["Shift+H"], run: () => focusOn(".bev") },
  { id: "select_nothing", title: "Drop the selection, or what is half made", group: "Edit", keys: ["Escape"], run: (app) => void (app.tool.cancel?.(app) || (app.store.tool === "waypoint" ? app.use("select") : app.select([]))) },
  { id: "keyframe", title: "Keyframe at this frame", group: "Agents", keys: ["K"], icon: "key", run: (app) => { const e = lone(app.store); if (e && (e.kind === "agent" || e.kind === "ego")) addKey(app, e); }, why: (app) => { const e = lone(app.store); return e && (e.kind === "agent" || e.kind === "ego") ? null : "Select one agent or the ego to set a keyframe at this frame."; } },
  { id: "turn_around", title: "Turn around", group: "Agents", keys: ["G"], icon: "flip", run: (app) => app.nudge(0, 0, Math.PI), why: nothingHeld },
  ...ARROWS.flatMap(([name, [dx, dy]]) => /** @type {PageCommand[]} */ ([
    { id: `nudge_${name.toLowerCase()}`, title: `Nudge ${name.toLowerCase()} by 0.1 m`, group: "Edit", keys: [`Arrow${name}`], when: "holding", repeats: true, run: (app) => step(app, dx, dy), why: nothingHeld },
    { id: `push_${name.toLowerCase()}`, title: `Nudge ${name.toLowerCase()} by 1 m`, group: "Edit", keys: [`Shift+Arrow${name}`], when: "holding", repeats: true, run: (app) => step(app, 10 * dx, 10 * dy), why: nothingHeld },
  ])),
  { id: "turn_left", title: "Turn left by 5°", group: "Edit", keys: ["Q"], when: "holding", repeats: true, run: (app) => app.nudge(0, 0, TURN_RAD), why: nothingHeld },
  { id: "turn_right", title: "Turn right by 5°", group: "Edit", keys: ["E"], when: "holding", repeats: true, run: (app) => app.nudge(0, 0, -TURN_RAD), why: nothingHeld },
  { id: "turn_left_45", title: "Turn left by 45°", group: "Edit", keys: ["Shift+Q"], when: "holding", run: (app) => app.nudge(0, 0, 9 * TURN_RAD), why: nothingHeld },
  { id: "turn_right_45", title: "Turn right by 45°", group: "Edit", keys: ["Shift+E"], when: "holding", run: (app) => app.nudge(0, 0, -9 * TURN_RAD), why: nothingHeld },
  { id: "play", title: "Play or pause", group: "Time", keys: ["Space"], run: (app) => app.togglePlay() },
  { id: "frame_back", title: "One frame back", group: "Time", keys: ["ArrowLeft"], when: "free", repeats: true, run: (app) => app.seek(app.store.frame - 1) },
  { id: "frame_on", title: "One frame on", group: "Time", keys: ["ArrowRight"], when: "free", repeats: true, run: (app) => app.seek(app.store.frame + 1) },
  { id: "second_back", title: "One second back", group: "Time", keys: ["Shift+ArrowLeft"], when: "free", repeats: true, run: (app) => app.seek(app.store.frame - RATE_HZ) },
  { id: "second_on", title: "One second on", group: "Time", keys: ["Shift+ArrowRight"], when: "free", repeats: true, run: (app) => app.seek(app.store.frame + RATE_HZ) },
  { id: "first_frame", title: "First frame", group: "Time", keys: ["Home"], run: (app) => app.seek(0) },
  { id: "last_frame", title: "Last frame", group: "Time", keys: ["End"], run: (app) => app.seek(app.store.frames - 1) },
  { id: "key_back", title: "Keyframe before", group: "Time", keys: ["Ctrl+Alt+ArrowLeft"], run: (app) => app.toKeyframe(-1), why: nothingHeld },
  { id: "key_on", title: "Next keyframe", group: "Time", keys: ["Ctrl+Alt+ArrowRight"], run: (app) => app.toKeyframe(1), why: nothingHeld },
  { id: "fit", title: "Show the whole scene", group: "View", keys: ["Shift+1"], icon: "fit", run: (app) => app.fit() },
  { id: "fit_selection", title: "Show the selection", group: "View", keys: ["."], run: (app) => app.fit(app.store.selection.size ? app.store.selection : undefined) },
  { id: "zoom_in", title: "Zoom in", group: "View", keys: ["+", "="], icon: "plus", run: (app) => zoom(app, 1.3) },
  { id: "zoom_out", title: "Zoom out", group: "View", keys: ["-"], icon: "minus", run: (app) => zoom(app, 1 / 1.3) },
  ...(/** @type {const} */ ([["grid", "metre grid"], ["window", "window of a take"], ["tracks", "paths"], ["cameras", "cameras"], ["labels", "names"], ["occupancy", "result from above"]])).map(([key, words]) => /** @type {PageCommand} */ ({
    id: `show_${key}`, title: `Show or hide the ${words}`, group: "View", keys: [], run: (app) => { app.store.show[key] = !app.store.show[key]; app.store.emit("show"); },
  })),
  { id: "home_3d", title: "3D: home view", group: "View", keys: ["Shift+Home"], icon: "home", run: (app) => app.view3d(true) },
  { id: "follow_3d", title: "3D: follow the ego, or stay in the world", group: "View", keys: ["Shift+F"], icon: "follow", run: (app) => { app.store.options.follow3d = !app.store.options.follow3d; app.store.emit("options"); } },
  { id: "cameras_3d", title: "3D: show or hide the cameras", group: "View", keys: ["Shift+K"], icon: "camera", run: (app) => { app.store.options.frusta3d = !app.store.options.frusta3d; app.store.emit("options"); } },
  { id: "lower_3d", title: "3D: cut the voxels lower", group: "View", keys: ["Shift+PageDown"], icon: "cut", repeats: true, run: (app) => cut(app, -1) },
  { id: "higher_3d", title: "3D: cut the voxels higher, in the end not at all", group: "View", keys: ["Shift+PageUp"], repeats: true, run: (app) => cut(app, 1) },
  { id: "enlarge_3d", title: "3D: over the whole page, or in its pane", group: "View", keys: ["Shift+D"], icon: "grow", run: (app) => app.enlarge3d() },
  { id: "smaller_brush", title: "Smaller brush", group: "Paint", keys: ["["], repeats: true, run: (app) => app.resizeBrush(1 / 1.2) },
  { id: "larger_brush", title: "Larger brush", group: "Paint", keys: ["]"], repeats: true, run: (app) => app.resizeBrush(1.2) },
  { id: "last_channel", title: "The channel before", group: "Paint", keys: ["Q"], when: "free", run: (app) => pickChannel(app, app.store.lastChannel) },
  { id: "palette", title: "All commands", group: "View", keys: ["Ctrl+K"], run: (app) => showPalette(app) },
  { id: "keys", title: "Keys and mouse", group: "View", keys: ["?", "F1"], icon: "help", run: (app) => showHelp(app) },
];

/** What the page does better than to send a command's plain arguments. @type {Record<string, {run: (app: App) => void, why?: (app: App) => string|null}>} */
const OWN = {
  delete: { run: (app) => remove(app), why: nothingHeld },
  duplicate: { run: (app) => copyBy(app, others(app), 3, -3) },
  insert_cameras: { run: (app) => void app.command("insert_cameras", insertedBetween(app)) },
};

/** Every command, as it stands now. @param {App} app @returns {PageCommand[]} */
export function commandsOf(app) {
  const scene = app.store.scene;
  const tools = Object.values(TOOLS).map((tool) => /** @type {PageCommand} */ ({ id: `tool_${tool.name}`, title: `Tool: ${tool.label}`, group: "Tools", keys: [tool.key], icon: tool.icon, when: tool.key === "E" ? "free" : undefined, run: () => app.use(tool.name) }));
  const channels = (scene?.channels ?? []).map(({ name, key }) => /** @type {PageCommand} */ ({ id: `channel_${name}`, title: `Channel: ${spoken(name)}`, group: "Channels", keys: key ? [key] : [], run: () => pickChannel(app, name) }));
  // What files and takes are made with comes before what changes them.
  const first = (/** @type {PageCommand} */ c) => c.group === "Scene" || c.group === "Result";
  return [...PAGE.filter(first), ...(scene?.commands ?? []).map((spec) => ofDocument(app, spec)), ...PAGE.filter((c) => !first(c)), ...tools, ...channels];
}

/** A command of the document: run with what the page can fill in, or asked for in a form. @param {App} _app @param {CommandSpec} spec @returns {PageCommand} */
function ofDocument(_app, spec) {
  const own = OWN[spec.name];
  return {
    id: spec.name, title: spec.title, group: spec.group, keys: spec.keys, spec,
    why: (app) => own?.why?.(app) ?? lacking(app, spec),
    run: (app, typed) => {
      if (own && !typed) return own.run(app);
      const args = { ...filled(app, spec), ...typed };
      const open = spec.args.filter((arg) => !(arg.name in args));
      if (open.some((arg) => arg.required) || (spec.asks && open.length && !typed)) return showForm(app, spec, args);
      void app.command(spec.name, args);
    },
  };
}

/** What a command of the document needs and does not find, in a sentence. @param {App} app @param {CommandSpec} spec @returns {string|null} */
export function lacking(app, spec) {
  const { store } = app;
  if (spec.name === "undo") return store.scene?.can_undo ? null : "There is nothing to undo.";
  if (spec.name === "redo") return store.scene?.can_redo ? null : "There is nothing to redo.";
  if (spec.of_take && (!store.take || store.take.broken_off || store.take.stage === "layout")) return "No finished take is shown: Generate makes one.";
  if (!spec.needs) return null;
  return enough(spec.needs, [...store.selection].map((id) => store.entity(id)?.kind ?? "")) ? null : spec.needs.sentence;
}

/** The same rule as editor.commands.why_not. @param {{count: string, kinds: string[]}} needs @param {string[]} chosen kinds of what is selected */
export function enough(needs, chosen) {
  const fitting = chosen.filter((kind) => !needs.kinds.length || needs.kinds.includes(kind));
  return needs.count === "one" ? fitting.length === 1 && chosen.length === 1 : fitting.length > 0;
}

/** What the page's state stands in for. @param {App} app @param {CommandSpec} spec @returns {Record<string, any>} */
export function filled(app, spec) {
  const { store } = app, at = app.pointer?.world;
  /** @type {Record<string, any>} */ const args = {};
  for (const arg of spec.args) {
    if (arg.fill === "id" && store.selection.size === 1) args[arg.name] = [...store.selection][0];
    else if (arg.fill === "ids" && store.selection.size && (arg.required || spec.asks)) args[arg.name] = spec.needs ? [...store.selection].filter((id) => !spec.needs?.kinds.length || spec.needs.kinds.includes(store.entity(id)?.kind ?? "")) : [...store.selection];
    else if (arg.fill === "x" && at) args[arg.name] = +at[0].toFixed(2);
    else if (arg.fill === "y" && at) args[arg.name] = +at[1].toFixed(2);
    else if (arg.fill === "time_s") args[arg.name] = app.time_s;
    else if (arg.fill === "frame") args[arg.name] = store.frame;
    else if (arg.fill === "channel" && arg.choices.includes(store.channel)) args[arg.name] = store.channel;
  }
  return args;
}

/** Cut the voxels of the 3D view a voxel lower or higher; above the grid nothing is cut. @param {App} app @param {1|-1} way */
export function cut(app, way) {
  const { options, scene } = app.store, grid = scene && typeof scene.grid !== "string" ? scene.grid : { shape: [200, 200, 16], voxel_m: 0.4, origin_m: [-40, -40, -1] };
  const [low, high] = [grid.origin_m[2], grid.origin_m[2] + grid.shape[2] * grid.voxel_m], next = (options.clip3d_m ?? high) + way * grid.voxel_m;
  options.clip3d_m = next >= high - 1e-6 ? null : +Math.max(low + grid.voxel_m, next).toFixed(3);
  app.store.emit("options");
}

/** @param {App} app @param {number} factor */
function zoom(app, factor) {
  app.view.zoomAt(factor, app.view.width / 2, app.view.height / 2);
  app.redraw();
}

/** @param {App} app @param {string[]} ids @param {number} dx @param {number} dy */
export function copyBy(app, ids, dx, dy) {
  if (ids.length) void app.command("duplicate", { ids, dx, dy });
}

/** @param {App} app @param {boolean} inPlace */
function paste(app, inPlace) {
  const ids = app.clipboard.filter((id) => app.store.entity(id));
  const [x, y] = app.pivot(ids), to = app.pointer?.world ?? [x + 3, y - 3];
  if (inPlace) copyBy(app, ids, 0, 0);
  else copyBy(app, ids, to[0] - x, to[1] - y);
}

/** @param {App} app */
export function remove(app) {
  const ids = others(app);
  if (app.store.selection.has("ego") && !ids.length) app.say("info", "The ego stays: every scene is seen from it.");
  if (ids.length) void app.command("delete", { ids });
}

/** The cameras on the ego that are selected, where two or more are; otherwise all. @param {App} app @returns {{ ids?: string[] }} */
export function insertedBetween(app) {
  const ids = app.store.entities().filter((e) => e.kind === "camera" && e.mount === "ego" && app.store.selection.has(e.id)).map((e) => e.id);
  return ids.length > 1 ? { ids } : {};
}
