"""Can the priors and the evidence be trusted to leave the answer alone? Power-scaling.

Every prior, and what every evidence item says, is raised to a power α near 1: a little more or
less than once of it (Kallioinen, Paananen, Bürkner and Vehtari 2024). Posterior draws of all
numbers stand in for those of the scaled story, with importance weights, whose shape k is told for
the halves and doubles, where the weights matter.

A prior is scaled as a density over log odds, or over bits: on that scale Beta(a, b) becomes
Beta(α a, α b), and an interval gets narrower or wider around its middle, so that every scaled
prior is a proper one. Of numbers that go together the joint prior is scaled. An evidence item is
scaled with its own rates integrated out, so that the bits that it is worth become α times as many;
known results of checks stay as they are. What scaling it does to means is worked out with
everything integrated out that can be.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.changes.evidence_versions import answer_versions, findings_of
from storyodds.models.changes.what_if import columns_of, even_rows
from storyodds.models.numerics import systematic
from storyodds.models.posterior.prepared import PreparedStory
from storyodds.models.posterior.weighting import pareto_k
from storyodds.models.sensitivity.cumulative_distance import STILL, distance
from storyodds.models.story.correlated_numbers import log_copula, unit_name, units_of
from storyodds.models.story.events import Headline
from storyodds.priors.distributions.families import LN2, Distribution, Point, has_atoms

Array = NDArray[np.float64]

ASKED: tuple[Headline, ...] = ("success", "catastrophe")
NEAR = (0.99, 1.01)  # what the sensitivity is read off
FAR = (0.5, 2.0)  # what if there were half or twice as much of it
THRESHOLD = 0.05  # of the sensitivity, as the method's authors use it
PULL = 0.1  # standard deviations per doubling; two that agree only narrow the number
ALL_PRIORS = "all priors together"
ALL_EVIDENCE = "all evidence together"
EVIDENCE_DRAWS = 512  # at which every item is scaled: a power of two
_SMALLEST = 1e-300  # a weight whose log is still finite


@dataclass(frozen=True)
class Scaling:
    """What scaling each of some components does to the events.

    Attributes
    ----------
    names : tuple of str
        Numbers or evidence items; the last one is all of them together, on request.
    sensitivity : (n_components, n_events) array
        Distance that the distribution of P(event | E, θ) over θ moves, per doubling: the gradient
        of the cumulative Jensen-Shannon distance in log2 α. NaN for evidence where the event has
        no distribution, since nothing uncertain bears on it.
    slope, slope_error : (n_components, n_events) array
        Derivative of the posterior mean in log2 α, and its Monte Carlo standard error.
    means : (n_components, n_far, n_events) array
        Posterior means at `FAR`.
    near_k : (n_components,) array
        Pareto k of the weights at `NEAR`, the larger one; NaN where they have no tail.
    pareto_k : (n_components, n_far) array
        The same at `FAR`.
    """

    names: tuple[str, ...]
    sensitivity: Array
    slope: Array
    slope_error: Array
    means: Array
    near_k: Array
    pareto_k: Array


@dataclass(frozen=True)
class PowerScaling:
    """Power-scaling of a story's priors and evidence.

    Attributes
    ----------
    events : tuple of str
    base : (n_events,) array
        Posterior means as they are.
    priors : Scaling or None
        By uncertain number of the story; None where there is none.
    evidence : Scaling or None
        By evidence item; None where there is none.
    of_itself : (n_numbers, 2) array
        How far each number of `priors` itself moves when its own prior is scaled, and when all
        evidence is; over log odds, or bits. Of numbers that go together, the most of any of them.
    pulls : (n_numbers,) array
        How many posterior standard deviations a doubling of its prior moves each number. The
        evidence holds against it. Of numbers that go together, the most of any of them.
    no_density : tuple of str
        Uncertain numbers that cannot be scaled: pools with fixed values.
    """

    events: tuple[Headline, ...]
    base: Array
    priors: Scaling | None
    evidence: Scaling | None
    of_itself: Array
    pulls: Array
    no_density: tuple[str, ...]

    @property
    def conflicts(self) -> tuple[str, ...]:
        """Numbers that prior and evidence both hold, and pull apart."""
        if self.priors is None:
            return ()
        conflicting = (self.of_itself >= THRESHOLD).all(axis=1) & (np.abs(self.pulls) >= PULL)
        return tuple(name for name, yes in zip(self.priors.names, conflicting, strict=False) if yes)


def power_scaling(
    assessment: Assessment, of: Sequence[Headline] = ASKED, *, whole: bool = True
) -> PowerScaling:
    """Scale every prior and every evidence item.

    Parameters
    ----------
    assessment : Assessment
        Computed exactly, not simulated.
    of : sequence of str
        Classes and fates, by `events.EVENTS`.
    whole : bool
        Whether all priors together, all evidence together, halves and doubles, every Pareto k, and
        how far each number itself moves are worked out too. Without it there is no entry for all
        together, and the rest is NaN.

    Returns
    -------
    PowerScaling

    Raises
    ------
    UnsupportedStoryError
        If the story was simulated.
    ValueError
        If an event has another name.

    References
    ----------
    N. Kallioinen, T. Paananen, P.-C. Bürkner and A. Vehtari (2024), "Detecting and diagnosing
    prior and likelihood sensitivity with power-scaling", Statistics and Computing 34, 57.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> scaling = power_scaling(assess(resolve(load_story("carlsmith-six-premises"))))
    >>> scaling.priors, scaling.evidence  # all its numbers are fixed, and nothing was observed
    (None, None)
    """
    columns = columns_of(of)
    prepared, exact = assessment.prepared, assessment.exact
    graph = prepared.compiler.graph  # refuses simulated stories
    names = [number.name for number in prepared.resolved.numbers]
    units = [
        unit
        for unit in units_of(prepared.blocks, prepared.core)
        if not any(has_atoms(prepared.distributions[i]) for i in unit)
    ]
    scaled = [i for unit in units for i in unit]
    base = assessment.averaged.mean(assessment.averaged.events[:, columns])
    priors, evidence, near_evidence = None, None, None
    coordinates = unconstrained(assessment, scaled)
    densities = np.array(
        [
            _log_density(prepared.distributions[i], z)
            for i, z in zip(scaled, coordinates, strict=True)
        ]
    )
    rows_of_units = np.cumsum([0, *map(len, units)])
    of_units = _joint_log_densities(prepared, exact.values, units, densities)
    if scaled:
        components, parts = [unit_name([names[i] for i in unit]) for unit in units], of_units
        if whole:
            components = [*components, ALL_PRIORS]
            parts = np.concatenate([of_units, of_units.sum(axis=0)[None]])
        priors = _scale_priors(
            tuple(components), parts, exact.events[:, columns], exact.weights, base, whole=whole
        )
    rows = _even_draws(assessment)
    if graph.evidence:
        evidence, near_evidence = _scale_evidence(assessment, rows, columns, base, whole=whole)
    of_itself, pulls = np.full((len(units), 2), np.nan), np.full(len(units), np.nan)
    if whole:
        own = np.repeat(of_units, np.diff(rows_of_units), axis=0)
        by_number = _of_themselves(exact.weights, coordinates, own, rows, near_evidence)
        for k, first in enumerate(rows_of_units[:-1]):
            members = slice(first, rows_of_units[k + 1])
            of_itself[k] = by_number[0][members].max(axis=0)
            pulls[k] = max(by_number[1][members], key=abs)
    return PowerScaling(
        events=tuple(of),
        base=base,
        priors=priors,
        evidence=evidence,
        of_itself=of_itself,
        pulls=pulls,
        no_density=tuple(names[i] for i in prepared.core if i not in scaled),
    )


def _joint_log_densities(
    prepared: PreparedStory, values: Array, units: Sequence[tuple[int, ...]], densities: Array
) -> Array:
    """Log densities of numbers by themselves, and of those that go together, (n_units, n_draws)."""
    by_first = {block.numbers[0]: block for block in prepared.blocks}
    joint, first = np.zeros((len(units), densities.shape[1] if len(units) else 0)), 0
    for k, unit in enumerate(units):
        joint[k] = densities[first : first + len(unit)].sum(axis=0)
        if len(unit) > 1:
            joint[k] += log_copula(by_first[unit[0]], prepared.distributions, values)
        first += len(unit)
    return joint


def _even_draws(assessment: Assessment) -> NDArray[np.intp]:
    """Rows of `exact` that all count the same."""
    weights = assessment.exact.weights
    if len(weights) <= EVIDENCE_DRAWS and np.ptp(weights) == 0:
        return np.arange(len(weights))
    return systematic(weights, EVIDENCE_DRAWS, assessment.seed)


def _log_density(distribution: Distribution, z: Array) -> Array:
    assert not isinstance(distribution, Point)  # which has no density, and is not scaled
    return distribution.log_density_unconstrained(z)


def _of_themselves(
    weights: Array,
    coordinates: Array,
    densities: Array,
    rows: NDArray[np.intp],
    near_evidence: Sequence[Array] | None,
) -> tuple[Array, Array]:
    """How far numbers move with their priors and the evidence, and how far a doubled prior pulls.

    Parameters
    ----------
    weights : (n_draws,) array
    coordinates, densities : (n_scaled, n_draws) array
    rows : array of int
        Draws that count the same.
    near_evidence : sequence of array, optional
        Their weights with all evidence scaled; None without any.
    """
    log_weights = _logs(weights)
    of_itself, pulls = np.zeros((len(densities), 2)), np.zeros(len(densities))
    even = np.full(len(rows), 1 / max(len(rows), 1))
    for k, (density, z) in enumerate(zip(densities, coordinates, strict=True)):
        near = [_weights(log_weights + (alpha - 1) * density) for alpha in NEAR]
        of_itself[k, 0] = sensitivity(z, weights, near)
        off = z - weights @ z
        spread = np.sqrt(weights @ off**2)
        pulls[k] = LN2 * (weights @ (off * density)) / spread if spread > 0 else 0.0
        if near_evidence is not None:
            of_itself[k, 1] = sensitivity(z[rows], even, near_evidence)
    return of_itself, pulls


def _logs(weights: Array) -> Array:
    return np.log(np.maximum(weights, _SMALLEST))


def unconstrained(assessment: Assessment, numbers: Sequence[int]) -> Array:
    """Posterior draws as log odds, of probabilities, or bits, (n_numbers, n_draws)."""
    kinds = [assessment.prepared.resolved.numbers[i].kind for i in numbers]
    values = assessment.exact.values[:, list(numbers)].T
    inside = logit(np.clip(values, _SMALLEST, 1 - 1e-16))
    return np.where(np.array(kinds)[:, None] == "probability", inside, values)


def _scale_priors(
    names: tuple[str, ...],
    parts: Array,
    events: Array,
    weights: Array,
    base: Array,
    *,
    whole: bool,
) -> Scaling:
    """Scale log densities, (n_components, n_draws), at weighted draws of the events."""
    out, log_weights = _empty(names, (len(parts), len(base))), _logs(weights)
    near = np.stack([_weights(log_weights + (alpha - 1) * parts) for alpha in NEAR])
    for e in range(len(base)):
        out.sensitivity[:, e] = sensitivity(events[:, e], weights, near)
    # The derivative of the mean in alpha is its covariance with the log density.
    off = parts - (parts @ weights)[:, None]
    moved = events - weights @ events
    slope = (off * weights) @ moved
    squares = off**2 @ (weights[:, None] * moved) ** 2
    cross = off @ (weights[:, None] ** 2 * moved)
    out.slope[:] = LN2 * slope
    square = squares - 2 * slope * cross + slope**2 * (weights @ weights)
    out.slope_error[:] = LN2 * np.sqrt(np.maximum(square, 0.0))
    for c, part in enumerate(parts if whole else ()):
        out.near_k[c] = _worst_k([(alpha - 1) * part for alpha in NEAR])
        for a, alpha in enumerate(FAR):
            log_scaled = log_weights + (alpha - 1) * part
            out.pareto_k[c, a] = _worst_k([log_scaled])
            out.means[c, a] = base + (_weights(log_scaled) - weights) @ events
    return out


def _scale_evidence(
    assessment: Assessment,
    rows: NDArray[np.intp],
    columns: Sequence[int],
    base: Array,
    *,
    whole: bool,
) -> tuple[Scaling, list[Array]]:
    """Scale items; also the weights, at `NEAR`, of some rows of `exact` with all of them scaled.

    Distances are of draws of all numbers; means, and their slopes, of draws of the sampled ones.
    """
    names = [item.id for item in assessment.prepared.graph.evidence]
    parts: list[tuple[int, ...]] = [(i,) for i in range(len(names))]
    if whole:
        names, parts = [*names, ALL_EVIDENCE], [*parts, tuple(range(len(names)))]
    alphas = (*NEAR, *FAR) if whole else NEAR
    out = _empty(tuple(names), (len(parts), len(columns)))
    values = assessment.averaged.values[even_rows(assessment, EVIDENCE_DRAWS)]
    _move_means(out, *_scaled_answers(assessment, values, parts, alphas, columns), base)
    values, near = assessment.exact.values[rows], list[Array]()
    log_ratios, events = _scaled_answers(assessment, values, parts, NEAR, columns)
    n, now = len(rows), events[0, 0]
    even, zeros = np.full(n, 1 / n), np.zeros(n)
    for c in range(len(parts)):
        near = [_weights(ratio) for ratio in log_ratios[c + 1]]
        for e in range(len(columns)):
            distances = [
                # Two weightings of the draws as they are and as they become.
                distance(
                    np.concatenate([now[:, e], x[:, e]]),
                    np.concatenate([even, zeros]),
                    np.concatenate([zeros, w]),
                )
                for w, x in zip(near, events[c + 1], strict=True)
            ]
            varies = np.ptp(now[:, e]) > STILL
            out.sensitivity[c, e] = _gradient(distances) if varies else np.nan
        if whole:
            out.near_k[c] = _worst_k(log_ratios[c + 1])
    return out, near


def _move_means(out: Scaling, log_ratios: Array, events: Array, base: Array) -> None:
    """Fill in how means move with each item, at draws that count the same."""
    n, now = log_ratios.shape[-1], events[0, 0]
    wide = np.log2(NEAR[1]) - np.log2(NEAR[0])
    for c in range(len(out.names)):
        ratios, moved = log_ratios[c + 1], events[c + 1]
        near = [_weights(ratio) for ratio in ratios[: len(NEAR)]]
        means = [w @ x for w, x in zip(near, moved, strict=False)]
        out.slope[c] = (means[1] - means[0]) / wide
        # What each draw adds to the difference of the two means.
        pulls = [n * w[:, None] * (x - w @ x) for w, x in zip(near, moved, strict=False)]
        out.slope_error[c] = (pulls[1] - pulls[0]).std(axis=0) / np.sqrt(n) / wide
        for a, ratio in enumerate(ratios[len(NEAR) :]):
            out.pareto_k[c, a] = _worst_k([ratio])
            moved_far = moved[len(NEAR) + a]
            out.means[c, a] = base + _weights(ratio) @ moved_far - now.mean(axis=0)


def _empty(names: tuple[str, ...], shape: tuple[int, int]) -> Scaling:
    """Make room for (n_components, n_events) answers; what may be left out is NaN."""
    far = (shape[0], len(FAR))
    return Scaling(
        names=names,
        sensitivity=np.zeros(shape),
        slope=np.zeros(shape),
        slope_error=np.zeros(shape),
        means=np.full((*far, shape[1]), np.nan),
        near_k=np.full(shape[0], np.nan),
        pareto_k=np.full(far, np.nan),
    )


def _scaled_answers(
    assessment: Assessment,
    values: Array,
    parts: Sequence[tuple[int, ...]],
    alphas: Sequence[float],
    columns: Sequence[int],
) -> tuple[Array, Array]:
    """Evaluate the story with parts of its evidence scaled by each α.

    Returns
    -------
    tuple
        log P'(E | θ) / P(E | θ), (1 + n_parts, n_alphas, n_draws), and events, with one axis more;
        the story as it is comes first.
    """
    prepared = assessment.prepared
    n_findings, shape = len(findings_of(prepared.graph)), (1 + len(parts), len(alphas))
    powers = np.ones((*shape, n_findings))
    for c, part in enumerate(parts):
        powers[c + 1][:, part] = np.array(alphas)[:, None]
    versions = answer_versions(prepared, values, powers.reshape(-1, n_findings), columns)
    ratios = (versions.log_evidence - versions.log_evidence[:, :1]).T
    events = versions.events.transpose(1, 0, 2)
    return ratios.reshape(*shape, -1), events.reshape(*shape, *events.shape[1:])


def _weights(log_weights: Array) -> Array:
    """Weights that sum to 1 along the last axis."""
    top = log_weights.max(axis=-1, keepdims=True)
    weights = np.exp(log_weights - top)
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def _worst_k(log_weights: Sequence[Array] | Array) -> float:
    """The largest Pareto k; NaN where no weights have a tail."""
    return max((k for x in log_weights if (k := pareto_k(x)) is not None), default=np.nan)


def sensitivity(x: Array, weights: Array, near: Sequence[Array] | Array) -> Array:
    """How far weighted draws move per doubling, from weights at `NEAR`.

    Parameters
    ----------
    x, weights : (n_draws,) array
    near : sequence of (..., n_draws) array
        Weights at each α of `NEAR`.

    Returns
    -------
    (...) array
    """
    return _gradient(list(distance(x, weights, np.asarray(near))))


def _gradient(distances: Sequence[Array]) -> Array:
    """Mean of the one-sided gradients in log2 α; a distance grows to both sides."""
    sides = [d / abs(np.log2(alpha)) for d, alpha in zip(distances, NEAR, strict=True)]
    return np.asarray(sum(sides) / len(sides))
