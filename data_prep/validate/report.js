"use strict";
// Filters of the gallery, and a larger view of a picture. The page reads without it, too.
const find = (name) => document.getElementById(name);
const cards = [...document.querySelectorAll(".card")];
const parts = cards.map((card) => JSON.parse(card.dataset.of));

function filter() {
  const [category, element, problem] = ["category", "element", "problem"].map((n) => find(n).value);
  const words = find("words").value.toLowerCase();
  let shown = 0;
  cards.forEach((card, i) => {
    const fits =
      (!category || parts[i][0] === category) &&
      (!element || parts[i][1].includes(element)) &&
      (!problem || parts[i][2].includes(problem)) &&
      card.dataset.words.includes(words);
    card.hidden = !fits;
    shown += fits;
  });
  document.querySelector("output").textContent = `${shown} of ${cards.length} shown`;
  document.body.classList.toggle("plain", !find("boxes").checked);
}

if (cards.length) {
  document.querySelector(".filters").addEventListener("input", filter);
  document.querySelector(".filters").addEventListener("submit", (e) => e.preventDefault());
  filter();
}

const large = find("large");
document.addEventListener("click", (event) => {
  const shot = event.target.closest("svg.shot");
  if (event.target === large || (shot && large.contains(shot))) {
    large.close();
  } else if (shot) {
    const caption = shot.parentElement.querySelector("figcaption b, figcaption");
    const title = document.createElement("p");
    title.textContent = caption ? caption.textContent : "";
    large.replaceChildren(shot.cloneNode(true), title);
    large.showModal();
  }
});
