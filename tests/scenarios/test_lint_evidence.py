"""What a careful reader asks of checks and of evidence, and when it is not asked."""

from typing import Any

import pytest
from support.clean_story import (
    REMEMBERS,
    SPOILED,
    about,
    assert_one_question,
    check,
    codes,
    nudges,
    outcome,
)

AUDIT = {"id": "audit", "claim": "An audit.", "flags": {"deceptive": 0.5, "default": 0.1}}
TRIAL = {"id": "trial", "claim": "A trial.", "flags": {"mesa-optimizer": 0.5, "default": 0.1}}
PANEL = {
    "id": "panel",
    "claim": "Feared.",
    "about": {"class": "deceptive"},
    "forecast": 0.2,
    "sd_bits": 1,
    "source": "a panel",
}
FIXED_IN_A_PACK = "carlsmith-2022/aps-feasible"


@pytest.mark.parametrize(
    ("code", "key_path", "parts", "said"),
    [
        ("blind-check", "checks[0]", check(default=0.1, deceptive=0.1), "good and bad alike"),
        # a hazard adds to the rate of the model that it befell, and 0 adds nothing
        (
            "idle-number",
            "checks[0].flags.bad-intent",
            check(default=0.1, deceptive=0.2, bad_intent=0),
            "is 0 and does nothing",
        ),
        (
            "blind-check",
            "checks[0]",
            {"checks": [{**AUDIT, "flags": {"default": 0.1}, "result": "passed"}, TRIAL]},
            "'audit' flags every kind of model equally often, so its result says nothing",
        ),
        (
            "no-check-left",
            "checks",
            {"checks": [{**AUDIT, "result": "passed"}, {**TRIAL, "result": "passed"}]},
            "all odds are those of deploying it",
        ),
        (
            "no-check-left",
            "checks",
            {"checks": [{**AUDIT, "result": "passed"}, {**TRIAL, "result": "flagged"}]},
            "all odds are those of going on all the same",
        ),
        (
            "evidence-twice",
            "evidence[0]",
            {"checks": [{**AUDIT, "result": "passed"}, TRIAL]}
            | outcome(bayes_factor={"deceptive": -1, "default": 0}, instrument="audit"),
            "'e' was made with 'audit', whose result is evidence already",
        ),
        # by the same rates, however they are written down
        (
            "evidence-twice",
            "evidence[0]",
            {"checks": [{**AUDIT, "result": "flagged"}, TRIAL]}
            | outcome(rates={"schemer": 0.5, "proxy-seeker": 0.1, "default": 0.1}),
            "'e' has the very rates of 'audit'",
        ),
        (
            "blind-evidence",
            "evidence[0]",
            outcome(rates={"other": 0.2, "default": 0.2}),
            "cannot tell any two apart",
        ),
        (
            "blind-evidence",
            "evidence[0]",
            outcome(bayes_factor={"deceptive": 0, "default": 0}),
            "cannot tell any two apart",
        ),
        (
            "blind-evidence",
            "evidence[0]",
            about("aware", bayes_factor={"true": 0}),
            "cannot tell any two apart",
        ),
        (
            "blind-evidence",
            "evidence[0].relevance",
            about("aware", bayes_factor={"true": 2}, relevance=0),
            "no relevance",
        ),
        (
            "idle-evidence",
            "evidence[0].about.assumption",
            {"assumptions": {"remembers": REMEMBERS}}
            | about("remembers", bayes_factor={"true": 2}),
            "nothing in the story depends on 'remembers'",
        ),
        (
            "idle-evidence",
            "evidence[0].about.assumption",
            {"assumptions": {"aware": {"claim": "It is.", "probability": 1}}}
            | about("aware", bayes_factor={"true": 2}),
            "'aware' is certain from the start",
        ),
        # an opinion moves no number that is fixed, nor what follows from such numbers alone
        (
            "idle-evidence",
            "evidence[0].forecast",
            about("aware", forecast=0.8, sd_bits=1),
            "the probability of 'aware' is fixed by the story's numbers, so the forecast 'e' does "
            "nothing",
        ),
        (
            "idle-evidence",
            "evidence[0].forecast",
            {
                "assumptions": {
                    "aware": {
                        "claim": "It is.",
                        "given": [
                            {"when": "optimizes", "probability": {"ref": FIXED_IN_A_PACK}},
                            {"otherwise": 0.1},
                        ],
                    }
                }
            }
            | about("aware", forecast=0.8, sd_bits=1),
            "the probability of 'aware' is fixed",
        ),
        (
            "idle-evidence",
            "evidence[0].forecast",
            nudges({"intended": 1}) | {"evidence": [PANEL]},
            "the probability of class deceptive is fixed",
        ),
        (
            "spoiled-detector",
            "checks[0].flags.schemer",
            {"checks": [{**SPOILED, "flags": {"schemer": [0.2, 0.6], "default": 0.1}}]},
            "flags 'schemer' more often",
        ),
        (
            "spoiled-detector",
            "evidence[0].instrument",
            {"checks": [{**SPOILED, "flags": {"default": 0.1}}]}
            | outcome(bayes_factor={"deceptive": -2, "default": 0}, instrument="probe"),
            "'e' rests on 'probe'",
        ),
        (
            "spoiled-detector",
            "evidence[0].instrument",
            {"checks": [{**SPOILED, "flags": {"default": 0.1}}]}
            | about("aware", bayes_factor={"true": -2}, instrument="probe"),
            "'e' rests on 'probe'",
        ),
    ],
)
def test_a_question_and_its_place(
    code: str, key_path: str, parts: dict[str, Any], said: str
) -> None:
    assert_one_question(code, key_path, parts, said)


@pytest.mark.parametrize(
    "parts",
    [
        check(default=0.1, deceptive=0.2),
        check(default=0.1, bad_intent=0.2),
        # what a hazard adds comes on top, so an equal rate is no sign of blindness
        check(default=0.1, bad_intent=0.1),
        # the same detector may have been used on something else, or have other rates
        {"checks": [{**AUDIT, "result": "passed"}, TRIAL]}
        | about("aware", bayes_factor={"true": 2}, instrument="audit"),
        {"checks": [{**AUDIT, "result": "passed"}, TRIAL]}
        | outcome(rates={"deceptive": 0.4, "default": 0.1}),
        # a check that has not been run yet is no evidence
        {"checks": [AUDIT]} | outcome(rates=AUDIT["flags"], instrument="audit"),
        {"checks": [AUDIT, {**TRIAL, "result": "passed"}]},
        # a forecast of what is uncertain, itself or by what decides it
        about("aware", forecast=0.8, sd_bits=1)
        | {
            "assumptions": {
                "optimizes": {"claim": "It does.", "probability": [0.2, 0.4]},
                "aware": {
                    "claim": "It is.",
                    "given": [{"when": "optimizes", "probability": 0.5}, {"otherwise": 0.1}],
                },
            }
        },
        nudges({"intended": [0, 1]}) | {"evidence": [PANEL]},
        # trained against, a check has every reason to be blind
        {"checks": [{**SPOILED, "flags": {"default": 0.1}}]},
        {"checks": [{**SPOILED, "flags": {"mesa-optimizer": 0.3, "default": 0.1}}]},
        {"checks": [{**SPOILED, "flags": {"deceptive": 0.05, "default": 0.1}}]},
        outcome(rates={"deceptive": 0.1, "default": 0.2}),
        outcome(bayes_factor={"schemer": 1, "default": 0}),
        about("aware", bayes_factor={"true": 2}, relevance=0.5),
        about(
            "aware",
            counts={"hits": 1, "trials": 9},
            rates={"true": [0.1, 0.3], "false": [0.1, 0.2]},
        ),
        {"evidence": [PANEL]},
        # held out, the same probe may tell
        {"checks": [{**SPOILED, "role": "held-out", "flags": {"deceptive": 0.5, "default": 0.1}}]}
        | outcome(bayes_factor={"deceptive": -2, "default": 0}, instrument="probe"),
        # trained against, it may still tell models apart that do not hide
        {"checks": [{**SPOILED, "flags": {"default": 0.1}}]}
        | outcome(bayes_factor={"mesa-optimizer": -2, "default": 0}, instrument="probe"),
    ],
)
def test_what_raises_no_question(parts: dict[str, Any]) -> None:
    assert codes(parts) == set()


def test_a_check_that_only_adds_nothing_is_blind_as_well() -> None:
    assert codes(check(default=0.1, bad_intent=0)) == {"blind-check", "idle-number"}
