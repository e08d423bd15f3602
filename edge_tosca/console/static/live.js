// The live answer, in very large letters.

import { send } from "./api.js";
import { AnswerPanel } from "./answer.js";
import { chooseRegion, regionWords } from "./box_regions.js";
import { correct } from "./correct.js";
import { button, fill, h, iconButton } from "./dom.js";
import { listen } from "./events.js";
import { explain } from "./explain.js";
import { firstLesson, nothingTaught } from "./first_lesson.js";
import { icon } from "./icons.js";
import { LiveFiles } from "./live_files.js";
import { way } from "./route.js";
import { fittingSource, sourceButton } from "./source_button.js";
import { Strip } from "./strip.js";
import { t } from "./strings.js";
import { tiles } from "./tiles.js";
import { UserError } from "./user_error.js";

const PAUSE = 60;
const PAUSE_AFTER_FAULT = 1500;

export async function live(query) {
  const [{ source, choice, regions, place }, taught] = await Promise.all([fittingSource(query), nothingTaught()]);
  if (regions.length > 1 && !query.region) {
    source.close();
    const view = tiles(regions, sourceButton(source, choice));
    if (taught.empty && taught.mayTeach) view.element.append(firstLesson(taught));
    return view;
  }
  if (place) chooseRegion(place);
  const panel = new AnswerPanel();
  const client = crypto.getRandomValues(new Uint32Array(3)).join("-");
  const strip = new Strip(choice.kind === "own" ? { client } : place ?? {});
  let newest = null;
  let unknown = false;

  const wrong = button(t("live.wrong"), {
    symbol: "wrong",
    kind: "tall wide",
    disabled: true,
    onpress: async () => {
      const message = newest;
      if (!message) return;
      const answer = message.shown ?? message.answer;
      if (await correct(message.id, { guesses: answer.top.map((one) => one.label), unknown: answer.unknown })) strip.load();
    },
  });

  const look = iconButton(t("explain.show"), "look", {
    kind: "tall",
    disabled: true,
    onpress: () => explain(newest),
  });

  const first = taught.mayTeach ? firstLesson(taught) : null;
  const asked = h("div.asked", {}, wrong, look);

  function update(message) {
    if (message.shown) taught.empty = false;
    else if (message.reason === "nothing_learned") taught.empty = true;
    if (first) first.hidden = !taught.empty;
    asked.hidden = taught.empty;
    newest = message.id ? message : null;
    wrong.disabled = newest === null;
    look.disabled = newest === null;
    // Of an unknown picture nothing was said that could be wrong.
    const now = Boolean(message.id && (message.shown ?? message.answer)?.unknown);
    if (now !== unknown) {
      unknown = now;
      fill(wrong, icon(unknown ? "edit" : "wrong"), h("span", {}, t(unknown ? "live.name_it" : "live.wrong")));
    }
    panel.show(taught.empty ? { reason: "nothing_learned" } : message);
  }

  function follow(message) {
    source.update(message.camera);
    strip.update(message.strip);
    if (!files.held) update(message);
  }

  const element = h("div.live");
  const files = new LiveFiles(source, element, update);
  source.scene.onReason = (reason) => reason && !files.held && update({ reason: null });
  update({ reason: source.scene.reason ? null : "starting" });
  const stop = choice.kind === "own" ? ask(source, client, follow) : listen("/live/events", place ?? {}, follow);
  source.scene.corner(sourceButton(source, choice));
  fill(element, regions.length > 1 ? regionHead(place, regions) : h("h1.aside-only", {}, t("place.live")), source.element, h("section.answer-place", { "aria-label": t("live.answer") }, panel.element, asked, first), strip.element);
  return {
    title: t("place.live"),
    element,
    fixed: true,
    leave: () => {
      stop();
      files.close();
      source.close();
    },
  };
}

function regionHead(place, regions) {
  return h("div.head.region-head", {}, h("a.button.icon-only.plain", { href: way("live"), "aria-label": t("tiles.back") }, icon("back")), h("h1", {}, regionWords(place, regions)));
}

/** Send the phone's own pictures one by one; the next is sent when the last was answered. */
function ask(source, client, update) {
  let ended = false;
  let timer = null;

  async function step() {
    if (ended) return;
    let pause = PAUSE;
    if (source.ready && !document.hidden) {
      try {
        update(await send("/live/frame", await source.picture(), { client }));
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        pause = PAUSE_AFTER_FAULT;
      }
    }
    if (!ended) timer = setTimeout(step, pause);
  }

  step();
  return () => {
    ended = true;
    clearTimeout(timer);
  };
}
