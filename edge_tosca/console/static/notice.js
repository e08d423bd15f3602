// One short message at a time, read aloud, gone by itself.

import { fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { UserError } from "./user_error.js";

const SHOWN = 4500;
const SHOWN_FAULT = 9000;
const GAP = 8;
const STEP = 4;
const PRESSED = "#places a, main button, main a, main input, main select, main summary, main label.switch";
let timer = null;

/** Show that an act succeeded. */
export function notice(words) {
  show(words, "check", "done", SHOWN);
}

/** Show an error's own sentence. */
export function complain(error) {
  if (error?.name === "AbortError") return;
  if (!(error instanceof UserError)) throw error;
  show(error.message, "warn", "fault", SHOWN_FAULT);
}

function show(words, symbol, kind, milliseconds) {
  const place = document.getElementById("notice");
  fill(place, h(`p.notice.${kind}`, {}, icon(symbol), h("span", {}, words)));
  clearTimeout(timer);
  timer = setTimeout(hide, milliseconds);
  settle();
}

function hide() {
  document.getElementById("notice").replaceChildren();
  settle();
}

/** Put the message where it covers nothing that can be pressed; without such a place, push the view down. */
function settle() {
  const place = document.getElementById("notice");
  const message = place.firstElementChild;
  const view = document.getElementById("view");
  place.style.transform = "";
  view.style.marginTop = "";
  if (!message) return;
  const { top, bottom, left, right, height } = message.getBoundingClientRect();
  const taken = [...document.querySelectorAll(PRESSED)].map((one) => one.getBoundingClientRect()).filter((box) => box.width && box.right > left && box.left < right);
  const covers = (up) => taken.some((box) => box.bottom > top - up && box.top < bottom - up);
  let up = 0;
  while (covers(up) && top - up > GAP) up += STEP;
  if (top - up <= GAP) {
    up = top - GAP;
    if (window.scrollY === 0) view.style.marginTop = `${Math.ceil(height + 2 * GAP)}px`;
  }
  place.style.transform = `translateY(${-up}px)`;
}

// A view that is drawn, scrolled or turned moves what can be pressed.
let settling = 0;
function settleSoon() {
  if (!document.getElementById("notice").firstElementChild || settling) return;
  settling = requestAnimationFrame(() => {
    settling = 0;
    settle();
  });
}
addEventListener("scroll", settleSoon, { passive: true, capture: true });
addEventListener("resize", settleSoon);
new MutationObserver(settleSoon).observe(document.getElementById("view"), { childList: true, subtree: true });

/** Run an act; show its error, if any, and return undefined then. */
export async function attempt(act) {
  try {
    return await act();
  } catch (error) {
    complain(error);
    return undefined;
  }
}
