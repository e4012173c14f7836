"""Training in stages, held to plain enumeration over all sequences of routes."""

import math

import pytest
from support.staged_oracle import StagedOracle
from support.staged_stories import random_story

from storyodds.models.assessment.assessment import assess
from storyodds.models.engine import quantities
from storyodds.models.story.events import EVENTS
from storyodds.models.story.queries import Query
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.story import Story

_LEAST_EVIDENCE = 1e-12  # below it, what has been seen is refused as impossible or nearly so


@pytest.mark.parametrize("block", range(6))
def test_every_answer_is_what_enumeration_gives(block: int) -> None:
    for seed in range(20 * block, 20 * (block + 1)):
        data = random_story(seed)
        oracle = StagedOracle(data).solve()
        if oracle.evidence < _LEAST_EVIDENCE:
            continue
        assessment = assess(resolve(Story.model_validate(data)), draws=64)
        averaged, prepared = assessment.averaged, assessment.prepared
        log_evidence = float(averaged.log_evidence[0])
        assert math.isclose(log_evidence, math.log(oracle.evidence), abs_tol=1e-10), seed
        for event, chance in zip(EVENTS, averaged.events[0], strict=True):
            table = oracle.classes if event in oracle.classes else oracle.fates
            assert math.isclose(chance, table[event], abs_tol=1e-10), (seed, event)
        left = {
            (ending.stage, route.id): [Query((), way) for way in ways]
            for ending in prepared.graph.stages
            for route, ways in zip(prepared.graph.routes, ending.ways, strict=True)
        }
        queries = [query for ways in left.values() for query in ways]
        arguments = prepared.compiler, averaged.values, prepared.likelihoods, queries
        odds = dict(zip(queries, quantities.outcomes(*arguments)[2][0], strict=True))
        for place, ways in left.items():
            chance = math.fsum(odds[query] for query in ways)
            assert math.isclose(chance, oracle.stages[place], abs_tol=1e-10), (seed, place)
