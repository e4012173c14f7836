"""The command that looks a story over, and says what its findings mean."""

import shutil
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import click

from storyodds.commands.console import WRONG_INPUT, hanging, json_option, plain_problem, write_json
from storyodds.commands.options import load_one
from storyodds.priors.text.errors import InputError, Problem, shown

if TYPE_CHECKING:
    from storyodds.priors.text.records import Source
    from storyodds.scenarios.lint.linter import Finding
    from storyodds.scenarios.shared.lint_rules import LintRule
    from storyodds.scenarios.story import Story

ALL = "all"
_MOST_PLACES = 6  # lines named in a sentence, which counts the others
_WIDTH = 88  # columns: longer lines are hard to read


@click.command(short_help="Every mistake of every file, and what a reader would ask about.")
@click.argument("stories", nargs=-1, metavar="STORY...")
@json_option
@click.option("--strict", is_flag=True, help="Exit with 2 for lint findings too.")
@click.option(
    "--explain",
    metavar="CODE",
    help="Say what a rule looks for, why, and how to put it right; 'all' for every rule.",
)
@click.option("--rules", "listed", is_flag=True, help="List the codes of all rules.")
def check(
    stories: tuple[str, ...], as_json: bool, strict: bool, explain: str | None, listed: bool
) -> None:
    """Every mistake of every file, and what a careful reader would ask about.

    What a reader would ask about is found by rules, each with a code. A story switches a rule off
    in its `lint` list, with a reason.
    """
    if explain is not None or listed:
        if stories or (explain is not None and listed):
            raise click.UsageError("--explain and --rules each stand alone, without a STORY.")
        _tell_rules(explain, as_json)
        return
    if not stories:
        raise click.UsageError("Missing argument 'STORY...'.")
    results = [_look_over(name, as_json) for name in stories]
    if as_json:
        write_json({"schema": "storyodds/check/1", "stories": results})
    wrong = any(not result["ok"] for result in results)
    if wrong or (strict and any(result["findings"] for result in results)):
        raise click.exceptions.Exit(WRONG_INPUT)


def _look_over(name: str, quiet: bool) -> dict[str, Any]:
    """Read and lint one story, tell what is found unless told not to, and give it as data."""
    from storyodds.priors.text.errors import render
    from storyodds.scenarios.lint.linter import lint

    story: Story | None = None
    problems: tuple[Problem, ...] = ()
    findings: list[Finding] = []
    try:
        story = load_one(name)
        findings = lint(story)
        _require_possible(story)
    except InputError as error:
        problems = tuple(error.problems)
    if not quiet:
        for problem in problems:
            click.echo(render(problem), err=True)
        for finding in findings:
            click.echo(_wrapped(_line(name, finding)))
        if not problems:
            click.echo(_wrapped(f"{_called(name)}: ok{_counted(len(findings))}"))
    return {
        "story": name,
        "file": story.document.file if story is not None and story.document else None,
        "ok": not problems,
        "problems": [plain_problem(problem) for problem in problems],
        "findings": [finding.as_dict() for finding in findings],
    }


def _require_possible(story: "Story") -> None:
    """Refuse a story whose evidence cannot come about, as every command that computes does.

    Nothing is summed where nothing in the story is certain, and so nothing impossible.

    Raises
    ------
    InputError
        At the place of the evidence.
    """
    from storyodds.scenarios.lint.certainties import may_be_impossible

    if not may_be_impossible(story):
        return
    from storyodds.models.posterior.impossible import impossibility, possible_at_all
    from storyodds.models.posterior.prepared import prepare
    from storyodds.priors.text.errors import UnsupportedStoryError
    from storyodds.scenarios.resolve import resolve

    try:
        prepared = prepare(resolve(story))
    except UnsupportedStoryError:  # too large to sum: an estimate says so too
        return
    if not possible_at_all(prepared):
        raise InputError([impossibility(prepared)])


def _called(name: str) -> str:
    return "<stdin>" if name == "-" else shown(name)


def _counted(findings: int) -> str:
    if not findings:
        return ""
    return f", {findings} finding{'s' * (findings > 1)} (check --explain CODE says more)"


def _line(name: str, finding: "Finding") -> str:
    """A finding as one line: its place, the sentence, the code, and where else it is so."""
    place = ":".join(str(part) for part in (_called(name), *finding.place.line_and_column))
    lines = sorted({other.line for other in finding.also if other.line} - {finding.place.line})
    more = ""
    if lines:
        rest = len(lines) - _MOST_PLACES
        listed = ", ".join(map(str, lines[:_MOST_PLACES]))
        more = f"; also line{'s' * (len(lines) > 1)} {listed}"
        more += f" and {rest} more" if rest > 0 else ""
    return f"{place}: {shown(finding.sentence)}{more} [{finding.code}]"


def _wrapped(line: str) -> str:
    """A line for a terminal, wrapped between words; a pipe gets it whole."""
    if sys.stdout is None or not sys.stdout.isatty():
        return line
    columns = max(shutil.get_terminal_size().columns, 40)
    return textwrap.fill(
        line, columns, subsequent_indent="    ", break_on_hyphens=False, break_long_words=False
    )


def _tell_rules(code: str | None, as_json: bool) -> None:
    """Tell one rule, every rule, or the list of them."""
    from storyodds.scenarios.shared.lint_rules import lint_codes, lint_rule

    if code in (None, ALL):
        rules = [lint_rule(name) for name in lint_codes()]
    else:
        try:
            rules = [lint_rule(str(code))]
        except InputError as error:
            raise InputError(f"--explain: {error.problems[0].message}") from None
    if as_json:
        plain = [rule.model_dump(mode="json", exclude_none=True) for rule in rules]
        write_json({"schema": "storyodds/rules/1", "rules": plain})
    elif code is None:
        widest = max(len(rule.rule) for rule in rules)
        for rule in rules:
            click.echo(hanging(f"{rule.rule:<{widest}}  ", rule.title))
    else:
        click.echo("\n\n".join(_explained(rule) for rule in rules))


def _explained(rule: "LintRule") -> str:
    """A rule in sections, wrapped to the terminal, the examples as they would stand in a file."""
    width = min(shutil.get_terminal_size().columns, _WIDTH)

    def paragraph(text: str) -> str:
        return textwrap.fill(
            text, width, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False
        )

    def citation(source: "Source") -> str:
        words = f"{source.cite} ({source.note})" if source.note else source.cite
        filled = textwrap.fill(
            words, width, initial_indent="  - ", subsequent_indent="    ", break_on_hyphens=False
        )
        return f"{filled}\n    {source.url}" if source.url else filled

    sections = [
        paragraph(f"{rule.rule}: {rule.title}").lstrip(),
        f"What it looks for\n{paragraph(rule.looks_for)}",
        "\n".join([f"Why it matters\n{paragraph(rule.why)}", *map(citation, rule.sources)]),
        f"What to do\n{paragraph(rule.fix)}",
        f"For example\n{textwrap.indent(rule.example.rstrip(), '  ')}",
        f"Better\n{textwrap.indent(rule.better.rstrip(), '  ')}",
    ]
    return "\n\n".join(sections)
