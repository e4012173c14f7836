"""Draws of the discrete part against the exact sums that they have to add up to.

P(E | numbers) is linear in every number that is a chance and is used once. So the number's yes and
no leaves are reached as often as its ends say: with a number at m, the mean of
(reached yes) / m - (reached no) / (1 - m) is (P(E | 1) - P(E | 0)) / P(E), and the mean of the
product of two such scores is the mixed difference. Both sides are exact but for the draws.
"""

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from support.building import believe, item, tell
from support.strategies import small_stories

from storyodds.models.engine import evaluation, state_draws
from storyodds.models.engine.compiler import Compiler
from storyodds.models.engine.layout import Competition
from storyodds.models.engine.program import Program, program
from storyodds.models.engine.state_draws import Uses, draw_uses
from storyodds.models.posterior.evidence import assemble, collapsed_tables
from storyodds.models.posterior.prepared import PreparedStory, prepare
from storyodds.models.story.building import build_graph
from storyodds.models.story.graph import StoryGraph
from storyodds.models.story.likelihoods import LogLikelihoods, no_evidence
from storyodds.models.story.queries import EVERYTHING
from storyodds.scenarios.grammar.formulas import AnyOf, AtLeast
from storyodds.scenarios.grammar.parts import GivenRow
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Assumption, Constraint, Nudge, Route
from storyodds.scenarios.story import Story

Array = NDArray[np.float64]


@pytest.fixture(params=[0.0, math.inf], ids=["numba", "numpy"])
def walker(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let either of the two walk the circuit, whatever there is to do."""
    monkeypatch.setattr(state_draws, "_NUMBA_WORK", request.param)


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
CHANCES = [
    *("a.probability", "b.given.0", "b.otherwise", "c.probability"),
    *("e.given.0", "e.otherwise", "idle.probability"),
]
INDEX = resolve(STORY).number_index
PLACES = [INDEX[name] for name in CHANCES]


def posed() -> tuple[StoryGraph, Array, LogLikelihoods]:
    resolved = resolve(STORY)
    graph = build_graph(resolved)
    distributions = [number.distribution for number in resolved.numbers]
    values = np.array([[float(d.quantile(np.array(0.5))) for d in distributions]])
    return graph, values, assemble(graph, collapsed_tables(graph, distributions))


def compiled(graph: StoryGraph, competition: Competition, expand: bool) -> Program:
    compiler = Compiler(
        graph, competition=competition, expand=expand, evidence_only=False, budget=10**6
    )
    return program(compiler, [EVERYTHING])


def log_evidence(compiled: Program, values: Array, likelihoods: LogLikelihoods) -> float:
    return float(evaluation.evaluate(compiled, values, likelihoods).log_roots[0, 0])


def difference(
    compiled: Program, values: Array, likelihoods: LogLikelihoods, numbers: Sequence[int]
) -> float:
    """The mixed difference of P(E) between the ends of some numbers, over P(E)."""
    middle, total = log_evidence(compiled, values, likelihoods), 0.0
    for corner in range(2 ** len(numbers)):
        ends = [corner >> k & 1 for k in range(len(numbers))]
        moved = values.copy()
        moved[0, list(numbers)] = ends
        sign = (-1) ** (len(ends) - sum(ends))
        total += sign * math.exp(log_evidence(compiled, moved, likelihoods) - middle)
    return total


def scores(uses: Uses, values: Array, i: int) -> Array:
    return np.asarray(
        uses.happened[:, i] / values[:, i] - uses.failed[:, i] / (1 - values[:, i]), dtype=float
    )


def assert_draws_add_up(
    compiled: Program, values: Array, likelihoods: LogLikelihoods, uses: Uses, places: Sequence[int]
) -> None:
    n = len(uses.happened)
    assert not (uses.happened & uses.failed).any()
    each = {i: scores(uses, values, i) for i in places}
    for numbers in [*([i] for i in places), *map(list, combinations(places, 2))]:
        x = np.prod([each[i] for i in numbers], axis=0)
        expected = difference(compiled, values, likelihoods, numbers)
        # Bernstein: what is met in few draws adds the largest score there can be, over n.
        largest = math.prod(1 / min(values[0, i], 1 - values[0, i]) for i in numbers)
        slack = SIGMAS**2 / 2 * largest / n
        error = SIGMAS * x.std() / math.sqrt(n) + slack + 1e-9
        assert abs(x.mean() - expected) <= error, (numbers, x.mean(), expected)


@pytest.mark.usefixtures("walker")
@pytest.mark.parametrize("with_evidence", [False, True])
@pytest.mark.parametrize(("competition", "expand"), WAYS)
def test_draws_add_up_to_the_exact_sums(
    competition: Competition, expand: bool, with_evidence: bool
) -> None:
    graph, values, likelihoods = posed()
    if not with_evidence:
        likelihoods = no_evidence(graph)
    whole = compiled(graph, competition, expand)
    uses = draw_uses(whole, values, likelihoods, np.random.default_rng(7), N)
    assert uses.happened.shape == uses.failed.shape == (N, graph.n_numbers)
    assert_draws_add_up(whole, values, likelihoods, uses, PLACES)
    others = [i for i in range(graph.n_numbers) if i not in PLACES]
    assert not (uses.happened | uses.failed)[:, others].any()  # bits, and what comes after
    # Only the row of a table that holds is used.
    a = uses.happened[:, INDEX["a.probability"]]
    used = uses.happened | uses.failed
    assert not used[~a][:, INDEX["b.given.0"]].any()
    assert not used[a][:, INDEX["b.otherwise"]].any()


@pytest.mark.usefixtures("walker")
@pytest.mark.parametrize(("competition", "expand"), WAYS)
def test_every_draw_of_the_numbers_has_its_own_odds(competition: Competition, expand: bool) -> None:
    """Two kinds of draws in turn, each with numbers and evidence of its own."""
    graph, values, likelihoods = posed()
    values = np.repeat(values, 2, axis=0)
    values[1, INDEX["a.probability"]], values[1, INDEX["r1.bits"]] = 0.9, 4.0
    kinds = [likelihoods, LogLikelihoods(likelihoods.assumptions[:, ::-1], -likelihoods.routes)]
    many = LogLikelihoods(
        *(
            np.tile(np.concatenate([getattr(kind, name) for kind in kinds]), (N // 2, 1))
            for name in ("assumptions", "routes")
        )
    )
    whole = compiled(graph, competition, expand)
    every = np.tile(values, (N // 2, 1))
    uses = draw_uses(whole, every, many, np.random.default_rng(8), N)
    for k, kind in enumerate(kinds):
        mine = Uses(uses.happened[k::2], uses.failed[k::2])
        assert_draws_add_up(whole, values[k : k + 1], kind, mine, PLACES)


@pytest.mark.usefixtures("walker")
@pytest.mark.parametrize(("competition", "expand"), WAYS)
def test_what_is_impossible_is_never_drawn(competition: Competition, expand: bool) -> None:
    """Also where all that is possible is far below the range of floats."""
    graph, values, _ = posed()
    names = [route.id for route in graph.routes]
    routes = np.full((1, len(names)), -np.inf)
    routes[0, names.index("r0")] = -2000.0  # it needs a and b
    likelihoods = LogLikelihoods(no_evidence(graph).assumptions - 800.0, routes)
    whole, n = compiled(graph, competition, expand), 4000
    uses = draw_uses(whole, values, likelihoods, np.random.default_rng(9), n)
    for name in ("a.probability", "b.given.0"):
        assert uses.happened[:, INDEX[name]].all()
    assert not uses.happened[:, INDEX["b.otherwise"]].any()
    # It is ruled out where c and e hold; what is left is shared by their other chances.
    both = uses.happened[:, INDEX["c.probability"]] & uses.happened[:, INDEX["e.given.0"]]
    assert not both.any()
    assert_draws_add_up(whole, values, likelihoods, uses, PLACES)


@pytest.mark.usefixtures("walker")
@pytest.mark.parametrize(("competition", "expand"), WAYS)
def test_what_underflows_in_some_draws_is_drawn_in_logs(
    competition: Competition, expand: bool
) -> None:
    """The evidence all but rules out what every other draw is certain of."""
    graph, values, likelihoods = posed()
    c = INDEX["c.probability"]
    values = np.repeat(values, 2, axis=0)
    values[1, c] = 1.0
    about = [item.target for item in graph.evidence if item.subject == "assumption"]
    first = 2 * about.index(graph.order["c"])
    likelihoods.assumptions[:, first : first + 2] = 0.0, -800.0
    whole = compiled(graph, competition, expand)
    low = evaluation.evaluate(whole, values, likelihoods).log_roots[:, 0] < -700
    assert low.tolist() == [False, True]
    every = np.tile(values, (N // 2, 1))
    uses = draw_uses(whole, every, likelihoods, np.random.default_rng(10), N)
    for k in range(2):
        mine = Uses(uses.happened[k::2], uses.failed[k::2])
        rest = [i for i in PLACES if i != c]
        assert_draws_add_up(whole, values[k : k + 1], likelihoods, mine, rest)
    assert not uses.failed[1::2, c].any()
    assert not uses.happened[::2, c].any()  # exp(-800) of a chance


@pytest.mark.usefixtures("walker")
@pytest.mark.parametrize(("competition", "expand"), WAYS)
def test_a_seed_settles_every_draw(competition: Competition, expand: bool) -> None:
    graph, values, likelihoods = posed()
    whole = compiled(graph, competition, expand)
    runs = [
        draw_uses(whole, values, likelihoods, np.random.default_rng(seed), 200)
        for seed in (1, 1, 2)
    ]
    np.testing.assert_array_equal(runs[0].happened, runs[1].happened)
    np.testing.assert_array_equal(runs[0].failed, runs[1].failed)
    assert (runs[0].happened != runs[2].happened).any()


def placed_inside(prepared: PreparedStory, seed: int) -> tuple[Array, list[int]]:
    """Values of a story, chances away from their ends, and which of them are linear."""
    rng = np.random.default_rng(seed)
    sampled = {i for i, n in enumerate(prepared.resolved.numbers) if n.kind == "bits"}
    if prepared.graph.hazards_are_evidence:
        sampled.update(*(hazard.probability.numbers for hazard in prepared.graph.hazards))
    sampled |= prepared.graph.numbers_of_common_causes  # of which the largest counts
    linear = sorted(prepared.likelihood.bearing - sampled)
    values = prepared.center[None].copy()
    values[0, linear] = rng.uniform(0.1, 0.9, len(linear))
    return values, linear


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(story=small_stories(), seed=st.integers(0, 2**32 - 1))
def test_random_stories(story: Story, seed: int) -> None:
    """By the circuit of the evidence alone, known results of checks and hazards included."""
    prepared = prepare(resolve(story))
    values, linear = placed_inside(prepared, seed)
    assume(linear and prepared.has_evidence)
    said = prepared.likelihoods
    assume(np.isfinite(log_evidence(prepared.likelihood, values, said)))
    uses = prepared.answers.uses(values, said, np.random.default_rng(seed), 4000)
    assert_draws_add_up(prepared.likelihood, values, said, uses, linear[:8])
