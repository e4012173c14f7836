"""The questions as Python functions: the same objects as the commands give."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.command_line import Run

from storyodds import InputError, compare, load_story, sensitivity, value
from storyodds.commands.console import json_text
from storyodds.priors.library import view as load_view

STORY = load_story("coinrun-agent")
FEW: dict[str, Any] = {"draws": 256, "seed": 3}
OPTIONS = ("--draws", "256", "--seed", "3", "--json")


def written(document: Any) -> Any:
    """A document as commands write it."""
    return json.loads(json_text(document))


def test_sensitivity_is_what_the_command_says(run: Run) -> None:
    told: list[str] = []
    found = sensitivity(
        STORY,
        parts=["failure", "local"],
        view="sceptic",
        settings={"path-dependence": 0.5},
        progress=lambda stage, done, total: told.append(stage),
        **FEW,
    )
    parts = ("--part", "local", "--part", "failure", "--view", "sceptic")
    done = run("sensitivity", "coinrun-agent", *parts, "--set", "path-dependence=0.5", *OPTIONS)
    assert written(found) == done.json
    assert "what it hangs on: local" in told and "views" not in found


def test_value_is_what_the_command_says(run: Run) -> None:
    found = value(STORY, stakes={"success": 1, "catastrophe": -100}, **FEW)
    worth = ("--worth", "success=1", "--worth", "catastrophe=-100")
    assert written(found) == run("value", "coinrun-agent", *worth, *OPTIONS).json
    own = value(STORY, standard=False, view=load_view("sceptic"), **FEW)
    options = ("--no-standard", "--view", "sceptic", *OPTIONS)
    assert written(own) == run("value", "coinrun-agent", *options).json
    assert own["unit"] == "bits" and len(own["proposals"]) < len(found["proposals"])


def test_compare_is_what_the_command_says(run: Run, tmp_path: Path) -> None:
    saved = tmp_path / "saved.json"
    run("estimate", "carlsmith-six-premises", "-o", str(saved))
    told: list[str] = []
    found = compare([STORY, saved], progress=lambda stage, done, total: told.append(stage), **FEW)
    done = run("compare", "coinrun-agent", str(saved), *OPTIONS)
    assert written(found) == done.json
    assert "putting the odds side by side" in told
    assert any(stage.startswith("coinrun-agent: ") for stage in told)
    viewed = compare([STORY], views=["sceptic"], **FEW)
    done = run("compare", "coinrun-agent", "--view", "sceptic", *OPTIONS)
    assert written(viewed) == done.json


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda: sensitivity(STORY, parts=["locale"]), "found 'locale'.*'local'"),
        (lambda: sensitivity(STORY, parts=[]), "parts: found ''"),
        (lambda: value(STORY, stakes={"halted": 1}), "stakes: found 'halted'"),
        (lambda: value(STORY, stakes={"success": float("nan")}), "success: found nan"),
        (lambda: compare([STORY]), "found 1 sides, expected two"),
        (lambda: compare([STORY, STORY], views=["sceptic"]), "views: found 2 stories"),
        (lambda: compare([STORY, "nowhere.nc"]), "nowhere.nc: found no such file"),
    ],
)
def test_mistakes_are_told(ask: Callable[[], Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        ask()


@pytest.mark.parametrize(
    ("name", "amount"), [("halted", "1"), ("sucess", "2"), ("success", "nan"), ("success", "1e16")]
)
def test_wrong_stakes_are_told_in_the_same_words_as_by_the_command(
    run: Run, name: str, amount: str
) -> None:
    done = run("value", "coinrun-agent", "--worth", f"{name}={amount}")
    with pytest.raises(InputError) as caught:
        value(STORY, stakes={name: float(amount)})
    [problem] = caught.value.problems
    said = problem.message.removeprefix("stakes").replace(f"found {float(amount)}", "found")
    assert said in done.err.replace(f"found '{amount}'", "found")


def test_every_unknown_name_is_told_at_once() -> None:
    with pytest.raises(InputError) as caught:
        value(STORY, stakes={"halted": 1, "sucess": 2, "withheld": float("inf")})
    assert len(caught.value.problems) == 3
