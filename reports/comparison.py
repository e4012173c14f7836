"""Stories, views and saved results compared: one plain object that says everything.

Of the JSON object of `storyodds compare --json`, "storyodds/compare/1", these are the keys:

schema, seed, draws, versions
    `draws` is how many rows the sides have beside each other.
sides
    A list: `name`; `kind`, `story`, `view` or `result`; `file` of a saved result; `story`,
    `title`, `story_sha256`, `view`, `settings` and `method` as in `storyodds/estimate/1`; `odds`, a
    SUMMARY by event; `log_evidence`, the natural log of P(evidence), with its Monte Carlo
    `log_evidence_error`, null where it is not known; and `diagnostics`.
pairs
    A list, one for every two sides: `first` and `second`, their names; `how` their draws belong
    together, which is `paired`, `same` (they have the same draws), `independent`, or null where a
    side has no draws; `why`, a sentence; `numbers` that were taken for one number, the evidence
    `items` whose own numbers are drawn alike, and `equal`, the share of rows in which all of
    `numbers` are equal; `differences`, by event a DIFFERENCE; and `changed`, what differs between
    two versions of one story, null for two stories.
ranks
    For `success` and `catastrophe` a list: `name`, and `shares`, how often the side comes first
    (safest), second and so on; ties are shared out evenly. Null with fewer than two sides that have
    draws; sides without draws are left out.
evidence
    `rivals`, a list of groups that speak of the same evidence: the names of the `sides`, the ids
    of the `items`, `bits` by which each explains them worse than the best one, `weights` with equal
    weights before the evidence, and `odds`, a SUMMARY by event of the average with these weights.
    `apart`, a list of `first`, `second` and `why` for two sides that do not.
tipping
    Where two sides change order, as `storyodds.reports.comparison_tipping` says.
summary
    Plain sentences: which differences are clear, who is safest, and what would change the order.
diagnostics
    `ok`, whether every side's computation can be relied on, and `messages`.

Events are `success`, the classes and `catastrophe`. A DIFFERENCE is P(event) of the second side
less that of the first: `mean`, `median`, `q05`, `q95`; `larger` and `smaller`, the share of the
rows in which it is above and below 0; `error`, the Monte Carlo standard error of these shares; and
`clear`, whether one of them is at least 0.95. All but `mean` are null without draws.
"""

import json
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from storyodds.models.comparison import EVENTS, TIE, evidence_weights, rank_shares
from storyodds.models.pairing import Beside, Pair, put_beside
from storyodds.reports.comparison_sides import Side
from storyodds.reports.comparison_tipping import summarize_tipping, tipping_sentences
from storyodds.reports.wording import percent

Json = dict[str, Any]
Array = NDArray[np.float64]

SCHEMA = "storyodds/compare/1"
CLEAR = 0.95  # of the rows on one side of 0

_HEAD = ("story", "title", "story_sha256", "view", "settings", "method")
_QUANTILES = (("median", 0.5), ("q05", 0.05), ("q95", 0.95))


def summarize_comparison(sides: Sequence[Side], *, draws: int = 4096, seed: int = 1) -> Json:
    """Compare two or more sides.

    Parameters
    ----------
    sides : sequence of Side
        Of different names.
    draws : int
        Rows that the sides are given beside each other, 8,192 at most.
    seed : int

    Returns
    -------
    dict
        The object of `compare --json`.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment import assess
    >>> from storyodds.reports.comparison_sides import story_side
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
    with_draws = [s for s, side in enumerate(sides) if side.posterior is not None]
    beside = put_beside([p for side in sides if (p := side.posterior) is not None], draws, seed)
    row = {s: k for k, s in enumerate(with_draws)}
    pairs = [
        _pair(sides[a], sides[b], beside, (row.get(a), row.get(b)))
        for a, b in combinations(range(len(sides)), 2)
    ]
    ranks = _ranks([sides[s].name for s in with_draws], beside)
    rivals, apart = _rivals(sides)
    tipping = summarize_tipping(sides)
    return {
        "schema": SCHEMA,
        "seed": seed,
        "draws": int(beside.events.shape[1]) if with_draws else 0,
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("storyodds", "numpy", "scipy")},
        },
        "sides": [_side(side) for side in sides],
        "pairs": pairs,
        "ranks": ranks,
        "evidence": {"rivals": rivals, "apart": apart},
        "tipping": tipping,
        "summary": [*_sentences(sides, pairs, ranks), *tipping_sentences(tipping)],
        "diagnostics": {
            "ok": all(side.diagnostics["ok"] for side in sides),
            "messages": [
                f"{side.name}: {message}"
                for side in sides
                for message in side.diagnostics["messages"]
            ],
        },
    }


def _side(side: Side) -> Json:
    return {
        "name": side.name,
        "kind": side.kind,
        "file": side.file,
        **{key: side.head[key] for key in _HEAD},
        "odds": side.odds,
        "log_evidence": side.log_evidence,
        "log_evidence_error": side.log_evidence_error,
        "diagnostics": side.diagnostics,
    }


# Two sides


def _pair(first: Side, second: Side, beside: Beside, rows: tuple[int | None, int | None]) -> Json:
    a, b = rows
    means = {e: _mean(second, e) - _mean(first, e) for e in EVENTS}
    found = None if a is None or b is None else beside.pairs[a, b]
    if found is None:
        differences = {event: _nothing_but(mean) for event, mean in means.items()}
    else:
        gaps = beside.events[b] - beside.events[a]
        differences = {
            event: difference(means[event], gaps[:, e]) for e, event in enumerate(EVENTS)
        }
    return {
        "first": first.name,
        "second": second.name,
        "how": None if found is None else found.how,
        "why": _why(first, second, found),
        "numbers": [] if found is None else list(found.numbers),
        "items": [] if found is None else list(found.items),
        "equal": None if found is None else found.equal,
        "differences": differences,
        "changed": changed(first, second) if first.head["story"] == second.head["story"] else None,
    }


def _mean(side: Side, event: str) -> float:
    mean = side.odds[event]["mean"]
    assert mean is not None
    return mean


def _nothing_but(mean: float) -> Json:
    rest = ("median", "q05", "q95", "larger", "smaller", "error", "clear")
    return {"mean": mean, **dict.fromkeys(rest)}


def difference(mean: float, gaps: Array) -> Json:
    """Give a DIFFERENCE.

    Parameters
    ----------
    mean : float
    gaps : (n_rows,) array
        At draws that stand beside each other.

    Examples
    --------
    >>> found = difference(0.1, np.array([0.0, 0.1, 0.2, 0.1]))
    >>> found["larger"], found["smaller"], found["clear"]
    (0.75, 0.0, False)
    """
    larger, smaller = float(np.mean(gaps > TIE)), float(np.mean(gaps < -TIE))
    error = max(share * (1 - share) for share in (larger, smaller)) / len(gaps)
    points = np.quantile(gaps, [q for _, q in _QUANTILES], method="inverted_cdf")
    return {
        "mean": mean,
        **{name: float(x) for (name, _), x in zip(_QUANTILES, points, strict=True)},
        "larger": larger,
        "smaller": smaller,
        "error": float(np.sqrt(error)),
        "clear": max(larger, smaller) >= CLEAR,
    }


def _why(first: Side, second: Side, pair: Pair | None) -> str:
    """Say how the draws of two sides belong together, and no more than that."""
    if pair is None:
        names = [side.name for side in (first, second) if side.posterior is None]
        return f"no draws were kept of {' and '.join(names)}, so the difference has no interval"
    if pair.how == "same":
        return "both have the same draws, which stand beside each other"
    if pair.how == "paired":
        return _paired(pair)
    certain = [side.name for side in (first, second) if _is_certain(side)]
    if certain:
        return f"{' and '.join(certain)}: no uncertain number, so there is nothing to pair"
    saved = [side.name for side in (first, second) if side.kind == "result"]
    if saved:
        return f"the saved draws of {' and '.join(saved)} are independent of all others"
    if pair.unweighted:
        return "only weighted draws from the priors can be paired; these are independent"
    return "no uncertain number has the same name and the same prior in both"


def _is_certain(side: Side) -> bool:
    return side.posterior is not None and len(side.posterior.exact) == 1


def _paired(pair: Pair) -> str:
    n, m = len(pair.numbers), len(pair.items)
    said = []
    if n:
        share = pair.equal or 0.0
        alike = "in all rows" if share == 1 else f"in {percent(share)} of the rows"
        one = "1 number" if n == 1 else f"{n} numbers"
        each = "equal" if n == 1 else "all equal"
        said.append(f"{one} of the same name and prior taken for one, {each} {alike}")
    if m:
        items = "1 evidence item" if m == 1 else f"{m} evidence items"
        said.append(f"the rates of {items} drawn alike")
    return "; ".join(said)


def changed(first: Side, second: Side) -> Json:
    """Give what differs between two versions of one story.

    Returns
    -------
    dict
        `numbers`, a list of `name`, `old` and `new`, null where one has no such number;
        `evidence`, likewise by item, null where it is not known; and `text`, whether the stories
        themselves differ in any way.
    """
    evidence = None
    if first.observed is not None and second.observed is not None:
        evidence = _changes(first.observed, second.observed)
    return {
        "numbers": _changes(first.numbers, second.numbers),
        "evidence": evidence,
        "text": first.head["story_sha256"] != second.head["story_sha256"],
    }


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Json]:
    return [
        {"name": name, "old": old.get(name), "new": new.get(name)}
        for name in dict.fromkeys([*old, *new])
        if old.get(name) != new.get(name)
    ]


# All sides


def _ranks(names: Sequence[str], beside: Beside) -> Json:
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
        for event in ("success", "catastrophe")
    }


def _rivals(sides: Sequence[Side]) -> tuple[list[Json], list[Json]]:
    """Group the sides that speak of the same evidence, and say why others do not."""
    groups: dict[str, list[Side]] = {}
    for side in sides:
        if side.observed:
            groups.setdefault(json.dumps(side.observed, sort_keys=True), []).append(side)
    rivals = [_weighed(group) for group in groups.values() if len(group) > 1]
    apart = [
        {"first": a.name, "second": b.name, "why": why}
        for a, b in combinations(sides, 2)
        if (why := _why_apart(a, b)) is not None
    ]
    return rivals, apart


def _weighed(group: Sequence[Side]) -> Json:
    logs = np.array([side.log_evidence for side in group])
    weights = evidence_weights(logs.tolist())
    return {
        "sides": [side.name for side in group],
        "items": list(group[0].observed or ()),
        "bits": [float(x) for x in (logs - logs.max()) / np.log(2)],
        "weights": [float(x) for x in weights],
        "odds": {event: _average(group, weights, e) for e, event in enumerate(EVENTS)},
    }


def _average(group: Sequence[Side], weights: Array, e: int) -> Json:
    mean = sum(w * _mean(side, EVENTS[e]) for w, side in zip(weights, group, strict=True))
    kept = [side.posterior for side in group if side.posterior is not None]
    found: Json = {"mean": float(mean), **{name: None for name, _ in _QUANTILES}}
    if len(kept) == len(group):
        draws = np.concatenate([posterior.exact[:, e] for posterior in kept])
        shares = np.concatenate(
            [w * posterior.weights for w, posterior in zip(weights, kept, strict=True)]
        )
        points = np.quantile(
            draws, [q for _, q in _QUANTILES], weights=shares, method="inverted_cdf"
        )
        found |= {name: float(x) for (name, _), x in zip(_QUANTILES, points, strict=True)}
    return found


def _why_apart(first: Side, second: Side) -> str | None:
    """Why P(evidence) of two sides is not comparable; None where it is."""
    for side in (first, second):
        if side.observed is None:
            return (
                f"{side.name} keeps no counts, so it is not known whether its evidence is the same"
            )
    ours, theirs = first.observed or {}, second.observed or {}
    if ours == theirs:
        return None if ours else "neither has evidence"
    for side, others, other in ((first, theirs, second), (second, ours, first)):
        only = [name for name in side.observed or {} if name not in others]
        if only:
            more = f" and {len(only) - 1} more" if len(only) > 1 else ""
            return f"{other.name} does not have {only[0]}{more}, which {side.name} has"
    differ = next(name for name in ours if ours[name] != theirs[name])
    return f"{differ} does not say the same in both"


# In words


def _sentences(sides: Sequence[Side], pairs: Sequence[Json], ranks: Json) -> list[str]:
    first = sides[0].name
    odds = {side.name: side.odds for side in sides}
    said = [_clear(pair, odds) for pair in pairs if pair["first"] == first]
    if ranks["catastrophe"]:
        said.append(_safest(ranks["catastrophe"]))
    return said


def _clear(pair: Json, odds: Mapping[str, Any]) -> str:
    """Say which differences of a pair are beyond doubt, as far as its numbers go."""
    first, second = pair["first"], pair["second"]
    known = {event: d for event, d in pair["differences"].items() if d["clear"] is not None}
    if not known:
        return f"{second} against {first}: no draws, so no difference can be called clear."
    if all(d["larger"] == d["smaller"] == 0 for d in known.values()):
        return f"{second} has the same odds as {first}."
    clear = [
        f"{event} {percent(b)} against {percent(a)}"
        for event, d in known.items()
        if d["clear"]
        for a, b in [(odds[first][event]["mean"], odds[second][event]["mean"])]
    ]
    if not clear:
        return f"No difference between {second} and {first} is clear."
    return f"Clear between {second} and {first}: {', '.join(clear)}."


def _safest(ranks: Sequence[Json]) -> str:
    best = max(ranks, key=lambda rank: rank["shares"][0])
    share = best["shares"][0]
    if all(abs(rank["shares"][0] - share) < TIE for rank in ranks):
        return "None has the least chance of catastrophe more often than another."
    return f"The least chance of catastrophe: {best['name']}, in {share:.0%} of the draws."
