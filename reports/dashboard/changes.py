"""What has changed since a result was saved."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storyodds.reports.comparison_saved import monte_carlo_error
from storyodds.reports.dashboard.parts import Json
from storyodds.reports.summary import SCHEMA
from storyodds.reports.wording import percent, points

FATES = ("success", "catastrophe")
_MOST_BYTES = 64 * 2**20  # of a file that is looked into
_SURE = 2.0  # errors that a difference has to exceed


@dataclass(frozen=True)
class Saved:
    """A saved result, or why there is none: a sentence that is empty where nothing was saved."""

    estimate: Json | None
    problem: str = ""


def saved(file: Path) -> Saved:
    """Read a saved estimate; whatever is wrong with the file is told, not raised.

    Parameters
    ----------
    file : Path

    Returns
    -------
    Saved
    """
    if not file.is_file():
        return Saved(None)
    try:
        if file.stat().st_size > _MOST_BYTES:
            return Saved(None, "The saved result is too large to be one.")
        found = json.loads(file.read_bytes())
        if found["schema"] != SCHEMA:
            return Saved(None, "What is saved under this name is not a result.")
        for name in FATES:
            if not all(0 <= float(found["fates"][name][k]) <= 1 for k in ("mean", "q05", "q95")):
                return Saved(None, "The saved result is damaged.")
            if not math.isfinite(monte_carlo_error(found, name)):
                return Saved(None, "The saved result is damaged.")
        str(found["story_sha256"]), found["diagnostics"].get("ess"), found["settings"].items()
    except (
        *(OSError, ValueError, KeyError, TypeError, AttributeError),
        *(RecursionError, OverflowError),
    ):
        return Saved(None, "The saved result cannot be read.")
    return Saved(found)


def what_changed(now: Json, before: Saved) -> str:
    """Say how the odds differ from those that were saved.

    Parameters
    ----------
    now : mapping
        "storyodds/estimate/1".
    before : Saved

    Returns
    -------
    str
    """
    if before.estimate is None:
        return before.problem or "First result: nothing was saved before."
    then = before.estimate
    causes = _causes(now, then)
    said = []
    for fate in FATES:
        a, b = float(then["fates"][fate]["mean"]), float(now["fates"][fate]["mean"])
        error = math.hypot(*(monte_carlo_error(it, fate) for it in (then, now)))
        if a == b:
            said.append(f"{fate} {percent(b)} as before")
        elif abs(b - a) <= _SURE * error:
            said.append(
                f"{fate} {percent(a)} → {percent(b)}, within Monte Carlo error ({points(b - a)})"
            )
        else:
            said.append(f"{fate} {percent(a)} → {percent(b)} ({points(b - a)})")
    return f"{causes}: {'; '.join(said)}."


def _causes(now: Json, then: Json) -> str:
    """What is not the same as then, the story's text first."""
    same = now["story_sha256"] == then["story_sha256"]
    text = f"Since the last result, the story's text is {'the same' if same else 'another'}"
    others = [
        name
        for name in ("view", "settings", "seed", "method", "versions")
        if _plain(now.get(name)) != _plain(then.get(name))
    ]
    if _draws(now) != _draws(then):
        others.append("number of draws")
    return f"{text} (changed too: {', '.join(others)})" if others else text


def _draws(estimate: Json) -> Any:
    return estimate["diagnostics"].get("draws")


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value
