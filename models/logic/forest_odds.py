"""How probable the functions of a forest are when assumptions are independent."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from storyodds.models.cores import cores
from storyodds.models.logic.sifted_diagrams import SharedDiagram
from storyodds.models.memory import amount, memory_left, shortage
from storyodds.priors.text.errors import Problem, UnsupportedStoryError

Array = NDArray[np.float64]

_BLOCK_CELLS = 2**21  # of float64, 16 MiB: what is held at a time, one draw of it at least
_UNLIMITED = 2**62  # bytes: more than any machine has


@dataclass(frozen=True)
class ForestOdds:
    """The chances of functions of independent assumptions.

    Attributes
    ----------
    diagram : SharedDiagram
    """

    diagram: SharedDiagram

    def chances(self, true: Array, *, opposite: bool = False) -> Array:
        """Return P(function), or P(not function), of every root.

        Parameters
        ----------
        true : (n_levels, n_draws) array
            P(true) of the assumption of each level.
        opposite : bool

        Returns
        -------
        (n_roots, n_draws) array
            Exact but for rounding: sums and products of probabilities and of 1 less a probability.

        Raises
        ------
        UnsupportedStoryError
            If a single draw takes more memory than is left.

        Examples
        --------
        >>> from storyodds.models.logic.gates import as_written, gate_graph
        >>> from storyodds.models.logic.sifted_diagrams import sifted
        >>> graph = gate_graph(("a", "not both"), {"both": ("b", "c")})
        >>> odds = ForestOdds(sifted(graph, ("a", "b", "c"), [graph.top], 2**20))
        >>> odds.chances(np.full((3, 1), 0.5)).tolist()
        [[0.375]]
        >>> odds.chances(np.full((3, 1), 0.5), opposite=True).tolist()
        [[0.625]]
        """
        from storyodds.models.logic import forest_kernel

        diagram, n = self.diagram, true.shape[1]
        most = min(_BLOCK_CELLS, memory_left(_UNLIMITED) // (8 * cores()))
        step = max(1, most // len(diagram.level))
        self._hold(len(diagram.level))
        roots = np.array(diagram.roots, dtype=np.intp)
        table = np.empty((len(roots), n))

        def fill_in(first: int) -> None:
            block = np.ascontiguousarray(true[:, first : first + step])
            chance = np.empty((len(diagram.level), block.shape[1]))
            chance[0], chance[1] = (1.0, 0.0) if opposite else (0.0, 1.0)
            forest_kernel.raise_chances(diagram.level, diagram.low, diagram.high, block, chance)
            table[:, first : first + step] = chance[roots]

        blocks = range(0, n, step)
        if len(blocks) > 1:
            with ThreadPoolExecutor(cores()) as pool:
                list(pool.map(fill_in, blocks))
        else:
            fill_in(0)
        return table

    def with_each(self, true: Array, *, opposite: bool = False) -> tuple[Array, Array]:
        """Give P(function), and P(function and each variable false, and true), of the only root.

        One pass up the diagram and one down, however many variables there are.

        Parameters
        ----------
        true : (n_levels, n_draws) array
            P(true) of the assumption of each level.
        opposite : bool
            Whether the function is to be false instead.

        Returns
        -------
        (n_draws,) array
        (2, n_levels, n_draws) array

        Raises
        ------
        UnsupportedStoryError
            If a single draw takes more memory than is left.

        Examples
        --------
        >>> from storyodds.models.logic.gates import as_written, gate_graph
        >>> from storyodds.models.logic.sifted_diagrams import sifted
        >>> graph = gate_graph(("a", "not both"), {"both": ("b", "c")})
        >>> diagram = sifted(graph, ("a", "b", "c"), [graph.top], 2**20)
        >>> whole, (false, true) = ForestOdds(diagram).with_each(np.full((3, 1), 0.5))
        >>> whole.tolist(), false[:, 0].tolist(), true[:, 0].tolist()
        ([0.375], [0.0, 0.25, 0.25], [0.375, 0.125, 0.125])
        """
        from storyodds.models.logic import forest_kernel

        diagram, n = self.diagram, true.shape[1]
        n_nodes, (root,) = len(diagram.level), diagram.roots
        most = min(_BLOCK_CELLS, memory_left(_UNLIMITED) // 8)
        step = max(1, most // (2 * n_nodes))
        self._hold(2 * n_nodes)
        arrays = diagram.level, diagram.low, diagram.high
        whole, sides = np.empty(n), np.zeros((2, len(diagram.names), n))
        for first in range(0, n, step):
            block = np.ascontiguousarray(true[:, first : first + step])
            chance, flow = np.zeros((2, n_nodes, block.shape[1]))
            chance[0 if opposite else 1] = flow[root] = 1.0
            met = np.zeros((2, *block.shape))
            forest_kernel.raise_chances(*arrays, block, chance)
            forest_kernel.lower_flows(*arrays, block, chance, flow, met)
            whole[first : first + step] = chance[root]
            sides[:, :, first : first + step] = met
        # On the other ways the function does not depend on the variable. What rounding leaves of
        # them where there are none would be all of P(function and not what it cannot do without).
        there = forest_kernel.passed_by(*arrays, root, len(diagram.names), int(not opposite))
        past = np.where(there[:, None], np.maximum(whole - sides.sum(axis=0), 0.0), 0.0)
        return whole, sides + past * np.stack([1 - true, true])

    def _hold(self, n_nodes: int) -> None:
        n_bytes = 8 * n_nodes
        if memory_left(_UNLIMITED) < n_bytes:
            raise UnsupportedStoryError(
                [
                    Problem(
                        shortage(
                            f"assumptions: found a decision diagram of {n_nodes:,} nodes, which "
                            f"takes {amount(n_bytes)} to sum over"
                        )
                    )
                ]
            )

    def settled(self, fixed: Sequence[Mapping[str, bool]]) -> list[bool | None]:
        """Return whether the only root is true, or false, where some assumptions are.

        Parameters
        ----------
        fixed : sequence of mapping of str to bool
            Assumptions that are true or false; the others may be either.

        Returns
        -------
        list of bool or None
            None where the others make a difference.
        """
        from storyodds.models.logic import forest_kernel

        diagram, (root,) = self.diagram, self.diagram.roots
        truths = np.empty(len(diagram.level), dtype=np.int8)
        truth_values: list[bool | None] = []
        for values in fixed:
            of_level = np.full(len(diagram.names), forest_kernel.OPEN, dtype=np.int8)
            for name, value in values.items():
                if name in self.place:
                    of_level[self.place[name]] = value
            truth = forest_kernel.truth(
                diagram.level, diagram.low, diagram.high, of_level, root, truths
            )
            truth_values.append(None if truth == forest_kernel.OPEN else bool(truth))
        return truth_values

    @cached_property
    def place(self) -> Mapping[str, int]:
        """The level of every assumption."""
        return {name: level for level, name in enumerate(self.diagram.names)}


def part_of(diagram: SharedDiagram, root: int) -> SharedDiagram:
    """Keep what one function needs.

    Examples
    --------
    >>> from storyodds.models.logic.gates import as_written, gate_graph
    >>> from storyodds.models.logic.sifted_diagrams import sifted
    >>> graph = gate_graph(("a", "not both"), {"both": ("b", "c")})
    >>> whole = sifted(graph, ("a", "b", "c"), [graph.top, 0], 2**20)
    >>> part_of(whole, whole.roots[1]).size
    1
    """
    from storyodds.models.logic import forest_kernel

    kept = np.flatnonzero(forest_kernel.needed(diagram.low, diagram.high, root))
    place = np.zeros(len(diagram.level), dtype=np.int32)
    place[kept] = np.arange(len(kept))
    low, high = place[diagram.low[kept]], place[diagram.high[kept]]
    return SharedDiagram(diagram.names, diagram.level[kept], low, high, (int(place[root]),))
