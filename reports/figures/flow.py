"""How a story gets to its fates: ribbons from assumptions by routes and checks, and in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from storyodds.models.flows.flows import MOST, Flows, Link, Step, links, merged
from storyodds.reports.figures.drawing.cells import share_cell
from storyodds.reports.figures.drawing.figure import Figure
from storyodds.reports.figures.drawing.short_names import short_names
from storyodds.reports.figures.drawing.svg import LINE, drawing, element, group, lines_of, mark
from storyodds.reports.words.numbers import about_one_in, interval, percent
from storyodds.reports.words.shortening import negated

WIDTH = 1080.0
SCALE = 380.0  # pixels that stand for certainty; more where there are very many nodes
WORST = "\u25b2"  # says what is on the worst path without a color

_LEFT, _BOTTOM = 6.0, 8.0
_LAST = 155.0  # for the labels of the last column
_BAR = 9.0  # as wide as a node is
_GAP, _WIDEST_GAP = 12.0, 44.0  # between nodes
_LETTER = 7.4  # a usual letter of a label
_THIN = 4.0  # ribbons of the worst path get a dashed line too where they are not as wide
_HEADS = 44.0  # where the heads of columns begin
_NOT_SEEN = 1e-12  # parts below it are rounding


@dataclass(frozen=True)
class _Box:
    """A node's bar, its label, and what fits of its claim."""

    x: float
    y: float
    height: float
    lines: tuple[str, ...]
    claim: tuple[str, ...]


@dataclass(frozen=True)
class _Layout:
    """Where everything goes.

    Attributes
    ----------
    boxes : tuple of _Box
        One a node.
    heads : tuple of (x, lines, lines of its claim)
        One a column.
    scale : float
        Pixels that stand for certainty.
    height : float
        Of the picture.
    """

    boxes: tuple[_Box, ...]
    heads: tuple[tuple[float, tuple[str, ...], tuple[str, ...]], ...]
    scale: float
    height: float


@dataclass(frozen=True)
class _Ribbon:
    """What goes from a node to another, on the worst path or beside it.

    `left` and `right` are the heights at which its upper edge leaves and arrives.
    """

    link: Link
    worst: bool
    left: float
    right: float
    width: float


def plot_flow(
    flows: Flows, *, full: bool = False, claims: Mapping[str, str] | None = None
) -> Figure:
    """Draw how a story gets to its fates.

    Parameters
    ----------
    flows : Flows
    full : bool
        Show every route, hazard and check, however many; else the less likely of very many are
        one node. Both are the same where there are few.
    claims : mapping of str to str, optional
        By id, what assumptions, routes, hazards and checks claim: shown in full where one points
        at them, and as far as there is room beside them.

    Returns
    -------
    Figure
        Its table has a row for every link.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.models.flows.flows import flows
    >>> from storyodds.scenarios.resolve import resolve
    >>> figure = plot_flow(flows(assess(resolve(load_story("carlsmith-six-premises")))))
    >>> figure.columns
    ('from', 'to', 'probability', 'of which worst path')
    """
    shown = flows if full else merged(flows)
    every = links(shown)
    marked = {k for strand in shown.strands if strand.worst for k in strand.steps}
    told = claims or {}
    layout = _layout(shown, marked, told)
    title, said = "How it gets there", _worst(flows)
    description = (
        f"Ribbons as wide as they are likely, from left to right: {', '.join(shown.columns)}. "
        f"{said[0].upper()}{said[1:]}: {flows.worst.label}; {percent(_share(flows))}."
    )
    if full:
        description += " Nothing is left out."
    nodes = zip(shown.steps, layout.boxes, strict=True)
    svg = drawing(
        WIDTH,
        layout.height,
        title,
        description,
        _legend(flows),
        *(_text(x, _HEADS, lines, "tick", claim) for x, lines, claim in layout.heads),
        *_ribbons(shown, every, layout),
        *(_node(step, box, told.get(step.name, "")) for step, box in nodes),
    )
    rows = tuple(
        (
            shown.steps[link.source].words,
            shown.steps[link.target].words,
            share_cell(link.probability),
            share_cell(link.worst) if link.worst > 0 else "",
        )
        for link in every
    )
    columns = ("from", "to", "probability", f"of which {said}")
    name = "flow-full" if full else "flow"
    return Figure(name, title, description, svg, columns, rows, _note(flows, shown))


def _worst(flows: Flows) -> str:
    return "worst path" if flows.concern > 0 else "likeliest failure path"


def _share(flows: Flows) -> float:
    return sum(strand.probability for strand in flows.strands if strand.worst)


def _note(flows: Flows, shown: Flows) -> str:
    said = [
        "Width is probability, and every column adds up to 100%.",
        f"{WORST} and the darker ribbon mark the {_worst(flows)}, a dashed line where it is thin.",
    ]
    if flows.information:
        told = " and ".join(f"{name} {bits:.2g} bits" for name, bits in flows.information.items())
        said.append(
            "At the left stand assumptions that tell much about the ending, one on the worst path "
            f"if there is any (mutual information with class and fate: {told})."
        )
    if len(shown.steps) < len(flows.steps):
        said.append("The less likely of very many nodes are drawn as one.")
    return " ".join(said)


def _lines(step: Step, letters: int, marked: bool) -> tuple[str, ...]:
    """A node's label: its name in at most two lines, and how likely it is."""
    lines = lines_of(f"{WORST} {step.name}" if marked else step.name, letters)
    said = percent(step.probability)
    if len(lines[-1]) + 1 + len(said) <= letters:
        return (*lines[:-1], f"{lines[-1]} {said}")
    return (*lines, said)


# Where everything goes


def _layout(flows: Flows, marked: set[int], claims: Mapping[str, str]) -> _Layout:
    """Place nodes so that neither they nor their labels meet."""
    last = len(flows.columns) - 1
    room = (WIDTH - _LEFT - _LAST - _BAR) / max(1, last)
    letters = [int(((_LAST if c == last else room - _BAR) - 10) / _LETTER) for c in range(last + 1)]
    x = [_LEFT + room * c for c in range(last + 1)]
    shown = short_names(flows.columns, min(letters) + 1)
    heads = tuple(
        (x[c], tuple(lines_of(short, letters[c] + 1)), _claim(claims.get(name, ""), letters[c], 2))
        for c, (name, short) in enumerate(zip(flows.columns, shown, strict=True))
    )
    columns: list[list[int]] = [[] for _ in flows.columns]
    for k, step in enumerate(flows.steps):
        columns[step.column].append(k)
    scale = SCALE + 8 * max(0, max(map(len, columns)) - MOST)
    names: dict[int, str] = {}
    for c, column in enumerate(columns):
        short = short_names([flows.steps[k].name for k in column], letters[c] - len(f"{WORST} "))
        names |= zip(column, short, strict=True)
    lines = [
        _lines(replace(step, name=names[k]), letters[step.column], k in marked)
        for k, step in enumerate(flows.steps)
    ]
    # A slot holds a node's bar and its label, whichever is higher.
    slots = [
        max(step.probability * scale, LINE * len(lines[k]) + 4.0)
        for k, step in enumerate(flows.steps)
    ]
    top = _HEADS + LINE * max(len(said) + len(claim) for _, said, claim in heads)
    inner = max(sum(slots[k] for k in column) + _GAP * (len(column) - 1) for column in columns)
    boxes: dict[int, _Box] = {}
    for column in columns:
        spare = inner - sum(slots[k] for k in column)
        gap = min(_WIDEST_GAP, spare / max(1, len(column) - 1))
        y = top + (spare - gap * (len(column) - 1)) / 2
        for k in column:
            step = flows.steps[k]
            bar = step.probability * scale
            free = min(3, int((slots[k] - 4.0) / LINE) - len(lines[k]))
            claim = _claim(claims.get(step.name, ""), letters[step.column], free)
            boxes[k] = _Box(x[step.column], y + (slots[k] - bar) / 2, bar, lines[k], claim)
            y += slots[k] + gap
    in_order = tuple(boxes[k] for k in range(len(flows.steps)))
    return _Layout(in_order, heads, scale, top + inner + _BOTTOM)


def _stacked(every: Sequence[Link], layout: _Layout) -> list[_Ribbon]:
    """Stack ribbons at both of their ends; the worst path's lie on top."""
    boxes = layout.boxes
    parts = [
        (link, worst, part * layout.scale)
        for link in every
        for worst, part in ((True, link.worst), (False, link.probability - link.worst))
        if part > _NOT_SEEN * link.probability
    ]
    edges: list[dict[tuple[Link, bool], float]] = []
    for mine, other in (("source", "target"), ("target", "source")):
        free = [box.y for box in boxes]
        edge = {}
        for link, worst, width in sorted(
            parts, key=lambda part: (not part[1], boxes[getattr(part[0], other)].y)
        ):
            edge[link, worst] = free[getattr(link, mine)]
            free[getattr(link, mine)] += width
        edges.append(edge)
    left, right = edges
    return [
        _Ribbon(link, worst, left[link, worst], right[link, worst], width)
        for link, worst, width in sorted(parts, key=lambda part: part[1])
    ]


def _claim(words: str, letters: int, lines: int) -> tuple[str, ...]:
    """As much of a claim as fits; nothing rather than one line, or a negation, cut short."""
    found = tuple(lines_of(words, letters, lines)) if words and lines > 0 else ()
    cut = bool(found) and found[-1].endswith("…")
    return () if cut and (len(found) == 1 or negated(words)) else found


# What is drawn


def _ribbons(flows: Flows, every: Sequence[Link], layout: _Layout) -> list[Markup]:
    """Draw all links, the worst path's over the others."""
    drawn = []
    for ribbon in _stacked(every, layout):
        link, p = ribbon.link, ribbon.width / layout.scale
        source, target = flows.steps[link.source], flows.steps[link.target]
        tip = f"{source.words} \u2192 {target.words}: {percent(p)}, {about_one_in(p)}"
        if link.worst > 0:
            tip += f" ({'' if ribbon.worst else 'beside the '}{_worst(flows)})"
        x0, x1 = layout.boxes[link.source].x + _BAR, layout.boxes[link.target].x
        look = "ribbon worst" if ribbon.worst else "ribbon"
        shapes = [
            element("path", d=_band(x0, ribbon.left, x1, ribbon.right, ribbon.width), class_=look)
        ]
        if ribbon.worst and ribbon.width < _THIN:
            down = ribbon.width / 2
            line = f"M{_curve(x0, ribbon.left + down, x1, ribbon.right + down)}"
            shapes.append(element("path", d=line, class_="worst-line"))
        drawn.append(mark(tip, *shapes, stop=False))
    return drawn


def _band(x0: float, y0: float, x1: float, y1: float, width: float) -> str:
    """A band that is as high everywhere as it is likely."""
    return f"M{_curve(x0, y0, x1, y1)}L{_curve(x1, y1 + width, x0, y0 + width)}Z"


def _curve(x0: float, y0: float, x1: float, y1: float) -> str:
    """From one point to another; three decimals, since many ribbons are thin."""
    m = (x0 + x1) / 2
    return f"{x0:.3f},{y0:.3f}C{m:.3f},{y0:.3f} {m:.3f},{y1:.3f} {x1:.3f},{y1:.3f}"


def _node(step: Step, box: _Box, claim: str) -> Markup:
    tip = f"{step.words}: {percent(step.probability)}"
    if step.low is not None and step.high is not None and step.low < step.high:
        tip += f" (90% interval {interval({'q05': step.low, 'q95': step.high})})"
    tip += f". {claim}" if claim else ""
    height = f"{max(box.height, 1.0):.3f}"  # one that is hardly likely is there all the same
    bar = element("rect", x=box.x, y=f"{box.y:.3f}", width=_BAR, height=height, class_="node")
    first = box.y + box.height / 2 + 4.5 - LINE * (len(box.lines) + len(box.claim) - 1) / 2
    return mark(tip, bar, _text(box.x + _BAR + 5, first, box.lines, "label halo", box.claim))


def _text(x: float, y: float, lines: Sequence[str], look: str, claim: Sequence[str]) -> Markup:
    """Lines, and those of a claim under them."""
    spans = [
        element("tspan", line, x=x, y=float(y + LINE * k), class_=None if k < len(lines) else "sub")
        for k, line in enumerate((*lines, *claim))
    ]
    return element("text", *spans, class_=look)


def _legend(flows: Flows) -> Markup:
    name = flows.worst.hazard or flows.worst.route
    said = lines_of(f"{WORST} {_worst(flows)}: {name}, {percent(_share(flows))}", 120, 1)[0]
    return group(
        element("path", d=f"M{_LEFT},12H{_LEFT + 36}", class_="worst-line"),
        element("text", said, x=_LEFT + 44, y=16.5, class_="label"),
    )
