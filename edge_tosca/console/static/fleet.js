// The fleet: who gets what is taught here, what this box refuses, and what the other boxes know.

import { get, put } from "./api.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { headOf } from "./more.js";
import { attempt, notice } from "./notice.js";
import { moment, t } from "./strings.js";

const EVERYBODY = "all";

export async function fleet() {
  const found = await get("/fleet");
  const element = h("div", {}, headOf("fleet"), found.member ? parts(found) : h("section.card", {}, h("p", {}, t("fleet.none")), h("p.quiet", { lang: "en" }, "edge-tosca fleet join")));
  return { title: t("fleet.title"), element };
}

function parts(found) {
  const since = found.erasures_since ? t("fleet.erasures", { date: moment(found.erasures_since) }) : t("fleet.erasures_never");
  return [
    h(
      "section.card",
      {},
      h("p", {}, t("fleet.this", { box: found.box, fleet: found.fleet, count: found.held })),
      h("p.quiet", {}, since),
      found.pinned && h("p.quiet", {}, t("fleet.pinned")),
      found.copies > 0 && h("p.quiet", {}, t("fleet.copies", { count: found.copies })),
      choice(found),
    ),
    found.refused.length > 0 && h("section.card", {}, h("h2", {}, t("fleet.refused")), h("ul.entries", {}, found.refused.map(refusedPack))),
    found.boxes.length > 0 && h("section.card", {}, h("h2", {}, t("fleet.boxes")), h("ul.entries", {}, found.boxes.map(otherBox))),
  ];
}

/** The one switch: what is taught here goes to everybody, to a group, or stays here. */
function choice({ share, may_share: groups }) {
  const words = (group) => (group === "" ? t("fleet.share_nobody") : group === EVERYBODY ? t("fleet.share_all") : t("fleet.share_group", { group }));
  const offered = [...new Set([EVERYBODY, ...groups.filter((one) => one !== EVERYBODY)])].filter((one) => groups.includes(one));
  const options = [...offered, ""].map((group) => h("option", { value: group }, words(group)));
  const set = async () => {
    if (await attempt(() => put("/fleet/share", { share: input.value }))) notice(t("fleet.share_set", { whom: words(input.value) }));
    else input.value = share;
  };
  const input = h("select", { id: "fleet-share", onchange: set }, options);
  input.value = share;
  return h("div.field", {}, h("label", { for: "fleet-share" }, t("fleet.share")), input);
}

// What the program says in English, in the language of the page.
const REASONS = { "rolled back on this box": "fleet.rolled_back", "forgotten on this box": "fleet.forgotten" };

function refusedPack({ pack, label, reason }) {
  const words = reason in REASONS ? h("small", {}, t(REASONS[reason])) : h("small", { lang: "en" }, reason);
  return h("li.entry.ill", {}, icon("warn"), h("div.words", {}, h("p", {}, label || pack.slice(0, 12)), words));
}

function otherBox({ box, online, ring, held, refused, missing, version, temperature }) {
  const well = online && refused.length === 0 && missing === 0;
  const state = [t(online ? "fleet.online" : "fleet.offline"), t("fleet.knows", { count: held })];
  if (missing > 0) state.push(t("fleet.missing", { count: missing }));
  if (ring > 0) state.push(t("fleet.ring", { ring }));
  const about = [version, temperature !== null && `${Math.round(temperature)} °C`].filter(Boolean).join(", ");
  return h(
    `li.entry.${well ? "well" : "ill"}`,
    {},
    icon(well ? "check" : "warn"),
    h("div.words", {}, h("p", {}, box), h("small", {}, state.join(", ")), about && h("small", {}, about), refused.map(({ reason }) => h("small", { lang: "en" }, reason))),
  );
}
