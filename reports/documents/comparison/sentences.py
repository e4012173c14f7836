"""A comparison in sentences."""

from collections.abc import Iterator, Mapping, Sequence

from storyodds.models.story.events import GIVEN, Fate, Headline
from storyodds.reports.contract.comparison import ComparedPair, Difference, SideRank
from storyodds.reports.contract.summaries import Summary
from storyodds.reports.documents.comparison.changes import contribution_sentences
from storyodds.reports.documents.comparison.sides import Side
from storyodds.reports.words.numbers import listed, odds_words, percent, points
from storyodds.reports.words.sentences import HEADLINE_FATES, argued_fates, view_words
from storyodds.scenarios.grammar.outcomes import CLASSES
from storyodds.scenarios.schema import RISK_ARGUMENT

_TIE = 1e-9  # shares that are nearer to each other differ by rounding


def compared_fates(kinds: Sequence[str | None]) -> tuple[Fate, ...]:
    """List the fates that a comparison speaks of: only those that every side makes a claim about.

    Examples
    --------
    >>> compared_fates(["training-story", "risk-argument"])
    ('halted', 'catastrophe')
    """
    return argued_fates(RISK_ARGUMENT if RISK_ARGUMENT in kinds else None)


def sentences_of(
    sides: Sequence[Side],
    pairs: Sequence[ComparedPair],
    ranks: Mapping[Headline, Sequence[SideRank] | None],
    fates: Sequence[Fate],
) -> list[str]:
    """List what a reader should take from a comparison: views, pairs with the first side, ranks."""
    first = sides[0].name
    odds: dict[str, dict[str, Summary]] = {
        side.name: {**dict(side.odds.items()), **(side.deployed or {})} for side in sides
    }
    sentences = [*_views(sides)]
    for pair in pairs:
        if pair["first"] == first:
            sentences += [_clear(pair, odds, fates), *contribution_sentences(pair, fates)]
    if ranks["catastrophe"]:
        sentences.append(_safest(ranks["catastrophe"]))
    return [*sentences, *_opinions(sides, fates), *_argued(sides)]


def _views(sides: Sequence[Side]) -> Iterator[str]:
    """Say how much of the story each view changes."""
    for side in sides:
        words = view_words(side.head["view"], side.number_counts)
        if words is not None:
            yield words


def _opinions(sides: Sequence[Side], fates: Sequence[Fate]) -> Iterator[str]:
    """Give success and catastrophe of every side that has forecasts, without these."""
    headline = [fate for fate in HEADLINE_FATES if fate in fates]
    totals = []
    for side in sides:
        if side.opinions is not None:
            chances = [f"{f} {percent(side.opinions['fates'][f]['mean'])}" for f in headline]
            totals.append(f"{side.name} {listed(chances)}")
    if totals:
        yield f"Forecasts are opinions, not findings; without them: {'; '.join(totals)}."


def _argued(sides: Sequence[Side]) -> Iterator[str]:
    names = [side.name for side in sides if side.story_kind == RISK_ARGUMENT]
    if names and len(names) < len(sides):
        verb = "is a risk argument" if len(names) == 1 else "are risk arguments"
        yield f"{listed(names)} {verb}, with no claim about success, which is not compared."


def _once_deployed(
    pair: ComparedPair, odds: Mapping[str, Mapping[str, Summary]], fates: Sequence[str]
) -> Iterator[tuple[str, Difference]]:
    """Differences of the odds given deployment, where checks make these other odds."""
    halts = any(odds[name]["halted"]["mean"] > 0 for name in (pair["first"], pair["second"]))
    if pair["deployed"] is None or not halts:
        return
    for name, gap in pair["deployed"].items():
        if name.removesuffix(GIVEN) in fates:
            yield name, gap


def _clear(
    pair: ComparedPair, odds: Mapping[str, Mapping[str, Summary]], fates: Sequence[str]
) -> str:
    """Say which differences of a pair are beyond doubt, as far as its numbers go."""
    first, second = pair["first"], pair["second"]
    differences = {
        event: d
        for event, d in pair["differences"].items()
        if d["clear"] is not None and (event in fates or event in CLASSES)
    }
    if not differences:
        return f"{second} against {first}: no draws, so no difference can be called clear."
    if all(d["larger"] == d["smaller"] == 0 for d in differences.values()):
        return f"{second} and {first} have the same odds."
    clear = [
        f"{odds_words(event)} {percent(b)} against {percent(a)} ({points(d['mean'])})"
        for event, d in [*differences.items(), *_once_deployed(pair, odds, fates)]
        if d["clear"]
        for a, b in [(odds[first][event]["mean"], odds[second][event]["mean"])]
    ]
    if not clear:
        return f"No difference between {second} and {first} is clear."
    return f"Clear between {second} and {first}: {', '.join(clear)}."


def _safest(ranks: Sequence[SideRank]) -> str:
    best = max(ranks, key=lambda rank: rank["shares"][0])
    share = best["shares"][0]
    if all(abs(rank["shares"][0] - share) < _TIE for rank in ranks):
        return "None has the least chance of catastrophe more often than another."
    return f"The least chance of catastrophe: {best['name']}, in {share:.0%} of the draws."
