"""Sums as they follow the weights of the routes, every other number as it is.

Every product in a sum has exactly one share of one race among its factors: training ends once. So
a sum is linear in these shares, and one run of the engine backwards tells by how much each of them
counts. What follows for other weights is a product of matrices.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from storyodds.models import arithmetic, engine
from storyodds.models.engine import LogLikelihoods
from storyodds.models.program import Program
from storyodds.priors.distributions import LN2

Array = NDArray[np.float64]

_CELLS = 2**22  # of float64: shares at so many points at once
_FURTHEST = 1e100  # a share may count for so many times the sum that it is part of
_BLOCK = 128  # draws that go backwards at once


@dataclass(frozen=True)
class RaceTerms:
    """What is known of the roots of a program before the routes are weighed.

    Attributes
    ----------
    program : Program
    log_weights : (n_configs, n_draws) array
        As the numbers are, natural logs.
    told : (n_configs, n_draws or 1) array
        What the evidence says of the route of every config, up to a factor.
    counts : (n_draws, n_wanted, n_shares) array
        By how much each share counts in each root that is wanted, up to a factor for each draw.
    log_scale : (n_draws,) array
        That factor.
    """

    program: Program
    log_weights: Array
    told: Array
    counts: Array
    log_scale: Array


def race_terms(
    program: Program, values: Array, said: LogLikelihoods, wanted: Sequence[int]
) -> RaceTerms | None:
    """Ask how the roots of a program depend on the shares of its races.

    Parameters
    ----------
    program : Program
    values : (n_draws, n_numbers) array
    said : LogLikelihoods
    wanted : sequence of int
        Roots.

    Returns
    -------
    RaceTerms or None
        None where the sums cannot be had in this way: routes compete by quadrature, or shares are
        too far apart in size.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> assessed = assess(resolve(load_story("coinrun-agent")), draws=64)
    >>> prepared, values = assessed.prepared, assessed.draws.values
    >>> terms = race_terms(prepared.likelihood, values, prepared.likelihoods, [0])
    >>> terms is not None and terms.counts.shape == (64, 1, len(prepared.likelihood.shares.leaves))
    True
    """
    if program.competition != "patterns" or not len(program.shares.leaves):
        return None
    n, top = len(values), said.routes.max(axis=1, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    log_weights = np.asarray(LN2 * (program.config_bits @ values.T))
    told = np.exp(said.routes - top).T[program.config_routes]
    counts = np.empty((n, len(wanted), len(program.shares.leaves)))
    log_scale = np.empty(n)
    for first in range(0, n, _BLOCK):
        block = slice(first, first + _BLOCK)
        leaves, race, scale = engine.fill_leaves(
            program, values[block], said.take(block), None, logs=False
        )
        worth = arithmetic.forward(program.circuit, leaves, logs=False)
        log_scale[block] = scale
        if race.risky.any() or not worth[program.circuit.roots].max(axis=0).min() > engine.SMALLEST:
            return None
        counts[block] = _counts(program, worth, wanted)
    if not (np.isfinite(counts).all() and counts.max() < _FURTHEST):
        return None
    return RaceTerms(program, log_weights, told, counts, log_scale)


def _counts(program: Program, worth: Array, wanted: Sequence[int]) -> Array:
    """Derivatives of roots in shares, (n_draws, n_wanted, n_shares)."""
    circuit, n = program.circuit, worth.shape[1]
    places = circuit.leaves[program.shares.leaves]
    shares = worth[places].T
    out = np.zeros((n, len(wanted), len(places)))
    for k, root in enumerate(wanted):
        seeds = np.zeros((len(circuit.roots), n))
        seeds[root] = worth[circuit.roots[root]] > 0
        flow = arithmetic.backward(circuit, worth, seeds, logs=False)[places].T
        flow *= worth[circuit.roots[root]][:, None]
        np.divide(flow, shares, out=out[:, k], where=shares > 0)
    return out


def roots_at(terms: RaceTerms, numbers: Sequence[int], shifts: Array) -> list[Array] | None:
    """Sums with one number or another moved.

    Parameters
    ----------
    terms : RaceTerms
    numbers : sequence of int
        Bits, one for each point.
    shifts : (n_points, n_draws) array
        By how many bits each is moved at every draw.

    Returns
    -------
    list of (n_draws, n_wanted) array, or None
        Natural logs, by point; None where a share gets too small to be told from 0.
    """
    program = terms.program
    n, n_shares = len(terms.log_scale), len(program.shares.leaves)
    bits = program.config_bits.tocsc()
    at_once = max(1, _CELLS // (n * n_shares))
    out: list[Array] = []
    for first in range(0, len(numbers), at_once):
        some = slice(first, first + at_once)
        per_bit = bits[:, list(numbers[some])].toarray()  # (n_configs, n_points)
        moved = LN2 * per_bit[:, None, :] * shifts[some].T
        shares = _shares(terms, terms.log_weights[:, :, None] + moved)
        if shares is None:
            return None
        with np.errstate(divide="ignore"):
            roots = np.log(terms.counts @ shares) + terms.log_scale[:, None, None]
        out += list(roots.transpose(2, 0, 1))
    return out


def _shares(terms: RaceTerms, log_weights: Array) -> Array | None:
    """Give every share, (n_draws, n_shares, n_points), at log weights (n_configs, n, n_points)."""
    program = terms.program
    n_configs, n, n_points = log_weights.shape
    weights = np.exp(log_weights - log_weights.max(axis=0))
    if not weights.min() > engine.SMALLEST:
        return None
    totals = program.open_configs @ weights.reshape(n_configs, -1)
    sums = program.sharing @ (weights * terms.told[:, :, None]).reshape(n_configs, -1)
    sums /= totals[program.shares.what]
    shares = sums.reshape(len(sums), n, n_points).transpose(1, 0, 2)
    return np.ascontiguousarray(shares)
