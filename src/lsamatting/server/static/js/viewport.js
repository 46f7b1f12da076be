// Where the picture lies on the screen: a scale and an offset, in device pixels.

const MOST = 16;

export class Viewport {
  constructor() {
    this.scale = 1;
    this.x = 0;
    this.y = 0;
    /** Size of the canvas. */
    this.width = 1;
    this.height = 1;
    /** Whether the picture is to stay fitted when the window changes. */
    this.fitted = true;
  }

  /**
   * @param {number} width
   * @param {number} height
   */
  fit(width, height) {
    const margin = 24 * window.devicePixelRatio;
    const scale = Math.min(
      (this.width - 2 * margin) / width,
      (this.height - 2 * margin) / height,
      4 * window.devicePixelRatio,
    );
    this.scale = Math.max(scale, 0.005);
    this.x = (this.width - width * this.scale) / 2;
    this.y = (this.height - height * this.scale) / 2;
    this.fitted = true;
  }

  /**
   * @param {number} factor
   * @param {number} x
   * @param {number} y
   */
  zoomAt(factor, x, y) {
    const least = 0.005;
    const scale = Math.min(Math.max(this.scale * factor, least), MOST * window.devicePixelRatio);
    const change = scale / this.scale;
    this.x = x - (x - this.x) * change;
    this.y = y - (y - this.y) * change;
    this.scale = scale;
    this.fitted = false;
  }

  /**
   * @param {number} scale
   */
  zoomTo(scale) {
    this.zoomAt(scale / this.scale, this.width / 2, this.height / 2);
    this.x = Math.round(this.x);
    this.y = Math.round(this.y);
  }

  /**
   * @param {number} dx
   * @param {number} dy
   */
  pan(dx, dy) {
    this.x += dx;
    this.y += dy;
    this.fitted = false;
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  toPicture(x, y) {
    return { x: (x - this.x) / this.scale, y: (y - this.y) / this.scale };
  }

  /**
   * The part of a picture that is seen, in whole pixels of the picture; null if none is.
   * @param {number} width
   * @param {number} height
   * @returns {{x: number, y: number, width: number, height: number} | null}
   */
  seen(width, height) {
    const left = Math.max(0, Math.floor(-this.x / this.scale));
    const top = Math.max(0, Math.floor(-this.y / this.scale));
    const right = Math.min(width, Math.ceil((this.width - this.x) / this.scale));
    const bottom = Math.min(height, Math.ceil((this.height - this.y) / this.scale));
    if (right <= left || bottom <= top) return null;
    return { x: left, y: top, width: right - left, height: bottom - top };
  }
}
