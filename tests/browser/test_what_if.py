"""The script of a page, on a page that holds nothing but what it works with."""

import base64
import csv
import hashlib
import io
import json
import re
import shlex
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote

import numpy as np
import pytest
from support.page_arithmetic import answers, intervals, place_of, tilt_in

from storyodds import load_story
from storyodds.commands.options import read_settings
from storyodds.models.assessment.assessment import assess
from storyodds.models.changes.sliders import sliders
from storyodds.reports.dashboard import what_if
from storyodds.reports.dashboard.what_if import what_if_data
from storyodds.reports.words.numbers import bits, interval, percent
from storyodds.scenarios.resolve import resolve

SCRIPT = Path(what_if.__file__).with_name("page.js")

Open = Callable[..., Any]


def write_page(folder: Path, carried: dict[str, Any] | None, body: str = "") -> Path:
    """Write a page around the script, under the policy that real pages have."""
    script = SCRIPT.read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    data = json.dumps({"what_if": carried}).replace("<", "\\u003c")
    means = {} if carried is None else carried["means"]
    odds = "".join(
        f'<p data-odds="{escape(e)}">{percent(p)}</p><p data-range="{escape(e)}">as estimated</p>'
        for e, p in means.items()
    )
    page = folder / "page.html"
    page.write_text(
        "<!doctype html><html lang=en><meta charset=utf-8><title>x</title>"
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        f"script-src 'sha256-{digest}'\">"
        f'<div id="sliders"></div><p id="what-if-result" role="status">needs JavaScript</p>{odds}'
        '<div id="tip" role="tooltip" hidden></div>'
        f'{body}<script type="application/json" id="page-data">{data}</script>'
        f"<script>{script}</script></html>",
        "utf-8",
    )
    return page


@pytest.fixture(scope="module")
def data() -> dict[str, Any]:
    """What the page of the showcase carries."""
    found = what_if_data(
        assess(resolve(load_story("rlhf-assistant"), settings={"proxy-goal.bits": [-2, 1]}))
    )
    assert found is not None
    return found


def slide(page: Any, k: int, to: int) -> None:
    page.locator("#sliders input").nth(k).evaluate(
        "(node, to) => { node.value = to; node.dispatchEvent(new Event('input')); }", to
    )


def odds(page: Any) -> dict[str, str]:
    found: dict[str, str] = page.eval_on_selector_all(
        "[data-odds]",
        "nodes => Object.fromEntries(nodes.map(n => [n.dataset.odds, n.textContent]))",
    )
    return found


def ranges(page: Any) -> dict[str, str]:
    found: dict[str, str] = page.eval_on_selector_all(
        "[data-range]",
        "nodes => Object.fromEntries(nodes.map(n => [n.dataset.range, n.textContent]))",
    )
    return found


def between(ends: dict[str, tuple[float, float]]) -> dict[str, str]:
    return {event: interval({"q05": low, "q95": high}) for event, (low, high) in ends.items()}


def told(means: dict[str, float]) -> dict[str, str]:
    return {event: percent(p) for event, p in means.items()}


def test_numbers_are_worded_as_everywhere(open_page: Open, tmp_path: Path) -> None:
    """One draw whose events are a grid of probabilities, with ties of rounding among them."""
    rng = np.random.default_rng(1)
    grid = np.concatenate(
        [
            [
                0,
                1,
                1e-6,
                1 - 1e-6,
                1e-7,
                1 - 1e-7,
                1 - 1e-12,
                1 - 1e-13,
                0.99,
                0.995,
                0.125,
                0.0625,
            ],
            np.arange(1, 400) / 400,
            np.arange(1, 257) / 256,
            rng.random(300),
            10 ** -rng.uniform(0, 8, 300),
            1 - 10 ** -rng.uniform(0, 8, 300),
        ]
    )
    amounts = np.concatenate([np.arange(-40, 41) / 16, rng.normal(0, 3, 60), [0.004, -0.0051]])
    value = {"success": 0.5, "catastrophe": 0.5}
    value |= {str(k): float(p) for k, p in enumerate(grid)}
    columns = [{"low": p, "step": 0, "pull": 0} for p in (*value.values(), *amounts.tolist())]
    page = open_page(
        write_page(
            tmp_path,
            {
                "draws": 1,
                "data": base64.b64encode(bytes(2 * len(columns))).decode(),
                "columns": columns,
                "events": list(value),
                "headline": ["success", "catastrophe"],
                "groups": [],
                "means": value,
                "ends": {},
                "sliders": [
                    {"name": f"n{k}", "label": "x", "kind": "bits", "family": "normal"}
                    | {"start": x, "low": x - 1, "high": x + 1, "size": 1.0}
                    for k, x in enumerate(amounts.tolist())
                ],
                "steps": 100,
                "least": 0.1,
                "curves": None,
                "errors": {},
                "command": "",
                "settings": {},
            },
        )
    )
    outputs = page.locator("#sliders output").all_text_contents()
    assert outputs == [f"{bits(x)} bits" for x in amounts.tolist()]
    slide(page, 0, 1)
    chances = odds(page)
    assert {name: chances[name] for name in value} == told(value)


def test_nothing_moved(open_page: Open, tmp_path: Path, data: dict[str, Any]) -> None:
    page = open_page(write_page(tmp_path, data))
    assert odds(page) == told(data["means"])
    assert page.inner_text("#what-if-result") == "Nothing is moved."
    assert page.locator(".again").is_hidden()
    slide(page, 0, 30)
    assert odds(page) != told(data["means"])
    assert set(ranges(page)) == set(data["ends"]) and "as estimated" not in ranges(page).values()
    slide(page, 0, 0)
    assert odds(page) == told(data["means"])
    assert set(ranges(page).values()) == {"as estimated"}


def test_sliders_weight_the_draws(open_page: Open, tmp_path: Path, data: dict[str, Any]) -> None:
    page = open_page(write_page(tmp_path, data))
    for moves in ({0: -40}, {1: 55}, {2: 30, 3: -30, 6: 25}, {5: 10}):
        page.get_by_role("button", name="Reset").click()
        for k, step in moves.items():
            slide(page, k, step)
        (means, share), ends = answers(data, moves), between(intervals(data, moves))
        assert share > data["least"]
        assert odds(page) == told(means)
        assert ranges(page) == ends
        change = [
            f"{e} {percent(data['means'][e])} → {percent(means[e])} (90% interval {ends[e]})"
            for e in ("success", "catastrophe")
        ]
        carried = page.inner_text("#what-if-result").removeprefix(f"{', '.join(change)}; ")
        if len(moves) > 1:
            assert carried == f"{percent(share)} of the page’s draws carry this."
        else:
            assert carried.startswith("worked out along the slider’s whole travel, ± ")


def test_the_command_asks_the_same_question(
    open_page: Open, tmp_path: Path, data: dict[str, Any]
) -> None:
    page = open_page(write_page(tmp_path, data))
    moves = {k: 20 - 7 * k for k in range(len(data["sliders"]))}
    for k, step in moves.items():
        slide(page, k, step)
    words = shlex.split(page.inner_text(".again code"))
    kept = shlex.split(data["command"])
    assert words[: len(kept)] == kept
    words = words[len(kept) :]
    assert set(words[::2]) == {"--set"}
    expected: dict[str, Any] = {"proxy-goal.bits": [-2, 1]}
    for k, step in moves.items():
        slider = data["sliders"][k]
        expected[slider["name"]] = tilt_in(data, k).prior(place_of(data, k, step))
    found, problems = read_settings(tuple(words[1::2]))
    assert not problems
    story = load_story("rlhf-assistant")
    mine, its = (resolve(story, settings=x).numbers for x in (expected, found))
    for a, b in zip(mine, its, strict=True):
        assert a.name == b.name
        np.testing.assert_allclose(
            a.distribution.quantile(np.array([0.1, 0.9])),
            b.distribution.quantile(np.array([0.1, 0.9])),
            rtol=1e-8,
        )


def test_where_draws_do_not_reach_the_last_answer_stays(
    open_page: Open, tmp_path: Path, data: dict[str, Any]
) -> None:
    page = open_page(write_page(tmp_path, data))
    slide(page, 0, 100)
    before = odds(page)
    assert before == told(answers(data, {0: 100})[0])
    slide(page, 1, 100)
    assert answers(data, {0: 100, 1: 100})[1] < data["least"]
    said = page.inner_text("#what-if-result")
    assert said.startswith("Too few of the page’s draws lie where these sliders stand")
    first = data["sliders"][0]
    assert f"the last state that has an answer, with {first['name']} at " in said
    assert odds(page) == before
    assert page.inner_text(".again code").count("--set") >= 2
    assert page.evaluate("document.documentElement.dataset.whatIf") == "held"
    again = open_page(tmp_path / "page.html", state_of(data, {0: 100, 1: 100}))
    assert odds(again) == before and again.inner_text("#what-if-result") == said


def state_of(data: dict[str, Any], moves: dict[int, int]) -> str:
    """The address of a state."""
    places = ",".join(
        f"{data['sliders'][k]['name']}:{tilt_in(data, k).center(place_of(data, k, step))!r}"
        for k, step in moves.items()
    )
    return f"#what-if={places}"


@pytest.mark.parametrize("name", ["rlhf-assistant", "coinrun-agent"])
def test_every_slider_answers_along_its_whole_travel(
    open_page: Open, tmp_path: Path, data: dict[str, Any], name: str
) -> None:
    """As Python reads the same curves, which tests compare with fresh estimates."""
    if name != "rlhf-assistant":
        data = cast("dict[str, Any]", what_if_data(assess(resolve(load_story("coinrun-agent")))))
    page = open_page(write_page(tmp_path, data))
    for k in range(len(data["sliders"])):
        for step in range(-100, 101, 20):
            slide(page, k, step)
            assert page.evaluate("document.documentElement.dataset.whatIf") == (
                "moved" if step else ""
            )
            assert odds(page) == told(answers(data, {k: step})[0] if step else data["means"])
        slide(page, k, 0)


def test_keyboard_and_names(open_page: Open, tmp_path: Path, data: dict[str, Any]) -> None:
    page = open_page(write_page(tmp_path, data))
    page.keyboard.press("Tab")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    name = data["sliders"][0]["name"]
    slider = page.get_by_role("slider", name=re.compile(re.escape(name)))
    assert slider.input_value() == "3"
    x = place_of(data, 0, 3)
    assert slider.get_attribute("aria-valuetext") == f"{bits(x)} bits"
    page.keyboard.press("Home")
    assert slider.input_value() == "-100"


def test_state_in_the_address(open_page: Open, tmp_path: Path, data: dict[str, Any]) -> None:
    body = (
        '<a href="#there">go</a><details><summary>more</summary><div id="there">x</div></details>'
    )
    path = write_page(tmp_path, data, body)
    page = open_page(path)
    for k, step in {0: -37, 1: 21, 2: 60}.items():
        slide(page, k, step)
    before = odds(page)
    page.wait_for_url(re.compile("#what-if="))
    assert not page.locator("details").evaluate("node => node.open")
    page.get_by_role("link", name="go").click()
    page.wait_for_url(re.compile("#there&what-if="))
    assert page.locator("details").evaluate("node => node.open")
    again = open_page(path, page.evaluate("location.hash"))
    assert odds(again) == before
    values = again.eval_on_selector_all("#sliders input", "nodes => nodes.map(n => n.value)")
    assert values[:4] == ["-37", "21", "60", "0"]
    assert again.locator("details").evaluate("node => node.open")
    again.get_by_role("button", name="Reset").click()
    assert again.evaluate("location.hash") == "#there"
    assert odds(again) == told(data["means"])


@pytest.mark.parametrize(
    "fragment",
    [
        "#what-if=",
        "#what-if=nobody:0.3,:,::,x",
        "#what-if=internal-optimization.probability:NaN",
        "#what-if=internal-optimization.probability:7",
        "#what-if=internal-optimization.probability:1e999",
        "#what-if=%E0%A4%A",
        "#%E0%A4%A&what-if=%00",
        "#what-if=__proto__:1,constructor:2",
        "#" + "a&" * 2000,
        "#what-if=<script>alert(1)</script>",
    ],
)
def test_garbage_in_the_address(
    open_page: Open, tmp_path: Path, data: dict[str, Any], fragment: str
) -> None:
    page = open_page(write_page(tmp_path, data), fragment)
    assert odds(page) == told(data["means"])
    slide(page, 0, 10)
    assert odds(page) == told(answers(data, {0: 10})[0])


def test_copying(open_page: Open, tmp_path: Path, data: dict[str, Any]) -> None:
    page = open_page(write_page(tmp_path, data), permissions=["clipboard-read", "clipboard-write"])
    slide(page, 1, 12)
    page.get_by_role("button", name="Copy link to this state").click()
    page.get_by_role("button", name="Copied").wait_for()
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == page.evaluate("location.href") and "#what-if=" in link
    page.get_by_role("button", name="Copy", exact=True).click()
    page.locator(".again").get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == page.inner_text(".again code")


def test_tooltips(open_page: Open, tmp_path: Path) -> None:
    body = (
        '<svg width=50 height=50><g tabindex=0 data-tip="a <b>bold</b> tip">'
        "<rect width=20 height=20 /></g></svg>"
    )
    page = open_page(write_page(tmp_path, None, body))
    tip = page.locator("#tip")
    page.keyboard.press("Tab")
    assert tip.inner_text() == "a <b>bold</b> tip"
    page.keyboard.press("Escape")
    assert tip.is_hidden()
    page.locator("rect").hover()
    assert tip.is_visible()
    page.mouse.move(300, 300)
    assert tip.is_hidden()


def test_links_open_what_they_point_into_without_sliders(open_page: Open, tmp_path: Path) -> None:
    body = "<details><summary>a</summary><details id=in><summary>b</summary>x</details></details>"
    page = open_page(write_page(tmp_path, None, body), "#in")
    assert page.eval_on_selector_all("details", "nodes => nodes.every(n => n.open)")
    assert page.inner_text("#what-if-result") == "needs JavaScript"


def test_long_tables_are_made_into_files(open_page: Open, tmp_path: Path) -> None:
    rows = [
        ["from", "to, and so on", "chance"],
        ["a <b>", 'said "so"', "25%"],
        ["=SUM(A1)", "two\nlines", "−1 ± 2"],
    ]
    cells = "".join(
        f"<tr><th>{escape(first)}</th>{''.join(f'<td>{escape(it)}</td>' for it in rest)}</tr>"
        for first, *rest in rows
    )
    body = f'<details><summary>x</summary><table data-csv="flow.csv">{cells}</table></details>'
    page = open_page(write_page(tmp_path, None, body))
    link = page.get_by_role("link", name="flow.csv")
    assert link.get_attribute("download") == "flow.csv"
    kind, said = link.get_attribute("href").split(",", 1)
    assert kind == "data:text/csv;charset=utf-8"
    items = list(csv.reader(io.StringIO(unquote(said))))
    assert items == [["'" + it if it[0] == "=" else it for it in row] for row in rows]
    with page.expect_download() as download:
        link.click()
    assert download.value.path().read_text("utf-8") == unquote(said)


def test_labels_are_text(open_page: Open, tmp_path: Path, data: dict[str, Any]) -> None:
    planted = '<img src=x onerror="window.ran = 1"></script><script>window.ran = 2</script>'
    changed = [{**slider, "label": planted} for slider in data["sliders"]]
    page = open_page(write_page(tmp_path, {**data, "sliders": changed}))
    assert planted in page.inner_text("#sliders label >> nth=0")
    assert page.evaluate("window.ran") is None


def test_the_script_is_small_and_asks_for_nothing() -> None:
    script = SCRIPT.read_text("utf-8")
    assert len(script) < 21_500
    for word in ("innerHTML", "outerHTML", "insertAdjacent", "eval(", "Function(", "fetch", "http"):
        assert word not in script


def test_sliders_stand_in_the_order_of_their_effect(data: dict[str, Any]) -> None:
    resolved = resolve(load_story("rlhf-assistant"), settings={"proxy-goal.bits": [-2, 1]})
    shown = sliders(assess(resolved)).shown
    assert [s["name"] for s in data["sliders"]] == [resolved.numbers[s.number].name for s in shown]
