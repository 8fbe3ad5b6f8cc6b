/** Frames and seconds, what is generated, and the keyframes of every track. */

import { button, fill, h } from "../dom.js";
import { icon } from "../icons.js";
import { timeToCollision } from "../closeness.js";
import { labelOf, plural } from "../entity.js";
import { watch } from "../store.js";
import { RATE_HZ } from "../tracks.js";
import { draftShown } from "./badge.js";

/** What an unfinished take lacks. @param {number} frames whose occupancy is there @param {number} asked */
export const brokenOff = (frames, asked) => (frames < asked ? `unfinished, ${frames} of ${plural(asked, "frame")}` : "unfinished, pictures are missing");

/** Of the names: a fifth of the width, within these. */
const GUTTER_PX = [140, 240];
const RIGHT_PX = 16;
const RULER_PX = 22;
const TAKE_PX = 12;
const ROW_PX = 20;
/** Times to collision below this are shown in the row of the agent that is selected; below the other one in red. */
const TTC_SHOWN_S = 4;
const TTC_GRAVE_S = 1.5;
const DRAFT = "#6aa7ff";
const FONT = "11px ui-monospace, 'DejaVu Sans Mono', monospace";

/** 'frame 3', or 'frames 3–8'. @param {{start_frame: number, frames: number}} take */
const framesOf = (take) => (take.frames === 1 ? `frame ${take.start_frame}` : `frames ${take.start_frame}–${take.start_frame + take.frames - 1}`);

/** @param {App} app */
export function makeTimeline(app) {
  const { store } = app;
  const canvas = /** @type {HTMLCanvasElement} */ (h("canvas", { class: "tracks" }));
  const ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const scrubber = h("div", { class: "scrubber", testid: "scrubber", role: "slider", tabindex: "0", label: "Frame", "aria-valuemin": "0" }, canvas);
  const label = h("span", { class: "frame-label", testid: "frame-label" });
  const play = button({ icon: "play", label: "Play or pause", key: "Space", testid: "play", class: "ghost", press: () => app.togglePlay() });
  const takeText = h("span", { class: "faint take-text", testid: "take-label" }), takeMark = h("span", { class: "take-mark" });
  let width = 1, height = 1, ratio = 1, scroll = 0, gutter = GUTTER_PX[0];
  /** @type {{id: string, index: number, frame: number, moved: boolean}|null} */ let dragging = null;
  let scrubbing = false;

  const x = (/** @type {number} */ frame) => gutter + ((frame + 0.5) / store.frames) * (width - gutter - RIGHT_PX);
  const frameAt = (/** @type {number} */ px) => Math.floor(((px - gutter) / (width - gutter - RIGHT_PX)) * store.frames);
  const rowsTop = RULER_PX + TAKE_PX + 4;

  /** @returns {Tracked[]} */
  function rows() {
    const ego = store.entity("ego");
    const agents = store.entities().filter((e) => e.kind === "agent");
    const chosen = agents.filter((a) => store.selection.has(a.id)), rest = agents.filter((a) => !store.selection.has(a.id));
    return [...(ego?.kind === "ego" ? [ego] : []), ...chosen, ...rest];
  }

  function draw() {
    const all = rows();
    scroll = Math.max(0, Math.min(scroll, all.length * ROW_PX - (height - rowsTop)));
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.fillStyle = "#12161c";
    ctx.fillRect(0, 0, width, height);
    drawRuler();
    drawTake();
    ctx.save();
    ctx.beginPath();
    ctx.rect(0, rowsTop, width, height - rowsTop);
    ctx.clip();
    const first = Math.floor(scroll / ROW_PX);
    for (let i = first; i < all.length && rowsTop + i * ROW_PX - scroll < height; i++) drawRow(all[i], rowsTop + i * ROW_PX - scroll);
    ctx.restore();
    const px = Math.round(x(store.frame)) + 0.5;
    ctx.strokeStyle = "#6ea2ff";
    ctx.lineWidth = 1.5;
    ctx.beginPath();
    ctx.moveTo(px, 6);
    ctx.lineTo(px, height);
    ctx.stroke();
    ctx.fillStyle = "#6ea2ff";
    ctx.beginPath();
    ctx.moveTo(px - 6, 2);
    ctx.lineTo(px + 6, 2);
    ctx.lineTo(px + 6, 9);
    ctx.lineTo(px, 15);
    ctx.lineTo(px - 6, 9);
    ctx.fill();
  }

  function drawRuler() {
    ctx.fillStyle = "#171c23";
    ctx.fillRect(0, 0, width, RULER_PX);
    const perFrame = (width - gutter - RIGHT_PX) / store.frames;
    const every_s = [1 / 12, 0.25, 0.5, 1, 2, 5, 10, 20].find((s) => s * RATE_HZ * perFrame >= 52) ?? 30;
    ctx.font = FONT;
    ctx.textBaseline = "middle";
    ctx.fillStyle = "#949fae";
    ctx.textAlign = "left";
    ctx.fillText("seconds", 12, RULER_PX / 2 + 1);
    const tick = perFrame >= 4 ? 1 : RATE_HZ;
    for (let f = 0; f < store.frames; f += tick) {
      ctx.fillStyle = f % RATE_HZ === 0 ? "#475161" : "#2b333f";
      ctx.fillRect(Math.round(x(f)), RULER_PX - (f % RATE_HZ === 0 ? 8 : 4), 1, f % RATE_HZ === 0 ? 8 : 4);
    }
    ctx.fillStyle = "#9aa4b2";
    ctx.textAlign = "center";
    for (let t = 0; t * RATE_HZ < store.frames; t += every_s) ctx.fillText(`${+t.toFixed(2)}`, x(t * RATE_HZ), 8);
  }

  function drawTake() {
    const y = RULER_PX + 2, wide = (width - gutter - RIGHT_PX) / store.frames;
    ctx.fillStyle = "#949fae";
    ctx.textAlign = "left";
    ctx.fillText("generated", 12, y + TAKE_PX / 2);
    const job = store.job, running = job && (job.state === "running" || job.state === "loading" || job.state === "queued");
    const take = store.take;
    const making = running && take?.id === job.id;
    const layers = take ? [take, ...take.behind] : [];
    for (let f = 0; f < store.frames; f++) {
      // Of the newest take only what it has so far; behind it the longer ones.
      const shown = layers.find((t) => f >= t.start_frame && f < t.start_frame + (making && t === take ? job.frames_kept ?? 0 : t.frames));
      const wanted = running && f >= (job.recipe?.start_frame ?? 0) && f < (job.recipe?.start_frame ?? 0) + (job.recipe?.frames ?? job.frames_total);
      ctx.fillStyle = shown ? (shown.stale ? "#8a6a2a" : "#3f9d6b") : wanted ? "#2a3b52" : "#1d232b";
      ctx.fillRect(gutter + f * wide + 0.5, y + 2, Math.max(1, wide - 1), TAKE_PX - 5);
    }
    const draft = draftShown(app);
    if (draft) {
      ctx.fillStyle = DRAFT;
      ctx.fillRect(gutter + draft.frame * wide + 0.5, y + 2, Math.max(1, wide - 1), TAKE_PX - 5);
    }
    if (take?.stale && !running) {
      ctx.strokeStyle = "rgba(255,200,90,0.5)";
      ctx.beginPath();
      const from = x(take.start_frame) - wide / 2, to = x(Math.min(store.frames, take.start_frame + take.frames) - 1) + wide / 2;
      for (let px = from; px < to - 4; px += 7) {
        ctx.moveTo(px, y + TAKE_PX - 3);
        ctx.lineTo(px + 5, y + 2);
      }
      ctx.lineWidth = 1;
      ctx.stroke();
    }
  }

  /** @param {Tracked} entity @param {number} y */
  function drawRow(entity, y) {
    const chosen = store.selection.has(entity.id);
    if (chosen) {
      ctx.fillStyle = "rgba(79,140,255,0.16)";
      ctx.fillRect(0, y, width, ROW_PX);
    }
    ctx.fillStyle = "rgba(255,255,255,0.045)";
    ctx.fillRect(0, y + ROW_PX - 1, width, 1);
    const colour = entity.kind === "ego" ? "#35d0e6" : `rgb(${store.rgb(entity.class_name)})`;
    ctx.fillStyle = colour;
    ctx.fillRect(12, y + 6, 7, 7);
    ctx.font = "11px system-ui, 'DejaVu Sans', sans-serif";
    ctx.textAlign = "left";
    ctx.textBaseline = "middle";
    ctx.fillStyle = chosen ? "#fff" : "#aab4c2";
    let text = labelOf(entity);
    while (text.length > 4 && ctx.measureText(text).width > gutter - 34) text = `${text.slice(0, -2)}…`;
    ctx.fillText(text, 26, y + ROW_PX / 2);
    const from = entity.kind === "agent" && entity.appears_s !== null ? entity.appears_s * RATE_HZ : 0;
    const to = entity.kind === "agent" && entity.disappears_s !== null ? entity.disappears_s * RATE_HZ : store.frames - 1;
    if (chosen && entity.kind === "agent") drawCollision(entity, y);
    ctx.globalAlpha = chosen ? 0.55 : 0.3;
    ctx.fillStyle = colour;
    ctx.fillRect(x(Math.max(0, from)), y + ROW_PX / 2 - 1, Math.max(2, x(Math.min(store.frames - 1, to)) - x(Math.max(0, from))), 2);
    ctx.globalAlpha = 1;
    const crowded = entity.keyframes.length > (width - gutter) / 8;
    entity.keyframes.forEach((k, i) => {
      const frame = dragging?.id === entity.id && dragging.index === i ? dragging.frame : k[0] * RATE_HZ;
      if (frame < 0) return;
      if (crowded) {
        ctx.fillStyle = chosen ? "#ffb020" : "#8c96a5";
        return ctx.fillRect(Math.min(x(frame), width - 7) - 0.5, y + ROW_PX / 2 - 2.5, 1, 5);
      }
      ctx.save();
      ctx.translate(Math.min(x(frame), width - 7), y + ROW_PX / 2);
      if (frame > store.frames + 1e-6) ctx.globalAlpha = 0.4;
      ctx.rotate(Math.PI / 4);
      const half = chosen ? 4.2 : 3;
      ctx.fillStyle = Math.abs(frame - store.frame) < 0.5 ? "#fff" : chosen ? "#ffb020" : "#8c96a5";
      ctx.fillRect(-half, -half, 2 * half, 2 * half);
      ctx.strokeStyle = "#12161c";
      ctx.lineWidth = 1;
      ctx.strokeRect(-half, -half, 2 * half, 2 * half);
      ctx.restore();
    });
  }

  /** The time to collision with the ego, a strip under the row of the agent that is selected. @param {AgentEntity} agent @param {number} y */
  function drawCollision(agent, y) {
    const ego = /** @type {EgoEntity|undefined} */ (store.entity("ego")), wide = (width - gutter - RIGHT_PX) / store.frames;
    if (!ego) return;
    timeToCollision(ego.keyframes, agent, store.frames).forEach((ttc_s, f) => {
      if (ttc_s > TTC_SHOWN_S) return;
      ctx.fillStyle = ttc_s < TTC_GRAVE_S ? "#f26d6d" : "#f0b429";
      const high = 3 + 8 * (1 - ttc_s / TTC_SHOWN_S);
      ctx.fillRect(gutter + f * wide, y + ROW_PX - 1 - high, Math.max(1, wide), high);
    });
  }

  /** @param {PointerEvent} event */
  function hit(event) {
    const box = canvas.getBoundingClientRect(), px = event.clientX - box.left, py = event.clientY - box.top;
    const row = py < rowsTop ? null : rows()[Math.floor((py - rowsTop + scroll) / ROW_PX)] ?? null;
    const index = row ? row.keyframes.findIndex((k) => Math.abs(Math.min(x(k[0] * RATE_HZ), width - 7) - px) < 6) : -1;
    return { px, row, index };
  }

  scrubber.addEventListener("pointerdown", (event) => {
    scrubber.setPointerCapture(event.pointerId);
    const { px, row, index } = hit(event);
    if (row && (px < gutter || index >= 0)) app.select([row.id]);
    if (row && index >= 0) dragging = { id: row.id, index, frame: Math.round(row.keyframes[index][0] * RATE_HZ), moved: false };
    else if (px >= gutter - 4) {
      scrubbing = true;
      app.seek(frameAt(px));
    }
    draw();
  });
  scrubber.addEventListener("pointermove", (event) => {
    const { px, row, index } = hit(event);
    if (scrubbing) app.seek(frameAt(px));
    else if (dragging) {
      const frame = Math.max(0, Math.min(store.frames - 1, frameAt(px)));
      if (frame !== dragging.frame) Object.assign(dragging, { frame, moved: true });
      draw();
    } else scrubber.style.cursor = index >= 0 ? "ew-resize" : row && px < gutter ? "pointer" : "default";
  });
  const release = () => {
    const done = dragging;
    dragging = null;
    scrubbing = false;
    if (!done) return;
    const entity = store.entity(done.id);
    if (!entity || (entity.kind !== "agent" && entity.kind !== "ego")) return;
    const k = entity.keyframes[done.index];
    if (done.moved && k) void app.command("move_waypoint", { id: done.id, index: done.index, x: k[1], y: k[2], yaw: k[4], time_s: done.frame / RATE_HZ });
    else if (k) app.seek(k[0] * RATE_HZ);
    draw();
  };
  scrubber.addEventListener("pointerup", release);
  scrubber.addEventListener("lostpointercapture", release);
  scrubber.addEventListener("wheel", (event) => {
    scroll += event.deltaY;
    draw();
    event.preventDefault();
  }, { passive: false });

  watch(store, ["playing"], () => play.replaceChildren(icon(store.playing ? "pause" : "play")));
  watch(store, ["frame", "scene", "entities", "selection", "preview", "take", "job", "strip"], () => {
    label.textContent = `frame ${store.frame} / ${store.frames - 1}   ${(store.frame / RATE_HZ).toFixed(2)} s`;
    scrubber.setAttribute("aria-valuemax", String(store.frames - 1));
    scrubber.setAttribute("aria-valuenow", String(store.frame));
    scrubber.setAttribute("aria-valuetext", label.textContent);
    const take = store.take;
    const behind = take?.behind[0];
    fill(takeMark, Boolean(take?.broken_off) && h("b", { class: "unfinished", testid: "unfinished", text: brokenOff(take?.frames ?? 0, take?.broken_off ?? 0) }), Boolean(take?.broken_off) && button({ text: "Continue", label: "Continue: make what the unfinished take lacks, in a take beside it", testid: "carry-on", press: () => app.carryOn() }));
    const making = store.job !== null && ["queued", "loading", "running"].includes(store.job.state), kept = making && take?.id === store.job?.id ? store.job?.frames_kept ?? 0 : null;
    takeText.textContent = take ? `Take: ${kept === null || kept >= take.frames ? framesOf(take) : `${kept} of ${plural(take.frames, "frame")} so far`}, ${take.stage}${take.stale ? "; the scene changed since" : ""}${behind ? `; behind it ${behind.start_frame}–${behind.start_frame + behind.frames - 1}` : ""}` : making ? "No take yet: one is being made" : "No take yet: Generate makes one";
    takeText.title = take ? [take, ...take.behind].map((t) => `${t.name}: frames ${t.start_frame}–${t.start_frame + t.frames - 1}, ${t.stage}, occupancy '${t.occupancy}', views '${t.views}', seed ${t.seed}${t.stale ? ", the scene changed since" : ""}`).join("\n") : "";
    takeText.classList.toggle("stale", Boolean(take?.stale));
    draw();
  });
  new ResizeObserver(() => {
    const box = scrubber.getBoundingClientRect();
    [width, height, ratio] = [box.width, box.height, window.devicePixelRatio || 1];
    gutter = Math.max(GUTTER_PX[0], Math.min(GUTTER_PX[1], Math.round(0.2 * width)));
    Object.assign(canvas, { width: Math.round(width * ratio), height: Math.round(height * ratio) });
    draw();
  }).observe(scrubber);

  /** @param {1|-1} way */
  const toKey = (way) => {
    const times = [...store.selection].map((id) => store.entity(id)).flatMap((e) => (e && (e.kind === "agent" || e.kind === "ego") ? e.keyframes.map((k) => Math.round(k[0] * RATE_HZ)) : []));
    const next = times.filter((f) => (f - store.frame) * way > 0).sort((a, b) => (a - b) * way)[0];
    if (next !== undefined) app.seek(next);
  };
  app.toKeyframe = toKey;
  return h("section", { class: "timeline", label: "Timeline" },
    h("div", { class: "timeline-bar" },
      button({ icon: "first", label: "First frame", key: "Home", class: "ghost", press: () => app.seek(0) }),
      button({ icon: "back", label: "Previous frame", key: "Left", class: "ghost", press: () => app.seek(store.frame - 1) }), play,
      button({ icon: "forward", label: "Next frame", key: "Right", class: "ghost", press: () => app.seek(store.frame + 1) }),
      button({ icon: "last", label: "Last frame", key: "End", class: "ghost", press: () => app.seek(store.frames - 1) }),
      label, takeText, takeMark), scrubber);
}
