"""The command that a reader of a report would most likely run next."""

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from rich.text import Text

from storyodds.priors.errors import printable
from storyodds.priors.library import view

Json = Mapping[str, Any]

_AT_THE_ENDS = ("sceptic", "advocate")  # views that say most against the story as it stands


def commands(summary: Json, source: str) -> Iterator[Text]:
    """Lines to be copied, which are therefore never broken.

    Parameters
    ----------
    summary : mapping
        The object of `estimate --json`.
    source : str
        How the story was named; of standard input there is nothing to run again.
    """
    if source == "-":
        return
    name = shlex.quote(printable(source))
    suggested = _next_attempt(summary)
    if suggested is None:
        suggested = _next_view(summary) or _next_setting(summary) or "-o result.nc"
        if summary["method"] == "simulation":  # the story may be too large for any other
            suggested += " --method simulation"
    yield Text("  Next: ", style="dim").append(
        f"storyodds estimate {name} {suggested}", style="not dim"
    )


def _next_attempt(summary: Json) -> str | None:
    """What may work where the computation did not."""
    if summary["diagnostics"]["ok"]:
        return None
    if summary["diagnostics"]["means"] == "exact":  # draws are independent; more of them it is
        return f"--draws {4 * summary['diagnostics']['draws']}"
    if summary["method"] == "weighting":
        return "--method nuts"
    if summary["method"] == "simulation":
        return f"--method simulation --draws {_more(summary)}"
    return f"--method nuts --draws {4 * summary['diagnostics']['draws']}"


def _more(summary: Json) -> int:
    """More draws, each of as many states; of one draw the states are told, not the draws asked."""
    d = summary["diagnostics"]
    draws = d["draws"] if d["draws"] > 1 else d["states"] // 256
    return int(min(4 * draws, 1 << 20))


def _next_view(summary: Json) -> str | None:
    """A view that says something about this story; they are about deception."""
    if summary["classes"]["deceptive"]["mean"] <= 0:
        return None
    names = {number["name"] for number in summary["provenance"]}
    for candidate in _AT_THE_ENDS:
        named = sum(
            bool({key, f"{key}.probability", f"{key}.bits"} & names) for key in view(candidate).set
        )
        if candidate != summary["view"] and named >= 3:
            return f"--view {candidate}"
    return None


def _next_setting(summary: Json) -> str | None:
    """What if the link that the worst path hangs on were otherwise?"""
    settable = {
        number["name"].removesuffix(".probability")
        for number in summary["provenance"]
        if number["name"].endswith(".probability")
    }
    links = [path["weakest_link"] for path in summary["paths"] if path["weakest_link"]]
    links += [literal for path in summary["paths"] for literal in path["literals"]]
    links += list(summary["assumptions"])
    for link in links:
        name = link.removeprefix("not ")
        if name in settable and name not in summary["settings"]:
            unlikely = summary["assumptions"][name]["mean"] > 0.5
            return f"--set {name}={0.1 if unlikely else 0.9}"
    return None
