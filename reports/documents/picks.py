"""What documents take from the quantities of a draw."""

from collections.abc import Callable

import numpy as np

from storyodds.models.engine.quantities import Quantities
from storyodds.models.story.events import FATES
from storyodds.reports.contract.head import Day
from storyodds.reports.contract.summaries import Summary
from storyodds.reports.documents.summaries import Array, Pick, Ratio
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


def odds_on_the_day(of: Callable[[Pick], Summary], ratio: Ratio) -> Day | None:
    """The odds on the day of the decision, no check having flagged the model."""

    def deployed(q: Quantities) -> Array:
        return q.deployed

    def given_deployed(pick: Pick) -> Summary:
        entry = ratio(pick, deployed)
        assert entry is not None  # as it is not for being deployed
        return entry

    if ratio(deployed, deployed) is None:
        return None
    return {
        "probability": of(deployed),
        "success": given_deployed(event_of("success")),
        "uncompetitive": given_deployed(event_of("uncompetitive")),
        "benign-failure": given_deployed(event_of("benign-failure")),
        "catastrophe": given_deployed(event_of("catastrophe")),
        "classes": {
            name: given_deployed(column_of(lambda q: q.deployed_classes, c))
            for c, name in enumerate(CLASSES)
        },
    }
