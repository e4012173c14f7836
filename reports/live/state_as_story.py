"""A state written out: the changed story as a file, and the command that asks the same of it.

Numbers and parts become the story's own. What a story cannot hold stays in the command: the view,
numbers set by hand that the view would set again, and numbers that the format wants to be 0.
"""

import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from textwrap import wrap

from storyodds.priors.distributions.forms import Pool, Prior, Ref, plain_prior
from storyodds.priors.library import view
from storyodds.priors.settings import read_setting
from storyodds.priors.text.records import Source
from storyodds.reports.live.requests import State
from storyodds.reports.words.recipe import on_one_line
from storyodds.scenarios.loader import load_text
from storyodds.scenarios.numbers.story_number import StoryNumber
from storyodds.scenarios.resolve import ResolvedStory, resolve
from storyodds.scenarios.rewriting import has_to_be_zero, with_numbers
from storyodds.scenarios.serialize import to_yaml
from storyodds.scenarios.story import Story
from storyodds.scenarios.switches import without_parts

BY_HAND = "Set by hand on the live page"
_WIDTH = 94  # characters of a line, beside its "# "
_PROVENANCE = ("basis", "source", "note")


@dataclass(frozen=True)
class Rewritten:
    """A state's story, and what of the state is not in it.

    Attributes
    ----------
    origin : str
        The id of the story that was changed.
    story : Story
        As it was where the state changes nothing in it.
    numbers : tuple of str
        Those that were set by hand and are now the story's.
    off : tuple of str
        Parts that are no longer the story's, such as `check:blind-audit`.
    view : str or None
    settings : mapping of str to plain PRIOR
        Numbers set by hand that the story cannot hold, or that the view sets too.
    """

    origin: str
    story: Story
    numbers: tuple[str, ...]
    off: tuple[str, ...]
    view: str | None
    settings: Mapping[str, object]

    def resolved(self) -> ResolvedStory:
        """Resolve it as the command does."""
        chosen = None if self.view is None else view(self.view)
        return resolve(self.story, view=chosen, settings=self.settings)

    def command(self, file: str, seed: int) -> str:
        """Give the command that says of the file what a full answer to the state says."""
        words = ["storyodds", "estimate", file, "--seed", str(seed)]
        words += [] if self.view is None else ["--view", self.view]
        for name, value in self.settings.items():
            words += ["--set", f"{name}={on_one_line(value)}"]
        return shlex.join(words)

    def text(self, file: str, seed: int) -> str:
        """Give the file, which says at its head what was changed and how to ask the same of it."""
        done = "was changed" if self.numbers or self.off else "is"
        sentences = [f"The story {self.origin}, as it {done} on its live page."]
        sentences += [f"Set by hand: {', '.join(self.numbers)}."] if self.numbers else []
        off = ", ".join(part.replace(":", " ", 1) for part in self.off)
        sentences += [f"Left out: {off}."] if off else []
        sentences.append("Worked out in full, the page says the same as:")
        lines = [
            line
            for words in sentences
            for line in wrap(words, _WIDTH, break_long_words=False, break_on_hyphens=False)
        ]
        head = "".join(f"# {line}\n" for line in [*lines, self.command(file, seed)])
        return head + to_yaml(self.story)


def rewrite(story: Story, state: State, id: str | None = None) -> Rewritten:
    """Write a state into its story.

    Parameters
    ----------
    story : Story
        As written.
    state : State
        One that fits the story.
    id : str, optional
        Of the new story; that of the old one unless stated.

    Returns
    -------
    Rewritten

    Examples
    --------
    >>> from storyodds import load_story
    >>> state = State("sceptic", {"something-else.bits": "[0, 3]"}, ("check:moved-coin-test",))
    >>> found = rewrite(load_story("coinrun-agent"), state)
    >>> found.command("mine.yaml", seed=1)
    'storyodds estimate mine.yaml --seed 1 --view sceptic'
    >>> found.story.checks, found.story.routes[-1].bits.source.cite
    ((), 'Set by hand on the live page')
    """
    typed = {name: read_setting(text, f"set {name}") for name, text in state.set.items()}
    written, as_set = resolve(story), resolve(story, settings=typed)
    forms = dict(_changed(_all_numbers(written), _all_numbers(as_set)))
    parts = [(part, name) for part, _, name in (text.partition(":") for text in state.off)]
    changed = story
    own = {} if id is None else {"story": id}
    if forms or parts or own:
        # Read back, so that every number has its line in the new file.
        edited = without_parts(with_numbers(as_set, forms), parts).model_copy(update=own)
        changed = load_text(to_yaml(edited), f"{edited.story}.yaml")
    kept = {number.name for number in _all_numbers(resolve(changed))}
    return Rewritten(
        origin=story.story,
        story=changed,
        numbers=tuple(name for name in forms if name in kept),
        off=state.off,
        view=state.view,
        settings=dict(_not_taken(changed, state.view, as_set)),
    )


def _all_numbers(resolved: ResolvedStory) -> tuple[StoryNumber, ...]:
    return (*resolved.numbers, *resolved.proposal_numbers)


def _is_set(number: StoryNumber) -> bool:
    return number.origin.split(",")[0] == "setting"


def _changed(
    written: Iterable[StoryNumber], as_set: Iterable[StoryNumber]
) -> Iterator[tuple[str, Prior]]:
    """The numbers that are not what they were, or not for the reasons that the story gives."""
    for before, now in zip(written, as_set, strict=True):
        is_changed = _bare(now.form) != _bare(before.form) or _is_explained(now.form)
        if _is_set(now) and is_changed and not has_to_be_zero(now.name):
            yield now.name, _by_hand(now.form)


def _not_taken(
    story: Story, name: str | None, as_set: ResolvedStory
) -> Iterator[tuple[str, object]]:
    """The numbers set by hand that are something else in the story, under the view."""
    now = resolve(story, view=None if name is None else view(name))
    forms = {number.name: number.form for number in _all_numbers(now)}
    for number in _all_numbers(as_set):
        form = forms.get(number.name)
        if _is_set(number) and form is not None and _bare(form) != _bare(number.form):
            yield number.name, plain_prior(number.form)


def _is_explained(form: Prior) -> bool:
    return any(getattr(form, key) is not None for key in _PROVENANCE)


def _bare(form: Prior) -> Prior:
    return form.model_copy(update=dict.fromkeys(_PROVENANCE))


def _by_hand(form: Prior) -> Prior:
    """Say of a number where it is from, as far as it does not say so itself."""
    if isinstance(form, Ref):  # basis and source are those of the entry
        return form.model_copy(update={"note": form.note or f"{BY_HAND}."})
    source = form.source or Source(cite=BY_HAND)
    # A pool rests on what its judgments rest on.
    basis = form.basis if isinstance(form, Pool) else form.basis or "assumed"
    return form.model_copy(update={"basis": basis, "source": source})
