"""Answers with numbers changed, against assessments of the changed story."""

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from support.building import OFF, believe, item, tell
from support.strategies import small_stories

from storyodds.models.assessment.assessment import Assessment, assess
from storyodds.models.changes import what_if
from storyodds.models.changes.what_if import (
    ask,
    ask_many,
    base_of,
    moved,
    numbers_of_training,
    refit,
)
from storyodds.models.posterior import questions
from storyodds.models.posterior.answers import Exact
from storyodds.models.posterior.evidence import event_likelihoods
from storyodds.models.posterior.forecasts import forecast_sides
from storyodds.models.story.events import EVENTS
from storyodds.models.story.likelihoods import LogLikelihoods
from storyodds.priors.text.errors import InputError
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Check, Hazard, Route
from storyodds.scenarios.story import Story

SUCCESS, CATASTROPHE = EVENTS.index("success"), EVENTS.index("catastrophe")


def means(assessment: Assessment) -> np.ndarray:
    """Posterior means of all events."""
    return assessment.averaged.mean(assessment.averaged.events)


def uncertain(**parts: Any) -> Story:
    """A story with every kind of evidence, in which everything is uncertain."""
    return tell(
        {"a": believe([0.2, 0.6]), "b": believe([0.1, 0.5])},
        [
            Route(id="r", class_="deceptive", requires="a", bits=[-1, 2], harm=[0.1, 0.3]),
            Route(id="q", class_="mesa-optimizer", requires="b", bits=[-2, 1], harm=0.05),
            Route(id="something-else", class_="other", bits=-2, harm=0.01),
        ],
        checks=[Check(id="v", flags={"deceptive": [0.1, 0.4], "default": 0.05})],
        hazards=[Hazard(id="h", criterion="alignment", probability=[0.1, 0.4], harm=0.3)],
        evidence=[
            item(
                "seen",
                {"assumption": "a"},
                counts={"hits": 2, "trials": 9},
                rates={"true": [0.2, 0.6], "false": [0.05, 0.3]},
                relevance=[0.5, 0.9],
            ),
            item("judged", {"outcome": True}, bayes_factor={"deceptive": [-2, 1], "default": 0}),
            item("told", {"class": "mesa-optimizer"}, forecast=0.2, sd_bits=1.5),
        ],
        **parts,
    )


@settings(max_examples=10)
@given(story=small_stories(max_assumptions=4, max_routes=4), data=st.data())
def test_fixed_stories_with_another_number(story: Story, data: st.DataObject) -> None:
    resolved = resolve(story)
    try:
        base = base_of(assess(resolved))
    except InputError:
        assume(False)
        raise
    np.testing.assert_allclose(base.means, means(assess(resolved)), atol=1e-12)
    written = [
        n for n in resolved.numbers if n.key_path and not n.name.endswith((".default", ".false"))
    ]
    asked = data.draw(st.lists(st.sampled_from(written), min_size=1, max_size=3, unique=True))
    for number in asked:
        value = 0.25 if number.kind == "probability" else 1.5
        change = {resolved.number_index[number.name]: value}
        try:
            expected = means(assess(resolve(story, settings={number.name: value})))
        except InputError:
            with pytest.raises(InputError):
                ask(base, change)
            continue
        np.testing.assert_allclose(ask(base, change).means, expected, atol=1e-9)


def test_what_training_does_not_depend_on_leaves_it_as_it_is() -> None:
    base = base_of(assess(resolve(uncertain()), draws=256), 128)
    prepared = base.prepared
    idle = set(range(len(prepared.distributions))) - numbers_of_training(prepared)
    names = {prepared.resolved.numbers[i].name for i in idle}
    assert {"r.harm", "v.flags.deceptive"} <= names
    assert not names & {"a.probability", "r.bits", "h.probability", "h.harm", "seen.rates.true"}
    for i in idle:
        values = base.values.copy()
        values[:, i] = 0.5
        answer = questions.ask(prepared, values)
        events = answer.events
        np.testing.assert_allclose(answer.log_evidence, base.log_evidence, atol=1e-12)
        np.testing.assert_allclose(ask(base, {i: 0.5}).means, events.mean(axis=0), atol=1e-12)


def test_many_at_once_are_as_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    base = base_of(assess(resolve(uncertain()), draws=256), 128)
    changes = [
        {i: float(d.quantile(np.array(0.4)))} for i, d in enumerate(base.prepared.distributions)
    ]
    changes.append({0: 0.3, 5: 0.5})
    alone = [ask(base, change) for change in changes]
    together = ask_many(base, changes)
    monkeypatch.setattr(what_if, "_CELLS", 3 * base.values.size)
    in_rounds = ask_many(base, changes)
    for one, other, third in zip(alone, together, in_rounds, strict=True):
        np.testing.assert_allclose(other.means, one.means, atol=1e-12)
        np.testing.assert_allclose(other.errors, one.errors, atol=1e-12)
        np.testing.assert_allclose(third.means, one.means, atol=1e-12)
        assert other.refitted == one.refitted


@pytest.mark.parametrize(
    ("name", "value"),
    [("a.probability", 0.6), ("r.bits", 2.0), ("seen.rates.true", 0.6), ("seen.relevance", 0.5)],
)
def test_weighted_draws_against_another_assessment(name: str, value: float) -> None:
    story = uncertain()
    resolved = resolve(story)
    base = base_of(assess(resolved))
    found = ask(base, {resolved.number_index[name]: value})
    before, after = means(assess(resolved)), means(assess(resolve(story, settings={name: value})))
    assert not found.refitted
    assert abs(after - before).max() > 0.003
    gap = found.means - base.means - (after - before)
    assert (abs(gap) < 5 * found.errors + 1e-3).all()


def test_where_nothing_has_to_be_sampled_changes_are_exact() -> None:
    # What is seen asks for all of a to f; once f is out of the question, it asks for none.
    finding = item("seen", {"outcome": True}, bayes_factor={"deceptive": 30, "default": 0})
    route = Route(id="r", class_="deceptive", requires=[*"abcdef"], bits=0, harm=[0.1, 0.5])
    rival = Route(id="q", class_="mesa-optimizer", requires=[*"abcde"], bits=0, harm=0.2)
    story = tell(
        {name: believe([0.01, 0.5]) for name in "abcdef"}, [route, rival, OFF], evidence=[finding]
    )
    resolved = resolve(story)
    base = base_of(assess(resolved))
    assert len(base.values) == 1
    changed = ask(base, {resolved.number_index["f.probability"]: 0.0})
    expected = means(assess(resolve(story, settings={"f": 0})))
    assert not changed.refitted and not changed.errors.any()
    np.testing.assert_allclose(changed.means, expected, atol=1e-12)
    assert changed.means[CATASTROPHE] < base.means[CATASTROPHE] / 2


def test_where_the_draws_do_not_serve_the_story_is_assessed_afresh() -> None:
    # What is seen asks for many bits of r; without f, they are what they were before.
    finding = item("seen", {"outcome": True}, bayes_factor={"deceptive": 20, "default": 0})
    route = Route(id="r", class_="deceptive", requires="f", bits={"normal": [-12, 4]}, harm=0.5)
    rival = Route(id="q", class_="mesa-optimizer", bits={"normal": [-2, 1]}, harm=0.2)
    story = tell({"f": believe([0.4, 0.9])}, [route, rival, OFF], evidence=[finding])
    resolved = resolve(story)
    base = base_of(assess(resolved), 256)
    changed = ask(base, {resolved.number_index["f.probability"]: 0.0})
    expected = means(assess(resolve(story, settings={"f": 0})))
    assert changed.refitted and changed.pareto_k is None
    assert (abs(changed.means - expected) < 5 * changed.errors + 1e-9).all()
    assert changed.means[CATASTROPHE] < base.means[CATASTROPHE] / 2
    again = refit(base, resolved)
    assert (abs(again.means - base.means) < 5 * again.errors + 1e-9).all()


def test_draws_of_a_base_are_from_all_over_the_posterior() -> None:
    # Every fourth point of a Sobol sequence is on one side of the middle of the first number.
    routes = [Route(id=name, class_="other", bits=[-2, 3], harm=0.5) for name in ("r", "q")]
    assessed = assess(resolve(tell({}, [*routes, OFF])))
    base, averaged = base_of(assessed), assessed.averaged
    sampled = list(assessed.prepared.sampled)
    assert len(sampled) == 2
    for level in (0.05, 0.5, 0.95):
        of_base = np.quantile(base.values[:, sampled], level, axis=0)
        of_all = np.quantile(averaged.values[:, sampled], level, axis=0)
        np.testing.assert_allclose(of_base, of_all, atol=0.2)  # of a spread of 5 bits
    story = assess(resolve(uncertain()))
    few, all_of_them = base_of(story, 256).means, means(story)
    assert few[SUCCESS] == pytest.approx(all_of_them[SUCCESS], rel=0.01)
    assert few[CATASTROPHE] == pytest.approx(all_of_them[CATASTROPHE], rel=0.015)


@pytest.mark.parametrize("sd", [1, 4])
def test_errors_of_changes_are_those_between_thirty_seeds(sd: float) -> None:
    """At draws that are weighted, and where the story is assessed afresh."""
    finding = item("seen", {"outcome": True}, bayes_factor={"deceptive": 3, "default": 0})
    route = Route(id="r", class_="deceptive", requires="f", bits={"normal": [-1, sd]}, harm=0.5)
    rival = Route(id="q", class_="mesa-optimizer", bits={"normal": [-2, 1]}, harm=0.2)
    resolved = resolve(tell({"f": believe([0.4, 0.9])}, [route, rival, OFF], evidence=[finding]))
    at = resolved.number_index["r.bits"]
    found = []
    for seed in range(30):
        base = base_of(assess(resolved, method="weighting", draws=1024, seed=seed), 256)
        changed = ask(base, {at: 3.0 * sd})
        found.append((changed.means - base.means, changed.errors))
    values, errors = np.array(found).transpose(1, 0, 2)
    stated, scatter = np.mean(errors**2, axis=0), np.var(values, axis=0, ddof=1)
    # Of 30 seeds the scatter is itself uncertain; the stated errors, of 32 sequences, are too.
    low, high = stats.f.ppf([1e-6, 1 - 1e-6], 29, 31)
    assert (scatter < high * stated + 1e-24).all()
    # Draws of a base are chosen so that its means are near those of all: of other events the
    # errors may be too wide, as sequences differ by more than the means that they add up to.
    told_of = [SUCCESS, CATASTROPHE]
    assert (scatter[told_of] > low * stated[told_of]).all()


def test_evidence_made_impossible_is_refused() -> None:
    finding = item("seen", {"assumption": "a"}, counts={"hits": 1, "trials": 1},
                rates={"true": 0.5, "false": 0})  # fmt: skip
    story = tell({"a": believe([0.2, 0.6])}, evidence=[finding])
    resolved = resolve(story)
    base = base_of(assess(resolved), 64)
    with pytest.raises(InputError, match="P\\(evidence\\) is exactly 0"):
        ask(base, {resolved.number_index["a.probability"]: 0.0})


def test_both_sides_of_a_forecast_and_what_cannot_be_is_asked_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assessed = assess(resolve(uncertain()), draws=64)
    prepared, index = assessed.prepared, assessed.prepared.resolved.number_index
    changes = [{}, {index["b.probability"]: 0.0}, {index["b.probability"]: 1.0}]
    changes.append({index["b.probability"]: 1.0, index["q.bits"]: 60.0})
    values = np.concatenate([moved(assessed.draws.values, change) for change in changes])
    [item] = [i for i, item in enumerate(prepared.graph.evidence) if item.form == "forecast"]
    said = [event_likelihoods(prepared.graph, item, happens) for happens in (True, False)]
    expected = [prepared.answers.log_evidence(values, side) for side in said]
    asked = []
    ask = Exact.log_evidence

    def counted(self: Exact, values: np.ndarray, likelihoods: LogLikelihoods) -> np.ndarray:
        asked.append(len(values))
        return ask(self, values, likelihoods)

    monkeypatch.setattr(Exact, "log_evidence", counted)
    found = forecast_sides(prepared, values)[item]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)
    n = len(assessed.draws.values)
    assert np.isneginf(found[0][n : 2 * n]).all()
    assert asked[:2] == [3, 3 * n]  # one of each kind, then those that are not ruled out
    likely = expected[0] > np.log(0.5)
    assert likely[3 * n :].all()
    assert sum(asked[2:]) in (likely.sum(), likely.sum() + 2)
