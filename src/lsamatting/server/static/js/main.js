// The page, put together.

import { Actions } from "./actions.js";
import * as api from "./api.js";
import { button, choice } from "./controls.js";
import { fill, h, icon } from "./dom.js";
import { Input } from "./input.js";
import { keyTable, listen } from "./keys.js";
import { Notices } from "./notices.js";
import { makePanel } from "./panel.js";
import { Stage } from "./stage.js";
import { Store } from "./store.js";
import { t } from "./strings.js";

const THEMES = ["dark", "light"];

function main() {
  const store = new Store();
  const notices = new Notices();
  const canvas = h("canvas", { class: "stage-canvas", "aria-hidden": "true" });
  const top = h("canvas", {
    class: "stage-top",
    tabindex: 0,
    role: "application",
    "aria-label": t("stage"),
  });
  /** @type {Actions} */
  let actions;
  const stage = new Stage(canvas, top, store, (error) => actions.failed(error));
  actions = new Actions(store, stage, notices);
  const input = new Input(stage, store, {
    marked: () => actions.marked(),
    corrected: (stroke) => actions.correct(stroke),
  });
  actions.input = input;
  const panel = makePanel(store, actions);
  const help = helpDialog();
  const header = makeHeader(store, actions, () => help.showModal());
  const welcome = makeWelcome(actions);
  const strip = makeStrip(store, actions);
  const viewBar = makeViewBar(store, actions, stage);
  const lost = h("div", { class: "lost", role: "alert", hidden: true }, t("lost"));
  const progress = makeProgress(store, actions);
  const frame = h(
    "div",
    { class: "frame" },
    canvas,
    top,
    welcome,
    lost,
    progress.element,
    notices.alert,
  );
  document.body.append(
    header.element,
    h("main", { class: "main" }, h("div", { class: "middle" }, frame, viewBar.element, strip.element), panel.element),
    help,
  );
  header.element.append(notices.said);
  actions.askForToken = askForToken(actions);
  listen(store, actions, input, {
    showHelp: () => help.showModal(),
    leaveStage: () => {
      const inside = document.activeElement === top;
      const tools = [...panel.element.querySelectorAll("section button")];
      const first = tools.find((tool) => tool.checkVisibility());
      if (inside && first instanceof HTMLElement) first.focus();
      else top.focus();
    },
  });
  const update = () => {
    const picture = store.active;
    welcome.hidden = Boolean(picture);
    lost.hidden = !store.lost;
    top.classList.toggle("brush", store.painting);
    document.title = picture ? `${picture.name} – ${t("title")}` : t("title");
    for (const part of [header, panel, strip, viewBar, progress]) part.update();
    stage.drawBrush();
  };
  store.addEventListener("change", update);
  acceptDrops(store, actions);
  update();
  start(store, actions);
}

/**
 * @param {Store} store
 * @param {Actions} actions
 */
async function start(store, actions) {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token) {
    history.replaceState(null, "", location.pathname);
    await actions.attempt(() => api.login(token));
  }
  await actions.attempt(async () => {
    store.set({ weights: await readyWeights() });
    for (const { number, name } of await api.given()) {
      await actions.open(name, { kind: "given", number });
    }
  });
}

/** Wait until the server has loaded its weights, and give their names. */
async function readyWeights() {
  for (;;) {
    try {
      return (await api.health()).weights;
    } catch (error) {
      if (!(error instanceof api.ApiError && error.status === 503)) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/**
 * @param {Store} store
 * @param {Actions} actions
 * @param {() => void} showHelp
 */
function makeHeader(store, actions, showHelp) {
  const name = h("span", { class: "name" });
  const facts = h("span", { class: "facts" });
  const undo = button(t("undo"), () => actions.undo(), {
    icon: "undo",
    iconOnly: true,
    title: `${t("undo")} (Ctrl-Z)`,
  });
  const redo = button(t("redo"), () => actions.redo(), {
    icon: "redo",
    iconOnly: true,
    title: `${t("redo")} (Ctrl-Shift-Z)`,
  });
  const element = h(
    "header",
    { class: "header" },
    h("h1", {}, t("title")),
    button(t("open"), () => actions.pickFiles(), { icon: "open", title: t("openHint") }),
    undo,
    redo,
    button(t("help"), showHelp, { icon: "help", iconOnly: true, title: `${t("help")} (?)` }),
    button(t("theme"), () => switchTheme(), { icon: "theme", iconOnly: true }),
    name,
    facts,
  );
  const update = () => {
    const picture = store.active;
    name.textContent = picture?.name ?? "";
    facts.textContent = picture?.width
      ? t("pixels", { width: picture.width, height: picture.height, depth: picture.depth })
      : "";
    undo.disabled = !picture?.history.done.length;
    redo.disabled = !picture?.history.undone.length;
  };
  return { element, update };
}

/** @param {Actions} actions */
function makeWelcome(actions) {
  return h(
    "div",
    { class: "welcome" },
    h("h2", {}, t("welcomeTitle")),
    h("p", {}, t("welcomeText")),
    h(
      "div",
      { class: "buttons" },
      button(t("welcomeOpen"), () => actions.pickFiles(), { class: "primary" }),
      button(t("sample"), () => actions.attempt(() => actions.openSample())),
    ),
  );
}

/**
 * @param {Store} store
 * @param {Actions} actions
 */
function makeStrip(store, actions) {
  const list = h("ul", { class: "strip", "aria-label": t("pictures") });
  let shown = "";
  const update = () => {
    const key = store.pictures.map((one) => one.name + one.thumbnail).join("\n");
    list.hidden = store.pictures.length < 2;
    if (key !== shown) {
      shown = key;
      fill(
        list,
        ...store.pictures.map((picture) =>
          h(
            "li",
            {},
            h(
              "button",
              { type: "button", title: picture.name, onclick: () => actions.activate(picture) },
              picture.thumbnail
                ? h("img", { src: picture.thumbnail, alt: picture.name })
                : picture.name,
            ),
            h(
              "button",
              {
                type: "button",
                class: "shut",
                "aria-label": t("closePicture", { name: picture.name }),
                onclick: () => actions.close(picture),
              },
              icon("close"),
            ),
          ),
        ),
      );
    }
    [...list.children].forEach((item, index) => {
      const current = store.pictures[index] === store.active;
      item.firstElementChild?.setAttribute("aria-current", String(current));
    });
  };
  return { element: list, update };
}

/**
 * @param {Store} store
 * @param {Actions} actions
 * @param {Stage} stage
 */
function makeViewBar(store, actions, stage) {
  const views = choice({
    label: t("views"),
    get: () => store.shown,
    set: (view) => store.set({ view }),
    items: [
      { value: "marks", label: t("viewMarks") },
      { value: "subject", label: t("viewSubject") },
      { value: "alpha", label: t("viewAlpha") },
      { value: "overlay", label: t("viewOverlay") },
      { value: "picture", label: t("viewPicture") },
    ],
  });
  const backdrop = actions.backdropPicker();
  const zoom = h("output", { class: "zoom" });
  /** @param {number} factor */
  const by = (factor) => {
    stage.viewport.zoomAt(factor, stage.viewport.width / 2, stage.viewport.height / 2);
    stage.draw();
  };
  const element = h(
    "div",
    { class: "viewbar" },
    views.element,
    backdrop,
    h(
      "div",
      { class: "zooms" },
      button(t("zoomOut"), () => by(0.8), { icon: "minus", iconOnly: true }),
      zoom,
      button(t("zoomIn"), () => by(1.25), { icon: "plus", iconOnly: true }),
      button(t("fit"), () => stage.fit(), { title: `${t("fit")} (0)` }),
      button(
        t("actual"),
        () => {
          stage.viewport.zoomTo(1);
          stage.draw();
        },
        { title: `${t("actual")} (1)` },
      ),
    ),
  );
  const update = () => {
    element.hidden = !store.active?.width;
    views.update();
    backdrop.classList.toggle("away", store.shown !== "subject");
    for (const one of element.querySelectorAll("[data-value]")) {
      const value = /** @type {HTMLElement} */ (one).dataset.value ?? "";
      if (["subject", "alpha", "overlay"].includes(value)) {
        /** @type {HTMLButtonElement} */ (one).disabled = !store.active?.hasMatte;
      }
    }
  };
  stage.onpaint = () => {
    zoom.textContent = `${Math.round(stage.viewport.scale * 100)} %`;
  };
  return { element, update };
}

/**
 * @param {Store} store
 * @param {Actions} actions
 */
function makeProgress(store, actions) {
  const text = h("span", { role: "status" });
  const bar = h("progress", { max: 1, "aria-label": t("computing") });
  const stop = button(t("cancel"), () => actions.cancel(), { title: `${t("cancel")} (Esc)` });
  const element = h("div", { class: "progress", hidden: true }, text, bar, stop);
  const update = () => {
    const picture = store.active;
    element.hidden = !picture?.busy;
    if (!picture?.busy) return;
    stop.hidden = picture.busy !== "computing";
    if (picture.busy === "opening") text.textContent = t("opening", { name: picture.name });
    else if (picture.busy === "saving") text.textContent = t("saving");
    else if (picture.progress) {
      text.textContent = t("computingShare", { percent: Math.round(picture.progress * 100) });
    } else text.textContent = t("computing");
    if (picture.busy === "computing" && picture.progress) bar.value = picture.progress;
    else bar.removeAttribute("value");
  };
  return { element, update };
}

function helpDialog() {
  const dialog = h(
    "dialog",
    { class: "help", "aria-label": t("keysTitle") },
    h("h2", {}, t("keysTitle")),
    keyTable(),
    h("form", { method: "dialog" }, h("button", { class: "primary" }, t("close"))),
  );
  return dialog;
}

/**
 * @param {Actions} actions
 * @returns {() => void}
 */
function askForToken(actions) {
  return () => {
    if (document.querySelector("dialog.token")) return;
    const field = h("input", { type: "password", id: "token", autocomplete: "current-password" });
    const wrong = h("p", { role: "alert" });
    const dialog = h(
      "dialog",
      { class: "token", "aria-label": t("tokenTitle") },
      h("h2", {}, t("tokenTitle")),
      h("label", { for: "token" }, t("tokenLabel")),
      field,
      wrong,
      button(
        t("tokenSend"),
        async () => {
          try {
            await api.login(field.value.trim());
            location.reload();
          } catch (error) {
            if (error instanceof api.ApiError) wrong.textContent = t("tokenWrong");
            else actions.failed(error);
          }
        },
        { class: "primary" },
      ),
    );
    document.body.append(dialog);
    dialog.showModal();
  };
}

/**
 * @param {Store} store
 * @param {Actions} actions
 */
function acceptDrops(store, actions) {
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("dropping");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.body.classList.remove("dropping");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dropping");
    const files = [...(event.dataTransfer?.files ?? [])];
    if (files.length) take(files);
  });
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length) take(files);
  });

  /** @param {File[]} files */
  async function take(files) {
    const picture = store.active;
    const [file] = files;
    if (files.length > 1 || !picture?.width || file.name.toLowerCase().endsWith(".lsm")) {
      await actions.openFiles(files);
      return;
    }
    const answer = await askWhatItIs(file.name);
    if (answer === "picture") await actions.openFiles(files);
    else if (answer === "trimap" || answer === "mask") {
      await actions.attempt(() => actions.useGuide(picture, answer, file));
    }
  }
}

/**
 * @param {string} name
 * @returns {Promise<string>}
 */
function askWhatItIs(name) {
  return new Promise((resolve) => {
    const dialog = h(
      "dialog",
      { "aria-label": t("useAs", { name }) },
      h("h2", {}, t("useAs", { name })),
      h(
        "form",
        { method: "dialog", class: "stack" },
        h("button", { value: "picture" }, t("useAsPicture")),
        h("button", { value: "trimap" }, t("useAsTrimap")),
        h("button", { value: "mask" }, t("useAsMask")),
        h("button", { value: "", class: "quiet" }, t("cancel")),
      ),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

function theme() {
  // Dark whatever the system prefers: bright surroundings change how a picture is seen.
  const kept = localStorage.getItem("theme");
  return kept && THEMES.includes(kept) ? kept : THEMES[0];
}

function switchTheme() {
  const next = theme() === "dark" ? "light" : "dark";
  localStorage.setItem("theme", next);
  document.documentElement.dataset.theme = next;
  window.dispatchEvent(new Event("resize"));
}

document.documentElement.dataset.theme = theme();
main();
