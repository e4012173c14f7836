"""What the leaves of a program are worth, and what its routes make of how they are used.

In plain numbers or in natural logs; one column for each draw.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from storyodds.models.circuits.quadrature import LONGEST, Rule, rule
from storyodds.models.engine.arithmetic import Scratch, log_sum_exp
from storyodds.models.engine.program import Program
from storyodds.models.story.likelihoods import LogLikelihoods
from storyodds.priors.distributions.families import LN2
from storyodds.priors.text.errors import Problem, UnsupportedStoryError

Array = NDArray[np.float64]
Ints = NDArray[np.intp]

SMALLEST = 1e-150  # below it, parts of a sum of products may have underflowed


@dataclass(frozen=True)
class Race:
    """Leaves of the competition at a block of draws, and what their pull needs again.

    Attributes
    ----------
    leaves : (n_share or n_win leaves, n_draws) array
        In logs where the arithmetic is.
    weights : (n_configs, n_draws) array
        Up to a factor for each draw; in logs where the arithmetic is.
    told_weights : (n_configs, n_draws) array
        Patterns: the same times what the evidence says of the route.
    totals : (n_races, n_draws) array
        Patterns: sums of weights over the open routes.
    sums : (n_shares, n_draws) array
        Patterns: sums of `told_weights` over the routes of each share leaf.
    rates : (n_stays, n_draws) array
        Quadrature: what stays decay with.
    rule : Rule or None
    risky : (n_draws,) bool
        Where these sums themselves underflow.
    log_scale : (1 or n_draws,) array
        What every root has to be scaled by.
    """

    leaves: Array
    weights: Array
    told_weights: Array
    totals: Array
    sums: Array
    rates: Array
    rule: Rule | None
    risky: NDArray[np.bool_]
    log_scale: Array


def rule_for(program: Program, values: Array) -> Rule | None:
    """The quadrature rule that spans the races of all draws; None for a program without one.

    Raises
    ------
    UnsupportedStoryError
        If the weights of routes are further apart than a rule can span.
    """
    if program.competition != "quadrature":
        return None
    widest = float(_log_ratios(program, log_weights(program, values)).max())
    if not widest <= LONGEST:
        raise UnsupportedStoryError(
            [
                Problem(
                    f"bits: found routes whose weights lie 2**{widest / LN2:.0f} apart, expected "
                    f"at most 2**{LONGEST / LN2:.0f} where routes compete by quadrature"
                )
            ]
        )
    return rule(widest)


def _log_ratios(program: Program, log_of: Array) -> Array:
    """Log of the largest over the smallest sum of weights that can race, (n_draws,)."""
    most, least = [], []
    for r in np.unique(program.config_routes):
        own = program.config_routes == r
        most.append(log_of[own].max(axis=0))
        if program.floor[own].any():
            least.append(log_of[own].min(axis=0))
    return np.asarray(log_sum_exp(np.array(most), axis=0) - log_sum_exp(np.array(least), axis=0))


def fill_leaves(
    program: Program,
    values: Array,
    likelihoods: LogLikelihoods,
    along: Rule | None,
    *,
    logs: bool,
    scratch: Scratch | None = None,
) -> tuple[Array, Race, Array]:
    """Return the value of every leaf that does not move along the quadrature rule.

    Parameters
    ----------
    along : Rule or None
        From `rule_for`.
    scratch : Scratch, optional
        Where to put leaves in plain numbers, which are good until the next call with it.

    Returns
    -------
    tuple
        Leaves, (n_fixed_leaves, n_draws), in logs if asked; the race; and the log of what every
        root has to be scaled by, (1 or n_draws,).
    """
    leaves = (scratch or Scratch()).rows("leaves", program.n_fixed_leaves, len(values))
    leaves, log_scale = _fixed_leaves(program, values, likelihoods.assumptions, leaves, logs=logs)
    race = _race(program, values, likelihoods.routes, along, logs=logs)
    places = program.shares if program.competition == "patterns" else program.wins
    leaves[places.leaves] = race.leaves
    return leaves, race, log_scale + race.log_scale


def moving_leaves(
    program: Program, race: Race, lanes: Array, weights: Array, *, logs: bool
) -> Array:
    """Return the values of the leaves that move along the rule.

    Parameters
    ----------
    lanes, weights : (n_draws, n_lanes) array
        Nodes of the rule and their weights.

    Returns
    -------
    (n_moving_leaves, n_draws * n_lanes) array
    """
    n_fixed = program.n_fixed_leaves
    out = np.zeros((len(program.circuit.leaves) - n_fixed, lanes.size))
    slopes = -(race.rates[:, :, None] * lanes).reshape(len(race.rates), lanes.size)
    out[program.stay_leaves - n_fixed] = slopes if logs else np.exp(slopes)
    if program.omega >= 0:
        flat = weights.ravel()
        out[program.omega - n_fixed] = np.log(flat) if logs else flat
    return out


def log_weights(program: Program, values: Array) -> Array:
    """Natural log of every config's weight, (n_configs, n_draws)."""
    numbers, bits = program.bits
    return np.asarray(LN2 * (bits @ np.ascontiguousarray(values[:, numbers].T)))


def scaled_items(program: Program, logs: Array) -> tuple[Array, Array]:
    """Log likelihoods of items about assumptions, the larger of a pair 0; and what is left out.

    Parameters
    ----------
    program : Program
    logs : (1 or n_draws, n_columns) array

    Returns
    -------
    (n_columns, 1 or n_draws) array, (1 or n_draws,) array
    """
    pairs = logs.reshape(len(logs), logs.shape[1] // 2, 2)
    top = _finite(pairs.max(axis=2, initial=-np.inf))
    used = np.unique(program.findings.what // 2)
    scaled = np.ascontiguousarray((pairs - top[:, :, None]).reshape(logs.shape).T)
    return scaled, top[:, used].sum(axis=1)


def scaled_routes(logs: Array) -> tuple[Array, Array]:
    """Log likelihoods of routes, the largest of a draw 0; and what is left out.

    Parameters
    ----------
    logs : (1 or n_draws, n_routes) array

    Returns
    -------
    (n_routes, 1 or n_draws) array, (1 or n_draws,) array
    """
    top = _finite(logs.max(axis=1))
    return np.ascontiguousarray((logs - top[:, None]).T), top


def _finite(top: Array) -> Array:
    return np.where(np.isfinite(top), top, 0.0)


def _fixed_leaves(
    program: Program, values: Array, logs_of_items: Array, leaves: Array, *, logs: bool
) -> tuple[Array, Array]:
    """Leaves that have one value for each draw, but for those of the race; and their scale."""
    leaves[:] = 1.0
    leaves[0] = 0.0
    leaves[program.yes.leaves] = values.T[program.yes.what]
    no = values.T[program.no.what]
    scaled, log_scale = scaled_items(program, logs_of_items)
    if logs:
        with np.errstate(divide="ignore"):
            leaves = np.log(leaves)
            leaves[program.no.leaves] = np.log1p(-no)
        leaves[program.findings.leaves] = scaled[program.findings.what]
    else:
        leaves[program.no.leaves] = 1.0 - no
        leaves[program.findings.leaves] = np.exp(scaled)[program.findings.what]
    return leaves, log_scale


def _race(
    program: Program, values: Array, logs_of_routes: Array, along: Rule | None, *, logs: bool
) -> Race:
    """Leaves of the competition between routes."""
    log_of, (evidence, top) = log_weights(program, values), scaled_routes(logs_of_routes)
    if program.competition == "patterns":
        return _race_by_patterns(program, log_of, evidence, top, logs=logs)
    by_route = [
        log_of[program.config_routes == r].max(axis=0) for r in np.unique(program.config_routes)
    ]
    log_rates = log_of - log_sum_exp(np.array(by_route), axis=0)
    wins = log_rates[program.wins.what] + evidence[program.config_routes[program.wins.what]]
    rates = np.exp(log_rates)
    stays = [rates[program.stays.what]]
    if program.rest >= 0:
        stays.append(rates[program.constant].sum(axis=0)[None])
    n = len(values)
    return Race(
        leaves=wins if logs else np.exp(wins),
        weights=rates,
        told_weights=rates,
        totals=np.zeros((0, n)),
        sums=np.zeros((0, n)),
        rates=np.concatenate(stays),
        rule=along,
        risky=np.zeros(n, bool),
        log_scale=top,
    )


def _race_by_patterns(
    program: Program, log_of: Array, evidence: Array, top: Array, *, logs: bool
) -> Race:
    n = log_of.shape[1]
    risky = np.zeros(n, bool)
    if logs:
        weights, told_weights = log_of, log_of + evidence[program.config_routes]
        totals = log_sum_exp(_at(weights, program.races), axis=1)
        sums = log_sum_exp(_at(told_weights, program.share_configs), axis=1)
        leaves = sums - totals[program.shares.what]
    else:
        weights = np.exp(log_of - log_of.max(axis=0))
        told_weights = weights * np.exp(evidence)[program.config_routes]
        totals, sums = program.open_configs @ weights, program.sharing @ told_weights
        risky = ~(totals.min(axis=0, initial=np.inf) > SMALLEST)
        leaves = totals[program.shares.what]
        with np.errstate(divide="ignore", invalid="ignore"):
            np.divide(sums, leaves, out=leaves)
    return Race(leaves, weights, told_weights, totals, sums, np.zeros((0, n)), None, risky, top)


def _at(log_of: Array, configs: Ints) -> Array:
    """Log weights at an array of configs; minus infinity where there is none."""
    closed = np.full((1, log_of.shape[1]), -np.inf)
    return np.concatenate([log_of, closed])[configs]


def won_by(program: Program, race: Race, usage: Array, *, logs: bool) -> Array:
    """In which config training ends, (n_seeds, n_configs, n_draws)."""
    out = np.zeros((len(usage), len(program.config_routes), usage.shape[2]))
    if program.competition == "quadrature":
        out[:, program.wins.what] = usage[:, program.wins.leaves]
        return out
    for s, used in enumerate(usage[:, program.shares.leaves]):
        if logs:
            _spread(out[s], used, race.told_weights, race.sums, program.share_configs)
        else:
            # Subnormal sums overflow here: such draws are taken again in logs.
            with np.errstate(over="ignore", invalid="ignore"):
                ratios = np.divide(used, race.sums, out=np.zeros_like(used), where=race.sums > 0)
                out[s] = race.told_weights * (program.sharing.T @ ratios)
    return out


def lost_by(program: Program, race: Race, usage: Array, stay_pulls: Array, *, logs: bool) -> Array:
    """What a config takes from the others by its weight, (n_seeds, n_configs, n_draws)."""
    out = np.zeros((len(usage), len(program.config_routes), usage.shape[2]))
    if program.competition == "quadrature":
        out[:, program.stays.what] = stay_pulls[:, : len(program.stays.what)]
        if program.rest >= 0:
            constant = race.weights[program.constant]
            total = constant.sum(axis=0)
            parts = np.divide(constant, total, out=np.zeros_like(constant), where=total > 0)
            out[:, program.constant] = stay_pulls[:, -1:] * parts
        return out
    for s, used in enumerate(usage[:, program.shares.leaves]):
        in_race = program.share_races @ used
        if logs:
            _spread(out[s], in_race, race.weights, race.totals, program.races)
        else:
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # as above
                out[s] = race.weights * (program.open_configs.T @ (in_race / race.totals))
    return -out


def _spread(out: Array, used: Array, log_of: Array, log_sums: Array, configs: Ints) -> None:
    """Share out what is used of each row among its configs, in proportion to their weights."""
    with np.errstate(invalid="ignore"):
        parts = used[:, None] * np.exp(_at(log_of, configs) - log_sums[:, None])
    there = configs >= 0
    np.add.at(out, configs[there], np.where(np.isfinite(parts), parts, 0.0)[there])
