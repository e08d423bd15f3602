// The camera of the phone (or computer) that shows this page. Its pictures go to the box and nowhere else.

import { send } from "./api.js";
import { h } from "./dom.js";
import { recall, remember } from "./memory.js";
import { Scene } from "./scene.js";
import { t } from "./strings.js";

const WIDTH = 640;
const QUALITY = 0.88;

export class OwnCamera {
  constructor() {
    this.kind = "own";
    this.video = h("video", { autoplay: true, playsinline: true, "aria-label": t("camera.picture") });
    this.video.muted = true;
    this.scene = new Scene(this.video);
    this.element = this.scene.element;
    this.canvas = document.createElement("canvas");
    this.look = () => (document.hidden ? this.halt() : this.begin());
    document.addEventListener("visibilitychange", this.look);
    this.begin();
  }

  async begin() {
    if (this.closed || this.stream) return;
    if (!navigator.mediaDevices?.getUserMedia) {
      this.scene.say(t("camera.insecure"), "phone");
      return;
    }
    try {
      const stream = await navigator.mediaDevices.getUserMedia({
        audio: false,
        video: { width: { ideal: WIDTH }, height: { ideal: 480 }, facingMode: { ideal: recall("facing") || "environment" } },
      });
      if (this.closed) {
        for (const track of stream.getTracks()) track.stop();
        return;
      }
      this.stream = stream;
      stream.getVideoTracks()[0].addEventListener("ended", () => this.scene.say(t("camera.own_lost"), "phone"));
      this.video.srcObject = stream;
      this.video.addEventListener("loadedmetadata", () => this.scene.shape(this.video.videoWidth, this.video.videoHeight));
      this.scene.say("");
    } catch (error) {
      this.scene.say(t(error.name === "NotAllowedError" ? "camera.refused" : "camera.own_none"), "phone");
    }
  }

  halt() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.video.srcObject = null;
  }

  /** Use the camera on the other side of the phone. */
  async flip() {
    remember("facing", recall("facing") === "user" ? "environment" : "user");
    this.halt();
    await this.begin();
  }

  /** Whether a picture can be taken. */
  get ready() {
    return Boolean(this.stream) && this.video.readyState >= 2;
  }

  /** The picture of the moment as JPEG. */
  async picture() {
    const scale = Math.min(1, WIDTH / Math.max(this.video.videoWidth, this.video.videoHeight));
    this.canvas.width = Math.round(this.video.videoWidth * scale);
    this.canvas.height = Math.round(this.video.videoHeight * scale);
    this.canvas.getContext("2d").drawImage(this.video, 0, 0, this.canvas.width, this.canvas.height);
    return new Promise((resolve) => this.canvas.toBlob(resolve, "image/jpeg", QUALITY));
  }

  update() {}

  /** Add the picture of the moment to a class. */
  async teach(label, signal) {
    return send("/queue", await this.picture(), { label }, { signal });
  }

  close() {
    this.closed = true;
    this.halt();
    document.removeEventListener("visibilitychange", this.look);
  }
}
