"""`storyodds export` as a stranger meets it."""

import shlex
import zlib
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from support.command_line import SMALL, Run, document
from support.html_pages import parsed

from storyodds.reports.words.numbers import about_one_in, interval, percent

COMMAND = "export"
DONE, FAILED, WRONG_INPUT, NOT_RELIABLE = 0, 1, 2, 3
EXACT = "carlsmith-six-premises"
FEW = ("--draws", "256")
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def small(tmp_path: Path) -> str:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL, encoding="utf-8")
    return str(path)


def test_markdown_goes_to_standard_output(run: Run, small: str) -> None:
    code, out, err = run(small, *FEW)
    assert (code, err) == (DONE, "")
    assert out.startswith("# A small story\n")
    assert "## What it hangs on" in out and "## What is worth finding out next" in out
    assert run(small, *FEW).out == out


def test_markdown_goes_to_a_file(run: Run, small: str, tmp_path: Path) -> None:
    target = tmp_path / "annex.md"
    code, out, err = run(small, *FEW, "-o", str(target))
    assert (code, out, err) == (DONE, f"wrote {target}\n", "")
    assert target.read_text("utf-8").startswith("# A small story\n")


def test_a_goal_structure_is_yaml_and_pictures(run: Run, tmp_path: Path) -> None:
    code, out, err = run(EXACT, "--to", "gsn-yaml")
    assert (code, err) == (DONE, "")
    assert yaml.safe_load(out)["G1"]["supportedBy"] == ["S1"]
    drawn, painted = tmp_path / "it.svg", tmp_path / "it.png"
    assert run(EXACT, "--to", "gsn-svg", "-o", str(drawn)).code == DONE
    assert run(EXACT, "--to", "gsn-png", "-o", str(painted)).code == DONE
    assert ElementTree.parse(drawn).getroot().tag.endswith("svg")
    assert painted.read_bytes().startswith(PNG)


@pytest.mark.parametrize("ending", ["svg", "png", "html"])
def test_every_figure_of_a_story_becomes_a_file(
    run: Run, small: str, tmp_path: Path, ending: str
) -> None:
    folder = tmp_path / "figures"
    more = ("--format", ending) if ending != "svg" else ()
    code, _, err = run(small, *FEW, "--to", "figures", "-o", str(folder), *more)
    assert (code, err) == (DONE, "")
    files = sorted(folder.iterdir())
    assert folder / f"goal-structure.{ending}" in files
    readme = (folder / "README.md").read_text("utf-8")
    command = f"storyodds export {small} --draws 256 --seed 1 --to figures"
    pictures = [file for file in files if file.suffix == f".{ending}"]
    rest = [file for file in files if file not in pictures]
    assert {file.suffix for file in rest} == {".csv", ".md"}
    assert all(f"`{file.name}`" in readme for file in files if file.suffix != ".md")
    assert command in readme
    for file in pictures:
        content = file.read_bytes()
        if ending == "png":
            assert content.startswith(PNG)
            texts = png_texts(content)
            assert command in texts["Source"] and texts["Software"].startswith("storyodds ")
            assert texts["Title"] and "A small story (small, sha256 " in texts["Subject"]
        elif ending == "svg":
            root = ElementTree.parse(file).getroot()
            assert root.tag.endswith("svg")
            facts = {it.tag.partition("elements/1.1/}")[2]: it.text for it in root.iter()}
            assert command in (facts["source"] or "") and facts["title"]
            assert (facts["creator"] or "").startswith("storyodds ")
        else:
            root = parsed(content.decode())
            assert [it.tag for it in root.children] == ["figure"]
            assert command in root.text and not root.all("script")


def png_texts(content: bytes) -> dict[str, str]:
    """By keyword, the texts of a PNG, whose chunks are what their checks say."""
    texts, place = {}, len(PNG)
    while place < len(content):
        length = int.from_bytes(content[place : place + 4])
        body = content[place + 4 : place + 8 + length]
        assert zlib.crc32(body) == int.from_bytes(content[place + 8 + length :][:4])
        if body.startswith(b"iTXt"):
            keyword, _, words = body[4:].partition(b"\0\0\0\0\0")
            texts[keyword.decode()] = words.decode()
        place += 12 + length
    return texts


def test_one_figure_to_embed(run: Run, small: str, tmp_path: Path) -> None:
    folder, more = tmp_path / "one", ("--to", "figures", "--format", "html")
    options = (*FEW, *more, "-o", str(folder))
    folder.mkdir()
    (folder / "README.md").write_text("of all figures", "utf-8")
    assert run(small, *options, "--only", "how-the-story-ends").code == DONE
    assert sorted(file.name for file in folder.iterdir()) == [
        "README.md",
        "how-the-story-ends.csv",
        "how-the-story-ends.html",
    ]
    assert (folder / "README.md").read_text("utf-8") == "of all figures"
    piece = (folder / "how-the-story-ends.html").read_text("utf-8")
    sheet = piece.partition("<style>")[2].partition("</style>")[0]
    rules = [rule.partition("{")[0] for rule in sheet.splitlines() if "{" in rule]
    assert len(rules) > 50  # and none of them reaches beyond the figure
    assert all(part.startswith(".storyodds-figure ") for rule in rules for part in rule.split(","))
    code, out, err = run(small, *options, "--only", "how-the-story-end")
    assert (code, out) == (WRONG_INPUT, "")
    assert "--only: found 'how-the-story-end', expected a figure of this story, such as " in err
    assert "did you mean 'how-the-story-ends'" in err
    code, _, err = run(small, "--only", "how-the-story-ends")
    assert code == WRONG_INPUT and "--only: found 'how-the-story-ends' with --to markdown" in err


def test_json_tells_what_was_written(run: Run, tmp_path: Path) -> None:
    target = tmp_path / "it.yaml"
    code, out, err = run(EXACT, "--to", "gsn-yaml", "-o", str(target), "--json")
    assert (code, err) == (DONE, "")
    told = document(out)
    assert told["schema"] == "storyodds/export/1" and told["story"] == EXACT
    assert told["written"] == [{"file": str(target), "bytes": target.stat().st_size}]
    assert told["text"] is None
    told = document(run(EXACT, "--to", "gsn-yaml", "--json").out)
    assert told["written"] == [] and told["text"] == target.read_text("utf-8")


def test_changes_are_made_and_told(run: Run) -> None:
    code, out, _ = run(EXACT, "--to", "gsn-yaml", "--set", "aps-feasible=0.5")
    assert code == DONE
    plain = run(EXACT, "--to", "gsn-yaml").out
    assert out != plain
    assert "aps-feasible = 0.5" in yaml.safe_load(out)["C2"]["text"]


def test_every_mistake_is_told_at_once_and_nothing_is_written(run: Run, tmp_path: Path) -> None:
    code, out, err = run("no-such-story", "--to", "gsn-svg", "--format", "png")
    assert (code, out) == (WRONG_INPUT, "")
    assert "no-such-story" in err and "--output" in err and "--format" in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("markdown", "annex.txt"),
        ("gsn-yaml", "it.json"),
        ("gsn-svg", "it.png"),
        ("gsn-png", "none/it.png"),
        ("figures", "none/figures"),
        ("figures", "taken"),
    ],
)
def test_wrong_places_are_refused(run: Run, tmp_path: Path, kind: str, name: str) -> None:
    (tmp_path / "taken").write_text("here", encoding="utf-8")
    code, out, err = run(EXACT, "--to", kind, "-o", str(tmp_path / name))
    assert (code, out) == (WRONG_INPUT, "")
    assert err.startswith("--output: ")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_a_place_that_cannot_be_written_to_fails(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, content: bytes) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("storyodds.commands.export.write_atomically", refuse)
    code, out, err = run(EXACT, "--to", "gsn-yaml", "-o", str(tmp_path / "it.yaml"))
    assert (code, out) == (FAILED, "")
    assert "cannot save" in err and "permission denied" in err


def test_what_is_not_reliable_says_so_and_exits_with_3(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from storyodds.reports.documents.estimate import whole as estimate

    sound = estimate.diagnostics

    def unsound(*given: object) -> object:
        return {**sound(*given), "ok": False, "messages": ["too few draws"]}  # type: ignore[arg-type]

    monkeypatch.setattr(estimate, "diagnostics", unsound)
    code, out, err = run(EXACT, "--to", "gsn-yaml")
    assert code == NOT_RELIABLE
    assert "NOT RELIABLE: too few draws" in err and "NOT RELIABLE" in out


def test_the_command_of_an_annex_gives_its_numbers_again(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from storyodds.cli import main

    story, view = tmp_path / "my story.yaml", tmp_path / "my-view.yaml"
    story.write_text(
        "story: again\ntitle: My own story\ngoal: {specification: S., desirability: D.}\n"
        "assumptions:\n  a: {probability: [0.1, 0.7]}\n  b: {probability: [0.1, 0.7]}\n"
        "routes:\n  - {id: r, class: deceptive, requires: [a, b], bits: 0, harm: 0.5}\n"
        "  - {id: something-else, class: other, bits: -5, harm: 0.01}\n",
        "utf-8",
    )
    view.write_text("view: mine\ntitle: My view\nset: {a: 0.25}\n", "utf-8")
    options = ("--view", str(view), "--set", "r.harm=[0.2,0.6]", "--draws", "128", "--seed", "7")
    code, annex, _ = run(str(story), *options)
    assert code == DONE
    [line] = [line for line in annex.splitlines() if line.startswith("storyodds estimate")]
    words = shlex.split(line)
    assert words[2] == str(story) and words[words.index("--view") + 1] == str(view)
    capsys.readouterr()
    assert main(words[1:]) == DONE
    found = document(capsys.readouterr().out)
    for fate in ("success", "catastrophe"):
        summary = found["fates"][fate]
        assert f"{percent(summary['mean'])}, {about_one_in(summary['mean'])}" in annex
        assert interval(summary) in annex
