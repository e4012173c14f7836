"""What part of a story goes which way: endings by stage and fate, and by leading assumptions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.changes.what_if import even_rows
from storyodds.models.engine.paths import Path
from storyodds.models.flows.endings import Term, endings_of, stages, terms_along, terms_of
from storyodds.models.logic.cut_sets import CutSet
from storyodds.models.posterior.answers import Answers
from storyodds.models.story.events import FATES, after_training, shares_of
from storyodds.models.story.graph import StoryGraph
from storyodds.models.story.likelihoods import LogLikelihoods
from storyodds.models.story.queries import Query
from storyodds.scenarios.grammar.outcomes import CLASSES

Array = NDArray[np.float64]

LEADING = 2  # assumptions that come first
_LEAST_BITS = 0.01  # bits about the ending from which an assumption is worth a column
_DRAWS = 512  # draws at which they are evaluated together with the endings,
_CHOICE_DRAWS = 64  # and at which they are chosen; one is enough where no number has to be sampled
_FITTING_ROUNDS = 200  # of fitting; some ten are enough
_ROUNDING = 1e-12  # of a whole: what is left of a difference of equal shares
_NO_LITERALS: CutSet = frozenset()


@dataclass
class _Chances:
    """P(outcome and literals | E, θ) at some draws, where only some checks can flag hazards."""

    answers: Answers
    values: Array
    likelihoods: LogLikelihoods
    chances: dict[tuple[int, Query], Array]  # by how many of the live checks can
    graph: StoryGraph

    def ask(self, terms: Mapping[CutSet, Sequence[Term]]) -> None:
        """Evaluate everything that terms need, each with literals of its own."""
        by_stage: dict[int, dict[Query, None]] = {}
        for literals, own_terms in terms.items():
            for term in own_terms:
                query = Query((term.outcome,), literals)
                if (term.stage, query) not in self.chances:
                    by_stage.setdefault(term.stage, {})[query] = None
        for stage, queries in by_stage.items():
            listed = list(queries)
            values = stages(self.graph, self.values)[stage]
            chances = self.answers.evaluate(values, self.likelihoods, listed).queries
            self.chances |= {(stage, query): chances[:, k] for k, query in enumerate(listed)}

    def total(self, terms: Sequence[Term], literals: CutSet, n_endings: int) -> Array:
        """Sum up terms by ending, (n_draws, n_endings); what is left by rounding is nothing."""
        total, size = np.zeros((2, n_endings, len(self.values)))
        for term in terms:
            part = term.weight * self.chances[term.stage, Query((term.outcome,), literals)]
            total[term.ending] += part
            size[term.ending] += abs(part)
        total[total < _ROUNDING * size] = 0.0
        return np.asarray(total.T)


def ends_by_draw(assessment: Assessment, *, exact: bool = False) -> Array:
    """P(ending) at the draws that means are taken of, or intervals, (n_draws, n_endings)."""
    graph = assessment.prepared.graph
    chances = _at_all(assessment, exact=exact)
    terms = terms_of(graph, chances.values)
    chances.ask({_NO_LITERALS: terms})
    return chances.total(terms, _NO_LITERALS, len(endings_of(graph)))


def along(assessment: Assessment, worst: Path, harms: bool) -> Array:
    """Posterior means of endings, apart from a path and along it, (2, n_endings).

    Parameters
    ----------
    assessment : Assessment
    worst : Path
    harms : bool
        Whether only what ends in catastrophe counts as along it.
    """
    graph = assessment.prepared.graph
    chances = _at_all(assessment, exact=False)
    whole = terms_of(graph, chances.values)
    part = terms_along(graph, chances.values, worst, harms)
    chances.ask({_NO_LITERALS: whole})
    chances.ask({worst.literals: part})
    n = len(endings_of(graph))
    weights = assessment.averaged.weights
    means = [
        weights @ chances.total(terms, literals, n)
        for terms, literals in ((whole, _NO_LITERALS), (part, worst.literals))
    ]
    return _parted(graph, *means)


def _at_all(assessment: Assessment, *, exact: bool) -> _Chances:
    quantities = assessment.exact if exact else assessment.averaged
    graph, last = quantities.graph, len(quantities.graph.live_checks)
    chances = {(last, Query((o,))): quantities.outcomes[:, o] for o in range(len(graph.outcomes))}
    chances |= {
        (last, query): quantities.queries[:, k] for k, query in enumerate(assessment.queries)
    }
    prepared = assessment.prepared
    return _Chances(prepared.answers, quantities.values, prepared.likelihoods, chances, graph)


def _parted(graph: StoryGraph, whole: Array, part: Array) -> Array:
    """What is apart from a path and what is along it, which cannot be more than the whole.

    Of a competitiveness hazard beside hazards of alignment it is not told apart whether one of
    those fired too: what would be too much for the one fate is of the other.
    """
    part = part.copy()
    endings = endings_of(graph)
    for e, ending in enumerate(endings):
        if ending.fired and ending.fate == "uncompetitive":
            for other, rival in enumerate(endings):
                if (rival.route, rival.fired, rival.fate) == (ending.route, True, "benign-failure"):
                    over = np.maximum(part[..., e] - whole[..., e], 0.0)
                    part[..., e] -= over
                    part[..., other] += over
    part = np.minimum(part, whole)
    rest = whole - part
    return np.stack([np.where(rest > _ROUNDING * whole, rest, 0.0), part], axis=-2)


# Which assumptions come first


def leading(assessment: Assessment, worst: Path) -> dict[str, float]:
    """Choose the assumptions that bear most on the ending, by their mutual information in bits.

    The ending is the class of the route together with the fate. The one that bears most on it among
    those on the worst path goes before all others. Composites are left to what they are made of.

    Parameters
    ----------
    assessment : Assessment
    worst : Path

    Returns
    -------
    dict of str to float
        At most `LEADING`, in dependency order.
    """
    prepared = assessment.prepared
    graph = prepared.graph
    plain = [v for v, variable in enumerate(graph.variables) if variable.formula is None]
    if not plain:
        return {}
    rows = even_rows(assessment, _CHOICE_DRAWS)
    values = assessment.averaged.values[rows]
    answers, likelihoods = prepared.answers.take(rows), prepared.likelihoods.take(rows)
    whole = [Query((o,)) for o in range(len(graph.outcomes))]
    joint = answers.jointly(values, likelihoods, whole)
    ending = _by_class_and_fate(graph, values)
    true, false = (
        np.einsum("dov,dok->vk", part[:, :, plain], ending) / len(rows)
        for part in (joint.true, joint.false)
    )
    bits = {
        graph.variables[v].name: mutual_information(np.stack([true[k], false[k]]))
        for k, v in enumerate(plain)
    }
    ranked = sorted((x for x in bits if bits[x] >= _LEAST_BITS), key=lambda name: -bits[name])
    names = {name for name, _ in worst.literals}
    first = [name for name in ranked if name in names][:1]
    chosen = list(dict.fromkeys([*first, *ranked]))[:LEADING]
    return {name: bits[name] for name in sorted(chosen, key=graph.order.__getitem__)}


def _by_class_and_fate(graph: StoryGraph, values: Array) -> Array:
    """P(class and fate | outcome), (n_draws, n_outcomes, n_classes * n_fates)."""
    of_route, after = graph.route_classes(), after_training(graph, values)
    parts = np.zeros((len(values), len(graph.outcomes), len(CLASSES) * len(FATES)))
    for f, fate in enumerate(FATES):
        for share in shares_of(graph)[fate]:
            route = graph.outcomes[share.outcome].route
            parts[:, share.outcome, of_route[route] * len(FATES) + f] += after.factor(share, route)
    return parts


def mutual_information(table: Array) -> float:
    """Mutual information of two things from their joint probabilities, (n, m), in bits.

    Examples
    --------
    >>> mutual_information(np.array([[0.5, 0.0], [0.0, 0.5]]))
    1.0
    >>> mutual_information(np.array([[0.25, 0.25], [0.25, 0.25]]))
    0.0
    """
    # In logs: the product of two tiny chances may be too small for a number.
    cells, shares = np.nonzero(table), table[table > 0]
    apart = np.log2(table.sum(axis=1)[cells[0]]) + np.log2(table.sum(axis=0)[cells[1]])
    bits = np.sum(shares * (np.log2(shares) + np.log2(table.sum()) - apart))
    return float(max(0.0, bits / table.sum()))


# The leading assumptions together with the endings


def states(names: Sequence[str]) -> list[CutSet]:
    """Every way in which some assumptions can be true or false.

    Examples
    --------
    >>> [sorted(state) for state in states(["a"])]
    [[('a', True)], [('a', False)]]
    """
    truths = product((True, False), repeat=len(names))
    return [frozenset(zip(names, truth, strict=True)) for truth in truths]


def by_state(
    assessment: Assessment, worst: Path, harms: bool, names: Sequence[str], endings: Array
) -> Array:
    """Split endings by the truth of some assumptions.

    Parameters
    ----------
    assessment : Assessment
    worst : Path
    harms : bool
        As in `along`.
    names : sequence of str
    endings : (2, n_endings) array
        Posterior means apart from the worst path and along it; the result sums to them exactly.

    Returns
    -------
    (n_states, 2, n_endings) array
        By `states`.
    """
    averaged, order = assessment.averaged, assessment.prepared.graph.order
    chance = averaged.mean(averaged.assumptions)
    chances = {name: float(chance[order[name]]) for name in names}
    return _fitted(_joint_at_draws(assessment, worst, harms, names), endings, chances)


def _joint_at_draws(
    assessment: Assessment, worst: Path, harms: bool, names: Sequence[str]
) -> Array:
    """The same, computed by the engine at some hundred draws that all count the same."""
    prepared, every = assessment.prepared, states(names)
    graph = prepared.graph
    rows = even_rows(assessment, _DRAWS)
    values = assessment.averaged.values[rows]
    answers, likelihoods = prepared.answers.take(rows), prepared.likelihoods.take(rows)
    chances = _Chances(answers, values, likelihoods, {}, graph)
    whole, part = terms_of(graph, values), terms_along(graph, values, worst, harms)
    possible = [s for s in every if not any((x, not value) in worst.literals for x, value in s)]
    chances.ask({**dict.fromkeys(every, whole)})
    chances.ask({worst.literals | state: part for state in possible})
    n = len(endings_of(graph))
    split = []
    for state in every:
        of_state = chances.total(whole, state, n).mean(axis=0)
        marked = np.zeros(n)
        if state in possible:
            marked = chances.total(part, worst.literals | state, n).mean(axis=0)
        split.append(_parted(graph, of_state, marked))
    return np.array(split)


def _fitted(joint: Array, endings: Array, targets: Mapping[str, float]) -> Array:
    """Scale joint probabilities until endings and assumptions have those of the estimate.

    Where the draws in use are all draws, nothing changes. Elsewhere what the estimate
    says of each by itself is kept, and these draws give how they go together.
    """
    every = states(list(targets))
    halves = [
        (np.array([(name, truth) in state for state in every]), p if truth else 1 - p)
        for name, p in targets.items()
        for truth in (True, False)
    ]
    joint = _to_endings(joint, endings)
    for _ in range(_FITTING_ROUNDS):
        off = 0.0
        for half, p in halves:
            now = float(joint[half].sum())
            joint[half] *= p / now if now > 0 else 1.0
            off = max(off, abs(p - now))
        joint = _to_endings(joint, endings)  # last, so that the endings hold to the last digit
        if off < _ROUNDING:
            break
    return joint


def _to_endings(joint: Array, endings: Array) -> Array:
    total = joint.sum(axis=0)
    part = np.full_like(joint, 1 / len(joint))  # where the draws in use never got
    np.divide(joint, total, out=part, where=total > 0)
    shared: Array = endings * part
    return shared
