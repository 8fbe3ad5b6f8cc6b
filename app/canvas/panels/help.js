/** The sheet of keys. */

import { h } from "../dom.js";
import { openDialog } from "./dialog.js";

/** @type {Array<[string, Array<[string, string]>]>} */
const SHEET = [
  ["Tools", [["V", "Select, move, rotate"], ["H", "Pan"], ["B", "Brush"], ["E", "Eraser"], ["F", "Fill"], ["P", "Area"], ["L", "Line"], ["A", "Agent"], ["W", "Waypoints of the selected track"], ["C", "Camera"], ["R", "Region to draw anew"]]],
  ["Paint", [["1 … 9, 0", "Pick a channel"], ["Q", "Last two channels"], ["[  ]", "Brush size"], ["Ctrl+wheel", "Brush size"], ["Shift-click eye", "Solo a channel"], ["Enter", "Finish a shape"], ["Backspace", "Remove the last point"], ["Esc", "Drop what is half made"]]],
  ["Selection", [["Shift-drag", "Box select"], ["Alt-drag", "Move only the keyframe at this frame"], ["Arrows", "Nudge 0.1 m (Shift: 1 m)"], ["Q / E", "Turn by 5° (Shift: 45°)"], ["G", "Turn around"], ["K", "Keyframe at this frame"], ["Ctrl+D", "Duplicate"], ["Ctrl+C / V", "Copy, paste at the cursor"], ["Del", "Delete"], ["Ctrl+A", "Select all agents"], [".", "Show the selection"]]],
  ["Time", [["Space", "Play, pause"], ["Left / Right", "One frame (nothing selected)"], ["Shift+Left / Right", "One second (nothing selected)"], ["Home / End", "First, last frame"], ["Ctrl+Alt+Left / Right", "Previous, next keyframe"]]],
  ["Region", [["Drag", "Mark a box or a loop"], ["Enter", "Draw it anew, with another seed"], ["[  ]", "Previous, next variant"], ["Shift+Enter", "Keep the variant in a new take"], ["Esc", "Put it away"]]],
  ["View", [["Wheel", "Zoom at the cursor"], ["Middle-drag, Space-drag", "Pan"], ["Shift+1", "Fit the scene"], ["Double-click", "Show an object"]]],
  ["Scene", [["Ctrl+Z", "Undo"], ["Ctrl+Shift+Z, Ctrl+Y", "Redo"], ["Ctrl+S", "Save"], ["Ctrl+O", "Open"], ["Ctrl+Enter", "Generate"], ["Ctrl+Shift+Enter", "Generate on from this frame"], ["Shift+X", "Cancel the job"], ["?  F1", "This sheet"]]],
];

/** @param {App} _app */
export function showHelp(_app) {
  if (document.querySelector("[data-testid=help-sheet]")) return;
  openDialog({ title: "Keys and mouse", testid: "help-sheet", wide: true, body: [h("div", { class: "sheet" }, SHEET.map(([title, rows]) => h("section", {}, h("h4", { text: title }), h("dl", {}, rows.flatMap(([key, text]) => [h("dt", {}, h("kbd", { text: key })), h("dd", { text })])))))] });
}
