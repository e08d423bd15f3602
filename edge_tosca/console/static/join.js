// A phone that read the QR code of a box: its address holds a one-time code, which is exchanged for a session.

import { post } from "./api.js";
import { complain } from "./notice.js";
import { here, way } from "./route.js";
import { t } from "./strings.js";
import { UserError } from "./user_error.js";

/** Use the code of the address up, if there is one. It leaves the address first, and thereby the history. */
export async function joinByCode() {
  const { name, query } = here();
  if (name !== "join") return;
  history.replaceState(null, "", way("live"));
  if (!query.code) return;
  try {
    await post("/session/join", { code: query.code });
  } catch (error) {
    complain(error.status === 401 ? new UserError(t("invite.used")) : error);
  }
}
