"""Every figure: well-formed, inside its frame, where its numbers are, and the same twice."""

import math
import re
from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np
import pytest
import xarray as xr
from defusedxml.ElementTree import fromstring

from storyodds.reports.figures.comparison import plot_comparison, plot_ranks_of_sides
from storyodds.reports.figures.densities import plot_prior_posterior
from storyodds.reports.figures.diagnostics import plot_ranks, plot_weights
from storyodds.reports.figures.drawing.figure import Figure, save_figure, standalone
from storyodds.reports.figures.evidence import plot_evidence, plot_evidence_sequence
from storyodds.reports.figures.failure import plot_failure, plot_failure_assumptions
from storyodds.reports.figures.odds import plot_odds, plot_views
from storyodds.reports.figures.quantile_dots import plot_dots
from storyodds.reports.figures.structure import plot_structure
from storyodds.reports.figures.tornado import plot_assumption_effects, plot_tipping, plot_tornado
from storyodds.reports.figures.trust import plot_importance, plot_power_scaling
from storyodds.reports.figures.value import plot_value
from storyodds.reports.tables.datasets import table

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "</script><img src=x onerror=alert(1)> ]]> \"'&\u05d0\u05d1 & a very long name indeed"
PLAIN = "x" * len(HOSTILE)


def summary(mean: float, half: float = 0.05) -> dict[str, float]:
    return {"mean": mean, "median": mean, "q05": mean - half, "q95": mean + half}


STEPS = ((0.2, 0.0), (0.4, 0.001), (0.4005, 0.001))  # means, and errors of their changes


def by_event(success: Any, catastrophe: Any) -> dict[str, Any]:
    return {"success": success, "catastrophe": catastrophe}


def numbers(name: str) -> xr.Dataset:
    rows = [
        {
            "name": label,
            "kind": "probability",
            "now": {"mean": 0.35, "median": 0.34, "q05": 0.22, "q95": 0.55},
            "low": {"value": 0.2, "mean": by_event(0.1, low)},
            "high": {"value": 0.6, "mean": by_event(0.4, high)},
            "swing": by_event(0.3, high - low),
            "swing_error": by_event(0.01, 0.002),
        }
        for label, low, high in ((name, 0.02, 0.04), ("other", 0.06, 0.01))
    ]
    return table(rows, "number", "name")


def effects(name: str) -> xr.Dataset:
    ways = {
        way: {"true": {"mean": by_event(0.2, 0.05)}, "false": {"mean": by_event(0.3, x)}}
        for way, x in (("learned", 0.01), ("set", 0.02))
    }
    return table([{"assumption": name, **ways}], "assumption", "assumption")


def tipping(name: str) -> Figure:
    tip = {"number": name, "verdict": 0, "value": 0.3, "side": "above", "prior_chance": 0.4}
    verdict = {"event": "success", "threshold": 0.5}
    return plot_tipping(table([tip], "point"), table([verdict], "verdict"), numbers(name))


def evidence(name: str) -> Figure:
    effect = {
        way: {"mean": x, "error": 0.01}
        for way, x in (("alone", 0.4), ("left_out", 0.2), ("average", 0.3))
    }
    rows = table([{"item": name, **by_event(effect, effect)}], "evidence", "item")
    return plot_evidence(rows, "catastrophe")


def sequence(name: str, ok: bool = True) -> Figure:
    odds = [
        by_event(*({**summary(x), "error": e, "change_error": e} for x in (p, p / 2)))
        for p, e in STEPS
    ]
    steps = [
        {"item": item, "opinion": item == "last", "odds": at, "ok": ok or item != name}
        for item, at in zip((None, name, "last"), odds, strict=True)
    ]
    return plot_evidence_sequence(table(steps, "step"))


def failing(name: str) -> Figure:
    shares = {"given_failure": {"catastrophe": summary(0.2), "safe": summary(0.8)}}
    row = {"assumption": name, "if_true": shares, "if_false": shares}
    return plot_failure_assumptions(table([row], "assumption", "assumption"), now=0.2)


def valued(name: str) -> Figure:
    row = {
        "id": name,
        "about": "outcome",
        "bits": {"value": 0.1, "error": 0.01},
        "ceiling": {"bits": {"value": 0.5, "error": 0.01}},
        "then": {"q05": 0.1, "q95": 0.4},
    }
    return plot_value(table([row], "proposal", "id"))


def structured(name: str) -> Figure:
    one = {"mean": 0.2, "difference": -0.1, "error": 0.01}
    row = {"id": name, "part": "nudge", "answer": {"events": by_event(one, one)}}
    return plot_structure(table([row], "without", "id"))


def scaled(name: str) -> Figure:
    one = {"sensitivity": 0.1, "at_half": 0.2, "at_double": 0.3}
    return plot_power_scaling(
        table([{"name": name, **by_event(one, one), "pareto_k": {"near": 0.1}}], "number", "name"),
        "success",
    )


def important(name: str) -> Figure:
    row = {"literal": name, "fussell_vesely": summary(0.4)}
    return plot_importance(table([row], "literal", "literal"), "catastrophe")


def viewed(name: str) -> Figure:
    row = {"name": name, "odds": by_event(summary(0.5), summary(0.1))}
    return plot_views(table([row], "view", "name"))


def compared(name: str) -> Figure:
    gap = {**summary(-0.1), "clear": True}
    row = {"first": name, "second": "b", "how": "paired", "differences": by_event(gap, gap)}
    return plot_comparison(table([row], "pair"), "success")


def places(name: str) -> Figure:
    share = xr.DataArray(
        [[[0.75, 0.25], [0.25, 0.75]]],
        dims=("event", "side", "place"),
        coords={"event": ["success"], "side": [name, "b"], "place": [1, 2]},
    )
    return plot_ranks_of_sides(share.to_dataset(name="share"), "success")


def draws(*shape: int) -> xr.DataArray:
    return xr.DataArray(
        np.random.default_rng(7).beta(2, 5, size=shape), dims=("chain", "draw")[-len(shape) :]
    )


MADE: dict[str, Callable[[str], Figure]] = {
    "odds": lambda n: plot_odds(table([{"id": n, **summary(0.3)}], "route", "id")),
    "tornado": lambda n: plot_tornado(numbers(n), "catastrophe", now=0.03),
    "effects": lambda n: plot_assumption_effects(effects(n), "catastrophe", now=0.03),
    "tipping": tipping,
    "evidence": evidence,
    "sequence": sequence,
    "failure": lambda n: plot_failure(table([{"id": n, **summary(0.3)}], "share", "id")),
    "failing": failing,
    "value": valued,
    "structure": structured,
    "scaled": scaled,
    "important": important,
    "views": viewed,
    "compared": compared,
    "places": places,
    "dots": lambda n: plot_dots(draws(300), event=n),
    "density": lambda n: plot_prior_posterior(draws(300), draws(200), name=n),
    "weights": lambda n: plot_weights(draws(300), pareto_k=0.2),
    "ranks": lambda n: plot_ranks(draws(4, 50), name=n),
}


def parsed(figure: Figure) -> Element:
    root: Element = fromstring(standalone(figure))
    return root


def marks(root: Element) -> list[Element]:
    return [e for e in root.iter() if e.get("data-tip") is not None]


@pytest.mark.parametrize("name", MADE)
def test_a_figure_is_named_described_and_reachable(name: str) -> None:
    figure = MADE[name]("some-name")
    root = parsed(figure)
    assert root.findtext(f"{SVG}title") == figure.title
    assert root.findtext(f"{SVG}desc") == figure.description
    assert marks(root)
    assert all(mark.get("tabindex") == "0" and mark.get("aria-label") for mark in marks(root))
    assert figure.rows and all(len(row) == len(figure.columns) for row in figure.rows)
    assert "var(" not in standalone(figure)
    assert "style=" not in str(figure.svg)


@pytest.mark.parametrize("name", MADE)
def test_every_mark_is_inside_the_frame(name: str) -> None:
    root = parsed(MADE[name]("some-name"))
    _, _, width, height = (float(x) for x in str(root.get("viewBox")).split())
    for shape in root.iter():
        for key, bound in (("cx", width), ("x1", width), ("x2", width), ("cy", height)):
            value = shape.get(key)
            if value is not None:
                assert 0 <= float(value) <= bound
        for x, y in re.findall(r"(-?[\d.]+),(-?[\d.]+)", shape.get("d", "")):
            assert 0 <= float(x) <= width and 0 <= float(y) <= height
        if shape.tag == f"{SVG}rect":
            x, wide = float(shape.get("x", 0)), float(shape.get("width", 0))
            assert x >= 0 and x + wide <= width + 0.1 and wide >= 0
    assert not re.search(r"\b(nan|inf)\b", str(root.attrib) + standalone(MADE[name]("n")), re.I)


@pytest.mark.parametrize("name", MADE)
def test_hostile_text_changes_no_structure(name: str) -> None:
    hostile, plain = (parsed(MADE[name](words)) for words in (HOSTILE, PLAIN))
    kinds = {e.tag for e in hostile.iter()}
    assert kinds <= {e.tag for e in plain.iter()} | {f"{SVG}title", f"{SVG}tspan"}
    assert not any(str(key).startswith("on") for e in hostile.iter() for key in e.attrib)
    assert len(marks(hostile)) == len(marks(plain))
    assert "<img" not in standalone(MADE[name](HOSTILE))


@pytest.mark.parametrize("name", MADE)
def test_the_same_numbers_give_the_same_bytes(name: str) -> None:
    assert standalone(MADE[name]("n")) == standalone(MADE[name]("n"))


@pytest.mark.parametrize(
    "figure",
    [
        plot_tornado(xr.Dataset(), "success", now=0.1),
        plot_assumption_effects(xr.Dataset(), "success", now=0.1),
        plot_tipping(xr.Dataset(), xr.Dataset(), xr.Dataset()),
        plot_evidence(xr.Dataset(), "success"),
        plot_evidence_sequence(xr.Dataset()),
        plot_failure(None),
        plot_failure_assumptions(xr.Dataset()),
        plot_value(xr.Dataset()),
        plot_structure(xr.Dataset()),
        plot_power_scaling(xr.Dataset(), "success"),
        plot_importance(xr.Dataset(), "success"),
        plot_comparison(xr.Dataset(), "success"),
        plot_ranks_of_sides(xr.Dataset(), "success"),
        plot_dots(xr.DataArray([])),
        plot_dots(xr.DataArray([math.nan])),
        plot_prior_posterior(xr.DataArray([]), xr.DataArray([0.1])),
        plot_weights(xr.DataArray([0.0, 0.0])),
        plot_ranks(xr.DataArray(np.ones((4, 9)), dims=("chain", "draw"))),
        plot_ranks(draws(9)),
    ],
    ids=lambda figure: str(figure.name),
)
def test_what_is_not_there_is_said(figure: Figure) -> None:
    assert figure.description.startswith("Not available: ")
    assert parsed(figure).findtext(f"{SVG}desc") == figure.description


def test_numbers_that_are_not_known_leave_the_others() -> None:
    found = numbers("a")
    found["low_mean"].loc[{"number": "a"}] = math.nan
    figure = plot_tornado(found, "catastrophe", now=0.03)
    assert ("a", "20% to 60%", "–", "4.0%") in [row[:4] for row in figure.rows]
    assert "nan" not in standalone(figure)


def test_what_an_assumption_claims_stands_under_its_name() -> None:
    name = "an-assumption-of-a-long-name"
    claim = (
        "It claims <much>, in more words than fit into the two small lines that a picture has for "
        "them, the rest of it where one points."
    )
    row: dict[str, Any] = {"assumption": name}
    for end, mean in (("true", 0.3), ("false", 0.1)):
        row[f"if_{end}"] = {"given_failure": {"catastrophe": summary(mean), "safe": summary(0.5)}}
    rows = table([row], "assumption", "assumption")
    figure, bare = (plot_failure_assumptions(rows, claims=of) for of in ({name: claim}, None))
    assert figure.rows == bare.rows
    names = [e for e in parsed(figure).iter(f"{SVG}text") if "halo" in e.get("class", "")]
    under = [e for e in names if e.get("class") == "sub halo"]
    said = " ".join("".join(e.itertext()) for e in under)
    assert claim.startswith(said.removesuffix("…")) and len(under) == 2
    assert claim in [e.findtext(f"{SVG}title") for e in names]
    heights = [float(parsed(each).get("viewBox", "").split()[3]) for each in (figure, bare)]
    assert heights[0] > heights[1]


def ticks_of(root: Element) -> Callable[[float], float]:
    """The scale, read back from the labels below it."""
    seen = [
        (float(e.get("x", 0)), float("".join(e.itertext()).replace("−", "-").strip("%+")))
        for e in root.iter(f"{SVG}text")
        if e.get("text-anchor") == "middle"
        and re.fullmatch(r"[−+]?[\d.]+%?", "".join(e.itertext()))
    ]
    (x0, v0), (x1, v1) = seen[0], seen[-1]
    return lambda x: v0 + (x - x0) / (x1 - x0) * (v1 - v0)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("odds", [30.0]),
        ("evidence", [0.3]),
        ("failure", [30.0]),
        ("value", [0.1]),
        ("structure", [-10.0]),
        ("important", [40.0]),
        ("compared", [-10.0]),
        ("views", [50.0, 10.0]),
    ],
)
def test_dots_are_where_their_numbers_are(name: str, expected: list[float]) -> None:
    root = parsed(MADE[name]("a"))
    drawn = [e for it in marks(root) for e in it.iter(f"{SVG}circle")]  # no sample of the key
    dots = [float(e.get("cx", 0)) for e in drawn]
    if name == "views":  # two scales
        assert len(dots) == len(expected)
        return
    back = ticks_of(root)
    assert [back(x) for x in dots] == pytest.approx(expected, rel=0.02, abs=0.01)


def test_bars_go_from_now_to_where_the_number_takes_it() -> None:
    root = parsed(MADE["tornado"]("a"))
    back = ticks_of(root)
    bars = {
        look: [
            (back(float(e.get("x", 0))), back(float(e.get("x", 0)) + float(e.get("width", 0))))
            for it in marks(root)
            for e in it.iter(f"{SVG}rect")
            if e.get("class") == look
        ]
        for look in ("low", "high")
    }
    # "other" swings more, and is first.
    assert np.array(bars["low"]).ravel() == pytest.approx([3, 6, 2, 3], abs=0.03)
    assert np.array(bars["high"]).ravel() == pytest.approx([1, 3, 3, 4], abs=0.03)


def test_what_a_number_is_now_stands_beside_where_the_verdict_flips() -> None:
    figure = MADE["tipping"]("a")
    root = parsed(figure)
    [shapes] = marks(root)
    [line] = [e for e in shapes.iter(f"{SVG}line") if e.get("class") == "interval-90"]
    low, high = float(line.get("x1", 0)), float(line.get("x2", 0))
    [dot] = [float(e.get("cx", 0)) for e in shapes.iter(f"{SVG}circle")]
    [square] = [
        float(e.get("x", 0)) + float(e.get("width", 0)) / 2
        for e in shapes.iter(f"{SVG}rect")
        if e.get("class") == "dot"
    ]
    # Its prior is from 20% to 60%, it is 35% now, and the verdict flips at 30%.
    assert (dot - low) / (high - low) == pytest.approx(0.375, abs=0.001)
    assert (square - low) / (high - low) == pytest.approx(0.25, abs=0.001)
    assert figure.columns[4] == "now"
    assert [row[4] for row in figure.rows] == ["35% (90% interval 22% to 55%)"]


def test_fifty_dots_are_quantiles_of_weighted_draws() -> None:
    values = xr.DataArray([0.1, 0.3], dims="draw")
    weights = xr.DataArray([0.2, 0.8], dims="draw")
    root = parsed(plot_dots(values, event="success", weights=weights))
    [dots] = [e for e in root.iter(f"{SVG}path") if e.get("class") == "dots best"]
    at = re.findall(r"M([0-9.]+),", dots.get("d", ""))
    assert sorted(at.count(x) for x in set(at)) == [10, 40]


def test_chains_that_differ_leave_the_band() -> None:
    rng = np.random.default_rng(3)
    apart = rng.normal(size=(4, 400)) + np.array([0, 0, 0, 1.0])[:, None]
    figure = plot_ranks(xr.DataArray(apart, dims=("chain", "draw")), name="x")
    assert figure.rows[3][2] == "no"
    alike = plot_ranks(xr.DataArray(apart - [[0], [0], [0], [1.0]], dims=("chain", "draw")))
    assert [row[2] for row in alike.rows] == ["yes"] * 4


def test_a_picture_can_be_saved_as_png(tmp_path: Any) -> None:
    target = tmp_path / "value.png"
    save_figure(MADE["value"]("a"), target)
    content = target.read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    assert int.from_bytes(content[16:20]) == 1600


def test_what_the_page_may_change_is_marked() -> None:
    rows = [{"id": name, **summary(0.3)} for name in ("intended", "deceptive")]
    root = parsed(plot_odds(table(rows, "class", "id")))
    found = {e.get("data-odds"): "".join(e.itertext()) for e in root.iter() if e.get("data-odds")}
    assert found == {"intended": "30%", "deceptive": "30%"}


def test_a_sequence_tells_its_order_its_steps_and_what_not_to_rely_on() -> None:
    sure, unsure = sequence("one"), sequence("one", ok=False)
    assert sure.rows == (
        ("before", "20% (15%–25%)", "", "10% (5.0%–15%)", ""),
        ("one", "40% (35%–45%)", "+20", "20% (15%–25%)", "+10"),
        ("last (opinion)", "40% (35%–45%)", "~0", "20% (15%–25%)", "~0"),  # no more than its error
    )
    assert "in the order in which the story gives them" in sure.note
    assert "at most 0.10% of success" in sure.note and "relied on" not in sure.note
    assert unsure.rows[1][1] == "40%? (35%–45%)" and "Not to be relied on: ?" in unsure.note
    assert ">one?</text>" in unsure.svg
    assert len(sequence("x" * 200).svg) < len(sure.svg) + 50  # a long name is cut
