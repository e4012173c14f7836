"""How far to trust an answer: whose numbers it is made of, and what else would be answered."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from storyodds.models.story.events import Headline
from storyodds.priors.library import pack_entry
from storyodds.reports.contract.estimate import Estimate
from storyodds.reports.documents.cards.parts import CardParts
from storyodds.reports.words.aliases import Json
from storyodds.reports.words.numbers import counted, listed, percent
from storyodds.reports.words.sentences import (
    errors_of,
    has_evidence,
    headline_fates,
    opinions_words,
)
from storyodds.scenarios.provenance import is_reference

_BASES = {"elicited": "were elicited from people", "measured": "were measured"}


def trust_sentences(estimate: Estimate, parts: CardParts) -> tuple[str, ...]:
    """Say how far to trust an answer.

    Parameters
    ----------
    estimate : mapping
        "storyodds/estimate/1".
    parts : CardParts
        Of "storyodds/sensitivity/1", as far as there are any: `trust` and `views`.

    Returns
    -------
    tuple of str
    """
    return (
        *_basis(estimate),
        *_evidence(estimate, parts.get("trust")),
        *filter(None, (opinions_words(estimate),)),
        *_views(estimate, parts.get("views")),
        _computed(estimate),
    )


def _basis(estimate: Estimate) -> Iterator[str]:
    """How many numbers are assumed, elicited and measured, and what rests on the assumed ones."""
    written = [n for n in estimate["provenance"] if not is_reference(n["name"])]
    bases: Counter[str] = Counter(number["basis"] for number in written)
    pooled = sum(n["basis"] != "measured" and _holds_measurement(n["form"]) for n in written)
    mixed = f", though {pooled} of them pool it with what was measured" if pooled else ""
    if not bases:
        yield "The story writes down no number."
        return
    sources = [f"{bases[basis]} {words}" for basis, words in _BASES.items() if bases[basis]]
    numbers = counted(bases.total(), "number")
    if not sources:
        one = bases.total() == 1
        judged = "The only number is a judgment" if one else f"All {numbers} are judgments"
        yield f"{judged}; none is measured{mixed}."
        return
    own = [f"{bases['assumed']} are assumed"] if bases["assumed"] else []
    words = f"Of {numbers}, {listed([*own, *sources])}"
    yield f"{words}{'; none is measured' * (not bases['measured'])}{mixed}."
    share = estimate["rests_on"]["catastrophe"]
    # Of numbers at 0 or 1, which no small change moves, the share says nothing.
    if own and share is not None and share["assumed"] > 0:
        part = percent(share["assumed"])
        start = "Of how far small changes of its numbers move catastrophe,"
        yield f"{start} {part} is in assumed ones."


def _holds_measurement(form: object) -> bool:
    """Whether a PRIOR, as it is written, has something measured in it."""
    if isinstance(form, list | tuple):
        return any(map(_holds_measurement, form))
    if not isinstance(form, Mapping):
        return False
    if "counts" in form or form.get("basis") == "measured":
        return True
    if "ref" in form:
        return pack_entry(form["ref"]).basis == "measured"
    return any(map(_holds_measurement, form.values()))


def _evidence(estimate: Estimate, trust: Json | None) -> Iterator[str]:
    if not has_evidence(estimate):
        yield "Nothing was observed: the odds are what the authors put in."
        return
    if trust is None:
        return
    before = trust["evidence_effects"]["prior"]
    changes = [
        f"{name} from {percent(before[name])} to {_mean(estimate, name)}"
        if percent(before[name]) != _mean(estimate, name)
        else f"{name} not visibly, from {_mean(estimate, name)}"
        for name in headline_fates(estimate)
    ]
    evidence = "The evidence, opinions included," if estimate["opinions"] else "The evidence"
    yield f"{evidence} moved {listed(changes)}."


def _mean(estimate: Estimate, name: Headline) -> str:
    return percent(estimate["fates"][name]["mean"], errors_of(estimate, name).get("mean", 0.0))


def _views(estimate: Estimate, views: Json | None) -> Iterator[str]:
    """How far apart the views of the library are."""
    if views is None or not views["ok"]:
        return
    _, *viewed = views["views"]  # the first is the story as it was assessed
    if not viewed:
        yield "No other view of the library says anything of the story's numbers."
        return
    names = listed([str(view["name"]) for view in viewed])
    start = (
        f"Under {'another view' if len(viewed) == 1 else f'{len(viewed)} other views'} ({names})"
    )
    yield f"{start}, {' and '.join(_between(viewed, name) for name in headline_fates(estimate))}."


def _between(views: Sequence[Json], event: str) -> str:
    means = sorted(float(view["odds"][event]["mean"]) for view in views)
    low, high = percent(means[0]), percent(means[-1])
    return f"{event} has {low}" if low == high else f"{event} goes from {low} to {high}"


def _computed(estimate: Estimate) -> str:
    if estimate["method"] == "exact":
        return "The odds are computed exactly."
    if estimate["method"] == "simulation":
        return "The odds were simulated, not summed exactly; the computation passed its own checks."
    return "The computation passed its own checks."
