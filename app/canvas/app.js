/** The one object that tools and panels are given: the store, the link, the view, and the doors through which edits go out. */

import { displaced, egoPose, entityBounds, plural } from "./entity.js";
import { boundsOf } from "./geometry.js";
import { notify, receive } from "./protocol.js";
import { Socket } from "./socket.js";
import { Store } from "./store.js";
import { RATE_HZ } from "./tracks.js";
import { View } from "./view.js";

const STRANDED_TOLD_AFTER_MS = 500;
const NUDGE_SENDS_AFTER_MS = 350;

export class App {
  /** @param {string} socketUrl @param {Record<ToolName, Tool>} tools */
  constructor(socketUrl, tools) {
    this.store = new Store();
    this.view = new View();
    this.tools = tools;
    /** Redraw the canvas; set by render/canvas.js. */
    this.redraw = () => {};
    /** Where the pointer is over the canvas. @type {CanvasPointer|null} */ this.pointer = null;
    /** To the next or previous keyframe of the selection; set by panels/timeline.js. */
    this.toKeyframe = (/** @type {1|-1} */ _way) => {};
    /** Set by results/tab.js, the next one too. */
    this.resultsShown = false;
    this.showResults = (/** @type {boolean} */ _on) => {};
    /** Set by panels/generate.js. */
    this.generate = () => {};
    this.cancelJob = () => {};
    /** Make the take's frames from the playhead on anew. */
    this.generateOn = () => {};
    /** Make the pictures of the cameras that the take shown has none of. */
    this.seeMissing = () => {};
    /** Make the pictures of the take shown anew. */
    this.seeAnew = (/** @type {{only_cameras?: string[], only_frames?: [number, number]}} */ _only = {}) => {};
    /** Make what the take shown lacks that was broken off. */
    this.carryOn = () => {};
    /** Whether the view model that is chosen begins from pictures. */
    this.takesAnchors = () => false;
    /** Pictures dropped on cameras, to begin from; set by panels/strip.js. @type {Map<string, {name: string, url: string}>} */ this.anchors = new Map();
    /** Draw the marked region anew; this and the next three are set by panels/variants.js. */
    this.regenerate = () => {};
    /** Show the variant before or after. */
    this.stepVariant = (/** @type {1|-1} */ _way) => {};
    /** Write the variant shown into a new take; with `carryOn` the frames behind it are made anew. */
    this.keepVariant = (/** @type {boolean} */ _carryOn) => {};
    /** Put the region away with what was drawn in it. */
    this.dropRegion = () => {};
    /** Tell the studio what the 3D view shows, and take the eye back home; set by panels/viewer.js, the next one too. */
    this.view3d = (/** @type {boolean} */ _home = false) => {};
    /** The 3D view over the whole page, or in its pane. */
    this.enlarge3d = () => {};
    /** Show what looks wrong; set by panels/checks.js. */
    this.showChecks = () => {};
    /** Let the user choose files or a folder of this computer and import them; set by panels/dropping.js. */
    this.importFrom = (/** @type {"files"|"folder"} */ _kind, /** @type {{start_s: number|null, duration_s: number|null}} */ _part) => {};
    /** Space is down: a drag pans. */
    this.spaceHeld = false;
    /** Space served a pan, so that its release does not start playback. */
    this.spaceUsed = false;
    /** @type {{ids: string[], dx: number, dy: number, angle: number, timer: number}|null} */ this.nudging = null;
    /** @type {string[]} */ this.clipboard = [];
    /** @type {Map<number, Array<() => void>>} */ this.untilRev = new Map();
    let framed = false;
    this.socket = new Socket(socketUrl, {
      hello: () => ({ type: "hello", rev: this.store.scene?.rev }),
      state: (state) => {
        this.store.link = { state, roundtrip_ms: this.socket?.roundtrip_ms ?? 0 };
        this.store.emit("link");
      },
      message: (message) => {
        const before = this.store.frame;
        receive(this.store, message);
        if (message.type === "patch") this.settled(message.rev);
        if (message.type === "document") this.arrived(this.socket.same ? before : this.store.frame);
        // A workspace of its own was asked for, to begin something new in it.
        if (message.type === "document" && message.rev === 0 && new URLSearchParams(location.search).has("new")) this.socket.send({ type: "new" });
        if (message.type === "document" && !(framed && message.name === this.framedName)) {
          framed = true;
          this.framedName = message.name;
          requestAnimationFrame(() => this.fit());
        }
      },
    });
    /** @type {string|undefined} */ this.framedName;
  }

  get tool() {
    return this.tools[this.store.tool];
  }

  /** @param {ToolName} name */
  use(name) {
    if (this.store.tool === name) return;
    this.tool.cancel?.(this);
    this.store.tool = name;
    this.store.emit("tool");
    this.redraw();
  }

  /** @param {"info"|"warn"|"error"} level @param {string} text */
  say(level, text) {
    notify(this.store, level, text);
  }

  /**
   * Send one edit. `done` runs when the document shows it, or when it was refused: drop the gesture's stand-ins there.
   * @param {string} name @param {object} args @param {() => void} [done]
   */
  async command(name, args, done) {
    const ack = await this.ask(name, args);
    if (!ack.ok) this.say("error", ack.error || `The studio refused '${name}' without a reason.`);
    if (!done) return ack.ok;
    if (!ack.ok || (this.store.scene?.rev ?? 0) >= ack.rev) done();
    else this.untilRev.set(ack.rev, [...(this.untilRev.get(ack.rev) ?? []), done]);
    return ack.ok;
  }

  /** Say that what is done now is done later. */
  keeps() {
    this.say("info", "The studio is away: what you do is kept here, and done once it is back.");
  }

  /** What must not be lost, and is no edit: sent now, or once the studio is back. @param {object} message @param {boolean} [bound] whether it is meant for the scene that is open */
  post(message, bound = false) {
    if (this.store.link.state !== "open") this.keeps();
    void this.socket.post(message, bound).then((ack) => ack.ok || this.say("error", ack.error || "The studio refused that without a reason."));
  }

  /** Send one edit; whoever asks says what became of it. @param {string} name @param {object} args */
  async ask(name, args) {
    if (this.store.link.state !== "open") this.keeps();
    const ack = await this.socket.command(name, args);
    this.store.link = { state: this.store.link.state, roundtrip_ms: this.socket.roundtrip_ms };
    this.store.emit("link");
    return ack;
  }

  /** A document came: stand-ins of gestures are gone with the one before, and whoever waited for a revision waits no more. @param {number} frame where the user has the playhead */
  arrived(frame) {
    this.settled(Infinity);
    this.seek(frame);
    setTimeout(() => {
      const { stranded } = this.socket;
      if (stranded && !this.store.recovery?.length) this.say("warn", `${plural(stranded, "edit")} made while the studio was away ${stranded === 1 ? "waits" : "wait"} for the scene that ${stranded === 1 ? "it was" : "they were"} made in: it is under Open, as a draft.`);
    }, STRANDED_TOLD_AFTER_MS);
  }

  /** @param {number} rev */
  settled(rev) {
    for (const [wanted, callbacks] of this.untilRev) {
      if (wanted > rev) continue;
      this.untilRev.delete(wanted);
      callbacks.forEach((callback) => callback());
    }
  }

  /** Show stand-ins for entities until the edit is in the document. @param {Entity[]} entities */
  showPreview(entities) {
    for (const entity of entities) this.store.preview.set(entity.id, entity);
    this.store.emit("preview");
  }

  /** @param {Iterable<string>} ids */
  dropPreview(ids) {
    for (const id of ids) this.store.preview.delete(id);
    this.store.emit("preview");
  }

  /** @param {Iterable<string>} ids */
  select(ids) {
    this.flushNudge();
    const next = new Set(ids);
    const same = next.size === this.store.selection.size && [...next].every((id) => this.store.selection.has(id));
    if (same) return;
    this.store.selection = next;
    this.socket.send({ type: "select", ids: [...next] });
    this.store.emit("selection");
  }

  /** @param {number} frame */
  seek(frame) {
    const next = Math.max(0, Math.min(this.store.frames - 1, Math.round(frame)));
    if (next === this.store.frame) return;
    this.store.frame = next;
    this.socket.send({ type: "frame", frame: next });
    this.store.emit("frame");
  }

  togglePlay() {
    this.store.playing = !this.store.playing;
    this.store.emit("playing");
    if (!this.store.playing) return;
    if (this.store.frame >= this.store.frames - 1) this.seek(0);
    const from = this.store.frame, began = performance.now();
    const tick = () => {
      if (!this.store.playing) return;
      this.seek((from + Math.floor(((performance.now() - began) / 1000) * RATE_HZ)) % this.store.frames);
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }

  /** Arrow keys and Q/E: shown at once, one command after the last press. @param {number} dx @param {number} dy @param {number} angle */
  nudge(dx, dy, angle) {
    const ids = [...this.store.selection];
    const n = this.nudging ?? { ids, dx: 0, dy: 0, angle: 0, timer: 0 };
    clearTimeout(n.timer);
    Object.assign(n, { dx: n.dx + dx, dy: n.dy + dy, angle: n.angle + angle });
    this.nudging = n;
    this.dropPreview(n.ids);
    this.showDisplaced(n.ids, n.angle, n.dx, n.dy);
    n.timer = window.setTimeout(() => this.flushNudge(), NUDGE_SENDS_AFTER_MS);
  }

  flushNudge() {
    const n = this.nudging;
    if (!n) return;
    clearTimeout(n.timer);
    this.nudging = null;
    this.commitDisplacement(n.ids, n.angle, n.dx, n.dy);
  }

  /** @param {string[]} ids @param {number} angle @param {number} dx @param {number} dy @param {Point} [pivot] */
  showDisplaced(ids, angle, dx, dy, pivot = this.pivot(ids)) {
    this.dropPreview(ids);
    const moved = ids.map((id) => this.store.entity(id)).filter((e) => e !== undefined).map((e) => displaced(this.store, e, angle, pivot, dx, dy));
    this.showPreview(moved);
  }

  /** The point that a selection turns about. @param {string[]} ids @returns {Point} */
  pivot(ids) {
    const boxes = ids.map((id) => this.store.entity(id)).filter((e) => e !== undefined).map((e) => entityBounds(this.store, e)).filter((b) => b !== null);
    if (ids.length === 1 && ids[0] === "ego") return /** @type {Point} */ (egoPose(this.store).slice(0, 2));
    const [x0, y0, x1, y1] = boundsOf(boxes.flatMap((b) => /** @type {Point[]} */ ([[b[0], b[1]], [b[2], b[3]]])));
    return [(x0 + x1) / 2, (y0 + y1) / 2];
  }

  /** Send the motion that the previews show. Cameras on the ego live in its frame, so they are sent as poses. @param {string[]} ids @param {number} angle @param {number} dx @param {number} dy @param {Point} [pivot] */
  commitDisplacement(ids, angle, dx, dy, pivot) {
    const mounted = ids.map((id) => this.store.entity(id)).filter((e) => e?.kind === "camera" && e.mount === "ego");
    for (const camera of mounted) if (camera?.kind === "camera") void this.command("set_camera", { id: camera.id, pose: camera.camera.ego_SE3_camera }, () => this.dropPreview([camera.id]));
    const rest = ids.filter((id) => !mounted.some((c) => c?.id === id));
    if (!rest.length) return;
    const drop = () => this.dropPreview(rest);
    if (angle) {
      this.dropPreview(rest);
      const [x, y] = pivot ?? this.pivot(rest);
      this.showDisplaced(rest, angle, dx, dy, [x, y]);
      void this.command("rotate", { ids: rest, angle, x, y }, dx || dy ? undefined : drop);
    }
    if (dx || dy) void this.command("move", { ids: rest, dx, dy }, drop);
    if (!angle && !dx && !dy) drop();
  }

  /** Bring the selection, or the whole scene, into view. @param {Iterable<string>} [ids] */
  fit(ids) {
    const wanted = ids ? [...ids].map((id) => this.store.entity(id)) : [...this.store.entities(), this.store.entity("ego")];
    const boxes = wanted.filter((e) => e !== undefined).map((e) => entityBounds(this.store, e)).filter((b) => b !== null);
    if (!ids) {
      const [x, y] = egoPose(this.store);
      boxes.push([x - 42, y - 42, x + 42, y + 42]);
      // A city-wide map would shrink the scene to a dot: the first look is at the surroundings of the ego.
      const near = boxes.map((b) => /** @type {[number, number, number, number]} */ ([Math.max(b[0], x - 60), Math.max(b[1], y - 45), Math.min(b[2], x + 60), Math.min(b[3], y + 45)]));
      boxes.splice(0, boxes.length, ...near.filter((b) => b[0] < b[2] && b[1] < b[3]));
    }
    if (!boxes.length) return;
    const box = boundsOf(boxes.flatMap((b) => /** @type {Point[]} */ ([[b[0], b[1]], [b[2], b[3]]])));
    this.view.fit(box, ids ? 120 : 28);
    this.redraw();
  }

  /** @param {number} factor */
  resizeBrush(factor) {
    const key = this.store.tool === "eraser" ? "eraser_m" : "brush_m";
    const step = this.store.options[key] * factor;
    this.store.options[key] = Math.min(20, Math.max(0.2, Math.round(step * 10) / 10 === this.store.options[key] ? step + Math.sign(factor - 1) * 0.1 : Math.round(step * 10) / 10));
    this.store.emit("options");
  }

  save() {
    this.post({ type: "save" }, true);
  }

  /** Frame that commands about time speak of. */
  get time_s() {
    return this.store.frame / RATE_HZ;
  }
}
