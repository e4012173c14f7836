"""A story as a PyMC model: named variables, the discrete part summed out exactly.

The sums are the engine's own, as operations with a gradient. Evidence items enter one after the
other: each is an observed variable given the items before it, so that their log-likelihoods add
up to log P(evidence | numbers).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pymc.distributions.transforms import Interval, logodds

from storyodds.models.events import FATES
from storyodds.models.evidence import collapsed_tables, columns, event_likelihoods
from storyodds.models.graph import EvidenceItem
from storyodds.models.ops import LogEvidence, Marginals
from storyodds.models.posterior import PreparedStory, prepare
from storyodds.priors.bounded import TruncatedLogNormal, TruncatedNormal, Uniform
from storyodds.priors.distributions import (
    LN2,
    BetaDistribution,
    Distribution,
    LogitNormal,
    Mixture,
    NormalDistribution,
    Point,
    has_atoms,
)
from storyodds.priors.errors import Problem, UnsupportedStoryError
from storyodds.priors.forms import Kind
from storyodds.priors.library import View
from storyodds.priors.library import view as load_view
from storyodds.priors.log_pool import LogPool
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import CLASSES, INTENDED, Story

Tensor = Any  # PyTensor's own types say little more


def compile_story(
    story: Story,
    *,
    view: str | View | None = None,
    settings: Mapping[str, Any] | None = None,
    integrate_rates: bool = False,
) -> pm.Model:
    """Compile a story to a PyMC model, to look inside, to extend, or to sample in your own way.

    Parameters
    ----------
    story : Story
    view : str or View, optional
    settings : mapping of str to PRIOR, optional
        Overrides, as in `estimate`.
    integrate_rates : bool
        Whether the rates, relevances and bits that belong to one evidence item alone are
        integrated out instead of being variables. A rate that is used under one hypothesis only
        has a spike-and-slab posterior, which gradient samplers hardly cross: integrate before
        you sample a story with strong evidence.

    Returns
    -------
    pymc.Model
        One random variable per uncertain number, by name (`situational-awareness.probability`);
        one observed variable per evidence item, by its id; deterministics
        `assumption_probability`, `route_probability`, `class_probability` and
        `fate_probability`, given the numbers and all evidence, with labelled dims.

    Raises
    ------
    InputError
        If a view or setting does not fit.
    UnsupportedStoryError
        If the story is too large to sum exactly, or a number is a pool with fixed values, which
        has no density.

    Notes
    -----
    Prior predictive draws of an item are drawn given the observed values of the items before it.
    A Bayes factor has no data to draw.

    Examples
    --------
    >>> from storyodds import compile_story, load_story
    >>> model = compile_story(load_story("cat-classifier"))
    >>> [str(variable) for variable in model.observed_RVs]
    ['adversarial-examples']
    """
    chosen = load_view(view) if isinstance(view, str) else view
    prepared = prepare(resolve(story, view=chosen, settings=settings))
    graph = prepared.graph
    coords = {
        "assumption": [variable.name for variable in graph.variables],
        "route": [route.id for route in graph.routes],
        "class": list(CLASSES),
        "fate": list(FATES),
    }
    with pm.Model(coords=coords) as model:
        values = _numbers(prepared, without=prepared.own if integrate_rates else frozenset())
        known = _condition(prepared, values, integrate_rates)
        pm.Deterministic("assumption_probability", known.true, dims="assumption")
        pm.Deterministic("route_probability", known.routes, dims="route")
        member = np.array(graph.route_classes())[:, None] == np.arange(len(CLASSES))
        classes = pt.dot(known.routes, member.astype(float))
        pm.Deterministic("class_probability", classes, dims="class")
        pm.Deterministic("fate_probability", _fates(prepared, values, known.outcomes), dims="fate")
    return model


def _numbers(prepared: PreparedStory, without: frozenset[int]) -> list[Tensor]:
    """Every number of the story as a scalar; uncertain ones are random variables."""
    entries = []
    for i, (number, distribution) in enumerate(
        zip(prepared.resolved.numbers, prepared.distributions, strict=True)
    ):
        if isinstance(distribution, Point):
            entries.append(pt.constant(distribution.value, dtype="float64"))
        elif i in without:
            entries.append(pt.constant(0.5))  # integrated out: nothing reads it
        else:
            entries.append(_variable(number.name, number.kind, distribution))
    return entries


def _variable(name: str, kind: Kind, distribution: Distribution) -> Tensor:
    if has_atoms(distribution):
        raise UnsupportedStoryError(
            [
                Problem(
                    f"compile_story: '{name}' is a pool with fixed values, which has no density; "
                    "expected intervals in the pool"
                )
            ]
        )
    # Said outright: PyMC has no transform of its own for LogitNormal, nor for mixed mixtures.
    transform = logodds if kind == "probability" else None
    if isinstance(distribution, Uniform | LogPool) and distribution.high - distribution.low < 1:
        transform = Interval(distribution.low, distribution.high)
    if isinstance(distribution, LogPool):
        return pm.CustomDist(name, **_log_pool(distribution), default_transform=transform)
    if isinstance(distribution, Mixture):
        weights = np.array(distribution.weights)
        components = [_component(part) for part in distribution.components]
        return pm.Mixture(name, w=weights, comp_dists=components, default_transform=transform)
    if isinstance(distribution, TruncatedLogNormal):
        return pm.Truncated(name, _log_normal(distribution), upper=1.0, default_transform=transform)
    family, parameters = _parameters(distribution)
    return family(name, **parameters, default_transform=transform)


def _component(distribution: Distribution) -> Tensor:
    if isinstance(distribution, Mixture):
        parts = [_component(part) for part in distribution.components]
        return pm.Mixture.dist(w=np.array(distribution.weights), comp_dists=parts)
    if isinstance(distribution, TruncatedLogNormal):
        return pm.Truncated.dist(_log_normal(distribution), upper=1.0)
    if isinstance(distribution, LogPool):
        return pm.CustomDist.dist(**_log_pool(distribution))
    family, parameters = _parameters(distribution)
    return family.dist(**parameters)


def _log_pool(pool: LogPool) -> dict[str, Any]:
    """The weighted geometric mean of the parts' densities, and draws by its quantiles."""
    parts = [_component(part) for part in pool.components]

    def log_density(value: Tensor) -> Tensor:
        heights = zip(pool.weights, parts, strict=True)
        return sum(w * pm.logp(part, value) for w, part in heights) - pool.log_normalizer

    def draw(rng: Any = None, size: Any = None) -> Any:
        return pool.quantile(rng.random(size))

    return {"logp": log_density, "random": draw, "dtype": "float64"}


def _log_normal(distribution: TruncatedLogNormal) -> Tensor:
    """The lognormal before it is cut off at 1."""
    mu, sigma = (
        pt.constant(x, dtype="float64") for x in (distribution.location, distribution.scale)
    )
    return pm.LogNormal.dist(mu=mu, sigma=sigma)


def _parameters(distribution: Distribution) -> tuple[Any, dict[str, Tensor]]:
    if isinstance(distribution, BetaDistribution):
        family, parameters = pm.Beta, {"alpha": distribution.a, "beta": distribution.b}
    elif isinstance(distribution, LogitNormal):
        family, parameters = pm.LogitNormal, {"mu": distribution.location, "sigma": distribution.sd}
    elif isinstance(distribution, Uniform):
        family, parameters = pm.Uniform, {"lower": distribution.low, "upper": distribution.high}
    elif isinstance(distribution, TruncatedNormal):
        parameters = {"mu": distribution.location, "sigma": distribution.scale}
        family, parameters = pm.TruncatedNormal, {**parameters, "lower": 0.0, "upper": 1.0}
    else:
        assert isinstance(distribution, NormalDistribution)
        family, parameters = pm.Normal, {"mu": distribution.location, "sigma": distribution.sd}
    # PyTensor would keep a number like 0.5 in single precision, and its log-gamma with it.
    return family, {name: pt.constant(x, dtype="float64") for name, x in parameters.items()}


@dataclass(frozen=True)
class _Said:
    """Log-likelihoods put in so far, and what is known of the discrete part given them."""

    assumptions: Tensor  # (false, true) by item about an assumption
    routes: Tensor
    log_evidence: Tensor
    known: "_Known"


@dataclass(frozen=True)
class _Known:
    """Probabilities given the evidence put in so far; they have no derivatives."""

    false: Tensor
    true: Tensor
    routes: Tensor
    outcomes: Tensor


def _condition(prepared: PreparedStory, values: Sequence[Tensor], integrate_rates: bool) -> _Known:
    """Observe the evidence items one after the other, and give what is known in the end."""
    graph, column = prepared.graph, columns(prepared.graph)
    log_evidence, marginals = LogEvidence(prepared), Marginals(prepared)
    numbers = pt.stack(values) if values else pt.zeros(0)

    def given(assumptions: Tensor, routes: Tensor) -> _Said:
        total = log_evidence(numbers, assumptions, routes)[0]
        known = _Known(*marginals(numbers, assumptions, routes))
        return _Said(assumptions, routes, total, known)

    said = given(pt.zeros(2 * len(column)), pt.zeros(len(graph.routes)))
    tables = collapsed_tables(graph, prepared.distributions) if integrate_rates else None
    for i, item in enumerate(graph.evidence):
        if item.form == "forecast":
            sides = (event_likelihoods(graph, i, happens) for happens in (True, False))
            yes, no = (log_evidence(numbers, s.assumptions[0], s.routes[0])[0] for s in sides)
            _observe_forecast(item, yes - no)
            continue
        if tables is not None:
            log_likelihood = pt.constant(tables[i][0])  # type: ignore[index]
        else:
            log_likelihood = _log_likelihood(item, values)
        before, assumptions, routes = said, said.assumptions, said.routes
        if i in column:
            assumptions = pt.inc_subtensor(assumptions[column[i] : column[i] + 2], log_likelihood)
        else:
            routes = routes + log_likelihood
        said = given(assumptions, routes)
        adds = said.log_evidence - before.log_evidence
        if tables is not None or item.form == "bayes_factor":
            _observe_log_likelihood(item, adds)
        else:
            _observe_counts(item, _hypotheses(item, before.known), values, adds)
    return said.known


def _hypotheses(item: EvidenceItem, known: _Known) -> Tensor:
    """P(hypothesis | numbers, evidence so far), in the order of the item's keys."""
    if item.target is not None:
        return pt.stack([known.false[item.target], known.true[item.target]])
    return known.routes


def _keys(item: EvidenceItem) -> list[str]:
    """The item's distinct keys, its reference first."""
    return list(dict.fromkeys([item.reference, *item.keys]))


def _log_likelihood(item: EvidenceItem, values: Sequence[Tensor]) -> Tensor:
    """Log P(item | hypothesis, numbers), one per hypothesis, relevance mixed in."""
    keys = _keys(item)
    off, *on = [_log_at_face_value(item, key, values) for key in keys]
    relevance = values[item.relevance or 0]
    mixed = [off] + [
        _log_sum_exp(pt.stack([pt.log(relevance) + log_on, pt.log1p(-relevance) + off]))
        for log_on in on
    ]
    return pt.stack(mixed)[[keys.index(key) for key in item.keys]]


def _log_at_face_value(item: EvidenceItem, key: str, values: Sequence[Tensor]) -> Tensor:
    if key not in item.numbers:
        return pt.constant(0.0)
    x = values[item.numbers[key]]
    if item.form == "bayes_factor":
        return LN2 * x
    return pm.logp(pm.Binomial.dist(n=item.trials, p=x), np.array(item.hits))


def _observe_counts(
    item: EvidenceItem, hypotheses: Tensor, values: Sequence[Tensor], adds: Tensor
) -> None:
    """Observe counts as a mixture of binomials, one for each rate that may have been at work.

    Parameters
    ----------
    adds : scalar
        The log-likelihood of what was observed, which the engine gives with its gradient.
    """
    keys, relevance = _keys(item), values[item.relevance or 0]
    if len(keys) == 1:
        pm.Binomial(item.id, n=item.trials, p=values[item.numbers[keys[0]]], observed=item.hits)
        return
    uses = np.array([[key == used for key in keys] for used in item.keys], dtype=float)
    told = pt.dot(hypotheses, uses)
    weights = pt.concatenate([[told[0] + (1 - relevance) * told[1:].sum()], relevance * told[1:]])
    trials = item.trials

    def random(adds: Any, weights: Any, rates: Any, rng: Any = None, size: Any = None) -> Any:
        return rng.binomial(trials, rates[rng.choice(len(rates), p=weights, size=size)])

    pm.CustomDist(
        item.id,
        adds,
        weights / weights.sum(),
        pt.stack([values[item.numbers[key]] for key in keys]),
        logp=lambda value, adds, weights, rates: adds + 0.0 * value,
        random=random,
        signature="(),(k),(k)->()",
        dtype="int64",
        observed=item.hits,
    )


def _observe_log_likelihood(item: EvidenceItem, adds: Tensor) -> None:
    """Enter what an item says where there is no generative model of its data."""
    seen = 1.0 if item.form == "bayes_factor" else float(item.hits)
    pm.CustomDist(
        item.id,
        adds,
        logp=lambda value, adds: adds + 0.0 * value,
        random=lambda adds, rng=None, size=None: np.full(size or (), seen),
        observed=seen,
    )


def _observe_forecast(item: EvidenceItem, log_odds: Tensor) -> None:
    said = float(np.log2(item.forecast) - np.log2(1 - item.forecast))
    sigma = pt.constant(item.sd_bits, dtype="float64")
    pm.Normal(item.id, mu=log_odds / LN2, sigma=sigma, observed=said)


def _log_sum_exp(x: Tensor) -> Tensor:
    """Log of a sum of exponentials over the first axis; minus infinity where every term is."""
    top = pt.max(x, axis=0)
    top = pt.switch(pt.isinf(top), 0.0, top)
    return pt.log(pt.sum(pt.exp(x - top), axis=0)) + top


def _fates(prepared: PreparedStory, values: Sequence[Tensor], outcomes: Tensor) -> Tensor:
    """Take where training ended through checks and harm."""
    graph = prepared.graph
    fates = {fate: pt.constant(0.0) for fate in FATES}
    for o, outcome in enumerate(graph.outcomes):
        intended = graph.routes[outcome.route].outcome_class == INTENDED
        probability, undetected = outcomes[o], pt.constant(1.0)
        for flag in outcome.flags:
            undetected = undetected * (1 - values[flag])
        harm = values[outcome.harm]
        fate = "benign-failure"
        if intended and outcome.hazard is None:
            fate = "success"
        elif outcome.hazard is not None and (
            graph.hazards[outcome.hazard].criterion == "competitiveness"
        ):
            fate = "uncompetitive"
        fates[fate] = fates[fate] + probability * undetected * (1 - harm)
        fates["catastrophe"] = fates["catastrophe"] + probability * undetected * harm
        fates["halted"] = fates["halted"] + probability * (1 - undetected)
    return pt.stack([fates[fate] for fate in FATES])
