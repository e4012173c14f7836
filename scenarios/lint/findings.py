"""Rules about what findings and sources say: whether anything, whether twice, and of what sort."""

import re
from collections.abc import Iterator

from storyodds.priors.text.errors import Path
from storyodds.scenarios.grammar.names import items, mapping, sequence
from storyodds.scenarios.lint.numbers import own_numbers
from storyodds.scenarios.lint.reading import Doubt, Reading
from storyodds.scenarios.schema import Evidence

_LEAST_LETTERS = 3  # of a source: initials and a year have more
# What stands where somebody meant to write a source later, or did not want to.
_EMPTY_SOURCES = frozenset(
    """
    me myself mine my our ours own self tbd tba todo fixme xxx yyy zzz abc foo bar test none null
    nil nan unknown various see source sources cite citation ref reference here there someone
    somebody somewhere something anyone internet web online google wikipedia www http https any etc
    """.split()
)


def empty_source(reading: Reading) -> Iterator[Doubt]:
    """Sources that say nothing, all at once."""
    empty = [path for path, text in _sources(reading) if _is_empty(text)]
    if empty:
        count = "a source says" if len(empty) == 1 else f"{len(empty)} sources say"
        yield Doubt(
            empty[0],
            f"{count} nothing that a reader could look up or weigh: name the work, the person or "
            "the data, or write that it is your own guess and what it rests on",
            also=tuple(empty[1:]),
        )


def _is_empty(text: str) -> bool:
    words = re.findall(r"[^\W\d_]+", text.lower())
    letters = sum(map(len, words))
    return letters < _LEAST_LETTERS or all(word in _EMPTY_SOURCES for word in words)


def _sources(reading: Reading) -> Iterator[tuple[Path, str]]:
    """Every source that a story's file names, with its place."""
    for path, number in own_numbers(reading):
        if number.get("source") is not None:
            yield (*path, "source"), _cited(number["source"])
    for path, source in _listed_sources(reading):
        yield path, _cited(source)


def _listed_sources(reading: Reading) -> Iterator[tuple[Path, object]]:
    """The sources of a story, of its assumptions and of its findings, as written."""
    written = reading.written
    for i, source in enumerate(sequence(written.get("sources"))):
        yield ("sources", i), source
    for name, spec in mapping(written.get("assumptions")).items():
        for i, source in enumerate(sequence(mapping(spec).get("sources"))):
            yield ("assumptions", name, "sources", i), source
    for i, item in items(written.get("evidence")):
        if item.get("source") is not None:
            yield ("evidence", i, "source"), item["source"]


def _published_numbers(reading: Reading) -> Iterator[tuple[Path, object]]:
    """The sources of numbers that somebody measured or stated, where the number has no note."""
    for path, number in own_numbers(reading):
        is_published = number.get("basis") in ("measured", "elicited")
        if is_published and number.get("source") is not None and not number.get("note"):
            yield (*path, "source"), number["source"]


def _cited(source: object) -> str:
    record = mapping(source)
    return (
        " ".join(str(record.get(key) or "") for key in ("cite", "url")) if record else str(source)
    )


def no_note(reading: Reading) -> Iterator[Doubt]:
    """Sources that are cited without a word on how they were read, all at once."""
    bare = [
        path
        for path, source in (*_listed_sources(reading), *_published_numbers(reading))
        if not mapping(source).get("note") and not _is_empty(_cited(source))
    ]
    if bare:
        one = len(bare) == 1
        yield Doubt(
            bare[0],
            f"{'a source has' if one else f'{len(bare)} sources have'} no note: was "
            f"{'it' if one else 'each'} read itself, in its abstract or through others, and which "
            "part of it is meant?",
            also=tuple(bare[1:]),
        )


def finding_twice(reading: Reading) -> Iterator[Doubt]:
    """One finding that is entered under two ids."""
    first: dict[tuple[object, ...], str] = {}
    for i, item in enumerate(reading.story.evidence):
        earlier = [first[key] for key in _marks(item) if key in first]
        if earlier:
            yield Doubt(
                ("evidence", i),
                f"'{item.id}' looks like '{earlier[0]}' once more, which would count one "
                "observation twice",
            )
        for key in _marks(item):
            first.setdefault(key, item.id)


def _marks(item: Evidence) -> Iterator[tuple[object, ...]]:
    """What tells that two findings are one: the counts or the claim, with the source."""
    source = _key(_cite(item))
    if item.counts is not None and source:
        yield "counts", item.counts.hits, item.counts.trials, source
    if item.exposure is not None and source:
        yield "exposure", item.exposure, source
    if _key(item.claim) and (source or item.counts is not None or item.exposure is not None):
        counts = item.exposure or (item.counts and (item.counts.hits, item.counts.trials))
        yield "claim", _key(item.claim), source, None if source else counts
    if item.forecast is not None and source:
        yield "forecast", item.about.class_ or item.about.literal, source


def _cite(item: Evidence) -> str:
    return item.source.cite if item.source is not None else ""


def _key(text: str) -> str:
    """A text without what differs between two ways of typing it."""
    return " ".join(re.findall(r"\w+", text.lower()))


_SUPPOSITION = re.compile(
    r"\bsuppos(?:e|ed|es|ing|ition)\b(?!\s+to\b)|\bhypothetical\w*|\bimagine\b|\bassum(?:e|ing)\s+that\b"
    r"|\b(?:will|shall|'ll)\s+(?:\w+\s+)?(?:find|show|see|pass|meet|flag|reveal|catch|be|turn|have)\b",
    re.IGNORECASE,
)
# These are harmless where something was counted ("what would please, in 3 of 40 cases").
_MAYBE_SUPPOSITION = re.compile(
    r"\bwould\s+(?:\w+\s+)?(?:find|show|see|pass|meet|flag|reveal|catch|turn|notice|fail)\b|\b(?:is|are)\s+expected\b|\bwe\s+expect\b|\bI\s+expect\b"
    r"|\bshould\s+(?:find|show|pass|see)\b",
    re.IGNORECASE,
)


def supposed_evidence(reading: Reading) -> Iterator[Doubt]:
    """A finding that nobody has made."""
    for i, item in enumerate(reading.story.evidence):
        if item.forecast is not None:
            continue
        counted = item.counts is not None or item.exposure is not None
        doubtful = not counted and _MAYBE_SUPPOSITION.search(item.claim)
        match = _SUPPOSITION.search(item.claim) or doubtful
        if match:
            yield Doubt(
                ("evidence", i),
                f"'{item.id}' reads like a supposition ('{match[0]}'), and not like what somebody "
                "has seen: what is only supposed belongs in proposals, or in a view",
            )


_OPINION = re.compile(
    r"\b(?:I|we)\s+(?:think|believe|guess|reckon|feel)\b|\bin\s+(?:my|our)\s+(?:opinion|view|judgment)\b"
    r"|\bmy\s+(?:own\s+)?(?:guess|estimate|opinion|judgment|belief)\b|\bestimates?\s+(?:by|of|from)\b"
    r"|\bestimated\s+by\b|\bforecasts?\b|\bforecast(?:er|ers|ing)\b|\bopinions?\b|\bMetaculus\b"
    r"|\bprediction\s+markets?\b|\bexperts?\s+(?:think|believe|say|estimate|put)\b"
    r"|\bputs?\s+(?:about\s+|some\s+)?\d+(?:\.\d+)?\s*%\s+on\b|\bfrom\s+the\s+gut\b",
    re.IGNORECASE,
)


def opinion_as_finding(reading: Reading) -> Iterator[Doubt]:
    """A judgment that is entered as if it had been observed."""
    for i, item in enumerate(reading.story.evidence):
        if item.forecast is not None:
            continue
        match = _OPINION.search(item.claim) or _OPINION.search(_cite(item))
        if match:
            yield Doubt(
                ("evidence", i),
                f"'{item.id}' reads like somebody's opinion ('{match[0]}'), and is entered as an "
                "observation: an opinion is a forecast, or one judge of a pool",
            )
