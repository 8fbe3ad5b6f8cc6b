/** The tag of a frame that is a draft: drawn after an edit, and in no take. */

import { h } from "../dom.js";
import { watch } from "../store.js";

/** The frame shown, where it is a draft. @param {App} app */
export const draftShown = (app) => (app.store.strip?.source === "draft" && app.store.strip.frame === app.store.frame ? app.store.strip : null);

/** @param {App} app @param {string} testid */
export function draftTag(app, testid) {
  const tag = h("span", { class: "badge draft", testid, text: "draft", hidden: true });
  watch(app.store, ["strip", "frame"], () => {
    const shown = draftShown(app);
    tag.hidden = !shown;
    tag.title = shown?.recipe ? `Drawn after the edit by '${shown.recipe.preset}' with seed ${shown.recipe.seed}; Generate makes the take` : "";
  });
  return tag;
}
