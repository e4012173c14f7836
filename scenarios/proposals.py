"""Observations that could be made of any story, beside those that it proposes itself."""

from collections.abc import Iterator

from storyodds.priors.text.phrases import SLUG_LIMIT
from storyodds.scenarios.grammar.names import names_in
from storyodds.scenarios.schema import Proposal
from storyodds.scenarios.serialize import to_data
from storyodds.scenarios.shared import catalog
from storyodds.scenarios.story import Story


def standard_proposals(story: Story) -> tuple[Proposal, ...]:
    """Propose the catalog's observations that a story does not propose itself.

    Parameters
    ----------
    story : Story

    Returns
    -------
    tuple of Proposal
        In the order of the catalog; a replication is of every finding with counts.

    Examples
    --------
    >>> from storyodds.scenarios.loader import load_story
    >>> [proposal.id for proposal in standard_proposals(load_story("carlsmith-six-premises"))]
    ['audit', 'honeypot-run', 'probe']
    """
    declared = {name for name, _, _ in names_in(catalog.filled(to_data(story))).declared}
    used = {proposal.use for proposal in story.proposals}
    again = {proposal.replicates for proposal in story.proposals}

    def proposed() -> Iterator[Proposal]:
        for name, entry in catalog.observations().items():
            if entry.about is not None and name not in used:
                own = f"standard-{name}" if name in declared else name
                yield Proposal(use=name, id=own)
            elif entry.about is None:
                for item in story.evidence:
                    if item.counts is not None and item.id not in again:
                        own = f"{item.id[: SLUG_LIMIT - 6]}-again"
                        yield Proposal(use=name, id=own, replicates=item.id)

    return tuple(proposal for proposal in proposed() if proposal.id not in declared)
