// The last answers: each is confirmed or corrected by one press.

import { get, pictureAddress } from "./api.js";
import { confirmAnswer, correct } from "./correct.js";
import { fill, h, iconButton } from "./dom.js";
import { icon } from "./icons.js";
import { attempt } from "./notice.js";
import { Selection } from "./selection.js";
import { percent, t } from "./strings.js";

export class Strip {
  /** @param {object} query of whose answers: {camera, region} or {client} */
  constructor(query) {
    this.query = query;
    this.newest = null;
    this.answers = [];
    this.list = h("ol.answers", { "aria-label": t("strip.title"), tabindex: 0 });
    this.selection = new Selection({ onNamed: () => this.load() });
    this.selection.over(this.list);
    this.element = h(
      "section.strip-place",
      { "aria-label": t("strip.title"), hidden: true },
      h("div.strip-head", {}, h("h2", {}, t("strip.title")), this.selection.toggle),
      this.list,
      this.selection.bar,
    );
  }

  /** Load the answers again where there is a newer one; not while a user chooses among them. */
  update(newest) {
    if (!newest || newest === this.newest || this.selection.on) return;
    this.newest = newest;
    this.load();
  }

  async load() {
    const found = await attempt(() => get("/answers", this.query));
    if (!found || this.selection.on) return;
    this.answers = found.answers;
    this.element.hidden = this.answers.length === 0;
    const focused = this.list.contains(document.activeElement) ? document.activeElement.closest("li")?.dataset.id : null;
    fill(this.list, this.answers.map((one) => this.cell(one)));
    if (focused) this.list.querySelector(`[data-id="${focused}"] button:not(.pick)`)?.focus();
  }

  cell(one) {
    const words = one.truth ?? (one.unknown ? t("live.unknown") : one.label);
    const kind = one.truth ? "settled" : one.unknown ? "unknown" : "known";
    const wrong = () => this.settle(() => correct(one.id, { guesses: [one.label], unknown: one.unknown }));
    const right = () => this.settle(() => confirmAnswer(one.id));
    return h(
      `li.${kind}`,
      { "data-id": one.id },
      h("div.picture", {}, h("img", { src: pictureAddress(one.id), alt: "" }), this.selection.pick(one.id, words)),
      h("p.name", {}, one.truth && icon("check"), h("span", {}, words), !one.truth && !one.unknown && h("small", {}, percent(one.probability))),
      h(
        "div.judge",
        {},
        one.truth
          ? iconButton(t("strip.change", { label: words }), "edit", { kind: "wide", onpress: wrong })
          : one.unknown
            ? iconButton(t("live.name_it"), "edit", { kind: "wide", onpress: wrong })
            : [iconButton(t("strip.right", { label: words }), "check", { kind: "right", onpress: right }), iconButton(t("strip.wrong", { label: words }), "remove", { kind: "wrong", onpress: wrong })],
      ),
    );
  }

  async settle(act) {
    await attempt(act);
    await this.load();
  }
}
