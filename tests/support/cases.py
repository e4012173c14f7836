"""Small stories that once showed a fault, from `tests/data/cases`."""

from pathlib import Path

from storyodds import load_story
from storyodds.scenarios.story import Story

FOLDER = Path(__file__).parents[1] / "data" / "cases"


def case(name: str) -> Story:
    """Load a case by its file's name.

    Examples
    --------
    >>> case("h1").title
    'H'
    """
    return load_story(str(FOLDER / f"{name}.yaml"))
