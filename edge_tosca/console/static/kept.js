// Whether waiting pictures survive a restart of the box.

import { h, linkButton } from "./dom.js";
import { icon } from "./icons.js";
import { way } from "./route.js";
import { t } from "./strings.js";

/** A line for a page of waiting pictures. */
export function keptLine(kept) {
  if (kept) return h("p.quiet.kept-line", {}, icon("storage"), h("span", {}, t("kept.on")));
  return h("div.quiet.kept-line", {}, icon("none"), h("span", {}, t("kept.off")), linkButton(t("kept.change"), way("settings")));
}
