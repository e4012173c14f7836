"""What the odds owe to how a story is written: its parts, and how finely it splits things.

*Leave-one-out.* The story without one constraint, nudge, check or evidence item.

*Rivals by number.* Every route that is named gets its bits, and the odds of a class are those of
its routes together. So does naming more rivals change the odds? A merged route with the weight of
the sum would change nothing, whatever the split. What tells is a class that competes with the
weight of its strongest open route only: the difference is what the class owes to being split.

*Premises by number.* A conjunction judged premise by premise may come out lower the more premises
it is cut into, because judges seldom say "almost certain". Restating premises as one whose
probability is their joint one changes nothing. What tells is a judge who gives every premise about
the same, however much it covers: n premises with the joint probability J are g = J ** (1 / n)
each, and asked in m premises the same judge would have arrived at g ** m.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.changes.apart import with_parts_apart
from storyodds.models.changes.what_if import (
    Base,
    Changed,
    fixed,
    moved,
    refit,
    settled,
    with_numbers,
)
from storyodds.models.engine.paths import Path, concerns_of
from storyodds.models.numerics import thinned
from storyodds.models.posterior.evidence import assemble
from storyodds.models.posterior.forecasts import forecast_densities, forecast_sides
from storyodds.models.posterior.prepared import prepare
from storyodds.models.posterior.questions import ask
from storyodds.models.story.events import EVENTS, probabilities, shares_of
from storyodds.models.story.graph import RouteNode, StoryGraph
from storyodds.models.story.likelihoods import no_evidence
from storyodds.models.story.queries import Query
from storyodds.priors.text.errors import InputError
from storyodds.scenarios.edits import without_places
from storyodds.scenarios.grammar.formulas import AtLeast, Formula, parts
from storyodds.scenarios.grammar.outcomes import CLASSES, INTENDED, RESIDUAL, OutcomeClass
from storyodds.scenarios.grammar.switch_kinds import Part
from storyodds.scenarios.resolve import ResolvedStory
from storyodds.scenarios.schema import Constraint

Array = NDArray[np.float64]

RESTATED = 4  # the most concerning conjunctions


# Leave-one-out


@dataclass(frozen=True)
class Without:
    """The story without one of its parts; `changed` is None where that is out of reach."""

    part: Part
    id: str
    changed: Changed | None


def leave_one_out(base: Base) -> tuple[Without, ...]:
    """Compute the odds without each constraint, nudge, check and evidence item.

    A nudge is left out by setting its bits to 0, a check by letting it flag nothing (or, where it
    is known to have flagged the model, everything), an evidence item by leaving its likelihood out,
    a constraint by compiling the story without it.

    Parameters
    ----------
    base : Base

    Returns
    -------
    tuple of Without
        In the order of the story.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.models.story.events import EVENTS
    >>> from storyodds.models.changes.what_if import base_of
    >>> from storyodds.scenarios.resolve import resolve
    >>> base = base_of(assess(resolve(load_story("cat-classifier"))))
    >>> part = next(x for x in leave_one_out(base) if x.part == "check")
    >>> halted = EVENTS.index("halted")
    >>> part.id, bool(part.changed.means[halted] < base.means[halted])
    ('perturbation-test', True)
    """
    rationale = base.prepared.resolved.story.rationale
    parts = [
        Without("constraint", c.id, reworded(base, without_constraint(base.prepared.resolved, k)))
        for k, c in enumerate(rationale.constraints)
    ]
    parts += [
        Without("nudge", nudge.id, _without_nudge(base, nudge.id)) for nudge in rationale.nudges
    ]
    return (*parts, *_without_checks(base), *_without_items(base))


def without_constraint(resolved: ResolvedStory, index: int) -> ResolvedStory:
    """Return the story without one constraint; its numbers stay the same."""
    rationale = resolved.story.rationale
    kept = tuple(c for k, c in enumerate(rationale.constraints) if k != index)
    changed = rationale.model_copy(update={"constraints": kept})
    return replace(resolved, story=resolved.story.model_copy(update={"rationale": changed}))


def without_item(resolved: ResolvedStory, name: str) -> ResolvedStory:
    """Return the story without one evidence item and its numbers."""
    kept = tuple(item for item in resolved.story.evidence if item.id != name)
    story = resolved.story.model_copy(update={"evidence": kept})
    return without_places(replace(resolved, story=story), name)


def reworded(base: Base, edited: ResolvedStory) -> Changed | None:
    """Compare a story that has the same numbers and other words.

    Parameters
    ----------
    base : Base
    edited : ResolvedStory
        With the numbers of the base's story, in the same order.

    Returns
    -------
    Changed or None
        None where the changed story is out of reach, or makes its evidence impossible.
    """
    try:
        prepared = prepare(edited)
        if not set(prepared.sampled) <= set(base.prepared.sampled):
            # What now has to be sampled stands at one value in the base.
            return refit(base, edited)
        answer = ask(prepared, base.values)
    except InputError:
        return None
    return settled(base, answer.log_evidence, answer.events, lambda: edited)


def _without_nudge(base: Base, name: str) -> Changed | None:
    prepared, values = with_parts_apart(base.prepared, base.values, [name])
    resolved, start = prepared.resolved, f"{name}.bits."
    off = {i: 0.0 for place, i in resolved.number_index.items() if place.startswith(start)}
    values = moved(values, off)
    answer = ask(with_numbers(prepared, off), values)
    return settled(base, answer.log_evidence, answer.events, lambda: fixed(resolved, off))


def without_check(graph: StoryGraph, index: int) -> dict[int, float]:
    """Return the flag rates under which a check does nothing, and its known result tells nothing.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.story.building import build_graph
    >>> from storyodds.scenarios.resolve import resolve
    >>> set(without_check(build_graph(resolve(load_story("cat-classifier"))), 0).values())
    {0.0}
    """
    if graph.checks[index].within:
        return dict.fromkeys(graph.checks[index].within, 0.0)
    rates = [route.flags[index] for route in graph.routes]
    rates += [rate for hazard in graph.hazards if (rate := hazard.flags[index]) is not None]
    surely = float(graph.checks[index].result == "flagged")
    return {number: surely for rate in rates for number in rate.numbers}


def _without_checks(base: Base) -> list[Without]:
    listed = []
    for k, check in enumerate(base.prepared.graph.checks):
        prepared, values = with_parts_apart(base.prepared, base.values, [check.id])
        graph = prepared.graph
        off = without_check(graph, k)
        values = moved(values, off)
        if graph.route_numbers_after_training().issuperset(off):
            # Where training ends and what the evidence says do not depend on it.
            log_evidence, events = base.log_evidence, probabilities(graph, values, base.outcomes)
        else:
            answer = ask(prepared, values)
            log_evidence, events = answer.log_evidence, answer.events
        changed = settled(base, log_evidence, events, partial(fixed, prepared.resolved, off))
        listed.append(Without("check", check.id, changed))
    return listed


def _without_items(base: Base) -> list[Without]:
    prepared, values, listed = base.prepared, base.values, []
    densities = forecast_densities(prepared.graph, forecast_sides(prepared, values))
    for i, item in enumerate(prepared.graph.evidence):
        if i in densities:
            log_evidence, events = base.log_evidence - densities[i], base.events
        else:
            rest = [t if k != i else None for k, t in enumerate(prepared.tables)]
            answer = ask(prepared, values, likelihoods=assemble(prepared.graph, rest))
            log_evidence = np.sum([answer.log_findings, *densities.values()], axis=0)
            events = answer.events
        changed = settled(
            base,
            log_evidence,
            events,
            partial(without_item, prepared.resolved, item.id),
        )
        listed.append(Without("evidence", item.id, changed))
    return listed


# Rivals by number


@dataclass(frozen=True)
class Merged:
    """Classes whose routes compete as one.

    Attributes
    ----------
    routes : mapping of str to tuple of str
        By class, its named routes, the strongest first.
    changed : Changed or None
        None where the merged story is out of reach.
    """

    routes: dict[OutcomeClass, tuple[str, ...]]
    changed: Changed | None


def merge_rivals(base: Base) -> tuple[Merged, ...]:
    """Let the named routes of a class compete with the weight of the strongest open one.

    Of the routes of a class that are open, only the strongest competes, with its own harm; the
    others stand aside. The strongest is the one with the most bits on average over the posterior,
    with those of nudges in proportion to the chance that they hold. The residual route is nobody's
    name for anything, and stays out of it; so does the intended class, which is no rival.

    Parameters
    ----------
    base : Base

    Returns
    -------
    tuple of Merged
        One for each class that names two routes or more, then one for all of these together.

    Notes
    -----
    Evidence is weighed anew, so that this is the story as its author would have written it, with
    one route in place of several, and not a reading of the posterior.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.models.changes.what_if import base_of
    >>> from storyodds.scenarios.resolve import resolve
    >>> base = base_of(assess(resolve(load_story("cat-classifier"))))
    >>> [tuple(merged.routes) for merged in merge_rivals(base)]
    [('other',)]
    """
    split = {name: routes for name in CLASSES if len(routes := _rivals(base, name)) > 1}
    groups = [{name: routes} for name, routes in split.items()]
    groups += [split] if len(split) > 1 else []
    return tuple(
        Merged(
            {name: tuple(route.id for route in routes) for name, routes in group.items()},
            reworded(base, merged(base.prepared.resolved, list(group.values()))),
        )
        for group in groups
    )


def _rivals(base: Base, name: str) -> list[RouteNode]:
    """The named routes of a class, the strongest first."""
    graph = base.prepared.graph
    if name == INTENDED or graph.steps:  # in stages it is each of them that routes compete in
        return []
    chances = dict(zip(graph.order, _assumptions(base), strict=True))

    def strength(route: RouteNode) -> float:
        bits = base.values.mean(axis=0)
        assert route.bits is not None
        nudged = sum(_chance(when, chances) * bits[number] for when, number in route.nudges)
        return float(bits[route.bits] + nudged)

    named = [r for r in graph.routes if r.outcome_class == name and r.id != RESIDUAL]
    return sorted(named, key=strength, reverse=True)


def _assumptions(base: Base) -> Array:
    """P(assumption | E), (n_variables,)."""
    prepared, few = base.prepared, thinned(base.values, 128)
    return prepared.answers.evaluate(few, prepared.likelihoods).assumptions.mean(axis=0)


def _chance(formula: Formula | None, chances: dict[str, float]) -> float:
    """P(formula) with its parts taken for independent: good enough to rank routes by."""
    if formula is None:
        return 1.0
    if isinstance(formula, str):
        p = float(chances[formula.removeprefix("not ")])
        return 1 - p if formula.startswith("not ") else p
    members, least = parts(formula)
    counts = np.ones(1)  # by how many of the parts hold
    for p in (_chance(part, chances) for part in members):
        counts = np.convolve(counts, [1 - p, p])
    return float(counts[least:].sum())


def merged(resolved: ResolvedStory, groups: Sequence[Sequence[RouteNode]]) -> ResolvedStory:
    """Let routes stand aside where a stronger one of their group is open.

    Parameters
    ----------
    resolved : ResolvedStory
    groups : sequence of sequence of RouteNode
        The strongest route of a group first.

    Returns
    -------
    ResolvedStory
        With the same numbers. Routes that can never compete are left out.
    """
    absorbed: set[str] = set()
    constraints = list(resolved.story.rationale.constraints)
    for group in groups:
        for k, route in enumerate(group):
            opens = [_open(stronger) for stronger in group[:k]]
            if None in opens:
                absorbed.add(route.id)
                continue
            constraints += [
                Constraint(id=f"stronger-{k}-{j}", holds=holds, rules_out=(route.id,))
                for j, holds in enumerate(opens)
                if holds is not None
            ]
    rationale = resolved.story.rationale.model_copy(update={"constraints": tuple(constraints)})
    return replace(
        resolved,
        story=resolved.story.model_copy(update={"rationale": rationale}),
        routes=tuple(route for route in resolved.routes if route.id not in absorbed),
    )


def _open(route: RouteNode) -> Formula | None:
    """When a route is open; None for always."""
    conditions = [route.requires] if route.requires is not None else []
    conditions += [negated(formula) for formula in route.blocked_by]
    return tuple(conditions) or None


def negated(formula: Formula) -> Formula:
    """Return the formula that holds where another does not.

    Examples
    --------
    >>> negated(("a", "not b"))
    AtLeast(at_least=1, of=('not a', 'b'))
    """
    if isinstance(formula, str):
        return formula.removeprefix("not ") if formula.startswith("not ") else f"not {formula}"
    members, least = parts(formula)
    opposite = tuple(negated(part) for part in members)
    return AtLeast(at_least=len(members) - least + 1, of=opposite)


# Premises by number


@dataclass(frozen=True)
class Restated:
    """A conjunction in ever fewer premises, all about as likely as they are now.

    Attributes
    ----------
    path : Path
        Whose literals are the premises.
    prior : float
        P(all premises), before the evidence.
    posterior : float
        The same, given the evidence.
    per_premise : float
        The geometric mean of what the premises say, one after the other: prior ** (1 / n).
    fewer : (n - 1, n_events) array
        Posterior probabilities, by `what_if.EVENTS`, in n - 1 premises down to 1.
    """

    path: Path
    prior: float
    posterior: float
    per_premise: float
    fewer: Array


def restate(assessment: Assessment, base: Base, most: int = RESTATED) -> tuple[Restated, ...]:
    """Compute what the odds would be, were a path's premises judged as fewer and as likely each.

    The chance that all premises hold, before the evidence, is moved from J to J ** (m / n); what
    follows from their holding, from their failing, and what the evidence says under each, stays
    (Jeffrey's rule). Whatever else needs these premises moves with them. So it shows how far the
    odds lean on the number of premises, for a judge who never takes account of it; it does not
    show what a careful judge would say of the broader premise.

    Parameters
    ----------
    assessment : Assessment
    base : Base
        Of this assessment.
    most : int
        How many conjunctions, of the most concerning paths.

    Returns
    -------
    tuple of Restated
        Without premises that cannot all hold, or must.

    Notes
    -----
    A forecast is weighed as it is now, though it is compared with the story's own prior odds.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.models.story.events import EVENTS
    >>> from storyodds.models.changes.what_if import base_of
    >>> from storyodds.scenarios.resolve import resolve
    >>> assessed = assess(resolve(load_story("carlsmith-six-premises")))
    >>> (part,) = restate(assessed, base_of(assessed))
    >>> in_three = part.fewer[2, EVENTS.index("catastrophe")]
    >>> round(part.per_premise ** 6, 4), round(float(in_three), 4)
    (0.0514, 0.2267)
    """
    prepared = base.prepared
    paths = [path for path in _by_concern(assessment) if len(path.literals) > 1][:most]
    if not paths:
        return ()
    graph, n_routes = prepared.graph, len(prepared.graph.routes)
    places = sorted(
        {share.outcome for event in EVENTS for share in shares_of(graph)[event]}.union(
            range(n_routes)
        )
    )
    queries = [Query((o,), path.literals) for path in paths for o in places]
    premises = [Query((), path.literals) for path in paths]
    before = assessment.prior_averaged.values
    try:
        joint = ask(prepared, base.values, queries).queries
        prior = ask(prepared, before, premises, no_evidence(graph)).queries
    except InputError:
        return ()
    whole = base.events.mean(axis=0)
    restated = []
    for k, path in enumerate(paths):
        outcomes = np.zeros((len(base.values), len(graph.outcomes)))
        outcomes[:, places] = joint[:, k * len(places) : (k + 1) * len(places)]
        chance, posterior = float(prior[:, k].mean()), float(outcomes[:, :n_routes].sum(1).mean())
        if 0 < chance < 1 and 0 < posterior < 1 - 1e-12:
            part = probabilities(graph, base.values, outcomes).mean(axis=0)
            restated.append(_restated(path, chance, posterior, part, whole))
    return tuple(restated)


def _by_concern(assessment: Assessment) -> list[Path]:
    """The paths told apart, the most concerning first."""
    concern = concerns_of(assessment.averaged, assessment.paths, assessment.queries)
    order = np.argsort(-concern, kind="stable")
    return [assessment.paths[k] for k in order if assessment.paths[k].ways is not None]


def _restated(path: Path, prior: float, posterior: float, part: Array, whole: Array) -> Restated:
    """Apply Jeffrey's rule to joint probabilities with the premises, and to those in all."""
    n = len(path.literals)
    conditional, otherwise = part / posterior, np.maximum(whole - part, 0) / (1 - posterior)
    rows = []
    for m in range(n - 1, 0, -1):
        then = prior ** (m / n)
        odds = posterior / (1 - posterior) * (then / (1 - then)) / (prior / (1 - prior))
        chance = odds / (1 + odds)
        rows.append(chance * conditional + (1 - chance) * otherwise)
    return Restated(path, prior, posterior, prior ** (1 / n), np.array(rows))
