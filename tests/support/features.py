"""A small story with what reports have to tell apart, and its estimate."""

from typing import Any

from storyodds import Story, load_text
from storyodds.models.assessment.assessment import assess
from storyodds.reports.documents.estimate import summarize
from storyodds.scenarios.resolve import resolve

FEATURES = """\
story: features
title: A story with checks of both kinds, a forecast that does nothing, and a mechanism
goal:
  specification: Asked.
  desirability: Meant well.
  hazards:
    - {id: bad-intent, criterion: alignment, probability: 0.1, harm: 0.01}
assumptions:
  aware: {claim: It knows., probability: 0.4}
  far: {claim: It looks far ahead., probability: [0.1, 0.4]}
routes:
  - {id: intended, class: intended, requires: not far}
  - {id: schemer, class: deceptive, requires: aware, bits: 1, harm: 5.0e-8, mechanism: scheming}
  - {id: twin, class: deceptive, requires: far, bits: [0, 1], harm: 0.2, mechanism: scheming}
  - {id: something-else, class: other, bits: -3, harm: 0}
checks:
  - {id: audit, flags: {deceptive: [0.2, 0.6], bad-intent: 0.5, default: 0.1}}
  - {id: probe, result: RESULT, flags: {deceptive: [0.2, 0.6], default: 0.1}}
evidence:
  - {id: aware-told, about: {assumption: aware}, forecast: 0.2, sd_bits: 2}
  - {id: far-told, about: {assumption: far}, forecast: 0.6, sd_bits: 1}
"""


def features_story(result: str) -> Story:
    """Give the story, the result of one of its checks being `passed` or `flagged`."""
    return load_text(FEATURES.replace("RESULT", result), "features.yaml")


def features(result: str) -> dict[str, Any]:
    """Give its estimate."""
    return summarize(assess(resolve(features_story(result)), draws=256))
