"""The JSON contract: one plain object that says everything about an assessment.

Means are posterior means, with everything integrated out that can be. The median and the 5 and 95
percent points are taken over posterior draws of all numbers of the story, of the exact probability
given each of them. A conditional probability is summarized over the posterior given its condition,
so that its mean is the conditional probability itself, not an average of ratios.

`diagnostics.standard_errors` has the Monte Carlo standard errors of these four numbers: those of
classes, fates and `deployed` by name, and of everything else, but for what is before the evidence
or without opinions, by where it stands, such as `criteria.goal_alignment`, `hazards.slow` or, the
paths being numbered by their rank, `paths.1.concern`. What is not listed there has no error.

`evidence.items` are the known results of checks, then the findings and forecasts: `result` is
`passed` or `flagged` of the former, and null of the others; `bits` is what each alone does to the
log2 odds of every class.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.assessment.concerns import concerns
from storyodds.models.changes.derivatives import EVENTS, mean_slopes
from storyodds.models.engine.paths import Path, link_queries, path_odds, prefixes, route_shares
from storyodds.models.engine.quantities import Quantities
from storyodds.models.logic.cut_sets import CutSet
from storyodds.models.posterior.prepared import log_likelihood_bound
from storyodds.models.posterior.soundness import errors_of_odds
from storyodds.models.story.events import CRITERIA, FATES, Share
from storyodds.models.story.graph import Outcome
from storyodds.models.story.queries import Query
from storyodds.priors.text.errors import UnsupportedStoryError
from storyodds.reports.documents.head import diagnostics, head
from storyodds.reports.documents.opinions import opinion_totals, why_idle
from storyodds.reports.documents.picks import column_of, deployed_failure, event_of, odds_on_the_day
from storyodds.reports.documents.summaries import (
    Pick,
    Stated,
    Summary,
    errors_in,
    finite,
    summarize_both,
    summarize_draws,
    summarize_quotient,
)
from storyodds.scenarios.grammar.outcomes import CLASSES, INTENDED
from storyodds.scenarios.provenance import (
    plain_source,
    provenance,
    story_numbers,
)
from storyodds.scenarios.resolve import BASES

Array = NDArray[np.float64]

SCHEMA = "storyodds/estimate/1"

_NOTHING = 1e-12  # per bit: what rounding leaves of a derivative that is 0
_TINY = np.log(1e6)  # nats below what the best-fitting hypotheses would give


class _View:
    """An assessment, and how its quantities are summarized."""

    def __init__(self, assessment: Assessment) -> None:
        self.assessment = assessment
        self.graph = assessment.prepared.graph
        self.averaged, self.exact = assessment.averaged, assessment.exact
        self.column = {query: k for k, query in enumerate(assessment.queries)}
        self.link = {query: k for k, query in enumerate(assessment.links)}

    def of(self, pick: Pick) -> Stated:
        """Summarize what `pick` takes from quantities."""
        return self.of_draws(pick(self.averaged), pick(self.exact))

    def prior(self, pick: Pick) -> Summary:
        """The same before the evidence."""
        return summarize_both(self.assessment.prior_averaged, self.assessment.prior, pick)

    def ratio(self, part: Pick, whole: Pick) -> Stated | None:
        """Summarize a conditional probability, over the posterior given its condition."""
        return self.of_quotient(
            (part(self.averaged), whole(self.averaged)), (part(self.exact), whole(self.exact))
        )

    def of_draws(self, averaged: Array, exact: Array) -> Stated:
        """Summarize a probability at the draws of which means, and quantiles, are taken."""
        ones = (averaged, np.ones(len(averaged))), (exact, np.ones(len(exact)))
        summary = summarize_draws(averaged, self.averaged.weights, exact, self.exact.weights)
        return Stated(summary, self._errors(*ones))

    def of_quotient(
        self, averaged: tuple[Array, Array], exact: tuple[Array, Array]
    ) -> Stated | None:
        """Summarize P(part | whole) from both at these draws; None where the whole cannot be."""
        summary = summarize_quotient(
            (*averaged, self.averaged.weights), (*exact, self.exact.weights)
        )
        return None if summary is None else Stated(summary, self._errors(averaged, exact))

    def _errors(
        self, averaged: tuple[Array, Array], exact: tuple[Array, Array]
    ) -> dict[str, float]:
        return errors_of_odds(
            (*averaged, self.averaged.weights),
            (*exact, self.exact.weights),
            self.assessment.draws.chains,
            self.assessment.strata,
        )


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
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> summary = summarize(assess(resolve(load_story("carlsmith-six-premises"))))
    >>> round(summary["fates"]["catastrophe"]["mean"], 6)
    0.051376
    """
    document = _document(_View(assessment))
    stated = document["diagnostics"]["standard_errors"]
    # Classes and fates are there by their names.
    apart = {key: document[key] for key in document if key not in ("classes", "fates")}
    document["diagnostics"]["standard_errors"] = {**stated, **errors_in(apart)}
    return document


def _document(view: _View) -> dict[str, Any]:
    assessment, graph = view.assessment, view.graph
    return {
        **head(assessment, SCHEMA),
        "catastrophe_definition": assessment.prepared.resolved.story.catastrophe,
        "classes": {
            name: view.of(column_of(lambda q: q.classes, c)) for c, name in enumerate(CLASSES)
        },
        "prior_classes": {
            name: view.prior(column_of(lambda q: q.classes, c)) for c, name in enumerate(CLASSES)
        },
        "routes": {
            route.id: view.of(column_of(lambda q: q.routes, r)).beside(
                **{"class": route.outcome_class, "kind": route.kind, "mechanism": route.mechanism}
            )
            for r, route in enumerate(graph.routes)
        },
        "fates": {name: view.of(event_of(name)) for name in FATES},
        "false_alarm": view.of(lambda q: q.false_alarm),
        "deployed": odds_on_the_day(view.of, view.ratio),
        "checks": _checks(view),
        "criteria": _criteria(view),
        "criteria_given_intended": _criteria_given_intended(view),
        "catastrophe_given_deployed_failure": view.ratio(event_of("catastrophe"), deployed_failure),
        "hazards": _hazards(view),
        "opinions": opinion_totals(assessment),
        "lens": _lens(view),
        "assumptions": {
            variable.name: view.of(column_of(lambda q: q.assumptions, v)).beside(
                prior=view.prior(column_of(lambda q: q.assumptions, v))
            )
            for v, variable in enumerate(graph.variables)
        },
        "paths": _paths(view),
        "mechanisms": _mechanisms(view),
        "evidence": _evidence(view),
        "provenance": provenance(assessment.prepared.resolved),
        "rests_on": _rests_on(view),
        "diagnostics": diagnostics(assessment),
    }


def _hazard(h: int) -> Pick:
    return lambda q: q.hazard(h)


def _checks(view: _View) -> dict[str, Any]:
    """What each check catches, and what it takes off P(catastrophe) beside the others."""
    graph = view.graph
    entries: dict[str, Any] = {}
    for c, check in enumerate(graph.checks):
        if check.result is not None:
            entries[check.id] = {"result": check.result, "caught": None, "added": None}
            continue
        entries[check.id] = {
            "result": None,
            "caught": {
                route.id: view.ratio(
                    _caught(view, c, r),
                    column_of(lambda q: q.routes, r),
                )
                for r, route in enumerate(graph.routes)
            },
            "added": view.of(_averted(view, c)),
        }
    return entries


def _asked(view: _View, q: Quantities, outcome: Outcome) -> Array | None:
    """P(what one check makes of the hazards of a route); None where it makes nothing of them."""
    where = view.graph.outcome_index.get(outcome)
    return None if where is None else q.queries[:, view.column[Query((where,))]]


def _caught(view: _View, c: int, r: int) -> Pick:
    """P(route, and the check flags)."""

    def caught(q: Quantities) -> Array:
        rate = q.values[:, view.graph.routes[r].flags[c]]
        by_hazards = _asked(view, q, Outcome(r, "flagged-by", check=c))
        by_route = q.routes[:, r] * rate
        return by_route if by_hazards is None else by_route + (1 - rate) * by_hazards

    return caught


def _averted(view: _View, c: int) -> Pick:
    return lambda q: _averted_at(view, q, c)


def _averted_at(view: _View, q: Quantities, c: int) -> Array:
    """P(catastrophe without the check) less P(catastrophe)."""
    graph, rest = view.graph, [other for other in view.graph.live_checks if other != c]
    averted = np.zeros(len(q.values))
    for r, route in enumerate(graph.routes):
        unflagged = np.ones(len(q.values))
        for other in rest:
            unflagged = unflagged * (1 - q.values[:, route.flags[other]])
        rate, harm = q.values[:, route.flags[c]], q.values[:, route.harm]
        unflagged_by_hazards = graph.outcome_index.get(Outcome(r, "unflagged"))
        if unflagged_by_hazards is None:
            averted += unflagged * q.routes[:, r] * harm * rate
            continue
        with_it = q.outcomes[:, unflagged_by_hazards]
        harmful_with_it = q.outcomes[:, graph.outcome_index[Outcome(r, "harmful")]]
        without = _asked(view, q, Outcome(r, "unflagged-without", check=c))
        harmful_without = _asked(view, q, Outcome(r, "harmful-without", check=c))
        if without is None or harmful_without is None:  # it names no hazard
            without, harmful_without = with_it, harmful_with_it
        stated = harm * with_it + (1 - harm) * harmful_with_it
        averted += unflagged * (harm * without + (1 - harm) * harmful_without - (1 - rate) * stated)
    return averted


def _hazards(view: _View) -> dict[str, Any]:
    return {
        hazard.id: view.of(_hazard(h)).beside(
            criterion=hazard.criterion, given_intended=view.ratio(_hazard(h), _intended)
        )
        for h, hazard in enumerate(view.graph.hazards)
    }


def _intended(q: Quantities) -> Array:
    return q.event(INTENDED)


def _criteria(view: _View) -> dict[str, Summary | None]:
    """The four criteria; those of the goal are of a run that is made to end as intended."""
    feasibility = view.graph.feasibility
    return {
        **{f"goal_{name}": view.of(_spared(c)) for c, name in enumerate(CRITERIA)},
        "rationale_alignment": view.of(_intended),
        "rationale_competitiveness": None
        if feasibility is None
        else view.of(lambda q: q.values[:, feasibility]),
    }


def _spared(criterion: int) -> Pick:
    return lambda q: q.goals[:, criterion]


def _criteria_given_intended(view: _View) -> dict[str, Summary | None]:
    """The goal's criteria given that training did end as intended, which tells of its goal."""
    graph = view.graph
    intended = [r for r, route in enumerate(graph.routes) if route.outcome_class == INTENDED]

    def spared(criterion: str) -> Pick:
        if not graph.hazards:
            return _intended
        # No alignment hazard fires where none fires at all, or competitiveness hazards alone do.
        column = view.column
        places = [graph.outcome_index[Outcome(r, f"free-of-{criterion}")] for r in intended]
        return lambda q: np.asarray(sum(q.queries[:, column[Query((o,))]] for o in places))

    return {f"goal_{name}": view.ratio(spared(name), _intended) for name in CRITERIA}


def _lens(view: _View) -> dict[str, Any]:
    goal = view.assessment.prepared.resolved.story.goal
    kinds = sorted({route.kind for route in view.graph.routes if route.kind is not None})

    def of_kind(kind: str) -> Summary:
        which = [r for r, route in enumerate(view.graph.routes) if route.kind == kind]
        return view.of(lambda q: np.asarray(q.routes[:, which].sum(axis=1)))

    outer = inner = None
    if goal.loss_seeking:
        wanted = float(goal.optimization != "none")
        outer = view.of(_spared(CRITERIA.index("alignment")))
        rivals = [CLASSES.index("mesa-optimizer"), CLASSES.index("deceptive")]
        inner = view.ratio(
            lambda q: wanted * _intended(q),
            lambda q: wanted * _intended(q) + q.classes[:, rivals].sum(axis=1),
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


def path_record(path: Path) -> dict[str, Any]:
    """Name a path as results do: its ending and its literals."""
    return {
        "path": path.hazard or path.route,
        "literals": [_text(literal) for literal in sorted(path.literals)],
    }


def _paths(view: _View) -> list[dict[str, Any]]:
    """Every failure path, the most concerning first; those that tie share a place."""
    ranked = concerns(view.assessment)
    index = view.graph.order
    listed = []
    for k, path in enumerate(ranked.paths):
        averaged, exact = ranked.averaged[k], ranked.exact[k]
        listed.append(
            {
                "rank": k + 1,
                "place": ranked.ranks.rank[k],
                "route": path.route,
                "hazard": path.hazard,
                "kind": path.kind,
                "literals": [
                    _text(literal) for literal in sorted(path.literals, key=lambda x: index[x[0]])
                ],
                "probability": view.of_draws(averaged.reached, exact.reached),
                "undetected": view.of_quotient(
                    (averaged.undetected, averaged.reached), (exact.undetected, exact.reached)
                ),
                "concern": view.of_draws(averaged.concern, exact.concern),
                "weakest_link": _weakest_link(view, path),
                "claim": path.claim,
                "checks": [view.graph.checks[c].id for c in view.graph.live_checks],
                "overlaps": path.overlaps,
                "ways": path.ways,
                "share_top": float(ranked.ranks.share_top[k]),
            }
        )
    return listed


def _mechanisms(view: _View) -> dict[str, Any]:
    """Routes that share a mechanism, together: how likely, and how likely with a catastrophe."""
    graph = view.graph
    names = sorted({route.mechanism for route in graph.routes if route.mechanism is not None})

    def concern(name: str) -> Pick:
        harms = [
            share
            for r, route in enumerate(graph.routes)
            if route.mechanism == name
            for share in _harms(view, r)
        ]
        path = Path("", None, None, "", frozenset(), (), (), tuple(harms), False, None)
        return lambda q: path_odds(path, q.after, graph, lambda o: q.outcomes[:, o]).concern

    def reached(name: str) -> Pick:
        which = [r for r, route in enumerate(graph.routes) if route.mechanism == name]
        return lambda q: np.asarray(q.routes[:, which].sum(axis=1))

    return {
        name: {
            "routes": [route.id for route in graph.routes if route.mechanism == name],
            "probability": view.of(reached(name)),
            "concern": view.of(concern(name)),
        }
        for name in names
    }


def _harms(view: _View, route: int) -> tuple[Share, ...]:
    return route_shares(view.graph, route)[2]


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
    assumptions = view.averaged.assumptions[rows].mean(axis=0)
    after = view.averaged.after

    def mean(query: Query) -> float:
        return float(chances[:, view.link[query]].mean())

    def concern(literals: CutSet) -> float:
        total = 0.0
        for share in path.harmful:
            factor = after.factor(share, view.graph.outcomes[share.outcome].route)
            at_rows = np.broadcast_to(factor, len(view.averaged.values))[rows]
            chance = chances[:, view.link[Query((share.outcome,), literals)]]
            total += float((chance * at_rows).mean())
        return total

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
    best = log_likelihood_bound(assessment.prepared)
    note = None
    if story.evidence and best - log_probability > _TINY:
        note = (
            f"P(evidence) is tiny: {_power_of_ten(best - log_probability)} times below what the "
            "best-fitting hypothesis of each item would give, so the items contradict each "
            "other or the story"
        )
    return {
        "log_probability": finite(log_probability),
        "log_probability_error": finite(assessment.draws.log_evidence_error),
        "note": note,
        "items": [
            *_results(view),
            *(
                {
                    "id": item.id,
                    "claim": item.claim,
                    "result": None,
                    "opinion": item.forecast is not None,
                    "idle": item.forecast is not None and why_idle(assessment, i) is not None,
                    "why_idle": why_idle(assessment, i),
                    "bits": dict(assessment.item_bits[item.id]),
                    "source": plain_source(item.source),
                }
                for i, item in enumerate(story.evidence)
            ),
        ],
    }


def _results(view: _View) -> list[dict[str, Any]]:
    """Known results of checks, in the shape of evidence items."""
    return [
        {
            "id": check.id,
            "claim": check.claim,
            "result": check.result,
            "opinion": False,
            "idle": False,
            "why_idle": None,
            "bits": dict(view.assessment.item_bits[check.id]),
            "source": None,
        }
        for check in view.assessment.prepared.resolved.story.checks
        if check.result is not None
    ]


def _power_of_ten(nats: float) -> str:
    return f"10^{nats / np.log(10):.0f}"


def _rests_on(view: _View) -> dict[str, dict[str, float] | None]:
    """What share of each answer rests on assumed, on elicited and on measured numbers.

    Shares of the sum of absolute derivatives of the answer, in probability per bit. None where
    the answer does not depend on any number, or its derivatives are out of reach.
    """
    assessment = view.assessment
    resolved = assessment.prepared.resolved
    numbers = story_numbers(resolved)
    bases = {number.basis for number in numbers}
    shares: dict[str, dict[str, float] | None] = dict.fromkeys(EVENTS)
    if len(bases) == 1:  # nothing to work out: all of it
        for event in EVENTS:
            mean = float(view.averaged.mean(view.averaged.event(event)))
            shares[event] = {b: float(b in bases) for b in BASES} if 0 < mean < 1 else None
        return shares
    try:
        slopes = mean_slopes(assessment).per_bit
    except UnsupportedStoryError:
        return shares
    index = resolved.number_index
    for event, slope in zip(EVENTS, slopes, strict=True):
        size: dict[str, float] = dict.fromkeys(BASES, 0.0)
        for number in numbers:
            size[number.basis] += abs(float(slope[index[number.name]]))
        total = sum(size.values())
        if total > _NOTHING:
            shares[event] = {b: x / total if x > _NOTHING else 0.0 for b, x in size.items()}
    return shares
