"""Files are written whole or not at all, whatever happens on the way."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from storyodds.priors.text import files
from storyodds.priors.text.files import write_atomically

posix = pytest.mark.skipif(os.name != "posix", reason="modes, links and locks are POSIX's")
KILLED = """
import os, sys
from storyodds.priors.text import files
files.os.replace = lambda *_: os.kill(os.getpid(), 9)
files.write_atomically(sys.argv[1], b"half")
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@posix
def test_what_a_killed_write_leaves_is_swept_up_by_the_next(tmp_path: Path) -> None:
    target = tmp_path / "odds.json"
    killed = subprocess.run([sys.executable, "-c", KILLED, str(target)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(names(tmp_path)) == 1 and not target.exists()
    (other,) = tmp_path.iterdir()
    write_atomically(tmp_path / "another.json", b"{}")
    assert other.exists(), "of another file, which may be in use"
    write_atomically(target, b"{}")
    assert names(tmp_path) == ["another.json", "odds.json"]


@posix
def test_what_is_being_written_is_not_swept_up(tmp_path: Path) -> None:
    target = tmp_path / "odds.json"
    with files._part_of(target, b"first") as part:
        write_atomically(target, b"second")
        assert part.read_bytes() == b"first"
        os.replace(part, target)
    assert (names(tmp_path), target.read_bytes()) == (["odds.json"], b"first")


@posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
def test_a_file_that_is_replaced_keeps_its_mode(tmp_path: Path, mode: int) -> None:
    target = tmp_path / "odds.json"
    target.write_bytes(b"old")
    target.chmod(mode)
    write_atomically(target, b"new")
    assert (stat.S_IMODE(target.stat().st_mode), target.read_bytes()) == (mode, b"new")


@posix
def test_a_new_file_has_the_mode_that_others_have(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    write_atomically(tmp_path / "odds.json", b"{}")
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "odds.json")]
    assert modes[0] == modes[1]


def test_a_name_as_long_as_names_may_be(tmp_path: Path) -> None:
    target = tmp_path / f"{'a' * 250}.json"
    write_atomically(target, b"{}")
    assert target.read_bytes() == b"{}"
