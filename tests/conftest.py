"""Settings that every test shares."""

import gc
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from support.command_line import SMALL, Ran, Run

from storyodds.cli import main

# PyTensor keeps with every node of a graph where in the code it was made, for its own messages of
# failure, which takes a third of the time to build a model. It is read when PyTensor is imported.
os.environ.setdefault("PYTENSOR_FLAGS", "traceback__limit=0")

# Speed is no part of what these tests say: the machine may be busy. On a build server the
# examples are the same every time; elsewhere every run looks at new ones.
settings.register_profile(
    "local", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("server", settings.get_profile("local"), derandomize=True)
settings.load_profile("server" if os.environ.get("CI") else "local")


def pytest_collection_finish() -> None:
    """Leave what is there before the first test out of every search for garbage.

    Imported libraries and eight thousand collected tests stay to the end; to look through them
    takes a second, and the compiler has garbage collected after every attempt that it gives up.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest) -> Run:
    """Run a command in this process; the module's `COMMAND`, if it has one."""
    command = [request.module.COMMAND] if hasattr(request.module, "COMMAND") else []

    def run(*arguments: str) -> Ran:
        code = main([*command, *arguments])
        return Ran(code, *capsys.readouterr())

    return run


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A file with a small story."""
    path = tmp_path / "small.yaml"
    path.write_text(SMALL, "utf-8")
    return path
