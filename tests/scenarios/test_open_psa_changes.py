"""Substitutions and alignments: what they make of a top event, and what is refused."""

import math

import pytest
from support.open_psa_odds import cut_sets, exact
from support.open_psa_text import (
    alignment,
    event,
    factors,
    gate,
    group,
    imported,
    mistakes,
    model,
    named,
    number,
    phase,
    substitution,
    tree,
)

from storyodds import load_text, to_yaml
from storyodds.priors.text.xml_reader import parse_xml
from storyodds.scenarios.open_psa import products
from storyodds.scenarios.open_psa.reader import imported as read

NAMES = ("A", "B", "C", "D", "E")
FIVE = "".join(event(number(0.1 * (k + 1)), name) for k, name in enumerate(NAMES))
ANY = gate(f"<or>{named('event', 'A', 'B', 'C')}</or>")
AND, OR = "<and>{}</and>".format, "<or>{}</or>".format
BOTH = AND(named("basic-event", "A", "B"))


def with_changes(body: str, *changes: str) -> str:
    return model(f"<define-fault-tree name='t'>{body}</define-fault-tree>", *changes)


def sentences(text: str, hours: float | None = None) -> list[str]:
    """The mistakes of a file, without their places."""
    return [line.partition(": ")[2] for line in mistakes(text, hours=hours)]


def sets(text: str) -> set[str]:
    """The minimal cut sets of a story, each as the letters of its events."""
    return {"".join(sorted(name for name, _ in cut_set)) for cut_set in cut_sets(imported(text))}


# --- conditions -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        # P(A or B or C) is 0.496, and 0.02 of it is where both A and B are true.
        (substitution(BOTH, "false"), 0.496 - 0.02),
        (substitution(BOTH, "D"), 0.496 - 0.02 * 0.6),
        (substitution(named("event", "C"), "false"), (1 - 0.9 * 0.8) * 0.7),
        # At least two of A, B and C: 0.092 + 0.006.
        (
            substitution(
                f"<atleast min='2'>{named('basic-event', 'A', 'B', 'C')}</atleast>", "false"
            ),
            0.496 - 0.098,
        ),
        (substitution(OR(named("basic-event", "A", "B")), "false"), 0.9 * 0.8 * 0.3),
        # A condition on what is not below the gate is one all the same.
        (substitution(named("event", "D"), "E"), 0.496 * (1 - 0.4 * 0.5)),
    ],
)
def test_conditions(change: str, expected: float) -> None:
    story = imported(with_changes(ANY + FIVE, change))
    assert exact(story) == pytest.approx(expected, rel=1e-13)
    assert load_text(to_yaml(story)) == story
    assert story.routes[0].claim == "G, with the conditions of the substitutions (gate G)"
    inside = tree(ANY + FIVE + change)  # a substitution may stand in a tree as well
    assert exact(imported(inside)) == exact(story)


def test_a_condition_on_members_of_a_group() -> None:
    pair = group("beta-factor", "X Y", factors(0.5), number(0.2))
    both = gate(OR(named("event", "X", "Y")))
    never = substitution(AND(named("basic-event", "X", "Y")), "false")
    # X alone or Y alone, and not their common cause.
    assert exact(imported(with_changes(both, pair, never))) == pytest.approx(0.9 * 2 * 0.1 * 0.9)


# --- changes to cut sets --------------------------------------------------------------------------

PAIRS = gate(OR(AND(named("event", "A", "B")) + AND(named("event", "A", "C"))))


@pytest.mark.parametrize(
    ("body", "changes", "expected"),
    [
        (PAIRS, [substitution(BOTH, "D", "A B", "recovery-rule")], {"d", "ac"}),
        (PAIRS, [substitution(BOTH, "D", "B", "exchange-event")], {"ad", "ac"}),
        (PAIRS, [substitution(named("event", "A"), "D", "A", "recovery-rule")], {"bd", "cd"}),
        (PAIRS, [substitution(BOTH, "true", "B")], {"a"}),
        (PAIRS, [substitution(OR(named("event", "B", "C")), "D", "A")], {"bd", "cd"}),
        # The source need not be in the cut set; the target is added all the same.
        (PAIRS, [substitution(named("event", "B"), "D", "E")], {"abd", "ac"}),
        (PAIRS, [substitution(named("event", "E"), "D", "A")], {"ab", "ac"}),
        # Both are made of the cut sets as they were.
        (
            PAIRS,
            [substitution(named("event", "B"), "D", "B"), substitution(BOTH, "E", "A")],
            {"de", "ac"},
        ),
    ],
)
def test_changes_to_cut_sets(body: str, changes: list[str], expected: set[str]) -> None:
    if len(changes) == 2:  # what one takes out the other looks for
        (line,) = sentences(with_changes(body + FIVE, *changes))
        assert "expected substitutions whose order changes nothing" in line
        return
    text = with_changes(body + FIVE, *changes)
    assert sets(text) == expected
    story = imported(text)
    assert load_text(to_yaml(story)) == story
    assert "as the substitutions have changed these sets." in story.summary


def test_cut_sets_of_votes_and_houses() -> None:
    vote = gate(f"<atleast min='2'>{named('event', 'A', 'B', 'C')}<gate name='H'/></atleast>")
    inner = gate(f"<and><not><house-event name='Off'/></not>{named('event', 'D')}</and>", "H")
    house = "<define-house-event name='Off'><constant value='{}'/></define-house-event>"
    change = substitution(named("event", "A"), "E", "A")
    for off, expected in (
        ("true", {"be", "ce", "bc"}),
        ("false", {"be", "ce", "de", "bc", "bd", "cd"}),
    ):
        assert sets(with_changes(vote + inner + FIVE + house.format(off), change)) == expected


def test_cut_sets_that_cannot_be_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    change = substitution(named("event", "A"), "E", "A")
    negated = gate(OR(f"<not>{named('event', 'B')}</not>{named('event', 'A')}"))
    (line,) = sentences(with_changes(negated + FIVE, change))
    assert line.startswith("substitution E-17: found <not> below the gate G, expected a tree of")
    monkeypatch.setattr(products, "MAX_PRODUCTS", 1)
    (line,) = sentences(with_changes(PAIRS + FIVE, change))
    assert line.startswith("substitution E-17: found more than 1 minimal cut sets below the gate G")


def test_many_cut_sets_are_refused_soon() -> None:
    """Forty pairs of which each has a part to fail: 2**40 cut sets."""
    names = [f"x{k}" for k in range(80)]
    pairs = "".join(OR(named("event", *names[k : k + 2])) for k in range(0, 80, 2))
    body = gate(AND(pairs)) + "".join(event(number(0.1), name) for name in names) + FIVE
    (line,) = sentences(with_changes(body, substitution(named("event", "x0"), "A", "x0")))
    assert "found more than 1,000 minimal cut sets" in line
    # An <and> of many is one cut set, however many subsets it has.
    wide = gate(AND(named("event", *names))) + "".join(event(number(0.1), name) for name in names)
    change = substitution(named("event", "x0"), "A", "x0")
    assert len(cut_sets(imported(with_changes(wide + FIVE, change)))) == 1


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([substitution(BOTH, "true")], "found the target true, which changes nothing"),
        ([substitution(BOTH, "false", "A")], "found the target false, which takes the whole cut"),
        ([substitution(BOTH, "A", "A")], "found the target among the sources"),
        ([substitution(BOTH, "Z")], "found the reference 'Z'"),
        ([substitution(BOTH, "D", "A A")], "found 'A' again in <source>"),
        ([substitution(BOTH, "D", kind="delete-terms")], "found the type delete-terms of a substi"),
        ([substitution(BOTH, "D", kind="recovery")], "found the type 'recovery', expected delete-"),
        ([substitution(named("event", "G"), "D")], "found a hypothesis that is no <and>, <or> or"),
        ([substitution(AND(BOTH + BOTH), "D")], "found a hypothesis that is no"),
        ([substitution(AND(f"<not>{BOTH}</not>"), "D")], "found a hypothesis that is no"),
        ([substitution(f"<xor>{named('event', 'A', 'B')}</xor>", "D")], "found a hypothesis that"),
        ([substitution(AND(named("event", "A", "A")), "D")], "found a basic event twice in a"),
        ([substitution(BOTH * 2, "D")], "found 2 inside <hypothesis>"),
        ([substitution("", "D")], "found nothing inside <hypothesis>"),
        (
            [substitution(f"<atleast min='1'>{named('event', 'A', 'B')}</atleast>", "D", "A")],
            "found <atleast> in the hypothesis beside a <source>, expected <and> or <or>",
        ),
        (
            [substitution(BOTH, "D", "A"), substitution(named("event", "D"), "E", "C")],
            "found 'D', which the substitution E-17 looks for or takes out",
        ),
        (
            [substitution(BOTH, "D", "A"), substitution(named("event", "C"), "E", "D")],
            "found 'D', which the substitution E-17 looks for or takes out",
        ),
        (
            [substitution(BOTH, "D"), substitution(named("event", "C"), "E", "C")],
            "found a <source> beside the substitution D-57 without one",
        ),
        ([substitution(BOTH, "D").replace("<hypothesis>", "<x/><hypothesis>")], "found <x> in"),
        (
            [substitution(BOTH, "D").replace("name='D-57'", "nam='D-57'")],
            "found the attribute 'nam'",
        ),
        ([substitution(BOTH, "D")] * 2, "found 'D-57' again, expected a name of its own"),
    ],
)
def test_substitutions_that_are_refused(changes: list[str], expected: str) -> None:
    lines = sentences(with_changes(ANY + FIVE, *changes))
    assert any(line.partition(": ")[2].startswith(expected) for line in lines), lines


def test_many_substitutions() -> None:
    changes = (substitution(BOTH, "D").replace(" name='D-57'", "") for _ in range(501))
    (line,) = sentences(with_changes(ANY + FIVE, *changes))
    assert line == "found 501 substitutions, expected at most 500"


def test_members_of_a_group_are_not_taken_out_of_cut_sets() -> None:
    pair = group("beta-factor", "X Y", factors(0.5))
    change = substitution(named("event", "X"), "A", "X")
    (line,) = sentences(with_changes(gate(OR(named("event", "X", "A"))) + FIVE, pair, change))
    assert line.startswith("substitution A-17: found 'X', a member of the common-cause group Xs")


# --- alignments -----------------------------------------------------------------------------------

SWITCHED = gate(OR(f"{named('event', 'A')}<and><house-event name='H'/><event name='B'/></and>"))
HOUSE = "<define-house-event name='H'><constant value='false'/></define-house-event>"
ON, OFF = 1 - 0.9 * 0.8, 0.1


@pytest.mark.parametrize(
    ("phases", "expected"),
    [
        ([phase("all", 1, H="true")], ON),
        ([phase("all", 1)], OFF),
        ([phase("on", 0.25, H="true"), phase("off", 0.75)], 0.25 * ON + 0.75 * OFF),
        ([phase("on", 0.25, H="true"), phase("off", 0.75, H="true")], ON),
        (
            [phase("a", 0.5, H="true"), phase("b", 0.2), phase("c", 0.3, H="true")],
            0.8 * ON + 0.2 * OFF,
        ),
    ],
)
def test_phases(phases: list[str], expected: float) -> None:
    story = imported(with_changes(SWITCHED + HOUSE + FIVE, alignment(*phases)))
    assert exact(story) == pytest.approx(expected, rel=1e-14)
    assert load_text(to_yaml(story)) == story
    mixed = expected not in (ON, OFF)
    assert ("an average over the mission" in story.summary) is mixed
    assert (
        any("in this phase" in (spec.claim if spec else "") for spec in story.assumptions.values())
        is mixed
    )


def test_what_phases_become() -> None:
    phases = [phase("full", 0.6), phase("y", 0.3, H="true"), phase("x", 0.1, H="true")]
    story = imported(with_changes(SWITCHED + HOUSE + FIVE, alignment(*phases)))
    claims = {name: spec.claim for name, spec in story.assumptions.items() if spec is not None}
    assert claims["h"] == "House event H"
    assert claims["x"] == "The mission is in this phase (phase x)"
    rest = "The mission is in this phase, if in none of x (phase y if not rarer)"
    assert claims["y-if-not-rarer"] == rest
    spec = story.assumptions["y-if-not-rarer"]
    assert spec is not None and spec.probability is not None
    assert spec.probability.note == "0.3 of the time, of 0.9 that rarer phases leave."


def test_many_phases_are_exclusive_and_exhaustive() -> None:
    """An even hundredth each; the house event is true in every third."""
    phases = [phase(f"p{k}", 0.01, **({"H": "true"} if k % 3 == 0 else {})) for k in range(100)]
    story = imported(with_changes(SWITCHED + HOUSE + FIVE, alignment(*phases)))
    # A hundred products and sums.
    assert exact(story) == pytest.approx(0.34 * ON + 0.66 * OFF, rel=1e-13)


def test_fractions_that_are_rounded_are_taken_as_shares_of_their_sum() -> None:
    phases = [phase("a", 0.33333, H="true"), phase("b", 0.33333), phase("c", 0.33333)]
    text = with_changes(SWITCHED + HOUSE + FIVE, alignment(*phases))
    reading = read(parse_xml(text.encode()))
    assert exact(reading.story) == pytest.approx((ON + 2 * OFF) / 3, rel=1e-14)
    assert reading.remarks[0].endswith(
        "The time fractions add up to 0.99999; each is taken as a share of that."
    )
    assert math.isclose(0.33333 * 3, 0.99999)


@pytest.mark.parametrize(
    ("phases", "expected"),
    [
        ([], "alignment year: found time fractions that add up to 0, expected 1"),
        ([phase("a", 0.5)], "alignment year: found time fractions that add up to 0.5"),
        ([phase("a", 0)], "alignment year: found time-fraction='0', expected a number above 0"),
        ([phase("a", "nan")], "alignment year: found time-fraction='nan'"),
        ([phase("a", "1_0")], "alignment year: found time-fraction='1_0'"),
        ([phase("a", 1, X="true")], "phase a: found 'X', expected the name of a house event"),
        ([phase("a", 1, A="true")], "phase a: found 'A', expected the name of a house event"),
        ([phase("a", 1, H="maybe")], "phase a: found 'maybe', expected true or false"),
        ([phase("a", 0.5)] * 2, "alignment year: found the phase 'a' again"),
        (
            [phase("a", 1, H="true").replace("name='H'", "name='H' direction='forward'")],
            "alignment year: found the attribute 'direction'",
        ),
        (
            [phase("a", 1, H="true").replace("set-house-event", "set-gate")],
            "alignment year: found <set-gate> in <define-phase>",
        ),
        (
            [phase("a", 1).replace(" time-fraction='1'", "")],
            "alignment year: found <define-phase> without 'time-fraction'",
        ),
        (
            [
                phase("a", 1, H="true").replace(
                    "</define-phase>",
                    "<set-house-event name='H'><constant value='true'/></set-house-event>"
                    "</define-phase>",
                )
            ],
            "phase a: found 'H' set again in this phase",
        ),
    ],
)
def test_alignments_that_are_refused(phases: list[str], expected: str) -> None:
    (line,) = sentences(with_changes(SWITCHED + HOUSE + FIVE, alignment(*phases)))
    assert line.startswith(expected)


def test_one_alignment_at_a_time() -> None:
    one = alignment(phase("a", 1))
    (line,) = sentences(with_changes(SWITCHED + HOUSE + FIVE, one, one.replace("year", "week")))
    assert line.startswith("alignment week: found a second alignment, expected one")
    (line,) = sentences(tree(SWITCHED + HOUSE + FIVE + one))
    assert line.startswith("found <define-alignment> in <define-fault-tree>, expected it in <opsa")


def test_a_mission_time_is_that_of_no_phase() -> None:
    lasting = event("<exponential><float value='1e-4'/><system-mission-time/></exponential>", "X")
    phases = alignment(phase("a", 0.5, H="true"), phase("b", 0.5))
    (line,) = sentences(with_changes(SWITCHED + HOUSE + FIVE + lasting, phases), hours=100)
    assert line.startswith("alignment year: found <system-mission-time> beside phases")
    whole = with_changes(SWITCHED + HOUSE + FIVE + lasting, alignment(phase("a", 1)))
    assert exact(imported(whole, "G", hours=100)) == pytest.approx(OFF)
