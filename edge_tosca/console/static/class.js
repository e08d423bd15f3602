// One class: its facts, more pictures, another name, joined with another, forgotten.

import { get, post } from "./api.js";
import { confirm, openDialog } from "./dialog.js";
import { button, h, linkButton } from "./dom.js";
import { face } from "./face.js";
import { icon } from "./icons.js";
import { nameField } from "./name_field.js";
import { notice } from "./notice.js";
import { go, way } from "./route.js";
import { moment, percent, t } from "./strings.js";

export async function oneClass({ label }) {
  const { classes: known } = await get("/classes");
  const one = known.find((other) => other.label === label);
  if (!one) {
    const element = h("div.empty", {}, h("h1", {}, label ?? ""), h("p", {}, t("class.gone")), linkButton(t("place.classes"), way("classes")));
    return { title: label ?? "", element };
  }
  const others = known.map((other) => other.label).filter((other) => other !== label);
  const facts = h(
    "dl.facts",
    {},
    fact("class.images", one.images),
    fact("class.accuracy", percent(one.outcomes?.named_right ?? one.accuracy)),
    one.outcomes && fact("class.others", t("report.others", { wrong: percent(one.outcomes.named_wrong), unknown: percent(one.outcomes.unknown) })),
    fact("class.learned", moment(one.learned_at)),
    fact("class.lessons", one.tasks.join(", ")),
  );
  const acts = h(
    "div.stack",
    {},
    linkButton(t("class.more"), way("capture", { label }), { symbol: "camera", kind: "primary tall" }),
    button(t("class.rename"), { symbol: "edit", kind: "tall", onpress: () => rename(label, others) }),
    others.length > 0 && button(t("class.merge"), { symbol: "merge", kind: "tall", onpress: () => merge(label, others) }),
    button(t("class.forget"), { symbol: "trash", kind: "danger tall", onpress: () => forget(label) }),
  );
  const head = h("div.head", {}, h("a.button.icon-only.plain", { href: way("classes"), "aria-label": t("back") }, icon("back")), h("h1", {}, label));
  return { title: label, element: h("div", {}, head, h("div.portrait", {}, h("div.stack", {}, face(one), facts), acts)) };
}

function fact(words, value) {
  return [h("dt", {}, t(words)), h("dd", {}, String(value))];
}

async function rename(label, others) {
  const renamed = await openDialog(t("class.rename_title", { label }), (close, attempt) => {
    const { element, input, read } = nameField(t("class.new_name"), [], label);
    queueMicrotask(() => input.select());
    const form = h(
      "form",
      {
        onsubmit: async (event) => {
          event.preventDefault();
          const name = read();
          if (!name || form.hasAttribute("aria-busy")) return;
          if (name === label) return close();
          form.setAttribute("aria-busy", "true");
          if (others.includes(name)) await attempt(async () => close((await joined(label, name)) && name));
          else await attempt(async () => close((await post("/classes/rename", { label, new: name, merge: false })) && name));
          form.removeAttribute("aria-busy");
        },
      },
      element,
      h("div.row", {}, button(t("class.rename_yes"), { kind: "primary", type: "submit" }), button(t("cancel"), { onpress: () => close() })),
    );
    return [form];
  });
  if (!renamed) return;
  notice(t("class.renamed", { label: renamed }));
  go("class", { label: renamed }, { replace: true });
}

async function merge(label, others) {
  const into = await openDialog(t("class.merge_title", { label }), (close) => [
    h("p", {}, t("class.merge_pick")),
    h("div.choices", {}, others.map((other) => button(other, { kind: "tall", onpress: () => close(other) }))),
    button(t("cancel"), { onpress: () => close() }),
  ]);
  if (!into || !(await joined(label, into))) return;
  notice(t("class.merged", { label: into }));
  go("class", { label: into }, { replace: true });
}

function joined(label, into) {
  return confirm({
    title: t("class.merge_sure", { label, into }),
    words: t("class.merge_words", { label, into }),
    yes: t("class.merge_yes"),
    act: () => post("/classes/rename", { label, new: into, merge: true }),
  });
}

async function forget(label) {
  const done = await confirm({
    title: t("class.forget_title", { label }),
    words: t("class.forget_words"),
    yes: t("class.forget_yes"),
    kind: "danger sure",
    act: () => post("/classes/forget", { label }),
  });
  if (!done) return;
  notice(t("class.forgotten", { label }));
  go("classes", {}, { replace: true });
}
