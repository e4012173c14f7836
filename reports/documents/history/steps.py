"""What changed from one make of a story to the next, and what each change added to the odds.

`summarize_step` gives an object with the keys

causes
    A sentence: what is not the same as before, the story's text first.
changes
    A list, the largest first by what they add: `label`, in words; `edits`, the numbers in it, each
    with its `name` and what it was, `old`, and is, `new`; and `adds`, by `success` and
    `catastrophe` its `mean` and Monte Carlo `error`, in probability, null where changes were not
    told apart. These means add up to the whole difference.
orders
    In how many orders the changes were made; null where it was in all of them.
why
    Why the changes were not told apart, or null.
"""

import json
import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import cast

from storyodds.models.assessment.assessment import Assessment, Progress
from storyodds.priors.text.errors import InputError, UnsupportedStoryError
from storyodds.reports.contract.estimate import Estimate
from storyodds.reports.documents.comparison.changes import summarize_contributions
from storyodds.reports.documents.comparison.saved import Saved, monte_carlo_error, saved_side
from storyodds.reports.documents.comparison.sides import story_side
from storyodds.reports.documents.history.makes import Make, plain_since
from storyodds.reports.words.aliases import Json
from storyodds.reports.words.as_written import number_words
from storyodds.reports.words.numbers import percent, points
from storyodds.reports.words.sentences import HEADLINE_FATES, headline_fates
from storyodds.scenarios.edits import NUMBER
from storyodds.scenarios.loader import load_text
from storyodds.scenarios.provenance import NumberRecord

_SURE = 2.0  # errors that a difference has to exceed: chance does so once in twenty
_SHORT = 60  # letters of a number that cannot be said in words


def summarize_step(
    earlier: Make, now: Estimate, assessment: Assessment, tell: Progress | None = None
) -> Json:
    """Find what changed since an earlier make, and what each change adds.

    Parameters
    ----------
    earlier : Make
    now : mapping
        "storyodds/estimate/1".
    assessment : Assessment
        That it is of.
    tell : callable, optional
        Called with (stage, steps done, steps in all).

    Returns
    -------
    dict
        As described at the top of this file.
    """
    numbers = _edits(earlier.estimate, now)
    causes = _causes(now, earlier.estimate)
    before, after = (cast(Json, document) for document in (earlier.estimate, now))
    is_same = all(_plain(after[key]) == _plain(before[key]) for key in _OF_THE_ODDS)
    if is_same and not numbers:
        return plain_since(causes, (), None, None)
    shares = _contributions(earlier, assessment, tell)
    if isinstance(shares, str):
        edits = [{"label": e["name"], "edits": [e], "adds": None} for e in numbers.values()]
        return plain_since(causes, edits, None, shares)
    changes = [
        {
            "label": one["label"],
            "edits": [numbers.pop(name) for name in _names(one["changes"], numbers)],
            "adds": {fate: one["adds"][fate] for fate in HEADLINE_FATES},
        }
        for one in shares["changes"]
    ]
    # What is not among the changes bears on no odds.
    nothing = {fate: {"mean": 0.0, "error": 0.0} for fate in HEADLINE_FATES}
    changes += [{"label": e["name"], "edits": [e], "adds": nothing} for e in numbers.values()]
    return plain_since(causes, changes, shares["orders"], None)


def _names(changes: Sequence[Json], numbers: Collection[str]) -> list[str]:
    """Numbers that were changed by themselves, or came and went with their part."""
    alone = {change["name"] for change in changes if change["part"] == NUMBER}
    parts = {change["name"] for change in changes if change["part"] != NUMBER}
    return [name for name in numbers if name in alone or name.partition(".")[0] in parts]


_OF_THE_ODDS = ("story_sha256", "view", "settings")
_METHODS = ("exact", "weighting")  # whose draws changes can be made one by one in


def _contributions(earlier: Make, assessment: Assessment, tell: Progress | None) -> Json | str:
    """What each change adds, or why that is not known."""
    if earlier.story_yaml is None:
        return "the story of the earlier make was not kept"
    if {earlier.estimate["method"], assessment.draws.method} - set(_METHODS):
        return "changes are only made one by one in odds that are summed exactly and weighted"
    try:
        story = load_text(earlier.story_yaml, "the story of the earlier make")
        before = saved_side(Saved(Path("the earlier make"), earlier.estimate, story), tell)
        draws, seed = int(assessment.draws.diagnostics["draws"]), assessment.seed
        after = story_side(assessment, "this make")
        shares = summarize_contributions(before, after, draws=draws, seed=seed)
    except (InputError, UnsupportedStoryError):
        return "this version of the software cannot compute the earlier make"
    if before.why_alone is not None:
        return before.why_alone
    if shares is None:
        return "the earlier make is of another story"
    return str(shares["why"]) if shares["changes"] is None else shares


def _edits(then: Estimate, now: Estimate) -> dict[str, dict[str, str]]:
    """By name, every number that is not what it was, in words."""
    old, new = ({entry["name"]: entry for entry in doc["provenance"]} for doc in (then, now))
    return {
        name: {"name": name, "old": _words(old.get(name)), "new": _words(new.get(name))}
        for name in dict.fromkeys([*old, *new])
        if _form(old.get(name)) != _form(new.get(name))
    }


def _form(number: NumberRecord | None) -> object:
    """A number without what the odds do not depend on."""
    form = None if number is None else number["form"]
    if not isinstance(form, Mapping):
        return form
    bare = {key: x for key, x in form.items() if key not in ("basis", "source", "note")}
    return next(iter(bare.values())) if set(bare) in ({"fixed"}, {"interval"}) else bare


def _words(number: NumberRecord | None) -> str:
    if number is None:
        return "none"
    try:
        return number_words(number)
    except (InputError, LookupError, TypeError, ValueError):  # of another version, or damaged
        text = json.dumps(number["form"], ensure_ascii=False)
        return text if len(text) <= _SHORT else f"{text[: _SHORT - 1]}…"


def odds_words(now: Estimate, then: Estimate) -> str:
    """Say how the odds differ from those before, and whether chance alone could make that.

    Parameters
    ----------
    now, then : mapping
        "storyodds/estimate/1".
    """
    clauses = []
    for fate in headline_fates(now):
        a, b = float(then["fates"][fate]["mean"]), float(now["fates"][fate]["mean"])
        error = math.hypot(*(monte_carlo_error(doc, fate) for doc in (then, now)))
        if a == b:
            clauses.append(f"{fate} {percent(b)} as before")
        elif abs(b - a) <= _SURE * error:
            clauses.append(
                f"{fate} {percent(a)} → {percent(b)}, within Monte Carlo error ({points(b - a)})"
            )
        else:
            clauses.append(f"{fate} {percent(a)} → {percent(b)} ({points(b - a)})")
    return f"{'; '.join(clauses)}."


def _causes(now: Estimate, then: Estimate) -> str:
    """What is not the same as then, the story's text first."""
    is_same = now["story_sha256"] == then["story_sha256"]
    text = f"The story's text is {'the same' if is_same else 'another'}"
    causes = [
        name
        for name in ("view", "settings", "seed", "method", "versions")
        if _plain(now.get(name)) != _plain(then.get(name))
    ]
    if _draws(now) != _draws(then):
        causes.append("number of draws")
    return f"{text} (changed too: {', '.join(causes)})" if causes else text


def _draws(estimate: Estimate) -> object:
    return estimate["diagnostics"].get("draws")


def _plain(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else value


def changes_of(make: Make) -> Sequence[Json]:
    """The changes that led to a make; none for the first one."""
    return () if make.since is None else make.since["changes"]
