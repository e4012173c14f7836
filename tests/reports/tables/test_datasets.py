"""Documents as datasets: every number where the document has it, with its unit."""

import json
import math
from functools import cache
from itertools import product
from typing import Any

import pytest
from support.staged_stories import STAGED

from storyodds import load_story, load_text
from storyodds.models.assessment.assessment import assess
from storyodds.reports.documents.comparison.sides import story_side
from storyodds.reports.documents.comparison.whole import summarize_comparison
from storyodds.reports.documents.estimate import summarize
from storyodds.reports.documents.importance import summarize_importance
from storyodds.reports.documents.placement import summarize_placement
from storyodds.reports.documents.sensitivity.whole import summarize_sensitivity
from storyodds.reports.documents.value import summarize_value
from storyodds.reports.tables.datasets import SUMMARY, dataset, datasets, table
from storyodds.reports.tables.units import ALL_UNITS, BY_KIND
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.story import Story


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


def test_what_checks_catch_is_by_route() -> None:
    document = documents("everything")["estimate"]
    tree = datasets(document)
    caught = tree["caught"].to_dataset().probability
    assert caught.check.values.tolist() == ["audit"]  # the other has a result
    for route, entry in document["checks"]["audit"]["caught"].items():
        assert float(caught.sel(check="audit", route=route, summary="mean")) == entry["mean"]
    assert tree["checks"].to_dataset().result.values.tolist() == ["", "passed"]


def test_where_every_model_is_halted_there_is_no_day_of_the_decision() -> None:
    document = {**documents("everything")["estimate"], "deployed": None, "opinions": None}
    tree = datasets(document)
    assert not {"deployed", "opinions"} & set(tree.children)


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
    assessment = assess(resolve(load_story("carlsmith-six-premises"), standard=True))
    value = summarize_value(assessment)
    for entry in value["proposals"]:
        at = datasets(value)["proposals"].to_dataset().sel(proposal=entry["id"])
        assert float(at.bits_value) == entry["bits"]["value"]
    importance = summarize_importance(assessment)
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
    for give in (datasets, lambda document: dataset(document, "fates")):
        with pytest.raises(ValueError, match="schema"):
            give({"schema": "something/1"})


def test_one_table_is_the_same_as_in_the_tree() -> None:
    """Also rows inside rows, tables turned around, and what the document does not have."""
    assessment = assess(resolve(load_story("carlsmith-six-premises"), standard=True), draws=64)
    value = summarize_value(assessment)
    document = summarize_sensitivity(assessed("cat-classifier"), ("global", "views"))
    for whole, node in (
        (value, "results"),
        (document, "global/inputs"),
        (document, "views"),
        (document, "view_ranks"),
    ):
        one = dataset(whole, node)
        assert one is not None and one.identical(datasets(whole)[node].to_dataset())
    assert dataset(document, "failure/paths") is None


# Everything that a story can say: settings of every kind, checks of both roles, all evidence.
FULL = """\
story: everything
title: A story with every feature
goal:
  specification: Asked.
  optimization: narrow
  desirability: Meant well.
  hazards:
    - {id: bad-intent, criterion: alignment, probability: [0.05, 0.2], harm: 0.01}
    - {id: too-slow, criterion: competitiveness, probability: {beta: [2, 8]}, harm: 0}
rationale:
  feasibility: {counts: {hits: 8, trials: 9}}
  constraints:
    - {id: fits, claim: Only this fits., holds: not aware, rules_out: [proxy]}
  nudges:
    - {id: simple, claim: Shorter., when: aware, bits: {deceptive: [0, 2]}}
assumptions:
  aware:
    claim: It knows.
    probability: {pool: [{by: one, value: [0.2, 0.6]}, {by: two, value: 0.5, weight: 2}]}
  searches:
    given: [{when: aware, probability: {beta: [3, 2]}}, {otherwise: [0.1, 0.4]}]
  both: {holds_when: [aware, searches]}
routes:
  - {id: proxy, class: mesa-optimizer, requires: searches, bits: [-2, 1], harm: 0.05}
  - id: twin
    class: mesa-optimizer
    requires: aware
    bits: 0
    harm: [0.01, 0.1]
    mechanism: searching
  - {id: schemer, class: deceptive, requires: [aware, searches], bits: {normal: [0, 1]}, harm: 0.3}
  - {id: something-else, class: other, bits: [-3, 0], harm: 0.02}
checks:
  - {id: audit, role: held-out, flags: {deceptive: [0.2, 0.6], bad-intent: 0.3, default: 0.1}}
  - {id: probe, role: held-out, result: passed, flags: {deceptive: [0.1, 0.3], default: 0}}
evidence:
  - id: seen
    about: {assumption: aware}
    counts: {hits: 3, trials: 20}
    rates: {"true": [0.1, 0.4], "false": 0.05}
  - {id: said, about: {class: deceptive}, forecast: 0.2, sd_bits: 2}
  - {id: told, about: {outcome: true}, bayes_factor: {deceptive: 2, default: 0}}
proposals:
  - id: battery
    about: {assumption: aware}
    trials: 4
    cost: 0.01
    rates: {"true": [0.2, 0.6], "false": 0.1}
"""


@cache
def documents(name: str) -> dict[str, Any]:
    """Every document of a story, each part of it worked out."""
    if name == "staged":
        staged = resolve(Story.model_validate(STAGED), standard=True)
        return {"placement": summarize_placement(assess(staged, draws=64))}
    story = load_text(FULL, "everything.yaml") if name == "everything" else load_story(name)
    assessment = assess(resolve(story, standard=True), draws=64)
    side = story_side(assessment, "first")
    sides = [
        side,
        story_side(assess(resolve(story, settings={"aware": 0.3})), "second")
        if name == "everything"
        else story_side(assessed("coinrun-agent"), "coinrun-agent"),
    ]
    return {
        "estimate": summarize(assessment),
        "sensitivity": summarize_sensitivity(assessment),
        "value": summarize_value(
            assessment, {"success": 1.0, "catastrophe": -20.0, "withheld": 0.1}
        ),
        "importance": summarize_importance(assessment),
        "compare": summarize_comparison(sides, draws=64),
    }


def numbered(value: Any, place: str, found: dict[float, str]) -> Any:
    """A document with another number at every place that has one, and where each stands."""
    if isinstance(value, dict):
        return {k: numbered(v, f"{place}.{k}", found) for k, v in value.items()}
    if isinstance(value, list):
        return [numbered(v, f"{place}[{k}]", found) for k, v in enumerate(value)]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    found[number := 1e6 + 0.5 + len(found)] = place
    return number


def numbers_in(value: Any) -> set[float]:
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return set().union(*map(numbers_in, inner))
    return {value} if isinstance(value, float) else set()


def numbers_of(tree: Any) -> set[float]:
    """Every number of a tree: in its data, its labels, its attributes and its JSON texts."""
    found = numbers_in(dict(tree.attrs))
    texts = [value for value in tree.attrs.values() if isinstance(value, str)]
    for node in tree.subtree:
        for data in (*node.data_vars.values(), *node.coords.values()):
            held = data.values.ravel().tolist()
            found |= {value for value in held if isinstance(value, float)}
            texts += [value for value in held if isinstance(value, str)]
    for text in texts:
        try:
            found |= numbers_in(json.loads(text))
        except ValueError:
            continue
    return found


KINDS = ("estimate", "sensitivity", "value", "importance", "compare")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *product(["cat-classifier", "coinrun-agent", "everything"], KINDS),
        ("staged", "placement"),
    ],
)
def test_every_number_of_a_document_is_in_its_tree(name: str, kind: str) -> None:
    places: dict[float, str] = {}
    document = numbered(documents(name)[kind], kind, places)
    there = numbers_of(datasets(document))
    assert [place for number, place in places.items() if number not in there] == []
    assert len(places) > 50


def test_a_number_that_is_left_out_is_found_to_be() -> None:
    places: dict[float, str] = {}
    document = numbered({"schema": "storyodds/value/1", "x": [[{"y": 2}]]}, "", places)
    there = numbers_of(datasets(document))
    assert [place for number, place in places.items() if number not in there] == [".x[0][0].y"]


@pytest.mark.parametrize("name", ["cat-classifier", "coinrun-agent", "everything", "staged"])
def test_every_number_has_a_unit_and_every_variable_its_words(name: str) -> None:
    for kind, document in documents(name).items():
        for node in datasets(document).subtree:
            for variable, data in node.data_vars.items():
                place = f"{kind} {node.path} {variable}"
                assert data.attrs["long_name"], place
                said = data.dtype.kind == "f" and bool(data.notnull().any())
                if said or data.dtype.kind in "bi":
                    assert data.attrs.get("units") in ALL_UNITS, place
                if data.attrs.get("units") == BY_KIND:
                    assert {"kind", "number"} & {*node.variables}, place
                if data.dtype.kind == "U":
                    assert "units" not in data.attrs, place


def test_units_are_those_of_the_numbers() -> None:
    """Probabilities are between 0 and 1, counts are whole, and flags are 0 or 1."""
    seen = set()
    for document in documents("everything").values():
        for node in datasets(document).subtree:
            for name, data in node.data_vars.items():
                units, values = data.attrs.get("units"), data.values.ravel()
                if units is None or data.dtype.kind == "U":
                    continue
                seen.add(units)
                known = values[~(values != values)].astype(float)
                if units == "probability":
                    assert (abs(known) <= 1 + 1e-9).all(), (node.path, name)
                if units == "count" and not str(name).endswith("ess"):
                    assert (known == known.round()).all() and (known >= 0).all(), (node.path, name)
                if data.attrs["long_name"].startswith("whether "):
                    assert set(known.tolist()) <= {0.0, 1.0}, (node.path, name)
    assert seen == set(ALL_UNITS)


def test_rows_inside_rows_say_whose_they_are() -> None:
    document = documents("everything")
    results = datasets(document["value"])["results"].to_dataset()
    for entry in document["value"]["proposals"]:
        mine = results.isel(result=(results.proposal == entry["id"]).values)
        assert mine.probability.values.tolist() == [r["probability"] for r in entry["results"]]
        assert mine.hits.values.tolist() == [r["hits"] for r in entry["results"]]
    structure = document["sensitivity"]["structure"]
    fewer = datasets(document["sensitivity"])["structure/fewer"].to_dataset()
    for k, entry in enumerate(structure["restated"]):
        mine = fewer.isel(statement=(fewer.conjunction == k).values)
        assert mine.premises.values.tolist() == [row["premises"] for row in entry["fewer"]]
        for row, events in zip(entry["fewer"], mine.events.values, strict=True):
            assert events.tolist() == list(row["events"].values())
    assert fewer.sizes["statement"] > 0


def test_what_a_section_says_as_a_whole_is_in_its_overall() -> None:
    document = documents("everything")["sensitivity"]
    tree = datasets(document)
    failure = tree["failure/overall"].to_dataset()
    assert float(failure.failure.sel(summary="q95")) == document["failure"]["failure"]["q95"]
    assert float(failure.flips_compared) == document["failure"]["flips"]["compared"]
    miss = tree["failure/miss"].to_dataset().sel(target="even")
    assert float(miss.bits) == document["failure"]["miss"]["targets"]["even"]["bits"]
    flips = tree["failure/flips"].to_dataset()
    found = [entry["probability"] for entry in document["failure"]["flips"]["found"]]
    assert flips.probability.values.tolist() == found


def test_unknown_tables_are_refused() -> None:
    for node in ("fate", "local", "overall"):
        with pytest.raises(ValueError, match=f"found the table '{node}', expected one of"):
            dataset({"schema": "storyodds/sensitivity/1"}, node)
    with pytest.raises(ValueError, match="found the schema"):
        dataset({"schema": "else/1"}, "ranks")
