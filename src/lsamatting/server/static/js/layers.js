// Pictures of a session as the server renders them: one of the whole, as large as is sensible, and,
// where that is smaller than what is looked at, one of the part that is seen.

import * as api from "./api.js";

const WHOLE_PIXELS = 4_000_000;
const SETTLE = 120;

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
   * @param {{x: number, y: number, width: number, height: number} | null} seen
   * @param {number} scale of the screen to the picture
   * @returns {Part[]} the later ones lie above
   */
  get(name, seen, scale) {
    const { width, height } = this.picture;
    if (!width || (name !== "picture" && !this.picture.hasMatte)) return [];
    const key = this.key(name);
    const whole = this.whole.get(name);
    if (whole?.key !== key) this.ask(name, key, null);
    const reduced = Math.min(1, Math.sqrt(WHOLE_PIXELS / (width * height)));
    const part = this.part.get(name);
    const parts = whole ? [whole] : [];
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
   * @param {{x: number, y: number, width: number, height: number}} seen
   */
  askSoon(name, key, seen) {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => {
      const { width, height } = this.picture;
      const more = 0.25;
      const x = Math.max(0, Math.floor(seen.x - seen.width * more));
      const y = Math.max(0, Math.floor(seen.y - seen.height * more));
      this.ask(name, key, {
        x,
        y,
        width: Math.min(width - x, Math.ceil(seen.width * (1 + 2 * more))),
        height: Math.min(height - y, Math.ceil(seen.height * (1 + 2 * more))),
      });
    }, SETTLE);
  }

  /**
   * @param {LayerName} name
   * @param {string} key
   * @param {{x: number, y: number, width: number, height: number} | null} window
   */
  async ask(name, key, window) {
    const slot = `${name} ${window ? "part" : "whole"}`;
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
      const shelf = window ? this.part : this.whole;
      shelf.get(name)?.bitmap.close();
      shelf.set(name, { bitmap, ...place, key });
      this.arrived();
    } catch (error) {
      if (controller.signal.aborted) return;
      if (error instanceof api.ApiError && error.kind === "cancelled") return;
      this.broken.set(slot, full);
      this.failed(error);
    } finally {
      if (this.fetching.get(slot)?.controller === controller) this.fetching.delete(slot);
    }
  }

  close() {
    window.clearTimeout(this.timer);
    for (const { controller } of this.fetching.values()) controller.abort();
    for (const { bitmap } of [...this.whole.values(), ...this.part.values()]) bitmap.close();
  }
}
