// Detects that the box is gone, shows it, and retries until the box is back.

import { h, fill } from "./dom.js";
import { icon } from "./icons.js";
import { t } from "./strings.js";

const FIRST_WAIT = 1000;
const LONGEST_WAIT = 8000;

let gone = false;
let wait = FIRST_WAIT;
const returned = new Set();

/** Call `act` whenever the box is back; returns a function that ends this. */
export function onReturn(act) {
  returned.add(act);
  return () => returned.delete(act);
}

/** The box did not answer. */
export function lost() {
  if (gone) return;
  gone = true;
  wait = FIRST_WAIT;
  const banner = document.getElementById("banner");
  fill(banner, icon("warn"), h("span", {}, t("connection.lost")));
  banner.hidden = false;
  document.body.classList.add("cut-off");
  setTimeout(retry, wait);
}

/** The box answered. */
export function reached() {
  if (!gone) return;
  gone = false;
  document.getElementById("banner").hidden = true;
  document.body.classList.remove("cut-off");
  for (const act of [...returned]) act();
}

async function retry() {
  if (!gone) return;
  try {
    await fetch(new URL("api/v1/health", document.baseURI), { cache: "no-store" });
    reached();
  } catch {
    wait = Math.min(wait * 1.6, LONGEST_WAIT);
    setTimeout(retry, wait);
  }
}
