"use strict";
// Tooltips, links that open what they point into, and sliders that weight the page's draws again.
(() => {
const byId = id => document.getElementById(id);
const make = (tag, facts, ...inside) => {
  const node = Object.assign(document.createElement(tag), facts);
  node.append(...inside);
  return node;
};
const on = (kinds, act, where = window) => kinds.split(" ").forEach(kind => where.addEventListener(kind, act));

// Tooltips: where one points, and on focus; Escape closes them.
const tip = byId("tip");
for (const mark of document.querySelectorAll('[data-tip=""]')) mark.dataset.tip = mark.getAttribute("aria-label");
// Of nodes of the story's graph, what the page has of them: claim, table, and numbers with their sources.
const numbers = [...document.querySelectorAll("#provenance tbody tr")].map(row => [...row.cells].map(cell => cell.textContent));
for (const mark of document.querySelectorAll("[data-row]")) {
  const [head, ...rows] = mark.closest("section").querySelector("table").rows;
  const [name, what, ...rest] = [...rows[mark.dataset.row].cells].map(cell => cell.textContent), own = !what.includes(": ");
  mark.dataset.tip = [name, what, own && byId("is-" + name)?.nextElementSibling.textContent,
    ...rest.map((text, k) => text && `${head.cells[k + 2].textContent}: ${text}`),
    ...numbers.filter(([number]) => own && number.startsWith(name + ".")).slice(0, 2).map(([number, ...words]) => `${number}: ${words.slice(0, 3).join(", ")}`),
  ].filter(text => text).join("\n");
}
for (const mark of document.querySelectorAll("[data-flow]")) {
  const [from, to, chance, worst] = [...mark.closest("section").querySelectorAll("table")[1].rows[+mark.dataset.flow + 1].cells].map(cell => cell.textContent);
  mark.dataset.tip = `${from} → ${to}: ${chance}` + (worst && `; of which worst path ${worst}`);
}
const show = event => {
  const mark = event.target.closest?.("[data-tip]");
  tip.hidden = !mark;
  if (!mark) return;
  tip.textContent = mark.dataset.tip;
  const box = mark.getBoundingClientRect();
  const x = event.clientX ?? box.x, y = event.clientY ?? box.bottom;
  tip.style.left = Math.max(8, Math.min(innerWidth - tip.offsetWidth - 8, x + 12)) + "px";
  tip.style.top = Math.max(8, Math.min(innerHeight - tip.offsetHeight - 8, y + 14)) + "px";
};
if (tip) {
  on("pointermove focusin", show, document);
  on("focusout", () => { tip.hidden = true; }, document);
  on("keydown", event => { if (event.key === "Escape") tip.hidden = true; });
}

// The contents close where one has chosen from them, on Escape, and where one looks elsewhere.
const menu = document.querySelector(".menu");
if (menu) {
  on("click", event => { if (!menu.contains(event.target) || event.target.closest(".menu a")) menu.open = false; }, document);
  on("keydown", event => { if (event.key === "Escape" && menu.open) { menu.open = false; menu.firstElementChild.focus(); } }, document);
}

// Files of tables too long to be in the page twice, from the plain numbers of cells; a text that would be a formula is given as text.
const cell = ({ textContent, dataset: { v } }) => v ?? `"${textContent.replace(/^[=+@\t\r-]/, "'$&").replaceAll('"', '""')}"`;
for (const table of document.querySelectorAll("[data-csv]")) {
  const name = table.dataset.csv, text = [...table.rows].map(row => [...row.cells].map(cell).join() + "\n").join("");
  const link = make("a", { download: name, href: "data:text/csv;charset=utf-8," + encodeURIComponent(text) }, name);
  const fold = table.closest("details"), line = fold.nextElementSibling?.matches(".downloads") ? fold.nextElementSibling : make("p", { className: "downloads" }, "Download: ");
  if (line.isConnected) line.append(", ");
  else fold.after(line);
  line.append(link);
}

const button = (name, act) => make("button", { type: "button", onclick: act }, name);
const copier = (name, text) => button(name, async ({ target }) => {
  try {
    await navigator.clipboard.writeText(text());
    target.textContent = "Copied";
  } catch { target.textContent = "Not allowed: copy by hand"; }
  setTimeout(() => { target.textContent = name; }, 2000);
});
for (const node of document.querySelectorAll("[data-copy]"))
  node.after(copier(`Copy the ${node.dataset.copy}`, () => node.textContent.replace(/\s+/g, " ").trim()));

// The address: #section, #what-if=name:number,… or #section&what-if=…
const KEY = "what-if=";
const parts = () => location.hash.slice(1).split("&").filter(part => part);
const section = () => parts().find(part => !part.startsWith(KEY)) ?? "";
const decoded = text => { try { return decodeURIComponent(text); } catch { return ""; } };
const reveal = () => {
  const found = byId(decoded(section()));
  for (let node = found; node; node = node.parentElement) if (node.tagName === "DETAILS") node.open = true;
  found?.scrollIntoView();
};

// Numbers as storyodds.reports.words.numbers says them, where ties go to the even digit: `up` is rounded
// half up, `exact` begins with the same number of characters and goes on.
const even = (up, exact) => {
  const down = exact.slice(0, up.length);
  return /^\.?50*$/.test(exact.slice(up.length)) && down.at(-1) % 2 === 0 ? down : up;
};
const significant = (x, more) => {
  const [up, exponent] = x.toExponential(more).split("e"), [exact, below] = x.toExponential(60).split("e");
  const chosen = even(up, exact);
  return +(chosen + "e" + (chosen === up ? exponent : below));
};
const percent = p => {
  if (p <= 0) return "0%";
  if (p >= 1 - 1e-12) return "100%";
  if (p < 1e-6) return significant(p, 1).toExponential(1);
  if (p > 1 - 1e-6) return "1 − " + significant(1 - p, 1).toExponential(1);
  if (p > 0.99) {
    const missing = significant(100 * (1 - p), 0);
    return (100 - missing).toFixed(missing.toFixed(10).replace(/0+$/, "").split(".")[1].length) + "%";
  }
  const rounded = significant(100 * p, 1);
  return rounded.toFixed(Math.max(0, 1 - rounded.toExponential().split("e")[1])) + "%";
};
const bits = x => {
  const size = Math.abs(x);
  if (size < 0.005) return "0";
  return (x < 0 ? "−" : "+") + even(size.toFixed(2), size.toFixed(60));
};

// Priors of one number by the place of their center, as in storyodds.models.changes.sliders.
const expit = z => 1 / (1 + Math.exp(-z)), same = x => x;
const LOGIT = [expit, x => Math.log(x / (1 - x))];
const SCALES = { beta: LOGIT, "logit-normal": LOGIT, "log-normal": [Math.exp, Math.log], normal: [same, same] };
const center = (s, place) => SCALES[s.family][0](place);
const delta = (s, place) => s.family === "beta"
  ? s.size * (center(s, place) - center(s, s.start)) : (place - s.start) / s.size ** 2;
const said = (s, place) => (s.kind === "bits" ? bits : percent)(center(s, place));
const prior = (s, place) => {
  const far = 1.6448536269514722 * s.size, p = center(s, place);
  const [a, b] = {
    beta: [p * s.size, (1 - p) * s.size],
    normal: [place, s.size],
    "logit-normal": [expit(place - far), expit(place + far)],
    "log-normal": [Math.exp(place + s.size ** 2 / 2), Math.exp(far)],
  }[s.family].map(x => +x.toPrecision(10));
  if (s.family === "log-normal") return `{lognormal: {mean: ${a}, error_factor: ${b}}}`;
  return s.family === "logit-normal" ? `[${a}, ${b}]` : `{${s.family}: [${a}, ${b}]}`;
};

const what = JSON.parse(byId("page-data")?.textContent ?? "{}").what_if;
const box = byId("sliders"), result = byId("what-if-result");
if (what && box && result) whatIf();
else on("hashchange", reveal);
reveal();

// A draw weighs exp(Σ (pull + δ) column), parts of draws below the ends of intervals among the
// columns: see what_if.py, from which all of `what` comes.
function whatIf() {
  const n = what.draws, bytes = atob(what.data), first = what.events.length, page = document.documentElement;
  const columns = what.columns.map(({ low, step }, c) => Float64Array.from({ length: n }, (_, i) => {
    const at = 2 * (c * n + i);
    return low + step * (bytes.charCodeAt(at) + 256 * bytes.charCodeAt(at + 1));
  }));
  const base = new Float64Array(n), logs = new Float64Array(n), weights = new Float64Array(n);
  const add = (out, by, column) => { for (let i = 0; i < n; i++) out[i] += by * column[i]; };
  columns.forEach((column, c) => add(base, what.columns[c].pull, column));
  const events = Object.fromEntries(what.events.map((event, e) => [event, columns[e]]));
  for (const group of what.groups) { // the one without a column is what the others leave
    const others = group.filter(event => events[event]).map(event => events[event]);
    for (const event of group) events[event] ??= base.map((_, i) => 1 - others.reduce((sum, x) => sum + x[i], 0));
  }
  const ranks = {}; // of events with an interval, the draws in order
  for (const [event, ends] of Object.entries(what.ends)) {
    const x = events[event], order = ranks[event] = Array.from(x.keys()).sort((a, b) => x[a] - x[b]);
    for (const [end, pull] of ends) { // each between two draws: what_if.py leaves out others
      const k = order.findLastIndex(i => x[i] <= end), part = (end - x[order[k]]) / (x[order[k + 1]] - x[order[k]]);
      order.forEach((i, r) => { logs[i] += pull * (r < k ? 1 : r === k ? (1 + part) / 2 : r === k + 1 ? part / 2 : 0); });
    }
  }
  add(base, 1, logs);
  // Where the share of draws below reaches a level: on straight lines between the middles of draws.
  const quantile = (event, level) => {
    const x = events[event];
    let share = 0, before = 0, last = -1;
    for (const i of ranks[event]) {
      const middle = share + weights[i] / 2;
      if (middle >= level) return last < 0 ? x[i] : x[last] + (x[i] - x[last]) * (level - before) / (middle - before);
      share += weights[i];
      [before, last] = [middle, i];
    }
    return x[last];
  };
  const range = event => {
    if (!ranks[event]) return "";
    const low = percent(quantile(event, 0.05)), high = percent(quantile(event, 0.95));
    return low + ((low + high).includes("−") ? " to " : "–") + high;
  };
  const shown = name => [...document.querySelectorAll(`[data-${name}]`)].map(node => [node, node.dataset[name], node.textContent]);
  const odds = shown("odds"), ranges = shown("range");

  const rows = what.sliders.map((s, k) => {
    const words = make("span", { id: "slider-" + k }, s.label + " ", make("code", {}, s.name));
    const input = make("input", { type: "range", min: -what.steps, max: what.steps }), output = make("output");
    input.oninput = () => { update(); remember(); };
    input.setAttribute("aria-labelledby", words.id);
    box.append(make("label", {}, words, input, output));
    return { s, input, output };
  });
  const moved = row => row.input.value !== "0";
  const place = ({ s, input }) => s.start + input.value / what.steps * (input.value < 0 ? s.start - s.low : s.high - s.start);
  const command = make("code"), again = make("p", { className: "again" });
  again.append(command, " ", copier("Copy", () => command.textContent));
  const link = copier("Copy link to this state", () => (write(), location.href));
  const reset = button("Reset", () => { set(""); write(); });
  box.append(make("p", { className: "slider-buttons" }, reset, " ", link), again);

  function update() {
    logs.set(base);
    const off = rows.filter(moved);
    rows.forEach((row, k) => moved(row) && add(logs, delta(row.s, place(row)), columns[first + k]));
    const top = logs.reduce((a, b) => Math.max(a, b));
    let total = 0, squares = 0;
    for (let i = 0; i < n; i++) total += weights[i] = Math.exp(logs[i] - top);
    for (let i = 0; i < n; i++) squares += (weights[i] /= total) ** 2;
    const share = 1 / squares / n, thin = share < what.least;
    const now = event => percent(events[event].reduce((sum, x, i) => sum + weights[i] * x, 0));
    const told = (list, say) => {
      for (const [node, event, text] of list) node.textContent = !off.length ? text : thin ? "?" : say(event);
    };
    told(odds, now);
    told(ranges, range);
    for (const row of rows) {
      const text = said(row.s, place(row)) + (row.s.kind === "bits" ? " bits" : "");
      row.output.textContent = moved(row) ? `${said(row.s, row.s.start)} → ${text}` : text;
      row.input.setAttribute("aria-valuetext", text);
    }
    page.dataset.whatIf = !off.length ? "" : thin ? "thin" : "moved";
    const change = event => `${event} ${percent(what.means[event])} → ${now(event)}${ranks[event] ? ` (90% interval ${range(event)})` : ""}`;
    result.textContent = !off.length ? "Nothing is moved."
      : thin ? `Too few draws carry this answer (${percent(share)} of them): run again, with the command above.`
      : `${what.headline.map(change).join(", ")}; ${percent(share)} of the draws carry this.`;
    const settings = { ...what.settings };
    for (const row of off) settings[row.s.name] = `'${row.s.name}=${prior(row.s, place(row))}'`;
    command.textContent = [what.command, ...Object.values(settings)].join(" --set ");
    again.hidden = !off.length;
  }

  // Whatever an address says that is no state moves nothing.
  function set(text) {
    const asked = new Map(text.split(",").map(pair => pair.split(":")));
    for (const { s, input } of rows) {
      const off = SCALES[s.family][1](parseFloat(asked.get(s.name))) - s.start;
      input.value = Math.round(what.steps * off / (off < 0 ? s.start - s.low : s.high - s.start)) || 0;
    }
    update();
  }
  const state = () => rows.filter(moved).map(row => `${row.s.name}:${+center(row.s, place(row)).toPrecision(8)}`).join();
  let waiting;
  function remember() { // browsers refuse many changes of the address in a short time
    clearTimeout(waiting);
    waiting = setTimeout(write, 250);
  }
  function write() {
    clearTimeout(waiting);
    const all = [section(), state() && KEY + state()].filter(part => part);
    history.replaceState(null, "", all.length ? "#" + all.join("&") : location.pathname + location.search);
  }
  function read() { // a link to a section keeps what is moved
    const found = parts().find(part => part.startsWith(KEY));
    if (found) set(decoded(found.slice(KEY.length)));
    else write();
    reveal();
  }
  set("");
  if (parts().length) read();
  on("hashchange", read);
}
})();
