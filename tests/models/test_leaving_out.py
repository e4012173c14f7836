"""A story without some of its parts."""

import pytest
from support.building import OFF, SCHEMER, believe, tell

from storyodds.models.assessment.assessment import assess
from storyodds.models.sensitivity.leaving_out import without
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Check


@pytest.mark.parametrize("result", ["passed", "flagged"])
def test_without_a_check_that_was_run_its_result_says_nothing(result: str) -> None:
    audit = Check(id="audit", flags={"deceptive": 0.9, "default": 0.1}, result=result)
    told = tell({"a": believe(0.3)}, (SCHEMER, OFF), checks=[audit])
    changed = assess(without(resolve(told), [("check", "audit")]))
    assert changed.averaged.event("deceptive")[0] == pytest.approx(0.3, rel=1e-12)
    assert changed.draws.log_evidence == pytest.approx(0, abs=1e-12)
    written = assess(resolve(told)).averaged.event("deceptive")[0]
    ratio = 1 / 9 if result == "passed" else 9
    assert written / (1 - written) == pytest.approx(ratio * 3 / 7, rel=1e-12)
