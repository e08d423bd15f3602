// Switches between the box's camera and the phone's own.

import { boxRegions, chosenRegion, sameRegion } from "./box_regions.js";
import { h, iconButton } from "./dom.js";
import { chooseSource, chosenSource, openSource } from "./source.js";
import { t } from "./strings.js";

/**
 * Open the source that fits.
 * @param {object} [place] a region of the box's cameras, if one is meant
 * @returns {Promise<object>} source, choice, and all regions of the box where its cameras are the source
 */
export async function fittingSource(place = null) {
  const choice = await chosenSource();
  const regions = choice.kind === "box" && choice.hasBox ? await boxRegions() : [];
  const named = regions.find((one) => sameRegion(one, place)) ?? (regions.length > 1 ? chosenRegion(regions) : null);
  return { choice, regions, place: named, source: openSource(choice, named ?? {}) };
}

/** The buttons in the picture's corner. */
export function sourceButton(source, choice) {
  const other = choice.kind === "own" ? "box" : "own";
  const change = iconButton(t(`camera.use_${other}`), other === "own" ? "phone" : "camera", {
    onpress: () => {
      chooseSource(other);
      window.dispatchEvent(new HashChangeEvent("hashchange"));
    },
  });
  const flip = choice.kind === "own" ? iconButton(t("camera.flip"), "flip", { onpress: () => source.flip() }) : null;
  return h("div.row", {}, flip, change);
}
