"""The command that shows a story, a view, a pack or a catalogued entry, and what it rests on."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from storyodds.commands.console import json_option, print_text, write_json
from storyodds.commands.list_library import CATALOG

if TYPE_CHECKING:
    from storyodds.reports.documents.bibliography import Sources
    from storyodds.scenarios.story import Story


@dataclass(frozen=True)
class _Entry:
    """Something that can be shown.

    Attributes
    ----------
    what : str
        Which sort of thing it is.
    name : str
    text : callable
        The text of its file, or nothing for an entry of one.
    lines : callable
        An entry's labeled texts.
    data : callable
        An entry's plain data.
    sources : callable
    story : callable
        Where it is a story.
    """

    what: str
    name: str
    sources: Callable[[], "Sources"]
    story: "Callable[[], Story] | None" = None
    text: Callable[[], str] | None = None
    lines: Callable[[], Iterator[tuple[str, str]]] = lambda: iter(())
    data: Callable[[], dict[str, Any]] = dict


@click.command(short_help="A file's text, a catalogued entry; its sources and numbers.")
@click.argument("name")
@click.option("--sources", is_flag=True, help="What it rests on: works, and numbers with none.")
@click.option("--bibtex", is_flag=True, help="The works that it cites, as BibTeX.")
@click.option("--numbers", is_flag=True, help="A story's numbers: what, on whose word, where.")
@json_option
def show(name: str, sources: bool, bibtex: bool, numbers: bool, as_json: bool) -> None:
    """The text of a story, a view or a pack; or an entry of a pack or of the catalog.

    With --sources, what the thing rests on, by way of whatever it takes from the catalog and from
    packs, too. With --numbers, every number of a story with the file and line on which it stands.
    """
    flags = {"--sources": sources, "--bibtex": bibtex, "--numbers": numbers}
    forms = [flag for flag, is_set in flags.items() if is_set]
    if bibtex and as_json:
        forms.append("--json")
    if len(forms) > 1:
        raise click.UsageError(f"found {' and '.join(forms)}, expected one of them")
    entries = _entries(name)
    if numbers:
        _show_numbers(entries[0], as_json)
    elif bibtex:
        from storyodds.reports.tables.bibtex import to_bibtex

        print_text(to_bibtex(entries[0].sources().cited))
    elif sources:
        _show_sources(entries[0], as_json)
    elif as_json:
        write_json({"schema": "storyodds/show/1", **_document(entries)})
    else:
        _print(entries)


def _show_sources(entry: _Entry, as_json: bool) -> None:
    from rich.console import Console

    from storyodds.reports.documents.sources import plain_sources
    from storyodds.reports.terminal.sources import print_sources

    collected = entry.sources()
    if as_json:
        plain = plain_sources(collected)
        write_json({"schema": "storyodds/sources/1", entry.what: entry.name, **plain})
    else:
        print_sources(Console(highlight=False), entry.name, collected)


def _show_numbers(entry: _Entry, as_json: bool) -> None:
    if entry.story is None:
        raise click.UsageError(f"found --numbers with a {entry.what}, expected it with a story")
    from rich.console import Console

    from storyodds.reports.documents.head import correlated_numbers
    from storyodds.reports.documents.numbers import plain_numbers
    from storyodds.reports.terminal.numbers import print_numbers
    from storyodds.scenarios.resolve import resolve

    resolved = resolve(entry.story())
    if as_json:
        numbers = plain_numbers(resolved)
        blocks = correlated_numbers(resolved)
        correlations = {"correlations": blocks} if blocks else {}
        document = {"schema": "storyodds/numbers/1", entry.what: entry.name, "numbers": numbers}
        write_json({**document, **correlations})
    else:
        print_numbers(Console(highlight=False), resolved)


def _document(entries: list[_Entry]) -> dict[str, Any]:
    first = entries[0]
    if first.text is not None:
        return {first.what: first.name, "text": first.text()}
    return {entry.what: {"id": entry.name, **entry.data()} for entry in entries}


def _print(entries: list[_Entry]) -> None:
    if entries[0].text is not None:
        print_text(entries[0].text())
        return
    from rich.console import Console

    from storyodds.reports.terminal.catalog import print_lines

    console = Console(highlight=False)
    for k, entry in enumerate(entries):
        if k:
            console.print()
        print_lines(console, entry.lines())


def _entries(name: str) -> list[_Entry]:
    """Give what a name means: one file, or every catalogued entry of that name."""
    from storyodds.priors.library import looks_like_path, pack_names, view_names
    from storyodds.scenarios.loader import bundled_stories
    from storyodds.scenarios.shared import catalog

    if name == "-":
        return [_standard_input()]
    if name in bundled_stories():
        return [_story(name)]
    if name in view_names():
        return [_view(name)]
    if name in pack_names():
        return [_pack(name)]
    if name.partition("/")[0] in pack_names() and not os.path.exists(name):
        return [_pack_entry(name)]
    catalogued = any(name in getattr(catalog, section)() for section in CATALOG)
    if not catalogued and not looks_like_path(name) and not os.path.isfile(name):
        raise _unknown(name)
    return _catalogued(name) if catalogued else [_file(name)]


def _unknown(name: str) -> Exception:
    from storyodds.priors.library import pack_names, view_names
    from storyodds.priors.text.errors import InputError
    from storyodds.priors.text.phrases import did_you_mean, quoted
    from storyodds.scenarios.loader import bundled_stories
    from storyodds.scenarios.shared import catalog

    names = [*bundled_stories(), *view_names(), *pack_names()]
    names += [entry for section in CATALOG for entry in getattr(catalog, section)()]
    hint = did_you_mean(name, dict.fromkeys(names)) or (
        "; 'storyodds list' and 'storyodds list catalog' show all names"
    )
    return InputError(
        f"found {quoted(name)}, expected the name of a story, a view, a pack or a catalogued "
        f"assumption, route, kind or observation, or the path of a file{hint}"
    )


def _file(path: str) -> _Entry:
    """A file of one's own: a view if it says so, else a story."""
    from storyodds.scenarios.loader import story_text

    keys = {line.partition(":")[0].rstrip() for line in story_text(path).splitlines()}
    return _view(path) if "view" in keys and "story" not in keys else _story(path)


def _story(name: str) -> _Entry:
    from storyodds.scenarios.loader import load_story, story_text

    def story() -> "Story":
        return load_story(name)

    return _Entry(
        "story",
        name,
        lambda: _sources_of_story(story()),
        story=story,
        text=lambda: story_text(name),
    )


def _standard_input() -> _Entry:
    from storyodds.commands.options import load_one

    story = load_one("-")
    return _Entry(
        "story",
        "-",
        lambda: _sources_of_story(story),
        story=lambda: story,
        text=lambda: _text(story),
    )


def _sources_of_story(story: "Story") -> "Sources":
    from storyodds.reports.documents.bibliography import story_sources
    from storyodds.scenarios.resolve import resolve

    return story_sources(resolve(story))


def _view(name: str) -> _Entry:
    from storyodds.priors.library import view

    def sources() -> "Sources":
        from storyodds.reports.documents.bibliography import view_sources

        return view_sources(view(name))

    return _Entry("view", name, sources, text=lambda: _text(view(name)))


def _pack(name: str) -> _Entry:
    from storyodds.priors.library import pack

    def sources() -> "Sources":
        from storyodds.reports.documents.bibliography import pack_sources

        return pack_sources(pack(name))

    return _Entry("pack", name, sources, text=lambda: _text(pack(name)))


def _text(record: Any) -> str:
    return str(record.document.text)


def _pack_entry(ref: str) -> _Entry:
    from storyodds.priors.library import pack_entry
    from storyodds.reports.documents.bibliography import entry_sources
    from storyodds.reports.terminal.catalog import pack_entry_lines

    entry = pack_entry(ref)
    return _Entry(
        "entry",
        ref,
        lambda: entry_sources(entry),
        lines=lambda: pack_entry_lines(ref, entry),
        data=lambda: entry.model_dump(mode="json", exclude_none=True),
    )


def _catalogued(name: str) -> list[_Entry]:
    """Every catalogued thing of that name: some routes are called as their kind is."""
    from storyodds.reports.documents import bibliography
    from storyodds.reports.terminal import catalog as entries
    from storyodds.scenarios.shared import catalog

    readers: tuple[tuple[str, Any, Callable[[str], Any], Callable[[str], Any]], ...] = (
        (
            "assumption",
            catalog.assumptions(),
            bibliography.assumption_sources,
            entries.assumption_lines,
        ),
        ("route", catalog.routes(), bibliography.route_sources, entries.route_lines),
        ("kind", catalog.kinds(), bibliography.kind_sources, entries.kind_lines),
        (
            "observation",
            catalog.observations(),
            bibliography.observation_sources,
            entries.observation_lines,
        ),
    )
    return [
        _Entry(
            kind,
            name,
            partial(sources, name),
            lines=partial(lines, name),
            data=partial(_plain_entry, kind, name),
        )
        for kind, names, sources, lines in readers
        if name in names
    ]


def _plain_entry(kind: str, name: str) -> dict[str, Any]:
    from storyodds.scenarios.shared import catalog

    section = f"{kind}s"
    entry = dict(catalog.document(section).data[section][name])
    if kind == "assumption":
        entry["needed_by"] = list(catalog.needed_by(name))
    return entry
