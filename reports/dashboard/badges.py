"""What to know before a number of a page is quoted: a line of short verdicts."""

from dataclasses import dataclass
from math import sqrt

from storyodds.models.sensitivity.power_noise import noise_per_error
from storyodds.models.story.events import Headline
from storyodds.reports.dashboard.page_data import Dossier
from storyodds.reports.words.aliases import Json
from storyodds.reports.words.numbers import counted, percent
from storyodds.reports.words.sentences import flagged_words, states_simulated

EVENTS: tuple[Headline, ...] = ("success", "catastrophe")
_TOGETHER = "all priors together"
_ALL_OF_IT = "all evidence together"
_MUCH = 0.5  # of what an answer rests on
_BEYOND = 0.05  # each end of a 90 percent interval has so much beyond it


@dataclass(frozen=True)
class Badge:
    """A verdict: its kind (good, doubt or bad), a sign that does without color, and words."""

    kind: str
    words: str

    @property
    def sign(self) -> str:
        """What stands before the words."""
        return {"good": "✓", "doubt": "!", "bad": "✗"}[self.kind]


def badges(dossier: Dossier) -> list[Badge]:
    """Judge what a page shows.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.reports.dashboard.page_data import make_dossier
    >>> from storyodds.scenarios.resolve import resolve
    >>> found = badges(make_dossier(assess(resolve(load_story("carlsmith-six-premises")))))
    >>> [badge.words for badge in found][:1]
    ['Computed exactly: nothing was sampled']
    """
    verdicts = [_sound(dossier)]
    if dossier.estimate["method"] == "simulation":
        verdicts.append(Badge("doubt", "Simulated, not summed exactly"))
    if flagged_words(dossier.estimate) is not None:
        verdicts.append(Badge("doubt", "A check flagged this model: odds of going on all the same"))
    if dossier.estimate["opinions"] is not None:
        forecasts = counted(len(dossier.estimate["opinions"]["forecasts"]), "forecast")
        verdicts.append(Badge("doubt", f"Includes {forecasts}: opinions, not findings"))
    return [*verdicts, *_carried(dossier), *_assumed(dossier)]


def _sound(dossier: Dossier) -> Badge:
    d, method = dossier.estimate["diagnostics"], dossier.estimate["method"]
    if not d["ok"]:
        return Badge("bad", "Computation failed its own checks")
    if method == "exact":
        return Badge("good", "Computed exactly: nothing was sampled")
    if method in ("weighting", "nuts"):
        worth = _worth(dossier)
        size = f"{d['draws']:,} draws worth {worth:,.0f}"
        if not 2 * sqrt(_BEYOND * (1 - _BEYOND) / worth) < _BEYOND:
            return Badge("doubt", f"Too few draws for the ends of intervals: {size}")
        if d["means"] == "exact":
            drawn = f"intervals from {d['draws']:,} independent draws"
            return Badge("good", f"Computation sound: means are exact sums, {drawn}")
        shape = f", R-hat {d['r_hat_max']:.3f}" if method == "nuts" else ""
        return Badge("good", f"Computation sound: {size}{shape}")
    return Badge(
        "good",
        f"Computation sound: {states_simulated(dossier.estimate):,} simulated states worth "
        f"{d['ess_joint']:,.0f}",
    )


def _worth(dossier: Dossier) -> float:
    """How many independent draws there are."""
    d = dossier.estimate["diagnostics"]
    if dossier.estimate["method"] == "nuts":
        return float(min(d["ess_bulk_min"], d["ess_tail_min"]))
    return float(d["ess"] or d["draws"])


def _carried(dossier: Dossier) -> list[Badge]:
    """Whether the answer moves with how wide a prior is or how much a finding weighs."""
    trust = dossier.parts.get("trust")
    if trust is None or not dossier.ok:  # draws that are not to be relied on do not tell
        return []
    if dossier.estimate["method"] == "exact":  # nothing is uncertain, so nothing moves
        return []
    scaled, verdicts = trust["power_scaling"], []
    single = {
        noun: [entry for entry in entries if entry["name"] not in (_TOGETHER, _ALL_OF_IT)]
        for noun, entries in (("prior", scaled["priors"]), ("finding", scaled["evidence"]))
    }
    noise = _noise(dossier, sum(map(len, single.values())))
    threshold = scaled["threshold"]
    for noun, entries in single.items():
        by = [
            max(_told(entry[event], threshold, noise[event]) for event in EVENTS)
            for entry in entries
        ]
        if entries:
            verdicts.append(_verdict(noun, by.count(2), by.count(1), f"{threshold:g}"))
    return verdicts


def _told(entry: Json, threshold: float, noise: float) -> int:
    """2 where an index is above the threshold, 1 where chance alone may have lifted it there."""
    index = entry["sensitivity"] or 0.0
    if index <= threshold:
        return 0
    return 2 if index > noise * entry["error"] else 1


def _verdict(noun: str, sure: int, unclear: int, threshold: str) -> Badge:
    few = "too few draws to tell"
    if sure:
        more = f", and maybe that of {unclear} more: {few}" if unclear else ""
        words = f"{_doubted(noun, sure)} moves the answer{more} (power scaling above {threshold})"
        return Badge("doubt", words)
    if unclear:
        whether = f"{_doubted(noun, unclear).lower()} moves the answer"
        start = f"{few[0].upper()}{few[1:]} whether"
        return Badge("doubt", f"{start} {whether} (power scaling above {threshold})")
    start = "Widening or narrowing any one prior a little"
    if noun == "finding":
        start = "Weighing any one finding a little more or less"
    return Badge("good", f"{start} hardly moves the answer (power scaling up to {threshold})")


def _doubted(noun: str, n: int) -> str:
    if noun == "prior":
        return f"Widening or narrowing {'one prior' if n == 1 else f'any of {n} priors'} a little"
    return f"Weighing {'one finding' if n == 1 else f'any of {n} findings'} a little more or less"


def _noise(dossier: Dossier, components: int) -> dict[str, float]:
    """By event, the index that chance alone hardly gives any component, over its slope's error."""
    exact, seed = dossier.assessment.exact, dossier.assessment.seed
    weights = exact.weights
    # Slopes have errors as if draws were independent; those of Markov chains are worth fewer.
    by = sqrt(max(1.0, 1 / float(weights @ weights) / _worth(dossier)))
    tests = len(EVENTS) * max(components, 1)
    return {
        event: by * noise_per_error(exact.event(event), weights, tests, seed) for event in EVENTS
    }


def _assumed(dossier: Dossier) -> list[Badge]:
    """The share of assumed numbers in what catastrophe rests on; else in all numbers."""
    rests = dossier.estimate["rests_on"]["catastrophe"]
    numbers = dossier.estimate["provenance"]
    if not numbers:
        return []
    # Of numbers at 0 or 1, which no small change moves, the share says nothing.
    if rests is not None and rests["assumed"] > 0:
        share, of = rests["assumed"], "what catastrophe rests on"
    else:
        share = sum(entry["basis"] == "assumed" for entry in numbers) / len(numbers)
        of = "its numbers"
    amount = "none" if share == 0 else percent(share)
    words = f"Of {of}, {amount} is assumed by the authors"
    return [Badge("doubt" if share > _MUCH else "good", words)]
