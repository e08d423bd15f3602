// The pictures of one class that wait to be taught: bad ones are removed with one press.

import { erase, get, pictureAddress } from "./api.js";
import { confirm } from "./dialog.js";
import { button, fill, h, iconButton, linkButton } from "./dom.js";
import { icon } from "./icons.js";
import { shown } from "./none.js";
import { attempt } from "./notice.js";
import { count } from "./places.js";
import { go, way } from "./route.js";
import { Selection } from "./selection.js";
import { startLesson } from "./start_lesson.js";
import { t } from "./strings.js";

export async function review({ label }) {
  const queue = await get("/queue");
  const mine = queue.classes.find((one) => one.label === label);
  let pictures = mine?.pictures ?? [];
  const selection = new Selection({ onNamed: () => (pictures.every((one) => selection.named.has(one.id)) ? go("teach", {}, { replace: true }) : go("review", { label }, { replace: true })) });
  const tiles = selection.over(h("ul.tiles", { "aria-label": t("review.tiles", { label: shown(label) }) }));
  const total = h("p.quiet", { "aria-live": "polite" });
  const hints = h("div.stack", {}, (mine?.hints ?? []).map((hint) => h("p.hint-line", {}, icon("warn"), t(`hint.class.${hint}`))));
  const press = button(t("teach.press_one", { label: shown(label) }), {
    symbol: "teach",
    kind: "primary tall wide",
    onpress: () => startLesson({ labels: [label] }),
  });

  function draw() {
    total.textContent = pictures.length ? t("review.total", { count: pictures.length }) : t("review.none");
    press.disabled = pictures.length === 0;
    fill(tiles, pictures.map((one, place) => tile(one, place)));
  }

  function tile(one, place) {
    const remove = iconButton(t("review.remove", { number: place + 1 }), "remove", { kind: "plain of-one", onpress: () => take(one, place) });
    const words = t("review.picture", { number: place + 1, label: shown(label) });
    // The cross lies below the picture: what it shows decides whether it stays.
    return h(
      "li.tile",
      {},
      h("div.picture", {}, h("img", { src: pictureAddress(one.id), alt: words }), selection.pick(one.id, words)),
      h("div.under", {}, h("p.flag", { hidden: !one.hint }, one.hint && t(`hint.short.${one.hint}`)), remove),
    );
  }

  async function take(one, place) {
    const done = await attempt(() => erase("/queue/picture", { id: one.id }));
    if (done === undefined) return;
    pictures = pictures.filter((other) => other !== one);
    draw();
    const rest = tiles.querySelectorAll("button.of-one");
    (rest[Math.min(place, rest.length - 1)] ?? press).focus();
    count();
  }

  async function clear() {
    const done = await confirm({
      title: t("review.clear_title", { label: shown(label) }),
      words: t("review.clear_words", { count: pictures.length }),
      yes: t("review.clear_yes"),
      kind: "danger sure",
      act: () => erase("/queue", { label }),
    });
    if (done) go("teach", {}, { replace: true });
  }

  draw();
  const element = h(
    "div",
    {},
    h(
      "div.head",
      {},
      h("a.button.icon-only.plain", { href: way("teach"), "aria-label": t("back") }, icon("back")),
      h("h1", {}, shown(label)),
      iconButton(t("review.clear"), "trash", { kind: "plain", onpress: clear, disabled: pictures.length === 0 }),
    ),
    h("div.over-tiles", {}, total, selection.toggle),
    hints,
    tiles,
    selection.bar,
    h("div.pair-of", {}, linkButton(t("teach.more"), way("capture", { label }), { symbol: "camera" }), linkButton(t("review.another"), way("teach"), { symbol: "teach" })),
    h("div.foot", {}, queue.classes.length > 1 ? all(queue) : press),
  );
  return { title: t("review.title", { label: shown(label) }), element };
}

function all(queue) {
  const { length } = queue.classes;
  return button(t("teach.press", { count: length }), { symbol: "teach", kind: "primary tall wide", onpress: () => startLesson({}) });
}
