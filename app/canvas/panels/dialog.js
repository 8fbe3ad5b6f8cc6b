/** A box over the page that Esc or a click beside it closes. */

import { button, h } from "../dom.js";

/** Tab goes round in a dialog: what lies under its veil is not to be pressed. @param {HTMLElement} box @param {KeyboardEvent} event */
export function goRound(box, event) {
  if (event.key !== "Tab" || event.ctrlKey || event.altKey) return;
  const stops = /** @type {HTMLElement[]} */ ([...box.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")]).filter((one) => one.tabIndex >= 0 && !one.matches(":disabled, [type=radio]:not(:checked)") && one.getClientRects().length);
  const [leaves, enters] = event.shiftKey ? [stops[0], stops.at(-1)] : [stops.at(-1), stops[0]], now = document.activeElement;
  if (now !== leaves && now !== box && box.contains(now)) return;
  event.preventDefault();
  enters?.focus();
}

/** @param {{title: string, testid?: string, wide?: boolean, class?: string, body: Array<import("../dom.js").Child>, actions?: HTMLElement[], closed?: () => void}} spec `closed` runs however it is closed @returns {() => void} closes it */
export function openDialog(spec) {
  const before = document.activeElement;
  const close = () => {
    veil.remove();
    document.removeEventListener("keydown", outside);
    spec.closed?.();
    if (before instanceof HTMLElement) before.focus({ preventScroll: true });
  };
  const box = h("div", { class: `dialog${spec.wide ? " wide" : ""} ${spec.class ?? ""}`, role: "dialog", "aria-modal": "true", label: spec.title, testid: spec.testid, tabindex: "-1" },
    h("div", { class: "dialog-head" }, h("h3", { text: spec.title }), button({ icon: "close", label: "Close", class: "ghost", testid: "dialog-close", press: close })),
    h("div", { class: "dialog-body" }, ...spec.body), spec.actions && h("div", { class: "dialog-actions" }, spec.actions));
  const veil = h("div", { class: "veil", on: { pointerdown: (/** @type {Event} */ e) => e.target === veil && close() } }, box);
  veil.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Escape") close();
    else goRound(box, event);
  });
  /** A button that is pressed and then disabled loses the focus to the page, where Esc has to close the dialog too. @param {KeyboardEvent} event */
  const outside = (event) => {
    const last = [...document.querySelectorAll(".veil")].at(-1);
    if (event.key === "Escape" && last === veil && !(event.target instanceof Node && veil.contains(event.target))) close();
  };
  document.addEventListener("keydown", outside);
  document.querySelector(".studio")?.append(veil);
  (/** @type {HTMLElement|null} */ (box.querySelector("[autofocus]")) ?? box).focus();
  return close;
}
