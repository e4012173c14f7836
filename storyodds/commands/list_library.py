"""The command that lists what ships with the program."""

import shutil
import sys
from typing import Any

import click

from storyodds.commands.console import hanging, json_option, write_json

#: Of the catalog, whose entries stories share.
CATALOG = ("assumptions", "routes", "kinds", "observations")
_SHORT = ("stories", "views", "packs")
_SECTIONS = (*_SHORT, *CATALOG)


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
@click.argument("kind", required=False, type=click.Choice([*_SECTIONS, "catalog"]))
@json_option
def list_stories(kind: str | None, as_json: bool) -> None:
    """What ships with storyodds: stories, views and packs, or the one kind of thing named.

    `storyodds list catalog` lists what stories share: assumptions, routes, kinds of route and
    observations that could be made.
    """
    sections = CATALOG if kind == "catalog" else (kind,) if kind else _SHORT
    if as_json:
        listed = sections if kind else _SECTIONS
        write_json({"schema": "storyodds/list/1", **{name: _titles(name) for name in listed}})
        return
    for section in sections:
        click.echo(_HEADINGS[section])
        _print_titles(_titles(section))
    if kind is None:
        counts = ", ".join(f"{len(_titles(name))} {name}" for name in CATALOG)
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
