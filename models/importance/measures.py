"""How much an ending hangs on each assumption: the importance measures of fault-tree practice.

All are conditional probabilities at each draw of the numbers, given the evidence: what learning
that an assumption is true or false would say of the event. They are no interventions: where two
assumptions depend on each other, or on one finding, learning of one tells of the other.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.engine.quantities import Quantities
from storyodds.models.importance import fussell_vesely
from storyodds.models.logic.cut_sets import Literal
from storyodds.models.posterior.prepared import PreparedStory
from storyodds.models.story.events import Sides, sides_of, weights
from storyodds.models.story.graph import StoryGraph
from storyodds.models.story.likelihoods import LogLikelihoods
from storyodds.models.story.queries import Query
from storyodds.scenarios.grammar.outcomes import CLASSES

if TYPE_CHECKING:
    import xarray as xr

Array = NDArray[np.float64]

CATASTROPHE = "catastrophe"
USUAL = (*CLASSES, CATASTROPHE)
POINTS = ("mean", "median", "q05", "q95")
MEASURES = (
    "if_true",
    "if_false",
    "birnbaum",
    "criticality",
    "diagnosis",
    "fussell_vesely",
    "risk_achievement_worth",
    "risk_reduction_worth",
)

OUTSIDE = (
    "it is in no minimal set of literals, though the ending depends on it through tables, nudges, "
    "constraints or evidence"
)
_BLOCK_CELLS = 2**21  # draws times assumptions, of one call of the engine
_COLUMNS = 64  # literals whose draws are ranked at a time
_ROUNDING = 1e-9  # of a chance: a smaller difference that an assumption makes is rounding


@dataclass(frozen=True)
class Importance:
    """The importance of every literal for some odds.

    Attributes
    ----------
    events : tuple of str
        Of `events.ODDS`. Of those given being deployed, everything is given that.
    literals : tuple of (str, bool)
        Every assumption true, then false, in dependency order.
    event_probability : (n_events, 4) array
        P(event), at the points of `POINTS`.
    probability : (n_events, n_literals, 4) array
        P(literal).
    measures : mapping of str to (n_events, n_literals, 4) array
        By the names of `MEASURES`; NaN where undefined.
    missing : mapping of str to mapping of (str, bool) to str
        By event, the literals that have no Fussell-Vesely importance though the event can come
        about, each with the reason; composites only where they have no other measure either.
    """

    events: tuple[str, ...]
    literals: tuple[Literal, ...]
    event_probability: Array
    probability: Array
    measures: Mapping[str, Array]
    missing: Mapping[str, Mapping[Literal, str]]


def importance(assessment: Assessment, of: Sequence[str] = USUAL) -> "xr.Dataset":
    """Measure how much events hang on each literal, with bands over the uncertain numbers.

    With C the event and l the literal, everything given the evidence, and given that the model is
    deployed where the event says so:

    ========================  ===================================================
    `if_true`, `if_false`     P(C | l) and P(C | not l)
    `birnbaum`                P(C | l) - P(C | not l)
    `criticality`             birnbaum * P(l) / P(C), which is 1 - P(C | not l) / P(C)
    `diagnosis`               P(l | C)
    `fussell_vesely`          P(C by a minimal set of literals with l) / P(C)
    `risk_achievement_worth`  P(C | l) / P(C)
    `risk_reduction_worth`    P(C) / P(C | not l)
    ========================  ===================================================

    Parameters
    ----------
    assessment : Assessment
    of : sequence of str
        Events, of `storyodds.models.story.events.ODDS`: classes, fates, `deployed`, and the odds
        on the day of the decision, such as `catastrophe-given-deployed`.

    Returns
    -------
    xarray.Dataset
        One variable for each measure, over (event, literal, summary); `probability` of each
        literal likewise; `event_probability`; and `undefined`, by event the number of literals
        without `fussell_vesely`, with the reasons in its attributes.

    Raises
    ------
    ValueError
        If an event has another name.
    UnsupportedStoryError
        If the story can be summed, but not together with every assumption.

    Notes
    -----
    The mean is the measure of the posterior means of the joint probabilities, so that `if_true`
    is a posterior probability and not an average of ratios. Median, `q05` and `q95` are weighted
    quantiles over the posterior draws at which the measure is defined.

    A measure whose condition has probability 0 is NaN. A risk reduction worth is infinite where
    the event cannot come about without the literal.

    Minimal sets are those of the route that training ended at or, for a catastrophe through a
    hazard of the goal, of that hazard. They speak of what composites are made of, so that the
    Fussell-Vesely importance of a composite is NaN. So is that of fates other than catastrophe,
    which no minimal set brings about, and that of assumptions in no minimal set on which the
    event depends all the same. Of a fault tree too large for a circuit, which one pass over its
    decision diagram answers, all are NaN, and every measure of its composites is.

    References
    ----------
    Z. W. Birnbaum (1969), "On the importance of different components in a multicomponent
    system", in P. R. Krishnaiah (ed.), Multivariate Analysis II, Academic Press.

    W. E. Vesely, T. C. Davis, R. S. Denning and N. Saltos (1983), Measures of Risk Importance
    and Their Applications, NUREG/CR-3385.

    M. van der Borst and H. Schoonakker (2001), "An overview of PSA importance measures",
    Reliability Engineering & System Safety 72(3), 241-245.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> table = importance(assess(resolve(load_story("carlsmith-six-premises"))))
    >>> mean = table.sel(event="catastrophe", literal="alignment-much-harder", summary="mean")
    >>> round(float(mean["if_true"]), 4), round(float(mean["fussell_vesely"]), 4)
    (0.247, 1.0)
    """
    import xarray as xr  # slow to import, and the command line does without

    measured = measure(assessment, of)
    by_event = ("event", "literal", "summary")
    missing = [len(measured.missing[event]) for event in measured.events]
    reasons = {reason for event in measured.events for reason in measured.missing[event].values()}
    return xr.Dataset(
        {
            "event_probability": (("event", "summary"), measured.event_probability),
            "probability": (by_event, measured.probability),
            **{name: (by_event, values) for name, values in measured.measures.items()},
            "undefined": (("event",), missing, {"why": "; ".join(sorted(reasons))}),
        },
        coords={
            "event": list(measured.events),
            "literal": [literal_text(literal) for literal in measured.literals],
            "summary": list(POINTS),
            "assumption": ("literal", [name for name, _ in measured.literals]),
            "truth": ("literal", [truth for _, truth in measured.literals]),
        },
    )


def literal_text(literal: Literal) -> str:
    """Write a literal as it stands in a formula."""
    name, truth = literal
    return name if truth else f"not {name}"


def measure(assessment: Assessment, of: Sequence[str] = USUAL) -> Importance:
    """Return what `importance` gives, as plain arrays.

    Parameters
    ----------
    assessment : Assessment
    of : sequence of str

    Returns
    -------
    Importance
    """
    sides = {name: sides_of(name) for name in of}
    graph = assessment.prepared.graph
    literals = tuple((name, value) for name in graph.order for value in (True, False))
    roads = _roads(assessment)
    paths = fussell_vesely.Paths(assessment.prepared, literals)
    tables, wholes, chances, missing = [], [], [], {}
    for name in of:
        joints = [_joint(road, sides[name]) for road in roads]
        numerators, reasons = paths.numerators(name, [road.values for road in roads])
        points, chance, whole = _points(roads, joints, numerators)
        birnbaum = points[MEASURES.index("birnbaum"), :, 0]
        size = np.fmax(points[0, :, 0], points[1, :, 0])
        outside = paths.outside(name)
        for k in np.flatnonzero(abs(birnbaum) > _ROUNDING * size):
            if literals[k] in outside:
                points[MEASURES.index("fussell_vesely"), k] = np.nan
                reasons[literals[k]] = OUTSIDE
        tables.append(points)
        chances.append(chance)
        wholes.append(whole)
        missing[name] = reasons if whole[0] > 0 else {}
    shape = (len(of), len(literals), len(POINTS))
    return Importance(
        events=tuple(of),
        literals=literals,
        event_probability=np.array(wholes).reshape(len(of), len(POINTS)),
        probability=np.array(chances).reshape(shape),
        measures={
            name: np.array([table[k] for table in tables]).reshape(shape)
            for k, name in enumerate(MEASURES)
        },
        missing=missing,
    )


@dataclass(frozen=True)
class _Road:
    """The draws that means or bands are taken over, and what was worked out at them."""

    prepared: PreparedStory
    values: Array
    weights: Array
    likelihoods: LogLikelihoods
    quantities: Quantities

    def blocks(self, width: int) -> Iterator[slice]:
        """Cut the draws so that a block holds a bounded number of cells."""
        step = max(64, _BLOCK_CELLS // max(1, width))
        for first in range(0, len(self.values), step):
            yield slice(first, first + step)


@dataclass(frozen=True)
class _Joint:
    """An event at every draw, and the whole that it is a part of.

    Attributes
    ----------
    event, whole : (n_draws, 1) array
    parts, chances : (n_draws, n_literals) array
        P(event and literal), and P(whole and literal).
    """

    event: Array
    whole: Array
    parts: Array
    chances: Array


def _roads(assessment: Assessment) -> tuple[_Road, _Road]:
    """Where means are taken, with everything linear integrated out, and where bands are."""
    prepared = assessment.prepared
    averaged, exact = (
        _Road(prepared, quantities.values, quantities.weights, prepared.likelihoods, quantities)
        for quantities in (assessment.averaged, assessment.exact)
    )
    return averaged, averaged if assessment.exact is assessment.averaged else exact


def _joint(road: _Road, sides: Sides) -> _Joint:
    names, signs = sides.signs()
    graph = road.prepared.graph
    n, n_variables = len(road.values), len(graph.variables)
    seeds = 2 if sides.given_deployed else 1  # the whole of what can come about is known
    out = np.zeros((seeds, n, 2 * n_variables))
    whole = np.ones((seeds, n, 1))
    for block in road.blocks(n_variables * seeds + len(graph.outcomes)):
        values = road.values[block]
        mixed = np.matmul(signs[:seeds], weights(graph, values, names))
        queries, mixtures = _queries(graph, mixed)
        if not queries:
            whole[:, block] = 0.0
            continue
        likelihoods = road.likelihoods.take(block)
        joint = road.prepared.sums.jointly(values, likelihoods, queries, mixtures)
        for k in range(seeds):
            whole[k, block, 0] = joint.events[:, k]
            out[k, block] = _interleaved(joint.true[:, k], joint.false[:, k])
    if sides.given_deployed:
        return _Joint(whole[0], whole[1], out[0], out[1])
    chances = _interleaved(road.quantities.assumptions, road.quantities.assumptions_false)
    return _Joint(whole[0], np.ones((n, 1)), out[0], chances)


def _queries(graph: StoryGraph, mixed: Array) -> tuple[list[Query], Array]:
    """The outcomes that events are mixed from: routes that always count the same are asked as one.

    Parameters
    ----------
    mixed : (n_draws, n_events, n_outcomes) array

    Returns
    -------
    queries : list of Query
    mixtures : (n_draws, n_events, n_queries) array
    """
    alike: dict[bytes | int, list[int]] = {}
    for o in np.flatnonzero(mixed.any(axis=(0, 1))).tolist():
        overlaps = o >= len(graph.routes)  # what becomes of hazards
        alike.setdefault(o if overlaps else mixed[:, :, o].tobytes(), []).append(o)
    groups = list(alike.values())
    return [Query(tuple(group)) for group in groups], mixed[:, :, [g[0] for g in groups]]


def _interleaved(true: Array, false: Array) -> Array:
    """One column for each literal, from one for each assumption."""
    return np.stack([true, false], axis=2).reshape(len(true), -1)


def _opposite(columns: Array) -> Array:
    """The same with every literal negated."""
    return columns.reshape(len(columns), -1, 2)[:, :, ::-1].reshape(columns.shape)


def _points(
    roads: Sequence[_Road], joints: Sequence[_Joint], numerators: Sequence[Array]
) -> tuple[Array, Array, Array]:
    """Means by one road and bands by the other.

    Returns
    -------
    measures : (n_measures, n_literals, n_points) array
    probability : (n_literals, n_points) array
        P(literal).
    event : (n_points,) array
        P(event).
    """
    (averaged, exact), weights = joints, roads[0].weights
    n = averaged.parts.shape[1]
    points = np.full((len(MEASURES), n, len(POINTS)), np.nan)
    chance, event = np.full((n, len(POINTS)), np.nan), np.zeros(len(POINTS))
    whole = float(weights @ averaged.whole[:, 0])
    if whole == 0:  # nothing is deployed
        return points, chance, np.full(len(POINTS), np.nan)
    event[0] = float(weights @ averaged.event[:, 0]) / whole
    chance[:, 0] = weights @ averaged.chances / whole
    of_means = (averaged.parts, averaged.chances, numerators[0])
    points[:, :, 0] = _measures(
        np.full((1, 1), event[0]), *((weights @ x / whole)[None] for x in of_means)
    )[:, 0]
    # Odds given being deployed are summarized over the posterior given that.
    counts = roads[1].weights * exact.whole[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        event[1:] = _band(exact.event / exact.whole, counts)[0]
        for first in range(0, n, _COLUMNS):
            few = slice(first, first + _COLUMNS)
            parts, chances, paths = (
                x[:, few] / exact.whole for x in (exact.parts, exact.chances, numerators[1])
            )
            chance[few, 1:] = _band(chances, counts)
            drawn = _measures(exact.event / exact.whole, parts, chances, paths)
            for k, of_measure in enumerate(drawn):
                points[k, few, 1:] = _band(of_measure, counts)
    return points, chance, event


def _measures(event: Array, parts: Array, chances: Array, numerators: Array) -> Array:
    """Every measure, (n_measures, n, n_literals), from probabilities.

    Parameters
    ----------
    event : (n, 1) array
    parts, chances, numerators : (n, n_literals) array
        P(event and literal), P(literal), P(event by a minimal set with the literal). Columns
        come in pairs, a literal and its opposite.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if_true = np.minimum(parts / chances, 1)
        if_false = _opposite(if_true)
        birnbaum = if_true - if_false
        return np.stack(
            [
                if_true,
                if_false,
                birnbaum,
                birnbaum * chances / event,
                np.minimum(parts / event, 1),
                np.minimum(numerators / event, 1),
                if_true / event,
                event / if_false,
            ]
        )


def _band(draws: Array, weights: Array) -> Array:
    """Median, 5 and 95 percent points of every column, (n_columns, 3)."""
    return weighted_quantiles(draws, weights, (0.5, 0.05, 0.95)).T


def weighted_quantiles(draws: Array, weights: Array, levels: Sequence[float]) -> Array:
    """Quantiles of weighted draws, column by column.

    As `numpy.quantile` with weights and the method `inverted_cdf`, but draws that are NaN are
    left out.

    Parameters
    ----------
    draws : (n_draws, n_columns) array
    weights : (n_draws,) array
    levels : sequence of float

    Returns
    -------
    (n_levels, n_columns) array
        NaN where no draw with a weight is left.

    Examples
    --------
    >>> draws = np.array([[3.0], [1.0], [2.0], [np.nan]])
    >>> weighted_quantiles(draws, np.array([0.1, 0.1, 0.2, 0.6]), [0.05, 0.5, 0.95])
    array([[1.],
           [2.],
           [3.]])
    """
    order = np.argsort(draws, axis=0, kind="stable")
    ranked = np.take_along_axis(draws, order, axis=0)
    share = np.cumsum(np.where(np.isnan(ranked), 0.0, weights[order]), axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        share /= share[-1]
    share[share == 0] = -1  # draws without weight come before every level
    out = np.full((len(levels), draws.shape[1]), np.nan)
    defined = ~np.isnan(share[-1])
    for k, level in enumerate(levels):
        place = (share[:, defined] < level).sum(axis=0)
        out[k, defined] = np.take_along_axis(ranked[:, defined], place[None], axis=0)[0]
    return out
