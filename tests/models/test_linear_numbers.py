"""What P(event, evidence) is linear in counts by its mean alone, however extreme its prior."""

import math
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from support.fixing import at_values, steps
from support.oracle import Answer, ImpossibleEvidence, solve
from support.strategies import small_stories, with_results

from storyodds.models.assessment.assessment import assess
from storyodds.priors.distributions.families import rate_like
from storyodds.reports.documents.estimate import summarize
from storyodds.scenarios.resolve import ResolvedStory, resolve
from storyodds.scenarios.serialize import to_data
from storyodds.scenarios.story import Story

PANEL = [{"by": f"Judge {k}", "value": [0.001 * k, 0.03 * k]} for k in range(1, 31)]
SURE = [{"by": "A", "value": 0, "weight": 3}, {"by": "B", "value": 1}, {"by": "C", "value": 0.4}]
EXTREME: tuple[Any, ...] = (
    {"beta": [0.05, 0.05]},
    {"interval": [1e-9, 0.999]},
    {"lognormal": {"mean": 1e-4, "error_factor": 100}},
    {"counts": {"hits": 0, "trials": 0}},
    {"uniform": [0, 1]},
    {"pool": PANEL},
    {"pool": SURE},
)
# Means of priors are integrals, some by quadrature; products of up to a dozen of them.
TOLERANCE = 1e-8


def spread_out(story: Story, data: st.DataObject) -> ResolvedStory:
    """Give every probability of a story but evidence rates a prior that is extreme."""
    written = to_data(story)
    for number in resolve(story).numbers:
        if number.kind == "bits" or number.key_path is None or ".rates." in number.key_path:
            continue
        *outer, last = steps(number.key_path)
        place: Any = written
        for step in outer:
            place = place[step]
        place[last] = data.draw(st.sampled_from(EXTREME))
    return resolve(Story.model_validate(written))


@settings(deadline=None, max_examples=15, suppress_health_check=list(HealthCheck))
@given(with_results(small_stories(max_assumptions=4, max_routes=4)), st.data())
def test_means_are_those_at_the_means_of_the_numbers(story: Story, data: st.DataObject) -> None:
    assume(all(item.forecast is None for item in story.evidence))
    resolved = spread_out(story, data)
    means = [float(rate_like(n.distribution).mean()) if n.kind == "probability" else 0.0
             for n in resolved.numbers]  # fmt: skip
    only = [i for i, n in enumerate(resolved.numbers) if n.kind == "probability"]
    try:
        answer = solve(at_values(resolved, means, only))
    except ImpossibleEvidence:
        assume(False)
    assessment = assess(resolved, draws=64)
    assume(not assessment.prepared.sampled)  # no result bears on a hazard
    same(summarize(assessment), answer)


def alike(found: float | None, expected: float | None) -> bool:
    if found is None or expected is None:
        return found is expected
    return math.isclose(found, expected, rel_tol=TOLERANCE, abs_tol=1e-15)


def same(summary: dict[str, Any], answer: Answer) -> None:
    for part in ("classes", "fates", "routes", "assumptions", "hazards", "criteria"):
        for name, expected in getattr(answer, part).items():
            entry = summary[part][name]
            assert alike(entry and entry["mean"], expected), (part, name)
    bits = {item["id"]: item["bits"] for item in summary["evidence"]["items"]}
    for item, by_class in answer.item_bits.items():
        for name, told in by_class.items():
            if bits[item][name] is not None:
                assert bits[item][name] == pytest.approx(told, rel=1e-6, abs=1e-6), (item, name)
    failure = summary["catastrophe_given_deployed_failure"]
    assert alike(failure and failure["mean"], answer.catastrophe_given_deployed_failure)
    assert summary["evidence"]["log_probability"] == pytest.approx(
        answer.log_evidence, rel=TOLERANCE, abs=TOLERANCE
    )
