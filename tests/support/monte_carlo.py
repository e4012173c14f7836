"""Weighted draws: their error, a story whose uncertain numbers have been drawn, and runs by chance.

`draw_story` reads the PRIOR forms by itself: it shares no code with `storyodds.priors`. Nor does
`simulate` with the enumeration of runs, but for what a formula means.
"""

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from storyodds.priors.distributions.forms import (
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
from storyodds.priors.text.records import Record
from storyodds.scenarios.schema import Hazard, Route
from storyodds.scenarios.story import Story
from support.oracle_evidence import number
from support.oracle_process import settled, true_in

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


def draw_story(story: Story, rng: random.Random, *, keep_findings: bool = False) -> Story:
    """Replace every uncertain number of a story by a draw from its prior.

    Parameters
    ----------
    story : Story
    rng : random.Random
    keep_findings : bool
        Leave the numbers uncertain that only say how to read a finding: those of evidence items,
        and flag rates of checks whose result is known. The oracle averages over them.
    """
    parts: dict[str, Any] = {
        name: _drawn(getattr(story, name), "", rng)
        for name in ("goal", "rationale", "assumptions", "routes", "common_cause")
    }
    parts["checks"] = tuple(
        check if keep_findings and check.result is not None else _drawn(check, "", rng)
        for check in story.checks
    )
    if not keep_findings:
        parts["evidence"] = _drawn(story.evidence, "", rng)
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


# --- one training run by chance ---------------------------------------------------------------


@dataclass(frozen=True)
class SimulatedRun:
    """How one training run went.

    Attributes
    ----------
    flagged : frozenset of str
        Every check that flagged, of known result or not.
    harmed_by : frozenset of str
        The route and hazards that would do their harm if the model were deployed.
    """

    truth: dict[str, bool]
    route: Route
    fired: frozenset[str]
    flagged: frozenset[str]
    harmed_by: frozenset[str]


def simulate(story: Story, rng: random.Random) -> SimulatedRun:
    """Let one training run of a story of fixed numbers happen, coin by coin.

    Parameters
    ----------
    story : Story
        Its evidence is not asked.
    rng : random.Random
    """

    def happens(form: Any) -> bool:
        return form is not None and rng.random() < form.fixed

    truth: dict[str, bool] = {}

    def value(name: str) -> bool:
        if name not in truth:
            spec: Any = story.assumptions[name]
            if spec.holds_when is not None:
                truth[name] = true_in(spec.holds_when, value)
            elif spec.given is not None:
                row = next(x for x in spec.given if x.otherwise or true_in(x.when, value))
                truth[name] = happens(row.otherwise or row.probability)
            else:
                truth[name] = happens(spec.probability)
        return truth[name]

    def holds(formula: Any) -> bool:
        return formula is None or true_in(formula, value)

    for name in story.assumptions:
        value(name)
    here = settled(story, truth)
    route = _ends_at(here, holds, rng)
    fired = [
        hazard
        for hazard in here.goal.hazards
        if route.class_ == "intended" and holds(hazard.requires) and happens(hazard.probability)
    ]
    return SimulatedRun(
        truth=truth,
        route=route,
        fired=frozenset(hazard.id for hazard in fired),
        flagged=frozenset(_flagged(here, route, fired, rng)),
        harmed_by=frozenset(cause.id for cause in (route, *fired) if happens(cause.harm)),
    )


def _ends_at(story: Story, holds: Callable[[Any], bool], rng: random.Random) -> Route:
    """Draw a route by the weights of those that are open."""
    routes = list(story.routes)
    if not any(route.id == "intended" for route in routes):
        routes.append(Route(id="intended", class_="intended"))
    shut = [x for rule in story.rationale.constraints if holds(rule.holds) for x in rule.rules_out]
    weights: list[float] = []
    for route in routes:
        movable = route.id != "something-else"
        names = {route.id, route.class_} if movable else set()
        bits = [route.bits.fixed] if isinstance(route.bits, Fixed) else []
        for nudge in story.rationale.nudges:
            moved = [form for key, form in nudge.bits.items() if key in names]
            bits += [form.fixed for form in moved if isinstance(form, Fixed) and holds(nudge.when)]
        is_open = holds(route.requires) and not names & set(shut)
        weights.append(2.0 ** math.fsum(bits) if is_open else 0.0)
    return rng.choices(routes, weights)[0]


def _flagged(story: Story, route: Route, fired: list[Hazard], rng: random.Random) -> Iterator[str]:
    """Give every check that flags the route or a hazard, each of which has draws of its own."""
    for names in ((route.id, route.class_, "default"), *((hazard.id,) for hazard in fired)):
        draws = {check.id: rng.random() for check in story.checks}
        for cause in story.common_cause:
            share = next(cause.share[name] for name in (*names, "default") if name in cause.share)
            if rng.random() < number(share):
                draws |= dict.fromkeys(cause.checks, rng.random())
        for check in story.checks:
            rates = [check.flags[name] for name in names if name in check.flags][:1]
            if any(draws[check.id] < number(rate) for rate in rates):
                yield check.id
