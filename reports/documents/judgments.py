"""What a panel's judgments come to: weights, pooled numbers, incoherent beliefs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from storyodds.priors.distributions.families import Distribution, distribution_of
from storyodds.priors.distributions.forms import Kind, Prior, parse_prior, plain_prior
from storyodds.priors.panels.classical_model import (
    MANY,
    Calibration,
    Performance,
    Score,
    Weighing,
    performance,
)
from storyodds.priors.panels.coherence import TOLERANCE, Statement, atoms, conflicts
from storyodds.priors.panels.events import events_in, holds, in_words
from storyodds.priors.panels.judgments import Belief, Judgments, Quantity
from storyodds.priors.panels.repair import repair
from storyodds.priors.references import without_references
from storyodds.priors.text.errors import InputError
from storyodds.reports.contract.judgments import (
    ExpertBeliefs,
    JudgedQuantity,
    PanelPerformance,
    PanelScore,
    PanelSummary,
    PooledNumber,
    PoolMethod,
    Weights,
)
from storyodds.reports.contract.summaries import OpenSummary, Summary

Array = NDArray[np.float64]

_EVEN = (np.arange(2**16) + 0.5) / 2**16
METHODS: tuple[PoolMethod, ...] = ("linear", "logarithmic")


def summarize_judgments(
    panel: Judgments,
    *,
    weights: Weights | None = None,
    tolerance: float = TOLERANCE,
    repaired: bool = False,
) -> PanelSummary:
    """Work out what a panel's judgments come to.

    Parameters
    ----------
    panel : Judgments
    weights : {"equal", "performance"}, optional
        By performance where there are calibration questions, unless stated.
    tolerance : float
        By which share odds may be off before beliefs count as incoherent.
    repaired : bool
        Whether to find the nearest coherent beliefs.

    Returns
    -------
    PanelSummary
        What `storyodds judgments --json` writes.

    Raises
    ------
    InputError
        If performance weights are asked for and there are no calibration questions, or if
        beliefs cannot be repaired.

    Examples
    --------
    >>> from storyodds import read_judgments
    >>> found = summarize_judgments(read_judgments("example-panel"))
    >>> [belief["coherent"] for belief in found["beliefs"]]
    [True, False]
    """
    if weights == "performance" and not panel.calibration:
        raise InputError(
            "--weights: found 'performance', but the file has no calibration questions to tell it "
            "from; expected 'equal'"
        )
    used: Weights = weights or ("performance" if panel.calibration else "equal")
    scores = performance(_calibration(panel)) if panel.calibration else None
    chosen = _by_expert(panel, scores.whole if scores and used == "performance" else None)
    return {
        "schema": "storyodds/judgments/1",
        "judgments": panel.judgments,
        "title": panel.title,
        "experts": {by: expert.name for by, expert in panel.experts.items()},
        "weights": used,
        "performance": None if scores is None else _performance(panel, scores),
        "quantities": [_quantity(panel, quantity, chosen) for quantity in panel.quantities],
        "tolerance": tolerance,
        "beliefs": [
            _beliefs(by, panel, tolerance, repaired)
            for by in panel.experts
            if any(belief.by == by for belief in panel.beliefs)
        ],
    }


# Weights


def _calibration(panel: Judgments) -> Calibration:
    questions = panel.calibration
    quantiles = [[question.quantiles[by] for question in questions] for by in panel.experts]
    return Calibration(
        answers=np.array([question.answer for question in questions]),
        quantiles=np.array(quantiles),
        log=np.array([question.scale == "log" for question in questions]),
    )


def _by_expert(panel: Judgments, weighing: Weighing | None) -> dict[str, float]:
    if weighing is None:
        return dict.fromkeys(panel.experts, 1.0 / len(panel.experts))
    return dict(zip(panel.experts, weighing.weights.tolist(), strict=True))


def _performance(panel: Judgments, performance: Performance) -> PanelPerformance:
    n = len(panel.calibration)
    rows = zip(
        panel.experts,
        performance.experts,
        performance.equal.weights.tolist(),
        performance.whole.weights.tolist(),
        performance.item.weights.tolist(),
        strict=True,
    )
    return {
        "questions": n,
        "weak": n < MANY,
        "enough": MANY,
        "cutoff": performance.whole.cutoff,
        "experts": [
            {"expert": by, **_score(score), "equal": equal, "performance": whole, "item": item}
            for by, score, equal, whole, item in rows
        ],
        "decision_makers": {
            "equal": _score(performance.equal.decision_maker),
            "performance": _score(performance.whole.decision_maker),
            "item": _score(performance.item.decision_maker),
        },
    }


def _score(score: Score) -> PanelScore:
    return {
        "calibration": score.calibration,
        "information": score.information,
        "combined": score.combined,
    }


# Quantities


def _quantity(panel: Judgments, quantity: Quantity, weights: Mapping[str, float]) -> JudgedQuantity:
    priors = quantity.priors
    own = {by: weights[by] for by in priors}
    unweighed = sum(own.values()) == 0.0
    if unweighed:  # whoever has weight did not answer
        own = dict.fromkeys(own, 1.0)
    total = sum(own.values())
    own = {by: weight / total for by, weight in own.items()}
    return {
        "id": quantity.id,
        "kind": quantity.kind,
        "claim": quantity.claim,
        "equal_for_want_of_weights": unweighed,
        "judgments": [
            {
                "expert": by,
                "value": plain_prior(prior),
                "weight": own[by],
                **_spread(prior, quantity.kind),
            }
            for by, prior in priors.items()
        ],
        "pools": {method: _pool(panel, quantity, own, method) for method in METHODS},
    }


def _pool(
    panel: Judgments, quantity: Quantity, weights: Mapping[str, float], method: PoolMethod
) -> PooledNumber:
    """One pooled number: as a story has it, and what it comes to, or why there is none."""
    data = {
        "pool": [
            {
                "by": panel.experts[by].name,
                "value": plain_prior(prior),
                "weight": float(f"{weights[by]:.4g}"),
            }
            for by, prior in quantity.priors.items()
            if weights[by] > 0.0
        ],
        **({"method": method} if method != "linear" else {}),
        "basis": "elicited",
        "source": _source(panel),
    }
    try:
        form = without_references(parse_prior(data, quantity.kind), quantity.kind)
        return {"form": data, "reason": None, **_spread(form, quantity.kind)}
    except (InputError, ValueError) as error:
        nothing: OpenSummary = {"mean": None, "median": None, "q05": None, "q95": None}
        return {"form": None, "reason": _sentence(error), **nothing}


def _sentence(error: Exception) -> str:
    """What pydantic or the pool says of judgments that do not pool."""
    if isinstance(error, InputError):
        return error.problems[0].message
    return str(error.errors(include_url=False)[0]["msg"])  # type: ignore[attr-defined]


def _source(panel: Judgments) -> Any:
    if panel.source is not None:
        return panel.source.model_dump(mode="json", exclude_none=True)
    return f"panel {panel.judgments}: {panel.title}"


def _spread(form: Prior, kind: Kind) -> Summary:
    x = np.sort(_drawn(distribution_of(without_references(form, kind), kind)))
    low, middle, high = np.quantile(x, [0.05, 0.5, 0.95])
    return {"mean": float(x.mean()), "median": float(middle), "q05": float(low), "q95": float(high)}


def _drawn(distribution: Distribution) -> Array:
    """Even quantiles; a mixture's are those of each component in turn."""
    return np.asarray(distribution.quantile(_EVEN))


# Beliefs


def statements_of(beliefs: Sequence[Belief]) -> list[Statement]:
    """Turn beliefs into statements over the ways in which their events may turn out.

    Parameters
    ----------
    beliefs : sequence of Belief
        Of one person.

    Returns
    -------
    list of Statement

    Examples
    --------
    >>> said = [Belief(by="a", event="rain", given=["wind", "not sun"], probability=0.7)]
    >>> statements_of(said)[0].text
    'P(rain | wind and not sun)'
    """
    spoken_of = [name for b in beliefs for part in (b.event, b.given) for name in events_in(part)]
    names = sorted(dict.fromkeys(spoken_of))
    ways = atoms(len(names))
    truth = dict(zip(names, ways.T, strict=True))
    always = np.ones(len(ways), dtype=bool)
    return [
        Statement(
            text=_text(belief),
            event=holds(belief.event, truth),
            given=always if belief.given is None else holds(belief.given, truth),
            probability=belief.probability,
            weight=belief.weight,
        )
        for belief in beliefs
    ]


def _text(belief: Belief) -> str:
    condition = "" if belief.given is None else f" | {in_words(belief.given)}"
    return f"P({in_words(belief.event)}{condition})"


def _beliefs(by: str, panel: Judgments, tolerance: float, repaired: bool) -> ExpertBeliefs:
    statements = statements_of([belief for belief in panel.beliefs if belief.by == by])
    clashes = list(conflicts(statements, tolerance))
    summary: ExpertBeliefs = {
        "expert": by,
        "coherent": not clashes,
        "statements": [
            {"text": s.text, "probability": s.probability, "weight": s.weight} for s in statements
        ],
        "conflicts": [
            {
                "smallest": conflict.smallest,
                "statements": [
                    {"statement": k, "bounds": None if limits is None else list(limits)}
                    for k, limits in zip(conflict.members, conflict.bounds, strict=True)
                ],
            }
            for conflict in clashes
        ],
        "repair": None,
    }
    if repaired and clashes:
        try:
            nearest = repair(statements)
        except InputError as error:
            name = panel.experts[by].name
            raise InputError(f"--repair: {name}: {error.problems[0].message}") from None
        summary["repair"] = {
            "probabilities": list(nearest.probabilities),
            "squared_bits": nearest.change,
        }
    return summary
