"""The sequences of event trees: one command for all of them, and a story of each."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.command_line import Run
from support.open_psa_events import collect, end, event_tree, factor, fork, starts
from support.open_psa_text import event, gate, model, named, number

from storyodds import import_sequence, load_story, sequences
from storyodds.models.assessment.assessment import assess_story

FLOOD = str(Path(__file__).parent / "data" / "open-psa" / "flood.xml")
DRAWS = ("--draws", "256")
# Of the fixture, at the mean of its one uncertain probability, cut off at 1.
SILENT = 0.0999153
STUCK, UNPLUGGED = 0.02, 0.25
WET = (1 - SILENT) * STUCK + SILENT * (STUCK + UNPLUGGED - STUCK * UNPLUGGED)
MEANS = {"Dry": 1 - WET, "Puddle": 0.7 * WET, "Knee-deep": 0.2 * WET, "Under-water": 0.1 * WET}


@pytest.fixture
def flood(run: Run) -> Any:
    ran = run("sequences", FLOOD, "--json", *DRAWS)
    assert ran.code == 0
    return ran.json


def test_as_json(flood: Any) -> None:
    assert flood["schema"] == "storyodds/sequences/1"
    assert (flood["title"], flood["draws"], flood["seed"]) == ("A flood in the cellar", 256, 1)
    (tree,) = flood["event_trees"]
    assert (tree["initiating_event"], tree["event_tree"]) == ("Rain", "Cellar")
    assert tree["label"] == "Heavy rain"
    assert tree["probability_in_all"] == pytest.approx(1.0, abs=1e-12)
    found = {each["name"]: each["probability"]["mean"] for each in tree["sequences"]}
    # The mean of the uncertain number is stated to six digits.
    assert found == pytest.approx(MEANS, rel=2e-6)
    assert {each["name"]: each["sequences"] for each in tree["consequences"]} == {
        "Books-spoiled": ["Knee-deep"],
        "All-spoiled": ["Under-water"],
        "Loss": ["Knee-deep", "Under-water"],
    }
    kinds = [each["kind"] for each in tree["consequences"]]
    assert kinds == ["consequence", "consequence", "consequence group"]


def test_ways(flood: Any) -> None:
    (tree,) = flood["event_trees"]
    dry = tree["sequences"][0]
    assert [[part["state"] for part in way] for way in dry["ways"]] == [
        ["rings", "runs"],
        ["is silent", "runs"],
    ]
    assert [part["functional_event"] for part in dry["ways"][0]] == ["Alarm", "Pump"]


def test_cut_sets_and_what_a_sequence_hangs_on(flood: Any) -> None:
    (tree,) = flood["event_trees"]
    puddle = tree["sequences"][1]
    sets = {tuple(each["literals"]): each["probability"] for each in puddle["cut_sets"]}
    # 0.7 is where neither of the rarer depths is.
    assert sets == {
        ("not depth-high", "not depth-middle", "stuck"): pytest.approx(0.7 * STUCK),
        (
            *("alarm-is-silent", "not depth-high", "not depth-middle"),
            "unplugged",
        ): pytest.approx(0.7 * SILENT * UNPLUGGED, rel=2e-6),
    }
    assert puddle["cut_sets_in_all"] == 2
    names = [each["literal"] for each in puddle["contributors"]]
    assert sorted(names[:3]) == ["alarm-is-silent", "stuck", "unplugged"]
    stuck = next(each for each in puddle["contributors"] if each["literal"] == "stuck")
    without = SILENT * UNPLUGGED / WET
    assert stuck["criticality"]["mean"] == pytest.approx(1 - without, rel=1e-5)


def test_frequencies(flood: Any) -> None:
    """Those of the file's lognormal: its mean, and points that its error factor tells."""
    (tree,) = flood["event_trees"]
    sigma = math.log(2) / 1.6448536269514722
    median = 2 * math.exp(-(sigma**2) / 2)
    expected = {"mean": 2.0, "median": median, "q05": median / 2, "q95": median * 2}
    assert tree["unit"] == "years-1"
    assert tree["frequency"] == pytest.approx(expected, rel=1e-9)
    for each in (*tree["sequences"], *tree["consequences"]):
        mean = 2.0 * each["probability"]["mean"]
        assert each["frequency"]["mean"] == pytest.approx(mean, rel=1e-9)
        assert each["frequency"]["q05"] < each["frequency"]["median"] < each["frequency"]["q95"]


def test_the_spread_of_a_product(tmp_path: Path) -> None:
    """A lognormal probability at a lognormal frequency: a lognormal again, to Monte Carlo error."""

    def lognormal(mean: float, factor: float) -> str:
        inside = "".join(map(number, (mean, factor, 0.95)))
        return f"<lognormal-deviate>{inside}</lognormal-deviate>"

    parameter = f"<define-parameter name='often'>{lognormal(5.0, 3.0)}</define-parameter>"
    text = model(
        starts("T", often="<parameter name='often'/>"),
        event_tree("T", "F", "S", collect(named("event", "A")) + end("S")),
        f"<model-data>{parameter}{event(lognormal(1e-4, 2.0))}</model-data>",
    )
    path, count = tmp_path / "product.xml", 16384
    path.write_text(text)
    (tree,) = sequences(path, draws=count)["event_trees"]
    z = 1.6448536269514722
    sigmas = [math.log(3.0) / z, math.log(2.0) / z]
    sigma = math.hypot(*sigmas)
    middle = math.log(5.0 * 1e-4) - sum(each**2 for each in sigmas) / 2
    frequency = tree["sequences"][0]["frequency"]
    assert tree["unit"] is None
    assert frequency["mean"] == pytest.approx(5e-4, rel=1e-6)
    # The standard error of a quantile of n draws is sqrt(q (1 - q) / n) over the density there.
    for point, place, chance in (("q05", -z, 0.05), ("median", 0.0, 0.5), ("q95", z, 0.95)):
        density = math.exp(-(place**2) / 2) / math.sqrt(2 * math.pi) / sigma
        error = math.sqrt(chance * (1 - chance) / count) / density
        assert abs(math.log(frequency[point]) - (middle + place * sigma)) < 5 * error


def test_the_same_seed_gives_the_same_document(run: Run) -> None:
    first, second = (run("sequences", FLOOD, "--json", *DRAWS, "--seed", "7") for _ in range(2))
    assert first.out == second.out
    other = run("sequences", FLOOD, "--json", *DRAWS, "--seed", "8")
    assert other.out.replace('"seed": 8', '"seed": 7') != first.out


def test_a_story_has_the_odds_of_the_table(flood: Any, run: Run, tmp_path: Path) -> None:
    """The same draws, so the same interval, whatever is asked of the story."""
    story = tmp_path / "puddle.yaml"
    assert run("import", FLOOD, "--sequence", "Puddle", "-o", str(story)).code == 0
    estimate = run("estimate", str(story), "--json", *DRAWS).json
    found = estimate["fates"]["catastrophe"]
    assert found == pytest.approx(flood["event_trees"][0]["sequences"][1]["probability"], rel=1e-11)
    assert load_story(story) == import_sequence(FLOOD, "Puddle")


def test_stories_in_a_folder(run: Run, tmp_path: Path) -> None:
    ran = run("sequences", FLOOD, "-o", str(tmp_path), *DRAWS)
    assert ran.code == 0
    assert f"saved 7 stories in {tmp_path}" in ran.err
    names = sorted(path.name for path in tmp_path.iterdir())
    endings = ("all-spoiled", "books-spoiled", "dry", "knee-deep", "loss", "puddle", "under-water")
    assert names == [f"rain-{ending}.yaml" for ending in endings]
    assert run("check", "--strict", *(str(path) for path in tmp_path.iterdir())).code == 0
    paths = [str(tmp_path / f"rain-{name}.yaml") for name in ("knee-deep", "under-water")]
    assert run("compare", *paths, *DRAWS).code == 0


def test_stories_are_paired_by_what_they_share() -> None:
    """Two sequences at the same draws: three states of one fork keep their proportion."""
    chances = []
    for name in ("Knee-deep", "Under-water"):
        exact = assess_story(import_sequence(FLOOD, name), draws=256).exact
        chances.append(exact.event("catastrophe"))
    assert chances[0] == pytest.approx(2 * np.asarray(chances[1]), rel=1e-12)


def test_on_a_terminal(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    ran = run("sequences", FLOOD, *DRAWS)
    assert ran.code == 0
    assert "A flood in the cellar" in ran.out
    assert "frequency of 2 a year (0.92–3.7)." in ran.out
    assert "They add up to 1." in ran.out
    assert "note: functional event Alarm in state is silent (line 47): Cut off at 1" in ran.err


@pytest.mark.parametrize(
    ("chances", "words"),
    [
        ((0.5, 0.5), "They add up to 1."),
        ((0.5, 0.25), "They add up to 0.7500: what else may happen is in none of them."),
    ],
)
def test_what_is_in_no_sequence(
    run: Run, tmp_path: Path, chances: tuple[float, float], words: str
) -> None:
    paths = {state: factor(p) + end(state) for state, p in zip("ab", chances, strict=True)}
    file = tmp_path / "tree.xml"
    file.write_text(model(event_tree("T", "F", "a b", fork("F", **paths))))
    ran = run("sequences", str(file), *DRAWS)
    assert words in " ".join(ran.out.split())
    assert "given that the event tree T begins" in ran.out


def test_sequences_that_come_about_together(run: Run, tmp_path: Path) -> None:
    paths = {state: collect("g") + end(state) for state in "ab"}
    gates = gate(f"<or>{named('event', 'A')}</or>", "g") + event(number(0.75))
    fault_tree = f"<define-fault-tree name='f'>{gates}</define-fault-tree>"
    file = tmp_path / "tree.xml"
    file.write_text(model(event_tree("T", "F", "a b", fork("F", **paths)), fault_tree))
    ran = run("sequences", str(file), *DRAWS)
    assert "They add up to 1.500: some of them come about together." in ran.out


def test_an_initiating_event_that_is_a_basic_event(run: Run, tmp_path: Path) -> None:
    """Given it, it has happened; its probability is how often."""
    ends = {"yes": end("S"), "no": end("N")}
    paths = {"yes": collect("g") + ends["yes"], "no": collect("not g") + ends["no"]}
    gates = gate(f"<and>{named('event', 'A', 'B')}</and>", "g")
    gates += event(number(0.25)) + event(number(0.5), "B")
    file = tmp_path / "tree.xml"
    file.write_text(
        model(
            starts("T", often="<basic-event name='A'/>"),
            event_tree("T", "F", "S N", fork("F", **paths)),
            f"<define-fault-tree name='f'>{gates}</define-fault-tree>",
        )
    )
    (tree,) = run("sequences", str(file), "--json", *DRAWS).json["event_trees"]
    assert tree["frequency"]["mean"] == 0.25
    first = tree["sequences"][0]
    assert first["probability"]["mean"] == pytest.approx(0.5, rel=1e-12)
    assert first["frequency"]["mean"] == pytest.approx(0.125, rel=1e-12)


def test_what_constants_decide_has_no_story(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "tree.xml"
    file.write_text(model(event_tree("T", "F", "S", end("S"))))
    ran = run("sequences", str(file), "--json", "-o", str(tmp_path))
    (tree,) = ran.json["event_trees"]
    (only,) = tree["sequences"]
    assert only["story"] is None
    assert only["probability"] == {"mean": 1.0, "median": 1.0, "q05": 1.0, "q95": 1.0}
    assert "saved 0 stories" in ran.err
    refused = run("import", str(file), "--sequence", "S")
    assert refused.code == 2
    assert "found a sequence that is always true once its constants are put in" in refused.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["import", FLOOD], "found an event tree, expected --sequence with the name of a sequence"),
        (["import", FLOOD, "--sequence", "Pudle"], "did you mean 'Puddle'?"),
        (["import", FLOOD, "--consequence", "Puddle"], "expected the name of a consequence, or"),
        (
            ["import", FLOOD, "--sequence", "Dry", "--top", "PumpFails"],
            "--sequence: found it beside --top, expected one of them",
        ),
        (
            ["import", FLOOD, "--initiating-event", "Rain"],
            "--initiating-event: found it alone, expected --sequence or --consequence too",
        ),
        (
            ["import", FLOOD, "--sequence", "Dry", "--initiating-event", "Snow"],
            "--initiating-event: found 'Snow', expected the name of an initiating event",
        ),
        (["sequences", FLOOD, "--initiating-event", "Snow"], "--initiating-event: found 'Snow'"),
        (["sequences", FLOOD, "-o", "nowhere"], "--output: found 'nowhere', expected a folder"),
        (["sequences", "nowhere.xml"], "cannot read this file"),
    ],
)
def test_wrong_input(run: Run, arguments: list[str], sentence: str) -> None:
    ran = run(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert sentence in " ".join(ran.err.split())


def test_a_gate_may_be_imported_from_beside_event_trees(run: Run) -> None:
    ran = run("import", FLOOD, "--top", "PumpFails", "--json")
    assert ran.code == 0
    assert ran.json["route"] == "pump-fails"
