"""What a careful reader asks of findings, of sources and of what can never matter."""

from typing import Any

import pytest
from support.clean_story import (
    CLEAN,
    INTENDED_SEARCH,
    SCHEMER,
    SCHEMER_OPEN,
    about,
    assert_one_question,
    check,
    codes,
    constraint,
    found,
    with_parts,
)

RATES = {"true": 0.4, "false": 0.1}
COUNTS: dict[str, Any] = {"counts": {"hits": 3, "trials": 9}, "rates": RATES}


def finding(name: str, **more: Any) -> dict[str, Any]:
    (item,) = about("aware", **{**COUNTS, "id": name, **more})["evidence"]
    return item


def findings(*items: dict[str, Any]) -> dict[str, Any]:
    return {"evidence": [*items]}


def sourced(cite: str, **more: Any) -> dict[str, Any]:
    return findings(finding("e", source={"cite": cite, "note": "read", **more}))


def raised(parts: dict[str, Any]) -> set[str]:
    """All codes, those that short parts of stories are let off included."""
    return {each.code for each in found(with_parts(parts))}


# Goals that are optimizers, and catastrophes


@pytest.mark.parametrize(
    ("routes", "key_path"),
    [
        ([SCHEMER_OPEN], "goal.optimization"),
        ([{"id": "intended", "class": "intended"}, SCHEMER_OPEN], "routes[0]"),
        (
            [
                INTENDED_SEARCH,
                {"id": "b", "class": "intended", "claim": "So.", "bits": 0, "harm": 0},
                SCHEMER_OPEN,
            ],
            "routes[1]",
        ),
    ],
)
@pytest.mark.parametrize("optimization", ["narrow", "myopic", "open-ended"])
def test_a_goal_that_searches_is_closed_where_nothing_does(
    routes: list[dict[str, Any]], key_path: str, optimization: str
) -> None:
    parts = {"goal": {"optimization": optimization}, "routes": routes}
    assert_one_question("unsearched-goal", key_path, parts, "finds no optimizer")


@pytest.mark.parametrize(
    "parts",
    [
        {"goal": {"optimization": "narrow"}, "routes": [INTENDED_SEARCH, SCHEMER_OPEN]},
        {"goal": {"optimization": "none"}, "routes": [SCHEMER_OPEN]},
        {"goal": {"optimization": "narrow"}, "kind": "risk-argument"},
    ],
)
def test_goals_that_are_closed_or_need_no_search(parts: dict[str, Any]) -> None:
    assert codes(parts) == set()


def test_a_catastrophe_is_to_be_defined() -> None:
    without = "".join(line for line in CLEAN.splitlines(True) if not line.startswith("catas"))
    (question,) = found(without)
    assert (question.code, question.place.line_and_column) == ("no-catastrophe", (1, 1))
    short = {"catastrophe": "Something very bad."}
    assert_one_question("no-catastrophe", "catastrophe", short, "too short")
    placeholder = {"catastrophe": "Placeholder of the template. A million people die of it."}
    assert_one_question("no-catastrophe", "catastrophe", placeholder, "the template has put")
    harmless = without.replace("harm: {fixed: 0.1,", "harm: {fixed: 0,")
    assert found(harmless.replace("harm: {fixed: 0.01,", "harm: {fixed: 0,")) == []


# Sources


@pytest.mark.parametrize("cite", ["x", "?", "…", "me", "TBD", "n/a", "See source", "12", "our own"])
def test_a_source_that_says_nothing(cite: str) -> None:
    assert raised(sourced(cite)) == {"no-source", "empty-source"}


@pytest.mark.parametrize(
    "cite", ["a guess", "Log of March", "METR 2025", "our own measurements", "我们自己的测量"]
)
def test_a_source_that_says_something(cite: str) -> None:
    assert codes(sourced(cite)) == set()


def test_sources_of_numbers_and_of_the_story_are_looked_at_too() -> None:
    number = {"fixed": 0.3, "basis": "measured", "source": "x"}
    parts = {
        "assumptions": {"aware": {"claim": "It knows.", "probability": number}},
        "sources": ["tbd", {"cite": "Hubinger 2021", "note": "read in full"}],
    }
    (question,) = found(with_parts(parts))
    assert question.code == "empty-source"
    places = [question.place, *question.also]
    assert {place.key_path for place in places} == {
        "assumptions.aware.probability.source",
        "sources[0]",
    }
    assert "2 sources say" in question.sentence


def test_a_source_has_a_note() -> None:
    parts = {
        "sources": ["Hubinger 2021"],
        **findings(finding("e", source={"cite": "Log of March"})),
    }
    (question,) = (each for each in found(with_parts(parts)) if each.code == "no-note")
    places = [question.place, *question.also]
    assert {place.key_path for place in places} == {"sources[0]", "evidence[0].source"}
    assert "no-note" not in raised(sourced("Log of March"))


@pytest.mark.parametrize("basis", ["measured", "elicited"])
def test_the_source_of_a_number_that_somebody_gave_has_a_note(basis: str) -> None:
    number = {"fixed": 0.3, "basis": basis, "source": {"cite": "Log of March"}}

    def asked(value: Any) -> bool:
        parts = {"assumptions": {"aware": {"claim": "It knows.", "probability": value}}}
        return "no-note" in {each.code for each in found(with_parts(parts))}

    assert asked(number)
    assert not asked({**number, "note": "its summary"})
    assert not asked({**number, "source": {"cite": "Log of March", "note": "its summary"}})
    assert not asked({**number, "basis": "assumed"})


# Findings


def other(name: str, **more: Any) -> dict[str, Any]:
    return finding(
        name, **{"claim": "Another.", "source": {"cite": "another report", "note": "n"}, **more}
    )


@pytest.mark.parametrize(
    "second",
    [
        other("f", source={"cite": "a  Report.", "note": "once more"}),  # same counts and source
        finding("f", counts={"hits": 1, "trials": 9}),  # same claim and source
    ],
)
def test_the_same_finding_twice(second: dict[str, Any]) -> None:
    parts = findings(finding("e"), second)
    assert_one_question("finding-twice", "evidence[1]", parts, "looks like 'e' once more")


def test_two_forecasts_of_one_judge_are_one() -> None:
    opinion = {"about": {"class": "deceptive"}, "forecast": 0.2, "sd_bits": 1, "claim": "Feared."}
    one, two = ({**opinion, "id": name, "source": "a panel of five"} for name in ("e", "f"))
    uncertain = {"routes": [{**SCHEMER_OPEN, "bits": [0, 2]}]}
    assert codes(uncertain | findings(one, {**two, "claim": "As I said."})) == {"finding-twice"}
    assert codes(uncertain | findings(one, {**two, "source": "another panel"})) == set()


def test_findings_that_share_counts_or_a_source_only() -> None:
    same_counts = other("f", claim="Yet another.")
    same_source = other("g", counts={"hits": 4, "trials": 9}, source=finding("e")["source"])
    assert codes(findings(finding("e"), same_counts, same_source)) == set()


@pytest.mark.parametrize(
    "claim",
    [
        "Red-teaming will find nothing.",
        "Suppose that an audit is clean.",
        "A hypothetical audit: clean.",
        "A supposition, not a finding: all is well.",
        "It would show no sign of it.",
        "It is expected to be clean.",
        "We expect a clean audit.",
    ],
)
def test_a_supposition_is_no_finding(claim: str) -> None:
    parts = about("aware", bayes_factor={"true": -1, "false": 0}, claim=claim)
    assert codes(parts) == {"supposed-evidence"}


@pytest.mark.parametrize(
    "claim",
    [
        "Red-teaming of forty hours found nothing.",
        "It said what people would like to hear.",
        "It is supposed to be a test, and 3 of 9 saw through it.",
        "More than chance would have it.",
    ],
)
def test_what_was_seen_is_no_supposition(claim: str) -> None:
    assert codes(about("aware", bayes_factor={"true": -1, "false": 0}, claim=claim)) == set()


def test_what_was_counted_may_say_would() -> None:
    assert codes(findings(finding("e", claim="It said what would show, 3 times."))) == set()
    assert codes(findings(finding("e", claim="It will show 3 of 9."))) == {"supposed-evidence"}


@pytest.mark.parametrize(
    ("claim", "cite"),
    [
        ("I think that it knows.", "a remark"),
        ("In my view it knows.", "a remark"),
        ("Experts believe it knows.", "a remark"),
        ("It knows.", "Forecast of a panel"),
        ("It knows.", "Estimate by the author"),
        ("A researcher puts about 25% on it.", "a post"),
    ],
)
def test_an_opinion_is_no_finding(claim: str, cite: str) -> None:
    source = {"cite": cite, "note": "read"}
    parts = about("aware", bayes_factor={"true": 1, "false": 0}, claim=claim, source=source)
    assert codes(parts) == {"opinion-as-finding"}


def test_a_forecast_may_be_an_opinion() -> None:
    uncertain = {"assumptions": {"aware": {"claim": "It knows.", "probability": [0.2, 0.5]}}}
    opinion = about("aware", forecast=0.3, sd_bits=1, claim="I think that it will be found.")
    assert codes(uncertain | opinion) == set()


# Mechanisms

BARE_SCHEMER = {key: value for key, value in SCHEMER_OPEN.items() if key != "mechanism"}
PROXY = {**BARE_SCHEMER, "id": "p", "class": "mesa-optimizer", "kind": "proxy"}
WORDS = "learned shortcut answers whatever raters seem likely"


@pytest.mark.parametrize(
    ("routes", "key_path"),
    [
        ([BARE_SCHEMER, {**BARE_SCHEMER, "id": "b"}], "routes[0]"),
        ([SCHEMER_OPEN, {**BARE_SCHEMER, "id": "b"}], "routes[1]"),
        ([PROXY, {**PROXY, "id": "q", "claim": "Quite another thing."}], "routes[0]"),
        (
            [
                {**PROXY, "class": "other", "kind": "other-heuristics", "claim": f"A {WORDS}."},
                {**SCHEMER_OPEN, "id": "b", "claim": f"{WORDS}, twice."},
            ],
            "routes[0]",
        ),
    ],
)
def test_one_mechanism_over_several_routes(routes: list[dict[str, Any]], key_path: str) -> None:
    (question,) = (
        each for each in found(with_parts({"routes": routes})) if each.code != "no-source"
    )
    assert (question.code, question.place.key_path) == ("split-mechanism", key_path)


@pytest.mark.parametrize(
    "routes",
    [
        [SCHEMER_OPEN, {**SCHEMER_OPEN, "id": "b", "mechanism": "collusion"}],
        [BARE_SCHEMER, PROXY],
        [
            {**PROXY, "class": "other", "kind": "other-heuristics", "claim": "It guesses."},
            {**PROXY, "id": "q", "class": "other", "kind": "other-heuristics", "claim": "Tables."},
        ],
    ],
)
def test_routes_that_say_how_they_hang_together(routes: list[dict[str, Any]]) -> None:
    assert codes({"routes": routes}) == set()


# What can never matter

NEVER = {"never": {"claim": "It cannot be.", "probability": 0}}
SURE = {"never": {"claim": "It is certain.", "given": [{"when": "aware", "probability": 1},
                                                       {"otherwise": 1}]}}  # fmt: skip


def hazard(**more: Any) -> dict[str, Any]:
    item = {"id": "bad-intent", "claim": "Some do.", "criterion": "alignment"}
    return {"goal": {"hazards": [{**item, "probability": 0.1, "harm": 0.1, **more}]}}


@pytest.mark.parametrize(
    ("key_path", "parts"),
    [
        ("goal.hazards[0].probability", hazard(probability=0)),
        ("goal.hazards[0].harm", hazard(harm=0)),
        ("goal.hazards[0].requires", {"assumptions": NEVER, **hazard(requires="never")}),
        ("goal.hazards[0].requires", {"assumptions": SURE, **hazard(requires="not never")}),
        ("checks[0].flags", check(deceptive=0, default=0)),
        (
            "rationale.constraints[0].holds",
            {"assumptions": NEVER, **constraint(["aware", "never"], "schemer")},
        ),
        (
            "rationale.constraints[0].rules_out",
            {
                "assumptions": NEVER,
                "routes": [{**SCHEMER, "requires": ["never", "optimizes"]}],
                **constraint("aware", "schemer"),
            },
        ),
    ],
)
def test_what_can_never_matter(key_path: str, parts: dict[str, Any]) -> None:
    questions = [each for each in found(with_parts(parts)) if each.code == "never-matters"]
    assert [each.place.key_path for each in questions] == [key_path]


@pytest.mark.parametrize(
    "parts",
    [
        hazard(probability={"fixed": 1e-9, "basis": "assumed", "source": "a guess"}),
        hazard(harm={"fixed": 0, "basis": "assumed", "source": "a toy: it harms nobody"}),
        hazard(criterion="competitiveness", harm=0),
        {"assumptions": NEVER, **hazard(requires={"any": ["never", "aware"]})},
        {"assumptions": NEVER, **hazard(requires=["not never", "aware"])},
        check(deceptive=0.1, default=0),
    ],
)
def test_what_may_matter(parts: dict[str, Any]) -> None:
    assert "never-matters" not in codes(parts)
