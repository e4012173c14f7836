"""Event trees: what their sequences come to, in published examples and by enumeration.

SCRAM states probabilities of sequences in the benchmark tests of its sources
(github.com/rakhimov/scram, `tests/`), to five digits after the point; the trees here have the same
structure and numbers. The gas leak is that of Andrews and Dunnet, "Event-tree analysis using
binary decision diagrams", IEEE Transactions on Reliability 49(2), 2000.
"""

import itertools
import random
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.open_psa_events import (
    collect,
    end,
    event_tree,
    factor,
    fork,
    house,
    odds,
    odds_of,
    starts,
    walked,
)
from support.open_psa_odds import cut_sets, exact
from support.open_psa_text import alignment, event, gate, named, number, phase
from support.random_event_trees import EventReading, random_event_trees

from storyodds.models.assessment.assessment import assess_story
from storyodds.priors.text.errors import InputError, UnsupportedStoryError
from storyodds.priors.text.xml_reader import parse_xml
from storyodds.scenarios.lint.linter import lint
from storyodds.scenarios.loader import load_text
from storyodds.scenarios.open_psa.event_trees import flavors, walk
from storyodds.scenarios.open_psa.event_trees.sequences import event_tree_model
from storyodds.scenarios.serialize import to_yaml

LAST_DIGIT = 5e-6  # half a unit of it, as probabilities are published


def trees(*parts: str) -> str:
    return f"<define-fault-tree name='t'>{''.join(parts)}</define-fault-tree>"


def events(**chances: float) -> str:
    return "".join(event(number(chance), name) for name, chance in chances.items())


# --- published ------------------------------------------------------------------------------------


def safety(event: str, failure: str, works: str, fails: str) -> str:
    """A fork by whether a gate occurs."""
    return fork(event, W=collect(f"not {failure}") + works, F=collect(failure) + fails)


def gas_leak() -> str:
    """Two isolation valves and one for blowdown, a relay between them and the computer."""
    blowdown = iter(range(1, 9))

    def last() -> str:
        return safety("Blow", "BlowFails", *(end(f"S{next(blowdown)}") for _ in range(2)))

    start = safety("A", "AFails", *(safety("B", "BFails", last(), last()) for _ in range(2)))
    sequences = " ".join(f"S{k}" for k in range(1, 9))
    gates = (
        gate(f"<or>{named('event', 'IA', 'Relay')}<gate name='Sol'/></or>", "AFails"),
        gate(f"<or>{named('event', 'IB', 'Relay')}<gate name='Sol'/></or>", "BFails"),
        gate(f"<or>{named('event', 'BD', 'Relay')}<gate name='Sol2'/></or>", "BlowFails"),
        gate(f"<and>{named('event', 'SA', 'SB')}</and>", "Sol"),
        gate(f"<and>{named('event', 'SC', 'SD')}</and>", "Sol2"),
    )
    names = ("IA", "IB", "BD", "Relay", "SA", "SB", "SC", "SD")
    own = events(**dict.fromkeys(names, 0.05))
    return event_tree("Reactive", "A B Blow", sequences, start) + trees(*gates, own)


def test_gas_leak() -> None:
    expected = [0.81044, 0.04479, 0.04265, 0.00236, 0.04265, 0.00236, 0.00450, 0.05025]
    chances = odds(starts("Reactive"), gas_leak())
    assert list(chances) == [f"S{k}" for k in range(1, 9)]
    assert list(chances.values()) == pytest.approx(expected, abs=LAST_DIGIT)
    assert sum(chances.values()) == pytest.approx(1.0, abs=1e-12)


def test_gas_leak_after_its_detection() -> None:
    """The whole event tree links to the reactive part where the leak is detected."""
    detection = event_tree(
        "Leak",
        "Detection",
        "S9",
        safety("Detection", "Blind", end("On"), end("S9")),
        "<define-sequence name='On'><event-tree name='Reactive'/></define-sequence>",
    )
    blind = f"<or><event name='CPU'/><atleast min='2'>{named('event', *'XYZ')}</atleast></or>"
    more = trees(gate(blind, "Blind"), events(**dict.fromkeys(("CPU", *"XYZ"), 0.05)))
    more = more.replace("name='t'", "name='detection'")
    chances = odds(starts("Leak"), detection, gas_leak(), more)
    alone = odds(starts("Reactive"), gas_leak())
    failure = 0.05 + 0.95 * (3 * 0.05**2 * 0.95 + 0.05**3)
    assert chances["S9"] == pytest.approx(failure, rel=1e-12)
    # What the two parts hang on has nothing in common.
    for name, chance in alone.items():
        assert chances[name] == pytest.approx((1 - failure) * chance, rel=1e-12)


def three_motors() -> str:
    """A timer circuit; its house events are contacts, which the event tree sets."""

    def either(name: str, *parts: str) -> str:
        return gate(f"<or>{''.join(parts)}</or>", name)

    def both(name: str, *parts: str) -> str:
        return gate(f"<and>{''.join(parts)}</and>", name)

    def of(*names: str) -> str:
        return named("event", *names)

    return trees(
        both("Top", of("Stuck5", "Powered2")),
        either("Stuck5", of("K5", "Coil5")),
        both("Coil5", of("Shut1", "Shut3")),
        either("Shut3", of("T2", "K5")),
        either("Powered2", of("K2", "Coil2")),
        either("Coil2", of("T1", "Contact1")),
        either("Contact1", of("K1", "Coil1")),
        either("Coil1", of("Timers", "Switch")),
        both("Timers", of("C1", "C3", "Timer2")),
        either("Timer2", of("C2", "T4")),
        either("Switch", of("S1", "T3")),
        either("Shut1", of("K1", "Coil1early")),
        either("Coil1early", of("Early", "Switch1")),
        both("Early", of("Early1", "Early2", "Early3")),
        *(either(f"Early{k}", of(f"KT{k}inc", f"T{k + 1}inc")) for k in (1, 2, 3)),
        either("Switch1", of("S1", "T1inc")),
        "".join(f"<define-house-event name='C{k}'/>" for k in (1, 2, 3)),
        events(**dict.fromkeys(MOTOR_EVENTS.split(), 0.02)),
    )


MOTOR_EVENTS = (
    "K1 K2 K5 S1 T1 T2 T3 T4 T1inc T2inc T3inc T4inc KT1inc KT2inc KT3inc"  # every one 0.02
)


def test_three_motors() -> None:
    """The top event with every setting of three contacts; the rule of all sequences collects it."""
    ends = iter(range(1, 9))

    def column(k: int) -> str:
        if k > 3:
            return end(f"S{next(ends)}")
        return fork(f"C{k}", true=house(f"C{k}", "true") + column(k + 1), false=column(k + 1))

    rule = f"<define-rule name='top'>{collect('Top')}</define-rule>"
    sequences = "".join(
        f"<define-sequence name='S{k}'><rule name='top'/></define-sequence>" for k in range(1, 9)
    )
    tree = event_tree("Contacts", "C1 C2 C3", "", column(1), sequences)
    chances = odds(starts("Contacts"), rule, tree, three_motors())
    expected = dict.fromkeys((f"S{k}" for k in range(1, 9)), 0.00272)
    assert dict(chances) == pytest.approx(
        {**expected, "S1": 0.02115, "S3": 0.00309}, abs=LAST_DIGIT
    )


ATTACK = event_tree(
    "Attack",
    "Entry Alarm Guard",
    "Succeeds Fails",
    fork(
        "Entry",
        yes=factor(0.2) + end("Fails"),
        no=factor(0.8)
        + fork(
            "Alarm",
            yes=factor(0.7)
            + fork(
                "Guard",
                yes=factor(0.05) + end("Fails"),
                no=factor("<sub><float value='1'/><float value='0.05'/></sub>") + end("Succeeds"),
            ),
            no=factor(0.3) + end("Succeeds"),
        ),
    ),
)


def test_attack() -> None:
    assert dict(odds(ATTACK)) == pytest.approx({"Succeeds": 0.772, "Fails": 0.228}, abs=1e-12)


def test_a_branch_in_two_places() -> None:
    """A third column that does not hang on the second where the first one went well."""

    def ends(success: float, failure: float) -> str:
        return fork("D", ok=factor(success) + end("Good"), bad=factor(failure) + end("Bad"))

    again = "<branch name='same'/>"
    start = fork(
        "B",
        ok=factor(0.1) + fork("C", ok=factor(0.8) + again, bad=factor(0.2) + again),
        bad=factor(0.9)
        + fork("C", ok=factor(0.6) + ends(0.6, 0.4), bad=factor(0.4) + ends(0.5, 0.5)),
    )
    branch = f"<define-branch name='same'>{ends(0.9, 0.1)}</define-branch>"
    chances = odds(event_tree("T", "B C D", "Good Bad", start, branch))
    assert dict(chances) == pytest.approx({"Good": 0.594, "Bad": 0.406}, abs=1e-12)


def test_a_bypass_collects_nothing() -> None:
    """The example of the standard: on the way to S5 the last column is passed by."""
    ends = fork("H", success=collect("not h") + end("S1"), failure=collect("h") + end("S2"))
    start = fork(
        "F",
        success=collect("not f") + "<branch name='sub'/>",
        failure=collect("f")
        + fork(
            "G",
            success=collect("not g") + "<branch name='sub'/>",
            failure=collect("g") + fork("H", bypass=end("S5"), failure=collect("h") + end("S6")),
        ),
    )
    sub = f"<define-branch name='sub'>{ends}</define-branch>"
    gates = (gate(f"<or>{named('event', name.upper())}</or>", name) for name in "fgh")
    tree = event_tree("first", "F G H", "S1 S2 S5 S6", start, sub)
    chances = odds(tree, trees(*gates, events(F=0.1, G=0.2, H=0.3)))
    left = 0.9 + 0.1 * 0.8
    expected = {"S1": left * 0.7, "S2": left * 0.3, "S5": 0.02, "S6": 0.02 * 0.3}
    assert dict(chances) == pytest.approx(expected, abs=1e-15)


def test_what_always_comes_about() -> None:
    """Two ways to one sequence, by a gate and its negation."""
    start = fork("F", true=collect("not g") + end("S"), false=collect("g") + end("S"))
    gates = trees(gate(named("event", "A").join(("<or>", "</or>")), "g"), events(A=0.25))
    assert odds(event_tree("T", "F", "S", start), gates) == {"S": 1.0}


# --- by enumeration -------------------------------------------------------------------------------


@given(st.integers(0, 2**32))
def test_random_event_trees(seed: int) -> None:
    """Every sequence by a second reader; and that they exclude each other and leave nothing out."""
    text = random_event_trees(random.Random(seed))
    model = event_tree_model(parse_xml(text.encode(), "tree.xml"))
    (analysis,) = model.analyses
    found, expected = odds_of(model, analysis), EventReading(text).probabilities("Early")
    for name in {*found, *expected}:
        assert found.get(name, 0.0) == pytest.approx(expected.get(name, 0.0), abs=1e-12), text
    assert sum(found.values()) == pytest.approx(1.0, abs=1e-12)


@given(st.integers(0, 2**32))
def test_stories_read_back_and_raise_no_question(seed: int) -> None:
    text = random_event_trees(random.Random(seed))
    model = event_tree_model(parse_xml(text.encode(), "tree.xml"))
    (analysis,) = model.analyses
    for ending in analysis.sequences:
        try:
            story = model.story_of(analysis, ending).story
        except InputError:  # constants decide it
            continue
        assert load_text(to_yaml(story)) == story
        # A random gate may well contradict itself, which is worth asking about.
        assert {finding.code for finding in lint(story)} <= {"never-holds"}


# --- instructions ---------------------------------------------------------------------------------

ONE = trees(
    gate(f"<or>{named('event', 'A', 'H')}</or>", "g"),
    "<define-house-event name='H'/>",
    events(A=0.25, B=0.5),
)


def one(*instructions: str, more: str = "") -> float:
    """The probability of a sequence on the only way."""
    tree = event_tree("T", "F", "S", fork("F", on="".join(instructions) + end("S")), more)
    return odds(tree, ONE)["S"]


def test_a_house_event_is_set_for_what_comes_after() -> None:
    on, off, g = house("H", "true"), house("H", "false"), collect("g")
    assert one(g) == 0.25
    assert one(on, g) == 1.0
    assert one(on, off, g) == 0.25
    assert one(g, on) == 0.25
    assert one(on, collect("not g")) == 0.0
    assert one(on, g, off, collect("not g")) == 0.75
    assert one(on.replace("name='H'", "name='H' direction='forward'"), g) == 1.0


def test_formulas_conjoin_and_factors_multiply() -> None:
    b = collect(named("basic-event", "B"))
    assert one(collect("g"), b) == 0.125
    assert one(collect("g"), collect("g")) == 0.25
    assert one(factor(0.5), factor(0.25)) == 0.125
    assert one(collect("g"), factor(0.5)) == 0.125


def test_conditions_and_blocks() -> None:
    def on(condition: str) -> float:
        return one(f"<if>{condition}<block>{factor(0.5)}{factor(0.5)}</block>{factor(0.125)}</if>")

    here = "<test-functional-event name='F' state='on'/>"
    assert on("<bool value='true'/>") == 0.25
    assert on("<bool value='false'/>") == 0.125
    assert on(here) == 0.25
    assert on(f"<not>{here}</not>") == 0.125
    assert one(f"<if><not>{here}</not>{factor(0.5)}</if>", factor(0.75)) == 0.75


def test_what_is_done_may_hang_on_the_initiating_event() -> None:
    test = f"<if><test-initiating-event name='J'/>{factor(0.5)}</if>"
    tree = event_tree("T", "F", "S", fork("F", on=test + factor(0.5) + end("S")))
    model = walked(starts("T"), starts("T", "J"), tree)
    found = {each.name: odds_of(model, each)["S"] for each in model.analyses}
    assert found == {"I": 0.5, "J": 0.25}


def test_phases_go_on_where_a_way_sets_nothing() -> None:
    year = alignment(phase("on", 0.25, H="true"), phase("off", 0.75))
    tree = event_tree("T", "F", "S", collect("g") + end("S"))
    assert odds(tree, ONE, year)["S"] == pytest.approx(0.25 + 0.75 * 0.25, rel=1e-15)
    tree = event_tree("T", "F", "S", house("H", "false") + collect("g") + end("S"))
    assert odds(tree, ONE, year)["S"] == 0.25


def test_factors_of_three_states_that_leave_something_out() -> None:
    parts = (factor(0.5), factor(0.125), factor(0.25))
    ends = (each + end(f"S{k}") for k, each in enumerate(parts))
    tree = event_tree("T", "F", "S0 S1 S2", fork("F", **dict(zip("abc", ends, strict=True))))
    expected = {"S0": 0.5, "S1": 0.125, "S2": 0.25}
    assert dict(odds(tree)) == pytest.approx(expected, rel=1e-15)


def test_factors_beside_formulas() -> None:
    """States of a fork where they can be; else formulas tell the paths apart."""

    def both(works: float, fails: float, formula: str = "not g") -> float:
        paths = {"on": collect(formula) + factor(works), "off": collect("g") + factor(fails)}
        ends = {state: each + end("S") for state, each in paths.items()}
        return odds(event_tree("T", "F", "S", fork("F", **ends)), ONE)["S"]

    assert both(0.5, 0.75) == pytest.approx(0.75 * 0.5 + 0.25 * 0.75, rel=1e-15)
    assert both(0.5, 0.25) == pytest.approx(0.75 * 0.5 + 0.25 * 0.25, rel=1e-15)
    assert both(0.5, 0.25, "g") == pytest.approx(0.25 * (0.5 + 0.25), rel=1e-15)


UNCERTAIN = (
    "<model-data><define-parameter name='p'><lognormal-deviate><float value='0.05'/>"
    "<float value='3'/><float value='0.95'/></lognormal-deviate></define-parameter></model-data>"
)


def test_an_uncertain_number_and_what_it_leaves() -> None:
    """Both states hang on one number, so that their probabilities add up to 1 at every draw."""
    rest = "<sub><float value='1'/><parameter name='p'/></sub>"
    paths = {"bad": factor("<parameter name='p'/>"), "good": factor(rest)}
    start = fork("F", **{state: each + end(state) for state, each in paths.items()})
    model = walked(event_tree("T", "F", "bad good", start), UNCERTAIN)
    (analysis,) = model.analyses
    found = {}
    for ending in analysis.sequences:
        assessment = assess_story(model.story_of(analysis, ending).story, draws=256)
        exact = assessment.exact
        route = [route.requires is not None for route in exact.graph.routes].index(True)
        found[ending.definition.name] = exact.routes[:, route]
    assert found["bad"].std() > 0.01
    assert found["bad"] + found["good"] == pytest.approx(1.0, abs=1e-12)


# --- stories --------------------------------------------------------------------------------------


def test_stories_of_one_file_share_their_ids() -> None:
    model = walked(starts("Reactive"), gas_leak())
    (analysis,) = model.analyses
    stories = [model.story_of(analysis, ending).story for ending in analysis.sequences]
    assert [story.story for story in stories] == [f"i-s{k}" for k in range(1, 9)]
    claims = [
        {name: spec.claim for name, spec in story.assumptions.items() if spec is not None}
        for story in stories
    ]
    for one, other in itertools.pairwise(claims):
        shared = set(one) & set(other)
        assert "relay" in shared
        assert {name: one[name] for name in shared} == {name: other[name] for name in shared}


def test_cut_sets() -> None:
    model = walked(starts("Reactive"), gas_leak())
    analysis, ending = model.find("S8")
    story = model.story_of(analysis, ending).story
    names = {frozenset(name for name, truth in each if truth) for each in cut_sets(story)}
    assert names == {
        frozenset({"relay"}),
        frozenset({"ia", "ib", "bd"}),
        frozenset({"ia", "ib", "sc", "sd"}),
        frozenset({"sa", "sb", "bd"}),
        frozenset({"sa", "sb", "sc", "sd"}),
    }


def test_what_a_story_claims() -> None:
    model = walked(ATTACK)
    story = model.story_of(*model.find("Fails")).story
    assert story.kind == "risk-argument"
    assert story.title == "Event tree: Attack, sequence Fails"
    assert "given that the event tree Attack begins" in story.summary
    assert {spec.claim for spec in story.assumptions.values() if spec} == {
        "Sequence Fails",
        "Functional event Entry in state yes (line 1)",
        "Functional event Alarm in state no (line 1)",
        "Functional event Guard in state yes (line 1)",
    }
    assert exact(story) == pytest.approx(0.228, abs=1e-12)


CONSEQUENCES = (
    "<define-consequence name='one'><initiating-event name='I'/><sequence name='S1'/>"
    "</define-consequence>"
    "<define-consequence name='two'><initiating-event name='I'/><sequence name='S8'/>"
    "</define-consequence>"
    "<define-consequence-group name='inner'><consequence name='one'/></define-consequence-group>"
    "<define-consequence-group name='both'><consequence name='two'/>"
    "<consequence-group name='inner'/></define-consequence-group>"
)


def test_consequences_are_sequences_together() -> None:
    model = walked(starts("Reactive"), gas_leak(), CONSEQUENCES)
    (analysis,) = model.analyses
    by_sequence = odds_of(model, analysis)

    def odds_of_consequence(name: str) -> float:
        return exact(model.story_of(*model.find(name, consequence=True)).story)

    assert odds_of_consequence("one") == by_sequence["S1"]
    both = by_sequence["S1"] + by_sequence["S8"]
    assert odds_of_consequence("both") == pytest.approx(both, rel=1e-12)


def test_idle_parts_are_named() -> None:
    parts = (ATTACK, "<define-initiating-event name='J'/>")
    tree = ATTACK.replace("Succeeds'/><define", "Succeeds'/><define-sequence name='Idle'/><define")
    assert walked(*parts).remarks == ["initiating event J: It starts no event tree."]
    assert walked(tree).remarks == ["sequence Idle: No way leads to it."]


# --- limits ---------------------------------------------------------------------------------------


def doubling(levels: int) -> Mapping[str, str]:
    """Branches each of which leads to the next one twice."""
    branches = "".join(
        f"<define-branch name='B{k}'>"
        + fork(f"F{k}", a=f"<branch name='B{k + 1}'/>", b=f"<branch name='B{k + 1}'/>")
        + "</define-branch>"
        for k in range(levels)
    )
    last = f"<define-branch name='B{levels}'>{end('S')}</define-branch>"
    columns = " ".join(f"F{k}" for k in range(levels))
    return {"text": event_tree("T", columns, "S", "<branch name='B0'/>", branches + last)}


def test_too_many_ways() -> None:
    with pytest.raises(UnsupportedStoryError, match="more than 2,000 ways through them"):
        walked(doubling(60)["text"])
    assert len(walked(doubling(10)["text"]).analyses[0].sequences[0].ways) == 1024


def test_too_many_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules that use rules twice are as long as all that comes of them."""
    rules = "".join(
        f"<define-rule name='R{k}'>{named('rule', *[f'R{k + 1}'] * 2)}</define-rule>"
        for k in range(60)
    )
    last = f"<define-rule name='R60'>{collect('g')}</define-rule>"
    tree = event_tree("T", "F", "S", "<rule name='R0'/>" + end("S"))
    monkeypatch.setattr(walk, "MAX_STEPS", 5_000)
    with pytest.raises(UnsupportedStoryError, match="more than 5,000 steps on their ways"):
        walked(rules + last, tree, ONE)


def test_too_many_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flavors, "MAX_FLAVORS", 0)
    with pytest.raises(UnsupportedStoryError, match="gates that need more than 0 copies"):
        one(house("H", "true"), collect("g"))


def test_a_long_formula_is_a_gate_that_ways_share() -> None:
    """What many ways collect stands in a story once."""
    names = [f"E{k}" for k in range(40)]
    rule = f"<define-rule name='r'>{collect(f'<or>{named("event", *names)}</or>')}</define-rule>"
    ends = {state: factor(0.25) + "<rule name='r'/>" + end("S") for state in "abcd"}
    own = trees(events(**dict.fromkeys(names, 0.01)))
    model = walked(event_tree("T", "F", "S", fork("F", **ends)), rule, own)
    story = model.story_of(*model.find("S")).story
    spec = story.assumptions["r-formula"]
    assert spec is not None and spec.claim == "Gate formula of r in line 1"
    assert exact(story) == pytest.approx(1 - 0.99**40, rel=1e-12)


def test_which_sequence_is_too_large() -> None:
    names = [f"E{k}" for k in range(501)]
    tree = event_tree("T", "F", "S", collect(f"<or>{named('event', *names)}</or>") + end("S"))
    model = walked(tree, trees(events(**dict.fromkeys(names, 0.01))))
    with pytest.raises(UnsupportedStoryError, match="501 basic events below the sequence S, exp"):
        model.story_of(*model.find("S"))


def test_a_long_chain_of_branches_and_rules() -> None:
    """Depth alone is no harm: nothing here is walked by recursion."""
    count = 5_000
    branches = "".join(
        f"<define-branch name='B{k}'><branch name='B{k + 1}'/></define-branch>"
        for k in range(count)
    )
    rules = "".join(
        f"<define-rule name='R{k}'><rule name='R{k + 1}'/></define-rule>" for k in range(count)
    )
    rules += f"<define-rule name='R{count}'>{factor(0.5)}</define-rule>"
    last = f"<define-branch name='B{count}'><rule name='R0'/>{end('S')}</define-branch>"
    tree = event_tree("T", "F", "S", "<branch name='B0'/>", branches + last)
    assert odds(rules, tree) == {"S": 0.5}
