"""Value of information against enumeration of results, closed forms, and its own inequalities."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from scipy.integrate import quad
from support.building import OFF, SCHEMER, believe, item, tell
from support.strategies import probabilities, small_stories

from storyodds.models.assessment.assessment import Assessment, assess
from storyodds.models.story import events
from storyodds.models.story.events import FATES, ODDS, sides_of
from storyodds.models.value import observations as module
from storyodds.models.value.decisions import SUCCESS, bits_gained, choice_gained, worth_of_fates
from storyodds.models.value.information import Value, value_of_information
from storyodds.models.value.observations import Observation, observations, with_result
from storyodds.priors.distributions.beta_functions import log_binomial_coefficients
from storyodds.priors.distributions.families import distribution_of, rate_like
from storyodds.priors.distributions.forms import parse_prior
from storyodds.priors.text.errors import InputError
from storyodds.scenarios.grammar.outcomes import CLASSES
from storyodds.scenarios.grammar.parts import About
from storyodds.scenarios.resolve import ResolvedStory, resolve
from storyodds.scenarios.schema import Check, Evidence, Hazard, Proposal, Route
from storyodds.scenarios.story import Story

STAKES = {"success": 1.0, "catastrophe": -3.0, "uncompetitive": 0.2, "withheld": -0.1}

TIGHT = {"success": 1.0, "catastrophe": -11.0}  # so that what is found out can change the choice

relaxed = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


def choose(trials: int, hits: int) -> float:
    """Log of the binomial coefficient."""
    return float(log_binomial_coefficients(hits, trials - hits))


def proposing(story: Story, *proposals: Proposal) -> Story:
    return story.model_copy(update={"proposals": proposals})


def weigh(
    story: Story, stakes: dict[str, float] | None = None, **options: Any
) -> tuple[Assessment, tuple[Observation, ...], Value]:
    assessment = assess(resolve(story), **options)
    found = observations(assessment.prepared)
    return assessment, found, value_of_information(assessment, found, stakes)


def fates_of(assessment: Assessment) -> NDArray[np.float64]:
    return assessment.averaged.mean(assessment.averaged.fates)


def by_success(joint: NDArray[np.float64]) -> NDArray[np.float64]:
    """From fates to whether it is a success."""
    rest = np.delete(joint, SUCCESS, axis=-1).sum(axis=-1)
    return np.stack([joint[..., SUCCESS], rest], axis=-1)


def by_asking_again(
    assessment: Assessment,
    observation: Observation,
    tell: Callable[[Assessment], NDArray[np.float64]] = fates_of,
    **options: Any,
) -> NDArray[np.float64]:
    """P(result and fate | evidence): the story assessed once more with every result."""
    before, rows = assessment.draws.log_evidence, []
    for hits, _ in observation.hits.tolist():
        resolved = with_result(assessment.prepared.resolved, observation.proposal.id, hits)
        try:
            after = assess(resolved, **options)
        except InputError:  # a result that cannot come about
            rows.append(np.zeros_like(tell(assessment)))
            continue
        rows.append(np.exp(after.draws.log_evidence - before) * tell(after))
    return np.array(rows)


@st.composite
def proposals(draw: st.DrawFn, story: Story) -> tuple[Proposal, ...]:
    """Draw one proposal about the outcome, one about an assumption, and one replication."""
    rates = probabilities(certain=False)
    trials = st.integers(1, 3)
    relevance = st.one_of(st.none(), rates)
    table = {"deceptive": draw(rates), "default": draw(rates)}
    common = {"trials": draw(trials), "relevance": draw(relevance)}
    made = [Proposal(id="p1", about=About(outcome=True), rates=table, **common)]
    if story.assumptions:
        name = draw(st.sampled_from(sorted(story.assumptions)))
        table = {"true": draw(rates), "false": draw(rates)}
        made.append(Proposal(id="p2", about=About(assumption=name), rates=table, **common))
    counted = [found.id for found in story.evidence if found.counts is not None]
    if counted:
        again = draw(st.sampled_from(counted))
        made.append(Proposal(id="p3", replicates=again, trials=draw(trials)))
    return tuple(made)


# Against enumeration


@settings(relaxed, max_examples=12)
@given(st.data())
def test_results_and_fates_are_those_of_the_story_assessed_again(data: st.DataObject) -> None:
    story = data.draw(small_stories(max_assumptions=3, max_routes=4))
    story = proposing(story, *data.draw(proposals(story)))
    try:
        assessment, found, value = weigh(story, STAKES)
    except InputError:
        assume(False)
    assume(assessment.draws.log_evidence > -50)
    for k, observation in enumerate(found):
        # Only the proposals' own rates are uncertain, and those are integrated out.
        again = by_asking_again(assessment, observation, method="weighting", draws=64)
        if observation.proposal.replicates is not None:
            again = _per_sequence(story, observation, again)
        assert again.sum() == pytest.approx(1, abs=1e-6)
        np.testing.assert_allclose(value.results[k], again, rtol=1e-6, atol=1e-8)
        assert value.worth is not None
        expected = float(bits_gained(by_success(again))), float(choice_gained(again, STAKES))
        gained = value.bits.proposals.amount[k], value.worth.proposals.amount[k]
        assert gained == pytest.approx(expected, abs=1e-6)
        assert value.bits.proposals.error[k] <= 1e-12


@pytest.mark.parametrize("of", ODDS)
def test_bits_about_any_odds_are_those_of_the_story_assessed_again(of: str) -> None:
    hazards = [
        Hazard(id="h", criterion="alignment", requires="b", probability=0.3, harm=0.4),
        Hazard(id="g", criterion="competitiveness", probability=0.2),
    ]
    check = Check(id="v", flags={"deceptive": 0.7, "default": 0.1, "h": 0.5})
    rates = {"true": 0.8, "false": 0.3}
    asked = Proposal(id="look", about=About(assumption="a"), trials=2, rates=rates)
    story = tell({"a": believe(0.4), "b": believe({"beta": [2, 3]})}, [SCHEMER, OFF],
                 hazards=hazards, checks=[check])  # fmt: skip
    assessment = assess(resolve(proposing(story, asked)))
    (observation,) = observations(assessment.prepared)
    value = value_of_information(assessment, [observation], of=of)
    names, signs = sides_of(of).signs()

    def both(found: Assessment) -> NDArray[np.float64]:
        averaged = found.averaged
        chances = events.probabilities(averaged.graph, averaged.values, averaged.outcomes, names)
        part, whole = signs @ averaged.mean(chances)
        return np.array([part, whole - part])

    again = by_asking_again(assessment, observation, both)
    np.testing.assert_allclose(value.sides[0], again, rtol=1e-9, atol=1e-12)
    assert value.probability == pytest.approx(again[:, 0].sum() / again.sum())
    gained = value.bits.proposals
    assert gained.amount[0] == pytest.approx(bits_gained(again / again.sum()), abs=1e-12)
    assert gained.error[0] == 0  # no number has to be sampled


def _per_sequence(
    story: Story, observation: Observation, again: NDArray[np.float64]
) -> NDArray[np.float64]:
    """From counts added up to counts one after the other: they differ by the ways to share hits."""
    seen = next(e.counts for e in story.evidence if e.id == observation.proposal.replicates)
    assert seen is not None
    k = observation.hits[:, 0]
    log_ways = [
        choose(observation.trials, int(more))
        + choose(seen.trials, seen.hits)
        - choose(seen.trials + observation.trials, seen.hits + int(more))
        for more in k
    ]
    return np.asarray(again * np.exp(log_ways)[:, None])


UNCERTAIN = tell(
    {"a": believe({"beta": [2, 5]}), "b": believe([0.2, 0.7])},
    routes=[
        Route(id="scheme", class_="deceptive", requires="a", bits=[-1, 2], harm=[0.1, 0.6]),
        Route(id="proxy", class_="mesa-optimizer", requires="b", bits=[-2, 1], harm=0.05),
        Route(id="something-else", class_="other", bits=-2, harm=0.02),
    ],
    evidence=[
        item("seen", {"assumption": "a"}, counts={"hits": 1, "trials": 9},
             rates={"true": [0.05, 0.6], "false": [0.01, 0.3]}, relevance=[0.3, 0.9])
    ],
)  # fmt: skip
ASKED = (
    Proposal(id="audit", about=About(outcome=True), trials=1,
             rates={"deceptive": [0.1, 0.7], "default": [0.01, 0.1]}),
    Proposal(id="look", about=About(assumption="b"), trials=5, cost=0.001,
             rates={"true": [0.3, 0.9], "false": [0.05, 0.5]}, relevance=[0.4, 0.9]),
    Proposal(id="again", replicates="seen"),
)  # fmt: skip


def test_uncertain_numbers_within_the_error_that_is_told() -> None:
    assessment, found, value = weigh(proposing(UNCERTAIN, *ASKED), TIGHT)
    for k, observation in enumerate(found[:2]):
        again = by_asking_again(assessment, observation, seed=7)
        again /= again.sum()
        assert value.worth is not None
        for measured, gains in (
            (bits_gained(by_success(again)), value.bits.proposals),
            (choice_gained(again, TIGHT), value.worth.proposals),
        ):
            assert gains.amount[k] > 0
            assert abs(gains.amount[k] - measured) < 5 * gains.error[k] + 1e-5


def test_the_error_covers_what_other_draws_give() -> None:
    story = proposing(UNCERTAIN, *ASKED)
    runs = [weigh(story, seed=seed, draws=256)[2].bits.proposals for seed in range(10)]
    spread = np.std([run.amount for run in runs], axis=0)
    error = np.mean([run.error for run in runs], axis=0)
    # Sobol sequences do better than the independent draws that the error allows for.
    assert (spread < 1.5 * error).all()
    assert (error < 0.1 * runs[0].amount).all()


# Closed forms


def test_two_actions_and_beta_binomial_results() -> None:
    p, n, true, false = 0.3, 12, (2, 3), (1, 6)
    rates = {"true": {"beta": list(true)}, "false": {"beta": list(false)}}
    asked = Proposal(id="look", about=About(assumption="a"), trials=n, rates=rates, cost=0.05)
    story = proposing(tell({"a": believe(p)}, [SCHEMER, OFF]), asked)
    stakes = {"success": 1.0, "catastrophe": -5.0}
    _, _, value = weigh(story, stakes)
    k = np.arange(n + 1)
    bad = p * stats.betabinom.pmf(k, n, *true)
    good = (1 - p) * stats.betabinom.pmf(k, n, *false)
    deploy = good - 5 * 0.5 * bad  # half of the schemers do harm
    assert value.worth is not None
    gain = np.maximum(deploy, 0).sum() - max(deploy.sum(), 0)
    assert value.worth.proposals.amount[0] == pytest.approx(gain, rel=1e-9)
    assert value.worth.assumptions.amount[0] == pytest.approx(0.7 - max(deploy.sum(), 0), rel=1e-9)
    # Learning the fate: a schemer that does no harm is worth nothing, as withholding it is.
    assert value.worth.perfect.amount[0] == pytest.approx(0.7 - max(deploy.sum(), 0), rel=1e-9)
    told = stats.entropy([p, 1 - p], base=2) - np.sum(
        (bad + good) * [stats.entropy([b, g], base=2) for b, g in zip(bad, good, strict=True)]
    )
    assert value.bits.proposals.amount[0] == pytest.approx(told, rel=1e-9)
    assert value.bits.perfect.amount[0] == pytest.approx(value.bits.assumptions.amount[0])


def test_learning_a_number_has_a_closed_form() -> None:
    prior = stats.beta(2, 5)
    story = tell({"a": believe({"beta": [2, 5]})}, [SCHEMER, OFF])
    stakes = {"success": 1.0, "catastrophe": -5.0, "withheld": 0.01}
    _, _, value = weigh(story, stakes, draws=4096)

    def gain(p: float) -> float:
        return (1 - p) - 2.5 * p - 0.01

    better = quad(lambda p: prior.pdf(p) * max(gain(p), 0), 0, 1)[0] - max(gain(2 / 7), 0)
    entropy = quad(lambda p: prior.pdf(p) * stats.entropy([p, 1 - p], base=2), 0, 1)[0]
    bits = stats.entropy([2 / 7, 5 / 7], base=2) - entropy
    assert value.worth is not None
    assert value.bits.numbers.amount[0] == pytest.approx(bits, rel=1e-6)
    # A trapezoid misses a bend by up to an eighth of its step squared, here 0.05 deviations.
    assert value.worth.numbers.amount[0] == pytest.approx(better, rel=1e-3)
    assert value.bits.numbers.error[0] == value.worth.numbers.error[0] == 0


POOL = {"pool": [{"by": "A", "value": [-5, -2]}, {"by": "B", "value": [1, 4]}]}


@pytest.mark.parametrize("form", [{"normal": [-2, 1.5]}, POOL])
def test_learning_bits_is_worth_what_an_integral_says(form: Any) -> None:
    """By eight seeds together, so that a bias of a third of the stated error shows."""
    rival = Route(id="rival", class_="deceptive", bits=form, harm=0.5)
    other = Route(id="proxy", class_="mesa-optimizer", bits={"normal": [-1, 1]}, harm=0.1)
    story = tell({}, [rival, other, OFF])
    index = resolve(story).number_index["rival.bits"]
    prior = resolve(story).numbers[index].distribution
    rivals = prior.quantile((np.arange(4096) + 0.5) / 4096)
    others = stats.norm(-1, 1).ppf((np.arange(512) + 0.5) / 512)
    intended = 1 / (1 + 2 ** rivals[:, None] + 2**others + 2**-60.0)
    given = intended.mean(axis=1)
    before = given.mean()
    exact = stats.entropy([before, 1 - before], base=2) - np.mean(
        stats.entropy([given, 1 - given], base=2)
    )
    found = []
    for seed in range(8):
        assessment, _, value = weigh(story, draws=4096, seed=seed)
        k = assessment.prepared.core.index(index)
        found.append((value.bits.numbers.amount[k], value.bits.numbers.error[k]))
    amounts, errors = np.array(found).T
    assert abs(amounts.mean() - exact) < 5 * np.sqrt(np.mean(errors**2) / 8)


def test_noise_is_not_taken_for_information() -> None:
    """Numbers that change nothing: what is left of them is within the error that is told."""
    routes = [SCHEMER, Route(id="idle", class_="other", requires="b", bits=-60, harm=0), OFF]
    numbers = {"a": believe({"beta": [2, 5]}), "b": believe([0.1, 0.9])}
    for seed in range(5):
        _, _, value = weigh(tell(numbers, routes), seed=seed, draws=512)
        idle = value.numbers[1]
        assert idle == 1
        assert value.bits.numbers.amount[1] == 0  # a line without a slope
        assert value.bits.numbers.amount[0] > 0


def test_noise_of_what_is_sampled_is_not_taken_for_information() -> None:
    """By sixteen seeds together: what an idle number tells is nothing, not a little."""
    routes = [SCHEMER, Route(id="q", class_="other", bits=[-1, 1], harm=0), OFF]
    # Its bits bear on a route that is far behind.
    routes[2] = OFF.model_copy(update={"bits": Route(id="x", class_="other", bits=[-60, -58]).bits})
    found = []
    for seed in range(16):
        assessment, _, value = weigh(tell({"a": believe(0.3)}, routes), seed=seed, draws=512)
        idle = assessment.prepared.core.index(
            assessment.prepared.resolved.number_index["something-else.bits"]
        )
        found.append((value.bits.numbers.amount[idle], value.bits.numbers.error[idle]))
    amounts, errors = np.array(found).T
    assert abs(amounts.mean()) < 5 * np.sqrt(np.mean(errors**2) / 16)


# Inequalities


@settings(relaxed, max_examples=10)
@given(st.data())
def test_nobody_learns_more_than_there_is_to_learn(data: st.DataObject) -> None:
    story = data.draw(small_stories(max_assumptions=3, max_routes=3, certain=False))
    story = proposing(story, *data.draw(proposals(story)))
    try:
        _, found, value = weigh(story, STAKES, method="weighting", draws=64)
    except InputError:
        assume(False)
    assert value.worth is not None
    assert value.fates.sum() == pytest.approx(1)
    for worths in (value.bits, value.worth):
        perfect, outcome = worths.perfect.amount[0], worths.outcome.amount[0]
        assert perfect >= outcome - 1e-9
        assert (worths.assumptions.amount <= perfect + 1e-9).all()
        assert (worths.proposals.amount <= worths.ceilings.amount + 1e-9).all()
        assert (worths.proposals.amount >= 0).all()
        slack = 4 * worths.numbers.error + 0.02
        assert (worths.numbers.amount <= perfect + slack).all()
        for k, observation in enumerate(found):
            if observation.target is None and not observation.by_row:
                assert worths.ceilings.amount[k] == outcome
    assert (value.behind.amount >= -1e-9).all()
    assert sorted(value.ranked) == list(range(len(found)))


def test_more_trials_tell_more_and_a_replication_shares_its_setting() -> None:
    rates = {"true": [0.3, 0.9], "false": [0.05, 0.5]}
    wanted = [
        Proposal(id=f"look-{n}", about=About(assumption="b"), trials=n, rates=rates)
        for n in (1, 5, 50, 150, 5000)
    ]
    _, _, value = weigh(proposing(UNCERTAIN, *wanted))
    amounts = value.bits.proposals.amount
    assert (np.diff(amounts[:4]) > 0).all()
    # Taken together to groups, and the rate's own uncertainty is what is left by then.
    assert amounts[4] == pytest.approx(amounts[3], rel=0.05)
    fresh = item("seen", {"assumption": "a"}, **_seen(UNCERTAIN.evidence))
    other = Proposal(id="other", about=fresh.about, trials=9, rates=fresh.rates,
                     relevance=fresh.relevance)  # fmt: skip
    _, _, value = weigh(proposing(UNCERTAIN, other, ASKED[2]))
    assert value.bits.proposals.amount[1] < value.bits.proposals.amount[0]


def _seen(evidence: Sequence[Evidence]) -> dict[str, Any]:
    return {key: getattr(evidence[0], key) for key in ("counts", "rates", "relevance")}


# Parts


FORMS = [
    0.2,
    {"beta": [0.4, 7]},
    [0.05, 0.5],
    [0.0001, 0.9],
    {"uniform": [0.1, 0.4]},
    {"pool": [{"by": "A", "value": 0.1}, {"by": "B", "value": [0.2, 0.6], "weight": 3}]},
]


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize("seen", [(0, 0), (3, 40)])
def test_chances_of_results_are_ratios_of_what_evidence_says(
    form: Any, seen: tuple[int, int]
) -> None:
    rate = rate_like(distribution_of(parse_prior(form, "probability"), "probability"))
    hits, before = seen
    log_chances = [
        rate.binomial_log_marginal(hits + k, before + 20)
        - rate.binomial_log_marginal(hits, before)
        + choose(20, k)
        + choose(before, hits)
        - choose(before + 20, hits + k)
        for k in range(21)
    ]
    np.testing.assert_allclose(module._each(rate, 20, seen), np.exp(log_chances), rtol=1e-8)


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_many_results_are_taken_together(form: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_RESULTS", 40)
    rate = distribution_of(parse_prior(form, "probability"), "probability")
    nodes = module._nodes(rate, (0, 0))
    groups = module._groups([nodes], 150)
    assert groups[0, 0] == 0 and groups[-1, 1] == 150
    assert (groups[1:, 0] == groups[:-1, 1] + 1).all()
    assert 10 < len(groups) <= 41
    each = module._each(rate, 150, (0, 0))
    together = np.add.reduceat(each, groups[:, 0])
    np.testing.assert_allclose(module._grouped(nodes, 150, groups), together, atol=2e-3)


def test_grouping_loses_little(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Proposal(id="look", about=About(assumption="b"), trials=150,
                     rates={"true": [0.3, 0.9], "false": [0.05, 0.5]})  # fmt: skip
    story = proposing(UNCERTAIN, asked)
    whole = weigh(story)[2].bits.proposals.amount[0]
    monkeypatch.setattr(module, "MAX_RESULTS", 100)
    grouped = weigh(story)[2]
    assert len(grouped.results[0]) < 101
    assert grouped.bits.proposals.amount[0] == pytest.approx(whole, rel=0.01)


def test_a_proposal_changes_no_odds() -> None:
    plain, asked = assess(resolve(UNCERTAIN)), assess(resolve(proposing(UNCERTAIN, *ASKED)))
    assert plain.draws.log_evidence == asked.draws.log_evidence
    np.testing.assert_array_equal(plain.exact.outcomes, asked.exact.outcomes)


def test_a_replication_adds_to_the_counts() -> None:
    resolved: ResolvedStory = resolve(proposing(UNCERTAIN, *ASKED))
    counts = with_result(resolved, "again", 4).story.evidence[0].counts
    assert counts is not None
    assert (counts.hits, counts.trials) == (5, 18)


def test_ranked_by_worth_less_cost() -> None:
    dear = ASKED[0].model_copy(update={"cost": 10.0})
    _, found, value = weigh(proposing(UNCERTAIN, dear, *ASKED[1:]), STAKES)
    assert found[value.ranked[-1]].proposal.id == "audit"
    assert value.behind.amount[0] > 9
    assert weigh(proposing(UNCERTAIN, dear, *ASKED[1:]))[2].ranked[0] == 0


def test_nothing_proposed_and_nothing_uncertain() -> None:
    _, _, value = weigh(tell({"a": believe(0.3)}, [SCHEMER, OFF]), STAKES)
    assert value.ranked == () and value.numbers == ()
    assert value.bits.perfect.amount[0] == pytest.approx(stats.entropy([0.3, 0.7], base=2))
    assert value.bits.perfect.error[0] == 0


def test_rounding_is_no_gain_in_any_unit() -> None:
    wanted = Proposal(id="look", about=About(assumption="a"), trials=3,
                      rates={"true": 0.31, "false": 0.3})  # fmt: skip
    story = proposing(tell({"a": believe(0.3)}, [SCHEMER, OFF]), wanted)
    for unit in (1e-12, 1.0, 1e12):
        _, _, value = weigh(story, {"success": unit, "withheld": -20 * unit})
        assert value.worth is not None
        assert value.worth.proposals.amount[0] == value.worth.assumptions.amount[0] == 0


def test_what_a_check_halts_is_withheld() -> None:
    worth = dict(zip(FATES, worth_of_fates(STAKES), strict=True))
    assert worth["halted"] == STAKES["withheld"]
    assert worth["benign-failure"] == 0
    assert FATES[SUCCESS] == "success" and len(CLASSES) == 4
