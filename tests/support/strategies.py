"""Hypothesis strategies: random small stories that use every feature of the format.

Every story drawn is valid. Ids say what they name: `a…` free or `given` assumptions, `c…`
composites, `r…` rivals, `h…` hazards, `k…` constraints, `n…` nudges, `v…` checks, `e…` evidence.
A story may give its own evidence probability 0; the oracle then raises `ImpossibleEvidence`.

To build a strategy takes longer than to draw from it, so those that many stories draw from are
built once for the same arguments.
"""

from functools import cache
from typing import Any

from hypothesis import strategies as st

from storyodds.priors.distributions.forms import (
    Beta,
    BitsJudgment,
    BitsPool,
    Counts,
    Fixed,
    HitsAndTrials,
    Interval,
    LogNormal,
    MeanAndErrorFactor,
    Normal,
    ProbabilityJudgment,
    ProbabilityPool,
    UniformForm,
)
from storyodds.scenarios.grammar.formulas import AllOf, AnyOf, AtLeast
from storyodds.scenarios.grammar.outcomes import CLASSES
from storyodds.scenarios.grammar.parts import About, BitsRow, BitsTable, GivenRow, GivenTable
from storyodds.scenarios.grammar.states import StateOdds, StateRow, States
from storyodds.scenarios.schema import (
    Assumption,
    Check,
    CommonCause,
    Constraint,
    Evidence,
    Goal,
    Hazard,
    Nudge,
    ObservedCounts,
    Rationale,
    Route,
)
from storyodds.scenarios.story import Story

EXTREME = (1e-12, 1e-6, 1.0 - 1e-9, 1.0 - 1e-4)
LEVELS = (0.5, 0.8, 0.9, 0.95)
KINDS = ("schemer", "proxy-aligned", "sycophant")
MECHANISMS = ("scheming", "drift")
# Most checks are live; a story may still have several that flagged, or that passed.
RESULTS = (None, None, None, "passed", "flagged", "flagged")

type Names = tuple[str, ...]
type Strategy = st.SearchStrategy[Any]


# --- strategies that many stories draw from -----------------------------------------------------


@cache
def one_of(*values: Any) -> Strategy:
    """Draw one of some values."""
    return st.sampled_from(values)


@cache
def perhaps(values: Strategy, weight: int = 1) -> Strategy:
    """Draw None, or `weight` times as often a value."""
    return st.one_of(st.none(), *[values] * weight)


@cache
def some_of(values: tuple[Any, ...], least: int, most: int) -> Strategy:
    """Draw different values, as a tuple."""
    return st.lists(one_of(*values), min_size=least, max_size=most, unique=True).map(tuple)


@cache
def orders(count: int) -> Strategy:
    """Draw an order of so many things."""
    return st.permutations(range(count))


# --- numbers ----------------------------------------------------------------------------------


@st.composite
def plain_probabilities(draw: st.DrawFn) -> float:
    """Mostly moderate, sometimes extreme, rarely exactly 0 or 1."""
    region = draw(st.integers(0, 39))
    if region == 39:
        return draw(one_of(0.0, 1.0))
    if region >= 35:
        return draw(one_of(*EXTREME))
    return draw(st.integers(2, 98)) / 100.0


@st.composite
def plain_bits(draw: st.DrawFn) -> float:
    """Mostly within 8 bits, sometimes 0, rarely as far out as the format lets."""
    region = draw(st.integers(0, 29))
    if region == 29:
        return draw(one_of(-60.0, -40.0, 40.0, 60.0))
    return 0.0 if region == 28 else draw(st.integers(-80, 80)) / 10.0


_LOW = st.one_of(st.just(1e-4), st.integers(1, 60).map(lambda n: n / 100.0))
_MEAN = st.one_of(st.just(1e-12), st.integers(1, 60).map(lambda n: n / 100.0))


@st.composite
def probability_intervals(draw: st.DrawFn) -> Interval:
    low = draw(_LOW)
    high = low + (0.995 - low) * draw(st.integers(1, 20)) / 20.0
    return Interval(interval=(low, high), level=draw(one_of(*LEVELS)))


@st.composite
def bits_intervals(draw: st.DrawFn) -> Interval:
    low = draw(st.integers(-60, 60)) / 10.0
    width = draw(st.integers(1, 50)) / 10.0
    return Interval(interval=(low, low + width), level=draw(one_of(*LEVELS)))


@st.composite
def counts_forms(draw: st.DrawFn) -> Counts:
    trials = draw(st.integers(0, 50))
    return Counts(counts=HitsAndTrials(hits=draw(st.integers(0, trials)), trials=trials))


@st.composite
def bounded_forms(draw: st.DrawFn) -> Any:
    """Draw a uniform, or a normal or lognormal that may lose much of itself beyond 0 and 1."""
    kind = draw(one_of("uniform", "normal", "lognormal"))
    if kind == "uniform":
        low = draw(st.integers(0, 90)) / 100.0
        high = low + (1.0 - low) * draw(st.integers(1, 20)) / 20.0
        return UniformForm(uniform=(low, min(1.0, high)))  # the sum may round to more than 1
    if kind == "normal":
        mean = draw(st.integers(-20, 120)) / 100.0
        return Normal(normal=(mean, draw(st.integers(1, 100)) / 100.0))
    mean = draw(_MEAN)
    factor = draw(st.integers(11, 300)) / 10.0
    shape = MeanAndErrorFactor(mean=mean, error_factor=factor, level=draw(one_of(*LEVELS[1:])))
    return LogNormal(lognormal=shape)


def pools(values: Strategy, judgment: type, pool: type) -> Strategy:
    """Mix one to three judges."""
    weights = st.integers(1, 30).map(lambda n: n / 10.0)
    judges = st.builds(judgment, by=st.just("A judge"), value=values, weight=weights)
    return st.lists(judges, min_size=1, max_size=3).map(lambda found: pool(pool=tuple(found)))


@cache
def probabilities(certain: bool) -> Strategy:
    """Draw a PRIOR for a probability or rate: `Fixed` alone where certain, else every form."""
    fixed = st.builds(Fixed, fixed=plain_probabilities())
    if certain:
        return fixed
    shapes = st.integers(1, 100).map(lambda n: n / 5.0)
    betas = st.tuples(shapes, shapes).map(lambda ab: Beta(beta=ab))
    forms = st.one_of(fixed, probability_intervals(), betas, counts_forms())
    pool = pools(forms, ProbabilityJudgment, ProbabilityPool)
    return st.one_of(
        forms, pool, pools(st.one_of(forms, pool), ProbabilityJudgment, ProbabilityPool)
    )


@cache
def bits(certain: bool) -> Strategy:
    """Draw a PRIOR in bits: `Fixed` alone where certain, else every form."""
    fixed = st.builds(Fixed, fixed=plain_bits())
    if certain:
        return fixed
    normals = st.builds(
        lambda mean, sd: Normal(normal=(mean / 10.0, sd / 10.0)),
        st.integers(-60, 60),
        st.integers(1, 20),
    )
    forms = st.one_of(fixed, bits_intervals(), normals)
    pool = pools(forms, BitsJudgment, BitsPool)
    return st.one_of(forms, pool, pools(st.one_of(forms, pool), BitsJudgment, BitsPool))


# --- formulas and assumptions -----------------------------------------------------------------


@cache
def formulas(names: Names, depth: int = 2) -> Strategy:
    """Draw a formula over some of the names, compounds nested up to `depth`."""
    leaf = one_of(*names).flatmap(lambda name: one_of(name, f"not {name}"))
    if depth == 0:
        return leaf
    parts = st.lists(formulas(names, depth - 1), min_size=1, max_size=3).map(tuple)
    return st.one_of(
        leaf,
        leaf,
        parts,
        parts.map(lambda found: AllOf(all=found)),
        parts.map(lambda found: AnyOf(any=found)),
        parts.flatmap(
            lambda found: st.builds(AtLeast, at_least=st.integers(1, len(found)), of=st.just(found))
        ),
    )


@cache
def optional_formulas(names: Names) -> Strategy:
    """Draw a formula or None; always None where there is nothing to name."""
    return perhaps(formulas(names), 2) if names else st.none()


@cache
@st.composite
def given_rows(draw: st.DrawFn, earlier: Names, certain: bool) -> tuple[GivenRow, ...]:
    """Draw one or two rows with `when`, then the one that says `otherwise`."""
    values = probabilities(certain)
    rows = [
        GivenRow(when=draw(formulas(earlier, 1)), probability=draw(values))
        for _ in range(draw(st.integers(1, 2)))
    ]
    return (*rows, GivenRow(otherwise=draw(values)))


@cache
@st.composite
def rates(draw: st.DrawFn, names: Names, certain: bool) -> Any:
    """Draw a probability, or now and then one that depends on assumptions."""
    if names and draw(st.integers(0, 6)) == 0:
        return GivenTable(given=draw(given_rows(names, certain)))
    return draw(probabilities(certain))


@cache
@st.composite
def bits_by_row(draw: st.DrawFn, names: Names, certain: bool) -> Any:
    """Draw bits, or now and then bits that depend on assumptions."""
    values = bits(certain)
    if not names or draw(st.integers(0, 6)) > 0:
        return draw(values)
    row = BitsRow(when=draw(formulas(names, 1)), bits=draw(values))
    return BitsTable(given=(row, BitsRow(otherwise=draw(values))))


@cache
@st.composite
def state_odds(draw: st.DrawFn, names: Names, certain: bool) -> StateOdds:
    """Draw how likely each of some states is, in any form that is certain or may not be."""
    forms = ("fixed", "in_turn") if certain else ("fixed", "in_turn", "counts", "mean")
    form = draw(one_of(*forms))
    sizes = [draw(st.integers(0 if name == names[0] else 1, 9)) for name in names]
    if form == "counts":
        return StateOdds(counts=dict(zip(names, sizes, strict=True)))
    if form == "in_turn":
        chances = {name: draw(probabilities(certain)) for name in names[:-1]}
        return StateOdds(in_turn=chances, rest=names[-1])
    table = {name: size / sum(sizes) for name, size in zip(names, sizes, strict=True)}
    if form == "mean":
        return StateOdds(mean=table, concentration=draw(st.integers(1, 400)) / 10.0)
    return StateOdds(fixed=table)


@cache
@st.composite
def state_tables(draw: st.DrawFn, earlier: Names, certain: bool) -> States:
    """Draw two to four states, and how likely each is, by itself or by other assumptions."""
    names = ("low", "medium", "high", "highest")[: draw(st.integers(2, 4))]
    odds = state_odds(names, certain)
    if not earlier or draw(st.booleans()):
        return States(**dict(draw(odds)))
    rows = [
        StateRow(when=draw(formulas(earlier, 1)), states=draw(odds))
        for _ in range(draw(st.integers(1, 2)))
    ]
    return States(given=(*rows, StateRow(otherwise=draw(odds))))


def literals_of(specs: dict[str, Assumption | None]) -> Names:
    """List what formulas may name: an assumption, or one of its states."""
    return tuple(
        literal
        for name, spec in specs.items()
        for literal in (
            [f"{name} is {state}" for state in spec.states.names]
            if spec is not None and spec.states is not None
            else [name]
        )
    )


@cache
@st.composite
def assumption_sets(
    draw: st.DrawFn, limit: int, certain: bool, states: bool = False
) -> dict[str, Assumption | None]:
    """Draw up to `limit` free or `given` assumptions and up to 3 composites, in any order.

    Where asked for, about half of the free and `given` ones have states.
    """
    few = min(limit, draw(one_of(0, 2, 3, 3)))
    drawn = one_of(
        *(("free", "given", "states", "states") if states else ("free", "free", "given"))
    )
    kinds = draw(st.lists(drawn, min_size=few, max_size=limit))
    kinds += ["composite"] * (draw(st.integers(0, 3)) if kinds else 0)
    specs: dict[str, Assumption | None] = {}
    for index, kind in enumerate(kinds[k] for k in draw(orders(len(kinds)))):
        earlier = literals_of(specs)
        scope: Any = draw(one_of(None, "run", "world"))
        if kind == "composite" and earlier:
            specs[f"c{index}"] = Assumption(holds_when=draw(formulas(earlier)))
        elif kind == "states":
            specs[f"a{index}"] = Assumption(
                states=draw(state_tables(earlier, certain)), scope=scope
            )
        elif kind == "given" and earlier:
            rows = draw(given_rows(earlier, certain))
            specs[f"a{index}"] = Assumption(given=rows, scope=scope)
        elif kind != "composite":
            number = draw(probabilities(certain))
            specs[f"a{index}"] = Assumption(probability=number, scope=scope)
    names = list(specs)
    return {names[k]: specs[names[k]] for k in draw(orders(len(names)))}


# --- routes, rationale and goal ---------------------------------------------------------------


@cache
@st.composite
def route_sets(draw: st.DrawFn, names: Names, limit: int, certain: bool) -> tuple[Route, ...]:
    """Draw up to `limit` routes, `something-else` among them, `intended` listed or implied."""
    listed = limit >= 2 and draw(st.booleans())
    count = draw(st.integers(0, limit - 1 - listed))
    private = draw(st.booleans())
    routes = [
        Route(
            id=f"r{index}",
            class_=draw(one_of(*CLASSES)),
            kind=draw(one_of(None, *KINDS)),
            mechanism=draw(one_of(None, *MECHANISMS)),
            requires=draw(optional_formulas(names[index::count] if private else names)),
            bits=draw(bits(certain)),
            harm=draw(rates(names, certain)),
        )
        for index in range(count)
    ]
    if listed:
        routes.append(
            Route(
                id="intended",
                class_="intended",
                requires=draw(optional_formulas(names)),
                bits=draw(perhaps(bits(certain))),
            )
        )
    residual = Route(
        id="something-else",
        class_="other",
        kind=draw(one_of(None, *KINDS)),
        mechanism=draw(one_of(None, *MECHANISMS)),
        bits=draw(bits(certain)),
        harm=draw(rates(names, certain)),
    )
    routes.append(residual)
    return tuple(routes[k] for k in draw(orders(len(routes))))


@st.composite
def rationales(
    draw: st.DrawFn, names: Names, routes: tuple[Route, ...], certain: bool
) -> Rationale:
    """Draw constraints and nudges, each by route id and by class."""
    rivals = {route.id for route in routes if route.id != "something-else"}
    targets = tuple(sorted(rivals | {*CLASSES}))
    named = some_of(targets, 1, 3)
    constraints = [
        Constraint(id=f"k{index}", holds=draw(formulas(names)), rules_out=draw(named))
        for index in range(draw(st.integers(0, 2)) if names else 0)
    ]
    nudges = [
        Nudge(
            id=f"n{index}",
            when=draw(optional_formulas(names)),
            bits={target: draw(bits(certain)) for target in draw(named)},
        )
        for index in range(draw(st.integers(0, 3)))
    ]
    return Rationale(
        feasibility=draw(perhaps(probabilities(certain))),
        constraints=tuple(constraints),
        nudges=tuple(nudges),
    )


@cache
@st.composite
def goals(draw: st.DrawFn, names: Names, certain: bool) -> Goal:
    """Draw up to three hazards of either criterion; any number of them may fire at once."""
    hazards = [
        Hazard(
            id=f"h{index}",
            criterion=draw(one_of("alignment", "competitiveness")),
            requires=draw(optional_formulas(names)),
            probability=draw(rates(names, certain)),
            harm=draw(perhaps(rates(names, certain))),
        )
        for index in range(draw(st.integers(0, 3)))
    ]
    return Goal(
        specification="What is meant.",
        desirability="Why that is good.",
        optimization=draw(one_of("none", "narrow", "myopic", "open-ended")),
        loss_seeking=draw(st.booleans()),
        hazards=tuple(hazards),
    )


# --- checks and evidence ----------------------------------------------------------------------


@cache
@st.composite
def tables(draw: st.DrawFn, names: Names, values: Strategy) -> dict[str, Any]:
    """Draw a value for some of the names."""
    chosen = draw(some_of(names, 0, 4))
    return {name: draw(values) for name in chosen}


@cache
@st.composite
def check_sets(draw: st.DrawFn, flagged: Names, names: Names, certain: bool) -> tuple[Check, ...]:
    """Draw up to three checks of routes, classes and hazards, live or of known result."""
    values = rates(names, certain)
    return tuple(
        Check(
            id=f"v{index}",
            role=draw(one_of("held-out", "in-the-loss")),
            flags={**draw(tables(flagged, values)), "default": draw(values)},
            result=draw(one_of(*RESULTS)),
        )
        for index in range(draw(st.integers(0, 3)))
    )


@st.composite
def common_causes(
    draw: st.DrawFn, checks: tuple[Check, ...], flagged: Names, names: Names, certain: bool
) -> tuple[CommonCause, ...]:
    """Draw checks that fail together, whether their results are known or not, or none."""
    if len(checks) < 2 or draw(st.booleans()):
        return ()
    ids = st.sampled_from([check.id for check in checks])
    values = rates(names, certain)
    cause = CommonCause(
        id=draw(one_of(None, "t0")),
        checks=draw(st.lists(ids, min_size=2, unique=True).map(tuple)),
        share={**draw(tables(flagged, values)), "default": draw(values)},
    )
    return (cause,)


@st.composite
def counts_items(
    draw: st.DrawFn, base: dict[str, Any], hypotheses: Names, names: Names, certain: bool
) -> Evidence:
    """Draw observed counts with rates for an assumption or for the outcome."""
    trials = draw(st.integers(1, 30))
    observed = ObservedCounts(hits=draw(st.integers(0, trials)), trials=trials)
    values = rates(names, certain)
    if base["about"].assumption:
        table = {"true": draw(values), "false": draw(values)}
    else:
        table = {**draw(tables(hypotheses, values)), "default": draw(values)}
    return Evidence(**base, counts=observed, rates=table)


@cache
@st.composite
def state_items(
    draw: st.DrawFn, index: int, name: str, every: Names, names: Names, certain: bool
) -> Evidence:
    """Draw observed counts with a rate for each state of an assumption."""
    trials, values = draw(st.integers(1, 30)), rates(names, certain)
    return Evidence(
        id=f"e{index}",
        about=About(assumption=name),
        counts=ObservedCounts(hits=draw(st.integers(0, trials)), trials=trials),
        rates={literal.partition(" is ")[2]: draw(values) for literal in every},
        relevance=draw(perhaps(probabilities(certain))),
    )


@st.composite
def bayes_items(
    draw: st.DrawFn, base: dict[str, Any], hypotheses: Names, names: Names, certain: bool
) -> Evidence:
    """Draw a Bayes factor against `default`, or against false (left out or 0)."""
    reference = Fixed(fixed=0.0)
    if base["about"].assumption:
        table = {"true": draw(bits_by_row(names, certain))}
        table |= {"false": reference} if draw(st.booleans()) else {}
    else:
        table = {**draw(tables(hypotheses, bits_by_row(names, certain))), "default": reference}
    return Evidence(**base, bayes_factor=table)


@cache
@st.composite
def evidence_items(
    draw: st.DrawFn, index: int, names: Names, hypotheses: Names, certain: bool
) -> Evidence:
    """Draw one item of any kind about anything that it may be about."""
    forecast = draw(st.integers(0, 2)) == 0
    of_assumption = draw(st.booleans())
    if names and of_assumption:
        name, _, state = draw(one_of(*names)).partition(" is ")
        about = About(assumption=name, is_=state or None)
        every = tuple(other for other in names if other.startswith(f"{name} is "))
        if every and not forecast and draw(st.booleans()):
            return draw(state_items(index, name, every, names, certain))
    elif forecast:
        about = About(class_=draw(one_of(*CLASSES)))
    else:
        about = About(outcome=True)
    base: dict[str, Any] = {"id": f"e{index}", "about": about}
    if forecast:
        base["forecast"] = draw(st.integers(2, 98)) / 100.0
        base["sd_bits"] = draw(st.integers(3, 40)) / 10.0
        return Evidence(**base)
    relevances = probabilities(certain)
    base["relevance"] = draw(perhaps(relevances, 2))
    items = counts_items if draw(st.booleans()) else bayes_items
    return draw(items(base, hypotheses, names, certain))


@st.composite
def small_stories(
    draw: st.DrawFn,
    max_assumptions: int = 6,
    max_routes: int = 5,
    certain: bool = True,
    states: bool = False,
) -> Story:
    """Draw a valid story small enough to enumerate.

    Parameters
    ----------
    max_assumptions : int
        At most so many free or `given` assumptions; up to 3 composites come on top.
    max_routes : int
        At most so many routes listed, `something-else` (always there) and `intended` included.
    certain : bool
        Whether all numbers are `Fixed`; if not, every PRIOR form but `Ref` appears everywhere.
    states : bool
        Whether assumptions may have states.
    """
    assumptions = draw(assumption_sets(max_assumptions, certain, states))
    names = tuple(sorted(literals_of(assumptions)))
    routes = draw(route_sets(names, max_routes, certain))
    goal = draw(goals(names, certain))
    outcomes = tuple(sorted({route.id for route in routes} | {*CLASSES}))
    flagged = (*outcomes, *(hazard.id for hazard in goal.hazards))
    checks = draw(check_sets(flagged, names, certain))
    return Story(
        story="random-story",
        title="A random story",
        goal=goal,
        rationale=draw(rationales(names, routes, certain)),
        assumptions=assumptions,
        routes=routes,
        checks=checks,
        common_cause=draw(common_causes(checks, flagged, names, certain)),
        evidence=tuple(
            draw(evidence_items(index, names, outcomes, certain))
            for index in range(draw(one_of(0, 1, 2, 2, 3)))
        ),
    )


@st.composite
def with_results(draw: st.DrawFn, stories: Strategy) -> Story:
    """Draw a story some of whose checks have been run, and whose routes may share mechanisms."""
    story = draw(stories)
    results = one_of(None, "passed", "flagged")
    mechanisms = one_of(None, "scheming", "wrong-proxy")
    checks = tuple(check.model_copy(update={"result": draw(results)}) for check in story.checks)
    return story.model_copy(
        update={
            "checks": checks,
            "routes": tuple(
                route.model_copy(update={"mechanism": draw(mechanisms)}) for route in story.routes
            ),
        }
    )
