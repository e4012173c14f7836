"""Simulated states against exact sums, within the error that the weights themselves tell."""

import dataclasses
import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from support.building import OFF, believe, item, tell
from support.monte_carlo import mean_and_error
from support.strategies import small_stories, with_results
from support.tangles import SMALL_MEMORY, tangled

from storyodds import estimate, load_result, load_story, save_result, summarize
from storyodds.models.assessment.assessment import Assessment, Method, assess
from storyodds.models.engine.compiler import Compiler
from storyodds.models.engine.program import program
from storyodds.models.engine.quantities import Quantities, evaluate, jointly
from storyodds.models.engine.state_draws import draw_uses
from storyodds.models.engine.strategy import choose_compiler
from storyodds.models.importance.measures import importance
from storyodds.models.posterior.evidence import assemble, collapsed_tables
from storyodds.models.posterior.simulated import simulation
from storyodds.models.posterior.simulated.simulation import Simulation
from storyodds.models.story.building import build_graph
from storyodds.models.story.events import EVENTS
from storyodds.models.story.graph import StoryGraph
from storyodds.models.story.likelihoods import LogLikelihoods
from storyodds.models.story.queries import EVERYTHING, Query
from storyodds.priors.text.errors import InputError, UnsupportedStoryError
from storyodds.reports.documents.estimate import summarize as summarize_assessment
from storyodds.scenarios.grammar.outcomes import CLASSES
from storyodds.scenarios.grammar.parts import GivenRow
from storyodds.scenarios.loader import bundled_stories
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Assumption, Check, Hazard, Route
from storyodds.scenarios.story import Story

Array = NDArray[np.float64]

Z = 5.0
ROWS = 256
NAMES = (
    "assumptions",
    "assumptions_false",
    "routes",
    "outcomes",
    "goals",
    "queries",
)


def laid_out(story: Story) -> tuple[StoryGraph, Array, LogLikelihoods]:
    resolved = resolve(story)
    graph = build_graph(resolved)
    distributions = [number.distribution for number in resolved.numbers]
    values = np.array([[float(d.quantile(np.array(0.5))) for d in distributions]])
    return graph, values, assemble(graph, collapsed_tables(graph, distributions))


def slack(
    graph: StoryGraph, values: Array, likelihoods: LogLikelihoods, log_evidence: float
) -> float:
    """What Bernstein's inequality adds where the largest weights may not have been met.

    It is z^2 / 2 times the largest possible weight, of which the mean is known exactly, over the
    number of states.
    """
    pairs = likelihoods.assumptions[0].reshape(-1, 2).max(axis=1)
    largest = float(pairs.sum() + likelihoods.routes[0].max())
    return Z**2 / 2 * math.exp(min(largest - log_evidence, 50.0)) / (ROWS * simulation.STATES)


def compare(story: Story) -> None:
    graph, values, likelihoods = laid_out(story)
    names = list(graph.order)
    queries = [Query((0, len(graph.outcomes) - 1)), Query((0,), frozenset())]
    queries += [Query((o,), frozenset([(n, True)])) for o in (0, 1) for n in names[:3]]
    queries += (
        [Query((), frozenset([(names[0], False), (names[-1], True)]))] if len(names) > 1 else []
    )
    compiler = choose_compiler(graph)
    exact = evaluate(compiler, values, likelihoods, queries)
    assume(np.isfinite(exact.log_evidence[0]))
    more = slack(graph, values, likelihoods, float(exact.log_evidence[0]))
    assume(more < 0.02)  # else too few states for so much evidence, as the diagnostics would say
    every = np.repeat(values, ROWS, axis=0)
    simulated = Simulation(graph, seed=3)
    evaluated = simulated.evaluate(every, likelihoods, queries)
    scale = evaluated.log_evidence.max()
    weights = np.exp(evaluated.log_evidence - scale)
    for name in NAMES:
        expected, told = getattr(exact, name), getattr(evaluated, name)
        for k in range(expected.shape[1]):
            mean, error = mean_and_error(told[:, k], weights)
            assert abs(mean - expected[0, k]) <= Z * error + more, (name, k)
    ratio = np.exp(evaluated.log_evidence - exact.log_evidence[0])
    assert abs(ratio.mean() - 1) <= Z * ratio.std() / math.sqrt(ROWS) + more
    events = [Query((o,)) for o in range(len(graph.outcomes))]
    if any(v not in compiler.variables for v in range(len(names))):
        return
    together = jointly(compiler, values, likelihoods, events)
    guessed = simulated.jointly(every, likelihoods, events)
    for name in ("events", "true", "false"):
        expected, told = getattr(together, name)[0], getattr(guessed, name)
        for index in np.ndindex(expected.shape):
            mean, error = mean_and_error(told[(slice(None), *index)], weights)
            assert abs(mean - expected[index]) <= Z * error + more, (name, index)


@settings(deadline=None, max_examples=30, suppress_health_check=list(HealthCheck))
@given(small_stories())
def test_random_stories(story: Story) -> None:
    compare(story)


def everything() -> Story:
    """A chain of `given` tables, composites, hazards with conditions, and all kinds of evidence."""
    return tell(
        {
            "a": believe([0.3, 0.7]),
            "b": Assumption(
                given=(GivenRow(when="a", probability=[0.6, 0.9]), GivenRow(otherwise=0.2))
            ),
            "c": Assumption(holds_when=("a", "not b")),
        },
        [
            Route(id="r", class_="deceptive", requires="b", bits=[0, 2], harm=0.3),
            Route(id="s", class_="mesa-optimizer", requires="c", bits=1, harm=0.1),
            OFF.model_copy(update={"bits": resolve_bits(-1)}),
        ],
        hazards=(
            Hazard(id="h", criterion="alignment", requires="a", probability=0.3, harm=0.2),
            Hazard(id="k", criterion="competitiveness", probability=[0.1, 0.2]),
        ),
        evidence=[
            item("on-b", {"assumption": "b"}, bayes_factor={"true": 1.5}),
            item("on-c", {"assumption": "c"}, bayes_factor={"true": [0, 1]}, relevance=0.7),
            item(
                "ran",
                {"outcome": True},
                counts={"hits": 4, "trials": 12},
                rates={"deceptive": [0.2, 0.6], "s": 0.3, "default": [0.1, 0.3]},
            ),
            item("guess", {"class_": "deceptive"}, forecast=0.2, sd_bits=1.0),
            item("bet", {"assumption": "a"}, forecast=0.6, sd_bits=0.5),
        ],
    )


def resolve_bits(bits: float) -> Any:
    return Route(id="something-else", class_="other", bits=bits, harm=0).bits


def headlines(assessment: Assessment) -> dict[str, float]:
    averaged = assessment.averaged
    return dict(zip(EVENTS, averaged.mean(averaged.events).tolist(), strict=True))


@pytest.mark.parametrize("name", [*bundled_stories(), "everything"])
def test_whole_stories_at_the_same_draws(name: str) -> None:
    """At the same draws of the numbers, all that differs is the error that is told."""
    story = everything() if name == "everything" else load_story(name)
    resolved = resolve(story)
    exact = assess(resolved, draws=512, method="weighting")
    simulated = assess(resolved, draws=512, method="simulation")
    assert simulated.draws.method == "simulation"
    assert simulated.draws.ok
    np.testing.assert_array_equal(simulated.prior.values, exact.prior.values)
    np.testing.assert_array_equal(simulated.averaged.values, exact.averaged.values)
    errors = simulated.draws.diagnostics["simulation_error"]
    expected = headlines(exact)
    ess = simulated.draws.diagnostics["ess_joint"]
    for key, mean in headlines(simulated).items():
        unseen = Z**2 / ess if mean == 0 else 0.0  # what no state came upon has no error to tell
        assert abs(mean - expected[key]) <= Z * errors[key] + unseen + 1e-12, key
    n = simulated.draws.diagnostics["draws"] * simulated.draws.diagnostics["states"]
    assert 200 < ess <= n * (1 + 1e-9)
    graph = simulated.prepared.graph
    for v in range(len(graph.variables)):
        p, q = (float(a.averaged.mean(a.averaged.assumptions)[v]) for a in (exact, simulated))
        assert abs(p - q) <= Z * math.sqrt(p * (1 - p) / ess) + Z**2 / ess
    for item_id, bits in exact.item_bits.items():
        for key, told in bits.items():
            guessed = simulated.item_bits[item_id][key]
            assert (told is None) == (guessed is None)
            assert told is None or guessed == pytest.approx(told, abs=0.05)


def judged_by_checks() -> Story:
    """Known results that hazards may have set off, one check flagged and one passed."""
    flags = {"intended": 0.1, "default": 0.4}
    return everything().model_copy(
        update={
            "checks": (
                Check(id="audit", flags={**flags, "h": 0.8, "k": [0.3, 0.6]}, result="flagged"),
                Check(id="probe", flags={**flags, "k": 0.7}, result="flagged"),
                Check(id="trial", flags={**flags, "h": [0.2, 0.5]}, result="passed"),
                Check(id="gate", flags={**flags, "h": 0.5}),
            )
        }
    )


@settings(deadline=None, max_examples=1)
@given(st.just(judged_by_checks()))
def test_known_results_that_name_hazards(story: Story) -> None:
    """A fired hazard may be what set a check off: simulated as it is summed."""
    assert build_graph(resolve(story)).hazards_are_evidence
    compare(story)


@settings(deadline=None, max_examples=20, suppress_health_check=list(HealthCheck))
@given(with_results(small_stories()))
def test_random_stories_with_known_results(story: Story) -> None:
    compare(story)


@pytest.mark.parametrize(
    "story",
    [everything().model_copy(update={"hazards": ()}), judged_by_checks()],
    ids=["without-hazards", "hazards-explain"],
)
def test_states_are_drawn_by_what_they_weigh(story: Story) -> None:
    """At one draw of the numbers and at many, numbers are used as often as exact draws use them."""
    graph, values, likelihoods = laid_out(story)
    n = 4096
    exact = draw_uses(
        program(choose_compiler(graph), [EVERYTHING]),
        values, likelihoods, np.random.default_rng(1), n,
    )  # fmt: skip
    for at_draws in (values, np.repeat(values, n, axis=0)):
        simulated = Simulation(graph, 1, n)
        found = simulated.uses(at_draws, likelihoods, np.random.default_rng(2), n)
        log_evidence = Simulation(graph, 1, 1).log_evidence(
            np.repeat(values, n, axis=0), likelihoods
        )
        weights = np.full(n, 1.0) if len(at_draws) == 1 else np.exp(log_evidence)
        for told, expected in ((found.happened, exact.happened), (found.failed, exact.failed)):
            for i in range(graph.n_numbers):
                mean, error = mean_and_error(told[:, i].astype(float), weights)
                p = expected[:, i].mean()
                error = math.hypot(error, math.sqrt(p * (1 - p) / n))
                assert abs(mean - p) <= Z * error + Z**2 / n, i


def test_the_error_told_is_the_error_made() -> None:
    """Over many seeds the estimates scatter no more than is told, and not far less."""
    graph, values, likelihoods = laid_out(load_story("carlsmith-six-premises"))
    exact = evaluate(choose_compiler(graph), values, likelihoods)
    assert exact.routes[0].max() < 1
    resolved = resolve(load_story("carlsmith-six-premises"))
    made, told = [], []
    truth = headlines(assess(resolved))["success"]
    for seed in range(40):
        simulated = assess(resolved, method="simulation", draws=64, seed=seed)
        made.append(headlines(simulated)["success"] - truth)
        told.append(simulated.draws.diagnostics["simulation_error"]["success"])
    scatter = float(np.sqrt(np.mean(np.square(made)))) / float(np.mean(told))
    # The scatter of 40 normal errors is within a factor of 1.6; evenly spread states have less.
    assert 0.3 < scatter < 1.6


def test_a_seed_settles_every_number() -> None:
    resolved = resolve(everything())
    first, again, other = (
        summarize_assessment(assess(resolved, method="simulation", draws=64, seed=seed))
        for seed in (5, 5, 6)
    )
    assert first == again
    assert first["fates"] != other["fates"]


def test_blocks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, values, likelihoods = laid_out(everything())
    every = np.repeat(values, 50, axis=0)
    whole = Simulation(graph, 1).evaluate(every, likelihoods)
    monkeypatch.setattr(simulation, "_BLOCK_CELLS", 1)
    single = Simulation(graph, 1).evaluate(every, likelihoods)
    np.testing.assert_allclose(single.routes, whole.routes, rtol=1e-12)
    rows = np.array([7, 7, 31])
    some = Simulation(graph, 1).take(rows).evaluate(every[rows], likelihoods)
    np.testing.assert_allclose(some.routes, whole.routes[rows], rtol=1e-12)


def test_prior_and_posterior_have_the_same_states() -> None:
    """So that a story without evidence moves nothing, to the last digit."""
    story = load_story("rlhf-assistant").model_copy(update={"evidence": ()})
    summary = summarize_assessment(assess(resolve(story), method="simulation", draws=64))
    for name in CLASSES:
        assert summary["classes"][name] == pytest.approx(summary["prior_classes"][name], rel=1e-9)


@pytest.mark.parametrize("certain", [False, True])
def test_a_story_that_exact_sums_refuse(certain: bool) -> None:
    story = tangled(certain=certain)
    methods: tuple[Method, ...] = ("auto", "weighting")
    for method in methods:
        with pytest.raises(UnsupportedStoryError) as caught:
            estimate(story, method=method, max_memory=SMALL_MEMORY, draws=64)
        assert "--max-memory" in str(caught.value)
        assert "--method simulation" in str(caught.value)
        assert "0.00391 GiB" in str(caught.value)
    summary = summarize(
        estimate(story, method="simulation", max_memory=SMALL_MEMORY, draws=128, seed=2)
    )
    assert summary["method"] == "simulation"
    assert summary["diagnostics"]["ok"]
    assert sum(entry["mean"] for entry in summary["classes"].values()) == pytest.approx(1)
    assert (summary["classes"]["deceptive"]["q05"] < summary["classes"]["deceptive"]["q95"]) == (
        not certain
    )
    (message,) = summary["diagnostics"]["messages"]
    assert "states of the assumptions" in message
    assert "standard error" in message


def test_a_smaller_tangle_agrees_with_the_exact_sum() -> None:
    resolved = resolve(tangled(9, 5))
    exact = assess(resolved, draws=512, method="weighting")
    simulated = assess(resolved, draws=512, method="simulation")
    errors = simulated.draws.diagnostics["simulation_error"]
    expected = headlines(exact)
    for key, mean in headlines(simulated).items():
        assert abs(mean - expected[key]) <= Z * errors[key] + 1e-12, key


def test_nothing_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("compiled")

    monkeypatch.setattr(Compiler, "__init__", refuse)
    assert assess(resolve(everything()), method="simulation", draws=64).draws.values.shape[0] == 64


def far_out(bits: float) -> Story:
    """Evidence for an assumption that hardly any state has."""
    evidence = [item("seen", {"assumption": "a"}, bayes_factor={"true": bits})]
    return tell({"a": believe(1e-4), "b": believe([0.2, 0.4])}, evidence=evidence)


def test_too_few_effective_states_are_told() -> None:
    story = far_out(20)
    draws = assess(resolve(story), method="simulation", draws=256).draws
    assert not draws.ok
    assert draws.diagnostics["ess_joint"] < 400
    assert any("simulated states count for" in message for message in draws.messages)


def impossible(p: float) -> Story:
    rates: dict[str, Any] = {"true": 1.0, "false": 0.0}
    evidence = [
        item("seen", {"assumption": "a"}, counts={"hits": 5, "trials": 5}, rates=rates),
    ]
    return tell({"a": believe(p), "b": believe([0.2, 0.4])}, evidence=evidence)


def test_draws_without_a_state_that_fits_are_told() -> None:
    draws = assess(resolve(impossible(1e-3)), method="simulation", draws=1024).draws
    assert not draws.ok
    assert any("none of the 256 states can explain" in message for message in draws.messages)


def test_evidence_that_no_state_explains() -> None:
    with pytest.raises(InputError, match="none of the simulated states"):
        assess(resolve(impossible(0.0)), method="simulation", draws=64)


def test_a_forecast_of_what_is_never_simulated_is_told() -> None:
    story = tell(
        {"a": believe([1e-4, 1e-3]), "c": Assumption(holds_when="a")},
        evidence=[item("bet", {"assumption": "c"}, forecast=0.001, sd_bits=3.0)],
    )
    draws = assess(resolve(story), method="simulation", draws=256).draws
    assert not draws.ok
    assert any("a forecast cannot be compared with" in message for message in draws.messages)


def test_a_story_without_uncertain_numbers_has_no_intervals() -> None:
    summary = summarize(estimate(load_story("carlsmith-six-premises"), method="simulation"))
    d = summary["diagnostics"]
    assert (d["draws"], d["states"], d["simulation_noise"]) == (1, 4096 * 256, None)
    for entry in summary["fates"].values():
        assert entry["q05"] == entry["q95"] == entry["median"]


def test_intervals_of_integrated_numbers_carry_noise_as_well() -> None:
    """No number is sampled here: means come of one draw, and intervals of draws of the numbers."""
    rows = {"a": believe([0.2, 0.6]), "b": believe([0.3, 0.7])}
    story = tell(rows, evidence=[item("seen", {"assumption": "a"}, bayes_factor={"true": 1.0})])
    simulated = assess(resolve(story), method="simulation", draws=256)
    assert not simulated.prepared.sampled
    found, exact = simulated.draws.diagnostics, assess(resolve(story), draws=256).prepared
    summed = exact.answers.evaluate(simulated.exact.values, exact.likelihoods)
    assert found["states_simulated"] == found["states"] == 256 * 256
    assert len(simulated.averaged.values) == 1
    for name, noise in found["simulation_noise"].items():
        spread = simulated.exact.event(name) - summed.event(name)
        made = float(np.sqrt(np.mean(spread**2)))
        # Evenly spread states scatter less than independent ones, for which the error is told.
        assert made <= 1.2 * noise + 1e-12, name
    assert "at a single draw of 256 states" in simulated.draws.messages[-1]


def test_a_story_without_assumptions() -> None:
    story = tell({}, [OFF.model_copy(update={"bits": resolve_bits(1)})])
    exact, simulated = (assess(resolve(story), method=m, draws=64) for m in METHODS)
    np.testing.assert_allclose(simulated.averaged.routes, exact.averaged.routes, rtol=1e-12)


METHODS: tuple[Method, Method] = ("weighting", "simulation")


def test_the_result_says_that_it_is_simulated(tmp_path: Any) -> None:
    result = estimate(everything(), method="simulation", draws=64)
    save_result(result, tmp_path / "result.nc")
    loaded = load_result(tmp_path / "result.nc")
    assert "1,024 states" in loaded.attrs["simulated"]
    assert "left out" in loaded.attrs["log_likelihood"]
    assert "log_likelihood" not in loaded.children
    assert json.loads(loaded.attrs["meta"])["summary"]["method"] == "simulation"
    exact = estimate(everything(), method="weighting", draws=64)
    assert "log_likelihood" in exact.children
    assert "simulated" not in exact.attrs


def test_importance_needs_exact_sums() -> None:
    assessment = assess(resolve(everything()), method="simulation", draws=64)
    with pytest.raises(UnsupportedStoryError, match="simulation"):
        importance(assessment)


@pytest.mark.parametrize("amount", [0, -1, 2**19])
def test_too_little_memory_is_no_amount(amount: int) -> None:
    with pytest.raises(InputError, match="max_memory"):
        estimate(load_story("cat-classifier"), max_memory=amount)


@settings(deadline=None, max_examples=15, suppress_health_check=list(HealthCheck))
@given(small_stories(certain=False), st.integers(0, 2**63 - 1))
def test_uncertain_random_stories_stay_finite(story: Story, seed: int) -> None:
    try:
        assessment = assess(resolve(story), method="simulation", draws=64, seed=seed)
    except InputError as error:
        assert "none of the simulated states" in str(error)
        return
    json.dumps(summarize_assessment(assessment), allow_nan=False)
    for part in dataclasses.fields(Quantities):
        values = getattr(assessment.exact, part.name)
        if isinstance(values, np.ndarray) and part.name != "log_evidence":
            assert np.isfinite(values).all(), part.name
