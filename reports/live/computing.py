"""What the server works out, in a process of its own: plain data in, plain data out.

Nothing of a story is kept longer than its file stays the same.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from storyodds.models import quick
from storyodds.models.leaving_out import without
from storyodds.models.posterior import PreparedStory, prepare
from storyodds.priors.errors import InputError, Problem, UnknownStoryError
from storyodds.priors.files import read_unlinked
from storyodds.priors.library import view
from storyodds.priors.settings import read_setting
from storyodds.priors.strict_yaml import MAX_BYTES, decoded
from storyodds.reports.live import pages, telling
from storyodds.reports.live.folder import Entry, find, look
from storyodds.reports.live.requests import State, read_state
from storyodds.reports.live.rewriting import rewrite
from storyodds.scenarios.loader import load_story, load_text
from storyodds.scenarios.resolve import ResolvedStory, resolve
from storyodds.scenarios.schema import Story

if TYPE_CHECKING:
    from storyodds.models.assessment import Assessment

MAX_MEMORY = 2**29  # bytes that compiling the exact sums of a story may take here
SETTLED_DRAWS = 4096
_STORIES, _STRUCTURES = 64, 24  # kept at once


@dataclass
class _Known:
    """A story as it was when its file was last read."""

    entry: Entry
    signature: tuple[str, int, int, int]
    story: Story
    written: ResolvedStory
    uniforms: quick.Uniforms
    structures: "OrderedDict[tuple[str, ...], PreparedStory]"
    before: quick.Answer | None = None


class Computer:
    """Answers for the stories of one folder, with what is worth keeping between them.

    Parameters
    ----------
    folder : Path
    draws : int
        Of a quick answer.
    seed : int

    Examples
    --------
    >>> here = Computer(Path("/nowhere"), draws=64)
    >>> found = here.do({"do": "answer", "story": "cat-classifier", "state": {}})
    >>> found["done"]["diagnostics"]["method"], found["done"]["diagnostics"]["draws"]
    ('weighting', 64)
    >>> here.do({"do": "answer", "story": "no-such-story", "state": {}})["problems"]
    [{'message': 'there is no such story'}]
    """

    def __init__(self, folder: Path, *, draws: int = quick.DRAWS, seed: int = 1) -> None:
        self.folder, self.draws, self.seed = folder, draws, seed
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._tasks: Mapping[str, Callable[..., Any]] = {
            "home": self._home,
            "story": self._story,
            "list": self._list,
            "describe": self._describe,
            "answer": self._answer,
            "rewrite": self._rewrite,
            "settle": self._settle,
            "page": self._page,
        }

    def do(self, task: Mapping[str, Any]) -> dict[str, Any]:
        """Do one task.

        Parameters
        ----------
        task : mapping
            `do` is what; the rest is for it.

        Returns
        -------
        dict
            Either `done`, or `problems` and whether the story is `unknown`.
        """
        asked = {key: value for key, value in task.items() if key != "do"}
        try:
            return {"done": self._tasks[task["do"]](**asked)}
        except UnknownStoryError:
            return {"unknown": True, "problems": [{"message": "there is no such story"}]}
        except InputError as error:
            return {"problems": [telling.plain_problem(problem) for problem in error.problems]}

    def _home(self) -> dict[str, str]:
        return pages.home(self._list())

    def _story(self, story: str) -> dict[str, str]:
        try:
            return pages.story(self._describe(story))
        except UnknownStoryError:
            raise
        except InputError as error:
            return pages.broken(story, [telling.plain_problem(p) for p in error.problems])

    def _list(self) -> dict[str, Any]:
        entries, refused = look(self.folder)
        return {
            "stories": [self._line(entry) for entry in entries],
            "refused": [{"file": item.name, "reason": item.reason} for item in refused],
        }

    def _line(self, entry: Entry) -> dict[str, Any]:
        found: dict[str, Any] = {"id": entry.id, "own": entry.own, "title": "", "problems": []}
        try:
            found["title"] = self._get(entry).story.title
        except InputError as error:
            found["problems"] = [telling.plain_problem(problem) for problem in error.problems]
        return found

    def _describe(self, story: str) -> dict[str, Any]:
        known = self._find(story)
        return {
            **telling.description(known.written, self._tell(known, State(), known.written)),
            "id": known.entry.id,
            "own": known.entry.own,
        }

    def _answer(self, story: str, state: Any) -> dict[str, Any]:
        known, read = self._find(story), read_state(state)
        return self._tell(known, read, self._changed(known, read))

    def _rewrite(self, story: str, state: Any, file: str) -> dict[str, str]:
        """Write a changed story out, for a file of some name."""
        known, read = self._find(story), read_state(state)
        self._tell(known, read, self._changed(known, read))  # what has no odds is worth no file
        found = rewrite(known.story, read)
        return {
            "yaml": found.text(file, self.seed),
            "command": found.command(file, self.seed),
        }

    def _settle(self, story: str, state: Any) -> dict[str, Any]:
        """Assess a changed story in full: more draws, and NUTS where weighting is not enough."""
        from storyodds.reports.summary import summarize

        known, read = self._find(story), read_state(state)
        self._changed(known, read)
        assessed = self._in_full(rewrite(known.story, read).resolved())
        return telling.settled(summarize(assessed), read)

    def _page(self, story: str, state: Any) -> dict[str, str]:
        """Make the whole dashboard of a changed story, as a file has it."""
        from storyodds.reports.dashboard.dossier import make_dossier

        known, read = self._find(story), read_state(state)
        changed = self._changed(known, read)
        found = rewrite(known.story, read)
        # The head of the page tells every change by name.
        named = {**changed.settings, **dict.fromkeys(read.off, "left out")}
        assessed = self._in_full(replace(found.resolved(standard=True), settings=named))
        return pages.whole(make_dossier(assessed, settings=found.settings, draws=SETTLED_DRAWS))

    def _in_full(self, resolved: ResolvedStory) -> "Assessment":
        """Assess a story as the command line does."""
        from storyodds.models.assessment import assess

        return assess(resolved, draws=SETTLED_DRAWS, seed=self.seed, max_memory=MAX_MEMORY)

    def _tell(self, known: _Known, state: State, changed: ResolvedStory) -> dict[str, Any]:
        if known.before is None:
            known.before = self._quickly(known, State(), known.written)
        before = known.before
        now = before if state == State() else self._quickly(known, state, changed)
        told = telling.answer(now, before, state, self.seed)
        told["numbers"] = telling.changed_numbers(known.written, changed)
        return told

    def _quickly(self, known: _Known, state: State, changed: ResolvedStory) -> quick.Answer:
        edited = without(changed, _parts(state))
        key = tuple(sorted(p for p in state.off if p.startswith(("constraint:", "evidence:"))))
        prepared = known.structures.get(key)
        if prepared is None:
            prepared = prepare(edited, max_memory=MAX_MEMORY)
            known.structures[key] = prepared
            if len(known.structures) > _STRUCTURES:
                known.structures.popitem(last=False)
        return quick.answer(quick.renumbered(prepared, edited), known.uniforms)

    def _changed(self, known: _Known, state: State) -> ResolvedStory:
        """Apply the view and the numbers of a state, as `--view` and `--set` do."""
        problems: list[Problem] = []
        settings: dict[str, Any] = {}
        for name, text in state.set.items():
            try:
                settings[name] = read_setting(text, f"set {name}")
            except InputError as error:
                problems += error.problems
        chosen = None if state.view is None else view(state.view)
        resolved: ResolvedStory | None = None
        try:
            resolved = resolve(known.story, view=chosen, settings=settings)
        except InputError as error:
            problems += error.problems
        try:
            without(known.written, _parts(state))
        except InputError as error:
            problems += error.problems
        if problems or resolved is None:
            raise InputError(problems)
        return resolved

    def _find(self, name: str) -> _Known:
        entry = find(self.folder, name)
        if entry is None:
            raise UnknownStoryError("there is no such story")
        return self._get(entry)

    def _get(self, entry: Entry) -> _Known:
        try:
            signature = entry.signature
        except OSError:
            raise UnknownStoryError("there is no such story") from None
        known = self._known.pop(entry.id, None)
        if known is None or known.signature != signature:
            story = _load(entry)
            written = resolve(story)
            uniforms = quick.common_uniforms(written, self.draws, self.seed)
            known = _Known(entry, signature, story, written, uniforms, OrderedDict())
        self._known[entry.id] = known
        if len(self._known) > _STORIES:
            self._known.popitem(last=False)
        return known


def _load(entry: Entry) -> Story:
    """Read a story; mistakes name its file as the folder does, not by its place on the disk.

    A file that has become a link since the folder was looked at is not followed.
    """
    if not entry.own:
        return load_story(entry.path)
    name = entry.path.name
    try:
        place = entry.path.resolve(strict=True)
        if not place.is_relative_to(entry.path.parent):
            raise OSError("it is a link to a place outside the folder")
        raw = read_unlinked(place, MAX_BYTES)
    except (OSError, RuntimeError) as error:
        sentence = f"cannot read this file: {(getattr(error, 'strerror', None) or str(error))}"
        raise InputError([Problem(sentence.lower(), name)]) from None
    return load_text(decoded(raw, name), name)


def _parts(state: State) -> list[tuple[Any, str]]:
    return [(part, name) for part, _, name in (text.partition(":") for text in state.off)]
