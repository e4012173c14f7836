"""The rules of the linter as a reader meets them: codes, explanations and examples.

One file of `rules/` for each. What they look for stands in the `lint_*` modules beside this one,
which imports none of them, so that the check of a story's `lint:` list may ask for the codes.
"""

import functools
import importlib.resources
from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from types import MappingProxyType
from typing import Any

from storyodds.priors.text.errors import InputError, Mistake
from storyodds.priors.text.phrases import did_you_mean, quoted
from storyodds.priors.text.records import Record, Slug, SourceField, Text
from storyodds.priors.text.yaml_reader import read_file
from storyodds.scenarios.grammar.names import items


class LintRule(Record):
    """A rule of the linter, explained.

    Attributes
    ----------
    rule : str
        The code, which does not change.
    title : str
        What it finds, in a few words.
    looks_for, why, fix : str
        A paragraph each.
    sources : tuple of Source
    example, better : str
        Parts of a story: one in which the rule finds something, and one put right.
    """

    rule: Slug
    title: Text
    looks_for: Text
    why: Text
    sources: tuple[SourceField, ...] = ()
    fix: Text
    example: Text
    better: Text


@functools.cache
def _files() -> Mapping[str, FilePath]:
    folder = FilePath(str(importlib.resources.files("storyodds.scenarios"))) / "rules"
    return MappingProxyType({path.stem: path for path in sorted(folder.glob("*.yaml"))})


def lint_codes() -> tuple[str, ...]:
    """List the codes of all rules.

    Examples
    --------
    >>> "behavioral-goal" in lint_codes()
    True
    """
    return tuple(_files())


@functools.cache
def lint_rule(code: str) -> LintRule:
    """Return a rule with its explanation.

    Raises
    ------
    InputError
        If there is no such rule, with the nearest code.

    Examples
    --------
    >>> lint_rule("idle-switch").title
    'a switched-off rule that would have found nothing'
    >>> lint_rule("idle-swich")
    Traceback (most recent call last):
        ...
    storyodds.priors.text.errors.InputError: found 'idle-swich', expected the code of a rule of the
    linter; did you mean 'idle-switch'?
    """
    if code not in _files():
        raise InputError(_unknown(code))
    return LintRule.model_validate(read_file(_files()[code]).data)


def switch_mistakes(data: Mapping[str, Any]) -> Iterator[Mistake]:
    """Find the codes of a story's `lint:` list that no rule has.

    Examples
    --------
    >>> [mistake] = switch_mistakes({"lint": [{"off": "no-hazzard", "reason": "A toy."}]})
    >>> mistake.path, mistake.sentence
    (('lint', 0, 'off'), "found 'no-hazzard', expected the code ...; did you mean 'no-hazard'?")
    """
    for index, switch in items(data.get("lint")):
        code = switch.get("off")
        if isinstance(code, str) and code not in _files():
            yield Mistake(("lint", index, "off"), _unknown(code))


def _unknown(code: str) -> str:
    hint = did_you_mean(code, _files()) or "; 'storyodds check --rules' lists every one"
    return f"found {quoted(code)}, expected the code of a rule of the linter{hint}"
