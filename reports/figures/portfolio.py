"""All stories of a portfolio on common scales."""

from collections.abc import Sequence

from markupsafe import Markup

from storyodds.models.story.events import Headline
from storyodds.reports.contract.estimate import Estimate
from storyodds.reports.figures.drawing.cells import with_band
from storyodds.reports.figures.drawing.figure import Figure
from storyodds.reports.figures.drawing.short_names import short_names
from storyodds.reports.figures.drawing.svg import (
    Scale,
    drawing,
    element,
    grid,
    label,
    lines_of,
    mark,
    range_words,
    ticks,
)
from storyodds.reports.words.numbers import percent
from storyodds.reports.words.sentences import errors_of, headline_fates

WIDTH, TOP, ROW = 1080, 34, 44
PANELS: tuple[tuple[Headline, float, float], ...] = (
    ("catastrophe", 270.0, 560.0),
    ("success", 690.0, 980.0),
)


def plot_portfolio(estimates: Sequence[Estimate]) -> Figure:
    """Draw success and catastrophe of every story with their 90 percent intervals.

    Parameters
    ----------
    estimates : sequence of mapping
        "storyodds/estimate/1", in the order of the rows.

    Returns
    -------
    Figure
    """
    bottom = TOP + ROW * len(estimates)
    title = "Every story's odds"
    said = (
        f"{len(estimates)} stories as rows, with the chance of catastrophe and, but for risk "
        "arguments, of success: a dot for the mean, a bar for the 90% interval."
    )
    drawn = [_panel(estimates, *panel, bottom) for panel in PANELS]
    shown = short_names([str(it["title"]) for it in estimates], 34)
    names = [label(240, TOP + ROW * (k + 0.5), name, 34) for k, name in enumerate(shown)]
    return Figure(
        name="portfolio",
        title=title,
        description=said,
        svg=drawing(WIDTH, bottom + 26, title, said, *names, *drawn),
        columns=("story", "catastrophe", "success"),
        rows=tuple(
            (
                str(it["story"]),
                *(
                    with_band(it["fates"][name], errors_of(it, name)) if has(it, name) else "–"
                    for name, _, _ in PANELS
                ),
            )
            for it in estimates
        ),
        note="Dot: mean. Bar: 90% interval. The two scales differ.",
    )


def has(estimate: Estimate, fate: str) -> bool:
    """Whether a story speaks of a fate: a risk argument speaks of catastrophe alone."""
    return fate in headline_fates(estimate)


def _panel(
    estimates: Sequence[Estimate], name: Headline, left: float, right: float, bottom: float
) -> Markup:
    of = [(k, it) for k, it in enumerate(estimates) if has(it, name)]
    if not of:
        return Markup("")
    top = max(float(it["fates"][name][end]) for _, it in of for end in ("mean", "q95"))
    scale = Scale(0.0, min(1.04 * top, 1.0) or 1.0, left, right)
    worst = " worst" if name == "catastrophe" else ""
    parts = [
        element("text", name.capitalize(), x=left, y=TOP - 14, class_="label"),
        grid(scale, TOP, bottom, ticks(0.0, scale.high, 4)),
    ]
    for k, it in of:
        entry, y = it["fates"][name], TOP + ROW * (k + 0.5)
        tip = f"{lines_of(str(it['title']), 80, 1)[0]}, {name}: {range_words(entry)}"
        low, high = scale(entry["q05"]), scale(entry["q95"])
        parts.append(
            mark(
                tip,
                element("line", x1=low, x2=high, y1=y, y2=y, class_=f"interval-90{worst}"),
                element("circle", cx=scale(entry["mean"]), cy=y, r=6, class_=f"dot{worst}"),
                element(
                    "text",
                    percent(entry["mean"], errors_of(it, name).get("mean", 0.0)),
                    x=right + 92,
                    y=y + 5,
                    class_="value",
                    text_anchor="end",
                ),
            )
        )
    return Markup("").join(parts)
