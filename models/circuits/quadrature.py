"""A quadrature rule for 1 / x = integral of exp(-t x) over t > 0, with its error.

The rule is a positive sum of exponentials: 1 / x is about the sum of w_k exp(-t_k x) / x_max for
x_min <= x <= x_max. Every sum the engine takes over it has positive terms only, so the relative
error of every probability is at most the rule's own largest relative error over that range.

With t = exp(u) the integrand is analytic and decays on both sides, so the trapezoid rule in u
converges exponentially. Its long tail towards t = 0, where exp(-t x) is nearly a polynomial in t,
is a discrete measure that a few Gauss nodes replace (Golub and Welsch 1969).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_STEP = 0.3  # of the trapezoid rule in log t
_GAUSS_START = 8.0  # where the Gauss nodes take over, in units of 1 / x_max
_GAUSS = 8  # how many there are
_FAR_NATS = 38.0  # exp(-38) is below double precision
_CHECK_POINTS = 640  # points beside each end at which a rule is checked: 12 nats
MAX_ERROR = 1e-12  # relative, of the checked points: far below what any report shows
LONGEST = 660.0  # largest log ratio


@dataclass(frozen=True)
class Rule:
    """Nodes and weights for x in units of its largest value.

    Attributes
    ----------
    nodes, weights : (n_nodes,) array
    error : float
        Largest relative error over the range that the rule is for.
    """

    nodes: Array
    weights: Array
    error: float


def rule(log_ratio: float) -> Rule:
    """The rule for x between exp(-log_ratio) and 1.

    Parameters
    ----------
    log_ratio : float
        Natural log of x_max / x_min.

    Returns
    -------
    Rule

    Raises
    ------
    ArithmeticError
        If the rule's own check finds an error above `MAX_ERROR`.

    Examples
    --------
    >>> r = rule(np.log(1000.0))
    >>> len(r.nodes), bool(r.error < 1e-12)
    (38, True)
    >>> float(abs(0.01 * (r.weights @ np.exp(-0.01 * r.nodes)) - 1)) < 1e-12
    True
    """
    # In whole steps, so that neighboring ranges share a rule.
    return _rule(max(0, int(np.ceil((log_ratio + np.log(_FAR_NATS / _GAUSS_START)) / _STEP))) + 1)


@lru_cache(maxsize=1024)
def _rule(n: int) -> Rule:
    near, share = _gauss()
    far = _GAUSS_START * np.exp(_STEP * np.arange(n))
    nodes, weights = np.concatenate([near, far]), np.concatenate([share, _STEP * far])
    # Where neither end of the rule shows, its error repeats itself with period _STEP in log x: the
    # two ends and a few periods beside them see all of it. 16 points a period.
    end = -np.log(nodes[-1] / _FAR_NATS) - _STEP
    log_x = np.arange(0.0, end, -_STEP / 16)
    if len(log_x) > 2 * _CHECK_POINTS:
        log_x = np.concatenate([log_x[:_CHECK_POINTS], log_x[-_CHECK_POINTS:], [end]])
    x = np.exp(log_x)
    error = float(np.max(np.abs(x * (np.exp(-np.outer(x, nodes)) @ weights) - 1)))
    if not error <= MAX_ERROR:
        raise ArithmeticError(f"a quadrature rule of {len(nodes)} nodes is off by {error:.1e}")
    return Rule(nodes, weights, error)


@dataclass(frozen=True)
class LongestRule:
    """The widest rule; that for a log ratio x is its beginning.

    The first `n_near + int((x + reach) / step) + 2` nodes.
    """

    nodes: Array
    weights: Array
    n_near: int
    step: float
    reach: float


@lru_cache(maxsize=1)
def longest_rule() -> LongestRule:
    """The rule that reaches as far as double precision does."""
    reach = float(np.log(_FAR_NATS / _GAUSS_START))
    widest = rule(LONGEST)
    return LongestRule(widest.nodes, widest.weights, _GAUSS, _STEP, reach)


@lru_cache(maxsize=1)
def _gauss() -> tuple[Array, Array]:
    """Gauss nodes and weights of the trapezoid rule's tail below `_GAUSS_START`."""
    nodes = _GAUSS_START * np.exp(-_STEP * np.arange(200, 0, -1))
    weights = _STEP * nodes
    basis = [np.sqrt(weights / weights.sum())]
    diagonal, beside = [], []
    for _ in range(_GAUSS):  # Lanczos, orthogonalized in full
        v = nodes * basis[-1]
        diagonal.append(float(v @ basis[-1]))
        for _ in range(2):
            for q in basis:
                v = v - (v @ q) * q
        beside.append(float(np.linalg.norm(v)))
        basis.append(v / beside[-1])
    jacobi = np.diag(diagonal) + np.diag(beside[:-1], 1) + np.diag(beside[:-1], -1)
    roots, vectors = np.linalg.eigh(jacobi)
    return roots, weights.sum() * vectors[0] ** 2
