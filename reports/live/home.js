"use strict";
// The list of stories and states: only those that hold every word that is looked for.
(() => {
const field = document.getElementById("search");
const items = [...document.querySelectorAll(".stories > li, #saved tbody tr")];
field.closest("p").hidden = false;
field.addEventListener("input", () => {
  const words = field.value.toLowerCase().split(/\s+/).filter(word => word);
  for (const item of items) item.hidden = !words.every(word => item.textContent.toLowerCase().includes(word));
  const left = items.filter(item => !item.hidden).length;
  document.getElementById("left").textContent = words.length ? `${left} of ${items.length} match.` : "";
});
})();
