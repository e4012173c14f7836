"""Exact answers to a changed story in the time that a person waits for a slider.

The same road as `assess` by weighting, with what does not change kept: a story is compiled once
for each structure, and its numbers are drawn from the same uniforms whatever their priors. So an
answer differs from another one only by what was changed, and that of a story as written is that of
`assess` with as many draws and the same seed. What takes long is left out: what the evidence items
do one by one, weakest links, and NUTS where weighting is not good enough, which is said.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from storyodds.models.assessment import systematic
from storyodds.models.events import probabilities
from storyodds.models.evidence import assemble, collapsed_tables, explicit_tables, recover_rates
from storyodds.models.posterior import (
    Draws,
    PreparedStory,
    forecasts_log_density,
    from_uniforms,
    impossible_evidence,
)
from storyodds.models.quantities import Path, Quantities, derive, failure_paths, path_queries
from storyodds.models.queries import Query
from storyodds.models.weighting import uniforms, weigh_by
from storyodds.priors.distributions import Point
from storyodds.priors.errors import InputError, Problem, UnsupportedStoryError
from storyodds.scenarios.resolve import ResolvedStory

Array = NDArray[np.float64]

DRAWS = 1024
INTERVAL_DRAWS = 256  # at which the evidence items' own numbers are drawn too


@dataclass(frozen=True)
class Uniforms:
    """Uniform draws for every number that is or becomes uncertain, by name.

    Attributes
    ----------
    columns : mapping of str to (n_draws,) array
        Of the numbers that are uncertain in the story as written.
    names : tuple of str
        Of all numbers of the story as written.
    n_draws : int
    seed : int
    """

    columns: Mapping[str, Array]
    names: tuple[str, ...]
    n_draws: int
    seed: int

    def of(self, names: Collection[str]) -> Array:
        """Give the columns of some numbers, (n_draws, len(names))."""
        return np.stack([self._column(name) for name in names], axis=1)

    def _column(self, name: str) -> Array:
        """A number that only now is uncertain gets a column of a Latin hypercube of its own."""
        if name in self.columns:
            return self.columns[name]
        rng = np.random.default_rng([self.seed, 6, self.names.index(name)])
        return (rng.permutation(self.n_draws) + rng.random(self.n_draws)) / self.n_draws


def common_uniforms(written: ResolvedStory, draws: int = DRAWS, seed: int = 1) -> Uniforms:
    """Draw what every version of a story is drawn from.

    Parameters
    ----------
    written : ResolvedStory
        As it stands in its file.
    draws : int
        Rounded up to a power of two.
    seed : int

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.scenarios.resolve import resolve
    >>> found = common_uniforms(resolve(load_story("coinrun-agent")), draws=100)
    >>> found.n_draws, found.of(["intended.bits", "intended.harm"]).shape
    (128, (128, 2))
    """
    uncertain = [n.name for n in written.numbers if not isinstance(n.distribution, Point)]
    u = uniforms(max(1, len(uncertain)), draws, seed)
    names = tuple(number.name for number in written.numbers)
    return Uniforms(dict(zip(uncertain, u.T, strict=False)), names, len(u), seed)


def renumbered(prepared: PreparedStory, resolved: ResolvedStory) -> PreparedStory:
    """Put other numbers into a prepared story; what it was compiled into does not change.

    Parameters
    ----------
    prepared : PreparedStory
    resolved : ResolvedStory
        Of the same structure.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.posterior import prepare
    >>> from storyodds.scenarios.resolve import resolve
    >>> story = load_story("coinrun-agent")
    >>> sure = resolve(story, settings={"something-else.harm": 0.5})
    >>> changed = renumbered(prepare(resolve(story)), sure)
    >>> changed.distributions[sure.number_index["something-else.harm"]]
    Point(value=0.5)
    """
    distributions = tuple(number.distribution for number in resolved.numbers)
    told = any(distributions[i] != prepared.distributions[i] for i in prepared.own)
    tables = collapsed_tables(prepared.graph, distributions) if told else prepared.tables
    return replace(prepared, resolved=resolved, distributions=distributions, tables=tables)


@dataclass(frozen=True)
class Answer:
    """The odds of a story, changed or not.

    Attributes
    ----------
    draws : Draws
        The evidence items' own numbers stand at their medians.
    events : (n_draws, n_events) array
        P(event | E, θ), by `what_if.EVENTS`, the items' own numbers integrated out: what means are
        taken of.
    spread : (n_rows, n_events) array
        The same at posterior draws of all numbers, of equal weight: what intervals are taken of.
    paths : tuple of Path
        None at all where they are too many to sum apart.
    chances, concerns : (n_draws, n_paths) array
        P(path) and P(path and catastrophe).
    chance_spread, concern_spread : (n_rows, n_paths) array
    """

    draws: Draws
    events: Array
    spread: Array
    paths: tuple[Path, ...]
    chances: Array
    concerns: Array
    chance_spread: Array
    concern_spread: Array

    @cached_property
    def means(self) -> Array:
        """Posterior means by event."""
        return np.asarray(self.draws.weights @ self.events)


def answer(prepared: PreparedStory, uniforms: Uniforms) -> Answer:
    """Work out the odds of a story by weighting, and say whether that can be relied on.

    Parameters
    ----------
    prepared : PreparedStory
    uniforms : Uniforms
        Of the story as written.

    Raises
    ------
    InputError
        If no draw can explain the evidence.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.posterior import prepare
    >>> from storyodds.models.events import EVENTS
    >>> from storyodds.scenarios.resolve import resolve
    >>> resolved = resolve(load_story("carlsmith-six-premises"))
    >>> found = answer(prepare(resolved), common_uniforms(resolved))
    >>> round(float(found.means[EVENTS.index("catastrophe")]), 4)
    0.0514
    """
    uncertain = prepared.uncertain
    u = uniforms.of([prepared.resolved.numbers[i].name for i in uncertain]) if uncertain else None
    values = from_uniforms(prepared, uncertain, np.zeros((1, 0)) if u is None else u)
    paths, queries, found = _along_paths(prepared, values)
    log_weights = found.log_evidence + forecasts_log_density(prepared, values)
    draws = weigh_by(prepared, values, log_weights) if uncertain else _sure(prepared, log_weights)
    rows = systematic(draws.weights, INTERVAL_DRAWS)
    values_at, found_at = _all_numbers(prepared, values, rows, queries, uniforms.seed)
    chances, concerns = _of_paths(prepared, paths, queries, values, found)
    chance_spread, concern_spread = _of_paths(prepared, paths, queries, values_at, found_at)
    return Answer(
        draws=draws,
        events=probabilities(prepared.graph, values, found.outcomes),
        spread=probabilities(prepared.graph, values_at, found_at.outcomes),
        paths=paths,
        chances=chances,
        concerns=concerns,
        chance_spread=chance_spread,
        concern_spread=concern_spread,
    )


def _along_paths(
    prepared: PreparedStory, values: Array
) -> tuple[tuple[Path, ...], tuple[Query, ...], Quantities]:
    """Ask for everything at once; without the paths, where these are out of reach."""
    harmless = [i for i, d in enumerate(prepared.distributions) if d == Point(0.0)]
    # Only a choice among very many ways depends on what is believed; any will do.
    even = {variable.name: 0.5 for variable in prepared.graph.variables}
    ask, said = prepared.answers.evaluate, prepared.likelihoods
    try:
        paths = failure_paths(prepared.graph, harmless, lambda: even)
        queries = tuple(dict.fromkeys(path_queries(paths)))
        return paths, queries, ask(values, said, queries)
    except UnsupportedStoryError:
        return (), (), ask(values, said)


def _sure(prepared: PreparedStory, log_evidence: Array) -> Draws:
    if not np.isfinite(log_evidence[0]):
        raise InputError([Problem(impossible_evidence(prepared))])
    values = from_uniforms(prepared, (), np.zeros((1, 0)))
    told = {"draws": 1, "ess": None, "pareto_k": None}
    return Draws(values, np.ones(1), 1, "exact", float(log_evidence[0]), told, (), True, {})


def _all_numbers(
    prepared: PreparedStory,
    values: Array,
    rows: NDArray[np.intp],
    queries: tuple[Query, ...],
    seed: int,
) -> tuple[Array, Quantities]:
    """Draw the evidence items' own numbers too, at some draws, and ask again."""
    ask, rng = prepared.answers.evaluate, np.random.default_rng([seed, 3])
    at, said = values[rows], prepared.likelihoods
    if not any(i in prepared.own for i in prepared.uncertain):
        return at, ask(at, said, queries)
    drawn = ask(at, said, (), rng)
    at = recover_rates(prepared.graph, prepared.distributions, at, drawn.truth, drawn.route, rng)
    return at, ask(at, assemble(prepared.graph, explicit_tables(prepared.graph, at)), queries)


def _of_paths(
    prepared: PreparedStory,
    paths: tuple[Path, ...],
    queries: tuple[Query, ...],
    values: Array,
    found: Quantities,
) -> tuple[Array, Array]:
    """P(path) and P(path and catastrophe) at every draw."""
    derived = derive(prepared.graph, values, found.outcomes)
    column = {query: k for k, query in enumerate(queries)}
    harmful = derived.undetected * derived.harm

    def total(weight: Callable[[int], Array | float]) -> Array:
        out = np.zeros((len(values), len(paths)))
        for k, path in enumerate(paths):
            for o in path.outcomes:
                chance = found.queries[:, column[Query((o,), path.literals)]]
                out[:, k] += chance * weight(o)
        return out

    return total(lambda o: 1.0), total(lambda o: harmful[:, o])


def difference_errors(before: Answer, after: Answer) -> Array:
    """Monte Carlo standard errors of what the means changed by, (n_events,).

    Pairs of draws from the same uniforms are compared, so that what is common to both does not
    count; that the draws are spread evenly, which helps, is not counted either.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.posterior import prepare
    >>> from storyodds.scenarios.resolve import resolve
    >>> resolved = resolve(load_story("coinrun-agent"))
    >>> same = answer(prepare(resolved), common_uniforms(resolved, draws=64))
    >>> bool(difference_errors(same, same).any())
    False
    """
    pulls = [_pull(x) for x in (before, after)]
    n = max(len(pull) for pull in pulls)
    return np.asarray((pulls[1] - pulls[0]).std(axis=0) / np.sqrt(n))


def _pull(found: Answer) -> Array:
    """By how much every draw pulls the mean away from where it is; nothing in exact answers."""
    weights = len(found.draws.weights) * found.draws.weights[:, None]
    return np.asarray(weights * (found.events - found.means))
