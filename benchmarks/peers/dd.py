"""A plain decision diagram: CUDD by way of dd, in the order in which the file names its events."""

import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from contest import Answers, need

_MEMORY = 2**32  # bytes that CUDD may take
_DEEP = 100_000  # calls inside each other: trees are walked recursively
_REFERENCES = ("gate", "basic-event", "event")


def tree_top(path: Path) -> Answers:
    """Give P(top) of a fault tree in the Open-PSA format, and nothing else."""
    cudd = need("dd.cudd")
    sys.setrecursionlimit(max(sys.getrecursionlimit(), _DEEP))
    root = ElementTree.parse(path).getroot()
    gates = {gate.get("name", ""): list(gate)[-1] for gate in root.iter("define-gate")}
    inner = {part.get("name") for body in gates.values() for part in body.iter()}
    (top,) = [name for name in gates if name not in inner]
    diagram = cudd.BDD(memory_estimate=_MEMORY)
    diagram.configure(reordering=False)
    built: dict[str, Any] = {}
    function = _built(gates[top], gates, diagram, built)
    probability = {
        event.get("name"): float(event.findall("float")[0].get("value", "nan"))
        for event in root.iter("define-basic-event")
    }
    true = [probability[name] for name in sorted(diagram.vars, key=diagram.level_of_var)]
    found = _probability(function, diagram, true, {})
    built.clear()
    return {"P(top)": np.array([found])}


def _built(part: Any, gates: Mapping[str, Any], diagram: Any, built: dict[str, Any]) -> Any:
    if part.tag in _REFERENCES:
        name = part.get("name")
        if name not in built:
            if name in gates:
                built[name] = _built(gates[name], gates, diagram, built)
            else:
                diagram.declare(name)
                built[name] = diagram.var(name)
        return built[name]
    members = [_built(member, gates, diagram, built) for member in part]
    if part.tag == "not":
        return ~members[0]
    needed = {"and": len(members), "or": 1}.get(part.tag) or int(part.get("min"))
    # reached[j]: at least j of the members seen so far.
    reached = [diagram.true] + [diagram.false] * needed
    for k, member in enumerate(members):
        left = len(members) - 1 - k
        for j in range(needed, max(needed - left, 1) - 1, -1):
            reached[j] |= member & reached[j - 1]
    return reached[needed]


def _probability(f: Any, diagram: Any, true: list[float], known: dict[int, float]) -> float:
    """P(function): CUDD negates by marking an edge, so that a node is met as it is or negated."""
    if f == diagram.true:
        return 1.0
    if f == diagram.false:
        return 0.0
    found = known.get(int(f))
    if found is None:
        level, low, high = diagram.succ(f)
        p = true[level]
        if f.negated:
            low, high = ~low, ~high
        of_low, of_high = (_probability(side, diagram, true, known) for side in (low, high))
        found = known[int(f)] = p * of_high + (1 - p) * of_low
    return found
