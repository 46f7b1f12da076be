// Elements in one expression, without markup in strings.

/** @typedef {Node | string | null | undefined | false} Child */

/**
 * Make an element.
 * Attributes that start with "on" are listeners; `class` and the rest are attributes; true means
 * present, false and null absent.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, any>} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else setAttribute(element, name, value);
  }
  element.append(...kept(children));
  return element;
}

/**
 * @param {Element} element
 * @param {string} name
 * @param {string | number | boolean | null | undefined} value
 */
export function setAttribute(element, name, value) {
  if (value === false || value === null || value === undefined) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? "" : String(value));
}

/**
 * @param {Element} element
 * @param {...Child} children
 */
export function fill(element, ...children) {
  element.replaceChildren(...kept(children));
}

/**
 * @param {Child[]} children
 * @returns {(Node | string)[]}
 */
function kept(children) {
  const result = [];
  for (const child of children) if (child) result.push(child);
  return result;
}

const SHAPES = {
  subject: "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM4 21c0-4 3.6-7 8-7s8 3 8 7z",
  background: "M3 3h18v18H3zM12 6a3.5 3.5 0 0 0-2 6.4C7.500 13.300 6 15.500 6 18.500h12c0-3-1.500-5.200-4-6.100A3.500 3.500 0 0 0 12 6z",
  unknown: "M11 17h2.400v2.400H11zM12.200 4.500C9.300 4.500 7.500 6.300 7.300 8.800h2.400c.2-1.300 1-2.100 2.400-2.100 1.400 0 2.300.8 2.300 2 0 1-.5 1.600-1.600 2.400-1.300.9-1.800 1.800-1.800 3.400v.7h2.300v-.5c0-1 .4-1.500 1.600-2.300 1.300-.9 2-2 2-3.700 0-2.500-1.900-4.200-4.700-4.200z",
  erase: "M15 3.500 21 9.500 11.500 19H21v2H7l-4.500-4.500zM9.700 8.800 4.900 16.500 7.900 19h1z",
  fill: "M10.500 2 9 3.500 11.200 5.700 4 13l7 7 8.500-8.500zM7 13h9.500L11 18zM20.500 14.500c-1 1.500-2 2.900-2 4.200a2 2 0 0 0 4 0c0-1.300-1-2.700-2-4.200z",
  keep: "M10.500 5h3v5.500H19v3h-5.500V19h-3v-5.500H5v-3h5.500z",
  remove: "M5 10.500h14v3H5z",
  partly: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zm0 2.200v13.600a6.800 6.800 0 0 1 0-13.600z",
  undo: "M8.500 5 3 10.500 8.500 16v-4h6a3.500 3.500 0 0 1 0 7H9v2.500h5.500a6 6 0 0 0 0-12h-6z",
  redo: "M15.500 5 21 10.500 15.500 16v-4h-6a3.500 3.500 0 0 0 0 7H15v2.500H9.500a6 6 0 0 1 0-12h6z",
  help: "M3 6h18v12H3zM5 8v2h2V8zm4 0v2h2V8zm4 0v2h2V8zm4 0v2h2V8zM5 12v2h2v-2zm12 0v2h2v-2zm-8 2.500V16h8v-1.500zM9 12v1.500h6V12z",
  theme: "M12 3a9 9 0 1 0 9 9 7 7 0 0 1-9-9z",
  close: "M6.400 5 5 6.400 10.600 12 5 17.600 6.400 19 12 13.400 17.600 19 19 17.600 13.400 12 19 6.400 17.600 5 12 10.600z",
  open: "M3 5h7l2 2h9v3H7l-4 9zM7.500 12H22l-3 8H4z",
  save: "M4 4h13l3 3v13H4zM7 4v5h8V4zm0 9v5h10v-5z",
  plus: "M11 5h2v6h6v2h-6v6h-2v-6H5v-2h6z",
  minus: "M5 11h14v2H5z",
};

/**
 * @param {keyof typeof SHAPES} name
 * @returns {SVGElement}
 */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", "icon");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", SHAPES[name]);
  path.setAttribute("fill-rule", "evenodd");
  svg.append(path);
  return svg;
}
/** @typedef {keyof typeof SHAPES} IconName */
