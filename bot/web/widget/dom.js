/** Making nodes. Text becomes text nodes: nothing here ever reads it as markup. */

/** @import {Attributes, Child} from "./types" */

/**
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name @param {Attributes} [attributes] @param {...Child} children
 * @returns {HTMLElementTagNameMap[Name]}
 */
export function html(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/**
 * @template {keyof SVGElementTagNameMap} Name
 * @param {Name} name @param {Attributes} [attributes] @param {...Child} children
 * @returns {SVGElementTagNameMap[Name]}
 */
export function svg(name, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

/** @param {Attributes} attributes @param {Child} label @param {(event: MouseEvent) => void} act */
export function button(attributes, label, act) {
  const made = html("button", { type: "button", ...attributes }, label);
  made.addEventListener("click", act);
  return made;
}

/** A bar that is full to *share* of a hundred, seen and not read. @param {number} share */
export function gauge(share) {
  const full = html("i");
  full.style.inlineSize = `${share}%`;
  return html("div", { class: "bar", "aria-hidden": "true" }, full);
}

/** A drawing of one path on a 24 × 24 field, seen and not read. @param {string} path */
export function icon(path) {
  return svg("svg", { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true" }, svg("path", { d: path }));
}

/** What the browser keeps, if it is let. @param {"localStorage" | "sessionStorage"} name */
export function storage(name) {
  try {
    return globalThis[name];
  } catch {
    return null;
  }
}

/**
 * @template {Element} T
 * @param {T} node @param {Attributes} attributes @param {Child[]} children @returns {T}
 */
function filled(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) node.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(key, String(value));
  }
  for (const child of children) if (child) node.append(child);
  return node;
}
