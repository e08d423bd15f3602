// Hold to take pictures, by finger, mouse or Space; or, for those who cannot hold, press once to begin and once to end.

import { h } from "./dom.js";
import { recall, remember } from "./memory.js";
import { number, t } from "./strings.js";

const RADIUS = 80;
const ROUND = 2 * Math.PI * RADIUS;
const SPACE = "http://www.w3.org/2000/svg";

/** Whether one press begins and the next one ends. */
export const pressOnce = () => recall("press_once") === "yes";

export function setPressOnce(on) {
  remember("press_once", on ? "yes" : "");
}

export class Shutter {
  /**
   * @param {number} full pictures that close the ring
   * @param {() => void} onBegin
   * @param {() => void} onEnd
   */
  constructor(full, onBegin, onEnd) {
    this.full = full;
    this.onBegin = onBegin;
    this.onEnd = onEnd;
    this.on = false;
    this.number = h("span.number", {}, "0");
    this.words = h("span.words", {}, "");
    this.filled = circle("filled");
    this.filled.setAttribute("stroke-dasharray", String(ROUND));
    const ring = document.createElementNS(SPACE, "svg");
    ring.setAttribute("class", "ring");
    ring.setAttribute("viewBox", "0 0 172 172");
    ring.setAttribute("aria-hidden", "true");
    ring.append(circle(""), this.filled);
    this.element = h("button.shutter", { type: "button" }, ring, h("span.inner", {}, this.number, this.words));
    this.listen();
    this.count(0);
    this.label();
  }

  listen() {
    const button = this.element;
    button.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || pressOnce()) return;
      button.setPointerCapture(event.pointerId);
      this.byPointer = true;
      this.begin();
    });
    for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) {
      button.addEventListener(name, () => pressOnce() || this.end());
    }
    button.addEventListener("contextmenu", (event) => event.preventDefault());
    // Enter, a switch device and a screen reader press once: a click that no pointer or Space began.
    button.addEventListener("click", () => {
      if (this.byPointer) this.byPointer = false;
      else this.turn();
    });
    this.down = (event) => {
      if (event.key !== " " || !this.takesKey(event.target)) return;
      event.preventDefault();
      if (event.repeat) return;
      if (pressOnce()) this.turn();
      else this.begin();
    };
    this.up = (event) => {
      if (event.key !== " " || !this.takesKey(event.target)) return;
      event.preventDefault();
      if (!pressOnce()) this.end();
    };
    this.blurred = () => this.end();
    document.addEventListener("keydown", this.down);
    document.addEventListener("keyup", this.up);
    window.addEventListener("blur", this.blurred);
  }

  /** Whether Space is pressed on the shutter itself, or on an element that does not use it. */
  takesKey(target) {
    return target === this.element || !target.closest("button, a, input, select, dialog");
  }

  turn() {
    if (this.on) this.end();
    else this.begin();
  }

  begin() {
    if (this.on) return;
    this.on = true;
    this.element.classList.add("held");
    this.label();
    this.onBegin();
  }

  end() {
    if (!this.on) return;
    this.on = false;
    this.element.classList.remove("held");
    this.label();
    this.onEnd();
  }

  /** Show how many pictures there are. */
  count(pictures) {
    const round = pictures === 0 ? 0 : (pictures - 1) % this.full + 1;
    this.filled.setAttribute("stroke-dashoffset", String(ROUND * (1 - round / this.full)));
    this.filled.style.opacity = pictures ? "1" : "0";
    this.number.textContent = number(pictures);
    this.taken = pictures;
    this.label();
  }

  /** Update the words that say what a press does. */
  label() {
    const act = pressOnce() ? (this.on ? "stop" : "press") : this.on ? "release" : "hold";
    this.words.textContent = t(`shutter.${act}`);
    this.element.setAttribute("aria-label", t(`shutter.${act}.aloud`, { count: this.taken ?? 0, full: this.full }));
  }

  close() {
    this.end();
    document.removeEventListener("keydown", this.down);
    document.removeEventListener("keyup", this.up);
    window.removeEventListener("blur", this.blurred);
  }
}

function circle(kind) {
  const shape = document.createElementNS(SPACE, "circle");
  shape.setAttribute("cx", "86");
  shape.setAttribute("cy", "86");
  shape.setAttribute("r", String(RADIUS));
  if (kind) shape.setAttribute("class", kind);
  return shape;
}
