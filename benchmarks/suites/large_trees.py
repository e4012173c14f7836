"""Fault trees that are large as decision diagrams: from a file to the top's probability.

One is made here: whether the far corner of a grid is reached along working edges. Published ones
are taken from a folder of Open-PSA files, where the command line names one.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import ours
from contest import (
    OURS,
    Answers,
    Check,
    Contestant,
    Difference,
    Section,
    Settings,
    UnableError,
    compete,
    exactly,
    unchecked,
)
from peers import dd, scram

TOLERANCE = 1e-12
_CHANCE = 0.3  # of every edge
_SIDE, _QUICK_SIDE = 10, 8


def run(settings: Settings) -> Iterator[Section]:
    """P(top) of every tree; storyodds gives P(gate) and ways to the top beside it."""
    side = _QUICK_SIDE if settings.quick else _SIDE
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"grid-{side}.xml"
        path.write_text(grid(side), encoding="utf-8")
        yield _section(path)
    for path in sorted(settings.trees.glob("*.xml")) if settings.trees else []:
        yield _section(path)


def _section(path: Path) -> Section:
    expected: Answers = {}

    def plain() -> Answers:
        expected.update(dd.tree_top(path))
        return expected

    # Ours is compared with the plain diagram's answer where there is one.
    def check(found: Answers) -> list[Difference]:
        return exactly(expected, TOLERANCE)(found)

    peer = "dd (CUDD)"
    contestants = [
        Contestant(peer, plain, 1, unchecked, once=True, cannot="nothing but P(top)"),
        Contestant(OURS, lambda: _ours(path), 1, check, once=True, warm_up=_warm_up),
        Contestant("SCRAM", lambda: scram.file_top(path), 1, _six_digits(expected), once=True),
    ]
    results = compete(contestants, 1)
    events = path.read_text(encoding="utf-8").count("<define-basic-event")
    question = f"{path.stem}, {events} events; from the file to P(top)"
    seconds = {result.name: result.median(1) for result in results}
    ratio = seconds[OURS] / seconds[peer]
    facts = [] if np.isnan(ratio) else [f"{OURS} takes {ratio:.2f} times as long as {peer}"]
    return Section("large-trees", question, events, 1, results, facts)


def _ours(path: Path) -> Answers:
    try:
        return ours.tree_top(path)
    except ours.RefusedError as error:
        raise UnableError(f"refused: {error}") from None


def _warm_up() -> None:
    """Load what numba compiled, as CUDD is loaded compiled."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "small.xml"
        path.write_text(grid(6), encoding="utf-8")
        ours.tree_top(path)


def _six_digits(expected: Answers) -> Check:
    def check(found: Answers) -> list[Difference]:
        if not expected:
            return []
        off = float(np.abs(found["P(top)"] / expected["P(top)"] - 1).max())
        return [Difference("P(top), relative", off, 1e-5)]

    return check


def grid(side: int) -> str:
    """Write whether the far corner is reached, going right and down, in the Open-PSA format."""
    edges: list[str] = []
    gates: list[str] = []
    for i in range(side):
        for j in range(side):
            ways = []
            for name, k, m in (("r", i, j - 1), ("d", i - 1, j)):
                if k >= 0 and m >= 0:
                    edges.append(f"{name}-{i}-{j}")
                    edge = f'<basic-event name="{edges[-1]}"/>'
                    before = f'<gate name="c-{k}-{m}"/>'
                    ways.append(edge if k == m == 0 else f"<and>{before}{edge}</and>")
            if ways:
                body = f"<or>{''.join(ways)}</or>" if len(ways) > 1 else ways[0]
                gates.append(f'<define-gate name="c-{i}-{j}">{body}</define-gate>')
    events = [
        f'<define-basic-event name="{edge}"><float value="{_CHANCE}"/></define-basic-event>'
        for edge in edges
    ]
    head, end = f'<define-fault-tree name="grid-{side}">', "</define-fault-tree>"
    return "\n".join(["<opsa-mef>", head, *gates, *events, end, "</opsa-mef>", ""])
