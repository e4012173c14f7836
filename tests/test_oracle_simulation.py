"""The oracle against training runs that happen by chance, and against draws of every number."""

import math
import random
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from support.building import OFF, believe, item, tell
from support.monte_carlo import SimulatedRun, draw_story, mean_and_error, simulate
from support.oracle import odds, solve

from storyodds.scenarios.grammar.formulas import AnyOf
from storyodds.scenarios.grammar.parts import GivenRow
from storyodds.scenarios.schema import Assumption, Check, Constraint, Hazard, Nudge, Route
from storyodds.scenarios.story import Story

SEED = 5
RUNS = 40_000
# The seed is fixed: this only says how far off a right answer may come to be, once in 15,000 for
# each of some 40 numbers.
SIGMAS = 4.0

ROWS = (GivenRow(when="a", probability=0.7), GivenRow(otherwise=0.2))
STORY = tell(
    {
        "a": believe(0.4),
        "b": Assumption(given=ROWS),
        "c": Assumption(holds_when=AnyOf(any=("a", "not b"))),
    },
    (
        Route(id="scheme", class_="deceptive", requires="b", bits=1, harm=0.5, mechanism="m"),
        Route(id="drift", class_="mesa-optimizer", bits=-1, harm=0.2, mechanism="m"),
        Route(id="twin", class_="intended", requires="c", bits=0.5, harm=0.1),
        Route(id="something-else", class_="other", bits=-1, harm=0.1),
    ),
    constraints=[Constraint(id="k", holds=("a", "b"), rules_out=("mesa-optimizer",))],
    nudges=[Nudge(id="n", when="c", bits={"intended": 1, "scheme": 0.5})],
    hazards=(
        Hazard(id="h0", criterion="alignment", requires="a", probability=0.5, harm=0.4),
        Hazard(id="h1", criterion="alignment", probability=0.3, harm=0.2),
        Hazard(id="h2", criterion="competitiveness", requires="c", probability=0.6, harm=0.1),
    ),
    checks=[
        Check(id="live", flags={"deceptive": 0.5, "h0": 0.4, "h2": 0.1, "default": 0.1}),
        Check(id="late", flags={"scheme": 0.3, "h1": 0.2, "default": 0.05}),
        Check(id="past", flags={"scheme": 0.6, "h0": 0.3, "default": 0.2}, result="flagged"),
    ],
)


def test_runs_by_chance() -> None:
    """What is known is conditioned on by leaving out the runs where it is otherwise."""
    rng = random.Random(SEED)
    runs = [run for run in (simulate(STORY, rng) for _ in range(RUNS)) if "past" in run.flagged]
    answer = solve(STORY)
    assert answer.deployed is not None

    def intended(run: SimulatedRun) -> bool:
        return run.route.class_ == "intended"

    def good(run: SimulatedRun) -> bool:
        return intended(run) and not run.fired

    def halted(run: SimulatedRun) -> bool:
        return bool(run.flagged & {"live", "late"})

    def deployed(run: SimulatedRun) -> bool:
        return not halted(run)

    def disaster(run: SimulatedRun) -> bool:
        return deployed(run) and bool(run.harmed_by)

    def success(run: SimulatedRun) -> bool:
        return good(run) and deployed(run) and not run.harmed_by

    def uncompetitive(run: SimulatedRun) -> bool:
        return run.fired == {"h2"} and deployed(run) and not run.harmed_by

    def always(run: SimulatedRun) -> bool:
        return True

    def check(
        exact: float | None,
        event: Callable[[SimulatedRun], bool],
        condition: Callable[[SimulatedRun], bool] = always,
    ) -> None:
        assert exact is not None
        among = [event(run) for run in runs if condition(run)]
        error = math.sqrt(exact * (1 - exact) / len(among))
        assert abs(sum(among) / len(among) - exact) < SIGMAS * error

    share = math.exp(answer.log_evidence)
    assert abs(len(runs) / RUNS - share) < SIGMAS * math.sqrt(share * (1 - share) / RUNS)
    for name, chance in answer.classes.items():
        check(chance, lambda run, name=name: run.route.class_ == name)
    for name, chance in answer.assumptions.items():
        check(chance, lambda run, name=name: run.truth[name])
    for name, chance in answer.hazards_given_intended.items():
        check(chance, lambda run, name=name: name in run.fired, intended)
    check(
        answer.criteria_given_intended["goal_alignment"], lambda run: run.fired <= {"h2"}, intended
    )
    check(answer.fates["halted"], halted)
    check(answer.fates["catastrophe"], disaster)
    check(answer.fates["success"], success)
    check(answer.fates["uncompetitive"], uncompetitive)
    check(answer.false_alarm, lambda run: good(run) and halted(run) and not run.harmed_by)
    check(answer.deployed["success"], success, deployed)
    check(answer.deployed["catastrophe"], disaster, deployed)
    check(
        answer.catastrophe_given_deployed_failure,
        disaster,
        lambda run: deployed(run) and not success(run),
    )
    check(answer.mechanisms["m"], lambda run: disaster(run) and run.route.mechanism == "m")
    way = frozenset({("a", True)})
    path = answer.paths["h0", way]
    check(path.probability, lambda run: "h0" in run.fired)
    check(path.undetected, deployed, lambda run: "h0" in run.fired)
    check(path.concern, lambda run: deployed(run) and "h0" in run.harmed_by)
    check(
        answer.checks_caught["live"]["twin"],
        lambda run: "live" in run.flagged,
        lambda run: run.route.id == "twin",
    )
    spared = answer.fates["catastrophe"] + answer.checks_added["live"]
    check(spared, lambda run: "late" not in run.flagged and bool(run.harmed_by))


def test_goal_criteria_by_making_runs_end_as_intended() -> None:
    """Keep what the evidence says of assumptions, and let the hazards have their chance again."""
    rng = random.Random(SEED)
    answer = solve(STORY)

    @cache
    def made(truth: tuple[tuple[str, bool], ...]) -> Story:
        """A story in which these assumptions are certain, and the intended model all but so."""
        fixed = {name: believe(float(value)) for name, value in truth}
        return tell(fixed, (OFF,), hazards=STORY.goal.hazards)

    clean: dict[str, list[bool]] = {"goal_alignment": [], "goal_competitiveness": []}
    while len(clean["goal_alignment"]) < RUNS // 8:
        run = simulate(STORY, rng)
        if "past" not in run.flagged:
            continue
        fired = simulate(made(tuple(run.truth.items())), rng).fired
        clean["goal_alignment"].append(fired <= {"h2"})
        clean["goal_competitiveness"].append("h2" not in fired)
    for name, events in clean.items():
        exact = answer.criteria[name]
        assert exact is not None
        error = math.sqrt(exact * (1 - exact) / len(events))
        assert abs(sum(events) / len(events) - exact) < SIGMAS * error


@pytest.mark.parametrize("result", ["passed", "flagged"])
def test_averages_over_the_findings_own_numbers(result: str) -> None:
    """Each by its own draws, with every answer weighted by P(E), equals averaging beforehand."""
    seen = item(
        "seen",
        {"outcome": True},
        counts={"hits": 2, "trials": 3},
        rates={"deceptive": {"beta": (3, 2)}, "r": (0.2, 0.6), "default": {"beta": (1, 3)}},
        relevance={"beta": (2, 2)},
    )
    finding = item("told", {"assumption": "a"}, bayes_factor={"true": {"normal": (1, 0.5)}})
    flags = {"deceptive": (0.3, 0.8), "h": {"beta": (2, 2)}, "default": {"beta": (1, 9)}}
    story = tell(
        {"a": believe(0.3)},
        (
            Route(id="r", class_="deceptive", requires="a", bits=1, harm=0.5),
            Route(id="s", class_="deceptive", bits=0, harm=0.5),
            Route(id="something-else", class_="other", bits=-1, harm=0.1),
        ),
        hazards=(Hazard(id="h", criterion="alignment", probability=0.5, harm=0.2),),
        checks=[Check(id="v", flags=flags, result=result)],
        evidence=[seen, finding],
    )
    exact = solve(story, collapse=True)
    rng = random.Random(SEED)
    drawn = [odds(draw_story(story, rng)) for _ in range(1000)]
    weights = np.exp([log_evidence for _, log_evidence in drawn])
    mean, error = float(weights.mean()), float(weights.std() / math.sqrt(len(drawn)))
    assert abs(mean - math.exp(exact.log_evidence)) < SIGMAS * error
    for name in ("success", "catastrophe"):
        mean, error = mean_and_error(np.array([table[name] for table, _ in drawn]), weights)
        assert abs(mean - exact.fates[name]) < SIGMAS * error


def test_findings_are_kept_for_averaging() -> None:
    rates = {"true": {"beta": (2, 1)}, "false": {"beta": (1, 2)}}
    seen = item("seen", {"assumption": "a"}, counts={"hits": 1, "trials": 1}, rates=rates)
    flags = {"default": {"beta": (1, 1)}}
    checks = (Check(id="v", flags=flags, result="passed"), Check(id="w", flags=flags))
    story = tell({"a": believe({"beta": (1, 1)})}, checks=checks, evidence=[seen])
    drawn = draw_story(story, random.Random(SEED), keep_findings=True)
    assert (drawn.evidence, drawn.checks[0]) == (story.evidence, checks[0])
    assert drawn.checks[1] != checks[1]
    # By the means 2/3 and 1/3 of the two rates.
    answer = solve(drawn, collapse=True)
    before = answer.prior_assumptions["a"]
    assert answer.assumptions["a"] == pytest.approx(2 * before / (1 + before))
