"""What a careful reader asks of a valid story: each question, and when it is not asked."""

from typing import Any

import pytest
from support.clean_story import (
    REMEMBERS,
    SCHEMER,
    SCHEMER_OPEN,
    SPOILED,
    about,
    check,
    codes,
    constraint,
    found,
    nudges,
    outcome,
    with_parts,
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
        (
            "goal-contradiction",
            "goal.optimization",
            {"goal": {"optimization": "none", "loss_seeking": True}},
            "which of the two is meant",
        ),
        ("no-hazard", "goal", {"goal": {"hazards": []}}, "no hazard says how"),
        ("no-rationale", "rationale", {"rationale": {"nudges": []}}, "rather than at a rival"),
        ("untouched-rival", "routes[0]", nudges({"deceptive": 1}), "or against 'proxy-seeker'"),
        (
            "constraint-against-intended",
            "rationale.constraints[0].rules_out[2]",
            constraint("aware", "schemer", "proxy-seeker", "intended"),
            "'c' rules out the intended model too",
        ),
        (
            "idle-constraint",
            "rationale.constraints[0].rules_out",
            constraint("aware", "other") | {"routes": [SCHEMER_OPEN]},
            "'c' rules out 'other', and no route has such a class",
        ),
        (
            "idle-constraint",
            "rationale.constraints[0].rules_out",
            constraint(["not optimizes"], "mesa-optimizer", "deceptive"),
            "what 'proxy-seeker' and 'schemer' requires does not",
        ),
        (
            "idle-assumption",
            "assumptions.remembers",
            {"assumptions": {"remembers": REMEMBERS}},
            "nothing depends on 'remembers'",
        ),
        (
            "never-holds",
            "assumptions.both.holds_when",
            {
                "assumptions": {
                    "both": {"claim": "Both.", "holds_when": ["aware", "not aware"]},
                    "optimizes": {
                        "claim": "It does.",
                        "given": [
                            {"when": "both", "probability": 0.2},
                            {"otherwise": 0.5},
                        ],
                    },
                }
            },
            "contradict each other",
        ),
        (
            "never-holds",
            "rationale.nudges[0].when",
            nudges({"intended": 1}, when={"at_least": 2, "of": ["aware", "not aware"]}),
            "contradict each other",
        ),
        (
            "thin-residual",
            "routes[1].bits",
            {
                "routes": [
                    SCHEMER_OPEN,
                    {
                        **SCHEMER,
                        "id": "something-else",
                        "class": "other",
                        "bits": {"normal": [-9, 1]},
                    },
                ]
            },
            "at most -7.36 bits, less than 0.61%",
        ),
        (
            "thin-residual",
            "routes[1].bits",
            {
                "routes": [
                    SCHEMER_OPEN,
                    {
                        **SCHEMER,
                        "id": "something-else",
                        "class": "other",
                        "bits": {"pool": [{"by": "me", "value": -60}, {"by": "you", "value": -30}]},
                    },
                ]
            },
            "at most -30 bits, less than 0.01%",
        ),
        (
            "unknown-kind",
            "routes[0].kind",
            {"routes": [{**SCHEMER_OPEN, "kind": "shemer"}]},
            "did you mean 'schemer'?",
        ),
        (
            "kind-against-class",
            "routes[0].kind",
            {"routes": [{**SCHEMER_OPEN, "class": "other", "kind": "schemer"}]},
            "'schemer' is a kind of deceptive, and 'schemer' has the class other",
        ),
        (
            "same-mechanism-twice",
            "routes[2]",
            {
                "routes": [
                    SCHEMER_OPEN,
                    {"use": "crystallized-deception", "id": "hider"},
                    {"use": "proxy-goal-schemer"},
                ]
            },
            "the same mechanism as 'hider'",
        ),
        (
            "lone-mechanism",
            "routes[1].mechanism",
            {
                "routes": [
                    {**SCHEMER_OPEN, "mechanism": "goal-guarding"},
                    {**SCHEMER_OPEN, "id": "b", "mechanism": "goal-gaurding"},
                    {**SCHEMER_OPEN, "id": "c", "mechanism": "goal-guarding"},
                ]
            },
            "'goal-gaurding', so nothing is ranked together with it; did you mean 'goal-guarding'?",
        ),
        # of two that stand alone, the later one is asked about
        (
            "lone-mechanism",
            "routes[1].mechanism",
            {
                "routes": [
                    {**SCHEMER_OPEN, "mechanism": "goal-gaurding"},
                    {**SCHEMER_OPEN, "id": "b", "mechanism": "goal-guarding"},
                ]
            },
            "did you mean 'goal-gaurding'?",
        ),
        ("blind-check", "checks[0]", check(default=0.1, deceptive=0.1), "good and bad alike"),
        # a hazard adds to the rate of the model that it befell, and 0 adds nothing
        ("blind-check", "checks[0]", check(default=0.1, bad_intent=0), "good and bad alike"),
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
        (
            "no-claim",
            "rationale.nudges[0]",
            {"rationale": {"nudges": [{"id": "n", "bits": {"intended": 1}}]}},
            "'n' does not say",
        ),
        (
            "unsourced-claim",
            "evidence[0]",
            {
                "evidence": [
                    {
                        "id": "panel",
                        "claim": "They fear it.",
                        "about": {"class": "deceptive"},
                        "forecast": 0.2,
                        "sd_bits": 1,
                    }
                ]
            },
            "does not say whose",
        ),
        (
            "unsourced-claim",
            "assumptions.aware.probability",
            {
                "assumptions": {
                    "aware": {"claim": "It is.", "probability": {"fixed": 0.2, "basis": "elicited"}}
                }
            },
            "said to be elicited, and not from whom",
        ),
        (
            "idle-number",
            "rationale.nudges[0].bits.other",
            nudges({"intended": 1, "other": -1}),
            "no route has that class",
        ),
        (
            "idle-number",
            "rationale.nudges[1].bits.schemer",
            {
                "rationale": {
                    "nudges": [
                        {"id": "n", "claim": "It is simpler.", "bits": {"intended": 1}},
                        {
                            "id": "m",
                            "claim": "It is simpler.",
                            "when": "not aware",
                            "bits": {"schemer": 1},
                        },
                    ]
                }
            },
            "whenever the nudge acts",
        ),
        (
            "idle-number",
            "evidence[0].rates.deceptive",
            outcome(rates={"schemer": 0.2, "deceptive": 0.3, "default": 0.1}),
            "every route of that class has a number of its own",
        ),
    ],
)
def test_a_question_and_its_place(
    code: str, key_path: str, parts: dict[str, Any], said: str
) -> None:
    text = with_parts(parts)
    findings = [finding for finding in found(text) if finding.code != "no-source"]
    assert [finding.code for finding in findings] == [code]
    (finding,) = findings
    assert finding.place.key_path == key_path
    assert said in finding.sentence
    line, column = finding.place.line_and_column
    assert text.splitlines()[line - 1][column - 1] != " "
    assert finding.as_dict() == {
        "code": code,
        "key_path": key_path,
        "line": line,
        "column": column,
        "sentence": finding.sentence,
        "also": [],
    }


@pytest.mark.parametrize(
    "parts",
    [
        {"goal": {"optimization": "myopic", "loss_seeking": True}},
        {"goal": {"optimization": "none", "loss_seeking": False}},
        # nothing here can do harm, so nobody has to ask
        {
            "goal": {"hazards": []},
            "routes": [
                {**SCHEMER_OPEN, "harm": 0},
                {**SCHEMER, "id": "something-else", "class": "other", "harm": 0},
            ],
        },
        nudges({"deceptive": 1}, {"proxy-seeker": 1}),
        nudges({"deceptive": 1, "intended": 1}),
        constraint("aware", "deceptive", "proxy-seeker"),
        # a fact about a class may be wider than the list of routes
        constraint("aware", "deceptive", "mesa-optimizer", "other"),
        constraint({"any": ["not optimizes", "aware"]}, "mesa-optimizer", "deceptive"),
        # used by way of another assumption
        {
            "assumptions": {
                "remembers": REMEMBERS,
                "aware": {"claim": "It is.", "holds_when": {"any": ["remembers", "knows"]}},
                "knows": {"claim": "It knows.", "probability": 0.1},
            }
        },
        # a sign of what is used
        {
            "assumptions": {
                "sign": {
                    "claim": "It shows.",
                    "given": [{"when": "aware", "probability": 0.5}, {"otherwise": 0.1}],
                }
            }
        }
        | about("sign", bayes_factor={"true": 2}),
        nudges({"intended": 1}, when={"at_least": 1, "of": ["aware", "not aware"]}),
        {
            "routes": [
                SCHEMER_OPEN,
                {**SCHEMER, "id": "something-else", "class": "other", "bits": [-12, -6.9]},
            ]
        },
        {"routes": [{**SCHEMER_OPEN, "kind": "schemer"}]},
        # what the story intends may be of a kind that another counts as a failure
        {
            "routes": [
                SCHEMER_OPEN,
                {
                    "id": "pointer",
                    "class": "intended",
                    "kind": "internally-aligned",
                    "claim": "It points.",
                    "bits": 0,
                    "harm": 0,
                },
            ]
        },
        # another way to be what is intended is no rival
        nudges({"deceptive": 1, "mesa-optimizer": 1})
        | {
            "routes": [
                {**SCHEMER_OPEN, "class": "mesa-optimizer"},
                {**SCHEMER_OPEN, "id": "hider"},
                {"id": "pointer", "class": "intended", "claim": "It.", "bits": 0, "harm": 0},
            ]
        },
        # one template may stand for two routes that differ
        {
            "routes": [
                SCHEMER_OPEN,
                {"use": "proxy-goal"},
                {"use": "proxy-goal", "id": "chats-for-approval"},
            ]
        },
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
        # mechanisms may stand alone, if they do not look like slips
        {
            "routes": [
                {**SCHEMER_OPEN, "mechanism": "goal-guarding"},
                {**SCHEMER_OPEN, "id": "b", "mechanism": "wrong-proxy"},
                {**SCHEMER_OPEN, "id": "c", "mechanism": "wrong-proxy"},
            ]
        },
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
        nudges({"intended": 1, "schemer": -1}, when="aware"),
        outcome(rates={"schemer": 0.2, "mesa-optimizer": 0.3, "default": 0.1}),
    ],
)  # fmt: skip
def test_what_raises_no_question(parts: dict[str, Any]) -> None:
    assert codes(parts) == set()
