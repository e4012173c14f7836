"""The numbers of one person leave a live page as a file that `storyodds judgments` reads."""

from pathlib import Path

import pytest
from support.command_line import Run, document

from storyodds import InputError, load_story
from storyodds.priors.panels.judgments import read_judgments
from storyodds.reports.live.own_numbers import judgments_text
from storyodds.reports.live.tasks import Computer
from storyodds.scenarios.resolve import resolve

SET = {
    "clumsy-play.probability": "30% to 50%",
    "coin-is-salient.bits.intended": "{normal: [1, 2]}",
    "something-else.bits": "-2",
}


def test_they_are_read_as_they_were_set(tmp_path: Path, run: Run) -> None:
    here = Computer(tmp_path, draws=64)
    task = {"do": "judgments", "story": "coinrun-agent", "state": {"set": SET}}
    file = tmp_path / "mine.yaml"
    file.write_text(here.do(task)["done"]["yaml"], "utf-8")
    panel = read_judgments(str(file))
    values = {quantity.claim: (quantity.kind, quantity.values) for quantity in panel.quantities}
    assert values == {
        "clumsy-play.probability": ("probability", {"me": [0.3, 0.5]}),
        "coin-is-salient.bits.intended": ("bits", {"me": {"normal": [1, 2]}}),
        "something-else.bits": ("bits", {"me": -2}),
    }
    code, out, err = run("judgments", str(file), "--json")
    assert (code, err) == (0, "")
    assert len(document(out)["quantities"]) == len(SET)


def test_every_number_of_a_story_has_an_id_of_its_own(tmp_path: Path) -> None:
    written = resolve(load_story("rlhf-assistant"))
    settings = {number.name: 0.5 for number in written.numbers}
    file = tmp_path / "all.yaml"
    file.write_text(judgments_text(written, settings), "utf-8")
    assert [q.claim for q in read_judgments(str(file)).quantities] == list(settings)


def test_nothing_set_is_no_file() -> None:
    with pytest.raises(InputError, match="expected one at least"):
        judgments_text(resolve(load_story("coinrun-agent")), {})
