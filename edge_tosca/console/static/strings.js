// The page's sentences, in the language of the browser or the one that was chosen.

import { recall, remember } from "./memory.js";

export const LANGUAGES = { en: "English", de: "Deutsch", fr: "Français" };

let sentences = {};
let fallback = {};
let language = "en";
let region = "en";

/** Load the sentences; English fills gaps in another language. */
export async function loadStrings() {
  const chosen = recall("language");
  const wanted = chosen in LANGUAGES ? [chosen] : (navigator.languages ?? [navigator.language]).map((tag) => tag.slice(0, 2));
  language = wanted.find((tag) => tag in LANGUAGES) ?? "en";
  fallback = await read("en");
  sentences = language === "en" ? fallback : await read(language);
  // Dates and numbers as the browser's region writes them, where it speaks the same language.
  region = (navigator.languages ?? []).find((tag) => tag.startsWith(language)) ?? language;
  document.documentElement.lang = language;
}

async function read(tag) {
  const answer = await fetch(new URL(`strings/${tag}.json`, import.meta.url));
  return answer.json();
}

/** Choose a language for good; the empty string leaves it to the browser. */
export async function chooseLanguage(tag) {
  remember("language", tag);
  await loadStrings();
}

/** Whether there is a sentence of this name. */
export function knows(key) {
  return key in sentences || key in fallback;
}

/**
 * A sentence with its gaps filled.
 * @param {string} key name in strings/*.json
 * @param {object} [values] {name} is replaced by values.name; a plural is chosen by values.count
 */
export function t(key, values = {}) {
  let sentence = sentences[key] ?? fallback[key] ?? key;
  if (typeof sentence === "object") {
    const form = new Intl.PluralRules(language).select(Number(values.count ?? 0));
    sentence = sentence[form] ?? sentence.other;
  }
  return sentence.replace(/\{(\w+)\}/g, (gap, name) => {
    const value = values[name];
    if (value === undefined) return gap;
    return typeof value === "number" ? number(value) : String(value);
  });
}

/** A number as it is written in this language. */
export function number(value, digits = 0) {
  return new Intl.NumberFormat(region, { maximumFractionDigits: digits }).format(value);
}

/** A share in whole percent; a dash where there is none. */
export function percent(share) {
  if (share === null || share === undefined) return "–";
  return new Intl.NumberFormat(region, { style: "percent", maximumFractionDigits: 0 }).format(share);
}

/** A day and time, short. */
export function moment(value) {
  const date = typeof value === "number" ? new Date(value * 1000) : new Date(value);
  if (Number.isNaN(date.getTime())) return String(value ?? "");
  return new Intl.DateTimeFormat(region, { dateStyle: "medium", timeStyle: "short" }).format(date);
}

/** A number of bytes. */
export function bytes(value) {
  const steps = ["B", "kB", "MB", "GB"];
  let size = value;
  let step = 0;
  while (size >= 1000 && step < steps.length - 1) {
    size /= 1000;
    step += 1;
  }
  return `${number(size, step && size < 10 ? 1 : 0)} ${steps[step]}`;
}
