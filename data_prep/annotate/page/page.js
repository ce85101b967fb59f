// Reading sections: what keys do, and the requests that save each decision before it is shown.

import { drawAbout, drawHelp } from "./about.js";
import { $, make } from "./dom.js";
import { drawBoxes, drawChosen, loadPicture, nodeAt, scrollToBox } from "./picture.js";
import { CATEGORY, Section } from "./section.js";
import { chooseRow, drawTree, focusTree } from "./tree.js";

let names = [], states = [], readers = [], elements = new Map();
let at = 0, section = null, chosen = 0;
let queue = Promise.resolve(); // decisions are sent one after another

function say(text, bad = false) {
  $("status").textContent = text;
  $("status").className = bad ? "bad" : "";
}

// --- requests ----------------------------------------------------------------------------------

async function ask(path, body) {
  const options = body && {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Error("the command has ended: start it again. What was decided is saved, all but this.");
  }
  const told = await response.json();
  if (!response.ok) throw Object.assign(new Error(told.error), { stale: response.status === 409 });
  return told;
}

const pathOf = (name) => `sections/${encodeURIComponent(name)}`;

// Sends a decision about the section that is shown; `then` is called when it is saved. Whatever the
// keyboard does meanwhile is about what it sees, so the chosen node moves at once, not in `then`.
function decide(asked, then) {
  const decided = section;
  queue = queue.then(async () => {
    if (section !== decided) {
      say("That key came while another section was being opened: it did nothing.", true);
      return;
    }
    const { name } = section;
    try {
      const told = await ask(`${pathOf(name)}/decide`, { ...asked, version: section.version });
      section.update(told);
      states[names.indexOf(name)] = told.state;
      say("Saved.");
      then?.();
      draw();
    } catch (error) {
      if (error.stale) await load(at);
      if (asked.do === "finish" && section.open().length) choose(firstOpen());
      say(error.message, true);
    }
  });
}

// Opens a section, after all that was decided before; `message` is shown with it.
function open(number, message = "") {
  queue = queue.then(() => load(number, message));
  return queue;
}

async function load(number, message = "") {
  at = Math.min(Math.max(number, 0), names.length - 1);
  const name = names[at];
  section = null;
  try {
    section = new Section(await ask(pathOf(name)), elements);
  } catch (error) {
    for (const id of ["picture", "tree", "about"]) $(id).replaceChildren();
    drawHeader();
    $("origin").textContent = "";
    say(error.message, true);
    return;
  }
  chosen = 0;
  say(message);
  loadPicture(name, drawPicture);
  draw();
  focusTree();
}

// --- drawing -------------------------------------------------------------------------------------

function draw() {
  drawHeader();
  if (!section) return;
  const focused = document.activeElement === document.body || $("tree").contains(document.activeElement);
  drawTree(section);
  drawPicture();
  show();
  if (focused) focusTree();
}

function drawPicture() {
  if (!section) return;
  drawBoxes(section);
  drawChosen(section, chosen);
}

// Shows which node is chosen; the rest is as it was.
function show() {
  chooseRow(chosen);
  drawChosen(section, chosen);
  drawAbout(section, chosen);
  scrollToBox(section, chosen);
}

function drawHeader() {
  const done = states.filter((state) => state === "finished").length;
  const out = states.filter((state) => state === "left out").length;
  $("name").textContent = names[at];
  $("done").textContent = `${done} of ${names.length} finished${out ? `, ${out} left out` : ""}`;
  $("bar").max = names.length;
  $("bar").value = done + out;
  $("number").value = at + 1;
  $("number").max = names.length;
  $("of").textContent = `of ${names.length}`;
  document.title = `${at + 1} of ${names.length}: ${names[at]}`;
  $("state").textContent = states[at];
  $("state").className = states[at].replace(" ", "-");
  if (!section) return;
  const open = section.open().length;
  $("origin").textContent = [
    `${Object.keys(section.labels).length} labels`, section.origin, open ? `${open} to look at` : "nothing left to look at",
    section.left_out ? `left out: ${section.left_out}` : ""].filter(Boolean).join(" · ");
  $("category").value = section.category;
  $("category").className = section.undecided.includes(CATEGORY) ? "undecided" : "";
  const said = section.sidesOf(CATEGORY).map(([reader, what]) => `${reader}: ${what}`);
  $("category-sides").textContent = said.join("  ");
}

function choose(node) {
  if (node === CATEGORY) { $("category").focus(); return; }
  chosen = node;
  if (section.reveal(node)) draw();
  else show();
  focusTree();
}

// --- what keys do ----------------------------------------------------------------------------------

function step(by) {
  const rows = section.visible();
  const to = rows[rows.indexOf(chosen) + by];
  if (to !== undefined) choose(to);
}

function outwards() {
  const { parent } = section.nodes[chosen];
  if (section.hasChildren(chosen) && !section.isFolded(chosen) && section.isLeaf(chosen)) {
    section.folded.set(chosen, true);
    draw();
  } else if (parent >= 0) choose(parent);
}

function inwards() {
  if (!section.hasChildren(chosen)) return;
  if (section.isFolded(chosen)) {
    section.folded.set(chosen, false);
    draw();
  } else choose(chosen + 1);
}

function fold() {
  section.folded.set(chosen, !section.isFolded(chosen));
  draw();
}

// The first of some nodes after the chosen one, or of all.
function after(nodes) {
  return nodes.find((node) => node > chosen) ?? nodes[0];
}

function firstOpen() {
  const broken = section.faults.map((fault) => Math.max(fault.node, 0));
  return broken[0] ?? section.undecided[0] ?? section.open()[0] ?? 0;
}

function nextOpen() {
  const open = section.open();
  if (!open.length) say("Nothing left to look at: Enter finishes the section.");
  else choose(after(open));
}

function accept() {
  decide({ do: "accept", node: chosen });
  const next = section.visible().find((node) => node > chosen && section.element(node));
  if (next !== undefined) choose(next);
}

function move(to) {
  const node = chosen;
  decide({ do: "move", node, to });
  choose(to === "out" ? Math.max(section.nodes[node].parent, 0) : node + 1);
}

// Takes what the first (0) or second (1) reader said of the chosen node, or of the category.
function take(which) {
  const reader = readers[which];
  if (!reader) { say("There are no two readers to choose from.", true); return; }
  const ofCategory = document.activeElement === $("category");
  const side = section.sides[reader];
  const node = ofCategory ? CATEGORY : chosen;
  const element = side.labels[node];
  if (ofCategory) decide({ do: "category", category: side.category });
  else if (element === section.element(node)) decide({ do: "accept", node });
  else if (element) decide({ do: "label", node, element });
  else decide({ do: "unlabel", node });
  const left = section.undecided.filter((each) => each !== node);
  if (left.length) choose(left.find((each) => each > node) ?? left[0]);
  else if (ofCategory) focusTree();
}

function finish() {
  const done = names[at];
  decide({ do: "finish" }, () => {
    const waits = (state) => state === "open" || state === "begun";
    let next = states.findIndex((state, number) => number > at && waits(state));
    if (next < 0) next = states.findIndex(waits);
    if (next < 0) say(`All ${names.length} sections are read.`);
    else open(next, `${done} is finished.`);
  });
}

function leaveOut() {
  $("why").value = section.left_out;
  $("leave").showModal();
}

const KEYS = {
  ArrowUp: () => step(-1),
  ArrowDown: () => step(1),
  ArrowLeft: outwards,
  ArrowRight: inwards,
  Home: () => choose(0),
  End: () => choose(section.visible().at(-1)),
  "shift ArrowLeft": () => move("out"),
  "shift ArrowRight": () => { if (section.hasChildren(chosen)) move("in"); },
  " ": accept,
  x: () => decide({ do: "unlabel", node: chosen }),
  Delete: () => decide({ do: "unlabel", node: chosen }),
  X: () => decide({ do: "unlabel", node: chosen, inside: true }),
  ".": nextOpen,
  u: () => decide({ do: "undo" }),
  U: () => decide({ do: "redo" }),
  "ctrl z": () => decide({ do: "undo" }),
  "ctrl Z": () => decide({ do: "redo" }),
  "ctrl y": () => decide({ do: "redo" }),
  1: () => take(0),
  2: () => take(1),
  Enter: finish,
  "-": leaveOut,
  "/": () => $("category").focus(),
};
// These work without a section, too.
const ANYWHERE = {
  PageUp: () => open(at - 1),
  PageDown: () => open(at + 1),
  G: () => $("number").select(),
  "?": () => $("help").showModal(),
};

function onKey(event) {
  if (event.altKey || document.querySelector("dialog[open]")) return;
  const inTree = document.activeElement === document.body || $("tree").contains(document.activeElement);
  const inCategory = document.activeElement === $("category");
  if (!inTree && !(inCategory && /^[12]$/.test(event.key))) return;
  const control = event.ctrlKey || event.metaKey;
  const arrow = event.shiftKey && event.key.startsWith("Arrow");
  const name = control ? `ctrl ${event.key}` : arrow ? `shift ${event.key}` : event.key;
  const element = [...elements.values()].find((each) => each.key === name);
  let act = ANYWHERE[name] ?? (section && KEYS[name]);
  if (section && element) act = () => decide({ do: "label", node: chosen, element: element.name });
  if (!act) return;
  event.preventDefault();
  act();
}

// --- for the mouse -----------------------------------------------------------------------------------

function drawToolbars() {
  const buttons = [...elements.values()].map(({ name, key, color }) => {
    const mark = make("i");
    mark.style.background = color;
    const button = make("button", { type: "button", tabindex: -1 }, make("kbd", {}, key), mark, name);
    button.addEventListener("click", () => section && decide({ do: "label", node: chosen, element: name }));
    return button;
  });
  $("elements").replaceChildren(...buttons);
  const actions = [
    ["Space", "Right", accept], ["x", "No label", KEYS.x], [".", "Next to look at", nextOpen],
    ["u", "Undo", KEYS.u], ["Shift+U", "Redo", KEYS.U], ["-", "Leave out", leaveOut], ["Enter", "Finish", finish]];
  $("actions").replaceChildren(...actions.map(([key, text, act]) => {
    const button = make("button", { type: "button", tabindex: -1, class: key === "Enter" ? "main" : "" }, `${text} `, make("kbd", {}, key));
    button.addEventListener("click", () => section && act());
    return button;
  }));
}

document.addEventListener("keydown", onKey);
// Buttons are for the mouse: the keyboard stays with the tree.
for (const id of ["elements", "actions"]) {
  $(id).addEventListener("mousedown", (event) => event.preventDefault());
}
$("tree").addEventListener("click", (event) => {
  const item = event.target.closest("[role=treeitem]");
  if (!item) return;
  choose(Number(item.dataset.node));
  if (event.target.closest(".fold")) fold();
});
$("picture").addEventListener("click", (event) => {
  if (!section || !event.target.closest(".sheet")) return;
  // A second click on the same place goes on to the innermost node, labeled or not.
  let node = nodeAt(section, event, event.shiftKey);
  if (node < 0 || node === chosen) node = nodeAt(section, event, true);
  if (node >= 0) choose(node);
});
$("category").addEventListener("change", (event) => {
  // The keyboard stays: the next letter that is typed may still be meant for this list.
  decide({ do: "category", category: event.target.value });
});
$("category").addEventListener("keydown", (event) => {
  if (event.key === "Escape" || event.key === "Enter") { event.preventDefault(); event.stopPropagation(); focusTree(); }
});
$("number").addEventListener("change", (event) => {
  event.target.blur();
  open(Number(event.target.value) - 1);
});
$("leave").addEventListener("close", () => {
  if ($("leave").returnValue === "yes") decide({ do: "leave out", why: $("why").value });
  $("leave").returnValue = "";
  focusTree();
});
$("help").addEventListener("close", focusTree);
$("previous").addEventListener("click", () => open(at - 1));
$("next").addEventListener("click", () => open(at + 1));
$("help-open").addEventListener("click", () => $("help").showModal());
addEventListener("resize", drawPicture);

try {
  const told = await ask("start");
  ({ names, states, readers = [] } = told);
  elements = new Map(told.elements.map((each) => [each.name, each]));
  const who = told.adjudicator ? `${told.adjudicator} decides between ${readers.join(" and ")}` : `${told.reader} reads`;
  $("reader").textContent = `· ${who}`;
  $("category").replaceChildren(new Option("choose …", ""), ...told.categories.map((each) => new Option(each)));
  drawToolbars();
  drawHelp(elements);
  const first = states.findIndex((state) => state === "open" || state === "begun");
  await open(Math.max(first, 0));
} catch (error) {
  say(error.message, true);
}
