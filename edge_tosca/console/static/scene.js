// The frame that shows a camera's picture, or the reason why there is none.

import { fill, h } from "./dom.js";
import { icon } from "./icons.js";

export class Scene {
  constructor(picture) {
    this.picture = picture;
    this.words = h("div.says", { hidden: true, role: "status" });
    this.element = h("div.scene", {}, picture, this.words);
    this.reason = "";
  }

  /** Show the reason why there is no picture; "" if there is one. */
  say(words, symbol = "camera") {
    if (words === this.reason) return;
    this.reason = words;
    this.words.hidden = !words;
    fill(this.words, words && icon(symbol), words && h("p", {}, words));
  }

  /** Take the shape of the camera's pictures. */
  shape(width, height) {
    if (!width || !height) return;
    // Upright pictures would push the answer off a phone's screen.
    this.element.style.aspectRatio = String(Math.max(width / height, 1));
  }

  /** Put a button into the corner of the picture. */
  corner(element) {
    this.element.append(h("div.corner", {}, element));
  }
}
