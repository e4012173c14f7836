"""Numba takes nothing from the folder that a command runs in, and forgives a damaged cache."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROBE = """
import storyodds.models.engine.kernel
from numba.core import config
config.reload_config()
print(config.CACHE_DIR, config.DISABLE_JIT)
"""
TWO_FILES = """
import sys
sys.path.insert(0, sys.argv[1])
import outer
print(outer.total(1.0))
"""
COMPILE = """
import sys
sys.path.insert(0, sys.argv[1])
import compiled_here
print(compiled_here.twice(2.0))
"""


def python(code: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NUMBA")}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_planted_configuration_is_not_read(tmp_path: Path) -> None:
    (tmp_path / ".numba_config.yaml").write_text("cache_dir: planted\ndisable_jit: 1\n")
    ran = python(PROBE, tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == ["0"], "the planted file names a cache and switches compiling off"


def test_the_configuration_would_be_read_without_the_guard(tmp_path: Path) -> None:
    (tmp_path / ".numba_config.yaml").write_text("cache_dir: planted\n")
    ran = python("from numba.core import config; print(config.CACHE_DIR)", tmp_path)
    assert ran.stdout.split() == ["planted"]


@pytest.mark.parametrize("damage", [b"", b"not a pickle", None])
def test_a_damaged_cache_costs_time_only(tmp_path: Path, damage: bytes | None) -> None:
    (tmp_path / "compiled_here.py").write_text(
        "from storyodds.models.safe_numba import jit\n\n\n"
        "@jit\ndef twice(x: float) -> float:\n    return 2.0 * x\n"
    )
    assert python(COMPILE, tmp_path, str(tmp_path)).stdout.split() == ["4.0"]
    kept = list(tmp_path.rglob("*.nb?"))
    assert kept, "nothing was kept on disk"
    for path in kept:
        path.write_bytes(path.read_bytes()[:40] if damage is None else damage)
    ran = python(COMPILE, tmp_path, str(tmp_path))
    assert ran.stdout.split() == ["4.0"], ran.stderr


INNER = """
from storyodds.models.safe_numba import jit

SUMMAND = {summand}


@jit
def multiple(x: float) -> float:
    return {factor} * x
"""
OUTER = """
from inner import SUMMAND, multiple
from storyodds.models.safe_numba import jit


@jit
def total(x: float) -> float:
    return 2.0 * x + multiple(x) + SUMMAND
"""


@pytest.mark.parametrize(
    ("summand", "factor", "total"), [(0.5, 100.0, "102.5"), (0.25, 10.0, "12.25")]
)
def test_what_another_file_gives_is_compiled_anew_when_it_changes(
    tmp_path: Path, summand: float, factor: float, total: str
) -> None:
    inner = tmp_path / "inner.py"
    inner.write_text(INNER.format(summand=0.5, factor=10.0))
    (tmp_path / "outer.py").write_text(OUTER)

    def times() -> list[int]:
        return sorted(path.stat().st_mtime_ns for path in tmp_path.rglob("outer.*.nbc"))

    assert python(TWO_FILES, tmp_path, str(tmp_path)).stdout.split() == ["12.5"]
    kept = times()
    assert kept
    assert python(TWO_FILES, tmp_path, str(tmp_path)).stdout.split() == ["12.5"]
    assert times() == kept
    inner.write_text(INNER.format(summand=summand, factor=factor))
    assert python(TWO_FILES, tmp_path, str(tmp_path)).stdout.split() == [total]
