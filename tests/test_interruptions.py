"""Ctrl-C ends a command with 130, whenever it is pressed and however often."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")

# Presses Ctrl-C when something is first imported, and again while that is dealt with.
SCRIPT = """
import os, signal, sys
from importlib.abc import MetaPathFinder

class Interrupt(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name != {module!r}:
            return None
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt:
            if {times} == 2:
                os.kill(os.getpid(), signal.SIGINT)
            raise

sys.meta_path.insert(0, Interrupt())
sys.argv = ["storyodds", "estimate", "rlhf-assistant", "-o", sys.argv[1]]
from storyodds.__main__ import run
run()
"""


@pytest.mark.parametrize(("times", "message"), [(1, "interrupted\n"), (2, "")])
@pytest.mark.parametrize(
    "module",
    ["storyodds.cli", "click", "numpy", "scipy.special._ufuncs", "storyodds.reports.api.estimate"],
)
def test_while_something_is_imported(tmp_path: Path, module: str, times: int, message: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(module=module, times=times), str(tmp_path / "a.nc")],
        capture_output=True,
        check=False,
        text=True,
        timeout=300,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", message)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("method", "stage"),
    [("weighting", "weighing the evidence"), ("nuts", "NUTS")],
)
def test_an_interruption(tmp_path: Path, method: str, stage: str) -> None:
    # The signal comes from within, so that it does come in this stage.
    script = f"""
import os, signal, sys
from contextlib import contextmanager
from storyodds import cli
from storyodds.commands import estimate

@contextmanager
def progress():
    def tell(stage, done, total):
        if {stage!r} in stage and done == total // 4:
            os.kill(os.getpid(), signal.SIGINT)
    yield tell

estimate.progress_line = progress
sys.argv[0] = "storyodds"
sys.exit(cli.main(sys.argv[1:]))
"""
    arguments = ["estimate", "rlhf-assistant", "--method", method, "-o", str(tmp_path / "a.nc")]
    if method == "nuts":
        script = script.replace("done == total // 4", "done > 0")
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"interrupted\n")
    assert not list(tmp_path.iterdir())


def test_an_interruption_from_outside(tmp_path: Path) -> None:
    fifo = tmp_path / "story.yaml"
    os.mkfifo(fifo)
    command = [sys.executable, "-m", "storyodds", "estimate", str(fifo)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    # The pipe opens once the command reads from it, and is never written to.
    with subprocess.Popen(command, **pipes) as process, fifo.open("wb"):
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert (process.returncode, out, err) == (130, b"", b"interrupted\n")


# Presses Ctrl-C where nothing can be raised: while an object is taken down, or its weak reference;
# and where an object that is half made cannot be taken down.
UNRAISABLE = """
import os, signal, sys, weakref
from storyodds import __main__, cli

def press(*_):
    os.kill(os.getpid(), signal.SIGINT)

class Deleted:
    __del__ = press

class Referred:
    pass

class HalfMade:
    def __init__(self):
        press()

    def __del__(self):
        raise AttributeError

def main():
    if {kind!r} == "deleted":
        Deleted()
    elif {kind!r} == "half made":
        HalfMade()
    else:
        thing = Referred()
        reference = weakref.ref(thing, press)
        del thing
    while True:
        pass

cli.main = main
__main__.run()
"""


@pytest.mark.parametrize("kind", ["deleted", "referred", "half made"])
def test_where_nothing_can_be_raised(kind: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", UNRAISABLE.format(kind=kind)],
        capture_output=True,
        check=False,
        timeout=300,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"interrupted\n")
