"""What is worth finding out next: the value of information about odds, or for a decision.

Exact pre-posterior sums. A proposed observation says of every draw of the numbers what it says of
any, so P(result and fate | evidence) follows from the posterior's own P(hypothesis and fate) and
the observation's table, without a second round of sampling. All proposals are weighed on the same
draws of the numbers that have to be sampled; Monte Carlo errors are jackknifed over batches of
them, and are 0 where no number has to be.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import batched

import numpy as np
from numpy.typing import NDArray

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.engine.quantities import jointly
from storyodds.models.story.events import FATES, sides_of, weights
from storyodds.models.story.likelihoods import LogLikelihoods
from storyodds.models.story.queries import Query
from storyodds.models.value.decisions import Stakes, bits_gained, choice_gained
from storyodds.models.value.given_data import Gains, batches_of, number_gains
from storyodds.models.value.observations import Observation
from storyodds.models.value.pairs import pairs_of

Array = NDArray[np.float64]
Measure = Callable[[Array], Array]

_CELLS = 2**21  # of float64: what is asked of the engine at once
_LEAST_CHANCE = 1e-300  # a chance that may be divided by; one that is smaller is none
_FATES, _SIDES = slice(0, len(FATES)), slice(len(FATES), len(FATES) + 2)  # columns of moments


@dataclass(frozen=True)
class Worths:
    """What finding out is worth in one unit.

    Attributes
    ----------
    proposals : Gains
        By proposed observation, on average over its results (EVSI).
    ceilings : Gains
        By proposed observation, of learning for sure what it is about; where its rates depend on
        assumptions, of learning which rate applies.
    perfect : Gains
        Of learning what comes about itself: for a decision the fate (EVPI).
    outcome : Gains
        Of learning where training ended.
    assumptions : Gains
        By assumption, of learning whether it is true (EVPPI).
    numbers : Gains
        By uncertain number, of learning its value (EVPPI). An integral where nothing has to be
        sampled of the number; else from curves fitted to the draws.
    """

    proposals: Gains
    ceilings: Gains
    perfect: Gains
    outcome: Gains
    assumptions: Gains
    numbers: Gains


@dataclass(frozen=True)
class Value:
    """What is worth finding out next.

    Attributes
    ----------
    observations : tuple of Observation
    stakes : mapping of str to float, or None
        What each of `WEIGHED` is worth, where a decision was stated.
    of : str
        What bits are about, of `events.ODDS`.
    probability : float
        Of that.
    fates : (n_fates,) array
        P(fate | evidence).
    results : tuple of (n_results, n_fates) array
        By observation, P(result and fate | evidence).
    sides : tuple of (n_results, 2) array
        By observation, P(result and what bits are about | evidence), and that it does not come
        about; of odds given being deployed, both together with that.
    numbers : tuple of int
        The uncertain numbers of the story.
    bits : Worths
        Mutual information with what they are about.
    worth : Worths or None
        Expected gain of choosing between deploying and withholding afterward.
    ranked : tuple of int
        Observations, the best first: by worth less cost where a decision was stated, then by bits.
    behind : Gains
        By observation, how far it is behind the best in what they are ranked by.
    """

    observations: tuple[Observation, ...]
    stakes: Stakes | None
    of: str
    probability: float
    fates: Array
    results: tuple[Array, ...]
    sides: tuple[Array, ...]
    numbers: tuple[int, ...]
    bits: Worths
    worth: Worths | None
    ranked: tuple[int, ...]
    behind: Gains


def value_of_information(
    assessment: Assessment,
    observations: Sequence[Observation],
    stakes: Stakes | None = None,
    draws: int | None = None,
    of: str = "success",
) -> Value:
    """Weigh proposed observations, assumptions and numbers by how much they could change the odds.

    Parameters
    ----------
    assessment : Assessment
        Summed exactly, not simulated.
    observations : sequence of Observation
        From `storyodds.models.value.observations.observations`, of the same story.
    stakes : mapping of str to float, optional
        What each of `WEIGHED` is worth, in any unit; 0 for what is not named. The decision is
        whether to deploy unless a check flags the model, or to withhold it; a model that a check
        halts is withheld as well.
    draws : int, optional
        At most so many, and at least one, where prior draws are weighted, for all but what
        numbers are worth; errors grow with fewer.
    of : str
        What bits are about, of `events.ODDS`. Bits about odds given being deployed are what a
        result tells once the model has been.

    Returns
    -------
    Value

    References
    ----------
    H. Raiffa and R. Schlaifer (1961), Applied Statistical Decision Theory, Harvard.

    M. Strong, J. E. Oakley and A. Brennan (2014), "Estimating multiparameter partial expected
    value of perfect information from a probabilistic sensitivity analysis sample", Medical
    Decision Making 34(3), 311-326.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.models.value.observations import observations
    >>> from storyodds.scenarios.resolve import resolve
    >>> assessed = assess(resolve(load_story("carlsmith-six-premises"), standard=True))
    >>> value = value_of_information(assessed, observations(assessed.prepared))
    >>> value.bits.perfect.amount.round(2), value.bits.proposals.amount
    (array([0.29]), array([0., 0., 0.]))
    """
    moments = _moments(assessment, _first(assessment, draws), of, observations)
    joints = [
        np.einsum("kh,bhf->bkf", observation.chances, moments.about(k, observation))
        if observation.at_draws is None
        else moments.by_draw[k]
        for k, observation in enumerate(observations)
    ]
    numbers = assessment.prepared.core
    learned = number_gains(assessment, numbers, of, stakes)
    bits, rivals = _worths(bits_gained, _SIDES, observations, joints, moments, learned.bits)
    worth, less_cost = None, bits.proposals.amount
    if stakes is not None and learned.worth is not None:
        measure = partial(choice_gained, stakes=stakes)
        worth, rivals = _worths(measure, _FATES, observations, joints, moments, learned.worth)
        cost = np.array([o.proposal.cost or 0.0 for o in observations])
        less_cost = worth.proposals.amount - cost
    ranked = np.lexsort((-bits.proposals.amount, -np.round(less_cost, 12)))
    whole = moments.routes.sum(axis=(0, 1))
    yes, no = whole[_SIDES]
    return Value(
        observations=tuple(observations),
        stakes=stakes,
        of=of,
        probability=float(yes / (yes + no)) if yes + no > 0 else float("nan"),
        fates=whole[_FATES],
        results=tuple(joint[..., _FATES].sum(axis=0) for joint in joints),
        sides=tuple(joint[..., _SIDES].sum(axis=0) for joint in joints),
        numbers=numbers,
        bits=bits,
        worth=worth,
        ranked=tuple(ranked.tolist()),
        behind=_behind(less_cost, rivals, ranked),
    )


def _worths(
    measure: Measure,
    columns: slice,
    observations: Sequence[Observation],
    joints: Sequence[Array],
    moments: "_Moments",
    numbers: Gains,
) -> tuple[Worths, Array]:
    """Everything in one unit, and the proposals' values without each batch of draws in turn."""
    routes = moments.routes[..., columns]
    ends = np.eye(routes.shape[-1]) * routes.sum(axis=1)[:, None, :]
    outcome = _gains(measure, [routes])[0]
    truths = list(np.moveaxis(moments.assumptions[..., columns], 1, 0))
    proposals, rivals = _gains(measure, [joint[..., columns] for joint in joints])
    assumptions = _gains(measure, truths)[0]
    sure = [
        _gains(measure, [moments.about(k, o)[..., columns]])[0]
        if o.states or o.by_row
        else outcome
        if o.target is None
        else _one(assumptions, o.target)
        for k, o in enumerate(observations)
    ]
    worths = Worths(
        proposals=proposals,
        ceilings=Gains(*(np.array([getattr(g, k)[0] for g in sure]) for k in ("amount", "error"))),
        perfect=_gains(measure, [ends])[0],
        outcome=outcome,
        assumptions=assumptions,
        numbers=numbers,
    )
    return worths, rivals


def _one(gains: Gains, k: int) -> Gains:
    return Gains(gains.amount[k : k + 1], gains.error[k : k + 1])


def _gains(measure: Measure, joints: Sequence[Array]) -> tuple[Gains, Array]:
    """Measure P(result and what comes about) by batch, (n_batches, n_results, n_columns) each.

    Also gives the values without each batch in turn, (n_joints, n_batches).
    """
    amounts, without = np.zeros(len(joints)), np.zeros((len(joints), 0))
    if joints and len(joints[0]) > 1:
        without = np.zeros((len(joints), len(joints[0])))
    for k, joint in enumerate(joints):
        total = joint.sum(axis=0)
        amounts[k] = measure(total / max(total.sum(), _LEAST_CHANCE))
        if without.size:
            rest = total - joint
            # Where one batch carries everything, nothing is known without it.
            mass = np.maximum(rest.sum(axis=(1, 2), keepdims=True), _LEAST_CHANCE)
            without[k] = measure(rest / mass)
    return Gains(amounts, _jackknifed(without)), without


def _jackknifed(without: Array) -> Array:
    """Standard errors from the values without each batch in turn; 0 where nothing was sampled."""
    n = without.shape[1]
    return np.zeros(len(without)) if n == 0 else np.asarray(without.std(axis=1) * np.sqrt(n - 1))


def _behind(amounts: Array, without: Array, ranked: NDArray[np.intp]) -> Gains:
    """Differences from the best, on the same draws."""
    if not len(ranked):
        return Gains(amounts, amounts)
    first = ranked[0]
    return Gains(amounts[first] - amounts, _jackknifed(without[first] - without))


# What is true, together with every fate


@dataclass(frozen=True)
class _Moments:
    """P(hypothesis and what comes about | evidence) by batch of draws, all adding up to 1.

    Columns are the fates, then what bits are about and that it does not come about.

    Attributes
    ----------
    routes : (n_batches, n_routes, n_columns) array
    assumptions : (n_batches, n_variables, 2, n_columns) array
        False, then true.
    by_draw : mapping of int to (n_batches, n_results, n_columns) array
        P(result and what comes about | evidence) of the observations whose rates are sampled.
    pairs : mapping of int to (n_batches, n_pairs, n_columns) array
        P(row and alternative, and what comes about | evidence) of those whose rates depend on
        assumptions.
    """

    routes: Array
    assumptions: Array
    by_draw: Mapping[int, Array]
    pairs: Mapping[int, Array]

    def about(self, k: int, observation: Observation) -> Array:
        """What an observation speaks of, (n_batches, n_hypotheses, n_columns)."""
        if k in self.pairs:
            return self.pairs[k]
        if observation.target is None:
            return self.routes
        if observation.states:
            return np.asarray(self.assumptions[:, list(observation.states), 1])
        return np.asarray(self.assumptions[:, observation.target])


def _first(assessment: Assessment, most: int | None) -> int:
    """How many draws to take: the first 2**k of a Sobol sequence spread evenly, others do not."""
    if most is not None and most < 1:
        raise ValueError(f"draws: found {most}, expected at least 1")
    n = len(assessment.averaged.values)
    if most is None or most >= n or assessment.draws.method != "weighting":
        return n
    return int(2 ** np.floor(np.log2(most)))


def _moments(
    assessment: Assessment, first: int, of: str, observations: Sequence[Observation]
) -> _Moments:
    """Compute joint chances at the first draws."""
    prepared, averaged = assessment.prepared, assessment.averaged
    graph = prepared.graph
    all_weights = averaged.weights[:first] / averaged.weights[:first].sum()
    sides = sides_of(of)
    events = tuple(dict.fromkeys((*FATES, *sides.yes, *sides.no)))
    groups = [*((fate,) for fate in FATES), sides.yes, sides.no]
    columns = np.array([[event in group for group in groups] for event in events], float)
    queries = [Query((o,)) for o in range(len(graph.outcomes))]
    ends = np.equal.outer([o.route for o in graph.outcomes], np.arange(len(graph.routes)))
    routes, assumptions = [], []
    by_draw: dict[int, list[Array]] = {
        k: [] for k, one in enumerate(observations) if one.at_draws is not None
    }
    by_row = pairs_of(prepared, observations)
    pairs: dict[int, list[Array]] = {} if by_row is None else {k: [] for k in by_row.first}
    batches = batches_of(first)
    cells = (batches[0].stop + 1) * len(events) * (graph.n_numbers + len(graph.outcomes))
    for together in batched(batches, max(1, _CELLS // cells)):
        rows = slice(together[0].start, together[-1].stop)
        values = averaged.values[rows]
        shares = weights(graph, values, events)
        likelihoods = prepared.likelihoods.take(rows)
        joint = _jointly(assessment, values, likelihoods, queries, shares)
        reached = averaged.outcomes[rows, None] * shares @ ends.astype(float)
        of_pairs = {} if by_row is None else by_row.jointly(values, queries, shares)
        for batch in together:
            counts, here = all_weights[batch], np.arange(batch.start, batch.stop) - rows.start
            routes.append(np.einsum("d,der,ec->rc", counts, reached[here], columns, optimize=True))
            assumptions.append(
                np.einsum("d,detv,ec->vtc", counts, joint[here], columns, optimize=True)
            )
            for k, parts in by_draw.items():
                chances = observations[k].at_draws
                assert chances is not None
                target, states = observations[k].target, list(observations[k].states)
                about = reached[here] if target is None else joint[here][..., target]
                about = joint[here][:, :, 1, states] if states else about
                about = of_pairs[k][here] if k in of_pairs else about
                results = chances(values[here])
                parts.append(
                    np.einsum("d,dkh,deh,ec->kc", counts, results, about, columns, optimize=True)
                )
            for k, parts in pairs.items():
                parts.append(
                    np.einsum("d,dep,ec->pc", counts, of_pairs[k][here], columns, optimize=True)
                )
    stacked = ({k: np.array(parts) for k, parts in of.items()} for of in (by_draw, pairs))
    return _Moments(np.array(routes), np.array(assumptions), *stacked)


def _jointly(
    assessment: Assessment,
    values: Array,
    likelihoods: LogLikelihoods,
    queries: Sequence[Query],
    shares: Array,
) -> Array:
    """P(assumption false or true, and event | evidence), (n_draws, n_events, 2, n_variables)."""
    reached = shares.any(axis=(0, 2))
    n_variables = len(assessment.prepared.graph.variables)
    out = np.zeros((len(values), shares.shape[1], 2, n_variables))
    joint = jointly(assessment.prepared.compiler, values, likelihoods, queries, shares[:, reached])
    out[:, reached, 0], out[:, reached, 1] = joint.false, joint.true
    return out
