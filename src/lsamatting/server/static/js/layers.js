// Pictures of a session as the server renders them: one of the whole, as large as is sensible; where
// that is smaller than what is looked at, one of the part that is seen; and of a large picture that
// a stroke has changed, one of the stroke's surroundings before the rest.

import * as api from "./api.js";

const WHOLE_PIXELS = 4_000_000;
const SETTLE = 120;
const LARGE = 1_000_000;

/** @typedef {{x: number, y: number, width: number, height: number}} Place */
/** @typedef {{bitmap: ImageBitmap, x: number, y: number, width: number, height: number, key: string}} Part */
/** @typedef {"picture" | "alpha" | "cutout"} LayerName */

export class Layers {
  /**
   * @param {import("./picture.js").Picture} picture
   * @param {() => void} arrived
   * @param {(error: unknown) => void} failed
   */
  constructor(picture, arrived, failed) {
    this.picture = picture;
    this.arrived = arrived;
    this.failed = failed;
    /** @type {Map<LayerName, Part>} */
    this.whole = new Map();
    /** @type {Map<LayerName, Part>} */
    this.part = new Map();
    /** @type {Map<LayerName, Part>} */
    this.early = new Map();
    /** @type {{place: Place, revision: number} | null} what is to be seen first of a matte */
    this.first = null;
    /** @type {Map<string, {controller: AbortController, key: string}>} */
    this.fetching = new Map();
    /** @type {Map<string, string>} what could not be had, not to be asked for at every frame */
    this.broken = new Map();
    this.timer = 0;
  }

  /** Ask again for what could not be had. */
  retry() {
    this.broken.clear();
    this.arrived();
  }

  /**
   * Show a place of the matte that has just come before the rest of it, where that takes its time.
   * @param {Place | null} place
   */
  showFirst(place) {
    const { width, height, revision } = this.picture;
    const worth = place && width * height > LARGE && place.width * place.height * 4 < width * height;
    this.first = worth ? { place, revision } : null;
  }

  /**
   * What a layer depends on.
   * @param {LayerName} name
   */
  key(name) {
    if (name === "picture") return "picture";
    return `${this.picture.revision} ${JSON.stringify(this.picture.finish)}`;
  }

  /**
   * Give what there is of a layer, and ask for what is missing.
   * @param {LayerName} name
   * @param {Place | null} seen
   * @param {number} scale of the screen to the picture
   * @returns {Part[]} the later ones lie above
   */
  get(name, seen, scale) {
    const { width, height } = this.picture;
    if (!width || (name !== "picture" && !this.picture.hasMatte)) return [];
    const key = this.key(name);
    const whole = this.whole.get(name);
    const early = this.early.get(name);
    if (whole?.key !== key) {
      const first = this.first?.revision === this.picture.revision ? this.first.place : null;
      if (whole && first && early?.key !== key) this.ask(name, key, first, this.early);
      else this.ask(name, key, null, this.whole);
    }
    const reduced = Math.min(1, Math.sqrt(WHOLE_PIXELS / (width * height)));
    const part = this.part.get(name);
    const parts = whole ? [whole] : [];
    if (early?.key === key && whole?.key !== key) parts.push(early);
    if (seen && scale > reduced * 1.2) {
      const enough =
        part?.key === key &&
        part.x <= seen.x &&
        part.y <= seen.y &&
        part.x + part.width >= seen.x + seen.width &&
        part.y + part.height >= seen.y + seen.height;
      if (reduced < 1 && !enough) this.askSoon(name, key, seen);
      if (part?.key === key) parts.push(part);
    }
    return parts;
  }

  /**
   * @param {LayerName} name
   * @param {string} key
   * @param {Place} seen
   */
  askSoon(name, key, seen) {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => {
      const { width, height } = this.picture;
      const more = 0.25;
      const x = Math.max(0, Math.floor(seen.x - seen.width * more));
      const y = Math.max(0, Math.floor(seen.y - seen.height * more));
      const place = {
        x,
        y,
        width: Math.min(width - x, Math.ceil(seen.width * (1 + 2 * more))),
        height: Math.min(height - y, Math.ceil(seen.height * (1 + 2 * more))),
      };
      this.ask(name, key, place, this.part);
    }, SETTLE);
  }

  /**
   * @param {LayerName} name
   * @param {string} key
   * @param {Place | null} window
   * @param {Map<LayerName, Part>} shelf
   */
  async ask(name, key, window, shelf) {
    const kind = shelf === this.whole ? "whole" : shelf === this.part ? "part" : "early";
    const slot = `${name} ${kind}`;
    const full = window ? `${key} ${window.x} ${window.y} ${window.width} ${window.height}` : key;
    const current = this.fetching.get(slot);
    if (current?.key === full || this.broken.get(slot) === full) return;
    current?.controller.abort();
    const controller = new AbortController();
    this.fetching.set(slot, { controller, key: full });
    try {
      const finish = name === "picture" ? {} : this.picture.finish;
      const blob = await this.picture.withSession((id) =>
        api.getLayer(
          id,
          name,
          {
            ...finish,
            fit: WHOLE_PIXELS,
            format: name === "picture" ? "jpeg" : "png",
            window: window && `${window.x},${window.y},${window.width},${window.height}`,
          },
          controller.signal,
        ),
      );
      const bitmap = await createImageBitmap(blob);
      if (controller.signal.aborted) return;
      const { width, height } = this.picture;
      const place = window ?? { x: 0, y: 0, width, height };
      shelf.get(name)?.bitmap.close();
      shelf.set(name, { bitmap, ...place, key });
      this.arrived();
    } catch (error) {
      if (controller.signal.aborted) return;
      if (error instanceof api.ApiError && error.kind === "cancelled") return;
      this.broken.set(slot, full);
      if (shelf === this.early) this.first = null;
      this.failed(error);
    } finally {
      if (this.fetching.get(slot)?.controller === controller) this.fetching.delete(slot);
    }
  }

  close() {
    window.clearTimeout(this.timer);
    for (const { controller } of this.fetching.values()) controller.abort();
    for (const shelf of [this.whole, this.part, this.early]) {
      for (const { bitmap } of shelf.values()) bitmap.close();
    }
  }
}
