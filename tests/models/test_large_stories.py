"""Stories that no enumeration reaches: one way of summing against another, and against integrals.

The independent road for many routes: given the few assumptions that routes share, routes are open
or closed by themselves, so P(route r wins) = E[w / (w + S)], S a sum of independent weights, is the
integral over t from 0 to infinity of w exp(-w t) times the product over the others of
E[exp(-t weight)]. One dimension, taken by an adaptive rule.
"""

import math
from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import integrate, stats
from support.building import OFF, believe, item, tell
from support.roads import ROADS, road

from storyodds.models.engine.layout import Competition
from storyodds.models.engine.quantities import Quantities, evaluate
from storyodds.models.engine.strategy import choose_compiler
from storyodds.models.posterior.evidence import assemble, collapsed_tables
from storyodds.models.story.building import build_graph
from storyodds.models.story.graph import StoryGraph
from storyodds.models.story.likelihoods import LogLikelihoods
from storyodds.models.story.queries import Query
from storyodds.scenarios.grammar.formulas import AnyOf, AtLeast
from storyodds.scenarios.grammar.parts import GivenRow
from storyodds.scenarios.resolve import ResolvedStory, resolve
from storyodds.scenarios.schema import Assumption, Nudge, Route
from storyodds.scenarios.story import Story

Array = NDArray[np.float64]


def middle(resolved: ResolvedStory) -> Array:
    return np.array([[float(n.distribution.quantile(np.array(0.5))) for n in resolved.numbers]])


def said(resolved: ResolvedStory, graph: StoryGraph) -> LogLikelihoods:
    return assemble(graph, collapsed_tables(graph, [n.distribution for n in resolved.numbers]))


def answer(
    story: Story, competition: Competition | None = None, queries: tuple[Query, ...] = ()
) -> Quantities:
    resolved = resolve(story)
    graph = build_graph(resolved)
    compiler = choose_compiler(graph, competition=competition)
    return evaluate(compiler, middle(resolved), said(resolved, graph), queries)


def fourteen_routes() -> Story:
    """Routes that share every other assumption with a neighbor, and nudges that hold them apart."""
    rng = np.random.default_rng(14)
    n = 14
    names = [f"a{k}" for k in range(n)]
    assumptions: dict[str, Assumption] = {"a0": believe(0.4)}
    for k in range(1, n):
        p, q = (float(x) for x in rng.uniform(0.1, 0.9, 2).round(3))
        assumptions[names[k]] = (
            Assumption(given=(GivenRow(when=names[k - 1], probability=p), GivenRow(otherwise=q)))
            if k % 3 == 0
            else believe(p)
        )
    routes = [
        Route(
            id=f"r{k}",
            class_=("deceptive", "mesa-optimizer")[k % 2],
            requires=(names[k], AnyOf(any=(names[(k + 1) % n], f"not {names[(k + 5) % n]}"))),
            bits=float(rng.normal(0, 3)),
            harm=0.5,
        )
        for k in range(n)
    ]
    nudges = [
        Nudge(id="n0", when="a3", bits={"deceptive": 1.5, "r3": -2.0}),
        Nudge(id="n1", when=("a5", "not a8"), bits={"mesa-optimizer": 2.5}),
        Nudge(id="n2", bits={"intended": 0.5}),
    ]
    evidence = [
        item("seen", {"assumption": "a6"}, bayes_factor={"true": 2.0}),
        item("ran", {"outcome": True}, bayes_factor={"deceptive": 1.0, "r4": -2.0, "default": 0}),
    ]
    return tell(assumptions, [*routes, OFF], nudges=nudges, evidence=evidence)


@pytest.mark.slow
def test_fourteen_routes_by_patterns_and_by_quadrature() -> None:
    story = fourteen_routes()
    queries = tuple(
        Query((r,), frozenset([("a3", truth), ("a8", True)]))
        for r in range(16)
        for truth in (False, True)
    )
    patterns, quadrature = (answer(story, kind, queries) for kind in ("patterns", "quadrature"))
    assert quadrature.log_evidence == pytest.approx(patterns.log_evidence, abs=1e-10)
    for name in (
        "assumptions",
        "assumptions_false",
        "routes",
        "outcomes",
        "queries",
    ):
        np.testing.assert_allclose(
            getattr(quadrature, name), getattr(patterns, name), rtol=1e-10, err_msg=name
        )
    assert patterns.routes.sum() == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize("competition", ["patterns", "quadrature"])
def test_a_chain_of_sixty_given_tables(competition: Competition) -> None:
    """A Markov chain with two routes at its end and evidence along the way: forward sums."""
    n, p, up, down = 60, 0.2, 0.9, 0.15
    names = [f"a{k}" for k in range(n)]
    assumptions = {names[0]: believe(p)} | {
        names[k]: Assumption(
            given=(GivenRow(when=names[k - 1], probability=up), GivenRow(otherwise=down))
        )
        for k in range(1, n)
    }
    seen = [
        item(f"seen{k}", {"assumption": names[k]}, bayes_factor={"true": 3.0 - k / 20})
        for k in range(10, n, 10)
    ]
    story = tell(
        assumptions,
        [
            Route(id="r0", class_="deceptive", requires=names[-1], bits=2, harm=1),
            Route(id="r1", class_="deceptive", requires=(names[30], names[-1]), bits=1, harm=1),
            OFF,
        ],
        evidence=seen,
    )
    found = answer(story, competition)
    likelihood = {k: np.array([1.0, 2.0 ** (3.0 - k / 20)]) for k in range(10, n, 10)}
    step = np.array([[1 - down, down], [1 - up, up]])
    # The state: the link itself, and what link 30 was.
    alpha = np.zeros((2, 2))
    alpha[:, 0] = [1 - p, p]
    for k in range(1, n):
        alpha = step.T @ alpha
        if k == 30:
            alpha = np.diag(alpha[:, 0])
        alpha = alpha * likelihood.get(k, np.ones(2))[:, None]
    total = alpha.sum()
    off = 2.0**-60
    r0 = alpha[1, 0] * 4 / (5 + off) + alpha[1, 1] * 4 / (7 + off)
    r1 = alpha[1, 1] * 2 / (7 + off)
    assert found.log_evidence[0] == pytest.approx(math.log(total), abs=1e-10)
    ids = {route.id: r for r, route in enumerate(build_graph(resolve(story)).routes)}
    assert found.routes[0, ids["r0"]] == pytest.approx(r0 / total, rel=1e-10)
    assert found.routes[0, ids["r1"]] == pytest.approx(r1 / total, rel=1e-10)
    order = build_graph(resolve(story)).order
    assert found.assumptions[0, order[names[-1]]] == pytest.approx(
        alpha[1].sum() / total, rel=1e-10
    )
    assert found.assumptions[0, order[names[30]]] == pytest.approx(
        alpha[:, 1].sum() / total, rel=1e-10
    )


@pytest.mark.parametrize("competition", ["patterns", "quadrature"])
@pytest.mark.parametrize("composite", [False, True])
def test_ten_of_forty(competition: Competition, composite: bool) -> None:
    """A binomial tail, and what a member's truth has to do with it."""
    n, k, p = 40, 10, 0.2
    wanted = AtLeast(at_least=k, of=tuple(f"a{j}" for j in range(n)))
    assumptions: dict[str, Assumption] = {f"a{j}": believe(p) for j in range(n)}
    if composite:
        assumptions["enough"] = Assumption(holds_when=wanted)
    requires: Any = "enough" if composite else wanted
    evidence = [item("ran", {"outcome": True}, bayes_factor={"deceptive": 5.0, "default": 0})]
    story = tell(
        assumptions,
        [Route(id="r", class_="deceptive", requires=requires, bits=0, harm=1), OFF],
        evidence=evidence,
    )
    found = answer(story, competition)
    tail = float(stats.binom.sf(k - 1, n, p))
    share = 1 / (2 + 2.0**-60)
    total = tail * (32 * share + 1 - share) + 1 - tail
    assert found.log_evidence[0] == pytest.approx(math.log(total), abs=1e-11)
    graph = build_graph(resolve(story))
    column = [route.id for route in graph.routes].index("r")
    assert found.routes[0, column] == pytest.approx(32 * share * tail / total, rel=1e-10)
    given = float(stats.binom.sf(k - 2, n - 1, p))  # the others, if one is there
    together = p * (given * (32 * share + 1 - share) + 1 - given) / total
    assert found.assumptions[0, graph.order["a7"]] == pytest.approx(together, rel=1e-10)


def two_hundred_routes() -> Story:
    """Each with an assumption of its own; three that all routes share, and two nudges."""
    rng = np.random.default_rng(200)
    shared = [believe(0.3), believe(0.6), believe(0.45)]
    assumptions = {f"s{k}": assumption for k, assumption in enumerate(shared)}
    routes = []
    for r in range(197):
        assumptions[f"own{r}"] = believe(round(rng.uniform(0.05, 0.95), 3))
        own, common = f"own{r}", f"s{r % 3}"
        requires: Any = [(own, common), AnyOf(any=(own, f"not {common}")), own][r % 4 % 3]
        routes.append(
            Route(
                id=f"r{r}",
                class_=("deceptive", "mesa-optimizer")[r % 2],
                requires=requires,
                bits=round(rng.normal(-4, 3), 2),
                harm=0.5,
            )
        )
    nudges = [
        Nudge(id="n0", when="s0", bits={"deceptive": 1.5}),
        Nudge(id="n1", when=("s1", "not s2"), bits={"intended": 2.0, "r7": 3.0}),
    ]
    residual = Route(id="something-else", class_="other", bits=-3, harm=0)
    return tell(assumptions, [*routes, residual], nudges=nudges)


@pytest.mark.slow
def test_two_hundred_routes_by_quadrature_and_by_integrals() -> None:
    story = two_hundred_routes()
    graph = build_graph(resolve(story))
    found = answer(story)
    p_shared = [0.3, 0.6, 0.45]
    column = {route.id: r for r, route in enumerate(graph.routes)}
    wanted = ("intended", "something-else", "r0", "r1", "r2", "r7", "r100")
    expected = dict.fromkeys(wanted, 0.0)
    listed = [route for route in story.routes if route.id.startswith("r")]
    for s in product((False, True), repeat=3):
        chance = math.prod(p if x else 1 - p for p, x in zip(p_shared, s, strict=True))
        opens, weights = [1.0, 1.0], [4.0 if s[1] and not s[2] else 1.0, 2.0**-3]
        for r, route in enumerate(listed):
            own = story.assumptions[f"own{r}"].probability.fixed  # type: ignore[union-attr]
            common, kind = s[r % 3], r % 4 % 3
            opens.append([own * common, own + (1 - own) * (not common), own][kind])
            bits = route.bits.fixed + 1.5 * (s[0] and r % 2 == 0)  # type: ignore[union-attr]
            bits += 3.0 * (s[1] and not s[2] and r == 7)
            weights.append(2.0**bits)
        p, w = np.array(opens), np.array(weights)

        def integrand(u: float, i: int, p: Array = p, w: Array = w) -> float:
            t = math.exp(u)  # where the integrand is smooth and falls off on both sides
            factors = 1 - p + p * np.exp(-t * w)
            factors[i] = p[i] * w[i] * math.exp(-t * w[i])
            return t * float(np.prod(factors))

        for name in wanted:
            i = {"intended": 0, "something-else": 1}.get(name)
            i = 2 + int(name[1:]) if i is None else i
            value, error = integrate.quad(
                integrand, -40.0, 12.0, args=(i,), epsabs=0, epsrel=1e-12, limit=400
            )
            assert error < 1e-10 * max(value, 1e-300) or value == 0
            expected[name] += chance * value
    for name in wanted:
        assert found.routes[0, column[name]] == pytest.approx(expected[name], rel=1e-9), name
    assert found.routes.sum() == pytest.approx(1.0, rel=1e-12)
    assert found.log_evidence[0] == pytest.approx(0.0, abs=1e-11)


@pytest.mark.slow
def test_two_hundred_routes_in_every_arithmetic() -> None:
    story = two_hundred_routes()
    found = []
    for name in ROADS:
        with road(name):
            found.append(answer(story, "quadrature"))
    for other in found[1:]:
        np.testing.assert_allclose(other.routes, found[0].routes, rtol=1e-10)
        np.testing.assert_allclose(other.assumptions, found[0].assumptions, rtol=1e-10)
