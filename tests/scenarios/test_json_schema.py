"""The schema for editors: it takes what the reader takes, and sees most of what is wrong.

`python tests/scenarios/test_json_schema.py` says who sees which of the wrong stories.
"""

import functools
import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from support.strategies import small_stories, with_results

from storyodds.priors import library
from storyodds.priors.distributions.forms import Kind, parse_prior
from storyodds.priors.text.errors import InputError
from storyodds.priors.text.yaml_reader import read_document, read_file
from storyodds.scenarios.editor.json_schema import json_schema, json_schema_text
from storyodds.scenarios.editor.key_help import KEYS, VALUES
from storyodds.scenarios.editor.rules import RESERVED
from storyodds.scenarios.grammar.outcomes import CLASSES
from storyodds.scenarios.loader import bundled_stories, load_text
from storyodds.scenarios.serialize import to_data
from storyodds.scenarios.shared import catalog
from storyodds.scenarios.story import Story

WRONG = {
    path.stem: path for path in sorted((Path(__file__).parent / "wrong_stories").glob("*.yaml"))
}

# What the strict reader of YAML refuses, so that there is nothing to compare with a schema.
READER = """
alias backslash-in-quotes colon-in-text dash-on-the-line-of-a-key duplicate-key hidden-character
hidden-escape list-as-key many-at-once octal-number percent-sign-first quote-inside-quotes
tab-for-indent tag text-without-a-key two-documents unclosed-list unclosed-quote wrong-indent
"""
# What only the whole story shows, or arithmetic that a schema cannot do.
NEITHER = """
about-a-state-that-is-not assumption-of-the-catalog at-least-too-many error-factor-too-wide
evidence-about-an-unknown-assumption flags-unknown forecast-of-all-states id-twice
instrument-unknown loop loop-of-one more-hits-than-trials nudge-towards-an-assumption
otherwise-first rates-about-a-hazard rates-of-a-state-as-true rates-with-yes rates-without-a-state
replicates-unknown reversed-interval reversed-uniform route-in-a-formula rules-out-unknown
state-left-out state-unknown states-beyond-one states-of-one states-that-differ-by-row
template-id-taken unknown-assumption
"""

SMALL = """
story: small
title: A small story
goal: {specification: What is meant., desirability: Why that is good.}
assumptions: {aware: {probability: 0.5}}
routes:
- {id: schemer, class: deceptive, requires: aware, bits: 1, harm: 0.1}
- {id: something-else, class: other, bits: 0, harm: 0.1}
"""


@functools.cache
def validator(of: str = "story") -> Draft7Validator:
    return Draft7Validator(json_schema(of))


def complaints(data: Any, of: str = "story") -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in validator(of).iter_errors(data)]


def who_sees(path: Path) -> str:
    """Tell who sees what is wrong: the "reader" of YAML, the "schema", or "neither"."""
    try:
        data = read_file(path).data
    except InputError:
        return "reader"
    return "schema" if complaints(data) else "neither"


def small(**parts: Any) -> dict[str, Any]:
    """Give a small right story, with some parts replaced."""
    return {**read_document(SMALL, "small").data, **parts}


def reader_takes(data: dict[str, Any]) -> bool:
    try:
        load_text(json.dumps(data))
    except InputError:
        return False
    return True


# --- what it is -------------------------------------------------------------------------------


@pytest.mark.parametrize("of", ["story", "view"])
def test_it_is_a_schema_of_draft_7(of: str) -> None:
    Draft7Validator.check_schema(json_schema(of))
    assert json_schema(of)["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert set(references_in(json_schema(of))) == {
        f"#/definitions/{name}" for name in json_schema(of)["definitions"]
    }


def references_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        value = list(value.values())
    for inner in value if isinstance(value, list) else ():
        yield from references_in(inner)


def test_the_stored_copy_is_current() -> None:
    stored = (files("storyodds.scenarios") / "story.schema.json").read_text(encoding="utf-8")
    assert stored == json_schema_text(), "write it: storyodds schema -o scenarios/story.schema.json"


def test_every_key_and_every_word_is_explained() -> None:
    schema = json_schema()
    records = [schema, json_schema("view"), *schema["definitions"].values()]
    for record in records:
        assert record.get("description") or record.get("errorMessage") or "allOf" in record
        for key, value in record.get("properties", {}).items():
            assert value["description"], key
            listed = value.get("items", value)
            if isinstance(listed, dict) and "enum" in listed and key != "ref":
                descriptions = listed.get("enumDescriptions", ())
                known = [name for name in listed["enum"] if isinstance(name, str)]
                assert [bool(text) for text in descriptions[: len(known)]] == [True] * len(known), (
                    key
                )


def test_nothing_is_explained_that_is_not_there() -> None:
    schema = json_schema()
    properties = [
        *schema["properties"],
        *json_schema("view")["properties"],
        *(key for part in schema["definitions"].values() for key in part.get("properties", ())),
    ]
    assert {key for keys in KEYS.values() for key in keys} == set(properties)
    assert {key for _, key in VALUES} <= set(properties)


# --- what it takes ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", bundled_stories())
def test_it_takes_the_bundled_stories(name: str) -> None:
    assert complaints(read_file(bundled_stories()[name]).data) == []


@pytest.mark.parametrize("name", library.view_names())
def test_it_takes_the_bundled_views(name: str) -> None:
    path = Path(str(files("storyodds.priors"))) / "views" / f"{name}.yaml"
    assert complaints(read_file(path).data, "view") == []


def test_it_takes_named_numbers_and_their_kinds_alone() -> None:
    story = read_file(bundled_stories()["coinrun-agent"]).data
    for entry, is_right in (
        ({"interval": [0.1, 0.4], "kind": "probability", "claim": "It is."}, True),
        ({"normal": [1, 1], "kind": "bits", "basis": "assumed", "source": "me"}, True),
        ({"interval": [0.1, 0.4]}, False),
        ({"number": "other", "kind": "bits"}, False),
        ({"interval": [0.1, 0.4], "kind": "probability", "weight": 2}, False),
    ):
        assert (not complaints({**story, "numbers": {"hard": entry}})) is is_right, entry


def test_views_hold_numbers() -> None:
    view = {"view": "mine", "title": "Mine", "set": {"aware": 0.3, "schemer": [-2, 3]}}
    assert complaints(view, "view") == []
    assert complaints({**view, "set": {}}, "view")
    assert complaints({**view, "set": {"aware": "likely"}}, "view")
    assert complaints({**view, "sets": {}}, "view")


@settings(max_examples=30)
@given(with_results(small_stories(certain=False)))
def test_it_takes_what_the_reader_takes(story: Story) -> None:
    assert complaints(to_data(story)) == []


@st.composite
def changed_stories(draw: st.DrawFn) -> dict[str, Any]:
    """Draw the plain data of a right story, and then change, drop or add one thing in it."""
    stories = small_stories(certain=False, max_assumptions=3, max_routes=3)
    data = to_data(draw(with_results(stories)))
    data["routes"].append({"use": draw(st.sampled_from(sorted(catalog.routes())))})
    place = draw(st.sampled_from(list(places_in(data))))
    values = [None, 0, 1, 0.5, "a1", "default", [], {}, [0.1, 0.4], {"fixed": 0.3}, True]
    keys = sorted({key for part in json_schema()["definitions"].values() for key in
                   part.get("properties", ())})  # fmt: skip
    what = draw(st.sampled_from(["change", "drop", "add"]))
    if what == "add" and isinstance(place[0], dict):
        place[0][draw(st.sampled_from(keys))] = draw(st.sampled_from(values))
    elif what == "drop":
        del place[0][place[1]]
    else:
        place[0][place[1]] = draw(st.sampled_from(values))
    return data


def places_in(value: Any) -> Iterator[tuple[Any, Any]]:
    """Give every place in plain data, as the mapping or list and the key or index."""
    found = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in found:
        yield value, key
        if isinstance(inner, dict | list):
            yield from places_in(inner)


@settings(max_examples=60)
@given(changed_stories())
def test_it_refuses_nothing_that_the_reader_takes(data: dict[str, Any]) -> None:
    if reader_takes(data):
        assert complaints(data) == []


def test_keys_with_nothing_after_them_are_as_if_left_out() -> None:
    schema = json_schema()
    route = {"id": "schemer", "class": "deceptive", "bits": 1, "harm": 0.1}
    optional = dict.fromkeys(schema["definitions"]["Route"]["properties"])
    del optional["claim"]  # which is text
    residual = {"id": "something-else", "class": "other", "bits": 0, "harm": 0.1}
    evidence = {"id": "seen", "about": {"outcome": True, "class": None, "assumption": None}}
    finding = {"bayes_factor": {"default": 0, "other": 1}, "counts": None, "rates": None}
    story = small(
        assumptions={"aware": {"probability": 0.5, "given": None, "holds_when": None}},
        routes=[{**optional, **route}, {**optional, **residual}],
        evidence=[{**evidence, **finding, "forecast": None, "sd_bits": None}],
    )
    assert reader_takes(story)
    assert complaints(story) == []


@pytest.mark.parametrize("use", catalog.routes())
def test_a_catalogued_route_needs_nothing_more(use: str) -> None:
    story = small()
    story["routes"].append({"use": use})
    assert reader_takes(story)
    assert complaints(story) == []


@pytest.mark.parametrize("name", catalog.assumptions())
def test_a_catalogued_assumption_needs_nothing_more(name: str) -> None:
    for spec in (None, {}, {"note": "Mine."}, {"probability": 0.2}):
        story = small(assumptions={"aware": {"probability": 0.5}, name: spec})
        assert reader_takes(story)
        assert complaints(story) == []


def test_references_are_those_of_the_kind() -> None:
    schema = json_schema()["definitions"]
    kinds: dict[str, Kind] = {"Probability": "probability", "Bits": "bits"}
    for name, kind in kinds.items():
        offered = schema[name]["properties"]["ref"]["enum"]
        assert offered
        for ref in offered:
            parse_prior(library.pack_entry(ref).value, kind)
    story = small(assumptions={"aware": {"probability": {"ref": "empirical-counts/blind-audit"}}})
    assert reader_takes(story)
    assert complaints(story) == []


def test_the_number_that_is_offered_says_where_it_comes_from() -> None:
    kinds: dict[str, Kind] = {"Probability": "probability", "Bits": "bits"}
    for name, kind in kinds.items():
        (offered,) = json_schema()["definitions"][name]["defaultSnippets"]
        text = re.sub(r"\$\{\d:([^}]*)\}", r"\1", offered["body"])
        number = parse_prior(read_document(text, "offered").data, kind)
        assert number.basis == "assumed" and number.source is not None


# --- what it refuses --------------------------------------------------------------------------


@pytest.mark.parametrize("name", WRONG)
def test_who_sees_a_wrong_story(name: str) -> None:
    expected = "reader" if name in READER.split() else "schema"
    expected = "neither" if name in NEITHER.split() else expected
    assert who_sees(WRONG[name]) == expected


def test_the_lists_name_files_and_are_short() -> None:
    listed = READER.split() + NEITHER.split()
    assert len(set(listed)) == len(listed)
    assert set(listed) <= set(WRONG)
    assert len(NEITHER.split()) < len(WRONG) / 4


@pytest.mark.parametrize("name", [*CLASSES, *RESERVED])
def test_names_with_a_meaning_are_nobodys_id(name: str) -> None:
    check = {"id": name, "flags": {"default": 0.1}}
    for story in (
        small(checks=[check]),
        small(assumptions={"aware": {"probability": 0.5}, name: {"probability": 0.5}}),
        small(routes=[*small()["routes"], {"id": name, "class": "other", "bits": 0, "harm": 0}]),
    ):
        assert not reader_takes(story)
        assert complaints(story)


@pytest.mark.parametrize(
    "part",
    [
        {"routes": [*small()["routes"], {"use": "reward-seekr"}]},
        {"routes": [*small()["routes"], {"use": None, "id": "a", "class": "other"}]},
        {"routes": [*small()["routes"], {"id": "intended", "class": "intended", "harm": 0.1}]},
        {"assumptions": {"aware": None}},
        {"assumptions": {"aware": {"probability": {"fixed": 0.1, "level": 0.9}}}},
        {"assumptions": {"aware": {"given": [{"otherwise": 0.1, "when": "aware"}]}}},
        {"lint": [{"off": "no-such-rule", "reason": "It is wrong here."}]},
        {"lint": [{"off": "no-hazard"}]},
        {"evidence": [{"id": "a", "about": {"class": "other"}, "forecast": 0.1}]},
    ],
    ids=str,
)
def test_more_that_both_refuse(part: dict[str, Any]) -> None:
    assert not reader_takes(small(**part))
    assert complaints(small(**part))


if __name__ == "__main__":
    for kind in ("reader", "neither"):
        print(kind, *sorted(name for name, path in WRONG.items() if who_sees(path) == kind))
