"""The posterior density of stories in which numbers go together.

Coordinates of correlated numbers are independent standard normals that their scores are made of.
On that scale their prior is known without the density of a copula, whatever their own are.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite, log, pi

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_expit, logit, ndtri

from storyodds.models.posterior.densities.density import LogDensity
from storyodds.models.posterior.prepared import PreparedStory
from storyodds.priors.distributions.copula import at_scores
from storyodds.priors.distributions.families import (
    BetaDistribution,
    Continuous,
    Distribution,
    LogitNormal,
    NormalDistribution,
    has_atoms,
)
from storyodds.priors.text.errors import InputError, Problem

Array = NDArray[np.float64]

_LOG_2_PI = log(2 * pi)
_WIDE = NormalDistribution(0.0, 100.0)  # bits; a stand-in, of which the width does not matter
_FAR = 700.0  # of a logit, beyond which the chance or the rest of it is no number any more


@dataclass(frozen=True)
class _Part:
    """One block of correlated numbers, all of them coordinates."""

    columns: tuple[int, ...]
    factor: Array  # lower triangular, of the correlations of the scores
    priors: tuple[Continuous, ...]
    are_logits: tuple[bool, ...]


@dataclass(frozen=True)
class Whitened:
    """A story on coordinates in which correlated numbers are independent.

    Attributes
    ----------
    prepared : PreparedStory
        The story with stand-ins in the place of the priors of correlated numbers, each a
        coordinate by itself: a logit or bits.
    parts : tuple
        What the correlated numbers are made of.
    """

    prepared: PreparedStory
    parts: tuple[_Part, ...]

    def to_coordinates(self, u: Array, z: Array) -> Array:
        """Put scores of independent uniforms, (n_active,), in the place of correlated numbers."""
        out = z.copy()
        for part in self.parts:
            out[list(part.columns)] = ndtri(u[list(part.columns)])
        return out

    def unwhitened(self, coordinates: Array) -> Array:
        """Take draws to the coordinates of `prepared`, (n_draws, n_active)."""
        out = coordinates.copy()
        for part in self.parts:
            columns = list(part.columns)
            scores = coordinates[:, columns] @ part.factor.T
            for column, score, prior, is_logit in zip(
                columns, scores.T, part.priors, part.are_logits, strict=True
            ):
                out[:, column] = _coordinate(prior, score, is_logit)
        return out

    def density(self, inner: LogDensity) -> LogDensity:
        """Make of the log density of `prepared` that on whitened coordinates.

        Parameters
        ----------
        inner : callable
            From coordinates of `prepared` to a height, in nats, and its gradient.
        """
        if not self.parts:
            return inner

        def density(coordinates: Array) -> tuple[float, Array]:
            nowhere = -np.inf, np.zeros(len(coordinates))
            if not np.isfinite(coordinates).all():
                return nowhere
            z = self.unwhitened(coordinates[None])[0]
            height, slope = inner(z)
            if not isfinite(height):
                return nowhere
            slope = slope.copy()
            for part in self.parts:
                columns = list(part.columns)
                own = coordinates[columns]
                scores, pulls = part.factor @ own, np.empty(len(columns))
                for k, column in enumerate(columns):
                    stand_in, pull = _stand_in_at(z[column], part.are_logits[k])
                    height -= stand_in
                    rise = _rise(part.priors[k], scores[k], z[column])
                    pulls[k] = (slope[column] - pull) * rise
                height -= 0.5 * (float(own @ own) + len(own) * _LOG_2_PI)
                slope[columns] = part.factor.T @ pulls - own
            if not (isfinite(height) and np.isfinite(slope).all()):
                return nowhere
            return height, slope

        return density


def whitened(prepared: PreparedStory) -> Whitened:
    """Put a story on coordinates in which its correlated numbers are independent.

    Parameters
    ----------
    prepared : PreparedStory

    Raises
    ------
    InputError
        If a correlated number has no density.
    """
    active = list(prepared.active)
    blocks = [block for block in prepared.blocks if block.numbers[0] in active]
    if not blocks:
        return Whitened(prepared, ())
    numbers, parts = prepared.resolved.numbers, []
    distributions: list[Distribution] = list(prepared.distributions)
    for block in blocks:
        priors = [prepared.distributions[i] for i in block.numbers]
        _refuse_atoms([numbers[i].name for i in block.numbers], priors)
        are_logits = tuple(numbers[i].kind == "probability" for i in block.numbers)
        parts.append(
            _Part(
                tuple(active.index(i) for i in block.numbers),
                np.linalg.cholesky(block.correlations),
                tuple(priors),  # type: ignore[arg-type]
                are_logits,
            )
        )
        for i, is_logit in zip(block.numbers, are_logits, strict=True):
            distributions[i] = BetaDistribution(1.0, 1.0) if is_logit else _WIDE
    return Whitened(replace(prepared, distributions=tuple(distributions)), tuple(parts))


def _refuse_atoms(names: Sequence[str], priors: Sequence[Distribution]) -> None:
    problems = [
        Problem(
            f"method nuts: found '{name}', a pool with fixed values that goes together with other "
            "numbers, which has no density; expected intervals in the pool, or --method weighting"
        )
        for name, prior in zip(names, priors, strict=True)
        if has_atoms(prior)
    ]
    if problems:
        raise InputError(problems)


def _coordinate(prior: Continuous, scores: Array, is_logit: bool) -> Array:
    if isinstance(prior, LogitNormal | NormalDistribution):
        return np.asarray(prior.location + prior.sd * scores)
    values = at_scores(prior, scores)
    if not is_logit:
        return values
    with np.errstate(divide="ignore"):
        return np.asarray(np.clip(logit(values), -_FAR, _FAR))


def _rise(prior: Continuous, score: float, z: float) -> float:
    """How fast the coordinate moves with the score."""
    if isinstance(prior, LogitNormal | NormalDistribution):
        return prior.sd
    log_density = float(prior.log_density_unconstrained(np.array(z)))
    return float(np.exp(-0.5 * score * score - 0.5 * _LOG_2_PI - log_density))


def _stand_in_at(z: float, is_logit: bool) -> tuple[float, float]:
    """Log density of the prior that stands in, and its slope."""
    if is_logit:
        return float(log_expit(z) + log_expit(-z)), float(1.0 - 2.0 * expit(z))
    wide = np.array(z)
    return (
        float(_WIDE.log_density_unconstrained(wide)),
        float(_WIDE.gradient_unconstrained(wide)),
    )
