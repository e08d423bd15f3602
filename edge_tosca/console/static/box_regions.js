// The regions of the box's cameras, and what they are called on the page.

import { get } from "./api.js";
import { recall, remember } from "./memory.js";
import { t } from "./strings.js";

const WHOLE = "frame";

/** All regions as {camera, region}, camera by camera. */
export async function boxRegions() {
  const { cameras } = await get("/cameras");
  return cameras.flatMap(({ name, regions }) => regions.map((region) => ({ camera: name, region })));
}

/** The words for a region among all: its own name, and that of its camera where there are several. */
export function regionWords({ camera, region }, all) {
  const cameras = new Set(all.map((one) => one.camera));
  if (cameras.size < 2) return region === WHOLE ? t("region.whole") : region;
  return region === WHOLE ? camera : `${camera} · ${region}`;
}

export function sameRegion(one, other) {
  return one?.camera === other?.camera && one?.region === other?.region;
}

/** The region that pictures are taken through: the one that was chosen last, or the first. */
export function chosenRegion(all) {
  const [camera, ...region] = recall("region").split("/");
  return all.find((one) => sameRegion(one, { camera, region: region.join("/") })) ?? all[0] ?? null;
}

export function chooseRegion({ camera, region }) {
  remember("region", `${camera}/${region}`);
}
