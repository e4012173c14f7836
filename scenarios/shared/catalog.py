"""What many stories share: assumptions, routes, names for kinds of route, and observations.

A story takes a catalogued assumption by naming it and a catalogued route by `use`. What those
refer to in their formulas, and the story does not define itself, comes along.
"""

import functools
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import Field

from storyodds.priors.distributions.forms import Bits, Probability
from storyodds.priors.library import read_shipped
from storyodds.priors.text.document import Document
from storyodds.priors.text.records import Count, FileRecord, Record, Slug, SourceField, Text
from storyodds.scenarios.grammar.formulas import Formula
from storyodds.scenarios.grammar.names import (
    formulas_of,
    items,
    literal_name,
    mapping,
    parts_of,
    sequence,
)
from storyodds.scenarios.grammar.outcomes import OutcomeClass
from storyodds.scenarios.grammar.parts import About, GivenRow
from storyodds.scenarios.grammar.states import States

Failure = Literal["mesa-optimization", "pseudo-alignment", "deception"]
Sign = Literal["raises", "lowers", "unclear"]

DECIDERS = ("probability", "given", "holds_when", "states")
STORY_DECIDERS = (*DECIDERS, "from")  # the catalog knows no stages


class CatalogAssumption(Record):
    """An assumption that many stories share.

    Attributes
    ----------
    claim : str
    scope : {"run", "world"}
    probability, given, holds_when, states
        Exactly one of them decides it, as in a story; a story that names the assumption and
        says no more takes it.
    signs : mapping of str to {"raises", "lowers", "unclear"}
        How its being true acts on mesa-optimization, on pseudo-alignment given an optimizer, and
        on deception; what the sources do not discuss is left out.
    sources : tuple of Source
    note : str, optional
    """

    claim: Text
    scope: Literal["run", "world"] = "run"
    probability: Probability | None = None
    given: Annotated[tuple[GivenRow, ...], Field(min_length=1)] | None = None
    holds_when: Formula | None = None
    states: States | None = None
    signs: dict[Failure, Sign] = {}
    sources: Annotated[tuple[SourceField, ...], Field(min_length=1)]
    note: Text | None = None


class CatalogRoute(Record):
    """A route that many stories share.

    Attributes
    ----------
    class_, kind, claim, requires, bits, harm, mechanism
        As in a story's route.
    same_as : tuple of str
        Other catalogued routes that stand for the same mechanism, so that a story takes one.
    sources : tuple of Source
    note : str, optional
    """

    class_: Annotated[OutcomeClass, Field(alias="class")]
    kind: Slug
    claim: Text
    requires: Formula | None = None
    bits: Bits
    harm: Probability
    mechanism: Slug | None = None
    same_as: tuple[Slug, ...] = ()
    sources: Annotated[tuple[SourceField, ...], Field(min_length=1)]
    note: Text | None = None


class CatalogKind(Record):
    """A name in the taxonomy of routes, finer than the class."""

    class_: Annotated[OutcomeClass, Field(alias="class")]
    claim: Text
    sources: tuple[SourceField, ...] = ()


class CatalogObservation(Record):
    """An observation that could be made of many stories.

    Attributes
    ----------
    claim : str
    about, trials, rates, relevance
        As in a story's proposal. Without `about` it stands for the replication of a finding, from
        which it has all four.
    sources : tuple of Source
    note : str, optional
    """

    claim: Text
    about: About | None = None
    trials: Annotated[Count, Field(ge=1)] | None = None
    rates: dict[Slug, Probability] = {}
    relevance: Probability | None = None
    sources: tuple[SourceField, ...] = ()
    note: Text | None = None


class _Assumptions(FileRecord):
    catalog: Literal["assumptions"]
    title: Text = ""
    summary: Text = ""
    assumptions: dict[Slug, CatalogAssumption]


class _Routes(FileRecord):
    catalog: Literal["routes"]
    title: Text = ""
    summary: Text = ""
    routes: dict[Slug, CatalogRoute]


class _Kinds(FileRecord):
    catalog: Literal["kinds"]
    title: Text = ""
    summary: Text = ""
    kinds: dict[Slug, CatalogKind]


class _Observations(FileRecord):
    catalog: Literal["observations"]
    title: Text = ""
    summary: Text = ""
    observations: dict[Slug, CatalogObservation]


_FILES: Mapping[str, type[FileRecord]] = {
    "assumptions": _Assumptions,
    "routes": _Routes,
    "kinds": _Kinds,
    "observations": _Observations,
}


@functools.cache
def _read(name: str) -> Any:
    return read_shipped("catalog", name, _FILES[name])


def document(name: str) -> Document:
    """Return a file of the catalog: "assumptions", "routes", "kinds" or "observations"."""
    document: Document = _read(name).document
    return document


@functools.cache
def assumptions() -> Mapping[str, CatalogAssumption]:
    """Return the shared assumptions by id.

    Examples
    --------
    >>> assumptions()["path-dependence"].scope
    'world'
    """
    return MappingProxyType(_read("assumptions").assumptions)


@functools.cache
def routes() -> Mapping[str, CatalogRoute]:
    """Return the shared routes by id.

    Examples
    --------
    >>> routes()["reward-seeker"].requires
    ('situational-awareness', 'internal-optimization')
    """
    return MappingProxyType(_read("routes").routes)


@functools.cache
def kinds() -> Mapping[str, CatalogKind]:
    """Return the names for kinds of route by id.

    Examples
    --------
    >>> kinds()["approximate"].class_
    'mesa-optimizer'
    """
    return MappingProxyType(_read("kinds").kinds)


@functools.cache
def observations() -> Mapping[str, CatalogObservation]:
    """Return the observations that could be made of many stories, by id.

    Examples
    --------
    >>> observations()["probe"].trials
    1
    """
    return MappingProxyType(_read("observations").observations)


def template(name: Any) -> Mapping[str, Any]:
    """Return the plain fields of a catalogued route, as a story would write them; none if unknown.

    Examples
    --------
    >>> list(template("near-miss"))
    ['id', 'class', 'kind', 'claim', 'requires', 'bits', 'harm']
    >>> template("no-such-route")
    {}
    """
    fields = ("class", "kind", "claim", "requires", "bits", "harm", "mechanism")
    return _fields("routes", name, fields)


def observation_template(name: Any) -> Mapping[str, Any]:
    """Return the plain fields of a catalogued observation, as a story would write them.

    Examples
    --------
    >>> list(observation_template("replication"))
    ['id', 'claim']
    >>> observation_template("no-such-observation")
    {}
    """
    return _fields("observations", name, ("claim", "about", "trials", "rates", "relevance"))


def _fields(part: str, name: Any, fields: tuple[str, ...]) -> Mapping[str, Any]:
    entries = document(part).data[part]
    if not isinstance(name, str) or name not in entries:
        return {}
    return {"id": name, **{key: entries[name][key] for key in fields if key in entries[name]}}


def filled(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Fill in what a story takes from the catalog.

    Parameters
    ----------
    data : mapping
        Plain data in the shape of a story file; parts with a wrong shape are left as they are.

    Returns
    -------
    mapping
        With every field of a route or proposal that has `use`, what decides each catalogued
        assumption, and the assumptions that come along.
    """
    whole = dict(data)
    for key, fields in (("routes", template), ("proposals", observation_template)):
        if isinstance(data.get(key), list | tuple):
            whole[key] = [
                {**fields(item.get("use")), **item} if isinstance(item, Mapping) else item
                for item in data[key]
            ]
    listed = sequence(whole.get("routes"))
    named = data.get("assumptions")
    if named is not None and not isinstance(named, Mapping):
        return whole
    decided = {name: _decided(name, spec) for name, spec in mapping(named).items()}
    for name in brought_along(listed, mapping(named)):
        decided[name] = _decision(name)
    return {**whole, "assumptions": decided} if decided else whole


def brought_along(listed: Any, named: Mapping[str, Any]) -> list[str]:
    """Return the assumptions that a story takes from the catalog without naming them.

    Parameters
    ----------
    listed : sequence of plain routes
    named : mapping of str to plain data
        The assumptions that the story names.

    Returns
    -------
    list of str
        What catalogued routes and assumptions refer to, directly or by way of each other, in the
        order of the catalog.

    Examples
    --------
    >>> brought_along([{"use": "reward-seeker"}], {})
    ['situational-awareness', 'internal-optimization']
    """
    waiting = [name for _, route in items(listed) for name in _inherited_literals(route)]
    waiting += [
        inner
        for name, spec in named.items()
        if name in assumptions() and _undecided(spec)
        for inner in _needs(name)
    ]
    names_below: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in named and name not in names_below and name in assumptions():
            names_below.add(name)
            waiting += _needs(name)
    return [name for name in assumptions() if name in names_below]


def needed_by(name: str) -> tuple[str, ...]:
    """Return the catalogued routes that a catalogued assumption bears on, directly or not.

    Examples
    --------
    >>> "nearest-goal-schemer" in needed_by("goal-guarding")
    True
    """
    return tuple(route for route in routes() if name in brought_along([{"use": route}], {}))


def _inherited_literals(route: Mapping[str, Any]) -> list[str]:
    requires = template(route.get("use")).get("requires")
    return list(_literals(requires)) if route.get("requires", requires) == requires else []


def _needs(name: str) -> list[str]:
    spec = document("assumptions").data["assumptions"][name]
    return [inner for _, formula in formulas_of(spec) for inner in _literals(formula)]


def _literals(formula: Any) -> Iterator[str]:
    for _, part in parts_of(formula):
        name = literal_name(part)
        if name is not None:
            yield name


def _undecided(spec: Any) -> bool:
    return all(mapping(spec).get(key) is None for key in STORY_DECIDERS)


def _decision(name: str) -> dict[str, Any]:
    spec = document("assumptions").data["assumptions"][name]
    return {key: spec[key] for key in DECIDERS if key in spec}


def _decided(name: str, spec: Any) -> Any:
    if name not in assumptions() or not (spec is None or isinstance(spec, Mapping)):
        return spec
    return {**mapping(spec), **_decision(name)} if _undecided(spec) else spec
