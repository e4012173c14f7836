"""Proposed observations: what each could show, and how likely that is under every hypothesis.

A proposal is an evidence item without its result. The same tables that weigh evidence say what the
result will be: its own rates and relevance integrated out, per hypothesis, given the evidence.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, log_expit, logsumexp, ndtri, xlog1py, xlogy

from storyodds.models.engine.arithmetic import log_sum_exp
from storyodds.models.posterior.evidence import collapsed
from storyodds.models.posterior.prepared import PreparedStory
from storyodds.models.story.building import build_graph
from storyodds.models.story.graph import EvidenceItem
from storyodds.priors.distributions.beta_functions import (
    log_beta_binomial,
    log_binomial_coefficients,
)
from storyodds.priors.distributions.families import (
    BetaDistribution,
    Distribution,
    LogitNormal,
    Mixture,
    Point,
    RateLike,
    rate_like,
)
from storyodds.scenarios.resolve import ResolvedStory
from storyodds.scenarios.schema import Evidence, ObservedCounts, Proposal

Array = NDArray[np.float64]

MAX_RESULTS = 200  # told apart; those of more trials are taken together
_NODES = 512  # of a rate, where results are taken together, or so much was seen before
_MANY_TRIALS = 100_000  # trials seen before
_REACH = 12.0  # standard deviations on either side, where an integral over a logit is cut off
_CELLS = 2**16  # of float64: what is summed at once
_TURN = (np.sqrt(5) - 1) / 2  # multiples of it, modulo 1, are spread evenly


@dataclass(frozen=True)
class Observation:
    """A proposed observation and what it could show.

    Attributes
    ----------
    proposal : Proposal
    subject : {"assumption", "outcome"}
    target : int or None
        Index of the assumption.
    states : tuple of int
        Indices of its states, where the observation is about which of them holds.
    trials : int
    hits : (n_results, 2) int array
        Each result as the first and the last number of hits that it stands for.
    chances : (n_results, n_hypotheses) array
        P(result | hypothesis, evidence), the hypotheses being false and true, or the states, or
        the routes; or pairs of a row and an alternative, where rates depend on assumptions.
    at_draws : callable, optional
        Where rates are sampled numbers that stand in other parts of the story too: the same at
        draws of the numbers, from (n_draws, n_numbers) to (n_draws, n_results, n_hypotheses).
    by_row : bool
        Whether rates depend on assumptions.
    """

    proposal: Proposal
    subject: str
    target: int | None
    trials: int
    hits: NDArray[np.int64]
    chances: Array
    states: tuple[int, ...] = ()
    at_draws: Callable[[Array], Array] | None = None
    by_row: bool = False


def observations(prepared: PreparedStory) -> tuple[Observation, ...]:
    """Work out what every proposed observation of a story could show.

    Parameters
    ----------
    prepared : PreparedStory

    Returns
    -------
    tuple of Observation

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.posterior.prepared import prepare
    >>> from storyodds.scenarios.resolve import resolve
    >>> story = resolve(load_story("carlsmith-six-premises"), standard=True)
    >>> [options.hits.tolist() for options in observations(prepare(story))][0]
    [[0, 0], [1, 1]]
    """
    items, distributions = _items(prepared.resolved)
    left_out, sampled = sharing(prepared), frozenset(prepared.sampled)
    return tuple(
        _observation(proposal, items, distributions, sampled)
        for proposal in prepared.resolved.proposals
        if proposal.id not in left_out
    )


def sharing(prepared: PreparedStory) -> tuple[str, ...]:
    """Name the proposals whose numbers stand in other parts, and are integrated out there.

    A result would tell of these numbers in every place, of which no draws are at hand: no value of
    such a proposal is given. Numbers that are sampled are no obstacle.

    Parameters
    ----------
    prepared : PreparedStory
    """
    items, _ = _items(prepared.resolved)
    uncertain = frozenset(prepared.uncertain)

    def is_out(proposal: Proposal) -> bool:
        item = items[proposal.replicates or proposal.id]
        numbers = uncertain.intersection(item.reading)
        # A replication has the numbers of its finding, which are that finding's own.
        of_findings = frozenset() if proposal.replicates is not None else prepared.own
        return not numbers.isdisjoint({*prepared.integrated, *of_findings})

    return tuple(proposal.id for proposal in prepared.resolved.proposals if is_out(proposal))


def _items(resolved: ResolvedStory) -> tuple[Mapping[str, EvidenceItem], list[Distribution]]:
    """The story's findings and proposals as evidence, by id, and the priors of all numbers."""
    with_new = with_proposals(resolved, [proposal.id for proposal in resolved.proposals])
    distributions = [number.distribution for number in with_new.numbers]
    return {item.id: item for item in build_graph(with_new).evidence}, distributions


def with_proposals(resolved: ResolvedStory, names: Sequence[str]) -> ResolvedStory:
    """Return a story with observations that nobody has made among its findings, for their tables.

    Parameters
    ----------
    resolved : ResolvedStory
    names : sequence of str
        Proposals; those that replicate a finding are left out, as that is there already.
    """
    new = [
        _as_evidence(proposal, 0)
        for proposal in resolved.proposals
        if proposal.id in names and proposal.replicates is None
    ]
    return _with_evidence(resolved, (*resolved.story.evidence, *new))


def with_result(resolved: ResolvedStory, proposal: str, hits: int) -> ResolvedStory:
    """Return a story as it would be once a proposed observation had been made.

    Parameters
    ----------
    resolved : ResolvedStory
    proposal : str
        Its id.
    hits : int

    Returns
    -------
    ResolvedStory
        With the result among its evidence; of a replication, added to the finding's counts.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.scenarios.resolve import resolve
    >>> story = resolve(load_story("carlsmith-six-premises"), standard=True)
    >>> with_result(story, "honeypot-run", 3).story.evidence[-1].counts
    ObservedCounts(hits=3, trials=100)
    """
    chosen = next(candidate for candidate in resolved.proposals if candidate.id == proposal)
    evidence = resolved.story.evidence
    if chosen.replicates is None:
        return _with_evidence(resolved, (*evidence, _as_evidence(chosen, hits)))
    return _with_evidence(
        resolved,
        tuple(
            _added(item, chosen, hits) if item.id == chosen.replicates else item
            for item in evidence
        ),
    )


def _as_evidence(proposal: Proposal, hits: int) -> Evidence:
    assert proposal.about is not None and proposal.trials is not None
    return Evidence(
        id=proposal.id,
        about=proposal.about,
        after=proposal.after,
        counts=ObservedCounts(hits=hits, trials=proposal.trials),
        rates=proposal.rates,
        relevance=proposal.relevance,
    )


def _added(item: Evidence, proposal: Proposal, hits: int) -> Evidence:
    counts = item.counts
    assert counts is not None
    more = counts.trials if proposal.trials is None else proposal.trials
    total = ObservedCounts(hits=counts.hits + hits, trials=counts.trials + more)
    return item.model_copy(update={"counts": total})


def _with_evidence(resolved: ResolvedStory, evidence: Sequence[Evidence]) -> ResolvedStory:
    return replace(
        resolved,
        story=resolved.story.model_copy(update={"evidence": tuple(evidence)}),
        numbers=(*resolved.numbers, *resolved.proposal_numbers),
    )


def _observation(
    proposal: Proposal,
    items: Mapping[str, EvidenceItem],
    distributions: Sequence[Distribution],
    sampled: frozenset[int],
) -> Observation:
    item = items[proposal.replicates or proposal.id]
    again = proposal.replicates is not None
    trials = item.trials if proposal.trials is None else proposal.trials
    counts = (item.hits, item.trials) if again else (0, 0)
    hits = np.repeat(np.arange(trials + 1)[:, None], 2, axis=1)
    if trials > MAX_RESULTS:
        used = dict.fromkeys(item.numbers.values())
        hits = _groups([_nodes(distributions[number], counts) for number in used], trials)
    show = partial(_chances, item, trials=trials, again=again, hits=hits)
    shared = tuple(i for i in item.reading if i in sampled)
    at_draws = partial(_chances_at, show, distributions, shared) if shared else None
    chances = show(distributions)
    about = item.subject, item.target
    by_row = bool(item.rows)
    return Observation(proposal, *about, trials, hits, chances, item.states, at_draws, by_row)


def _chances(
    item: EvidenceItem,
    distributions: Sequence[Distribution],
    *,
    trials: int,
    again: bool,
    hits: NDArray[np.int64],
) -> Array:
    """P(result | hypothesis, evidence), (n_results, n_hypotheses)."""
    if item.rows:
        rows = (
            _chances(row, distributions, trials=trials, again=again, hits=hits)
            for _, row in item.rows
        )
        return np.hstack(list(rows))
    counts = (item.hits, item.trials) if again else (0, 0)
    used = {key: distributions[item.numbers[key]] for key in item.alternatives}
    if trials <= MAX_RESULTS:
        by_key = {key: _each(rate, trials, counts) for key, rate in used.items()}
    else:
        by_key = {key: _grouped(_nodes(rate, counts), trials, hits) for key, rate in used.items()}
    columns = _mixed(item, distributions, by_key, again)
    return np.stack([columns[key] for key in item.keys], axis=1)


def _chances_at(
    show: Callable[[Sequence[Distribution]], Array],
    distributions: Sequence[Distribution],
    shared: tuple[int, ...],
    values: Array,
) -> Array:
    """The same at draws of the numbers that stand in other parts, (n_draws, …)."""
    by_draw = []
    for row in values:
        settled = list(distributions)
        for i in shared:
            settled[i] = Point(float(row[i]))
        by_draw.append(show(settled))
    return np.stack(by_draw)


def _mixed(
    item: EvidenceItem,
    distributions: Sequence[Distribution],
    by_key: Mapping[str, Array],
    again: bool,
) -> dict[str, Array]:
    """P(result | hypothesis, evidence), by key, whether the observation bears on the matter or not.

    Where it does not, it comes from a process that cannot see the hypotheses, and each alternative
    is as good as another. A finding that is replicated tells which of all this is the case.
    """
    assert item.relevance is not None
    relevance = float(rate_like(distributions[item.relevance]).mean())
    before = dict.fromkeys(by_key, 0.0)
    if again:
        before = collapsed(item, distributions).log_by_key
    with np.errstate(divide="ignore"):
        relevant, blind = np.log(relevance), np.log1p(-relevance) - np.log(len(by_key))
    mixed = {}
    for key in by_key:
        ways = [(relevant + before[key], key), *((blind + before[a], a) for a in by_key)]
        top = max(log for log, _ in ways)
        if not np.isfinite(top):  # the evidence rules the hypothesis out, whatever comes
            mixed[key] = by_key[key]
            continue
        counts = np.exp([log - top for log, _ in ways])
        rows = np.stack([by_key[of] for _, of in ways])
        mixed[key] = np.asarray(counts @ rows / counts.sum())
    return mixed


def _each(rate: Distribution, trials: int, counts: tuple[int, int]) -> Array:
    """P(k hits | rate's hypothesis, hits seen before) for every k."""
    if counts[1] > _MANY_TRIALS:
        nodes, k = _nodes(rate, counts), np.arange(trials + 1)[:, None]
        ways = log_binomial_coefficients(k, trials - k)
        log_joint = logsumexp(ways + xlogy(k, nodes) + xlog1py(trials - k, -nodes), axis=1)
    else:
        log_joint = _log_joint(rate_like(rate), trials, counts)
    if not np.isfinite(log_joint.max()):  # the evidence rules the hypothesis out, whatever comes
        return np.full(trials + 1, 1 / (trials + 1))
    chances = np.exp(log_joint - log_joint.max())
    return np.asarray(chances / chances.sum())


def _log_joint(rate: RateLike, trials: int, counts_before: tuple[int, int]) -> Array:
    """Log P(hits seen before, and k hits) for every k, up to what does not depend on k."""
    k = np.arange(trials + 1)
    hits, misses = counts_before[0] + k, counts_before[1] - counts_before[0] + trials - k
    ways = log_binomial_coefficients(k, trials - k)
    if isinstance(rate, Mixture):
        parts = [_log_joint(rate_like(part), trials, counts_before) for part in rate.components]
        return np.asarray(logsumexp(parts, axis=0, b=np.array(rate.weights)[:, None]))
    if isinstance(rate, Point):
        return np.asarray(ways + xlogy(hits, rate.value) + xlog1py(misses, -rate.value))
    if isinstance(rate, BetaDistribution):
        misses_before = counts_before[1] - counts_before[0]
        before = rate.binomial_log_marginal(*counts_before) - log_binomial_coefficients(
            counts_before[0], misses_before
        )
        a, b = rate.a + counts_before[0], rate.b + misses_before
        return np.asarray(log_beta_binomial(k, trials - k, a, b) + before)
    if isinstance(rate, LogitNormal):
        # One grid for every k: a trapezoid finer than prior and likelihood are wide.
        step = min(rate.sd, 2 / np.sqrt(trials + counts_before[1])) / 6
        z = np.arange(-_REACH * rate.sd, _REACH * rate.sd + step, step)
        log_prior = -0.5 * (z / rate.sd) ** 2 + np.log(step / rate.sd / np.sqrt(2 * np.pi))
        z += rate.location
        log_odds, counts = np.stack([log_expit(z), log_expit(-z)]), np.stack([hits, misses], axis=1)
        summed = [
            log_sum_exp(log_prior + batch @ log_odds, axis=1)
            for batch in np.array_split(counts, -(-counts.size * z.size // _CELLS))
        ]
        return np.asarray(ways + np.concatenate(summed))
    log_marginal = [rate.binomial_log_marginal(int(h), trials + counts_before[1]) for h in hits]
    return np.asarray(log_marginal + ways - log_binomial_coefficients(hits, misses))


def _nodes(rate: Distribution, counts: tuple[int, int]) -> Array:
    """Values of a rate that stand for equal shares of its distribution, given hits seen before."""
    u = (np.arange(_NODES) + 0.5) / _NODES
    if counts[1] and np.isfinite(rate_like(rate).binomial_log_marginal(*counts)):
        return rate_like(rate).draw_given_binomial(u, *counts)
    return rate.quantile(u)


def _groups(nodes: Sequence[Array], trials: int) -> NDArray[np.int64]:
    """Stretches of hits, narrow where some hypothesis expects many results."""
    v = ndtri(np.modf(_TURN * (np.arange(_NODES) + 0.5))[0])
    levels = np.linspace(0, 1, MAX_RESULTS // len(nodes))
    expected = [np.quantile(trials * r + v * np.sqrt(trials * r * (1 - r)), levels) for r in nodes]
    inside = np.clip(np.concatenate(expected), 0, trials - 1).astype(np.int64)
    last = np.unique(np.append(inside, trials))
    return np.stack([np.append(0, last[:-1] + 1), last], axis=1)


def _grouped(rates: Array, trials: int, hits: NDArray[np.int64]) -> Array:
    """P(hits in each group), averaged over values of a rate."""
    k = hits[:-1, 1, None].astype(float)
    below = betainc(trials - k, k + 1, 1 - rates).mean(axis=1)
    return np.diff(np.concatenate([[0.0], below, [1.0]]))
