"""`storyodds value` as a stranger meets it."""

from pathlib import Path

import pytest
from support.command_line import Run, document

from storyodds.scenarios.loader import bundled_stories

DONE, WRONG_INPUT, NOT_RELIABLE = 0, 2, 3
EXACT = "carlsmith-six-premises"
UNCERTAIN = ("rlhf-assistant", "--draws", "256")
STAKES = ("--worth", "success=1", "--worth", "catastrophe=-9")
GAIN = {"value", "error"}
PROPOSAL = {
    *("id", "claim", "origin", "replicates", "about", "after", "trials", "cost", "bits"),
    *("worth", "net", "ceiling", "behind", "then", "results"),
}

COMMAND = "value"


def words(text: str) -> str:
    return " ".join(text.split())


def test_the_answer_comes_first(run: Run) -> None:
    code, out, err = run(*UNCERTAIN)
    assert (code, err) == (DONE, "")
    assert "The most telling thing to find out next is audit: on average 0.016 bits" in words(out)
    assert "The chance of success would then be 5.4% if it is seen (chance 14%)" in words(out)
    assert "planning-inside" in out and "next to nothing would come of" in out
    assert "the gain is too little to tell from 0" in words(out)


@pytest.mark.parametrize("more", [(), STAKES], ids=["bits", "worth"])
def test_json_keeps_the_contract(run: Run, more: tuple[str, ...]) -> None:
    code, out, err = run(*UNCERTAIN, *more, "--json")
    assert (code, err) == (DONE, "")
    found = document(out)
    assert found["schema"] == "storyodds/value/1"
    unit = "worth" if more else "bits"
    assert found["unit"] == unit
    if more:
        assert found["decision"]["worth"] == {"success": 1.0, "catastrophe": -9.0}
        better = max(found["decision"][name] for name in ("deploy", "withhold"))
        assert found["decision"][found["decision"]["choice"]] == better
    else:
        assert found["decision"] is None
    assert len(found["proposals"]) == 13
    perfect = found["perfect"][unit]["value"]
    for entry in found["proposals"]:
        assert set(entry) == PROPOSAL
        assert set(entry["bits"]) == GAIN
        assert (entry["worth"] is None) == (not more)
        assert sum(r["probability"] for r in entry["results"]) == pytest.approx(1)
        mean = sum(r["probability"] * r["success"] for r in entry["results"])
        assert mean == pytest.approx(found["success"])
        assert 0 <= entry[unit]["value"] <= entry["ceiling"][unit]["value"] + 1e-9 <= perfect + 1e-6
        assert {r["choice"] for r in entry["results"]} <= (
            {"deploy", "withhold"} if more else {None}
        )
        if entry["worth"] is not None and entry["worth"]["value"] > 0:
            assert {r["choice"] for r in entry["results"]} == {"deploy", "withhold"}
    ranked = [entry["net"] if more else entry["bits"]["value"] for entry in found["proposals"]]
    assert ranked == pytest.approx(sorted(ranked, reverse=True), abs=1e-9)
    assert found["proposals"][0]["behind"] == {"value": 0.0, "error": 0.0}
    assert any(entry["distinguishable"] for entry in found["numbers"])
    assert not all(entry["distinguishable"] for entry in found["numbers"])
    assert found["proposal_provenance"][0]["origin"] == "story"
    assert all(entry["source"] for entry in found["proposal_provenance"])
    assert found["diagnostics"]["ok"] is True


def test_bits_about_other_odds(run: Run) -> None:
    _, out, _ = run(*UNCERTAIN, "--of", "catastrophe-given-deployed", "--json")
    found = document(out)
    assert found["of"] == "catastrophe-given-deployed"
    for entry in found["proposals"]:
        assert 0 <= entry["then"]["q05"] <= entry["then"]["q95"] <= 1
    _, out, _ = run(*UNCERTAIN, "--of", "catastrophe-given-deployed")
    assert "bits about catastrophe once deployed" in words(out)
    assert "The chance of catastrophe once deployed would then be" in words(out)


def test_an_exact_story_has_no_errors(run: Run) -> None:
    _, out, _ = run(EXACT, "--json")
    found = document(out)
    assert found["method"] == "exact" and found["numbers"] == []
    assert all(entry["bits"]["error"] == 0 for entry in found["proposals"])
    assert [entry["id"] for entry in found["proposals"]] == ["audit", "honeypot-run", "probe"]
    _, out, _ = run(EXACT)
    assert "±" not in out
    assert "None of the proposed observations would tell anything to speak of" in words(out)


def test_a_choice_that_nothing_changes(run: Run) -> None:
    code, out, _ = run(EXACT, "--worth", "success=1", "--worth", "withheld=-1")
    assert code == DONE
    assert "the better choice is to deploy" in words(out)
    assert "none of them is worth anything to speak of" in words(out)


def test_a_cost_that_is_too_high(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "dear.yaml"
    text = Path(bundled_stories()[EXACT]).read_text(encoding="utf-8")
    file.write_text(
        text + "\nproposals:\n  - {id: look, about: {assumption: aps-feasible}, "
        "trials: 9, rates: {true: 0.9, false: 0.2}, cost: 3}\n",
        encoding="utf-8",
    )
    stakes = ("--worth", "success=1", "--worth", "catastrophe=-16", "--no-standard")
    code, out, _ = run(str(file), *stakes)
    assert code == DONE
    assert "No proposed observation is worth its cost; the least bad is look" in words(out)
    _, out, _ = run(str(file), *stakes, "--json")
    (entry,) = document(out)["proposals"]
    assert entry["origin"] == "story" and entry["worth"]["value"] > 0.05
    assert entry["net"] == pytest.approx(entry["worth"]["value"] - 3)


def test_what_is_weighed_can_be_changed(run: Run) -> None:
    _, out, _ = run(EXACT, "--no-standard")
    assert "Nothing is proposed" in out
    _, out, _ = run(*UNCERTAIN, "--no-standard", "--top", "2", "--json")
    found = document(out)
    assert [entry["origin"] for entry in found["proposals"]] == ["story", "story"]
    assert len(found["numbers"]) == len(found["assumptions"]) == 2
    _, out, _ = run(*UNCERTAIN, "--set", "probe.rates.deceptive=0.99", "--json")
    found = document(out)
    assert found["proposals"][0]["id"] == "probe"
    assert found["settings"] == {"probe.rates.deceptive": "0.99"}


def test_top_says_how_many_are_left(run: Run) -> None:
    _, out, _ = run(*UNCERTAIN, "--top", "2")
    assert "and 4 more (--top 6 shows all)" in out


@pytest.mark.parametrize(
    ("stakes", "sentence"),
    [
        (("succes=1",), "found 'succes', expected an ending; did you mean 'success'?"),
        (("halted=1",), "being halted is being withheld"),
        (("success=much",), "--worth success: found 'much', expected a number"),
        (("success=nan",), "expected a number"),
        (("success=1", "success=2"), "--worth success: found twice"),
    ],
)
def test_wrong_stakes(run: Run, stakes: tuple[str, ...], sentence: str) -> None:
    code, out, err = run(EXACT, *(part for stake in stakes for part in ("--worth", stake)))
    assert (code, out) == (WRONG_INPUT, "")
    assert sentence in err


def test_mistakes_are_told_together(run: Run) -> None:
    code, _, err = run("no-such-story", "--worth", "fun=1", "--set", "x", "--view", "nobody")
    assert code == WRONG_INPUT
    for found in ("no-such-story", "fun", "expected ID=PRIOR", "nobody"):
        assert found in err


def test_draws_that_cannot_be_relied_on_say_so(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "hard.yaml"
    file.write_text(
        "story: hard\ntitle: Hard\ngoal: {specification: x, desirability: y}\n"
        "assumptions: {a: {probability: {beta: [1, 1]}}}\n"
        "routes:\n  - {id: bad, class: deceptive, requires: a, bits: {normal: [0, 9]}, harm: 0.5}\n"
        "  - {id: something-else, class: other, bits: 0, harm: 0.1}\n"
        "evidence:\n  - {id: e, about: {class: deceptive}, forecast: 0.999, sd_bits: 0.01}\n",
        encoding="utf-8",
    )
    code, out, err = run(str(file), "--method", "weighting", "--draws", "64")
    assert code == NOT_RELIABLE
    assert "NOT RELIABLE" in out and "NOT RELIABLE" in err


@pytest.mark.parametrize("width", [20, 40, 80, 120])
def test_no_line_is_too_long(run: Run, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    _, out, _ = run(*UNCERTAIN, *STAKES)
    # A name that is longer than a narrow terminal is not broken.
    assert max(map(len, out.splitlines())) <= max(width, 60)
