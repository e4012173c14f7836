"""The oracle itself, against arithmetic done by hand: what findings say."""

import math
from typing import Any

import pytest
from scipy import stats
from support.building import believe, tell
from support.oracle import ImpossibleEvidence, expected_likelihoods, solve

from storyodds.priors.distributions.forms import Beta, Interval, Normal
from storyodds.scenarios.grammar.parts import About
from storyodds.scenarios.schema import Check, Evidence, ObservedCounts, Route

RESIDUAL = Route(id="something-else", class_="other", bits=-1, harm=0)
SCHEMER = Route(id="scheme", class_="deceptive", bits=2, harm=0.5, kind="schemer")
ROUTES = (SCHEMER, RESIDUAL)  # intended 2/11, scheme 8/11, something-else 1/11
A = {"a": believe(0.25)}
close = pytest.approx


def item(about: dict[str, Any], **parts: Any) -> Evidence:
    return Evidence(id="seen", about=About(**about), **parts)


def counted(hits: int, trials: int, **parts: Any) -> Evidence:
    return item({"outcome": True}, counts=ObservedCounts(hits=hits, trials=trials), **parts)


# --- evidence -----------------------------------------------------------------------------------


def test_counts_about_the_outcome_by_hand() -> None:
    # C(3,1) r (1-r)^2: scheme (0.5) 3/8; intended and residual share default (0.1) 0.243.
    seen = counted(1, 3, rates={"deceptive": 0.5, "default": 0.1})
    answer = solve(tell(routes=ROUTES, evidence=(seen,)))
    whole = 8 / 11 * 0.375 + 3 / 11 * 0.243
    assert answer.log_evidence == close(math.log(whole))
    assert answer.classes["deceptive"] == close(8 / 11 * 0.375 / whole)
    assert answer.prior_classes["deceptive"] == close(8 / 11)
    assert answer.classes["intended"] / answer.classes["other"] == close(2.0)
    # The route id goes before its class; 0 ** 0 = 1.
    sure = counted(0, 3, rates={"scheme": 0, "deceptive": 0.5, "default": 0.1})
    assert solve(tell(routes=ROUTES, evidence=(sure,))).log_evidence == close(
        math.log(8 / 11 + 3 / 11 * 0.729)
    )


def test_counts_about_an_assumption_mixed_by_relevance() -> None:
    # L is 0.9^2 = 0.81 or 0.2^2 = 0.04, M = 0.425: 0.7 L + 0.3 M is 0.6945 or 0.1555.
    observed = ObservedCounts(hits=2, trials=2)
    rates = {"true": 0.9, "false": 0.2}
    seen = item({"assumption": "a"}, counts=observed, rates=rates, relevance=0.7)
    answer = solve(tell(A, ROUTES, evidence=(seen,)))
    assert answer.assumptions["a"] == close(0.25 * 0.6945 / (0.25 * 0.6945 + 0.75 * 0.1555))
    assert answer.prior_assumptions["a"] == close(0.25)


@pytest.mark.parametrize("name", ["a", "not-a"])
def test_one_finding_in_two_polarities(name: str) -> None:
    # 9 of 10 at 0.9 or 0.1: of two hypotheses with even odds, P is 0.3 L / (L + L') + 0.7 / 2.
    share = 0.9**8 / (0.9**8 + 0.1**8)
    chance = 0.3 * share + 0.35
    said = name == "a"
    rates = {"true": 0.9, "false": 0.1} if said else {"true": 0.1, "false": 0.9}
    seen = item(
        {"assumption": name}, counts=ObservedCounts(hits=9, trials=10), rates=rates, relevance=0.3
    )
    route = Route(
        id="r", class_="deceptive", requires="not a" if said else "not-a", bits=0, harm=0.5
    )
    other = Route(id="something-else", class_="other", bits=-1, harm=0.05)
    answer = solve(tell({name: believe(0.5)}, (route, other), evidence=(seen,)))
    assert answer.assumptions[name] == close(chance if said else 1 - chance)
    # r is open without a: weights 1, 1, 1/2 there and 1, 1/2 elsewhere.
    disaster = chance * 0.05 / 3 + (1 - chance) * (0.4 * 0.5 + 0.2 * 0.05)
    assert answer.fates["catastrophe"] == close(disaster)


def test_bayes_factors_are_bits_against_the_reference() -> None:
    # scheme 2^3 = 8 against 1, M = 4.5; halfway to M: 6.25 against 2.75.
    table = {"deceptive": 3, "default": 0}
    half = item({"outcome": True}, bayes_factor=table, relevance=0.5)
    answer = solve(tell(routes=ROUTES, evidence=(half,)))
    assert answer.classes["deceptive"] == close(8 * 6.25 / (8 * 6.25 + 3 * 2.75))
    against = item({"assumption": "a"}, bayes_factor={"true": -1})
    answer = solve(tell(A, ROUTES, evidence=(against,)))
    assert answer.assumptions["a"] == close(0.125 / (0.125 + 0.75))
    with pytest.raises(ValueError, match="reference"):
        expected_likelihoods(item({"outcome": True}, bayes_factor={"default": 1}))


def test_what_is_blind_takes_every_key_once_used_or_not() -> None:
    # No route is a mesa-optimizer, two are deceptive: M = (8 + 1/2 + 1) / 3 all the same.
    table = {"deceptive": 3, "mesa-optimizer": -1, "default": 0}
    half = item({"outcome": True}, bayes_factor=table, relevance=0.5)
    twin = SCHEMER.model_copy(update={"id": "twin"})
    answer = solve(tell(routes=(SCHEMER, twin, RESIDUAL), evidence=(half,)))
    blind = 9.5 / 3
    schemers, others = 8 * (8 + blind) / 2, 1.5 * (1 + blind) / 2
    assert answer.classes["deceptive"] == close(schemers / (schemers + others))
    assert answer.item_bits["seen"]["deceptive"] == close(math.log2((8 + blind) / (1 + blind)))


def test_a_finding_of_no_relevance_says_nothing() -> None:
    seen = counted(3, 3, rates={"deceptive": 0.9, "default": 0.1}, relevance=0)
    answer = solve(tell(routes=ROUTES, evidence=(seen,)))
    assert answer.classes == close(answer.prior_classes)


def test_the_bits_of_findings() -> None:
    # Where a holds (1/4) scheme is shut: intended 2/3 there and 2/11 elsewhere.
    route = SCHEMER.model_copy(update={"requires": "not a"})
    findings = (
        Evidence(id="of-a", about=About(assumption="a"), bayes_factor={"true": 2}),
        Evidence(id="panel", about=About(class_="deceptive"), forecast=0.4, sd_bits=1),
    )
    answer = solve(tell(A, (route, RESIDUAL), evidence=findings))
    both, one = 0.25 * 2 / 3, 0.75 * 2 / 11
    yes = (4 * both + one) / (both + one)
    no = (4 * (0.25 - both) + 0.75 - one) / (1 - both - one)
    assert answer.item_bits["of-a"]["intended"] == close(math.log2(yes / no))
    assert answer.item_bits["panel"]["deceptive"] == close(0.0, abs=1e-12)


def test_a_forecast_is_a_density_at_the_prior_odds() -> None:
    # Prior P(a) = 1/4 is -log2(3) bits; q = 1/2 is 0 bits; sd 2: z = log2(3) / 2.
    said = item({"assumption": "a"}, forecast=0.5, sd_bits=2.0)
    answer = solve(tell(A, ROUTES, evidence=(said,)))
    assert answer.log_evidence == close(float(stats.norm.logpdf(math.log2(3), 0, 2)))
    assert answer.assumptions["a"] == close(0.25)
    # The judge speaks of the prior whatever other evidence says: 8/11 is log2(8/3).
    seen = counted(1, 1, rates={"deceptive": 0.25, "default": 0.5})
    said = Evidence(id="panel", about=About(class_="deceptive"), forecast=0.5, sd_bits=1)
    answer, density = (
        solve(tell(routes=ROUTES, evidence=(seen, said))),
        stats.norm.logpdf(math.log2(8 / 3)),
    )
    assert answer.log_evidence == close(density + math.log(8 / 11 * 0.25 + 3 / 11 * 0.5))


def test_what_cannot_be_answered_is_said() -> None:
    with pytest.raises(ImpossibleEvidence, match="rules out its own evidence"):
        solve(tell(routes=ROUTES, evidence=(counted(1, 2, rates={"default": 0}),)))
    finding = item({"assumption": "a"}, forecast=0.5, sd_bits=2.0)
    with pytest.raises(ImpossibleEvidence):
        solve(tell({"a": believe(0)}, ROUTES, evidence=(finding,)))
    with pytest.raises(TypeError, match="fixed numbers only"):
        solve(tell({"a": believe([0.1, 0.4])}, ROUTES))


# --- averages over an item's own numbers --------------------------------------------------------


def test_averaged_rates_by_closed_form() -> None:
    pool = {
        "pool": [{"by": "x", "value": 0.5}, {"by": "y", "value": {"beta": [1, 1]}, "weight": 3}]
    }
    rates = {
        "deceptive": Beta(beta=(1, 1)),  # uniform: every count is equally likely, 1 / 4
        "other": pool,  # (C(3,1) / 8 + 3 * 1/4) / 4
        "scheme": {"counts": {"hits": 1, "trials": 1}},  # Beta(3/2, 1/2)
        "default": 0.5,
    }
    table = expected_likelihoods(counted(1, 3, rates=rates))
    assert table["deceptive"] == close(0.25)
    assert table["other"] == close((3 / 8 + 3 / 4) / 4)
    assert table["scheme"] == close(float(stats.betabinom.pmf(1, 3, 1.5, 0.5)))
    assert table["default"] == close(3 / 8)


@pytest.mark.parametrize(("hits", "trials"), [(0, 1), (3, 7), (0, 400), (400, 400), (150, 400)])
def test_averaged_logit_normal_rate_against_a_plain_sum(hits: int, trials: int) -> None:
    # Ends at logit +-2 with level 0.8: sd = 2 / 1.2816; a midpoint sum over +-12 sd.
    end = 1 / (1 + math.exp(-2))
    form = Interval(interval=(1 - end, end), level=0.8)
    table = expected_likelihoods(counted(hits, trials, rates={"default": form}))
    sd, step = 2 / float(stats.norm.ppf(0.9)), 24 / 40_000
    scores = [-12 + step * (index + 0.5) for index in range(40_000)]
    rates = [1 / (1 + math.exp(-sd * z)) for z in scores]
    plain = math.sumprod(stats.binom.pmf(hits, trials, rates), stats.norm.pdf(scores)) * step
    assert table["default"] == close(plain, rel=1e-9)


def test_averaged_bits_and_relevance_by_closed_form() -> None:
    # E[2^b] = 2^(m + s^2 ln2 / 2); a 90 % interval of +-1.6449 about 1 is Normal(1, 1).
    mean = 2 ** (1 + math.log(2) / 2)
    half = float(stats.norm.ppf(0.95))
    table = {
        "deceptive": Normal(normal=(1, 1)),
        "other": [1 - half, 1 + half],
        "scheme": {"pool": [{"by": "x", "value": 0}, {"by": "y", "value": 2}]},
        "default": 0,
    }
    about = {"outcome": True}
    answer = expected_likelihoods(item(about, bayes_factor=table))
    assert answer == close({"deceptive": mean, "other": mean, "scheme": 2.5, "default": 1})
    # A Beta(1, 3) relevance has mean 1/4.
    half_sure = expected_likelihoods(item(about, bayes_factor=table, relevance=Beta(beta=(1, 3))))
    assert half_sure["scheme"] == close(0.25 * 2.5 + 0.75 * (2 * mean + 2.5 + 1) / 4)


def test_results_of_checks_are_read_by_mean_rates() -> None:
    flags = {"deceptive": Beta(beta=(3, 1)), "default": {"counts": {"hits": 0, "trials": 1}}}
    check = Check(id="v", flags=flags, result="passed")
    answer = solve(tell(routes=ROUTES, checks=(check,)), collapse=True)
    assert answer.classes["deceptive"] == close(8 * 0.25 / (8 * 0.25 + 3 * 0.75))


# --- opinions -----------------------------------------------------------------------------------


def test_a_forecast_on_fixed_numbers_does_nothing_and_is_told_apart() -> None:
    seen = counted(1, 1, rates={"deceptive": 0.25, "default": 0.5})
    panel = Evidence(id="panel", about=About(class_="deceptive"), forecast=0.01, sd_bits=0.5)
    alone, both = (solve(tell(routes=ROUTES, evidence=x)) for x in ((seen,), (seen, panel)))
    assert alone.opinions is None
    assert both.opinions == {"classes": close(alone.classes), "fates": close(alone.fates)}
    assert both.classes == close(alone.classes)
    assert both.log_evidence < alone.log_evidence
