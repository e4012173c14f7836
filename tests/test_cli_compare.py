"""`storyodds compare` as a stranger meets it."""

from pathlib import Path

import pytest
from support.command_line import Run, document

from storyodds.cli import main

DONE, WRONG_INPUT, NOT_RELIABLE = 0, 2, 3
SMALL = ("coinrun-agent", "--draws", "128")
SUMMARY = {"mean", "median", "q05", "q95"}
CLASSES = ["intended", "mesa-optimizer", "deceptive", "other"]
EVENTS = ["success", *CLASSES, "uncompetitive", "halted", "benign-failure", "catastrophe"]

COMMAND = "compare"


def test_two_stories(run: Run) -> None:
    code, out, err = run("carlsmith-six-premises", "cat-classifier", "--draws", "128")
    assert (code, err) == (DONE, "")
    assert "Clear between cat-classifier and carlsmith-six-premises: intended" in out
    words = " ".join(out.split())
    assert "carlsmith-six-premises is a risk argument, with no claim about success" in words
    assert "catastrophe once deployed" in out and "success once deployed" not in out
    assert "The odds side by side" in out


def test_json_keeps_the_contract(run: Run) -> None:
    code, out, err = run(*SMALL, "--view", "wide", "--view", "sceptic", "--json")
    assert (code, err) == (DONE, "")
    found = document(out)
    assert set(found) == {
        *("schema", "seed", "draws", "versions", "sides", "pairs", "ranks", "evidence"),
        *("tipping", "summary", "diagnostics"),
    }
    assert (found["schema"], found["seed"], found["draws"]) == ("storyodds/compare/1", 1, 128)
    assert [side["name"] for side in found["sides"]] == ["as written", "wide", "sceptic"]
    assert [side["view"] for side in found["sides"]] == [None, "wide", "sceptic"]
    for side in found["sides"]:
        assert list(side["odds"]) == EVENTS
        assert all(set(odds) == SUMMARY for odds in side["odds"].values())
    assert len(found["pairs"]) == 3
    for pair in found["pairs"]:
        assert set(pair) == {
            *("first", "second", "how", "why", "numbers", "moved", "differences"),
            *("deployed", "changed", "contributions"),
        }
        assert pair["how"] == "paired" and pair["numbers"]
        for d in pair["differences"].values():
            assert set(d) == SUMMARY | {"larger", "smaller", "error", "clear"}
        assert pair["changed"]["numbers"] and not pair["changed"]["text"]
        told = pair["contributions"]
        assert (told is not None) == (pair["first"] == "as written")
        if told is not None:
            assert set(told) == {"changes", "orders", "why"} and told["why"] is None
            for one in told["changes"]:
                assert set(one) == {"label", "changes", "adds"} and list(one["adds"]) == EVENTS
    for ranks in found["ranks"].values():
        assert all(sum(rank["shares"]) == pytest.approx(1) for rank in ranks)
    (group,) = found["evidence"]["rivals"]
    assert sum(group["weights"]) == pytest.approx(1)
    assert found["diagnostics"] == {"ok": True, "messages": []}


def test_a_story_against_itself_differs_by_nothing(run: Run) -> None:
    _, out, _ = run("coinrun-agent", *SMALL, "--json")
    found = document(out)
    assert [side["name"] for side in found["sides"]] == ["coinrun-agent", "coinrun-agent (2)"]
    for d in found["pairs"][0]["differences"].values():
        assert [d[key] for key in ("mean", "q05", "q95", "larger", "smaller")] == [0] * 5


def test_seed_and_draws_are_taken(run: Run) -> None:
    texts = [run(*SMALL, "--view", "wide", "--json", "--seed", s)[1] for s in ("1", "1", "2")]
    assert texts[0] == texts[1] != texts[2]


def test_saved_results(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [str(tmp_path / name) for name in ("old.nc", "old.json")]
    for path in paths:
        assert (
            main(["estimate", *SMALL, "--set", "path-dependence=0.9", "-o", path]) == DONE or path
        )
    capsys.readouterr()
    code, out, err = run(*SMALL, *paths, "--json")
    assert (code, err) == (DONE, "")
    found = document(out)
    assert [side["kind"] for side in found["sides"]] == ["story", "result", "result"]
    assert [pair["how"] for pair in found["pairs"]] == ["paired", None, None]
    assert found["sides"][1]["why_alone"] is None
    (one,) = found["pairs"][0]["contributions"]["changes"]
    assert one["label"] == "path-dependence.probability"
    difference = found["pairs"][0]["differences"]["success"]
    assert one["adds"]["success"]["mean"] == pytest.approx(difference["mean"], abs=1e-12)


@pytest.mark.parametrize(
    ("arguments", "sentences"),
    [
        (("coinrun-agent",), ["found only 'coinrun-agent', expected a second story"]),
        (("coinrun-agnet", "old.nc"), ["did you mean 'coinrun-agent'?", "old.nc: found no such"]),
        (("coinrun-agent", "--view", "sceptc"), ["did you mean 'sceptic'?"]),
        (("a.nc", "--view", "wide"), ["--view: found 0 stories", "a.nc: found no such file"]),
        (("coinrun-agent", "rlhf-assistant", "--view", "wide"), ["--view: found 2 stories"]),
        (("coinrun-agent", "--view", "wide", "--view", "wide"), ["--view wide: found twice"]),
        (("-", "-"), ["found '-' twice"]),
        (("coinrun-agent", "rlhf-assistant", "--method", "x"), ["'x' is not one of"]),
        ((), ["Missing argument"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_mistakes_are_told(run: Run, arguments: tuple[str, ...], sentences: list[str]) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (WRONG_INPUT, "")
    assert all(sentence in err for sentence in sentences)


HARD = """\
story: small
title: A small story
goal: {specification: It does the task., desirability: The task is good.}
assumptions:
  aware: {claim: It knows., probability: 0.3}
routes:
  - {id: schemer, class: deceptive, claim: It hides., requires: aware, bits: [-8, 8], harm: 0.1}
  - {id: something-else, class: other, claim: The residual., bits: 0, harm: 0.05}
evidence:
  - {id: verdict, claim: A judge is sure., about: {class: deceptive}, forecast: 0.000001,
     sd_bits: 0.05}
"""


def test_what_is_not_reliable_says_so(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "hard.yaml"
    path.write_text(HARD, "utf-8")
    arguments = (str(path), *SMALL, "--method", "weighting")
    code, out, err = run(*arguments)
    assert code == NOT_RELIABLE
    assert "NOT RELIABLE: a computation failed its own checks" in out
    assert "small: NOT RELIABLE: " in err
    code, out, _ = run(*arguments, "--json")
    assert code == NOT_RELIABLE and document(out)["diagnostics"]["ok"] is False
