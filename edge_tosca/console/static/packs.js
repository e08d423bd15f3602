// Class packs: import and export of taught classes.

import { fetchFile, get, send } from "./api.js";
import { button, h } from "./dom.js";
import { fileButton } from "./files.js";
import { headOf } from "./more.js";
import { attempt, notice } from "./notice.js";
import { t } from "./strings.js";

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
    h("section.card", {}, h("h2", {}, t("packs.in")), h("p.quiet", {}, t("packs.in_about")), fileButton(t("packs.choose"), ([file]) => attempt(() => read(file)))),
    known.length > 0 &&
      h("section.card", {}, h("h2", {}, t("packs.out")), h("p.quiet", {}, t("packs.out_about")), h("div.stack", {}, boxes.map((box) => h("label.switch", {}, box, h("span", {}, box.value)))), take),
  );
  return { title: t("packs.title"), element };
}

async function read(file) {
  const { warnings } = await send("/packs/import", file);
  notice(warnings.length > 0 ? t("packs.alike") : t("packs.done"));
}

async function save(labels) {
  const { name, data } = await fetchFile("/packs/export", { labels });
  const link = h("a", { href: URL.createObjectURL(data), download: name });
  link.click();
  URL.revokeObjectURL(link.href);
}
