"""What is worth finding out next, as the JSON object of `storyodds value --json`.

Of that object, "storyodds/value/1", these are the keys:

schema, story, title, story_sha256, view, settings, kind, number_counts, idle_evidence, method,
seed, versions, diagnostics, opinions
    As in `storyodds/estimate/1`.
unit
    What proposals are ranked by: `bits` (about `of`) or `worth` (for the decision).
of, probability
    What bits are about, of `storyodds.models.story.events.ODDS`, such as `success` or
    `catastrophe-given-deployed`; and its probability, given the evidence like everything else,
    null where it is not defined.
success
    P(success).
decision
    null, or `worth` by ending as stated; `deploy` and `withhold`, what each choice is worth now;
    and `choice`, the better one.
proposals
    A list, the best first: `id`, `claim`, `origin`, whether it is the story's, the catalog's, or
    the story's after the catalog; `replicates`; `about`, an assumption or `outcome`; `trials`;
    `cost`; `bits` and `worth`, each a GAIN; `net`, worth less cost; `ceiling`, with the GAINs of
    learning for sure what it is about; `behind`, a GAIN: how far it is behind the best in what
    they are ranked by, on the same draws; `then`, the 5 and 95 percent points of P(`of`) once the
    result is in; and `results`, a list: `hits`, first and last; `probability`; `then`, `success`
    and `catastrophe`, the odds that follow it; `choice`, the better one after it, or null.
perfect, outcome
    GAINs of learning what comes about itself, for a decision the fate (EVPI), and where training
    ended.
assumptions
    A list of `assumption` with the GAINs of learning whether it is true (EVPPI), most bits first.
numbers
    A list of `number` with the GAINs of learning its value (EVPPI), most bits first;
    `distinguishable` says whether the gain in the unit that proposals are ranked by is more than
    two errors above 0.
provenance
    As in `storyodds/estimate/1`.
proposal_provenance
    The same of the proposals' own numbers.

GAIN is `{"value", "error"}`, the error a Monte Carlo standard error; what is in `worth` is null
without a decision. Results of more than 200 trials are taken together to some 200 groups.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.numerics import weighted_quantile
from storyodds.models.story.events import FATES
from storyodds.models.value.decisions import SUCCESS, WITHHELD, Stakes, worth_of_fates
from storyodds.models.value.given_data import Gains
from storyodds.models.value.information import Value, value_of_information
from storyodds.models.value.observations import observations
from storyodds.reports.documents.head import diagnostics, head
from storyodds.reports.documents.opinions import opinion_totals
from storyodds.reports.documents.summaries import finite
from storyodds.scenarios.provenance import proposal_provenance, provenance
from storyodds.scenarios.schema import RISK_ARGUMENT, Proposal

Array = NDArray[np.float64]

SCHEMA = "storyodds/value/1"
SURE = 2.0  # errors that a difference has to exceed


def summarize_value(
    assessment: Assessment,
    stakes: Stakes | None = None,
    draws: int | None = None,
    of: str | None = None,
) -> dict[str, Any]:
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
    dict
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
        "proposals": [_proposal(value, i, names) for i in value.ranked],
        "perfect": _gains(value, "perfect", 0),
        "outcome": _gains(value, "outcome", 0),
        "assumptions": _by_bits(
            [
                {"assumption": name, **_gains(value, "assumptions", v)}
                for v, name in enumerate(names)
            ]
        ),
        "numbers": _by_bits([_number(value, k, name) for k, name in enumerate(numbers)]),
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


def _by_bits(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(entries, key=lambda entry: -entry["bits"]["value"])


def _decision(fates: Array, stakes: Stakes) -> dict[str, Any]:
    deploy, withhold = float(fates @ worth_of_fates(stakes)), stakes.get(WITHHELD, 0.0)
    return {
        "worth": dict(stakes),
        "deploy": deploy,
        "withhold": withhold,
        "choice": _choice(deploy, withhold),
    }


def _choice(deploy: float, withhold: float) -> str:
    return "deploy" if deploy > withhold else "withhold"


def _gain(gains: Gains, k: int) -> dict[str, float]:
    return {"value": max(0.0, float(gains.amount[k])), "error": float(gains.error[k])}


def _gains(value: Value, of: str, k: int) -> dict[str, Any]:
    worth = None if value.worth is None else _gain(getattr(value.worth, of), k)
    return {"bits": _gain(getattr(value.bits, of), k), "worth": worth}


def _number(value: Value, k: int, name: str) -> dict[str, Any]:
    gains = _gains(value, "numbers", k)
    ranked_by = gains["worth"] or gains["bits"]
    sure = ranked_by["value"] > SURE * ranked_by["error"]
    return {"number": name, **gains, "distinguishable": sure}


def _proposal(value: Value, i: int, names: list[str]) -> dict[str, Any]:
    observation, joint, sides = value.observations[i], value.results[i], value.sides[i]
    proposal = observation.proposal
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
        "about": "outcome" if observation.target is None else names[observation.target],
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


def _origin(proposal: Proposal) -> str:
    return "story" if proposal.use is None else f"catalog observation {proposal.use}"


def _result(
    hits: list[int], row: Array, side: Array, stakes: Mapping[str, float] | None
) -> dict[str, Any]:
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
