"""What evidence items say: tables and recovered numbers against the oracle and brute force."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from support.building import believe, item, tell
from support.monte_carlo import mean_and_error
from support.oracle import ImpossibleEvidence, expected_likelihoods, solve
from support.oracle_process import settled, true_in
from support.roads import by_road
from support.strategies import evidence_items, small_stories

from storyodds.models.assessment.assessment import Assessment, assess
from storyodds.models.engine import evaluation
from storyodds.models.posterior.evidence import assemble, collapsed_tables
from storyodds.models.story.building import build_graph
from storyodds.priors.distributions.forms import Fixed
from storyodds.priors.text.errors import InputError
from storyodds.reports.documents.estimate import summarize
from storyodds.scenarios.grammar.outcomes import CLASSES
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Evidence, Hazard, Route
from storyodds.scenarios.story import Story

Array = NDArray[np.float64]

relaxed = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)

ROUTES = (
    Route(id="r0", class_="deceptive", bits=1, harm=0.5),
    Route(id="r1", class_="deceptive", bits=0, harm=0.5),
    Route(id="r2", class_="mesa-optimizer", bits=-1, harm=0.5),
    Route(id="something-else", class_="other", bits=-2, harm=0.1),
)
OUTCOMES = (*CLASSES, "r0", "r1", "r2")


def around(*items: Evidence) -> Story:
    """A fixed story with some evidence."""
    return tell({"a": believe(0.3), "b": believe(0.6)}, ROUTES, evidence=items)


def rows(found: Evidence, table: dict[str, float]) -> list[float]:
    """The oracle's table in the engine's order: false and true, or one entry per route."""
    if found.about.assumption is not None:
        return [table["false"], table["true"]]
    routes = [("intended", "intended"), *((route.id, route.class_) for route in ROUTES)]
    return [table[next(key for key in (*names, "default") if key in table)] for names in routes]


@relaxed
@given(evidence_items(0, ("a", "b"), OUTCOMES, certain=False))
def test_collapsed_tables_are_the_oracles_means(found: Evidence) -> None:
    resolved = resolve(around(found))
    graph = build_graph(resolved)
    table = collapsed_tables(graph, [n.distribution for n in resolved.numbers])[0]
    if found.forecast is not None:
        assert table is None
        return
    assert table is not None
    (item,) = graph.evidence
    if not item.rows:
        expected = np.array(rows(found, expected_likelihoods(found)))
        np.testing.assert_allclose(np.exp(table[0]), expected, rtol=1e-9, atol=1e-300)
        return
    by_row = table[0].reshape(len(item.rows), -1)
    for truth in ({"a": a, "b": b} for a in (True, False) for b in (True, False)):
        here = expected_likelihoods(settled(around(found), truth).evidence[0])
        held = [when is None or true_in(when, truth.__getitem__) for when, _ in item.rows]
        expected = np.array([here[key] for key in item.rows[0][1].keys])
        np.testing.assert_allclose(
            np.exp(by_row[held.index(True)]), expected, rtol=1e-9, atol=1e-300
        )


@st.composite
def stories_with_uncertain_evidence(draw: st.DrawFn) -> Story:
    story = draw(small_stories(max_assumptions=4, max_routes=4))
    names = tuple(sorted(story.assumptions))
    outcomes = tuple(sorted({route.id for route in story.routes} | {*CLASSES}))
    count = draw(st.integers(1, 3))
    items = [draw(evidence_items(i, names, outcomes, certain=False)) for i in range(count)]
    return story.model_copy(update={"evidence": tuple(items)})


@pytest.mark.slow
@settings(relaxed, max_examples=60)
@given(stories_with_uncertain_evidence())
def test_means_are_exact_where_only_evidence_is_uncertain(story: Story) -> None:
    """Means have the rates integrated out, so 16 draws give them to rounding."""
    resolved = resolve(story)
    try:
        answer = solve(story, collapse=True)
    except ImpossibleEvidence:
        with pytest.raises(InputError, match="impossible"):
            assess(resolved, draws=16)
        assume(False)
    assessment = assess(resolved, draws=16)
    assert not assessment.prepared.active
    summary = summarize(assessment)
    assert summary["evidence"]["log_probability"] == pytest.approx(answer.log_evidence, abs=1e-9)
    for key in ("classes", "routes", "fates", "assumptions"):
        found = {name: entry["mean"] for name, entry in summary[key].items()}
        assert found == pytest.approx(getattr(answer, key), abs=1e-9), key
    for entry in summary["paths"]:
        literals = frozenset(
            (x.removeprefix("not "), not x.startswith("not ")) for x in entry["literals"]
        )
        path = answer.paths[entry["hazard"] or entry["route"], literals]
        assert entry["concern"]["mean"] == pytest.approx(path.concern, abs=1e-9)


# --- what findings do to numbers ----------------------------------------------------------------

RATES = {"true": {"beta": [2, 2]}, "false": [0.05, 0.4]}
WATCHED = item(
    "watched",
    {"assumption": "a"},
    counts={"hits": 6, "trials": 10},
    rates=RATES,
    relevance={"beta": [3, 1]},
)
JUDGED = item(
    "judged", {"outcome": True}, bayes_factor={"deceptive": {"normal": [1.0, 1.5]}, "default": 0}
)
UNCERTAIN = tell(
    {"a": believe({"beta": [2, 3]})},
    (
        Route(id="scheme", class_="deceptive", requires="a", bits={"normal": [0, 1]}, harm=0.5),
        Route(id="something-else", class_="other", bits=-3, harm=0),
    ),
    evidence=(WATCHED, JUDGED),
)
NUMBERS = ("a.probability", "scheme.bits")


def by_brute_force(n: int, seed: int) -> tuple[dict[str, Array], Array, Array]:
    """Draw the story's numbers from their priors, and by each of them the findings' own.

    P(E) and P(E, deceptive), the means over what the findings' own numbers are, by hand: P(E) is
    linear in what the findings say, so that one draw of their numbers each is as good as any.
    """
    rng = np.random.default_rng(seed)
    low, high = np.log(0.05 / 0.95), np.log(0.4 / 0.6)
    logit = rng.normal((low + high) / 2, (high - low) / 2 / stats.norm.ppf(0.95), n)
    p, bits = rng.beta(2, 3, n), rng.normal(0, 1, n)
    yes, no = rng.beta(2, 2, n), 1 / (1 + np.exp(-logit))
    share, said = rng.beta(3, 1, n), rng.normal(1.0, 1.5, n)
    hits_if = np.array([stats.binom.pmf(6, 10, x) for x in (yes, no)]).mean(axis=1)
    if_true, if_false = share.mean() * hits_if + (1 - share.mean()) * hits_if.mean()
    scheme, rest = 2.0**bits, 1 + 2.0**-3
    deceptive = p * if_true * scheme / (scheme + rest) * np.mean(2.0**said)
    total = deceptive + p * if_true * rest / (scheme + rest) + (1 - p) * if_false
    return dict(zip(NUMBERS, (p, bits), strict=True)), total, deceptive


@pytest.fixture(scope="module")
def assessed() -> Assessment:
    return assess(resolve(UNCERTAIN), method="weighting", draws=16_384, seed=5)


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("power", [1, 2])
def test_numbers_have_their_posterior(assessed: Assessment, name: str, power: int) -> None:
    """Mean and second moment (so the sd) within 4.5 standard errors of both sides together."""
    theirs, weights, _ = by_brute_force(1_000_000, 11)
    expected, error = mean_and_error(theirs[name] ** power, weights)
    column = assessed.exact.values[:, assessed.prepared.resolved.number_index[name]]
    found, mine = mean_and_error(column**power, assessed.exact.weights)
    assert abs(found - expected) < 4.5 * math.hypot(error, mine)
    assert mine < 0.02 * max(1.0, abs(found))  # or the line above would say nothing


def test_spread_given_the_numbers_has_its_posterior(assessed: Assessment) -> None:
    """P(deceptive | E, numbers) at draws of the story's numbers: what intervals are taken of."""
    _, weights, deceptive = by_brute_force(1_000_000, 11)
    column = [route.id for route in assessed.prepared.graph.routes].index("scheme")
    for power in (1, 2):
        expected, error = mean_and_error((deceptive / weights) ** power, weights)
        found, mine = mean_and_error(
            assessed.exact.routes[:, column] ** power, assessed.exact.weights
        )
        assert abs(found - expected) < 4.5 * math.hypot(error, mine)


def test_means_by_integration_and_over_draws_of_all_numbers_are_one(assessed: Assessment) -> None:
    """The same mean by two roads; the averaged one is steadier."""
    for averaged, exact in (
        (assessed.averaged.routes, assessed.exact.routes),
        (assessed.averaged.assumptions, assessed.exact.assumptions),
    ):
        for k in range(averaged.shape[1]):
            a = assessed.averaged.mean(averaged[:, k])
            b, error = mean_and_error(exact[:, k], assessed.exact.weights)
            assert abs(a - b) < 4.5 * error + 1e-12
            assert np.ptp(averaged[:, k]) <= np.ptp(exact[:, k]) + 1e-12


def test_findings_own_numbers_are_no_numbers_of_the_story(assessed: Assessment) -> None:
    prepared = assessed.prepared
    names = [prepared.resolved.numbers[i].name for i in prepared.core]
    assert names == list(NUMBERS)
    own = sorted(prepared.own)
    assert np.ptp(assessed.exact.values[:, own], axis=0).max() == 0


@pytest.mark.parametrize("relevance", [0.3, {"beta": [3, 1]}])
def test_a_finding_is_worth_the_same_however_its_claim_is_phrased(relevance: Any) -> None:
    """About "a" or about "not a", with the rates swapped: one answer, either way."""

    def told(negated: bool) -> Story:
        rates = {"true": 0.9, "false": 0.02}
        if negated:
            rates = {"true": rates["false"], "false": rates["true"]}
        seen = item(
            "seen",
            {"assumption": "a"},
            counts={"hits": 4, "trials": 5},
            rates=rates,
            relevance=relevance,
        )
        gate = "not a" if negated else "a"
        route = Route(id="scheme", class_="deceptive", requires=gate, bits=0, harm=0.5)
        prior = 0.6 if negated else 0.4
        return tell({"a": believe(prior)}, (route, ROUTES[-1]), evidence=[seen])

    found = [assess(resolve(told(negated))) for negated in (False, True)]
    np.testing.assert_allclose(found[0].averaged.classes, found[1].averaged.classes, rtol=1e-12)
    rho = 0.75 if isinstance(relevance, dict) else relevance
    bits = found[0].item_bits["seen"]["deceptive"]
    assert bits is not None and 0 < bits <= math.log2((1 + rho) / (1 - rho))


@pytest.mark.parametrize("rho", [0.0, 0.25, 0.75, 0.99])
def test_no_finding_of_two_hypotheses_is_worth_more_than_its_relevance(rho: float) -> None:
    proof = item(
        "proof",
        {"assumption": "a"},
        counts={"hits": 50, "trials": 50},
        rates={"true": 1, "false": 0.01},
        relevance=rho,
    )
    assessment = assess(resolve(around(proof)))
    p = float(assessment.averaged.assumptions[0, 0])
    gain = math.log2(p / (1 - p)) - math.log2(0.3 / 0.7)
    assert gain == pytest.approx(math.log2((1 + rho) / (1 - rho)), abs=1e-9)


def test_items_own_bits_do_not_depend_on_the_company(assessed: Assessment) -> None:
    alone = assess(
        resolve(UNCERTAIN.model_copy(update={"evidence": (WATCHED,)})), draws=16_384, seed=5
    )
    # The draws of `a` are other Sobol points: an error of about 1 / 16,384, in bits.
    assert alone.item_bits["watched"] == pytest.approx(assessed.item_bits["watched"], abs=1e-3)


def test_item_bits_are_the_oracles_odds() -> None:
    """On a story of fixed numbers: log2 posterior odds less log2 prior odds of each class."""
    story = around(
        item("seen", {"assumption": "a"}, bayes_factor={"true": 2}),
        item("said", {"outcome": True}, bayes_factor={"r0": 3, "deceptive": 1, "default": 0}),
        item("judged", {"class": "deceptive"}, forecast=0.4, sd_bits=1),
    )
    gated = story.routes[0].model_copy(update={"requires": "a"})
    story = story.model_copy(update={"routes": (gated, *story.routes[1:])})
    bits = assess(resolve(story)).item_bits
    for found in story.evidence:
        answer = solve(story.model_copy(update={"evidence": (found,)}))
        for name in CLASSES:
            after, before = answer.classes[name], answer.prior_classes[name]
            expected = math.log2(after / (1 - after)) - math.log2(before / (1 - before))
            assert bits[found.id][name] == pytest.approx(expected, abs=1e-9)


def test_a_hazard_is_no_evidence() -> None:
    """What follows after training ends cannot move where it ended."""
    hazard = Hazard(id="h", criterion="alignment", requires="a", probability=0.9, harm=1)
    goal = UNCERTAIN.goal.model_copy(update={"hazards": (hazard,)})
    with_hazard = assess(resolve(UNCERTAIN.model_copy(update={"goal": goal})), draws=256)
    without = assess(resolve(UNCERTAIN), draws=256)
    # With other Sobol points: about 1 / 256 of the relative error.
    assert with_hazard.draws.log_evidence == pytest.approx(without.draws.log_evidence, abs=0.02)


def test_relevance_zero_silences_an_item() -> None:
    silent = WATCHED.model_copy(update={"relevance": Fixed(fixed=0.0)})
    summary = summarize(assess(resolve(around(silent))))
    assert summary["assumptions"]["a"]["mean"] == pytest.approx(0.3, rel=1e-12)


@pytest.mark.parametrize("name", ["numpy", "numba"])
def test_draws_in_pieces_are_the_same_draws(
    assessed: Assessment, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Each piece of the draws has to take its own rows of what the evidence says."""
    prepared = assessed.prepared
    values, n = assessed.exact.values[:500], 500
    rng = np.random.default_rng(1)
    tables = [None if t is None else t + rng.normal(size=(n, 1)) * t for t in prepared.tables]
    said = assemble(prepared.graph, tables)
    seeds = rng.uniform(size=(n, 1, 1))
    one_by_one = [
        by_road("numpy", prepared.likelihood, values[d : d + 1], said.take(slice(d, d + 1)), seed)
        for d, seed in enumerate(seeds)
    ]
    monkeypatch.setattr(evaluation, "_BLOCK_CELLS", 64)
    pieces = by_road(name, prepared.likelihood, values, said, seeds)
    for field in ("log_roots", "usage", "won", "pulls"):
        expected = np.concatenate([getattr(one, field) for one in one_by_one])
        np.testing.assert_allclose(getattr(pieces, field), expected, rtol=1e-12, atol=1e-13)
