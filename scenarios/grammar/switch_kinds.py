"""The kinds of parts that can be switched off, as `--off KIND:ID` names them."""

from typing import Literal

Part = Literal["constraint", "nudge", "check", "evidence"]
Switch = Part | Literal["correlation"]
SWITCHES: tuple[Switch, ...] = ("constraint", "nudge", "check", "evidence", "correlation")
