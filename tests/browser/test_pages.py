"""The pages as people meet them: from disk, in a browser that may ask nothing of any network."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.accessibility import violations
from support.hostile_story import hostile_story
from support.many_routes import many_routes

from storyodds import estimate, load_story, summarize, to_yaml
from storyodds.cli import main
from storyodds.models.story.events import FATES
from storyodds.reports.figures.drawing.figure import DARK, LIGHT
from storyodds.reports.words.numbers import about_one_in, interval, percent

Opener = Callable[..., Any]

STORIES = ("rlhf-assistant", "carlsmith-six-premises", "many-routes", "hostile")
WIDE = {"viewport": {"width": 1240, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of four stories, as the command writes them."""
    folder = tmp_path_factory.mktemp("pages")
    hostile = hostile_story().model_copy(update={"story": "hostile"})
    (folder / "hostile.yaml").write_text(to_yaml(hostile), "utf-8")
    (folder / "many-routes.yaml").write_text(to_yaml(many_routes()), "utf-8")
    named = [*STORIES[:2], str(folder / "many-routes.yaml"), str(folder / "hostile.yaml")]
    out = folder / "out"
    assert main(["dashboard", *named, "-o", str(out), "--draws", "1024", "--json"]) == 0
    return out


def every_page(pages: Path) -> list[Path]:
    found = sorted(pages.glob("*.html"))
    assert {page.stem for page in found} == {"index", *STORIES}
    return found


def test_every_page_is_whole(pages: Path, open_page: Opener) -> None:
    """Each is opened once: nothing is asked of a network, and what it shows is all there."""
    for file in every_page(pages):
        page = open_page(file, **WIDE)
        nothing_planted_runs(page)
        assert re.search(r"<\w[^>]*\sstyle=", file.read_text("utf-8")) is None  # but by scripts
        every_picture_is_named_and_has_its_numbers(page, file.stem)
        every_link_within_leads_somewhere(page, pages, file.stem)


def nothing_planted_runs(page: Any) -> None:
    assert page.evaluate("window.broken") is None
    assert page.evaluate("document.querySelectorAll('script:not([type])').length") <= 1
    assert page.evaluate("document.images.length") == 0
    assert page.locator("[onerror],[onload],[onclick]").count() == 0
    assert page.locator("a[href^='javascript' i]").count() == 0


def every_picture_is_named_and_has_its_numbers(page: Any, name: str) -> None:
    pictures = page.locator("svg:not([aria-hidden])")
    # A risk argument without uncertain numbers has little to draw.
    least = {"index": 1, "carlsmith-six-premises": 2}.get(name, 8)
    assert pictures.count() >= least
    named = pictures.evaluate_all(
        """all => all.map(svg => (svg.getAttribute('aria-labelledby') ?? '').split(' ')
            .map(id => document.getElementById(id)?.textContent ?? '').join(' '))"""
    )
    assert all(title.strip() for title in named), name
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids)), name


def every_link_within_leads_somewhere(page: Any, pages: Path, name: str) -> None:
    lost = page.evaluate(
        """[...document.querySelectorAll('a[href^="#"]')].map(a => a.getAttribute('href'))
            .filter(href => !document.getElementById(decodeURIComponent(href.slice(1))))"""
    )
    assert lost == [], name
    near = page.evaluate(
        """[...document.querySelectorAll('a[href]')].map(a => a.getAttribute('href'))
            .filter(href => !/^(#|https:|data:)/.test(href))"""
    )
    assert all((pages / href.split("#")[0]).is_file() for href in near), near


def test_what_is_planted_after_the_page_was_made_does_not_run(
    pages: Path, open_page: Opener, tmp_path: Path
) -> None:
    text = (pages / "rlhf-assistant.html").read_text("utf-8")
    spoiled = tmp_path / "spoiled.html"
    planted = "<script>window.broken=1</script><img src=x onerror='window.broken=2'>"
    spoiled.write_text(text.replace("</main>", f"{planted}</main>"), "utf-8")
    page = open_page(spoiled, **WIDE)
    assert page.evaluate("window.broken") is None
    refused = [said for said in open_page.troubles if "Content Security Policy" in said]
    assert len(refused) >= 2
    open_page.troubles.clear()


def test_axe_finds_nothing(pages: Path, open_page: Opener) -> None:
    for file in every_page(pages):
        # The policy of a page forbids the tool too, so it looks at the page with that set aside.
        page = open_page(file, color_scheme="light", bypass_csp=True, **WIDE)
        assert violations(page) == [], file.stem


@pytest.mark.parametrize("device", [WIDE, PHONE], ids=["wide", "phone"])
def test_nodes_of_the_graph_have_claim_number_and_source_on_focus(
    pages: Path, open_page: Opener, device: dict[str, Any]
) -> None:
    page = open_page(pages / "rlhf-assistant.html", **device)
    shown = page.locator("#how-it-gets-there svg:visible")
    assert shown.count() == 1
    node = shown.locator("[data-row][aria-label^='blind-audit: ']")
    node.focus()
    tip = page.locator("#tip").inner_text()
    assert "A separate team with weights and training data looks for hidden objectives" in tip
    assert re.search(r"^chance: \d", tip, re.M) and "storyodds assumption: " in tip
    assert re.search(r"^catastrophe if not: \d", tip, re.M)
    page.keyboard.press("Escape")
    assert page.locator("#tip").is_hidden()
    smallest = shown.evaluate(
        """svg => Math.min(...[...svg.querySelectorAll('text, tspan')].map(
            text => parseFloat(getComputedStyle(text).fontSize) * svg.getScreenCTM().a))"""
    )
    assert smallest >= 11
    cut = shown.evaluate(
        """svg => [...svg.querySelectorAll('text')].filter(text => {
            const own = text.getBoundingClientRect(), whole = svg.getBoundingClientRect();
            return own.right > whole.right + 1 || own.left < whole.left - 1;
        }).map(text => text.textContent)"""
    )
    assert cut == []


def test_bands_of_the_graph_have_their_chance_where_one_points(
    pages: Path, open_page: Opener
) -> None:
    page = open_page(pages / "rlhf-assistant.html", **WIDE)
    tips = page.locator("[data-flow]").evaluate_all("all => all.map(it => it.dataset.tip)")
    assert len(tips) > 20
    assert all(re.fullmatch(r".+ → .+: [\d.]+%(; of which worst path [\d.]+%)?", it) for it in tips)


def test_dark_and_light_have_their_colors(pages: Path, open_page: Opener) -> None:
    for scheme, colors in (("light", LIGHT), ("dark", DARK)):
        page = open_page(pages / "rlhf-assistant.html", color_scheme=scheme, **WIDE)
        ink = page.evaluate("getComputedStyle(document.body).color")
        wanted = tuple(int(colors["ink"][k : k + 2], 16) for k in (1, 3, 5))
        assert ink == f"rgb{wanted}"


def test_a_phone_does_not_scroll_sideways(pages: Path, open_page: Opener) -> None:
    for file in every_page(pages):
        page = open_page(file, **PHONE)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, file.stem


def test_it_reads_without_scripts(pages: Path, open_page: Opener) -> None:
    doc = summarize(estimate(load_story("rlhf-assistant"), draws=1024))
    page = open_page(pages / "rlhf-assistant.html", java_script_enabled=False, **WIDE)
    text = page.locator("header").inner_text()
    for fate in ("success", "catastrophe"):
        assert percent(doc["fates"][fate]["mean"]) in text
        assert interval(doc["fates"][fate]) in text
    assert page.locator("main svg").first.is_visible()
    page.locator("main section details > summary").first.click()
    assert page.locator("section details[open] table").first.is_visible()


def test_by_keyboard_alone(pages: Path, open_page: Opener) -> None:
    page = open_page(pages / "rlhf-assistant.html", **WIDE)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    slider = page.locator("#sliders input[type=range]").first
    before = page.locator("[data-odds=success]").first.inner_text()
    slider.focus()
    for _ in range(12):
        page.keyboard.press("PageUp")
    assert page.locator("[data-odds=success]").first.inner_text() != before
    mark = page.locator("[data-tip][tabindex='0']").first
    mark.focus()
    assert page.locator("#tip").is_visible()
    assert page.locator("#tip").inner_text() == mark.get_attribute("data-tip")
    page.keyboard.press("Escape")
    assert page.locator("#tip").is_hidden()


def test_on_paper_no_section_is_torn_that_fits_half_a_sheet(pages: Path, open_page: Opener) -> None:
    from io import BytesIO

    from pypdf import PdfReader

    page = open_page(pages / "rlhf-assistant.html", **WIDE)
    sheets = [
        re.sub(r"\s+", "", sheet.extract_text())
        for sheet in PdfReader(BytesIO(page.pdf(prefer_css_page_size=True))).pages
    ]
    assert len(sheets) > 3
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 688, "height": 1000})  # A4 less its margins
    torn = []
    for name, height, words in _sections(page):
        first = [k for k, sheet in enumerate(sheets) if words[:60] in sheet]
        last = [k for k, sheet in enumerate(sheets) if words[-60:] in sheet]
        if height < 430 and first and last and not set(first) & set(last):
            torn.append(name)
    assert torn == []
    assert page.locator("#sliders").is_hidden()  # there is nothing to slide on paper


def _sections(page: Any) -> Iterator[tuple[str, float, str]]:
    for it in page.locator("main section").all():
        if it.is_visible():
            box = it.bounding_box()
            yield it.get_attribute("id"), box["height"], re.sub(r"\s+", "", it.inner_text())


def test_the_card_and_its_sentences_can_be_copied(pages: Path, open_page: Opener) -> None:
    page = open_page(pages / "rlhf-assistant.html", permissions=["clipboard-read"], **WIDE)
    page.evaluate("navigator.clipboard.writeText = text => { window.copied = text; }")
    for name, start in (("text", "“Baseline assistant"), ("citation", "Baseline assistant")):
        page.get_by_role("button", name=f"Copy the {name}").click()
        assert page.evaluate("window.copied").startswith(start)


def test_what_a_reader_decides_on_follows_the_sliders(pages: Path, open_page: Opener) -> None:
    """The day of the decision, sentence, bar and counts, from the chances that are shown."""
    page = open_page(pages / "rlhf-assistant.html", **WIDE)
    lead, day = page.locator(".lead"), page.locator("[data-day-words]")
    before = [lead.inner_text(), *day.all_inner_texts()]
    widths = "all => all.map(it => Math.round(it.getAttribute('width')))"
    bar = page.locator(".ending-bar [class^=fate-]")
    drawn = bar.evaluate_all(widths)
    assert "as estimated" not in page.locator("#next h3").evaluate(LABEL)
    slide = "(node, to) => { node.value = to; node.dispatchEvent(new Event('input')); }"
    page.locator("#sliders input").first.evaluate(slide, 60)
    shown = {
        name: float(page.locator(f".card [data-odds='{name}']").inner_text().rstrip("%")) / 100
        for name in FATES
    }
    of_day = {
        name: float(page.locator(f"[data-day='{name}']").inner_text().rstrip("%")) / 100
        for name in FATES
        if name != "halted"
    }
    rounding = 0.005  # of a chance from 10 percent on, in two digits
    for name, chance in of_day.items():
        off = rounding * (1 + chance) / (1 - shown["halted"]) + rounding
        assert abs(chance - shown[name] / (1 - shown["halted"])) <= off, name
    assert bar.evaluate_all(widths) != drawn
    for name, wide in zip(FATES, bar.evaluate_all(widths), strict=True):
        assert abs(wide / 1000 - shown[name]) <= rounding + 0.002, name  # and a hair of paper
    for name in FATES:
        count = page.locator(f".count[data-of='{name}']").inner_text()
        exact = page.locator(f".card [data-odds='{name}']").inner_text()
        assert count.startswith("about ") and exact != "", name
    assert lead.inner_text().startswith("With these sliders, if the training is carried out")
    for place in day.all():
        words = place.inner_text()
        assert words.startswith("With these sliders, no check flags the model with a chance of ")
        assert f"success has {page.locator("[data-day='success']").inner_text()}" in words
    titles = ("#next h3", "#how-it-gets-there h3", "#criteria h3", "#decision-day .ends-stays")
    for place in titles:
        assert "as estimated" in page.locator(place).evaluate(LABEL), place
    classes = page.locator("#decision-day table").first.locator("td:not([data-day])")
    labels = classes.evaluate_all("all => all.map(it => getComputedStyle(it, '::before').content)")
    assert len(labels) >= 4 and set(labels) == {'"As estimated, not moved: "'}
    page.get_by_role("button", name="Reset").click()
    assert [lead.inner_text(), *day.all_inner_texts()] == before
    assert bar.evaluate_all(widths) == drawn


LABEL = "node => getComputedStyle(node, '::after').content"


def test_counts_are_worded_as_everywhere(pages: Path, open_page: Opener) -> None:
    page = open_page(pages / "rlhf-assistant.html", **WIDE)
    # No ties: how these are rounded is tested with the numbers of page.js.
    grid = [(k + 0.37) / 400 for k in range(399)] + [1.1 * 10**-k for k in range(3, 11)]
    counts = page.evaluate(
        """grid => grid.map(p => {
            const means = Object.fromEntries(FATES.map(fate => [fate, (1 - p) / 4]));
            means.success = p;
            const significant = (x, more) => +x.toPrecision(more + 1);
            const detail = { means, ends: {}, errors: {}, percent: String, significant };
            document.dispatchEvent(new CustomEvent("what-if", { detail }));
            return document.querySelector(".count[data-of=success]").textContent;
        })""".replace("FATES", str(list(FATES))),
        grid,
    )
    assert counts == [about_one_in(p) for p in grid]


def test_letters_on_paper_are_at_least_seven_points(pages: Path, open_page: Opener) -> None:
    page = open_page(pages / "rlhf-assistant.html", viewport={"width": 688, "height": 1000})
    page.emulate_media(media="print")
    smallest = page.evaluate(
        """() => Math.min(...[...document.querySelectorAll("main svg")].filter(
            svg => svg.checkVisibility() && svg.querySelector("text")).map(svg =>
            svg.getScreenCTM().a * Math.min(...[...svg.querySelectorAll("text, tspan")].map(
                text => parseFloat(getComputedStyle(text).fontSize)))))"""
    )
    assert smallest >= 7 * 96 / 72
    parts = page.locator(".on-paper svg")
    tops = parts.evaluate_all("all => all.map(it => it.viewBox.baseVal.y)")
    heights = parts.evaluate_all("all => all.map(it => it.viewBox.baseVal.height)")
    whole = page.locator(".narrow svg").evaluate("svg => svg.viewBox.baseVal.height")
    assert len(tops) > 1 and sum(heights) == pytest.approx(whole)  # no row is left out
    assert tops[1:] == pytest.approx([a + b for a, b in zip(tops, heights, strict=True)][:-1])


def test_the_card_is_the_first_sheet_and_fits_it(pages: Path, open_page: Opener) -> None:
    from io import BytesIO

    from pypdf import PdfReader

    for name in ("rlhf-assistant", "carlsmith-six-premises"):
        page = open_page(pages / f"{name}.html", **WIDE)
        first = PdfReader(BytesIO(page.pdf(prefer_css_page_size=True))).pages[0].extract_text()
        for words in ("This is not a claim of safety", "What would change it", "Cite:"):
            assert words in first
        assert "The same in words" not in first
