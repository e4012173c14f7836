"""Published probabilities of top events, from trees with the same structure and numbers.

SCRAM states them in the benchmark tests of its sources (github.com/rakhimov/scram, `tests/`),
RiskMan in the reports that lie beside SCRAM's input `TwoTrain`. HIPPS, BSCU and the small tree are
XFTA's. Where a number has so many digits, half a unit of the last is all that may be between.
"""

import pytest
from support.open_psa_odds import cut_sets, exact, rare_event
from support.open_psa_text import (
    alignment,
    event,
    factors,
    gate,
    group,
    imported,
    model,
    named,
    number,
    phase,
    substitution,
    tree,
)

from storyodds.models.assessment.assessment import assess
from storyodds.scenarios.resolve import resolve

TRAINS = ("One", "Two", "Three")
PUMPS, VALVES = (" ".join(f"{part}{train}" for train in TRAINS) for part in ("Pump", "Valve"))


def trains(count: int, extra: str = "") -> str:
    """Trains of a valve and a pump each, all of which have to fail."""
    tops = gate(f"<and>{named('gate', *(f'Train{n}' for n in TRAINS[:count]))}</and>", "Top")
    parts = (
        gate(f"<or>{named('event', f'Valve{n}', f'Pump{n}')}{extra.format(n)}</or>", f"Train{n}")
        for n in TRAINS[:count]
    )
    return tops + "".join(parts)


def three_trains(kind: str, listed: str) -> str:
    return model(tree_of(trains(3)), group(kind, PUMPS, listed), group(kind, VALVES, listed))


def tree_of(body: str) -> str:
    return f"<define-fault-tree name='t'>{body}</define-fault-tree>"


@pytest.mark.parametrize(
    ("kind", "listed", "probability", "sum_of_sets", "sets"),
    [
        ("beta-factor", factors(0.2, first=3), 0.04308, 0.044096, [2, 0, 8]),
        ("MGL", factors(0.2, 0.1, first=2), 0.01630, 0.01771, [2, 24, 8]),
        ("alpha-factor", factors(0.7, 0.2, 0.1), 0.05298, 0.05488, [2, 24, 8]),
        ("phi-factor", factors(0.7, 0.2, 0.1, first=1), 0.04104, 0.04434, [2, 24, 8]),
    ],
)
def test_common_causes_in_three_trains(
    kind: str, listed: str, probability: float, sum_of_sets: float, sets: list[int]
) -> None:
    story = imported(three_trains(kind, listed))
    # SCRAM's tests allow 1e-5 of what they state to five digits.
    assert exact(story) == pytest.approx(probability, abs=1e-5)
    assert rare_event(story) == pytest.approx(sum_of_sets, abs=1e-5)
    sizes = [len(cut_set) for cut_set in cut_sets(story)]
    assert [sizes.count(size) for size in (1, 2, 3)] == sets


TWO = (
    group("beta-factor", "PumpOne PumpTwo", factors(0.2)),
    group("beta-factor", "ValveOne ValveTwo", factors(0.2)),
)


def test_two_trains_with_common_causes() -> None:
    story = imported(model(tree_of(trains(2)), *TWO))
    assert exact(story) == pytest.approx(0.062259, abs=5e-7)
    # The whole way from a story to its answer, and not the diagram of its formula alone.
    odds = assess(resolve(story)).averaged
    (route,) = (r for r, each in enumerate(odds.graph.routes) if each.requires is not None)
    assert odds.routes[0, route] == pytest.approx(exact(story), rel=1e-12)


def test_two_trains_with_maintenance() -> None:
    """RiskMan's phases: a day of the year in which either pump is taken out of service."""
    houses = "".join(f"<define-house-event name='Out{n}'/>" for n in TRAINS[:2])
    body = trains(2, extra="<house-event name='Out{}'/>") + houses
    year = alignment(
        phase("Normal", 0.99452),
        phase("PumpOneOut", 0.00274, OutOne="true"),
        phase("PumpTwoOut", 0.00274, OutTwo="true"),
    )
    assert exact(imported(model(tree_of(body), year, *TWO))) == pytest.approx(0.062943, abs=5e-7)


FOUR = "".join(
    event(number(chance), f"{part}{n}")
    for part, chance in (("Valve", 0.5), ("Pump", 0.7))
    for n in TRAINS[:2]
)


def test_two_trains_with_conditions() -> None:
    both = "<and>{}</and>".format
    text = model(
        tree_of(trains(2) + FOUR + event(number(0.7), "Hot") + event(number(0.9), "Cold")),
        substitution(both(named("event", "ValveOne", "ValveTwo")), "false", kind="delete-terms"),
        substitution(both(named("event", "PumpOne", "PumpTwo")), "Hot", kind="recovery-rule"),
        substitution(named("basic-event", "Hot"), "Cold"),
    )
    story = imported(text)
    assert exact(story) == pytest.approx(0.329175, rel=1e-12)
    assert "are met, not divided by the probability that these are met." in story.summary


def test_two_trains_with_other_cut_sets() -> None:
    both = "<and>{}</and>".format
    text = model(
        tree_of(trains(2) + FOUR + event(number(0.7), "Hot") + event(number(0.55), "ValveThree")),
        substitution(
            both(named("event", "ValveOne", "ValveTwo")), "ValveThree", "ValveTwo", "exchange-event"
        ),
        substitution(
            both(named("event", "PumpOne", "PumpTwo")), "Hot", "PumpOne PumpTwo", "recovery-rule"
        ),
    )
    story = imported(text)
    assert {frozenset(name for name, _ in cut_set) for cut_set in cut_sets(story)} == {
        frozenset({"valve-one", "pump-two"}),
        frozenset({"valve-two", "pump-one"}),
        frozenset({"valve-one", "valve-three"}),
        frozenset({"hot"}),
    }
    assert rare_event(story) == 1.0


def with_tests(failure: float, interval: float) -> str:
    inside = number(failure) + number(interval) + number(0)
    return f"<periodic-test>{inside}<system-mission-time/></periodic-test>"


def test_hipps() -> None:
    sensors = [f"Sensor{k}" for k in range(3)]
    body = (
        gate(
            f"<or><atleast min='2'>{named('event', *sensors)}</atleast>"
            f"{named('event', 'AllSensors', 'Logic', 'SV1', 'SV2', 'SDV1', 'SDV2')}</or>"
        )
        + event(f"<GLM>{number(0)}{number(1e-6)}{number(0.1)}<system-mission-time/></GLM>", "Logic")
        + "".join(event(with_tests(7e-7, 720), name) for name in sensors)
        + event(with_tests(3.5e-8, 720), "AllSensors")
        + "".join(event(with_tests(2.6e-6, 1440), name) for name in ("SV1", "SV2"))
        + "".join(event(with_tests(4.1e-6, 2160), name) for name in ("SDV1", "SDV2"))
    )
    story = imported(tree(body), hours=8760)
    assert exact(story) == pytest.approx(0.0016209, abs=5e-8)
    assert rare_event(story) == pytest.approx(0.00162188, abs=5e-9)
    assert "The mission time is 8,760 hours." in story.summary


def rate(name: str, mean: float, factor: float) -> str:
    inside = number(mean) + number(factor) + number(0.95)
    deviate = f"<lognormal-deviate>{inside}</lognormal-deviate>"
    return f"<define-parameter name='{name}'>{deviate}</define-parameter>"


def lasting(name: str, parameter: str, time: str = "<system-mission-time/>") -> str:
    return event(f"<exponential><parameter name='{parameter}'/>{time}</exponential>", name)


def test_bscu() -> None:
    often = "<mul><int value='20'/><system-mission-time/></mul>"
    body = (
        gate(
            f"<or>{named('event', 'Monitor', 'StuckBetween')}<and>{named('gate', 'S1', 'S2')}</and>"
            "<and><gate name='S1'/><event name='Stuck1'/></and>"
            "<and><gate name='S2'/><event name='Stuck2'/></and></or>",
            "Lost",
        )
        + "".join(
            gate(f"<or>{named('event', f'El{k}', f'Power{k}')}</or>", f"S{k}") for k in (1, 2)
        )
        + lasting("Monitor", "monitor")
        + lasting("StuckBetween", "stuck")
        + "".join(lasting(f"El{k}", "electronic") + lasting(f"Power{k}", "power") for k in (1, 2))
        + "".join(lasting(f"Stuck{k}", "stuck", often) for k in (1, 2))
        + rate("monitor", 1.6e-7, 10)
        + rate("electronic", 3.0e-5, 10)
        + rate("power", 1.35e-5, 10)
        + rate("stuck", 1.3e-7, 10)
    )
    story = imported(tree(body), hours=8760, at_means=True)
    assert exact(story) == pytest.approx(0.1124087, abs=5e-8)
    assert rare_event(story) == pytest.approx(0.135372, abs=5e-7)


def test_small_tree() -> None:
    pairs = (named("event", "e1", "e2"), named("event", "e3", "e4"))
    body = (
        gate(f"<or>{''.join(f'<and>{pair}</and>' for pair in pairs)}</or>")
        + "".join(lasting(f"e{k}", f"lambda{k}") for k in (1, 2, 3, 4))
        + rate("lambda1", 2e-5, 3)
        + rate("lambda2", 1e-5, 3)
        + rate("lambda3", 2e-5, 3)
        + "<define-parameter name='lambda4'><parameter name='lambda2'/></define-parameter>"
    )
    story = imported(tree(body), hours=8760, at_means=True)
    assert exact(story) == pytest.approx(0.02678, abs=5e-6)
    assert rare_event(story) == pytest.approx(0.02696, abs=5e-6)
