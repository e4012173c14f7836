"""From a resolved story to its assessment: draws, and the exact quantities at each of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from storyodds.models import simulation, weighting
from storyodds.models.answers import Answers
from storyodds.models.evidence import (
    assemble,
    explicit_tables,
    forecast_log_density_at,
    forecast_log_odds,
    recover_rates,
)
from storyodds.models.graph import StoryGraph
from storyodds.models.likelihoods import no_evidence
from storyodds.models.memory import memory_limit
from storyodds.models.posterior import (
    Draws,
    PreparedStory,
    from_uniforms,
    impossible_evidence,
    log_likelihood,
    prepare,
)
from storyodds.models.quantities import (
    Jointly,
    Path,
    Quantities,
    failure_paths,
    link_queries,
    mean_concern,
    path_queries,
)
from storyodds.models.queries import Query
from storyodds.models.strategy import MAX_MEMORY
from storyodds.priors.distributions import Point
from storyodds.priors.errors import InputError, Problem, UnsupportedStoryError
from storyodds.scenarios.resolve import ResolvedStory
from storyodds.scenarios.schema import CLASSES

Array = NDArray[np.float64]
Method = Literal["auto", "weighting", "nuts", "simulation"]
Progress = Callable[[str, int, int], None]

LINKED_PATHS = 30  # the most concerning paths, of which the weakest link is told
MIN_MEMORY = 2**20  # bytes; no story is compiled in less
LINK_DRAWS = 512  # at which it is worked out: it is a name, not a number


@dataclass(frozen=True)
class Assessment:
    """Everything computed about one story.

    Attributes
    ----------
    prepared : PreparedStory
    draws : Draws
        From the posterior, every number filled in.
    paths : tuple of Path
    queries : tuple of Query
        Columns of `Quantities.queries`: what the paths need.
    links : tuple of Query
        What the weakest links of the most concerning paths need.
    link_rows : (n,) int
        Posterior draws, all of equal weight, at which they were worked out.
    link_chances : (n, n_links) array
        As in `averaged`, at these draws.
    averaged : Quantities
        At the posterior draws, the evidence items' own numbers integrated out: what means are
        taken of, since it has the same mean as `exact` and less noise.
    exact : Quantities
        At the posterior draws of all numbers: what intervals are taken of.
    prior_values : (n_prior, n_numbers) array
    prior : Quantities
        At draws from the prior, without evidence.
    item_bits : mapping of str to mapping of str to float or None
        By evidence item and class, what the item alone does to the class's log2 odds.
    seed : int
    """

    prepared: PreparedStory
    draws: Draws
    paths: tuple[Path, ...]
    queries: tuple[Query, ...]
    links: tuple[Query, ...]
    link_rows: NDArray[np.intp]
    link_chances: Array
    averaged: Quantities
    exact: Quantities
    prior_values: Array
    prior: Quantities
    item_bits: Mapping[str, Mapping[str, float | None]]
    seed: int


def assess(
    resolved: ResolvedStory,
    *,
    method: Method = "auto",
    draws: int = 4096,
    seed: int = 1,
    max_memory: int = MAX_MEMORY,
    progress: Progress | None = None,
) -> Assessment:
    """Compute a story's posterior and every quantity at its draws.

    Parameters
    ----------
    resolved : ResolvedStory
    method : {"auto", "weighting", "nuts", "simulation"}
        `auto` weights prior draws and goes on to NUTS where the weights are not good enough. A
        story without uncertain numbers is exact with all three. `simulation` weights prior draws
        too, but simulates the discrete part instead of summing it; nothing else ever does.
    draws : int
    seed : int
    max_memory : int
        Bytes that the process may take, Python included; one that is large already may grow by
        half as much.
    progress : callable, optional
        Called with (stage, steps done, steps in all).

    Returns
    -------
    Assessment

    Raises
    ------
    InputError
        If the evidence is impossible under the story, or `max_memory` is not an amount.
    UnsupportedStoryError
        If the story is too large to sum exactly.
    """
    if max_memory < MIN_MEMORY:
        raise InputError(
            [Problem(f"max_memory: found {max_memory:,} bytes, expected at least {MIN_MEMORY:,}")]
        )
    with memory_limit(max_memory):
        return _assess(resolved, method, draws, seed, max_memory, progress)


def _assess(
    resolved: ResolvedStory,
    method: Method,
    draws: int,
    seed: int,
    max_memory: int,
    progress: Progress | None,
) -> Assessment:
    tell = progress or (lambda stage, done, total: None)
    simulate = _simulation(resolved, draws, seed, tell) if method == "simulation" else None
    prepared = prepare(resolved, max_memory=max_memory, answers=simulate)
    graph, ask = prepared.graph, prepared.answers
    tell("drawing from the prior", 0, 0)
    if prepared.uncertain:
        prior_values = weighting.prior_draws(prepared, draws, seed)
    else:
        prior_values = from_uniforms(prepared, (), np.zeros((1, 0)))
    prior = ask.evaluate(prior_values, no_evidence(graph))
    tell("weighing the evidence", 0, 0)
    if prepared.uncertain:
        posterior = _sample(prepared, prior_values, prior, method, draws, seed, tell)
    else:
        posterior = _exact(prepared, prior_values, prior)
    tell("summing over the paths", 0, 0)
    harmless = [i for i, d in enumerate(prepared.distributions) if d == Point(0.0)]
    believed = prior.assumptions.mean(axis=0)
    by_name = {
        variable.name: float(p) for variable, p in zip(graph.variables, believed, strict=True)
    }
    values, said = posterior.values, prepared.likelihoods

    def along(paths: tuple[Path, ...]) -> tuple[tuple[Query, ...], Quantities]:
        whole = tuple(dict.fromkeys(path_queries(paths)))
        return whole, ask.evaluate(values, said, whole, np.random.default_rng([seed, 3]))

    paths = failure_paths(graph, harmless, by_name)
    try:
        whole, averaged = along(paths)
    except UnsupportedStoryError:  # the odds are within reach, but not each path by itself
        ask = ask.anew(max_memory)
        prepared = replace(prepared, answers=ask)
        paths = failure_paths(graph, harmless, by_name, apart=False)
        whole, averaged = along(paths)
    exact, rng = averaged, np.random.default_rng([seed, 4])
    posterior = ask.checked(posterior, prior, averaged)
    concern = mean_concern(graph, values, posterior.weights, paths, whole, averaged)
    linked = [paths[k] for k in np.argsort(-concern, kind="stable")[:LINKED_PATHS]]
    links = link_queries(linked, graph.order)
    link_rows = systematic(posterior.weights, LINK_DRAWS)
    try:
        at_rows = ask.take(link_rows)
        link_chances = at_rows.evaluate(values[link_rows], said.take(link_rows), links).queries
    except UnsupportedStoryError:
        ask = ask.anew(max_memory)
        prepared = replace(prepared, answers=ask)
        links, link_chances = (), np.zeros((len(link_rows), 0))
    if any(i in prepared.own for i in prepared.uncertain):
        values = recover_rates(
            graph, prepared.distributions, values, averaged.truth, averaged.route, rng
        )
        said = assemble(graph, explicit_tables(graph, values))
        exact = ask.evaluate(values, said, whole)
    return Assessment(
        prepared=prepared,
        draws=replace(posterior, values=values),
        paths=paths,
        queries=whole,
        links=links,
        link_rows=link_rows,
        link_chances=link_chances,
        averaged=averaged,
        exact=exact,
        prior_values=prior_values,
        prior=prior,
        item_bits=_item_bits(prepared, prior_values, prior),
        seed=seed,
    )


def _simulation(
    resolved: ResolvedStory, draws: int, seed: int, tell: Progress
) -> Callable[[StoryGraph], Answers]:
    """States instead of sums: some at every draw, or as many in all where there is one draw."""
    certain = all(isinstance(number.distribution, Point) for number in resolved.numbers)
    return lambda graph: simulation.Simulation(
        graph,
        seed,
        batches=draws if certain else 1,
        tell=lambda done, total: tell("simulating states", done, total),
    )


def _exact(prepared: PreparedStory, values: Array, prior: Quantities) -> Draws:
    log_evidence = float(log_likelihood(prepared, values, prior)[0])
    if not np.isfinite(log_evidence):
        raise InputError([Problem(impossible_evidence(prepared))])
    return Draws(
        values=values,
        weights=np.ones(1),
        chains=1,
        method="exact",
        log_evidence=log_evidence,
        diagnostics={"draws": 1, "ess": None, "pareto_k": None},
        messages=(),
        ok=True,
        statistics={},
    )


def _sample(
    prepared: PreparedStory,
    prior_values: Array,
    prior: Quantities,
    method: Method,
    draws: int,
    seed: int,
    progress: Progress,
) -> Draws:
    if method == "nuts" and prepared.active:
        return _nuts(prepared, draws, seed, progress)
    weighted = weighting.weigh(prepared, prior_values, prior)
    if method in ("weighting", "simulation") or weighted.ok or not prepared.active:
        return weighted
    try:
        sampled = _nuts(prepared, draws, seed, progress)
    except InputError as error:
        message = "NUTS cannot take over: " + "; ".join(str(p.message) for p in error.problems)
        return replace(weighted, messages=(*weighted.messages, message))
    reason = "weighting was not good enough (" + "; ".join(weighted.messages) + "), so NUTS was run"
    return replace(sampled, messages=(*sampled.messages, reason))


def _nuts(prepared: PreparedStory, draws: int, seed: int, progress: Progress) -> Draws:
    from storyodds.models import nuts  # imports nutpie, which weighting does without

    return nuts.sample(prepared, draws, seed, progress)


def systematic(weights: Array, n: int) -> NDArray[np.intp]:
    """Indices of n draws in proportion to their weights; all draws where there are no more.

    In a shuffled order: every so many points of a Sobol sequence do not spread evenly.
    """
    if len(weights) <= n and np.ptp(weights) == 0:
        return np.arange(len(weights))
    order = np.random.default_rng(len(weights)).permutation(len(weights))
    edges = np.cumsum(weights[order]) / weights.sum()
    chosen = np.searchsorted(edges, (np.arange(n) + 0.5) / n).clip(max=len(weights) - 1)
    return np.sort(order[chosen])


def _outcomes_by_class(graph: StoryGraph) -> list[tuple[int, ...]]:
    of_route = graph.route_classes()
    return [
        tuple(o for o, outcome in enumerate(graph.outcomes) if of_route[outcome.route] == c)
        for c in range(len(CLASSES))
    ]


def _item_bits(
    prepared: PreparedStory, prior_values: Array, prior: Quantities
) -> dict[str, dict[str, float | None]]:
    """What each item, alone, does to the log2 odds of each class.

    The bits are log2 of P(item | class) / P(item | not class), the numbers integrated out over
    the prior; they do not depend on the other items or their order.
    """
    graph = prepared.graph
    member = np.array(graph.route_classes())[:, None] == np.arange(len(CLASSES))
    classes = prior.routes @ member
    before = classes.mean(axis=0)
    bits: dict[str, dict[str, float | None]] = {}
    joint_with = Jointly(*(np.zeros((0, 0, 0)),) * 3)
    if any(item.subject == "assumption" and item.form != "forecast" for item in graph.evidence):
        by_class = [Query(outcomes) for outcomes in _outcomes_by_class(graph) if outcomes]
        joint_with = prepared.answers.jointly(prior_values, no_evidence(graph), by_class)
    reached = [c for c, outcomes in enumerate(_outcomes_by_class(graph)) if outcomes]
    for i, item in enumerate(graph.evidence):
        table = prepared.tables[i]
        if table is None:
            odds = forecast_log_odds(graph, i, prior.routes, prior.said)
            log_density = forecast_log_density_at(item, odds)
            joint = np.exp(log_density - log_density.max())[:, None] * classes
        elif item.subject == "outcome":
            joint = (prior.routes * np.exp(table - table.max())) @ member
        else:
            true, false = np.zeros_like(classes), np.zeros_like(classes)
            true[:, reached] = joint_with.true[:, :, item.target or 0]
            false[:, reached] = joint_with.false[:, :, item.target or 0]
            no, yes = np.exp(table - table.max())[0]
            joint = yes * true + no * false
        bits[item.id] = _bits_by_class(joint.mean(axis=0), before)
    return bits


def _bits_by_class(joint: Array, before: Array) -> dict[str, float | None]:
    """Log2 of the odds with an item over the odds before it; None where either is 0 or 1."""

    def log2_odds(weights: Array, c: int) -> float | None:
        yes, no = float(weights[c]), float(np.delete(weights, c).sum())
        return float(np.log2(yes) - np.log2(no)) if min(yes, no) > 1e-300 else None

    bits: dict[str, float | None] = {}
    for c, name in enumerate(CLASSES):
        after, prior = log2_odds(joint, c), log2_odds(before, c)
        bits[name] = None if after is None or prior is None else after - prior
    return bits
