"""Networks in XMLBIF 0.3 and in GeNIe's XDSL, read strictly."""

import re

from storyodds.priors.text.errors import InputError
from storyodds.priors.text.phrases import one_of, quoted
from storyodds.priors.text.xml_reader import Element, XmlDocument
from storyodds.scenarios.networks.declared import Declarations
from storyodds.scenarios.networks.network import Network, Node, in_order

_NUMBER = re.compile(r"[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?\Z|[0-9]+\.\Z")


def read_xml_bif(document: XmlDocument) -> Network:
    """Read a network in XMLBIF 0.3.

    Parameters
    ----------
    document : XmlDocument

    Returns
    -------
    Network

    Raises
    ------
    InputError
        With the first thing that is wrong or unknown, by line.

    Examples
    --------
    >>> from storyodds.priors.text.xml_reader import parse_xml
    >>> network = read_xml_bif(parse_xml(b'''<BIF VERSION="0.3"><NETWORK><NAME>coin</NAME>
    ... <VARIABLE TYPE="nature"><NAME>side</NAME><OUTCOME>heads</OUTCOME><OUTCOME>tails</OUTCOME>
    ... </VARIABLE><DEFINITION><FOR>side</FOR><TABLE>0.5 0.5</TABLE></DEFINITION>
    ... </NETWORK></BIF>'''))
    >>> network.nodes[0].rows
    ((0.5, 0.5),)
    """
    root = document.root
    version = root.attributes.get("VERSION")
    if version not in (None, "0.3"):
        raise _wrong(document, f"found version {quoted(version)}, expected 0.3", root)
    network = _one(document, root, "NETWORK", among=("NETWORK",))
    name = "network"
    declarations = Declarations()
    states: dict[str, tuple[str, ...]] = {}
    definitions: list[Element] = []
    for element in network.children:
        if element.tag == "NAME":
            name = element.text or name
        elif element.tag == "PROPERTY":
            _declare(document, declarations, None, element)
        elif element.tag == "VARIABLE":
            _variable(document, element, states, declarations)
        elif element.tag == "DEFINITION":
            definitions.append(element)
        else:
            raise _unknown(document, element, ("NAME", "PROPERTY", "VARIABLE", "DEFINITION"))
    nodes = [_definition(document, part, states, declarations) for part in definitions]
    absent = [variable for variable in states if variable not in {node.name for node in nodes}]
    if absent:
        sentence = f"found no definition of {quoted(absent[0])}, expected one"
        raise _wrong(document, sentence, network)
    return in_order(name, nodes, document.file)


def _variable(
    document: XmlDocument,
    element: Element,
    states: dict[str, tuple[str, ...]],
    declarations: Declarations,
) -> None:
    sort = element.attributes.get("TYPE", "nature")
    if sort != "nature":
        raise _wrong(document, f"found the type {quoted(sort)}, expected nature", element)
    name = _one(document, element, "NAME", among=("NAME", "OUTCOME", "PROPERTY")).text
    states[name] = tuple(part.text for part in element.children if part.tag == "OUTCOME")
    for part in element.children:
        if part.tag == "PROPERTY":
            _declare(document, declarations, name, part)


def _definition(
    document: XmlDocument,
    element: Element,
    states: dict[str, tuple[str, ...]],
    declarations: Declarations,
) -> Node:
    among = ("FOR", "GIVEN", "TABLE", "PROPERTY")
    name = _one(document, element, "FOR", among=among).text
    table = _one(document, element, "TABLE", among=among)
    if name not in states:
        sentence = f"found {quoted(name)}, expected the name of a variable"
        raise _wrong(document, sentence, element)
    for part in element.children:
        if part.tag == "PROPERTY":
            _declare(document, declarations, name, part)
    parents = tuple(part.text for part in element.children if part.tag == "GIVEN")
    rows = _rows(document, table, len(states[name]))
    return Node(name, states[name], parents, rows, table.line, declarations.of(name))


def read_xdsl(document: XmlDocument) -> Network:
    """Read a network in the XDSL of GeNIe and SMILE: nodes of type cpt alone.

    Parameters
    ----------
    document : XmlDocument

    Returns
    -------
    Network

    Raises
    ------
    InputError
        With the first thing that is wrong or unknown, by line.

    Examples
    --------
    >>> from storyodds.priors.text.xml_reader import parse_xml
    >>> network = read_xdsl(parse_xml(b'''<smile id="coin"><nodes><cpt id="side">
    ... <state id="heads"/><state id="tails"/><probabilities>0.5 0.5</probabilities>
    ... </cpt></nodes></smile>'''))
    >>> network.nodes[0].rows
    ((0.5, 0.5),)
    """
    root = document.root
    nodes = _one(document, root, "nodes", among=("nodes", "extensions", "properties"))
    listed = []
    for element in nodes.children:
        if element.tag != "cpt":
            raise _unknown(document, element, ("cpt",))
        among = ("state", "parents", "probabilities", "property")
        table = _one(document, element, "probabilities", among=among)
        name = element.attributes.get("id", "")
        states = tuple(
            part.attributes.get("id", "") for part in element.children if part.tag == "state"
        )
        parents = [part.text.split() for part in element.children if part.tag == "parents"]
        declarations = Declarations()
        for part in element.children:
            if part.tag == "property":
                text = f"{part.attributes.get('id', '')} {part.text}"
                _declare(document, declarations, name, part, text)
        listed.append(
            Node(
                name,
                states,
                tuple(parents[0]) if parents else (),
                _rows(document, table, len(states)),
                table.line,
                declarations.of(name),
            )
        )
    return in_order(root.attributes.get("id", "network"), listed, document.file)


def _rows(document: XmlDocument, table: Element, width: int) -> tuple[tuple[float, ...], ...]:
    """The probabilities of a table, those of a node's own states beside each other."""
    values = []
    for word in table.text.split():
        if not _NUMBER.match(word) or not 0 <= float(word) <= 1:
            sentence = f"found {quoted(word)}, expected a probability from 0 to 1"
            raise InputError([document.text_problem(sentence, table)])
        values.append(float(word))
    if not width or len(values) % width:
        sentence = f"found {len(values)} probabilities, expected {width} for each row"
        raise _wrong(document, sentence, table)
    return tuple(tuple(values[k : k + width]) for k in range(0, len(values), width))


def _declare(
    document: XmlDocument,
    declarations: Declarations,
    name: str | None,
    element: Element,
    text: str | None = None,
) -> None:
    sentence = declarations.add(name, element.text if text is None else text)
    if sentence:
        raise _wrong(document, sentence, element)


def _one(document: XmlDocument, element: Element, tag: str, *, among: tuple[str, ...]) -> Element:
    """The one part with a tag, where no part has a tag that is not known."""
    for part in element.children:
        if part.tag not in among:
            raise _unknown(document, part, among)
    parts = [part for part in element.children if part.tag == tag]
    if len(parts) != 1:
        sentence = f"found {len(parts) or 'no'} <{tag}>, expected one"
        raise _wrong(document, sentence, element)
    return parts[0]


def _unknown(document: XmlDocument, element: Element, among: tuple[str, ...]) -> InputError:
    return _wrong(document, f"found <{element.tag}>, expected {one_of(among)}", element)


def _wrong(document: XmlDocument, sentence: str, element: Element) -> InputError:
    return InputError([document.problem(sentence, element)])
