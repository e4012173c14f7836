"""Monte Carlo errors of summaries, which documents state apart from these.

In a document, `diagnostics.standard_errors` names classes, fates and being deployed by themselves,
and every other answer by where its summary stands: `hazards.slow`, `paths.1.concern`.
"""

from collections.abc import Iterator, Mapping
from typing import Any


class Stated(dict[str, Any]):
    """A summary that has its standard errors with it until the document is put together.

    Attributes
    ----------
    errors : dict of str to float
        Of `mean`, `q05`, `median` and `q95`.
    """

    def __init__(self, summary: Mapping[str, Any], errors: dict[str, float]) -> None:
        super().__init__(summary)
        self.errors = errors

    def beside(self, **more: Any) -> "Stated":
        """The same, and more in the same place of the document."""
        return Stated({**self, **more}, self.errors)


def errors_in(document: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Standard errors of summaries by their place in a document; what has none is left out.

    Examples
    --------
    >>> sure, unsure = Stated({"mean": 0.5}, {"mean": 0.0}), Stated({"mean": 0.5}, {"mean": 0.1})
    >>> errors_in({"paths": [{"concern": sure}, {"concern": unsure}], "hazards": {"h": unsure}})
    {'paths.2.concern': {'mean': 0.1}, 'hazards.h': {'mean': 0.1}}
    """
    return {place: errors for place, errors in _stated("", document) if any(errors.values())}


def _stated(place: str, part: Any) -> Iterator[tuple[str, dict[str, float]]]:
    if isinstance(part, Stated):
        yield place, part.errors
    inner: Any = ()
    if isinstance(part, Mapping):
        inner = part.items()
    elif isinstance(part, list):  # rows are numbered from 1, as paths are by their rank
        inner = enumerate(part, start=1)
    for key, value in inner:
        yield from _stated(f"{place}.{key}" if place else str(key), value)
