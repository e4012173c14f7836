"""What a result was asked for with, and the commands that give it again."""

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypedDict

from storyodds.priors.distributions.forms import Prior, plain_prior
from storyodds.priors.library import view_names
from storyodds.priors.text.errors import printable
from storyodds.reports.contract.estimate import Estimate
from storyodds.scenarios.loader import bundled_stories, load_story
from storyodds.scenarios.resolve import ResolvedStory
from storyodds.scenarios.switches import is_switch


class Usual(TypedDict):
    """Options of the command line that have a value without being stated."""

    method: str
    draws: int
    max_memory: str


#: What the command line takes unless stated; a test compares. It has no seed: that is always told.
USUAL: Usual = {"method": "auto", "draws": 4096, "max_memory": "2GiB"}
_LEAST_DRAWS = 64  # that `--draws` takes; a result without uncertain numbers has one


@dataclass(frozen=True)
class Recipe:
    """The words of a command, as far as they bear on its numbers.

    Attributes
    ----------
    story : str
        As it was named: a path, a bundled id, or - for standard input.
    view : str or None
        As it was named: a bundled view, or a path.
    assignments : tuple of str
        ID=PRIOR, as `--set` takes it.
    off : tuple of str
        KIND:ID, as `--off` takes it.
    method : str
    draws, seed : int
    max_memory : str
    """

    story: str
    view: str | None = None
    assignments: tuple[str, ...] = ()
    off: tuple[str, ...] = ()
    method: str = "auto"
    draws: int = 4096
    seed: int = 1
    max_memory: str = "2GiB"

    def command(self, verb: str = "estimate", *more: str, brief: bool = False) -> str:
        """Give a command of the same numbers, quoted for a shell.

        Parameters
        ----------
        verb : str
        *more : str
            Further words.
        brief : bool
            Whether to leave out what is usual.

        Examples
        --------
        >>> recipe = Recipe("my story.yaml", assignments=("aware=[0.1, 0.4]",), seed=2)
        >>> recipe.command(brief=True)
        "storyodds estimate 'my story.yaml' --set 'aware=[0.1, 0.4]' --seed 2"
        """
        words = ("storyodds", verb, as_argument(self.story), *self._options(brief), *more)
        return printable(shlex.join(words))

    @property
    def is_bundled(self) -> bool:
        """Whether the story comes with the program, so that nobody has to have its file."""
        return self.story in bundled_stories()

    @property
    def view_file(self) -> str | None:
        """The view's file, safe to print; None where there is none."""
        return None if self.view is None or self.view in view_names() else printable(self.view)

    def saved_as(self, file: str) -> "Recipe":
        """Give it with a file for a story that came from standard input."""
        return replace(self, story=file) if self.story == "-" else self

    def without_assignments(self) -> "Recipe":
        """Give it without numbers that are set, for whoever adds all of them."""
        return replace(self, assignments=())

    def _options(self, brief: bool) -> Iterator[str]:
        if self.view is not None:
            yield from ("--view", self.view)
        for assignment in self.assignments:
            yield from ("--set", assignment)
        for part in self.off:
            yield from ("--off", part)
        if self.method != USUAL["method"]:
            yield from ("--method", self.method)
        if not brief or self.draws != USUAL["draws"]:
            yield from ("--draws", str(self.draws))
        if not brief or self.seed != 1:
            yield from ("--seed", str(self.seed))
        if self.max_memory != USUAL["max_memory"]:
            yield from ("--max-memory", self.max_memory)


def as_argument(name: str) -> str:
    """A name that no command takes for an option."""
    return f"./{name}" if name.startswith("-") and name != "-" else name


def recipe_of(resolved: ResolvedStory, method: str, draws: int, seed: int) -> Recipe:
    """Give the recipe of what was asked for in code; a story of one's own is a file of its name.

    Parameters
    ----------
    resolved : ResolvedStory
    method : str
        That was used; "exact" where no number is uncertain.
    draws, seed : int

    Returns
    -------
    Recipe

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.scenarios.resolve import resolve
    >>> settings = {"something-else": [-3, 0], "check:moved-coin-test": "off"}
    >>> changed = resolve(load_story("coinrun-agent"), settings=settings)
    >>> recipe_of(changed, "weighting", 4096, 1).command(brief=True)
    "storyodds estimate coinrun-agent --set 'something-else.bits=[-3.0, 0.0]' --off check:..."
    """
    every = (*resolved.numbers, *resolved.proposal_numbers)
    settings = [n for n in every if n.origin.split(",")[0] == "setting"]
    id = resolved.story.story
    is_bundled = id in bundled_stories() and load_story(id) == resolved.written
    return Recipe(
        story=id if is_bundled else f"{id}.yaml",
        view=_view_file(resolved.view),
        assignments=tuple(f"{n.name}={on_one_line(_bare(n.form))}" for n in settings),
        off=tuple(filter(is_switch, resolved.settings)),
        method=USUAL["method"] if method == "exact" else method,
        draws=_draws(method, draws),
        seed=seed,
    )


def recipe_of_document(doc: Estimate) -> Recipe:
    """Give the recipe of an `estimate --json` of which nothing else is left.

    Parameters
    ----------
    doc : Estimate

    Returns
    -------
    Recipe

    Examples
    --------
    >>> from storyodds import estimate, load_story, summarize
    >>> doc = summarize(estimate(load_story("carlsmith-six-premises")))
    >>> recipe_of_document(doc).command(brief=True)
    'storyodds estimate carlsmith-six-premises'
    """
    from storyodds.scenarios.serialize import digest

    settings, id = doc["settings"].items(), doc["story"]
    is_bundled = id in bundled_stories() and digest(load_story(id)) == doc["story_sha256"]
    return Recipe(
        story=id if is_bundled else f"{id}.yaml",
        view=_view_file(doc["view"]),
        assignments=tuple(f"{name}={value}" for name, value in settings if not is_switch(name)),
        off=tuple(filter(is_switch, doc["settings"])),
        method=USUAL["method"] if doc["method"] == "exact" else doc["method"],
        draws=_draws(doc["method"], int(doc["diagnostics"]["draws"])),
        seed=doc["seed"],
    )


def _draws(method: str, draws: int) -> int:
    """What `--draws` was: where nothing is uncertain, it does not matter."""
    return USUAL["draws"] if method == "exact" else max(draws, _LEAST_DRAWS)


def on_one_line(value: object) -> str:
    r"""Write plain data as YAML on one line, without a character that nobody can see.

    Examples
    --------
    >>> on_one_line({"by": "a\u2028b"})
    '{"by": "a\\u2028b"}'
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return "".join(c if c.isprintable() else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\U{code:08x}" if code > 0xFFFF else f"\\u{code:04x}"


def _bare(form: Prior) -> object:
    """A PRIOR as it is written, without what the odds do not depend on."""
    return plain_prior(form.model_copy(update=dict.fromkeys(("basis", "source", "note"))))


def _view_file(view: str | None) -> str | None:
    return view if view is None or view in view_names() else f"{view}.yaml"
