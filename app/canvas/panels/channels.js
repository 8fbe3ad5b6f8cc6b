/** The 15 channels: pick one, hide it on the canvas, lock it. */

import { channelOf, spoken } from "../entity.js";
import { fill, h } from "../dom.js";
import { icon } from "../icons.js";
import { watch } from "../store.js";

/** @param {App} app @param {string} name */
export function pickChannel(app, name) {
  const { store } = app;
  if (name === store.channel) return;
  store.lastChannel = store.channel;
  store.channel = name;
  if (store.scene?.sizes[name]) store.options.agentClass = name;
  store.emit("channels", "options");
}

/** Hide or show; with `solo`, show nothing else (again: everything). @param {App} app @param {string} name @param {boolean} solo */
function toggleEye(app, name, solo) {
  const { store } = app;
  const others = (store.scene?.channels ?? []).map((c) => c.name).filter((n) => n !== name);
  if (solo) {
    const alone = !store.hidden.has(name) && others.every((n) => store.hidden.has(n));
    store.hidden = new Set(alone ? [] : others);
  } else if (!store.hidden.delete(name)) store.hidden.add(name);
  store.emit("channels", "show");
}

/** @param {App} app */
export function makeChannels(app) {
  const { store } = app;
  const list = h("div", { class: "channels", role: "listbox", label: "Layout channels" });
  watch(store, ["scene", "channels", "entities"], () => {
    /** @type {Map<string, number>} */ const counts = new Map();
    for (const entity of store.entities()) {
      const channel = channelOf(entity);
      if (channel) counts.set(channel, (counts.get(channel) ?? 0) + 1);
    }
    fill(list, (store.scene?.channels ?? []).map(({ name, rgb, key }) => {
      const active = name === store.channel, hidden = store.hidden.has(name), locked = store.locked.has(name);
      return h("div", { class: `channel${active ? " on" : ""}${hidden ? " off" : ""}`, role: "option", "aria-selected": String(active), testid: `channel-${name}`, tabindex: "0", title: `${spoken(name)}: click to paint on it${key ? `  (${key})` : ""}`, on: { click: () => pickChannel(app, name), keydown: (/** @type {KeyboardEvent} */ e) => e.key === "Enter" && pickChannel(app, name) } },
        h("i", { class: "swatch", style: `background:rgb(${rgb})` }),
        h("span", { class: "name", text: spoken(name) }),
        h("span", { class: "count", text: counts.get(name) ? `×${counts.get(name)}` : "", title: `${counts.get(name) ?? 0} objects and paint layers` }),
        h("kbd", { text: key ?? "" }),
        h("button", { type: "button", class: `mini${locked ? " set" : ""}`, testid: `channel-${name}-lock`, label: `${locked ? "Unlock" : "Lock"} ${spoken(name)}`, "aria-pressed": String(locked), title: locked ? "Locked: takes no paint and cannot be picked. Click to unlock." : "Lock: take no paint, cannot be picked", on: { click: (/** @type {Event} */ e) => { e.stopPropagation(); if (!store.locked.delete(name)) store.locked.add(name); store.emit("channels"); } } }, icon(locked ? "lock" : "unlock", 14)),
        h("button", { type: "button", class: `mini eye${hidden ? " set" : ""}`, testid: `channel-${name}-eye`, label: `${hidden ? "Show" : "Hide"} ${spoken(name)}`, "aria-pressed": String(hidden), title: "Hide on the canvas only (Shift-click: solo)", on: { click: (/** @type {MouseEvent} */ e) => { e.stopPropagation(); toggleEye(app, name, e.shiftKey); } } }, icon(hidden ? "eyeOff" : "eye", 14)));
    }));
  });
  return list;
}
