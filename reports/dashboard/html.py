"""A page about one story: everything in one file, nothing from anywhere else."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from storyodds.reports.contract.estimate import Estimate
from storyodds.reports.dashboard.badges import badges
from storyodds.reports.dashboard.card import card_context, preview_of, whole
from storyodds.reports.dashboard.levels.bar import bar_of, running_style
from storyodds.reports.dashboard.levels.depths import levels_of
from storyodds.reports.dashboard.page_data import Dossier
from storyodds.reports.figures.drawing.figure import DARK, LIGHT
from storyodds.reports.figures.drawing.figure import style as figure_style
from storyodds.reports.words.aliases import Json
from storyodds.reports.words.card import words_that_follow

PAGES = {"light": "#fbfaf7", "dark": "#12151c"}  # behind the cards
# What a page that is sent around need not carry: indentation, and lines of comments.
_INDENTED = re.compile(r"^(?:[ ]+|//.*\n)+", re.MULTILINE)
_IN_SCRIPT = {c: f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


def story_page(
    dossier: Dossier, *, home: str | None = None, image: str | None = None, brief: bool = False
) -> str:
    """Write the page of one story.

    Parameters
    ----------
    dossier : Dossier
    home : str, optional
        Where the page of all stories is.
    image : str, optional
        Where a picture of the card is, for previews of links.
    brief : bool
        Whether the card is all of it.

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
    top = card_context(dossier)
    return rendered(
        "story.html.j2",
        data=_data(dossier, brief=brief),
        doubtful=not dossier.ok,
        top=top,
        preview=preview_of(top["card"]),
        image=image,
        brief=brief,
        badges=[] if brief else badges(dossier),
        bar=[] if brief else bar_of(dossier.estimate),
        levels=() if brief else levels_of(dossier),
        running=running_style(top["card"].title, _fingerprint(dossier.estimate)),
        home=home,
        foot=_foot(dossier.estimate),
    )


def _data(dossier: Dossier, *, brief: bool) -> Json:
    """What the page's scripts work with: nothing where there is no slider."""
    sliders = None if brief else dossier.parts.get("what_if")
    return {
        "what_if": sliders,
        **({} if sliders is None else {"follows": words_that_follow(dossier.estimate)}),
    }


def rendered(
    template: str,
    *,
    data: Json | None,
    script: str = "",
    more_style: str = "",
    running: str = "",
    **values: object,
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
    running : str
        Style of the margins of its printed sheets.
    **given
        What the template shows. Text is escaped where it enters.

    Returns
    -------
    str
    """
    style = page_style() + more_style + running
    script = script if data is None else page_script()
    return (
        environment()
        .get_template(template)
        .render(
            policy=policy(style, script),
            style=Markup(style),
            script=Markup(script),
            data=None if data is None else Markup(in_script(data)),
            **values,
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


def in_script(data: object) -> str:
    """Plain data as JSON that cannot end the script it stands in.

    Examples
    --------
    >>> in_script({"a": "</script>"})
    '{"a":"\\\\u003c/script\\\\u003e"}'
    """
    text = json.dumps(data, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    for sign, escape in _IN_SCRIPT.items():
        text = text.replace(sign, escape)
    return text


@cache
def page_style() -> str:
    """Give the style sheet of every page: colors, the page, the figures."""
    light, dark = (
        _variables({**LIGHT, "page": PAGES["light"]}),
        _variables({**DARK, "page": PAGES["dark"]}),
    )
    folder = files("storyodds.reports.dashboard")
    own = "".join((folder / name).read_text("utf-8") for name in ("page.css", "card.css"))
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
    names = ("following.js", "page.js", "figures.js")  # the first is there when sliders first move
    text = "".join((folder / name).read_text("utf-8") for name in names)
    return _INDENTED.sub("", text)


@cache
def environment() -> Environment:
    """Give the templates; they escape what they show, and know all that they name."""
    folder = files("storyodds.reports.dashboard.templates")

    def load(name: str) -> str | None:
        file = folder / name
        return file.read_text("utf-8") if file.is_file() else None

    templates = Environment(
        loader=FunctionLoader(load),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["whole"] = whole
    return templates


def _fingerprint(estimate: Json) -> str:
    """What tells one printed page from another of the same name."""
    return (
        f"story sha256 {estimate['story_sha256'][:16]}, storyodds "
        f"{estimate['versions']['storyodds']}, seed {estimate['seed']}"
    )


def _foot(estimate: Estimate) -> str:
    versions: Sequence[str] = [
        f"{name} {version}" for name, version in estimate["versions"].items()
    ]
    return (
        f"Made by {', '.join(reversed(versions[:2]))}; seed {estimate['seed']}; story sha256 "
        f"{estimate['story_sha256'][:16]}…. This page loads nothing and sends nothing."
    )
