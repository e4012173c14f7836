"""The picture of how a story gets to its fates, read back from what is drawn."""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from xml.etree import ElementTree

import pytest
from support.building import OFF, tell
from support.many_routes import many_routes

from storyodds import load_story
from storyodds.models.assessment.assessment import assess
from storyodds.models.flows.flows import Flows, flows, links, merged
from storyodds.reports.figures.drawing.figure import Figure
from storyodds.reports.figures.flow import WIDTH, WORST, plot_flow
from storyodds.reports.words.numbers import percent
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Route
from storyodds.scenarios.story import Story

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "</text><script>alert(1)</script>\"'&"
NAMES = ("rlhf-assistant", "carlsmith-six-premises", "residual-only", "harmless", "many-routes")


def story_of(name: str) -> Story:
    if name == "many-routes":
        return many_routes()
    if name == "residual-only":
        return tell({}, [OFF])
    if name == "harmless":
        return tell({}, [Route(id="scheme", class_="deceptive", bits=0, harm=0), OFF])
    return load_story(name)


@pytest.fixture(scope="module")
def told() -> dict[str, Flows]:
    return {name: flows(assess(resolve(story_of(name)), draws=256)) for name in NAMES}


def parsed(figure: Figure) -> ElementTree.Element:
    return ElementTree.fromstring(str(figure.svg))


def marks(figure: Figure) -> list[ElementTree.Element]:
    return [each for each in parsed(figure).iter(f"{SVG}g") if "data-tip" in each.attrib]


def shapes(figure: Figure, look: str) -> list[ElementTree.Element]:
    return [each for each in parsed(figure).iter() if look in each.get("class", "").split()]


def band(shape: ElementTree.Element) -> tuple[float, float, float, float, float, float]:
    """Where a ribbon leaves and arrives: x and both edges, then x and both edges."""
    numbers = [float(x) for x in re.findall(r"-?\d+(?:\.\d+)?", shape.attrib["d"])]
    pairs = list(zip(numbers[::2], numbers[1::2], strict=True))
    (x0, top0), (x1, top1), (_, bottom1), (_, bottom0) = (pairs[k] for k in (0, 3, 4, 7))
    return x0, top0, bottom0, x1, top1, bottom1


def nodes(figure: Figure) -> list[tuple[ElementTree.Element, ElementTree.Element]]:
    """Bars with their labels."""
    found = []
    for each in marks(figure):
        bar, words = each.find(f"{SVG}rect"), each.find(f"{SVG}text")
        if bar is not None and words is not None:
            found.append((bar, words))
    return found


def pictures(told: dict[str, Flows]) -> Iterator[tuple[Flows, Figure]]:
    for found in told.values():
        yield merged(found), plot_flow(found)
        yield found, plot_flow(found, full=True)
        yield merged(found), plot_flow(found, claims=claims_of(found))


def claims_of(found: Flows) -> dict[str, str]:
    names = {*found.columns, *(step.name for step in found.steps)}
    return {name: f"What {HOSTILE} claims of {name}, in very many words." for name in names}


def test_every_ribbon_is_as_wide_as_it_is_likely_and_within_the_picture(
    told: dict[str, Flows],
) -> None:
    for shown, figure in pictures(told):
        height = float(parsed(figure).attrib["viewBox"].split()[3])
        drawn = [band(shape) for shape in shapes(figure, "ribbon")]
        for x0, top0, bottom0, x1, top1, bottom1 in drawn:
            assert 0 <= x0 < x1 <= WIDTH
            assert all(0 <= y <= height for y in (top0, bottom0, top1, bottom1))
            assert bottom0 - top0 == pytest.approx(bottom1 - top1, abs=2.1e-3)
        parts = [
            part
            for link in links(shown)
            for part in (link.worst, link.probability - link.worst)
            if part > 1e-12 * link.probability
        ]
        first = min(x0 for x0, *_ in drawn)
        scale = sum(bottom0 - top0 for x0, top0, bottom0, *_ in drawn if x0 == first)
        assert scale >= 300
        widths = sorted(bottom0 - top0 for _, top0, bottom0, *_ in drawn)
        assert widths == pytest.approx([scale * p for p in sorted(parts)], abs=0.01)


def test_ribbons_fill_the_nodes_that_they_join(told: dict[str, Flows]) -> None:
    for _, figure in pictures(told):
        bars = [
            tuple(float(bar.attrib[name]) for name in ("x", "y", "width", "height"))
            for bar, _ in nodes(figure)
        ]
        filled = {bar: [0.0, 0.0] for bar in bars}
        for shape in shapes(figure, "ribbon"):
            x0, top0, bottom0, x1, top1, bottom1 = band(shape)
            for side, (x, top, bottom) in enumerate(((x1, top1, bottom1), (x0, top0, bottom0))):
                (bar,) = (
                    bar
                    for bar in bars
                    if abs(bar[0] + bar[2] * side - x) < 0.1
                    and bar[1] - 0.01 <= top
                    and bottom <= bar[1] + bar[3] + 0.01
                )
                filled[bar][side] += bottom - top
        first, last = min(x for x, *_ in bars), max(x for x, *_ in bars)
        for (x, _, _, height), (arrived, left) in filled.items():
            for side, inside in ((arrived, x > first), (left, x < last)):
                if inside and height > 1:
                    assert side == pytest.approx(height, abs=0.05)


def test_neither_nodes_nor_labels_meet(told: dict[str, Flows]) -> None:
    for _, figure in pictures(told):
        boxes: dict[float, list[tuple[float, float]]] = {}
        columns = sorted({float(bar.attrib["x"]) for bar, _ in nodes(figure)})
        for bar, words in nodes(figure):
            x, y, height = (float(bar.attrib[name]) for name in ("x", "y", "height"))
            lines = [float(span.attrib["y"]) for span in words]
            top, bottom = min(y, lines[0] - 11), max(y + height, lines[-1] + 3)
            boxes.setdefault(x, []).append((top, bottom))
            following = [other for other in (*columns, WIDTH + 4) if other > x]
            for span in words:
                begins = float(span.attrib["x"])
                assert begins + 7.4 * len(span.text or "") <= following[0]
        for column in boxes.values():
            for one, other in combinations(sorted(column), 2):
                assert one[1] <= other[0]


def test_every_ribbon_and_node_says_what_it_is(told: dict[str, Flows]) -> None:
    for shown, figure in pictures(told):
        tips = [each.attrib["data-tip"] for each in marks(figure)]
        assert tips == [each.attrib["aria-label"] for each in marks(figure)]
        for step in shown.steps:
            assert any(tip.startswith(f"{step.words}: {percent(step.probability)}") for tip in tips)
        for link in links(shown):
            source, target = shown.steps[link.source], shown.steps[link.target]
            assert any(tip.startswith(f"{source.words} → {target.words}: ") for tip in tips)
        assert len(figure.rows) == len(links(shown))
        for row, link in zip(figure.rows, links(shown), strict=True):
            assert row == (
                shown.steps[link.source].words,
                shown.steps[link.target].words,
                percent(link.probability),
                percent(link.worst) if link.worst else "",
            )


def test_the_worst_path_is_marked_by_more_than_its_color(told: dict[str, Flows]) -> None:
    for shown, figure in pictures(told):
        marked = {k for strand in shown.strands if strand.worst for k in strand.steps}
        signed = [words for _, words in nodes(figure) if (words[0].text or "").startswith(WORST)]
        assert len(signed) == len(marked) > 0
        worst = [
            each
            for each in marks(figure)
            if each.find(f"{SVG}path[@class='ribbon worst']") is not None
        ]
        name = "worst path" if shown.concern > 0 else "likeliest failure path"
        assert len(worst) == sum(link.worst > 0 for link in links(shown))
        assert all(each.attrib["data-tip"].endswith(f"({name})") for each in worst)
        for each in worst:
            _, top, bottom, *_ = band(each[0])
            assert len(each) == 1 + (bottom - top < 3.99)
        assert name in "".join(parsed(figure).itertext())
        assert shown.worst.label in figure.description


def test_many_routes_are_merged_unless_all_are_wanted(told: dict[str, Flows]) -> None:
    few, full = plot_flow(told["many-routes"]), plot_flow(told["many-routes"], full=True)
    assert "38 other routes" in str(few.svg)
    assert "other routes" not in str(full.svg)
    assert told["many-routes"].worst.route in {row[0] for row in few.rows}
    assert few.name != full.name
    assert parsed(few).attrib["aria-labelledby"] != parsed(full).attrib["aria-labelledby"]


def test_claims_stand_where_there_is_room_and_in_full_where_one_points(
    told: dict[str, Flows],
) -> None:
    found = told["rlhf-assistant"]
    claims, bare = claims_of(found), plot_flow(found)
    figure = plot_flow(found, claims=claims)
    assert figure.rows == bare.rows and figure.description == bare.description
    beside = 0
    for (bar, words), (_, was) in zip(nodes(figure), nodes(bare), strict=True):
        lines = [span.text or "" for span in words]
        name = [span.text or "" for span in was]
        assert lines[: len(name)] == name
        claim = words.findall(f"{SVG}tspan[@class='sub']")
        assert [span.text for span in claim] == lines[len(name) :]
        height = float(bar.attrib["height"])
        assert not claim or len(lines) * 14 <= height
        beside += bool(claim)
    assert beside > 3
    tips = [each.attrib["data-tip"] for each in marks(figure)]
    for step in merged(found).steps:
        assert any(tip.endswith(f". {claims[step.name]}") for tip in tips)


def test_hostile_names_are_text(told: dict[str, Flows]) -> None:
    found = told["rlhf-assistant"]
    hostile = replace(
        found,
        columns=tuple(HOSTILE + column for column in found.columns),
        steps=tuple(
            replace(step, name=HOSTILE + step.name, words=HOSTILE + step.words)
            for step in found.steps
        ),
        worst=replace(found.worst, route=HOSTILE),
        information={HOSTILE + name: bits for name, bits in found.information.items()},
    )
    figure = plot_flow(hostile)
    tags = {each.tag.removeprefix(SVG) for each in parsed(figure).iter()}
    assert tags <= {"svg", "title", "desc", "g", "path", "rect", "text", "tspan"}
    assert not any("style" in each.attrib for each in parsed(figure).iter())
    assert any(each.attrib["data-tip"].startswith(HOSTILE) for each in marks(figure))


def test_the_same_bytes_again(told: dict[str, Flows]) -> None:
    found = told["rlhf-assistant"]
    again = flows(assess(resolve(story_of("rlhf-assistant")), draws=256))
    assert plot_flow(found) == plot_flow(again)
