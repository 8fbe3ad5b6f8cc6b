/** Time to collision of the ego with somebody in its way: the same rule as editor.closeness. */

import { RATE_HZ, existsAt, poseAt } from "./tracks.js";

const EGO_FRONT_M = 3.7;
const EGO_HALF_WIDTH_M = 0.95;
const LEAST_CLOSING_M_S = 0.05;

/** Seconds at each frame; Infinity where they do not meet. @param {TrackKey[]} ego @param {AgentEntity} agent @param {number} frames @returns {number[]} */
export function timeToCollision(ego, agent, frames) {
  /** @type {number[]} */ const gaps = [];
  /** @type {boolean[]} */ const meets = [];
  for (let k = 0; k < frames; k++) {
    const t = k / RATE_HZ, [ex, ey, , eyaw] = poseAt(ego, t), [x, y, , yaw] = poseAt(agent.keyframes, t);
    const dx = x - ex, dy = y - ey, c = Math.cos(eyaw), s = Math.sin(eyaw), turn = yaw - eyaw, [length, width] = agent.size_m;
    const along = (Math.abs(Math.cos(turn)) * length + Math.abs(Math.sin(turn)) * width) / 2, across = (Math.abs(Math.sin(turn)) * length + Math.abs(Math.cos(turn)) * width) / 2;
    gaps.push(c * dx + s * dy - along - EGO_FRONT_M);
    meets.push(existsAt(agent, t) && gaps[k] > 0 && Math.abs(c * dy - s * dx) - across - EGO_HALF_WIDTH_M < 0);
  }
  return gaps.map((gap, k) => {
    const a = Math.max(0, k - 1), b = Math.min(frames - 1, k + 1), closing = b > a ? (-(gaps[b] - gaps[a]) / (b - a)) * RATE_HZ : 0;
    return meets[k] && closing > LEAST_CLOSING_M_S ? gap / closing : Infinity;
  });
}
