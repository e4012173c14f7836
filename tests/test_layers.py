"""Imports run down the house only, and only the upper floors know the heavy libraries."""

from collections import Counter

import pytest
from support.imports import circles, imported
from support.installed import ROOMS, modules

# From the ground up; a module may import from its own room and from those before it. The files
# that stand in a folder beside its rooms are named by the folder.
FLOORS = (
    "priors.text",
    "priors.distributions",
    "priors",
    "priors.panels",
    "scenarios.grammar",
    "scenarios.shared",
    "scenarios.checks",
    "scenarios",
    "scenarios.lint",
    "scenarios.editor",
    "scenarios.open_psa.quantities",
    "scenarios.open_psa",
    "scenarios.open_psa.event_trees",
    "scenarios.networks",
    "models",
    "models.circuits",
    "models.logic",
    "models.story",
    "models.engine",
    "models.posterior",
    "models.assessment",
    "models.pymc",
    "models.changes",
    "models.flows",
    "models.importance",
    "models.sensitivity",
    "models.value",
    "models.comparison",
    "reports.contract",
    "reports.contract.sensitivity",
    "reports.words",
    "reports.documents",
    "reports.documents.comparison",
    "reports.documents.estimate",
    "reports.documents.sensitivity",
    "reports.documents.history",
    "reports.tables",
    "reports.terminal",
    "reports.terminal.sensitivity",
    "reports.figures.drawing",
    "reports.figures",
    "reports.figures.arviz",
    "reports.notebook",
    "reports.api",
    "reports.exports.gsn",
    "reports.exports.markdown",
    "reports.dashboard",
    "reports.dashboard.overview",
    "reports.live",
    "reports.live.server",
    "reports",
    "commands",
    "storyodds",
)
# Rooms of questions, which do not know each other.
QUESTIONS = (
    "models.flows",
    "models.importance",
    "models.sensitivity",
    "models.value",
    "models.comparison",
)
HEAVY = {"arviz", "arviz_base", "arviz_stats", "nutpie", "numba", "pymc", "pytensor", "xarray"}
LIGHT_FLOORS = ("priors", "scenarios")
# A pool is refused where it cannot be computed, which is known once it is: forms ask distributions,
# which are made of forms.
CIRCLE = {f"storyodds.priors.distributions.{name}" for name in ("families", "forms", "log_pool")}
MOST_FILES = 18  # of a folder, beyond which nobody sees what is in it at a glance


def floor(module: str) -> str:
    parts = module.removeprefix("storyodds").strip(".").split(".")
    for depth in (3, 2, 1):
        if ".".join(parts[:depth]) in FLOORS:
            return ".".join(parts[:depth])
    return "storyodds"


def mistakes(module: str, source: str) -> list[str]:
    """Every import of a module that goes up, sideways by another name, or is too heavy."""
    own = FLOORS.index(floor(module))
    found = []
    for name in imported(source):
        top = name.split(".")[0]
        if top == "" or top in ROOMS:
            found.append(f"{module}: import {name} by its full name, storyodds.…")
        elif top == "storyodds" and FLOORS.index(floor(name)) > own:
            found.append(f"{module}: {name} is above it")
        elif top == "storyodds" and {floor(module), floor(name)} <= set(QUESTIONS):
            if floor(module) != floor(name):
                found.append(f"{module}: {name} is another question's")
        elif top in HEAVY and floor(module).split(".")[0] in LIGHT_FLOORS:
            found.append(f"{module}: {top} does not belong below the models")
    return found


def test_imports_run_down_only() -> None:
    found = [line for name, file in modules() for line in mistakes(name, file.read_text("utf-8"))]
    assert not found, "\n".join(found)


def test_every_room_is_looked_at() -> None:
    assert {floor(name) for name, _ in modules()} == set(FLOORS)


def test_no_files_import_in_a_circle() -> None:
    sources = {name: file.read_text("utf-8") for name, file in modules()}
    assert circles(sources) == [CIRCLE]


def test_a_circle_is_noticed() -> None:
    corner = {"a": "import b", "b": "def f():\n    import c", "c": "import a", "d": "import a"}
    assert circles(corner) == [{"a", "b", "c"}]


def test_folders_are_seen_at_a_glance() -> None:
    sizes = Counter(file.parent for name, file in modules() if file.stem != "__init__")
    large = {folder.name: n for folder, n in sizes.items() if n > MOST_FILES}
    assert not large


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("storyodds.priors.distributions.forms", "from storyodds.scenarios.schema import Story"),
        ("storyodds.scenarios.loader", "def f():\n    import storyodds.models.engine.evaluation"),
        (
            "storyodds.models.engine.evaluation",
            "if True:\n    from storyodds.reports import summary",
        ),
        ("storyodds.reports.documents.estimate", "from storyodds import load_story"),
        ("storyodds.reports.documents.estimate", "import storyodds"),
        ("storyodds.reports.documents.estimate", "from storyodds.cli import main"),
        ("storyodds.models.engine.evaluation", "from . import graph"),
        ("storyodds.models.engine.evaluation", "from ..priors import forms"),
        ("storyodds.cli", "import models.engine"),
        ("storyodds.cli", "from priors.forms import Beta"),
        ("storyodds.priors.distributions.forms", "def f():\n    import pymc"),
        ("storyodds.scenarios.resolve", "from xarray import DataTree"),
    ],
)
def test_a_wrong_import_is_noticed(module: str, source: str) -> None:
    assert len(mistakes(module, source)) >= 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("storyodds.cli", "from storyodds.reports.documents.estimate import summarize"),
        ("storyodds", "from storyodds.scenarios.loader import load_story"),
        ("storyodds.models.pymc.model", "import pymc as pm"),
        ("storyodds.scenarios.schema", "from storyodds.scenarios.grammar.names import x"),
        ("storyodds.scenarios.resolve", "import numpy as np"),
    ],
)
def test_a_right_import_passes(module: str, source: str) -> None:
    assert mistakes(module, source) == []
