"""The page of all stories of a folder: by kind, ranked, with overrides and what has changed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from storyodds.models.story.events import Headline
from storyodds.reports.contract.estimate import Estimate
from storyodds.reports.dashboard.html import rendered
from storyodds.reports.dashboard.parts import listed
from storyodds.reports.dashboard.sections_history import finding, step_tables
from storyodds.reports.documents.history.makes import History
from storyodds.reports.figures.drawing.cells import with_band
from storyodds.reports.figures.history import DRAWN, strip
from storyodds.reports.words.aliases import Json
from storyodds.reports.words.endings import NO_CLAIM_OF_SAFETY
from storyodds.reports.words.numbers import about_one_in, counted, percent
from storyodds.reports.words.sentences import errors_of, headline_fates, is_risk_argument
from storyodds.scenarios.schema import RISK_ARGUMENT

# By the author's kind: a heading, what such a story is, and the name of its section.
KINDS = {
    "training-story": (
        "Training stories",
        "Each says how training could end, well and badly.",
    ),
    "risk-argument": (
        "Risk arguments",
        "Each argues for one chance, that of catastrophe, and makes no claim about success.",
    ),
    "not-stated": (
        "Kind not stated",
        "Results of an earlier version of the software, which did not keep the author's kind.",
    ),
}


@dataclass(frozen=True)
class Entry:
    """One story of the folder.

    Attributes
    ----------
    estimate : mapping
        "storyodds/estimate/1", of this make or of an earlier one.
    history : History
    has_page : bool
        Whether there is a page of it to link to.
    is_new : bool
        Whether it was made this time.
    worst_path : mapping or None
        `name`, `concern` and `how` of its worst path, where it was made this time.
    """

    estimate: Estimate
    history: History = field(default_factory=History)
    has_page: bool = True
    is_new: bool = True
    worst_path: Json | None = None


@dataclass(frozen=True)
class Comparison:
    """A page of the folder that compares stories: its file and its title."""

    file: str
    title: str


def index_page(
    entries: Sequence[Entry],
    comparisons: Sequence[Comparison] = (),
    problems: Sequence[str] = (),
) -> str:
    """Write the page of all stories.

    Parameters
    ----------
    entries : sequence of Entry
        Each has a page of its own, `<story>.html`, where it says so.
    comparisons : sequence of Comparison
    problems : sequence of str
        A sentence for each file of the folder that could not be read.

    Returns
    -------
    str
        An HTML document that loads nothing.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.reports.documents.estimate import summarize
    >>> from storyodds.scenarios.resolve import resolve
    >>> estimate = summarize(assess(resolve(load_story("carlsmith-six-premises"))))
    >>> "carlsmith-six-premises.html" in index_page([Entry(estimate)])
    True
    """
    groups = [_group(kind, own) for kind in KINDS if (own := _of_kind(entries, kind))]
    doubtful = [str(e.estimate["story"]) for e in entries if not e.estimate["diagnostics"]["ok"]]
    return rendered(
        "index.html.j2",
        data=None,
        script=own_file("index.js"),
        more_style=own_file("overview.css"),
        doubtful=False,
        description=f"{_title(groups)}. {NO_CLAIM_OF_SAFETY}",
        unreliable=doubtful,
        title=_title(groups),
        total=counted(len(entries), "story").replace("storys", "stories"),
        groups=groups,
        comparisons=comparisons,
        problems=[*problems, *(p for e in entries for p in e.history.problems)],
        no_claim=NO_CLAIM_OF_SAFETY,
    )


@cache
def own_file(name: str) -> str:
    """Give a file of this room, a script or a style."""
    return (files("storyodds.reports.dashboard.overview") / name).read_text("utf-8")


def _kind(estimate: Estimate) -> str:
    return str(estimate.get("kind") or "not-stated")


def _of_kind(entries: Sequence[Entry], kind: str) -> list[Entry]:
    own = [entry for entry in entries if _kind(entry.estimate) == kind]
    return sorted(
        own, key=lambda e: (-e.estimate["fates"]["catastrophe"]["mean"], e.estimate["story"])
    )


def _title(groups: Sequence[Json]) -> str:
    """Count the stories of each kind.

    Examples
    --------
    >>> _title([{"name": "Training stories", "rows": [1, 2]}])
    '2 training stories'
    """
    counts = []
    for group in groups:
        n, name = len(group["rows"]), str(group["name"]).lower()
        one = {"training stories": "training story", "risk arguments": "risk argument"}
        if name in one:
            counts.append(f"{n} {one[name] if n == 1 else name}")
        else:
            counts.append(f"{n} of a {name}")
    return listed(counts)


def _group(kind: str, entries: Sequence[Entry]) -> dict[str, object]:
    """The stories of one kind, the most dangerous first."""
    name, gloss = KINDS[kind]
    fates: tuple[Headline, ...] = ("catastrophe", "success")
    if kind == RISK_ARGUMENT:
        fates = ("catastrophe",)
    tops = {
        fate: max(float(e.estimate["fates"][fate][end]) for e in entries for end in ("mean", "q95"))
        for fate in fates
    }
    rows = [_row(rank, entry, fates, tops) for rank, entry in enumerate(entries, start=1)]
    return {
        "id": kind,
        "name": name,
        "gloss": gloss,
        "finding": _finding(entries, fates),
        "fates": fates,
        "rows": rows,
        "scales": "; ".join(f"{fate} from 0 to {percent(top)}" for fate, top in tops.items()),
    }


def _finding(entries: Sequence[Entry], fates: Sequence[Headline]) -> str:
    """Who comes first, where there is an order."""
    if len(entries) < 2:
        return ""
    first = entries[0].estimate
    chance = with_band(first["fates"]["catastrophe"], errors_of(first, "catastrophe"))
    words = f"“{first['title']}” has the largest chance of catastrophe, {chance}"
    if "success" in fates:
        best = max(
            (e.estimate for e in entries), key=lambda estimate: estimate["fates"]["success"]["mean"]
        )
        chance = with_band(best["fates"]["success"], errors_of(best, "success"))
        words += f"; “{best['title']}” has the largest of success, {chance}"
    sentence = f"{words}. Intervals that overlap do not settle an order."
    if any(overrides(e.estimate) for e in entries):
        sentence += (
            " Some of these are not as their authors wrote them: what was changed stands with the "
            "name."
        )
    return sentence


def overrides(estimate: Estimate) -> list[str]:
    """Say what of a story is not as its author wrote it.

    Examples
    --------
    >>> overrides({"view": "sceptic", "settings": {"aware": "0.5", "check:audit": "off"}})
    ['view sceptic', 'aware = 0.5', 'check:audit off']
    """
    words = [f"view {estimate['view']}"] if estimate["view"] else []
    for name, value in estimate["settings"].items():
        words.append(f"{name} off" if value == "off" and ":" in name else f"{name} = {value}")
    return words


def _row(
    rank: int, entry: Entry, fates: Sequence[Headline], tops: Mapping[Headline, float]
) -> dict[str, object]:
    estimate, history = entry.estimate, entry.history
    d, changed = estimate["diagnostics"], overrides(estimate)
    own = headline_fates(estimate)
    makes = [(make.day, make.estimate) for make in history.makes]
    return {
        "rank": rank,
        "story": estimate["story"],
        "title": estimate["title"],
        "href": f"{estimate['story']}.html" if entry.has_page else None,
        "overrides": changed,
        "odds": [
            {
                "fate": fate,
                "sort": float(estimate["fates"][fate]["mean"]),
                "words": with_band(estimate["fates"][fate], errors_of(estimate, fate)),
                "count": about_one_in(estimate["fates"][fate]["mean"]),
                "strip": strip(estimate, fate, tops[fate]),
            }
            for fate in fates
        ],
        "path": entry.worst_path,
        "ok": d["ok"],
        "messages": " ".join(f"{message}." for message in d["messages"]),
        "method": estimate["method"],
        "draws": counted(d["draws"], "draw") if d["draws"] > 1 else "nothing sampled",
        "made": makes[-1][0] if makes else "",
        "is_new": entry.is_new,
        "changed": finding(history),
        "steps": list(step_tables(history, own, newest=1)),
        "makes": list(_makes(makes[-DRAWN:], own)) if len(makes) > 1 else [],
        "search": " ".join([estimate["story"], estimate["title"], *changed]).lower(),
        "argued": is_risk_argument(estimate),
    }


def _makes(
    makes: Sequence[tuple[str, Estimate]], fates: Sequence[Headline]
) -> Iterator[dict[str, object]]:
    """The odds of every make, the newest first, each fate on one scale."""
    tops = {
        fate: max(
            float(document["fates"][fate][end]) for _, document in makes for end in ("mean", "q95")
        )
        for fate in fates
    }
    for time, estimate in reversed(makes):
        odds = [
            {
                "fate": fate,
                "words": with_band(estimate["fates"][fate], errors_of(estimate, fate)),
                "strip": strip(estimate, fate, tops[fate], time),
            }
            for fate in reversed(fates)
        ]
        yield {"time": time, "odds": odds}
