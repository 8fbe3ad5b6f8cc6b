/** Areas and lines, vertex by vertex. */

import { drawHint } from "../render/handles.js";
import { ringArea } from "../geometry.js";
import { mayPaint } from "./paint.js";

const CLOSES_PX = 9;

/** @param {"area"|"line"} name @returns {Tool} */
function shapeTool(name) {
  const closed = name === "area", fewest = closed ? 3 : 2;
  /** @type {Point[]} */ let points = [];

  /** @param {App} app */
  function finish(app) {
    const made = points;
    points = [];
    app.redraw();
    if (made.length < fewest) return made.length ? app.say("info", `${closed ? "An area needs three points" : "A line needs two points"}; this one was dropped.`) : undefined;
    const { channel, options } = app.store;
    if (!closed) void app.command("add_line", { channel, points: made, width_m: options.line_m });
    else if (options.shape === "vector") void app.command("add_area", { channel, exterior: made });
    else void app.command("paint_polygon", { channel, erases: options.shape === "erase", points: made, span: app.store.span() });
  }

  return {
    name, label: closed ? "Area" : "Line", key: closed ? "P" : "L", icon: name,
    hint: `Click adds points · double-click or Enter finishes · Backspace: one back · Shift: straight`,
    cursor: () => "crosshair",
    down(at, app) {
      if (!points.length && !mayPaint(app)) return;
      if (closed && points.length >= 3) {
        const [px, py] = app.view.toPx(...points[0]);
        if (Math.hypot(px - at.px[0], py - at.px[1]) < CLOSES_PX) return finish(app);
      }
      points.push(straightened(points, at));
    },
    double(_at, app) {
      finish(app);
    },
    key_down(event, app) {
      if (event.key === "Enter") finish(app);
      else if (event.key === "Backspace" && points.length) points.pop();
      else return false;
      app.redraw();
      return true;
    },
    cancel(app) {
      const dropped = points.length > 0;
      points = [];
      app.redraw();
      return dropped;
    },
    draw(ctx, app) {
      const { view, store } = app;
      const rgb = store.rgb(store.channel);
      if (!points.length) {
        if (app.pointer) drawHint(ctx, app.pointer.px, `${store.channel}: click the first point`);
        return;
      }
      const tip = app.pointer ? straightened(points, app.pointer) : points[points.length - 1];
      const px = [...points, tip].map((p) => view.toPx(...p));
      ctx.beginPath();
      px.forEach(([x, y], i) => (i ? ctx.lineTo(x, y) : ctx.moveTo(x, y)));
      if (closed) {
        ctx.closePath();
        ctx.fillStyle = `rgba(${rgb},0.35)`;
        ctx.fill();
        ctx.lineWidth = 1.5;
      } else {
        ctx.lineWidth = Math.max(1.5, store.options.line_m * view.scale);
        ctx.lineJoin = "round";
      }
      ctx.strokeStyle = closed ? "#fff" : `rgba(${rgb},0.9)`;
      ctx.stroke();
      for (const [i, [x, y]] of px.slice(0, -1).entries()) {
        ctx.beginPath();
        ctx.arc(x, y, i === 0 ? 5 : 3.5, 0, 7);
        ctx.fillStyle = i === 0 ? "#ffb020" : "#fff";
        ctx.fill();
        ctx.strokeStyle = "#12161c";
        ctx.lineWidth = 1.2;
        ctx.stroke();
      }
      if (!app.pointer) return;
      const last = points[points.length - 1], length = Math.hypot(tip[0] - last[0], tip[1] - last[1]);
      drawHint(ctx, app.pointer.px, closed && points.length > 1 ? `${length.toFixed(1)} m · ${ringArea([...points, tip]).toFixed(0)} m²` : `${length.toFixed(1)} m`);
    },
  };
}

/** With Shift, along the nearest multiple of 15° from the last point. @param {Point[]} points @param {CanvasPointer} at @returns {Point} */
function straightened(points, at) {
  const last = points[points.length - 1];
  if (!at.shift || !last) return at.world;
  const dx = at.world[0] - last[0], dy = at.world[1] - last[1], step = Math.PI / 12;
  const angle = Math.round(Math.atan2(dy, dx) / step) * step, length = Math.hypot(dx, dy);
  return [last[0] + length * Math.cos(angle), last[1] + length * Math.sin(angle)];
}

export const areaTool = shapeTool("area");
export const lineTool = shapeTool("line");
