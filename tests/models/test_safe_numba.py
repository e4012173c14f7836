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
