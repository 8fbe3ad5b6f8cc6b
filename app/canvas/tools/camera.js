/** Placing cameras: near the ego they ride on it, away from it they stand in the world, unless the tool is told which. */

import { cameraPose, egoPose, fromEgo } from "../entity.js";
import { drawFrustum } from "../render/cameras.js";
import { drawHint } from "../render/handles.js";

/** @type {{at: Point, px: Point, heading: number}|null} */
let placing = null;
const SIZE_PX = [704, 396];
/** Ahead, behind and aside of the ego's pose (rear axle): the car with 2 m around it. */
const RIDES_M = { ahead: 6, behind: 3, aside: 3 };

/** What a camera placed at a point of the world is mounted on. @param {"place"|"ego"|"world"} chosen @param {Pose} ego @param {Point} at @returns {"ego"|"world"} */
export function mountAt(chosen, ego, at) {
  if (chosen !== "place") return chosen;
  const [x, y] = fromEgo(ego, at);
  return x <= RIDES_M.ahead && x >= -RIDES_M.behind && Math.abs(y) <= RIDES_M.aside ? "ego" : "world";
}

/** @type {Tool} */
export const cameraTool = {
  name: "camera", label: "Camera", key: "C", icon: "camera",
  hint: "Click places a camera · drag aims it (Shift: 15°) · near the ego it rides along, elsewhere it stands in the world",
  cursor: () => "crosshair",
  down(at, app) {
    const ego = egoPose(app.store);
    placing = { at: at.world, px: at.px, heading: ego[3] };
  },
  drag(at) {
    if (!placing || Math.hypot(at.px[0] - placing.px[0], at.px[1] - placing.px[1]) < 8) return;
    const heading = Math.atan2(at.world[1] - placing.at[1], at.world[0] - placing.at[0]);
    placing.heading = at.shift ? Math.round(heading / (Math.PI / 12)) * (Math.PI / 12) : heading;
  },
  up(_at, app) {
    if (!placing) return;
    const { at, heading } = placing;
    placing = null;
    const { fov_deg, camera_z } = app.store.options;
    const ego = egoPose(app.store), mount = mountAt(app.store.options.mount, ego, at);
    const [x, y] = mount === "ego" ? fromEgo(ego, at) : at;
    const pose = cameraPose(x, y, camera_z, mount === "ego" ? heading - ego[3] : heading);
    const before = new Set(app.store.scene?.entities.keys());
    void app.command("add_camera", { mount, pose, width: SIZE_PX[0], height: SIZE_PX[1], fov_deg }, () => {
      const fresh = app.store.entities().find((e) => e.kind === "camera" && !before.has(e.id));
      if (fresh) app.select([fresh.id]);
    });
  },
  cancel(app) {
    const dropped = placing !== null;
    placing = null;
    app.redraw();
    return dropped;
  },
  draw(ctx, app) {
    const at = placing?.at ?? app.pointer?.world;
    if (!at) return;
    const heading = placing?.heading ?? egoPose(app.store)[3];
    drawFrustum(ctx, app.view, [at[0], at[1], heading], (app.store.options.fov_deg * Math.PI) / 180, { chosen: Boolean(placing), hover: true, enabled: true, name: "" });
    const on = mountAt(app.store.options.mount, egoPose(app.store), at) === "ego" ? "on the ego" : "in the world";
    if (app.pointer) drawHint(ctx, app.pointer.px, placing ? `${on} · ${((heading * 180) / Math.PI).toFixed(0)}°` : on);
  },
};
