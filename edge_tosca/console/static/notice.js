// One short message at a time, read aloud, gone by itself.

import { fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { Told } from "./told.js";

const SHOWN = 4500;
const SHOWN_FAULT = 9000;
let timer = null;

/** Say that something was done. */
export function notice(words) {
  show(words, "check", "done", SHOWN);
}

/** Say what went wrong: an error's own sentence. */
export function complain(error) {
  if (error?.name === "AbortError") return;
  if (!(error instanceof Told)) throw error;
  show(error.message, "warn", "fault", SHOWN_FAULT);
}

function show(words, symbol, kind, milliseconds) {
  const place = document.getElementById("notice");
  fill(place, h(`p.notice.${kind}`, {}, icon(symbol), h("span", {}, words)));
  clearTimeout(timer);
  timer = setTimeout(() => place.replaceChildren(), milliseconds);
}

/** Do something, and show its error if it has one; gives undefined then. */
export async function attempt(act) {
  try {
    return await act();
  } catch (error) {
    complain(error);
    return undefined;
  }
}
