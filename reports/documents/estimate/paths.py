"""Failure paths, and routes that share a mechanism."""

import numpy as np

from storyodds.models.assessment.concerns import concerns
from storyodds.models.engine.paths import Path, link_queries, path_odds, prefixes, route_shares
from storyodds.models.logic.cut_sets import CutSet
from storyodds.models.story.events import Share
from storyodds.models.story.queries import Query
from storyodds.reports.contract.estimate import (
    FailurePath,
    MechanismOdds,
    PathName,
)
from storyodds.reports.documents.estimate.view import View
from storyodds.reports.documents.summaries import (
    Pick,
)


def path_record(path: Path) -> PathName:
    """Name a path as results do: its ending and its literals."""
    return {
        "path": path.hazard or path.route,
        "literals": [_text(literal) for literal in path.ordered],
    }


def failure_paths(view: View) -> list[FailurePath]:
    """Every failure path, the most concerning first; those that tie share a place."""
    ranked = concerns(view.assessment)
    index = view.graph.order
    listed: list[FailurePath] = []
    for k, path in enumerate(ranked.paths):
        averaged, exact = ranked.averaged[k], ranked.exact[k]
        listed.append(
            {
                "rank": k + 1,
                "place": ranked.ranks.rank[k],
                "route": path.route,
                "hazard": path.hazard,
                "kind": path.kind,
                "literals": [
                    _text(literal) for literal in sorted(path.literals, key=lambda x: index[x[0]])
                ],
                "probability": view.of_draws(averaged.reached, exact.reached),
                "undetected": view.of_quotient(
                    (averaged.undetected, averaged.reached), (exact.undetected, exact.reached)
                ),
                "concern": view.of_draws(averaged.concern, exact.concern),
                "weakest_link": _weakest_link(view, path),
                "claim": path.claim,
                "checks": [view.graph.checks[c].id for c in view.graph.live_checks],
                "overlaps": path.overlaps,
                "ways": path.ways,
                "narrowed": path.narrowed,
                "share_top": float(ranked.ranks.share_top[k]),
            }
        )
    return listed


def mechanism_odds(view: View) -> dict[str, MechanismOdds]:
    """Routes that share a mechanism, together: how likely, and how likely with a catastrophe."""
    graph = view.graph
    names = sorted({route.mechanism for route in graph.routes if route.mechanism is not None})

    def concern(name: str) -> Pick:
        harms = [
            share
            for r, route in enumerate(graph.routes)
            if route.mechanism == name
            for share in _harms(view, r)
        ]
        path = Path("", None, None, "", frozenset(), (), (), tuple(harms), False, None)
        return lambda q: path_odds(path, q.after, graph, lambda o: q.outcomes[:, o]).concern

    def reached(name: str) -> Pick:
        indices = [r for r, route in enumerate(graph.routes) if route.mechanism == name]
        return lambda q: np.asarray(q.routes[:, indices].sum(axis=1))

    return {
        name: {
            "routes": [route.id for route in graph.routes if route.mechanism == name],
            "probability": view.of(reached(name)),
            "concern": view.of(concern(name)),
        }
        for name in names
    }


def _harms(view: View, route: int) -> tuple[Share, ...]:
    return route_shares(view.graph, route)[2]


def _text(literal: tuple[str, bool]) -> str:
    name, value = literal
    return name if value else f"not {name}"


def _weakest_link(view: View, path: Path) -> str | None:
    """The literal whose negation would lower the concern of the path's ending most.

    Negating any literal shuts the path itself, so what counts is the whole route or hazard, which
    may have other ways. Where several literals would do as much, the path hangs on the one that
    is least likely: once those before it, in dependency order, are the case, but by itself in a
    sequence of stages. None for paths that are not among the most concerning, where it is not
    worked out.
    """
    if not all(query in view.link for query in link_queries([path], view.graph.order)):
        return None
    chances, rows = view.assessment.link_chances, view.assessment.link_rows
    assumptions = view.averaged.assumptions[rows].mean(axis=0)
    after = view.averaged.after

    def mean(query: Query) -> float:
        return float(chances[:, view.link[query]].mean())

    def concern(literals: CutSet) -> float:
        total = 0.0
        for share in path.harmful:
            factor = after.factor(share, view.graph.outcomes[share.outcome].route)
            at_rows = np.broadcast_to(factor, len(view.averaged.values))[rows]
            chance = chances[:, view.link[Query((share.outcome,), literals)]]
            total += float((chance * at_rows).mean())
        return total

    order = view.graph.order
    if not path.literals:
        return None
    total = concern(frozenset())
    candidates, before = [], 1.0
    ends = view.graph.steps[-1].names if view.graph.steps else ()  # the ending by another name
    chain = sorted(path.literals, key=lambda literal: order[literal[0]])
    for literal, prefix in zip(chain, prefixes(path.literals, order), strict=True):
        true = float(assumptions[order[literal[0]]])
        certainty = true if literal[1] else 1 - true
        step = certainty
        if not path.order:
            so_far = mean(Query((), prefix))
            step, before = so_far / before if before > 0 else 0.0, so_far
        if certainty >= 1 - 1e-15 or literal[0] in ends:  # it cannot be otherwise
            continue
        drop = total - (total - concern(frozenset([literal]))) / (1 - certainty)
        share = round(drop / total, 9) if total > 0 else 0.0
        candidates.append((-share, round(step, 9), _text(literal)))
    return min(candidates)[2] if candidates else None
