"""What to know before a number of a page is quoted: a line of short verdicts."""

from dataclasses import dataclass

from storyodds.reports.dashboard.dossier import Dossier
from storyodds.reports.dashboard.parts import counted
from storyodds.reports.wording import percent

EVENTS = ("success", "catastrophe")
_TOGETHER = "all priors together"
_ALL_OF_IT = "all evidence together"
_MUCH = 0.5  # of what an answer rests on


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
    >>> from storyodds.models.assessment import assess
    >>> from storyodds.reports.dashboard.dossier import make_dossier
    >>> from storyodds.scenarios.resolve import resolve
    >>> found = badges(make_dossier(assess(resolve(load_story("carlsmith-six-premises")))))
    >>> [badge.words for badge in found][:1]
    ['Computed exactly: nothing was sampled']
    """
    found = [_sound(dossier)]
    if dossier.estimate["method"] == "simulation":
        found.append(Badge("doubt", "Simulated, not summed exactly"))
    return [*found, *_carried(dossier), *_assumed(dossier)]


def _sound(dossier: Dossier) -> Badge:
    d, method = dossier.estimate["diagnostics"], dossier.estimate["method"]
    if not d["ok"]:
        return Badge("bad", "Computation failed its own checks")
    if method == "exact":
        return Badge("good", "Computed exactly: nothing was sampled")
    if method == "nuts":
        worth = min(d["ess_bulk_min"], d["ess_tail_min"])
        return Badge(
            "good",
            f"Computation sound: {d['draws']:,} draws worth {worth:,.0f}, R-hat "
            f"{d['r_hat_max']:.3f}",
        )
    if method == "simulation":
        return Badge(
            "good",
            f"Computation sound: {d['draws'] * d['states']:,} simulated states worth "
            f"{d['ess_joint']:,.0f}",
        )
    return Badge("good", f"Computation sound: {d['draws']:,} draws worth {d['ess']:,.0f}")


def _carried(dossier: Dossier) -> list[Badge]:
    """Whether single priors or single findings carry the answer."""
    trust = dossier.parts.get("trust")
    if trust is None or not dossier.ok:  # draws that are not to be relied on do not tell
        return []
    scaled, found = trust["power_scaling"], []
    for kind, what in (("priors", "prior"), ("evidence", "finding")):
        heavy = [
            entry["name"]
            for entry in scaled[kind]
            if entry["name"] not in (_TOGETHER, _ALL_OF_IT)
            and any((entry[event]["sensitivity"] or 0) > scaled["threshold"] for event in EVENTS)
        ]
        said = f"(power scaling above {scaled['threshold']:g})"
        if heavy:
            carry = "carries" if len(heavy) == 1 else "carry"
            found.append(Badge("doubt", f"{counted(len(heavy), what)} {carry} the answer {said}"))
        elif scaled[kind]:
            found.append(Badge("good", f"No single {what} carries the answer {said}"))
    return found


def _assumed(dossier: Dossier) -> list[Badge]:
    """The share of assumed numbers in what catastrophe rests on; else in all numbers."""
    rests = dossier.estimate["rests_on"]["catastrophe"]
    if rests is not None:
        share, of = rests["assumed"], "what catastrophe rests on"
    else:
        numbers = dossier.estimate["provenance"]
        if not numbers:
            return []
        share = sum(entry["basis"] == "assumed" for entry in numbers) / len(numbers)
        of = "its numbers"
    said = "none" if share == 0 else percent(share)
    words = f"Of {of}, {said} is assumed by the authors"
    return [Badge("doubt" if share > _MUCH else "good", words)]
