"use strict";
// Searching and sorting the stories of this page; its address keeps both: #search=…&sort=…
(() => {
const byId = id => document.getElementById(id);
const form = byId("controls"), search = byId("search"), sort = byId("sort"), shown = byId("shown");
const lists = [...document.querySelectorAll(".stories")], rows = lists.flatMap(list => [...list.children]);
form.hidden = rows.length < 2;
const number = (row, name) => name in row.dataset ? +row.dataset[name] : -1;
const ORDERS = {
  catastrophe: (a, b) => number(b, "catastrophe") - number(a, "catastrophe"),
  success: (a, b) => number(b, "success") - number(a, "success"),
  made: (a, b) => b.dataset.made.localeCompare(a.dataset.made),
  title: (a, b) => a.dataset.title.localeCompare(b.dataset.title),
};
const START = sort.value;

function update() {
  const words = search.value.toLowerCase().split(/\s+/).filter(word => word);
  for (const row of rows) row.hidden = !words.every(word => row.dataset.search.includes(word));
  for (const list of lists) {
    list.append(...[...list.children].sort(ORDERS[sort.value]));
    list.closest("section").hidden = [...list.children].every(row => row.hidden);
  }
  const left = rows.filter(row => !row.hidden).length;
  shown.textContent = words.length ? `${left} of ${rows.length} stories` : "";
}
function write() {
  const state = new URLSearchParams();
  if (search.value) state.set("search", search.value);
  if (sort.value !== START) state.set("sort", sort.value);
  history.replaceState(null, "", state.size ? "#" + state : location.pathname + location.search);
}
function read() {
  const state = new URLSearchParams(location.hash.slice(1));
  search.value = state.get("search") ?? "";
  sort.value = Object.hasOwn(ORDERS, state.get("sort") ?? "") ? state.get("sort") : START;
  update();
}
let waiting;
form.addEventListener("submit", event => event.preventDefault());
form.addEventListener("input", () => {
  update();
  clearTimeout(waiting);
  waiting = setTimeout(write, 250); // browsers refuse many changes of the address in a short time
});
addEventListener("hashchange", read);
read();
})();
