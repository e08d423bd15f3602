// The progress of a lesson, and then its report.

import { get } from "./api.js";
import { fill, h, linkButton } from "./dom.js";
import { listen } from "./events.js";
import { icon } from "./icons.js";
import { count } from "./places.js";
import { report } from "./report.js";
import { way } from "./route.js";
import { t } from "./strings.js";

export async function lesson({ id }) {
  const first = await get("/jobs", { id });
  const element = h("div", {});
  const bar = h("progress", { "aria-label": t("lesson.title") });
  const stage = h("p.quiet", { "aria-live": "polite" });
  let stop = () => {};

  function running() {
    fill(element, h("div.head", {}, h("h1", {}, t("lesson.title"))), h("section.card", {}, bar, h("p", {}, ""), stage));
  }

  function update(job) {
    if (job.state === "running") {
      // No share of the work is known within a stage: a bar that only moves says so.
      if (job.done > 0 && job.total > 0) {
        bar.max = job.total;
        bar.value = job.done;
      }
      stage.textContent = t(`lesson.stage.${job.stage}`);
      return false;
    }
    fill(element, job.state === "failed" ? failed(job) : report(job));
    element.querySelector("h1").setAttribute("tabindex", "-1");
    element.querySelector("h1").focus({ preventScroll: true });
    count();
    return true;
  }

  running();
  if (!update(first)) stop = listen("/jobs/events", { id }, update);
  return { title: t("lesson.title"), element, leave: () => stop() };
}

function failed(job) {
  return [
    h("section.verdict.reject", {}, icon("stop"), h("h1", {}, t("lesson.failed")), h("p", {}, job.error)),
    linkButton(t("lesson.back"), way("teach"), { symbol: "back", kind: "primary tall wide" }),
  ];
}
