"""The live pages in a browser: what a person changes is what the engine is asked."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.accessibility import violations
from support.hostile_story import hostile_story
from support.impossible_story import IMPOSSIBLE

from storyodds import load_story, load_text, to_yaml

Opener = Callable[..., Any]
WIDE = {"viewport": {"width": 1240, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True}
MOVED = re.compile("points|too small")
PATIENCE = 60_000  # milliseconds: the machine may be busy, and how long it takes is not asked here


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("live")


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    """A server of a folder with one hostile story in it."""
    hostile = hostile_story("coinrun-agent").model_copy(update={"story": "hostile"})
    (folder / "hostile.yaml").write_text(to_yaml(hostile), "utf-8")
    (folder / "impossible.yaml").write_text(IMPOSSIBLE, "utf-8")
    (folder / "broken.yaml").write_text("story: broken\n", "utf-8")
    command = [sys.executable, "-m", "storyodds", "serve", str(folder), "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as server:
        assert server.stdout is not None
        yield json.loads(server.stdout.readline())["address"]
        server.kill()


@pytest.fixture
def live(open_page: Opener, address: str) -> Opener:
    """Open a page of the server: `live(path, fragment, **options)`."""

    def opened(path: str, fragment: str = "", **options: Any) -> Any:
        page = open_page(f"{address}{path}", fragment, allowed=(address,), **options)
        page.set_default_timeout(PATIENCE)
        return page

    return opened


def wait_for_change(page: Any) -> None:
    """Until an answer to what was changed is there."""
    page.locator("[data-change=success]").filter(has_text=MOVED).wait_for()
    page.locator("body:not(.asking)").wait_for()


def chance(page: Any, event: str) -> str:
    return str(page.locator(f".headline [data-odds={event}]").inner_text())


def test_a_part_that_is_switched_off_is_asked_of_the_engine(live: Opener) -> None:
    page = live("stories/rlhf-assistant", **WIDE)
    before = chance(page, "catastrophe")
    page.locator("[data-part='check:blind-audit']").uncheck()
    wait_for_change(page)
    after = chance(page, "catastrophe")
    assert after != before
    # The state is in the address: another page of it gives the same odds.
    again = live("stories/rlhf-assistant", "#" + page.url.partition("#")[2], **WIDE)
    wait_for_change(again)
    assert chance(again, "catastrophe") == after
    again.locator("#reset").click()
    again.locator("[data-change=success]").filter(has_text=re.compile("^as written$")).wait_for()
    assert chance(again, "catastrophe") == before


def test_a_number_moves_by_keyboard_and_a_wrong_one_says_why(
    live: Opener, open_page: Opener
) -> None:
    page = live("stories/coinrun-agent", **WIDE)
    page.locator("details[data-group] summary").first.focus()
    number = page.locator("details[data-group][open] [data-number]").first
    number.locator("input[type=range]").focus()
    page.keyboard.press("End")
    wait_for_change(page)
    assert "1 number changed" in page.inner_text("#tally")
    number.locator("input[type=text]").fill("{beta: [0, 1]}")
    page.keyboard.press("Enter")
    page.locator("#mistakes:not([hidden])").wait_for()
    assert "0" in page.inner_text("#mistake-list")
    assert open_page.troubles and all(
        "422" in said for said in open_page.troubles
    )  # a browser tells refusals as errors
    open_page.troubles.clear()


def test_a_typed_number_is_understood_and_a_wrong_one_is_marked(
    live: Opener, open_page: Opener
) -> None:
    page = live("stories/coinrun-agent", **WIDE)
    number = page.locator("[data-number='clumsy-play.probability']")
    number.evaluate("box => { box.closest('details').open = true; }")
    typed = number.locator("input[type=text]")
    typed.fill("30% to 50%")
    typed.press("Enter")
    number.locator(".read", has_text="Read as [0.3, 0.5].").wait_for()
    assert number.locator("output").inner_text() == "30% to 50%"
    assert typed.get_attribute("aria-invalid") is None
    typed.fill("7")
    typed.press("Enter")
    number.locator(".read.wrong", has_text="expected a probability").wait_for()
    assert typed.get_attribute("aria-invalid") == "true"
    note = typed.get_attribute("aria-describedby")
    assert page.locator(f"#{note}").inner_text().startswith("Not read: found 7")
    typed.fill("0,4")
    typed.press("Enter")
    number.locator(".read:not(.wrong)", has_text="Read as 0.4.").wait_for()
    assert typed.get_attribute("aria-invalid") is None
    with page.expect_download() as found:
        page.locator("#mine").click()
    assert "values: {me: 0.4}" in Path(found.value.path()).read_text("utf-8")
    assert open_page.troubles and all("422" in said for said in open_page.troubles)
    open_page.troubles.clear()


def test_a_pin_is_what_differences_are_beside(live: Opener) -> None:
    page = live("stories/coinrun-agent", "#view=sceptic", **WIDE)
    wait_for_change(page)
    page.locator("#pin").click()
    difference = page.locator("[data-event=success] .change")
    assert difference.inner_text() == "no change"
    assert page.locator("#difference").inner_text() == "Now less pinned"
    page.locator("#reset").click()
    page.locator("[data-change=success]").filter(has_text=re.compile("^as written$")).wait_for()
    now, pinned = (
        float(page.locator(f"[data-event=success] {cell} b").inner_text().rstrip("%"))
        for cell in (".now", "[data-pin]")
    )
    points = float(re.findall(r"[\d.]+", difference.inner_text())[0])
    # Each of the three is rounded to two digits, which of 10 or more is to half a point.
    assert points == pytest.approx(abs(now - pinned), abs=1.5)
    page.locator("#unpin").click()
    assert difference.inner_text() == "–"


def test_waiting_is_said_after_a_while_only(live: Opener) -> None:
    page = live("stories/coinrun-agent", **WIDE)
    page.route("**/answer", lambda route: (page.wait_for_timeout(1000), route.continue_()))
    page.locator("#view").select_option("sceptic")
    page.locator("body.waiting").wait_for()
    assert page.inner_text("#waiting").startswith("Working out the new odds")
    page.locator("body:not(.waiting)").wait_for()
    assert page.locator("#waiting").inner_text() == ""


def test_a_changed_story_is_saved_and_downloaded(
    live: Opener, open_page: Opener, folder: Path
) -> None:
    page = live("stories/coinrun-agent", "#view=sceptic&off=nudge%3Acoin-is-salient", **WIDE)
    wait_for_change(page)
    page.locator("#name").fill("bleak")
    page.locator("#save button").click()
    command = page.locator("#kept pre").inner_text()
    assert command == "storyodds estimate coinrun-agent.bleak.yaml --seed 1 --view sceptic"
    kept = load_story(folder / "coinrun-agent.bleak.yaml")
    assert "coin-is-salient" not in [nudge.id for nudge in kept.rationale.nudges]
    assert page.locator("#states button").inner_text() == "bleak"  # waits for the one that is to be
    with page.expect_download() as found:
        page.locator("#download").click()
    assert found.value.suggested_filename == "coinrun-agent-changed.yaml"
    downloaded = load_text(Path(found.value.path()).read_text("utf-8"))
    assert (kept.story, downloaded.story) == ("coinrun-agent-bleak", "coinrun-agent-changed")
    assert downloaded == kept.model_copy(update={"story": downloaded.story})
    page.locator("#save button").click()
    page.locator("#kept", has_text="taken").wait_for()
    assert len(open_page.troubles) == 1 and "422" in open_page.troubles.pop()
    # The list of stories has it, with its odds, and finds it.
    home = live("", **WIDE)
    row = home.locator("#saved tr", has_text="bleak")
    assert chance(page, "success") in row.inner_text()
    home.locator("#search").fill("no such thing")
    assert row.is_hidden() and home.inner_text("#left").startswith("0 of")
    home.locator("#search").fill("BLEAK coinrun")
    assert row.is_visible()
    row.get_by_role("link").click()
    wait_for_change(home)
    assert chance(home, "success") == chance(page, "success")
    # Another page opens it.
    again = live("stories/coinrun-agent", **WIDE)
    again.locator("#states button").click()
    wait_for_change(again)
    assert chance(again, "success") == chance(page, "success")
    assert again.url.partition("#")[2] == page.url.partition("#")[2]


def test_an_impossible_story_is_mended(live: Opener) -> None:
    page = live("stories/impossible", **WIDE)
    assert "no odds" in page.inner_text("#mistakes")
    assert chance(page, "catastrophe") == "–"
    page.locator("[data-part='evidence:no-tub']").uncheck()
    page.locator("[data-change=success]").filter(has_text="no odds to compare").wait_for()
    assert page.locator("#mistakes").is_hidden()
    assert re.fullmatch(r"[\d.]+%", chance(page, "catastrophe"))
    row = page.locator("[data-event=catastrophe-given-deployed]")
    assert re.match(r"catastrophe once deployed\s+[\d.]+%", row.inner_text())


def test_a_risk_argument_tells_of_catastrophe(live: Opener) -> None:
    page = live("stories/carlsmith-six-premises", **PHONE)
    assert page.locator("[data-odds]").count() == 1
    page.locator("#glance", has_text=f"catastrophe {chance(page, 'catastrophe')}").wait_for()
    page.locator("#settle").click()
    page.locator("#said", has_text="In full").wait_for()
    assert "success" not in page.inner_text("#said")


def test_what_is_switched_off_has_no_numbers_to_move(live: Opener) -> None:
    page = live("stories/coinrun-agent", "#off=nudge%3Acoin-is-salient", **WIDE)
    wait_for_change(page)
    off = page.locator("fieldset:disabled").evaluate_all(
        "found => found.map(f => f.dataset.number)"
    )
    assert off == ["coin-is-salient.bits.intended"]


def test_a_link_to_a_place_on_the_page_keeps_the_state(live: Opener) -> None:
    page = live("stories/coinrun-agent", "#view=sceptic", **PHONE)
    wait_for_change(page)
    before = chance(page, "success")
    page.locator(".jump a").click()
    page.wait_for_url("**#view=sceptic")
    assert page.locator("#view").input_value() == "sceptic"
    page.locator("#glance", has_text=f"success {before}").wait_for()
    page.locator(".skip").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**#view=sceptic")
    assert chance(page, "success") == before


def test_nothing_planted_runs_and_a_broken_story_is_told(live: Opener) -> None:
    for path in ("", "stories/hostile", "stories/broken"):
        page = live(path, **WIDE)
        assert page.evaluate("window.broken") is None
        assert page.locator("[onerror],[onload],[style]").count() == 0
    assert "mistake" in live("", **WIDE).inner_text("main")
    assert "title" in live("stories/broken", **WIDE).inner_text("main")


def test_axe_finds_nothing(live: Opener) -> None:
    for path in ("", "stories/rlhf-assistant", "stories/impossible", "stories/broken"):
        page = live(path, color_scheme="light", bypass_csp=True, **WIDE)
        assert violations(page) == [], path


def test_a_phone_does_not_scroll_sideways(live: Opener) -> None:
    for path in ("", "stories/rlhf-assistant"):
        page = live(path, **PHONE)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path


def test_it_reads_without_scripts(live: Opener) -> None:
    page = live("stories/coinrun-agent", java_script_enabled=False, **WIDE)
    assert re.fullmatch(r"[<>]?[\d.]+%", chance(page, "success"))
    assert "JavaScript" in page.inner_text("header")
