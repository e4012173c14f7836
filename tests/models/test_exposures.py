"""Deployment as evidence: by the plain oracle, by finite differences and by its words."""

from math import log2

import numpy as np
import pymc as pm
import pytest
from scipy.special import expit, logit
from scipy.stats import beta, binom, poisson
from support.coordinates import INTERPRETED, log_prior, pymc_density, spelled_out
from support.oracle import solve

from storyodds import load_text, to_yaml
from storyodds.models.assessment.assessment import assess
from storyodds.models.changes.derivatives import _item_slopes
from storyodds.models.posterior.densities.moving_density import moving_log_density
from storyodds.models.posterior.evidence import collapsed
from storyodds.models.posterior.prepared import from_uniforms, prepare
from storyodds.models.posterior.questions import ask
from storyodds.models.posterior.shared_rates import SharedRates
from storyodds.models.pymc.model import compile_story
from storyodds.priors.distributions.families import LogitNormal
from storyodds.priors.text.errors import InputError
from storyodds.reports.documents.estimate import summarize
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.story import Story

HEAD = """
story: roll-out
title: A roll-out
goal: {specification: The model looks answers up in a table., desirability: The table is right.}
routes:
  - {id: schemer, class: deceptive, bits: -1, harm: 0.5}
  - {id: sleeper, class: deceptive, bits: -2, harm: 0.5}
  - {id: blunderer, class: mesa-optimizer, bits: -1, harm: 0.2}
  - {id: something-else, class: other, bits: -4, harm: 0.1}
evidence:
"""


def story_with(*items: str) -> Story:
    return load_text(
        HEAD + "".join(f"  - {{about: {{outcome: true}}, {item}}}\n" for item in items)
    )


def classes(story: Story) -> dict[str, float]:
    posterior = summarize(assess(resolve(story)))["classes"]
    return {name: entry["mean"] for name, entry in posterior.items()}


@pytest.mark.parametrize("relevance", ["", ", relevance: 0.7"])
@pytest.mark.parametrize("exposure", ["{episodes: 40, incidents: 2}", "{time: 12.5, incidents: 1}"])
def test_fixed_numbers_are_as_the_oracle_has_them(exposure: str, relevance: str) -> None:
    story = story_with(
        f"id: stage, exposure: {exposure}, rates: {{deceptive: 0.3, sleeper: 0.3, default: 0.05}}, "
        f"visibility: {{sleeper: 0.1, mesa-optimizer: 0.5}}{relevance}",
        "id: second, exposure: {episodes: 9, incidents: 0}, rates: {sleeper: 0.2, default: 0.1}",
    )
    answer = solve(story)
    for name, chance in classes(story).items():
        assert chance == pytest.approx(answer.classes.get(name, 0.0), abs=1e-12)


def test_visibility_of_nothing_is_no_evidence_and_of_everything_counts() -> None:
    rates = "rates: {deceptive: {beta: [2, 8]}, default: {interval: [0.01, 0.2]}}"
    stage = "exposure: {episodes: 30, incidents: 1}"
    quiet = "exposure: {episodes: 30, incidents: 0}"
    without = classes(load_text(HEAD.replace("evidence:", "evidence: []")))
    hidden = story_with(f"id: stage, {quiet}, {rates}, visibility: {{default: 0}}")
    assert classes(hidden) == pytest.approx(without, abs=1e-14)
    seen = story_with(f"id: stage, {stage}, {rates}, visibility: {{default: 1}}")
    counts = story_with(f"id: stage, counts: {{hits: 1, trials: 30}}, {rates}")
    assert classes(seen) == pytest.approx(classes(counts), abs=1e-14)


def test_a_route_takes_the_rate_of_its_class_and_a_visibility_of_its_own() -> None:
    story = story_with(
        "id: stage, exposure: {episodes: 30, incidents: 0}, rates: {deceptive: 0.4, default: 0.1}, "
        "visibility: {sleeper: 0.5, mesa-optimizer: 0.25}"
    )
    prepared = prepare(resolve(story))
    (item,) = prepared.graph.evidence
    likelihood = np.exp(collapsed(item, prepared.distributions).log_likelihood(item)[0])
    by_route = dict(zip([r.id for r in prepared.graph.routes], likelihood, strict=True))
    expected = {"intended": 0.1, "schemer": 0.4, "sleeper": 0.2, "blunderer": 0.025}
    for route, rate in expected.items():
        assert by_route[route] == pytest.approx((1 - rate) ** 30, rel=1e-12)


def test_slopes_are_what_moving_a_logit_does() -> None:
    """Of narrow priors, moving the whole prior is moving its location."""
    story = story_with(
        "id: stage, exposure: {episodes: 30, incidents: 1}, relevance: 0.8, "
        "rates: {deceptive: {interval: [0.1, 0.3]}, default: 0.1}, "
        "visibility: {deceptive: {interval: [0.2, 0.7]}}"
    )
    prepared = prepare(resolve(story))
    (item,) = prepared.graph.evidence
    slopes = dict(_item_slopes(item, prepared.distributions))
    step = 1e-4

    def moved(number: int, by: float) -> np.ndarray:
        distributions = list(prepared.distributions)
        prior = distributions[number]
        assert isinstance(prior, LogitNormal)
        distributions[number] = LogitNormal(prior.location + by, prior.sd)
        return collapsed(item, distributions).log_likelihood(item)[0]

    for number in (item.numbers["deceptive"], item.visibilities["deceptive"]):
        difference = (moved(number, step) - moved(number, -step)) / (2 * step)
        # The rule leaves out a sixth of the third derivative, of order 1, times the step squared.
        assert slopes[number] == pytest.approx(difference, abs=1e-7)


# The same rate in both stages, of which the second shows more.
NUMBERS = """numbers:
  acts: {beta: [2, 8], kind: probability}
  seen: {uniform: [0.1, 0.6], kind: probability}
goal:"""
STAGES = (
    "id: first, exposure: {episodes: 12, incidents: 1}, rates: {deceptive: {number: acts}, "
    "default: 0.02}, visibility: {deceptive: {number: seen}, sleeper: {beta: [1, 3]}}, "
    "relevance: 0.9",
    "id: second, exposure: {time: 5, incidents: 2}, rates: {deceptive: {number: acts}, "
    "default: 0.1}, visibility: {sleeper: {number: seen}}",
)


def shared_story() -> Story:
    text = HEAD.replace("\ngoal:", f"\n{NUMBERS}", 1)
    return load_text(text + "".join(f"  - {{about: {{outcome: true}}, {x}}}\n" for x in STAGES))


def likelihoods(acts: np.ndarray, seen: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """P(what was seen in both stages | route, numbers), by hand: a blind share of 0.1."""
    deceptive = binom.pmf(1, 12, acts * seen), binom.pmf(1, 12, acts * shown)
    other = binom.pmf(1, 12, 0.02)
    # Alternatives, each counted once: the class deceptive, the sleeper and the default.
    blind = (deceptive[0] + deceptive[1] + other) / 3
    rest = (0.9 * other + 0.1 * blind) * poisson.pmf(2, 5 * 0.1)
    schemer = (0.9 * deceptive[0] + 0.1 * blind) * poisson.pmf(2, 5 * acts)
    sleeper = (0.9 * deceptive[1] + 0.1 * blind) * poisson.pmf(2, 5 * acts * seen)
    return np.array([rest, schemer, sleeper, rest, rest])


def test_stages_share_a_rate_and_a_visibility() -> None:
    """By tensor quadrature over the two numbers, and the sleeper's own visibility."""
    story = shared_story()
    nodes, weights = np.polynomial.legendre.leggauss(24)
    x, w = (1 + nodes) / 2, weights / 2
    priors = w * beta(2, 8).pdf(x), w, w * beta(1, 3).pdf(x)
    acts, seen, shown = np.meshgrid(x, 0.1 + 0.5 * x, x, indexing="ij")
    means_of = np.einsum("rijk,i,j,k->r", likelihoods(acts, seen, shown), *priors)
    prior = 2.0 ** np.array([0, -1, -2, -1, -4])
    total = means_of * prior / prior.sum()
    routes = ("intended", "schemer", "sleeper", "mesa-optimizer", "other")
    posterior = dict(zip(routes, total / total.sum(), strict=True))
    posterior["deceptive"] = posterior.pop("schemer") + posterior.pop("sleeper")
    result = assess(resolve(story), draws=8192)
    errors = result.errors.by_name()
    means = summarize(result)["classes"]
    for name, chance in posterior.items():
        assert means[name]["mean"] == pytest.approx(chance, abs=4.5 * errors[name]["mean"] + 1e-9)
    assert result.draws.log_evidence == pytest.approx(
        np.log(total.sum()), abs=4.5 * result.draws.log_evidence_error
    )


def test_at_draws_of_a_shared_rate_an_exposure_says_what_it_does_where_it_is_fixed() -> None:
    """And its slopes, also those that the PyMC model and NUTS follow, are those of small steps."""
    prepared = prepare(resolve(shared_story()))
    index = prepared.resolved.number_index
    values = from_uniforms(
        prepared, prepared.sampled, np.random.default_rng(2).random((3, len(prepared.sampled)))
    )
    for table in prepared.tables:
        assert isinstance(table, SharedRates)
        for row, settled in enumerate(table.settled(prepared.distributions, row) for row in values):
            expected = collapsed(table.item, settled).log_likelihood(table.item)[0]
            np.testing.assert_allclose(table.at(values)[row], expected, rtol=1e-10, atol=1e-10)
        step = 1e-5  # whose square, and the rounding over it, are 1e-10
        sums = dict.fromkeys(table.numbers, 0.0)
        for number, slope in table.slopes(values):
            sums[number] = sums[number] + slope
        for number, slope in sums.items():
            sides = []
            for sign in (1, -1):
                there = values.copy()
                there[:, number] = expit(logit(values[:, number]) + sign * step)
                sides.append(table.at(there))
            np.testing.assert_allclose(slope, (sides[0] - sides[1]) / (2 * step), atol=1e-7)
    assert {index["acts"], index["seen"]} <= set(prepared.sampled)


def test_the_pymc_model_of_shared_stages_has_the_density_that_nuts_follows() -> None:
    story = shared_story()
    model, prepared = compile_story(story), prepare(resolve(story))
    for z in np.random.default_rng(1).normal(size=(2, 2)):
        value, gradient = pymc_density(model, prepared)(z)
        values = spelled_out(prepared, z)
        expected = float(ask(prepared, values).log_evidence[0])
        expected += sum(log_prior(prepared, i, x) for i, x in zip(prepared.core, z, strict=True))
        height, slope = moving_log_density(prepared, values)(z)
        assert value == pytest.approx(expected, rel=1e-10)
        assert height == pytest.approx(expected, rel=1e-10)
        np.testing.assert_allclose(gradient, slope, rtol=1e-8, atol=1e-8)


def test_incidents_can_be_drawn() -> None:
    story = story_with(
        "id: stage, exposure: {episodes: 30, incidents: 1}, rates: {deceptive: {beta: [2, 8]}, "
        "default: 0.1}, visibility: {default: 0.5}",
        "id: days, exposure: {time: 20, incidents: 1}, rates: {deceptive: 0.5, default: 0.5}",
    )
    model = compile_story(story)
    n = 500
    stage, days = (
        pm.draw(model[name], draws=n, random_seed=1, mode=INTERPRETED) for name in ("stage", "days")
    )
    # Half of 0.1 or of 0.2 in the mean, of 30 episodes: 1.5 to 3 incidents, where in full sight
    # there would be 3 to 6; and 10 in 20 days. A Beta spreads counts by less than their mean.
    assert 1.5 - 4 * 3 / n**0.5 < stage.mean() < 3 + 4 * 3 / n**0.5
    assert abs(days.mean() - 10) < 4 * (10 / n) ** 0.5


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ("exposure: {incidents: 0}, rates: {default: 0}", "neither of episodes and time"),
        ("exposure: {episodes: 3, time: 4, incidents: 0}, rates: {default: 0}", "found both of"),
        ("exposure: {episodes: 3, incidents: 4}, rates: {default: 0}", "4 incidents in 3 episodes"),
        ("exposure: {episodes: 3, incidents: 0}", "the key 'rates' is missing"),
        (
            "exposure: {episodes: 3, incidents: 0}, counts: {hits: 0, trials: 3}, "
            "rates: {default: 0}",
            "found 'counts' and 'exposure' in one item",
        ),
        (
            "counts: {hits: 0, trials: 3}, rates: {default: 0}, visibility: {default: 1}",
            "found 'visibility' beside 'counts'",
        ),
        (
            "exposure: {episodes: 3, incidents: 0}, rates: {default: 0}, visibility: {nobody: 1}",
            "expected a route, a class or 'default'",
        ),
    ],
)
def test_what_does_not_go_together_is_refused_with_its_line(item: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        load_text(HEAD + f"  - {{id: stage, about: {{outcome: true}}, {item}}}\n")
    (problem,) = [p for p in caught.value.problems if words in p.message]
    assert problem.line >= HEAD.count("\n")


def test_an_exposure_is_about_the_outcome() -> None:
    text = HEAD.replace("evidence:", "assumptions: {a: {probability: 0.5}}\nevidence:")
    item = "exposure: {episodes: 3, incidents: 0}, rates: {true: 0.1, false: 0}"
    with pytest.raises(InputError, match=r"expected it about \{outcome: true\}"):
        load_text(text + f"  - {{id: stage, about: {{assumption: a}}, {item}}}\n")


def test_an_exposure_is_written_as_it_was_read_and_worded() -> None:
    story = story_with(
        "id: stage, exposure: {episodes: 200000, incidents: 0}, rates: {deceptive: 0.2, default: 0}"
        ", visibility: {deceptive: 0.0000001}"
    )
    again = load_text(to_yaml(story))
    assert again.evidence == story.evidence
    (item,) = summarize(assess(resolve(story)))["evidence"]["items"]
    assert item["exposure"].startswith("200,000 episodes without an incident: alone, in bits, ")
    # 200,000 episodes at 0.2 times 10^-7: exp(-0.004).
    deceptive, before = item["bits"]["deceptive"], log2(np.exp(-0.004))
    assert deceptive == pytest.approx(before, abs=1e-9)
