"""pyAgrum, asked draw by draw: it has no place for uncertain numbers."""

from typing import Any

import numpy as np
from contest import Answers, need
from numpy.typing import NDArray
from problems.fault_trees import FaultTree
from problems.networks import Network, NetworkDraws

Array = NDArray[np.float64]


def network_answers(network: Network, draws: NetworkDraws) -> Answers:
    """Refill every table for every draw, and infer twice: without the findings and with them."""
    gum = need("pyagrum")
    gum.setNumberOfThreads(1)
    net = gum.BayesNet()
    for node, parents in enumerate(network.parents):
        _add(gum, net, f"x{node}", [f"x{parent}" for parent in parents])
    for k, finding in enumerate(network.findings):
        _add(gum, net, f"e{k}", [f"x{finding.node}"])
    cells = [_cells(table) for table in draws.tables]
    cells += [
        _cells(np.stack([draws.false_alarms[k], draws.hits[k]]))
        for k in range(len(network.findings))
    ]
    names = [f"x{node}" for node in range(len(network.parents))]
    names += [f"e{k}" for k in range(len(network.findings))]
    tables = [net.cpt(name) for name in names]
    seen = {f"e{k}": int(finding.seen) for k, finding in enumerate(network.findings)}
    found = np.empty((3, draws.hits.shape[1]))
    for i in range(found.shape[1]):
        for table, cell in zip(tables, cells, strict=True):
            table.fillWith(cell[i].tolist())
        # A used inference object gives old answers after a table has changed, so each draw has
        # its own.
        inference = gum.LazyPropagation(net)
        inference.setTargets({network.target})
        inference.makeInference()
        found[0, i] = inference.posterior(network.target)[1]
        inference.setEvidence(seen)
        inference.makeInference()
        found[1, i] = inference.posterior(network.target)[1]
        found[2, i] = inference.evidenceProbability()
    return {"prior": found[0], "posterior": found[1], "log P(E)": np.log(found[2])}


def tree_answers(tree: FaultTree, probabilities: Array) -> Answers:
    """P(top), and the Birnbaum importance of all events from their chances given the top."""
    gum = need("pyagrum")
    gum.setNumberOfThreads(1)
    net = gum.BayesNet()
    for name in tree.events:
        _add(gum, net, name, [])
    for gate in tree.gates:
        _add(gum, net, gate.id, gate.inputs)
        counts = [state.bit_count() for state in range(2 ** len(gate.inputs))]
        table = np.array([[float(count >= gate.at_least)] for count in counts])
        net.cpt(gate.id).fillWith(_cells(table)[0].tolist())
    top = np.empty(probabilities.shape[1])
    importance = np.empty(probabilities.T.shape)
    for i, p in enumerate(probabilities.T):
        for name, chance in zip(tree.events, p.tolist(), strict=True):
            net.cpt(name).fillWith([1 - chance, chance])
        inference = gum.LazyPropagation(net)
        inference.setTargets({*tree.events, tree.top})
        inference.makeInference()
        top[i] = inference.posterior(tree.top)[1]
        inference.setEvidence({tree.top: 1})
        inference.makeInference()
        given_top = np.array([inference.posterior(name)[1] for name in tree.events])
        importance[i] = top[i] * (given_top / p - (1 - given_top) / (1 - p))
    return {"prior": top, "importance": importance}


def _add(gum: Any, net: Any, name: str, parents: Any) -> None:
    net.add(gum.LabelizedVariable(name, "", 2))
    for parent in reversed(parents):  # the parent that is added first counts fastest
        net.addArc(parent, name)


def _cells(table: Array) -> Array:
    """From (n_configurations, n_draws) to the order of a pyAgrum table, (n_draws, n_cells)."""
    return np.stack([1 - table, table], axis=1).reshape(-1, table.shape[1]).T
