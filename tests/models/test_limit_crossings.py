"""Which single number brings an answer to a limit, held to answers worked out by hand."""

from math import log

import pytest
from scipy.special import logit

from storyodds import load_text
from storyodds.models.assessment.assessment import Assessment, assess
from storyodds.models.changes import tipping
from storyodds.models.changes.limits import crossings
from storyodds.scenarios.resolve import resolve

# With no evidence P(catastrophe) is half of P(a): once a holds, r and intended are as likely.
HALF = """
story: half
title: Half of a
goal: {specification: S., desirability: D.}
assumptions:
  a: {probability: [0.1, 0.6]}
routes:
  - {id: r, class: deceptive, requires: a, bits: 0, harm: 1}
  - {id: something-else, class: other, bits: -60, harm: 0}
"""
LOW, HIGH = 0.1, 0.6
DEVIATE = 1.6448536269514722  # of a standard normal, at its 95 percent point


@pytest.fixture(scope="module")
def half() -> Assessment:
    return assess(resolve(load_text(HALF)), draws=512)


def tolerance(p: float) -> float:
    """How far off a value may be whose standard normal deviate is found to `_PRECISION`."""
    sd = (logit(HIGH) - logit(LOW)) / (2 * DEVIATE)
    return float(tipping._PRECISION * sd * p * (1 - p))


@pytest.mark.parametrize(("limit", "side"), [(0.1, "below"), (0.25, "above")])
def test_the_value_is_the_one_at_which_the_answer_meets_the_limit(
    half: Assessment, limit: float, side: str
) -> None:
    (crossing,) = crossings(half, "catastrophe", limit)
    assert crossing.number == "a.probability"
    assert crossing.side == side
    assert crossing.value == pytest.approx(2 * limit, abs=tolerance(2 * limit))


def test_a_limit_beyond_the_range_is_reached_by_nothing(half: Assessment) -> None:
    assert crossings(half, "catastrophe", 0.49) == ()


def test_bits_are_moved_as_probabilities_are() -> None:
    text = HALF.replace("{probability: [0.1, 0.6]}", "{probability: 0.5}")
    story = load_text(text.replace("bits: 0,", "bits: [-3, 3],"))
    (crossing,) = crossings(assess(resolve(story), draws=512), "catastrophe", 0.4)
    # P(catastrophe) = 0.5 * 2**b / (1 + 2**b), which is 0.4 where 2**b is 4.
    assert (crossing.number, crossing.kind, crossing.side) == ("r.bits", "bits", "above")
    sd = 3 / DEVIATE
    assert crossing.value == pytest.approx(log(4, 2), abs=tipping._PRECISION * sd)
