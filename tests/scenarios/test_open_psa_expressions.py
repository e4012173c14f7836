"""Expressions of Open-PSA files: what they compute, and what is wrong with them."""

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.open_psa_text import event, gate, imported, mistakes, number, tree

from storyodds.cli import main
from storyodds.priors.distributions.forms import Fixed
from storyodds.scenarios.open_psa.quantities.lifetimes import (
    Component,
    both_by,
    exponential,
    periodic_test,
)

ONE = gate("<event name='A'/>")
TIME = "<system-mission-time/>"


def parameter(name: str, expression: str, unit: str = "") -> str:
    stated = f" unit='{unit}'" if unit else ""
    return f"<define-parameter name='{name}'{stated}>{expression}</define-parameter>"


def prior(body: str, hours: float | None = None, *, at_means: bool = False) -> Fixed:
    spec = imported(tree(ONE + body), hours=hours, at_means=at_means).assumptions["a"]
    assert spec is not None and isinstance(spec.probability, Fixed)
    return spec.probability


def chance(expression: str, hours: float | None = None) -> float:
    """What an expression of the one basic event comes to."""
    return prior(event(expression), hours).fixed


def sentence(expression: str, extra: str = "", hours: float | None = None) -> str:
    """The one mistake of an expression, without its place and its event."""
    (line,) = mistakes(tree(ONE + event(expression) + extra), hours=hours)
    return line.partition(": ")[2].removeprefix("basic event A: ")


def of(tag: str, *arguments: object) -> str:
    inside = (each if isinstance(each, str) else number(each) for each in arguments)
    return f"<{tag}>{''.join(inside)}</{tag}>"


TRUE, FALSE = "<bool value='true'/>", "<bool value='false'/>"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (of("sin", 0.5), math.sin(0.5)),
        (of("cos", 1.0), math.cos(1.0)),
        (of("tan", 0.5), math.tan(0.5)),
        (of("asin", 0.5), math.asin(0.5)),
        (of("acos", 0.75), math.acos(0.75)),
        (of("atan", 0.5), math.atan(0.5)),
        (of("sinh", 0.5), math.sinh(0.5)),
        (of("div", 1.0, of("cosh", 0.5)), 1 / math.cosh(0.5)),
        (of("tanh", 0.5), math.tanh(0.5)),
        (of("mod", 6.25, 2), 0.25),
        (of("ceil", 0.2), 1.0),
        (of("floor", 0.9), 0.0),
        (TRUE, 1.0),
        (of("not", TRUE), 0.0),
        (of("and", TRUE, FALSE, TRUE), 0.0),
        (of("or", TRUE, FALSE), 1.0),
        (of("eq", 2, 2.0), 1.0),
        (of("df", 2, 2.0), 0.0),
        (of("lt", 1, 2), 1.0),
        (of("gt", 1, 2), 0.0),
        (of("leq", 2, 2), 1.0),
        (of("geq", 1, 2), 0.0),
        (of("ite", of("lt", 1, 2), 0.1, 0.2), 0.1),
        (of("ite", FALSE, 0.1, 0.2), 0.2),
        (of("switch", 0.3), 0.3),
        (of("switch", of("case", FALSE, 0.1), of("case", TRUE, 0.2), 0.3), 0.2),
        (of("switch", of("case", FALSE, 0.1), of("case", FALSE, 0.2), 0.3), 0.3),
        (of("periodic-test", 0.1, 1, 2, 5), 1 - math.exp(-0.1)),
    ],
)
def test_functions(expression: str, expected: float) -> None:
    assert chance(expression) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(
    ("expression", "opening"),
    [
        (of("and", TRUE, 0.5), "found 0.5, expected true or false, 1 or 0"),
        (of("ite", 2, 0.1, 0.2), "found 2, expected true or false"),
        (of("ite", TRUE, 0.1), "found 2 arguments in <ite>, expected 3"),
        ("<bool value='yes'/>", "found 'yes', expected true or false"),
        ("<switch/>", "found no expression after the cases in <switch>"),
        (of("switch", of("case", TRUE, 0.1)), "found no expression after the cases in <switch>"),
        (of("switch", of("case", TRUE), 0.1), "found <case> with 1 expressions in <switch>"),
        (of("switch", 0.1, 0.2), "found <float> in <switch>, expected <case> elements"),
        (of("mod", 1, 0), "found mod(1, 0), expected a finite result"),
        (of("acos", 2), "found acos(2), expected a finite result"),
        (of("exponential", -1, 1), "found -1, expected a rate of failure, 0 or more"),
        (of("exponential", 1, -1), "found -1, expected a time, 0 or more"),
        (of("GLM", 2, 1, 1, 1), "found 2, expected a probability of a failure on demand"),
        (of("Weibull", 0, 1, 0, 1), "found 0, expected a scale, above 0"),
        (of("periodic-test", 1, 2, 3), "found 3 arguments in <periodic-test>, expected 4, 5 or 11"),
        (of("periodic-test", 0.1, 0, 2, 5), "found 0, expected a time between tests, above 0"),
        (
            of("periodic-test", 1, 1, 1, 2, 0, 0, 3, 1, 1, 0, 9),
            "found 3, expected a duration of the test, from 0 to 2, the time between tests",
        ),
        (
            of("periodic-test", 1, 1, 1, 2, 0, 0, 1, 0.5, 1, 0, 9),
            "found 0.5, expected whether it is available in a test, 1 or 0",
        ),
        ("<histogram/>", "found no expression before the bins in <histogram>, expected one exp"),
        (of("histogram", 0), "found no <bin> in <histogram>"),
        (of("histogram", 0, 1), "found <float> in <histogram>, expected one expression, its lower"),
        (of("histogram", 0, of("bin", 1)), "found <bin> with 1 expressions in <histogram>"),
        (of("histogram", 0, of("bin", 0, 0.1)), "found 0 and 0, expected the upper end of a bin"),
        (
            of("histogram", 0, of("bin", 1, 0.1)),
            "found <histogram>, which a story does not have, expected <beta-deviate>, <lognormal-",
        ),
        (of("gamma-deviate", 2, 0.01), "found <gamma-deviate>, which a story does not have"),
        (of("gamma-deviate", 0, 1), "found 0 and 1, expected two numbers above 0"),
        (of("extern-function"), "found <extern-function>, which is not supported"),
    ],
)
def test_arguments_that_are_refused(expression: str, opening: str) -> None:
    assert sentence(expression).startswith(opening)


# --- the mission time -----------------------------------------------------------------------------


def test_the_mission_time_has_to_be_stated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "tree.xml"
    path.write_text(tree(ONE + event(of("exponential", 1e-4, TIME))), encoding="utf-8")
    assert main(["import", str(path)]) == 2
    assert "expected its hours: state them, as in --mission-time 8760" in capsys.readouterr().err
    assert main(["import", str(path), "--mission-time", "100"]) == 0
    printed = capsys.readouterr()
    assert "The mission time is 100 hours." in printed.out and printed.err == ""
    for wrong in ("0", "-1", "nan", "inf"):
        assert main(["import", str(path), "--mission-time", wrong]) == 2
        assert "--mission-time: found " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("time", "rate", "exponent"),
    [
        (TIME, number(1e-4), 0.01),
        ("<system-mission-time unit='hours'/>", number(1e-4), 0.01),
        (TIME, "<parameter name='yearly'/>", 0.876 * 100 / 8760),
        ("<system-mission-time unit='years'/>", "<parameter name='yearly'/>", 0.876 * 100 / 8760),
    ],
)
def test_the_mission_time_has_its_unit(time: str, rate: str, exponent: float) -> None:
    body = event(of("exponential", rate, time)) + parameter("yearly", number(0.876), "years-1")
    # Two conversions and two products, each with half a unit in the last place.
    assert prior(body, 100).fixed == pytest.approx(-math.expm1(-exponent), rel=1e-15)


def test_the_standards_example_asks_for_the_unit_of_its_rate() -> None:
    written = of("sub", 1, of("exp", of("mul", of("neg", "<parameter name='rate'/>"), TIME)))
    bare = parameter("rate", number(1.23e-4))
    assert sentence(written, bare, hours=100) == (
        "found hours in <exp>, expected a number without a unit there; a rate takes the unit of a "
        'time away, as <define-parameter unit="hours-1"> does'
    )
    stated = event(written) + parameter("rate", number(1.23e-4), "hours-1")
    # 1 - exp(-x) leaves 1e-16 open of a 0.01.
    assert prior(stated, 100).fixed == pytest.approx(-math.expm1(-0.0123), rel=1e-13)


def test_other_units_of_the_mission_time_are_refused() -> None:
    expression = of("exponential", 1e-4, "<system-mission-time unit='fit'/>")
    expected = "found unit='fit' of the mission time, expected hours or years"
    assert sentence(expression, hours=9).startswith(expected)


# --- uncertain numbers at their means -------------------------------------------------------------

RATE = parameter("rate", of("uniform-deviate", 0.0, 2e-3))


def test_a_function_of_a_deviate_is_taken_at_its_mean_where_that_is_asked_for() -> None:
    expression = of("exponential", "<parameter name='rate'/>", 100)
    assert "; --at-means takes each at its mean" in sentence(expression, RATE)
    number_at_mean = prior(event(expression) + RATE, at_means=True)
    assert number_at_mean.fixed == pytest.approx(-math.expm1(-0.1), rel=1e-15)
    assert number_at_mean.note == (
        "Computed in the file by <exponential>. Taken at the mean of what the file has as "
        "uncertain: no band comes from it."
    )


def test_a_shared_deviate_is_taken_at_its_mean_where_that_is_asked_for() -> None:
    shared = "<parameter name='rate'/>"
    both = gate("<and><event name='A'/><event name='B'/></and>")
    body = both + event(shared) + event(shared, "B") + RATE
    assert "; --at-means takes it at its mean" in mistakes(tree(body))[0]
    story = imported(tree(body), at_means=True)
    priors = [spec.probability for spec in story.assumptions.values() if spec and spec.probability]
    assert [form.fixed for form in priors if isinstance(form, Fixed)] == [1e-3, 1e-3]
    alone = imported(tree(ONE + event(shared) + RATE), at_means=True).assumptions["a"]
    assert alone is not None and alone.probability is not None
    assert not isinstance(alone.probability, Fixed)  # what a story can keep is kept


@pytest.mark.parametrize(
    ("expression", "mean"),
    [
        (of("gamma-deviate", 2, 0.01), 0.02),
        (of("mul", of("gamma-deviate", 0.5, 0.2), 3), 0.3),
        # Of an exponential distribution of mean 1, at most 1: the integral of its survival.
        (of("min", of("gamma-deviate", 1, 1), 1), 1 - math.exp(-1)),
        (of("histogram", 10, of("bin", 20, 0.1), of("bin", 50, 0.3)), (0.1 + 3 * 0.3) / 4),
        (of("min", of("histogram", 0, of("bin", 1, 0.5), of("bin", 2, 3.0)), 1), 0.75),
    ],
)
def test_distributions_that_no_story_has(expression: str, mean: float) -> None:
    assert prior(event(expression), at_means=True).fixed == pytest.approx(mean, rel=1e-14)


def test_units_of_distributions_that_no_story_has() -> None:
    """The scale of a gamma has the unit, and the values of a histogram have theirs."""
    scale = parameter("scale", number(0.1), "years-1") + parameter("time", number(876), "hours")
    drawn = of("gamma-deviate", 2, "<parameter name='scale'/>")
    bins = of("bin", "<parameter name='time'/>", "<parameter name='scale'/>")
    for rate, expected in ((drawn, 0.02), (of("histogram", 0, bins), 0.01)):
        lasting = event(of("exponential", rate, "<parameter name='time'/>"))
        assert prior(lasting + scale, at_means=True).fixed == pytest.approx(
            -math.expm1(-expected), rel=1e-14
        )


def test_a_deviate_that_is_made_of_another() -> None:
    expression = of("uniform-deviate", 0, "<parameter name='rate'/>")
    assert sentence(expression, RATE).startswith("found a deviate inside <uniform-deviate>")
    story = imported(tree(ONE + event(expression) + RATE), at_means=True)
    spec = story.assumptions["a"]
    assert spec is not None and spec.probability is not None
    assert spec.probability.model_dump(include={"uniform"}) == {"uniform": (0.0, 1e-3)}
    assert spec.probability.note == (
        "A number that makes it is uncertain in the file, and taken at its mean."
    )


# --- periodic tests -------------------------------------------------------------------------------

# What SCRAM's own tests state of its periodic test (`tests/expression_tests.cc`), to 1e-5.
USUAL = {
    **{"failure": 7e-4, "failure_in_test": 6e-4, "repair": 4e-4, "interval": 120.0},
    **{"first": 4740.0, "gamma": 0.01, "duration": 20.0, "available_in_test": 1.0},
    **{"detection": 0.9, "bad_restart": 0.01},
}


@pytest.mark.parametrize(
    ("changes", "time", "unavailability"),
    [
        ({}, 8760, 0.668316),
        ({"available_in_test": 0.0}, 8760, 0.668316),
        ({"available_in_test": 0.0}, 4750, 1.0),
        ({"available_in_test": 0.0}, 4870, 0.996715),
        ({"available_in_test": 0.0}, 8710, 0.997478),
        ({"failure_in_test": 7e-4, "repair": 7e-4}, 8760, 0.543401),
        ({"duration": 120.0}, 8760, 0.6469),
    ],
)
def test_periodic_tests_as_published(
    changes: dict[str, float], time: float, unavailability: float
) -> None:
    component = Component(**{**USUAL, **changes})
    assert component.unavailability(time) == pytest.approx(unavailability, abs=1e-5)


@pytest.mark.parametrize(
    ("repair", "interval", "unavailability"),
    [
        (4e-4, 4020, 0.817508),
        (4e-4, 2010, 0.736611),
        (4e-4, 120, 0.645377),
        (7e-4, 120, 0.511579),
        (0.0, 120, 0.997828),
    ],
)
def test_instant_tests_as_published(repair: float, interval: float, unavailability: float) -> None:
    result = periodic_test(7e-4, repair, interval, 4740.0, 8760.0)
    assert result == pytest.approx(unavailability, abs=1e-5)


def test_a_component_followed_by_chance() -> None:
    """Against a simulation of what the standard describes, in its three phases."""
    rng = np.random.default_rng(7)
    component = Component(3e-3, 2e-3, 1e-2, 100.0, 50.0, 0.02, 10.0, 1.0, 0.8, 0.05)
    runs, time = 10_000, 333.0
    out = sum(simulated(component, time, rng) for _ in range(runs)) / runs
    expected = component.unavailability(time)
    # Four standard errors of the share of so many runs.
    assert out == pytest.approx(expected, abs=4 * math.sqrt(expected * (1 - expected) / runs))


def simulated(component: Component, time: float, rng: np.random.Generator) -> bool:
    """Whether one component is out of service at a time."""
    state, now = "available", 0.0
    tests = itertools.count()
    ends = [(component.first, "test")]
    while now < time:
        end, following = ends.pop()
        stop = min(end, time)
        state = waited(component, state, stop - now, rng)
        now = end
        if following == "test" and now < time:
            position = next(tests)
            state = at_test(component, state, min(component.duration, time - now), rng)
            now += component.duration
            ends.append((component.first + (position + 1) * component.interval, "test"))
    return state != "available"


def waited(component: Component, state: str, span: float, rng: np.random.Generator) -> str:
    """The state after a span in which nothing is tested."""
    if state == "available":
        return "failed" if rng.random() < exponential(component.failure, span) else state
    if state == "in repair":
        repair = rng.exponential(1 / component.repair)
        if repair > span:
            return state
        if rng.random() < component.bad_restart:
            return "failed"
        return waited(component, "available", span - repair, rng)
    return state


def at_test(component: Component, state: str, span: float, rng: np.random.Generator) -> str:
    """The state after a test; a repair goes on beside it."""
    if state == "in repair":
        return waited(component, state, span, rng)
    fails = rng.random() < component.gamma or (
        rng.random() < exponential(component.failure_in_test, span)
    )
    if state == "available" and not fails:
        return state
    return "in repair" if rng.random() < component.detection else "failed"


@given(st.floats(1e-6, 10), st.floats(1e-6, 10), st.floats(0, 10))
def test_two_waits(first: float, second: float, time: float) -> None:
    """Against the midpoint rule over when the first wait ends, and the same in either order."""
    steps = 2000
    width = time / steps
    total = 0.0
    for k in range(steps):
        end = (k + 0.5) * width
        total += first * math.exp(-first * end) * exponential(second, time - end) * width
    # The second derivative is below (first + second)**2 * first, and the rule's error a 24th of
    # it times the cube of the span over the square of the steps.
    bound = first * (first + second) ** 2 * time**3 / (24 * steps**2) + 1e-12
    assert both_by(first, second, time) == pytest.approx(total, abs=bound)
    assert both_by(first, second, time) == both_by(second, first, time)


def test_many_tests_take_no_longer() -> None:
    """A million tests are multiplied, not walked through; in the end nothing changes any more."""
    frequent = Component(1e-3, 1e-3, 1e-1, 1.0, 0.0, 0.0, 0.1, 1.0, 0.9, 0.0)
    # Columns of a product add up to 1 but for a unit in the last place, each time.
    assert frequent.unavailability(1e6 + 0.5) == pytest.approx(
        frequent.unavailability(1e5 + 0.5), abs=1e6 * 2**-52
    )
