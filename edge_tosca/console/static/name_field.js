// A field for the name of a class, which offers the known ones.

import { freshId, h } from "./dom.js";

/**
 * @param {string} words the field's label
 * @param {string[]} known offered while typing
 * @returns {{element: Node, input: HTMLInputElement, read: () => string}} `read` returns "" and focuses the field if it is empty
 */
export function nameField(words, known, value = "") {
  const id = freshId("name");
  const list = freshId("names");
  const input = h("input", { type: "text", id, list, value, maxlength: 80, autocomplete: "off", autocapitalize: "off", enterkeyhint: "go" });
  const element = h(
    "div.field",
    {},
    h("label", { for: id }, words),
    input,
    h("datalist", { id: list }, known.map((label) => h("option", { value: label }))),
  );
  const read = () => {
    const name = input.value.trim();
    if (!name) input.focus();
    return name;
  };
  return { element, input, read };
}
