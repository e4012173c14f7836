"""What part of a story goes which way: endings, apart from a path and along it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.changes.apart import with_parts_apart
from storyodds.models.engine.paths import Path
from storyodds.models.flows.endings import Term, endings_of, stages, terms_along, terms_of
from storyodds.models.logic.cut_sets import CutSet
from storyodds.models.posterior.answers import Exact
from storyodds.models.posterior.prepared import PreparedStory
from storyodds.models.story.graph import StoryGraph
from storyodds.models.story.queries import Query

Array = NDArray[np.float64]

_ROUNDING = 1e-12  # of a whole: what is left of a difference of equal shares
_NO_LITERALS: CutSet = frozenset()


@dataclass
class _Chances:
    """P(outcome and literals | E, θ) at some draws, where only some checks can flag hazards."""

    prepared: PreparedStory
    values: Array
    chances: dict[tuple[int, Query], Array]  # by how many of the live checks can

    def ask(self, terms: Mapping[CutSet, Sequence[Term]]) -> None:
        """Evaluate everything that terms need, each with literals of its own."""
        by_stage: dict[int, dict[Query, None]] = {}
        for literals, own_terms in terms.items():
            for term in own_terms:
                query = Query((term.outcome,), literals)
                if (term.stage, query) not in self.chances:
                    by_stage.setdefault(term.stage, {})[query] = None
        if not by_stage:
            return
        apart, values = self.prepared, self.values
        if isinstance(apart.answers, Exact):
            # A rate that is silenced for one check may be that of another, or stand elsewhere.
            for c in apart.graph.live_checks:
                apart, values = with_parts_apart(apart, values, [apart.graph.checks[c].id])
        at_stage = stages(apart.graph, values)
        for stage, queries in by_stage.items():
            listed = list(queries)
            evaluated = apart.answers.evaluate(at_stage[stage], apart.likelihoods, listed)
            chances = evaluated.queries
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
    return _Chances(assessment.prepared, quantities.values, chances)


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
