// The size of the store, and what it contains.

import { get } from "./api.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { headOf } from "./more.js";
import { bytes, number, t } from "./strings.js";

const AMOUNTS = ["bytes", "free", "log"];
const COUNTS = ["classes", "tasks", "images", "generations"];

export async function storage() {
  const { stats, check } = await get("/store");
  const facts = [
    ...AMOUNTS.filter((name) => name in stats).map((name) => fact(name, bytes(stats[name]))),
    ...COUNTS.filter((name) => name in stats).map((name) => fact(name, number(stats[name]))),
  ];
  const element = h("div", {}, headOf("storage"), check && judged(check), h("section.card", {}, h("dl.facts", {}, facts)));
  return { title: t("storage.title"), element };
}

function fact(name, value) {
  return [h("dt", {}, t(`storage.${name}`)), h("dd", {}, value)];
}

function judged({ ok, text }) {
  return h(`section.verdict.${ok ? "accept" : "reject"}`, {}, icon(ok ? "check" : "stop"), h("h2", {}, t(ok ? "storage.sound" : "storage.unsound")), !ok && h("p", {}, text));
}
