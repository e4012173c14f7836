"""What the server works out, in a process of its own: plain data in, plain data out.

Nothing of a story is kept longer than its file stays the same.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from storyodds.models.changes import interactive
from storyodds.models.posterior.prepared import prepare
from storyodds.models.sensitivity.leaving_out import without
from storyodds.priors.library import view
from storyodds.priors.settings import read_setting
from storyodds.priors.text.errors import InputError, Problem, UnknownStoryError
from storyodds.reports.live import answers, controls, pages
from storyodds.reports.live.own_numbers import judgments_text
from storyodds.reports.live.reading import KeptStory, Stories
from storyodds.reports.live.requests import State, read_state
from storyodds.reports.live.saved_states import listed_states, own_id
from storyodds.reports.live.state_as_story import rewrite
from storyodds.reports.words.recipe import Recipe, on_one_line
from storyodds.reports.words.sentences import HEADLINE_FATES
from storyodds.scenarios.resolve import ResolvedStory, resolve
from storyodds.scenarios.schema import RISK_ARGUMENT
from storyodds.scenarios.switches import chosen_switches, with_off

if TYPE_CHECKING:
    from storyodds.models.assessment.assessment import Assessment

MAX_MEMORY = 2**29  # bytes that compiling the exact sums of a story may take here
SETTLED_DRAWS = 4096  # as many as `storyodds estimate` takes unless stated
_STRUCTURES = 24  # kept at once of one story


class NumberedAnswer(answers.Answer):
    """An answer, and the numbers that are not as written."""

    numbers: dict[str, object]


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

    def __init__(self, folder: Path, *, draws: int = interactive.DRAWS, seed: int = 1) -> None:
        self.folder, self.draws, self.seed = folder, draws, seed
        self._stories = Stories(folder, draws, seed)
        self._tasks: Mapping[object, Callable[..., object]] = {
            "home": self._home,
            "story": self._story,
            "list": self._list,
            "describe": self._describe,
            "answer": self._answer,
            "rewrite": self._rewrite,
            "judgments": self._judgments,
            "settle": self._settle,
            "page": self._page,
        }

    def do(self, task: Mapping[str, object]) -> dict[str, object]:
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
        arguments = {key: value for key, value in task.items() if key != "do"}
        try:
            return {"done": self._tasks[task["do"]](**arguments)}
        except UnknownStoryError:
            return {"unknown": True, "problems": [{"message": "there is no such story"}]}
        except InputError as error:
            return {"problems": [answers.plain_problem(problem) for problem in error.problems]}

    def _home(self) -> dict[str, str]:
        return pages.home(self._list(), listed_states(self.folder))

    def _story(self, story: str) -> dict[str, str]:
        try:
            return pages.story(self._describe(story))
        except UnknownStoryError:
            raise
        except InputError as error:
            return pages.broken(story, [answers.plain_problem(p) for p in error.problems])

    def _list(self) -> dict[str, object]:
        return self._stories.listed()

    def _describe(self, story: str) -> dict[str, object]:
        """Describe a story; one that has no odds as it is written can be changed all the same."""
        kept = self._stories.get(story)
        description = {
            **controls.description(kept.written),
            "id": kept.entry.id,
            "own": kept.entry.own,
            "draws": kept.uniforms.n_draws,
            "seed": self.seed,
        }
        try:
            answer = self._odds(kept, State(), kept.written)
            return {**description, "answer": answer, "problems": []}
        except InputError as error:
            problems = [answers.plain_problem(problem) for problem in error.problems]
            return {**description, "answer": None, "problems": problems}

    def _answer(self, story: str, state: object) -> NumberedAnswer:
        kept, changes = self._stories.get(story), read_state(state)
        return self._odds(kept, changes, self._changed(kept, changes))

    def _rewrite(self, story: str, state: object, file: str, name: str) -> dict[str, object]:
        """Write a changed story out, for a file and under a name that is not the old one's."""
        kept, changes = self._stories.get(story), read_state(state)
        # What has no odds is worth no file.
        odds = self._odds(kept, changes, self._changed(kept, changes))["odds"]
        is_argument = kept.story.kind == RISK_ARGUMENT
        headline = HEADLINE_FATES[1:] if is_argument else HEADLINE_FATES
        id = own_id(self.folder, kept.story.story, name) if name else None
        rewritten = rewrite(kept.story, changes, id)
        return {
            "yaml": rewritten.text(file, self.seed),
            "command": rewritten.command(file, self.seed),
            "odds": {
                name: now["words"] for name in headline if (now := odds[name]["now"]) is not None
            },
        }

    def _judgments(self, story: str, state: object) -> dict[str, str]:
        """The numbers that are set by hand, as a panel's file."""
        kept, changes = self._stories.get(story), read_state(state)
        self._changed(kept, changes)
        return {"yaml": judgments_text(kept.written, _typed(changes, []))}

    def _settle(self, story: str, state: object) -> dict[str, object]:
        """Assess a changed story in full: more draws, and NUTS where weighting is not enough."""
        from storyodds.reports.documents.estimate import summarize

        kept, changes = self._stories.get(story), read_state(state)
        self._changed(kept, changes)
        assessed = self._in_full(rewrite(kept.story, changes).resolved())
        return answers.settled(summarize(assessed), changes)

    def _page(self, story: str, state: object) -> dict[str, str]:
        """Make the whole dashboard of a changed story, as a file has it."""
        from storyodds.reports.dashboard.page_data import make_dossier

        kept, changes = self._stories.get(story), read_state(state)
        self._changed(kept, changes)
        off_ids = {part.partition(":")[2] for part in changes.off}
        numbers = {
            name: value
            for name, value in _typed(changes, []).items()
            if name.partition(".")[0] not in off_ids
        }
        settings = with_off(numbers, changes.off)
        chosen = None if changes.view is None else view(changes.view)
        resolved = resolve(kept.story, view=chosen, settings=settings, standard=True)
        recipe = Recipe(
            kept.entry.path.name if kept.entry.own else story,
            changes.view,
            tuple(f"{name}={on_one_line(text)}" for name, text in numbers.items()),
            changes.off,
            draws=SETTLED_DRAWS,
            seed=self.seed,
        )
        assessed = self._in_full(resolved)
        return pages.whole(make_dossier(assessed, settings=settings, recipe=recipe))

    def _in_full(self, resolved: ResolvedStory) -> "Assessment":
        """Assess a story as the command line does."""
        from storyodds.models.assessment.assessment import assess

        return assess(resolved, draws=SETTLED_DRAWS, seed=self.seed, max_memory=MAX_MEMORY)

    def _odds(self, kept: KeptStory, state: State, changed: ResolvedStory) -> NumberedAnswer:
        """Answer, beside the story as written where that has odds."""
        before = self._before(kept)
        if state != State():
            now = self._quickly(kept, state, changed)
        elif isinstance(before, InputError):
            raise before
        else:
            now = before
        beside = None if isinstance(before, InputError) else before
        answer = answers.answer(now, beside, state, self.seed, kind=kept.story.kind)
        return {**answer, "numbers": controls.changed_numbers(kept.written, changed)}

    def _before(self, kept: KeptStory) -> interactive.Answer | InputError:
        """The odds of a story as written, or why it has none; worked out once."""
        if kept.before is None:
            try:
                kept.before = self._quickly(kept, State(), kept.written)
            except InputError as error:
                kept.before = error
        return kept.before

    def _quickly(self, kept: KeptStory, state: State, changed: ResolvedStory) -> interactive.Answer:
        edited = without(changed, _parts(state))
        of_structure = ("constraint:", "evidence:", "correlation:")
        key = tuple(sorted(part for part in state.off if part.startswith(of_structure)))
        prepared = kept.structures.get(key)
        if prepared is None:
            prepared = prepare(edited, max_memory=MAX_MEMORY)
            kept.structures[key] = prepared
            if len(kept.structures) > _STRUCTURES:
                kept.structures.popitem(last=False)
        return interactive.answer(interactive.renumbered(prepared, edited), kept.uniforms)

    def _changed(self, kept: KeptStory, state: State) -> ResolvedStory:
        """Apply the view and the numbers of a state, as `--view` and `--set` do."""
        problems: list[Problem] = []
        settings = _typed(state, problems)
        chosen_switches(kept.story, with_off({}, state.off), problems)
        chosen = None if state.view is None else view(state.view)
        resolved: ResolvedStory | None = None
        try:
            resolved = resolve(kept.story, view=chosen, settings=settings)
        except InputError as error:
            problems += error.problems
        if problems or resolved is None:
            raise InputError(problems)
        return resolved


def _typed(state: State, problems: list[Problem]) -> dict[str, object]:
    """The numbers that are set, as plain data; what is none is among the problems."""
    settings: dict[str, object] = {}
    for name, text in state.set.items():
        try:
            settings[name] = read_setting(text, f"set {name}")
        except InputError as error:
            problems += error.problems
    return settings


def _parts(state: State) -> list[tuple[Any, str]]:
    return [(part, name) for part, _, name in (text.partition(":") for text in state.off)]
