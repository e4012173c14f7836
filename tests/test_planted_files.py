"""Files that somebody put beside a story run nowhere, and decide nothing."""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Collection
from pathlib import Path

import pytest
from support.command_line import SMALL

# What a command imports, of the standard library and of others, and what Python itself looks for.
MODULES = """arviz click functools h5py importlib json matplotlib numba numpy pydantic pymc pytensor
rich scipy sitecustomize typing usercustomize xarray yaml""".split()
SETTINGS = {
    ".numba_config.yaml": "cache_dir: planted\ndisable_jit: 1\n",
    "arvizrc": "plot.backend: none\nnonsense: 3\n",
    "matplotlibrc": "backend: module://planted\nfont.size: 1\n",
    ".coveragerc": "[run]\nplugins = planted\n",
    "setup.cfg": "[global]\nplugins = planted\n",
} | dict.fromkeys(
    (".pytensorrc", "pytensorrc", ".theanorc", "pytensor.cfg"), "[global]\ncxx = planted\n"
)
# What Python itself imports for `-m`, before any of the program's own lines run.
OF_RUNPY = {"functools", "importlib", "typing"}
ENTRY_POINTS = "[xarray.backends]\nplanted = planted:E\n[numba_extensions]\ninit = planted:init\n"


def plant(folder: Path, spared: Collection[str] = ()) -> None:
    """Fill a folder with modules, settings and a plugin; each leaves a trace if it runs."""
    (folder / "story.yaml").write_text(SMALL)
    for name in {*MODULES, "planted"}.difference(spared):
        trace = str(folder / f"ran-{name}")
        (folder / f"{name}.py").write_text(f"open({trace!r}, 'w').close()\nraise SystemExit(9)\n")
    for name, text in SETTINGS.items():
        (folder / name).write_text(text)
    plugin = folder / "planted-1.0.dist-info"
    plugin.mkdir()
    (plugin / "METADATA").write_text("Metadata-Version: 2.1\nName: planted\nVersion: 1.0\n")
    (plugin / "entry_points.txt").write_text(ENTRY_POINTS)


def python(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA", "PYTHONSAFEPATH"))}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**kept, **more},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def traces(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("ran-*"))


@pytest.mark.parametrize(
    "command",
    [
        ["check", "story.yaml"],
        ["estimate", "story.yaml", "-o", "result.nc"],
        ["estimate", "story.yaml", "--method", "nuts"],
        ["export", "story.yaml", "--to", "figures", "-o", "figures"],  # with ArviZ's
    ],
    ids=lambda command: f"{command[0]} {command[2:]}",
)
def test_nothing_that_is_planted_runs(tmp_path: Path, command: list[str]) -> None:
    """Not even by `python -m`, which puts the current folder first among the places to look in."""
    plant(tmp_path, OF_RUNPY)
    ran = python(tmp_path, "-m", "storyodds", *command)
    assert (ran.returncode, ran.stderr.replace("saved result.nc\n", "")) == (0, ""), ran.stderr
    assert traces(tmp_path) == []
    assert not (tmp_path / "planted").exists(), "the cache that the planted file names"


def test_the_command_looks_for_nothing_where_it_stands(tmp_path: Path) -> None:
    plant(tmp_path)
    script = shutil.which("storyodds", path=sysconfig.get_path("scripts"))
    assert script is not None
    ran = python(tmp_path, script, "estimate", "story.yaml")
    assert (ran.returncode, ran.stderr, traces(tmp_path)) == (0, "", [])


def test_the_python_api_takes_no_planted_settings(tmp_path: Path) -> None:
    plant(tmp_path)
    code = (
        "import storyodds; story = storyodds.load_story('story.yaml'); "
        "storyodds.compile_story(story); storyodds.save_result(storyodds.estimate(story), 'r.nc'); "
        "storyodds.load_result('r.nc'); storyodds.compare([story, 'r.nc'])"
    )
    ran = python(tmp_path, "-P", "-c", code)
    assert (ran.returncode, ran.stderr, traces(tmp_path)) == (0, "", [])


def test_the_plants_work_where_nothing_guards_against_them(tmp_path: Path) -> None:
    plant(tmp_path)
    assert python(tmp_path, "-m", "json.tool").returncode == 9
    python(tmp_path, "-c", "import numpy")
    assert "ran-numpy" in traces(tmp_path)


def test_no_place_for_a_cache_costs_time_only(tmp_path: Path) -> None:
    """As on a system that lends a read-only home, or none."""
    (tmp_path / "story.yaml").write_text(SMALL)
    nowhere = f"{os.devnull}/none"
    ran = python(
        tmp_path, "-m", "storyodds", "estimate", "story.yaml", HOME=nowhere, NUMBA_CACHE_DIR=nowhere
    )
    assert (ran.returncode, ran.stderr) == (0, "")
