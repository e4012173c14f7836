"""One input changed at a time, against closed forms and assessments of edited stories."""

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.special import logit
from support.building import OFF, believe, item, tell
from support.strategies import small_stories

from storyodds.models.assessment.assessment import Assessment, assess
from storyodds.models.changes import response_curves
from storyodds.models.changes.response_curves import afresh, curves, ground_of, respond
from storyodds.models.changes.tipping import (
    ENDS,
    HIGH,
    LEVELS,
    LOW,
    WORST_PATH,
    TippingPoint,
    prior_quantile,
    scan,
)
from storyodds.models.changes.what_if import ask_many, base_of
from storyodds.models.importance.measures import measure
from storyodds.models.posterior import questions
from storyodds.models.sensitivity.local import (
    LocalSensitivity,
    intervened,
    local_sensitivity,
    surely,
)
from storyodds.models.story.events import EVENTS
from storyodds.priors.distributions.families import BetaDistribution, LogitNormal, Mixture
from storyodds.priors.distributions.forms import Fixed
from storyodds.priors.text.errors import InputError, UnsupportedStoryError
from storyodds.scenarios.grammar.formulas import AnyOf
from storyodds.scenarios.grammar.parts import GivenRow
from storyodds.scenarios.loader import load_story
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Assumption, Check, Hazard, Route
from storyodds.scenarios.story import Story

SUCCESS, CATASTROPHE = EVENTS.index("success"), EVENTS.index("catastrophe")
DECEPTIVE = EVENTS.index("deceptive")


def means(assessment: Assessment) -> np.ndarray:
    return assessment.averaged.mean(assessment.averaged.events)


def look(story: Story, draws: int = 256, **options: Any) -> LocalSensitivity:
    return local_sensitivity(assess(resolve(story), draws=draws), **options)


def tips(found: LocalSensitivity, event: str, name: str) -> list[TippingPoint]:
    number = found.base.prepared.resolved.number_index[name]
    return [t for t in found.tips if t.verdict.event == event and t.number == number]


def rich(**parts: Any) -> Story:
    """Every kind of number and of evidence, most of it uncertain."""
    return tell(
        {
            "a": believe([0.2, 0.6]),
            "b": Assumption(
                given=(
                    GivenRow(when="a", probability=[0.3, 0.8]),
                    GivenRow(otherwise=[0.1, 0.4]),
                )
            ),
            "c": Assumption(holds_when=AnyOf(any=("a", "not b"))),
        },
        [
            Route(id="r", class_="deceptive", requires=["a", "b"], bits=[-1, 2], harm=[0.1, 0.3]),
            Route(id="q", class_="mesa-optimizer", requires="c", bits=[-2, 1], harm=[0.01, 0.2]),
            Route(id="something-else", class_="other", bits=-2, harm=0.01),
        ],
        checks=[Check(id="v", flags={"deceptive": [0.1, 0.4], "default": 0.05})],
        hazards=[Hazard(id="h", criterion="alignment", probability=[0.1, 0.4], harm=0.3)],
        evidence=[
            item(
                "seen",
                {"assumption": "c"},
                counts={"hits": 2, "trials": 9},
                rates={"true": [0.2, 0.6], "false": [0.05, 0.3]},
                relevance=[0.5, 0.9],
            ),
            item("judged", {"outcome": True}, bayes_factor={"deceptive": [-2, 1], "default": 0}),
            item("told", {"class": "mesa-optimizer"}, forecast=0.2, sd_bits=1.5),
        ],
        **parts,
    )


# Responses


@settings(max_examples=10)
@given(
    story=small_stories(max_assumptions=4, max_routes=4),
    value=st.floats(0.01, 0.99),
    data=st.data(),
)
def test_responses_are_what_the_engine_says(
    story: Story, value: float, data: st.DataObject
) -> None:
    resolved = resolve(story)
    try:
        base = base_of(assess(resolved))
    except InputError:
        assume(False)
        raise
    ground = ground_of(base, assess(resolved).paths)
    numbers = [i for i, n in enumerate(resolved.numbers) if not n.name.endswith((".default",))]
    some = data.draw(st.lists(st.sampled_from(numbers), min_size=1, max_size=5, unique=True))
    points = [(i, value) for i in some]
    for (i, _), found in zip(points, respond(ground, curves(ground, some), points), strict=True):
        try:
            again = assess(resolve(story, settings={resolved.numbers[i].name: value}))
        except InputError:
            assert np.isnan(found.means).all()
            continue
        np.testing.assert_allclose(found.means[: len(EVENTS)], means(again), atol=1e-9)


def test_responses_are_those_of_the_changed_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    base = base_of(assess(resolve(rich()), draws=256), 128)
    ground, prepared = ground_of(base), base.prepared
    numbers = prepared.uncertain
    points = [
        (i, float(x)) for i in numbers for x in prepared.distributions[i].quantile(np.array([0.3]))
    ]
    known = curves(ground, numbers)
    found = respond(ground, known, points)
    again = ask_many(base, [dict([point]) for point in points])
    assert sum(other.refitted for other in again) < len(again) / 4
    for one, other in zip(found, again, strict=True):
        if not other.refitted:
            np.testing.assert_allclose(one.means, other.means, atol=1e-9)
            np.testing.assert_allclose(one.errors, other.errors, atol=1e-9)
    monkeypatch.setattr(response_curves, "_CELLS", 3 * base.values.size)
    for one, other in zip(found, respond(ground, known, points), strict=True):
        np.testing.assert_allclose(one.means, other.means, atol=1e-12)


def test_two_levels_by_themselves_say_what_they_say_among_all() -> None:
    base = base_of(assess(resolve(rich()), draws=256), 128)
    numbers = base.prepared.uncertain
    every, two = (scan(ground_of(base), numbers, levels) for levels in (LEVELS, ENDS))
    np.testing.assert_array_equal(two.values, every.values[:, [LOW, HIGH]])
    alike = two.fresh == every.fresh
    assert alike.any()
    np.testing.assert_allclose(
        two.means[alike], every.means[alike][:, [LOW, HIGH]], rtol=1e-10, atol=1e-14
    )


def test_concerns_of_paths() -> None:
    assessed = assess(resolve(rich()), draws=256)
    ground = ground_of(base_of(assessed, 128), assessed.paths)
    concern = ground.base.events[:, len(EVENTS) :]
    routes = {path.route for path in assessed.paths if not path.hazard}
    assert routes == {"r", "q", "something-else"}
    by_ending = sum(
        concern[:, k].sum() for k, path in enumerate(assessed.paths) if not path.overlaps
    )
    overlapping = [k for k, path in enumerate(assessed.paths) if path.overlaps]
    whole = ground.base.events[:, CATASTROPHE].sum()
    assert by_ending < whole <= by_ending + concern[:, overlapping].sum() + 1e-9


def test_draws_from_the_prior_agree() -> None:
    base = base_of(assess(resolve(rich())))
    ground = ground_of(base)
    fresh = afresh(ground)
    number = base.prepared.resolved.number_index["a.probability"]
    (old,) = respond(ground, curves(ground, [number]), [(number, 0.5)])
    (new,) = respond(fresh, curves(fresh, [number]), [(number, 0.5)])
    assert (abs(old.means - new.means) < 5 * np.hypot(old.errors, new.errors) + 1e-9).all()
    assert (new.errors[:4] > 0).all()


# Tornado


def test_swings_of_a_closed_form() -> None:
    # P(success) = 1 - p q, and p = 0.5 whatever is known of q.
    story = tell(
        {"a": believe({"beta": [2, 2]}), "b": believe([0.2, 0.6])},
        [Route(id="r", class_="deceptive", requires=["a", "b"], bits=60, harm=[0.1, 0.4]), OFF],
    )
    found = look(story, 4096)
    index = found.base.prepared.resolved.number_index
    by_number = {swing.number: swing for swing in found.swings}
    b = by_number[index["b.probability"]]
    assert (b.low, b.high) == pytest.approx((0.2, 0.6))
    assert b.at_low.means[SUCCESS] == pytest.approx(0.9, abs=0.002)
    assert b.at_high.means[SUCCESS] == pytest.approx(0.7, abs=0.005)
    assert b.swing[SUCCESS] == pytest.approx(-0.2, abs=5 * b.error[SUCCESS] + 1e-12)
    assert b.swing[DECEPTIVE] > 0 > b.swing[SUCCESS]
    assert found.swings and not any(s.at_low.refitted for s in found.swings)
    assert by_number[index["r.harm"]].swing[SUCCESS] == pytest.approx(0, abs=1e-12)


def test_a_fixed_story_has_no_swings() -> None:
    found = look(load_story("carlsmith-six-premises"))
    assert found.swings == () and found.tips == ()
    assert found.slopes is not None and len(found.sure) == 6


def test_a_simulated_story_is_refused() -> None:
    assessed = assess(resolve(rich()), method="simulation", draws=64)
    with pytest.raises(UnsupportedStoryError):
        local_sensitivity(assessed)


# Assumptions that are sure


def edited(story: Story, name: str, truth: bool) -> Story:
    """The story with an assumption replaced by certainty, without what was said about it.

    Forecasts go too: where every number is fixed, they change nothing.
    """
    decided = Assumption(probability=Fixed(fixed=float(truth)))
    evidence = tuple(e for e in story.evidence if e.about.assumption != name and e.forecast is None)
    assumptions = {**story.assumptions, name: decided}
    return story.model_copy(update={"assumptions": assumptions, "evidence": evidence})


@settings(max_examples=10)
@given(story=small_stories(max_assumptions=4, max_routes=4))
def test_setting_is_editing_the_story(story: Story) -> None:
    assume(story.assumptions)
    try:
        base = base_of(assess(resolve(story)))
    except InputError:
        assume(False)
        raise
    for sure in surely(base):
        for truth, found in zip((True, False), sure.given, strict=True):
            try:
                expected = means(assess(resolve(edited(story, sure.name, truth))))
            except InputError:
                assert found is None
                continue
            assert found is not None
            np.testing.assert_allclose(found.means, expected, atol=1e-9)


@settings(max_examples=8)
@given(story=small_stories(max_assumptions=4, max_routes=4))
def test_learning_is_conditioning(story: Story) -> None:
    try:
        assessed = assess(resolve(story))
    except InputError:
        assume(False)
        raise
    events = ("intended", "deceptive", "catastrophe")
    expected = measure(assessed, events)
    place = [EVENTS.index(event) for event in events]
    for k, sure in enumerate(surely(base_of(assessed))):
        for j, found in enumerate(sure.learned):
            told = expected.measures["if_true"][:, 2 * k + j, 0]
            if found is None:
                assert np.isnan(told).all()
            else:
                np.testing.assert_allclose(found.means[place], told, atol=1e-9)


def test_learning_and_setting_an_uncertain_story() -> None:
    story = rich()
    assessed = assess(resolve(story))
    base = base_of(assessed)
    found = {sure.name: sure for sure in surely(base)}
    # Free, and nothing is said about it: to learn of it is to set it.
    for learned, given_ in zip(found["a"].learned, found["a"].given, strict=True):
        assert learned is not None and given_ is not None
        gap = abs(learned.means - given_.means)
        assert (gap < 5 * np.hypot(learned.errors, given_.errors) + 1e-9).all()
    # b tells of a, which it depends on; to set it does not.
    assert found["b"].learned[0].means[CATASTROPHE] > found["b"].given[0].means[CATASTROPHE]
    told = story.model_copy(update={"evidence": story.evidence[:2]})
    again = base_of(assess(resolve(told)))
    for sure in surely(again):  # a table, rows and a formula
        for truth, changed in zip((True, False), sure.given, strict=True):
            expected = means(assess(intervened(resolve(told), sure.name, truth)))
            assert changed is not None
            gap = abs(changed.means - again.means - (expected - means(assess(resolve(told)))))
            assert (gap < 5 * changed.errors + 2e-3).all(), (sure.name, truth)


def test_forecasts_are_of_the_story_as_it_is() -> None:
    # Without a there is no deception, which was forecast to be likely: no contradiction.
    finding = item("told", {"class": "deceptive"}, forecast=0.5, sd_bits=1)
    found = surely(base_of(assess(resolve(tell({"a": believe([0.2, 0.6])}, evidence=[finding])))))
    assert found[0].given[1] is not None
    assert found[0].given[1].means[DECEPTIVE] == 0


def test_what_cannot_be() -> None:
    seen = item("seen", {"outcome": True}, counts={"hits": 1, "trials": 1},
                rates={"deceptive": 0.5, "default": 0})  # fmt: skip
    (sure,) = surely(base_of(assess(resolve(tell({"a": believe([0.2, 0.6])}, evidence=[seen])))))
    assert sure.learned[1] is None and sure.given[1] is None
    assert sure.given[0] is not None and sure.given[0].means[DECEPTIVE] == pytest.approx(1)


# Tipping points


def test_where_success_becomes_unlikely() -> None:
    found = look(tell({"a": believe({"beta": [2, 5]})}))
    (tip,) = tips(found, "success", "a.probability")
    assert tip.value == pytest.approx(0.5, abs=0.002)
    assert (tip.side, tip.worst) == ("above", None)
    assert tip.prior_chance == pytest.approx(0.109, abs=0.002)  # of Beta(2, 5) above 1/2


def test_where_bits_flip_and_where_nothing_does() -> None:
    # 2 ** bits against 1: even at 0 bits; catastrophe is half of that.
    route = Route(id="r", class_="deceptive", bits=[-3, 1], harm=0.5)
    found = look(tell({}, [route, OFF]), success=0.5, catastrophe=(1 / 3, 0.499))
    (tip,) = tips(found, "success", "r.bits")
    assert tip.value == pytest.approx(0, abs=0.02) and tip.side == "above"
    (tip,) = tips(found, "catastrophe", "r.bits")
    assert tip.value == pytest.approx(1, abs=0.02)  # 2/3 of 1/2
    assert len(found.tips) == 2


def test_thresholds_are_half_and_twice_unless_told() -> None:
    found = look(tell({"a": believe([0.05, 0.6])}))
    now = found.base.means[CATASTROPHE]
    half, twice = tips(found, "catastrophe", "a.probability")
    assert (half.side, twice.side) == ("below", "above")
    assert half.value == pytest.approx(now, rel=0.01)  # P(catastrophe) is half of it
    assert twice.value == pytest.approx(4 * now, rel=0.01)


def test_a_tie_is_called_a_tie() -> None:
    routes = [
        Route(id=name, class_="deceptive", requires="a", bits=3, harm=0.2) for name in ("r", "q")
    ]
    rest = Route(id="something-else", class_="other", bits=[-6, 1], harm=0.5)
    found = look(tell({"a": believe([0.5, 0.9])}, [*routes, rest]))
    (verdict,) = (v for v in found.verdicts if v.event == WORST_PATH)
    tied = {found.paths[k].route for k in (verdict.now, *verdict.tied)}
    assert tied == {"r", "q"}
    (tip,) = tips(found, WORST_PATH, "something-else.bits")
    for tip in (t for t in found.tips if t.verdict is verdict):
        assert tip.worst is not None and found.paths[tip.worst].route == "something-else"
    only = look(tell({"a": believe([0.5, 0.9])}, [*routes, OFF]))
    assert [v for v in only.verdicts if v.event == WORST_PATH and not v.tied] == []


def test_where_another_path_becomes_the_worst() -> None:
    story = tell(
        {"a": believe([0.1, 0.9])},
        [
            Route(id="r", class_="deceptive", requires="a", bits=60, harm=0.2),
            Route(id="q", class_="other", requires="not a", bits=60, harm=0.3),
            OFF,
        ],
    )
    found = look(story)
    assert found.paths[0].route == "q"
    (tip,) = tips(found, WORST_PATH, "a.probability")
    assert tip.value == pytest.approx(0.6, abs=0.003) and tip.side == "above"
    assert tip.worst is not None and found.paths[tip.worst].route == "r"


def test_a_flip_is_where_the_engine_says_so() -> None:
    found = look(rich(), success=0.45)
    base = found.base
    known = [t for t in found.tips if t.verdict.event == "success"]
    assert known
    for tip in known:
        near = []
        for step in (-0.02, 0.02):
            values = base.values.copy()
            kind = base.prepared.resolved.numbers[tip.number].kind
            if tip.number in base.prepared.own:
                continue
            moved = logit(tip.value) + step if kind == "probability" else tip.value + step
            values[:, tip.number] = 1 / (1 + np.exp(-moved)) if kind == "probability" else moved
            answer = questions.ask(base.prepared, values)
            weights = np.exp(answer.log_evidence - base.log_evidence)
            near.append(float(weights @ answer.events[:, SUCCESS] / weights.sum()))
        if near:
            assert abs(np.mean(near) - 0.45) < 0.002
            assert (near[1] < near[0]) == ((tip.side == "above") == tip.verdict.now)


def test_quantiles_of_a_pool_are_in_order() -> None:
    pool = Mixture((1 / 3, 2 / 3), (BetaDistribution(3.5, 1.5), LogitNormal(-2.0, 0.9)))
    found = prior_quantile(pool, np.array(LEVELS))
    assert (np.diff(found) > 0).all()
    rng = np.random.default_rng(1)
    drawn = np.quantile(pool.quantile(rng.random(200_000)), LEVELS)
    np.testing.assert_allclose(found, drawn, atol=0.01)
