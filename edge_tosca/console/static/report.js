// The report of the quality gate: whether a lesson worked, and what to do.

import { erase, pictureAddress, post } from "./api.js";
import { confirm } from "./dialog.js";
import { button, h, linkButton } from "./dom.js";
import { face } from "./face.js";
import { icon } from "./icons.js";
import { attempt, notice } from "./notice.js";
import { go, way } from "./route.js";
import { startLesson } from "./start_lesson.js";
import { number, percent, t } from "./strings.js";
import { inWords } from "./words_of_gate.js";

const SYMBOLS = { accept: "check", warn: "warn", reject: "stop" };
const MOST_CONFUSIONS = 4;
const MOST_PICTURES = 2;

// Shares of left-out pictures from which the next step is about them.
const MANY_WRONG = 0.1;
const MANY_UNKNOWN = 0.15;

export function report(job) {
  if (job.report.gate === undefined) return ofNone(job);
  const { gate } = job.report;
  const next = nextStep(job);
  return [verdict(job), h("p.next", {}, icon("forward"), h("span", {}, next)), figures(job), advice(gate, next), confusions(job), suspects(job), acts(job)];
}

/** Of a lesson of pictures of none of the classes: what it changes for the classes. */
function ofNone(job) {
  const { images, none, warnings, outcomes_before: before, outcomes_after: after } = job.report;
  const share = (words, outcomes) => h("div", {}, h("dt", {}, t(words)), h("dd", {}, percent(outcomes.named_right), others(outcomes)));
  return [
    h(
      `section.verdict.${warnings.length ? "warn" : "accept"}`,
      {},
      icon(SYMBOLS[warnings.length ? "warn" : "accept"]),
      h("h1", {}, t("none.learned")),
      h("p", {}, t("none.learned_words", { count: images, none })),
    ),
    after && h("dl.figures", {}, share("none.before", before), share("none.after", after)),
    warnings.length > 0 && h("section.card", {}, h("ul.advice", {}, warnings.map((sentence) => h("li", {}, icon("warn"), h("span", {}, sentence))))),
    acts(job),
  ].filter(Boolean);
}

function verdict(job) {
  const { gate, classes, images, seconds } = job.report;
  const forced = gate.verdict === "reject" && job.state === "done";
  const words = job.state === "rejected" ? "reject" : forced ? "forced" : gate.verdict;
  const labels = classes.join(", ");
  return h(
    `section.verdict.${gate.verdict}`,
    {},
    icon(SYMBOLS[gate.verdict]),
    h("h1", {}, t(`report.${words}.title`)),
    h("p", {}, t(`report.${words}.words`, { labels, count: images, seconds: number(seconds.total, 1) })),
  );
}

/** What to do next, in one sentence: the gate's most urgent advice, or what the left-out pictures ask for. */
function nextStep(job) {
  const { gate, classes } = job.report;
  const labels = classes.join(", ");
  if (gate.advice.length) return inWords(gate.advice[0]);
  if (job.state === "rejected") return t("report.next.improve");
  if (job.alone) return t("report.next.second");
  const outcomes = gate.outcomes_new;
  const [worst] = job.confusions;
  if (outcomes && worst && outcomes.named_wrong >= MANY_WRONG) return t("report.next.differ", { truth: worst.truth, answer: worst.answer });
  if (outcomes && outcomes.unknown >= MANY_UNKNOWN) return t("report.next.unknown", { labels, share: percent(outcomes.unknown) });
  return t("report.next.watch");
}

function figures({ report: { gate }, alone }) {
  // Of one class alone every answer is right.
  if (alone) return h("p.quiet", {}, t("report.alone"));
  return h(
    "dl.figures",
    {},
    h("div", {}, h("dt", {}, t("report.new")), h("dd", {}, percent(right(gate, "new")), others(gate.outcomes_new)), parts(gate.outcomes_new)),
    gate.accuracy_old_before !== null &&
      h(
        "div",
        {},
        h("dt", {}, t("report.old")),
        h("dd", {}, percent(right(gate, "old_after")), h("small", {}, ` ${change(gate)}`), others(gate.outcomes_old_after)),
        parts(gate.outcomes_old_after),
      ),
  );
}

// What a user sees: a picture that is called unknown is not named right. Lessons of earlier versions did not count them.
function right(gate, which) {
  return gate[`outcomes_${which}`]?.named_right ?? gate[`accuracy_${which}`];
}

function others(outcomes) {
  return outcomes && h("small.others", {}, t("report.others", { wrong: percent(outcomes.named_wrong), unknown: percent(outcomes.unknown) }));
}

/** The three shares as one bar; the words above say the same. */
function parts(outcomes) {
  if (!outcomes) return null;
  const part = (name) => {
    const element = h(`i.${name}`, {});
    element.style.flexGrow = String(outcomes[name]);
    return element;
  };
  return h("dd.parts", { "aria-hidden": "true" }, ["named_right", "named_wrong", "unknown"].map(part));
}

function change(gate) {
  // Both of one kind: a store of an earlier version has no outcomes of before.
  const kind = gate.outcomes_old_before ? right : (report, which) => report[`accuracy_${which}`];
  const [before, after] = [kind(gate, "old_before"), kind(gate, "old_after")];
  return Math.abs(before - after) >= 0.005 ? t("report.before", { share: percent(before) }) : t("report.as_before");
}

function advice({ verdict, reasons, advice }, next) {
  const sentences = advice.filter((sentence) => inWords(sentence) !== next);
  if (!reasons.length && !sentences.length) return null;
  const line = (symbol) => (sentence) => h("li", {}, icon(symbol), h("span", {}, inWords(sentence)));
  return h(
    "section.card",
    {},
    h("h2", {}, t(verdict === "accept" ? "report.better" : "report.why")),
    h("ul.advice", {}, reasons.map(line("warn")), sentences.map(line("forward"))),
  );
}

function confusions(job) {
  if (!job.confusions.length) return null;
  return h(
    "section",
    {},
    h("h2", {}, t("report.confusions")),
    h("div.versuses", {}, job.confusions.slice(0, MOST_CONFUSIONS).map((one) =>
      h(
        "article.card",
        {},
        h("p.versus-title", {}, t("report.confused", one)),
        h("div.versus", {}, side(one.truth, one.pictures), icon("forward"), side(one.answer, one.answer_pictures)),
      ),
    )),
  );
}

function side(label, pictures) {
  const shown = pictures.slice(0, MOST_PICTURES).map((key) => h("img", { src: pictureAddress(key), alt: label }));
  return h("figure", {}, h("div.pair", {}, shown.length ? shown : face({ label, thumbnail: false })), h("figcaption", {}, label));
}

function suspects(job) {
  const found = job.report.gate.suspects;
  if (!found.length) return null;
  const kept = job.state === "done";
  const element = h(
    "section",
    {},
    h("h2", {}, t("report.suspects")),
    h("p.quiet", {}, t(kept ? "report.suspects_kept" : "report.suspects_waiting")),
    h("div.stack", {}, found.map((one) => suspect(one, kept))),
  );
  return element;
}

function suspect({ path, reason }, kept) {
  const card = h("article.card.suspect", {}, h("img", { src: pictureAddress(path), alt: t("report.suspect_picture") }));
  const words = h("div", {}, h("p", {}, inWords(reason)));
  if (!kept) {
    words.append(
      button(t("report.remove"), {
        symbol: "remove",
        onpress: async () => {
          if (await attempt(() => erase("/queue/picture", { id: path }))) card.remove();
        },
      }),
    );
  }
  card.append(words);
  return card;
}

function acts(job) {
  if (job.state === "rejected") {
    return h(
      "div.foot.row",
      {},
      linkButton(t("report.improve"), way("teach"), { symbol: "pictures", kind: "primary tall grow" }),
      button(t("report.force"), { kind: "tall", onpress: () => force(job) }),
    );
  }
  return h(
    "div.foot.row",
    {},
    linkButton(t("report.watch"), way("live"), { symbol: "live", kind: "primary tall grow" }),
    button(t("report.undo"), { symbol: "undo", kind: "tall", onpress: () => undo(job) }),
  );
}

function force(job) {
  return confirm({
    title: t("report.force_title"),
    words: t("report.force_words"),
    yes: t("report.force"),
    act: () => startLesson({ labels: [...job.report.classes], force: true }),
  });
}

async function undo(job) {
  const done = await attempt(() => post("/jobs/undo", { id: job.id }));
  if (!done) return;
  notice(t("report.undone"));
  go("teach");
}
