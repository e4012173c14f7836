"""The report on a terminal: its very words once, and what holds of every report."""

import copy
import io
import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from support.features import FEATURES, features

from storyodds import load_story, load_text
from storyodds.models.assessment.assessment import assess
from storyodds.reports.documents.estimate import summarize
from storyodds.reports.terminal.axis import plot
from storyodds.reports.terminal.estimate import ITEMS_SHOWN, print_report
from storyodds.reports.words.numbers import percent, points
from storyodds.reports.words.recipe import Recipe
from storyodds.scenarios.resolve import resolve

CARLSMITH = """\
Carlsmith's six premises of power-seeking catastrophe by 2070
carlsmith-six-premises

The argument puts the chance of catastrophe at 5.1%, about 1 in 19.
Every number of the story is fixed, so the odds have no intervals.

Where training ends
          chance  0%                     50%                    100%
intended     95%                                                ●
other       5.1%     ●
never: mesa-optimizer, deceptive

What becomes of the model
             chance
catastrophe    5.1%  deployed, and the harm comes about
never: halted

Failure paths of most concern  chance of catastrophe along each
 1. 5.1%  power-seeking-catastrophe  other
    All six premises hold. The class is `other` because the argument is about
    the behavior of deployed systems and does not say what goes on inside them.
    Needs aps-feasible, strong-incentives, alignment-much-harder (weakest link),
    high-impact-power-seeking, scales-to-disempowerment,
    existential-catastrophe.
    Comes about with 5.1%.

✓ Exact: nothing was sampled.
  Of the 15 numbers of the story: 9 assumed, 6 elicited. On assumed ones rest 0%
  of P(catastrophe).
  Next: storyodds estimate carlsmith-six-premises --set aps-feasible=0.1
"""


def estimated(name: str, **settings: Any) -> dict[str, Any]:
    return summarize(assess(resolve(load_story(name), **settings), draws=256))


@pytest.fixture(scope="module")
def exact() -> dict[str, Any]:
    return estimated("carlsmith-six-premises")


@pytest.fixture(scope="module")
def rich_one() -> dict[str, Any]:
    return estimated("rlhf-assistant")


def printed(summary: dict[str, Any], source: str = "story.yaml", width: int = 80) -> str:
    file = io.StringIO()
    console = Console(file=file, width=width, highlight=False, color_system=None)
    print_report(console, summary, Recipe(source))
    return file.getvalue()


def lines_without_command(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.startswith("  Next: ")]


def test_the_very_words(exact: dict[str, Any]) -> None:
    assert printed(exact, "carlsmith-six-premises") == CARLSMITH


def test_no_interval_and_no_before_where_nothing_is_uncertain(exact: dict[str, Any]) -> None:
    text = printed(exact)
    assert "90% interval" not in text
    assert "before" not in text
    assert "draws" not in text


def test_prior_and_posterior_share_an_axis(rich_one: dict[str, Any]) -> None:
    text = printed(rich_one)
    assert "○ before the evidence, ● after it" in text
    row = next(line for line in text.splitlines() if line.startswith("deceptive "))
    assert row.count("●") == 1
    assert row.count("○") <= 1
    assert row.count("├") == row.count("┤") == 1


def test_the_report_says_what_the_evidence_did(rich_one: dict[str, Any]) -> None:
    text = printed(rich_one)
    items = rich_one["evidence"]["items"]
    missing = [item["id"] for item in items if item["id"] not in text]
    assert len(missing) == len(items) - ITEMS_SHOWN == 1
    assert "and 1 item that did less" in text
    assert "all together" in text
    assert "−0.0" in text  # a minus sign, not a hyphen


def test_a_story_that_cannot_end_in_catastrophe() -> None:
    text = printed(estimated("coinrun-agent"))
    assert "it cannot end in catastrophe" in text
    assert "Likeliest failures" in text
    assert "never: catastrophe" in text
    assert "never: deceptive" in text


def test_what_is_not_reliable_is_said_first(rich_one: dict[str, Any]) -> None:
    summary = copy.deepcopy(rich_one)
    summary["diagnostics"] |= {"ok": False, "messages": ["a few draws carry the answer"]}
    text = printed(summary)
    assert text.splitlines()[3].startswith("NOT RELIABLE: ")
    assert "✗ Not sound:\n  a few draws carry the answer.\n" in text
    assert "--method nuts" in text
    assert "✓" not in text


def test_no_number_of_what_is_not_reliable_stands_alone_in_the_headline(
    rich_one: dict[str, Any],
) -> None:
    summary = copy.deepcopy(rich_one)
    summary["diagnostics"] |= {"ok": False, "messages": ["a few draws carry the answer"]}
    text = " ".join(printed(summary).split())
    for start in ("The story goes right", "It ends in catastrophe"):
        sentence = text[text.index(start) :]
        assert " – NOT RELIABLE." in sentence[: sentence.index(". ") + 2]


def words(summary: dict[str, Any]) -> str:
    return " ".join(printed(summary).split())


def test_the_day_of_the_decision_and_what_checks_do() -> None:
    summary = features("passed")
    text = words(summary)
    part = text[text.index("On the day of the decision") :]
    part = part[: part.index("The four criteria")]
    day = summary["deployed"]
    for name, entry in (
        ("deployed", day["probability"]),
        ("success", day["success"]),
        ("catastrophe", day["catastrophe"]),
        ("deceptive", day["classes"]["deceptive"]),
    ):
        assert f"{name} {percent(entry['mean'])} " in part
    difference = points(summary["checks"]["audit"]["added"]["mean"]).removeprefix("+")
    assert f"likelier by {difference} without" in part
    assert "probe passed" in part
    assert "going on all the same" not in text


def test_a_model_that_a_check_flagged() -> None:
    text = words(features("flagged"))
    assert "A check flagged this model (probe): the odds are those of going on all the same" in text
    assert "probe flagged" in text
    assert "all, with results of checks" in text


def test_no_day_of_the_decision_without_checks(exact: dict[str, Any]) -> None:
    assert "day of the decision" not in printed(exact)


def test_where_every_model_is_halted() -> None:
    summary = features("passed")
    summary["deployed"] = None
    assert "Every model is halted, so no decision is left to make." in printed(summary)


def test_totals_are_told_without_opinions_too() -> None:
    summary = features("passed")
    fates = summary["opinions"]["fates"]
    success, catastrophe = (percent(fates[name]["mean"]) for name in ("success", "catastrophe"))
    text = words(summary)
    assert f"without them: success {success} and catastrophe {catastrophe}." in text
    assert text.count("no forecasts") == 3  # heads of classes, fates and the day of the decision
    assert "far-told (opinion)" in text and "all but the opinions" in text
    assert text.count("aware-told does nothing: it is about a number that is fixed.") == 2
    assert "far-told does nothing" not in text


def test_hazards_and_mechanisms_have_their_own_odds() -> None:
    summary = features("passed")
    text = words(summary)
    hazard = summary["hazards"]["bad-intent"]
    assert f"bad-intent {percent(hazard['mean'])}" in text
    assert f"{percent(hazard['given_intended']['mean'])} of intended models" in text
    concern = summary["mechanisms"]["scheming"]["concern"]
    assert f"scheming {percent(concern['mean'])}" in text


def test_the_goal_once_training_does_end_as_intended() -> None:
    """A good goal and the intended model may have a reason in common."""
    text = FEATURES.replace("RESULT", "passed").replace(
        "probability: 0.1, harm: 0.01", "probability: 0.5, requires: far, harm: 0.01"
    )
    summary = summarize(assess(resolve(load_text(text, "features.yaml")), draws=256))
    made = percent(summary["criteria"]["goal_alignment"]["mean"])
    ended = percent(summary["criteria_given_intended"]["goal_alignment"]["mean"])
    assert made != ended == "100%"  # the intended model requires that the hazard is shut
    assert f"an intended model is good ({ended} once training ends at one)" in words(summary)


def test_what_was_done_is_what_is_said() -> None:
    sampled = features("passed")
    assert sampled["diagnostics"]["means"] == "sampled"
    assert re.search(r"✓ Sound: 256 weighted draws count as \d+ independent ones", words(sampled))
    exact_means = FEATURES[: FEATURES.index("evidence:")].replace("RESULT", "passed")
    text = exact_means.replace("bits: [0, 1]", "bits: 0")
    summary = summarize(assess(resolve(load_text(text, "features.yaml")), draws=256))
    said = "✓ Sound: means are exact sums; intervals are from 256 independent draws."
    assert said in words(summary)


def test_a_bound_on_the_weights_is_told_where_it_was_proved(rich_one: dict[str, Any]) -> None:
    summary = copy.deepcopy(rich_one)
    summary["diagnostics"] |= {"weight_bound": 1.804, "pareto_k": None}
    assert "; no draw counts more than 1.9 times the average." in words(summary)
    summary["diagnostics"] |= {"weight_bound": 74.8, "pareto_k": -0.261}
    assert "independent ones (Pareto k −0.26)." in words(summary)


def test_simulation_proves_no_zero() -> None:
    summary = summarize(assess(resolve(load_story("coinrun-agent")), method="simulation", draws=64))
    text = words(summary)
    n = summary["diagnostics"]["states_simulated"]
    assert f"Catastrophe was not met in {n:,} simulated states" in text
    assert f"not met in {n:,} simulated states: catastrophe" in text
    assert "never:" not in text and "cannot" not in text


def test_digits_that_the_error_does_not_support_are_not_told(rich_one: dict[str, Any]) -> None:
    summary = copy.deepcopy(rich_one)
    summary["fates"]["success"] = {"mean": 0.324, "median": 0.3, "q05": 0.123, "q95": 0.567}
    errors = {"mean": 0.1, "median": 0.1, "q05": 0.01, "q95": 0.1}
    summary["diagnostics"]["standard_errors"]["success"] = errors
    text = words(summary)
    assert "goes right with a chance of 30%, about 1 in 3 (90% interval 12%–60%)" in text
    assert "success 30% 12%–60%" in text


def test_that_nuts_took_over_is_said(rich_one: dict[str, Any]) -> None:
    summary = copy.deepcopy(rich_one)
    summary["method"] = "nuts"
    summary["diagnostics"] = {
        **{"ok": True, "draws": 4096, "ess": 900.0, "pareto_k": 0.1, "r_hat_max": 1.002},
        **{"ess_bulk_min": 900.0, "ess_tail_min": 800.0, "divergences": 0},
        **{"means": "sampled", "weight_bound": None},
        "messages": ["weighting was not good enough (too few), so NUTS was run"],
    }
    text = printed(summary)
    assert "✓ Sound: 4,096 NUTS draws count as at least 800 independent ones" in text
    assert "! Weighting was not good enough (too few), so NUTS was run." in text


def test_the_share_of_assumed_numbers(exact: dict[str, Any]) -> None:
    summary = copy.deepcopy(exact)
    reference = summary["provenance"][0] | {"name": "e.bayes_factor.default", "basis": "assumed"}
    summary["provenance"] = [number | {"basis": "assumed"} for number in summary["provenance"]]
    summary["provenance"].append(reference)  # the 0 that the format asks for is nobody's guess
    assert "All 15 numbers of the story are assumed" in printed(summary)
    summary["provenance"][0]["basis"] = "measured"
    summary["rests_on"] = {
        "success": None,
        "catastrophe": {"assumed": 0.75, "elicited": 0.0, "measured": 0.25},
    }
    text = printed(summary)
    assert "Of the 15 numbers of the story: 14 assumed, 1 measured." in text
    assert "On assumed ones rest 75% of P(catastrophe)." in " ".join(text.split())


def test_outer_and_inner_alignment_where_they_apply(rich_one: dict[str, Any]) -> None:
    summary = copy.deepcopy(rich_one)
    entry = {"mean": 0.4, "median": 0.4, "q05": 0.2, "q95": 0.6}
    summary["lens"] |= {"applies": True, "outer_alignment": entry, "inner_alignment": None}
    text = printed(summary)
    assert "outer alignment     40%       20%–60%  the training objective is good" in text
    assert "inner alignment       –                cannot be said" in text


@pytest.mark.parametrize(
    ("source", "command"),
    [
        ("rlhf-assistant", "storyodds estimate rlhf-assistant --view sceptic"),
        ("my story.yaml", "storyodds estimate 'my story.yaml' --view sceptic"),
        ("-", None),
    ],
)
def test_what_to_run_next(rich_one: dict[str, Any], source: str, command: str | None) -> None:
    said = [line for line in printed(rich_one, source, 40).splitlines() if "Next" in line]
    assert said == ([] if command is None else [f"  Next: {command}"])


def test_another_view_is_suggested_under_a_view() -> None:
    summary = estimated("rlhf-assistant") | {"view": "sceptic"}
    assert "--view advocate" in printed(summary)


def test_color_is_never_the_only_sign(rich_one: dict[str, Any]) -> None:
    file = io.StringIO()
    console = Console(
        file=file, width=80, force_terminal=True, color_system="standard", highlight=False
    )
    print_report(console, rich_one, Recipe("x"))
    assert "\x1b[" in file.getvalue()
    assert "\x1b[32m" not in file.getvalue()  # no green beside the red


# What holds of every report


HOSTILE = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        [
            "[bold red]x[/]",
            "[/]",
            "[link=file:///etc/passwd]y[/link]",
            "\x1b[2J\x1b]8;;http://evil\x07",
            "\u202eevil\u2066",
            "שלום עולם",
            "w" * 200,
            "日本語" * 40,
            "a\n\n  b\tc\r\n",
            ":smile: {x} %s",
        ]
    ),
)


@st.composite
def entries(draw: st.DrawFn) -> dict[str, float]:
    low, median, high = sorted(draw(st.lists(st.floats(0, 1), min_size=3, max_size=3)))
    return {"mean": draw(st.floats(low, high)), "median": median, "q05": low, "q95": high}


def hostile(summary: dict[str, Any], data: st.DataObject) -> dict[str, Any]:
    """The summary with other numbers, and story text meant to do harm."""
    changed = copy.deepcopy(summary)
    changed["title"] = data.draw(HOSTILE)
    changed["settings"] = {"x": data.draw(HOSTILE)}
    for part in ("classes", "prior_classes", "fates", "criteria"):
        changed[part] = {name: data.draw(entries()) for name in changed[part]}
    changed["catastrophe_given_deployed_failure"] = data.draw(st.none() | entries())
    for entry in changed["hazards"].values():
        entry |= data.draw(entries()) | {"given_intended": data.draw(st.none() | entries())}
    changed["mechanisms"] = {
        data.draw(HOSTILE): {
            "routes": [data.draw(HOSTILE)],
            "probability": data.draw(entries()),
            "concern": data.draw(entries()),
        }
    }
    for check in changed["checks"].values():
        check["result"] = data.draw(st.sampled_from([None, "passed", "flagged"]))
    changed["false_alarm"] = data.draw(entries())
    for path in changed["paths"][:3]:
        path["claim"] = data.draw(HOSTILE)
        path["kind"] = data.draw(st.none() | HOSTILE)
        path["concern"] = data.draw(entries())
        path["overlaps"] = data.draw(st.booleans())
    for item in changed["evidence"]["items"]:
        x = st.none() | st.floats(-60, 60)
        item["bits"] = {name: data.draw(x) for name in item["bits"]}
    changed["evidence"]["note"] = data.draw(st.none() | HOSTILE)
    changed["diagnostics"]["messages"] = [data.draw(HOSTILE)]
    return changed


@given(st.data(), st.integers(30, 160))
def test_no_line_is_too_long_and_no_text_is_obeyed(
    rich_one: dict[str, Any], data: st.DataObject, width: int
) -> None:
    text = printed(hostile(rich_one, data), width=width)
    for line in lines_without_command(text):
        assert cell_len(line) <= width
        assert line == line.rstrip()
    for sign in "\x1b\x07\u202e\u2066\r\t":
        assert sign not in text


@given(st.lists(st.tuples(entries(), st.none() | entries()), min_size=1, max_size=4))
def test_bars_stay_on_the_axis(pairs: list[tuple[dict[str, float], dict[str, float]]]) -> None:
    after, before = [a for a, _ in pairs], [b for _, b in pairs]
    for room in (20, 33, 50):
        axis, *bars = plot(after, before, room)
        assert len(axis) == room
        assert axis.startswith("0%")
        assert len(bars) == len(pairs)
        for bar, entry, prior in zip(bars, after, before, strict=True):
            assert len(bar) == room
            assert bar.count("●") == 1
            assert bar.count("○") == 0 or prior is not None
            at = bar.index("●")
            if "├" in bar and entry["q05"] <= entry["mean"]:
                assert bar.index("├") <= at
            if "┤" in bar and entry["mean"] <= entry["q95"]:
                assert at <= bar.rindex("┤")


def test_equal_probabilities_stand_under_each_other() -> None:
    def sure(p: float) -> dict[str, float]:
        return {"mean": p, "median": p, "q05": p, "q95": p}

    _, first, second = plot([sure(0.25), sure(0.5)], [sure(0.5), None], 41)
    assert first.index("○") == second.index("●")
    assert math.isclose(first.index("●") * 2, second.index("●"), abs_tol=1)
