/** The menus of the top bar: every command by its group, with its keys, and why it cannot be run where it cannot. */

import { keysOf, shownKey } from "../bindings.js";
import { ELSEWHERE, MENUS, commandsOf } from "../commands.js";
import { fill, h } from "../dom.js";
import { icon } from "../icons.js";
import { perform } from "../keys.js";

/** @param {App} app */
export function makeMenus(app) {
  const list = h("div", { class: "menu-list", role: "menu", hidden: true });
  let open = "";
  /** @type {HTMLElement[]} */ const heads = MENUS.filter((name) => !ELSEWHERE.includes(name)).map((name) => h("button", { type: "button", class: "menu-head", role: "menuitem", "aria-haspopup": "menu", "aria-expanded": "false", testid: `menu-${name}`, text: name, on: { click: () => (open === name ? close(true) : show(name)), pointerenter: () => open && open !== name && show(name) } }));
  const bar = h("nav", { class: "menus", role: "menubar", label: "Menus" }, heads, list);

  const headOf = (/** @type {string} */ name) => heads.find((head) => head.textContent === name);
  const close = (/** @type {boolean} */ back) => {
    const head = headOf(open);
    head?.setAttribute("aria-expanded", "false");
    if (back) head?.focus();
    open = "";
    list.hidden = true;
  };
  const show = (/** @type {string} */ name) => {
    if (open) close(false);
    open = name;
    const head = /** @type {HTMLElement} */ (headOf(name));
    head.setAttribute("aria-expanded", "true");
    fill(list, commandsOf(app).filter((command) => command.group === name).map((command) => {
      const why = command.why?.(app) ?? null;
      return h("button", { type: "button", class: "menu-item", role: "menuitem", tabindex: "-1", "aria-disabled": String(Boolean(why)), testid: `item-${command.id}`, title: why ?? command.title, on: { click: () => { close(false); perform(app, command); } } },
        command.icon ? icon(command.icon, 14) : h("span", { class: "icon none" }), h("span", { class: "words" }, h("span", { text: command.title + (command.spec?.args.some((arg) => arg.required && !arg.fill) || command.spec?.asks ? "…" : "") }), why && h("span", { class: "why", text: why })), h("kbd", { text: keysOf(command).map(shownKey).join("  ") }));
    }));
    list.hidden = false;
    list.style.left = `${head.offsetLeft}px`;
    /** @type {HTMLElement|null} */ (list.querySelector(".menu-item"))?.focus();
  };
  bar.addEventListener("keydown", (event) => {
    const items = /** @type {HTMLElement[]} */ ([...list.querySelectorAll(".menu-item")]), at = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const names = heads.map((head) => head.textContent ?? ""), here = names.indexOf(open || document.activeElement?.textContent || "");
    const beside = names[(here + (event.key === "ArrowRight" ? 1 : -1) + names.length) % names.length];
    if (event.key === "Escape" && open) close(true);
    else if (event.key === "ArrowDown" && !open && here >= 0) show(names[here]);
    else if (event.key === "ArrowDown") items[(at + 1) % items.length]?.focus();
    else if (event.key === "ArrowUp" && open) items[(at - 1 + items.length) % items.length]?.focus();
    else if (event.key === "Home" && open) items[0]?.focus();
    else if (event.key === "End" && open) items[items.length - 1]?.focus();
    else if ((event.key === "ArrowRight" || event.key === "ArrowLeft") && here >= 0) open ? show(beside) : headOf(beside)?.focus();
    else {
      if (open) event.stopPropagation();
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  });
  // Tab leaves the list, and Esc would no longer reach it.
  bar.addEventListener("focusout", (event) => open && event.relatedTarget instanceof Node && !bar.contains(event.relatedTarget) && close(false));
  document.addEventListener("pointerdown", (event) => {
    if (open && event.target instanceof Node && !bar.contains(event.target)) close(false);
  });
  return bar;
}
