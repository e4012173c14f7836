"""Weighted draws: their error, and a story whose uncertain numbers have been drawn.

`draw_story` reads the PRIOR forms by itself: it shares no code with `storyodds.priors`.
"""

import math
import random
from collections.abc import Callable
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from storyodds.priors.forms import (
    Beta,
    BitsPool,
    Counts,
    Fixed,
    Form,
    Interval,
    LogNormal,
    Normal,
    ProbabilityPool,
    Ref,
    UniformForm,
)
from storyodds.priors.records import Record
from storyodds.scenarios.schema import Story

Array = NDArray[np.float64]

_BITS = ("bits", "bayes_factor")


def mean_and_error(x: Array, weights: Array) -> tuple[float, float]:
    """Weighted mean with its standard error, for self-normalized weights.

    The error is the delta method's sqrt(sum of w^2 (x - mean)^2): conservative for quasi-Monte
    Carlo draws, and right for independent ones.
    """
    w = weights / weights.sum()
    mean = float(w @ x)
    return mean, float(np.sqrt(np.sum(w**2 * (x - mean) ** 2)))


def effective(weights: Array) -> float:
    """Effective number of draws."""
    return float(weights.sum() ** 2 / np.sum(weights**2))


def draw_number(form: Any, is_bits: bool, rng: random.Random) -> float:
    """Draw the number that a PRIOR form stands for."""
    match form:
        case Fixed():
            return form.fixed
        case Beta():
            return rng.betavariate(*form.beta)
        case Counts():
            misses = form.counts.trials - form.counts.hits
            return rng.betavariate(form.counts.hits + 0.5, misses + 0.5)
        case UniformForm():
            return rng.uniform(*form.uniform)
        case Normal() if is_bits:
            return rng.gauss(*form.normal)
        case Normal():
            return until_inside(lambda: rng.gauss(*form.normal))
        case LogNormal():
            shape = form.lognormal
            sd = math.log(shape.error_factor) / NormalDist().inv_cdf(shape.level)
            mean = math.log(shape.mean) - sd * sd / 2.0
            return until_inside(lambda: rng.lognormvariate(mean, sd))
        case Interval():
            low, high = form.interval
            if not is_bits:
                low, high = (math.log(end / (1.0 - end)) for end in (low, high))
            spread = (high - low) / 2.0 / NormalDist().inv_cdf(0.5 + form.level / 2.0)
            x = rng.gauss((low + high) / 2.0, spread)
            return x if is_bits else 1.0 / (1.0 + math.exp(-x))
        case ProbabilityPool() | BitsPool():
            values = [judge.value for judge in form.pool]
            chosen = rng.choices(values, [judge.weight for judge in form.pool])[0]
            return draw_number(chosen, is_bits, rng)
    raise TypeError(f"not a resolved number: {form!r}")


def until_inside(draw: Callable[[], float]) -> float:
    """Draw again until the number is a probability."""
    while not 0.0 <= (x := draw()) <= 1.0:
        pass
    return x


def draw_story(story: Story, rng: random.Random, *, keep_evidence: bool = False) -> Story:
    """Replace every uncertain number of a story by a draw from its prior.

    Parameters
    ----------
    keep_evidence : bool
        Leave the numbers of evidence items uncertain.
    """
    kept = {"evidence"} if keep_evidence else set()
    parts = {
        name: _drawn(getattr(story, name), "", rng)
        for name in ("goal", "rationale", "assumptions", "routes", "checks", "evidence")
        if name not in kept
    }
    return story.model_copy(update=parts)


def _drawn(part: Any, field: str, rng: random.Random) -> Any:
    if isinstance(part, Form) and not isinstance(part, Ref):
        return Fixed(fixed=draw_number(part, field in _BITS, rng))
    if isinstance(part, Record):
        fields = {name: _drawn(getattr(part, name), name, rng) for name in type(part).model_fields}
        return part.model_copy(update=fields)
    if isinstance(part, dict):
        return {key: _drawn(value, field, rng) for key, value in part.items()}
    if isinstance(part, tuple):
        return tuple(_drawn(value, field, rng) for value in part)
    return part
