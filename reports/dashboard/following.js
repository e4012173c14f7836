"use strict";
// What follows the sliders beside the chances: the sentence of the card, its bar, its counts, and the day of
// the decision. The page's other script gives the chances; all else is marked "as estimated" by the style sheet.
(() => {
const { follows } = JSON.parse(document.getElementById("page-data")?.textContent ?? "{}");
const all = found => [...document.querySelectorAll(found)];
if (!follows) return;
const mark = document.body.classList.contains("doubtful") ? " (not reliable)" : "";
const texts = all(".lead, .count[data-of], [data-day], [data-day-words]").map(node => [node, [...node.childNodes]]);
const pieces = all(".ending-bar [class^=fate-]").map(node => [node, node.getAttribute("x"), node.getAttribute("width")]);

// As storyodds.reports.words.numbers.about_one_in.
const whole = (x, r = Math.round(x)) => x % 1 === 0.5 && r % 2 ? r - 1 : r;
const count = (p, significant) => {
  const many = x => whole(significant(x, 1)), written = n => n.toLocaleString("en-US");
  if (p <= 0) return "never";
  if (p >= 1 - 1e-12) return "always";
  if (p < 0.15) return p > 1e-9 ? `about 1 in ${written(many(1 / p))}` : "next to never";
  if (p > 0.85) return 1 - p > 1e-9 ? `about ${written(many(1 / (1 - p)) - 1)} in ${written(many(1 / (1 - p)))}` : "all but certain";
  const of = [2, 3, 4, 5, 6, 10].find(n => Math.abs(whole(p * n) / n - p) <= 0.025) ?? 20;
  return `about ${whole(p * of)} in ${of}`;
};

// As storyodds.reports.words.card.lead_sentences.
const lead = ({ means, ends, errors, percent, significant, between }) => {
  const chance = event => `${percent(means[event])} (${count(means[event], significant)})`;
  if (follows.argued) {
    const range = ends.catastrophe ? ` (90% interval ${between(...ends.catastrophe)})` : "";
    return `With these sliders: ${follows.argued} ${percent(means.catastrophe)}, ${count(means.catastrophe, significant)}${range}.`;
  }
  const [first, second] = Object.keys(follows.does).sort((a, b) => means[b] - means[a]);
  const does = event => `${follows.does[event]} (${percent(means[event])})`;
  const level = means[first] - means[second] <= 2 * Math.hypot(errors[first], errors[second]);
  const likeliest = means[first] >= 1 ? `surely ${follows.does[first]}`
    : level ? `${does(first)} about as likely as it ${does(second)}` : `most likely ${does(first)}`;
  return `With these sliders, ${follows.start} ${likeliest}. Success has ${chance("success")}, being stopped by a check ${chance("halted")}, catastrophe ${chance("catastrophe")}.`;
};

const bar = means => {
  const shares = pieces.map(([node]) => means[node.getAttribute("class").slice(5)]);
  const rest = shares.indexOf(undefined); // of a risk argument: what it makes no claim about
  if (rest >= 0) shares[rest] = 1 - shares.reduce((sum, p) => sum + (p ?? 0), 0);
  const widths = shares.map(p => p > 0 ? Math.max(2, 1000 * p) : 0), widest = widths.indexOf(Math.max(...widths));
  widths[widest] -= widths.reduce((a, b) => a + b, 0) - 1000;
  let x = 0;
  pieces.forEach(([node], k) => {
    const gap = x > 0 && widths[k] > 2 ? 1 : 0;
    node.setAttribute("x", x + gap), node.setAttribute("width", widths[k] - gap);
    x += widths[k];
  });
};

document.addEventListener("what-if", ({ detail }) => {
  for (const [node, was] of texts) node.replaceChildren(...was);
  for (const [node, x, width] of pieces) node.setAttribute("x", x), node.setAttribute("width", width);
  if (!detail) return;
  const { means, percent, significant } = detail;
  bar(means);
  // No check flags what is not halted, so the odds given that are shares of the rest.
  const deployed = 1 - means.halted, day = event => percent(means[event] / deployed);
  for (const [node] of texts) {
    const { of, day: fate, dayWords } = node.dataset;
    if (of && means[of] > 0 && means[of] < 1) node.textContent = count(means[of], significant);
    if (fate) node.textContent = day(fate);
    if (dayWords) node.textContent = `With these sliders, ${dayWords} the model with a chance of ${percent(deployed)}, and on that day of decision ${follows.headline.map(event => `${event} has ${day(event)}`).join(" and ")}.`;
    if (node.matches(".lead")) node.textContent = lead(detail) + mark;
  }
});
})();
