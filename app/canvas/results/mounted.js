/** How our own parts sit inside Gradio's HTML components: a value comes from Python, what the user does goes back as a named event. */

import { h } from "../dom.js";

/**
 * What `js_on_load` of a component hands over.
 * @typedef {{element: HTMLElement, props: {value: any}, trigger: (name: string, data?: object) => void, watch: (name: string, changed: () => void) => void}} Held
 */

/**
 * Call `render(body, value)` now and whenever Python sets another value. The component's own template is an empty box that is never drawn again.
 * @param {Held} held @param {(body: HTMLElement, value: any) => void} render
 */
export function mounted(held, render) {
  const body = /** @type {HTMLElement} */ (held.element.querySelector(".results-part") ?? held.element);
  let shown = "";
  const draw = () => {
    const value = held.props.value, text = JSON.stringify(value);
    // Gradio sets values that are as they were; what is open, hovered or scrolled stays.
    if (!value || text === shown) return;
    shown = text;
    render(body, value);
  };
  held.watch("value", draw);
  draw();
}

/** @param {number} s */
export const clock = (s) => (s < 9.95 ? `${s.toFixed(1)} s` : s < 90 ? `${Math.round(s)} s` : s < 5400 ? `${Math.round(s / 60)} min` : `${(s / 3600).toFixed(1)} h`);

/** Seconds from now on, counted down between news. @param {number} s */
export const countdown = (s) => h("span", { class: "countdown", "data-at": String(performance.now() + s * 1000), text: clock(s) });

setInterval(() => {
  for (const one of document.querySelectorAll(".countdown")) if (one instanceof HTMLElement) one.textContent = clock(Math.max(0, (Number(one.dataset.at) - performance.now()) / 1000));
}, 500);

/** @param {number} bytes */
export const size = (bytes) => (bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`);

/** Seconds since 1970 as a person says it. @param {number} at */
export function when(at) {
  const day = new Date(at * 1000), s = Date.now() / 1000 - at;
  if (s < 60) return "just now";
  if (s < 3600) return `${Math.round(s / 60)} min ago`;
  const time = day.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });
  return day.toDateString() === new Date().toDateString() ? time : `${day.toLocaleDateString([], { day: "numeric", month: "short" })} ${time}`;
}
