// Requests to the box. Every error is one sentence that can be shown as it is.

import { lost, reached } from "./connection.js";
import { knows, t } from "./strings.js";
import { UserError } from "./user_error.js";

// Relative to the page: a proxy may show the box below a path of its own.
const PREFIX = new URL("api/v1", document.baseURI).pathname;

/** A request that the box refused or that did not reach it. */
export class ApiError extends UserError {
  constructor(status, sentence, code = null) {
    super(code && knows(`error.${code}`) ? t(`error.${code}`) : sentence);
    this.status = status;
    this.code = code;
  }
}

// Their refusal is an answer to what was typed or read, not the end of a session.
const SIGN_IN = ["/session", "/session/join"];

let onSignIn = () => {};
let sessions = 0;

/** Set what is done when the box requires a token. */
export function whenSignedOut(act) {
  onSignIn = act;
}

/** The address of something under the API. */
export function address(path, query = {}) {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined) parameters.append(name, value);
  }
  const tail = parameters.toString();
  return `${PREFIX}${path}${tail ? "?" + tail : ""}`;
}

/** The address of a picture: the API names it by an id or gives the address itself. */
export function pictureAddress(key) {
  return key.startsWith("/") ? key : address("/picture", { id: key });
}

async function call(method, path, { query, json, body, type, signal } = {}) {
  const headers = {};
  if (json !== undefined) headers["Content-Type"] = "application/json";
  else if (body !== undefined) headers["Content-Type"] = type;
  const session = sessions;
  let answer;
  try {
    answer = await fetch(address(path, query), {
      method,
      headers,
      body: json !== undefined ? JSON.stringify(json) : body,
      signal,
      cache: "no-store",
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    lost();
    throw new ApiError(0, t("error.unreachable"));
  }
  reached();
  if (answer.ok && SIGN_IN.includes(path) && method === "POST") sessions += 1;
  if (answer.ok) return answer;
  const error = await refusal(answer);
  // A request from before the sign-in may be refused after it.
  if (answer.status === 401 && !SIGN_IN.includes(path) && session === sessions) onSignIn();
  throw error;
}

async function refusal(answer) {
  let body = {};
  try {
    body = await answer.json();
  } catch {
    // A proxy in between may answer without JSON.
  }
  return new ApiError(answer.status, body.error ?? t("error.status", { status: answer.status }), body.code ?? null);
}

export async function get(path, query, options = {}) {
  return (await call("GET", path, { query, ...options })).json();
}

export async function post(path, json, { query, signal } = {}) {
  return (await call("POST", path, { query, json: json ?? {}, signal })).json();
}

/** Send a picture or a file. A system may know its suffix as another program's: only an image type is passed on. */
export async function send(path, body, query, { signal } = {}) {
  const type = body.type?.startsWith("image/") ? body.type : "application/octet-stream";
  return (await call("POST", path, { query, body, type, signal })).json();
}

/** Ask for a file. */
export async function fetchFile(path, json) {
  const answer = await call("POST", path, { json });
  const named = /filename="?([^";]+)/.exec(answer.headers.get("Content-Disposition") ?? "");
  return { name: named ? named[1] : "file", data: await answer.blob() };
}

export async function put(path, json) {
  return (await call("PUT", path, { json })).json();
}

export async function erase(path, query) {
  const answer = await call("DELETE", path, { query });
  return answer.status === 204 ? {} : answer.json();
}
