// Language, camera, the way of holding, and whether pictures are kept.

import { erase, get, put } from "./api.js";
import { confirm } from "./dialog.js";
import { button, h } from "./dom.js";
import { recall } from "./memory.js";
import { headOf } from "./more.js";
import { attempt, notice } from "./notice.js";
import { pressOnce, setPressOnce } from "./shutter.js";
import { chooseSource, chosenSource } from "./source.js";
import { chooseLanguage, LANGUAGES, t } from "./strings.js";

export async function settings() {
  const [{ keep_pictures: kept }, source, health, session, dial] = await Promise.all([
    get("/settings"),
    chosenSource(),
    get("/health"),
    get("/session"),
    get("/strictness"),
  ]);
  const language = select("settings.language", { "": t("settings.language_auto"), ...LANGUAGES }, recall("language"), async (tag) => {
    await chooseLanguage(tag);
    window.dispatchEvent(new Event("languagechosen"));
  });
  const camera = select("settings.camera", { box: t("settings.camera_box"), own: t("settings.camera_own") }, source.kind, chooseSource);
  const hold = toggle("capture.press_once", pressOnce(), (on) => setPressOnce(on));
  const keep = toggle("settings.keep", kept, (on, input) => keepPictures(on, input));
  const element = h(
    "div",
    {},
    headOf("settings"),
    h("section.card", {}, language, camera, hold),
    h("section.card", {}, ...strictness(dial)),
    h("section.card", {}, keep, h("p.quiet", {}, t("settings.keep_about"))),
    h(
      "section.card",
      {},
      h("p.quiet", {}, t("settings.version", { version: health.version })),
      session.needed && button(t("settings.sign_out"), { symbol: "key", onpress: signOut }),
    ),
  );
  return { title: t("settings.title"), element };
}

/** The dial of what is called unknown, with what each level would do to the pictures of the lessons. */
function strictness(dial) {
  const about = h("p.quiet", { "aria-live": "polite" });
  const show = ({ now }) => {
    const counts = { known: now.known_refused, of: now.known, references: now.references_refused, all: now.references };
    about.textContent = now.known ? t("settings.strictness_effect", counts) : t("settings.strictness_about");
  };
  show(dial);
  const levels = Object.entries(dial.levels).map(([name, { strictness: value }]) => [String(value), t(`settings.strictness_${name}`)]);
  const own = String(dial.value);
  const options = Object.fromEntries(levels.some(([value]) => value === own) ? levels : [...levels, [own, own]]);
  const set = async (value) => {
    const changed = await attempt(() => put("/strictness", { value: Number(value) }));
    if (changed) show(changed);
  };
  return [select("settings.strictness", options, own, set), about];
}

function select(words, options, value, act) {
  const input = h("select", { id: words, onchange: () => act(input.value) }, Object.entries(options).map(([key, label]) => h("option", { value: key }, label)));
  input.value = value;
  return h("div.field", {}, h("label", { for: words }, t(words)), input);
}

function toggle(words, on, act) {
  const input = h("input", { type: "checkbox", role: "switch", checked: on, onchange: () => act(input.checked, input) });
  return h("label.switch", {}, input, h("span", {}, t(words)));
}

async function keepPictures(on, input) {
  const set = () => put("/settings", { keep_pictures: on });
  const done = on
    ? await attempt(set)
    : await confirm({ title: t("settings.erase_title"), words: t("settings.erase_words"), yes: t("settings.erase_yes"), kind: "danger sure", act: set });
  if (!done) {
    input.checked = !on;
    return;
  }
  notice(t(on ? "settings.kept" : "settings.erased"));
}

async function signOut() {
  if (await attempt(() => erase("/session"))) location.reload();
}
