"""Which path is worst, and the fewest assumptions that would change that."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from storyodds.models.assessment.assessment import LINKED_PATHS, Assessment
from storyodds.models.assessment.concerns import Concerns, concerns
from storyodds.models.assessment.path_ranks import ROUNDING
from storyodds.models.changes.what_if import even_rows
from storyodds.models.engine.paths import Path
from storyodds.models.engine.quantities import jointly
from storyodds.models.logic.cut_sets import Literal
from storyodds.models.posterior.prepared import PreparedStory
from storyodds.models.posterior.questions import ask
from storyodds.models.story.events import Share, after_training
from storyodds.models.story.queries import Query

Array = NDArray[np.float64]

_DRAWS = 512  # at which paths are compared; one is enough where no number has to be sampled
MAX_QUESTIONS = 400  # about pairs of assumptions: some seconds of work
_CLEAR_ERRORS = 2.0  # standard errors by which a path has to be ahead where numbers were sampled


@dataclass(frozen=True)
class Flip:
    """Assumptions whose truth, once known, makes another path the worst.

    Attributes
    ----------
    literals : tuple of (str, bool)
        One or two.
    probability : float
        P(they are so).
    shuts : bool
        Whether they shut every path that is worst now.
    worst : Path
        The worst path then.
    concern : float
        P(that path and catastrophe | they are so); P(that path | they are so) where no path leads
        to catastrophe now.
    """

    literals: tuple[Literal, ...]
    probability: float
    shuts: bool
    worst: Path
    concern: float


@dataclass(frozen=True)
class Flips:
    """The smallest sets of assumptions that change which path is worst, the likeliest first.

    Attributes
    ----------
    worst : tuple of Path
        The worst path now; several where they tie.
    listed : tuple of Flip
        All of the same size, and none where two assumptions are not enough.
    complete : bool
        Whether every set of this size, and of any smaller one, was looked at.
    close : int
        How many sets of this size, and of any smaller one, may or may not do: the draws cannot
        tell.
    compared : int
        How many paths were compared, the most concerning ones.
    """

    worst: tuple[Path, ...]
    listed: tuple[Flip, ...]
    complete: bool
    close: int
    compared: int


def flips(assessment: Assessment) -> Flips:
    """Find the fewest assumptions that, known to be so, make another path the worst.

    Single assumptions first, each true and false, and pairs only where no single one is enough.
    Assumptions that are made up of others by a formula are left to those. Where several paths tie
    for the worst, another path is one that is not among them.

    Parameters
    ----------
    assessment : Assessment
        Computed exactly, not simulated.

    Raises
    ------
    UnsupportedStoryError
        If the story can be summed, but not its paths together with every assumption.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> flips(assess(resolve(load_story("carlsmith-six-premises")))).listed
    ()
    """
    ranked = concerns(assessment)
    paths, worst = ranked.paths[:LINKED_PATHS], ranked.worst
    if len(paths) <= len(worst):
        return Flips(worst, (), True, 0, len(paths))
    values = assessment.averaged.values[even_rows(assessment, _DRAWS)]
    race = _Race(assessment.prepared, ranked, values)
    listed, close = race.singles()
    complete = True
    if not listed:
        listed, among_pairs, complete = race.pairs()
        close += among_pairs
    likeliest = sorted(listed, key=lambda flip: -flip.probability)
    return Flips(worst, tuple(likeliest), complete, close, len(paths))


class _Race:
    """Which of some paths is worst, once some assumptions are known."""

    def __init__(self, prepared: PreparedStory, ranked: Concerns, values: Array) -> None:
        self.prepared, self.values = prepared, values
        self.paths = ranked.paths[:LINKED_PATHS]
        self.worst = [k for k, path in enumerate(self.paths) if path in ranked.worst]
        harms = any(odds.concern.any() for odds in ranked.averaged[:1])
        self.shares = [path.harmful if harms else path.reached for path in self.paths]
        graph, after = prepared.graph, after_training(prepared.graph, values)
        self.factors = {
            share: np.broadcast_to(
                after.factor(share, graph.outcomes[share.outcome].route), len(values)
            )
            for shares in self.shares
            for share in shares
        }
        pairs = [(k, share) for k, shares in enumerate(self.shares) for share in shares]
        queries = [Query((share.outcome,), self.paths[k].literals) for k, share in pairs]
        mixtures = np.zeros((len(values), len(self.paths), len(queries)))
        for j, (k, share) in enumerate(pairs):
            mixtures[:, k, j] = self.factors[share]
        asked_joint = jointly(prepared.compiler, values, prepared.likelihoods, queries, mixtures)
        self.now = asked_joint.events
        self.joint: dict[Literal, Array] = {}  # (n_draws, n_paths) each
        self.chance: dict[Literal, float] = {}
        quantities = prepared.answers.evaluate(values, prepared.likelihoods)
        for v, variable in enumerate(graph.variables):
            if variable.formula is None and v in graph.assumptions:
                for truth, joint, chance in (
                    (True, asked_joint.true, quantities.assumptions),
                    (False, asked_joint.false, quantities.assumptions_false),
                ):
                    self.joint[variable.name, truth] = joint[:, :, v]
                    self.chance[variable.name, truth] = float(chance[:, v].mean())

    def singles(self) -> tuple[list[Flip], int]:
        """Flips by one assumption, and how many more are too close to call."""
        flips, close = [], 0
        for literal, joint in self.joint.items():
            flip, is_close = self._flip((literal,), self.chance[literal], joint)
            flips += [flip] if flip else []
            close += is_close
        return flips, close

    def _flip(
        self, literals: tuple[Literal, ...], chance: float, joint: Array
    ) -> tuple[Flip | None, bool]:
        """A path that is worst then, if it is another one by more than rounding and chance.

        Parameters
        ----------
        joint : (n_draws, n_paths) array
            P(path and catastrophe, and the literals).
        """
        means = joint.mean(axis=0)
        k = int(means.argmax())
        best = max(self.worst, key=lambda w: means[w])
        if chance == 0 or k in self.worst or means[k] <= means[best] * (1 + ROUNDING):
            return None, False
        lead = joint[:, k] - joint[:, best]
        if lead.mean() <= _CLEAR_ERRORS * lead.std() / np.sqrt(len(lead)):
            return None, True
        opposite = {(name, not value) for name, value in literals}
        shuts = all(self.paths[w].literals & opposite for w in self.worst)
        return Flip(literals, chance, shuts, self.paths[k], float(means[k] / chance)), False

    def pairs(self) -> tuple[list[Flip], int, bool]:
        """Evaluate the pairs that the single ones do not rule out.

        With a and b known, another path k is the worse one only if P(k, a, b) > P(worst, a, b),
        where the left is at most P(k, a) and P(k, b), and the right at least P(worst, a) +
        P(worst, b) - P(worst).
        """
        literals = list(self.joint)
        means = {literal: joint.mean(axis=0) for literal, joint in self.joint.items()}
        now = self.now.mean(axis=0)
        possible: list[tuple[float, tuple[Literal, Literal], list[int]]] = []
        for i, a in enumerate(literals):
            for b in literals[i + 1 :]:
                if a[0] == b[0]:
                    continue
                least = (means[a] + means[b] - now)[self.worst].max()
                most = np.minimum(means[a], means[b])
                ahead = most > max(least, 0.0) * (1 + ROUNDING)
                ahead[self.worst] = False
                if ahead.any():
                    likelier = min(self.chance[a], self.chance[b])
                    rivals = [*np.flatnonzero(ahead).tolist(), *self.worst]
                    possible.append((likelier, (a, b), rivals))
        possible.sort(key=lambda pair: -pair[0])
        batch, questions = [], 0
        for _, pair, rivals in possible:
            questions += 1 + sum(len(self.shares[k]) for k in rivals)
            if questions > MAX_QUESTIONS:
                break
            batch.append((pair, rivals))
        flips, close = self._pair_flips(batch)
        return flips, close, len(batch) == len(possible)

    def _pair_flips(
        self, pairs: Sequence[tuple[tuple[Literal, Literal], Sequence[int]]]
    ) -> tuple[list[Flip], int]:
        if not pairs:
            return [], 0
        queries: dict[Query, None] = {}
        for pair, rivals in pairs:
            queries[Query((), frozenset(pair))] = None
            queries |= dict.fromkeys(q for k in rivals for q, _ in self._with(k, pair))
        every = tuple(queries)
        drawn = ask(self.prepared, self.values, every).queries
        column = {query: drawn[:, j] for j, query in enumerate(every)}
        flips, close = [], 0
        for pair, rivals in pairs:
            joint = np.zeros((len(self.values), len(self.paths)))
            for k in rivals:
                for query, share in self._with(k, pair):
                    joint[:, k] += column[query] * self.factors[share]
            chance = float(column[Query((), frozenset(pair))].mean())
            flip, is_close = self._flip(pair, chance, joint)
            flips += [flip] if flip else []
            close += is_close
        return flips, close

    def _with(self, k: int, pair: tuple[Literal, Literal]) -> list[tuple[Query, Share]]:
        """A path's endings together with a pair; none where that cannot be."""
        literals = self.paths[k].literals
        if any((name, not value) in literals for name, value in pair):
            return []
        return [(Query((share.outcome,), literals | set(pair)), share) for share in self.shares[k]]
