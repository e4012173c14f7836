"""A story as a graph, as data: against enumeration, and against the estimate."""

import json
import math
from collections.abc import Callable
from dataclasses import asdict

import pytest
from hypothesis import HealthCheck, assume, given, settings
from support.building import OFF, SCHEMER, believe, tell
from support.many_routes import many_routes
from support.oracle import ImpossibleEvidence, condition
from support.oracle_process import Run, prior_runs, route_chances, truths
from support.strategies import small_stories

from storyodds import load_story
from storyodds.models.assessment.assessment import assess
from storyodds.priors.text.errors import InputError
from storyodds.reports.documents.estimate import summarize
from storyodds.reports.documents.story_graph.build import summarize_story_graph
from storyodds.reports.documents.story_graph.conditions import follows, terms_of
from storyodds.reports.documents.story_graph.groups import LIKELIEST, MOST
from storyodds.reports.documents.story_graph.records import GraphDocument, Term
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Route
from storyodds.scenarios.story import Story

relaxed = settings(
    deadline=None,
    max_examples=12,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
NAMES = ("rlhf-assistant", "carlsmith-six-premises", "monitored-reasoning-model", "many-routes")


def graph_of(story: Story, **sampling: int) -> tuple[GraphDocument, dict]:
    assessment = assess(resolve(story), **sampling)
    estimate = summarize(assessment)
    return summarize_story_graph(assessment, estimate), estimate


@pytest.fixture(scope="module")
def graphs() -> dict[str, tuple[GraphDocument, dict]]:
    stories = {name: many_routes() if name == "many-routes" else load_story(name) for name in NAMES}
    return {name: graph_of(story, draws=256) for name, story in stories.items()}


# --- against enumeration --------------------------------------------------------------------------


def is_at(node: str, run: Run) -> bool:
    """Whether a run comes to a node through which probability flows."""
    stage, _, name = node.partition(":")
    if stage == "route":
        return run.route.id == name
    if name == "hazard":
        return bool(run.fired)
    return not run.fired and run.route.class_ == name


@relaxed
@given(small_stories(max_assumptions=4, max_routes=4))
def test_influence_by_enumeration(story: Story) -> None:
    try:
        runs = condition(story, prior_runs(story), False)[0]
        graph, _ = graph_of(story)
    except (ImpossibleEvidence, InputError):
        assume(False)
        raise

    def chance(fate: str, within: Callable[[Run], bool]) -> float | None:
        whole = math.fsum(run.weight for run in runs if within(run))
        part = math.fsum(run.weight * run.fate(fate) for run in runs if within(run))
        return part / whole if whole > 1e-9 else None

    for node in graph.nodes:
        if node.stage not in ("assumption", "route", "kind"):
            continue
        name = node.id.partition(":")[2]

        def inside(run: Run, node=node, name=name) -> bool:
            return run.truth[name] if node.stage == "assumption" else is_at(node.id, run)

        for event in ("success", "catastrophe"):
            high, low = chance(event, inside), chance(event, lambda run: not inside(run))
            if high is None or low is None:
                continue
            found = node.influence[event]
            assert (found.low, found.high) == pytest.approx((low, high), rel=1e-6, abs=1e-9), node


@relaxed
@given(small_stories(max_assumptions=4, max_routes=4))
def test_what_a_route_needs_is_when_it_is_open(story: Story) -> None:
    try:
        graph, _ = graph_of(story)
    except (ImpossibleEvidence, InputError):
        assume(False)
        raise
    needs = {condition.target: condition.needs for condition in graph.conditions}
    for truth, _ in truths(story):
        terms = {Term(f"assumption:{name}", value) for name, value in truth.items()}
        chances = {route.id: p for route, p in route_chances(story, truth)}
        for route in story.routes:
            need = needs.get(f"route:{route.id}")
            assert (chances.get(route.id, 0.0) > 0) == (need is None or follows(need, terms))
        for name, spec in story.assumptions.items():
            if spec is not None and spec.holds_when is not None:
                assert truth[name] == follows(needs[f"assumption:{name}"], terms)


# --- against the estimate -------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_the_numbers_are_those_of_the_estimate(
    graphs: dict[str, tuple[GraphDocument, dict]], name: str
) -> None:
    graph, estimate = graphs[name]
    parts = {"assumption": "assumptions", "hazard": "hazards", "route": "routes", "ending": "fates"}
    compared = 0
    for node in graph.nodes:
        if node.stage in parts:
            entry = estimate[parts[node.stage]][node.id.partition(":")[2]]
            told = node.probability, node.low, node.high
            expected = entry["mean"], entry["q05"], entry["q95"]
            assert told == pytest.approx(expected, rel=1e-9, abs=1e-12)
            compared += 1
        moved = node.influence.get("catastrophe")
        if node.stage == "check" and moved is not None:
            added = estimate["checks"][node.label]["added"]["mean"]
            assert moved.high - moved.low == pytest.approx(added)
        owners = {number.name.partition(".")[0] for number in node.numbers}
        assert owners <= {node.id.partition(":")[2]}
    assert compared > 10


@pytest.mark.parametrize("name", NAMES)
def test_flows_join_nodes_and_lose_nothing(
    graphs: dict[str, tuple[GraphDocument, dict]], name: str
) -> None:
    graph, _ = graphs[name]
    chance = {node.id: node.probability for node in graph.nodes}
    for node in graph.nodes:
        leaving = [edge.probability for edge in graph.edges if edge.source == node.id]
        coming = [edge.probability for edge in graph.edges if edge.target == node.id]
        for side in filter(None, (leaving, coming)):
            assert math.fsum(side) == pytest.approx(chance[node.id], rel=1e-9)
    assert all(edge.source in chance and edge.target in chance for edge in graph.edges)
    terms = [term for each in graph.conditions for term in terms_of(each.needs)]
    assert {term.node for term in terms} <= set(chance)


@pytest.mark.parametrize("name", NAMES)
def test_groups_hold_every_route_once(
    graphs: dict[str, tuple[GraphDocument, dict]], name: str
) -> None:
    graph, _ = graphs[name]
    routes = {node.id: node for node in graph.nodes if node.stage == "route"}
    members = [member for group in graph.groups for member in group.members]
    assert sorted(members) == sorted(routes)
    for group in (*graph.groups, *graph.crowd):
        total = math.fsum(routes[member].probability for member in group.members)
        assert group.probability == pytest.approx(total, rel=1e-9)
        assert group.low <= group.probability <= group.high
        inside = [routes[member].influence["catastrophe"].high for member in group.members]
        assert min(inside) - 1e-12 <= group.influence["catastrophe"].high <= max(inside) + 1e-12
    for group in graph.groups:
        assert {routes[member].group for member in group.members} == {group.id}


def test_of_very_many_routes_the_likeliest_and_the_worst_stay_apart(
    graphs: dict[str, tuple[GraphDocument, dict]],
) -> None:
    graph, _ = graphs["many-routes"]
    routes = [node for node in graph.nodes if node.stage == "route"]
    assert len(routes) == 50
    crowd = {member for group in graph.crowd for member in group.members}
    apart = {node.id for node in routes} - crowd
    [worst] = (node.id for node in routes if node.worst)
    ranked = sorted(routes, key=lambda node: -node.probability)
    assert apart == {worst, *(node.id for node in ranked[:LIKELIEST])}
    assert worst not in {node.id for node in ranked[:LIKELIEST]}
    assert len(apart) + len(graph.crowd) <= MOST
    assert all(not graph.crowd for graph, _ in (graphs[name] for name in NAMES[:3]))


# --- the worst path -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_the_worst_path_is_whole(graphs: dict[str, tuple[GraphDocument, dict]], name: str) -> None:
    graph, estimate = graphs[name]
    marked = {node.id for node in graph.nodes if node.worst}
    assert {term.node for term in graph.worst.terms} <= marked
    assert graph.worst.probability == pytest.approx(estimate["paths"][0]["concern"]["mean"])
    for stage in ("route", "kind", "ending"):
        assert any(id.startswith(f"{stage}:") for id in marked)
    flowing = [edge for edge in graph.edges if edge.worst > 0]
    assert {id for edge in flowing for id in (edge.source, edge.target)} <= marked
    assert "ending:catastrophe" in marked


def test_a_composite_is_on_the_worst_path_where_it_leads_along_it(
    graphs: dict[str, tuple[GraphDocument, dict]],
) -> None:
    graph, _ = graphs["rlhf-assistant"]
    marked = {node.id for node in graph.nodes if node.worst}
    assert graph.worst.name == "nearest-goal-schemer"
    assert "assumption:scheming-pays" in marked and "assumption:order-protects" not in marked


def test_without_harm_the_likeliest_failure_is_marked_and_success_is_what_moves() -> None:
    harmless = Route(id="scheme", class_="deceptive", bits=0, harm=0)
    graph, _ = graph_of(tell({}, [harmless, OFF]))
    assert graph.event == "success" and not graph.worst.is_catastrophe
    assert graph.worst.probability == pytest.approx(0.5)


def test_a_simulated_story_has_a_graph_without_what_assumptions_move() -> None:
    story = tell({"a": believe({"beta": [2, 3]})}, [SCHEMER, OFF])
    assessment = assess(resolve(story), method="simulation", draws=256)
    graph = summarize_story_graph(assessment, summarize(assessment))
    by_stage = {node.stage: node for node in graph.nodes}
    assert by_stage["assumption"].influence == {} and by_stage["route"].influence


# --- as JSON --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_it_is_plain_data(graphs: dict[str, tuple[GraphDocument, dict]], name: str) -> None:
    graph, _ = graphs[name]
    text = json.dumps(asdict(graph), allow_nan=False)
    assert json.loads(text)["schema"] == "storyodds/story-graph/1"
    ids = [node.id for node in graph.nodes]
    assert len(ids) == len(set(ids))
