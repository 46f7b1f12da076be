// One open picture: what the user made of it, and the session that the server keeps of it. What the
// user made is here; a session that is lost is opened again and brought up to it.

import * as api from "./api.js";
import { History } from "./history.js";
import { NONE, TiledMask } from "./mask.js";
import { waitFor } from "./waiting.js";

/** @typedef {import("./api.js").Stroke} Stroke */
/** @typedef {import("./api.js").Finish} Finish */
/** @typedef {import("./api.js").Options} Options */
/** @typedef {import("./api.js").SessionState} SessionState */
/** @typedef {import("./mask.js").Proposal} Proposal */

/** @type {Readonly<Finish>} */
export const PLAIN = Object.freeze({ shift: 0, feather: 0, low: 0, high: 1, decontaminate: 1 });

const PROPOSAL_PIXELS = 1_000_000;

/** @typedef {{kind: "file", file: Blob} | {kind: "given", number: number} | {kind: "project", file: Blob}} Source */

export class Picture extends EventTarget {
  /**
   * @param {string} name
   * @param {Source} source
   */
  constructor(name, source) {
    super();
    this.name = name;
    this.source = source;
    /** @type {SessionState | null} */
    this.session = null;
    this.width = 0;
    this.height = 0;
    this.depth = 8;
    /** @type {string[]} */
    this.notes = [];
    /** @type {TiledMask} */
    this.mask = new TiledMask(1, 1);
    this.quick = false;
    /** @type {Proposal | null} */
    this.proposal = null;
    /** @type {Stroke[]} */
    this.strokes = [];
    /** @type {Options} */
    this.options = { weights: null, refine: false, tta: false, foreground: "blur-fusion" };
    /** @type {Finish} */
    this.finish = { ...PLAIN };
    /** @type {Blob | null} */
    this.backdrop = null;
    this.history = new History();
    /** @type {string} url of a thumbnail */
    this.thumbnail = "";
    /** Grows with every matte that came, whatever the session. */
    this.revision = 0;
    /** @type {"" | "opening" | "computing" | "saving"} */
    this.busy = "";
    this.progress = 0;
    /** What the server was sent last. */
    this.sent = { trimap: "", strokes: "[]", backdrop: /** @type {Blob | null} */ (null) };
    /** What the matte was computed of, and with which options. */
    this.matteOf = "";
    this.computedWith = this.options;
    /** @type {EventSource | null} */
    this.listening = null;
    this.turn = 0;
    /** @type {Promise<void> | null} */
    this.reopening = null;
    /** @type {AbortController | null} */
    this.asking = null;
    this.closed = false;
  }

  changed() {
    this.dispatchEvent(new Event("change"));
  }

  get hasMatte() {
    return this.revision > 0;
  }

  /** Whether marks or options changed since the matte was computed. */
  get stale() {
    return this.hasMatte && this.matteOf !== this.wanted();
  }

  /** @param {Options} [options] */
  wanted(options = this.options) {
    return `${this.trimapState()} ${JSON.stringify(options)} ${JSON.stringify(this.strokes)}`;
  }

  trimapState() {
    return `${this.mask.version} ${this.quick ? this.proposalVersion : "-"}`;
  }

  proposalVersion = 0;

  /** Open it on the server. */
  async open() {
    this.busy = "opening";
    this.changed();
    try {
      const first = this.width === 0;
      const state = await api.openSession(
        this.source.kind === "file"
          ? { image: this.source.file }
          : this.source.kind === "given"
            ? { given: String(this.source.number) }
            : { project: this.source.file },
      );
      if (this.closed) {
        api.closeSession(state.id).catch(() => undefined);
        throw new api.ClosedError(this.name);
      }
      this.session = state;
      this.sent = { trimap: "", strokes: JSON.stringify(state.strokes), backdrop: null };
      if (first) await this.begin(state);
    } finally {
      this.busy = "";
      this.changed();
    }
  }

  /**
   * Take over what a session just opened is like.
   * @param {SessionState} state
   */
  async begin(state) {
    this.width = state.width;
    this.height = state.height;
    this.depth = state.depth;
    this.notes = state.notes;
    this.mask = new TiledMask(state.width, state.height);
    if (this.source.kind === "project") {
      this.name = state.name;
      this.options = state.options;
      this.finish = state.finish ?? { ...PLAIN };
      this.strokes = state.strokes;
    }
    if (state.trimap) await this.takeTrimap();
    // Without one its name stands in its place.
    this.makeThumbnail().catch(() => undefined);
  }

  /** Take the marks over from the server's trimap. */
  async takeTrimap() {
    const values = await this.withSession(async (id) => {
      return readValues(await api.getLayer(id, "trimap", {}), this.width, this.height);
    });
    this.changeMask(() => this.mask.load(values));
    this.sent.trimap = this.trimapState();
  }

  async makeThumbnail() {
    const blob = await this.withSession((id) =>
      api.getLayer(id, "picture", { fit: 30000, format: "jpeg" }),
    );
    this.thumbnail = URL.createObjectURL(blob);
    this.changed();
  }

  /**
   * Follow how far the server is.
   * @param {string} id
   */
  listen(id) {
    this.listening?.close();
    this.listening = api.events(id);
    this.listening.addEventListener("progress", (event) => {
      const { done, total } = JSON.parse(event.data);
      this.progress = done / total;
      this.changed();
    });
  }

  /**
   * Do something with the session; open it again if the server has let go of it.
   * @template T
   * @param {(id: string) => Promise<T>} action
   * @returns {Promise<T>}
   */
  async withSession(action) {
    if (this.closed) throw new api.ClosedError(this.name);
    if (!this.session) await this.reopen();
    try {
      return await action(/** @type {SessionState} */ (this.session).id);
    } catch (error) {
      if (!(error instanceof api.ApiError && error.kind === "no-session")) throw error;
      if (this.closed) throw new api.ClosedError(this.name);
      this.session = null;
      await this.reopen();
      return action(/** @type {SessionState} */ (/** @type {unknown} */ (this.session)).id);
    }
  }

  /**
   * The same for what ends in a file, which takes its time for a large picture.
   * @template T
   * @param {(id: string) => Promise<T>} action
   * @returns {Promise<T>}
   */
  async whileSaving(action) {
    this.busy ||= "saving";
    this.changed();
    try {
      return await this.withSession(action);
    } finally {
      if (this.busy === "saving") this.busy = "";
      this.changed();
    }
  }

  async reopen() {
    this.reopening ??= (async () => {
      const had = this.hasMatte;
      await this.open();
      if (had && this.session) {
        const { id } = this.session;
        await waitFor(id, async (signal) => {
          await this.send(id);
          await api.compute(id, this.computedWith, signal);
        });
      }
    })().finally(() => {
      this.reopening = null;
    });
    await this.reopening;
  }

  /**
   * Send what the server does not know yet.
   * @param {string} id
   */
  async send(id) {
    const trimap = this.trimapState();
    if (this.sent.trimap !== trimap) {
      await api.putTrimap(id, this.mask.values(this.quick ? this.proposal : null));
      this.sent.trimap = trimap;
    }
    const strokes = JSON.stringify(this.strokes);
    if (this.sent.strokes !== strokes) {
      await api.putStrokes(id, this.strokes);
      this.sent.strokes = strokes;
    }
    if (this.backdrop && this.sent.backdrop !== this.backdrop) {
      await api.putBackdrop(id, this.backdrop);
      this.sent.backdrop = this.backdrop;
    }
  }

  /**
   * Compute the matte of all that was painted. A later call overtakes an earlier one.
   * @param {Partial<Options>} [instead] of the options that were chosen, for this time
   * @returns {Promise<SessionState | null>} null if it was overtaken or cancelled
   */
  async compute(instead = {}) {
    const turn = ++this.turn;
    const options = { ...this.options, ...instead };
    const wanted = this.wanted(options);
    this.busy = "computing";
    this.progress = 0;
    this.changed();
    try {
      const state = await this.withSession((id) =>
        waitFor(id, async (signal) => {
          await this.send(id);
          const answer = api.compute(id, options, signal);
          this.listen(id);
          return answer;
        }),
      );
      if (turn !== this.turn) return null;
      this.session = state;
      this.matteOf = wanted;
      this.computedWith = options;
      this.revision++;
      return state;
    } catch (error) {
      if (error instanceof api.ApiError && error.kind === "cancelled") return null;
      throw error;
    } finally {
      if (turn === this.turn) this.rest();
    }
  }

  /** Nothing is computed any more. */
  rest() {
    this.listening?.close();
    this.busy = "";
    this.changed();
  }

  async cancel() {
    this.turn++;
    this.rest();
    if (this.session) await api.cancel(this.session.id);
  }

  /** Ask what the marks so far suggest; gives whether there is a new proposal. */
  async propose() {
    this.asking?.abort();
    const asking = new AbortController();
    this.asking = asking;
    const scale = Math.min(1, Math.sqrt(PROPOSAL_PIXELS / (this.width * this.height)));
    const width = Math.max(1, Math.round(this.width * scale));
    const height = Math.max(1, Math.round(this.height * scale));
    try {
      const marks = this.mask.reduced(width, height);
      const values = await this.withSession((id) =>
        api.propose(id, marks, width, height, asking.signal),
      );
      this.proposal = { width, height, values };
      this.proposalVersion++;
      this.changed();
      return true;
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") return false;
      if (error instanceof api.ApiError && error.kind === "cancelled") return false;
      throw error;
    }
  }

  /**
   * Change the marks in a way that can be undone.
   * @param {() => void} change
   */
  changeMask(change) {
    this.mask.begin();
    change();
    this.keepChange();
  }

  /** Remember what was painted since `mask.begin()`. */
  keepChange() {
    let states = this.mask.end();
    if (!states) return;
    const swap = () => {
      states = this.mask.swap(/** @type {import("./mask.js").TileState[]} */ (states));
      this.changed();
      this.dispatchEvent(new Event("marks"));
    };
    const bytes = states.reduce((sum, { tile }) => sum + (tile ? tile.length : 16), 0);
    this.history.add({ undo: swap, redo: swap, bytes });
    this.changed();
  }

  /**
   * Change strokes in a way that can be undone.
   * @param {Stroke[]} strokes
   */
  changeStrokes(strokes) {
    const before = this.strokes;
    /** @param {Stroke[]} value */
    const set = (value) => {
      this.strokes = value;
      this.changed();
      this.dispatchEvent(new Event("strokes"));
    };
    this.history.add({
      undo: () => set(before),
      redo: () => set(strokes),
      bytes: strokes.length * 16,
    });
    set(strokes);
  }

  /**
   * Change the finish in a way that can be undone; changes of one slider in a row count as one.
   * @param {Partial<Finish>} values
   * @param {boolean} first
   */
  changeFinish(values, first) {
    const before = this.finish;
    this.finish = { ...this.finish, ...values };
    if (first) {
      let other = before;
      const swap = () => {
        [this.finish, other] = [other, this.finish];
        this.changed();
      };
      this.history.add({ undo: swap, redo: swap, bytes: 64 });
    }
    this.changed();
  }

  /** Mark what is proposed, as if it had been painted. */
  adoptProposal() {
    const proposal = this.proposal;
    if (!proposal) return;
    this.changeMask(() => this.mask.load(this.mask.values(proposal)));
    this.quick = false;
    this.changed();
  }

  clearMarks() {
    this.changeMask(() => this.mask.clear(NONE));
    this.proposal = null;
    this.proposalVersion++;
    this.changed();
  }

  close() {
    this.closed = true;
    this.listening?.close();
    if (this.thumbnail) URL.revokeObjectURL(this.thumbnail);
    if (this.session) api.closeSession(this.session.id).catch(() => undefined);
  }
}

/**
 * Read a grey picture's values.
 * @param {Blob} blob
 * @param {number} width
 * @param {number} height
 * @returns {Promise<Uint8Array>}
 */
async function readValues(blob, width, height) {
  const bitmap = await createImageBitmap(blob, {
    colorSpaceConversion: "none",
    premultiplyAlpha: "none",
  });
  const values = new Uint8Array(width * height);
  const canvas = new OffscreenCanvas(width, Math.min(height, 1024));
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (
    canvas.getContext("2d", { willReadFrequently: true })
  );
  // In strips: four bytes a pixel of a large picture would not be small.
  for (let top = 0; top < height; top += canvas.height) {
    const rows = Math.min(canvas.height, height - top);
    context.drawImage(bitmap, 0, -top);
    const { data } = context.getImageData(0, 0, width, rows);
    for (let i = 0, at = top * width; i < data.length; i += 4, at++) values[at] = data[i];
  }
  bitmap.close();
  return values;
}
