/** Where things are at a time. The same rule as engine.spec.geometry.interpolate and editor.clip: linear, shortest arc, inclusive ends. */

export const RATE_HZ = 12;
/** Times this close count as the same: a twelfth is not a binary fraction. */
const SAME_S = 1e-6;

/** The same angle in [-pi, pi). @param {number} angle */
export function wrap(angle) {
  const turn = 2 * Math.PI;
  return ((((angle + Math.PI) % turn) + turn) % turn) - Math.PI;
}

/** @param {TrackKey[]} keyframes @param {number} time_s @returns {Pose} */
export function poseAt(keyframes, time_s) {
  if (keyframes.length === 0) return [0, 0, 0, 0, 0, 0];
  const first = keyframes[0], last = keyframes[keyframes.length - 1];
  if (time_s <= first[0]) return poseOf(first);
  if (time_s >= last[0]) return poseOf(last);
  let low = 0, next = keyframes.length - 1;
  while (next - low > 1) {
    const middle = (low + next) >> 1;
    if (keyframes[middle][0] < time_s) low = middle;
    else next = middle;
  }
  const a = keyframes[next - 1], b = keyframes[next];
  const weight = (time_s - a[0]) / (b[0] - a[0] || 1);
  const mix = (/** @type {number} */ i) => a[i] + weight * (b[i] - a[i]);
  const arc = (/** @type {number} */ i) => wrap(a[i] + weight * wrap(b[i] - a[i]));
  return [mix(1), mix(2), mix(3), arc(4), arc(5), arc(6)];
}

/** @param {TrackKey} keyframe @returns {Pose} */
export function poseOf(keyframe) {
  return [keyframe[1], keyframe[2], keyframe[3], keyframe[4], keyframe[5], keyframe[6]];
}

/** @param {AgentEntity} agent @param {number} time_s */
export function existsAt(agent, time_s) {
  return (agent.appears_s === null || time_s >= agent.appears_s - SAME_S) && (agent.disappears_s === null || time_s <= agent.disappears_s + SAME_S);
}

/** Metres per second around a time; 0 outside the track. @param {TrackKey[]} keyframes @param {number} time_s */
export function speedAt(keyframes, time_s) {
  for (let i = 1; i < keyframes.length; i++) {
    const a = keyframes[i - 1], b = keyframes[i];
    if (time_s >= a[0] - SAME_S && time_s < b[0] - SAME_S) return segmentSpeed(a, b);
  }
  return 0;
}

/** @param {TrackKey} a @param {TrackKey} b */
export function segmentSpeed(a, b) {
  return Math.hypot(b[1] - a[1], b[2] - a[2]) / Math.max(SAME_S, b[0] - a[0]);
}

/** Index of the keyframe at this time, or -1. @param {TrackKey[]} keyframes @param {number} time_s */
export function keyframeAt(keyframes, time_s) {
  return keyframes.findIndex((k) => Math.abs(k[0] - time_s) < 0.5 / RATE_HZ - SAME_S);
}
