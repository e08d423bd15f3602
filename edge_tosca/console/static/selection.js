// Many pictures are chosen, and named at once.

import { get, post } from "./api.js";
import { classPicker } from "./class_picker.js";
import { openDialog } from "./dialog.js";
import { button, fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { notice } from "./notice.js";
import { count } from "./places.js";
import { t } from "./strings.js";

export class Selection {
  /**
   * @param {object} choice
   * @param {() => string[]} [choice.first] labels that are offered first
   * @param {(label: string) => void} choice.onNamed called when the chosen pictures have a name
   */
  constructor({ first = () => [], onNamed }) {
    this.first = first;
    this.onNamed = onNamed;
    this.chosen = new Map();
    this.named = new Set();
    this.on = false;
    this.toggle = button(t("select.begin"), { symbol: "select", "aria-pressed": "false", onpress: () => this.turn(!this.on) });
    this.how = h("p", { "aria-live": "polite" });
    this.act = button(t("select.name"), { symbol: "edit", kind: "primary tall grow", onpress: () => this.name() });
    this.bar = h("div.selection.foot", { hidden: true }, this.how, h("div.row", {}, this.act, button(t("cancel"), { kind: "tall", onpress: () => this.turn(false) })));
    this.lists = [];
  }

  /** Let the pictures of a list be chosen while the selection is on. */
  over(list) {
    this.lists.push(list);
    return list;
  }

  /** The button that lies over a picture while the selection is on. */
  pick(id, words) {
    const mark = h("span.mark", {}, icon("check"));
    const element = h("button.pick", { type: "button", "aria-label": t("select.picture", { picture: words }), "aria-pressed": String(this.chosen.has(id)), onclick: () => this.flip(id, element) }, mark);
    if (this.chosen.has(id)) this.chosen.set(id, element);
    return element;
  }

  flip(id, element) {
    if (this.chosen.has(id)) this.chosen.delete(id);
    else this.chosen.set(id, element);
    element.setAttribute("aria-pressed", String(this.chosen.has(id)));
    this.draw();
  }

  turn(on) {
    this.on = on;
    for (const element of this.chosen.values()) element.setAttribute("aria-pressed", "false");
    this.chosen.clear();
    for (const list of this.lists) list.classList.toggle("selecting", on);
    this.toggle.setAttribute("aria-pressed", String(on));
    this.bar.hidden = !on;
    this.draw();
  }

  draw() {
    const { size } = this.chosen;
    fill(this.how, size ? t("select.count", { count: size }) : t("select.none"));
    this.act.disabled = size === 0;
  }

  async name() {
    const pictures = [...this.chosen.keys()];
    const { classes } = await get("/classes");
    const named = await openDialog(t("select.title", { count: pictures.length }), (close, attempt) => {
      const pick = (label) => attempt(async () => close(await post("/queue/name", { pictures, label })));
      return [classPicker({ first: this.first(), known: classes.map((one) => one.label), words: t("correct.other"), yes: t("select.yes"), pick }, [button(t("cancel"), { onpress: () => close() })])];
    });
    if (!named) return;
    notice(named.full || named.gone ? t("select.partly", { count: named.moved, label: named.label, left: named.full + named.gone }) : t("select.done", { count: named.moved, label: named.label }));
    for (const id of pictures) this.named.add(id);
    this.turn(false);
    count();
    this.onNamed(named.label);
  }
}
