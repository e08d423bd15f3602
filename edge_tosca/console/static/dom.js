// Makes elements. Text always goes in as text, never as markup, whatever a class is called.

import { icon } from "./icons.js";

/**
 * Make an element.
 * @param {string} spec tag and classes, "p.hint.quiet"
 * @param {object} [props] onclick and other on* become listeners, the rest attributes; false and null are omitted
 * @param {...(Node|string|number|null|false|Array)} children
 */
export function h(spec, props = {}, ...children) {
  const [tag, ...classes] = spec.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in PROPERTIES) element[name] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...flat(children));
  return element;
}

const PROPERTIES = { value: 1, checked: 1, disabled: 1, hidden: 1, htmlFor: 1 };

function flat(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

/** Replace the children of an element. */
export function fill(element, ...children) {
  element.replaceChildren(...flat(children));
  return element;
}

/** A button with an icon and words; it ignores presses while its act runs. */
export function button(words, { symbol = null, kind = "", onpress, ...props } = {}) {
  const element = h(
    `button${kind ? "." + kind.split(" ").join(".") : ""}`,
    { type: "button", ...props },
    symbol && icon(symbol),
    h("span", {}, words),
  );
  if (onpress) element.addEventListener("click", once(element, onpress));
  return element;
}

/** A round button that shows an icon only; its words are read aloud. */
export function iconButton(words, symbol, { kind = "", onpress, ...props } = {}) {
  const spec = ["button", "icon-only", ...(kind ? kind.split(" ") : [])].join(".");
  const element = h(spec, { type: "button", "aria-label": words, title: words, ...props }, icon(symbol));
  if (onpress) element.addEventListener("click", once(element, onpress));
  return element;
}

/** Ignore presses while the act of the first one runs. */
export function once(element, act) {
  let busy = false;
  return async (event) => {
    event.preventDefault?.();
    if (busy) return;
    busy = true;
    element.setAttribute("aria-busy", "true");
    try {
      await act(event);
    } finally {
      busy = false;
      element.removeAttribute("aria-busy");
    }
  };
}

/** A link that looks like a button and leads to another view. */
export function linkButton(words, href, { symbol = null, kind = "", ...props } = {}) {
  return h(`a.button${kind ? "." + kind.split(" ").join(".") : ""}`, { href, ...props }, symbol && icon(symbol), h("span", {}, words));
}

let counter = 0;

/** An id that no other element has. */
export function freshId(what) {
  counter += 1;
  return `${what}-${counter}`;
}
