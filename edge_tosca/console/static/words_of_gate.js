// The learner's own sentences, put into the language of the page. A sentence without a pattern is shown as it came.

import { knows, t } from "./strings.js";

const NAME = "'([^']*)'|\"([^\"]*)\"";

// Name of the sentence in strings/*.json, its pattern, and the names of what the pattern catches.
const PATTERNS = [
  ["gate.same_class", `^Teach the pictures of (?:${NAME}) as (?:${NAME}) if both are the same class, or show how they differ$`, ["a", "a", "b", "b"]],
  ["gate.check_labels", "^Check the (\\d+) pictures that look like another class, correct wrong labels, and learn again$", ["count"]],
  ["gate.too_few", `^(\\d+) more pictures? of (?:${NAME}) from other angles: it has only (\\d+) (?:different )?pictures?$`, ["count", "a", "a", "have"]],
  ["gate.too_alike", `^(\\d+) more pictures? of (?:${NAME}) from other angles and distances: its (\\d+) are nearly the same view$`, ["count", "a", "a", "have"]],
  ["gate.harmed", `^(\\d+) more pictures? of (?:${NAME}), where it differs from (?:${NAME}): (\\d+) of its pictures are now taken for .*$`, ["count", "a", "a", "b", "b", "lost"]],
  ["gate.weak_rival", `^(\\d+) more pictures? of (?:${NAME}) from other angles: (\\d+)% of its (\\d+) are right, mostly taken for (?:${NAME});.*$`, ["count", "a", "a", "share", "have", "b", "b"]],
  ["gate.weak", `^(\\d+) more pictures? of (?:${NAME}) from other angles: (\\d+)% of its (\\d+) are right;.*$`, ["count", "a", "a", "share", "have"]],
  ["gate.border", "^Most of what speaks for (.+) lies at the border of the pictures, .*$", ["a"]],
  ["gate.contradicted", "^(\\d+)% of the new pictures look like another class$", ["share"]],
  ["gate.copies", `^(\\d+)% of the pictures of (?:${NAME}) are copies of pictures of (?:${NAME})$`, ["share", "a", "a", "b", "b"]],
  ["gate.same", `^(?:${NAME}) cannot be distinguished from (?:${NAME}): accuracy (\\d+)%, chance 50%$`, ["a", "a", "b", "b", "share"]],
  ["gate.hardly", `^(?:${NAME}) can hardly be distinguished from (?:${NAME}): accuracy (\\d+)%, chance 50%$`, ["a", "a", "b", "b", "share"]],
  ["gate.few", `^(?:${NAME}) has only (\\d+) (?:different )?pictures?(?:, the rest .*)?$`, ["a", "a", "have"]],
  ["gate.alike", `^the pictures of (?:${NAME}) are nearly identical$`, ["a", "a"]],
  ["gate.fell", "^the old classes fell from (\\d+)% to (\\d+)%$", ["before", "after"]],
  ["gate.looks_like", `^looks like (?:${NAME})$`, ["a", "a"]],
  ["gate.copy_of_class", `^is a copy of a picture of (?:${NAME}), (?:just taught|known before)$`, ["a", "a"]],
  ["gate.copy", "^is a copy of .*$", []],
];

/** A sentence of the gate for a reader of this page. */
export function inWords(sentence) {
  for (const [key, pattern, names] of PATTERNS) {
    const found = new RegExp(pattern, "s").exec(sentence);
    if (!found || !knows(key)) continue;
    const values = {};
    names.forEach((name, place) => {
      const caught = found[place + 1];
      if (caught !== undefined) values[name] = /^\d+$/.test(caught) && name !== "a" && name !== "b" ? Number(caught) : caught;
    });
    return t(key, values);
  }
  return sentence;
}
