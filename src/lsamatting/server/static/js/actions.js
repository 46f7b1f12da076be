// What the user can do, whether by button or by key.

import * as api from "./api.js";
import { h } from "./dom.js";
import { choice } from "./controls.js";
import { Picture } from "./picture.js";
import { t } from "./strings.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./stage.js").Stage} Stage */
/** @typedef {import("./api.js").Options} Options */
/** @typedef {import("./api.js").Finish} Finish */

const BAND_SETTLE = 250;
const PROPOSE_SETTLE = 60;

export class Actions {
  /**
   * @param {Store} store
   * @param {Stage} stage
   * @param {import("./notices.js").Notices} notices
   */
  constructor(store, stage, notices) {
    this.store = store;
    this.stage = stage;
    this.notices = notices;
    /** @type {import("./input.js").Input | null} */
    this.input = null;
    /** @type {WeakMap<Picture, Blob>} masks whose band can be changed */
    this.masks = new WeakMap();
    /** @type {Blob | null} what is seen behind every picture, if a picture is */
    this.backdrop = null;
    this.bandTimer = 0;
    this.proposeTimer = 0;
    this.exportNow = () => {};
    /** @type {Partial<Options> | null} what the matte that is waited for is computed with instead */
    this.waiting = null;
  }

  /**
   * Do something that may fail, and say so if it does.
   * @param {() => Promise<any>} action
   */
  async attempt(action) {
    try {
      await action();
    } catch (error) {
      this.failed(error);
    }
  }

  /** @param {unknown} error */
  failed(error) {
    if (error instanceof api.ClosedError) return;
    if (error instanceof api.LostError) this.waitForServer();
    else if (error instanceof api.ApiError && error.kind === "token") this.askForToken();
    else this.notices.complain(error instanceof Error ? error.message : String(error));
  }

  askForToken = () => {};

  /** Wait until the server answers again, then bring it up to what was painted. */
  async waitForServer() {
    if (this.store.lost) return;
    this.store.set({ lost: true });
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, 700));
      try {
        await api.health();
        break;
      } catch (error) {
        if (error instanceof api.ApiError && error.status !== 503) break;
      }
    }
    this.store.set({ lost: false });
    this.notices.say(t("back"));
    const picture = this.store.active;
    if (!picture) return;
    if (!picture.width) await this.attempt(() => picture.open());
    else if (this.waiting) await this.matte(this.waiting);
    this.stage.layers().retry();
  }

  // ---- pictures ----

  /**
   * @param {string} name
   * @param {import("./picture.js").Source} source
   * @returns {Promise<Picture | null>}
   */
  async open(name, source) {
    const { store } = this;
    const picture = new Picture(name, source);
    picture.addEventListener("change", () => store.tell());
    picture.addEventListener("marks", () => this.marked());
    picture.addEventListener("strokes", () => this.followStrokes());
    store.pictures.push(picture);
    this.activate(picture);
    try {
      await picture.open();
    } catch (error) {
      if (!(error instanceof api.LostError)) this.close(picture);
      this.failed(error);
      return null;
    }
    this.notices.clear();
    for (const note of picture.notes) this.notices.say(`${picture.name}: ${note}`);
    if (picture === store.active) {
      this.stage.fit();
      store.set({ size: startSize(picture) });
    }
    if (source.kind === "project" && picture.session?.trimap) await this.matte();
    return picture;
  }

  /** @param {File[]} files */
  async openFiles(files) {
    for (const file of files) {
      const kind = file.name.toLowerCase().endsWith(".lsm") ? "project" : "file";
      await this.open(file.name, { kind, file });
    }
  }

  async openSample() {
    const [image, marks] = await Promise.all(
      ["cat.jpg", "cat-trimap.png"].map(async (name) =>
        (await api.call(`/static/sample/${name}`)).blob(),
      ),
    );
    const picture = await this.open("cat.jpg", { kind: "file", file: image });
    if (!picture) return;
    await this.attempt(() => this.takeGuide(picture, { trimap: marks }));
    await this.matte();
  }

  /** @param {Picture} picture */
  activate(picture) {
    this.input?.lift();
    this.store.set({
      active: picture,
      step: picture.hasMatte ? this.store.step : "mark",
      view: picture.hasMatte ? "subject" : "marks",
    });
    this.stage.show(picture);
  }

  /** @param {Picture} picture */
  close(picture) {
    const { store } = this;
    const rest = store.pictures.filter((one) => one !== picture);
    this.stage.layersOf.get(picture)?.close();
    picture.close();
    store.set({ pictures: rest });
    if (store.active !== picture) return;
    const next = rest.at(-1) ?? null;
    if (next) this.activate(next);
    else {
      store.set({ active: null });
      this.stage.show(null);
    }
  }

  pickFiles() {
    chooseFiles("image/*,.exr,.tif,.tiff,.lsm", true, (files) => this.openFiles(files));
  }

  // ---- marks ----

  /** @param {import("./store.js").MarkTool} tool */
  chooseMarkTool(tool) {
    if (this.input && (tool === "subject" || tool === "background" || tool === "unknown")) {
      this.input.fillValue = { subject: 255, background: 0, unknown: 128 }[tool];
    }
    this.store.set({ markTool: tool, view: "marks" });
  }

  /** Something was marked. */
  marked() {
    this.stage.draw();
    window.clearTimeout(this.proposeTimer);
    const picture = this.store.active;
    if (!picture?.quick) return;
    this.proposeTimer = window.setTimeout(() => this.propose(picture), PROPOSE_SETTLE);
  }

  /** @param {Picture} picture */
  async propose(picture) {
    if (picture.mask.empty) return;
    await this.attempt(() => picture.propose());
    this.stage.draw();
  }

  /** @param {boolean} on */
  setQuick(on) {
    const picture = this.store.active;
    if (!picture) return;
    picture.quick = on;
    picture.changed();
    this.store.set({ view: "marks" });
    this.marked();
  }

  keepProposal() {
    this.store.active?.adoptProposal();
    this.stage.draw();
  }

  clearMarks() {
    const picture = this.store.active;
    if (!picture) return;
    this.masks.delete(picture);
    picture.clearMarks();
    this.store.set({ view: "marks" });
    this.stage.draw();
  }

  /** @param {"trimap" | "mask"} kind */
  pickGuide(kind) {
    const picture = this.store.active;
    if (!picture) return;
    chooseFiles("image/*,.exr,.tif,.tiff", false, ([file]) =>
      this.attempt(() => this.useGuide(picture, kind, file)),
    );
  }

  /**
   * @param {Picture} picture
   * @param {"trimap" | "mask"} kind
   * @param {Blob} file
   */
  async useGuide(picture, kind, file) {
    if (kind === "mask") {
      await this.takeGuide(picture, { mask: file, erode: "10", dilate: "10" });
      this.masks.set(picture, file);
    } else {
      await this.takeGuide(picture, { trimap: file });
      this.masks.delete(picture);
    }
    this.store.set({ step: "mark", view: "marks" });
  }

  /**
   * @param {Picture} picture
   * @param {Record<string, Blob | string>} parts
   */
  async takeGuide(picture, parts) {
    await picture.withSession((id) => api.putGuide(id, parts));
    await picture.takeTrimap();
    this.stage.draw();
  }

  /** @param {Picture | null} picture */
  maskOf(picture) {
    return picture ? this.masks.get(picture) : undefined;
  }

  /** @param {{erode: number, dilate: number}} band */
  changeBand(band) {
    const picture = this.store.active;
    const mask = this.maskOf(picture);
    if (!picture || !mask) return;
    const parts = { mask, erode: String(band.erode), dilate: String(band.dilate) };
    window.clearTimeout(this.bandTimer);
    this.bandTimer = window.setTimeout(
      () => this.attempt(() => this.takeGuide(picture, parts)),
      BAND_SETTLE,
    );
  }

  // ---- the matte ----

  /** @param {Partial<Options>} options */
  setOptions(options) {
    const picture = this.store.active;
    if (!picture) return;
    picture.options = { ...picture.options, ...options };
    picture.changed();
  }

  /** @param {Partial<Options>} [instead] of the options that were chosen, for this time */
  async matte(instead = {}) {
    const picture = this.store.active;
    if (!picture?.width) return;
    if (picture.quick && !picture.proposal) await this.propose(picture);
    const first = !picture.hasMatte;
    const started = performance.now();
    this.waiting = instead;
    try {
      const state = await picture.compute(instead);
      if (!state) return;
      this.waiting = null;
      if (picture === this.store.active) this.stage.answered(this.input?.points);
      if (picture === this.store.active && this.store.view === "marks") {
        this.store.set({ view: "subject", step: first ? "correct" : this.store.step });
      }
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      const said = [t("done", { seconds }), ...(state.matte?.notes ?? [])];
      if (picture.options.tta && instead.tta === false) said.push(t("averageLater"));
      this.notices.say(said.join(" · "));
    } catch (error) {
      if (!(error instanceof api.LostError)) this.waiting = null;
      this.failed(error);
    }
  }

  async cancel() {
    const picture = this.store.active;
    if (picture?.busy !== "computing") return;
    this.waiting = null;
    this.stage.pending = [];
    await this.attempt(() => picture.cancel());
    this.notices.say(t("cancelled"));
  }

  /** @param {import("./api.js").Stroke} stroke */
  correct(stroke) {
    const picture = this.store.active;
    picture?.changeStrokes([...picture.strokes, stroke]);
  }

  /** The strokes changed: bring the matte up to them. */
  followStrokes() {
    const picture = this.store.active;
    if (!picture?.hasMatte) return;
    if (this.store.view === "marks") this.store.set({ view: "subject" });
    // A stroke is to be answered soon; the average is for the last pass.
    this.matte({ tta: false });
  }

  /**
   * @param {number} number
   * @param {boolean} enabled
   */
  toggleStroke(number, enabled) {
    const picture = this.store.active;
    picture?.changeStrokes(
      picture.strokes.map((stroke, i) => (i === number ? { ...stroke, enabled } : stroke)),
    );
  }

  undoStroke() {
    const picture = this.store.active;
    picture?.changeStrokes(picture.strokes.slice(0, -1));
  }

  undo() {
    this.input?.lift();
    this.store.active?.history.undo();
    this.stage.draw();
  }

  redo() {
    this.input?.lift();
    this.store.active?.history.redo();
    this.stage.draw();
  }

  // ---- finish, views, export ----

  /**
   * @param {Partial<Finish>} values
   * @param {boolean} first
   */
  setFinish(values, first) {
    const picture = this.store.active;
    if (!picture) return;
    const next = { ...picture.finish, ...values };
    // Black stays below white, whichever of them is moved.
    if (next.low > next.high - 0.01) {
      if ("low" in values) next.low = next.high - 0.01;
      else next.high = Math.min(1, next.low + 0.01);
    }
    picture.changeFinish(next, first);
    if (this.store.view === "marks" || this.store.view === "picture") {
      this.store.set({ view: "subject" });
    }
  }

  /** @param {import("./store.js").Step} step */
  goTo(step) {
    const view = this.store.view;
    if (step === "mark") this.store.set({ step, view: "marks" });
    else this.store.set({ step, view: view === "marks" || view === "picture" ? "subject" : view });
  }

  nextView() {
    /** @type {import("./store.js").View[]} */
    const views = ["marks", "subject", "alpha", "overlay", "picture"];
    const next = views[(views.indexOf(this.store.view) + 1) % views.length];
    this.store.set({ view: next });
  }

  backdropPicker() {
    const { store } = this;
    const picker = choice({
      label: t("backdrop"),
      class: "backdrops",
      get: () => store.backdrop,
      set: (backdrop) => {
        if (backdrop === "picture") this.pickBackdrop();
        else store.set({ backdrop });
      },
      items: [
        { value: "checker", label: t("checker") },
        { value: "black", label: t("black") },
        { value: "white", label: t("white") },
        { value: "colour", label: t("colour") },
        { value: "picture", label: t("otherPicture") },
      ],
    });
    const colour = h("input", {
      type: "color",
      value: store.colour,
      "aria-label": t("colour"),
      oninput: () => store.set({ colour: colour.value, backdrop: "colour" }),
    });
    const update = () => {
      picker.update();
      colour.value = store.colour;
      colour.hidden = store.backdrop !== "colour";
    };
    store.addEventListener("change", update);
    update();
    return h("div", { class: "backdrop" }, picker.element, colour);
  }

  pickBackdrop() {
    chooseFiles("image/*", false, ([file]) => this.attempt(() => this.useBackdrop(file)));
  }

  /** @param {Blob} file */
  async useBackdrop(file) {
    this.stage.backdrop = await createImageBitmap(file);
    this.backdrop = file;
    this.store.set({ backdrop: "picture", view: "subject" });
  }

  /** @param {{layer: string, format: string, depth: string, crop: boolean}} wanted */
  async export(wanted) {
    const picture = this.store.active;
    if (!picture) return;
    const { store } = this;
    await this.attempt(async () => {
      /** @type {Record<string, string | number | boolean | null>} */
      const query = { format: wanted.format, depth: wanted.depth || null };
      if (wanted.layer !== "trimap") {
        Object.assign(query, picture.finish, { crop: wanted.crop });
      }
      if (wanted.layer === "composite") {
        query.on = {
          checker: "white",
          black: "black",
          white: "white",
          colour: store.colour,
          picture: "backdrop",
        }[store.backdrop];
        picture.backdrop = this.backdrop;
      }
      const blob = await picture.whileSaving(async (id) => {
        await picture.send(id);
        return api.getLayer(id, wanted.layer, query);
      });
      const suffix = wanted.format === "tiff" ? "tif" : wanted.format;
      this.save(blob, `${stem(picture.name)}-${wanted.layer}.${suffix}`);
    });
  }

  async saveProject() {
    const picture = this.store.active;
    if (!picture?.width) return;
    await this.attempt(async () => {
      const blob = await picture.whileSaving(async (id) => {
        await picture.send(id);
        return api.getProject(id, { finish: picture.finish, page: null });
      });
      this.save(blob, `${stem(picture.name)}.lsm`);
    });
  }

  /**
   * @param {Blob} blob
   * @param {string} name
   */
  save(blob, name) {
    const url = URL.createObjectURL(blob);
    const link = h("a", { href: url, download: name });
    link.click();
    window.setTimeout(() => URL.revokeObjectURL(url), 60_000);
    this.notices.say(t("saved", { name }));
  }
}

/**
 * Let the user choose files.
 * @param {string} accept
 * @param {boolean} multiple
 * @param {(files: File[]) => void} chosen
 */
function chooseFiles(accept, multiple, chosen) {
  // It is part of the page until the answer is there, or it might be gone before.
  const input = h("input", { type: "file", accept, multiple, hidden: true });
  const done = () => input.remove();
  input.addEventListener("change", () => {
    const files = [...(input.files ?? [])];
    done();
    if (files.length) chosen(files);
  });
  input.addEventListener("cancel", done);
  document.body.append(input);
  input.click();
}

/** @param {string} name */
function stem(name) {
  return name.replace(/\.[^.]*$/, "") || "picture";
}

/** @param {Picture} picture */
function startSize(picture) {
  return Math.max(4, Math.round(Math.sqrt(picture.width * picture.height) / 25));
}
