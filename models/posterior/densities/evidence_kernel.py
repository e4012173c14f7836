"""Log P(evidence | numbers) at one point, with its gradient, by numba.

Samplers that follow gradients evaluate one point at a time: the leaves of the circuit, the circuit
and the way back to the numbers are one compiled call. Importing this module imports numba.
"""

import math
from typing import NamedTuple

import numpy as np

from storyodds.models.engine.kernel import Array, Bytes, Ints, run
from storyodds.models.safe_numba import jit
from storyodds.priors.distributions.families import LN2


class FlatProgram(NamedTuple):
    """A `Program` with one root as flat arrays; ragged lists go from each start to the next."""

    op: Bytes
    left: Ints
    right: Ints
    n_fixed: int
    roots: Ints
    leaf_nodes: Ints  # of the fixed leaves, which the entries below speak of
    yes: Ints
    yes_numbers: Ints
    no: Ints
    no_numbers: Ints
    findings: Ints
    finding_columns: Ints
    ends: Ints  # shares or wins
    end_starts: Ints
    end_configs: Ints
    end_races: Ints  # of shares
    stays: Ints  # nodes, the rest last
    stay_configs: Ints
    omega: int  # node, or -1
    constant: Ints  # configs that are part of the rest
    config_routes: Ints
    config_starts: Ints
    config_numbers: Ints
    floor: Bytes  # by config: whether its route is always open
    race_starts: Ints
    race_configs: Ints
    nodes: Array  # of the longest quadrature rule; shorter ones are its beginnings
    weights: Array
    n_near: int  # how many of them do not depend on the range
    step: float  # the range in nats that one more node covers
    reach: float  # what the range is widened by
    passed: Ints  # flag rates of checks that are known to have passed,
    flagged: Ints  # and of those known to have flagged


@jit
def log_evidence(
    program: FlatProgram,
    values: Array,
    complements: Array,
    assumptions: Array,
    routes: Array,
    slopes: Array,
    by_item: Array,
    ended: Array,
) -> float:
    """Log P(evidence | numbers) at one point, with its gradient.

    Parameters
    ----------
    program : FlatProgram
    values : (n_numbers,) array
    complements : (n_numbers,) array
        1 - value, which near a value of 1 has digits that the value has lost.
    assumptions : (2 * n_items,) array
    routes : (n_routes,) array
        Log likelihoods, as in `LogLikelihoods`.
    slopes : (n_numbers,) array
        Filled in: derivatives per unit of logit or per bit.
    by_item : (2 * n_items,) array
        Filled in: derivatives in `assumptions`.
    ended : (n_routes,) array
        Filled in: derivatives in `routes`, which is P(route | numbers, evidence).

    Returns
    -------
    float
        In nats; minus infinity for impossible evidence, nan where the sums underflow, and then
        no derivatives.
    """
    slopes[:], by_item[:], ended[:] = 0.0, 0.0, 0.0
    v = np.ones((len(program.leaf_nodes), 1))
    v[0] = 0.0
    for j in range(len(program.yes)):
        v[program.yes[j], 0] = values[program.yes_numbers[j]]
    for j in range(len(program.no)):
        v[program.no[j], 0] = complements[program.no_numbers[j]]
    scale = 0.0
    tops = np.zeros(len(assumptions) // 2)
    for k in range(len(tops)):
        top = max(assumptions[2 * k], assumptions[2 * k + 1])
        tops[k] = top if top > -np.inf else 0.0
        scale += tops[k]
    for j in range(len(program.findings)):
        column = program.finding_columns[j]
        v[program.findings[j], 0] = math.exp(assumptions[column] - tops[column // 2])
    top = -np.inf
    for r in range(len(routes)):
        top = max(top, routes[r])
    top = top if top > -np.inf else 0.0
    scale += top
    log_weights = np.zeros(len(program.config_routes))
    highest = -np.inf
    for c in range(len(log_weights)):
        for k in range(program.config_starts[c], program.config_starts[c + 1]):
            log_weights[c] += LN2 * values[program.config_numbers[k]]
        highest = max(highest, log_weights[c])
    weights = np.exp(log_weights - highest)
    factors = np.exp(routes - top)
    sums, totals = np.zeros(len(program.ends)), np.zeros(len(program.race_starts) - 1)
    n_lanes, rates = 0, np.zeros((len(program.stays), 1))
    if program.omega < 0:
        for race in range(len(totals)):
            for k in range(program.race_starts[race], program.race_starts[race + 1]):
                totals[race] += weights[program.race_configs[k]]
            if not totals[race] > 1e-150:
                return np.nan
        for j in range(len(program.ends)):
            for k in range(program.end_starts[j], program.end_starts[j + 1]):
                c = program.end_configs[k]
                sums[j] += weights[c] * factors[program.config_routes[c]]
            v[program.ends[j], 0] = sums[j] / totals[program.end_races[j]]
    else:
        most, least = _extremes(program, weights, len(routes))
        if not least > 1e-290:
            return np.nan
        n_lanes = program.n_near + int((math.log(most / least) + program.reach) / program.step) + 2
        weights /= most
        for j in range(len(program.ends)):
            c = program.end_configs[j]
            sums[j] = weights[c] * factors[program.config_routes[c]]
            v[program.ends[j], 0] = sums[j]
        for j in range(len(program.stay_configs)):
            rates[j, 0] = weights[program.stay_configs[j]]
        for c in program.constant:
            rates[-1, 0] += weights[c]
    result = np.zeros((1, 1))
    flows = np.zeros((1, len(program.leaf_nodes), 1))
    pulls = np.zeros((1, len(program.stays), 1))
    run(
        program.op, program.left, program.right, np.ones(len(program.op), np.int8),
        program.n_fixed, program.roots, program.leaf_nodes, v, program.stays, rates,
        program.nodes[:n_lanes], program.weights[:n_lanes], program.omega, np.ones((1, 1, 1)), 1,
        result, flows, pulls,
    )  # fmt: skip
    if not result[0, 0] > 1e-150:
        return np.nan
    for j in range(len(program.yes)):
        number = program.yes_numbers[j]
        slopes[number] += flows[0, program.yes[j], 0] * complements[number]
    for j in range(len(program.no)):
        number = program.no_numbers[j]
        slopes[number] -= flows[0, program.no[j], 0] * values[number]
    for j in range(len(program.findings)):
        by_item[program.finding_columns[j]] += flows[0, program.findings[j], 0]
    pull, in_race = np.zeros(len(weights)), np.zeros(len(totals))
    for j in range(len(program.ends)):
        flow = flows[0, program.ends[j], 0]
        if program.omega < 0:
            in_race[program.end_races[j]] += flow
        if flow == 0.0:
            continue
        for k in range(program.end_starts[j], program.end_starts[j + 1]):
            c = program.end_configs[k]
            part = flow * weights[c] * factors[program.config_routes[c]] / sums[j]
            ended[program.config_routes[c]] += part
            pull[c] += part
    for race in range(len(totals)):
        for k in range(program.race_starts[race], program.race_starts[race + 1]):
            c = program.race_configs[k]
            pull[c] -= in_race[race] * weights[c] / totals[race]
    for j in range(len(program.stay_configs)):
        pull[program.stay_configs[j]] += pulls[0, j, 0]
    for c in program.constant:
        if program.omega >= 0 and rates[-1, 0] > 0.0:
            pull[c] += pulls[0, -1, 0] * weights[c] / rates[-1, 0]
    for c in range(len(pull)):
        for k in range(program.config_starts[c], program.config_starts[c + 1]):
            slopes[program.config_numbers[k]] += LN2 * pull[c]
    return math.log(result[0, 0]) + scale


@jit
def _extremes(program: FlatProgram, weights: Array, n_routes: int) -> tuple[float, float]:
    """The largest and the smallest sum of weights that can race."""
    high, low = np.zeros(n_routes), np.full(n_routes, np.inf)
    for c in range(len(weights)):
        r = program.config_routes[c]
        high[r] = max(high[r], weights[c])
        if program.floor[c]:
            low[r] = min(low[r], weights[c])
    least = 0.0
    for r in range(n_routes):
        if low[r] < np.inf:
            least += low[r]
    return high.sum(), least
