"""Programs whose routes compete by pattern, laid out flat: the same sums with less to do."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array
from support.roads import ROADS, by_road, road

from storyodds import load_story
from storyodds.models.assessment.assessment import assess
from storyodds.models.engine import evaluation, pattern_layout
from storyodds.models.engine.pattern_layout import sums_over
from storyodds.models.engine.program import program as compile_program
from storyodds.models.story.queries import EVERYTHING, Query
from storyodds.scenarios.resolve import resolve

SETS = st.lists(st.sets(st.integers(0, 6)), min_size=1, max_size=12)


@given(sets=SETS, seed=st.integers(0, 100))
def test_shared_sums_have_the_digits_of_every_set_by_itself(
    sets: Sequence[set[int]], seed: int
) -> None:
    members = [sorted(some) for some in sets]
    starts = np.cumsum([0, *map(len, members)])
    rows = np.array([k for some in members for k in some], dtype=np.int64)
    table = csr_array((np.ones(len(rows)), rows, starts), shape=(len(sets), 7))
    weights = np.random.default_rng(seed).lognormal(sigma=20, size=7)
    laid = sums_over(table)
    sums = [0.0]
    for parent, member in zip(laid.parents[1:], laid.members[1:], strict=True):
        sums.append(sums[parent] + weights[member])
    expected = []
    for some in members:
        total = 0.0
        for k in some:
            total += weights[k]
        expected.append(total)
    assert [sums[end] for end in laid.ends] == expected
    begun = {tuple(some[:k]) for some in members for k in range(len(some) + 1)}
    assert len(laid.parents) == len(begun | {()})


def test_flows_are_laid_out_once_and_only_where_they_differ() -> None:
    prepared = assess(resolve(load_story("rlhf-assistant")), draws=16).prepared
    program = prepared.likelihood
    flat, circuit = pattern_layout.flat(program, (0,)), program.circuit
    assert pattern_layout.flat(program, (0,)) is flat
    factors, summands = circuit.parents
    parents = np.diff(factors.indptr) + np.diff(summands.indptr)
    assert flat.steps.n_parts == np.count_nonzero(circuit.op == 2)
    assert np.count_nonzero(parents > 1) < flat.steps.n_flows < circuit.n_nodes


def test_only_what_is_asked_about_is_walked_back() -> None:
    """And its derivatives have the digits that they have among those of every root."""
    prepared = assess(resolve(load_story("rlhf-assistant")), draws=16).prepared
    queries = [EVERYTHING, *(Query((o,)) for o in range(len(prepared.graph.outcomes)))]
    program = compile_program(prepared.compiler, queries)
    values = np.repeat(prepared.center[None], 3, axis=0)
    every = np.eye(len(program.queries))
    joint = {name: by_road(name, program, values, prepared.likelihoods, every) for name in ROADS}
    for k, seed in enumerate(every):
        part = program.circuit.below((k,))
        assert part.circuit.n_nodes < program.circuit.n_nodes
        for name, among in joint.items():
            alone = by_road(name, program, values, prepared.likelihoods, seed[None])
            for field in ("usage", "won", "pulls"):
                np.testing.assert_array_equal(
                    getattr(alone, field)[:, 0], getattr(among, field)[:, k]
                )


def test_seeds_of_each_draw_and_of_all_draws_are_the_same() -> None:
    """And there may be several, of roots that are one and the same node."""
    assessed = assess(resolve(load_story("rlhf-assistant")), draws=130)
    prepared, values = assessed.prepared, assessed.draws.values
    program = prepared.likelihood
    n_roots = len(program.circuit.roots)
    seeds = np.random.default_rng(1).uniform(size=(3, n_roots))
    each = np.broadcast_to(seeds, (len(values), *seeds.shape)).copy()
    with road("numba"):
        evaluated = evaluation.evaluate(program, values, prepared.likelihoods, seeds)
        spelled = evaluation.evaluate(program, values, prepared.likelihoods, each)
    with road("numpy"):
        plain = evaluation.evaluate(program, values, prepared.likelihoods, seeds)
    for name in ("log_roots", "usage", "won", "pulls"):
        np.testing.assert_array_equal(getattr(evaluated, name), getattr(spelled, name))
        np.testing.assert_array_equal(getattr(evaluated, name), getattr(plain, name))
