"""Numbers of a story that go together: which, and how closely.

`correlations: [{between: [a, b], rank: 0.6}]` lets the numbers of a block be jointly distributed
by a Gaussian copula with that Spearman rank correlation between each two of them. Each number by
itself keeps its prior. Pairs of which no block speaks, or of which one says 0, are uncorrelated.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from storyodds.priors.text.records import Record, Slug, SourceField, Text

if TYPE_CHECKING:  # stories without correlations need no arrays to be read
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

NumberName = Annotated[str, Field(strict=True, min_length=1)]
# Of the correlation matrix of scores: below it two numbers are one to eight digits, and of their
# joint density none is left.
LEAST_EIGENVALUE = 1e-8


class Correlation(Record):
    """Numbers that go together, with one rank correlation between each two of them.

    Left out, the id is `correlation-` and the place in the list, from 1.
    """

    id: Slug | None = None
    between: Annotated[tuple[NumberName, ...], Field(min_length=2)]
    rank: Annotated[float, Field(strict=True, gt=-1, lt=1)]
    source: SourceField | None = None
    note: Text | None = None


@dataclass(frozen=True)
class Cluster:
    """Numbers that are correlated with each other, directly or by way of others.

    Attributes
    ----------
    names : tuple of str
        In the order in which they are named first.
    ranks : mapping of (str, str) to float
        Rank correlation by pair, in alphabetical order; 0 for pairs that are not there.
    """

    names: tuple[str, ...]
    ranks: Mapping[tuple[str, str], float]

    def rank(self, first: str, second: str) -> float:
        """Rank correlation of two of its numbers."""
        return self.ranks.get((min(first, second), max(first, second)), 0.0)

    def correlations(self, names: Sequence[str] | None = None) -> "Array":
        """Correlation matrix of the scores of all of its numbers, or of some, in their order."""
        import numpy as np

        from storyodds.priors.distributions.copula import score_correlation

        of = self.names if names is None else names
        matrix = np.eye(len(of))
        for (i, first), (j, second) in combinations(enumerate(of), 2):
            matrix[i, j] = matrix[j, i] = score_correlation(self.rank(first, second))
        return matrix

    @property
    def is_possible(self) -> bool:
        """Whether any joint distribution has these correlations."""
        import numpy as np

        return float(np.linalg.eigvalsh(self.correlations())[0]) > LEAST_EIGENVALUE


def clusters(
    correlations: Iterable[Correlation], fixed: Collection[str] = ()
) -> tuple[Cluster, ...]:
    """Put together what is correlated, directly or by way of others.

    Parameters
    ----------
    correlations : iterable of Correlation
    fixed : collection of str
        Numbers that are known, and so are correlated with nothing.

    Examples
    --------
    >>> pairs = ("a", "b"), ("b", "c")
    >>> blocks = [Correlation(between=pair, rank=0.5) for pair in pairs]
    >>> clusters(blocks)[0].names, clusters(blocks, fixed=["b"])
    (('a', 'b', 'c'), ())
    """
    ranks: dict[tuple[str, str], float] = {}
    order: dict[str, int] = {}  # in which numbers are named first
    group_of: dict[str, list[str]] = {}
    for block in correlations:
        names = [name for name in block.between if name not in fixed]
        for first, second in combinations(names, 2):
            if not block.rank or first == second:
                continue
            ranks.setdefault((min(first, second), max(first, second)), block.rank)
            groups = [group_of.setdefault(name, [name]) for name in (first, second)]
            for name in (first, second):
                order.setdefault(name, len(order))
            if groups[0] is not groups[1]:
                joined = groups[0] + groups[1]
                group_of |= dict.fromkeys(joined, joined)
    groups_in_order = {id(group_of[name]): group_of[name] for name in order}.values()
    return tuple(
        Cluster(
            tuple(sorted(group, key=order.__getitem__)),
            {pair: rank for pair, rank in ranks.items() if pair[0] in group},
        )
        for group in groups_in_order
    )


def named(correlations: Iterable[Correlation]) -> tuple[Correlation, ...]:
    """Give every block an id, where the story does not.

    Examples
    --------
    >>> [block.id for block in named([Correlation(between=("a", "b"), rank=0.5)])]
    ['correlation-1']
    """
    return tuple(
        block.model_copy(update={"id": block.id or f"correlation-{i + 1}"})
        for i, block in enumerate(correlations)
    )


def by_number(
    correlations: Iterable[Correlation],
    number_of: Callable[[str], str | None],
    numbers: Collection[str],
) -> tuple[Correlation, ...]:
    """Name the numbers of blocks by their own names, as far as they are there.

    Parameters
    ----------
    correlations : iterable of Correlation
        As a story has them.
    number_of : callable
        Which number a name means.
    numbers : collection of str
        Those that are there: of parts that are switched off, numbers are not.

    Examples
    --------
    >>> block = Correlation(between=("a", "b", "c"), rank=0.5)
    >>> by_number([block], "{}.probability".format, ["a.probability", "c.probability"])[0].between
    ('a.probability', 'c.probability')
    """
    named = []
    for block in correlations:
        between = tuple(name for x in block.between if (name := number_of(x)) in numbers if name)
        if len(between) > 1:
            named.append(block.model_copy(update={"between": between}))
    return tuple(named)


@dataclass(frozen=True)
class Versions:
    """What two versions of a story correlate, of numbers that belong together in one of them.

    Attributes
    ----------
    names : tuple of str
    old, new : tuple of Correlation
        The blocks of either version.
    """

    names: tuple[str, ...]
    old: tuple[Correlation, ...]
    new: tuple[Correlation, ...]

    @property
    def differ(self) -> bool:
        """Whether any two of the numbers have another rank correlation."""
        ranks = [
            {pair: rank for cluster in clusters(blocks) for pair, rank in cluster.ranks.items()}
            for blocks in (self.old, self.new)
        ]
        return ranks[0] != ranks[1]


def versions(old: Sequence[Correlation], new: Sequence[Correlation]) -> tuple[Versions, ...]:
    """Take the correlations of two versions of a story apart as far as each is possible alone.

    Numbers that are correlated in either version, directly or by way of others, change together:
    with all of the old ranks or all of the new ones there is a joint distribution, with some of
    both there may be none.

    Parameters
    ----------
    old, new : sequence of Correlation

    Examples
    --------
    >>> first, second = (Correlation(between=("a", "b"), rank=rank) for rank in (0.5, 0.7))
    >>> [(x.names, x.differ) for x in versions([first], [second])]
    [(('a', 'b'), True)]
    """
    return tuple(
        Versions(
            cluster.names,
            *(
                tuple(x for x in side if x.rank and not set(x.between).isdisjoint(cluster.names))
                for side in (old, new)
            ),
        )
        for cluster in clusters([*old, *new])
    )
