"""Where training ends, and what becomes of the model there: the names of it, and how fates add up.

An outcome is summed by the engine. What checks and harm make of a route by itself mostly is not:
it multiplies an outcome by numbers. Of a route whose rates depend on assumptions, or whose checks
fail together, it has to be summed as well, and is part of its outcomes: such a route is *summed*.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from storyodds.scenarios.grammar.outcomes import INTENDED

# What becomes of the hazards of an intended model, all of them together: none fires; no alignment
# hazard fires and a competitiveness hazard does, none of them flagged and none doing harm; an
# alignment hazard fires, none flagged and none doing harm; none that fires is flagged; none is
# flagged and one does harm; one is flagged.
HAZARD_EVENTS = ("spared", "outcompeted", "misaligned", "unflagged", "harmful", "flagged")
# The same of one check: it flags a hazard that fired; without it, none is flagged; that, and one
# does harm.
CHECK_EVENTS = ("flagged-by", "unflagged-without", "harmful-without")
# No hazard of a criterion fires, whatever the others do.
CRITERION_EVENTS = ("free-of-alignment", "free-of-competitiveness")
# Of one hazard: it fires; it fires and no hazard is flagged; that, and it does harm.
SINGLE_HAZARD_EVENTS = ("fired", "fired-unflagged", "fired-harmful")

DEPLOYED = "deployed"
FALSE_ALARM = "false-alarm"

Verdicts = tuple[tuple[int, bool], ...]  # checks in order, and whether each flags the route


@dataclass(frozen=True)
class Outcome:
    """Where training ends: a route, and of an intended one what becomes of its hazards.

    Attributes
    ----------
    route : int
    event : str or None
        One of the names above; None for the route as a whole.
    hazard : int or None
        The hazard that a single hazard's event is about.
    check : int or None
        The check that an event of one check is about.
    verdicts : tuple of (int, bool)
        Of a summed route: which checks flag it by itself, and which do not; the others either way.
    harmful : bool or None
        Of a summed route: whether it does harm by itself; None either way.
    """

    route: int
    event: str | None = None
    hazard: int | None = None
    check: int | None = None
    verdicts: Verdicts = ()
    harmful: bool | None = None


def passed(checks: Iterable[int]) -> Verdicts:
    """None of these checks flags."""
    return tuple((c, False) for c in checks)


def first_to_flag(live: Sequence[int], k: int) -> Verdicts:
    """The check at a place is the first of the live ones to flag."""
    return (*passed(live[:k]), (live[k], True))


def alone_to_flag(live: Sequence[int], check: int) -> Verdicts:
    """One check flags, and no other live one does."""
    return tuple((c, c == check) for c in live)


@dataclass(frozen=True)
class Part:
    """A part of an event: an outcome, whether a check flags its route, and whether that does harm.

    Attributes
    ----------
    outcome : Outcome
        Neither its verdicts nor its harm filled in.
    flagged, harmful : bool or None
        None either way.
    """

    outcome: Outcome
    flagged: bool | None = None
    harmful: bool | None = None

    def summed(self, live: Sequence[int]) -> list[Outcome]:
        """The outcomes of a summed route that it adds up from."""
        ways: list[Verdicts] = [()]
        if self.flagged is not None:
            flagged = [first_to_flag(live, k) for k in range(len(live))]
            ways = flagged if self.flagged else [passed(live)]
        return [replace(self.outcome, verdicts=way, harmful=self.harmful) for way in ways]


def parts_of_route(r: int, of_class: str, *, hazards: bool) -> Iterator[tuple[str, Part]]:
    """What every class and fate adds up from at one route, with being deployed and false alarms.

    Parameters
    ----------
    r : int
    of_class : str
    hazards : bool
        Whether the story has any.

    Returns
    -------
    iterator of (str, Part)
        Names of events; `"<class>, deployed"` among them.
    """
    intended = of_class == INTENDED
    whole = Outcome(r)
    spared = replace(whole, event="spared") if intended and hazards else whole
    deployed = replace(whole, event="unflagged") if intended and hazards else whole
    yield of_class, Part(whole)
    yield "halted", Part(whole, flagged=True)
    yield "success" if intended else "benign-failure", Part(spared, False, False)
    if intended:
        yield FALSE_ALARM, Part(spared, True, False)
    yield "catastrophe", Part(deployed, False, True)
    yield DEPLOYED, Part(deployed, False)
    yield f"{of_class}, deployed", Part(deployed, False)
    if intended and hazards:
        yield "halted", Part(replace(whole, event="flagged"), False)
        yield "catastrophe", Part(replace(whole, event="harmful"), False, False)
        yield "uncompetitive", Part(replace(whole, event="outcompeted"), False, False)
        yield "benign-failure", Part(replace(whole, event="misaligned"), False, False)


def parts_of_hazard(r: int, h: int) -> tuple[Part, Part, Part]:
    """One hazard at an intended route: it fires; undetected; that, and it does harm."""
    fired, unflagged, harmful = (Outcome(r, event, h) for event in SINGLE_HAZARD_EVENTS)
    return Part(fired), Part(unflagged, False), Part(harmful, False)


def outcomes_of(
    classes: Sequence[str], summed: frozenset[int], n_hazards: int, live: Sequence[int]
) -> tuple[Outcome, ...]:
    """List the outcomes that classes, fates and failure paths are made of.

    Parameters
    ----------
    classes : sequence of str
        Of every route.
    summed : frozenset of int
        The summed routes.
    n_hazards : int
    live : sequence of int
        The checks that can still flag.

    Returns
    -------
    tuple of Outcome
        First every route as a whole; they overlap.
    """
    intended = [r for r, of_class in enumerate(classes) if of_class == INTENDED]
    outcomes = [Outcome(r) for r in range(len(classes))]
    if n_hazards:
        outcomes += [Outcome(r, event) for r in intended for event in HAZARD_EVENTS]
        outcomes += [
            Outcome(r, event, h)
            for r in intended
            for h in range(n_hazards)
            for event in SINGLE_HAZARD_EVENTS
        ]
    for r in sorted(summed):
        parts = [part for _, part in parts_of_route(r, classes[r], hazards=bool(n_hazards))]
        if r in intended:
            parts += [part for h in range(n_hazards) for part in parts_of_hazard(r, h)]
        outcomes += [outcome for part in parts for outcome in part.summed(live)]
    return tuple(dict.fromkeys(outcomes))


def side_outcomes_of(
    classes: Sequence[str],
    summed: frozenset[int],
    n_hazards: int,
    live: Sequence[int],
    naming: Sequence[int],
) -> tuple[Outcome, ...]:
    """List what no class or fate is made of: what single checks make of models, and criteria.

    Parameters
    ----------
    classes, summed, n_hazards, live
        As of `outcomes_of`.
    naming : sequence of int
        The live checks that can flag a hazard.
    """
    intended = [r for r, of_class in enumerate(classes) if of_class == INTENDED]
    outcomes = []
    if n_hazards:
        outcomes += [
            Outcome(r, event, check=c) for c in naming for r in intended for event in CHECK_EVENTS
        ]
        outcomes += [Outcome(r, event) for r in intended for event in CRITERION_EVENTS]
    for r in sorted(summed):
        for c in live:
            outcomes += _of_check(
                r, c, live, hazards=r in intended and n_hazards > 0, naming=naming
            )
    return tuple(dict.fromkeys(outcomes))


def _of_check(
    r: int, c: int, live: Sequence[int], *, hazards: bool, naming: Sequence[int]
) -> Iterator[Outcome]:
    """What one check makes of a summed route: caught by it, and harm that only it averts."""
    yield Outcome(r, verdicts=((c, True),))
    if hazards and c in naming:
        rest = passed(x for x in live if x != c)
        yield Outcome(r, "flagged-by", check=c, verdicts=((c, False),))
        yield Outcome(r, "unflagged-without", check=c, verdicts=rest, harmful=True)
        yield Outcome(r, "harmful-without", check=c, verdicts=rest, harmful=False)
        return
    alone = alone_to_flag(live, c)
    yield Outcome(r, "unflagged" if hazards else None, verdicts=alone, harmful=True)
    if hazards:
        yield Outcome(r, "harmful", verdicts=alone, harmful=False)


def flow_outcomes_of(
    classes: Sequence[str], summed: frozenset[int], n_hazards: int, live: Sequence[int]
) -> tuple[Outcome, ...]:
    """List what flows of models and measures of importance are made of besides, of summed routes.

    Parameters
    ----------
    classes, summed, n_hazards, live
        As of `outcomes_of`.
    """
    outcomes = []
    for r in sorted(summed):
        of_hazards = [Outcome(r)]
        if classes[r] == INTENDED and n_hazards:
            of_hazards += [Outcome(r, event) for event in ("spared", "unflagged")]
            outcomes.append(Outcome(r, "spared", verdicts=passed(live), harmful=True))
            # What hazards do, whatever the route itself does: for the importance of their causes.
            outcomes.append(Outcome(r, "harmful", verdicts=passed(live)))
            for h in range(n_hazards):
                of_hazards += [Outcome(r, event, h) for event in ("fired", "fired-unflagged")]
        for k in range(len(live)):
            ways = (passed(live[:k]), passed(live[: k + 1]), first_to_flag(live, k))
            outcomes += [replace(outcome, verdicts=way) for outcome in of_hazards for way in ways]
    return tuple(dict.fromkeys(outcomes))
