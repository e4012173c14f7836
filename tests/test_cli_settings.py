"""`--set` and the other options that change numbers, right ones and wrong ones."""

from pathlib import Path

import pytest
from support.command_line import SMALL, Run

DONE, WRONG_INPUT = 0, 2


@pytest.mark.parametrize(
    ("setting", "low", "high"),
    [
        ("aware=0", 0, 0),
        ("aware=1", 1, 1),
        (" aware = 0.25 ", 0.25, 0.25),
        ("aware.probability=[0.2, 0.4]", 0.2, 0.4),
        ("aware={interval: [0.2, 0.4], level: 0.5}", 0.2, 0.4),
        ("aware={fixed: 0.5, basis: elicited, source: me}", 0.5, 0.5),
        ("aware={beta: [2, 8]}", 0.1, 0.3),
        ("aware={counts: {hits: 3, trials: 200}}", 0.005, 0.03),
        ("aware={ref: carlsmith-2022/aps-feasible}", 0.65, 0.65),
        ("aware={pool: [{by: me, value: 0.2, weight: 2}, {by: you, value: [0.1, 0.5]}]}", 0.1, 0.4),
    ],
)
def test_a_setting_takes_every_form(
    run: Run, small: Path, setting: str, low: float, high: float
) -> None:
    ran = run("estimate", str(small), "--json", "--draws", "256", "--set", setting)
    assert ran.code == DONE, ran.err
    assert low - 1e-9 <= ran.json["assumptions"]["aware"]["mean"] <= high + 1e-9
    assert len(ran.json["settings"]) == 1


def test_bits_take_a_normal(run: Run, small: Path) -> None:
    ran = run(
        "estimate", str(small), "--json", "--draws", "64", "--set", "schemer={normal: [1, 2]}"
    )
    assert ran.code == DONE


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("aware", "expected ID=PRIOR"),
        ("=1", "expected ID=PRIOR"),
        ("aware=", "expected ID=PRIOR"),
        ("aware=  ", "expected ID=PRIOR"),
        ("awere=0.1", "did you mean 'aware'?"),
        ("aware=1.5", "expected a probability from 0 to 1"),
        ("aware=[0.4, 0.1]", "lower end first"),
        ("aware=[0.1", "found a list that goes wrong"),
        ("aware={norml: [1, 1]}", "did you mean 'normal'?"),
        ("aware=maybe", "found 'maybe'"),
        ("aware={ref: carlsmith-2022/aps}", "did you mean 'carlsmith-2022/aps-feasible'?"),
        ("schemer=99", "bits from -60 to 60"),
        ("schemer={beta: [1, 1]}", "--set schemer.bits: found 'beta', which a number of bits"),
    ],
)
def test_a_wrong_setting_is_explained(run: Run, small: Path, setting: str, said: str) -> None:
    ran = run("estimate", str(small), "--set", setting)
    assert (ran.code, ran.out) == (WRONG_INPUT, "")
    assert said in ran.err


@pytest.mark.parametrize("number", ["1.5", "[0.3, 0.1]", "maybe", "{bet: [1, 2]}"])
def test_a_setting_is_refused_in_the_words_of_a_file(run: Run, tmp_path: Path, number: str) -> None:
    """And a number of a view, which may be of either kind, at its line."""
    story, view = tmp_path / "story.yaml", tmp_path / "view.yaml"
    story.write_text(SMALL.replace("probability: 0.3", f"probability: {number}"), "utf-8")
    view.write_text(f"view: view\ntitle: A view\nset:\n  aware: {number}\n", "utf-8")
    sentences = [run("estimate", str(story)).err.splitlines()[0].partition("probability: ")[2]]
    story.write_text(SMALL, "utf-8")
    ran = run("estimate", str(story), "--set", f"aware={number}")
    assert ran.err.startswith(f"{story}: --set aware.probability: ")
    sentences.append(ran.err.splitlines()[0].partition("probability: ")[2])
    ran = run("estimate", str(story), "--view", str(view))
    assert ran.err.startswith(f"{view}:4:") and f"    4 |   aware: {number}" in ran.err
    assert sentences[0] and sentences[0] == sentences[1]


def test_mistakes_of_settings_and_views_are_all_told(run: Run, tmp_path: Path, small: Path) -> None:
    view = tmp_path / "view.yaml"
    view.write_text("view: view\ntitle: A view\nset:\n  aware: 2.5\n", "utf-8")
    ran = run(
        *("estimate", str(small), "--view", str(view), "--set", "nobody=1", "--set", "schemer=99"),
    )
    for words in (
        f"{view}:4:10: set.aware: found 2.5",
        "--set: found 'nobody'",
        "--set schemer.bits: found 99",
    ):
        assert words in ran.err


def test_what_cannot_be_read_hides_no_name_that_a_story_lacks(run: Run, small: Path) -> None:
    changes = ["--set", "aware=[0.1", "--set", "nobody=1", "--off", "check:none", "--off", "audit"]
    ran = run("estimate", str(small), *changes, "--view", "nowhere")
    assert ran.code == 2 and ran.out == ""
    for said in ("--set aware:1:1", "found 'nobody'", "'check:none'", "'audit'", "'nowhere'"):
        assert said in ran.err, said


def test_a_number_that_cannot_be_read_may_be_none_of_the_story_too(run: Run, small: Path) -> None:
    ran = run("importance", str(small), "--set", "nobody=[")
    assert ran.code == 2
    assert "--set nobody:" in ran.err and "found 'nobody', expected the name of a number" in ran.err


def test_every_story_is_held_to_the_changes(run: Run, small: Path, tmp_path: Path) -> None:
    both = (str(small), "coinrun-agent")
    for command in (["estimate"], ["dashboard", "-o", str(tmp_path / "pages")]):
        ran = run(*command, *both, "--set", "nobody=1")
        assert ran.code == 2
        assert all(f"{name}: --set: found 'nobody'" in ran.err for name in both), command


def test_one_number_by_two_names(run: Run, small: Path) -> None:
    ran = run("estimate", str(small), "--set", "aware=0.1", "--set", "aware.probability=0.1")
    assert ran.code == WRONG_INPUT
    assert "found 'aware' and 'aware.probability', which are one number" in ran.err


def test_a_number_is_set_once(run: Run, small: Path) -> None:
    ran = run("estimate", str(small), "--set", "aware=0.1", "--set", "aware=0.2")
    assert ran.code == WRONG_INPUT
    assert "--set aware: found twice" in ran.err


def test_all_mistakes_of_the_options_are_told_at_once(run: Run) -> None:
    ran = run(
        *("estimate", "coinrn-agent", "nothing.yaml", "--set", "=3", "--fail-above", "x=1"),
        *("--view", "nope", "-o", "no/where.nc"),
    )
    assert ran.code == WRONG_INPUT
    for said in (
        "did you mean 'coinrun-agent'?",
        "nothing.yaml: there is no such file",
        "expected ID=PRIOR",
        "expected a class, a fate or deployed odds",
        "one of advocate, carlsmith, sceptic, wide",
        "found 'no/where.nc', expected a folder that exists",
    ):
        assert said in ran.err
