"""An argument keeps the rules of Goal Structuring Notation and says what the estimate says."""

import copy
import math
import re
from collections import Counter
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from support.features import FEATURES, features, features_story
from support.hostile_story import ATTACK, hostile_story
from support.many_routes import many_routes

from storyodds import Story, load_story, load_text
from storyodds.models.assessment.assessment import assess
from storyodds.reports.documents.estimate import summarize
from storyodds.reports.exports.gsn.argument import argument
from storyodds.reports.exports.gsn.picture import gsn_svg
from storyodds.reports.exports.gsn.records import PREFIX, Argument, Edge
from storyodds.reports.exports.gsn.rivals import SMALLEST
from storyodds.reports.exports.gsn.shapes import LETTER, Shape
from storyodds.reports.exports.gsn.words import chance
from storyodds.reports.exports.gsn.yaml_text import gsn_yaml
from storyodds.reports.figures.drawing.figure import standalone
from storyodds.reports.words.numbers import percent
from storyodds.reports.words.shortening import negated
from storyodds.scenarios.loader import bundled_stories
from storyodds.scenarios.resolve import resolve

RICH = "rlhf-assistant"
HOSTILE = "hostile"
LARGE = "large"
STORIES = (*bundled_stories(), HOSTILE, LARGE)
SUPPORTS = {"goal", "strategy", "solution"}
ENDS = {  # of a tie: from what to what
    "supported_by": ({"goal", "strategy"}, SUPPORTS),
    "in_context_of": ({"goal", "strategy"}, {"context", "assumption", "justification"}),
    "challenges": ({"counter_solution"}, {"goal"}),
}


@cache
def story_named(name: str) -> Story:
    if name == LARGE:
        return many_routes()
    return hostile_story() if name == HOSTILE else load_story(name)


@cache
def document(name: str) -> Any:
    return summarize(assess(resolve(story_named(name)), draws=64, method="weighting"))


@cache
def made(name: str, most: int | None = None) -> Argument:
    return argument(document(name), story_named(name), most=most)


@pytest.mark.parametrize("name", STORIES)
@pytest.mark.parametrize("most", [None, 2])
def test_every_story_makes_a_valid_goal_structure(name: str, most: int | None) -> None:
    structure = made(name, most)
    kinds = {node.id: node.kind for node in structure.nodes}
    assert len(kinds) == len(structure.nodes)
    assert len(set(structure.edges)) == len(structure.edges)
    for node in structure.nodes:
        assert re.fullmatch(rf"{PREFIX[node.kind]}[1-9][0-9]*", node.id)
        assert node.text and "\n" not in node.text and node.text.startswith(node.claim)
    for edge in structure.edges:
        sources, targets = ENDS[edge.kind]
        assert kinds[edge.source] in sources and kinds[edge.target] in targets
    # From the top goal alone, everything is reached and nothing leads back.
    reached: set[str] = set()

    def walk(id: str, above: tuple[str, ...]) -> None:
        assert id not in above
        reached.add(id)
        for edge in structure.edges:
            against = edge.kind == "challenges"
            if id == (edge.target if against else edge.source):
                walk(edge.source if against else edge.target, (*above, id))

    walk(structure.nodes[0].id, ())
    assert structure.nodes[0].kind == "goal" and reached == set(kinds)


@pytest.mark.parametrize("name", STORIES)
def test_a_goal_is_undeveloped_if_and_only_if_nothing_supports_it(name: str) -> None:
    structure = made(name)
    for node in structure.nodes:
        supported = bool(structure.below(node.id))
        assert node.undeveloped == (node.kind == "goal" and not supported)
        assert supported or node.kind != "strategy"


@pytest.mark.parametrize("name", STORIES)
def test_every_part_of_the_story_is_there(name: str) -> None:
    story, found = story_named(name), made(name)
    told = [node.about for node in found.nodes]
    rivals = [route.id for route in story.routes if route.class_ != "intended"]
    for part in (*rivals, *(check.id for check in story.checks)):
        assert [n.kind for n in found.nodes if n.about == part] == ["goal"]
    for item in story.evidence:
        kinds = {n.kind for n in found.nodes if n.about == item.id}
        assert kinds and kinds <= {"solution", "counter_solution"}
    for assumption in document(name)["assumptions"]:
        assert assumption in told


@pytest.mark.parametrize("name", [RICH, HOSTILE, "carlsmith-six-premises"])
def test_probabilities_are_those_of_what_is_claimed(name: str) -> None:
    doc = document(name)
    no = {"q05": "q95", "q95": "q05", "mean": "mean"}
    held = {
        **{key.replace("_", " "): entry for key, entry in doc["criteria"].items()},
        **doc["assumptions"],
        "success": doc["fates"]["success"],
        **{
            f"check {check} flags {route}": entry
            for check, of in doc["checks"].items()
            for route, entry in (of["caught"] or {}).items()
        },
    }
    denied = {
        **{f"not route {route}": entry for route, entry in doc["routes"].items()},
        **{f"not class {kind}": entry for kind, entry in doc["classes"].items()},
        **{f"no hazard {name}": it["given_intended"] for name, it in doc["hazards"].items()},
        "no catastrophe": doc["fates"]["catastrophe"],
    }
    told = [node for node in made(name).nodes if node.probability is not None]
    assert len(told) > 8
    for node in told:
        assert node.probability is not None
        for key, other in no.items():
            expected = (
                held[node.probability_of][key]
                if node.probability_of in held
                else 1 - denied[node.probability_of][other]
            )
            assert math.isclose(node.probability[key], expected, abs_tol=1e-15)


@pytest.mark.parametrize("name", STORIES)
def test_every_goal_shows_the_probability_of_its_claim(name: str) -> None:
    for node in made(name, 4).nodes:
        if node.kind != "goal":
            continue
        if node.probability is None:
            assert node.about == "rationale_competitiveness"
            assert node.claim.endswith("The story gives no number.")
            continue
        shown = f"P = {percent(node.probability['mean'])}"
        assert shown in node.text.removeprefix(node.claim)
        assert any(line.startswith(shown) for line in Shape(node, 300, 3).figures)


def test_a_risk_argument_speaks_of_catastrophe_alone() -> None:
    texts = " ".join(node.text for node in made("carlsmith-six-premises").nodes)
    assert "success" not in texts and "intended model" not in texts
    assert made("carlsmith-six-premises").nodes[0].claim == "The run does not end in catastrophe."


@pytest.mark.parametrize("name", STORIES)
def test_no_sentence_in_the_picture_is_cut_that_carries_a_negation(name: str) -> None:
    from storyodds.reports.exports.gsn.picture import _Picture

    picture = _Picture(made(name, 4))
    picture.drawn()
    for shape in picture.shapes:
        if shape.node.kind in ("solution", "counter_solution") or not shape.lines:
            continue
        words = "".join(shape.lines).replace(" ", "")
        if not words.endswith("…"):
            continue
        whole = f"{shape.node.id} {shape.node.claim}"
        ends = [it.end() for it in re.finditer(r"[.!?](?=\s|$)", whole)] + [len(whole)]
        letters = len(words.rstrip("….,;: "))
        starts = [0, *ends]
        for start, end in pairwise(starts):
            inside = len(whole[:start].replace(" ", "")) < letters
            cut = len(whole[:end].rstrip(".,;:!? ").replace(" ", "")) > letters
            assert not (inside and cut and negated(whole[start:end])), whole[start:end]


def test_results_of_checks_are_evidence_and_the_decision_day_is_told() -> None:
    doc = features("flagged")
    structure = argument(doc, features_story("flagged"))
    by_about = {node.about: node for node in structure.nodes}
    assert by_about["audit"].kind == "goal" and by_about["probe"].kind == "context"
    assert "Check probe (kept out of training) flagged" in by_about["probe"].text
    day = by_about["deployed"].text
    for name, entry in (
        ("success", doc["deployed"]["success"]),
        ("deceptive", doc["deployed"]["classes"]["deceptive"]),
    ):
        assert f"P({name}) = {chance(entry)}" in day
    texts = " ".join(node.text for node in structure.nodes)
    assert "going on all the same" in texts and "far-told (opinion)" in texts
    assert "about a number that is fixed, and does nothing" in by_about["aware-told"].text


def test_where_every_check_has_a_result_none_is_said_to_halt() -> None:
    text = FEATURES.replace("RESULT", "passed").replace(
        "{id: audit,", "{id: audit, result: passed,"
    )
    story = load_text(text, "features.yaml")
    structure = argument(summarize(assess(resolve(story), draws=64)), story)
    assert not {"checks", "deployed"} & {node.about for node in structure.nodes}
    assert {n.kind for n in structure.nodes if n.about in ("audit", "probe")} == {"context"}


def test_routes_taken_together_have_their_sum() -> None:
    whole, few = made(LARGE), made(LARGE, 3)
    assert len(few.nodes) < len(whole.nodes) / 2
    rest = [node for node in few.nodes if node.about == "others"]
    for node in rest:
        names = node.probability_of.removeprefix("none of ").split(", ")
        assert node.probability is not None
        total = sum(document(LARGE)["routes"][route]["mean"] for route in names)
        assert math.isclose(node.probability["mean"], 1 - total)
    told = {node.about for node in few.nodes}
    told |= {route for node in rest for route in node.probability_of[8:].split(", ")}
    assert set(document(LARGE)["routes"]) - {"intended"} <= told


def test_evidence_supports_what_it_is_about() -> None:
    structure = made(RICH)
    named = {node.about: node for node in structure.nodes}

    def support(about: str) -> set[str]:
        return {node.about for node in structure.below(named[about].id) if node.kind == "solution"}

    assert "emergent-misalignment-replication" in support("broad-misalignment")
    assert not support("proxy-goal") and named["proxy-goal"].undeveloped
    assert named["compliance-gap-survey"].url == "https://arxiv.org/abs/2506.18032"


@pytest.mark.parametrize("name", STORIES)
@pytest.mark.parametrize("most", [None, 2])
def test_evidence_challenges_what_it_makes_less_likely_and_supports_nothing_of_that(
    name: str, most: int | None
) -> None:
    found, doc = made(name, most), document(name)
    bits = {item["id"]: item["bits"] for item in doc["evidence"]["items"]}
    nodes = {node.id: node for node in found.nodes}
    sizes = Counter(entry["class"] for entry in doc["routes"].values())

    def raised(goal: str, item: str) -> float:
        """The bits by which an item raises what a goal denies."""
        about = nodes[goal].about
        if about == "rationale_alignment":
            return -(bits[item]["intended"] or 0.0)
        if about in doc["routes"]:
            assert sizes[doc["routes"][about]["class"]] == 1
            return bits[item][doc["routes"][about]["class"]] or 0.0
        return bits[item][about] or 0.0

    challenges = [edge for edge in found.edges if edge.kind == "challenges"]
    for edge in challenges:
        assert raised(edge.target, nodes[edge.source].about) >= SMALLEST
    assert {edge.source for edge in challenges} == {
        node.id for node in found.nodes if node.kind == "counter_solution"
    }
    for edge in found.edges:
        if nodes[edge.target].kind != "solution":
            continue
        about = nodes[edge.source].about
        class_ = doc["routes"][about]["class"] if about in doc["routes"] else about
        gained = bits[nodes[edge.target].about].get(class_)
        assert (gained or 0.0) < SMALLEST


def test_counter_evidence_is_told_where_it_counts() -> None:
    structure = made(RICH)
    goal = next(node.id for node in structure.nodes if node.about == "deceptive")
    against = structure.challengers(goal)
    assert {"greenblatt-forecast", "in-context-scheming-survey"} <= {n.about for n in against}
    assert all("deceptive +" in node.text for node in against)
    [row] = [row for row in gsn_svg(made(RICH, 4)).rows if row[0] == goal]
    assert row[-1] == ", ".join(node.id for node in against)


def lone_route(gained: float) -> Argument:
    """A class of one route, and an item about the route with so many bits for the class."""
    story = load_text(
        """
story: lone
title: One route in each class
goal: {specification: x, desirability: y}
assumptions: {aware: {probability: 0.4}}
routes:
  - {id: schemer, class: deceptive, requires: aware, bits: 0, harm: 0.5}
  - {id: something-else, class: other, bits: 0, harm: 0.1}
evidence:
  - id: seen
    about: {assumption: aware}
    counts: {hits: 1, trials: 1}
    rates: {"true": 0.5, "false": 0.25}
""",
        "lone.yaml",
    )
    doc = summarize(assess(resolve(story)))
    [item] = doc["evidence"]["items"]
    item["bits"]["deceptive"] = gained
    return argument(doc, story)


@pytest.mark.parametrize(
    ("gained", "kind"), [(0.5, "counter_solution"), (-0.5, "solution"), (0.004, "solution")]
)
def test_a_route_alone_in_its_class_is_challenged_itself(gained: float, kind: str) -> None:
    found = lone_route(gained)
    [route] = [node for node in found.nodes if node.about == "schemer"]
    [item] = [node for node in found.nodes if node.about == "seen"]
    assert item.kind == kind
    assert (item in found.challengers(route.id)) == (kind == "counter_solution")
    assert (item in found.below(route.id)) == (kind == "solution") == (not route.undeveloped)
    assert "nan" not in gsn_svg(found).svg and item.id in gsn_svg(found).svg


def test_a_counter_solution_of_two_goals_is_written_once_for_each() -> None:
    structure = made(RICH)
    first, second = [node.id for node in structure.nodes if node.about in ("deceptive", "other")]
    others = tuple(edge for edge in structure.edges if edge.source != "CSn1")
    ties = tuple(Edge("CSn1", goal, "challenges") for goal in (first, second))
    twice = replace(structure, edges=(*others, *ties))
    data = yaml.safe_load(gsn_yaml(twice))
    assert data["CSn1"] == {**data["CSn1.2"], "challenges": first}
    assert data["CSn1.2"]["challenges"] == second and "CSn1.3" not in data
    words = ElementTree.fromstring(standalone(gsn_svg(twice))).itertext()
    assert any("CSn1 against" in text for text in words)


def test_nothing_is_called_safe() -> None:
    for node in made(RICH).nodes:
        assert not re.search(r"\b(is|are) safe\b", node.text)


@pytest.mark.parametrize("name", [HOSTILE, RICH])
def test_yaml_is_what_gsn2x_reads(name: str) -> None:
    structure = made(name)
    data = yaml.safe_load(gsn_yaml(structure))
    assert set(data.pop("module")) == {"name", "brief"}
    again = [id for id in data if "." in id]
    assert [id for id in data if id not in again] == [node.id for node in structure.nodes]
    assert all(id.startswith("CSn") and id.partition(".")[0] in data for id in again)
    for id, entry in data.items():
        assert set(entry) <= {
            *("text", "supportedBy", "inContextOf", "challenges", "undeveloped", "url"),
            "probability",
        }
        # Its checks V12, C13 and C14, and that a challenge is one id, not a list.
        assert ("challenges" in entry) == id.startswith("CSn")
        assert entry.get("challenges", "G1") in data
        assert isinstance(entry["text"], str)
        # It makes links of these, and would of `[words](address)` too.
        assert not re.search(r"(https?|file)://", entry["text"])
        assert entry.get("url", "https://").startswith("https://")
        assert ("supportedBy" in entry) != (entry.get("undeveloped", False)) or not re.match(
            r"[GS]\d", id
        )
        for key, kind in (("supportedBy", "supported_by"), ("inContextOf", "in_context_of")):
            ends = [e.target for e in structure.edges if (e.source, e.kind) == (id, kind)]
            assert entry.get(key, []) == ends
    challenges = [e.source for e in structure.edges if e.kind == "challenges"]
    assert len(challenges) == sum("challenges" in entry for entry in data.values())


@pytest.mark.parametrize("name", STORIES)
def test_the_picture_is_drawn_and_its_text_fits(name: str) -> None:
    figure = gsn_svg(made(name, 4))
    root = ElementTree.fromstring(standalone(figure))
    wide, high = (float(x) for x in root.attrib["viewBox"].split()[2:])
    assert wide == 1080
    for element in root.iter():
        tag = element.tag.removeprefix("{http://www.w3.org/2000/svg}")
        if tag == "metadata" or "purl.org" in tag or "rdf-syntax" in tag:
            continue  # who made it from what
        assert tag in {"svg", "title", "desc", "style", "g", "rect", "ellipse", "path", "text"}
        assert not any(key.startswith("on") or key in ("href", "style") for key in element.attrib)
        if tag == "text":
            x, y = float(element.attrib["x"]), float(element.attrib["y"])
            half = len(element.text or "") * LETTER / 2
            if element.attrib["class"] == "gsn-words" and len(element.text or "") > 1:
                assert x - half >= -8 and x + half <= wide + 8
            assert 0 < y < high
    assert len(figure.rows) == len(made(name, 4).nodes)
    assert {len(row) for row in figure.rows} == {len(figure.columns)}


@pytest.mark.parametrize("name", [RICH, LARGE, HOSTILE])
def test_no_two_shapes_overlap(name: str) -> None:
    from storyodds.reports.exports.gsn.picture import _Picture

    picture = _Picture(made(name, 4))
    picture.drawn()
    shapes: list[Shape] = picture.shapes
    drawn = {shape.node.id for shape in shapes}
    assert len(drawn) == len(shapes)
    assert {
        node.id for node in made(name, 4).nodes if node.kind in SUPPORTS | {"counter_solution"}
    } <= drawn
    for k, one in enumerate(shapes):
        for other in shapes[:k]:
            beside = one.x + one.width <= other.x + 1 or other.x + other.width <= one.x + 1
            assert beside or one.bottom <= other.y + 1 or other.bottom <= one.y + 1


def test_hostile_text_is_text_in_the_picture() -> None:
    drawn = standalone(gsn_svg(made(HOSTILE)))
    assert (
        "<script" not in drawn
        and "<img" not in drawn
        and "onload=" not in re.sub(r">[^<]*<|\"[^\"]*\"", "", drawn)
    )
    root = ElementTree.fromstring(drawn)
    tips = [e.attrib["data-tip"] for e in root.iter() if "data-tip" in e.attrib]
    assert any(ATTACK in tip for tip in tips)


def test_what_is_not_reliable_says_so() -> None:
    doc = copy.deepcopy(document(RICH))
    doc["diagnostics"] |= {"ok": False, "messages": ["too few draws"]}
    structure = argument(doc, story_named(RICH))
    assert not structure.reliable
    assert any("NOT RELIABLE: too few draws" in node.text for node in structure.nodes)
    assert "NOT RELIABLE" in gsn_yaml(structure)
    assert "NOT RELIABLE" in gsn_svg(structure).svg
    doc["diagnostics"] |= {"ok": True, "messages": []}
    assert "NOT RELIABLE" not in gsn_yaml(argument(doc, story_named(RICH)))


def test_numbers_that_go_together_are_an_assumption_of_the_argument() -> None:
    story = load_text(
        """
story: pair
title: Two premises behind which is one doubt
goal: {specification: s, desirability: d}
assumptions:
  a: {claim: One., probability: [0.05, 0.6]}
  b: {claim: Two., probability: [0.05, 0.6]}
routes:
  - {id: schemer, class: deceptive, requires: [a, b], bits: 2, harm: 0.5}
  - {id: something-else, class: other, bits: -6, harm: 0.1}
correlations:
  - {between: [a, b], rank: 0.7}
"""
    )
    doc = summarize(assess(resolve(story), draws=64, method="weighting"))
    whole = argument(doc, story)
    node = next(node for node in whole.nodes if node.about == "correlations")
    assert node.kind == "assumption"
    assert node.text == "a.probability and b.probability go together (rank correlation 0.7)."
    assert Edge(whole.nodes[0].id, node.id, "in_context_of") in whole.edges
    assert node.text in gsn_yaml(whole)


def test_checks_that_fail_together_are_an_assumption_over_the_checks() -> None:
    causes = story_named(RICH).common_cause
    assert causes
    nodes = {node.about: node for node in made(RICH).nodes}
    for k, cause in enumerate(causes):
        node = nodes[cause.id or f"common-cause-{k + 1}"]
        assert node.kind == "assumption"
        assert all(check in node.text for check in cause.checks)
        assert "[number" in node.text  # what the share rests on
