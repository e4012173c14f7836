"""Evidence read item by item, printed."""

from collections.abc import Iterator, Sequence

from rich.text import Text

from storyodds.models.story.events import Headline
from storyodds.reports.contract.sensitivity.trust import EvidenceSequencePart, EvidenceStep
from storyodds.reports.terminal.frame import heading
from storyodds.reports.terminal.layout import Row, fitting, wrap
from storyodds.reports.words.numbers import band, marked, percent, points
from storyodds.reports.words.sentences import HEADLINE_FATES
from storyodds.reports.words.shortening import plain

SHOWN = 10  # lines of a table


def lines_sequence(
    sequence: EvidenceSequencePart, width: int, fates: Sequence[Headline] = HEADLINE_FATES
) -> Iterator[Text]:
    """Lay out the odds as the evidence came in.

    Parameters
    ----------
    sequence : mapping
        From `summarize_sequence`.
    width : int
        Of the terminal.
    fates : sequence of str
        Which the story makes a claim about.

    Yields
    ------
    rich.text.Text
    """
    yield from heading("As the findings came in", "in the order in which the story gives them")
    steps = sequence["steps"]
    events = [event for event in steps[0]["odds"] if event in fates]
    heads = [head for event in events for head in (event, "90% interval")]
    rows: list[Row] = [[Text(head, style="dim") for head in ("", *heads)]]
    selection = steps if len(steps) <= SHOWN else [*steps[: SHOWN - 1], steps[-1]]
    for step in selection:
        cells = []
        for odds in (step["odds"][event] for event in events):
            cells += [Text(percent(odds["mean"]) + "?" * (not step["ok"]))]
            cells += [Text(band(odds), style="dim")]
        rows.append([_name(step), *cells])
    for line in fitting(rows, width):
        line.rstrip()
        yield line
    if len(selection) < len(steps):
        yield Text(f"and {len(steps) - len(selection)} more before the last", style="dim")
    notes = (
        "Each line is given its finding and all above it. Another order gives other steps, but "
        "the same first and last line, which are those of the estimate."
    )
    most = {event: max(step["odds"][event]["error"] for step in steps) for event in events}
    if any(most.values()):
        errors = " and ".join(
            f"{points(error).removeprefix('+')} of {event}" for event, error in most.items()
        )
        notes += f" Monte Carlo standard errors of the means are at most {errors}."
    if not all(step["ok"] for step in steps):
        notes += " Not to be relied on: ?, where too few draws carry the answer."
    yield from (Text(line.plain, style="dim") for line in wrap(Text(notes), width))


def _name(step: EvidenceStep) -> str:
    return "before" if step["item"] is None else marked(plain(step["item"]), step["opinion"])
