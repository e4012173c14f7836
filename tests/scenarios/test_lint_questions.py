"""What a careful reader asks of a valid story: each question, and when it is not asked."""

from typing import Any

import pytest
from support.clean_story import (
    INTENDED_SEARCH,
    REMEMBERS,
    SCHEMER,
    SCHEMER_OPEN,
    about,
    assert_one_question,
    codes,
    constraint,
    nudges,
    outcome,
)


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
    assert_one_question(code, key_path, parts, said)


@pytest.mark.parametrize(
    "parts",
    [
        {
            "goal": {"optimization": "myopic", "loss_seeking": True},
            "routes": [INTENDED_SEARCH, SCHEMER_OPEN],
        },
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
                {"use": "proxy-goal", "mechanism": "proxies"},
                {"use": "proxy-goal", "id": "chats-for-approval", "mechanism": "proxies"},
            ]
        },
        # mechanisms may stand alone, if they do not look like slips
        {
            "routes": [
                {**SCHEMER_OPEN, "mechanism": "goal-guarding"},
                {**SCHEMER_OPEN, "id": "b", "mechanism": "wrong-proxy"},
                {**SCHEMER_OPEN, "id": "c", "mechanism": "wrong-proxy"},
            ]
        },
        nudges({"intended": 1, "schemer": -1}, when="aware"),
        outcome(rates={"schemer": 0.2, "mesa-optimizer": 0.3, "default": 0.1}),
    ],
)  # fmt: skip
def test_what_raises_no_question(parts: dict[str, Any]) -> None:
    assert codes(parts) == set()
