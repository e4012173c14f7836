"""The commands that show what ships with the project: list and show."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from storyodds.commands.console import hanging, json_option, print_text, write_json

if TYPE_CHECKING:
    from storyodds.reports.documents.bibliography import Sources
    from storyodds.scenarios.story import Story

_SECTIONS = ("stories", "views", "packs", "assumptions", "routes", "kinds", "observations")
_SHORT = _SECTIONS[:3]
_CATALOG = _SECTIONS[3:]
_LEAST_ROOM = 40  # columns for a title beside its name
_HEADINGS = {
    "stories": "Stories",
    "views": "Views (--view)",
    "packs": "Packs of published numbers ({ref: pack/entry})",
    "assumptions": "Catalogued assumptions",
    "routes": "Catalogued routes ({use: …})",
    "kinds": "Kinds of route",
    "observations": "Observations that could be made (storyodds value)",
}


@click.command(name="list", short_help="What ships with storyodds: stories, views, packs, catalog.")
@click.argument("what", required=False, type=click.Choice([*_SECTIONS, "catalog"]))
@json_option
def list_stories(what: str | None, as_json: bool) -> None:
    """What ships with storyodds: stories, views and packs, or the one kind of thing named.

    `storyodds list catalog` tells what stories share: assumptions, routes, kinds of route and
    observations that could be made.
    """
    sections = _CATALOG if what == "catalog" else (what,) if what else _SHORT
    if as_json:
        asked = sections if what else _SECTIONS
        write_json({"schema": "storyodds/list/1", **{name: _titles(name) for name in asked}})
        return
    for section in sections:
        click.echo(_HEADINGS[section])
        _print_titles(_titles(section))
    if what is None:
        counts = ", ".join(f"{len(_titles(name))} {name}" for name in _CATALOG)
        click.echo(f"Catalog: {counts} (storyodds list catalog)")


def _print_titles(titles: dict[str, str]) -> None:
    """Titles beside their names, or below where a terminal has no room for that."""
    width = max(map(len, titles), default=0)
    narrow = shutil.get_terminal_size().columns - width - 4 < _LEAST_ROOM
    below = narrow and sys.stdout is not None and sys.stdout.isatty()
    for name, title in titles.items():
        if below:
            click.echo(f"  {name}")
        click.echo(hanging(" " * 6 if below else f"  {name:<{width}}  ", title))


def _titles(section: str) -> dict[str, str]:
    """Names and titles, or claims, of one section."""
    from storyodds.priors.library import pack, pack_names, view, view_names
    from storyodds.scenarios.loader import bundled_stories, load_story
    from storyodds.scenarios.shared import catalog

    if section == "stories":
        return {name: load_story(name).title for name in bundled_stories()}
    if section == "views":
        return {name: view(name).title for name in view_names()}
    if section == "packs":
        return {name: pack(name).title for name in pack_names()}
    entries: Any = getattr(catalog, section)()
    return {name: entry.claim for name, entry in entries.items()}


@dataclass(frozen=True)
class _Shown:
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
    asked = [
        flag
        for flag, given in (("--sources", sources), ("--bibtex", bibtex), ("--numbers", numbers))
        if given
    ]
    if bibtex and as_json:
        asked.append("--json")
    if len(asked) > 1:
        raise click.UsageError(f"found {' and '.join(asked)}, expected one of them")
    found = _find(name)
    if numbers:
        _show_numbers(found[0], as_json)
    elif bibtex:
        from storyodds.reports.tables.bibtex import to_bibtex

        print_text(to_bibtex(found[0].sources().cited))
    elif sources:
        _show_sources(found[0], as_json)
    elif as_json:
        write_json({"schema": "storyodds/show/1", **_document(found)})
    else:
        _print(found)


def _show_sources(shown: _Shown, as_json: bool) -> None:
    from rich.console import Console

    from storyodds.reports.documents.sources import plain_sources
    from storyodds.reports.terminal.sources import print_sources

    collected = shown.sources()
    if as_json:
        plain = plain_sources(collected)
        write_json({"schema": "storyodds/sources/1", shown.what: shown.name, **plain})
    else:
        print_sources(Console(highlight=False), shown.name, collected)


def _show_numbers(shown: _Shown, as_json: bool) -> None:
    if shown.story is None:
        raise click.UsageError(f"found --numbers with a {shown.what}, expected it with a story")
    from rich.console import Console

    from storyodds.reports.documents.numbers import plain_numbers
    from storyodds.reports.terminal.numbers import print_numbers
    from storyodds.scenarios.resolve import resolve

    resolved = resolve(shown.story())
    if as_json:
        numbers = plain_numbers(resolved)
        write_json({"schema": "storyodds/numbers/1", shown.what: shown.name, "numbers": numbers})
    else:
        print_numbers(Console(highlight=False), resolved)


def _document(found: list[_Shown]) -> dict[str, Any]:
    first = found[0]
    if first.text is not None:
        return {first.what: first.name, "text": first.text()}
    return {shown.what: {"id": shown.name, **shown.data()} for shown in found}


def _print(found: list[_Shown]) -> None:
    if found[0].text is not None:
        print_text(found[0].text())
        return
    from rich.console import Console

    from storyodds.reports.terminal.catalog import print_lines

    console = Console(highlight=False)
    for k, shown in enumerate(found):
        if k:
            console.print()
        print_lines(console, shown.lines())


def _find(name: str) -> list[_Shown]:
    """Find what a name means: one file, or every catalogued entry of that name."""
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
    catalogued = any(name in getattr(catalog, section)() for section in _CATALOG)
    if not catalogued and not looks_like_path(name) and not os.path.isfile(name):
        raise _unknown(name)
    return _catalogued(name) if catalogued else [_file(name)]


def _unknown(name: str) -> Exception:
    from storyodds.priors.library import pack_names, view_names
    from storyodds.priors.text.errors import InputError
    from storyodds.priors.text.phrases import did_you_mean, quoted
    from storyodds.scenarios.loader import bundled_stories
    from storyodds.scenarios.shared import catalog

    known = [*bundled_stories(), *view_names(), *pack_names()]
    known += [entry for section in _CATALOG for entry in getattr(catalog, section)()]
    hint = did_you_mean(name, dict.fromkeys(known)) or (
        "; 'storyodds list' and 'storyodds list catalog' show all names"
    )
    return InputError(
        f"found {quoted(name)}, expected the name of a story, a view, a pack or a catalogued "
        f"assumption, route, kind or observation, or the path of a file{hint}"
    )


def _file(path: str) -> _Shown:
    """A file of one's own: a view if it says so, else a story."""
    from storyodds.scenarios.loader import story_text

    keys = {line.partition(":")[0].rstrip() for line in story_text(path).splitlines()}
    return _view(path) if "view" in keys and "story" not in keys else _story(path)


def _story(name: str) -> _Shown:
    from storyodds.scenarios.loader import load_story, story_text

    def story() -> "Story":
        return load_story(name)

    return _Shown(
        "story",
        name,
        lambda: _sources_of_story(story()),
        story=story,
        text=lambda: story_text(name),
    )


def _standard_input() -> _Shown:
    from storyodds.commands.options import load_one

    story = load_one("-")
    return _Shown(
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


def _view(name: str) -> _Shown:
    from storyodds.priors.library import view

    def sources() -> "Sources":
        from storyodds.reports.documents.bibliography import view_sources

        return view_sources(view(name))

    return _Shown("view", name, sources, text=lambda: _text(view(name)))


def _pack(name: str) -> _Shown:
    from storyodds.priors.library import pack

    def sources() -> "Sources":
        from storyodds.reports.documents.bibliography import pack_sources

        return pack_sources(pack(name))

    return _Shown("pack", name, sources, text=lambda: _text(pack(name)))


def _text(record: Any) -> str:
    return str(record.document.text)


def _pack_entry(ref: str) -> _Shown:
    from storyodds.priors.library import pack_entry
    from storyodds.reports.documents.bibliography import entry_sources
    from storyodds.reports.terminal.catalog import pack_entry_lines

    entry = pack_entry(ref)
    return _Shown(
        "entry",
        ref,
        lambda: entry_sources(entry),
        lines=lambda: pack_entry_lines(ref, entry),
        data=lambda: entry.model_dump(mode="json", exclude_none=True),
    )


def _catalogued(name: str) -> list[_Shown]:
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
        _Shown(
            what,
            name,
            partial(sources, name),
            lines=partial(lines, name),
            data=partial(_plain_entry, what, name),
        )
        for what, known, sources, lines in readers
        if name in known
    ]


def _plain_entry(what: str, name: str) -> dict[str, Any]:
    from storyodds.scenarios.shared import catalog

    section = f"{what}s"
    entry = dict(catalog.document(section).data[section][name])
    if what == "assumption":
        entry["needed_by"] = list(catalog.needed_by(name))
    return entry
