"""Whether an estimate keeps a limit, and which single number would bring it there."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from storyodds.priors.text.errors import UnsupportedStoryError
from storyodds.reports.contract.estimate import Estimate
from storyodds.reports.words.numbers import counted, odds_words, percent, sentence_case
from storyodds.reports.words.priors import share_words
from storyodds.reports.words.sentences import errors_of, is_risk_argument, states_simulated
from storyodds.scenarios.grammar.limits import GIVEN_DEPLOYED, POINTS, Limit, stated_limits
from storyodds.scenarios.grammar.outcomes import CLASSES

if TYPE_CHECKING:
    from storyodds.models.assessment.assessment import Assessment
    from storyodds.models.changes.limits import Crossing
    from storyodds.scenarios.resolve import ResolvedStory

# What a risk argument makes a claim on.
_ARGUED = ("halted", "catastrophe", f"catastrophe{GIVEN_DEPLOYED}")
_CLOSE = 2  # standard errors, within which a mean is not told from a limit


@dataclass(frozen=True)
class LimitVerdict:
    """Whether a limit is kept.

    Attributes
    ----------
    limit : Limit
    kept : bool or None
        None where that cannot be told.
    sentence : str
    change : str
        Which single number would bring the mean to the other side; empty where that was not
        looked for.
    """

    limit: Limit
    kept: bool | None
    sentence: str
    change: str = ""


def summary_of(estimate: Mapping[str, Any], odds: str) -> Mapping[str, float] | None:
    """Find the summary of some odds in an estimate; None where they are not defined."""
    if odds in estimate["classes"] or odds in estimate["fates"]:
        entry: Mapping[str, float] = {**estimate["classes"], **estimate["fates"]}[odds]
        return entry
    deployed = estimate["deployed"]
    if odds == "deployed":
        return deployed["probability"] if deployed else dict.fromkeys(POINTS, 0.0)
    name = odds.removesuffix(GIVEN_DEPLOYED)
    return None if deployed is None else {**deployed, **deployed["classes"]}[name]


def all_limits(stated: Iterable[Limit], readers: Iterable[Limit]) -> tuple[Limit, ...]:
    """Take the limits of a story and those of a reader, which stand in place of them."""
    limits = {(limit.odds, limit.point): limit for limit in (*stated, *readers)}
    return tuple(limits.values())


def verdicts_on(
    assessment: "Assessment", estimate: Estimate, readers: Sequence[Limit]
) -> "Verdicts":
    """Hold an estimate to the limits of its story and to those that a reader gives.

    Parameters
    ----------
    assessment : Assessment
    estimate : mapping
        "storyodds/estimate/1" of it.
    readers : sequence of Limit
        Those that a reader gives.

    Returns
    -------
    tuple of LimitVerdict

    Examples
    --------
    >>> from storyodds import estimate, load_story, summarize
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.reports.documents.estimate import summarize
    >>> from storyodds.scenarios.resolve import resolve
    >>> assessment = assess(resolve(load_story("carlsmith-six-premises")))
    >>> limit = Limit("catastrophe", "mean", 0.01, is_upper=True)
    >>> (verdict,) = verdicts_on(assessment, summarize(assessment), [limit])
    >>> verdict.kept, verdict.sentence
    (False, 'Catastrophe is above the limit of 1%: it is 5.1%.')
    >>> verdict.change
    'No number of the story is uncertain, so none could bring catastrophe within that limit.'
    """
    resolved = assessment.prepared.resolved
    limits = all_limits(stated_limits(resolved.story.limits), readers)
    return tuple(_verdict(assessment, resolved, estimate, limit) for limit in limits)


type Verdicts = tuple[LimitVerdict, ...]


def _verdict(
    assessment: "Assessment", resolved: "ResolvedStory", estimate: Estimate, limit: Limit
) -> LimitVerdict:
    from storyodds.models.changes.limits import crossings
    from storyodds.models.story.events import EVENTS

    if is_risk_argument(estimate) and limit.odds not in _ARGUED:
        words = (
            f"The argument makes no claim on {odds_words(limit.odds)}: no limit on it is judged."
        )
        return LimitVerdict(limit, None, words)
    kept, sentence = limit_sentence(estimate, limit)
    if kept is None:
        return LimitVerdict(limit, kept, sentence)
    if limit.point != "mean" or limit.odds not in EVENTS:
        return LimitVerdict(limit, kept, sentence, "" if kept else _NOT_LOOKED_FOR)
    if estimate["method"] == "simulation" or not estimate["diagnostics"]["ok"]:
        return LimitVerdict(limit, kept, sentence)
    if not assessment.prepared.uncertain:
        if kept:
            return LimitVerdict(limit, kept, sentence)
        words = (
            "No number of the story is uncertain, so none could bring "
            f"{odds_words(limit.odds)} within that limit."
        )
        return LimitVerdict(limit, kept, sentence, words)
    try:
        points = crossings(assessment, limit.odds, limit.value)
    except UnsupportedStoryError:  # a large tree, of which no number is moved
        return LimitVerdict(limit, kept, sentence)
    return LimitVerdict(limit, kept, sentence, change_sentence(points, resolved, limit, kept=kept))


def limit_sentence(estimate: Estimate, limit: Limit) -> tuple[bool | None, str]:
    """Say whether a limit is kept, with the mean and the point that a careful reader looks at."""
    entry, name = summary_of(estimate, limit.odds), _of_what(limit.odds)
    if entry is None:
        return None, f"Every model is halted, so {name} has no limit to keep."
    states = states_simulated(estimate)
    if states is not None and entry["mean"] in (0.0, 1.0):
        met = "not met" if entry["mean"] == 0 else "all that was met"
        words = f"was {met} in {states:,} simulated states, which does not settle its limit of"
        return None, f"{sentence_case(name)} {words} {share_words(limit.value)}."
    number, errors = entry[limit.point], errors_of(estimate, _place(limit.odds))
    error = errors.get(limit.point, 0.0)
    if error and abs(number - limit.value) <= _CLOSE * error:
        words = f"is too close to its limit of {share_words(limit.value)} to tell: it is "
        return None, f"{_subject(limit)} {words}{percent(number, error)}{_computed(errors)}."
    within = number <= limit.value if limit.is_upper else number >= limit.value
    place = "within" if within else "above" if limit.is_upper else "below"
    start = f"{_subject(limit)} is {place} the limit of {share_words(limit.value)}"
    return within, f"{start}: {_numbers(entry, errors, limit, within=within)}."


def _place(odds: str) -> str:
    """Where the errors of some odds stand: those given deployment, at their place."""
    name = odds.removesuffix(GIVEN_DEPLOYED)
    if name == odds:
        return odds
    return f"deployed.classes.{name}" if name in CLASSES else f"deployed.{name}"


def _computed(errors: Mapping[str, float]) -> str:
    return ", and the computation is no finer" if errors else ""


def _subject(limit: Limit) -> str:
    name = _of_what(limit.odds)
    words = name if limit.point == "mean" else f"the {POINTS[limit.point]} of {name}"
    return sentence_case(words)


def _of_what(odds: str) -> str:
    """Name odds as the subject of a sentence: an ending, or that the model is of a class."""
    name = odds.removesuffix(GIVEN_DEPLOYED)
    if name not in CLASSES:
        return odds_words(odds)
    once = "" if name == odds else " once deployed"
    return f"the chance of a model of class “{name}”{once}"


def _numbers(
    entry: Mapping[str, float], errors: Mapping[str, float], limit: Limit, *, within: bool
) -> str:
    """The limited number, and beside it the mean or the end that a careful reader looks at."""
    words = {key: percent(entry[key], errors.get(key, 0.0)) for key in ("mean", "q05", "q95")}
    if entry["q05"] == entry["q95"]:
        return f"it is {words['mean']}"
    end = "q95" if limit.is_upper else "q05"
    if limit.point not in ("mean", end):
        return f"it is {percent(entry[limit.point], errors.get(limit.point, 0.0))}"
    if limit.point == end:
        return f"it is {words[end]}, and the mean is {words['mean']}"
    beyond = entry[end] > limit.value if limit.is_upper else entry[end] < limit.value
    past = "above it" if limit.is_upper else "below it"
    if within and beyond:
        return f"its mean is {words['mean']}, but its {POINTS[end]}, {words[end]}, is {past}"
    return f"its mean is {words['mean']}, and its {POINTS[end]} {words[end]}"


def change_sentence(
    points: "Sequence[Crossing]", resolved: "ResolvedStory", limit: Limit, *, kept: bool
) -> str:
    """Say which single number would bring a mean to the other side of its limit."""
    from storyodds.reports.words.levers import lever_words, value_words

    beyond = "above" if limit.is_upper else "below"
    change = f"bring {_of_what(limit.odds)} {beyond if kept else 'within'} that limit by itself"
    if not points:
        return f"No single number would {change}, {_ENDS}."
    first = points[0]
    words = lever_words(first.number, resolved)
    value = f"if that were known to be {first.side} {value_words(first.value, first.kind)}"
    numbers = {point.number for point in points}
    if len(numbers) == 1:
        ends = "Of all numbers, each taken alone to its 0.5% and its 99.5% point, only one would"
        return f"{ends} {change}: {words}, {value}."
    count = counted(len(numbers), "number")
    return f"Each of {count} would {change}; the likeliest: {words}, {value}."


_NOT_LOOKED_FOR = (
    "Which single number would bring it within that limit is looked for only of the mean of an "
    "ending or of a class of model, with all that is trained counted."
)
_ENDS = "not even known to be at the 0.5% or the 99.5% point of its range"
