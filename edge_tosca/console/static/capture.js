// Capture: pictures are taken while the shutter is held, and the box accepts or refuses each.

import { get } from "./api.js";
import { chooseRegion, regionWords, sameRegion } from "./box_regions.js";
import { button, fill, h, linkButton } from "./dom.js";
import { addFiles, fileButton, photoButtons, takeDrops } from "./files.js";
import { icon } from "./icons.js";
import { NONE, shown } from "./none.js";
import { attempt, complain } from "./notice.js";
import { way } from "./route.js";
import { pressOnce, setPressOnce, Shutter } from "./shutter.js";
import { fittingSource, sourceButton } from "./source_button.js";
import { startLesson } from "./start_lesson.js";
import { t } from "./strings.js";
import { UserError } from "./user_error.js";

export const FULL = 20;
const EVERY = 250;
const EVERY_AFTER_FAULT = 900;

const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

export async function capture({ label }) {
  const [{ source, choice, regions, place }, queue] = await Promise.all([fittingSource(), get("/queue")]);
  const feedback = h("p.feedback", { "aria-live": "polite" }, t("capture.begin"));
  const shutter = new Shutter(FULL, begin, () => {});
  let taken = queue.classes.find((one) => one.label === label)?.pictures.length ?? 0;
  let running = false;
  shutter.count(taken);

  function say(words, kind = "") {
    if (feedback.textContent === words) return;
    feedback.className = `feedback ${kind}`;
    fill(feedback, kind && icon(kind === "bad" ? "warn" : "check"), h("span", {}, words));
  }

  function show(added) {
    taken = added.count;
    shutter.count(taken);
    if (!added.accepted) say(hintWords(added), "bad");
    else if (taken % FULL) say(t("capture.turn"), "good");
    else sayFull();
    // A full ring is a good place to stop; another press goes on.
    return !(added.accepted && taken % FULL === 0) && added.reason !== "full";
  }

  // The first lesson takes one press from here; the way by the pictures is beside it.
  function sayFull() {
    const others = label === NONE ? [] : queue.classes.map((one) => one.label).filter((one) => one !== label && one !== NONE);
    const words = others.length ? t("teach.press", { count: others.length + 1 }) : t("teach.press_one", { label: shown(label) });
    say(t("capture.full", { count: taken }), "good");
    feedback.append(button(words, { symbol: "teach", kind: "primary", onpress: () => startLesson({ labels: [...others, label] }) }));
  }

  async function begin() {
    if (running) return;
    running = true;
    try {
      while (shutter.on) {
        const began = performance.now();
        const pause = await take();
        await wait(Math.max(0, pause - (performance.now() - began)));
      }
    } finally {
      running = false;
    }
  }

  async function take() {
    if (!source.ready) {
      say(t("capture.no_picture"), "bad");
      return EVERY_AFTER_FAULT;
    }
    try {
      if (!show(await source.teach(label))) {
        shutter.end();
        navigator.vibrate?.(40);
      }
      return EVERY;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      say(error.message, "bad");
      if (![0, 429, 503].includes(error.status)) shutter.end();
      return EVERY_AFTER_FAULT;
    }
  }

  if (taken >= FULL) sayFull();

  const hold = h("input", {
    type: "checkbox",
    role: "switch",
    checked: pressOnce(),
    onchange: () => {
      shutter.end();
      setPressOnce(hold.checked);
      shutter.label();
    },
  });
  const files = fileButton(t("capture.files"), (chosen) => add(chosen));
  const add = (chosen) => attempt(() => addFiles(label, chosen, (added) => show(added)));
  const scene = source.element;
  source.scene.corner(sourceButton(source, choice));
  source.scene.offer(photoButtons((chosen) => add(chosen)));
  const element = h(
    "div.capture",
    {},
    h("div.head", {}, h("a.button.icon-only.plain", { href: way("teach"), "aria-label": t("back") }, icon("back")), h("h1", {}, shown(label))),
    scene,
    regions.length > 1 && regionChoice(place, regions),
    feedback,
    h("div.shutter-place", {}, files, shutter.element, linkButton(t("capture.done"), way("review", { label }), { symbol: "check", kind: "beside" })),
    h("label.switch", {}, hold, h("span", {}, t("capture.press_once"))),
  );
  const endDrops = takeDrops(element, add);
  // Whether the camera is connected.
  const watch = choice.kind === "box" && choice.hasBox ? setInterval(() => get("/camera", place ?? {}).then(({ camera }) => source.update(camera)).catch(quietly), 2000) : null;
  return {
    title: t("capture.title", { label: shown(label) }),
    element,
    fixed: true,
    leave: () => {
      clearInterval(watch);
      endDrops();
      shutter.close();
      source.close();
    },
  };
}

/** Through which region pictures are taken; another one shows the view again. */
function regionChoice(place, regions) {
  const input = h("select", { "aria-label": t("capture.region"), onchange: () => {
    chooseRegion(regions[Number(input.value)]);
    window.dispatchEvent(new HashChangeEvent("hashchange"));
  } }, regions.map((one, index) => h("option", { value: index }, regionWords(one, regions))));
  input.value = String(regions.findIndex((one) => sameRegion(one, place)));
  return input;
}

/** What to do about a picture that was not taken. */
export function hintWords({ reason, hint }) {
  const key = `hint.${reason}`;
  const words = t(key);
  return words === key ? (hint ?? t("hint.other")) : words;
}

function quietly(error) {
  if (!(error instanceof UserError)) complain(error);
}
