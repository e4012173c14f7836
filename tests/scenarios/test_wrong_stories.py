"""One small file for each mistake that a person makes, and the very sentences they read.

The first lines of each file say what is expected: `# expect: line:column: key path: sentence`.
"""

from pathlib import Path

import pytest

from storyodds.priors.text.errors import InputError, render
from storyodds.scenarios.loader import load_story

MARK = "# expect: "
WRONG = sorted((Path(__file__).parent / "wrong_stories").glob("*.yaml"))


def expected(text: str) -> list[str]:
    """Read the sentences that a file says it will get."""
    lines = text.splitlines()
    return [line.removeprefix(MARK) for line in lines if line.startswith(MARK)]


def sentences(error: InputError) -> list[str]:
    """Give the first lines of an error's problems, without the file's name."""
    heads = [render(problem).splitlines()[0] for problem in error.problems]
    return [
        head.removeprefix(f"{problem.file}:")
        for head, problem in zip(heads, error.problems, strict=True)
    ]


@pytest.mark.parametrize("path", WRONG, ids=lambda path: path.stem)
def test_the_sentences(path: Path) -> None:
    with pytest.raises(InputError) as caught:
        load_story(path)
    assert sentences(caught.value) == expected(path.read_text(encoding="utf-8"))


def test_there_are_many_and_some_are_wrong_in_many_ways() -> None:
    counts = [len(expected(path.read_text(encoding="utf-8"))) for path in WRONG]
    assert len(WRONG) >= 100
    assert min(counts) >= 1
    assert max(counts) >= 12


@pytest.mark.parametrize("path", WRONG, ids=lambda path: path.stem)
def test_the_words_are_plain(path: Path) -> None:
    """No sentence shows the inside of Python or of pydantic to a person."""
    for sentence in expected(path.read_text(encoding="utf-8")):
        for word in ("Input should", "dict", "tuple", "None", "[type=", "NoneType", "validation"):
            assert word not in sentence
