"""A compiled story: a circuit, and which number stands at which of its leaves."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from storyodds.models.circuits.circuit import Circuit, Key
from storyodds.models.engine.compiler import Compiler
from storyodds.models.story.derived import DerivedLayout, DerivedNumber, ResultReadings
from storyodds.models.story.graph import ResultRates, StoryGraph
from storyodds.models.story.queries import Query

if TYPE_CHECKING:
    from storyodds.models.engine.pattern_kernel import PatternProgram
    from storyodds.models.engine.row_arithmetic import Rows

Array = NDArray[np.float64]
Ints = NDArray[np.intp]

_ROUNDING = 1e-14  # below it, what is left of 1 is rounding


@dataclass(frozen=True)
class Places:
    """Leaves of one kind: which they are among the circuit's leaves, and what each stands for."""

    leaves: Ints
    what: Ints


@dataclass(frozen=True)
class Program:
    """A circuit with its leaves told apart.

    Attributes
    ----------
    circuit : Circuit
    queries : tuple of Query
        One per root.
    competition : {"patterns", "quadrature"}
    n_numbers : int
    n_fixed_leaves : int
        Those before this one have one value for each draw.
    yes, no : Places
        Leaves worth a probability or its complement, and the number it is.
    findings : Places
        Leaves worth an item's likelihood; 2 k for target k under false, 2 k + 1 under true.
    shares : Places
        Leaves worth the share of some routes in a race, what the evidence says of them included;
        and which race that is.
    share_configs : (n_shares, n_routes) int
        The configs of those routes, filled up with -1.
    wins : Places
        Leaves worth a config's weight, times that likelihood.
    stays : Places
        Leaves worth exp(-t weight) of a config.
    rest, omega : int
        The leaves for routes that are always open and for the rule's weight; -1 for none.
    true, false : csr_array
        Which leaves speak of an assumption's truth or falsehood, (n_variables, n_fixed_leaves).
    plain : Places
        Assumptions of which a circuit may say neither (`leaves` holds their indices), and the
        number that is their probability then.
    config_routes : (n_configs,) int
    config_bits : (n_configs, n_numbers) csr_array
        Bits of every config as sums of numbers.
    constant : (n_configs,) bool
        Whether the config is of a route that is always open with the same bits.
    floor : (n_configs,) bool
        Whether the config is of a route that is always open.
    races : (n_races, n_routes) int
        The config of every open route; -1 where closed.
    result_rates : ResultRates
        The flag rates of checks that are known to have passed, and of those known to have flagged.
    derived : tuple of DerivedNumber
        What follows from the story's numbers, and is numbered after them, readings first.
    readings : ResultReadings
    """

    circuit: Circuit
    queries: tuple[Query, ...]
    competition: str
    n_numbers: int
    n_fixed_leaves: int
    yes: Places
    no: Places
    findings: Places
    shares: Places
    share_configs: Ints
    wins: Places
    stays: Places
    rest: int
    omega: int
    true: csr_array
    false: csr_array
    plain: Places
    config_routes: Ints
    config_bits: csr_array
    constant: NDArray[np.bool_]
    floor: NDArray[np.bool_]
    races: Ints
    result_rates: ResultRates
    derived: tuple[DerivedNumber, ...]
    readings: ResultReadings

    def truths(self, values: Array, usage: Array) -> tuple[Array, Array]:
        """P(true) and P(false) of every assumption, from how the leaves are used.

        Parameters
        ----------
        values : (n_draws, n_numbers) array
        usage : (n_draws, n_fixed_leaves) array
            As in `engine.Evaluation`, for one seed.

        Returns
        -------
        tuple of (n_draws, n_variables) arrays
        """
        true, false = np.asarray(self.true @ usage.T), np.asarray(self.false @ usage.T)
        v, p = self.plain.leaves, values.T[self.plain.what]
        silent = 1.0 - true[v] - false[v]
        silent[silent < _ROUNDING] = 0.0
        true[v] += silent * p
        false[v] += silent * (1.0 - p)
        return true.T, false.T

    @cached_property
    def stay_leaves(self) -> Ints:
        """Leaves that decay along the rule: those of `stays`, then `rest`."""
        rest = [self.rest] if self.rest >= 0 else []
        return np.array([*self.stays.leaves, *rest], dtype=np.intp)

    @cached_property
    def yes_numbers(self) -> csr_array:
        """Which number each of `yes` is, (n_numbers, n_yes)."""
        return self._by_number(self.yes)

    @cached_property
    def no_numbers(self) -> csr_array:
        """Which number each of `no` is, (n_numbers, n_no)."""
        return self._by_number(self.no)

    def _by_number(self, places: Places) -> csr_array:
        n = len(places.what)
        cells = (np.ones(n), (places.what, np.arange(n)))
        return csr_array(cells, shape=(self.n_numbers + len(self.derived), n))

    @cached_property
    def bits(self) -> tuple[Ints, csr_array]:
        """The numbers that are bits, and `config_bits` of these alone: few of all numbers."""
        table = self.config_bits
        numbers, columns = np.unique(table.indices, return_inverse=True)
        cells = (table.data, columns, table.indptr)
        return numbers, csr_array(cells, shape=(table.shape[0], len(numbers)))

    @cached_property
    def open_configs(self) -> csr_array:
        """Which configs run in which race, (n_races, n_configs)."""
        race, route = np.nonzero(self.races >= 0)
        cells = (np.ones(len(race)), (race, self.races[race, route]))
        return csr_array(cells, shape=(len(self.races), len(self.config_routes)))

    @cached_property
    def sharing(self) -> csr_array:
        """Which configs a share leaf adds up, (n_shares, n_configs)."""
        share, place = np.nonzero(self.share_configs >= 0)
        cells = (np.ones(len(share)), (share, self.share_configs[share, place]))
        return csr_array(cells, shape=(len(self.share_configs), len(self.config_routes)))

    @cached_property
    def share_races(self) -> csr_array:
        """Which share leaves belong to which race, (n_races, n_shares)."""
        n = len(self.shares.what)
        cells = (np.ones(n), (self.shares.what, np.arange(n)))
        return csr_array(cells, shape=(len(self.races), n))

    @cached_property
    def flat(self) -> "dict[tuple[int, ...], PatternProgram]":
        """Flat arrays for `models.pattern_kernel`, by the roots that get derivatives."""
        return {}

    def beside(self, values: Array) -> Array:
        """Put what follows from numbers beside them; readings may stand there already."""
        return self._derived_layout.beside(self.readings.beside(values))

    def fold_slopes(self, slopes: Array, values: Array) -> Array:
        """Take derivatives in what follows from numbers back to them, as `DerivedLayout` does."""
        return self.readings.fold(self._derived_layout.fold_slopes(slopes, values))

    @cached_property
    def _derived_layout(self) -> DerivedLayout:
        return DerivedLayout(self.derived[len(self.readings.numbers) :])

    @cached_property
    def rows(self) -> "dict[tuple[tuple[int, ...], ...], Rows]":
        """Layouts for `models.row_arithmetic`, by the roots that get derivatives together."""
        return {}

    @cached_property
    def bearing(self) -> frozenset[int]:
        """The numbers that can change the roots."""
        bits = self.config_bits.indices.tolist()
        numbers = {*self.yes.what.tolist(), *self.no.what.tolist(), *bits}
        for k, derived in reversed(list(enumerate(self.derived))):  # some follow from readings
            if self.n_numbers + k in numbers:
                numbers.update(derived.numbers)
        return frozenset(number for number in numbers if number < self.n_numbers)

    @cached_property
    def column(self) -> dict[Query, int]:
        """Which root answers a query."""
        return {query: k for k, query in enumerate(self.queries)}


def without_results(values: Array, rates: ResultRates) -> Array:
    """Return numbers under which the known results of checks are certain, and tell nothing.

    A check that has passed never flags, and one that has flagged always does, by the route alone,
    so that nothing has to be explained by hazards.

    Parameters
    ----------
    values : (n_draws, n_numbers) array
    rates : ResultRates

    Returns
    -------
    (n_draws, n_numbers + n_readings) array
        With the readings of the story, where it has any: what else their numbers are the chance of
        stays as it is.
    """
    if not rates.passed and not rates.flagged:
        return values
    wide = rates.readings.beside(values)
    wide = wide.copy() if wide is values else wide
    wide[:, list(rates.passed)], wide[:, list(rates.flagged)] = 0.0, 1.0
    return wide


def program(compiler: Compiler, queries: Sequence[Query]) -> Program:
    """Compile queries, and say what stands at every leaf.

    Parameters
    ----------
    compiler : Compiler
    queries : sequence of Query

    Returns
    -------
    Program

    Raises
    ------
    CliqueTooLargeError
        If the compiler's budget is not enough.
    """
    queries = tuple(dict.fromkeys(queries))
    compiled: Program | None = compiler.programs.get(queries)
    if compiled is None:
        compiled = compiler.programs[queries] = _program(compiler, queries)
    return compiled


class _Leaf(NamedTuple):
    """What stands at a leaf of a circuit."""

    place: int  # among the leaves
    kind: str
    of: int = -1  # the number, assumption, finding, race or configuration
    truth: bool = False
    variable: int = -1  # the assumption that a number is of here: several may have one number
    configs: tuple[int, ...] = ()  # of a share: those that may win the race


def _leaves(keys: Sequence[Key]) -> Iterator[_Leaf]:
    for place, key in enumerate(keys):
        match key:
            case (str(kind),):
                yield _Leaf(place, kind)
            case (str(kind), int(of)):
                yield _Leaf(place, kind, of)
            case (str(kind), int(of), bool(truth)):
                yield _Leaf(place, kind, of, truth)
            case (str(kind), int(of), int(variable)):
                yield _Leaf(place, kind, of, variable=variable)
            case (str(kind), int(of), tuple(configs)):
                yield _Leaf(place, kind, of, configs=configs)
            case _:
                raise TypeError(f"{key!r} names no leaf of a story")


def _program(compiler: Compiler, queries: tuple[Query, ...]) -> Program:
    graph, circuit = compiler.graph, compiler.freeze(queries)
    n_fixed_leaves = int((circuit.leaves < circuit.n_fixed).sum())
    leaves = list(_leaves(circuit.leaf_keys))
    leaves_by_kind: dict[str, list[_Leaf]] = {}
    for leaf in leaves:
        leaves_by_kind.setdefault(leaf.kind, []).append(leaf)

    def places(kind: str) -> Places:
        members = leaves_by_kind.get(kind, ())
        return Places(
            np.array([leaf.place for leaf in members], dtype=np.intp),
            np.array([leaf.of for leaf in members], dtype=np.intp),
        )

    items = leaves_by_kind.get("item", [])
    shares = leaves_by_kind.get("share", [])
    n_races, n_routes = len(compiler.races), len(graph.routes)
    races = np.array(compiler.races, dtype=np.intp).reshape(n_races, n_routes)
    constant = np.array([compiler.is_constant(c.route) for c in compiler.configs], dtype=bool)
    return Program(
        circuit=circuit,
        queries=queries,
        competition=compiler.competition,
        n_numbers=graph.n_numbers,
        n_fixed_leaves=n_fixed_leaves,
        yes=places("yes"),
        no=places("no"),
        findings=Places(
            np.array([leaf.place for leaf in items], dtype=np.intp),
            np.array([2 * leaf.of + leaf.truth for leaf in items], dtype=np.intp),
        ),
        shares=places("share"),
        share_configs=_filled([leaf.configs for leaf in shares], n_routes),
        wins=places("win"),
        stays=places("stay"),
        rest=next((leaf.place for leaf in leaves_by_kind.get("rest", ())), -1),
        omega=next((leaf.place for leaf in leaves_by_kind.get("omega", ())), -1),
        true=_speaking_of(graph, leaves[:n_fixed_leaves], True),
        false=_speaking_of(graph, leaves[:n_fixed_leaves], False),
        plain=Places(
            np.array(list(compiler.plain), dtype=np.intp),
            np.array(list(compiler.plain.values()), dtype=np.intp),
        ),
        config_routes=np.array([c.route for c in compiler.configs], dtype=np.intp),
        config_bits=_bits(compiler),
        constant=constant,
        floor=np.array([compiler.is_always_open(c.route) for c in compiler.configs], dtype=bool),
        races=races,
        result_rates=graph.result_rates(),
        derived=graph.derived.numbers,
        readings=graph.derived.readings,
    )


def _filled(rows: Sequence[Sequence[int]], width: int) -> Ints:
    out = np.full((len(rows), width), -1, dtype=np.intp)
    for k, row in enumerate(rows):
        out[k, : len(row)] = row
    return out


def _bits(compiler: Compiler) -> csr_array:
    cells = [(c, number) for c, config in enumerate(compiler.configs) for number in config.numbers]
    rows, columns = np.array(cells, dtype=np.intp).reshape(-1, 2).T
    shape = (len(compiler.configs), compiler.graph.n_numbers)
    return csr_array((np.ones(len(cells)), (rows, columns)), shape=shape)


def _speaking_of(graph: StoryGraph, leaves: Sequence[_Leaf], truth: bool) -> csr_array:
    cells = [
        (leaf.of if leaf.kind == "is" else leaf.variable, leaf.place)
        for leaf in leaves
        if (leaf.kind == ("yes" if truth else "no") and leaf.variable >= 0)
        or (leaf.kind == "is" and leaf.truth is truth)
    ]
    rows, columns = np.array(cells, dtype=np.intp).reshape(-1, 2).T
    return csr_array(
        (np.ones(len(cells)), (rows, columns)), shape=(len(graph.variables), len(leaves))
    )
