// What is known of the chosen node, and the dialog with keys and rules.

import { $, make } from "./dom.js";

const ACTIONS = [
  ["↑ ↓", "the node before, after"],
  ["← →", "the node around; the first node inside (folds and unfolds)"],
  ["a letter", "labels the node; a leaf takes the labels inside it away (they are merged)"],
  ["Space", "the label, or that there is none, is right; then the next label"],
  ["x", "takes the label away; those inside move up"],
  ["Shift+X", "takes the labels inside away, too"],
  ["Shift+←  Shift+→", "gives the label to the node around, or to the first node inside"],
  [".", "the next node that wants a look: a rule broken, readers who differ, a proposal below 90 %, a text or picture without a label"],
  ["u  Shift+U", "undoes, redoes (also Ctrl+Z, Ctrl+Shift+Z)"],
  ["/", "the category; Enter goes back to the tree"],
  ["1  2", "in adjudication: what the first, the second reader said"],
  ["Enter", "the section is finished; on to the next one that is not"],
  ["-", "leaves the section out, with a reason"],
  ["PageUp  PageDown", "the section before, after; Shift+G goes to a number"],
];

export function drawAbout(section, node) {
  const { tag, classes, box } = section.nodes[node];
  const element = section.element(node);
  const lines = [];
  for (const fault of section.faults) {
    if (fault.node !== node && fault.node >= 0) continue;
    const hint = fault.mend ? `: ${fault.mend}` : "";
    lines.push(make("p", { class: "fault" }, `! ${fault.rule}${hint}`));
  }
  if (element) {
    const guide = section.elements.get(element);
    const title = make("p", {}, make("b", {}, element), ` ${guide.is}`);
    lines.push(title, make("ul", {}, ...guide.mind.map((each) => make("li", {}, each))));
  } else lines.push(make("p", {}, "No label. To wrap what is in this node, press w; to merge it, press the key of a leaf."));
  const told = section.proposal(node);
  if (told) {
    const sure = Math.round(100 * told.confidence);
    const first = section.start.labels[node];
    lines.push(make("p", { class: "quiet" }, `Proposed: ${first}, ${sure} %, rule ${told.rule}: ${told.why}`));
  }
  const place = box ? ` · ${box.map(Math.round).join(" ")}` : "";
  lines.push(make("p", { class: "quiet" }, make("code", {}, tag), ` ${classes}${place}`));
  $("about").replaceChildren(...lines);
}

export function drawHelp(elements) {
  const keys = ACTIONS.map(([key, what]) =>
    make("tr", {}, make("th", {}, ...key.split("  ").flatMap((each) => [make("kbd", {}, each), " "])), make("td", {}, what)));
  $("keys").replaceChildren(make("table", {}, ...keys));
  const meanings = [...elements.values()].map(({ name, key, color, is, mind }) => {
    const mark = make("i");
    mark.style.background = color;
    return make("tr", {},
      make("th", {}, make("kbd", {}, key), " ", mark, name),
      make("td", {}, is, ...mind.map((each) => make("div", { class: "quiet" }, each))));
  });
  $("meanings").replaceChildren(make("table", {}, ...meanings));
}
