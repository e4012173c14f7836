"""What a story means, by plain enumeration: the oracle that every engine is held to.

Deliberately slow and plain: list every run of the story with its prior probability, weigh each by
what the evidence says of it, and add up. `solve` answers a story whose numbers are all fixed.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from storyodds.scenarios.grammar.outcomes import CLASSES
from storyodds.scenarios.grammar.parts import numbers_of
from storyodds.scenarios.schema import Check, Hazard, Route
from storyodds.scenarios.story import Story
from support.oracle_evidence import expected_likelihoods, number
from support.oracle_findings import ImpossibleEvidence, bits_of_findings, condition
from support.oracle_process import (
    FATES,
    Literals,
    Run,
    all_routes,
    as_literals,
    chance_of_none,
    harm_of,
    is_open,
    live_checks,
    minimal_literal_sets,
    prior_runs,
    spec_of,
)

__all__ = [
    "Answer",
    "ImpossibleEvidence",
    "PathAnswer",
    "condition",
    "expected_likelihoods",
    "minimal_literal_sets",
    "odds",
    "solve",
]

ANYTHING: dict[str, Any] = defaultdict(bool)  # where the names alone are of interest
GOAL_CRITERIA = {"goal_alignment": "alignment", "goal_competitiveness": "competitiveness"}

type Table = dict[str, float]
type Ratios = dict[str, float | None]


@dataclass(frozen=True)
class PathAnswer:
    """One failure path: `undetected` is None where the path itself has probability 0."""

    probability: float
    undetected: float | None
    concern: float


@dataclass(frozen=True)
class Answer:
    """Every exact quantity of a story of fixed numbers; posterior unless its name says prior.

    A ratio is None where the event that it is conditional on has probability 0.

    Attributes
    ----------
    hazards, hazards_given_intended : dict of str to float
        P(it fires), in all and given that training ended at an intended route.
    deployed : dict or None
        The odds given that no live check flagged: `probability` of that, every fate but `halted`,
        and `classes`.
    criteria, criteria_given_intended : dict of str to float or None
        The goal's of a run made to end as intended, and given that it did.
    mechanisms : dict of str to float
        P(a route of the mechanism, and catastrophe).
    checks_caught : dict of str to dict
        By live check and route, P(the check flags | route).
    checks_added : dict of str to float
        What P(catastrophe) is more without a live check.
    item_bits : dict of str to dict
        By evidence item (or check of known result) and class, how it changes the log2-odds of the
        class when it is the only evidence: infinite where it rules the class in or out, None where
        no evidence can change them.
    opinions : dict or None
        `classes` and `fates` without the forecasts, where there are any.
    """

    log_evidence: float
    classes: Table
    prior_classes: Table
    routes: Table
    prior_routes: Table
    hazards: Table
    hazards_given_intended: Ratios
    fates: Table
    false_alarm: float
    deployed: dict[str, Any] | None
    catastrophe_given_deployed_failure: float | None
    assumptions: Table
    prior_assumptions: Table
    criteria: Ratios
    criteria_given_intended: Ratios
    lens_applies: bool
    outer_alignment: float | None
    inner_alignment: float | None
    kinds: Table
    mechanisms: Table
    paths: dict[tuple[str, Literals], PathAnswer]
    checks_caught: dict[str, Ratios]
    checks_added: Table
    item_bits: dict[str, Ratios]
    opinions: dict[str, Table] | None


# --- answers -----------------------------------------------------------------------------------


def total(runs: Iterable[Run], share: Callable[[Run], float] = lambda run: 1.0) -> float:
    """Add up P(run) times what share of the run belongs to the event."""
    return math.fsum(run.weight * share(run) for run in runs)


def catastrophe(run: Run) -> float:
    return run.fate("catastrophe")


def ratio(part: float, whole: float) -> float | None:
    """Give a conditional probability, None where the condition has probability 0."""
    return part / whole if whole > 0.0 else None


def by_class(runs: list[Run]) -> Table:
    return {name: total(r for r in runs if r.route.class_ == name) for name in CLASSES}


def by_route(story: Story, runs: list[Run]) -> Table:
    return {x.id: total(r for r in runs if r.route.id == x.id) for x in all_routes(story)}


def by_assumption(story: Story, runs: list[Run]) -> Table:
    names = as_literals({name: spec_of(story, name) for name in story.assumptions}, ANYTHING)
    return {name: total(r for r in runs if r.truth[name]) for name in names}


def by_fate(runs: list[Run]) -> Table:
    return {name: math.fsum(run.weight * run.fate(name) for run in runs) for name in FATES}


def by_hazard(story: Story, runs: list[Run]) -> Table:
    return {x.id: total(r for r in runs if r.fires(x)) for x in story.goal.hazards}


def odds_given_deployed(runs: list[Run]) -> dict[str, Any] | None:
    """Give the odds on the day of the decision, no live check having flagged."""
    whole = total(runs, lambda run: run.passed)
    if whole == 0.0:
        return None
    fates = {name: chance / whole for name, chance in by_fate(runs).items() if name != "halted"}
    classes = {
        name: total((r for r in runs if r.route.class_ == name), lambda run: run.passed) / whole
        for name in CLASSES
    }
    return {"probability": whole, **fates, "classes": classes}


def freedom_if_made_intended(story: Story, runs: list[Run], criterion: str) -> float:
    """P(no hazard of the criterion fires) under do(route = intended).

    Assumptions are as likely as the evidence makes them. Where training really ended tells nothing
    more of them: each run is made to end as intended, and its hazards have their chance anew.
    """

    def quiet(run: Run) -> float:
        hazards = [x for x in run.story.goal.hazards if x.criterion == criterion]
        return chance_of_none(number(x.probability) for x in hazards if is_open(x, run.truth))

    return total(runs, quiet)


def freedom_given_intended(runs: list[Run], criterion: str) -> float | None:
    """P(no hazard of the criterion fired | intended)."""
    intended = [run for run in runs if run.intended]
    return ratio(total(r for r in intended if r.is_free_of(criterion)), total(intended))


def paths(story: Story, runs: list[Run]) -> dict[tuple[str, Literals], PathAnswer]:
    """Every failure path: a route or hazard with one minimal literal set that opens it.

    The catastrophe of a route's path may have any cause; that of a hazard's is its own doing.
    """
    answers: dict[tuple[str, Literals], PathAnswer] = {}

    def add(gate: Route | Hazard, event: list[tuple[Run, float]]) -> None:
        for literals in minimal_literal_sets(story, gate.requires):
            chosen = [
                (run, harm)
                for run, harm in event
                if all(run.truth[name] is want for name, want in literals)
            ]
            probability = math.fsum(run.weight for run, _ in chosen)
            answers[gate.id, literals] = PathAnswer(
                probability,
                ratio(math.fsum(run.weight * run.passed for run, _ in chosen), probability),
                math.fsum(run.weight * run.passed * harm for run, harm in chosen),
            )

    for route in all_routes(story):
        may_harm = route.harm is not None and any(number(x) > 0 for x in numbers_of(route.harm))
        if route.class_ != "intended" or may_harm:
            add(route, [(run, run.harm) for run in runs if run.route.id == route.id])
    for hazard in story.goal.hazards:
        fired = [(run, other) for run in runs for other in run.fired if other.id == hazard.id]
        add(hazard, [(run, harm_of(other)) for run, other in fired])
    return answers


def by_mechanism(story: Story, runs: list[Run]) -> Table:
    """P(a route of the mechanism, and catastrophe)."""
    names = sorted({route.mechanism for route in story.routes if route.mechanism})
    return {
        name: total((r for r in runs if r.route.mechanism == name), catastrophe) for name in names
    }


def caught(story: Story, runs: list[Run], check: Check) -> Ratios:
    """P(the check flags | route), by route."""
    answers: Ratios = {}
    for route in all_routes(story):
        ended = [run for run in runs if run.route.id == route.id]
        flagged = total(ended, lambda run: run.flagged_by([check]))
        answers[route.id] = ratio(flagged, total(ended))
    return answers


def added(story: Story, runs: list[Run], check: Check) -> float:
    """P(catastrophe) without the check, less P(catastrophe) as it is."""
    others = [other for other in live_checks(story) if other.id != check.id]

    def disaster_without(run: Run) -> float:
        return run.passed_by(others) * run.harm

    return total(runs, disaster_without) - total(runs, catastrophe)


def without_opinions(story: Story, prior: list[Run], collapse: bool) -> dict[str, Table] | None:
    """Classes and fates by the findings alone, where there are forecasts."""
    findings = tuple(item for item in story.evidence if item.forecast is None)
    if len(findings) == len(story.evidence):
        return None
    runs, _ = condition(story.model_copy(update={"evidence": findings}), prior, collapse)
    return {"classes": by_class(runs), "fates": by_fate(runs)}


def optimizers(story: Story, runs: list[Run]) -> list[Run]:
    """List the runs whose model is an optimizer: as intended only if the goal says so."""
    classes = {"mesa-optimizer", "deceptive"}
    if story.goal.optimization != "none":
        classes.add("intended")
    return [run for run in runs if run.route.class_ in classes]


def odds(story: Story) -> tuple[Table, float]:
    """Give classes and fates alone, and log P(E), as `solve`: for sums over many stories."""
    runs, log_evidence = condition(story, prior_runs(story), False)
    return by_class(runs) | by_fate(runs), log_evidence


def solve(story: Story, *, collapse: bool = False) -> Answer:
    """Answer a story of fixed numbers by enumeration.

    Parameters
    ----------
    story : Story
        With every assumption written out (no catalog, no packs).
    collapse : bool
        Average each finding over its own numbers first, which need not be fixed then: rates,
        relevance and bits of evidence items, flag rates of checks whose result is known.

    Raises
    ------
    ImpossibleEvidence
        If P(E) = 0.
    TypeError
        If a number is not fixed.
    """
    prior = prior_runs(story, collapse)
    runs, log_evidence = condition(story, prior, collapse)
    fates, classes = by_fate(runs), by_class(runs)
    failures = [fates[name] for name in FATES if name not in ("success", "halted")]
    fired, intended = by_hazard(story, runs), [run for run in runs if run.intended]
    goal = {key: freedom_if_made_intended(story, runs, name) for key, name in GOAL_CRITERIA.items()}
    able = optimizers(story, runs)
    inner = ratio(total(r for r in able if r.intended), total(able))
    applies, feasibility = story.goal.loss_seeking, story.rationale.feasibility
    return Answer(
        log_evidence=log_evidence,
        classes=classes,
        prior_classes=by_class(prior),
        routes=by_route(story, runs),
        prior_routes=by_route(story, prior),
        hazards=fired,
        hazards_given_intended={
            key: ratio(chance, total(intended)) for key, chance in fired.items()
        },
        fates=fates,
        false_alarm=total((r for r in runs if r.good), lambda run: run.flagged * run.unharmed),
        deployed=odds_given_deployed(runs),
        catastrophe_given_deployed_failure=ratio(fates["catastrophe"], math.fsum(failures)),
        assumptions=by_assumption(story, runs),
        prior_assumptions=by_assumption(story, prior),
        criteria=goal
        | {
            "rationale_alignment": total(intended),
            "rationale_competitiveness": number(feasibility) if feasibility else None,
        },
        criteria_given_intended={
            key: freedom_given_intended(runs, name) for key, name in GOAL_CRITERIA.items()
        },
        lens_applies=applies,
        outer_alignment=goal["goal_alignment"] if applies else None,
        inner_alignment=inner if applies else None,
        kinds={
            kind: total(run for run in runs if run.route.kind == kind)
            for kind in sorted({route.kind for route in story.routes if route.kind})
        },
        mechanisms=by_mechanism(story, runs),
        paths=paths(story, runs),
        checks_caught={check.id: caught(story, runs, check) for check in live_checks(story)},
        checks_added={check.id: added(story, runs, check) for check in live_checks(story)},
        item_bits=bits_of_findings(story, prior, collapse),
        opinions=without_opinions(story, prior, collapse),
    )
