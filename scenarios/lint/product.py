"""The rule about stories that are one product of independent factors."""

from collections.abc import Iterator

from storyodds.scenarios.grammar.formulas import Formula, literals, parts
from storyodds.scenarios.lint.correlations import correlated_owners
from storyodds.scenarios.lint.reading import Doubt, Reading, is_nought
from storyodds.scenarios.schema import Assumption

LEAST_FACTORS = 3  # premises: a product of two is no chain yet


def independent_product(reading: Reading) -> Iterator[Doubt]:
    """All that can go wrong or right is one conjunction of unrelated factors.

    So it is where the only named rival needs all of several independent assumptions (then failure
    is a product), or any of them (then success is), and nothing else in the story asks for one.
    """
    rivals = list(reading.rivals)
    if len(rivals) != 1 or len(list(reading.ends)) != 1:
        return
    index, route = rivals[0]
    if route.requires is None:
        return
    together = list(correlated_owners(reading))
    for joint, event in ((True, "failing by"), (False, "escaping")):
        names = set(_factors(route.requires, joint, reading) or ())
        if any(len(names & block) > 1 for block in together):
            continue
        if len(names) >= LEAST_FACTORS and all(
            _stands_alone(reading.assumptions[name], names) for name in names
        ):
            yield Doubt(
                ("routes", index, "requires"),
                f"{event} '{route.id}' is a product of {len(names)} independent factors and "
                "nothing else, so each has the same leverage and a sensitivity analysis tells "
                "nothing; give factors common causes, let one act both for and against, or add "
                "the other roads to the same end",
            )


def _factors(whole: Formula, joint: bool, reading: Reading) -> list[str] | None:
    """The assumptions that a formula joins all by 'and' (or all by 'or'), each once; else None."""
    waiting = [whole]
    factors: list[str] = []
    spelled_out: set[str] = set()
    while waiting:
        formula = waiting.pop()
        if not isinstance(formula, str):
            members, least = parts(formula)
            if len(members) > 1 and least != (len(members) if joint else 1):
                return None
            waiting += members
            continue
        ((name, sign),) = literals(formula)
        composed = reading.assumptions[name].holds_when
        if composed is None:
            factors.append(name)
        elif sign and name not in spelled_out:
            spelled_out.add(name)
            waiting.append(composed)
        else:
            return None
    return factors if len(factors) == len(set(factors)) else None


def _stands_alone(assumption: Assumption, factors: set[str]) -> bool:
    """Return whether an assumption is free, or a link: possible only where other factors hold."""
    if assumption.probability is not None:
        return True
    rows = assumption.given or ()
    if len(rows) != 2 or rows[0].when is None or rows[1].otherwise is None:
        return False
    follows = all(sign and name in factors for name, sign in literals(rows[0].when))
    return follows and is_nought(rows[1].otherwise)
