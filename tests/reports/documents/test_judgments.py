"""What a panel's judgments come to, as data and on a terminal."""

import io
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from storyodds import estimate, load_story
from storyodds.priors.distributions.families import distribution_of, rate_like
from storyodds.priors.distributions.forms import parse_prior
from storyodds.priors.panels.classical_model import Calibration, performance
from storyodds.priors.panels.judgments import Belief, Judgments, judgments_text, read_judgments
from storyodds.priors.text.errors import InputError
from storyodds.priors.text.yaml_reader import read_document
from storyodds.reports.documents.judgments import statements_of, summarize_judgments
from storyodds.reports.terminal.judgments import pasted, print_judgments

HEAD = "judgments: duo\ntitle: Two\nexperts: {ann: {name: Ann}, bo: {name: Bo}}\n"


@pytest.fixture(scope="module")
def panel() -> Judgments:
    return read_judgments("example-panel")


@pytest.fixture(scope="module")
def summary(panel: Judgments) -> dict[str, Any]:
    return summarize_judgments(panel, repaired=True)


def printed(summary: dict[str, Any], width: int, method: str = "linear") -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    print_judgments(console, summary, method)
    return console.file.getvalue()  # type: ignore[attr-defined]


# --- data ---------------------------------------------------------------------------------------


def test_weights_are_those_of_the_classical_model(panel: Judgments, summary: Any) -> None:
    seen = Calibration(
        np.array([q.answer for q in panel.calibration]),
        np.array([[q.quantiles[by] for q in panel.calibration] for by in panel.experts]),
        np.array([q.scale == "log" for q in panel.calibration]),
    )
    scores = performance(seen)
    told = [entry["performance"] for entry in summary["performance"]["experts"]]
    assert told == pytest.approx(scores.whole.weights.tolist())
    assert sum(told) == pytest.approx(1.0)
    used = [j["weight"] for j in summary["quantities"][0]["judgments"]]
    assert used == pytest.approx(told)


def test_equal_weights_if_asked_for(panel: Judgments) -> None:
    judgments = summarize_judgments(panel, weights="equal")
    assert [j["weight"] for j in judgments["quantities"][0]["judgments"]] == pytest.approx(
        [1 / 3] * 3
    )
    assert len(judgments["quantities"][0]["pools"]["linear"]["form"]["pool"]) == 3


def test_performance_weights_need_questions() -> None:
    bare = judgments_text(HEAD)
    assert summarize_judgments(bare)["weights"] == "equal"
    with pytest.raises(InputError, match="no calibration questions"):
        summarize_judgments(bare, weights="performance")


def test_the_linear_pool_s_mean_is_the_weighted_mean(summary: Any) -> None:
    for quantity in summary["quantities"]:
        means = [j["mean"] for j in quantity["judgments"]]
        weights = [j["weight"] for j in quantity["judgments"]]
        expected = np.average(means, weights=weights)
        assert quantity["pools"]["linear"]["mean"] == pytest.approx(expected, abs=1e-3)


def test_means_are_exact_enough(summary: Any) -> None:
    for method in ("linear", "logarithmic"):
        pool = summary["quantities"][0]["pools"][method]
        exact = rate_like(distribution_of(parse_prior(pool["form"], "probability"), "probability"))
        assert pool["mean"] == pytest.approx(np.exp(exact.binomial_log_marginal(1, 1)), abs=1e-4)


def test_whoever_did_not_answer_has_no_say() -> None:
    text = HEAD + "quantities: [{id: x, kind: probability, values: {bo: [0.1, 0.2]}}]\n"
    (quantity,) = summarize_judgments(judgments_text(text))["quantities"]
    assert [(j["expert"], j["weight"]) for j in quantity["judgments"]] == [("bo", 1.0)]
    assert not quantity["equal_for_want_of_weights"]


def test_those_without_weight_alone_count_alike(panel: Judgments) -> None:
    quantity = panel.quantities[0]
    only = quantity.model_copy(update={"values": {"bold": quantity.values["bold"]}})
    changed = panel.model_copy(update={"quantities": (only,)})
    experts = summarize_judgments(changed)
    assert experts["performance"]["experts"][1]["performance"] == 0.0
    (found,) = experts["quantities"]
    assert found["equal_for_want_of_weights"]
    assert found["judgments"][0]["weight"] == 1.0
    assert "nobody who answered has weight" in printed(experts, 80)


def test_a_pool_that_does_not_exist_says_why() -> None:
    text = HEAD + "quantities: [{id: x, kind: probability, values: {ann: 0.3, bo: [0.1, 0.2]}}]\n"
    judgments = summarize_judgments(judgments_text(text))
    pools = judgments["quantities"][0]["pools"]
    assert pools["linear"]["form"] is not None
    assert pools["logarithmic"]["form"] is None
    assert pools["logarithmic"]["reason"].startswith("found fixed values beside uncertain ones")
    assert "no logarithmic pool: found fixed values" in printed(judgments, 100)


def test_conditions_and_events_become_statements() -> None:
    said = [
        Belief(by="a", event={"any": ["x", "not y"]}, probability=0.5),
        Belief(by="a", event="y", given=["x"], probability=0.2, weight=3.0),
    ]
    first, second = statements_of(said)
    assert (first.text, second.text) == ("P(x or not y)", "P(y | x)")
    # Atoms by x and y: neither, y, x, both.
    assert first.event.tolist() == [True, False, True, True]
    assert second.event.tolist() == [False, True, False, True]
    assert second.given.tolist() == [False, False, True, True]
    assert second.weight == 3.0


def test_the_conflict_and_its_repair(summary: Any) -> None:
    careful, bold = summary["beliefs"]
    assert careful["coherent"] and careful["repair"] is None
    assert not bold["coherent"]
    (conflict,) = bold["conflicts"]
    assert [item["statement"] for item in conflict["statements"]] == [0, 1, 3]
    # P(hidden-goal) is at least P(aware) P(hidden-goal | aware) = 0.45, and at most 0.55.
    low, high = conflict["statements"][2]["bounds"]
    assert (low, high) == pytest.approx((0.45, 0.55), abs=0.02)
    after = bold["repair"]["probabilities"]
    aware, if_aware, if_not, hidden, caught = after
    assert hidden == pytest.approx(aware * if_aware + (1 - aware) * if_not, abs=1e-6)
    assert caught == pytest.approx(0.4, abs=1e-6)


def test_nothing_is_repaired_unasked(panel: Judgments) -> None:
    assert all(entry["repair"] is None for entry in summarize_judgments(panel)["beliefs"])


def test_what_cannot_be_repaired_is_an_error() -> None:
    text = HEAD + (
        "beliefs:\n- {by: bo, event: a, probability: 0}\n"
        "- {by: bo, event: [a, b], probability: 0.2}\n"
    )
    with pytest.raises(InputError, match="--repair: Bo: found P"):
        summarize_judgments(judgments_text(text), repaired=True)


# --- on a terminal ------------------------------------------------------------------------------


def test_what_is_printed(summary: Any) -> None:
    out = printed(summary, 80)
    for said in (
        "Weights  from 10 questions with known answers",
        "logarithmic pool",
        "✓ All 3 can be true together.",
        "These 3 cannot all be true, any 2 of them can:",
        "The least change of log-odds that makes them coherent:",
    ):
        assert said in out
    assert "Weak weights" not in out


@pytest.mark.parametrize("width", [24, 40, 60, 100])
def test_no_line_is_longer_than_the_terminal(summary: Any, width: int) -> None:
    report = printed(summary, width).split("For a story\n")[0]
    assert max(map(len, report.splitlines())) <= width


def test_few_questions_are_called_weak(panel: Judgments) -> None:
    few = panel.model_copy(update={"calibration": panel.calibration[:6]})
    judgments = summarize_judgments(few)
    assert judgments["performance"]["weak"]
    assert "! Weak weights: 6 questions" in " ".join(printed(judgments, 200).split())


def test_nothing_is_obeyed() -> None:
    text = HEAD.replace("Two", '"[red]Two[/red]"').replace("Ann", '"[bold]Ann"')
    text += "quantities: [{id: x, kind: bits, values: {ann: 1}}]\n"
    out = printed(summarize_judgments(judgments_text(text)), 80)
    assert "[red]Two[/red]" in out and "[bold]Ann" in out


@pytest.mark.parametrize("method", ["linear", "logarithmic"])
def test_what_is_written_out_is_a_story_s_prior(summary: Any, method: str) -> None:
    data = read_document(pasted(summary, method), "pasted").data
    assert set(data) == {"situational-awareness", "nearest-goal-schemer"}
    form = parse_prior(data["situational-awareness"]["probability"], "probability")
    assert (form.basis, form.method) == ("elicited", method)  # type: ignore[union-attr]
    assert form.source is not None and form.source.note is not None
    parse_prior(data["nearest-goal-schemer"]["bits"], "bits")
    settings = {
        "situational-awareness": data["situational-awareness"]["probability"],
        "nearest-goal-schemer": data["nearest-goal-schemer"]["bits"],
    }
    found = estimate(load_story("rlhf-assistant"), settings=settings, draws=64)
    assert found is not None
