"""Training in stages, held to plain enumeration over all sequences of routes."""

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from support.staged_oracle import StagedOracle
from support.staged_stories import STAGED, random_story

from storyodds.models.assessment.assessment import assess
from storyodds.models.engine import quantities, sequences
from storyodds.models.engine.stage_moves import questions_of, stage_moves
from storyodds.models.posterior.densities.density import (
    density_in_logs,
    log_density,
    target_of,
)
from storyodds.models.posterior.prepared import prepare
from storyodds.models.story.events import EVENTS
from storyodds.models.story.queries import Query
from storyodds.priors.text.errors import InputError, UnsupportedStoryError
from storyodds.reports.documents.estimate import summarize
from storyodds.scenarios.grammar.outcomes import CLASSES
from storyodds.scenarios.grammar.stages import MAX_STAGES
from storyodds.scenarios.loader import load_text
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.story import Story

_LEAST_EVIDENCE = 1e-12  # below it, what has been seen is refused as impossible or nearly so


@pytest.mark.parametrize(
    ("seeds", "repeats"),
    [
        *((range(10 * block, 10 * (block + 1)), False) for block in range(4)),
        ((1, 6, 9, 11, 12), True),  # of two or three stages, as each is run twice or three times
    ],
)
def test_every_answer_is_what_enumeration_gives(seeds: Sequence[int], repeats: bool) -> None:
    """By the engine alone: paths, which take as long as all else, have tests of their own."""
    for seed in seeds:
        data = random_story(seed, repeats=repeats)
        oracle = StagedOracle(data).solve()
        if oracle.evidence < _LEAST_EVIDENCE:
            continue
        prepared = prepare(resolve(Story.model_validate(data)))
        assert prepared.core == ()  # every number is fixed
        values = prepared.center[None]
        whole = prepared.answers.evaluate(values, prepared.likelihoods)
        log_evidence = float(whole.log_evidence[0])
        assert math.isclose(log_evidence, math.log(oracle.evidence), abs_tol=1e-10), seed
        for event, chance in zip(EVENTS, whole.events[0], strict=True):
            table = oracle.classes if event in oracle.classes else oracle.fates
            assert math.isclose(chance, table[event], abs_tol=1e-10), (seed, event)
        left = {
            (ending.stage, route.id): [Query((), way) for way in ways]
            for ending in prepared.graph.stages
            for route, ways in zip(prepared.graph.routes, ending.ways, strict=True)
        }
        queries = [query for ways in left.values() for query in ways]
        arguments = prepared.compiler, values, prepared.likelihoods, queries
        odds = dict(zip(queries, quantities.outcomes(*arguments)[2][0], strict=True))
        for place, ways in left.items():
            chance = math.fsum(odds[query] for query in ways)
            assert math.isclose(chance, oracle.stages[place], abs_tol=1e-10), (seed, place)
        marked = sequences.sequence_compiler(prepared.compiler)
        evidence = prepared.likelihoods, whole.log_evidence
        (moves,) = stage_moves(marked, values, *evidence, list(questions_of(prepared.graph)))
        ids = [route.id for route in prepared.graph.routes]
        for ending, by_class in zip(prepared.graph.stages[1:], moves, strict=True):
            for name, by_route in zip(CLASSES, by_class, strict=True):
                for route, chance in zip(ids, by_route, strict=True):
                    move = ending.stage, name, route
                    assert math.isclose(chance, oracle.moves[move], abs_tol=1e-10), (seed, move)


def _estimate(data: dict[str, Any], **sampling: Any) -> Any:
    return summarize(assess(resolve(Story.model_validate(data)), **{"draws": 64, **sampling}))


def _is_plain(data: dict[str, Any]) -> bool:
    """Whether no check sends back, so that a sequence is one route a stage."""
    return all(check.get("on_flag") != "retrain" for check in data["checks"])


def test_the_worst_sequences_come_first() -> None:
    looked_at = 0
    for seed in range(8):
        data = random_story(seed)
        oracle = StagedOracle(data).solve()
        if not _is_plain(data) or oracle.evidence < _LEAST_EVIDENCE:
            continue
        looked_at += 1
        by_end: dict[str, list[float]] = {}
        for sequence, chance in oracle.sequences.items():
            by_end.setdefault(sequence[-1], []).append(chance)
        paths = [path for path in _estimate(data)["paths"] if path["hazard"] is None]
        for end, chances in by_end.items():
            listed = [path["concern"]["mean"] for path in paths if path["route"] == end]
            worst = sorted((c for c in chances if c > 0), reverse=True)[: len(listed)]
            assert np.allclose(listed, worst, rtol=0, atol=1e-10), (seed, end)
    assert looked_at >= 3


def test_one_stage_equals_none_to_the_last_digit() -> None:
    single = {**STAGED, "stages": ["early"], "assumptions": {"aware": {"from": {"early": 0.2}}}}
    none = {**STAGED, "assumptions": {"aware": {"probability": 0.2}}}
    del none["stages"]
    routes: list[dict[str, Any]] = STAGED["routes"]
    plain = [{**r, "bits": [-1, 1] if r["id"] != "something-else" else -2} for r in routes]
    plain[2]["requires"] = "aware"
    single["routes"] = [
        {**r, "bits": {"early": [-1, 1]} if r["id"] != "something-else" else -2} for r in plain
    ]
    single["routes"][2]["requires"] = {"any": ["aware", "at proxy"]}  # never so in the first stage
    none["routes"] = plain
    staged, unstaged = _estimate(single), _estimate(none)
    for part in ("classes", "fates", "routes", "deployed"):
        assert staged[part] == unstaged[part]


def test_a_stage_in_which_every_route_is_closed_changes_nothing() -> None:
    longer = {**STAGED, "stages": ["early", "closed", "late"]}
    routes: list[dict[str, Any]] = STAGED["routes"]
    # `something-else` is open in every stage: as good as closed where it has no weight.
    residual = {**routes[3], "bits": {"early": -2, "closed": -60, "late": -2}}
    longer["routes"] = [*routes[:3], residual]
    before, after = _estimate(STAGED, draws=512), _estimate(longer, draws=512)
    for name, odds in before["classes"].items():
        error = before["diagnostics"]["standard_errors"][name]["mean"]
        assert abs(after["classes"][name]["mean"] - odds["mean"]) <= 4 * error + 1e-12


def test_the_density_has_the_derivatives_of_every_stage() -> None:
    prepared = assess(resolve(Story.model_validate(STAGED)), draws=64).prepared
    density, step = log_density(prepared, prepared.center[None].copy()), 1e-6
    n = len(prepared.active)
    assert n == 3  # bits of three routes, each in one stage
    z = np.linspace(-0.5, 0.5, n)
    slopes = density(z)[1]
    for k in range(n):
        aside = step * np.eye(n)[k]
        by_difference = (density(z + aside)[0] - density(z - aside)[0]) / (2 * step)
        assert math.isclose(slopes[k], by_difference, rel_tol=1e-6)
    whole = density_in_logs(prepared, target_of(prepared, prepared.center[None].copy()), z)
    assert np.allclose([density(z)[0], *slopes], [whole[0], *whole[1]], rtol=1e-12, atol=0)


def test_a_narrowed_search_lists_the_worst_or_says_that_it_may_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    narrowed = 0
    for seed in range(5):
        data = random_story(seed)
        if StagedOracle(data).solve().evidence < _LEAST_EVIDENCE:
            continue
        whole = _estimate(data)["paths"]
        with monkeypatch.context() as patch:
            patch.setattr(sequences, "_MOST_BEGINNINGS", 1)
            patch.setattr(sequences, "_KEPT", 2)
            few = _estimate(data)["paths"]
        assert not any(path["narrowed"] for path in whole)
        narrowed += any(path["narrowed"] for path in few)
        for route in {path["route"] for path in few if not path["narrowed"]}:
            listed = [path["literals"] for path in few if path["route"] == route]
            assert [p["literals"] for p in whole if p["route"] == route][: len(listed)] == listed
    assert narrowed >= 2


def test_too_many_stages_are_refused_by_how_many_there_may_be() -> None:
    story = STAGED | {"stages": [f"s{k}" for k in range(MAX_STAGES + 1)]}
    with pytest.raises(InputError, match=rf"found a list of 13, expected at most {MAX_STAGES}\b"):
        load_text(json.dumps(story))


def test_endings_are_listed_where_there_is_no_room_for_sequences(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(*_: object) -> None:
        raise UnsupportedStoryError([])

    whole = _estimate(STAGED)
    monkeypatch.setattr(sequences, "with_marks", refused)
    estimate = _estimate(STAGED)
    endings = {path["route"]: path["literals"] for path in estimate["paths"]}
    assert endings == {r: [f"{r} after late"] for r in ("proxy", "schemer", "something-else")}
    assert estimate["fates"] == whole["fates"]


def test_two_ends_of_one_stage_never_hold_together() -> None:
    prepared = assess(resolve(Story.model_validate(STAGED)), draws=64).prepared
    names = prepared.graph.steps[0].names
    both = Query((), frozenset([(names[0], True), (names[1], True)]))
    values, likelihoods = prepared.center[None], prepared.likelihoods
    chances = quantities.outcomes(prepared.compiler, values, likelihoods, [both])[2]
    assert chances.tolist() == [[0.0]]


def _without(data: dict[str, Any], check: str) -> dict[str, Any]:
    return {**data, "checks": [c for c in data["checks"] if c["id"] != check]}


def test_what_checks_within_training_take_off_is_what_enumeration_gives() -> None:
    looked_at = set()
    for seed in (4, 6, 9, 16, 18, 20):
        data = random_story(seed)
        answer, oracle = _estimate(data), StagedOracle(data)
        for check in data["checks"]:
            without = StagedOracle(_without(data, check["id"])).solve()
            if not oracle.is_within(check) or without.evidence < _LEAST_EVIDENCE:
                continue
            looked_at.add(check["id"])
            taken_off = without.fates["catastrophe"] - oracle.solve().fates["catastrophe"]
            added = answer["checks"][check["id"]]["added"]
            assert math.isclose(added["mean"], taken_off, abs_tol=1e-10), (seed, check["id"])
            assert math.isclose(added["q95"], taken_off, abs_tol=1e-10), (seed, check["id"])
    assert looked_at == {"probe", "gate"}


def test_without_a_check_draws_count_otherwise() -> None:
    """What a check takes off is the difference of two estimates, of the evidence of both."""
    probe = {
        "id": "probe",
        "after": "early",
        "on_flag": "retrain",
        "to": "early",
        "flags": {"proxy": 0.8, "default": 0.1},
    }
    data = {**STAGED, "checks": [*STAGED["checks"], probe]}
    with_it, without = _estimate(data, draws=2048), _estimate(STAGED, draws=2048)
    added = with_it["checks"]["probe"]["added"]
    errors = [
        with_it["diagnostics"]["standard_errors"]["checks.probe.added"]["mean"],
        *(
            one["diagnostics"]["standard_errors"]["catastrophe"]["mean"]
            for one in (with_it, without)
        ),
    ]
    taken_off = without["fates"]["catastrophe"]["mean"] - with_it["fates"]["catastrophe"]["mean"]
    assert abs(added["mean"] - taken_off) <= 4 * math.hypot(*errors)
    assert abs(taken_off) > 40 * errors[0]  # so that a difference would be seen


def test_a_check_within_training_whose_rate_stands_elsewhere_has_no_share_of_its_own() -> None:
    probe = {"id": "probe", "after": "early", "flags": {"default": {"number": "rate"}}}
    audit = {"id": "audit", "flags": {"deceptive": {"number": "rate"}, "default": 0.05}}
    data = {
        **STAGED,
        "numbers": {"rate": {"interval": [0.2, 0.6], "kind": "probability"}},
        "checks": [probe, audit],
    }
    answer = _estimate(data, method="weighting")
    assert answer["checks"]["probe"]["added"] is None
