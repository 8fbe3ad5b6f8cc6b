/** Boxes of generated voxels that were erased or filled by hand: those that are selected, and while voxels are edited all that hold at this frame. */

import { holds, labelOf, ringOfEdit } from "../entity.js";
import { drawTag, tracePx } from "./agents.js";

const ERASED = [255, 255, 255];

/** @param {CanvasRenderingContext2D} ctx @param {import("../app.js").App} app */
export function drawEdits(ctx, app) {
  const { store, view } = app;
  for (const edit of store.entities()) {
    if (edit.kind !== "occupancy_edit") continue;
    const chosen = store.selection.has(edit.id), now = holds(edit, store.frame);
    if (!chosen && !(store.tool === "voxels" && now)) continue;
    const ring = ringOfEdit(store, edit)?.map((p) => view.toPx(...p));
    if (!ring) continue;
    const rgb = edit.edit === "fill_box" ? store.rgb(edit.class_name) : ERASED;
    ctx.save();
    tracePx(ctx, ring);
    ctx.fillStyle = `rgba(${rgb},${edit.edit === "fill_box" ? 0.25 : 0.06})`;
    ctx.fill();
    ctx.lineWidth = chosen ? 2 : 1.2;
    ctx.strokeStyle = chosen ? "#fff" : `rgba(${rgb},0.75)`;
    ctx.setLineDash(now ? [5, 4] : [2, 4]);
    ctx.stroke();
    ctx.restore();
    if (chosen && store.show.labels) drawTag(ctx, [ring.reduce((sum, [x]) => sum + x, 0) / 4, Math.max(...ring.map(([, y]) => y))], labelOf(edit), 9, true);
  }
}
