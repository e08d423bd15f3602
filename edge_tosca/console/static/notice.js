// One short message at a time, read aloud, gone by itself.

import { fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { UserError } from "./user_error.js";

const SHOWN = 4500;
const SHOWN_FAULT = 9000;
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
  timer = setTimeout(() => place.replaceChildren(), milliseconds);
}

/** Run an act; show its error, if any, and return undefined then. */
export async function attempt(act) {
  try {
    return await act();
  } catch (error) {
    complain(error);
    return undefined;
  }
}
