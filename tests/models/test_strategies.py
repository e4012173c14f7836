"""Every way of summing exactly, and every arithmetic, gives the same numbers."""

from dataclasses import dataclass, fields, replace

import numpy as np
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import expit, logit
from support.roads import ROADS, by_road, road
from support.strategies import small_stories, with_results

from storyodds import load_text
from storyodds.models.assessment.assessment import assess
from storyodds.models.engine import evaluation
from storyodds.models.engine.compiler import Compiler
from storyodds.models.engine.layout import Competition
from storyodds.models.engine.paths import failure_paths, link_queries, path_queries
from storyodds.models.engine.program import Program, program, without_results
from storyodds.models.engine.quantities import Quantities, evaluate
from storyodds.models.posterior.evidence import assemble, collapsed_tables
from storyodds.models.story.building import build_graph
from storyodds.models.story.graph import StoryGraph
from storyodds.models.story.likelihoods import LogLikelihoods
from storyodds.models.story.queries import EVERYTHING, Query
from storyodds.scenarios.resolve import ResolvedStory, resolve
from storyodds.scenarios.story import Story

Array = NDArray[np.float64]

WAYS: list[tuple[Competition, bool]] = [
    ("patterns", False),
    ("patterns", True),
    ("quadrature", False),
    ("quadrature", True),
]

relaxed = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
fewer = settings(relaxed, max_examples=40)
seeds = st.integers(0, 2**32 - 1)


@dataclass(frozen=True)
class Posed:
    """A story at a few draws of its numbers, with what its evidence says."""

    resolved: ResolvedStory
    graph: StoryGraph
    values: Array
    likelihoods: LogLikelihoods

    def compiler(self, competition: Competition, expand: bool) -> Compiler:
        return Compiler(
            self.graph, competition=competition, expand=expand, evidence_only=False, budget=10**6
        )

    def queries(self) -> tuple[Query, ...]:
        paths = failure_paths(self.graph, (), lambda: dict.fromkeys(self.graph.order, 0.5))
        return tuple(dict.fromkeys([*path_queries(paths), *link_queries(paths, self.graph.order)]))


def pose(story: Story, seed: int, n_draws: int = 3) -> Posed:
    """Draw numbers from their priors; fixed ones move a little, so that draws differ."""
    resolved = resolve(story)
    graph = build_graph(resolved)
    distributions = [number.distribution for number in resolved.numbers]
    rng = np.random.default_rng(seed)
    u = rng.random((len(distributions), n_draws))
    values = np.stack([d.quantile(x) for d, x in zip(distributions, u, strict=True)], axis=1)
    for i, number in enumerate(resolved.numbers):
        if number.kind == "bits":
            values[:, i] += rng.normal(size=n_draws)
        else:
            with np.errstate(divide="ignore"):
                values[:, i] = expit(logit(values[:, i]) + rng.normal(size=n_draws))
    return Posed(resolved, graph, values, assemble(graph, collapsed_tables(graph, distributions)))


def answers(posed: Posed, competition: Competition, expand: bool) -> Quantities:
    compiler = posed.compiler(competition, expand)
    return evaluate(compiler, posed.values, posed.likelihoods, posed.queries())


def assert_same(found: Quantities, expected: Quantities) -> None:
    """To 1e-10: the quadrature rule's error of 1e-12, and rounding."""
    finite = np.isfinite(expected.log_evidence)
    np.testing.assert_array_equal(np.isfinite(found.log_evidence), finite)
    np.testing.assert_allclose(
        found.log_evidence[finite], expected.log_evidence[finite], rtol=1e-12, atol=1e-10
    )
    for name in (
        "assumptions",
        "assumptions_false",
        "routes",
        "outcomes",
        "queries",
    ):
        np.testing.assert_allclose(
            getattr(found, name)[finite],
            getattr(expected, name)[finite],
            rtol=1e-10,
            atol=1e-12,
            err_msg=name,
        )


@relaxed
@given(story=small_stories(), seed=seeds)
def test_strategies_agree(story: Story, seed: int) -> None:
    posed = pose(story, seed)
    first = answers(posed, *WAYS[0])
    for way in WAYS[1:]:
        assert_same(answers(posed, *way), first)


@fewer
@given(story=small_stories(), seed=seeds)
def test_arithmetics_agree(story: Story, seed: int) -> None:
    """By numpy, by stages and by rows, by numba, and by numpy in logs."""
    posed = pose(story, seed)
    for way in WAYS:
        hold_arithmetics_to_each_other(posed, *way)


def hold_arithmetics_to_each_other(posed: Posed, competition: Competition, expand: bool) -> None:
    found = {}
    for name in ROADS:
        with road(name):
            found[name] = answers(posed, competition, expand)
    for name in ROADS[1:]:
        assert_same(found[name], found["numpy"])
    # By numba, a quadrature's many terms are added up in another order.
    for name in ("numba", "rows") if competition == "patterns" else ("rows",):
        for field in fields(Quantities):
            ours, theirs = (getattr(found[road], field.name) for road in ("numpy", name))
            np.testing.assert_array_equal(ours, theirs, err_msg=field.name)


def slopes(compiled: Program, posed: Posed, name: str) -> tuple[Array, Array]:
    """Log P(evidence), and its derivatives per unit of logit or per bit."""
    found = by_road(name, compiled, posed.values, posed.likelihoods, np.ones((1, 1)))
    return found.log_roots[:, 0], evaluation.gradient(compiled, found)[:, 0]


def numeric_slopes(compiled: Program, posed: Posed) -> Array:
    """By differences of five points, with an error of order h**4."""
    h, out = 1e-3, np.zeros_like(posed.values)
    for i, number in enumerate(posed.resolved.numbers):
        ends = []
        for k in (-2, -1, 1, 2):
            moved = posed.values.copy()
            if number.kind == "bits":
                moved[:, i] += k * h
            else:
                with np.errstate(divide="ignore"):
                    moved[:, i] = expit(logit(moved[:, i]) + k * h)
            ends.append(evaluation.evaluate(compiled, moved, posed.likelihoods).log_roots[:, 0])
        out[:, i] = (ends[0] - 8 * ends[1] + 8 * ends[2] - ends[3]) / (12 * h)
    return out


@fewer
@given(story=small_stories(), seed=seeds)
def test_slopes_agree_and_are_slopes(story: Story, seed: int) -> None:
    posed = pose(story, seed)
    first = program(posed.compiler(*WAYS[0]), [EVERYTHING])
    heights, expected = slopes(first, posed, "numpy")
    for way in WAYS:
        compiled = program(posed.compiler(*way), [EVERYTHING])
        for name in ROADS:
            _, found = slopes(compiled, posed, name)
            # Quadrature: what is taken from a win and given to the others cancels.
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9, err_msg=name)
    assume(np.isfinite(heights).all())
    # Near 0 and 1 the probability itself has lost digits of its logit.
    steady = np.isfinite(logit(posed.values)) & (np.abs(logit(posed.values)) < 8)
    for i, number in enumerate(posed.resolved.numbers):
        steady[:, i] |= number.kind == "bits"
    numeric = numeric_slopes(first, posed)
    error = 1e-9 + 1e-12 * np.abs(heights)[:, None]
    assert (np.abs(numeric - expected) <= 1e-7 * np.abs(expected) + error)[steady].all()


@fewer
@given(story=with_results(small_stories()), seed=seeds)
def test_slopes_without_known_results(story: Story, seed: int) -> None:
    """Those of a story whose checks tell nothing, whatever the numbers say that they flag."""
    posed = pose(story, seed)
    compiled = program(posed.compiler(*WAYS[0]), [EVERYTHING])
    silent = replace(posed.likelihoods, results=False)
    without = replace(posed, values=without_results(posed.values, compiled.result_rates))
    for name in ROADS:
        heights, found = slopes(compiled, replace(posed, likelihoods=silent), name)
        expected_heights, expected = slopes(compiled, without, name)
        np.testing.assert_array_equal(heights, expected_heights)
        np.testing.assert_array_equal(found, expected)
        rates = [*compiled.result_rates.passed, *compiled.result_rates.flagged]
        assert not found[:, rates].any()


@fewer
@given(story=small_stories(), seed=seeds)
def test_slopes_of_several_sums_of_roots(story: Story, seed: int) -> None:
    """The slope of log P(these outcomes | evidence): each seed by itself, in every arithmetic."""
    posed = pose(story, seed)
    queries = [EVERYTHING, *(Query((o,)) for o in range(len(posed.graph.outcomes)))]
    found = []
    for way in WAYS:
        compiled = program(posed.compiler(*way), queries)
        weights = np.random.default_rng(seed).uniform(size=(3, 2, len(compiled.queries)))
        for name in ROADS:
            at = by_road(name, compiled, posed.values, posed.likelihoods, weights)
            found.append(evaluation.gradient(compiled, at))
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], rtol=1e-9, atol=1e-9)


SUBNORMAL = """\
story: subnormal
title: A finding of a thousand trials, whose likelihood nearly underflows along a repeated stage
goal: {specification: x, desirability: y}
stages: [fine-tuning, polish]
routes:
  - {id: proxy, class: mesa-optimizer, bits: {fine-tuning: 0.85}, harm: 0}
  - {id: simulator, class: other, bits: {polish: 0.59}, harm: 0.002}
  - {id: something-else, class: other, bits: 1.08, harm: 0.1}
checks:
  - {id: gate, on_flag: retrain, to: fine-tuning, flags: {default: 0.576}}
evidence:
  - id: seen
    about: {outcome: true}
    counts: {hits: 1, trials: 1000}
    rates: {proxy: 0.27, simulator: 0.64, default: 0.3}
"""


def test_sums_that_lose_their_digits_are_taken_in_logs() -> None:
    """Without a warning, and with every digit: shares of subnormal sums are beyond all numbers."""
    resolved = resolve(load_text(SUBNORMAL))
    with road("numpy"):
        plain = assess(resolved)
    with road("logs"):
        logs = assess(resolved)
    np.testing.assert_allclose(plain.averaged.events, logs.averaged.events, rtol=1e-9)
    np.testing.assert_allclose(plain.link_chances, logs.link_chances, rtol=1e-9)
    assert plain.draws.log_evidence < -300
