// One press takes the last change back, where it can be.

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

/** The change that one undo takes back; null where there is none. */
export function undoable({ generations, undo }) {
  if (undo === null) return null;
  let number = generations[0]?.number;
  const of = new Map(generations.map((one) => [one.number, one]));
  while (of.get(number)?.command === "rollback") number = of.get(number).parent;
  return of.get(number) ?? null;
}

/** The button, or null where there is nothing to undo. */
export async function undoButton(back) {
  const history = await get("/history");
  const change = undoable(history);
  // What was forgotten is erased: there is nothing that an undo could bring back.
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
