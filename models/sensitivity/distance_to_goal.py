"""How far off, in bits: the selection pressure that training lacks, or has to spare.

Bits are added to every route of the intended class, as a nudge would, before the evidence, which
is weighed anew.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from storyodds.models.changes.what_if import Base, Changed, settled
from storyodds.models.numerics import thinned
from storyodds.models.posterior.prepared import prepare
from storyodds.models.posterior.questions import ask
from storyodds.priors.distributions.families import Point
from storyodds.priors.distributions.forms import Fixed
from storyodds.priors.text.errors import UnsupportedStoryError
from storyodds.scenarios.grammar.outcomes import CLASSES, INTENDED
from storyodds.scenarios.numbers.story_number import StoryNumber
from storyodds.scenarios.resolve import ResolvedStory
from storyodds.scenarios.schema import Nudge

Array = NDArray[np.float64]
Target = Literal["likeliest", "even"]

TARGETS: tuple[Target, ...] = ("likeliest", "even")
MOST = 60.0  # bits either way, as far as the format goes

_PRECISION_BITS = 1e-3  # bits
_DRAWS = 512  # at which roots are found one by one
_OWN = CLASSES.index(INTENDED)


@dataclass(frozen=True)
class Miss:
    """Bits that the intended class would need.

    Attributes
    ----------
    target : {"likeliest", "even"}
        To be the likeliest class, or as likely as all others together.
    bits : float
        Of the posterior means; negative where it could lose as many. Infinite where `MOST` bits
        are not enough, minus infinite where it could lose as many.
    by_draw : (n,) array
        The same for every draw of the numbers by itself.
    pareto_k : float or None
        Of the weights at `bits`.
    refitted : bool
        Whether the story with these bits was assessed afresh.
    """

    target: Target
    bits: float
    by_draw: Array
    pareto_k: float | None
    refitted: bool


def misses(base: Base, drawn: Array) -> tuple[Miss, ...]:
    """Find the bits that the intended class needs, exactly by root finding.

    Parameters
    ----------
    base : Base
    drawn : (n, n_numbers) array
        Posterior draws of all numbers that count the same, for what is found by draw.

    Returns
    -------
    tuple of Miss
        By `TARGETS`.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.models.changes.what_if import base_of
    >>> from storyodds.scenarios.resolve import resolve
    >>> assessed = assess(resolve(load_story("cat-classifier")))
    >>> likeliest, even = misses(base_of(assessed), assessed.exact.values[:8])
    >>> bool(likeliest.bits <= even.bits)
    True
    """
    pushed = _Pushed(base, drawn)
    return tuple(pushed.miss(target) for target in TARGETS)


def gap(classes: Array, target: Target) -> Array:
    """Bits between the intended class and what it is measured by, (n,).

    Parameters
    ----------
    classes : (n, 4) array
        Probabilities by class.

    Examples
    --------
    >>> classes = np.array([[0.2, 0.4, 0.4, 0.0]])
    >>> gap(classes, "likeliest"), gap(classes, "even")
    (array([-1.]), array([-2.]))
    """
    rivals = np.delete(classes, _OWN, axis=1)
    rest = rivals.max(axis=1) if target == "likeliest" else rivals.sum(axis=1)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log2(classes[:, _OWN]) - np.log2(rest))


def with_pressure(resolved: ResolvedStory, bits: float) -> ResolvedStory:
    """Return the story with one nudge more, for the intended class; its number is the last.

    The nudge has a reserved word for its id, so that none of the story's own can have it too.
    """
    rationale, form = resolved.story.rationale, Fixed(fixed=bits)
    nudge = Nudge(id="rationale", bits={INTENDED: form})
    rationale = rationale.model_copy(update={"nudges": (*rationale.nudges, nudge)})
    number = StoryNumber(
        name=f"{nudge.id}.bits.{INTENDED}",
        key_path=None,
        kind="bits",
        form=form,
        distribution=Point(bits),
        basis="assumed",
        source=None,
        note=None,
        origin="format",
    )
    return replace(
        resolved,
        story=resolved.story.model_copy(update={"rationale": rationale}),
        numbers=(*resolved.numbers, number),
    )


class _Pushed:
    """The story with bits added to its intended class."""

    def __init__(self, base: Base, drawn: Array) -> None:
        self.base, self.drawn = base, drawn
        self.prepared = prepare(with_pressure(base.prepared.resolved, 0.0))
        self.asked: dict[float, Changed] = {}

    def miss(self, target: Target) -> Miss:
        """Find the bits on average, and draw by draw."""
        try:
            bits = self._of_means(target)
        except UnsupportedStoryError:
            bits = np.nan
        there = self.asked.get(bits)
        return Miss(
            target=target,
            bits=bits,
            by_draw=self._by_draw(target),
            pareto_k=there.pareto_k if there else None,
            refitted=there.refitted if there else False,
        )

    def _at(self, bits: float, target: Target) -> float:
        """The gap between the posterior means."""
        if bits not in self.asked:
            values = _beside(self.base.values, np.full(len(self.base.values), bits))
            answer = ask(self.prepared, values)
            edited = partial(with_pressure, self.base.prepared.resolved, bits)
            changed = settled(self.base, answer.log_evidence, answer.events, edited)
            if changed is None:
                raise UnsupportedStoryError("bits: found more than can be summed")
            self.asked[bits] = changed
        return float(gap(self.asked[bits].means[None, : len(CLASSES)], target)[0])

    def _of_means(self, target: Target) -> float:
        from scipy.optimize import brentq

        now = self._at(0.0, target)
        if now == 0:
            return 0.0
        if not np.isfinite(now):
            return float(-np.copysign(np.inf, now))
        near, far = 0.0, float(-np.copysign(max(abs(now), 0.25), now))
        while self._at(far, target) * now > 0:
            if abs(far) == MOST:
                return float(-np.copysign(np.inf, now))
            near, far = far, float(np.clip(2 * far, -MOST, MOST))
        bits = float(brentq(self._at, near, far, args=(target,), xtol=_PRECISION_BITS))
        self._at(bits, target)
        return bits

    def _by_draw(self, target: Target) -> Array:
        """The root for every draw by itself: all at once, each within its own bracket."""
        from scipy.optimize.elementwise import find_root

        values = thinned(self.drawn, _DRAWS)

        def at(bits: Array, row: Array) -> Array:
            numbers = _beside(values[row.astype(np.intp)], bits)
            return gap(ask(self.prepared, numbers).events[:, : len(CLASSES)], target)

        rows = np.arange(len(values), dtype=float)
        try:
            now = at(np.zeros(len(values)), rows)
            ahead = now > 0
            ends = np.where(ahead, -MOST, 0.0), np.where(ahead, 0.0, MOST)
            beyond = at(np.where(ahead, -MOST, MOST), rows)
            out = np.where(ahead, -np.inf, np.inf)
            crosses = np.isfinite(now) & np.isfinite(beyond) & (now * beyond <= 0)
            if crosses.any():
                root = find_root(
                    at,
                    (ends[0][crosses], ends[1][crosses]),
                    args=(rows[crosses],),
                    tolerances={"xatol": _PRECISION_BITS},
                )
                out[crosses] = root.x
        except UnsupportedStoryError:
            return np.full(len(values), np.nan)
        return out


def _beside(values: Array, bits: Array) -> Array:
    """Numbers with one column more."""
    return np.column_stack([values, bits])
