"""What has changed since a result was saved."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storyodds.models.story.events import Headline
from storyodds.priors.text.errors import InputError
from storyodds.priors.text.json_reader import MAX_BYTES, read_json
from storyodds.reports.contract.estimate import Estimate
from storyodds.reports.documents.comparison_saved import monte_carlo_error
from storyodds.reports.documents.saved_estimate import require_estimate
from storyodds.reports.words.numbers import percent, points

FATES: tuple[Headline, ...] = ("success", "catastrophe")
_SURE = 2.0  # errors that a difference has to exceed


@dataclass(frozen=True)
class Saved:
    """A saved result, or why there is none: a sentence that is empty where nothing was saved."""

    estimate: Estimate | None
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
        with file.open("rb") as stream:
            estimate = read_json(stream.read(MAX_BYTES + 1))
        require_estimate(estimate, file)
    except (OSError, ValueError):
        return Saved(None, "The saved result cannot be read.")
    except InputError:
        return Saved(None, "What is saved under this name is no result, or is damaged.")
    return Saved(estimate)


def what_changed(now: Estimate, before: Saved) -> str:
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


def _causes(now: Estimate, then: Estimate) -> str:
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


def _draws(estimate: Estimate) -> Any:
    return estimate["diagnostics"].get("draws")


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value
