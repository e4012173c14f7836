"""The hand-written lists of the build, held to the tree; and what an installation contains."""

import ast
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import metadata, packages_distributions, requires
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from support.installed import modules

from storyodds.priors.library import pack_names, view_names
from storyodds.scenarios.loader import bundled_stories

ROOT = Path(__file__).parent.parent
ROOMS = ("models", "priors", "reports", "scenarios")
PROJECT: Any = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SETUPTOOLS = PROJECT["tool"]["setuptools"]


def expected_packages(root: Path) -> set[str]:
    """Every folder of the rooms with something to install in it."""
    folders = {
        file.parent.relative_to(root)
        for room in ROOMS
        for suffix in ("py", "yaml")
        for file in (root / room).rglob(f"*.{suffix}")
    }
    front = {"storyodds", "storyodds.commands"} | {
        f"storyodds.commands.{file.parent.name}"
        for file in (root / "storyodds" / "commands").glob("*/*.py")
    }
    return front | {".".join(("storyodds", *folder.parts)) for folder in folders}


def unlisted_data(root: Path, data: Mapping[str, Sequence[str]]) -> set[str]:
    """Every file of the rooms that is neither Python nor matched by package-data."""
    found = set()
    for room in ROOMS:
        for file in (root / room).rglob("*"):
            if file.is_dir() or file.suffix in (".py", ".pyc", ".nbi", ".nbc"):
                continue
            package = ".".join(("storyodds", *file.parent.relative_to(root).parts))
            if not any(file.match(pattern) for pattern in data.get(package, ())):
                found.add(str(file.relative_to(root)))
    return found


def test_every_package_is_listed() -> None:
    assert set(SETUPTOOLS["packages"]) == expected_packages(ROOT)
    assert SETUPTOOLS["packages"] == sorted(SETUPTOOLS["packages"])


def test_every_room_is_mapped() -> None:
    assert SETUPTOOLS["package-dir"] == {
        "storyodds": "storyodds",
        **{f"storyodds.{room}": room for room in ROOMS},
    }
    for room in ROOMS:
        assert (ROOT / "storyodds" / room).readlink() == Path("..") / room


def test_every_data_file_is_listed() -> None:
    assert unlisted_data(ROOT, SETUPTOOLS["package-data"]) == set()
    assert SETUPTOOLS["include-package-data"] is False


def test_what_is_left_out_is_noticed(tmp_path: Path) -> None:
    for name in ("models/__init__.py", "models/deep/__init__.py", "priors/new/a.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "models/table.csv").touch()
    assert expected_packages(tmp_path) == {
        "storyodds",
        "storyodds.commands",
        "storyodds.models",
        "storyodds.models.deep",
        "storyodds.priors.new",
    }
    data = {"storyodds.priors.new": ["*.yaml"]}
    assert unlisted_data(tmp_path, data) == {"models/table.csv"}
    assert unlisted_data(tmp_path, {}) == {"models/table.csv", "priors/new/a.yaml"}


@pytest.mark.parametrize(
    ("package", "names"),
    [
        ("storyodds.scenarios.library", bundled_stories),
        ("storyodds.priors.packs", pack_names),
        ("storyodds.priors.views", view_names),
    ],
)
def test_bundled_files_are_found(package: str, names: Any) -> None:
    installed = {Path(file.name).stem for file in files(package).iterdir() if ".yaml" in file.name}
    assert installed == set(names()) != set()


@pytest.mark.parametrize("package", SETUPTOOLS["package-data"])
def test_every_kind_of_data_is_installed(package: str) -> None:
    installed = [Path(file.name) for file in files(package).iterdir() if file.is_file()]
    for pattern in SETUPTOOLS["package-data"][package]:
        assert any(file.match(pattern) for file in installed), pattern


def test_an_installation_has_the_data_of_the_tree() -> None:
    for package in SETUPTOOLS["package-data"]:
        folder = ROOT.joinpath(*package.split(".")[1:] or ["storyodds"])
        installed = {file.name for file in files(package).iterdir() if file.name.endswith(".yaml")}
        assert installed == {file.name for file in folder.glob("*.yaml")}
    assert files("storyodds").joinpath("py.typed").is_file()


def test_metadata() -> None:
    about = metadata("storyodds")
    assert about["Version"] == PROJECT["project"]["version"]
    assert about["License-Expression"] == "Apache-2.0"
    assert about["Requires-Python"] == ">=3.12"
    assert len(requires("storyodds") or ()) >= len(PROJECT["project"]["dependencies"])


def test_the_command() -> None:
    command = shutil.which("storyodds", path=sysconfig.get_path("scripts"))
    assert command is not None
    done = subprocess.run([command, "--version"], capture_output=True, check=True, text=True)
    assert done.stdout == f"storyodds, version {PROJECT['project']['version']}\n"


def libraries(source: str) -> Iterator[str]:
    """Every library that is imported, at the top of a file or anywhere in it."""
    for node in ast.walk(ast.parse(source)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        for name in names:
            top = name.partition(".")[0]
            if top not in ("storyodds", "pydantic_core", *sys.stdlib_module_names):
                yield top  # pydantic pins a pydantic_core of its own


def normal(requirement: str) -> str:
    """Give the name in a requirement as indexes compare it: `resvg_py` is `resvg-py`."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", requirement)[0]).lower()


@cache
def asked_for() -> frozenset[str]:
    """Every library that comes with what an installation asks for, extras left out."""
    asked = {normal(line) for line in requires("storyodds") or () if "extra ==" not in line}
    return frozenset(
        name
        for name, providers in packages_distributions().items()
        if asked & set(map(normal, providers))
    )


def undeclared(source: str) -> set[str]:
    """Every library that a file imports and that an installation does not ask for."""
    return set(libraries(source)) - asked_for()


def test_every_library_that_is_imported_is_asked_for() -> None:
    found = {name: undeclared(file.read_text("utf-8")) for name, file in modules()}
    assert not {name: missing for name, missing in found.items() if missing}


def test_a_library_that_only_the_tests_ask_for_is_noticed() -> None:
    source = "import numpy as np\ndef f():\n    from hypothesis.strategies import integers\n"
    assert undeclared(source) == {"hypothesis"}


def test_one_version_everywhere() -> None:
    version = PROJECT["project"]["version"]
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\n## [{version}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
