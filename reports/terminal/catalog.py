"""Entries of the catalog and of prior packs, as lines for a terminal."""

from collections.abc import Callable, Iterator, Mapping

from rich.console import Console
from rich.text import Text

from storyodds.priors.distributions.forms import plain_prior
from storyodds.priors.library import PackEntry
from storyodds.priors.text.records import Source
from storyodds.reports.terminal.layout import wrap
from storyodds.reports.words.priors import bit_words, formula_words, prior_words, share_words
from storyodds.reports.words.shortening import plain
from storyodds.scenarios.grammar.formulas import literals
from storyodds.scenarios.shared import catalog

_LABEL = 13  # cells: the longest label and a gap
_READ = {
    "primary": "in the work itself",
    "abstract": "in its abstract",
    "secondary": "in what others wrote about it",
}


def print_lines(console: Console, lines: Iterator[tuple[str, str]]) -> None:
    """Print labeled texts, each wrapped beside its label; one without is printed at the margin."""
    width = max(console.width, 40)
    for k, (label, text) in enumerate(lines):
        if not label:
            style = "bold" if k == 0 else ""
            for line in wrap(Text(plain(text), style=style), width):
                console.print(line, soft_wrap=True)
            continue
        blank = " " * _LABEL
        for j, line in enumerate(wrap(Text(plain(text)), width, blank, blank)):
            start = Text(f"{label:<{_LABEL}}", style="dim") if j == 0 else Text(blank)
            console.print(start.append_text(line[_LABEL:]), soft_wrap=True)


def assumption_lines(name: str) -> Iterator[tuple[str, str]]:
    """Tell a catalogued assumption: claim, default, signs, and what hangs on it.

    Examples
    --------
    >>> dict(assumption_lines("path-dependence"))["probability"]
    '20% to 80% (90% interval), assumed'
    """
    entry = catalog.assumptions()[name]
    yield "", f"{name}: an assumption about {_SCOPES[entry.scope]}"
    yield "", entry.claim
    if entry.probability is not None:
        yield from _number("probability", plain_prior(entry.probability), share_words)
    for row in entry.given or ():
        if row.when is not None and row.probability is not None:
            yield "given", formula_words(row.when)
            yield from _number(" ", plain_prior(row.probability), share_words)
        elif row.otherwise is not None:
            yield from _number("otherwise", plain_prior(row.otherwise), share_words)
    if entry.holds_when is not None:
        yield "holds when", formula_words(entry.holds_when)
    if entry.signs:
        effects = (
            f"{sign} {failure}" if sign != "unclear" else f"{failure} unclear"
            for failure, sign in entry.signs.items()
        )
        yield "if true", ", ".join(effects)
    users = catalog.needed_by(name)
    yield "needed by", f"the routes {', '.join(users)}" if users else "no catalogued route"
    yield from _rest(entry.sources, entry.note)


_SCOPES = {"run": "one training run", "world": "the world"}


def route_lines(name: str) -> Iterator[tuple[str, str]]:
    """Tell a catalogued route: claim, what it requires, and its defaults.

    Examples
    --------
    >>> dict(route_lines("reward-seeker"))["requires"]
    'situational-awareness and internal-optimization'
    """
    entry = catalog.routes()[name]
    yield "", f"{name}: a route of class {entry.class_}, kind {entry.kind}"
    yield "", entry.claim
    yield "requires", formula_words(entry.requires) if entry.requires is not None else "nothing"
    along = catalog.brought_along([{"use": name}], {})
    direct = {other for other, _ in literals(entry.requires)} if entry.requires else set()
    further = [other for other in along if other not in direct]
    if further:
        yield "by way of", ", ".join(further)
    yield from _number("bits", plain_prior(entry.bits), bit_words)
    yield from _number("harm", plain_prior(entry.harm), share_words)
    if entry.same_as:
        yield "same as", f"{', '.join(entry.same_as)}: a story takes one of them"
    yield from _rest(entry.sources, entry.note)


def kind_lines(name: str) -> Iterator[tuple[str, str]]:
    """Tell an entry of the taxonomy of routes.

    Examples
    --------
    >>> list(kind_lines("approximate"))[0]
    ('', 'approximate: a kind of route of class mesa-optimizer')
    """
    entry = catalog.kinds()[name]
    yield "", f"{name}: a kind of route of class {entry.class_}"
    yield "", entry.claim
    users = [route for route, spec in catalog.routes().items() if spec.kind == name]
    yield "routes", ", ".join(users) or "none in the catalog"
    yield from _rest(entry.sources, None)


def observation_lines(name: str) -> Iterator[tuple[str, str]]:
    """Tell a catalogued observation: what is looked at, how often, and what it would show.

    Examples
    --------
    >>> dict(observation_lines("audit"))["trials"]
    '1'
    """
    entry = catalog.observations()[name]
    yield "", f"{name}: an observation that could be made"
    yield "", entry.claim
    if entry.about is None:
        yield "about", "what the finding that it repeats is about, at its rates"
    else:
        yield "about", entry.about.literal or "where training ended"
    if entry.trials is not None:
        yield "trials", f"{entry.trials:,}"
    for key, rate in entry.rates.items():
        (label, first), *more = _number("rate", plain_prior(rate), share_words)
        yield from [(label, f"{key}: {first}"), *more]
    if entry.relevance is not None:
        yield from _number("relevance", plain_prior(entry.relevance), share_words)
    yield from _rest(entry.sources, entry.note)


def pack_entry_lines(ref: str, entry: PackEntry) -> Iterator[tuple[str, str]]:
    """Tell an entry of a prior pack, with all of its provenance."""
    yield "", f"{ref}: {_BASES[entry.basis]} by {entry.who}, {entry.year}"
    yield "", entry.claim
    yield "given", entry.given
    yield from _number("value", entry.value, share_words)
    yield "read", _READ[entry.read]
    if entry.disputed_by is not None:
        yield "disputed by", _told(entry.disputed_by)
    yield from _rest((entry.source,), entry.note)


_BASES = {"elicited": "stated", "measured": "measured", "assumed": "assumed"}


def _rest(sources: tuple[Source, ...], note: str | None) -> Iterator[tuple[str, str]]:
    if note:
        yield "note", note
    for k, source in enumerate(sources):
        yield "sources" if k == 0 else " ", _told(source)


def _told(source: Source) -> str:
    note = f": {source.note}" if source.note else ""
    return f"{source.cite}{note}{f' <{source.url}>' if source.url else ''}"


def _number(label: str, value: object, unit: Callable[[float], str]) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        basis, source = value.get("basis"), value.get("source")
        yield label, prior_words(value, unit) + (f", {basis}" if basis else "")
        if source:
            yield " ", _told(Source(cite=source) if isinstance(source, str) else Source(**source))
    else:
        yield label, prior_words(value, unit)
