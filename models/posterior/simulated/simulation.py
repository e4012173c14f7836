"""Simulation: states of the assumptions drawn from the prior and weighted by the evidence.

The way out for stories whose joint states are too many to sum. At every draw of the numbers, some
hundred states of the assumptions are drawn in dependency order (Latin hypercube: each assumption
by itself is spread evenly over them). Given a state everything else is summed exactly: which
route training ends at, which hazards fire, and what the evidence says. So every state has a
weight, P(evidence | state, numbers), and every draw of the numbers the mean of its weights.

What is told of one draw of the numbers is a ratio of two means over its states, and so biased by
something of the order of 1 / states. The posterior mean is not: a draw's weight times its ratio
is the sum over its states, so that the whole is one self-normalized estimate over all pairs of a
draw and a state, which is consistent in the number of draws. Two things stay as they are however
many draws there are: quantiles over draws are wider by the noise of each draw's ratio, and a
forecast is compared with prior odds that are themselves simulated.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache, reduce

import numpy as np
from numpy.typing import NDArray

from storyodds.models.cores import cores
from storyodds.models.engine.arithmetic import log_sum_exp
from storyodds.models.engine.program import without_results
from storyodds.models.engine.quantities import Jointly, Quantities
from storyodds.models.engine.state_draws import Uses
from storyodds.models.numerics import systematic
from storyodds.models.posterior.draws import Draws
from storyodds.models.posterior.simulated.errors import SimulatedQuantities, judged
from storyodds.models.posterior.simulated.findings import (
    log_likelihoods_of_routes,
    log_likelihoods_of_states,
)
from storyodds.models.posterior.simulated.stages import race_that_holds, share_of_state
from storyodds.models.posterior.simulated.states import (
    Arrays,
    States,
    choose,
    results_likelihood,
)
from storyodds.models.posterior.simulated.uses import holds, uses_of
from storyodds.models.story.events import CRITERIA
from storyodds.models.story.events import weights as event_weights
from storyodds.models.story.graph import StoryGraph, Variable
from storyodds.models.story.hazards import HazardFactors
from storyodds.models.story.likelihoods import LogLikelihoods
from storyodds.models.story.outcomes import Outcome
from storyodds.models.story.queries import Query
from storyodds.priors.distributions.families import LN2

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]

STATES = 256  # of the assumptions, at every draw of the numbers
FORECAST_STATES = 1024  # where a forecast is compared with simulated odds
_BLOCK_CELLS = 2**21  # of float64: what a block of draws may hold, on every core


@dataclass(frozen=True)
class Simulation:
    """Answers from simulated states.

    The states of a draw are the same at every call, whatever the evidence: what differs between
    two answers is not the luck of the draw.

    Attributes
    ----------
    graph : StoryGraph
    seed : int
    draws : int
        Batches of states where the numbers are all at one value; otherwise one batch a draw.
    report : callable, optional
        Called with (batches done, batches in all).
    rows : array of int, optional
        Which draws these are; by default the first, the second, and so on.
    """

    graph: StoryGraph
    seed: int
    draws: int = 1
    report: Callable[[int, int], None] | None = field(default=None, compare=False)
    rows: NDArray[np.intp] | None = None

    def _batches(self, n_draws: int) -> int:
        """How many batches of states there are at every draw."""
        return self.draws if n_draws == 1 else 1

    @property
    def n_states(self) -> int:
        """States in a batch."""
        return FORECAST_STATES if self.graph.forecasts else STATES

    def take(self, rows: NDArray[np.intp]) -> "Simulation":
        """Answer for some of the draws, with the states that they have among all."""
        return replace(self, rows=rows if self.rows is None else self.rows[rows])

    def evaluate(
        self,
        values: Array,
        likelihoods: LogLikelihoods,
        queries: Sequence[Query] = (),
        weights: Array | None = None,
        *,
        hazards: bool = True,
    ) -> Quantities:
        """Estimate every quantity from states.

        Parameters
        ----------
        values : (n_draws, n_numbers) array
        likelihoods : LogLikelihoods
        queries : sequence of Query
        weights : (n_draws,) array, optional
            What each draw counts; by default all the same.
        hazards : bool
            Makes no difference: given a state, hazards take no time.

        Returns
        -------
        SimulatedQuantities
            All 0 at a draw where no state can explain the evidence.
        """
        at_draws, batches = values, self._batches(len(values))
        values, likelihoods = self._spread(values, likelihoods)
        n, graph = len(values), self.graph
        by_batch = Quantities(
            graph=graph,
            values=values,
            weights=np.full(n, 1 / n),
            log_evidence=np.empty(n),
            assumptions=np.empty((n, len(graph.variables))),
            assumptions_false=np.empty((n, len(graph.variables))),
            routes=np.empty((n, len(graph.routes))),
            outcomes=np.empty((n, len(graph.outcomes))),
            goals=np.empty((n, len(CRITERIA))),
            queries=np.empty((n, len(queries))),
        )
        headlines = event_weights(graph, values)
        squares = np.empty((n, 3, headlines.shape[1]))

        def fill(block: slice, states: States) -> None:
            self._fill(by_batch, block, states, queries)
            events, twice = (
                np.matmul(headlines[block], states.outcomes[:, : len(graph.outcomes)]),
                states.weights**2,
            )
            for power in range(3):
                squares[block, power] = np.matmul(events**power, twice[:, :, None])[:, :, 0]

        self._run(values, likelihoods, fill, batches)
        shares = _shares(by_batch.log_evidence, batches)
        logs = by_batch.log_evidence.reshape(shares.shape)
        n_draws = len(at_draws)
        return SimulatedQuantities(
            graph=graph,
            values=at_draws,
            weights=np.full(n_draws, 1 / n_draws) if weights is None else weights,
            log_evidence=log_sum_exp(logs, axis=1) - np.log(batches),
            **{
                name: _pooled(getattr(by_batch, name), shares)
                for name in (
                    *("assumptions", "assumptions_false"),
                    *("routes", "outcomes", "goals", "queries"),
                )
            },
            batches=by_batch.log_evidence,
            squares=squares,
        )

    def outcomes(
        self, values: Array, likelihoods: LogLikelihoods, queries: Sequence[Query]
    ) -> tuple[Array, Array, Array]:
        """Estimate them with everything else, which takes no more time."""
        whole = self.evaluate(values, likelihoods, queries)
        return whole.log_evidence, whole.outcomes, whole.queries

    def uses(
        self, values: Array, likelihoods: LogLikelihoods, rng: np.random.Generator, n: int
    ) -> Uses:
        """Choose n states in proportion to their weights, and say which numbers they use."""
        one = len(values) == 1
        if one:
            values = np.repeat(values, n, axis=0)
        likelihoods = likelihoods.at(values)
        graph, uniforms = self.graph, rng.random((n, 2))
        truth, route = np.zeros((n, len(graph.variables)), bool), np.zeros(n, np.intp)
        log_mean = np.empty(n)

        def fill(block: slice, states: States) -> None:
            truth[block], route[block] = choose(states, uniforms[block])
            log_mean[block] = states.log_mean

        self._run(values, likelihoods, fill, 1)
        if one:  # every batch stands for the one draw by what it weighs
            batch = systematic(np.exp(log_mean - log_mean.max()), n, self.seed)
            truth, route = truth[batch], route[batch]
        return uses_of(graph, values, truth, route, rng)

    def jointly(
        self, values: Array, likelihoods: LogLikelihoods, queries: Sequence[Query]
    ) -> Jointly:
        """Estimate events together with every assumption, as `quantities.jointly`."""
        batches = self._batches(len(values))
        values, likelihoods = self._spread(values, likelihoods)
        shape = (len(values), len(queries), len(self.graph.variables))
        joint = Jointly(np.empty(shape[:2]), np.empty(shape), np.empty(shape))
        log_evidence = np.empty(len(values))

        def fill(block: slice, states: States) -> None:
            log_evidence[block] = states.log_mean
            events = self._events(states, queries)
            joint.events[block] = events.sum(axis=2)
            for out, truth in ((joint.true, states.truth), (joint.false, ~states.truth)):
                out[block] = np.matmul(events, truth.transpose(0, 2, 1).astype(float))

        self._run(values, likelihoods, fill, batches)
        shares = _shares(log_evidence, batches)
        return Jointly(*(_pooled(x, shares) for x in (joint.events, joint.true, joint.false)))

    def log_evidence(self, values: Array, likelihoods: LogLikelihoods) -> Array:
        """Estimate log P(evidence | numbers) but for forecasts, (n_draws,), in nats."""
        batches = self._batches(len(values))
        values, likelihoods = self._spread(values, likelihoods)
        out = np.empty(len(values))

        def fill(block: slice, states: States) -> None:
            out[block] = states.log_mean

        self._run(values, likelihoods, fill, batches)
        return np.asarray(log_sum_exp(out.reshape(-1, batches), axis=1) - np.log(batches))

    def reaches(self, queries: Sequence[Query]) -> bool:
        """Answer any query."""
        return True

    def anew(self, max_memory: int) -> "Simulation":
        """Return itself: nothing is kept."""
        return self

    def checked(
        self, draws: Draws, prior: Quantities, averaged: Quantities, exact: Quantities
    ) -> Draws:
        """Note on the draws that they are simulated, and how large the error of that is."""
        assert isinstance(averaged, SimulatedQuantities)
        assert isinstance(exact, SimulatedQuantities)
        return judged(draws, prior, averaged, exact, self.n_states)

    # Batches of draws

    def _spread(self, values: Array, likelihoods: LogLikelihoods) -> tuple[Array, LogLikelihoods]:
        """One row for every batch."""
        batches, likelihoods = self._batches(len(values)), likelihoods.at(values)
        if batches == 1:
            return values, likelihoods
        rows = np.repeat(np.arange(len(values)), batches)
        return values[rows], likelihoods.take(rows)

    def _run(
        self,
        values: Array,
        likelihoods: LogLikelihoods,
        work: Callable[[slice, States], None],
        batches: int,
    ) -> None:
        """Let something be done with the states of all draws, block by block, on every core."""
        graph, n = self.graph, len(values)
        width = 2 * len(graph.variables) + 5 * len(graph.routes) + 2 * len(graph.all_outcomes)
        step = max(1, _BLOCK_CELLS // (self.n_states * max(1, width)))
        blocks = [slice(first, min(first + step, n)) for first in range(0, n, step)]

        def work_on(block: slice) -> int:
            work(block, self._states(block, values[block], likelihoods.take(block), batches))
            return int(block.stop)

        pool = ThreadPoolExecutor(min(cores(), len(blocks)))
        try:
            for done in pool.map(work_on, blocks):
                if self.report is not None:
                    self.report(done, n)
        finally:
            pool.shutdown(cancel_futures=True)

    # States

    def _uniforms(self, block: slice, batches: int) -> Array:
        """Where states are drawn from, (n_draws, n_variables, n_states).

        Every assumption's are a random shift of an evenly spaced grid, in random order.
        """
        n_states, n_variables = self.n_states, len(self.graph.variables)
        out = np.empty((block.stop - block.start, n_variables, n_states))
        for k, batch in enumerate(range(block.start, block.stop)):
            row, copy = divmod(batch, batches)
            row = row if self.rows is None else int(self.rows[row])
            key = np.array([self.seed, row * batches + copy], dtype=np.uint64)
            rng = np.random.Generator(np.random.Philox(key=key))
            shift = rng.random((n_variables, 1))
            order = np.argsort(rng.random((n_variables, n_states), dtype=np.float32), axis=1)
            np.add(order, shift, out=out[k])
        out /= n_states
        return out

    def _states(
        self, block: slice, values: Array, likelihoods: LogLikelihoods, batches: int
    ) -> States:
        graph, n_states = self.graph, self.n_states
        truth, chances = self._truth(block, values, batches)
        by_name = {variable.name: truth[:, v] for variable, v in _numbered(graph)}
        rates = values if likelihoods.results else without_results(values, graph.result_rates())
        # Few formulas decide the rates of many endings.
        indicator = cache(lambda formula: formula is None or holds(formula, by_name))
        hazards = HazardFactors(graph, Arrays.of(graph, rates), indicator)
        routes, log_weights = self._race(values, likelihoods, by_name, hazards)
        log_weights += log_likelihoods_of_states(graph, likelihoods.assumptions, truth, by_name)
        top = log_weights.max(axis=1)
        top = np.where(np.isfinite(top), top, 0.0)
        weights = np.exp(log_weights - top[:, None])
        total = weights.sum(axis=1)
        weights /= np.where(total > 0, total, 1.0)[:, None]
        with np.errstate(divide="ignore"):
            log_mean = np.log(total) + top - np.log(n_states)
        return States(
            truth=truth,
            chances=chances,
            weights=weights,
            log_mean=log_mean,
            routes=routes,
            hazards=hazards,
            graph=graph,
            untold=not (
                likelihoods.assumptions.any()
                or likelihoods.routes.any()
                or (self._results and likelihoods.results)
            ),
        )

    @property
    def _results(self) -> bool:
        return any(check.result is not None for check in self.graph.checks)

    def _truth(self, block: slice, values: Array, batches: int) -> tuple[Bools, Array]:
        graph = self.graph
        u = self._uniforms(block, batches)
        truth = np.empty(u.shape, bool)
        chances = np.empty(u.shape[:2])
        by_name: dict[str, Bools] = {}
        shares: dict[str, Array] = {}  # of the states of stages, among all of their stage
        race = cache(lambda conditions: race_that_holds(conditions, by_name))
        for variable, v in _numbered(graph):  # in dependency order
            by_name[variable.name] = truth[:, v]
            if variable.formula is not None:
                truth[:, v] = holds(variable.formula, by_name)
                chances[:, v] = truth[:, v].mean(axis=1)
                continue
            if variable.race:
                share = shares[variable.name] = share_of_state(variable, values, race)
                rest = 1 - sum((shares[name] for name in variable.earlier), start=np.zeros(1))
                chance = np.where(share < rest, share / np.where(rest > 0, rest, 1.0), 1.0)
                if variable.is_last_state:
                    chance = np.ones((1, 1))
                if variable.barred is not None:
                    chance = np.where(holds(variable.barred, by_name), 0.0, chance)
                truth[:, v] = u[:, v] < chance
                chances[:, v] = np.broadcast_to(chance, u[:, v].shape).mean(axis=1)
                continue
            chance = np.ones((len(values), 1))  # of the last state
            for when, number in reversed(variable.rows):
                row = True if when is None else holds(when, by_name)
                chance = np.where(row, values[:, number, None], chance)
            if variable.barred is not None:
                chance = np.where(holds(variable.barred, by_name), 0.0, chance)
            truth[:, v] = u[:, v] < chance
            chances[:, v] = np.broadcast_to(chance, u[:, v].shape).mean(axis=1)
        return truth, chances

    def _race(
        self,
        values: Array,
        likelihoods: LogLikelihoods,
        by_name: dict[str, Bools],
        hazards: HazardFactors,
    ) -> tuple[Array, Array]:
        """P(route | state, evidence) and log P(evidence about the outcome | state)."""
        shape = next(iter(by_name.values())).shape if by_name else (len(values), self.n_states)
        log_weights = np.empty((shape[0], len(self.graph.routes), shape[1]))
        for r, route in enumerate(self.graph.routes):
            bits = np.zeros(1) if route.bits is None else values[:, route.bits, None]
            for when, number in route.nudges:
                nudge = values[:, number, None]
                bits = bits + (nudge if when is None else nudge * holds(when, by_name))
            log_weights[:, r] = LN2 * bits
            shut = [holds(formula, by_name) for formula in route.blocked_by]
            if route.requires is not None:
                shut.append(~holds(route.requires, by_name))
            if shut:
                log_weights[:, r][reduce(np.logical_or, shut)] = -np.inf
        total = log_sum_exp(log_weights, axis=1)
        log_weights += likelihoods.routes[:, :, None]
        for r, logs in log_likelihoods_of_routes(self.graph, likelihoods.assumptions, by_name):
            log_weights[:, r] += logs
        if self._results:
            for r in range(len(self.graph.routes)):
                with np.errstate(divide="ignore"):
                    log_weights[:, r] += np.log(results_likelihood(hazards, Outcome(r)))
        log_total = log_sum_exp(log_weights, axis=1)
        possible = np.where(np.isfinite(log_total), log_total, 0.0)
        routes = np.exp(log_weights - possible[:, None], out=log_weights)
        return routes, log_total - total

    # Answers

    def _fill(
        self, quantities: Quantities, block: slice, states: States, queries: Sequence[Query]
    ) -> None:
        graph = self.graph
        if states.untold:  # the chance of being drawn true has less noise than the truth drawn
            true, false = states.chances, 1 - states.chances
        else:
            true, false = states.mean(states.truth), states.mean(~states.truth)
        quantities.log_evidence[block] = states.log_mean
        quantities.assumptions[block], quantities.assumptions_false[block] = true, false
        quantities.routes[block] = states.mean(states.routes)
        quantities.outcomes[block] = states.mean(states.outcomes[:, : len(graph.outcomes)])
        quantities.goals[block] = states.mean(states.goals)
        by_literals: dict[frozenset[tuple[str, bool]], list[int]] = {}
        for k, query in enumerate(queries):
            by_literals.setdefault(query.literals, []).append(k)
        for literals, places in by_literals.items():
            events = self._events(states, [Query(queries[k].outcomes) for k in places])
            held = self._held(states, literals).astype(float)
            quantities.queries[block, places] = np.matmul(events, held[:, :, None])[:, :, 0]

    def _held(self, states: States, literals: Iterable[tuple[str, bool]]) -> Bools:
        """Where all of some literals hold, (n_draws, n_states)."""
        order, held = self.graph.order, np.ones(states.weights.shape, bool)
        for name, value in literals:
            held &= states.truth[:, order[name]] == value
        return held

    def _events(self, states: States, queries: Sequence[Query]) -> Array:
        """P(event and state | evidence), (n_draws, n_events, n_states)."""
        out = np.empty((len(states.weights), len(queries), states.weights.shape[1]))
        for k, query in enumerate(queries):
            out[:, k] = states.weights
            if query.outcomes:
                out[:, k] *= states.outcomes[:, list(query.outcomes)].sum(axis=1)
            if query.literals:
                out[:, k] *= self._held(states, query.literals)
        return out


def _numbered(graph: StoryGraph) -> Iterator[tuple[Variable, int]]:
    return ((variable, v) for v, variable in enumerate(graph.variables))


def _shares(log_evidence: Array, batches: int) -> Array:
    """What each batch weighs within its draw, (n_draws, n_batches)."""
    logs = log_evidence.reshape(-1, batches)
    top = logs.max(axis=1, keepdims=True)
    weights = np.exp(logs - np.where(np.isfinite(top), top, 0.0))
    total = weights.sum(axis=1, keepdims=True)
    return np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)


def _pooled(batches: Array, shares: Array) -> Array:
    """Batches of every draw together."""
    if shares.shape[1] == 1:
        return batches
    by_draw = batches.reshape(*shares.shape, *batches.shape[1:])
    return np.asarray(np.einsum("db,db...->d...", shares, by_draw))
