// The few kinds of controls that the panel is made of.

import { h, icon, setAttribute } from "./dom.js";

let numbers = 0;

/**
 * A slider with its label and its value, which can be typed.
 * @param {{label: string, hint?: string, min: number, max: number, step: number, log?: boolean, unit?: string,
 *   get: () => number, set: (value: number, first: boolean) => void}} spec
 */
export function slider(spec) {
  const id = `c${numbers++}`;
  let first = true;
  /** @param {number} value */
  const toTrack = (value) =>
    spec.log ? (1000 * Math.log(value / spec.min)) / Math.log(spec.max / spec.min) : value;
  /** @param {number} track */
  const toValue = (track) => {
    const value = spec.log ? spec.min * (spec.max / spec.min) ** (track / 1000) : track;
    return Math.min(spec.max, Math.max(spec.min, Math.round(value / spec.step) * spec.step));
  };
  const range = h("input", {
    type: "range",
    id,
    min: spec.log ? 0 : spec.min,
    max: spec.log ? 1000 : spec.max,
    step: spec.log ? 1 : spec.step,
    oninput: () => {
      spec.set(toValue(range.valueAsNumber), first);
      first = false;
    },
    onchange: () => {
      first = true;
    },
  });
  const number = h("input", {
    type: "number",
    class: "value",
    min: spec.min,
    max: spec.max,
    step: spec.step,
    "aria-label": spec.label,
    onchange: () => {
      if (Number.isFinite(number.valueAsNumber)) {
        spec.set(Math.min(spec.max, Math.max(spec.min, number.valueAsNumber)), true);
      }
    },
  });
  const element = h(
    "div",
    { class: "slider" },
    h("label", { for: id, title: spec.hint ?? null }, spec.label),
    h("span", { class: "amount" }, number, spec.unit && h("span", { class: "unit" }, spec.unit.trim())),
    range,
  );
  const update = () => {
    const value = spec.get();
    const digits = spec.step < 0.1 ? 2 : spec.step < 1 ? 1 : 0;
    if (document.activeElement !== number) number.value = value.toFixed(digits);
    range.value = String(toTrack(value));
    const share = (range.valueAsNumber - Number(range.min)) / (Number(range.max) - Number(range.min));
    range.style.setProperty("--share", String(share));
    range.setAttribute("aria-valuetext", `${value.toFixed(digits)}${spec.unit ?? ""}`);
  };
  return { element, update };
}

/**
 * @param {{label: string, hint?: string, get: () => boolean, set: (value: boolean) => void, disabled?: () => boolean}} spec
 */
export function toggle(spec) {
  const box = h("input", { type: "checkbox", onchange: () => spec.set(box.checked) });
  const element = h("label", { class: "toggle", title: spec.hint ?? null }, box, spec.label);
  const update = () => {
    box.checked = spec.get();
    box.disabled = spec.disabled?.() ?? false;
  };
  return { element, update };
}

/**
 * One of several, as buttons in a row.
 * @template {string} T
 * @param {{label: string, class?: string, get: () => T, set: (value: T) => void,
 *   items: {value: T, label: string, title?: string, icon?: import("./dom.js").IconName}[]}} spec
 */
export function choice(spec) {
  const buttons = spec.items.map((item) =>
    h(
      "button",
      {
        type: "button",
        title: item.title ?? item.label,
        "aria-label": item.icon && spec.class?.includes("iconic") ? item.label : null,
        "data-value": item.value,
        onclick: () => spec.set(item.value),
      },
      item.icon && icon(item.icon),
      spec.class?.includes("iconic") ? null : h("span", {}, item.label),
    ),
  );
  const element = h(
    "div",
    { class: `choice ${spec.class ?? ""}`, role: "group", "aria-label": spec.label },
    ...buttons,
  );
  const update = () => {
    const value = spec.get();
    for (const button of buttons) {
      setAttribute(button, "aria-pressed", button.dataset.value === value ? "true" : "false");
    }
  };
  return { element, update };
}

/**
 * @template {string} T
 * @param {{label: string, get: () => T, set: (value: T) => void, items: () => {value: T, label: string}[]}} spec
 */
export function select(spec) {
  const id = `c${numbers++}`;
  const list = h("select", { id, onchange: () => spec.set(/** @type {T} */ (list.value)) });
  const element = h("div", { class: "row" }, h("label", { for: id }, spec.label), list);
  let shown = "";
  const update = () => {
    const items = spec.items();
    const key = JSON.stringify(items);
    if (key !== shown) {
      shown = key;
      list.replaceChildren(
        ...items.map((item) => h("option", { value: item.value }, item.label)),
      );
    }
    list.value = spec.get();
  };
  return { element, update };
}

/**
 * @param {string} label
 * @param {() => void} action
 * @param {{class?: string, icon?: import("./dom.js").IconName, title?: string, iconOnly?: boolean}} [more]
 */
export function button(label, action, more = {}) {
  return h(
    "button",
    {
      type: "button",
      class: more.class ?? null,
      title: more.title ?? (more.iconOnly ? label : null),
      "aria-label": more.iconOnly ? label : null,
      onclick: action,
    },
    more.icon && icon(more.icon),
    more.iconOnly ? null : h("span", {}, label),
  );
}
