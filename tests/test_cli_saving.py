"""Results saved by `estimate`, and what happens where they cannot be."""

import errno
import json
import os
from pathlib import Path

import pytest
from support.command_line import Run

from storyodds.models.assessment.datatree import load_result

DONE, FAILED, WRONG_INPUT, INTERRUPTED = 0, 1, 2, 130
EXACT = "carlsmith-six-premises"


def test_a_result_is_saved_as_a_tree_and_as_json(run: Run, tmp_path: Path) -> None:
    tree, plain = tmp_path / "a.nc", tmp_path / "a.json"
    ran = run("estimate", EXACT, "-o", str(tree))
    assert (ran.code, ran.err) == (DONE, f"saved {tree}\n")
    ran = run("estimate", EXACT, "-o", str(plain), "--json")
    assert ran.code == DONE
    assert json.loads(plain.read_text("utf-8")) == ran.json
    assert json.loads(load_result(tree).attrs["meta"])["summary"]["story"] == EXACT
    assert sorted(tmp_path.iterdir()) == [plain, tree]


def test_several_results_go_to_a_folder(run: Run, small: Path, tmp_path: Path) -> None:
    folder = tmp_path / "results"
    ran = run("estimate", EXACT, str(small), "-o", str(folder), "--draws", "64")
    assert ran.code == WRONG_INPUT
    assert "a folder that exists" in ran.err
    folder.mkdir()
    ran = run("estimate", EXACT, str(small), "-o", str(folder), "--draws", "64")
    assert ran.code == DONE
    assert sorted(path.name for path in folder.iterdir()) == [f"{EXACT}.nc", "small.nc"]


@pytest.mark.parametrize(
    ("stories", "output", "said"),
    [
        ([EXACT], "a.txt", "a name ending in .nc or .json"),
        ([EXACT], "a", "a name ending in .nc or .json"),
        ([EXACT], "no/a.nc", "does not exist"),
        ([EXACT, EXACT], ".", "two stories would both be saved"),
    ],
)
def test_a_wrong_place_to_save(
    run: Run, tmp_path: Path, stories: list[str], output: str, said: str
) -> None:
    ran = run("estimate", *stories, "-o", str(tmp_path / output))
    assert (ran.code, ran.out) == (WRONG_INPUT, "")
    assert said in ran.err
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_to(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    ran = run("estimate", EXACT, "-o", str(tmp_path / "a.nc"))
    assert ran.code == WRONG_INPUT
    assert "cannot be written to" in ran.err


@pytest.mark.parametrize("name", ["a.json", "a.nc"])
def test_a_full_disk_loses_the_file_but_not_the_answer(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    target = tmp_path / name
    target.write_text("older", "utf-8")
    monkeypatch.setattr(os, "replace", full)
    ran = run("estimate", EXACT, "-o", str(target))
    assert ran.code == FAILED
    assert "catastrophe" in ran.out
    assert ran.err == f"storyodds: cannot save {target}: no space left on device\n"
    assert target.read_text("utf-8") == "older"
    assert list(tmp_path.iterdir()) == [target]


def test_an_interruption_while_saving_leaves_nothing(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("storyodds.priors.text.files.os.replace", interrupted)
    ran = run("estimate", EXACT, "-o", str(tmp_path / "a.nc"))
    assert (ran.code, ran.out, ran.err) == (INTERRUPTED, "", "interrupted\n")
    assert not list(tmp_path.iterdir())
