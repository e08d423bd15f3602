// Unknown pictures in groups that look alike: a group gets a name and waits to be taught.

import { erase, get, pictureAddress, post } from "./api.js";
import { confirm } from "./dialog.js";
import { button, h } from "./dom.js";
import { icon } from "./icons.js";
import { nameField } from "./name_field.js";
import { attempt, notice } from "./notice.js";
import { go, way } from "./route.js";
import { moment, t } from "./strings.js";

const IN_PILE = 3;

export async function inbox() {
  const { groups } = await get("/inbox");
  const head = h("div.head", {}, h("h1", {}, t("inbox.title")));
  const body = groups.length
    ? [h("p.quiet", {}, t("inbox.about", { count: groups.reduce((sum, group) => sum + group.count, 0) })), h("ul.cards", {}, groups.map(pile))]
    : h("div.empty", {}, icon("unknown"), h("p", {}, t("inbox.none")));
  return { title: t("inbox.title"), element: h("div", {}, head, body) };
}

function pile({ id, count, pictures, nearest, camera, region }) {
  return h(
    "li",
    {},
    h(
      "a",
      { href: way("group", { id }) },
      h("div.pile", {}, pictures.slice(0, IN_PILE).reverse().map((one) => h("img", { src: pictureAddress(one.id), alt: "" }))),
      h("div.about", {}, h("p.name", {}, t("pictures", { count })), region && h("p", {}, t("inbox.region", { camera, region })), nearest && h("p", {}, t("inbox.nearest", { label: nearest })), h("p", {}, moment(Math.max(...pictures.map((one) => one.at))))),
    ),
  );
}

export async function oneGroup({ id }) {
  const [{ groups }, known] = await Promise.all([get("/inbox"), get("/classes")]);
  const group = groups.find((one) => one.id === id);
  if (!group) return gone();
  const { element, read } = nameField(t("inbox.name"), known.classes.map((one) => one.label));
  const press = button(t("inbox.move"), { symbol: "teach", kind: "primary tall wide", type: "submit" });
  const form = h(
    "form.card",
    {
      onsubmit: async (event) => {
        event.preventDefault();
        const label = read();
        if (!label || form.hasAttribute("aria-busy")) return;
        form.setAttribute("aria-busy", "true");
        const moved = await attempt(() => post("/inbox/move", { group: id, label }));
        form.removeAttribute("aria-busy");
        if (moved) go("review", { label }, { replace: true });
      },
    },
    element,
    press,
  );
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
  const tiles = h("ul.tiles", {}, group.pictures.map((one, place) => h("li.tile", {}, h("img", { src: pictureAddress(one.id), alt: t("inbox.picture", { number: place + 1 }) }))));
  return { title: t("inbox.group"), element: h("div", {}, head, group.nearest && h("p.quiet", {}, t("inbox.nearest", { label: group.nearest })), form, h("h2", {}, t("pictures", { count: group.count })), tiles, drop) };
}

function gone() {
  const element = h("div.empty", {}, h("h1", {}, t("inbox.group")), h("p", {}, t("inbox.gone")), h("a.button", { href: way("inbox") }, t("inbox.title")));
  return { title: t("inbox.group"), element };
}
