/** Messages from the server into the store. The document arrives whole once, then as patches by id. */

import { plural } from "./entity.js";

/** @param {any} value @returns {string} */
const nameOf = (value) => (typeof value === "string" ? value : String(value?.name ?? value));

let nextNotice = 1;
const NOTICE_MS = { info: 4500, warn: 7000, error: 12000 };

/** @param {import("./store.js").Store} store @param {"info"|"warn"|"error"} level @param {string} text */
export function notify(store, level, text) {
  if (store.notices.some((n) => n.text === text)) return;
  const notice = { id: nextNotice++, level, text };
  store.notices = [...store.notices.slice(-3), notice];
  store.emit("notices");
  setTimeout(() => dismiss(store, notice.id), NOTICE_MS[level]);
}

/** @param {import("./store.js").Store} store @param {number} id */
export function dismiss(store, id) {
  store.notices = store.notices.filter((n) => n.id !== id);
  store.emit("notices");
}

/** @type {Record<string, (store: import("./store.js").Store, message: any) => void>} */
const HANDLERS = {
  document(store, m) {
    store.scene = {
      ...m, rev: m.rev ?? 0, entities: new Map(m.entities.map((/** @type {Entity} */ e) => [e.id, e])), notes: m.notes ?? [],
      commands: m.commands ?? [], exports: m.exports ?? [], presets: m.presets ?? [], view_models: m.view_models ?? [], rigs: (m.rigs ?? []).map(nameOf), channels: m.channels ?? [],
    };
    store.selection = new Set(m.selection ?? []);
    store.preview.clear();
    store.strokes = [];
    // What is under way or shown comes again behind the document; what does not come is of another scene.
    Object.assign(store, { job: null, queue: [], take: null, strip: null, bev: null, variant: null, region: null, recovery: null });
    store.problems = m.problems ?? [];
    store.frame = Math.min(m.frame ?? 0, Math.max(0, m.frames - 1));
    // What was said of the scene before is over; the new one's notes stand in the inspector.
    store.notices = store.notices.filter((n) => n.level !== "info");
    store.emit("scene", "entities", "selection", "frame", "history", "channels", "preview", "job", "take", "strip", "bev", "notices", "variant", "region", "recovery", "problems");
  },
  patch(store, m) {
    const scene = store.scene;
    if (!scene) return;
    for (const id of m.removed ?? []) scene.entities.delete(id);
    for (const entity of m.set ?? []) scene.entities.set(entity.id, entity);
    if (m.order) scene.entities = new Map(m.order.filter((/** @type {string} */ id) => scene.entities.has(id)).map((/** @type {string} */ id) => [id, scene.entities.get(id)]));
    if (m.ego) scene.ego = m.ego;
    Object.assign(scene, m.fields ?? {});
    for (const field of /** @type {const} */ (["rev", "edits", "dirty", "can_undo", "can_redo", "saved_path", "undo_steps", "undo_limit", "undo_at_depth"])) if (field in m) /** @type {any} */ (scene)[field] = m[field];
    if (m.selection) store.selection = new Set(m.selection);
    for (const id of store.selection) if (id !== "ego" && !scene.entities.has(id)) store.selection.delete(id);
    store.frame = Math.min(store.frame, Math.max(0, scene.frames - 1));
    store.emit("entities", "history", "selection");
    if (m.fields) store.emit("scene", "frame");
  },
  pace(store, m) {
    store.pace = m;
    store.emit("pace");
  },
  job(store, m) {
    m.at = performance.now();
    const known = store.queue.find((one) => one.id === m.id);
    store.queue = [...store.queue.filter((one) => one !== known), m].filter((one) => ["queued", "loading", "running"].includes(one.state));
    store.emit("queue");
    if (m.kind !== "take") {
      if (m.state === "failed") notify(store, "error", m.message || "That failed without saying why.");
      return;
    }
    const before = store.job;
    const waits = before && before.id !== m.id && (before.state === "running" || before.state === "loading") && m.state === "queued";
    if (waits) return;
    store.job = m;
    if (m.state === "failed" && before?.state !== "failed") notify(store, "error", m.message || "The job failed without saying why; its finished frames are kept.");
    const told = before?.id === m.id ? before?.notes ?? [] : [];
    for (const note of m.notes ?? []) if (!told.includes(note)) notify(store, "warn", note);
    if (m.state === "done" && before && before.state !== "done") notify(store, "info", `Take ready: ${plural(m.frames_kept ?? m.frames_total, "frame")} in ${m.seconds.toFixed(1)} s.`);
    store.emit("job");
  },
  take(store, m) {
    store.take = m.id ? m : null;
    store.emit("take");
  },
  variant(store, m) {
    const before = store.variant;
    store.variant = m.frame === null || m.frame === undefined ? null : m;
    if (store.variant) store.region = store.variant.region;
    else if (before) store.region = null;
    store.emit("variant", "region");
  },
  live(store, m) {
    store.live = Boolean(m.on);
    store.emit("live");
  },
  strip(store, m) {
    store.strip = m;
    store.emit("strip");
  },
  bev(store, m) {
    store.bev = m.url ? m : null;
    store.emit("bev");
  },
  files(store, m) {
    store.files = { projects: m.projects ?? [], recovery: m.recovery ?? [], templates: m.templates ?? [], takes: m.takes ?? [], formats: m.formats ?? [] };
    store.emit("files");
  },
  scenes(store, m) {
    store.scenes = { asked: m.asked, options: m.options ?? [] };
    store.emit("scenes");
  },
  problems(store, m) {
    store.problems = m.problems ?? [];
    store.emit("problems");
  },
  exported(store, m) {
    store.exported = m;
    store.emit("exported");
  },
  recovery(store, m) {
    store.recovery = m.drafts ?? [];
    store.emit("recovery");
  },
  tabs(store, m) {
    store.tabs = m.count;
    store.emit("tabs");
  },
  notice(store, m) {
    notify(store, m.level ?? "info", m.text);
  },
  saved(store, m) {
    if (store.scene) Object.assign(store.scene, { saved_path: m.path, dirty: false });
    store.autosaved = { text: "Saved", at: Date.now() };
    notify(store, "info", `Saved to ${m.path}.`);
    store.emit("history");
  },
  autosaved(store) {
    store.autosaved = { text: "Autosaved", at: Date.now() };
    store.emit("history");
  },
};

/** @param {import("./store.js").Store} store @param {any} message */
export function receive(store, message) {
  HANDLERS[message.type]?.(store, message);
}
