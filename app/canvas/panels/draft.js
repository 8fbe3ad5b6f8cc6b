/** The tag of a frame that is a draft: drawn after an edit or in a marked region, and in no take. */

import { h } from "../dom.js";
import { watch } from "../store.js";

/** The frame shown, where it is a draft. @param {App} app */
export const draftShown = (app) => (app.store.strip?.source === "draft" && app.store.strip.frame === app.store.frame ? app.store.strip : null);

/** @param {App} app @param {string} testid */
export function draftTag(app, testid) {
  const tag = h("span", { class: "badge draft", testid, hidden: true });
  watch(app.store, ["strip", "frame", "variant"], () => {
    const shown = draftShown(app);
    tag.hidden = !shown;
    tag.classList.toggle("whole", Boolean(shown?.whole));
    const variant = app.store.variant?.shown && app.store.variant.index > 0;
    tag.textContent = variant ? (shown?.whole ? "Variant at full quality" : "Variant, draft") : shown?.whole ? "Frame at full quality" : "Draft";
    const how = shown?.recipe ? `by '${shown.recipe.occupancy}' with seed ${shown.recipe.seed}` : "";
    tag.title = shown?.whole ? `Drawn ${how}, with the steps of a take's frame; it is in no take yet` : `Drawn in few steps ${how}; it is in no take yet`;
  });
  return tag;
}
