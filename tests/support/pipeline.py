"""The story of the guide to stages: three stages, one of which a check may repeat."""

import re
from functools import cache
from pathlib import Path

from storyodds import load_text
from storyodds.models.assessment.assessment import Assessment, assess
from storyodds.reports.contract.estimate import Estimate
from storyodds.reports.documents.estimate import summarize
from storyodds.scenarios.resolve import resolve

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "stages.md"


@cache
def pipeline_text() -> str:
    """The story as the guide has it."""
    match = re.search(r"```yaml\n# pipeline\.yaml\n(.*?)```", GUIDE.read_text("utf-8"), re.S)
    assert match is not None
    return match[1]


@cache
def pipeline() -> Assessment:
    """The story, assessed."""
    return assess(resolve(load_text(pipeline_text()), standard=True), draws=512)


@cache
def pipeline_estimate() -> Estimate:
    """What `estimate --json` gives of it."""
    return summarize(pipeline())
