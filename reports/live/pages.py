"""Answers as HTML: the looks of the dashboard, with a script that asks instead of one that weighs.

Every page goes with the policy that lets its own style and script run and asks nobody but this
server.
"""

from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from jinja2 import ChoiceLoader, Environment, FunctionLoader
from markupsafe import Markup

from storyodds.models.changes.interactive import ODDS
from storyodds.models.story.outcomes import DEPLOYED
from storyodds.reports.dashboard.html import (
    environment,
    in_script,
    page_style,
    policy,
    story_page,
)
from storyodds.reports.dashboard.page_data import Dossier
from storyodds.reports.words.aliases import Json
from storyodds.reports.words.endings import CLASS_GLOSSES, FATE_GLOSSES
from storyodds.reports.words.numbers import odds_words
from storyodds.reports.words.sentences import headline_of

_GROUPS = (
    "assumptions",
    "rationale",
    "nudges",
    "routes",
    "hazards of the goal",
    "checks",
    "evidence",
    "numbers in several places",
    "left to the format",
)
# The groups of the table of odds: a title, and of each row its odds, its words and their gloss.
_ROWS = {
    "What becomes of the model": [(name, name, gloss) for name, gloss in FATE_GLOSSES.items()],
    "Where training ends": [(name, name, gloss) for name, gloss in CLASS_GLOSSES.items()],
    "On the day of the decision": [
        (name, odds_words(name), "no check has flagged the model" * (name == DEPLOYED))
        for name in ODDS[len(CLASS_GLOSSES) + len(FATE_GLOSSES) :]
    ],
}
_PARTS = {
    "check": "Checks",
    "evidence": "Evidence",
    "nudge": "Nudges",
    "constraint": "Constraints",
    "correlation": "Correlations",
}


def home(listed: Json, states: Sequence[Json] = ()) -> dict[str, str]:
    """Write the list of stories, and of the states that were saved of them.

    Parameters
    ----------
    listed : mapping
        `stories` and `refused`, as the task "list" gives them.
    states : sequence of mapping
        As `saved_states.listed_states` gives them.

    Returns
    -------
    dict
        `html` and the `policy` to send with it.

    Examples
    --------
    >>> one = {"id": "a", "title": "<b>", "own": True, "problems": []}
    >>> "&lt;b&gt;" in home({"stories": [one], "refused": []})["html"]
    True
    """
    own = [story for story in listed["stories"] if story["own"]]
    bundled = [story for story in listed["stories"] if not story["own"]]
    here = {story["id"] for story in listed["stories"]}
    return _rendered(
        "list.html.j2",
        {},
        script="home.js",
        own=own,
        bundled=bundled,
        refused=listed["refused"],
        states=[state for state in states if state["story"] in here],
    )


def broken(name: str, problems: Sequence[Json]) -> dict[str, str]:
    """Write the page of a story whose file has mistakes."""
    return _rendered("broken.html.j2", None, name=name, problems=problems)


def story(description: Json) -> dict[str, str]:
    """Write the live page of a story, with its odds as written, which read without script.

    Parameters
    ----------
    description : mapping
        As the task "describe" gives it.

    Returns
    -------
    dict
        `html` and the `policy` to send with it.
    """
    groups = {
        group: [n for n in description["numbers"] if n["group"] == group] for group in _GROUPS
    }
    parts = {
        title: [part for part in description["parts"] if part["part"] == kind]
        for kind, title in _PARTS.items()
    }
    return _rendered(
        "live.html.j2",
        {"story": description},
        page=description,
        headline=headline_of(description["kind"]),
        rows=_ROWS,
        groups={group: numbers for group, numbers in groups.items() if numbers},
        parts={title: members for title, members in parts.items() if members},
    )


def whole(dossier: Dossier) -> dict[str, str]:
    """Write the whole dashboard of a story, which brings its own policy in its head."""
    html = story_page(dossier, home="/")
    return {"html": html, "policy": "frame-ancestors 'none'"}


def _rendered(
    template: str, data: Json | None, script: str = "live.js", **values: object
) -> dict[str, str]:
    style = page_style() + _text("live.css")
    script = "" if data is None else _text(script)
    html = (
        _environment()
        .get_template(template)
        .render(
            policy=None,  # it is sent as a header
            style=Markup(style),
            script=Markup(script),
            data=None if data is None else Markup(in_script(data)),
            doubtful=False,
            **values,
        )
    )
    return {"html": html, "policy": f"{policy(style, script)}; {_ASK}"}


_ASK = "connect-src 'self'; frame-ancestors 'none'"


@cache
def _text(name: str) -> str:
    return (files("storyodds.reports.live") / name).read_text("utf-8")


@cache
def _environment() -> Environment:
    """The templates of live pages before those of the dashboard, which they extend."""
    folder = files("storyodds.reports.live") / "templates"

    def load(name: str) -> str | None:
        file = folder / name
        return file.read_text("utf-8") if file.is_file() else None

    templates = environment()
    assert templates.loader is not None
    return templates.overlay(loader=ChoiceLoader([FunctionLoader(load), templates.loader]))
