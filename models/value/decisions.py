"""What information is worth once it is there: bits about odds, or a better choice."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from storyodds.models.story.events import FATES

Array = NDArray[np.float64]
type Stakes = Mapping[str, float]

SUCCESS = FATES.index("success")
WITHHELD = "withheld"
WEIGHED = (*(fate for fate in FATES if fate != "halted"), WITHHELD)
_ROUNDING = 1e-12  # of what is at stake: a smaller gain is rounding error


def bits_gained(joint: Array) -> Array:
    """Mutual information between a result and whether something comes about, in bits.

    Parameters
    ----------
    joint : (..., n_results, 2) array
        P(result and it does), and P(result and it does not).

    Examples
    --------
    >>> float(bits_gained(np.array([[0.5, 0.0], [0.0, 0.5]])))
    1.0
    """
    yes, no = joint[..., 0], joint[..., 1]
    open_now = _entropy(yes.sum(axis=-1), no.sum(axis=-1))
    return _rounded(open_now - _entropy(yes, no).sum(axis=-1), open_now)


def _entropy(yes: Array, no: Array) -> Array:
    """Entropy of a split in bits, times the probability that there is one."""
    total = yes + no
    return np.asarray((xlogy(total, total) - xlogy(yes, yes) - xlogy(no, no)) / np.log(2))


def choice_gained(joint: Array, stakes: Stakes) -> Array:
    """Expected gain of choosing after the result rather than before it.

    Parameters
    ----------
    joint : (..., n_results, n_fates) array
        P(result and fate).
    stakes : mapping of str to float

    Examples
    --------
    >>> worth = np.zeros((2, len(FATES)))
    >>> worth[0, SUCCESS], worth[1, -1] = 0.5, 0.5
    >>> float(choice_gained(worth, {"success": 1.0, "catastrophe": -3.0}))
    0.5
    """
    withheld = stakes.get(WITHHELD, 0.0)
    gain = joint @ (worth_of_fates(stakes) - withheld)  # of deploying over withholding
    total = gain.sum(axis=-1)
    gained = np.maximum(gain, 0.0).sum(axis=-1) - np.maximum(total, 0.0)
    return _rounded(gained, np.abs(gain).sum(axis=-1))


def worth_of_fates(stakes: Stakes) -> Array:
    """What every fate is worth, (n_fates,); being halted is being withheld."""
    return np.array([stakes.get(WITHHELD if f == "halted" else f, 0.0) for f in FATES])


def _rounded(gained: Array, scale: Array) -> Array:
    return np.asarray(np.where(gained > _ROUNDING * scale, gained, 0.0))
