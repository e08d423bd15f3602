// The answer: its words change with the stable answer, its numbers twice a second.

import { fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { percent, t } from "./strings.js";

const NUMBERS_EVERY = 500;
const GUESSES = 3;
const LARGEST = 112;
const SMALLEST = 32;
const REASONS = { nothing_learned: "live.nothing_learned", trouble: "live.trouble", starting: "live.starting" };

export class AnswerPanel {
  constructor() {
    this.what = h("p.what", {});
    this.fillings = h("i", {});
    this.share = h("span.of", {});
    this.more = h("p.says-more", {});
    this.read = h("p.aside-only", { "aria-live": "polite" });
    this.guesses = Array.from({ length: GUESSES }, () => guess());
    this.element = h(
      "div.answer.quiet",
      {},
      this.what,
      h("p.stale", {}, t("live.stale")),
      this.more,
      h("div.share", {}, h("div.bar", { "aria-hidden": "true" }, this.fillings), this.share),
      h("ol.guesses", { "aria-label": t("live.guesses") }, this.guesses.map((one) => one.row)),
      this.read,
    );
    this.shown = null;
    this.numbersAt = 0;
    new ResizeObserver(() => this.fit()).observe(this.what);
    this.say(t("live.starting"), "quiet");
    this.numbers(null);
  }

  /** Show a message of the live view. */
  show({ shown, reason, camera }) {
    if (!shown || (camera && !camera.connected)) {
      this.say(t(reason in REASONS ? REASONS[reason] : "live.waiting"), "quiet");
      this.numbers(null);
      return;
    }
    const changed = this.say(shown.unknown ? t("live.unknown") : shown.label, shown.unknown ? "unknown" : "known");
    const now = performance.now();
    if (changed || now - this.numbersAt >= NUMBERS_EVERY) {
      this.numbersAt = now;
      this.numbers(shown);
    }
  }

  say(words, kind) {
    const shown = `${kind} ${words}`;
    if (shown === this.shown) return false;
    this.shown = shown;
    this.element.className = `answer ${kind}`;
    fill(this.what, kind === "unknown" && icon("unknown"), h("span", {}, words));
    this.fit();
    this.read.textContent = kind === "quiet" ? "" : words;
    return true;
  }

  numbers(shown) {
    // A full bar beside "Unknown" would look like a sure answer.
    const sure = shown && !shown.unknown ? shown.probability : null;
    this.share.parentElement.style.visibility = sure === null ? "hidden" : "visible";
    this.fillings.style.transform = `scaleX(${sure ?? 0})`;
    // A blank keeps the height of the line.
    this.share.textContent = sure === null ? "\u00a0" : percent(sure);
    this.more.textContent = shown?.unknown ? t("live.nearest", { label: shown.label }) : "";
    const others = (shown?.top ?? []).filter((one) => one.label !== shown.label).slice(0, GUESSES);
    this.guesses.forEach((row, place) => row.show(others[place]));
  }

  /** Make the words as large as their box allows, and break a word only where it is too long at any size. */
  fit() {
    const box = this.what;
    for (const split of [false, true]) {
      box.classList.toggle("split", split);
      for (let size = LARGEST; size >= SMALLEST; size -= 4) {
        box.style.fontSize = `${size}px`;
        if (box.scrollHeight <= box.clientHeight + 1 && box.scrollWidth <= box.clientWidth) return;
      }
    }
  }
}

function guess() {
  const name = h("span.name", {});
  const filling = h("i", {});
  const share = h("span.of", {});
  const row = h("li", {}, name, h("span.bar", { "aria-hidden": "true" }, filling), share);
  row.classList.add("guess");
  return {
    row,
    show(one) {
      row.style.visibility = one ? "visible" : "hidden";
      name.textContent = one?.label ?? "";
      share.textContent = one ? percent(one.probability) : "";
      filling.style.transform = `scaleX(${one?.probability ?? 0})`;
    },
  };
}
