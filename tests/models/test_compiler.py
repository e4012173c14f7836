"""Compiled stories: small where they can be, refused where not, and right at extremes."""

import math
import random
import tracemalloc
from typing import Any

import numpy as np
import pytest
from support.building import OFF, believe, item, tell
from support.oracle import Answer, solve

from storyodds import load_story
from storyodds.models.assessment.assessment import assess
from storyodds.models.engine.compiler import Compiler
from storyodds.models.engine.layout import Competition
from storyodds.models.engine.program import Program, program
from storyodds.models.engine.quantities import evaluate
from storyodds.models.engine.strategy import GIB, choose_compiler
from storyodds.models.story.building import build_graph
from storyodds.models.story.likelihoods import no_evidence
from storyodds.models.story.queries import EVERYTHING, Query
from storyodds.priors.text.errors import UnsupportedStoryError
from storyodds.reports.documents.estimate import summarize
from storyodds.scenarios.grammar.formulas import AnyOf, AtLeast, Formula
from storyodds.scenarios.grammar.outcomes import CLASSES
from storyodds.scenarios.grammar.parts import GivenRow
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Assumption, Constraint, Hazard, Nudge, Route
from storyodds.scenarios.story import Story


def compiled(story: Story, **options: Any) -> Program:
    """What it takes to sum a story exactly."""
    graph = build_graph(resolve(story))
    return program(choose_compiler(graph, **options), [EVERYTHING])


def size(story: Story, **options: Any) -> int:
    return compiled(story, **options).circuit.n_nodes


def route(name: str, requires: Any, **parts: Any) -> Route:
    return Route(id=name, class_="deceptive", requires=requires, bits=0, harm=0.5, **parts)


def private(n_routes: int, each: int) -> Story:
    """Routes whose requirements no other route can see."""
    names = [[f"a{r}-{k}" for k in range(each)] for r in range(n_routes)]
    return tell(
        {name: believe(0.5) for group in names for name in group},
        [*(route(f"r{r}", tuple(group)) for r, group in enumerate(names)), OFF],
    )


def assert_equals(story: Story, answer: Answer | None = None) -> dict[str, Any]:
    """Hold the engine to the oracle, to 1e-9 and in the log of P(E)."""
    expected = answer or solve(story)
    summary = summarize(assess(resolve(story)))
    found = {name: entry["mean"] for name, entry in summary["classes"].items()}
    assert found == pytest.approx(expected.classes, rel=1e-9, abs=1e-12)
    assert summary["evidence"]["log_probability"] == pytest.approx(
        expected.log_evidence, rel=1e-9, abs=1e-9
    )
    for entry in [*summary["fates"].values(), *summary["assumptions"].values()]:
        assert math.isfinite(entry["mean"])
        assert -1e-15 <= entry["mean"] <= 1 + 1e-12
    fates = {name: entry["mean"] for name, entry in summary["fates"].items()}
    assert fates == pytest.approx(expected.fates, rel=1e-9, abs=1e-12)
    return summary


# --- size ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n_routes", "each"), [(1, 10), (4, 3), (6, 8), (20, 20), (1, 100)])
def test_private_assumptions_cost_little(n_routes: int, each: int) -> None:
    """A few nodes for each assumption, however many stand behind a route."""
    n = n_routes * each
    # Two leaves, a product and sums over what is left open; for each route its share and more.
    assert size(private(n_routes, each)) <= 8 * n + 40 * 2 ** min(n_routes, 4) + 20 * n_routes


def test_forty_eight_private_assumptions_are_no_trouble() -> None:
    summary = summarize(assess(resolve(private(6, 8))))
    # The six gates are alike: open with 2**-8, racing the intended route at equal weight.
    p = 2.0**-8
    expected = sum(
        math.comb(6, k) * p**k * (1 - p) ** (6 - k) / (1 + k + 2.0**-60) for k in range(7)
    )
    assert summary["classes"]["intended"]["mean"] == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("n", [10, 400])
def test_a_chain_behind_one_gate_is_summed_link_by_link(n: int) -> None:
    chain = {"a0": believe(0.5)} | {
        f"a{k}": Assumption(
            given=(GivenRow(when=f"a{k - 1}", probability=0.9), GivenRow(otherwise=0.1))
        )
        for k in range(1, n)
    }
    # For each link four leaves, and a product and a sum for either state of the one before.
    assert size(tell(chain, [route("r", f"a{n - 1}"), OFF])) <= 12 * n + 20


def names(n: int) -> tuple[str, ...]:
    return tuple(f"a{k}" for k in range(n))


# Per test of a diagram two products and a sum, where the formula holds and where it does not.
WIDE: dict[str, tuple[int, Formula, int]] = {
    "all of 100": (100, names(100), 6 * 100),
    "any of 100": (100, AnyOf(any=names(100)), 6 * 100),
    "10 of 40": (40, AtLeast(at_least=10, of=names(40)), 6 * 10 * 31),
    "50 of 100": (100, AtLeast(at_least=50, of=names(100)), 6 * 50 * 51),
    "any of 50 pairs": (
        100,
        AnyOf(any=tuple((f"a{2 * k}", f"not a{2 * k + 1}") for k in range(50))),
        9 * 100,  # half of the tests have three ends instead of two
    ),
}


def wide(n: int, formula: Formula) -> Story:
    return tell({name: believe(0.3) for name in names(n)}, [route("r", formula), OFF])


@pytest.mark.parametrize("kind", WIDE)
def test_wide_formulas_are_small(kind: str) -> None:
    n, formula, most = WIDE[kind]
    # An assumption's two leaves, and their sum where it makes no difference.
    assert size(wide(n, formula)) <= most + 5 * n + 40


@pytest.mark.slow
def test_as_wide_a_formula_as_a_story_may_have() -> None:
    n = 400
    assert size(wide(n, AnyOf(any=names(n)))) <= 13 * n + 40


def test_equal_gates_are_one_gate() -> None:
    """Two routes that ask for the same are open together, however that is written."""
    both = [("a", "b"), (("a",), "b"), (("a", "b"),)]
    story = tell(
        {"a": believe(0.5), "b": believe(0.5)},
        [*(route(f"r{k}", wanted) for k, wanted in enumerate(both)), OFF],
    )
    one = tell({"a": believe(0.5), "b": believe(0.5)}, [route("r0", ("a", "b")), OFF])
    found = compiled(story, competition="patterns")
    assert len(found.races) == len(compiled(one, competition="patterns").races) == 2
    # All open together, or none.
    assert sorted((found.races >= 0).sum(axis=1).tolist()) == [2, 5]


def test_only_patterns_that_can_be_are_kept() -> None:
    story = tell(
        {"a": believe(0.5), "b": believe(0.5), "c": believe(0.5)},
        [route("r0", ("a", "b")), route("r1", ("a", "c")), OFF],
    )
    assert len(compiled(story, competition="patterns").races) == 4
    exclusive = tell(
        {"a": believe(0.5), "b": believe(0.5)},
        [route("r0", ("a", "b")), route("r1", ("not a", "b")), OFF],
    )
    assert len(compiled(exclusive, competition="patterns").races) == 3


@pytest.mark.parametrize("competition", ["patterns", "quadrature"])
def test_a_literal_and_its_opposite_never_hold(competition: Competition) -> None:
    graph = build_graph(resolve(tell({"a": believe(0.3)})))
    compiler = choose_compiler(graph, competition=competition)
    never = Query((), frozenset([("a", True), ("a", False)]))
    evaluated = evaluate(compiler, np.array([[0.3] * graph.n_numbers]), no_evidence(graph), [never])
    assert evaluated.queries.tolist() == [[0.0]]


def test_what_cannot_bear_on_the_evidence_is_left_out() -> None:
    hazard = Hazard(id="h", criterion="alignment", requires="b", probability=0.5)
    story = tell(
        {"a": believe(0.5), "b": believe(0.5), "idle": believe(0.5)},
        [route("r0", "a"), OFF],
        hazards=(hazard,),
    )
    index = resolve(story).number_index
    part = compiled(story, evidence_only=True)
    whole = choose_compiler(build_graph(resolve(story)))
    fires = [o for o, outcome in enumerate(whole.graph.outcomes) if outcome.hazard == 0]
    assert index["a.probability"] in part.bearing
    assert index["b.probability"] in program(whole, [Query(tuple(fires))]).bearing
    assert not part.bearing & {index[f"{name}.probability"] for name in ("b", "idle", "h")}


def test_events_of_hazards_share_their_sums() -> None:
    """One more hazard takes as many nodes, however much there is to be summed."""

    def nodes(n_routes: int, n_hazards: int) -> int:
        names = [f"a{k}" for k in range(n_routes + 1)]
        hazards = tuple(
            Hazard(id=f"h{k}", criterion="alignment", requires="a0", probability=0.5)
            for k in range(n_hazards)
        )
        routes = [route(f"r{k}", tuple(names[k : k + 2])) for k in range(n_routes)]
        intended = Route(id="intended", class_="intended", bits=0)
        story = tell({x: believe(0.5) for x in names}, [*routes, intended, OFF], hazards=hazards)
        compiler = choose_compiler(build_graph(resolve(story)), competition="patterns")
        ends = [Query((o,)) for o in range(len(compiler.graph.outcomes))]
        return program(compiler, [EVERYTHING, *ends]).circuit.n_nodes

    assert nodes(3, 4) - nodes(3, 3) == nodes(6, 4) - nodes(6, 3)
    assert nodes(6, 3) > 2 * nodes(3, 3)


@pytest.mark.parametrize(
    "name", ["carlsmith-six-premises", "cat-classifier", "coinrun-agent", "gpt-simulator"]
)
def test_bundled_stories_are_small(name: str) -> None:
    assert size(load_story(name)) <= 4_000


# --- refusal ------------------------------------------------------------------------------------


def entangled(n: int) -> Story:
    """Routes that each need three assumptions picked at random."""
    names, rng = [f"tangle{k}" for k in range(n)], random.Random(1)
    routes = [route(f"r{k}", tuple(rng.sample(names, 3))) for k in range(3 * n)]
    nudges = [
        Nudge(id=f"n{k}", when=AnyOf(any=tuple(rng.sample(names, 2))), bits={f"r{k}": 1})
        for k in range(n)
    ]
    return tell({name: believe(0.5) for name in names}, [*routes, OFF], nudges=nudges)


def everywhere(n: int) -> Story:
    """A route for every pair of assumptions: all of them meet, whatever the order."""
    names = [f"tangle{k}" for k in range(n)]
    routes = [route(f"r{j}-{k}", (names[j], names[k])) for j in range(n) for k in range(j)]
    return tell({name: believe(0.5) for name in names}, [*routes, OFF])


@pytest.mark.parametrize("story", [entangled(60), everywhere(20)], ids=["shared", "every pair"])
def test_too_large_a_story_is_refused_before_much_is_allocated(story: Story) -> None:
    graph = build_graph(resolve(story))
    limit = 16 * 2**20
    tracemalloc.start()
    try:
        with pytest.raises(UnsupportedStoryError) as caught:
            choose_compiler(graph, max_memory=limit)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    sentence = str(caught.value)
    assert "have to be summed over together" in sentence
    assert "found 0" not in sentence
    assert any(name in sentence for name in story.assumptions)
    assert f"{limit / GIB:.3g} GiB" in sentence
    # One way after the other is tried, and given up.
    assert peak < 2 * limit


def test_the_limit_is_the_limit() -> None:
    graph = build_graph(resolve(everywhere(9)))
    assert choose_compiler(graph).competition in ("patterns", "quadrature")
    with pytest.raises(UnsupportedStoryError, match="tangle"):
        choose_compiler(graph, max_memory=800_000)


def test_many_routes_are_not_too_many_patterns() -> None:
    """Where patterns would be 2**n, routes compete by quadrature, and the choice is made alone."""
    story = private(60, 2)
    assert compiled(story).competition == "quadrature"
    assert size(story) < 4_000
    with pytest.raises(UnsupportedStoryError):
        choose_compiler(build_graph(resolve(story)), competition="patterns", max_memory=16 * 2**20)


# --- extremes -----------------------------------------------------------------------------------


def tense(p: float, q: float, bits: float, hits: int, trials: int) -> Story:
    """Nudges and a constraint that meet on one route, evidence about it and about what it needs."""
    rates: dict[str, Any] = {"deceptive": 0.3, "r1": 0.9, "default": 0.01}
    return tell(
        {
            "a": believe(p),
            "b": Assumption(
                given=(GivenRow(when="a", probability=q), GivenRow(otherwise=0.25))
            ),
            "c": Assumption(holds_when=AnyOf(any=("a", "not b"))),
        },
        [
            Route(id="r0", class_="deceptive", requires="a", bits=bits, harm=0.5),
            Route(id="r1", class_="mesa-optimizer", requires="c", bits=-bits, harm=1),
            Route(id="something-else", class_="other", bits=-3, harm=0),
        ],
        nudges=[
            Nudge(id=f"n{k}", when=("a", "b", None)[k % 3], bits={"deceptive": bits, "r1": -bits})
            for k in range(6)
        ],
        constraints=[Constraint(id="k", holds=("a", "not b"), rules_out=("r1",))],
        evidence=[
            item("seen", {"assumption": "a"}, counts={"hits": 2, "trials": 3},
                 rates={"true": 0.5, "false": 0.4}),
            item("counted", {"outcome": True}, counts={"hits": hits, "trials": trials},
                 rates=rates, relevance=0.75),
        ],
    )  # fmt: skip


@pytest.mark.parametrize("p", [0.0, 1.0, 1e-300, 1 - 2**-53, 0.3])
@pytest.mark.parametrize("q", [0.0, 1.0, 1e-300])
@pytest.mark.parametrize("bits", [-60.0, 0.0, 60.0])
def test_extreme_numbers(p: float, q: float, bits: float) -> None:
    """Six nudges of 60 bits on a route of 60 bits: odds of 2**420 either way."""
    assert_equals(tense(p, q, bits, 1, 10))


@pytest.mark.parametrize(("hits", "trials"), [(0, 10**6), (10**6, 10**6), (2_000, 10**6)])
@pytest.mark.parametrize("bits", [-60.0, 0.5, 60.0])
def test_a_million_trials(hits: int, trials: int, bits: float) -> None:
    summary = assert_equals(tense(0.3, 0.4, bits, hits, trials))
    assert math.isfinite(summary["evidence"]["log_probability"])


def test_a_nudge_on_a_route_and_on_its_class_counts_twice() -> None:
    nudge = Nudge(id="n", bits={"r0": 1, "deceptive": 2})
    routes = [route("r0", None), OFF]
    summary = summarize(assess(resolve(tell({}, routes, nudges=[nudge]))))
    assert summary["classes"]["deceptive"]["mean"] == pytest.approx(8 / 9, rel=1e-12)
    # `intended` is a route and a class under one name: it is added once.
    nudge = Nudge(id="n", bits={"intended": 1})
    summary = summarize(assess(resolve(tell({}, routes, nudges=[nudge]))))
    assert summary["classes"]["intended"]["mean"] == pytest.approx(2 / 3, rel=1e-12)


@pytest.mark.parametrize("total", [700.0, -700.0, 1050.0, 1066.0, 1100.0])
def test_odds_beyond_floats(total: float) -> None:
    """Where the favourite is shut, the others still share by their bits: 2**-1050 has few left."""
    nudges = [Nudge(id=f"n{k}", bits={"r0": total / 20}) for k in range(20)]
    story = tell(
        {"a": believe(0.5), "b": believe(0.25)},
        [route("r0", "a"), route("r1", "b"), OFF],
        nudges=[*nudges, Nudge(id="n", bits={"r1": 1.3})],
    )
    summary = assert_equals(story)
    assert sum(summary["classes"][name]["mean"] for name in CLASSES) == pytest.approx(1.0)


def test_a_composite_that_no_route_asks_for() -> None:
    """Written out, it links two assumptions that nothing else links."""
    chain = Assumption(given=(GivenRow(when="x0", probability=0.9), GivenRow(otherwise=0.2)))
    story = tell(
        {
            "x0": believe(0.3),
            "x2": believe(0.6),
            "x3": chain,
            "c": Assumption(holds_when=("x2", "x3")),
        },
        [route("r0", "x0"), route("r1", "x2"), OFF],
    )
    graph = build_graph(resolve(story))
    compiler = Compiler(
        graph, competition="quadrature", expand=True, evidence_only=False, budget=10**5
    )
    values = np.array(
        [[float(n.distribution.quantile(np.array(0.5))) for n in resolve(story).numbers]]
    )
    found = evaluate(compiler, values, no_evidence(graph)).assumptions[0, graph.order["c"]]
    assert found == pytest.approx(0.6 * (0.3 * 0.9 + 0.7 * 0.2), rel=1e-11)


@pytest.mark.parametrize("competition", ["patterns", "quadrature"])
def test_the_hopeless_win_where_all_others_are_closed(competition: Competition) -> None:
    """2**-800 of a chance in the race, 1e-75 to be alone in it, and evidence for it besides."""
    story = tell(
        {"a": believe(1e-75)},
        [
            Route(id="intended", class_="intended", requires="not a"),
            Route(id="something-else", class_="other", bits=-60, harm=0),
        ],
    )
    resolved = resolve(story)
    graph = build_graph(resolved)
    compiler = choose_compiler(graph, competition=competition)
    values = np.array([[float(n.distribution.quantile(np.array(0.5))) for n in resolved.numbers]])
    values[0, resolved.number_index["something-else.bits"]] = -800.0  # as by 14 nudges
    column = [route.id for route in graph.routes].index("something-else")
    likelihoods = no_evidence(graph)
    likelihoods.routes[0, column] = 300.0 * math.log(2.0)  # as by five items
    evaluated = evaluate(compiler, values, likelihoods)
    odds = 1e-75 * 2.0**300
    assert evaluated.log_evidence[0] == pytest.approx(math.log1p(odds), rel=1e-9)
    assert evaluated.routes[0, column] == pytest.approx(odds / (1 + odds), rel=1e-9)
