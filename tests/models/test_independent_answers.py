"""Large stories of independent assumptions: against states enumerated, and against circuits."""

import itertools
import math
import random
from collections.abc import Iterator, Mapping

import numpy as np
import pytest
from support.building import OFF, believe, tell

from storyodds.models.assessment.assessment import assess
from storyodds.models.engine import quantities, strategy
from storyodds.models.engine.compiler import Compiler
from storyodds.models.importance.fussell_vesely import NOT_TOGETHER
from storyodds.models.importance.measures import MEASURES, measure
from storyodds.models.logic.cut_sets import cut_set_family
from storyodds.models.logic.diagrams import TooManyNodesError
from storyodds.models.logic.forest_odds import ForestOdds, part_of
from storyodds.models.logic.gate_sets import forest_family
from storyodds.models.logic.gates import as_written, drawn_together, gate_graph
from storyodds.models.logic.sifted_diagrams import sifted
from storyodds.models.memory import MIB
from storyodds.models.posterior.independent_answers import Independent, is_independent
from storyodds.models.posterior.prepared import prepare
from storyodds.models.story.building import build_graph
from storyodds.models.story.gate_forests import gate_forest
from storyodds.models.story.graph import StoryGraph
from storyodds.models.story.likelihoods import LogLikelihoods, no_evidence
from storyodds.models.story.queries import EVERYTHING, Query
from storyodds.priors.text.errors import UnsupportedStoryError
from storyodds.scenarios.grammar.formulas import AnyOf, AtLeast, Formula
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Assumption, Constraint, Route
from storyodds.scenarios.story import Story

ROUNDING = 1e-12
ENUMERATED = 2**9 * 2.0**-52  # of a sum over the states of at most nine events


def random_gates(n_events: int, n_gates: int, seed: int, negated: float) -> dict[str, Formula]:
    """Gates over events and gates before them, the last on top."""
    rng = random.Random(seed)
    names = [f"e{k}" for k in range(n_events)]
    gates: dict[str, Formula] = {}
    for k in range(n_gates):
        members = tuple(
            ("not " if rng.random() < negated else "") + name for name in rng.sample(names[-9:], 3)
        )
        gates[f"g{k}"] = (members, AnyOf(any=members), AtLeast(at_least=2, of=members))[k % 3]
        names.append(f"g{k}")
    return gates


def states(
    gates: Mapping[str, Formula], chance: Mapping[str, float]
) -> Iterator[tuple[dict[str, bool], float]]:
    """Every state of events and gates, with its probability."""
    for values in itertools.product((False, True), repeat=len(chance)):
        truth = dict(zip(chance, values, strict=True))
        p = math.prod(chance[e] if truth[e] else 1 - chance[e] for e in chance)
        for name, formula in gates.items():
            truth[name] = holds(formula, truth)
        yield truth, p


def holds(formula: Formula, truth: Mapping[str, bool]) -> bool:
    if isinstance(formula, str):
        return truth[formula.removeprefix("not ")] != formula.startswith("not ")
    if isinstance(formula, AnyOf):
        return any(holds(part, truth) for part in formula.any)
    if isinstance(formula, AtLeast):
        return sum(holds(part, truth) for part in formula.of) >= formula.at_least
    assert isinstance(formula, tuple)
    return all(holds(part, truth) for part in formula)


def story_of(gates: dict[str, Formula], chances: Mapping[str, float]) -> Story:
    top = next(reversed(gates))
    events = {name: believe(p) for name, p in chances.items()}
    composed = {name: Assumption(holds_when=formula) for name, formula in gates.items()}
    return tell(
        events | composed,
        [
            Route(id="r0", class_="deceptive", requires=top, bits=2, harm=1),
            Route(id="r1", class_="other", bits=-1, harm=0.5),
            OFF,
        ],
        constraints=[Constraint(id="c", claim="c", holds=top, rules_out=("intended",))],
    )


def answering(graph: StoryGraph) -> Independent:
    forest = gate_forest(graph, 16 * MIB, small=False)
    assert forest is not None
    return Independent(graph, forest, 64 * MIB)


def chances_of(gates: dict[str, Formula]) -> dict[str, float]:
    events = sorted(as_written(gate_graph(tuple(gates), gates)))
    return {name: 0.1 + 0.8 * k / len(events) for k, name in enumerate(events)}


@pytest.mark.parametrize("seed", range(3))
def test_answers_against_all_states(seed: int) -> None:
    gates = random_gates(8, 11, seed, 0.2)
    chances = chances_of(gates)
    resolved = resolve(story_of(gates, chances))
    graph = build_graph(resolved)
    assert is_independent(graph)
    values = prepare(resolved).center[None]
    first, second, *_ = chances
    literals = frozenset([(first, True), (second, False)])
    route = {r.id: k for k, r in enumerate(graph.routes)}
    asked = [Query((), literals), Query((route["r0"],), literals), Query((route["intended"],))]
    evaluated = answering(graph).evaluate(values, no_evidence(graph), asked)
    weight = {name: 2.0 ** float(values[0, graph.routes[k].bits]) for name, k in route.items()}
    expected = np.zeros(len(asked))
    true, ends = dict.fromkeys([*gates, *chances], 0.0), np.zeros(len(route))
    for truth, p in states(gates, chances):
        opened = truth[next(reversed(gates))]
        running = [name for name in route if name != ("intended" if opened else "r0")]
        total = sum(weight[name] for name in running)
        here = truth[first] and not truth[second]
        for name in true:
            true[name] += p * truth[name]
        for name in running:
            ends[route[name]] += p * weight[name] / total
        expected += p * np.array(
            [
                here,
                here * opened * weight["r0"] / total,
                (not opened) * weight["intended"] / total,
            ]
        )
    np.testing.assert_allclose(evaluated.queries[0], expected, rtol=ROUNDING, atol=ENUMERATED)
    np.testing.assert_allclose(evaluated.routes[0], ends, rtol=ROUNDING, atol=ENUMERATED)
    for name, p in true.items():
        assert evaluated.assumptions[0, graph.order[name]] == pytest.approx(
            p, rel=ROUNDING, abs=ENUMERATED
        )
        assert evaluated.assumptions_false[0, graph.order[name]] == pytest.approx(
            1 - p, abs=ENUMERATED
        )


def test_answers_are_those_of_circuits_at_every_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    """Block by block, and what only a circuit can answer by one."""
    monkeypatch.setattr("storyodds.models.logic.forest_odds._BLOCK_CELLS", 200)
    gates = random_gates(9, 14, 7, 0.1)
    graph = build_graph(resolve(story_of(gates, chances_of(gates))))
    values = np.random.default_rng(1).uniform(0, 1, (40, graph.n_numbers))
    answers, silent = answering(graph), no_evidence(graph)
    compiler = strategy.choose_compiler(graph)
    event, gate = next(iter(answers.forest.diagram.names)), next(iter(gates))
    direct = [Query((), frozenset([(event, True)])), Query((1,), frozenset([(event, False)]))]
    compiled = [*direct, Query((1,), frozenset([(gate, True)]))]
    assert answers.reaches(compiled)
    for asked in (direct, compiled):
        mine = answers.evaluate(values, silent, asked)
        other = quantities.evaluate(compiler, values, silent, asked)
        for name in ("queries", "routes", "assumptions", "assumptions_false", "goals", "outcomes"):
            np.testing.assert_allclose(
                getattr(mine, name), getattr(other, name), rtol=1e-10, atol=1e-14, err_msg=name
            )
    assert not answers.log_evidence(values, silent).any()
    said = LogLikelihoods(silent.assumptions, silent.routes + np.log([[0.5] * len(graph.routes)]))
    np.testing.assert_allclose(answers.log_evidence(values, said), np.log(0.5), rtol=ROUNDING)


def test_a_large_story_has_its_diagram(monkeypatch: pytest.MonkeyPatch) -> None:
    """With first attempts that are small enough, nothing is compiled for an ordinary answer."""
    gates = random_gates(9, 14, 3, 0.0)
    resolved = resolve(story_of(gates, chances_of(gates)))
    whole = prepare(resolved)
    assert not isinstance(whole.answers, Independent)
    monkeypatch.setattr(strategy, "_FIRST_NODES", 30)
    prepared = prepare(resolved)
    assert isinstance(prepared.answers, Independent)
    made: list[Compiler] = []
    monkeypatch.setattr(strategy, "Compiler", lambda *a, **k: made.append(Compiler(*a, **k)))
    values, silent = prepared.center[None], no_evidence(prepared.graph)
    mine, other = (x.answers.evaluate(values, silent, [EVERYTHING]) for x in (prepared, whole))
    np.testing.assert_allclose(mine.routes, other.routes, rtol=ROUNDING)
    assert mine.queries[0, 0] == 1
    assert not made
    mine_ways, ways = (x.graph.routes[1].ways for x in (prepared, whole))
    assert mine_ways is not None
    assert ways is not None
    assert set(mine_ways) == set(ways)


@pytest.mark.parametrize(("seed", "negated"), [(0, 0.0), (1, 0.0), (2, 0.3), (3, 0.3), (4, 0.3)])
def test_minimal_sets_of_a_diagram(
    seed: int, negated: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same sets as by the other road, in so little room that it has to be made larger."""
    monkeypatch.setattr("storyodds.models.logic.gate_sets._FIRST_PLACES", 4)
    gates = random_gates(9, 8, seed, negated)
    top = next(reversed(gates))
    graph = gate_graph(top, gates)
    diagram = sifted(graph, drawn_together(graph), [graph.top], MIB, on_the_way=False)
    expected = cut_set_family(top, gates, "route")
    found = forest_family(diagram, diagram.roots[0], graph, "route", 1000)
    if found is None:
        assert negated > 0
        return
    assert found.is_coherent
    assert set(found) == set(expected)
    assert found.counts_by_size == expected.counts_by_size
    assert found.formula is not None
    with pytest.raises(TooManyNodesError):
        forest_family(diagram, diagram.roots[0], graph, "route", found.sets.size - 1)


def test_part_of_a_diagram() -> None:
    gates = random_gates(8, 6, 2, 0.2)
    graph = gate_graph(tuple(gates), gates)
    members = [2 * k for k, part in enumerate(graph.places) if not isinstance(part, str)]
    whole = sifted(graph, as_written(graph), members, MIB)
    p = np.random.default_rng(2).uniform(0, 1, (len(whole.names), 5))
    everything = ForestOdds(whole).chances(p)
    for k, root in enumerate(whole.roots):
        part = ForestOdds(part_of(whole, root))
        np.testing.assert_array_equal(part.chances(p)[0], everything[k])
        np.testing.assert_allclose(part.chances(p, opposite=True)[0], 1 - everything[k], atol=1e-15)


def test_orders_take_turns_until_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    gates = random_gates(12, 30, 1, 0.1)
    graph = build_graph(resolve(story_of(gates, chances_of(gates))))
    monkeypatch.setattr("storyodds.models.logic.sifted_diagrams._FIRST_PLACES", 16)
    monkeypatch.setattr("storyodds.models.story.gate_forests._FIRST_BYTES", 2000)
    small, direct = gate_forest(graph, MIB), gate_forest(graph, MIB, small=False)
    assert small is not None
    assert direct is not None
    p = {name: 0.1 + 0.02 * k for k, name in enumerate(sorted(direct.diagram.names))}
    by_formula = [
        dict(
            zip(
                forest.root,
                ForestOdds(forest.diagram).chances(
                    np.array([[p[name]] for name in forest.diagram.names])
                ),
                strict=True,
            )
        )
        for forest in (small, direct)
    ]
    for formula, chance in by_formula[0].items():
        assert chance[0] == pytest.approx(by_formula[1][formula][0], rel=ROUNDING)
    assert gate_forest(graph, 1500) is None


def test_too_little_memory_for_a_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = gate_graph(("a", "b"), {})
    odds = ForestOdds(sifted(graph, ("a", "b"), [graph.top], MIB))
    monkeypatch.setattr("storyodds.models.logic.forest_odds.memory_left", lambda _: 8)
    with pytest.raises(UnsupportedStoryError, match="--max-memory"):
        odds.chances(np.full((2, 1), 0.5))


@pytest.mark.parametrize("seed", range(3))
def test_events_together_with_every_event_against_a_circuit(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storyodds.models.logic.forest_odds._BLOCK_CELLS", 200)
    gates = random_gates(9, 12, seed, 0.2)
    resolved = resolve(story_of(gates, chances_of(gates)))
    graph, rng = build_graph(resolved), np.random.default_rng(seed)
    values = np.where(
        np.array([n.kind == "probability" for n in resolved.numbers]),
        rng.uniform(size=(7, graph.n_numbers)),
        rng.normal(size=(7, graph.n_numbers)),
    )
    queries = [Query((r,)) for r in range(len(graph.routes))]
    mixtures = rng.uniform(size=(7, 2, len(queries)))
    compiler = Compiler(
        graph, competition="patterns", expand=False, evidence_only=False, budget=10**5
    )
    nothing, answers = no_evidence(graph), answering(graph)
    for mixed in (None, mixtures):
        by_diagram = answers.jointly(values, nothing, queries, mixed)
        by_circuit = quantities.jointly(compiler, values, nothing, queries, mixed)
        np.testing.assert_allclose(by_diagram.events, by_circuit.events, rtol=ROUNDING)
        plain = list(answers.numbers)
        composite = [v for v in range(len(graph.variables)) if v not in answers.numbers]
        for found, expected in (
            (by_diagram.true, by_circuit.true),
            (by_diagram.false, by_circuit.false),
        ):
            np.testing.assert_allclose(
                found[:, :, plain], expected[:, :, plain], rtol=ROUNDING, atol=ENUMERATED
            )
            assert np.isnan(found[:, :, composite]).all()


def test_what_cannot_come_about_with_a_literal_is_exactly_0() -> None:
    gates: dict[str, Formula] = {"either": AnyOf(any=("u", "v", "w")), "top": ("either", "x")}
    chances = {"u": 0.1, "v": 0.2, "w": 0.3, "x": 1e-9}
    graph = build_graph(resolve(story_of(gates, chances)))
    answers = answering(graph)
    values = prepare(resolve(story_of(gates, chances))).center[None]
    route = next(k for k, r in enumerate(graph.routes) if r.id == "r0")
    joint = answers.jointly(values, no_evidence(graph), [Query((route,))])
    assert joint.false[0, 0, graph.order["x"]] == 0
    assert joint.true[0, 0, graph.order["x"]] == joint.events[0, 0] > 0


def test_what_needs_a_large_circuit_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = build_graph(resolve(story_of(*sized())))
    monkeypatch.setattr("storyodds.models.posterior.independent_answers._MOST_NODES", 0)
    monkeypatch.delattr("storyodds.models.posterior.independent_answers.choose_compiler")
    with pytest.raises(UnsupportedStoryError, match="needs a circuit of the whole story"):
        _ = answering(graph).compiler


def sized() -> tuple[dict[str, Formula], dict[str, float]]:
    gates = random_gates(8, 11, 1, 0.2)
    return gates, chances_of(gates)


def test_importance_of_a_large_story(monkeypatch: pytest.MonkeyPatch) -> None:
    resolved = resolve(story_of(*sized()))
    small = measure(assess(resolved), ["catastrophe", "deceptive"])
    monkeypatch.setattr("storyodds.models.engine.strategy._FIRST_NODES", 1)
    monkeypatch.setattr("storyodds.models.posterior.independent_answers._MOST_NODES", 0)
    assessment = assess(resolved)
    assert isinstance(assessment.prepared.answers, Independent)
    large = measure(assessment, ["catastrophe", "deceptive"])
    assert large.literals == small.literals
    composite = np.array([name.startswith("g") for name, _ in large.literals])
    for name in MEASURES:
        found, expected = large.measures[name], small.measures[name]
        assert np.isnan(found[:, composite]).all()
        if name == "fussell_vesely":
            assert np.isnan(found).all()
        else:
            np.testing.assert_allclose(
                found[:, ~composite], expected[:, ~composite], rtol=ROUNDING * 10, atol=ENUMERATED
            )
    reasons = large.missing["catastrophe"]
    assert set(reasons) == set(large.literals)
    assert {reasons[x] for x, c in zip(large.literals, composite, strict=True) if c} == {
        NOT_TOGETHER
    }
