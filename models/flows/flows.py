"""How a story gets to its fates: from assumptions by routes and checks, and how likely by each way.

One table of strands carries it all, every one a way from the first column to the last with its
probability: a node or a link is the sum of its strands, so every column sums to the same total
and nothing is lost in between.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.assessment.concerns import concerns
from storyodds.models.engine.paths import Path
from storyodds.models.flows.nodes import Key, drawn_at, nodes_of_endings, nodes_of_states
from storyodds.models.flows.shares import along, by_state, leading
from storyodds.models.numerics import weighted_quantile
from storyodds.priors.text.errors import UnsupportedStoryError

MOST = 12  # nodes of one kind that are told apart where a picture has to be small

_OTHERS = {"route": "other routes", "check": "other checks"}


@dataclass(frozen=True)
class Step:
    """A node: one of the things that can be so at one stage.

    Attributes
    ----------
    column : int
    kind : str
        `assumption`, `route`, `class`, `hazard` (of an intended model: at least one fired),
        `check` (the first that stopped the model, in the order written), `deployed` (none did) or
        `fate`; with an `s` for several that were merged.
    name : str
        As under the head of its column.
    words : str
        As by itself.
    probability : float
        Posterior mean.
    low, high : float or None
        The central 90 percent over the posterior draws; None for several that were merged.
    """

    column: int
    kind: str
    name: str
    words: str
    probability: float
    low: float | None
    high: float | None


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
        Heads, from left to right: at most two leading assumptions, in dependency order; `route`;
        `model`, an intended one by whether a goal hazard fired; `stopped by`, where there are
        checks whose result is not known; `fate`.
    steps : tuple of Step
        By column, and in it from the top down.
    strands : tuple of Strand
        Their probabilities sum to 1.
    worst : Path
        The most concerning failure path; the likeliest one where none leads to catastrophe.
    concern : float
        P(worst path and catastrophe): what the strands of the worst path sum to, if it is not 0.
    information : mapping of str to float
        By leading assumption, its mutual information with the ending, which is the class of the
        route together with the fate; in bits.
    """

    columns: tuple[str, ...]
    steps: tuple[Step, ...]
    strands: tuple[Strand, ...]
    worst: Path
    concern: float
    information: Mapping[str, float]


def flows(assessment: Assessment) -> Flows:
    """Work out how a story gets to its fates.

    Routes, models, checks and fates are the estimate's, over all draws. How each goes together
    with the leading assumptions is asked of the engine at some hundred draws that all count the
    same, then fitted to the estimate's probabilities of both.

    Parameters
    ----------
    assessment : Assessment

    Returns
    -------
    Flows
        Without leading assumptions where none bears on the ending, or where asking
        for them together with it is out of reach.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> picture = flows(assess(resolve(load_story("carlsmith-six-premises"))))
    >>> picture.columns[2:]
    ('route', 'model', 'fate')
    >>> round(sum(strand.probability for strand in picture.strands if strand.worst), 6)
    0.051376
    """
    ranked, graph = concerns(assessment), assessment.prepared.graph
    worst = ranked.paths[0]
    concern = float(assessment.averaged.mean(ranked.averaged[0].concern))
    endings = along(assessment, worst, harms=concern > 0)
    information: dict[str, float] = {}
    joint = endings[None]
    try:
        information = leading(assessment, worst)
        if information:
            joint = by_state(assessment, worst, concern > 0, list(information), endings)
    except UnsupportedStoryError:
        information = {}
    of_ending = nodes_of_endings(graph, len(information))
    chances: dict[tuple[tuple[Key, ...], bool], float] = {}
    for s, of_state in enumerate(nodes_of_states(list(information))):
        for w, e in np.argwhere(joint[s] > 0).tolist():
            way = (*of_state, *of_ending[e]), w == 1
            chances[way] = chances.get(way, 0.0) + float(joint[s, w, e])
    chance: dict[Key, float] = {}
    for (keys, _), p in chances.items():
        for key in keys:
            chance[key] = chance.get(key, 0.0) + p
    order = sorted(chance, key=lambda key: (key.column, key.rank, -chance[key], key.name))
    drawn = drawn_at(assessment, of_ending, information)
    steps = []
    for key in order:
        low, high = weighted_quantile(drawn[key], np.array([0.05, 0.95]), assessment.exact.weights)
        about = (key.column, key.kind, key.name, key.words, chance[key])
        steps.append(Step(*about, float(low), float(high)))
    place_of = {key: k for k, key in enumerate(order)}
    ways = [
        (tuple(place_of[key] for key in keys), marked, p) for (keys, marked), p in chances.items()
    ]
    stops = ["stopped by"] if graph.live_checks else []
    columns = (*information, "route", "model", *stops, "fate")
    return Flows(columns, tuple(steps), _strands(ways), worst, concern, information)


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


def merged(flows: Flows, most: int = MOST) -> Flows:
    """Make one node of the less likely of very many routes, and of checks likewise.

    What is on the worst path stays.

    Parameters
    ----------
    flows : Flows
    most : int
        Nodes of a kind that stay as they are; at least one is merged with another, if any.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> story = flows(assess(resolve(load_story("rlhf-assistant"))))
    >>> [step.name for step in merged(story, 2).steps if step.column == 2][-1]
    '9 other routes'
    """
    marked = {k for strand in flows.strands if strand.worst for k in strand.steps}
    steps = list(flows.steps)
    place = dict(enumerate(range(len(steps))))
    for kind, noun in _OTHERS.items():
        alike = [k for k, step in enumerate(flows.steps) if step.kind == kind]
        ranked = sorted(alike, key=lambda k: (k not in marked, -flows.steps[k].probability))
        small = ranked[most:]
        if len(small) < 2:
            continue
        name = f"{len(small)} {noun}"
        words = {"check": f"stopped by {name}"}
        chance = sum(flows.steps[k].probability for k in small)
        column = flows.steps[small[0]].column
        place |= dict.fromkeys(small, len(steps))
        steps.append(Step(column, f"{kind}s", name, words.get(kind, name), chance, None, None))
    kept = sorted(set(place.values()), key=lambda k: steps[k].column)
    place_of = {k: i for i, k in enumerate(kept)}
    ways = (
        (tuple(place_of[place[k]] for k in strand.steps), strand.worst, strand.probability)
        for strand in flows.strands
    )
    return replace(flows, steps=tuple(steps[k] for k in kept), strands=_strands(ways))
