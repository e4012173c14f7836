"""Networks in the Interchange Format for Bayesian Networks (BIF 0.15), read strictly."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from math import prod

from storyodds.priors.text.errors import InputError, Problem
from storyodds.priors.text.phrases import quoted
from storyodds.scenarios.networks.declared import Declarations
from storyodds.scenarios.networks.network import MAX_ROWS, Network, Node, in_order

_TOKEN = re.compile(r'"[^"\n]*"|//[^\n]*|/\*.*?\*/|[{}\[\](),;|]|[^\s{}\[\](),;|"]+', re.DOTALL)
_NUMBER = re.compile(r"[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?\Z|[0-9]+\.\Z")
_SIGNS = frozenset("{}[](),;|")


@dataclass(frozen=True)
class _Token:
    text: str
    line: int
    column: int


@dataclass
class _Table:
    """The table of one node, as far as it has been read."""

    child: str
    parents: tuple[str, ...]
    line: int
    rows: dict[tuple[str, ...], tuple[float, ...]] = field(default_factory=dict)
    default: tuple[float, ...] | None = None


class _Reader:
    """Reads tokens one after the other."""

    def __init__(self, text: str, file: str) -> None:
        self.file, self.lines = file, text.splitlines()
        self._tokens = list(self._split(text))
        self._place = 0
        self.name = "network"
        self.states: dict[str, tuple[str, ...]] = {}
        self.tables: dict[str, _Table] = {}
        self.declarations = Declarations()

    def _split(self, text: str) -> Iterator[_Token]:
        line, start, end = 1, 0, 0
        for match in _TOKEN.finditer(text):
            between = text[end : match.start()]
            if between.strip():
                raise self.error("found a quotation mark that is not closed", _Token("", line, 1))
            line += between.count("\n")
            start = text.rfind("\n", 0, match.start()) + 1
            token = _Token(match[0].strip('"'), line, match.start() - start + 1)
            line, end = line + match[0].count("\n"), match.end()
            if not match[0].startswith(("//", "/*")):
                yield token
        if text[end:].strip():
            raise self.error("found a quotation mark that is not closed", _Token("", line, 1))

    def error(self, sentence: str, token: _Token, about: str | None = None) -> InputError:
        """Make an error at a token."""
        source = self.lines[token.line - 1] if token.line <= len(self.lines) else None
        return InputError([Problem(sentence, self.file, token.line, token.column, about, source)])

    @property
    def _is_over(self) -> bool:
        return self._place == len(self._tokens)

    def next(self) -> _Token:
        """Take the next token."""
        if self._is_over:
            last = self._tokens[-1] if self._tokens else _Token("", 1, 1)
            raise self.error("found the end of the file, expected more", last)
        self._place += 1
        return self._tokens[self._place - 1]

    def _peek(self) -> str:
        return "" if self._is_over else self._tokens[self._place].text

    def expect(self, *texts: str) -> _Token:
        """Take the next token, which must be one of these."""
        token = self.next()
        if token.text not in texts:
            expected = " or ".join(f"'{text}'" for text in texts)
            raise self.error(f"found {quoted(token.text)}, expected {expected}", token)
        return token

    def word(self, expected: str) -> _Token:
        """Take a name."""
        token = self.next()
        if token.text in _SIGNS or not token.text:
            raise self.error(f"found {quoted(token.text)}, expected {expected}", token)
        return token

    def words(self, expected: str, closing: str) -> tuple[str, ...]:
        """Take names up to a closing sign, with commas between them."""
        names = [self.word(expected).text]
        while self.expect(",", closing).text == ",":
            names.append(self.word(expected).text)
        return tuple(names)

    def numbers(self) -> tuple[float, ...]:
        """Take probabilities up to a semicolon."""
        numbers = []
        while True:
            token = self.next()
            if not _NUMBER.match(token.text) or not 0 <= float(token.text) <= 1:
                sentence = f"found {quoted(token.text)}, expected a probability from 0 to 1"
                raise self.error(sentence, token)
            numbers.append(float(token.text))
            if self._peek() == ",":
                self.next()
            elif self._peek() == ";":
                self.next()
                return tuple(numbers)

    def read(self) -> None:
        """Read the whole file."""
        self.expect("network")
        self.name = self.word("the name of the network").text if self._peek() != "{" else self.name
        self.expect("{")
        while self.expect_entry("property", "}").text == "property":
            self._property(None)
        while not self._is_over:
            if self.expect("variable", "probability").text == "variable":
                self._variable()
            else:
                self._probability()

    def expect_entry(self, *texts: str) -> _Token:
        """Take the beginning of what may stand in a block."""
        return self.expect(*texts)

    def _property(self, node: str | None) -> None:
        first = self.next()
        words = [first.text]
        while self._peek() != ";":
            words.append(self.next().text)
        self.next()
        sentence = self.declarations.add(node, " ".join(words))
        if sentence:
            raise self.error(sentence, first, node)

    def _variable(self) -> None:
        name = self.word("the name of a variable")
        if name.text in self.states:
            raise self.error(f"found the variable {quoted(name.text)} again", name)
        self.expect("{")
        while (entry := self.expect("type", "property", "}")).text != "}":
            if entry.text == "property":
                self._property(name.text)
                continue
            self.expect("discrete")
            self.expect("[")
            count = self.word("the number of states")
            self.expect("]")
            self.expect("{")
            states = self.words("the name of a state", "}")
            self.expect(";")
            if count.text != str(len(states)):
                sentence = f"found {quoted(count.text)}, but {len(states)} states"
                raise self.error(sentence, count, name.text)
            self.states[name.text] = states
        if name.text not in self.states:
            sentence = "found no type, expected 'type discrete [n] { … };'"
            raise self.error(sentence, name, name.text)

    def _probability(self) -> None:
        self.expect("(")
        child = self.word("the name of a variable")
        parents: tuple[str, ...] = ()
        if self.expect("|", ")").text == "|":
            parents = self.words("the name of a parent", ")")
        for name in (child.text, *parents):
            if name not in self.states:
                raise self.error(f"found {quoted(name)}, expected a variable declared above", child)
        if child.text in self.tables:
            raise self.error("found its table again, expected one", child, child.text)
        table = self.tables[child.text] = _Table(child.text, parents, child.line)
        self.expect("{")
        while (entry := self.expect("table", "(", "default", "property", "}")).text != "}":
            if entry.text == "property":
                self._property(child.text)
            elif entry.text == "table":
                self._whole(table, entry)
            elif entry.text == "default":
                table.default = self.numbers()
            else:
                key = self.words("the state of a parent", ")")
                self._row(table, key, entry)

    def _whole(self, table: _Table, entry: _Token) -> None:
        if table.parents:
            # Tools disagree on the order of such a list.
            sentence = (
                "found 'table' for a node with parents, expected a line for each of their states, "
                "such as '(yes, no) 0.1, 0.9;'"
            )
            raise self.error(sentence, entry, table.child)
        table.rows[()] = self.numbers()

    def _row(self, table: _Table, key: tuple[str, ...], entry: _Token) -> None:
        states = [self.states[parent] for parent in table.parents]
        is_right = len(key) == len(states) and all(
            state in of for state, of in zip(key, states, strict=True)
        )
        if not is_right:
            expected = f"a state of each of {', '.join(table.parents) or 'no parents'}"
            sentence = f"found ({', '.join(key)}), expected {expected}"
            raise self.error(sentence, entry, table.child)
        if key in table.rows:
            raise self.error(f"found the row ({', '.join(key)}) again", entry, table.child)
        table.rows[key] = self.numbers()

    def nodes(self) -> Iterator[Node]:
        """Give every node with its table."""
        for name, states in self.states.items():
            table = self.tables.get(name)
            if table is None:
                sentence = f"found no table of {quoted(name)}, expected 'probability ({name} …)'"
                raise self.error(sentence, self._tokens[-1], name)
            of_parents = [self.states[parent] for parent in table.parents]
            rows = []
            for key in product(*of_parents) if prod(map(len, of_parents)) <= MAX_ROWS else ():
                row = table.rows.get(key, table.default)
                if row is None:
                    sentence = f"found no row ({', '.join(key)}), expected one, or a default"
                    raise self.error(sentence, _Token("", table.line, 1), name)
                rows.append(row)
            declared = self.declarations.of(name)
            yield Node(name, states, table.parents, tuple(rows), table.line, declared)


def read_bif(text: str, file: str = "<text>") -> Network:
    """Read a network in BIF.

    Parameters
    ----------
    text : str
    file : str
        The name that errors give it.

    Returns
    -------
    Network

    Raises
    ------
    InputError
        With the first thing that is wrong or unknown, by line.

    Examples
    --------
    >>> network = read_bif('''network coin { }
    ... variable side { type discrete [ 2 ] { heads, tails }; }
    ... probability ( side ) { table 0.5, 0.5; }''')
    >>> network.nodes[0].rows
    ((0.5, 0.5),)
    """
    reader = _Reader(text, file)
    reader.read()
    return in_order(reader.name, reader.nodes(), file)
