// The nodes of the section as a tree: labeled ones in color, the others dim.

import { $, make } from "./dom.js";

export function drawTree(section) {
  $("tree").replaceChildren(...section.visible().map((node) => row(section, node)));
}

// Marks the row of the chosen node, which is the one that Tab reaches.
export function chooseRow(chosen) {
  const before = document.querySelector('#tree [aria-selected="true"]');
  const now = document.querySelector(`#tree [data-node="${chosen}"]`);
  for (const [item, is] of [[before, false], [now, true]]) {
    item?.setAttribute("aria-selected", String(is));
    item?.setAttribute("tabindex", is ? 0 : -1);
  }
}

function row(section, node) {
  const { tag, text, holds } = section.nodes[node];
  const element = section.element(node);
  const faults = section.faultsAt(node);
  const item = make("div", {
    role: "treeitem",
    "aria-level": section.depth[node] + 1,
    "aria-selected": "false",
    "data-node": node,
    tabindex: -1,
    class: [element ? "labeled" : "bare", faults.length ? "faulty" : "",
      section.undecided.includes(node) ? "undecided" : ""].join(" "),
  });
  item.style.paddingLeft = `${6 + 14 * section.depth[node]}px`;
  const foldable = section.hasChildren(node);
  if (foldable) item.setAttribute("aria-expanded", String(!section.isFolded(node)));
  item.append(make("span", { class: "fold", "aria-hidden": "true" },
    foldable ? (section.isFolded(node) ? "▸" : "▾") : ""));
  if (element) {
    const mark = make("i");
    mark.style.background = section.elements.get(element).color;
    item.append(mark, make("b", {}, element));
  }
  item.append(make("code", {}, tag));
  const shown = text || holds.map((kind) => ({ src: "picture", svg: "drawing" })[kind] || "").join(" ");
  if (shown) item.append(make("span", { class: text ? "text" : "text kind" }, shown));
  item.append(end(section, node, faults));
  return item;
}

// What stands at the end of a row: broken rules, readers, how sure, whether judged.
function end(section, node, faults) {
  const out = make("span", { class: "end" });
  for (const fault of faults) out.append(make("span", { class: "fault" }, `! ${fault.rule}`));
  section.sidesOf(node).forEach(([reader, said], which) => {
    out.append(make("span", { class: "said" }, make("kbd", {}, which + 1), ` ${reader}: ${said || "none"}`));
  });
  const proposal = section.proposal(node);
  if (section.seen.includes(node)) {
    out.append(make("span", { class: "judged", title: "judged by you" }, "✓"));
  } else if (proposal && section.element(node)) {
    const sure = `${Math.round(100 * proposal.confidence)} %`;
    out.append(make("small", { class: section.isUnsure(node) ? "unsure" : "" }, sure));
  } else if (section.isMissed(node)) {
    out.append(make("small", { class: "unsure" }, "no label"));
  }
  return out;
}

// Puts the keyboard where the chosen node is.
export function focusTree() {
  const item = document.querySelector('#tree [aria-selected="true"]');
  item?.focus({ preventScroll: true });
  item?.scrollIntoView({ block: "nearest" });
}
