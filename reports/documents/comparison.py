"""Stories, views and saved results compared: the document of `storyodds compare --json`."""

import json
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from storyodds.models.comparison.coupling import Beside, Pair, put_beside
from storyodds.models.comparison.sides import (
    DAY,
    EVENTS,
    day_parts,
    evidence_weights,
    rank_shares,
    signs,
)
from storyodds.models.story.events import GIVEN, Fate, Headline
from storyodds.reports.contract.comparison import (
    ApartSides,
    ChangedEntry,
    Changes,
    ComparedPair,
    ComparedSide,
    Comparison,
    Difference,
    RivalSides,
    SideRank,
)
from storyodds.reports.contract.summaries import AveragedSummary, Summary
from storyodds.reports.documents.comparison_changes import (
    contribution_sentences,
    summarize_contributions,
)
from storyodds.reports.documents.comparison_order import (
    RANKED,
    summarize_tipping,
    tipping_sentences,
)
from storyodds.reports.documents.comparison_sides import Side
from storyodds.reports.words.numbers import listed, odds_words, percent, points
from storyodds.reports.words.sentences import HEADLINE_FATES, argued_fates, view_words
from storyodds.scenarios.grammar.outcomes import CLASSES
from storyodds.scenarios.schema import RISK_ARGUMENT

Array = NDArray[np.float64]

SCHEMA = "storyodds/compare/1"
CLEAR = 0.95  # of the rows on one side of 0
_SURE = 2.0  # standard errors by which more than so many have to be
_TIE = 1e-9  # shares that are nearer to each other differ by rounding

_QUANTILES = (0.5, 0.05, 0.95)


def summarize_comparison(
    sides: Sequence[Side],
    *,
    draws: int = 4096,
    seed: int = 1,
    tell: Callable[[str], None] | None = None,
) -> Comparison:
    """Compare two or more sides.

    Parameters
    ----------
    sides : sequence of Side
        Of different names.
    draws : int
        Rows of two sides beside each other, 8,192 at most.
    seed : int
    tell : callable, optional
        Called with what is done next.

    Returns
    -------
    Comparison
        The object of `compare --json`.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.reports.documents.comparison_sides import story_side
    >>> from storyodds.scenarios.resolve import resolve
    >>> story, doubt = load_story("carlsmith-six-premises"), {"aps-feasible": 0.325}
    >>> sides = [
    ...     story_side(assess(resolve(story)), "as written"),
    ...     story_side(assess(resolve(story, settings=doubt)), "in doubt"),
    ... ]
    >>> found = summarize_comparison(sides)["pairs"][0]
    >>> round(found["differences"]["catastrophe"]["mean"], 4)
    -0.0257
    """
    report = tell or (lambda stage: None)
    with_draws = [s for s, side in enumerate(sides) if side.posterior is not None]
    beside = put_beside([p for side in sides if (p := side.posterior) is not None], draws, seed)
    row = {s: k for k, s in enumerate(with_draws)}
    pairs = [_pair(sides, pair, beside, row) for pair in combinations(range(len(sides)), 2)]
    for pair, other in zip(pairs, sides[1:], strict=False):  # those with the first side come first
        report(f"{other.name}: what each change adds")
        pair["contributions"] = summarize_contributions(sides[0], other, draws=draws, seed=seed)
    ranks = _ranks([sides[s].name for s in with_draws], beside)
    rivals, apart = _rivals(sides)
    fates = compared_fates([side.story_kind for side in sides])
    report("looking for where the order changes")
    tipping = summarize_tipping(sides)
    return {
        "schema": SCHEMA,
        "seed": seed,
        "draws": int(sum(beside.follows < 2)),
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("storyodds", "numpy", "scipy")},
        },
        "sides": [_side(side) for side in sides],
        "pairs": pairs,
        "ranks": ranks,
        "evidence": {"rivals": rivals, "apart": apart},
        "tipping": tipping,
        "summary": [
            *_sentences(sides, pairs, ranks, fates),
            *tipping_sentences([entry for entry in tipping if entry["event"] in fates]),
        ],
        "diagnostics": {
            "ok": all(side.diagnostics["ok"] for side in sides),
            "messages": [
                f"{side.name}: {message}"
                for side in sides
                for message in side.diagnostics["messages"]
            ],
        },
    }


def _side(side: Side) -> ComparedSide:
    return {
        "name": side.name,
        "kind": side.kind,
        "file": side.file,
        "why_alone": side.why_alone,
        **side.head,
        "odds": side.odds,
        "deployed": side.deployed,
        "opinions": side.opinions,
        "story_kind": side.story_kind,
        "number_counts": side.number_counts,
        "log_evidence": side.log_evidence,
        "log_evidence_error": side.log_evidence_error,
        "diagnostics": side.diagnostics,
    }


# Two sides


def _pair(
    sides: Sequence[Side], pair: tuple[int, int], beside: Beside, row: Mapping[int, int]
) -> ComparedPair:
    first, second = (sides[s] for s in pair)
    a, b = (row.get(s) for s in pair)
    means = {e: _mean_gap(first.odds[e]["mean"], second.odds[e]["mean"]) for e in EVENTS}
    stance = None if a is None or b is None else beside.pairs[a, b]
    if a is None or b is None:
        differences = {event: _nothing_but(mean) for event, mean in means.items()}
    else:
        first_draws, second_draws = beside.of_two(a, b)
        differences = {
            event: difference(means[event], first_draws[:, e], second_draws[:, e])
            for e, event in enumerate(EVENTS)
        }
    return {
        "first": first.name,
        "second": second.name,
        "how": None if stance is None else stance.how,
        "why": _why(first, second, stance),
        "numbers": [] if stance is None else list(stance.numbers),
        "moved": [] if stance is None else list(stance.moved),
        "differences": differences,
        "deployed": _day_differences(sides, pair, beside, row),
        "changed": changed(first, second) if first.head["story"] == second.head["story"] else None,
        "contributions": None,
    }


def _day_differences(
    sides: Sequence[Side], pair: tuple[int, int], beside: Beside, row: Mapping[int, int]
) -> dict[str, Difference] | None:
    """Compare the odds on the day of the decision, where both sides can be deployed."""
    first, second = (sides[s].deployed for s in pair)
    if first is None or second is None:
        return None
    means = {odds: _mean_gap(first[odds]["mean"], second[odds]["mean"]) for odds in DAY}
    a, b = (row.get(s) for s in pair)
    if a is None or b is None:
        return {odds: _nothing_but(mean) for odds, mean in means.items()}
    first_parts, second_parts = (day_parts(events) for events in beside.of_two(a, b))
    differences = {}
    for odds, mean in means.items():
        (part, whole), (other_part, other_whole) = first_parts[odds], second_parts[odds]
        mask = (whole > 0) & (other_whole > 0)
        if not mask.any():
            differences[odds] = _nothing_but(mean)
            continue
        quotients = part[mask] / whole[mask], other_part[mask] / other_whole[mask]
        differences[odds] = difference(mean, *quotients)
    return differences


def _mean_gap(first: float, second: float) -> float:
    """A difference of two means, 0 where it is no more than the rounding of either."""
    means = np.array([first]), np.array([second])
    return float(second - first) if signs(means[1] - means[0], *means)[0] else 0.0


def _nothing_but(mean: float) -> Difference:
    return {
        "mean": mean,
        "median": None,
        "q05": None,
        "q95": None,
        "larger": None,
        "smaller": None,
        "error": None,
        "clear": None,
    }


def difference(mean: float, first: Array, second: Array) -> Difference:
    """Give a DIFFERENCE.

    Parameters
    ----------
    mean : float
    first, second : (n_rows,) arrays
        P(event) of the two sides in rows that stand beside each other.

    Examples
    --------
    >>> found = difference(0.1, np.full(4, 0.2), np.array([0.2, 0.3, 0.4, 0.3]))
    >>> found["larger"], found["smaller"], found["clear"]
    (0.75, 0.0, False)
    """
    gaps = second - first
    sign = signs(gaps, first, second)
    larger, smaller = float(np.mean(sign > 0)), float(np.mean(sign < 0))
    error = max(float(np.sqrt(share * (1 - share) / len(gaps))) for share in (larger, smaller))
    median, low, high = np.quantile(gaps, _QUANTILES, method="inverted_cdf").tolist()
    return {
        "mean": mean,
        "median": median,
        "q05": low,
        "q95": high,
        "larger": larger,
        "smaller": smaller,
        "error": error,
        "clear": max(larger, smaller) - _SURE * error >= CLEAR,
    }


def _why(first: Side, second: Side, pair: Pair | None) -> str:
    """Say how two sides stand beside each other, and no more than that."""
    sides = (first, second)
    if pair is None:
        names = [side.name for side in sides if side.posterior is None]
        return f"no draws were kept of {' and '.join(names)}, so the difference has no interval"
    if pair.how == "same":
        return "both have the same draws, which stand beside each other"
    if pair.how == "paired":
        return _paired(pair)
    certain = [side.name for side in sides if _is_certain(side)]
    if certain:
        return f"{' and '.join(certain)}: no uncertain number, so there is nothing to pair"
    if pair.apart:
        return _paired(pair)
    alone = [side for side in sides if side.posterior is not None and not side.posterior.prepared]
    if alone:
        whose = " and ".join(side.name for side in alone)
        why = "; ".join(dict.fromkeys(side.why_alone or _SIMULATED for side in alone))
        return f"the draws of {whose} are independent of all others: {why}"
    return "no uncertain number has the same name in both"


_SIMULATED = "simulated states are those of its own draws"


def _is_certain(side: Side) -> bool:
    return side.posterior is not None and len(side.posterior.exact) == 1


def _paired(pair: Pair) -> str:
    """Count the uncertain numbers by which two sides stand beside each other."""
    parts: list[str] = []
    if pair.numbers:
        have = "1 uncertain number has"
        if len(pair.numbers) > 1:
            have = f"{len(pair.numbers)} uncertain numbers have"
        parts.append(f"{have} the same value in both")
    if pair.moved:
        stand = "1 uncertain number of another prior stands"
        if len(pair.moved) > 1:
            stand = f"{len(pair.moved)} uncertain numbers of another prior stand"
        parts.append(f"{stand} at the same quantile of both")
    if pair.apart:
        names = ", ".join(pair.apart)
        parts.append(f"{names}: correlated otherwise in the one, and drawn for each by itself")
    return "; ".join(parts)


def changed(first: Side, second: Side) -> Changes:
    """Give what differs between two versions of one story.

    Returns
    -------
    Changes
    """
    evidence = None
    if first.observed is not None and second.observed is not None:
        evidence = _changes(first.observed, second.observed)
    return {
        "numbers": _changes(first.numbers, second.numbers),
        "evidence": evidence,
        "text": first.head["story_sha256"] != second.head["story_sha256"],
    }


def _changes(old: Mapping[str, object], new: Mapping[str, object]) -> list[ChangedEntry]:
    return [
        {"name": name, "old": old.get(name), "new": new.get(name)}
        for name in dict.fromkeys([*old, *new])
        if old.get(name) != new.get(name)
    ]


# All sides


def _ranks(names: Sequence[str], beside: Beside) -> dict[Headline, list[SideRank] | None]:
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


def _rivals(sides: Sequence[Side]) -> tuple[list[RivalSides], list[ApartSides]]:
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
    kept = [side.posterior for side in group if side.posterior is not None]
    median, low, high = None, None, None
    if len(kept) == len(group):
        draws = np.concatenate([posterior.exact[:, e] for posterior in kept])
        shares = np.concatenate(
            [w * posterior.weights for w, posterior in zip(weights, kept, strict=True)]
        )
        points = np.quantile(draws, _QUANTILES, weights=shares, method="inverted_cdf")
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


# In words


def compared_fates(kinds: Sequence[str | None]) -> tuple[Fate, ...]:
    """List the fates that a comparison speaks of: only those that every side makes a claim about.

    Examples
    --------
    >>> compared_fates(["training-story", "risk-argument"])
    ('halted', 'catastrophe')
    """
    return argued_fates(RISK_ARGUMENT if RISK_ARGUMENT in kinds else None)


def _sentences(
    sides: Sequence[Side],
    pairs: Sequence[ComparedPair],
    ranks: Mapping[Headline, Sequence[SideRank] | None],
    fates: Sequence[Fate],
) -> list[str]:
    first = sides[0].name
    odds: dict[str, dict[str, Summary]] = {
        side.name: {**dict(side.odds.items()), **(side.deployed or {})} for side in sides
    }
    sentences = [*_views(sides)]
    for pair in pairs:
        if pair["first"] == first:
            sentences += [_clear(pair, odds, fates), *contribution_sentences(pair, fates)]
    if ranks["catastrophe"]:
        sentences.append(_safest(ranks["catastrophe"]))
    return [*sentences, *_opinions(sides, fates), *_argued(sides)]


def _views(sides: Sequence[Side]) -> Iterator[str]:
    """Say how much of the story each view changes."""
    for side in sides:
        words = view_words(side.head["view"], side.number_counts)
        if words is not None:
            yield words


def _opinions(sides: Sequence[Side], fates: Sequence[Fate]) -> Iterator[str]:
    """Give success and catastrophe of every side that has forecasts, without these."""
    headline = [fate for fate in HEADLINE_FATES if fate in fates]
    totals = []
    for side in sides:
        if side.opinions is not None:
            chances = [f"{f} {percent(side.opinions['fates'][f]['mean'])}" for f in headline]
            totals.append(f"{side.name} {listed(chances)}")
    if totals:
        yield f"Forecasts are opinions, not findings; without them: {'; '.join(totals)}."


def _argued(sides: Sequence[Side]) -> Iterator[str]:
    names = [side.name for side in sides if side.story_kind == RISK_ARGUMENT]
    if names and len(names) < len(sides):
        verb = "is a risk argument" if len(names) == 1 else "are risk arguments"
        yield f"{listed(names)} {verb}, with no claim about success, which is not compared."


def _once_deployed(
    pair: ComparedPair, odds: Mapping[str, Mapping[str, Summary]], fates: Sequence[str]
) -> Iterator[tuple[str, Difference]]:
    """Differences of the odds given deployment, where checks make these other odds."""
    halts = any(odds[name]["halted"]["mean"] > 0 for name in (pair["first"], pair["second"]))
    if pair["deployed"] is None or not halts:
        return
    for name, gap in pair["deployed"].items():
        if name.removesuffix(GIVEN) in fates:
            yield name, gap


def _clear(
    pair: ComparedPair, odds: Mapping[str, Mapping[str, Summary]], fates: Sequence[str]
) -> str:
    """Say which differences of a pair are beyond doubt, as far as its numbers go."""
    first, second = pair["first"], pair["second"]
    differences = {
        event: d
        for event, d in pair["differences"].items()
        if d["clear"] is not None and (event in fates or event in CLASSES)
    }
    if not differences:
        return f"{second} against {first}: no draws, so no difference can be called clear."
    if all(d["larger"] == d["smaller"] == 0 for d in differences.values()):
        return f"{second} and {first} have the same odds."
    clear = [
        f"{odds_words(event)} {percent(b)} against {percent(a)} ({points(d['mean'])})"
        for event, d in [*differences.items(), *_once_deployed(pair, odds, fates)]
        if d["clear"]
        for a, b in [(odds[first][event]["mean"], odds[second][event]["mean"])]
    ]
    if not clear:
        return f"No difference between {second} and {first} is clear."
    return f"Clear between {second} and {first}: {', '.join(clear)}."


def _safest(ranks: Sequence[SideRank]) -> str:
    best = max(ranks, key=lambda rank: rank["shares"][0])
    share = best["shares"][0]
    if all(abs(rank["shares"][0] - share) < _TIE for rank in ranks):
        return "None has the least chance of catastrophe more often than another."
    return f"The least chance of catastrophe: {best['name']}, in {share:.0%} of the draws."
