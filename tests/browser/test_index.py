"""The pages of several stories in a browser: searching, sorting, and a figure that is copied."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.accessibility import violations

from storyodds.cli import main

Opener = Callable[..., Any]

STORIES = ("cat-classifier", "coinrun-agent", "carlsmith-six-premises")
WIDE = {"viewport": {"width": 1180, "height": 900}}
NARROW = {"viewport": {"width": 360, "height": 800}}
MAY_COPY = {"permissions": ["clipboard-read", "clipboard-write"]}
LEAST_TYPE = 11  # pixels, below which few can read


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three stories, one of them made twice, and a page that compares."""
    folder = tmp_path_factory.mktemp("pages")
    few = ("--draws", "256", "--json")
    assert main(["dashboard", STORIES[0], "-o", str(folder), *few]) == 0
    changed = ("--set", "something-else=1", "--view", "wide")
    assert main(["dashboard", STORIES[0], "-o", str(folder), *few, *changed]) == 0
    page = str(folder / "views.html")
    views = ("--view", "wide", "--view", "sceptic")
    assert main(["compare", "coinrun-agent", *views, "--page", page, *few]) == 0
    assert main(["dashboard", *STORIES[1:], "-o", str(folder), *few]) == 0
    return folder


def stories(page: Any) -> list[str]:
    shown = page.locator(".stories > li:visible code").all_inner_texts()
    return [name for name in shown if name in STORIES]


def test_stories_are_searched_and_sorted(pages: Path, open_page: Opener) -> None:
    page = open_page(pages / "index.html", **WIDE)
    assert set(stories(page)) == set(STORIES)
    page.fill("#search", "something-else")
    assert stories(page) == ["cat-classifier"]
    assert page.inner_text("#shown") == "1 of 3 stories"
    assert page.locator("#risk-argument").is_hidden()
    page.fill("#search", "")
    page.select_option("#sort", "title")
    assert stories(page)[:2] == ["coinrun-agent", "cat-classifier"]  # CoinRun…, Image…
    page.wait_for_function("() => location.hash === '#sort=title'")
    again = open_page(pages / "index.html", "#search=premises&sort=made", **WIDE)
    assert stories(again) == ["carlsmith-six-premises"]
    assert again.input_value("#sort") == "made"
    strange = open_page(pages / "index.html", "#sort=constructor&search=%E0%A4%A", **WIDE)
    assert strange.input_value("#sort") == "catastrophe"


@pytest.mark.parametrize("name", ["index", "views"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_nothing_is_cut_or_too_small(
    pages: Path, open_page: Opener, name: str, size: dict[str, Any]
) -> None:
    page = open_page(pages / f"{name}.html", **size)
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    small = page.evaluate(
        """least => [...document.querySelectorAll('body :not(svg *)')]
            .filter(e => e.checkVisibility() && e.innerText?.trim())
            .filter(e => parseFloat(getComputedStyle(e).fontSize) < least).map(e => e.outerHTML)""",
        LEAST_TYPE,
    )
    assert small == []


@pytest.mark.parametrize("name", ["index", "views"])
def test_axe_finds_nothing(pages: Path, open_page: Opener, name: str) -> None:
    page = open_page(pages / f"{name}.html", color_scheme="light", bypass_csp=True, **WIDE)
    assert violations(page) == []


def test_a_figure_is_copied_cited_and_linked_to(pages: Path, open_page: Opener) -> None:
    page = open_page(pages / "coinrun-agent.html", **WIDE, **MAY_COPY)
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    picture = page.locator("svg#see-how-the-story-ends")
    picture.hover()
    buttons = picture.locator("xpath=following-sibling::p[@class='cite']/button")
    clipboard = "navigator.clipboard.readText()"
    buttons.nth(1).click()
    page.wait_for_function("b => b.textContent === 'Copied'", arg=buttons.nth(1).element_handle())
    cited = page.evaluate(clipboard)
    assert cited.startswith("“How the story ends”, in “")
    assert "story sha256" in cited and cited.endswith("#see-how-the-story-ends")
    buttons.nth(0).click()
    page.wait_for_function("b => b.textContent === 'Copied'", arg=buttons.nth(0).element_handle())
    size = page.evaluate(
        """async () => { const [it] = await navigator.clipboard.read();
            const picture = await createImageBitmap(await it.getType('image/png'));
            return picture.width }"""
    )
    assert size >= 1600
    linked = open_page(pages / "coinrun-agent.html", "#see-how-the-story-ends", **WIDE)
    assert linked.locator("svg#see-how-the-story-ends").evaluate(
        "it => it.getBoundingClientRect().top < innerHeight && it.getBoundingClientRect().top >= 0"
    )
