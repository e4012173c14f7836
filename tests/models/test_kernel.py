"""The compiled kernel against the numpy engine, and its gradient against finite differences."""

import math
import subprocess
import sys
from dataclasses import replace
from typing import Any
from unittest import mock

import mpmath as mp
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import expit, logit
from support.roads import by_road, goes_through_logs
from support.strategies import small_stories

from storyodds import load_story
from storyodds.models.assessment.assessment import assess
from storyodds.models.engine import evaluation, kernel, pattern_kernel, quantities
from storyodds.models.engine.layout import Competition
from storyodds.models.engine.program import Program, program, without_results
from storyodds.models.engine.strategy import choose_compiler
from storyodds.models.posterior.answers import Exact
from storyodds.models.posterior.densities import density_kernel, prior_kernel
from storyodds.models.posterior.densities.density import (
    _components,
    bounds,
    continuous,
    flatten,
    log_density,
    target_of,
    to_values,
)
from storyodds.models.posterior.densities.evidence_kernel import log_evidence
from storyodds.models.posterior.evidence import assemble, event_likelihoods, forecast_log_density_at
from storyodds.models.posterior.prepared import PreparedStory, from_uniforms, prepare
from storyodds.models.story.likelihoods import LogLikelihoods, no_evidence
from storyodds.models.story.queries import EVERYTHING, Query
from storyodds.priors.distributions.families import LN2, BetaDistribution, has_atoms
from storyodds.priors.distributions.forms import MAX_BETA, MIN_BETA
from storyodds.priors.text.errors import UnsupportedStoryError
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.story import Story

Array = NDArray[np.float64]

BUNDLED = ("rlhf-assistant", "gpt-simulator", "cat-classifier", "coinrun-agent")
COMPETITIONS: tuple[Competition, ...] = ("patterns", "quadrature")
EXTREME_PROBABILITIES = (0.0, 1.0, 1e-300, 1e-17, 1 - 2**-53)
EXTREME_BITS = (-60.0, 60.0, -700.0, 700.0, 2000.0)

relaxed = settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
fewer = settings(relaxed, max_examples=20)  # stories with priors take long to draw
seeds = st.integers(0, 2**32 - 1)


def prepared_as(story: Story, competition: Competition) -> PreparedStory:
    """Prepare a story so that routes compete in one given way."""
    prepared = prepare(resolve(story))
    compiler = choose_compiler(prepared.graph, evidence_only=True, competition=competition)
    exact = Exact(prepared.compiler, program(compiler, [EVERYTHING]))
    return replace(prepared, answers=exact)


def random_values(prepared: PreparedStory, seed: int, extreme: float) -> Array:
    """Draw values of every number; each is extreme with the chance given."""
    rng = np.random.default_rng(seed)
    values = np.empty(len(prepared.resolved.numbers))
    for i, number in enumerate(prepared.resolved.numbers):
        is_probability = number.kind == "probability"
        values[i] = rng.uniform() if is_probability else rng.normal(0, 5)
        if rng.uniform() < extreme:
            values[i] = rng.choice(EXTREME_PROBABILITIES if is_probability else EXTREME_BITS)
    return values


def bodies_of_evidence(prepared: PreparedStory) -> list[LogLikelihoods]:
    """List what the story itself says, every forecast's event and complement, and nothing."""
    graph = prepared.graph
    events = [
        event_likelihoods(graph, i, happens)
        for i, item in enumerate(graph.evidence)
        if item.form == "forecast"
        for happens in (True, False)
    ]
    return [prepared.likelihoods, *events, no_evidence(graph)]


def by_kernel(
    compiled: Program, values: Array, likelihoods: LogLikelihoods
) -> tuple[float, Array, Array, Array]:
    """Log P(evidence), and its derivatives in numbers and in both kinds of likelihoods."""
    assumptions, routes = likelihoods.assumptions[0], likelihoods.routes[0]
    # The kernel reads what follows from the numbers beside them.
    every = np.ascontiguousarray(compiled.beside(values[None]))
    slopes, by_item, ended = (np.full(len(x), np.nan) for x in (every[0], assumptions, routes))
    parts = slopes, by_item, ended
    fit = log_evidence(flatten(compiled), every[0], 1 - every[0], assumptions, routes, *parts)
    own = compiled.fold_slopes(slopes[:, None], every)[: compiled.n_numbers, 0]
    return fit, own, by_item, ended


def by_engine(
    compiled: Program, values: Array, likelihoods: LogLikelihoods
) -> tuple[float, Array, Array, Array]:
    found = evaluation.evaluate(compiled, values[None], likelihoods, np.ones((1, 1)))
    slopes = evaluation.gradient(compiled, found)[0, 0]
    said = np.zeros(likelihoods.assumptions.shape[1])
    ended = np.zeros(likelihoods.routes.shape[1])
    np.add.at(said, compiled.findings.what, found.usage[0, 0, compiled.findings.leaves])
    np.add.at(ended, compiled.config_routes, found.won[0, 0])
    return float(found.log_roots[0, 0]), slopes, said, ended


def log_spread(compiled: Program, values: Array) -> float:
    """Log of how far apart the weights of configs lie."""
    log_weights = LN2 * (compiled.config_bits @ values)
    return float(np.ptp(log_weights))


def assert_equals_engine(prepared: PreparedStory, values: Array) -> None:
    compiled = prepared.likelihood
    too_wide = compiled.competition == "quadrature" and log_spread(compiled, values) > 600
    given = values
    for likelihoods in bodies_of_evidence(prepared):
        values = given
        if not likelihoods.results:  # known results are silent at rates that make them certain
            values = without_results(given[None], compiled.result_rates)[0]
        fit, *slopes = by_kernel(compiled, values, likelihoods)
        if np.isnan(fit):
            assert not any(slope.any() for slope in slopes)
            if not too_wide:
                # It gives up only where numpy would have to go through logs as well.
                assert goes_through_logs(compiled, values[None], likelihoods)
            continue
        expected, *others = by_engine(compiled, values, likelihoods)
        assert fit == pytest.approx(expected, rel=1e-10, abs=1e-11)
        for slope, other in zip(slopes, others, strict=True):
            np.testing.assert_allclose(slope, other, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("competition", COMPETITIONS)
@relaxed
@given(story=small_stories(), seed=seeds)
def test_equals_the_engine(story: Story, seed: int, competition: Competition) -> None:
    prepared = prepared_as(story, competition)
    assert_equals_engine(prepared, random_values(prepared, seed, extreme=0.0))


@pytest.mark.parametrize("competition", COMPETITIONS)
@relaxed
@given(story=small_stories(), seed=seeds)
def test_equals_the_engine_at_extremes(story: Story, seed: int, competition: Competition) -> None:
    prepared = prepared_as(story, competition)
    assert_equals_engine(prepared, random_values(prepared, seed, extreme=0.4))


@pytest.mark.parametrize("name", BUNDLED)
@pytest.mark.parametrize("extreme", [0.0, 0.2])
def test_equals_the_engine_on_bundled_stories(name: str, extreme: float) -> None:
    prepared = prepare(resolve(load_story(name)))
    for seed in range(20):
        assert_equals_engine(prepared, random_values(prepared, seed, extreme))


@pytest.mark.parametrize("name", BUNDLED)
def test_odds_beyond_the_range_of_floats(name: str) -> None:
    """A route 3,000 bits ahead: whoever is left without it still competes, in logs."""
    prepared = prepared_as(load_story(name), "patterns")
    values = random_values(prepared, 1, extreme=0.0)
    for route in prepared.graph.routes:
        if route.requires is not None:
            values[route.bits] = 3000.0
            break
    assert_equals_engine(prepared, values)
    # Without evidence the sum over everything is 1, whatever the odds.
    found = by_engine(prepared.likelihood, values, no_evidence(prepared.graph))
    assert found[0] == pytest.approx(0.0, abs=1e-12)
    assert found[3].sum() == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize("competition", COMPETITIONS)
@relaxed
@given(story=small_stories(), seed=seeds)
def test_impossible_evidence_has_no_slope(
    story: Story, seed: int, competition: Competition
) -> None:
    prepared = prepared_as(story, competition)
    said, compiled = no_evidence(prepared.graph), prepared.likelihood
    never = LogLikelihoods(said.assumptions, np.full_like(said.routes, -np.inf))
    values = random_values(prepared, seed, extreme=0.0)
    fit, *slopes = by_kernel(compiled, values, never)
    assert np.isnan(fit)
    assert not any(slope.any() for slope in slopes)
    fit, *slopes = by_engine(compiled, values, never)
    assert fit == -np.inf
    assert not any(slope.any() for slope in slopes)
    silent = without_results(values[None], compiled.result_rates)[0]
    assert by_kernel(compiled, silent, said)[0] == pytest.approx(0.0, abs=1e-10)


def has_density(prepared: PreparedStory) -> bool:
    active = [prepared.distributions[i] for i in prepared.active]
    return bool(active) and not any(map(has_atoms, active))


def expected_density(prepared: PreparedStory, z: Array, base: Array) -> float:
    """Evaluate the same density piece by piece, through the engine and the distributions."""
    graph = prepared.graph
    values = to_values(prepared, z[None], base)

    def log_evidence(likelihoods: LogLikelihoods) -> Array:
        return evaluation.evaluate(prepared.likelihood, values, likelihoods).log_roots[:, 0]

    total = float(log_evidence(prepared.likelihoods)[0])
    for i, item in enumerate(graph.evidence):
        if item.form == "forecast":
            yes, no = (log_evidence(event_likelihoods(graph, i, x)) for x in (True, False))
            total += float(forecast_log_density_at(item, yes - no)[0])
    for prior, i, zi in zip(continuous(prepared), prepared.active, z, strict=True):
        x = values[0, i]
        if prepared.resolved.numbers[i].kind == "probability":
            low, high = bounds(prior)
            slope = (high - low) * expit(zi) * expit(-zi) / (x * (1 - x))  # of x's own logit
            total += float(prior.log_density_unconstrained(logit(x))) + float(np.log(slope))
        else:
            total += float(prior.log_density_unconstrained(zi))
    return total


@pytest.mark.parametrize("competition", COMPETITIONS)
@fewer
@given(story=small_stories(certain=False), seed=seeds)
def test_density_and_finite_differences(story: Story, seed: int, competition: Competition) -> None:
    prepared = prepared_as(story, competition)
    assume(has_density(prepared))
    base = from_uniforms(prepared, (), np.zeros((1, 0)))
    density = log_density(prepared, base)
    z = np.random.default_rng(seed).normal(0.0, 1.5, len(prepared.active))
    height, slope = density(z)
    assume(np.isfinite(height))
    assert height == pytest.approx(expected_density(prepared, z, base), rel=1e-10, abs=1e-10)
    h = 1e-4
    for i, step in enumerate(h * np.eye(len(z))):
        ends = [density(z + k * step)[0] for k in (-2, -1, 1, 2)]  # error is of order h**4
        numeric = (ends[0] - 8 * ends[1] + 8 * ends[2] - ends[3]) / (12 * h)
        assert slope[i] == pytest.approx(numeric, rel=1e-6, abs=1e-8 * (1 + abs(height)))


FAR = [0.0, 40.0, -40.0, 800.0, -800.0, 1e200, -np.inf, np.inf, np.nan]


@pytest.mark.parametrize("competition", COMPETITIONS)
@fewer
@given(story=small_stories(certain=False), seed=seeds)
def test_density_is_never_nan(story: Story, seed: int, competition: Competition) -> None:
    """A sampler that leaps too far is told that nothing is there, and turns back."""
    prepared = prepared_as(story, competition)
    assume(has_density(prepared))
    density = log_density(prepared, from_uniforms(prepared, (), np.zeros((1, 0))))
    rng = np.random.default_rng(seed)
    for _ in range(5):
        z = rng.choice(FAR, len(prepared.active))
        height, slope = density(z)
        assert height < np.inf
        assert np.isfinite(slope).all()
        assert np.isfinite(height) or not slope.any()


@pytest.mark.parametrize("competition", COMPETITIONS)
def test_density_goes_through_logs_where_sums_underflow(competition: Competition) -> None:
    """What the evidence speaks for is 400 nats unlikely: so is the evidence, and has a slope."""
    prepared = prepared_as(load_story("rlhf-assistant"), competition)
    graph, compiled = prepared.graph, prepared.likelihood
    rng = np.random.default_rng(3)
    values = random_values(prepared, 4, extreme=0.0)
    empty = no_evidence(graph)
    # Every route but one is 400 nats less likely, and the one is all but closed.
    last = next(r for r, route in enumerate(graph.routes) if route.requires is not None)
    routes = np.full_like(empty.routes, -400.0)
    routes[0, last] = 0.0
    values[graph.routes[last].bits] = -600.0
    likelihoods = LogLikelihoods(rng.normal(size=empty.assumptions.shape), routes)
    fit, *_ = by_kernel(compiled, values, likelihoods)
    assert np.isnan(fit)
    fit, slopes, *_ = by_engine(compiled, values, likelihoods)
    assert -420 < fit < -390
    for i in compiled.bearing:
        if prepared.resolved.numbers[i].kind == "bits":
            h = 1e-3
            ends = []
            for k in (-2, -1, 1, 2):
                moved = values.copy()
                moved[i] += k * h
                ends.append(by_engine(compiled, moved, likelihoods)[0])
            numeric = (ends[0] - 8 * ends[1] + 8 * ends[2] - ends[3]) / (12 * h)
            # 400 nats keep 13 digits after the point, of which the difference takes 3.
            assert slopes[i] == pytest.approx(numeric, rel=1e-6, abs=1e-9)


def test_logits_keep_the_digits_that_probabilities_round_off() -> None:
    """At a logit of 40 the probability is 1.0 in floats; the density still has a slope."""
    prepared = prepare(resolve(load_story("rlhf-assistant")))
    base = from_uniforms(prepared, (), np.zeros((1, 0)))
    density = log_density(prepared, base)
    target = target_of(prepared, base)
    middle = base[0, target.active]
    for i in np.flatnonzero(target.is_logit):
        z = np.where(target.is_logit, logit(np.where(target.is_logit, middle, 0.5)), middle)
        z = np.clip(z, -9.0, 9.0)
        z[i] = 40.0
        height, slope = density(z)
        assert np.isfinite(height)
        z[i] = 40.5
        assert density(z)[0] < height or slope[i] > 0


def test_one_program_serves_every_story() -> None:
    """What numba has compiled for the first story serves all the others."""
    counts = []
    for name in BUNDLED:
        for competition in COMPETITIONS:
            prepared = prepared_as(load_story(name), competition)
            base = from_uniforms(prepared, (), np.zeros((1, 0)))
            log_density(prepared, base)(np.zeros(len(prepared.active)))
            values = random_values(prepared, 0, extreme=0.0)
            by_kernel(prepared.likelihood, values, prepared.likelihoods)
            many = np.repeat(values[None], 3, axis=0)
            by_road("numba", prepared.likelihood, many, prepared.likelihoods, np.ones((1, 1)))
        functions: list[Any] = [
            density_kernel.log_density,
            log_evidence,
            kernel.run,
            pattern_kernel.run,
        ]
        counts.append([len(function.signatures) for function in functions])
    assert all(count == counts[0] for count in counts)
    assert counts[0][0] == 1


def test_quadrature_wider_than_its_longest_rule_is_refused() -> None:
    prepared = prepared_as(load_story("rlhf-assistant"), "quadrature")
    values = random_values(prepared, 1, extreme=0.0)
    route = next(r for r in prepared.graph.routes if r.requires is not None)
    values[route.bits] = 1000.0
    fit, *slopes = by_kernel(prepared.likelihood, values, prepared.likelihoods)
    assert np.isnan(fit)
    assert not any(slope.any() for slope in slopes)
    with pytest.raises(UnsupportedStoryError, match="expected at most 2\\*\\*952"):
        evaluation.evaluate(prepared.likelihood, values[None], prepared.likelihoods)


def test_numba_is_imported_only_to_sample() -> None:
    code = (
        "import sys, storyodds.models.posterior.densities.density, storyodds.models.posterior.nuts;"
        "sys.exit('numba' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_digits_depend_on_the_work_and_not_on_what_is_imported() -> None:
    """This file has imported numba, which then answers wherever it gives the same digits."""
    for competition, small_work in (("patterns", True), ("quadrature", False)):
        prepared = prepared_as(load_story("rlhf-assistant"), competition)
        values = np.stack([random_values(prepared, k, extreme=0.0) for k in range(3)])
        asked = prepared.likelihood, values, prepared.likelihoods, np.ones((1, 1))
        way = "_by_patterns" if small_work else "_run_numba"
        with mock.patch.object(evaluation, way, side_effect=getattr(evaluation, way)) as by_numba:
            found = evaluation.evaluate(*asked)
            assert by_numba.called == small_work
            with evaluation.much_work():
                fast = evaluation.evaluate(*asked)
            assert by_numba.called
        plain = by_road("numpy", *asked)
        for name in ("log_roots", "usage", "won", "pulls"):
            np.testing.assert_array_equal(getattr(found, name), getattr(plain, name))
            np.testing.assert_allclose(
                getattr(fast, name), getattr(plain, name), rtol=1e-10, atol=1e-14
            )


def test_digits_do_not_depend_on_where_blocks_of_draws_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many findings, whose logs are added up; the last block has one draw."""
    names = [f"a{k}" for k in range(12)]
    rates = {"true": {"interval": [0.3, 0.9]}, "false": {"interval": [0.1, 0.6]}}
    story = Story.model_validate(
        {
            "story": "many-findings",
            "title": "Many findings",
            "goal": {"specification": "Fits.", "desirability": "Useful."},
            "assumptions": {name: {"probability": {"interval": [0.2, 0.8]}} for name in names},
            "routes": [
                {"id": "something-else", "class": "other", "bits": {"fixed": 0}, "harm": 0.5},
                {
                    "id": "near",
                    "class": "deceptive",
                    "requires": names[0],
                    "bits": {"interval": [-2, 1]},
                    "harm": 0.5,
                },
            ],
            "evidence": [
                {
                    "id": f"found-{name}",
                    "about": {"assumption": name},
                    "counts": {"hits": 4, "trials": 15},
                    "rates": rates,
                }
                for name in names
            ],
        }
    )
    prepared = prepared_as(story, "patterns")
    values = np.stack([random_values(prepared, k, extreme=0.0) for k in range(17)])
    for seed in range(20):
        rng = np.random.default_rng(seed)
        tables = [np.log(rng.random((17, 2))) for _ in names]
        asked = prepared.likelihood, values, assemble(prepared.graph, tables), np.ones((1, 1))
        whole = by_road("numba", *asked)
        with monkeypatch.context() as blocks:  # of 16 draws and of one
            blocks.setattr(evaluation, "_BLOCK_CELLS", 0)
            found = by_road("numpy", *asked)
        for field in ("log_roots", "usage", "won", "pulls"):
            np.testing.assert_array_equal(getattr(found, field), getattr(whole, field))


def test_no_more_is_worked_out_than_is_wanted() -> None:
    assessed = assess(resolve(load_story("rlhf-assistant")), draws=64)
    prepared, values = assessed.prepared, assessed.draws.values
    asked = prepared.likelihood, values, prepared.likelihoods, np.ones((1, 1))
    whole = evaluation.evaluate(*asked)
    won, usage = evaluation.evaluate(*asked, "won"), evaluation.evaluate(*asked, "usage")
    np.testing.assert_array_equal(won.won, whole.won)
    np.testing.assert_array_equal(usage.usage, whole.usage)
    assert (won.pulls.size, usage.won.size, usage.pulls.size) == (0, 0, 0)


def test_draws_are_summed_with_assumptions_some_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assessed = assess(resolve(load_story("rlhf-assistant")), draws=256)
    prepared, values = assessed.prepared, assessed.draws.values[:129]
    asked = values, prepared.likelihoods, [Query((o,)) for o in range(len(prepared.graph.outcomes))]
    whole = prepared.answers.jointly(*asked)
    monkeypatch.setattr(quantities, "_USAGE_CELLS", 1)  # of 64 draws, twice, and of one
    with mock.patch.object(evaluation, "evaluate", wraps=evaluation.evaluate) as evaluate:
        parts = prepared.answers.jointly(*asked)
    assert [len(call.args[1]) for call in evaluate.call_args_list] == [64, 64, 1]
    for field in ("events", "true", "false"):
        np.testing.assert_array_equal(getattr(parts, field), getattr(whole, field))


SIZES = st.floats(math.log10(2 * MIN_BETA), math.log10(MAX_BETA / 2)).map(lambda x: 10.0**x)
EPS = float(np.finfo(np.float64).eps)


@given(SIZES, SIZES, st.floats(-40, 40))
@settings(deadline=None, derandomize=True, max_examples=60)
def test_beta_density_of_the_kernel(a: float, b: float, away: float) -> None:
    """So many standard deviations from the peak; the logit itself is rounded, which slopes show."""
    (row,) = _components(BetaDistribution(a, b), 0.0)
    z = math.log(a) - math.log(b) + away * math.sqrt(1 / a + 1 / b)
    found, slope = prior_kernel._component(np.array([row]), 0, z)
    with mp.workdps(60):
        x, y, p = mp.mpf(a), mp.mpf(b), 1 / (1 + mp.exp(-mp.mpf(z)))
        q = 1 / (1 + mp.exp(mp.mpf(z)))
        expected = float(
            x * mp.log(p) + y * mp.log(q) - mp.loggamma(x) - mp.loggamma(y) + mp.loggamma(x + y)
        )
        tilt = float(x * q - y * p)
        bend = float((x + y) * p * q)
    place = EPS * (abs(math.log(a)) + abs(math.log(b)) + abs(z))
    error = 40 * EPS * max(1.0, abs(expected)) + place * (abs(tilt) + place * bend)
    assert abs(found - expected) <= error
    assert abs(slope - tilt) <= 40 * EPS * max(1.0, abs(tilt)) + place * bend
