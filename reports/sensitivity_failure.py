"""If a story fails: how, by how far, and where.

`summarize_failure` gives a JSON object. Failure is deployed and no success: what a check halts
stands beside it.

failure, halted
    SUMMARY of P(failure), and of P(a check halts it), which is no failure.
given_failure
    `catastrophe`, `safe` and `deceptive`: SUMMARY of each, given failure; null where failure is
    impossible.
assumptions
    A list, those first whose being false leaves the most catastrophes among failures:
    `assumption`, `composite`, `probability` (SUMMARY of its being true), and for `if_false` and
    `if_true` SUMMARY of P(failure), of P(halted) and of the three shares of failure, given that;
    null where the condition is impossible. The list is null where the story is too large for it.
miss
    `likeliest_class`, and `targets`: for `likeliest` and `even` the `bits` that the intended class
    needs (negative: has to spare) by the posterior means, `median`, `q05` and `q95` over the
    draws, `out_of_reach` and `never_lost` (shares of draws that no 60 bits either way would
    change), `status` (found, out of reach, never lost, or not worked out), `pareto_k` and
    `refitted`. A number that is infinite is null.
near_misses
    `threshold`; SUMMARY of the shares of failure that are near misses (`share`), other misses of
    the goal (`far`), and failures though the goal was reached (`goal_reached`); and by `routes`:
    `route`, `probability`, `no_catastrophe` (once deployed; SUMMARY each; null for a route that is
    never deployed), `near`.
paths
    The failure paths as `estimate` ranks them: `place`, which those that tie share, `path`,
    `literals`, `concern` (SUMMARY), `share` of P(catastrophe) (SUMMARY, as Fussell and Vesely have
    it), `share_top` (how often over the draws it ranks first, ties shared evenly) and `overlaps`
    (whether another path of the same ending can hold with it).
flips
    `worst`: the worst path, or those that tie for it (`path`, `literals`). `size` of the smallest
    sets of assumptions that, known, make another path the worst (null: none of up to two), `found`
    (`literals`, `probability`, `shuts`, `path`, `concern`), `complete`, `close` (sets that the
    draws cannot decide) and `compared` paths. Null where the story is too large for it.

SUMMARY is `{"mean", "median", "q05", "q95"}`.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.assessment.concerns import concerns
from storyodds.models.changes.what_if import Base, base_of
from storyodds.models.importance.measures import literal_text
from storyodds.models.numerics import systematic
from storyodds.models.sensitivity import failure
from storyodds.models.sensitivity.distance_to_goal import Miss, misses
from storyodds.models.sensitivity.failure import ENDS, SAFE, NearMiss
from storyodds.models.sensitivity.worst_path import Flip, flips
from storyodds.priors.text.errors import UnsupportedStoryError
from storyodds.reports.frame import titled
from storyodds.reports.layout import Row, dim, fitting, stripped, wrap
from storyodds.reports.summary import (
    Summary,
    finite,
    path_record,
    summarize_draws,
    summarize_quotient,
)
from storyodds.reports.words.aliases import Json
from storyodds.reports.words.numbers import band, bits, percent, unique_names
from storyodds.reports.words.sentences import HEADLINE_FATES
from storyodds.reports.words.shortening import plain
from storyodds.scenarios.grammar.outcomes import CLASSES

Array = NDArray[np.float64]

SHOWN = 10  # rows of a table
_NEVER = 1e-6  # of the chance of failing: a smaller one is as good as none
_ALIKE = 0.01  # shares that differ by less, of themselves, are as good as equal
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
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> found = summarize_failure(assess(resolve(load_story("carlsmith-six-premises"))))
    >>> [round(found["given_failure"][name]["mean"], 4) for name in ("catastrophe", "safe")]
    [1.0, 0.0]
    """
    base = base_of(assessment) if base is None else base
    overall = failure.overall(assessment)
    works: dict[str, Callable[[], Any]] = {
        "assumptions": partial(_assumptions, assessment),
        "miss": partial(_miss, assessment, base),
        "near_misses": partial(_near_misses, assessment, overall),
        "paths": partial(_paths, assessment, overall),
        "flips": partial(_flips, assessment),
    }
    sides = (
        _Side(overall[0], np.ones(len(overall[0])), assessment.averaged.weights),
        _Side(overall[1], np.ones(len(overall[1])), assessment.exact.weights),
    )
    return {**_told(*sides), **{part: works[part]() for part in parts}}


@dataclass(frozen=True)
class _Side:
    """How the story ends where a condition holds, at draws that means or bands are taken of.

    Attributes
    ----------
    ends : (n_draws, 5) array
        By `ENDS`, joint with the condition.
    chance, weights : (n_draws,) array
        P(condition), and what each draw counts.
    """

    ends: Array
    chance: Array
    weights: Array

    def end(self, name: str) -> Array:
        """P(an end and the condition)."""
        return np.asarray(self.ends[:, ENDS.index(name)])

    @property
    def failed(self) -> Array:
        """P(failure and the condition)."""
        return self.end("safe") + self.end("catastrophe")


def _told(averaged: _Side, exact: _Side) -> dict[str, Any]:
    """Summarize P(failure | condition), P(halted | condition) and the shares of failure."""

    def given(pick: Callable[[_Side], Array], whole: Callable[[_Side], Array]) -> Summary | None:
        means, drawn = ((pick(side), whole(side), side.weights) for side in (averaged, exact))
        return summarize_quotient(means, drawn)

    def share(name: str) -> Summary | None:
        return given(lambda side: side.end(name), lambda side: side.failed)

    return {
        "failure": given(lambda side: side.failed, lambda side: side.chance),
        "halted": given(lambda side: side.end("halted"), lambda side: side.chance),
        "given_failure": {name: share(name) for name in _SHARES},
    }


def _assumptions(assessment: Assessment) -> list[dict[str, Any]] | None:
    try:
        sides = failure.ends(assessment)
    except UnsupportedStoryError:
        return None
    graph = assessment.prepared.graph
    composites = {variable.name for variable in graph.variables if variable.formula is not None}
    listed = []
    for v, name in enumerate(sides[0].names):
        entry: dict[str, Any] = {"assumption": name, "composite": name in composites}
        true, false = (
            [_side(getattr(side, key)[:, :, v], side.weights) for side in sides]
            for key in ("true", "false")
        )
        believed, drawn = true
        entry["probability"] = summarize_draws(
            believed.chance, believed.weights, drawn.chance, drawn.weights
        )
        entry["if_false"], entry["if_true"] = _told(*false), _told(*true)
        listed.append(entry)
    return sorted(listed, key=_rank)


def _side(ends: Array, weights: Array) -> _Side:
    """How it ends with an assumption: deceptive is no end of its own."""
    exclusive = [k for k, name in enumerate(ENDS) if name != "deceptive"]
    return _Side(ends, ends[:, exclusive].sum(axis=1), weights)


def _rank(entry: Json) -> float:
    share = entry["if_false"]["given_failure"]["catastrophe"]
    return math.inf if share is None else -round(share["mean"], 9)


def _miss(assessment: Assessment, base: Base) -> dict[str, Any]:
    exact = assessment.exact
    drawn = exact.values
    if np.ptp(exact.weights) > 0:
        drawn = drawn[systematic(exact.weights, len(drawn))]
    classes = base.means[: len(CLASSES)]
    return {
        "likeliest_class": CLASSES[int(classes.argmax())],
        "targets": {miss.target: _target(miss) for miss in misses(base, drawn)},
    }


def _target(miss: Miss) -> dict[str, Any]:
    drawn = miss.by_draw
    complete = not np.isnan(drawn).any()
    levels = (
        np.quantile(drawn, [0.5, 0.05, 0.95], method="inverted_cdf") if complete else [np.nan] * 3
    )
    status = "not worked out"
    if not math.isnan(miss.bits):
        status = "found" if math.isfinite(miss.bits) else "out of reach"
        status = "never lost" if miss.bits == -math.inf else status
    return {
        "bits": finite(miss.bits),
        **dict(zip(("median", "q05", "q95"), map(finite, levels), strict=True)),
        "out_of_reach": float((drawn == np.inf).mean()) if complete else None,
        "never_lost": float((drawn == -np.inf).mean()) if complete else None,
        "status": status,
        "pareto_k": miss.pareto_k,
        "refitted": miss.refitted,
    }


def _near_misses(assessment: Assessment, overall: tuple[Array, Array]) -> dict[str, Any]:
    missed = failure.near_misses(assessment)
    weights = assessment.averaged.weights, assessment.exact.weights
    sides = [
        _Side(ends, np.ones(len(ends)), counts)
        for ends, counts in zip(overall, weights, strict=True)
    ]
    parts: dict[str, list[Array]] = {"near": [], "far": [], "goal_reached": []}
    for side, which in zip(sides, ("averaged", "exact"), strict=True):
        for key in ("near", "far"):
            routes = [getattr(m, which).deployed for m in missed if m.near == (key == "near")]
            parts[key].append(np.sum([np.zeros(len(side.ends)), *routes], axis=0))
        rest = side.failed - parts["near"][-1] - parts["far"][-1]
        parts["goal_reached"].append(np.maximum(rest, 0))

    def share(name: str) -> Summary | None:
        means, drawn = (
            (part, side.failed, side.weights) for part, side in zip(parts[name], sides, strict=True)
        )
        return summarize_quotient(means, drawn)

    return {
        "threshold": SAFE,
        "share": share("near"),
        "far": share("far"),
        "goal_reached": share("goal_reached"),
        "routes": [_near_miss(miss, *weights) for miss in missed],
    }


def _near_miss(miss: NearMiss, weights: Array, exact_weights: Array) -> dict[str, Any]:
    averaged, exact = miss.averaged, miss.exact
    return {
        "route": miss.route,
        "probability": summarize_draws(
            averaged.probability, weights, exact.probability, exact_weights
        ),
        "no_catastrophe": summarize_quotient(
            (averaged.deployed - averaged.catastrophe, averaged.deployed, weights),
            (exact.deployed - exact.catastrophe, exact.deployed, exact_weights),
        ),
        "near": miss.near,
    }


def _paths(assessment: Assessment, overall: tuple[Array, Array]) -> list[dict[str, Any]]:
    ranked = concerns(assessment)
    weights, exact_weights = assessment.averaged.weights, assessment.exact.weights
    averaged, exact = (ends[:, ENDS.index("catastrophe")] for ends in overall)
    return [
        {
            "place": ranked.ranks.rank[k],
            **path_record(path),
            "concern": summarize_draws(
                ranked.averaged[k].concern, weights, ranked.exact[k].concern, exact_weights
            ),
            "share": summarize_quotient(
                (ranked.averaged[k].concern, averaged, weights),
                (ranked.exact[k].concern, exact, exact_weights),
            ),
            "share_top": float(ranked.ranks.share_top[k]),
            "overlaps": path.overlaps,
        }
        for k, path in enumerate(ranked.paths)
    ]


def _flips(assessment: Assessment) -> dict[str, Any] | None:
    try:
        changes = flips(assessment)
    except UnsupportedStoryError:
        return None
    return {
        "worst": [path_record(path) for path in changes.worst],
        "size": len(changes.found[0].literals) if changes.found else None,
        "found": [_flip(flip) for flip in changes.found],
        "complete": changes.complete,
        "close": changes.close,
        "compared": changes.compared,
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


def lines_failure(
    summary: Json, width: int, fates: Sequence[str] = HEADLINE_FATES
) -> Iterator[Text]:
    """Lay it out for a terminal.

    Parameters
    ----------
    summary : mapping
        From `summarize_failure`.
    width : int
        Columns of the terminal.
    fates : sequence of str
        Which the story makes a claim about; without success, there is none of missing it.
    """
    if "success" in fates:
        yield from _how(summary, width)
        yield from _how_far(summary, width)
    yield from _where(summary, width)


def _wrapped(text: str, width: int, style: str = "") -> Iterator[Text]:
    yield from wrap(Text(text, style=style), width)


def _mean(entry: Json | None) -> str:
    return "–" if entry is None else percent(entry["mean"])


def _within(entry: Json) -> str:
    spread = band(entry)
    return f" ({spread})" if spread else ""


def _how(summary: Json, width: int) -> Iterator[Text]:
    note = "shares of deployed failures, given that the assumption is false"
    yield from titled(width, "If it fails, how?", note)
    given = summary["given_failure"]
    if given["safe"] is None:
        yield from _wrapped(f"The story cannot be deployed and fail.{_halted(summary)}", width)
        return
    yield from _wrapped(
        f"The model is deployed and fails with a chance of {percent(summary['failure']['mean'])}"
        f"{_within(summary['failure'])}.{_halted(summary)} Of deployed failures, "
        f"{_mean(given['safe'])}{_within(given['safe'])} are safe and "
        f"{_mean(given['catastrophe'])}{_within(given['catastrophe'])} end in catastrophe; "
        f"{_mean(given['deceptive'])}{_within(given['deceptive'])} come with a deceptive model.",
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
        dim("if false", "fails", "catastrophe", "deceptive", "is false"),
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
    yield from _wrapped(_safest_and_worst(summary, entries), width)


def _halted(summary: Json) -> str:
    """What checks stop, which stands beside failure and is none."""
    halted = summary["halted"]
    if halted["mean"] == 0:
        return ""
    return f" A check halts it with a chance of {percent(halted['mean'])}, which is no failure."


def _safest_and_worst(summary: Json, entries: Sequence[Json]) -> str:
    """By which assumption failures are safest, and by which most of them are deceptive."""

    def share(entry: Json, name: str) -> float:
        return float(entry["if_false"]["given_failure"][name]["mean"])

    now = {name: float(summary["given_failure"][name]["mean"]) for name in _SHARES}
    least = _NEVER * summary["failure"]["mean"]
    failing = [entry for entry in entries if entry["if_false"]["failure"]["mean"] > least]
    if not failing:
        most = max(entry["if_false"]["failure"]["mean"] for entry in entries)
        return f"With any one of them false, it is deployed and fails with {percent(most)} at most."
    safest = min(failing, key=lambda entry: share(entry, "catastrophe"))
    worst = max(failing, key=lambda entry: share(entry, "deceptive"))
    words = []
    if share(safest, "catastrophe") < now["catastrophe"] * (1 - _ALIKE):
        words.append(
            f"Failure is safest if {plain(safest['assumption'])} is false "
            f"({percent(share(safest, 'catastrophe'))} of it catastrophic, now "
            f"{percent(now['catastrophe'])})."
        )
    if share(worst, "deceptive") > now["deceptive"] * (1 + _ALIKE):
        words.append(
            f"It is most often deceptive if {plain(worst['assumption'])} is false "
            f"({percent(share(worst, 'deceptive'))}, now {percent(now['deceptive'])})."
        )
    return " ".join(words) or "With none of them false is failure safer, or more often deceptive."


_AIMS = {"likeliest": "be the likeliest class", "even": "be as likely as all others together"}


def _how_far(summary: Json, width: int) -> Iterator[Text]:
    yield from titled(width, "How far off?", "bits of selection for the intended class")
    for name, aim in _AIMS.items():
        target = summary["miss"]["targets"][name]
        yield from _wrapped(f"To {aim}: {_distance(target)}", width)
    near = summary["near_misses"]
    if near["share"] is None:
        return
    kinds = [plain(route["route"]) for route in near["routes"] if route["near"]]
    yield from _wrapped(
        f"Of deployed failures, {_mean(near['share'])} are near misses: another model than "
        f"intended, and no catastrophe in at least {percent(near['threshold'])} of runs"
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
    names = _names(summary["paths"])
    rows = [dim("path", "concern", "share", "first in", "90% interval")]
    for path in paths[:SHOWN]:
        cells = [percent(path["concern"]["mean"]), _mean(path["share"]), percent(path["share_top"])]
        rows.append([names[_key(path["path"], path["literals"])], *cells, band(path["concern"])])
    yield from stripped(fitting(rows, width))
    if len(paths) > SHOWN:
        yield Text(f"and {len(paths) - SHOWN} paths of less concern", style="dim")
    tied = [path for path in summary["paths"] if path["place"] == 1]
    if len(tied) > 1:
        ties = ", ".join(names[_key(path["path"], path["literals"])] for path in tied)
        yield from _wrapped(f"{len(tied)} paths tie for the worst: {ties}.", width)
    yield from _wrapped(_what_changes_the_worst(summary["flips"], names), width)


_Key = tuple[str, frozenset[str]]


def _key(ending: str, literals: Sequence[str]) -> _Key:
    return ending, frozenset(literals)


def _names(paths: Sequence[Json]) -> dict[_Key, str]:
    """Names of paths, which tell those apart that end in the same way."""
    endings = [plain(path["path"]) for path in paths]
    needed = [[plain(literal) for literal in path["literals"]] for path in paths]
    names = unique_names(endings, needed)
    return {
        _key(path["path"], path["literals"]): name for path, name in zip(paths, names, strict=True)
    }


def _what_changes_the_worst(found: Json | None, names: Mapping[_Key, str]) -> str:
    if found is None:
        return "What would change the worst path is out of reach for a story of this size."
    if found["compared"] <= len(found["worst"]):
        return "There is no other path that could be worse."
    if not found["found"]:
        rest = "" if found["complete"] else " looked at (not all of them could be)"
        close = f"; {found['close']} are too close to call by these draws" if found["close"] else ""
        return (
            f"No one assumption and no pair{rest} would, once known, make another path the worst"
            f"{close}."
        )
    open_ones = [flip for flip in found["found"] if not flip["shuts"]]
    flip = (open_ones or found["found"])[0]
    many = "assumption" if found["size"] == 1 else "pair of assumptions"
    but = "" if open_ones or found["size"] > 1 else ", which shuts the worst path"
    return (
        f"The worst path changes with one {many}: {plain(' and '.join(flip['literals']))} "
        f"({percent(flip['probability'])}{but}) would make it "
        f"{names.get(_key(flip['path'], flip['path_literals']), plain(flip['path']))}; "
        f"{len(found['found'])} such in all."
    )
