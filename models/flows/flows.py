"""How a story gets to its fates: from routes by checks, and how likely by each way.

One table of strands carries it all, every one a way from the first column to the last with its
probability: a node or a link is the sum of its strands, so every column sums to the same total
and nothing is lost in between.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.assessment.concerns import concerns
from storyodds.models.engine.paths import Path
from storyodds.models.flows.nodes import Key, drawn_at, nodes_of_endings
from storyodds.models.flows.shares import along
from storyodds.models.numerics import weighted_quantile


@dataclass(frozen=True)
class Step:
    """A node: one of the things that can be so at one stage.

    Attributes
    ----------
    column : int
    kind : str
        `route`, `class`, `hazard` (of an intended model: at least one fired), `check` (the first
        that stopped the model, in the order written), `deployed` (none did) or `fate`.
    name : str
        As under the head of its column.
    words : str
        As by itself.
    probability : float
        Posterior mean.
    low, high : float
        The central 90 percent over the posterior draws.
    """

    column: int
    kind: str
    name: str
    words: str
    probability: float
    low: float
    high: float


@dataclass(frozen=True)
class Strand:
    """One way through all columns.

    Attributes
    ----------
    steps : tuple of int
        One of each column, indices into `Flows.steps`.
    probability : float
        Posterior mean of all of it together.
    worst : bool
        Whether it is part of the worst path.
    """

    steps: tuple[int, ...]
    probability: float
    worst: bool


@dataclass(frozen=True)
class Link:
    """What goes from one node to one of the next column.

    Attributes
    ----------
    source, target : int
        Indices into `Flows.steps`.
    probability : float
    worst : float
        The part of it that is of the worst path.
    """

    source: int
    target: int
    probability: float
    worst: float


@dataclass(frozen=True)
class Flows:
    """How a story gets to its fates.

    Attributes
    ----------
    columns : tuple of str
        Heads, from left to right: `route`; `model`, an intended one by whether a goal hazard
        fired; `stopped by`, where there are checks whose result is not known; `fate`.
    steps : tuple of Step
        By column, and in it from the top down.
    strands : tuple of Strand
        Their probabilities sum to 1.
    worst : Path
        The most concerning failure path; the likeliest one where none leads to catastrophe.
    concern : float
        P(worst path and catastrophe): what the strands of the worst path sum to, if it is not 0.
    """

    columns: tuple[str, ...]
    steps: tuple[Step, ...]
    strands: tuple[Strand, ...]
    worst: Path
    concern: float


def flows(assessment: Assessment) -> Flows:
    """Work out how a story gets to its fates.

    All of it is exact given what is sampled, over the draws of the estimate.

    Parameters
    ----------
    assessment : Assessment

    Returns
    -------
    Flows

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> picture = flows(assess(resolve(load_story("carlsmith-six-premises"))))
    >>> picture.columns
    ('route', 'model', 'fate')
    >>> round(sum(strand.probability for strand in picture.strands if strand.worst), 6)
    0.051376
    """
    ranked, graph = concerns(assessment), assessment.prepared.graph
    worst = ranked.paths[0]
    concern = float(assessment.averaged.mean(ranked.averaged[0].concern))
    joint = along(assessment, worst, harms=concern > 0)
    of_ending = nodes_of_endings(graph)
    ways: dict[tuple[tuple[Key, ...], bool], float] = {}
    for w, e in np.argwhere(joint > 0).tolist():
        way = of_ending[e], w == 1
        ways[way] = ways.get(way, 0.0) + float(joint[w, e])
    chance: dict[Key, float] = {}
    for (keys, _), p in ways.items():
        for key in keys:
            chance[key] = chance.get(key, 0.0) + p
    order = sorted(chance, key=lambda key: (key.column, key.rank, -chance[key], key.name))
    drawn = drawn_at(assessment, of_ending)
    steps = []
    for key in order:
        low, high = weighted_quantile(drawn[key], np.array([0.05, 0.95]), assessment.exact.weights)
        about = (key.column, key.kind, key.name, key.words, chance[key])
        steps.append(Step(*about, float(low), float(high)))
    place = {key: k for k, key in enumerate(order)}
    stops = ["stopped by"] if graph.live_checks else []
    return Flows(
        ("route", "model", *stops, "fate"),
        tuple(steps),
        _strands((tuple(place[key] for key in keys), mark, p) for (keys, mark), p in ways.items()),
        worst,
        concern,
    )


def _strands(ways: Iterable[tuple[tuple[int, ...], bool, float]]) -> tuple[Strand, ...]:
    """Sum what goes the same way."""
    total: dict[tuple[tuple[int, ...], bool], float] = {}
    for steps, worst, p in ways:
        total[steps, worst] = total.get((steps, worst), 0.0) + p
    return tuple(Strand(steps, p, worst) for (steps, worst), p in sorted(total.items()))


# Taken together


def links(flows: Flows) -> tuple[Link, ...]:
    """Sum the strands by pairs of neighboring nodes.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> story = flows(assess(resolve(load_story("carlsmith-six-premises"))))
    >>> into = [link for link in links(story) if story.steps[link.target].name == "catastrophe"]
    >>> round(sum(link.probability for link in into), 4)
    0.0514
    """
    total: dict[tuple[int, int], list[float]] = {}
    for strand in flows.strands:
        for pair in pairwise(strand.steps):
            sums = total.setdefault(pair, [0.0, 0.0])
            sums[0] += strand.probability
            sums[1] += strand.probability * strand.worst
    return tuple(Link(*pair, *sums) for pair, sums in sorted(total.items()))
