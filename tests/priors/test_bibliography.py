"""The bibliography: every work that a shipped file cites, and nothing that none does."""

import importlib.resources
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from storyodds.priors import bibliography, library
from storyodds.priors.bibliography import address, work_key, works
from storyodds.priors.text.errors import InputError

FOLDERS = {"scenarios": ("library",), "priors": ("packs", "views", "catalog")}


def shipped() -> Iterator[Path]:
    for room, folders in FOLDERS.items():
        for folder in folders:
            home = Path(str(importlib.resources.files(f"storyodds.{room}"))) / folder
            yield from sorted(home.glob("*.yaml"))


def addresses(data: Any) -> Iterator[str]:
    """Every `url` anywhere in the data of a file."""
    if isinstance(data, dict):
        if isinstance(data.get("url"), str):
            yield data["url"]
        data = list(data.values())
    for item in data if isinstance(data, list) else ():
        yield from addresses(item)


CITED = {
    url: path.name
    for path in shipped()
    for url in addresses(yaml.safe_load(path.read_text(encoding="utf-8")))
}


def test_every_folder_has_files_that_cite() -> None:
    folders = {path.parent.name for path in shipped()}
    assert folders == {name for names in FOLDERS.values() for name in names}
    assert len(CITED) > 20


@pytest.mark.parametrize("url", sorted(CITED))
def test_every_cited_work_is_in_the_bibliography(url: str) -> None:
    assert work_key(url) is not None, f"{CITED[url]} cites {url}"


@pytest.mark.parametrize("key", list(works()))
def test_every_work_is_cited(key: str) -> None:
    assert key in {work_key(url) for url in CITED}


def test_entries_are_well_formed() -> None:
    for key, work in works().items():
        assert work_key(work.url) == key
        assert key.endswith(f"-{work.year}")
        if work.arxiv is not None:
            assert work.url == f"https://arxiv.org/abs/{work.arxiv}"
        assert (work.arxiv is not None) == ("arxiv.org" in work.url)
        assert bibliography.OTHERS not in work.authors[:1] + work.authors[:-1]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://arxiv.org/abs/1906.01820", "http://www.arxiv.org/pdf/1906.01820v3.pdf"),
        ("https://www.lesswrong.com/posts/abc/title", "https://greaterwrong.com/posts/abc"),
        ("https://example.org/a", "https://www.example.org/a/#part"),
    ],
)
def test_addresses_of_one_work(one: str, other: str) -> None:
    assert address(one) == address(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://arxiv.org/abs/1906.01820", "https://arxiv.org/abs/1906.01821"),
        ("https://www.lesswrong.com/posts/abc", "https://www.lesswrong.com/posts/abcd"),
        ("https://www.lesswrong.com/posts/a", "https://www.lesswrong.com/posts/a?commentId=b"),
        ("https://www.lesswrong.com/posts/a", "https://www.greaterwrong.com/posts/a/t/comment/b"),
        ("https://example.org/a", "https://example.org/a?page=2"),
        ("https://example.org/a", "https://example.com/a"),
    ],
)
def test_addresses_of_different_works(one: str, other: str) -> None:
    assert address(one) != address(other)


def test_a_comment_has_one_address_everywhere() -> None:
    one = "https://www.lesswrong.com/posts/a?commentId=b"
    assert address(one) == address("https://www.greaterwrong.com/posts/a/t/comment/b")


WRONG = """\
bibliography: works
works:
  ann-2020: {authors: [Ann], title: A, year: 2020, kind: post, url: "https://example.org/a",
    read: primary, cite: Ann 2020}
  ben-2020: {authors: [Ben], title: B, year: 2020, kind: post, url: "https://www.example.org/a/",
    read: primary, cite: Ben 2020}
"""


def read(text: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    (folder / "bibliography.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(
        library, "_shipped_files", lambda _: {"bibliography": folder / "bibliography.yaml"}
    )
    works.__wrapped__()


def test_an_address_may_be_given_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="found the address of 'ann-2020' again") as caught:
        read(WRONG, monkeypatch, tmp_path)
    (problem,) = caught.value.problems
    assert (problem.line, problem.key_path) == (5, "works.ben-2020.url")


def test_the_reader_is_strict(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = WRONG.replace("kind: post", "kinds: post").replace("2020, ", '"2020", ')
    with pytest.raises(InputError) as caught:
        read(text, monkeypatch, tmp_path)
    told = {problem.message for problem in caught.value.problems}
    assert "found the unknown key 'kinds'; did you mean 'kind'?" in told
    assert {problem.line for problem in caught.value.problems} == {3, 5}
