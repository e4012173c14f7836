"""Makes of a page are read back as what anybody may have put there."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from storyodds.models.assessment.assessment import assess
from storyodds.priors.text.json_reader import read_json
from storyodds.priors.text.json_writer import json_text
from storyodds.reports.documents.estimate import summarize
from storyodds.reports.documents.history.makes import (
    MOST,
    Make,
    history_folder,
    read_history,
    surplus,
)
from storyodds.scenarios.loader import load_story
from storyodds.scenarios.resolve import resolve

STORY = "carlsmith-six-premises"
DAY = datetime(2026, 3, 1, tzinfo=UTC)
ADDS = {"success": {"mean": 0.1, "error": 0.0}, "catastrophe": {"mean": -0.1, "error": 0.0}}


@pytest.fixture(scope="module")
def estimate() -> Any:
    document = summarize(assess(resolve(load_story(STORY))))
    return read_json(json_text(document).encode())  # as it stands in a file


def put(folder: Path, make: Make) -> Path:
    place = history_folder(folder, STORY)
    place.mkdir(parents=True, exist_ok=True)
    (place / make.file_name).write_text(make.text, "utf-8")
    return place


def since(adds: Any, why: str | None = None) -> dict[str, Any]:
    change = {"label": "a number", "edits": [], "adds": adds}
    return {"causes": "numbers changed", "changes": [change], "orders": 1, "why": why}


def test_what_was_written_is_read(tmp_path: Path, estimate: Any) -> None:
    make = Make(DAY, estimate, None, since(ADDS))
    put(tmp_path, make)
    history = read_history(tmp_path, STORY)
    assert (history.makes, history.problems) == ((make,), ())


@pytest.mark.parametrize(
    "adds",
    [
        None,
        {"success": ADDS["success"]},
        {**ADDS, "q": ADDS["success"]},
        {**ADDS, "success": {"mean": 1e308, "error": 0.0}},
        {**ADDS, "success": {"mean": 0.1, "error": -1.0}},
    ],
    ids=["nothing", "one fate", "another fate", "beyond a chance", "no error"],
)
def test_changes_that_add_nothing_known_are_left_out(
    tmp_path: Path, estimate: Any, adds: Any
) -> None:
    put(tmp_path, Make(DAY, estimate, None, since(adds)))
    history = read_history(tmp_path, STORY)
    assert not history.makes and len(history.problems) == 1


def test_errors_beyond_a_chance_are_left_out(tmp_path: Path, estimate: Any) -> None:
    errors = {"catastrophe": {"mean": 1e308, "median": 0.0, "q05": 0.0, "q95": 0.0}}
    diagnostics = {**estimate["diagnostics"], "standard_errors": errors}
    put(tmp_path, Make(DAY, {**estimate, "diagnostics": diagnostics}))
    assert not read_history(tmp_path, STORY).makes


@pytest.mark.parametrize("made", [datetime(1, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
def test_makes_of_other_ages_are_left_out(tmp_path: Path, estimate: Any, made: datetime) -> None:
    place = put(tmp_path, Make(DAY, estimate))
    (file,) = place.iterdir()
    stamp = f"{made.year:04}-{made.month:02}-01T000000.000000"
    file.rename(file.with_name(stamp + file.name.removeprefix("2026-03-01T000000.000000")))
    history = read_history(tmp_path, STORY)
    assert not history.makes and len(history.problems) == 1


def test_other_files_neither_hide_a_make_nor_push_it_out(tmp_path: Path, estimate: Any) -> None:
    make = Make(DAY, estimate)
    place = put(tmp_path, make)
    for k in range(MOST):
        (place / f"zz{k}.json").write_text(json.dumps({}), "utf-8")
    assert read_history(tmp_path, STORY).makes == (make,)
    for k in range(MOST):
        stamp = (DAY + timedelta(days=k + 1)).strftime("%Y-%m-%dT%H%M%S.%f")
        (place / f"{stamp}Z-{k:064x}.json").write_text(json.dumps({}), "utf-8")
    assert [file.name for file in surplus(place)] == [make.file_name]
    assert surplus(place, {make.file_name}) == []
