"""A Bayesian network of discrete nodes, as files of several formats have it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

from storyodds.priors.text.errors import InputError, Problem

MAX_NODES = 500  # as many free assumptions as a story may have
MAX_STATES = 16  # the same of an assumption's states
MAX_ROWS = 4096  # of one table, each of which becomes a row of an assumption
MAX_CELLS = 200_000  # of all tables: the story made of them has to be read again


@dataclass(frozen=True)
class Node:
    """One node and its table.

    Attributes
    ----------
    name : str
        As the file has it.
    states : tuple of str
    parents : tuple of str
    rows : tuple of tuple of float
        For every combination of the parents' states, the last parent's changing fastest, a
        probability for each state.
    line : int
        In which the table begins, from 1.
    declared : tuple of str
        What the file states of the node itself: a probability for each state, with the digits that
        it is written with; empty where it states none.
    """

    name: str
    states: tuple[str, ...]
    parents: tuple[str, ...]
    rows: tuple[tuple[float, ...], ...]
    line: int = 0
    declared: tuple[str, ...] = ()


@dataclass(frozen=True)
class Network:
    """A network with its nodes, each after its parents.

    Attributes
    ----------
    name : str
    nodes : tuple of Node
    file : str
        The name that errors give it.
    notes : tuple of str
        Sentences on what the network leaves out, written into its file; of files that are read,
        none.
    """

    name: str
    nodes: tuple[Node, ...]
    file: str = "<network>"
    notes: tuple[str, ...] = ()

    def node(self, name: str) -> Node:
        """Look a node up by its name."""
        return next(node for node in self.nodes if node.name == name)

    def problem(self, sentence: str, node: Node | None = None) -> Problem:
        """Place a mistake at a node's table."""
        return Problem(
            sentence,
            self.file,
            node.line or None if node is not None else None,
            1 if node is not None and node.line else None,
            node.name if node is not None else None,
        )


def combinations(nodes: Sequence[Node]) -> Iterator[tuple[str, ...]]:
    """Give every combination of nodes' states, the last one's changing fastest.

    Examples
    --------
    >>> a = Node("a", ("yes", "no"), (), ((0.5, 0.5),))
    >>> list(combinations([a, a]))
    [('yes', 'yes'), ('yes', 'no'), ('no', 'yes'), ('no', 'no')]
    """
    return product(*(node.states for node in nodes))


def in_order(name: str, nodes: Iterable[Node], file: str) -> Network:
    """Put nodes after their parents, and hold them to what a network may be.

    Parameters
    ----------
    name : str
    nodes : iterable of Node
    file : str

    Returns
    -------
    Network

    Raises
    ------
    InputError
        With every name that is there twice or not at all, table of the wrong size and loop.

    Examples
    --------
    >>> child = Node("b", ("yes", "no"), ("a",), ((0.5, 0.5), (0.1, 0.9)))
    >>> parent = Node("a", ("yes", "no"), (), ((0.2, 0.8),))
    >>> [node.name for node in in_order("two", [child, parent], "two.bif").nodes]
    ['a', 'b']
    """
    listed = list(nodes)
    network = Network(name, tuple(listed), file)
    by_name = {node.name: node for node in listed}
    problems = [problem for node in listed for problem in _mistakes(network, node, by_name)]
    names = [node.name for node in listed]
    problems += [
        network.problem(f"found the node '{node.name}' again, expected each once", node)
        for k, node in enumerate(listed)
        if node.name in names[:k]
    ]
    problems += _sizes(network)
    if problems:
        raise InputError(problems)
    ordered: dict[str, Node] = {}
    while len(ordered) < len(listed):
        ready = [n for n in listed if n.name not in ordered and set(n.parents) <= set(ordered)]
        if not ready:
            node = next(node for node in listed if node.name not in ordered)
            sentence = f"found '{node.name}' among what it depends on, expected no loop of nodes"
            raise InputError([network.problem(sentence, node)])
        ordered |= {node.name: node for node in ready}
    return Network(name, tuple(ordered.values()), file)


def _mistakes(network: Network, node: Node, by_name: dict[str, Node]) -> Iterator[Problem]:
    """What is wrong with one node."""
    strangers = [parent for parent in node.parents if parent not in by_name]
    for parent in strangers:
        yield network.problem(f"found the parent '{parent}', expected the name of a node", node)
    if len(set(node.parents)) < len(node.parents):
        yield network.problem("found a parent twice, expected each once", node)
    if len(set(node.states)) < len(node.states):
        yield network.problem("found a state twice, expected each once", node)
    if not 2 <= len(node.states) <= MAX_STATES:
        sentence = f"found {len(node.states)} states, expected 2 to {MAX_STATES}"
        yield network.problem(sentence, node)
    if strangers:
        return
    size = prod(len(by_name[parent].states) for parent in node.parents)
    if size > MAX_ROWS:
        yield network.problem(f"found a table of {size:,} rows, expected at most {MAX_ROWS}", node)
    elif len(node.rows) != size or any(len(row) != len(node.states) for row in node.rows):
        cells = sum(len(row) for row in node.rows)
        expected = f"{size} times {len(node.states)}"
        yield network.problem(f"found {cells} probabilities, expected {expected}", node)


def _sizes(network: Network) -> Iterator[Problem]:
    if not network.nodes:
        yield network.problem("found no node, expected at least one")
    if len(network.nodes) > MAX_NODES:
        n = len(network.nodes)
        yield network.problem(f"found {n:,} nodes, expected at most {MAX_NODES}")
    cells = sum(len(node.rows) * len(node.states) for node in network.nodes)
    if cells > MAX_CELLS:
        yield network.problem(f"found {cells:,} probabilities, expected at most {MAX_CELLS:,}")
