"""Saved results of anybody's: sound, damaged, too large, and without an end."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from support.building import on_a_class

from storyodds.models import result_files
from storyodds.models.comparison import EVENTS
from storyodds.models.datatree import save_result
from storyodds.models.events import FATES
from storyodds.models.result_files import read_draws
from storyodds.priors.forms import Beta
from storyodds.reports.results import estimate
from storyodds.scenarios.schema import CLASSES


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "old.nc"
    save_result(estimate(on_a_class(Beta(beta=(2, 3))), draws=64), path)
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
    with pytest.raises(ValueError, match="damaged"):
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
