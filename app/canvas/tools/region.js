/** Marks a region of the playhead's frame that is to be drawn anew: a box, or a loop drawn by hand. */

import { ringArea } from "../geometry.js";
import { drawHint } from "../render/handles.js";
import { traceRegion } from "../render/region.js";

const STARTS_AT_PX = 4;
const MOST_POINTS = 1500;

/** @type {Point[]} */
let marking = [];

/** The ring that a drag encloses. @param {App} app @param {Point[]} path @returns {Point[]} */
function ringOf(app, path) {
  if (app.store.options.regionShape === "lasso" || path.length < 2) return path;
  const [x0, y0] = path[0], [x1, y1] = path[path.length - 1];
  return [[x0, y0], [x1, y0], [x1, y1], [x0, y1]];
}

/** Whether a drag is a drag. @param {App} app @param {Point[]} path */
function isBig(app, path) {
  const xs = path.map((p) => p[0]), ys = path.map((p) => p[1]);
  return (Math.max(...xs) - Math.min(...xs)) * app.view.scale >= STARTS_AT_PX && (Math.max(...ys) - Math.min(...ys)) * app.view.scale >= STARTS_AT_PX;
}

/** @type {Tool} */
export const regionTool = {
  name: "region", label: "Region, drawn anew", key: "R", icon: "region",
  hint: "Drag marks a region of this frame · Enter draws it anew · [ ] compare · Esc puts it away",
  cursor: () => "crosshair",
  down(at) {
    marking = [at.world];
  },
  drag(at, app) {
    if (!marking.length) return;
    for (const p of at.coalesced) {
      const last = marking[marking.length - 1];
      if (marking.length < MOST_POINTS && Math.hypot(p[0] - last[0], p[1] - last[1]) * app.view.scale >= 3) marking.push(p);
    }
  },
  up(at, app) {
    const path = marking.length ? [...marking, at.world] : [];
    marking = [];
    if (!path.length || !isBig(app, path)) return;
    app.store.region = ringOf(app, path);
    app.store.emit("region");
  },
  key_down(event, app) {
    if (event.key === "Enter" && event.target instanceof HTMLButtonElement) return false;
    if (event.key === "Enter") event.shiftKey ? app.keepVariant(false) : app.regenerate();
    else if (event.key === "[" || event.key === "]") app.stepVariant(event.key === "[" ? -1 : 1);
    else if (event.key === "Escape" && !marking.length) app.dropRegion();
    else return false;
    return true;
  },
  cancel(app) {
    const dropped = marking.length > 0;
    marking = [];
    app.redraw();
    return dropped;
  },
  draw(ctx, app) {
    if (!marking.length || !app.pointer) return;
    const ring = ringOf(app, [...marking, app.pointer.world]);
    traceRegion(ctx, ring.map((p) => app.view.toPx(...p)));
    if (ring.length > 2) drawHint(ctx, app.pointer.px, `${ringArea(ring).toFixed(0)} m²`);
  },
};
