"""How to make a page again: the commands give the numbers of the page, whatever it was made of."""

import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.command_line import SMALL, Run

from storyodds import load_text
from storyodds.commands.console import json_text
from storyodds.models.assessment.assessment import assess
from storyodds.priors.library import view
from storyodds.reports.dashboard.page_data import Dossier, make_dossier
from storyodds.reports.dashboard.sections_story import again
from storyodds.reports.words.recipe import Recipe
from storyodds.scenarios.resolve import resolve

CHECKED = SMALL + "checks: [{id: audit, claim: It is audited., flags: {default: 0.3}}]\n"
CHANGES: tuple[dict[str, Any], ...] = (
    {},
    {"settings": {"aware": [0.2, 0.6]}},
    {"view": view("wide"), "settings": {"schemer": [-1, 4], "schemer.harm": {"beta": [2, 8]}}},
    {"settings": {"check:audit": "off", "aware": 0.2}},
    {"settings": {"aware": {"pool": [{"by": "it's $(me)", "value": 0.5}]}}},
)


def made(**changes: Any) -> Dossier:
    """Made by code, which need not say again what it changed."""
    assessment = assess(resolve(load_text(CHECKED), **changes), draws=64, seed=3)
    return make_dossier(assessment)


@pytest.mark.parametrize("changes", CHANGES)
def test_the_commands_give_the_numbers_of_the_page(
    tmp_path: Path, run: Run, changes: dict[str, Any]
) -> None:
    dossier = made(**changes)
    section = again(dossier)
    pages, estimate = (shlex.split(line) for line in section.data["commands"])
    assert pages[1] == "dashboard" and pages[2:-2] == estimate[2:-1]
    file = tmp_path / estimate[2]
    file.write_text(dossier.yaml, "utf-8")
    told = run("estimate", str(file), *estimate[3:]).json
    written = json.loads(json_text(dossier.estimate))
    for key in ("classes", "fates", "story_sha256"):
        assert told[key] == written[key]


def test_a_view_from_a_file_is_named_by_its_file(tmp_path: Path, run: Run) -> None:
    file = tmp_path / "my view.yaml"
    file.write_text("view: mine\ntitle: Mine\nset: {aware: 0.25}\n", "utf-8")
    assessment = assess(resolve(load_text(SMALL), view=view(file)), draws=64, seed=3)
    dossier = make_dossier(assessment, recipe=Recipe("small.yaml", str(file), draws=64, seed=3))
    _, estimate = (shlex.split(line) for line in again(dossier).data["commands"])
    assert estimate[estimate.index("--view") + 1] == str(file)
    story = tmp_path / "small.yaml"
    story.write_text(dossier.yaml, "utf-8")
    told = run("estimate", str(story), *estimate[3:]).json
    assert told["fates"] == json.loads(json_text(dossier.estimate["fates"]))
    if "what_if" in dossier.parts:
        assert shlex.quote(str(file)) in dossier.parts["what_if"]["command"]


def test_a_thorough_page_says_so() -> None:
    pages, estimate = again(replace(made(), thorough=True)).data["commands"]
    assert "--thorough" in pages and "--thorough" not in estimate
