"""What a fault tree says and a story cannot keep is refused, or told: nothing is passed over."""

import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.open_psa_text import event, gate, imported, mistakes, number, top_probability, tree

from storyodds.cli import main
from storyodds.priors.distributions.forms import Fixed, Normal
from storyodds.priors.text.errors import InputError
from storyodds.priors.text.phrases import did_you_mean
from storyodds.priors.text.xml_reader import Element, parse_xml
from storyodds.scenarios.open_psa import reader
from storyodds.scenarios.open_psa import tree as open_psa_tree
from storyodds.scenarios.open_psa.quantities.deviates import (
    REFUSED_CHANGE,
    Deviate,
    change,
    file_mean,
)
from storyodds.scenarios.open_psa.quantities.units import HOURS_PER_YEAR

ONE = gate("<event name='A'/>")


def parameter(name: str, expression: str, unit: str | None = None) -> str:
    stated = "" if unit is None else f" unit='{unit}'"
    return f"<define-parameter name='{name}'{stated}>{expression}</define-parameter>"


def named(*names: str) -> str:
    return "".join(f"<parameter name='{name}'/>" for name in names)


def chance(body: str) -> float:
    """The probability of the one basic event of a tree."""
    spec = imported(tree(ONE + body)).assumptions["a"]
    assert spec is not None and isinstance(spec.probability, Fixed)
    return spec.probability.fixed


def sentence(body: str) -> str:
    """The one mistake of a tree, without its place."""
    (told,) = mistakes(tree(body))
    return told.partition(": ")[2]


# --- units ----------------------------------------------------------------------------------------

EXPONENTIAL = event(f"<exponential>{named('rate', 'time')}</exponential>")


@pytest.mark.parametrize(
    ("rate", "rate_unit", "time", "time_unit", "exponent"),
    [
        (0.1, "years-1", 8760, "hours", 0.1),
        (0.1, "years-1", 1, "years", 0.1),
        (1e-5, "hours-1", 1, "years", 1e-5 * HOURS_PER_YEAR),
        (1e-5, "hours-1", 100, "hours", 1e-3),
        (1000, "fit", 100, "hours", 1e-4),
        (1000, "fit", 2, "years", 1e-6 * 2 * HOURS_PER_YEAR),
        (1e-5, "hours-1", 100, None, 1e-3),
        (0.1, None, 2, "years", 0.2),
        (0.1, None, 2, "float", 0.2),
        (0.1, "fit", 0, None, 0.0),
    ],
)
def test_rates_and_times_meet_in_one_unit(
    rate: float, rate_unit: str | None, time: float, time_unit: str | None, exponent: float
) -> None:
    given_units = parameter("rate", number(rate), rate_unit) + parameter(
        "time", number(time), time_unit
    )
    # Two conversions and two products, each with half a unit in the last place.
    assert chance(EXPONENTIAL + given_units) == pytest.approx(-math.expm1(-exponent), rel=1e-15)


@pytest.mark.parametrize(
    ("expression", "parameters", "expected"),
    [
        (
            f"<mul>{named('rate', 'hours')}</mul>",
            parameter("rate", number(0.1), "years-1") + parameter("hours", number(876), "hours"),
            0.01,
        ),
        (
            f"<sub>{number(1)}<exp><neg><mul>{named('rate', 'hours')}</mul></neg></exp></sub>",
            parameter("rate", number(1e-3), "hours-1") + parameter("hours", number(100), "hours"),
            1 - math.exp(-0.1),
        ),
        (
            f"<exponential>{named('rate')}<add>{named('hours', 'years')}</add></exponential>",
            parameter("rate", number(1e-4), "hours-1")
            + parameter("hours", number(100), "hours")
            + parameter("years", number(1), "years"),
            1 - math.exp(-1e-4 * (100 + HOURS_PER_YEAR)),
        ),
        (
            f"<exponential>{named('rate', 'hours')}</exponential>",
            parameter("rate", f"<div>{number(1)}{named('mttf')}</div>", "hours-1")
            + parameter("mttf", number(1000), "hours")
            + parameter("hours", number(100), "hours"),
            1 - math.exp(-0.1),
        ),
        (
            f"<Weibull>{named('hours')}{number(2)}{number(0)}{named('years')}</Weibull>",
            parameter("hours", number(8760), "hours") + parameter("years", number(0.5), "years"),
            1 - math.exp(-0.25),
        ),
        (
            f"<GLM>{number(0)}{named('rate', 'repair', 'hours')}</GLM>",
            parameter("rate", number(0.876), "years-1")
            + parameter("repair", number(0.01), "hours-1")
            + parameter("hours", number(100), "hours"),
            1e-4 / 0.0101 * (1 - math.exp(-1.01)),
        ),
    ],
)
def test_units_of_whole_expressions(expression: str, parameters: str, expected: float) -> None:
    # Of the digits, 1 - exp(-x) in the expectation leaves the most open: 1e-16 of a 0.01.
    assert chance(event(expression) + parameters) == pytest.approx(expected, rel=1e-14)


def test_that_a_year_has_8760_hours_is_told_where_it_matters() -> None:
    def remarks(rate_unit: str, time_unit: str) -> tuple[str, ...]:
        given_units = parameter("rate", number(0.1), rate_unit) + parameter(
            "time", number(0.5), time_unit
        )
        text = tree(ONE + EXPONENTIAL + given_units)
        return reader.imported(parse_xml(text.encode())).remarks

    told = "A year is taken as 8,760 hours."
    assert remarks("years-1", "hours") == (f"basic event A: {told}",)
    assert remarks("years-1", "years") == remarks("fit", "hours") == ()
    text = tree(
        ONE
        + EXPONENTIAL
        + parameter("rate", number(0.1), "years-1")
        + parameter("time", number(9), "hours")
    )
    spec = imported(text).assumptions["a"]
    assert spec is not None and spec.probability is not None
    assert spec.probability.note == f"Computed in the file by <exponential>. {told}"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            EXPONENTIAL + parameter("rate", number(9), "fit") + parameter("time", number(10)),
            "basic event A: found 10 without a unit beside fit in <exponential>, expected a unit "
            'for each: write it as a <define-parameter unit="…">',
        ),
        (
            EXPONENTIAL
            + parameter("rate", number(9), "hours-1")
            + parameter("time", number(1), "hours-1"),
            "basic event A: found hours-1 as the second argument of <exponential>, expected a time "
            "(hours or years) there",
        ),
        (
            event(named("q")) + parameter("q", number(0.1), "years-1"),
            "basic event A: found a value in years-1, expected a probability, which has no unit; a "
            "rate and a time make one in <exponential>",
        ),
        (
            event(named("q")) + parameter("q", number(0.1), "demands"),
            "basic event A: found a value in demands, expected a probability, which has no unit; "
            "leave the unit away from a chance per demand",
        ),
        (
            event(f"<mul>{named('q')}{number(2)}</mul>") + parameter("q", number(0.1), "hours-1"),
            "basic event A: found a value in hours-1",
        ),
        (
            event(f"<add>{named('q', 'r')}</add>")
            + parameter("q", number(0.1), "hours-1")
            + parameter("r", number(0.1), "hours"),
            "basic event A: found hours-1 and hours together in <add>",
        ),
        (
            event(f"<exp>{named('q')}</exp>") + parameter("q", number(-1), "hours"),
            "basic event A: found hours in <exp>, expected a number without a unit there",
        ),
        (
            event(number(0.1)) + parameter("q", number(0.1), "hour"),
            "parameter q: found unit='hour', expected hours, hours-1, years, years-1, fit, "
            "demands, bool, int or float; did you mean 'hours'?",
        ),
        (
            event(number(0.1)) + parameter("q", number(0.1), "int"),
            "parameter q: found unit=int of 0.1, expected a whole number",
        ),
        (
            event(number(0.1)) + parameter("q", number(0.1), "bool"),
            "parameter q: found unit=bool of 0.1, expected 0 or 1",
        ),
        (
            event(number(0.1))
            + parameter("q", f"<div>{number(1)}{named('r')}</div>", "years-1")
            + parameter("r", number(0.1), "hours"),
            "parameter q: found unit=years-1 of a value that comes out in hours-1",
        ),
        (
            event(f"<exponential><parameter name='q' unit='years-1'/>{number(1)}</exponential>")
            + parameter("q", number(0.1), "hours-1"),
            "basic event A: found unit='years-1', expected 'hours-1', as the parameter q has it",
        ),
        (
            event(f"<exponential>{number(1)}<system-mission-time unit='hours'/></exponential>"),
            "basic event A: found <system-mission-time>",
        ),
        (
            event(named("q"))
            + parameter("q", f"<uniform-deviate>{number(0)}{number(1)}</uniform-deviate>", "hours"),
            "basic event A: found a value in hours",
        ),
    ],
)
def test_units_that_do_not_go_together(body: str, expected: str) -> None:
    assert sentence(ONE + body).startswith(expected)


# --- deviates that leave [0, 1] -------------------------------------------------------------------


def deviate(tag: str, *numbers: float) -> str:
    return f"<{tag}-deviate>{''.join(map(number, numbers))}</{tag}-deviate>"


@pytest.mark.parametrize(
    ("expression", "means"),
    [
        (deviate("normal", 0.001, 0.01), "0.001 0.00835332"),
        (deviate("lognormal", 0.5, 10, 0.95), "0.5 0.236924"),
        (deviate("normal", 0.999, 0.01), "0.999 0.991647"),
        (deviate("normal", -0.1, 0.3), "-0.1 0.206161"),
        (f"<max>{number(0)}{deviate('uniform', -0.1, 0.3)}</max>", "0.1125 0.15"),
    ],
)
def test_a_mean_that_would_change_much_is_refused(expression: str, means: str) -> None:
    in_file, in_story = means.split()
    told = sentence(ONE + event(expression))
    assert told.startswith(f"basic event A: found a deviate of mean {in_file} that ")
    assert f"which would make its mean {in_story}; expected a change of at most 5%" in told


@pytest.mark.parametrize(
    ("expression", "note"),
    [
        (deviate("lognormal", 0.001, 3, 0.95), None),
        (deviate("normal", 0.5, 0.1), None),
        (deviate("beta", 0.5, 0.5), None),
        (
            deviate("lognormal", 0.1, 4, 0.95),
            "Cut off at 1 in the story, which moves its mean from 0.1 in the file to 0.0990373.",
        ),
        (
            f"<max>{number(0)}{deviate('uniform', -0.01, 0.39)}</max>",
            "Clamped in the file and cut off at 0 and 1 in the story, which moves its mean from "
            "0.190125 in the file to 0.195.",
        ),
    ],
)
def test_a_mean_that_changes_little_is_told(
    expression: str, note: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "tree.xml"
    path.write_text(tree(ONE + event(expression)), encoding="utf-8")
    told = reader.read_open_psa(path)
    spec = told.story.assumptions["a"]
    assert spec is not None and spec.probability is not None
    assert spec.probability.note == note
    assert told.remarks == (() if note is None else (f"basic event A: {note}",))
    assert main(["import", str(path), "--json"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ("" if note is None else f"note: basic event A: {note}\n")
    assert json.loads(printed.out)["remarks"] == list(told.remarks)


@given(st.floats(-0.5, 1.5), st.floats(0.01, 2.0), st.booleans(), st.booleans())
def test_means_of_clamped_normals(mean: float, sd: float, low: bool, high: bool) -> None:
    """Against the midpoint rule over ten standard deviations on both sides."""
    where = Element("normal-deviate", {}, 1, 1)
    clamped = Deviate({"normal": [mean, sd]}, where, at_least_0=low, at_most_1=high)
    steps = 4000
    total = 0.0
    for k in range(steps):
        z = -10 + 20 * (k + 0.5) / steps
        x = mean + sd * z
        x = max(x, 0.0) if low else x
        x = min(x, 1.0) if high else x
        total += x * math.exp(-z * z / 2) * 20 / steps
    # The kinks cost a square of the step, (20 / 4000)**2 / 8 of a slope sd at most twice.
    assert file_mean(clamped) == pytest.approx(total / math.sqrt(2 * math.pi), abs=1e-5 * sd)


def test_the_change_is_that_of_the_smaller_of_mean_and_complement() -> None:
    assert change(0.01, 0.0105) == pytest.approx(0.05) == change(0.99, 0.9895)
    assert math.isinf(change(-0.1, 0.2))
    assert REFUSED_CHANGE == 0.05


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (deviate("normal", 0.5, -0.1), "found -0.1, expected a standard deviation above 0"),
        (deviate("normal", 0.5, 0), "found 0, expected a standard deviation above 0"),
        (deviate("lognormal", -4, -1), "found -1, expected a standard deviation of the logarithm"),
        (deviate("lognormal", -0.1, 3, 0.95), "found -0.1, expected a mean above 0"),
        (deviate("lognormal", 0.1, 1, 0.95), "found 1, expected an error factor"),
        (deviate("lognormal", 0.1, 3, 95), "found 95, expected a level above 0.5 and below 1"),
        (deviate("beta", 0, 1), "found 0 and 1, expected two numbers above 0"),
        (deviate("uniform", 0.3, 0.1), "found 0.3 and 0.1, expected the lower end first"),
        (deviate("lognormal", 0.1, 3, 0.95, 1), "found 4 arguments in <lognormal-deviate>"),
        (deviate("beta", 1), "found 1 argument in <beta-deviate>, expected 2"),
        (f"<min>{number(2)}{deviate('normal', 0.5, 0.1)}</min>", "found a deviate inside <min>"),
    ],
)
def test_deviates_that_are_none(expression: str, expected: str) -> None:
    assert sentence(ONE + event(expression)).startswith(f"basic event A: {expected}")
    unused = ONE + event(number(0.1)) + parameter("unused", expression)
    if "<min>" not in expression:
        assert sentence(unused).startswith(f"parameter unused: {expected}")


# --- connectives ----------------------------------------------------------------------------------

THREE = event(number(0.1)) + event(number(0.2), "B") + event(number(0.3), "C")
LEAVES = "<event name='A'/><event name='B'/><event name='C'/>"


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (f"<iff>{LEAVES}</iff>", 0.404),
        (f"<xor>{LEAVES}</xor>", 0.404),  # with an odd number of parts they are the same
        ("<iff><event name='A'/><event name='B'/></iff>", 0.74),
        (f"<iff>{LEAVES}<event name='A'/></iff>", 0.62),  # A twice drops out: B iff C
        ("<iff><event name='A'/></iff>", 0.1),
        (f"<not><iff>{LEAVES}</iff></not>", 0.596),
        (f"<iff><xor>{LEAVES}</xor><iff>{LEAVES}</iff><event name='B'/></iff>", 0.2),
        (f"<cardinality min='1' max='2'>{LEAVES}</cardinality>", 1 - 0.504 - 0.006),
        (f"<not><cardinality min='1' max='1'>{LEAVES}</cardinality></not>", 1 - 0.398),
        (f"<cardinality min='0' max='0'>{LEAVES}</cardinality>", 0.504),
    ],
)
def test_connectives_of_three(formula: str, expected: float) -> None:
    story = imported(tree(gate(formula) + THREE))
    assert top_probability(story) == pytest.approx(expected, rel=1e-14)


# --- nothing is passed over -----------------------------------------------------------------------

A = event(number(0.1))
HOUSE = "<or><house-event name='H'/><event name='A'/></or>"


def strange() -> Iterator[tuple[str, str]]:
    """Bodies of trees, and how the one sentence begins."""
    yield (
        gate("<atleast min='1' max='1'><event name='A'/></atleast>") + A,
        "gate G: found the attribute 'max' ('1') in <atleast>, expected min alone; "
        '<cardinality min="…" max="…">',
    )
    yield (
        gate(f"<or><event name='A'>{number(0.9)}</event></or>") + A,
        "gate G: found <float> in <event>, expected nothing: it belongs in <define-basic-event>",
    )
    for tag in ("xor", "iff", "or", "and", "nand"):
        yield (
            gate(f"<{tag} min='1'><event name='A'/><event name='A'/></{tag}>") + A,
            f"gate G: found the attribute 'min' ('1') in <{tag}>, expected no attribute",
        )
    yield gate("<event name='A' x:type='gate'/>") + A, "gate G: found the attribute 'x:type'"
    yield gate("<event name='A' type='basic'/>") + A, "gate G: found the type 'basic'"
    yield gate("<event name='A' type='parameter'/>") + A, "gate G: found the type 'parameter'"
    yield gate("<x:not><event name='A'/></x:not>") + A, "gate G: found <x:not>"
    yield gate("<or>boo<event name='A'/></or>") + A, "gate G: found the text 'boo' in <or>"
    yield gate("<or><![CDATA[boo]]><event name='A'/></or>") + A, "gate G: found the text 'boo'"
    yield gate("<note/><event name='A'/>") + A, "gate G: found <note> in <define-gate>, expected"
    yield gate("<event name='A'/><event name='A'/>") + A, "gate G: found 2 formulas"
    yield (
        gate("<label>a</label><label>b</label><event name='A'/>") + A,
        "gate G: found <label> again in <define-gate>, expected one",
    )
    yield gate("<label>a<b/></label><event name='A'/>") + A, "gate G: found <b> in <label>"
    yield gate("<attributes><x/></attributes><event name='A'/>") + A, "gate G: found <x> in"
    yield (
        gate("<attributes><attribute nam='a' value='b'/></attributes><event name='A'/>") + A,
        "gate G: found the attribute 'nam' ('a') in <attribute>",
    )
    yield f"{ONE}{A}stray", "found the text 'stray' in <define-fault-tree>"
    yield ONE + event("<float value='0.1'>0.2</float>"), "basic event A: found the text '0.2'"
    yield (
        ONE + event("<float value='0.1' unit='hours'/>"),
        "basic event A: found the attribute 'unit' ('hours') in <float>, expected value alone",
    )
    yield ONE + event("<float value='١'/>"), "basic event A: found '١', expected a number"
    yield (
        ONE + event("<mul a='1'><float value='1'/></mul>"),
        "basic event A: found the attribute 'a'",
    )
    yield (
        ONE + event(f"<div><pi>3</pi>{number(4)}</div>"),
        "basic event A: found the text '3' in <pi>, expected nothing",
    )
    yield (
        gate(HOUSE) + A + "<define-house-event name='H'>true</define-house-event>",
        "house event H: found the text 'true' in <define-house-event>",
    )
    yield (
        gate(HOUSE) + A + "<define-house-event name='H' value='true'/>",
        "house event H: found the attribute 'value' ('true')",
    )
    yield (
        ONE + A + "<define-house-event name='H'><constant value='true'/><x/></define-house-event>",
        "house event H: found <x> in <define-house-event>",
    )
    yield ONE + A + parameter("q", number(1)) * 2, "parameter q: found 'q' again"
    yield ONE + A + A, "basic event A: found 'A' again"
    component = "<define-component name='c'/>"
    yield ONE + A + component * 2, "found <define-component> 'c' again, expected a name of its own"


@pytest.mark.parametrize(("body", "start"), list(strange()))
def test_what_would_be_passed_over_is_refused(body: str, start: str) -> None:
    (told,) = mistakes(tree(body))
    place, _, said = told.partition(": ")
    assert said.startswith(start), said
    assert "expected" in said
    assert place.count(":") == 1


@pytest.mark.parametrize(
    ("body", "start"),
    [
        ("<define-basic-evnt name='A'><float value='0.1'/></define-basic-evnt>", "<define-basic-e"),
        ("<define-basic-event nam='A'><float value='0.1'/></define-basic-event>", "<define-basic"),
        ("<include file='events.xml'/>", "<include>"),
        (
            "<define-event-tree name='e'><define-functional-event name='A'/></define-event-tree>",
            "<define-event-tree>",
        ),
    ],
)
def test_the_first_and_only_sentence_is_the_cause(body: str, start: str) -> None:
    """Whatever an element that is refused would have defined is not missed a second time."""
    (told,) = mistakes(tree(ONE + "\n" + body))
    assert told.startswith(f"2:1: found {start}")


def test_definitions_stand_where_the_format_has_them() -> None:
    data = f"<opsa-mef><model-data>{ONE}{A}</model-data></opsa-mef>"
    assert (
        "found <define-gate> in <model-data>, expected it in <define-fault-tree>"
        in (mistakes(data)[0])
    )
    assert (
        "found <model-data> in <define-fault-tree>"
        in mistakes(tree(ONE + f"<model-data>{A}</model-data>"))[0]
    )


def test_the_line_of_a_text_is_its_own() -> None:
    text = "<opsa-mef>\n<define-fault-tree name='t'>\n<!-- a\n\n -->\n\n  some words\n"
    text += f"{ONE}{A}</define-fault-tree></opsa-mef>"
    assert mistakes(text)[0].startswith("7:3: found the text 'some words'")


@pytest.mark.parametrize(
    "text",
    [
        tree(gate("<label><![CDATA[a < b]]></label><event name='A'/>") + A),
        tree(
            gate(
                "<label xml:lang='en'>a</label><attributes><attribute name='a' value='b' "
                "type='c'/><attribute name='d' value='e'/></attributes><event name='A'/>"
            )
            + A
        ),
        tree(gate("<!-- a --><or> <!-- b\n --><event name='A'/>\n</or><?pi x?>") + A),
        tree(gate("<event name='A' type='basic-event'/>") + A),
        tree(ONE + A).replace(
            "<opsa-mef>",
            "<opsa-mef xmlns='http://open-psa.org' xmlns:xsi='http://www.w3.org/2001/"
            "XMLSchema-instance' xsi:noNamespaceSchemaLocation='mef.xsd'>",
        ),
        tree(ONE + A)
        .replace("</", "<!")
        .replace("<", "<o:")
        .replace("<o:!", "</o:")
        .replace("<o:opsa-mef>", "<o:opsa-mef xmlns:o='http://open-psa.org'>"),
    ],
)
def test_what_says_nothing_of_the_model_may_stay(text: str) -> None:
    assert set(imported(text).assumptions) == {"g-gate", "a"}


# --- whole files ----------------------------------------------------------------------------------


def test_a_vote_of_twelve() -> None:
    names = [f"e{i}" for i in range(1, 13)]
    inner = "".join(f"<basic-event name='{name}'/>" for name in names)
    events = "".join(event(number(0.01), name) for name in names)
    story = imported(tree(gate(f"<atleast min='4'>{inner}</atleast>") + events))
    expected = math.fsum(math.comb(12, k) * 0.01**k * 0.99 ** (12 - k) for k in range(4, 13))
    assert top_probability(story) == pytest.approx(expected, rel=1e-12)


def test_a_tree_of_tiny_chances() -> None:
    text = tree(
        gate("<or><and><event name='A'/><event name='B'/></and><event name='C'/></or>")
        + event(deviate("lognormal", 1e-5, 3, 0.95))
        + event(number(2e-4), "B")
        + event(number(3e-9), "C")
    )
    told = reader.imported(parse_xml(text.encode()))
    assert told.remarks == ()
    assert told.story.kind == "risk-argument"
    spec = told.story.assumptions["a"]
    assert spec is not None and spec.probability is not None
    assert not isinstance(spec.probability, Normal)
    assert spec.probability.model_dump(include={"lognormal"}) == {
        "lognormal": {"mean": 1e-5, "error_factor": 3.0, "level": 0.95}
    }


def test_every_refusal_has_its_file_and_line() -> None:
    for body, _ in strange():
        with pytest.raises(InputError) as caught:
            imported(tree(body))
        for problem in caught.value.problems:
            assert problem.file == "tree.xml"
            assert problem.line == 1 and problem.column is not None


@pytest.mark.parametrize(
    "wrong",
    [
        gate("<or>" + "".join(f"<evnt{k}/>" for k in range(3000)) + "</or>"),
        gate("<or>" + "".join(f'<event nme{k}="b"/>' for k in range(3000)) + "</or>"),
        "".join(f"<define-gte{k}/>" for k in range(3000)),
        "".join(
            f'<define-parameter name="p{k}" unit="hors{k}"><float value="1"/></define-parameter>'
            for k in range(3000)
        ),
    ],
    ids=["elements", "attributes", "definitions", "units"],
)
def test_mistakes_that_are_not_listed_are_compared_with_nothing(
    wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[str] = []

    def counted(word: str, choices: Iterable[str]) -> str:
        compared.append(word)
        return did_you_mean(word, choices)

    monkeypatch.setattr(open_psa_tree, "did_you_mean", counted)
    listed = mistakes(tree(wrong))
    assert len(listed) == 1000 and 0 < len(compared) < 2500
