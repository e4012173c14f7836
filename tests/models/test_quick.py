"""Quick answers against full assessments, and against stories that are written otherwise."""

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from support.building import believe, item, tell
from support.oracle import ImpossibleEvidence, solve
from support.strategies import small_stories

from storyodds import InputError, load_story
from storyodds.models.assessment.assessment import Assessment, assess
from storyodds.models.changes import interactive
from storyodds.models.engine.paths import concerns_of
from storyodds.models.posterior.prepared import prepare
from storyodds.models.sensitivity.leaving_out import without
from storyodds.models.story.events import EVENTS
from storyodds.scenarios.resolve import ResolvedStory, resolve
from storyodds.scenarios.story import Story
from storyodds.scenarios.switches import switches_of

DRAWS, SEED = 256, 7
NUMBER = "situational-awareness.probability"


def quickly(
    changed: ResolvedStory, written: ResolvedStory, draws: int = DRAWS
) -> interactive.Answer:
    return interactive.answer(prepare(changed), interactive.common_uniforms(written, draws, SEED))


def in_full(resolved: ResolvedStory, draws: int = DRAWS) -> Assessment:
    return assess(resolved, method="weighting", draws=draws, seed=SEED)


def means(found: Assessment) -> Any:
    return found.averaged.mean(found.averaged.events)


@pytest.mark.parametrize("name", ["carlsmith-six-premises", "coinrun-agent", "rlhf-assistant"])
def test_a_story_as_written_is_as_assessed(name: str) -> None:
    written = resolve(load_story(name))
    found, full = quickly(written, written), in_full(written)
    np.testing.assert_allclose(found.means, means(full), rtol=1e-9)
    for key in ("pareto_k", "weight_bound", "means"):
        assert found.draws.diagnostics[key] == pytest.approx(full.draws.diagnostics[key])
    concern = concerns_of(full.averaged, full.paths, full.queries)
    assert found.paths == full.paths
    averaged = concerns_of(found.averaged, found.paths, found.queries)
    np.testing.assert_allclose(averaged, concern, rtol=1e-9)


@pytest.mark.parametrize("prior", [[0.1, 0.3], {"beta": [2, 8]}])
def test_another_prior_is_as_assessed_with_it(prior: Any) -> None:
    story = load_story("rlhf-assistant")
    written, changed = resolve(story), resolve(story, settings={NUMBER: prior})
    found = quickly(changed, written)
    np.testing.assert_allclose(found.means, means(in_full(changed)), rtol=1e-9)
    assert abs(found.means - quickly(written, written).means).max() > 1e-3


@pytest.mark.parametrize("prior", [0.25, 1.0])
def test_a_number_that_becomes_certain_is_as_assessed_up_to_noise(prior: float) -> None:
    story = load_story("rlhf-assistant")
    written, changed = resolve(story), resolve(story, settings={NUMBER: prior})
    found, full = quickly(changed, written, 1024), in_full(changed, 4096)
    weights = found.averaged.weights
    noise = np.sqrt(weights**2 @ (found.averaged.events - found.means) ** 2)
    assert (abs(found.means - means(full)) < 6 * noise + 1e-12).all()


def test_a_number_that_becomes_uncertain_is_drawn_evenly_and_by_itself() -> None:
    written = resolve(load_story("rlhf-assistant"))
    uniforms = interactive.common_uniforms(written, 256, SEED)
    assert "intended.harm" not in uniforms.columns
    u = uniforms.of(["intended.harm", "intended.bits"])
    # of 32 sequences, each has one draw in every eighth, of each number, and in another order
    for column in u.T:
        eighths = np.floor(8 * column).reshape(32, 8)
        assert (np.sort(eighths) == np.arange(8)).all()
    assert not np.array_equal(np.argsort(u[:, 0]), np.argsort(u[:, 1]))
    changed = resolve(load_story("rlhf-assistant"), settings={"intended.harm": [0.1, 0.3]})
    catastrophe = EVENTS.index("catastrophe")
    assert (
        quickly(changed, written).means[catastrophe] > quickly(written, written).means[catastrophe]
    )


def test_what_bears_on_nothing_changes_nothing() -> None:
    story = load_story("rlhf-assistant")
    written = resolve(story)
    changed = resolve(story, settings={"rationale.feasibility": [0.1, 0.2]})
    before, after = quickly(written, written), quickly(changed, written)
    np.testing.assert_array_equal(before.means, after.means)
    assert not interactive.difference_errors(before, after).any()


@pytest.mark.parametrize("prior", [[0, 3], 1.5, {"normal": [-1, 1]}])
def test_errors_are_those_between_thirty_seeds(prior: Any) -> None:
    """Of means and of differences, neither too narrow nor too wide."""
    story = load_story("coinrun-agent")
    written, changed = resolve(story), resolve(story, settings={"something-else.bits": prior})
    prepared = [prepare(resolved) for resolved in (written, changed)]
    found = []
    for seed in range(30):
        uniforms = interactive.common_uniforms(written, 256, seed)
        before, after = (interactive.answer(x, uniforms) for x in prepared)
        found.append(
            (after.odds_means - before.odds_means, interactive.difference_errors(before, after))
        )
        found.append((after.odds_means, after.mean_errors))
    for values, errors in (np.array(found[k::2]).transpose(1, 0, 2) for k in (0, 1)):
        stated = np.sqrt(np.mean(errors**2, axis=0))
        # Of 30 seeds the scatter is itself uncertain; the stated errors, of 32 sequences, are too.
        low, high = stats.f.ppf([1e-6, 1 - 1e-6], 29, 31)
        scatter, rounding = np.var(values, axis=0, ddof=1), 1e-24
        assert (scatter < high * stated**2 + rounding).all()
        assert (scatter > low * stated**2 - rounding).all()


@pytest.mark.parametrize("name", ["coinrun-agent", "rlhf-assistant"])
def test_intervals_are_those_of_the_assessment(name: str) -> None:
    written = resolve(load_story(name))
    found, full = quickly(written, written, 1024), in_full(written, 4096)
    low, high = np.quantile(
        full.exact.events,
        [0.05, 0.95],
        weights=full.exact.weights,
        method="inverted_cdf",
        axis=0,
    )
    spread = found.spread.events
    # Of 256 draws about 26 lie outside, 5 give or take.
    for k in range(len(EVENTS)):
        outside = np.mean((spread[:, k] < low[k]) | (spread[:, k] > high[k]))
        assert 0.02 < outside < 0.2 or low[k] == high[k]


def written_without(story: Story, part: str, name: str) -> Story:
    """Write the story down without one part."""

    def kept(items: Any) -> Any:
        return tuple(item for item in items if item.id != name)

    if part in ("check", "evidence"):
        field = {"check": "checks", "evidence": "evidence"}[part]
        return story.model_copy(update={field: kept(getattr(story, field))})
    field = f"{part}s"
    changed = {field: kept(getattr(story.rationale, field))}
    rationale = story.rationale.model_copy(update=changed)
    return story.model_copy(update={"rationale": rationale})


@settings(
    deadline=None,
    max_examples=15,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(story=small_stories(), data=st.data())
def test_parts_are_left_out_as_if_never_written(story: Story, data: st.DataObject) -> None:
    resolved = resolve(story)
    assume(switches_of(resolved.story))
    chosen = data.draw(st.sets(st.sampled_from(switches_of(resolved.story)), min_size=1))
    rewritten = story
    for part, name in chosen:
        rewritten = written_without(rewritten, part, name)
    try:
        expected = solve(rewritten)
    except ImpossibleEvidence:
        assume(False)
        raise
    changed = without(resolved, chosen)
    assume(not prepare(changed).uncertain)
    found = quickly(changed, resolved)
    wanted = [{**expected.classes, **expected.fates}[event] for event in EVENTS]
    np.testing.assert_allclose(found.means, wanted, rtol=1e-8, atol=1e-12)


def test_every_unknown_part_is_told() -> None:
    written = resolve(load_story("cat-classifier"))
    with pytest.raises(InputError) as caught:
        without(written, [("check", "nope"), ("evidence", "perturbation-test")])
    assert len(caught.value.problems) == 2


def test_other_numbers_fit_into_what_was_compiled() -> None:
    story = load_story("rlhf-assistant")
    written, compiled = resolve(story), prepare(resolve(story))
    changed = resolve(
        story,
        settings={
            "reward-tampering-curriculum.rates.true": [0.1, 0.4],
            "compliance-gap-survey.relevance": 0.2,
            NUMBER: [0.1, 0.2],
        },
    )
    uniforms = interactive.common_uniforms(written, DRAWS, SEED)
    found = interactive.answer(interactive.renumbered(compiled, changed), uniforms)
    again = interactive.answer(prepare(changed), uniforms)
    np.testing.assert_array_equal(found.means, again.means)
    np.testing.assert_array_equal(found.spread.events, again.spread.events)


def test_evidence_that_weighting_cannot_cope_with_is_told() -> None:
    sure = item("judge", {"assumption": "a"}, forecast=0.999, sd_bits=0.01)
    written = resolve(tell({"a": believe([0.1, 0.4])}, evidence=[sure]))
    found = quickly(written, written)
    assert not found.draws.ok and found.draws.messages


def test_impossible_evidence_is_a_mistake() -> None:
    sure = item("judge", {"assumption": "a"}, forecast=0.5, sd_bits=1.0)
    story = tell({"a": believe([0.1, 0.4])}, evidence=[sure])
    with pytest.raises(InputError, match="impossible"):
        quickly(resolve(story, settings={"a": 0}), resolve(story))
