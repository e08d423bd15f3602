// Every change, the newest first; each earlier one can be restored.

import { get, post } from "./api.js";
import { confirm } from "./dialog.js";
import { button, h } from "./dom.js";
import { icon } from "./icons.js";
import { headOf } from "./more.js";
import { notice } from "./notice.js";
import { go } from "./route.js";
import { moment, t } from "./strings.js";
import { changeWords, undoButton } from "./undo.js";

const SYMBOLS = { learn: "teach", forget: "trash", rename: "edit", merge: "merge", rollback: "undo", import: "pack" };

export async function history() {
  const [{ generations, undone }, undo] = await Promise.all([get("/history"), undoButton("history")]);
  const body = generations.length ? h("ul.entries", {}, generations.map(entry)) : h("p.quiet", {}, t("history.none"));
  return { title: t("history.title"), element: h("div", {}, headOf("history", undo), body, ...takenBack(undone)) };
}

function takenBack(labels) {
  if (!labels.length) return [];
  const forgetting = (label) => h("li.entry", {}, icon("undo"), h("div.words", {}, h("p", {}, label)), button(t("class.forget"), { "aria-label": t("class.forget_title", { label }), onpress: () => forget(label) }));
  return [h("p.quiet", {}, t("history.undone")), h("ul.entries", {}, labels.map(forgetting))];
}

async function forget(label) {
  const done = await confirm({
    title: t("class.forget_title", { label }),
    words: t("class.forget_words"),
    yes: t("class.forget_yes"),
    kind: "danger sure",
    act: () => post("/classes/forget", { label }),
  });
  if (!done) return;
  notice(t("class.forgotten", { label }));
  go("history");
}

function entry(one) {
  return h(
    "li.entry",
    {},
    icon(SYMBOLS[one.command] ?? "history"),
    h("div.words", {}, h("p", {}, changeWords(one)), h("small", {}, moment(one.made_at))),
    one.live ? h("strong", {}, t("history.now")) : button(t("history.back_to"), { "aria-label": t("history.back_to_this", { change: changeWords(one) }), onpress: () => backTo(one) }),
  );
}

async function backTo(one) {
  const done = await confirm({
    title: t("history.sure"),
    words: `${changeWords(one)}, ${moment(one.made_at)}. ${t("history.words")}`,
    yes: t("history.back_to"),
    act: () => post("/rollback", { generation: one.number }),
  });
  if (!done) return;
  notice(t("undo.done"));
  go("history");
}
