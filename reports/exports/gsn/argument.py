"""A story as an argument in Goal Structuring Notation, every claim with its probability.

The elements and rules are those of the GSN Community Standard, version 3, with its dialectic
extension. The argument claims what the story claims, and no more: each goal is told with the
probability that the assessment gives to what it says, and one that nothing observed supports is
marked as undeveloped. Evidence that lowers the odds of a goal challenges it as a counter-solution.
"""

from collections.abc import Iterator
from typing import Literal

from storyodds.reports.contract.estimate import Criterion, Estimate
from storyodds.reports.exports.gsn.case import Case
from storyodds.reports.exports.gsn.checks import AVERTED, checks
from storyodds.reports.exports.gsn.elements import Element, structure
from storyodds.reports.exports.gsn.records import Argument
from storyodds.reports.exports.gsn.rivals import it_is, rivals
from storyodds.reports.exports.gsn.words import chance, complement, decision_words, stated
from storyodds.reports.words.correlations import sentences
from storyodds.reports.words.sentences import is_risk_argument
from storyodds.reports.words.shortening import plain
from storyodds.scenarios.schema import Hazard
from storyodds.scenarios.story import Story

_SUCCESS = (
    "Training as told ends in success: the intended model, no hazard fires, deployed, no "
    "catastrophe."
)
_NO_CATASTROPHE = "The run does not end in catastrophe."
_TOP, _OVER = "top", "over"  # the keys of the top goal and of the strategy below it


def argument(estimate_document: Estimate, story: Story, *, most: int | None = None) -> Argument:
    """Make the argument of a story from what was computed of it.

    Parameters
    ----------
    estimate_document : mapping
        The object of `estimate --json` of this story.
    story : Story
    most : int, optional
        The most routes told one by one in each class, those that weigh most; the others become
        one goal. All of them unless stated.

    Returns
    -------
    Argument

    Examples
    --------
    >>> from storyodds import estimate, load_story, summarize
    >>> story = load_story("carlsmith-six-premises")
    >>> made = argument(summarize(estimate(story)), story)
    >>> print(made.nodes[0].text)
    The run does not end in catastrophe. P = 95%.
    """
    case = Case(estimate_document, story, most)
    parts = _risk(case) if is_risk_argument(estimate_document) else _success(case)
    nodes, edges = structure([*parts, *checks(case, _OVER)])
    reliable = bool(estimate_document["diagnostics"]["ok"])
    return Argument(story.story, plain(story.title), reliable, nodes, edges)


def _success(case: Case) -> Iterator[Element]:
    """The success of a training story over its four criteria."""
    success = case.doc["fates"]["success"]
    yield Element("goal", _SUCCESS, key=_TOP, entry=success, of="success")
    yield from _contexts(case)
    yield Element("strategy", "Over the four criteria, and the checks.", _TOP, _OVER)
    good = "No hazard of alignment fires in a run made to end as intended."
    strong = "No hazard of competitiveness fires in a run made to end as intended."
    led = "Training ends at the intended model, not at a rival."
    able = "Training can be carried out as the story tells it."
    yield from _hazards(case, "alignment", good)
    yield from _hazards(case, "competitiveness", strong)
    yield _criterion(case, "rationale_alignment", led)
    yield from rivals(case, "rationale_alignment")
    feasible = case.doc["criteria"]["rationale_competitiveness"]
    sentence = able if feasible is not None else f"{able} The story gives no number."
    basis = case.numbers.basis("rationale.feasibility")
    yield _criterion(case, "rationale_competitiveness", f"{sentence}{basis}")


def _risk(case: Case) -> Iterator[Element]:
    """Deny the catastrophe of a risk argument, route by route."""
    averted = complement(case.doc["fates"]["catastrophe"])
    yield Element("goal", _NO_CATASTROPHE, key=_TOP, entry=averted, of=AVERTED)
    yield from _contexts(case)
    yield Element("strategy", "Over the ways in which it could.", _TOP, _OVER)
    criteria: tuple[Literal["alignment", "competitiveness"], ...]
    criteria = ("alignment", "competitiveness")
    for criterion in criteria:
        if any(h.criterion == criterion for h in case.story.goal.hazards):
            yield from _hazards(case, criterion, f"No hazard of {criterion} fires by itself.")
    denial = "The run takes none of the routes that the argument names."
    yield _criterion(case, "rationale_alignment", denial)
    yield from rivals(case, "rationale_alignment")


def _contexts(case: Case) -> Iterator[Element]:
    goal = case.story.goal
    yield Element("context", f"Goal: {goal.specification}", _TOP, about="goal.specification")
    yield Element("justification", goal.desirability, _TOP, about="goal.desirability")
    yield Element("context", stated(case.doc), _TOP)
    day = decision_words(case.doc)
    if day:
        yield Element("context", day, _TOP, about="deployed")
    for sentence in sentences(case.doc):
        yield Element("assumption", sentence, _TOP, about="correlations")


def _criterion(case: Case, key: Criterion, words: str) -> Element:
    entry, of = case.doc["criteria"][key], key.replace("_", " ")
    return Element("goal", words, _OVER, key, about=key, entry=entry, of=of)


def _hazards(
    case: Case, criterion: Literal["alignment", "competitiveness"], words: str
) -> Iterator[Element]:
    hazards = [h for h in case.story.goal.hazards if h.criterion == criterion]
    sentence = words if hazards else f"{words} The story names none."
    key: Criterion = "goal_alignment" if criterion == "alignment" else "goal_competitiveness"
    yield _criterion(case, key, sentence)
    if hazards:
        strategy = f"hazards of {criterion}"
        yield Element("strategy", "Over the hazards that the story names.", key, strategy)
        for hazard in hazards:
            yield _hazard(case, strategy, hazard)


def _hazard(case: Case, over: str, hazard: Hazard) -> Element:
    entry, worst = case.doc["hazards"][hazard.id], case.worst("hazard", hazard.id)
    conditional = entry["given_intended"]
    start = "" if conditional is None else "Of an intended model, "
    more = [f"All in all it fires with {chance(entry)}."]
    if worst is not None:
        concern = chance(worst["concern"])
        more.append(f"On its path of most concern it causes a catastrophe with {concern}.")
    return Element(
        "goal",
        f"{start}{'Hazard' if conditional is None else 'hazard'} {hazard.id} does not fire."
        f"{it_is(hazard.claim)}",
        over,
        about=hazard.id,
        entry=complement(entry if conditional is None else conditional),
        of=f"no hazard {hazard.id}",
        more=" ".join(more) + case.numbers.basis(hazard.id),
    )
