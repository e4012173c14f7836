"""Limits on odds: what an author or a reader would put up with, and how one is written.

`catastrophe: 0.01` limits the mean, `catastrophe.q95: 0.05` the 95 percent point. What is wanted
should be at least so likely, everything else at most.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from storyodds.priors.text.errors import Mistake
from storyodds.priors.text.phrases import did_you_mean, quoted
from storyodds.scenarios.grammar.outcomes import CLASSES, INTENDED

#: Of a summary, by the key that it has in every document.
POINTS: Mapping[str, str] = {
    "mean": "mean",
    "median": "median",
    "q05": "5% point",
    "q95": "95% point",
}
GIVEN_DEPLOYED = "-given-deployed"
_FATES = ("success", "uncompetitive", "halted", "benign-failure", "catastrophe")
#: Odds that may have a limit: all but `deployed`, of which more is neither better nor worse.
LIMITED = (
    *CLASSES,
    *_FATES,
    *(f"{name}{GIVEN_DEPLOYED}" for name in (*CLASSES, *_FATES) if name != "halted"),
)
_WANTED = ("success", INTENDED)


@dataclass(frozen=True)
class Limit:
    """A limit on one number of an estimate.

    Attributes
    ----------
    odds : str
        A class, a fate, `deployed`, or one of the former given that it is deployed.
    point : str
        One of `POINTS`.
    value : float
        A probability.
    is_upper : bool
        Whether the number has to stay at or below the value; otherwise at or above it.
    """

    odds: str
    point: str
    value: float
    is_upper: bool


def stated_limits(limits: Mapping[str, float]) -> tuple[Limit, ...]:
    """Read the `limits` of a story.

    Parameters
    ----------
    limits : mapping of str to float
        Without mistakes.

    Examples
    --------
    >>> (limit,) = stated_limits({"catastrophe.q95": 0.05})
    >>> limit.odds, limit.point, limit.is_upper
    ('catastrophe', 'q95', True)
    """
    return tuple(limit_on(key, value) for key, value in limits.items())


def limit_on(name: str, value: float) -> Limit:
    """Give the limit of a name such as `catastrophe` or `catastrophe.q95`."""
    odds, _, point = name.partition(".")
    is_upper = odds.removesuffix(GIVEN_DEPLOYED) not in _WANTED
    return Limit(odds, point or "mean", value, is_upper)


def limit_mistakes(data: Mapping[str, Any]) -> Iterator[Mistake]:
    """Hold the `limits` of a story to odds that there are.

    Examples
    --------
    >>> [mistake.sentence for mistake in limit_mistakes({"limits": {"catastrophy": 0.01}})]
    ["found 'catastrophy', expected a class or a fate, also with -given-deployed; did you mean \
'catastrophe'?"]
    """
    limits = data.get("limits")
    if not isinstance(limits, Mapping):
        return
    for name in limits:
        odds, _, point = str(name).partition(".")
        if odds not in LIMITED:
            expected = "a class or a fate, also with -given-deployed"
            hint = did_you_mean(odds, LIMITED)
            sentence = f"found {quoted(odds)}, expected {expected}{hint}"
            yield Mistake(("limits", str(name)), sentence, at_key=True)
        elif point and point not in POINTS:
            sentence = f"found the point {quoted(point)}, expected one of {', '.join(POINTS)}"
            yield Mistake(("limits", str(name)), sentence, at_key=True)
