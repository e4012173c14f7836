"""Bayesian networks of uncertain tables: the problems that network tools can be asked as well.

Every node is true or false, every entry of every table is a Beta, and findings hang off some of
the nodes, each with a hit rate and a false-alarm rate that are Betas too.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Beta = tuple[float, float]


@dataclass(frozen=True)
class Finding:
    """Something that was looked for at a node, and whether it was seen."""

    node: int
    seen: bool
    hit: Beta
    false_alarm: Beta


@dataclass(frozen=True)
class Network:
    """A network whose last node is what is asked for.

    Attributes
    ----------
    parents : tuple of tuple of int
        By node; parents have lower numbers.
    tables : tuple of tuple of Beta
        By node, one entry for each configuration of its parents, counted up in binary with the
        first parent as the most significant bit.
    findings : tuple of Finding
    """

    parents: tuple[tuple[int, ...], ...]
    tables: tuple[tuple[Beta, ...], ...]
    findings: tuple[Finding, ...]

    @property
    def betas(self) -> list[Beta]:
        """Every number's prior: the tables, then the hit rates, then the false-alarm rates."""
        entries = [entry for table in self.tables for entry in table]
        hits = [finding.hit for finding in self.findings]
        return entries + hits + [finding.false_alarm for finding in self.findings]

    @property
    def names(self) -> list[str]:
        """The numbers' names in a story, in the order of `betas`."""
        found = []
        for node, table in enumerate(self.tables):
            rows = [f"x{node}.given.{c}" for c in range(len(table) - 1)] + [f"x{node}.otherwise"]
            found += rows if len(table) > 1 else [f"x{node}.probability"]
        for rate in ("true", "false"):
            found += [f"e{k}.rates.{rate}" for k in range(len(self.findings))]
        return found

    @property
    def target(self) -> str:
        """The id of the node that is asked for."""
        return f"x{len(self.parents) - 1}"


@dataclass(frozen=True)
class NetworkDraws:
    """Values of every number of a network, the draw last.

    Attributes
    ----------
    tables : list of (n_configurations, n_draws) arrays
    hits, false_alarms : (n_findings, n_draws) arrays
    """

    tables: list[Array]
    hits: Array
    false_alarms: Array

    @classmethod
    def from_rows(cls, network: Network, rows: Array) -> "NetworkDraws":
        """Cut up a (n_numbers, n_draws) array in the order of `Network.betas`."""
        ends = np.cumsum([len(table) for table in network.tables])
        *tables, rates = np.split(rows, ends)
        hits, false_alarms = np.split(rates, 2)
        return cls(tables, hits, false_alarms)

    @property
    def rows(self) -> Array:
        """All of them, (n_numbers, n_draws), in the order of `Network.betas`."""
        return np.concatenate([*self.tables, self.hits, self.false_alarms])

    @property
    def count(self) -> int:
        """Number of draws."""
        return int(self.hits.shape[1])

    def first(self, count: int) -> "NetworkDraws":
        """The first few draws."""
        tables = [table[:, :count] for table in self.tables]
        return NetworkDraws(tables, self.hits[:, :count], self.false_alarms[:, :count])


def draw(network: Network, draws: int, seed: int) -> NetworkDraws:
    """Draw every number, one after the other from one generator."""
    rng = np.random.default_rng(seed)
    rows = np.stack([rng.beta(a, b, draws) for a, b in network.betas])
    return NetworkDraws.from_rows(network, rows)


def shared_network(nodes: int = 30, findings: int = 10, seed: int = 20260) -> Network:
    """Build the problem of 30 nodes, 49 arcs and 10 findings on which tools were compared.

    A node's parents are the one before it and, more often than not, one of the three before that.
    A shorter network is a smaller problem of the same kind.
    """
    rng = np.random.default_rng(seed)
    parents: list[tuple[int, ...]] = [()]
    for node in range(1, nodes):
        oldest = max(0, node - 4)
        two = node - 2 >= oldest and rng.random() < 0.6
        parents.append((node - 1, int(rng.integers(oldest, node - 1))) if two else (node - 1,))
    places = np.linspace(1, nodes - 2, findings).round().astype(int).tolist()
    return _fill(rng, parents, places)


def ladder_network(nodes: int, seed: int = 1) -> Network:
    """Build a network of any length: two or three of the three nodes before are parents.

    Every tenth node has a finding.
    """
    rng = np.random.default_rng([seed, nodes])
    parents = []
    for node in range(nodes):
        before = np.arange(max(0, node - 3), node)
        chosen = rng.choice(before, min(len(before), int(rng.integers(2, 4))), replace=False)
        parents.append(tuple(sorted(chosen.tolist(), reverse=True)))
    return _fill(rng, parents, list(range(5, nodes - 1, 10)))


def _fill(rng: np.random.Generator, parents: list[tuple[int, ...]], places: list[int]) -> Network:
    """Make up tables and findings: the more parents are true, the likelier a node is."""
    tables = []
    for above in parents:
        table = []
        for configuration in range(2 ** len(above)):
            share = configuration.bit_count() / max(1, len(above))
            mean = float(np.clip(0.15 + 0.6 * share + rng.uniform(-0.1, 0.1), 0.05, 0.95))
            size = rng.uniform(10, 40)
            table.append((mean * size, (1 - mean) * size))
        tables.append(tuple(table))
    findings = []
    for k, node in enumerate(places):
        hit, false_alarm = rng.uniform(0.65, 0.9) * 20, rng.uniform(0.1, 0.35) * 20
        rates = (hit, 20 - hit), (false_alarm, 20 - false_alarm)
        findings.append(Finding(node, k % 3 != 2, *rates))
    return Network(tuple(parents), tuple(tables), tuple(findings))
