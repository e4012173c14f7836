"""Coherent fault trees with gates that several others share, and their Open-PSA form."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Gate:
    """So many of the inputs have to happen; events and gates by their ids."""

    id: str
    at_least: int
    inputs: tuple[str, ...]


@dataclass(frozen=True)
class FaultTree:
    """Basic events with uncertain probabilities, and gates over them.

    Attributes
    ----------
    events : dict of str to (float, float)
        A Beta for each.
    gates : tuple of Gate
        Inputs come before the gates that use them; the last is the top.
    """

    events: dict[str, tuple[float, float]]
    gates: tuple[Gate, ...]

    @property
    def top(self) -> str:
        """The id of the top gate."""
        return self.gates[-1].id

    @property
    def shared(self) -> int:
        """How many gates are inputs of more than one other."""
        uses = Counter(name for gate in self.gates for name in gate.inputs)
        return sum(uses[gate.id] > 1 for gate in self.gates)


def build_tree(events: int = 200, seed: int = 133) -> FaultTree:
    """Build a tree by halves; every other inner gate looks at its neighbor's first part as well."""
    rng = np.random.default_rng([seed, events])
    names = [f"e{k}" for k in range(events)]
    priors = {}
    for name in names:
        mean, size = rng.uniform(0.02, 0.3), rng.uniform(10, 40)
        priors[name] = (float(mean * size), float((1 - mean) * size))
    gates: list[Gate] = []

    def add(at_least: int, inputs: list[str]) -> str:
        gates.append(Gate(f"g{len(gates)}", at_least, tuple(inputs)))
        return gates[-1].id

    level = []
    for first in range(0, events, 3):
        inputs = names[first : first + 3]
        level.append(add(1 + (rng.random() < 0.4 and len(inputs) > 1), inputs))
    while len(level) > 1:
        above = []
        for first in range(0, len(level), 2):
            inputs = level[first : first + 2]
            neighbor = level[first + 2 : first + 3]
            shared = neighbor if rng.random() < 0.5 else []
            needed = 1 if rng.random() < 0.5 else 2
            every = inputs + shared
            above.append(add(min(needed, len(every)), every))
        level = above
    return FaultTree(priors, tuple(gates))


def draw_tree(tree: FaultTree, draws: int, seed: int) -> Array:
    """Draw every event's probability, (n_events, n_draws)."""
    rng = np.random.default_rng(seed)
    return np.stack([rng.beta(a, b, draws) for a, b in tree.events.values()])


def open_psa(tree: FaultTree, probabilities: Array) -> str:
    """Write a tree with fixed probabilities in the Open-PSA model exchange format."""
    lines = ['<?xml version="1.0"?>', "<opsa-mef>", '<define-fault-tree name="tree">']
    for gate in reversed(tree.gates):
        inputs = "".join(
            f'<basic-event name="{name}"/>' if name in tree.events else f'<gate name="{name}"/>'
            for name in gate.inputs
        )
        if len(gate.inputs) == 1:  # a gate of one input is that input
            body = inputs
        elif gate.at_least == 1:
            body = f"<or>{inputs}</or>"
        elif gate.at_least == len(gate.inputs):
            body = f"<and>{inputs}</and>"
        else:
            body = f'<atleast min="{gate.at_least}">{inputs}</atleast>'
        lines.append(f'<define-gate name="{gate.id}">{body}</define-gate>')
    lines += ["</define-fault-tree>", "<model-data>"]
    lines += [
        f'<define-basic-event name="{name}"><float value="{p!r}"/></define-basic-event>'
        for name, p in zip(tree.events, probabilities.tolist(), strict=True)
    ]
    return "\n".join([*lines, "</model-data>", "</opsa-mef>", ""])
