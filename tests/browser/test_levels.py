"""The three levels of a page at every width: nothing cut, nothing small, nothing covered."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.many_routes import many_routes

from storyodds import to_yaml
from storyodds.cli import main

Opener = Callable[..., Any]

STORIES = ("rlhf-assistant", "carlsmith-six-premises", "many-routes")
WIDTHS = (360, 390, 768, 1180, 1440)
LEAST_TYPE = 11.0  # pixels of letters as they stand on the screen, pictures included
_ROUNDING = 0.05  # pixels, of a width that is divided by the units of a picture

# Boxes that leave the window or are wider inside than outside, and letters that are too small.
# What is only for the ear stands far to the left; what scrolls by itself may be wider inside.
FAULTS = """least => {
  const faults = [], wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > wide) faults.push("the page scrolls sideways");
  for (const e of document.querySelectorAll("body *")) {
    const box = e.getBoundingClientRect(), look = getComputedStyle(e);
    if (!box.width || !e.checkVisibility() || box.right < 0 || e.closest(".scroll")) continue;
    const name = `${e.tagName} of ${e.closest("section")?.id}: ${e.textContent.slice(0, 40)}`;
    if (box.right > wide + 1 || box.left < -1) faults.push("beyond the window: " + name);
    const svg = e.closest("svg");
    const boxed = !svg && look.display !== "inline" && look.overflowX === "visible";
    if (boxed && e.clientWidth && e.scrollWidth > e.clientWidth + 1)
      faults.push("wider than its box: " + name);
    const units = svg?.viewBox.baseVal?.width;
    const larger = units ? svg.getBoundingClientRect().width / units : 1;
    const size = parseFloat(look.fontSize) * larger;
    const says = [...e.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
    if (says && !["title", "desc"].includes(e.tagName) && size < least)
      faults.push(`letters of ${size} pixels: ` + name);
  }
  return faults;
}"""
OPEN = "document.querySelectorAll('details.level').forEach(level => { level.open = true })"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The largest bundled story, one with nothing uncertain, and one of fifty routes."""
    folder = tmp_path_factory.mktemp("levels")
    (folder / "many-routes.yaml").write_text(to_yaml(many_routes()), "utf-8")
    named = [*STORIES[:2], str(folder / "many-routes.yaml")]
    assert main(["dashboard", *named, "-o", str(folder / "out"), "--draws", "512", "--json"]) == 0
    return folder / "out"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("story", STORIES)
def test_nothing_is_cut_and_no_letter_is_small(
    pages: Path, open_page: Opener, story: str, scheme: str
) -> None:
    page = open_page(pages / f"{story}.html", color_scheme=scheme)
    page.evaluate(OPEN)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(FAULTS, LEAST_TYPE - _ROUNDING) == [], width


def test_faults_are_seen(open_page: Opener, tmp_path: Path) -> None:
    """The script above is worth something only if it sees what it is for."""
    words = "<p id=a>wide</p><svg viewBox='0 0 900 9'><text font-size='12'>small</text></svg>"
    look = "<style>#a{width:900px}svg{width:300px}</style>"
    (tmp_path / "faulty.html").write_text(f"<!doctype html>{look}{words}", "utf-8")
    page = open_page(tmp_path / "faulty.html", viewport={"width": 360, "height": 640})
    kinds = {fault.split(":")[0].split(" of ")[0] for fault in page.evaluate(FAULTS, LEAST_TYPE)}
    assert kinds == {"the page scrolls sideways", "beyond the window", "letters"}


@pytest.mark.parametrize("width", [390, 1180])
def test_links_of_the_bar_reach_what_they_name_unhidden(
    pages: Path, open_page: Opener, width: int
) -> None:
    page = open_page(pages / "rlhf-assistant.html", viewport={"width": width, "height": 800})
    menu, names = page.locator(".menu > summary"), page.locator(".menu a")
    for name in [a.get_attribute("href") for a in names.all()]:
        menu.click()
        page.locator(f".menu a[href='{name}']").click()
        assert not page.locator(".menu").evaluate("menu => menu.open")
        target, bar = page.locator(name).bounding_box(), page.locator(".bar").bounding_box()
        assert page.locator(name).is_visible(), name
        top, bottom = (bar["height"], 800) if width > 700 else (0, bar["y"])
        assert top <= target["y"] + 1 < bottom - 20, name


def test_the_bar_has_the_answer_of_the_card(pages: Path, open_page: Opener) -> None:
    page = open_page(pages / "rlhf-assistant.html")
    for fate in ("success", "catastrophe"):
        in_bar, in_card = (
            page.locator(f"{place} [data-{kind}={fate}]").first.inner_text()
            for kind in ("odds",)
            for place in (".bar", ".card")
        )
        assert in_bar == in_card
    page.goto((pages / "carlsmith-six-premises.html").as_uri())
    assert page.locator(".bar [data-odds]").all_inner_texts() == ["5.1%"]  # a risk argument's


def test_the_contents_by_keyboard(pages: Path, open_page: Opener) -> None:
    page = open_page(pages / "rlhf-assistant.html")
    menu = page.locator(".menu")
    page.locator(".menu > summary").focus()
    page.keyboard.press("Enter")
    assert menu.evaluate("menu => menu.open")
    page.keyboard.press("Escape")
    assert not menu.evaluate("menu => menu.open")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"


@pytest.mark.parametrize("width", [360, 1180])
def test_routes_that_stand_together_open_one_group_at_a_time_by_keyboard(
    pages: Path, open_page: Opener, width: int
) -> None:
    page = open_page(pages / "many-routes.html", viewport={"width": width, "height": 900})
    picture = page.locator("#how-it-gets-there svg[role=group]:visible").text_content()
    groups = page.locator("#how-it-gets-there .crowd")
    assert groups.count() > 1
    for group in groups.all():
        name, members = group.locator("summary").inner_text(), group.locator("li")
        assert re.sub(r"\s", "", name.partition(":")[0]) in re.sub(r"\s", "", picture)
        assert members.count() == int(name.split()[0]) and not members.first.is_visible()
    first, second = groups.nth(0), groups.nth(1)
    first.locator("summary").focus()
    page.keyboard.press("Enter")
    assert first.locator("li").first.is_visible() and not second.locator("li").first.is_visible()


def test_levels_are_folded_and_an_address_opens_them(pages: Path, open_page: Opener) -> None:
    page = open_page(pages / "rlhf-assistant.html")
    assert page.locator("#how-it-gets-there").is_visible()
    assert page.locator("#assumptions").is_hidden() and page.locator("#provenance").is_hidden()
    page = open_page(pages / "rlhf-assistant.html", "#assumptions")
    assert page.locator("#assumptions").is_visible() and page.locator("#provenance").is_hidden()
    page = open_page(pages / "rlhf-assistant.html", "#technical")
    assert page.locator("#provenance").is_visible()


def test_paper_has_the_reviewers_level_and_one_line_for_the_analysts(
    pages: Path, open_page: Opener
) -> None:
    from io import BytesIO

    from pypdf import PdfReader

    page = open_page(pages / "rlhf-assistant.html")
    sheets = PdfReader(BytesIO(page.pdf(prefer_css_page_size=True))).pages
    texts = [" ".join(sheet.extract_text().split()) for sheet in sheets]
    assert "What was assumed, what was learned" in " ".join(texts)
    assert "Where every number comes from" not in " ".join(texts)
    assert "rlhf-assistant.html#technical" in " ".join(texts)
    for k, text in enumerate(texts, start=1):
        assert f"{k} / {len(texts)}" in text and "story sha256" in text, k
        assert len(text) > 400 or k == len(texts), k  # no sheet has a heading alone
