// The five places of the page, and how many pictures wait in them.

import { get } from "./api.js";
import { fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { way } from "./route.js";
import { t } from "./strings.js";
import { UserError } from "./user_error.js";

const PLACES = { live: "live", teach: "teach", inbox: "unknown", classes: "classes", more: "more" };

const PART_OF = { capture: "teach", review: "teach", lesson: "teach", group: "inbox", class: "classes", history: "more", storage: "more", doctor: "more", settings: "more", packs: "more", fleet: "more", phones: "more", invite: "more", regions: "more", cameras: "more", tally: "more" };

// Places of those who may teach.
const TEACHING = ["teach", "inbox"];

let teaches = true;

async function session() {
  try {
    return await get("/session");
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return {};
  }
}

/** Draw the places, in the current language. */
export async function drawPlaces() {
  const nav = document.getElementById("places");
  nav.setAttribute("aria-label", t("places"));
  const { role } = await session();
  teaches = role !== "view";
  fill(
    nav,
    Object.entries(PLACES).filter(([name]) => teaches || !TEACHING.includes(name)).map(([name, symbol]) =>
      h("a", { href: way(name), "data-place": name }, icon(symbol), h("span", {}, t(`place.${name}`))),
    ),
  );
}

/** Mark the place that a view belongs to, and update the counts. */
export function markPlace(view) {
  const place = PART_OF[view] ?? (view in PLACES ? view : "live");
  for (const link of document.querySelectorAll("#places a")) {
    if (link.dataset.place === place) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  count();
}

/** Show the number of waiting pictures and of unknown groups. */
export async function count() {
  if (!teaches || document.getElementById("places").hidden) return;
  try {
    const [queue, unknown] = await Promise.all([get("/queue"), get("/inbox")]);
    badge("teach", queue.pictures, "count.queue");
    badge("inbox", unknown.groups.length, "count.inbox");
  } catch (error) {
    // The view itself shows the error.
    if (!(error instanceof UserError)) throw error;
  }
}

function badge(place, count, words) {
  const link = document.querySelector(`#places a[data-place="${place}"]`);
  link?.querySelector(".count")?.remove();
  if (!link || !count) return;
  const shown = h("span.count", {}, h("span", { "aria-hidden": "true" }, count > 99 ? "99+" : count));
  shown.append(h("span.aside-only", {}, t(words, { count })));
  link.append(shown);
}
