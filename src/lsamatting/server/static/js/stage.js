// The picture on the screen: layers, marks, strokes on their way, and the brush.

import { Layers } from "./layers.js";
import { BACKGROUND, NONE, SUBJECT, UNKNOWN } from "./mask.js";
import { Viewport } from "./viewport.js";

/** @typedef {import("./picture.js").Picture} Picture */
/** @typedef {import("./layers.js").Part} Part */
/** @typedef {import("./layers.js").LayerName} LayerName */
/** @typedef {{points: [number, number, number][], opacity: number}} Pending */

// Blue and orange are told apart by every kind of eye. Bytes are alpha, blue, green, red.
const SUBJECT_TINT = 0x78d7892f;
const BACKGROUND_TINT = 0x783a7ee8;
const UNKNOWN_TINT = 0x50c8c8c8;
const PROPOSED = { [SUBJECT]: 0x50d7892f, [BACKGROUND]: 0x503a7ee8, [UNKNOWN]: 0x46c8c8c8 };

const CHECKER = 12;
/** Pixels around strokes that are shown with them, before the rest. */
const AROUND = 64;

export class Stage {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {HTMLCanvasElement} top
   * @param {import("./store.js").Store} store
   * @param {(error: unknown) => void} failed
   */
  constructor(canvas, top, store, failed) {
    this.canvas = canvas;
    this.top = top;
    this.store = store;
    this.failed = failed;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
    this.topContext = /** @type {CanvasRenderingContext2D} */ (top.getContext("2d"));
    this.viewport = new Viewport();
    /** @type {WeakMap<Picture, Layers>} */
    this.layersOf = new WeakMap();
    /** @type {WeakMap<Picture, Viewport>} */
    this.viewports = new WeakMap();
    /** @type {Picture | null} */
    this.picture = null;
    /** @type {{x: number, y: number} | null} where the brush is, in the picture */
    this.brush = null;
    /** @type {Pending[]} strokes that the server has not answered yet */
    this.pending = [];
    /** @type {ImageBitmap | null} */
    this.backdrop = null;
    this.tints = document.createElement("canvas");
    this.overlay = document.createElement("canvas");
    this.frame = 0;
    this.topFrame = 0;
    this.onpaint = () => {};
    this.table = tintTable();
    new ResizeObserver(() => this.resize()).observe(canvas);
    window.addEventListener("resize", () => this.draw());
    store.addEventListener("change", () => this.draw());
  }

  resize() {
    const ratio = window.devicePixelRatio;
    const box = this.canvas.getBoundingClientRect();
    for (const canvas of [this.canvas, this.top]) {
      canvas.width = Math.max(1, Math.round(box.width * ratio));
      canvas.height = Math.max(1, Math.round(box.height * ratio));
    }
    this.viewport.width = this.canvas.width;
    this.viewport.height = this.canvas.height;
    if (this.viewport.fitted) this.fit();
    this.paint();
  }

  fit() {
    if (this.picture?.width) this.viewport.fit(this.picture.width, this.picture.height);
    this.draw();
  }

  /** @param {Picture | null} picture */
  show(picture) {
    if (picture === this.picture) return;
    this.picture = picture;
    this.pending = [];
    const size = { width: this.canvas.width, height: this.canvas.height };
    const known = picture && this.viewports.get(picture);
    this.viewport = Object.assign(known ?? new Viewport(), size);
    if (picture) this.viewports.set(picture, this.viewport);
    if (this.viewport.fitted) this.fit();
    this.draw();
  }

  layers() {
    const picture = /** @type {Picture} */ (this.picture);
    let layers = this.layersOf.get(picture);
    if (!layers) {
      layers = new Layers(picture, () => this.draw(), this.failed);
      this.layersOf.set(picture, layers);
    }
    return layers;
  }

  draw() {
    this.frame ||= requestAnimationFrame(() => this.paint());
  }

  drawBrush() {
    this.topFrame ||= requestAnimationFrame(() => this.paintBrush());
  }

  paint() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    const { context, canvas, viewport, picture } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = getComputedStyle(canvas).getPropertyValue("--surround");
    context.fillRect(0, 0, canvas.width, canvas.height);
    this.paintBrush();
    this.onpaint();
    if (!picture?.width) return;
    const shown = this.store.shown;
    const transform = () =>
      context.setTransform(viewport.scale, 0, 0, viewport.scale, viewport.x, viewport.y);
    transform();
    context.imageSmoothingEnabled = viewport.scale < 2 * window.devicePixelRatio;
    context.imageSmoothingQuality = "high";
    context.save();
    context.beginPath();
    context.rect(0, 0, picture.width, picture.height);
    context.clip();
    if (shown === "subject") {
      this.paintBackdrop();
      transform();
      this.paintLayer("cutout");
    } else if (shown === "alpha") {
      this.paintLayer("alpha");
    } else {
      this.paintLayer("picture");
      if (shown === "overlay") this.paintShade();
    }
    context.restore();
    context.setTransform(1, 0, 0, 1, 0, 0);
    if (shown === "marks") this.paintMarks();
    if (!this.store.original) this.paintPending();
  }

  /** @param {LayerName} name */
  paintLayer(name) {
    const picture = /** @type {Picture} */ (this.picture);
    const seen = this.viewport.seen(picture.width, picture.height);
    drawParts(this.context, this.layers().get(name, seen, this.viewport.scale), picture);
  }

  paintBackdrop() {
    const { context, viewport } = this;
    const picture = /** @type {Picture} */ (this.picture);
    const kind = this.store.backdrop;
    if (kind === "picture" && this.backdrop) {
      const { width, height } = this.backdrop;
      const scale = Math.max(picture.width / width, picture.height / height);
      const [w, h] = [picture.width / scale, picture.height / scale];
      const [x, y] = [(width - w) / 2, (height - h) / 2];
      context.drawImage(this.backdrop, x, y, w, h, 0, 0, picture.width, picture.height);
      return;
    }
    if (kind === "black" || kind === "white" || kind === "colour") {
      context.fillStyle = kind === "colour" ? this.store.colour : kind;
      context.fillRect(0, 0, picture.width, picture.height);
      return;
    }
    // Squares are of the screen, so that they look the same at every zoom.
    context.setTransform(1, 0, 0, 1, 0, 0);
    const side = CHECKER * window.devicePixelRatio;
    const tile = this.tints;
    tile.width = tile.height = 2 * side;
    const drawn = /** @type {CanvasRenderingContext2D} */ (tile.getContext("2d"));
    drawn.fillStyle = "#b4b4b4";
    drawn.fillRect(0, 0, 2 * side, 2 * side);
    drawn.fillStyle = "#8f8f8f";
    drawn.fillRect(0, 0, side, side);
    drawn.fillRect(side, side, side, side);
    context.fillStyle = /** @type {CanvasPattern} */ (context.createPattern(tile, "repeat"));
    context.fillRect(
      viewport.x,
      viewport.y,
      picture.width * viewport.scale,
      picture.height * viewport.scale,
    );
  }

  /** Lay a red film over what is not the subject. */
  paintShade() {
    const { overlay, viewport, context } = this;
    const picture = /** @type {Picture} */ (this.picture);
    overlay.width = this.canvas.width;
    overlay.height = this.canvas.height;
    const shade = /** @type {CanvasRenderingContext2D} */ (overlay.getContext("2d"));
    shade.fillStyle = "#d03028";
    shade.setTransform(viewport.scale, 0, 0, viewport.scale, viewport.x, viewport.y);
    shade.fillRect(0, 0, picture.width, picture.height);
    shade.globalCompositeOperation = "destination-out";
    const seen = viewport.seen(picture.width, picture.height);
    drawParts(shade, this.layers().get("cutout", seen, viewport.scale), picture);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.globalAlpha = 0.55;
    context.drawImage(overlay, 0, 0);
    context.globalAlpha = 1;
  }

  /** Tint what is marked: every pixel of the screen looks its pixel of the mask up. */
  paintMarks() {
    const { viewport, canvas, overlay } = this;
    const picture = /** @type {Picture} */ (this.picture);
    const { mask } = picture;
    const proposal = picture.quick ? picture.proposal : null;
    if (mask.version === 0 && !proposal) return;
    const left = Math.max(0, Math.floor(viewport.x));
    const top = Math.max(0, Math.floor(viewport.y));
    const right = Math.min(canvas.width, Math.ceil(viewport.x + picture.width * viewport.scale));
    const bottom = Math.min(canvas.height, Math.ceil(viewport.y + picture.height * viewport.scale));
    const width = right - left;
    const height = bottom - top;
    if (width <= 0 || height <= 0) return;
    const image = new ImageData(width, height);
    const pixels = new Uint32Array(image.data.buffer);
    const xs = places(left, width, viewport.x, viewport.scale, picture.width);
    const ys = places(top, height, viewport.y, viewport.scale, picture.height);
    const { table } = this;
    for (let row = 0; row < height; row++) {
      const y = ys[row];
      const base = (y >> 8) * mask.columns;
      const inTile = (y & 255) << 8;
      const line = proposal
        ? Math.min(proposal.height - 1, Math.floor((y * proposal.height) / picture.height)) *
          proposal.width
        : 0;
      const at = row * width;
      for (let column = 0; column < width; column++) {
        const x = xs[column];
        const index = base + (x >> 8);
        const tile = mask.tiles[index];
        const value = tile ? tile[inTile | (x & 255)] : mask.fills[index];
        if (value !== NONE) pixels[at + column] = table[value];
        else if (proposal) {
          const px = Math.min(
            proposal.width - 1,
            Math.floor((x * proposal.width) / picture.width),
          );
          pixels[at + column] = table[256 + proposal.values[line + px]];
        }
      }
    }
    overlay.width = width;
    overlay.height = height;
    /** @type {CanvasRenderingContext2D} */ (overlay.getContext("2d")).putImageData(image, 0, 0);
    this.context.drawImage(overlay, left, top);
  }

  /**
   * Where strokes are that wait for an answer, and what lies around them; null if none do.
   * @returns {import("./layers.js").Place | null}
   */
  aroundPending() {
    const picture = this.picture;
    const points = this.pending.flatMap((stroke) => stroke.points);
    if (!picture || !points.length) return null;
    let [left, top, right, bottom] = [picture.width, picture.height, 0, 0];
    for (const [x, y, radius] of points) {
      const reach = 2 * radius + AROUND;
      left = Math.min(left, Math.max(0, Math.floor(x - reach)));
      top = Math.min(top, Math.max(0, Math.floor(y - reach)));
      right = Math.max(right, Math.min(picture.width, Math.ceil(x + reach)));
      bottom = Math.max(bottom, Math.min(picture.height, Math.ceil(y + reach)));
    }
    if (right <= left || bottom <= top) return null;
    return { x: left, y: top, width: right - left, height: bottom - top };
  }

  /**
   * The matte has come that strokes were waiting for.
   * @param {Pending["points"] | undefined} painting those of a stroke that is being painted
   */
  answered(painting) {
    this.layers().showFirst(this.aroundPending());
    this.pending = this.pending.filter((stroke) => stroke.points === painting);
    this.draw();
  }

  /** Show strokes at once, before their answer is there. */
  paintPending() {
    const { context, viewport } = this;
    context.setTransform(viewport.scale, 0, 0, viewport.scale, viewport.x, viewport.y);
    context.lineCap = context.lineJoin = "round";
    context.globalAlpha = 0.55;
    for (const { points, opacity } of this.pending) {
      const grey = Math.round(opacity * 255);
      context.strokeStyle = context.fillStyle =
        opacity === 1 ? "#2f89d7" : opacity === 0 ? "#e87e3a" : `rgb(${grey} ${grey} ${grey})`;
      strokePath(context, points);
    }
    context.globalAlpha = 1;
    context.setTransform(1, 0, 0, 1, 0, 0);
  }

  paintBrush() {
    cancelAnimationFrame(this.topFrame);
    this.topFrame = 0;
    const { topContext: context, viewport, store } = this;
    context.clearRect(0, 0, this.top.width, this.top.height);
    if (!this.brush || !store.painting) return;
    const ratio = window.devicePixelRatio;
    const x = this.brush.x * viewport.scale + viewport.x;
    const y = this.brush.y * viewport.scale + viewport.y;
    const filling = store.step === "mark" && store.markTool === "fill";
    const radius = filling ? 3 * ratio : (store.size / 2) * viewport.scale;
    // Dark and light together are seen on everything.
    /** @param {number} r @param {number[]} dash */
    const ring = (r, dash) => {
      context.setLineDash(dash);
      for (const [style, width] of /** @type {const} */ ([
        ["rgb(0 0 0 / 0.65)", 3],
        ["rgb(255 255 255 / 0.95)", 1],
      ])) {
        context.strokeStyle = style;
        context.lineWidth = width * ratio;
        context.beginPath();
        context.arc(x, y, Math.max(r, ratio), 0, 2 * Math.PI);
        context.stroke();
      }
    };
    ring(radius, []);
    const tool = store.markTool;
    const banded = tool === "subject" || tool === "background";
    const soft = store.correcting ? store.exact : store.step === "mark" && banded;
    if (soft && store.hardness < 1) {
      ring(radius * store.hardness, [3 * ratio, 3 * ratio]);
    }
    context.setLineDash([]);
    context.fillStyle = "rgb(255 255 255 / 0.9)";
    context.fillRect(x - ratio, y - ratio, 2 * ratio, 2 * ratio);
  }
}

/**
 * Draw parts of a picture, of which a later one takes the place of what lies below it: if both were
 * seen, what is half opaque would be more so, and what has become transparent would not.
 * @param {CanvasRenderingContext2D} context
 * @param {Part[]} parts
 * @param {{width: number, height: number}} picture
 */
export function drawParts(context, parts, picture) {
  parts.forEach((part, index) => {
    context.save();
    for (const above of parts.slice(index + 1)) {
      context.beginPath();
      context.rect(0, 0, picture.width, picture.height);
      context.rect(above.x, above.y, above.width, above.height);
      context.clip("evenodd");
    }
    context.drawImage(part.bitmap, part.x, part.y, part.width, part.height);
    context.restore();
  });
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {[number, number, number][]} points
 */
function strokePath(context, points) {
  let last = points[0];
  context.beginPath();
  context.arc(last[0], last[1], Math.max(last[2], 0.5), 0, 2 * Math.PI);
  context.fill();
  // In one path per width, or what overlaps would be painted twice.
  context.beginPath();
  context.moveTo(last[0], last[1]);
  for (const point of points) {
    if (point[2] !== last[2]) {
      context.lineWidth = Math.max(1, 2 * last[2]);
      context.stroke();
      context.beginPath();
      context.moveTo(last[0], last[1]);
    }
    context.lineTo(point[0], point[1]);
    last = point;
  }
  context.lineWidth = Math.max(1, 2 * last[2]);
  context.stroke();
}

/**
 * For each of so many pixels of the screen, the picture's pixel that lies there.
 * @param {number} start
 * @param {number} count
 * @param {number} offset
 * @param {number} scale
 * @param {number} most
 */
function places(start, count, offset, scale, most) {
  return Int32Array.from({ length: count }, (_, i) =>
    Math.min(most - 1, Math.max(0, Math.floor((start + i + 0.5 - offset) / scale))),
  );
}

/** @returns {Uint32Array} tints of marks, then of proposals */
function tintTable() {
  const table = new Uint32Array(512);
  table[SUBJECT] = SUBJECT_TINT;
  table[BACKGROUND] = BACKGROUND_TINT;
  table[UNKNOWN] = UNKNOWN_TINT;
  for (const [value, tint] of Object.entries(PROPOSED)) table[256 + Number(value)] = tint;
  return table;
}
