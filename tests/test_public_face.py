"""The public names, few and documented, and commands that answer at once."""

import doctest
import inspect
import subprocess
import sys
from pathlib import Path

import pytest
from support.installed import ROOMS

import storyodds

HEAVY = {
    *("arviz", "arviz_stats", "h5py", "numba", "numpy", "nutpie", "pandas", "pymc", "pytensor"),
    *("scipy", "xarray"),
}
FUNCTIONS = [name for name in storyodds.__all__ if inspect.isfunction(getattr(storyodds, name))]


def test_public_names() -> None:
    assert storyodds.__all__ == [
        "InputError",
        "Story",
        "UnknownStoryError",
        "UnsupportedStoryError",
        "compare",
        "compile_story",
        "datasets",
        "estimate",
        "import_network",
        "import_open_psa",
        "import_sequence",
        "importance",
        "lint",
        "load_result",
        "load_story",
        "load_text",
        "placement",
        "read_judgments",
        "save_result",
        "sensitivity",
        "sequences",
        "summarize",
        "summarize_judgments",
        "to_yaml",
        "value",
    ]
    assert storyodds.__all__ == sorted(storyodds.__all__)
    assert set(storyodds.__all__) <= set(dir(storyodds))


def test_no_public_name_hides_a_room() -> None:
    assert not set(storyodds.__all__) & set(ROOMS)


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'simulate'"):
        _ = storyodds.simulate


@pytest.mark.parametrize("name", storyodds.__all__)
def test_every_public_name_has_an_example_that_runs(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    thing = getattr(storyodds, name)
    text = inspect.getdoc(thing) or ""
    assert "Examples\n--------\n>>> " in text
    monkeypatch.chdir(tmp_path)
    names = dict(vars(sys.modules[thing.__module__]))
    test = doctest.DocTestParser().get_doctest(text, names, name, None, None)
    assert test.examples
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    assert runner.run(test).failed == 0


@pytest.mark.parametrize("name", FUNCTIONS)
def test_docstrings_name_every_parameter(name: str) -> None:
    thing = getattr(storyodds, name)
    text = inspect.getdoc(thing) or ""
    assert "Parameters\n----------\n" in text
    assert "Returns\n-------\n" in text or inspect.signature(thing).return_annotation is None
    lines = text.split("Parameters\n----------\n")[1].split("\n\n")[0].splitlines()
    heads = (line.split(" : ")[0] for line in lines if not line.startswith(" "))
    names = {name.lstrip("*") for head in heads for name in head.split(", ")}
    assert names == set(inspect.signature(thing).parameters)


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["list"], ["show", "coinrun-agent"], ["check", "rlhf-assistant"]],
    ids=" ".join,
)
def test_these_commands_import_nothing_heavy(arguments: list[str]) -> None:
    assert heavy_imports(arguments) == set()


def test_what_is_heavy_is_noticed() -> None:
    assert "numpy" in heavy_imports(["estimate", "carlsmith-six-premises", "--json"])


def heavy_imports(arguments: list[str]) -> set[str]:
    """What a run of the command line leaves among the imported modules, of the heavy ones."""
    code = (
        "import sys\n"
        "from storyodds.cli import main\n"
        f"code = main({arguments!r})\n"
        "print(*{name.split('.')[0] for name in sys.modules}, file=sys.stderr)\n"
        "sys.exit(code)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return HEAVY & set(done.stderr.split())
