"""Circuits evaluated by numba: one program compiled once, for every story.

A story is data here. `run` takes many draws; `log_evidence` and `log_density` take one point, as
samplers that follow gradients ask for it. Numba compiles these loops once per machine and then
loads them from its disk cache. Importing this module imports numba. The functions release the GIL.

Whatever works together is in one file because the disk cache notices changes to a function's own
file only: all that is compiled has to be touched when `models.safe_numba.jit` changes.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from storyodds.models.safe_numba import jit
from storyodds.priors.distributions.beta_functions import FAR
from storyodds.priors.distributions.families import LN2

Array = NDArray[np.float64]
Ints = NDArray[np.int32]
Bytes = NDArray[np.int8]


@jit
def run(
    op: Bytes,
    left: Ints,
    right: Ints,
    marks: Bytes,
    n_fixed: int,
    roots: Ints,
    leaf_nodes: Ints,
    leaves: Array,
    stays: Ints,
    rates: Array,
    nodes: Array,
    weights: Array,
    omega: int,
    seeds: Array,
    width: int,
    values: Array,
    flows: Array,
    pulls: Array,
) -> None:
    """Evaluate a circuit for many draws, forward and, for every seed, backward.

    Parameters
    ----------
    op : (n_nodes,) int8
        0 a leaf, 1 a product, 2 a sum.
    left, right : (n_nodes,) int32
    marks : (n_nodes,) int8
        Whether any seed depends on the node: what has to be walked back.
    n_fixed : int
        Nodes from this one on have one value for every node of the quadrature rule.
    roots : (n_roots,) int32
    leaf_nodes : (n_fixed_leaves,) int32
    leaves : (n_fixed_leaves, n_draws) array
        What the leaves before n_fixed are worth.
    stays : (n_stays,) int32
        The leaves worth exp(-node * rate).
    rates : (n_stays, n_draws) array
    nodes, weights : (n_quadrature,) array
    omega : int
        The leaf worth the rule's weight; -1 for none.
    seeds : (n_seeds, n_roots, n_draws) array
        Each seed stands for the derivatives of log(sum over roots of seed * root).
    width : int
        How many draws go through the circuit side by side.
    values : (n_roots, n_draws) array
        Filled in: what the roots are worth.
    flows : (n_seeds, n_fixed_leaves, n_draws) array
        Filled in: d log(seed's sum) / d log(leaf).
    pulls : (n_seeds, n_stays, n_draws) array
        Filled in: d log(seed's sum) / d log(rate).
    """
    n_draws, n_lanes, n_moving = leaves.shape[1], len(nodes), len(op) - n_fixed
    v, flow = np.empty((n_fixed, width)), np.empty((n_fixed, width))
    shares, seeded = np.empty((n_fixed, width)), np.empty((len(roots), width))
    row = np.full(n_fixed, -1, np.int32)  # of `seeded`, for every root
    for r in range(len(roots)):
        if roots[r] < n_fixed and row[roots[r]] < 0:
            row[roots[r]] = r
    w, g, ratio = np.empty((n_moving, n_lanes)), np.empty((n_moving, n_lanes)), np.empty(n_lanes)
    sums = np.empty((len(seeds), width))
    moved = np.empty((len(seeds) if n_moving > 0 else 0, n_fixed, width))
    for first in range(0, n_draws, width):
        n = min(width, n_draws - first)
        for j in range(len(leaf_nodes)):
            for d in range(n):
                v[leaf_nodes[j], d] = leaves[j, first + d]
        for i in range(n_fixed):
            a, b = left[i], right[i]
            if op[i] == 1:
                for d in range(n):
                    v[i, d] = v[a, d] * v[b, d]
            elif op[i] == 2:
                for d in range(n):
                    v[i, d] = v[a, d] + v[b, d]
        for r in range(len(roots)):
            if roots[r] < n_fixed:
                for d in range(n):
                    values[r, first + d] = v[roots[r], d]
        if n_moving > 0:
            moved[:] = 0.0
            for d in range(n):
                _moving(
                    op, left, right, marks, n_fixed, roots, v, d, stays, rates[:, first + d],
                    nodes, weights, omega, seeds[:, :, first + d], w, g, ratio,
                    values[:, first + d], moved, pulls[:, :, first + d],
                )  # fmt: skip
        for s in range(len(seeds)):
            for d in range(n):
                sums[s, d] = 0.0
                for r in range(len(roots)):
                    sums[s, d] += seeds[s, r, first + d] * values[r, first + d]
            if n_moving > 0:
                flow[:] = moved[s]
            else:
                flow[:] = 0.0
            seeded[:], shares[:] = 0.0, 0.0
            for r in range(len(roots)):
                if roots[r] < n_fixed:
                    for d in range(n):
                        if sums[s, d] > 0.0:
                            part = seeds[s, r, first + d] * values[r, first + d]
                            seeded[row[roots[r]], d] += part / sums[s, d]
            # Parents are added up as `models.arithmetic` does it.
            for i in range(n_fixed - 1, -1, -1):
                if marks[i] == 0:
                    continue
                a, b = left[i], right[i]
                if row[i] >= 0:
                    for d in range(n):
                        flow[i, d] += seeded[row[i], d]
                for d in range(n):
                    flow[i, d] += v[i, d] * shares[i, d]
                if op[i] == 1:
                    for d in range(n):
                        flow[a, d] += flow[i, d]
                        flow[b, d] += flow[i, d]
                elif op[i] == 2:
                    for d in range(n):
                        share = flow[i, d] / v[i, d] if v[i, d] > 0.0 else 0.0
                        shares[a, d] += share
                        shares[b, d] += share
            for j in range(len(leaf_nodes)):
                for d in range(n):
                    flows[s, j, first + d] = flow[leaf_nodes[j], d]


@jit
def _moving(
    op: Bytes,
    left: Ints,
    right: Ints,
    marks: Bytes,
    n_fixed: int,
    roots: Ints,
    v: Array,
    d: int,
    stays: Ints,
    rates: Array,
    nodes: Array,
    weights: Array,
    omega: int,
    seeds: Array,
    w: Array,
    g: Array,
    ratio: Array,
    values: Array,
    moved: Array,
    pulls: Array,
) -> None:
    """The part of a circuit that moves along the quadrature rule, for one draw."""
    n_lanes = len(nodes)
    _forward(op, left, right, n_fixed, v, d, stays, rates, nodes, weights, omega, w)
    for r in range(len(roots)):
        if roots[r] >= n_fixed:
            total = 0.0
            for k in range(n_lanes):
                total += w[roots[r] - n_fixed, k]
            values[r] = total
    for s in range(len(seeds)):
        total = 0.0
        for r in range(len(roots)):
            total += seeds[s, r] * values[r]
        if not total > 0.0:
            continue
        g[:] = 0.0
        for r in range(len(roots)):
            share = seeds[s, r] / total
            if roots[r] >= n_fixed and share != 0.0:
                for k in range(n_lanes):
                    g[roots[r] - n_fixed, k] += share * w[roots[r] - n_fixed, k]
        _backward(op, left, right, marks, n_fixed, v, d, w, g, ratio, moved[s])
        for j in range(len(stays)):
            pull, row = 0.0, stays[j] - n_fixed
            for k in range(n_lanes):
                pull -= g[row, k] * nodes[k]
            pulls[s, j] = pull * rates[j]


@jit
def _forward(
    op: Bytes,
    left: Ints,
    right: Ints,
    n_fixed: int,
    v: Array,
    d: int,
    stays: Ints,
    rates: Array,
    nodes: Array,
    weights: Array,
    omega: int,
    w: Array,
) -> None:
    n_lanes = len(nodes)
    for j in range(len(stays)):
        row, rate = stays[j] - n_fixed, rates[j]
        for k in range(n_lanes):
            w[row, k] = math.exp(-nodes[k] * rate)
    if omega >= 0:
        for k in range(n_lanes):
            w[omega - n_fixed, k] = weights[k]
    for i in range(n_fixed, len(op)):
        if op[i] == 0:
            continue
        a, b, row = left[i], right[i], i - n_fixed
        if a < n_fixed:
            a, b = b, a
        a -= n_fixed
        if b < n_fixed:
            x = v[b, d]
            if op[i] == 1:
                for k in range(n_lanes):
                    w[row, k] = w[a, k] * x
            else:
                for k in range(n_lanes):
                    w[row, k] = w[a, k] + x
        else:
            b -= n_fixed
            if op[i] == 1:
                for k in range(n_lanes):
                    w[row, k] = w[a, k] * w[b, k]
            else:
                for k in range(n_lanes):
                    w[row, k] = w[a, k] + w[b, k]


@jit
def _backward(
    op: Bytes,
    left: Ints,
    right: Ints,
    marks: Bytes,
    n_fixed: int,
    v: Array,
    d: int,
    w: Array,
    g: Array,
    ratio: Array,
    flow: Array,
) -> None:
    n_lanes = w.shape[1]
    for i in range(len(op) - 1, n_fixed - 1, -1):
        if op[i] == 0 or marks[i] == 0:
            continue
        a, b, row = left[i], right[i], i - n_fixed
        if a < n_fixed:
            a, b = b, a
        a -= n_fixed
        if op[i] == 1:
            for k in range(n_lanes):
                g[a, k] += g[row, k]
            if b < n_fixed:
                total = 0.0
                for k in range(n_lanes):
                    total += g[row, k]
                flow[b, d] += total
            else:
                b -= n_fixed
                for k in range(n_lanes):
                    g[b, k] += g[row, k]
        else:
            for k in range(n_lanes):
                ratio[k] = g[row, k] / w[row, k] if w[row, k] > 0.0 else 0.0
                g[a, k] += ratio[k] * w[a, k]
            if b < n_fixed:
                total = 0.0
                for k in range(n_lanes):
                    total += ratio[k]
                flow[b, d] += total * v[b, d]
            else:
                b -= n_fixed
                for k in range(n_lanes):
                    g[b, k] += ratio[k] * w[b, k]


@jit
def walk(
    op: Bytes,
    left: Ints,
    right: Ints,
    n_fixed: int,
    root: int,
    leaf_nodes: Ints,
    leaves: Array,
    stays: Ints,
    rates: Array,
    nodes: Array,
    weights: Array,
    omega: int,
    u: Array,
    rng: np.random.Generator,
    reached: NDArray[np.bool_],
) -> None:
    """Draw one term of the sum that a circuit is, for every draw.

    Parameters
    ----------
    root : int
    u : (n_draws,) array
        Between 0 and 1: which node of the quadrature rule to take.
    rng : numpy.random.Generator
    reached : (n_fixed_leaves, n_draws) bool array
        Filled in: the leaves that the term multiplies.

    Notes
    -----
    The other parameters are as for `run`.
    """
    n_draws, n_lanes, n_moving = leaves.shape[1], len(nodes), len(op) - n_fixed
    v, w = np.empty((n_fixed, 1)), np.empty((n_moving, n_lanes))
    on = np.empty(len(op), dtype=np.bool_)
    for d in range(n_draws):
        for j in range(len(leaf_nodes)):
            v[leaf_nodes[j], 0] = leaves[j, d]
        for i in range(n_fixed):
            if op[i] == 1:
                v[i, 0] = v[left[i], 0] * v[right[i], 0]
            elif op[i] == 2:
                v[i, 0] = v[left[i], 0] + v[right[i], 0]
        lane = 0
        if n_moving > 0:
            _forward(
                op, left, right, n_fixed, v, 0, stays, rates[:, d], nodes, weights, omega, w
            )  # fmt: skip
            total, so_far = 0.0, 0.0
            for k in range(n_lanes):
                total += w[root - n_fixed, k]
            for k in range(n_lanes):
                so_far += w[root - n_fixed, k]
                if u[d] * total < so_far:
                    lane = k
                    break
        on[:] = False
        on[root] = True
        for i in range(len(op) - 1, -1, -1):
            if not on[i] or op[i] == 0:
                continue
            a, b = left[i], right[i]
            if op[i] == 1:
                on[a], on[b] = True, True
                continue
            x = v[a, 0] if a < n_fixed else w[a - n_fixed, lane]
            y = v[b, 0] if b < n_fixed else w[b - n_fixed, lane]
            if rng.random() * (x + y) < x:
                on[a] = True
            else:
                on[b] = True
        for j in range(len(leaf_nodes)):
            reached[j, d] = on[leaf_nodes[j]]


# Kinds of prior components. Those of a pool come before the pool, which takes the last few
# densities found, added (a linear pool) or multiplied (a logarithmic one); a power is of the last.
NORMAL, BETA, TRUNCATED_NORMAL, TRUNCATED_LOG_NORMAL, UNIFORM = 0.0, 1.0, 2.0, 3.0, 4.0
SUM, PRODUCT, POWER = 5.0, 6.0, 7.0


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


class Target(NamedTuple):
    """What makes a program a density over unconstrained coordinates."""

    base: Array  # values of the numbers that are not coordinates
    active: Ints  # the number that each coordinate is
    is_logit: Bytes  # or bits
    low: Array  # a logit is that of where a probability stands between low and high
    high: Array
    prior_starts: Ints
    priors: Array  # by component: its kind, log weight and constant, up to three parameters
    is_stretched: Bytes  # whether a coordinate's prior is that of the logit between low and high
    assumptions: Array  # log likelihoods of the evidence, then of each forecast's event and its
    routes: Array  # complement, (1 + 2 * n_forecasts, ...)
    forecasts: Array  # stated log odds and their sd, in nats


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


@jit
def log_density(program: FlatProgram, target: Target, z: Array) -> tuple[float, Array]:
    """Return log p(z, evidence) and its gradient.

    Parameters
    ----------
    program : FlatProgram
    target : Target
    z : (n_active,) array
        Logits and bits.

    Returns
    -------
    float, (n_active,) array
        In nats; minus infinity and 0 where the evidence is impossible, nan where sums underflow.
    """
    values = target.base.copy()
    complements = 1.0 - values
    for i in range(len(z)):
        number = target.active[i]
        if target.is_logit[i]:  # near p = 1, 1 - p would have lost its digits
            low, width = target.low[i], target.high[i] - target.low[i]
            values[number] = low + width * math.exp(_log_expit(z[i]))
            complements[number] = (1.0 - target.high[i]) + width * math.exp(_log_expit(-z[i]))
        else:
            values[number] = z[i]
    n_sets = len(target.assumptions)
    fits, slopes = np.empty(n_sets), np.empty((n_sets, len(values)))
    by_item, ended = np.empty(target.assumptions.shape[1]), np.empty(target.routes.shape[1])
    for s in range(n_sets):
        if s == 1:  # the prior, of which forecasts speak, knows no results of checks
            for number in program.passed:
                values[number], complements[number] = 0.0, 1.0
            for number in program.flagged:
                values[number], complements[number] = 1.0, 0.0
        fits[s] = log_evidence(
            program, values, complements, target.assumptions[s], target.routes[s],
            slopes[s], by_item, ended,
        )  # fmt: skip
    return posterior(target, z, fits, slopes)


@jit
def posterior(target: Target, z: Array, fits: Array, slopes: Array) -> tuple[float, Array]:
    """Put prior, evidence and forecasts together.

    Parameters
    ----------
    target : Target
    z : (n_active,) array
    fits, slopes : (n_sets,) and (n_sets, n_numbers) arrays
        Log P(body of evidence | numbers) and its derivatives.

    Returns
    -------
    float, (n_active,) array
        Log density in nats, and its gradient.
    """
    total = fits[0]
    pull = slopes[0].copy()
    for k in range(len(target.forecasts)):
        odds, sd, yes, no = target.forecasts[k, 0], target.forecasts[k, 1], 1 + 2 * k, 2 + 2 * k
        miss = (odds - (fits[yes] - fits[no])) / sd
        total -= 0.5 * miss * miss + math.log(sd / LN2) + 0.5 * math.log(2 * math.pi)
        for i in target.active:
            pull[i] += miss / sd * (slopes[yes, i] - slopes[no, i])
    slope = np.empty(len(z))
    for i in range(len(z)):
        height, tilt = _prior(target, i, z[i])
        total += height
        low, width = target.low[i], target.high[i] - target.low[i]
        if target.is_logit[i] and width < 1.0:  # from the probability's own logit to this one
            s, t = math.exp(_log_expit(z[i])), math.exp(_log_expit(-z[i]))
            p, q = low + width * s, (1.0 - target.high[i]) + width * t
            pull[target.active[i]] *= width * s * t / (p * q)
        slope[i] = pull[target.active[i]] + tilt
    return total, slope


@jit
def _log_expit(z: float) -> float:
    return -math.log1p(math.exp(-z)) if z > 0.0 else z - math.log1p(math.exp(z))


@jit
def _prior(target: Target, i: int, z: float) -> tuple[float, float]:
    """Log density and slope of coordinate i's prior."""
    rows, first, last = target.priors, target.prior_starts[i], target.prior_starts[i + 1]
    width = target.high[i] - target.low[i]
    if width == 1.0 or not target.is_logit[i] or target.is_stretched[i]:
        return _density(rows, first, last, z)
    # The rows speak of the probability's own logit, y.
    s, t = math.exp(_log_expit(z)), math.exp(_log_expit(-z))
    p, q = target.low[i] + width * s, (1.0 - target.high[i]) + width * t
    rise = width * s * t / (p * q)
    height, slope = _density(rows, first, last, math.log(p) - math.log(q))
    return height + math.log(rise), slope * rise + t - s - width * s * t * (1.0 / p - 1.0 / q)


@jit
def _density(rows: Array, first: int, last: int, z: float) -> tuple[float, float]:
    """Log density and slope of a prior, which may be a pool of pools."""
    if last - first == 1:
        return _component(rows, first, z)
    heights, slopes = np.empty(last - first), np.empty(last - first)
    n = 0  # densities found and not yet taken
    for k in range(first, last):
        kind = rows[k, 0]
        if kind == POWER:
            heights[n - 1] *= rows[k, 2]
            slopes[n - 1] *= rows[k, 2]
        elif kind in (SUM, PRODUCT):
            n -= int(rows[k, 2])
            terms = slice(n, n + int(rows[k, 2]))
            if kind == SUM:
                heights[n], slopes[n] = _mixed(heights[terms], slopes[terms])
            else:
                heights[n], slopes[n] = heights[terms].sum(), slopes[terms].sum()
            heights[n] += rows[k, 1]
            n += 1
        else:
            heights[n], slopes[n] = _component(rows, k, z)
            n += 1
    return heights[0], slopes[0]


@jit
def _mixed(heights: Array, slopes: Array) -> tuple[float, float]:
    """Log of the sum of densities, and its slope."""
    top = float(heights.max())
    if top == -np.inf:
        return -np.inf, 0.0
    shares = np.exp(heights - top)
    share, tilt = 0.0, 0.0
    for k in range(len(heights)):
        if shares[k] > 0.0:  # the slope may be anything where there is nothing
            share, tilt = share + shares[k], tilt + shares[k] * slopes[k]
    return top + math.log(share), tilt / share


@jit
def _fall(t: float, a: float, b: float) -> float:
    """`priors.beta_functions.fall` of one number, for a at most b."""
    near = min(t, FAR)
    grown = math.log1p(math.expm1(near) / (1.0 + b / a)) + (t - near)
    return (a + b) * grown - a * t


@jit
def _component(rows: Array, k: int, z: float) -> tuple[float, float]:
    """Log density, times its weight, and slope of what is no pool."""
    kind, height, a, b = rows[k, 0], rows[k, 1], rows[k, 2], rows[k, 3]
    log_p, log_q = _log_expit(z), _log_expit(-z)
    p, q = math.exp(log_p), math.exp(log_q)
    if kind == BETA:
        # From its peak: a log p and b log(1 - p) of 1e14 would leave no digits of their sum.
        t = z - rows[k, 4]
        height -= _fall(t, a, b) if a <= b else _fall(-t, b, a)
        slope = b * p * math.expm1(-max(t, 0.0)) - a * q * math.expm1(min(t, 0.0))
    elif kind == UNIFORM:
        height = height + log_p + log_q if a <= p <= b else -np.inf
        slope = q - p
    elif kind in (TRUNCATED_NORMAL, TRUNCATED_LOG_NORMAL):
        # Differences from the peak inside: those from the mean would cancel far from it.
        x, peak = p if kind == TRUNCATED_NORMAL else log_p, rows[k, 4]
        height -= 0.5 * ((x - peak) * b) * ((x + peak - 2.0 * a) * b)
        pull = -(x - a) * b * b
        if kind == TRUNCATED_NORMAL:
            height += log_p + log_q
            slope = pull * p * q + q - p
        else:
            height += log_q
            slope = pull * q - p
    else:
        standardized = (z - a) * b
        height -= 0.5 * standardized * standardized
        slope = -standardized * b
    return height, slope
