"""Every number leads back to the line on which it is written."""

import importlib.resources
import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from storyodds.priors import library
from storyodds.priors.distributions.forms import plain_prior
from storyodds.reports.documents.numbers import plain_numbers
from storyodds.reports.terminal.numbers import print_numbers
from storyodds.scenarios.loader import bundled_stories, load_story, load_text
from storyodds.scenarios.provenance import is_reference, provenance
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Route
from storyodds.scenarios.story import Story

TEXT = """\
story: by-hand
title: A story of three files
goal:
  specification: x
  desirability: y
assumptions:
  path-dependence:
  goal-guarding: {probability: [0.2, 0.3]}
routes:
  - use: reward-seeker
    harm: 0.25
  - id: elsewhere
    class: other
    bits: 0
    harm: {ref: empirical-counts/blind-audit}
  - {id: something-else, class: other, bits: -1, harm: 0.5}
"""


def where(story: Story, **changes: object) -> dict[str, tuple[str | None, int | None]]:
    resolved = resolve(story, **changes)  # type: ignore[arg-type]
    return {entry["name"]: (entry["file"], entry["line"]) for entry in provenance(resolved)}


def test_numbers_stand_in_the_story_the_catalog_or_a_pack() -> None:
    found = where(load_text(TEXT, "by-hand.yaml"))
    assert found["goal-guarding.probability"] == ("by-hand.yaml", 8)
    assert found["reward-seeker.harm"] == ("by-hand.yaml", 11)
    assert found["elsewhere.bits"] == ("by-hand.yaml", 14)
    assert found["something-else.harm"] == ("by-hand.yaml", 16)
    assert found["path-dependence.probability"][0] == "storyodds/priors/catalog/assumptions.yaml"
    assert found["reward-seeker.bits"][0] == "storyodds/priors/catalog/routes.yaml"
    # An assumption that only the catalog's route refers to.
    assert found["situational-awareness.probability"][0] == found["path-dependence.probability"][0]
    assert found["elsewhere.harm"][0] == "storyodds/priors/packs/empirical-counts.yaml"


def test_a_view_and_a_setting_say_so(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("view: mine\ntitle: Mine\nset:\n  path-dependence: 0.4\n  elsewhere: 2\n")
    found = where(
        load_text(TEXT, "by-hand.yaml"), view=library.view(file), settings={"elsewhere": 1}
    )
    assert found["path-dependence.probability"] == (str(file), 4)
    assert found["elsewhere.bits"] == (None, None)


def test_a_story_made_in_code_stands_nowhere() -> None:
    story = load_text(TEXT)
    rest = Route(id="something-else", class_="other", bits=0, harm=0.5)
    for made in (
        Story.model_validate(story.model_dump()),
        story.model_copy(update={"routes": (rest,)}),
    ):
        assert where(made)["something-else.harm"] == (None, None)
    assert where(story.model_copy()) == where(story)
    assert Story.model_validate(story.model_dump()) == story  # where it stands is no part of it


@pytest.mark.parametrize("name", bundled_stories())
def test_the_line_that_is_named_has_the_number(name: str) -> None:
    rooms = {
        "priors": Path(str(importlib.resources.files("storyodds.priors"))),
        "scenarios": bundled_stories()[name].parent.parent,
    }
    for entry in provenance(resolve(load_story(name))):
        room, rest = entry["file"].removeprefix("storyodds/").split("/", 1)
        written = (rooms[room] / rest).read_text("utf-8").splitlines()[entry["line"] - 1]
        form = entry["form"]
        if isinstance(form, dict) and "ref" in form:
            form = library.pack_entry(form["ref"]).value
        tokens = [f"{float(x):g}" for x in re.findall(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", written)]
        wanted = re.findall(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", str(form))
        begun = "pool" in str(form) and written.strip().endswith((":", "pool:"))
        assert begun or any(f"{float(x):g}" in tokens for x in wanted), (entry["name"], written)


def test_the_list_of_numbers_is_for_reading() -> None:
    story = resolve(load_text(TEXT, "by-hand.yaml"), settings={"elsewhere": 1})
    console = Console(width=60, record=True, file=io.StringIO())
    print_numbers(console, story)
    text = console.export_text()
    assert "goal-guarding.probability  25% (20% to 30%), assumed" in text
    assert "by-hand.yaml:8\n" in text
    assert "elsewhere.bits  1 bits, assumed\n    setting\n    no source" in text
    broken = [line for line in text.splitlines() if not line.startswith("    storyodds/")]
    assert max(map(len, broken)) <= 60  # places are not broken: they are there to be followed
    entries = plain_numbers(story) + plain_numbers(resolve(load_story("rlhf-assistant")))  # pools
    assert all(entry["q05"] <= entry["median"] <= entry["q95"] for entry in entries)
    assert entries[0]["form"] == plain_prior(story.numbers[0].form)
    assert is_reference("a.bayes_factor.false") and not is_reference("a.rates.false")
