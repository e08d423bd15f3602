// The frame that a camera's picture is shown in, and what is said in it when there is none.

import { fill, h } from "./dom.js";
import { icon } from "./icons.js";

export class Scene {
  constructor(picture) {
    this.picture = picture;
    this.words = h("div.says", { hidden: true, role: "status" });
    this.element = h("div.scene", {}, picture, this.words);
    this.said = "";
  }

  /** Say why there is no picture, or nothing. */
  say(words, symbol = "camera") {
    if (words === this.said) return;
    this.said = words;
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
