"""How stories get to their fates: against enumeration, and against the estimate."""

import math
from collections import Counter
from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from support.building import OFF, SCHEMER, believe, tell
from support.many_routes import many_routes
from support.oracle import ImpossibleEvidence, condition
from support.oracle_process import Run, chance_of_any, flag_rates, harm_of, prior_runs
from support.strategies import small_stories

from storyodds import load_story
from storyodds.models.assessment.assessment import Assessment, assess
from storyodds.models.flows import shares
from storyodds.models.flows.flows import MOST, Flows, flows, links, merged
from storyodds.models.flows.shares import LEADING, leading, mutual_information
from storyodds.models.story.events import FATES
from storyodds.models.story.queries import Query
from storyodds.priors.text.errors import InputError, Problem, UnsupportedStoryError
from storyodds.reports.documents.estimate import summarize
from storyodds.scenarios.grammar.outcomes import CLASSES
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Check, Route
from storyodds.scenarios.story import Story

relaxed = settings(
    deadline=None,
    max_examples=12,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
BUNDLED = ("rlhf-assistant", "carlsmith-six-premises", "cat-classifier", "stem-ai")
STORIES = (*BUNDLED, "many-routes")


@pytest.fixture(scope="module")
def assessed() -> dict[str, Assessment]:
    texts = {name: load_story(name) for name in BUNDLED}
    texts["many-routes"] = many_routes()
    return {name: assess(resolve(story), draws=512) for name, story in texts.items()}


# --- against enumeration --------------------------------------------------------------------------


def ways_of(story: Story, run: Run, found: Flows) -> Counter[tuple[tuple[str, ...], bool]]:
    """What becomes of a run, by the names of its nodes and whether that is the worst path."""
    first = tuple("holds" if run.truth[name] else "does not hold" for name in found.information)
    model = run.route.class_
    if run.fired:
        hazards = story.goal.hazards
        model = "a goal hazard" if len(hazards) > 1 else hazards[0].id
    ways: Counter[tuple[tuple[str, ...], bool]] = Counter()
    path = found.worst
    caused = [hazard for hazard in run.fired if hazard.id == path.hazard]
    on_path = bool(caused) if path.hazard else path.route == run.route.id
    on_path &= all(run.truth[name] is value for name, value in path.literals)
    checks = [check for check in story.checks if check.result is None]
    passed = 1.0
    for check in checks:
        flags = chance_of_any(flag_rates([check], run.route, run.fired))
        way = (*first, run.route.id, model, check.id, "halted")
        ways[way, on_path and found.concern == 0] += run.weight * passed * flags
        passed *= 1 - flags
    for fate in FATES:
        if fate == "halted":
            continue
        way = (*first, run.route.id, model, *(("no check", fate) if checks else (fate,)))
        chance = run.weight * run.fate(fate)
        marked = chance if on_path and (fate == "catastrophe" or found.concern == 0) else 0.0
        if path.hazard and found.concern > 0:  # only what the hazard does itself
            marked = run.weight * run.passed * math.fsum(map(harm_of, caused)) * on_path
            marked *= fate == "catastrophe"
        ways[way, True] += marked
        ways[way, False] += chance - marked
    return ways


@relaxed
@given(small_stories(max_assumptions=4, max_routes=4))
def test_every_strand_by_enumeration(story: Story) -> None:
    try:
        runs = condition(story, prior_runs(story), False)[0]
        assessment = assess(resolve(story))
    except (ImpossibleEvidence, InputError):
        assume(False)
        raise
    found = flows(assessment)
    expected: Counter[tuple[tuple[str, ...], bool]] = Counter()
    for run in runs:
        expected.update(ways_of(story, run, found))
    told = {
        (tuple(found.steps[k].name for k in strand.steps), strand.worst): strand.probability
        for strand in found.strands
    }
    for way in told | expected:
        assert told.get(way, 0.0) == pytest.approx(expected[way], rel=1e-9, abs=1e-12), way
    for step in found.steps:
        assert (step.low, step.high) == pytest.approx([step.probability] * 2, rel=1e-9, abs=1e-12)


@relaxed
@given(small_stories(max_assumptions=4, max_routes=4))
def test_the_first_assumptions_tell_most(story: Story) -> None:
    try:
        runs = condition(story, prior_runs(story), False)[0]
        found = flows(assess(resolve(story)))
    except (ImpossibleEvidence, InputError):
        assume(False)
        raise
    bits = {}
    for name, spec in story.assumptions.items():
        if spec is not None and spec.holds_when is None:
            table = np.zeros((2, len(CLASSES), len(FATES)))
            for run in runs:
                for f, fate in enumerate(FATES):
                    share = run.weight * run.fate(fate)
                    table[int(run.truth[name]), CLASSES.index(run.route.class_), f] += share
            bits[name] = (
                entropy(table.sum(axis=0)) + entropy(table.sum(axis=(1, 2))) - entropy(table)
            )
    telling = {name: x for name, x in bits.items() if x > 0.01}
    assert len(found.information) == min(LEADING, len(telling))
    for name, x in found.information.items():
        assert x == pytest.approx(bits[name], abs=1e-9)
    on_path = [telling[name] for name, _ in found.worst.literals if name in telling]
    if on_path:
        assert max(on_path) in [bits[name] for name in found.information]
    if len(telling) > 1:
        passed_over = [x for name, x in telling.items() if name not in found.information]
        assert max(passed_over, default=0.0) <= max(found.information.values()) or on_path


def entropy(table: np.ndarray) -> float:
    return -math.fsum(p * math.log2(p) for p in table.ravel() if p > 0)


def test_mutual_information_does_not_need_a_sum_of_1() -> None:
    table = np.array([[0.2, 0.1], [0.05, 0.15]])
    whole = table.sum()
    expected = entropy(table.sum(axis=0) / whole) + entropy(table.sum(axis=1) / whole)
    assert mutual_information(table) == pytest.approx(expected - entropy(table / whole))


def test_mutual_information_of_tiny_chances() -> None:
    # One in 10^170 against its like: their product is no number any more.
    table = np.array([[1e-170, 0.0], [0.0, 1.0]])
    assert 0 <= mutual_information(table) < 1e-160


# --- nothing is lost, and nothing else is said than by the estimate -------------------------------


@pytest.mark.parametrize("name", STORIES)
def test_what_flows_in_flows_out(assessed: dict[str, Assessment], name: str) -> None:
    whole = flows(assessed[name])
    for found in (whole, merged(whole), merged(whole, 3)):
        every = links(found)
        last = len(found.columns) - 1
        for column in range(last + 1):
            steps = [k for k, step in enumerate(found.steps) if step.column == column]
            assert sum(found.steps[k].probability for k in steps) == pytest.approx(1, abs=1e-12)
            for k in steps:
                given_ = [link for link in every if link.target == k]
                taken = [link for link in every if link.source == k]
                for side in [given_] * (column > 0) + [taken] * (column < last):
                    total = sum(link.probability for link in side)
                    assert total == pytest.approx(found.steps[k].probability, rel=1e-9)
                if 0 < column < last:
                    worst = [sum(link.worst for link in side) for side in (given_, taken)]
                    assert worst[0] == pytest.approx(worst[1], rel=1e-9, abs=1e-15)
        for column in range(last):
            between = [link for link in every if found.steps[link.source].column == column]
            assert sum(link.worst for link in between) == pytest.approx(found.concern, rel=1e-9)


@pytest.mark.parametrize("name", STORIES)
def test_the_numbers_are_those_of_the_estimate(assessed: dict[str, Assessment], name: str) -> None:
    found, summary = flows(assessed[name]), summarize(assessed[name])
    by_kind = {
        kind: {s.name: (s.probability, s.low, s.high) for s in found.steps if s.kind == kind}
        for kind in ("route", "class", "fate")
    }
    hazards = sum(step.probability for step in found.steps if step.kind == "hazard")
    for kind, entries in (("route", "routes"), ("fate", "fates")):
        for key, entry in summary[entries].items():
            told = by_kind[kind].get(key, (0.0, 0.0, 0.0))
            expected = (entry["mean"], entry["q05"], entry["q95"])
            assert told == pytest.approx(expected, rel=1e-9, abs=1e-12)
    for key, entry in summary["classes"].items():
        told = by_kind["class"].get(key, (0.0,))[0] + hazards * (key == "intended")
        assert told == pytest.approx(entry["mean"], rel=1e-9)
    for column, key in enumerate(found.information):
        entry = summary["assumptions"][key]
        for step in found.steps:
            if step.column == column and step.name == "holds":
                assert step.probability == pytest.approx(entry["mean"], abs=1e-9)
                assert (step.low, step.high) == pytest.approx((entry["q05"], entry["q95"]))
    top = summary["paths"][0]
    assert found.concern == pytest.approx(top["concern"]["mean"])
    assert (found.worst.route, found.worst.hazard) == (top["route"], top["hazard"])


def test_how_assumptions_go_with_routes_is_what_all_draws_say(
    assessed: dict[str, Assessment],
) -> None:
    """What some hundred draws say, fitted, against the engine at every draw."""
    assessment = assess(resolve(load_story("rlhf-assistant")), draws=4096)
    found = flows(assessment)
    graph, averaged = assessment.prepared.graph, assessment.averaged
    first = next(iter(found.information))
    queries = [Query((r,), frozenset([(first, True)])) for r in range(len(graph.routes))]
    said = assessment.prepared.likelihoods
    asked = assessment.prepared.answers.evaluate(averaged.values, said, queries).queries
    joint = averaged.mean(asked)
    for r, route in enumerate(graph.routes):
        told = sum(
            strand.probability
            for strand in found.strands
            if found.steps[strand.steps[0]].name == "holds"
            and route.id
            in {found.steps[k].name for k in strand.steps if found.steps[k].kind == "route"}
        )
        assert told == pytest.approx(joint[r], abs=2e-3)


# --- special stories --------------------------------------------------------------------------


def test_without_harm_the_likeliest_failure_is_marked() -> None:
    harmless = Route(id="scheme", class_="deceptive", bits=0, harm=0)
    check = Check(id="v", flags={"default": 0.25})
    found = flows(assess(resolve(tell({}, [harmless, OFF], checks=[check]))))
    assert found.concern == 0
    marked = [strand for strand in found.strands if strand.worst]
    assert sum(strand.probability for strand in marked) == pytest.approx(0.5)
    assert {found.steps[strand.steps[-1]].name for strand in marked} == {"halted", "benign-failure"}


def test_without_assumptions_routes_come_first() -> None:
    found = flows(assess(resolve(tell({}, [OFF]))))
    assert found.columns == ("route", "model", "fate")
    assert not found.information


def test_an_assumption_that_tells_nothing_has_no_column() -> None:
    found = flows(assess(resolve(tell({"a": believe(0.5), "b": believe(0.5)}))))
    assert set(found.information) == {"a"}


def test_what_is_out_of_reach_is_left_out(assessed: dict[str, Assessment]) -> None:
    refusal = UnsupportedStoryError([Problem("too large")])
    whole = flows(assessed["cat-classifier"])
    with mock.patch.object(shares, "_joint_at_draws", side_effect=refusal):
        found = flows(assessed["cat-classifier"])
    assert whole.information
    assert found.columns == whole.columns[len(whole.information) :]
    fates = [
        {step.name: step.probability for step in story.steps if step.kind == "fate"}
        for story in (found, whole)
    ]
    assert fates[0] == pytest.approx(fates[1], rel=1e-9)


def test_simulated_states_are_asked_likewise() -> None:
    story = tell({"a": believe({"beta": [2, 3]})}, [SCHEMER, OFF])
    assessment = assess(resolve(story), method="simulation", draws=256)
    found = flows(assessment)
    assert sum(strand.probability for strand in found.strands) == pytest.approx(1, abs=1e-9)
    assert leading(assessment, found.worst).keys() == {"a"}


def test_the_likeliest_and_the_worst_are_not_merged(assessed: dict[str, Assessment]) -> None:
    whole = flows(assessed["many-routes"])
    routes = [step for step in whole.steps if step.kind == "route"]
    assert len(routes) == 50
    found = merged(whole)
    kept = {step.name for step in found.steps if step.kind == "route"}
    ranked = sorted(routes, key=lambda step: -step.probability)
    assert {step.name for step in ranked[: MOST - 1]} | {whole.worst.route} == kept
    assert whole.worst.route not in {step.name for step in ranked[:MOST]}
    (other,) = (step for step in found.steps if step.kind == "routes")
    assert other.name == f"{50 - MOST} other routes"
    rest = math.fsum(step.probability for step in routes if step.name not in kept)
    assert other.probability == pytest.approx(rest)
    assert merged(found) == found
    assert merged(whole, 50) == whole


def test_one_alone_is_not_merged(assessed: dict[str, Assessment]) -> None:
    whole = flows(assessed["many-routes"])
    assert merged(whole, 49) == whole
    assert len(merged(whole, 48).steps) == len(whole.steps) - 1


def test_the_same_again(assessed: dict[str, Assessment]) -> None:
    assert flows(assessed["stem-ai"]) == flows(replace(assessed["stem-ai"]))
