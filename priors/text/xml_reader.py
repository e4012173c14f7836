"""A reader for XML from strangers: elements with their lines, and nothing that acts.

Entities are never expanded and nothing outside the file is ever opened.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from xml.sax import SAXParseException
from xml.sax.handler import ContentHandler

from defusedxml import DefusedXmlException, EntitiesForbidden, sax

from storyodds.priors.text.document import lines_of
from storyodds.priors.text.errors import InputError, Problem

MAX_XML_BYTES: Final = 64 * 1024 * 1024  # what a hostile file may cost in memory
MAX_XML_ELEMENTS: Final = 500_000  # the same, once it is read
MAX_XML_DEPTH: Final = 100  # formulas are walked by recursion, and Python's ends near 1,000 calls


@dataclass(slots=True)
class Element:
    """One element of an XML file.

    Attributes
    ----------
    tag : str
        Without the namespace prefix of the root; any other prefix is kept, for it makes the
        element one of another vocabulary.
    attributes : dict of str to str
    line, column : int
        Of its start tag, from 1.
    children : list of Element
    text : str
        The text directly inside it, with single spaces.
    text_line : int
        The line in which that text begins; 0 without any.
    """

    tag: str
    attributes: dict[str, str]
    line: int
    column: int
    children: list["Element"] = field(default_factory=list)
    text: str = ""
    text_line: int = 0

    def walk(self) -> Iterator["Element"]:
        """Return the element and all within it, in the order written."""
        waiting = [self]
        while waiting:
            element = waiting.pop()
            yield element
            waiting.extend(reversed(element.children))


@dataclass(frozen=True)
class XmlDocument:
    """An XML file: its root, and its text for showing where a mistake is."""

    file: str
    root: Element
    lines: list[str] = field(repr=False)

    def problem(self, sentence: str, element: Element, about: str | None = None) -> Problem:
        """Place a mistake at an element."""
        return _problem(sentence, self.file, element.line, element.column, self.lines, about)

    def text_problem(self, sentence: str, element: Element, about: str | None = None) -> Problem:
        """Place a mistake where the text in an element begins."""
        word = element.text.partition(" ")[0]
        # A comment within the text makes the parser count its lines too: look further up.
        for line in range(element.text_line, element.line - 1, -1):
            column = self.lines[line - 1].find(word) if line <= len(self.lines) else -1
            if column >= 0:
                return _problem(sentence, self.file, line, column + 1, self.lines, about)
        return self.problem(sentence, element, about)


def read_xml(path: Path) -> XmlDocument:
    """Read an XML file.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    XmlDocument

    Raises
    ------
    InputError
        If it cannot be opened, is larger than 64 MiB, is not well-formed, nests more than 100
        deep, or declares entities.
    """
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_XML_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise InputError([Problem(f"cannot read this file: {reason}", str(path))]) from None
    return parse_xml(raw, str(path))


def parse_xml(raw: bytes, file: str = "<text>") -> XmlDocument:
    r"""Read XML from memory; `read_xml` says what it refuses.

    Examples
    --------
    >>> [element.line for element in parse_xml(b"<a>\n  <b/>\n</a>").root.walk()]
    [1, 2]
    """
    if len(raw) > MAX_XML_BYTES:
        most = f"{MAX_XML_BYTES // 1024**2} MiB"
        raise InputError([Problem(f"found more than {most}, expected a smaller file", file)])
    lines = lines_of(raw.decode("utf-8-sig", "replace"))
    builder = _Builder()
    parser: Any = sax.make_parser()
    parser.forbid_external = True
    parser.forbid_entities = True
    parser.setContentHandler(builder)
    try:
        parser.parse(io.BytesIO(raw))
    except EntitiesForbidden:
        sentence = "found the declaration of an entity, expected the text itself where it is used"
    except DefusedXmlException:
        sentence = "found a reference to another file, expected everything in this one"
    except SAXParseException as error:
        sentence = f"this is not XML: {error.getMessage()}"
    except _StopError as error:
        element = error.element
        raise InputError(
            [_problem(str(error), file, element.line, element.column, lines)]
        ) from None
    except (LookupError, ValueError) as error:  # an encoding that nobody knows
        sentence = f"this is not XML: {error}"
    else:
        assert builder.root is not None
        return XmlDocument(file, builder.root, lines)
    line, column = builder.place()
    raise InputError([_problem(sentence, file, line, column, lines)])


def _problem(
    sentence: str, file: str, line: int, column: int, lines: list[str], about: str | None = None
) -> Problem:
    source = lines[line - 1] if line <= len(lines) else None
    return Problem(sentence, file, line, column, about, source)


class _StopError(Exception):
    """Too much to go on reading, from an element on."""

    def __init__(self, sentence: str, element: Element) -> None:
        super().__init__(sentence)
        self.element = element


class _Builder(ContentHandler):
    """Makes elements of what the parser meets."""

    def __init__(self) -> None:
        super().__init__()
        self.root: Element | None = None
        self.locator: Any = None
        self._open: list[tuple[Element, list[str]]] = []
        self._count = 0
        self._prefix = ""

    def setDocumentLocator(self, locator: Any) -> None:  # noqa: N802
        """Keep what knows the line."""
        self.locator = locator

    def place(self) -> tuple[int, int]:
        """Return the line and column, from 1, at which the parser is."""
        line = self.locator.getLineNumber() if self.locator else None
        column = self.locator.getColumnNumber() if self.locator else None
        return line or 1, (column or 0) + 1

    def startElement(self, name: str, attrs: Any) -> None:  # noqa: N802
        """Open an element."""
        line, column = self.place()
        prefix, _, local = name.rpartition(":")
        if self.root is None:
            self._prefix = prefix
        tag = local if prefix == self._prefix else name
        element = Element(tag, dict(attrs.items()), line, column)
        self._count += 1
        if self._count > MAX_XML_ELEMENTS:
            sentence = f"found more than {MAX_XML_ELEMENTS:,} elements, expected fewer"
            raise _StopError(sentence, element)
        if len(self._open) >= MAX_XML_DEPTH:
            sentence = (
                f"found elements nested more than {MAX_XML_DEPTH} deep, expected fewer levels"
            )
            raise _StopError(sentence, element)
        if self._open:
            self._open[-1][0].children.append(element)
        else:
            self.root = element
        self._open.append((element, []))

    def characters(self, content: str) -> None:
        """Take text."""
        if self._open:
            element, texts = self._open[-1]
            texts.append(content)
            if not element.text_line and content.strip():
                # The parser gives text once it has read on: it stands where the text ends.
                after = content[len(content) - len(content.lstrip()) :]
                element.text_line = max(self.place()[0] - after.count("\n"), element.line)

    def endElement(self, name: str) -> None:  # noqa: N802
        """Close an element."""
        element, texts = self._open.pop()
        element.text = " ".join("".join(texts).split())
