"""From a resolved story to its assessment: draws, and the exact quantities at each of them.

What P(event, evidence) is linear in is integrated out: means are taken at the numbers that have to
be sampled, with everything else at its mean. Given these numbers and the evidence, the integrated
ones are drawn by way of a state of the story, exactly and independently, and intervals are
quantiles of P(event | evidence, numbers) at these draws.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from storyodds.models.assessment.joint_literals import (
    split_off,
    together,
    with_single_literals,
)
from storyodds.models.engine.paths import (
    Path,
    concerns_of,
    failure_paths,
    link_queries,
    path_queries,
)
from storyodds.models.engine.program import without_results
from storyodds.models.engine.quantities import Jointly, Quantities
from storyodds.models.engine.strategy import MAX_MEMORY
from storyodds.models.memory import memory_limit
from storyodds.models.numerics import systematic
from storyodds.models.posterior import soundness, weighting
from storyodds.models.posterior.answers import Exact
from storyodds.models.posterior.draws import Draws
from storyodds.models.posterior.evidence import (
    assemble,
    forecast_log_density_at,
    forecast_log_odds,
)
from storyodds.models.posterior.forecasts import forecasts_log_density
from storyodds.models.posterior.integrated_draws import draw_integrated
from storyodds.models.posterior.prepared import (
    PreparedStory,
    log_likelihood_bound,
    prepare,
)
from storyodds.models.posterior.sequences import sequences_of
from storyodds.models.posterior.shared_rates import Table, table_at
from storyodds.models.posterior.simulated import simulation
from storyodds.models.posterior.weighted_answers import weigh_at
from storyodds.models.story.graph import StoryGraph
from storyodds.models.story.likelihoods import no_evidence
from storyodds.models.story.queries import Query
from storyodds.priors.distributions.families import Point
from storyodds.priors.library import View
from storyodds.priors.library import view as load_view
from storyodds.priors.text.errors import InputError, Problem, UnsupportedStoryError
from storyodds.scenarios.grammar.outcomes import CLASSES
from storyodds.scenarios.resolve import ResolvedStory, resolve
from storyodds.scenarios.story import Story

Array = NDArray[np.float64]
Method = Literal["auto", "weighting", "nuts", "simulation"]
Progress = Callable[[str, int, int], None]

LINKED_PATHS = 30  # the most concerning paths, whose weakest links are worked out
MIN_MEMORY = 2**20  # bytes; no story is compiled in less
LINK_DRAWS = 512  # at which they are worked out: a weakest link is a name, not a number
PRIOR_DRAWS = 1024  # of the sampled numbers, for means before the evidence: a power of two


@dataclass(frozen=True)
class Assessment:
    """Everything computed about one story.

    Attributes
    ----------
    prepared : PreparedStory
    draws : Draws
        From the posterior of all numbers of the story.
    paths : tuple of Path
    queries : tuple of Query
        Columns of `Quantities.queries`: what the paths, and what single checks do, need.
    links : tuple of Query
        What the weakest links of the most concerning paths need.
    link_rows : (n,) int
        Rows of `averaged`, which count the same, at which they were worked out.
    link_chances : (n, n_links) array
        As in `averaged`, at these rows.
    averaged : Quantities
        At draws of the numbers that have to be sampled, everything else integrated out: what means
        are taken of, since it has the same mean as `exact` and less noise. One draw where no number
        has to be sampled.
    exact : Quantities
        At the posterior draws of all numbers: what intervals are taken of.
    prior_averaged, prior : Quantities
        The same without evidence; where there is evidence, without hazards and queries, which
        `full_prior` has.
    errors : Errors
        Monte Carlo standard errors of the answers.
    opinions : (n_rows of `averaged`,) array
        Log density of all forecasts together at its draws, in nats.
    strata : Strata or None
        Runs of chains, where each has a part of the posterior to itself.
    item_bits : mapping of str to mapping of str to float or None
        By check of known result, then by evidence item; and by class: what the result or the item
        alone does to the class's log2 odds.
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
    prior_averaged: Quantities
    prior: Quantities
    errors: soundness.Errors
    opinions: Array
    strata: soundness.Strata | None
    item_bits: Mapping[str, Mapping[str, float | None]]
    seed: int


def assess_story(
    story: Story,
    view: str | View | None = None,
    settings: Mapping[str, Any] | None = None,
    *,
    standard: bool = False,
    **sampling: Any,
) -> Assessment:
    """Assess a story under a view and settings: the road of every command and call.

    Parameters
    ----------
    story : Story
    view : str or View, optional
        A named set of overrides, or the path of a view's file.
    settings : mapping of str to PRIOR, optional
        Overrides by id or number name.
    standard : bool
        Whether the catalog's standard observations come along.
    **sampling
        As in `assess`.

    Returns
    -------
    Assessment

    Raises
    ------
    InputError
        If a view or setting does not fit, or as in `assess`.
    """
    chosen = load_view(view) if isinstance(view, str) else view
    resolved = resolve(story, view=chosen, settings=settings, standard=standard)
    return assess(resolved, **sampling)


def assess(
    resolved: ResolvedStory,
    *,
    method: Method = "auto",
    draws: int = 4096,
    seed: int = 1,
    max_memory: int = MAX_MEMORY,
    like: PreparedStory | None = None,
    progress: Progress | None = None,
) -> Assessment:
    """Compute a story's posterior and every quantity at its draws.

    Parameters
    ----------
    resolved : ResolvedStory
    method : {"auto", "weighting", "nuts", "simulation"}
        `auto` weights prior draws and goes on to NUTS where the weights are not good enough. A
        story of which no number has to be sampled has exact means with all three. `simulation`
        weights prior draws too, but simulates the discrete part instead of summing it; nothing
        else ever does.
    draws : int
    seed : int
    max_memory : int
        Bytes that the process may take, Python included; one that is large already may grow by
        half as much.
    like : PreparedStory, optional
        Another story, of which only the priors may differ: what was compiled for it serves again.
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
        return _assess(resolved, method, draws, seed, max_memory, like, progress)


def _assess(
    resolved: ResolvedStory,
    method: Method,
    draws: int,
    seed: int,
    max_memory: int,
    like: PreparedStory | None,
    progress: Progress | None,
) -> Assessment:
    report = progress or (lambda stage, done, total: None)
    simulate = _simulation(seed, draws, report) if method == "simulation" else None
    prepared = prepare(resolved, max_memory=max_memory, answers=simulate, like=like)
    prepared, paths, queries = _with_paths(prepared, max_memory)
    report("weighing the evidence", 0, 0)
    weighted = _sample(prepared, queries, method, draws, seed, report)
    averaged = weighted.averaged
    report("drawing the numbers that were integrated out", 0, 0)
    exact = _exact(prepared, averaged, queries, draws, seed)
    report("drawing from the prior", 0, 0)
    prior, prior_averaged = exact, averaged
    if prepared.has_evidence:
        prior, prior_averaged = _prior(prepared, draws, seed)
    posterior, errors = _judged(weighted, exact)
    posterior = prepared.answers.checked(posterior, prior_averaged, averaged, exact)
    report("summing over the paths", 0, 0)
    prepared, links, link_rows, link_chances = _links(
        prepared, averaged, paths, queries, max_memory
    )
    return Assessment(
        prepared=prepared,
        draws=replace(posterior, values=exact.values, weights=exact.weights),
        paths=paths,
        queries=queries,
        links=links,
        link_rows=link_rows,
        link_chances=link_chances,
        averaged=averaged,
        exact=exact,
        prior_averaged=prior_averaged,
        prior=prior,
        errors=errors,
        opinions=weighted.opinions,
        strata=weighted.strata,
        item_bits=_item_bits(prepared, prior_averaged),
        seed=seed,
    )


def _simulation(
    seed: int, draws: int, report: Progress
) -> Callable[[StoryGraph], simulation.Simulation]:
    """States instead of sums: some at every draw, or as many in all where there is one draw."""
    return lambda graph: simulation.Simulation(
        graph,
        seed,
        draws,
        report=lambda done, total: report("simulating states", done, total),
    )


def _prior(prepared: PreparedStory, draws: int, seed: int) -> tuple[Quantities, Quantities]:
    """Quantities before the evidence: at draws of all numbers, and with some integrated out."""
    nothing, answers = no_evidence(prepared.graph), prepared.answers
    if not prepared.core:
        whole = answers.evaluate(prepared.center[None].copy(), nothing, hazards=False)
        return whole, whole
    drawn = weighting.prior_draws(prepared, draws, seed)
    whole = answers.evaluate(drawn, nothing, hazards=False)
    if not prepared.integrated:
        return whole, whole
    values = prepared.center[None].copy()
    if prepared.sampled:
        values = np.repeat(values, min(PRIOR_DRAWS, len(whole.values)), axis=0)
        sampled = list(prepared.sampled)
        values[:, sampled] = whole.values[: len(values), sampled]
    return whole, answers.evaluate(values, nothing, hazards=False)


def full_prior(assessment: Assessment) -> tuple[Quantities, Quantities]:
    """`prior_averaged` and `prior` with their fates and queries, which an estimate can do without.

    Parameters
    ----------
    assessment : Assessment
    """
    prepared, queries = assessment.prepared, assessment.queries
    if not prepared.has_evidence:
        return assessment.averaged, assessment.exact
    nothing = no_evidence(prepared.graph)
    prior, averaged = (
        prepared.answers.evaluate(before.values, nothing, queries)
        for before in (assessment.prior, assessment.prior_averaged)
    )
    return averaged, prior


def _with_paths(
    prepared: PreparedStory, max_memory: int
) -> tuple[PreparedStory, tuple[Path, ...], tuple[Query, ...]]:
    """The failure paths, told apart as far as that is within reach."""
    graph = prepared.graph
    harmless = [i for i, d in enumerate(prepared.distributions) if d == Point(0.0)]

    def believed() -> Mapping[str, float]:
        # Linear in what is integrated out, and bits do not bear on it: one draw is exact.
        whole = prepared.answers.evaluate(prepared.center[None].copy(), no_evidence(graph))
        chances = whole.assumptions[0].tolist()
        return dict(zip((variable.name for variable in graph.variables), chances, strict=True))

    sides = [Query((graph.outcome_index[outcome],)) for outcome in graph.side_outcomes]
    sides += [Query((), way) for end in graph.stages for ways in end.ways for way in ways]
    for apart in (True, False):
        try:
            sequences = sequences_of(prepared) if apart else None
            paths = failure_paths(graph, harmless, believed, apart=apart, sequences=sequences)
        except UnsupportedStoryError:  # sequences need more room than the odds: endings are listed
            paths = failure_paths(graph, harmless, believed, apart=apart)
        queries = tuple(dict.fromkeys([*path_queries(paths), *sides]))
        if not apart or prepared.answers.reaches(queries):
            break
        # The odds are within reach, but not each path by itself.
        prepared = replace(prepared, answers=prepared.answers.anew(max_memory))
    return prepared, paths, queries


def _links(
    prepared: PreparedStory,
    averaged: Quantities,
    paths: tuple[Path, ...],
    queries: tuple[Query, ...],
    max_memory: int,
) -> tuple[PreparedStory, tuple[Query, ...], NDArray[np.intp], Array]:
    """What the weakest links of the most concerning paths need, at some of the draws."""
    order = np.argsort(-concerns_of(averaged, paths, queries), kind="stable")
    links = link_queries([paths[k] for k in order[:LINKED_PATHS]], prepared.graph.order)
    rows = np.arange(1)
    if len(averaged.values) > 1:
        rows = np.sort(systematic(averaged.weights, LINK_DRAWS))
    values = averaged.values[rows]
    staged = bool(prepared.graph.steps) and isinstance(prepared.answers, Exact)
    single = tuple(q for q in links if staged and q.outcomes and len(q.literals) < 2)
    compiled, apart = split_off(prepared, [q for q in links if q not in frozenset(single)])
    try:
        columns = [np.zeros((len(rows), 0))]
        if compiled:
            answers, likelihoods = prepared.answers.take(rows), prepared.likelihoods.take(rows)
            columns.append(answers.evaluate(values, likelihoods, compiled).queries)
        if apart:
            columns.append(together(prepared, apart, values, rows))
        if single:
            columns.append(with_single_literals(prepared, single, values, rows))
        return prepared, compiled + apart + single, rows, np.hstack(columns)
    except UnsupportedStoryError:
        prepared = replace(prepared, answers=prepared.answers.anew(max_memory))
        return prepared, (), rows, np.zeros((len(rows), 0))


# The posterior


@dataclass(frozen=True)
class _Weighted:
    """The sampled numbers, weighted or sampled, and what the engine gives at them."""

    averaged: Quantities
    draws: Draws
    opinions: Array  # log density of all forecasts together, in nats
    strata: soundness.Strata | None = None

    def answers(self) -> tuple[Array, Array]:
        """Means of the answers and their standard errors."""
        chances = soundness.answers_of(self.averaged)
        chains = self.draws.chains
        errors = soundness.errors_of_means(self.averaged, chains, self.strata)
        return self.averaged.mean(chances), errors


def _sample(
    prepared: PreparedStory,
    queries: tuple[Query, ...],
    method: Method,
    draws: int,
    seed: int,
    progress: Progress,
) -> _Weighted:
    if method == "nuts" and prepared.active:
        return _nuts(prepared, queries, draws, seed, progress)
    weighted = _weigh(prepared, queries, draws, seed)
    if method in ("weighting", "simulation") or weighted.draws.ok or not prepared.active:
        return weighted
    try:
        sampled = _nuts(prepared, queries, draws, seed, progress)
    except InputError as error:
        message = "NUTS cannot take over: " + "; ".join(str(p.message) for p in error.problems)
        unsound = replace(weighted.draws, messages=(*weighted.draws.messages, message))
        return replace(weighted, draws=unsound)
    reason = (
        "weighting was not good enough ("
        + "; ".join(weighted.draws.messages)
        + "), so NUTS was run"
    )
    conflict = soundness.contradictions(weighted.answers(), sampled.answers())
    if (
        not sampled.draws.ok
        and weighted.draws.diagnostics["ess"] > sampled.draws.diagnostics["ess"]
    ):
        reason = (
            "NUTS was run and was no better (" + "; ".join(sampled.draws.messages) + "), so the "
            "weighted draws are kept"
        )
        messages = (*weighted.draws.messages, reason, *conflict)
        return replace(weighted, draws=replace(weighted.draws, messages=messages, ok=False))
    messages = (*sampled.draws.messages, reason, *conflict)
    ok = sampled.draws.ok and not conflict
    return replace(sampled, draws=replace(sampled.draws, messages=messages, ok=ok))


def _weigh(prepared: PreparedStory, queries: tuple[Query, ...], draws: int, seed: int) -> _Weighted:
    values, log_prior = weighting.sampled_draws(prepared, draws, seed)
    return _Weighted(*weigh_at(prepared, values, log_prior, queries))


def _nuts(
    prepared: PreparedStory, queries: tuple[Query, ...], draws: int, seed: int, progress: Progress
) -> _Weighted:
    from storyodds.models.posterior import nuts

    chains = nuts.sample(prepared, draws, seed, progress)
    averaged = prepared.answers.evaluate(
        chains.values, prepared.likelihoods, queries, chains.weights
    )
    diagnosis = soundness.chain_diagnostics(averaged, chains.chains, chains.strata)
    messages = (*chains.messages, *diagnosis.messages)
    notes = []
    if not np.isfinite(chains.log_evidence):
        notes.append(
            f"log P(evidence) is not given: its weights have Pareto k {chains.pareto_k:.2f}"
        )
    drawn = Draws(
        values=chains.values,
        weights=chains.weights,
        chains=chains.chains,
        method="nuts",
        log_evidence=chains.log_evidence,
        log_evidence_error=chains.log_evidence_error,
        log_likelihood_bound=log_likelihood_bound(prepared),
        diagnostics={
            "draws": len(chains.values),
            "ess": diagnosis.ess_bulk,
            "pareto_k": chains.pareto_k,
            "means": "sampled",
            "r_hat_max": diagnosis.r_hat,
            "ess_bulk_min": diagnosis.ess_bulk,
            "ess_tail_min": diagnosis.ess_tail,
            "divergences": int(chains.divergent.sum()),
        },
        messages=(*messages, *notes),
        ok=not messages,
        statistics={"diverging": chains.divergent.astype(float), "energy": chains.energy},
    )
    opinions = forecasts_log_density(prepared, chains.values)
    return _Weighted(averaged, drawn, opinions, chains.strata)


def _exact(
    prepared: PreparedStory,
    averaged: Quantities,
    queries: tuple[Query, ...],
    draws: int,
    seed: int,
) -> Quantities:
    """Quantities at draws of all numbers, those that were integrated out drawn given the rest."""
    if not prepared.integrated:
        return averaged
    likelihoods = prepared.likelihoods
    values = draw_integrated(prepared, averaged.values, likelihoods, draws, seed)
    single = len(averaged.values) == 1
    weights = np.full(len(values), 1 / len(values)) if single else averaged.weights
    return prepared.answers.evaluate(values, likelihoods, queries, weights)


def _judged(weighted: _Weighted, exact: Quantities) -> tuple[Draws, soundness.Errors]:
    """Add the errors of the answers, and whether the two roads to each agree."""
    averaged, posterior = weighted.averaged, weighted.draws
    errors = soundness.errors_of(averaged, exact, posterior.chains, weighted.strata)
    n = len(exact.values)
    diagnostics = {
        **posterior.diagnostics,
        "draws": n,
        "ess": posterior.diagnostics["ess"] or (float(n) if n > 1 else None),
        "log_probability_error": posterior.log_evidence_error,
        "standard_errors": errors.by_name(),
    }
    if not np.isfinite(posterior.log_evidence_error):
        diagnostics["log_probability_error"] = None
    conflict: tuple[str, ...] = ()
    if exact is not averaged and posterior.method != "simulation":
        conflict = soundness.disagreements(averaged, exact)
    judged = replace(
        posterior,
        diagnostics=diagnostics,
        messages=(*posterior.messages, *conflict),
        ok=posterior.ok and not conflict,
    )
    return judged, errors


def _outcomes_by_class(graph: StoryGraph) -> list[tuple[int, ...]]:
    of_route = graph.route_classes()
    return [
        tuple(r for r in range(len(graph.routes)) if of_route[r] == c) for c in range(len(CLASSES))
    ]


def _item_bits(prepared: PreparedStory, prior: Quantities) -> dict[str, dict[str, float | None]]:
    """What each known result and each item, alone, does to the log2 odds of each class.

    The bits are log2 of P(item | class) / P(item | not class), the numbers integrated out over
    the prior; they do not depend on the other items or their order.
    """
    graph = prepared.graph
    member = np.array(graph.route_classes())[:, None] == np.arange(len(CLASSES))
    classes = prior.routes @ member
    before = classes.mean(axis=0)
    bits: dict[str, dict[str, float | None]] = {}
    for c, check in enumerate(graph.checks):
        if check.result is not None:
            rest = [other for other in range(len(graph.checks)) if other != c]
            joint = _jointly_with(prepared, prior.values, [], rest) @ member
            bits[check.id] = _bits_by_class(joint.mean(axis=0), before)
    joint_with = Jointly(*(np.zeros((0, 0, 0)),) * 3)
    plain = [item for item in graph.evidence if item.form != "forecast" and not item.rows]
    if any(item.subject == "assumption" for item in plain):
        by_class = [Query(outcomes) for outcomes in _outcomes_by_class(graph) if outcomes]
        joint_with = prepared.answers.jointly(prior.values, no_evidence(graph), by_class)
    reached = [c for c, outcomes in enumerate(_outcomes_by_class(graph)) if outcomes]
    for i, item in enumerate(graph.evidence):
        likelihood = prepared.tables[i]
        table = None if likelihood is None else table_at(likelihood, prior.values)
        if table is None:
            odds = forecast_log_odds(prior, i)
            log_density = forecast_log_density_at(item, odds)
            joint = np.exp(log_density - log_density.max())[:, None] * classes
        elif item.rows:
            alone: list[Table] = [t if k == i else None for k, t in enumerate(prepared.tables)]
            joint = _jointly_with(prepared, prior.values, alone, range(len(graph.checks))) @ member
        elif item.subject == "outcome":
            joint = (prior.routes * np.exp(table - table.max())) @ member
        else:
            joint = np.zeros_like(classes)
            sides = [joint_with.true[:, :, v] for v in item.targets]
            if not item.states:
                sides = [joint_with.false[:, :, item.target or 0], *sides]
            for chance, side in zip(np.exp(table - table.max()).T, sides, strict=True):
                joint[:, reached] += chance[:, None] * side
        bits[item.id] = _bits_by_class(joint.mean(axis=0), before)
    return bits


def _jointly_with(
    prepared: PreparedStory, values: Array, tables: Sequence[Table], silent: Sequence[int]
) -> Array:
    """P(evidence, route | numbers) but for a scale, of some findings and known results.

    Parameters
    ----------
    tables : sequence of Table
        What each finding says; None leaves it out, as does an empty sequence all of them.
    silent : sequence of int
        Checks whose results are left out.
    """
    graph = prepared.graph
    quiet = without_results(values, graph.result_rates(silent))
    with_it = prepared.answers.evaluate(quiet, assemble(graph, tables), hazards=False)
    top = with_it.log_evidence.max()
    chance = np.exp(with_it.log_evidence - (top if np.isfinite(top) else 0.0))
    return np.asarray(chance[:, None] * with_it.routes)


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
