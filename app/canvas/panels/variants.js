/** The bar over the canvas while a region is in hand: draw it anew, compare, keep one or put it away. */

import { button, fill, h } from "../dom.js";
import { watch } from "../store.js";


/** @param {App} app */
export function makeVariants(app) {
  const { store } = app;
  const words = h("div", { class: "variant-words", testid: "variant-words", role: "status" });
  const again = button({ icon: "dice", text: "Regenerate here", label: "Draw the region anew, with another seed; everything outside is held", key: "Enter in the Region tool", testid: "regenerate", class: "primary", press: () => app.regenerate() });
  const back = button({ icon: "back", label: "The variant before; before the first is what was there", key: "[", testid: "variant-back", class: "ghost", press: () => app.stepVariant(-1) });
  const on = button({ icon: "forward", label: "The next variant", key: "]", testid: "variant-next", class: "ghost", press: () => app.stepVariant(1) });
  const which = h("span", { class: "variant-which", testid: "variant-which" });
  const stepper = h("div", { class: "group stepper" }, back, which, on);
  const keep = button({ icon: "keep", text: "Keep", label: "Keep: a new take beside this one, with this variant in this frame and all else as it is", key: "Shift+Enter", testid: "variant-keep", press: () => app.keepVariant(false) });
  const onward = button({ icon: "onward", text: "Keep and go on", label: "Keep: a new take beside this one, with the frames behind this one generated from the variant", testid: "variant-onward", press: () => app.keepVariant(true) });
  const drop = button({ icon: "close", label: "Discard: what was before is shown again", key: "Esc", testid: "variant-drop", class: "ghost", press: () => app.dropRegion() });
  const go = button({ text: "Show it", label: "Go to the frame of the region", testid: "variant-go", class: "", press: () => store.variant && app.seek(store.variant.frame) });
  const bar = h("div", { class: "variants", testid: "variants", hidden: true }, words, again, stepper, keep, onward, go, drop);

  app.regenerate = () => {
    if (!store.region) return app.say("info", "Mark a region first: drag a box over what is to be drawn anew.");
    const away = store.variant && !store.variant.shown && sameRing(store.region, store.variant.region);
    if (away && store.variant && store.variant.frame !== store.frame) app.seek(store.variant.frame);
    else app.post({ type: "regenerate", region: store.region }, true);
  };
  app.stepVariant = (way) => {
    const v = store.variant;
    if (!v?.shown || v.index + way < 0 || v.index + way > v.count) return;
    // Counted here at once, so that two quick presses are two steps.
    store.variant = { ...v, index: v.index + way };
    app.socket.send({ type: "variant", index: store.variant.index });
    store.emit("variant");
  };
  app.keepVariant = (carryOn) => {
    if (store.variant?.shown) app.post({ type: "keep", carry_on: carryOn }, true);
  };
  app.dropRegion = () => {
    if (!store.region) return;
    if (store.variant && sameRing(store.region, store.variant.region)) app.post({ type: "discard" }, true);
    else {
      // Only marked: what was drawn in an earlier region stays in hand.
      store.region = store.variant?.region ?? null;
      store.emit("region");
    }
  };

  watch(store, ["variant", "region", "tool", "frame", "take"], () => {
    const v = store.variant, fresh = Boolean(store.region) && !(v && sameRing(store.region ?? [], v.region));
    const here = Boolean(v?.shown) && !fresh;
    bar.hidden = !store.region || (!v && store.tool !== "region");
    if (bar.hidden) return;
    const elsewhere = Boolean(v) && !fresh && !v?.shown;
    fill(words, ...(elsewhere && v ? [v.frame === store.frame ? "The scene changed here: undo shows the variants" : `Variants wait at frame ${v.frame}`]
      : here && v ? [v.drawing ? "Drawing…" : v.index === 0 ? "What was before" : h("span", { class: `badge draft${v.whole ? " whole" : ""}`, testid: "variant-quality", text: v.whole ? "Full quality" : "Draft", title: v.seed === null ? "" : `Seed ${v.seed}` })]
        : [`Region at frame ${store.frame}`]));
    const text = again.querySelector("span:last-child");
    if (text) text.textContent = here && v && v.count > 0 ? "Another" : "Regenerate here";
    again.hidden = elsewhere;
    stepper.hidden = !here;
    keep.hidden = onward.hidden = !here;
    keep.disabled = onward.disabled = !v?.can_keep || Boolean(v?.drawing);
    go.hidden = !elsewhere || v?.frame === store.frame;
    if (!v) return;
    which.textContent = v.index === 0 ? `Before · ${v.count}` : `${v.index} of ${v.count}`;
    back.disabled = v.index === 0;
    on.disabled = v.index >= v.count;
  });
  return bar;
}

/** @param {Point[]} a @param {Point[]} b */
function sameRing(a, b) {
  return a === b || (a.length === b.length && a.every((p, i) => p[0] === b[i][0] && p[1] === b[i][1]));
}
