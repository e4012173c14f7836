"""The JSON contract of `estimate --json`: every field, its type, and what it must be equal to."""

import json
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from support.building import OFF, believe, item, tell
from support.fixing import follow
from support.many_routes import many_routes
from support.strategies import small_stories

from storyodds import load_story
from storyodds.models.assessment.assessment import LINKED_PATHS, Assessment, assess
from storyodds.models.story.events import FATES
from storyodds.priors.distributions.forms import Form, plain_prior
from storyodds.priors.text.errors import InputError
from storyodds.priors.text.records import Record
from storyodds.reports.documents.estimate import summarize
from storyodds.reports.documents.summaries import summarize_quotient
from storyodds.scenarios.grammar.outcomes import CLASSES
from storyodds.scenarios.grammar.parts import About, GivenRow
from storyodds.scenarios.loader import story_text
from storyodds.scenarios.provenance import proposal_provenance
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Assumption, Evidence, Hazard, Route
from storyodds.scenarios.story import Story

BUNDLED = (
    "carlsmith-six-premises",
    "cat-classifier",
    "coinrun-agent",
    "gpt-simulator",
    "rlhf-assistant",
)
KEYS = [
    "schema", "story", "title", "story_sha256", "view", "settings", "kind", "number_counts",
    "idle_evidence", "method", "seed", "versions", "catastrophe_definition", "classes",
    "prior_classes", "routes", "stages", "fates", "false_alarm", "deployed", "checks",
    "check_dependence", "criteria",
    "criteria_given_intended",
    "catastrophe_given_deployed_failure", "hazards", "opinions", "lens", "assumptions", "paths",
    "mechanisms", "evidence", "provenance", "rests_on", "diagnostics",
]  # fmt: skip
PATH_KEYS = {
    "rank", "route", "hazard", "kind", "literals", "probability", "undetected", "concern",
    "weakest_link", "claim", "checks", "overlaps", "share_top", "ways", "place",
    "narrowed",
}  # fmt: skip


@pytest.fixture(scope="module", params=BUNDLED)
def assessed(request: pytest.FixtureRequest) -> Assessment:
    return assess(resolve(load_story(request.param)), draws=1024, seed=3)


@pytest.fixture(scope="module")
def summary(assessed: Assessment) -> dict[str, Any]:
    return summarize(assessed)


def assert_summary(entry: Any, *, optional: bool = False) -> None:
    if entry is None and optional:
        return
    assert list(entry)[:4] == ["mean", "median", "q05", "q95"]
    numbers = [entry[key] for key in ("mean", "median", "q05", "q95")]
    assert all(type(x) is float and -1e-12 <= x <= 1 + 1e-9 for x in numbers)
    assert entry["q05"] <= entry["median"] <= entry["q95"]


# --- every field --------------------------------------------------------------------------------


def test_keys_and_texts(summary: dict[str, Any], assessed: Assessment) -> None:
    assert list(summary) == KEYS
    assert summary["schema"] == "storyodds/estimate/1"
    assert summary["view"] is None
    assert summary["settings"] == {}
    assert summary["method"] in ("exact", "weighting", "nuts")
    assert summary["seed"] == 3
    assert {"python", "storyodds", "numpy", "scipy"} <= set(summary["versions"])
    assert len(summary["story_sha256"]) == 64
    assert summary["story"] == assessed.prepared.resolved.story.story
    assert all(type(text) is str for text in summary["versions"].values())


def test_numbers_are_finite_json(summary: dict[str, Any]) -> None:
    text = json.dumps(summary, allow_nan=False)
    assert json.loads(text) == summary


def test_tables(summary: dict[str, Any]) -> None:
    for key in ("classes", "prior_classes"):
        assert list(summary[key]) == list(CLASSES)
    assert list(summary["fates"]) == list(FATES)
    for key in ("classes", "prior_classes", "fates", "routes"):
        for entry in summary[key].values():
            assert_summary(entry)
        means = [entry["mean"] for entry in summary[key].values()]
        assert math.fsum(means) == pytest.approx(1.0, rel=1e-9)
    for entry in summary["routes"].values():
        assert entry["class"] in CLASSES
        assert entry["kind"] is None or type(entry["kind"]) is str
    by_class = dict.fromkeys(CLASSES, 0.0)
    for entry in summary["routes"].values():
        by_class[entry["class"]] += entry["mean"]
    assert by_class == pytest.approx({k: v["mean"] for k, v in summary["classes"].items()})
    for entry in summary["assumptions"].values():
        assert_summary(entry)
        assert_summary(entry["prior"])
    assert_summary(summary["false_alarm"])
    assert summary["false_alarm"]["mean"] <= summary["fates"]["halted"]["mean"] + 1e-12
    assert_summary(summary["catastrophe_given_deployed_failure"], optional=True)


def test_criteria_and_lens(summary: dict[str, Any], assessed: Assessment) -> None:
    assert list(summary["criteria"]) == [
        "goal_alignment",
        "goal_competitiveness",
        "rationale_alignment",
        "rationale_competitiveness",
    ]
    for entry in summary["criteria"].values():
        assert_summary(entry, optional=True)
    assert summary["criteria"]["rationale_alignment"] == summary["classes"]["intended"]
    lens = summary["lens"]
    goal = assessed.prepared.resolved.story.goal
    assert lens["applies"] is goal.loss_seeking
    if goal.loss_seeking:
        assert "outer" in lens["reason"]
    else:
        assert lens["outer_alignment"] is None
        assert lens["inner_alignment"] is None
        assert "do not apply" in lens["reason"]
    for entry in lens["kinds"].values():
        assert_summary(entry)


def test_paths(summary: dict[str, Any]) -> None:
    paths = summary["paths"]
    assert [path["rank"] for path in paths] == list(range(1, len(paths) + 1))
    order = [(-path["concern"]["mean"], -path["probability"]["mean"]) for path in paths]
    assert order == sorted(order)
    for path in paths:
        assert set(path) == PATH_KEYS
        for key in ("probability", "concern"):
            assert_summary(path[key])
        assert_summary(path["undetected"], optional=True)
        assert path["concern"]["mean"] <= path["probability"]["mean"] + 1e-12
        assert path["weakest_link"] is None or path["weakest_link"] in path["literals"]
        assert 0 <= path["share_top"] <= 1 + 1e-12
    assert math.fsum(path["share_top"] for path in paths) == pytest.approx(1.0, rel=1e-9)


def test_evidence_and_diagnostics(summary: dict[str, Any], assessed: Assessment) -> None:
    evidence = summary["evidence"]
    assert type(evidence["log_probability"]) is float
    story = assessed.prepared.resolved.story
    results = [check.id for check in story.checks if check.result is not None]
    expected = [*results, *(x.id for x in story.evidence)]
    assert [entry["id"] for entry in evidence["items"]] == expected
    for entry in evidence["items"]:
        assert list(entry["bits"]) == list(CLASSES)
        assert all(x is None or math.isfinite(x) for x in entry["bits"].values())
    assert {"ok", "draws", "ess", "pareto_k", "messages"} <= set(summary["diagnostics"])
    assert type(summary["diagnostics"]["ok"]) is bool


def test_conditional_means_are_ratios_of_means(
    summary: dict[str, Any], assessed: Assessment
) -> None:
    """Never averages of ratios: those would weigh draws in which the condition hardly holds."""
    fates = {name: entry["mean"] for name, entry in summary["fates"].items()}
    failure = summary["catastrophe_given_deployed_failure"]
    deployed = 1 - fates["success"] - fates["halted"]
    assert failure["mean"] == pytest.approx(fates["catastrophe"] / deployed, rel=1e-9)
    intended = summary["classes"]["intended"]["mean"]
    for name, hazard in summary["hazards"].items():
        assert hazard["given_intended"]["mean"] == pytest.approx(hazard["mean"] / intended), name
    chance = summary["deployed"]["probability"]["mean"]
    assert chance == pytest.approx(1 - fates["halted"], rel=1e-9)
    for fate in ("success", "catastrophe"):
        assert summary["deployed"][fate]["mean"] == pytest.approx(fates[fate] / chance, rel=1e-9)


def test_nuts_reports_its_own_diagnostics() -> None:
    # Bits have to be sampled, and evidence about the outcome bears on them.
    routes = [Route(id="r", class_="deceptive", bits={"normal": [0, 1]}, harm=1), OFF]
    seen = Evidence(id="e", about=About(outcome=True), bayes_factor={"deceptive": 1, "default": 0})
    doc = summarize(assess(resolve(tell({}, routes, evidence=(seen,))), method="nuts"))
    assert {"r_hat_max", "ess_bulk_min", "ess_tail_min", "divergences"} <= set(doc["diagnostics"])
    assert "nutpie" in doc["versions"]
    json.dumps(doc, allow_nan=False)


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(small_stories(max_assumptions=4, max_routes=4, certain=False))
def test_any_story_gives_finite_json(story: Story) -> None:
    try:
        doc = summarize(assess(resolve(story), method="weighting", draws=64))
    except InputError as error:
        assert "impossible" in str(error)
        return
    assert list(doc) == KEYS
    json.dumps(doc, allow_nan=False)
    if doc["paths"]:
        total = math.fsum(path["share_top"] for path in doc["paths"])
        assert total == pytest.approx(1.0, rel=1e-9)


# --- weakest links ------------------------------------------------------------------------------


def links(story: Story) -> dict[str, str | None]:
    found = summarize(assess(resolve(story)))["paths"]
    return {path["hazard"] or path["route"]: path["weakest_link"] for path in found}


def test_carlsmith() -> None:
    doc = summarize(assess(resolve(load_story("carlsmith-six-premises"))))
    assert abs(doc["fates"]["catastrophe"]["mean"] - 0.051376) < 1e-12
    product = math.prod((0.65, 0.80, 0.40, 0.65, 0.40, 0.95))
    assert doc["fates"]["catastrophe"]["mean"] == pytest.approx(product, rel=1e-12)
    # Negating any premise shuts the chain: it hangs on the least likely step, the first of the
    # two at 0.40.
    assert doc["paths"][0]["weakest_link"] == "alignment-much-harder"


def test_a_conjunction_hangs_on_its_least_likely_part() -> None:
    routes = [Route(id="r", class_="deceptive", requires=("a", "b", "not c"), bits=0, harm=1), OFF]
    story = tell({"a": believe(0.9), "b": believe(0.2), "c": believe(0.5)}, routes)
    assert links(story)["r"] == "b"
    story = tell({"a": believe(0.9), "b": believe(0.6), "c": believe(0.8)}, routes)
    assert links(story)["r"] == "not c"


def test_what_cannot_be_otherwise_is_no_link() -> None:
    routes = [Route(id="r", class_="deceptive", requires=("a", "b"), bits=0, harm=1), OFF]
    assert links(tell({"a": believe(1.0), "b": believe(0.9)}, routes))["r"] == "b"
    assert links(tell({"a": believe(1.0), "b": believe(1.0)}, routes))["r"] is None
    assert links(tell({"a": believe(1.0), "b": believe(1.0)}, routes))["something-else"] is None


def test_another_way_in_takes_the_weight_off_a_link() -> None:
    """`a` opens the route together with either of the others; only `a` shuts it."""
    requires = {"all": ["a", {"any": ["b", "c"]}]}
    routes = [Route(id="r", class_="deceptive", requires=requires, bits=0, harm=1), OFF]
    story = tell({"a": believe(0.9), "b": believe(0.2), "c": believe(0.2)}, routes)
    found = summarize(assess(resolve(story)))["paths"]
    assert [p["weakest_link"] for p in found if p["route"] == "r"] == ["a", "a"]
    assert all(p["overlaps"] for p in found if p["route"] == "r")


def test_a_path_of_less_concern_has_none_even_if_another_shares_its_conditions() -> None:
    found = summarize(assess(resolve(many_routes(40)), draws=64))["paths"]
    assert len(found) > LINKED_PATHS
    assert all(path["weakest_link"] for path in found[:20] if path["literals"])
    assert found[-1]["literals"] and found[-1]["weakest_link"] is None


# --- the lens -----------------------------------------------------------------------------------


@pytest.mark.parametrize("optimization", ["none", "narrow", "myopic", "open-ended"])
@pytest.mark.parametrize("loss_seeking", [True, False])
def test_the_lens_says_what_it_means(optimization: str, loss_seeking: bool) -> None:
    routes = [Route(id="r", class_="mesa-optimizer", bits=1, harm=1), OFF]
    hazard = Hazard(id="h", criterion="alignment", probability=0.25)
    story = tell(
        {}, routes, hazards=(hazard,), optimization=optimization, loss_seeking=loss_seeking
    )
    lens = summarize(assess(resolve(story)))["lens"]
    assert lens["applies"] is loss_seeking
    if not loss_seeking:
        wording = {
            "none": "does not optimize anything itself",
            "narrow": "narrow domain",
            "myopic": "myopically",
            "open-ended": "something other than its training objective",
        }[optimization]
        assert wording in lens["reason"]
        assert lens["outer_alignment"] is lens["inner_alignment"] is None
        return
    assert "(outer)" in lens["reason"]
    assert "(inner)" in lens["reason"]
    assert lens["outer_alignment"]["mean"] == pytest.approx(0.75, rel=1e-12)
    # Intended against a rival of one bit; an intended model that optimizes nothing is no optimizer.
    expected = 0.0 if optimization == "none" else 1 / 3
    assert lens["inner_alignment"]["mean"] == pytest.approx(expected, rel=1e-12)


# --- provenance ---------------------------------------------------------------------------------


def written(part: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every PRIOR of a record with its key path, found by walking the record."""
    if isinstance(part, Form):
        yield path, part
    elif isinstance(part, Record):
        for name, field in type(part).model_fields.items():
            yield from written(getattr(part, name), f"{path}.{field.alias or name}".lstrip("."))
    elif isinstance(part, dict):
        for key, value in part.items():
            yield from written(value, f"{path}.{key}".lstrip("."))
    elif isinstance(part, tuple):
        for index, value in enumerate(part):
            yield from written(value, f"{path}[{index}]")


def test_provenance_lists_every_written_number_once(
    summary: dict[str, Any], assessed: Assessment
) -> None:
    # What is only proposed bears on no odds, and is told by itself.
    proposed = proposal_provenance(assessed.prepared.resolved)
    listed = [entry["key"] for entry in (*summary["provenance"], *proposed)]
    assert len(listed) == len(set(listed))
    story = assessed.prepared.resolved.story
    expected = dict(written(story))
    inherited = {e["key"] for e in summary["provenance"] if e["origin"].startswith("catalog")}
    # A route that the catalog has is whole in code, and in the file what it does not say again.
    assert set(listed) - inherited == set(expected) - inherited
    data = yaml.safe_load(story_text(story.story))
    for entry in summary["provenance"]:
        assert entry["basis"] in ("elicited", "assumed", "measured")
        assert entry["kind"] in ("probability", "bits")
        if entry["key"] in inherited:
            continue
        assert entry["form"] == plain_prior(expected[entry["key"]])
        assert np.size(at := spelled(data, entry["key"])) or at == 0


def spelled(data: Any, key_path: str) -> Any:
    """Follow a key path into the file; YAML's own true and false are keys there."""
    for word in ("true", "false"):
        if key_path.endswith(f".{word}"):
            table = follow(data, key_path.removesuffix(f".{word}"))
            return table.get(word, table.get(word == "true"))
    return follow(data, key_path)


def test_settings_and_views_are_named_in_the_provenance() -> None:
    story = tell({"a": believe(0.3)}, evidence=[item("e", {"assumption": "a"},
                 bayes_factor={"true": 1})])  # fmt: skip
    doc = summarize(assess(resolve(story, settings={"a": 0.5})))
    entry = next(e for e in doc["provenance"] if e["name"] == "a.probability")
    assert entry["origin"] == "setting"
    assert entry["form"] == 0.5
    assert doc["settings"] == {"a": "0.5"}


def test_a_conditional_table_lists_each_row() -> None:
    rows = (GivenRow(when="a", probability=0.2), GivenRow(otherwise=0.1))
    story = tell({"a": believe(0.3), "b": Assumption(given=rows)})
    keys = [e["key"] for e in summarize(assess(resolve(story)))["provenance"]]
    assert "assumptions.b.given[0].probability" in keys
    assert "assumptions.b.given[1].otherwise" in keys


def test_a_whole_without_digits_has_no_parts() -> None:
    """Nine of the least number to eight of it is no conditional probability."""
    least, one = np.array([np.finfo(np.float64).smallest_subnormal]), np.ones(1)
    draws = 9 * least, 8 * least, one
    assert summarize_quotient(draws, draws) is None
    draws = np.array([1e-307]), np.array([2e-307]), one
    summary = summarize_quotient(draws, draws)
    assert summary is not None
    assert summary["mean"] == 0.5
