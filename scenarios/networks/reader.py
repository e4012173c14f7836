"""Bayesian networks from files in BIF, XMLBIF and XDSL, imported as stories."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from storyodds.priors.text.errors import InputError, Problem
from storyodds.priors.text.phrases import quoted
from storyodds.priors.text.xml_reader import XmlDocument, read_xml
from storyodds.priors.text.yaml_reader import file_text
from storyodds.scenarios.networks.bif_reader import read_bif
from storyodds.scenarios.networks.coherence import contradictions, normalized
from storyodds.scenarios.networks.network import Network
from storyodds.scenarios.networks.story import network_story
from storyodds.scenarios.networks.xml_readers import read_xdsl, read_xml_bif
from storyodds.scenarios.story import Story

_OF_XML: Mapping[str, Callable[[XmlDocument], Network]] = {"BIF": read_xml_bif, "smile": read_xdsl}


@dataclass(frozen=True, slots=True)
class ImportedNetwork:
    """An imported network.

    Attributes
    ----------
    story : Story
    remarks : tuple of str
        What the file states and its own tables contradict, and rows that were rounded.
    """

    story: Story
    remarks: tuple[str, ...]


def is_network(document: XmlDocument) -> bool:
    """Whether an XML file is a network and not a fault tree."""
    return document.root.tag in _OF_XML


def read_network(path: str | Path) -> Network:
    """Read a Bayesian network, in the format that its content shows.

    Parameters
    ----------
    path : str or pathlib.Path
        A file in BIF, XMLBIF 0.3 or XDSL.

    Returns
    -------
    Network
        With its rows as the file has them.

    Raises
    ------
    InputError
        If it is wrong, or has what a network of discrete nodes has not.
    """
    path = Path(path)
    if path.suffix.lower() == ".bif":
        return read_bif(file_text(path), str(path))
    return network_of(read_xml(path))


def network_of(document: XmlDocument) -> Network:
    """Read a network from the XML of one, as `read_network` does."""
    if not is_network(document):
        sentence = f"found <{document.root.tag}>, expected BIF or smile: a Bayesian network"
        raise InputError([document.problem(sentence, document.root)])
    return _OF_XML[document.root.tag](document)


def import_network(path: str | Path, top: str | None = None) -> Story:
    """Import a Bayesian network as a story.

    Parameters
    ----------
    path : str or pathlib.Path
        A file in BIF, XMLBIF 0.3 or XDSL.
    top : str, optional
        The node and the state that are the catastrophe, such as `dysp=yes`.

    Returns
    -------
    Story
        The probability of its one named route is that of the state.

    Raises
    ------
    InputError
        With what is wrong in the file, by line; or the nodes among which to choose.

    Examples
    --------
    >>> from pathlib import Path
    >>> _ = Path("lawn.bif").write_text('''network lawn { }
    ... variable rain { type discrete [ 2 ] { yes, no }; }
    ... variable wet { type discrete [ 2 ] { yes, no }; }
    ... probability ( rain ) { table 0.2, 0.8; }
    ... probability ( wet | rain ) { (yes) 0.9, 0.1; (no) 0.1, 0.9; }''')
    >>> import_network("lawn.bif", "wet=yes").routes[0].requires
    'wet'
    """
    return imported_network(read_network(path), top).story


def imported_network(network: Network, top: str | None) -> ImportedNetwork:
    """Turn a network into a story, with what its file states and its tables contradict.

    Parameters
    ----------
    network : Network
    top : str or None
        As `import_network` takes it.

    Returns
    -------
    ImportedNetwork
    """
    whole, rounded = normalized(network)
    if top is not None and not top.strip():
        raise InputError([Problem(f"--top: found {quoted(top)}, expected NODE=STATE")])
    return ImportedNetwork(network_story(whole, top), (*rounded, *contradictions(whole)))
