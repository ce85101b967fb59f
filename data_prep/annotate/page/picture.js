// The screenshot with a box for every label: containers are frames, leaves are tinted.

import { $, make, makeSvg } from "./dom.js";

const INSET = 2; // px by which a frame inside another one is moved in, since boxes are often equal

// Shows the picture of another section; `then` is called when its size is known.
export function loadPicture(name, then) {
  const image = make("img", { alt: "The section as it was captured" });
  image.addEventListener("load", then);
  image.addEventListener("error", () => $("picture").append(make("p", {}, "The screenshot cannot be shown.")));
  image.src = `sections/${encodeURIComponent(name)}/picture`;
  $("picture").replaceChildren(make("div", { class: "sheet" }, image));
  $("picture").scrollTop = 0;
}

// A box for every label.
export function drawBoxes(section) {
  const labeled = Object.keys(section.labels).map(Number);
  const depth = depths(section, labeled);
  overlay("labels", (px) => labeled.flatMap((node) => box(section, node, depth.get(node), px, false)));
}

// The box of the chosen node over all others, with its name.
export function drawChosen(section, chosen) {
  overlay("chosen", (px) => box(section, chosen, 0, px, true));
}

// Replaces a drawing over the screenshot. `draw` gets the px of the picture for one of the screen.
function overlay(name, draw) {
  const sheet = document.querySelector("#picture .sheet");
  const image = sheet?.querySelector("img");
  sheet?.querySelector(`svg.${name}`)?.remove();
  if (!image?.naturalWidth) return;
  const { naturalWidth: width, naturalHeight: height } = image;
  const px = width / (image.clientWidth || width);
  const about = { class: name, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" };
  sheet.append(makeSvg("svg", about, ...draw(px)));
}

// How many labels each label is in.
function depths(section, labeled) {
  const out = new Map(), open = [];
  for (const node of labeled) {
    while (open.length && section.nodes[open.at(-1)].end <= node) open.pop();
    out.set(node, open.length);
    open.push(node);
  }
  return out;
}

function box(section, node, depth, px, chosen) {
  const at = section.nodes[node].box;
  if (!at) return [];
  const element = section.element(node);
  const about = section.elements.get(element);
  const frame = !about || about.container;
  const inset = frame && !chosen ? INSET * depth * px : 0;
  const [x, y] = [at[0] + inset, at[1] + inset];
  const size = [at[2], at[3]].map((side) => Math.max(side - 2 * inset, 2 * px));
  const color = about ? about.color : "#777777";
  const rect = makeSvg("rect", {
    x, y, width: size[0], height: size[1], fill: color, stroke: color,
    "fill-opacity": frame ? (chosen ? 0.06 : 0) : chosen ? 0.25 : 0.14,
    "stroke-width": (chosen ? 3.5 : 1.5) * px,
    "stroke-dasharray": about ? "none" : `${6 * px} ${4 * px}`,
  });
  if (!chosen) return [rect];
  const text = element || section.nodes[node].tag;
  const height = 17 * px, above = y >= height ? y - height : y;
  const back = makeSvg("rect", {
    x, y: above, width: (text.length * 8 + 10) * px, height, fill: "#1c2430" });
  const name = makeSvg("text", {
    x: x + 5 * px, y: above + 12.5 * px, "font-size": 12.5 * px, fill: "#ffffff" });
  name.textContent = text;
  return [rect, back, name];
}

// The node under the pointer: the smallest labeled one, or with `any` the smallest of all.
export function nodeAt(section, event, any) {
  const image = document.querySelector("#picture img");
  const edge = image.getBoundingClientRect();
  const scale = image.naturalWidth / edge.width;
  const x = (event.clientX - edge.left) * scale, y = (event.clientY - edge.top) * scale;
  let found = -1, least = Infinity;
  section.nodes.forEach(({ box: at }, node) => {
    if (!at || (!any && section.element(node) === undefined)) return;
    const inside = x >= at[0] && y >= at[1] && x <= at[0] + at[2] && y <= at[1] + at[3];
    if (inside && at[2] * at[3] <= least) [found, least] = [node, at[2] * at[3]];
  });
  return found;
}

// Brings the chosen node's box into view.
export function scrollToBox(section, chosen) {
  const pane = $("picture"), image = pane.querySelector("img");
  const at = chosen >= 0 ? section.nodes[chosen].box : null;
  if (!at || !image?.naturalWidth) return;
  const scale = image.clientWidth / image.naturalWidth;
  const top = at[1] * scale, bottom = (at[1] + at[3]) * scale;
  if (top < pane.scrollTop || bottom > pane.scrollTop + pane.clientHeight) {
    pane.scrollTop = Math.max(0, top - 40);
  }
}
