/** Making elements, and the few form controls that the panels share. */

import { icon } from "./icons.js";

/** @typedef {{class?: string, testid?: string, label?: string, title?: string, text?: string, on?: Record<string, (event: any) => void>, style?: string, data?: Record<string, string>, [attribute: string]: any}} Props */
/** @typedef {Node|string|null|undefined|false} Child */

/** @param {string} tag @param {Props} [props] @param {...(Child|Child[])} children @returns {HTMLElement} */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (key === "class") element.className = value;
    else if (key === "testid") element.dataset.testid = value;
    else if (key === "label") element.setAttribute("aria-label", value);
    else if (key === "text") element.textContent = value;
    else if (key === "on") for (const [type, listener] of Object.entries(value)) element.addEventListener(type, /** @type {EventListener} */ (listener));
    else if (key === "value") /** @type {HTMLInputElement} */ (element).value = value;
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  for (const child of children.flat()) if (child !== null && child !== undefined && child !== false) element.append(child);
  return element;
}

/** @param {{icon?: string, text?: string, label: string, testid?: string, class?: string, title?: string, key?: string, press: (event: MouseEvent) => void}} spec */
export function button(spec) {
  const title = (spec.title ?? spec.label) + (spec.key ? `  (${spec.key})` : "");
  return /** @type {HTMLButtonElement} */ (
    h("button", { type: "button", class: `btn ${spec.class ?? ""}${spec.text ? "" : " square"}`, testid: spec.testid, label: spec.label, title, on: { click: spec.press } }, spec.icon && icon(spec.icon), spec.text && h("span", { text: spec.text }))
  );
}

/**
 * What somebody typed in a field of numbers: the number, null for an empty one; or a sentence, where it is none that the field takes.
 * What was typed is not turned into something else behind the user's back, so a part of a whole number is refused too.
 * @param {string} typed @param {{label: string, name?: string, unit?: string, min?: number, max?: number, digits?: number}} spec @returns {number|null|string}
 */
export function numberTyped(typed, spec) {
  const text = typed.trim().replace(",", "."), value = Number(text), digits = spec.digits ?? 2, low = spec.min ?? -Infinity, high = spec.max ?? Infinity;
  if (text === "") return null;
  const unit = spec.unit ? ` ${spec.unit}` : "", [least, most] = [low, high].map((v) => +v.toFixed(digits));
  const range = low === -Infinity && high === Infinity ? "" : high === Infinity ? `at least ${least}${unit}` : low === -Infinity ? `at most ${most}${unit}` : `${least} to ${most}${unit}`;
  const refused = (/** @type {string} */ takes) => `${spec.name ?? spec.label} takes ${takes}, so ${text} was not set.`;
  if (!Number.isFinite(value)) return refused(`a number${range && `, ${range}`}`);
  if (value < low || value > high) return refused(range);
  return digits === 0 && !Number.isInteger(value) ? refused("whole numbers") : value;
}

/**
 * A number that can be typed, stepped with the arrows, or dragged by its label. `change` is called once per finished edit.
 * @param {{label: string, name?: string, unit?: string, value: number|null, step?: number, min?: number, max?: number, digits?: number, testid?: string, title?: string, placeholder?: string, disabled?: boolean, change: (value: number|null) => void}} spec
 */
export function numberField(spec) {
  const digits = spec.digits ?? 2, step = spec.step ?? 0.1;
  const shown = (/** @type {number|null} */ v) => (v === null || !Number.isFinite(v) ? "" : String(+v.toFixed(digits)));
  const input = /** @type {HTMLInputElement} */ (h("input", { type: "text", inputmode: "decimal", class: "num", value: shown(spec.value), testid: spec.testid, label: spec.name ?? spec.label, placeholder: spec.placeholder, disabled: spec.disabled, spellcheck: "false" }));
  let before = input.value;
  const finish = () => {
    if (input.value.trim().replace(",", ".") === before) return;
    const value = numberTyped(input.value, spec);
    if (value === null && spec.placeholder === undefined) return void (input.value = before);
    if (typeof value === "string") {
      input.value = before;
      return void field.dispatchEvent(new CustomEvent("refused", { bubbles: true, detail: value }));
    }
    input.value = before = shown(value);
    spec.change(value);
  };
  input.addEventListener("focus", () => input.select());
  input.addEventListener("blur", finish);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") input.blur();
    else if (event.key === "Escape") {
      input.value = before;
      input.blur();
    } else if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      const by = step * (event.shiftKey ? 10 : 1) * (event.key === "ArrowUp" ? 1 : -1);
      input.value = shown(Math.min(spec.max ?? Infinity, Math.max(spec.min ?? -Infinity, (Number(input.value) || 0) + by)));
      event.preventDefault();
    }
    if (!isChord(event)) event.stopPropagation();
  });
  const grip = h("span", { class: "grip", text: spec.label, title: spec.title ?? `${spec.name ?? spec.label}: drag to change` });
  grip.addEventListener("pointerdown", (event) => {
    if (spec.disabled) return;
    const from = Number(input.value) || 0, x0 = event.clientX;
    grip.setPointerCapture(event.pointerId);
    const move = (/** @type {PointerEvent} */ e) => (input.value = shown(Math.min(spec.max ?? Infinity, Math.max(spec.min ?? -Infinity, from + Math.round((e.clientX - x0) / 4) * step * (e.shiftKey ? 10 : 1)))));
    grip.addEventListener("pointermove", move);
    grip.addEventListener("lostpointercapture", () => {
      grip.removeEventListener("pointermove", move);
      finish();
    }, { once: true });
    event.preventDefault();
  });
  const field = h("label", { class: "field" }, grip, input, spec.unit && h("span", { class: "unit", text: spec.unit }));
  field.addEventListener("refused", () => {
    field.classList.add("refused");
    setTimeout(() => field.classList.remove("refused"), 1200);
  });
  return field;
}

/** @param {{label: string, name?: string, value: string, options: Array<[string, string]>, testid?: string, title?: string, change: (value: string) => void}} spec */
export function selectField(spec) {
  const control = /** @type {HTMLSelectElement} */ (h("select", { testid: spec.testid, label: spec.name ?? spec.label, title: spec.title, on: { change: () => spec.change(control.value) } }, spec.options.map(([value, text]) => h("option", { value, text }))));
  control.value = spec.value;
  return h("label", { class: "field" }, spec.label && h("span", { class: "grip still", text: spec.label }), control, icon("chevron", 12));
}

/** @param {{label: string, name?: string, value: string, testid?: string, placeholder?: string, change: (value: string) => void, enter?: () => void}} spec */
export function textField(spec) {
  const input = /** @type {HTMLInputElement} */ (h("input", { type: "text", class: "txt", value: spec.value, testid: spec.testid, label: spec.name ?? spec.label, placeholder: spec.placeholder, spellcheck: "false" }));
  let before = spec.value;
  input.addEventListener("blur", () => {
    if (input.value === before) return;
    before = input.value;
    spec.change(input.value);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") input.value = before;
    if (event.key === "Enter" || event.key === "Escape") input.blur();
    if (event.key === "Enter" && spec.enter) {
      // Where it closes a dialog, the focus goes back to a button that the same press must not press.
      event.preventDefault();
      spec.enter();
    }
    // The dialog that it stands in closes by Esc.
    if (!isChord(event) && (event.key !== "Escape" || !input.closest(".dialog"))) event.stopPropagation();
  });
  return h("label", { class: "field" }, spec.label && h("span", { class: "grip still", text: spec.label }), input);
}

/** Whether a press writes nothing, so that it goes on from a field to the table of commands. @param {KeyboardEvent} event */
export const isChord = (event) => event.ctrlKey || event.metaKey;

const COLOUR = /^#[0-9a-f]{6}$/;

/**
 * A colour, picked at the swatch or typed as #rrggbb; emptied, or reset with the cross, it is null, which `placeholder` puts in words.
 * What is typed and no colour goes to `change` too, for somebody there to say what is wrong with it. `disabled` says why it is.
 * @param {{name: string, value: string|null, placeholder: string, testid?: string, disabled?: string, change: (value: string|null) => void}} spec
 */
export function colourField(spec) {
  let before = spec.value;
  const common = { disabled: Boolean(spec.disabled), title: spec.disabled };
  const swatch = /** @type {HTMLInputElement} */ (h("input", { ...common, type: "color", label: `${spec.name}: pick it`, title: spec.disabled ?? "Pick a colour", testid: spec.testid && `${spec.testid}-swatch` }));
  const text = /** @type {HTMLInputElement} */ (h("input", { ...common, type: "text", class: "txt", label: spec.name, placeholder: spec.placeholder, testid: spec.testid, spellcheck: "false", maxlength: "20" }));
  const reset = button({ icon: "close", label: `${spec.name} ${spec.placeholder}`, class: "ghost tiny", testid: spec.testid && `${spec.testid}-reset`, press: () => {
    set(null);
    text.focus();
  } });
  const field = h("div", { class: "field", role: "group", label: spec.name, title: spec.disabled }, swatch, text, reset);
  const show = (/** @type {string|null} */ value) => {
    swatch.value = value ?? "#808080";
    text.value = value ?? "";
    reset.hidden = value === null;
    field.classList.toggle("unset", value === null);
  };
  const set = (/** @type {string|null} */ value) => {
    const fits = value === null || COLOUR.test(value);
    if (fits) show(value);
    if (value !== before) spec.change(value);
    if (fits) before = value;
    else show(before);
  };
  swatch.addEventListener("input", () => show(swatch.value));
  swatch.addEventListener("change", () => set(swatch.value));
  text.addEventListener("blur", () => {
    const typed = text.value.trim().toLowerCase();
    set(typed === "" ? null : COLOUR.test(`#${typed}`) ? `#${typed}` : typed);
  });
  text.addEventListener("keydown", (event) => {
    if (event.key === "Escape") show(before);
    if (event.key === "Enter" || event.key === "Escape") text.blur();
    if (!isChord(event)) event.stopPropagation();
  });
  show(before);
  return field;
}

/** @template {string} T @param {{label: string, value: T, options: Array<[T, string, string?]>, testid?: string, change: (value: T) => void}} spec */
export function segmented(spec) {
  return h("div", { class: "segmented", role: "radiogroup", label: spec.label, testid: spec.testid }, spec.options.map(([value, text, title]) =>
    h("button", { type: "button", role: "radio", "aria-checked": String(value === spec.value), class: value === spec.value ? "on" : "", title: title ?? text, testid: spec.testid && `${spec.testid}-${value}`, text, on: { click: () => spec.change(value) } })));
}

/** Replace an element's children. @param {HTMLElement} element @param {...(Child|Child[])} children */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat().filter((c) => c !== null && c !== undefined && c !== false).map((c) => /** @type {Node|string} */ (c)));
}

/** A renderer that never takes a field away from under the user: while one inside `element` has the focus it waits until the focus leaves. @param {HTMLElement} element @param {() => void} render */
export function politely(element, render) {
  let owed = false;
  element.addEventListener("focusout", () => setTimeout(() => owed && attempt(), 0));
  const attempt = () => {
    owed = element.contains(document.activeElement) && typing(document.activeElement) && !(document.activeElement instanceof HTMLSelectElement);
    if (!owed) render();
  };
  return attempt;
}

/** Whether the user is typing there. @param {EventTarget|null} target */
export function typing(target) {
  if (target instanceof HTMLInputElement) return !["range", "checkbox", "radio", "button"].includes(target.type);
  return target instanceof HTMLElement && (target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement);
}
