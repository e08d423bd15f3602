// The findings of the doctor, and what to do about them.

import { get } from "./api.js";
import { button, h } from "./dom.js";
import { icon } from "./icons.js";
import { headOf } from "./more.js";
import { go } from "./route.js";
import { t } from "./strings.js";

export async function doctor() {
  const { findings } = await get("/doctor");
  const failed = findings.filter((one) => !one.ok).length;
  const again = button(t("doctor.again"), { symbol: "doctor", onpress: () => go("doctor") });
  const rank = (one) => (!one.ok ? 0 : one.measured ? 1 : 2);
  const sorted = [...findings].sort((a, b) => rank(a) - rank(b));
  const element = h(
    "div",
    {},
    headOf("doctor", again),
    h("p", {}, failed ? t("doctor.ill", { count: failed }) : t("doctor.well")),
    h("ul.entries", { lang: "en" }, sorted.map(finding)),
  );
  return { title: t("doctor.title"), element };
}

function finding({ what, ok, measured, detail, remedy }) {
  const [kind, symbol, words] = !ok ? ["ill", "warn", "doctor.look"] : measured ? ["well", "check", "doctor.fine"] : ["neither", "none", "doctor.not_measured"];
  return h(
    `li.entry.${kind}`,
    {},
    icon(symbol),
    h("div.words", {}, h("p", {}, h("span.aside-only", {}, t(words)), what), h("small", {}, detail), remedy && h("small", {}, remedy)),
  );
}
