"""The oracle on random stories: laws of probability, and the same story in other words."""

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import strategies as st
from support.oracle import Answer, ImpossibleEvidence, condition, expected_likelihoods, solve
from support.oracle_importance import joints
from support.oracle_process import Literals, prior_runs
from support.rephrasing import is_of_one_row, mean_bits, negated, opposite, reordered
from support.strategies import small_stories

from storyodds.scenarios.grammar.parts import numbers_of, rows_of
from storyodds.scenarios.schema import Evidence
from storyodds.scenarios.story import Story

# Sums of at most some thousand positive terms, each a product of a few dozen factors that are
# right to 2^-53: relative errors of a few hundred times 1e-16.
EXACT = 1e-12
# Below, products of such weights with rates as small as 1e-12 leave the range of full digits.
SMALLEST_WEIGHT = 1e-200

SLOW = settings(deadline=None, max_examples=50, suppress_health_check=list(HealthCheck))
close = pytest.approx


def solve_or_pass(story: Story) -> Answer:
    try:
        return solve(story)
    except ImpossibleEvidence:
        reject()


def assume_full_digits(story: Story) -> None:
    """Leave out stories with runs so unlikely that ratios of them have no digits."""
    try:
        runs, _ = condition(story, prior_runs(story), collapse=False)
    except ImpossibleEvidence:
        return
    assume(all(run.weight == 0.0 or run.weight > SMALLEST_WEIGHT for run in runs))


def check_same(one: Any, other: Any, where: str = "") -> None:
    """Hold two answers to each other, number by number."""
    if isinstance(one, Mapping):
        assert set(one) == set(other), where
        for key in one:
            check_same(one[key], other[key], f"{where} {key}")
    elif isinstance(one, float) and isinstance(other, float):
        assert one == close(other, rel=EXACT, abs=EXACT), where
    else:
        assert one == other, where


# --- the laws of probability --------------------------------------------------------------------


def everything_adds_up(story: Story, answer: Answer) -> None:
    for whole in (answer.classes, answer.prior_classes, answer.routes, answer.fates):
        assert math.fsum(whole.values()) == close(1.0)
    class_of = {"intended": "intended"} | {route.id: route.class_ for route in story.routes}
    for name, total in answer.classes.items():
        parts = [answer.routes[route] for route in answer.routes if class_of[route] == name]
        assert total == close(math.fsum(parts), abs=1e-15)
    assert 0 <= answer.false_alarm <= answer.fates["halted"] + EXACT
    for name, total in (answer.routes | answer.hazards).items():
        parts = [path.probability for key, path in answer.paths.items() if key[0] == name]
        if class_of.get(name) != "intended":
            assert max(parts, default=0) - EXACT <= total <= math.fsum(parts) + EXACT


def what_hazards_do_is_within_its_bounds(story: Story, answer: Answer) -> None:
    intended = answer.classes["intended"]
    for total in answer.hazards.values():
        assert 0 <= total <= intended + EXACT
    for key, criterion in (
        ("goal_alignment", "alignment"),
        ("goal_competitiveness", "competitiveness"),
    ):
        hazards = {x.id for x in story.goal.hazards if x.criterion == criterion}
        made, ended = answer.criteria[key], answer.criteria_given_intended[key]
        assert made is not None and -EXACT <= made <= 1 + EXACT
        assert hazards or made == close(1.0)
        if ended is not None:  # at least one of them fires, and at most all
            chances = [answer.hazards_given_intended[name] or 0.0 for name in hazards]
            assert max(chances, default=0) - EXACT <= 1 - ended <= math.fsum(chances) + EXACT
    success = answer.fates["success"] + answer.false_alarm
    assert success <= intended + EXACT


def the_odds_given_deployment_add_up(story: Story, answer: Answer) -> None:
    deployed, halted = answer.deployed, answer.fates["halted"]
    if deployed is None:
        assert halted == close(1.0)
        return
    assert deployed["probability"] == close(1 - halted, abs=EXACT)
    fates = ("success", "uncompetitive", "benign-failure", "catastrophe")
    assert math.fsum(deployed[name] for name in fates) == close(1.0)
    assert math.fsum(deployed["classes"].values()) == close(1.0)
    assert all(extra >= -EXACT for extra in answer.checks_added.values())


def with_every_check_passed_the_posterior_is_the_odds_given_deployment(
    story: Story, answer: Answer
) -> None:
    deployed = answer.deployed
    if story.common_cause:  # of checks whose results are not known
        return
    passed = tuple(
        check if check.result else check.model_copy(update={"result": "passed"})
        for check in story.checks
    )
    known = story.model_copy(update={"checks": passed})
    if deployed is None:
        with pytest.raises(ImpossibleEvidence):
            solve(known)
        return
    again = solve(known)
    assert again.classes == close(deployed["classes"], abs=EXACT)
    assert again.fates["halted"] == 0
    for name in ("success", "uncompetitive", "benign-failure", "catastrophe"):
        assert again.fates[name] == close(deployed[name], abs=EXACT)


def importance_speaks_of_the_same_events(story: Story, answer: Answer) -> None:
    for event in ("intended", "deceptive", "catastrophe"):
        (found,) = joints(story, (event,))
        whole = (answer.classes | answer.fates)[event]
        assert found.event == close(whole, abs=1e-15)
        for name in story.assumptions:
            assert found.chances[name, True] == close(answer.assumptions[name], abs=1e-15)
            sides = found.joint[name, True] + found.joint[name, False]
            assert sides == close(whole, abs=1e-15)
        for literal, chance in found.paths.items():
            assert -EXACT <= chance <= found.joint[literal] + EXACT


def averaging_fixed_numbers_changes_nothing(story: Story, answer: Answer) -> None:
    averaged = solve(story, collapse=True)
    assert averaged.log_evidence == close(answer.log_evidence, rel=1e-9, abs=1e-9)
    assert averaged.fates == close(answer.fates, rel=1e-9, abs=1e-12)


LAWS = (
    everything_adds_up,
    what_hazards_do_is_within_its_bounds,
    the_odds_given_deployment_add_up,
    with_every_check_passed_the_posterior_is_the_odds_given_deployment,
    importance_speaks_of_the_same_events,
    averaging_fixed_numbers_changes_nothing,
)


@SLOW
@given(small_stories())
def test_every_law_holds(story: Story) -> None:
    """One answer is held to all of them: to draw a story takes longer than to look at it."""
    answer = solve_or_pass(story)
    for law in LAWS:
        law(story, answer)


# --- findings -----------------------------------------------------------------------------------


def findings_in_rows(story: Story) -> Iterator[Evidence]:
    """Every finding, with a number of any row in the place of those that depend on assumptions."""
    for item in story.evidence:
        field = "rates" if item.rates else "bayes_factor"
        table = getattr(item, field) or {}
        for chosen in itertools.product(*map(numbers_of, table.values())):
            yield item.model_copy(update={field: dict(zip(table, chosen, strict=True)) or None})


def averages_are_probabilities(story: Story) -> None:
    for item in findings_in_rows(story):
        if item.counts:
            assert all(0 <= mean <= 1 + 1e-12 for mean in expected_likelihoods(item).values())


def relevance_bounds_what_a_finding_can_say(story: Story) -> None:
    for item in findings_in_rows(story):
        if item.relevance is None or item.forecast is not None:
            continue
        sharp = expected_likelihoods(item.model_copy(update={"relevance": None}))
        table = expected_likelihoods(item)
        # What is blind is their mean: the sum is the same, so the mean relevance is a ratio.
        assert math.fsum(table.values()) == close(math.fsum(sharp.values()))
        low, high = min(sharp, key=sharp.__getitem__), max(sharp, key=sharp.__getitem__)
        spread = sharp[high] - sharp[low]
        if len(sharp) != 2 or spread < 1e-3 * sharp[high]:  # too alike to divide by
            continue
        share = (table[high] - table[low]) / spread
        assert -1e-9 <= share <= 1 + 1e-9
        assert table[high] * (1 - share) <= table[low] * (1 + share) + 1e-9 * table[high]


@SLOW
@given(small_stories(certain=False))
def test_averages_of_random_items(story: Story) -> None:
    averages_are_probabilities(story)
    relevance_bounds_what_a_finding_can_say(story)


# --- in other words -----------------------------------------------------------------------------


def told_back(answer: Answer, name: str, bits: float) -> Answer:
    """Say of an assumption what was said of its opposite."""

    def turned(table: dict[str, float]) -> dict[str, float]:
        kept = {key: chance for key, chance in table.items() if key != opposite(name)}
        return kept | {name: 1.0 - table[opposite(name)]}

    def literals(way: Literals) -> Literals:
        other = {(key, want) for key, want in way if key == opposite(name)}
        return (way - other) | {(name, not want) for _, want in other}

    return replace(
        answer,
        log_evidence=answer.log_evidence + bits * math.log(2.0),
        assumptions=turned(answer.assumptions),
        prior_assumptions=turned(answer.prior_assumptions),
        paths={(key, literals(way)): path for (key, way), path in answer.paths.items()},
    )


def check_rephrased(one: Story, other: Story, name: str | None = None) -> None:
    """Hold a story to another that says the same, of the opposite of `name` if there is one."""
    try:
        answer = solve(one)
    except ImpossibleEvidence:
        with pytest.raises(ImpossibleEvidence):
            solve(other)
        return
    again = solve(other)
    if name is not None:
        items = [item for item in one.evidence if item.about.assumption == name]
        again = told_back(again, name, math.fsum(map(mean_bits, items)))
    check_same(asdict(again), asdict(answer))


@SLOW
@given(small_stories(), st.data())
def test_every_assumption_may_be_turned_round(story: Story, data: st.DataObject) -> None:
    assume(story.assumptions)
    name = data.draw(st.sampled_from(sorted(story.assumptions)))
    assume(all(is_of_one_row(x) for x in story.evidence if x.about.assumption == name))
    # 1 - p need not give p back to the last digit, 1 - (1 - (1 - p)) gives 1 - p.
    story = negated(negated(story, name), opposite(name))
    assume_full_digits(story)
    check_rephrased(story, negated(story, name), name)


@SLOW
@given(small_stories(), st.integers(0, 1000))
def test_order_means_nothing(story: Story, seed: int) -> None:
    assume_full_digits(story)
    check_rephrased(story, reordered(story, seed))


@SLOW
@given(small_stories(certain=False), st.data())
def test_other_words_are_valid_stories(story: Story, data: st.DataObject) -> None:
    """Read again from what they hold, so that every rule of the format is asked."""
    for name in story.assumptions:
        if not all(is_of_one_row(x) for x in story.evidence if x.about.assumption == name):
            continue
        other = negated(story, name)
        assert Story.model_validate(other.model_dump(by_alias=True)) == other
        assert set(other.assumptions) == {*story.assumptions, opposite(name)} - {name}
    other = reordered(story, data.draw(st.integers(0, 1000)))
    assert Story.model_validate(other.model_dump(by_alias=True)) == other


@SLOW
@given(small_stories(certain=False), st.data())
def test_averaged_findings_may_be_turned_round(story: Story, data: st.DataObject) -> None:
    """Uncertain rates, relevance and bits, each under its hypothesis."""
    items = [x for x in story.evidence if x.about.assumption and x.forecast is None]
    items = [x for x in items if not any(map(rows_of, (x.rates or x.bayes_factor or {}).values()))]
    assume(items)
    item = data.draw(st.sampled_from(items))
    (other,) = (x for x in negated(story, str(item.about.assumption)).evidence if x.id == item.id)
    table, turned = expected_likelihoods(item), expected_likelihoods(other)
    factor = 2.0 ** mean_bits(item)
    assert turned["false"] * factor == close(table["true"], rel=1e-9)
    assert turned["true"] * factor == close(table["false"], rel=1e-9)
