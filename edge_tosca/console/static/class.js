// One class: its facts, more pictures, another name, joined with another, forgotten.

import { get, pictureAddress, post, put } from "./api.js";
import { confirm, openDialog } from "./dialog.js";
import { button, h, linkButton } from "./dom.js";
import { face } from "./face.js";
import { icon } from "./icons.js";
import { nameField } from "./name_field.js";
import { attempt, notice } from "./notice.js";
import { go, way } from "./route.js";
import { moment, percent, t } from "./strings.js";

const SHARES = ["named_right", "named_wrong", "unknown"];

export async function oneClass({ label }) {
  const [{ classes: known }, { role = null }] = await Promise.all([get("/classes"), get("/session")]);
  const one = known.find((other) => other.label === label);
  if (!one) {
    const element = h("div.empty", {}, h("h1", {}, label ?? ""), h("p", {}, t("class.gone")), linkButton(t("place.classes"), way("classes")));
    return { title: label ?? "", element };
  }
  const others = known.map((other) => other.label).filter((other) => other !== label);
  const { outcomes } = one;
  const facts = h(
    "dl.facts",
    {},
    fact("class.images", one.images),
    outcomes ? SHARES.map((name) => share(outcomes, name)) : fact("class.named_right", percent(one.accuracy)),
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
  const [strict, severities] = await Promise.all([get("/strictness"), get("/severity")]);
  const settings = h("div.stack", {}, strictness(label, strict, role), severity(label, severities, role));
  const judged = outcomes && h("p.quiet", {}, t("class.judged", { count: outcomes.images }));
  const element = h(
    "div",
    {},
    head,
    h("div.portrait", {}, h("div.stack", {}, face(one), facts, judged), h("div.lessons", {}, h("h2", {}, t("class.lessons")), one.lessons.map(lesson)), h("div.stack", {}, settings, acts)),
  );
  return { title: label, element };
}

/** One outcome of left-out pictures, with the range that its number of pictures allows. */
function share({ interval, ...outcomes }, name) {
  const [low, high] = interval[name];
  return [h("dt", {}, t(`class.${name}`)), h("dd", {}, percent(outcomes[name]), h("small", {}, t("class.range", { low: percent(low), high: percent(high) })))];
}

function lesson({ task, images, learned_at: at, pictures }) {
  // Lessons without a name of their own are numbered by the box, which says nothing to a reader.
  const named = /^task \d+$/.test(task) ? null : task;
  return h(
    "section.lesson",
    {},
    h("p", {}, h("strong", {}, moment(at)), named && ` · ${named}`, ` · ${t("pictures", { count: images })}`),
    pictures.length ? h("div.strip", {}, pictures.map((key) => h("img", { src: pictureAddress(key), alt: "", loading: "lazy" }))) : h("p.quiet", {}, t("class.no_pictures")),
  );
}

/** How severe it is that this class is seen: events carry it; administrators change it. */
function severity(label, { classes }, role) {
  const options = Object.fromEntries(["info", "warning", "alarm"].map((name) => [name, t(`class.severity_${name}`)]));
  return choice("severity", label, options, classes[label] ?? "info", role, (value) => put("/severity", { label, severity: value }));
}

/** How much evidence a picture needs to be called this class; administrators change it. */
function strictness(label, dial, role) {
  const words = { "": t("class.strictness_all"), ...Object.fromEntries(Object.entries(dial.levels).map(([name, { strictness: value }]) => [String(value), t(`settings.strictness_${name}`)])) };
  const own = label in dial.classes ? String(dial.classes[label]) : "";
  const options = own in words ? words : { ...words, [own]: own };
  const set = (value) => put("/strictness", { label, value: value === "" ? null : Number(value) });
  return choice("strictness", label, options, own, role, set);
}

/** A setting of the class, which only administrators change. */
function choice(name, label, options, own, role, set) {
  const id = `class-${name}`;
  const changed = () => attempt(() => set(input.value)).then((done) => done && notice(t(`class.${name}_set`)));
  const input = h("select", { id, disabled: role !== null && role !== "administer", onchange: changed }, Object.entries(options).map(([value, sentence]) => h("option", { value }, sentence)));
  input.value = own;
  return h("div.field", {}, h("label", { for: id }, t(`class.${name}`, { label })), input);
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
