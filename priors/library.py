"""The numbers that ship with the project: prior packs, the catalog of assumptions, and views."""

import functools
import importlib.resources
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError
from pydantic_core import PydanticCustomError

from storyodds.priors.distributions.forms import OWN_FORM_KEYS, Basis, Kind, parse_prior
from storyodds.priors.text.document import Document
from storyodds.priors.text.errors import InputError, Mistake, Problem
from storyodds.priors.text.phrases import did_you_mean, quoted
from storyodds.priors.text.records import FileRecord, Record, Slug, SourceField, Text
from storyodds.priors.text.yaml_reader import read_file
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
    f"one of {', '.join(OWN_FORM_KEYS)}"
)


RawPrior = Annotated[Any, AfterValidator(_some_prior)]


class PackEntry(Record):
    """A published or assumed number with its provenance.

    Attributes
    ----------
    claim : str
        The exact event that the number is the probability or the rate of.
    given : str
        What it is conditional on, exactly; "nothing" if unconditional.
    who : str
        Whose number it is.
    year : int
        In which they gave it.
    value : PRIOR, as it stands in the file
    basis : {"elicited", "assumed", "measured"}
    source : Source
    read : {"primary", "abstract", "secondary"}
        Where the number was read: in the work itself, in its abstract, or in what others wrote.
    disputed_by : Source, optional
        Who reads the finding otherwise.
    note : str, optional
    """

    claim: Text
    given: Text
    who: Text
    year: Annotated[int, Field(strict=True, ge=1900, le=2100)]
    value: RawPrior
    basis: Basis
    source: SourceField
    read: Literal["primary", "abstract", "secondary"]
    disputed_by: SourceField | None = None
    note: Text | None = None


class Pack(FileRecord):
    """A file of entries."""

    pack: Slug
    title: Text
    summary: Text = ""
    entries: dict[Slug, PackEntry]


class View(FileRecord):
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
    return _named(path, Pack, "pack")


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
    entry = entry_of(ref)
    if entry is None:
        raise InputError(unknown_reference(ref, did_you_mean))
    return entry


def entry_of(ref: str) -> PackEntry | None:
    """Find an entry of a prior pack, if there is one.

    Parameters
    ----------
    ref : str
        `pack/entry`.

    Examples
    --------
    >>> entry_of("carlsmith-2022/no-such-entry") is None
    True
    """
    name, _, entry = ref.partition("/")
    return pack(name).entries.get(entry) if name in pack_names() else None


def unknown_reference(ref: str, nearest: Callable[[str, Iterable[str]], str]) -> str:
    """Word the mistake that no pack has an entry.

    Parameters
    ----------
    ref : str
    nearest : callable
        Names the nearest of all entries, as `did_you_mean` does.
    """
    hint = nearest(ref, _references())
    return f"found {quoted(ref)}, expected an entry of a prior pack, pack/entry{hint}"


@functools.cache
def _references() -> tuple[str, ...]:
    return tuple(f"{name}/{entry}" for name in pack_names() for entry in pack(name).entries)


def view_names() -> tuple[str, ...]:
    """List the names of the views that ship with the project."""
    return tuple(_shipped_files("views"))


def view(name_or_path: str | Path) -> View:
    """Read a view: one that ships with the project, by name, or a file of one's own.

    A file is read anew every time: it may have changed.

    Raises
    ------
    InputError
        If there is no such view, or its file is wrong.
    """
    if str(name_or_path) in _shipped_files("views"):
        return _shipped_view(str(name_or_path))
    if isinstance(name_or_path, Path) or looks_like_path(name_or_path):
        return _read(Path(name_or_path), View)
    names = view_names()
    hint = did_you_mean(name_or_path, names) or (f", one of {', '.join(names)}" if names else "")
    raise InputError(
        f"found {quoted(name_or_path)}, expected the name of a view or the path of its file{hint}"
    )


@functools.cache
def _shipped_view(name: str) -> View:
    return _named(_shipped_files("views")[name], View, "view")


def looks_like_path(text: str) -> bool:
    """Return whether a text is a path and no name: it has a slash or ends as YAML files do.

    Examples
    --------
    >>> looks_like_path("./sceptic.yaml"), looks_like_path("sceptic")
    (True, False)
    """
    return "/" in text or "\\" in text or text.endswith((".yaml", ".yml"))


@functools.cache
def public_name(file: str) -> str:
    """Return the name by which results speak of a file.

    Parameters
    ----------
    file : str
        Its path, as it was opened.

    Returns
    -------
    str
        The same; for a file that ships with the project, from the package on, so that it is one
        name on all machines.
    """
    for room in ("priors", "scenarios"):
        home = Path(str(importlib.resources.files(f"storyodds.{room}")))
        if Path(file).is_relative_to(home):
            return f"storyodds/{room}/{Path(file).relative_to(home).as_posix()}"
    return file


def _shipped(folder: str) -> Path:
    return Path(str(importlib.resources.files(_SHIPPED))) / folder


@functools.cache
def _shipped_files(folder: str) -> Mapping[str, Path]:
    return MappingProxyType({path.stem: path for path in sorted(_shipped(folder).glob("*.yaml"))})


def read_shipped[R: FileRecord](folder: str, name: str, model: type[R]) -> R:
    """Read a file that ships with the project as a record.

    Parameters
    ----------
    folder : str
        Within this room.
    name : str
        Of the file, without its ending.
    model : type

    Raises
    ------
    InputError
        If the file is wrong.
    """
    return _read(_shipped_files(folder)[name], model)


def _named[R: FileRecord](path: Path, model: type[R], key: str) -> R:
    """Read a file as a record whose id is the name of the file."""
    record = _read(path, model)
    name = getattr(record, key)
    if name != path.stem and record.document is not None:
        sentence = f"found '{name}', expected '{path.stem}', the name of its file"
        raise InputError([record.document.problem(Mistake((key,), sentence))])
    return record


def _read[R: FileRecord](path: Path, model: type[R]) -> R:
    document = read_file(path)
    try:
        record = model.model_validate(document.data, by_alias=True, by_name=False)
    except ValidationError as error:
        raise InputError(_problems(document, error, model)) from None
    return record.read_from(document)


def _problems(document: Document, error: ValidationError, model: type[Record]) -> list[Problem]:
    problems = [document.problem(item) for item in mistakes_in(error, document.data, model)]
    return sorted(problems, key=lambda problem: (problem.line or 0, problem.column or 0))
