// "That was wrong": the picture of an answer joins the pictures of the right class.

import { get, pictureAddress, post } from "./api.js";
import { classPicker } from "./class_picker.js";
import { button, h } from "./dom.js";
import { openDialog } from "./dialog.js";
import { notice } from "./notice.js";
import { count } from "./places.js";
import { t } from "./strings.js";

/**
 * Ask what an answer should have been.
 * @param {string} id of the answer
 * @param {{guesses: string[], unknown: boolean}} answer its labels, the most probable first
 * @returns {Promise<boolean>} whether a class was named
 */
export async function correct(id, { guesses, unknown }) {
  const { classes } = await get("/classes");
  const added = await openDialog(t("correct.title"), (close, attempt) => {
    const pick = (label) => attempt(async () => close(await post("/answers/correct", { answer: id, label })));
    // The first guess of a wrong answer is the wrong one.
    const first = unknown ? guesses : [...guesses.slice(1), guesses[0]];
    return [
      h("img.frozen", { src: pictureAddress(id), alt: t("correct.picture") }),
      classPicker({ first, known: classes.map((one) => one.label), words: t("correct.other"), yes: t("correct.add"), pick }, [button(t("cancel"), { onpress: () => close() })]),
    ];
  });
  if (!added) return false;
  sayAdded(added);
  return true;
}

/** Say that the one-press answer "right" was understood. */
export async function confirmAnswer(id) {
  sayAdded(await post("/answers/confirm", { answer: id }));
}

function sayAdded(added) {
  if (added.accepted) notice(t("correct.done", { label: added.label, count: added.count }));
  else notice(t("correct.kept_already", { label: added.label }));
  count();
}
