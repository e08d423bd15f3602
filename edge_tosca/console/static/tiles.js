// All regions of all cameras as tiles; each opens its own live view.

import { pictureAddress } from "./api.js";
import { regionWords, sameRegion } from "./box_regions.js";
import { fill, h } from "./dom.js";
import { listen } from "./events.js";
import { icon } from "./icons.js";
import { way } from "./route.js";
import { percent, t } from "./strings.js";

const REASONS = { nothing_learned: "live.nothing_learned", trouble: "live.trouble", starting: "live.starting", camera_lost: "tiles.lost" };

/**
 * @param {{camera: string, region: string}[]} all regions
 * @param {Node} beside in the head
 */
export function tiles(all, beside) {
  const list = h("ul.regions", { "aria-label": t("tiles.list") });
  let shown = [];

  function draw(regions) {
    shown = regions.map((one) => tile(one, regions));
    fill(list, shown.map(({ element }) => element));
  }

  function update({ tiles: found }) {
    const regions = found.map(({ camera_name: camera, region }) => ({ camera, region }));
    // A region was added, removed or renamed while the page is open.
    if (regions.length !== shown.length || regions.some((one, place) => !sameRegion(one, shown[place].place))) draw(regions);
    found.forEach((message, place) => shown[place].show(message));
  }

  draw(all);
  const stop = listen("/live/tiles/events", {}, update);
  const element = h("div", {}, h("div.head", {}, h("h1", {}, t("place.live")), beside), list);
  return { title: t("place.live"), element, leave: stop };
}

function tile(place, all) {
  const image = h("img", { alt: "", hidden: true });
  const what = h("p.name", {});
  const share = h("p", {});
  const element = h(
    "li",
    {},
    h("a.region-tile", { href: way("live", place) }, h("div.picture", {}, image), h("div.about", {}, h("p.where", {}, regionWords(place, all)), what, share)),
  );
  let key = "";
  let words = "";

  function say(sentence, kind) {
    if (words === kind + sentence) return;
    words = kind + sentence;
    what.className = `name ${kind}`;
    fill(what, kind === "unknown" && icon("unknown"), h("span", {}, sentence));
  }

  function show({ id, shown: answer, reason, camera }) {
    if (id && id !== key) {
      key = id;
      image.hidden = false;
      image.src = pictureAddress(id);
    }
    if (!answer || (camera && !camera.connected)) {
      say(t(reason in REASONS ? REASONS[reason] : "live.waiting"), "quiet");
      share.textContent = "";
      return;
    }
    say(answer.unknown ? t("live.unknown") : answer.label, answer.unknown ? "unknown" : "known");
    share.textContent = answer.unknown ? t("live.nearest", { label: answer.label }) : percent(answer.probability);
  }

  return { place, element, show };
}
