"""What a story, a view, a pack or a catalogued entry rests on: works, and numbers with none."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from storyodds.priors.bibliography import Work, address, work_key, works
from storyodds.priors.distributions.forms import plain_prior
from storyodds.priors.library import Pack, PackEntry, View, pack_entry
from storyodds.priors.text.records import Source
from storyodds.scenarios.resolve import ResolvedStory
from storyodds.scenarios.shared import catalog

# How a source begins that is this library, or the encoding of an argument, and nobody else.
OWN = ("storyodds", "Encoding:")

# What other Bayes factors are counted from; the format allows nothing else.
_ZERO_BY_FORMAT = (".bayes_factor.default", ".bayes_factor.false")


@dataclass(frozen=True)
class Cited:
    """A work, and what cites it.

    Attributes
    ----------
    key : str or None
        In the bibliography; None for a work that is not in it.
    work : Work or None
    source : Source
        As it was first cited.
    by : tuple of str
        What cites it: numbers by their names, other parts by their key paths, entries of packs
        and of the catalog by where they are.
    """

    key: str | None
    work: Work | None
    source: Source
    by: tuple[str, ...]


@dataclass(frozen=True)
class Sources:
    """Everything that something rests on.

    Attributes
    ----------
    cited : tuple of Cited
        Works of the bibliography by author and year, then the others as they come.
    numbers : int
        How many numbers there are.
    assumed : tuple of str
        Those that rest on an assumption or a reading of this library alone.
    unsourced : tuple of str
        Those of which nobody says where they come from.
    """

    cited: tuple[Cited, ...]
    numbers: int
    assumed: tuple[str, ...]
    unsourced: tuple[str, ...]


@dataclass(frozen=True)
class _Number:
    name: str
    value: object
    sources: tuple[Source, ...] = ()  # beside those inside its value


def story_sources(story: ResolvedStory) -> Sources:
    """Collect what a story cites, in its catalogued parts and referenced numbers as well.

    Parameters
    ----------
    story : ResolvedStory

    Returns
    -------
    Sources

    Examples
    --------
    >>> from storyodds.scenarios.loader import load_story
    >>> from storyodds.scenarios.resolve import resolve
    >>> found = story_sources(resolve(load_story("carlsmith-six-premises")))
    >>> "carlsmith-2022" in [cited.key for cited in found.cited]
    True
    """
    numbers = [
        _Number(number.name, plain_prior(number.form))
        for number in story.numbers
        if number.origin != "format" and not number.name.endswith(_ZERO_BY_FORMAT)
    ]
    return _gather(_parts_of_story(story), numbers)


def _parts_of_story(story: ResolvedStory) -> Iterator[tuple[str, Source]]:
    for source in story.story.sources:
        yield "sources", source
    for name, assumption in story.assumptions.items():
        for source in assumption.sources:
            yield f"assumptions.{name}", source
    for route in story.routes:
        for source in catalog.routes()[route.use].sources if route.use else ():
            yield f"catalog route {route.use}", source
    for item in story.story.evidence:
        if item.source is not None:
            yield f"evidence.{item.id}", item.source


def view_sources(view: View) -> Sources:
    """Collect what a view cites.

    Examples
    --------
    >>> from storyodds.priors.library import view
    >>> "davidw-2023" in [cited.key for cited in view_sources(view("sceptic")).cited]
    True
    """
    numbers = [_Number(name, value) for name, value in view.set.items()]
    return _gather((("sources", source) for source in view.sources), numbers)


def pack_sources(pack: Pack) -> Sources:
    """Collect what a prior pack cites.

    Examples
    --------
    >>> from storyodds.priors.library import pack
    >>> [cited.key for cited in pack_sources(pack("carlsmith-2022")).cited]
    ['carlsmith-2022', 'reviews-2022', 'superforecasters-2023']
    """
    numbers = [_Number(name, entry.value, _of_entry(entry)) for name, entry in pack.entries.items()]
    return _gather((), numbers)


def entry_sources(entry: PackEntry) -> Sources:
    """Collect what an entry of a prior pack cites."""
    return _gather((), [_Number("value", entry.value, _of_entry(entry))])


def assumption_sources(name: str) -> Sources:
    """Collect what a catalogued assumption cites."""
    entry, written = catalog.assumptions()[name], catalog.document("assumptions").data
    data = written["assumptions"][name]
    rows = [
        (f"given[{index}].{key}", row[key])
        for index, row in enumerate(data.get("given", ()))
        for key in ("probability", "otherwise")
        if key in row
    ]
    fields = [("probability", data["probability"])] if "probability" in data else rows
    return _gather(
        (("sources", source) for source in entry.sources),
        [_Number(key, value) for key, value in fields],
    )


def route_sources(name: str) -> Sources:
    """Collect what a catalogued route cites, without the assumptions that it requires.

    Examples
    --------
    >>> route_sources("reward-seeker").assumed
    ('bits', 'harm')
    """
    entry, written = catalog.routes()[name], catalog.document("routes").data
    return _gather(
        (("sources", source) for source in entry.sources),
        [_Number(key, written["routes"][name][key]) for key in ("bits", "harm")],
    )


def kind_sources(name: str) -> Sources:
    """Collect what an entry of the taxonomy of routes cites."""
    return _gather((("sources", source) for source in catalog.kinds()[name].sources), [])


def observation_sources(name: str) -> Sources:
    """Collect what a catalogued observation cites."""
    entry = catalog.observations()[name]
    data = catalog.document("observations").data["observations"][name]
    numbers = [(f"rates.{key}", rate) for key, rate in data.get("rates", {}).items()]
    numbers += [("relevance", data["relevance"])] if "relevance" in data else []
    return _gather(
        (("sources", source) for source in entry.sources),
        [_Number(key, value) for key, value in numbers],
    )


def sources_in(value: object) -> Iterator[tuple[Source, str]]:
    """Give the sources inside a PRIOR as it stands in a file, with the pack entries on the way.

    Examples
    --------
    >>> [(source.cite, ref) for source, ref in sources_in({"ref": "carlsmith-2022/aps-feasible"})]
    [('Carlsmith 2022, section 8', 'carlsmith-2022/aps-feasible')]
    """
    if isinstance(value, Mapping):
        if isinstance(value.get("source"), str | Mapping):
            yield _source(value["source"]), ""
        if isinstance(value.get("ref"), str):
            entry = pack_entry(value["ref"])
            yield from ((source, value["ref"]) for source in _of_entry(entry))
            yield from sources_in(entry.value)
        yield from sources_in([item for key, item in value.items() if key != "source"])
    elif isinstance(value, list | tuple):
        for item in value:
            yield from sources_in(item)


def _source(value: object) -> Source:
    return Source(cite=value) if isinstance(value, str) else Source.model_validate(value)


def _of_entry(entry: PackEntry) -> tuple[Source, ...]:
    return tuple(source for source in (entry.source, entry.disputed_by) if source is not None)


def is_own(source: Source) -> bool:
    """Tell whether a source is this library and nobody else.

    Examples
    --------
    >>> is_own(Source(cite="storyodds assumption: wide")), is_own(Source(cite="Ann 2020"))
    (True, False)
    """
    return source.cite.startswith(OWN) and source.url is None


def _gather(parts: Iterable[tuple[str, Source]], numbers: list[_Number]) -> Sources:
    citations = list(parts)
    assumed, unsourced = [], []
    for number in numbers:
        sources = [*((source, "") for source in number.sources), *sources_in(number.value)]
        by = {ref: f"{number.name} ({ref})" if ref else number.name for _, ref in sources}
        citations += [(by[ref], source) for source, ref in sources]
        if not sources:
            unsourced.append(number.name)
        elif all(is_own(source) for source, _ in sources):
            assumed.append(number.name)
    cited = _group((by, source) for by, source in citations if not is_own(source))
    return Sources(cited, len(numbers), tuple(assumed), tuple(unsourced))


def _group(citations: Iterable[tuple[str, Source]]) -> tuple[Cited, ...]:
    by: dict[str, list[str]] = {}
    first: dict[str, Source] = {}
    for name, source in citations:
        # What is not in the bibliography is the same work if its address or its words are.
        place = source.cite if source.url is None else address(source.url)
        key = work_key(source.url) or f" {place}"
        first.setdefault(key, source)
        by.setdefault(key, []).append(name)
    bibliography = works()
    listed = sorted(
        (key for key in by if key in bibliography),
        key=lambda key: (bibliography[key].cite.casefold(), bibliography[key].year, key),
    )
    unlisted = [key for key in by if key not in bibliography]
    return tuple(
        Cited(
            key if key in bibliography else None,
            bibliography.get(key),
            first[key],
            tuple(dict.fromkeys(by[key])),
        )
        for key in (*listed, *unlisted)
    )
