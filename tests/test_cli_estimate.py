"""`storyodds estimate` as a stranger meets it: what it reports, and as JSON."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.command_line import SMALL, Run

DONE, NOT_RELIABLE = 0, 3
EXACT = "carlsmith-six-premises"
UNCERTAIN = ("coinrun-agent", "--draws", "256")


# Weighting cannot cope: the evidence is far out in the tail of the rate's prior.
HARD = (
    SMALL.replace("requires: aware, bits: [-2, 2]", "requires: aware, bits: [-8, 8]")
    + """\
evidence:
  - {id: verdict, claim: A judge is sure., about: {class: deceptive}, forecast: 0.000001,
     sd_bits: 0.05}
"""
)


def test_estimate_prints_a_report_and_nothing_else(run: Run) -> None:
    ran = run("estimate", EXACT)
    assert (ran.code, ran.err) == (DONE, "")
    assert "The argument puts the chance of catastrophe at 5.1%" in ran.out


def test_several_stories_are_reported_in_order(run: Run, small: Path) -> None:
    ran = run("estimate", EXACT, str(small), "--draws", "64")
    assert ran.code == DONE
    assert ran.out.index(EXACT) < ran.out.index("A small story")


SUMMARY = {"mean", "median", "q05", "q95"}


@pytest.mark.parametrize(
    "arguments", [(EXACT,), UNCERTAIN, ("rlhf-assistant", "--draws", "128")], ids=lambda a: a[0]
)
def test_json_keeps_the_contract(run: Run, arguments: tuple[str, ...]) -> None:
    ran = run("estimate", *arguments, "--json")
    assert (ran.code, ran.err) == (DONE, "")
    found = ran.json
    assert found["schema"] == "storyodds/estimate/1"
    assert found["story"] == arguments[0]
    assert found["method"] in ("exact", "weighting")
    assert set(found["classes"]) == {"intended", "mesa-optimizer", "deceptive", "other"}
    assert set(found["prior_classes"]) == set(found["classes"])
    fates = {"success", "uncompetitive", "halted", "benign-failure", "catastrophe"}
    assert set(found["fates"]) == fates
    for part in ("classes", "prior_classes", "fates"):
        assert all(set(entry) == SUMMARY for entry in found[part].values())
        assert sum(entry["mean"] for entry in found[part].values()) == pytest.approx(1)
    assert sum(entry["mean"] for entry in found["routes"].values()) == pytest.approx(1)
    assert all(
        set(entry) == SUMMARY | {"class", "kind", "mechanism"} for entry in found["routes"].values()
    )
    assert set(found["false_alarm"]) == SUMMARY
    _has_the_decision_day(found)
    assert set(found["criteria"]) == {
        "goal_alignment",
        "goal_competitiveness",
        "rationale_alignment",
        "rationale_competitiveness",
    }
    assert {"applies", "reason", "outer_alignment", "inner_alignment", "kinds"} <= set(
        found["lens"]
    )
    assert all(set(entry) == SUMMARY | {"prior"} for entry in found["assumptions"].values())
    assert [path["rank"] for path in found["paths"]] == list(range(1, len(found["paths"]) + 1))
    concerns = [path["concern"]["mean"] for path in found["paths"]]
    assert concerns == sorted(concerns, reverse=True)
    path_keys = {"route", "hazard", "kind", "literals", "probability", "undetected", "concern"}
    path_keys |= {"weakest_link", "claim", "share_top"}
    assert all(path_keys <= set(path) for path in found["paths"])
    assert all(
        {"id", "bits", "source", "opinion", "idle"} <= set(item)
        for item in found["evidence"]["items"]
    )
    assert all({"key", "form", "basis", "source"} <= set(n) for n in found["provenance"])
    d = found["diagnostics"]
    assert {"ok", "draws", "ess", "pareto_k", "weight_bound", "means", "messages"} <= set(d)
    named = {*found["classes"], *found["fates"], "deployed"}
    assert named <= set(d["standard_errors"])
    for place, errors in d["standard_errors"].items():
        assert set(errors) == SUMMARY and all(error >= 0 for error in errors.values())
        assert place in named or set(_at(found, place)) >= SUMMARY, place
    assert {"title", "view", "settings", "seed", "versions"} <= set(found)


def _at(document: Any, place: str) -> Any:
    """What stands at a place such as `paths.1.concern`; paths are numbered by their rank."""
    for key in place.split("."):
        document = document[int(key) - 1] if isinstance(document, list) else document[key]
    return document


def _has_the_decision_day(found: Any) -> None:
    """Odds once deployed, checks, hazards, opinions and mechanisms are told in their own keys."""
    day = found["deployed"]
    assert set(day) == {"probability", "classes", *found["fates"]} - {"halted"}
    assert sum(entry["mean"] for entry in day["classes"].values()) == pytest.approx(1)
    assert sum(day[fate]["mean"] for fate in found["fates"] if fate != "halted") == pytest.approx(1)
    for check in found["checks"].values():
        assert set(check) == {"result", "caught", "added"}
        assert check["result"] is not None or set(check["caught"]) == set(found["routes"])
    for hazard in found["hazards"].values():
        assert set(hazard) == SUMMARY | {"criterion", "given_intended"}
    forecasts = [item["id"] for item in found["evidence"]["items"] if item["opinion"]]
    assert (found["opinions"] or {"forecasts": []})["forecasts"] == forecasts
    assert set(found["criteria_given_intended"]) == {"goal_alignment", "goal_competitiveness"}
    assert "catastrophe_given_failure" not in found
    assert {"catastrophe_given_deployed_failure", "mechanisms"} <= set(found)


def test_several_stories_as_json_are_a_list(run: Run, small: Path) -> None:
    found = run("estimate", EXACT, str(small), "--json", "--draws", "64").json
    assert [entry["story"] for entry in found] == [EXACT, "small"]


def test_the_same_seed_gives_the_same_odds(run: Run) -> None:
    first, second, third = (
        run("estimate", *UNCERTAIN, "--json", "--seed", seed).out for seed in ("7", "7", "8")
    )
    assert first == second != third


def test_a_view_by_name_and_by_file(run: Run, small: Path) -> None:
    found = run("estimate", "rlhf-assistant", "--view", "sceptic", "--draws", "128", "--json").json
    assert found["view"] == "sceptic"
    mine = small.with_name("mine.yaml")
    mine.write_text("view: mine\ntitle: My own\nset: {aware: 0.9, somebody-elses: 0.1}\n", "utf-8")
    found = run("estimate", str(small), "--view", str(mine), "--draws", "64", "--json").json
    assert found["assumptions"]["aware"]["mean"] == pytest.approx(0.9)
    assert found["view"] == "mine"
    text = run("estimate", str(small), "--view", str(mine), "--draws", "64", "--set", "aware=0.8")
    assert "under view mine, aware = 0.8" in text.out


def test_what_is_not_reliable_is_told_and_saved(run: Run, tmp_path: Path) -> None:
    story, saved = tmp_path / "hard.yaml", tmp_path / "hard.json"
    story.write_text(HARD, "utf-8")
    ran = run("estimate", str(story), "--method", "weighting", "--draws", "64", "-o", str(saved))
    assert ran.code == NOT_RELIABLE
    assert "NOT RELIABLE" in ran.out.splitlines()[3]
    assert "small: NOT RELIABLE: " in ran.err
    assert not json.loads(saved.read_text("utf-8"))["diagnostics"]["ok"]


def test_nuts_on_request(run: Run, small: Path) -> None:
    evidence = "evidence:\n  - {id: e, about: {class: deceptive}, forecast: 0.2, sd_bits: 2}\n"
    small.write_text(SMALL + evidence, "utf-8")
    ran = run("estimate", str(small), "--method", "nuts", "--draws", "2000", "--json")
    assert ran.code == DONE, ran.err
    assert ran.json["method"] == "nuts"
    assert {"r_hat_max", "ess_bulk_min", "ess_tail_min", "divergences"} <= set(
        ran.json["diagnostics"]
    )


def test_a_forecast_that_rules_out_what_the_prior_allows(run: Run, tmp_path: Path) -> None:
    """Nearly all of this prior is so near 0 or 1 that a forecast of 20 % leaves nothing of it."""
    story = tmp_path / "small.yaml"
    forecast = "  - {id: told, about: {assumption: aware}, forecast: 0.2, sd_bits: 2}\n"
    story.write_text(f"{SMALL}evidence:\n{forecast}", "utf-8")
    ran = run("estimate", str(story), "--set", "aware={beta: [1.0e-9, 1.0e-9]}", "--json")
    assert ran.code in (DONE, NOT_RELIABLE), ran.err
    assert ran.json["opinions"]["classes"]["deceptive"]["mean"] > 0.1
