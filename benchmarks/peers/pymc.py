"""PyMC's NUTS over a network's numbers, the states of the nodes summed out by hand."""

import logging
import warnings
from typing import Any

import numpy as np
from contest import Answers, need
from problems.networks import Network


def network_posterior(network: Network, seed: int) -> Answers:
    """Sample 4 chains of 1,000 after 1,000 steps of tuning.

    Returns
    -------
    dict
        Draws of the posterior P(target), chain by chain, and their effective number.
    """
    pm, pt = need("pymc"), need("pytensor.tensor")
    logging.getLogger("pymc").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pm.Model():
            a, b = np.array(network.betas).T
            numbers = pm.Beta("numbers", a, b)
            joint = _joint(pt, network, numbers)
            pm.Deterministic("target", joint[1] / joint.sum())
            pm.Potential("findings", pt.log(joint.sum()))
            drawn = pm.sample(
                1000,
                tune=1000,
                chains=4,
                cores=1,
                random_seed=seed,
                progressbar=False,
                compute_convergence_checks=False,
            )
        effective = need("arviz").ess(drawn["posterior"]["target"])
    return {
        "posterior": np.asarray(drawn["posterior"]["target"]).reshape(-1),
        "effective": np.array([float(np.asarray(getattr(effective, "target", effective)))]),
    }


def _joint(pt: Any, network: Network, numbers: Any) -> Any:
    """Eliminate all nodes but the target, in PyTensor."""
    factors: list[tuple[tuple[int, ...], Any]] = []
    first = 0
    for node, (parents, table) in enumerate(zip(network.parents, network.tables, strict=True)):
        p = numbers[first : first + len(table)].reshape((2,) * len(parents))
        factors.append(((*parents, node), pt.stack([1 - p, p], axis=len(parents))))
        first += len(table)
    n = len(network.findings)
    for k, finding in enumerate(network.findings):
        seen = pt.stack([numbers[first + n + k], numbers[first + k]])
        factors.append(((finding.node,), seen if finding.seen else 1 - seen))
    for node in range(len(network.parents) - 1):
        used = [factor for factor in factors if node in factor[0]]
        factors = [factor for factor in factors if node not in factor[0]]
        scope = sorted({other for factor in used for other in factor[0]})
        product: Any = 1
        for own, table in used:
            inside = sorted(own)
            aligned = table.transpose(*(own.index(v) for v in inside))
            axes = [inside.index(v) if v in own else "x" for v in scope]
            product = product * aligned.dimshuffle(*axes)
        rest = tuple(v for v in scope if v != node)
        factors.append((rest, product.sum(axis=scope.index(node))))
    joint: Any = 1
    for _, table in factors:
        joint = joint * table
    return joint
