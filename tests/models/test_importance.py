"""Importance measures against enumeration, closed forms, Bayes by hand, and SCRAM."""

import math
from collections.abc import Mapping, Sequence
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from support.building import OFF, believe, item, tell
from support.fixing import at_values
from support.open_psa_writer import DIGITS, Tree, tree_of, trees
from support.oracle import ImpossibleEvidence
from support.oracle_importance import Joints, joints, mean_of, measures
from support.strategies import small_stories

from storyodds.models.assessment.assessment import Assessment, assess
from storyodds.models.circuits.elimination import CliqueTooLargeError
from storyodds.models.importance import measures as module
from storyodds.models.importance.fussell_vesely import NO_SETS, OUT_OF_REACH
from storyodds.models.importance.measures import (
    MEASURES,
    OUTSIDE,
    USUAL,
    Importance,
    importance,
    measure,
    weighted_quantiles,
)
from storyodds.models.story.events import ODDS
from storyodds.priors.text.errors import InputError, UnsupportedStoryError
from storyodds.scenarios.grammar.formulas import AnyOf, AtLeast
from storyodds.scenarios.grammar.parts import GivenRow
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Assumption, Check, Constraint, Hazard, Nudge, Route
from storyodds.scenarios.story import Story

TOLERANCE = 1e-10
TINY = 1e-250  # where the oracle itself runs out of digits

relaxed = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


def assessed(story: Story, **options: Any) -> Assessment:
    """Assess a story whose evidence is possible; another one is no example."""
    try:
        return assess(resolve(story), **options)
    except InputError:
        assume(False)
        raise


def tells(found: Importance, event: str, literal: tuple[str, bool]) -> dict[str, float]:
    """Means by measure."""
    e, k = found.events.index(event), found.literals.index(literal)
    return {name: float(found.measures[name][e, k, 0]) for name in MEASURES}


def check(found: Mapping[str, float], expected: Mapping[str, float | None], said: Any) -> None:
    for name, value in expected.items():
        if value is None:
            assert math.isnan(found[name]), (said, name, found[name])
        else:
            close = math.isclose(found[name], value, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
            assert close, (said, name, found[name], value)


def vanishes(oracle: Joints) -> bool:
    """Whether a probability is so small that a ratio of two has no digits."""
    every = (oracle.event, *oracle.chances.values(), *oracle.joint.values())
    return any(0 < p < TINY for p in every)


# Against enumeration


@settings(relaxed, max_examples=80)
@given(small_stories())
def test_every_measure_equals_enumeration(story: Story) -> None:
    try:
        oracles = dict(zip(ODDS, joints(story, ODDS), strict=True))
    except ImpossibleEvidence:
        assume(False)
    assume(not any(map(vanishes, oracles.values())))
    index = measure(assessed(story), ODDS)
    for e, (event, oracle) in enumerate(oracles.items()):
        if oracle.whole == 0:  # nothing is deployed
            assert np.isnan(index.event_probability[e]).all()
            continue
        assert index.event_probability[e] == pytest.approx([oracle.event] * 4, rel=TOLERANCE)
        missing = {x for x in index.literals if oracle.event > 0 and x not in oracle.paths}
        composites = {x for x in missing if index.missing[event].get(x) is None}
        assert all(story.assumptions[name].holds_when is not None for name, _ in composites)
        assert index.missing[event].keys() == missing - composites
        for k, literal in enumerate(index.literals):
            assert index.probability[e, k, 0] == pytest.approx(oracle.chances[literal], rel=1e-9)
            check(tells(index, event, literal), measures(oracle, literal), (event, literal))


def by_draw(assessment: Assessment, values: Any, event: str) -> list[Joints]:
    """Each draw by enumeration; what says how to read one finding is averaged out."""
    prepared = assessment.prepared
    others = frozenset(range(len(prepared.distributions))) - prepared.own
    stories = [at_values(prepared.resolved, row, others) for row in values]
    try:
        each = [joints(one, (event,), collapse=True)[0] for one in stories]
    except ImpossibleEvidence:
        assume(False)
        raise
    assume(not any(one.whole == 0 or vanishes(one) for one in each))
    return each


@settings(relaxed, max_examples=8)
@given(small_stories(max_assumptions=3, max_routes=3, certain=False), st.sampled_from(ODDS))
def test_means_and_bands_over_the_draws(story: Story, event: str) -> None:
    """Means where everything linear stands at its mean; bands are direct weighted quantiles."""
    assessment = assessed(story, method="weighting", draws=64)
    index = measure(assessment, (event,))
    averaged, exact = assessment.averaged, assessment.exact
    mean = mean_of(by_draw(assessment, averaged.values, event), averaged.weights)
    each = by_draw(assessment, exact.values, event)
    weights = exact.weights * [one.whole for one in each]
    for k, literal in enumerate(index.literals):
        undefined = literal in index.missing[event]
        expected = measures(mean, literal)
        if not undefined:
            check(tells(index, event, literal), expected, literal)
        drawn = [measures(joint, literal) for joint in each]
        for name in MEASURES:
            if undefined and name == "fussell_vesely":
                continue
            defined = [d for d, one in enumerate(drawn) if one[name] is not None]
            band = index.measures[name][0, k, 1:]
            if not weights[defined].sum() > 0:
                assert np.isnan(band).all()
                continue
            direct = np.quantile(
                [float(drawn[d][name] or 0.0) for d in defined],
                [0.5, 0.05, 0.95],
                weights=weights[defined],
                method="inverted_cdf",
            )
            assert band == pytest.approx(direct, rel=1e-8, abs=1e-9), (literal, name)


@given(
    st.lists(st.tuples(st.sampled_from([0.0, 1.0, 2.5, math.inf]), st.integers(0, 5)), min_size=1),
    st.lists(st.floats(0.01, 0.99), min_size=1, max_size=3),
)
def test_weighted_quantiles_are_numpys(rows: list[tuple[float, int]], levels: list[float]) -> None:
    draws, weights = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    assume(weights.sum() > 0)
    expected = np.quantile(draws, levels, weights=weights, method="inverted_cdf")
    quantiles = weighted_quantiles(np.column_stack([draws, draws]), weights, levels)
    np.testing.assert_array_equal(quantiles, np.column_stack([expected, expected]))
    spoiled = np.column_stack([np.append(draws, math.nan), np.full(len(draws) + 1, math.nan)])
    quantiles = weighted_quantiles(spoiled, np.append(weights, 7.0), levels)
    np.testing.assert_array_equal(quantiles[:, 0], expected)
    assert np.isnan(quantiles[:, 1]).all()


# By hand


def decided_by(formula: Any, assumptions: Mapping[str, Assumption], **parts: Any) -> Story:
    """Training ends at `top-route` where a formula holds, and at the intended model elsewhere."""
    route = Route(id="top-route", class_="deceptive", requires=formula, bits=0, harm=0.5)
    rule = Constraint(id="the-rule", holds=formula, rules_out=("intended",))
    return tell(assumptions, (route, OFF), constraints=[rule], **parts)


def found_of(story: Story, of: Sequence[str] = USUAL, **options: Any) -> Importance:
    return measure(assess(resolve(story), **options), of)


def test_a_series_system() -> None:
    """A or B: C fails without either; textbook values for p = 0.1 and 0.2, P(C) = 0.28."""
    found = found_of(decided_by(AnyOf(any=("a", "b")), {"a": believe(0.1), "b": believe(0.2)}))
    for event in ("deceptive", "catastrophe"):
        harm = 0.5 if event == "catastrophe" else 1.0
        expected = {
            "if_true": harm,
            "if_false": 0.2 * harm,
            "birnbaum": 0.8 * harm,
            "criticality": 0.8 * 0.1 / 0.28,
            "diagnosis": 0.1 / 0.28,
            "fussell_vesely": 0.1 / 0.28,
            "risk_achievement_worth": 1 / 0.28,
            "risk_reduction_worth": 0.28 / 0.2,
        }
        check(tells(found, event, ("a", True)), expected, event)


def test_two_out_of_three() -> None:
    """Of equal parts: P(C) = 3 p^2 - 2 p^3, and C comes by a path with one of them where it does
    and that one holds: p (1 - (1 - p)^2)."""
    p = 0.3
    two = AtLeast(at_least=2, of=("a", "b", "c"))
    found = found_of(decided_by(two, dict.fromkeys("abc", believe(p))))
    whole = 3 * p**2 - 2 * p**3
    for name in "abc":
        told = tells(found, "deceptive", (name, True))
        assert told["birnbaum"] == pytest.approx(2 * p * (1 - p), rel=1e-13)
        assert told["fussell_vesely"] == pytest.approx(p * (1 - (1 - p) ** 2) / whole, rel=1e-13)
        assert tells(found, "deceptive", (name, False))["fussell_vesely"] == 0


def test_an_assumption_that_switches_between_two_paths() -> None:
    """a with b, or c without a: both literals of a are on a path, and b with c is a third."""
    chances = {"a": believe(0.4), "b": believe(0.5), "c": believe(0.25)}
    found = found_of(decided_by(AnyOf(any=(("a", "b"), ("not a", "c"))), chances))
    whole = 0.4 * 0.5 + 0.6 * 0.25
    assert tells(found, "deceptive", ("a", True))["fussell_vesely"] == pytest.approx(0.2 / whole)
    assert tells(found, "deceptive", ("a", False))["fussell_vesely"] == pytest.approx(0.15 / whole)
    # c: with not a, or with b.
    by_c = 0.25 * (0.6 + 0.4 * 0.5)
    assert tells(found, "deceptive", ("c", True))["fussell_vesely"] == pytest.approx(by_c / whole)


def test_what_is_learned_from_the_evidence_comes_first() -> None:
    """A finding four times as likely under a: by Bayes P(a) = 1/4 becomes 4/7."""
    finding = item("finding", {"assumption": "a"}, bayes_factor={"true": 2})
    story = decided_by(
        AnyOf(any=("a", "b")), {"a": believe(0.25), "b": believe(0.5)}, evidence=[finding]
    )
    found = found_of(story)
    told = tells(found, "deceptive", ("a", True))
    p = 4 / 7
    whole = p + (1 - p) * 0.5
    place = found.literals.index(("a", True))
    assert found.probability[found.events.index("deceptive"), place, 0] == pytest.approx(p)
    assert told["diagnosis"] == pytest.approx(p / whole)
    assert told["criticality"] == pytest.approx(0.5 * p / whole)
    assert told["risk_achievement_worth"] == pytest.approx(1 / whole)


def test_evidence_about_the_outcome_makes_assumptions_depend_on_each_other() -> None:
    """A finding three times as likely under the route: learning of a tells of b as well.

    Joint weights of (a, b): 11: 1/4 * 3, 10 and 01: 1/4, 00: 1/4, where C needs both.
    """
    finding = item(
        "finding", {"outcome": True}, bayes_factor={"deceptive": math.log2(3), "default": 0}
    )
    chances = {"a": believe(0.5), "b": believe(0.5)}
    found = found_of(decided_by(("a", "b"), chances, evidence=[finding]))
    told = tells(found, "deceptive", ("a", True))
    assert told["if_true"] == pytest.approx(3 / 4)
    assert found.probability[0, 0, 0] == pytest.approx(4 / 6)
    assert told["risk_achievement_worth"] == pytest.approx((3 / 4) / (3 / 6))
    assert told["risk_reduction_worth"] == math.inf


def test_it_is_learning_and_not_intervening() -> None:
    """b stands in no formula, yet is caused by a, which decides: learning b tells of C."""
    rows = (GivenRow(when="a", probability=0.9), GivenRow(otherwise=0.1))
    found = found_of(decided_by("a", {"a": believe(0.5), "b": Assumption(given=rows)}))
    told = tells(found, "deceptive", ("b", True))
    assert told["if_true"] == pytest.approx(0.9)
    assert told["if_false"] == pytest.approx(0.1)
    assert math.isnan(told["fussell_vesely"])  # and not 0: much depends on it
    assert found.missing["deceptive"][("b", True)] == OUTSIDE


def test_a_hazard_counts_by_what_it_requires() -> None:
    """Catastrophe by a hazard that needs h, or by the rival that needs a; 0.5 each if there."""
    hazard = Hazard(id="bad", criterion="alignment", requires="h", probability=1, harm=0.5)
    story = decided_by("a", {"a": believe(0.2), "h": believe(0.25)}, hazards=(hazard,))
    found = found_of(story)
    by_hazard, by_route = 0.8 * 0.25, 0.2
    told = tells(found, "catastrophe", ("h", True))
    assert told["fussell_vesely"] == pytest.approx(by_hazard / (by_hazard + by_route))
    # As an ending, the intended model comes about by its route, hazard or not.
    assert tells(found, "intended", ("h", True))["fussell_vesely"] == 0
    assert tells(found, "intended", ("h", True))["birnbaum"] == pytest.approx(0)


def test_an_intended_route_can_harm() -> None:
    also = Route(id="also-intended", class_="intended", requires="a", bits=0, harm=0.5)
    found = found_of(tell({"a": believe(0.5)}, (also, OFF)))
    told = tells(found, "catastrophe", ("a", True))
    assert (told["fussell_vesely"], told["if_false"]) == (1, 0)
    assert told["if_true"] == pytest.approx(0.25)


def test_a_nudge_is_on_no_path() -> None:
    """One bit for the rival where a holds: 2/3 against 1/2, and no minimal set with a."""
    route = Route(id="scheme", class_="deceptive", bits=0, harm=1)
    nudge = Nudge(id="n", when="a", bits={"deceptive": 1})
    found = found_of(tell({"a": believe(0.5)}, (route, OFF), nudges=[nudge]))
    told = tells(found, "deceptive", ("a", True))
    assert told["birnbaum"] == pytest.approx(2 / 3 - 1 / 2)
    assert math.isnan(told["fussell_vesely"])
    assert set(found.missing["deceptive"].values()) == {OUTSIDE}


def test_what_makes_no_difference_has_no_part() -> None:
    """b stands in no minimal set, and nothing depends on it."""
    found = found_of(decided_by("a", {"a": believe(0.5), "b": believe(0.5)}))
    assert tells(found, "deceptive", ("b", True))["fussell_vesely"] == 0
    assert found.missing["deceptive"] == {}


def test_no_minimal_set_brings_success_about() -> None:
    found = found_of(decided_by("a", {"a": believe(0.5)}), of=("success", "deployed"))
    for event in ("success", "deployed"):
        assert found.missing[event] == {("a", True): NO_SETS, ("a", False): NO_SETS}
    assert tells(found, "success", ("a", False))["if_true"] == 1


def test_odds_on_the_day_of_the_decision() -> None:
    """A check catches half of the deceptive models: 1/2, or 1/3 of those that are deployed."""
    check = Check(id="v", flags={"deceptive": 0.5, "default": 0})
    story = decided_by("a", {"a": believe(0.5)}, checks=[check])
    found = found_of(story, of=("deceptive", "deceptive-given-deployed"))
    assert found.event_probability[:, 0] == pytest.approx([1 / 2, 1 / 3])
    assert found.probability[:, 0, 0] == pytest.approx([1 / 2, 1 / 3])
    told = tells(found, "deceptive-given-deployed", ("a", True))
    assert (told["if_true"], told["if_false"], told["fussell_vesely"]) == (1, 0, 1)


def test_a_literal_that_opens_several_hazards_counts_once() -> None:
    """Of two hazards that both need s, one of them also by t: at least one of them does harm."""
    hazards = [
        Hazard(id="one", criterion="alignment", requires="s", probability=0.5, harm=0.5),
        Hazard(id="two", criterion="alignment", requires=AnyOf(any=("s", "t")), probability=1,
               harm=0.5),
    ]  # fmt: skip
    story = tell({"s": believe(0.5), "t": believe(0.5)}, (OFF,), hazards=hazards)
    found = found_of(story, of=("catastrophe",))
    by_s, by_t = 0.5 * (1 - 0.75 * 0.5), 0.5 * 0.5
    whole = 0.5 * (1 - 0.75 * 0.5) + 0.25 * 0.5
    told = [tells(found, "catastrophe", (x, True))["fussell_vesely"] for x in ("s", "t")]
    assert told == pytest.approx([by_s / whole, by_t / whole])


def test_what_is_undefined_is_not_a_number() -> None:
    """a is certain, and no class but two can come about."""
    found = found_of(decided_by(("a", "b"), {"a": believe(1), "b": believe(0.5)}))
    told = tells(found, "deceptive", ("a", True))
    assert told["if_true"] == pytest.approx(0.5)
    assert all(math.isnan(told[name]) for name in ("if_false", "birnbaum", "criticality"))
    assert math.isnan(told["risk_reduction_worth"])
    assert tells(found, "deceptive", ("a", False))["diagnosis"] == 0
    never = tells(found, "mesa-optimizer", ("b", True))
    assert (never["if_true"], never["birnbaum"]) == (0, 0)
    assert math.isnan(never["criticality"]) and math.isnan(never["fussell_vesely"])


def test_composites_are_measured_but_stand_in_no_minimal_set() -> None:
    both = Assumption(holds_when=("a", "b"))
    chances = {"a": believe(0.5), "b": believe(0.5), "both": both}
    told = tells(found_of(decided_by("both", chances)), "deceptive", ("both", True))
    assert told["if_true"] == pytest.approx(1)
    assert told["diagnosis"] == pytest.approx(1)
    assert math.isnan(told["fussell_vesely"])


def test_a_mean_is_a_posterior_probability_and_no_average_of_ratios() -> None:
    """P(a) and P(b) uncertain, C is either: P(C | not a) is the mean of P(b), and P(a | C) is the
    ratio of two means."""
    story = decided_by(
        AnyOf(any=("a", "b")), {"a": believe({"beta": [2, 6]}), "b": believe({"beta": [1, 3]})}
    )
    told = tells(found_of(story, draws=1 << 14), "deceptive", ("a", True))
    assert told["if_false"] == pytest.approx(0.25, rel=1e-4)
    assert told["diagnosis"] == pytest.approx(0.25 / (1 - 0.75 * 0.75), rel=1e-4)


def test_numbers_that_say_how_to_read_a_finding_are_averaged_out() -> None:
    """The means are those of the rates' means, and nothing of them is left in the band."""
    rates = {"true": {"beta": [3, 1]}, "false": {"beta": [1, 3]}}
    finding = item("seen", {"assumption": "a"}, counts={"hits": 1, "trials": 1}, rates=rates)
    chances = {"a": believe(0.5), "b": believe(0.5)}
    found = found_of(decided_by(AnyOf(any=("a", "b")), chances, evidence=[finding]))
    told = found.measures["diagnosis"][USUAL.index("deceptive"), 0]
    assert told == pytest.approx([0.75 / (1 - 0.25 * 0.5)] * 4)


def test_means_are_the_same_whatever_is_drawn() -> None:
    """A point mass, a beta and a finding: P(a | E) is certain though every number is not."""
    mixed = {"pool": [{"by": "X", "value": 0.2}, {"by": "Y", "value": {"beta": [2, 2]}}]}
    finding = item("seen", {"assumption": "a"}, counts={"hits": 3, "trials": 5},
                   rates={"true": 0.8, "false": 0.3})  # fmt: skip
    route = Route(id="ra", class_="deceptive", requires=("a", "b"), bits=60, harm=1)
    chances = {"a": believe(mixed), "b": believe({"uniform": [0.1, 0.9]})}
    story = tell(chances, (route, OFF), evidence=[finding])
    # The mean of a is 0.35, of b 0.5; the finding says a to not a as 0.8^3 0.2^2 to 0.3^3 0.7^2.
    yes, no = 0.35 * 0.8**3 * 0.2**2, 0.65 * 0.3**3 * 0.7**2
    for seed in (1, 2):
        found = found_of(story, ("catastrophe",), seed=seed, draws=64)
        told = [tells(found, "catastrophe", (name, True))["if_true"] for name in "ab"]
        assert told == pytest.approx([0.5, yes / (yes + no)], rel=1e-12)


# What is too much


def many(n: int) -> Story:
    """At least half of n."""
    names = [f"x{k}" for k in range(n)]
    return decided_by(AtLeast(at_least=n // 2, of=tuple(names)), dict.fromkeys(names, believe(0.5)))


@pytest.mark.parametrize("n", [5, 12, 24])
def test_very_many_minimal_sets(n: int) -> None:
    """At least half of n, by up to 2.7 million sets: one of n holds, and enough of the others."""
    found = found_of(many(n), ("deceptive",))
    half, rest = n // 2, [math.comb(n - 1, k) for k in range(n)]
    with_it = sum(rest[half - 1 :]) / 2**n
    whole = sum(math.comb(n, k) for k in range(half, n + 1)) / 2**n
    told = tells(found, "deceptive", ("x0", True))
    assert told["fussell_vesely"] == pytest.approx(with_it / whole)
    assert told["birnbaum"] == pytest.approx(math.comb(n - 1, half - 1) / 2 ** (n - 1))
    assert tells(found, "deceptive", ("x0", False))["fussell_vesely"] == 0


def test_paths_out_of_reach_are_missing_only_where_they_matter() -> None:
    chances = {name: believe(0.5) for name in ("x", "y", "z")} | {
        "both": Assumption(holds_when=("x", "y"))
    }
    assessment = assess(resolve(decided_by("both", chances)))
    with mock.patch("storyodds.models.story.graph._MAX_NODES", 1):
        for route in assessment.prepared.graph.routes:
            route.__dict__.pop("ways", None)
            route.__dict__.pop("needs", None)
        index = measure(assessment, ("deceptive",))
    assert {name for name, _ in index.missing["deceptive"]} == {"x", "y"}
    assert set(index.missing["deceptive"].values()) == {OUT_OF_REACH}
    assert tells(index, "deceptive", ("z", True))["fussell_vesely"] == 0


def test_a_budget_that_runs_out_loses_one_measure_only() -> None:
    assessment = assess(resolve(many(5)))
    real = type(assessment.prepared.compiler).root

    def root(self: Any, query: Any) -> int:
        if query.conditions:
            raise CliqueTooLargeError(frozenset(), ())
        return real(self, query)

    with mock.patch.object(type(assessment.prepared.compiler), "root", root):
        index = measure(assessment, ("deceptive",))
    assert len(index.missing["deceptive"]) == 5
    assert not math.isnan(tells(index, "deceptive", ("x0", True))["birnbaum"])


def test_a_story_that_cannot_be_taken_one_by_one() -> None:
    assessment = assess(resolve(many(3)))
    builder = assessment.prepared.compiler.builder
    builder.budget = builder.spent  # nothing more may be compiled
    with pytest.raises(UnsupportedStoryError, match="summed over together"):
        measure(assessment)


def test_blocks_of_draws_change_nothing() -> None:
    story = decided_by(
        AnyOf(any=(("a", "b"), ("b", "c"))),
        {"a": believe([0.1, 0.4]), "b": believe([0.2, 0.5]), "c": believe(0.5)},
    )
    assessment = assess(resolve(story), draws=256)
    whole = measure(assessment)
    with mock.patch.object(module, "_BLOCK_CELLS", 1), mock.patch.object(module, "_COLUMNS", 2):
        parts = measure(assessment)
    for name in MEASURES:
        np.testing.assert_allclose(parts.measures[name], whole.measures[name], rtol=1e-12)


# The dataset


def test_the_dataset_is_labelled() -> None:
    found = importance(assess(resolve(many(12))), ("deceptive", "catastrophe"))
    assert dict(found.sizes) == {"event": 2, "literal": 24, "summary": 4}
    assert list(found.coords["event"].values) == ["deceptive", "catastrophe"]
    assert list(found.coords["literal"].values[:2]) == ["x0", "not x0"]
    assert list(found.coords["summary"].values) == ["mean", "median", "q05", "q95"]
    assert list(found.coords["truth"].values[:2]) == [True, False]
    assert set(MEASURES) < set(found.data_vars)
    assert found["undefined"].sel(event="catastrophe").item() == 0


def test_an_unknown_event_is_refused() -> None:
    with pytest.raises(ValueError, match="'disaster', expected one of intended"):
        measure(assess(resolve(many(3))), ("disaster",))


# SCRAM

# Sums over a whole story of two hundred events take a minute; ninety-five are as far out of reach
# of enumeration, and decision diagrams are held to SCRAM's measures of the two hundred.
TREES = sorted(set(trees()) - {"two-hundred-events"})


def compare(tree: Tree, answers: Mapping[str, Any], sign: int) -> None:
    """Hold the measures to SCRAM's; a sign of -1 says that it derives them from -MIF."""
    chances = {name: believe(p) for name, p in tree.probability.items()}
    composites = {name: Assumption(holds_when=f) for name, f in tree.composites.items()}
    index = measure(assess(resolve(decided_by(tree.formula, chances | composites))), ("deceptive",))
    total = index.event_probability[0, 0]
    assert total == pytest.approx(answers["top_probability"], rel=DIGITS)
    for name, theirs in answers["importance"].items():
        told, p = tells(index, "deceptive", (name, True)), tree.probability[name]
        ours = {
            "MIF": told["birnbaum"],
            "CIF": told["criticality"],
            "DIF": told["diagnosis"],
            "RAW": told["risk_achievement_worth"],
            "RRW": told["risk_reduction_worth"],
        }
        if sign == -1:
            difference = -told["birnbaum"]
            true, false = total + (1 - p) * difference, total - p * difference
            ours = {
                "MIF": difference,
                "CIF": p * difference / total,
                "DIF": p * true / total,
                "RAW": true / total,
                "RRW": total / false,
            }
        assert theirs == pytest.approx(ours, rel=DIGITS, abs=1e-12), name


@pytest.mark.parametrize("name", TREES)
def test_scrams_stored_answers(name: str) -> None:
    stored = trees()[name]
    compare(tree_of(stored), stored, stored.get("importance_sign", 1))
