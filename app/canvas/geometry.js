/** Plane geometry for drawing and picking. World metres. */

/** Degrees in a radian. */
export const DEG = 180 / Math.PI;

/** Rear overhang, front reach and width of the ego box around its rear axle. */
export const EGO_BOX = { rear: 1.0, front: 3.8, width: 1.9 };

/** Corners of a box: front left, front right, rear right, rear left. @param {number} x @param {number} y @param {number} yaw @param {number} front @param {number} rear @param {number} width @returns {Point[]} */
export function corners(x, y, yaw, front, rear, width) {
  const c = Math.cos(yaw), s = Math.sin(yaw), h = width / 2;
  return [[front, h], [front, -h], [-rear, -h], [-rear, h]].map(([u, v]) => [x + c * u - s * v, y + s * u + c * v]);
}

/** @param {Point} p @param {Point[]} ring */
export function inside(p, ring) {
  let within = false;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    const [xi, yi] = ring[i], [xj, yj] = ring[j];
    if (yi > p[1] !== yj > p[1] && p[0] < ((xj - xi) * (p[1] - yi)) / (yj - yi) + xi) within = !within;
  }
  return within;
}

/** @param {Point} p @param {Point} a @param {Point} b */
export function toSegment(p, a, b) {
  const dx = b[0] - a[0], dy = b[1] - a[1];
  const t = Math.max(0, Math.min(1, ((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / (dx * dx + dy * dy || 1)));
  return Math.hypot(p[0] - a[0] - t * dx, p[1] - a[1] - t * dy);
}

/** @param {Point} p @param {Point[]} points */
export function toPolyline(p, points) {
  let best = Infinity;
  for (let i = 1; i < points.length; i++) best = Math.min(best, toSegment(p, points[i - 1], points[i]));
  return best;
}

/** @param {Point[]} ring */
export function ringArea(ring) {
  let twice = 0;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) twice += ring[j][0] * ring[i][1] - ring[i][0] * ring[j][1];
  return Math.abs(twice) / 2;
}

/** @param {Iterable<Point>} points @returns {[number, number, number, number]} */
export function boundsOf(points) {
  let x0 = Infinity, y0 = Infinity, x1 = -Infinity, y1 = -Infinity;
  for (const [x, y] of points) {
    if (x < x0) x0 = x;
    if (y < y0) y0 = y;
    if (x > x1) x1 = x;
    if (y > y1) y1 = y;
  }
  return [x0, y0, x1, y1];
}

/** @param {[number, number, number, number]} a @param {[number, number, number, number]} b @param {number} [margin] */
export function overlaps(a, b, margin = 0) {
  return a[0] <= b[2] + margin && b[0] <= a[2] + margin && a[1] <= b[3] + margin && b[1] <= a[3] + margin;
}

/** @param {Point} p @param {number} angle @param {Point} pivot @returns {Point} */
export function turned(p, angle, pivot) {
  const c = Math.cos(angle), s = Math.sin(angle), dx = p[0] - pivot[0], dy = p[1] - pivot[1];
  return [pivot[0] + c * dx - s * dy, pivot[1] + s * dx + c * dy];
}
