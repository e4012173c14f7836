"""Pictures in fewer characters are the same pictures."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from storyodds.reports.dashboard.compact_svg import by_steps, slim

points = st.lists(
    st.tuples(st.floats(-2000, 2000), st.floats(-2000, 2000)), min_size=4, max_size=30
)


def read(data: str) -> list[tuple[float, float]]:
    """Where a path of relative lines and curves goes, step by step."""
    found: list[tuple[float, float]] = []
    pen = start = (0.0, 0.0)
    for letter, said in re.findall(r"([A-Za-z])([^A-Za-z]*)", data):
        numbers = [float(x) for x in re.findall(r"-?(?:\d+\.\d+|\.\d+|\d+)", said)]
        if letter == "z":
            pen = start
            continue
        size = {"M": 2, "m": 2, "l": 2, "c": 6}[letter]
        for k in range(0, len(numbers), size):
            here = (0.0, 0.0) if letter == "M" else pen
            pairs = zip(numbers[k : k + size : 2], numbers[k + 1 : k + size : 2], strict=True)
            found += [(here[0] + x, here[1] + y) for x, y in pairs]
            pen = found[-1]
        start = pen if letter in "Mm" else start
    return found


@given(points)
def test_steps_lead_to_the_points_however_many_there_are(at: list[tuple[float, float]]) -> None:
    data = "M" + "L".join(f"{x:.3f},{y:.3f}" for x, y in at) + "Z"
    (x, y), *rest = at[:4]
    data += f"M{x:.3f},{y:.3f}C" + " ".join(f"{x:.3f},{y:.3f}" for x, y in rest)
    short = by_steps(data)
    assert len(short) < len(data)
    found = [x for point in read(short) for x in point]
    assert found == pytest.approx([x for point in (*at, *at[:4]) for x in point], abs=0.0506)


@pytest.mark.parametrize("data", ["M1,2L3,4 5,6", "M1,2 3,4", "M1,2A3,3 0 0 1 5,5", "m1,2l3,4"])
def test_what_it_does_not_know_stays(data: str) -> None:
    assert by_steps(data) == data


def test_words_stay_where_they_stand() -> None:
    one = '<text class="tick"><tspan x="6" y="44">a &lt;b</tspan></text>'
    two = (
        '<text class="label" text-anchor="end"><tspan x="1" y="2">a</tspan><tspan>b</tspan></text>'
    )
    assert slim(Markup(one)) == "<text x=6 y=44 class=tick>a &lt;b</text>"
    lines = "<tspan x=1 y=2>a</tspan><tspan>b</tspan>"
    assert slim(Markup(two)) == f'<text class="label e">{lines}</text>'
    middle = '<text x="3" class="tick" text-anchor="middle">5</text>'
    assert slim(Markup(middle)) == '<text x=3 class="tick m">5</text>'
