/** Making a take: what to make, the button, and how far it is. */

import { button, fill, h, isChord, numberField, politely, selectField } from "../dom.js";
import { plural } from "../entity.js";
import { icon } from "../icons.js";
import { watch } from "../store.js";

const REMEMBERED = "anyscene.generate";
const UNTIL = /** @type {Array<[string, string]>} */ ([["layout", "layout"], ["occupancy", "occupancy"], ["buffers", "buffers"], ["video", "video"]]);
const BUSY = ["queued", "loading", "running"];
/** A scene longer than this is a log: a few seconds of it are made where nobody asks for more. Frames at 12 Hz. */
const SHORT_SCENE = 60, USUAL_FRAMES = 48;
const LOOKS = /** @type {Record<string, string>} */ ({ queued: "Waiting for the engine", loading: "Loading the model", running: "Generating", done: "Done", failed: "Failed", cancelled: "Cancelled" });

/** @param {number} s */
const clock = (s) => (s < 60 ? `${s.toFixed(1)} s` : s < 5400 ? `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")} min` : `${(s / 3600).toFixed(1)} h`);
/** Of what is not measured to the second. @param {number} s */
const about = (s) => (s < 90 ? `about ${Math.max(1, Math.round(s))} s` : s < 5400 ? `about ${Math.round(s / 60)} min` : `about ${(s / 3600).toFixed(1)} h`);

/** @param {App} app */
export function makeGenerate(app) {
  const { store } = app;
  const settings = { frames: /** @type {number|null} */ (null), start: 0, seed: 0, steps: /** @type {number|null} */ (null), preset: "", views: "", until: "video", live: true, world: true };
  try {
    Object.assign(settings, JSON.parse(localStorage.getItem(REMEMBERED) ?? "{}"));
  } catch {
    localStorage.removeItem(REMEMBERED);
  }
  const form = h("div", { class: "grid3" });
  const prompt = /** @type {HTMLTextAreaElement} */ (h("textarea", { class: "prompt", rows: "2", testid: "prompt", label: "Prompt", placeholder: "Light and weather: clear noon. Or: clear noon, at 3 s rain", spellcheck: "false" }));
  const go = button({ text: "Generate", icon: "play", label: "Generate a take", key: "Ctrl+Enter", testid: "generate", class: "primary", press: () => app.generate() });
  const stop = button({ text: "Cancel", label: "Cancel this job; its finished frames stay", key: "Shift+X", testid: "cancel", class: "danger", press: () => app.cancelJob() });
  const live = /** @type {HTMLInputElement} */ (h("input", { type: "checkbox", testid: "live", label: "Live drafts", on: { change: () => { told = ""; keep({ live: live.checked }); } } }));
  const liveBox = h("label", { class: "check", title: "After each edit, draw the frame shown again: only where the edit touched it, everything else is held" }, live, h("span", { text: "Live" }));
  const world = /** @type {HTMLInputElement} */ (h("input", { type: "checkbox", testid: "world", label: "Keep the street of the take shown", on: { change: () => keep({ world: world.checked }) } }));
  const worldBox = h("label", { class: "check", title: "With the same seed, what the scene has not changed stays as the take shown has it; off: everything is drawn anew" }, world, h("span", { text: "Same street" }));
  world.checked = settings.world;
  const onward = button({ icon: "onward", text: "From here", label: "Generate the take's frames from the playhead on anew; those before it are kept as they are, in a new take", key: "Ctrl+Shift+Enter", testid: "generate-on", press: () => app.generateOn() });
  const again = button({ icon: "camera", label: "Pictures again: the take shown as it is, in a new take with its pictures made anew for the cameras, the prompt, the looks and the occupancy edits of now", testid: "pictures-again", press: () => app.seeAnew() });
  const missing = button({ icon: "plus", text: "New views", label: "Pictures of the cameras alone that the take shown has none of, in a new take; those of all others are kept as they are", testid: "missing-views", press: () => app.seeMissing() });
  const bar = h("div", { class: "bar", testid: "progress", role: "progressbar", label: "Progress", "aria-valuemin": "0" }, h("i"));
  const line = h("div", { class: "job-line", testid: "job-line", role: "status" });
  const estimate = h("p", { class: "estimate", testid: "estimate", role: "status" });
  let began = 0;
  /** What the studio was told about live drafts on this connection. */
  let told = "";

  const keep = (/** @type {Partial<typeof settings>} */ change) => {
    Object.assign(settings, change);
    localStorage.setItem(REMEMBERED, JSON.stringify(settings));
    // After the focus has moved on: a redraw at once would take the next field away.
    requestAnimationFrame(draw);
    tellLive();
  };
  const tellLive = () => {
    if (store.link.state !== "open") told = "";
    if (store.link.state !== "open" || !store.scene) return;
    const wish = { type: "live", on: settings.live, preset: settings.preset || store.scene.preset, seed: settings.seed }, text = JSON.stringify(wish);
    if (text !== told && app.socket.send(wish)) told = text;
  };
  app.generate = () => {
    if (!store.scene) return;
    if (document.activeElement instanceof HTMLElement && form.contains(document.activeElement)) document.activeElement.blur();
    const { start_frame, frames } = span();
    if (!(store.job && BUSY.includes(store.job.state))) began = performance.now();
    app.post({ type: "generate", frames, start_frame, seed: settings.seed, steps: settings.steps, ...models(), until: settings.until, cameras: null, anchors: anchors(), world: settings.world }, true);
  };
  app.generateOn = () => {
    if (!store.scene) return;
    if (!mayGoOn()) return app.say("info", "The take shown does not hold the frame before the playhead, so there is nothing to go on from.");
    began = performance.now();
    app.post({ type: "generate", from_frame: store.frame, seed: settings.seed, steps: settings.steps, ...models(), until: settings.until === "layout" ? "occupancy" : settings.until, cameras: null }, true);
  };
  app.seeAnew = (only = {}) => {
    if (!store.scene) return;
    began = performance.now();
    app.post({ type: "generate", seen_anew: true, ...only, seed: settings.seed, ...models(), until: "video", cameras: null, anchors: anchors() }, true);
  };
  app.seeMissing = () => app.seeAnew({ only_cameras: store.unfilmed() });
  app.carryOn = () => {
    if (!store.take?.broken_off) return;
    began = performance.now();
    app.post({ type: "carry_on", path: store.take.path });
  };
  /** Pictures that were dropped on cameras, where the view model begins from one. */
  const anchors = () => (store.scene?.view_models.find((one) => one.name === models().views)?.takes_anchors ? Object.fromEntries([...app.anchors].map(([camera, one]) => [camera, one.name])) : null);
  app.takesAnchors = () => anchors() !== null;
  /** What Generate makes: frames that were asked for, else all of a short scene and the first seconds of a long one. */
  const span = () => {
    const start_frame = Math.min(settings.start, Math.max(0, store.frames - 1)), whole = Math.max(1, store.frames - start_frame);
    return { start_frame, whole, frames: Math.min(settings.frames ?? (whole > SHORT_SCENE ? USUAL_FRAMES : whole), whole) };
  };
  /** Seconds that so many frames take on this machine, null where it was never measured. @param {number} frames */
  const cost = (frames) => {
    const { preset, views } = models(), key = settings.steps === null ? preset : `${preset}/${settings.steps}`;
    const cameras = store.entities().filter((e) => e.kind === "camera" && e.enabled).length;
    const frame_s = settings.until === "layout" ? 0 : store.pace.frame_s[key], picture_s = ["buffers", "video"].includes(settings.until) ? store.pace.picture_s[views] : 0;
    return frame_s === undefined || picture_s === undefined ? null : frames * frame_s + frames * cameras * picture_s;
  };
  /** What the press of Generate would cost. */
  function drawEstimate() {
    if (!store.scene) return void (estimate.textContent = "");
    const { frames, whole } = span(), seconds = cost(frames), all = cost(whole);
    const ahead = store.queue.filter((one) => BUSY.includes(one.state)), waits = ahead.every((one) => one.eta_s != null) ? ahead.reduce((sum, one) => sum + (one.eta_s ?? 0), 0) : null;
    const size = `${plural(frames, "frame")} (${(frames / 12).toFixed(1)} s)`;
    const first = seconds === null ? `${size}: not timed on this machine yet` : `${size}: ${about(seconds)}`;
    estimate.textContent = [first, whole > frames && all !== null && `all ${whole}: ${about(all)}`, ahead.length > 0 && `after ${ahead.length} in the queue${waits ? `, ${about(waits)}` : ""}`].filter(Boolean).join(" · ");
  }
  /** The pair of models: the preset's, or its occupancy with the views that were chosen beside it, where they can run here. */
  const models = () => {
    const scene = store.scene, preset = settings.preset || (scene?.presets[0]?.name ?? ""), offered = scene?.view_models.map((one) => one.name) ?? [];
    const usual = scene?.presets.find((one) => one.name === preset)?.views ?? "";
    return { preset, views: [settings.views, usual, offered[0] ?? ""].find((name) => offered.includes(name)) ?? "" };
  };
  /** Whether the take shown holds the frame before the playhead. */
  const mayGoOn = () => {
    const take = store.take, before = store.frame - 1;
    return take !== null && [take, ...take.behind].some((t) => t.stage !== "layout" && before >= t.start_frame && before < t.start_frame + t.frames);
  };
  app.cancelJob = () => {
    if (store.job && BUSY.includes(store.job.state)) app.post({ type: "cancel", job: store.job.id });
  };
  prompt.addEventListener("blur", () => store.scene && prompt.value !== store.scene.prompt && void app.command("set_scene", { prompt: prompt.value }));
  prompt.addEventListener("keydown", (event) => {
    if (!isChord(event)) event.stopPropagation();
  });

  const draw = politely(form, () => {
    drawEstimate();
    const presets = store.scene?.presets.map((one) => one.name) ?? [], offered = store.scene?.view_models ?? [];
    if (!presets.includes(settings.preset)) settings.preset = store.scene?.preset ?? presets[0] ?? "";
    const { views } = models(), about = offered.find((one) => one.name === views)?.description ?? "";
    const lastSeed = store.take?.seed ?? store.job?.recipe?.seed;
    fill(form,
      numberField({ label: "Frames", value: settings.frames, placeholder: `${span().frames}`, digits: 0, step: 1, min: 1, max: store.frames, testid: "frames", title: "How many frames, at 12 per second; empty: all of a short scene, the first 4 s of a long one", change: (v) => keep({ frames: v }) }),
      numberField({ label: "From", name: "First frame", value: settings.start, digits: 0, step: 1, min: 0, max: Math.max(0, store.frames - 1), testid: "start-frame", change: (v) => keep({ start: v ?? 0 }) }),
      numberField({ label: "Steps", name: "Sampler steps", value: settings.steps, placeholder: "auto", digits: 0, step: 1, min: 1, max: 200, testid: "steps", title: "Sampler steps; empty: the preset's own", change: (v) => keep({ steps: v }) }),
      h("div", { class: "seed-field wide" },
        numberField({ label: "Seed", value: settings.seed, digits: 0, step: 1, min: 0, max: 2 ** 31 - 1, testid: "seed", change: (v) => keep({ seed: v ?? 0 }) }),
        button({ icon: "dice", label: "A new random seed", testid: "seed-dice", class: "ghost", press: () => keep({ seed: Math.floor(Math.random() * 100000) }) }),
        button({ icon: "reuse", label: lastSeed === undefined ? "Reuse the seed of the take shown" : `Reuse seed ${lastSeed} of the take shown`, testid: "seed-reuse", class: "ghost", press: () => lastSeed !== undefined && keep({ seed: lastSeed }) })),
      selectField({ label: "Until", value: settings.until, testid: "until", title: "How far to go", options: UNTIL, change: (v) => keep({ until: v }) }),
      selectField({ label: "Preset", value: settings.preset, testid: "preset", title: "What makes the occupancy, and the views where none are chosen", options: presets.map((p) => [p, p]), change: (v) => keep({ preset: v, views: "" }) }),
      h("div", { class: "wide" }, selectField({ label: "Views", name: "View model", value: views, testid: "views", title: `What draws the pictures: ${about}`, options: offered.map((one) => [one.name, one.name]), change: (v) => keep({ views: v }) })));
  });

  function progress() {
    const job = store.job, busy = Boolean(job && BUSY.includes(job.state));
    go.disabled = !store.scene;
    go.title = busy ? "Generate a take: it waits in the queue  (Ctrl+Enter)" : "Generate a take  (Ctrl+Enter)";
    stop.hidden = !busy;
    onward.hidden = again.hidden = busy;
    const lacks = store.unfilmed().length, said = missing.querySelector("span:last-child");
    missing.hidden = busy || !lacks;
    if (said) said.textContent = plural(lacks, "new view");
    again.disabled = !store.take || store.take.stage === "layout";
    onward.disabled = !mayGoOn();
    const words = onward.querySelector("span:last-child");
    if (words) words.textContent = mayGoOn() ? `From frame ${store.frame}` : "From here";
    const done = job?.frames_done ?? 0, total = job?.frames_total ?? 0;
    const fraction = job?.state === "done" ? 1 : total ? done / total : 0;
    bar.className = `bar ${job?.state ?? ""}`;
    /** @type {HTMLElement} */ (bar.firstChild).style.width = `${(fraction * 100).toFixed(1)}%`;
    bar.setAttribute("aria-valuemax", String(total));
    bar.setAttribute("aria-valuenow", String(done));
    if (!job) return fill(line, h("span", { class: "faint", text: "Ctrl+Enter starts. Frames appear here and in 3D as they are made." }));
    const seconds = busy && began ? Math.max(job.seconds ?? 0, (performance.now() - began) / 1000) : job.seconds ?? 0;
    const waits = store.queue.filter((one) => one.state === "queued" && one.id !== job.id).length;
    const since = (performance.now() - job.at) / 1000, left = busy && job.eta_s != null ? `${clock(Math.max(0, job.eta_s - since))} left` : "";
    const piece = job.stage === "buffers" || job.stage === "video" ? "picture" : "frame";
    const failed = job.state === "failed";
    fill(line,
      h("b", { class: `state ${job.state}`, text: LOOKS[job.state] ?? job.state }), !failed && job.stage && h("span", { text: job.stage }), job.state === "queued" && (job.position ?? 0) > 0 && h("span", { text: `${job.position}. in line${job.starts_in_s == null ? "" : `, starts in ${clock(Math.max(0, job.starts_in_s - since))}`}` }),
      total > 0 && h("span", { class: "mono", text: `${piece} ${done}/${total}` }), h("span", { class: "mono", text: clock(seconds) }), left && h("span", { class: "mono faint", text: left }), waits > 0 && h("span", { class: "faint", text: `${waits} more in line` }),
      job.state === "cancelled" && (job.frames_kept ?? 0) > 0 && h("p", { class: "faint", text: `${plural(job.frames_kept ?? 0, "finished frame")} ${job.frames_kept === 1 ? "is" : "are"} kept.` }),
      busy && job.engine && h("p", { class: "faint", testid: "job-engine", text: job.engine }),
      job.message && (failed || busy) && h("p", { class: failed ? "sentence" : "faint", text: job.message }),
      (job.notes ?? []).map((note) => h("p", { class: "faint", testid: "job-note", text: note })));
  }
  watch(store, ["scene", "take", "job"], () => {
    draw();
    if (document.activeElement !== prompt) prompt.value = store.scene?.prompt ?? "";
  });
  watch(store, ["link", "scene"], tellLive);
  watch(store, ["live"], () => (live.checked = store.live));
  watch(store, ["job", "queue", "scene", "take", "frame"], progress);
  watch(store, ["pace", "queue", "scene", "entities"], drawEstimate);
  setInterval(() => store.job && BUSY.includes(store.job.state) && progress(), 250);
  const stale = h("span", { class: "badge", testid: "stale", title: "The scene changed since this take was made" }, icon("reuse", 12), "take is stale");
  watch(store, ["take"], () => (stale.hidden = !store.take?.stale));
  const head = h("span", { class: "head-tools" }, stale, liveBox, worldBox);
  return { head, body: h("div", { class: "generate" }, prompt, form, estimate, h("div", { class: "go" }, go, onward, missing, again, stop), bar, line) };
}
