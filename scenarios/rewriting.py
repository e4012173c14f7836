"""Numbers of a story that were changed, written into the story itself."""

from collections.abc import Mapping, Sequence
from typing import Any

from storyodds.priors.distributions.forms import Prior
from storyodds.priors.text.records import Record
from storyodds.scenarios.grammar.outcomes import DEFAULT, INTENDED
from storyodds.scenarios.grammar.parts import BitsRow, GivenRow, GivenTable
from storyodds.scenarios.grammar.states import with_chance_in_turn
from storyodds.scenarios.resolve import ResolvedStory
from storyodds.scenarios.schema import Assumption
from storyodds.scenarios.shared import catalog
from storyodds.scenarios.story import Story, named_causes


def with_numbers(resolved: ResolvedStory, forms: Mapping[str, Prior]) -> Story:
    """Write numbers into a story, each in the place where it stands or would stand.

    What the story leaves to the catalog or to the format is written out as far as it has to be,
    and keeps its order, so that all other numbers stay what and where they were.

    Parameters
    ----------
    resolved : ResolvedStory
        The story and the names of its numbers.
    forms : mapping of str to Prior
        By the full name of a number; none that `has_to_be_zero`.

    Returns
    -------
    Story

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.priors.distributions.forms import Interval
    >>> from storyodds.scenarios.resolve import resolve
    >>> written = resolve(load_story("coinrun-agent"))
    >>> changed = with_numbers(written, {"intended.bits": Interval(interval=(-1, 1))})
    >>> changed.routes[0].id, changed.routes[0].bits.interval
    ('intended', (-1.0, 1.0))
    """
    story = resolved.story
    for name, form in forms.items():
        owner, *field = name.split(".")
        if name in story.numbers:
            named = _replaced(story.numbers[name], "prior", form)
            story = _replaced(story, "numbers", {**story.numbers, name: named})
            continue
        if name == "rationale.feasibility":
            story = _replaced(story, "rationale", _put(story.rationale, field, form))
        elif owner in resolved.assumptions:
            assumptions = _assumptions(story, resolved, owner)
            decided = _decided(assumptions[owner] or Assumption(), field, form)
            story = _replaced(story, "assumptions", {**assumptions, owner: decided})
        else:
            story = _listed(story, resolved, owner, field, form)
    return story


def has_to_be_zero(name: str) -> bool:
    """Whether a number is one that the format lets a story write as 0 only.

    Parameters
    ----------
    name : str
        In full.

    Examples
    --------
    >>> [has_to_be_zero(x) for x in ("intended.harm", "report.bayes_factor.false", "aware.harm")]
    [True, True, False]
    """
    return name == f"{INTENDED}.harm" or name.endswith((".bayes_factor.false", _DEFAULT_BITS))


_DEFAULT_BITS = f".bayes_factor.{DEFAULT}"


def _replaced[T: Record](record: T, field: str, value: Any) -> T:
    return record.model_copy(update={field: value})


def _put[T: Record](record: T, field: Sequence[str], form: Prior) -> T:
    """Put a number into a field, or into one entry of it, or into one row of either."""
    name, *rest = field
    value = getattr(record, name)
    if not rest:
        return _replaced(record, name, form)
    if isinstance(value, GivenTable):
        return _replaced(record, name, _replaced(value, "given", _in_row(value.given, rest, form)))
    key, *row = rest
    entry = value[key]
    if row:
        form = _replaced(entry, "given", _in_row(entry.given, row, form))
    return _replaced(record, name, {**value, key: form})


def _assumptions(
    story: Story, resolved: ResolvedStory, owner: str
) -> Mapping[str, Assumption | None]:
    """The assumptions, with what decides one of them written out."""
    written = story.assumptions.get(owner) or Assumption()
    if written.from_ is not None or any(
        getattr(written, key) is not None for key in catalog.DECIDERS
    ):
        return story.assumptions
    decided = {key: getattr(resolved.assumptions[owner], key) for key in catalog.DECIDERS}
    # What it needs of the catalog no longer comes along by itself.
    every = {name: story.assumptions.get(name) for name in resolved.assumptions}
    return {**every, owner: written.model_copy(update=decided)}


def _decided(assumption: Assumption, field: Sequence[str], form: Prior) -> Assumption:
    """Put a number into an assumption: `probability`, `given.0`, `otherwise` or `in_turn.low`."""
    if "in_turn" in field:
        assert assumption.states is not None
        return _replaced(assumption, "states", with_chance_in_turn(assumption.states, field, form))
    if field[0] == "from":
        return _replaced(assumption, "from_", {**(assumption.from_ or {}), field[1]: form})
    if field == ["probability"]:
        return _put(assumption, field, form)
    return _replaced(assumption, "given", _in_row(assumption.given or (), field, form))


def _in_row[R: (GivenRow, BitsRow)](
    table: Sequence[R], field: Sequence[str], form: Prior
) -> tuple[R, ...]:
    """Put a number into one row of a table: `given.0` or `otherwise`."""
    rows = list(table)
    if list(field) == ["otherwise"]:
        k = next(k for k, row in enumerate(rows) if row.otherwise is not None)
        rows[k] = _replaced(rows[k], "otherwise", form)
    else:
        k = int(field[1])
        key = "bits" if isinstance(rows[k], BitsRow) else "probability"
        rows[k] = _replaced(rows[k], key, form)
    return tuple(rows)


def _listed(
    story: Story, resolved: ResolvedStory, owner: str, field: Sequence[str], form: Prior
) -> Story:
    """Put a number into one of the parts that stand in lists."""

    def put[T: Record](items: tuple[T, ...]) -> tuple[T, ...]:
        matches = (getattr(item, "id", "") == owner for item in items)
        return tuple(
            _put(item, field, form) if match else item
            for item, match in zip(items, matches, strict=True)
        )

    routes = story.routes
    if owner == INTENDED and all(route.id != INTENDED for route in routes):
        routes = (resolved.routes[0], *routes)
    return story.model_copy(
        update={
            "goal": _replaced(story.goal, "hazards", put(story.goal.hazards)),
            "rationale": _replaced(story.rationale, "nudges", put(story.rationale.nudges)),
            "routes": put(routes),
            "checks": put(story.checks),
            "common_cause": put(named_causes(story)),
            "evidence": put(story.evidence),
            "proposals": put(story.proposals),
        }
    )
