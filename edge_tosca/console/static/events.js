// Server-sent events: closed while the page is hidden, opened again when they break.

import { address, get } from "./api.js";
import { onReturn, reached } from "./connection.js";
import { UserError } from "./user_error.js";

const RETRY = 1500;

/**
 * Listen until `stop` is called.
 * @param {string} path under the API
 * @param {object} query
 * @param {(value: object) => (boolean|void)} update called with each message; true ends the listening
 * @returns {() => void} stop
 */
export function listen(path, query, update) {
  let source = null;
  let timer = null;
  let ended = false;

  function open() {
    if (ended || source || document.hidden) return;
    source = new EventSource(address(path, query));
    source.onmessage = (event) => {
      reached();
      if (update(JSON.parse(event.data)) === true) stop();
    };
    source.onerror = () => {
      close();
      if (!ended) timer = setTimeout(retry, RETRY);
    };
  }

  // An event source does not say why it broke: ask once, so that a missing token or a lost box is noticed.
  async function retry() {
    try {
      await get("/settings");
      open();
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      // connection.js waits for a lost box, the sign-in form for a missing token: both reopen this view.
      if (error.status !== 0 && error.status !== 401) timer = setTimeout(retry, RETRY);
    }
  }

  function close() {
    source?.close();
    source = null;
    clearTimeout(timer);
  }

  function look() {
    if (document.hidden) close();
    else open();
  }

  function stop() {
    ended = true;
    close();
    forget();
    document.removeEventListener("visibilitychange", look);
  }

  const forget = onReturn(open);
  document.addEventListener("visibilitychange", look);
  open();
  return stop;
}
