/** What the page knows, and who wants to hear of changes. Panels and canvas read it; only protocol.js and user gestures write it. */

/** @typedef {"scene"|"entities"|"selection"|"frame"|"playing"|"tool"|"options"|"channels"|"show"|"preview"|"job"|"take"|"strip"|"files"|"notices"|"link"|"history"|"bev"|"hover"|"live"|"variant"|"region"|"recovery"|"tabs"|"queue"|"pace"|"problems"|"exported"|"scenes"} Topic */

const REMEMBERED = "anyscene.options";

export class Store {
  constructor() {
    /** @type {SceneState|null} */ this.scene = null;
    /** @type {Set<string>} */ this.selection = new Set();
    /** Playhead: an integer frame. */
    this.frame = 0;
    this.playing = false;
    /** @type {ToolName} */ this.tool = "select";
    this.channel = "drivable_area";
    this.lastChannel = "ped_crossing";
    /** Hidden on the canvas only. @type {Set<string>} */ this.hidden = new Set();
    /** @type {Set<string>} */ this.locked = new Set();
    /** Local stand-ins while a gesture is under way or unanswered. @type {Map<string, Entity>} */ this.preview = new Map();
    /** Strokes drawn here and not yet part of the document. @type {Stroke[]} */ this.strokes = [];
    /** @type {string|null} */ this.hover = null;
    this.options = {
      brush_m: 2, eraser_m: 2, scope: /** @type {"scene"|"frame"|"range"} */ ("scene"), range: /** @type {[number, number]} */ ([0, 11]),
      agentClass: "car", pacing: /** @type {"speed"|"time"} */ ("speed"), speeds: /** @type {Record<string, number>} */ ({}), step_s: 1,
      shape: /** @type {"vector"|"paint"|"erase"} */ ("vector"), line_m: 0.4, mount: /** @type {"place"|"ego"|"world"} */ ("place"), fov_deg: 70,
      camera_z: 1.6, lanes: 2, lane_width_m: 3.5, crossing_m: 3, side: /** @type {"right"|"left"} */ ("right"), spacing_m: 3, taper_m: 15,
      /** How hard an agent may brake whose time to collision is set. */ brake_m_s2: 8,
      voxelShape: /** @type {"box"|"brush"} */ ("box"), voxelFills: false, voxelClass: "car", voxel_m: 2, bottom_m: 0.2, top_m: 4, voxelScope: /** @type {"scene"|"frame"|"range"|"follow"} */ ("scene"),
      fillErases: false, regionShape: /** @type {"box"|"lasso"} */ ("box"), stripKind: /** @type {"semantic"|"depth"|"picture"|"recorded"} */ ("semantic"),
      follow3d: true, frusta3d: false, clip3d_m: /** @type {number|null} */ (null),
    };
    this.show = { grid: true, tracks: true, labels: true, cameras: true, window: true, occupancy: false };
    /** @type {JobState|null} */ this.job = null;
    /** Jobs of this scene that wait or run. @type {JobState[]} */ this.queue = [];
    /** What work takes on this machine, as measured. @type {Pace} */ this.pace = { frame_s: {}, picture_s: {} };
    /** @type {TakeState|null} */ this.take = null;
    /** @type {StripState|null} */ this.strip = null;
    /** Marked on the canvas, to be drawn anew. @type {Point[]|null} */ this.region = null;
    /** What was drawn there. @type {VariantState|null} */ this.variant = null;
    /** Whether the studio answers edits with drafts. */
    this.live = false;
    /** @type {BevState|null} */ this.bev = null;
    /** @type {FileLists|null} */ this.files = null;
    /** Unsaved work of an earlier run, offered before anything is done in this one. @type {RecoveryEntry[]|null} */ this.recovery = null;
    /** What looks wrong. @type {Problem[]} */ this.problems = [];
    /** @type {Exported|null} */ this.exported = null;
    /** How many browsers show this scene. */
    this.tabs = 1;
    /** @type {Notice[]} */ this.notices = [];
    /** The source of an import holds several: the message that asked for it, and what can be chosen. @type {{asked: object, options: Array<[string, string]>}|null} */ this.scenes = null;
    this.link = { state: /** @type {"connecting"|"open"|"lost"} */ ("connecting"), roundtrip_ms: 0 };
    /** @type {{text: string, at: number}|null} */ this.autosaved = null;
    /** @type {Map<string, Set<() => void>>} */ this.listeners = new Map();
    this.remember();
  }

  /** @param {Topic} topic @param {() => void} listener */
  on(topic, listener) {
    let set = this.listeners.get(topic);
    if (!set) this.listeners.set(topic, (set = new Set()));
    set.add(listener);
  }

  /** @param {...Topic} topics */
  emit(...topics) {
    for (const topic of topics) this.listeners.get(topic)?.forEach((listener) => listener());
    if (topics.includes("options")) localStorage.setItem(REMEMBERED, JSON.stringify(this.options));
  }

  remember() {
    try {
      Object.assign(this.options, JSON.parse(localStorage.getItem(REMEMBERED) ?? "{}"));
    } catch {
      localStorage.removeItem(REMEMBERED);
    }
  }

  /** The entity as it should be drawn now: a gesture's stand-in, or the document's. @param {string} id @returns {Entity|undefined} */
  entity(id) {
    return this.preview.get(id) ?? (id === "ego" ? this.scene?.ego : this.scene?.entities.get(id));
  }

  /** Everything in drawing order, the ego left out. @returns {Entity[]} */
  entities() {
    if (!this.scene) return [];
    const list = [];
    for (const [id, entity] of this.scene.entities) list.push(this.preview.get(id) ?? entity);
    return list;
  }

  /** Cameras that the finished take shown has no pictures of, while it has some of others. @returns {string[]} */
  unfilmed() {
    const { take } = this;
    if (!take || take.broken_off || !take.filmed.length) return [];
    return this.entities().flatMap((e) => (e.kind === "camera" && e.enabled && !take.filmed.includes(e.camera.name) ? [e.camera.name] : []));
  }

  get frames() {
    return this.scene?.frames ?? 1;
  }

  /** @param {string} name @returns {[number, number, number]} */
  rgb(name) {
    return this.scene?.channels.find((c) => c.name === name)?.rgb ?? [160, 168, 180];
  }

  /** The frames a stroke holds for, as the scope control says; null = the whole scene. @returns {[number, number]|null} */
  span() {
    if (this.options.scope === "frame") return [this.frame, this.frame];
    if (this.options.scope === "range") return [Math.min(...this.options.range), Math.max(...this.options.range)];
    return null;
  }
}

/** Run `render` now, and once per animation frame after any of the topics. @param {Store} store @param {Topic[]} topics @param {() => void} render */
export function watch(store, topics, render) {
  let queued = false;
  const schedule = () => {
    if (queued) return;
    queued = true;
    requestAnimationFrame(() => {
      queued = false;
      render();
    });
  };
  for (const topic of topics) store.on(topic, schedule);
  render();
}
