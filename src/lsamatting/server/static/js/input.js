// Mouse, pen and fingers on the stage: painting, moving, zooming.

import { BACKGROUND, NONE, SUBJECT, TiledMask, UNKNOWN } from "./mask.js";

/** @typedef {import("./stage.js").Stage} Stage */
/** @typedef {import("./store.js").Store} Store */

const VALUES = { subject: SUBJECT, background: BACKGROUND, unknown: UNKNOWN, erase: NONE };
const LEAST_PRESSURE = 0.15;

export class Input {
  /**
   * @param {Stage} stage
   * @param {Store} store
   * @param {{marked: () => void, corrected: (stroke: import("./api.js").Stroke) => void}} told
   */
  constructor(stage, store, told) {
    this.stage = stage;
    this.store = store;
    this.told = told;
    /** @type {Map<number, {x: number, y: number}>} */
    this.pointers = new Map();
    /** Whether the space bar is held. */
    this.space = false;
    /** @type {number | null} the pointer that paints */
    this.painter = null;
    this.panning = false;
    /** @type {import("./mask.js").BrushPoint | null} */
    this.last = null;
    /** @type {[number, number, number][]} */
    this.points = [];
    /** Whether the brush is down by keyboard. */
    this.penDown = false;
    const { top } = stage;
    top.addEventListener("pointerdown", (event) => this.down(event));
    top.addEventListener("pointermove", (event) => this.move(event));
    top.addEventListener("pointerup", (event) => this.up(event));
    top.addEventListener("pointercancel", (event) => this.up(event));
    top.addEventListener("pointerleave", () => {
      if (this.painter !== null || document.activeElement === top) return;
      stage.brush = null;
      stage.drawBrush();
    });
    top.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    top.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  /** @param {MouseEvent} event */
  at(event) {
    const box = this.stage.top.getBoundingClientRect();
    const ratio = window.devicePixelRatio;
    return { x: (event.clientX - box.left) * ratio, y: (event.clientY - box.top) * ratio };
  }

  /** @param {PointerEvent} event */
  down(event) {
    const { stage, store } = this;
    if (!stage.picture?.width) return;
    stage.top.focus({ preventScroll: true });
    stage.top.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, this.at(event));
    if (this.pointers.size > 1) {
      // A second finger: this was never meant to be a stroke.
      if (this.painter !== null) this.abandon();
      this.panning = true;
      return;
    }
    if (event.button === 1 || this.space || !store.painting) {
      this.panning = true;
      stage.top.classList.add("panning");
      return;
    }
    if (event.button !== 0) return;
    this.painter = event.pointerId;
    this.startStroke(this.brushPoint(event), event.shiftKey);
  }

  /** @param {PointerEvent} event */
  move(event) {
    const { stage } = this;
    const now = this.at(event);
    stage.brush = stage.viewport.toPicture(now.x, now.y);
    const before = this.pointers.get(event.pointerId);
    if (before && this.panning) {
      if (this.pointers.size === 2) this.pinch(event.pointerId, before, now);
      else stage.viewport.pan(now.x - before.x, now.y - before.y);
      this.pointers.set(event.pointerId, now);
      stage.draw();
      return;
    }
    if (event.pointerId === this.painter) {
      const events = event.getCoalescedEvents?.() ?? [];
      for (const one of events.length ? events : [event]) this.strokeTo(this.brushPoint(one));
    }
    stage.drawBrush();
  }

  /** @param {PointerEvent} event */
  up(event) {
    this.pointers.delete(event.pointerId);
    if (event.pointerId === this.painter) {
      this.painter = null;
      this.endStroke();
    }
    if (this.pointers.size === 0) {
      this.panning = false;
      this.stage.top.classList.remove("panning");
      if (event.pointerType === "touch") {
        this.stage.brush = null;
        this.stage.drawBrush();
      }
    }
  }

  /**
   * @param {number} id
   * @param {{x: number, y: number}} before
   * @param {{x: number, y: number}} now
   */
  pinch(id, before, now) {
    const other = [...this.pointers].find(([key]) => key !== id)?.[1];
    if (!other) return;
    const { viewport } = this.stage;
    /** @param {{x: number, y: number}} point */
    const apart = (point) => Math.hypot(point.x - other.x, point.y - other.y) || 1;
    viewport.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
    const middle = { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 };
    viewport.zoomAt(apart(now) / apart(before), middle.x, middle.y);
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    event.preventDefault();
    const { stage } = this;
    if (!stage.picture?.width) return;
    const { x, y } = this.at(event);
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    const step = Math.max(-240, Math.min(240, event.deltaY * lines));
    stage.viewport.zoomAt(Math.exp(-step / 300), x, y);
    stage.brush = stage.viewport.toPicture(x, y);
    stage.draw();
  }

  /**
   * @param {PointerEvent} event
   * @returns {import("./mask.js").BrushPoint}
   */
  brushPoint(event) {
    const { x, y } = this.at(event);
    const place = this.stage.viewport.toPicture(x, y);
    const pressure =
      event.pointerType === "pen" ? Math.max(LEAST_PRESSURE, event.pressure) : 1;
    return { ...place, radius: (this.store.size / 2) * pressure };
  }

  // ---- strokes, by whatever hand ----

  /**
   * @param {import("./mask.js").BrushPoint} point
   * @param {boolean} straight from where the last one ended
   */
  startStroke(point, straight) {
    const { store, stage } = this;
    const picture = /** @type {import("./picture.js").Picture} */ (stage.picture);
    const from = straight && this.last ? { ...this.last, radius: point.radius } : point;
    if (store.correcting) {
      this.points = [];
      this.addPoint(from);
      stage.pending.push({ points: this.points, opacity: this.opacity() });
    } else if (store.markTool === "fill") {
      this.fillAt(point);
      this.painter = null;
      return;
    } else {
      picture.mask.begin();
    }
    this.last = from;
    this.strokeTo(point);
  }

  /** @param {import("./mask.js").BrushPoint} point */
  strokeTo(point) {
    const { store, stage } = this;
    const from = this.last ?? point;
    if (this.points.length) {
      if (Math.hypot(point.x - from.x, point.y - from.y) >= 0.5) this.addPoint(point);
      else return;
    } else if (store.markTool !== "fill") {
      const picture = /** @type {import("./picture.js").Picture} */ (stage.picture);
      picture.mask.paint(from, point, VALUES[store.markTool], store.hardness);
    }
    this.last = point;
    stage.draw();
  }

  endStroke() {
    const { stage, points } = this;
    const picture = stage.picture;
    if (!picture) return;
    if (points.length) {
      if (!touches(points, picture)) {
        // The server could make nothing of it, nor of any later stroke.
        this.abandon();
        return;
      }
      this.points = [];
      const { exact } = this.store;
      const hardness = exact ? this.store.hardness : 1;
      this.told.corrected({ points, opacity: this.opacity(), exact, enabled: true, hardness });
    } else {
      picture.keepChange();
      this.told.marked();
    }
  }

  /** End the stroke that is being painted, if one is: what follows is about something else. */
  lift() {
    if (this.painter === null && !this.penDown) return;
    this.painter = null;
    this.penDown = false;
    this.endStroke();
  }

  /** Undo what was painted of a stroke that was none. */
  abandon() {
    this.painter = null;
    const { stage } = this;
    if (this.points.length) {
      this.points = [];
      stage.pending.pop();
    } else if (stage.picture) {
      const states = stage.picture.mask.end();
      if (states) stage.picture.mask.swap(states);
    }
    stage.draw();
  }

  /** @param {{x: number, y: number}} point */
  fillAt(point) {
    const picture = /** @type {import("./picture.js").Picture} */ (this.stage.picture);
    const x = Math.floor(point.x);
    const y = Math.floor(point.y);
    if (x < 0 || y < 0 || x >= picture.width || y >= picture.height) return;
    picture.changeMask(() => picture.mask.flood(x, y, this.fillValue));
    this.stage.draw();
    this.told.marked();
  }

  /** What fills: the kind that was painted with last. */
  fillValue = SUBJECT;

  /** @param {import("./mask.js").BrushPoint} point */
  addPoint(point) {
    const round = (/** @type {number} */ value) => Math.round(value * 100) / 100;
    this.points.push([round(point.x), round(point.y), round(point.radius)]);
  }

  opacity() {
    const { correctTool, opacity } = this.store;
    return correctTool === "keep" ? 1 : correctTool === "remove" ? 0 : opacity;
  }

  // ---- the brush moved by keyboard ----

  /**
   * @param {number} dx
   * @param {number} dy
   * @param {boolean} far
   */
  nudge(dx, dy, far) {
    const { stage, store } = this;
    const picture = stage.picture;
    if (!picture?.width) return;
    const step = Math.max(1, store.size / 4) * (far ? 8 : 1);
    const from = stage.brush ?? { x: picture.width / 2, y: picture.height / 2 };
    stage.brush = {
      x: Math.min(picture.width, Math.max(0, from.x + dx * step)),
      y: Math.min(picture.height, Math.max(0, from.y + dy * step)),
    };
    if (this.penDown) this.strokeTo({ ...stage.brush, radius: store.size / 2 });
    stage.drawBrush();
  }

  togglePen() {
    const { stage, store } = this;
    const picture = stage.picture;
    if (!picture?.width || !store.painting) return;
    stage.brush ??= { x: picture.width / 2, y: picture.height / 2 };
    if (this.penDown) {
      this.penDown = false;
      this.endStroke();
    } else {
      this.penDown = store.correcting || store.markTool !== "fill";
      this.startStroke({ ...stage.brush, radius: store.size / 2 }, false);
    }
    stage.drawBrush();
  }
}

/**
 * Whether a line covers any pixel of a picture.
 * @param {[number, number, number][]} points
 * @param {{width: number, height: number}} picture
 */
function touches(points, { width, height }) {
  const tried = new TiledMask(width, height);
  tried.begin();
  return points.some(([x, y, radius], index) => {
    const [fromX, fromY, fromRadius] = points[Math.max(0, index - 1)];
    tried.paint({ x: fromX, y: fromY, radius: fromRadius }, { x, y, radius }, SUBJECT, 1);
    return tried.before?.size;
  });
}
