// Starts a lesson.

import { post } from "./api.js";
import { attempt } from "./notice.js";
import { go } from "./route.js";

/** Teach what waits, and go where its progress is shown. */
export async function startLesson({ labels = null, force = false }) {
  const begun = await attempt(() => post("/learn", { labels, task: null, force }));
  if (begun) go("lesson", { id: begun.job }, { replace: force });
}
