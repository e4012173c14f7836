"""The PyMC model against the engine: the same log density and gradient by two roads."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from pytensor.compile.mode import Mode
from scipy.special import expit
from support.strategies import small_stories

from storyodds import UnsupportedStoryError, compile_story, load_story
from storyodds.models import engine
from storyodds.models.density import log_density
from storyodds.models.events import FATES
from storyodds.models.evidence import (
    assemble,
    explicit_tables,
    forecast_log_density_at,
    forecast_log_odds,
)
from storyodds.models.likelihoods import no_evidence
from storyodds.models.posterior import PreparedStory, from_uniforms, prepare
from storyodds.models.quantities import derive, evaluate
from storyodds.priors.distributions import Point, has_atoms
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import CLASSES, Story

# Nothing is compiled to machine code: these functions run a few times only.
INTERPRETED = Mode(linker="py", optimizer=None)
# PyMC takes Beta functions and binomial coefficients as differences of log-gammas, of up to about
# 1e6 nats here: a dozen of them round to this much.
ROUNDING = 12 * 1e6 * np.finfo(float).eps * 4
BUNDLED = ("cat-classifier", "gpt-simulator", "coinrun-agent", "rlhf-assistant")


@cache
def prepared_story(name: str) -> PreparedStory:
    return prepare(resolve(load_story(name)))


def value_and_gradient(
    model: pm.Model, prepared: PreparedStory
) -> Callable[[np.ndarray], tuple[float, np.ndarray]]:
    """The model's log density over unconstrained numbers, in the order of `uncertain`."""
    names = [prepared.resolved.numbers[i].name for i in prepared.uncertain]
    inputs = [model.rvs_to_values[model[name]] for name in names if name in model.named_vars]
    total = pt.stack([pt.sum(term) for term in model.logp(sum=False)]).sum()
    compiled = pytensor.function(inputs, [total, *pytensor.grad(total, inputs)], mode=INTERPRETED)

    def function(z: np.ndarray) -> tuple[float, np.ndarray]:
        value, *gradient = compiled(*z)
        return float(value), np.array([float(entry) for entry in gradient])

    return function


def to_values(prepared: PreparedStory, z: np.ndarray) -> np.ndarray:
    values = from_uniforms(prepared, (), np.zeros((1, 0)))
    for z_i, i in zip(z, prepared.uncertain, strict=True):
        is_probability = prepared.resolved.numbers[i].kind == "probability"
        values[0, i] = expit(z_i) if is_probability else z_i
    return values


def log_prior(prepared: PreparedStory, i: int, z: float) -> float:
    prior = prepared.distributions[i]
    assert not isinstance(prior, Point)
    return float(prior.log_density_unconstrained(np.array(z)))


def engine_log_density(prepared: PreparedStory, z: np.ndarray) -> float:
    """The same from the NumPy engine, every number explicit."""
    graph, values = prepared.graph, to_values(prepared, z)
    total = sum(log_prior(prepared, i, z_i) for z_i, i in zip(z, prepared.uncertain, strict=True))
    said = assemble(graph, explicit_tables(graph, values))
    total += float(engine.evaluate(prepared.likelihood, values, said).log_roots[0, 0])
    prior = evaluate(prepared.compiler, values, no_evidence(graph))
    for i, item in enumerate(graph.evidence):
        if item.form == "forecast":
            odds = forecast_log_odds(graph, i, prior.routes, prior.said)
            total += float(forecast_log_density_at(item, odds)[0])
    return total


@pytest.mark.parametrize("name", BUNDLED)
def test_log_density_and_gradient_equal_the_engine_s(name: str) -> None:
    prepared = prepared_story(name)
    function = value_and_gradient(compile_story(load_story(name)), prepared)
    for seed in range(2):
        z = np.random.default_rng(seed).normal(size=len(prepared.uncertain))
        value, gradient = function(z)
        assert value == pytest.approx(engine_log_density(prepared, z), rel=1e-11, abs=ROUNDING)
        h = 1e-5  # central differences: an error of order h squared, and rounding over h
        differences = [
            (engine_log_density(prepared, z + h * e) - engine_log_density(prepared, z - h * e))
            / (2 * h)
            for e in np.eye(len(z))
        ]
        scale = 1e-9 + 1e-15 / h * abs(value)
        np.testing.assert_allclose(gradient, differences, rtol=1e-7, atol=1e2 * scale)


@pytest.mark.parametrize("name", BUNDLED)
def test_with_rates_integrated_out_it_is_what_nuts_follows(name: str) -> None:
    prepared = prepared_story(name)
    model = compile_story(load_story(name), integrate_rates=True)
    function = value_and_gradient(model, prepared)
    kernel = log_density(prepared, from_uniforms(prepared, (), np.zeros((1, 0))))
    core = list(prepared.core)
    active = [core.index(i) for i in prepared.active]
    rest = [k for k in range(len(core)) if k not in active]
    for seed in range(3):
        z = np.random.default_rng(seed).normal(size=len(core))
        value, gradient = function(z)
        expected, slope = kernel(z[active])
        others = sum(log_prior(prepared, core[k], z[k]) for k in rest)
        assert value == pytest.approx(expected + others, rel=1e-11, abs=ROUNDING)
        np.testing.assert_allclose(gradient[active], slope, rtol=1e-9, atol=1e-9)


@settings(
    max_examples=8,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # every attempt to shrink takes seconds
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(small_stories(max_assumptions=4, max_routes=4, certain=False), st.integers(0, 2**32 - 1))
def test_random_stories(story: Story, seed: int) -> None:
    prepared = prepare(resolve(story))
    assume(prepared.uncertain)
    assume(not any(has_atoms(prepared.distributions[i]) for i in prepared.uncertain))
    z = np.random.default_rng(seed).normal(size=len(prepared.uncertain))
    expected = engine_log_density(prepared, z)
    assume(np.isfinite(expected))
    value, gradient = value_and_gradient(compile_story(story), prepared)(z)
    assert value == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert np.isfinite(gradient).all()


def test_deterministics_and_their_labels() -> None:
    prepared = prepared_story("rlhf-assistant")
    graph = prepared.graph
    model = compile_story(load_story("rlhf-assistant"))
    assert list(model.coords["class"]) == list(CLASSES)
    assert list(model.coords["fate"]) == list(FATES)
    assert list(model.coords["route"]) == [route.id for route in graph.routes]
    names = [prepared.resolved.numbers[i].name for i in prepared.uncertain]
    assert {variable.name for variable in model.free_RVs} == set(names)
    inputs = [model.rvs_to_values[model[name]] for name in names]
    wanted = [f"{name}_probability" for name in ("assumption", "route", "class", "fate")]
    outputs = model.replace_rvs_by_values([model[name] for name in wanted])
    compiled = pytensor.function(inputs, outputs, mode=INTERPRETED, on_unused_input="ignore")
    z = np.random.default_rng(1).normal(size=len(inputs))
    values = to_values(prepared, z)
    said = assemble(graph, explicit_tables(graph, values))
    answer = evaluate(prepared.compiler, values, said)
    derived = derive(graph, values, answer.outcomes)
    expected = (answer.assumptions, answer.routes, derived.classes, derived.fates)
    for found, known in zip(compiled(*z), expected, strict=True):
        np.testing.assert_allclose(found, known[0], rtol=1e-9, atol=1e-12)


def test_every_item_is_observed_and_can_be_drawn() -> None:
    story = load_story("coinrun-agent")
    model = compile_story(story)
    assert [variable.name for variable in model.observed_RVs] == [i.id for i in story.evidence]
    item = next(item for item in story.evidence if item.counts is not None)
    draw = pm.draw(model[item.id], draws=200, random_seed=1, mode=INTERPRETED)
    assert draw.min() >= 0
    assert item.counts is not None and draw.max() <= item.counts.trials
    assert len(np.unique(draw)) > 1


def test_a_pool_of_fixed_values_has_no_density() -> None:
    story = load_story("coinrun-agent")
    name = next(iter(story.assumptions))
    pool = {"pool": [{"by": "A", "value": 0.2}, {"by": "B", "value": 0.3}]}
    with pytest.raises(UnsupportedStoryError, match="pool with fixed values"):
        compile_story(story, settings={name: pool})
