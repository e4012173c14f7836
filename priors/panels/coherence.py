"""Whether stated probabilities can all be true of one distribution, and where they cannot.

A distribution over n events is a probability for each of the 2**n atoms, the ways in which all
events may turn out. A statement P(A | B) = p is linear in them: P(A and B) - p P(B) = 0. A sum of
nothing would satisfy it as well, so every condition must have a positive probability: atoms are
scaled such that each is at least 1, and add up to whatever they then add up to. Feasibility is
one linear program, without any small number to choose.

People round, so a stated probability is taken as anything whose odds are within a factor of
1 + `tolerance` of it; 0 and 1 are taken at their word.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from storyodds.priors.text.errors import InputError

Array = NDArray[np.float64]
Events = NDArray[np.bool_]

MAX_EVENTS = 12  # of one person: 2**12 ways in which they may turn out are 4,096 unknowns
TOLERANCE = 0.02  # of the odds: what rounding to two digits does
_MOST_PROGRAMS = 3000  # in search of a smallest conflict

OUTSIDE, NO, YES = 0, 1, 2
_SOLVED, _INFEASIBLE, _UNCLEAR = 0, 2, 4  # what scipy says of a linear program


@dataclass(frozen=True)
class Statement:
    """A probability that somebody states.

    Attributes
    ----------
    text : str
        Such as `P(a | b)`.
    event, given : (n_atoms,) bool array
        In which atoms they hold; a condition that always holds is none.
    probability : float
    weight : float
        How much it counts when statements are repaired.
    """

    text: str
    event: Events
    given: Events
    probability: float
    weight: float = 1.0

    @property
    def states(self) -> NDArray[np.int8]:
        """Of each atom: outside the condition, inside it without the event, or with it."""
        return np.where(self.given, np.where(self.event, YES, NO), OUTSIDE).astype(np.int8)


@dataclass(frozen=True)
class Conflict:
    """Statements that cannot all be true, though all but any one of them can.

    Attributes
    ----------
    members : tuple of int
        Which statements.
    bounds : tuple of (float, float) or None
        Between which each must lie given the others; None where they say that its condition
        cannot come about.
    smallest : bool
        Whether no conflict of fewer statements was left unlooked for.
    """

    members: tuple[int, ...]
    bounds: tuple[tuple[float, float] | None, ...]
    smallest: bool


def atoms(n_events: int) -> Events:
    """Return every way in which events may turn out, (2**n_events, n_events).

    Raises
    ------
    InputError
        Above `MAX_EVENTS`.

    Examples
    --------
    >>> atoms(2).astype(int).tolist()
    [[0, 0], [0, 1], [1, 0], [1, 1]]
    """
    if n_events > MAX_EVENTS:
        raise InputError(
            f"found {n_events} events that one person speaks of, expected at most {MAX_EVENTS}: "
            f"the ways in which they may turn out are {2**n_events:,}"
        )
    return np.array(list(itertools.product([False, True], repeat=n_events)))


def is_coherent(statements: Sequence[Statement], tolerance: float = TOLERANCE) -> bool:
    """Return whether some distribution makes all statements true.

    Parameters
    ----------
    statements : sequence of Statement
    tolerance : float
        By which share the odds of a probability other than 0 and 1 may be off.

    Examples
    --------
    >>> a, b = atoms(2).T
    >>> sure = np.ones(4, dtype=bool)
    >>> both = Statement("P(a and b)", a & b, sure, 0.3)
    >>> is_coherent([Statement("P(a)", a, sure, 0.2), both])
    False
    >>> is_coherent([Statement("P(a)", a, sure, 0.5), both])
    True
    """
    if not statements:
        return True
    states = _classes(statements)
    return (
        _solve(np.zeros(states.shape[1]), statements, states, tolerance, positive=True) is not None
    )


def bounds(
    statements: Sequence[Statement], index: int, tolerance: float = TOLERANCE
) -> tuple[float, float] | None:
    """Return between which values the others hold a statement's probability.

    Parameters
    ----------
    statements : sequence of Statement
        All but the one at `index` are coherent.
    index : int
    tolerance : float
        Of the others.

    Returns
    -------
    tuple of float, or None
        None where the others say that the statement's condition cannot come about.

    Notes
    -----
    A fractional linear program: with the condition's probability scaled to 1, P(event | condition)
    is P(event and condition). Positive probabilities of the others' conditions need not be asked
    for here: a point without them is the limit of points with them.
    """
    states = _classes(statements)
    rest = [k for k in range(len(statements)) if k != index]
    premises = [statements[k] for k in rest]
    inside = (states[index] == YES).astype(float)
    within = (states[index] != OUTSIDE).astype(float)
    ends = []
    for sign in (1.0, -1.0):
        solution = _solve(sign * inside, premises, states[rest], tolerance, scale=within)
        if solution is None:
            return None
        ends.append(min(max(float(inside @ solution), 0.0), 1.0))
    return ends[0], ends[1]


def conflicts(statements: Sequence[Statement], tolerance: float = TOLERANCE) -> Iterator[Conflict]:
    """Find conflicts that share no statement, each as small as can be.

    Parameters
    ----------
    statements : sequence of Statement
    tolerance : float

    Yields
    ------
    Conflict
    """
    remaining = list(range(len(statements)))
    while not is_coherent([statements[k] for k in remaining], tolerance):
        members, smallest = _smallest(statements, remaining, tolerance)
        part = [statements[k] for k in members]
        limits = tuple(bounds(part, k, tolerance) for k in range(len(part)))
        yield Conflict(tuple(members), limits, smallest)
        remaining = [k for k in remaining if k not in members]


def _smallest(
    statements: Sequence[Statement], among: list[int], tolerance: float
) -> tuple[list[int], bool]:
    """Find the conflict of fewest statements, or one of which none can be left out."""

    def clash(part: Sequence[int]) -> bool:
        return not is_coherent([statements[k] for k in part], tolerance)

    members = list(among)
    for k in among:  # what can be left out, one after the other
        rest = [j for j in members if j != k]
        if clash(rest):
            members = rest
    events = {k: _events(statements[k]) for k in among}
    spent = 0
    for size in range(1, len(members)):
        for part in itertools.combinations(among, size):
            if len(groups([events[k] for k in part])) > 1:
                continue  # no conflict, or a smaller one
            spent += 1
            if spent > _MOST_PROGRAMS:
                return members, False
            if clash(part):
                return list(part), True
    return members, True


def _events(statement: Statement) -> frozenset[int]:
    """The events of which a statement speaks, by their places."""
    n = statement.event.size.bit_length() - 1
    cube = statement.states.reshape((2,) * n)
    moved = ((cube.take(0, axis=k) != cube.take(1, axis=k)).any() for k in range(n))
    return frozenset(k for k, matters in enumerate(moved) if matters)


def groups(events: Sequence[frozenset[int]]) -> list[list[int]]:
    """Group statements that are linked by the events they speak of.

    Examples
    --------
    >>> groups([frozenset({0, 1}), frozenset({2}), frozenset({1, 3}), frozenset()])
    [[0, 2], [1], [3]]
    """
    groups_so_far: list[tuple[frozenset[int], list[int]]] = []
    for k, own in enumerate(events):
        apart, members = [], [k]
        for group in groups_so_far:
            if group[0] & own:
                own, members = own | group[0], members + group[1]
            else:
                apart.append(group)
        groups_so_far = [*apart, (own, sorted(members))]
    return sorted(members for _, members in groups_so_far)


def linked(statements: Sequence[Statement]) -> list[list[int]]:
    """Group statements such that what one group says has no bearing on the others."""
    return groups([_events(statement) for statement in statements])


def _classes(statements: Sequence[Statement]) -> NDArray[np.int8]:
    """Atoms that no statement tells apart taken together, (n_statements, n_classes)."""
    return np.unique(np.stack([s.states for s in statements]), axis=1)


def _solve(
    cost: Array,
    statements: Sequence[Statement],
    states: NDArray[np.int8],
    tolerance: float,
    *,
    positive: bool = False,
    scale: Array | None = None,
) -> Array | None:
    """Minimize over unnormalized atoms that make every statement true; None if none do.

    Parameters
    ----------
    positive : bool
        Scale atoms so that every condition has at least 1.
    scale : (n_classes,) array, optional
        What is scaled to 1.
    """
    rows, above = [], []
    for statement, state in zip(statements, states, strict=True):
        yes, no = (state == YES).astype(float), (state == NO).astype(float)
        within, p = yes + no, statement.probability
        if 0.0 < p < 1.0:  # both sides scaled by the root of the odds: neither is tiny then
            root, room = sqrt(p / (1.0 - p)), sqrt(1.0 + tolerance)
            rows += [
                yes / (root * room) - no * (root * room),
                no * (root / room) - yes / root * room,
            ]
            above += [0.0, 0.0]
        else:
            rows.append(yes if p == 0.0 else no)
            above.append(0.0)
        if positive:
            rows.append(-within)
            above.append(-1.0)
    if positive:  # where nothing is conditional, the sum of all
        rows.append(-np.ones(states.shape[1]))
        above.append(-1.0)
    problem: dict[str, Any] = {
        "A_ub": np.array(rows) if rows else None,
        "b_ub": np.array(above) if rows else None,
        "A_eq": None if scale is None else scale[None],
        "b_eq": None if scale is None else np.ones(1),
        "method": "highs",
    }
    solution = linprog(cost, **problem)
    if solution.status == _UNCLEAR:  # presolving may find "unbounded or infeasible", and stop there
        solution = linprog(cost, options={"presolve": False}, **problem)
    if solution.status not in (_SOLVED, _INFEASIBLE):
        raise RuntimeError(f"the linear program was not solved: {solution.message}")
    return np.asarray(solution.x) if solution.status == _SOLVED else None
