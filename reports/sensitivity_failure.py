"""If a story fails: how, by how far, and where.

`summarize_failure` gives a JSON object; failure is any fate but success.

failure
    SUMMARY of P(failure).
given_failure
    `catastrophe`, `safe` and `deceptive`: SUMMARY of each, given failure; null where failure is
    impossible.
assumptions
    A list, those first whose being false leaves the most catastrophes among failures:
    `assumption`, `composite`, `probability` (SUMMARY of its being true), and for `if_false` and
    `if_true` SUMMARY of P(failure) and of the three shares of failure, given that; null where the
    condition is impossible. The list is null where the story is too large for it.
miss
    `likeliest_class`, and `targets`: for `likeliest` and `even` the `bits` that the intended class
    needs (negative: has to spare) by the posterior means, `median`, `q05` and `q95` over the
    draws, `out_of_reach` and `never_lost` (shares of draws that no 60 bits either way would
    change), `status` (found, out of reach, never lost, or not worked out), `pareto_k` and
    `refitted`. A number that is infinite is null.
near_misses
    `threshold`; SUMMARY of the shares of failure that are near misses (`share`), other misses of
    the goal (`far`), and failures though the goal was reached (`goal_reached`); and by `routes`:
    `route`, `probability`, `no_catastrophe` (SUMMARY each; null for a route never taken), `near`.
paths
    The ranked failure paths: `path`, `literals`, `concern` (SUMMARY), `share` of P(catastrophe)
    (SUMMARY, as Fussell and Vesely have it), `share_top` (how often over the draws it ranks
    first) and `overlaps` (whether another path of the same ending can hold with it).
flips
    `size` of the smallest sets of assumptions that, known, make another path the worst (null: none
    of up to two), `found` (`literals`, `probability`, `shuts`, `path`, `concern`), `complete`
    and `compared` paths. Null where the story is too large for it.

SUMMARY is `{"mean", "median", "q05", "q95"}`.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

from storyodds.models import failure_modes
from storyodds.models.assessment import Assessment
from storyodds.models.failure_modes import ENDS, SAFE, Ends
from storyodds.models.importance import literal_text
from storyodds.models.miss import Miss, misses
from storyodds.models.what_if import Base, base_of
from storyodds.models.worst_path import Flip, flips
from storyodds.priors.errors import UnsupportedStoryError
from storyodds.reports.frame import band, titled
from storyodds.reports.layout import Row, dim, fitting, plain, stripped, wrap
from storyodds.reports.summary import finite, path_record, summarize_draws, summarize_ratio
from storyodds.reports.wording import bits, percent
from storyodds.scenarios.schema import CLASSES

Array = NDArray[np.float64]
Json = Mapping[str, Any]

SHOWN = 10  # rows of a table
_NEVER = 1e-6  # a smaller chance is as good as none
_SHARES = ("catastrophe", "safe", "deceptive")


PARTS = ("assumptions", "miss", "near_misses", "paths", "flips")


def summarize_failure(
    assessment: Assessment, base: Base | None = None, parts: Sequence[str] = PARTS
) -> dict[str, Any]:
    """Say how, by how far and where a story fails.

    Parameters
    ----------
    assessment : Assessment
        Computed exactly, not simulated.
    base : Base, optional
        Of this assessment, where it is at hand.
    parts : sequence of str
        What is told beyond `failure` and `given_failure`; the rest is not in the object.

    Returns
    -------
    dict
        Plain lists, mappings, texts and finite numbers.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> found = summarize_failure(assess(resolve(load_story("carlsmith-six-premises"))))
    >>> [round(found["given_failure"][name]["mean"], 4) for name in ("catastrophe", "safe")]
    [1.0, 0.0]
    """
    base = base_of(assessment) if base is None else base
    overall = failure_modes.overall(assessment)
    works: dict[str, Callable[[], Any]] = {
        "assumptions": partial(_assumptions, assessment, base),
        "miss": partial(_miss, base),
        "near_misses": partial(_near_misses, assessment, overall),
        "paths": partial(_paths, assessment, overall),
        "flips": partial(_flips, assessment, base),
    }
    weights = assessment.draws.weights
    every = np.ones(len(weights))
    return {**_shares(*overall, every, every, weights), **{part: works[part]() for part in parts}}


def _shares(
    averaged: Array, exact: Array, chance: Array, chance_exact: Array, weights: Array
) -> dict[str, Any]:
    """Summarize P(failure | condition) and the shares of failure.

    Parameters
    ----------
    averaged, exact : (n_draws, 4) array
        By `ENDS`, joint with the condition.
    chance, chance_exact : (n_draws,) array
        Of the condition.
    """
    place = {name: k for k, name in enumerate(ENDS)}

    def failed(x: Array) -> Array:
        return np.asarray(x[:, place["safe"]] + x[:, place["catastrophe"]])

    def share(name: str) -> dict[str, float] | None:
        k = place[name]
        parts = averaged[:, k], exact[:, k]
        return summarize_ratio(parts[0], failed(averaged), parts[1], failed(exact), weights)

    return {
        "failure": summarize_ratio(failed(averaged), chance, failed(exact), chance_exact, weights),
        "given_failure": {name: share(name) for name in _SHARES},
    }


def _assumptions(assessment: Assessment, base: Base) -> list[dict[str, Any]] | None:
    try:
        averaged, exact = failure_modes.ends(assessment, base)
    except UnsupportedStoryError:
        return None
    graph = base.prepared.graph
    composites = {variable.name for variable in graph.variables if variable.formula is not None}
    weights = np.full(len(base.values), 1 / len(base.values))
    listed = []
    for v, name in enumerate(averaged.names):
        entry: dict[str, Any] = {"assumption": name, "composite": name in composites}
        believed, drawn = _chance(averaged.true[:, :, v]), _chance(exact.true[:, :, v])
        entry["probability"] = summarize_draws(believed, drawn, weights)
        for key, pick in (("if_false", _false), ("if_true", _true)):
            a, e = pick(averaged, v), pick(exact, v)
            entry[key] = _shares(a, e, _chance(a), _chance(e), weights)
        listed.append(entry)
    return sorted(listed, key=_rank)


def _true(found: Ends, v: int) -> Array:
    return found.true[:, :, v]


def _false(found: Ends, v: int) -> Array:
    return found.false[:, :, v]


def _chance(joint: Array) -> Array:
    """P(condition), from how the story ends with it: the last of `ENDS` is no fate."""
    return np.asarray(joint[:, :3].sum(axis=1))


def _rank(entry: Json) -> float:
    share = entry["if_false"]["given_failure"]["catastrophe"]
    return math.inf if share is None else -round(share["mean"], 9)


def _miss(base: Base) -> dict[str, Any]:
    classes = base.means[: len(CLASSES)]
    return {
        "likeliest_class": CLASSES[int(classes.argmax())],
        "targets": {miss.target: _target(miss) for miss in misses(base)},
    }


def _target(miss: Miss) -> dict[str, Any]:
    drawn = miss.by_draw
    known = not np.isnan(drawn).any()
    levels = np.quantile(drawn, [0.5, 0.05, 0.95], method="inverted_cdf") if known else [np.nan] * 3
    status = "not worked out"
    if not math.isnan(miss.bits):
        status = "found" if math.isfinite(miss.bits) else "out of reach"
        status = "never lost" if miss.bits == -math.inf else status
    return {
        "bits": finite(miss.bits),
        **dict(zip(("median", "q05", "q95"), map(finite, levels), strict=True)),
        "out_of_reach": float((drawn == np.inf).mean()) if known else None,
        "never_lost": float((drawn == -np.inf).mean()) if known else None,
        "status": status,
        "pareto_k": miss.pareto_k,
        "refitted": miss.refitted,
    }


def _near_misses(assessment: Assessment, overall: tuple[Array, Array]) -> dict[str, Any]:
    found = failure_modes.near_misses(assessment)
    weights = assessment.draws.weights
    ends = np.stack(overall)
    failed = ends[:, :, ENDS.index("safe")] + ends[:, :, ENDS.index("catastrophe")]
    none = np.zeros_like(failed)
    near = sum((miss.probability for miss in found if miss.near), none)
    far = sum((miss.probability for miss in found if not miss.near), none)
    reached = np.maximum(failed - near - far, 0)

    def share(part: Array) -> dict[str, float] | None:
        return summarize_ratio(part[0], failed[0], part[1], failed[1], weights)

    return {
        "threshold": SAFE,
        "share": share(near),
        "far": share(far),
        "goal_reached": share(reached),
        "routes": [
            {
                "route": miss.route,
                "probability": summarize_draws(miss.probability[0], miss.probability[1], weights),
                "no_catastrophe": summarize_ratio(
                    miss.probability[0] - miss.catastrophe[0],
                    miss.probability[0],
                    miss.probability[1] - miss.catastrophe[1],
                    miss.probability[1],
                    weights,
                ),
                "near": miss.near,
            }
            for miss in found
        ],
    }


def _paths(assessment: Assessment, overall: tuple[Array, Array]) -> list[dict[str, Any]]:
    ranked = failure_modes.concerns(assessment)
    weights = assessment.draws.weights
    averaged, exact = (found[:, ENDS.index("catastrophe")] for found in overall)
    return [
        {
            **path_record(path),
            "concern": summarize_draws(ranked.averaged[:, k], ranked.exact[:, k], weights),
            "share": summarize_ratio(
                ranked.averaged[:, k], averaged, ranked.exact[:, k], exact, weights
            ),
            "share_top": float(ranked.share_top[k]),
            "overlaps": path.overlaps,
        }
        for k, path in enumerate(ranked.paths)
    ]


def _flips(assessment: Assessment, base: Base) -> dict[str, Any] | None:
    try:
        found = flips(assessment, base)
    except UnsupportedStoryError:
        return None
    return {
        "size": len(found.found[0].literals) if found.found else None,
        "found": [_flip(flip) for flip in found.found],
        "complete": found.complete,
        "compared": found.compared,
    }


def _flip(flip: Flip) -> dict[str, Any]:
    to = path_record(flip.worst)
    return {
        "literals": [literal_text(literal) for literal in flip.literals],
        "probability": flip.probability,
        "shuts": flip.shuts,
        "path": to["path"],
        "path_literals": to["literals"],
        "concern": flip.concern,
    }


# On a terminal


def lines_failure(summary: Json, width: int) -> Iterator[Text]:
    """Tell it on a terminal.

    Parameters
    ----------
    summary : mapping
        From `summarize_failure`.
    width : int
        Columns of the terminal.
    """
    yield from _how(summary, width)
    yield from _how_far(summary, width)
    yield from _where(summary, width)


def _said(text: str, width: int, style: str = "") -> Iterator[Text]:
    yield from wrap(Text(text, style=style), width)


def _mean(entry: Json | None) -> str:
    return "–" if entry is None else percent(entry["mean"])


def _within(entry: Json) -> str:
    spread = band(entry)
    return f" ({spread})" if spread else ""


def _how(summary: Json, width: int) -> Iterator[Text]:
    yield from titled(
        width, "If it fails, how?", "shares of failure, given that the assumption is false"
    )
    given = summary["given_failure"]
    if given["safe"] is None:
        yield from _said("The story cannot fail.", width)
        return
    yield from _said(
        f"The story fails with a chance of {percent(summary['failure']['mean'])}"
        f"{_within(summary['failure'])}. Of failures, {_mean(given['safe'])}"
        f"{_within(given['safe'])} are safe and {_mean(given['catastrophe'])}"
        f"{_within(given['catastrophe'])} end in catastrophe; {_mean(given['deceptive'])}"
        f"{_within(given['deceptive'])} come with a deceptive model.",
        width,
    )
    entries = [
        entry
        for entry in summary["assumptions"] or ()
        if not entry["composite"] and entry["if_false"]["given_failure"]["safe"] is not None
    ]
    if not entries:
        return
    rows: list[Row] = [
        dim("if false", "failure", "catastrophe", "deceptive", "is false"),
        [
            Text("now", style="dim"),
            Text(_mean(summary["failure"]), style="dim"),
            Text(_mean(given["catastrophe"]), style="dim"),
            Text(_mean(given["deceptive"]), style="dim"),
            "",
        ],
    ]
    for entry in entries[:SHOWN]:
        shares = entry["if_false"]["given_failure"]
        cells = [_mean(entry["if_false"]["failure"]), _mean(shares["catastrophe"])]
        cells += [_mean(shares["deceptive"]), percent(1 - entry["probability"]["mean"])]
        rows.append([plain(entry["assumption"]), *cells])
    yield from stripped(fitting(rows, width))
    if len(entries) > SHOWN:
        left = len(entries) - SHOWN
        yield Text(f"and {left} more that leave fewer catastrophes among failures", style="dim")
    yield from _said(_safest_and_worst(entries), width)


def _safest_and_worst(entries: Sequence[Json]) -> str:
    def share(entry: Json, name: str) -> float:
        return float(entry["if_false"]["given_failure"][name]["mean"])

    failing = [entry for entry in entries if entry["if_false"]["failure"]["mean"] > _NEVER]
    if not failing:
        return "With any one of them false, the story hardly ever fails."
    safest = min(failing, key=lambda entry: share(entry, "catastrophe"))
    worst = max(failing, key=lambda entry: share(entry, "deceptive"))
    text = (
        f"Failure is safest if {plain(safest['assumption'])} is false "
        f"({percent(share(safest, 'catastrophe'))} of it catastrophic)"
    )
    if share(worst, "deceptive") > _NEVER:
        text += (
            f", and most often deceptive if {plain(worst['assumption'])} is "
            f"({percent(share(worst, 'deceptive'))})"
        )
    return text + "."


_AIMS = {"likeliest": "be the likeliest class", "even": "be as likely as all others together"}


def _how_far(summary: Json, width: int) -> Iterator[Text]:
    yield from titled(width, "How far off?", "bits of selection for the intended class")
    for name, aim in _AIMS.items():
        found = summary["miss"]["targets"][name]
        yield from _said(f"To {aim}: {_distance(found)}", width)
    near = summary["near_misses"]
    if near["share"] is None:
        return
    kinds = [plain(route["route"]) for route in near["routes"] if route["near"]]
    yield from _said(
        f"Of failures, {_mean(near['share'])} are near misses: another model than intended, and no "
        f"catastrophe in at least {percent(near['threshold'])} of runs"
        f"{' (' + ', '.join(kinds) + ')' if kinds else ''}. "
        f"{_mean(near['far'])} miss by more, and {_mean(near['goal_reached'])} reach the goal and "
        "fail all the same.",
        width,
    )


def _distance(found: Json) -> str:
    if found["status"] == "not worked out":
        return "out of reach of the sum."
    if found["status"] == "out of reach":
        return "60 bits would not do; too often it is not open at all."
    if found["status"] == "never lost":
        return "it would be so with 60 bits less."
    size = found["bits"]
    text = (
        f"{bits(size)} bits" if size > 0 else f"nothing; it has {bits(-size).lstrip('+')} to spare"
    )
    if found["q05"] == found["q95"]:
        return text + "."
    ends = [found["q05"], found["q95"]]
    if any(end is None for end in ends):
        share = found["out_of_reach"]
        low = f"from {bits(ends[0])} up; " if ends[0] is not None else ""
        return f"{text} ({low}in {percent(share)} of draws 60 bits would not do)."
    return f"{text} (90% of draws: {bits(ends[0])} to {bits(ends[1])})."


def _where(summary: Json, width: int) -> Iterator[Text]:
    paths = [path for path in summary["paths"] if path["concern"]["mean"] > 0]
    if not paths:
        return
    yield from titled(width, "Where?", "failure paths by P(path and catastrophe)")
    rows = [dim("path", "concern", "share", "first in", "90% interval")]
    for path in paths[:SHOWN]:
        cells = [percent(path["concern"]["mean"]), _mean(path["share"]), percent(path["share_top"])]
        rows.append([plain(path["path"]), *cells, band(path["concern"])])
    yield from stripped(fitting(rows, width))
    if len(paths) > SHOWN:
        yield Text(f"and {len(paths) - SHOWN} paths of less concern", style="dim")
    yield from _said(_what_changes_the_worst(summary["flips"]), width)


def _what_changes_the_worst(found: Json | None) -> str:
    if found is None:
        return "What would change the worst path is out of reach for a story of this size."
    if found["compared"] < 2:
        return "There is no other path that could be worse."
    if not found["found"]:
        rest = "" if found["complete"] else " looked at (not all of them could be)"
        return (
            f"No one assumption and no pair{rest} would, once known, make another path the worst."
        )
    open_ones = [flip for flip in found["found"] if not flip["shuts"]]
    flip = (open_ones or found["found"])[0]
    many = "assumption" if found["size"] == 1 else "pair of assumptions"
    but = "" if open_ones or found["size"] > 1 else ", which shuts the worst path"
    return (
        f"The worst path changes with one {many}: {plain(' and '.join(flip['literals']))} "
        f"({percent(flip['probability'])}{but}) would make it {plain(flip['path'])}; "
        f"{len(found['found'])} such in all."
    )
