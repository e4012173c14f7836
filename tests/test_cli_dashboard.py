"""`storyodds dashboard` as a stranger meets it."""

import json
from pathlib import Path

import pytest
from support.command_line import Run, document
from support.html_pages import parsed

from storyodds import load_story
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
    assert {file.name for file in folder.iterdir()} == names | {"index.html"}
    assert out.count("wrote ") == 3 and str(folder / "index.html") in out
    first = parsed((folder / "index.html").read_text("utf-8"))
    links = [it.attributes["href"] for it in first.all("a")]
    assert {f"{EXACT}.html", f"{UNCERTAIN}.html"} <= set(links)
    assert links.index(f"{EXACT}.html") < links.index(f"{UNCERTAIN}.html")  # more dangerous


def test_ranks_follow_the_numbers(run: Run, tmp_path: Path) -> None:
    run(EXACT, UNCERTAIN, "-o", str(tmp_path), *FEW)
    saved = {
        name: json.loads((tmp_path / f"{name}.json").read_text()) for name in (EXACT, UNCERTAIN)
    }
    root = parsed((tmp_path / "index.html").read_text("utf-8"))
    sections = {it.attributes["id"]: it for it in root.all("section")}
    for id, fate in (("by-catastrophe", "catastrophe"), ("by-success", "success")):
        order = [
            it.attributes["href"].removesuffix(".html")
            for it in sections[id].all("a")
            if it.attributes["href"].endswith(".html")
        ]
        ranked = (name for name in saved if fate == "catastrophe" or name != EXACT)
        expected = sorted(ranked, key=lambda it: -saved[it]["fates"][fate]["mean"])
        assert order == expected


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
        return {file.name: file.read_bytes() for file in tmp_path.iterdir()}

    first, second, third = made(), made(), made()
    assert second == third
    assert first[f"{UNCERTAIN}.html"] == second[f"{UNCERTAIN}.html"]
    assert "nothing was saved before" in first["index.html"].decode()
    assert "text is the same: success" in second["index.html"].decode()
    assert "as before" in second["index.html"].decode()


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
    assert "text is another: success" in words(tmp_path / "index.html")


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
def test_a_damaged_result_is_told_and_replaced(run: Run, tmp_path: Path, content: str) -> None:
    (tmp_path / f"{EXACT}.json").write_text(content, encoding="latin-1")
    assert run(EXACT, "-o", str(tmp_path)).code == DONE
    assert "saved" in words(tmp_path / "index.html")
    assert "Since the last result" not in words(tmp_path / "index.html")
    assert json.loads((tmp_path / f"{EXACT}.json").read_text())["story"] == EXACT


def test_json_tells_what_was_written(run: Run, tmp_path: Path) -> None:
    code, out, err = run(EXACT, "-o", str(tmp_path), "--json")
    assert (code, err) == (DONE, "")
    found = document(out)
    assert found["schema"] == "storyodds/dashboard/1"
    for entry in found["written"]:
        assert Path(entry["file"]).stat().st_size == entry["bytes"]
    assert len(found["written"]) == 3


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
