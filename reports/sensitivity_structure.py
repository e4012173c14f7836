"""What the odds owe to how a story is written: its parts, its splits, its independence.

`summarize_structure` gives a JSON object of four parts.

now
    Posterior mean by event: the four classes and the five fates.
leave_one_out
    A list in the order of the story: `part` (constraint, nudge, check or evidence), `id`, `claim`,
    `opinion`, whether it is a forecast, and ANSWER without it.
merged
    A list, one entry for each class that names several routes and one for all of these:
    `routes` by class, the strongest first; `bits_by_number` by class, the log2 odds that it owes
    to being split into several routes; and ANSWER, each class competing with the weight of its
    strongest open route alone.
restated
    A list of conjunctions, the most concerning first: `path`, `literals`, `premises` (how many),
    `prior` and `posterior` of all together, `per_premise` (the geometric mean before the
    evidence), and `fewer`: for each smaller number of `premises` what their `prior` would be at
    as much per premise, and `events`.
dependence
    `pairs` of free assumptions that meet in the most concerning paths, and `bounds` for those
    looked at, the widest first: `literals`, `width` in P(catastrophe), ANSWER for `together` and
    `apart` (null where the evidence would be impossible), and for each of the `paths` its
    probability `now`, `together` and `apart`. Null where the story is too large for it.

ANSWER is `{"events", "pareto_k", "refitted"}`, or null where the changed story is out of reach;
`events` has for each event its `mean`, the `difference` from now, and its Monte Carlo `error`.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from rich.text import Text

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.changes.what_if import Base, Changed, base_of
from storyodds.models.importance.measures import literal_text
from storyodds.models.sensitivity.dependence import Bound, Bounds, dependence_bounds, width
from storyodds.models.sensitivity.structure import Restated, leave_one_out, merge_rivals, restate
from storyodds.models.story.events import EVENTS
from storyodds.priors.text.errors import UnsupportedStoryError
from storyodds.reports.frame import titled
from storyodds.reports.layout import dim, fitting, stripped, wrap
from storyodds.reports.summary import finite, path_record
from storyodds.reports.words.aliases import Json
from storyodds.reports.words.numbers import bits, listed, marked, percent, signed
from storyodds.reports.words.sentences import HEADLINE_FATES
from storyodds.reports.words.shortening import plain

SHOWN = 10  # rows of a table
_ROUNDING = 1e-9  # of the odds: what rounding may leave of a change that is none


def summarize_structure(assessment: Assessment, base: Base | None = None) -> dict[str, Any]:
    """Say what the odds owe to a story's parts, splits and independence.

    Parameters
    ----------
    assessment : Assessment
        Computed exactly, not simulated.
    base : Base, optional
        Of this assessment, where it is at hand.

    Returns
    -------
    dict
        Plain lists, mappings, texts and finite numbers.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> found = summarize_structure(assess(resolve(load_story("cat-classifier"))))
    >>> sorted(found)
    ['dependence', 'leave_one_out', 'merged', 'now', 'restated']
    """
    base = base_of(assessment) if base is None else base
    story = base.prepared.resolved.story
    rationale = story.rationale
    claims = {
        **{part.id: part.claim for part in rationale.constraints},
        **{part.id: part.claim for part in rationale.nudges},
        **{part.id: part.claim for part in story.checks},
        **{part.id: part.claim for part in story.evidence},
    }
    opinions = [item.id for item in story.evidence if item.forecast is not None]
    return {
        "now": _by_event(base.means),
        "leave_one_out": [
            {
                "part": found.part,
                "id": found.id,
                "claim": claims[found.id],
                "opinion": found.id in opinions,
                "answer": _answer(base, found.changed),
            }
            for found in leave_one_out(base)
        ],
        "merged": [
            {
                "routes": {name: list(routes) for name, routes in found.routes.items()},
                "bits_by_number": {
                    name: _bits_by_number(base, found.changed, name) for name in found.routes
                },
                "answer": _answer(base, found.changed),
            }
            for found in merge_rivals(base)
        ],
        "restated": [_restated(found) for found in restate(assessment, base)],
        "dependence": _dependence(assessment),
    }


def _by_event(means: Any) -> dict[str, float]:
    return {name: float(mean) for name, mean in zip(EVENTS, means, strict=True)}


def _answer(base: Base, changed: Changed | None) -> dict[str, Any] | None:
    if changed is None or not all(math.isfinite(mean) for mean in changed.means):
        return None
    return {
        "events": {
            name: {
                "mean": float(changed.means[e]),
                "difference": float(changed.means[e] - base.means[e]),
                "error": float(changed.errors[e]),
            }
            for e, name in enumerate(EVENTS)
        },
        "pareto_k": changed.pareto_k,
        "refitted": changed.refitted,
    }


def _bits_by_number(base: Base, changed: Changed | None, name: str) -> float | None:
    if changed is None:
        return None
    e = EVENTS.index(name)
    odds = []
    for means in (base.means, changed.means):
        yes, no = means[e], sum(means[:4]) - means[e]
        if not (yes > 0 and no > 0):
            return None
        odds.append(math.log2(yes / no))
    return float(odds[0] - odds[1])


def _restated(found: Restated) -> dict[str, Any]:
    n = len(found.path.literals)
    return {
        **path_record(found.path),
        "premises": n,
        "prior": found.prior,
        "posterior": found.posterior,
        "per_premise": found.per_premise,
        "fewer": [
            {"premises": m, "prior": found.per_premise**m, "events": _by_event(means)}
            for m, means in zip(range(n - 1, 0, -1), found.fewer, strict=True)
        ],
    }


def _dependence(assessment: Assessment) -> dict[str, Any] | None:
    try:
        bounds = dependence_bounds(assessment)
    except UnsupportedStoryError:
        return None
    return {"pairs": bounds.pairs, "bounds": [_bound(bounds, bound) for bound in bounds.found]}


def _bound(found: Bounds, bound: Bound) -> dict[str, Any]:
    each = zip(bound.paths, bound.paths_now, bound.paths_together, bound.paths_apart, strict=True)
    return {
        "literals": [literal_text(literal) for literal in bound.literals],
        "width": width(bound),
        "together": _answer(found.base, bound.together),
        "apart": _answer(found.base, bound.apart),
        "paths": [
            {**path_record(path), "now": float(now), "together": finite(up), "apart": finite(down)}
            for path, now, up, down in each
        ],
    }


# On a terminal


def lines_structure(
    summary: Json, width: int, fates: Sequence[str] = HEADLINE_FATES
) -> Iterator[Text]:
    """Lay it out for a terminal.

    Parameters
    ----------
    summary : mapping
        From `summarize_structure`.
    width : int
        Columns of the terminal.
    fates : sequence of str
        Which the story makes a claim about.
    """
    yield from _leave_one_out(summary, width, fates)
    yield from _merged(summary, width, fates)
    yield from _restatements(summary, width)
    yield from _bounds(summary, width)


def _wrapped(lines: str, width: int, style: str = "dim") -> Iterator[Text]:
    yield from wrap(Text(lines, style=style), width)


def _leave_one_out(summary: Json, width: int, fates: Sequence[str]) -> Iterator[Text]:
    entries = [entry for entry in summary["leave_one_out"] if entry["answer"]]
    if not summary["leave_one_out"]:
        return
    yield from titled(width, "The story without one of its parts", "change in percentage points")
    ranked = sorted(entries, key=lambda entry: -_effect(summary, entry["answer"], fates))
    rows = [dim("without", *fates, "deceptive", "part")]
    for entry in ranked[:SHOWN]:
        events = entry["answer"]["events"]
        cells = [_change(events[name]) for name in (*fates, "deceptive")]
        part = marked(entry["part"], entry.get("opinion", False))
        rows.append([plain(entry["id"]), *cells, Text(part, style="dim")])
    yield from stripped(fitting(rows, width))
    if len(ranked) > SHOWN:
        yield Text(f"and {len(ranked) - SHOWN} more parts that do less", style="dim")
    absent = [plain(entry["id"]) for entry in summary["leave_one_out"] if not entry["answer"]]
    if absent:
        yield from _wrapped(f"out of reach without: {', '.join(absent)}", width)
    if ranked:
        yield from wrap(Text(_most(summary, ranked, fates)), width)


def _most(summary: Json, ranked: Sequence[Json], fates: Sequence[str]) -> str:
    """Which part does most, with the odds before and after; or that none does anything."""
    first, of = ranked[0], listed([f"P({fate})" for fate in fates])
    if not any(_moves(first["answer"]["events"][fate]) for fate in fates):
        what = "Leaving out the only part" if len(ranked) == 1 else "Leaving out any one part"
        return f"{what} changes {of} by nothing that can be told from 0."
    changes = [
        f"{fate} would be {percent(first['answer']['events'][fate]['mean'])} instead of "
        f"{percent(summary['now'][fate])}"
        for fate in fates
    ]
    part = f"{_PARTS[first['part']]} {plain(first['id'])}"
    return f"No part does more than the {part}: without it, {', and '.join(changes)}."


_PARTS = {
    "constraint": "constraint",
    "nudge": "nudge",
    "check": "check",
    "evidence": "evidence item",
}


def _effect(summary: Json, answer: Json, fates: Sequence[str]) -> float:
    """How far the odds move, each as a share of what it is now."""
    shares = [
        abs(answer["events"][name]["difference"]) / summary["now"][name]
        for name in fates
        if summary["now"][name] > 0
    ]
    return float(sum(shares))


def _change(event: Json) -> Text:
    """A difference; dim where it is within its Monte Carlo error."""
    difference, error = event["difference"], event["error"]
    return Text(signed(difference, error), style="bold" if _moves(event) else "dim")


def _moves(event: Json) -> bool:
    """Whether a difference is beyond its error, and beyond what rounding leaves of the odds."""
    noise = max(2 * event["error"], _ROUNDING * event["mean"])
    return bool(abs(event["difference"]) > noise)


def _merged(summary: Json, width: int, fates: Sequence[str]) -> Iterator[Text]:
    entries = [entry for entry in summary["merged"] if entry["answer"]]
    if not entries:
        return
    note = "each class with the weight of its strongest open route only"
    yield from titled(width, "If rivals did not count by number", note)
    rows = [dim("merged", "routes", "bits by number", "its chance", *fates)]
    for entry in entries:
        names = list(entry["routes"])
        events = entry["answer"]["events"]
        one = names[0] if len(names) == 1 else None
        total = sum(len(routes) for routes in entry["routes"].values())
        share = f"{percent(summary['now'][one])} → {percent(events[one]['mean'])}" if one else "–"
        split = entry["bits_by_number"][one] if one else None
        cells = [str(total), bits(split), share]
        changes = [_change(events[name]) for name in fates]
        rows.append([one or "all of these", *cells, *changes])
    yield from stripped(fitting(rows, width))
    last = entries[-1]["answer"]["events"]
    yield from wrap(
        Text(
            f"Were {'each class' if len(entries) > 1 else 'the class'} named as one route, "
            f"{fates[0]} would be {percent(last[fates[0]]['mean'])} instead of "
            f"{percent(summary['now'][fates[0]])}."
        ),
        width,
    )


def _restatements(summary: Json, width: int) -> Iterator[Text]:
    entries = summary["restated"]
    if not entries:
        return
    note = "P(catastrophe) in fewer premises, as likely each"
    yield from titled(width, "If premises did not count by number", note)
    rows = [dim("path", "premises", "each about", "now", "one fewer", "as one")]
    for entry in entries:
        fewer = [row["events"]["catastrophe"] for row in entry["fewer"]]
        now = percent(summary["now"]["catastrophe"])
        cells = [str(entry["premises"]), percent(entry["per_premise"]), now]
        rows.append([plain(entry["path"]), *cells, percent(fewer[0]), percent(fewer[-1])])
    yield from stripped(fitting(rows, width))
    note = (
        "A judge who gives every premise about the same, however much it covers, would have said "
        "this of a conjunction cut into fewer. A careful judge need not: it shows how far the "
        "odds lean on the cut."
    )
    yield from _wrapped(note, width)


def _bounds(summary: Json, width: int) -> Iterator[Text]:
    dependence = summary["dependence"]
    entries = (
        [e for e in dependence["bounds"] if e["together"] and e["apart"]] if dependence else []
    )
    if not entries:
        return
    note = "P(catastrophe) if two assumptions were as dependent as can be"
    yield from titled(width, "Where the story takes independence for granted", note)
    rows = [dim("pair", "apart", "together", "path apart", "together", "of")]
    for entry in entries:
        ends = [
            percent(entry[end]["events"]["catastrophe"]["mean"]) for end in ("apart", "together")
        ]
        pair = plain(" + ".join(literal.removeprefix("not ") for literal in entry["literals"]))
        path = entry["paths"][0]
        reached = [percent(path[end]) for end in ("apart", "together")]
        rows.append([pair, *ends, *reached, plain(path["path"])])
    yield from stripped(fitting(rows, width))
    first = entries[0]
    chances = sorted(first[end]["events"]["catastrophe"]["mean"] for end in ("apart", "together"))
    left = dependence["pairs"] - len(dependence["bounds"])
    more = f" {left} more pairs bear less on their paths." if left > 0 else ""
    a, b = (plain(literal.removeprefix("not ")) for literal in first["literals"])
    yield from wrap(
        Text(
            f"Each assumption keeps its own chance. The widest range is that of {a} and {b}: "
            f"{percent(chances[0])} to {percent(chances[1])}, where it is now "
            f"{percent(summary['now']['catastrophe'])}.{more}"
        ),
        width,
    )
