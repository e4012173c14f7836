"""Saved results of anybody's, read in a process of its own that can be ended."""

import io
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from storyodds.models.assessment.result_reader import REFUSED
from storyodds.models.story.events import EVENTS as ALL_EVENTS
from storyodds.models.story.events import FATES, SUCCESS_FIRST
from storyodds.priors.text.errors import InputError, Problem
from storyodds.priors.text.json_reader import read_json
from storyodds.scenarios.grammar.outcomes import CLASSES

Array = NDArray[np.float64]

MAX_FILE = 4 * 2**30  # bytes: a million draws of some hundred numbers
_SECONDS = 10.0  # of a processor, to start a process and read a small file on a slow one
_BYTES_A_SECOND = 50e6  # that any disk reads
# Of a processor that a busy machine gives: the clock is waited for so many times longer, but not
# where nothing counts what a process takes of a processor.
_SHARE = 0.1 if hasattr(signal, "SIGXCPU") else 1.0
_SUM = 1e-6  # by which chances of everything may miss 1


@dataclass(frozen=True)
class SavedDraws:
    """What a saved result says of itself, and the odds at its draws.

    Attributes
    ----------
    meta : dict
        `summary`, and `story_yaml`.
    events : (n_draws, n_events) array
        By `events.SUCCESS_FIRST`.
    """

    meta: dict[str, Any]
    events: Array


def read_draws(path: Path) -> SavedDraws:
    """Read the odds out of a saved result, whatever the file is.

    Parameters
    ----------
    path : Path

    Returns
    -------
    SavedDraws

    Raises
    ------
    ValueError
        With what is wrong.
    OSError
        If it cannot be read.
    """
    return _draws(_output(path, "odds"))


def _draws(output: bytes) -> SavedDraws:
    """Hold what the reader wrote to what a result has."""
    with np.load(io.BytesIO(output), allow_pickle=False) as arrays:
        parts = {name: arrays[name] for name in arrays.files}
    classes, fates = parts["class_probability"], parts["fate_probability"]
    shape = classes.shape[:2]
    if classes.shape != (*shape, len(CLASSES)) or fates.shape != (*shape, len(FATES)):
        raise ValueError("found draws of another shape")
    if 0 in shape or parts["class"].tolist() != list(CLASSES) or parts["fate"].tolist() != [*FATES]:
        raise ValueError("found draws of other events")
    for chances in (classes, fates):
        sums = chances.sum(axis=2)
        if not (np.all(chances >= -_SUM) and np.all(abs(sums - 1) <= _SUM)):  # NaN is neither
            raise ValueError("found draws that are no chances")
    events = np.concatenate([classes, fates], axis=2).reshape(-1, len(ALL_EVENTS))
    columns = [ALL_EVENTS.index(event) for event in SUCCESS_FIRST]
    return SavedDraws(read_json(parts["meta"].tobytes()), np.clip(events[:, columns], 0.0, 1.0))


def require_sound(path: Path) -> None:
    """Read all of a saved result once, where that can do no harm.

    Parameters
    ----------
    path : Path

    Raises
    ------
    InputError
        If it is no result, or damaged, or would unpack into more than it can hold.
    """
    if not path.is_file():
        raise InputError([Problem("found no such file, expected a saved result", str(path))])
    try:
        meta = _draws(_output(path, "whole")).meta
    except ValueError as error:
        raise refused(path, error) from None
    if not isinstance(meta, dict) or not isinstance(meta.get("summary"), dict):
        raise refused(path, ValueError("found a result without its answers"))


def refused(path: Path, error: Exception) -> InputError:
    """Word that a file is no result, or damaged, by what went wrong as it was read."""
    why = str(error) if str(error).startswith("found") else _DAMAGED
    return InputError([Problem(f"{why}, {AS_SAVED}", str(path))])


AS_SAVED = "expected a result as storyodds estimate --output saves it"


def _output(path: Path, part: str) -> bytes:
    """Run the reader, for the `odds` or for the `whole` of a file."""
    size = path.stat().st_size
    if size > MAX_FILE:
        raise ValueError(f"found {size:,} bytes, more than any result has")
    reader = Path(__file__).with_name("result_reader.py")
    seconds = _SECONDS + size / _BYTES_A_SECOND
    try:
        read = subprocess.run(
            [sys.executable, "-P", str(reader), str(path), part, str(seconds)],
            capture_output=True,
            check=True,
            stdin=subprocess.DEVNULL,
            timeout=seconds / _SHARE,
        )
    except subprocess.TimeoutExpired:
        raise ValueError(_ENDLESS) from None
    except subprocess.CalledProcessError as error:
        if error.returncode == -getattr(signal, "SIGXCPU", 0):
            raise ValueError(_ENDLESS) from None
        sentence = error.stderr.decode().strip() if error.returncode == REFUSED else _DAMAGED
        raise ValueError(sentence) from None
    return read.stdout


_ENDLESS = "found a file that cannot be read to its end"
_DAMAGED = "found a file that is damaged, or no result"
