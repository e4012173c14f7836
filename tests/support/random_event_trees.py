"""Random event trees over random fault trees, and what they mean, read by a second reader.

`random_event_trees` writes; `EventReading` follows every way by plain recursion over the XML, in
every state of the basic events. The two share no code with the importer.
"""

import itertools
import math
import random
from collections import Counter
from collections.abc import Iterator
from xml.etree import ElementTree

from support.random_trees import NEGATING, Reading, random_tree

STATES = ("works", "fails", "half open", "ist's blöd")
_HOUSES = 2


def random_event_trees(rng: random.Random, *, events: int = 5, gates: int = 4) -> str:
    """Write a model with an event tree, and perhaps a second one that it links to.

    Whatever happens, exactly one way is open: forks collect a formula on one path and its negation
    on the other, or factors that add up to 1.
    """
    trees = random_tree(
        rng, events=events, gates=gates, connectives=NEGATING, houses=_HOUSES, parts=3
    )
    linked = rng.random() < 0.5
    second = _event_tree(rng, "Late", gates, ["L1", "L2"], None) if linked else ""
    first = _event_tree(rng, "Early", gates, ["S1", "S2", "S3"], "Late" if linked else None)
    start = '<define-initiating-event name="Start" event-tree="Early"/>'
    calm = '<define-rule name="calm">' + _setting(rng) + "</define-rule>"
    return trees.replace("<opsa-mef>", "<opsa-mef>" + start + calm + second + first)


def _setting(rng: random.Random) -> str:
    house, truth = rng.randrange(_HOUSES), rng.choice(("true", "false"))
    return f'<set-house-event name="h{house}"><constant value="{truth}"/></set-house-event>'


def _event_tree(
    rng: random.Random, name: str, gates: int, sequences: list[str], link: str | None
) -> str:
    columns = [f"{name}-{k}" for k in range(4)]
    branch = ""
    if rng.random() < 0.5:
        inside = _place(rng, gates, columns[3:], sequences, None, depth=2)
        branch = f'<define-branch name="again">{inside}</define-branch>'
    own = [*sequences, "onwards"] if link else sequences
    start = _place(rng, gates, columns[:3], own, "again" if branch else None, depth=0)
    defined = "".join(f'<define-sequence name="{sequence}"/>' for sequence in sequences)
    if link:
        inside = _setting(rng) if rng.random() < 0.5 else ""
        goes_on = f'{inside}<event-tree name="{link}"/>'
        defined += f'<define-sequence name="onwards">{goes_on}</define-sequence>'
    events = "".join(f'<define-functional-event name="{column}"/>' for column in columns)
    return (
        f'<define-event-tree name="{name}">{events}{defined}{branch}'
        f"<initial-state>{start}</initial-state></define-event-tree>"
    )


def _place(
    rng: random.Random,
    gates: int,
    columns: list[str],
    sequences: list[str],
    branch: str | None,
    *,
    depth: int,
) -> str:
    before = _setting(rng) if rng.random() < 0.3 else ""
    before += '<rule name="calm"/>' if rng.random() < 0.1 else ""
    if not columns or rng.random() < 0.15 * depth:
        if branch and rng.random() < 0.5:
            return f'{before}<branch name="{branch}"/>'
        return f'{before}<sequence name="{rng.choice(sequences)}"/>'
    column, rest = columns[0], columns[1:]
    paths = []
    if rng.random() < 0.6:
        formula = f'<gate name="g{rng.randrange(gates)}"/>'
        collected = [f"<not>{formula}</not>", formula]
        collects = [f"<collect-formula>{part}</collect-formula>" for part in collected]
    else:
        parts = [rng.randint(0, 9) for _ in range(rng.randint(1, 4))]
        total = sum(parts)
        shares = [part / total for part in parts] if total else [1.0, *[0.0] * (len(parts) - 1)]
        collects = [
            f"<collect-expression><float value='{x!r}'/></collect-expression>" for x in shares
        ]
    for state, collect in zip(STATES, collects, strict=False):
        inside = _place(rng, gates, rest, sequences, branch, depth=depth + 1)
        paths.append(f'<path state="{state}">{collect}{inside}</path>')
    return f'{before}<fork functional-event="{column}">{"".join(paths)}</fork>'


class EventReading(Reading):
    """Event trees, read the short way."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._usual = dict(self.houses)
        self._named = {
            tag: {part.attrib["name"]: part for part in self.root.iter(f"define-{tag}")}
            for tag in ("event-tree", "rule", "sequence")
        }

    def probabilities(self, event_tree: str) -> dict[str, float]:
        """The probability of every sequence, by enumeration."""
        totals: Counter[str] = Counter()
        parts: dict[str, list[float]] = {}
        for state in itertools.product((False, True), repeat=len(self.chances)):
            events = dict(zip(self.chances, state, strict=True))
            weight = math.prod(
                self.chances[name] if occurs else 1.0 - self.chances[name]
                for name, occurs in events.items()
            )
            for sequence, factor in self._ways(event_tree, events, dict(self._usual)):
                parts.setdefault(sequence, []).append(weight * factor)
        totals.update({name: math.fsum(terms) for name, terms in parts.items()})
        return dict(totals)

    def _ways(
        self, event_tree: str, events: dict[str, bool], houses: dict[str, bool]
    ) -> Iterator[tuple[str, float]]:
        (start,) = self._named["event-tree"][event_tree].iter("initial-state")
        yield from self._from(start, event_tree, events, houses, 1.0)

    def _from(
        self,
        place: ElementTree.Element,
        tree: str,
        events: dict[str, bool],
        houses: dict[str, bool],
        factor: float,
    ) -> Iterator[tuple[str, float]]:
        """Do what stands at a place; `houses` is the way's own."""
        for part in place:
            match part.tag:
                case "set-house-event":
                    houses[part.attrib["name"]] = part[0].attrib["value"] == "true"
                case "rule":
                    for inner in self._named["rule"][part.attrib["name"]]:
                        houses[inner.attrib["name"]] = inner[0].attrib["value"] == "true"
                case "collect-expression":
                    factor *= float(part[0].attrib["value"])
                case "collect-formula":
                    self.houses = houses
                    if not self._holds(part[0], events):
                        return
                case "fork":
                    for path in part:
                        yield from self._from(path, tree, events, dict(houses), factor)
                case "branch":
                    branches = self._named["event-tree"][tree].iter("define-branch")
                    (branch,) = (b for b in branches if b.attrib["name"] == part.attrib["name"])
                    yield from self._from(branch, tree, events, houses, factor)
                case "sequence":
                    sequence = self._named["sequence"][part.attrib["name"]]
                    links = list(sequence.iter("event-tree"))
                    yield from self._from(sequence, tree, events, houses, factor)
                    if not links:
                        yield part.attrib["name"], factor
                case "event-tree":
                    (start,) = self._named["event-tree"][part.attrib["name"]].iter("initial-state")
                    yield from self._from(start, part.attrib["name"], events, houses, factor)
