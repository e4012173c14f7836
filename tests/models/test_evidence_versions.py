"""Answers given versions of the evidence, against asking the engine for each of them."""

import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from support.building import OFF, SCHEMER, believe, item, tell
from support.strategies import small_stories, with_results

from storyodds.models.changes import evidence_versions
from storyodds.models.changes.evidence_versions import answer_versions, findings_of
from storyodds.models.posterior.evidence import assemble
from storyodds.models.posterior.forecasts import forecasts_log_density
from storyodds.models.posterior.prepared import PreparedStory, prepare
from storyodds.models.posterior.weighting import prior_draws
from storyodds.models.story.events import EVENTS
from storyodds.priors.text.errors import InputError
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Route
from storyodds.scenarios.story import Story

OF = range(len(EVENTS))


def one_by_one(
    prepared: PreparedStory, values: np.ndarray, powers: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The same from the engine, version by version; forecasts are left to the caller."""
    log_evidence, events = [], []
    for version in powers:
        n = len(prepared.tables)
        tables = [
            None if table is None or power == 0 else power * table
            for power, table in zip(version[:n], prepared.tables, strict=True)
        ]
        said = replace(assemble(prepared.graph, tables), results=bool(version[n:].all()))
        evaluated = prepared.answers.evaluate(values, said)
        log_evidence.append(evaluated.log_evidence)
        events.append(evaluated.events)
    return np.stack(log_evidence, axis=1), np.stack(events, axis=1)


def same(prepared: PreparedStory, powers: np.ndarray) -> None:
    values = prior_draws(prepared, 16, seed=3)
    versions = answer_versions(prepared, values, powers, OF)
    log_evidence, events = one_by_one(prepared, values, powers)
    np.testing.assert_allclose(versions.log_evidence, log_evidence, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(versions.events, events, rtol=1e-8, atol=1e-12)


@settings(
    deadline=None,
    max_examples=20,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(story=with_results(small_stories(max_assumptions=4, max_routes=4, certain=False)))
def test_equal_the_engine_on_random_stories(story: Story) -> None:
    n = len(story.evidence)
    assume(0 < n <= 3)
    try:
        prepared = prepare(resolve(story))
    except InputError:
        assume(False)
        raise
    assume(all(each.form != "forecast" for each in prepared.graph.evidence))
    results = (0.0, 1.0) if len(findings_of(prepared.graph)) > n else ()
    sides = [(0.0, 0.5, 1.0)] * n + [results] * bool(results)
    same(prepared, np.array(list(product(*sides))))


def telling(*said: tuple[str, int], extra: Sequence[Any] = ()) -> Story:
    """Findings about assumptions, by how many of 5000 trials hit, and one of the outcome."""
    rates = {"true": {"beta": [40, 10]}, "false": {"beta": [10, 40]}}
    items = [
        item(f"e{k}", {"assumption": a}, counts={"hits": hits, "trials": 5000}, rates=rates)
        for k, (a, hits) in enumerate(said)
    ]
    items.append(item("tests", {"outcome": True}, bayes_factor={"deceptive": -2, "default": 0}))
    both = Route(id="both", class_="mesa-optimizer", requires=("a", "b"), bits=1, harm=0.3)
    assumptions = {"a": believe({"beta": [2, 3]}), "b": believe({"interval": [0.1, 0.6]})}
    return tell(assumptions, (SCHEMER, both, OFF), evidence=[*items, *extra])


def test_versions_that_outnumber_states_mix_their_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Thousands of trials, so that one state is e to the hundreds more likely than another."""
    asked, ask = [], evidence_versions._outcomes_given

    def counted(
        prepared: PreparedStory, values: np.ndarray, rows: np.ndarray, **options: Any
    ) -> Any:
        asked.append(len(rows))
        return ask(prepared, values, rows, **options)

    monkeypatch.setattr(evidence_versions, "_outcomes_given", counted)
    prepared = prepare(resolve(telling(("a", 900), ("a", 4000), ("b", 4500))))
    subsets = np.array(list(product((0.0, 1.0), repeat=4)))
    same(prepared, subsets)
    same(prepared, subsets[[0, 1, -1]])
    assert asked == [4, 2]  # states of a and b; and parts, as what is said of the outcome is free


def test_a_forecast_weighs_the_draws_as_they_stand() -> None:
    judge = item("judge", {"class_": "deceptive"}, forecast=0.4, sd_bits=1.5)
    prepared = prepare(resolve(telling(("a", 4000), extra=(judge,))))
    values = prior_draws(prepared, 16, seed=3)
    powers = np.array([[1.0, 1, 0], [1, 1, 0.5], [1, 1, 1]])
    versions = answer_versions(prepared, values, powers, OF)
    said = forecasts_log_density(prepared, values)
    for k, power in enumerate((0, 0.5, 1)):
        np.testing.assert_allclose(
            versions.log_evidence[:, k], versions.log_evidence[:, 0] + power * said, rtol=1e-12
        )
        np.testing.assert_array_equal(versions.events[:, k], versions.events[:, 0])


def test_many_states_and_many_versions_take_no_memory_to_speak_of() -> None:
    """Nine assumptions and ten findings: mixing them all at once took 1.7 GB."""
    names = [f"a{k}" for k in range(9)]
    told = {"true": {"fixed": 0.6}, "false": {"fixed": 0.4}}
    items = [
        item(f"e{k}", {"assumption": names[k % 9]}, counts={"hits": 3, "trials": 5}, rates=told)
        for k in range(10)
    ]
    route = Route(id="r", class_="deceptive", requires=tuple(names[:3]), bits=1, harm=0.3)
    story = tell({name: believe([0.2, 0.8]) for name in names}, [route, OFF], evidence=items)
    prepared = prepare(resolve(story))
    values = prior_draws(prepared, 64, seed=3)
    for n_states in (4, 7, 9):  # few, many in blocks of draws, and more than are worth mixing
        on = np.array([k < n_states or k == 9 for k in range(10)], dtype=float)
        orders = np.array(list(product((0.0, 1.0), repeat=10))) * on
        powers = np.unique(orders, axis=0)
        tracemalloc.start()
        versions = answer_versions(prepared, values, powers, OF)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 100e6
        some = [0, len(powers) // 3, len(powers) - 1]
        log_evidence, events = one_by_one(prepared, values, powers[some])
        np.testing.assert_allclose(versions.log_evidence[:, some], log_evidence, atol=1e-12)
        np.testing.assert_allclose(versions.events[:, some], events, atol=1e-12)
