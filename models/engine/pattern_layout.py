"""Programs whose routes compete by pattern, laid out as flat arrays for `models.pattern_kernel`."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from storyodds.models.circuits.circuit import Circuit
from storyodds.models.engine.program import Program

if TYPE_CHECKING:
    from storyodds.models.engine.pattern_kernel import PatternProgram, Steps, Sums

Ints = NDArray[np.int32]


def flat(program: Program, targets: tuple[int, ...]) -> "PatternProgram":
    """Lay a program out whose routes compete by pattern, once for all who ask.

    Parameters
    ----------
    program : Program
    targets : tuple of int
        The roots that get derivatives.
    """
    if targets not in program.flat:
        program.flat[targets] = _laid_out(program, targets)
    return program.flat[targets]


def _laid_out(program: Program, targets: tuple[int, ...]) -> "PatternProgram":
    from storyodds.models.engine.pattern_kernel import PatternProgram

    circuit = program.circuit
    steps, leaf_flows = _steps(circuit, targets)
    return PatternProgram(
        op=circuit.op,
        left=circuit.left,
        right=circuit.right,
        roots=circuit.roots,
        seed_rows=_seed_rows(circuit)[circuit.roots],
        leaf_nodes=circuit.leaves,
        leaf_flows=leaf_flows,
        yes=program.yes.leaves,
        yes_numbers=program.yes.what,
        no=program.no.leaves,
        no_numbers=program.no.what,
        findings=program.findings.leaves,
        finding_columns=program.findings.what,
        shares=program.shares.leaves,
        share_races=program.shares.what,
        config_routes=program.config_routes,
        race_sums=sums_over(program.open_configs),
        share_sums=sums_over(program.sharing),
        steps=steps,
    )


def sums_over(sets: csr_array) -> "Sums":
    """Lay out the sums over the rows of a table of members, (n_sets, n_members)."""
    from storyodds.models.engine.pattern_kernel import Sums

    node_of: dict[tuple[int, int], int] = {}
    ends = []
    for start, stop in zip(sets.indptr[:-1], sets.indptr[1:], strict=True):
        node = 0
        for member in sets.indices[start:stop].tolist():
            node = node_of.setdefault((node, member), len(node_of) + 1)
        ends.append(node)
    table = np.array([(0, 0), *node_of], dtype=np.int32).T.copy()
    return Sums(table[0], table[1], _ints(ends), _ints(sets.indptr), _ints(sets.indices))


def _seed_rows(circuit: Circuit) -> Ints:
    """By node, which root it is first; -1 for none."""
    row = np.full(circuit.n_nodes, -1, np.int32)
    row[circuit.roots[::-1]] = np.arange(len(circuit.roots), dtype=np.int32)[::-1]
    return row


def _steps(whole: Circuit, targets: tuple[int, ...]) -> "tuple[Steps, Ints]":
    """The way back from the roots that are asked about, and which flow is that of each leaf."""
    from storyodds.models.engine.pattern_kernel import Steps

    part = whole.below(targets)
    circuit, n = part.circuit, part.circuit.n_nodes
    factors, summands = circuit.parents
    row = np.full(n, -1, np.int32)
    row[circuit.roots] = _seed_rows(whole)[whole.roots[list(targets)]]
    n_factors, n_summands = np.diff(factors.indptr), np.diff(summands.indptr)
    alone = (row < 0) & (n_summands == 0)
    is_own = ~alone | (n_factors > 1)
    flow_of = np.zeros(n, np.int32)
    own = np.flatnonzero(is_own)[::-1]
    flow_of[own] = np.arange(1, len(own) + 1)
    whose, same = np.arange(n), np.flatnonzero(alone & (n_factors == 1))
    whose[same] = factors.indices[factors.indptr[same]]
    while np.any(whose[whose] != whose):  # up to where a flow begins
        whose = whose[whose]
    flow_of = flow_of[whose]
    is_sum = circuit.op == 2
    part_of = np.full(n, -1, np.int32)
    part_of[is_sum] = np.arange(is_sum.sum())
    nodes = np.flatnonzero(is_own | is_sum & (flow_of > 0))[::-1]
    factor_starts, factor_parents = _rows(factors, nodes, is_own)
    summand_starts, summand_parents = _rows(summands, nodes, is_own)
    return Steps(
        nodes=_ints(part.nodes[nodes]),
        flows=flow_of[nodes],
        seed_rows=row[nodes],
        factor_starts=factor_starts,
        factor_flows=flow_of[factor_parents],
        summand_starts=summand_starts,
        summand_parts=part_of[summand_parents],
        parts=part_of[nodes],
        n_flows=len(own) + 1,
        n_parts=int(is_sum.sum()),
    ), flow_of[circuit.leaves]


def _rows(table: csr_array, rows: NDArray[np.intp], chosen: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Some rows of a table, one after the other, and where each starts; nothing of the others."""
    first = table.indptr[rows]
    lengths = np.where(chosen[rows], table.indptr[rows + 1] - first, 0)
    starts = np.cumsum([0, *lengths])
    kept = np.arange(starts[-1]) + np.repeat(first - starts[:-1], lengths)
    return _ints(starts), _ints(table.indices[kept])


def _ints(x: object) -> Ints:
    return np.ascontiguousarray(x, dtype=np.int32)
