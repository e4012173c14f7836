"""A page about one story: everything in one file, nothing from anywhere else."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from storyodds.reports.dashboard import sections_day as day
from storyodds.reports.dashboard import sections_graph as graph
from storyodds.reports.dashboard import sections_history as past
from storyodds.reports.dashboard import sections_movers as movers
from storyodds.reports.dashboard import sections_odds as odds
from storyodds.reports.dashboard import sections_pieces as pieces
from storyodds.reports.dashboard import sections_story as about
from storyodds.reports.dashboard.badges import badges
from storyodds.reports.dashboard.headline import head
from storyodds.reports.dashboard.page_data import Dossier
from storyodds.reports.dashboard.parts import Section
from storyodds.reports.figures.drawing.cells import with_band
from storyodds.reports.figures.drawing.figure import DARK, LIGHT
from storyodds.reports.figures.drawing.figure import style as figure_style
from storyodds.reports.words.aliases import Json
from storyodds.reports.words.endings import NO_CLAIM_OF_SAFETY
from storyodds.reports.words.sentences import NOT_RELIABLE, errors_of, headline_fates

PAGES = {"light": "#fbfaf7", "dark": "#12151c"}  # behind the cards
SECTIONS = (
    odds.how_it_ends,
    odds.in_cases,
    day.decision_day,
    day.criteria,
    odds.what_if,
    graph.how_it_gets_there,
    odds.failure_paths,
    movers.what_moves_it,
    pieces.piece_by_piece,
    movers.if_it_fails,
    movers.as_evidence_came_in,
    movers.assumptions,
    movers.value_of_information,
    movers.views,
    past.odds_over_time,
    about.lens,
    about.left_out,
    about.as_given,
    about.provenance,
    about.diagnostics,
    about.again,
)
# What a page that is sent around need not carry: indentation, and lines of comments.
_INDENTED = re.compile(r"^(?:[ ]+|//.*\n)+", re.MULTILINE)
_IN_SCRIPT = {c: f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


def story_page(dossier: Dossier, *, home: str | None = None) -> str:
    """Write the page of one story.

    Parameters
    ----------
    dossier : Dossier
    home : str, optional
        Where the page of all stories is.

    Returns
    -------
    str
        An HTML document that loads nothing; the same bytes for the same dossier.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.reports.dashboard.page_data import make_dossier
    >>> from storyodds.scenarios.resolve import resolve
    >>> page = story_page(make_dossier(assess(resolve(load_story("carlsmith-six-premises")))))
    >>> page.startswith("<!doctype html>"), "http-equiv" in page
    (True, True)
    """
    return rendered(
        "story.html.j2",
        data={"what_if": dossier.parts.get("what_if")},
        doubtful=not dossier.ok,
        description=description_of(dossier.estimate),
        head=head(dossier),
        badges=badges(dossier),
        sections=sections_of(dossier),
        home=home,
        foot=_foot(dossier.estimate),
    )


def description_of(estimate: Json) -> str:
    """Give what a page is about, for those who see no more of it than a link.

    Parameters
    ----------
    estimate : mapping
        "storyodds/estimate/1".

    Examples
    --------
    >>> from storyodds import estimate, load_story, summarize
    >>> found = summarize(estimate(load_story("carlsmith-six-premises")))
    >>> description_of(found).partition(". ")[0]
    "Carlsmith's six premises of power-seeking catastrophe by 2070: catastrophe 5.1%"
    """
    if not estimate["diagnostics"]["ok"]:
        return f"{estimate['title']}: NOT RELIABLE: {NOT_RELIABLE}"
    odds = (
        f"{fate} {with_band(estimate['fates'][fate], errors_of(estimate, fate))}"
        for fate in headline_fates(estimate)
    )
    return f"{estimate['title']}: {', '.join(odds)}. {NO_CLAIM_OF_SAFETY}"


def sections_of(dossier: Dossier) -> list[Section]:
    """Every section of a story's page, in order; those that do not apply to it are left out."""
    return [made for section in SECTIONS if (made := section(dossier)) is not None]


def rendered(
    template: str, *, data: Json | None, script: str = "", more_style: str = "", **given: Any
) -> str:
    """Fill a template, with the style, the script, and the policy that allows these only.

    Parameters
    ----------
    template : str
        A file in the folder of templates.
    data : mapping or None
        Plain data for the script of every page; without any that script is not there either.
    script, more_style : str
        What this page has instead of that script, and beside that style.
    **given
        What the template shows. Text is escaped where it enters.

    Returns
    -------
    str
    """
    style = page_style() + more_style
    script = script if data is None else page_script()
    return (
        environment()
        .get_template(template)
        .render(
            policy=policy(style, script),
            style=Markup(style),
            script=Markup(script),
            data=None if data is None else Markup(in_script(data)),
            **given,
        )
    )


def policy(style: str, script: str) -> str:
    """Give the content security policy of a page: its own style and script, no network.

    Examples
    --------
    >>> policy("", "").startswith("default-src 'none'; style-src 'sha256-47DEQpj8HBSa")
    True
    """
    run = f"'{_sha256(script)}'" if script else "'none'"
    return (
        f"default-src 'none'; style-src '{_sha256(style)}'; script-src {run}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _sha256(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def in_script(data: Any) -> str:
    """Plain data as JSON that cannot end the script it stands in.

    Examples
    --------
    >>> in_script({"a": "</script>"})
    '{"a":"\\\\u003c/script\\\\u003e"}'
    """
    text = json.dumps(data, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    for sign, said in _IN_SCRIPT.items():
        text = text.replace(sign, said)
    return text


@cache
def page_style() -> str:
    """Give the style sheet of every page: colors, the page, the figures."""
    light, dark = (
        _variables({**LIGHT, "page": PAGES["light"]}),
        _variables({**DARK, "page": PAGES["dark"]}),
    )
    own = (files("storyodds.reports.dashboard") / "page.css").read_text("utf-8")
    return (
        f":root{{color-scheme:light dark;{light}}}\n"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"
        f"{figure_style()}\n{own}"
    )


def _variables(colors: Mapping[str, str]) -> str:
    return ";".join(f"--{name}:{color}" for name, color in colors.items())


@cache
def page_script() -> str:
    """Give the script of every page."""
    folder = files("storyodds.reports.dashboard")
    text = "".join((folder / name).read_text("utf-8") for name in ("page.js", "figures.js"))
    return _INDENTED.sub("", text)


@cache
def environment() -> Environment:
    """Give the templates; they escape what they show, and know all that they name."""
    folder = files("storyodds.reports.dashboard.templates")

    def load(name: str) -> str | None:
        file = folder / name
        return file.read_text("utf-8") if file.is_file() else None

    return Environment(
        loader=FunctionLoader(load),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _foot(estimate: Json) -> str:
    versions: Sequence[str] = [f"{name} {it}" for name, it in estimate["versions"].items()]
    return (
        f"Made by {', '.join(reversed(versions[:2]))}; seed {estimate['seed']}; story sha256 "
        f"{estimate['story_sha256'][:16]}…. This page loads nothing and sends nothing."
    )
