"""All that the benchmarks ask of storyodds; no other file here imports its engine.

Once the engine has loaded what numba compiled for it, it uses that for small stories too. It is
loaded here, as a command with much to ask does, so that what another tool has imported before makes
no difference.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, xlog1py, xlogy

from storyodds.models.assessment.assessment import assess
from storyodds.models.engine import evaluation
from storyodds.models.engine.program import Program, program
from storyodds.models.posterior.evidence import assemble
from storyodds.models.posterior.prepared import PreparedStory, prepare
from storyodds.models.story.graph import StoryGraph
from storyodds.models.story.likelihoods import LogLikelihoods, no_evidence
from storyodds.models.story.queries import EVERYTHING, Query
from storyodds.priors.text.errors import UnsupportedStoryError
from storyodds.scenarios.loader import load_text
from storyodds.scenarios.open_psa.reader import import_open_psa
from storyodds.scenarios.resolve import resolve

evaluation.load_numba()

Array = NDArray[np.float64]
Answers = dict[str, Array]


class RefusedError(Exception):
    """Says why a story cannot be summed."""


@dataclass(frozen=True)
class Prepared:
    """A story where only numbers are missing.

    Attributes
    ----------
    story : PreparedStory
    routes : tuple of int or None
        The routes that are asked for; None if it is an assumption.
    compiled : Program
        Its roots are P(E) and, where an assumption is asked for, P(E and the assumption).
    """

    story: PreparedStory
    routes: tuple[int, ...] | None
    compiled: Program


def load(text: str, targets: str | Sequence[str]) -> Prepared:
    """Take a story from YAML to where only numbers are missing.

    Parameters
    ----------
    text : str
    targets : str or sequence of str
        An assumption, or several routes.

    Raises
    ------
    RefusedError
        If the story is too large.
    """
    try:
        story = prepare(resolve(load_text(text)))
        if isinstance(targets, str):
            asked = [EVERYTHING, Query((), frozenset([(targets, True)]))]
            return Prepared(story, None, program(story.compiler, asked))
        ids = [route.id for route in story.graph.routes]
        routes = tuple(ids.index(target) for target in targets)
        return Prepared(story, routes, program(story.compiler, [EVERYTHING]))
    except UnsupportedStoryError as error:
        raise RefusedError(" ".join(str(error).split())) from None


def arrange(prepared: Prepared, drawn: Mapping[str, Array]) -> Array:
    """Lay drawn numbers out as the engine takes them, (n_draws, n_numbers).

    Parameters
    ----------
    drawn : mapping of str to (n_draws,) array
        By name; a number that is not drawn is fixed.
    """
    numbers = prepared.story.resolved.numbers
    unknown = set(drawn) - {number.name for number in numbers}
    if unknown:
        raise KeyError(f"the story has no {sorted(unknown)[0]}")
    columns = [
        drawn[number.name]
        if number.name in drawn
        else np.asarray(number.distribution.quantile(np.array(0.5)))
        for number in numbers
    ]
    return np.stack(np.broadcast_arrays(*columns), axis=1)


def answers(prepared: Prepared, values: Array) -> Answers:
    """P(target) before and after the evidence, and what it is worth, draw by draw.

    Parameters
    ----------
    values : (n_draws, n_numbers) array
        Every number, the rates of the evidence too.
    """
    graph, compiled = prepared.story.graph, prepared.compiled
    found: Answers = {}
    said = _at_rates(graph, values)
    for name, evidence in (("prior", no_evidence(graph)), ("posterior", said)):
        if prepared.routes is None:
            roots = evaluation.evaluate(compiled, values, evidence).log_roots
            found[name] = np.exp(roots[:, 1] - roots[:, 0])
        else:
            at = evaluation.evaluate(compiled, values, evidence, np.ones((1, 1)))
            roots, routes = at.log_roots, np.zeros((len(values), len(graph.routes)))
            np.add.at(routes.T, compiled.config_routes, at.won[:, 0].T)
            found[name] = routes[:, list(prepared.routes)]
    return found | {"log P(E)": roots[:, 0]}


def _at_rates(graph: StoryGraph, values: Array) -> LogLikelihoods:
    """What counts say at given rates: an estimate integrates these out, other tools do not."""
    tables = []
    for item in graph.evidence:
        hits, misses = item.hits, item.trials - item.hits
        ways = gammaln(item.trials + 1) - gammaln(hits + 1) - gammaln(misses + 1)
        rates = values[:, [item.numbers[key] for key in item.keys]]
        tables.append(ways + xlogy(hits, rates) + xlog1py(misses, -rates))
    return assemble(graph, tables)


def derivative(prepared: Prepared, values: Array, names: Sequence[str]) -> Answers:
    """Derivative of P(target | evidence) in the numbers named, (n_draws, n_names).

    It is P(x | E) times the difference of two scores: that of x and E, and that of E.
    """
    graph, compiled = prepared.story.graph, prepared.compiled
    said = _at_rates(graph, values)
    at = evaluation.evaluate(compiled, values, said, np.eye(2))
    scores = evaluation.gradient(compiled, at)
    change = scores[:, 1] - scores[:, 0]
    table = np.array([number.kind == "probability" for number in prepared.story.resolved.numbers])
    change[:, table] /= np.clip(values * (1 - values), 1e-300, None)[:, table]
    # The engine takes likelihoods as they are; how they turn on their rates is known here.
    used = at.usage[:, 1] - at.usage[:, 0]
    of_targets = [item for item in graph.evidence for _ in item.targets]
    for leaf, what in zip(compiled.findings.leaves, compiled.findings.what, strict=True):
        item = of_targets[what // 2]
        number = item.numbers[item.keys[what % 2]]
        rate, misses = values[:, number], item.trials - item.hits
        change[:, number] += used[:, leaf] * (item.hits / rate - misses / (1 - rate))
    chance = np.exp(at.log_roots[:, 1] - at.log_roots[:, 0])
    columns = [prepared.story.resolved.number_index[name] for name in names]
    return {"derivative": np.asarray(chance[:, None] * change[:, columns])}


def tree_top(path: Path) -> Answers:
    """Assess a fault tree in the Open-PSA format, as `storyodds import` and `estimate` do.

    Raises
    ------
    RefusedError
        If it is too large.
    """
    resolved = resolve(import_open_psa(path))
    try:
        found = assess(resolved)
    except UnsupportedStoryError as error:
        raise RefusedError(str(error)) from None
    (top,) = (
        r for r, route in enumerate(found.averaged.graph.routes) if route.requires is not None
    )
    return {"P(top)": found.averaged.routes[:, top]}
