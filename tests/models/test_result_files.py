"""Saved results of anybody's: sound, damaged, too large, and without an end."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from support.building import on_a_class

from storyodds.models.assessment import result_files
from storyodds.models.assessment.datatree import load_result, save_result
from storyodds.models.assessment.result_files import read_draws
from storyodds.models.comparison.sides import EVENTS
from storyodds.models.story.events import FATES
from storyodds.priors.distributions.forms import Beta
from storyodds.priors.text.errors import InputError
from storyodds.reports.api.estimate import estimate, summarize
from storyodds.scenarios.grammar.outcomes import CLASSES


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A result as it is saved, of which every test damages a copy of its own."""
    path = tmp_path_factory.mktemp("sound") / "old.nc"
    save_result(estimate(on_a_class(Beta(beta=(2, 3))), draws=64), path)
    return path.read_bytes()


@pytest.fixture
def saved(tmp_path: Path, sound: bytes) -> Path:
    path = tmp_path / "old.nc"
    path.write_bytes(sound)
    return path


def test_a_sound_result(saved: Path) -> None:
    found = read_draws(saved)
    assert found.events.shape == (64, len(EVENTS))
    classes = [EVENTS.index(name) for name in CLASSES]
    fates = [EVENTS.index(name) for name in FATES]
    for columns in (classes, fates):
        assert found.events[:, columns].sum(axis=1) == pytest.approx(1)
    assert found.meta["summary"]["story"] == "by-hand"


def rewritten(path: Path, name: str, change: Any) -> None:
    with h5py.File(path, "r+") as file:
        values = file["posterior"][name][...]
        change(values)
        file["posterior"][name][...] = values


def a_nan(values: Any) -> None:
    values[0, 3, 0] = np.nan


def halved(values: Any) -> None:
    values /= 2


def turned(values: Any) -> None:
    values[:] = values[::-1]


@pytest.mark.parametrize(
    ("name", "change", "sentence"),
    [
        ("class_probability", a_nan, "no chances"),
        ("fate_probability", halved, "no chances"),
        ("fate", turned, "other events"),
    ],
)
def test_damaged_draws(saved: Path, name: str, change: Any, sentence: str) -> None:
    rewritten(saved, name, change)
    with pytest.raises(ValueError, match=sentence):
        read_draws(saved)


def test_more_data_than_a_file_can_hold(saved: Path) -> None:
    """Nothing is unpacked to find that out."""
    with h5py.File(saved, "r+") as file:
        chunk = (10**6,)
        file["posterior"].create_dataset("more", (10**9,), "f8", chunks=chunk, compression="gzip")
    with pytest.raises(ValueError, match="more data than a file of this size can hold"):
        read_draws(saved)


@pytest.mark.parametrize("content", [b"", b"no result", b"\x89HDF\r\n\x1a\n" + bytes(500)])
def test_no_result(saved: Path, content: bytes) -> None:
    saved.write_bytes(content)
    with pytest.raises(ValueError, match="damaged"):
        read_draws(saved)


def test_a_file_that_does_not_end(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What HDF5 makes of some files cannot be waited for; here it is not waited at all."""
    monkeypatch.setattr(result_files, "_SECONDS", 0.0)
    with pytest.raises(ValueError, match="to its end"):
        read_draws(saved)


@pytest.mark.skipif(not hasattr(signal, "SIGXCPU"), reason="POSIX counts a process's seconds")
def test_a_reader_that_does_not_end_is_ended_by_its_own_seconds(saved: Path) -> None:
    """A busy machine takes none of them, so a sound file is not taken for an endless one."""
    endless = (
        "from storyodds.models.assessment import result_reader as r; "
        "r.require_heaps_that_end = lambda path: any(iter(int, 1))"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"{endless}; r.main({str(saved)!r}, 'odds', '1')"],
        capture_output=True,
        check=False,
    )
    assert done.returncode == -signal.SIGXCPU


@pytest.mark.parametrize("wanted", ["odds", "whole"])
def test_a_heap_of_texts_that_leads_round_in_a_circle(saved: Path, wanted: str) -> None:
    """HDF5 itself never comes back from free space of size zero."""
    raw = bytearray(saved.read_bytes())
    first = raw.index(b"GCOL") + 16
    raw[first : first + 16] = bytes(16)
    saved.write_bytes(raw)
    with pytest.raises(ValueError, match="a heap of texts that does not end"):
        result_files._output(saved, wanted)


def test_a_heap_of_texts_larger_than_its_file(saved: Path) -> None:
    raw = bytearray(saved.read_bytes())
    size = raw.index(b"GCOL") + 8
    raw[size : size + 8] = (2**40).to_bytes(8, "little")
    saved.write_bytes(raw)
    with pytest.raises(ValueError, match="a heap of texts larger than the file"):
        read_draws(saved)


def a_link_to_a_file(file: h5py.File) -> None:
    file["posterior"]["more"] = h5py.ExternalLink("/etc/hostname", "/")


def a_link_to_a_place(file: h5py.File) -> None:
    file["posterior"]["more"] = h5py.SoftLink("/posterior")


def a_circle(file: h5py.File) -> None:
    file["posterior"]["more"] = file["posterior"]


def one_array_twice(file: h5py.File) -> None:
    file["posterior"]["more"] = file["posterior"]["class_probability"]


def values_of_another_file(file: h5py.File) -> None:
    file["posterior"].create_dataset("more", (8,), "u1", external=[("/etc/hostname", 0, 8)])


def values_elsewhere(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((4,), "f8")
    layout[:] = h5py.VirtualSource("other.nc", "x", (4,))
    file["posterior"].create_virtual_dataset("more", layout)


def a_chunk_to_unpack(file: h5py.File) -> None:
    """Four values, in a block of eight gigabytes once it is unpacked."""
    file["posterior"].create_dataset(
        "more", (4,), "f8", chunks=(10**9,), maxshape=(None,), compression="gzip"
    )


def groups_in_groups(file: h5py.File) -> None:
    file["posterior"].create_group("more")


def a_hidden_name(file: h5py.File) -> None:
    file["posterior"]["more\x1b[2J"] = 1.0


def a_record(file: h5py.File) -> None:
    file["posterior"].create_dataset("more", (1,), [("a", "f8"), ("b", "f8")])


def no_odds(file: h5py.File) -> None:
    del file["posterior"]["class_probability"]


def no_story(file: h5py.File) -> None:
    del file.attrs["meta"]


def another_meta(file: h5py.File) -> None:
    file.attrs["meta"] = 3


WRONG = {
    a_link_to_a_file: "a link to something else",
    a_link_to_a_place: "a link to something else",
    a_circle: "a group within a group",
    one_array_twice: "a part that hangs in two places",
    values_of_another_file: "values that are in other files",
    values_elsewhere: "values that are in other files",
    a_chunk_to_unpack: "more data than a file of this size can hold",
    groups_in_groups: "a group within a group",
    a_hidden_name: "a name that cannot be shown",
    a_record: "values of another type",
    no_story: "a file that is no result",
    no_odds: "a result without odds",
    another_meta: "does not say what it is",
}


@pytest.mark.parametrize("change", WRONG, ids=lambda change: change.__name__)
def test_what_no_result_has(saved: Path, change: Any) -> None:
    with h5py.File(saved, "r+") as file:
        change(file)
    with pytest.raises(ValueError, match=WRONG[change]):
        read_draws(saved)


@pytest.mark.parametrize("change", [a_circle, a_chunk_to_unpack, a_link_to_a_file])
def test_loading_takes_no_more_than_comparing(saved: Path, change: Any) -> None:
    load_result(saved)
    with h5py.File(saved, "r+") as file:
        change(file)
    with pytest.raises(InputError, match=WRONG[change]) as caught:
        load_result(saved)
    assert caught.value.problems[0].file == str(saved)


def test_loading_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        load_result(tmp_path / "none.nc")


def test_texts_that_share_one_long_one(saved: Path) -> None:
    """A file may hold a text once and mean it a million times."""
    with h5py.File(saved, "r+") as file:
        texts = file["posterior"].create_dataset("more", (10_000,), h5py.string_dtype())
        texts[0] = "x" * 100_000
    raw = saved.read_bytes()
    first = raw.index(b"x" * 100_000)
    assert first > 0
    with h5py.File(saved, "r") as file:
        start = file["posterior"]["more"].id.get_offset()
    reference = raw[start : start + 16]
    saved.write_bytes(raw[:start] + reference * 10_000 + raw[start + 160_000 :])
    with pytest.raises(InputError, match="more data than a file of this size can hold"):
        load_result(saved)


def no_scales(file: h5py.File) -> None:
    """Without the marks of its dimensions, an array goes with no label."""
    for group in file.values():
        for data in group.values():
            for name in ("DIMENSION_LIST", "REFERENCE_LIST", "CLASS", "_Netcdf4Coordinates"):
                data.attrs.pop(name, None)


def a_scale_that_is_gone(file: h5py.File) -> None:
    labels = file["posterior"]["fate"][...]
    del file["posterior"]["fate"]
    file["posterior"].create_dataset("fate", data=labels)


def no_answers(file: h5py.File) -> None:
    file.attrs["meta"] = "{}"


def half_a_text(file: h5py.File) -> None:
    file.attrs["meta"] = file.attrs["meta"][:300]


def no_chance(file: h5py.File) -> None:
    values = file["posterior"]["fate_probability"][...]
    values[0, 3, 0] = np.nan
    file["posterior"]["fate_probability"][...] = values


@pytest.mark.parametrize(
    "change", [no_scales, a_scale_that_is_gone, no_answers, half_a_text, no_chance]
)
def test_what_is_loaded_hangs_together(saved: Path, change: Any) -> None:
    with h5py.File(saved, "r+") as file:
        change(file)
    with pytest.raises(InputError, match="found") as caught:
        load_result(saved)
    (problem,) = caught.value.problems
    assert problem.file == str(saved) and problem.message.endswith(result_files.AS_SAVED)


@pytest.mark.parametrize("meta", ["", "{}", "[]", "null", '{"summary": {}}', '{"summary": 3}', 3])
def test_answers_that_are_none_are_refused(saved: Path, meta: Any) -> None:
    result = load_result(saved)
    assert summarize(result)["story"] == "by-hand"
    result.attrs["meta"] = meta
    with pytest.raises(InputError, match="found"):
        summarize(result)
    del result.attrs["meta"]
    with pytest.raises(InputError, match="found no answers"):
        summarize(result)
