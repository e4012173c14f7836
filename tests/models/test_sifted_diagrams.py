"""Sifted diagrams against enumeration, and the memory that a whole process takes."""

import itertools
import math
import random
import resource
import subprocess
import sys
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.building import OFF, believe, tell

from storyodds.models.engine import evaluation, strategy
from storyodds.models.engine.compiler import Compiler
from storyodds.models.engine.quantities import evaluate
from storyodds.models.logic.diagrams import TooManyNodesError, TruthNodes
from storyodds.models.logic.functions import build
from storyodds.models.logic.gates import GateGraph, as_written, gate_graph
from storyodds.models.logic.sifted_diagrams import SharedDiagram, sifted
from storyodds.models.memory import MIB, memory_left, memory_limit, resident
from storyodds.models.story.building import build_graph
from storyodds.models.story.gate_forests import gate_forest
from storyodds.models.story.likelihoods import no_evidence
from storyodds.models.story.queries import Query
from storyodds.priors.text.errors import UnsupportedStoryError
from storyodds.scenarios.grammar.formulas import AnyOf, AtLeast, Formula
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Assumption, Route
from storyodds.scenarios.serialize import to_yaml
from storyodds.scenarios.story import Story


def random_tree(n_events: int, n_gates: int, seed: int) -> dict[str, Formula]:
    """Gates over events and gates before them, the last on top; a few members negated."""
    rng = random.Random(seed)
    names = [f"e{k}" for k in range(n_events)]
    gates: dict[str, Formula] = {}
    for k in range(n_gates):
        members = tuple(
            ("not " if rng.random() < 0.2 else "") + name for name in rng.sample(names[-12:], 3)
        )
        gates[f"g{k}"] = (members, AnyOf(any=members), AtLeast(at_least=2, of=members))[k % 3]
        names.append(f"g{k}")
    return gates


def grid(n: int) -> dict[str, Formula]:
    """Whether the far corner of a grid is reached along working edges, right and down."""
    gates: dict[str, Formula] = {}
    for i, j in itertools.product(range(n), repeat=2):
        before = [(k, m) for k, m in ((i, j - 1), (i - 1, j)) if k >= 0 and m >= 0]
        ways = tuple(
            f"e{k}-{m}-{i}-{j}" if k == m == 0 else (f"c{k}-{m}", f"e{k}-{m}-{i}-{j}")
            for k, m in before
        )
        if ways:
            gates[f"c{i}-{j}"] = AnyOf(any=ways)
    return gates


def story_of(gates: dict[str, Formula], chance: float) -> Story:
    top = next(reversed(gates))
    events = as_written(gate_graph(tuple(gates), gates))
    assumptions = {name: believe(chance) for name in events}
    composed = {name: Assumption(holds_when=formula) for name, formula in gates.items()}
    return tell(
        assumptions | composed,
        [Route(id="r0", class_="deceptive", requires=top, bits=60, harm=1), OFF],
    )


def held(diagram: SharedDiagram, root: int, truth: dict[str, bool]) -> bool:
    while root > 1:
        side = diagram.high if truth[diagram.names[diagram.level[root]]] else diagram.low
        root = int(side[root])
    return bool(root)


def whole(gates: dict[str, Formula]) -> tuple[GateGraph, list[int]]:
    graph = gate_graph(next(reversed(gates)), gates)
    return graph, [graph.top, graph.top ^ 1]


@pytest.mark.parametrize("seed", range(4))
def test_a_sifted_function_is_the_same(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With so few nodes allowed to begin with that they are collected and sifted on the way."""
    monkeypatch.setattr("storyodds.models.logic.sifted_diagrams._FIRST_PLACES", 64)
    monkeypatch.setattr("storyodds.models.logic.sifted_diagrams._FIRST_SIFT", 8)
    graph, wanted = whole(random_tree(12, 14, seed))
    order = as_written(graph)
    diagram = sifted(graph, order, wanted, MIB)
    truth = TruthNodes()
    root = build(graph, order, truth)
    for values in itertools.product((False, True), repeat=len(order)):
        node = root
        while node > 1:
            node = truth.high[node] if values[truth.level[node]] else truth.low[node]
        by_name = dict(zip(order, values, strict=True))
        assert held(diagram, diagram.roots[0], by_name) == bool(node)
        assert held(diagram, diagram.roots[1], by_name) != bool(node)


def test_sifting_finds_the_pairs() -> None:
    """Any of n pairs: 2 n nodes where pairs stand together, 2**(n + 1) with one of each first."""
    n = 12
    graph = gate_graph(AnyOf(any=tuple((f"a{k}", f"b{k}") for k in range(n))), {})
    apart = tuple(f"{letter}{k}" for letter in "ab" for k in range(n))
    diagram = sifted(graph, apart, [graph.top], 16 * MIB)
    assert sorted(diagram.names) == sorted(apart)
    assert diagram.size < 2 * len(apart)  # nearly all of them: it looks at one variable at a time
    with pytest.raises(TooManyNodesError):
        sifted(graph, apart, [graph.top], 1000)


@pytest.mark.parametrize("competition", ["patterns", "quadrature"])
def test_a_story_from_a_forest(competition: Any) -> None:
    """P(gate), P(gate and event) and the route's: against all states of the events."""
    gates = random_tree(9, 12, 5)
    resolved = resolve(story_of(gates, 0.3))
    graph = build_graph(resolved)
    forest = gate_forest(graph, 16 * MIB)
    assert forest is not None
    compiler = Compiler(
        graph,
        competition=competition,
        expand=True,
        evidence_only=False,
        budget=10**6,
        forest=forest,
    )
    values = np.array([[float(n.distribution.quantile(np.array(0.5))) for n in resolved.numbers]])
    top, n_events = next(reversed(gates)), 9
    names = [name for name in graph.order if name not in gates]
    literals = frozenset([(names[0], True), (names[1], False)])
    is_top = Query((), frozenset([(top, True), *literals]))
    opened = Query((1,), literals)
    assert graph.outcomes[1].route == next(r for r, x in enumerate(graph.routes) if x.id == "r0")
    evaluated = evaluate(compiler, values, no_evidence(graph), [is_top, opened])
    chance = dict.fromkeys(gates, 0.0)
    joint = 0.0
    for states in itertools.product((False, True), repeat=len(names)):
        truth = dict(zip(names, states, strict=True))
        p = math.prod(0.3 if state else 0.7 for state in states)
        for gate in gates:
            root = forest.root[gate]
            holds = held(forest.diagram, root, truth)
            chance[gate] += p * holds
            if gate == top:
                joint += p * (holds and truth[names[0]] and not truth[names[1]])
    assert len(names) <= n_events
    for gate, p in chance.items():
        assert evaluated.assumptions[0, graph.order[gate]] == pytest.approx(p, rel=1e-12, abs=1e-15)
    assert evaluated.queries[0, 0] == pytest.approx(joint, rel=1e-12, abs=1e-15)
    # The other two routes have 2**-60 of its weight.
    assert evaluated.queries[0, 1] == pytest.approx(joint, rel=1e-12, abs=1e-15)


def test_a_grid_from_a_forest_by_another_road() -> None:
    n, p = 6, 0.5
    graph = build_graph(resolve(story_of(grid(n), p)))
    compiler = Compiler(
        graph,
        competition="patterns",
        expand=True,
        evidence_only=False,
        budget=10**6,
        forest=gate_forest(graph, 64 * MIB),
    )
    resolved = resolve(story_of(grid(n), p))
    values = np.array([[float(x.distribution.quantile(np.array(0.5))) for x in resolved.numbers]])
    found = evaluate(compiler, values, no_evidence(graph)).assumptions[0]
    # The frontier method: the set of reached nodes of one diagonal after the other.
    reached = {frozenset([(0, 0)]): 1.0}
    for d in range(1, 2 * n - 1):
        after: dict[frozenset[tuple[int, int]], float] = {}
        cells = [(i, d - i) for i in range(n) if 0 <= d - i < n]
        for sets, chance in reached.items():
            options = [(frozenset[tuple[int, int]](), chance)]
            for i, j in cells:
                edges = ((i - 1, j) in sets) + ((i, j - 1) in sets)
                q = 1 - (1 - p) ** edges
                options = [
                    (s | {(i, j)} if there else s, c * (q if there else 1 - q))
                    for s, c in options
                    for there in (False, True)
                    if (q if there else 1 - q) > 0
                ]
            for s, c in options:
                after[s] = after.get(s, 0.0) + c
        reached = after
    expected = sum(c for s, c in reached.items() if s)
    assert found[graph.order[f"c{n - 1}-{n - 1}"]] == pytest.approx(expected, rel=1e-12)


_CHILD = """
import sys
from storyodds import load_story
from storyodds.models.assessment.assessment import assess
from storyodds.models.memory import MIB
from storyodds.priors.text.errors import UnsupportedStoryError
from storyodds.scenarios.resolve import resolve
try:
    assess(resolve(load_story(sys.argv[1])), max_memory=int(sys.argv[2]) * MIB)
except UnsupportedStoryError as error:
    print("refused")
# Of this program alone: what getrusage gives counts the tests' own memory, before the two parted.
with open("/proc/self/status") as status:
    print(next(line.split()[1] for line in status if line.startswith("VmHWM")))
"""


@pytest.mark.slow
@pytest.mark.skipif(resident() == 0, reason="the system does not say what a process holds")
def test_the_limit_is_that_of_the_process(tmp_path: Path) -> None:
    """A grid that cannot be summed in so little: refused, and not after taking more."""
    path = tmp_path / "grid.yaml"
    path.write_text(to_yaml(story_of(grid(11), 0.3)), encoding="utf-8")
    limit = 300
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, str(path), str(limit)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split()[0] == "refused"
    assert int(done.stdout.split()[-1]) * 1024 < 1.2 * limit * MIB


def test_evaluation_is_refused_before_it_takes_what_there_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolved = resolve(story_of(grid(4), 0.3))
    graph = build_graph(resolved)
    compiler = strategy.choose_compiler(graph)
    values = np.full((8, graph.n_numbers), 0.3)
    whole = evaluate(compiler, values, no_evidence(graph))
    sizes: list[int] = []
    one_block = evaluation._block

    place = tuple(signature(one_block).parameters).index("block")

    def noted(*args: Any, **options: Any) -> None:
        sizes.append(args[place].stop - args[place].start)
        one_block(*args, **options)

    monkeypatch.setattr(evaluation, "_block", noted)
    evaluate(compiler, values, no_evidence(graph))
    assert sizes == [8]
    sizes.clear()
    room, blocked = 1000, None
    while blocked is None:  # the first that is enough at all is not enough for two draws
        monkeypatch.setattr(
            "storyodds.models.engine.evaluation.memory_left", lambda _, room=room: room
        )
        try:
            blocked = evaluate(compiler, values, no_evidence(graph))
        except UnsupportedStoryError:
            room = room * 3 // 2
    assert sizes == [1] * 8
    np.testing.assert_allclose(blocked.assumptions, whole.assumptions, rtol=1e-13)
    monkeypatch.setattr("storyodds.models.engine.evaluation.memory_left", lambda _: 1000)
    with pytest.raises(UnsupportedStoryError, match="--max-memory"):
        evaluate(compiler, values, no_evidence(graph))


def test_what_is_left() -> None:
    assert memory_left("all") == "all"
    with memory_limit(2**50):
        assert 2**49 < memory_left(0) <= 2**50
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with memory_limit(MIB):  # the process is larger already
        assert before > 0
        assert memory_left(MIB) <= MIB
