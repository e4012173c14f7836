"""What the odds owe to how a story is written: its parts, its splits, its independence.

`summarize_structure` gives a JSON object of four parts.

now
    Posterior mean by event: the four classes and the five fates.
leave_one_out
    A list in the order of the story: `part` (constraint, nudge, check or evidence), `id`, `claim`
    and ANSWER without it.
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
from collections.abc import Iterator, Mapping
from typing import Any

from rich.text import Text

from storyodds.models.assessment import Assessment
from storyodds.models.dependence_bounds import Bound, Bounds, dependence_bounds, width
from storyodds.models.events import EVENTS
from storyodds.models.importance import literal_text
from storyodds.models.structure import Restated, leave_one_out, merge_rivals, restate
from storyodds.models.what_if import Base, Changed, base_of
from storyodds.priors.errors import UnsupportedStoryError
from storyodds.reports.frame import titled
from storyodds.reports.layout import dim, fitting, plain, stripped, wrap
from storyodds.reports.summary import finite, path_record
from storyodds.reports.wording import bits, percent

Json = Mapping[str, Any]

SHOWN = 10  # rows of a table
_ROUNDING = 1e-9


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
    >>> from storyodds.models.assessment import assess
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
    return {
        "now": _by_event(base.means),
        "leave_one_out": [
            {
                "part": found.part,
                "id": found.id,
                "claim": claims[found.id],
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
        found = dependence_bounds(assessment)
    except UnsupportedStoryError:
        return None
    return {"pairs": found.pairs, "bounds": [_bound(found, bound) for bound in found.found]}


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


def lines_structure(summary: Json, width: int) -> Iterator[Text]:
    """Tell it on a terminal.

    Parameters
    ----------
    summary : mapping
        From `summarize_structure`.
    width : int
        Columns of the terminal.
    """
    yield from _leave_one_out(summary, width)
    yield from _merged(summary, width)
    yield from _restatements(summary, width)
    yield from _bounds(summary, width)


def points(x: float) -> str:
    """A difference of probabilities in percentage points, with its sign.

    Examples
    --------
    >>> points(-0.0803), points(0.00213), points(0.0)
    ('−8.0', '+0.21', '0')
    """
    if abs(x) < 5e-7:
        return "0"
    size = 100 * abs(x)
    said = f"{size:.1f}" if size >= 1 else f"{size:.2g}"
    return ("−" if x < 0 else "+") + said


def _said(lines: str, width: int, style: str = "dim") -> Iterator[Text]:
    yield from wrap(Text(lines, style=style), width)


def _leave_one_out(summary: Json, width: int) -> Iterator[Text]:
    entries = [entry for entry in summary["leave_one_out"] if entry["answer"]]
    if not summary["leave_one_out"]:
        return
    yield from titled(width, "The story without one of its parts", "change in percentage points")
    ranked = sorted(entries, key=lambda entry: -_effect(summary, entry["answer"]))
    rows = [dim("without", "success", "catastrophe", "deceptive", "part")]
    for entry in ranked[:SHOWN]:
        events = entry["answer"]["events"]
        cells = [_change(events[name]) for name in ("success", "catastrophe", "deceptive")]
        rows.append([plain(entry["id"]), *cells, Text(entry["part"], style="dim")])
    yield from stripped(fitting(rows, width))
    if len(ranked) > SHOWN:
        yield Text(f"and {len(ranked) - SHOWN} more parts that do less", style="dim")
    absent = [plain(entry["id"]) for entry in summary["leave_one_out"] if not entry["answer"]]
    if absent:
        yield from _said(f"out of reach without: {', '.join(absent)}", width)
    if ranked:
        most = ranked[0]
        event = most["answer"]["events"]
        yield from wrap(
            Text(
                f"Nothing does more than the {_PARTS[most['part']]} {plain(most['id'])}: without "
                f"it, success would be {percent(event['success']['mean'])} instead of "
                f"{percent(summary['now']['success'])}, and catastrophe "
                f"{percent(event['catastrophe']['mean'])} instead of "
                f"{percent(summary['now']['catastrophe'])}."
            ),
            width,
        )


_PARTS = {
    "constraint": "constraint",
    "nudge": "nudge",
    "check": "check",
    "evidence": "evidence item",
}


def _effect(summary: Json, answer: Json) -> float:
    """How far success and catastrophe move, each as a share of what it is now."""
    shares = [
        abs(answer["events"][name]["difference"]) / summary["now"][name]
        for name in ("success", "catastrophe")
        if summary["now"][name] > 0
    ]
    return float(sum(shares))


def _change(event: Json) -> Text:
    """A difference; dim where it is within its Monte Carlo error."""
    difference, error = event["difference"], event["error"]
    sure = abs(difference) > max(2 * error, _ROUNDING)
    return Text(points(difference), style="bold" if sure else "dim")


def _merged(summary: Json, width: int) -> Iterator[Text]:
    entries = [entry for entry in summary["merged"] if entry["answer"]]
    if not entries:
        return
    note = "each class with the weight of its strongest open route only"
    yield from titled(width, "If rivals did not count by number", note)
    rows = [dim("merged", "routes", "bits by number", "its chance", "success", "catastrophe")]
    for entry in entries:
        names = list(entry["routes"])
        events = entry["answer"]["events"]
        one = names[0] if len(names) == 1 else None
        total = sum(len(routes) for routes in entry["routes"].values())
        share = f"{percent(summary['now'][one])} → {percent(events[one]['mean'])}" if one else "–"
        split = entry["bits_by_number"][one] if one else None
        cells = [str(total), bits(split), share]
        fates = [_change(events[name]) for name in ("success", "catastrophe")]
        rows.append([one or "all of these", *cells, *fates])
    yield from stripped(fitting(rows, width))
    last = entries[-1]["answer"]["events"]
    yield from wrap(
        Text(
            f"Were {'each class' if len(entries) > 1 else 'the class'} named as one route, success "
            f"would be {percent(last['success']['mean'])} instead of "
            f"{percent(summary['now']['success'])}."
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
        told = [str(entry["premises"]), percent(entry["per_premise"]), now]
        rows.append([plain(entry["path"]), *told, percent(fewer[0]), percent(fewer[-1])])
    yield from stripped(fitting(rows, width))
    said = (
        "A judge who gives every premise about the same, however much it covers, would have said "
        "this of a conjunction cut into fewer. A careful judge need not: it shows how far the "
        "odds lean on the cut."
    )
    yield from _said(said, width)


def _bounds(summary: Json, width: int) -> Iterator[Text]:
    found = summary["dependence"]
    entries = [e for e in found["bounds"] if e["together"] and e["apart"]] if found else []
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
    left = found["pairs"] - len(found["bounds"])
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
