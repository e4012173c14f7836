"""Findings whose numbers depend on assumptions, and findings that have the rates of a check."""

from itertools import product
from typing import Any

import numpy as np
import pymc as pm
import pytest
from numpy.typing import NDArray
from support.coordinates import INTERPRETED
from support.oracle import odds, solve
from support.oracle_evidence import mean_binomial, mean_power_of_two
from support.oracle_process import settled

from storyodds import load_text, to_yaml
from storyodds.models.assessment.assessment import assess
from storyodds.models.pymc.model import compile_story
from storyodds.models.story.events import FATES
from storyodds.models.value.decisions import bits_gained
from storyodds.models.value.information import value_of_information
from storyodds.models.value.observations import observations, with_result
from storyodds.priors.text.errors import InputError
from storyodds.reports.documents.estimate import summarize
from storyodds.scenarios.edits import changes_between, with_changes
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.rewriting import with_numbers
from storyodds.scenarios.schema import Evidence
from storyodds.scenarios.story import Story

HEAD = """\
story: by-row
title: What is seen of a model depends on what it knows
goal: {specification: x, desirability: y}
assumptions:
  aware: {probability: 0.3}
  keen: {given: [{when: aware, probability: 0.6}, {otherwise: 0.2}]}
routes:
  - {id: schemer, class: deceptive, requires: keen, bits: 1, harm: 0.5}
  - {id: proxy, class: mesa-optimizer, bits: -1, harm: 0.2}
  - {id: something-else, class: other, bits: -3, harm: 0.1}
checks:
  - {id: audit, flags: {deceptive: 0.4, default: 0.05}}
"""
ROWS = "{given: [{when: aware, probability: [0.05, 0.3]}, {otherwise: {beta: [4, 4]}}]}"
OPEN, PASSED = "{id: audit,", "{id: audit, result: passed,"
OF_OUTCOME = "about: {outcome: true}, counts: {hits: 2, trials: 9}"


def story_with(*items: str, more: str = "") -> Story:
    return load_text(HEAD + "evidence:\n" + "".join(f"  - {{{item}}}\n" for item in items) + more)


def document(story: Story, **options: Any) -> Any:
    return summarize(assess(resolve(story), **options))


def fates(story: Story, **options: Any) -> dict[str, float]:
    return {name: entry["mean"] for name, entry in document(story, **options)["fates"].items()}


@pytest.mark.parametrize(
    "item",
    [
        f"id: e, {OF_OUTCOME}, rates: {{deceptive: {ROWS}, default: 0.1}}, relevance: 0.7",
        f"id: e, {OF_OUTCOME}, rates: {{deceptive: 0.1, default: {ROWS}}}, relevance: [0.2, 0.9]",
        f"id: e, about: {{assumption: keen}}, counts: {{hits: 3, trials: 7}}, "
        f"rates: {{true: {ROWS}, false: {{given: [{{when: not aware, probability: [0.1, 0.9]}}, "
        "{otherwise: 0.2}]}}, relevance: 0.5",
        f"id: e, about: {{assumption: aware}}, counts: {{hits: 3, trials: 7}}, "
        f"rates: {{true: {ROWS}, false: 0.4}}",
        "id: e, about: {outcome: true}, bayes_factor: {deceptive: {given: [{when: [aware, keen], "
        "bits: {normal: [2, 1]}}, {otherwise: [-1, 1]}]}, default: 0}, relevance: 0.8",
    ],
)
def test_each_row_integrates_a_number_of_its_own(item: str) -> None:
    """By enumeration, the numbers of a finding averaged out row by row."""
    story = story_with(item)
    answer, result = solve(story, collapse=True), document(story)
    assert result["evidence"]["log_probability"] == pytest.approx(answer.log_evidence, abs=1e-9)
    for name, chance in answer.classes.items():
        assert result["classes"][name]["mean"] == pytest.approx(chance, abs=1e-10)
    for name, chance in answer.assumptions.items():
        assert result["assumptions"][name]["mean"] == pytest.approx(chance, abs=1e-10)
    bits = result["evidence"]["items"][0]["bits"]
    for name, expected in answer.item_bits["e"].items():
        if expected is not None and bits[name] is not None:
            assert bits[name] == pytest.approx(expected, abs=1e-9)


def test_the_oracle_averages_row_by_row() -> None:
    """The yardstick of the test before, by hand: P(E) of two rows of two alternatives."""
    story = story_with(
        "id: e, about: {assumption: keen}, counts: {hits: 3, trials: 7}, "
        f"rates: {{true: {ROWS}, false: 0.4}}, relevance: 0.5"
    )
    (item,) = story.evidence
    assert item.rates is not None
    rows = item.rates["true"].given
    total = 0.0
    for aware, keen in product((True, False), repeat=2):
        chance = (0.3 if aware else 0.7) * abs((0.6 if aware else 0.2) - (not keen))
        yes = mean_binomial(rows[0].probability if aware else rows[1].otherwise, 3, 7)
        no = mean_binomial(item.rates["false"], 3, 7)
        total += chance * (0.5 * (yes if keen else no) + 0.5 * (yes + no) / 2)
    assert solve(story, collapse=True).log_evidence == pytest.approx(np.log(total), abs=1e-12)
    assert mean_power_of_two(settled(story, {"aware": True, "keen": True}).routes[0].bits) == 2.0


def test_exposures_have_rows_of_rates_and_of_visibility() -> None:
    story = story_with(
        "id: e, about: {outcome: true}, exposure: {time: 3.5, incidents: 1}, rates: {deceptive: "
        "{given: [{when: aware, probability: 0.1}, {otherwise: 0.4}]}, default: 0.05}, "
        "visibility: {deceptive: {given: [{when: keen, probability: 0.2}, {otherwise: 1}]}}"
    )
    answer = solve(story)
    for name, chance in answer.fates.items():
        assert fates(story)[name] == pytest.approx(chance, abs=1e-12)


def test_equal_rows_change_nothing() -> None:
    equal = "{given: [{when: aware, probability: [0.1, 0.5]}, {otherwise: [0.1, 0.5]}]}"
    item = f"id: e, {OF_OUTCOME}, rates: {{deceptive: RATE, default: 0.1}}, relevance: 0.6"
    one, other = (story_with(item.replace("RATE", rate)) for rate in (equal, "[0.1, 0.5]"))
    first, second = document(one), document(other)
    for key in ("fates", "classes", "assumptions", "paths", "criteria"):
        assert str(first[key].keys() if isinstance(first[key], dict) else len(first[key]))
        np.testing.assert_allclose(means(first[key]), means(second[key]), rtol=1e-11, atol=1e-14)


def means(entry: Any) -> list[float]:
    """All means in a part of a document, in order."""
    if isinstance(entry, dict):
        own = [entry["mean"]] if isinstance(entry.get("mean"), float) else []
        return own + [x for value in entry.values() for x in means(value)]
    return [x for value in entry for x in means(value)] if isinstance(entry, list) else []


def test_simulated_states_agree() -> None:
    story = story_with(
        f"id: e, {OF_OUTCOME}, rates: {{deceptive: {ROWS}, default: 0.1}}, relevance: 0.7",
        "id: f, about: {assumption: keen}, counts: {hits: 3, trials: 7}, "
        f"rates: {{true: {ROWS}, false: 0.4}}",
    )
    answer = solve(story, collapse=True)
    result = assess(resolve(story), method="simulation")
    errors = result.draws.diagnostics["simulation_error"]
    for name, chance in answer.fates.items():
        mean = float(result.averaged.mean(result.averaged.event(name)))
        # Five standard errors; evenly spread states have less than is told.
        assert mean == pytest.approx(chance, abs=5 * errors[name] + 1e-12)


@pytest.mark.parametrize("relevance", ["", ", relevance: 0.4"])
def test_the_pymc_model_draws_counts_of_the_row_that_holds(relevance: str) -> None:
    """Means of prior predictive counts, and the log density of the whole, are the story's."""
    story = story_with(
        "id: e, about: {outcome: true}, counts: {hits: 2, trials: 9}, rates: {deceptive: {given: "
        f"[{{when: aware, probability: 0.05}}, {{otherwise: 0.9}}]}}, default: 0.2}}{relevance}"
    )
    model = compile_story(story)
    total = float(model.compile_logp(mode=INTERPRETED)({}))
    assert total == pytest.approx(solve(story).log_evidence, abs=1e-9)
    drawn = pm.draw(model["e"], draws=1000, random_seed=1, mode=INTERPRETED)
    expected = 0.0
    for aware in (True, False):
        given = story.model_copy(
            update={
                "evidence": (),
                "assumptions": {
                    **story.assumptions,
                    "aware": story.assumptions["aware"].model_copy(
                        update={"probability": type(story.routes[0].harm)(fixed=float(aware))}
                    ),
                },
            }
        )
        deceptive = solve(given).classes["deceptive"]
        rate = 0.05 if aware else 0.9
        face = deceptive * rate + (1 - deceptive) * 0.2
        share = 0.4 if relevance else 1.0
        mixed = share * face + (1 - share) * (rate + 0.2) / 2
        expected += (0.3 if aware else 0.7) * mixed
    # Counts of 9 have at most a standard deviation of 4.5.
    assert drawn.mean() == pytest.approx(9 * expected, abs=4 * 4.5 / np.sqrt(len(drawn)))


# --- what is worth finding out -----------------------------------------------------------------

PROPOSED = """\
proposals:
  - {id: look, about: {outcome: true}, trials: 3, relevance: 0.8,
     rates: {deceptive: {given: [{when: aware, probability: 0.1}, {otherwise: [0.3, 0.9]}]},
             default: 0.1}}
  - {id: ask, about: {assumption: keen}, trials: 2,
     rates: {true: {given: [{when: aware, probability: 0.2}, {otherwise: 0.9}]}, false: 0.3}}
  - {id: again, replicates: e, trials: 2}
"""


def by_enumeration(story: Story, name: str, trials: int) -> NDArray[np.float64]:
    """P(result and fate | evidence), (n_results, n_fates), from the oracle with each result."""
    resolved = resolve(story)
    before = np.exp(solve(story, collapse=True).log_evidence)
    joint = []
    for hits in range(trials + 1):
        made = with_result(resolved, name, hits).story.model_copy(update={"proposals": ()})
        answer = solve(made, collapse=True)
        joint.append([np.exp(answer.log_evidence) * answer.fates[fate] for fate in FATES])
    return np.array(joint) / before


def test_a_proposal_with_rows_is_worth_what_enumeration_says() -> None:
    item = f"id: e, {OF_OUTCOME}, rates: {{deceptive: {ROWS}, default: 0.1}}, relevance: 0.7"
    story = story_with(item, more=PROPOSED)
    result = assess(resolve(story))
    value = value_of_information(result, observations(result.prepared))
    for k, observation in enumerate(value.observations):
        assert observation.by_row
        name = observation.proposal.id
        joint = by_enumeration(story, name, observation.trials)
        if name == "again":  # hits in 11 trials fall in more ways than into those of 9 and of 2
            joint = joint * [[55 / 36], [165 / 36 / 2], [330 / 36]] ** np.array(-1.0)
        np.testing.assert_allclose(value.results[k], joint, atol=1e-10)
        success = list(FATES).index("success")
        sides = np.stack([joint[:, success], joint.sum(axis=1) - joint[:, success]], axis=1)
        assert value.bits.proposals.amount[k] == pytest.approx(bits_gained(sides), abs=1e-9)
        assert value.bits.proposals.amount[k] <= value.bits.ceilings.amount[k] + 1e-12


# --- a finding that has the rates of a check ---------------------------------------------------

CHECKED = """\
story: lent
title: A check and what was seen when it was tried
goal: {specification: x, desirability: y, hazards: [HAZARD]}
assumptions:
  aware: {probability: 0.4}
routes:
  - {id: schemer, class: deceptive, bits: 0, harm: 0.5}
  - {id: something-else, class: other, bits: -3, harm: 0.1}
checks:
  - {id: audit, flags: {deceptive: FLAG, default: OTHER}}
evidence:
  - {id: trial, about: {outcome: true}, counts: {hits: 2, trials: 20}, RATES, relevance: 0.9}
"""
BY_ROW = "{given: [{when: aware, probability: 0.1}, {otherwise: 0.6}]}"


def checked(
    flag: str = BY_ROW, other: str = "0.02", rates: str = "rates_of: audit", hazard: str = ""
) -> Story:
    text = CHECKED.replace("FLAG", flag).replace("OTHER", other)
    return load_text(text.replace("RATES", rates).replace("HAZARD", hazard))


def test_fixed_rates_of_a_check_are_those_rates_written_out() -> None:
    lent = document(checked())
    written = document(checked(rates=f"rates: {{deceptive: {BY_ROW}, default: 0.02}}"))
    answer = solve(checked(rates=f"rates: {{deceptive: {BY_ROW}, default: 0.02}}"))
    for key in ("fates", "classes", "assumptions", "deployed", "paths", "checks"):
        np.testing.assert_allclose(means(lent[key]), means(written[key]), rtol=1e-12, atol=1e-15)
    for name, chance in answer.fates.items():
        assert lent["fates"][name]["mean"] == pytest.approx(chance, abs=1e-12)


def test_a_check_and_its_finding_share_two_unknowns() -> None:
    """By quadrature over both: each draws the rate of the check to what was seen."""
    story = checked("{uniform: [0, 1]}", "{uniform: [0, 0.5]}")
    result = assess(resolve(story), draws=8192)
    nodes, weights = np.polynomial.legendre.leggauss(16)  # exact: no power is above 23
    mass, sums = 0.0, dict.fromkeys(("halted", "catastrophe", "success"), 0.0)
    for u, w in zip(nodes, weights / 2, strict=True):
        for v, x in zip(nodes, weights / 2, strict=True):
            flag, other = 0.5 + 0.5 * u, 0.25 + 0.25 * v
            rates = f"rates: {{deceptive: {flag}, default: {other}}}"
            table, log_evidence = odds(checked(str(flag), str(other), rates))
            here = w * x * np.exp(log_evidence)
            mass += here
            for name in sums:
                sums[name] += here * table[name]
    assert result.draws.log_evidence == pytest.approx(
        np.log(mass), abs=4 * result.draws.log_evidence_error + 1e-9
    )
    errors = result.errors.by_name()
    for name, total in sums.items():
        mean = float(result.averaged.mean(result.averaged.event(name)))
        assert mean == pytest.approx(total / mass, abs=4 * errors[name]["mean"] + 1e-9)
    assert {result.prepared.resolved.numbers[i].name for i in result.prepared.sampled} == {
        "audit.flags.deceptive",
        "audit.flags.default",
    }


def test_rates_of_hazards_stay_with_the_check() -> None:
    hazard = "{id: rot, criterion: alignment, probability: 0.3}"
    lent = checked(other="0.02, rot: 0.5", hazard=hazard)
    assert set(lent.checks[0].flags) == {"deceptive", "default", "rot"}
    rates = f"rates: {{deceptive: {BY_ROW}, default: 0.02}}"
    written = checked(other="0.02, rot: 0.5", rates=rates, hazard=hazard)
    assert means(document(lent)["classes"]) == pytest.approx(
        means(document(written)["classes"]), abs=1e-12
    )


def test_a_check_that_is_switched_off_leaves_its_rates_to_the_finding() -> None:
    story = checked("[0.1, 0.6]")
    off = resolve(story, settings={"check:audit": "off"})
    alone = checked(rates="rates: {deceptive: [0.1, 0.6], default: 0.02}")
    alone = alone.model_copy(update={"checks": ()})
    found = summarize(assess(off))["classes"]
    assert means(found) == pytest.approx(means(document(alone)["classes"]), abs=1e-10)


def test_a_number_of_both_is_set_and_written_once() -> None:
    story = checked("[0.1, 0.6]")
    resolved = resolve(story, settings={"trial.rates.deceptive": 0.25})
    (number,) = (x for x in resolved.numbers if x.name == "audit.flags.deceptive")
    assert number.uses == ("audit.flags.deceptive", "trial.rates.deceptive")
    written = with_numbers(resolve(story), {number.name: number.form})
    assert written.checks[0].flags["deceptive"].fixed == 0.25
    assert load_text(to_yaml(written)) == written
    assert written.evidence[0].rates_of == "audit"


def test_changes_between_a_story_and_one_with_the_finding_add_up() -> None:
    story = checked("[0.1, 0.6]")
    less = resolve(story.model_copy(update={"evidence": ()}))
    more = resolve(checked("[0.2, 0.7]"))
    every = changes_between(less, more)
    for made, expected in (((), less), (every, more)):
        mixed = assess(with_changes(less, more, made), draws=1024)
        reference = assess(expected, draws=1024)
        assert summarize(mixed)["fates"] == summarize(reference)["fates"]


# --- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("item", "sentence"),
    [
        (
            f"id: e, {OF_OUTCOME}, rates: {{default: {{given: [{{when: awre, probability: 0.1}}, "
            "{otherwise: 0.2}]}}",
            "awre",
        ),
        (
            f"id: e, {OF_OUTCOME}, rates: {{default: {{given: [{{when: aware, probability: 0.1}}"
            "]}}",
            "expected the last row to be {otherwise: …}",
        ),
        (
            "id: e, about: {outcome: true}, bayes_factor: {deceptive: {given: [{when: aware, "
            "probability: 0.1}, {otherwise: 0.2}]}, default: 0}",
            "the key 'bits' is missing",
        ),
        (
            "id: e, about: {outcome: true}, exposure: {episodes: 9, incidents: 0}, rates: "
            "{default: {given: [{when: aware, probability: {number: p}}, {otherwise: 0.2}]}}",
            "found 'p', expected the name of a number",
        ),
        (f"id: e, {OF_OUTCOME}, rates_of: audits", "did you mean 'audit'?"),
        (f"id: e, {OF_OUTCOME}, rates_of: audit, rates: {{default: 0.1}}", "expected one of them"),
        (
            "id: e, about: {assumption: keen}, counts: {hits: 1, trials: 2}, rates_of: audit",
            "expected it about {outcome: true}",
        ),
        (
            "id: e, about: {outcome: true}, bayes_factor: {default: 0}, rates_of: audit",
            "found 'rates_of' beside 'bayes_factor'",
        ),
    ],
)
def test_what_goes_wrong_is_said(item: str, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        story_with(item)
    assert any(sentence in problem.message for problem in caught.value.problems), caught.value


def test_a_check_with_a_known_result_lends_its_rates() -> None:
    """As a named number does that stands in both places."""
    item = f"{{id: e, {OF_OUTCOME}, rates"
    lent = HEAD.replace("deceptive: 0.4", "deceptive: {uniform: [0.2, 0.7]}")
    named = HEAD.replace("deceptive: 0.4", "deceptive: {number: rate}") + (
        "numbers: {rate: {uniform: [0.2, 0.7], kind: probability}}\n"
    )
    answers = [
        fates(load_text((text + f"evidence:\n  - {rates}}}\n").replace(OPEN, PASSED)))
        for text, rates in (
            (lent, f"{item}_of: audit"),
            (named, f"{item}: {{deceptive: {{number: rate}}, default: 0.05}}"),
            (lent, f"{item}: {{deceptive: {{uniform: [0.2, 0.7]}}, default: 0.05}}"),
        )
    ]
    assert answers[0] == pytest.approx(answers[1], abs=1e-12)
    assert abs(answers[0]["success"] - answers[2]["success"]) > 1e-3  # with a number of its own


def test_too_many_rows_are_refused() -> None:
    conditions = ("aware", "keen", "not aware", "not keen", "[aware, keen]", "[aware, not keen]")
    rows = [
        f"r{k}: {{given: [{{when: {when}, probability: 0.1}}, {{otherwise: 0.2}}]}}"
        for k, when in enumerate((*conditions, "[not aware, keen]"))
    ]
    routes = "".join(f"  - {{id: r{k}, class: other, bits: 0, harm: 0}}\n" for k in range(7))
    text = HEAD.replace("routes:\n", "routes:\n" + routes)
    item = f"  - {{id: e, {OF_OUTCOME}, rates: {{{', '.join(rows)}, default: 0.1}}}}\n"
    with pytest.raises(InputError, match="128 ways in which rows of its numbers can hold"):
        load_text(text + "evidence:\n" + item)


def test_rows_are_written_and_read_back() -> None:
    story = story_with(
        f"id: e, {OF_OUTCOME}, rates: {{deceptive: {ROWS}, default: 0.1}}",
        "id: f, about: {outcome: true}, bayes_factor: {deceptive: {given: [{when: aware, bits: "
        "[1, 2]}, {otherwise: 0}]}, default: 0}",
    )
    assert load_text(to_yaml(story)) == story
    resolved = resolve(story, settings={"f.bayes_factor.deceptive.given.0": 3})
    (form,) = (n.form for n in resolved.numbers if n.name == "f.bayes_factor.deceptive.given.0")
    written = with_numbers(resolve(story), {"f.bayes_factor.deceptive.given.0": form})
    item: Evidence = written.evidence[1]
    assert item.bayes_factor is not None
    assert item.bayes_factor["deceptive"].given[0].bits.fixed == 3
