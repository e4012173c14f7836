"""Routes taken together by class and kind, with the sum of their chances and its interval."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.numerics import weighted_quantile
from storyodds.models.story.graph import RouteNode
from storyodds.reports.documents.story_graph.records import Group, Influence

Rate = Callable[[Sequence[str]], Mapping[str, Influence]]  # of the ids of routes

MOST = 12  # routes that a picture tells apart
LIKELIEST = 6  # of very many routes, those that stay apart beside the worst


def group_id(of_class: str, kind: str | None) -> str:
    """Give the id of the group of a route."""
    return f"group:{of_class}" + (f":{kind}" if kind else "")


def groups_of(assessment: Assessment, routes: Sequence[int], rate: Rate) -> tuple[Group, ...]:
    """Give all routes by class and kind.

    Parameters
    ----------
    assessment : Assessment
    routes : sequence of int
        Those that can be open.
    rate : callable
        Gives how far some routes together move the endings.
    """
    return _grouped(assessment, routes, rate, _by_kind)


def crowd_of(
    assessment: Assessment, routes: Sequence[int], worst: str, rate: Rate
) -> tuple[Group, ...]:
    """Give the groups that each are one node where routes are very many.

    The worst route and the likeliest stay apart, and so does one that is alone in its group.

    Parameters
    ----------
    assessment : Assessment
    routes : sequence of int
    worst : str
        The route of the worst path.
    rate : callable
        As in `groups_of`.
    """
    if len(routes) <= MOST:
        return ()
    graph = assessment.prepared.graph
    means = assessment.averaged.mean(assessment.averaged.routes)
    candidates = [r for r in routes if graph.routes[r].id != worst]
    ranked = sorted(candidates, key=lambda r: -means[r])
    rest = sorted(ranked[LIKELIEST:])
    by_kind = _grouped(assessment, rest, rate, _by_kind)
    if len(by_kind) + LIKELIEST + 1 <= MOST:
        groups = by_kind
    else:
        groups = _grouped(assessment, rest, rate, lambda route: (route.outcome_class, None))
    return tuple(group for group in groups if len(group.members) > 1)


def _by_kind(route: RouteNode) -> tuple[str, str | None]:
    return route.outcome_class, route.kind


def _grouped(
    assessment: Assessment,
    routes: Sequence[int],
    rate: Rate,
    group_of: Callable[[RouteNode], tuple[str, str | None]],
) -> tuple[Group, ...]:
    graph, averaged, exact = assessment.prepared.graph, assessment.averaged, assessment.exact
    means = averaged.mean(averaged.routes)
    groups: dict[tuple[str, str | None], list[int]] = {}
    for r in routes:
        groups.setdefault(group_of(graph.routes[r]), []).append(r)
    crowds = []
    for (of_class, kind), members in groups.items():
        drawn = exact.routes[:, members].sum(axis=1)
        low, high = weighted_quantile(drawn, np.array([0.05, 0.95]), exact.weights)
        ranked = sorted(members, key=lambda r: -means[r])
        ids = tuple(f"route:{graph.routes[r].id}" for r in ranked)
        crowds.append(
            Group(
                group_id(of_class, kind),
                f"{of_class}: {kind}" if kind else of_class,
                ids,
                float(means[members].sum()),
                float(low),
                float(high),
                rate(ids),
            )
        )
    return tuple(crowds)
