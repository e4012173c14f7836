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
from functools import cached_property, reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from storyodds.models.cores import cores
from storyodds.models.engine.arithmetic import log_sum_exp
from storyodds.models.engine.program import without_results
from storyodds.models.engine.quantities import Jointly, Quantities
from storyodds.models.engine.state_draws import Uses
from storyodds.models.numerics import systematic
from storyodds.models.posterior.draws import Draws
from storyodds.models.posterior.evidence import columns, forecast_log_odds
from storyodds.models.posterior.simulated_uses import holds, uses_of
from storyodds.models.posterior.weighting import MIN_ESS
from storyodds.models.story.events import CRITERIA, EVENTS
from storyodds.models.story.events import weights as event_weights
from storyodds.models.story.graph import Outcome, StoryGraph, Variable
from storyodds.models.story.hazards import HazardFactors
from storyodds.models.story.likelihoods import LogLikelihoods
from storyodds.models.story.queries import Query
from storyodds.priors.distributions.families import LN2

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]

STATES = 256  # of the assumptions, at every draw of the numbers
FORECAST_STATES = 1024  # where a forecast is compared with simulated odds
_BLOCK_CELLS = 2**21  # of float64: what a block of draws may hold, on every core
_MOST_EMPTY = 0.5  # share of draws at which no state can explain the evidence
_MOST_UNMET = 0.05  # share of the answer that states which were never met may carry
_MOST_UNKNOWN = 0.05  # share of draws at which a forecast may meet odds of 0 or infinity


@dataclass(frozen=True)
class SimulatedQuantities(Quantities):
    """Quantities from states, with what is needed to judge them.

    Attributes
    ----------
    batches : (n_batches,) array
        Log of the mean weight of every batch of states; where the numbers are all fixed, several
        batches belong to one draw.
    squares : (n_batches, 3, n_headlines) array
        Sums of w^2, w^2 f and w^2 f^2 over the states of a batch, whose weights w sum to 1, for
        the probability f of every class and fate.
    """

    batches: Array
    squares: Array


@dataclass(frozen=True)
class _States:
    """A block of draws with their states: truth and what follows from it.

    Attributes
    ----------
    truth : (n_draws, n_variables, n_states) bool array
    chances : (n_draws, n_variables) array
        Mean over states of the chance with which an assumption was drawn.
    weights : (n_draws, n_states) array
        Sum to 1, or to 0 where no state can explain the evidence.
    log_mean : (n_draws,) array
        Log of the mean of the weights before that.
    routes : (n_draws, n_routes, n_states) array
        Probabilities given the state and the evidence.
    hazards : HazardFactors
        Of these states.
    graph : StoryGraph
    untold : bool
        Whether the evidence says nothing.
    """

    truth: Bools
    chances: Array
    weights: Array
    log_mean: Array
    routes: Array
    hazards: HazardFactors
    graph: StoryGraph
    untold: bool

    @cached_property
    def outcomes(self) -> Array:
        """P(outcome | state, evidence), (n_draws, n_outcomes, n_states)."""
        outcomes = self.graph.all_outcomes
        out = self.routes[:, [outcome.route for outcome in outcomes]]
        for o, outcome in enumerate(outcomes):
            if outcome.event is not None:
                out[:, o] *= self._event(outcome)
        return out

    def _event(self, outcome: Outcome) -> Any:
        """P(an outcome's event | state, route, the known results of checks)."""
        if not self.graph.hazards_are_evidence:  # then results say nothing of it
            ((factor, _),) = self.hazards.endings(outcome)
            return 1 if factor is None else factor
        whole = _likelihood(self.hazards, Outcome(outcome.route))
        event = np.broadcast_to(_likelihood(self.hazards, outcome), self.weights.shape)
        return np.divide(event, whole, out=np.zeros(self.weights.shape), where=whole > 0)

    @cached_property
    def goals(self) -> Array:
        """P(no hazard of a criterion fires | state) in a run made to end at the intended model."""
        goals = np.empty((len(self.routes), len(CRITERIA), self.routes.shape[2]))
        for c, criterion in enumerate(CRITERIA):
            goals[:, c] = self.hazards.spared(criterion)
        return goals

    def mean(self, by_state: Array | Bools) -> Array:
        """Weighted mean over states of (n_draws, n, n_states), (n_draws, n)."""
        return np.asarray(np.matmul(by_state.astype(float), self.weights[:, :, None])[:, :, 0])


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
            said=np.empty((n, 2 * len(columns(graph)))),
            routes=np.empty((n, len(graph.routes))),
            outcomes=np.empty((n, len(graph.outcomes))),
            goals=np.empty((n, len(CRITERIA))),
            queries=np.empty((n, len(queries))),
        )
        headlines = event_weights(graph, values)
        squares = np.empty((n, 3, headlines.shape[1]))

        def fill(block: slice, states: _States) -> None:
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
                    *("assumptions", "assumptions_false", "said"),
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
            values, likelihoods = np.repeat(values, n, axis=0), likelihoods
        graph, uniforms = self.graph, rng.random((n, 2))
        truth, route = np.zeros((n, len(graph.variables)), bool), np.zeros(n, np.intp)
        log_mean = np.empty(n)

        def fill(block: slice, states: _States) -> None:
            truth[block], route[block] = _choose(states, uniforms[block])
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
        found = Jointly(np.empty(shape[:2]), np.empty(shape), np.empty(shape))
        log_evidence = np.empty(len(values))

        def fill(block: slice, states: _States) -> None:
            log_evidence[block] = states.log_mean
            events = self._events(states, queries)
            found.events[block] = events.sum(axis=2)
            for out, truth in ((found.true, states.truth), (found.false, ~states.truth)):
                out[block] = np.matmul(events, truth.transpose(0, 2, 1).astype(float))

        self._run(values, likelihoods, fill, batches)
        shares = _shares(log_evidence, batches)
        return Jointly(*(_pooled(x, shares) for x in (found.events, found.true, found.false)))

    def log_evidence(self, values: Array, likelihoods: LogLikelihoods) -> Array:
        """Estimate log P(evidence | numbers) but for forecasts, (n_draws,), in nats."""
        batches = self._batches(len(values))
        values, likelihoods = self._spread(values, likelihoods)
        out = np.empty(len(values))

        def fill(block: slice, states: _States) -> None:
            out[block] = states.log_mean

        self._run(values, likelihoods, fill, batches)
        return np.asarray(log_sum_exp(out.reshape(-1, batches), axis=1) - np.log(batches))

    def reaches(self, queries: Sequence[Query]) -> bool:
        """Answer any query."""
        return True

    def anew(self, max_memory: int) -> "Simulation":
        """Give itself: nothing is kept."""
        return self

    def checked(
        self, draws: Draws, prior: Quantities, averaged: Quantities, exact: Quantities
    ) -> Draws:
        """Say of the draws that they are simulated, and how large the error of that is."""
        assert isinstance(averaged, SimulatedQuantities)
        assert isinstance(exact, SimulatedQuantities)
        return _judged(self, draws, prior, averaged, exact)

    # Batches of draws

    def _spread(self, values: Array, likelihoods: LogLikelihoods) -> tuple[Array, LogLikelihoods]:
        """One row for every batch."""
        batches = self._batches(len(values))
        if batches == 1:
            return values, likelihoods
        rows = np.repeat(np.arange(len(values)), batches)
        return values[rows], likelihoods.take(rows)

    def _run(
        self,
        values: Array,
        likelihoods: LogLikelihoods,
        work: Callable[[slice, _States], None],
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
    ) -> _States:
        graph, n_states = self.graph, self.n_states
        truth, chances = self._truth(block, values, batches)
        by_name = {variable.name: truth[:, v] for variable, v in _numbered(graph)}
        rates = values if likelihoods.results else without_results(values, graph.result_numbers())
        hazards = HazardFactors(graph, _Arrays(rates), lambda f: f is None or holds(f, by_name))
        routes, log_weights = self._race(values, likelihoods.routes, by_name, hazards)
        for item, first in columns(graph).items():
            said = likelihoods.assumptions[:, first : first + 2, None]
            target = truth[:, graph.evidence[item].target or 0]
            log_weights += np.where(target, said[:, 1], said[:, 0])
        top = log_weights.max(axis=1)
        top = np.where(np.isfinite(top), top, 0.0)
        weights = np.exp(log_weights - top[:, None])
        total = weights.sum(axis=1)
        weights /= np.where(total > 0, total, 1.0)[:, None]
        with np.errstate(divide="ignore"):
            log_mean = np.log(total) + top - np.log(n_states)
        return _States(
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
        for variable, v in _numbered(graph):  # in dependency order
            by_name[variable.name] = truth[:, v]
            if variable.formula is not None:
                truth[:, v] = holds(variable.formula, by_name)
                chances[:, v] = truth[:, v].mean(axis=1)
                continue
            chance = values[:, variable.rows[-1][1], None]
            for when, number in reversed(variable.rows[:-1]):
                assert when is not None
                chance = np.where(holds(when, by_name), values[:, number, None], chance)
            truth[:, v] = u[:, v] < chance
            chances[:, v] = np.broadcast_to(chance, u[:, v].shape).mean(axis=1)
        return truth, chances

    def _race(
        self, values: Array, said: Array, by_name: dict[str, Bools], hazards: HazardFactors
    ) -> tuple[Array, Array]:
        """P(route | state, evidence) and log P(evidence about the outcome | state)."""
        shape = next(iter(by_name.values())).shape if by_name else (len(values), self.n_states)
        log_weights = np.empty((shape[0], len(self.graph.routes), shape[1]))
        for r, route in enumerate(self.graph.routes):
            bits = values[:, route.bits, None]
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
        log_weights += said[:, :, None]
        if self._results:
            for r in range(len(self.graph.routes)):
                with np.errstate(divide="ignore"):
                    log_weights[:, r] += np.log(_likelihood(hazards, Outcome(r)))
        told = log_sum_exp(log_weights, axis=1)
        possible = np.where(np.isfinite(told), told, 0.0)
        routes = np.exp(log_weights - possible[:, None], out=log_weights)
        return routes, told - total

    # Answers

    def _fill(
        self, found: Quantities, block: slice, states: _States, queries: Sequence[Query]
    ) -> None:
        graph = self.graph
        if states.untold:  # the chance of being drawn true has less noise than the truth drawn
            true, false = states.chances, 1 - states.chances
        else:
            true, false = states.mean(states.truth), states.mean(~states.truth)
        about = [graph.evidence[i].target or 0 for i in columns(graph)]
        found.log_evidence[block] = states.log_mean
        found.assumptions[block], found.assumptions_false[block] = true, false
        said = np.stack([false[:, about], true[:, about]], axis=2)
        found.said[block] = said.reshape(len(true), -1)
        found.routes[block] = states.mean(states.routes)
        found.outcomes[block] = states.mean(states.outcomes[:, : len(graph.outcomes)])
        found.goals[block] = states.mean(states.goals)
        by_literals: dict[frozenset[tuple[str, bool]], list[int]] = {}
        for k, query in enumerate(queries):
            by_literals.setdefault(query.literals, []).append(k)
        for wanted, places in by_literals.items():
            asked = self._events(states, [Query(queries[k].outcomes) for k in places])
            held = self._held(states, wanted).astype(float)
            found.queries[block, places] = np.matmul(asked, held[:, :, None])[:, :, 0]

    def _held(self, states: _States, wanted: Iterable[tuple[str, bool]]) -> Bools:
        """Where all of some literals hold, (n_draws, n_states)."""
        order, held = self.graph.order, np.ones(states.weights.shape, bool)
        for name, value in wanted:
            held &= states.truth[:, order[name]] == value
        return held

    def _events(self, states: _States, queries: Sequence[Query]) -> Array:
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


@dataclass(frozen=True)
class _Arrays:
    """Factors as arrays, one entry a draw and state."""

    values: Array

    def number(self, index: int, *, happens: bool) -> Array:
        chance = self.values[:, index, None]
        return chance if happens else 1 - chance

    # Zeros and ones are whole numbers here, and most factors: no array is made of them.

    def multiply(self, f: Any, g: Any) -> Any:
        if isinstance(f, int):
            return g if f else 0
        if isinstance(g, int):
            return f if g else 0
        return f * g

    def add(self, f: Any, g: Any) -> Any:
        if isinstance(f, int) and not f:
            return g
        return f if isinstance(g, int) and not g else f + g

    def choose(self, condition: Any, yes: Any, no: Any) -> Any:
        return yes if condition is True else np.where(condition, yes, no)


def _likelihood(hazards: HazardFactors, outcome: Outcome) -> Any:
    """P(an outcome's event, the known results of checks | state, route)."""
    total: Any = 0
    for factor, results in hazards.endings(outcome):
        total = total + (results if factor is None else factor * results)
    return total


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


def _at(weights: Array, u: Array) -> NDArray[np.intp]:
    """Choose a column of every row in proportion to its weight."""
    edges = np.cumsum(weights, axis=1)
    place = (edges <= u[:, None] * edges[:, -1:]).sum(axis=1)
    return np.asarray(place.clip(max=weights.shape[1] - 1))


def _choose(states: _States, u: Array) -> tuple[Bools, NDArray[np.intp]]:
    """A state and a route of every draw, in proportion to their weights."""
    every = np.arange(len(u))
    state = _at(states.weights, u[:, 0])
    return states.truth[every, :, state], _at(states.routes[every, :, state], u[:, 1])


# How good the answers are


def _judged(
    simulation: Simulation,
    draws: Draws,
    prior: Quantities,
    averaged: SimulatedQuantities,
    exact: SimulatedQuantities,
) -> Draws:
    logs, weights = averaged.batches, averaged.weights
    single = len(weights) == 1
    shares = np.exp(logs - log_sum_exp(logs, axis=0)) if single else weights
    squares, ones = averaged.squares, averaged.squares[:, 0, 0]
    joint_ess = float(1 / (shares**2 @ ones))
    errors = np.sqrt(shares**2 @ _around(squares, weights @ averaged.events))
    noise = None  # there are no intervals where there is one draw
    if len(exact.weights) > 1:
        noise = np.sqrt(exact.weights @ _around(exact.squares, exact.events))
    complaints = [
        *draws.messages,
        *_complaints(simulation, prior, joint_ess, float(np.mean(logs == -np.inf))),
        *_unmet(simulation, draws, len(logs)),
    ]
    return replace(
        draws,
        method="simulation",
        diagnostics={
            **draws.diagnostics,
            "means": "sampled",
            "states": simulation.n_states * (len(logs) if single else 1),
            "states_simulated": simulation.n_states * len(logs),
            "ess_joint": joint_ess,
            "simulation_error": dict(zip(EVENTS, errors.tolist(), strict=True)),
            "simulation_noise": None
            if noise is None
            else dict(zip(EVENTS, noise.tolist(), strict=True)),
        },
        messages=(*complaints, _note(simulation, len(logs) if single else None, errors, noise)),
        ok=not complaints,
    )


def _unmet(simulation: Simulation, draws: Draws, batches: int) -> list[str]:
    """Complain where states that were never met could carry much of the answer.

    What has not come about in n states has a chance of at most 3 / n, at 95 % confidence (the rule
    of three), and the evidence may favor it by as much as its best-fitting hypotheses allow.
    """
    n = batches * simulation.n_states
    log_share = np.log(3 / n) + draws.log_likelihood_bound - draws.log_evidence
    if log_share <= np.log(_MOST_UNMET):
        return []
    share = "all" if log_share >= 0 else f"up to {np.exp(log_share):.0%}"
    bits = (draws.log_likelihood_bound - draws.log_evidence) / LN2
    return [
        f"states that were never met could carry {share} of the answer: {n:,} were simulated, and "
        f"the evidence may favor one of them by 2**{bits:.0f}"
    ]


def _around(squares: Array, middle: Array) -> Array:
    """Sum of w^2 (f - middle)^2 over the states of every batch, (n_batches, n_headlines)."""
    return np.asarray(
        np.maximum(squares[:, 2] - 2 * middle * squares[:, 1] + middle**2 * squares[:, 0], 0)
    )


def _complaints(
    simulation: Simulation, prior: Quantities, joint_ess: float, empty: float
) -> list[str]:
    graph, complaints = simulation.graph, []
    if joint_ess < MIN_ESS:
        complaints.append(
            f"the simulated states count for {joint_ess:.0f} independent ones; {MIN_ESS} are needed"
        )
    if empty > _MOST_EMPTY:
        complaints.append(
            f"in {empty:.0%} of the draws none of the {simulation.n_states} states can explain the "
            "evidence"
        )
    for i in graph.forecasts:
        odds = forecast_log_odds(graph, i, prior.routes, prior.said)
        unknown = float(np.mean(~np.isfinite(odds)))
        if unknown > _MOST_UNKNOWN:
            complaints.append(
                f"{graph.evidence[i].id}: in {unknown:.0%} of the draws the simulated prior chance "
                "is 0 or 1, which a forecast cannot be compared with"
            )
    return complaints


def _note(simulation: Simulation, batches: int | None, errors: Array, noise: Array | None) -> str:
    """What every reader of a simulated answer is owed; batches are those of a single draw."""
    success, catastrophe = (EVENTS.index(fate) for fate in ("success", "catastrophe"))

    def sizes(x: Array) -> str:
        return f"{x[success]:.1g} for success and {x[catastrophe]:.1g} for catastrophe"

    n_states = simulation.n_states * (batches or 1)
    note = (
        f"simulated, not summed exactly: {n_states:,} states of the assumptions"
        f"{' at every draw' if batches is None else ''}, so that probabilities carry a simulation "
        f"error, with a standard error of {sizes(errors)}"
    )
    if noise is None:
        return note
    each = "" if batches is None else f" of {simulation.n_states:,} states"
    return (
        f"{note}; intervals are wider by the error at a single draw{each}, which is {sizes(noise)}"
    )
