"""Stories on which an engine once was wrong, at the values that are right."""

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from scipy.special import expit
from support.building import item, tell
from support.cases import case

from storyodds import estimate, load_story, summarize
from storyodds.models.assessment.assessment import Assessment, assess
from storyodds.models.assessment.datatree import to_datatree
from storyodds.models.posterior.prepared import prepare
from storyodds.models.posterior.soundness import ANSWERS
from storyodds.models.story.events import FATES
from storyodds.scenarios.grammar.outcomes import CLASSES
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Assumption, Route
from storyodds.scenarios.story import Story

Array = NDArray[np.float64]

SIGMAS = 4.5  # one false alarm in 150,000 comparisons; seeds are fixed anyway
ROUNDING = 1e-12
Z95 = float(stats.norm.ppf(0.95))


def means(assessment: Assessment) -> dict[str, float]:
    """Classes, fates and P(deployed)."""
    averaged = assessment.averaged
    columns = np.column_stack([averaged.events, averaged.deployed])
    return dict(zip(ANSWERS, averaged.mean(columns).tolist(), strict=True))


def belief(assessment: Assessment, name: str) -> float:
    column = assessment.prepared.graph.order[name]
    return float(assessment.averaged.mean(assessment.averaged.assumptions)[column])


def logit_normal_mean(low: float, high: float, power: int = 1) -> float:
    """The mean of an interval on a probability, or of its power.

    By the trapezoid rule, which is exact to rounding where a smooth height falls off like this.
    """
    ends = [math.log(x / (1 - x)) for x in (low, high)]
    middle, sd = sum(ends) / 2, (ends[1] - ends[0]) / 2 / Z95
    z = np.linspace(-10, 10, 4001)
    weights = stats.norm.pdf(z)
    return float(weights @ expit(middle + sd * z) ** power / weights.sum())


# --- hazards -----------------------------------------------------------------------------------


def test_hazards_that_are_certain_leave_no_criterion_standing() -> None:
    criteria = summarize(estimate(case("h1")))["criteria"]
    assert criteria["goal_alignment"]["mean"] == criteria["goal_competitiveness"]["mean"] == 0


def test_the_order_of_hazards_means_nothing() -> None:
    one, other = (summarize(estimate(case(name))) for name in ("h", "h2"))
    for part in ("classes", "fates", "criteria", "evidence"):
        assert one[part] == other[part], part
    assert one["criteria"]["goal_alignment"]["mean"] == pytest.approx(0.5, abs=ROUNDING)
    assert one["criteria"]["goal_competitiveness"]["mean"] == pytest.approx(0.6, abs=ROUNDING)


# --- evidence ----------------------------------------------------------------------------------


def test_a_finding_says_the_same_of_an_assumption_and_of_its_opposite() -> None:
    one, other = (assess(resolve(case(name))) for name in ("polarity-a", "polarity-not-a"))
    assert belief(one, "a") == pytest.approx(1 - belief(other, "na"), abs=ROUNDING)
    # Route r needs `not a` in the one and `na` in the other.
    assert means(one) == pytest.approx(means(other), abs=ROUNDING)
    # By hand: the likelihoods under true and false, with 0.7 of their mean mixed in.
    on, off = stats.binom.pmf(9, 10, [0.9, 0.1])
    blind = 0.7 * (on + off) / 2
    share = (0.3 * on + blind) / (0.3 * (on + off) + 2 * blind)
    assert belief(one, "a") == pytest.approx(share, rel=1e-12)


def evidence_on_a(prior_mean: float, ratio: float) -> float:
    return prior_mean * ratio / (prior_mean * ratio + 1 - prior_mean)


@pytest.mark.parametrize("seed", range(3))
def test_the_one_against_thirty_is_heard(seed: int) -> None:
    """A pool whose judgments lie 600 times apart is one mean: nothing has to be sampled."""
    assessment = assess(resolve(case("dissenter30")), seed=seed)
    assert assessment.draws.ok and assessment.draws.diagnostics["means"] == "exact"
    mean = (30 * logit_normal_mean(0.001, 0.002) + logit_normal_mean(0.8, 0.95)) / 31
    on, off = stats.binom.pmf(4, 5, [0.8, 0.3])
    p = evidence_on_a(mean, on / off)
    assert belief(assessment, "a") == pytest.approx(p, rel=1e-8)
    route = p * 8 / (9 + 2**-4)  # 3 bits ahead of the intended model, if a holds
    rest = 1 / 16 * (p / (9 + 1 / 16) + (1 - p) / (1 + 1 / 16))
    found = means(assessment)
    assert found["mesa-optimizer"] == pytest.approx(route, rel=1e-8)
    assert found["catastrophe"] == pytest.approx(0.5 * route + 0.1 * rest, rel=1e-8)
    log_evidence = math.log(mean * on + (1 - mean) * off)
    assert assessment.draws.log_evidence == pytest.approx(log_evidence, abs=1e-9)
    assert (round(p, 3), round(route, 3), round(log_evidence, 3)) == (0.309, 0.273, -3.223)


def test_one_in_ten_thousand_is_heard() -> None:
    assessment = assess(resolve(case("rare")), draws=64)
    mean = (9999 * logit_normal_mean(5e-7, 2e-6) + logit_normal_mean(0.85, 0.95)) / 10_000
    assert belief(assessment, "a") == pytest.approx(evidence_on_a(mean, 2.0**13), rel=1e-8)
    assert round(belief(assessment, "a"), 4) == 0.4294
    log_evidence = math.log(mean * 2**13 + 1 - mean)
    assert assessment.draws.log_evidence == pytest.approx(log_evidence, abs=1e-8)
    assert round(log_evidence, 3) == 0.561


def test_what_most_experts_rule_out_can_be_certain() -> None:
    assessment = assess(resolve(case("one-or-nothing")))
    assert belief(assessment, "a") == 1.0
    summary = summarize(estimate(case("one-or-nothing")))
    assert summary["assumptions"]["a"]["mean"] <= 1.0
    expected = math.log(0.005 * 0.9**3)
    assert assessment.draws.log_evidence == pytest.approx(expected, abs=1e-12)
    assert round(expected, 3) == -5.614


def test_one_number_known_to_five_digits() -> None:
    """By NUTS log P(E) once was 12 nats off: its proposal was singular in the narrow number."""
    assessment = assess(resolve(case("narrow")), method="nuts")
    assert assessment.draws.method == "nuts"
    mean = logit_normal_mean(0.01, 0.99)  # one half, by symmetry
    share = 2 / (3 + 2**-4)
    expected = math.log(mean * (1 + 3 * share) + 1 - mean)
    assert round(expected, 5) == 0.68289
    error = assessment.draws.log_evidence_error
    # The narrow number moves log P(E) by less than 1e-5 within its interval.
    assert abs(assessment.draws.log_evidence - expected) < SIGMAS * error + 1e-5
    assert error < 0.01  # 4,096 points: their weights vary by less than two thirds of the mean


# --- chains ------------------------------------------------------------------------------------


def chain(n: int, probability: Any, bits: float) -> Story:
    """Many premises, and evidence about their conjunction."""
    names = tuple(f"p{k}" for k in range(n))
    assumptions = {name: Assumption(probability=probability) for name in names}
    assumptions["all"] = Assumption(holds_when=names)
    return tell(
        assumptions,
        (
            Route(id="d", class_="deceptive", requires="all", bits=6, harm=1.0),
            Route(id="something-else", class_="other", bits=-4, harm=0),
        ),
        evidence=[item("e", {"assumption": "all"}, bayes_factor={"true": bits})],
    )


@pytest.mark.parametrize("n", [5, 120, 450])
@pytest.mark.parametrize("probability", [0.9, [0.01, 0.99]])
def test_chains_of_premises(n: int, probability: Any) -> None:
    """Whatever the premises' spread: P(all) is the product of means, and the evidence says so."""
    mean = probability if isinstance(probability, float) else 0.5
    log2_all = n * math.log2(mean)
    bits = min(round(-log2_all) + 1.0, 60.0)  # for even odds, as far as bits go
    odds = 2.0 ** (log2_all + bits)
    believed = odds / (odds - 2.0**log2_all + 1)
    prepared = prepare(resolve(chain(n, probability, bits)))
    assert not prepared.sampled
    evaluated = prepared.answers.evaluate(prepared.center[None], prepared.likelihoods)
    expected = believed * 64 / (65 + 2**-4)
    assert evaluated.event("deceptive")[0] == pytest.approx(expected, rel=1e-9)
    assert evaluated.event("catastrophe")[0] == pytest.approx(expected, rel=1e-9)
    log_evidence = math.log1p(odds - 2.0**log2_all)
    assert evaluated.log_evidence[0] == pytest.approx(log_evidence, rel=1e-9, abs=1e-12)


def test_thirty_premises_by_every_method_and_seed() -> None:
    story = resolve(chain(30, [0.01, 0.99], 31.0))
    for method in ("nuts", "weighting", "auto"):
        for seed in range(2):
            assessment = assess(story, method=method, seed=seed, draws=1024)  # type: ignore[arg-type]
            assert round(means(assessment)["deceptive"], 4) == 0.6558
            # Draws of all numbers have the mean that integration gives.
            drawn = assessment.exact.event("deceptive")
            error = SIGMAS * drawn.std() / math.sqrt(len(drawn))
            assert abs(drawn.mean() - means(assessment)["deceptive"]) < error


# --- many findings -----------------------------------------------------------------------------


def test_sixty_findings_with_a_million_trials() -> None:
    """They pull both ways, by thousands of nats each; their sum is the closed form."""
    rng = np.random.default_rng(60)
    rates = {"true": 0.5, "false": 0.4995}
    seen, log_ratio, log_off = [], 0.0, 0.0
    for k in range(60):
        trials = int(10 ** rng.integers(0, 7))
        hits = int(rng.binomial(trials, 0.49975))
        counts = {"hits": hits, "trials": trials}
        seen.append(item(f"e{k}", {"assumption": "a"}, counts=counts, rates=rates))
        on, off = stats.binom.logpmf(hits, trials, [rates["true"], rates["false"]])
        log_ratio, log_off = log_ratio + on - off, log_off + off
    story = tell({"a": Assumption(probability=[0.2, 0.8])}, evidence=seen)
    assessment = assess(resolve(story), draws=64)
    p = 1 / (1 + math.exp(-log_ratio))  # even odds before: the interval is symmetric
    # Sixty log-likelihoods of up to 1e6 terms: their digits are those of log-gammas of 1e7.
    tolerance = 60 * 1e7 * np.finfo(float).eps
    assert belief(assessment, "a") == pytest.approx(p, abs=tolerance)
    log_evidence = log_off + math.log((1 + math.exp(log_ratio)) / 2)
    assert assessment.draws.log_evidence == pytest.approx(log_evidence, abs=tolerance)


def test_two_explanations_of_one_finding() -> None:
    """Each alone is less believed than their disjunction, and either explains the other away."""
    p, q, bits = 0.2, 0.3, 4.0
    story = tell(
        {
            "a": Assumption(probability={"beta": [2, 8]}),
            "b": Assumption(probability={"beta": [3, 7]}),
            "either": Assumption(holds_when={"any": ["a", "b"]}),
        },
        evidence=[item("e", {"assumption": "either"}, bayes_factor={"true": bits})],
    )
    assessment = assess(resolve(story), draws=4096)
    ratio = 2**bits
    total = (1 - p) * (1 - q) + (1 - (1 - p) * (1 - q)) * ratio
    assert belief(assessment, "a") == pytest.approx(p * ratio / total, rel=1e-12)
    assert belief(assessment, "b") == pytest.approx(q * ratio / total, rel=1e-12)
    assert assessment.draws.log_evidence == pytest.approx(math.log(total), abs=1e-12)
    # In the draws the two numbers oppose each other: E[p q | E] by linearity in each.
    index = assessment.prepared.resolved.number_index
    x, y = (assessment.draws.values[:, index[f"{name}.probability"]] for name in "ab")
    square = {"p": 2 * 3 / (10 * 11), "q": 3 * 4 / (10 * 11)}
    none = (p - square["p"]) * (q - square["q"])
    both = p * q * ratio - none * (ratio - 1)
    product = x * y
    error = SIGMAS * product.std() / math.sqrt(len(product))
    assert abs(product.mean() - both / total) < error
    assert both / total < (x.mean() * y.mean())


# --- saved draws -------------------------------------------------------------------------------


def assert_saved_means(story: Story, seed: int, draws: int) -> None:
    """Every mean of the saved file against the document's, by the errors of either."""
    assessment = assess(resolve(story), seed=seed, draws=draws)
    saved = to_datatree(assessment, {})["posterior"].to_dataset()
    averaged, exact, n = assessment.averaged, assessment.exact, len(assessment.exact.weights)
    groups: list[tuple[str, tuple[str, ...], Array, Array]] = [
        ("class", CLASSES, averaged.classes, exact.classes),
        ("fate", FATES, averaged.fates, exact.fates),
        ("assumption", tuple(assessment.prepared.graph.order), averaged.assumptions,
         exact.assumptions),
    ]  # fmt: skip
    for kind, names, whole, drawn in groups:
        for k, name in enumerate(names):
            x = saved[f"{kind}_probability"].sel({kind: name}).values.ravel()
            document = averaged.mean(whole)[k]
            spread = drawn[:, k] - exact.mean(drawn)[k]
            by_weight = math.sqrt(exact.weights**2 @ spread**2)
            rounding = math.sqrt(exact.weights @ spread**2 / n)  # of resampling, at the most
            error = SIGMAS * math.hypot(by_weight, rounding) + ROUNDING
            assert abs(x.mean() - document) < error, (kind, name, x.mean(), document, error)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("name", ["resampled", "saved-draws-many"])
def test_saved_draws_have_the_means_of_the_document(name: str, seed: int) -> None:
    assert_saved_means(case(name), seed, 1024)


@pytest.mark.parametrize("name", ["rlhf-assistant", "gpt-simulator", "coinrun-agent"])
def test_saved_draws_of_bundled_stories(name: str) -> None:
    for seed in range(3):
        assert_saved_means(load_story(name), seed, 1024)


def test_one_premise_and_one_bit() -> None:
    """The saved numbers follow the evidence too: E[p | E] is 0.5426 here and was 0.5."""
    assessment = assess(resolve(case("resampled")), seed=1)
    posterior = to_datatree(assessment, {})["posterior"].to_dataset()
    x = posterior["a.probability"].values.ravel()
    mean, square = (logit_normal_mean(0.1, 0.9, power) for power in (1, 2))
    expected = (mean + square) / (1 + mean)  # the density is the prior's times 1 + p
    assert round(expected, 4) == 0.5426
    assert abs(x.mean() - expected) < SIGMAS * x.std() / math.sqrt(len(x))


# --- simulation --------------------------------------------------------------------------------


def test_what_was_never_simulated_is_not_impossible() -> None:
    """Twelve premises at 0.1: no state has all of them, and the evidence is for all of them."""
    summary = summarize(estimate(chain(12, 0.1, 40.0), method="simulation"))
    assert not summary["diagnostics"]["ok"]
    assert any("never met" in message for message in summary["diagnostics"]["messages"])
    exact = summarize(estimate(chain(12, 0.1, 40.0)))
    p = 2**40 * 1e-12
    believed = p / (p + 1 - 1e-12) * 64 / (65 + 2**-4)
    assert exact["fates"]["catastrophe"]["mean"] == pytest.approx(believed, rel=1e-9)
    assert round(believed, 2) == 0.52
