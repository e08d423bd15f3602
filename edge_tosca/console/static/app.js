// Starts the page: sentences, places, and the view that the address names.

import { get, whenSignedOut } from "./api.js";
import { cameras } from "./cameras.js";
import { capture } from "./capture.js";
import { classes } from "./classes.js";
import { oneClass } from "./class.js";
import { onReturn } from "./connection.js";
import { doctor } from "./doctor.js";
import { fleet } from "./fleet.js";
import { history } from "./history.js";
import { inbox, oneGroup } from "./inbox.js";
import { invite } from "./invite.js";
import { joinByCode } from "./join.js";
import { lesson } from "./lesson.js";
import { live } from "./live.js";
import { more } from "./more.js";
import { complain } from "./notice.js";
import { packs } from "./packs.js";
import { phones } from "./phones.js";
import { count, drawPlaces, markPlace } from "./places.js";
import { regions } from "./regions.js";
import { review } from "./review.js";
import { here } from "./route.js";
import { settings } from "./settings.js";
import { signIn } from "./sign_in.js";
import { storage } from "./storage.js";
import { loadStrings } from "./strings.js";
import { tally } from "./tally.js";
import { teach } from "./teach.js";
import { UserError } from "./user_error.js";

// Each view gives {title, element, leave?, fixed?}; `leave` ends what the view began.
const VIEWS = { live, teach, capture, review, lesson, inbox, group: oneGroup, classes, class: oneClass, more, history, storage, doctor, settings, packs, fleet, phones, invite, regions, cameras, tally };

const COUNT_EVERY = 10_000;

let current = null;
let asked = 0;
let signedOut = false;

async function show({ focus = true } = {}) {
  if (signedOut) return;
  const turn = ++asked;
  const { name, query } = here();
  let view;
  try {
    view = await (VIEWS[name] ?? live)(query);
  } catch (error) {
    if (turn !== asked) return;
    if (error.status === 401) return;
    complain(error);
    view = current ? null : await live({});
  }
  if (turn !== asked || view === null) {
    view?.leave?.();
    return;
  }
  put(view, name, focus);
}

function put(view, name, focus) {
  current?.leave?.();
  current = view;
  const main = document.getElementById("view");
  main.className = view.fixed ? "fixed" : "";
  main.dataset.view = name;
  main.replaceChildren(view.element);
  document.title = `${view.title} – edge-tosca`;
  markPlace(name);
  window.scrollTo(0, 0);
  if (focus) {
    const heading = main.querySelector("h1");
    heading?.setAttribute("tabindex", "-1");
    heading?.focus({ preventScroll: true });
  }
}

// Many requests may be refused at once, and late: the form must not be redrawn while a user types into it.
function askForToken() {
  if (signedOut) return;
  signedOut = true;
  asked += 1;
  document.getElementById("places").hidden = true;
  put(signIn(begin), "sign-in", true);
}

// A restarted box may need no token, or the user signed in in another tab.
async function checkSession() {
  try {
    if ((await get("/session")).open) await begin();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
  }
}

async function begin() {
  signedOut = false;
  current?.leave?.();
  current = null;
  document.getElementById("places").hidden = false;
  await drawPlaces();
  await show({ focus: false });
}

async function redraw() {
  await drawPlaces();
  await show();
}

// A picture that the box no longer keeps leaves an empty place, not a broken one.
document.addEventListener("error", ({ target }) => target.tagName === "IMG" && target.classList.add("gone"), true);
document.addEventListener("load", ({ target }) => target.tagName === "IMG" && target.classList.remove("gone"), true);

await loadStrings();
document.querySelector("noscript")?.remove();
whenSignedOut(askForToken);
window.addEventListener("hashchange", () => (here().name === "join" ? joinByCode().then(begin) : show()));
window.addEventListener("languagechosen", redraw);
onReturn(() => (signedOut ? checkSession() : show({ focus: false })));
await joinByCode();
await begin();
setInterval(() => document.hidden || count(), COUNT_EVERY);
