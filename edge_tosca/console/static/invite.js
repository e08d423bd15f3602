// Lets a phone join: a QR code for its camera, valid once and for five minutes.

import { get, post } from "./api.js";
import { button, fill, freshId, h } from "./dom.js";
import { headOf } from "./more.js";
import { attempt } from "./notice.js";
import { t } from "./strings.js";

export async function invite() {
  const { addresses, roles, fingerprint } = await get("/join");
  const title = t("invite.title");
  if (!addresses.length || !roles.length) {
    return { title, element: h("div", {}, headOf("invite"), h("p.quiet", {}, t("invite.unreachable"))) };
  }
  const code = h("div.invitation", { "aria-live": "polite" });
  let turn = 0;
  let timer = null;
  const role = select("invite.role", Object.fromEntries(roles.map((one) => [one, t(`invite.${one}`)])), roles.includes("teach") ? "teach" : roles[0]);
  const page = select("invite.address", Object.fromEntries(addresses.map((one) => [one, one])), addresses[0]);

  async function show() {
    const mine = ++turn;
    const shown = await attempt(() => post("/join", { role: role.input.value, address: page.input.value }));
    if (!shown || mine !== turn) return;
    fill(code, h("img", { src: shown.picture, alt: t("invite.picture") }), h("p.quiet", {}, t("invite.once", { minutes: shown.seconds / 60 })));
    clearTimeout(timer);
    timer = setTimeout(() => fill(code, h("p.quiet", {}, t("invite.over"))), shown.seconds * 1000);
  }

  role.input.addEventListener("change", show);
  page.input.addEventListener("change", show);
  await show();
  const element = h(
    "div",
    {},
    headOf("invite"),
    h(
      "section.card.invite",
      {},
      h("div", {}, h("p", {}, t("invite.words")), role.element, addresses.length > 1 && page.element, button(t("invite.again"), { symbol: "undo", onpress: show })),
      code,
    ),
    fingerprint && h("section.card", {}, h("h2", {}, t("invite.certificate")), h("p.quiet", {}, t("invite.certificate_words")), h("p.fingerprint", {}, fingerprint)),
  );
  return { title, element, leave: () => clearTimeout(timer) };
}

function select(words, options, value) {
  const id = freshId("choice");
  const input = h("select", { id }, Object.entries(options).map(([key, label]) => h("option", { value: key }, label)));
  input.value = value;
  return { input, element: h("div.field", {}, h("label", { for: id }, t(words)), input) };
}
