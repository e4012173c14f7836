"""What is worth finding out next, as the document of `storyodds value --json`."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.numerics import weighted_quantile
from storyodds.models.story.events import FATES
from storyodds.models.value import given_data
from storyodds.models.value.decisions import SUCCESS, WITHHELD, Stakes, worth_of_fates
from storyodds.models.value.information import Value, value_of_information
from storyodds.models.value.observations import Observation, observations, sharing
from storyodds.reports.contract.value import (
    AssumptionGains,
    Choice,
    Decision,
    Gain,
    Gains,
    InformationValue,
    NumberGains,
    ProposalResult,
    ProposedObservation,
)
from storyodds.reports.documents.head import diagnostics, head
from storyodds.reports.documents.opinions import opinion_totals
from storyodds.reports.documents.summaries import finite
from storyodds.scenarios.grammar.states import assumption_and_state
from storyodds.scenarios.provenance import proposal_provenance, provenance
from storyodds.scenarios.schema import RISK_ARGUMENT, Evidence, Proposal
from storyodds.scenarios.story import Story

Array = NDArray[np.float64]

SCHEMA = "storyodds/value/1"
SURE = 2.0  # errors that a difference has to exceed


def summarize_value(
    assessment: Assessment,
    stakes: Stakes | None = None,
    draws: int | None = None,
    of: str | None = None,
) -> InformationValue:
    """Give what is worth finding out next as the object of `storyodds value --json`.

    Parameters
    ----------
    assessment : Assessment
        Of a story with its proposals, summed exactly.
    stakes : mapping of str to float, optional
        What endings are worth, and `withheld`; without it, proposals are ranked by bits.
    draws : int, optional
        As in `value_of_information`.
    of : str, optional
        What bits are about, of `storyodds.models.story.events.ODDS`: success unless stated, and
        catastrophe for a risk argument.

    Returns
    -------
    InformationValue
        Plain lists, mappings, texts and finite numbers.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> story = resolve(load_story("carlsmith-six-premises"), standard=True)
    >>> summarize_value(assess(story))["assumptions"][0]["assumption"]
    'existential-catastrophe'
    """
    prepared = assessment.prepared
    of = of or usual_odds(prepared.resolved.story.kind)
    value = value_of_information(assessment, observations(prepared), stakes, draws, of)
    names = [variable.name for variable in prepared.graph.variables]
    numbers = [prepared.resolved.numbers[i].name for i in value.numbers]
    return {
        **head(assessment, SCHEMA),
        "opinions": opinion_totals(assessment),
        "unit": "bits" if value.worth is None else "worth",
        "of": of,
        "probability": finite(value.probability),
        "success": float(value.fates[SUCCESS]),
        "decision": None if stakes is None else _decision(value.fates, stakes),
        "proposals": [_proposal(value, i, names, prepared.resolved.story) for i in value.ranked],
        "sharing": list(sharing(prepared)),
        "perfect": _gains(value, "perfect", 0),
        "outcome": _gains(value, "outcome", 0),
        "assumptions": sorted(
            (_assumption(value, v, names[v]) for v in prepared.graph.assumptions),
            key=_fewest_bits,
        ),
        "numbers": sorted(
            (_number(value, k, name) for k, name in enumerate(numbers)), key=_fewest_bits
        ),
        "provenance": provenance(prepared.resolved),
        "proposal_provenance": proposal_provenance(prepared.resolved),
        "diagnostics": diagnostics(assessment),
    }


def usual_odds(kind: str) -> str:
    """Give what is asked about a story of some kind unless somebody says otherwise.

    Examples
    --------
    >>> usual_odds("training-story"), usual_odds("risk-argument")
    ('success', 'catastrophe')
    """
    return "catastrophe" if kind == RISK_ARGUMENT else "success"


def _fewest_bits(entry: Gains) -> float:
    return -entry["bits"]["value"]


def _decision(fates: Array, stakes: Stakes) -> Decision:
    deploy, withhold = float(fates @ worth_of_fates(stakes)), stakes.get(WITHHELD, 0.0)
    return {
        "worth": dict(stakes),
        "deploy": deploy,
        "withhold": withhold,
        "choice": _choice(deploy, withhold),
    }


def _choice(deploy: float, withhold: float) -> Choice:
    return "deploy" if deploy > withhold else "withhold"


def _gain(gains: given_data.Gains, k: int) -> Gain:
    return {"value": max(0.0, float(gains.amount[k])), "error": float(gains.error[k])}


def _gains(value: Value, of: str, k: int) -> Gains:
    worth = None if value.worth is None else _gain(getattr(value.worth, of), k)
    return {"bits": _gain(getattr(value.bits, of), k), "worth": worth}


def _assumption(value: Value, v: int, name: str) -> AssumptionGains:
    return {"assumption": name, **_gains(value, "assumptions", v)}


def _number(value: Value, k: int, name: str) -> NumberGains:
    gains = _gains(value, "numbers", k)
    ranked_by = gains["worth"] or gains["bits"]
    sure = ranked_by["value"] > SURE * ranked_by["error"]
    return {"number": name, **gains, "distinguishable": sure}


def _proposal(value: Value, i: int, names: list[str], story: Story) -> ProposedObservation:
    observation, joint, sides = value.observations[i], value.results[i], value.sides[i]
    proposal = observation.proposal
    # A replication is of what its finding is about, after the same stage.
    looking = next((item for item in story.evidence if item.id == proposal.replicates), proposal)
    gains = _gains(value, "proposals", i)
    net = None
    if gains["worth"] is not None:
        net = gains["worth"]["value"] - (proposal.cost or 0.0)
    possible = sides.sum(axis=1) > 0
    chances = sides[possible].sum(axis=1)
    low = high = None
    if possible.any():
        then = sides[possible, 0] / chances
        low, high = weighted_quantile(then, np.array([0.05, 0.95]), chances).tolist()
    return {
        "id": proposal.id,
        "claim": " ".join(proposal.claim.split()),
        "origin": _origin(proposal),
        "replicates": proposal.replicates,
        "about": _about(observation, looking, names),
        "after": looking.after,
        "trials": observation.trials,
        "cost": proposal.cost,
        **gains,
        "net": net,
        "ceiling": _gains(value, "ceilings", i),
        "behind": _gain(value.behind, i),
        "then": {"q05": low, "q95": high},
        "results": [
            _result(hits, row, side, value.stakes)
            for hits, row, side in zip(observation.hits.tolist(), joint, sides, strict=True)
            if row.sum() > 0
        ],
    }


def _about(observation: Observation, looking: Evidence | Proposal, names: Sequence[str]) -> str:
    """What an observation speaks of; of several states, the assumption that has them."""
    if observation.target is None or (looking.about is not None and looking.about.outcome):
        return "outcome"
    name = names[observation.target]
    return assumption_and_state(name)[0] if observation.states else name


def _origin(proposal: Proposal) -> str:
    return "story" if proposal.use is None else f"catalog observation {proposal.use}"


def _result(
    hits: list[int], row: Array, side: Array, stakes: Mapping[str, float] | None
) -> ProposalResult:
    chance = float(row.sum())
    after = row / chance
    choice = None if stakes is None else _decision(after, stakes)["choice"]
    return {
        "hits": hits,
        "probability": chance,
        "then": float(side[0] / side.sum()) if side.sum() > 0 else None,
        "success": float(after[SUCCESS]),
        "catastrophe": float(after[FATES.index("catastrophe")]),
        "choice": choice,
    }
