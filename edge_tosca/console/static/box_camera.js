// The camera of the box: the page shows motion JPEG; the box itself takes the pictures to teach.

import { address, post } from "./api.js";
import { onReturn } from "./connection.js";
import { h } from "./dom.js";
import { Scene } from "./scene.js";
import { t } from "./strings.js";

const RETRY = 2000;

export class BoxCamera {
  /**
   * @param {boolean} present whether the box has a camera
   * @param {object} [place] {camera, region}; without a region the whole frame is shown, without a camera the first one
   */
  constructor(present, place = {}) {
    this.kind = "box";
    this.place = place;
    this.present = present;
    this.image = h("img", { alt: t("camera.picture") });
    this.scene = new Scene(this.image);
    this.element = this.scene.element;
    if (!present) {
      this.image.hidden = true;
      this.scene.say(t("camera.none"));
      return;
    }
    this.look = () => (document.hidden ? this.halt() : this.begin());
    this.image.addEventListener("load", () => this.scene.shape(this.image.naturalWidth, this.image.naturalHeight));
    this.image.addEventListener("error", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.begin(), RETRY);
    });
    document.addEventListener("visibilitychange", this.look);
    this.forget = onReturn(() => this.begin());
    this.look();
  }

  begin() {
    if (this.closed || document.hidden) return;
    // Another address each time: a browser would show the broken stream again from its cache.
    this.image.src = address("/camera/stream", { ...this.place, turn: Date.now() });
  }

  halt() {
    clearTimeout(this.timer);
    this.image.removeAttribute("src");
  }

  /** Show the state of the camera, from its statistics. */
  update(stats) {
    if (!this.present) return;
    // The statistics have the size of the whole frame.
    if (!this.place.region) this.scene.shape(stats?.width, stats?.height);
    this.scene.say(stats && !stats.connected ? t("camera.lost") : "");
  }

  /** Whether a picture can be taken. */
  get ready() {
    return this.present;
  }

  /** Let the box add its newest frame to a class. */
  async teach(label, signal) {
    return post("/queue/capture", { label, ...this.place }, { signal });
  }

  close() {
    this.closed = true;
    this.halt();
    this.forget?.();
    document.removeEventListener("visibilitychange", this.look);
  }
}
