"""Names that are too long for a picture, shortened so that they still differ."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import takewhile

from storyodds.reports.figures.drawing.svg import lines_of

_LEAST = 8  # letters of a shortened name: a few of its start, and of where it differs


def short_names(names: Sequence[str], width: int, at_most: int = 2) -> list[str]:
    """Shorten those names that would be cut to the same.

    Parameters
    ----------
    names : sequence of str
    width : int
        Letters of a line.
    at_most : int
        Lines of a name.

    Returns
    -------
    list of str
        In the same order; names that can be told apart as they are, or where `lines_of` cuts them,
        stay as they are.

    Examples
    --------
    >>> short_names(["people-who-read-at-1", "people-who-read-at-2", "nobody"], 12, 1)
    ['peop…ad-at-1', 'peop…ad-at-2', 'nobody']
    """
    groups: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name in dict.fromkeys(names):
        groups[tuple(lines_of(name, width, at_most))].append(name)
    short: dict[str, str] = {}
    for group in groups.values():
        if len(group) > 1:
            short |= dict(zip(group, _apart(group, width, at_most), strict=True))
    return [short.get(name, name) for name in names]


def _apart(group: Sequence[str], width: int, at_most: int) -> list[str]:
    """Cut names out of their middle, at the room that leaves them whole and different."""
    start = _common(group)
    for room in range(width * at_most, _LEAST - 1, -1):
        cut = [middle_cut(name, room, start) for name in group]
        if len(set(cut)) == len(cut) and all(_fits(name, width, at_most) for name in cut):
            return cut
    return [f"{k}. {name}" for k, name in enumerate(group, 1)]


def _common(group: Sequence[str]) -> int:
    """How many letters names have in common at their start."""
    places = zip(*group, strict=False)
    return sum(1 for _ in takewhile(lambda letters: len(set(letters)) == 1, places))


def _fits(name: str, width: int, at_most: int) -> bool:
    return "".join(lines_of(name, width, at_most)) == name.replace(" ", "")


def middle_cut(name: str, room: int, start: int | None = None) -> str:
    """Cut a name out of its middle, so that it has at most so many letters.

    Parameters
    ----------
    name : str
    room : int
        Letters, the ellipsis included.
    start : int, optional
        Where it begins to differ from others, which is kept; its end is kept unless stated.

    Examples
    --------
    >>> middle_cut("read-by-people-at-stage-1", 14), middle_cut("short", 14)
    ('read…t-stage-1', 'short')
    """
    if len(name) <= room:
        return name
    head = room // 3
    tail = room - head - 1
    if start is None or len(name) - start <= tail:
        return f"{name[:head]}…{name[-tail:]}"
    return f"{name[:head]}…{name[start : start + tail - 1]}…"
