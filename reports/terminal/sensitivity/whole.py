"""A sensitivity analysis, printed."""

import importlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, cast

from rich.console import Console
from rich.text import Text

from storyodds.models.story.events import Headline
from storyodds.reports.contract.sensitivity.whole import Sensitivity
from storyodds.reports.documents.sensitivity.whole import FILES, PARTS
from storyodds.reports.terminal.frame import opening, verdict
from storyodds.reports.terminal.layout import print_wrapped, wrap
from storyodds.reports.words.correlations import AS_ONE, HELD, sentences
from storyodds.reports.words.sentences import headline_fates
from storyodds.reports.words.shortening import plain


class _Lines(Protocol):
    """Lays out one part of the analysis."""

    def __call__(self, part: Any, width: int, fates: Sequence[Headline]) -> Iterator[Text]: ...


def print_sensitivity(console: Console, summary: Sensitivity) -> None:
    """Print the parts that a summary has, in their order."""
    print_wrapped(console, lambda width: _report(summary, width))


def _report(summary: Sensitivity, width: int) -> Iterator[Text]:
    yield from opening(summary, apart=False)
    fates = headline_fates(summary)
    for part in PARTS:
        if part in summary:
            yield from _lines(part)(cast(Mapping[str, Any], summary)[part], width, fates)
    yield Text()
    if summary.get("correlations"):
        yield from wrap(Text(" ".join(_notes(summary)), style="dim"), width)
    yield from verdict(summary)


def _notes(summary: Sensitivity) -> Iterator[str]:
    """Say what becomes of numbers that go together, in the parts that are there."""
    yield from map(plain, sentences(summary))
    if "local" in summary:
        yield HELD
    if "global" in summary or "trust" in summary:
        yield AS_ONE


def _lines(part: str) -> _Lines:
    """Import what lays a part out."""
    module = importlib.import_module(f"storyodds.reports.terminal.sensitivity.{FILES[part]}")
    return cast(_Lines, getattr(module, f"lines_{part}"))
