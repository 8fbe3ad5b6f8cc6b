/** What a pane shows, in a word or two: of which frame, from which take, drawn by what, and whether that is true of the scene as it is. */

import { fill, h } from "../dom.js";
import { watch } from "../store.js";

/** @typedef {{kind: "drawing"|"layout"|"take"|"stale"|"draft"|"whole", word: string, about: string}} Shown */

/** The frame shown, where it is a draft. @param {App} app */
export const draftShown = (app) => (app.store.strip?.source === "draft" && app.store.strip.frame === app.store.frame ? app.store.strip : null);

/** Whether what is shown is of the playhead's frame and of the document with every edit in it. @param {App} app */
export function isCurrent(app) {
  const { strip, frame, scene, strokes, preview } = app.store;
  return strip !== null && strip.frame === frame && strip.edits === scene?.edits && !strokes.length && !preview.size;
}

/** What fills the voxels. @param {App} app @returns {Shown|null} */
export function voxelsShown(app) {
  const { strip, variant } = app.store;
  if (!strip) return app.store.scene && app.store.link.state === "open" ? { kind: "drawing", word: "Drawing…", about: "Nothing is shown yet" } : null;
  const made = strip.take ? `take ${strip.take.name}, occupancy by '${strip.take.occupancy}' with seed ${strip.take.seed}` : "no take";
  const drawn = strip.recipe ? `Drawn by '${strip.recipe.occupancy}' with seed ${strip.recipe.seed} into ${made}; it is in no take yet` : "";
  if (!isCurrent(app)) return { kind: "drawing", word: "Drawing…", about: `Shown meanwhile: frame ${strip.frame}${strip.edits === app.store.scene?.edits ? "" : ", before the last edit"}` };
  if (strip.stale && strip.pending) return { kind: "drawing", word: "Drawing…", about: `Shown meanwhile: ${made}, without the last edit` };
  if (strip.source === "lift") return { kind: "layout", word: "Layout", about: "Raised straight from the layout as it is now; no model has filled it. Generate makes a take" };
  if (strip.stale) return { kind: "stale", word: "Before edit", about: `From ${made}; it was made for this frame as it was before` };
  if (strip.source === "take") return { kind: "take", word: "Take", about: `From ${made}, made for this frame as it is now` };
  const kept = variant?.shown && variant.index > 0;
  if (!strip.whole) return { kind: "draft", word: kept ? "Variant, draft" : "Draft", about: `${drawn}. In few steps` };
  return { kind: "whole", word: kept ? "Variant, full quality" : "Full quality", about: `${drawn}. With the steps of a take's frame` };
}

/** What the pictures of the cameras are, where there are any. @param {App} app @returns {Shown|null} */
export function picturesShown(app) {
  const { strip } = app.store, pictures = strip?.cameras.filter((one) => one.picture) ?? [];
  if (!strip || !pictures.length) return null;
  const by = `Pictures by '${pictures[0].views}', of take ${pictures[0].take}`;
  if (!isCurrent(app)) return { kind: "drawing", word: "Drawing…", about: `Shown meanwhile: frame ${strip.frame}. ${by}` };
  const stale = pictures.filter((one) => one.picture_stale).length;
  if (stale) return { kind: "stale", word: stale === pictures.length ? "Before edit" : `${stale} before edit`, about: `${by}; Generate makes them for the scene as it is` };
  return { kind: "take", word: `Take, ${pictures[0].views}`, about: `${by}, made for this frame as it is now` };
}

/** @param {App} app @param {string} testid @param {() => Shown|null} shown */
export function badge(app, testid, shown) {
  const tag = h("span", { class: "badge", testid, role: "status", hidden: true });
  watch(app.store, ["strip", "frame", "variant", "history", "preview", "options", "entities", "link", "scene"], () => {
    const what = app.store.link.state === "open" ? shown() : app.store.strip && { kind: "stale", word: "Not connected", about: "What was shown last; the page connects again by itself" };
    tag.hidden = !what;
    if (!what) return;
    tag.className = `badge ${what.kind}`;
    fill(tag, h("b", { text: what.word }), h("span", { text: `frame ${app.store.frame}` }));
    tag.title = `Frame ${app.store.frame}. ${what.about}.`;
  });
  return tag;
}
