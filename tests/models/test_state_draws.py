"""Draws of the discrete part against its exact marginals."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from support.building import believe, item, tell

from storyodds.models import recovery
from storyodds.models.compiler import Competition, Compiler
from storyodds.models.evidence import assemble, collapsed_tables
from storyodds.models.graph import StoryGraph, build_graph
from storyodds.models.likelihoods import LogLikelihoods, no_evidence
from storyodds.models.quantities import Quantities, evaluate
from storyodds.models.queries import Query
from storyodds.models.recovery import sample_discrete
from storyodds.scenarios.formulas import AnyOf, AtLeast
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Assumption, Constraint, GivenRow, Nudge, Route

Array = NDArray[np.float64]


@pytest.fixture(params=[0.0, math.inf], ids=["numba", "numpy"], autouse=True)
def walker(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let either of the two walk the circuit, whatever there is to do."""
    monkeypatch.setattr(recovery, "_NUMBA_WORK", request.param)


WAYS: list[tuple[Competition, bool]] = [
    ("patterns", False),
    ("patterns", True),
    ("quadrature", False),
    ("quadrature", True),
]
N = 40_000
SIGMAS = 5.0  # one false alarm in 1.7 million comparisons; seeds are fixed anyway

STORY = tell(
    {
        "a": believe(0.3),
        "b": Assumption(given=(GivenRow(when="a", probability=0.8), GivenRow(otherwise=0.2))),
        "c": believe(0.6),
        "d": Assumption(holds_when=AnyOf(any=("a", "not c"))),
        "e": Assumption(given=(GivenRow(when="d", probability=0.4), GivenRow(otherwise=0.9))),
        "f": Assumption(holds_when=AtLeast(at_least=2, of=("b", "c", "e"))),
        "idle": believe(0.25),
    },
    (
        Route(id="r0", class_="deceptive", requires=("a", "b"), bits=1, harm=0.5),
        Route(id="r1", class_="mesa-optimizer", requires="d", bits=0, harm=0.5),
        Route(id="r2", class_="deceptive", requires="f", bits=-1, harm=0.5),
        Route(id="something-else", class_="other", bits=-3, harm=0),
    ),
    nudges=(
        Nudge(id="n0", when="c", bits={"r1": 2, "deceptive": -1}),
        Nudge(id="n1", when=("b", "not e"), bits={"intended": 1.5}),
    ),
    constraints=(Constraint(id="k", holds=("c", "e"), rules_out=("r0",)),),
    evidence=(
        item("seen", {"assumption": "d"}, bayes_factor={"true": 1.5}),
        item("heard", {"assumption": "c"}, bayes_factor={"true": -2}),
        item("ran", {"outcome": True}, bayes_factor={"deceptive": 2, "r1": -1, "default": 0}),
    ),
)


def posed() -> tuple[StoryGraph, Array, LogLikelihoods]:
    resolved = resolve(STORY)
    graph = build_graph(resolved)
    distributions = [number.distribution for number in resolved.numbers]
    values = np.array([[float(d.quantile(np.array(0.5))) for d in distributions]])
    return graph, values, assemble(graph, collapsed_tables(graph, distributions))


def compiler_of(graph: StoryGraph, competition: Competition, expand: bool) -> Compiler:
    return Compiler(
        graph, competition=competition, expand=expand, evidence_only=False, budget=10**6
    )


def assert_near(found: Array, expected: Array, n: int) -> None:
    """Frequencies of independent draws."""
    error = np.sqrt(np.maximum(expected * (1 - expected), 0) / n)
    assert (np.abs(found - expected) <= SIGMAS * error + 1e-12).all(), (found, expected)


@pytest.mark.parametrize("with_evidence", [False, True])
@pytest.mark.parametrize(("competition", "expand"), WAYS)
def test_frequencies_are_the_exact_marginals(
    competition: Competition, expand: bool, with_evidence: bool
) -> None:
    graph, values, likelihoods = posed()
    if not with_evidence:
        likelihoods = no_evidence(graph)
    compiler = compiler_of(graph, competition, expand)
    order = graph.order
    literals = [(name, truth) for name in order for truth in (False, True)]
    pairs = [
        Query((r,), frozenset([literal])) for r in range(len(graph.routes)) for literal in literals
    ]
    pairs += [
        Query((), frozenset([first, second]))
        for i, first in enumerate(literals)
        for second in literals[:i]
        if first[0] != second[0]
    ]
    exact: Quantities = evaluate(compiler, values, likelihoods, pairs)
    rng = np.random.default_rng(7)
    truth, route = sample_discrete(compiler, np.repeat(values, N, axis=0), likelihoods, rng)
    assert truth.shape == (N, len(order)) and truth.dtype == bool and route.shape == (N,)
    assert_near(truth.mean(axis=0), exact.assumptions[0], N)
    ended = np.bincount(route, minlength=len(graph.routes)) / N
    assert_near(ended, exact.routes[0], N)
    frequencies = []
    for query in pairs:
        here = np.isin(route, query.outcomes) if query.outcomes else np.ones(N, bool)
        for name, wanted in query.literals:
            here &= truth[:, order[name]] == wanted
        frequencies.append(here.mean())
    assert_near(np.array(frequencies), exact.queries[0], N)
    # What is defined follows from the rest in every single draw.
    a, c, d = (truth[:, order[name]] for name in "acd")
    np.testing.assert_array_equal(d, a | ~c)


@pytest.mark.parametrize(("competition", "expand"), WAYS)
def test_every_draw_of_the_numbers_has_its_own_odds(competition: Competition, expand: bool) -> None:
    """Two kinds of draws in turn, each with numbers and evidence of its own."""
    graph, values, likelihoods = posed()
    index = resolve(STORY).number_index
    values = np.repeat(values, 2, axis=0)
    values[1, index["a.probability"]], values[1, index["r1.bits"]] = 0.9, 4.0
    both = LogLikelihoods(
        np.concatenate([likelihoods.assumptions, likelihoods.assumptions[:, ::-1]]),
        np.concatenate([likelihoods.routes, -likelihoods.routes]),
    )
    compiler = compiler_of(graph, competition, expand)
    exact = evaluate(compiler, values, both)
    many = LogLikelihoods(np.tile(both.assumptions, (N // 2, 1)), np.tile(both.routes, (N // 2, 1)))
    rng = np.random.default_rng(8)
    truth, route = sample_discrete(compiler, np.tile(values, (N // 2, 1)), many, rng)
    for kind in range(2):
        assert_near(truth[kind::2].mean(axis=0), exact.assumptions[kind], N // 2)
        ended = np.bincount(route[kind::2], minlength=len(graph.routes)) / (N // 2)
        assert_near(ended, exact.routes[kind], N // 2)


@pytest.mark.parametrize(("competition", "expand"), WAYS)
def test_what_is_impossible_is_never_drawn(competition: Competition, expand: bool) -> None:
    """Also where all that is possible is far below the range of floats."""
    graph, values, _ = posed()
    names = [route.id for route in graph.routes]
    routes = np.full((1, len(names)), -np.inf)
    routes[0, [names.index("r0"), names.index("r2")]] = -2000.0, -2001.0
    likelihoods = LogLikelihoods(no_evidence(graph).assumptions - 800.0, routes)
    compiler = compiler_of(graph, competition, expand)
    exact = evaluate(compiler, values, likelihoods)
    rng = np.random.default_rng(9)
    n = 4000
    truth, route = sample_discrete(compiler, np.repeat(values, n, axis=0), likelihoods, rng)
    assert set(route.tolist()) == {names.index("r0"), names.index("r2")}
    assert_near(np.bincount(route, minlength=len(names)) / n, exact.routes[0], n)
    assert_near(truth.mean(axis=0), exact.assumptions[0], n)


@pytest.mark.parametrize(("competition", "expand"), WAYS)
def test_what_underflows_in_some_draws_is_drawn_in_logs(
    competition: Competition, expand: bool
) -> None:
    """The evidence all but rules out what every other draw is certain of."""
    graph, values, likelihoods = posed()
    values = np.repeat(values, 2, axis=0)
    values[1, resolve(STORY).number_index["c.probability"]] = 1.0
    about = [item.target for item in graph.evidence if item.subject == "assumption"]
    first = 2 * about.index(graph.order["c"])
    likelihoods.assumptions[:, first : first + 2] = 0.0, -800.0
    compiler = compiler_of(graph, competition, expand)
    exact = evaluate(compiler, values, likelihoods)
    assert (exact.log_evidence < -700).tolist() == [False, True]
    rng = np.random.default_rng(10)
    many = np.tile(values, (N // 2, 1))
    truth, route = sample_discrete(compiler, many, likelihoods, rng)
    for kind in range(2):
        assert_near(truth[kind::2].mean(axis=0), exact.assumptions[kind], N // 2)
        ended = np.bincount(route[kind::2], minlength=len(graph.routes)) / (N // 2)
        assert_near(ended, exact.routes[kind], N // 2)


@pytest.mark.parametrize(("competition", "expand"), WAYS)
def test_a_seed_settles_every_draw(competition: Competition, expand: bool) -> None:
    graph, values, likelihoods = posed()
    compiler = compiler_of(graph, competition, expand)
    many = np.repeat(values, 200, axis=0)
    runs = [
        sample_discrete(compiler, many, likelihoods, np.random.default_rng(seed))
        for seed in (1, 1, 2)
    ]
    np.testing.assert_array_equal(runs[0][0], runs[1][0])
    np.testing.assert_array_equal(runs[0][1], runs[1][1])
    assert (runs[0][1] != runs[2][1]).any()
