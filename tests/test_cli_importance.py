"""`storyodds importance` as a stranger meets it."""

from pathlib import Path

import pytest
from support.command_line import Run, document

from storyodds import importance, load_story
from storyodds.commands import options as command
from storyodds.models.story.events import ODDS

COMMAND = "importance"

DONE, WRONG_INPUT, NOT_RELIABLE = 0, 2, 3
EXACT = "carlsmith-six-premises"
UNCERTAIN = ("rlhf-assistant", "--draws", "128")
SUMMARY = {"mean", "median", "q05", "q95"}
MEASURES = {
    *("if_true", "if_false", "birnbaum", "criticality", "diagnosis", "fussell_vesely"),
    *("risk_achievement_worth", "risk_reduction_worth"),
}

KEYS = {"literal", "assumption", "truth", "composite", "probability", "undefined"}


def test_the_answer_comes_first(run: Run) -> None:
    code, out, err = run(EXACT)
    assert (code, err) == (DONE, "")
    assert "If aps-feasible turned out to be false, P(catastrophe) would fall from 5.1%" in out


@pytest.mark.parametrize("arguments", [(EXACT,), UNCERTAIN], ids=lambda a: a[0])
def test_json_keeps_the_contract(run: Run, arguments: tuple[str, ...]) -> None:
    code, out, err = run(*arguments, "--of", "deceptive", "--json")
    assert (code, err) == (DONE, "")
    found = document(out)
    assert found["schema"] == "storyodds/importance/1"
    assert (found["story"], found["of"]) == (arguments[0], "deceptive")
    assert set(found["probability"]) == SUMMARY
    story = load_story(arguments[0])
    assert found["literals_in_all"] == len(found["literals"]) == 2 * len(story.assumptions)
    for entry in found["literals"]:
        assert set(entry) == MEASURES | KEYS
        assert entry["literal"] == ("" if entry["truth"] else "not ") + entry["assumption"]
        assert all(entry[name] is None or set(entry[name]) == SUMMARY for name in MEASURES)
    shares = [entry["criticality"]["mean"] for entry in found["literals"] if entry["criticality"]]
    assert shares == pytest.approx(sorted(shares, reverse=True), abs=1e-8)
    undefined = [entry["undefined"] for entry in found["literals"] if entry["undefined"]]
    assert sum(reason["count"] for reason in found["undefined"]) == len(undefined)
    assert found["diagnostics"]["ok"] is True


def test_top_cuts_the_list(run: Run) -> None:
    _, out, _ = run(*UNCERTAIN, "--top", "3", "--json")
    found = document(out)
    assert len(found["literals"]) == 3 < found["literals_in_all"]
    _, out, _ = run(*UNCERTAIN, "--top", "3")
    assert "and 10 more on which less hangs (--top 13 shows all)" in out


def test_numbers_can_be_changed(run: Run) -> None:
    # Weighting alone: `auto` would go on to NUTS, which is not what is looked at here.
    changed = (*UNCERTAIN, "--view", "sceptic", "--set", "goal-guarding=0", "--method", "weighting")
    _, out, _ = run(*changed, "--json")
    found = document(out)
    assert (found["view"], found["settings"]) == ("sceptic", {"goal-guarding": "0"})
    (entry,) = (e for e in found["literals"] if e["literal"] == "goal-guarding")
    assert entry["if_true"] is entry["criticality"] is entry["risk_achievement_worth"] is None
    assert entry["risk_reduction_worth"]["mean"] == pytest.approx(1)
    _, out, _ = run(*changed)
    assert "certain, one way or the other: goal-guarding" in out


def test_seed_and_method_are_taken(run: Run) -> None:
    texts = [run(*UNCERTAIN, "--seed", seed, "--json")[1] for seed in ("1", "1", "2")]
    assert texts[0] == texts[1] != texts[2]
    _, out, _ = run("coinrun-agent", "--method", "weighting", "--draws", "64", "--json")
    assert document(out)["method"] == "weighting"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("coinrun-agnet",), "did you mean 'coinrun-agent'?"),
        ((EXACT, "--of", "disaster"), "'disaster' is not one of"),
        ((EXACT, "--method", "simulation"), "'simulation' is not one of"),
        ((EXACT, "--top", "0"), "0 is not in the range"),
        ((EXACT, "--view", "optimist"), "optimist"),
        ((EXACT, "--set", "nothing"), "expected ID=PRIOR"),
        ((), "Missing argument 'STORY'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_mistakes_are_told(run: Run, arguments: tuple[str, ...], sentence: str) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (WRONG_INPUT, "")
    assert sentence in err


HARD = """\
story: small
title: A small story
goal: {specification: It does the task., desirability: The task is good.}
assumptions:
  aware: {claim: It knows., probability: 0.3}
routes:
  - {id: schemer, class: deceptive, claim: It hides., requires: aware, bits: [-8, 8], harm: 0.1}
  - {id: something-else, class: other, claim: The residual., bits: 0, harm: 0.05}
evidence:
  - {id: verdict, claim: A judge is sure., about: {class: deceptive}, forecast: 0.000001,
     sd_bits: 0.05}
"""


def test_what_is_not_reliable_says_so(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "hard.yaml"
    path.write_text(HARD, "utf-8")
    code, out, err = run(str(path), "--method", "weighting", "--draws", "64")
    assert code == NOT_RELIABLE
    assert "NOT RELIABLE: the computation failed its own checks" in out
    assert "small: NOT RELIABLE: " in err
    code, out, _ = run(str(path), "--method", "weighting", "--draws", "64", "--json")
    assert code == NOT_RELIABLE
    assert document(out)["diagnostics"]["ok"] is False


def test_the_function_says_the_same(run: Run) -> None:
    _, out, _ = run(*UNCERTAIN, "--json")
    measures = importance(load_story(UNCERTAIN[0]), of=["catastrophe"], draws=128)
    assert measures.attrs == {"story": UNCERTAIN[0], "ok": True}
    for entry in document(out)["literals"]:
        column = measures.sel(event="catastrophe", literal=entry["literal"])
        for name in MEASURES:
            for point in SUMMARY:
                theirs = float(column[name].sel(summary=point))
                ours = entry[name] and entry[name][point]
                assert ours is None or ours == pytest.approx(theirs, rel=1e-11)


def test_the_function_takes_views_and_settings() -> None:
    measures = importance(
        load_story("rlhf-assistant"),
        of=["deceptive"],
        view="sceptic",
        settings={"goal-guarding": 0},
        draws=64,
    )
    chance = measures["probability"].sel(event="deceptive", literal="goal-guarding", summary="mean")
    assert float(chance) == 0


def test_what_can_be_asked_about_is_said_twice_alike() -> None:
    assert command.ODDS == ODDS


@pytest.mark.parametrize("of", ["success", "halted", "deployed", "deceptive-given-deployed"])
def test_every_odds_can_be_asked_about(run: Run, of: str) -> None:
    code, out, _ = run(*UNCERTAIN, "--of", of, "--json")
    assert code == DONE
    found = document(out)
    assert found["of"] == of
    assert 0 < found["probability"]["mean"] < 1
    assert run(*UNCERTAIN, "--of", of)[0] == DONE
