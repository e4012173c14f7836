"""Pieces of SVG: elements that escape what they are given, scales, axes and labels.

Text is escaped where it enters; only what these functions made is taken as markup. Colors are
CSS variables, so that a page sets them once for light and dark.
"""

import math
import textwrap
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from markupsafe import Markup, escape

from storyodds.reports.contract.summaries import Interval
from storyodds.reports.words.numbers import percent

_SMALL = 1e-6  # from here on a percentage has more zeros than anybody counts
LINE = 14  # pixels from one line of a label to the next


def element(tag: str, *children: str, **attributes: object) -> Markup:
    """Give an element; a trailing underscore is dropped and others become hyphens.

    Examples
    --------
    >>> element("text", "a < b", x=1, text_anchor="end", class_="tick")
    Markup('<text x="1" text-anchor="end" class="tick">a &lt; b</text>')
    """
    pairs = "".join(
        f' {_hyphened(name)}="{_plain(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    inside = "".join(map(escape, children))
    return Markup(f"<{tag}{pairs}>{inside}</{tag}>")


def group(*children: str, **attributes: object) -> Markup:
    """Give a `g` element."""
    return element("g", *children, **attributes)


def mark(tip: str, *children: str, stop: bool = True, **attributes: object) -> Markup:
    """Group what stands for one thing, with the words that pointing or tabbing to it shows.

    Not a stop of the tab key where there are very many, and others tell of the same.
    """
    tabindex = "0" if stop else None
    return group(
        *children, tabindex=tabindex, role="img", aria_label=tip, data_tip=tip, **attributes
    )


def drawing(width: float, height: float, title: str, description: str, *children: str) -> Markup:
    """Give a whole picture, named and described for those who do not see it.

    It has no fixed size: it is as wide as its place, and its text keeps the proportion. Draw at
    about 540 wide for half a page and 1080 for a whole one, else letters come out small.
    """
    # The same picture has the same id in every run; hash() would not give that.
    name = f"figure-{zlib.crc32(f'{title}{description}{len(children)}'.encode()):08x}"
    return element(
        "svg",
        element("title", title, id=name),
        element("desc", description, id=f"{name}-description"),
        *children,
        xmlns="http://www.w3.org/2000/svg",
        class_="chart",
        viewBox=f"0 0 {_plain(width)} {_plain(height)}",
        role="group",
        aria_labelledby=name,
        aria_describedby=f"{name}-description",
    )


@cache
def _hyphened(name: str) -> str:
    return name.rstrip("_").replace("_", "-")


def _plain(value: object) -> str:
    """Coordinates to a tenth of a pixel: more only makes the page longer. Texts escaped."""
    return (
        f"{value:.1f}".removesuffix(".0").replace("-0.0", "0")
        if isinstance(value, float)
        else escape(value)
    )


@dataclass(frozen=True)
class Scale:
    """A linear map from values to pixels.

    Examples
    --------
    >>> Scale(0.0, 0.5, 100, 200)(0.25)
    150.0
    """

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Give the pixel of a value."""
        span = self.high - self.low or 1.0
        return float(self.start + (value - self.low) / span * (self.end - self.start))


def ticks(low: float, high: float, at_most: int = 5) -> list[float]:
    """Round numbers between two others.

    Examples
    --------
    >>> ticks(0.0, 0.43)
    [0.0, 0.1, 0.2, 0.3, 0.4]
    """
    span = high - low
    if not span > 0:
        return [low]
    power = 10.0 ** math.floor(math.log10(span / at_most))
    step = power * next(k for k in (1, 2, 2.5, 5, 10) if span / (power * k) <= at_most)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    digits = 3 - math.floor(math.log10(step))  # of a step of at most three, 0.1 + 0.2 being 0.3
    return [round(k * step, digits) for k in range(first, last + 1)]


def tick_percent(p: float) -> str:
    """A round probability as a percentage, without the digits that are not there.

    Examples
    --------
    >>> tick_percent(0.0), tick_percent(0.125), tick_percent(0.2)
    ('0%', '12.5%', '20%')
    >>> tick_percent(2.5e-9), tick_percent(1 - 5e-9)
    ('2.5e-9', '1 − 5e-9')
    """
    if 0 < p < _SMALL:
        return _power(p)
    if 1 - _SMALL < p < 1:
        return f"1 − {_power(1 - p)}"
    return f"{100 * p:.8g}%"


def _power(p: float) -> str:
    digits, exponent = f"{p:.3g}".split("e")
    return f"{digits}e{int(exponent)}"


def grid(
    scale: Scale,
    top: float,
    bottom: float,
    places: Iterable[float] | None = None,
    label: Callable[[float], str] = tick_percent,
) -> Markup:
    """Vertical lines of a horizontal scale, with their labels below."""
    return Markup("").join(
        element("line", x1=scale(t), x2=scale(t), y1=top, y2=bottom, class_="grid")
        + element("text", label(t), x=scale(t), y=bottom + 15, class_="tick", text_anchor="middle")
        for t in (ticks(scale.low, scale.high) if places is None else places)
    )


def lines_of(words: str, width: int, at_most: int = 2) -> list[str]:
    """Break a label; what does not fit ends in an ellipsis.

    Examples
    --------
    >>> lines_of("the model knows that it is being trained", 18)
    ['the model knows', 'that it is being…']
    """
    return textwrap.wrap(
        words, width, max_lines=at_most, placeholder="…", break_long_words=True
    ) or [""]


def label(x: float, y: float, words: str, width: int = 26, **attributes: object) -> Markup:
    """A label of at most two lines, centered on a height; right-aligned unless stated."""
    lines = lines_of(words, width)
    first = y + 4.5 - LINE * (len(lines) - 1) / 2
    spans = [
        element("tspan", line, x=float(x), y=float(first + LINE * k))
        for k, line in enumerate(lines)
    ]
    style = {"class_": "label", "text_anchor": "end", **attributes}
    whole = element("title", words) if "…" in lines[-1] else ""
    return element("text", Markup(whole), *spans, **style)


def path(
    points: Sequence[tuple[float, float]], *, closed: bool = False, **attributes: object
) -> Markup:
    """A line through points."""
    data = "M" + "L".join(f"{_plain(float(x))},{_plain(float(y))}" for x, y in points)
    return element("path", d=data + "Z" * closed, **attributes)


def range_words(entry: Interval) -> str:
    """Mean and 90 percent interval of a summary, in words."""
    mean, low, high = (percent(entry[k]) for k in ("mean", "q05", "q95"))
    return mean if mean == low == high else f"{mean} (90% interval {low} to {high})"
