"""A story with every number set to one of an assessment's draws."""

import re
from collections.abc import Container
from typing import Any

from storyodds.scenarios.resolve import ResolvedStory
from storyodds.scenarios.serialize import to_data
from storyodds.scenarios.story import Story

_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


def follow(data: Any, key_path: str) -> Any:
    """Give what stands at a key path such as `routes[0].bits`."""
    for step in steps(key_path):
        data = data[step]
    return data


def steps(key_path: str) -> list[str | int]:
    return [int(index) if index else name for name, index in _STEP.findall(key_path)]


def at_values(resolved: ResolvedStory, values: Any, only: Container[int] | None = None) -> Story:
    """Write values in place of numbers, in the order of `ResolvedStory.numbers`.

    `only` are the places of those to write, all by default.
    """
    data = to_data(resolved.story)
    for i, (number, value) in enumerate(zip(resolved.numbers, values, strict=True)):
        if number.key_path is not None and (only is None or i in only):
            *outer, last = steps(number.key_path)
            place = data
            for step in outer:
                place = place[step]  # type: ignore[index]
            place[last] = float(value)  # type: ignore[index]
    return Story.model_validate(data)
