"""Every document is what its type says it is, with no key more and none less."""

import importlib
import pkgutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, is_typeddict

import pytest
from pydantic import TypeAdapter, ValidationError
from support.staged_stories import STAGED

from storyodds import load_story, read_judgments, sequences
from storyodds.models.assessment.assessment import Assessment, assess
from storyodds.reports import contract
from storyodds.reports.contract.comparison import Comparison
from storyodds.reports.contract.estimate import Estimate
from storyodds.reports.contract.importance import Importance
from storyodds.reports.contract.judgments import PanelSummary
from storyodds.reports.contract.placement import Placements
from storyodds.reports.contract.sensitivity.whole import Sensitivity
from storyodds.reports.contract.sequences import SequenceOdds
from storyodds.reports.contract.value import InformationValue
from storyodds.reports.documents.comparison.sides import story_side
from storyodds.reports.documents.comparison.whole import summarize_comparison
from storyodds.reports.documents.estimate import summarize
from storyodds.reports.documents.importance import summarize_importance
from storyodds.reports.documents.judgments import summarize_judgments
from storyodds.reports.documents.placement import summarize_placement
from storyodds.reports.documents.sensitivity.whole import PARTS, summarize_sensitivity
from storyodds.reports.documents.value import summarize_value
from storyodds.scenarios import provenance
from storyodds.scenarios.loader import bundled_stories
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.story import Story

FLOOD = Path(__file__).parents[2] / "data" / "open-psa" / "flood.xml"
DRAWS = 64  # the fewest that are taken: what is tested is there with any
# Certain; with checks and forecasts; with nothing that optimizes and no forecast.
SEVERAL = ("carlsmith-six-premises", "monitored-reasoning-model", "cat-classifier")


def records() -> Iterator[type]:
    """Every type that a document is made of."""
    modules = pkgutil.walk_packages(contract.__path__, f"{contract.__name__}.")
    for module in (*(importlib.import_module(m.name) for m in modules), provenance):
        yield from (part for part in vars(module).values() if is_typeddict(part))


@cache
def adapter(document: Any) -> TypeAdapter[Any]:
    """Of a type and all inside it, with no room for a key that it does not name."""
    for record in records():
        record.__pydantic_config__ = {"extra": "forbid"}
    return TypeAdapter(document)


def require(document: Any, of: Any) -> None:
    adapter(of).validate_python(document, strict=True)


@cache
def assessed(name: str, standard: bool = False) -> Assessment:
    return assess(resolve(load_story(name), standard=standard), draws=DRAWS)


@pytest.mark.parametrize("name", bundled_stories())
def test_estimates(name: str) -> None:
    require(summarize(assessed(name)), Estimate)


def test_an_estimate_by_simulation() -> None:
    story = resolve(load_story("cat-classifier"))
    require(summarize(assess(story, draws=DRAWS, method="simulation")), Estimate)


@pytest.mark.parametrize("name", SEVERAL)
def test_importance(name: str) -> None:
    require(summarize_importance(assessed(name)), Importance)


def test_sequences() -> None:
    require(sequences(FLOOD, draws=DRAWS), SequenceOdds)


@pytest.mark.parametrize("name", SEVERAL)
@pytest.mark.parametrize("stakes", [None, {"success": 1.0, "catastrophe": -100.0}])
def test_value(name: str, stakes: dict[str, float] | None) -> None:
    require(summarize_value(assessed(name, standard=True), stakes), InformationValue)


def test_placement() -> None:
    story = resolve(Story.model_validate(STAGED), standard=True)
    require(summarize_placement(assess(story, draws=DRAWS)), Placements)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("carlsmith-six-premises", PARTS),
        ("cat-classifier", PARTS),
        ("monitored-reasoning-model", ("failure", "structure", "trust")),  # the others take long
    ],
)
def test_sensitivity(name: str, parts: tuple[str, ...]) -> None:
    require(summarize_sensitivity(assessed(name), parts), Sensitivity)


def test_comparisons() -> None:
    story = load_story("carlsmith-six-premises")
    doubt = assess(resolve(story, settings={"aps-feasible": [0.2, 0.6]}), draws=DRAWS)
    sides = [story_side(assessed(name), name) for name in SEVERAL]
    document = summarize_comparison([*sides, story_side(doubt, "in doubt")], draws=DRAWS)
    require(document, Comparison)


def test_judgments() -> None:
    require(summarize_judgments(read_judgments("example-panel"), repaired=True), PanelSummary)


def test_another_document_is_noticed() -> None:
    document = summarize(assessed("carlsmith-six-premises"))
    del document["fates"]["halted"]["median"]
    document["paths"][0]["rank"] = "first"
    document["classes"]["dull"] = document["classes"]["other"]
    document["lens"]["color"] = "red"
    with pytest.raises(ValidationError) as caught:
        require(document, Estimate)
    assert {(error["loc"], error["type"]) for error in caught.value.errors()} == {
        (("fates", "halted", "median"), "missing"),
        (("paths", 0, "rank"), "int_type"),
        (("classes", "dull", "[key]"), "literal_error"),
        (("lens", "color"), "extra_forbidden"),
    }
