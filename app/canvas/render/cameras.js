/** Cameras: a lens, a wedge as wide as the field of view, and a name. */

import { fovOf, placeOf } from "../entity.js";

const REACH_M = 9;

/** @param {CanvasRenderingContext2D} ctx @param {import("../app.js").App} app */
export function drawCameras(ctx, app) {
  const { store, view } = app;
  for (const entity of store.entities()) {
    if (entity.kind !== "camera") continue;
    const at = placeOf(store, entity);
    if (at) drawFrustum(ctx, view, at, fovOf(entity.camera), { chosen: store.selection.has(entity.id), hover: store.hover === entity.id, enabled: entity.enabled, name: store.show.labels ? entity.camera.name : "" });
  }
}

/** @param {CanvasRenderingContext2D} ctx @param {import("../view.js").View} view @param {[number, number, number]} at @param {number} fov @param {{chosen: boolean, hover: boolean, enabled: boolean, name: string}} look */
export function drawFrustum(ctx, view, [x, y, heading], fov, look) {
  const [px, py] = view.toPx(x, y);
  const reach = Math.max(26, Math.min(REACH_M * view.scale, 150)) * (look.chosen ? 1.25 : 1);
  const a0 = -heading - fov / 2, a1 = -heading + fov / 2;
  ctx.save();
  ctx.globalAlpha = look.enabled ? 1 : 0.35;
  const wash = ctx.createRadialGradient(px, py, 0, px, py, reach);
  const strength = look.chosen ? 0.5 : look.hover ? 0.38 : 0.2;
  wash.addColorStop(0, `rgba(168,139,250,${strength})`);
  wash.addColorStop(1, "rgba(168,139,250,0.02)");
  ctx.beginPath();
  ctx.moveTo(px, py);
  ctx.arc(px, py, reach, a0, a1);
  ctx.closePath();
  ctx.fillStyle = wash;
  ctx.fill();
  ctx.beginPath();
  ctx.moveTo(px + reach * Math.cos(a0), py + reach * Math.sin(a0));
  ctx.lineTo(px, py);
  ctx.lineTo(px + reach * Math.cos(a1), py + reach * Math.sin(a1));
  ctx.strokeStyle = look.chosen ? "#fff" : "rgba(184,160,255,0.7)";
  ctx.lineWidth = look.chosen ? 1.6 : 1;
  ctx.stroke();
  ctx.beginPath();
  ctx.arc(px, py, look.chosen ? 5 : 4, 0, 7);
  ctx.fillStyle = look.chosen ? "#fff" : "#a88bfa";
  ctx.fill();
  ctx.strokeStyle = "#0b0d11";
  ctx.lineWidth = 1;
  ctx.stroke();
  if (look.name && (look.chosen || look.hover || view.scale > 22)) {
    ctx.font = "11px system-ui, 'DejaVu Sans', sans-serif";
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.lineWidth = 3;
    ctx.strokeStyle = "rgba(11,13,17,0.85)";
    const tx = px + reach * 0.72 * Math.cos(heading), ty = py - reach * 0.72 * Math.sin(heading);
    ctx.strokeText(look.name, tx, ty);
    ctx.fillStyle = "#e4dbff";
    ctx.fillText(look.name, tx, ty);
  }
  ctx.restore();
}
