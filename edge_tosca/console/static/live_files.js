// Files instead of the camera in the live view: photographed, chosen or dropped, and answered one by one.

import { pictureAddress, send } from "./api.js";
import { fill, iconButton } from "./dom.js";
import { photoButtons, takeDrops } from "./files.js";
import { attempt } from "./notice.js";
import { t } from "./strings.js";

export class LiveFiles {
  /**
   * @param {object} source of the live view's pictures
   * @param {HTMLElement} element of the view, onto which files are dropped
   * @param {(message: object) => void} show called with each answer
   */
  constructor(source, element, show) {
    this.scene = source.scene;
    this.show = show;
    this.held = false;
    this.buttons = photoButtons((files) => this.ask(files), "icon-only");
    this.again = iconButton(t("live.to_camera"), "live", { onpress: () => this.end(), hidden: true });
    this.scene.offer(photoButtons((files) => this.ask(files)));
    this.corner = this.scene.corner(this.again, "left");
    this.endDrops = takeDrops(element, (files) => this.ask(files));
  }

  /** Answer the last of these files, and keep it in place of the camera's picture. */
  async ask([...files]) {
    await attempt(async () => {
      const { id, ...answer } = await send("/predict", files.pop(), { top: 4 });
      this.held = true;
      this.scene.still(id ? pictureAddress(id) : "", t("live.file"));
      // Without a camera there is no way back, but the next file.
      this.again.hidden = false;
      fill(this.corner, this.scene.reason ? this.buttons : this.again);
      this.show({ id, shown: answer });
    });
  }

  /** Go back to the camera. */
  end() {
    this.held = false;
    this.again.hidden = true;
    this.scene.still("");
  }

  close() {
    this.endDrops();
  }
}
