"""Bands against quantiles, and those of the local part against differences draw by draw."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit
from support.building import OFF, believe, item, tell

from storyodds.models.assessment.assessment import Assessment, assess
from storyodds.models.bands import band
from storyodds.models.changes.derivatives import slopes_at_draws
from storyodds.models.changes.what_if import moved
from storyodds.models.numerics import systematic
from storyodds.models.posterior import questions
from storyodds.models.sensitivity.local import DRAWS, local_sensitivity
from storyodds.models.story.events import EVENTS
from storyodds.priors.distributions.families import LN2
from storyodds.reports.documents.sensitivity.local import summarize_local
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Check, Route

STEP = 1e-4  # bits


@pytest.fixture(scope="module")
def assessed() -> Assessment:
    routes = [
        Route(id="r", class_="deceptive", requires=["a", "b"], bits=[-1, 2], harm=[0.1, 0.3]),
        Route(id="q", class_="mesa-optimizer", requires="a", bits=[-2, 1], harm=[0.01, 0.2]),
        OFF,
    ]
    seen = item(
        "seen",
        {"assumption": "a"},
        counts={"hits": 2, "trials": 9},
        rates={"true": 0.4, "false": 0.1},
        relevance=1,
    )
    finding = item("told", {"class": "mesa-optimizer"}, forecast=0.2, sd_bits=1.5)
    story = tell(
        {"a": believe([0.2, 0.8]), "b": believe([0.1, 0.5])},
        routes,
        checks=[Check(id="v", flags={"deceptive": [0.1, 0.4], "default": 0.05})],
        evidence=[seen, finding],
    )
    return assess(resolve(story), draws=512)


@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(0.01, 1)), min_size=1, max_size=40))
def test_a_band_is_two_quantiles(pairs: list[tuple[float, float]]) -> None:
    draws, weights = np.array(pairs).T
    low, high = band(draws[:, None], weights / weights.sum())[:, 0]
    for q, found in ((0.05, low), (0.95, high)):
        below = weights[draws < found].sum() / weights.sum()
        upto = weights[draws <= found].sum() / weights.sum()
        assert below < q + 1e-9 and upto >= q - 1e-9


def test_derivatives_at_draws_against_differences(assessed: Assessment) -> None:
    slopes = slopes_at_draws(assessed, EVENTS, DRAWS)
    prepared, exact = assessed.prepared, assessed.exact
    values = exact.values[np.sort(systematic(exact.weights, DRAWS))]
    for i in prepared.core:
        is_bits = prepared.resolved.numbers[i].kind == "bits"
        ends = []
        for shift in (STEP, -STEP):
            there = values.copy()
            x = values[:, i]
            there[:, i] = x + shift if is_bits else expit(logit(x) + LN2 * shift)
            ends.append(questions.ask(prepared, there).events)
        difference = (ends[0] - ends[1]) / (2 * STEP)
        np.testing.assert_allclose(slopes[:, :, i], difference, atol=1e-8)


def test_swings_at_draws_against_the_engine(assessed: Assessment) -> None:
    prepared, exact = assessed.prepared, assessed.exact
    values = exact.values[np.sort(systematic(exact.weights, DRAWS))]
    before = questions.ask(prepared, values).log_evidence
    swings = local_sensitivity(assessed).swings
    served = 0
    for swing in swings:
        events, weights = [], []
        for value in (swing.low, swing.high):
            changed = questions.ask(prepared, moved(values, {swing.number: value}))
            raw = np.exp(changed.log_evidence - before)
            events.append(changed.events)
            weights.append(raw / raw.sum())
        if min(1 / np.sum(w**2) for w in weights) < 0.5 * len(values):
            continue  # draws from the prior may have served
        served += 1
        wanted = [band(events[0], weights[0]), band(events[1], weights[1])]
        wanted.append(band(events[1] - events[0], (weights[0] + weights[1]) / 2))
        np.testing.assert_allclose(swing.bands, wanted, atol=1e-9)
        assert (swing.bands[:, 0] <= swing.bands[:, 1]).all()
    assert served > len(swings) / 2


def test_bands_are_told(assessed: Assessment) -> None:
    sensitivity = local_sensitivity(assessed)
    entries = {n["name"]: n for n in summarize_local(assessed)["numbers"]}
    assert sensitivity.draw_slopes is not None
    for swing in sensitivity.swings:
        name = assessed.prepared.resolved.numbers[swing.number].name
        entry = entries[name]
        for event, bands in entry["swing_band"].items():
            e = EVENTS.index(event)
            ends = swing.bands[2, :, e]
            assert [bands["q05"], bands["q95"]] == pytest.approx(ends.tolist(), abs=1e-11)
            assert bands["mean"] == pytest.approx(entry["swing"][event], abs=1e-11)
            low = entry["low"]["band"][event]
            assert low["mean"] == pytest.approx(entry["low"]["mean"][event], abs=1e-11)
        at_draws = sensitivity.draw_slopes[:, EVENTS.index("success"), swing.number]
        told = entry["per_bit_band"]["success"]
        assert told["mean"] == pytest.approx(at_draws.mean(), abs=1e-11)
        assert at_draws.min() - 1e-11 <= told["q05"] <= told["q95"] <= at_draws.max() + 1e-11
