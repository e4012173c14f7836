"""The least change that makes stated probabilities true of one distribution.

Osherson, D. and Vardi, M. Y. (2006), Aggregating disparate estimates of chance, proposed to
replace incoherent probabilities by the coherent ones nearest to them, and measured nearness by
squared differences of probabilities. Here differences are those of log-odds, in bits: 0.01 and
0.02 are then as far apart as they are to somebody who bets on them, a probability and its
complement count alike, and a change has the unit in which the rest of the project reckons.

The minimum is sought over distributions, of which every one is coherent: atoms are squares,
divided by their sum, so that an atom may become 0 but not less. There may be several local
minima where conditionals are involved, hence several starts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import logit

from storyodds.priors.panels.coherence import NO, YES, Statement, is_coherent, linked
from storyodds.priors.text.errors import InputError

Array = NDArray[np.float64]
Change = Callable[[Array], tuple[float, Array]]

_STARTS = 8  # of the search for a best repair, which has several hollows
_MANY_ATOMS = 512  # atoms, from which on fewer starts have to do
_LN2 = float(np.log(2.0))
_CHECK = 1e-6  # within which the result has to be coherent


@dataclass(frozen=True)
class Repair:
    """Coherent probabilities near stated ones.

    Attributes
    ----------
    probabilities : tuple of float
        One for each statement.
    change : float
        The weighted sum of squared changes, in bits squared.
    """

    probabilities: tuple[float, ...]
    change: float


def repair(statements: Sequence[Statement]) -> Repair:
    """Change probabilities by as little as makes them coherent.

    Parameters
    ----------
    statements : sequence of Statement
        Probabilities of 0 and 1 are certainties and stay.

    Returns
    -------
    Repair

    Raises
    ------
    InputError
        If certainties contradict each other, or leave a probability no room.

    Examples
    --------
    >>> from storyodds.priors.panels.coherence import atoms
    >>> a, b = atoms(2).T
    >>> sure = np.ones(4, dtype=bool)
    >>> statements = [Statement("P(a)", a, sure, 0.2), Statement("P(not a)", ~a, sure, 0.5)]
    >>> [round(p, 4) for p in repair(statements).probabilities]  # odds 1/4 and 1: geometric mean
    [0.3333, 0.6667]
    """
    probabilities, total = [s.probability for s in statements], 0.0
    for members in linked(statements):
        part = [statements[k] for k in members]
        if is_coherent(part, 0.0):
            continue
        changed, height = _nearest(part)
        total += height
        for k, p in zip(members, changed, strict=True):
            probabilities[k] = p
    after = [replace(s, probability=p) for s, p in zip(statements, probabilities, strict=True)]
    if not is_coherent(after, _CHECK):  # by the linear program, which knows nothing of the above
        raise RuntimeError("the repaired probabilities are not coherent")
    return Repair(tuple(probabilities), total)


def _nearest(statements: Sequence[Statement]) -> tuple[list[float], float]:
    """Find the coherent probabilities of least change, and that change."""
    states = np.stack([s.states for s in statements])
    classes = np.unique(states[:, _possible(statements, states)], axis=1)
    soft = [k for k, s in enumerate(statements) if 0.0 < s.probability < 1.0]
    _require_room(statements, classes, soft)
    yes, no = (classes[soft] == YES).astype(float), (classes[soft] == NO).astype(float)
    goals = logit([statements[k].probability for k in soft]) / _LN2
    weights = np.array([statements[k].weight for k in soft])

    def change(root: Array) -> tuple[float, Array]:
        """Weighted squared changes in bits, and their slopes."""
        x = root**2
        with_event, without = yes @ x, no @ x
        misses = (np.log(with_event) - np.log(without)) / _LN2 - goals
        pull = 2.0 * weights * misses / _LN2
        slopes = (pull / with_event) @ yes - (pull / without) @ no
        return float(weights @ misses**2), slopes * 2.0 * root

    ends = (_descend(change, start) for start in _starts(classes.shape[1]))
    height, root = min(ends, key=lambda end: end[0])
    x = root**2
    probabilities = [s.probability for s in statements]
    for row, k in enumerate(soft):
        probabilities[k] = float(yes[row] @ x / (yes[row] @ x + no[row] @ x))
    return probabilities, height


def _descend(change: Change, start: Array) -> tuple[float, Array]:
    """Go downhill, and again from there until nothing more is gained."""
    root, height = start, change(start)[0]
    for _ in range(20):
        minimum = minimize(
            change,
            root,
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": 5000, "maxfun": 20000, "ftol": 1e-15, "gtol": 1e-11, "maxcor": 30},
        )
        root = minimum.x / np.linalg.norm(minimum.x)
        gained, height = height - float(minimum.fun), float(minimum.fun)
        if gained <= 1e-12 * max(height, 1e-12):
            break
    return height, root


def _starts(n: int) -> list[Array]:
    """All atoms alike, and unlike in several ways."""
    rng = np.random.default_rng(1)
    count = _STARTS - 1 if n <= _MANY_ATOMS else 2
    return [np.ones(n), *(rng.gamma(0.5, size=n) + 1e-3 for _ in range(count))]


def _possible(statements: Sequence[Statement], states: NDArray[np.int8]) -> NDArray[np.bool_]:
    """The atoms that no certainty rules out."""
    possible = np.ones(states.shape[1], dtype=bool)
    for statement, state in zip(statements, states, strict=True):
        if statement.probability == 0.0:
            possible &= state != YES
        elif statement.probability == 1.0:
            possible &= state != NO
    return possible


def _require_room(
    statements: Sequence[Statement], classes: NDArray[np.int8], soft: Sequence[int]
) -> None:
    """Complain where certainties alone decide what is not said to be certain."""
    for k, statement in enumerate(statements):
        state = classes[k]
        if k in soft:
            fine = bool((state == YES).any() and (state == NO).any())
        else:
            fine = bool((state != 0).any())
        if not fine:
            raise InputError(
                f"found {statement.text} = {statement.probability:g}, for which the probabilities "
                "of 0 and 1 leave no room; expected probabilities inside 0 and 1, which can change"
            )
