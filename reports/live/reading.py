"""The stories of a folder as they are read: each by itself, so that none keeps others away."""

import signal
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from storyodds.models.changes import interactive
from storyodds.models.posterior.prepared import PreparedStory
from storyodds.priors.text.errors import InputError, Problem, UnknownStoryError
from storyodds.reports.live.answers import plain_problem
from storyodds.reports.live.folder import MAX_STORIES, MAX_STORY_BYTES, Entry, look, read_inside
from storyodds.reports.live.folder import find as find_entry
from storyodds.scenarios.loader import load_story, load_text
from storyodds.scenarios.resolve import ResolvedStory, resolve
from storyodds.scenarios.story import Story

READING_SECONDS = 5.0  # for one story; a right one of the largest size takes less than one
_STORIES = 64  # kept at once
_LINES = 2 * MAX_STORIES  # of the list, kept at once

type Signature = tuple[str, int, int, int]


@dataclass
class KeptStory:
    """A story as it was when its file was last read, and what was worked out of it.

    Attributes
    ----------
    before : Answer, InputError or None
        The odds of the story as written, or why it has none; None until somebody asks.
    """

    entry: Entry
    signature: Signature
    story: Story
    written: ResolvedStory
    uniforms: interactive.Uniforms
    structures: "OrderedDict[tuple[str, ...], PreparedStory]" = field(default_factory=OrderedDict)
    before: interactive.Answer | InputError | None = None


class Stories:
    """The stories that a server shows, read again whenever a file has changed.

    Parameters
    ----------
    folder : Path
    draws, seed : int
        Of quick answers.
    """

    def __init__(self, folder: Path, draws: int, seed: int) -> None:
        self._folder, self._draws, self._seed = folder, draws, seed
        self._kept: OrderedDict[str, KeptStory] = OrderedDict()
        self._lines: OrderedDict[str, tuple[Signature, dict[str, object]]] = OrderedDict()

    def listed(self) -> dict[str, object]:
        """List every story with its title, or with what keeps it from being read."""
        entries, refused = look(self._folder)
        return {
            "stories": [self._line(entry) for entry in entries],
            "refused": [{"file": item.name, "reason": item.reason} for item in refused],
        }

    def get(self, name: str) -> KeptStory:
        """Give the story of an address.

        Raises
        ------
        UnknownStoryError
            If there is none.
        InputError
            With the mistakes of its file.
        """
        entry = find_entry(self._folder, name)
        if entry is None:
            raise UnknownStoryError("there is no such story")
        signature = _signature(entry)
        kept = self._kept.pop(entry.id, None)
        if kept is None or kept.signature != signature:
            story, written = self._read(entry)
            uniforms = interactive.common_uniforms(written, self._draws, self._seed)
            kept = KeptStory(entry, signature, story, written, uniforms)
        self._kept[entry.id] = kept
        if len(self._kept) > _STORIES:
            self._kept.popitem(last=False)
        return kept

    def _line(self, entry: Entry) -> dict[str, object]:
        line: dict[str, object] = {"id": entry.id, "own": entry.own, "title": "", "problems": []}
        try:
            signature = _signature(entry)
            last = self._lines.pop(entry.id, None)
            if last is not None and last[0] == signature:
                line = last[1]
            else:
                line["title"] = self._read(entry)[0].title
        except InputError as error:
            line["problems"] = [plain_problem(problem) for problem in error.problems]
        else:
            self._lines[entry.id] = signature, line
            if len(self._lines) > _LINES:
                self._lines.popitem(last=False)
        return line

    def _read(self, entry: Entry) -> tuple[Story, ResolvedStory]:
        """Read a story by itself: whatever goes wrong with it is a mistake of its file."""
        try:
            with _at_most(READING_SECONDS):
                story = self._load(entry)
                return story, resolve(story)
        except InputError:
            raise
        except TimeoutError:
            sentence = f"this file was not read within {READING_SECONDS:g} seconds"
        except Exception as error:
            sentence = f"this file cannot be read: {type(error).__name__}"
        raise InputError([Problem(sentence, entry.path.name)])

    def _load(self, entry: Entry) -> Story:
        """Read a story; mistakes name its file as the folder does, not by its place on the disk."""
        if not entry.own:
            return load_story(entry.path)
        try:
            text = read_inside(self._folder, entry.path, MAX_STORY_BYTES).decode("utf-8")
        except UnicodeDecodeError as error:
            byte = f"found the byte 0x{error.object[error.start]:02x}"
            sentence = f"{byte}, expected text encoded as UTF-8"
            raise InputError([Problem(sentence, entry.path.name)]) from None
        except (OSError, RuntimeError) as error:
            reason = (getattr(error, "strerror", None) or str(error)).lower()
            raise InputError(
                [Problem(f"cannot read this file: {reason}", entry.path.name)]
            ) from None
        return load_text(text, entry.path.name)


def _signature(entry: Entry) -> Signature:
    try:
        return entry.signature
    except OSError:
        raise UnknownStoryError("there is no such story") from None


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in what takes longer; without a limit where no signal can."""
    in_main = threading.current_thread() is threading.main_thread()
    if not (in_main and hasattr(signal, "setitimer")):
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
