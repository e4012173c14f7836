"""How the answers move as one number is taken to have one value after another.

P(outcome, evidence | θ) is linear in every probability that stands in one place of a story, and in
what one evidence item says under each hypothesis. So the engine is asked at both ends of a
probability, or once for each hypothesis of an item, and everything in between follows exactly; only
bits, and numbers that stand in several places, are asked for value by value. What only matters
after training needs nothing from the engine.

All other numbers stay as uncertain as they are: draws of those that have to be sampled are weighted
anew, and those that are integrated out stand at their means. Where none has to be sampled there is
one draw, and everything here is exact.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from storyodds.models.changes.what_if import (
    Base,
    Changed,
    Tables,
    moved,
    numbers_of_training,
    weighted,
)
from storyodds.models.engine import evaluation
from storyodds.models.engine.arithmetic import log_sum_exp
from storyodds.models.engine.paths import Path
from storyodds.models.engine.strategy import compiled as compile_queries
from storyodds.models.posterior.evidence import assemble
from storyodds.models.posterior.forecasts import forecast_densities, forecast_sides
from storyodds.models.posterior.shared_rates import table_at
from storyodds.models.posterior.weighting import prior_draws, sampled_draws, sequence_of
from storyodds.models.story.events import after_training, probabilities
from storyodds.models.story.queries import EVERYTHING, Query
from storyodds.priors.distributions.families import Point

Array = NDArray[np.float64]

_CELLS = 2**22  # of float64, that one round of questions may take


@dataclass(frozen=True)
class Ground:
    """Draws at which changed stories are evaluated.

    Attributes
    ----------
    base : Base
        Its `events` followed by the concern of every path, P(path and catastrophe | E, θ). Where
        the draws are from the prior, its events are 0, and its log evidence is the log of the
        density that they are drawn with over that of the prior.
    paths : tuple of Path
    whole : bool
        Whether draws are of all numbers, as bands want them: nothing is integrated out.
    """

    base: Base
    paths: tuple[Path, ...]
    whole: bool = False

    @property
    def queries(self) -> tuple[Query, ...]:
        """One for each path and each part of what makes it harmful."""
        return tuple(
            Query((share.outcome,), path.literals) for path in self.paths for share in path.harmful
        )


@dataclass(frozen=True)
class Curve:
    """What is known of one number before it is given a value.

    Attributes
    ----------
    number : int
    terms : tuple of (n_draws, n_sums) array
        Logs of sums that are mixed by weights that depend on the value; none where the engine
        has to be run at every value.
    item : int or None
        The evidence item that the number belongs to.
    """

    number: int
    terms: tuple[Array, ...]
    item: int | None = None


def ground_of(base: Base, paths: Sequence[Path] = (), *, whole: bool = False) -> Ground:
    """Evaluate events, and some paths, at the draws of a base.

    Parameters
    ----------
    base : Base
    paths : sequence of Path
    whole : bool
        Whether its draws are of all numbers.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.models.story.events import EVENTS
    >>> from storyodds.models.changes.what_if import base_of
    >>> from storyodds.scenarios.resolve import resolve
    >>> base = base_of(assess(resolve(load_story("carlsmith-six-premises"))))
    >>> ground = ground_of(base)
    >>> premise = base.prepared.resolved.number_index["aps-feasible.probability"]
    >>> (halved,) = respond(ground, curves(ground, [premise]), [(premise, 0.325)])
    >>> round(float(halved.means[EVENTS.index("catastrophe")]), 4)
    0.0257
    """
    ground = Ground(base, tuple(paths), whole)
    _, answers = _answers(ground, base.values, _sums(ground, base.values))
    return replace(ground, base=replace(base, events=answers))


def afresh(ground: Ground) -> Ground:
    """Evaluate at draws from the prior instead."""
    base, prepared = ground.base, ground.base.prepared
    n = len(base.values)
    if ground.whole and prepared.core:
        values = prior_draws(prepared, n, base.seed)
        log_prior = np.zeros(len(values))
    else:
        values, log_prior = sampled_draws(prepared, n, base.seed)
    fresh = replace(
        base,
        values=values,
        log_evidence=-log_prior,
        events=np.zeros((len(values), base.events.shape[1])),
        sequences=sequence_of(len(values)),
        before=base.pulls,
    )
    return replace(ground, base=fresh)


def curves(ground: Ground, numbers: Iterable[int]) -> dict[int, Curve]:
    """Prepare what does not depend on the values that numbers are given.

    Parameters
    ----------
    ground : Ground
    numbers : iterable of int

    Returns
    -------
    dict of int to Curve
    """
    prepared, values = ground.base.prepared, ground.base.values
    training = numbers_of_training(prepared)
    kinds = [number.kind for number in prepared.resolved.numbers]
    owner = {number: i for i, item in enumerate(prepared.graph.evidence) for number in item.reading}
    out, ends = {}, []
    by_item: dict[int, tuple[Array, ...]] = {}
    unmoved: tuple[Array, ...] = ()
    for number in numbers:
        if number not in training:
            unmoved = unmoved or (_sums(ground, values),)
            out[number] = Curve(number, unmoved)
        elif number in prepared.own:
            item = owner[number]
            if item not in by_item:
                by_item[item] = _by_hypothesis(ground, item)
            out[number] = Curve(number, by_item[item], item)
        elif kinds[number] == "probability" and number not in prepared.shared:
            ends.append(number)
        else:
            out[number] = Curve(number, ())
    points = [(number, end) for number in ends for end in (0.0, 1.0)]
    sums = [
        part for round_points in _rounds(ground, points) for part in _sums_at(ground, round_points)
    ]
    for k, number in enumerate(ends):
        out[number] = Curve(number, (sums[2 * k], sums[2 * k + 1]))
    return out


def respond(
    ground: Ground, by_number: Mapping[int, Curve], points: Sequence[tuple[int, float]]
) -> list[Changed]:
    """Answer for numbers at values.

    Parameters
    ----------
    ground : Ground
    by_number : mapping of int to Curve
    points : sequence of (int, float)
        A number, and what it is taken to be.

    Returns
    -------
    list of Changed
        Events, then concerns of paths. Nothing is assessed afresh: Pareto k and the effective
        sample size say whether the draws serve. All NaN where the evidence is impossible.
    """
    answered: list[Changed] = []
    n = len(ground.base.values)
    for batch in _rounds(ground, points):
        new = iter(_sums_at(ground, [point for point in batch if not by_number[point[0]].terms]))
        sums = [
            _mixed(ground, by_number[number], value) if by_number[number].terms else next(new)
            for number, value in batch
        ]
        values = np.concatenate([moved(ground.base.values, dict([point])) for point in batch])
        log_evidence, answers = _answers(ground, values, np.concatenate(sums))
        for k in range(len(batch)):
            rows = slice(k * n, (k + 1) * n)
            answered.append(_averaged(ground, log_evidence[rows], answers[rows]))
    return answered


def _rounds(
    ground: Ground, points: Sequence[tuple[int, float]]
) -> Iterable[Sequence[tuple[int, float]]]:
    step = max(1, _CELLS // max(1, ground.base.values.size))
    return (points[first : first + step] for first in range(0, len(points), step))


def _averaged(ground: Ground, log_evidence: Array, answers: Array) -> Changed:
    log_weights = log_evidence - ground.base.log_evidence
    if not np.isfinite(log_weights).any():
        nothing = np.full(answers.shape[1], np.nan)
        return Changed(nothing, nothing, None, 0.0, refitted=False)
    return weighted(ground.base, log_weights, answers)


# What the engine computes: logs of P(outcome, E), of P(query, E), and of both sides of forecasts


def _sums(ground: Ground, values: Array, tables: Tables | None = None) -> Array:
    prepared = ground.base.prepared
    outcomes = [Query((o,)) for o in range(len(prepared.graph.outcomes))]
    queries = [*outcomes, *ground.queries]
    program = compile_queries(prepared.compiler, [EVERYTHING, *queries])
    likelihoods = prepared.likelihoods if tables is None else assemble(prepared.graph, tables)
    log_roots = evaluation.evaluate(program, values, likelihoods).log_roots
    sides = forecast_sides(prepared, values).values()
    return np.column_stack([log_roots[:, [program.column[q] for q in queries]], *chain(*sides)])


def _sums_at(ground: Ground, points: Sequence[tuple[int, float]]) -> list[Array]:
    """Sums at points, which have nothing to do with an evidence item's own numbers."""
    if not points:
        return []
    values = np.concatenate([moved(ground.base.values, dict([point])) for point in points])
    return np.split(_sums(ground, values), len(points))


def _by_hypothesis(ground: Ground, item: int) -> tuple[Array, ...]:
    """Sums by what one evidence item speaks of: its hypotheses, or wherever training ends."""
    prepared, values = ground.base.prepared, ground.base.values
    tables = list(prepared.tables)
    if not prepared.graph.evidence[item].pairs:
        tables[item] = None
        return (_sums(ground, values, tables),)
    terms = []
    for only in np.where(np.eye(len(prepared.graph.evidence[item].keys)) == 1, 0.0, -np.inf):
        tables[item] = only[None]
        terms.append(_sums(ground, values, tables))
    return tuple(terms)


def _mixed(ground: Ground, curve: Curve, value: float) -> Array:
    """Sums with the number at a value."""
    prepared = ground.base.prepared
    if curve.item is None:
        if len(curve.terms) == 1:
            return curve.terms[0]
        with np.errstate(divide="ignore"):
            weights = np.log(np.array([1 - value, value]))
        return np.asarray(np.logaddexp(weights[0] + curve.terms[0], weights[1] + curve.terms[1]))
    item = prepared.graph.evidence[curve.item]
    distributions = list(prepared.distributions)
    distributions[curve.number] = Point(value)
    table = table_at(prepared.table_of(curve.item, distributions), ground.base.values)
    routes = [outcome.route for outcome in prepared.graph.outcomes]
    ends = [*range(len(routes)), *(query.outcomes[0] for query in ground.queries)]
    out = curve.terms[0].copy()
    of_evidence = out[:, : len(ends)]  # forecasts speak of the story without evidence
    if item.pairs:
        of_evidence += table[:, :1]
        for k, term in enumerate(curve.terms[1:], start=1):
            of_evidence[:] = np.logaddexp(of_evidence, table[:, k : k + 1] + term[:, : len(ends)])
    else:
        of_evidence += table[:, [routes[o] for o in ends]]
    return out


def _answers(ground: Ground, values: Array, sums: Array) -> tuple[Array, Array]:
    """Log P(E | θ), (n,), and the events and the concerns of paths, (n, n_answers)."""
    graph, n_queries = ground.base.prepared.graph, len(ground.queries)
    n_outcomes = len(graph.outcomes)
    log_evidence = log_sum_exp(sums[:, : len(graph.routes)], axis=1)  # wherever training ends
    finite = np.where(np.isfinite(log_evidence), log_evidence, 0.0)
    chances = np.exp(sums[:, : n_outcomes + n_queries] - finite[:, None])
    outcomes, chances_of_queries = chances[:, :n_outcomes], iter(chances[:, n_outcomes:].T)
    after = after_training(graph, values)
    concerns = np.zeros((len(ground.paths), len(values)))
    for concern, path in zip(concerns, ground.paths, strict=True):
        for share in path.harmful:
            concern += next(chances_of_queries) * after.factor(
                share, graph.outcomes[share.outcome].route
            )
    of_forecasts = sums[:, n_outcomes + n_queries :].T
    pairs = zip(of_forecasts[::2], of_forecasts[1::2], strict=True)
    sides = dict(zip(graph.forecasts, pairs, strict=True))
    for log_density in forecast_densities(graph, sides).values():
        log_evidence = log_evidence + log_density
    return log_evidence, np.hstack([probabilities(graph, values, outcomes), concerns.T])
