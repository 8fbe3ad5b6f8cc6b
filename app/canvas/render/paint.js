/** Painted cells as little canvases, one per tile, kept as long as the tile's text is the same. */

export const TILE_CELLS = 64;
export const TILE_M = 12.8;
const KEPT = 4000;

/** @type {Map<string, HTMLCanvasElement>} */
const cache = new Map();

/** @param {string} text base64 of packed bits, [x, y] order @returns {Uint8Array} 0 or 1 per cell */
export function decodeTile(text) {
  const bytes = atob(text);
  const cells = new Uint8Array(TILE_CELLS * TILE_CELLS);
  for (let k = 0; k < cells.length; k++) cells[k] = (bytes.charCodeAt(k >> 3) >> (7 - (k & 7))) & 1;
  return cells;
}

/** Canvas of one tile: its rows go down in y, as pictures do. @param {string} text @param {[number, number, number]} rgb */
export function tileCanvas(text, rgb) {
  const key = rgb.join() + text;
  const known = cache.get(key);
  if (known) return known;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = TILE_CELLS;
  const ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const picture = ctx.createImageData(TILE_CELLS, TILE_CELLS);
  const cells = decodeTile(text);
  for (let x = 0; x < TILE_CELLS; x++) {
    for (let y = 0; y < TILE_CELLS; y++) {
      if (cells[x * TILE_CELLS + y]) picture.data.set([...rgb, 255], 4 * ((TILE_CELLS - 1 - y) * TILE_CELLS + x));
    }
  }
  ctx.putImageData(picture, 0, 0);
  if (cache.size > KEPT) cache.clear();
  cache.set(key, canvas);
  return canvas;
}

/** Draw a paint layer. The context maps world metres. @param {CanvasRenderingContext2D} ctx @param {PaintEntity} layer @param {[number, number, number]} rgb @param {[number, number, number, number]} seen */
export function drawPaint(ctx, layer, rgb, seen) {
  ctx.imageSmoothingEnabled = false;
  ctx.globalCompositeOperation = layer.erases ? "destination-out" : "source-over";
  for (const [key, text] of Object.entries(layer.tiles)) {
    const [i, j] = key.split(",").map(Number);
    const x = i * TILE_M, y = j * TILE_M;
    if (x > seen[2] || x + TILE_M < seen[0] || y > seen[3] || y + TILE_M < seen[1]) continue;
    ctx.save();
    ctx.translate(x, y + TILE_M);
    ctx.scale(TILE_M / TILE_CELLS, -TILE_M / TILE_CELLS);
    ctx.drawImage(tileCanvas(text, rgb), 0, 0);
    ctx.restore();
  }
  ctx.globalCompositeOperation = "source-over";
}
