// Class packs: import and export of taught classes.

import { fetchFile, get, post, send } from "./api.js";
import { confirm } from "./dialog.js";
import { button, h } from "./dom.js";
import { fileButton } from "./files.js";
import { headOf } from "./more.js";
import { attempt, notice } from "./notice.js";
import { t } from "./strings.js";

const MOST_NAMES = 8;

export async function packs() {
  const { classes: known } = await get("/classes");
  const boxes = known.map(({ label }) => h("input", { type: "checkbox", role: "switch", checked: true, value: label }));
  const take = button(t("packs.save"), {
    symbol: "pack",
    kind: "primary",
    onpress: () => attempt(() => save(boxes.filter((box) => box.checked).map((box) => box.value))),
  });
  const element = h(
    "div",
    {},
    headOf("packs"),
    h("section.card", {}, h("h2", {}, t("packs.in")), h("p.quiet", {}, t("packs.in_about")), fileButton(t("packs.choose"), ([file]) => attempt(() => read(file)), { many: false, accept: ".pack,application/octet-stream" })),
    known.length > 0 &&
      h("section.card", {}, h("h2", {}, t("packs.out")), h("p.quiet", {}, t("packs.out_about")), h("div.stack", {}, boxes.map((box) => h("label.switch", {}, box, h("span", {}, box.value)))), take),
  );
  return { title: t("packs.title"), element };
}

/** Read a pack; whatever stands against it is asked in a dialog. */
async function read(file) {
  const [found, { classes }] = await Promise.all([send("/packs/inspect", file), get("/classes")]);
  const labels = found.tasks.flatMap((task) => task.classes.map((one) => one.label));
  const known = new Set(classes.map((one) => one.label));
  const same = [...new Set(labels.filter((label) => known.has(label)))];
  const names = (all) => all.slice(0, MOST_NAMES).join(", ") + (all.length > MOST_NAMES ? " …" : "");
  if (!found.trusted) {
    const trusted = await confirm({
      title: t("packs.trust_title"),
      words: [t("packs.trust_words", { labels: names(labels), count: found.images }), h("span.fingerprint.block", {}, inFours(found.key))],
      yes: t("packs.trust_yes"),
      act: () => post("/packs/trust", { key: found.key }),
    });
    if (!trusted) return;
  }
  const take = (merge) => send("/packs/import", file, merge ? { merge } : {});
  const done = same.length
    ? await confirm({ title: t("packs.same_title"), words: t("packs.same_words", { labels: names(same) }), yes: t("packs.same_yes"), act: () => take(true) })
    : await take(false);
  if (done) notice(done.warnings.length > 0 ? t("packs.alike") : t("packs.done"));
}

/** A key in groups of four, which two people can compare. */
function inFours(key) {
  return key.match(/.{1,4}/g).join(" ");
}

async function save(labels) {
  const { name, data } = await fetchFile("/packs/export", { labels });
  const link = h("a", { href: URL.createObjectURL(data), download: name });
  link.click();
  URL.revokeObjectURL(link.href);
}
