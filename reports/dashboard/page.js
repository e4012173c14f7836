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
const box = byId("sliders"), result = byId("what-if-result"), panel = byId("what-if-bars");
if (what && box && result) whatIf();
else on("hashchange", reveal);
reveal();

// One slider is answered by its curve, several by the page's draws, of which one weighs
// exp(Σ (pull + δ) column), parts of draws below the ends of intervals among the columns, times the
// ratios of curves to draws: see what_if.py and slider_curves_data.py, from which all of `what` comes.
function whatIf() {
  const n = what.draws, first = what.events.length, page = document.documentElement;
  const integers = text => {
    const bytes = atob(text);
    return Array.from({ length: bytes.length / 2 }, (_, i) => bytes.charCodeAt(2 * i) + 256 * bytes.charCodeAt(2 * i + 1));
  };
  const data = integers(what.data);
  const columns = what.columns.map(({ low, step }, c) => Float64Array.from({ length: n }, (_, i) => low + step * data[c * n + i]));
  const curves = what.curves?.map(curve => {
    const whole = integers(curve.data), count = 2 * what.steps / curve.every + 1;
    return { ...curve, logs: curve.events.map((_, e) => whole.slice(e * count, (e + 1) * count).map(x => curve.low[e] + curve.step[e] * x)) };
  });
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
  const between = (low, high) => [low, high].map(percent).join((percent(low) + percent(high)).includes("−") ? " to " : "–");

  // What draws say with some sliders moved, and the share of them that carries it.
  const weigh = off => {
    logs.set(base);
    for (const { k, s, at } of off) add(logs, delta(s, at), columns[first + k]);
    const top = logs.reduce((a, b) => Math.max(a, b));
    let total = 0, squares = 0;
    for (let i = 0; i < n; i++) total += weights[i] = Math.exp(logs[i] - top);
    for (let i = 0; i < n; i++) squares += (weights[i] /= total) ** 2;
    const means = Object.fromEntries(Object.entries(events).map(([event, x]) => [event, x.reduce((sum, p, i) => sum + weights[i] * p, 0)]));
    return { means, share: 1 / squares / n };
  };
  const grouped = means => { // each group sums to 1
    for (const group of what.groups) {
      const sum = group.reduce((all, event) => all + means[event], 0);
      for (const event of group) means[event] /= sum;
    }
    return means;
  };
  const read = ({ every, events: of, logs: nodes }, step) => { // as slider_curves_data.interpolated
    const half = what.steps / every, side = step > 0 ? half : 0, there = (step + what.steps) / every;
    const start = side + Math.min(Math.max(Math.floor(there) - side - 1, 0), half - 3), t = there - start;
    const by = [0, 1, 2, 3].map(j => [0, 1, 2, 3].reduce((all, m) => m === j ? all : all * (t - m) / (j - m), 1));
    const means = Object.fromEntries(Object.keys(events).map(event => [event, 0]));
    of.forEach((event, e) => { means[event] = Math.exp(by.reduce((sum, w, j) => sum + w * nodes[e][start + j], 0)); });
    return grouped(means);
  };
  const errorOf = ({ k, step }, event) => { // twice the standard error, of the estimate and of the way from it
    const { events: of, slopes } = curves[k], slope = slopes[step < 0 ? 0 : 1][of.indexOf(event)] ?? 0;
    return 2 * Math.hypot(what.errors[event], slope * step);
  };
  // Means, the ends of intervals where draws carry them, and what the means rest on; null where nothing carries an answer.
  const answer = off => {
    const alone = curves && off.length > 1 ? off.map(one => [read(curves[one.k], one.step), weigh([one]).means]) : [];
    let { means, share } = weigh(off);
    const thin = share < what.least, curve = curves && off.length === 1;
    if (thin && !curve) return null;
    if (curve) means = read(curves[off[0].k], off[0].step);
    for (const [exact, drawn] of alone) for (const event of Object.keys(means)) if (drawn[event] > 0) means[event] *= exact[event] / drawn[event];
    if (alone.length) grouped(means);
    const ends = Object.fromEntries(thin ? [] : Object.keys(ranks).map(event => [event, [quantile(event, 0.05), quantile(event, 0.95)]]));
    const error = event => curve ? errorOf(off[0], event) / 2
      : Math.sqrt(weights.reduce((sum, w, i) => sum + w * (events[event][i] - means[event]) ** 2, 0) / n / share);
    const errors = Object.fromEntries(Object.keys(events).map(event => [event, error(event)]));
    return { off, means, ends, errors, share, curve };
  };
  const shown = name => [...document.querySelectorAll(`[data-${name}]`)].map(node => [node, node.dataset[name], node.textContent]);
  const odds = shown("odds"), ranges = shown("range");

  // Dots and lines of pictures beside the chances they show, on the scale that their grid has.
  const marks = odds.flatMap(([node, event]) => {
    const row = node.previousElementSibling, dot = row?.querySelector?.(".dot"), line = row?.querySelector?.(".interval-90");
    const picture = dot && node.closest("svg"), grid = picture ? [...picture.querySelectorAll(".grid")] : [];
    const label = picture && [...picture.querySelectorAll(".tick.m")][grid.length - 1];
    const from = grid.length && +grid[0].getAttribute("x1"), by = label && (grid.at(-1).getAttribute("x1") - from) / (parseFloat(label.textContent) / 100);
    if (!(by > 0)) return [];
    const end = +node.getAttribute("x") - 8, put = (mark, name, p) => mark.setAttribute(name, Math.min(end, from + by * p));
    const was = [[dot, "cx"], ...(line ? [[line, "x1"], [line, "x2"]] : [])].map(([mark, name]) => [mark, name, mark.getAttribute(name)]), words = row.getAttribute("aria-label");
    return [now => {
      for (const [mark, name, value] of was) mark.setAttribute(name, value);
      row.setAttribute("aria-label", words);
      if (words) row.dataset.tip = words;
      line?.removeAttribute("visibility");
      if (!now) return;
      put(dot, "cx", now.means[event]);
      const ends = now.ends[event];
      if (ends && line) put(line, "x1", ends[0]), put(line, "x2", ends[1]);
      else line?.setAttribute("visibility", "hidden");
      if (words) row.dataset.tip = `${event}: ${percent(now.means[event])}${ends ? ` (90% interval ${between(...ends)})` : ""}, with sliders moved; as estimated ${percent(what.means[event])}`;
      if (words) row.setAttribute("aria-label", row.dataset.tip);
    }];
  });

  // A bar for each ending, with a mark where the estimate is.
  const bars = what.groups.at(-1)?.filter(event => what.means[event] > 0 && (what.headline.length > 1 || what.headline.includes(event))).map(event => {
    const value = make("b"), bar = make("i"), mark = make("u"), at = p => `${100 * p}%`;
    mark.style.left = at(what.means[event]);
    panel?.append(make("p", { className: event === "catastrophe" ? "worst" : "" }, make("span", {}, event), " ", value, make("span", { className: "track" }, bar, mark)));
    return means => { value.textContent = percent(means[event]); bar.style.width = at(means[event]); };
  }) ?? [];

  const rows = what.sliders.map((s, k) => {
    const words = make("span", { id: "slider-" + k }, s.label + " ", make("code", {}, s.name));
    const input = make("input", { type: "range", min: -what.steps, max: what.steps }), output = make("output");
    input.oninput = () => { update(); remember(); };
    input.setAttribute("aria-labelledby", words.id);
    box.append(make("label", {}, words, input, output));
    return { k, s, input, output };
  });
  const moved = row => row.input.value !== "0";
  const place = ({ s, input }) => s.start + input.value / what.steps * (input.value < 0 ? s.start - s.low : s.high - s.start);
  const command = make("code"), again = make("p", { className: "again" });
  again.append(command, " ", copier("Copy", () => command.textContent));
  const link = copier("Copy link to this state", () => (write(), location.href));
  const reset = button("Reset", () => { set(""); write(); });
  box.append(make("p", { className: "slider-buttons" }, reset, " ", link), again);

  const where = ({ s, at }) => `${s.name} at ${said(s, at)}${s.kind === "bits" ? " bits" : ""}`;
  const carried = now => {
    if (!now.curve) return `${percent(now.share)} of the page’s draws carry this`;
    const errors = what.headline.map(event => [event, errorOf(now.off[0], event)]);
    const exact = errors.every(([, error]) => error < 5e-6) ? "worked out exactly"
      : `worked out along the slider’s whole travel, ± ${errors.map(([event, error]) => `${significant(100 * error, 0)} points for ${event}`).join(" and ± ")}`;
    return exact + (Object.keys(now.ends).length || !Object.keys(ranks).length ? "" : "; for its intervals run the command above");
  };
  let last = null; // the last state that has an answer
  function update() {
    const off = rows.filter(moved).map(row => ({ k: row.k, s: row.s, step: +row.input.value, at: place(row) }));
    const now = off.length ? answer(off) : null, held = off.length && !now ? last : null, it = now ?? held;
    if (now || !off.length) last = now;
    const told = (list, say) => {
      for (const [node, event, text] of list) node.textContent = it ? say(event) : text;
    };
    const range = event => it.ends[event] ? between(...it.ends[event]) : ranks[event] ? "–" : "";
    told(odds, event => percent(it.means[event]));
    told(ranges, range);
    for (const mark of marks) mark(it);
    for (const bar of bars) bar(it ? it.means : what.means);
    document.dispatchEvent(new CustomEvent("what-if", { detail: it && { ...it, percent, significant, between } }));
    for (const row of rows) {
      const text = said(row.s, place(row)) + (row.s.kind === "bits" ? " bits" : "");
      row.output.textContent = moved(row) ? `${said(row.s, row.s.start)} → ${text}` : text;
      row.input.setAttribute("aria-valuetext", text);
    }
    page.dataset.whatIf = !off.length ? "" : now ? "moved" : "held";
    const change = event => `${event} ${percent(what.means[event])} → ${percent(it.means[event])}${it.ends[event] ? ` (90% interval ${between(...it.ends[event])})` : ""}`;
    const changes = it && what.headline.map(change).join(", ");
    const stated = it ? `with ${it.off.map(where).join(", ")}: ${changes}` : `as estimated: ${what.headline.map(event => `${event} ${percent(what.means[event])}`).join(", ")}`;
    result.textContent = !off.length ? "Nothing is moved."
      : now ? `${changes}; ${carried(now)}.`
      : `Too few of the page’s draws lie where these sliders stand; the command above works it out. What is shown is the last state that has an answer, ${stated}.`;
    const settings = { ...what.settings };
    for (const { s, at } of off) settings[s.name] = `'${s.name}=${prior(s, at)}'`;
    command.textContent = [what.command, ...Object.values(settings)].join(" --set ");
    again.hidden = !off.length;
  }

  // Whatever an address says that is no state moves nothing.
  function set(text) {
    const asked = new Map(text.split(",").map(pair => pair.split(":")));
    for (const { input } of rows) input.value = 0;
    update();
    for (const { s, input } of rows) { // one after the other, so that there is a last answer
      const off = SCALES[s.family][1](parseFloat(asked.get(s.name))) - s.start;
      input.value = Math.round(what.steps * off / (off < 0 ? s.start - s.low : s.high - s.start)) || 0;
      if (input.value !== "0") update();
    }
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
  function follow() { // a link to a section keeps what is moved; a state alone opens on its answer
    const found = parts().find(part => part.startsWith(KEY));
    if (found) set(decoded(found.slice(KEY.length)));
    else write();
    if (section() || !found) reveal();
    else byId("what-if")?.scrollIntoView();
  }
  set("");
  if (parts().length) follow();
  on("hashchange", follow);
}
})();
