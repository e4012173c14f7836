"""The answers along the whole travel of one slider, every other prior as it is.

Of a number in which P(event, evidence) is linear only the mean of its prior matters, so the answers
with the number at 0 and at 1 give them everywhere: P(event | E) is a fraction of two linear
functions of that mean. A number that has to be sampled is drawn from priors spread over the whole
travel at once, and each place weights these draws by its own prior (the balance heuristic of Veach
and Guibas 1995), so that no place has to make do with draws from elsewhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.changes.sliders import Slider, Tilt
from storyodds.models.changes.what_if import Base, base_of, moved, numbers_of_training
from storyodds.models.engine.arithmetic import log_sum_exp
from storyodds.models.posterior import questions
from storyodds.models.posterior.weighting import (
    REPLICATES,
    sampled_draws,
    sequence_of,
    spread_between,
    uniforms,
)
from storyodds.models.story.events import EVENTS, probabilities
from storyodds.priors.distributions.families import Distribution, distribution_of, rate_like
from storyodds.priors.distributions.forms import Kind, parse_prior

Array = NDArray[np.float64]

DRAWS = 4096  # of a sampled number and all others, over the whole travel of its slider
_COMPONENTS = 8  # priors that draws come from: two thirds of a standard deviation apart
_TINY = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True)
class SliderCurve:
    """The answers at places of one slider.

    Attributes
    ----------
    means : (n_places, n_events) array
        P(event | E), by `EVENTS`.
    errors : (n_places, n_events) array
        Monte Carlo standard errors of their differences from the story as it is, in probability.
    """

    means: Array
    errors: Array


def slider_curves(
    assessment: Assessment, sliders: Sequence[Slider], places: Sequence[Sequence[float]]
) -> list[SliderCurve]:
    """Work the answers out at places of each slider.

    Parameters
    ----------
    assessment : Assessment
    sliders : sequence of Slider
    places : sequence of sequence of float
        For each slider, where the center of its prior is put, on the scale of its tilt.

    Returns
    -------
    list of SliderCurve
        At the place where the prior already is, exactly the means of the assessment.

    Raises
    ------
    UnsupportedStoryError
        If states were simulated.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.models.changes.sliders import sliders
    >>> from storyodds.scenarios.resolve import resolve
    >>> assessed = assess(resolve(load_story("physics-simulator")))
    >>> (slider,) = sliders(assessed, most=1).shown
    >>> (curve,) = slider_curves(assessed, [slider], [[slider.tilt.low, slider.tilt.start]])
    >>> curve.means.shape
    (2, 9)
    """
    base = base_of(assessment)
    means = assessment.averaged.mean(assessment.averaged.events)
    sampled = set(assessment.prepared.sampled)
    out = []
    for slider, of_slider in zip(sliders, places, strict=True):
        along = [slider.tilt.start, *of_slider]  # the first, to compare with
        if slider.number in sampled:
            curve = _of_sampled(base, slider, along)
        else:
            curve = _of_integrated(base, slider, along)
        out.append(_anchored(curve, means))
    return out


def moved_prior(tilt: Tilt, place: float, kind: Kind) -> Distribution:
    """Give the prior with its center moved, as a story that states it is read."""
    return distribution_of(parse_prior(tilt.prior(place), kind), kind)


def _anchored(curve: SliderCurve, means: Array) -> SliderCurve:
    """Take ratios to the first place, and let that have the means of the whole assessment.

    Of each group (classes, fates) the chances sum to 1 again.
    """
    start = curve.means[:1]
    ratios = np.where(start > 0, curve.means[1:] / np.where(start > 0, start, 1.0), 1.0)
    return SliderCurve(grouped(ratios * means), curve.errors[1:])


def grouped(chances: Array) -> Array:
    """Scale chances of events, by `EVENTS`, so that classes sum to 1, and so do fates."""
    out = np.array(chances, dtype=np.float64)
    n = EVENTS.index("success")
    for group in (slice(0, n), slice(n, len(EVENTS))):
        out[..., group] /= out[..., group].sum(axis=-1, keepdims=True)
    return out


def _of_integrated(base: Base, slider: Slider, places: Sequence[float]) -> SliderCurve:
    """The answers as fractions of functions that are linear in the mean of the prior."""
    kind = base.prepared.resolved.numbers[slider.number].kind
    ends = [_with_number(base, slider.number, end) for end in (0.0, 1.0)]
    top = max(float(log_evidence.max()) for log_evidence, _ in ends)
    (evidence_low, events_low), (evidence_high, events_high) = (
        (chance := np.exp(log_evidence - top), chance[:, None] * events)
        for log_evidence, events in ends
    )
    means, pulls = [], []
    for place in places:
        m = rate_like(moved_prior(slider.tilt, place, kind)).mean()
        evidence = (1 - m) * evidence_low + m * evidence_high
        events = (1 - m) * events_low + m * events_high
        mean = events.mean(axis=0) / evidence.mean()
        means.append(mean)
        pulls.append((events - mean * evidence[:, None]) / evidence.mean())
    n = len(base.values)
    errors = [(pull - pulls[0]).std(axis=0) / np.sqrt(n) for pull in pulls]
    return SliderCurve(np.array(means), np.array(errors))


def _with_number(base: Base, number: int, value: float) -> tuple[Array, Array]:
    """Log of what the evidence gains, (n_draws,), and events, with a number at a value."""
    prepared, values = base.prepared, moved(base.values, {number: value})
    if number not in numbers_of_training(prepared):  # it only matters after training
        return np.zeros(len(values)), probabilities(prepared.graph, values, base.outcomes)
    answer = questions.ask(prepared, values)
    possible = np.isfinite(answer.log_evidence)
    return (
        np.where(possible, answer.log_evidence - base.log_evidence, -np.inf),
        np.where(possible[:, None], answer.events, 0.0),
    )


def _of_sampled(base: Base, slider: Slider, places: Sequence[float]) -> SliderCurve:
    """The answers at draws that come from priors over the whole travel."""
    prepared, tilt, number = base.prepared, slider.tilt, slider.number
    kind = prepared.resolved.numbers[number].kind
    values, log_prior = sampled_draws(prepared, DRAWS, base.seed)
    components = [
        moved_prior(tilt, float(place), kind)
        for place in np.linspace(tilt.low, tilt.high, _COMPONENTS)
    ]
    u = uniforms(len(prepared.core), DRAWS, base.seed)[:, prepared.core.index(number)]
    chosen = _in_turn(len(values), base.seed)
    x = np.empty(len(values))
    for k, component in enumerate(components):
        x[chosen == k] = component.quantile(u[chosen == k])
    values[:, number] = x
    z = logit(np.clip(x, _TINY, 1 - 2**-53)) if kind == "probability" else x
    log_drawn = log_sum_exp(np.column_stack([_log_density(c, z) for c in components]), axis=1)
    answer = questions.ask(prepared, values)
    log_weights = answer.log_evidence + log_prior - log_drawn
    log_weights = log_weights + _log_density(moved_prior(tilt, tilt.start, kind), z)
    events = np.where(np.isfinite(answer.log_evidence)[:, None], answer.events, 0.0)
    deltas = np.array([tilt.delta(place) for place in places])
    logs = log_weights + deltas[:, None] * tilt.statistic(x)
    weights = np.exp(logs - log_sum_exp(logs, axis=1)[:, None])
    # What every sequence of draws adds to each place: to all of it, and to every event.
    terms = np.column_stack([np.ones(len(events)), events])
    sequences = sequence_of(len(events))
    sums = np.stack([weights[:, own] @ terms[own] for own in _slices(sequences)])
    means = sums[:, :, 1:].sum(axis=0)
    pulls = sums[:, :, 1:] - means * sums[:, :, :1]
    return SliderCurve(means, spread_between(pulls - pulls[:, :1]))


def _slices(sequences: NDArray[np.intp]) -> list[slice]:
    """Where the draws of each sequence stand, which follow each other."""
    ends = np.searchsorted(sequences, np.arange(REPLICATES + 1))
    return [slice(first, last) for first, last in pairwise(ends.tolist())]


def _in_turn(n: int, seed: int) -> NDArray[np.intp]:
    """From which component each draw comes: in every sequence of draws equally many from each.

    Not one after the other, as the place of a draw in its sequence says where it lies.
    """
    rng = np.random.default_rng([seed, 7])
    sequences = min(REPLICATES, n)
    turns = np.arange(n // sequences) % _COMPONENTS
    return np.concatenate([rng.permutation(turns) for _ in range(sequences)])


def _log_density(distribution: Distribution, z: Array) -> Array:
    return np.asarray(cast(Any, distribution).log_density_unconstrained(z))
