"""Versions of a story with some of the changes between them."""

from typing import Any

import pytest
from support.building import OFF, SCHEMER, believe, item, tell

from storyodds.models.assessment.assessment import assess
from storyodds.models.comparison.sides import of_assessment
from storyodds.scenarios.edits import Change, can_be_mixed, changes_between, with_changes
from storyodds.scenarios.loader import load_story
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Assumption, Check, Constraint, Nudge, Route
from storyodds.scenarios.story import Story

SCHEME = Route(id="scheme", class_="deceptive", requires="a", bits=1, harm=0.5)
PROXY = Route(id="proxy", class_="mesa-optimizer", requires="b", bits=1, harm=0.2)


def told(*routes: Route, flagged: float = 0.5, push: bool = False, **rates: float) -> Story:
    """A story of some routes, with the rates at which a finding comes about."""
    seen = item(
        "pilot",
        {"outcome": True},
        counts={"hits": 1, "trials": 9},
        rates={"scheme": 0.3, "default": 0.1, **rates},
    )
    return tell(
        {"a": believe(0.3), **({"b": believe(0.7)} if PROXY in routes else {})},
        (SCHEME, *routes, OFF),
        checks=[Check(id="audit", flags={"deceptive": flagged, "default": 0.1})],
        nudges=[Nudge(id="push", when="b", bits={"proxy": -1})] if push else (),
        evidence=[seen],
    )


def old() -> Story:
    return told()


def new() -> Story:
    """A route more, which the finding and a nudge name, on an assumption more."""
    return told(PROXY, flagged=0.9, push=True, proxy=0.6)


def means(resolved: Any) -> Any:
    return of_assessment(assess(resolved)).means


def test_what_differs() -> None:
    changes = changes_between(resolve(old()), resolve(new()))
    assert set(changes) == {
        Change("nudge", "push", "added"),
        Change("route", "proxy", "added"),
        Change("number", "audit.flags.deceptive"),
        Change("evidence", "pilot"),
    }
    back = changes_between(resolve(new()), resolve(old()))
    assert {(c.name, c.how) for c in back} >= {("push", "removed"), ("proxy", "removed")}
    assert changes_between(resolve(old()), resolve(old())) == ()


def test_words_change_nothing() -> None:
    story = old()
    again = story.model_copy(update={"title": "Other words", "summary": "More of them."})
    assert changes_between(resolve(story), resolve(again)) == ()


@pytest.mark.parametrize("back", [False, True])
def test_none_and_all_of_the_changes(back: bool) -> None:
    stories = [resolve(old()), resolve(new())]
    first, second = stories[::-1] if back else stories
    changes = changes_between(first, second)
    assert means(with_changes(first, second, ())) == pytest.approx(means(first), abs=1e-14)
    assert means(with_changes(first, second, changes)) == pytest.approx(means(second), abs=1e-14)


def test_some_of_the_changes() -> None:
    """The route without the rate for it, and the rate without the route: the first counts as any
    other does, the second says nothing."""
    first, second = resolve(old()), resolve(new())
    by_name = {change.name: change for change in changes_between(first, second)}
    finding = with_changes(first, second, [by_name["pilot"]])
    assert means(finding) == pytest.approx(means(first), abs=1e-14)
    made = with_changes(first, second, [by_name["proxy"]])
    assert means(made) == pytest.approx(means(resolve(told(PROXY))), abs=1e-14)


def test_any_two_stories_can_be_mixed() -> None:
    names = ("cat-classifier", "coinrun-agent", "carlsmith-six-premises")
    first, second, _ = (resolve(load_story(name)) for name in names)
    assert can_be_mixed(first, second)
    changes = changes_between(first, second)
    made = with_changes(first, second, changes)
    assert {n.name for n in second.numbers} <= {n.name for n in made.numbers} | {
        "rationale.feasibility"
    }


def test_what_cannot_be_mixed() -> None:
    def depends(on: str, other: str) -> Story:
        route = SCHEMER.model_copy(update={"requires": on})
        return tell({other: believe(0.5), on: Assumption(holds_when=other)}, (route, OFF))

    assert not can_be_mixed(resolve(depends("a", "b")), resolve(depends("b", "a")))
    constraint = Constraint(id="a", holds="b", rules_out=("scheme",))
    route = SCHEMER.model_copy(update={"requires": "b"})
    other = tell({"b": believe(0.5)}, (route, OFF), constraints=[constraint])
    assert not can_be_mixed(resolve(old()), resolve(other))
