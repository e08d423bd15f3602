// Chooses the name of a class: known classes by one press, another name by typing.

import { button, fill, h } from "./dom.js";
import { nameField } from "./name_field.js";
import { t } from "./strings.js";

const OFFERED = 8;

/**
 * The known classes as buttons, the most probable first.
 * @param {string[]} labels
 * @param {(label: string) => (void|Promise<void>)} pick called with the one that is pressed
 */
export function chips(labels, pick) {
  const element = h("div.chips", { role: "group", "aria-label": t("pick.known"), hidden: labels.length === 0 });
  const chip = (label) => button(label, { kind: "chip", onpress: () => pick(label) });
  const rest = labels.slice(OFFERED);
  const all = () => {
    fill(element, labels.map(chip));
    element.children[OFFERED].focus();
  };
  fill(element, labels.slice(0, OFFERED).map(chip), rest.length > 0 && button(t("pick.more", { count: rest.length }), { kind: "chip plain", onpress: all }));
  return element;
}

/**
 * @param {object} choice
 * @param {string[]} [choice.first] labels that are offered before the others
 * @param {string[]} choice.known labels
 * @param {string} choice.words label of the field for another name
 * @param {string} choice.yes words of the button beside the field
 * @param {(label: string) => (void|Promise<void>)} choice.pick called with the name
 * @param {object} [choice.look] of that button
 * @param {Node[]} [beside] more buttons
 */
export function classPicker({ first = [], known, words, yes, pick, look = {} }, beside = []) {
  const labels = [...new Set([...first, ...known])].filter((label) => known.includes(label));
  const { element, read } = nameField(words, known);
  const form = h(
    "form",
    {
      onsubmit: async (event) => {
        event.preventDefault();
        const label = read();
        if (!label || form.hasAttribute("aria-busy")) return;
        form.setAttribute("aria-busy", "true");
        await pick(label);
        form.removeAttribute("aria-busy");
      },
    },
    element,
    h("div.row", {}, button(yes, { kind: "primary", type: "submit", ...look }), beside),
  );
  return h("div.picker", {}, chips(labels, pick), form);
}
