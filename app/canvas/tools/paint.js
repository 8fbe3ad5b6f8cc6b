/** Brush, eraser and fill: cells of one channel. */

import { spoken } from "../entity.js";
import { boundsOf } from "../geometry.js";

/** Of a stroke's points, in radii, and at least a pixel. */
const SPACING = 0.12;
/** Around a footprint, what its outline and a pixel's edge take. */
const OUTLINE_PX = 4;

/** @type {Stroke|null} */
let stroke = null;

/** Whether the channel takes paint; says why not. @param {App} app */
export function mayPaint(app) {
  const { store } = app;
  if (store.locked.has(store.channel)) {
    app.say("warn", `${spoken(store.channel)} is locked: unlock it in the channel list to paint on it.`);
    return false;
  }
  if (store.hidden.has(store.channel)) {
    store.hidden.delete(store.channel);
    app.say("info", `${spoken(store.channel)} was hidden; it is shown again, so that you see what you paint.`);
    store.emit("channels");
  }
  return true;
}

/** @param {CanvasRenderingContext2D} ctx @param {App} app @param {number} radius_m @param {boolean} erases */
function drawFootprint(ctx, app, radius_m, erases) {
  if (!app.pointer) return;
  const [px, py] = app.pointer.px, r = radius_m * app.view.scale;
  ctx.beginPath();
  ctx.arc(px, py, r, 0, 7);
  if (!stroke) {
    ctx.fillStyle = erases ? "rgba(255,255,255,0.06)" : `rgba(${app.store.rgb(app.store.channel)},0.3)`;
    ctx.fill();
  }
  ctx.lineWidth = 3;
  ctx.strokeStyle = "rgba(0,0,0,0.55)";
  ctx.stroke();
  ctx.lineWidth = 1.3;
  ctx.strokeStyle = "#fff";
  if (erases) ctx.setLineDash([4, 3]);
  ctx.stroke();
  ctx.setLineDash([]);
  ctx.fillStyle = "#fff";
  ctx.fillRect(px - 0.75, py - 0.75, 1.5, 1.5);
}

/** @param {"brush"|"eraser"} name @returns {Tool} */
function strokeTool(name) {
  const erases = name === "eraser";
  const radius = (/** @type {App} */ app) => (erases ? app.store.options.eraser_m : app.store.options.brush_m) / 2;
  return {
    name, label: erases ? "Eraser" : "Brush", key: erases ? "E" : "B", icon: name,
    hint: erases ? "Drag erases the active channel, shapes and paint alike · [ ] or Ctrl+wheel: size" : "Drag paints the active channel · [ ] or Ctrl+wheel: size · 1–9, 0: channel",
    cursor: () => "none",
    down(at, app) {
      if (!mayPaint(app)) return;
      stroke = { channel: app.store.channel, erases, radius_m: radius(app), points: [at.world], span: app.store.span(), seq: null };
      app.store.strokes.push(stroke);
    },
    drag(at, app) {
      if (!stroke) return;
      for (const p of at.coalesced) {
        const last = stroke.points[stroke.points.length - 1];
        if (Math.hypot(p[0] - last[0], p[1] - last[1]) >= Math.max(SPACING * stroke.radius_m, 1 / app.view.scale)) stroke.points.push(p);
      }
    },
    up(_at, app) {
      const done = stroke;
      stroke = null;
      if (!done) return;
      const { channel, erases: e, radius_m, points, span } = done;
      void app.command("paint_stroke", { channel, erases: e, radius_m, points, span }, () => {
        app.store.strokes = app.store.strokes.filter((s) => s !== done);
        app.store.emit("preview");
      });
    },
    cancel(app) {
      const dropped = stroke !== null;
      app.store.strokes = app.store.strokes.filter((s) => s !== stroke);
      stroke = null;
      app.store.emit("preview");
      return dropped;
    },
    touched(before, at, app) {
      // The stroke's last point may lie a spacing behind the pointer.
      const [x0, y0, x1, y1] = boundsOf([before.px, at.px, ...at.coalesced.map((p) => app.view.toPx(...p))]), reach = (1 + SPACING) * radius(app) * app.view.scale + OUTLINE_PX;
      return [x0 - reach, y0 - reach, x1 + reach, y1 + reach];
    },
    draw: (ctx, app) => drawFootprint(ctx, app, radius(app), erases),
  };
}

export const brushTool = strokeTool("brush");
export const eraserTool = strokeTool("eraser");

/** @type {Tool} */
export const fillTool = {
  name: "fill", label: "Fill", key: "F", icon: "fill",
  hint: "Click fills the region under the cursor, up to the generated window · Shift-click clears it",
  cursor: () => "crosshair",
  down(at, app) {
    if (!mayPaint(app)) return;
    void app.command("fill", { channel: app.store.channel, erases: at.shift || app.store.options.fillErases, x: at.world[0], y: at.world[1], span: app.store.span(), frame: app.store.frame });
  },
};
