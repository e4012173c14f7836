"""`storyodds check` as a stranger meets it: mistakes, findings, and what they mean."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.clean_story import CLEAN
from support.command_line import SMALL, Run, document

from storyodds.scenarios.shared.lint_rules import lint_codes, lint_rule

COMMAND = "check"

DONE, WRONG_INPUT = 0, 2

CODES = ["no-catastrophe", "no-rationale", "no-hazard", "behavioral-goal", "no-source"]


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL, "utf-8")
    return path


# Stories


def test_what_is_right_and_what_is_doubtful(run: Run, small: Path) -> None:
    code, out, err = run("coinrun-agent", str(small))
    assert (code, err) == (DONE, "")
    assert out.startswith("coinrun-agent: ok\n")
    assert out.endswith(f"{small}: ok, 5 findings (check --explain CODE says more)\n")
    assert run("coinrun-agent", "--strict")[0] == DONE
    assert run(str(small), "--strict")[0] == WRONG_INPUT


def test_a_finding_is_one_line_with_its_place_and_code(run: Run, small: Path) -> None:
    _, out, _ = run(str(small))
    lines = out.splitlines()[:-1]
    form = rf"{re.escape(str(small))}:(\d+):(\d+): (.+) \[([a-z-]+)\]"
    matches = [re.fullmatch(form, line) for line in lines]
    assert [match and (int(match[1]), int(match[2]), match[4]) for match in matches] == [
        (1, 1, "no-catastrophe"),
        (1, 1, "no-rationale"),
        (3, 1, "no-hazard"),
        (3, 23, "behavioral-goal"),
        (5, 42, "no-source"),
    ]
    assert lines[4].startswith(f"{small}:5:42: 5 numbers do not say where they come from; give ")
    assert lines[4].endswith("; also lines 7, 8 [no-source]")


FIXED_FORECAST = """\
story: b
title: B
goal: {specification: The model finds the passage and restates it., desirability: x}
assumptions:
  aware: {claim: Aware., probability: 0.4}
routes:
  - {id: schemer, class: deceptive, claim: s, requires: aware, bits: 0, harm: 0.5}
  - {id: something-else, class: other, claim: e, bits: -1, harm: 0.05}
evidence:
  - {id: e1, claim: e, about: {assumption: aware}, forecast: 0.8, sd_bits: 1, source: s}
"""


def test_a_forecast_of_a_fixed_probability_does_nothing_and_is_said_so(
    run: Run, small: Path
) -> None:
    small.write_text(FIXED_FORECAST, "utf-8")
    code, out, _ = run(str(small))
    assert code == DONE
    assert f"{small}:10:62: the probability of 'aware' is fixed by the story's numbers, " in out
    small.write_text(FIXED_FORECAST.replace("probability: 0.4", "probability: [0.2, 0.6]"), "utf-8")
    assert "idle-evidence" not in run(str(small))[1]


def test_of_many_places_the_first_are_named(run: Run, small: Path) -> None:
    routes = "".join(
        f"  - {{id: r{i}, class: other, claim: It is., bits: 0, harm: 0}}\n" for i in range(8)
    )
    small.write_text(SMALL.replace("routes:\n", f"routes:\n{routes}"), "utf-8")
    _, out, _ = run(str(small))
    assert "; also lines 7, 8, 9, 10, 11, 12 and 4 more [no-source]" in out


def test_all_mistakes_of_all_files(run: Run, small: Path) -> None:
    broken = small.with_name("broken.yaml")
    broken.write_text(SMALL.replace("0.3", "1.3").replace("harm: 0.05", "harm: much"), "utf-8")
    code, out, err = run(str(broken), "nothing.yaml", str(small))
    assert code == WRONG_INPUT
    assert f"{broken}:5:42: assumptions.aware.probability: found 1.3" in err
    assert "routes[1].harm: found 'much'" in err
    assert "nothing.yaml: there is no such file" in err
    assert f"{small}: ok" in out


def test_json(run: Run, small: Path) -> None:
    broken = small.with_name("broken.yaml")
    broken.write_text(SMALL.replace("0.3", "1.3"), "utf-8")
    code, out, err = run(str(broken), str(small), "--json")
    assert (code, err) == (WRONG_INPUT, "")
    told = document(out)
    assert told["schema"] == "storyodds/check/1"
    bad, good = told["stories"]
    assert (bad["ok"], good["ok"]) == (False, True)
    assert (bad["file"], good["file"]) == (None, str(small))
    assert bad["problems"][0]["line"] == 5
    assert bad["problems"][0]["key_path"] == "assumptions.aware.probability"
    assert [finding["code"] for finding in good["findings"]] == CODES
    finding = good["findings"][-1]
    assert set(finding) == {"code", "key_path", "line", "column", "sentence", "also"}
    assert (finding["line"], finding["column"]) == (5, 42)
    assert finding["key_path"] == "assumptions.aware.probability"
    assert finding["also"][0] == {"key_path": "routes[0].bits", "line": 7, "column": 78}


def test_a_switch_with_its_reason(run: Run, small: Path) -> None:
    switches = "".join(f"  - {{off: {code}, reason: A toy.}}\n" for code in CODES)
    small.write_text(f"{SMALL}lint:\n{switches}", "utf-8")
    assert run(str(small), "--strict") == (DONE, f"{small}: ok\n", "")
    small.write_text(f"{CLEAN}lint:\n{switches}", "utf-8")
    code, out, _ = run(str(small), "--strict")
    assert (code, out.count("[idle-switch]")) == (WRONG_INPUT, 5)


def test_a_switch_needs_a_code_that_is_there_and_a_reason(run: Run, small: Path) -> None:
    small.write_text(f"{SMALL}lint:\n  - {{off: no-sauce, reason: A toy.}}\n", "utf-8")
    code, _, err = run(str(small))
    assert code == WRONG_INPUT
    assert f"{small}:10:11: lint[0].off: found 'no-sauce', expected the code of a rule" in err
    assert "did you mean 'no-source'?" in err
    small.write_text(f"{SMALL}lint: [{{off: no-source}}]\n", "utf-8")
    assert "the key 'reason' is missing" in run(str(small))[2]


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals are POSIX's")
@pytest.mark.parametrize("columns", [40, 80, 120])
def test_a_terminal_gets_lines_that_fit(small: Path, columns: int) -> None:
    shown = on_terminal(columns, "check", small.name, folder=small.parent)
    assert max(map(len, shown)) <= columns
    assert shown[0].startswith("small.yaml:1:1: ")
    assert all(line.startswith(("small.yaml:", "    ")) for line in shown)
    assert " ".join(" ".join(shown).split()).count("[behavioral-goal]") == 1


def on_terminal(columns: int, *arguments: str, folder: Path) -> list[str]:
    """What a command shows on a terminal of that width."""
    ours, theirs = os.openpty()
    with os.fdopen(ours, "rb") as terminal:
        subprocess.run(
            [sys.executable, "-m", "storyodds", *arguments],
            cwd=folder,
            stdout=theirs,
            env={**os.environ, "COLUMNS": str(columns)},
            check=True,
        )
        os.close(theirs)
        text = b""
        while True:
            try:
                piece = terminal.read1()
            except OSError:  # Linux says in this way that the other end is closed
                break
            if not piece:
                break
            text += piece
    return text.decode().splitlines()


# Rules


@pytest.mark.parametrize("code", lint_codes())
def test_every_rule_explains_itself(run: Run, code: str, monkeypatch: Any) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    status, out, err = run("--explain", code)
    assert (status, err) == (DONE, "")
    rule = lint_rule(code)
    assert " ".join(out.split()).startswith(f"{code}: {rule.title} What it looks for ")
    for paragraph in (rule.looks_for, rule.why, rule.fix):
        assert " ".join(paragraph.split()) in " ".join(out.split())
    assert all(source.url and source.url in out for source in rule.sources)
    for example in (rule.example, rule.better):
        assert all(f"  {line}\n" in out for line in example.splitlines())
    assert all(len(line) <= 80 for line in out.splitlines())


def test_all_rules_at_once(run: Run) -> None:
    code, out, _ = run("--explain", "all")
    assert code == DONE
    assert out.count("What it looks for") == len(lint_codes())


def test_an_explanation_as_json(run: Run) -> None:
    code, out, _ = run("--explain", "thin-residual", "--json")
    told = document(out)
    assert (code, told["schema"]) == (DONE, "storyodds/rules/1")
    (rule,) = told["rules"]
    assert rule["rule"] == "thin-residual"
    assert set(rule) == {
        *("rule", "title", "looks_for", "why", "sources", "fix", "example", "better")
    }


def test_the_list_of_rules(run: Run) -> None:
    code, out, err = run("--rules")
    assert (code, err) == (DONE, "")
    listed = [line.split("  ")[0].strip() for line in out.splitlines()]
    assert listed == list(lint_codes())
    assert [rule["rule"] for rule in document(run("--rules", "--json")[1])["rules"]] == listed


def test_an_unknown_rule(run: Run) -> None:
    code, out, err = run("--explain", "thin-residul")
    assert (code, out) == (WRONG_INPUT, "")
    assert err == (
        "--explain: found 'thin-residul', expected the code of a rule of the linter; "
        "did you mean 'thin-residual'?\n"
    )
    assert "'storyodds check --rules' lists every one" in run("--explain", "xyz")[2]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Missing argument 'STORY...'"),
        (("--explain", "no-source", "cat-classifier"), "each stand alone"),
        (("--rules", "cat-classifier"), "each stand alone"),
        (("--rules", "--explain", "no-source"), "each stand alone"),
    ],
)
def test_wrong_usage(run: Run, arguments: tuple[str, ...], said: str) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (WRONG_INPUT, "")
    assert said in err
