"""What documents take from the quantities of a draw."""

from collections.abc import Callable
from typing import Any

import numpy as np

from storyodds.models.engine.quantities import Quantities
from storyodds.models.story.events import FATES
from storyodds.reports.documents.summaries import Array, Pick, Ratio, Summary
from storyodds.scenarios.grammar.outcomes import CLASSES


def event_of(name: str) -> Pick:
    """Take a class or a fate."""
    return lambda q: q.event(name)


def column_of(table: Pick, k: int) -> Pick:
    """Take a column of what is a table."""
    return lambda q: table(q)[:, k]


def deployed_failure(q: Quantities) -> Array:
    """P(deployed, and not a success): not what is left of 1, which has no digits where it is 0."""
    rest = [f for f, fate in enumerate(FATES) if fate not in ("success", "halted")]
    return np.asarray(q.fates[:, rest].sum(axis=1))


def odds_on_the_day(of: Callable[[Pick], Summary], ratio: Ratio) -> dict[str, Any] | None:
    """The odds on the day of the decision, no check having flagged the model."""
    probability = of(lambda q: q.deployed)
    if not probability["mean"] > 0:
        return None
    fates = [fate for fate in FATES if fate != "halted"]
    return {
        "probability": probability,
        **{fate: ratio(event_of(fate), lambda q: q.deployed) for fate in fates},
        "classes": {
            name: ratio(column_of(lambda q: q.deployed_classes, c), lambda q: q.deployed)
            for c, name in enumerate(CLASSES)
        },
    }
