"""Paths of stories in stages are told as sequences, in every place that tells of paths."""

import io

from rich.console import Console
from support.pipeline import pipeline, pipeline_estimate

from storyodds.reports.dashboard.page_data import make_dossier
from storyodds.reports.dashboard.sections_odds import failure_paths
from storyodds.reports.documents.cards.card import make_card
from storyodds.reports.documents.cards.narrative import narrative
from storyodds.reports.documents.estimate.paths import path_record
from storyodds.reports.exports.gsn.argument import argument
from storyodds.reports.exports.markdown.annex import markdown_report
from storyodds.reports.live.answers import settled
from storyodds.reports.live.requests import State
from storyodds.reports.terminal.estimate import print_report
from storyodds.reports.words.labels import literal_label, number_label
from storyodds.reports.words.levers import lever_words
from storyodds.reports.words.recipe import recipe_of_document
from storyodds.reports.words.sequences import (
    is_sequence,
    link_words,
    path_links,
    path_words,
    sequence_words,
    unique_names,
)

WORST = "simulator (pre-training), then intended (fine-tuning), then flatterer (reinforcement)"
NOT_BACK = "not test sending back after tuning, first run"


def words(literals: list[str], weakest: str | None = None) -> str:
    return "".join(link.glue + link.words for link in path_links(literals, weakest))


def test_conditions_without_stages_are_as_before() -> None:
    assert words(["a", "not b"]) == "Needs a, not b"
    assert words([]) == ""


def test_what_did_not_happen_is_left_out_unless_all_hangs_on_it() -> None:
    literals = ["x after tuning, first run", NOT_BACK, "y after rest", "not a", "b by rest"]
    assert words(literals) == "First x (tuning), then y (rest), with not a, b by rest"
    whole = "First x (tuning), not sent back by test, then y (rest), with not a, b by rest"
    assert words(literals, NOT_BACK) == whole
    assert link_words(literals, NOT_BACK) == "not sent back by test"


def test_every_way_back_is_where_it_was() -> None:
    runs = ("first", "second", "third")
    literals = []
    for run in runs:
        literals += [f"x after tuning, {run} run"]
        literals += [f"test sending back after tuning, {run} run"] * (run != "third")
    assert sequence_words(literals) == (
        "first x (tuning), sent back once by test, then x (tuning, second run), sent back a "
        "second time by test, then x (tuning, third run)"
    )


def test_the_terminal_tells_a_sequence() -> None:
    document = pipeline_estimate()
    out = io.StringIO()
    print_report(Console(file=out, width=200), document, recipe_of_document(document))
    text = out.getvalue()
    assert f"First {WORST}.".replace("(pre-training)", "(pre-training) (weakest link)") in text
    assert "sending back after" not in text


def test_documents_for_people_tell_sequences() -> None:
    document, resolved = pipeline_estimate(), pipeline().prepared.resolved
    report = markdown_report(document, story=resolved.story)
    assert f"First **{WORST}".replace(", then i", "** (weakest link), then i") in report
    assert "sending back after" not in report
    (path,) = (s for s in narrative(document, make_card(document, resolved, {})) if "path" in s)
    assert path.startswith(f"No failure path is of more concern than first {WORST}: the chance")
    texts = [node.text for node in argument(document, resolved.story).nodes]
    assert any(f"Its path of most concern, first {WORST}, ends in catastrophe" in t for t in texts)


def test_the_page_tells_sequences() -> None:
    section = failure_paths(make_dossier(pipeline(), only=()))
    paths = section.data["paths"]
    assert isinstance(paths, list)
    first = paths[0]
    assert first["opening"] == "In this order"
    assert [link["words"] for link in first["links"]] == WORST.split(", then ")
    assert first["weakest"] == "simulator (pre-training)"
    assert [link["claim"] for link in first["links"]][1] == "It answers as an expert would"
    assert section.notes[0].endswith("unless it says that training was sent back, it was not.")


def test_numbers_of_stages_are_named_for_what_they_are() -> None:
    resolved = pipeline().prepared.resolved
    assert number_label(resolved, "flatterer.bits.reinforcement").startswith(
        "Bits for flatterer in reinforcement"
    )
    assert lever_words("flatterer.bits.reinforcement", resolved) == (
        "how likely “flatterer” is in “reinforcement” beside staying as it is, where it can arise"
    )
    assert lever_words("simulator.bits.pre-training", resolved).endswith(
        "in “pre training” beside a route of 0 bits, where it can arise"
    )
    assert lever_words("aware.from.fine-tuning", resolved) == (
        "how likely it is that “aware” comes true in “fine tuning”, unless it is true already"
    )
    assert lever_words("raters-are-fooled.bits.flatterer", resolved).startswith("how much “raters")
    assert lever_words("sycophancy-test.retrained_flags.flatterer", resolved).endswith(
        "“flatterer” once training was sent back"
    )
    assert literal_label(resolved, "intended after fine-tuning, second run") == (
        "It answers as an expert would."
    )
    back = "sycophancy-test sending back after fine-tuning, first run"
    assert literal_label(resolved, back) == ""


def test_labels_of_paths_say_what_results_say() -> None:
    listed = {frozenset(path["literals"]): path for path in pipeline_estimate()["paths"]}
    sequences = 0
    for path in pipeline().paths:
        record = path_record(path)
        if not is_sequence(record["literals"]):
            continue
        sequences += 1
        course = sequence_words(record["literals"])
        assert path_words(path.label) == f"{record['path']}: {course}"
        assert listed[frozenset(record["literals"])]["literals"] == record["literals"]
        name = unique_names([record["path"]] * 2, [record["literals"], []])[0]
        assert name == f"{record['path']} ({course})"
    assert sequences >= 3


def test_live_pages_say_sequences_in_words() -> None:
    answer = settled(pipeline_estimate(), State())
    paths = answer["paths"]
    assert isinstance(paths, list) and paths[0]["needs"] == f"first {WORST}"
