"""`storyodds dashboard` as a stranger meets it."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from support.command_line import Run, document
from support.html_pages import parsed

from storyodds import load_story
from storyodds.scenarios.loader import load_text
from storyodds.scenarios.serialize import to_yaml

DONE, FAILED, WRONG_INPUT, NOT_RELIABLE = 0, 1, 2, 3
EXACT, UNCERTAIN = "carlsmith-six-premises", "cat-classifier"
FEW = ("--draws", "256")

COMMAND = "dashboard"


def words(file: Path) -> str:
    return parsed(file.read_text("utf-8")).text


def test_a_page_for_each_story_and_one_for_all(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "pages"
    code, out, err = run(EXACT, UNCERTAIN, "-o", str(folder), *FEW)
    assert (code, err) == (DONE, "")
    names = {f"{name}.{ending}" for name in (EXACT, UNCERTAIN) for ending in ("html", "json")}
    assert {file.name for file in folder.iterdir()} == names | {"index.html", "history"}
    assert out.count("wrote ") == 3 and str(folder / "index.html") in out
    first = parsed((folder / "index.html").read_text("utf-8"))
    links = [it.attributes["href"] for it in first.all("a")]
    assert {f"{EXACT}.html", f"{UNCERTAIN}.html"} <= set(links)


def rows(folder: Path) -> dict[str, list[str]]:
    """By kind, the stories of the index in its order."""
    root = parsed((folder / "index.html").read_text("utf-8"))
    return {
        section.attributes["id"]: [
            row.attributes["data-search"].split()[0]
            for row in section.all("li")
            if "data-search" in row.attributes
        ]
        for section in root.all("section")
    }


def test_stories_are_ranked_within_their_kind_only(run: Run, tmp_path: Path) -> None:
    other = "coinrun-agent"
    run(EXACT, UNCERTAIN, other, "-o", str(tmp_path), *FEW)
    saved = {
        name: json.loads((tmp_path / f"{name}.json").read_text()) for name in (UNCERTAIN, other)
    }
    order = sorted(saved, key=lambda it: -saved[it]["fates"]["catastrophe"]["mean"])
    assert rows(tmp_path) == {"training-story": order, "risk-argument": [EXACT]}


def test_stories_of_earlier_makes_are_listed_with_what_was_changed(
    run: Run, tmp_path: Path
) -> None:
    run(UNCERTAIN, "-o", str(tmp_path), *FEW, "--view", "wide", "--set", "something-else=1")
    (tmp_path / "notes.json").write_text("{}")
    (tmp_path / "broken.json").write_text("{}")
    (tmp_path / "broken.html").write_text("<!doctype html>")
    run(EXACT, "-o", str(tmp_path))
    assert rows(tmp_path) == {"training-story": [UNCERTAIN], "risk-argument": [EXACT]}
    said = words(tmp_path / "index.html")
    assert "view wide" in said and "something-else = 1" in said
    assert "not made again with the others" in said
    assert "broken.json is no result of that story" in said and "notes.json" not in said


def makes(folder: Path, story: str) -> list[dict[str, Any]]:
    """The makes that are kept of a story, the oldest first."""
    files = sorted((folder / "history" / story).iterdir())
    return [json.loads(file.read_text("utf-8")) for file in files]


def test_every_make_is_kept_under_the_hash_of_its_result(run: Run, tmp_path: Path) -> None:
    run(UNCERTAIN, "-o", str(tmp_path), *FEW)
    first = (tmp_path / f"{UNCERTAIN}.json").read_bytes()
    run(UNCERTAIN, "-o", str(tmp_path), *FEW, "--set", "something-else=1")
    second = (tmp_path / f"{UNCERTAIN}.json").read_bytes()
    names = sorted(file.stem for file in (tmp_path / "history" / UNCERTAIN).iterdir())
    digests = [hashlib.sha256(content).hexdigest() for content in (first, second)]
    assert [name.rpartition("-")[2] for name in names] == digests
    kept = makes(tmp_path, UNCERTAIN)
    assert [make["estimate"] for make in kept] == [json.loads(it) for it in (first, second)]
    assert load_text(kept[0]["story_yaml"]) == load_story(UNCERTAIN)


def test_what_each_change_adds_sums_to_the_difference(run: Run, tmp_path: Path) -> None:
    changes = tuple(
        word
        for number in ("something-else=1", "shortcuts-in-data=0.9", "rationale.feasibility=0.9")
        for word in ("--set", number)
    )
    run(UNCERTAIN, "-o", str(tmp_path), *FEW)
    run(UNCERTAIN, "-o", str(tmp_path), *FEW, *changes)
    before, after = makes(tmp_path, UNCERTAIN)
    since = after["since"]
    assert since["why"] is None
    edits = {edit["name"]: edit for change in since["changes"] for edit in change["edits"]}
    assert edits["something-else.bits"]["new"] == "+1 bits"
    assert edits["shortcuts-in-data.probability"]["new"] == "90%"
    (idle,) = (c for c in since["changes"] if c["label"] == "rationale.feasibility")
    assert idle["adds"]["success"]["mean"] == 0  # a criterion bears on no ending
    for fate in ("success", "catastrophe"):
        gap = after["estimate"]["fates"][fate]["mean"] - before["estimate"]["fates"][fate]["mean"]
        total = sum(change["adds"][fate]["mean"] for change in since["changes"])
        # Both are written to 12 digits, and a sum over few changes loses as many more as they are.
        assert total == pytest.approx(gap, abs=1e-10)
    for page in ("index", UNCERTAIN):
        said = words(tmp_path / f"{page}.html")
        assert "something-else.bits" in said and "rationale.feasibility" in said
        assert "adds to catastrophe, in points" in said


@pytest.mark.parametrize("damage", ["cut", "edited", "renamed", "other"])
def test_a_damaged_make_is_left_out_with_a_sentence(run: Run, tmp_path: Path, damage: str) -> None:
    run(EXACT, "-o", str(tmp_path))
    (file,) = (tmp_path / "history" / EXACT).iterdir()
    text = file.read_text("utf-8")
    if damage == "cut":
        file.write_text(text[:-20])
    elif damage == "edited":
        data = json.loads(text)
        data["estimate"]["title"] = "Another title"
        file.write_text(json.dumps(data))
    elif damage == "renamed":
        time, _, _ = file.name.partition("Z-")
        file.rename(file.with_name(f"{time}Z-{0:064x}.json"))
    else:
        file.write_text('{"schema": "storyodds/make/1", "story_yaml": 3}')
    (tmp_path / f"{EXACT}.json").unlink()
    assert run(EXACT, "-o", str(tmp_path)).code == DONE
    said = words(tmp_path / "index.html")
    assert "is no make of this story, or is damaged, and is left out" in said
    assert "First make" in said


def test_a_result_from_before_makes_were_kept_is_the_first_make(run: Run, tmp_path: Path) -> None:
    run(EXACT, "-o", str(tmp_path))
    shutil.rmtree(tmp_path / "history")
    run(EXACT, "-o", str(tmp_path), "--set", "aps-feasible=0.3")
    assert len(makes(tmp_path, EXACT)) == 2
    said = words(tmp_path / "index.html")
    assert "the story of the earlier make was not kept" in said
    assert "aps-feasible.probability 65% 30%" in said


def test_the_saved_result_is_that_of_estimate(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from storyodds.cli import main

    run(UNCERTAIN, "-o", str(tmp_path), *FEW)
    assert main(["estimate", UNCERTAIN, *FEW, "--json"]) == DONE
    assert json.loads((tmp_path / f"{UNCERTAIN}.json").read_text()) == document(
        capsys.readouterr().out
    )


def test_the_same_bytes_twice_and_what_changed_says_so(run: Run, tmp_path: Path) -> None:
    def made() -> dict[str, bytes]:
        assert run(UNCERTAIN, "-o", str(tmp_path), *FEW).code == DONE
        return {str(file): file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}

    assert made() == made()
    assert len(makes(tmp_path, UNCERTAIN)) == 1
    assert "First make: nothing was saved before." in words(tmp_path / "index.html")


def test_another_seed_is_within_error_and_another_story_is_told(run: Run, tmp_path: Path) -> None:
    run(UNCERTAIN, "-o", str(tmp_path), *FEW)
    run(UNCERTAIN, "-o", str(tmp_path), *FEW, "--seed", "2")
    said = words(tmp_path / "index.html")
    assert "text is the same (changed too: seed)" in said
    assert "within Monte Carlo error" in said
    story = load_story(UNCERTAIN)
    goal = story.goal.model_copy(update={"desirability": "Somebody thought again."})
    file = tmp_path / "other.yaml"
    file.write_text(to_yaml(story.model_copy(update={"goal": goal})), encoding="utf-8")
    run(str(file), "-o", str(tmp_path), *FEW, "--seed", "2")
    said = words(tmp_path / "index.html")
    assert "text is another" in said and "as before" in said


@pytest.mark.parametrize(
    "content",
    [
        "{", "[]", '{"schema": "storyodds/value/1"}', '{"schema": "storyodds/estimate/1"}',
        "[" * 100_000,
        '{"schema": "storyodds/estimate/1", "fates": {"success": {"mean": 7, "q05": 0, "q95": 1}}}',
        "\x00\xff",
    ],
    ids=["cut", "list", "other", "empty", "deep", "no-chance", "binary"],
)  # fmt: skip
def test_a_damaged_result_is_replaced(run: Run, tmp_path: Path, content: str) -> None:
    (tmp_path / f"{EXACT}.json").write_text(content, encoding="latin-1")
    assert run(EXACT, "-o", str(tmp_path)).code == DONE
    assert "First make" in words(tmp_path / "index.html")
    assert json.loads((tmp_path / f"{EXACT}.json").read_text())["story"] == EXACT


def test_json_tells_what_was_written(run: Run, tmp_path: Path) -> None:
    code, out, err = run(EXACT, "-o", str(tmp_path), "--json")
    assert (code, err) == (DONE, "")
    found = document(out)
    assert found["schema"] == "storyodds/dashboard/1"
    for entry in found["written"]:
        assert Path(entry["file"]).stat().st_size == entry["bytes"]
    assert len(found["written"]) == 4


def test_views_and_settings_are_in_the_page(run: Run, tmp_path: Path) -> None:
    code, _, _ = run(
        UNCERTAIN, "-o", str(tmp_path), *FEW, "--view", "wide", "--set", "rationale.feasibility=0.5"
    )
    assert code == DONE
    said = words(tmp_path / f"{UNCERTAIN}.html")
    assert "under view wide, rationale.feasibility = 0.5" in said
    assert "--view wide --set rationale.feasibility=0.5" in said


def test_exports_come_along(run: Run, tmp_path: Path) -> None:
    assert run(EXACT, "-o", str(tmp_path), "--export").code == DONE
    for ending, start in ((".md", "#"), (".gsn.svg", "<svg"), (".gsn.yaml", "")):
        text = (tmp_path / f"{EXACT}{ending}").read_text("utf-8")
        assert text.startswith(start) and len(text) > 500


def test_figures_to_embed_come_along(run: Run, tmp_path: Path) -> None:
    name = "how-the-story-ends"
    code, out, err = run(UNCERTAIN, "-o", str(tmp_path), "--embed", name, *FEW)
    file = tmp_path / f"{UNCERTAIN}.{name}.html"
    assert (code, err) == (DONE, "") and f"wrote {file}\n" in out
    piece = parsed(file.read_text("utf-8"))
    assert [it.tag for it in piece.children] == ["figure"] and not piece.all("script")
    assert f"storyodds dashboard {UNCERTAIN} --draws 256 --seed 1 --embed {name}" in piece.text
    other = tmp_path / "other"
    code, _, err = run(UNCERTAIN, "-o", str(other), "--embed", "how-it-ended", *FEW)
    assert code == WRONG_INPUT and "--embed: found 'how-it-ended', expected a figure" in err
    assert "did you mean 'how-the-story-ends'?" in err and not other.exists()
    code, _, err = run(UNCERTAIN, "-o", str(other), "--embed", name, "--brief", *FEW)
    assert code == WRONG_INPUT and "--brief: found --embed too" in err


def test_a_file_in_the_place_of_the_folder(run: Run, tmp_path: Path) -> None:
    place = tmp_path / "pages"
    place.write_text("mine")
    code, out, err = run(EXACT, "-o", str(place))
    assert (code, out) == (WRONG_INPUT, "")
    assert "expected a folder" in err
    assert place.read_text() == "mine"


def test_every_mistake_at_once_and_nothing_is_written(run: Run, tmp_path: Path) -> None:
    code, out, err = run(
        EXACT, EXACT, "-o", str(tmp_path / "a" / "b"), "--view", "nobody", "--set", "x"
    )
    assert (code, out) == (WRONG_INPUT, "")
    for said in ("both the story", "does not exist", "nobody", "--set"):
        assert said in err, said
    assert list(tmp_path.iterdir()) == []


def test_two_stories_of_one_id_are_named(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(to_yaml(load_story(EXACT)), encoding="utf-8")
    code, _, err = run(EXACT, str(file), "-o", str(tmp_path / "pages"))
    assert code == WRONG_INPUT
    assert f"'{EXACT}'" in err and str(file) in err
    assert not (tmp_path / "pages").exists()


def test_a_story_cannot_take_the_place_of_the_first_page(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    story = load_story(EXACT).model_copy(update={"story": "index"})
    file.write_text(to_yaml(story), encoding="utf-8")
    code, _, err = run(str(file), "-o", str(tmp_path / "pages"))
    assert code == WRONG_INPUT and "expected another id" in err


def test_nothing_is_written_when_the_last_story_fails(run: Run, tmp_path: Path) -> None:
    impossible = tmp_path / "impossible.yaml"
    impossible.write_text(
        to_yaml(load_story(EXACT)).replace(f"story: {EXACT}", "story: second")
        + "evidence:\n- {id: never, claim: It was seen., about: {assumption: aps-feasible},\n"
        "  counts: {hits: 1, trials: 1}, rates: {true: {fixed: 0, basis: assumed, source: none},\n"
        "  false: {fixed: 0, basis: assumed, source: none}}, source: none}\n",
        encoding="utf-8",
    )
    folder = tmp_path / "pages"
    code, _, err = run(EXACT, str(impossible), "-o", str(folder))
    assert code == WRONG_INPUT and err
    assert not folder.exists()


def test_doubtful_pages_are_written_and_marked(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "hard.yaml"
    file.write_text(
        "story: hard\ntitle: Hard\ngoal: {specification: x, desirability: y}\n"
        "assumptions: {a: {probability: {beta: [1, 1]}}}\n"
        "routes:\n  - {id: bad, class: deceptive, requires: a, bits: {normal: [0, 9]}, harm: 0.5}\n"
        "  - {id: something-else, class: other, bits: 0, harm: 0.1}\n"
        "evidence:\n  - {id: e, about: {class: deceptive}, forecast: 0.999, sd_bits: 0.01}\n",
        encoding="utf-8",
    )
    options = ("--method", "weighting", "--draws", "64")
    code, _, err = run(str(file), EXACT, "-o", str(tmp_path), *options)
    assert code == NOT_RELIABLE
    assert "hard: NOT RELIABLE" in err and EXACT not in err
    assert "NOT RELIABLE" in words(tmp_path / "hard.html")
    assert "NOT RELIABLE" in words(tmp_path / "index.html")
    assert "NOT RELIABLE" not in words(tmp_path / f"{EXACT}.html")


# The card


@pytest.mark.parametrize("ending", [".svg", ".png"])
def test_the_card_is_a_file_too_and_previews_links_from_beside_the_page(
    run: Run, tmp_path: Path, ending: str
) -> None:
    card = tmp_path / "pages" / f"card{ending}"
    code, out, err = run(EXACT, "-o", str(card.parent), "--brief", "--card", str(card))
    assert (code, err) == (DONE, "")
    assert out.splitlines()[-1] == f"wrote {card}"
    start = b"<svg" if ending == ".svg" else b"\x89PNG"
    assert card.read_bytes().startswith(start)
    page = (card.parent / f"{EXACT}.html").read_text("utf-8")
    assert f'<meta property="og:image" content="card{ending}">' in page
    elsewhere = tmp_path / f"card{ending}"
    assert run(EXACT, "-o", str(card.parent), "--brief", "--card", str(elsewhere)).code == DONE
    assert elsewhere.read_bytes() == card.read_bytes()
    assert "og:image" not in (card.parent / f"{EXACT}.html").read_text("utf-8")


def test_a_brief_page_is_the_card_alone(run: Run, tmp_path: Path) -> None:
    assert run(EXACT, "-o", str(tmp_path), "--brief", "--limit", "catastrophe=0.01").code == DONE
    root = parsed((tmp_path / f"{EXACT}.html").read_text("utf-8"))
    assert root.all("section") == [] and root.all("nav") == []
    said = root.all("header")[0].text
    assert "Catastrophe is above the limit of 1%: it is 5.1%." in said
    assert "This is not a claim of safety" in said
    described = [it for it in root.all("meta") if it.attributes.get("name") == "description"]
    assert "5.1%" in described[0].attributes["content"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--card", "card.gif"), "--card: found 'card.gif', expected a file whose name ends in "),
        (("--card", "nowhere/card.png"), "--card: the folder 'nowhere' does not exist"),
        ((UNCERTAIN, "--card", "card.png"), "--card: found 2 stories, expected one"),
        (("--brief", "--thorough"), "--brief: found --thorough too, expected one or the other"),
        (("--limit", "catastrophe=7"), "--limit catastrophe: found '7', expected a probability"),
    ],
)
def test_a_card_that_cannot_be(
    run: Run, tmp_path: Path, options: tuple[str, ...], sentence: str
) -> None:
    code, out, err = run(EXACT, "-o", str(tmp_path), *options)
    assert (code, out) == (WRONG_INPUT, "")
    assert sentence in err
    assert list(tmp_path.glob("*.html")) == []
