"""Panels' files: what is read, and every mistake with its place."""

import re

import pytest

from storyodds.priors.library import pack_entry
from storyodds.priors.panels.judgments import EXAMPLE, judgments_text, read_judgments
from storyodds.priors.text.errors import MAX_MISTAKES, InputError

HEAD = """\
judgments: duo
title: Two people
experts: {ann: {name: Ann}, bo: {name: Bo}}
"""
QUESTION = """\
  - question: How many?
    answer: 3
    quantiles: {ann: [1, 2, 5], bo: [2, 3, 4]}
"""


def complaints(text: str) -> list[str]:
    with pytest.raises(InputError) as error:
        judgments_text(text, "panel.yaml")
    return [
        f"{problem.line}:{problem.key_path}: {problem.message}" for problem in error.value.problems
    ]


def test_a_small_panel() -> None:
    panel = judgments_text(HEAD + "quantities: [{id: x, kind: bits, values: {bo: [-1, 1]}}]\n")
    assert panel.experts["ann"].name == "Ann"
    assert panel.quantities[0].priors["bo"].interval == (-1.0, 1.0)  # type: ignore[union-attr]
    assert panel.document is not None


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ("quantites: []\n", "4:quantites: found the unknown key 'quantites'; did you mean"),
        (
            "quantities: [{id: x, kind: chance, values: {ann: 1}}]\n",
            "4:quantities[0].kind: found 'chance', expected probability or bits",
        ),
        (
            "quantities: [{id: x, kind: probability, values: {anne: 0.2}}]\n",
            "4:quantities[0].values.anne: found 'anne', expected the id of one of the experts; did "
            "you mean 'ann'?",
        ),
        (
            "quantities: [{id: x, kind: probability, values: {ann: 20}}]\n",
            "4:quantities[0].values.ann: found 20, expected a probability from 0 to 1; write 0.2",
        ),
        (
            "quantities: [{id: x, kind: bits, values: {ann: {beta: [1, 2]}}}]\n",
            "4:quantities[0].values.ann: found 'beta', which a number of bits cannot be",
        ),
        (
            "quantities: [{id: x, kind: probability, values: {ann: {ref: carlsmith-2022/aps}}}]\n",
            "4:quantities[0].values.ann: found 'carlsmith-2022/aps', expected an entry of a prior",
        ),
        (
            "quantities:\n- {id: x, kind: bits, values: {ann: 1}}\n"
            "- {id: x, kind: bits, values: {ann: 1}}\n",
            "6:quantities[1].id: found the quantity 'x' a second time, expected it once (line 5)",
        ),
        (
            "quantities: [{id: x, kind: bits, values: {ann: {pool: [{by: A, value: 1}, {by: B, "
            "value: [1, 2]}], method: logarithmic}}}]\n",
            "4:quantities[0].values.ann: found fixed values beside uncertain ones",
        ),
        (
            "quantities: [{id: x, kind: bits, values: {}}]\n",
            "4:quantities[0].values: found an empty mapping, expected at least one",
        ),
        (
            "beliefs: [{by: an, event: a, probability: 0.5}]\n",
            "4:beliefs[0].by: found 'an', expected the id of one of the experts",
        ),
        (
            "beliefs: [{by: ann, event: {none: [a]}, probability: 0.5}]\n",
            "4:beliefs[0].event: found a mapping with the key none, expected an id, 'not id'",
        ),
        (
            "beliefs: [{by: ann, event: a, given: not  b, probability: 0.5}]\n",
            "4:beliefs[0].given: found 'not  b', expected an id",
        ),
        (
            "beliefs: [{by: ann, event: a, probability: 1.5}]\n",
            "4:beliefs[0].probability: found 1.5, expected a number of 1 or less",
        ),
        (
            "calibration:\n" + QUESTION,
            "5:calibration: found 1 question, expected none or at least 4",
        ),
        (
            "calibration:\n" + QUESTION * 3 + QUESTION.replace("ann: [1, 2, 5], ", ""),
            "16:calibration[3].quantiles: found no quantiles by ann, expected every expert's",
        ),
        (
            "calibration:\n" + QUESTION * 3 + QUESTION.replace("[1, 2, 5]", "[1, 1, 5]"),
            "16:calibration[3].quantiles.ann: found [1, 1, 5], expected three rising numbers",
        ),
        (
            "calibration:\n" + QUESTION * 3 + QUESTION.replace("[1, 2, 5]", "[1, 2]"),
            "16:calibration[3].quantiles.ann",
        ),
        (
            "calibration:\n" + QUESTION * 3 + QUESTION.replace("3\n", "0\n    scale: log\n"),
            "15:calibration[3].answer: found 0, expected a number above 0 on a log scale",
        ),
        (
            "calibration:\n"
            + QUESTION * 3
            + QUESTION.replace("[2,", "[-2,").replace("3\n", "3\n    scale: log\n"),
            "17:calibration[3].quantiles.bo[0]: found -2, expected a number above 0 on a log scale",
        ),
    ],
)
def test_mistakes(rest: str, expected: str) -> None:
    (found,) = complaints(HEAD + rest)
    assert found.startswith(expected)


def test_all_mistakes_at_once() -> None:
    found = complaints(
        HEAD.replace("title", "tilte") + "beliefs: [{by: x, event: a, probability: 2}]\n"
    )
    assert [line.split(": ")[0] for line in found] == [
        "2:tilte",
        "4:beliefs[0].by",
        "4:beliefs[0].probability",
    ]


def test_too_many_events() -> None:
    lines = "".join(f"- {{by: ann, event: e{k}, probability: 0.5}}\n" for k in range(14))
    (found,) = complaints(HEAD + "beliefs:\n" + lines)
    assert found.startswith("17:beliefs[12]: found 13 events in the beliefs of 'ann' up to here")


@pytest.mark.parametrize("text", ["[]\n", "5\n", "experts: 5\n", "calibration: 5\nbeliefs: {}\n"])
def test_what_is_no_panel_at_all(text: str) -> None:
    assert complaints(text)


def test_the_example_says_that_it_is_invented() -> None:
    panel = read_judgments(EXAMPLE)
    assert panel.judgments == EXAMPLE
    assert all(expert.name.startswith("Invented") for expert in panel.experts.values())
    assert panel.source is not None and "nobody gave these" in (panel.source.note or "")


@pytest.mark.parametrize(
    ("question", "entry", "per"),
    [
        (0, "reward-tampering", 100_000),
        (1, "reward-tampering-covered-up", 100_000),
        (2, "sleeper-persistence-normal", 100),
        (3, "sleeper-persistence-distilled", 100),
        (4, "emergent-misalignment-replication", 100),
        (5, "compliance-gap", 100),
        (6, "shutdown-codex-mini", 100),
        (7, "shutdown-o4-mini", 100),
        (8, "shutdown-o3-not-told", 100),
        (9, "shutdown-gemini-not-told", 100),
    ],
)
def test_the_example_s_answers_are_those_of_the_pack(question: int, entry: str, per: int) -> None:
    counts = pack_entry(f"empirical-counts/{entry}").value["counts"]
    said = read_judgments(EXAMPLE).calibration[question]
    assert said.answer == pytest.approx(per * counts["hits"] / counts["trials"], rel=0.02)
    if said.source is not None and (
        match := re.fullmatch(r"(\S+) of (\S+)", said.source.note or "")
    ):
        hits, trials = (int(number.replace(",", "")) for number in match.groups())
        assert (hits, trials) == (counts["hits"], counts["trials"])


def test_no_more_mistakes_are_listed_than_anybody_reads() -> None:
    """Each question names an expert who is not of the panel."""
    question = "  - {question: q, answer: 1, quantiles: {nobody: [1, 2, 3]}}\n"
    text = "judgments: p\ntitle: t\nexperts: {a: {name: A}}\ncalibration:\n"
    with pytest.raises(InputError) as caught:
        judgments_text(text + question * (MAX_MISTAKES + 1))
    assert len(caught.value.problems) == MAX_MISTAKES
