"""The random stories reach every feature: a property test is only as good as what it draws."""

import contextlib
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, find, settings
from hypothesis.errors import NoSuchExample
from support.strategies import MECHANISMS, small_stories

from storyodds.priors.distributions.forms import BitsPool, Counts, Fixed, Normal, ProbabilityPool
from storyodds.scenarios.grammar.formulas import AtLeast
from storyodds.scenarios.grammar.parts import rows_of
from storyodds.scenarios.lint.reading import is_nought
from storyodds.scenarios.story import Story

FEATURES: dict[str, Any] = {
    "composite of a composite": lambda s: any(
        spec.holds_when and "c" in str(spec.holds_when) for spec in s.assumptions.values()
    ),
    "given, several rows": lambda s: any(len(x.given or ()) > 2 for x in s.assumptions.values()),
    "at least": lambda s: any(isinstance(route.requires, AtLeast) for route in s.routes),
    "another intended route": lambda s: any(
        x.class_ == "intended" and x.id != "intended" for x in s.routes
    ),
    "closed intended route": lambda s: any(x.id == "intended" and x.requires for x in s.routes),
    "constraint by route": lambda s: any(
        {r.id for r in s.routes if r.id != "intended"} & set(x.rules_out)
        for x in s.rationale.constraints
    ),
    "nudge by route and class": lambda s: any(
        route.id != route.class_ and {route.id, route.class_} <= set(nudge.bits)
        for route in s.routes
        for nudge in s.rationale.nudges
    ),
    "flag rate by hazard": lambda s: any("h0" in check.flags for check in s.checks),
    "hazards of both criteria at once": lambda s: (
        {x.criterion for x in s.goal.hazards if x.harm and x.requires}
        == {"alignment", "competitiveness"}
    ),
    "two hazards named by one live check": lambda s: any(
        {"h0", "h1"} <= set(check.flags) and check.result is None for check in s.checks
    ),
    "flag rate by hazard of a known result": lambda s: any(
        "h0" in check.flags and check.result for check in s.checks
    ),
    "a check that passed and one still to come": lambda s: (
        {"passed", None} <= {check.result for check in s.checks}
    ),
    "two checks that flagged": lambda s: [x.result for x in s.checks].count("flagged") > 1,
    "two live checks": lambda s: [x.result for x in s.checks].count(None) > 1,
    "one mechanism, two routes": lambda s: any(
        [x.mechanism for x in s.routes].count(name) > 1 for name in MECHANISMS
    ),
    "two more intended routes, one that harms": lambda s: (
        sum(x.class_ == "intended" and x.id != "intended" for x in s.routes) > 1
        and any(x.class_ == "intended" and x.harm and not is_nought(x.harm) for x in s.routes)
    ),
    "relevance below one, about an assumption": lambda s: any(
        x.about.assumption and x.relevance and x.relevance.fixed < 1 for x in s.evidence
    ),
    "forecast of a class": lambda s: any(x.forecast and x.about.class_ for x in s.evidence),
    "forecast of an assumption": lambda s: any(
        x.forecast and x.about.assumption for x in s.evidence
    ),
    "relevance": lambda s: any(x.counts and x.relevance for x in s.evidence),
    "bits about an assumption": lambda s: any(
        x.bayes_factor and x.about.assumption for x in s.evidence
    ),
    "rate by route id": lambda s: any("r0" in (x.rates or {}) for x in s.evidence),
    "rate by rows about an assumption": lambda s: any(
        x.about.assumption and any(map(rows_of, (x.rates or {}).values())) for x in s.evidence
    ),
    "rate by rows about the outcome, less relevant": lambda s: any(
        x.about.outcome
        and any(map(rows_of, (x.rates or {}).values()))
        and x.relevance
        and 0 < x.relevance.fixed < 1
        for x in s.evidence
    ),
    "rates by rows of different conditions": lambda s: any(
        len({tuple(row.when for row in rows_of(rate)) for rate in (x.rates or {}).values()} - {()})
        > 1
        for x in s.evidence
    ),
    "bits by rows": lambda s: any(
        any(map(rows_of, (x.bayes_factor or {}).values())) for x in s.evidence
    ),
    "two items": lambda s: len(s.evidence) > 1,
}
UNCERTAIN: dict[str, Any] = {
    "pooled probability": lambda s: isinstance(s.routes[0].harm, ProbabilityPool),
    "pooled bits": lambda s: isinstance(s.routes[0].bits, BitsPool),
    "normal nudge": lambda s: any(
        isinstance(form, Normal) for x in s.rationale.nudges for form in x.bits.values()
    ),
    "counted rate": lambda s: any(
        isinstance(rate, Counts) for x in s.evidence for rate in (x.rates or {}).values()
    ),
    "uncertain relevance": lambda s: any(
        x.relevance and not isinstance(x.relevance, Fixed) for x in s.evidence
    ),
}

SEED = 1  # the same stories every time
MOST = 5000  # stories: a feature that these do not have is no feature of theirs


def missed(features: dict[str, Any], certain: bool, most: int = MOST) -> set[str]:
    """Features that no story has of those that are drawn one after the other."""
    left = set(features)

    def all_seen(story: Story) -> bool:
        left.difference_update([name for name in left if features[name](story)])
        return not left

    search = settings(
        deadline=None,
        max_examples=most,
        phases=[Phase.generate],
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    with contextlib.suppress(NoSuchExample):
        find(small_stories(certain=certain), all_seen, settings=search, random=Random(SEED))
    return left


@pytest.mark.parametrize(("features", "certain"), [(FEATURES, True), (UNCERTAIN, False)])
def test_random_stories_reach_every_feature(features: dict[str, Any], certain: bool) -> None:
    assert missed(features, certain) == set()


def test_a_feature_that_no_story_has_is_missed() -> None:
    never = {"none": lambda story: False, "any": lambda story: True}
    assert missed(never, True, most=5) == {"none"}
