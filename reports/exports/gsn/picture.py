"""A goal structure as a picture.

Goals of few parts stand in columns under the top strategy, and what training could end at instead
has the whole width below them, one column for each class. A solution that supports several goals
is drawn at the first, and the others name it.
"""

from collections.abc import Iterable, Sequence
from typing import cast

from markupsafe import Markup

from storyodds.reports.contract.summaries import Interval
from storyodds.reports.exports.gsn.records import Argument, Node
from storyodds.reports.exports.gsn.shapes import LINE, ROUND, Shape, arrow, challenge, dashed
from storyodds.reports.figures.drawing.figure import Figure
from storyodds.reports.figures.drawing.svg import drawing, element
from storyodds.reports.words.numbers import band, percent

_WIDE = 1080.0  # pixels across the picture
_EDGE = 10.0  # pixels that stay free at both sides
_GAP = 26.0  # from one layer to the next
_CONTEXTS = 8  # on each side of a strategy; the others are in the table
_CIRCLE = 96.0  # pixels across: five lines of a claim
_MAIN = "rationale_alignment"


def gsn_svg(argument: Argument) -> Figure:
    """Draw an argument.

    Parameters
    ----------
    argument : Argument
        Better with few routes told one by one: `argument(document, story, most=4)`.

    Returns
    -------
    Figure
        Its table has every element and every tie, also those that the picture leaves out.

    Examples
    --------
    >>> from storyodds import estimate, load_story, summarize
    >>> from storyodds.reports.exports.gsn.argument import argument
    >>> story = load_story("carlsmith-six-premises")
    >>> figure = gsn_svg(argument(summarize(estimate(story)), story))
    >>> figure.name, len(figure.columns)
    ('goal-structure', 8)
    """
    doubt = "" if argument.reliable else "NOT RELIABLE: the computation failed its own checks. "
    title = f"The argument of {argument.story}, with its probabilities"
    described = (
        f"{doubt}Goal structure: “{argument.nodes[0].claim}”, what that rests on, and the "
        "probability of each part."
    )
    parts, height = _Picture(argument).drawn()
    if not argument.reliable:
        parts.append(
            element("text", doubt.strip(), x=_EDGE, y=14.0, class_="gsn-words strong warning")
        )
    return Figure(
        "goal-structure",
        title,
        described,
        drawing(_WIDE, height, title, described, *parts),
        (
            *("Element", "Kind", "Says", "Probability", "90% interval", "Supported by"),
            *("In context of", "Challenged by"),
        ),
        tuple(_row(argument, node) for node in argument.nodes),
        "Goal Structuring Notation, version 3: goals are boxes, strategies lean, solutions (Sn) "
        "and counter-solutions (CSn) are circles, contexts are rounded, assumptions (A) and "
        "justifications (J) are ovals. A diamond marks a goal that nothing observed supports. "
        "Filled arrows lead to support, hollow ones to context; dashed, open ones lead from "
        "evidence to the goal that it challenges. Long texts are cut in the picture, but no "
        "sentence with a negation, and whole in the table.",
    )


def _row(argument: Argument, node: Node) -> tuple[str, ...]:
    entry = node.probability
    return (
        node.id,
        node.kind.replace("_", "-") + ", undeveloped" * node.undeveloped,
        node.text,
        "" if entry is None else percent(entry["mean"]),
        "" if entry is None or "q05" not in entry else band(cast(Interval, entry)),
        ", ".join(below.id for below in argument.below(node.id)),
        ", ".join(around.id for around in argument.below(node.id, "in_context_of")),
        ", ".join(against.id for against in argument.challengers(node.id)),
    )


class _Picture:
    def __init__(self, argument: Argument) -> None:
        self.argument = argument
        self.lines: list[Markup] = []
        self.shapes: list[Shape] = []
        self.seen: set[str] = set()

    def drawn(self) -> tuple[list[Markup], float]:
        top = self.argument.nodes[0]
        goal = self._place(Shape(top, 380, 3), (_WIDE - 380) / 2, 24)
        start = self._around(goal, 300, 10)
        (over,) = self.argument.below(top.id)
        strategy = self._place(Shape(over, 330, 2), (_WIDE - 330) / 2, start + _GAP)
        self._down(goal, strategy)
        parts = self.argument.below(over.id)
        main = next(node for node in parts if node.about == _MAIN)
        bottom = self._columns(strategy, [node for node in parts if node is not main])
        low = self._main(strategy, main, bottom)
        return [*self.lines, *(shape.draw() for shape in self.shapes)], low + 14

    def _place(self, shape: Shape, x: float, y: float) -> Shape:
        self.shapes.append(shape.at(x, y))
        self.seen.add(shape.node.id)
        return shape

    def _down(self, above: Shape, below: Shape) -> None:
        start, end = (above.center, above.bottom), (below.center, below.y)
        if start[0] == end[0]:
            self.lines.append(arrow([start, end]))
            return
        turn = start[1] + 12
        self.lines.append(arrow([start, (start[0], turn), (end[0], turn), end]))

    def _around(self, shape: Shape, width: float, most: int) -> float:
        """Put the context of an element to its left and right; give how far down it reaches."""
        nodes = self.argument.below(shape.node.id, "in_context_of")
        left = [node for node in nodes if node.kind == "justification"]
        right = [node for node in nodes if node.kind != "justification"]
        ends = [self._side(shape, left, -1, width, most), self._side(shape, right, 1, width, most)]
        return max(shape.bottom, *ends)

    def _side(
        self, shape: Shape, nodes: Sequence[Node], side: int, width: float, most: int
    ) -> float:
        y = shape.y
        spine = shape.center + side * (shape.width / 2 + 18)
        x = _EDGE if side < 0 else _WIDE - _EDGE - width
        for node in nodes[:_CONTEXTS]:
            placed = self._place(Shape(node, width, most), x, y)
            start = (shape.center + side * (shape.width / 2 - 7), min(shape.middle, placed.middle))
            inner = x + width if side < 0 else x
            points = [(start[0], shape.middle), (spine, shape.middle)]
            points += [(spine, placed.middle), (inner, placed.middle)]
            self.lines.append(arrow(points, hollow=True))
            y += placed.height + 8
        if len(nodes) > _CONTEXTS:
            words = f"and {len(nodes) - _CONTEXTS} more, in the table"
            place = {"x": x + width / 2, "y": y + 12.0}
            self.lines.append(
                element("text", words, **place, class_="gsn-words", text_anchor="middle")
            )
            y += LINE + 6
        return y

    def _columns(self, strategy: Shape, goals: Sequence[Node]) -> float:
        """Goals of few parts, half of them on each side of the line that leads down."""
        if not goals:
            return strategy.bottom
        y = strategy.bottom + _GAP
        width = min(255.0, (_WIDE - 2 * _EDGE - 40) / (2 * ((len(goals) + 1) // 2)))
        half = (len(goals) + 1) // 2
        low = y
        for k, node in enumerate(goals):
            column = k if k < half else k - half
            x = _EDGE + column * width
            x += 0 if k < half else _WIDE / 2 - _EDGE + 20
            head = self._place(Shape(node, width - 14, 4), x, y)
            self._down(strategy, head)
            low = max(low, self._stack(head, x, width - 14))
        return low

    def _stack(self, head: Shape, x: float, width: float) -> float:
        """What supports an element, one below the other along a line at its left."""
        turn, low = x + 7, self._against(head)
        y = low + 12
        for node in self.argument.below(head.node.id):
            if node.id in self.seen:
                continue
            kept = node.kind == "solution"
            inside = x + 22
            shape = Shape(node, _CIRCLE if kept else width - 22, 5, self._also(node))
            self._place(shape, inside, y)
            self.lines.append(
                arrow([(turn, head.y + head.height), (turn, shape.middle), (inside, shape.middle)])
            )
            low = (
                self._stack(shape, inside, width - 22) if node.kind == "strategy" else shape.bottom
            )
            if node.kind == "goal":
                low = max(low, self._beside(shape))
            y = low + 12
        return low

    def _against(self, head: Shape) -> float:
        """What challenges an element, side by side below it; give how far down that reaches."""
        nodes = [n for n in self.argument.challengers(head.node.id) if n.id not in self.seen]
        across = max(1, int((head.width - 28) // (_CIRCLE + 6)))
        low, trunk, ends = head.bottom, head.x + head.width - 7, head.y + head.height
        for start in range(0, len(nodes), across):
            row, bus = nodes[start : start + across], low + 12
            for k, node in enumerate(row):
                circle = Shape(node, _CIRCLE, 5)
                self._place(circle, trunk - 10 - (len(row) - k) * (_CIRCLE + 6), bus + 8)
                self.lines.append(dashed([(circle.center, circle.y), (circle.center, bus)]))
            first = self.shapes[-len(row)].center
            self.lines.append(dashed([(first, bus), (trunk, bus)]))
            self.lines.append(
                challenge([(trunk, bus), (trunk, ends)])
                if start == 0
                else dashed([(trunk, bus), (trunk, ends)])
            )
            low, ends = self.shapes[-1].bottom, bus
        return low

    def _also(self, node: Node) -> list[str]:
        below = self.argument.below(node.id)
        supports = [one.id for one in below if one.kind == "solution" and one.id in self.seen]
        against = self.argument.challengers(node.id)
        return supports + [f"{one.id} against" for one in against if one.id in self.seen]

    def _beside(self, shape: Shape) -> float:
        """The solutions of a goal in a column at its right."""
        y, x = shape.y, shape.x + shape.width + 24
        for node in self.argument.below(shape.node.id):
            if node.kind == "solution" and node.id not in self.seen:
                placed = self._place(Shape(node, _CIRCLE, 5), x, y)
                start = (shape.x + shape.width, shape.y + 12)
                points = [start, (x - 14, start[1]), (x - 14, placed.middle), (x, placed.middle)]
                self.lines.append(arrow(points))
                y += placed.height + 6
        for node in self.argument.challengers(shape.node.id):
            if node.id not in self.seen:
                placed = self._place(Shape(node, _CIRCLE, 5), x, y)
                end = (shape.x + shape.width, shape.y + 24)
                points = [(x, placed.middle), (x - 8, placed.middle), (x - 8, end[1]), end]
                self.lines.append(challenge(points))
                y += placed.height + 6
        return y

    def _main(self, strategy: Shape, node: Node, bottom: float) -> float:
        """What training leads to, and could lead to instead, over the whole width."""
        head = self._place(Shape(node, 300, 3), (_WIDE - 300) / 2, bottom + _GAP)
        self._down(strategy, head)
        low = head.bottom
        below = self.argument.below(node.id)
        over = next(child for child in below if child.kind == "strategy")
        loose = [child for child in below if child.kind == "solution"]
        against = self.argument.challengers(node.id)
        low = max(low, self._rows(head, loose, 740.0, 1), self._rows(head, against, 340.0, -1))
        inner = self._place(Shape(over, 220, 4), (_WIDE - 220) / 2, low + _GAP)
        self._down(head, inner)
        low = self._around(inner, 385, 2)
        return self._classes(inner, self.argument.below(over.id), low)

    def _rows(self, head: Shape, nodes: Sequence[Node], x: float, side: int) -> float:
        """Circles beside the main goal, in rows of three; give how far down they reach."""
        low = head.bottom
        for k, node in enumerate(nodes):
            corner = x + side * 104.0 * (k % 3) - (_CIRCLE if side < 0 else 0.0)
            placed = self._place(Shape(node, _CIRCLE, 5), corner, head.y + 102.0 * (k // 3))
            if k == 0:
                level = head.y + min(head.height, _CIRCLE) / 2
                edge = head.x + (head.width if side > 0 else 0.0)
                if side > 0:
                    self.lines.append(arrow([(edge, level), (placed.x, level)]))
                else:
                    self.lines.append(challenge([(placed.x + _CIRCLE, level), (edge, level)]))
            low = max(low, placed.bottom)
        return low

    def _classes(self, over: Shape, goals: Iterable[Node], low: float) -> float:
        goals = list(goals)
        if not goals:
            return low
        width = (_WIDE - 2 * _EDGE) / max(3, len(goals))
        margin = (_WIDE - width * len(goals)) / 2
        y, deepest = low + 2 * _GAP, low
        for k, node in enumerate(goals):
            x = margin + k * width
            shape = Shape(node, min(width - 16, 330), 3, self._also(node))
            head = self._place(shape, x, y)
            start, turn = (over.center, over.bottom), y - 14
            self.lines.append(
                arrow([start, (start[0], turn), (head.center, turn), (head.center, y)])
            )
            room = _CIRCLE + 12 if self._has_circles(node) else 0.0
            deepest = max(deepest, self._stack(head, x, head.width - room))
        return deepest

    def _has_circles(self, node: Node) -> bool:
        """Whether evidence stands beside the routes of a class."""
        return any(
            item.kind in ROUND and item.id not in self.seen
            for route in self.argument.below(node.id)
            for item in (*self.argument.below(route.id), *self.argument.challengers(route.id))
        )
