"""The page that `storyodds compare --page` writes."""

import json
from pathlib import Path

import pytest
from support.command_line import Run, document
from support.html_pages import parsed, policy_hash, policy_of

from storyodds.cli import main
from storyodds.reports.words.numbers import percent, signed

DONE, WRONG_INPUT = 0, 2
VIEWS = ("coinrun-agent", "--view", "wide", "--view", "sceptic", "--draws", "128")

COMMAND = "compare"


def test_the_page_has_what_the_command_reports(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "views.html"
    code, out, err = run(*VIEWS, "--page", str(file), "--json")
    assert (code, err) == (DONE, "")
    found = document(out)
    root = parsed(file.read_text("utf-8"))
    said = root.text
    for sentence in found["summary"]:
        assert " ".join(sentence.split()) in said
    sections = {it.attributes["id"] for it in root.all("section")}
    assert {"sides", "odds", "differences", "changes-1", "changes-2", "ranks"} <= sections
    assert {"order", "evidence", "beside", "again"} <= sections
    rows = [[cell.text for cell in row.children] for row in root.all("tr")]
    for side in found["sides"]:
        (row,) = (r for r in rows if r[:2] == ["success", side["name"]])
        assert row[2].startswith(percent(side["odds"]["success"]["mean"]))
    for pair in found["pairs"][:2]:
        (row,) = (r for r in rows if r[:2] == ["success", pair["second"]])
        assert row[3].startswith(signed(pair["differences"]["success"]["mean"]))
        for change in pair["contributions"]["changes"]:
            assert any(r[0] == change["label"] for r in rows)
    assert "storyodds compare coinrun-agent --view wide --view sceptic --draws 128" in said


def test_the_page_is_closed_to_the_network(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "two.html"
    code, out, _ = run("coinrun-agent", "cat-classifier", "--draws", "128", "--page", str(file))
    assert code == DONE and out.endswith(f"wrote {file}\n")
    text = file.read_text("utf-8")
    root = parsed(text)
    policy = policy_of(root)
    (style,) = root.all("style")
    assert policy_hash("".join(style.words)) in policy["style-src"]
    assert "src=" not in text.replace("data-src", "")


def test_a_make_is_compared_with_what_came_after_it(run: Run, tmp_path: Path) -> None:
    story = "carlsmith-six-premises"
    assert main(["dashboard", story, "-o", str(tmp_path), "--json"]) == DONE
    (make,) = (tmp_path / "history" / story).iterdir()
    changed = tmp_path / "mine.yaml"
    data = json.loads(make.read_text("utf-8"))
    text = data["story_yaml"].replace(
        "carlsmith-2022/aps-feasible", "carlsmith-2022/strong-incentives"
    )
    changed.write_text(text, "utf-8")
    page = tmp_path / "versions.html"
    code, _, err = run(str(make), str(changed), "--page", str(page))
    assert (code, err) == (DONE, "")
    said = parsed(page.read_text("utf-8")).text
    assert f"{story} of {make.name[:10]}" in said
    assert "What each change adds" in said and "aps-feasible.probability" in said


def test_the_index_links_to_a_comparison_beside_it(run: Run, tmp_path: Path) -> None:
    story = "carlsmith-six-premises"
    assert main(["dashboard", story, "-o", str(tmp_path), "--json"]) == DONE
    page = tmp_path / "with view.html"
    assert run(story, "--view", "sceptic", "--page", str(page)).code == DONE
    links = {a.attributes["href"] for a in parsed(page.read_text("utf-8")).all("a")}
    assert {"index.html", f"{story}.html"} <= links
    (tmp_path / "other.html").write_text("<!doctype html><title>Mine</title>")
    assert main(["dashboard", story, "-o", str(tmp_path), "--json"]) == DONE
    index = parsed((tmp_path / "index.html").read_text("utf-8"))
    links = {a.attributes["href"] for a in index.all("a")}
    assert "with%20view.html" in links and "other.html" not in links


@pytest.mark.parametrize(
    ("name", "said"),
    [("page.pdf", "expected a file whose name ends in .html"), ("no/page.html", "does not exist")],
)
def test_a_page_that_cannot_be_written(run: Run, tmp_path: Path, name: str, said: str) -> None:
    code, out, err = run(*VIEWS, "--page", str(tmp_path / name))
    assert (code, out) == (WRONG_INPUT, "")
    assert "--page: " in err and said in err
