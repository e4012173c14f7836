"""Stories from files: every mistake of a file at once, each at its line and column."""

import functools
import importlib.resources
import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from storyodds.priors.library import looks_like_path
from storyodds.priors.text.document import Document
from storyodds.priors.text.errors import InputError, Mistake, Problem, UnknownStoryError
from storyodds.priors.text.phrases import described, did_you_mean, quoted
from storyodds.priors.text.yaml_reader import file_text, is_unreadable, scan
from storyodds.priors.wording import mistakes_in
from storyodds.scenarios.checks.consistency import find_mistakes
from storyodds.scenarios.story import Story

_LIBRARY = "storyodds.scenarios"


@functools.cache
def bundled_stories() -> Mapping[str, Path]:
    """List the stories that ship with the project, by id.

    Returns
    -------
    mapping of str to pathlib.Path
    """
    folder = Path(str(importlib.resources.files(_LIBRARY))) / "library"
    return MappingProxyType({path.stem: path for path in sorted(folder.glob("*.yaml"))})


def load_story(source: str | Path) -> Story:
    """Read a story from a file, or one that ships with the project.

    Parameters
    ----------
    source : str or pathlib.Path
        The id of a bundled story, or the path of a file.

    Returns
    -------
    Story

    Raises
    ------
    UnknownStoryError
        If there is no such file or story.
    InputError
        With every mistake of the file, in the order of its lines.

    Examples
    --------
    >>> load_story("cat-classifier").title
    'Image classifier that tells cats from other things'
    """
    path = _find(source)
    story, document = _load(file_text(path), str(path))
    if bundled_stories().get(path.stem) == path and story.story != path.stem:
        sentence = f"found '{story.story}', expected '{path.stem}', the name of its file"
        raise InputError([document.problem(Mistake(("story",), sentence))])
    return story


def load_text(text: str, file: str = "<text>") -> Story:
    r"""Read a story from text.

    Parameters
    ----------
    text : str
    file : str
        The name that errors give it.

    Returns
    -------
    Story

    Raises
    ------
    InputError
        With every mistake of the text, in the order of its lines.

    Examples
    --------
    >>> load_text("story: five\ntitle: 5\n")
    Traceback (most recent call last):
        ...
    storyodds.priors.text.errors.InputError: <text>:1:1: the key 'goal' is missing
        1 | story: five
          | ^
    <text>:1:1: the key 'routes' is missing
        1 | story: five
          | ^
    <text>:2:8: title: found 5, expected text; put it in quotes if it is meant as text
        2 | title: 5
          |        ^
    """
    return _load(text, file)[0]


def story_text(source: str | Path) -> str:
    """Return the text of a story's file, whether or not it is a right story.

    Parameters
    ----------
    source : str or pathlib.Path
        The id of a bundled story, or the path of a file.

    Returns
    -------
    str
    """
    return file_text(_find(source))


def _find(source: str | Path) -> Path:
    """Find the file of a story."""
    name = str(source)
    if isinstance(source, str) and source in bundled_stories():
        return bundled_stories()[source]
    path = Path(source)
    meant_as_path = isinstance(source, Path) or looks_like_path(name)
    # Unlike pathlib's, these say no to a name that no file system could have.
    if os.path.exists(name) if meant_as_path else os.path.isfile(name):
        return path
    if meant_as_path:
        siblings = [sibling.name for sibling in sorted(path.parent.glob("*.y*ml"))]
        hint = did_you_mean(path.name, siblings)
        raise UnknownStoryError([Problem(f"there is no such file{hint}", name)])
    beside = next((end for end in (".yaml", ".yml") if os.path.isfile(name + end)), None)
    hint = f"; did you mean '{name}{beside}'?" if beside else did_you_mean(name, bundled_stories())
    raise UnknownStoryError(
        f"found {quoted(name)}, expected the id of a bundled story or the path of a file{hint}; "
        "'storyodds list' shows every bundled story"
    )


def _load(text: str, file: str) -> tuple[Story, Document]:
    document, problems = scan(text, file)
    story, mistakes = _validate(document.data)
    problems += [
        document.problem(mistake)
        for mistake in mistakes
        # What the reader could not read, it has listed already.
        if not is_unreadable(document.data, mistake.path)
    ]
    if story is None or problems:
        raise InputError(sorted(problems, key=_place))
    return story.read_from(document), document


def _place(problem: Problem) -> tuple[int, int]:
    return problem.line or 0, problem.column or 0


def _validate(data: Any) -> tuple[Story | None, list[Mistake]]:
    """Make a story of plain data, or say everything that is wrong with it."""
    if not isinstance(data, Mapping):
        return None, [Mistake((), f"found {described(data)}, expected a story: {_OUTLINE}")]
    try:
        return Story.model_validate(data, by_alias=True, by_name=False), []
    except ValidationError as error:
        # 'story' is what the whole story shows once every record is right; it is asked for below,
        # because a file with a wrong record gets that mistake as well.
        shape = mistakes_in(error, data, Story, leave=("story",))
    taken = {(mistake.path, mistake.at_key) for mistake in shape}
    whole = [item for item in find_mistakes(data) if (item.path, item.at_key) not in taken]
    return None, shape + whole


_OUTLINE = "keys such as story, title, goal, assumptions and routes, each with its value"
