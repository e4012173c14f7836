"""The oracle itself, against arithmetic done by hand: how a story comes about.

What the evidence says of it has a file of its own beside this one, and the laws of probability.
"""

import math
from typing import Any

import pytest
from support.oracle import minimal_literal_sets, solve
from support.oracle_process import Literals

from storyodds.scenarios.grammar.formulas import AllOf, AnyOf, AtLeast
from storyodds.scenarios.grammar.parts import About, GivenRow
from storyodds.scenarios.schema import (
    Assumption,
    Check,
    Constraint,
    Evidence,
    Goal,
    Hazard,
    Nudge,
    Rationale,
    Route,
)
from storyodds.scenarios.story import Story

RESIDUAL = Route(id="something-else", class_="other", bits=-1, harm=0)
SCHEMER = Route(id="scheme", class_="deceptive", bits=2, harm=0.5, kind="schemer")
A, B, C = (Assumption(probability=p) for p in (0.25, 0.5, 0.5))
close = pytest.approx


def tell(
    routes: tuple[Route, ...] = (SCHEMER, RESIDUAL),
    assumptions: dict[str, Assumption] | None = None,
    constraints: tuple[Constraint, ...] = (),
    nudges: tuple[Nudge, ...] = (),
    checks: tuple[Check, ...] = (),
    evidence: tuple[Evidence, ...] = (),
    **goal: Any,
) -> Story:
    return Story(
        story="by-hand",
        title="Small enough to do by hand",
        goal=Goal(specification="x", desirability="y", **goal),
        rationale=Rationale(constraints=constraints, nudges=nudges),
        assumptions=assumptions or {},
        routes=routes,
        checks=checks,
        evidence=evidence,
    )


def item(about: dict[str, Any], **parts: Any) -> Evidence:
    return Evidence(id="seen", about=About(**about), **parts)


# --- routes -----------------------------------------------------------------------------------


def test_routes_compete_by_powers_of_two() -> None:
    # Weights: intended 2^0 = 1, scheme 2^2 = 4, something-else 2^-1 = 1/2; sum 11/2.
    answer = solve(tell())
    assert answer.routes == close({"intended": 2 / 11, "scheme": 8 / 11, "something-else": 1 / 11})
    assert answer.classes == close(
        {"intended": 2 / 11, "mesa-optimizer": 0, "deceptive": 8 / 11, "other": 1 / 11}
    )
    assert answer.kinds == close({"schemer": 8 / 11})


def test_a_listed_intended_route_may_be_closed_and_have_bits() -> None:
    # Open with 1/4: weights 2^1, 4, 1/2, so 4/13. Closed with 3/4: 0.
    intended = Route(id="intended", class_="intended", bits=1, requires="a")
    answer = solve(tell((intended, SCHEMER, RESIDUAL), {"a": A}))
    assert answer.routes["intended"] == close(0.25 * 4 / 13)
    assert answer.routes["scheme"] == close(0.25 * 8 / 13 + 0.75 * 8 / 9)


@pytest.mark.parametrize("target", ["scheme", "deceptive"])
def test_a_constraint_closes_what_it_names_where_it_holds(target: str) -> None:
    # With a (1/4) only 1 and 1/2 are left: scheme 0. Without: 8/11.
    rule = Constraint(id="k", holds="a", rules_out=(target,))
    answer = solve(tell(assumptions={"a": A}, constraints=(rule,)))
    assert answer.routes["scheme"] == close(0.75 * 8 / 11)
    assert answer.routes["intended"] == close(0.25 * 2 / 3 + 0.75 * 2 / 11)


def test_the_residual_is_touched_by_neither_constraints_nor_nudges() -> None:
    # `other` closes r (weight 1) where a holds: 1 + 1/2. Elsewhere r has 2^3: 1 + 8 + 1/2.
    routes = (Route(id="r", class_="other", bits=0, harm=0), RESIDUAL)
    rule = Constraint(id="k", holds="a", rules_out=("other",))
    nudge = Nudge(id="n", bits={"other": 3})
    answer = solve(tell(routes, {"a": A}, (rule,), (nudge,)))
    assert answer.routes["something-else"] == close(0.25 * 0.5 / 1.5 + 0.75 * 0.5 / 9.5)
    assert answer.routes["r"] == close(0.75 * 8 / 9.5)


def test_nudges_add_by_route_and_by_class() -> None:
    # scheme: 2 + (1 - 3) + [a] 2 bits, so 1 or 4; intended: one entry `intended` counts once, 2^1.
    nudges = (
        Nudge(id="n", bits={"scheme": 1, "deceptive": -3, "intended": 1}),
        Nudge(id="m", when="a", bits={"deceptive": 2}),
    )
    answer = solve(tell(assumptions={"a": A}, nudges=nudges))
    assert answer.routes["scheme"] == close(0.25 * 4 / 6.5 + 0.75 * 1 / 3.5)
    assert answer.routes["intended"] == close(0.25 * 2 / 6.5 + 0.75 * 2 / 3.5)


def test_assumptions_depend_on_each_other_row_by_row() -> None:
    # P(b) = 1/4 * 0.8 + 3/4 * 0.2 = 0.35; the first row that holds decides.
    rows = (
        GivenRow(when="a", probability=0.8),
        GivenRow(when=AnyOf(any=("a", "not a")), probability=0.2),
        GivenRow(otherwise=1.0),
    )
    chain = {
        "both": Assumption(holds_when=("a", "b")),
        "b": Assumption(given=rows),
        "a": A,
        "c": Assumption(given=(GivenRow(when="both", probability=1), GivenRow(otherwise=0))),
    }
    answer = solve(tell(assumptions=chain))
    assert answer.prior_assumptions == close({"both": 0.2, "b": 0.35, "a": 0.25, "c": 0.2})


# --- hazards, checks and fates ------------------------------------------------------------------


HAZARDS = (
    Hazard(id="bad", criterion="alignment", requires="b", probability=0.4, harm=0.25),
    Hazard(id="slow", criterion="competitiveness", probability=0.5),
)
BAD: tuple[str, Literals] = ("bad", frozenset({("b", True)}))


def path_of(name: str) -> tuple[str, Literals]:
    """Name the path of a gate that nothing has to open."""
    return name, frozenset()


def test_hazards_fire_each_by_itself() -> None:
    # Intended alone is 2/3. bad: 1/2 * 0.4 = 0.2; slow: 0.5; neither 0.4, slow alone 0.4.
    answer = solve(tell((RESIDUAL,), {"b": B}, hazards=HAZARDS))
    assert answer.hazards == close({"bad": 2 / 3 * 0.2, "slow": 2 / 3 * 0.5})
    assert answer.hazards_given_intended == close({"bad": 0.2, "slow": 0.5})
    assert answer.criteria == {
        "goal_alignment": close(0.8),
        "goal_competitiveness": close(0.5),
        "rationale_alignment": close(2 / 3),
        "rationale_competitiveness": None,
    }
    assert answer.fates == close(
        {
            "success": 2 / 3 * 0.4,
            "uncompetitive": 2 / 3 * 0.4,
            "halted": 0,
            "benign-failure": 2 / 3 * 0.2 * 0.75 + 1 / 3,
            "catastrophe": 2 / 3 * 0.2 * 0.25,
        }
    )
    failures = 1 - 2 / 3 * 0.4
    assert answer.catastrophe_given_deployed_failure == close(2 / 3 * 0.05 / failures)
    assert answer.paths[BAD].concern == close(2 / 3 * 0.05)


HARMFUL = Hazard(id="a", criterion="alignment", probability=0.5, harm=0.1)
COSTLY = Hazard(id="c", criterion="competitiveness", probability=0.4, harm=0.2)


@pytest.mark.parametrize("hazards", [(HARMFUL, COSTLY), (COSTLY, HARMFUL)])
def test_the_order_of_hazards_means_nothing(hazards: tuple[Hazard, ...]) -> None:
    # Intended 1/2, where no harm comes about with (1 - 0.05) * (1 - 0.08) = 0.874.
    rival = Route(id="something-else", class_="other", bits=0, harm=0.3)
    answer = solve(tell((rival,), hazards=hazards))
    assert answer.criteria["goal_alignment"] == close(0.5)
    assert answer.criteria["goal_competitiveness"] == close(0.6)
    assert answer.fates == close(
        {
            "success": 0.5 * 0.5 * 0.6,
            "uncompetitive": 0.5 * 0.5 * 0.4 * 0.8,
            "halted": 0,
            "benign-failure": 0.5 * 0.5 * 0.9 * 0.92 + 0.5 * 0.7,
            "catastrophe": 0.5 * (1 - 0.874) + 0.5 * 0.3,
        }
    )
    # Each by its own harm: that of the two together is less than the sum.
    assert answer.paths[path_of("a")].concern == close(0.5 * 0.5 * 0.1)
    assert answer.paths[path_of("c")].concern == close(0.5 * 0.4 * 0.2)


def test_hazards_that_are_certain_leave_nothing() -> None:
    rival = Route(id="something-else", class_="other", bits=0, harm=0.1)
    bad = Hazard(id="bad", criterion="alignment", probability=1, harm=0.5)
    weak = Hazard(id="weak", criterion="competitiveness", probability=1)
    answer = solve(tell((rival,), hazards=(bad, weak)))
    assert answer.criteria["goal_alignment"] == 0
    assert answer.criteria["goal_competitiveness"] == 0
    assert answer.fates["catastrophe"] == close(0.5 * 0.5 + 0.5 * 0.1)
    assert answer.fates["success"] == answer.fates["uncompetitive"] == 0


def test_goal_criteria_intervene_and_do_not_condition() -> None:
    # Training ends as intended only where a holds, and only there can the hazard fire.
    intended = Route(id="intended", class_="intended", requires="a")
    bad = Hazard(id="bad", criterion="alignment", requires="a", probability=0.4)
    # Two bits for a: P(a) = 1/4 becomes 4/7.
    finding = item({"assumption": "a"}, bayes_factor={"true": 2})
    story = tell((intended, RESIDUAL), {"a": A}, hazards=(bad,), loss_seeking=True)
    for evidence, chance in (((), 1 / 4), ((finding,), 4 / 7)):
        answer = solve(story.model_copy(update={"evidence": evidence}))
        assert answer.criteria["goal_alignment"] == close(1 - 0.4 * chance)
        assert answer.outer_alignment == answer.criteria["goal_alignment"]
        assert answer.criteria_given_intended == {
            "goal_alignment": close(0.6),
            "goal_competitiveness": close(1.0),
        }


# v catches the intended with 0.2, and 0.1 more where bad fired; scheme 0.3, the residual 0.5.
WATCH = Check(id="v", flags={"bad": 0.1, "intended": 0.2, "deceptive": 0.3, "default": 0.5})
HALF = Check(id="w", flags={"default": 0, "scheme": 0.5, "deceptive": 0.9})


def test_hazards_that_a_check_names_add_their_own_chance_of_a_flag() -> None:
    answer = solve(tell(assumptions={"b": B}, checks=(WATCH, HALF), hazards=HAZARDS))
    assert answer.paths[BAD].undetected == close(0.8 * 0.9)
    assert answer.paths[BAD].concern == close(2 / 11 * 0.2 * 0.72 * 0.25)
    # slow, which no check names, adds nothing; bad fires beside it with 0.2.
    intended = 0.8 * (0.8 + 0.2 * 0.9)
    assert answer.paths[path_of("slow")].undetected == close(intended)
    assert answer.paths[path_of("scheme")].undetected == close(0.7 * 0.5)
    assert answer.paths[path_of("scheme")].concern == close(8 / 11 * 0.35 * 0.5)
    assert answer.paths[path_of("something-else")].undetected == close(0.5)
    passed = (2 * intended + 8 * 0.35 + 0.5) / 11
    assert answer.fates["halted"] == close(1 - passed)
    assert answer.false_alarm == close(2 / 11 * 0.4 * 0.2)
    assert answer.checks_caught == {
        "v": close({"intended": 1 - intended, "scheme": 0.3, "something-else": 0.5}),
        "w": close({"intended": 0, "scheme": 0.5, "something-else": 0}),
    }
    # Without v nothing of bad is caught, and half of scheme.
    assert answer.checks_added == {
        "v": close(2 / 11 * 0.2 * 0.25 * 0.28 + 8 / 11 * 0.5 * (0.5 - 0.35)),
        "w": close(8 / 11 * 0.5 * (0.7 - 0.35)),
    }


def test_the_odds_on_the_day_of_the_decision() -> None:
    answer = solve(tell(assumptions={"b": B}, checks=(WATCH, HALF), hazards=HAZARDS))
    parts = {"intended": 2 / 11 * 0.784, "deceptive": 8 / 11 * 0.35, "other": 1 / 11 * 0.5}
    whole = sum(parts.values())
    disaster = 2 / 11 * 0.2 * 0.72 * 0.25 + 8 / 11 * 0.35 * 0.5
    good = 2 / 11 * 0.4 * 0.8
    assert answer.deployed is not None
    classes = answer.deployed.pop("classes")
    expected = {name: parts.get(name, 0.0) / whole for name in answer.classes}
    assert classes == close(expected)
    assert answer.deployed == close(
        {
            "probability": whole,
            "success": good / whole,
            "uncompetitive": good / whole,
            "benign-failure": (whole - disaster - 2 * good) / whole,
            "catastrophe": disaster / whole,
        }
    )
    assert answer.catastrophe_given_deployed_failure == close(disaster / (whole - good))


def test_another_intended_route_brings_its_own_harm_and_path() -> None:
    # Shares 0.4, 0.4, 0.2; h 1/2 and idle 1/2, each by itself. Harm of twin 0.1, of h 1.
    twin = Route(id="twin", class_="intended", bits=0, harm=0.1, mechanism="double")
    check = Check(id="v", flags={"default": 0.5})
    hazard = Hazard(id="h", criterion="alignment", probability=0.5, harm=1)
    idle = Hazard(id="idle", criterion="competitiveness", probability=0.5)
    answer = solve(tell((twin, RESIDUAL), checks=(check,), hazards=(hazard, idle)))
    assert answer.fates["success"] == close(0.4 * 0.25 * 0.5 * (1 + 0.9))
    assert answer.fates["uncompetitive"] == close(0.4 * 0.25 * 0.5 * (1 + 0.9))
    assert answer.fates["catastrophe"] == close(0.5 * (0.8 * 0.5 + 0.4 * 0.5 * 0.1))
    assert answer.false_alarm == close(0.4 * 0.25 * 0.5 * (1 + 0.9))
    assert {name for name, _ in answer.paths} == {"twin", "h", "idle", "something-else"}
    assert answer.paths[path_of("twin")].probability == close(0.4)
    # Whatever brings it about on this route: h does so half of the time.
    assert answer.paths[path_of("twin")].concern == close(0.4 * 0.5 * (0.5 + 0.5 * 0.1))
    assert answer.paths[path_of("h")].concern == close(0.8 * 0.5 * 0.5)
    assert answer.mechanisms == close({"double": 0.4 * 0.5 * 0.55})


def test_one_mechanism_split_over_two_routes() -> None:
    # 1 + 2 + 2 + 1/2: each half does what it does, and the mechanism what both do.
    halves = tuple(
        Route(id=f"r{k}", class_="deceptive", bits=1, harm=harm, mechanism="scheming")
        for k, harm in enumerate((0.5, 0.25))
    )
    answer = solve(tell((*halves, RESIDUAL)))
    assert answer.mechanisms == close({"scheming": 2 / 5.5 * 0.75})


# --- checks whose result is known ---------------------------------------------------------------

DETECTOR = {"deceptive": 0.75, "default": 0.25}


def test_a_known_result_is_evidence_and_halts_nothing() -> None:
    # scheme 8, the others 3 together. Passed: 8 / 4 against 3 * 3/4. Flagged: 6 against 3 / 4.
    for result, odds, bits in (("passed", 2 / 2.25, -1), ("flagged", 6 / 0.75, 1)):
        check = Check(id="v", flags=DETECTOR, result=result)
        answer = solve(tell(checks=(check,)))
        assert answer.classes["deceptive"] == close(odds / (1 + odds))
        assert answer.fates["halted"] == 0
        assert answer.fates["catastrophe"] == close(odds / (1 + odds) * 0.5)
        assert answer.item_bits["v"]["deceptive"] == close(bits * math.log2(3))
        assert answer.item_bits["v"]["mesa-optimizer"] is None
        assert answer.checks_caught == answer.checks_added == {}
        assert answer.prior_classes["deceptive"] == close(8 / 11)


def test_a_flag_that_only_a_hazard_explains() -> None:
    # Of intended models those with h are flagged, half of them: 2/3 * 1/2 * 1/2 against 1/3 * 1/4.
    hazard = Hazard(id="h", criterion="alignment", probability=0.5)
    check = Check(id="v", flags={"intended": 0, "h": 0.5, "default": 0.25}, result="flagged")
    answer = solve(tell((RESIDUAL,), checks=(check,), hazards=(hazard,)))
    assert answer.classes["intended"] == close((1 / 6) / (1 / 6 + 1 / 12))
    assert answer.hazards_given_intended == close({"h": 1.0})
    assert answer.criteria_given_intended["goal_alignment"] == 0
    assert answer.criteria["goal_alignment"] == close(0.5)


def test_several_flags_and_a_check_still_to_come() -> None:
    flagged = tuple(Check(id=f"v{k}", flags=DETECTOR, result="flagged") for k in range(2))
    live = Check(id="w", flags={"default": 0.5})
    answer = solve(tell(checks=(*flagged, live)))
    # scheme 8 * 9/16 against 3 / 16, halted half of the time whatever it is.
    assert answer.log_evidence == close(math.log((8 * 9 / 16 + 3 / 16) / 11))
    assert answer.fates["halted"] == close(0.5)
    assert answer.deployed is not None
    assert answer.deployed["classes"] == close(answer.classes)


# --- the lens, and ratios over nothing ----------------------------------------------------------


def test_the_lens_applies_only_to_a_loss_seeking_goal() -> None:
    assert solve(tell()).inner_alignment is None
    narrow = solve(tell(hazards=HAZARDS[1:], loss_seeking=True, optimization="narrow"))
    assert narrow.outer_alignment == close(1.0)
    assert narrow.inner_alignment == close(2 / 10)
    assert solve(tell(loss_seeking=True)).inner_alignment == 0.0


def test_a_ratio_over_nothing_is_none() -> None:
    rule = Constraint(id="k", holds=AnyOf(any=("a", "not a")), rules_out=("intended",))
    sure = Check(id="v", flags={"default": 1})
    story = tell(assumptions={"a": A}, constraints=(rule,), hazards=HAZARDS[1:], checks=(sure,))
    answer = solve(story)
    assert answer.criteria_given_intended["goal_competitiveness"] is None
    assert answer.criteria["goal_competitiveness"] == close(0.5)
    assert answer.hazards_given_intended == {"slow": None}
    assert answer.paths[path_of("slow")].undetected is None
    assert answer.checks_caught["v"] == {"intended": None, "scheme": 1.0, "something-else": 1.0}
    assert answer.deployed is None
    assert answer.catastrophe_given_deployed_failure is None


# --- minimal literal sets -----------------------------------------------------------------------


def literal_sets(requires: Any, **composites: Any) -> set[str]:
    specs = {"a": A, "b": B, "c": C}
    specs |= {name: Assumption(holds_when=formula) for name, formula in composites.items()}
    found = minimal_literal_sets(tell(assumptions=specs), requires)
    return {"".join(k if want else k.upper() for k, want in sorted(s)) for s in found}


def test_prime_implicants_by_hand() -> None:
    either = AnyOf(any=(("a", "b"), ("not a", "c")))
    assert literal_sets(either) == {"ab", "Ac", "bc"}
    assert literal_sets(AtLeast(at_least=2, of=("a", "b", "c"))) == {"ab", "ac", "bc"}
    assert literal_sets(AnyOf(any=("a", AllOf(all=("a", "b"))))) == {"a"}
    assert literal_sets(AnyOf(any=("a", "not a"))) == literal_sets(None) == {""}
    assert literal_sets(("a", "not a")) == set()
    assert literal_sets("not x", x=AnyOf(any=("a", "y")), y=("b", "not c")) == {"AB", "Ac"}


def test_alternative_literal_sets_of_one_route_may_overlap() -> None:
    # scheme is open where a or b: P = (1 - 3/4 * 1/2) * 8/11; each set alone: P(a), P(b) * 8/11.
    scheme = SCHEMER.model_copy(update={"requires": AnyOf(any=("a", "b"))})
    answer = solve(tell((scheme, RESIDUAL), {"a": A, "b": B}))
    assert answer.routes["scheme"] == close(5 / 8 * 8 / 11)
    for name, chance in (("a", 0.25), ("b", 0.5)):
        path = answer.paths["scheme", frozenset({(name, True)})]
        assert path.probability == close(chance * 8 / 11)
