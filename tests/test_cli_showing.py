"""What ships, listed and shown: files, catalogued entries, and the sources of either."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from pybtex.database import parse_string

from storyodds.priors.library import pack, pack_names, view, view_names
from storyodds.scenarios.loader import bundled_stories, load_story, story_text
from storyodds.scenarios.shared import catalog

DONE, WRONG_INPUT = 0, 2
SECTIONS = ("stories", "views", "packs", "assumptions", "routes", "kinds", "observations")


def names(section: str) -> list[str]:
    known: dict[str, Any] = {
        "stories": bundled_stories(),
        "views": view_names(),
        "packs": pack_names(),
        "assumptions": catalog.assumptions(),
        "routes": catalog.routes(),
        "kinds": catalog.kinds(),
        "observations": catalog.observations(),
    }
    return list(known[section])


# list


def test_the_short_list_leaves_the_catalog_out(run: Any) -> None:
    code, out, err = run("list")
    assert (code, err) == (DONE, "")
    for section in ("stories", "views", "packs"):
        assert all(f"  {name} " in out for name in names(section))
    assert "  goal-guarding " not in out
    assert out.splitlines()[-1] == (
        f"Catalog: {len(catalog.assumptions())} assumptions, {len(catalog.routes())} routes, "
        f"{len(catalog.kinds())} kinds, {len(catalog.observations())} observations "
        "(storyodds list catalog)"
    )


@pytest.mark.parametrize("section", SECTIONS)
def test_one_section(run: Any, section: str) -> None:
    code, out, _ = run("list", section)
    assert code == DONE
    assert [line.split()[0] for line in out.splitlines()[1:]] == names(section)
    data = json.loads(run("list", section, "--json")[1])
    assert {key: list(value) for key, value in data.items() if key != "schema"} == {
        section: names(section)
    }


def test_the_catalog(run: Any) -> None:
    out = run("list", "catalog")[1]
    assert all(f"  {name} " in out for section in SECTIONS[3:] for name in names(section))
    data = json.loads(run("list", "catalog", "--json")[1])
    assert list(data) == ["schema", *SECTIONS[3:]]
    assert data["assumptions"]["goal-guarding"] == catalog.assumptions()["goal-guarding"].claim


def test_json_has_everything(run: Any) -> None:
    data = json.loads(run("list", "--json")[1])
    assert list(data) == ["schema", *SECTIONS]
    assert data["stories"] == {name: load_story(name).title for name in bundled_stories()}


def test_an_unknown_section(run: Any) -> None:
    code, out, err = run("list", "nudges")
    assert (code, out) == (WRONG_INPUT, "")
    assert "'nudges' is not one of" in err


# show


def test_files_are_shown_as_they_are(run: Any) -> None:
    for name in (*names("views"), *names("packs"), "cat-classifier"):
        code, out, err = run("show", name)
        assert (code, err) == (DONE, "")
        assert out == _text_of(name)


def _text_of(name: str) -> str:
    if name in bundled_stories():
        return story_text(name)
    document = (view(name) if name in view_names() else pack(name)).document
    assert document is not None
    return document.text


def test_files_as_json(run: Any) -> None:
    for what, name in (("story", "stem-ai"), ("view", "sceptic"), ("pack", "empirical-rates")):
        data = json.loads(run("show", name, "--json")[1])
        assert data == {"schema": "storyodds/show/1", what: name, "text": _text_of(name)}


@pytest.mark.parametrize("section", SECTIONS[3:])
def test_every_catalogued_entry_can_be_shown(run: Any, section: str) -> None:
    for name in names(section):
        code, out, err = run("show", name)
        assert (code, err) == (DONE, ""), name
        assert out.startswith(f"{name}: a")
        claim = getattr(catalog, section)()[name].claim
        assert " ".join(claim.split()) in " ".join(out.split())


def test_an_assumption(run: Any) -> None:
    out = " ".join(run("show", "goal-guarding")[1].split())
    assert "probability 30% to 90% (90% interval), assumed storyodds assumption: " in out
    for route in catalog.needed_by("goal-guarding"):
        assert route in out.partition(" needed by ")[2].partition(" sources ")[0]
    assert "<https://arxiv.org/abs/2311.08379>" in out
    found = json.loads(run("show", "goal-guarding", "--json")[1])["assumption"]
    assert found["needed_by"] == list(catalog.needed_by("goal-guarding"))
    assert (found["id"], found["scope"]) == ("goal-guarding", "world")


def test_an_assumption_that_others_decide(run: Any) -> None:
    out = " ".join(run("show", "scheming-pays")[1].split())
    assert "holds when goal-directedness and situational-awareness and goal-guarding" in out
    out = " ".join(run("show", "beyond-episode-goals")[1].split())
    assert "given goal-directedness 25% to 80%" in out
    assert "otherwise 0.5% to 8%" in out


def test_a_route_tells_what_it_needs_in_the_end(run: Any) -> None:
    out = " ".join(run("show", "nearest-goal-schemer")[1].split())
    assert "requires incremental-path and scheming-pays by way of " in out
    further = out.partition(" by way of ")[2].partition(" bits ")[0].split(", ")
    assert {"goal-guarding", "situational-awareness"} <= set(further)
    assert not {"incremental-path", "scheming-pays"} & set(further)


def test_a_route_called_as_its_kind_is_shown_with_it(run: Any) -> None:
    out = run("show", "human-simulator")[1]
    assert out.count("human-simulator: a ") == 2
    data = json.loads(run("show", "human-simulator", "--json")[1])
    assert set(data) == {"schema", "route", "kind"}


def test_an_entry_of_a_pack(run: Any) -> None:
    out = " ".join(run("show", "empirical-counts/shutdown-o3")[1].split())
    assert out.startswith("empirical-counts/shutdown-o3: measured by Palisade Research, 2025")
    assert "value 7 of 100 read in what others wrote about it disputed by Rajamanoharan" in out
    found = json.loads(run("show", "empirical-counts/shutdown-o3", "--json")[1])["entry"]
    assert found["value"] == {"counts": {"hits": 7, "trials": 100}}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("goal-guardin", "did you mean 'goal-guarding'?"),
        ("rlhf-asistant", "did you mean 'rlhf-assistant'?"),
        ("skeptic", "did you mean 'sceptic'?"),
        ("empirical-count", "did you mean 'empirical-counts'?"),
        ("reward-seekr", "did you mean 'reward-seeker'?"),
        ("empirical-counts/blind-audi", "did you mean 'empirical-counts/blind-audit'?"),
        ("zzz", "'storyodds list' and 'storyodds list catalog' show all names"),
        ("nothing/here.yaml", "there is no such file"),
    ],
)
def test_an_unknown_name(run: Any, name: str, said: str) -> None:
    code, out, err = run("show", name)
    assert (code, out) == (WRONG_INPUT, "")
    assert said in err


def test_no_name_means_two_files() -> None:
    files = [*names("stories"), *names("views"), *names("packs")]
    entries = {name for section in SECTIONS[3:] for name in names(section)}
    assert len(files) == len(set(files))
    assert not entries & set(files)
    assert not set(catalog.assumptions()) & {*catalog.routes(), *catalog.kinds()}


# --sources and --bibtex


def test_sources_of_everything_that_ships(run: Any) -> None:
    for name in ("rlhf-assistant", "sceptic", "empirical-rates", "path-dependence", "near-miss"):
        code, out, err = run("show", name, "--sources")
        assert (code, err) == (DONE, "")
        assert out.startswith(f"What {name} rests on\n\n")
        assert "Cited by: " in out


def test_sources_as_json(run: Any) -> None:
    data = json.loads(run("show", "rlhf-assistant", "--sources", "--json")[1])
    assert (data["schema"], data["story"]) == ("storyodds/sources/1", "rlhf-assistant")
    keys = [source["key"] for source in data["sources"]]
    assert {"carlsmith-2023", "marks-2025"} <= set(keys)
    assert len(data["assumed"]) > data["numbers"] / 2


def test_bibtex_can_be_saved_and_read(run: Any) -> None:
    code, out, err = run("show", "rlhf-assistant", "--bibtex")
    assert (code, err) == (DONE, "")
    data = json.loads(run("show", "rlhf-assistant", "--sources", "--json")[1])
    assert list(parse_string(out, "bibtex").entries) == [item["key"] for item in data["sources"]]


def test_bibtex_is_not_json(run: Any) -> None:
    code, out, err = run("show", "stem-ai", "--bibtex", "--json")
    assert (code, out) == (WRONG_INPUT, "")
    assert "--bibtex and --json" in err


STORY = """\
story: small
title: A small story
sources: [{cite: Ann's notes, url: "https://example.org/notes", note: page 3}]
goal: {specification: It does the task., desirability: The task is good.}
routes:
  - {id: something-else, class: other, claim: The residual., bits: 0, harm: 0.05}
"""
VIEW = """\
# Mine.
title: My view
view: mine
set: {aware: {fixed: 0.2, source: Ben 2020}}
"""


def test_files_of_ones_own(run: Any, tmp_path: Path) -> None:
    story, own = tmp_path / "small.yaml", tmp_path / "mine.yaml"
    story.write_text(STORY, encoding="utf-8")
    own.write_text(VIEW, encoding="utf-8")
    out = run("show", str(story), "--sources")[1]
    assert "Not in the bibliography\nAnn's notes\n    https://example.org/notes\n" in out
    assert "2 numbers are without a source" in out
    data = json.loads(run("show", str(own), "--sources", "--json")[1])
    assert data["view"] == str(own)
    assert data["sources"][0]["cited_by"] == ["aware"]
    assert run("show", str(own))[1] == VIEW


def test_a_wrong_file_has_text_but_no_sources(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(STORY.replace("harm: 0.05", "harm: much"), encoding="utf-8")
    assert run("show", str(path))[0] == DONE
    code, out, err = run("show", str(path), "--sources")
    assert (code, out) == (WRONG_INPUT, "")
    assert f"{path}:6:" in err and "found 'much'" in err


def test_standard_input(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(STORY.encode())))
    assert "Ann's notes" in run("show", "-", "--sources")[1]


# Numbers


def test_every_number_of_a_story_with_its_line(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(STORY, encoding="utf-8")
    code, out, _ = run("show", str(path), "--numbers")
    assert code == DONE
    assert f"something-else.harm  5.0%, assumed\n    {path}:6\n    no source\n" in out
    data = json.loads(run("show", "rlhf-assistant", "--numbers", "--json")[1])
    assert data["schema"] == "storyodds/numbers/1"
    by_name = {number["name"]: number for number in data["numbers"]}
    assert by_name["reward-seeker.bits"]["file"] == "storyodds/priors/catalog/routes.yaml"
    assert by_name["reward-seeker.bits"]["q05"] == pytest.approx(-2)


@pytest.mark.parametrize("asked", [["sceptic"], ["rlhf-assistant", "--sources"]])
def test_numbers_are_those_of_a_story_and_asked_for_alone(run: Any, asked: list[str]) -> None:
    code, out, err = run("show", *asked, "--numbers")
    assert (code, out) == (WRONG_INPUT, "")
    assert "expected" in err


def test_list_names_every_story_and_view(run: Any) -> None:
    ran = run("list")
    assert ran.code == DONE
    for name in bundled_stories():
        assert f"  {name} " in ran.out
        assert load_story(name).title in ran.out
    found = run("list", "--json").json
    assert list(found["stories"]) == list(bundled_stories())
    assert {"sceptic", "advocate"} <= set(found["views"])


def test_show_gives_the_very_text(run: Any) -> None:
    ran = run("show", "carlsmith-six-premises")
    assert (ran.code, ran.out) == (DONE, story_text("carlsmith-six-premises"))
    found = run("show", "carlsmith-six-premises", "--json").json
    assert found["text"] == story_text("carlsmith-six-premises")
    assert run("show", "nope").code == WRONG_INPUT
