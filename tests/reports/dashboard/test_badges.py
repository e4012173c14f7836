"""What a page says before any of its numbers is quoted."""

from math import sqrt

import pytest
from support.building import OFF, believe, item, tell
from support.features import features_story

from storyodds import load_story
from storyodds.models.assessment.assessment import assess
from storyodds.reports.dashboard import sections_day
from storyodds.reports.dashboard.badges import Badge, badges
from storyodds.reports.dashboard.page_data import make_dossier
from storyodds.reports.dashboard.sections_day import decision_day
from storyodds.reports.figures.drawing.cells import with_band
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Route


def found_with(draws: int) -> list[Badge]:
    return badges(make_dossier(assess(resolve(load_story("rlhf-assistant")), draws=draws)))


@pytest.fixture(scope="module")
def few() -> list[Badge]:
    return found_with(64)


def test_very_few_draws_do_not_count_as_sound(few: list[Badge]) -> None:
    words = few[0].words
    assert words.startswith("Too few draws for the ends of intervals: 64 draws worth ")
    worth = int(words.split()[-1])
    assert 2 * sqrt(0.05 * 0.95 / worth) >= 0.05
    assert few[0].kind == "doubt"


def test_very_few_draws_do_not_tell_which_priors_move_the_answer(few: list[Badge]) -> None:
    said = [badge.words for badge in few]
    assert any(words.startswith("Too few draws to tell whether ") for words in said)
    assert not any(words.startswith("Widening or narrowing") for words in said)
    assert all(badge.kind == "doubt" for badge in few)


def test_where_nothing_is_uncertain_nothing_is_said_to_move_the_answer() -> None:
    seen = item("seen", {"assumption": "a"}, bayes_factor={"true": 3.0})
    rival = Route(id="r", class_="deceptive", requires="a", bits=1.0, harm=0.5)
    story = tell({"a": believe(0.3)}, [rival, OFF], evidence=[seen])
    said = [badge.words for badge in badges(make_dossier(assess(resolve(story))))]
    assert said[0] == "Computed exactly: nothing was sampled"
    assert not any("moves" in words for words in said)


@pytest.mark.slow
def test_chains_are_worth_fewer_draws_than_they_have() -> None:
    rival = Route(id="r", class_="deceptive", requires="a", bits={"normal": [0, 1]}, harm=0.5)
    seen = item("seen", {"outcome": True}, bayes_factor={"deceptive": 2.0, "default": 0.0})
    story = tell({"a": believe({"beta": [2, 3]})}, [rival, OFF], evidence=[seen])
    dossier = make_dossier(assess(resolve(story), method="nuts", draws=400))
    d = dossier.estimate["diagnostics"]
    worth = min(d["ess_bulk_min"], d["ess_tail_min"])
    assert f"{d['draws']:,} draws worth {worth:,.0f}, R-hat" in badges(dossier)[0].words


def test_exact_means_are_told_from_sampled_ones() -> None:
    seen = item("seen", {"assumption": "a"}, bayes_factor={"true": 3.0, "false": 0.0})
    rival = Route(id="r", class_="deceptive", requires="a", bits=1.0, harm=0.5)
    story = tell({"a": believe({"beta": [2, 3]})}, [rival, OFF], evidence=[seen])
    first = badges(make_dossier(assess(resolve(story), draws=1024)))[0].words
    expected = "means are exact sums, intervals from 1,024 independent draws"
    assert first == f"Computation sound: {expected}"


def test_forecasts_and_flags_are_told_before_any_number() -> None:
    assessment = assess(resolve(features_story("flagged")), draws=256)
    words = [badge.words for badge in badges(make_dossier(assessment))]
    assert "Includes 2 forecasts: opinions, not findings" in words
    assert "A check flagged this model: odds of going on all the same" in words


def test_many_draws_do() -> None:
    said = [badge.words for badge in found_with(4096)]
    assert said[0].startswith("Computation sound: 4,096 draws worth ")
    prior = "Widening or narrowing one prior a little moves the answer"
    assert f"{prior} (power scaling above 0.05)" in said
    moved = "Weighing any of 4 findings a little more or less moves the answer"
    assert f"{moved} (power scaling above 0.05)" in said
    assert not any("too few" in words.lower() for words in said)


def test_the_page_tells_the_decision_day_and_the_hazards() -> None:
    found = make_dossier(assess(resolve(features_story("flagged")), draws=256))
    day, criteria = decision_day(found), sections_day.criteria(found)
    odds = dict(day.tables[0].rows)
    assert odds["success"] == with_band(found.estimate["deployed"]["success"])
    assert day.tables[1].rows[1] == ("probe", "flagged", "–")
    assert "going on all the same" in day.finding
    hazard = found.estimate["hazards"]["bad-intent"]
    assert criteria.tables[1].rows[0][2:] == (
        with_band(hazard),
        with_band(hazard["given_intended"]),
    )
