// The picture that stands for a class, or its first letter where no picture is kept.

import { address } from "./api.js";
import { h } from "./dom.js";

const HUES = 6;

export function face({ label, thumbnail }) {
  if (thumbnail) return h("img.face", { src: address("/classes/thumbnail", { label }), alt: "", loading: "lazy" });
  const hue = [...label].reduce((sum, letter) => sum + letter.codePointAt(0), 0) % HUES;
  return h(`div.face.letter.hue-${hue}`, { "aria-hidden": "true" }, [...label][0] ?? "?");
}
