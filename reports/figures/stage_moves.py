"""What moves from what to what in each stage of training: bands between classes of model.

Every class has a level of its own, so that what stays is level and what moves is not.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import xarray as xr
from markupsafe import Markup

from storyodds.reports.figures.drawing.cells import share_cell
from storyodds.reports.figures.drawing.figure import Figure
from storyodds.reports.figures.drawing.keys import bar_sample, draw_key
from storyodds.reports.figures.drawing.svg import LINE, drawing, element, lines_of, mark
from storyodds.reports.words.numbers import percent

_BAR = 9.0  # pixels across, of what a stage leaves
_GAP = 20.0  # between two classes
_LEAST = 18.0  # of a class: a line of text
_HAIR = 0.8  # of the thinnest band: thinner ones cannot be seen
_LETTER = 7.9  # pixels of a bold letter of 13 pixels
_NOTE = (
    "The width of a band is the chance that the stage before leaves a model of the one class and "
    "this stage one of the other. Where a band is level, the model stays what it is or changes to "
    "a route of the same class. A band has the color of the class that it comes from."
)


@dataclass(frozen=True)
class _Layout:
    """Sizes in pixels."""

    width: float
    names: float  # that names of classes take at the left,
    chances: float  # and chances at the right
    tall: float  # of a chance of 1

    @property
    def ends(self) -> tuple[float, float]:
        """Where the first stage stands, and the last."""
        return self.names, self.width - self.chances - _BAR


_WIDE = _Layout(760, 118, 46, 230)
_NARROW = _Layout(330, 114, 44, 120)


@dataclass(frozen=True)
class _Band:
    """What moves between two classes in a stage."""

    stage: str
    source: str
    target: str
    chance: float
    error: float

    @property
    def words(self) -> str:
        """The same in words."""
        chance = percent(self.chance, self.error)
        if self.source == self.target:
            return f"{self.stage}: {chance} stays {self.source}"
        return f"{self.stage}: {chance} from {self.source} to {self.target}"

    @property
    def look(self) -> str:
        """Its class in the style sheet."""
        stays = " stays" if self.source == self.target else ""
        return f"moves moves-{self.source}{stays}"


def plot_stage_moves(
    moves: xr.Dataset, classes: xr.Dataset, class_of: Mapping[str, str], *, narrow: bool = False
) -> Figure:
    """Draw what moves between classes of model from stage to stage.

    Parameters
    ----------
    moves : xarray.Dataset
        The node `stages/moves` of an estimate: `moves` and `move_errors` by `stage`, `class` and
        `route`.
    classes : xarray.Dataset
        The node `stages/classes`: `probability` by `stage`, `class` and `summary`.
    class_of : mapping of str to str
        The class of every route.
    narrow : bool
        For phones: two stages beside each other, and the next two under them.

    Examples
    --------
    >>> stages, names = ["first", "last"], ["intended", "other"]
    >>> moves = xr.Dataset(
    ...     {
    ...         "moves": (("stage", "class", "route"), [[[0.5, 0.25], [0.0, 0.25]]]),
    ...         "move_errors": (("stage", "class", "route"), [[[0.0, 0.0], [0.0, 0.0]]]),
    ...     },
    ...     {"stage": ["last"], "class": names, "route": ["intended", "proxy"]},
    ... )
    >>> classes = xr.Dataset(
    ...     {"probability": (("stage", "class", "summary"), [[[0.75], [0.25]], [[0.5], [0.5]]])},
    ...     {"stage": stages, "class": names, "summary": ["mean"]},
    ... )
    >>> figure = plot_stage_moves(moves, classes, {"intended": "intended", "proxy": "other"})
    >>> figure.rows[1]
    ('last', 'intended', 'other', '25%')
    """
    odds = classes.probability.sel(summary="mean")
    stages = [str(stage) for stage in odds.stage.values]
    chances = {
        (stage, str(name)): float(odds.sel({"stage": stage, "class": name}))
        for stage in stages
        for name in odds["class"].values
    }
    names = [
        str(name)
        for name in odds["class"].values
        if any(chances[stage, str(name)] > 0 for stage in stages)
    ]
    bands = list(_bands(moves, class_of))
    layout = _NARROW if narrow else _WIDE
    blocks = [stages[k : k + 2] for k in range(len(stages) - 1)] if narrow else [stages]
    shapes: list[Markup] = []
    top = 0.0
    for group in blocks:
        block = _Block(layout, group, names, chances, top)
        shapes += block.shapes(bands)
        top = block.bottom + _GAP * (group is not blocks[-1])
    samples = [(bar_sample(f"moves stays moves-{name}"), f"was {name}") for name in names]
    key, height = draw_key(samples, top + 4, layout.width)
    title = "From each stage to the next" if narrow else "From stage to stage"
    words = f"What moves between classes in each stage. {'; '.join(b.words for b in bands)}"
    return Figure(
        name="narrow-stage-moves" if narrow else "stage-moves",
        title=title,
        description=words,
        svg=drawing(layout.width, height + 4, title, words, *shapes, *key),
        columns=("in the stage", "from", "to", "chance"),
        rows=tuple((b.stage, b.source, b.target, share_cell(b.chance, b.error)) for b in bands),
        note=_NOTE,
    )


def _bands(moves: xr.Dataset, class_of: Mapping[str, str]) -> Iterator[_Band]:
    """Every band, by stage, source and target; none of what cannot be."""
    names = [str(name) for name in moves["class"].values]
    routes = [str(route) for route in moves.route.values]
    for stage in moves.stage.values:
        for source in names:
            here = moves.sel({"stage": stage, "class": source})
            for target in names:
                # What several routes add up to errs by no more than all of them do.
                parts = here.sel(route=[route for route in routes if class_of[route] == target])
                chance, error = float(parts.moves.sum()), float(parts.move_errors.sum())
                if chance > 0:
                    yield _Band(str(stage), source, target, chance, error)


class _Block:
    """Some stages that follow each other, drawn side by side."""

    def __init__(
        self,
        layout: _Layout,
        stages: Sequence[str],
        names: Sequence[str],
        chances: Mapping[tuple[str, str], float],
        top: float,
    ) -> None:
        self._layout, self._stages, self._chances = layout, stages, chances
        first, last = layout.ends
        self._step = (last - first) / (len(stages) - 1)
        self._x = {stage: first + self._step * k for k, stage in enumerate(stages)}
        self._heads = [self._head(stage) for stage in stages]
        self._top = top
        names = [name for name in names if any(chances[stage, name] > 0 for stage in stages)]
        self._names, self._level = names, dict[str, float]()
        y = top + LINE * max(map(len, self._heads)) + 10
        for name in names:
            self._level[name] = y
            most = max(chances[stage, name] for stage in stages)
            y += max(_LEAST, layout.tall * most) + _GAP
        self.bottom = y - _GAP

    def _head(self, stage: str) -> list[str]:
        """The name of a stage, in lines; the last one stands at the right edge of the picture."""
        room = self._step
        if stage == self._stages[-1]:
            room = self._step / 2 + self._layout.chances
        elif stage == self._stages[-2]:
            room = 0.54 * self._step
        return lines_of(stage, max(5, int(room / _LETTER)), 2)

    def shapes(self, bands: Sequence[_Band]) -> list[Markup]:
        """All of it."""
        own = [band for band in bands if band.stage in self._stages[1:]]
        return [
            *self._names_of_stages(),
            *self._flows(own),
            *self._bars(),
            *self._names_of_models(),
        ]

    def _names_of_stages(self) -> Iterator[Markup]:
        for stage, lines in zip(self._stages, self._heads, strict=True):
            last = stage == self._stages[-1]
            x = self._layout.width if last else self._x[stage]
            spans = [
                element("tspan", line, x=x, y=self._top + LINE * (k + 1))
                for k, line in enumerate(lines)
            ]
            whole = element("title", stage) if "…" in lines[-1] else Markup("")
            anchor = "end" if last else None
            yield element("text", whole, *spans, class_="strong", text_anchor=anchor)

    def _flows(self, bands: Sequence[_Band]) -> Iterator[Markup]:
        """Bands, those that stay first at both of their ends, so that these are level."""
        out, into = dict.fromkeys(self._chances, 0.0), dict.fromkeys(self._chances, 0.0)
        for band in sorted(bands, key=lambda b: b.source != b.target):
            before = self._stages[self._stages.index(band.stage) - 1]
            begins, ends = (before, band.source), (band.stage, band.target)
            wide = self._layout.tall * band.chance
            start = self._level[band.source] + out[begins]
            end = self._level[band.target] + into[ends]
            out[begins] += wide
            into[ends] += wide
            x = self._x[before] + _BAR, self._x[band.stage]
            yield mark(band.words, _ribbon(x, (start, end), max(_HAIR, wide), band.look))

    def _bars(self) -> Iterator[Markup]:
        """What each stage leaves, with its chance beside it."""
        for stage in self._stages:
            for name in self._names:
                chance = self._chances[stage, name]
                if chance <= 0:
                    continue
                x, y = self._x[stage], self._level[name]
                tall = max(_HAIR, self._layout.tall * chance)
                yield element(
                    "rect", x=x, y=y, width=_BAR, height=tall, class_=f"moves-end moves-{name}"
                )
                yield element("text", percent(chance), x=x + _BAR + 4, y=y + 12, class_="halo")

    def _names_of_models(self) -> Iterator[Markup]:
        for name in self._names:
            yield element(
                "text", name, x=self._layout.names - 8, y=self._level[name] + 12, text_anchor="end"
            )


def _ribbon(x: tuple[float, float], y: tuple[float, float], wide: float, look: str) -> Markup:
    """A band between two upright edges, level where it leaves them."""
    (x0, x1), (y0, y1) = x, y
    middle = (x0 + x1) / 2

    def curve(start: float, end: float, place: float) -> str:
        return f"C{middle:.1f},{start:.1f} {middle:.1f},{end:.1f} {place:.1f},{end:.1f}"

    upper, lower = curve(y0, y1, x1), curve(y1 + wide, y0 + wide, x0)
    data = f"M{x0:.1f},{y0:.1f}{upper}L{x1:.1f},{y1 + wide:.1f}{lower}Z"
    return element("path", d=data, class_=look)
