// The pictures that wait to be taught, and the form that names a new class.

import { get, pictureAddress } from "./api.js";
import { chips } from "./class_picker.js";
import { button, h, linkButton } from "./dom.js";
import { addFiles, fileButton, takeDrops } from "./files.js";
import { icon } from "./icons.js";
import { nameField } from "./name_field.js";
import { keptLine } from "./kept.js";
import { NONE, shown } from "./none.js";
import { attempt, notice } from "./notice.js";
import { go, way } from "./route.js";
import { hasCamera } from "./source.js";
import { startLesson } from "./start_lesson.js";
import { t } from "./strings.js";

const STRIP = 12;

export async function teach({ first }) {
  const [queue, known] = await Promise.all([get("/queue"), get("/classes")]);
  const labels = known.classes.map((one) => one.label);
  const { element, input, read } = nameField(t("teach.name"), labels);
  const camera = await hasCamera();
  const files = fileButton(t("teach.files"), (chosen) => teachFiles(read(), chosen), {
    kind: camera || queue.pictures ? "tall wide" : "primary tall wide",
    ready: () => Boolean(read()),
  });
  // Files may be dropped before they have a name.
  let dropped = [];
  const drop = (chosen) => {
    if (input.value.trim()) return teachFiles(read(), chosen);
    dropped = chosen;
    notice(t("teach.dropped", { count: chosen.length }));
    input.focus();
  };
  if (first) requestAnimationFrame(() => input.focus());
  const naming = h(
    "form.card.naming",
    {
      onsubmit: (event) => {
        event.preventDefault();
        const label = read();
        if (label && dropped.length) return teachFiles(label, dropped);
        if (label) go("capture", { label });
      },
    },
    labels.length > 0 && h("div.known-first", {}, h("p.label-of", {}, t("teach.more_of_known")), chips(labels, (label) => go("capture", { label }))),
    element,
    button(t("teach.show"), { symbol: "camera", kind: `${queue.pictures || !camera ? "" : "primary "}tall wide`.trim(), type: "submit" }),
    files,
  );
  const nothing = h(
    "section.card.naming",
    { "aria-label": t("none.name") },
    h("p.quiet", {}, t("none.words")),
    linkButton(t("none.show"), way("capture", { label: NONE }), { symbol: "unknown", kind: "tall wide" }),
  );
  const children = [h("div.head", {}, h("h1", {}, t("place.teach"))), naming];
  if (queue.classes.length) {
    children.push(h("h2", {}, t("teach.waiting")), h("div.waiting-list", {}, queue.classes.map(waiting)), keptLine(queue.kept), nothing, foot(queue, known));
  } else {
    children.push(h("h2", {}, t("teach.how")), h("ol.steps", {}, ["name", "show", "press"].map((step) => h("li", {}, t(`teach.step.${step}`)))), nothing);
  }
  const view = h("div", {}, children);
  return { title: t("place.teach"), element: view, leave: takeDrops(view, drop) };
}

async function teachFiles(label, files) {
  await attempt(() => addFiles(label, files, () => {}));
  go("review", { label });
}

function waiting({ label, known, pictures, hints }) {
  return h(
    "section.card.waiting",
    { "aria-label": shown(label) },
    h("h3.title", {}, h("span", {}, shown(label)), h("small", {}, t("pictures", { count: pictures.length }), known && ` · ${t("teach.known")}`)),
    h("div.strip", {}, pictures.slice(-STRIP).map((one) => h("img", { src: pictureAddress(one.id), alt: "" }))),
    hints.map((hint) => h("p.hint-line", {}, icon("warn"), t(`hint.class.${hint}`))),
    h(
      "div.pair-of",
      {},
      linkButton(t("teach.review"), way("review", { label }), { symbol: "pictures", "aria-label": t("teach.review_of", { label: shown(label) }) }),
      linkButton(t("teach.more"), way("capture", { label }), { symbol: "camera", "aria-label": t("teach.more_of", { label: shown(label) }) }),
    ),
  );
}

function foot(queue, known) {
  // Pictures of none of the classes are a lesson of their own, after the classes.
  const classes = queue.classes.filter((one) => one.label !== NONE);
  const next = classes.length ? classes : queue.classes;
  const count = next.length;
  const alone = count === 1 && known.classes.length === 0 && next[0].label !== NONE;
  return h(
    "div.foot",
    {},
    alone && h("p.quiet", {}, t("teach.alone")),
    button(count === 1 ? t("teach.press_one", { label: shown(next[0].label) }) : t("teach.press", { count }), {
      symbol: "teach",
      kind: "primary tall wide",
      onpress: () => startLesson({ labels: next.map((one) => one.label) }),
    }),
  );
}
