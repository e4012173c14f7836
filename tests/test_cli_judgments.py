"""`storyodds judgments` as a stranger meets it."""

from pathlib import Path

import pytest
from support.command_line import Run, document

COMMAND = "judgments"

DONE, WRONG_INPUT = 0, 2


def test_the_example(run: Run) -> None:
    code, out, err = run("example-panel")
    assert (code, err) == (DONE, "")
    for said in ("Weights", "Pooled", "linear pool", "cannot all be true", "For a story"):
        assert said in out
    assert "The least change" not in out
    assert "method:" not in out


def test_repair_and_method(run: Run) -> None:
    code, out, _ = run("example-panel", "--repair", "--method", "logarithmic")
    assert code == DONE
    assert "The least change" in out
    assert "method: logarithmic" in out


def test_json_keeps_the_contract(run: Run) -> None:
    code, out, err = run("example-panel", "--repair", "--json")
    assert (code, err) == (DONE, "")
    found = document(out)
    assert found["schema"] == "storyodds/judgments/1"
    assert set(found) == {
        *("schema", "judgments", "title", "experts", "weights", "performance", "quantities"),
        *("tolerance", "beliefs"),
    }
    assert set(found["performance"]) == {
        *("questions", "weak", "enough", "cutoff", "experts", "decision_makers"),
    }
    for quantity in found["quantities"]:
        assert set(quantity["pools"]) == {"linear", "logarithmic"}
        for pool in quantity["pools"].values():
            assert {"form", "reason", "mean", "median", "q05", "q95"} == set(pool)
    for entry in found["beliefs"]:
        assert set(entry) == {"expert", "coherent", "statements", "conflicts", "repair"}


def test_a_wide_tolerance_finds_nothing(run: Run) -> None:
    code, out, _ = run("example-panel", "--tolerance", "1")
    assert code == DONE
    assert "✓ All 5 can be true together." in out


def test_equal_weights(run: Run) -> None:
    code, out, _ = run("example-panel", "--weights", "equal", "--json")
    assert code == DONE
    found = document(out)
    assert found["weights"] == "equal"
    assert {j["weight"] for q in found["quantities"] for j in q["judgments"]} == {0.333333333333}


def test_mistakes_have_their_place(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "panel.yaml"
    path.write_text("judgments: p\ntitle: P\nexperts: {a: {name: A}}\nbelief: []\n")
    code, out, err = run(str(path))
    assert (code, out) == (WRONG_INPUT, "")
    assert err.startswith(f"{path}:4:1: belief: found the unknown key 'belief'; did you mean")


@pytest.mark.parametrize("name", ["no-such-panel", "no/such/panel.yaml"])
def test_no_such_file(run: Run, name: str) -> None:
    code, _, err = run(name)
    assert code == WRONG_INPUT
    assert name in err and "cannot read this file" in err
    assert "Traceback" not in err


def test_performance_without_questions(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "panel.yaml"
    path.write_text("judgments: p\ntitle: P\nexperts: {a: {name: A}}\n")
    code, _, err = run(str(path), "--weights", "performance")
    assert code == WRONG_INPUT
    assert "no calibration questions" in err


def test_what_cannot_be_repaired(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "panel.yaml"
    path.write_text(
        "judgments: p\ntitle: P\nexperts: {a: {name: A}}\nbeliefs:\n"
        "- {by: a, event: x, probability: 0}\n- {by: a, event: y, given: x, probability: 0.5}\n"
    )
    assert run(str(path))[0] == DONE
    code, _, err = run(str(path), "--repair")
    assert code == WRONG_INPUT
    assert "P(y | x) = 0.5" in err
