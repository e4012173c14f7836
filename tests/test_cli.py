"""The command line as a stranger meets it: help, usage, and what goes wrong in any command."""

import subprocess
import sys
from pathlib import Path

import pytest
from support.command_line import SMALL, Run

from storyodds import InputError
from storyodds.models.assessment import assessment

DONE, FAILED, WRONG_INPUT = 0, 1, 2
EXACT = "carlsmith-six-premises"


def test_help_of_every_command(run: Run) -> None:
    ran = run("--help")
    assert ran.code == DONE
    assert "130 interrupted" in ran.out
    assert "..." not in ran.out.split("Commands:")[1]  # no sentence cut short
    for command in ("estimate", "check", "list", "show"):
        assert command in ran.out
        assert run(command, "-h").code == DONE
    assert run("--version").out.startswith("storyodds, version ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["estimat"], "Did you mean 'estimate'?"),
        (["estimate"], "Missing argument"),
        (["estimate", EXACT, "--draw", "5"], "Did you mean '--draws'?"),
        (["estimate", EXACT, "--draws", "5"], "64<=x"),
        (["estimate", EXACT, "--method", "hmc"], "'auto', 'weighting', 'nuts'"),
        (["estimate", EXACT, "--seed", "-1"], "0<=x"),
        (["estimate", "-", "-"], "only once"),
        ([], "Commands:"),
    ],
)
def test_wrong_usage(run: Run, arguments: list[str], said: str) -> None:
    ran = run(*arguments)
    assert (ran.code, ran.out) == (WRONG_INPUT, "")
    assert said in ran.err


def let_estimates_fail(run: Run, monkeypatch: pytest.MonkeyPatch, stand_in: object) -> None:
    """Put something in the place of `assess`, once all that imports it by name has done so."""
    assert run("estimate", EXACT).code == DONE
    monkeypatch.setattr(assessment, "assess", stand_in)


def test_an_unexpected_failure_is_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("first line\nsecond line \x1b[2J")

    let_estimates_fail(run, monkeypatch, broken)
    monkeypatch.delenv("STORYODDS_TRACEBACK", raising=False)
    ran = run("estimate", EXACT)
    assert (ran.code, ran.out) == (FAILED, "")
    assert ran.err == (
        "storyodds: unexpected failure: ZeroDivisionError: first line "
        "(STORYODDS_TRACEBACK=1 shows where)\n"
    )
    monkeypatch.setenv("STORYODDS_TRACEBACK", "1")
    ran = run("estimate", EXACT)
    assert ran.code == FAILED
    assert "Traceback (most recent call last)" in ran.err


def test_a_large_mistake_made_by_the_computation_is_a_wrong_story(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def impossible(*_: object, **__: object) -> None:
        raise InputError("the evidence is impossible")

    let_estimates_fail(run, monkeypatch, impossible)
    ran = run("estimate", EXACT)
    assert (ran.code, ran.err) == (WRONG_INPUT, f"{EXACT}: the evidence is impossible\n")


def test_hostile_text_reaches_the_terminal_as_text(run: Run, small: Path) -> None:
    title = "[bold red]x[/] [/] [link=file:///etc/passwd]y[/link] שלום " + "z" * 300
    small.write_text(SMALL.replace("A small story", f"'{title}'"), "utf-8")
    ran = run("estimate", str(small), "--draws", "64")
    assert ran.code == DONE, ran.err
    assert "[bold red]x[/] [/] [link=file:///etc/passwd]y[/link]" in ran.out
    assert "\x1b" not in ran.out
    small.write_text(SMALL.replace("A small story", '"\\e[2J\\u202e"'), "utf-8")
    ran = run("check", str(small))
    assert ran.code == WRONG_INPUT
    assert "\x1b" not in ran.err
    assert "\u202e" not in ran.err


def test_hostile_names_on_the_command_line(run: Run) -> None:
    ran = run("estimate", "\x1b[2J.yaml", "--set", "\x1b[2J", "--fail-above", "\x1b[2J=1")
    assert ran.code == WRONG_INPUT
    assert "\x1b" not in ran.err


def test_light_commands_import_nothing_heavy() -> None:
    script = """
import sys
from storyodds.cli import main
for arguments in (["--help"], ["list"], ["show", "coinrun-agent"], ["check", "coinrun-agent"]):
    assert main(arguments) == 0
heavy = {"numpy", "scipy", "pymc", "arviz", "xarray", "nutpie", "numba", "rich"} & set(sys.modules)
print(sorted(heavy - {"numpy", "scipy"}), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert done.stderr.decode().strip() == "[]"


def test_what_scipy_imports_in_passing_is_there_once_it_is_used() -> None:
    script = """
import sys
from storyodds.cli import prepare_process
prepare_process()
import scipy.special
print("numpy.testing._private" in sys.modules, "numpy.f2py.crackfortran" in sys.modules)
import numpy
numpy.testing.assert_equal(1, 1)
print("numpy.testing._private" in sys.modules, numpy.f2py.__name__, callable(numpy.f2py.main))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert done.stdout.split() == b"False False True numpy.f2py True".split()


def test_packages_of_scipy_run_once_more_of_them_is_used() -> None:
    script = """
import sys
from storyodds.cli import prepare_process
prepare_process()
from scipy.special import expit, logsumexp
print("scipy.special._orthogonal" in sys.modules, "scipy.linalg._decomp" in sys.modules)
import numpy
import scipy.linalg, scipy.special
from scipy.special import _ufuncs
print(scipy.linalg.solve([[2.0]], [4.0])[0], hasattr(scipy.linalg, "no_such_name"))
print(len(scipy.special.roots_legendre(3)[0]), scipy.special.expit is expit is _ufuncs.expit)
ufuncs = [name for name in _ufuncs.__all__ if isinstance(getattr(_ufuncs, name), numpy.ufunc)]
print(all(getattr(scipy.special, name) is getattr(_ufuncs, name) for name in ufuncs))
print(scipy.special.logsumexp is logsumexp, set(scipy.special.__all__) <= set(dir(scipy.special)))
from scipy.sparse import coo_array, csr_array
print(isinstance(coo_array(numpy.eye(2)).tocsr(), csr_array), scipy.sparse.eye_array(2).nnz)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert done.stdout.decode().splitlines() == [
        "False False", "2.0 False", "3 True", "True", "True True", "True 2",
    ]  # fmt: skip
