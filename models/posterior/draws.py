"""Draws of the uncertain numbers of a story."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Computed = Literal["exact", "weighting", "nuts", "simulation"]  # how the posterior was


@dataclass(frozen=True)
class Draws:
    """Weighted draws of the numbers from the posterior.

    Attributes
    ----------
    values : (n_draws, n_numbers) array
        Every number of the story; findings' own numbers stand at their medians.
    weights : (n_draws,) array
        Sum to 1.
    chains : int
        Draws are chain by chain; 1 when they are not from chains.
    method : {"exact", "weighting", "nuts", "simulation"}
    log_evidence, log_evidence_error : float
        Natural log of P(evidence) and its standard error, in nats; NaN where it is not known.
    log_likelihood_bound : float
        The most that log P(evidence | numbers) could be at any draw, in nats.
    diagnostics : mapping of str to number, None, or a mapping of such
    messages : tuple of str
    ok : bool
        Whether the draws can be relied on.
    statistics : mapping of str to (n_draws,) array
        Per-draw statistics of the sampler.
    """

    values: Array
    weights: Array
    chains: int
    method: Computed
    log_evidence: float
    log_evidence_error: float
    log_likelihood_bound: float
    diagnostics: Mapping[str, Any]
    messages: tuple[str, ...]
    ok: bool
    statistics: Mapping[str, Array]
