"""Numbers that go together, in words: which, how closely, and what becomes of one that is moved."""

from collections.abc import Iterator, Sequence

from storyodds.reports.contract.head import CorrelatedNumbers, CorrelationsOfHead
from storyodds.reports.words.numbers import listed

HELD = (
    "A number that goes together with others and is put at a value leaves these at their own "
    "priors, as a setting does; what learning it would tell of them is left out."
)
LEARNED = "Learning a number tells of those that go together with it too, which counts here."
AS_ONE = (
    "Numbers that go together count as one, their names joined by +: they are drawn together, and "
    "their joint prior is scaled."
)


def together(block: CorrelatedNumbers) -> str:
    """Say which numbers go together, and how closely.

    Examples
    --------
    >>> together({"id": "one-doubt", "between": ["a", "b", "c"], "rank": 0.6, "fixed": [],
    ...     "source": None, "note": None})
    'a, b and c go together (rank correlation 0.6 between each two)'
    """
    pairs = " between each two" if len(block["between"]) > 2 else ""
    rank = f"{block['rank']:g}".replace("-", "−")
    return f"{listed(block['between'])} go together (rank correlation {rank}{pairs})"


def sentences(summary: CorrelationsOfHead) -> Iterator[str]:
    """Say of a document's story what goes together, and of what is fixed what it leaves alone.

    Examples
    --------
    >>> block = {"id": "one-doubt", "between": ["a", "b"], "rank": -0.3, "fixed": ["a"],
    ...     "source": None, "note": None}
    >>> list(sentences({"correlations": [block]}))
    ['a and b go together (rank correlation −0.3). a is fixed here: b keeps its own prior.']
    """
    for block in summary.get("correlations", ()):
        yield f"{together(block)}.{_of_fixed(block)}"


def _of_fixed(block: CorrelatedNumbers) -> str:
    fixed: Sequence[str] = block["fixed"]
    rest = [name for name in block["between"] if name not in fixed]
    if not fixed or not rest:
        return ""
    are = "is" if len(fixed) == 1 else "are"
    keep = "keeps its own prior" if len(rest) == 1 else "keep their own priors"
    return f" {listed(fixed)} {are} fixed here: {listed(rest)} {keep}."
