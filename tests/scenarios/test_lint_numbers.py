"""Questions about numbers: products that nothing tells apart, and what numbers rest on."""

from typing import Any

import pytest
from support.clean_story import (
    CLEAN,
    SCHEMER,
    SCHEMER_OPEN,
    about,
    check,
    codes,
    constraint,
    found,
    nudges,
    outcome,
    with_parts,
)

from storyodds import load_text
from storyodds.priors.text.yaml_reader import read_document
from storyodds.scenarios.lint.evidence import middle

# Products


FACTORS = {"far": {"claim": "Its goals reach far.", "probability": 0.2}}
ALL_THREE = ["aware", "optimizes", "far"]


def product(requires: Any, *others: dict[str, Any], **more: Any) -> dict[str, Any]:
    routes = [{**SCHEMER, "requires": requires}, *others]
    return {"assumptions": FACTORS | more.pop("assumptions", {}), "routes": routes, **more}


LINKED = {
    "claim": "It does.",
    "given": [{"when": "aware", "probability": 0.5}, {"otherwise": 0}],
}


@pytest.mark.parametrize(
    "parts",
    [
        product(ALL_THREE),
        product({"all": ["aware", {"all": ["not optimizes", "far"]}]}),
        product({"any": ["not aware", "not optimizes", "not far"]}),
        product(
            ["far", "two"], assumptions={"two": {"claim": "Two.", "holds_when": ALL_THREE[:2]}}
        ),
        product(ALL_THREE, assumptions={"optimizes": LINKED}),
        product(ALL_THREE) | about("far", bayes_factor={"true": 2}),
    ],
)
def test_a_product_of_independent_factors(parts: dict[str, Any]) -> None:
    assert codes(parts) == {"independent-product"}


@pytest.mark.parametrize(
    "parts",
    [
        # two factors, of which one bears two names
        product(ALL_THREE, assumptions={"far": {"claim": "It is.", "holds_when": "aware"}}),
        # another road
        product(ALL_THREE, {**SCHEMER_OPEN, "id": "other-road"}),
        # opposing signs
        product(ALL_THREE) | nudges({"intended": 1}, when="far"),
        product(ALL_THREE) | constraint("not far", "schemer"),
        # a common cause
        product(
            ALL_THREE,
            assumptions={"optimizes": LINKED | {"given": [LINKED["given"][0], {"otherwise": 0.1}]}},
        ),
        # neither all nor any
        product({"at_least": 2, "of": ALL_THREE}),
        product(["aware", {"any": ["optimizes", "far"]}]),
        product(["aware", "two"], assumptions={
            "two": {"claim": "Two.", "holds_when": {"any": ["optimizes", "far"]}},
        }),
    ],
)  # fmt: skip
def test_what_is_no_product(parts: dict[str, Any]) -> None:
    assert "independent-product" not in codes(parts)


# Numbers


def test_numbers_without_source_are_told_at_once_with_their_places() -> None:
    text = with_parts(check(deceptive=0.2, default={"fixed": 0.1, "basis": "assumed"}))
    (finding,) = found(text)
    assert finding.code == "no-source"
    assert finding.sentence.startswith("2 numbers do not say where they come from; give each")
    places = [finding.place, *finding.also]
    assert [place.key_path for place in places] == [
        "checks[0].flags.deceptive",
        "checks[0].flags.default",
    ]
    lines = [text.splitlines()[(place.line or 0) - 1].strip() for place in places]
    assert lines == ["deceptive: 0.2", "fixed: 0.1"]


def test_one_number_without_source_is_told_of_in_the_singular() -> None:
    guess = {"fixed": 0.1, "basis": "assumed", "source": "a guess"}
    (finding,) = found(with_parts(check(deceptive=0.2, default=guess)))
    assert finding.sentence.startswith("a number does not say where it comes from; give it")
    (finding,) = found(
        with_parts(check(deceptive={"fixed": 0.2, "source": "a study"}, default=guess))
    )
    assert finding.code == "no-basis"
    assert finding.sentence.startswith("a number names a source and no basis: was it")


@pytest.mark.parametrize(
    "prior",
    [
        {"ref": "carlsmith-2022/aps-feasible"},
        {"pool": [{"by": "me", "value": 0.1}, {"by": "you", "value": 0.3}]},
    ],
)
def test_references_and_judges_answer_for_themselves(prior: dict[str, Any]) -> None:
    spec = {"claim": "It is.", "probability": prior}
    assert found(with_parts({"assumptions": {"aware": spec}})) == []


def test_the_zero_that_bits_are_counted_from_needs_no_source() -> None:
    bits = {"fixed": 2, "basis": "assumed", "source": "a guess"}
    assert found(with_parts(outcome(bayes_factor={"schemer": bits, "default": 0}))) == []
    assert found(with_parts(about("aware", bayes_factor={"true": bits, "false": 0}))) == []


def test_numbers_of_the_catalog_are_not_the_story_s_to_answer_for() -> None:
    assert found(with_parts({"routes": [SCHEMER_FROM_CATALOG, *OWN_ROUTES]})) == []


OWN_ROUTES = read_document(CLEAN, "clean.yaml").data["routes"]
SCHEMER_FROM_CATALOG = {"use": "nearest-goal-schemer"}


@pytest.mark.parametrize(
    ("form", "number"),
    [
        (0.2, 0.2),
        ([0.1, 0.3], 0.2),
        ({"uniform": [0.2, 0.4]}, 0.3),
        ({"beta": [1, 3]}, 0.25),
        ({"counts": {"hits": 1, "trials": 2}}, 0.5),
        ({"normal": [0.2, 0.1]}, 0.2),
        ({"lognormal": {"mean": 0.1, "error_factor": 3}}, 0.1),
        ({"ref": "carlsmith-2022/aps-feasible"}, 0.65),
        ({"pool": [{"by": "a", "value": 0.1, "weight": 3}, {"by": "b", "value": 0.5}]}, 0.2),
    ],
)
def test_the_middle_of_every_form(form: Any, number: float) -> None:
    story = load_text(with_parts(check(default=form)))
    assert middle(story.checks[0].flags["default"]) == pytest.approx(number)
