"""One unknown in several places: by the plain oracle and quadrature, and in every question."""

from collections.abc import Iterator
from math import comb

import numpy as np
import pytest
from numpy.typing import NDArray
from support.coordinates import log_prior, pymc_density, spelled_out
from support.oracle import odds, solve

from storyodds import compile_story, load_text, to_yaml
from storyodds.models.assessment.assessment import Method, _item_bits, assess
from storyodds.models.changes.derivatives import joint_slopes
from storyodds.models.changes.what_if import ask, base_of
from storyodds.models.posterior import nuts
from storyodds.models.posterior.densities.moving_density import moving_log_density
from storyodds.models.posterior.prepared import from_uniforms, prepare
from storyodds.models.posterior.questions import ask as ask_at
from storyodds.models.sensitivity.leaving_out import without
from storyodds.models.sensitivity.structure import leave_one_out
from storyodds.models.story.events import EVENTS, FATES
from storyodds.models.story.likelihoods import no_evidence
from storyodds.models.value.information import value_of_information
from storyodds.models.value.observations import observations, sharing
from storyodds.scenarios.lent_rates import with_lent_rates
from storyodds.scenarios.named_numbers import with_numbers_in_place
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Evidence, ObservedCounts
from storyodds.scenarios.story import Story

Array = NDArray[np.float64]

SIGMAS = 4.5  # one false alarm in 150,000 comparisons; seeds are fixed anyway
NODES = 16  # of Gauss rules, of integrands without kinks: their error is far below the others'

TEXT = """
story: shared
title: One unknown in several places
numbers:
  hard: {uniform: [0.1, 0.7], kind: probability}
  push: {normal: [1, 1], kind: bits}
goal:
  specification: The model looks the answer up in a table.
  desirability: The table is right.
  hazards:
    - {id: hole, criterion: alignment, probability: {number: hard}, harm: 0.3}
assumptions:
  a: {probability: {number: hard}}
  b: {given: [{when: a, probability: {number: hard}}, {otherwise: 0.3}]}
routes:
  - {id: schemer, class: deceptive, requires: [a, b], bits: {number: push}, harm: {number: hard}}
  - {id: proxy, class: mesa-optimizer, requires: a, bits: {number: push}, harm: 0.2}
  - {id: something-else, class: other, bits: -3, harm: 0.1}
checks:
  - {id: audit, flags: {deceptive: {number: hard}, hole: 0.2, default: 0.05}}
  - {id: probe, flags: {deceptive: {number: hard}, default: 0.02}}
evidence:
  - {id: seen, about: {assumption: a}, counts: {hits: 3, trials: 10},
     rates: {true: {number: hard}, false: 0.1}, relevance: 0.8}
  - {id: leaning, about: {outcome: true}, bayes_factor: {deceptive: {number: push}, default: 0}}
"""
STORY = load_text(TEXT)
# The rate of a known result; and of results of checks that fail together with one that is open,
# which a finding borrows.
PASSED = load_text(TEXT.replace("id: audit,", "id: audit, result: passed,"))
LENT = """\
  - {id: tried, about: {outcome: true}, counts: {hits: 1, trials: 4}, rates_of: audit}
common_cause:
  - {checks: [audit, probe, watch], share: {deceptive: {number: hard}, default: 0.3}}
"""
WATCH = "  - {id: watch, flags: {deceptive: {number: hard}, hole: 0.4, default: 0.1}}\n"
TOGETHER = load_text(
    TEXT.replace("id: audit,", "id: audit, result: flagged,")
    .replace("id: probe,", "id: probe, result: passed,")
    .replace("evidence:\n", WATCH + "evidence:\n")
    + LENT
)
STORIES = {"open": STORY, "passed": PASSED, "together": TOGETHER}
every_story = pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)


def fixed(story: Story, **values: float) -> Story:
    """The story with named numbers at values, written out at every place."""
    named = {
        name: type(number).model_validate({"kind": number.kind, "fixed": float(values[name])})
        for name, number in story.numbers.items()
    }
    written = with_numbers_in_place(story.model_copy(update={"numbers": named}))
    return written.model_copy(update={"evidence": with_lent_rates(written)})


def grid() -> Iterator[tuple[float, float, float]]:
    """Nodes of the two priors and the weight of each pair."""
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    bits, of_bits = np.polynomial.hermite_e.hermegauss(NODES)
    for u, w in zip(nodes, weights / 2, strict=True):
        for z, v in zip(bits, of_bits / of_bits.sum(), strict=True):
            yield 0.4 + 0.3 * u, 1.0 + z, w * v


def by_quadrature(story: Story) -> tuple[dict[str, float], dict[str, float], float]:
    """Posterior means of events and of assumptions, and log P(evidence), from the oracle."""
    total, events, truths = 0.0, dict.fromkeys(EVENTS, 0.0), {"a": 0.0, "b": 0.0}
    for hard, push, weight in grid():
        answer = solve(fixed(story, hard=hard, push=push))
        mass = weight * np.exp(answer.log_evidence)
        total += mass
        for name in EVENTS:
            events[name] += mass * {**answer.classes, **answer.fates}[name]
        for name in truths:
            truths[name] += mass * answer.assumptions[name]
    return (
        {name: x / total for name, x in events.items()},
        {name: x / total for name, x in truths.items()},
        float(np.log(total)),
    )


@every_story
def test_at_any_values_the_odds_are_those_of_enumeration(story: Story) -> None:
    prepared = prepare(resolve(story))
    values = from_uniforms(prepared, prepared.sampled, np.random.default_rng(4).random((4, 2)))
    answer = ask_at(prepared, values)
    of_findings = _item_bits(
        prepared, prepared.answers.evaluate(values[:1], no_evidence(prepared.graph))
    )
    index = prepared.resolved.number_index
    for row, (log_evidence, events) in enumerate(
        zip(answer.log_evidence, answer.events, strict=True)
    ):
        chances = {name: float(values[row, index[name]]) for name in ("hard", "push")}
        expected = solve(fixed(story, **chances))
        assert log_evidence == pytest.approx(expected.log_evidence, abs=1e-10)
        np.testing.assert_allclose(
            events, [{**expected.classes, **expected.fates}[name] for name in EVENTS], atol=1e-10
        )
        if row == 0:
            assert of_findings.keys() == expected.item_bits.keys()
            for name, bits in expected.item_bits.items():
                assert of_findings[name] == pytest.approx(bits, abs=1e-9), name


@every_story
def test_a_number_in_several_places_is_one_unknown(story: Story) -> None:
    """Means, assumptions and log P(E) are those of brute-force quadrature over the two unknowns."""
    events, truths, log_evidence = by_quadrature(story)
    result = assess(resolve(story), draws=8192)
    errors = result.errors.by_name()
    means = result.averaged.mean(result.averaged.events)
    for name, mean in zip(EVENTS, means, strict=True):
        assert mean == pytest.approx(events[name], abs=SIGMAS * errors[name]["mean"] + 1e-9)
    n = len(result.averaged.weights)
    for name, column in zip(("a", "b"), result.averaged.assumptions.T, strict=True):
        # As of independent draws, which Sobol points do better than.
        spread = SIGMAS * column.std() / np.sqrt(result.draws.diagnostics["ess"])
        assert n > 1
        assert result.averaged.mean(column) == pytest.approx(truths[name], abs=spread)
    assert result.draws.log_evidence == pytest.approx(
        log_evidence, abs=SIGMAS * result.draws.log_evidence_error
    )


def test_nuts_follows_what_a_finding_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draws by NUTS and weighted ones have the same means, within their errors.

    A quarter of the usual draws, of a density that takes long; by the digits it is tested below.
    P(evidence), which is not compared here, is worked out at an eighth of the usual points.
    """
    monkeypatch.setattr(nuts, "TUNE", 250)  # enough for two numbers
    monkeypatch.setattr(nuts, "MIN_DRAWS", 250)
    monkeypatch.setattr(nuts, "_PROPOSALS", 512)
    prepared = prepare(resolve(STORY))
    assert set(prepared.sampled) == {prepared.resolved.number_index[x] for x in ("hard", "push")}
    sampled = assess(resolve(STORY), draws=400, method="nuts")
    weighted = assess(resolve(STORY), draws=4096)
    both = [
        (x.averaged.mean(x.averaged.events), [x.errors.by_name()[e]["mean"] for e in EVENTS])
        for x in (sampled, weighted)
    ]
    (first, error), (second, other) = both
    assert np.all(abs(first - second) <= SIGMAS * np.hypot(error, other) + 1e-9)


@every_story
def test_derivatives_are_those_of_a_step(story: Story) -> None:
    prepared = prepare(resolve(story))
    values = from_uniforms(prepared, prepared.sampled, np.array([[0.2, 0.4], [0.7, 0.8]]))
    _, moved = joint_slopes(prepared, values, EVENTS)
    step = 1e-5  # whose square, and the rounding over it, are 1e-10
    for name in ("hard", "push"):
        i = prepared.resolved.number_index[name]
        x = values[:, i]
        scale = x * (1 - x) if name == "hard" else 1.0
        sides = []
        for sign in (1, -1):
            there = values.copy()
            there[:, i] = x + sign * step * scale
            answer = ask_at(prepared, there)
            sides.append(np.exp(answer.log_evidence)[:, None] * answer.events)
        whole = np.exp(ask_at(prepared, values).log_evidence)[:, None]
        slopes = (sides[0] - sides[1]) / (2 * step) / whole
        np.testing.assert_allclose(moved[:, :, i], slopes, atol=1e-8)


ONCE = """
story: once
title: One unknown in one place
numbers:
  chance: {uniform: [0.1, 0.7], kind: probability}
  rate: {beta: [2, 5], kind: probability}
  push: {normal: [1, 1], kind: bits}
goal: {specification: A table., desirability: Right.}
assumptions:
  a: {probability: CHANCE}
  b: {probability: [0.2, 0.6]}
routes:
  - {id: schemer, class: deceptive, requires: [a, b], bits: PUSH, harm: [0.1, 0.3]}
  - {id: something-else, class: other, bits: -3, harm: 0.1}
checks:
  - {id: audit, flags: {deceptive: [0.2, 0.5], default: 0.05}}
evidence:
  - {id: seen, about: {assumption: a}, counts: {hits: 3, trials: 10},
     rates: {true: RATE, false: [0.05, 0.2]}}
"""
NAMED = {"CHANCE": "{number: chance}", "PUSH": "{number: push}", "RATE": "{number: rate}"}
PLAIN = {"CHANCE": "{uniform: [0.1, 0.7]}", "PUSH": "{normal: [1, 1]}", "RATE": "{beta: [2, 5]}"}


def filled(parts: dict[str, str]) -> Story:
    text = ONCE
    for key, value in parts.items():
        text = text.replace(key, value)
    return load_text(text)


@pytest.mark.parametrize("method", ["weighting", "simulation"])
def test_a_named_number_used_once_changes_nothing(method: Method) -> None:
    """Digit for digit, of every draw."""
    named, plain = (assess(resolve(filled(x)), method=method, draws=256) for x in (NAMED, PLAIN))
    np.testing.assert_array_equal(named.averaged.events, plain.averaged.events)
    np.testing.assert_array_equal(named.exact.events, plain.exact.events)
    np.testing.assert_array_equal(named.exact.values, plain.exact.values)
    assert named.draws.log_evidence == plain.draws.log_evidence


@every_story
def test_a_what_if_moves_every_place(story: Story) -> None:
    """Fixing the number is fixing it wherever it stands, as the oracle does."""
    result = assess(resolve(story), draws=4096)
    base = base_of(result)
    index = result.prepared.resolved.number_index
    assert index["a.probability"] == index["schemer.harm"] == index["seen.rates.true"]
    changed = ask(base, {index["hard"]: 0.3, index["push"]: 0.5})
    answer = solve(fixed(story, hard=0.3, push=0.5))
    expected = [{**answer.classes, **answer.fates}[name] for name in EVENTS]
    np.testing.assert_allclose(changed.means, expected, atol=1e-9)


@every_story
def test_a_check_left_out_takes_nothing_else_along(story: Story) -> None:
    """Its rate stands elsewhere too, and stays there."""
    result = assess(resolve(story), draws=4096)
    base = base_of(result, draws=4096)
    changed = {part.id: part.changed for part in leave_one_out(base)}["audit"]
    assert changed is not None
    part = ("check", "audit")
    fresh = assess(without(resolve(story), [part]), draws=4096)
    means = fresh.averaged.mean(fresh.averaged.events)
    errors = np.array([fresh.errors.by_name()[e]["mean"] for e in EVENTS])
    assert np.all(abs(changed.means - means) <= SIGMAS * np.hypot(changed.errors, errors) + 1e-9)


@every_story
def test_a_result_of_simulated_states_agrees(story: Story) -> None:
    simulated = assess(resolve(story), method="simulation", draws=2048)
    exact = assess(resolve(story), draws=8192)
    errors = np.array([simulated.errors.by_name()[e]["mean"] for e in EVENTS])
    others = np.array([exact.errors.by_name()[e]["mean"] for e in EVENTS])
    difference = simulated.averaged.mean(simulated.averaged.events) - exact.averaged.mean(
        exact.averaged.events
    )
    assert np.all(abs(difference) <= SIGMAS * np.hypot(errors, others) + 1e-9)


def test_the_story_is_written_and_read_back() -> None:
    assert load_text(to_yaml(STORY)) == STORY


@every_story
def test_the_pymc_model_has_one_variable_of_a_shared_number(story: Story) -> None:
    """Its density and gradient are those that NUTS follows, and the prior's times P(evidence)."""
    model, prepared = compile_story(story), prepare(resolve(story))
    assert {variable.name for variable in model.free_RVs} == {"hard", "push"}
    for z in np.random.default_rng(1).normal(size=(3, 2)):
        value, gradient = pymc_density(model, prepared)(z)
        values = spelled_out(prepared, z)
        expected = float(ask_at(prepared, values).log_evidence[0])
        expected += sum(log_prior(prepared, i, x) for i, x in zip(prepared.core, z, strict=True))
        height, slope = moving_log_density(prepared, values)(z)
        assert value == pytest.approx(expected, rel=1e-10)
        assert height == pytest.approx(expected, rel=1e-10)
        np.testing.assert_allclose(gradient, slope, rtol=1e-8, atol=1e-8)


PROPOSED = """
proposals:
  - {id: again, replicates: seen, trials: 2}
  - {id: look, about: {assumption: b}, trials: 3, rates: {true: {number: hard}, false: 0.1}}
"""


def test_a_proposal_that_shares_a_rate_tells_of_it_everywhere() -> None:
    """P(result), and P(success | result), are those of the oracle with the result as evidence."""
    story = load_text(TEXT + PROPOSED)
    result = assess(resolve(story), draws=4096)
    shown = {one.proposal.id: one for one in observations(result.prepared)}
    value = value_of_information(result, list(shown.values()))
    assert sharing(result.prepared) == ()
    # A replication's finding with all of its trials, and a new finding beside it.
    seen, look = story.evidence[0], story.proposals[1]
    made = {
        "again": lambda k: (
            seen.model_copy(update={"counts": ObservedCounts(hits=3 + k, trials=12)}),
            *story.evidence[1:],
        ),
        "look": lambda k: (
            *story.evidence,
            Evidence(
                id="look",
                about=look.about,
                counts=ObservedCounts(hits=k, trials=3),
                rates=look.rates,
            ),
        ),
    }
    of_success = list(FATES).index("success")
    for name, table in zip(shown, value.results, strict=True):
        success, chance = [], []
        for k in range(len(table)):
            with_it = STORY.model_copy(update={"evidence": made[name](k)})
            events, mass = joint_by_quadrature(with_it)
            success.append(events)
            chance.append(mass)
        ways = np.ones(len(table))
        if name == "again":  # hits in 12 trials can fall in more ways than into 10 and 2
            ways = np.array([comb(10, 3) * comb(2, k) / comb(12, 3 + k) for k in range(3)])
        expected = np.array(success) * ways / np.dot(chance, ways)
        # A mean of probabilities has at most half a standard deviation, of as many draws.
        error = 0.5 / np.sqrt(result.draws.diagnostics["ess"])
        np.testing.assert_allclose(table[:, of_success], expected, atol=SIGMAS * error)


def joint_by_quadrature(story: Story) -> tuple[float, float]:
    """P(success and the evidence), and P(the evidence)."""
    joint, mass = 0.0, 0.0
    for hard, push, weight in grid():
        table, log_evidence = odds(fixed(story, hard=hard, push=push))
        here = weight * np.exp(log_evidence)
        joint += here * table["success"]
        mass += here
    return joint, mass


CONJUNCTION = """
story: conjunction
title: Two premises that are one unknown
numbers:
  p: {uniform: [0, 1], kind: probability}
goal: {specification: A table., desirability: Right.}
assumptions:
  a: {probability: {number: p}}
  b: {probability: {number: p}}
routes:
  - {id: schemer, class: deceptive, requires: [a, b], bits: 0, harm: 1}
  - {id: something-else, class: other, bits: -3, harm: 0}
"""


def test_two_premises_with_one_unknown_have_its_second_moment() -> None:
    """P(both) is E[p²] = 1/3, and not 1/4; each by itself has P(true) = p at every draw."""
    result = assess(resolve(load_text(CONJUNCTION)), draws=8192)
    deceptive = float(result.averaged.mean(result.averaged.event("deceptive")))
    error = result.errors.by_name()["deceptive"]["mean"]
    assert deceptive == pytest.approx(1 / 3 / 2.125, abs=SIGMAS * error)
    np.testing.assert_allclose(
        result.averaged.assumptions, np.repeat(result.averaged.values[:, :1], 2, axis=1)
    )
