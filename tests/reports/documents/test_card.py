"""What a committee reads: every sentence by the numbers, and nothing beyond the model."""

import re
from dataclasses import replace
from typing import Any

import pytest
from support.building import OFF, believe, item, tell

from storyodds import load_story, load_text
from storyodds.models.assessment.assessment import Assessment, assess
from storyodds.models.changes.limits import crossings
from storyodds.reports.documents.cards.card import RISK, UNTOLD, Card, make_card
from storyodds.reports.documents.cards.limits import limit_sentence, verdicts_on
from storyodds.reports.documents.cards.narrative import narrative
from storyodds.reports.documents.estimate import summarize
from storyodds.reports.documents.sensitivity.swings import summarize_swings
from storyodds.reports.documents.sensitivity.trust import summarize_trust
from storyodds.reports.figures.card import bar_pieces, plot_card
from storyodds.reports.figures.drawing.figure import encoded, standalone
from storyodds.reports.words.levers import lever_words, value_words
from storyodds.reports.words.numbers import percent
from storyodds.scenarios.grammar.limits import LIMITED, limit_on
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Check, Route

RIVAL = Route(id="sly-rival", class_="deceptive", requires="a", bits=0, harm=1)
AUDIT = Check(id="blind-audit", flags={"deceptive": 0.5, "default": 0.1})


def carded(assessment: Assessment, *limits: str) -> tuple[dict[str, Any], Card]:
    """Estimate and card, with verdicts on limits such as `catastrophe=0.01`."""
    estimate = summarize(assessment)
    parts = {
        "local": summarize_swings(assessment),
        "trust": summarize_trust(assessment, whole=False),
    }
    given = [limit_on(name, float(value)) for name, value in (it.split("=") for it in limits)]
    verdicts = verdicts_on(assessment, estimate, given)
    return estimate, make_card(estimate, assessment.prepared.resolved, parts, verdicts=verdicts)


@pytest.fixture(scope="module")
def half() -> Assessment:
    # P(sly-rival) is half of P(a), half of which is caught: the mean of a is near 0.3.
    story = tell({"a": believe([0.1, 0.6])}, [RIVAL, OFF], checks=[AUDIT], feasibility=0.8)
    return assess(resolve(story), draws=512)


def test_every_ending_has_its_numbers_and_the_bar_is_all_of_them(half: Assessment) -> None:
    estimate, card = carded(half)
    assert [it.name for it in card.endings] == list(estimate["fates"])
    for ending in card.endings:
        assert ending.share == estimate["fates"][ending.name]["mean"]
    assert sum(it.share for it in card.endings) == pytest.approx(1)
    width = 1000
    *segments, _ = bar_pieces(card.endings, width, 10)
    ends = [
        sum(float(x) for x in re.findall(r'(?: x|width)="([\d.]+)"', piece)) for piece in segments
    ]
    assert ends == sorted(ends) and ends[-1] == pytest.approx(width, abs=0.1 * len(segments))


def test_the_condition_and_the_day_of_decision_are_told(half: Assessment) -> None:
    estimate, card = carded(half)
    assert "training is carried out at all" in card.condition and "80%" in card.condition
    day = estimate["deployed"]
    assert percent(day["catastrophe"]["mean"]) in card.day
    assert percent(day["probability"]["mean"]).rstrip("%") in card.day


def test_false_alarms_are_told_as_a_part_of_what_is_halted(half: Assessment) -> None:
    estimate, card = carded(half)
    (halted,) = (it for it in card.endings if it.name == "halted")
    # An intended model is flagged at a rate of 0.1.
    alarm = 0.1 * estimate["classes"]["intended"]["mean"]
    assert estimate["false_alarm"]["mean"] == pytest.approx(alarm, rel=1e-6)
    assert f"{100 * alarm:.2g} points of it are false alarms" in halted.gloss


def test_the_only_lever_is_named_in_words_with_both_ends(half: Assessment) -> None:
    _, card = carded(half)
    (lever,) = card.levers
    assert lever.words == "how likely it is that “a” holds"
    assert (lever.range, lever.ends) == ("10% to 60%", ("10%", "60%"))
    by_event = {effect.event: (effect.low, effect.high) for effect in lever.effects}
    # Half of a ends at the rival, and half of that slips past the audit.
    assert by_event["catastrophe"] == (percent(0.1 / 4), percent(0.6 / 4))
    assert by_event["success"] == (percent(0.95 * 0.9), percent(0.7 * 0.9))


def test_a_limit_names_the_one_number_that_brings_it_there(half: Assessment) -> None:
    _, card = carded(half, "catastrophe=0.04")
    (verdict,) = card.verdicts
    assert verdict.kept is False
    assert verdict.sentence.startswith("Catastrophe is above the limit of 4%: its mean is ")
    # A quarter of a is 4% where a is 16%.
    assert verdict.change == (
        "Of all numbers, each taken alone to its 0.5% and its 99.5% point, only one would bring "
        "catastrophe within that limit by itself: how likely it is that “a” holds, if that were "
        "known to be below 16%."
    )


def test_a_limit_that_no_number_reaches_says_so(half: Assessment) -> None:
    _, card = carded(half, "catastrophe=0.0001", "success=0.999")
    assert [it.kept for it in card.verdicts] == [False, False]
    for verdict in card.verdicts:
        assert verdict.change.startswith("No single number would bring ")


def test_a_kept_limit_with_its_upper_end_beyond_says_both(half: Assessment) -> None:
    estimate, _ = carded(half)
    entry = estimate["fates"]["catastrophe"]
    between = (entry["mean"] + entry["q95"]) / 2
    kept, words = limit_sentence(estimate, limit_on("catastrophe", between))
    assert kept is True
    assert "but its 95% point" in words and words.endswith("is above it.")


def test_a_limit_of_the_95_percent_point_is_held_to_it(half: Assessment) -> None:
    estimate, card = carded(half, "catastrophe.q95=0.1")
    (verdict,) = card.verdicts
    assert verdict.kept is False
    assert verdict.change.startswith("Which single number would bring it within that limit is loo")
    assert verdict.sentence.startswith("The 95% point of catastrophe is above the limit of 10%")
    assert percent(estimate["fates"]["catastrophe"]["q95"])[:2] in verdict.sentence


def test_a_limit_on_a_class_names_it_as_one(half: Assessment) -> None:
    _, card = carded(half, "deceptive=0.01", "deceptive-given-deployed=0.9")
    of_all, of_deployed = (verdict.sentence for verdict in card.verdicts)
    start = "The chance of a model of class “deceptive”"
    assert of_all.startswith(f"{start} is above the limit of 1%: its mean is ")
    assert of_deployed.startswith(f"{start} once deployed is within the limit of 90%: ")


def test_a_training_with_results_was_carried_out() -> None:
    passed = AUDIT.model_copy(update={"result": "passed"})
    story = tell({"a": believe([0.1, 0.6])}, [RIVAL, OFF], checks=[passed], feasibility=0.8)
    _, card = carded(assess(resolve(story), draws=512))
    start = "Given the results of its checks so far, the training most likely goes right ("
    assert card.lead[0].startswith(start)
    assert card.condition == (
        "A check has its result, so the training was carried out, to which the story gives a "
        "chance of 80%."
    )


def test_one_of_several_ways_to_an_ending_is_told_by_what_it_needs() -> None:
    either = Route(
        id="sly-rival", class_="deceptive", requires=[{"any": ["a", "b"]}], bits=0, harm=1
    )
    story = tell({"a": believe(0.5), "b": believe(0.1)}, [either, OFF])
    estimate, card = carded(assess(resolve(story)))
    assert any(
        words.startswith("No failure path is of more concern than “sly rival”, needing “a”: ")
        for words in narrative(estimate, card)
    )


def test_the_limits_of_a_story_stand_until_a_reader_gives_others() -> None:
    text = """
story: limited
title: T
limits: {catastrophe: 0.2, success.q05: 0.1}
goal: {specification: S., desirability: D.}
routes: [{id: something-else, class: other, bits: 0, harm: 0.5}]
"""
    assessment = assess(resolve(load_text(text)))
    _, card = carded(assessment)
    assert [(it.limit.odds, it.kept) for it in card.verdicts] == [
        ("catastrophe", False),
        ("success", True),
    ]
    _, card = carded(assessment, "catastrophe=0.3")
    assert [it.kept for it in card.verdicts] == [True, True]
    assert card.verdicts[0].sentence == "Catastrophe is within the limit of 30%: it is 25%."


def test_a_risk_argument_speaks_of_catastrophe_alone() -> None:
    estimate, card = carded(
        assess(resolve(load_story("carlsmith-six-premises"))), "catastrophe=0.01", "success=0.5"
    )
    assert card.sort == RISK
    assert [it.name for it in card.endings] == ["catastrophe", UNTOLD]
    assert card.endings[1].chance == ""
    above, unclaimed = card.verdicts
    assert above.kept is False and "No number of the story is uncertain" in above.change
    assert unclaimed.kept is None and "makes no claim on success" in unclaimed.sentence
    assert card.no_lever == (
        "Every number of the story is fixed, so none has a range over which to move the odds."
    )
    without_limits = replace(card, verdicts=(above,))
    assert "success" not in " ".join(narrative(estimate, without_limits)).lower()
    assert "success" not in str(plot_card(without_limits).svg)


def test_where_nothing_was_observed_nothing_moved(half: Assessment) -> None:
    _, card = carded(half)
    assert "Nothing was observed: the odds are what the authors put in." in card.trust
    seen = item("seen", {"assumption": "a"}, bayes_factor={"true": 3.0, "false": 0.0})
    story = tell({"a": believe([0.1, 0.6])}, [RIVAL, OFF], evidence=[seen])
    _, card = carded(assess(resolve(story), draws=512))
    (moved,) = (words for words in card.trust if words.startswith("The evidence moved "))
    before, after = re.findall(r"catastrophe from ([\d.]+)% to ([\d.]+)%", moved)[0]
    assert float(before) < float(after)


def test_a_failed_computation_leaves_no_number_alone(half: Assessment) -> None:
    estimate = summarize(half)
    failed = {**estimate["diagnostics"], "ok": False, "messages": ["too few draws"]}
    card = make_card({**estimate, "diagnostics": failed}, half.prepared.resolved, {})
    assert card.doubtful.startswith("NOT RELIABLE: ") and "Too few draws." in card.doubtful
    assert not card.levers and not card.verdicts and not card.trust
    assert narrative(estimate, card) == (f"“{card.title}”: {card.doubtful}",)
    drawn = standalone(plot_card(card))
    assert drawn.count("(not reliable)") >= len(card.endings) + len(card.lead)


def test_bits_are_times_and_ids_are_words() -> None:
    resolved = resolve(load_story("rlhf-assistant"))
    assert value_words(2.5, "bits") == "5.7 times"
    for number in resolved.numbers:
        words = lever_words(number.name, resolved)
        assert number.name not in words and not re.search(r"\bbits\b", words), words


def test_every_sentence_of_the_narrative_is_one(half: Assessment) -> None:
    estimate, card = carded(half, "catastrophe=0.04")
    sentences = narrative(estimate, card)
    assert 9 <= len(sentences) <= 16
    for words in sentences:
        assert words[0].isupper() or words[0] == "“", words
        assert words.endswith("."), words
        assert "  " not in words
    assert "This is not a claim of safety" in sentences[-1]


def test_the_picture_has_every_word_and_says_what_it_is(half: Assessment) -> None:
    _, card = carded(half, "catastrophe=0.04")
    figure = plot_card(card)
    drawn = " ".join(re.findall(r"<text[^>]*>([^<]*)</text>", standalone(figure)))
    drawn = drawn.replace("&#39;", "'")
    verdict = card.verdicts[0]
    for words in (*card.lead, card.day, verdict.sentence, verdict.change, card.caveat):
        assert words in drawn
    assert card.citation in drawn
    for name in ("title", "description", "source", "creator"):
        assert f"<dc:{name}>" in standalone(figure)
    png = encoded(figure, ".png")
    for keyword in (b"iTXtTitle\0", b"iTXtDescription\0", b"iTXtSource\0", b"iTXtSoftware\0"):
        assert keyword in png
    assert card.citation.encode() in png


def test_a_png_with_text_is_read_by_others(half: Assessment) -> None:
    from io import BytesIO

    from PIL import Image

    _, card = carded(half)
    with Image.open(BytesIO(encoded(plot_card(card), ".png"))) as opened:
        opened.load()
        assert opened.text["Source"] == card.citation


def test_limits_are_on_all_odds_but_being_deployed() -> None:
    from storyodds.models.story.events import ODDS
    from storyodds.models.story.outcomes import DEPLOYED

    assert set(LIMITED) == set(ODDS) - {DEPLOYED}


@pytest.mark.parametrize("share", [0.998, 1.002])
def test_a_limit_beside_the_estimate_names_numbers_on_the_right_side(share: float) -> None:
    # The fewer draws at which numbers are moved have another mean than the estimate.
    story = load_story("cat-classifier")
    assessment = assess(resolve(story), draws=1024)
    mean = summarize(assessment)["fates"]["success"]["mean"]
    first = crossings(assessment, "success", share * mean)[0]
    if first.kind == "bits":
        farther = first.value + (2 if first.side == "above" else -2)
    else:
        farther = (first.value + (first.side == "above")) / 2
    changed = assess(resolve(story, settings={first.number: farther}), draws=1024)
    moved = summarize(changed)["fates"]["success"]["mean"]
    assert (moved > share * mean) is (share > 1)
