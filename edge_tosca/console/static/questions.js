// Pictures whose answer would teach most, one at a time, and why.

import { get, pictureAddress, post } from "./api.js";
import { classPicker } from "./class_picker.js";
import { button, fill, h, linkButton } from "./dom.js";
import { icon } from "./icons.js";
import { attempt, notice } from "./notice.js";
import { count } from "./places.js";
import { way } from "./route.js";
import { t } from "./strings.js";

/**
 * The questions as a card; hidden where there is none.
 * @param {string[]} known labels
 */
export async function questionCard(known) {
  const { questions } = await get("/questions");
  const element = h("section.card.question", { "aria-label": t("question.title"), hidden: questions.length === 0 });
  let place = 0;
  let answered = 0;

  const next = () => {
    place += 1;
    draw();
    element.querySelector("h2").focus();
  };

  const answer = async (label) => {
    const named = await attempt(() => post("/queue/name", { pictures: [questions[place].id], label }));
    if (!named) return;
    answered += 1;
    notice(t("select.done", { count: named.count, label }));
    count();
    next();
  };

  function draw() {
    if (place >= questions.length) {
      fill(element, h("h2", { tabindex: -1 }, t("question.over")), h("p", {}, t("question.answered", { count: answered })), answered > 0 && linkButton(t("question.teach"), way("teach"), { symbol: "teach", kind: "primary tall wide" }));
      return;
    }
    const { id, reason, labels } = questions[place];
    const [a, b] = labels;
    const why = reason === "border" && b ? t("question.border", { a, b }) : t("question.far", { a });
    const skip = button(t("question.skip"), { onpress: next });
    fill(
      element,
      h("div.over-tiles", {}, h("h2", { tabindex: -1 }, t("question.title")), h("span.quiet", {}, t("question.place", { place: place + 1, of: questions.length }))),
      h(
        "div.ask",
        {},
        h("img", { src: pictureAddress(id), alt: t("question.picture") }),
        h("div", {}, h("p.why", {}, icon(reason === "border" ? "merge" : "unknown"), h("span", {}, why)), classPicker({ first: labels, known, words: t("correct.other"), yes: t("question.yes"), pick: answer }, [skip])),
      ),
    );
  }

  if (questions.length) draw();
  return element;
}
