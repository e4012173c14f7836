"""How, by how far and where stories fail: against enumeration and closed forms."""

import math
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from support.building import OFF, believe, tell
from support.oracle import ImpossibleEvidence, condition, paths
from support.oracle_process import Run, prior_runs, spec_of
from support.strategies import small_stories

from storyodds.models.assessment.assessment import Assessment, assess
from storyodds.models.assessment.concerns import concerns
from storyodds.models.changes.what_if import Base, base_of
from storyodds.models.numerics import thinned
from storyodds.models.sensitivity import worst_path
from storyodds.models.sensitivity.distance_to_goal import MOST, misses, with_pressure
from storyodds.models.sensitivity.failure import ENDS, ends, near_misses, overall
from storyodds.models.sensitivity.worst_path import flips
from storyodds.priors.distributions.forms import MAX_BITS
from storyodds.priors.text.errors import InputError
from storyodds.reports.documents.estimate import summarize
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Nudge, Route
from storyodds.scenarios.story import Story

relaxed = settings(
    deadline=None,
    max_examples=8,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def assessed(story: Story, **options: Any) -> tuple[Assessment, Base]:
    """Assess a story whose evidence is possible; another one is no example."""
    try:
        assessment = assess(resolve(story), **options)
    except InputError:
        assume(False)
        raise
    return assessment, base_of(assessment)


def runs_of(story: Story) -> list[Run]:
    try:
        return condition(story, prior_runs(story), False)[0]
    except ImpossibleEvidence:
        assume(False)
        raise


# How


def ended(run: Run) -> list[float]:
    success, catastrophe = run.fate("success"), run.fate("catastrophe")
    safe = math.fsum(run.fate(name) for name in ("uncompetitive", "benign-failure"))
    deceptive = run.passed * (run.route.class_ == "deceptive")
    return [success, safe, catastrophe, deceptive, run.fate("halted")]


@relaxed
@given(small_stories(max_assumptions=4, max_routes=4))
def test_ends_with_every_assumption_by_enumeration(story: Story) -> None:
    runs = runs_of(story)
    assessment, _ = assessed(story)
    averaged, exact = ends(assessment)

    def joint(name: str | None, value: bool) -> list[float]:
        chosen = [run for run in runs if name is None or run.truth[name] is value]
        each = [[run.weight * share for share in ended(run)] for run in chosen]
        return [math.fsum(column) for column in zip(*each, strict=True)] or [0.0] * len(ENDS)

    for found in (averaged, exact):
        assert found.whole[0] == pytest.approx(joint(None, True), rel=1e-9, abs=1e-12)
        for v, name in enumerate(found.names):
            assert found.true[0, :, v] == pytest.approx(joint(name, True), rel=1e-9, abs=1e-12)
            assert found.false[0, :, v] == pytest.approx(joint(name, False), rel=1e-9, abs=1e-12)
    for every in overall(assessment):
        assert every[0] == pytest.approx(joint(None, True), rel=1e-9, abs=1e-12)


# By how far


def story_of(intended: float, *rivals: float, gate: float | None = None) -> Story:
    """Rivals of one class each, always open; the intended route behind a gate, or not."""
    classes = ("mesa-optimizer", "deceptive")
    routes = [
        Route(id="intended", class_="intended", bits=intended, requires="g" if gate else None),
        *(
            Route(id=f"r{k}", class_=name, bits=x, harm=0)
            for k, (name, x) in enumerate(zip(classes, rivals, strict=True))
        ),
        OFF,
    ]  # fmt: skip
    return tell({"g": believe(gate)} if gate else {}, routes)


def test_the_miss_in_bits_is_a_difference_of_bits() -> None:
    _, base = assessed(story_of(-1.0, 2.0, 1.0))
    likeliest, even = misses(base, base.values)
    assert likeliest.bits == pytest.approx(3.0, abs=2e-3)
    assert even.bits == pytest.approx(1 + math.log2(6), abs=2e-3)
    assert even.by_draw == pytest.approx([even.bits], abs=2e-3)


def test_bits_to_spare_are_negative() -> None:
    _, base = assessed(story_of(5.0, 2.0, -3.0))
    assert misses(base, base.values)[0].bits == pytest.approx(-3.0, abs=2e-3)


def test_no_bits_open_a_closed_route() -> None:
    _, base = assessed(story_of(0.0, 0.0, -60.0, gate=0.4))
    for miss in misses(base, base.values):
        assert miss.bits == math.inf
        assert (miss.by_draw == math.inf).all()
    _, base = assessed(story_of(0.0, 0.0, 0.0, gate=1e-300))
    assert all(miss.bits == math.inf for miss in misses(base, base.values))
    # At 0.6 the two are as likely where 0.6 s = 1/2, s being the share where the gate is open.
    _, base = assessed(story_of(0.0, 0.0, -60.0, gate=0.6))
    assert misses(base, base.values)[1].bits == pytest.approx(
        math.log2((5 / 6) / (1 / 6)), abs=2e-3
    )


@relaxed
@given(small_stories(max_assumptions=3, max_routes=4))
def test_the_story_with_these_bits_is_even(story: Story) -> None:
    runs_of(story)
    _, base = assessed(story)
    for miss, others in zip(misses(base, base.values), (max, math.fsum), strict=True):
        if not abs(miss.bits) <= MAX_BITS:  # a story cannot say more, nor can it be infinite
            continue
        means = assessed_means(with_bits(story, miss.bits))
        assert abs(math.log2(means[0]) - math.log2(others(means[1:4]))) < 3e-3


def with_bits(story: Story, bits: float) -> Story:
    nudges = (*story.rationale.nudges, Nudge(id="more", bits={"intended": bits}))
    rationale = story.rationale.model_copy(update={"nudges": nudges})
    return story.model_copy(update={"rationale": rationale})


def assessed_means(story: Story) -> np.ndarray:
    return base_of(assess(resolve(story))).means


def test_draw_by_draw_the_miss_follows_the_bits() -> None:
    routes = [Route(id="r", class_="deceptive", bits={"interval": (0, 4)}, harm=0), OFF]
    _, base = assessed(tell({}, routes))
    likeliest = misses(base, base.values)[0]
    numbers = base.prepared.resolved.number_index
    drawn = thinned(base.values, 512)[:, numbers["r.bits"]]
    assert likeliest.by_draw == pytest.approx(drawn, abs=5e-3)
    every = base.values[:, numbers["r.bits"]] - likeliest.bits
    assert (1 / (1 + 2**every)).mean() == pytest.approx(0.5, abs=1e-3)


def test_a_story_under_pressure_is_an_ordinary_story() -> None:
    story = story_of(0.0, 2.0, 1.0)
    found = base_of(assess(with_pressure(resolve(story), 1.5))).means
    assert found == pytest.approx(assessed_means(with_bits(story, 1.5)))
    assert with_pressure(resolve(story), MOST).numbers[-1].distribution.value == MOST


def test_near_misses() -> None:
    routes = [
        Route(id="close", class_="mesa-optimizer", bits=0, harm=0.001),
        Route(id="wide", class_="deceptive", bits=0, harm=0.2),
        Route(id="never", class_="deceptive", requires="a", bits=0, harm=0.2),
        OFF,
    ]
    assessment, _ = assessed(tell({"a": believe(0.0)}, routes))
    close, wide, never, _ = near_misses(assessment)
    assert close.near
    assert close.no_catastrophe == pytest.approx(0.999)
    assert not wide.near
    assert wide.no_catastrophe == pytest.approx(0.8)
    assert (never.no_catastrophe, never.near) == (None, False)
    assert near_misses(assessment, safe=0.75)[1].near


# Where


def test_paths_are_ranked_as_in_the_estimate() -> None:
    routes = [
        Route(id="x", class_="deceptive", requires="a", bits={"interval": (-2, 2)}, harm=0.3),
        Route(id="y", class_="mesa-optimizer", bits={"interval": (-2, 2)}, harm=0.2),
        OFF,
    ]
    assessment, _ = assessed(tell({"a": believe({"beta": (3, 2)})}, routes), draws=256)
    listed, found = summarize(assessment)["paths"], concerns(assessment)
    assert [path.route for path in found.paths] == [entry["route"] for entry in listed]
    assert found.ranks.share_top == pytest.approx([entry["share_top"] for entry in listed])
    means = [assessment.averaged.mean(odds.concern) for odds in found.averaged]
    assert means == pytest.approx([entry["concern"]["mean"] for entry in listed])


@relaxed
@given(small_stories(max_assumptions=4, max_routes=4))
def test_the_smallest_changes_by_enumeration(story: Story) -> None:
    runs = runs_of(story)
    assessment, _ = assessed(story)
    assume(len(assessment.paths) > 1)
    plain = [name for name in story.assumptions if spec_of(story, name).holds_when is None]
    literals = [(name, value) for name in plain for value in (True, False)]

    def concern(known: tuple[tuple[str, bool], ...]) -> dict[Any, float]:
        chosen = [run for run in runs if all(run.truth[n] is value for n, value in known)]
        return {key: found.concern for key, found in paths(story, chosen).items()}

    now = concern(())
    worst = max(now, key=lambda key: now[key])

    def changes(known: tuple[tuple[str, bool], ...]) -> bool:
        then = concern(known)
        ahead = max(then.values()) - then[worst]
        assume(not 0 < ahead < 1e-6 * max(then.values()))  # no telling apart
        return ahead > 0

    rivals = sorted(now.values())[-2:]
    assume(rivals[1] - rivals[0] > 1e-6 * rivals[1] > 1e-12)
    single = {(literal,) for literal in literals if changes((literal,))}
    pairs = {
        frozenset(pair)
        for pair in combinations(literals, 2)
        if pair[0][0] != pair[1][0] and changes(pair)
    }
    found = flips(assessment)
    assert found.complete
    assert {flip.literals for flip in found.listed if len(flip.literals) == 1} == single
    if not single:
        assert {frozenset(flip.literals) for flip in found.listed} == pairs


def test_two_changes_where_one_is_not_enough() -> None:
    """The rival that needs both is the worse one only if both are known."""
    routes = [
        Route(id="steady", class_="mesa-optimizer", bits=4, harm=0.5),
        Route(id="rare", class_="deceptive", requires=("a", "b"), bits=4, harm=1.0),
        OFF,
    ]
    assessment, _ = assessed(tell({"a": believe(0.3), "b": believe(0.3)}, routes))
    (found,) = flips(assessment).listed
    assert set(found.literals) == {("a", True), ("b", True)}
    assert found.probability == pytest.approx(0.09)
    assert found.worst.route == "rare"
    assert found.concern == pytest.approx(16 / 33)
    assert not found.shuts


def test_pairs_are_given_up_where_they_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worst_path, "MAX_QUESTIONS", 0)
    routes = [
        Route(id="steady", class_="mesa-optimizer", bits=4, harm=0.5),
        Route(id="rare", class_="deceptive", requires=("a", "b"), bits=4, harm=1.0),
        OFF,
    ]
    found = flips(assessed(tell({"a": believe(0.3), "b": believe(0.3)}, routes))[0])
    assert (found.listed, found.complete) == ((), False)


def test_shutting_the_worst_path_counts_and_is_told_apart() -> None:
    routes = [
        Route(id="x", class_="deceptive", requires="a", bits=2, harm=0.5),
        Route(id="y", class_="mesa-optimizer", bits=0, harm=0.1),
        OFF,
    ]
    (found,) = flips(assessed(tell({"a": believe(0.9)}, routes))[0]).listed
    assert (found.literals, found.shuts, found.worst.route) == ((("a", False),), True, "y")


def test_paths_that_tie_share_their_rank_and_the_top() -> None:
    """Two routes by assumptions alike: what makes a third one worst is that neither holds."""
    routes = [
        Route(id="r1", class_="deceptive", requires="a", bits=0, harm=0.5),
        Route(id="r2", class_="mesa-optimizer", requires="b", bits=0, harm=0.5),
        Route(id="something-else", class_="other", bits=-60, harm=0.5),
    ]
    assessment, _ = assessed(tell({"a": believe(0.5), "b": believe(0.5)}, routes))
    ranked = concerns(assessment)
    assert ranked.ranks.rank == (1, 1, 3)
    assert ranked.ranks.share_top == pytest.approx([0.5, 0.5, 0])
    assert [path.route for path in ranked.worst] == ["r1", "r2"]
    changes = flips(assessment)
    assert changes.worst == ranked.worst
    (flip,) = changes.listed
    assert set(flip.literals) == {("a", False), ("b", False)}
    assert (flip.worst.route, flip.shuts) == ("something-else", True)
