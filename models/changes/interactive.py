"""Exact answers to a changed story in the time that a person waits for a slider.

The same road as `assess` by weighting, with what does not change kept: a story is compiled once
for each structure, and its numbers are drawn from the same uniforms whatever their priors. So an
answer differs from another one only by what was changed, and the means of a story as written are
those of `assess` with as many draws and the same seed. What takes long is left out: what the
evidence items do one by one, weakest links, many draws for intervals, and NUTS where weighting is
not good enough, which is said.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from storyodds.models.engine.paths import Path, PathOdds, failure_paths, odds_of_paths, path_queries
from storyodds.models.engine.quantities import Quantities
from storyodds.models.numerics import systematic
from storyodds.models.posterior.draws import Draws
from storyodds.models.posterior.integrated_draws import integrated_at
from storyodds.models.posterior.prepared import PreparedStory
from storyodds.models.posterior.sequences import sequences_of
from storyodds.models.posterior.weighted_answers import weigh_at
from storyodds.models.posterior.weighting import (
    REPLICATES,
    sampled_at,
    spread_of_sums,
    uniforms,
)
from storyodds.models.story.events import EVENTS
from storyodds.models.story.outcomes import DEPLOYED
from storyodds.models.story.queries import Query
from storyodds.priors.distributions.families import Point
from storyodds.priors.text.errors import UnsupportedStoryError
from storyodds.scenarios.grammar.outcomes import CLASSES
from storyodds.scenarios.resolve import ResolvedStory

Array = NDArray[np.float64]

DRAWS = 1024  # a power of two, few enough for answers while a slider is moved
_ON_THE_DAY = ("success-given-deployed", "catastrophe-given-deployed", "deceptive-given-deployed")
#: What a page shows: classes, fates, being deployed, and the odds on the day of the decision.
ODDS = (*EVENTS, DEPLOYED, *_ON_THE_DAY)
INTERVAL_DRAWS = 256  # of all numbers, of which intervals are taken


@dataclass(frozen=True)
class Uniforms:
    """Uniform draws for every number of a story that is or becomes uncertain, by name.

    Attributes
    ----------
    columns : mapping of str to (n_draws,) array
        Of the numbers that are uncertain in the story as written, but for findings' own.
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
        """Return the columns of some numbers, (n_draws, len(names))."""
        if not names:
            return np.zeros((self.n_draws, 0))
        return np.stack([self._column(name) for name in names], axis=1)

    def _column(self, name: str) -> Array:
        """A number that only now is uncertain gets a column of its own.

        It is spread evenly within each independent sequence of draws, as the others are.
        """
        if name in self.columns:
            return self.columns[name]
        rng = np.random.default_rng([self.seed, 6, self.names.index(name)])
        sequences = min(REPLICATES, self.n_draws)
        length = self.n_draws // sequences
        places = rng.permuted(np.tile(np.arange(length), (sequences, 1)), axis=1)
        return np.asarray((places.ravel() + rng.random(self.n_draws)) / length)


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
    >>> result = common_uniforms(resolve(load_story("coinrun-agent")), draws=100)
    >>> result.n_draws, result.of(["intended.bits", "intended.harm"]).shape
    (128, (128, 2))
    """
    findings = {item.id for item in written.story.evidence}
    uncertain = [
        n.name
        for n in written.numbers
        if not isinstance(n.distribution, Point)
        and (len(n.places) > 1 or n.places[0].partition(".")[0] not in findings)
    ]
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
    >>> from storyodds.models.posterior.prepared import prepare
    >>> from storyodds.scenarios.resolve import resolve
    >>> story = load_story("coinrun-agent")
    >>> sure = resolve(story, settings={"something-else.harm": 0.5})
    >>> changed = renumbered(prepare(resolve(story)), sure)
    >>> changed.distributions[sure.number_index["something-else.harm"]]
    Point(value=0.5)
    """
    distributions = tuple(number.distribution for number in resolved.numbers)
    is_reread = any(distributions[i] != prepared.distributions[i] for i in prepared.own)
    tables = prepared.tables_of(distributions) if is_reread else prepared.tables
    return replace(prepared, resolved=resolved, distributions=distributions, tables=tables)


@dataclass(frozen=True)
class Answer:
    """The odds of a story, changed or not.

    Attributes
    ----------
    draws : Draws
        Of the numbers that have to be sampled, by weighting; one where there are none.
    averaged : Quantities
        At these draws, everything else integrated out: what means are taken of.
    spread : Quantities
        At posterior draws of all numbers, of equal weight: what intervals are taken of.
    paths : tuple of Path
        None at all where they are too many to sum apart.
    queries : tuple of Query
        What the paths need, columns of both.
    opinions : (n_draws,) array
        Log density of all forecasts together at the draws that means are taken of, in nats.
    """

    draws: Draws
    averaged: Quantities
    spread: Quantities
    paths: tuple[Path, ...]
    queries: tuple[Query, ...]
    opinions: Array

    @property
    def means(self) -> Array:
        """Posterior means by event, (n_events,)."""
        return self.odds_means[: len(EVENTS)]

    @cached_property
    def odds_means(self) -> Array:
        """Posterior means of `ODDS`, (n_odds,); 0 where they are a part of nothing."""
        parts, wholes = self._sums
        return np.asarray(parts / wholes)

    @cached_property
    def _sums(self) -> tuple[Array, Array]:
        """Means of what the odds are parts of; a whole that is 0 has no parts, and will do as 1."""
        parts, wholes = (self.averaged.mean(table) for table in parts_and_wholes(self.averaged))
        return parts, np.where(wholes > 0, wholes, 1.0)

    @cached_property
    def pulls(self) -> Array:
        """By how much every draw pulls the mean of `ODDS` away from where it is, (n_draws, n_odds).

        0 in exact answers, and where there is nothing that the odds are a part of.
        """
        parts, wholes = parts_and_wholes(self.averaged)
        shares = len(parts) * self.averaged.weights[:, None]
        return np.asarray(shares * (parts - self.odds_means * wholes) / self._sums[1])

    @cached_property
    def mean_errors(self) -> Array:
        """Monte Carlo standard errors of the means of `ODDS`, (n_odds,)."""
        return spread_of_sums(self.pulls / len(self.pulls))

    @cached_property
    def findings_weights(self) -> Array | None:
        """Weights of the draws by the findings alone, without forecasts, (n_draws,).

        None where a forecast excludes some draws: what findings say of these is not known.
        """
        if not np.isfinite(self.opinions).all():
            return None
        with np.errstate(divide="ignore"):  # a draw that the findings rule out
            logs = np.log(self.averaged.weights) - self.opinions
        weights = np.exp(logs - logs.max())
        return np.asarray(weights / weights.sum())

    @cached_property
    def path_odds(self) -> Sequence[PathOdds]:
        """Odds of the paths at the draws that means are taken of."""
        return odds_of_paths(self.averaged, self.paths, self.queries)

    @cached_property
    def path_spread(self) -> Sequence[PathOdds]:
        """Odds of the paths at the draws that intervals are taken of."""
        return odds_of_paths(self.spread, self.paths, self.queries)


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
    >>> from storyodds.models.posterior.prepared import prepare
    >>> from storyodds.models.story.events import EVENTS
    >>> from storyodds.scenarios.resolve import resolve
    >>> resolved = resolve(load_story("carlsmith-six-premises"))
    >>> result = answer(prepare(resolved), common_uniforms(resolved))
    >>> round(float(result.means[EVENTS.index("catastrophe")]), 4)
    0.0514
    """
    u = uniforms.of([prepared.resolved.numbers[i].name for i in prepared.core])
    values, log_prior = sampled_at(prepared, u)
    paths, queries, (averaged, draws, opinions) = _along_paths(prepared, values, log_prior)
    spread = averaged
    if prepared.core:
        spread = _spread(prepared, averaged, queries, u, uniforms.seed)
    return Answer(draws, averaged, spread, paths, queries, opinions)


def _along_paths(
    prepared: PreparedStory, values: Array, log_prior: Array
) -> tuple[tuple[Path, ...], tuple[Query, ...], tuple[Quantities, Draws, Array]]:
    """Weigh the draws along the paths; without these, where they are out of reach."""
    harmless = [i for i, d in enumerate(prepared.distributions) if d == Point(0.0)]
    # Only a choice among very many ways depends on what is believed; any will do.
    even = {variable.name: 0.5 for variable in prepared.graph.variables}
    try:
        sequences = sequences_of(prepared)
        paths = failure_paths(prepared.graph, harmless, lambda: even, sequences=sequences)
        queries = tuple(dict.fromkeys(path_queries(paths)))
        weighed = weigh_at(prepared, values, log_prior, queries)
    except UnsupportedStoryError:
        paths, queries = (), ()
        weighed = weigh_at(prepared, values, log_prior)
    return paths, queries, weighed


def _spread(
    prepared: PreparedStory,
    averaged: Quantities,
    queries: tuple[Query, ...],
    u: Array,
    seed: int,
) -> Quantities:
    """Draw all numbers, at some of the draws, and ask again."""
    if len(averaged.values) == 1:
        # The first of every sequence, so that these are sequences, too.
        place = np.arange(len(u)) % (len(u) // min(REPLICATES, len(u)))
        first = place < max(1, INTERVAL_DRAWS // REPLICATES)
        values, u = averaged.values, u[first]
    else:
        rows = systematic(averaged.weights, INTERVAL_DRAWS)
        values, u = averaged.values[rows], u[rows]
    likelihoods = prepared.likelihoods
    return prepared.answers.evaluate(
        integrated_at(prepared, values, likelihoods, u, seed), likelihoods, queries
    )


def difference_errors(before: Answer, after: Answer) -> Array:
    """Monte Carlo standard errors of what the means of `ODDS` changed by, (n_odds,).

    Independent sequences of draws, of the same uniforms before and after, are compared: what is
    common to both does not count.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.posterior.prepared import prepare
    >>> from storyodds.scenarios.resolve import resolve
    >>> resolved = resolve(load_story("coinrun-agent"))
    >>> same = answer(prepare(resolved), common_uniforms(resolved, draws=64))
    >>> bool(difference_errors(same, same).any())
    False
    """
    return spread_of_sums(after.pulls / len(after.pulls) - before.pulls / len(before.pulls))


def parts_and_wholes(quantities: Quantities) -> tuple[Array, Array]:
    """Return what `ODDS` are parts of, at every draw: two tables, (n_draws, n_odds)."""
    deceptive = quantities.deployed_classes[:, CLASSES.index("deceptive")]
    conditional = [quantities.event("success"), quantities.event("catastrophe"), deceptive]
    parts = np.column_stack([quantities.events, quantities.deployed, *conditional])
    wholes = np.ones_like(parts)
    wholes[:, -len(conditional) :] = quantities.deployed[:, None]
    return parts, wholes
