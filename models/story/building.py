"""From a resolved story to its graph: every part as indices of numbers, and formulas."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from graphlib import TopologicalSorter
from itertools import product
from typing import Any, TypeGuard

from storyodds.models.story.derived import Derived, DerivedNumber, ResultReading
from storyodds.models.story.graph import (
    CheckNode,
    EvidenceItem,
    HazardNode,
    RouteNode,
    StoryGraph,
    Variable,
)
from storyodds.models.story.looks import as_left, literal_after, looks, states_after
from storyodds.models.story.rates import CommonCause, Rate
from storyodds.models.story.stages import Unrolled, is_staged, single_stage
from storyodds.models.story.written_rates import (
    Reading,
    as_written,
    first_present,
    rate_of,
    rows_of,
)
from storyodds.priors.distributions.families import Point
from storyodds.scenarios.grammar.formulas import Formula
from storyodds.scenarios.grammar.outcomes import CLASSES, DEFAULT, RESIDUAL
from storyodds.scenarios.grammar.rewritten import all_of
from storyodds.scenarios.grammar.states import States, literal_of_state
from storyodds.scenarios.resolve import ResolvedStory
from storyodds.scenarios.schema import CommonCause as CommonCauseRecord
from storyodds.scenarios.schema import Evidence, Route


def build_graph(resolved: ResolvedStory) -> StoryGraph:
    """Build the graph of a resolved story.

    Parameters
    ----------
    resolved : ResolvedStory

    Returns
    -------
    StoryGraph

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.scenarios.resolve import resolve
    >>> graph = build_graph(resolve(load_story("cat-classifier")))
    >>> graph.routes[0].id
    'intended'
    """
    story, number = resolved.story, resolved.number_index
    unrolled = Unrolled(resolved) if is_staged(story) else None
    read: Reading = as_written
    if story.stages is not None:
        read = single_stage if unrolled is None else unrolled.last
    derived = Derived(len(resolved.numbers))
    flag_rate = partial(_flag_rate, resolved, read, derived)
    variables = _variables(resolved, read, unrolled)
    composites = {v.name: v.formula for v in variables if v.formula is not None}
    forests: dict[tuple[int, bool], Any] = {}
    _number_readings(resolved, derived)
    routes = _routes(resolved, read, unrolled, derived, flag_rate, (composites, forests))
    hazards = tuple(
        HazardNode(
            id=hazard.id,
            claim=hazard.claim,
            criterion=hazard.criterion,
            requires=None if hazard.requires is None else read(hazard.requires),
            probability=rate_of(number, f"{hazard.id}.probability", hazard.probability, read),
            harm=rate_of(number, f"{hazard.id}.harm", hazard.harm, read),
            flags=tuple(
                flag_rate(c, hazard.id) if hazard.id in check.flags else None
                for c, check in enumerate(story.checks)
            ),
            composites=composites,
            forests=forests,
        )
        for hazard in story.goal.hazards
    )
    return StoryGraph(
        variables=variables,
        routes=routes,
        hazards=hazards,
        checks=tuple(
            CheckNode(
                check.id,
                check.result,
                frozenset() if unrolled is None else unrolled.flag_numbers(check),
            )
            for check in story.checks
        ),
        common_causes=_common_causes(resolved, read),
        evidence=_evidence(resolved, variables, routes, unrolled, read),
        n_numbers=len(resolved.numbers),
        feasibility=number.get("rationale.feasibility"),
        forests=forests,
        derived=derived,
        repeated=frozenset() if unrolled is None else frozenset(unrolled.repeated),
        stages=() if unrolled is None else unrolled.endings(),
        steps=() if unrolled is None else unrolled.runs(),
    )


def _flag_rate(resolved: ResolvedStory, read: Reading, derived: Derived, c: int, key: str) -> Rate:
    """With what chance a check flags what a key of its rates names."""
    check = resolved.story.checks[c]
    rate = rate_of(resolved.number_index, f"{check.id}.flags.{key}", check.flags[key], read)
    if check.result is None:
        return rate
    readings = {x.number: derived.index(x) for x in derived.place if _is_of(x, c)}
    return Rate(tuple((when, readings.get(n, n)) for when, n in rate.rows))


def _is_of(derived: DerivedNumber, c: int) -> TypeGuard[ResultReading]:
    return isinstance(derived, ResultReading) and derived.check == c


def _number_readings(resolved: ResolvedStory, derived: Derived) -> None:
    """Number the readings of known results: rates of theirs that stand in other parts too."""
    for c, check in enumerate(resolved.story.checks):
        for n, number in enumerate(resolved.numbers) if check.result is not None else ():
            inside = [place.split(".")[0] == check.id for place in number.places]
            if any(inside) and not all(inside):
                derived.index(ResultReading(n, c))


def _common_causes(resolved: ResolvedStory, read: Reading) -> tuple[CommonCause, ...]:
    story, number = resolved.story, resolved.number_index
    place = {check.id: c for c, check in enumerate(story.checks)}

    def share(cause: CommonCauseRecord, keys: Sequence[str]) -> Rate | None:
        key = first_present(keys, cause.share)
        rate = rate_of(number, f"{cause.id}.share.{key}", cause.share[key], read)
        nothing = all(resolved.numbers[n].distribution == Point(0.0) for n in rate.numbers)
        return None if nothing else rate

    return tuple(
        CommonCause(
            id=str(cause.id),
            # A part that is switched off takes no check along.
            checks=tuple(sorted(place[name] for name in cause.checks if name in place)),
            of_routes=tuple(share(cause, (route.id, route.class_)) for route in resolved.routes),
            of_hazards=tuple(share(cause, (hazard.id,)) for hazard in story.goal.hazards),
        )
        for cause in resolved.common_causes
    )


def _variables(
    resolved: ResolvedStory, read: Reading, unrolled: Unrolled | None
) -> tuple[Variable, ...]:
    number = resolved.number_index
    built: dict[str, Variable] = {}
    if unrolled is not None:
        variables = (*unrolled.variables, *looks(unrolled, resolved))
        built |= {variable.name: variable for variable in variables}
    for name, assumption in resolved.assumptions.items():
        if unrolled is not None and unrolled.is_unrolled(name):
            continue
        if assumption.states is not None:
            built |= {state.name: state for state in _states(name, assumption.states, number)}
        elif assumption.holds_when is not None:
            built[name] = Variable(name, formula=read(assumption.holds_when))
        elif assumption.given is not None:
            built[name] = Variable(name, rows=rows_of(number, name, assumption.given, read))
        elif assumption.from_ is not None:
            ((stage, _),) = assumption.from_.items()  # the only one
            built[name] = Variable(name, rows=((None, number[f"{name}.from.{stage}"]),))
        else:
            built[name] = Variable(name, rows=((None, number[f"{name}.probability"]),))
    order = TopologicalSorter({name: sorted(built[name].scope) for name in built}).static_order()
    return tuple(built[name] for name in order)


def _states(name: str, states: States, number: Mapping[str, int]) -> Iterator[Variable]:
    """The states of an assumption."""
    names = tuple(literal_of_state(name, state) for state in states.names)
    of_rows = [
        (row.when, f"{name}.otherwise" if row.when is None else f"{name}.given.{i}")
        for i, row in enumerate(states.rows)
    ]
    if states.given is None:
        of_rows = [(None, name)]
    for state, literal in zip(states.names[:-1], names, strict=False):
        rows = tuple((when, number[f"{start}.in_turn.{state}"]) for when, start in of_rows)
        yield Variable(literal, rows=rows, states=names)
    yield Variable(names[-1], states=names)


def _routes(
    resolved: ResolvedStory,
    read: Reading,
    unrolled: Unrolled | None,
    derived: Derived,
    flag_rate: Callable[[int, str], Rate],
    shared: tuple[Mapping[str, Formula], dict[tuple[int, bool], Any]],
) -> tuple[RouteNode, ...]:
    story, number = resolved.story, resolved.number_index
    composites, forests = shared
    return tuple(
        RouteNode(
            id=route.id,
            outcome_class=route.class_,
            kind=route.kind,
            mechanism=route.mechanism,
            claim=route.claim,
            **(_competing(resolved, route, read) if unrolled is None else unrolled.copied(route)),
            harm=rate_of(number, f"{route.id}.harm", route.harm, read),
            flags=tuple(
                unrolled.halting_rate(check, derived)
                if unrolled is not None and unrolled.is_within(check)
                else flag_rate(c, first_present((route.id, route.class_), check.flags))
                for c, check in enumerate(story.checks)
            ),
            composites=composites,
            forests=forests,
        )
        for route in resolved.routes
    )


def _competing(resolved: ResolvedStory, route: Route, read: Reading) -> dict[str, Any]:
    """When a route is open where training is one step, and what its weight adds up from."""
    story, number = resolved.story, resolved.number_index
    names = {route.id, route.class_} if route.id != RESIDUAL else set()
    bits = f"{route.id}.bits"
    if isinstance(route.bits, dict):
        bits = f"{bits}.{next(iter(route.bits))}"  # the only stage
    return {
        "requires": None if route.requires is None else read(route.requires),
        "blocked_by": tuple(
            read(constraint.holds)
            for constraint in story.rationale.constraints
            if names.intersection(constraint.rules_out)
        ),
        "bits": number[bits],
        "nudges": tuple(
            (
                None if nudge.when is None else read(nudge.when),
                number[f"{nudge.id}.bits.{target}"],
            )
            for nudge in story.rationale.nudges
            # `intended` is a route and a class under one name: it is added once.
            for target in nudge.bits
            if target in names
        ),
    }


def _evidence(
    resolved: ResolvedStory,
    variables: Sequence[Variable],
    routes: Sequence[RouteNode],
    unrolled: Unrolled | None,
    read: Reading,
) -> tuple[EvidenceItem, ...]:
    number = resolved.number_index
    index = {variable.name: i for i, variable in enumerate(variables)}
    items = []
    for item in resolved.findings:
        form = next(
            name
            for name in ("counts", "exposure", "bayes_factor", "forecast")
            if getattr(item, name) is not None
        )
        table_name = "rates" if form in ("counts", "exposure") else form
        table = dict(item.rates or item.bayes_factor or {})
        here = read  # what decides rows, as it is where the model was looked at
        if unrolled is not None and item.after is not None:
            here = as_left(unrolled, item.after)
        numbers = {
            key: rate_of(number, f"{item.id}.{table_name}.{key}", rate, here)
            for key, rate in table.items()
        }
        shares = {
            key: rate_of(number, f"{item.id}.visibility.{key}", rate, here)
            for key, rate in (item.visibility or {}).items()
        }
        visibilities: dict[str, Rate] = {}
        about = item.about
        target: int | None
        keys: tuple[str, ...]
        states: tuple[int, ...] = ()
        alternatives: tuple[str, ...]
        if about.literal is not None:
            subject, keys = "assumption", ("false", "true")
            of_assumption = resolved.assumptions[str(about.assumption)].states
            if of_assumption is not None and about.is_ is None:
                keys = of_assumption.names
                states = tuple(index[literal_of_state(str(about.assumption), key)] for key in keys)
            literal = about.literal
            if unrolled is not None and unrolled.is_unrolled(literal):
                literal = literal_after(unrolled, literal, item.after)
            target = states[0] if states else index[literal]
            alternatives = keys
        else:
            subject = "class" if about.class_ is not None else "outcome"
            target = CLASSES.index(about.class_) if about.class_ is not None else None
            keys = tuple(first_present((route.id, route.outcome_class), table) for route in routes)
            alternatives = tuple(dict.fromkeys([*table, DEFAULT]))
            if shares:
                alternatives = tuple(dict.fromkeys([*table, *shares, DEFAULT]))
                keys = tuple(first_present((r.id, r.outcome_class), alternatives) for r in routes)
                classes = {route.id: route.outcome_class for route in routes}
                numbers, visibilities = (
                    {
                        key: by_key[name]
                        for key in alternatives
                        if (name := first_present((key, classes.get(key, key)), by_key)) in by_key
                    }
                    for by_key in (numbers, shares)
                )
            if unrolled is not None and (names := states_after(unrolled, resolved, item.after)):
                subject = "assumption"
                states = tuple(index[name] for name in names)
                target = states[0]
        whole = EvidenceItem(
            id=item.id,
            subject=subject,
            target=target,
            form=form,
            keys=keys,
            numbers={},
            alternatives=alternatives,
            relevance=number.get(f"{item.id}.relevance"),
            **_observed(item),
            forecast=item.forecast if item.forecast is not None else 0.5,
            sd_bits=item.sd_bits if item.sd_bits is not None else 1.0,
            states=states,
        )
        items.append(_with_numbers(whole, numbers, visibilities))
    return tuple(items)


def _with_numbers(
    item: EvidenceItem, rates: Mapping[str, Rate], visibilities: Mapping[str, Rate]
) -> EvidenceItem:
    """Give an item its numbers, and where some depend on assumptions its rows."""
    # Numbers that the same conditions decide are in the same row of each other.
    every = (*rates.values(), *visibilities.values())
    deciding = tuple(dict.fromkeys(rate.formulas for rate in every if not rate.is_plain))
    keys = item.keys
    if deciding and item.subject == "outcome":
        keys = tuple(dict.fromkeys(item.keys))
    rows = []
    for places in product(*(range(len(formulas) + 1) for formulas in deciding)):
        row = dict(zip(deciding, places, strict=True))
        numbers, shares = (
            {key: rate.numbers[row.get(rate.formulas, 0)] for key, rate in table.items()}
            for table in (rates, visibilities)
        )
        # In this order, some condition of each row before it does not hold.
        holding = tuple(formulas[k] for formulas, k in row.items() if k < len(formulas))
        when = all_of(holding) if holding else None
        rows.append((when, replace(item, keys=keys, numbers=numbers, visibilities=shares)))
    if not deciding:
        return rows[0][1]
    return replace(
        item,
        keys=keys * len(rows),
        numbers=_by_row(rates),
        visibilities=_by_row(visibilities),
        rows=tuple(rows),
        of_routes=tuple(map(keys.index, item.keys)) if item.subject == "outcome" else (),
    )


def _by_row(table: Mapping[str, Rate]) -> dict[str, int]:
    """Every number of a table, by its key and row."""
    return {f"{key} {k}": n for key, rate in table.items() for k, n in enumerate(rate.numbers)}


def _observed(item: Evidence) -> dict[str, Any]:
    """How often something was seen, and how often or for how long it could have been."""
    if item.counts is not None:
        return {"hits": item.counts.hits, "trials": item.counts.trials}
    if item.exposure is None:
        return {}
    exposure = item.exposure
    if exposure.time is not None:
        return {"hits": exposure.incidents, "time": exposure.time}
    return {"hits": exposure.incidents, "trials": exposure.episodes}
