// What is marked on a picture: 8 bits a pixel, in tiles, so that 24 megapixels cost what was painted.

export const BACKGROUND = 0;
export const NONE = 64;
export const UNKNOWN = 128;
export const SUBJECT = 255;

const SIDE = 256;

/** @typedef {{x: number, y: number, width: number, height: number}} Rect */
/** @typedef {{index: number, fill: number, tile: Uint8Array | null}} TileState */
/** @typedef {{x: number, y: number, radius: number}} BrushPoint */

export class TiledMask {
  /**
   * @param {number} width
   * @param {number} height
   */
  constructor(width, height) {
    this.width = width;
    this.height = height;
    this.columns = Math.ceil(width / SIDE);
    this.rows = Math.ceil(height / SIDE);
    /** @type {(Uint8Array | null)[]} a tile that is all one value is null */
    this.tiles = new Array(this.columns * this.rows).fill(null);
    this.fills = new Uint8Array(this.columns * this.rows).fill(NONE);
    /** @type {Map<number, TileState> | null} what tiles were before the change that goes on */
    this.before = null;
    /** Grows with every change. */
    this.version = 0;
  }

  /**
   * @param {number} x
   * @param {number} y
   * @returns {number}
   */
  get(x, y) {
    const index = (y >> 8) * this.columns + (x >> 8);
    const tile = this.tiles[index];
    return tile ? tile[((y & 255) << 8) | (x & 255)] : this.fills[index];
  }

  /** Begin a change that can be undone as a whole. */
  begin() {
    this.before = new Map();
  }

  /**
   * End it and give what undoes it, or null if nothing changed.
   * @returns {TileState[] | null}
   */
  end() {
    const states = [...(this.before?.values() ?? [])];
    this.before = null;
    return states.length ? states : null;
  }

  /**
   * Put tiles back and give those that were there.
   * @param {TileState[]} states
   * @returns {TileState[]}
   */
  swap(states) {
    this.version++;
    return states.map(({ index, fill, tile }) => {
      const old = { index, fill: this.fills[index], tile: this.tiles[index] };
      this.fills[index] = fill;
      this.tiles[index] = tile;
      return old;
    });
  }

  /**
   * Give a tile to write to; what it was is remembered.
   * @param {number} index
   * @returns {Uint8Array}
   */
  writable(index) {
    const old = this.tiles[index];
    if (this.before && !this.before.has(index)) {
      this.before.set(index, { index, fill: this.fills[index], tile: old });
      this.tiles[index] = old ? old.slice() : new Uint8Array(SIDE * SIDE).fill(this.fills[index]);
    } else if (!old) {
      this.tiles[index] = new Uint8Array(SIDE * SIDE).fill(this.fills[index]);
    }
    return /** @type {Uint8Array} */ (this.tiles[index]);
  }

  /**
   * Paint from one point to another. Within `hardness` of the radius pixels get the value; from
   * there to the radius they become unknown, unless they have the value already.
   * @param {BrushPoint} from
   * @param {BrushPoint} to
   * @param {number} value
   * @param {number} hardness
   * @returns {Rect}
   */
  paint(from, to, value, hardness) {
    const reach = Math.max(from.radius, to.radius, 0.5);
    const left = Math.max(0, Math.floor(Math.min(from.x, to.x) - reach));
    const top = Math.max(0, Math.floor(Math.min(from.y, to.y) - reach));
    const right = Math.min(this.width, Math.ceil(Math.max(from.x, to.x) + reach));
    const bottom = Math.min(this.height, Math.ceil(Math.max(from.y, to.y) + reach));
    const dx = to.x - from.x;
    const dy = to.y - from.y;
    const length = dx * dx + dy * dy;
    const growth = to.radius - from.radius;
    const rim = value === SUBJECT || value === BACKGROUND;
    this.version++;
    for (let tileTop = top & ~255; tileTop < bottom; tileTop += SIDE) {
      for (let tileLeft = left & ~255; tileLeft < right; tileLeft += SIDE) {
        /** @type {Uint8Array | null} */
        let tile = null;
        const index = (tileTop >> 8) * this.columns + (tileLeft >> 8);
        if (!this.tiles[index] && this.fills[index] === value) continue;
        const yEnd = Math.min(bottom, tileTop + SIDE);
        const xStart = Math.max(left, tileLeft);
        const xEnd = Math.min(right, tileLeft + SIDE);
        for (let y = Math.max(top, tileTop); y < yEnd; y++) {
          const ay = y + 0.5 - from.y;
          for (let x = xStart; x < xEnd; x++) {
            const ax = x + 0.5 - from.x;
            let share = length > 0 ? (ax * dx + ay * dy) / length : 0;
            share = share < 0 ? 0 : share > 1 ? 1 : share;
            const radius = from.radius + share * growth;
            const ex = ax - share * dx;
            const ey = ay - share * dy;
            const distance = ex * ex + ey * ey;
            if (distance > radius * radius && distance > 0.25) continue;
            tile ??= this.writable(index);
            const at = ((y & 255) << 8) | (x & 255);
            const core = radius * hardness;
            if (!rim || distance <= core * core || distance <= 0.25) tile[at] = value;
            else if (tile[at] !== value) tile[at] = UNKNOWN;
          }
        }
      }
    }
    return { x: left, y: top, width: Math.max(0, right - left), height: Math.max(0, bottom - top) };
  }

  /**
   * Give all pixels that are connected with one, and of its value, another value.
   * @param {number} x
   * @param {number} y
   * @param {number} value
   */
  flood(x, y, value) {
    const old = this.get(x, y);
    if (old === value) return;
    this.version++;
    const stack = [x, y];
    while (stack.length) {
      const row = /** @type {number} */ (stack.pop());
      const start = /** @type {number} */ (stack.pop());
      if (this.get(start, row) !== old) continue;
      let left = start;
      while (left > 0 && this.get(left - 1, row) === old) left--;
      let right = start;
      while (right < this.width - 1 && this.get(right + 1, row) === old) right++;
      this.fillSpan(left, right, row, value);
      for (const next of [row - 1, row + 1]) {
        if (next < 0 || next >= this.height) continue;
        let inside = false;
        for (let column = left; column <= right; column++) {
          const same = this.get(column, next) === old;
          if (same && !inside) stack.push(column, next);
          inside = same;
        }
      }
    }
  }

  /**
   * @param {number} left
   * @param {number} right
   * @param {number} row
   * @param {number} value
   */
  fillSpan(left, right, row, value) {
    for (let start = left; start <= right; ) {
      const end = Math.min(right, start | 255);
      const tile = this.writable((row >> 8) * this.columns + (start >> 8));
      const base = (row & 255) << 8;
      tile.fill(value, base | (start & 255), (base | (end & 255)) + 1);
      start = end + 1;
    }
  }

  /** @param {number} value */
  clear(value) {
    this.version++;
    for (let index = 0; index < this.tiles.length; index++) {
      if (this.before && !this.before.has(index)) {
        this.before.set(index, { index, fill: this.fills[index], tile: this.tiles[index] });
      }
      this.tiles[index] = null;
      this.fills[index] = value;
    }
  }

  /**
   * Replace everything by values, row by row.
   * @param {Uint8Array} values
   */
  load(values) {
    this.version++;
    for (let row = 0; row < this.rows; row++) {
      for (let column = 0; column < this.columns; column++) {
        const tile = this.writable(row * this.columns + column);
        const height = Math.min(SIDE, this.height - row * SIDE);
        const width = Math.min(SIDE, this.width - column * SIDE);
        for (let y = 0; y < height; y++) {
          const from = (row * SIDE + y) * this.width + column * SIDE;
          tile.set(values.subarray(from, from + width), y << 8);
        }
      }
    }
  }

  /**
   * Give values row by row; what is not marked is taken from a proposal, or unknown.
   * @param {Proposal | null} proposal
   * @returns {Uint8Array<ArrayBuffer>}
   */
  values(proposal) {
    const all = new Uint8Array(this.width * this.height);
    const column = proposal ? steps(this.width, proposal.width) : null;
    const line = proposal ? steps(this.height, proposal.height) : null;
    for (let y = 0; y < this.height; y++) {
      const from = proposal && line ? line[y] * proposal.width : 0;
      for (let start = 0; start < this.width; start += SIDE) {
        const index = (y >> 8) * this.columns + (start >> 8);
        const end = Math.min(this.width, start + SIDE);
        const tile = this.tiles[index];
        const at = y * this.width;
        if (tile) all.set(tile.subarray((y & 255) << 8, ((y & 255) << 8) + end - start), at + start);
        else all.fill(this.fills[index], at + start, at + end);
        for (let x = start; x < end; x++) {
          if (all[at + x] !== NONE) continue;
          all[at + x] = proposal && column ? proposal.values[from + column[x]] : UNKNOWN;
        }
      }
    }
    return all;
  }

  /**
   * Give the mask in a smaller size; of the pixels that become one, a marked one is preferred.
   * @param {number} width
   * @param {number} height
   * @returns {Uint8Array<ArrayBuffer>}
   */
  reduced(width, height) {
    const small = new Uint8Array(width * height).fill(NONE);
    for (let index = 0; index < this.tiles.length; index++) {
      const tile = this.tiles[index];
      if (!tile && this.fills[index] === NONE) continue;
      const top = Math.floor(index / this.columns) * SIDE;
      const left = (index % this.columns) * SIDE;
      const bottom = Math.min(top + SIDE, this.height);
      const right = Math.min(left + SIDE, this.width);
      for (let y = top; y < bottom; y++) {
        const to = Math.floor((y * height) / this.height) * width;
        for (let x = left; x < right; x++) {
          const value = tile ? tile[((y & 255) << 8) | (x & 255)] : this.fills[index];
          if (value !== NONE) small[to + Math.floor((x * width) / this.width)] = value;
        }
      }
    }
    return small;
  }

  /** Whether nothing is marked. */
  get empty() {
    return this.tiles.every((tile, index) =>
      tile ? tile.every((value) => value === NONE) : this.fills[index] === NONE,
    );
  }
}

/** @typedef {{width: number, height: number, values: Uint8Array}} Proposal */

/**
 * For each of so many places, the place of so few that it falls on.
 * @param {number} many
 * @param {number} few
 * @returns {Int32Array}
 */
function steps(many, few) {
  return Int32Array.from({ length: many }, (_, i) => Math.min(few - 1, Math.floor((i * few) / many)));
}
