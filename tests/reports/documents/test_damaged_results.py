"""Saved results with bytes or values changed, by seed: read as they are, or refused by name."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from support.building import on_a_class
from support.mutations import mutated

from storyodds.models.assessment.datatree import save_result
from storyodds.priors.distributions.forms import Beta
from storyodds.priors.text.errors import InputError
from storyodds.reports.api.estimate import estimate, summarize
from storyodds.reports.documents.comparison.saved import read_result, saved_side
from storyodds.reports.documents.comparison.whole import summarize_comparison

# Each .nc takes a process of its own; some thousands of both were run while this was made.
TREES, TEXTS = 12, 60


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Any:
    tree = estimate(on_a_class(Beta(beta=(2, 3))), draws=64)
    save_result(tree, tmp_path_factory.getbasetemp() / "sound.nc")
    return tree


def damaged(raw: bytes, random_: random.Random) -> bytes:
    """Change, cut out, repeat or move some bytes."""
    content = bytearray(raw)
    at, other = (random_.randrange(len(content) - 512) for _ in range(2))
    size = random_.choice((1, 1, 8, 64, 512))
    match random_.randrange(4):
        case 0:
            content[at : at + size] = random_.randbytes(size)
        case 1:
            content[at : at + size] = random_.choice((b"\x00", b"\xff")) * size
        case 2:
            content[at : at + size] = content[other : other + size]
        case _:
            del content[at : at + size]
    return bytes(content)


def read(path: Path) -> bool:
    """Read a result that may be wrong, and say whether it was read."""
    try:
        saved = read_result(path)
    except InputError as error:
        assert error.problems and all(problem.file == str(path) for problem in error.problems)
        return False
    assert saved.draws is None or (
        (saved.draws.events >= 0).all() and (saved.draws.events <= 1).all()
    )
    return True


def test_trees(result: Any, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    raw = (tmp_path_factory.getbasetemp() / "sound.nc").read_bytes()
    path, random_ = tmp_path / "result.nc", random.Random(3)
    path.write_bytes(raw)
    assert read(path)
    for _ in range(TREES):
        path.write_bytes(damaged(raw, random_))
        read(path)


def test_texts(result: Any, tmp_path: Path) -> None:
    """What is read is compared too, which leaves no NaN in what is written."""
    path, random_ = tmp_path / "result.json", random.Random(3)
    document = dict(summarize(result))
    raw = json.dumps(document).encode()
    path.write_bytes(raw)
    sound = saved_side(read_result(path))
    answers = 0
    for k in range(TEXTS):
        changed = json.dumps(mutated(document, random_, 1 + k % 3)).encode()
        path.write_bytes(damaged(raw, random_) if k % 3 == 0 else changed)
        if read(path):
            answers += 1
            sides = [saved_side(read_result(path)), sound]
            json.dumps(summarize_comparison(sides, draws=64), allow_nan=False)
    assert 0 < answers < TEXTS
