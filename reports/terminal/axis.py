"""Intervals drawn as text on one shared axis."""

from collections.abc import Sequence

from storyodds.reports.contract.summaries import Interval
from storyodds.reports.words.numbers import percent


def plot(after: Sequence[Interval], before: Sequence[Interval | None], room: int) -> list[str]:
    """One axis, and below it a bar for each summary.

    Parameters
    ----------
    after : sequence of mapping
        Summaries, each drawn as its interval with ● at the mean.
    before : sequence of mapping or None
        Drawn as ○ at the mean.
    room : int
        Cells to draw in.

    Returns
    -------
    list of str
        The axis, then the bars.
    """
    end = _axis_end(
        max(
            max(entry["q95"], entry["mean"], prior["mean"] if prior else 0.0)
            for entry, prior in zip(after, before, strict=True)
        )
    )
    bars = [_bar(entry, prior, end, room) for entry, prior in zip(after, before, strict=True)]
    return [_axis(end, room), *bars]


def _axis_end(top: float) -> float:
    """The end of the shared axis: the next of a few round numbers."""
    ends = [m * 10.0**e for e in range(-6, 0) for m in (1, 2, 4, 6)] + [1.0]
    return next((end for end in ends if end >= top), 1.0)


def _axis(end: float, room: int) -> str:
    left, middle, right = (percent(share * end) for share in (0.0, 0.5, 1.0))
    line = list(" " * room)
    line[: len(left)] = left
    start = (room - 1) // 2 - len(middle) // 2
    line[start : start + len(middle)] = middle
    line[-len(right) :] = right
    return "".join(line)


def _bar(entry: Interval, prior: Interval | None, end: float, room: int) -> str:
    """An interval with its mean, and the mean before the evidence, as text on the shared axis."""

    def place(p: float) -> int:
        return min(room - 1, max(0, round(p / end * (room - 1))))

    low, mean, high = (place(entry[key]) for key in ("q05", "mean", "q95"))
    line = list(" " * room)
    if high > low:
        line[low : high + 1] = "├" + "─" * (high - low - 1) + "┤"
    if prior is not None:
        line[place(prior["mean"])] = "○"
    line[mean] = "●"
    return "".join(line)
