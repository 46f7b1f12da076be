// The keyboard.

import { h } from "./dom.js";
import { t } from "./strings.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./actions.js").Actions} Actions */

const ARROWS = /** @type {Record<string, [number, number]>} */ ({
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
});

/**
 * @param {Store} store
 * @param {Actions} actions
 * @param {import("./input.js").Input} input
 * @param {{showHelp: () => void, leaveStage: (forward: boolean) => void}} page
 */
export function listen(store, actions, input, page) {
  const { stage } = input;
  document.addEventListener("keydown", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    const onStage = target === stage.top;
    const typing = target.matches("input:not([type=checkbox], [type=range]), select, textarea");
    if (document.querySelector("dialog[open]")) return;
    if (event.ctrlKey || event.metaKey) {
      if (command(event.key.toLowerCase(), event.shiftKey)) event.preventDefault();
      return;
    }
    if (event.altKey || typing) return;
    if (key(event, onStage, target)) event.preventDefault();
  });
  document.addEventListener("keyup", (event) => {
    if (event.key === " ") {
      input.space = false;
      stage.top.classList.remove("grab");
    }
    if (event.key === "Tab" && store.original) store.set({ original: false });
  });
  window.addEventListener("blur", () => {
    input.space = false;
    if (store.original) store.set({ original: false });
  });

  /**
   * @param {string} name
   * @param {boolean} shift
   * @returns {boolean} whether it was one of ours
   */
  function command(name, shift) {
    if (name === "z") (shift ? () => actions.redo() : () => actions.undo())();
    else if (name === "y") actions.redo();
    else if (name === "s") actions.saveProject();
    else if (name === "e") store.active?.width && actions.goTo("export");
    else if (name === "o") actions.pickFiles();
    else return false;
    return true;
  }

  /**
   * @param {KeyboardEvent} event
   * @param {boolean} onStage
   * @param {HTMLElement} target
   * @returns {boolean} whether it was one of ours
   */
  function key(event, onStage, target) {
    const onControl = target.matches("button, input, summary, a");
    switch (event.key) {
      case "[":
      case "]":
        store.set({ size: resized(store.size, event.key === "]") });
        stage.drawBrush();
        return true;
      case "{":
      case "}":
        store.set({
          hardness: Math.min(1, Math.max(0, store.hardness + (event.key === "}" ? 0.1 : -0.1))),
        });
        stage.drawBrush();
        return true;
      case " ":
        if (onControl) return false;
        input.space = true;
        stage.top.classList.add("grab");
        return true;
      case "0":
        stage.fit();
        return true;
      case "1":
        stage.viewport.zoomTo(1);
        stage.draw();
        return true;
      case "+":
      case "=":
      case "-": {
        const { width, height } = stage.viewport;
        stage.viewport.zoomAt(event.key === "-" ? 0.8 : 1.25, width / 2, height / 2);
        stage.draw();
        return true;
      }
      case "x":
      case "X":
        if (store.correcting) {
          store.set({ correctTool: store.correctTool === "keep" ? "remove" : "keep" });
        } else {
          actions.chooseMarkTool(store.markTool === "subject" ? "background" : "subject");
        }
        return true;
      case "u":
      case "U":
        actions.chooseMarkTool("unknown");
        return true;
      case "e":
      case "E":
        actions.chooseMarkTool("erase");
        return true;
      case "f":
      case "F":
        actions.chooseMarkTool("fill");
        return true;
      case "v":
      case "V":
        actions.nextView();
        return true;
      case "?":
        page.showHelp();
        return true;
      case "Escape":
        actions.cancel();
        return true;
      case "F2":
      case "F3":
      case "F4":
      case "F5":
        return false;
      case "F6":
        page.leaveStage(!event.shiftKey);
        return true;
      case "Enter":
        if (onControl) return false;
        if (store.step === "export") actions.exportNow();
        else actions.matte();
        return true;
      case "Tab":
        if (!onStage || event.shiftKey || !store.active?.width) return false;
        if (!store.original) store.set({ original: true });
        return true;
      case "p":
      case "P":
        if (!onStage) return false;
        input.togglePen();
        return true;
    }
    if (onStage && event.key in ARROWS) {
      const [dx, dy] = ARROWS[event.key];
      input.nudge(dx, dy, event.shiftKey);
      return true;
    }
    const steps = /** @type {const} */ ({ m: "mark", c: "correct", n: "finish" });
    const step = steps[/** @type {keyof typeof steps} */ (event.key.toLowerCase())];
    if (step && store.active?.width) {
      actions.goTo(step);
      return true;
    }
    return false;
  }
}

/**
 * @param {number} size
 * @param {boolean} larger
 */
function resized(size, larger) {
  const next = larger ? Math.max(size + 1, size * 1.15) : Math.min(size - 1, size / 1.15);
  return Math.min(1000, Math.max(1, Math.round(next)));
}

/** @returns {HTMLElement} */
export function keyTable() {
  /** @type {[string, import("./strings.js").StringKey][]} */
  const rows = [
    ["Enter", "keyMatte"],
    ["[  ]", "keySize"],
    ["Shift-[  Shift-]", "keyHardness"],
    ["X", "keySwap"],
    ["U", "keyUnknown"],
    ["E", "keyErase"],
    ["F", "keyFill"],
    [t("keyShiftClick"), "keyLine"],
    [t("keySpaceDrag"), "keyPan"],
    [t("keyWheel"), "keyZoom"],
    ["0  1", "keyFit"],
    ["V", "keyView"],
    ["Tab", "keyOriginal"],
    ["Ctrl-Z  Ctrl-Shift-Z", "keyUndo"],
    ["M  C  N  Ctrl-E", "keySteps"],
    ["Ctrl-O", "keyOpen"],
    ["Ctrl-S", "keyProject"],
    ["Ctrl-E", "keyExport"],
    ["Esc", "cancel"],
    [t("keyArrows"), "keyMove"],
    ["P", "keyPen"],
    ["F6", "keyLeave"],
    ["?", "keyHelp"],
  ];
  return h(
    "table",
    {},
    h(
      "tbody",
      {},
      ...rows.map(([keys, meaning]) =>
        h(
          "tr",
          {},
          h("th", { scope: "row" }, ...keys.split("  ").map((one) => h("kbd", {}, one))),
          h("td", {}, t(meaning)),
        ),
      ),
    ),
  );
}
