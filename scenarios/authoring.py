"""The beginning of a story: a commented template, or a story that there is, under another id."""

import contextlib
import functools
import importlib.resources
import re

from storyodds.priors.text.errors import InputError, Problem
from storyodds.priors.text.phrases import SLUG_LIMIT, quoted
from storyodds.priors.text.scalars import core_scalar
from storyodds.scenarios.loader import load_text, story_text

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]*")
_STORY = re.compile(r"^story:.*$", re.MULTILINE)
_MODELINE = "# yaml-language-server:"
_PLAIN, _STAGES = "template.yaml", "template-stages.yaml"  # training in one step, in several


def new_story(name: str, start: str | None = None, *, stages: bool = False) -> str:
    """Write the text of a new story.

    Parameters
    ----------
    name : str
        Its id.
    start : str, optional
        The story to start from, comments and all: the id of a bundled one, or the path of a file.
        The template unless stated.
    stages : bool
        Whether the template is that of training in several stages; a story to start from keeps
        the stages that it has.

    Returns
    -------
    str

    Raises
    ------
    InputError
        If the name is no id, with the nearest one; if there is no story to start from, or it is
        wrong.

    Examples
    --------
    >>> "story: code-reviewer" in new_story("code-reviewer").splitlines()
    True
    >>> "stages: [pre-training, fine-tuning, reinforcement]" in new_story("agent", stages=True)
    True
    >>> new_story("Code reviewer")
    Traceback (most recent call last):
        ...
    storyodds.priors.text.errors.InputError: found 'Code reviewer', expected an id: lower-case
    letters, digits and hyphens; write 'code-reviewer'
    """
    _hold_to_slug(name)
    text = _template(_STAGES if stages else _PLAIN) if start is None else story_text(start)
    load_text(text, start or "template")
    renamed = _STORY.sub(f"story: {_scalar(name)}", text, count=1)
    if load_text(renamed).story != name:
        message = f"found no line that begins with 'story:' in '{start}', expected one"
        raise InputError([Problem(message)])
    return renamed if renamed.startswith(_MODELINE) else f"{_modeline()}\n{renamed}"


@functools.cache
def _template(file: str) -> str:
    folder = importlib.resources.files("storyodds.scenarios")
    return (folder / file).read_text(encoding="utf-8")


def _modeline() -> str:
    """What the template begins with: which schema an editor is to use, and where it comes from."""
    return _template(_PLAIN).partition("\n\n")[0] + "\n"


def _scalar(name: str) -> str:
    """An id as YAML: in quotes where it would be a number, a truth value or nothing."""
    with contextlib.suppress(ValueError):
        if core_scalar(name) == name:
            return name
    return f'"{name}"'


def _hold_to_slug(name: str) -> None:
    if _SLUG.fullmatch(name) and len(name) <= SLUG_LIMIT:
        return
    if len(name) > SLUG_LIMIT:
        raise InputError(
            [Problem(f"found {quoted(name)}, expected at most {SLUG_LIMIT} characters")]
        )
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    hint = f"; write '{slug}'" if slug else ""
    message = f"found {quoted(name)}, expected an id: lower-case letters, digits and hyphens{hint}"
    raise InputError([Problem(message)])
