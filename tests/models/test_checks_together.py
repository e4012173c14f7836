"""Checks that fail together, and rates that depend on assumptions, by hand and by quadrature."""

from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import beta

from storyodds import load_text
from storyodds.models.assessment.assessment import assess
from storyodds.models.story.events import FATES
from storyodds.priors.text.errors import InputError
from storyodds.reports.documents.estimate import summarize
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.story import Story

STORY = """\
story: together
title: Two checks of a schemer
goal: {{specification: x, desirability: y}}
assumptions:
  aware: {{probability: 0.25}}
routes:
  - {{id: schemer, class: deceptive, requires: aware, bits: 60, harm: {harm}}}
  - {{id: something-else, class: other, bits: -60, harm: 0}}
checks:
  - {{id: audit, flags: {{deceptive: {audit}, default: 0}}}}
  - {{id: probe, flags: {{deceptive: {probe}, default: 0}}}}
{more}
"""
SET = "common_cause:\n  - {checks: [audit, probe], share: {deceptive: SHARE, default: 0}}"


def estimate_of(story: Story) -> dict[str, Any]:
    return summarize(assess(resolve(story), draws=4096))


def estimate(audit: Any = 0.6, probe: Any = 0.5, harm: Any = 1, more: str = "") -> dict[str, Any]:
    text = STORY.format(audit=audit, probe=probe, harm=harm, more=more)
    return estimate_of(load_text(text, "together.yaml"))


def together(share: Any) -> str:
    return SET.replace("SHARE", str(share))


def test_a_share_mixes_the_best_check_with_independent_ones() -> None:
    # A schemer with 1/4 (its bits leave next to nothing else): one thing decides with 0.3.
    summary = estimate(more=together(0.3))
    escapes = 0.3 * (1 - 0.6) + 0.7 * 0.4 * 0.5
    assert summary["fates"]["catastrophe"]["mean"] == pytest.approx(0.25 * escapes, abs=1e-15)
    assert summary["fates"]["halted"]["mean"] == pytest.approx(0.25 * (1 - escapes), abs=1e-15)
    ends = {key: odds["mean"] for key, odds in summary["check_dependence"]["catastrophe"].items()}
    assert ends == pytest.approx(
        {"stated": 0.25 * escapes, "independent": 0.25 * 0.2, "as_one": 0.25 * 0.4}, abs=1e-15
    )
    # Each check keeps its own rate, and without it the other one is what is left.
    checks = summary["checks"]
    assert checks["audit"]["caught"]["schemer"]["mean"] == pytest.approx(0.6, abs=1e-15)
    assert checks["probe"]["caught"]["schemer"]["mean"] == pytest.approx(0.5, abs=1e-15)
    assert checks["audit"]["added"]["mean"] == pytest.approx(0.25 * (0.5 - escapes), abs=1e-15)


@pytest.mark.parametrize("audit", [0.6, "[0.2, 0.6]"])
def test_share_nought_is_independence(audit: Any) -> None:
    stated, alone = estimate(audit, more=together(0)), estimate(audit)
    for key in ("fates", "classes", "checks", "check_dependence", "paths"):
        assert stated[key] == alone[key], key


def test_share_one_is_the_best_check_alone() -> None:
    both = estimate(more=together(1))
    alone = estimate(probe=0)
    assert both["fates"]["catastrophe"]["mean"] == pytest.approx(
        alone["fates"]["catastrophe"]["mean"], abs=1e-15
    )
    odds = both["check_dependence"]["catastrophe"]
    assert odds["as_one"]["mean"] == pytest.approx(odds["stated"]["mean"], abs=1e-15)


def test_equal_rows_change_nothing() -> None:
    rows = "{given: [{when: aware, probability: 0.6}, {otherwise: 0.6}]}"
    plain, by_rows = estimate(), estimate(rows)
    for key in ("fates", "classes", "routes"):
        for name, summary in plain[key].items():
            assert by_rows[key][name]["mean"] == pytest.approx(summary["mean"], abs=1e-15)
    assert [path["concern"]["mean"] for path in by_rows["paths"]] == pytest.approx(
        [path["concern"]["mean"] for path in plain["paths"]], abs=1e-15
    )


def test_an_aware_model_evades_a_check() -> None:
    rows = "{given: [{when: aware, probability: 0.1}, {otherwise: 0.9}]}"
    summary = estimate(rows, 0)
    # The schemer is there only where the model is aware.
    assert summary["fates"]["catastrophe"]["mean"] == pytest.approx(0.25 * 0.9, abs=1e-15)
    harmful = "{given: [{when: not aware, probability: 1}, {otherwise: 0.3}]}"
    assert estimate(0, 0, harmful)["fates"]["catastrophe"]["mean"] == pytest.approx(0.25 * 0.3)


def test_uncertain_rates_by_quadrature() -> None:
    summary = estimate("{beta: [3, 2]}", "{beta: [2, 3]}", more=together(0.5))
    audit, probe = beta(3, 2), beta(2, 3)
    largest = quad(lambda x: 1 - audit.cdf(x) * probe.cdf(x), 0, 1, epsabs=1e-13)[0]
    escapes = 0.5 * (1 - largest) + 0.5 * (1 - audit.mean()) * (1 - probe.mean())
    odds = summary["fates"]["catastrophe"]
    error = summary["diagnostics"]["standard_errors"]["catastrophe"]["mean"]
    assert 0 < error < 1e-3
    assert abs(odds["mean"] - 0.25 * escapes) < 4 * error
    as_one = summary["check_dependence"]["catastrophe"]["as_one"]["mean"]
    errors = summary["diagnostics"]["standard_errors"]
    spread = errors["check_dependence.catastrophe.as_one"]["mean"]
    assert abs(as_one - 0.25 * (1 - largest)) < 4 * spread


def test_the_same_by_the_model_of_pymc() -> None:
    import pymc as pm
    import pytensor

    from storyodds import compile_story

    rows = "{given: [{when: aware, probability: [0.2, 0.6]}, {otherwise: 0.9}]}"
    text = STORY.format(audit=rows, probe="[0.3, 0.8]", harm=0.5, more=together("[0.1, 0.6]"))
    story = load_text(text, "together.yaml")
    model = compile_story(story)
    names = ("audit.flags.deceptive.given.0", "probe.flags.deceptive", "common-cause-1.share")
    numbers = [model[names[0]], model[names[1]], model[f"{names[2]}.deceptive"]]
    fates = model["fate_probability"]
    interpreted = pytensor.compile.mode.Mode("py", "fast_compile")
    drawn = pm.draw([*numbers, fates], draws=20, random_seed=1, mode=interpreted)
    audit, probe, share, odds = (np.asarray(values) for values in drawn)
    escapes = share * (1 - np.maximum(audit, probe)) + (1 - share) * (1 - audit) * (1 - probe)
    assert odds[:, list(FATES).index("catastrophe")] == pytest.approx(0.125 * escapes, abs=1e-12)


WRONG = {
    "unknown-check": (
        "common_cause:\n  - {checks: [audit, prob], share: {default: 0.2}}",
        "found 'prob', expected the id of a check; did you mean 'probe'?",
    ),
    "one-check-twice": (
        "common_cause:\n  - {checks: [audit, audit], share: {default: 0.2}}",
        "found 'audit', which is twice, expected every check once",
    ),
    "no-default": (
        "common_cause:\n  - {checks: [audit, probe], share: {deceptive: 0.2}}",
        "the key 'default' is missing: it is the share for all that is not named",
    ),
    "one-check-only": (
        "common_cause:\n  - {checks: [audit], share: {default: 0.2}}",
        "common_cause[0].checks",
    ),
    "unknown-in-a-row": (
        "common_cause:\n  - {checks: [audit, probe], share: "
        "{default: {given: [{when: awre, probability: 0.1}, {otherwise: 0}]}}}",
        "found 'awre', expected the id of an assumption; did you mean 'aware'?",
    ),
    "no-otherwise": (
        "common_cause:\n  - {checks: [audit, probe], share: "
        "{default: {given: [{when: aware, probability: 0.1}]}}}",
        "found no 'otherwise', expected the last row to be {otherwise: …}",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_refused(name: str) -> None:
    more, sentence = WRONG[name]
    text = STORY.format(audit=0.6, probe=0.5, harm=1, more=more)
    with pytest.raises(InputError) as caught:
        load_text(text, "together.yaml")
    assert sentence in str(caught.value)


def with_result(text: str, result: str, check: str = "audit") -> Story:
    return load_text(text.replace(f"id: {check},", f"id: {check}, result: {result},"), "x.yaml")


@pytest.mark.parametrize(("result", "alone", "both"), [("passed", 0.4, 0.4), ("flagged", 0.6, 0.1)])
def test_a_known_result_says_what_checks_that_fail_with_it_make_of_a_model(
    result: str, alone: float, both: float
) -> None:
    # Where one draw decides, the probe misses all that the better audit missed, and none of 0.5
    # of the 0.6 that it caught.
    share, probe = 0.3, 0.5
    text = STORY.format(audit=0.6, probe=probe, harm=1, more=together(share))
    summary = estimate_of(with_result(text, result))
    escaped = share * both + (1 - share) * alone * (1 - probe)
    others = 1.0 if result == "passed" else 0.0  # nothing else is ever flagged
    whole = 0.25 * alone + 0.75 * others
    assert summary["fates"]["catastrophe"]["mean"] == pytest.approx(
        0.25 * escaped / whole, abs=1e-14
    )
    assert summary["checks"]["probe"]["caught"]["schemer"]["mean"] == pytest.approx(
        1 - escaped / alone, abs=1e-14
    )


def test_uncertain_rates_of_a_known_result_by_quadrature() -> None:
    text = STORY.format(
        audit="{beta: [3, 2]}", probe="{beta: [2, 3]}", harm=1, more=together("{beta: [1, 1]}")
    )
    summary = estimate_of(with_result(text, "passed"))
    audit, probe = beta(3, 2), beta(2, 3)
    # P(the schemer passes both), over both rates: neither flags; the share enters by its mean.
    largest = quad(lambda x: 1 - audit.cdf(x) * probe.cdf(x), 0, 1, epsabs=1e-13)[0]
    escapes = 0.5 * (1 - largest) + 0.5 * (1 - audit.mean()) * (1 - probe.mean())
    whole = 0.25 * (1 - audit.mean()) + 0.75
    odds = summary["fates"]["catastrophe"]
    error = summary["diagnostics"]["standard_errors"]["catastrophe"]["mean"]
    assert 0 < error < 1e-3
    assert abs(odds["mean"] - 0.25 * escapes / whole) < 4 * error
