// Switches between the box's camera and the phone's own.

import { h, iconButton } from "./dom.js";
import { chooseSource, chosenSource, openSource } from "./source.js";
import { t } from "./strings.js";

/** Open the source that fits. */
export async function fittingSource() {
  const choice = await chosenSource();
  return { choice, source: openSource(choice) };
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
