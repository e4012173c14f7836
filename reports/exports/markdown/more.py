"""Parts of a Markdown annex beyond the estimate: what it hangs on, and what to learn next."""

from collections.abc import Iterator, Sequence
from typing import Literal

from storyodds.models.changes.tipping import WORST_PATH
from storyodds.models.story.events import Headline
from storyodds.reports.contract.estimate import Estimate
from storyodds.reports.contract.sensitivity.failure import FailureShare, HowItFails
from storyodds.reports.contract.sensitivity.local import LocalPart
from storyodds.reports.contract.sensitivity.spread import GlobalPart
from storyodds.reports.contract.sensitivity.whole import SensitivityParts
from storyodds.reports.contract.summaries import Summary
from storyodds.reports.contract.value import InformationValue, ResultRange
from storyodds.reports.exports.markdown.text import code, table, text
from storyodds.reports.figures.value import gain_words
from storyodds.reports.words.correlations import HELD
from storyodds.reports.words.numbers import band, percent

_SHOWN = 10  # rows of a table: all of them are in the JSON document


def hangs_on_part(
    sensitivity: SensitivityParts, events: Sequence[Headline], *, is_correlated: bool = False
) -> Iterator[str]:
    """Numbers by what they swing, their total indices, and what would tip a verdict."""
    local, all_at_once = sensitivity.get("local"), sensitivity.get("global")
    if local is None and all_at_once is None:
        return
    yield from ("## What it hangs on", "")
    if local is not None:
        yield from _swings(local, events)
        yield from _tipping(local, events)
        yield from (HELD, "") if is_correlated else ()
    if all_at_once is not None:
        yield from _totals(all_at_once, events)


def _swings(local: LocalPart, events: Sequence[Headline]) -> Iterator[str]:
    swinging = [(number, number["swing"]) for number in local["numbers"]]
    moving = [(number, swing) for number, swing in swinging if swing is not None]
    moving.sort(key=lambda entry: -abs(entry[1][events[0]]))
    if not moving:
        yield from ("No number of the story is uncertain.", "")
        return
    yield "Each number alone, known to be at the 5 and at the 95 percent point of its prior:"
    yield ""
    heads = ["Number", "Basis"]
    heads += [f"P({event}), {end}" for event in events for end in ("low", "high")]
    rows = [
        [
            code(number["name"]),
            number["basis"],
            *(
                text(percent(end["mean"][event]))
                for event in events
                for end in (number["low"], number["high"])
                if end is not None
            ),
        ]
        for number, _ in moving[:_SHOWN]
    ]
    yield from table(heads, rows, "ll" + "r" * (len(heads) - 2))


def _tipping(local: LocalPart, events: Sequence[Headline]) -> Iterator[str]:
    verdicts = local.get("verdicts", ())
    tips = [
        tip
        for tip in local.get("tipping_points", ())
        if tip["value"] is not None and verdicts[tip["verdict"]]["event"] in (WORST_PATH, *events)
    ]
    if not tips:
        return
    yield from ("These values of one number alone would turn a verdict:", "")
    for tip in tips[:_SHOWN]:
        verdict = verdicts[tip["verdict"]]
        change = "another path becomes the worst"
        if verdict["threshold"] is not None:
            change = f"P({verdict['event']}) crosses {percent(verdict['threshold'])}"
        chance = f"prior chance {percent(tip['prior_chance'])}"
        where = f"{tip['side']} {tip['value']:.3g} ({chance})"
        yield f"- {code(tip['number'])} {text(where)}: {text(change)}"
    yield ""


def _totals(all_at_once: GlobalPart, events: Sequence[Headline]) -> Iterator[str]:
    started = False
    for event in all_at_once["events"]:
        if event["event"] not in events:
            continue
        totals = [(i["name"], i["total"]) for i in event["inputs"]]
        shares = [(name, x) for name, x in totals if x is not None and x["distinguishable"]]
        shares.sort(key=lambda entry: -entry[1]["mean"])
        if shares:
            if not started:
                yield "All numbers at once: the share of the variance of each answer in which a"
                yield from ("number has a part, alone or with others (total index).", "")
            started = True
            rows = [
                [
                    code(name),
                    text(percent(min(x["mean"], 1.0))),
                    text(band(x) or "–"),
                ]
                for name, x in shares[:_SHOWN]
            ]
            heads = (f"Number, for P({event['event']})", "Total index", "90% interval")
            yield from table(heads, rows, "lrr")


def failure_part(doc: Estimate, sensitivity: SensitivityParts | None) -> Iterator[str]:
    """How it fails, if it fails: shares of failure, and what its assumptions do to them."""
    failure = None if sensitivity is None else sensitivity.get("failure")
    shares: dict[FailureShare, Summary | None] = {
        "catastrophe": doc["catastrophe_given_deployed_failure"]
    }
    if failure is not None:
        shares = failure["given_failure"]
    if all(entry is None for entry in shares.values()):
        return
    yield from ("## If it fails", "")
    yield from ("Failure is deployed and no success: what a check halts stands beside it.", "")
    meaning: dict[FailureShare, str] = {
        "catastrophe": "it ends in catastrophe",
        "safe": "it ends without catastrophe",
        "deceptive": "the model is deceptive",
    }
    rows = [
        [meaning[name], text(percent(entry["mean"])), text(band(entry) or "–")]
        for name, entry in shares.items()
        if entry is not None
    ]
    yield from table(("Of deployed failures", "Chance", "90% interval"), rows, "lrr")
    if failure is None or not failure["assumptions"]:
        return
    heads = ["Assumption", "P(failure) if true", "P(failure) if false"]
    heads += ["Catastrophe among failures, if true", "the same, if false"]
    rows = [
        [
            code(entry["assumption"]),
            *(_given(entry[side], "failure") for side in ("if_true", "if_false")),
            *(_given(entry[side], "catastrophe") for side in ("if_true", "if_false")),
        ]
        for entry in failure["assumptions"][:_SHOWN]
    ]
    yield from table(heads, rows, "lrrrr")


def _given(side: HowItFails | None, event: Literal["failure", "catastrophe"]) -> str:
    if side is None:
        return "–"
    entry = side["failure"] if event == "failure" else side["given_failure"][event]
    return "–" if entry is None else text(percent(entry["mean"]))


def value_part(value: InformationValue, of: str) -> Iterator[str]:
    """What could be observed next, the most telling first."""
    yield from ("## What is worth finding out next", "")
    if not value["proposals"]:
        yield from ("Nothing is proposed.", "")
        return
    yield f"Bits of information about {of} that an observation is expected to bring, and the"
    yield from (f"central 90% of where P({of}) would then be; none has been made.", "")
    rows = [
        [
            code(proposal["id"]),
            gain_words(proposal["bits"]["value"], proposal["bits"]["error"]),
            text(_range(proposal["then"])),
            code(proposal["about"]),
            text(proposal["claim"]),
        ]
        for proposal in value["proposals"][:_SHOWN]
    ]
    heads = ("Observation", "Bits", f"P({of}) after it", "About", "What is done")
    yield from table(heads, rows, "lrrll")


def _range(then: ResultRange) -> str:
    """Between what values odds would be; of what cannot come about, nothing."""
    low, high = then["q05"], then["q95"]
    return "–" if low is None or high is None else f"{percent(low)} to {percent(high)}"
