"""Bayesian networks in and out: against published numbers, enumeration, and each other."""

import itertools
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.oracle import solve

from storyodds.cli import main
from storyodds.models.assessment.assessment import assess
from storyodds.priors.text.errors import InputError, UnsupportedStoryError, render
from storyodds.priors.text.xml_reader import parse_xml
from storyodds.reports.documents.estimate import summarize
from storyodds.scenarios.loader import load_text
from storyodds.scenarios.networks.bif_reader import read_bif
from storyodds.scenarios.networks.coherence import contradictions, marginal, normalized
from storyodds.scenarios.networks.network import Network, Node, combinations, in_order
from storyodds.scenarios.networks.of_story import network_of
from storyodds.scenarios.networks.reader import imported_network
from storyodds.scenarios.networks.writers import WRITERS
from storyodds.scenarios.networks.xml_readers import read_xdsl, read_xml_bif
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Route
from storyodds.scenarios.serialize import to_yaml

YES_NO = ("yes", "no")


def yes(*chances: float) -> tuple[tuple[float, float], ...]:
    return tuple((p, 1 - p) for p in chances)


# Lauritzen and Spiegelhalter 1988, "Local computations with probabilities on graphical structures
# and their application to expert systems", JRSS B 50(2): table 1 (a visit to Asia, tuberculosis,
# smoking, lung cancer, bronchitis, either of the first two, X-ray, dyspnoea).
ASIA = (
    Node("asia", YES_NO, (), yes(0.01)),
    Node("tub", YES_NO, ("asia",), yes(0.05, 0.01)),
    Node("smoke", YES_NO, (), yes(0.5)),
    Node("lung", YES_NO, ("smoke",), yes(0.1, 0.01)),
    Node("bronc", YES_NO, ("smoke",), yes(0.6, 0.3)),
    Node("either", YES_NO, ("tub", "lung"), yes(1.0, 1.0, 1.0, 0.0)),
    Node("xray", YES_NO, ("either",), yes(0.98, 0.05)),
    Node("dysp", YES_NO, ("bronc", "either"), yes(0.9, 0.8, 0.7, 0.1)),
)
# Their marginals before any finding in four digits; pyAgrum 3.3.1 gives the same for these tables.
ASIA_MARGINALS = {
    "asia": 0.01,
    "tub": 0.0104,
    "smoke": 0.5,
    "lung": 0.055,
    "bronc": 0.45,
    "either": 0.0648,
    "xray": 0.1103,
    "dysp": 0.4360,
}
READERS = {
    "bif": lambda text: read_bif(text),
    "xmlbif": lambda text: read_xml_bif(parse_xml(text.encode())),
    "xdsl": lambda text: read_xdsl(parse_xml(text.encode())),
}


def enumerated(network: Network) -> dict[tuple[str, str], float]:
    """P(node is state) by adding up every joint state."""
    places = {node.name: k for k, node in enumerate(network.nodes)}
    keys = {
        node.name: list(combinations([network.node(p) for p in node.parents]))
        for node in network.nodes
    }
    chances = {(node.name, state): 0.0 for node in network.nodes for state in node.states}
    for held in itertools.product(*(node.states for node in network.nodes)):
        chance = 1.0
        for node, state in zip(network.nodes, held, strict=True):
            row = keys[node.name].index(tuple(held[places[p]] for p in node.parents))
            chance *= node.rows[row][node.states.index(state)]
        for node, state in zip(network.nodes, held, strict=True):
            chances[node.name, state] += chance
    return chances


def random_network(seed: int) -> Network:
    """Six nodes of two to four states, each with up to three parents."""
    rng = np.random.default_rng(seed)
    nodes: list[Node] = []
    for k in range(6):
        states = tuple(f"s{j}" for j in range(rng.integers(2, 5)))
        parents = [nodes[j] for j in sorted(rng.permutation(k)[: rng.integers(0, 4)])]
        n_rows = math.prod(len(parent.states) for parent in parents)
        rows = rng.dirichlet(np.ones(len(states)), size=n_rows)
        names = tuple(parent.name for parent in parents)
        nodes.append(Node(f"n{k}", states, names, tuple(map(tuple, rows.tolist()))))
    return Network(f"random-{seed}", tuple(nodes), "random.bif")


def means_of(network: Network, top: str) -> dict[str, float]:
    story = imported_network(network, top).story
    assumptions = summarize(assess(resolve(story)))["assumptions"]
    return {name: entry["mean"] for name, entry in assumptions.items()}


def test_asia_has_the_marginals_of_other_tools() -> None:
    network = Network("asia", ASIA, "asia.bif")
    imported = imported_network(network, "dysp=yes")
    assert imported.remarks == ()
    summary = summarize(assess(resolve(imported.story)))
    for name, expected in ASIA_MARGINALS.items():
        mean = summary["assumptions"][name]["mean"]
        assert round(mean, 4) == expected
        assert math.isclose(mean, enumerated(network)[name, "yes"], rel_tol=1e-12)
    assert math.isclose(
        summary["fates"]["catastrophe"]["mean"], enumerated(network)["dysp", "yes"], rel_tol=1e-12
    )


@pytest.mark.parametrize("seed", range(8))
def test_a_story_of_a_random_network_has_its_marginals(seed: int) -> None:
    """By the engine of stories, by elimination, and by enumeration."""
    network = random_network(seed)
    expected = enumerated(network)
    found = means_of(network, f"n5={network.nodes[5].states[0]}")
    for (name, state), chance in expected.items():
        assert math.isclose(found[f"{name} is {state}"], chance, rel_tol=0, abs_tol=1e-12)
        place = network.node(name).states.index(state)
        assert math.isclose(marginal(network, name)[place], chance, rel_tol=0, abs_tol=1e-12)


@pytest.mark.parametrize("kind", list(WRITERS))
@pytest.mark.parametrize(
    "network", [Network("asia", ASIA), random_network(3)], ids=["asia", "random"]
)
def test_what_is_written_reads_back(kind: str, network: Network) -> None:
    network = Network("net", network.nodes)
    back = READERS[kind](WRITERS[kind](network))
    assert [(n.name, n.states, n.parents, n.rows) for n in back.nodes] == [
        (n.name, n.states, n.parents, n.rows) for n in in_order("net", network.nodes, "").nodes
    ]


# --- what does not add up ---------------------------------------------------------------------


def test_stated_marginals_are_held_against_the_tables() -> None:
    """Five that the tables contradict; those that are right to their digits are not named."""
    stated = {
        "tub": ("0.02", "0.98"),
        "lung": ("0.055", "0.945"),
        "bronc": ("0.450", "0.550"),
        "either": ("0.1", "0.9"),
        "xray": ("0.11", "0.88"),
        "dysp": ("0.44", "0.56"),
    }
    nodes = tuple(
        Node(n.name, n.states, n.parents, n.rows, 0, stated.get(n.name, ())) for n in ASIA
    )
    assert list(contradictions(Network("asia", nodes))) == [
        "tub is yes: the file states 0.02, its tables give 0.01",
        "tub is no: the file states 0.98, its tables give 0.99",
        "xray is no: the file states 0.88, its tables give 0.89",
    ]


def test_rows_that_are_rounded_are_divided_and_others_refused() -> None:
    good = Node("a", ("x", "y", "z"), (), ((0.33, 0.33, 0.34),))
    near = Node("b", ("x", "y", "z"), ("a",), ((0.333, 0.333, 0.333),) * 3)
    network, remarks = normalized(Network("n", (good, near)))
    assert len(remarks) == 3
    assert remarks[0] == (
        "b: where a is x, the probabilities add up to 0.999 and were divided by that"
    )
    assert math.isclose(math.fsum(network.nodes[1].rows[0]), 1.0)
    far = Node("c", YES_NO, (), ((0.5, 0.4),), 7)
    with pytest.raises(InputError, match=r"add up to 0\.9, expected 1"):
        normalized(Network("n", (good, far)))


HEAD = "network n { }\nvariable a { type discrete [ 2 ] { yes, no }; }\n"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "1:1: found the end of the file, expected more"),
        ("graph n { }", "1:1: found 'graph', expected 'network'"),
        (HEAD, "2:47: a: found no table of 'a', expected 'probability (a …)'"),
        (
            HEAD + "probability ( a ) { table 0.5, 1.5; }",
            "3:32: found '1.5', expected a probability",
        ),
        (
            HEAD + "probability ( a ) { table 0.5; }",
            "3:1: a: found 1 probabilities, expected 1 times 2",
        ),
        (
            HEAD + "probability ( b ) { table 0.5; }",
            "3:15: found 'b', expected a variable declared",
        ),
        (
            HEAD + "probability ( a | a ) { (yes) 0.5, 0.5; (no) 0.5, 0.5; }",
            "expected no loop of nodes",
        ),
        (
            HEAD + "probability ( a ) { (maybe) 0.5, 0.5; }",
            "3:21: a: found (maybe), expected a state",
        ),
        (HEAD + "utility ( a ) { }", "3:1: found 'utility', expected 'variable' or 'probability'"),
        (
            "network n { property observed yes; }",
            "1:22: found an observation, expected the network",
        ),
        ('network n { } variable "a { }', "found a quotation mark that is not closed"),
        (
            "network n { } variable a { type discrete [ 3 ] { yes, no }; }",
            "1:44: a: found '3', but 2 states",
        ),
        (
            HEAD + HEAD[14:].replace("a {", "b {") + "probability ( b ) { table 1, 0; }\n"
            "probability ( a | b ) { table 0.1, 0.2, 0.9, 0.8; }",
            "5:25: a: found 'table' for a node with parents",
        ),
        (
            HEAD + HEAD[14:].replace("a {", "b {") + "probability ( b ) { table 1, 0; }\n"
            "probability ( a | b ) { (yes) 0.1, 0.9; }",
            "a: found no row (no), expected one, or a default",
        ),
    ],
)
def test_what_bif_is_refused_says_where(text: str, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        read_bif(text, "n.bif")
    assert sentence in render(caught.value.problems[0]).splitlines()[0]


XML = """<BIF VERSION="0.3"><NETWORK><NAME>n</NAME>
<VARIABLE TYPE="nature"><NAME>a</NAME><OUTCOME>yes</OUTCOME><OUTCOME>no</OUTCOME></VARIABLE>
<DEFINITION><FOR>a</FOR><TABLE>0.5 0.5</TABLE></DEFINITION>
</NETWORK></BIF>"""
XDSL = """<smile version="1.0" id="n"><nodes>
<cpt id="a"><state id="yes" /><state id="no" /><probabilities>0.5 0.5</probabilities></cpt>
</nodes></smile>"""


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (XML.replace('"0.3"', '"0.2"'), "1:1: found version '0.2', expected 0.3"),
        (XML.replace("nature", "decision"), "2:1: found the type 'decision', expected nature"),
        (XML.replace("0.5 0.5", "0.5 half"), "3:32: found 'half', expected a probability"),
        (XML.replace("<FOR>a", "<FOR>b"), "3:1: found 'b', expected the name of a variable"),
        (XML.replace("TABLE>", "UTILITY>"), "3:25: found <UTILITY>, expected FOR, GIVEN"),
        (XML.replace("0.5 0.5", "0.5"), "3:25: found 1 probabilities, expected 2 for each row"),
        (XDSL.replace("cpt", "noisymax"), "2:1: found <noisymax>, expected cpt"),
        (XDSL.replace("0.5 0.5", "0.5 0.5 0.5 0.5"), "found 4 probabilities, expected 1 times 2"),
    ],
)
def test_what_xml_is_refused_says_where(text: str, sentence: str) -> None:
    document = parse_xml(text.encode(), "n.xml")
    with pytest.raises(InputError) as caught:
        (read_xml_bif if text.startswith("<BIF") else read_xdsl)(document)
    assert sentence in render(caught.value.problems[0]).splitlines()[0]


def test_properties_state_marginals_and_observations_are_refused() -> None:
    stated = XML.replace("</NAME><OUT", "</NAME><PROPERTY>marginal = 0.4 0.6</PROPERTY><OUT")
    network = read_xml_bif(parse_xml(stated.encode()))
    assert network.nodes[0].declared == ("0.4", "0.6")
    assert len(list(contradictions(network))) == 2
    placed = XML.replace("</NAME><OUT", "</NAME><PROPERTY>position = (1, 2)</PROPERTY><OUT")
    assert read_xml_bif(parse_xml(placed.encode())).nodes[0].declared == ()
    seen = XML.replace("</NAME><OUT", "</NAME><PROPERTY>observed yes</PROPERTY><OUT")
    with pytest.raises(InputError, match="found an observation"):
        read_xml_bif(parse_xml(seen.encode()))


def test_the_last_parent_changes_fastest_and_the_node_itself_faster_still() -> None:
    """As XMLBIF's definition has it, and GeNIe's own files of the network asia."""
    table = "0.9 0.1 0.2 0.8 0.3 0.7 0.1 0.9"
    given = "<GIVEN>either</GIVEN><GIVEN>bronc</GIVEN>"
    variables = "".join(
        f'<VARIABLE TYPE="nature"><NAME>{n}</NAME><OUTCOME>no</OUTCOME><OUTCOME>yes</OUTCOME>'
        "</VARIABLE>"
        for n in ("either", "bronc", "dysp")
    )
    roots = "".join(
        f"<DEFINITION><FOR>{n}</FOR><TABLE>0.5 0.5</TABLE></DEFINITION>"
        for n in ("either", "bronc")
    )
    last = f"<DEFINITION><FOR>dysp</FOR>{given}<TABLE>{table}</TABLE></DEFINITION>"
    xml = f"<BIF><NETWORK>{variables}{roots}{last}</NETWORK></BIF>"
    states = '<state id="no"/><state id="yes"/>'
    nodes = "".join(
        f'<cpt id="{n}">{states}<probabilities>0.5 0.5</probabilities></cpt>'
        for n in ("either", "bronc")
    )
    node = f"{states}<parents>either bronc</parents><probabilities>{table}</probabilities>"
    xdsl = f'<smile id="n"><nodes>{nodes}<cpt id="dysp">{node}</cpt></nodes></smile>'
    for network in (read_xml_bif(parse_xml(xml.encode())), read_xdsl(parse_xml(xdsl.encode()))):
        dysp = network.node("dysp")
        keys = list(combinations([network.node(parent) for parent in dysp.parents]))
        assert dysp.rows[keys.index(("no", "yes"))] == (0.2, 0.8)
        assert dysp.rows[keys.index(("yes", "no"))] == (0.3, 0.7)


# --- stories as networks ----------------------------------------------------------------------

STORY = """
story: levels
title: A model that is more or less aware
goal:
  specification: It restates passages.
  desirability: It has nothing to gain.
  hazards:
    - {id: misuse, criterion: alignment, requires: large, probability: 0.2, harm: 0.3}
    - {id: slow, criterion: competitiveness, requires: not awareness is low, probability: 0.4}
rationale:
  constraints: [{id: no-flattery, holds: mood is up, rules_out: [mesa-optimizer]}]
  nudges: [{id: simple, when: awareness is medium, bits: {intended: 1.5}}]
assumptions:
  large: {claim: It is large., probability: 0.6}
  awareness:
    states:
      given:
        - {when: large, states: {low: 0.3, medium: 0.4, high: 0.3}}
        - {otherwise: {low: 0.7, medium: 0.2, high: 0.1}}
  mood: {states: {in_turn: {up: 0.5, level: 0.3}, rest: down}}
  able: {holds_when: {any: [awareness is high, [large, mood is down]]}}
routes:
  - {id: schemer, class: deceptive, requires: able, bits: 1, harm: 0.4}
  - {id: flatterer, class: mesa-optimizer, requires: not awareness is low, bits: 0, harm: 0.1}
  - {id: something-else, class: other, bits: -1, harm: 0.02}
checks:
  - {id: audit, flags: {deceptive: 0.3, misuse: 0.2, default: 0.05}}
  - {id: probe, flags: {schemer: 0.5, default: 0.1}}
"""


def test_a_story_as_a_network_has_its_odds() -> None:
    """Every assumption, route, hazard, check and fate, against enumeration of the story."""
    story = load_text(STORY)
    network, answer = network_of(resolve(story)), solve(story)
    normalized(network)

    def chance(name: str, state: str) -> float:
        return float(marginal(network, name)[network.node(name).states.index(state)])

    for literal, mean in answer.assumptions.items():
        name, _, state = literal.partition(" is ")
        assert math.isclose(chance(name, state or "true"), mean, rel_tol=1e-12)
    for route, mean in answer.routes.items():
        assert math.isclose(chance("training_ends", route.replace("-", "_")), mean, rel_tol=1e-12)
    for hazard, mean in answer.hazards.items():
        assert math.isclose(chance(hazard, "fires"), mean, rel_tol=1e-12)
    for fate, mean in answer.fates.items():
        found = chance("ending", fate.replace("-", "_"))
        assert math.isclose(found, mean, rel_tol=1e-12, abs_tol=1e-15)


CORRELATED = """
story: pair
title: Two premises behind which is one doubt
goal: {specification: s, desirability: d}
assumptions:
  a--b: {claim: One., probability: [0.05, 0.6]}
  c: {claim: Two., probability: [0.05, 0.6]}
  d: {claim: Three., probability: [0.05, 0.6]}
routes:
  - {id: schemer, class: deceptive, requires: [a--b, c, d], bits: 2, harm: 0.5}
  - {id: something-else, class: other, bits: -6, harm: 0.1}
correlations:
  - {between: [a--b, c], rank: -0.7}
"""
NOTE = (
    "That {names} go together (rank correlation -0.7) is not in this network, which holds the mean "
    "of each."
)


@pytest.mark.parametrize("kind", list(WRITERS))
def test_a_network_notes_the_correlations_that_it_leaves_out(
    kind: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    network = network_of(resolve(load_text(CORRELATED)))
    note = NOTE.format(names="a--b.probability and c.probability")
    assert network.notes == (note,)
    text = WRITERS[kind](network)
    assert (note.replace("--", "- -") if kind == "xdsl" else note) in text
    without = replace(network, notes=())
    back, plain = READERS[kind](text), READERS[kind](WRITERS[kind](without))
    # A note takes a line of the file, and changes nothing else that is read from it.
    assert [replace(node, line=0) for node in back.nodes] == [
        replace(node, line=0) for node in plain.nodes
    ]
    file = tmp_path / "pair.yaml"
    file.write_text(CORRELATED, encoding="utf-8")
    assert main(["export", str(file), "--to", kind, "--draws", "256"]) in (0, 3)
    printed = capsys.readouterr()
    assert printed.out.strip() == text.strip()
    assert f"pair: {note}" in printed.err


def test_a_fixed_number_leaves_no_correlation_to_note() -> None:
    assert network_of(resolve(load_text(CORRELATED), settings={"c": 0.3})).notes == ()
    assert network_of(resolve(load_text(STORY))).notes == ()


def test_a_network_of_a_story_imports_again() -> None:
    """Out as XMLBIF, in as a story of its own, whose catastrophe is that of the first."""
    story = load_text(STORY)
    text = WRITERS["xmlbif"](network_of(resolve(story)))
    network = READERS["xmlbif"](text)
    again = imported_network(network, "ending=catastrophe").story
    assert load_text(to_yaml(again)) == again
    summary = summarize(assess(resolve(again)))
    mean = summary["fates"]["catastrophe"]["mean"]
    assert math.isclose(mean, solve(story).fates["catastrophe"], rel_tol=1e-12)


def test_tables_beyond_reason_are_refused() -> None:
    story = load_text(STORY)
    names = [f"a{k}" for k in range(18)]
    assumptions = {**story.assumptions, **dict.fromkeys(names, story.assumptions["large"])}
    route = Route(id="many", class_="other", requires=tuple(names), bits=0, harm=0)
    large = story.model_copy(update={"assumptions": assumptions, "routes": (route, *story.routes)})
    with pytest.raises(UnsupportedStoryError, match="rows for 'training-ends'"):
        network_of(resolve(large))


# --- the commands -----------------------------------------------------------------------------


def test_the_commands(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "asia.bif"
    assert main(["export", "coinrun-agent", "--to", "bif"]) == 0
    assert capsys.readouterr().out.startswith("network coinrun_agent {")
    stated = WRITERS["bif"](Network("asia", ASIA)).replace(
        "variable tub {", "variable tub {\n  property marginal = 0.02, 0.98 ;"
    )
    file.write_text(stated, encoding="utf-8")
    assert main(["import", str(file), "--top", "dysp=yes", "--json"]) == 0
    printed = capsys.readouterr()
    document = json.loads(printed.out)
    assert document["story"] == "asia" and document["route"] == "dysp-yes"
    assert document["remarks"] == [
        "tub is yes: the file states 0.02, its tables give 0.01",
        "tub is no: the file states 0.98, its tables give 0.99",
    ]
    assert "note: tub is yes" in printed.err
    assert main(["import", str(file)]) == 2
    assert "such as --top" in capsys.readouterr().err.replace("as in --top", "such as --top")
    for top in ("dysp", "dysp=maybe", "dispnoea=yes"):
        assert main(["import", str(file), "--top", top]) == 2
        assert "--top: found" in capsys.readouterr().err
    story = tmp_path / "asia.yaml"
    assert main(["import", str(file), "--top", "dysp=yes", "-o", str(story)]) == 0
    assert main(["check", "--strict", str(story)]) == 0
