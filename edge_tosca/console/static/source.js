// Where pictures come from: the box's camera, or that of the phone that shows this page.

import { get } from "./api.js";
import { BoxCamera } from "./box_camera.js";
import { recall, remember } from "./memory.js";
import { OwnCamera } from "./own_camera.js";

/** The source that was chosen, "box" or "own"; without a camera of the box, the phone's own. */
export async function chosenSource() {
  const health = await get("/health");
  const chosen = recall("source");
  if (chosen === "box" || chosen === "own") return { kind: chosen, hasBox: health.camera !== null };
  return { kind: health.camera === null ? "own" : "box", hasBox: health.camera !== null };
}

/** Whether a camera can be used here: the box's, or one that the browser may show. */
export async function hasCamera() {
  if ((await get("/health")).camera !== null) return true;
  const devices = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  return devices.some(({ kind }) => kind === "videoinput");
}

export function chooseSource(kind) {
  remember("source", kind);
}

/** Open a source; its `element` shows it, `close()` ends it. `place` is a region of the box's cameras. */
export function openSource({ kind, hasBox }, place = {}) {
  return kind === "own" ? new OwnCamera() : new BoxCamera(hasBox, place);
}
