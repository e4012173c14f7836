"""The day of the decision, the four criteria, and the hazards of the goal."""

from collections.abc import Mapping

from storyodds.models.story.events import Fate
from storyodds.reports.contract.estimate import Criterion, Estimate, GoalCriteria, HazardOdds
from storyodds.reports.contract.head import Day
from storyodds.reports.contract.summaries import Summary
from storyodds.reports.dashboard.page_data import Dossier
from storyodds.reports.dashboard.parts import Section, Table
from storyodds.reports.figures.drawing.cells import Cell, with_band
from storyodds.reports.words.card import what_the_day_needs
from storyodds.reports.words.checks_together import together_words
from storyodds.reports.words.endings import UNNAMED, no_hazard_named
from storyodds.reports.words.numbers import percent, signed
from storyodds.reports.words.sentences import (
    NO_DECISION,
    day_fates,
    errors_of,
    flagged_words,
    headline_fates,
    is_risk_argument,
)

_CRITERIA: Mapping[Criterion, str] = {
    "goal_alignment": "goal, alignment: no hazard of it fires",
    "goal_competitiveness": "goal, competitiveness: no hazard of it fires",
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
        )
    live = [check for check in checks.values() if check["result"] is None]
    tables = [_checks_table(estimate)]
    if live and estimate["deployed"] is not None:
        tables.insert(0, _day_table(estimate, estimate["deployed"]))
    return Section(
        *name,
        finding=_day_finding(estimate, bool(live)),
        tables=tuple(tables),
        notes=(
            *([together] if (together := together_words(estimate)) else []),
            "What a check takes off is by how much a catastrophe would be likelier without it, "
            "the others being there. A check with a result is evidence, and halts nothing.",
        ),
        stays=False,
        day_needs=what_the_day_needs(estimate),
    )


def _day_finding(estimate: Estimate, live: bool) -> str:
    day, flagged = estimate["deployed"], flagged_words(estimate)
    if day is None:
        finding = NO_DECISION
    elif not live:
        finding = "Every check has its result, so the odds are those of the decision already."
    else:
        finding = (
            "With a chance of "
            f"{with_band(day['probability'], errors_of(estimate, 'deployed'))} no check flags the "
            f"model; then {_then(estimate, day)}."
        )
    return f"{finding} {flagged}" if flagged is not None else finding


def _then(estimate: Estimate, day: Day) -> str:
    return ", and ".join(f"{name} has {with_band(day[name])}" for name in headline_fates(estimate))


def _day_table(estimate: Estimate, day: Day) -> Table:
    if is_risk_argument(estimate):
        fates: tuple[Fate, ...] = ("catastrophe",)
        rows = [("catastrophe", with_band(day["catastrophe"]))]
    else:
        fates = tuple(day_fates(day))
        rows = [(str(name), with_band(entry)) for name, entry in day_fates(day).items()]
        rows += [(f"class {name}", with_band(entry)) for name, entry in day["classes"].items()]
    return Table(
        "Odds once no check has flagged",
        ("ending", "chance"),
        tuple(rows),
        of_day=(*fates, *[""] * (len(rows) - len(fates))),
    )


def _checks_table(estimate: Estimate) -> Table:
    rows = tuple(
        (
            name,
            check["result"] or "not known yet",
            "–" if check["added"] is None else _points_cell(check["added"]),
        )
        for name, check in estimate["checks"].items()
    )
    heads = ("check", "result", "takes off the chance of catastrophe, in points")
    return Table("The checks", heads, rows, stays=True)


def _points_cell(entry: Summary) -> Cell:
    """How many points a check takes off, with the 90 percent interval."""
    mean, low, high = (signed(entry[key]).removeprefix("+") for key in ("mean", "q05", "q95"))
    numbers = {name: 100 * entry[name] for name in ("mean", "median", "q05", "q95")}
    return Cell(mean if low == high else f"{mean} ({low} to {high})", numbers)


def criteria(dossier: Dossier) -> Section | None:
    """The four criteria of a training story; those of the goal are of a run made as intended."""
    estimate = dossier.estimate
    if is_risk_argument(estimate):
        return None
    conditional, hazards = estimate["criteria_given_intended"], estimate["hazards"]
    rows: tuple[tuple[str, ...], ...] = tuple(
        (
            words,
            _criterion_cell(estimate, key),
            *([_given_cell(conditional, key)] if hazards else []),
        )
        for key, words in _CRITERIA.items()
    )
    heads = ("criterion", "chance", "given that training ends as intended")[: len(rows[0])]
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
        finding=f"Training leads to an intended model with a chance of {led}; in a run made to "
        f"end at one, no alignment hazard fires with a chance of {good}"
        + (f" ({UNNAMED})." if no_hazard_named(estimate, "goal_alignment") else "."),
        tables=tuple(tables),
        notes=(
            "The goal's criteria are of a run that is made to end as intended. Beside them: the "
            "same given that training does end so, which is evidence about the goal. Each hazard "
            "fires by itself, in no order, and several may.",
        )
        if hazards
        else (),
    )


def _given_cell(conditional: GoalCriteria, key: Criterion) -> Cell | str:
    """The same given that training ends as intended, of the goal's criteria."""
    if key == "goal_alignment" or key == "goal_competitiveness":
        return with_band(conditional[key])
    return ""


def _criterion_cell(estimate: Estimate, key: Criterion) -> Cell:
    entry = estimate["criteria"][key]
    if entry is None:
        return Cell("not stated", {})
    cell = with_band(entry)
    return Cell(f"{cell}: {UNNAMED}", cell.numbers) if no_hazard_named(estimate, key) else cell


def _hazards_table(hazards: dict[str, HazardOdds]) -> Table:
    rows = tuple(
        (name, entry["criterion"], with_band(entry), with_band(entry["given_intended"]))
        for name, entry in hazards.items()
    )
    return Table(
        "Hazards of the goal",
        ("hazard", "criterion", "fires", "fires, given an intended model"),
        rows,
    )
