// The places that are needed less often.

import { get } from "./api.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { way } from "./route.js";
import { t } from "./strings.js";

const VIEWS = { regions: "live", cameras: "camera", tally: "chart", history: "history", storage: "storage", packs: "pack", fleet: "fleet", doctor: "doctor", invite: "phone", phones: "key", settings: "settings" };
const FOR_ALL = ["tally", "history", "settings"];

export async function more() {
  const [{ needed, role }, { roles }] = await Promise.all([get("/session"), get("/join")]);
  const offered = ([name]) => (name === "invite" && roles.length ? true : name === "phones" ? needed && role === "administer" : role === "administer" || FOR_ALL.includes(name));
  const entries = Object.entries(VIEWS).filter(offered).map(([name, symbol]) =>
    h("li", {}, h("a", { href: way(name) }, icon(symbol), h("div.words", {}, h("p", {}, t(`${name}.title`)), h("small", {}, t(`${name}.about`))), icon("forward"))),
  );
  return { title: t("place.more"), element: h("div", {}, h("div.head", {}, h("h1", {}, t("place.more"))), h("ul.entries", {}, entries)) };
}

/** The head of a view that "More" leads to. */
export function headOf(name, ...beside) {
  return h("div.head", {}, h("a.button.icon-only.plain", { href: way("more"), "aria-label": t("back") }, icon("back")), h("h1", {}, t(`${name}.title`)), beside);
}
