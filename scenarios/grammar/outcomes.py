"""The classes of model at which training may end, and the names that every story knows."""

from typing import Final, Literal

OutcomeClass = Literal["intended", "mesa-optimizer", "deceptive", "other"]
CLASSES: tuple[OutcomeClass, ...] = ("intended", "mesa-optimizer", "deceptive", "other")
INTENDED: Final = "intended"
RESIDUAL = "something-else"
DEFAULT = "default"
