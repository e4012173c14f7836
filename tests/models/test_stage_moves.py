"""What moves from stage to stage where numbers are uncertain, held to two literals a query."""

from itertools import pairwise

import numpy as np
import pytest
from support.pipeline import pipeline

from storyodds import load_story
from storyodds.models.assessment.assessment import Assessment, assess
from storyodds.models.engine import quantities
from storyodds.models.flows import stage_moves
from storyodds.models.flows.stage_moves import moves_by_stage
from storyodds.models.story.queries import Query
from storyodds.priors.text.errors import UnsupportedStoryError
from storyodds.scenarios.grammar.outcomes import CLASSES
from storyodds.scenarios.resolve import resolve


def _by_pairs(assessment: Assessment) -> stage_moves.Array:
    """The same, over all draws, each pair of ways for two stages to end compiled by itself."""
    prepared, averaged = assessment.prepared, assessment.averaged
    graph = prepared.graph
    moves = np.zeros((len(graph.stages) - 1, len(CLASSES), len(graph.routes)))
    places, queries = [], []
    for pair, (earlier, later) in enumerate(pairwise(graph.stages)):
        for route, ways in zip(graph.routes, earlier.ways, strict=True):
            for k, ends in enumerate(later.ways):
                for literals in {way | end for way in ways for end in ends}:
                    if any((name, not truth) in literals for name, truth in literals):
                        continue
                    places.append((pair, CLASSES.index(route.outcome_class), k))
                    queries.append(Query((), literals))
    arguments = prepared.compiler, averaged.values, prepared.likelihoods
    chances = quantities.outcomes(*arguments, list(dict.fromkeys(queries)))[2]
    column = {query: k for k, query in enumerate(dict.fromkeys(queries))}
    for place, query in zip(places, queries, strict=True):
        moves[place] += averaged.mean(chances[:, column[query]])
    return moves


def test_moves_are_those_of_all_draws_where_all_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    story = load_story("deliberative-anti-scheming")  # a stage of which is run again
    resolved = resolve(story.model_copy(update={"evidence": []}))
    assessment = assess(resolved, draws=64)
    assert np.ptp(assessment.averaged.weights) == 0 and len(assessment.averaged.values) == 64
    monkeypatch.setattr(stage_moves, "_FEWEST_DRAWS", 64)
    moves = moves_by_stage(assessment)
    assert moves is not None
    assert np.allclose(moves.means, _by_pairs(assessment), rtol=0, atol=1e-12)


def test_moves_add_up_to_the_odds_of_both_stages() -> None:
    assessment = pipeline()
    averaged, graph = assessment.averaged, assessment.prepared.graph
    assert len(averaged.values) > 1
    whole = moves_by_stage(assessment)
    assert whole is not None
    moves = whole.means
    assert (moves >= 0).all() and ((whole.errors > 0) <= (moves > 0)).all()
    means = averaged.mean(averaged.queries)
    column = {query: k for k, query in enumerate(assessment.queries)}
    left = np.array(
        [
            [sum(means[column[Query((), way)]] for way in ways) for ways in ending.ways]
            for ending in graph.stages
        ]
    )
    of_class = [CLASSES.index(route.outcome_class) for route in graph.routes]
    by_class = np.array([np.bincount(of_class, row, len(CLASSES)) for row in left])
    assert np.allclose(moves.sum(axis=2), by_class[:-1], rtol=0, atol=1e-12)
    assert np.allclose(moves.sum(axis=1), left[1:], rtol=0, atol=1e-12)


def test_some_of_the_draws_do_for_what_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    assessment = pipeline()
    monkeypatch.setattr(stage_moves, "_EVALUATIONS", 1)
    monkeypatch.setattr(stage_moves, "_FEWEST_DRAWS", 64)
    few = moves_by_stage(assessment)
    every = _by_pairs(assessment)
    assert few is not None
    # Fitting takes away what the sums show of an error, and draws are spread evenly: both make it
    # less than is stated. Four of them are left out by chance once in ten thousand cells.
    off = abs(few.means - every)
    assert off.max() > 0 and (off <= 4 * few.errors + 1e-12).all()
    assert np.array_equal(few.means == 0, every == 0)


def test_nothing_moves_where_it_cannot_be_worked_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert moves_by_stage(assess(resolve(load_story("cat-classifier")), draws=64)) is None
    staged = pipeline().prepared.resolved
    assert moves_by_stage(assess(staged, draws=8, method="simulation")) is None

    def refused(*_: object) -> None:
        raise UnsupportedStoryError([])

    monkeypatch.setattr(stage_moves, "sequence_compiler", refused)
    assert moves_by_stage(pipeline()) is None
