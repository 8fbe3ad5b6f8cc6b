/** The queue: what runs, what waits and since when it will run, what ended. */

import { fill, h } from "../dom.js";
import { clock, countdown, mounted, size } from "./mounted.js";

const STATES = /** @type {Record<string, string>} */ ({ queued: "waits", loading: "loads the model", running: "runs", done: "done", failed: "failed", cancelled: "cancelled" });
const KINDS = /** @type {Record<string, string>} */ ({ take: "Take", evaluate: "Scores", export: "Export" });

/** @param {import("./mounted.js").Held} held */
export function mount(held) {
  mounted(held, (body, value) => {
    const list = body.querySelector(".queue"), top = list?.scrollTop ?? 0;
    const live = value.jobs.filter((/** @type {any} */ job) => ["queued", "loading", "running"].includes(job.state));
    const mine = live.filter((/** @type {any} */ job) => job.workspace === value.workspace).length;
    const left = live.length && live.every((/** @type {any} */ job) => job.eta_s !== null) ? live.reduce((/** @type {number} */ sum, /** @type {any} */ job) => sum + job.eta_s, 0) : null;
    const queue = h("div", { class: "queue", role: "list", label: "Queue" }, value.jobs.map((/** @type {any} */ job) => row(held, job, value)));
    fill(body, h("div", { class: "part-head" }, h("h3", { text: "Queue" }), h("span", { class: "faint", testid: "queue-left", }, live.length ? [`${live.length} left`, ...(left === null ? [] : [", about ", countdown(left)])] : "empty"),
        mine > 0 && h("button", { type: "button", class: "mini danger", testid: "cancel-mine", text: `Cancel mine (${mine})`, title: "Call off every job of this scene; finished frames stay", on: { click: () => held.trigger("act", { what: "cancel_mine" }) } })),
      queue);
    queue.scrollTop = top;
  });
}

/** @param {import("./mounted.js").Held} held @param {any} job @param {any} value */
function row(held, job, value) {
  const act = (/** @type {string} */ what, /** @type {object} */ more = {}) => held.trigger("act", { what, job: job.id, ...more });
  const mini = (/** @type {string} */ text, /** @type {string} */ label, /** @type {() => void} */ press, kind = "", off = false) => h("button", { type: "button", class: `mini ${kind}`, text, label: `${label}: ${job.name}`, title: label, disabled: off, testid: `job-${label.split(/\W/)[0].toLowerCase()}`, on: { click: press } });
  const waits = job.state === "queued", live = waits || job.state === "running" || job.state === "loading";
  const waiting = value.jobs.filter((/** @type {any} */ one) => one.state === "queued").length;
  const share = job.state === "done" ? 1 : job.frames_total ? job.frames_done / job.frames_total : 0;
  const piece = job.stage === "video" || job.stage === "buffers" ? "pictures" : job.kind === "export" ? "steps" : "frames";
  const recipe = job.recipe ?? {};
  const about = job.kind === "take" ? [job.item || recipe.prompt, `seed ${recipe.seed}`, recipe.views].filter(Boolean).join(" · ") : [job.name, job.format].filter(Boolean).join(" · ");
  const told = waits
    ? [`${job.position}. in line`, ...(job.starts_in_s === null ? [] : [", starts in ", countdown(job.starts_in_s)]), job.eta_s === null ? ", not measured yet" : `, needs ${clock(job.eta_s)}`]
    : live ? [`${job.stage || STATES[job.state]} ${job.frames_done}/${job.frames_total} ${piece}`, ...(job.eta_s === null ? [] : [" · ", countdown(job.eta_s), " left"])]
    : [`${STATES[job.state]}${job.seconds ? ` after ${clock(job.seconds)}` : ""}`];
  return h("div", { class: `job ${job.state}`, role: "listitem", testid: "job", "data-job": job.id },
    h("div", { class: "line" }, h("b", { text: job.kind === "take" ? job.scene || "(no name)" : KINDS[job.kind] }), h("span", { class: `mark ${job.state}`, text: STATES[job.state] }),
      h("span", { class: "acts" },
        waits && mini("↑", "Earlier in the line", () => act("move", { place: job.position - 1 }), "", job.position <= 1), waits && mini("↓", "Later in the line", () => act("move", { place: job.position + 1 }), "", job.position >= waiting),
        live && mini("Cancel", "Cancel this job", () => act("cancel"), "danger"), !live && job.state !== "done" && mini("Retry", "Retry this job", () => act("retry")),
        !live && job.state !== "done" && job.kind === "take" && job.frames_kept > 0 && mini("Continue", "Continue: make what is missing in a take beside it", () => act("carry_on", { take: job.name })))),
    h("div", { class: "line prompt", text: about, title: about }),
    h("div", { class: "line facts" }, h("span", { testid: "job-told" }, told)),
    live && job.engine && h("p", { class: "why note", testid: "job-engine", text: job.engine }),
    live && !waits && h("div", { class: "track" }, h("i", { style: `width:${(share * 100).toFixed(1)}%` })),
    job.message && (job.state === "failed" || (job.state === "cancelled" && job.message !== "Cancelled.")) && h("p", { class: "why", text: job.message }),
    job.notes.length > 0 && h("details", {}, h("summary", { text: job.notes.length === 1 ? "1 note" : `${job.notes.length} notes` }), job.notes.map((/** @type {string} */ note) => h("p", { class: "why note", text: note }))));
}

/** Finished exports, to be downloaded. @param {import("./mounted.js").Held} held */
export function mountDownloads(held) {
  mounted(held, (body, value) => fill(body, value.exports.length > 0 && h("div", { class: "downloads" }, value.exports.map((/** @type {any} */ one) =>
    h("a", { href: one.url, download: one.name, class: "download", testid: "download", title: one.name }, h("b", { text: one.format }), h("span", { class: "faint", text: size(one.bytes) }))))));
}
