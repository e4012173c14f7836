"""The head of a page: every ending, the criteria, and what all of it assumes."""

from collections.abc import Iterator, Mapping

from storyodds.models.story.events import Fate, Headline
from storyodds.reports.contract.estimate import Criterion, Estimate
from storyodds.reports.contract.summaries import Interval
from storyodds.reports.dashboard import sections_movers as movers
from storyodds.reports.dashboard.page_data import Dossier
from storyodds.reports.words.aliases import Json
from storyodds.reports.words.endings import (
    FATE_GLOSSES,
    NO_CLAIM_OF_SAFETY,
    UNNAMED,
    condition,
    no_hazard_named,
)
from storyodds.reports.words.labels import number_label
from storyodds.reports.words.numbers import NO_ERRORS, Errors, band, percent, sentence_case
from storyodds.reports.words.sentences import (
    NO_DECISION,
    cases,
    day_fates,
    errors_of,
    flagged_words,
    headline_fates,
    is_risk_argument,
    opinions_words,
)

_CRITERIA: Mapping[Criterion, str] = {
    "goal_alignment": "goal, alignment",
    "goal_competitiveness": "goal, competitiveness",
    "rationale_alignment": "rationale, alignment",
    "rationale_competitiveness": "rationale, competitiveness",
}
_NOT_STATED = {"mean": "not stated", "band": ""}


def head(dossier: Dossier) -> Json:
    """Give what stands above the sections of a page.

    Parameters
    ----------
    dossier : Dossier

    Returns
    -------
    mapping
        Texts, for `story.html.j2`.
    """
    estimate = dossier.estimate
    argued = is_risk_argument(estimate)
    under = [f"view {estimate['view']}"] if estimate["view"] else []
    under += [f"{name} = {value}" for name, value in estimate["settings"].items()]
    messages = (f"{sentence_case(it)}." for it in estimate["diagnostics"]["messages"])
    return {
        "story": estimate["story"],
        "title": estimate["title"],
        "under": ", ".join(under),
        "sort": "Risk argument" if argued else "Training story",
        "odds": [_large(estimate, name) for name in headline_fates(estimate)],
        "live": _is_live(estimate) and estimate["deployed"] is not None,
        "deployed": _deployed(estimate),
        "endings": [] if argued else [_ending(estimate, name) for name in estimate["fates"]],
        "criteria": [] if argued else _criteria(estimate),
        "decision": _decision(estimate) if argued else "",
        "hangs": _hangs(dossier),
        "messages": " ".join(messages),
        "notices": [
            words for words in (flagged_words(estimate), opinions_words(estimate)) if words
        ],
        "basis": " ".join(_basis(estimate)),
    }


def _large(estimate: Estimate, name: Headline) -> Json:
    """The chance of a fate, said in every way that a headline does."""
    entry, errors = estimate["fates"][name], errors_of(estimate, name)
    return {
        "name": name,
        "words": f"Chance of {name}",
        "count": cases(estimate, entry),
        "worst": name == "catastrophe",
        **_words(entry, errors),
    }


def _words(entry: Interval, errors: Errors = NO_ERRORS) -> dict[str, str]:
    return {
        "mean": percent(entry["mean"], errors.get("mean", 0.0)),
        "band": band(entry, errors),
    }


def _is_live(estimate: Estimate) -> bool:
    """Whether any check may still halt the model."""
    return any(check["result"] is None for check in estimate["checks"].values())


def _deployed(estimate: Estimate) -> str:
    """The chance that no check flags."""
    day = estimate["deployed"]
    if day is None:
        return ""
    return percent(day["probability"]["mean"], errors_of(estimate, "deployed").get("mean", 0.0))


def _ending(estimate: Estimate, name: Fate) -> Json:
    """A fate, now and on the day of the decision; of halted models none is deployed."""
    day = estimate["deployed"] if _is_live(estimate) else None
    entry = None if day is None else day_fates(day).get(name)
    return {
        "name": name,
        "gloss": FATE_GLOSSES[name],
        "now": _words(estimate["fates"][name], errors_of(estimate, name)),
        "day": None if entry is None else _words(entry),
    }


def _criteria(estimate: Estimate) -> list[Json]:
    """The four criteria; one that the story gives no number for is not stated."""
    return [{"name": name, **_criterion(estimate, key)} for key, name in _CRITERIA.items()]


def _criterion(estimate: Estimate, key: Criterion) -> dict[str, str]:
    entry = estimate["criteria"][key]
    if entry is None:
        return _NOT_STATED
    words = _words(entry)
    return {**words, "band": UNNAMED} if no_hazard_named(estimate, key) else words


def _decision(estimate: Estimate) -> str:
    """Catastrophe once no check has flagged; nothing where no check can halt the model."""
    day = estimate["deployed"]
    if not _is_live(estimate):
        return ""
    if day is None:
        return NO_DECISION
    words = _words(day["catastrophe"])
    spread = f" ({words['band']})" if words["band"] else ""
    return f"Once no check has flagged the model, catastrophe has {words['mean']}{spread}."


def _basis(estimate: Estimate) -> Iterator[str]:
    """What the odds assume, and what they are not."""
    yield NO_CLAIM_OF_SAFETY
    granted = condition(estimate)
    if granted:
        yield granted


def _hangs(dossier: Dossier) -> list[Json]:
    resolved = dossier.assessment.prepared.resolved
    return [
        {
            "event": event,
            "label": number_label(resolved, number["name"]).rstrip("."),
            "name": number["name"],
            "range": movers.from_to(number, event),
            "also": movers.also(dossier, event),
        }
        for event in (headline_fates(dossier.estimate) if dossier.ok else ())
        if (number := movers.largest(dossier, event)) is not None
    ]
