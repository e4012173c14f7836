"""The command line, run in the process of the tests."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from storyodds.commands.console import json_text

SMALL = """\
story: small
title: A small story
goal: {specification: It does the task., desirability: The task is good.}
assumptions:
  aware: {claim: It knows., probability: 0.3}
routes:
  - {id: schemer, class: deceptive, claim: It hides., requires: aware, bits: [-2, 2], harm: 0.1}
  - {id: something-else, class: other, claim: The residual., bits: 0, harm: 0.05}
"""


class Ran(NamedTuple):
    """What a run of a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return document(self.out)


def as_told(value: Any) -> Any:
    """Give plain data with as many digits as the command line tells."""
    return json.loads(json_text(value))


type Run = Callable[..., Ran]


def document(text: str) -> Any:
    """Read a JSON document strictly."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON number")

    return json.loads(text, parse_constant=refuse)
