"""What observations could show after each stage of training."""

from collections.abc import Mapping
from dataclasses import replace

from storyodds.models.posterior.prepared import PreparedStory
from storyodds.models.value.observations import Observation, observations
from storyodds.scenarios.resolve import ResolvedStory
from storyodds.scenarios.schema import Proposal


def observations_by_stage(prepared: PreparedStory) -> Mapping[str, tuple[Observation, ...]]:
    """Work out what every proposed observation could show after each stage of training.

    Parameters
    ----------
    prepared : PreparedStory
        A story in stages, with its proposals.

    Returns
    -------
    mapping of str to tuple of Observation
        By stage. Replications are left out, and what is about an assumption that cannot have come
        true yet.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.posterior.prepared import prepare
    >>> from storyodds.scenarios.resolve import resolve
    >>> story = resolve(load_story("staged-rlhf-assistant"), standard=True)
    >>> by_stage = observations_by_stage(prepare(story))
    >>> [observation.proposal.id for observation in by_stage["pre-training"]]
    ['audit', 'honeypot-run', 'probe']
    """
    resolved = prepared.resolved
    by_stage = {}
    for stage in resolved.story.stages or ():
        proposals = tuple(
            proposal.model_copy(update={"after": stage})
            for proposal in resolved.proposals
            if proposal.replicates is None and _has_begun(resolved, proposal, stage)
        )
        here = replace(prepared, resolved=replace(resolved, proposals=proposals))
        by_stage[stage] = observations(here)
    return by_stage


def _has_begun(resolved: ResolvedStory, proposal: Proposal, stage: str) -> bool:
    """Whether what an observation is about can have come true by the end of a stage."""
    stages = resolved.story.stages or ()
    name = None if proposal.about is None else proposal.about.assumption
    by = None if name is None else resolved.assumptions[name].from_
    return by is None or not set(stages[: stages.index(stage) + 1]).isdisjoint(by)
