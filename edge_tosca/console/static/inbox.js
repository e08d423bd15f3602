// Unknown pictures in groups that look alike: a group gets a name and waits to be taught.

import { erase, get, pictureAddress, post } from "./api.js";
import { confirm } from "./dialog.js";
import { button, h } from "./dom.js";
import { classPicker } from "./class_picker.js";
import { icon } from "./icons.js";
import { keptLine } from "./kept.js";
import { attempt, notice } from "./notice.js";
import { questionCard } from "./questions.js";
import { go, way } from "./route.js";
import { Selection } from "./selection.js";
import { moment, t } from "./strings.js";

const IN_PILE = 3;

export async function inbox() {
  const [{ groups, kept }, { classes }] = await Promise.all([get("/inbox"), get("/classes")]);
  const asked = await questionCard(classes.map((one) => one.label));
  const head = h("div.head", {}, h("h1", {}, t("inbox.title")));
  const body = groups.length
    ? [h("p.quiet", {}, t("inbox.about", { count: groups.reduce((sum, group) => sum + group.count, 0) })), h("ul.cards", {}, groups.map(pile))]
    : h("div.empty", {}, icon("unknown"), h("p", {}, t("inbox.none")));
  return { title: t("inbox.title"), element: h("div.inbox", {}, head, asked, body, keptLine(kept)) };
}

function pile({ id, count, pictures, nearest, camera, region }) {
  return h(
    "li",
    {},
    h(
      "a",
      { href: way("group", { id }) },
      h("div.pile", {}, pictures.slice(0, IN_PILE).reverse().map((one) => h("img", { src: pictureAddress(one.id), alt: "" }))),
      h("div.about", {}, h("p.name", {}, t("inbox.seen", { count, kept: pictures.length })), region && h("p", {}, t("inbox.region", { camera, region })), nearest && h("p", {}, t("inbox.nearest", { label: nearest })), h("p", {}, moment(Math.max(...pictures.map((one) => one.at))))),
    ),
  );
}

export async function oneGroup({ id }) {
  const [{ groups }, known] = await Promise.all([get("/inbox"), get("/classes")]);
  const group = groups.find((one) => one.id === id);
  if (!group) return gone();
  const labels = known.classes.map((one) => one.label);
  const pick = async (label) => {
    const moved = await attempt(() => post("/inbox/move", { group: id, label }));
    if (moved) go("review", { label }, { replace: true });
  };
  const look = { symbol: "teach", kind: "primary tall wide" };
  const form = h("section.card", {}, classPicker({ first: group.nearest ? [group.nearest] : [], known: labels, words: t("inbox.name"), yes: t("inbox.move"), pick, look }));
  const selection = new Selection({
    first: () => (group.nearest ? [group.nearest] : []),
    onNamed: () => (group.pictures.every((one) => selection.named.has(one.id)) ? go("inbox", {}, { replace: true }) : go("group", { id }, { replace: true })),
  });
  const drop = button(t("inbox.drop"), {
    symbol: "trash",
    kind: "wide",
    onpress: async () => {
      const done = await confirm({
        title: t("inbox.drop_title"),
        words: t("inbox.drop_words", { count: group.count }),
        yes: t("inbox.drop"),
        kind: "danger sure",
        act: () => erase("/inbox", { group: id }),
      });
      if (!done) return;
      notice(t("inbox.dropped"));
      go("inbox", {}, { replace: true });
    },
  });
  const head = h(
    "div.head",
    {},
    h("a.button.icon-only.plain", { href: way("inbox"), "aria-label": t("back") }, icon("back")),
    h("h1", {}, t("inbox.group")),
  );
  const tile = (one, place) => {
    const words = t("inbox.picture", { number: place + 1 });
    return h("li.tile", {}, h("div.picture", {}, h("img", { src: pictureAddress(one.id), alt: words }), selection.pick(one.id, words)));
  };
  const tiles = selection.over(h("ul.tiles", {}, group.pictures.map(tile)));
  const seen = t("inbox.seen", { count: group.count, kept: group.pictures.length });
  const element = h(
    "div",
    {},
    head,
    group.nearest && h("p.quiet", {}, t("inbox.nearest", { label: group.nearest })),
    h("div.beside-form", {}, form, h("div", {}, h("div.over-tiles", {}, h("h2", {}, seen), group.pictures.length > 1 && selection.toggle), tiles, selection.bar)),
    drop,
  );
  return { title: t("inbox.group"), element };
}

function gone() {
  const element = h("div.empty", {}, h("h1", {}, t("inbox.group")), h("p", {}, t("inbox.gone")), h("a.button", { href: way("inbox") }, t("inbox.title")));
  return { title: t("inbox.group"), element };
}
