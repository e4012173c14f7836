"""What is called linear is linear: no product of a compiled story has a number twice.

Read off the circuit itself, without evaluating anything: for every node, the numbers whose yes or
no leaf may occur in one of its products, and those that may occur in one product twice.
"""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from support.building import believe, item, tell
from support.strategies import small_stories

from storyodds import load_story
from storyodds.models.engine.layout import Competition
from storyodds.models.engine.program import Program, program
from storyodds.models.engine.quantities import evaluate
from storyodds.models.engine.strategy import choose_compiler
from storyodds.models.posterior.prepared import PreparedStory, prepare
from storyodds.models.story.events import CRITERIA, EVENTS, probabilities, shares_of
from storyodds.models.story.outcomes import DEPLOYED
from storyodds.models.story.queries import EVERYTHING, Query
from storyodds.scenarios.grammar.parts import GivenRow
from storyodds.scenarios.loader import bundled_stories
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Assumption, Check, Hazard, Route
from storyodds.scenarios.story import Story

Array = NDArray[np.float64]


def degrees(program: Program) -> list[tuple[int, int]]:
    """By root, the numbers that occur in it and those that may occur twice, one bit each."""
    circuit = program.circuit
    once, twice = [0] * circuit.n_nodes, [0] * circuit.n_nodes
    for places in (program.yes, program.no):
        for leaf, number in zip(places.leaves, places.what, strict=True):
            once[circuit.leaves[leaf]] |= 1 << int(number)
    for node in range(circuit.n_nodes):
        if circuit.is_leaf[node]:
            continue
        a, b = int(circuit.left[node]), int(circuit.right[node])
        once[node] = once[a] | once[b]
        twice[node] = twice[a] | twice[b]
        if circuit.multiplies[node]:
            twice[node] |= once[a] & once[b]
    return [(once[root], twice[root]) for root in circuit.roots]


def asked_of(prepared: PreparedStory) -> list[Query]:
    graph = prepared.graph
    goals = [Query(spared=criterion) for criterion in CRITERIA if graph.hazards]
    literals = [frozenset([(name, True)]) for name in graph.order]
    outcomes = [Query((o,)) for o in range(len(graph.all_outcomes))]
    together = [Query((0, len(graph.routes) - 1), held) for held in literals]
    return [EVERYTHING, *goals, *outcomes, *together]


def named(prepared: PreparedStory, bits: int) -> list[str]:
    return [n.name for i, n in enumerate(prepared.resolved.numbers) if bits >> i & 1]


def assert_linear(prepared: PreparedStory, competition: Competition | None = None) -> None:
    graph = prepared.graph
    linear = sum(1 << i for i in integrable(prepared))
    for evidence_only in (True, False):
        compiler = choose_compiler(graph, competition=competition, evidence_only=evidence_only)
        asked = [EVERYTHING] if evidence_only else asked_of(prepared)
        found = dict(zip(asked, degrees(program(compiler, asked)), strict=True))
        for query, (_, twice) in found.items():
            assert not twice & linear, (query, named(prepared, twice & linear))
        if evidence_only:
            continue
        # What checks and the route's own harm multiply it with is not in it already.
        for name in (*EVENTS, DEPLOYED):
            for share in shares_of(graph)[name]:
                route = graph.routes[graph.outcomes[share.outcome].route]
                flagged = graph.live_checks if share.flagged is not None else ()
                factors = [route.flags[c].number for c in flagged]
                factors += [route.harm.number] if share.harmful is not None else []
                assert len(set(factors)) == len(factors)
                once, _ = found[Query((share.outcome,))]
                assert not once & sum(1 << i for i in factors) & linear, name


def integrable(prepared: PreparedStory) -> list[int]:
    """What would be integrated out if it were uncertain."""
    graph = prepared.graph
    kinds = prepared.resolved.numbers
    nonlinear = {i for i, number in enumerate(kinds) if number.kind == "bits"} | prepared.own
    for evidence in graph.evidence:
        if evidence.form == "forecast":
            nonlinear |= graph.numbers_behind(evidence)
    if graph.hazards_are_evidence:
        nonlinear.update(*(hazard.probability.numbers for hazard in graph.hazards))
    nonlinear |= graph.numbers_of_common_causes | prepared.shared
    return [i for i in range(len(kinds)) if i not in nonlinear]


def test_what_is_integrated_is_among_these() -> None:
    for name in bundled_stories():
        prepared = prepare(resolve(load_story(name)))
        assert set(prepared.integrated) <= set(integrable(prepared))
        assert not set(prepared.sampled) & set(integrable(prepared))


@pytest.mark.parametrize("name", bundled_stories())
def test_bundled_stories(name: str) -> None:
    assert_linear(prepare(resolve(load_story(name))))


@pytest.mark.parametrize("competition", ["patterns", "quadrature"])
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(story=small_stories())
def test_random_stories(competition: Competition, story: Story) -> None:
    assert_linear(prepare(resolve(story)), competition)


def test_a_number_that_is_used_twice_is_seen() -> None:
    """The check itself: a second run, made to end as intended, has its hazards a second time."""
    story = tell(
        {"a": believe(0.4)},
        hazards=(Hazard(id="h", criterion="alignment", probability=0.3, harm=0.2),),
        checks=(Check(id="c", flags={"h": 0.5, "default": 0.1}, result="flagged"),),
    )
    prepared = prepare(resolve(story))
    (found,) = degrees(program(prepared.compiler, [Query(spared="alignment")]))
    assert named(prepared, found[1]) == ["h.probability"]
    assert prepared.resolved.number_index["h.probability"] not in integrable(prepared)


def interpolated(prepared: PreparedStory, values: Array, i: int) -> tuple[Array, Array]:
    """Everything together with the evidence, at a value, and by interpolation of the ends."""
    at_ends = np.repeat(values, 3, axis=0)
    at_ends[1:, i] = 0.0, 1.0
    evaluated = evaluate(prepared.compiler, at_ends, prepared.likelihoods)
    scale = np.max(evaluated.log_evidence)
    events = probabilities(prepared.graph, at_ends, evaluated.outcomes, (*EVENTS, DEPLOYED))
    columns = np.column_stack([np.ones(3), events, evaluated.assumptions, evaluated.goals])
    joint = np.exp(evaluated.log_evidence - scale)[:, None] * np.nan_to_num(columns)
    v = values[0, i]
    return joint[0], (1 - v) * joint[1] + v * joint[2]


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(story=small_stories(), seed=st.integers(0, 2**32 - 1))
def test_values_lie_on_the_line_between_the_ends(story: Story, seed: int) -> None:
    prepared = prepare(resolve(story))
    rng = np.random.default_rng(seed)
    values = prepared.center[None].copy()
    linear = integrable(prepared)
    values[0, linear] = rng.uniform(size=len(linear))
    assume(np.isfinite(prepared.answers.log_evidence(values, prepared.likelihoods)[0]))
    for i in rng.permutation(linear)[:6]:
        told, line = interpolated(prepared, values, int(i))
        np.testing.assert_allclose(told, line, rtol=1e-9, atol=1e-12)


def test_bits_do_not_lie_on_a_line() -> None:
    """The check itself, on a number that is not linear."""
    routes: Sequence[Route] = (
        Route(id="r", class_="deceptive", requires="b", bits=1, harm=0.5),
        Route(id="something-else", class_="other", bits=-1, harm=0),
    )
    table = (GivenRow(when="a", probability=0.8), GivenRow(otherwise=0.1))
    seen = item("e", {"outcome": True}, bayes_factor={"deceptive": 2, "default": 0})
    story = tell({"a": believe(0.3), "b": Assumption(given=table)}, routes, evidence=[seen])
    prepared = prepare(resolve(story))
    values = prepared.center[None].copy()
    index = prepared.resolved.number_index
    values[0, index["r.bits"]] = 0.5
    told, line = interpolated(prepared, values, index["r.bits"])
    assert not np.allclose(told, line, rtol=1e-9, atol=1e-12)
    for name in ("a.probability", "b.given.0", "b.otherwise", "r.harm"):
        told, line = interpolated(prepared, values, index[name])
        np.testing.assert_allclose(told, line, rtol=1e-12)
