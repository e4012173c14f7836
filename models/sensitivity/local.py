"""What the answers hang on, one input at a time: numbers at the ends of their priors, and
assumptions that are surely true or surely false.

An assumption can be sure in two ways. *Learned*: it is found to be so, which tells of whatever it
depends on and is given by conditioning. *Set*: it is made to be so, whatever it depends on; its
own mechanism is cut, and what evidence said of it no longer tells anything else.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.changes.apart import with_parts_apart
from storyodds.models.changes.derivatives import Slopes, mean_slopes, slopes_at_draws
from storyodds.models.changes.response_curves import afresh, ground_of
from storyodds.models.changes.states import with_state
from storyodds.models.changes.tipping import (
    ENDS,
    HIGH,
    LOW,
    Scan,
    TippingPoint,
    Verdict,
    bands_between,
    scan,
    tipping_points,
    verdicts,
)
from storyodds.models.changes.what_if import (
    Base,
    Changed,
    Tables,
    ask,
    base_of,
    even_rows,
    is_trusted,
    moved,
    stacked,
    weighted,
)
from storyodds.models.engine.paths import Path, concerns_of
from storyodds.models.engine.quantities import jointly
from storyodds.models.numerics import systematic
from storyodds.models.posterior import questions
from storyodds.models.posterior.forecasts import forecasts_log_density
from storyodds.models.posterior.prepared import PreparedStory, prepare
from storyodds.models.posterior.weighting import sequence_of
from storyodds.models.story.events import EVENTS, weights
from storyodds.models.story.queries import Query
from storyodds.priors.distributions.families import Point
from storyodds.priors.distributions.forms import Fixed
from storyodds.priors.text.errors import UnsupportedStoryError
from storyodds.scenarios.edits import shared_places, with_own_numbers
from storyodds.scenarios.grammar.outcomes import CLASSES
from storyodds.scenarios.numbers.story_number import StoryNumber
from storyodds.scenarios.resolve import ResolvedStory
from storyodds.scenarios.schema import Assumption

Array = NDArray[np.float64]

DRAWS = 256  # that differences are taken on
MOST_PATHS = 30  # which are ranked again for every number
_CELLS = 2**22  # of float64, that one round of questions may take


@dataclass(frozen=True)
class Swing:
    """Answers with one number at the ends of its prior.

    Attributes
    ----------
    number : int
    low, high : float
        The 5 and 95 percent points of the prior.
    at_low, at_high : Changed
        By `EVENTS`.
    bands : (3, 2, n_events) array
        The 5 and 95 percent points, over draws of all other numbers, at the low end, at the high
        end, and of the difference at the same draw; NaN where no draws serve.
    """

    number: int
    low: float
    high: float
    at_low: Changed
    at_high: Changed
    bands: Array

    @property
    def swing(self) -> Array:
        """How far the means are apart, signed: with the number high less with it low."""
        return self.at_high.means - self.at_low.means

    @property
    def error(self) -> Array:
        """Monte Carlo standard error of the swing, at most."""
        return np.asarray(np.hypot(self.at_low.errors, self.at_high.errors))


@dataclass(frozen=True)
class Sure:
    """Answers with one assumption surely true and surely false; None where that cannot be.

    Attributes
    ----------
    name : str
    learned, given : tuple of (Changed or None)
        True, then false: found to be so, and made to be so.
    """

    name: str
    learned: tuple[Changed | None, ...]
    given: tuple[Changed | None, ...]


@dataclass(frozen=True)
class LocalSensitivity:
    """What the answers hang on, one input at a time.

    Attributes
    ----------
    base : Base
        The draws on which differences are taken, and what "now" is.
    slopes : Slopes or None
        By `EVENTS` and number; None where they are out of reach.
    draw_slopes : (n_draws, n_events, n_numbers) array or None
        In probability per bit, of P(event | E, θ) at draws of all numbers.
    swings : tuple of Swing
        One for each uncertain number.
    sure : tuple of Sure
        One for each assumption.
    paths : tuple of Path
        Among which the worst is named.
    verdicts : tuple of Verdict
    tips : tuple of TippingPoint
    """

    base: Base
    slopes: Slopes | None
    draw_slopes: Array | None
    swings: tuple[Swing, ...]
    sure: tuple[Sure, ...]
    paths: tuple[Path, ...]
    verdicts: tuple[Verdict, ...]
    tips: tuple[TippingPoint, ...]


def local_sensitivity(
    assessment: Assessment,
    *,
    base: Base | None = None,
    success: float = 0.5,
    catastrophe: Sequence[float] | None = None,
) -> LocalSensitivity:
    """Change one input at a time.

    Parameters
    ----------
    assessment : Assessment
        Computed exactly, not simulated.
    base : Base, optional
        By default one of `DRAWS` draws.
    success : float
        The threshold of P(success) whose crossing is looked for.
    catastrophe : sequence of float, optional
        Those of P(catastrophe); by default half and twice what it is.

    Returns
    -------
    LocalSensitivity

    Raises
    ------
    UnsupportedStoryError
        If the story was simulated.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> sensitivity = local_sensitivity(assess(resolve(load_story("carlsmith-six-premises"))))
    >>> first = sensitivity.sure[0]
    >>> catastrophe = EVENTS.index("catastrophe")
    >>> first.name, [round(float(changed.means[catastrophe]), 4) for changed in first.given]
    ('aps-feasible', [0.079, 0.0])
    """
    base = base_of(assessment, DRAWS) if base is None else base
    _ = assessment.prepared.compiler  # an error where states were simulated
    paths = worst_paths(assessment)
    try:
        ground = ground_of(base, paths)
    except UnsupportedStoryError:  # the odds are within reach, but not each path by itself
        paths = ()
        ground = ground_of(base)
    uncertain = base.prepared.uncertain
    scanned = scan(ground, uncertain)
    spread = scan(ground_of(_whole(assessment), whole=True), uncertain, ENDS)
    verdicts_now = verdicts(ground.base.events.mean(axis=0), success, catastrophe)
    slopes, draw_slopes = _slopes(assessment)
    return LocalSensitivity(
        base=base,
        slopes=slopes,
        draw_slopes=draw_slopes,
        swings=tuple(_swing(base, scanned, spread, k) for k in range(len(uncertain))),
        sure=surely(base),
        paths=paths,
        verdicts=tuple(verdicts_now),
        tips=tuple(tipping_points(scanned, verdicts_now)),
    )


def _whole(assessment: Assessment) -> Base:
    """Draws of all numbers that count the same, for what spreads over them."""
    prepared, exact = assessment.prepared, assessment.exact
    rows = np.arange(1)
    if len(exact.values) > 1:
        rows = np.sort(systematic(exact.weights, DRAWS))
    values = exact.values[rows]
    return Base(
        prepared,
        values,
        exact.log_evidence[rows] + forecasts_log_density(prepared, values),
        exact.events[rows],
        assessment.draws.method,
        assessment.seed,
        exact.outcomes[rows],
        sequence_of(len(exact.values))[rows],
    )


def _slopes(assessment: Assessment) -> tuple[Slopes, Array] | tuple[None, None]:
    try:
        slopes = mean_slopes(assessment, EVENTS, even_rows(assessment, DRAWS))
        return slopes, slopes_at_draws(assessment, EVENTS, DRAWS)
    except UnsupportedStoryError:  # it takes more memory than the odds
        return None, None


def worst_paths(assessment: Assessment) -> tuple[Path, ...]:
    """The most concerning paths, the worst first."""
    concern = concerns_of(assessment.averaged, assessment.paths, assessment.queries)
    order = np.argsort(-concern, kind="stable")[:MOST_PATHS]
    return tuple(assessment.paths[k] for k in order)


def _swing(base: Base, scanned: Scan, spread: Scan, k: int) -> Swing:
    """Take the ends from a scan, assessed afresh where no draws serve, and bands from another."""
    number = scanned.numbers[k]

    def at(level: int) -> Changed:
        if not scanned.trusted[k, level]:
            return ask(base, {number: float(scanned.values[k, level])})
        changed = scanned.answers[k][level]
        return Changed(
            means=changed.means[: len(EVENTS)],
            errors=changed.errors[: len(EVENTS)],
            pareto_k=changed.pareto_k,
            ess=changed.ess,
            refitted=bool(scanned.fresh[k]),
        )

    low, high = (float(scanned.values[k, level]) for level in (LOW, HIGH))
    bands = bands_between(*spread.answers[k])
    if not spread.trusted[k].all():
        bands = np.full_like(bands, np.nan)
    return Swing(number, low, high, at(LOW), at(HIGH), bands)


# Assumptions that are sure


def surely(base: Base) -> tuple[Sure, ...]:
    """Answers with every assumption surely true and surely false, learned and set.

    Parameters
    ----------
    base : Base

    Returns
    -------
    tuple of Sure
        In dependency order.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.models.changes.what_if import base_of
    >>> from storyodds.scenarios.resolve import resolve
    >>> last = surely(base_of(assess(resolve(load_story("carlsmith-six-premises")))))[-1]
    >>> catastrophe = EVENTS.index("catastrophe")
    >>> means = [changed.means[catastrophe] for changed in (last.learned[0], last.given[0])]
    >>> last.name, [round(float(mean), 4) for mean in means]  # all before it follow
    ('existential-catastrophe', [1.0, 0.0541])
    """
    graph = base.prepared.graph
    names = [graph.variables[v].name for v in graph.assumptions]
    by_learning, by_setting = learned(base), _set(base)
    return tuple(Sure(name, by_learning[name], by_setting[name]) for name in names)


Pair = tuple[Changed | None, Changed | None]


def learned(base: Base) -> dict[str, Pair]:
    """Give the answers once each assumption is found to be true, and once found to be false.

    Parameters
    ----------
    base : Base

    Returns
    -------
    dict of str to (Changed or None, Changed or None)
        By assumption, in dependency order; None where it cannot be so.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.models.changes.what_if import base_of
    >>> from storyodds.scenarios.resolve import resolve
    >>> pairs = learned(base_of(assess(resolve(load_story("carlsmith-six-premises")))))
    >>> true, false = pairs["aps-feasible"]
    >>> catastrophe = EVENTS.index("catastrophe")
    >>> [round(float(changed.means[catastrophe]), 4) for changed in (true, false)]
    [0.079, 0.0]
    """
    prepared, values = base.prepared, base.values
    graph = prepared.graph
    outcomes = [Query((o,)) for o in range(len(graph.outcomes))]
    mixed = weights(graph, values, EVENTS)
    joint_odds = jointly(prepared.compiler, values, prepared.likelihoods, outcomes, mixed)
    n_classes = len(CLASSES)

    def known(joint: Array) -> Changed | None:
        chance = joint[:, :n_classes].sum(axis=1)  # classes are exhaustive and exclusive
        if not chance.sum() > 0:
            return None
        shares = chance / chance.sum()
        means = joint.sum(axis=0) / chance.sum()
        errors = base.errors_beside(joint / chance.sum() - shares[:, None] * means)
        return Changed(means, errors, None, float(1 / np.sum(shares**2)), refitted=False)

    return {
        variable.name: (known(joint_odds.true[:, :, v]), known(joint_odds.false[:, :, v]))
        for v, variable in enumerate(graph.variables)
    }


def _set(base: Base) -> dict[str, Pair]:
    """By assumption, the answers once it is made true, and once made false.

    What judges forecast is not changed by that: they spoke of the story as it is.
    """
    graph, n = base.prepared.graph, len(base.values)
    cuts: Cuts = {}
    natural = base.log_evidence - forecasts_log_density(base.prepared, base.values)
    changed_by: dict[tuple[int, bool], Changed | None] = {}
    movable = [v for v in graph.assumptions if graph.variables[v].can_be_made_so]
    every = [(v, truth) for v in movable for truth in (True, False)]
    for key, log_evidence, events in _made(base.prepared, base.values, every, cuts):
        log_weights = log_evidence - natural
        served = np.isfinite(log_weights).any()
        changed = weighted(base, log_weights, events) if served else None
        changed_by[key] = changed if changed is not None and is_trusted(changed, n) else None
    poor = [key for key, changed in changed_by.items() if changed is None]
    if poor:
        fresh = afresh(ground_of(base))
        values = fresh.base.values
        log_forecasts = forecasts_log_density(base.prepared, values)
        for key, log_evidence, events in _made(base.prepared, values, poor, cuts):
            if np.isfinite(log_evidence + log_forecasts).any():
                log_weights = log_evidence + log_forecasts - fresh.base.log_evidence
                changed = weighted(fresh.base, log_weights, events)
                changed_by[key] = replace(changed, refitted=True)
    return {
        variable.name: (changed_by.get((v, True)), changed_by.get((v, False)))
        for v, variable in enumerate(graph.variables)
    }


Setting = tuple[int, bool]  # an assumption and what it is made


Cuts = dict[int, PreparedStory]  # stories without the mechanism of an assumption


def _made(
    prepared: PreparedStory, values: Array, settings: Sequence[Setting], cuts: Cuts
) -> Iterator[tuple[Setting, Array, Array]]:
    """Log P(evidence but forecasts | θ), and P(event | E, θ), with assumptions made so."""
    apart = {
        v
        for v in dict.fromkeys(v for v, _ in settings)
        if shared_places(prepared.resolved, [prepared.graph.variables[v].name])
    }
    if apart:  # an assumption that shares its numbers is made true with numbers of its own
        for v in apart:
            owners = [prepared.graph.variables[v].name]
            yield from _made(
                *with_parts_apart(prepared, values, owners), [k for k in settings if k[0] == v], {}
            )
        settings = [key for key in settings if key[0] not in apart]
    graph, n = prepared.graph, len(values)
    of_states = [key for key in settings if graph.variables[key[0]].states]
    for key in of_states:
        changed = with_state(graph, values, *key)
        if changed is not None:
            likelihoods = stacked(graph, [_without(prepared, key[0])], changed)
            answer = questions.ask(prepared, changed, likelihoods=likelihoods)
            yield key, answer.log_findings, answer.events
    settings = [key for key in settings if key not in of_states]
    by_rows = [key for key in settings if graph.variables[key[0]].rows]
    at_once = max(1, _CELLS // max(1, values.size))
    for first in range(0, len(by_rows), at_once):
        batch = by_rows[first : first + at_once]
        rows = {v: [i for _, i in graph.variables[v].rows] for v, _ in batch}
        changed = np.concatenate(
            [moved(values, dict.fromkeys(rows[v], float(truth))) for v, truth in batch]
        )
        likelihoods = stacked(graph, [_without(prepared, v) for v, _ in batch], changed)
        answer = questions.ask(prepared, changed, likelihoods=likelihoods)
        for k, key in enumerate(batch):
            block = slice(k * n, (k + 1) * n)
            yield key, answer.log_findings[block], answer.events[block]
    for v in dict.fromkeys(v for v, _ in settings if not graph.variables[v].rows):
        name = graph.variables[v].name  # made up of others: without that, compiled once more
        if v not in cuts:
            cuts[v] = prepare(intervened(prepared.resolved, name, True))
        cut = cuts[v]
        resolved = cut.resolved
        number = resolved.number_index[f"{name}.probability"]
        extra = np.zeros((n, len(resolved.numbers) - values.shape[1]))
        for truth in (truth for of, truth in settings if of == v):
            changed = moved(np.hstack([values, extra]), {number: float(truth)})
            answer = questions.ask(cut, changed)
            yield (v, truth), answer.log_findings, answer.events


def _without(prepared: PreparedStory, v: int) -> Tables:
    """What the evidence says, but for the items about an assumption, of which nothing is left."""
    graph = prepared.graph
    order = graph.order
    of_assumption = {v, *(order[state] for state in graph.variables[v].states)}
    return [
        np.zeros((1, len(item.keys)))
        if table is not None and not of_assumption.isdisjoint(item.targets)
        else table
        for item, table in zip(prepared.graph.evidence, prepared.tables, strict=True)
    ]


def intervened(resolved: ResolvedStory, name: str, truth: bool) -> ResolvedStory:
    """Make an assumption true or false, whatever it depends on.

    Its probability, its rows or its formula give way to certainty, and the evidence about it
    goes: it would be the same whatever else is the case.

    Parameters
    ----------
    resolved : ResolvedStory
    name : str
        Of an assumption.
    truth : bool

    Returns
    -------
    ResolvedStory

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.models.changes.what_if import base_of
    >>> from storyodds.scenarios.resolve import resolve
    >>> story = resolve(load_story("carlsmith-six-premises"))
    >>> changed = base_of(assess(intervened(story, "existential-catastrophe", True)))
    >>> round(float(changed.means[EVENTS.index("catastrophe")]), 4)
    0.0541
    """
    certain = Fixed(fixed=float(truth))
    resolved = with_own_numbers(resolved, shared_places(resolved, [name]))
    written = resolved.assumptions[name]
    number = StoryNumber(
        name=f"{name}.probability",
        key_path=None,
        kind="probability",
        form=certain,
        distribution=Point(float(truth)),
        basis="assumed",
        source=None,
        note=None,
        origin="setting",
    )
    numbers = [number if old.name == number.name else old for old in resolved.numbers]
    if number.name not in resolved.number_index:
        numbers.append(number)
    decided = Assumption(claim=written.claim, scope=written.scope, probability=certain)
    evidence = tuple(e for e in resolved.story.evidence if e.about.assumption != name)
    return replace(
        resolved,
        story=resolved.story.model_copy(update={"evidence": evidence}),
        assumptions={**resolved.assumptions, name: decided},
        numbers=tuple(numbers),
    )
