"""From a story to its assessment: special evidence, the choice of the method, the seed."""

import math
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from support.building import OFF, SCHEMER, believe, item, on_a_class, tell

from storyodds import load_story
from storyodds.models.assessment.assessment import Method, assess
from storyodds.priors.text.errors import InputError
from storyodds.reports.documents.estimate import summarize
from storyodds.scenarios.grammar.outcomes import CLASSES
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Evidence
from storyodds.scenarios.story import Story

FINDING = item(
    "finding", {"outcome": True}, bayes_factor={"deceptive": math.log2(20), "default": 0}
)


# --- special evidence ---------------------------------------------------------------------------


def test_no_evidence_returns_the_prior() -> None:
    story = load_story("rlhf-assistant").model_copy(update={"evidence": ()})
    assessment = assess(resolve(story), seed=4)
    assert assessment.draws.method == "weighting"
    assert assessment.draws.ok
    assert np.ptp(assessment.draws.weights) == 0
    summary = summarize(assessment)
    assert summary["evidence"]["log_probability"] == pytest.approx(0.0, abs=1e-12)
    assert summary["evidence"]["note"] is None and not summary["evidence"]["items"]
    for name in CLASSES:
        assert summary["classes"][name] == pytest.approx(summary["prior_classes"][name], rel=1e-12)
    for entry in summary["assumptions"].values():
        prior = entry.pop("prior")
        assert entry == pytest.approx(prior, rel=1e-12)


def opposed(prior: Any) -> Story:
    """A thousand trials for an assumption and a thousand against it."""
    rates = {"true": 0.999, "false": 0.001}
    return on_a_class(
        prior,
        [
            item("for", {"assumption": "a"}, counts={"hits": 1000, "trials": 1000}, rates=rates),
            item("against", {"assumption": "a"}, counts={"hits": 0, "trials": 1000}, rates=rates),
        ],
    )


@pytest.mark.parametrize("prior", [0.3, {"beta": [2, 3]}])
def test_contradictory_evidence_stays_finite_and_is_named(prior: Any) -> None:
    summary = summarize(assess(resolve(opposed(prior)), draws=512))
    expected = 1000 * math.log(0.999 * 0.001)
    assert summary["evidence"]["log_probability"] == pytest.approx(expected, rel=1e-9)
    assert "tiny" in summary["evidence"]["note"]
    for entry in summary["classes"].values():
        assert all(math.isfinite(x) for x in entry.values())
    # The two cancel to the last digit, so the prior is left.
    assert summary["assumptions"]["a"]["mean"] == pytest.approx(
        summary["assumptions"]["a"]["prior"]["mean"], rel=1e-9
    )


def never() -> list[Evidence]:
    rates: dict[str, Any] = {"deceptive": 0.0, "default": 0.0}
    return [item("seen", {"outcome": True}, counts={"hits": 1, "trials": 4}, rates=rates)]


@pytest.mark.parametrize("method", ["weighting", "nuts", "auto"])
@pytest.mark.parametrize("prior", [0.3, {"beta": [2, 3]}])
def test_impossible_evidence_is_refused(prior: Any, method: Method) -> None:
    with pytest.raises(InputError, match=r"impossible.*seen"):
        assess(resolve(on_a_class(prior, never())), method=method, draws=64)


def test_fixed_numbers_need_no_sampler() -> None:
    resolved = resolve(on_a_class(0.3, [FINDING]))
    for method in ("auto", "weighting", "nuts"):
        assessment = assess(resolved, method=method)
        summary = summarize(assessment)
        assert summary["method"] == "exact"
        told = summary["diagnostics"]
        assert (told["ok"], told["draws"], told["messages"]) == (True, 1, [])
        assert (told["means"], told["ess"], told["pareto_k"]) == ("exact", None, None)
        assert told["log_probability_error"] == 0.0
        assert not any(x for errors in told["standard_errors"].values() for x in errors.values())
        for entry in [*summary["classes"].values(), *summary["fates"].values()]:
            assert entry["mean"] == entry["median"] == entry["q05"] == entry["q95"]
    exact = 6 / 6.7  # odds 3 : 7, times 20; the other routes are 2**-60
    assert summary["classes"]["deceptive"]["mean"] == pytest.approx(exact, abs=1e-12)


def test_fixed_numbers_import_no_sampler() -> None:
    code = (
        "import sys; from storyodds import load_story;"
        "from storyodds.models.assessment.assessment import assess;"
        "from storyodds.scenarios.resolve import resolve;"
        "assess(resolve(load_story('carlsmith-six-premises')));"
        "found = {'scipy.stats', 'arviz', 'arviz_stats', 'pymc', 'nutpie', 'numba', 'xarray'};"
        "sys.exit(', '.join(found & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# --- from weighting to NUTS ---------------------------------------------------------------------


def sharp(priors: Sequence[Any]) -> Story:
    """Judges who are very sure of each assumption: prior draws hardly ever come near them."""
    names = [f"a{k}" for k in range(len(priors))]
    return tell(
        {name: believe(prior) for name, prior in zip(names, priors, strict=True)},
        evidence=[
            item(f"judge-{name}", {"assumption": name}, forecast=0.9, sd_bits=0.1) for name in names
        ],
        routes=(
            SCHEMER.model_copy(update={"requires": ("a0", "a1")}),
            OFF,
        ),
    )


def test_auto_goes_on_to_nuts_and_says_so() -> None:
    assessment = assess(resolve(sharp([{"beta": [1, 1]}] * 4)), draws=2000)
    assert assessment.draws.method == "nuts"
    assert any(
        "weighting was not good enough" in message and "NUTS was run" in message
        for message in assessment.draws.messages
    )
    # Beta(1, 1) against a judge's N(log2 9, 0.1 bits) on the log odds: all but the judge's.
    summary = summarize(assessment)
    for entry in summary["assumptions"].values():
        assert entry["mean"] == pytest.approx(0.9, abs=0.01)
    forced = assess(resolve(sharp([{"beta": [1, 1]}] * 4)), draws=2000, method="weighting")
    assert forced.draws.method == "weighting"
    assert not forced.draws.ok


def test_fixed_values_in_a_pool_are_sampled_by_themselves() -> None:
    """One judgment is that a3 is 0.2: against a judge who says 0.9 to a tenth of a bit, nothing."""
    pool = {"pool": [{"by": "A", "value": 0.2}, {"by": "B", "value": {"beta": [1, 1]}}]}
    assessment = assess(resolve(sharp([{"beta": [1, 1]}, pool])), method="nuts", draws=64)
    assert assessment.draws.method == "nuts"
    assert assessment.draws.ok, assessment.draws.messages
    believed = assessment.averaged.mean(assessment.averaged.assumptions)
    # As in the test before: the uniform prior leaves the judge's N(log2 9, 0.1 bits) as it is.
    np.testing.assert_allclose(believed, 0.9, atol=0.01)


def test_too_many_combinations_of_judgments_are_refused() -> None:
    pool = {"pool": [{"by": f"J{k}", "value": [k / 10, 0.9]} for k in (1, 2, 3)]}
    resolved = resolve(sharp([pool] * 4))
    assessment = assess(resolved, draws=256)
    assert assessment.draws.method == "weighting"
    assert not assessment.draws.ok
    assert not summarize(assessment)["diagnostics"]["ok"]
    assert any("NUTS cannot take over" in message for message in assessment.draws.messages)
    with pytest.raises(InputError, match="81 combinations of judgments"):
        assess(resolved, method="nuts", draws=64)


def test_a_pool_of_fixed_values_is_its_mean() -> None:
    """What P(evidence) is linear in is not sampled, however it is spread."""
    pool = {"pool": [{"by": "A", "value": 0.1}, {"by": "B", "value": 0.5}]}
    assessment = assess(resolve(on_a_class(pool, [FINDING])), draws=1024)
    assert assessment.draws.ok
    assert assessment.draws.diagnostics["pareto_k"] is None
    # P(deceptive) is (0.1 + 0.5) / 2 before a likelihood ratio of 20.
    summary = summarize(assessment)["classes"]["deceptive"]
    assert summary["mean"] == pytest.approx(20 * 0.3 / (20 * 0.3 + 0.7), abs=1e-14)
    # The interval's ends are what either expert would say, given the finding.
    ends = [20 * p / (20 * p + 1 - p) for p in (0.1, 0.5)]
    assert [summary["q05"], summary["q95"]] == pytest.approx(ends, abs=1e-12)


# --- seeds --------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["weighting", "nuts"])
def test_the_seed_decides_the_draws(method: Method) -> None:
    resolved = resolve(on_a_class({"beta": [0.5, 2]}, [FINDING]), settings={"scheme.bits": [2, 4]})
    first, again, other = (
        assess(resolved, method=method, draws=400, seed=seed) for seed in (7, 7, 8)
    )
    assert first.draws.method == method
    np.testing.assert_array_equal(first.draws.values, again.draws.values)
    assert summarize(first) == summarize(again)
    assert not np.array_equal(first.draws.values, other.draws.values)
