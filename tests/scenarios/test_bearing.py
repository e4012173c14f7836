"""Which assumptions bear on which routes."""

from support.clean_story import with_parts

from storyodds import load_text
from storyodds.scenarios.bearing import bearing, closed

PARTS = """\
rationale:
  constraints:
    - {id: c, claim: It fits., holds: {any: [settled, not aware]}, rules_out: [schemer]}
  nudges:
    - {id: n, claim: It is quick., when: {at_least: 1, of: [quick, [aware, optimizes]]},
       bits: {mesa-optimizer: 1}}
assumptions:
  settled: {claim: It is settled., holds_when: [early, not late]}
  early: {claim: It is early., given: [{when: quick, probability: 0.5}, {otherwise: 0.1}]}
  late: {claim: It is late., probability: 0.5}
  quick: {claim: It is quick., probability: 0.5}
"""


def test_routes_have_what_they_need_what_nudges_them_and_what_rules_them_out() -> None:
    story = load_text(with_parts(PARTS), "story.yaml")
    assert bearing(story) == {
        "proxy-seeker": ("optimizes", "quick", "aware"),
        "schemer": ("aware", "optimizes", "settled"),
        "something-else": (),
    }


def test_what_decides_an_assumption_comes_with_it() -> None:
    story = load_text(with_parts(PARTS), "story.yaml")
    assert closed(story, ["settled"]) == {"settled", "early", "late", "quick"}
    assert closed(story, ["late", "aware"]) == {"late", "aware"}
    assert closed(story, []) == frozenset()
