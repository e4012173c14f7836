"""The benchmarks ask what they say they ask, and notice an answer that differs.

Nothing here is timed.
"""

import importlib
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from storyodds.scenarios.loader import load_text
from storyodds.scenarios.resolve import resolve

FOLDER = Path(__file__).parents[2] / "benchmarks"
MODULES = (
    "asked contest ours reference run problems.fault_trees problems.networks problems.races "
    "problems.stories peers.dd suites.large_trees"
).split()


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The benchmarks' own modules, found as `python benchmarks/run.py` finds them."""
    monkeypatch.syspath_prepend(str(FOLDER))
    modules = {name: importlib.import_module(name) for name in MODULES}
    return SimpleNamespace(**{name.rpartition(".")[2]: module for name, module in modules.items()})


def differences(found: dict[str, Any], expected: dict[str, Any]) -> list[float]:
    assert found.keys() == expected.keys()
    return [float(np.abs(found[name] - expected[name]).max()) for name in expected]


def as_drawn(network: Any, draws: Any) -> dict[str, Any]:
    return dict(zip(network.names, draws.rows, strict=True))


def test_shared_problem_is_the_known_one(bench: Any) -> None:
    network = bench.networks.shared_network()
    assert (len(network.betas), sum(map(len, network.parents))) == (119, 49)
    draws = bench.networks.draw(network, 4000, 7)
    known = bench.reference.network_answers(network, draws)
    weights = np.exp(known["log P(E)"])
    posterior = (weights @ known["posterior"]) / weights.sum()
    assert known["prior"].mean() == pytest.approx(0.2768, abs=5e-5)
    assert posterior == pytest.approx(0.3127, abs=5e-5)
    assert known["posterior"].mean() == pytest.approx(0.3142, abs=5e-5)
    assert weights.mean() == pytest.approx(2.26e-4, abs=5e-7)
    assert weights.sum() ** 2 / (weights @ weights) == pytest.approx(2903, abs=1)


def test_every_story_builds(bench: Any) -> None:
    network = bench.networks.shared_network()
    ladder = bench.networks.ladder_network(100)
    for problem in (network, ladder):
        story = resolve(load_text(bench.stories.network_story(problem)))
        assert set(problem.names) <= set(story.number_index)
    for size in (4, 16, 200):
        race = bench.races.build_race(size)
        story = resolve(load_text(bench.stories.race_story(race)))
        assert set(race.priors) <= set(story.number_index)
        assert [route.id for route in story.routes] == race.runners
    tree = bench.fault_trees.build_tree()
    story = resolve(load_text(bench.stories.tree_story(tree)))
    assert len(story.assumptions) == len(tree.events) + len(tree.gates)


def test_networks_agree(bench: Any) -> None:
    for network in (bench.networks.shared_network(8, 3), bench.networks.ladder_network(8)):
        draws = bench.networks.draw(network, 20, 1)
        text = bench.stories.network_story(network)
        asked = bench.asked.ask(text, as_drawn(network, draws), network.target, network.names)
        known = bench.reference.network_answers(network, draws)
        assert max(differences(asked.answer(), known)) < 1e-12
        slopes = bench.reference.network_derivatives(network, draws)
        assert max(differences(asked.differentiate(), slopes)) < 1e-12


def test_complex_steps_are_derivatives(bench: Any) -> None:
    rows = np.array([[0.3, 0.6], [0.5, 0.1]])
    found = bench.reference.derivatives(lambda x: x[0] ** 2 / (x[0] + x[1]), rows)
    a, b = rows
    expected = np.stack([(a**2 + 2 * a * b) / (a + b) ** 2, -(a**2) / (a + b) ** 2], axis=1)
    assert np.abs(found - expected).max() < 1e-15


@pytest.mark.parametrize("routes", [4, 6])
def test_races_agree_three_ways(bench: Any, routes: int) -> None:
    race = bench.races.build_race(routes)
    drawn = bench.races.draw_race(race, 5, 1)
    known = bench.races.by_enumeration(race, drawn, 5)
    assert max(differences(bench.races.by_quadrature(race, drawn, 5), known)) < 1e-12
    asked = bench.asked.ask(bench.stories.race_story(race), drawn, race.runners)
    assert max(differences(asked.answer(), known)) < 1e-11


def tree_by_enumeration(tree: Any, probabilities: Any) -> Any:
    total = np.zeros(probabilities.shape[1])
    for state in itertools.product((False, True), repeat=len(tree.events)):
        happens = dict(zip(tree.events, state, strict=True))
        for gate in tree.gates:
            happens[gate.id] = sum(happens[name] for name in gate.inputs) >= gate.at_least
        if happens[tree.top]:
            total += np.where(np.array(state)[:, None], probabilities, 1 - probabilities).prod(
                axis=0
            )
    return total


def test_fault_trees_agree(bench: Any) -> None:
    tree = bench.fault_trees.build_tree(9)
    assert tree.shared > 0
    drawn = bench.fault_trees.draw_tree(tree, 5, 1)
    order = bench.reference.tree_order(tree)
    top = bench.reference.tree_top(tree, order, drawn)
    assert np.abs(top - tree_by_enumeration(tree, drawn)).max() < 1e-14
    names = [f"{event}.probability" for event in tree.events]
    by_name = dict(zip(names, drawn, strict=True))
    asked = bench.asked.ask(bench.stories.tree_story(tree), by_name, tree.top, names)
    assert np.abs(asked.answer()["prior"] - top).max() < 1e-12
    slopes = bench.reference.derivatives(lambda p: bench.reference.tree_top(tree, order, p), drawn)
    assert np.abs(asked.differentiate()["derivative"] - slopes).max() < 1e-12


def test_grids_agree(bench: Any, tmp_path: Path) -> None:
    """Two by two: two ways of two edges each; a plain diagram, where it is installed, as well."""
    path = tmp_path / "grid.xml"
    path.write_text(bench.large_trees.grid(2), encoding="utf-8")
    expected = 1 - (1 - 0.3**2) ** 2
    assert bench.ours.tree_top(path)["P(top)"][0] == pytest.approx(expected, rel=1e-12)
    try:
        plain = bench.dd.tree_top(path)
    except bench.contest.MissingError:
        return
    assert plain["P(top)"][0] == pytest.approx(expected, rel=1e-12)


def section(bench: Any, answer: Any) -> Any:
    contest = bench.contest
    check = contest.exactly({"prior": np.array([0.25, 0.5])}, 1e-12)
    results = contest.compete([contest.Contestant("somebody", answer, 2, check)], 1)
    return contest.Section("made-up", "a question", 1, 2, results)


@pytest.mark.parametrize(
    ("second", "agrees"), [(0.5, True), (0.5 + 1e-14, True), (0.51, False), (np.nan, False)]
)
def test_a_difference_fails_the_run(
    bench: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    second: float,
    agrees: bool,
) -> None:
    def suite(settings: Any) -> Iterator[Any]:
        yield section(bench, lambda: {"prior": np.array([0.25, second])})

    monkeypatch.setattr(bench.run, "_suite", lambda name: suite)
    monkeypatch.setattr(bench.run, "_take_one_core", lambda: None)
    target = tmp_path / "all.json"
    arguments = ["--only", "thirty", "--out", str(tmp_path), "--json", str(target)]
    assert bench.run.main(arguments) == (0 if agrees else 1)
    printed = capsys.readouterr()
    assert ("agrees: prior" in printed.out) == agrees
    assert ("answers differ: a question" in printed.err) == (not agrees)
    assert json.loads(target.read_text("utf-8"))["sections"][0]["agrees"] == agrees


def test_who_is_missing_or_refuses_is_told(bench: Any) -> None:
    def missing() -> Any:
        return bench.contest.need("no_such_tool_anywhere")

    def refuses() -> Any:
        raise bench.contest.UnableError("refused: too large")

    for answer, sentence in ((missing, "not installed"), (refuses, "refused: too large")):
        asked = section(bench, answer)
        assert asked.agrees and not asked.results[0].seconds
        assert any(sentence in line for line in bench.contest.lines(asked))
