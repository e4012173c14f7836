"""Stories with logarithmic pools: PyMC, the compiled density and the engine agree on them."""

from typing import Any

import numpy as np
import pymc as pm
import pytest
from support.coordinates import INTERPRETED, log_prior, pymc_density, spelled_out

from storyodds import compile_story, load_story
from storyodds.models.posterior.densities.density import log_density, to_coordinate, to_values
from storyodds.models.posterior.prepared import PreparedStory, from_uniforms, prepare
from storyodds.priors.distributions.families import Mixture
from storyodds.priors.distributions.log_pool import LogPool
from storyodds.priors.text.errors import InputError
from storyodds.scenarios.loader import load_text
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.serialize import to_yaml

STORY = "coinrun-agent"


def pool(*values: Any, method: str = "logarithmic") -> dict[str, Any]:
    judgments = [{"by": str(k), "value": x, "weight": k + 1.0} for k, x in enumerate(values)]
    return {"pool": judgments, "method": method}


SETTINGS: dict[str, dict[str, Any]] = {
    "two families": {
        "path-dependence": pool([0.1, 0.4], {"beta": [2, 8]}),
        "right-end-goal.bits": pool(pool([-2, -1], [3, 4], method="linear"), [0, 1]),
    },
    "walls": {
        "path-dependence": pool({"uniform": [0.2, 0.7]}, {"beta": [2, 8]}),
        "internal-optimization": pool({"uniform": [0.0, 0.5]}, {"normal": [0.3, 0.2]}, [0.1, 0.6]),
    },
    "in a linear pool": {
        "path-dependence": pool(
            pool({"uniform": [0.2, 0.7]}, [0.3, 0.9]), {"beta": [2, 8]}, method="linear"
        )
    },
    "of a linear pool": {
        "path-dependence": pool(
            {"lognormal": {"mean": 0.1, "error_factor": 3.0}},
            pool([0.1, 0.2], {"beta": [3, 3]}, {"uniform": [0.3, 0.9]}, method="linear"),
        )
    },
}


def prepared_with(name: str) -> PreparedStory:
    return prepare(resolve(load_story(STORY), settings=SETTINGS[name]))


@pytest.mark.parametrize("name", SETTINGS)
def test_two_roads(name: str) -> None:
    """What is integrated out stands still in the kernel, wherever it is, and moves in PyMC."""
    prepared = prepared_with(name)
    pymc = pymc_density(compile_story(load_story(STORY), settings=SETTINGS[name]), prepared)
    core = list(prepared.core)
    active = [core.index(i) for i in prepared.active]
    for seed in range(3):
        z = np.random.default_rng(seed).normal(size=len(core))
        value, gradient = pymc(z)
        expected, slope = log_density(prepared, spelled_out(prepared, z))(z[active])
        others = sum(
            log_prior(prepared, core[k], z[k]) for k in range(len(core)) if k not in active
        )
        assert value == pytest.approx(expected + others, rel=1e-10)
        np.testing.assert_allclose(gradient[active], slope, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("name", SETTINGS)
def test_the_kernel_s_density_is_the_pool_s_own(name: str) -> None:
    """A difference of log densities in one coordinate, evidence held: only its prior changes."""
    prepared = prepared_with(name)
    kernel = log_density(prepared, from_uniforms(prepared, (), np.zeros((1, 0))))
    z = np.random.default_rng(5).normal(size=len(prepared.active))
    height, slope = kernel(z)
    h = 1e-5
    for k in range(len(z)):
        step = h * np.eye(len(z))[k]
        numeric = (kernel(z + step)[0] - kernel(z - step)[0]) / (2 * h)
        assert slope[k] == pytest.approx(numeric, rel=1e-5, abs=1e-6)
    assert np.isfinite(height)


@pytest.mark.parametrize("name", SETTINGS)
def test_draws_by_pymc_follow_the_quantiles(name: str) -> None:
    prepared = prepared_with(name)
    prior = prepared.distributions[prepared.resolved.number_index["path-dependence.probability"]]
    assert isinstance(prior, LogPool | Mixture)
    model = compile_story(load_story(STORY), settings=SETTINGS[name])
    drawn = pm.draw(model["path-dependence.probability"], 2000, random_seed=3, mode=INTERPRETED)
    levels = np.array([0.1, 0.5, 0.9])
    # A mixture spends its argument on choosing a component first, so its values are sorted here.
    values = np.quantile(prior.quantile((np.arange(5000) + 0.5) / 5000), levels)
    below = (drawn[:, None] < values).mean(axis=0)
    np.testing.assert_allclose(below, levels, atol=5 * 0.5 / np.sqrt(2000))


def test_coordinates_stay_between_the_walls() -> None:
    prepared = prepared_with("walls")
    base = from_uniforms(prepared, (), np.zeros((1, 0)))
    z = np.array([[-40.0], [0.3], [40.0]]) * np.ones(len(prepared.active))
    values = to_values(prepared, z, base)
    for column, i in enumerate(prepared.active):
        distribution = prepared.distributions[i]
        if isinstance(distribution, LogPool):
            assert values[:, i].min() >= distribution.low
            assert values[:, i].max() <= distribution.high
            back = to_coordinate(prepared, i, float(values[1, i]))
            assert back == pytest.approx(z[1, column])


def with_pool(form: str) -> str:
    """The text of a small story whose harm is a pool."""
    return f"""\
story: pooled
title: A pooled number
goal: {{specification: x, desirability: y}}
routes:
- id: something-else
  class: other
  claim: Whatever else.
  bits: [-1, 1]
  harm: {form}
"""


def test_a_story_with_a_pool_is_written_and_read_back() -> None:
    pooled = "{pool: [{by: A, value: [0.1, 0.2]}, {by: B, value: {beta: [1, 2]}, weight: 3}], "
    text = with_pool(pooled + "method: logarithmic, basis: elicited, source: A panel}")
    story = load_text(text)
    written = to_yaml(story)
    assert "method: logarithmic" in written
    assert load_text(written) == story
    found = prepare(resolve(story))
    harm = found.distributions[found.resolved.number_index["something-else.harm"]]
    assert isinstance(harm, LogPool)
    assert harm.weights == (0.25, 0.75)


def test_a_mistake_in_a_story_has_its_line() -> None:
    text = with_pool(
        "{pool: [{by: A, value: 0.1}, {by: B, value: [0.2, 0.3]}], method: logarithmic}"
    )
    with pytest.raises(InputError) as error:
        load_text(text, "story.yaml")
    (problem,) = error.value.problems
    assert (problem.line, problem.key_path) == (9, "routes[0].harm")
    assert problem.message.startswith("found fixed values beside uncertain ones")


def test_what_a_reference_hides_in_a_story_has_its_line() -> None:
    text = with_pool(
        "{pool: [{by: A, value: {ref: carlsmith-2022/aps-feasible}}, {by: B, value: [0.2, 0.3]}], "
        "method: logarithmic}"
    )
    story = load_text(text, "story.yaml")
    with pytest.raises(InputError) as error:
        resolve(story)
    (problem,) = error.value.problems
    assert (problem.file, problem.line) == ("story.yaml", 9)


def test_what_a_reference_hides_names_its_number() -> None:
    """A pack's fixed value beside an interval: known only once the reference is followed."""
    fixed = "carlsmith-2022/aps-feasible"
    setting = {"path-dependence": pool({"ref": fixed}, [0.1, 0.2])}
    with pytest.raises(InputError, match="fixed values beside uncertain ones"):
        resolve(load_story(STORY), settings=setting)
