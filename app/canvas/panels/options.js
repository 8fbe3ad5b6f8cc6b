/** The strip over the canvas: what the tool in hand can be told, and what the canvas shows. */

import { spoken } from "../entity.js";
import { button, fill, h, numberField, politely, segmented, selectField } from "../dom.js";
import { icon } from "../icons.js";
import { watch } from "../store.js";
import { lone } from "../render/handles.js";
import { paceOf } from "../tools/agent.js";
import { copyBy, insertedBetween, remove } from "../commands.js";

/** @param {App} app */
export function makeOptions(app) {
  const { store } = app;
  const left = h("div", { class: "tool-options" });
  const right = h("div", { class: "view-options" });
  const set = (/** @type {Partial<typeof store.options>} */ change) => {
    Object.assign(store.options, change);
    store.emit("options");
  };

  /** @param {string} chosen @returns {import("../dom.js").Child[]} */
  const range = (chosen) => chosen !== "range" ? [] : [
    numberField({ label: "from", name: "First frame", value: store.options.range[0], digits: 0, step: 1, min: 0, max: store.frames - 1, testid: "range-from", change: (v) => set({ range: [v ?? 0, store.options.range[1]] }) }),
    numberField({ label: "to", name: "Last frame", value: store.options.range[1], digits: 0, step: 1, min: 0, max: store.frames - 1, testid: "range-to", change: (v) => set({ range: [store.options.range[0], v ?? 0] }) }),
  ];
  const scope = () => [
    segmented({ label: "Time scope of paint", value: store.options.scope, testid: "scope", change: (v) => set({ scope: v }), options: [["scene", "Scene", "Paint holds in every frame of the scene"], ["frame", "Frame", "Paint holds at the playhead's frame only"], ["range", "Range", "Paint holds in a range of frames"]] }),
    ...range(store.options.scope),
  ];
  const channel = () => h("span", { class: "active-channel", title: "The active channel: pick it in the list or with 1–9 and 0" }, h("i", { class: "swatch", style: `background:rgb(${store.rgb(store.channel)})` }), spoken(store.channel), store.locked.has(store.channel) && icon("lock", 12));
  /** @param {"brush_m"|"eraser_m"} key */
  const size = (key) => {
    const slider = /** @type {HTMLInputElement} */ (h("input", { type: "range", min: "-0.7", max: "1.3", step: "0.01", label: "Size", testid: "brush-size", class: "slider", value: String(Math.log10(store.options[key])), on: { input: () => set({ [key]: Math.round(10 ** Number(slider.value) * 10) / 10 }) } }));
    slider.style.setProperty("--at", `${((Math.log10(store.options[key]) + 0.7) / 2) * 100}%`);
    return [slider, numberField({ label: "⌀", name: "Diameter", unit: "m", value: store.options[key], digits: 1, step: 0.2, min: 0.2, max: 20, change: (v) => set({ [key]: v ?? 2 }) })];
  };

  /** @returns {import("../dom.js").Child[]} */
  function controls() {
    const o = store.options;
    switch (store.tool) {
      case "brush": return [channel(), ...size("brush_m"), ...scope()];
      case "eraser": return [channel(), ...size("eraser_m"), ...scope()];
      case "fill": return [channel(), segmented({ label: "Fill or clear", value: o.fillErases ? "clear" : "fill", change: (v) => set({ fillErases: v === "clear" }), options: [["fill", "Fill"], ["clear", "Clear"]] }), ...scope()];
      case "area": return [channel(), segmented({ label: "What an area becomes", value: o.shape, change: (v) => set({ shape: v }), options: [["vector", "Shape", "An area that stays editable"], ["paint", "Paint", "Cells, like the brush"], ["erase", "Erase", "Clears cells"]] }), ...(o.shape === "vector" ? [] : scope())];
      case "region": return [segmented({ label: "How a region is marked", value: o.regionShape, testid: "region-shape", change: (v) => set({ regionShape: v }), options: [["box", "Box"], ["lasso", "Lasso"]] }), h("span", { class: "faint", text: store.region ? "Enter draws it anew" : "Drag over what is to be drawn anew" })];
      case "road": return [
        numberField({ label: "Lanes", value: o.lanes, digits: 0, step: 1, min: 1, max: 12, testid: "lanes", change: (v) => set({ lanes: v ?? 2 }) }),
        numberField({ label: "each", name: "Width of a lane", unit: "m", value: o.lane_width_m, digits: 2, step: 0.25, min: 1, max: 10, testid: "lane-width", change: (v) => set({ lane_width_m: v ?? 3.5 }) }),
        button({ text: "Walkways", label: "Walkways along all roads", title: "Walkways along the edges of everything that can be driven on, made anew", testid: "walkways", class: "ghost", press: () => void app.command("add_walkways", {}) }),
        button({ text: "Dividers", label: "Dividers of all roads", title: "Centre lines and lane lines of every stamped road, made anew", testid: "dividers", class: "ghost", press: () => void app.command("add_dividers", { lane_width_m: o.lane_width_m }) })];
      case "crosswalk": return [numberField({ label: "Width", unit: "m", value: o.crossing_m, digits: 1, step: 0.5, min: 0.5, max: 20, testid: "crossing-width", change: (v) => set({ crossing_m: v ?? 3 }) })];
      case "closure": return [
        segmented({ label: "Which edge of the lane is its outer one", value: o.side, testid: "closure-side", change: (v) => set({ side: v }), options: [["right", "Right lane"], ["left", "Left lane"]] }),
        numberField({ label: "every", name: "Spacing of the cones", unit: "m", value: o.spacing_m, digits: 1, step: 0.5, min: 0.5, max: 50, testid: "closure-spacing", change: (v) => set({ spacing_m: v ?? 3 }) }),
        numberField({ label: "taper", name: "Length of the taper", unit: "m", value: o.taper_m, digits: 1, step: 1, min: 0, max: 200, testid: "closure-taper", change: (v) => set({ taper_m: v ?? 15 }) })];
      case "voxels": return [
        segmented({ label: "Shape", value: o.voxelShape, testid: "voxel-shape", change: (v) => set({ voxelShape: v }), options: [["box", "Box"], ["brush", "Brush"]] }),
        segmented({ label: "Erase or fill", value: o.voxelFills ? "fill" : "erase", testid: "voxel-does", change: (v) => set({ voxelFills: v === "fill" }), options: [["erase", "Erase"], ["fill", "Fill"]] }),
        o.voxelFills && selectField({ label: "", name: "Class", value: o.voxelClass, testid: "voxel-class", options: (store.scene?.classes ?? []).filter((c) => c.name !== "free").map((c) => [c.name, spoken(c.name)]), change: (v) => set({ voxelClass: v }) }),
        o.voxelShape === "brush" && numberField({ label: "⌀", name: "Diameter", unit: "m", value: o.voxel_m, digits: 1, step: 0.4, min: 0.2, max: 20, testid: "voxel-size", change: (v) => set({ voxel_m: v ?? 2 }) }),
        numberField({ label: "z", name: "From this height", unit: "m", value: o.bottom_m, digits: 1, step: 0.4, min: -10, max: 50, testid: "voxel-bottom", change: (v) => set({ bottom_m: v ?? 0 }) }),
        numberField({ label: "to", name: "To this height", unit: "m", value: o.top_m, digits: 1, step: 0.4, min: -10, max: 50, testid: "voxel-top", change: (v) => set({ top_m: v ?? 3 }) }),
        segmented({ label: "For how long it holds", value: o.voxelScope, testid: "voxel-scope", change: (v) => set({ voxelScope: v }), options: [["scene", "Scene"], ["frame", "Frame"], ["range", "Range"], ["follow", "Follow", "The edit goes with the agent that is selected"]] }), ...range(o.voxelScope)];
      case "line": return [channel(), numberField({ label: "Width", unit: "m", value: o.line_m, digits: 2, step: 0.05, min: 0.05, max: 10, change: (v) => set({ line_m: v ?? 0.4 }) })];
      case "agent": return [
        selectField({ label: "Class", value: o.agentClass, testid: "agent-class", options: Object.keys(store.scene?.sizes ?? { car: 0 }).map((n) => [n, spoken(n)]), change: (v) => set({ agentClass: v }) }),
        h("span", { class: "faint", text: (store.scene?.sizes?.[o.agentClass] ?? []).map((v) => v.toFixed(1)).join(" × ") + " m" }),
      ];
      case "waypoint": {
        const entity = lone(store);
        const tracked = entity && (entity.kind === "agent" || entity.kind === "ego") ? entity : null;
        if (!tracked) return [h("span", { class: "faint", text: "Select one agent or the ego first, then click where it goes." })];
        const key = tracked.kind === "ego" ? "ego" : tracked.class_name;
        return [
          h("span", { class: "active-channel" }, h("i", { class: "swatch", style: `background:${tracked.kind === "ego" ? "#35d0e6" : `rgb(${store.rgb(key)})`}` }), spoken(key)),
          segmented({ label: "When a waypoint is reached", value: o.pacing, change: (v) => set({ pacing: v }), options: [["speed", "At speed"], ["time", "After time"]] }),
          o.pacing === "speed"
            ? numberField({ label: "v", name: "Speed", unit: "m/s", value: paceOf(app, tracked), digits: 1, step: 0.5, min: 0.1, max: 70, testid: "pace", change: (v) => set({ speeds: { ...o.speeds, [key]: v ?? 5 } }) })
            : numberField({ label: "+", name: "Time to the next waypoint", unit: "s", value: o.step_s, digits: 2, step: 0.25, min: 0.08, max: 60, change: (v) => set({ step_s: v ?? 1 }) }),
        ];
      }
      case "camera": return [
        segmented({ label: "Mount", value: o.mount, change: (v) => set({ mount: v }), options: [["place", "By place"], ["ego", "On the ego"], ["world", "In the world"]] }),
        numberField({ label: "FOV", name: "Horizontal field of view", unit: "°", value: o.fov_deg, digits: 1, step: 5, min: 10, max: 170, change: (v) => set({ fov_deg: v ?? 70 }) }),
        numberField({ label: "z", name: "Height", unit: "m", value: o.camera_z, digits: 2, step: 0.1, min: 0, max: 60, change: (v) => set({ camera_z: v ?? 1.6 }) }),
        (store.scene?.rigs.length ?? 0) > 0 && selectField({ label: "Rig", value: "", testid: "rig", title: "Replace the cameras on the ego by a rig", options: [["", "choose…"], ...(store.scene?.rigs ?? []).map((r) => /** @type {[string, string]} */ ([r, spoken(r)]))], change: (v) => v && void app.command("use_rig", { name: v }) }),
        button({ icon: "plus", text: "Insert between", label: "Insert between neighbours", title: "Insert one more camera between each two neighbours on the ego, or between those selected", testid: "insert-cameras", class: "ghost", press: () => void app.command("insert_cameras", insertedBetween(app)) }),
      ];
      default: {
        const n = store.selection.size;
        if (!n) return [h("span", { class: "faint", text: "Nothing selected · arrows step frames" })];
        return [
          h("span", { class: "faint", text: `${n} selected · arrows nudge` }),
          button({ icon: "copy", label: "Duplicate", key: "Ctrl+D", class: "ghost", press: () => copyBy(app, [...store.selection].filter((id) => id !== "ego"), 3, -3) }),
          button({ icon: "flip", label: "Turn around", key: "G", class: "ghost", press: () => app.nudge(0, 0, Math.PI) }),
          button({ icon: "fit", label: "Show the selection", key: ".", class: "ghost", press: () => app.fit(store.selection) }),
          button({ icon: "trash", label: "Delete", key: "Del", class: "ghost", testid: "delete", press: () => remove(app) }),
        ];
      }
    }
  }

  /** @type {Array<[keyof typeof store.show, string, string]>} */
  const SHOWN = [["grid", "Grid", "Metre grid"], ["window", "Window", "What a take holds: the grid around the ego"], ["tracks", "Tracks", "Paths of agents and ego"], ["cameras", "Cameras", "Cameras and their fields of view"], ["labels", "Labels", "Names beside things"], ["occupancy", "Result", "Generated occupancy from above, under the layout"]];
  const menu = h("div", { class: "menu", hidden: true });
  const eye = button({ icon: "layers", label: "What the canvas shows", testid: "view-menu", class: "ghost", press: () => (menu.hidden = !menu.hidden) });
  document.addEventListener("pointerdown", (event) => {
    if (event.target instanceof Node && !menu.contains(event.target) && !eye.contains(event.target)) menu.hidden = true;
  });
  right.append(
    button({ icon: "minus", label: "Zoom out", class: "ghost", press: () => { app.view.zoomAt(1 / 1.3, app.view.width / 2, app.view.height / 2); app.redraw(); } }),
    button({ icon: "plus", label: "Zoom in", class: "ghost", press: () => { app.view.zoomAt(1.3, app.view.width / 2, app.view.height / 2); app.redraw(); } }),
    button({ icon: "fit", label: "Fit the scene", key: "Shift+1", testid: "fit", class: "ghost", press: () => app.fit() }), eye, menu);
  watch(store, ["show"], () => fill(menu, SHOWN.map(([key, text, title]) => {
    const box = /** @type {HTMLInputElement} */ (h("input", { type: "checkbox", testid: `show-${key}`, on: { change: () => { store.show[key] = box.checked; store.emit("show"); } } }));
    box.checked = store.show[key];
    return h("label", { class: "check", title }, box, text);
  })));
  const render = politely(left, () => fill(left, h("b", { text: app.tool.label.split(/[, ]/)[0] }), ...controls()));
  watch(store, ["tool", "channels", "options", "selection", "scene", "region"], () => {
    if (left.contains(document.activeElement) && document.activeElement instanceof HTMLInputElement && document.activeElement.type === "range") {
      document.activeElement.style.setProperty("--at", `${((Number(document.activeElement.value) + 0.7) / 2) * 100}%`);
      const shown = /** @type {HTMLInputElement|null} */ (left.querySelector(".num"));
      if (shown) shown.value = String(store.options[store.tool === "eraser" ? "eraser_m" : "brush_m"]);
      return;
    }
    render();
  });
  return h("div", { class: "options" }, left, right);
}
