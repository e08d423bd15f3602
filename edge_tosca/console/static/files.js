// Pictures from files: chosen, or dropped onto the page.

import { send } from "./api.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { notice } from "./notice.js";
import { t } from "./strings.js";
import { UserError } from "./user_error.js";

/** A button that opens the file picker. */
export function fileButton(words, take, { kind = "beside", symbol = "files", photograph = false, many = true, accept = "image/*", ready = () => true } = {}) {
  const input = h("input", { type: "file", accept, multiple: many, capture: photograph && "environment", hidden: true, "aria-hidden": "true", tabindex: -1 });
  input.addEventListener("change", () => {
    const chosen = [...input.files];
    input.value = "";
    if (chosen.length) take(chosen);
  });
  const bare = kind.includes("icon-only");
  const open = h(["button", ...kind.split(" ").filter(Boolean)].join("."), { type: "button", "aria-label": bare && words, title: bare && words, onclick: () => ready() && input.click() }, icon(symbol), !bare && h("span", {}, words));
  return h("div", {}, open, input);
}

/** Where the page has no camera: the phone's own program takes a photograph, without https too; or files are chosen. */
export function photoButtons(take, kind = "beside") {
  const touched = window.matchMedia("(pointer: coarse)").matches;
  return h("div.row.photos", {}, touched && fileButton(t("files.photograph"), take, { kind, symbol: "camera", photograph: true, many: false }), fileButton(t("files.choose"), take, { kind }));
}

/** Take files that are dropped anywhere on the page; returns a function that ends this. */
export function takeDrops(element, take) {
  const over = (event) => {
    event.preventDefault();
    element.classList.add("dropping");
  };
  const out = (event) => {
    if (!event.relatedTarget) element.classList.remove("dropping");
  };
  const drop = (event) => {
    event.preventDefault();
    element.classList.remove("dropping");
    const files = [...(event.dataTransfer?.files ?? [])];
    if (files.length) take(files);
  };
  document.addEventListener("dragover", over);
  document.addEventListener("dragleave", out);
  document.addEventListener("drop", drop);
  return () => {
    document.removeEventListener("dragover", over);
    document.removeEventListener("dragleave", out);
    document.removeEventListener("drop", drop);
  };
}

/**
 * Send files one after the other.
 * @param {string} label of the class
 * @param {File[]} files
 * @param {(added: object) => void} onAdded called with the result of each
 */
export async function addFiles(label, files, onAdded) {
  let taken = 0;
  const refused = [];
  for (const file of files) {
    try {
      const added = await send("/queue", file, { label });
      if (added.accepted) taken += 1;
      onAdded(added);
    } catch (error) {
      if (!(error instanceof UserError) || ![413, 415].includes(error.status)) throw error;
      refused.push(file.name);
    }
  }
  if (refused.length) throw new UserError(t("files.refused", { count: refused.length, name: refused[0], taken }));
  notice(t("files.taken", { count: taken, of: files.length }));
}
