"""An assessment as the document of `storyodds estimate --json`, put together."""

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.changes.derivatives import EVENTS, mean_slopes
from storyodds.models.story.events import FATES
from storyodds.priors.distributions.forms import Basis
from storyodds.priors.text.errors import UnsupportedStoryError
from storyodds.reports.contract.estimate import (
    SCHEMA,
    Estimate,
    RestsOn,
)
from storyodds.reports.documents.estimate.checks import check_dependence, check_effects
from storyodds.reports.documents.estimate.evidence import evidence
from storyodds.reports.documents.estimate.goal import (
    criteria,
    criteria_given_intended,
    hazard_odds,
    lens,
)
from storyodds.reports.documents.estimate.paths import failure_paths, mechanism_odds
from storyodds.reports.documents.estimate.stages import stage_odds
from storyodds.reports.documents.estimate.view import View
from storyodds.reports.documents.head import diagnostics, head
from storyodds.reports.documents.opinions import opinion_totals
from storyodds.reports.documents.picks import column_of, deployed_failure, event_of, odds_on_the_day
from storyodds.reports.documents.summaries import (
    beside,
    errors_in,
)
from storyodds.scenarios.grammar.outcomes import CLASSES
from storyodds.scenarios.grammar.stages import is_of_training
from storyodds.scenarios.numbers.story_number import BASES
from storyodds.scenarios.provenance import (
    provenance,
    story_numbers,
)

_NOTHING = 1e-12  # per bit: what rounding leaves of a derivative that is 0


def summarize(assessment: Assessment) -> Estimate:
    """Give an assessment as the JSON object of `storyodds estimate --json`.

    Parameters
    ----------
    assessment : Assessment

    Returns
    -------
    Estimate
        Plain lists, mappings, texts and finite numbers.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> summary = summarize(assess(resolve(load_story("carlsmith-six-premises"))))
    >>> round(summary["fates"]["catastrophe"]["mean"], 6)
    0.051376
    """
    document = _document(View(assessment))
    by_name = document["diagnostics"]["standard_errors"]
    # Classes and fates are there by their names.
    apart = {key: part for key, part in document.items() if key not in ("classes", "fates")}
    document["diagnostics"]["standard_errors"] = {**by_name, **errors_in(apart)}
    return document


def _document(view: View) -> Estimate:
    assessment, graph = view.assessment, view.graph
    return {
        **head(assessment, SCHEMA),
        "catastrophe_definition": assessment.prepared.resolved.story.catastrophe,
        "classes": {
            name: view.of(column_of(lambda q: q.classes, c)) for c, name in enumerate(CLASSES)
        },
        "prior_classes": {
            name: view.prior(column_of(lambda q: q.classes, c)) for c, name in enumerate(CLASSES)
        },
        "routes": {
            route.id: beside(
                view.of(column_of(lambda q: q.routes, r)),
                **{"class": route.outcome_class, "kind": route.kind, "mechanism": route.mechanism},
            )
            for r, route in enumerate(graph.routes)
        },
        "stages": stage_odds(view),
        "fates": {name: view.of(event_of(name)) for name in FATES},
        "false_alarm": view.of(lambda q: q.false_alarm),
        "deployed": odds_on_the_day(view.of, view.ratio),
        "checks": check_effects(view),
        "check_dependence": check_dependence(view),
        "criteria": criteria(view),
        "criteria_given_intended": criteria_given_intended(view),
        "catastrophe_given_deployed_failure": view.ratio(event_of("catastrophe"), deployed_failure),
        "hazards": hazard_odds(view),
        "opinions": opinion_totals(assessment),
        "lens": lens(view),
        "assumptions": {
            variable.name: beside(
                view.of(column_of(lambda q: q.assumptions, v)),
                prior=view.prior(column_of(lambda q: q.assumptions, v)),
            )
            for v, variable in enumerate(graph.variables)
            if not is_of_training(variable.name)
        },
        "paths": failure_paths(view),
        "mechanisms": mechanism_odds(view),
        "evidence": evidence(view),
        "provenance": provenance(assessment.prepared.resolved),
        "rests_on": _rests_on(view),
        "diagnostics": diagnostics(assessment),
    }


def _rests_on(view: View) -> RestsOn:
    """What share of each answer rests on assumed, on elicited and on measured numbers.

    Shares of the sum of absolute derivatives of the answer, in probability per bit. None where
    the answer does not depend on any number, or its derivatives are out of reach.
    """
    assessment = view.assessment
    resolved = assessment.prepared.resolved
    numbers = story_numbers(resolved)
    bases = {number.basis for number in numbers}
    shares: RestsOn = {"success": None, "catastrophe": None}
    if len(bases) == 1:  # nothing to work out: all of it
        for event in EVENTS:
            mean = float(view.averaged.mean(view.averaged.event(event)))
            shares[event] = {b: float(b in bases) for b in BASES} if 0 < mean < 1 else None
        return shares
    try:
        slopes = mean_slopes(assessment).per_bit
    except UnsupportedStoryError:
        return shares
    index = resolved.number_index
    for event, slope in zip(EVENTS, slopes, strict=True):
        size: dict[Basis, float] = dict.fromkeys(BASES, 0.0)
        for number in numbers:
            size[number.basis] += abs(float(slope[index[number.name]]))
        total = sum(size.values())
        if total > _NOTHING:
            shares[event] = {b: x / total if x > _NOTHING else 0.0 for b, x in size.items()}
    return shares
