"""How to make a page again: the commands give the numbers of the page, whatever it was made of."""

import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.command_line import SMALL, Run

from storyodds import load_text
from storyodds.console import json_text
from storyodds.models.assessment import assess
from storyodds.priors.library import view
from storyodds.reports.dashboard.dossier import Dossier, make_dossier
from storyodds.reports.dashboard.sections_story import again
from storyodds.scenarios.resolve import resolve

CHANGES: tuple[dict[str, Any], ...] = (
    {},
    {"settings": {"aware": [0.2, 0.6]}},
    {"view": view("wide"), "settings": {"schemer": [-1, 4], "schemer.harm": {"beta": [2, 8]}}},
    {"settings": {"aware": {"pool": [{"by": "it's $(me)", "value": 0.5}]}}},
)


def made(**changes: Any) -> Dossier:
    """Made by code, which need not say again what it changed."""
    found = assess(resolve(load_text(SMALL), **changes), draws=64, seed=3)
    return make_dossier(found, draws=64)


@pytest.mark.parametrize("changes", CHANGES)
def test_the_commands_give_the_numbers_of_the_page(
    tmp_path: Path, run: Run, changes: dict[str, Any]
) -> None:
    dossier = made(**changes)
    section = again(dossier)
    assert not any("changed" in note for note in section.notes)
    pages, estimate = (shlex.split(line) for line in section.data["commands"])
    assert pages[1] == "dashboard" and pages[2:-2] == estimate[2:-1]
    file = tmp_path / estimate[2]
    file.write_text(dossier.yaml, "utf-8")
    told = run("estimate", str(file), *estimate[3:]).json
    written = json.loads(json_text(dossier.estimate))
    for key in ("classes", "fates", "story_sha256"):
        assert told[key] == written[key]


def test_a_thorough_page_says_so() -> None:
    pages, estimate = again(replace(made(), thorough=True)).data["commands"]
    assert "--thorough" in pages and "--thorough" not in estimate


def test_what_no_option_says_is_said_to_be_in_the_file() -> None:
    resolved = replace(resolve(load_text(SMALL)), settings={"check:audit": "left out"})
    section = again(make_dossier(assess(resolved, draws=64, seed=3), draws=64))
    assert any("changed" in note for note in section.notes)
    assert not any("--set" in command for command in section.data["commands"])
