/** What a blank scene says: the three ways to begin. */

import { button, h } from "../dom.js";
import { watch } from "../store.js";
import { TOOLS } from "../tools/registry.js";
import { showImport, showOpen } from "./files.js";

/** @param {App} app */
export function makeEmpty(app) {
  const { store } = app;
  const text = h("p");
  const actions = h("div", { class: "group" },
    button({ icon: "road", text: "Draw a road", label: "Draw a road with its lanes", key: TOOLS.road.key, testid: "blank-road", press: () => app.use("road") }),
    button({ icon: "agent", text: "Place an agent", label: "Place an agent", press: () => app.use("agent") }),
    button({ icon: "open", text: "Open", label: "Open a project", press: () => showOpen(app) }),
    button({ icon: "import", text: "Import a log", label: "Import a log", press: () => showImport(app) }));
  const card = h("div", { class: "blank", testid: "blank" }, h("h3", { text: "A blank scene" }), text, actions);
  watch(store, ["scene", "entities", "tool", "link", "preview"], () => {
    const drawn = store.entities().some((e) => e.kind !== "camera") || store.strokes.length > 0;
    card.hidden = !store.scene ? store.link.state === "open" : drawn || store.tool !== "select";
    actions.hidden = !store.scene;
    /** @type {HTMLElement} */ (card.firstChild).textContent = store.scene ? "A blank scene" : "Waiting for the studio";
    text.textContent = store.scene ? "Paint where it may drive, place who is there, give the ego a path. Everything here becomes 3D and video." : "The page has no connection yet; it tries again by itself.";
  });
  return card;
}
