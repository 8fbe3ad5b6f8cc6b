/** Ground: metre grid, scale bar, and the labels along the edges. */

const STEPS_M = [1, 2, 5, 10, 20, 50, 100, 200, 500];

/** A round number of metres that spans at least `px` pixels. @param {number} scale @param {number} px */
export function roundStep(scale, px) {
  return STEPS_M.find((m) => m * scale >= px) ?? 1000;
}

/** @param {CanvasRenderingContext2D} ctx @param {import("../view.js").View} view */
export function drawGrid(ctx, view) {
  const coarse = roundStep(view.scale, 70), fine = coarse / 5;
  const [x0, y0, x1, y1] = view.bounds();
  for (const [step, colour] of /** @type {[number, string][]} */ ([[fine, "rgba(255,255,255,0.028)"], [coarse, "rgba(255,255,255,0.075)"]])) {
    ctx.beginPath();
    for (let x = Math.floor(x0 / step) * step; x <= x1; x += step) {
      const px = Math.round(view.toPx(x, 0)[0]) + 0.5;
      ctx.moveTo(px, 0);
      ctx.lineTo(px, view.height);
    }
    for (let y = Math.floor(y0 / step) * step; y <= y1; y += step) {
      const py = Math.round(view.toPx(0, y)[1]) + 0.5;
      ctx.moveTo(0, py);
      ctx.lineTo(view.width, py);
    }
    ctx.strokeStyle = colour;
    ctx.lineWidth = 1;
    ctx.stroke();
  }
}

/** @param {CanvasRenderingContext2D} ctx @param {import("../view.js").View} view */
export function drawRulers(ctx, view) {
  const step = roundStep(view.scale, 70);
  const [x0, y0, x1, y1] = view.bounds();
  ctx.font = "11px ui-monospace, 'DejaVu Sans Mono', monospace";
  ctx.textBaseline = "alphabetic";
  /** @param {string} text @param {number} x @param {number} y */
  const label = (text, x, y) => {
    ctx.strokeStyle = "rgba(11,13,17,0.85)";
    ctx.lineWidth = 3;
    ctx.lineJoin = "round";
    ctx.strokeText(text, x, y);
    ctx.fillStyle = "rgba(198,208,222,0.72)";
    ctx.fillText(text, x, y);
  };
  const bar = roundStep(view.scale, 60), width = bar * view.scale, right = view.width - 16, base = view.height - 12;
  const clear = right - width - ctx.measureText(`${bar} m`).width - 24;
  ctx.textAlign = "center";
  for (let x = Math.ceil(x0 / step) * step; x <= x1; x += step) {
    const px = view.toPx(x, 0)[0];
    if (px > 40 && px + ctx.measureText(`${x}`).width / 2 < clear) label(`${x}`, px, view.height - 7);
  }
  ctx.textAlign = "left";
  for (let y = Math.ceil(y0 / step) * step; y <= y1; y += step) {
    const py = view.toPx(0, y)[1];
    if (py > 48 && py < view.height - 24) label(`${y}`, 6, py + 3);
  }
  ctx.strokeStyle = "rgba(11,13,17,0.85)";
  ctx.lineWidth = 4;
  ctx.strokeRect(right - width, base - 3, width, 3);
  ctx.fillStyle = "#dfe5ee";
  ctx.fillRect(right - width, base - 3, width, 3);
  ctx.fillRect(right - width, base - 7, 1.5, 7);
  ctx.fillRect(right - 1.5, base - 7, 1.5, 7);
  ctx.textAlign = "right";
  label(`${bar} m`, right - width - 7, base + 1);
}
