// The page's own icons, drawn on a grid of 24 with a stroke of 2.

const SHAPES = {
  live: ["M4 8V6a2 2 0 0 1 2-2h2", "M16 4h2a2 2 0 0 1 2 2v2", "M20 16v2a2 2 0 0 1-2 2h-2", "M8 20H6a2 2 0 0 1-2-2v-2", "M12 9a3 3 0 1 0 .01 0"],
  teach: ["M12 5v14", "M5 12h14", "M12 2a10 10 0 1 0 .01 0"],
  unknown: ["M9 9.2a3 3 0 1 1 4.2 2.8c-.8.4-1.2.9-1.2 1.9", "M12 17.4v.1", "M12 2a10 10 0 1 0 .01 0"],
  classes: ["M4 4h6v6H4z", "M14 4h6v6h-6z", "M4 14h6v6H4z", "M14 14h6v6h-6z"],
  more: ["M4 7h16", "M4 12h16", "M4 17h16"],
  check: ["M5 12.5l4.5 4.5L19 7.5"],
  warn: ["M12 3.5L2.5 20h19z", "M12 10v4.5", "M12 17.2v.1"],
  stop: ["M8 2.5h8L21.5 8v8L16 21.5H8L2.5 16V8z", "M8.5 8.5l7 7", "M15.5 8.5l-7 7"],
  remove: ["M6 6l12 12", "M18 6L6 18"],
  trash: ["M4 7h16", "M9 7V4h6v3", "M6 7l1 13h10l1-13", "M10 11v5", "M14 11v5"],
  undo: ["M8 4L4 8l4 4", "M4 8h9a6 6 0 0 1 0 12H9"],
  back: ["M15 5l-7 7 7 7"],
  forward: ["M9 5l7 7-7 7"],
  camera: ["M4 8h3.5L9 5.5h6L16.5 8H20v11H4z", "M12 10a3.3 3.3 0 1 0 .01 0"],
  phone: ["M8 2.5h8v19H8z", "M11 18.5h2"],
  files: ["M4 18.5V5.5h6l2 2.5h8v10.5z", "M12 11v5", "M9.5 13.5L12 11l2.5 2.5"],
  edit: ["M4 20l1-4L16 5l3 3L8 19z", "M14 7l3 3"],
  merge: ["M6 4v4c0 4 6 4 6 8v4", "M18 4v4c0 4-6 4-6 8", "M9.5 17.5L12 20l2.5-2.5"],
  wrong: ["M7 3.5h10.5L20 14h-6l1 6.5h-2L8 14V4", "M4 4v10"],
  history: ["M4 12a8 8 0 1 0 2.5-5.8", "M4 4v4h4", "M12 8v4.5l3 2"],
  storage: ["M12 3c5 0 8 1.4 8 3s-3 3-8 3-8-1.4-8-3 3-3 8-3", "M4 6v12c0 1.6 3 3 8 3s8-1.4 8-3V6", "M4 12c0 1.6 3 3 8 3s8-1.4 8-3"],
  doctor: ["M3 12h4l2.5-6 4 12 2.5-6h5"],
  settings: ["M4 7h9", "M17 7h3", "M15 5v4", "M4 12h3", "M11 12h9", "M9 10v4", "M4 17h7", "M15 17h5", "M13 15v4"],
  pack: ["M4 8l8-4.5L20 8v8l-8 4.5L4 16z", "M4 8l8 4.5L20 8", "M12 12.5v8"],
  fleet: ["M9 3h6v5H9z", "M3 16h6v5H3z", "M15 16h6v5h-6z", "M12 8v4", "M6 16v-4h12v4"],
  chart: ["M4 20h16", "M7 20v-7", "M12 20V5", "M17 20v-10"],
  add_region: ["M4 4h16v16H4z", "M12 8.5v7", "M8.5 12h7"],
  select: ["M9 12.5l2.5 2.5L20 6", "M20 12v7a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V5a1 1 0 0 1 1-1h10"],
  none: ["M5 12h14"],
  key: ["M8 11a4 4 0 1 0 .01 0", "M11 13l9-9", "M16 8l3 3"],
  pictures: ["M4 5h16v14H4z", "M4 16l5-5 4 4 3-3 4 4", "M15.5 8.5v.1"],
  look: ["M2.5 12C5 7.5 8.5 5.5 12 5.5s7 2 9.5 6.5c-2.5 4.5-6 6.5-9.5 6.5S5 16.5 2.5 12", "M12 9a3 3 0 1 0 .01 0"],
  hold: ["M12 7a5 5 0 1 0 .01 0", "M12 2.5a9.5 9.5 0 1 0 .01 0"],
  flip: ["M4 9a8 8 0 0 1 14-3", "M18 2v4h-4", "M20 15a8 8 0 0 1-14 3", "M6 22v-4h4"],
};

const SPACE = "http://www.w3.org/2000/svg";

/** Draw an icon; it is decoration, the words beside it or its button's label say what it means. */
export function icon(name) {
  const svg = document.createElementNS(SPACE, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("focusable", "false");
  for (const path of SHAPES[name]) {
    const shape = document.createElementNS(SPACE, "path");
    shape.setAttribute("d", path);
    svg.append(shape);
  }
  return svg;
}
