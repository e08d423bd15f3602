// The signed-in phones; the administrator can sign one out.

import { erase, get } from "./api.js";
import { confirm } from "./dialog.js";
import { button, h, linkButton } from "./dom.js";
import { icon } from "./icons.js";
import { headOf } from "./more.js";
import { notice } from "./notice.js";
import { go, way } from "./route.js";
import { moment, t } from "./strings.js";

const BROWSERS = { Edg: "Edge", OPR: "Opera", SamsungBrowser: "Samsung Internet", CriOS: "Chrome" };
const LONGEST = 40;

export async function phones() {
  const { sessions } = await get("/sessions");
  const body = sessions.length ? h("ul.entries", {}, sessions.map(entry)) : h("p.quiet", {}, t("phones.none"));
  return { title: t("phones.title"), element: h("div", {}, headOf("phones"), linkButton(t("invite.title"), way("invite"), { symbol: "phone", kind: "primary tall wide connect" }), body) };
}

function entry(one) {
  const words = h(
    "div.words",
    {},
    h("p", {}, `${one.name} (${t(`phones.${one.role}`)})`),
    h("small", {}, t("phones.seen", { moment: moment(one.seen), client: one.client })),
    h("small", { title: one.agent }, program(one.agent)),
  );
  const end = one.own
    ? h("strong", {}, t("phones.own"))
    : button(t("phones.revoke"), { "aria-label": t("phones.revoke_this", { name: one.name, client: one.client }), onpress: () => revoke(one) });
  return h("li.entry.phone", {}, icon("key"), words, end);
}

/** Browser and system from a browser's description of itself, which names its ancestors, too. */
function program(agent) {
  const browser = ["Firefox", "Edg", "OPR", "SamsungBrowser", "Chrome", "CriOS", "Safari"].find((name) => agent.includes(name));
  const system = ["iPhone", "iPad", "Android", "Windows", "Mac OS", "CrOS", "Linux"].find((name) => agent.includes(name));
  return [BROWSERS[browser] ?? browser, system].filter(Boolean).join(", ") || agent.slice(0, LONGEST);
}

async function revoke(one) {
  const done = await confirm({
    title: t("phones.sure", { name: one.name }),
    words: t("phones.words"),
    yes: t("phones.revoke"),
    act: () => erase("/sessions", { id: one.id }),
  });
  if (!done) return;
  notice(t("phones.revoked"));
  go("phones");
}
