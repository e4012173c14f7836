"""Documents are written with as many digits as every processor agrees on."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.command_line import Run

from storyodds import load_story
from storyodds.commands.console import DIGITS, json_text
from storyodds.models.assessment.assessment import assess
from storyodds.reports.documents.estimate import summarize
from storyodds.scenarios.resolve import resolve


def numbers(data: Any) -> Iterator[float]:
    """Give every computed number of a document, in order."""
    if isinstance(data, dict):
        for key, value in data.items():
            if key not in ("form", "settings"):
                yield from numbers(value)
    elif isinstance(data, list):
        for value in data:
            yield from numbers(value)
    elif isinstance(data, float):
        yield data


def nudged(data: Any, sign: float) -> Any:
    """Move every number as adding up in another order may: by four units in its last place."""
    if isinstance(data, dict):
        return {key: nudged(value, sign) for key, value in data.items()}
    if isinstance(data, list):
        return [nudged(value, sign) for value in data]
    if not isinstance(data, float) or data == 0:
        return data
    return data + sign * 4 * math.ulp(data)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    summary = summarize(assess(resolve(load_story("cat-classifier")), draws=256))
    return dict(json.loads(json.dumps(summary)))


def test_numbers_have_twelve_digits(document: dict[str, Any]) -> None:
    exact, written = list(numbers(document)), list(numbers(json.loads(json_text(document))))
    assert len(written) == len(exact) > 400
    for x, y in zip(exact, written, strict=True):
        assert y == float(f"{y:.{DIGITS}g}")
        assert y == pytest.approx(x, rel=0.5 * 10.0 ** (1 - DIGITS))


def test_another_processor_hardly_ever_shows(document: dict[str, Any]) -> None:
    """A number falls on either side of a rounding with the chance of its error over a last digit.

    An error of four units in the last place is 9e-16 of a number at most, and the twelfth digit
    1e-12 of it at least: one in a thousand.
    """
    here = list(numbers(json.loads(json_text(document))))
    for sign in (-1.0, 1.0):
        there = list(numbers(json.loads(json_text(nudged(document, sign)))))
        others = sum(x != y for x, y in zip(here, there, strict=True))
        assert others <= 0.01 * len(here)


def test_what_was_written_down_keeps_its_digits() -> None:
    form = {"fixed": 0.12345678901234567}
    assert json.loads(json_text({"form": form, "settings": form})) == {
        "form": form,
        "settings": form,
    }


def test_commands_and_saved_files_agree(run: Run, tmp_path: Path) -> None:
    target = tmp_path / "saved.json"
    ask = ["estimate", "carlsmith-six-premises", "--json"]
    first, second = run(*ask), run(*ask, "-o", str(target))
    assert first.out == second.out == target.read_text("utf-8")
