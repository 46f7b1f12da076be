// What the page as a whole is doing; whoever shows some of it is told when it changes.

/** @typedef {import("./picture.js").Picture} Picture */
/** @typedef {"mark" | "correct" | "finish" | "export"} Step */
/** @typedef {"marks" | "subject" | "alpha" | "overlay" | "picture"} View */
/** @typedef {"subject" | "background" | "unknown" | "erase" | "fill"} MarkTool */
/** @typedef {"keep" | "remove" | "partly"} CorrectTool */
/** @typedef {"checker" | "black" | "white" | "colour" | "picture"} Backdrop */

export class Store extends EventTarget {
  constructor() {
    super();
    /** @type {Picture[]} */
    this.pictures = [];
    /** @type {Picture | null} */
    this.active = null;
    /** @type {Step} */
    this.step = "mark";
    /** @type {View} */
    this.view = "marks";
    /** @type {MarkTool} */
    this.markTool = "subject";
    /** @type {CorrectTool} */
    this.correctTool = "keep";
    this.size = 40;
    this.hardness = 1;
    this.opacity = 0.5;
    this.exact = false;
    /** @type {Backdrop} */
    this.backdrop = "checker";
    this.colour = "#3a7d5c";
    /** Whether the original is shown for as long as a key is held. */
    this.original = false;
    this.lost = false;
    /** @type {string[]} */
    this.weights = [];
    this.changes = 0;
  }

  /**
   * Change something, and tell.
   * @param {Partial<Store>} values
   */
  set(values) {
    Object.assign(this, values);
    this.tell();
  }

  tell() {
    this.changes++;
    this.dispatchEvent(new Event("change"));
  }

  /** What the stage shows. */
  get shown() {
    if (this.original || !this.active) return "picture";
    if (!this.active.hasMatte && this.view !== "picture") return "marks";
    return this.view;
  }

  /** Whether the brush paints corrections, and not marks. */
  get correcting() {
    return this.step === "correct" && Boolean(this.active?.hasMatte);
  }

  /** Whether the brush paints at all. */
  get painting() {
    return Boolean(this.active?.width) && (this.step === "mark" || this.correcting);
  }
}
