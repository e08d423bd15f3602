// How often and how long each class was shown in each region, over the last day.

import { get, put } from "./api.js";
import { regionWords } from "./box_regions.js";
import { confirm } from "./dialog.js";
import { button, h } from "./dom.js";
import { headOf } from "./more.js";
import { attempt } from "./notice.js";
import { t } from "./strings.js";
import { shades, tallyChart } from "./tally_chart.js";

const DAYS = 400;

export async function tally() {
  const [answer, { needed, role }] = await Promise.all([get("/tally"), get("/session")]);
  const body = h("div.stack", {});
  const mayChange = !needed || role === "administer";

  function draw({ days, counts }) {
    body.replaceChildren(...(days === null ? off() : on(days, counts)));
  }

  function off() {
    const begin = button(t("tally.begin"), { symbol: "check", kind: "primary tall wide", onpress: () => set(DAYS) });
    return [h("p", {}, t("tally.off")), h("p.quiet", {}, t("tally.off_about")), ...(mayChange ? [begin] : [])];
  }

  function on(days, counts) {
    const regions = new Map();
    for (const one of counts) {
      const key = JSON.stringify([one.camera, one.region]);
      regions.set(key, [...(regions.get(key) ?? []), one]);
    }
    const shadeOf = shades(counts);
    const all = [...regions.keys()].map((key) => JSON.parse(key)).map(([camera, region]) => ({ camera, region }));
    const charts = [...regions.values()].map((some, place) => h("section.card", {}, h("h2", {}, regionWords(all[place], all)), ...tallyChart(some, shadeOf)));
    const end = button(t("tally.end"), { symbol: "trash", kind: "danger", onpress: erase });
    return [h("p.quiet", {}, t("tally.kept", { count: days })), ...(charts.length ? charts : [h("p", {}, t("tally.nothing"))]), ...(mayChange ? [end] : [])];
  }

  async function set(days) {
    const changed = await attempt(() => put("/tally", { days }));
    if (changed) draw(changed);
  }

  async function erase() {
    const done = await confirm({ title: t("tally.end_title"), words: t("tally.end_words"), yes: t("tally.end_yes"), kind: "danger sure", act: () => put("/tally", { days: null }) });
    if (done) draw(done);
  }

  draw(answer);
  return { title: t("tally.title"), element: h("div", {}, headOf("tally"), body) };
}
