// Bars of an hour each: how many minutes each class was shown in a region. Inline SVG, drawn without styles in place.

import { h } from "./dom.js";
import { number, t } from "./strings.js";

const SPACE = "http://www.w3.org/2000/svg";
const HOUR = 3_600_000;
const HOURS = 24;
const SHADES = 5;
const WIDTH = 360;
const HEIGHT = 120;
const FOOT = 18;

/**
 * The chart of a region with its legend.
 * @param {{hour: string, label: string|null, seen: number, seconds: number}[]} counts of the region
 * @param {Map<string|null, number>} shadeOf of `shades`, the same for all regions
 * @param {Date} now
 */
export function tallyChart(counts, shadeOf, now = new Date()) {
  const classes = totals(counts);
  const last = Math.floor(now.getTime() / HOUR);
  const svg = shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT + FOOT}`, class: "tally", role: "img", "aria-label": t("tally.chart", { hours: HOURS }) });
  const hours = Array.from({ length: HOURS }, () => new Array(SHADES).fill(0));
  for (const { hour, label, seconds } of counts) {
    const place = HOURS - 1 - (last - Math.floor(Date.parse(hour.replace("Z", ":00Z")) / HOUR));
    if (place >= 0 && place < HOURS) hours[place][shadeOf.get(label)] += seconds;
  }
  const step = WIDTH / HOURS;
  hours.forEach((amounts, place) => {
    let top = HEIGHT;
    amounts.forEach((seconds, shade) => {
      const height = (Math.min(seconds, 3600) / 3600) * HEIGHT;
      if (height < 0.5) return;
      top -= height;
      svg.append(shape("rect", { x: place * step + 1, y: Math.max(0, top), width: step - 2, height, class: `shade-${shade}` }));
    });
    const when = new Date((last - HOURS + 1 + place) * HOUR);
    if (when.getHours() % 6 === 0) {
      const label = shape("text", { x: place * step + step / 2, y: HEIGHT + FOOT - 4, "text-anchor": "middle" });
      label.textContent = `${when.getHours()}:00`;
      svg.append(label);
    }
  });
  svg.append(shape("line", { x1: 0, x2: WIDTH, y1: HEIGHT, y2: HEIGHT, class: "axis" }));
  const legend = classes.map(({ label, seen, seconds }) =>
    h("li", {}, h(`span.swatch.shade-${shadeOf.get(label)}`, { "aria-hidden": "true" }), h("span", {}, label ?? t("live.unknown")), h("small", {}, words(seen, seconds))),
  );
  return [svg, h("ul.legend", {}, legend)];
}

/** The shade of each class, by how long it was shown anywhere; the last one stands for all further classes. */
export function shades(counts) {
  return new Map(totals(counts).map(({ label }, place) => [label, Math.min(place, SHADES - 1)]));
}

function totals(counts) {
  const found = new Map();
  for (const { label, seen, seconds } of counts) {
    const one = found.get(label) ?? { label, seen: 0, seconds: 0 };
    found.set(label, { label, seen: one.seen + seen, seconds: one.seconds + seconds });
  }
  return [...found.values()].sort((a, b) => b.seconds - a.seconds);
}

function words(seen, seconds) {
  const minutes = seconds / 60;
  return t("tally.amount", { count: seen, minutes: number(minutes, minutes < 10 ? 1 : 0) });
}

function shape(name, attributes) {
  const element = document.createElementNS(SPACE, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}
