"""Sums as they follow bits, against the engine asked at every value."""

import numpy as np
import pytest

from storyodds.models import engine
from storyodds.models.assessment import Assessment, assess
from storyodds.models.queries import EVERYTHING, Query
from storyodds.models.race_terms import race_terms, roots_at
from storyodds.models.strategy import choose_compiler, compiled
from storyodds.scenarios.loader import load_story
from storyodds.scenarios.resolve import resolve


@pytest.fixture(scope="module")
def assistant() -> Assessment:
    return assess(resolve(load_story("rlhf-assistant")), draws=64)


def test_the_same_as_the_engine(assistant: Assessment) -> None:
    prepared, values = assistant.prepared, assistant.draws.values
    outcomes = [Query((o,)) for o in range(len(prepared.graph.outcomes))]
    program = compiled(prepared.compiler, [EVERYTHING, *outcomes])
    wanted = [program.column[query] for query in outcomes]
    terms = race_terms(program, values, prepared.likelihoods, wanted)
    assert terms is not None
    bits = [i for i, n in enumerate(prepared.resolved.numbers) if n.kind == "bits"]
    rng = np.random.default_rng(5)
    points = rng.choice(bits, 12)
    at = rng.normal(0, 4, 12)
    found = roots_at(terms, points.tolist(), at[:, None] - values[:, points].T)
    assert found is not None
    for number, value, roots in zip(points, at, found, strict=True):
        changed = values.copy()
        changed[:, number] = value
        exact = engine.evaluate(program, changed, prepared.likelihoods).log_roots[:, wanted]
        np.testing.assert_allclose(np.exp(roots), np.exp(exact), rtol=1e-10, atol=1e-300)


def test_shares_too_small_are_left_to_the_engine(assistant: Assessment) -> None:
    prepared, values = assistant.prepared, assistant.draws.values
    terms = race_terms(prepared.likelihood, values, prepared.likelihoods, [0])
    assert terms is not None
    number = next(i for i, n in enumerate(prepared.resolved.numbers) if n.kind == "bits")
    assert roots_at(terms, [number], np.full((1, len(values)), 5000.0)) is None


def test_quadrature_is_left_to_the_engine(assistant: Assessment) -> None:
    prepared = assistant.prepared
    program = compiled(choose_compiler(prepared.graph, competition="quadrature"), [EVERYTHING])
    assert race_terms(program, assistant.draws.values, prepared.likelihoods, [0]) is None
