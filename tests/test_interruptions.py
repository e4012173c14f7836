"""Ctrl-C ends a command with 130, whenever it is pressed and however often."""

import os
import subprocess
import sys
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
    "module", ["storyodds.cli", "click", "numpy", "scipy.special", "storyodds.reports.api.estimate"]
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
