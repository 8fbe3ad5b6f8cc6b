/** The outline of what is to be drawn anew, in every tool as long as it is in hand. */

/** @param {CanvasRenderingContext2D} ctx @param {Point[]} ring_px @param {boolean} [muted] */
export function traceRegion(ctx, ring_px, muted = false) {
  if (ring_px.length < 2) return;
  ctx.beginPath();
  ring_px.forEach(([x, y], i) => (i ? ctx.lineTo(x, y) : ctx.moveTo(x, y)));
  ctx.closePath();
  ctx.fillStyle = muted ? "rgba(190,150,255,0.05)" : "rgba(190,150,255,0.13)";
  ctx.fill();
  ctx.lineJoin = "round";
  ctx.lineWidth = 3.2;
  ctx.strokeStyle = "rgba(10,12,16,0.7)";
  ctx.stroke();
  ctx.lineWidth = 1.5;
  ctx.strokeStyle = muted ? "rgba(201,168,255,0.45)" : "#c9a8ff";
  ctx.setLineDash([6, 4]);
  ctx.stroke();
  ctx.setLineDash([]);
}

/** @param {CanvasRenderingContext2D} ctx @param {import("../app.js").App} app */
export function drawRegion(ctx, app) {
  const { region, variant } = app.store;
  if (region) traceRegion(ctx, region.map((p) => app.view.toPx(...p)), Boolean(variant && !variant.shown));
}
