"""Entries of the catalog and of prior packs, as lines for a terminal."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from storyodds.priors.distributions.forms import plain_prior
from storyodds.priors.library import PackEntry
from storyodds.priors.text.records import Source
from storyodds.reports.layout import plain, wrap
from storyodds.scenarios.grammar.formulas import Formula, literals, parts
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
        yield from _number("probability", plain_prior(entry.probability), _share)
    for row in entry.given or ():
        if row.when is not None and row.probability is not None:
            yield "given", said(row.when)
            yield from _number(" ", plain_prior(row.probability), _share)
        elif row.otherwise is not None:
            yield from _number("otherwise", plain_prior(row.otherwise), _share)
    if entry.holds_when is not None:
        yield "holds when", said(entry.holds_when)
    if entry.signs:
        told = (
            f"{sign} {failure}" if sign != "unclear" else f"{failure} unclear"
            for failure, sign in entry.signs.items()
        )
        yield "if true", ", ".join(told)
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
    yield "requires", said(entry.requires) if entry.requires is not None else "nothing"
    along = catalog.brought_along([{"use": name}], {})
    direct = {other for other, _ in literals(entry.requires)} if entry.requires else set()
    further = [other for other in along if other not in direct]
    if further:
        yield "by way of", ", ".join(further)
    yield from _number("bits", plain_prior(entry.bits), _bits)
    yield from _number("harm", plain_prior(entry.harm), _share)
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
        yield "about", entry.about.assumption or "where training ended"
    if entry.trials is not None:
        yield "trials", f"{entry.trials:,}"
    for key, rate in entry.rates.items():
        (label, first), *more = _number("rate", plain_prior(rate), _share)
        yield from [(label, f"{key}: {first}"), *more]
    if entry.relevance is not None:
        yield from _number("relevance", plain_prior(entry.relevance), _share)
    yield from _rest(entry.sources, entry.note)


def pack_entry_lines(ref: str, entry: PackEntry) -> Iterator[tuple[str, str]]:
    """Tell an entry of a prior pack, with all of its provenance."""
    yield "", f"{ref}: {_BASES[entry.basis]} by {entry.who}, {entry.year}"
    yield "", entry.claim
    yield "given", entry.given
    yield from _number("value", entry.value, _share)
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


def _number(label: str, value: Any, unit: Callable[[float], str]) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        basis, source = value.get("basis"), value.get("source")
        yield label, said_prior(value, unit) + (f", {basis}" if basis else "")
        if source:
            yield " ", _told(Source(cite=source) if isinstance(source, str) else Source(**source))
    else:
        yield label, said_prior(value, unit)


def _share(number: float) -> str:
    return f"{100 * number:g}%"


def _bits(number: float) -> str:
    return f"{number:+g}".replace("-", "−") if number else "0"


def said_prior(value: Any, unit: Callable[[float], str] = _share) -> str:
    """Say a PRIOR, as it stands in a file, in words.

    Examples
    --------
    >>> said_prior([0.1, 0.4]), said_prior({"counts": {"hits": 3, "trials": 4}}), said_prior(0.25)
    ('10% to 40% (90% interval)', '3 of 4', '25%')
    """
    if isinstance(value, int | float):
        return unit(value)
    if isinstance(value, list | tuple):
        value = {"interval": value}
    if "fixed" in value:
        return unit(value["fixed"])
    if "interval" in value:
        low, high = map(unit, value["interval"])
        return f"{low} to {high} ({_share(value.get('level', 0.9))} interval)"
    if "counts" in value:
        return f"{value['counts']['hits']:,} of {value['counts']['trials']:,}"
    if "ref" in value:
        return f"as in {value['ref']}"
    if "pool" in value:
        told = (f"{item['by']}: {said_prior(item['value'], unit)}" for item in value["pool"])
        return f"pool of {'; '.join(told)}"
    form = next(key for key in ("beta", "uniform", "normal", "lognormal") if key in value)
    return f"{form} {value[form]}"


def said(formula: Formula) -> str:
    """Say a formula in words.

    Examples
    --------
    >>> from storyodds.scenarios.grammar.formulas import AnyOf
    >>> said(("a", "not b")), said(AnyOf(any=("a", ("b", "c"))))
    ('a and not b', 'a or (b and c)')
    """
    if isinstance(formula, str):
        return formula
    members, needed = parts(formula)
    told = [said(part) if isinstance(part, str) else f"({said(part)})" for part in members]
    if needed == len(members):
        return " and ".join(told)
    return " or ".join(told) if needed == 1 else f"at least {needed} of {', '.join(told)}"
