// The frame that shows a camera's picture, or the reason why there is none.

import { fill, h } from "./dom.js";
import { icon } from "./icons.js";

export class Scene {
  constructor(picture) {
    this.picture = picture;
    this.words = h("div.says", { hidden: true, role: "status" });
    this.file = h("img.still", { alt: "" });
    this.element = h("div.scene", {}, picture, this.words);
    this.reason = "";
    this.offered = null;
    this.symbol = "camera";
    this.onReason = () => {};
  }

  /** Show the reason why there is no picture; "" if there is one. */
  say(words, symbol = "camera") {
    if (words === this.reason) return;
    this.reason = words;
    this.symbol = symbol;
    this.draw();
    this.onReason(words);
  }

  /** Offer another way, below the reason; null for none. */
  offer(element) {
    if (element === this.offered) return;
    this.offered = element;
    this.draw();
  }

  draw() {
    this.words.hidden = !this.reason;
    fill(this.words, this.reason && icon(this.symbol), this.reason && h("p", {}, this.reason), this.reason && this.offered);
  }

  /** Show a picture from a file instead; "" for the camera again. */
  still(address, words = "") {
    this.file.remove();
    if (!address) return;
    this.file.alt = words;
    this.file.src = address;
    this.words.after(this.file);
  }

  /** Take the shape of the camera's pictures. */
  shape(width, height) {
    if (!width || !height) return;
    // Upright pictures would push the answer off a phone's screen.
    this.element.style.aspectRatio = String(Math.max(width / height, 1));
  }

  /** Put buttons into a corner of the picture, by default at the right; returns the corner. */
  corner(element, side = "") {
    const corner = h("div.corner", {}, element);
    if (side) corner.classList.add(side);
    this.element.append(corner);
    return corner;
  }
}
