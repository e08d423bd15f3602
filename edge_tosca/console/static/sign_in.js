// The form for the token, if the box requires one.

import { post } from "./api.js";
import { button, fill, h } from "./dom.js";
import { t } from "./strings.js";
import { UserError } from "./user_error.js";

/** Ask for the token; `onSignedIn` is called after it was accepted. */
export function signIn(onSignedIn) {
  const fault = h("p.fault-line", { role: "alert" });
  const token = h("input", { type: "password", id: "token", autocomplete: "current-password", required: true });
  const form = h(
    "form.sign-in",
    {
      onsubmit: async (event) => {
        event.preventDefault();
        if (form.hasAttribute("aria-busy")) return;
        form.setAttribute("aria-busy", "true");
        try {
          await post("/session", { token: token.value.trim() });
          await onSignedIn();
        } catch (error) {
          if (!(error instanceof UserError)) throw error;
          fill(fault, error.status === 401 ? t("token.wrong") : error.message);
          token.select();
        } finally {
          form.removeAttribute("aria-busy");
        }
      },
    },
    h("h1", {}, t("token.title")),
    h("p.quiet", {}, t("token.where")),
    h("div", {}, h("label", { for: "token" }, t("token.label")), token, fault),
    button(t("token.send"), { symbol: "key", kind: "primary tall", type: "submit" }),
  );
  return { title: t("token.title"), element: form };
}
