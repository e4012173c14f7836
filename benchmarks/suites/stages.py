"""Stage ladder: training in more and more stages, of ten routes and twenty assumptions.

The reference is the forward recursion written out for this one family of stories: where a stage
began decides which routes are open in it, each assumption decides one nudge in one stage, and so
each stage is a matrix from where it began to where it ends, averaged over its own assumptions.
"""

import itertools
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
from asked import ask
from contest import Answers, Contestant, Section, Settings, compete, exactly, unchecked
from numpy.typing import NDArray

Array = NDArray[np.float64]

TOLERANCE = 1e-11
SIZES = (4, 6, 8, 12)  # the reference lists all states of the assumptions of a stage
RIVALS, ASSUMPTIONS = 8, 20
HITS, TRIALS = 2, 3  # of the evidence after the stage in the middle, seen in 3 ways
_WAYS = 3
RUNNERS = ("intended", *(f"r{k}" for k in range(RIVALS)), "something-else")
_CANNOT = "pyAgrum, pgmpy, SCRAM: no routes in competition, so every table is worked out by hand"


def run(settings: Settings) -> Iterator[Section]:
    """One section for each number of stages."""
    for size in SIZES[:2] if settings.quick else SIZES:
        yield _section(size, settings)


def _section(size: int, settings: Settings) -> Section:
    drawn = _draw(size, settings.draws, settings.seed)
    expected = _by_recursion(size, drawn)
    story = ask(_story(size), drawn, RUNNERS)
    draws = settings.draws
    contestants = [
        Contestant("numpy recursion", lambda: _by_recursion(size, drawn), draws, unchecked),
        story.contestant(exactly(expected, TOLERANCE)),
    ]
    return Section(
        "stages",
        f"{size} stages of {len(RUNNERS)} routes, {ASSUMPTIONS} assumptions, {len(drawn)} "
        f"uncertain numbers; every route's probability before and after the evidence at {draws:,} "
        "draws",
        size,
        draws,
        compete(contestants, settings.repeats),
        [story.fact, _CANNOT],
    )


def _stage(assumption: int, size: int) -> int:
    """The stage in which an assumption counts."""
    return assumption % size


def _favored(assumption: int) -> int:
    """The runner that an assumption favors."""
    return 1 + assumption % RIVALS


def _needs(runner: int) -> int | None:
    """What the model has to be as a stage begins, for this runner to be open."""
    return runner - 1 if runner % 3 == 2 else None


def _priors(size: int) -> dict[str, tuple[str, float, float]]:
    """Every uncertain number: ("beta", a, b) or ("normal", mean, sd)."""
    priors: dict[str, tuple[str, float, float]] = {}
    for i in range(ASSUMPTIONS):
        priors[f"a{i}.probability"] = ("beta", 2.0, 3.0)
        priors[f"n{i}.bits.{RUNNERS[_favored(i)]}"] = ("normal", 1.0, 0.7)
    for runner in RUNNERS[1:]:
        for stage in range(size):
            priors[f"{runner}.bits.s{stage}"] = ("normal", -2.0, 0.7)
    for key in ("deceptive", "default"):
        priors[f"seen.rates.{key}"] = ("beta", 2.0, 2.0)
    return priors


def _draw(size: int, draws: int, seed: int) -> dict[str, Array]:
    rng = np.random.default_rng([seed, size])
    return {
        name: rng.beta(a, b, draws) if family == "beta" else rng.normal(a, b, draws)
        for name, (family, a, b) in _priors(size).items()
    }


def _class(runner: int) -> str:
    if runner in (0, len(RUNNERS) - 1):
        return ("intended", "other")[runner > 0]
    return "mesa-optimizer" if _needs(runner) is None else "deceptive"


def _story(size: int) -> str:
    """Write the story, as JSON, which is YAML as well."""
    stages, priors = [f"s{stage}" for stage in range(size)], _priors(size)

    def prior(name: str) -> dict[str, Any]:
        family, a, b = priors[name]
        return {family: [a, b]}

    routes = []
    for r, runner in enumerate(RUNNERS):
        bits = {s: prior(f"{runner}.bits.{s}") if r else 0 for s in stages}
        needs = _needs(r)
        requires = {} if needs is None else {"requires": f"at {RUNNERS[needs]}"}
        harm = {"harm": 0.1} if r else {}
        routes.append({"id": runner, "class": _class(r), "bits": bits} | harm | requires)
    nudges = [
        {
            "id": f"n{i}",
            "when": f"a{i}",
            "bits": {RUNNERS[_favored(i)]: prior(f"n{i}.bits.{RUNNERS[_favored(i)]}")},
            "stages": [stages[_stage(i, size)]],
        }
        for i in range(ASSUMPTIONS)
    ]
    story = {
        "story": "stages",
        "title": "Training in stages",
        "goal": {"specification": "Asked by a benchmark.", "desirability": "For its own sake."},
        "stages": stages,
        "assumptions": {
            f"a{i}": {"probability": prior(f"a{i}.probability")} for i in range(ASSUMPTIONS)
        },
        "rationale": {"nudges": nudges},
        "routes": routes,
        "evidence": [
            {
                "id": "seen",
                "about": {"outcome": True},
                "after": stages[size // 2],
                "counts": {"hits": HITS, "trials": TRIALS},
                "rates": {key: prior(f"seen.rates.{key}") for key in ("deceptive", "default")},
            }
        ],
    }
    return json.dumps(story)


def _by_recursion(size: int, drawn: dict[str, Array]) -> Answers:
    """From stage to stage, by where the one before ended."""
    draws, n = len(next(iter(drawn.values()))), len(RUNNERS)
    rates = np.stack(
        [
            drawn[f"seen.rates.{'deceptive' if _class(r) == 'deceptive' else 'default'}"]
            for r in range(n)
        ],
        axis=1,
    )
    likelihood = _WAYS * rates**HITS * (1 - rates) ** (TRIALS - HITS)
    answers: Answers = {}
    for name in ("prior", "posterior"):
        here = np.ones((draws, 1))  # before the first stage the model is nothing yet
        for stage in range(size):
            here = np.einsum("dp,dpr->dr", here, _moves(stage, size, drawn))
            if name == "posterior" and stage == size // 2:
                here = here * likelihood
        evidence = here.sum(axis=1)
        answers[name] = here / evidence[:, None]
    return answers | {"log P(E)": np.log(evidence)}


def _moves(stage: int, size: int, drawn: dict[str, Array]) -> Array:
    """P(where a stage ends | where it began), (n_draws, n_before, n_runners)."""
    draws, n = len(next(iter(drawn.values()))), len(RUNNERS)
    own = [i for i in range(ASSUMPTIONS) if _stage(i, size) == stage]
    bits = np.stack([np.zeros(draws), *(drawn[f"{r}.bits.s{stage}"] for r in RUNNERS[1:])], axis=1)
    before = [None] if stage == 0 else range(n)
    is_open = np.array([[_needs(r) in (None, b) for r in range(n)] for b in before])
    stays = np.zeros((1, n)) if stage == 0 else np.eye(n)
    moves = np.zeros((draws, len(is_open), n))
    for truth in itertools.product((False, True), repeat=len(own)):
        chance, pushed = np.ones(draws), bits.copy()
        for i, holds in zip(own, truth, strict=True):
            p = drawn[f"a{i}.probability"]
            chance = chance * (p if holds else 1 - p)
            if holds:
                runner = _favored(i)
                pushed[:, runner] += drawn[f"n{i}.bits.{RUNNERS[runner]}"]
        weights = is_open * np.exp2(pushed)[:, None, :] + stays
        moves += chance[:, None, None] * weights / weights.sum(axis=2, keepdims=True)
    return moves
