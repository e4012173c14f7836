"""The command that a reader of a report would most likely run next."""

from collections.abc import Iterator
from dataclasses import replace

from rich.text import Text

from storyodds.priors.library import view
from storyodds.reports.contract.estimate import Estimate
from storyodds.reports.words.recipe import Recipe

_MOST_DRAWS = 1 << 20  # that `--draws` takes
_AT_THE_ENDS = ("sceptic", "advocate")  # views that say most against the story as it stands


def commands(summary: Estimate, recipe: Recipe) -> Iterator[Text]:
    """Lines to be copied, which are therefore never broken.

    Parameters
    ----------
    summary : mapping
        The object of `estimate --json`.
    recipe : Recipe
        What gave it; of standard input there is nothing to run again.
    """
    if recipe.story == "-":
        return
    attempt = _next_attempt(summary, recipe)
    command = _next_question(summary, recipe) if attempt is None else attempt.command(brief=True)
    yield Text("  Next: ", style="dim").append(command, style="not dim")


def _next_attempt(summary: Estimate, recipe: Recipe) -> Recipe | None:
    """What may work where the computation did not."""
    if summary["diagnostics"]["ok"]:
        return None
    if summary["method"] == "simulation":
        return replace(recipe, method="simulation", draws=_more(summary))
    more = min(4 * int(summary["diagnostics"]["draws"]), _MOST_DRAWS)
    if summary["diagnostics"]["means"] == "exact":  # draws are independent; more of them it is
        return replace(recipe, draws=more)
    if summary["method"] == "weighting":
        return replace(recipe, method="nuts")
    return replace(recipe, method="nuts", draws=more)


def _next_question(summary: Estimate, recipe: Recipe) -> str:
    """Another view, another number, or the result as a file."""
    view_name = _next_view(summary)
    if view_name is not None:
        return replace(recipe, view=view_name).command(brief=True)
    assignment = _next_setting(summary)
    if assignment is not None:
        assignments = (*recipe.assignments, assignment)
        return replace(recipe, assignments=assignments).command(brief=True)
    return recipe.command("estimate", "-o", "result.nc", brief=True)


def _more(summary: Estimate) -> int:
    """More draws, each of as many states; of one draw the states are told, not the draws asked."""
    d = summary["diagnostics"]
    draws = d["draws"] if d["draws"] > 1 else d["states"] // 256
    return int(min(4 * draws, _MOST_DRAWS))


def _next_view(summary: Estimate) -> str | None:
    """A view that says something about this story; they are about deception."""
    if summary["classes"]["deceptive"]["mean"] <= 0:
        return None
    names = {number["name"] for number in summary["provenance"]}
    for candidate in _AT_THE_ENDS:
        named = sum(
            bool({key, f"{key}.probability", f"{key}.bits"} & names) for key in view(candidate).set
        )
        if candidate != summary["view"] and named >= 3:
            return candidate
    return None


def _next_setting(summary: Estimate) -> str | None:
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
        overridden = {name, f"{name}.probability"} & set(summary["settings"])
        if name in settable and not overridden:
            unlikely = summary["assumptions"][name]["mean"] > 0.5
            return f"{name}={0.1 if unlikely else 0.9}"
    return None
