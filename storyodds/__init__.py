"""storyodds: how likely an AI training story is to go right, and how it would go wrong.

Examples
--------
>>> from storyodds import estimate, load_story, summarize
>>> summary = summarize(estimate(load_story("carlsmith-six-premises")))
>>> round(summary["fates"]["catastrophe"]["mean"], 4)
0.0514
"""

import sys

# `python -m` puts the current folder first among the places to import from, so that a file named
# `numpy.py` or `typing.py` beside a story would run. `-m` stands here while this is looked up.
if sys.argv[:1] == ["-m"] and not sys.flags.safe_path:
    del sys.path[0]

# Nothing else is imported at once: until the command has begun, Ctrl-C ends in a traceback.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from storyodds.models.assessment.datatree import load_result, save_result
    from storyodds.models.pymc.model import compile_story
    from storyodds.priors.panels.judgments import read_judgments
    from storyodds.priors.text.errors import InputError, UnknownStoryError, UnsupportedStoryError
    from storyodds.reports.api.comparison import compare
    from storyodds.reports.api.estimate import estimate, summarize
    from storyodds.reports.api.importance import importance
    from storyodds.reports.api.placement import placement
    from storyodds.reports.api.sensitivity import sensitivity
    from storyodds.reports.api.sequences import sequences
    from storyodds.reports.api.value import value
    from storyodds.reports.documents.judgments import summarize_judgments
    from storyodds.reports.tables.datasets import datasets
    from storyodds.scenarios.lint.linter import lint
    from storyodds.scenarios.loader import load_story, load_text
    from storyodds.scenarios.networks.reader import import_network
    from storyodds.scenarios.open_psa.event_trees.sequences import import_sequence
    from storyodds.scenarios.open_psa.reader import import_open_psa
    from storyodds.scenarios.serialize import to_yaml
    from storyodds.scenarios.story import Story

__all__ = [
    "InputError",
    "Story",
    "UnknownStoryError",
    "UnsupportedStoryError",
    "compare",
    "compile_story",
    "datasets",
    "estimate",
    "import_network",
    "import_open_psa",
    "import_sequence",
    "importance",
    "lint",
    "load_result",
    "load_story",
    "load_text",
    "placement",
    "read_judgments",
    "save_result",
    "sensitivity",
    "sequences",
    "summarize",
    "summarize_judgments",
    "to_yaml",
    "value",
]

# Each name brings its module with it when it is first asked for: the command line has to answer
# at once, and reading a story does not wait for NumPy.
_HOMES = {
    "InputError": "storyodds.priors.text.errors",
    "Story": "storyodds.scenarios.story",
    "UnknownStoryError": "storyodds.priors.text.errors",
    "UnsupportedStoryError": "storyodds.priors.text.errors",
    "compare": "storyodds.reports.api.comparison",
    "compile_story": "storyodds.models.pymc.model",
    "datasets": "storyodds.reports.tables.datasets",
    "estimate": "storyodds.reports.api.estimate",
    "import_network": "storyodds.scenarios.networks.reader",
    "import_open_psa": "storyodds.scenarios.open_psa.reader",
    "import_sequence": "storyodds.scenarios.open_psa.event_trees.sequences",
    "importance": "storyodds.reports.api.importance",
    "lint": "storyodds.scenarios.lint.linter",
    "load_result": "storyodds.models.assessment.datatree",
    "load_story": "storyodds.scenarios.loader",
    "load_text": "storyodds.scenarios.loader",
    "placement": "storyodds.reports.api.placement",
    "read_judgments": "storyodds.priors.panels.judgments",
    "save_result": "storyodds.models.assessment.datatree",
    "sensitivity": "storyodds.reports.api.sensitivity",
    "sequences": "storyodds.reports.api.sequences",
    "summarize": "storyodds.reports.api.estimate",
    "summarize_judgments": "storyodds.reports.documents.judgments",
    "to_yaml": "storyodds.scenarios.serialize",
    "value": "storyodds.reports.api.value",
}


def __getattr__(name: str) -> "Any":
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'storyodds' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
