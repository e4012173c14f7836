"""What the options of the command line mean: stories, overrides, thresholds, places to save."""

import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from storyodds.priors.text.errors import InputError, Problem, shown
from storyodds.scenarios.grammar.switch_kinds import SWITCHES

if TYPE_CHECKING:
    from storyodds.priors.library import View
    from storyodds.scenarios.story import Story

STORY_ENDINGS = (".yaml", ".yml")
_FORMATS = (".nc", ".json")
CLASSES = ("intended", "mesa-optimizer", "deceptive", "other")
_LEAST_MEMORY = 2**20  # bytes: less than this holds no story
_FATES = ("success", "uncompetitive", "halted", "benign-failure", "catastrophe")
# Written here and where they are computed, so that --help answers at once; a test compares.
ODDS = (
    *CLASSES,
    *_FATES,
    "deployed",
    *(f"{name}-given-deployed" for name in (*CLASSES, *_FATES) if name != "halted"),
)


def all_of(*steps: Callable[[], Any]) -> list[Any]:
    """Take every step, and report the mistakes of all of them at once."""
    results: list[Any] = []
    problems: list[Problem] = []
    for step in steps:
        try:
            results.append(step())
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return results


@dataclass(frozen=True)
class Changed:
    """Stories and what changes their numbers, all of it readable.

    Attributes
    ----------
    stories : list of Story
    view : View or None
    settings : dict
        What --set and --off say.
    """

    stories: "list[Story]"
    view: "View | None"
    settings: dict[str, Any]


def load_changed(
    names: tuple[str, ...],
    view: str | None,
    assignments: tuple[str, ...],
    off: tuple[str, ...] = (),
    require: "Callable[[list[Story]], None] | None" = None,
) -> Changed:
    """Load stories and read what changes them; all mistakes are reported at once.

    A story has to be at hand before it shows which names it lacks, so that these would be reported
    one run later than what is wrong with the changes by themselves. Where something is wrong
    already, what can be read is therefore held to each story that can be.

    Parameters
    ----------
    names : tuple of str
        Of the stories.
    view, assignments, off
        What --view, --set and --off say.
    require : callable, optional
        Refuses stories that cannot be taken together.
    """
    problems: list[Problem] = []

    def kept[T](step: Callable[[], T]) -> T | None:
        try:
            return step()
        except InputError as error:
            problems.extend(error.problems)
            return None

    settings, unreadable = read_settings(assignments, off)
    problems += unreadable
    if names.count("-") > 1:
        raise InputError([*problems, Problem(_STDIN_TWICE)])
    loaded = {name: kept(partial(load_one, name)) for name in dict.fromkeys(names)}
    chosen = kept(partial(chosen_view, view))
    stories = [story for name in names if (story := loaded[name]) is not None]
    if require is not None and len(stories) == len(names):
        kept(partial(require, stories))
    if problems:
        for name, story in loaded.items():
            if story is not None:
                problems += _misfits(name, story, chosen, settings)
        raise InputError(dict.fromkeys(problems))
    return Changed(stories, chosen, settings)


_STDIN_TWICE = "found '-' twice, but standard input can be read only once"


def _misfits(
    name: str, story: "Story", view: "View | None", settings: dict[str, Any]
) -> list[Problem]:
    """Give what a story has against the changes."""
    from storyodds.scenarios.resolve import resolve

    try:
        resolve(story, view=view, settings=settings)
    except InputError as error:
        return [named(problem, name) for problem in error.problems]
    return []


def named(problem: Problem, name: str) -> Problem:
    """Give a mistake the name of its story, where it has no file of its own."""
    return problem if problem.file is not None else replace(problem, file=shown(name))


def load_one(name: str) -> "Story":
    """Load one story: a path, a bundled id, or - for standard input."""
    from storyodds.scenarios.loader import load_story, load_text

    return load_text(_standard_input(), "<stdin>") if name == "-" else load_story(name)


def _standard_input() -> str:
    """Standard input as UTF-8 text, whatever the locale; no more of it than a story may have."""
    from storyodds.priors.text.yaml_reader import MAX_BYTES

    if sys.stdin is None:
        return ""
    stream = getattr(sys.stdin, "buffer", None)
    if stream is None:
        return sys.stdin.read(MAX_BYTES + 1)
    raw: bytes = stream.read(MAX_BYTES + 1)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        sentence = f"found the byte 0x{raw[error.start]:02x}, expected text encoded as UTF-8"
        raise InputError([Problem(sentence, "<stdin>")]) from None


def chosen_view(name: str | None) -> "View | None":
    """Load the view that was named, if one was."""
    from storyodds.priors.library import view

    return None if name is None else view(name)


def read_settings(
    assignments: tuple[str, ...], off: tuple[str, ...] = ()
) -> tuple[dict[str, Any], list[Problem]]:
    """Read ID=PRIOR, the PRIOR as it would stand in a story, and KIND:ID of what is off.

    A PRIOR that cannot be read is a problem, and leaves a number that fits anywhere in its place,
    so that its name can still be held to a story.
    """
    settings: dict[str, Any] = {}
    problems: list[Problem] = []
    for assignment in assignments:
        name, _, text = (part.strip() for part in assignment.partition("="))
        if not (name and text):
            problems.append(Problem(f"--set: found '{assignment}', expected ID=PRIOR"))
            continue
        if ":" in name:
            sentence = f"--set: found '{name}', which is no number; --off {name} switches it off"
            problems.append(Problem(sentence))
            continue
        if name in settings:
            problems.append(Problem(f"--set {name}: found twice, expected one number for each"))
        try:
            settings[name] = _prior(text, name)
        except InputError as error:
            problems += error.problems
            settings[name] = _ANYWHERE
    parts: list[str] = []
    for part in dict.fromkeys(off):
        mistakes = _mistakes_of_part(part, off.count(part))
        problems += mistakes
        parts += [] if mistakes else [part]
    return {**settings, **dict.fromkeys(parts, "off")}, problems


_ANYWHERE = 0.5  # a probability, and bits as well


def _mistakes_of_part(part: str, times: int) -> list[Problem]:
    """See what is wrong with a part's name by itself; whether it is there, the story says."""
    kind, _, name = part.partition(":")
    if kind in SWITCHES and name:
        twice = f"--off {part}: found twice, expected every part once"
        return [Problem(twice)] if times > 1 else []
    from storyodds.priors.text.phrases import did_you_mean

    full = f"{kind}:" if name else ""
    near = did_you_mean(full, [f"{switch}:" for switch in SWITCHES]) if full else ""
    hint = near.replace(":'?", f":{name}'?") or ", as in --off check:blind-audit"
    expected = f"expected KIND:ID, KIND one of {', '.join(SWITCHES)}"
    return [Problem(f"--off: found '{part}', {expected}{hint}")]


def _prior(text: str, name: str) -> Any:
    from storyodds.priors.settings import read_setting

    return read_setting(text, f"--set {name}")


def memory_of(text: str) -> int:
    """Read an amount of memory in bytes, such as 512MiB, 4GiB or 1073741824."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]iB|B)?\s*", text, re.IGNORECASE | re.ASCII)
    unit = ((match[2] if match else None) or "b")[0].lower()
    amount = float(match[1]) * 1024 ** "bkmgt".index(unit) if match else 0.0
    if not _LEAST_MEMORY <= amount < 2**63:
        raise InputError(
            [
                Problem(
                    f"--max-memory: found '{text}', expected an amount of memory of at least "
                    "1MiB, as in 512MiB, 4GiB or a number of bytes"
                )
            ]
        )
    return int(amount)


def result_files(stories: tuple[str, ...], output: Path | None) -> list[Path | None]:
    """Where each result goes, settled before anything is computed."""
    if output is None:
        return [None] * len(stories)
    if output.is_dir():
        targets = [output / f"{Path(name).stem if name != '-' else 'stdin'}.nc" for name in stories]
        for target in targets:
            if targets.count(target) > 1:
                raise _bad_output(f"two stories would both be saved as '{target}'")
    elif len(stories) > 1:
        raise _bad_output(f"found '{output}', expected a folder that exists, for several stories")
    elif output.suffix not in _FORMATS:
        raise _bad_output(
            f"found '{output}', expected a name ending in .nc or .json, or a folder that exists"
        )
    elif not output.parent.is_dir():
        raise _bad_output(f"the folder '{output.parent}' does not exist")
    else:
        targets = [output]
    if not os.access(targets[0].parent, os.W_OK):
        raise _bad_output(f"the folder '{targets[0].parent}' cannot be written to")
    return list(targets)


def writable_file(output: str | Path, endings: tuple[str, ...], option: str = "--output") -> Path:
    """A file that can be written, settled before anything is made to go there."""
    target = Path(output)
    if target.is_dir() or target.suffix not in endings:
        expected = f"expected a file whose name ends in {' or '.join(endings)}"
        raise _bad_output(f"found '{target}', {expected}", option)
    if not target.parent.is_dir():
        raise _bad_output(f"the folder '{target.parent}' does not exist", option)
    if not os.access(target.parent, os.W_OK):
        raise _bad_output(f"the folder '{target.parent}' cannot be written to", option)
    return target


def _bad_output(message: str, option: str = "--output") -> InputError:
    return InputError([Problem(f"{option}: {message}")])
