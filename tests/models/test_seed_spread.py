"""Answers over seeds scatter as stated, no more and no less, about what is right."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from support.building import OFF, believe, item, tell
from support.cases import case

from storyodds import load_story
from storyodds.models.assessment.assessment import Assessment, Method, assess
from storyodds.models.numerics import weighted_quantile
from storyodds.models.posterior.soundness import ANSWERS, answers_of
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Route
from storyodds.scenarios.story import Story

Array = NDArray[np.float64]

SEEDS = 30
NUTS_SEEDS = 6
LEVELS = np.array([0.05, 0.95])
CHANCE = 1e-6  # of a false alarm, by comparison; seeds are fixed anyway
ROUNDING = 1e-12


def bearing_on_bits() -> Story:
    """Two rivals whose bits the evidence bears on, one of them a pool."""
    pool = {"pool": [{"by": "A", "value": [-3, -1], "weight": 3}, {"by": "B", "value": [2, 4]}]}
    return tell(
        {"a": believe([0.2, 0.7]), "b": believe({"beta": [0.5, 0.5]})},
        (
            Route(id="scheme", class_="deceptive", requires="a", bits=[-2, 3], harm=[0.2, 0.9]),
            Route(id="proxy", class_="mesa-optimizer", requires="b", bits=pool, harm=0.1),
            OFF.model_copy(update={"bits": Route(id="x", class_="other", bits=-1, harm=0).bits}),
        ),
        evidence=(
            item("seen", {"assumption": "b"}, bayes_factor={"true": 2}),
            item("ran", {"outcome": True}, bayes_factor={"deceptive": 3, "default": 0}),
            item("judge", {"class_": "deceptive"}, forecast=0.3, sd_bits=1.5),
        ),
    )


STORIES: dict[str, Callable[[], Story]] = {
    "bits": bearing_on_bits,
    "no bits": lambda: case("dissenter30"),
    "one premise": lambda: case("resampled"),
    "coinrun-agent": lambda: load_story("coinrun-agent"),
}


@dataclass(frozen=True)
class Told:
    """What a run says: mean, 5 and 95 % points by answer, then log P(E); and the errors."""

    values: Array
    errors: Array


def told(assessment: Assessment) -> Told:
    averaged, exact = assessment.averaged, assessment.exact
    drawn = answers_of(exact)
    ends = [weighted_quantile(x, LEVELS, exact.weights) for x in drawn.T]
    means = averaged.mean(answers_of(averaged))
    draws, errors = assessment.draws, assessment.errors
    return Told(
        np.append(np.column_stack([means, ends]).ravel(), draws.log_evidence),
        np.append(
            np.column_stack([errors.mean, errors.quantiles[:, [0, 2]]]).ravel(),
            draws.log_evidence_error,
        ),
    )


NAMES = [*(f"{x} {kind}" for x in ANSWERS for kind in ("mean", "q05", "q95")), "log P(E)"]


@cache
def truth(name: str) -> Told:
    """By weighting, from 64 times the draws: an eighth of the errors, and mostly far less."""
    return told(assess(resolve(STORIES[name]()), method="weighting", draws=2**16, seed=1000))


@cache  # two checks of the check itself look at the same runs
def runs(name: str, method: Method, seeds: int, draws: int) -> list[Told]:
    resolved = resolve(STORIES[name]())
    assessments = [assess(resolved, method=method, draws=draws, seed=s) for s in range(seeds)]
    assert all(a.draws.ok for a in assessments), [a.draws.messages for a in assessments]
    return [told(a) for a in assessments]


def assert_as_stated(found: Sequence[Told], right: Told) -> None:
    values, errors = (np.array([getattr(x, part) for x in found]) for part in ("values", "errors"))
    n = len(found)
    # Errors are themselves estimates, of the same size at every seed.
    stated = np.sqrt(np.mean(errors**2, axis=0))
    scatter = np.sum((values - values.mean(axis=0)) ** 2, axis=0)
    most = stats.chi2.isf(CHANCE, n - 1)
    wide = scatter > most * stated**2 + ROUNDING
    assert not wide.any(), complaints(wide, np.sqrt(scatter / (n - 1)), stated)
    # Errors of quantiles are read off steps between draws, which may be wide.
    narrow = scatter < stats.chi2.ppf(CHANCE, n - 1) * stated**2 - ROUNDING
    narrow &= np.array([not name.endswith(("q05", "q95")) for name in NAMES])
    assert not narrow.any(), complaints(narrow, np.sqrt(scatter / (n - 1)), stated)
    z = stats.norm.isf(CHANCE / 2)
    off = abs(values.mean(axis=0) - right.values)
    biased = off > z * np.hypot(stated / np.sqrt(n), right.errors) + ROUNDING
    assert not biased.any(), complaints(biased, off, stated / np.sqrt(n))


def complaints(bad: Any, made: Array, stated: Array) -> list[tuple[str, float, float]]:
    return [(NAMES[k], float(made[k]), float(stated[k])) for k in np.flatnonzero(bad)]


@pytest.mark.parametrize("name", STORIES)
def test_thirty_seeds_by_weighting(name: str) -> None:
    assert_as_stated(runs(name, "weighting", SEEDS, 1024), truth(name))


def test_seeds_by_nuts() -> None:
    assert_as_stated(runs("bits", "nuts", NUTS_SEEDS, 4000), truth("bits"))


def test_errors_that_are_too_small_are_seen() -> None:
    """The check itself: with a third of the error stated, as by draws that count thrice."""
    found = [Told(x.values, x.errors / 3) for x in runs("one premise", "weighting", SEEDS, 256)]
    with pytest.raises(AssertionError):
        assert_as_stated(found, truth("one premise"))


def test_errors_that_are_too_large_are_seen() -> None:
    found = [Told(x.values, x.errors * 3) for x in runs("bits", "weighting", SEEDS, 256)]
    with pytest.raises(AssertionError):
        assert_as_stated(found, truth("bits"))


def test_a_bias_is_seen() -> None:
    found = [
        Told(x.values + 1.5 * x.errors, x.errors)
        for x in runs("one premise", "weighting", SEEDS, 256)
    ]
    with pytest.raises(AssertionError):
        assert_as_stated(found, truth("one premise"))
