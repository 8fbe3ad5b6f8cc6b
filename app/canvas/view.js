/** World metres <-> canvas pixels. World x to the right, y up; one zoom. */

export const CLOSEST = 120;
export const FARTHEST = 0.4;

export class View {
  constructor() {
    this.width = 1;
    this.height = 1;
    /** World point at the canvas centre. */
    this.x = 0;
    this.y = 0;
    /** Pixels per metre. */
    this.scale = 8;
    /** Grows with every change: caches compare it. */
    this.version = 0;
  }

  /** @param {number} x @param {number} y @returns {Point} */
  toPx(x, y) {
    return [this.width / 2 + (x - this.x) * this.scale, this.height / 2 - (y - this.y) * this.scale];
  }

  /** @param {number} px @param {number} py @returns {Point} */
  toWorld(px, py) {
    return [this.x + (px - this.width / 2) / this.scale, this.y - (py - this.height / 2) / this.scale];
  }

  /** Keep the world point under the cursor in place. @param {number} factor @param {number} px @param {number} py */
  zoomAt(factor, px, py) {
    const [wx, wy] = this.toWorld(px, py);
    this.scale = Math.min(CLOSEST, Math.max(FARTHEST, this.scale * factor));
    this.x = wx - (px - this.width / 2) / this.scale;
    this.y = wy + (py - this.height / 2) / this.scale;
    this.version++;
  }

  /** @param {number} dx_px @param {number} dy_px */
  panBy(dx_px, dy_px) {
    this.x -= dx_px / this.scale;
    this.y += dy_px / this.scale;
    this.version++;
  }

  /** @param {number} x @param {number} y */
  centre(x, y) {
    this.x = x;
    this.y = y;
    this.version++;
  }

  /** @param {[number, number, number, number]} box x0, y0, x1, y1 @param {number} [margin_px] */
  fit([x0, y0, x1, y1], margin_px = 36) {
    const w = Math.max(1, x1 - x0), h = Math.max(1, y1 - y0);
    this.scale = Math.min(40, Math.max(FARTHEST, Math.min((this.width - 2 * margin_px) / w, (this.height - 2 * margin_px) / h)));
    this.centre((x0 + x1) / 2, (y0 + y1) / 2);
  }

  /** World box that can be seen. @returns {[number, number, number, number]} */
  bounds() {
    const [x0, y1] = this.toWorld(0, 0);
    const [x1, y0] = this.toWorld(this.width, this.height);
    return [x0, y0, x1, y1];
  }

  /** Draw in world metres from here on. @param {CanvasRenderingContext2D} ctx @param {number} ratio */
  worldTransform(ctx, ratio) {
    const s = this.scale * ratio;
    ctx.setTransform(s, 0, 0, -s, (this.width / 2 - this.x * this.scale) * ratio, (this.height / 2 + this.y * this.scale) * ratio);
  }
}
