"""Failure paths: the ways to a bad ending, each with what its odds are made of."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from storyodds.models.engine.quantities import Quantities
from storyodds.models.engine.sequences import LikeliestSequences
from storyodds.models.logic.cut_set_odds import most_probable
from storyodds.models.logic.cut_sets import CutSet, Literal
from storyodds.models.story.events import AfterTraining, Share, shares_of_part
from storyodds.models.story.graph import Gate, StoryGraph
from storyodds.models.story.outcomes import DEPLOYED, parts_of_hazard, parts_of_route
from storyodds.models.story.queries import Query
from storyodds.scenarios.grammar.outcomes import INTENDED

Array = NDArray[np.float64]
Shares = tuple[Share, ...]
MAX_WAYS = 100  # of one route or hazard that are told apart: more than anybody reads
_MAX_PATHS = 1000  # of a whole story, unless each gate has only a few


@dataclass(frozen=True)
class Path:
    """A failure path: an ending and one minimal set of literals that opens it.

    Attributes
    ----------
    route : str
        `intended` for a hazard.
    hazard : str or None
    kind : str or None
    claim : str
    literals : frozenset of (str, bool)
    reached, undetected, harmful : tuple of Share
        What adds up to P(the ending), to P(the ending, no check flags), and to P(the ending and a
        catastrophe; of a hazard, one that it causes itself), each together with the literals.
    overlaps : bool
        Whether another path of the same ending can be the case at the same time.
    order : tuple of str
        Of a sequence of stages, what its literals name, in the order of training.
    ways : int or None
        How many minimal sets of literals there are in all; None where they are too many to work
        out, and the path stands for all of them.
    narrowed : bool
        Whether the search for a route's sequences left some aside, so that one of more concern may
        not be listed.
    """

    route: str
    hazard: str | None
    kind: str | None
    claim: str
    literals: CutSet
    reached: tuple[Share, ...]
    undetected: tuple[Share, ...]
    harmful: tuple[Share, ...]
    overlaps: bool
    ways: int | None
    order: tuple[str, ...] = ()
    narrowed: bool = False

    @property
    def ordered(self) -> tuple[Literal, ...]:
        """The literals: of a sequence of stages in the order of training, else of the alphabet."""
        place = {name: k for k, name in enumerate(self.order)}
        return tuple(sorted(self.literals, key=lambda x: (place.get(x[0], 0), x)))

    @property
    def label(self) -> str:
        """The ending and the literals, as one text."""
        literals = (name if value else f"not {name}" for name, value in self.ordered)
        otherwise = "in any way" if self.ways is None else "always open"
        return f"{self.hazard or self.route}: {', '.join(literals) or otherwise}"


def failure_paths(
    graph: StoryGraph,
    never_harmful: Sequence[int],
    believed: Callable[[], Mapping[str, float]],
    *,
    apart: bool = True,
    sequences: Callable[[Sequence[Shares]], list[LikeliestSequences]] | None = None,
) -> tuple[Path, ...]:
    """Paths of a story: rival routes, hazards, and intended routes that can harm.

    Of a gate that opens in more than `MAX_WAYS` ways, or fewer in a story of very many gates,
    only the most probable are listed, taking assumptions for independent. Where even that is out of
    reach, one path stands for the ending as a whole.

    Parameters
    ----------
    never_harmful : sequence of int
        Numbers that are fixed at 0.
    believed : callable
        Gives P(assumption) by name, to choose by; called only where there is a choice.
    apart : bool
        Whether to tell the ways to open a gate apart at all.
    sequences : callable, optional
        Of training in stages, gives the sequences of routes that come to the most of some harm:
        they are the ways in which training ends on a route.
    """
    paths: list[Path] = []
    believed = cache(believed)
    share = _MAX_PATHS // (len(graph.routes) + len(graph.hazards))
    most = min(MAX_WAYS, max(3, share)) if apart else 1
    bad = [
        r
        for r, route in enumerate(graph.routes)
        if route.outcome_class != INTENDED or not set(route.harm.numbers) <= set(never_harmful)
    ]
    if sequences is not None and apart:
        paths += _sequence_paths(graph, bad, sequences)
        bad = []
    for r in bad:
        route, ends = graph.routes[r], route_shares(graph, r)
        count, about = _count(route, most), (route.id, None, route.kind, route.claim)
        for way, overlaps in _ways(route, believed, most):
            paths.append(Path(*about, way, *ends, overlaps, count))
    for h, hazard in enumerate(graph.hazards):
        ends, count = _hazard_shares(graph, h), _count(hazard, most)
        for way, overlaps in _ways(hazard, believed, most):
            paths.append(Path(INTENDED, hazard.id, None, hazard.claim, way, *ends, overlaps, count))
    return tuple(paths)


def _sequence_paths(
    graph: StoryGraph,
    routes: Sequence[int],
    sequences: Callable[[Sequence[Shares]], list[LikeliestSequences]],
) -> Iterator[Path]:
    """The worst sequences of stages that end on each of some routes."""
    ends = [route_shares(graph, r) for r in routes]
    in_order = tuple(name for step in graph.steps for name in step.names)
    worst = sequences([harmful for _, _, harmful in ends])
    for r, shares, of_route in zip(routes, ends, worst, strict=True):
        route, and_so_on = graph.routes[r], (in_order, of_route.narrowed)
        about = (route.id, None, route.kind, route.claim)
        for way in of_route.sequences:
            if way:
                yield Path(*about, way, *shares, False, graph.n_sequences[r], *and_so_on)


def route_shares(graph: StoryGraph, r: int) -> tuple[Shares, Shares, Shares]:
    """What adds up to P(a route), to P(it, undetected), and to P(it and a catastrophe)."""
    of_class = graph.routes[r].outcome_class
    parts = list(parts_of_route(r, of_class, hazards=bool(graph.hazards)))

    def total(event: str) -> Shares:
        return tuple(
            s for name, part in parts if name == event for s in shares_of_part(graph, part)
        )

    return total(of_class), total(DEPLOYED), total("catastrophe")


def _hazard_shares(graph: StoryGraph, h: int) -> tuple[Shares, Shares, Shares]:
    intended = [r for r, route in enumerate(graph.routes) if route.outcome_class == INTENDED]
    ways = zip(*(parts_of_hazard(r, h) for r in intended), strict=True)
    fired, undetected, harmful = (
        tuple(share for part in parts for share in shares_of_part(graph, part)) for parts in ways
    )
    return fired, undetected, harmful


@dataclass(frozen=True)
class PathOdds:
    """P(a path), P(a path, undetected), P(a path and catastrophe), (n_draws,) each."""

    reached: Array
    undetected: Array
    concern: Array


def path_odds(
    path: Path, after: AfterTraining, graph: StoryGraph, chance: Callable[[int], Array]
) -> PathOdds:
    """Add up what a path is made of.

    Parameters
    ----------
    path : Path
    after : AfterTraining
    graph : StoryGraph
    chance : callable
        Gives P(an outcome together with the path's literals), (n_draws,).
    """
    n = len(after.harm)

    def total(shares: Shares) -> Array:
        return np.asarray(
            sum(
                (
                    chance(share.outcome) * after.factor(share, graph.outcomes[share.outcome].route)
                    for share in shares
                ),
                start=np.zeros(n),
            )
        )

    return PathOdds(*(total(shares) for shares in (path.reached, path.undetected, path.harmful)))


def odds_of_paths(
    quantities: Quantities, paths: Sequence[Path], queries: Sequence[Query]
) -> list[PathOdds]:
    """Add up what paths are made of, from evaluated queries.

    Parameters
    ----------
    quantities : Quantities
    paths : sequence of Path
    queries : sequence of Query
        Columns of `quantities.queries`.
    """
    column = {query: k for k, query in enumerate(queries)}

    def chance(path: Path) -> Callable[[int], Array]:
        return lambda o: quantities.queries[:, column[Query((o,), path.literals)]]

    return [path_odds(path, quantities.after, quantities.graph, chance(path)) for path in paths]


def _count(gate: Gate, most: int) -> int | None:
    if gate.ways is None or (most == 1 and gate.ways.count > 1):
        return None
    return gate.ways.count


def _ways(
    gate: Gate, believed: Callable[[], Mapping[str, float]], most: int
) -> Iterator[tuple[CutSet, bool]]:
    """Ways to open a gate, each with whether it can hold together with another one."""
    if _count(gate, most) is None or gate.ways is None:
        yield gate.needs, False
        return
    family = gate.ways
    listed = list(islice(family, most + 1))
    if len(listed) > most:
        listed = [cut_set for cut_set, _ in most_probable(family, most, believed())]
    for way in listed:
        opposite = {(name, not value) for name, value in way}
        overlaps = any(other is not way and not other & opposite for other in listed)
        yield way, overlaps or family.count > len(listed)


def path_outcomes(path: Path) -> tuple[int, ...]:
    """The outcomes that a path's odds are made of."""
    shares = (*path.reached, *path.undetected, *path.harmful)
    return tuple(dict.fromkeys(share.outcome for share in shares))


def path_queries(paths: Sequence[Path]) -> tuple[Query, ...]:
    """One query per path and outcome: what summaries and rankings of paths need."""
    return tuple(Query((o,), path.literals) for path in paths for o in path_outcomes(path))


def link_queries(paths: Sequence[Path], order: Mapping[str, int]) -> tuple[Query, ...]:
    """The queries that the weakest link of each path needs.

    What makes it harmful with each single literal; the same as a whole; and, wherever training
    ends, its literals one after the other, but for a sequence of stages.

    Parameters
    ----------
    order : mapping of str to int
        Dependency order of the assumptions.
    """
    endings = [
        Query((share.outcome,), literals)
        for path in paths
        for share in path.harmful
        for literals in (*map(_single, path.literals), frozenset[Literal]())
    ]
    chains = [
        Query((), prefix)
        for path in paths
        if not path.order
        for prefix in prefixes(path.literals, order)
    ]
    return tuple(dict.fromkeys([*endings, *chains]))


def prefixes(literals: CutSet, order: Mapping[str, int]) -> list[CutSet]:
    """The first literal, the first two, and so on, in dependency order.

    Examples
    --------
    >>> [sorted(p) for p in prefixes(frozenset([("b", True), ("a", False)]), {"a": 0, "b": 1})]
    [[('a', False)], [('a', False), ('b', True)]]
    """
    chain = sorted(literals, key=lambda literal: order[literal[0]])
    return [frozenset(chain[: k + 1]) for k in range(len(chain))]


def _single(literal: Literal) -> CutSet:
    return frozenset([literal])


def concerns_of(quantities: Quantities, paths: Sequence[Path], queries: Sequence[Query]) -> Array:
    """Means of P(path and catastrophe), by path, (n_paths,)."""
    odds = odds_of_paths(quantities, paths, queries)
    return np.array([float(quantities.mean(path.concern)) for path in odds])
