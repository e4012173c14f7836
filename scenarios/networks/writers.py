"""Networks written in BIF, XMLBIF 0.3 and GeNIe's XDSL."""

import re
from collections.abc import Callable, Iterator, Mapping
from xml.sax.saxutils import escape, quoteattr

from storyodds.scenarios.networks.network import Network, Node, combinations

_ACROSS = 6  # nodes beside each other in a picture
_XML = '<?xml version="1.0" encoding="UTF-8"?>'


def bif_text(network: Network) -> str:
    """Write a network in BIF.

    Parameters
    ----------
    network : Network
        Names and states made of letters, digits and underscores, as `plain_names` gives them.

    Returns
    -------
    str

    Examples
    --------
    >>> print(bif_text(Network("coin", (Node("side", ("heads", "tails"), (), ((0.5, 0.5),)),))))
    network coin {
    }
    variable side {
      type discrete [ 2 ] { heads, tails };
    }
    probability ( side ) {
      table 0.5, 0.5;
    }
    <BLANKLINE>
    """
    return "\n".join([*_bif(network), ""])


def _bif(network: Network) -> Iterator[str]:
    yield f"network {network.name} {{"
    yield from (f'  property note = "{note}";' for note in network.notes)
    yield "}"
    for node in network.nodes:
        states = f"{{ {', '.join(node.states)} }}"
        yield from (f"variable {node.name} {{", f"  type discrete [ {len(node.states)} ] {states};")
        yield "}"
    for node in network.nodes:
        parents = f" | {', '.join(node.parents)}" if node.parents else ""
        yield f"probability ( {node.name}{parents} ) {{"
        keys = combinations([network.node(parent) for parent in node.parents])
        for key, row in zip(keys, node.rows, strict=True):
            start = f"({', '.join(key)})" if key else "table"
            yield f"  {start} {', '.join(map(repr, row))};"
        yield "}"


def xml_bif_text(network: Network) -> str:
    """Write a network in XMLBIF 0.3.

    Parameters
    ----------
    network : Network

    Returns
    -------
    str

    Examples
    --------
    >>> text = xml_bif_text(Network("coin", (Node("side", ("a", "b"), (), ((0.5, 0.5),)),)))
    >>> text.splitlines()[-4]
    '<TABLE>0.5 0.5</TABLE>'
    """
    lines = [_XML, '<BIF VERSION="0.3">', "<NETWORK>", f"<NAME>{escape(network.name)}</NAME>"]
    lines += [f"<PROPERTY>note = {escape(note)}</PROPERTY>" for note in network.notes]
    for node in network.nodes:
        lines += ['<VARIABLE TYPE="nature">', f"<NAME>{escape(node.name)}</NAME>"]
        lines += [f"<OUTCOME>{escape(state)}</OUTCOME>" for state in node.states]
        lines.append("</VARIABLE>")
    for node in network.nodes:
        lines += ["<DEFINITION>", f"<FOR>{escape(node.name)}</FOR>"]
        lines += [f"<GIVEN>{escape(parent)}</GIVEN>" for parent in node.parents]
        lines += [f"<TABLE>{_cells(node)}</TABLE>", "</DEFINITION>"]
    return "\n".join([*lines, "</NETWORK>", "</BIF>", ""])


def xdsl_text(network: Network) -> str:
    """Write a network in the XDSL of GeNIe and SMILE.

    Parameters
    ----------
    network : Network
        Names and states made of letters, digits and underscores, as `plain_names` gives them.

    Returns
    -------
    str

    Examples
    --------
    >>> text = xdsl_text(Network("coin", (Node("side", ("a", "b"), (), ((0.5, 0.5),)),)))
    >>> text.splitlines()[6].strip()
    '<probabilities>0.5 0.5</probabilities>'
    """
    lines = [_XML, f'<smile version="1.0" id={quoteattr(network.name)} numsamples="10000">']
    # XDSL has properties of nodes only, and no comment may hold two hyphens in a row.
    lines += [f"  <!-- {note.replace('--', '- -')} -->" for note in network.notes]
    lines.append("  <nodes>")
    for node in network.nodes:
        lines.append(f"    <cpt id={quoteattr(node.name)}>")
        lines += [f"      <state id={quoteattr(state)} />" for state in node.states]
        if node.parents:
            lines.append(f"      <parents>{escape(' '.join(node.parents))}</parents>")
        lines += [f"      <probabilities>{_cells(node)}</probabilities>", "    </cpt>"]
    lines += ["  </nodes>", "  <extensions>", '    <genie version="1.0">']
    for k, node in enumerate(network.nodes):
        # GeNIe draws a node where this says, and some readers ask for it.
        x, y = 20 + 160 * (k % _ACROSS), 20 + 80 * (k // _ACROSS)
        lines += [
            f"      <node id={quoteattr(node.name)}>",
            f"        <name>{escape(node.name)}</name>",
            f"        <position>{x} {y} {x + 120} {y + 40}</position>",
            "      </node>",
        ]
    return "\n".join([*lines, "    </genie>", "  </extensions>", "</smile>", ""])


def _cells(node: Node) -> str:
    """A table as one list, the node's own states changing fastest."""
    return " ".join(repr(value) for row in node.rows for value in row)


#: What writes a network, by the name of its format.
WRITERS: Mapping[str, Callable[[Network], str]] = {
    "bif": bif_text,
    "xmlbif": xml_bif_text,
    "xdsl": xdsl_text,
}


def plain_name(name: str) -> str:
    """Make a name of letters, digits and underscores that starts with a letter, as XDSL asks.

    Examples
    --------
    >>> plain_name("goal-guarding"), plain_name("10-times")
    ('goal_guarding', 'n_10_times')
    """
    plain = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return plain if plain[:1].isalpha() else f"n_{plain}"
