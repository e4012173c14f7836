"""The views sceptic and advocate: reasons for every number, and stories between the two."""

import pytest

from storyodds import load_story
from storyodds.models.assessment.assessment import assess
from storyodds.priors import library
from storyodds.priors.distributions.forms import parse_prior
from storyodds.reports.documents.estimate import summarize
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.shared import catalog


@pytest.mark.parametrize("view", ["sceptic", "advocate"])
def test_every_number_of_a_view_says_why(view: str) -> None:
    for name, value in library.view(view).set.items():
        assert value["basis"] == "assumed", name
        assert value["source"].startswith("storyodds reading"), name


def test_what_the_two_share_they_see_differently() -> None:
    sceptic, advocate = (library.view(name).set for name in ("sceptic", "advocate"))
    shared = sceptic.keys() & advocate.keys()
    assert {"path-dependence", "goal-guarding", "beyond-episode-goals.given.0"} <= shared
    world = {name for name, entry in catalog.assumptions().items() if entry.scope == "world"}
    assert sceptic.keys() & world == advocate.keys() & world
    for name in shared:
        kind = "bits" if not _is_probability(sceptic[name]) else "probability"
        parse_prior(advocate[name], kind)
        assert sceptic[name]["interval"] != advocate[name]["interval"], name


def _is_probability(value: dict[str, list[float]]) -> bool:
    low, high = value["interval"]
    return 0 < low < high < 1


@pytest.mark.parametrize(
    "story",
    [
        "debate-with-transparency",
        "microscope-ai",
        "monitored-reasoning-model",
        "recursive-reward-modeling",
        "rlhf-assistant",
    ],
)
def test_the_two_lie_on_either_side_of_a_story(story: str) -> None:
    summaries = [
        summarize(assess(resolve(load_story(story), view=view), draws=256))
        for view in (library.view("sceptic"), None, library.view("advocate"))
    ]
    low, neutral, high = (found["classes"]["deceptive"]["mean"] for found in summaries)
    assert low < neutral / 2 and 2 * neutral < high
    low, neutral, high = (found["fates"]["catastrophe"]["mean"] for found in summaries)
    assert low < neutral < high
