/** Which key does what: the commands' own keys, and those that this browser's user put in their place. */

const REMEMBERED = "anyscene.keys";

/** @returns {Record<string, string[]>} */
export function remapped() {
  try {
    return JSON.parse(localStorage.getItem(REMEMBERED) ?? "{}");
  } catch {
    localStorage.removeItem(REMEMBERED);
    return {};
  }
}

/** @param {PageCommand} command @param {Record<string, string[]>} [changed] */
export const keysOf = (command, changed = remapped()) => changed[command.id] ?? command.keys;

const SYMBOLS = /** @type {Record<string, string>} */ ({ " ": "Space" });

/** The name of a press: modifiers in one order, then the key; null for a modifier alone. @param {{key: string, code: string, ctrlKey: boolean, metaKey: boolean, altKey: boolean, shiftKey: boolean}} event */
export function nameOf(event) {
  if (["Control", "Shift", "Alt", "Meta", "AltGraph"].includes(event.key)) return null;
  const ctrl = event.ctrlKey || event.metaKey, digit = /^Digit(\d)$/.exec(event.code);
  // A letter or a digit with Shift is that key with Shift; a sign that needs Shift is the sign.
  const letter = /^[a-z]$/i.test(event.key), whole = event.key.length > 1;
  const key = letter ? event.key.toUpperCase() : digit && event.shiftKey && event.key.length === 1 ? digit[1] : SYMBOLS[event.key] ?? event.key;
  const shift = event.shiftKey && (letter || whole || key === "Space" || (digit && event.key.length === 1));
  return [ctrl && "Ctrl", event.altKey && "Alt", shift && "Shift", key].filter(Boolean).join("+");
}

/** As it is printed. @param {string} key */
export const shownKey = (key) => key.replace("Arrow", "").replace("Escape", "Esc").replace("Delete", "Del");

/** Whether two commands can be meant by one press: not where one needs something held and the other nothing. @param {PageCommand} a @param {PageCommand} b */
const meet = (a, b) => !a.when || !b.when || a.when === b.when;

/** The command that a key would do twice, or null. @param {PageCommand[]} commands @param {PageCommand} command @param {string} key @param {Record<string, string[]>} [changed] */
export function conflict(commands, command, key, changed = remapped()) {
  return commands.find((other) => other.id !== command.id && keysOf(other, changed).includes(key) && meet(other, command)) ?? null;
}

/** Give a command another key, or its own again with null. Returns the command that has it already, and then changes nothing. @param {PageCommand[]} commands @param {PageCommand} command @param {string|null} key */
export function remap(commands, command, key) {
  const changed = remapped();
  const wanted = key === null ? command.keys : [key];
  for (const one of wanted) {
    const taken = conflict(commands, command, one, changed);
    if (taken) return taken;
  }
  if (key === null) delete changed[command.id];
  else changed[command.id] = wanted;
  localStorage.setItem(REMEMBERED, JSON.stringify(changed));
  return null;
}
