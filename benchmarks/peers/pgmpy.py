"""pgmpy, asked draw by draw."""

import logging
import warnings

import numpy as np
from contest import Answers, need
from problems.networks import Network, NetworkDraws


def network_answers(network: Network, draws: NetworkDraws) -> Answers:
    """Give P(target) before and after the findings by its variable elimination.

    A query is normalized and so loses P(findings); the joint over all of them and the target
    keeps it.
    """
    warnings.filterwarnings("ignore", module="pgmpy")
    table_of = need("pgmpy.factors.discrete").TabularCPD
    eliminate = need("pgmpy.inference").VariableElimination
    arcs = [
        (f"x{parent}", f"x{node}")
        for node, parents in enumerate(network.parents)
        for parent in parents
    ]
    arcs += [(f"x{finding.node}", f"e{k}") for k, finding in enumerate(network.findings)]
    net = need("pgmpy.models").DiscreteBayesianNetwork(arcs)
    seen = {f"e{k}": int(finding.seen) for k, finding in enumerate(network.findings)}
    found = np.empty((3, draws.hits.shape[1]))
    logging.disable(logging.WARNING)
    for i in range(found.shape[1]):
        tables = []
        for node, parents in enumerate(network.parents):
            p = draws.tables[node][:, i]
            above = [f"x{parent}" for parent in parents]
            cells = np.stack([1 - p, p])
            tables.append(table_of(f"x{node}", 2, cells, above or None, [2] * len(above) or None))
        for k, finding in enumerate(network.findings):
            p = np.array([draws.false_alarms[k, i], draws.hits[k, i]])
            tables.append(table_of(f"e{k}", 2, np.stack([1 - p, p]), [f"x{finding.node}"], [2]))
        net.cpds = []
        net.add_cpds(*tables)
        inference = eliminate(net)
        found[0, i] = inference.query([network.target], show_progress=False).values[1]
        joint = inference.query([*seen, network.target], show_progress=False)
        yes, no = (joint.get_value(**seen, **{network.target: state}) for state in (1, 0))
        found[1, i], found[2, i] = yes / (yes + no), np.log(yes + no)
    logging.disable(logging.NOTSET)
    return {"prior": found[0], "posterior": found[1], "log P(E)": found[2]}
