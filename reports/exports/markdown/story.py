"""Parts of a Markdown annex in the story's own words: rationale, assumptions, findings."""

from collections.abc import Iterator

from storyodds.reports.contract.estimate import Estimate
from storyodds.reports.exports.markdown.text import code, link, table, text
from storyodds.reports.words.as_written import given_rows, number_words, numbers_of, states_in_turn
from storyodds.reports.words.exposures import exposure_words
from storyodds.reports.words.numbers import band, percent
from storyodds.reports.words.priors import formula_words
from storyodds.reports.words.sentences import has_evidence
from storyodds.reports.words.stages import acts_in, comes_true_rows, stands_after
from storyodds.scenarios.grammar.stages import without_stage
from storyodds.scenarios.grammar.states import (
    assumption_and_state,
    claim_of_state,
    literal_of_state,
)
from storyodds.scenarios.provenance import SourceRecord, plain_source
from storyodds.scenarios.schema import Constraint, Evidence, Nudge
from storyodds.scenarios.shared.catalog import assumptions as catalog_assumptions
from storyodds.scenarios.story import Story


def cited(source: SourceRecord | None) -> str:
    """Give a source with its address and all of its note."""
    if source is None:
        return "none"
    note = source.get("note")
    return link(source["cite"], source.get("url")) + (f" ({text(note)})" if note else "")


def claim_of(story: Story, name: str) -> str:
    """Give what an assumption claims: the story's own words, else the catalog's."""
    owner, state = assumption_and_state(without_stage(name))
    spec, listed = story.assumptions.get(owner), catalog_assumptions().get(owner)
    if spec is not None and spec.claim:
        return claim_of_state(spec.claim, state)
    return "" if listed is None else claim_of_state(listed.claim, state)


def story_part(doc: Estimate, story: Story) -> Iterator[str]:
    """The goal, the rationale and the checks, with every condition and number of them."""
    yield from ("## The story as given", "")
    yield from (text(story.summary), "") if story.summary else ()
    if story.catastrophe:
        yield f"- What counts as a catastrophe: {text(story.catastrophe)}"
    if story.stages:
        yield f"- Stages of training, in order: {', '.join(map(code, story.stages))}"
    yield f"- Goal: {text(story.goal.specification)}"
    yield f"- Why any such model is good: {text(story.goal.desirability)}"
    for constraint in story.rationale.constraints:
        yield _item("Constraint", constraint.id, constraint.claim, _constraint(constraint))
    for nudge in story.rationale.nudges:
        yield _item("Nudge", nudge.id, nudge.claim, _nudge(doc, nudge))
    for part in story.goal.hazards:
        yield _item("Hazard", part.id, part.claim, _numbers(doc, part.id))
    for check in story.checks:
        stands = _sentence("It stands", stands_after(check))
        more = " ".join(filter(None, [stands, _numbers(doc, check.id)]))
        yield _item("Check", check.id, check.claim, more)
    for source in story.sources:
        yield f"- Source: {cited(plain_source(source))}"
    yield ""


def _item(sort: str, id: str, claim: str, more: str) -> str:
    return f"- {sort} {code(id)}: {' '.join(filter(None, [text(claim), more]))}"


def _constraint(part: Constraint) -> str:
    ruled = ", ".join(map(code, part.rules_out))
    acts = _sentence("It acts", acts_in(part.stages))
    holds = f"It holds where {text(formula_words(part.holds))}, and rules out {ruled}."
    return " ".join(filter(None, [holds, acts]))


def _sentence(start: str, words: str) -> str:
    return f"{start} {text(words)}." if words else ""


def _nudge(doc: Estimate, part: Nudge) -> str:
    when = "always" if part.when is None else f"where {text(formula_words(part.when))}"
    acts = _sentence("It acts", acts_in(part.stages))
    return " ".join(filter(None, [f"It counts {when}.", acts, _numbers(doc, part.id)]))


def _numbers(doc: Estimate, owner: str) -> str:
    """Every number of a part, as written."""
    words = [
        f"{code(field)} {text(number_words(number))}"
        for field, number in numbers_of(doc["provenance"], owner)
    ]
    return f"Numbers: {'; '.join(words)}." if words else ""


def assumptions_part(doc: Estimate, story: Story) -> Iterator[str]:
    """What every assumption claims, before the evidence and after it."""
    assumptions = doc["assumptions"]
    if not assumptions:
        return
    yield from ("## The assumptions", "")
    learned = has_evidence(doc)
    heads = ["Assumption", "Claim", *["Before the evidence"] * learned]
    heads += ["After the evidence" if learned else "Chance", "90% interval"]
    rows = [
        [
            code(name),
            text(claim_of(story, name)) or "–",
            *([text(percent(entry["prior"]["mean"]))] if learned else []),
            text(percent(entry["mean"])),
            text(band(entry) or "–"),
        ]
        for name, entry in assumptions.items()
    ]
    yield from table(heads, rows, "ll" + "r" * (len(heads) - 2))
    yield from _conditional(doc, story)
    yield from _states(doc, story)
    yield from _coming_true(doc, story)


def _coming_true(doc: Estimate, story: Story) -> Iterator[str]:
    """Chances of coming true by stage, as the story writes them."""
    rows = [
        [code(name), code(stage), text(chance)]
        for name, spec in story.assumptions.items()
        for stage, chance in comes_true_rows(name, spec, doc["provenance"])
    ]
    if rows:
        yield from ("What comes true in the course of training, unless it is true already:", "")
        yield from table(("Assumption", "In the stage", "Chance, as written"), rows, "llr")


def correlations_part(doc: Estimate) -> Iterator[str]:
    """Numbers that go together, where there are any."""
    blocks = doc.get("correlations", [])
    if not blocks:
        return
    yield from ("Uncertain numbers that go together, before any evidence:", "")
    rows = [
        [
            ", ".join(map(code, block["between"])),
            text(f"{block['rank']:g}"),
            ", ".join(map(code, block["fixed"])) or "–",
            " ".join(filter(None, [cited(block["source"]), text(block["note"] or "")])),
        ]
        for block in blocks
    ]
    yield from table(("Numbers", "Rank correlation", "Fixed here", "Source"), rows, "lrll")


def _states(doc: Estimate, story: Story) -> Iterator[str]:
    """Chances of states, as the story writes them."""
    rows = [
        [code(literal_of_state(name, state)), text(condition), text(chance)]
        for name, spec in story.assumptions.items()
        if (written := spec or catalog_assumptions().get(name)) is not None
        for condition, state, chance in states_in_turn(name, written, doc["provenance"])
    ]
    if rows:
        yield from ("Chances of states, of each where none of those before it holds:", "")
        yield from table(("State", "Given", "Chance, as written"), rows, "llr")


def _conditional(doc: Estimate, story: Story) -> Iterator[str]:
    """Assumptions whose chance depends on others."""
    rows = []
    for name, entry in doc["assumptions"].items():
        spec, listed = story.assumptions.get(name), catalog_assumptions().get(name)
        written = spec if spec is not None and spec.given else listed
        if written is None or (spec is not None and spec.probability is not None):
            continue
        for k, (condition, chance) in enumerate(given_rows(name, written, doc["provenance"])):
            mean = text(percent(entry["mean"])) if k == 0 else ""
            rows.append([code(name), text(condition), text(chance), mean])
    if not rows:
        return
    yield from ("Those that depend on others, given the ones before and all in all:", "")
    heads = ("Assumption", "Given", "Chance, as written", "All in all")
    yield from table(heads, rows, "llrr")


def findings_part(doc: Estimate, story: Story) -> Iterator[str]:
    """How every finding is read: what was seen, its rates, and how far it carries over."""
    if not story.evidence:
        return
    yield from ("How each finding is read:", "")
    notes = {item["id"]: item["source"] for item in doc["evidence"]["items"]}
    for item in story.evidence:
        words = [f"about {code(_about(item))}", *_seen(item)]
        words += [text(stands_after(item))] if item.after is not None else []
        numbers = _numbers(doc, item.id)
        if item.rates_of is not None:
            words.append(f"at the rates of the check {code(item.rates_of)}")
        source = f"Source: {cited(notes.get(item.id))}."
        note = text(item.note) if item.note else ""
        start = f"- {code(item.id)}, {', '.join(words)}."
        yield " ".join(filter(None, [start, numbers, source, note]))
    yield ""


def _about(item: Evidence) -> str:
    where = "where training ended" if item.after is None else "where the stage ended"
    return item.about.literal or item.about.class_ or where


def _seen(item: Evidence) -> Iterator[str]:
    if item.counts is not None:
        yield f"{item.counts.hits:,} of {item.counts.trials:,}"
    if item.exposure is not None:
        yield exposure_words(item.exposure)
    if item.forecast is not None:
        spread = f", give or take {item.sd_bits:g} bits" if item.sd_bits is not None else ""
        yield f"a forecast, which is an opinion, of {text(percent(item.forecast))}{spread}"
