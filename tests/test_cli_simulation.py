"""The memory cap and the sampler, from the command line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.tangles import tangled

from storyodds.cli import main
from storyodds.commands.options import memory_of
from storyodds.priors.text.errors import InputError
from storyodds.scenarios.serialize import to_yaml

DONE, WRONG_INPUT, NOT_RELIABLE = 0, 2, 3

# Its evidence is for what hardly any state has.
RARE = """\
story: rare
title: A rare thing
goal: {specification: It does the task., desirability: The task is good.}
assumptions:
  odd: {claim: It is odd., probability: 0.0001}
routes:
  - {id: something-else, class: other, claim: The residual., bits: [-1, 1], harm: 0.05}
evidence:
  - {id: seen, claim: It was seen., about: {assumption: odd}, bayes_factor: {true: 30}}
"""

type Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in this process."""
    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(list(arguments))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def tangle(tmp_path: Path) -> str:
    path = tmp_path / "tangle.yaml"
    path.write_text(to_yaml(tangled()), encoding="utf-8")
    return str(path)


def test_a_refused_story_names_both_ways_out(run: Run, tangle: str) -> None:
    code, out, err = run("estimate", tangle, "--max-memory", "4MiB")
    assert (code, out) == (WRONG_INPUT, "")
    (line,) = err.splitlines()
    assert line.startswith(f"{tangle}: assumptions: found ")
    assert "that have to be summed over together (" in line
    assert "0.00391 GiB" in line
    assert line.endswith(
        "Ways out: allow more with --max-memory, or estimate it with --method simulation"
    )


def test_the_sampler_takes_it(run: Run, tangle: str) -> None:
    options = ("--method", "simulation", "--max-memory", "4MiB", "--draws", "128")
    code, out, err = run("estimate", tangle, *options)
    assert (code, err) == (DONE, "")
    lines = out.splitlines()
    head = " ".join(lines[:10])
    assert "SIMULATED, not summed exactly: every probability carries simulation error" in head
    assert "standard error: success ±" in head
    foot = " ".join(lines[-10:])
    # No number of the story has to be sampled, so all states are at one draw.
    assert "✓ Sound, as simulations go: 32,768 weighted states count as" in foot
    assert "32,768 states of the assumptions," in foot
    # What is suggested next is estimated as this was.
    assert lines[-1].endswith("--method simulation --draws 128 --max-memory 4MiB")


def test_the_document_says_so(run: Run, tangle: str) -> None:
    options = ("--method", "simulation", "--draws", "64", "--json")
    code, out, _ = run("estimate", tangle, *options)
    summary: Any = json.loads(out)
    assert code == DONE
    assert summary["method"] == "simulation"
    d = summary["diagnostics"]
    assert d["ok"]
    assert (d["draws"], d["states"]) == (64, 64 * 256)
    assert 400 < d["ess_joint"] <= 64 * 256
    assert set(d["simulation_error"]) == {*summary["classes"], *summary["fates"]}
    assert 0 < d["simulation_error"]["success"] < 0.1
    assert d["states_simulated"] == d["states"]  # all of them at one draw
    assert 0 < d["simulation_noise"]["success"] < 0.3  # of one draw of the numbers
    assert "arviz-stats" in summary["versions"]
    again = run("estimate", tangle, *options)[1]
    assert again == out


def test_a_simulation_that_failed_says_so(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "rare.yaml"
    path.write_text(RARE, encoding="utf-8")
    options = ("--method", "simulation", "--draws", "128")
    code, out, err = run("estimate", str(path), *options)
    assert code == NOT_RELIABLE
    assert out.splitlines()[3].startswith("NOT RELIABLE")
    assert "simulated states count for" in err
    assert out.splitlines()[-1].endswith("--method simulation --draws 512")


def test_auto_never_simulates(run: Run, tangle: str) -> None:
    for method in ("auto", "weighting", "nuts"):
        code, *_ = run("estimate", tangle, "--max-memory", "4MiB", "--method", method)
        assert code == WRONG_INPUT


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("512MiB", 512 * 2**20),
        ("4GiB", 4 * 2**30),
        ("1.5 gib", 3 * 2**29),
        ("1TiB", 2**40),
        ("2048KiB", 2**21),
        ("1073741824", 2**30),
        ("1073741824B", 2**30),
    ],
)
def test_amounts_of_memory(text: str, amount: int) -> None:
    assert memory_of(text) == amount


@pytest.mark.parametrize(
    "text",
    ["", "lots", "4GB", "-1", "0", "1KiB", "1e9", "nan", "9" * 400 + "GiB", "4 G i B", "٤GiB"],
)
def test_what_is_no_amount_of_memory(text: str) -> None:
    with pytest.raises(InputError) as caught:
        memory_of(text)
    assert str(caught.value) == (
        f"--max-memory: found '{text}', expected an amount of memory of at least 1MiB, as in "
        "512MiB, 4GiB or a number of bytes"
    )


def test_a_wrong_amount_is_told_with_all_other_mistakes(run: Run) -> None:
    code, out, err = run("estimate", "nowhere.yaml", "--max-memory", "4GB", "--fail-above", "x=1")
    assert (code, out) == (WRONG_INPUT, "")
    assert "--max-memory: found '4GB'" in err
    assert "nowhere.yaml" in err
    assert "--fail-above" in err
