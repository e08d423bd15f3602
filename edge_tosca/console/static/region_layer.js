// Rectangles on a camera's picture: drawn, moved and resized by finger, mouse or arrow keys.

import { fill, h } from "./dom.js";
import { t } from "./strings.js";

const STEP = 0.01;
const LEAST = 0.05;
const DRAWN_PIXELS = 24;
const KEY_PAUSE = 400;
const CORNERS = ["nw", "ne", "sw", "se"];
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const clamp = (value, least, most) => Math.min(Math.max(value, least), most);

export class RegionLayer {
  /**
   * @param {Scene} scene that shows the picture
   * @param {object} acts move(name, box), draw(box), select(name), remove(name); a box is {x, y, width, height}
   */
  constructor(scene, acts) {
    this.scene = scene;
    this.acts = acts;
    this.regions = [];
    this.chosen = null;
    this.element = h("div.region-layer", {});
    this.help = h("p.aside-only", { id: "region-help" }, t("regions.keys"));
    scene.element.append(this.element, this.help);
    this.element.addEventListener("pointerdown", (event) => this.down(event));
    this.place = () => this.fit();
    this.observer = new ResizeObserver(this.place);
    this.observer.observe(scene.element);
    scene.picture.addEventListener("load", this.place);
    this.fit();
  }

  /** Lie exactly on the picture, which may leave a part of its frame free. */
  fit() {
    const { clientWidth: width, clientHeight: height } = this.scene.element;
    const { naturalWidth, naturalHeight } = this.scene.picture;
    const scale = naturalWidth ? Math.min(width / naturalWidth, height / naturalHeight) : 1;
    const size = naturalWidth ? [naturalWidth * scale, naturalHeight * scale] : [width, height];
    Object.assign(this.element.style, { left: `${(width - size[0]) / 2}px`, top: `${(height - size[1]) / 2}px`, width: `${size[0]}px`, height: `${size[1]}px` });
  }

  /** Show the regions of the camera. */
  show(regions) {
    // A key press moves a region before the box has answered.
    if (this.drag) return;
    const focused = document.activeElement?.closest?.(".region")?.dataset.name;
    this.regions = regions.map((one) => ({ ...one }));
    if (!this.regions.some(({ name }) => name === this.chosen)) this.chosen = null;
    this.shapes = new Map(this.regions.map((region) => [region.name, this.shape(region)]));
    fill(this.element, [...this.shapes.values()]);
    if (focused) this.shapes.get(focused)?.querySelector("button").focus({ preventScroll: true });
  }

  /** Choose a region, which then has handles. */
  select(name) {
    this.chosen = name;
    for (const [key, shape] of this.shapes) shape.classList.toggle("chosen", key === name);
    this.acts.select(name);
  }

  shape(region) {
    const move = h(
      "button.move",
      {
        type: "button",
        "aria-label": t("regions.region", { name: region.name }),
        "aria-describedby": "region-help",
        onfocus: () => this.chosen === region.name || this.select(region.name),
        onkeydown: (event) => this.key(event, region),
      },
      h("span", {}, region.name),
    );
    const handles = CORNERS.map((corner) => h(`span.handle.${corner}`, { "data-corner": corner, "aria-hidden": "true" }));
    const shape = h(`div.region${region.name === this.chosen ? ".chosen" : ""}`, { "data-name": region.name }, move, handles);
    put(shape, region);
    return shape;
  }

  down(event) {
    if (event.button !== 0 || this.drag) return;
    const shape = event.target.closest(".region");
    const corner = event.target.dataset.corner ?? null;
    const region = this.regions.find(({ name }) => name === shape?.dataset.name);
    if (region) this.select(region.name);
    const start = this.at(event);
    const drawn = region ? null : h("div.region.chosen.drawn", { "aria-hidden": "true" });
    if (drawn) this.element.append(drawn);
    this.drag = { id: event.pointerId, start, from: region ? { ...region } : null, region, corner, shape: shape ?? drawn, box: null };
    this.element.setPointerCapture(event.pointerId);
    const moved = (next) => next.pointerId === this.drag?.id && this.moved(next);
    const end = (next) => {
      if (next.pointerId !== this.drag?.id) return;
      this.element.removeEventListener("pointermove", moved);
      for (const name of ["pointerup", "pointercancel"]) this.element.removeEventListener(name, end);
      this.ended(next.type === "pointerup");
    };
    this.element.addEventListener("pointermove", moved);
    for (const name of ["pointerup", "pointercancel"]) this.element.addEventListener(name, end);
  }

  moved(event) {
    const { start, from, corner, shape } = this.drag;
    const now = this.at(event);
    if (!from) this.drag.box = between(start, now);
    else if (corner) this.drag.box = resized(from, corner, now.x - start.x, now.y - start.y);
    else this.drag.box = shifted(from, now.x - start.x, now.y - start.y);
    put(shape, this.drag.box);
  }

  ended(whole) {
    const { region, box, shape } = this.drag;
    this.drag = null;
    if (!region) {
      const { clientWidth, clientHeight } = this.element;
      shape.remove();
      const large = box && box.width * clientWidth > DRAWN_PIXELS && box.height * clientHeight > DRAWN_PIXELS;
      if (whole && large) this.acts.draw(shifted({ ...box, width: Math.max(box.width, LEAST), height: Math.max(box.height, LEAST) }, 0, 0));
      return;
    }
    // A press without a move only chooses.
    if (!whole || !box) put(shape, region);
    else this.acts.move(region.name, Object.assign(region, box) && box);
  }

  key(event, region) {
    if (event.key === "Delete") {
      event.preventDefault();
      this.acts.remove(region.name);
      return;
    }
    const arrow = ARROWS[event.key];
    if (!arrow) return;
    event.preventDefault();
    const [x, y] = arrow.map((way) => way * STEP);
    const box = event.shiftKey ? resized(region, "se", x, y) : shifted(region, x, y);
    Object.assign(region, box);
    put(this.shapes.get(region.name), box);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.acts.move(region.name, box), KEY_PAUSE);
  }

  at(event) {
    const { left, top, width, height } = this.element.getBoundingClientRect();
    return { x: clamp((event.clientX - left) / width, 0, 1), y: clamp((event.clientY - top) / height, 0, 1) };
  }

  close() {
    clearTimeout(this.timer);
    this.observer.disconnect();
  }
}

function put(shape, { x, y, width, height }) {
  Object.assign(shape.style, { left: `${100 * x}%`, top: `${100 * y}%`, width: `${100 * width}%`, height: `${100 * height}%` });
}

function between(one, other) {
  return { x: Math.min(one.x, other.x), y: Math.min(one.y, other.y), width: Math.abs(one.x - other.x), height: Math.abs(one.y - other.y) };
}

function shifted({ x, y, width, height }, right, down) {
  return { x: clamp(x + right, 0, 1 - width), y: clamp(y + down, 0, 1 - height), width, height };
}

function resized({ x, y, width, height }, corner, right, down) {
  const edge = { left: x, top: y, right: x + width, bottom: y + height };
  if (corner.includes("w")) edge.left = clamp(edge.left + right, 0, edge.right - LEAST);
  else edge.right = clamp(edge.right + right, edge.left + LEAST, 1);
  if (corner.includes("n")) edge.top = clamp(edge.top + down, 0, edge.bottom - LEAST);
  else edge.bottom = clamp(edge.bottom + down, edge.top + LEAST, 1);
  return { x: edge.left, y: edge.top, width: edge.right - edge.left, height: edge.bottom - edge.top };
}
