// Undo and redo.

/** @typedef {{undo: () => void, redo: () => void, bytes: number}} Change */

const MOST_BYTES = 256 * 2 ** 20;

export class History {
  constructor() {
    /** @type {Change[]} */
    this.done = [];
    /** @type {Change[]} */
    this.undone = [];
  }

  /**
   * Remember a change that was made; the oldest are forgotten where they take too much memory.
   * @param {Change} change
   */
  add(change) {
    this.done.push(change);
    this.undone = [];
    let bytes = this.done.reduce((sum, one) => sum + one.bytes, 0);
    while (bytes > MOST_BYTES && this.done.length > 1) {
      bytes -= /** @type {Change} */ (this.done.shift()).bytes;
    }
  }

  undo() {
    const change = this.done.pop();
    if (!change) return;
    change.undo();
    this.undone.push(change);
  }

  redo() {
    const change = this.undone.pop();
    if (!change) return;
    change.redo();
    this.done.push(change);
  }
}
