// The cameras of the box: which there are, one added, one removed.

import { erase, get, post } from "./api.js";
import { confirm } from "./dialog.js";
import { button, fill, freshId, h, iconButton } from "./dom.js";
import { icon } from "./icons.js";
import { headOf } from "./more.js";
import { attempt, notice } from "./notice.js";
import { way } from "./route.js";
import { t } from "./strings.js";

export async function cameras() {
  const list = h("ul.entries", { "aria-label": t("cameras.title") });
  const name = field("cameras.name", { maxlength: 40, autocapitalize: "off" });
  const address = field("cameras.address", { maxlength: 4000, autocapitalize: "off", inputmode: "url" });

  function draw({ cameras: found }) {
    fill(list, found.length ? found.map(entry) : h("li", {}, h("div.entry", {}, icon("camera"), h("div.words", {}, h("p", {}, t("cameras.none"))))));
  }

  function entry({ name: camera, source, camera: stats, regions }) {
    const state = stats.connected ? t("cameras.connected", { count: regions.length }) : (stats.error ?? t("live.starting"));
    return h(
      `li.${stats.connected ? "well" : "ill"}`,
      {},
      h("div.entry", {}, icon(stats.connected ? "check" : "warn"), h("div.words", {}, h("p", {}, camera), h("small", {}, source), h("small", {}, state)), h("a.button", { href: way("regions", { camera }), "aria-label": t("cameras.regions_of", { camera }) }, t("regions.title")), iconButton(t("cameras.remove_this", { camera }), "trash", { kind: "plain", onpress: () => remove(camera) })),
    );
  }

  async function remove(camera) {
    const done = await confirm({
      title: t("cameras.remove_title", { camera }),
      words: t("cameras.remove_words"),
      yes: t("cameras.remove"),
      kind: "danger sure",
      act: () => erase("/cameras", { name: camera }),
    });
    if (done) draw(done);
  }

  const form = h(
    "form.card",
    {
      onsubmit: async (event) => {
        event.preventDefault();
        const camera = name.input.value.trim();
        if (!camera || !address.input.value.trim()) return (camera ? address : name).input.focus();
        const found = await attempt(() => post("/cameras", { name: camera, address: address.input.value.trim() }));
        if (!found) return undefined;
        // It may hold a password.
        address.input.value = "";
        name.input.value = "";
        draw(found);
        return notice(t("cameras.added", { camera }));
      },
    },
    h("h2", {}, t("cameras.add")),
    h("p.quiet", {}, t("cameras.add_about")),
    name.element,
    address.element,
    button(t("cameras.add"), { symbol: "camera", kind: "primary tall wide", type: "submit" }),
  );
  draw(await get("/cameras"));
  const watch = setInterval(async () => {
    const found = await get("/cameras").catch(() => null);
    if (found) draw(found);
  }, 5000);
  return { title: t("cameras.title"), element: h("div.stack", {}, headOf("cameras"), list, form), leave: () => clearInterval(watch) };
}

function field(words, props) {
  const id = freshId("field");
  const input = h("input", { id, type: "text", autocomplete: "off", spellcheck: "false", ...props });
  return { input, element: h("div.field", {}, h("label", { for: id }, t(words)), input) };
}
