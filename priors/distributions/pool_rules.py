"""Which judgments a logarithmic pool can be made of.

A fixed value is a density that is zero everywhere else, and a geometric mean with a zero is zero:
fixed values pool among themselves (their odds average geometrically, the limit of ever narrower
intervals of one width) but not with uncertain ones. Nor do judgments pool that rule each other out.

Forms are told apart by their one distinguishing key, as everywhere; so nothing is imported here.
"""

from collections.abc import Iterator
from typing import Any, Literal

type Nature = Literal["fixed", "uncertain", "several", "open"]
type Stretch = tuple[float, float]


def logarithmic_mistake(pool: Any, is_probability: bool) -> str | None:
    """Describe what keeps the judgments of a logarithmic pool from being pooled.

    Parameters
    ----------
    pool : ProbabilityPool or BitsPool
    is_probability : bool

    Returns
    -------
    str or None
        None where nothing does, where the pool is linear, and where references leave it open.

    Examples
    --------
    >>> from storyodds.priors.distributions.forms import BitsJudgment, BitsPool
    >>> judgments = [{"by": "a", "value": 1.0}, {"by": "b", "value": [0.0, 2.0]}]
    >>> pool = BitsPool(pool=[BitsJudgment(**judgment) for judgment in judgments])
    >>> logarithmic_mistake(pool, False) is None
    True
    >>> logarithmic_mistake(pool.model_copy(update={"method": "logarithmic"}), False)
    'found fixed values beside uncertain ones in a logarithmic pool, expected either alone: ...'
    """
    if pool.method != "logarithmic":
        return None
    natures = {_nature(judgment.value) for judgment in pool.pool}
    if "several" in natures:
        return (
            "found fixed values in a linear pool inside a logarithmic one, expected intervals there"
        )
    if {"fixed", "uncertain"} <= natures:
        return (
            "found fixed values beside uncertain ones in a logarithmic pool, expected either "
            "alone: a fixed value leaves the others no say"
        )
    if not is_probability:
        return None
    if natures == {"fixed"} and {0.0, 1.0} <= set(_values(pool)):
        return (
            "found both 0 and 1 in a logarithmic pool, expected judgments that do not rule each "
            "other out"
        )
    if natures == {"uncertain"} and not _stretches(pool):
        return (
            "found judgments without a common value in a logarithmic pool, expected judgments that "
            "do not rule each other out"
        )
    return None


def _nature(form: Any) -> Nature:
    """Sort fixed values, densities, anything between, and what only a pack settles."""
    if hasattr(form, "fixed"):
        return "fixed"
    if hasattr(form, "ref"):
        return "open"
    if not hasattr(form, "pool"):
        return "uncertain"
    natures = {_nature(judgment.value) for judgment in form.pool}
    if "several" in natures or (form.method == "linear" and "fixed" in natures):
        return "several"
    return "open" if "open" in natures else next(iter(natures))


def _values(form: Any) -> Iterator[float]:
    """Return the fixed values of a form."""
    if hasattr(form, "fixed"):
        yield form.fixed
    for judgment in getattr(form, "pool", ()):
        yield from _values(judgment.value)


def _stretches(form: Any) -> list[Stretch]:
    """Where an uncertain probability may lie, as intervals."""
    if hasattr(form, "uniform"):
        return [form.uniform]
    if not hasattr(form, "pool"):
        return [(0.0, 1.0)]
    parts = [_stretches(judgment.value) for judgment in form.pool]
    if form.method == "linear":
        return [stretch for part in parts for stretch in part]
    common = parts[0]
    for part in parts[1:]:
        overlaps = ((max(a, c), min(b, d)) for a, b in common for c, d in part)
        common = [(low, high) for low, high in overlaps if low < high]
    return common
