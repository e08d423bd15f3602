// Pictures of none of the classes: how the page calls them.

import { t } from "./strings.js";

/** Stands where other pictures have their class; no class can have this name. */
export const NONE = "none";

export const shown = (label) => (label === NONE ? t("none.name") : label);
