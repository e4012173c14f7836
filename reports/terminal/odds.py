"""The odds of one story on a terminal: the headline, and the tables of what comes about."""

from collections.abc import Iterator, Sequence

from rich.text import Text

from storyodds.models.story.events import Headline
from storyodds.reports.contract.estimate import Criterion, Estimate, GoalCriterion
from storyodds.reports.contract.summaries import Interval, Summary
from storyodds.reports.terminal.axis import plot
from storyodds.reports.terminal.frame import heading, warning
from storyodds.reports.terminal.layout import GAP, Row, dim, fitting, with_words, wrap
from storyodds.reports.words.checks_together import together_words
from storyodds.reports.words.endings import FATE_GLOSSES
from storyodds.reports.words.numbers import NO_ERRORS, Errors, about_one_in, band, percent, points
from storyodds.reports.words.sentences import (
    ARGUED,
    NO_DECISION,
    argued_fates,
    errors_of,
    evidence_words,
    flagged_words,
    has_evidence,
    is_risk_argument,
    is_uncertain,
    is_zero,
    never_words,
    no_catastrophe,
)
from storyodds.reports.words.shortening import plain
from storyodds.scenarios.grammar.outcomes import CLASSES, OutcomeClass

# Told apart without red and green, and never by color alone.
COLOR = {
    "intended": "cyan",
    "mesa-optimizer": "yellow",
    "deceptive": "bold red",
    "other": "magenta",
    "success": "cyan",
    "uncompetitive": "yellow",
    "halted": "blue",
    "benign-failure": "magenta",
    "catastrophe": "bold red",
}
_PLOT_WIDTHS = (20, 50)  # a narrower plot shows nothing, a wider one nothing more
_HAZARDS_SHOWN = 6  # the likeliest: a line counts the others
_CRITERIA: tuple[tuple[Criterion, str, str], ...] = (
    ("goal_alignment", "goal, alignment", "an intended model is good"),
    ("goal_competitiveness", "goal, competitiveness", "an intended model is strong enough"),
    ("rationale_alignment", "rationale, alignment", "training leads to one"),
    ("rationale_competitiveness", "rationale, competitiveness", "training is feasible"),
)


def odds_cells(
    summary: Estimate, name: str, entry: Interval, style: str = "", errors: Errors = NO_ERRORS
) -> list[Text | str]:
    """The cells of one probability: its name, its mean, and its interval where it has one."""
    mean = percent(entry["mean"], errors.get("mean", 0.0))
    cells: list[Text | str] = [Text(name, style=style), Text(mean, style="bold")]
    return [*cells, band(entry, errors)] if is_uncertain(summary) else cells


def header(summary: Estimate) -> list[Text | str]:
    """The heads above them."""
    return [*dim("", "chance", "90% interval")[: 3 if is_uncertain(summary) else 2]]


# The headline


def headline(summary: Estimate, width: int) -> Iterator[Text]:
    """What goes right and what goes wrong, and how that is to be taken."""
    catastrophe = summary["fates"]["catastrophe"]
    yield from warning(summary)
    argued = is_risk_argument(summary)
    if not argued:
        yield _sentence(summary, "The story goes right with a chance of ", "success")
    if is_zero(catastrophe):
        yield Text(no_catastrophe(summary))
    else:
        start = ARGUED if argued else "It ends in catastrophe with a chance of"
        yield _sentence(summary, f"{start} ", "catastrophe")
    flagged = flagged_words(summary)
    if flagged is not None:
        yield Text(flagged, style="yellow")
    if is_uncertain(summary):
        words = "Intervals say how far these odds turn on the story's uncertain numbers."
    else:
        words = "Every number of the story is fixed, so the odds have no intervals."
    yield Text(words, style="dim")
    feasible = summary["criteria"]["rationale_competitiveness"]
    if feasible is not None and feasible["mean"] < 1:
        chance = percent(feasible["mean"])
        granted = f"They assume that training is carried out at all ({chance} likely)."
        yield Text(granted, style="dim")
    for words in evidence_words(summary):
        yield Text(words, style="yellow")
    if summary["method"] == "simulation":
        yield _simulated(summary)


def _simulated(summary: Estimate) -> Text:
    error = summary["diagnostics"]["simulation_error"]
    sizes = ", ".join(
        f"{name} ±{percent(error[name])}" for name in ("success", "catastrophe") if error[name] > 0
    )
    start = "SIMULATED, not summed exactly: every probability carries simulation error"
    return Text(start + (f" (standard error: {sizes})." if sizes else "."), style="yellow")


def _sentence(summary: Estimate, start: str, fate: Headline) -> Text:
    entry, errors = summary["fates"][fate], errors_of(summary, fate)
    chance = percent(entry["mean"], errors.get("mean", 0.0))
    text = Text(start).append(chance, style=f"bold {COLOR[fate]}")
    text.append(f", {about_one_in(entry['mean'])}")
    spread = band(entry, errors) if is_uncertain(summary) else ""
    text.append(f" (90% interval {spread})" if spread else "")
    return text.append("." if summary["diagnostics"]["ok"] else " – NOT RELIABLE.")


# Where training ends, and what becomes of the model


def classes(summary: Estimate, width: int) -> Iterator[Text]:
    """Every class before the evidence and after it, on one axis."""
    evidence, opinions = has_evidence(summary), summary["opinions"]
    zero = [
        name
        for name in CLASSES
        if is_zero(summary["classes"][name]) and is_zero(summary["prior_classes"][name])
    ]
    names = [name for name in CLASSES if name not in zero] or list(CLASSES)
    rows: list[Row] = [_class_heads(summary)]
    for name in names:
        row = odds_cells(
            summary, name, summary["classes"][name], COLOR[name], errors_of(summary, name)
        )
        if opinions is not None:
            row.append(Text(percent(opinions["classes"][name]["mean"]), style="dim"))
        if evidence:
            row.insert(1, Text(percent(summary["prior_classes"][name]["mean"]), style="dim"))
        rows.append(row)
    yield from _plotted(summary, fitting(rows, width), names, width)
    yield from _never(summary, [name for name in zero if name not in names])


def stages(summary: Estimate, width: int) -> Iterator[Text]:
    """Every route that some stage may leave the model on, by stage."""
    odds = summary["stages"]
    rows: list[Row] = [dim("", *(stage["stage"] for stage in odds))]
    for name, route in summary["routes"].items():
        means = [stage["routes"][name]["mean"] for stage in odds]
        if any(mean > 0 for mean in means):
            cells = [Text(percent(mean)) for mean in means]
            rows.append([Text(name, style=COLOR[route["class"]]), *cells])
    for line in fitting(rows, width):
        line.rstrip()
        yield line


def _class_heads(summary: Estimate) -> Row:
    heads = ["before", "after"] if has_evidence(summary) else ["chance"]
    heads += ["90% interval"] * is_uncertain(summary)
    heads += ["no forecasts"] * (summary["opinions"] is not None)
    return dim("", *heads)


def _plotted(
    summary: Estimate, lines: list[Text], names: Sequence[OutcomeClass], width: int
) -> Iterator[Text]:
    """The rows of classes, each with its interval drawn where there is room."""
    evidence = has_evidence(summary)
    room = min(_PLOT_WIDTHS[1], width - lines[0].cell_len - GAP)
    if room >= _PLOT_WIDTHS[0]:
        after = [summary["classes"][name] for name in names]
        before = [summary["prior_classes"][name] if evidence else None for name in names]
        styles = ["dim", *(COLOR[name] for name in names)]
        for line, drawn, style in zip(lines, plot(after, before, room), styles, strict=True):
            line.append(" " * GAP).append(drawn, style=style)
    for line in lines:
        line.rstrip()
        yield line


def _never(summary: Estimate, names: Sequence[str]) -> Iterator[Text]:
    if names:
        yield Text(f"{never_words(summary)}: {', '.join(names)}", style="dim")


def fates(summary: Estimate, width: int) -> Iterator[Text]:
    """Every fate, and how bad deployed failures are; of a risk argument no success."""
    opinions = summary["opinions"]
    rows: list[Row] = [[*header(summary), *dim("no forecasts")[: opinions is not None]]]
    words, zero = [Text()], []
    for name in argued_fates(summary["kind"]):
        entry = summary["fates"][name]
        if is_zero(entry):
            zero.append(name)
            continue
        meaning = FATE_GLOSSES[name]
        if name == "halted" and summary["false_alarm"]["mean"] > 0:
            alarms = percent(summary["false_alarm"]["mean"])
            meaning = f"flagged by a check ({alarms} false alarms)"
        row = odds_cells(summary, name, entry, COLOR[name], errors_of(summary, name))
        if opinions is not None:
            row.append(Text(percent(opinions["fates"][name]["mean"]), style="dim"))
        rows.append(row)
        words.append(Text(meaning, style="dim"))
    yield from with_words(rows, words, width)
    yield from _never(summary, zero)
    failed = summary["catastrophe_given_deployed_failure"]
    if failed is not None and not is_zero(failed) and not is_risk_argument(summary):
        errors = errors_of(summary, "catastrophe_given_deployed_failure")
        spread = f" ({band(failed, errors)})" if band(failed, errors) else ""
        share = f"{percent(failed['mean'], errors.get('mean', 0.0))}{spread}"
        yield from wrap(Text(f"Of deployed failures, {share} end in catastrophe."), width)


# The day of the decision


def decision_day(summary: Estimate, width: int) -> Iterator[Text]:
    """The odds once no check has flagged, and what the checks do; nothing without checks."""
    checks = summary["checks"]
    live = [name for name, check in checks.items() if check["result"] is None]
    if live:
        yield from heading("On the day of the decision", "no check has flagged")
        yield from _deployed(summary, width)
        if any(checks[name]["added"] is not None for name in live):
            yield from wrap(_averted(summary, live), width)
        if together := together_words(summary):
            yield from wrap(Text(together), width)
    results = [f"{plain(name)} {c['result']}" for name, c in checks.items() if c["result"]]
    if results:
        if not live:
            yield from heading("Checks")
        words = f"Checks whose result is known, and is evidence: {', '.join(results)}."
        yield from wrap(Text(words), width)


def _deployed(summary: Estimate, width: int) -> Iterator[Text]:
    day = summary["deployed"]
    if day is None:
        yield Text(NO_DECISION)
        return
    entries = {
        "deployed": (day["probability"], "no check flags it", errors_of(summary, "deployed")),
        "success": (
            day["success"],
            "given that it is deployed",
            errors_of(summary, "deployed.success"),
        ),
        "catastrophe": (
            day["catastrophe"],
            "the same",
            errors_of(summary, "deployed.catastrophe"),
        ),
        "deceptive": (
            day["classes"]["deceptive"],
            "the same",
            errors_of(summary, "deployed.classes.deceptive"),
        ),
    }
    if is_risk_argument(summary):
        del entries["success"]
    odds = {name: entry for name, entry in entries.items() if not is_zero(entry[0])}
    without = _day_without_opinions(summary)
    rows: list[Row] = [[*header(summary), *dim("no forecasts")[: without is not None]]]
    for name, (entry, _, errors) in odds.items():
        row = odds_cells(summary, name, entry, COLOR.get(name, ""), errors)
        if without is not None:
            row.append(Text(percent(without[name]["mean"]), style="dim"))
        rows.append(row)
    words = [Text(), *(Text(meaning, style="dim") for _, meaning, _ in odds.values())]
    yield from with_words(rows, words, width)
    yield from _never(summary, [name for name in entries if name not in odds])


def _day_without_opinions(summary: Estimate) -> dict[str, Summary] | None:
    """The same odds without the forecasts; None where there are none, or they were not kept."""
    day = None if summary["opinions"] is None else summary["opinions"]["deployed"]
    if day is None:
        return None
    return {
        "deployed": day["probability"],
        "success": day["success"],
        "catastrophe": day["catastrophe"],
        "deceptive": day["classes"]["deceptive"],
    }


def _averted(summary: Estimate, live: list[str]) -> Text:
    """What each check takes off the chance of catastrophe, once the others are there."""
    added = ((name, summary["checks"][name]["added"]) for name in live)
    means = {name: float(entry["mean"]) for name, entry in added if entry is not None}
    by = sorted(means, key=lambda name: -means[name])
    errors = {name: errors_of(summary, f"checks.{name}.added").get("mean", 0.0) for name in by}
    differences = {name: points(means[name], errors[name]).removeprefix("+") for name in by}
    same = [name for name in by if differences[name] == "0"]
    groups = [f"as likely without {' or '.join(map(plain, same))}"] if same else []
    for how, sign in (("likelier", 1), ("less likely", -1)):
        names = [name for name in by if name not in same and (means[name] >= 0) == (sign > 0)]
        sizes = ", ".join(
            f"{differences[name].lstrip('−')} without {plain(name)}" for name in names
        )
        groups += [f"{how} by {sizes}"] if names else []
    return Text(f"Catastrophe would be {', and '.join(groups)}.")


# The criteria, and the hazards of the goal


def criteria(summary: Estimate, width: int) -> Iterator[Text]:
    """The four criteria; those of the goal are of a run made to end as intended."""
    rows: list[Row] = [header(summary)]
    words = [Text()]
    for key, name, meaning in _CRITERIA:
        entry = summary["criteria"][key]
        if entry is None:
            rows.append([name, "–", ""][: len(rows[0])])
            words.append(Text("not stated", style="dim"))
            continue
        if key == "goal_alignment" or key == "goal_competitiveness":
            meaning = _goal_words(summary, key, meaning)
        errors = errors_of(summary, f"criteria.{key}")
        rows.append(odds_cells(summary, name, entry, errors=errors))
        words.append(Text(meaning, style="dim"))
    yield from with_words(rows, words, width)


def _goal_words(summary: Estimate, key: GoalCriterion, meaning: str) -> str:
    """With the chance given that training does end as intended, where that differs."""
    criterion = key.removeprefix("goal_")
    if all(hazard["criterion"] != criterion for hazard in summary["hazards"].values()):
        return "no hazard of this kind"
    conditional = summary["criteria_given_intended"][key]
    if conditional is None or percent(conditional["mean"]) == percent(
        summary["criteria"][key]["mean"]
    ):
        return meaning
    return f"{meaning} ({percent(conditional['mean'])} once training ends at one)"


def hazards(summary: Estimate, width: int) -> Iterator[Text]:
    """The odds of each hazard by itself, the likeliest first."""
    entries = summary["hazards"]
    if not entries:
        return
    yield from heading("Hazards of the goal", "each by itself; several may fire")
    by = sorted(entries, key=lambda name: -float(entries[name]["mean"]))
    rows, words = [header(summary)], [Text()]
    for name in by[:_HAZARDS_SHOWN]:
        entry = entries[name]
        conditional = entry["given_intended"]
        error = errors_of(summary, f"hazards.{name}.given_intended").get("mean", 0.0)
        once = (
            ""
            if conditional is None
            else f", {percent(conditional['mean'], error)} of intended models"
        )
        errors = errors_of(summary, f"hazards.{name}")
        rows.append(odds_cells(summary, plain(name), entry, errors=errors))
        words.append(Text(f"{entry['criterion']}{once}", style="dim"))
    yield from with_words(rows, words, width)
    if len(by) > _HAZARDS_SHOWN:
        more = len(by) - _HAZARDS_SHOWN
        yield Text(f"and {more} more less likely (--json lists all)", style="dim")


def mechanisms(summary: Estimate, width: int) -> Iterator[Text]:
    """Concern by mechanism, of routes that share one."""
    entries = summary["mechanisms"]
    if not entries:
        return
    yield from heading("Concern by mechanism", "catastrophe along all routes that share it")
    by = sorted(entries, key=lambda name: -float(entries[name]["concern"]["mean"]))
    rows, words = [header(summary)], [Text()]
    for name in by:
        entry = entries[name]
        chance = percent(entry["probability"]["mean"])
        errors = errors_of(summary, f"mechanisms.{name}.concern")
        rows.append(odds_cells(summary, plain(name), entry["concern"], errors=errors))
        routes = ", ".join(map(plain, entry["routes"]))
        words.append(Text(f"{routes}: together {chance}", style="dim"))
    yield from with_words(rows, words, width)
