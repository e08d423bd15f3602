// The pictures that wait to be taught, and the form that names a new class.

import { get, pictureAddress } from "./api.js";
import { button, h, linkButton } from "./dom.js";
import { icon } from "./icons.js";
import { nameField } from "./name_field.js";
import { go, way } from "./route.js";
import { startLesson } from "./start_lesson.js";
import { t } from "./strings.js";

const STRIP = 12;

export async function teach() {
  const [queue, known] = await Promise.all([get("/queue"), get("/classes")]);
  const { element, read } = nameField(t("teach.name"), known.classes.map((one) => one.label));
  const naming = h(
    "form.card.naming",
    {
      onsubmit: (event) => {
        event.preventDefault();
        const label = read();
        if (label) go("capture", { label });
      },
    },
    element,
    button(t("teach.show"), { symbol: "camera", kind: `${queue.pictures ? "" : "primary "}tall wide`.trim(), type: "submit" }),
  );
  const children = [h("div.head", {}, h("h1", {}, t("place.teach"))), naming];
  if (queue.classes.length) {
    children.push(h("h2", {}, t("teach.waiting")), ...queue.classes.map(waiting), foot(queue, known));
  } else {
    children.push(h("h2", {}, t("teach.how")), h("ol.steps", {}, ["name", "show", "press"].map((step) => h("li", {}, t(`teach.step.${step}`)))));
  }
  return { title: t("place.teach"), element: h("div", {}, children) };
}

function waiting({ label, known, pictures, hints }) {
  return h(
    "section.card.waiting",
    { "aria-label": label },
    h("h3.title", {}, h("span", {}, label), h("small", {}, t("pictures", { count: pictures.length }), known && ` · ${t("teach.known")}`)),
    h("div.strip", {}, pictures.slice(-STRIP).map((one) => h("img", { src: pictureAddress(one.id), alt: "" }))),
    hints.map((hint) => h("p.hint-line", {}, icon("warn"), t(`hint.class.${hint}`))),
    h(
      "div.pair-of",
      {},
      linkButton(t("teach.review"), way("review", { label }), { symbol: "pictures", "aria-label": t("teach.review_of", { label }) }),
      linkButton(t("teach.more"), way("capture", { label }), { symbol: "camera", "aria-label": t("teach.more_of", { label }) }),
    ),
  );
}

function foot(queue, known) {
  const count = queue.classes.length;
  const alone = count === 1 && known.classes.length === 0;
  return h(
    "div.foot",
    {},
    alone && h("p.quiet", {}, t("teach.alone")),
    button(count === 1 ? t("teach.press_one", { label: queue.classes[0].label }) : t("teach.press", { count }), {
      symbol: "teach",
      kind: "primary tall wide",
      onpress: () => startLesson({}),
    }),
  );
}
