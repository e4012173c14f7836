"""The part of an argument that rests on the checks before deployment."""

from collections.abc import Iterator, Mapping

from storyodds.reports.contract.summaries import Summary
from storyodds.reports.exports.gsn.case import Case
from storyodds.reports.exports.gsn.elements import Element
from storyodds.reports.exports.gsn.words import chance, complement, flags_intended
from storyodds.reports.words.numbers import listed
from storyodds.reports.words.stages import stands_after
from storyodds.scenarios.grammar.outcomes import INTENDED

AVERTED = "no catastrophe"
_STRATEGY = "checks"  # the key of the strategy


def checks(case: Case, over: str) -> Iterator[Element]:
    """Every check: what it flags, or the result that it had."""
    strategy = over
    if any(check.result is None for check in case.story.checks):
        strategy = _STRATEGY
        yield from _halting(case, over)
    for check in case.story.checks:
        role = "kept out of training" if check.role == "held-out" else "also trained against"
        role = ", ".join(filter(None, [role, stands_after(check)]))
        sentence = f"{check.claim}{case.numbers.basis(check.id)}"
        caught = case.doc["checks"][check.id]["caught"]
        if caught is not None:
            route = _concerning(case, caught)
            yield Element(
                "goal",
                f"Check {check.id} ({role}) flags a model of the route {route}. {sentence}",
                strategy,
                about=check.id,
                entry=caught[route],
                of=f"check {check.id} flags {route}",
                more=flags_intended(caught),
            )
        else:
            words = f"Check {check.id} ({role}) {check.result}: evidence, at the rates stated."
            yield Element("context", f"{words} {sentence}", over, about=check.id)


def _concerning(case: Case, caught: Mapping[str, Summary | None]) -> str:
    """The route of most concern, else the likeliest rival, that a check has a rate for."""
    routes = case.doc["routes"]
    rivals = [r for r in caught if r in routes and routes[r]["class"] != INTENDED]
    return max(rivals, key=case.weight)


def _halting(case: Case, over: str) -> Iterator[Element]:
    doc, goal = case.doc, "halting"
    halted = chance(doc["fates"]["halted"])
    yield Element(
        "goal",
        "No model that the checks let through ends in catastrophe.",
        over,
        goal,
        about="checks",
        entry=complement(doc["fates"]["catastrophe"]),
        of=AVERTED,
        more=f"P(halted) = {halted}, of which false alarms: {chance(doc['false_alarm'])}.",
    )
    yield Element("strategy", "Over the checks before deployment.", goal, _STRATEGY)
    for k, cause in enumerate(case.story.common_cause):
        name = cause.id or f"common-cause-{k + 1}"
        one = f"With a stated chance one thing decides whether {listed(cause.checks)} flag."
        sentence = " ".join(filter(None, [f"Common cause {name}:", cause.claim, one]))
        basis = case.numbers.basis(name)
        yield Element("assumption", f"{sentence}{basis}", _STRATEGY, about=name)
