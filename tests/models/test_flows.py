"""How stories get to their fates: against enumeration, and against the estimate."""

import math
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, assume, given, settings
from support.building import OFF, SCHEMER, believe, tell
from support.many_routes import many_routes
from support.oracle import ImpossibleEvidence, condition
from support.oracle_process import Run, harm_of, prior_runs
from support.strategies import small_stories

from storyodds import load_story
from storyodds.models.assessment.assessment import Assessment, assess
from storyodds.models.flows.flows import Flows, flows, links
from storyodds.models.story.events import FATES
from storyodds.priors.text.errors import InputError
from storyodds.reports.documents.estimate import summarize
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
    for k, check in enumerate(checks):
        before, after = (run.passed_by(checks[:n]) for n in (k, k + 1))
        way = (run.route.id, model, check.id, "halted")
        ways[way, on_path and found.concern == 0] += run.weight * (before - after)
    for fate in FATES:
        if fate == "halted":
            continue
        way = (run.route.id, model, *(("no check", fate) if checks else (fate,)))
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


# --- nothing is lost, and nothing else is said than by the estimate -------------------------------


@pytest.mark.parametrize("name", STORIES)
def test_what_flows_in_flows_out(assessed: dict[str, Assessment], name: str) -> None:
    found = flows(assessed[name])
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
    top = summary["paths"][0]
    assert found.concern == pytest.approx(top["concern"]["mean"])
    assert (found.worst.route, found.worst.hazard) == (top["route"], top["hazard"])


# --- special stories --------------------------------------------------------------------------


def test_without_harm_the_likeliest_failure_is_marked() -> None:
    harmless = Route(id="scheme", class_="deceptive", bits=0, harm=0)
    check = Check(id="v", flags={"default": 0.25})
    found = flows(assess(resolve(tell({}, [harmless, OFF], checks=[check]))))
    assert found.concern == 0
    marked = [strand for strand in found.strands if strand.worst]
    assert sum(strand.probability for strand in marked) == pytest.approx(0.5)
    assert {found.steps[strand.steps[-1]].name for strand in marked} == {"halted", "benign-failure"}


def test_what_no_check_can_halt_has_no_column_of_checks() -> None:
    assert flows(assess(resolve(tell({}, [OFF])))).columns == ("route", "model", "fate")


def test_simulated_states_are_asked_likewise() -> None:
    story = tell({"a": believe({"beta": [2, 3]})}, [SCHEMER, OFF])
    assessment = assess(resolve(story), method="simulation", draws=256)
    found = flows(assessment)
    assert sum(strand.probability for strand in found.strands) == pytest.approx(1, abs=1e-9)


def test_the_same_again(assessed: dict[str, Assessment]) -> None:
    assert flows(assessed["stem-ai"]) == flows(replace(assessed["stem-ai"]))


def test_checks_that_share_a_rate_stop_what_they_stop_with_it_written_out() -> None:
    hazard = {"id": "drift", "criterion": "alignment", "probability": 0.5, "harm": 0.4}

    def story(rate: object) -> Story:
        checks = [{"id": x, "flags": {"drift": rate, "default": 0.1}} for x in ("first", "second")]
        return Story.model_validate(
            {
                "story": "shared",
                "title": "Two checks, one rate",
                "goal": {"specification": "x", "desirability": "y", "hazards": [hazard]},
                "numbers": {"sees": {"fixed": 0.6, "kind": "probability"}} if rate != 0.6 else {},
                "routes": [{"id": "something-else", "class": "other", "bits": -2, "harm": 0.1}],
                "checks": checks,
            }
        )

    shared, apart = (flows(assess(resolve(story(rate)))) for rate in ({"number": "sees"}, 0.6))
    for one, other in zip(shared.steps, apart.steps, strict=True):
        assert one.name == other.name
        assert one.probability == pytest.approx(other.probability, rel=1e-12)
    stopped = {step.name: step.probability for step in shared.steps}
    assert stopped["second"] > 0.05  # what the first one lets through
