"""The story under every view, printed."""

from collections.abc import Iterator, Sequence

from rich.text import Text

from storyodds.models.story.events import Event, Headline
from storyodds.reports.contract.sensitivity.views import ViewedStory, ViewsPart
from storyodds.reports.terminal.frame import heading
from storyodds.reports.terminal.layout import Row, columns, fitting
from storyodds.reports.words.numbers import band, percent
from storyodds.reports.words.sentences import HEADLINE_FATES
from storyodds.reports.words.shortening import plain

_COLUMNS: tuple[Event, ...] = (
    "success",
    "catastrophe",
    "deceptive",
    "intended",
    "mesa-optimizer",
    "other",
)


def lines_views(
    summary: ViewsPart, width: int, fates: Sequence[Headline] = HEADLINE_FATES
) -> Iterator[Text]:
    """Lay out the views: a table, and what it comes to in sentences.

    Parameters
    ----------
    summary : mapping
        From `summarize_views`.
    width : int
        Cells in a line.
    fates : sequence of str
        Which the story makes a claim about.
    """
    views = summary["views"]
    yield from heading("Under every view", "chance, and its 90% interval below")
    if len(views) == 1:
        yield Text(f"No view changes any of the story's {summary['numbers']} numbers.")
        return
    events = [event for event in _COLUMNS if event in fates or event not in HEADLINE_FATES]
    selection = [e for e in events if any(view["odds"][e]["mean"] > 0 for view in views)]
    weigh = views[0]["weight"] is not None
    head = ["", "changes", *["weight"] * weigh, *selection]
    rows: list[Row] = [[Text(name, style="dim") for name in head]]
    for view in views:
        weight = [percent(view["weight"])] if view["weight"] is not None else []
        means = (Text(percent(view["odds"][e]["mean"]), style="bold") for e in selection)
        rows.append([plain(view["name"]), str(view["changed"]), *weight, *means])
        bands = [Text(band(view["odds"][e]), style="dim") for e in selection]
        if any(cell.plain for cell in bands):
            rows.append(["", "", *[""] * weigh, *bands])
    if summary["odds"] is not None:
        averaged = [percent(summary["odds"][e]["mean"]) for e in selection]
        rows.append(["by weight", "", "", *averaged])
    for line in fitting(rows, width):
        line.rstrip()
        yield line
    if columns(rows, "l" + "r" * (len(head) - 1))[0].cell_len > width:
        yield Text("A wider terminal shows more classes, --json all of them.", style="dim")
    for event in fates:
        yield Text(_range(views, event))
    yield Text(_clear(views))
    notes = [f"changes: of the story's {summary['numbers']} numbers, how many the view changes"]
    if weigh:
        notes.append(
            "weight: how probable each view is after the findings, if all were alike before them; "
            "forecasts are opinions and do not count here"
        )
    if summary["silent"]:
        notes.append(f"Views that change no number of this story: {', '.join(summary['silent'])}.")
    if summary["impossible"]:
        names = ", ".join(summary["impossible"])
        notes.append(f"Views under which the evidence cannot have come about: {names}.")
    yield from (Text(note, style="dim") for note in notes)


def _range(views: Sequence[ViewedStory], event: Event) -> str:
    least, *_, most = sorted(views, key=lambda view: float(view["odds"][event]["mean"]))
    low, high = (percent(view["odds"][event]["mean"]) for view in (least, most))
    if low == high:
        return f"P({event}) is {low} whatever the view."
    return f"P({event}) goes from {low} ({least['name']}) to {high} ({most['name']})."


def _clear(views: Sequence[ViewedStory]) -> str:
    differences = []
    for view in views[1:]:
        clear = [event for event, d in (view["differences"] or {}).items() if d["clear"]]
        if clear:
            differences.append(f"{view['name']} ({', '.join(clear)})")
    if not differences:
        return "No view differs clearly, in 95% of the draws, from the story as assessed."
    return f"Clearly different, in 95% of the draws: {'; '.join(differences)}."
