"""Stories without a part, with fewer names, with fewer premises: against stories so written."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from support.building import OFF, believe, item, tell
from support.oracle import ImpossibleEvidence, solve
from support.oracle_process import route_chances, truths
from support.strategies import formulas, small_stories

from storyodds.models.assessment.assessment import assess
from storyodds.models.changes.what_if import Base, base_of
from storyodds.models.sensitivity.structure import (
    leave_one_out,
    merge_rivals,
    negated,
    restate,
    without_constraint,
    without_item,
)
from storyodds.models.story.events import EVENTS
from storyodds.priors.text.errors import InputError
from storyodds.scenarios.grammar.formulas import Formula, holds
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Check, Constraint, Nudge, Route
from storyodds.scenarios.story import Story

relaxed = settings(
    deadline=None,
    max_examples=8,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
SURE = 1e-9


def based(story: Story, **options: Any) -> Base:
    """Assess a story whose evidence is possible; another one is no example."""
    try:
        return base_of(assess(resolve(story), **options))
    except InputError:
        assume(False)
        raise


def answer(story: Story) -> list[float]:
    """Probabilities of all events by enumeration."""
    try:
        found = solve(story)
    except ImpossibleEvidence:
        assume(False)
        raise
    return [{**found.classes, **found.fates}[event] for event in EVENTS]


def without(story: Story, part: str, name: str) -> Story:
    """Write the story down without one part."""
    if part in ("check", "evidence"):
        field = {"check": "checks", "evidence": "evidence"}[part]
        kept = tuple(x for x in getattr(story, field) if x.id != name)
        return story.model_copy(update={field: kept})
    field = {"constraint": "constraints", "nudge": "nudges"}[part]
    kept = tuple(x for x in getattr(story.rationale, field) if x.id != name)
    rationale = story.rationale.model_copy(update={field: kept})
    return story.model_copy(update={"rationale": rationale})


# Leave-one-out


@relaxed
@given(small_stories(max_assumptions=4, max_routes=4))
def test_without_a_part_is_the_story_written_without_it(story: Story) -> None:
    answer(story)
    found = leave_one_out(based(story))
    rationale = story.rationale
    parts = (*rationale.constraints, *rationale.nudges, *story.checks, *story.evidence)
    assert [x.id for x in found] == [part.id for part in parts]
    for one in found:
        assert one.changed is not None
        expected = answer(without(story, one.part, one.id))
        assert one.changed.means == pytest.approx(expected, rel=SURE, abs=SURE), one.id
        assert not one.changed.errors.any()


UNCERTAIN = tell(
    {"a": believe({"beta": (4, 4)}), "b": believe({"interval": (0.2, 0.8)})},
    [
        Route(id="scheme", class_="deceptive", requires="a", bits={"interval": (-1, 2)}, harm=0.5),
        Route(id="proxy", class_="mesa-optimizer", requires="b", bits=0, harm=0.1),
        Route(id="something-else", class_="other", bits=-1, harm=0.01),
    ],
    constraints=[Constraint(id="k", holds="b", rules_out=("scheme",))],
    nudges=[Nudge(id="n", when="a", bits={"deceptive": {"interval": (0, 2)}})],
    checks=[Check(id="v", flags={"deceptive": {"beta": (3, 3)}, "default": 0.1})],
    evidence=[
        item("e", {"outcome": True}, counts={"hits": 2, "trials": 5},
             rates={"deceptive": {"beta": (6, 4)}, "default": 0.2}),
        # Wider than the prior of `a`, whose log odds have 1.1 bits: of a normal prior, weights that
        # take a forecast back have a Pareto k of 1 / (1 + (sd_bits / 1.1)**2), here 0.2, and no
        # finite variance from 0.5 on.
        item("f", {"assumption": "a"}, forecast=0.7, sd_bits=2.0),
    ],
)  # fmt: skip


def test_on_paired_draws_as_when_assessed_afresh() -> None:
    base = based(UNCERTAIN)
    for one in leave_one_out(base):
        again = based(without(UNCERTAIN, one.part, one.id)).means
        assert one.changed is not None
        assert not one.changed.refitted
        spread = base.events.std(axis=0) / np.sqrt(len(base.values))
        assert np.all(abs(one.changed.means - again) < 4 * (one.changed.errors + spread) + 1e-9)
    assert {one.part for one in leave_one_out(base)} == {"constraint", "nudge", "check", "evidence"}


def test_draws_that_do_not_serve_are_made_afresh() -> None:
    """Evidence so strong that the posterior has left the prior: weights cannot take it back."""
    finding = item("e", {"assumption": "a"}, forecast=0.999, sd_bits=0.3)
    story = tell({"a": believe({"interval": (0.01, 0.6)})}, evidence=[finding])
    (found,) = leave_one_out(based(story))
    assert found.changed is not None
    assert found.changed.refitted
    again = based(without(story, "evidence", "e")).means
    assert found.changed.means == pytest.approx(again, abs=0.01)


def test_edited_stories_keep_the_numbers_of_what_is_left() -> None:
    resolved = resolve(UNCERTAIN)
    assert without_constraint(resolved, 0).numbers == resolved.numbers
    left = {number.name for number in without_item(resolved, "e").numbers}
    assert {n.name for n in resolved.numbers} - left == {
        "e.rates.deceptive", "e.rates.default", "e.relevance",
    }  # fmt: skip


# Rivals by number


def rival(
    name: str, requires: Formula | None = None, bits: float = 0.0, harm: float = 0.0
) -> Route:
    return Route(id=name, class_="deceptive", requires=requires, bits=bits, harm=harm)


def test_three_names_for_one_rival() -> None:
    """1 of 4 equal routes intended with three names, 1 of 2 with one."""
    base = based(tell({}, [rival("x"), rival("y"), rival("z"), OFF]))
    (found,) = merge_rivals(base)
    assert base.means[EVENTS.index("intended")] == pytest.approx(1 / 4)
    assert found.changed is not None
    assert found.changed.means[EVENTS.index("intended")] == pytest.approx(1 / 2)
    assert found.routes == {"deceptive": ("x", "y", "z")}


def test_the_next_strongest_stands_in_where_the_strongest_is_closed() -> None:
    routes = [rival("weak", harm=0.1), rival("strong", "a", bits=2, harm=0.5), OFF]
    (found,) = merge_rivals(based(tell({"a": believe(0.3)}, routes)))
    assert found.routes == {"deceptive": ("strong", "weak")}
    assert found.changed is not None
    catastrophe = found.changed.means[EVENTS.index("catastrophe")]
    assert catastrophe == pytest.approx(0.3 * 4 / 5 * 0.5 + 0.7 * 1 / 2 * 0.1)


def test_one_name_and_the_residual_are_not_merged() -> None:
    routes = [rival("x"), Route(id="y", class_="other", bits=0, harm=0), OFF]
    assert merge_rivals(based(tell({}, routes))) == ()


@relaxed
@given(small_stories(max_assumptions=4, max_routes=5))
def test_merged_classes_by_enumeration(story: Story) -> None:
    """In every state, of a class's named open routes the first in order competes alone."""
    story = story.model_copy(update={"evidence": (), "checks": ()})  # a result is evidence too
    base = based(story)
    found = merge_rivals(base)
    assume(found)
    for merged in found:
        totals = dict.fromkeys(EVENTS[:4], 0.0)
        for truth, weight in truths(story):
            shares = {route.id: (route, p) for route, p in route_chances(story, truth) if p > 0}
            for routes in merged.routes.values():
                for name in [name for name in routes if name in shares][1:]:
                    del shares[name]
            whole = math.fsum(p for _, p in shares.values())
            for route, p in shares.values():
                totals[route.class_] += weight * p / whole
        assert merged.changed is not None
        expected = [totals[name] for name in EVENTS[:4]]
        assert merged.changed.means[:4] == pytest.approx(expected, rel=1e-6, abs=1e-9)


@given(formulas(("a", "b", "c")), st.lists(st.booleans(), min_size=3, max_size=3))
def test_negation(formula: Formula, values: list[bool]) -> None:
    truth = dict(zip("abc", values, strict=True))
    assert bool(holds(negated(formula), truth.__getitem__)) is not bool(
        holds(formula, truth.__getitem__)
    )


# Premises by number


def chain(*chances: float) -> Story:
    """A rival that needs all of some premises, and an observation of how it ended."""
    names = [f"p{k}" for k in range(len(chances))]
    finding = item("e", {"outcome": True}, bayes_factor={"deceptive": 1.5, "default": 0})
    return tell(
        {name: believe(p) for name, p in zip(names, chances, strict=True)},
        [rival("scheme", tuple(names), bits=1, harm=0.4), OFF],
        evidence=[finding],
    )


def test_fewer_premises_are_the_story_written_with_fewer() -> None:
    chances = (0.5, 0.8, 0.3)
    assessed = assess(resolve(chain(*chances)))
    (found,) = restate(assessed, base_of(assessed))
    typical = math.prod(chances) ** (1 / 3)
    assert found.per_premise == pytest.approx(typical)
    assert found.prior == pytest.approx(math.prod(chances))
    assert found.fewer[0] == pytest.approx(answer(chain(typical, typical)), rel=1e-9)
    assert found.fewer[1] == pytest.approx(answer(chain(typical)), rel=1e-9)
    posterior = solve(chain(*chances))
    again = solve(chain(typical, typical, typical))
    assert posterior.fates == pytest.approx(again.fates)  # as many premises change nothing


def test_premises_that_must_hold_are_not_restated() -> None:
    assessed = assess(resolve(chain(1.0, 1.0)))
    assert restate(assessed, base_of(assessed)) == ()
    lonely = assess(resolve(chain(0.5)))
    assert restate(lonely, base_of(lonely)) == ()
