"""How it ends, and how it gets there."""

from collections.abc import Sequence

from storyodds.reports.contract.estimate import Estimate, FailurePath
from storyodds.reports.contract.summaries import Interval, Summary
from storyodds.reports.dashboard.page_data import Dossier
from storyodds.reports.dashboard.parts import Section, Table, listed
from storyodds.reports.dashboard.pictures import drawn
from storyodds.reports.figures.drawing.cells import with_band
from storyodds.reports.words.aliases import Json
from storyodds.reports.words.endings import CLASS_GLOSSES
from storyodds.reports.words.labels import literal_label
from storyodds.reports.words.numbers import counted, percent, sentence_case
from storyodds.reports.words.sentences import (
    ARGUED,
    cases,
    errors_of,
    headline_fates,
    is_risk_argument,
)
from storyodds.reports.words.sequences import NARROWED, is_sequence, link_words, path_links
from storyodds.scenarios.grammar.names import literal_name
from storyodds.scenarios.grammar.stages import without_stage

CLAIM = 90  # characters of it beside its id; the whole of it is in the story as given
BEYOND = 10  # paths that are told one by one


def how_it_ends(dossier: Dossier) -> Section:
    """Classes and fates, before the evidence and after it."""
    estimate = dossier.estimate
    return Section(
        id="how-it-ends",
        title="How it ends",
        finding=_ends_words(estimate),
        figures=drawn(dossier, "odds") if _spreads(dossier) else (),
        tables=_without_opinions(estimate),
        notes=(*_class_notes(estimate), *_false_alarms(estimate)),
        half=True,
        stays=False,
    )


def _spreads(dossier: Dossier) -> bool:
    """Whether there is more to draw than one fixed number."""
    return bool(dossier.assessment.prepared.uncertain) or not is_risk_argument(dossier.estimate)


def _ends_words(estimate: Estimate) -> str:
    """The likeliest class and fate; of a risk argument, the chance that it argues for."""
    classes, fates = estimate["classes"], estimate["fates"]
    if is_risk_argument(estimate):
        chance = with_band(fates["catastrophe"], errors_of(estimate, "catastrophe"))
        return f"{ARGUED} {chance}."
    kind = max(classes, key=lambda name: classes[name]["mean"])
    fate = max(fates, key=lambda name: fates[name]["mean"])
    odds = [
        with_band(classes[kind], errors_of(estimate, kind)),
        with_band(fates[fate], errors_of(estimate, fate)),
    ]
    return (
        f"Of the four classes of model, “{kind}” is the likeliest, {odds[0]}; of the five fates, "
        f"“{fate}”, {odds[1]}."
    )


def _class_notes(estimate: Estimate) -> tuple[str, ...]:
    """What the classes are; a risk argument is not shown by class."""
    if is_risk_argument(estimate):
        return ()
    glosses = "; ".join(f"{name}: {gloss}" for name, gloss in CLASS_GLOSSES.items())
    return (f"{sentence_case(glosses)}.",)


def _without_opinions(estimate: Estimate) -> tuple[Table, ...]:
    """Totals with the forecasts and without them, where there are any."""
    opinions = estimate["opinions"]
    if opinions is None:
        return ()
    entries: list[tuple[str, Summary, Summary]] = [
        *((name, entry, opinions["classes"][name]) for name, entry in estimate["classes"].items()),
        *((name, entry, opinions["fates"][name]) for name, entry in estimate["fates"].items()),
    ]
    rows = tuple(
        (name, with_band(entry, errors_of(estimate, name)), with_band(without))
        for name, entry, without in entries
        if name == "catastrophe" or not is_risk_argument(estimate)
    )
    return (
        Table(
            "With forecasts, which are opinions, and without",
            ("ending", "with", "without"),
            rows,
            stays=True,
        ),
    )


def _false_alarms(estimate: Estimate) -> tuple[str, ...]:
    live = any(check["result"] is None for check in estimate["checks"].values())
    if is_risk_argument(estimate) or not live:
        return ()
    return (
        f"False alarms: with a chance of {with_band(estimate['false_alarm'])}, a check stops a "
        "model that would have succeeded.",
    )


def in_cases(dossier: Dossier) -> Section:
    """The headline as dots to count."""
    fates = dossier.estimate["fates"]
    counts = (
        f"{sentence_case(name)}: {cases(dossier.estimate, fates[name])}."
        for name in headline_fates(dossier.estimate)
    )
    return Section(
        id="in-cases",
        title="The same as cases to count",
        finding=" ".join(counts)
        + " "
        + (
            "How sure that is shows in how the dots spread."
            if dossier.assessment.prepared.uncertain
            else "Every number of the story is fixed, so each chance is one value, not a spread."
        ),
        figures=drawn(dossier, "dots") if dossier.assessment.prepared.uncertain else (),
        half=True,
    )


def what_if(dossier: Dossier) -> Section:
    """Sliders; the page's script fills them in."""
    there = "what_if" in dossier.parts
    return Section(
        id="what-if",
        title="What if you believed something else?",
        finding="Move a number, and the chances of endings follow, here, at the top, on the day of "
        "the decision and under “How it ends”. One number alone is answered over its whole travel, "
        "as a fresh estimate would; several at once by the draws kept in this page, as far as "
        "these reach, and beyond by the command that is shown. All else stays as it was estimated, "
        "and says so."
        if there
        else dossier.reasons.get("what_if", ""),
        part="what_if" if there else "",
        stays=False,
    )


_NO_ORDER = "A path needs all of its conditions, which have no order."
_ORDER = (
    "A path is where every stage leaves the model, in order, with what else it needs; unless it "
    "says that training was sent back, it was not."
)


def path_name(path: FailurePath) -> str:
    """What a path ends at: a hazard of the goal, or a route."""
    return str(path["hazard"] or path["route"])


def failure_paths(dossier: Dossier) -> Section:
    """Chains of conditions, the most concerning first."""
    paths: Sequence[FailurePath] = dossier.estimate["paths"]
    selection = paths[:BEYOND]
    shares = {
        (path["path"], frozenset(path["literals"])): path["share"]
        for path in dossier.parts.get("failure", {}).get("paths", ())
    }
    if not paths:
        finding = "The story names no path on which it could fail."
    else:
        links = [
            link_words(path["literals"], path["weakest_link"])
            for path in selection
            if path["weakest_link"]
        ]
        common = max(dict.fromkeys(links), key=links.count) if links else None
        finding = (
            f"Of {counted(len(paths), 'failure path')}, “{path_name(paths[0])}” is of most "
            f"concern{_on_top(dossier, paths[0])}.{_tie(paths)}"
        )
        if common is not None and links.count(common) > 1:
            finding += f" “{common}” is the weakest link of {links.count(common)} of those below."
    return Section(
        id="failure-paths",
        title="Failure paths, ranked",
        finding=finding,
        part="failure_paths",
        data={
            "paths": [_path(dossier, path, shares.get(_key(path))) for path in selection],
            "more": f"{counted(len(paths) - len(selection), 'path')} of less concern "
            f"{'is' if len(paths) - len(selection) == 1 else 'are'} not shown."
            if len(paths) > len(selection)
            else "",
        },
        notes=(
            "Concern is the chance that the path is taken, no check catches it, and it does "
            "catastrophic harm. The weakest link is the condition whose failing would lower it "
            f"most. {_ORDER if dossier.estimate['stages'] else _NO_ORDER}",
        ),
        tables=_mechanisms(dossier.estimate),
        long=True,
    )


def _mechanisms(estimate: Estimate) -> tuple[Table, ...]:
    """Concern by mechanism, of routes that share one."""
    rows = tuple(
        (
            name,
            ", ".join(mechanism["routes"]),
            with_band(mechanism["probability"]),
            with_band(mechanism["concern"]),
        )
        for name, mechanism in estimate["mechanisms"].items()
    )
    heads = ("mechanism", "routes", "chance", "concern")
    return (Table("Concern by mechanism", heads, rows),) if rows else ()


def _tie(paths: Sequence[FailurePath]) -> str:
    """Say that the first paths tie, where they do."""
    tied = sum(path["place"] == paths[0]["place"] for path in paths)
    if tied == 1 or paths[0]["concern"]["mean"] == 0:
        return ""
    return f" It ties with {counted(tied - 1, 'other')}: none of these is worse than the others."


def _on_top(dossier: Dossier, path: FailurePath) -> str:
    """How often a path is the worst, where that can differ from draw to draw."""
    if not dossier.assessment.prepared.uncertain:
        return ""
    return f", and is the worst path in {percent(path['share_top'])} of the draws"


def _key(path: FailurePath) -> tuple[str, frozenset[str]]:
    return path_name(path), frozenset(path["literals"])


def _path(dossier: Dossier, path: FailurePath, share: Interval | None) -> Json:
    resolved, weakest = dossier.assessment.prepared.resolved, path["weakest_link"]
    return {
        "rank": path["rank"],
        "name": path_name(path),
        "claim": path["claim"],
        "opening": _opening(path),
        "links": [
            {
                "words": link.words,
                "claim": literal_label(resolved, link.literal, CLAIM).rstrip("."),
                "weak": link.literal == weakest,
                "told": _told(dossier, link.literal),
            }
            for link in path_links(path["literals"], weakest)
        ],
        "weakest": None if weakest is None else link_words(path["literals"], weakest),
        "probability": with_band(path["probability"]),
        "undetected": with_band(path["undetected"]),
        "concern": with_band(path["concern"]),
        "share": None if share is None else with_band(share),
        "top": percent(path["share_top"]),
        "checks": listed(path["checks"]),
        "overlaps": path["overlaps"],
        "narrowed": NARROWED if path["narrowed"] else None,
    }


def _opening(path: FailurePath) -> str:
    if is_sequence(path["literals"]):
        return "In this order"
    return "Needs all of" if len(path["literals"]) > 1 else "Needs"


def _told(dossier: Dossier, literal: str) -> str | None:
    """The assumption of a link, where the page lists it."""
    name = literal_name(without_stage(literal))
    return name if name in dossier.story.assumptions else None
