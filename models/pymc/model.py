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
from scipy.linalg import block_diag

from storyodds.models.posterior.evidence import collapsed, columns, event_likelihoods
from storyodds.models.posterior.prepared import PreparedStory, prepare
from storyodds.models.posterior.shared_rates import SharedByRow, SharedRates, Table
from storyodds.models.pymc.correlated import block_variables
from storyodds.models.pymc.ops import LogEvidence, Marginals, SharedTable
from storyodds.models.story.events import CRITERIA, FATES, Share, shares_of
from storyodds.models.story.graph import CheckNode, EvidenceItem, StoryGraph
from storyodds.models.story.likelihoods import item_targets
from storyodds.models.story.outcomes import DEPLOYED
from storyodds.priors.distributions.beta_functions import log_binomial_coefficients
from storyodds.priors.distributions.bounded import TruncatedLogNormal, TruncatedNormal, Uniform
from storyodds.priors.distributions.families import (
    LN2,
    BetaDistribution,
    Distribution,
    LogitNormal,
    Mixture,
    NormalDistribution,
    Point,
    has_atoms,
)
from storyodds.priors.distributions.forms import Kind
from storyodds.priors.distributions.log_pool import LogPool
from storyodds.priors.library import View
from storyodds.priors.library import view as load_view
from storyodds.priors.text.errors import Problem, UnsupportedStoryError
from storyodds.scenarios.grammar.outcomes import CLASSES
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.story import Story
from storyodds.scenarios.switches import with_off

Tensor = Any  # PyTensor's own types say little more


def compile_story(
    story: Story,
    *,
    view: str | View | None = None,
    settings: Mapping[str, Any] | None = None,
    off: Sequence[str] = (),
) -> pm.Model:
    """Compile a story to a PyMC model, to look inside, to extend, or to sample in your own way.

    Parameters
    ----------
    story : Story
    view : str or View, optional
    settings : mapping of str to PRIOR, optional
        Overrides, as in `estimate`.
    off : sequence of str, optional
        Parts to be switched off, as in `estimate`.

    Returns
    -------
    pymc.Model
        One random variable per uncertain number of the story, by name
        (`situational-awareness.probability`); of numbers that go together these are deterministics
        of `scores_1` and so on, jointly normal variables with one entry for each. What only says
        how to read one finding (its rates, its relevance) is integrated out. One observed variable
        per check with a known result and per evidence item, by its id; deterministics
        `assumption_probability`, `route_probability`, `class_probability`, `fate_probability`,
        `deployed_probability` and `goal_probability`, given the numbers and all evidence, with
        labelled dims.

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
    prepared = prepare(resolve(story, view=chosen, settings=with_off(settings, off)))
    graph = prepared.graph
    coords = {
        "assumption": [variable.name for variable in graph.variables],
        "route": [route.id for route in graph.routes],
        "class": list(CLASSES),
        "fate": list(FATES),
        "criterion": list(CRITERIA),
    }
    with pm.Model(coords=coords) as model:
        values = _numbers(prepared)
        marginals = _condition(prepared, values)
        pm.Deterministic("assumption_probability", marginals.true, dims="assumption")
        pm.Deterministic("route_probability", marginals.routes, dims="route")
        member = np.array(graph.route_classes())[:, None] == np.arange(len(CLASSES))
        classes = pt.dot(marginals.routes, member.astype(float))
        pm.Deterministic("class_probability", classes, dims="class")
        events = _events(prepared, values, marginals.outcomes, (*FATES, DEPLOYED))
        pm.Deterministic("fate_probability", events[: len(FATES)], dims="fate")
        pm.Deterministic("deployed_probability", events[len(FATES)])
        pm.Deterministic("goal_probability", marginals.goals, dims="criterion")
    return model


def _numbers(prepared: PreparedStory) -> list[Tensor]:
    """Every number of the story as a scalar; uncertain ones are random variables."""
    entries: list[Tensor] = []
    together: dict[int, Tensor] = {}
    for place, block in enumerate(prepared.blocks, 1):
        for i in block.numbers:
            _refuse_fixed_values(prepared.resolved.numbers[i].name, prepared.distributions[i])
        together |= block_variables(prepared, block, place)
    for i, (number, distribution) in enumerate(
        zip(prepared.resolved.numbers, prepared.distributions, strict=True)
    ):
        if isinstance(distribution, Point):
            entries.append(pt.constant(distribution.value, dtype="float64"))
        elif i in together:
            entries.append(together[i])
        elif i in prepared.own:
            entries.append(pt.constant(0.5))  # integrated out: nothing reads it
        else:
            entries.append(_variable(number.name, number.kind, distribution))
    return entries


def _refuse_fixed_values(name: str, distribution: Distribution) -> None:
    if has_atoms(distribution):
        raise UnsupportedStoryError(
            [
                Problem(
                    f"compile_story: '{name}' is a pool with fixed values, which has no density; "
                    "expected intervals in the pool"
                )
            ]
        )


def _variable(name: str, kind: Kind, distribution: Distribution) -> Tensor:
    _refuse_fixed_values(name, distribution)
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
class _Conditioned:
    """Log-likelihoods put in so far, and what is known of the discrete part given them."""

    assumptions: Tensor  # (false, true) by item about an assumption
    routes: Tensor
    log_evidence: Tensor
    chances: "_Marginals"
    pairs: Tensor  # P(false) and P(true) by item, in the order of `assumptions`


@dataclass(frozen=True)
class _Marginals:
    """Probabilities given the evidence put in so far; they have no derivatives."""

    false: Tensor
    true: Tensor
    routes: Tensor
    outcomes: Tensor
    goals: Tensor


def _condition(prepared: PreparedStory, values: Sequence[Tensor]) -> _Marginals:
    """Observe results and items one after the other, and give what is known in the end."""
    graph, column = prepared.graph, columns(prepared.graph)
    log_evidence, marginals = LogEvidence(prepared), Marginals(prepared)
    numbers = pt.stack(values) if values else pt.zeros(0)
    silent = _without_results(graph, numbers)

    def given(numbers: Tensor, assumptions: Tensor, routes: Tensor) -> _Conditioned:
        total, _, pairs, _ = log_evidence(numbers, assumptions, routes)
        chances = _Marginals(*marginals(numbers, assumptions, routes))
        return _Conditioned(assumptions, routes, total, chances, pairs)

    nothing = pt.zeros(2 * len(item_targets(graph))), pt.zeros(len(graph.routes))
    conditioned = given(silent, *nothing)
    for c, check in enumerate(graph.checks):
        if check.result is not None:
            with_it = given(_without_results(graph, numbers, after=c), *nothing)
            _observe_result(check, with_it.log_evidence - conditioned.log_evidence)
            conditioned = with_it
    for i, item in enumerate(graph.evidence):
        if item.form == "forecast":
            sides = (event_likelihoods(graph, i, happens) for happens in (True, False))
            yes, no = (log_evidence(silent, s.assumptions[0], s.routes[0])[0] for s in sides)
            _observe_forecast(item, yes - no)
            continue
        table = _by_target(item, _table(prepared.tables[i], numbers))
        before, assumptions, routes = conditioned, conditioned.assumptions, conditioned.routes
        hypotheses = _hypotheses(item, before.chances)
        if i in column:
            own = slice(column[i], column[i] + 2 * len(item.pairs))
            assumptions = pt.inc_subtensor(assumptions[own], table)
            if item.rows:
                hypotheses = before.pairs[own][1::2]
        else:
            routes = routes + table
        conditioned = given(numbers, assumptions, routes)
        adds = conditioned.log_evidence - before.log_evidence
        _observe_item(prepared, item, numbers, hypotheses, adds)
    return conditioned.chances


def _table(table: Table, numbers: Tensor) -> Tensor:
    """What an item says, as a constant or as a function of the numbers that it shares."""
    if isinstance(table, SharedByRow):
        return pt.concatenate([_table(row, numbers) for row in table.rows])
    if not isinstance(table, SharedRates):
        assert table is not None
        return pt.constant(table[0])
    item, own = table.item, table.own
    if item.form == "exposure":
        return SharedTable(table)(numbers)[0]
    hits, misses = item.hits, item.trials - item.hits
    ways = float(log_binomial_coefficients(hits, misses))
    face = {key: pt.constant(log, dtype="float64") for key, log in own.log_by_key.items()}
    for key, number in table.shared.items():
        x = numbers[number]
        counted = pt.constant(ways, dtype="float64")
        counted = counted + hits * pt.log(x) if hits else counted
        counted = counted + misses * pt.log1p(-x) if misses else counted
        face[key] = counted if item.form == "counts" else LN2 * x
    if table.relevance is None and own.relevance == 1.0:
        return pt.stack([face[key] for key in item.keys])
    relevance = pt.constant(own.relevance, dtype="float64")
    if table.relevance is not None:
        relevance = numbers[table.relevance]
    blind = pt.log1p(-relevance) + pt.logsumexp(pt.stack(list(face.values()))) - np.log(len(face))
    return pt.stack([pt.logaddexp(pt.log(relevance) + face[key], blind) for key in item.keys])


def _by_target(item: EvidenceItem, table: Tensor) -> Tensor:
    """A table of hypotheses as of targets, false and then true; see `evidence.by_target`."""
    if not item.one_of_many:
        return table
    return pt.set_subtensor(pt.zeros(2 * len(item.keys))[1::2], table)


def _without_results(graph: StoryGraph, numbers: Tensor, after: int = -1) -> Tensor:
    """Numbers under which the results of checks after one of them are certain, and say nothing."""
    silent = graph.result_rates(range(after + 1, len(graph.checks)))
    if silent.readings.numbers:
        numbers = pt.concatenate([numbers, numbers[list(silent.readings.numbers)]])
    for rates, certain in ((silent.passed, 0.0), (silent.flagged, 1.0)):
        if rates:
            numbers = pt.set_subtensor(numbers[list(rates)], certain)
    return numbers


def _hypotheses(item: EvidenceItem, chances: _Marginals) -> Tensor:
    """P(hypothesis | numbers, evidence so far), in the order of the item's keys."""
    if item.states:
        return pt.stack([chances.true[v] for v in item.states])
    if item.target is not None:
        return pt.stack([chances.false[item.target], chances.true[item.target]])
    return chances.routes


def _observe_item(
    prepared: PreparedStory, item: EvidenceItem, numbers: Tensor, hypotheses: Tensor, adds: Tensor
) -> None:
    """Observe an item by the log-likelihood that it adds, which the engine gives with its gradient.

    Counts can be drawn: from the rate of a hypothesis that is drawn first, or, where the item does
    not bear on the matter, from that of any of its alternatives in the row that holds.
    """
    rows = [row for _, row in item.rows] or [item]
    numbered = [(row, key, number) for row in rows for key, number in row.numbers.items()]
    own = [prepared.distributions[number] for _, _, number in numbered]
    own_relevance = float(collapsed(rows[0], prepared.distributions).relevance)
    assert item.relevance is not None
    shown = {
        k: row.visibilities[key]
        for k, (row, key, _) in enumerate(numbered)
        if key in row.visibilities
    }
    read = [*(number for _, _, number in numbered), *shown.values(), item.relevance]
    # Of what the item shares with other places, the values; of the rest, nothing.
    values = pt.stack([numbers[i] if i in prepared.shared else pt.constant(np.nan) for i in read])
    uses = block_diag(*([[k == used for k in row.numbers] for used in row.keys] for row in rows))
    blind = block_diag(*(np.full((len(row.keys), len(row.numbers)), 1.0) for row in rows))
    blind /= np.maximum(blind.sum(axis=1, keepdims=True), 1.0)

    def draw(adds: Any, hypotheses: Any, values: Any, rng: Any = None, size: Any = None) -> Any:
        if item.form not in ("counts", "exposure"):
            return np.full(size or (), _count(item))
        *stated, relevance = values
        relevance = own_relevance if np.isnan(relevance) else relevance
        chances = hypotheses @ (relevance * uses + (1 - relevance) * blind)
        chosen = rng.choice(len(own), p=chances / chances.sum(), size=size or ())
        rates = np.array(
            [
                float(own[k].quantile(rng.random())) if np.isnan(stated[k]) else stated[k]
                for k in np.ravel(chosen)
            ]
        )
        for (k, number), share in zip(shown.items(), stated[len(own) :], strict=True):
            rows = np.ravel(chosen) == k
            drawn = prepared.distributions[number].quantile(rng.random(int(rows.sum())))
            rates[rows] *= drawn if np.isnan(share) else share
        if item.time is not None:
            return rng.poisson(item.time * rates.reshape(np.shape(chosen)))
        return rng.binomial(item.trials, rates.reshape(np.shape(chosen)))

    pm.CustomDist(
        item.id,
        adds,
        hypotheses,
        values,
        logp=lambda value, adds, hypotheses, values: adds + 0.0 * value,
        random=draw,
        signature="(),(k),(m)->()",
        observed=_count(item),
    )


def _count(item: EvidenceItem) -> float:
    return float(item.hits) if item.form in ("counts", "exposure") else 1.0


def _observe_result(check: CheckNode, adds: Tensor) -> None:
    """Observe the known result of a check: 1 where it has flagged the model."""
    flagged = float(check.result == "flagged")
    pm.CustomDist(
        check.id,
        adds,
        logp=lambda value, adds: adds + 0.0 * value,
        random=lambda adds, rng=None, size=None: np.full(size or (), flagged),
        observed=flagged,
    )


def _observe_forecast(item: EvidenceItem, log_odds: Tensor) -> None:
    bits = float(np.log2(item.forecast) - np.log2(1 - item.forecast))
    sigma = pt.constant(item.sd_bits, dtype="float64")
    pm.Normal(item.id, mu=log_odds / LN2, sigma=sigma, observed=bits)


def _events(
    prepared: PreparedStory, values: Sequence[Tensor], outcomes: Tensor, names: Sequence[str]
) -> Tensor:
    """Take where training ended through checks and harm to events."""
    graph, shares = prepared.graph, shares_of(prepared.graph)

    def chance(share: Share) -> Tensor:
        route = graph.routes[graph.outcomes[share.outcome].route]
        probability, unflagged = outcomes[share.outcome], pt.constant(1.0)
        for c in graph.live_checks if share.flagged is not None else ():
            unflagged = unflagged * (1 - values[route.flags[c].number])
        if share.flagged is not None:
            probability = probability * (1 - unflagged if share.flagged else unflagged)
        if share.harmful is not None:
            harm = values[route.harm.number]
            probability = probability * (harm if share.harmful else 1 - harm)
        return probability

    return pt.stack(
        [sum((chance(share) for share in shares[name]), pt.constant(0.0)) for name in names]
    )
