"""The stories that ship with the project: whole, honest, and saying what they mean to say."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest

from storyodds import InputError, load_story, load_text
from storyodds.models.assessment.assessment import Assessment, assess
from storyodds.models.changes.derivatives import mean_slopes
from storyodds.models.engine import evaluation
from storyodds.priors import library
from storyodds.priors.distributions.forms import (
    BitsPool,
    Counts,
    Form,
    ProbabilityPool,
    Ref,
)
from storyodds.reports.documents.estimate import summarize
from storyodds.scenarios.grammar.outcomes import INTENDED, RESIDUAL
from storyodds.scenarios.lint.linter import lint
from storyodds.scenarios.loader import bundled_stories, story_text
from storyodds.scenarios.numbers.story_number import StoryNumber
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Goal, Route
from storyodds.scenarios.shared import catalog
from storyodds.scenarios.story import Story

STORIES = sorted(bundled_stories())
VIEWS = sorted(library.view_names())
CHAIN = (
    "carlsmith-six-premises"  # a product of premises: what it leaves out, it leaves out on purpose
)
TOLD = [name for name in STORIES if name != CHAIN]

pytestmark = pytest.mark.slow

every_story = pytest.mark.parametrize("name", STORIES)
every_told_story = pytest.mark.parametrize("name", TOLD)


@cache
def assessment_of(name: str) -> Assessment:
    return assess(resolve(load_story(name)), draws=1024)


@cache
def summary_of(name: str, view: str | None = None) -> dict[str, Any]:
    """By views, what was compiled for the story serves again."""
    as_written = assessment_of(name)
    if view is None:
        return summarize(as_written)
    resolved = resolve(load_story(name), view=library.view(view))
    return summarize(assess(resolved, draws=1024, like=as_written.prepared))


def mean(name: str, part: str, key: str, view: str | None = None) -> float:
    value: float = summary_of(name, view)[part][key]["mean"]
    return value


def numbers(name: str) -> list[StoryNumber]:
    """Every number that somebody wrote down, without the zeros that others are counted from."""
    return [
        number
        for number in resolve(load_story(name)).numbers
        if number.origin != "format"
        and not number.name.endswith((".bayes_factor.default", ".bayes_factor.false"))
    ]


def forms(record: object) -> Iterator[Form]:
    """Every form of a story, those within pools included."""
    if isinstance(record, Form):
        yield record
    if isinstance(record, ProbabilityPool | BitsPool):
        for judgment in record.pool:
            yield from forms(judgment.value)
    elif isinstance(record, dict):
        for value in record.values():
            yield from forms(value)
    elif isinstance(record, tuple):
        for value in record:
            yield from forms(value)
    elif hasattr(record, "model_fields_set") and not isinstance(record, Form):
        for value in vars(record).values():
            yield from forms(value)


PROPOSALS = {  # of the overview of 2020, by their number there
    1: "multi-agent-rl",
    2: "imitative-amplification-with-oversight",
    3: "imitative-amplification-with-adversarial-training",
    4: "approval-based-amplification",
    5: "microscope-ai",
    6: "stem-ai",
    7: "narrow-reward-modeling",
    8: "recursive-reward-modeling",
    9: "debate-with-transparency",
    10: "amplification-with-auxiliary-rl",
    11: "amplification-alongside-rl",
}


def test_which_stories_there_are() -> None:
    assert set(STORIES) == {
        *PROPOSALS.values(),
        "cat-classifier",
        "gpt-simulator",
        "truthful-question-answerer",
        "myopic-agent-with-precursor-checks",
        "rlhf-assistant",
        "monitored-reasoning-model",
        "coinrun-agent",
        "physics-simulator",
        "emergence-regimes",
        "staged-rlhf-assistant",
        "deliberative-anti-scheming",
        CHAIN,
    }


@every_story
def test_it_loads_and_raises_no_question(name: str) -> None:
    story = load_story(name)
    assert story.title
    assert story.sources
    assert lint(story) == []
    assert all(len(switch.reason) > 20 for switch in story.lint)
    switched_off = {CHAIN: 4, "coinrun-agent": 1, "emergence-regimes": 1}
    assert len(story.lint) == switched_off.get(name, 0), "rules that a story switches off"


@every_told_story
def test_it_has_every_part_of_a_training_story(name: str) -> None:
    story = load_story(name)
    assert len(story.summary.split()) > 40  # and says what the story teaches
    assert story.goal.hazards
    assert story.rationale.class_
    assert story.rationale.feasibility is not None
    assert story.rationale.constraints
    assert story.rationale.nudges
    assert story.checks
    for route in story.routes:
        if route.id not in (RESIDUAL, INTENDED):
            assert route.kind in catalog.kinds(), route.id
            # An optimizer of the base objective may be what a story wants.
            assert route.class_ in (catalog.kinds()[route.kind].class_, INTENDED), route.id


# The finder of slips of the pen takes the key `sources` for a misspelled `routes`.
def test_a_misspelled_route_is_noticed() -> None:
    text = story_text("coinrun-agent")
    assert "rules_out: [right-end-goal," in text
    with pytest.raises(InputError, match="did you mean 'right-end-goal'"):
        load_text(text.replace("rules_out: [right-end-goal,", "rules_out: [right-end-gaol,"))


@every_story
def test_every_number_has_a_basis_and_a_source(name: str) -> None:
    for number in numbers(name):
        assert number.basis in ("assumed", "elicited", "measured"), number.name
        assert number.source is not None, number.name


@every_story
def test_every_reference_leads_somewhere(name: str) -> None:
    for form in forms(load_story(name)):
        if isinstance(form, Ref):
            assert library.pack_entry(form.ref).source is not None


@every_story
def test_only_what_was_measured_is_called_measured(name: str) -> None:
    for number in numbers(name):
        if number.basis == "measured":
            assert isinstance(number.form, Counts | Ref), number.name


@every_story
def test_an_assumption_of_ours_does_not_pass_for_a_finding(name: str) -> None:
    for number in numbers(name):
        if number.basis == "assumed" and not isinstance(number.form, Ref):
            assert number.source is not None
            said = number.source.cite
            assert said.startswith(("storyodds assumption", "Encoding:")), number.name


def test_fictional_voices_were_not_elicited() -> None:
    entries = library.pack("scheming-2023-2025").entries
    assert {name for name, entry in entries.items() if entry.basis == "assumed"} == {
        "dialogue-skeptic",
        "dialogue-advocate",
    }
    assert not any("hubinger" in name for name in entries)  # who gives no number


@pytest.mark.parametrize("view", VIEWS)
def test_views_say_where_every_number_comes_from(view: str) -> None:
    moved: set[str] = set()
    for name in STORIES:
        resolved = resolve(load_story(name), view=library.view(view))
        for number in resolved.numbers:
            if number.origin.startswith(f"view {view}"):
                moved.add(number.name)
                assert number.source is not None, number.name
                assert number.basis == "assumed", number.name
    assert len(moved) > 10


@pytest.mark.parametrize("view", VIEWS)
def test_every_name_in_a_view_is_a_number_of_some_story_or_of_the_catalog(view: str) -> None:
    known = {number.name for name in STORIES for number in resolve(load_story(name)).numbers}
    everything = Story(
        story="everything",
        title="All that the catalog has",
        goal=Goal(specification="x", desirability="y"),
        assumptions=dict.fromkeys(catalog.assumptions()),
        routes=[
            *(Route(use=name) for name in catalog.routes()),
            Route(id=RESIDUAL, class_="other", bits=0, harm=0),
        ],
    )
    known |= {number.name for number in resolve(everything).numbers}
    for name in library.view(view).set:
        assert {name, f"{name}.probability", f"{name}.bits"} & known, name


def is_sound(name: str, view: str | None) -> None:
    summary = summary_of(name, view)
    assert summary["diagnostics"]["ok"], summary["diagnostics"]["messages"]
    assert summary["method"] in ("exact", "weighting", "nuts")
    assert summary["evidence"]["note"] is None


@every_story
def test_it_is_estimated_soundly(name: str) -> None:
    is_sound(name, None)


@every_story
@pytest.mark.parametrize("view", VIEWS)
def test_it_is_estimated_soundly_under_every_view(name: str, view: str) -> None:
    is_sound(name, view)


@every_story
def test_its_gradients_are_finite(name: str) -> None:
    assessed = assessment_of(name)
    for slopes in mean_slopes(assessed).per_bit:
        assert np.isfinite(slopes).all()
        assert np.abs(slopes).max() <= 1  # a probability per bit
    prepared, values = assessed.prepared, assessed.prior.values
    evaluated = evaluation.evaluate(
        prepared.likelihood, values, prepared.likelihoods, np.ones((1, 1))
    )
    assert np.isfinite(evaluated.log_roots).all()
    assert np.isfinite(evaluation.gradient(prepared.likelihood, evaluated)).all()


# What they all keep to


@every_told_story
def test_a_detector_in_the_loss_says_nothing_of_a_model_that_hides(name: str) -> None:
    story = load_story(name)
    hiding = {"deceptive", *(r.id for r in story.routes if r.class_ == "deceptive")}
    for check in story.checks:
        if check.role == "in-the-loss":
            named = {key: check.flags[key] for key in hiding & set(check.flags)}
            assert all(form == check.flags["default"] for form in named.values()), check.id


@every_story
def test_conduct_does_not_tell_a_schemer_from_the_intended_model(name: str) -> None:
    for item in load_story(name).evidence:
        if item.about.outcome and item.instrument is None:
            assert not {"intended", "deceptive"} & set(item.rates or item.bayes_factor or {})


@every_told_story
def test_a_near_miss_does_less_harm_than_a_schemer(name: str) -> None:
    resolved = resolve(load_story(name))
    number = {n.name: n for n in resolved.numbers}
    middle = np.array(0.5)
    harms = {
        route.id: float(number[f"{route.id}.harm"].distribution.quantile(middle))
        for route in resolved.routes
    }
    near = [harms[r.id] for r in resolved.routes if r.kind in ("approximate", "corrigibly-aligned")]
    hiding = [harms[r.id] for r in resolved.routes if r.class_ == "deceptive"]
    if near and hiding:
        assert max(near) < min(hiding) / 3


# What the stories teach


def test_carlsmith_is_the_product_of_his_premises() -> None:
    summary = summary_of("carlsmith-six-premises")
    product = 0.65 * 0.80 * 0.40 * 0.65 * 0.40 * 0.95
    assert summary["method"] == "exact"
    assert summary["fates"]["catastrophe"]["mean"] == pytest.approx(product, rel=1e-9)
    assert summary["catastrophe_given_deployed_failure"]["mean"] == pytest.approx(1)
    (path,) = [path for path in summary["paths"] if path["concern"]["mean"] > 0]
    assert len(path["literals"]) == 6
    elicited = [number for number in summary["provenance"] if number["basis"] == "elicited"]
    assert len(elicited) == 6


def test_every_premise_of_carlsmith_has_the_same_leverage() -> None:
    whole = mean("carlsmith-six-premises", "fates", "catastrophe")
    story = load_story("carlsmith-six-premises")
    premises = [n.name for n in resolve(story).numbers if n.basis == "elicited"]
    assert len(premises) == 6
    for premise in premises:
        halved = float(library_value(story, premise)) / 2
        changed = summarize(assess(resolve(story, settings={premise: halved})))
        assert changed["fates"]["catastrophe"]["mean"] == pytest.approx(whole / 2)


def library_value(story: Story, name: str) -> float:
    form = next(number.form for number in resolve(story).numbers if number.name == name)
    assert isinstance(form, Ref)
    value = library.pack_entry(form.ref).value
    assert isinstance(value, float)
    return value


@every_story
def test_the_residual_is_always_there(name: str) -> None:
    story = load_story(name)
    (residual,) = [route for route in story.routes if route.id == RESIDUAL]
    assert residual.requires is None
    assert residual.claim
    share = mean(name, "routes", RESIDUAL)
    if name == "carlsmith-six-premises":  # which has to switch it off, and says so
        assert share < 1e-15
        assert "Switched off" in residual.claim
    else:
        assert share > 0.005


@every_story
def test_outer_and_inner_alignment_are_not_forced_on_a_story(name: str) -> None:
    lens = summary_of(name)["lens"]
    assert lens["applies"] == load_story(name).goal.loss_seeking
    if not lens["applies"]:
        assert lens["outer_alignment"] is None
        assert lens["inner_alignment"] is None
        assert lens["reason"].startswith("Outer and inner alignment do not apply")


def test_a_loss_optimizer_is_a_failure_of_the_simulator() -> None:
    story = load_story("gpt-simulator")
    (route,) = [route for route in story.routes if route.id == "loss-optimizer"]
    assert (route.class_, route.kind) == ("mesa-optimizer", "internally-aligned")
    assert not story.goal.loss_seeking
    assert not story.evidence  # no published count bears on it


def test_failing_the_cat_classifier_is_safe() -> None:
    summary = summary_of("cat-classifier")
    assert summary["fates"]["success"]["mean"] < 0.25
    assert summary["catastrophe_given_deployed_failure"]["mean"] < 1e-5
    before, after = summary["prior_classes"], summary["classes"]
    assert after["intended"]["mean"] < before["intended"]["mean"]  # the story was falsified


def test_coinrun_misgeneralizes_without_deception() -> None:
    summary = summary_of("coinrun-agent")
    assert summary["classes"]["deceptive"]["mean"] == 0
    assert summary["fates"]["catastrophe"]["mean"] == 0
    assert summary["classes"]["intended"]["mean"] < 0.2


def test_a_little_diversity_does_what_argument_does_not() -> None:
    story = load_story("coinrun-agent")
    settings = {"coin-placement-varied": 1, "runs-past-the-coin.relevance": 0}
    varied = summarize(assess(resolve(story, settings=settings), draws=1024))
    assert varied["classes"]["intended"]["mean"] > 0.5


def test_the_assistant_has_more_than_one_road_to_scheming() -> None:
    summary = summary_of("rlhf-assistant")
    roads = {
        p["route"]
        for p in summary["paths"]
        if summary["routes"][p["route"]]["class"] == "deceptive"
    }
    assert len(roads) >= 3
    weakest = {path["weakest_link"] for path in summary["paths"]}
    assert len(weakest - {None}) >= 3


@pytest.mark.parametrize("name", ["rlhf-assistant", "gpt-simulator"])
def test_views_move_deception_their_way(name: str) -> None:
    sceptic, neutral, advocate = (
        mean(name, "classes", "deceptive", view) for view in ("sceptic", None, "advocate")
    )
    assert sceptic < neutral / 2
    assert advocate > 2 * neutral


def test_the_views_span_what_was_published() -> None:
    assert 0.001 <= mean("rlhf-assistant", "classes", "deceptive", "sceptic") <= 0.01
    assert mean("rlhf-assistant", "classes", "deceptive", "advocate") == pytest.approx(
        0.4, abs=0.05
    )


def test_stories_share_the_catalog_by_id() -> None:
    resolved = {name: resolve(load_story(name)) for name in STORIES}
    used = {name for story in resolved.values() for name in story.assumptions}
    idle = set(catalog.assumptions()) - used
    # What no story takes yet is there for what is known of its effects.
    assert all(catalog.assumptions()[name].signs for name in idle), idle
    assert len(idle) <= 3
    for name, entry in catalog.assumptions().items():
        for story in resolved.values():
            if name in story.assumptions:
                assert story.assumptions[name].scope == entry.scope, (name, story.story.story)
    routes = {route.use for story in resolved.values() for route in story.routes}
    assert set(catalog.routes()) <= routes


def test_an_assumption_of_one_story_means_the_same_in_another() -> None:
    claims: dict[str, set[str]] = {}
    for name in STORIES:
        for key, assumption in resolve(load_story(name)).assumptions.items():
            claims.setdefault(key, set()).add(assumption.claim)
    assert {key for key, said in claims.items() if len(said) > 1} == set()
