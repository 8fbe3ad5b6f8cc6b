/** Builds the page into its mount point. */

import { App } from "./app.js";
import { fill, h } from "./dom.js";
import { plural } from "./entity.js";
import { bindKeys } from "./keys.js";
import { makeChecks } from "./panels/checks.js";
import { makeChannels } from "./panels/channels.js";
import { makeDropping } from "./panels/dropping.js";
import { makeEmpty } from "./panels/empty.js";
import { makeGenerate } from "./panels/generate.js";
import { makeInspector } from "./panels/inspector.js";
import { pane, splitter } from "./panels/layout.js";
import { makeObjects } from "./panels/objects.js";
import { makeOptions } from "./panels/options.js";
import { makeRail } from "./panels/rail.js";
import { makeRestore } from "./panels/restore.js";
import { makeStrip } from "./panels/strip.js";
import { makeTimeline } from "./panels/timeline.js";
import { makeToasts } from "./panels/toasts.js";
import { makeVariants } from "./panels/variants.js";
import { makeTopbar } from "./panels/topbar.js";
import { makeViewer } from "./panels/viewer.js";
import { makeCanvas } from "./render/canvas.js";
import { watch } from "./store.js";
import { TOOLS } from "./tools/registry.js";

/** @param {HTMLElement} root */
export function mount(root) {
  if (root.dataset.mounted) return;
  root.dataset.mounted = "true";
  // Out of Gradio's container: its styles end there, and what it renders again cannot wipe the application.
  document.body.append(root);
  const workspace = new URLSearchParams(location.search).get("workspace") ?? root.dataset.workspace ?? "default";
  const app = new App(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/${encodeURIComponent(workspace)}`, TOOLS);

  const coordinates = h("span", { class: "mono", testid: "cursor" });
  const canvas = makeCanvas(app, (world) => (coordinates.textContent = world ? `x ${world[0].toFixed(2)}  y ${world[1].toFixed(2)} m` : "x –  y – m"));
  const hint = h("span", { class: "hint", testid: "hint" }), zoom = h("span", { class: "mono faint" });
  watch(app.store, ["tool"], () => (hint.textContent = app.tool.hint));
  watch(app.store, ["scene"], () => {
    const s = app.store.scene;
    zoom.textContent = s ? `${typeof s.grid === "string" ? s.grid : s.grid.name} · ${plural(s.frames, "frame")} · 12 Hz` : "";
  });
  const checks = makeChecks(app);
  const objects = makeObjects(app), viewer = makeViewer(app), strip = makeStrip(app), generate = makeGenerate(app);
  const studio = h("div", { class: "studio", testid: "studio" });
  const left = h("aside", { class: "left", label: "Scene" }, pane("Channels", makeChannels(app), { class: "channels-pane" }), pane("Objects", objects.body, { head: objects.head, class: "objects-pane" }), pane("Inspector", makeInspector(app), { class: "inspector-pane" }));
  const timeline = makeTimeline(app);
  const centre = h("main", { class: "centre" },
    makeOptions(app), h("div", { class: "stage" }, canvas, makeEmpty(app), makeVariants(app), makeToasts(app), makeDropping(app, studio), checks.box, strip.lightbox),
    splitter(studio, "--timeline", "y", { sign: -1, min: 84, max: 420, label: "Timeline height", start: () => timeline.offsetHeight }), timeline);
  const upper = pane("3D", viewer.body, { head: viewer.head, class: "viewer-pane" });
  const cameras = pane("Cameras", strip.body, { head: strip.head, class: "strip-pane" });
  const right = h("aside", { class: "right", label: "Results" }, upper,
    splitter(studio, "--strip", "y", { sign: -1, min: 90, max: 620, label: "Camera strip height", start: () => cameras.offsetHeight }), cameras,
    pane("Generate", generate.body, { head: generate.head, class: "generate-pane" }));
  fill(studio, makeTopbar(app), h("div", { class: "body" }, makeRail(app), left,
    splitter(studio, "--left", "x", { sign: 1, min: 200, max: 460, label: "Left pane width", start: () => left.offsetWidth }), centre,
    splitter(studio, "--right", "x", { sign: -1, min: 300, max: 1100, label: "Right pane width", start: () => right.offsetWidth }), right),
    h("footer", { class: "status" }, coordinates, hint, checks.head, zoom));
  fill(root, studio);
  studio.addEventListener("refused", (event) => event instanceof CustomEvent && app.say("warn", event.detail));
  makeRestore(app);
  bindKeys(app);
  window.addEventListener("beforeunload", (event) => {
    app.flushNudge();
    if (app.store.scene?.dirty && app.store.link.state === "lost") event.preventDefault();
  });
}

for (const root of document.querySelectorAll("[data-anyscene]")) if (root instanceof HTMLElement) mount(root);
