"""The numbers that ship with the project: prior packs, the catalog of assumptions, and views."""

import functools
import importlib.resources
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError
from pydantic_core import PydanticCustomError

from storyodds.priors.document import Document
from storyodds.priors.errors import InputError, Mistake, Problem
from storyodds.priors.forms import FORM_KEYS, Basis, Kind, Probability, parse_prior
from storyodds.priors.phrases import did_you_mean, quoted
from storyodds.priors.records import Record, Slug, SourceField, Text
from storyodds.priors.strict_yaml import read_file
from storyodds.priors.wording import mistakes_in

_SHIPPED = "storyodds.priors"


def _some_prior(value: Any) -> Any:
    """Hold raw data to being a PRIOR, of whichever kind."""
    reasons: list[str] = []
    for kind in _KINDS:
        try:
            parse_prior(value, kind)
        except ValidationError as error:
            detail = error.errors(include_url=False, include_input=False)[0]
            if detail["type"] not in ("prior_form", "out_of_range"):
                reasons.append(detail["msg"])
        else:
            return value
    raise PydanticCustomError("prior_data", "{reason}", {"reason": (reasons or [_ANY_PRIOR])[0]})


_KINDS: tuple[Kind, ...] = ("probability", "bits")
_ANY_PRIOR = (
    "expected a probability or bits: a number, an interval [low, high], or a mapping with exactly "
    f"one of {', '.join(FORM_KEYS)}"
)


RawPrior = Annotated[Any, AfterValidator(_some_prior)]


class PackEntry(Record):
    """A published or assumed number with its provenance.

    Attributes
    ----------
    claim : str
        What the number is the probability, the rate or the bits of.
    value : PRIOR, as it stands in the file
    basis : {"elicited", "assumed", "measured"}
    source : Source
    note : str, optional
    """

    claim: Text
    value: RawPrior
    basis: Basis
    source: SourceField | None = None
    note: Text | None = None


class Pack(Record):
    """A file of entries."""

    pack: Slug
    title: Text
    summary: Text = ""
    entries: dict[Slug, PackEntry]


class CatalogEntry(Record):
    """An assumption that many stories share.

    Attributes
    ----------
    claim : str
    scope : {"run", "world"}
    probability : Prior
        What a story that names the assumption and says no more takes.
    sources : tuple of Source
    """

    claim: Text
    scope: Literal["run", "world"] = "run"
    probability: Probability
    sources: tuple[SourceField, ...] = ()
    note: Text | None = None


class Catalog(Record):
    """The file of shared assumptions."""

    catalog: Slug
    title: Text = ""
    summary: Text = ""
    assumptions: dict[Slug, CatalogEntry]


class View(Record):
    """A named set of overrides, by the name of a number: an id, or `id.part` for one of several.

    Attributes
    ----------
    view : str
    title, summary : str
    sources : tuple of Source
    set : dict of str to PRIOR, as they stand in the file
    """

    view: Slug
    title: Text
    summary: Text = ""
    sources: tuple[SourceField, ...] = ()
    set: Annotated[dict[Text, RawPrior], Field(min_length=1)]


def pack_names() -> tuple[str, ...]:
    """List the names of the packs that ship with the project."""
    return tuple(_shipped_files("packs"))


@functools.cache
def pack(name: str) -> Pack:
    """Read a prior pack.

    Raises
    ------
    InputError
        If there is no such pack, or its file is wrong.
    """
    path = _shipped_files("packs").get(name)
    if path is None:
        hint = did_you_mean(name, pack_names())
        raise InputError(f"found {quoted(name)}, expected the name of a prior pack{hint}")
    return _read(path, Pack, "pack")


def pack_entry(ref: str) -> PackEntry:
    """Find an entry of a prior pack.

    Parameters
    ----------
    ref : str
        `pack/entry`.

    Raises
    ------
    InputError
        If there is no such pack or entry, with the nearest name.
    """
    name, _, entry = ref.partition("/")
    if name in pack_names():
        entries = pack(name).entries
        if entry in entries:
            return entries[entry]
    hint = did_you_mean(ref, _references())
    raise InputError(f"found {quoted(ref)}, expected an entry of a prior pack, pack/entry{hint}")


@functools.cache
def _references() -> tuple[str, ...]:
    return tuple(f"{name}/{entry}" for name in pack_names() for entry in pack(name).entries)


@functools.cache
def catalog() -> Mapping[str, CatalogEntry]:
    """Read the catalog of shared assumptions.

    Returns
    -------
    mapping of str to CatalogEntry
        Empty if none is shipped.
    """
    path = _shipped(".") / "catalog.yaml"
    if not path.is_file():
        return MappingProxyType({})
    return MappingProxyType(_read(path, Catalog, None).assumptions)


def view_names() -> tuple[str, ...]:
    """List the names of the views that ship with the project."""
    return tuple(_shipped_files("views"))


@functools.cache
def view(name_or_path: str | Path) -> View:
    """Read a view: one that ships with the project, by name, or a file of one's own.

    Raises
    ------
    InputError
        If there is no such view, or its file is wrong.
    """
    path = _shipped_files("views").get(str(name_or_path))
    if path is not None:
        return _read(path, View, "view")
    if isinstance(name_or_path, Path) or looks_like_path(name_or_path):
        return _read(Path(name_or_path), View, None)
    names = view_names()
    hint = did_you_mean(name_or_path, names) or (f", one of {', '.join(names)}" if names else "")
    raise InputError(
        f"found {quoted(name_or_path)}, expected the name of a view or the path of its file{hint}"
    )


def looks_like_path(text: str) -> bool:
    """Tell a path from a name: it has a slash or ends as YAML files do.

    Examples
    --------
    >>> looks_like_path("./sceptic.yaml"), looks_like_path("sceptic")
    (True, False)
    """
    return "/" in text or "\\" in text or text.endswith((".yaml", ".yml"))


def _shipped(folder: str) -> Path:
    return Path(str(importlib.resources.files(_SHIPPED))) / folder


@functools.cache
def _shipped_files(folder: str) -> Mapping[str, Path]:
    return MappingProxyType({path.stem: path for path in sorted(_shipped(folder).glob("*.yaml"))})


def _read[R: Record](path: Path, model: type[R], named: str | None) -> R:
    """Read a file as a record whose id, where it has one, is the name of the file."""
    document = read_file(path)
    try:
        record = model.model_validate(document.data, by_alias=True, by_name=False)
    except ValidationError as error:
        raise InputError(_problems(document, error, model)) from None
    if named is not None and getattr(record, named) != path.stem:
        found = getattr(record, named)
        sentence = f"found '{found}', expected '{path.stem}', the name of its file"
        raise InputError([document.problem(Mistake((named,), sentence))])
    return record


def _problems(document: Document, error: ValidationError, model: type[Record]) -> list[Problem]:
    problems = [document.problem(item) for item in mistakes_in(error, document.data, model)]
    return sorted(problems, key=lambda problem: (problem.line or 0, problem.column or 0))
