// What the box knows: a card for each class.

import { get, post } from "./api.js";
import { confirm } from "./dialog.js";
import { button, h, linkButton } from "./dom.js";
import { face } from "./face.js";
import { icon } from "./icons.js";
import { go, way } from "./route.js";
import { percent, t } from "./strings.js";
import { undoButton } from "./undo.js";

export async function classes() {
  const [{ classes: known, none }, undo] = await Promise.all([get("/classes"), undoButton("classes")]);
  const head = h("div.head", {}, h("h1", {}, t("place.classes")), undo);
  const body = known.length
    ? h("ul.cards", {}, known.map(card))
    : h("div.empty", {}, icon("classes"), h("p", {}, t("classes.none")), linkButton(t("classes.teach"), way("teach"), { symbol: "teach", kind: "primary" }));
  return { title: t("place.classes"), element: h("div", {}, head, h("div.stack", {}, body, none > 0 && noneCard(none))) };
}

function card(one) {
  return h(
    "li",
    {},
    h(
      "a",
      { href: way("class", { label: one.label }) },
      face(one),
      h("div.about", {}, h("p.name", {}, one.label), h("p", {}, t("pictures", { count: one.images })), one.accuracy !== null && h("p", {}, t("classes.right", { share: percent(one.outcomes?.named_right ?? one.accuracy) }))),
    ),
  );
}

function noneCard(count) {
  const sure = () =>
    confirm({ title: t("none.forget_title"), words: t("none.forget_words"), yes: t("none.forget"), kind: "danger sure", act: () => post("/none/forget", {}) });
  return h(
    "section.card",
    { "aria-label": t("none.name") },
    h("h2", {}, t("none.name")),
    h("p", {}, t("pictures", { count })),
    button(t("none.forget"), {
      symbol: "trash",
      kind: "danger tall",
      onpress: async () => {
        if (await sure()) go("classes", {}, { replace: true });
      },
    }),
  );
}
