// Where a camera looks: its regions are drawn, moved, resized and named on the live picture.

import { erase, get, put } from "./api.js";
import { BoxCamera } from "./box_camera.js";
import { confirm } from "./dialog.js";
import { button, fill, freshId, h, linkButton } from "./dom.js";
import { icon } from "./icons.js";
import { attempt, notice } from "./notice.js";
import { RegionLayer } from "./region_layer.js";
import { go, way } from "./route.js";
import { t } from "./strings.js";

const WHOLE = "frame";

// When a region is looked at; "" is what the box was started with.
const TRIGGERS = ["", "always", "motion", "every 5s", "every 60s", "request"];

export async function regions({ camera: asked }) {
  const [{ cameras }, answer, known] = await Promise.all([get("/cameras"), get("/regions"), get("/classes")]);
  const names = cameras.map(({ name }) => name);
  const camera = names.includes(asked) ? asked : names[0];
  if (!camera) return none();

  const source = new BoxCamera(true, { camera });
  const words = h("p.quiet", { "aria-live": "polite" });
  const panel = h("section.card.region-panel", { "aria-label": t("regions.selected"), hidden: true });
  const layer = new RegionLayer(source.scene, { move, draw, select, remove });
  let mine = [];

  // The whole frame of a camera without regions is no rectangle that could be moved.
  function take({ regions: all, whole }) {
    mine = whole.includes(camera) ? [] : all.filter((one) => one.camera === camera);
    layer.show(mine);
    words.textContent = t(mine.length ? "regions.edit_about" : "regions.none");
  }

  async function save(region, before = region.name) {
    const { x, y, width, height, classes, trigger = null } = region;
    const exists = mine.some((one) => one.name === before);
    const changed = await attempt(() => put("/regions", { camera, name: region.name, x, y, width, height, classes, trigger, before: exists ? before : null }));
    if (changed) take(changed);
    else layer.show(mine);
    return changed;
  }

  async function move(name, box) {
    const region = mine.find((one) => one.name === name);
    if (region) await save({ ...region, ...box });
  }

  async function draw(box) {
    const name = freeName(mine);
    if (await save({ name, ...box, classes: null })) {
      layer.select(name);
      panel.querySelector("input")?.select();
      panel.scrollIntoView({ block: "nearest" });
    }
  }

  function select(name) {
    const region = mine.find((one) => one.name === name);
    panel.hidden = !region;
    fill(panel, region && detailsOf(region));
  }

  function detailsOf(region) {
    const id = freshId("region");
    const input = h("input", { id, type: "text", value: region.name, maxlength: 40, autocomplete: "off", enterkeyhint: "done" });
    const rename = h(
      "form.naming",
      {
        onsubmit: async (event) => {
          event.preventDefault();
          const name = input.value.trim();
          const now = mine.find((one) => one.name === region.name);
          if (!name || !now) return input.focus();
          if (!(await save({ ...now, name }, region.name))) return undefined;
          notice(t("regions.named", { name }));
          return layer.select(name);
        },
      },
      h("div.field", {}, h("label", { for: id }, t("regions.name")), input),
      button(t("regions.rename"), { kind: "tall", type: "submit" }),
    );
    return [rename, when(region), among(region), h("div.row", {}, linkButton(t("regions.live"), way("live", { camera, region: region.name }), { symbol: "live" }), button(t("regions.remove"), { symbol: "trash", kind: "danger", onpress: () => remove(region.name) }))];
  }

  function when(region) {
    const id = freshId("trigger");
    // One that was given on the command line, too.
    const words = [...new Set([...TRIGGERS, region.trigger])];
    const change = async () => {
      const now = mine.find((one) => one.name === region.name);
      if (now) await save({ ...now, trigger: input.value });
    };
    const input = h("select", { id, onchange: change }, words.map((word) => h("option", { value: word }, triggerWords(word))));
    input.value = region.trigger;
    return h("div.field", {}, h("label", { for: id }, t("regions.trigger")), input);
  }

  // The classes that the region answers among: all of them, unless some are chosen.
  function among(region) {
    if (!known.classes.length) return null;
    const boxes = known.classes.map(({ label }) => {
      const input = h("input", { type: "checkbox", role: "switch", checked: region.classes?.includes(label) ?? false, onchange: () => set() });
      return { label, input, element: h("label.switch", {}, input, h("span", {}, label)) };
    });
    const set = async () => {
      const now = mine.find((one) => one.name === region.name);
      const chosen = boxes.filter(({ input }) => input.checked).map(({ label }) => label);
      if (now) await save({ ...now, classes: chosen.length ? chosen : null });
    };
    return h("details", {}, h("summary", {}, t("regions.among")), h("p.quiet", {}, t("regions.among_about")), boxes.map(({ element }) => element));
  }

  async function remove(name) {
    const done = await confirm({
      title: t("regions.remove_title", { name }),
      words: t("regions.remove_words"),
      yes: t("regions.remove"),
      kind: "danger sure",
      act: () => erase("/regions", { camera, name }),
    });
    if (!done) return;
    take(done);
    select(null);
    notice(t("regions.removed", { name }));
  }

  take(answer);
  const add = button(t("regions.add"), { symbol: "add_region", kind: "primary tall wide", onpress: () => draw({ x: 0.3, y: 0.3, width: 0.4, height: 0.4 }) });
  const choice = names.length > 1 && cameraChoice(names, camera);
  const head = h("div.head", {}, h("a.button.icon-only.plain", { href: way("more"), "aria-label": t("back") }, icon("back")), h("h1", {}, t("regions.title")));
  const element = h("div.regions-edit", {}, head, choice, source.element, h("div.stack", {}, words, add, panel));
  const watch = setInterval(async () => source.update((await get("/camera", { camera }).catch(() => ({}))).camera), 2000);
  return {
    title: t("regions.title"),
    element,
    leave: () => {
      clearInterval(watch);
      layer.close();
      source.close();
    },
  };
}

function cameraChoice(names, camera) {
  const id = freshId("camera");
  const input = h("select", { id, onchange: () => go("regions", { camera: input.value }, { replace: true }) }, names.map((name) => h("option", { value: name }, name)));
  input.value = camera;
  return h("div.field", {}, h("label", { for: id }, t("regions.camera")), input);
}

function triggerWords(word) {
  const every = word.match(/^every (.+?) ?s$/);
  return every ? t("regions.trigger.every", { seconds: every[1] }) : t(`regions.trigger.${word || "started"}`);
}

function freeName(mine) {
  for (let number = 1; ; number += 1) {
    const name = t("regions.new", { number });
    if (name !== WHOLE && !mine.some((one) => one.name === name)) return name;
  }
}

function none() {
  const head = h("div.head", {}, h("a.button.icon-only.plain", { href: way("more"), "aria-label": t("back") }, icon("back")), h("h1", {}, t("regions.title")));
  return { title: t("regions.title"), element: h("div", {}, head, h("div.empty", {}, icon("camera"), h("p", {}, t("regions.no_camera")))) };
}
