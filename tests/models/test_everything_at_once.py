"""One story in which numbers are shared, rates depend on states, and checks fail together."""

from statistics import NormalDist

import numpy as np
import pytest
from support.oracle import odds, solve

from storyodds import load_text
from storyodds.models.assessment.assessment import assess
from storyodds.models.engine import evaluation
from storyodds.models.posterior.prepared import prepare
from storyodds.reports.documents.estimate import summarize
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.story import Story

STORY = """\
story: everything
title: Everything at once
goal:
  specification: x
  desirability: y
  optimization: open-ended
  hazards:
    - id: hazard
      criterion: alignment
      probability: {given: [{when: aware is high, probability: 0.3}, {otherwise: 0.05}]}
      harm: BAD
assumptions:
  aware: {states: {low: 0.5, medium: 0.3, high: 0.2}}
  far: {probability: 0.2}
routes:
  - {id: schemer, class: deceptive, requires: [far, not aware is low], bits: 0.5, harm: BAD}
  - id: something-else
    class: other
    bits: -1
    harm: {given: [{when: far, probability: BAD}, {otherwise: 0.01}]}
checks:
  - id: audit
    flags:
      deceptive: {given: [{when: aware is high, probability: 0.05}, {otherwise: CATCH}]}
      hazard: 0.2
      default: 0.02
  - {id: probe, flags: {deceptive: CATCH, hazard: 0.1, default: 0.01}}
common_cause:
  - {checks: [audit, probe], share: {deceptive: 0.4, hazard: 0.5, default: 0}}
evidence:
  - id: seen
    about: {assumption: aware}
    counts: {hits: 3, trials: 10}
    rates: {low: 0.1, medium: 0.3, high: CATCH}
  - {id: told, about: {assumption: far}, bayes_factor: {true: 1}}
"""
BAD, CATCH = (0.02, 0.3), (0.3, 0.8)  # 90% intervals of the two numbers that have several uses
SHARED = f"""numbers:
  bad: {{interval: {list(BAD)}, kind: probability}}
  catch: {{interval: {list(CATCH)}, kind: probability}}
"""


def written(bad: object, catch: object, more: str = "") -> Story:
    text = STORY.replace("BAD", str(bad)).replace("CATCH", str(catch))
    return load_text(text + more, "everything.yaml")


def shared() -> Story:
    return written("{number: bad}", "{number: catch}", SHARED)


def logit_normal(ends: tuple[float, float], z: float) -> float:
    low, high = (np.log(end / (1 - end)) for end in ends)
    spread = (high - low) / 2 / NormalDist().inv_cdf(0.95)
    return float(1 / (1 + np.exp(-(low + high) / 2 - spread * z)))


@pytest.mark.parametrize(("bad", "catch"), [(0.1, 0.6), (0.9, 0.01), (0.0, 1.0)])
def test_fixed_numbers_by_enumeration(bad: float, catch: float) -> None:
    numbers = f"numbers:\n  bad: {{fixed: {bad}, kind: probability}}\n"
    numbers += f"  catch: {{fixed: {catch}, kind: probability}}\n"
    story = written("{number: bad}", "{number: catch}", numbers)
    summary, answer = summarize(assess(resolve(story))), solve(written(bad, catch))
    for key in ("classes", "routes", "fates", "assumptions", "hazards"):
        for name, mean in getattr(answer, key).items():
            if " is " in name or name != "aware":
                assert summary[key][name]["mean"] == pytest.approx(mean, abs=1e-12), (key, name)
    for name in answer.checks_added:
        entry = summary["checks"][name]
        assert entry["added"]["mean"] == pytest.approx(answer.checks_added[name], abs=1e-12)
        for route, caught in answer.checks_caught[name].items():
            found = entry["caught"][route]
            assert (found and found["mean"]) == pytest.approx(caught, abs=1e-12)


def test_uncertain_numbers_by_quadrature() -> None:
    nodes, weights = np.polynomial.hermite_e.hermegauss(16)
    total, fates = 0.0, dict.fromkeys(("success", "halted", "catastrophe"), 0.0)
    for z_bad, w_bad in zip(nodes, weights, strict=True):
        for z_catch, w_catch in zip(nodes, weights, strict=True):
            table, log_evidence = odds(
                written(logit_normal(BAD, z_bad), logit_normal(CATCH, z_catch))
            )
            weight = w_bad * w_catch * np.exp(log_evidence)
            total += weight
            for name in fates:
                fates[name] += weight * table[name]
    summary = summarize(assess(resolve(shared()), seed=3))
    errors = summary["diagnostics"]["standard_errors"]
    for name, part in fates.items():
        error = errors[name]["mean"]
        assert 0 < error < 2e-3
        # Four errors of the mean, and what 16 nodes leave of a smooth integral.
        assert abs(summary["fates"][name]["mean"] - part / total) < 4 * error + 1e-6, name


def test_derivatives_against_steps() -> None:
    prepared = prepare(resolve(shared()))
    program, likelihoods = prepared.likelihood, prepared.likelihoods
    values = np.repeat(prepared.center[None], 3, axis=0)
    i, step = prepared.resolved.number_index["catch"], 1e-5
    logit = np.log(values[0, i] / (1 - values[0, i]))
    for row, moved in enumerate((logit, logit + step, logit - step)):
        values[row, i] = 1 / (1 + np.exp(-moved))
    evaluated = evaluation.evaluate(program, values, likelihoods, np.ones((1, 1)))
    slope = evaluation.gradient(program, evaluated)[0, 0, i]
    logs = evaluated.log_roots[:, 0]
    assert slope == pytest.approx((logs[1] - logs[2]) / (2 * step), rel=1e-7)
