"""Posteriors of a few uncertain numbers against integrals worked out by hand.

The story: an assumption `a`, a route that needs it, evidence on both, a harm. With p the chance of
a, b the route's bits and h its harm, P(evidence | p, b, h) = (1 - p) + p L (1 + (K - 1) s(b)),
where s(b) is the route's share if open, L the ratio on a and K that on the route. Means are
integrals over b alone, since p and h enter linearly; quantiles are of a fine tensor grid.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import integrate, stats
from scipy.special import expit, ndtr, ndtri
from support.building import item, tell

from storyodds.models.assessment.assessment import Assessment, Method, assess
from storyodds.models.numerics import weighted_quantile
from storyodds.models.posterior.soundness import ANSWERS, answers_of
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Assumption, Route
from storyodds.scenarios.story import Story

Array = NDArray[np.float64]

Z = 5.0  # standard errors; seeds are fixed, and one comparison in two million is off by chance
Z95 = float(ndtri(0.95))
ELSE = 2.0**-1  # weight of whatever else, beside 1 for the intended model
ON_A, ON_ROUTE = 3.0, 2.0  # bits of evidence


# --- priors, by scipy ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Prior:
    """A prior as a story writes it, and its quantiles as scipy has them.

    `parts` are pairs of a weight and a quantile function.
    """

    form: Any
    parts: tuple[tuple[float, Any], ...]

    def points(self, n: int) -> tuple[Array, Array]:
        """Points and weights: midpoints of each part's quantiles, at least n in all."""
        total = sum(weight for weight, _ in self.parts)
        u = (np.arange(max(8, n // len(self.parts))) + 0.5) / max(8, n // len(self.parts))
        values = np.concatenate([np.broadcast_to(part(u), u.shape) for _, part in self.parts])
        weights = np.repeat([weight / total for weight, _ in self.parts], len(u)) / len(u)
        return values, weights

    @cached_property
    def mean(self) -> float:
        total = sum(weight for weight, _ in self.parts)
        return sum(weight * mean_of(part) for weight, part in self.parts) / total


def mean_of(part: Any) -> float:
    """The mean of a part: its quantiles over u = Phi(z), where what is at the ends is smooth."""

    def height(z: float) -> float:
        # From 1 - u where u rounds to 1: the quantile of either end has all its digits there.
        return float(part(ndtr(z))) * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)

    pieces = [integrate.quad(height, k, k + 1, epsabs=1e-14, limit=200)[0] for k in range(-9, 8)]
    return float(math.fsum(pieces))


def interval(low: float, high: float) -> Prior:
    ends = [math.log(x / (1 - x)) for x in (low, high)]
    middle, sd = sum(ends) / 2, (ends[1] - ends[0]) / 2 / Z95
    return Prior([low, high], ((1.0, lambda u: expit(middle + sd * ndtri(u))),))


def bits(low: float, high: float) -> Prior:
    middle, sd = (low + high) / 2, (high - low) / 2 / Z95
    return Prior([low, high], ((1.0, lambda u: middle + sd * ndtri(u)),))


def beta(a: float, b: float, form: Any = None) -> Prior:
    return Prior(form or {"beta": [a, b]}, ((1.0, stats.beta(a, b).ppf),))


def point(x: float) -> Prior:
    return Prior(x, ((1.0, lambda u: np.full(np.shape(u), x)),))


def lognormal(mean: float, factor: float) -> Prior:
    """Cut off at 1."""
    sd = math.log(factor) / Z95
    middle = math.log(mean) - sd * sd / 2
    below = float(ndtr(-middle / sd))
    form = {"lognormal": {"mean": mean, "error_factor": factor}}
    return Prior(form, ((1.0, lambda u: np.exp(middle + sd * ndtri(u * below))),))


def pool(*judgments: tuple[float, Prior]) -> Prior:
    form = {
        "pool": [
            {"by": f"J{k}", "value": prior.form, "weight": weight}
            for k, (weight, prior) in enumerate(judgments)
        ]
    }
    return Prior(form, tuple((weight, prior.parts[0][1]) for weight, prior in judgments))


THIRTY = [0.001 + 0.033 * k for k in range(30)]
CHANCES = {
    "ordinary": interval(0.1, 0.6),
    "two points": beta(0.05, 0.05),
    "all of the range": interval(1e-9, 0.999),
    "nothing counted": beta(0.5, 0.5, {"counts": {"hits": 0, "trials": 0}}),
    "within a factor of 100": lognormal(0.01, 100.0),
    "a fixed value among others": pool((3, point(0.0)), (1, point(1.0)), (2, interval(0.2, 0.4))),
    "thirty judgments": pool(
        *((1.0 + k % 3, interval(p, p + 0.001)) for k, p in enumerate(THIRTY))
    ),
}
BITS = {
    "fixed": point(1.0),
    "ordinary": bits(-1.0, 3.0),
    "fifty either way": bits(-50.0, 50.0),
    "three judgments": pool((8, bits(-9.0, -8.0)), (1, bits(6.0, 8.0)), (1, point(0.0))),
    "thirty judgments": pool(
        *((1.0 + k % 4, bits(-30.0 + 2 * k, -29.9 + 2 * k)) for k in range(30))
    ),
}
HARM = interval(0.2, 0.9)


# --- the story, by hand -------------------------------------------------------------------------


def story(chance: Prior, of_route: Prior) -> Story:
    return tell(
        {"a": Assumption(probability=chance.form)},
        (
            Route(
                id="m", class_="mesa-optimizer", requires="a", bits=of_route.form, harm=HARM.form
            ),
            Route(id="something-else", class_="other", bits=-1, harm=0.05),
        ),
        evidence=[
            item("on-a", {"assumption": "a"}, bayes_factor={"true": ON_A}),
            item(
                "on-m", {"outcome": True}, bayes_factor={"mesa-optimizer": ON_ROUTE, "default": 0}
            ),
        ],
    )


def share(b: Array) -> Array:
    """Of the route, where it is open: exactly 0 to 1 however many bits."""
    return np.asarray(1 / (1 + (1 + ELSE) * 2.0**-b))


def parts(p: Any, b: Array) -> tuple[Array, Array]:
    """P(E | p, b), and P(E, the route | p, b)."""
    ratio, on_route = 2.0**ON_A, 2.0**ON_ROUTE
    mine = p * ratio * on_route * share(b)
    return (1 - p) + p * ratio * (1 - share(b)) + mine, mine


@dataclass(frozen=True)
class Expected:
    """Means, log P(E), and weighted points for quantiles, of the route and of catastrophe."""

    log_evidence: float
    means: dict[str, float]
    points: dict[str, Array]
    weights: Array


def expected(chance: Prior, of_route: Prior) -> Expected:
    fine, by = of_route.points(200_000)
    total, mine = (float(by @ x) for x in parts(chance.mean, fine))
    # Of what is not the route, whatever else has a fixed share.
    other = ELSE / (1 + ELSE)
    harm = HARM.mean
    means = {
        "mesa-optimizer": mine / total,
        "catastrophe": (mine * harm + (total - mine) * other * 0.05) / total,
    }
    axes = [chance.points(420), of_route.points(240), HARM.points(60)]
    p, b, h = np.meshgrid(*(values for values, _ in axes), indexing="ij", sparse=True)
    w = np.einsum("i,j,k->ijk", *(weights for _, weights in axes))
    whole, route = parts(p, b)
    m = route / whole
    catastrophe = m * h + (1 - m) * other * 0.05
    points = {
        name: np.broadcast_to(x, w.shape).ravel()
        for name, x in (("mesa-optimizer", m), ("catastrophe", catastrophe))
    }
    return Expected(math.log(total), means, points, (w * whole).ravel() / np.sum(w * whole))


def assert_as_expected(assessment: Assessment, wanted: Expected, grid: float) -> None:
    """Means, log P(E) and the 5 and 95 % points, within the errors that are stated.

    `grid` is what the reference itself may be off by.
    """
    assert assessment.draws.ok, assessment.draws.messages
    log_error = Z * assessment.draws.log_evidence_error
    assert abs(assessment.draws.log_evidence - wanted.log_evidence) <= log_error + grid
    averaged, exact = assessment.averaged, assessment.exact
    n = len(exact.weights)
    for name, mean in wanted.means.items():
        k = ANSWERS.index(name)
        found = averaged.mean(answers_of(averaged))[k]
        assert abs(found - mean) <= Z * assessment.errors.mean[k] + grid, name
        x = answers_of(exact)[:, k]
        for level in (0.05, 0.95):
            end = float(weighted_quantile(x, np.array([level]), exact.weights)[0])
            # Between rounding to either side there may be atoms.
            reach = 1e-9 * end
            low = wanted.weights[wanted.points[name] < end - reach].sum()
            high = wanted.weights[wanted.points[name] <= end + reach].sum()
            spread = (x <= end).astype(float) - level
            error = math.sqrt(exact.weights**2 @ spread**2)
            # Neighbours on the grid are a 240th of b's prior apart, at the most, weighed by E.
            slack = Z * error + 1 / 240 + 1 / n
            assert low - slack <= level <= high + slack, (name, level, low, high, error)


@pytest.mark.parametrize("chance", CHANCES)
def test_what_is_linear_is_exact_by_weighting(chance: str) -> None:
    """No number has to be sampled: means and log P(E) to the digits of the reference."""
    prior, of_route = CHANCES[chance], BITS["fixed"]
    assessment = assess(resolve(story(prior, of_route)), seed=5)
    assert assessment.draws.diagnostics["means"] == "exact"
    assert not assessment.errors.mean.any() and assessment.draws.log_evidence_error == 0
    assert_as_expected(assessment, expected(prior, of_route), grid=1e-8)


@pytest.mark.parametrize("of_route", [name for name in BITS if name != "fixed"])
@pytest.mark.parametrize("chance", ["ordinary", "two points", "thirty judgments"])
def test_bits_by_weighting(chance: str, of_route: str) -> None:
    prior, route = CHANCES[chance], BITS[of_route]
    assessment = assess(resolve(story(prior, route)), method="weighting", seed=6)
    assert assessment.draws.method == "weighting"
    assert_as_expected(assessment, expected(prior, route), grid=1e-5)


@pytest.mark.parametrize("of_route", ["ordinary", "fifty either way", "three judgments"])
def test_bits_by_nuts(of_route: str) -> None:
    method: Method = "nuts"
    prior, route = CHANCES["two points"], BITS[of_route]
    assessment = assess(resolve(story(prior, route)), method=method, seed=7)
    assert assessment.draws.method == "nuts"
    assert_as_expected(assessment, expected(prior, route), grid=1e-5)
