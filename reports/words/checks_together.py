"""How far the odds lean on checks that do not fail together, in a sentence."""

from storyodds.reports.contract.estimate import Estimate
from storyodds.reports.words.numbers import percent
from storyodds.reports.words.sentences import errors_of

_KEEPING = "each check keeping its own rates"


def together_words(estimate: Estimate) -> str | None:
    """Give the chance of catastrophe with checks as stated, independent and as one.

    Parameters
    ----------
    estimate : Estimate

    Returns
    -------
    str or None
        None where fewer than two checks can still flag, or where it cannot be worked out.

    Examples
    --------
    >>> def odds(mean):
    ...     return {"mean": mean, "median": mean, "q05": mean, "q95": mean}
    >>> by_end = {"stated": odds(0.02), "independent": odds(0.02), "as_one": odds(0.05)}
    >>> together_words({"check_dependence": {"catastrophe": by_end}, "diagnostics": {}})
    'Catastrophe has 2.0% if the checks fail independently, as stated, and would have 5.0% if
    whatever escapes the best of them escapes them all, each check keeping its own rates.'
    """
    dependence = estimate.get("check_dependence")  # absent from results of earlier versions
    if dependence is None:
        return None
    odds = dependence["catastrophe"]
    stated, apart, as_one = odds["stated"], odds["independent"], odds["as_one"]
    if apart is None or as_one is None:
        return None

    def chance(key: str, mean: float) -> str:
        errors = errors_of(estimate, f"check_dependence.catastrophe.{key}")
        return percent(mean, errors.get("mean", 0.0))

    now, then = chance("stated", stated["mean"]), chance("as_one", as_one["mean"])
    all_at_once = "if whatever escapes the best of them escapes them all"
    if apart == stated:
        start = f"Catastrophe has {now} if the checks fail independently, as stated, and"
        would = "as much" if then == now else f"would have {then}"
        return f"{start} {would} {all_at_once}, {_KEEPING}."
    independent = chance("independent", apart["mean"])
    start = f"Catastrophe has {now} with checks that fail together as stated"
    if independent == now:
        if then == now:
            either = f"as much either way: if they failed independently, and {all_at_once}"
            return f"{start}, and {either}, {_KEEPING}."
        return (
            f"{start}, and as much if they failed independently; it would have {then} "
            f"{all_at_once}, {_KEEPING}."
        )
    if then == now:
        return (
            f"{start}, and as much {all_at_once}; it would have {independent} if they failed "
            f"independently, {_KEEPING}."
        )
    return (
        f"{start}; it would have {independent} if they failed independently, and {then} "
        f"{all_at_once}, {_KEEPING}."
    )
