"""Values are named by nouns, and numbers say where they come from."""

import ast

import pytest
from support.installed import modules
from support.style import bare_constants, functions, local_names, no_nouns

CLEAN = ("priors", "scenarios", "models", "reports", "commands", "cli")
SOURCES = [(module, file.read_text("utf-8")) for module, file in modules()]


def names_that_are_no_nouns(source: str) -> list[str]:
    return [
        f"{function.name}: {', '.join(sorted(names))}"
        for function in functions(ast.parse(source))
        if (names := no_nouns(local_names(function)))
    ]


@pytest.mark.parametrize("room", CLEAN)
def test_local_names_are_nouns(room: str) -> None:
    own = [pair for pair in SOURCES if f"{pair[0]}.".startswith(f"storyodds.{room}.")]
    assert own
    faults = [
        f"{module}.{line}" for module, source in own for line in names_that_are_no_nouns(source)
    ]
    assert not faults, "\n".join(faults)


def test_every_number_of_a_module_has_a_reason() -> None:
    bare = [f"{module}.{name}" for module, source in SOURCES for name in bare_constants(source)]
    assert not bare, "\n".join(bare)


@pytest.mark.parametrize(
    ("source", "faults"),
    [
        ("def f(found):\n    pass", ["f: found"]),
        ("def f():\n    for it in ():\n        told = it", ["f: it, told"]),
        ("def f():\n    def g():\n        said = 1", ["g: said"]),
        ("def f():\n    left = 1", ["f: left"]),
        ("def f(left, right):\n    rows = [x for x in left]", []),
    ],
)
def test_a_name_that_is_no_noun_is_noticed(source: str, faults: list[str]) -> None:
    assert names_that_are_no_nouns(source) == faults


@pytest.mark.parametrize(
    ("source", "bare"),
    [
        ("DRAWS = 512", ["DRAWS"]),
        ("DRAWS = 512  # enough for two digits", []),
        ("# Enough for two digits.\nDRAWS = 512\n_MORE: int = 2 * 512", []),
        ("import os\n\nLIMIT = -(2**20)", ["LIMIT"]),
        ("NAMES = ('a', 'b')\nLEVEL = 'x'\nON = True", []),
    ],
)
def test_a_number_without_a_reason_is_noticed(source: str, bare: list[str]) -> None:
    assert list(bare_constants(source)) == bare
