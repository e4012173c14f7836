"""The endings of a run and the classes of model: one gloss of each, for everything people read."""

from collections.abc import Mapping

from storyodds.models.story.events import Fate
from storyodds.reports.contract.estimate import Criterion, Estimate
from storyodds.reports.words.numbers import percent
from storyodds.scenarios.grammar.outcomes import OutcomeClass

#: What every class of model is, to stand beside its name.
CLASS_GLOSSES: Mapping[OutcomeClass, str] = {
    "intended": "the model that the story wants",
    "mesa-optimizer": "an optimizer that the story does not want, and no deceiver",
    "deceptive": "plays along in training to keep a goal of its own",
    "other": "any other kind of model, those that nobody has named included",
}

#: What every fate is, to stand beside its name. The five exclude each other and leave nothing out.
FATE_GLOSSES: Mapping[Fate, str] = {
    "success": "as intended, no hazard fires, deployed, no catastrophe",
    "uncompetitive": "as intended and deployed without catastrophe, but loses out to rivals",
    "halted": "flagged by a check, not deployed",
    "benign-failure": "fails in any other way, deployed, no catastrophe",
    "catastrophe": "deployed, and the harm comes about",
}

#: What stands in every document that somebody may sign.
NO_CLAIM_OF_SAFETY = "This is not a claim of safety: it computes what the authors' numbers imply."


def has_results(summary: Estimate) -> bool:
    """Whether a check has given its result, so that the training was carried out."""
    return any(check["result"] is not None for check in summary["checks"].values())


def condition(summary: Estimate) -> str:
    """Say that odds are those of a training that is carried out; nothing where that is sure.

    Parameters
    ----------
    summary : Estimate

    Examples
    --------
    >>> feasible = {"mean": 0.96, "q05": 0.96, "q95": 0.96}
    >>> condition({"criteria": {"rationale_competitiveness": feasible}, "checks": {}})
    'The odds assume that training is carried out at all, which has a chance of 96%.'
    """
    feasible = summary["criteria"]["rationale_competitiveness"]
    if feasible is None or feasible["mean"] >= 1:
        return ""
    chance = percent(feasible["mean"])
    if has_results(summary):
        return (
            "A check has its result, so the training was carried out, to which the story gives a "
            f"chance of {chance}."
        )
    return f"The odds assume that training is carried out at all, which has a chance of {chance}."


#: What a criterion of the goal rests on that no hazard of the story is about.
UNNAMED = "the story names no such hazard"


def no_hazard_named(summary: Estimate, criterion: Criterion) -> bool:
    """Whether a criterion of the goal is met only because the story names no hazard of it.

    Parameters
    ----------
    summary : Estimate
    criterion : str
        A key of its `criteria`.

    Examples
    --------
    >>> hazards = {"weak": {"criterion": "competitiveness"}}
    >>> no_hazard_named({"hazards": hazards}, "goal_alignment")
    True
    """
    goal, _, kind = criterion.partition("_")
    return goal == "goal" and all(
        hazard["criterion"] != kind for hazard in summary["hazards"].values()
    )
