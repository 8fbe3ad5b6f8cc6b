/** Generated voxels by hand: a box or a brush that erases or fills, for a frame, a range, the scene, or along with an agent. */

import { drawHint, lone } from "../render/handles.js";

/** @type {Point[]} */ let path = [];

/** The agent that edits go with, where the scope says so. @param {App} app */
export function leader(app) {
  const entity = lone(app.store);
  return app.store.options.voxelScope === "follow" && entity?.kind === "agent" ? entity : null;
}

/** The frames that an edit holds for. @param {App} app */
function span(app) {
  const { voxelScope, range } = app.store.options;
  return voxelScope === "frame" ? [app.store.frame, app.store.frame] : voxelScope === "range" ? [Math.min(...range), Math.max(...range)] : null;
}

/** @type {Tool} */
export const voxelTool = {
  name: "voxels", label: "Voxels of the result", key: "O", icon: "occupancy",
  hint: "Drag a box, or brush, over what is to be erased or filled in the result",
  cursor: () => "crosshair",
  down(at, app) {
    if (app.store.options.voxelScope === "follow" && !leader(app)) return app.say("info", "Select the agent that the edit is to go with first, or choose another scope.");
    path = [at.world];
  },
  drag(at, app) {
    for (const p of path.length ? at.coalesced : []) {
      const last = path[path.length - 1];
      if (Math.hypot(p[0] - last[0], p[1] - last[1]) * app.view.scale >= 3) path.push(p);
    }
  },
  up(at, app) {
    const points = path.length ? [...path, at.world] : [];
    path = [];
    app.redraw();
    if (!points.length) return;
    const o = app.store.options, low = Math.min(o.bottom_m, o.top_m), high = Math.max(o.bottom_m, o.top_m);
    const follows = leader(app)?.id, common = { span: span(app), ...(follows ? { follows } : {}), time_s: app.time_s, ...(o.voxelFills ? { class_name: o.voxelClass } : {}) };
    if (o.voxelShape === "brush") return void app.command("stroke_voxels", { points, radius_m: o.voxel_m / 2, bottom_m: low, top_m: high, ...common });
    const [x0, y0] = points[0], [x1, y1] = at.world;
    if (Math.abs(x1 - x0) < 0.1 || Math.abs(y1 - y0) < 0.1) return;
    void app.command("add_occupancy_edit", { kind: o.voxelFills ? "fill_box" : "clear_box", pose: [(x0 + x1) / 2, (y0 + y1) / 2, (low + high) / 2, 0, 0, 0], size: [Math.abs(x1 - x0), Math.abs(y1 - y0), high - low], ...common });
  },
  cancel(app) {
    const dropped = path.length > 0;
    path = [];
    app.redraw();
    return dropped;
  },
  draw(ctx, app) {
    if (!app.pointer) return;
    const o = app.store.options, rgb = o.voxelFills ? app.store.rgb(o.voxelClass) : [255, 255, 255];
    ctx.strokeStyle = `rgb(${rgb})`;
    ctx.fillStyle = `rgba(${rgb},0.25)`;
    if (o.voxelShape === "brush") {
      ctx.lineCap = ctx.lineJoin = "round";
      ctx.beginPath();
      for (const [i, p] of [...path, app.pointer.world].entries()) i ? ctx.lineTo(...app.view.toPx(...p)) : ctx.moveTo(...app.view.toPx(...p));
      if (path.length) {
        ctx.lineWidth = o.voxel_m * app.view.scale;
        ctx.globalAlpha = 0.4;
        ctx.stroke();
        ctx.globalAlpha = 1;
      }
      ctx.lineWidth = 1.4;
      ctx.beginPath();
      ctx.arc(...app.pointer.px, (o.voxel_m / 2) * app.view.scale, 0, 7);
      ctx.stroke();
    } else if (path.length) {
      const [x0, y0] = app.view.toPx(...path[0]), [x1, y1] = app.pointer.px;
      ctx.lineWidth = 1.4;
      ctx.fillRect(x0, y0, x1 - x0, y1 - y0);
      ctx.strokeRect(x0, y0, x1 - x0, y1 - y0);
    }
    drawHint(ctx, app.pointer.px, `${o.voxelFills ? `fill ${o.voxelClass}` : "erase"}, ${o.bottom_m} to ${o.top_m} m${leader(app) ? ` · goes with ${leader(app)?.id}` : ""}`);
  },
};
