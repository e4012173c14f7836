"""The failure paths of a story, ranked."""

from collections.abc import Sequence
from dataclasses import dataclass

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.assessment.path_ranks import Ranks, rank_paths
from storyodds.models.engine.paths import Path, PathOdds, odds_of_paths


@dataclass(frozen=True)
class Concerns:
    """The failure paths, the most concerning first, then the likelier.

    Attributes
    ----------
    paths : tuple of Path
    averaged, exact : tuple of PathOdds
        By path, at the draws of `Assessment.averaged` and of `Assessment.exact`.
    ranks : Ranks
    """

    paths: tuple[Path, ...]
    averaged: tuple[PathOdds, ...]
    exact: tuple[PathOdds, ...]
    ranks: Ranks

    @property
    def worst(self) -> tuple[Path, ...]:
        """The paths that rank first: several where they tie."""
        first = self.ranks.rank[:1]
        return tuple(
            p for p, rank in zip(self.paths, self.ranks.rank, strict=True) if rank in first
        )


def concerns(assessment: Assessment) -> Concerns:
    """Rank the failure paths.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> concerns(assess(resolve(load_story("carlsmith-six-premises")))).ranks.share_top
    array([1., 0.])
    """
    paths, means, exact = assessment.paths, assessment.averaged, assessment.exact
    averaged = odds_of_paths(means, paths, assessment.queries)
    drawn = averaged if exact is means else odds_of_paths(exact, paths, assessment.queries)
    ranks = rank_paths(averaged, means.weights, drawn, exact.weights)

    def ordered(odds: Sequence[PathOdds]) -> tuple[PathOdds, ...]:
        return tuple(odds[k] for k in ranks.order)

    return Concerns(tuple(paths[k] for k in ranks.order), ordered(averaged), ordered(drawn), ranks)
