"""What decides a story imported from a model of one event: the event has a route, or not."""

from storyodds.priors.distributions.forms import Fixed
from storyodds.priors.text.records import Source
from storyodds.scenarios.grammar.formulas import Formula
from storyodds.scenarios.grammar.outcomes import INTENDED, RESIDUAL
from storyodds.scenarios.schema import Constraint, Rationale, Route

_NEVER_BITS = -60.0  # the least that the format takes: odds of 1 to 1e18


def rationale_of_event(constraint: str, claim: str, event: Formula) -> Rationale:
    """Rule out that a run goes right where an event comes about.

    Parameters
    ----------
    constraint : str
        The id of the constraint that does.
    claim : str
        What it claims.
    event : Formula

    Examples
    --------
    >>> rationale = rationale_of_event("top-bars", "Where it leaks, the run fails.", "leak")
    >>> rationale.constraints[0].rules_out
    ('intended',)
    """
    rule = Constraint(id=constraint, claim=claim, holds=event, rules_out=(INTENDED,))
    return Rationale(constraints=(rule,))


def routes_of_event(route: str, claim: str, event: Formula, whole: str) -> tuple[Route, Route]:
    """Make the route whose probability is that of an event, and one for all else, next to never.

    Parameters
    ----------
    route : str
        Its id.
    claim : str
    event : Formula
    whole : str
        What alone decides, such as "tree".

    Examples
    --------
    >>> [route.id for route in routes_of_event("top", "It leaks.", "leak", "tree")]
    ['top', 'something-else']
    """
    source = Source(cite=f"Set by the import, so that the {whole} alone decides")

    def fixed(value: float) -> Fixed:
        return Fixed(fixed=value, basis="assumed", source=source)

    own = Route(
        id=route, class_="other", claim=claim, requires=event, bits=fixed(0.0), harm=fixed(1.0)
    )
    rest = Route(
        id=RESIDUAL,
        class_="other",
        claim="Every story has this route; here nothing else is modeled, so it is all but "
        "impossible.",
        bits=fixed(_NEVER_BITS),
        harm=fixed(0.0),
    )
    return own, rest
