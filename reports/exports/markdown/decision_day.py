"""Parts of a Markdown annex: the day of the decision, checks, hazards and mechanisms."""

from collections.abc import Iterator

from storyodds.models.story.events import FATES
from storyodds.reports.contract.estimate import Estimate
from storyodds.reports.contract.summaries import Interval
from storyodds.reports.exports.markdown.text import code, table, text
from storyodds.reports.words.checks_together import together_words
from storyodds.reports.words.numbers import NO_ERRORS, Errors, band, percent, signed
from storyodds.reports.words.sentences import (
    NO_DECISION,
    cases,
    day_fates,
    errors_of,
    headline_fates,
    is_risk_argument,
)

_HEADS = ("Chance", "90% interval", "In cases")


def chance(entry: Interval) -> str:
    """A probability with its interval, where it has one."""
    spread = band(entry)
    return percent(entry["mean"]) + (f" (90% interval {spread})" if spread else "")


def odds_cells(doc: Estimate, entry: Interval, errors: Errors = NO_ERRORS) -> list[str]:
    """The cells of a probability: its mean, its interval, and as a count of cases."""
    mean = percent(entry["mean"], errors.get("mean", 0.0))
    return [text(cell) for cell in (mean, band(entry, errors) or "–", cases(doc, entry))]


def decision_part(doc: Estimate) -> Iterator[str]:
    """The odds once no check has flagged, and what each check does; nothing without checks."""
    if not doc["checks"]:
        return
    if any(check["result"] is None for check in doc["checks"].values()):
        yield from ("## On the day of the decision", "")
        yield from _deployed(doc)
    yield from ("## The checks", "")
    rows = [
        [
            code(name),
            check["result"] or "before the decision",
            *(["–", "–"] if check["added"] is None else _points_cells(check["added"])),
        ]
        for name, check in doc["checks"].items()
    ]
    heads = ("Check", "Result", "Takes off P(catastrophe), points", "90% interval")
    yield from table(heads, rows, "llrr")
    yield "What a check takes off is by how much a catastrophe would be likelier without it, the"
    yield "others being there. A check with a result is evidence, and halts nothing any more."
    yield from ("", text(together), "") if (together := together_words(doc)) else ("",)


def _points_cells(entry: Interval) -> list[str]:
    """A difference in percentage points, and its interval where it has one."""
    mean, low, high = (signed(entry[key]).removeprefix("+") for key in ("mean", "q05", "q95"))
    return [text(mean), "–" if low == high else text(f"{low} to {high}")]


def _deployed(doc: Estimate) -> Iterator[str]:
    day = doc["deployed"]
    if day is None:
        yield from (NO_DECISION, "")
        return
    rows = [
        [
            "no check flags the model",
            *odds_cells(doc, day["probability"], errors_of(doc, "deployed")),
        ]
    ]
    argued = is_risk_argument(doc)
    headlines = headline_fates(doc) if argued else FATES
    fates = [(name, entry) for name, entry in day_fates(day).items() if name in headlines]
    rows += [[name, *odds_cells(doc, entry)] for name, entry in fates]
    classes = {} if argued else day["classes"]
    rows += [[f"class {name}", *odds_cells(doc, entry)] for name, entry in classes.items()]
    yield from ("Below the first row: given that no check has flagged the model.", "")
    yield from table(("", *_HEADS), rows, "lrrl")


def hazards_part(doc: Estimate) -> Iterator[str]:
    """The odds of each hazard by itself."""
    if not doc["hazards"]:
        return
    yield from ("## The hazards of the goal", "")
    rows = [
        [
            code(name),
            entry["criterion"],
            *odds_cells(doc, entry)[:2],
            "–" if entry["given_intended"] is None else text(chance(entry["given_intended"])),
        ]
        for name, entry in doc["hazards"].items()
    ]
    heads = ("Hazard", "Criterion", "Fires", "90% interval", "Of intended models")
    yield from table(heads, rows, "llrrr")
    yield from ("Each fires by itself, in no order, and several may.", "")


def mechanisms_part(doc: Estimate) -> Iterator[str]:
    """Concern by mechanism, of routes that share one."""
    if not doc["mechanisms"]:
        return
    yield from ("### By mechanism", "")
    rows = [
        [
            text(name),
            *odds_cells(doc, entry["concern"])[:2],
            text(percent(entry["probability"]["mean"])),
            ", ".join(map(code, entry["routes"])),
        ]
        for name, entry in doc["mechanisms"].items()
    ]
    heads = ("Mechanism", "Ends in catastrophe", "90% interval", "Comes about", "Routes")
    yield from table(heads, rows, "lrrrl")
