"""What the findings of a story say of its runs: likelihoods, and conditioning on them.

Findings are evidence items, and checks whose result is known.
"""

import math
from dataclasses import replace

from storyodds.scenarios.grammar.outcomes import CLASSES
from storyodds.scenarios.schema import Check, Evidence
from storyodds.scenarios.story import Story
from support.oracle_evidence import (
    expected_likelihoods,
    log,
    log_forecast,
    log_likelihoods,
)
from support.oracle_process import Run


class ImpossibleEvidence(ZeroDivisionError):
    """The story gives its own evidence probability 0."""


def hypothesis(item: Evidence, table: dict[str, float], run: Run) -> str:
    """Say which row of an item's table speaks of a run."""
    name, state = item.about.assumption, item.about.is_
    if name is not None and state is None and name not in run.truth:
        return next(key for key in table if run.truth[f"{name} is {key}"])
    if name is not None:
        return str(run.truth[literal_of(item)]).lower()
    return next(key for key in (run.route.id, run.route.class_, "default") if key in table)


def literal_of(item: Evidence) -> str:
    """Write what an item is about as a formula does."""
    state = item.about.is_
    return f"{item.about.assumption}" + ("" if state is None else f" is {state}")


def came_about(item: Evidence, run: Run) -> bool:
    """Say whether the event of a forecast came about in a run."""
    if item.about.assumption is not None:
        return run.truth[literal_of(item)]
    return run.route.class_ == item.about.class_


def log_likelihoods_of_item(item: Evidence, runs: list[Run], collapse: bool) -> list[float]:
    """Log P(item | run) for every run; the runs are weighted by the prior."""
    if item.forecast is not None:
        yes = math.fsum(run.weight for run in runs if came_about(item, run))
        no = math.fsum(run.weight for run in runs if not came_about(item, run))
        return [log_forecast(item, yes, no)] * len(runs)

    def table_of(settled: Evidence) -> dict[str, float]:
        if collapse:
            return {key: log(mean) for key, mean in expected_likelihoods(settled).items()}
        return log_likelihoods(settled)

    tables: dict[str, dict[str, float]] = {}  # by what the item is where assumptions hold
    logs = []
    for run in runs:
        here = next((x for x in run.story.evidence if x.id == item.id), item)
        written = here.model_dump_json()
        if written not in tables:
            tables[written] = table_of(here)
        logs.append(tables[written][hypothesis(here, tables[written], run)])
    return logs


def log_likelihoods_of_result(check: Check, runs: list[Run]) -> list[float]:
    """Log P(a check's known result | run) for every run."""
    flagged = check.result == "flagged"
    return [log(run.flagged_by([check]) if flagged else run.passed_by([check])) for run in runs]


def given_results(story: Story, run: Run) -> tuple[Run, float]:
    """Give a run whose checks say what they have said, and the log of the chance of that."""
    known = {check.id: check.result == "flagged" for check in story.checks if check.result}
    flags = {name for name, flagged in known.items() if flagged}
    left = {which: p for which, p in run.verdicts.items() if which & known.keys() == flags}
    whole = math.fsum(left.values())
    if not known or whole == 0.0:
        return run, log(whole)
    return replace(run, verdicts={which: p / whole for which, p in left.items()}), log(whole)


def log_likelihoods_by_finding(
    story: Story, runs: list[Run], collapse: bool
) -> dict[str, list[float]]:
    """Log P(finding | run) for every run, by evidence item and check of known result.

    Each by itself: results of checks that fail together are no product of these.
    """
    items = {x.id: log_likelihoods_of_item(x, runs, collapse) for x in story.evidence}
    results = {
        check.id: log_likelihoods_of_result(check, runs)
        for check in story.checks
        if check.result is not None
    }
    return items | results


def condition(story: Story, runs: list[Run], collapse: bool) -> tuple[list[Run], float]:
    """Give the runs with their posterior weights, and the natural log of P(E)."""
    findings = [log_likelihoods_of_item(item, runs, collapse) for item in story.evidence]
    checked = [given_results(story, run) for run in runs]
    runs = [run for run, _ in checked]
    findings.append([logs for _, logs in checked])
    joint = [
        math.log(run.weight) + math.fsum(logs) for run, *logs in zip(runs, *findings, strict=True)
    ]
    top = max(joint)
    if top == -math.inf:
        raise ImpossibleEvidence(f"P(E) = 0: story {story.story} rules out its own evidence")
    scaled = [math.exp(value - top) for value in joint]
    whole = math.fsum(scaled)
    posterior = [
        replace(run, weight=weight / whole) for run, weight in zip(runs, scaled, strict=True)
    ]
    return posterior, top + math.log(whole)


def bits_of_findings(
    story: Story, prior: list[Run], collapse: bool
) -> dict[str, dict[str, float | None]]:
    """Log2 of P(finding | class) / P(finding | not class) under the prior."""

    def bits(logs: list[float], name: str) -> float | None:
        top = max(logs)
        within = [run.route.class_ == name for run in prior]
        if all(within) or not any(within) or top == -math.inf:
            return None
        means = []
        for side in (True, False):
            pairs = zip(prior, logs, within, strict=True)
            chosen = [(run.weight, math.exp(x - top)) for run, x, inside in pairs if inside is side]
            means.append(math.sumprod(*zip(*chosen, strict=True)) / math.fsum(w for w, _ in chosen))
        yes, no = means
        return (log(yes) - log(no)) / math.log(2.0)

    findings = log_likelihoods_by_finding(story, prior, collapse)
    return {key: {name: bits(logs, name) for name in CLASSES} for key, logs in findings.items()}
