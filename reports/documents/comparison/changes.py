"""What two versions of a story differ in, and how much each change adds to the differences."""

from collections.abc import Iterator, Sequence

from storyodds.models.comparison import contributions
from storyodds.models.comparison.sides import EVENTS
from storyodds.priors.text.errors import InputError
from storyodds.reports.contract.comparison import ComparedPair, Contribution, Contributions
from storyodds.reports.documents.comparison.sides import Side
from storyodds.reports.words.numbers import points, signed
from storyodds.reports.words.sentences import HEADLINE_FATES
from storyodds.scenarios.edits import NUMBER, Change

_TOP = 3  # changes in a sentence


def summarize_contributions(
    first: Side, second: Side, *, draws: int = 4096, seed: int = 1
) -> Contributions | None:
    """Tell the changes between two versions of a story apart.

    Parameters
    ----------
    first, second : Side
    draws, seed : int
        As in `contributions`.

    Returns
    -------
    Contributions or None
        None for two stories.
    """
    if first.head["story"] != second.head["story"]:
        return None
    alone = [
        side for side in (first, second) if side.posterior is None or not side.posterior.prepared
    ]
    if alone:
        names = " and ".join(side.name for side in alone)
        return _untold(f"no story is at hand of {names} that changes could be made in")
    assert first.posterior is not None and second.posterior is not None
    try:
        shares = contributions.contributions(
            first.posterior, second.posterior, draws=draws, seed=seed
        )
    except InputError as error:
        return _untold(error.problems[0].message)
    return {"changes": _told(shares), "orders": shares.orders, "why": None}


def _untold(why: str) -> Contributions:
    return {"changes": None, "orders": None, "why": why}


def _told(attribution: contributions.Contributions) -> list[Contribution]:
    entries: list[Contribution] = [
        {
            "label": label(player),
            "changes": [{"part": c.part, "name": c.name, "how": c.how} for c in player],
            "adds": {
                event: {"mean": float(shares[e]), "error": float(errors[e])}
                for e, event in enumerate(EVENTS)
            },
        }
        for player, shares, errors in zip(
            attribution.players, attribution.shares, attribution.errors, strict=True
        )
    ]
    return sorted(
        entries, key=lambda one: -sum(abs(one["adds"][e]["mean"]) for e in HEADLINE_FATES)
    )


def label(changes: Sequence[Change]) -> str:
    """Say what was changed, several changes as one.

    Examples
    --------
    >>> label([Change("number", "aware.probability")]), label([Change("check", "audit", "removed")])
    ('aware.probability', 'check audit removed')
    >>> label([Change("number", "honest.bits.proxy"), Change("number", "honest.bits.schemer")])
    'honest (2 numbers)'
    """
    parts = {change.part for change in changes}
    if len(changes) == 1:
        one = changes[0]
        return one.name if one.part == NUMBER else f"{one.part} {one.name} {one.how}"
    if len({change.owner for change in changes}) == 1:
        return f"{changes[0].owner} ({len(changes)} numbers)"
    kind = next(iter(parts)) if len(parts) == 1 else "change"
    plural = kind if kind == "evidence" else f"{kind}s"
    return f"{len(changes)} {plural}"


# In words and on a terminal


def contribution_sentences(
    pair: ComparedPair, fates: Sequence[str] = HEADLINE_FATES
) -> Iterator[str]:
    """Say which changes add most to the difference of success, and of catastrophe."""
    contributed = pair["contributions"]
    changes = None if contributed is None else contributed["changes"]
    if changes is None or len(changes) < 2:
        return
    for event in (event for event in HEADLINE_FATES if event in fates):
        mean = pair["differences"][event]["mean"]
        order = sorted(changes, key=lambda one: -abs(one["adds"][event]["mean"]))
        most = [one for one in order[:_TOP] if one["adds"][event]["mean"]]
        if points(mean) == "0" or not most:
            continue
        adds = ", ".join(f"{one['label']} {signed(one['adds'][event]['mean'])}" for one in most)
        yield f"What adds most to the {points(mean)} of {event} in {pair['second']}: {adds}."
