"use strict";
// The live page: what is changed goes to the server, which works the odds out anew.
(() => {
const byId = id => document.getElementById(id);
const all = (what, where = document) => [...where.querySelectorAll(what)];
const make = (tag, facts, ...inside) => {
  const node = Object.assign(document.createElement(tag), facts);
  node.append(...inside);
  return node;
};
const { story } = JSON.parse(byId("page-data").textContent);
const written = new Map(story.numbers.map(number => [number.name, number]));
const api = `/api/stories/${story.id}`;
const client = [...crypto.getRandomValues(new Uint8Array(12))].map(x => x.toString(16).padStart(2, "0")).join("");

// The state, and the address that says it: #view=…&off=check:…&set.NAME=PRIOR
let state = { view: null, set: {}, off: [] };
const isChanged = () => Boolean(state.view || state.off.length || Object.keys(state.set).length);
const toHash = it => {
  const said = new URLSearchParams();
  if (it.view) said.set("view", it.view);
  for (const part of it.off) said.append("off", part);
  for (const [name, prior] of Object.entries(it.set)) said.set(`set.${name}`, prior);
  return said.toString();
};
const fromHash = text => {
  const said = new URLSearchParams(text.replace(/^#/, ""));
  const set = {};
  for (const [key, value] of said) if (key.startsWith("set.")) set[key.slice(4)] = value;
  return { view: said.get("view") || null, set, off: [...new Set(said.getAll("off"))] };
};

// Asking: one question at a time, and then the newest one.
const post = async (what, body) => {
  const answer = await fetch(`${api}/${what}`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-storyodds-client": client },
    body: JSON.stringify(body),
  });
  const told = await answer.json();
  if (!answer.ok) throw Object.assign(new Error("refused"), { status: answer.status, problems: told.problems });
  return told;
};
let now = story.answer, pinned = null, asking = false, again = false;
// What takes longer than people take for at once is dimmed, and says that it is worked out.
const PATIENCE = 300;
const waiting = words => {
  const timer = setTimeout(() => {
    document.body.classList.add("waiting");
    byId("waiting").textContent = words;
  }, PATIENCE);
  return () => {
    clearTimeout(timer);
    document.body.classList.remove("waiting");
    byId("waiting").textContent = "";
  };
};
const ask = async () => {
  if (asking) { again = true; return; }
  asking = true;
  document.body.classList.add("asking");
  const done = waiting("Working out the new odds; those shown are of the state before.");
  do {
    again = false;
    const asked = structuredClone(state);
    try {
      now = await post("answer", asked);
      if (!again) { complain([]); byId("mistake-words").textContent = "The odds shown are those of the last state without mistakes."; show(); }
    } catch (error) {
      if (!again && error.status !== 409) complain(error.problems ?? [{ message: "the server does not answer; is it still running?" }]);
    }
  } while (again);
  asking = false;
  done();
  document.body.classList.remove("asking");
};
let wrong = new Map();  // by number, what is wrong with it
const complain = problems => {
  wrong = new Map(problems.filter(it => written.has(it.number)).map(it => [it.number, it.message]));
  byId("mistakes").hidden = problems.length === 0;
  byId("mistake-list").replaceChildren(...problems.map(it => make("li", {
    textContent: `${it.file || it.number ? (it.file ?? it.number) + ": " : ""}${it.message}`,
  })));
  for (const box of all("[data-number]")) remark(box);
};
// Under a number: what is wrong with it, or what it was read as where that is not what was typed.
const remark = box => {
  const name = box.dataset.number, note = box.querySelector(".read"), text = box.querySelector("input[type=text]");
  const mistake = wrong.get(name), typed = state.set[name], read = now?.numbers[name]?.prior;
  const same = typed === undefined || read === undefined || typed.replace(/\s/g, "") === read.replace(/\s/g, "");
  note.textContent = mistake ? `Not read: ${mistake}.` : same ? "" : `Read as ${read}.`;
  note.hidden = !note.textContent;
  note.classList.toggle("wrong", Boolean(mistake));
  if (mistake) text.setAttribute("aria-invalid", "true");
  else text.removeAttribute("aria-invalid");
  if (note.hidden) text.removeAttribute("aria-describedby");
  else text.setAttribute("aria-describedby", note.id);
  if (mistake) box.closest("details").open = true;
};
const why = error => (error.problems ?? [{ message: "the server does not answer" }]).map(it => it.message).join("; ");
const address = () => history.replaceState(null, "", isChanged() ? `#${toHash(state)}` : location.pathname);
const changed = () => {
  address();
  tally();
  ask();
};

// Showing an answer.
const SVG = "http://www.w3.org/2000/svg";
const draw = (tag, facts) => {
  const node = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(facts)) node.setAttribute(key, value);
  return node;
};
const plot = ({ now: it, before }, worst) => {
  const at = p => 4 + 152 * p, kind = worst ? "worst " : "";
  const picture = draw("svg", { class: "chart", viewBox: "0 0 160 26", "aria-hidden": "true" });
  picture.append(
    draw("line", { class: "grid", x1: at(0), x2: at(1), y1: 13, y2: 13 }),
    ...(before === null ? [] : [
      draw("line", { class: "before", x1: at(before.q05), x2: at(before.q95), y1: 20, y2: 20 }),
      draw("circle", { class: "before-dot", cx: at(before.mean), cy: 20, r: 3 }),
    ]),
    draw("line", { class: `${kind}interval-90`, x1: at(it.q05), x2: at(it.q95), y1: 9, y2: 9 }),
    draw("circle", { class: `${kind}dot`, cx: at(it.mean), cy: 9, r: 4.5 }),
  );
  return picture;
};
const said = it => it === null ? ["–"] : [make("b", { textContent: it.words }), " ", make("small", { textContent: it.band })];
const besides = difference => difference === null ? "the story as written has no odds to compare with" : `${[difference.words, difference.noise].filter(Boolean).join(" ")}, beside the story as written`;
// Beside the pin: of two answers whose errors are not of pairs of draws, so that only what is clear
// of twice the error of both is a difference.
const besidePin = (it, pin) => {
  if (!it || !pin) return null;
  const change = it.mean - pin.mean, noise = 2 * Math.hypot(it.error, pin.error);
  if (Math.abs(change) < 1e-12) return { words: "no change", noise: "" };
  if (Math.abs(change) < noise) return { words: "too small to tell", noise: "" };
  const size = Number((100 * Math.abs(change)).toPrecision(2));
  return { words: `${change < 0 ? "−" : "+"}${size} points`, noise: noise ? `±${Number((100 * noise).toPrecision(2))}` : "" };
};
const headline = all("[data-odds]").map(node => node.dataset.odds);
const bracketed = it => it.band ? `${it.words} (${it.band})` : it.words;
const show = () => {
  for (const box of all("[data-number]")) control(box);
  const asked = isChanged() ? `?state=${encodeURIComponent(JSON.stringify(state))}` : "";
  byId("whole").href = `/stories/${story.id}/page${asked}`;
  byId("download").href = `/stories/${story.id}/story.yaml${asked}`;
  byId("mine").href = `/stories/${story.id}/judgments.yaml${asked}`;
  byId("mine").hidden = !Object.keys(state.set).length;
  if (now === null) return;
  for (const name of headline) {
    const { now: it, difference } = now.odds[name];
    document.querySelector(`[data-odds=${name}]`).textContent = it.words;
    document.querySelector(`[data-band=${name}]`).textContent = `${it.band ? `90% interval ${it.band}, ` : ""}${it.count}`;
    document.querySelector(`[data-change=${name}]`).textContent = isChanged() ? besides(difference) : "as written";
  }
  byId("opinions").hidden = now.opinions === null;
  byId("opinions").textContent = now.opinions ?? "";
  byId("glance").replaceChildren(...headline.flatMap(name =>
    [make("span", { className: "nowrap", textContent: `${name} ${bracketed(now.odds[name].now)}` }), " "]));
  for (const row of all("[data-event]")) {
    const name = row.dataset.event, odds = now.odds[name];
    row.querySelector(".now").replaceChildren(...said(odds.now));
    row.querySelector(".plot").replaceChildren(...(odds.now === null ? [] : [plot(odds, name.startsWith("catastrophe"))]));
    const difference = pinned ? besidePin(odds.now, pinned.odds[name].now) : isChanged() ? odds.difference : null;
    row.querySelector(".change").replaceChildren(...(difference === null ? ["–"] : [difference.words, " ", make("small", { textContent: difference.noise })]));
    row.querySelector("[data-pin]").replaceChildren(...(pinned ? said(pinned.odds[name].now) : []));
  }
  for (const cell of all("[data-pin]")) cell.hidden = !pinned;
  byId("difference").textContent = pinned ? "Now less pinned" : "Difference";
  byId("unpin").hidden = !pinned;
  const sound = now.diagnostics;
  document.body.classList.toggle("doubtful", !sound.ok);
  byId("doubt").hidden = sound.ok;
  byId("doubt-words").textContent = `${sound.messages.join("; ")}. “Work it out in full” may do better.`;
  byId("soundness").textContent = sound.words;
  byId("paths").replaceChildren(...now.paths.map(it => make("li", {},
    make("b", { textContent: it.path }), ` ${it.needs}`,
    make("p", { className: "facts" }, "catastrophe along it ", ...said(it.concern), ", the path ", ...said(it.probability)),
  )));
};
const tally = () => {
  const off = state.off.length, set = Object.keys(state.set).length, parts = [];
  if (state.view) parts.push(`view ${state.view}`);
  if (set) parts.push(`${set} ${set === 1 ? "number" : "numbers"} changed`);
  if (off) parts.push(`${off} ${off === 1 ? "part" : "parts"} off`);
  byId("tally").textContent = parts.length ? `${parts.join(", ")}.` : "Nothing is changed.";
};

// Controls of numbers. A probability moves along its log odds, so that small ones can be told apart.
const bitsOf = p => Math.log2(p / (1 - p)), ofBits = b => 1 / (1 + 2 ** -b);
const clamp = (x, low, high) => Math.min(high, Math.max(low, x));
const current = name => now?.numbers[name] ?? written.get(name);
const probabilityScale = ({ q05, q95 }) => {
  const seen = [q05, q95].map(bitsOf).filter(Number.isFinite);
  const low = Math.min(-10, ...seen.map(Math.floor)), high = Math.max(10, ...seen.map(Math.ceil));
  return { low, high, of: p => clamp(bitsOf(p), low, high) };
};
const scale = number => number.kind === "probability"
  ? probabilityScale(number)
  : { low: Math.min(-10, Math.floor(number.q05) - 2), high: Math.max(10, Math.ceil(number.q95) + 2), of: x => x };
const start = {};  // what a slider moves: the number as it was before it was touched
const control = box => {
  const name = box.dataset.number, number = written.get(name), it = current(name);
  const [slider, text] = all("input", box), along = scale(number);
  if (document.activeElement !== slider) {
    Object.assign(slider, { min: along.low, max: along.high, step: 0.05 });
    slider.value = along.of(it.median);
  }
  slider.setAttribute("aria-valuetext", it.words);
  box.querySelector("output").textContent = it.words;
  if (document.activeElement !== text) text.value = state.set[name] ?? it.prior;
  box.disabled = state.off.some(part => part.endsWith(`:${number.owner}`));
  box.classList.toggle("changed", name in state.set);
  remark(box);
  box.classList.toggle("viewed", !(name in state.set) && now !== null && name in now.numbers);
};
const put = (name, prior) => {
  if (prior === null) delete state.set[name];
  else state.set[name] = prior;
  changed();
};
// Three digits, near 1 those of what is missing.
const few = x => Number(x.toPrecision(3));
const rounded = x => x > 0.5 && x < 1 ? Number((1 - few(1 - x)).toPrecision(12)) : few(x);
const slid = (name, place) => {
  const number = written.get(name), along = scale(number);
  if (!(name in state.set) || !start[name]) start[name] = current(name);
  const from = start[name], by = place - along.of(from.median);
  if (Math.abs(by) < 0.03) return put(name, null);
  const shifted = number.kind === "probability"
    ? p => rounded(clamp(ofBits(bitsOf(clamp(p, 1e-9, 1 - 1e-9)) + by), 1e-9, 1 - 1e-9))
    : x => rounded(clamp(x + by, -60, 60));
  const ends = [shifted(from.q05), shifted(from.q95)];
  if (from.q05 === from.q95) {
    const sure = number.kind === "probability" ? (place >= along.high ? 1 : place <= along.low ? 0 : ofBits(place)) : place;
    put(name, String(rounded(sure)));
  } else if (ends[0] < ends[1]) put(name, `[${ends[0]}, ${ends[1]}]`);
};
for (const box of all("[data-number]")) {
  const name = box.dataset.number, [slider, text] = all("input", box);
  slider.addEventListener("input", () => slid(name, Number(slider.value)));
  text.addEventListener("change", () => {
    const typed = text.value.trim();
    delete start[name];
    put(name, typed === "" || typed === written.get(name).prior && !state.view ? null : typed);
  });
}

// Everything else that changes the state.
byId("view").addEventListener("change", event => { state.view = event.target.value || null; changed(); });
for (const box of all("[data-part]")) box.addEventListener("change", () => {
  const off = new Set(state.off);
  box.checked ? off.delete(box.dataset.part) : off.add(box.dataset.part);
  state.off = [...off];
  changed();
});
const adopt = it => {
  state = { view: it.view, set: { ...it.set }, off: [...it.off] };
  for (const name of Object.keys(start)) delete start[name];
  byId("view").value = state.view ?? "";
  for (const box of all("[data-part]")) box.checked = !state.off.includes(box.dataset.part);
  changed();
};
byId("reset").addEventListener("click", () => adopt({ view: null, set: {}, off: [] }));
addEventListener("hashchange", () => {
  if (byId(location.hash.slice(1))) address();  // a link to a place on this page says no state
  else adopt(fromHash(location.hash));
});
byId("find").addEventListener("input", event => {
  const wanted = event.target.value.trim().toLowerCase();
  for (const group of all("[data-group]")) {
    let found = 0;
    for (const box of all("[data-number]", group)) {
      const number = written.get(box.dataset.number);
      box.hidden = !`${number.name} ${number.claim}`.toLowerCase().includes(wanted);
      found += !box.hidden;
    }
    group.hidden = !found;
    if (wanted) group.open = found > 0;
  }
});

// Pins, links, full answers, saved states.
const tell = text => { byId("said").textContent = text; };
byId("pin").addEventListener("click", () => { if (now === null) return; pinned = now; show(); tell("Pinned: it stays beside whatever you change next."); });
byId("unpin").addEventListener("click", () => { pinned = null; show(); tell(""); });
byId("copy").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(location.href);
    tell("The link is copied. It opens this state wherever this server runs on this story.");
  } catch { tell(location.href); }
});
byId("settle").addEventListener("click", async () => {
  tell("Working it out in full: more draws, and another sampler where weighting is not enough…");
  const asked = structuredClone(state);
  const done = waiting("Working it out in full; the odds shown are of the quick answer.");
  try {
    const full = await post("settle", asked);
    const words = headline.map(name => `${name} ${bracketed(full.odds[name].now)}`).join(", ");
    const doubt = full.diagnostics.ok ? "" : ` NOT RELIABLE: ${full.diagnostics.messages.join("; ")}.`;
    const same = JSON.stringify(asked) === JSON.stringify(state);
    const stale = same ? "" : " Meanwhile you changed something else.";
    if (same && now) adoptFull(full);
    tell(`In full, at ${full.diagnostics.words} ${words}.${doubt}${stale}`);
  } catch (error) { tell(`Not worked out: ${why(error)}.`); } finally { done(); }
});
// The full answer takes the place of the quick one; its draws are others than those of the story as
// written, so that there is no difference in pairs to state.
const adoptFull = full => {
  const odds = Object.fromEntries(Object.entries(full.odds).map(([name, it]) => {
    const { before } = now.odds[name], difference = isChanged() ? besidePin(it.now, before) : null;
    return [name, { now: it.now, before, difference }];
  }));
  now = { ...now, odds, paths: full.paths, diagnostics: full.diagnostics };
  show();
};
const list = async () => {
  const found = await (await fetch(`${api}/states`)).json();
  byId("opens").hidden = Object.keys(found).length === 0;
  byId("states").replaceChildren(...Object.entries(found).map(([name, it]) => {
    const open = make("button", { type: "button", textContent: name });
    open.addEventListener("click", () => adopt(it));
    return make("li", {}, open);
  }));
};
byId("save").addEventListener("submit", async event => {
  event.preventDefault();
  try {
    const { saved, story: file, command } = await post("states", { name: byId("name").value.trim(), state });
    const code = textContent => make("code", { textContent });
    byId("kept").replaceChildren(
      make("p", {}, "Saved as ", code(saved), ", and the story as ", code(file), ". In that folder, this says what “Work it out in full” says:"),
      make("pre", { tabIndex: 0, textContent: command }),
    );
    await list();
  } catch (error) { byId("kept").textContent = `Not saved: ${why(error)}.`; }
});

show();
list().catch(() => {});
if (location.hash.length > 1) adopt(fromHash(location.hash));
})();
