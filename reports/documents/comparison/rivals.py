"""All sides of a comparison: how often each is best, and what the same evidence says of them."""

import json
from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from storyodds.models.comparison.coupling import Beside
from storyodds.models.comparison.sides import EVENTS, evidence_weights, rank_shares
from storyodds.models.story.events import Headline
from storyodds.reports.contract.comparison import ApartSides, RivalSides, SideRank
from storyodds.reports.contract.summaries import AveragedSummary
from storyodds.reports.documents.comparison.order import RANKED
from storyodds.reports.documents.comparison.pairs import QUANTILES
from storyodds.reports.documents.comparison.sides import Side

Array = NDArray[np.float64]


def ranks_of(names: Sequence[str], beside: Beside) -> dict[Headline, list[SideRank] | None]:
    """In which share of the draws each side with draws comes first, second and so on."""
    if len(names) < 2:
        return {"success": None, "catastrophe": None}
    return {
        event: [
            {"name": name, "shares": [float(x) for x in shares]}
            for name, shares in zip(
                names,
                rank_shares(beside.events, event, least_first=event == "catastrophe"),
                strict=True,
            )
        ]
        for event in RANKED
    }


def rivals_of(sides: Sequence[Side]) -> tuple[list[RivalSides], list[ApartSides]]:
    """Group the sides that speak of the same evidence, and say why others do not."""
    groups: dict[str, list[Side]] = {}
    for side in sides:
        if side.observed and side.log_findings is not None:
            groups.setdefault(json.dumps(side.observed, sort_keys=True), []).append(side)
    rivals = [_weighed(group) for group in groups.values() if len(group) > 1]
    apart: list[ApartSides] = [
        {"first": a.name, "second": b.name, "why": why}
        for a, b in combinations(sides, 2)
        if (why := _why_apart(a, b)) is not None
    ]
    return rivals, apart


def _weighed(group: Sequence[Side]) -> RivalSides:
    logs = np.array([side.log_findings or 0.0 for side in group])
    weights = evidence_weights(logs.tolist())
    return {
        "sides": [side.name for side in group],
        "items": list(group[0].observed or ()),
        "bits": [float(x) for x in (logs - logs.max()) / np.log(2)],
        "weights": [float(x) for x in weights],
        "odds": {event: _average(group, weights, e) for e, event in enumerate(EVENTS)},
    }


def _average(group: Sequence[Side], weights: Array, e: int) -> AveragedSummary:
    mean = sum(w * side.odds[EVENTS[e]]["mean"] for w, side in zip(weights, group, strict=True))
    posteriors = [side.posterior for side in group if side.posterior is not None]
    median, low, high = None, None, None
    if len(posteriors) == len(group):
        draws = np.concatenate([posterior.exact[:, e] for posterior in posteriors])
        shares = np.concatenate(
            [w * posterior.weights for w, posterior in zip(weights, posteriors, strict=True)]
        )
        points = np.quantile(draws, QUANTILES, weights=shares, method="inverted_cdf")
        median, low, high = points.tolist()
    return {"mean": float(mean), "median": median, "q05": low, "q95": high}


def _why_apart(first: Side, second: Side) -> str | None:
    """Why P(evidence) of two sides is not comparable; None where it is."""
    for side in (first, second):
        if side.observed is None:
            return (
                f"{side.name} keeps no counts, so it is not known whether its evidence is the same"
            )
        if side.observed and side.log_findings is None:
            return f"of {side.name} P(evidence) without opinions is not known"
    first_observed, second_observed = first.observed or {}, second.observed or {}
    if first_observed == second_observed:
        return None if first_observed else "neither has findings"
    for side, observations, other in (
        (first, second_observed, second),
        (second, first_observed, first),
    ):
        only = [name for name in side.observed or {} if name not in observations]
        if only:
            more = f" and {len(only) - 1} more" if len(only) > 1 else ""
            return f"{other.name} does not have {only[0]}{more}, which {side.name} has"
    differ = next(name for name in first_observed if first_observed[name] != second_observed[name])
    return f"{differ} does not say the same in both"
