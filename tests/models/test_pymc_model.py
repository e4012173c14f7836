"""The PyMC model against the engine: the same log density and gradient by three roads."""

from functools import cache

import numpy as np
import pymc as pm
import pytensor
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from support.building import OFF, believe, item, tell
from support.coordinates import INTERPRETED, log_prior, pymc_density, spelled_out
from support.strategies import small_stories

from storyodds import UnsupportedStoryError, compile_story, load_story
from storyodds.models.engine.quantities import evaluate
from storyodds.models.posterior.densities.density import log_density
from storyodds.models.posterior.forecasts import forecasts_log_density
from storyodds.models.posterior.prepared import PreparedStory, prepare
from storyodds.models.story.events import CRITERIA, FATES
from storyodds.priors.distributions.families import has_atoms
from storyodds.scenarios.grammar.outcomes import CLASSES
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Check, Hazard, Route
from storyodds.scenarios.story import Story

Array = NDArray[np.float64]

# PyMC takes Beta functions and binomial coefficients as differences of log-gammas, of up to about
# 1e6 nats here: a dozen of them round to this much.
ROUNDING = 12 * 1e6 * np.finfo(float).eps * 4
BUNDLED = ("cat-classifier", "gpt-simulator", "coinrun-agent", "rlhf-assistant")

# Checks of known results, one of them of a hazard, beside live ones, findings and opinions.
CHECKED = tell(
    {"a": believe([0.2, 0.7]), "b": believe({"beta": [2, 3]})},
    (
        Route(id="scheme", class_="deceptive", requires="a", bits=[0, 2], harm=[0.2, 0.6]),
        Route(id="proxy", class_="mesa-optimizer", requires="b", bits=0.5, harm=0.1),
        OFF.model_copy(update={"bits": Route(id="x", class_="other", bits=-1, harm=0).bits}),
    ),
    hazards=(
        Hazard(id="h", criterion="alignment", requires="b", probability=[0.1, 0.5], harm=0.3),
        Hazard(id="k", criterion="competitiveness", probability=[0.1, 0.3]),
    ),
    checks=(
        Check(id="audit", flags={"deceptive": [0.3, 0.7], "default": [0.01, 0.1]}, result="passed"),
        Check(
            id="probe",
            flags={"h": [0.3, 0.8], "deceptive": 0.6, "default": [0.02, 0.2]},
            result="flagged",
        ),
        Check(id="watch", flags={"h": 0.4, "default": [0.1, 0.3]}),
    ),
    evidence=(
        item(
            "seen",
            {"assumption": "b"},
            counts={"hits": 3, "trials": 4},
            rates={"true": [0.5, 0.9], "false": 0.3},
            relevance=[0.5, 0.9],
        ),
        item("ran", {"outcome": True}, bayes_factor={"deceptive": [0, 2], "default": 0}),
        item("judge", {"class_": "deceptive"}, forecast=0.3, sd_bits=1.5),
    ),
)


@cache
def prepared_story(name: str) -> PreparedStory:
    return prepare(resolve(story_of(name)))


def story_of(name: str) -> Story:
    return CHECKED if name == "checked" else load_story(name)


def by_weighting(prepared: PreparedStory, z: Array) -> float:
    """The log density from what weighting weighs by, in nats."""
    values = spelled_out(prepared, z)
    total = sum(log_prior(prepared, i, z_i) for z_i, i in zip(z, prepared.core, strict=True))
    total += float(prepared.answers.log_evidence(values, prepared.likelihoods)[0])
    return total + float(forecasts_log_density(prepared, values)[0])


def assert_equal(story: Story, prepared: PreparedStory, z: Array) -> None:
    """Hold PyMC's density to weighting's and to the kernel's, and both gradients to each other."""
    value, gradient = pymc_density(compile_story(story), prepared)(z)
    expected = by_weighting(prepared, z)
    assert value == pytest.approx(expected, rel=1e-10, abs=ROUNDING)
    core = list(prepared.core)
    active = [core.index(i) for i in prepared.active]
    if active:  # the others stand still, wherever they are
        height, slope = log_density(prepared, spelled_out(prepared, z))(z[active])
        rest = [k for k in range(len(core)) if k not in active]
        height += sum(log_prior(prepared, core[k], z[k]) for k in rest)
        assert value == pytest.approx(height, rel=1e-10, abs=ROUNDING)
        np.testing.assert_allclose(gradient[active], slope, rtol=1e-8, atol=1e-8)
    h = 1e-4  # four points: an error of order h**4, and rounding over h
    for k, step in enumerate(h * np.eye(len(z))):
        ends = [by_weighting(prepared, z + m * step) for m in (-2, -1, 1, 2)]
        numeric = (ends[0] - 8 * ends[1] + 8 * ends[2] - ends[3]) / (12 * h)
        assert gradient[k] == pytest.approx(numeric, rel=1e-6, abs=1e-8 * (1 + abs(value)))


@pytest.mark.parametrize("name", [*BUNDLED, "checked"])
def test_log_density_and_gradient_equal_the_engine_s(name: str) -> None:
    prepared = prepared_story(name)
    z = np.random.default_rng(1).normal(size=len(prepared.core))
    assert_equal(story_of(name), prepared, z)


@settings(
    max_examples=8,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # every attempt to shrink takes seconds
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(small_stories(max_assumptions=3, max_routes=3, certain=False), st.integers(0, 2**32 - 1))
def test_random_stories(story: Story, seed: int) -> None:
    prepared = prepare(resolve(story))
    assume(prepared.core and prepared.has_evidence)
    assume(not any(has_atoms(prepared.distributions[i]) for i in prepared.core))
    z = np.random.default_rng(seed).normal(size=len(prepared.core))
    assume(np.isfinite(by_weighting(prepared, z)))
    assert_equal(story, prepared, z)


@pytest.mark.parametrize("name", ["rlhf-assistant", "checked"])
def test_deterministics_and_their_labels(name: str) -> None:
    prepared = prepared_story(name)
    graph = prepared.graph
    model = compile_story(story_of(name))
    assert list(model.coords["class"]) == list(CLASSES)
    assert list(model.coords["fate"]) == list(FATES)
    assert list(model.coords["criterion"]) == list(CRITERIA)
    assert list(model.coords["route"]) == [route.id for route in graph.routes]
    names = [prepared.resolved.numbers[i].name for i in prepared.core]
    assert {variable.name for variable in model.free_RVs} == set(names)
    inputs = [model.rvs_to_values[model[name]] for name in names]
    kinds = ("assumption", "route", "class", "fate", "deployed", "goal")
    outputs = model.replace_rvs_by_values([model[f"{kind}_probability"] for kind in kinds])
    compiled = pytensor.function(inputs, outputs, mode=INTERPRETED, on_unused_input="ignore")
    z = np.random.default_rng(1).normal(size=len(inputs))
    exact = evaluate(prepared.compiler, spelled_out(prepared, z), prepared.likelihoods)
    expected = (
        exact.assumptions, exact.routes, exact.classes, exact.fates, exact.deployed, exact.goals
    )  # fmt: skip
    for kind, told, wanted in zip(kinds, compiled(*z), expected, strict=True):
        np.testing.assert_allclose(told, wanted[0], rtol=1e-9, atol=1e-12, err_msg=kind)


def test_known_results_and_items_are_observed_in_turn() -> None:
    model = compile_story(CHECKED)
    observed = ["audit", "probe", "seen", "ran", "judge"]
    assert [variable.name for variable in model.observed_RVs] == observed
    values = [float(np.asarray(model.rvs_to_values[model[x]].data)) for x in observed[:2]]
    assert values == [0.0, 1.0]


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
