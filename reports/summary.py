"""The JSON contract: one plain object that says everything about an assessment.

Means are posterior means with the evidence items' own numbers integrated out. The median and the
5 and 95 percent points are taken over posterior draws of all uncertain numbers. A conditional
probability is summarized over the posterior given its condition, so that its mean is the
conditional probability itself, not an average of ratios.
"""

import hashlib
import json
import platform
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from storyodds.models.assessment import Assessment
from storyodds.models.cut_sets import CutSet
from storyodds.models.derivatives import EVENTS, mean_derivatives
from storyodds.models.events import FATES
from storyodds.models.quantities import Derived, Path, derive, link_queries, prefixes
from storyodds.models.queries import Query
from storyodds.priors.errors import UnsupportedStoryError
from storyodds.scenarios.provenance import is_reference, plain_source, provenance, written_numbers
from storyodds.scenarios.resolve import BASES
from storyodds.scenarios.schema import CLASSES, INTENDED, Story
from storyodds.scenarios.serialize import to_data

Array = NDArray[np.float64]
Summary = dict[str, float]

SCHEMA = "storyodds/estimate/1"

_LEVELS = (0.5, 0.05, 0.95)
_NOTHING = 1e-12  # per bit: what rounding leaves of a derivative that is 0
_version = cache(version)
_TINY = np.log(1e6)  # nats below what the best-fitting hypotheses would give


class _View:
    """An assessment with what follows from its outcomes, averaged and exact."""

    def __init__(self, assessment: Assessment) -> None:
        graph, draws = assessment.prepared.graph, assessment.draws
        self.assessment = assessment
        self.graph = graph
        self.weights = draws.weights
        self.averaged = derive(graph, draws.values, assessment.averaged.outcomes)
        self.exact = derive(graph, draws.values, assessment.exact.outcomes)
        self.column = {query: k for k, query in enumerate(assessment.queries)}
        self.link = {query: k for k, query in enumerate(assessment.links)}

    def of(self, averaged: Array, exact: Array) -> Summary:
        """Summarize a quantity."""
        return summarize_draws(averaged, exact, self.weights)

    def both(self, pick: Any) -> Summary:
        """Summarize what `pick` takes from the derived quantities."""
        return self.of(pick(self.averaged), pick(self.exact))

    def ratio(self, part: Any, whole: Any) -> Summary | None:
        """Summarize a conditional probability, over the posterior given its condition."""
        return summarize_ratio(
            part(self.averaged),
            whole(self.averaged),
            part(self.exact),
            whole(self.exact),
            self.weights,
        )


def summarize_draws(averaged: Array, exact: Array, weights: Array) -> Summary:
    """Mean of one set of weighted draws, quantiles of another.

    Parameters
    ----------
    averaged, exact, weights : (n_draws,) arrays

    Returns
    -------
    dict
        `mean`, `median`, `q05` and `q95`.

    Examples
    --------
    >>> summarize_draws(np.array([0.25]), np.array([0.25]), np.ones(1))
    {'mean': 0.25, 'median': 0.25, 'q05': 0.25, 'q95': 0.25}
    """
    order = np.argsort(exact)
    reached = np.cumsum(weights[order])
    median, low, high = exact[order[np.searchsorted(reached / reached[-1], _LEVELS)]]
    if np.isnan(exact[order[-1]]):  # they are sorted last, and leave nothing to be told
        median = low = high = np.nan
    return {
        "mean": float(weights @ averaged / weights.sum()),
        "median": float(median),
        "q05": float(low),
        "q95": float(high),
    }


def finite(x: float) -> float | None:
    """A number for JSON, which has none that are infinite or undefined."""
    return float(x) if np.isfinite(x) else None


def summarize_ratio(
    part: Array, whole: Array, exact_part: Array, exact_whole: Array, weights: Array
) -> Summary | None:
    """Summarize P(part | whole) from draws of both; None where `whole` has probability 0.

    Examples
    --------
    >>> half, all_of_it = np.array([0.1, 0.4]), np.array([0.2, 0.8])
    >>> summarize_ratio(half, all_of_it, half, all_of_it, np.ones(2))["mean"]
    0.5
    """
    total = weights * exact_whole
    if not (weights @ whole > 0 and total.sum() > 0):
        return None
    possible = total > 0
    quotient = exact_part[possible] / exact_whole[possible]
    summary = summarize_draws(quotient, quotient, total[possible])
    summary["mean"] = float((weights @ part) / (weights @ whole))
    return summary


def summarize(assessment: Assessment) -> dict[str, Any]:
    """Give an assessment as the JSON object of `storyodds estimate --json`.

    Parameters
    ----------
    assessment : Assessment

    Returns
    -------
    dict
        Plain lists, mappings, texts and finite numbers. Probabilities are between 0 and 1,
        `bits` are log2 odds, `log_probability` is in nats.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> summary = summarize(assess(resolve(load_story("carlsmith-six-premises"))))
    >>> round(summary["fates"]["catastrophe"]["mean"], 6)
    0.051376
    """
    view = _View(assessment)
    prior = derive(view.graph, assessment.prior_values, assessment.prior.outcomes)
    return {
        **head(assessment, SCHEMA),
        "classes": {
            name: view.both(lambda d, c=c: d.classes[:, c]) for c, name in enumerate(CLASSES)
        },
        "prior_classes": {name: _plain(prior.classes[:, c]) for c, name in enumerate(CLASSES)},
        "routes": {
            route.id: {
                **view.of(assessment.averaged.routes[:, r], assessment.exact.routes[:, r]),
                "class": route.outcome_class,
                "kind": route.kind,
            }
            for r, route in enumerate(view.graph.routes)
        },
        "fates": {name: view.both(lambda d, f=f: d.fates[:, f]) for f, name in enumerate(FATES)},
        "false_alarm": view.both(lambda d: d.false_alarm),
        "criteria": _criteria(view),
        "catastrophe_given_failure": view.ratio(
            lambda d: d.fates[:, FATES.index("catastrophe")],
            # Not 1 - success, which has no digits left where failure is very unlikely.
            lambda d: np.delete(d.fates, FATES.index("success"), axis=1).sum(axis=1),
        ),
        "lens": _lens(view),
        "assumptions": {
            variable.name: {
                **view.of(
                    assessment.averaged.assumptions[:, v], assessment.exact.assumptions[:, v]
                ),
                "prior": _plain(assessment.prior.assumptions[:, v]),
            }
            for v, variable in enumerate(view.graph.variables)
        },
        "paths": _paths(view),
        "evidence": _evidence(view),
        "provenance": provenance(assessment.prepared.resolved),
        "rests_on": _rests_on(view),
        "diagnostics": diagnostics(assessment),
    }


def head(assessment: Assessment, schema: str) -> dict[str, Any]:
    """Give what every JSON object about a story starts with: which story, and how computed."""
    resolved, method = assessment.prepared.resolved, assessment.draws.method
    return {
        "schema": schema,
        "story": resolved.story.story,
        "title": resolved.story.title,
        "story_sha256": _digest(resolved.story),
        "view": resolved.view,
        "settings": dict(resolved.settings),
        "method": method,
        "seed": assessment.seed,
        "versions": _versions(method),
    }


def diagnostics(assessment: Assessment) -> dict[str, Any]:
    """Give what says whether the draws can be relied on."""
    draws = assessment.draws
    return {"ok": draws.ok, **draws.diagnostics, "messages": list(draws.messages)}


def _digest(story: Story) -> str:
    """A hash of what the story says, whatever its layout."""
    canonical = json.dumps(to_data(story), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _plain(draws: Array) -> Summary:
    return summarize_draws(draws, draws, np.full(len(draws), 1 / len(draws)))


def _versions(method: str) -> dict[str, str]:
    used = {
        "exact": [],
        "weighting": ["arviz-stats"],
        "nuts": ["arviz-stats", "nutpie"],
        "simulation": ["arviz-stats"],
    }[method]
    names = ["storyodds", "numpy", "scipy", *used]
    return {"python": platform.python_version(), **{name: _version(name) for name in names}}


def _intended(derived: Derived) -> Array:
    return derived.classes[:, CLASSES.index(INTENDED)]


def _criteria(view: _View) -> dict[str, Summary | None]:
    feasibility = view.graph.feasibility
    values = view.assessment.draws.values

    def spared(criterion: str) -> Summary | None:
        return view.ratio(lambda d: _intended(d) - d.hazard_fired[criterion], _intended)

    return {
        "goal_alignment": spared("alignment"),
        "goal_competitiveness": spared("competitiveness"),
        "rationale_alignment": view.both(_intended),
        "rationale_competitiveness": None
        if feasibility is None
        else view.of(values[:, feasibility], values[:, feasibility]),
    }


def _lens(view: _View) -> dict[str, Any]:
    goal = view.assessment.prepared.resolved.story.goal
    kinds = sorted({route.kind for route in view.graph.routes if route.kind is not None})

    def of_kind(kind: str) -> Summary:
        which = [r for r, route in enumerate(view.graph.routes) if route.kind == kind]
        assessed = view.assessment
        return view.of(
            assessed.averaged.routes[:, which].sum(axis=1),
            assessed.exact.routes[:, which].sum(axis=1),
        )

    outer = inner = None
    if goal.loss_seeking:
        wanted = float(goal.optimization != "none")
        outer = view.ratio(lambda d: _intended(d) - d.hazard_fired["alignment"], _intended)
        rivals = [CLASSES.index("mesa-optimizer"), CLASSES.index("deceptive")]
        inner = view.ratio(
            lambda d: wanted * _intended(d),
            lambda d: wanted * _intended(d) + d.classes[:, rivals].sum(axis=1),
        )
        reason = (
            "The story wants a model that optimizes its training objective, so it can be asked "
            "whether that objective is good (outer) and whether the trained optimizer pursues "
            "it (inner)."
        )
    else:
        intends = {
            "none": "a model that does not optimize anything itself",
            "narrow": "a model that optimizes in a narrow domain only",
            "myopic": "a model that optimizes myopically",
            "open-ended": "an optimizer of something other than its training objective",
        }[goal.optimization]
        reason = (
            f"Outer and inner alignment do not apply: the goal is {intends}. A model that "
            "optimized its training objective would be a failure of the rationale, not a success "
            "of inner alignment."
        )
    return {
        "applies": goal.loss_seeking,
        "reason": reason,
        "outer_alignment": outer,
        "inner_alignment": inner,
        "kinds": {kind: of_kind(kind) for kind in kinds},
    }


def _exposure(path: Path, chances: Sequence[Array], derived: Derived) -> tuple[Array, Array, Array]:
    """Per-draw probability of a path's endings: as such, undetected, harmful.

    Parameters
    ----------
    chances : sequence of (n_draws,) arrays
        By outcome of the path.
    """
    each = list(zip(chances, path.outcomes, strict=True))
    probability = np.sum([q for q, _ in each], axis=0)
    undetected = np.sum([q * derived.undetected[:, o] for q, o in each], axis=0)
    concern = np.sum([q * derived.undetected[:, o] * derived.harm[:, o] for q, o in each], axis=0)
    return probability, undetected, concern


def _path_arrays(view: _View, path: Path) -> dict[str, tuple[Array, Array]]:
    """Per-draw (averaged, exact) probability, undetected and concern of a path."""
    assessed = view.assessment
    columns = [view.column[Query((o,), path.literals)] for o in path.outcomes]
    averaged, exact = (
        _exposure(path, [quantities.queries[:, k] for k in columns], derived)
        for quantities, derived in (
            (assessed.averaged, view.averaged),
            (assessed.exact, view.exact),
        )
    )
    names = ("probability", "undetected", "concern")
    return {name: (a, e) for name, a, e in zip(names, averaged, exact, strict=True)}


def path_record(path: Path) -> dict[str, Any]:
    """Name a path as results do: its ending and its literals."""
    return {
        "path": path.hazard or path.route,
        "literals": [_text(literal) for literal in sorted(path.literals)],
    }


def _paths(view: _View) -> list[dict[str, Any]]:
    """Every failure path, the most concerning first."""
    paths = view.assessment.paths
    if not paths:
        return []
    arrays = [_path_arrays(view, path) for path in paths]
    means = [
        tuple(float(view.weights @ a[name][0]) for name in ("concern", "probability"))
        for a in arrays
    ]
    concern = np.stack([a["concern"][1] for a in arrays], axis=1)
    probability = np.stack([a["probability"][1] for a in arrays], axis=1)
    at_top = concern == concern.max(axis=1, keepdims=True)
    first = np.where(at_top, probability, -1.0).argmax(axis=1)
    order = sorted(range(len(paths)), key=lambda k: means[k], reverse=True)
    index = view.graph.order
    listed = []
    for rank, k in enumerate(order, start=1):
        path, a = paths[k], arrays[k]
        joint, whole = a["undetected"], a["probability"]
        listed.append(
            {
                "rank": rank,
                "route": path.route,
                "hazard": path.hazard,
                "kind": path.kind,
                "literals": [
                    _text(literal) for literal in sorted(path.literals, key=lambda x: index[x[0]])
                ],
                "probability": view.of(*whole),
                "undetected": summarize_ratio(joint[0], whole[0], joint[1], whole[1], view.weights),
                "concern": view.of(*a["concern"]),
                "weakest_link": _weakest_link(view, path),
                "claim": path.claim,
                "checks": list(view.graph.checks),
                "overlaps": path.overlaps,
                "ways": path.ways,
                "share_top": float(view.weights[first == k].sum() / view.weights.sum()),
            }
        )
    return listed


def _text(literal: tuple[str, bool]) -> str:
    name, value = literal
    return name if value else f"not {name}"


def _weakest_link(view: _View, path: Path) -> str | None:
    """The literal whose negation would lower the concern of the path's ending most.

    Negating any literal shuts the path itself, so what counts is the whole route or hazard, which
    may have other ways. Where several literals would do as much, the path hangs on the one that
    is least likely once those before it, in dependency order, are the case. None for paths that
    are not among the most concerning, where it is not worked out.
    """
    if not all(query in view.link for query in link_queries([path], view.graph.order)):
        return None
    chances, rows = view.assessment.link_chances, view.assessment.link_rows
    assumptions = view.assessment.averaged.assumptions[rows].mean(axis=0)
    harm = (view.averaged.undetected * view.averaged.harm)[rows]

    def mean(query: Query) -> float:
        return float(chances[:, view.link[query]].mean())

    def concern(literals: CutSet) -> float:
        return sum(
            float((chances[:, view.link[Query((o,), literals)]] * harm[:, o]).mean())
            for o in path.outcomes
        )

    order = view.graph.order
    if not path.literals:
        return None
    total = concern(frozenset())
    candidates, before = [], 1.0
    chain = sorted(path.literals, key=lambda literal: order[literal[0]])
    for literal, prefix in zip(chain, prefixes(path.literals, order), strict=True):
        true = float(assumptions[order[literal[0]]])
        certainty = true if literal[1] else 1 - true
        so_far = mean(Query((), prefix))
        step, before = so_far / before if before > 0 else 0.0, so_far
        if certainty >= 1 - 1e-15:  # it cannot be otherwise
            continue
        drop = total - (total - concern(frozenset([literal]))) / (1 - certainty)
        share = round(drop / total, 9) if total > 0 else 0.0
        candidates.append((-share, round(step, 9), _text(literal)))
    return min(candidates)[2] if candidates else None


def _evidence(view: _View) -> dict[str, Any]:
    assessment = view.assessment
    story = assessment.prepared.resolved.story
    log_probability = assessment.draws.log_evidence
    best = sum(float(table.max()) for table in assessment.prepared.tables if table is not None)
    best += sum(
        -float(np.log(item.sd_bits) + 0.5 * np.log(2 * np.pi))
        for item in assessment.prepared.graph.evidence
        if item.form == "forecast"
    )
    note = None
    if story.evidence and best - log_probability > _TINY:
        note = (
            f"P(evidence) is tiny: {_power_of_ten(best - log_probability)} times below what the "
            "best-fitting hypothesis of each item would give, so the items contradict each "
            "other or the story"
        )
    return {
        "log_probability": log_probability,
        "note": note,
        "items": [
            {
                "id": item.id,
                "claim": item.claim,
                "bits": dict(assessment.item_bits[item.id]),
                "source": plain_source(item.source),
            }
            for item in story.evidence
        ],
    }


def _power_of_ten(nats: float) -> str:
    return f"10^{nats / np.log(10):.0f}"


def _rests_on(view: _View) -> dict[str, dict[str, float] | None]:
    """What share of each answer rests on assumed, on elicited and on measured numbers.

    Shares of the sum of absolute derivatives of the answer, in probability per bit. None where
    the answer does not depend on any number, or its derivatives are out of reach.
    """
    assessment = view.assessment
    resolved = assessment.prepared.resolved
    numbers = [n for n in written_numbers(resolved) if not is_reference(n.name)]
    bases = {number.basis for number in numbers}
    shares: dict[str, dict[str, float] | None] = dict.fromkeys(EVENTS)
    if len(bases) == 1:  # nothing to work out: all of it
        for event in EVENTS:
            mean = view.weights @ view.averaged.fates[:, FATES.index(event)]
            shares[event] = {b: float(b in bases) for b in BASES} if 0 < mean < 1 else None
        return shares
    try:
        slopes = mean_derivatives(assessment)
    except UnsupportedStoryError:
        return shares
    index = resolved.number_index
    for event in EVENTS:
        size: dict[str, float] = dict.fromkeys(BASES, 0.0)
        for number in numbers:
            size[number.basis] += abs(float(slopes[event][index[number.name]]))
        total = sum(size.values())
        if total > _NOTHING:
            shares[event] = {b: x / total if x > _NOTHING else 0.0 for b, x in size.items()}
    return shares
