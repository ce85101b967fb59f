"use strict";
// What the pages of all tasks share. A page's own script follows and ends with `start`.
const $ = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";

function say(text, bad = false) {
  $("status").textContent = text;
  $("status").className = bad ? "bad" : "";
}

// The same color for the same label, in the picture and beside it.
function color(label) {
  let hash = 7;
  for (const letter of label) hash = (hash * 31 + letter.charCodeAt(0)) % 3600;
  return `hsl(${hash / 10} 75% 42%)`;
}

function isJson(file) {
  return /\.json$/.test(file.name) || file.type === "application/json";
}

// An element of a drawing.
function draw(tag, attributes, text = "") {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = text;
  return element;
}

// A drawing with the image of an address, or null, under whatever is added to it.
function drawOn(address, [width, height], label) {
  const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
  if (address) svg.append(draw("image", { href: address, width, height, preserveAspectRatio: "none" }));
  return svg;
}

// Marks what a selector finds, and nothing else: a part of the answer, in the picture and beside it.
function mark(selector) {
  for (const each of document.querySelectorAll(".on")) each.classList.remove("on");
  for (const each of document.querySelectorAll(selector)) each.classList.add("on");
}

async function ask(page) {
  $("ask").disabled = true;
  say(page.waiting);
  const began = performance.now();
  try {
    const form = new FormData();
    await page.fill(form);
    const headers = $("model").value ? { "X-Model": $("model").value } : {};
    const response = await fetch("v1/{{TASK}}", { method: "POST", body: form, headers });
    const told = await response.json();
    if (!response.ok) { say(`${told.title}: ${told.detail}`, true); return; }
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    page.show(told);
    $("copy").disabled = false;
    const instead = told.fallback ? [`In place of ${told.fallback.from} (${told.fallback.reason}):`] : [];
    say([...instead, ...page.summary(told, `${seconds} s`)].join("\n"));
  } catch (error) {
    say(`No answer: ${error.message}`, true);
  } finally {
    $("ask").disabled = false;
  }
}

// Lets people choose files and ask. A page has:
//   take(file)              keeps a file that was chosen; false where it is of no use here
//   others                  what such a file is: "neither … nor …"
//   files(), ready()        the files that are kept; whether they are enough to ask
//   waiting                 what is said until there is an answer
//   fill(form)              adds the fields of the request
//   show(told)              shows an answer
//   summary(told, seconds)  lines that are said of it
//   models(models)          perhaps: what follows from the models that the service has
async function start(page) {
  function take(files) {
    for (const file of files) if (!page.take(file)) say(`${file.name} is ${page.others}.`, true);
    const names = page.files().map((file) => file.name);
    if (names.length) $("files").textContent = `Chosen: ${names.join(" and ")}`;
    $("ask").disabled = !page.ready();
  }

  $("drop").addEventListener("submit", (event) => { event.preventDefault(); ask(page); });
  $("choose").addEventListener("click", () => $("input").click());
  $("input").addEventListener("change", (event) => take(event.target.files));
  for (const name of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(name, (event) => {
      event.preventDefault();
      $("drop").classList.toggle("over", name === "dragover");
      if (name === "drop") { take(event.dataTransfer.files); if (page.ready()) ask(page); }
    });
  }
  $("copy").addEventListener("click", async () => {
    await navigator.clipboard.writeText($("text").textContent);
    say("Copied.");
  });
  try {
    const { models } = await (await fetch("v1/models")).json();
    const names = models.map((each) => new Option(`${each.name} (${each.version})`, each.name));
    if (models.length > 1) names.unshift(new Option("by weight", ""));
    $("model").replaceChildren(...names);
    page.models?.(models);
  } catch (error) {
    say(`The service does not answer: ${error.message}`, true);
  }
}
