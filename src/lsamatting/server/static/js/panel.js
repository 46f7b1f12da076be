// The panel beside the picture: what can be done in each step.

import { button, choice, select, slider, toggle } from "./controls.js";
import { fill, h, setAttribute } from "./dom.js";
import { PLAIN } from "./picture.js";
import { t } from "./strings.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./actions.js").Actions} Actions */

/**
 * @param {Store} store
 * @param {Actions} actions
 */
export function makePanel(store, actions) {
  const steps = choice({
    label: t("steps"),
    class: "steps",
    get: () => store.step,
    set: (step) => actions.goTo(step),
    items: [
      { value: "mark", label: t("mark") },
      { value: "correct", label: t("correct") },
      { value: "finish", label: t("finish") },
      { value: "export", label: t("export") },
    ],
  });
  const sections = {
    mark: markSection(store, actions),
    correct: correctSection(store, actions),
    finish: finishSection(store, actions),
    export: exportSection(store, actions),
  };
  const element = h(
    "aside",
    { class: "panel", "aria-label": t("tools") },
    steps.element,
    ...Object.values(sections).map((section) => section.element),
  );
  const update = () => {
    steps.update();
    element.hidden = !store.active?.width;
    for (const [name, section] of Object.entries(sections)) {
      section.element.hidden = name !== store.step;
      if (name === store.step && store.active) section.update();
    }
  };
  return { element, update };
}

/**
 * @param {Store} store
 */
function sizeSlider(store) {
  return slider({
    label: t("size"),
    min: 1,
    max: 1000,
    step: 1,
    log: true,
    unit: " px",
    get: () => store.size,
    set: (size) => store.set({ size }),
  });
}

/**
 * @param {Store} store
 * @param {string} hint
 */
function hardnessSlider(store, hint) {
  return slider({
    label: t("hardness"),
    hint,
    min: 0,
    max: 100,
    step: 1,
    unit: " %",
    get: () => store.hardness * 100,
    set: (value) => store.set({ hardness: value / 100 }),
  });
}

/**
 * @param {Store} store
 * @param {Actions} actions
 */
function markSection(store, actions) {
  const tools = choice({
    label: t("tools"),
    class: "tools",
    get: () => store.markTool,
    set: (tool) => actions.chooseMarkTool(tool),
    items: [
      { value: "subject", label: t("subject"), icon: "subject" },
      { value: "background", label: t("background"), icon: "background" },
      { value: "unknown", label: t("unknown"), icon: "unknown" },
      { value: "erase", label: t("erase"), icon: "erase" },
      { value: "fill", label: t("fill"), icon: "fill", title: t("fillHint") },
    ],
  });
  const size = sizeSlider(store);
  const hardness = hardnessSlider(store, t("hardnessHint"));
  const quick = toggle({
    label: t("quick"),
    hint: t("quickHint"),
    get: () => store.active?.quick ?? false,
    set: (on) => actions.setQuick(on),
  });
  const quickHint = h("p", { class: "hint" }, t("quickHint"));
  const keep = button(t("keepProposal"), () => actions.keepProposal(), { class: "quiet" });
  const band = { erode: 10, dilate: 10 };
  const erode = slider({
    label: t("erode"),
    min: 0,
    max: 200,
    step: 1,
    unit: " px",
    get: () => band.erode,
    set: (value) => {
      band.erode = value;
      actions.changeBand(band);
      erode.update();
    },
  });
  const dilate = slider({
    label: t("dilate"),
    min: 0,
    max: 200,
    step: 1,
    unit: " px",
    get: () => band.dilate,
    set: (value) => {
      band.dilate = value;
      actions.changeBand(band);
      dilate.update();
    },
  });
  const bands = h(
    "div",
    { class: "group", role: "group", "aria-label": t("maskBand") },
    h("h2", {}, t("maskBand")),
    erode.element,
    dilate.element,
  );
  const model = select({
    label: t("model"),
    get: () => store.active?.options.weights ?? store.weights[0] ?? "",
    set: (weights) => actions.setOptions({ weights }),
    items: () => store.weights.map((name) => ({ value: name, label: name })),
  });
  const refine = toggle({
    label: t("refine"),
    get: () => store.active?.options.refine ?? false,
    set: (on) => actions.setOptions({ refine: on }),
  });
  const tta = toggle({
    label: t("tta"),
    hint: t("ttaHint"),
    get: () => store.active?.options.tta ?? false,
    set: (on) => actions.setOptions({ tta: on }),
  });
  const compute = button(t("matte"), () => actions.matte(), {
    class: "primary",
    title: `${t("matte")} (Enter)`,
  });
  const label = /** @type {HTMLElement} */ (compute.querySelector("span"));
  const element = h(
    "section",
    { "aria-label": t("mark") },
    h("p", { class: "hint" }, t("markIntro")),
    tools.element,
    size.element,
    hardness.element,
    h("div", { class: "group" }, quick.element, quickHint, keep),
    h(
      "div",
      { class: "buttons" },
      button(t("loadTrimap"), () => actions.pickGuide("trimap"), { class: "quiet" }),
      button(t("loadMask"), () => actions.pickGuide("mask"), { class: "quiet" }),
      button(t("clearMarks"), () => actions.clearMarks(), { class: "quiet" }),
    ),
    bands,
    h("details", {}, h("summary", {}, t("options")), model.element, refine.element, tta.element),
    compute,
  );
  const update = () => {
    for (const control of [tools, size, hardness, quick, erode, dilate, model, refine, tta]) {
      control.update();
    }
    const picture = store.active;
    keep.hidden = !(picture?.quick && picture.proposal);
    quickHint.hidden = !picture?.quick;
    bands.hidden = !actions.maskOf(picture);
    const running = picture?.busy === "computing";
    label.textContent = running ? t("computing") : t(picture?.hasMatte ? "matteAgain" : "matte");
    setAttribute(compute, "disabled", running);
    compute.classList.toggle("calm", Boolean(picture?.hasMatte && !picture.stale));
  };
  return { element, update };
}

/**
 * @param {Store} store
 * @param {Actions} actions
 */
function correctSection(store, actions) {
  const tools = choice({
    label: t("tools"),
    class: "tools",
    get: () => store.correctTool,
    set: (correctTool) => store.set({ correctTool }),
    items: [
      { value: "keep", label: t("keep"), icon: "keep" },
      { value: "remove", label: t("remove"), icon: "remove" },
      { value: "partly", label: t("partly"), icon: "partly" },
    ],
  });
  const opacity = slider({
    label: t("opacity"),
    min: 0,
    max: 100,
    step: 1,
    unit: " %",
    get: () => store.opacity * 100,
    set: (value) => store.set({ opacity: value / 100 }),
  });
  const size = sizeSlider(store);
  const hardness = hardnessSlider(store, t("hardnessExact"));
  const exact = toggle({
    label: t("exact"),
    get: () => store.exact,
    set: (on) => store.set({ exact: on }),
  });
  const list = h("ol", { class: "strokes" });
  const none = h("p", { class: "hint" }, t("noStrokes"));
  const undo = button(t("undoStroke"), () => actions.undoStroke(), { class: "quiet" });
  const need = h(
    "div",
    {},
    h("p", { class: "hint" }, t("needMatte")),
    button(t("matte"), () => actions.matte(), { class: "primary" }),
  );
  const able = h(
    "div",
    { class: "stack" },
    h("p", { class: "hint" }, t("correctIntro")),
    tools.element,
    opacity.element,
    size.element,
    exact.element,
    hardness.element,
    h("h2", {}, t("strokes")),
    none,
    list,
    undo,
  );
  const element = h("section", { "aria-label": t("correct") }, need, able);
  let shown = "";
  const update = () => {
    for (const control of [tools, opacity, size, exact, hardness]) control.update();
    const picture = store.active;
    need.hidden = Boolean(picture?.hasMatte);
    able.hidden = !picture?.hasMatte;
    opacity.element.hidden = store.correctTool !== "partly";
    hardness.element.hidden = !store.exact;
    const strokes = picture?.strokes ?? [];
    none.hidden = strokes.length > 0;
    undo.hidden = strokes.length === 0;
    const key = strokes.map((one) => `${one.opacity} ${one.exact} ${one.points.length}`).join();
    if (key !== shown) {
      shown = key;
      fill(list, ...strokes.map((stroke, number) => strokeItem(stroke, number, actions)));
    }
    list.querySelectorAll("input").forEach((box, number) => {
      box.checked = strokes[number]?.enabled ?? false;
    });
  };
  return { element, update };
}

/**
 * @param {import("./api.js").Stroke} stroke
 * @param {number} number
 * @param {Actions} actions
 */
function strokeItem(stroke, number, actions) {
  const kind =
    stroke.opacity === 1
      ? t("keep")
      : stroke.opacity === 0
        ? t("remove")
        : `${Math.round(stroke.opacity * 100)} %`;
  const box = h("input", {
    type: "checkbox",
    "aria-label": t("strokeToggle", { number: number + 1 }),
    onchange: () => actions.toggleStroke(number, box.checked),
  });
  const swatch = h("span", {
    class: `swatch ${stroke.opacity === 1 ? "keep" : stroke.opacity === 0 ? "remove" : "partly"}`,
  });
  return h(
    "li",
    {},
    h(
      "label",
      {},
      box,
      swatch,
      t("strokeName", { kind, count: stroke.points.length }),
      stroke.exact && h("small", {}, ` ${t("strokeExact")}`),
    ),
  );
}

/**
 * @param {Store} store
 * @param {Actions} actions
 */
function finishSection(store, actions) {
  /**
   * @param {import("./strings.js").StringKey} label
   * @param {keyof import("./api.js").Finish} name
   * @param {number} min
   * @param {number} max
   * @param {number} step
   * @param {number} factor
   * @param {string} unit
   */
  const one = (label, name, min, max, step, factor, unit) =>
    slider({
      label: t(label),
      min,
      max,
      step,
      unit,
      get: () => (store.active?.finish[name] ?? 0) * factor,
      set: (value, first) => actions.setFinish({ [name]: value / factor }, first),
    });
  const controls = [
    one("shift", "shift", -20, 20, 0.1, 1, " px"),
    one("feather", "feather", 0, 20, 0.1, 1, " px"),
    one("contrastLow", "low", 0, 99, 1, 100, " %"),
    one("contrastHigh", "high", 1, 100, 1, 100, " %"),
    one("decontaminate", "decontaminate", 0, 100, 1, 100, " %"),
  ];
  const need = h("p", { class: "hint" }, t("needMatte"));
  const able = h(
    "div",
    { class: "stack" },
    ...controls.map((control) => control.element),
    button(t("reset"), () => actions.setFinish({ ...PLAIN }, true), { class: "quiet" }),
  );
  const element = h("section", { "aria-label": t("finish") }, need, able);
  const update = () => {
    need.hidden = Boolean(store.active?.hasMatte);
    able.hidden = !store.active?.hasMatte;
    for (const control of controls) control.update();
  };
  return { element, update };
}

/** @typedef {"alpha" | "cutout" | "foreground" | "composite" | "trimap"} ExportLayer */
/** @typedef {"png" | "webp" | "tiff" | "exr"} ExportFormat */

/**
 * @param {Store} store
 * @param {Actions} actions
 */
function exportSection(store, actions) {
  const wanted = {
    layer: /** @type {ExportLayer} */ ("cutout"),
    format: /** @type {ExportFormat} */ ("png"),
    depth: "",
    crop: false,
  };
  /** @param {Partial<typeof wanted>} values */
  const want = (values) => {
    Object.assign(wanted, values);
    if (!depths().some(({ value }) => value === wanted.depth)) wanted.depth = "";
    store.tell();
  };
  const depths = () => {
    const able = { png: ["8", "16"], webp: ["8"], tiff: ["8", "16", "32"], exr: ["32"] };
    const listed = wanted.layer === "trimap" ? ["8"] : able[wanted.format];
    return [
      { value: "", label: t("depthAuto") },
      ...listed.map((value) => ({ value, label: value })),
    ];
  };
  const layer = select({
    label: t("exportWhat"),
    get: () => wanted.layer,
    set: (value) => want({ layer: value }),
    items: () => [
      { value: /** @type {ExportLayer} */ ("cutout"), label: t("exportCutout") },
      { value: "alpha", label: t("exportAlpha") },
      { value: "composite", label: t("exportComposite") },
      { value: "foreground", label: t("exportForeground") },
      { value: "trimap", label: t("exportTrimap") },
    ],
  });
  const format = select({
    label: t("format"),
    get: () => wanted.format,
    set: (value) => want({ format: value }),
    items: () => {
      /** @type {{value: ExportFormat, label: string}[]} */
      const all = [
        { value: "png", label: "PNG" },
        { value: "webp", label: "WebP" },
        { value: "tiff", label: "TIFF" },
        { value: "exr", label: "OpenEXR" },
      ];
      return wanted.layer === "trimap" ? all.slice(0, 3) : all;
    },
  });
  const depth = select({
    label: t("depth"),
    get: () => wanted.depth,
    set: (value) => want({ depth: value }),
    items: depths,
  });
  const crop = toggle({
    label: t("crop"),
    get: () => wanted.crop,
    set: (on) => want({ crop: on }),
    disabled: () => wanted.layer === "trimap",
  });
  const on = h("div", { class: "row" }, h("span", {}, t("on")), actions.backdropPicker());
  const note = h("p", { class: "hint" });
  const go = button(t("exportButton"), () => actions.export(wanted), {
    class: "primary",
    title: `${t("exportButton")} (Enter)`,
  });
  const element = h(
    "section",
    { "aria-label": t("export") },
    layer.element,
    on,
    format.element,
    depth.element,
    crop.element,
    note,
    go,
    button(t("saveProject"), () => actions.saveProject(), {
      class: "quiet",
      icon: "save",
      title: `${t("saveProject")} (Ctrl-S)`,
    }),
  );
  const update = () => {
    const picture = store.active;
    if (wanted.layer === "trimap" && wanted.format === "exr") wanted.format = "png";
    for (const control of [layer, format, depth, crop]) control.update();
    on.hidden = wanted.layer !== "composite";
    setAttribute(go, "disabled", !picture?.hasMatte && wanted.layer !== "trimap");
    note.textContent = picture
      ? t("exportNote", { width: picture.width, height: picture.height })
      : "";
  };
  actions.exportNow = () => {
    if (!go.disabled) go.click();
  };
  return { element, update };
}
