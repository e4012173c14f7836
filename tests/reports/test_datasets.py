"""Documents as datasets: every number where the document has it."""

import math
from typing import Any

import pytest

from storyodds import load_story
from storyodds.models.assessment import assess
from storyodds.reports.comparison import summarize_comparison
from storyodds.reports.comparison_sides import story_side
from storyodds.reports.datasets import SUMMARY, datasets, table
from storyodds.reports.importance import summarize_importance
from storyodds.reports.sensitivity import summarize_sensitivity
from storyodds.reports.summary import summarize
from storyodds.reports.value import summarize_value
from storyodds.scenarios.resolve import resolve


def assessed(name: str) -> Any:
    return assess(resolve(load_story(name)), draws=64)


@pytest.mark.parametrize("name", ["carlsmith-six-premises", "cat-classifier", "rlhf-assistant"])
def test_an_estimate_is_the_same_as_its_tree(name: str) -> None:
    document = summarize(assessed(name))
    tree = datasets(document)
    assert tree.attrs["story"] == document["story"]
    assert tree.attrs["seed"] == document["seed"]
    for node, dimension in (("classes", "class"), ("fates", "fate"), ("routes", "route")):
        found = tree[node].to_dataset().probability
        assert found[dimension].values.tolist() == list(document[node])
        for label, entry in document[node].items():
            at = found.sel({dimension: label})
            assert {s: float(at.sel(summary=s)) for s in SUMMARY} == {s: entry[s] for s in SUMMARY}
    prior = tree["classes"].to_dataset().prior
    for label, entry in document["prior_classes"].items():
        assert float(prior.sel({"class": label, "summary": "q95"})) == entry["q95"]
    items = document["evidence"]["items"]
    assert ("evidence" in tree.children) == bool(items)
    for item in items:
        found = tree["evidence"].to_dataset().bits.sel(evidence=item["id"])
        for event, bits in item["bits"].items():
            at = float(found.sel(event=event))
            assert math.isnan(at) if bits is None else at == bits


def test_a_sensitivity_analysis_is_the_same_as_its_tree() -> None:
    document = summarize_sensitivity(assessed("cat-classifier"), ("local", "failure"))
    tree = datasets(document)
    numbers = tree["local/numbers"].to_dataset()
    for entry in document["local"]["numbers"]:
        if entry["uncertain"]:
            at = numbers.sel(number=entry["name"])
            assert float(at.low_value) == entry["low"]["value"]
            assert {event: float(at.swing.sel(event=event)) for event in entry["swing"]} == entry[
                "swing"
            ]
    given = tree["failure/given_failure"].to_dataset().probability
    for share, entry in document["failure"]["given_failure"].items():
        assert float(given.sel(share=share, summary="mean")) == entry["mean"]


def test_what_may_be_learned_and_what_matters_are_the_same_as_their_trees() -> None:
    found = assess(resolve(load_story("carlsmith-six-premises"), standard=True))
    value = summarize_value(found)
    for entry in value["proposals"]:
        at = datasets(value)["proposals"].to_dataset().sel(proposal=entry["id"])
        assert float(at.bits_value) == entry["bits"]["value"]
    importance = summarize_importance(found)
    literals = datasets(importance)["literals"].to_dataset()
    for entry in importance["literals"]:
        at = literals.fussell_vesely.sel(literal=entry["literal"], summary="mean")
        mean = (entry["fussell_vesely"] or {}).get("mean")
        assert float(at) == mean if mean is not None else math.isnan(float(at))


def test_a_comparison_is_the_same_as_its_tree() -> None:
    sides = [story_side(assessed(n), n) for n in ("cat-classifier", "coinrun-agent")]
    document = summarize_comparison(sides, draws=64)
    tree = datasets(document)
    gap = tree["pairs"].to_dataset().differences
    for event, entry in document["pairs"][0]["differences"].items():
        assert float(gap.sel(pair=0, event=event, summary="q05")) == entry["q05"]
    ranks = tree["ranks"].to_dataset().share
    for event, entries in document["ranks"].items():
        for entry in entries:
            assert ranks.sel(event=event, side=entry["name"]).values.tolist() == entry["shares"]


def test_a_missing_number_is_not_a_number_and_a_missing_text_empty() -> None:
    rows = [{"id": "a", "x": None, "t": "word"}, {"id": "b", "x": 1.0, "t": None}]
    found = table(rows, "row", "id")
    assert math.isnan(float(found.x.sel(row="a"))) and found.t.values.tolist() == ["word", ""]


def test_an_event_that_cannot_be_keeps_its_zero() -> None:
    document = {"schema": "storyodds/sensitivity/1", "local": {"now": {"success": 0.0}}}
    assert datasets(document)["local/now"].to_dataset().value.values.tolist() == [0.0]


def test_other_documents_are_refused() -> None:
    with pytest.raises(ValueError, match="schema"):
        datasets({"schema": "something/1"})
