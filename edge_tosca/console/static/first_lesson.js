// What the live view offers while nothing is taught: the way to the first lesson.

import { get } from "./api.js";
import { h, linkButton } from "./dom.js";
import { way } from "./route.js";
import { t } from "./strings.js";
import { UserError } from "./user_error.js";

const OWN_SCREEN = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);

/** Whether nothing is taught and this client may teach. A store that cannot be read is no reason to show nothing. */
export async function nothingTaught() {
  try {
    const [{ classes }, { role }] = await Promise.all([get("/classes"), get("/session")]);
    const empty = classes.length === 0;
    return { empty, mayTeach: role !== "view", mayInvite: empty && OWN_SCREEN && (await reachable()) };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { empty: false, mayTeach: false, mayInvite: false };
  }
}

async function reachable() {
  const { addresses, roles } = await get("/join");
  return addresses.length > 0 && roles.length > 0;
}

/** The button that leads to the first lesson; on the box's own screen, the way to connect a phone, too. */
export function firstLesson({ mayInvite }) {
  return h(
    "div.stack",
    {},
    linkButton(t("live.first"), way("teach", { first: "yes" }), { symbol: "teach", kind: "primary tall wide" }),
    mayInvite && linkButton(t("invite.title"), way("invite"), { symbol: "phone", kind: "wide" }),
  );
}
