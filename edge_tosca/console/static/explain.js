// "Where it looked": the picture of an answer, coloured where it spoke for the answer and where against it.

import { get, pictureAddress } from "./api.js";
import { button, h } from "./dom.js";
import { openDialog } from "./dialog.js";
import { t } from "./strings.js";

// The ends of ColorBrewer's scale PuOr, which colour-blind people can tell apart.
const FOR = [230, 97, 1];
const AGAINST = [94, 60, 153];
const COVER = 0.75;

/** Show where the picture of an answer spoke for it. */
export async function explain(message) {
  if (!message) return;
  const { label } = message.shown ?? message.answer;
  const found = await get("/answers/evidence", { id: message.id, label });
  await openDialog(t("explain.title", { label }), (close) => [
    h("div.evidence", {}, h("img", { src: pictureAddress(message.id), alt: t("explain.picture", { label }) }), overlay(found)),
    h("p.legend", {}, h("i.for", { "aria-hidden": "true" }), t("explain.for", { label }), h("i.against", { "aria-hidden": "true" }), t("explain.against")),
    h("p", {}, t("explain.words")),
    h("div.row", {}, button(t("explain.close"), { kind: "primary", onpress: () => close() })),
  ]);
}

/** Draw a pixel a place; the browser enlarges and smooths it over the part that the box saw. */
function overlay({ places, seen }) {
  const canvas = h("canvas", { width: places[0].length, height: places.length, "aria-hidden": "true" });
  const strongest = Math.max(...places.flat().map(Math.abs)) || 1;
  const drawing = canvas.getContext("2d");
  const pixels = drawing.createImageData(canvas.width, canvas.height);
  places.flat().forEach((value, place) => {
    const colour = value > 0 ? FOR : AGAINST;
    pixels.data.set([...colour, Math.round((255 * COVER * Math.abs(value)) / strongest)], 4 * place);
  });
  drawing.putImageData(pixels, 0, 0);
  for (const [side, share] of Object.entries(seen)) canvas.style[side] = `${100 * share}%`;
  return canvas;
}
