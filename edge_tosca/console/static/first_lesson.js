// What the live view offers while nothing is taught: the way to the first lesson.

import { get } from "./api.js";
import { linkButton } from "./dom.js";
import { way } from "./route.js";
import { t } from "./strings.js";
import { UserError } from "./user_error.js";

/** Whether nothing is taught and this client may teach. A store that cannot be read is no reason to show nothing. */
export async function nothingTaught() {
  try {
    const [{ classes }, { role }] = await Promise.all([get("/classes"), get("/session")]);
    return { empty: classes.length === 0, mayTeach: role !== "view" };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { empty: false, mayTeach: false };
  }
}

/** The button that leads to the first lesson. */
export function firstLesson() {
  return linkButton(t("live.first"), way("teach", { first: "yes" }), { symbol: "teach", kind: "primary tall wide" });
}
