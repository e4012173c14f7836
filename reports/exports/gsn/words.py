"""What the elements of a goal structure say: chances, bases of numbers, bits of evidence."""

from typing import cast

from storyodds.reports.contract.estimate import Estimate, EvidenceItem, FailurePath
from storyodds.reports.contract.summaries import Interval, Summary
from storyodds.reports.exports.gsn.records import MeanAlone
from storyodds.reports.words.endings import NO_CLAIM_OF_SAFETY, condition
from storyodds.reports.words.numbers import band, bits, marked, percent
from storyodds.reports.words.sentences import (
    NO_DECISION,
    flagged_words,
    headline_fates,
    is_risk_argument,
    opinions_words,
)
from storyodds.reports.words.sequences import is_sequence, sequence_words
from storyodds.scenarios.grammar.outcomes import CLASSES, INTENDED
from storyodds.scenarios.numbers.story_number import BASES
from storyodds.scenarios.provenance import is_reference, places_of

_HOW_TO_READ = (
    "Each goal has the probability that it is so. Evidence with bits for a class challenges the "
    "goal that denies it; bits are those of a class, and may be others for one of its routes."
)


def chance(entry: Interval | MeanAlone) -> str:
    """A probability with its interval, where it has one.

    Examples
    --------
    >>> chance({"mean": 0.19, "q05": 0.07, "q95": 0.34})
    '19% (90% interval 7.0%–34%)'
    """
    spread = band(cast(Interval, entry)) if "q05" in entry else ""
    return percent(entry["mean"]) + (f" (90% interval {spread})" if spread else "")


def complement(entry: Summary) -> Summary:
    """Give the probability that something is not so.

    Examples
    --------
    >>> complement({"mean": 0.25, "median": 0.25, "q05": 0.125, "q95": 0.5})
    {'mean': 0.75, 'median': 0.75, 'q05': 0.5, 'q95': 0.875}
    """
    return {
        "mean": 1 - entry["mean"],
        "median": 1 - entry["median"],
        "q05": 1 - entry["q95"],
        "q95": 1 - entry["q05"],
    }


def path_words(path: FailurePath | None) -> str:
    """How dangerous a route is on its path of most concern; nothing where there is no path."""
    if path is None:
        return ""
    literals = path["literals"]
    needs = f" needs {' and '.join(literals)}, and" if literals else ""
    if is_sequence(literals):
        needs = f", {sequence_words(literals)},"
    harm = f"Its path of most concern{needs} ends in catastrophe with {chance(path['concern'])}"
    slips = path["undetected"]
    return f"{harm}." if slips is None else f"{harm}; no check flags it with {chance(slips)}."


def flags_intended(caught: dict[str, Summary | None]) -> str:
    """How often a check flags a model that is as intended; nothing where there is no rate."""
    entry = caught.get(INTENDED)
    return "" if entry is None else f"It flags an intended model with {chance(entry)}."


class Numbers:
    """The numbers of a story, by what they belong to."""

    def __init__(self, doc: Estimate) -> None:
        self._numbers = [n for n in doc["provenance"] if not is_reference(n["name"])]

    def basis(self, owner: str) -> str:
        """What the numbers of a part of the story rest on, as the end of a sentence or nothing."""
        bases = [n["basis"] for n in self._numbers if any(_belongs(p, owner) for p in places_of(n))]
        if not bases:
            return ""
        counts = [f"{bases.count(basis)} {basis}" for basis in BASES if basis in bases]
        return f" [{'number' if len(bases) == 1 else 'numbers'}: {', '.join(counts)}]"


def _belongs(name: str, owner: str) -> bool:
    return name == owner or name.startswith(f"{owner}.")


def evidence_words(item: EvidenceItem) -> str:
    """What was seen, what it did to each class, and where it is written.

    Examples
    --------
    >>> moved = {**dict.fromkeys(CLASSES), "deceptive": -0.5}
    >>> item = {"id": "audit", "claim": "Nothing.", "opinion": False, "idle": False}
    >>> evidence_words({**item, "bits": moved, "source": None})
    'audit: Nothing. Bits, taken alone: deceptive −0.50. No source.'
    """
    moved = [f"{name} {bits(item['bits'][name])}" for name in CLASSES if item["bits"][name]]
    effect = f"Bits, taken alone: {', '.join(moved)}." if moved else "It moves no odds."
    effect += " It is about a number that is fixed, and does nothing." if item["idle"] else ""
    source = item["source"]
    where = "No source." if source is None else f"Source: {source['cite']}."
    return f"{marked(item['id'], item['opinion'])}: {item['claim']} {effect} {where}"


def stated(doc: Estimate) -> str:
    """How the probabilities were computed, and what they are not."""
    under = f" under the view {doc['view']}" if doc["view"] else ""
    under += "".join(f", {name} = {to}" for name, to in doc["settings"].items())
    sentence = (
        f"Probabilities are those of the story's model{under}, by {doc['method']} (seed "
        f"{doc['seed']}); intervals hold 90%. {NO_CLAIM_OF_SAFETY}"
    )
    more = (condition(doc), flagged_words(doc), opinions_words(doc), _HOW_TO_READ)
    sentence += "".join(f" {words}" for words in more if words)
    if doc["method"] == "simulation":
        sentence += " Simulated: they carry simulation error."
    if not doc["diagnostics"]["ok"]:
        messages = "; ".join(doc["diagnostics"]["messages"])
        sentence = f"NOT RELIABLE: {messages}. {sentence}"
    return sentence


def decision_words(doc: Estimate) -> str:
    """The odds once no check has flagged; nothing where no check can halt the model."""
    if all(check["result"] is not None for check in doc["checks"].values()):
        return ""
    day = doc["deployed"]
    if day is None:
        return NO_DECISION
    odds: dict[str, Summary] = {name: day[name] for name in headline_fates(doc)}
    if not is_risk_argument(doc):
        odds["deceptive"] = day["classes"]["deceptive"]
    chances = ", ".join(f"P({name}) = {chance(entry)}" for name, entry in odds.items())
    return f"On the day of the decision, no check having flagged the model: {chances}."
