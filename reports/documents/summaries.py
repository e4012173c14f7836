"""Summaries of draws: the mean, the median, and the ends of the 90 percent interval.

Their Monte Carlo errors are stated apart from them: in a document, `diagnostics.standard_errors`
names classes, fates and being deployed by themselves, and every other answer by where its summary
stands, as `hazards.slow` or `paths.1.concern`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from storyodds.models.engine.quantities import Quantities
from storyodds.models.numerics import weighted_quantile
from storyodds.reports.contract.head import AnswerErrors
from storyodds.reports.contract.summaries import Summary

Array = NDArray[np.float64]
Pick = Callable[[Quantities], Array]

_LEVELS = np.array([0.5, 0.05, 0.95])
# Probability, below which numbers keep ever fewer digits, so that quotients are of any size.
_LEAST_WHOLE = float(np.finfo(np.float64).tiny)


def summarize_both(averaged: Quantities, exact: Quantities, pick: Pick) -> Summary:
    """Mean of one set of weighted draws, quantiles of another.

    Parameters
    ----------
    averaged, exact : Quantities
        As in `Assessment`; they may have different numbers of draws.
    pick : callable
        Takes a probability from quantities, (n_draws,).

    Returns
    -------
    dict
        `mean`, `median`, `q05` and `q95`.
    """
    return summarize_draws(pick(averaged), averaged.weights, pick(exact), exact.weights)


def summarize_draws(averaged: Array, weights: Array, exact: Array, exact_weights: Array) -> Summary:
    """Mean of one set of weighted draws, quantiles of another.

    Parameters
    ----------
    averaged, weights : (n,) arrays
    exact, exact_weights : (n_draws,) arrays

    Returns
    -------
    dict
        `mean`, `median`, `q05` and `q95`.

    Examples
    --------
    >>> one = np.ones(1)
    >>> summarize_draws(np.array([0.25]), one, np.array([0.25]), one)
    {'mean': 0.25, 'median': 0.25, 'q05': 0.25, 'q95': 0.25}
    """
    median, low, high = weighted_quantile(exact, _LEVELS, exact_weights)
    return {
        "mean": float(weights @ averaged / weights.sum()),
        "median": float(median),
        "q05": float(low),
        "q95": float(high),
    }


def finite(x: float) -> float | None:
    """A number for JSON, which has none that are infinite or undefined."""
    return float(x) if np.isfinite(x) else None


def summarize_ratio(
    averaged: Quantities, exact: Quantities, part: Pick, whole: Pick
) -> Summary | None:
    """Summarize P(part | whole) from draws of both; None where `whole` has probability 0."""
    return summarize_quotient(
        (part(averaged), whole(averaged), averaged.weights),
        (part(exact), whole(exact), exact.weights),
    )


def summarize_quotient(
    averaged: tuple[Array, Array, Array], exact: tuple[Array, Array, Array]
) -> Summary | None:
    """Summarize P(part | whole) from draws of both; None where the whole has probability 0.

    A whole that has lost its digits, as near the least number that there is, counts as 0.

    Parameters
    ----------
    averaged, exact : tuple of three arrays
        P(part), P(whole) and the weights of draws: those of which means are taken, and those of
        which quantiles are.

    Examples
    --------
    >>> draws = np.array([0.1, 0.4]), np.array([0.2, 0.8]), np.ones(2)
    >>> summarize_quotient(draws, draws)["mean"]
    0.5
    """
    part, whole, weights = averaged
    exact_part, exact_whole, exact_weights = exact
    chance, total = float(weights @ whole), exact_weights * exact_whole
    possible = (total > 0) & (exact_whole >= _LEAST_WHOLE)
    if not (chance >= _LEAST_WHOLE and possible.any()):
        return None
    quotient = exact_part[possible] / exact_whole[possible]
    median, low, high = weighted_quantile(quotient, _LEVELS, total[possible])
    mean = float(weights @ part) / chance
    return {"mean": mean, "median": float(median), "q05": float(low), "q95": float(high)}


Ratio = Callable[[Pick, Pick], Summary | None]


class Stated(dict[str, object]):
    """A summary that has its standard errors with it until the document is put together.

    Attributes
    ----------
    errors : dict of str to float
        Of `mean`, `q05`, `median` and `q95`.
    """

    def __init__(self, summary: Mapping[str, object], errors: dict[str, float]) -> None:
        super().__init__(summary)
        self.errors = errors


def stated(summary: Summary, errors: dict[str, float]) -> Summary:
    """A summary with its standard errors."""
    return cast(Summary, Stated(summary, errors))


def mean_error(summary: Summary) -> float:
    """The standard error of the mean of a summary that has its errors with it."""
    assert isinstance(summary, Stated)
    return float(summary.errors.get("mean", 0.0))


def beside(summary: Summary, **more: object) -> Any:
    """The same, and more in the same place of the document: a record that extends a summary."""
    assert isinstance(summary, Stated)
    return Stated({**summary, **more}, summary.errors)


def errors_in(document: Mapping[str, object]) -> dict[str, AnswerErrors]:
    """Standard errors of summaries by their place in a document; what has none is left out.

    Examples
    --------
    >>> sure, unsure = Stated({"mean": 0.5}, {"mean": 0.0}), Stated({"mean": 0.5}, {"mean": 0.1})
    >>> errors_in({"paths": [{"concern": sure}, {"concern": unsure}], "hazards": {"h": unsure}})
    {'paths.2.concern': {'mean': 0.1}, 'hazards.h': {'mean': 0.1}}
    """
    by_place = {place: errors for place, errors in _stated("", document) if any(errors.values())}
    return cast(dict[str, AnswerErrors], by_place)


def _stated(place: str, part: object) -> Iterator[tuple[str, dict[str, float]]]:
    if isinstance(part, Stated):
        yield place, part.errors
    inner: Iterable[tuple[object, object]] = ()
    if isinstance(part, Mapping):
        inner = part.items()
    elif isinstance(part, list):  # rows are numbered from 1, as paths are by their rank
        inner = enumerate(part, start=1)
    for key, value in inner:
        yield from _stated(f"{place}.{key}" if place else str(key), value)
