// What the live view offers while nothing is taught: the way to the first lesson.

import { get } from "./api.js";
import { linkButton } from "./dom.js";
import { way } from "./route.js";
import { t } from "./strings.js";

/** Whether nothing is taught and this client may teach. */
export async function nothingTaught() {
  const [{ classes }, { role }] = await Promise.all([get("/classes"), get("/session")]);
  return { empty: classes.length === 0, mayTeach: role !== "view" };
}

/** The button that leads to the first lesson. */
export function firstLesson() {
  return linkButton(t("live.first"), way("teach", { first: "yes" }), { symbol: "teach", kind: "primary tall wide" });
}
