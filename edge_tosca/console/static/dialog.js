// The browser's own dialogs: Escape closes them, focus stays inside and returns afterwards.

import { button, fill, freshId, h } from "./dom.js";
import { t } from "./strings.js";
import { UserError } from "./user_error.js";

/**
 * Open a dialog.
 * @param {string} title
 * @param {(close: (value?: any) => void, attempt: (act: () => Promise<any>) => Promise<any>) => Node[]} content
 *   called with a function that closes the dialog with a value, and one that shows the error of an act in the dialog
 * @returns {Promise<any>} the value, undefined when it was closed without one
 */
export function openDialog(title, content) {
  return new Promise((resolve) => {
    const id = freshId("title");
    const fault = h("p.fault-line", { role: "alert" });
    let value;
    const close = (given) => {
      value = given;
      dialog.close();
    };
    const attempt = async (act) => {
      fill(fault);
      try {
        return await act();
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        fill(fault, error.message);
        return undefined;
      }
    };
    const dialog = h("dialog", { "aria-labelledby": id }, h("h2", { id }, title), content(close, attempt), fault);
    // A way back through the history closes the dialog, too.
    const leave = () => dialog.close();
    window.addEventListener("hashchange", leave);
    dialog.addEventListener("close", () => {
      window.removeEventListener("hashchange", leave);
      dialog.remove();
      resolve(value);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Ask before something is done; `act` is done while the dialog is open, and its error is shown in it. */
export function confirm({ title, words, yes, kind = "primary", act }) {
  return openDialog(title, (close, attempt) => [
    h("p", {}, words),
    h(
      "div.row",
      {},
      button(yes, {
        kind,
        onpress: async () => {
          const done = await attempt(async () => (await act()) ?? true);
          if (done !== undefined) close(done);
        },
      }),
      button(t("cancel"), { onpress: () => close() }),
    ),
  ]);
}
