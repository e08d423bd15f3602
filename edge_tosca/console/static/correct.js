// "That was wrong": the picture of an answer joins the pictures of the right class.

import { get, pictureAddress, post } from "./api.js";
import { button, h } from "./dom.js";
import { openDialog } from "./dialog.js";
import { nameField } from "./name_field.js";
import { notice } from "./notice.js";
import { count } from "./places.js";
import { t } from "./strings.js";

const OFFERED = 4;

/** Ask what an answer should have been. */
export async function correct(message) {
  if (!message) return;
  const guessed = [...new Set((message.shown ?? message.answer).top.map((one) => one.label))];
  const { classes } = await get("/classes");
  const offered = [...new Set([...guessed, ...classes.map((one) => one.label)])].slice(0, OFFERED);
  const added = await openDialog(t("correct.title"), (close, attempt) => {
    const add = (label) => attempt(async () => close(await post("/answers/correct", { answer: message.id, label }))).then(() => {});
    const { element, read } = nameField(t("correct.other"), classes.map((one) => one.label));
    return [
      h("img.frozen", { src: pictureAddress(message.id), alt: t("correct.picture") }),
      h("div.choices", {}, offered.map((label) => button(label, { kind: "tall", onpress: () => add(label) }))),
      h(
        "form",
        {
          onsubmit: (event) => {
            event.preventDefault();
            const label = read();
            if (label) add(label);
          },
        },
        element,
        h("div.row", {}, button(t("correct.add"), { kind: "primary", type: "submit" }), button(t("cancel"), { onpress: () => close() })),
      ),
    ];
  });
  if (!added) return;
  if (added.accepted) notice(t("correct.done", { label: added.label, count: added.count }));
  else notice(t("correct.kept_already", { label: added.label }));
  count();
}
