"""The command line as a stranger meets it: every command, option and exit code."""

import codecs
import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from support.command_line import SMALL, Ran, Run

from storyodds import InputError, load_story
from storyodds.models.assessment import assessment
from storyodds.models.assessment.datatree import load_result
from storyodds.scenarios.loader import bundled_stories, story_text

DONE, FAILED, WRONG_INPUT, NOT_RELIABLE, ABOVE_THRESHOLD, INTERRUPTED = 0, 1, 2, 3, 4, 130
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


def outside(*arguments: str, **options: Any) -> Ran:
    """Run a command in a process of its own."""
    environment = {**os.environ, **options.pop("env", {})}
    command = [sys.executable, "-m", "storyodds", *arguments]
    done = subprocess.run(command, capture_output=True, env=environment, check=False, **options)
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL, "utf-8")
    return path


# estimate


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


@pytest.mark.parametrize(
    ("setting", "low", "high"),
    [
        ("aware=0", 0, 0),
        ("aware=1", 1, 1),
        (" aware = 0.25 ", 0.25, 0.25),
        ("aware.probability=[0.2, 0.4]", 0.2, 0.4),
        ("aware={interval: [0.2, 0.4], level: 0.5}", 0.2, 0.4),
        ("aware={fixed: 0.5, basis: elicited, source: me}", 0.5, 0.5),
        ("aware={beta: [2, 8]}", 0.1, 0.3),
        ("aware={counts: {hits: 3, trials: 200}}", 0.005, 0.03),
        ("aware={ref: carlsmith-2022/aps-feasible}", 0.65, 0.65),
        ("aware={pool: [{by: me, value: 0.2, weight: 2}, {by: you, value: [0.1, 0.5]}]}", 0.1, 0.4),
    ],
)
def test_a_setting_takes_every_form(
    run: Run, small: Path, setting: str, low: float, high: float
) -> None:
    ran = run("estimate", str(small), "--json", "--draws", "256", "--set", setting)
    assert ran.code == DONE, ran.err
    assert low - 1e-9 <= ran.json["assumptions"]["aware"]["mean"] <= high + 1e-9
    assert len(ran.json["settings"]) == 1


def test_bits_take_a_normal(run: Run, small: Path) -> None:
    ran = run(
        "estimate", str(small), "--json", "--draws", "64", "--set", "schemer={normal: [1, 2]}"
    )
    assert ran.code == DONE


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("aware", "expected ID=PRIOR"),
        ("=1", "expected ID=PRIOR"),
        ("aware=", "expected ID=PRIOR"),
        ("aware=  ", "expected ID=PRIOR"),
        ("awere=0.1", "did you mean 'aware'?"),
        ("aware=1.5", "expected a probability from 0 to 1"),
        ("aware=[0.4, 0.1]", "lower end first"),
        ("aware=[0.1", "found a list that goes wrong"),
        ("aware={norml: [1, 1]}", "did you mean 'normal'?"),
        ("aware=maybe", "found 'maybe'"),
        ("aware={ref: carlsmith-2022/aps}", "did you mean 'carlsmith-2022/aps-feasible'?"),
        ("schemer=99", "bits from -60 to 60"),
        ("schemer={beta: [1, 1]}", "--set schemer.bits: found 'beta', which a number of bits"),
    ],
)
def test_a_wrong_setting_is_explained(run: Run, small: Path, setting: str, said: str) -> None:
    ran = run("estimate", str(small), "--set", setting)
    assert (ran.code, ran.out) == (WRONG_INPUT, "")
    assert said in ran.err


@pytest.mark.parametrize("number", ["1.5", "[0.3, 0.1]", "maybe", "{bet: [1, 2]}"])
def test_a_setting_is_refused_in_the_words_of_a_file(run: Run, tmp_path: Path, number: str) -> None:
    """And a number of a view, which may be of either kind, at its line."""
    story, view = tmp_path / "story.yaml", tmp_path / "view.yaml"
    story.write_text(SMALL.replace("probability: 0.3", f"probability: {number}"), "utf-8")
    view.write_text(f"view: view\ntitle: A view\nset:\n  aware: {number}\n", "utf-8")
    sentences = [run("estimate", str(story)).err.splitlines()[0].partition("probability: ")[2]]
    story.write_text(SMALL, "utf-8")
    ran = run("estimate", str(story), "--set", f"aware={number}")
    assert ran.err.startswith(f"{story}: --set aware.probability: ")
    sentences.append(ran.err.splitlines()[0].partition("probability: ")[2])
    ran = run("estimate", str(story), "--view", str(view))
    assert ran.err.startswith(f"{view}:4:") and f"    4 |   aware: {number}" in ran.err
    assert sentences[0] and sentences[0] == sentences[1]


def test_mistakes_of_settings_and_views_are_all_told(run: Run, tmp_path: Path, small: Path) -> None:
    view = tmp_path / "view.yaml"
    view.write_text("view: view\ntitle: A view\nset:\n  aware: 2.5\n", "utf-8")
    ran = run(
        *("estimate", str(small), "--view", str(view), "--set", "nobody=1", "--set", "schemer=99"),
    )
    for words in (
        f"{view}:4:10: set.aware: found 2.5",
        "--set: found 'nobody'",
        "--set schemer.bits: found 99",
    ):
        assert words in ran.err


def test_one_number_by_two_names(run: Run, small: Path) -> None:
    ran = run("estimate", str(small), "--set", "aware=0.1", "--set", "aware.probability=0.1")
    assert ran.code == WRONG_INPUT
    assert "found 'aware' and 'aware.probability', which are one number" in ran.err


def test_a_number_is_set_once(run: Run, small: Path) -> None:
    ran = run("estimate", str(small), "--set", "aware=0.1", "--set", "aware=0.2")
    assert ran.code == WRONG_INPUT
    assert "--set aware: found twice" in ran.err


def test_all_mistakes_of_the_options_are_told_at_once(run: Run) -> None:
    ran = run(
        *("estimate", "coinrn-agent", "nothing.yaml", "--set", "=3", "--fail-above", "x=1"),
        *("--view", "nope", "-o", "no/where.nc"),
    )
    assert ran.code == WRONG_INPUT
    for said in (
        "did you mean 'coinrun-agent'?",
        "nothing.yaml: there is no such file",
        "expected ID=PRIOR",
        "expected a class, a fate or deployed odds",
        "one of advocate, carlsmith, sceptic, wide",
        "found 'no/where.nc', expected a folder that exists",
    ):
        assert said in ran.err


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


def test_a_threshold_that_is_exceeded(run: Run) -> None:
    ran = run("estimate", EXACT, "--fail-above", "catastrophe=0.05", "--fail-above", "other=0.9")
    assert ran.code == ABOVE_THRESHOLD
    assert ran.out
    assert ran.err == f"{EXACT}: catastrophe is 0.05138, above 0.05\n"


def test_a_threshold_that_is_kept(run: Run) -> None:
    ran = run("estimate", EXACT, "--fail-above", "catastrophe=0.06", "--fail-above", "deceptive=0")
    assert (ran.code, ran.err) == (DONE, "")


@pytest.mark.parametrize("limit", ["catastrofe=0.1", "halted", "halted=", "halted=2", "halted=nan"])
def test_a_wrong_threshold(run: Run, limit: str) -> None:
    ran = run("estimate", EXACT, "--fail-above", limit)
    assert (ran.code, ran.out) == (WRONG_INPUT, "")
    assert "--fail-above" in ran.err


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


# Saving


def test_a_result_is_saved_as_a_tree_and_as_json(run: Run, tmp_path: Path) -> None:
    tree, plain = tmp_path / "a.nc", tmp_path / "a.json"
    ran = run("estimate", EXACT, "-o", str(tree))
    assert (ran.code, ran.err) == (DONE, f"saved {tree}\n")
    ran = run("estimate", EXACT, "-o", str(plain), "--json")
    assert ran.code == DONE
    assert json.loads(plain.read_text("utf-8")) == ran.json
    assert json.loads(load_result(tree).attrs["meta"])["summary"]["story"] == EXACT
    assert sorted(tmp_path.iterdir()) == [plain, tree]


def test_several_results_go_to_a_folder(run: Run, small: Path, tmp_path: Path) -> None:
    folder = tmp_path / "results"
    ran = run("estimate", EXACT, str(small), "-o", str(folder), "--draws", "64")
    assert ran.code == WRONG_INPUT
    assert "a folder that exists" in ran.err
    folder.mkdir()
    ran = run("estimate", EXACT, str(small), "-o", str(folder), "--draws", "64")
    assert ran.code == DONE
    assert sorted(path.name for path in folder.iterdir()) == [f"{EXACT}.nc", "small.nc"]


@pytest.mark.parametrize(
    ("stories", "output", "said"),
    [
        ([EXACT], "a.txt", "a name ending in .nc or .json"),
        ([EXACT], "a", "a name ending in .nc or .json"),
        ([EXACT], "no/a.nc", "does not exist"),
        ([EXACT, EXACT], ".", "two stories would both be saved"),
    ],
)
def test_a_wrong_place_to_save(
    run: Run, tmp_path: Path, stories: list[str], output: str, said: str
) -> None:
    ran = run("estimate", *stories, "-o", str(tmp_path / output))
    assert (ran.code, ran.out) == (WRONG_INPUT, "")
    assert said in ran.err
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_to(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    ran = run("estimate", EXACT, "-o", str(tmp_path / "a.nc"))
    assert ran.code == WRONG_INPUT
    assert "cannot be written to" in ran.err


@pytest.mark.parametrize("name", ["a.json", "a.nc"])
def test_a_full_disk_loses_the_file_but_not_the_answer(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    target = tmp_path / name
    target.write_text("older", "utf-8")
    monkeypatch.setattr(os, "replace", full)
    ran = run("estimate", EXACT, "-o", str(target))
    assert ran.code == FAILED
    assert "catastrophe" in ran.out
    assert ran.err == f"storyodds: cannot save {target}: no space left on device\n"
    assert target.read_text("utf-8") == "older"
    assert list(tmp_path.iterdir()) == [target]


def test_an_interruption_while_saving_leaves_nothing(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("storyodds.priors.text.files.os.replace", interrupted)
    ran = run("estimate", EXACT, "-o", str(tmp_path / "a.nc"))
    assert (ran.code, ran.out, ran.err) == (INTERRUPTED, "", "interrupted\n")
    assert not list(tmp_path.iterdir())


# list, show, help


def test_list_names_every_story_and_view(run: Run) -> None:
    ran = run("list")
    assert ran.code == DONE
    for name in bundled_stories():
        assert f"  {name} " in ran.out
        assert load_story(name).title in ran.out
    found = run("list", "--json").json
    assert list(found["stories"]) == list(bundled_stories())
    assert {"sceptic", "advocate"} <= set(found["views"])


def test_show_gives_the_very_text(run: Run) -> None:
    ran = run("show", EXACT)
    assert (ran.code, ran.out) == (DONE, story_text(EXACT))
    found = run("show", EXACT, "--json").json
    assert found["text"] == story_text(EXACT)
    assert run("show", "nope").code == WRONG_INPUT


def test_help_of_every_command(run: Run) -> None:
    ran = run("--help")
    assert ran.code == DONE
    assert "130 interrupted" in ran.out
    assert "..." not in ran.out.split("Commands:")[1]  # no sentence cut short
    for command in ("estimate", "check", "list", "show"):
        assert command in ran.out
        assert run(command, "-h").code == DONE
    assert run("--version").out.startswith("storyodds, version ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["estimat"], "Did you mean 'estimate'?"),
        (["estimate"], "Missing argument"),
        (["estimate", EXACT, "--draw", "5"], "Did you mean '--draws'?"),
        (["estimate", EXACT, "--draws", "5"], "64<=x"),
        (["estimate", EXACT, "--method", "hmc"], "'auto', 'weighting', 'nuts'"),
        (["estimate", EXACT, "--seed", "-1"], "0<=x"),
        (["estimate", "-", "-"], "only once"),
        ([], "Commands:"),
    ],
)
def test_wrong_usage(run: Run, arguments: list[str], said: str) -> None:
    ran = run(*arguments)
    assert (ran.code, ran.out) == (WRONG_INPUT, "")
    assert said in ran.err


# Streams and surroundings


def test_a_story_from_standard_input() -> None:
    text = SMALL.replace("A small story", "Eine kleine Überraschung")
    ran = outside("estimate", "-", "--draws", "64", "--json", input=text.encode())
    assert ran.code == DONE, ran.err
    assert ran.json["title"] == "Eine kleine Überraschung"
    ran = outside("check", "-", input=b"title: \xff\n")
    assert (ran.code, ran.out) == (WRONG_INPUT, "")
    assert ran.err == "<stdin>: found the byte 0xff, expected text encoded as UTF-8\n"
    assert outside("check", "-", input=b"").code == WRONG_INPUT


ASCII = {"PYTHONIOENCODING": "ascii"}


def test_a_terminal_without_unicode(small: Path) -> None:
    small.write_text(SMALL.replace("A small story", "Ein kleines Märchen 物語"), "utf-8")
    ran = outside("estimate", str(small), "--draws", "64", env=ASCII)
    assert ran.code == DONE, ran.err
    assert ran.out.isascii()
    assert ran.out.startswith("Ein kleines Marchen ??\n")
    assert "[-" in ran.out  # an interval
    found = outside("estimate", str(small), "--draws", "64", "--json", env=ASCII).json
    assert found["title"] == "Ein kleines Märchen 物語"
    copied = subprocess.run(
        [sys.executable, "-m", "storyodds", "show", str(small)],
        capture_output=True,
        env={**os.environ, **ASCII},
        check=True,
    )
    assert copied.stdout == small.read_bytes()


def test_the_c_locale() -> None:
    plain = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    ran = outside("estimate", EXACT, env=plain)
    assert (ran.code, ran.err) == (DONE, "")


def test_every_drawing_character_has_an_ascii_twin_of_its_width() -> None:
    nearest = codecs.lookup_error("storyodds.nearest")
    drawn = "├┤─●○✓✗–−"
    text, end = nearest(UnicodeEncodeError("ascii", drawn, 0, len(drawn), ""))
    assert (len(text), end) == (len(drawn), len(drawn))
    assert isinstance(text, str)
    assert text.isascii()
    assert "?" not in text


def test_color_only_where_it_is_wanted() -> None:
    wanted = {"FORCE_COLOR": "1", "TERM": "xterm-256color"}
    assert "\x1b[" in outside("estimate", EXACT, env=wanted).out
    piped = outside("estimate", EXACT).out
    assert "\x1b" not in piped
    bare = outside("estimate", EXACT, env={**wanted, "NO_COLOR": "1"}).out
    assert "\x1b[3" not in bare  # bold may stay


@pytest.mark.parametrize("columns", ["40", "80", "120"])
def test_the_report_keeps_to_the_width(columns: str) -> None:
    ran = outside("estimate", "rlhf-assistant", "--draws", "64", env={"COLUMNS": columns})
    lines = [line for line in ran.out.splitlines() if "Next: " not in line]
    assert max(map(len, lines)) <= int(columns)
    assert all(line == line.rstrip() for line in lines)


def test_a_reader_that_goes_away() -> None:
    command = [sys.executable, "-m", "storyodds", "show", "rlhf-assistant"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == FAILED


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize(
    "arguments", [("list",), ("estimate", EXACT), ("estimate", EXACT, "--json")]
)
def test_output_that_cannot_be_written(arguments: tuple[str, ...]) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "storyodds", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == FAILED
    assert done.stderr == b"storyodds: no space left on device\n"


@pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell")
def test_closed_output() -> None:
    script = f'"{sys.executable}" -m storyodds list --json >&-'
    done = subprocess.run(["sh", "-c", script], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (DONE, b"")


def test_an_unexpected_failure_is_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("first line\nsecond line \x1b[2J")

    monkeypatch.setattr(assessment, "assess", broken)
    monkeypatch.delenv("STORYODDS_TRACEBACK", raising=False)
    ran = run("estimate", EXACT)
    assert (ran.code, ran.out) == (FAILED, "")
    assert ran.err == (
        "storyodds: unexpected failure: ZeroDivisionError: first line "
        "(STORYODDS_TRACEBACK=1 shows where)\n"
    )
    monkeypatch.setenv("STORYODDS_TRACEBACK", "1")
    ran = run("estimate", EXACT)
    assert ran.code == FAILED
    assert "Traceback (most recent call last)" in ran.err


def test_a_large_mistake_made_by_the_computation_is_a_wrong_story(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def impossible(*_: object, **__: object) -> None:
        raise InputError("the evidence is impossible")

    monkeypatch.setattr(assessment, "assess", impossible)
    ran = run("estimate", EXACT)
    assert (ran.code, ran.err) == (WRONG_INPUT, f"{EXACT}: the evidence is impossible\n")


def test_hostile_text_reaches_the_terminal_as_text(run: Run, small: Path) -> None:
    title = "[bold red]x[/] [/] [link=file:///etc/passwd]y[/link] שלום " + "z" * 300
    small.write_text(SMALL.replace("A small story", f"'{title}'"), "utf-8")
    ran = run("estimate", str(small), "--draws", "64")
    assert ran.code == DONE, ran.err
    assert "[bold red]x[/] [/] [link=file:///etc/passwd]y[/link]" in ran.out
    assert "\x1b" not in ran.out
    small.write_text(SMALL.replace("A small story", '"\\e[2J\\u202e"'), "utf-8")
    ran = run("check", str(small))
    assert ran.code == WRONG_INPUT
    assert "\x1b" not in ran.err
    assert "\u202e" not in ran.err


def test_hostile_names_on_the_command_line(run: Run) -> None:
    ran = run("estimate", "\x1b[2J.yaml", "--set", "\x1b[2J", "--fail-above", "\x1b[2J=1")
    assert ran.code == WRONG_INPUT
    assert "\x1b" not in ran.err


# Interruption


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
@pytest.mark.parametrize(
    ("method", "stage"),
    [("weighting", "weighing the evidence"), ("nuts", "NUTS")],
)
def test_an_interruption(tmp_path: Path, method: str, stage: str) -> None:
    # The signal comes from within, so that it does come in this stage.
    script = f"""
import os, signal, sys
from contextlib import contextmanager
from storyodds import cli
from storyodds.commands import estimate

@contextmanager
def progress():
    def tell(stage, done, total):
        if {stage!r} in stage and done == total // 4:
            os.kill(os.getpid(), signal.SIGINT)
    yield tell

estimate.progress_line = progress
sys.argv[0] = "storyodds"
sys.exit(cli.main(sys.argv[1:]))
"""
    arguments = ["estimate", "rlhf-assistant", "--method", method, "-o", str(tmp_path / "a.nc")]
    if method == "nuts":
        script = script.replace("done == total // 4", "done > 0")
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (INTERRUPTED, b"", b"interrupted\n")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
def test_an_interruption_from_outside(tmp_path: Path) -> None:
    fifo = tmp_path / "story.yaml"
    os.mkfifo(fifo)
    command = [sys.executable, "-m", "storyodds", "estimate", str(fifo)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    # The pipe opens once the command reads from it, and is never written to.
    with subprocess.Popen(command, **pipes) as process, fifo.open("wb"):
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert (process.returncode, out, err) == (INTERRUPTED, b"", b"interrupted\n")


def test_light_commands_import_nothing_heavy() -> None:
    script = """
import sys
from storyodds.cli import main
for arguments in (["--help"], ["list"], ["show", "coinrun-agent"], ["check", "coinrun-agent"]):
    assert main(arguments) == 0
heavy = {"numpy", "scipy", "pymc", "arviz", "xarray", "nutpie", "numba", "rich"} & set(sys.modules)
print(sorted(heavy - {"numpy", "scipy"}), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert done.stderr.decode().strip() == "[]"


def test_no_progress_where_nobody_watches() -> None:
    ran = outside("estimate", *UNCERTAIN, "--json")
    assert (ran.code, ran.err) == (DONE, "")


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_progress_on_a_terminal(tmp_path: Path) -> None:
    import pty

    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "storyodds", "estimate", *UNCERTAIN, "--json"]
    environment = {**os.environ, "TERM": "xterm"}
    out = tmp_path / "out.json"  # a pipe would need a second reader while we read the terminal
    with (
        out.open("wb") as file,
        subprocess.Popen(command, stdout=file, stderr=theirs, env=environment) as process,
    ):
        os.close(theirs)
        seen = bytearray()
        try:
            while chunk := os.read(ours, 1 << 16):
                seen += chunk
        except OSError:  # how Linux says that the other side has gone
            pass
    os.close(ours)
    assert process.returncode == DONE
    assert json.loads(out.read_text("utf-8"))["story"] == "coinrun-agent"
    assert "coinrun-agent: " in seen.decode()


@pytest.mark.parametrize(("level", "code"), [("1", DONE), ("2", WRONG_INPUT)])
def test_python_without_its_texts(tmp_path: Path, level: str, code: int) -> None:
    """Without assertions it is the same; without docstrings no command half works."""
    (tmp_path / "small.yaml").write_text(SMALL, "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "storyodds", "estimate", "small.yaml"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONOPTIMIZE": level},
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == code
    assert done.stderr.startswith("found Python told to leave out docstrings" if code else "")
    assert bool(done.stdout) == (code == DONE)


def test_a_forecast_that_rules_out_what_the_prior_allows(run: Run, tmp_path: Path) -> None:
    """Nearly all of this prior is so near 0 or 1 that a forecast of 20 % leaves nothing of it."""
    story = tmp_path / "small.yaml"
    forecast = "  - {id: told, about: {assumption: aware}, forecast: 0.2, sd_bits: 2}\n"
    story.write_text(f"{SMALL}evidence:\n{forecast}", "utf-8")
    ran = run("estimate", str(story), "--set", "aware={beta: [1.0e-9, 1.0e-9]}", "--json")
    assert ran.code in (DONE, NOT_RELIABLE), ran.err
    assert ran.json["opinions"]["classes"]["deceptive"]["mean"] > 0.1
