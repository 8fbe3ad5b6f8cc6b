/** One camera, large: arrows step frames, the wheel zooms, O lays the outlines of the occupancy over it, and it can be made anew alone. */

import { button, fill, h } from "../dom.js";

/**
 * @param {App} app
 * @param {{tile: (name: string) => HTMLElement, names: () => string[], tellSize: () => void}} strip `tile` makes the picture at its full size, `tellSize` asks for it so.
 */
export function makeLightbox(app, strip) {
  const { store } = app;
  const box = h("div", { class: "lightbox", hidden: true, role: "dialog", label: "Camera, large", tabindex: "-1", testid: "lightbox" });
  const overlay = /** @type {HTMLImageElement} */ (h("img", { class: "outlines", alt: "Outlines of the occupancy", testid: "outlines", draggable: "false" }));
  let shown = "", outlined = false;
  /** What had the focus, and on whose tile it was opened. @type {[Element|null, string]} */ let [before, from] = [null, ""];
  const zoom = { scale: 1, x: 50, y: 50 };

  /** @param {string} name */
  function show(name) {
    const opened = name && !shown;
    shown = name;
    Object.assign(zoom, { scale: 1, x: 50, y: 50 });
    box.hidden = !name;
    draw();
    strip.tellSize();
    if (opened) [before, from] = [document.activeElement, name];
    if (opened) box.focus();
    // Tiles are drawn anew while one is large.
    else if (!name && before) /** @type {HTMLElement|null} */ (before.isConnected ? before : document.querySelector(`[data-testid="strip-${CSS.escape(from)}"]`))?.focus({ preventScroll: true });
  }

  /** Frames that can be made anew: those of the range of the options, where the take has them. */
  function range() {
    const take = store.take, [from, to] = store.options.range;
    return take && from <= to && from >= take.start_frame && to < take.start_frame + take.frames ? /** @type {[number, number]} */ ([from, to]) : null;
  }

  function draw() {
    if (!shown || !strip.names().includes(shown)) {
      shown = "";
      box.hidden = true;
      return;
    }
    const figure = strip.tile(shown), part = range(), made = store.take && store.take.stage === "video";
    const url = `/api/ws/${encodeURIComponent(store.scene?.workspace ?? "default")}/outlines/${encodeURIComponent(shown)}?${store.strip?.frame}.${store.strip?.edits}.${store.strip?.source}.${store.strip?.pending}`;
    if (outlined && overlay.getAttribute("src") !== url) overlay.src = url;
    if (outlined) figure.querySelector("img")?.after(overlay);
    figure.style.setProperty("--scale", String(zoom.scale));
    figure.style.setProperty("--at", `${zoom.x}% ${zoom.y}%`);
    figure.addEventListener("wheel", (event) => {
      const area = figure.getBoundingClientRect(), scale = Math.min(12, Math.max(1, zoom.scale * Math.exp(-event.deltaY * 0.0016)));
      if (zoom.scale === 1) Object.assign(zoom, { x: (100 * (event.clientX - area.left)) / area.width, y: (100 * (event.clientY - area.top)) / area.height });
      zoom.scale = scale;
      figure.style.setProperty("--scale", String(scale));
      figure.style.setProperty("--at", `${zoom.x}% ${zoom.y}%`);
      event.preventDefault();
    }, { passive: false });
    const anchor = app.anchors.get(shown), recorded = store.strip?.cameras.find((one) => one.name === shown)?.recorded;
    fill(box, figure,
      h("div", { class: "lightbox-bar" },
        h("span", { class: "mono", text: `frame ${store.frame}`, testid: "lightbox-frame" }),
        button({ text: outlined ? "Hide outlines" : "Outlines", label: "Outlines of the occupancy over the picture", key: "O", testid: "outlines-toggle", class: outlined ? "on" : "", press: outline }),
        button({ text: "This camera anew", label: "Make this camera's pictures anew; every other camera keeps its own", testid: "camera-anew", press: () => anew() }),
        button({ text: "Compare", label: "This take beside another one, or another view model's pictures of the same scene, under a slider", testid: "compare-takes", press: compare }),
        part && button({ text: `Frames ${part[0]}–${part[1]} anew`, label: "Make this camera's pictures of the range anew; all others stay", testid: "range-anew", press: () => anew(part) }),
        recorded && !anchor && button({ text: "Begin from the recorded picture", label: "The next take of this camera begins from what the log's own camera took here", testid: "begin-recorded", press: () => void keepRecorded(app, shown, recorded).then(draw) }),
        anchor && h("span", { class: "anchor", testid: "anchor-set" }, h("img", { src: anchor.url, alt: "" }), app.takesAnchors() ? "begins from this picture" : "this view model begins from no picture", button({ icon: "close", label: "Take the picture off", class: "ghost tiny", press: () => { app.anchors.delete(shown); draw(); } }))),
      button({ icon: "close", label: "Close", key: "Esc", class: "ghost close", press: () => show("") }));
    for (const one of box.querySelectorAll("button[data-testid$=-anew]")) /** @type {HTMLButtonElement} */ (one).disabled = !made;
  }

  function outline() {
    outlined = !outlined;
    draw();
  }

  function compare() {
    app.showResults(true);
    const tab = [...document.querySelectorAll("#results-tabs [role=tab]")].find((one) => one.textContent?.trim() === "Compare");
    if (tab instanceof HTMLElement) tab.click();
  }

  /** @param {[number, number]} [frames] */
  function anew(frames) {
    app.seeAnew({ only_cameras: [shown], ...(frames ? { only_frames: frames } : {}) });
  }

  // Before the page's own keys: what is large has the keyboard.
  window.addEventListener("keydown", (event) => {
    if (!shown || app.resultsShown || event.ctrlKey || event.metaKey || event.altKey || document.querySelector(".veil")) return;
    const step = /** @type {Record<string, number>} */ ({ ArrowLeft: -1, ArrowRight: 1 })[event.key];
    if (step) app.seek(store.frame + step * (event.shiftKey ? 12 : 1));
    else if (event.key === "Escape") show("");
    else if (event.key.toLowerCase() === "o") outline();
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);
  box.addEventListener("click", (event) => event.target === box && show(""));
  return { box, show, draw };
}

/** A picture dropped there becomes what the camera's video begins from. @param {App} app @param {HTMLElement} tile @param {string} camera @param {() => void} changed */
export function takesDrops(app, tile, camera, changed) {
  tile.addEventListener("dragover", (event) => {
    if (![...(event.dataTransfer?.items ?? [])].some((one) => one.kind === "file")) return;
    event.preventDefault();
    tile.classList.add("dropping");
  });
  tile.addEventListener("dragleave", () => tile.classList.remove("dropping"));
  tile.addEventListener("drop", (event) => {
    event.preventDefault();
    tile.classList.remove("dropping");
    const file = event.dataTransfer?.files[0];
    if (file) void keep(app, camera, file).then(changed);
  });
}

/** @param {App} app @param {string} camera @param {File} file */
async function keep(app, camera, file) {
  const answer = await fetch("/api/anchors", { method: "POST", body: file }).catch(() => null);
  const told = await answer?.json().catch(() => null);
  if (!answer?.ok) return app.say("error", told?.detail ?? "The picture did not reach the studio: drop it again.");
  app.anchors.set(camera, { name: told.name, url: URL.createObjectURL(file) });
  begins(app, camera, file.name);
}

/** @param {App} app @param {string} camera @param {string} url */
async function keepRecorded(app, camera, url) {
  const answer = await fetch(`/api/ws/${encodeURIComponent(app.store.scene?.workspace ?? "default")}/anchors/${encodeURIComponent(camera)}`, { method: "POST" }).catch(() => null);
  const told = await answer?.json().catch(() => null);
  if (!answer?.ok) return app.say("error", told?.detail ?? "The studio did not answer: try it again.");
  app.anchors.set(camera, { name: told.name, url });
  begins(app, camera, "the recorded picture");
}

/** @param {App} app @param {string} camera @param {string} what */
function begins(app, camera, what) {
  const able = (app.store.scene?.view_models ?? []).filter((one) => one.takes_anchors).map((one) => one.name).join(" or ");
  app.say(app.takesAnchors() ? "info" : "warn", app.takesAnchors() ? `The next take of ${camera} begins from ${what}.` : `The view model that is chosen begins from no picture: choose ${able || "another one"} under Views.`);
}
