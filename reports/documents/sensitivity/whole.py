"""What the odds of a story hang on: every part of a sensitivity analysis, put together."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.changes.what_if import base_of
from storyodds.models.engine.evaluation import much_work
from storyodds.reports.contract.sensitivity.whole import Sensitivity
from storyodds.reports.documents.head import diagnostics, head
from storyodds.reports.documents.opinions import opinion_totals
from storyodds.scenarios.provenance import provenance

SCHEMA = "storyodds/sensitivity/1"
PARTS = ("local", "global", "structure", "failure", "trust", "views")
#: The file of each part, here and where it is printed; no file can have the name of a keyword.
FILES = {part: part for part in PARTS} | {"global": "spread"}


def summarize_sensitivity(
    assessment: Assessment,
    parts: Sequence[str] = PARTS,
    *,
    settings: Mapping[str, object] | None = None,
    tell: Callable[[str, int, int], None] | None = None,
) -> Sensitivity:
    """Give a sensitivity analysis as the JSON object of `storyodds sensitivity --json`.

    Parameters
    ----------
    assessment : Assessment
        Computed exactly, not simulated.
    parts : sequence of str
        Of "local", "global", "structure", "failure", "trust" and "views".
    settings : mapping of str to PRIOR, optional
        The overrides under which the story was assessed, which views come on top of.
    tell : callable, optional
        Called with (part, parts done, parts in all).

    Returns
    -------
    Sensitivity
        Plain lists, mappings, texts and finite numbers.

    Raises
    ------
    UnsupportedStoryError
        If the story was simulated.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> assessed = assess(resolve(load_story("carlsmith-six-premises")))
    >>> document = summarize_sensitivity(assessed, ["failure"])
    >>> sorted(document)[:3], "local" in document
    (['diagnostics', 'failure', 'idle_evidence'], False)
    """
    base = base_of(assessment)
    resolved = assessment.prepared.resolved
    takes: dict[str, Mapping[str, Any]] = {
        "structure": {"base": base},
        "failure": {"base": base},
        "views": {"settings": settings},
    }
    answers: dict[str, Any] = {}
    for k, part in enumerate(parts):
        if tell is not None:
            tell(f"what it hangs on: {part}", k, len(parts))
        summarize = getattr(_module(part), f"summarize_{part}")
        first = (resolved.written, assessment) if part == "views" else (assessment,)
        with much_work():
            answers[part] = summarize(*first, **takes.get(part, {}))
    document = {
        **head(assessment, SCHEMA),
        "opinions": opinion_totals(assessment),
        **answers,
        "provenance": provenance(resolved),
        "diagnostics": diagnostics(assessment),
    }
    return cast(Sensitivity, document)  # parts are imported by name


def _module(part: str) -> Any:
    """Import a part's module; each brings its own libraries, so only the chosen are imported."""
    return importlib.import_module(f"storyodds.reports.documents.sensitivity.{FILES[part]}")
