"""README and docs tell the truth: what they show is run again and compared, letter by letter."""

import doctest
import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from storyodds.cli import cli
from storyodds.scenarios.loader import load_text
from storyodds.scenarios.shared.lint_rules import lint_codes

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


def module_of(path: Path) -> Any:
    """A program of `docs/`, which is no package."""
    spec = importlib.util.spec_from_file_location(f"docs_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


fill = module_of(DOCS / "fill.py")
TEXTS = {str(page.relative_to(ROOT)): page.read_text(encoding="utf-8") for page in fill.PAGES}
ALL = "\n".join(TEXTS.values())
SHOWN = [(page, command) for page, text in TEXTS.items() for command in fill.shown_commands(text)]


def runs() -> dict[tuple[str, tuple[tuple[str, str], ...]], list[tuple[str, str]]]:
    """What is shown, by the command as it is run once for every page, and the files beside it."""
    shown: dict[Any, list[tuple[str, str]]] = {}
    for page, command in SHOWN:
        whole, files = fill.without_head(command)[0], fill.files_of(TEXTS[page])
        beside = tuple((name, content) for name, content in files.items() if name in whole)
        shown.setdefault((whole, beside), []).append((page, command))
    return shown


RUNS = runs()
MOST_README_LINES = 200  # of which a newcomer reads the first fifty


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run[0])
def test_shown_output(run: tuple[str, tuple[tuple[str, str], ...]], tmp_path: Path) -> None:
    command, files = run
    for name, content in files:
        (tmp_path / name).write_text(content, encoding="utf-8")
    text = fill.output(command, tmp_path)
    for page, shown in RUNS[run]:
        lines = fill.first_lines(text, fill.without_head(shown)[1])
        expected = fill.shown_commands(TEXTS[page])[shown]
        assert expected == lines, f"{page}: `make outputs` writes the present output"


@pytest.mark.parametrize("name", fill.MAKERS)
def test_generated_parts_are_current(name: str) -> None:
    parts = [part["body"] for part in fill.GENERATED.finditer(ALL) if part["name"] == name]
    assert parts == [f"\n{fill.MAKERS[name]()}\n\n"], "`make outputs` renews it"


def test_pages_are_filled() -> None:
    assert len(SHOWN) > 30
    assert len(TEXTS["README.md"].splitlines()) <= MOST_README_LINES


def test_another_output_is_noticed(tmp_path: Path) -> None:
    page = "```console\n$ storyodds --version\nstoryodds 0\n```\n"
    assert fill.filled(page) != page
    assert fill.filled(fill.filled(page)) == fill.filled(page)


@pytest.mark.parametrize("page", TEXTS)
def test_python_sessions(page: str) -> None:
    for session in re.findall(r"```python\n((?:(?!```).*\n)*)```\n", TEXTS[page]):
        test = doctest.DocTestParser().get_doctest(session, {}, page, page, 0)
        assert doctest.DocTestRunner().run(test).failed == 0


def options(command: click.Command) -> set[str]:
    return {option for parameter in command.params for option in parameter.opts}


def test_commands_and_options_exist() -> None:
    assert isinstance(cli, click.Group)
    for line in re.findall(r"(?:`|\$ |\| )storyodds ([^`|\n]*)", ALL):
        name, *arguments = line.split()
        if name.startswith("-"):
            continue
        assert name in cli.commands, line
        for argument in arguments:
            if argument.startswith("-") and argument not in ("-", "--help"):
                assert argument.partition("=")[0] in options(cli.commands[name]), line
    every = set().union(*map(options, cli.commands.values()))
    assert set(re.findall(r"`(--[a-z-]+)", ALL)) <= every | {"--help", "--version"}


def test_every_command_rule_and_option_is_documented() -> None:
    for name, command in cli.commands.items():
        assert f"storyodds {name}" in TEXTS["README.md"]
        for option in options(command):
            assert not option.startswith("--") or option in TEXTS["docs/reference/commands.md"]
    for code in lint_codes():
        assert f"## {code}\n" in TEXTS["docs/reference/rules.md"]


def test_every_form_of_a_number_is_read() -> None:
    table = TEXTS["docs/reference/story-format.md"].partition("takes any of these")[2]
    forms = re.findall(r"^\| `([0-9\[{].*?)` \|", table.partition("## A formula")[0], re.M)
    assert len(forms) == 13
    for form in forms:
        bits, harm = (form, "0") if "1.5" in form else ("0", form)
        load_text(
            "{story: s, title: T, goal: {specification: S, desirability: D}, numbers: "
            "{traces-are-visible: {uniform: [0, 1], kind: probability}}, routes: "
            f"[{{id: something-else, class: other, bits: {bits}, harm: {harm}}}]}}"
        )


def test_every_page_is_in_the_contents() -> None:
    listed = set(re.findall(r"^([\w/-]+)$", TEXTS["docs/index.md"], re.M))
    pages = {
        str(path.relative_to(DOCS).with_suffix("")) for path in fill.PAGES if DOCS in path.parents
    }
    assert pages - {"index"} == listed


@pytest.mark.parametrize("page", TEXTS)
def test_links_stay_inside(page: str) -> None:
    for link in re.findall(r"\]\((?!https://)([^)#]*)(?:#[^)]*)?\)", TEXTS[page]):
        assert (ROOT / page).parent.joinpath(link).exists(), link
