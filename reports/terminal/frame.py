"""What every report on a terminal has around its answer: a title, headings, and a verdict."""

from collections.abc import Iterator

from rich.text import Text

from storyodds.reports.contract.head import StoryDocument
from storyodds.reports.terminal.layout import wrap
from storyodds.reports.words.numbers import (
    sentence_case,
)
from storyodds.reports.words.sentences import (
    NOT_RELIABLE,
    changes_nothing,
    evidence_words,
    soundness,
    view_words,
)
from storyodds.reports.words.shortening import plain


def title_lines(summary: StoryDocument) -> Iterator[Text]:
    """Name the story, and what was changed in it."""
    yield Text(plain(summary["title"]), style="bold")
    changed = [f"view {summary['view']}"] if summary["view"] else []
    changed += [f"{name} = {value}" for name, value in summary["settings"].items()]
    under = f", under {', '.join(changed)}" if changed else ""
    yield Text(plain(summary["story"] + under), style="dim")
    counts = summary.get("number_counts")  # absent from results of earlier versions
    words = view_words(summary["view"], counts)
    if words is not None:
        yield Text(words, style="yellow" if changes_nothing(counts) else "dim")
    yield Text()


def opening(summary: StoryDocument, *, apart: bool = True) -> Iterator[Text]:
    """Begin the answer to a question about a story: what it is, and what to know before it.

    Parameters
    ----------
    summary : mapping
        Any document about one story.
    apart : bool
        Whether a blank line follows; a heading brings its own.
    """
    notes = [*warning(summary), *(Text(words, style="yellow") for words in evidence_words(summary))]
    *titles, blank = title_lines(summary)
    yield from titles
    if notes:
        yield blank
        yield from notes
    if apart:
        yield Text()


def warning(summary: StoryDocument) -> Iterator[Text]:
    """Say before all else where nothing can be relied on."""
    if not summary["diagnostics"]["ok"]:
        text = Text("NOT RELIABLE: ", style="bold red")
        yield text.append(NOT_RELIABLE, "not bold")


def heading(title: str, note: str = "") -> Iterator[Text]:
    """Start a new part, with a word on how to read it."""
    yield Text()
    text = Text(title, style="bold")
    yield text.append(f"  {note}", style="not bold dim") if note else text


def titled(width: int, title: str, note: str) -> Iterator[Text]:
    """A heading that keeps to the width."""
    for line in heading(title, note):
        yield from wrap(line, width)


def verdict(summary: StoryDocument) -> Iterator[Text]:
    """Say whether the computation was sound."""
    messages = [plain(message) for message in summary["diagnostics"]["messages"]]
    if summary["diagnostics"]["ok"]:
        yield Text("✓ ", style="cyan").append(soundness(summary), style="default")
        for message in messages:
            yield Text(f"! {sentence_case(message)}.", style="yellow")
    else:
        yield Text("✗ ", style="bold red").append("Not sound:", style="not bold default")
        for message in messages:
            yield Text(f"  {message};" if message != messages[-1] else f"  {message}.")
