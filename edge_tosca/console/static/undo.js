// A button that undoes the last change, if it can be undone.

import { get, post } from "./api.js";
import { confirm } from "./dialog.js";
import { button } from "./dom.js";
import { notice } from "./notice.js";
import { go } from "./route.js";
import { t } from "./strings.js";

/** What a change did, in words. */
export function changeWords({ command, classes, before }) {
  return t(`change.${command}`, { labels: classes.join(", "), before: before ?? "" });
}

/** The change that one undo reverts; null if there is none. */
export function undoable({ generations, undo }) {
  if (undo === null) return null;
  let number = generations[0]?.number;
  const of = new Map(generations.map((one) => [one.number, one]));
  while (of.get(number)?.command === "rollback") number = of.get(number).parent;
  return of.get(number) ?? null;
}

/** The button, or null if there is nothing to undo. */
export async function undoButton(back) {
  const history = await get("/history");
  const change = undoable(history);
  // A forgotten class is erased: an undo could not restore it.
  if (!change || change.command === "forget") return null;
  return button(t("undo.last"), {
    symbol: "undo",
    onpress: async () => {
      const done = await confirm({
        title: t("undo.title"),
        words: `${changeWords(change)}. ${t("undo.words")}`,
        yes: t("undo.yes"),
        act: () => post("/rollback", { generation: null }),
      });
      if (!done) return;
      notice(t("undo.done"));
      go(back);
    },
  });
}
