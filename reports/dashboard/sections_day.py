"""The day of the decision, the four criteria, and the hazards of the goal."""

from storyodds.reports.dashboard.dossier import Dossier
from storyodds.reports.dashboard.parts import Json, Section, Table, with_band
from storyodds.reports.frame import NO_DECISION, flagged_words
from storyodds.reports.wording import percent

_CRITERIA = {
    "goal_alignment": "goal, alignment: an intended model is good",
    "goal_competitiveness": "goal, competitiveness: it is strong enough",
    "rationale_alignment": "rationale, alignment: training leads to one",
    "rationale_competitiveness": "rationale, competitiveness: training is feasible",
}


def decision_day(dossier: Dossier) -> Section:
    """The odds once no check has flagged, and what each check does."""
    estimate = dossier.estimate
    name = ("decision-day", "On the day of the decision")
    checks = estimate["checks"]
    if not checks:
        return Section(
            *name,
            finding="The story has no check, so every model is deployed: the odds are those above.",
            half=True,
        )
    live = [check for check in checks.values() if check["result"] is None]
    tables = [_checks_table(estimate)]
    if live and estimate["deployed"] is not None:
        tables.insert(0, _day_table(estimate["deployed"]))
    return Section(
        *name,
        finding=_day_finding(estimate, bool(live)),
        tables=tuple(tables),
        notes=(
            "What a check takes off is by how much a catastrophe would be likelier without it, "
            "the others being there. A check with a result is evidence, and halts nothing.",
        ),
        half=True,
    )


def _day_finding(estimate: Json, live: bool) -> str:
    day, flagged = estimate["deployed"], flagged_words(estimate)
    if day is None:
        finding = NO_DECISION
    elif not live:
        finding = "Every check has its result, so the odds are those of the decision already."
    else:
        finding = (
            f"With a chance of {with_band(day['probability'])} no check flags the model; then "
            f"success has {with_band(day['success'])}, and catastrophe "
            f"{with_band(day['catastrophe'])}."
        )
    return f"{finding} {flagged}" if flagged is not None else finding


def _day_table(day: Json) -> Table:
    fates = [name for name in day if name not in ("probability", "classes")]
    rows = [(name, with_band(day[name])) for name in fates]
    rows += [(f"class {name}", with_band(entry)) for name, entry in day["classes"].items()]
    return Table("Odds once no check has flagged", ("ending", "chance"), tuple(rows))


def _checks_table(estimate: Json) -> Table:
    rows = tuple(
        (
            name,
            check["result"] or "not known yet",
            "–" if check["added"] is None else with_band(check["added"]),
        )
        for name, check in estimate["checks"].items()
    )
    return Table("The checks", ("check", "result", "takes off the chance of catastrophe"), rows)


def criteria(dossier: Dossier) -> Section:
    """The four criteria; those of the goal are of a run made to end as intended."""
    estimate = dossier.estimate
    given, hazards = estimate["criteria_given_intended"], estimate["hazards"]
    rows = tuple(
        (
            words,
            "not stated" if entry is None else with_band(entry),
            with_band(given[key]) if hazards and key in given else "",
        )
        for key, words in _CRITERIA.items()
        for entry in [estimate["criteria"][key]]
    )
    heads = ("criterion", "chance", "once training ends as intended")
    tables = [Table("The four criteria of a training story", heads, rows)]
    if hazards:
        tables.append(_hazards_table(hazards))
    led, good = (
        percent(estimate["criteria"][key]["mean"])
        for key in ("rationale_alignment", "goal_alignment")
    )
    return Section(
        id="criteria",
        title="The four criteria, and the hazards of the goal",
        finding=f"Training leads to an intended model with a chance of {led}; a run made to end "
        f"at one gives a good model with {good}.",
        tables=tuple(tables),
        notes=(
            "The goal's criteria are of a run that is made to end as intended; that training does "
            "end so tells something of the goal, too. Hazards fire each by itself, in no order, "
            "and several may.",
        )
        if hazards
        else (),
        half=True,
    )


def _hazards_table(hazards: Json) -> Table:
    rows = tuple(
        (name, entry["criterion"], with_band(entry), with_band(entry["given_intended"]))
        for name, entry in hazards.items()
    )
    return Table(
        "Hazards of the goal", ("hazard", "criterion", "fires", "of intended models"), rows
    )
