"""Bucket elimination: sum variables out of a product of factors, one after the other.

A factor here is a pair: what it contributes while no route has been chosen yet, and what it
contributes when it is the one that chooses the route. A product of pairs chooses once:
(a, a') times (b, b') is (a b, a b' + a' b). That turns "the sum over routes of a product over
routes" into one product (Dechter 1999, "Bucket elimination", over this semiring).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from storyodds.models.circuits.circuit import ONE, ZERO, CircuitTooLargeError
from storyodds.models.circuits.factors import Diagrams

Pair = tuple[int, int]


class CliqueTooLargeError(Exception):
    """Summing out one variable took more room than there is.

    Attributes
    ----------
    levels : frozenset of int
        The variables that met there.
    names : tuple of str
        The same by name, where known.
    """

    def __init__(self, levels: frozenset[int], names: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.levels = levels
        self.names = names


@dataclass(frozen=True)
class Buckets:
    """Which factors and messages meet where.

    Attributes
    ----------
    n_kept : int
        Levels below this one are never summed out.
    members : dict of int to tuple of int
        The factors that are first touched when this level is summed out; -1 for never.
    sources : dict of int to tuple of int
        The levels whose messages arrive here.
    target : dict of int to int
        Where the message of a level goes.
    scope : dict of int to frozenset of int
        The levels that meet in a bucket.
    follows : dict of int to int
        Buckets that hold nothing but the message of another and factors of their own level
        alone, and whose message that is: both can be summed out in one pass.
    """

    n_kept: int
    members: Mapping[int, tuple[int, ...]]
    sources: Mapping[int, tuple[int, ...]]
    target: Mapping[int, int]
    scope: Mapping[int, frozenset[int]]
    follows: Mapping[int, int]


def lay_out(scopes: Sequence[frozenset[int]], n_levels: int, n_kept: int) -> Buckets:
    """Assign factors to buckets, given the levels that each of them depends on."""
    members: dict[int, list[int]] = {level: [] for level in [-1, *range(n_kept, n_levels)]}
    for i, scope in enumerate(scopes):
        members[_bucket(scope, n_kept)].append(i)
    sources: dict[int, list[int]] = {level: [] for level in members}
    target: dict[int, int] = {}
    joint: dict[int, frozenset[int]] = {}
    messages: dict[int, frozenset[int]] = {}
    for level in range(n_levels - 1, n_kept - 1, -1):
        met = [scopes[i] for i in members[level]] + [messages[s] for s in sources[level]]
        joint[level] = frozenset([level]).union(*met)
        messages[level] = joint[level] - {level}
        target[level] = _bucket(messages[level], n_kept)
        sources[target[level]].append(level)
    follows = {
        level: sources[level][0]
        for level in target
        if len(sources[level]) == 1 and all(scopes[i] == {level} for i in members[level])
    }
    return Buckets(
        n_kept=n_kept,
        members={level: tuple(places) for level, places in members.items()},
        sources={level: tuple(places) for level, places in sources.items()},
        target=target,
        scope=joint,
        follows=follows,
    )


def _bucket(scope: frozenset[int], n_kept: int) -> int:
    deepest = max(scope, default=-1)
    return deepest if deepest >= n_kept else -1


class Elimination:
    """A product of factors that is summed out again and again with a few of them exchanged.

    Only the buckets between what was exchanged and the root are worked through again.
    """

    def __init__(self, diagrams: Diagrams, buckets: Buckets, factors: Sequence[Pair]) -> None:
        self._diagrams = diagrams
        self._buckets = buckets
        self._factors = list(factors)
        self._messages: dict[int, Pair] = {}
        self._heads: dict[int, int] = {}  # where the run began that a level was summed out in
        everything = _Work({}, {}, self._messages, {}, {}, {}, {})
        self._root = self._sum_out(sorted(buckets.target, reverse=True), everything)

    def exchange(
        self,
        changes: Mapping[int, Pair],
        extra: Iterable[tuple[frozenset[int], Pair]] = (),
        fixed: Mapping[int, bool] | None = None,
    ) -> Pair:
        """Sum out with some factors exchanged and others added.

        Parameters
        ----------
        changes : mapping of int to pair
            By index of the factor; they must not depend on more than the factor they replace.
        extra : iterable of (levels, pair)
            Further factors, each with the levels that it depends on.
        fixed : mapping of int to bool, optional
            Levels at which something that was exchanged or added is zero but for one value. All
            else is taken at that value, which keeps what is multiplied small.

        Returns
        -------
        pair
            A function of the levels that are kept.
        """
        buckets = self._buckets
        where = {i: level for level, places in buckets.members.items() for i in places}
        work = _Work(changes, {}, {}, {}, {}, fixed or {}, {})
        waiting: dict[int, frozenset[int]] = {where[i]: frozenset() for i in changes}
        for scope, pair in extra:
            level = _bucket(scope, buckets.n_kept)
            work.added.setdefault(level, []).append(pair)
            waiting[level] = waiting.get(level, frozenset()) | scope
        if not waiting:
            return self._root
        dirty = set()
        while (level := max(waiting)) >= 0:
            head = self._heads[level]
            if head not in dirty and head != level:  # no message between the two was kept
                waiting.setdefault(head, frozenset())
                continue
            # What was added may reach further than the bucket's own message does.
            carried = (waiting.pop(level) | buckets.scope[level]) - {level}
            dirty.add(level)
            target = _bucket(carried, buckets.n_kept)
            work.target[level] = target
            work.arrivals.setdefault(target, []).append(level)
            waiting[target] = waiting.get(target, frozenset()) | carried
        return self._sum_out(sorted(dirty, reverse=True), work)

    def _sum_out(self, levels: Sequence[int], work: "_Work") -> Pair:
        done = 0
        while done < len(levels):
            run = self._run(levels[done:], work)
            try:
                product = self._meet(run[0], work)
                work.messages[run[-1]] = self._without(product, run, work)
                self._heads |= {level: run[0] for level in run if level not in self._heads}
            except CircuitTooLargeError:
                raise CliqueTooLargeError(self._widest()) from None
            done += len(run)
        try:
            return self._meet(-1, work)
        except CircuitTooLargeError:
            raise CliqueTooLargeError(self._widest()) from None

    def _widest(self) -> frozenset[int]:
        """The most variables that meet anywhere: what the sum's cost comes from."""
        kept = frozenset(range(self._buckets.n_kept))
        return max([kept, *self._buckets.scope.values()], key=len)

    def _run(self, levels: Sequence[int], work: "_Work") -> Sequence[int]:
        """The levels, from the first on, that can be summed out in one pass."""
        follows, n = self._buckets.follows, 1
        while (
            n < len(levels)
            and follows.get(levels[n]) == levels[n - 1]
            and work.target.get(levels[n - 1], levels[n]) == levels[n]
            and levels[n] not in work.added
            and all(pair[1] == ZERO for pair in self._own(levels[n], work))
            and work.arrivals.get(levels[n], [levels[n - 1]]) == [levels[n - 1]]
        ):
            n += 1
        return levels[:n]

    def _own(self, level: int, work: "_Work") -> list[Pair]:
        return [
            work.changes[i] if i in work.changes else self._restricted(self._factors[i], work)
            for i in self._buckets.members[level]
        ]

    def _restricted(self, pair: Pair, work: "_Work") -> Pair:
        if not work.fixed:
            return pair
        restrict = self._diagrams.restrict
        return restrict(pair[0], work.fixed, work.left), restrict(pair[1], work.fixed, work.left)

    def _without(self, product: Pair, run: Sequence[int], work: "_Work") -> Pair:
        """Sum a product out over a run of levels, of which all but the first weigh in here."""
        diagrams = self._diagrams
        if len(run) == 1:
            return diagrams.sum_out(product[0], run[0]), diagrams.sum_out(product[1], run[0])
        weights = {run[0]: (ONE, ONE)}
        for level in run[1:]:
            table = ONE
            for pair in self._own(level, work):
                table = diagrams.multiply(table, pair[0])
            weights[level] = diagrams.split(table, level)
        in_order = {level: weights[level] for level in reversed(run)}
        # Where one side counts nothing, most of a gate's diagram may be one and the same.
        fixed = {level: no == ZERO for level, (no, yes) in weights.items() if ZERO in (no, yes)}
        if fixed:
            memo = dict[int, int]()
            product = (
                diagrams.restrict(product[0], fixed, memo),
                diagrams.restrict(product[1], fixed, memo),
            )
        return (
            diagrams.sum_out_all(product[0], in_order),
            diagrams.sum_out_all(product[1], in_order),
        )

    def _meet(self, level: int, work: "_Work") -> Pair:
        """The product of everything in a bucket."""
        sources = self._buckets.sources[level]
        row = self._own(level, work)
        row += [
            work.messages[s] if s in work.messages else self._restricted(self._messages[s], work)
            for s in sources
            if work.target.get(s, level) == level
        ]
        # What is new here comes last, so that the pairs before it are those of last time.
        row += [work.messages[s] for s in work.arrivals.get(level, ()) if s not in sources]
        row += work.added.get(level, ())
        while len(row) > 1:
            odd = [row[-1]] if len(row) % 2 else []
            row = [self._both(a, b) for a, b in zip(row[::2], row[1::2], strict=False)] + odd
        return row[0] if row else (ONE, ZERO)

    def _both(self, a: Pair, b: Pair) -> Pair:
        multiply = self._diagrams.multiply
        neither = multiply(a[0], b[0])
        if a[1] == ZERO and b[1] == ZERO:
            return neither, ZERO
        return neither, self._diagrams.add(multiply(a[0], b[1]), multiply(a[1], b[0]))


@dataclass(frozen=True)
class _Work:
    """One run: what differs from the first one, and the messages made anew."""

    changes: Mapping[int, Pair]
    added: dict[int, list[Pair]]
    messages: dict[int, Pair]
    target: dict[int, int]
    arrivals: dict[int, list[int]]
    fixed: Mapping[int, bool]
    left: dict[int, int]  # of diagrams, at the values that are fixed
