"""Where the numbers of a story come from, as plain data."""

from collections.abc import Iterable, Iterator
from typing import Any, NotRequired, TypedDict, cast

import numpy as np

from storyodds.priors.distributions.forms import Basis, Kind, plain_prior
from storyodds.priors.distributions.quantiles import prior_quantile
from storyodds.priors.text.records import Source
from storyodds.scenarios.numbers.story_number import StoryNumber
from storyodds.scenarios.resolve import ResolvedStory, resolve


class SourceRecord(TypedDict):
    """A source as plain data."""

    cite: str
    """Author and year, or a statement that nobody published it."""
    url: NotRequired[str]
    """An address at which it can be read."""
    note: NotRequired[str]
    """How it was read, or which part is meant."""


class NumberRecord(TypedDict):
    """A number that somebody wrote down, as plain data."""

    key: str | None
    """Where it belongs in the story."""
    name: str
    """The owner's id and the field."""
    kind: Kind
    """Whether it is a probability or in bits."""
    form: Any
    """The PRIOR, as written."""
    basis: Basis
    """What it rests on."""
    source: SourceRecord | None
    """Where it comes from."""
    note: str | None
    """What is said about it."""
    origin: str
    """Whether it is the story's, the catalog's, a pack's, a view's or a setting."""
    file: str | None
    """The file in which it is written; null for a setting."""
    line: int | None
    """The line there, from 1; null for a setting."""
    uses: NotRequired[list[str]]
    """Of a number that the story names: the places where it stands."""


class PriorSpread(TypedDict):
    """How far a number is spread before any evidence, in its own unit."""

    median: float
    """Half of its prior is below it."""
    q05: float
    """The 5 percent point."""
    q95: float
    """The 95 percent point."""


def written_numbers(resolved: ResolvedStory) -> Iterator[StoryNumber]:
    """Return the numbers that somebody wrote down, without those that the format implies."""
    return (number for number in resolved.numbers if number.key_path is not None)


def is_reference(name: str) -> bool:
    """Recognize the 0 bits that other Bayes factors count from; no other value is allowed.

    Examples
    --------
    >>> is_reference("audit.bayes_factor.default"), is_reference("audit.bayes_factor.deceptive")
    (True, False)
    """
    return name.endswith((".bayes_factor.default", ".bayes_factor.false"))


def story_numbers(resolved: ResolvedStory) -> tuple[StoryNumber, ...]:
    """Return the numbers of a story as everything counts them: those written down, no references.

    Examples
    --------
    >>> from storyodds.scenarios.loader import load_story
    >>> from storyodds.scenarios.resolve import resolve
    >>> len(story_numbers(resolve(load_story("rlhf-assistant"))))
    88
    """
    return tuple(n for n in written_numbers(resolved) if not is_reference(n.name))


def changed_by_view(resolved: ResolvedStory) -> int | None:
    """Count the numbers of a story that its view gives another value; None without a view.

    Settings win over a view, so what they state is not changed by it.

    Examples
    --------
    >>> from storyodds.priors.library import view
    >>> from storyodds.scenarios.loader import load_story
    >>> from storyodds.scenarios.resolve import resolve
    >>> changed_by_view(resolve(load_story("rlhf-assistant"), view=view("sceptic")))
    16
    >>> changed_by_view(resolve(load_story("carlsmith-six-premises"), view=view("sceptic")))
    0
    """
    if resolved.view is None:
        return None
    written = {number.name: number.distribution for number in resolve(resolved.story).numbers}
    return sum(
        number.origin == f"view {resolved.view}" and number.distribution != written[number.name]
        for number in story_numbers(resolved)
    )


def provenance(resolved: ResolvedStory) -> list[NumberRecord]:
    """Return every number of a story with where it stands and what it rests on.

    Parameters
    ----------
    resolved : ResolvedStory

    Returns
    -------
    list of NumberRecord

    Examples
    --------
    >>> from storyodds.scenarios.loader import load_story
    >>> from storyodds.scenarios.resolve import resolve
    >>> first = provenance(resolve(load_story("carlsmith-six-premises")))[0]
    >>> first["form"], first["basis"]
    ({'ref': 'carlsmith-2022/aps-feasible'}, 'elicited')
    >>> first["file"]
    'storyodds/priors/packs/carlsmith-2022.yaml'
    """
    return _plain(written_numbers(resolved))


def proposal_provenance(resolved: ResolvedStory) -> list[NumberRecord]:
    """Return every number of the proposed observations, as `provenance` gives the story's.

    Examples
    --------
    >>> from storyodds.scenarios.loader import load_story
    >>> from storyodds.scenarios.resolve import resolve
    >>> story = resolve(load_story("carlsmith-six-premises"), standard=True)
    >>> proposal_provenance(story)[0]["origin"]
    'catalog observation audit'
    """
    return _plain(n for n in resolved.proposal_numbers if n.key_path is not None)


def _plain(numbers: Iterable[StoryNumber]) -> list[NumberRecord]:
    records: list[NumberRecord] = []
    for number in numbers:
        record: NumberRecord = {
            "key": number.key_path,
            "name": number.name,
            "kind": number.kind,
            "form": plain_prior(number.form),
            "basis": number.basis,
            "source": plain_source(number.source),
            "note": number.note,
            "origin": number.origin,
            "file": number.file,
            "line": number.line,
        }
        if number.uses:
            record["uses"] = list(number.uses)
        records.append(record)
    return records


def places_of(number: NumberRecord) -> list[str]:
    """Name the places where a number stands: one, unless the story names it.

    Examples
    --------
    >>> from storyodds.scenarios.loader import load_story
    >>> from storyodds.scenarios.resolve import resolve
    >>> places_of(provenance(resolve(load_story("carlsmith-six-premises")))[0])
    ['aps-feasible.probability']
    """
    return number.get("uses") or [number["name"]]


def plain_source(source: Source | None) -> SourceRecord | None:
    """Return a source as plain data, without what it leaves out."""
    if source is None:
        return None
    return cast(SourceRecord, source.model_dump(exclude_none=True))


def spread(number: StoryNumber) -> PriorSpread:
    """Return the median of a number before any evidence, and its 5 and 95 percent points.

    Examples
    --------
    >>> from storyodds.scenarios.loader import load_story
    >>> from storyodds.scenarios.resolve import resolve
    >>> spread(resolve(load_story("carlsmith-six-premises")).numbers[0])
    {'median': 0.65, 'q05': 0.65, 'q95': 0.65}
    """
    middle, low, high = prior_quantile(number.distribution, np.array([0.5, 0.05, 0.95]))
    return {"median": float(middle), "q05": float(low), "q95": float(high)}
